//! Every text of a record with the name of its field, and what the name says of it.

use serde_json::{Map, Value};

use super::json;

/// How deep JSON may stand as a text in JSON.
const MAX_TEXTS_IN_TEXTS: usize = 4;

/// Calls `each` with every text of a record: the names of the fields on the way to it, the outermost first, and the text.
///
/// An entry that has a `Name` and a `Value` stands for a field of that name. JSON that is written as a text is read as
/// what it is. Members come in the order of their names, so that the layout of a record plays no part.
pub(super) fn walk(record: &Map<String, Value>, each: &mut dyn FnMut(&[&str], &str)) {
    for (name, value) in in_order(record) {
        visit(&mut vec![name], value, MAX_TEXTS_IN_TEXTS, each);
    }
}

fn visit<'a>(path: &mut Vec<&'a str>, value: &'a Value, texts: usize, each: &mut dyn FnMut(&[&str], &str)) {
    crate::steps::advance(1);
    match value {
        Value::Object(members) => {
            let pair = ["Name", "name", "Key", "key"].iter().find_map(|name| members.get(*name)?.as_str());
            let is_pair = members.len() <= 4 && members.keys().any(|name| name.to_ascii_lowercase().ends_with("value"));
            for (name, value) in in_order(members) {
                let is_value = is_pair && name.to_ascii_lowercase().ends_with("value");
                path.push(pair.filter(|_| is_value).unwrap_or(name));
                visit(path, value, texts, each);
                path.pop();
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| visit(path, entry, texts, each)),
        Value::String(text) => match inner(text).filter(|_| texts > 0) {
            Some(inner) => visit_inner(path, &inner, texts - 1, each),
            None => each(path, text),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Visits what a text holds, which does not live as long as the names on the way to it.
fn visit_inner(path: &[&str], inner: &Value, texts: usize, each: &mut dyn FnMut(&[&str], &str)) {
    visit(&mut path.to_vec(), inner, texts, each);
}

/// The JSON that is written as a text.
fn inner(text: &str) -> Option<Value> {
    text.trim_start().starts_with(['{', '[']).then(|| json::parse(text).ok()).flatten()
}

fn in_order(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    // Not left to the map: another crate can switch it to insertion order by a feature of `serde_json`.
    let mut members: Vec<(&str, &Value)> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// What the name of a field says of the ids in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Names people.
    Person,
    /// Names something else: a tenant, a site, a rule, a message.
    Thing,
    /// Says nothing.
    Unsaid,
}

/// Parts of names of fields that hold people.
const PEOPLE: [&str; 31] = [
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
    "suid",
    "tuid",
    "f3u",
    "eid",
    "entity",
    "mailbox",
    "target",
    "person",
    "manager",
    "approver",
    "delegate",
];

/// Ends of names of fields that hold the id of something else than a person.
const THINGS: [&str; 37] = [
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
    "agent",
];

impl Subject {
    pub(super) fn of(path: &[&str]) -> Self {
        let Some(name) = path.last().map(|name| plain(name)) else { return Self::Unsaid };
        if THINGS.iter().any(|end| name.ends_with(end)) || (path.len() == 1 && name == "id") {
            return Self::Thing;
        }
        let is_persons = |name: &&str| {
            let name = plain(name);
            PEOPLE.iter().any(|part| name.contains(part))
        };
        // `Members[].Id` is whose the outer name says.
        if path.iter().any(is_persons) { Self::Person } else { Self::Unsaid }
    }
}

/// The name of a field in lower case, without punctuation: `enduser.principal_name` is `enduserprincipalname`.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
