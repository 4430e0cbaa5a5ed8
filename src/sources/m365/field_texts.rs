//! Every text in a record, with the path of fields that contain it and what their names say about it.

use serde_json::{Map, Number, Value};

use crate::sources::json;

/// How many times JSON may be nested in a string of JSON.
const MAX_JSON_IN_STRINGS: usize = 8;

/// The most bytes of the name of a field that are considered.
const MAX_NAME: usize = 128;

/// The name of a field in lower case without punctuation, and what it says about the values in the field. Computed once
/// per field, not per value.
pub(super) struct FieldName {
    pub(super) name: String,
    is_of_person: bool,
    is_of_thing: bool,
    is_account: bool,
    /// Whether the field is part of a list of settings or changes, which can contain any word.
    is_setting: bool,
}

/// A text in a record.
pub(super) struct FieldText<'a> {
    /// The fields that contain the text, the outermost first.
    pub(super) path: &'a [FieldName],
    pub(super) text: &'a str,
    /// Whether the text is itself the name of a field.
    pub(super) is_name: bool,
}

/// The kind of object that the ids in a text identify, by the names of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdKind {
    /// People.
    Person,
    /// Something else: a tenant, a site, a rule, a message.
    Thing,
    /// Either.
    Unknown,
}

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

impl FieldName {
    fn of(name: &str) -> Self {
        let end = (0..=name.len().min(MAX_NAME)).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        let name = normalized(name.get(..end).unwrap_or_default());
        Self {
            is_of_person: PERSON_PARTS.iter().any(|part| name.contains(part)) || ALERT_FIELDS.contains(&&*name),
            is_of_thing: THING_ENDS.iter().any(|end| name.ends_with(end)),
            is_account: ACCOUNT_ENDS.iter().any(|end| name.ends_with(end)) || ALERT_FIELDS.contains(&&*name),
            is_setting: ["parameters", "modifiedproperties", "target", "recipient"]
                .iter()
                .any(|head| name.starts_with(head)),
            name,
        }
    }
}

impl FieldText<'_> {
    /// Returns what the ids in the text identify.
    pub(super) fn id_kind(&self) -> IdKind {
        match self.path.last() {
            Some(field) if field.is_of_thing || (self.path.len() == 1 && field.name == "id") => IdKind::Thing,
            // The outer name counts for `Members[].Id`.
            _ if self.path.iter().any(|field| field.is_of_person) => IdKind::Person,
            _ => IdKind::Unknown,
        }
    }

    /// Returns whether the text is an account name if it has no other form.
    pub(super) fn is_account(&self) -> bool {
        self.path.last().is_some_and(|field| field.is_account) && !self.is_name
    }

    /// Returns the name of the outermost field.
    pub(super) fn outermost(&self) -> &str {
        self.path.first().map_or("", |field| &field.name)
    }

    /// Returns the name of the innermost field.
    pub(super) fn innermost(&self) -> &str {
        self.path.last().map_or("", |field| &field.name)
    }

    /// Returns whether the text is in a list of settings, changes or targets.
    pub(super) fn is_setting(&self) -> bool {
        self.path.iter().any(|field| field.is_setting)
    }
}

/// Calls `visit` with every text in a record. Returns `false` if it skipped text that is nested too deeply.
///
/// An object with a `Name` and a `Value` counts as a field of that name. JSON in a string is visited like other JSON,
/// up to a depth. Names of fields are visited as well, because some are addresses. Members are visited in the order of
/// their names, so that the result does not depend on the layout of the record.
pub(super) fn visit_texts(record: &Map<String, Value>, visit: &mut dyn FnMut(&FieldText<'_>)) -> bool {
    let mut visitor = Visitor { path: Vec::new(), strings_left: MAX_JSON_IN_STRINGS, is_complete: true, visit };
    visitor.members(record);
    visitor.is_complete
}

struct Visitor<'v> {
    path: Vec<FieldName>,
    /// How many more times JSON may be nested in a string.
    strings_left: usize,
    is_complete: bool,
    visit: &'v mut dyn FnMut(&FieldText<'_>),
}

impl Visitor<'_> {
    fn members(&mut self, members: &Map<String, Value>) {
        let pair = ["Name", "name", "Key", "key"].iter().find_map(|name| members.get(*name)?.as_str());
        let is_value =
            |name: &str| name.get(name.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("value"));
        let pair = pair.filter(|_| members.len() <= 4 && members.keys().any(|name| is_value(name)));
        for (name, value) in sorted(members) {
            self.path.push(FieldName::of(pair.filter(|_| is_value(name)).unwrap_or(name)));
            if name.contains(['@', '\\', '-', '|']) {
                (self.visit)(&FieldText { path: &self.path, text: name, is_name: true });
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
                    (self.visit)(&FieldText { path: &self.path, text: &digits, is_name: false });
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(json) = json_in(text) {
            if self.strings_left > 0 {
                self.strings_left -= 1;
                self.value(&json);
                self.strings_left += 1;
                return;
            }
            self.is_complete = false;
        }
        (self.visit)(&FieldText { path: &self.path, text, is_name: false });
    }
}

/// Returns the JSON object or list that a string contains, if there is one.
fn json_in(text: &str) -> Option<Value> {
    let text = text.trim();
    let is_json = (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    is_json.then(|| json::parse(text).ok()).flatten()
}

fn sorted(members: &Map<String, Value>) -> Vec<(&str, &Value)> {
    // Another crate can switch the map to insertion order by a feature of `serde_json`.
    let mut members: Vec<(&str, &Value)> = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    members
}

/// Returns the name of a field in lower case without punctuation: `enduserprincipalname` for `enduser.principal_name`.
fn normalized(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// Returns the digits of an integer that a double represents exactly, in whatever notation. No other number is an id,
/// because its digits depend on the last program that wrote it.
fn digits(number: &Number) -> Option<String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT).map(|number| format!("{number:.0}"))
}
