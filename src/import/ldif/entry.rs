//! The stored data of an entry.

use super::attribute::{Attribute, NAMES};
use super::links::Links;
use super::texts::Texts;
use crate::directory::{User, UserStatus};
use crate::identity::{Alias, GroupId, UserId};
use crate::import::names::MAX_NAMES;
use crate::import::{EntryRejectReason, spelling};
use crate::steps;

/// The stored data of an entry.
#[derive(Clone, Default)]
pub(super) enum DirectoryEntry {
    /// No entry was read.
    #[default]
    Unknown,
    Person(PersonEntry),
    Group(GroupEntry),
    /// The entry was rejected, and may be a user or a group.
    Rejected,
    /// A machine. A group may list it, because it is not a person.
    Machine,
    /// A principal of another domain, known by a SID alone.
    Foreign,
    /// An entry that is neither user nor group.
    Other,
}

#[derive(Clone)]
pub(super) struct PersonEntry {
    pub(super) id: UserId,
    pub(super) named_by_dn: bool,
    pub(super) texts: Texts,
    pub(super) sid: Option<Box<str>>,
    /// The user's primary groups, which do not list the user.
    pub(super) primary: Vec<PrimaryGroup>,
}

#[derive(Clone)]
pub(super) struct GroupEntry {
    pub(super) id: GroupId,
    pub(super) named_by_dn: bool,
    pub(super) texts: Texts,
    /// The members, with the sources of each membership.
    pub(super) members: Links,
    pub(super) keys: Vec<Box<str>>,
}

/// A member in a list: the index of an entry in the tree, or an account name.
#[derive(Clone)]
pub(super) enum MemberRef {
    Node(usize),
    Uid(Box<str>),
}

/// A value that determines a user's primary group.
#[derive(Clone)]
pub(super) struct PrimaryGroup {
    pub(super) by: Attribute,
    /// The key of the group, if it is known.
    pub(super) key: Option<Box<str>>,
    pub(super) line: u64,
}

impl PersonEntry {
    /// Returns the user with all names.
    pub(super) fn user(&self) -> Result<User, EntryRejectReason> {
        let mut user = User::new(self.id.clone()).with_status(self.status());
        let mut names = Vec::new();
        for attribute in NAMES {
            let mut texts: Vec<&str> = self.texts.all(attribute).collect();
            // Sorting puts the primary address of a mailbox first, because its prefix is in capitals.
            texts.sort_unstable();
            for text in texts {
                names.append(&mut names_in(attribute, text)?);
            }
        }
        steps::advance(names.len());
        user = user.with_aliases(names);
        if let Some(sid) = &self.sid {
            let field = Attribute::ObjectSid.name();
            let alias = Alias::account("sid", sid).map_err(|error| EntryRejectReason::Text { field, error })?;
            user = user.with_new_alias(alias);
        }
        Ok(user)
    }

    fn status(&self) -> UserStatus {
        let says = |attribute, word: &str| self.texts.all(attribute).any(|text| text.eq_ignore_ascii_case(word));
        // ACCOUNTDISABLE is the second bit.
        let disabled = |text: &str| text.parse::<i64>().is_ok_and(|flags| flags & 2 != 0);
        if says(Attribute::IsDeleted, "true") {
            UserStatus::Deleted
        } else if self.texts.all(Attribute::UserAccountControl).any(disabled)
            || says(Attribute::NsAccountLock, "true")
            || self.texts.all(Attribute::PwdAccountLockedTime).next().is_some()
        {
            UserStatus::Disabled
        } else {
            UserStatus::Active
        }
    }
}

impl GroupEntry {
    /// Returns the display name.
    pub(super) fn name(&self) -> &str {
        let name = self.texts.first(Attribute::DisplayName).or_else(|| self.texts.first(Attribute::Cn));
        name.unwrap_or(self.id.as_str())
    }
}

/// Returns the names in a value.
pub(super) fn names_in(attribute: Attribute, text: &str) -> Result<Vec<Alias>, EntryRejectReason> {
    attribute.holds().map_or(Ok(Vec::new()), |holds| spelling::names(text, attribute.name(), holds))
}

/// Rejects more names than allowed.
pub(super) fn check_count(texts: &Texts) -> Result<(), EntryRejectReason> {
    if texts.len() > MAX_NAMES { Err(EntryRejectReason::TooManyNames { max: MAX_NAMES }) } else { Ok(()) }
}

/// Rejects a user with more names than allowed. One value can contain several names.
pub(super) fn check_names(user: &User) -> Result<(), EntryRejectReason> {
    if user.aliases().len() > MAX_NAMES { Err(EntryRejectReason::TooManyNames { max: MAX_NAMES }) } else { Ok(()) }
}
