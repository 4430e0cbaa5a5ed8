//! The entries of lists, which a record has as a list, as one entry, or as JSON in a string.

use super::RejectReason;
use crate::identity::address;
use crate::json::{DocumentValue, Kind};
use crate::sources::identity::Identities;
use crate::sources::identity::name_form::guid;
use crate::sources::identity::services::{is_placeholder, service_principal};
use crate::sources::json;

/// How deep lists, and strings that contain lists, may be nested.
const MAX_LISTS: usize = 8;

/// An entry of a list.
#[derive(Clone, Copy)]
pub(super) enum Entry<'d> {
    /// A text without white space around it.
    Text(&'d str),
    Object(DocumentValue<'d>),
}

/// A function that is called with each entry of a list.
pub(super) type VisitEntry<'v> = &'v mut dyn FnMut(Entry<'_>) -> Result<(), RejectReason>;

/// Calls `visit` with the entries of a list, of the lists in it, and of strings that contain lists. A value that is not
/// a list is the only entry.
///
/// # Errors
/// Returns [`RejectReason`] if `visit` does, or if a string contains JSON that cannot be read within the limits.
pub(super) fn for_each(value: DocumentValue<'_>, visit: VisitEntry<'_>) -> Result<(), RejectReason> {
    for_each_within(value, MAX_LISTS, visit)
}

fn for_each_within(value: DocumentValue<'_>, depth: usize, visit: VisitEntry<'_>) -> Result<(), RejectReason> {
    crate::steps::advance(1);
    let text = value.as_str().map(str::trim);
    match (value.kind(), depth.checked_sub(1)) {
        (Kind::Null | Kind::Bool | Kind::Number, _) => Ok(()),
        (Kind::String, _) if text.is_none_or(str::is_empty) => Ok(()),
        // Nested too deeply: handled like a truncated list.
        (_, None) => visit(Entry::Text("[")),
        (Kind::List, Some(depth)) => value.entries().try_for_each(|entry| for_each_within(entry, depth, visit)),
        (Kind::Object, Some(depth)) => match member(value, "value") {
            Some(list) if list.kind() == Kind::List => for_each_within(list, depth, visit),
            _ => visit(Entry::Object(value)),
        },
        (Kind::String, Some(depth)) => {
            let text = text.unwrap_or_default();
            if !text.starts_with(['[', '{']) {
                return visit(Entry::Text(text));
            }
            match json::document(text) {
                Ok(document) => for_each_within(document.root(), depth, visit),
                // As any other text, it would lose the principals that it names by an id.
                Err(reason @ (RejectReason::RepeatedField | RejectReason::TooLarge(_))) => Err(reason),
                Err(_) => visit(Entry::Text(text)),
            }
        }
    }
}

/// Returns a member of an object. The name is compared without regard to case; the exact name comes first.
pub(super) fn member<'d>(object: DocumentValue<'d>, name: &str) -> Option<DocumentValue<'d>> {
    let alike = object.members().filter(|(known, _)| known.eq_ignore_ascii_case(name));
    alike.min_by_key(|(known, _)| (*known != name, *known)).map(|(_, value)| value)
}

/// `IdentityType` in the schema: the type of an entry of `Actor` or `Target`, as a number or as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentityType {
    Name,
    Puid,
    Spn,
    Upn,
}

impl IdentityType {
    const ALL: [(Self, f64, &str); 4] =
        [(Self::Name, 1.0, "Name"), (Self::Puid, 3.0, "PUID"), (Self::Spn, 4.0, "SPN"), (Self::Upn, 5.0, "UPN")];

    fn of(value: DocumentValue<'_>) -> Option<Self> {
        Self::ALL.iter().find(|(_, number, word)| is_word(value, *number, word)).map(|(kind, ..)| *kind)
    }
}

/// Returns whether a value is a number or a word, with either of which records write a type.
pub(super) fn is_word(value: DocumentValue<'_>, number: f64, word: &str) -> bool {
    match value.as_str().map(str::trim) {
        Some(text) => text.eq_ignore_ascii_case(word) || text.parse() == Ok(number),
        None => value.as_f64() == Some(number),
    }
}

/// An entry of `Actor` or `Target`.
#[derive(Clone, Copy)]
pub(super) struct DirectoryEntry<'d> {
    /// The id in an object.
    id: Option<&'d str>,
    kind: Option<IdentityType>,
    /// The entry, if it is a text.
    text: Option<&'d str>,
}

impl<'d> DirectoryEntry<'d> {
    pub(super) fn of(entry: Entry<'d>) -> Self {
        match entry {
            Entry::Text(text) => Self { id: None, kind: None, text: Some(text) },
            Entry::Object(object) => Self {
                id: member(object, "ID").and_then(DocumentValue::as_str).map(str::trim),
                kind: member(object, "Type").and_then(IdentityType::of),
                text: None,
            },
        }
    }

    /// Returns the id in the entry.
    pub(super) fn id(self) -> Option<&'d str> {
        self.id
    }

    fn has_kind(self, kind: IdentityType) -> bool {
        self.id.is_some() && self.kind == Some(kind)
    }

    /// Returns the name of an application: a display name, or a service principal name.
    pub(super) fn title(self) -> Option<&'d str> {
        self.id.filter(|_| matches!(self.kind, Some(IdentityType::Name | IdentityType::Spn)))
    }

    /// Returns the name in an entry of `Target`: a UPN, a string, or an id that is an address.
    pub(super) fn directory_name(self) -> Option<&'d str> {
        let is_name = |id: &&str| self.kind == Some(IdentityType::Upn) || address(id).is_some();
        self.text.or(self.id.filter(is_name))
    }

    /// Adds the identities in an entry of `Actor`. Display names and entries of unknown types count only if they have
    /// the form of an identity.
    pub(super) fn add_to(self, identities: &mut Identities, field: &'static str) -> Result<(), RejectReason> {
        let Some(id) = self.text.or(self.id).filter(|id| !is_placeholder(id)) else { return Ok(()) };
        match self.kind {
            Some(IdentityType::Puid) => identities.add_key(id),
            _ if self.text.is_some() || self.kind == Some(IdentityType::Upn) => {
                return identities.add_sign_in_name(id, field);
            }
            _ => {
                identities.add_embedded_addresses(id);
                identities.add_identities_in(id);
            }
        }
        Ok(())
    }

    /// Returns whether the entry names a person.
    pub(super) fn is_person(self) -> bool {
        let id = self.text.or(self.id).unwrap_or_default();
        let has_kind = self.has_kind(IdentityType::Upn) || self.has_kind(IdentityType::Puid);
        has_kind || id.starts_with("User_") || id == "User"
    }

    /// Returns whether the entry names an application.
    pub(super) fn is_application(self) -> bool {
        let id = self.id.unwrap_or_default();
        service_principal(id).is_some()
            || id == "ServicePrincipal"
            || (self.has_kind(IdentityType::Spn) && guid(id).is_some())
    }
}
