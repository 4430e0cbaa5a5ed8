//! The encoded records of users: ids, aliases, home domains and flags, in little more memory than the names themselves.
//!
//! A record is a byte of flags, the id, the home domain if one is stated, and the aliases, each text with its length
//! before it. A length below 128 takes [one byte](crate::varint). So a user with an id and two aliases takes 5 or 6
//! bytes beyond these texts, 4 for the end of the record, and 3 for the number of the home.

use std::sync::Arc;

use super::hashing::IdentityKey;
use super::packed::Packed;
use super::user::{User, UserStatus};
use crate::identity::{Alias, Domain, UserId, address, namespace};
use crate::varint;

/// How many users share a block. A delta that changes one record copies its block.
pub(super) const BLOCK: usize = 512;

/// The records of up to [`BLOCK`] users in one allocation: a head for each, and then the records.
#[derive(Clone, Default)]
pub(super) struct RecordBlock {
    users: u16,
    memory: Arc<[u8]>,
}

/// Collects the records of a [`RecordBlock`].
#[derive(Default)]
pub(super) struct RecordBlockBuilder {
    heads: Vec<u8>,
    records: Vec<u8>,
}

/// The size of a head: four bytes for the end of the record, three for the number of the home.
const HEAD: usize = 7;

/// The error of [`write()`] for a user with more names than fit.
#[derive(Debug)]
pub(super) struct TooLarge;

/// The record of a user.
#[derive(Clone, Copy)]
pub(crate) struct UserRecord<'a> {
    flags: u8,
    id: &'a [u8],
    home: Option<&'a [u8]>,
    aliases: &'a [u8],
}

/// An alias in a record.
#[derive(Clone, Copy)]
pub(crate) struct AliasRecord<'a> {
    app: Option<&'a [u8]>,
    text: &'a [u8],
    folded: Option<&'a [u8]>,
}

const RECORDED: u8 = 1;
const HOME: u8 = 2;
const DISABLED: u8 = 4;
const DELETED: u8 = 8;
const ELSEWHERE: u8 = 16;

const BOUND_TO_APP: usize = 1;
const FOLDED: usize = 2;

impl RecordBlockBuilder {
    /// Appends a record that [`write()`] made. An empty one stands for a removed user.
    pub(super) fn push(&mut self, record: &[u8], home: u32) {
        self.records.extend_from_slice(record);
        // INVARIANT: this is below 2^32, because there are at most 2^9 records of at most 2^22 bytes.
        self.heads.extend_from_slice(&(self.records.len() as u32).to_le_bytes());
        self.heads.extend_from_slice(&Packed::new(home).bytes());
    }

    pub(super) fn build(mut self) -> RecordBlock {
        let users = (self.heads.len() / HEAD) as u16;
        self.heads.append(&mut self.records);
        RecordBlock { users, memory: self.heads.into() }
    }
}

impl RecordBlock {
    /// Returns the end of a record and the number of the home of its user.
    #[inline]
    fn head(&self, at: usize) -> Option<(usize, u32)> {
        let heads = self.memory.get(..self.len() * HEAD)?;
        let [a, b, c, d, home @ ..] = *heads.get(at * HEAD..)?.first_chunk::<HEAD>()?;
        Some((u32::from_le_bytes([a, b, c, d]) as usize, Packed::from_bytes(home).get()))
    }

    /// Returns the bytes of a record as [`write()`] made them.
    #[inline]
    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.head(before)).map_or(0, |(end, _)| end);
        let end = self.head(at).map_or(start, |(end, _)| end);
        self.memory.get(self.len() * HEAD..).and_then(|records| records.get(start..end)).unwrap_or_default()
    }

    pub(super) fn home_of(&self, at: usize) -> u32 {
        self.head(at).map_or(0, |(_, home)| home)
    }

    #[inline]
    pub(super) fn record(&self, at: usize) -> Option<UserRecord<'_>> {
        UserRecord::read(self.bytes(at))
    }

    pub(super) fn records(&self) -> impl Iterator<Item = Option<UserRecord<'_>>> {
        (0..self.len()).map(|at| self.record(at))
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.users)
    }

    /// Returns the size of the block in bytes, with the reference counts.
    pub(super) fn heap_bytes(&self) -> usize {
        self.memory.len() + 2 * size_of::<usize>()
    }
}

/// The longest record that an import may have, in bytes.
pub(super) const MAX_RECORD: usize = 1 << 22;

/// Encodes the record of a user. `recorded` tells whether the import has a record, and not only a membership.
pub(super) fn write(user: &User, recorded: bool, into: &mut Vec<u8>) -> Result<(), TooLarge> {
    let start = into.len();
    let status = match user.status() {
        UserStatus::Active => 0,
        UserStatus::Disabled => DISABLED,
        UserStatus::Deleted => DELETED,
    };
    let home = user.stated_home_domain();
    let elsewhere = u8::from(user.is_at_home_elsewhere()) * ELSEWHERE;
    into.push((u8::from(recorded) * RECORDED) | home.map_or(0, |_| HOME) | elsewhere | status);
    write_text(user.id().as_str(), into);
    if let Some(home) = home {
        write_text(home.as_str(), into);
    }
    for alias in user.aliases() {
        let marks = alias.app().map_or(0, |_| BOUND_TO_APP) | alias.folded().map_or(0, |_| FOLDED);
        varint::write((alias.as_str().len() << 2 | marks) as u64, into);
        into.extend_from_slice(alias.as_str().as_bytes());
        for part in [alias.app(), alias.folded()].into_iter().flatten() {
            write_text(part, into);
        }
    }
    // A truncated record would leave some names of the user unprotected. A user without a record has the names of an
    // earlier one, and perhaps a stated home in addition.
    if recorded && into.len() - start > MAX_RECORD {
        into.truncate(start);
        return Err(TooLarge);
    }
    Ok(())
}

fn write_text(text: &str, into: &mut Vec<u8>) {
    varint::write(text.len() as u64, into);
    into.extend_from_slice(text.as_bytes());
}

impl<'a> UserRecord<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let flags = *rest.split_off_first()?;
        let id = read_part(rest)?;
        let home = if flags & HOME == 0 { None } else { Some(read_part(rest)?) };
        Some(Self { flags, id, home, aliases: bytes })
    }

    /// Returns the immutable id.
    pub(crate) fn id(self) -> &'a str {
        text(self.id)
    }

    /// Returns the key of the id.
    pub(crate) fn key(self) -> IdentityKey<'a> {
        IdentityKey::Id(self.id)
    }

    /// Returns the keys of the id and of all aliases.
    pub(crate) fn keys(self) -> impl Iterator<Item = IdentityKey<'a>> {
        std::iter::once(self.key()).chain(self.aliases().map(AliasRecord::key))
    }

    pub(super) fn has_id(self, id: &str) -> bool {
        self.id == id.as_bytes()
    }

    /// Returns whether the import has a record of the user, and not only a membership.
    pub(crate) fn is_recorded(self) -> bool {
        self.flags & RECORDED != 0
    }

    /// Returns whether the import has a record of the user, or an earlier one had.
    pub(super) fn was_recorded(self) -> bool {
        self.flags != 0 || !self.aliases.is_empty()
    }

    pub(crate) fn aliases(self) -> impl Iterator<Item = AliasRecord<'a>> {
        let mut bytes = self.aliases;
        std::iter::from_fn(move || {
            let head = read_number(&mut bytes)?;
            let text = bytes.split_off(..head >> 2)?;
            let app = if head & BOUND_TO_APP == 0 { None } else { Some(read_part(&mut bytes)?) };
            let folded = if head & FOLDED == 0 { None } else { Some(read_part(&mut bytes)?) };
            Some(AliasRecord { app, text, folded })
        })
    }

    /// Returns whether the user has an identity.
    pub(crate) fn has(self, key: IdentityKey<'_>) -> bool {
        match key {
            IdentityKey::Id(id) => self.id == id,
            IdentityKey::Name(form) => self.aliases().any(|alias| alias.form().eq_ignore_ascii_case(form)),
        }
    }

    pub(crate) fn status(self) -> UserStatus {
        match self.flags {
            flags if flags & DELETED != 0 => UserStatus::Deleted,
            flags if flags & DISABLED != 0 => UserStatus::Disabled,
            _ => UserStatus::Active,
        }
    }

    /// Returns the length of the id and of all aliases in bytes.
    pub(super) fn name_bytes(self) -> usize {
        self.id.len() + self.aliases().map(|alias| alias.text.len()).sum::<usize>()
    }

    /// Decodes the record.
    pub(crate) fn to_user(self) -> User {
        let user = User::new(UserId::from_checked(self.id())).with_status(self.status());
        let user =
            self.home.map(|home| Domain::from_canonical(text(home))).into_iter().fold(user, User::with_home_domain);
        let user = if self.flags & ELSEWHERE == 0 { user } else { user.at_home_elsewhere() };
        self.aliases().map(AliasRecord::to_alias).fold(user, User::with_alias)
    }
}

impl<'a> AliasRecord<'a> {
    /// Returns the form in which the alias is compared, but for the case of ASCII letters.
    fn form(self) -> &'a [u8] {
        self.folded.unwrap_or(self.text)
    }

    pub(super) fn key(self) -> IdentityKey<'a> {
        IdentityKey::Name(self.form())
    }

    /// Returns the namespace as [`Alias::namespace`] does: `None` for an address.
    pub(super) fn namespace(self) -> Option<&'a str> {
        let is_address = self.app.is_none() && address(text(self.text)).is_some();
        (!is_address).then(|| namespace(text(self.form())))
    }

    pub(crate) fn to_alias(self) -> Alias {
        Alias::from_parts(self.app.map(text), text(self.text), self.folded.map(text))
    }
}

/// Returns bytes that [`write()`] copied from a text.
fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

fn read_part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = read_number(bytes)?;
    bytes.split_off(..len)
}

fn read_number(bytes: &mut &[u8]) -> Option<usize> {
    usize::try_from(varint::read(bytes)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d11_largest_record_keeps_all_names_when_removed() {
        let account = |name: &str| Alias::new(name).unwrap();
        let mut names = vec![account("adele@contoso.com")];
        let mut bytes = Vec::new();
        // An id of one letter, and two bytes before each long name.
        let long = (MAX_RECORD - 30) / (Alias::MAX_BYTES + 2);
        names.extend((0..long).map(|n| account(&format!("{n:0>width$}", width = Alias::MAX_BYTES))));
        let rest = MAX_RECORD - 30 - long * (Alias::MAX_BYTES + 2);
        names.push(account(&"r".repeat(rest)));
        let document = serde_json::json!({ "id": "a", "aliases": names, "status": "active" });
        let user: User = serde_json::from_value(document).unwrap();
        write(&user, true, &mut bytes).unwrap();
        assert!(bytes.len() + "contoso.com".len() > MAX_RECORD, "{} of {MAX_RECORD}", bytes.len());
        bytes.clear();
        write(&user.without_record(|_| true), false, &mut bytes).unwrap();
        assert_eq!(UserRecord::read(&bytes).unwrap().aliases().count(), long + 2);
        assert!(write(&user.with_alias(account(&"z".repeat(40))), true, &mut bytes).is_err());
    }
}
