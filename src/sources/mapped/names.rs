//! The meaning of names of fields in records of any source.

use crate::sources::field_names::FieldName;

/// Ends of the names of fields that contain the id of something else than a person, without punctuation.
const THING_ENDS: [&str; 39] = [
    "accesskeyid",
    "activityid",
    "aggregateid",
    "alertid",
    "apiid",
    "appid",
    "applicationid",
    "clientid",
    "conversationid",
    "correlationid",
    "credentialid",
    "customerid",
    "deviceid",
    "deviceuuid",
    "documentid",
    "etag",
    "eventid",
    "eventtypeid",
    "eventuuid",
    "externalsessionid",
    "insertid",
    "instanceid",
    "keyid",
    "messageid",
    "organizationid",
    "operationid",
    "orgid",
    "policyid",
    "requestid",
    "requestuuid",
    "resourceid",
    "sessionid",
    "sessionuuid",
    "subscriptionid",
    "tenantid",
    "tokenid",
    "traceid",
    "transactionid",
    "useragent",
];

/// Ends of the names of fields in which a text of no special form is an account name, without punctuation.
const ACCOUNT_ENDS: [&str; 22] = [
    "account",
    "accountid",
    "accountname",
    "actor",
    "alias",
    "alternateid",
    "assignee",
    "entityid",
    "identity",
    "login",
    "loginname",
    "mailbox",
    "member",
    "members",
    "nickname",
    "owner",
    "principal",
    "sender",
    "upn",
    "user",
    "userid",
    "username",
];

/// Parts of the names of fields that contain people, without punctuation.
const PERSON_PARTS: [&str; 22] = [
    "account",
    "actor",
    "agent",
    "approver",
    "assignee",
    "author",
    "creator",
    "delegate",
    "email",
    "employee",
    "entity",
    "identity",
    "initiatedby",
    "mailbox",
    "member",
    "owner",
    "person",
    "principal",
    "recipient",
    "sender",
    "target",
    "user",
];

/// Names of fields that contain an account name within a field of a person, without punctuation.
const PARTS_OF_PERSON: [&str; 5] = ["id", "login", "name", "uid", "uuid"];

/// Returns the meaning of the name of a field.
pub(super) fn meaning(name: &str, normalized: &str) -> FieldName {
    let ends = |ends: &[&str]| ends.iter().any(|end| normalized.ends_with(end));
    let is_of_person = PERSON_PARTS.iter().any(|part| normalized.contains(part));
    let is_of_thing = ends(&THING_ENDS);
    // `owner.id` is the `id` of the `owner`.
    let last = name.rsplit_once('.').map_or("", |(_, last)| last);
    let is_part = |name: &str| PARTS_OF_PERSON.iter().any(|part| name.eq_ignore_ascii_case(part));
    FieldName::default()
        .and_if(is_of_person, FieldName::PERSON)
        .and_if(is_of_thing, FieldName::THING)
        .and_if(ends(&ACCOUNT_ENDS) || (is_of_person && !is_of_thing && is_part(last)), FieldName::ACCOUNT)
        .and_if(is_part(normalized), FieldName::PART_OF_PERSON)
}
