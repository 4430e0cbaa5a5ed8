//! The texts of a record that can contain an identity, with the meaning of the names of their fields.

use std::borrow::Cow;

use super::field_names::{FieldName, FieldNames};
use super::identity::Identities;
use super::identity::addresses::onedrive_owners;
use super::identity::signs::Signs;
use super::json;
use crate::json::{DocumentValue, Kind};

/// How many times JSON may be nested in a string of JSON.
const MAX_JSON_IN_STRINGS: usize = 8;

/// The most members of an object that is one field: its name, its value, and what else a source adds.
const MAX_MEMBERS_OF_FIELD: usize = 6;

/// The least number with as many digits as a passport id.
const MIN_ID: f64 = 1e15;

/// The texts of a record that can contain an identity: those with a sign of an identity, and those in fields of accounts.
///
/// An object with a `Name` (or `Key`) and a `Value` counts as a field of that name. JSON in a string is read like other
/// JSON, up to a depth. Names of fields count as texts too, because some are addresses. The members of each object are
/// in the order of their names, so that the texts do not depend on the layout of the record.
pub(super) struct Texts<'a> {
    list: Vec<FieldText<'a>>,
    /// Whether all JSON in strings was read.
    is_complete: bool,
}

/// A text in a record.
pub(super) struct FieldText<'a> {
    text: Cow<'a, str>,
    path: FieldPath,
    signs: Signs,
    /// Whether the text is itself the name of a field.
    is_name: bool,
}

/// The meaning of the names of the fields that contain a text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FieldPath {
    outermost: FieldName,
    innermost: FieldName,
    /// The flags of all names.
    all: FieldName,
    /// Whether a text of no special form is an account name.
    is_of_account: bool,
    /// The number of fields, up to 2.
    depth: u8,
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

/// A member of an object, with the meaning of its name.
#[derive(Clone, Copy)]
pub(super) struct Member<'d> {
    pub(super) name: &'d str,
    pub(super) field: FieldName,
    pub(super) value: DocumentValue<'d>,
}

impl<'d> Member<'d> {
    pub(super) fn of((name, value): (&'d str, DocumentValue<'d>), names: &mut FieldNames) -> Self {
        Self { name, field: names.get(name), value }
    }
}

impl<'a> Texts<'a> {
    /// Reads the texts of a record, which is an object.
    #[cfg(feature = "mapped")]
    pub(super) fn of(record: DocumentValue<'a>, names: &mut FieldNames) -> Self {
        Self::read(names, |visitor| visitor.object(record, FieldPath::default()))
    }

    /// Reads the texts of a record with these members.
    pub(super) fn of_members(members: &[Member<'a>], names: &mut FieldNames) -> Self {
        Self::read(names, |visitor| {
            for Member { name, field, value } in members {
                visitor.add(name, *value, FieldPath::default().within(*field), field.is_text());
            }
            visitor.visit_pending(0);
        })
    }

    fn read(names: &mut FieldNames, visit: impl FnOnce(&mut Visitor<'_, 'a, 'a>)) -> Self {
        let mut texts = Self { list: Vec::new(), is_complete: true };
        let strings_left = MAX_JSON_IN_STRINGS;
        visit(&mut Visitor { names, texts: &mut texts, pending: Vec::new(), strings_left, keep: Cow::Borrowed });
        texts
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &FieldText<'a>> {
        self.list.iter()
    }

    /// Returns whether no text is missing because it is nested too deeply.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl FieldText<'_> {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn path(&self) -> FieldPath {
        self.path
    }

    /// Returns whether the text is itself the name of a field.
    pub(super) fn is_name(&self) -> bool {
        self.is_name
    }

    /// Returns whether the text is an account name if it has no other form.
    pub(super) fn is_account(&self) -> bool {
        self.path.is_of_account && !self.is_name
    }

    /// Adds every address in the text.
    pub(super) fn add_addresses(&self, identities: &mut Identities) {
        if self.signs.address {
            identities.add_embedded_addresses(&self.text);
        }
    }

    /// Adds every identity in the text that has a special form, unless it is that of something else than a person.
    pub(super) fn add_special(&self, identities: &mut Identities) {
        if self.signs.special {
            identities.add_identities_in(&self.text);
        }
    }

    /// Adds the account name that the text is if it has no other form, if its field contains accounts.
    pub(super) fn add_account(&self, identities: &mut Identities) {
        if self.is_account() {
            identities.add_account(&self.text);
        }
    }

    /// Returns the addresses that the owner of a OneDrive in the text can have.
    pub(super) fn onedrive_owners(&self) -> Vec<String> {
        if self.signs.drive { onedrive_owners(&self.text) } else { Vec::new() }
    }
}

impl FieldPath {
    /// Returns the path of a field within this one.
    fn within(self, field: FieldName) -> Self {
        Self {
            outermost: if self.depth == 0 { field } else { self.outermost },
            innermost: field,
            all: self.all.and(field),
            is_of_account: field.is(FieldName::ACCOUNT)
                || (field.is(FieldName::PART_OF_PERSON)
                    && self.innermost.is(FieldName::PERSON)
                    && !self.innermost.is(FieldName::THING)),
            depth: (self.depth + 1).min(2),
        }
    }

    /// Returns what the ids in the field identify.
    pub(super) fn id_kind(self) -> IdKind {
        if self.innermost.is(FieldName::THING) || (self.is_alone() && self.innermost.is_id()) {
            IdKind::Thing
        // The outer name counts for `Members[].Id`.
        } else if self.all.is(FieldName::PERSON) {
            IdKind::Person
        } else {
            IdKind::Unknown
        }
    }

    /// Returns whether the field is in no other.
    pub(super) fn is_alone(self) -> bool {
        self.depth == 1
    }

    pub(super) fn outermost(self) -> FieldName {
        self.outermost
    }

    pub(super) fn innermost(self) -> FieldName {
        self.innermost
    }

    /// Returns whether the name of any of the fields has any of these flags.
    pub(super) fn has(self, flags: FieldName) -> bool {
        self.all.is(flags)
    }

    /// Returns whether special forms in the field are looked for.
    fn is_of_identities(self) -> bool {
        self.id_kind() != IdKind::Thing || self.has(FieldName::PRINCIPAL)
    }
}

/// Visits the values of a document: the record, or JSON in a string of it.
struct Visitor<'v, 'n, 'a> {
    names: &'v mut FieldNames,
    texts: &'v mut Texts<'a>,
    /// The members of the objects that are being visited, without those that contain no text.
    pending: Vec<Pending<'n>>,
    /// How many more times JSON may be nested in a string.
    strings_left: usize,
    /// Returns a text of the document as one that can be stored with those of the record.
    keep: fn(&'n str) -> Cow<'a, str>,
}

/// A member of an object that contains texts.
#[derive(Clone, Copy)]
struct Pending<'n> {
    name: &'n str,
    /// Whether the name can itself contain an identity.
    is_text: bool,
    path: FieldPath,
    content: Content<'n>,
}

/// The content of a value.
#[derive(Clone, Copy)]
enum Content<'n> {
    /// No text.
    Nothing,
    Text(&'n str, Signs),
    /// A string with the form of JSON.
    Json(&'n str),
    Number(DocumentValue<'n>),
    List(DocumentValue<'n>),
    Object(DocumentValue<'n>),
}

impl<'n> Visitor<'_, 'n, '_> {
    fn object(&mut self, object: DocumentValue<'n>, path: FieldPath) {
        let start = self.pending.len();
        let pair = name_of_field(object);
        for (name, value) in object.members() {
            let own = self.names.get(name);
            let field = pair.filter(|_| is_value(name)).map_or(own, |name| self.names.get(name));
            self.add(name, value, path.within(field), own.is_text());
        }
        self.visit_pending(start);
    }

    /// Adds a member to those that are to be visited.
    fn add(&mut self, name: &'n str, value: DocumentValue<'n>, path: FieldPath, is_text: bool) {
        let content = Content::of(value, path);
        if is_text || !matches!(content, Content::Nothing) {
            self.pending.push(Pending { name, is_text, path, content });
        }
    }

    /// Visits the members that were added last, beginning at `start`, in the order of their names, and removes them.
    fn visit_pending(&mut self, start: usize) {
        let end = self.pending.len();
        let members = self.pending.get_mut(start..).unwrap_or_default();
        if !members.is_sorted_by_key(|member| member.name) {
            members.sort_unstable_by_key(|member| member.name);
        }
        for at in start..end {
            let Some(Pending { name, is_text, path, content }) = self.pending.get(at).copied() else { break };
            if is_text {
                self.push(name, path, Signs::of(name, path.is_of_identities()), true);
            }
            self.content(content, path);
        }
        self.pending.truncate(start);
    }

    fn content(&mut self, content: Content<'n>, path: FieldPath) {
        crate::steps::advance(1);
        match content {
            Content::Nothing => {}
            Content::Text(text, signs) => self.push(text, path, signs, false),
            Content::Json(text) => self.json(text, path),
            Content::Number(number) => {
                if let Some(digits) = digits(number) {
                    let signs = Signs::of(&digits, path.is_of_identities());
                    self.texts.list.push(FieldText { text: digits.into(), path, signs, is_name: false });
                }
            }
            Content::List(list) => list.entries().for_each(|entry| self.content(Content::of(entry, path), path)),
            Content::Object(object) => self.object(object, path),
        }
    }

    fn push(&mut self, text: &'n str, path: FieldPath, signs: Signs, is_name: bool) {
        self.texts.list.push(FieldText { text: (self.keep)(text), path, signs, is_name });
    }

    /// Visits the JSON in a string, or the string if it is no JSON.
    fn json(&mut self, text: &'n str, path: FieldPath) {
        crate::steps::advance(text.len());
        if let Some(trimmed) = json::json_in(text)
            && let Ok(document) = json::document(trimmed)
        {
            if let Some(strings_left) = self.strings_left.checked_sub(1) {
                let mut visitor = Visitor {
                    names: &mut *self.names,
                    texts: &mut *self.texts,
                    pending: Vec::new(),
                    strings_left,
                    keep: |text: &str| Cow::Owned(text.to_owned()),
                };
                visitor.content(Content::of(document.root(), path), path);
                return;
            }
            self.texts.is_complete = false;
        }
        self.push(text, path, Signs::of(text, path.is_of_identities()), false);
    }
}

impl<'n> Content<'n> {
    fn of(value: DocumentValue<'n>, path: FieldPath) -> Self {
        match value.kind() {
            Kind::Null | Kind::Bool => Self::Nothing,
            Kind::Number if is_kept(path) || value.as_f64().is_some_and(|number| number.abs() >= MIN_ID) => {
                Self::Number(value)
            }
            Kind::Number => Self::Nothing,
            Kind::String => Self::of_text(value.as_str().unwrap_or_default(), path),
            Kind::List => Self::List(value),
            Kind::Object => Self::Object(value),
        }
    }

    fn of_text(text: &'n str, path: FieldPath) -> Self {
        if json::json_in(text).is_some() {
            return Self::Json(text);
        }
        let signs = Signs::of(text, path.is_of_identities());
        if signs.any() || is_kept(path) { Self::Text(text, signs) } else { Self::Nothing }
    }
}

/// Returns whether texts without a sign of an identity are kept.
fn is_kept(path: FieldPath) -> bool {
    path.is_of_account || path.innermost.is(FieldName::KEPT)
}

/// Returns the name of the field that an object is: the text of its `Name` or `Key`, if it has a `Value` too.
fn name_of_field(object: DocumentValue<'_>) -> Option<&str> {
    let (mut named, mut has_value) = (None, false);
    for (at, (name, value)) in object.members().enumerate() {
        if at == MAX_MEMBERS_OF_FIELD {
            return None;
        }
        has_value |= is_value(name);
        let rank = ["Name", "name", "Key", "key"].iter().position(|known| *known == name);
        if let (Some(rank), Some(text)) = (rank, value.as_str())
            && named.is_none_or(|(best, _)| rank < best)
        {
            named = Some((rank, text));
        }
    }
    named.filter(|_| has_value).map(|(_, text)| text)
}

fn is_value(name: &str) -> bool {
    let end = name.len().checked_sub("value".len()).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("value"))
}

/// Returns the digits of an integer that a double represents exactly, in whatever notation. No other number is an id,
/// because its digits depend on the last program that wrote it.
fn digits(number: DocumentValue<'_>) -> Option<String> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = number.number_text()?;
    if text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok() {
        return Some(text.into_owned());
    }
    number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT).map(|number| format!("{number:.0}"))
}
