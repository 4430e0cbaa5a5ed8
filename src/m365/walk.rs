//! Every text of a record with the names of the fields that lead to it, and what the names say of it.

use serde_json::{Map, Number, Value};

use super::json;

/// How deep JSON may stand as a text in JSON.
const MAX_TEXTS_IN_TEXTS: usize = 8;

/// How much of the name of a field is looked at, in bytes.
const MAX_NAME: usize = 128;

/// The name of a field, in lower case without punctuation, and what it says. Made once, however much is in the field.
pub(super) struct Field {
    pub(super) name: String,
    names_people: bool,
    names_things: bool,
    is_account: bool,
    /// Whether it is a part of a list of settings or of changes, in which any word can stand.
    is_setting: bool,
}

/// A text on the way through a record.
pub(super) struct Text<'a> {
    /// The fields that lead to it, the outermost first.
    pub(super) path: &'a [Field],
    pub(super) text: &'a str,
    /// Whether it is itself the name of a field.
    pub(super) is_name: bool,
}

/// What the fields of a text say of the ids in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// They are of people.
    Person,
    /// They are of something else: a tenant, a site, a rule, a message.
    Thing,
    /// They may be either.
    Unsaid,
}

/// Names of fields of alerts that contain people.
const CODES: [&str; 4] = ["suid", "tuid", "f3u", "eid"];

/// Parts of names of fields that contain people.
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

/// Ends of names of fields that contain the id of something else than a person.
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
    "useragent",
];

/// Ends of names of fields that contain an account name, if nothing else.
const ACCOUNTS: [&str; 16] = [
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

impl Field {
    fn of(name: &str) -> Self {
        let end = (0..=name.len().min(MAX_NAME)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        let name = plain(name.get(..end).unwrap_or_default());
        Self {
            names_people: PEOPLE.iter().any(|part| name.contains(part)) || CODES.contains(&&*name),
            names_things: THINGS.iter().any(|end| name.ends_with(end)),
            is_account: ACCOUNTS.iter().any(|end| name.ends_with(end)) || CODES.contains(&&*name),
            is_setting: ["parameters", "modifiedproperties", "target", "recipient"]
                .iter()
                .any(|head| name.starts_with(head)),
            name,
        }
    }
}

impl Text<'_> {
    pub(super) fn subject(&self) -> Subject {
        match self.path.last() {
            Some(field) if field.names_things || (self.path.len() == 1 && field.name == "id") => Subject::Thing,
            // `Members[].Id` is whose the outer name says.
            _ if self.path.iter().any(|field| field.names_people) => Subject::Person,
            _ => Subject::Unsaid,
        }
    }

    /// Whether it may be an account name that is nothing else.
    pub(super) fn is_account(&self) -> bool {
        self.path.last().is_some_and(|field| field.is_account) && !self.is_name
    }

    /// The name of the outermost field.
    pub(super) fn outermost(&self) -> &str {
        self.path.first().map_or("", |field| &field.name)
    }

    /// The name of the innermost field.
    pub(super) fn innermost(&self) -> &str {
        self.path.last().map_or("", |field| &field.name)
    }

    /// Whether it is one of a list of settings, changes or targets.
    pub(super) fn is_setting(&self) -> bool {
        self.path.iter().any(|field| field.is_setting)
    }
}

/// Calls `each` with every text of a record; returns whether all of it was visited.
///
/// An entry that has a `Name` and a `Value` stands for a field of that name. JSON that is written as a text is read as
/// what it is, up to some depth. Names of fields are texts too, because some are addresses. Members come in the order of
/// their names, so that the layout of a record plays no part.
pub(super) fn walk(record: &Map<String, Value>, each: &mut dyn FnMut(&Text<'_>)) -> bool {
    let mut walk = Walk { path: Vec::new(), texts: MAX_TEXTS_IN_TEXTS, is_whole: true, each };
    walk.members(record);
    walk.is_whole
}

struct Walk<'e> {
    path: Vec<Field>,
    /// How deep JSON may still stand as a text.
    texts: usize,
    is_whole: bool,
    each: &'e mut dyn FnMut(&Text<'_>),
}

impl Walk<'_> {
    fn members(&mut self, members: &Map<String, Value>) {
        let pair = ["Name", "name", "Key", "key"].iter().find_map(|name| members.get(*name)?.as_str());
        let is_value =
            |name: &str| name.get(name.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("value"));
        let pair = pair.filter(|_| members.len() <= 4 && members.keys().any(|name| is_value(name)));
        for (name, value) in in_order(members) {
            self.path.push(Field::of(pair.filter(|_| is_value(name)).unwrap_or(name)));
            if name.contains(['@', '\\', '-', '|']) {
                (self.each)(&Text { path: &self.path, text: name, is_name: true });
            }
            self.value(value);
            self.path.pop();
        }
    }

    fn value(&mut self, value: &Value) {
        crate::steps::advance(1);
        match value {
            Value::Object(members) => self.members(members),
            Value::Array(entries) => entries.iter().for_each(|entry| self.value(entry)),
            Value::String(text) => self.text(text),
            Value::Number(number) => {
                if let Some(digits) = digits(number) {
                    (self.each)(&Text { path: &self.path, text: &digits, is_name: false });
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(inner) = inner(text) {
            if self.texts > 0 {
                self.texts -= 1;
                self.value(&inner);
                self.texts += 1;
                return;
            }
            self.is_whole = false;
        }
        (self.each)(&Text { path: &self.path, text, is_name: false });
    }
}

/// The JSON that is written as a text.
fn inner(text: &str) -> Option<Value> {
    let text = text.trim();
    let is_json = (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    is_json.then(|| json::parse(text).ok()).flatten()
}

fn in_order(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    // Not left to the map: another crate can switch it to insertion order by a feature of `serde_json`.
    let mut members: Vec<(&str, &Value)> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// The name of a field in lower case, without punctuation: `enduser.principal_name` is `enduserprincipalname`.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the digits of a whole number that a double holds exactly, however it is written. Any other number is nobody's
/// id: its digits depend on who wrote it down last.
fn digits(number: &Number) -> Option<String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT).map(|number| format!("{number:.0}"))
}
