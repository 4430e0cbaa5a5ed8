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

/// Returns the meaning of the name of a field.
pub(super) fn meaning(_: &str, normalized: &str) -> FieldName {
    let ends = |ends: &[&str]| ends.iter().any(|end| normalized.ends_with(end));
    FieldName::default()
        .and_if(PERSON_PARTS.iter().any(|part| normalized.contains(part)), FieldName::PERSON)
        .and_if(ends(&THING_ENDS), FieldName::THING)
        .and_if(ends(&ACCOUNT_ENDS), FieldName::ACCOUNT)
}
