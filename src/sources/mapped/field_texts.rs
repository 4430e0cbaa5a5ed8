//! Every text in a record, with what the name of its field says about it.

use crate::json::{DocumentValue, Kind};
use crate::sources::json;
use crate::steps::advance;

/// How many times JSON may be nested in a string of JSON.
const MAX_JSON_IN_STRINGS: usize = 8;

/// A text in a record.
pub(super) struct FieldText<'a> {
    pub(super) text: &'a str,
    pub(super) field: Field,
}

/// The meaning of the texts in a field, by its name.
#[derive(Clone, Copy, Default)]
pub(super) struct Field {
    /// Whether an id in the field is that of a person, by its name or that of a field around it.
    pub(super) is_of_person: bool,
    /// Whether an id in the field is that of something else than a person: a session, a tenant, a request.
    pub(super) is_of_thing: bool,
    /// Whether a text of no special form is an account name.
    pub(super) is_account: bool,
}

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

impl Field {
    /// The most letters and digits of the end of a name that are compared.
    const MAX_END: usize = 64;

    /// Returns the meaning of the texts in a field within another.
    fn of(name: &str, outer: Self) -> Self {
        // The end of the name in lower case, without punctuation, written from the right.
        let mut buffer = [0_u8; Self::MAX_END];
        let mut start = Self::MAX_END;
        for byte in name.bytes().rev().filter(u8::is_ascii_alphanumeric) {
            let Some(next) = start.checked_sub(1) else { break };
            start = next;
            if let Some(place) = buffer.get_mut(start) {
                *place = byte.to_ascii_lowercase();
            }
        }
        let end = buffer.get(start..).unwrap_or_default();
        // Most names differ in the last characters, which a comparison of whole texts does not begin with.
        let ends_with = |known: &&str| {
            known.len() <= end.len() && known.bytes().rev().zip(end.iter().rev()).all(|(known, byte)| known == *byte)
        };
        let is_any = |ends: &[&str]| ends.iter().any(ends_with);
        let has = |part: &&str| end.windows(part.len()).any(|window| window == part.as_bytes());
        Self {
            is_of_person: outer.is_of_person || PERSON_PARTS.iter().any(has),
            is_of_thing: is_any(&THING_ENDS),
            is_account: is_any(&ACCOUNT_ENDS),
        }
    }
}

/// Calls `visit` with every text in a record. Returns `false` if it skipped text that is nested too deeply.
///
/// An object with a `name` and a `value` counts as a field of that name. JSON in a string is visited like other JSON, up
/// to a depth. Names of fields are visited as well, because some are addresses. Members are visited in the order of
/// their names, so that the result does not depend on the layout of the record.
pub(super) fn visit_texts(record: DocumentValue<'_>, visit: &mut dyn FnMut(&FieldText<'_>)) -> bool {
    let mut visitor = Visitor { strings_left: MAX_JSON_IN_STRINGS, is_complete: true, visit };
    visitor.value(record, Field::default());
    visitor.is_complete
}

struct Visitor<'v> {
    /// How many more times JSON may be nested in a string.
    strings_left: usize,
    is_complete: bool,
    visit: &'v mut dyn FnMut(&FieldText<'_>),
}

impl Visitor<'_> {
    /// Visits the texts in a value. The recursion is as deep as that of the parser, which has a limit.
    fn value(&mut self, value: DocumentValue<'_>, field: Field) {
        advance(1);
        match value.kind() {
            Kind::Null | Kind::Bool => {}
            Kind::Number => {
                // No other number is an id, because its digits depend on the last program that wrote it.
                let digits = value.number_text().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                digits.into_iter().for_each(|text| (self.visit)(&FieldText { text: &text, field }));
            }
            Kind::String => self.text(value.as_str().unwrap_or_default(), field),
            Kind::List => value.entries().for_each(|entry| self.value(entry, field)),
            Kind::Object => self.members(value, field),
        }
    }

    fn members(&mut self, object: DocumentValue<'_>, outer: Field) {
        let mut members: Vec<_> = object.members().collect();
        if !members.is_sorted_by_key(|(name, _)| *name) {
            members.sort_unstable_by_key(|(name, _)| *name);
        }
        let is_value = |name: &str| {
            let end = name.len().checked_sub("value".len()).and_then(|at| name.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case("value"))
        };
        let names_pair = |name: &str| name.eq_ignore_ascii_case("name") || name.eq_ignore_ascii_case("key");
        // A larger object with these names is no pair.
        let pair = members.iter().filter(|_| members.len() <= 6).find(|(name, _)| names_pair(name));
        let pair = pair.and_then(|(_, value)| value.as_str()).map(|name| Field::of(name, outer));
        for (name, value) in members {
            let field = pair.filter(|_| is_value(name)).unwrap_or_else(|| Field::of(name, outer));
            if name.contains(['@', '\\', '-', '|']) {
                (self.visit)(&FieldText { text: name, field: Field::default() });
            }
            self.value(value, field);
        }
    }

    fn text(&mut self, text: &str, field: Field) {
        advance(text.len());
        let trimmed = text.trim();
        let is_json = matches!(
            (trimmed.as_bytes().first(), trimmed.as_bytes().last()),
            (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']'))
        );
        if is_json && let Ok(document) = json::document(trimmed) {
            if self.strings_left > 0 {
                self.strings_left -= 1;
                self.value(document.root(), field);
                self.strings_left += 1;
                return;
            }
            self.is_complete = false;
        }
        (self.visit)(&FieldText { text, field });
    }
}
