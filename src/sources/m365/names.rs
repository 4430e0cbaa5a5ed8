//! The meaning of the names of fields in Microsoft 365 records.

use super::field::Field;
use crate::sources::field_names::FieldName;

/// The field is one of the actor, whose technical ids are not objects.
pub(super) const ACTOR: FieldName = FieldName::of_source(0);
/// The field is part of a list of settings, changes or targets, which can contain any word.
pub(super) const SETTING: FieldName = FieldName::of_source(1);
/// The field is one of the sender of a message or of the owner of a mailbox.
pub(super) const SENDER_OR_OWNER: FieldName = FieldName::of_source(2);
/// If the field is in no other, every text in it names a principal.
pub(super) const NAME_OF_PRINCIPAL: FieldName = FieldName::of_source(3);
/// The field contains principals, among other texts.
pub(super) const BEHALF: FieldName = FieldName::of_source(4);
/// The field contains the token of an application.
pub(super) const TOKEN: FieldName = FieldName::of_source(5);
/// In a token, the field contains the user.
pub(super) const USER_OF_TOKEN: FieldName = FieldName::of_source(6);
/// In a token, the field contains the session of the user.
pub(super) const SESSION: FieldName = FieldName::of_source(7);
/// If the field is in no other, it contains the user.
pub(super) const USER_OF_RECORD: FieldName = FieldName::of_source(8);

/// Names of fields in alerts that contain people.
const ALERT_FIELDS: [&str; 4] = ["suid", "tuid", "f3u", "eid"];

/// Parts of the names of fields that contain people.
const PERSON_PARTS: [&str; 31] = [
    "user",
    "actor",
    "owner",
    "sender",
    "from",
    "recipient",
    "account",
    "principal",
    "upn",
    "member",
    "author",
    "modifier",
    "creator",
    "createdby",
    "modifiedby",
    "attendee",
    "participant",
    "organizer",
    "employee",
    "identity",
    "entity",
    "mailbox",
    "target",
    "person",
    "manager",
    "approver",
    "delegate",
    "trustee",
    "assigned",
    "agent",
    "initiatedby",
];

/// Ends of the names of fields that contain the id of something else than a person.
const THING_ENDS: [&str; 37] = [
    "correlationid",
    "organizationid",
    "tenantid",
    "contextid",
    "siteid",
    "site",
    "webid",
    "listid",
    "uniqueid",
    "itemid",
    "sessionid",
    "requestid",
    "appid",
    "applicationid",
    "policyid",
    "ruleid",
    "incidentid",
    "deviceid",
    "messageid",
    "conversationid",
    "threadid",
    "eventid",
    "instanceid",
    "reportid",
    "datasetid",
    "workspaceid",
    "environmentid",
    "flowid",
    "alertid",
    "labelid",
    "teamguid",
    "channelguid",
    "collectionguid",
    "sensitivetype",
    "tokenid",
    "etag",
    "useragent",
];

/// Ends of the names of fields in which a text of no other form is an account name.
const ACCOUNT_ENDS: [&str; 16] = [
    "userid",
    "username",
    "user",
    "upn",
    "accountname",
    "account",
    "login",
    "owner",
    "sender",
    "identity",
    "alias",
    "mailbox",
    "trustee",
    "entityid",
    "attendees",
    "members",
];

/// Returns the meaning of the name of a field.
pub(super) fn meaning(name: &str, normalized: &str) -> FieldName {
    let is = |names: &[&str]| names.contains(&normalized);
    let starts = |heads: &[&str]| heads.iter().any(|head| normalized.starts_with(head));
    let ends = |ends: &[&str]| ends.iter().any(|end| normalized.ends_with(end));
    let contains = |parts: &[&str]| parts.iter().any(|part| normalized.contains(part));
    let is_of_behalf =
        contains(&["onbehalfof", "impersonat"]) || starts(&["enduser", "initiatedby", "performedby", "executedby"]);
    let is_name_of_principal =
        is(&["userupn", "onbehalfof", "onbehalfofuser", "actoruserid", "actorupn", "impersonateduser"]);
    let is_session = normalized == "aadsessionid";
    FieldName::default()
        .with_number(Field::number_of(name))
        .and_if(contains(&PERSON_PARTS) || is(&ALERT_FIELDS), FieldName::PERSON)
        .and_if(ends(&THING_ENDS), FieldName::THING)
        .and_if(ends(&ACCOUNT_ENDS) || is(&ALERT_FIELDS), FieldName::ACCOUNT)
        .and_if(is_of_behalf, BEHALF.and(FieldName::PRINCIPAL))
        .and_if(is_name_of_principal, NAME_OF_PRINCIPAL.and(FieldName::KEPT))
        .and_if(is_session, SESSION.and(FieldName::KEPT))
        .and_if(
            is(&["userid", "userkey", "actor", "usertype", "logonusersid", "mailboxownersid", "mailboxguid"]),
            ACTOR,
        )
        .and_if(starts(&["parameters", "modifiedproperties", "target", "recipient"]), SETTING)
        .and_if(starts(&["send", "mailbox"]), SENDER_OR_OWNER)
        .and_if(normalized == "appaccesscontext", TOKEN)
        .and_if(is(&["userobjectid", "userid", "userupn", "userprincipalname", "upn"]), USER_OF_TOKEN)
        .and_if(normalized == "userprincipalname", USER_OF_RECORD)
}
