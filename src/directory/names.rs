//! What users are called: many records side by side, in about as many bytes as the names themselves.
//!
//! A record is a byte of flags, the id, the home domain if one is stated, and the aliases, each with its length before
//! it. Lengths take [one byte](crate::varint) for what is shorter than 128. So a user with an id and two
//! aliases takes 5 or 6 bytes more than these, 4 for where the record ends, and 3 for where they are at home.

use std::sync::Arc;

use super::packed::Packed;
use super::user::{User, UserStatus};
use crate::identity::{Alias, Domain, Identity, UserId, address, namespace};
use crate::varint;

/// How many users share one block, which is what is copied when one of them is called otherwise.
pub(super) const BLOCK: usize = 512;

/// The records of up to [`BLOCK`] users, in one piece of memory: where each ends and is at home, and then the records.
#[derive(Clone, Default)]
pub(super) struct Names {
    users: u16,
    memory: Arc<[u8]>,
}

/// Records that become [`Names`].
#[derive(Default)]
pub(super) struct NamesBuilder {
    heads: Vec<u8>,
    records: Vec<u8>,
}

/// How many bytes stand before the records for each of them: four for where it ends, three for where the user is at home.
const HEAD: usize = 7;

/// What [`write`] makes of a user who has more names than fit.
#[derive(Debug)]
pub(super) struct TooLarge;

/// One record.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    flags: u8,
    id: &'a [u8],
    home: Option<&'a [u8]>,
    aliases: &'a [u8],
}

/// One alias of a record.
#[derive(Clone, Copy)]
pub(crate) struct AliasEntry<'a> {
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

impl NamesBuilder {
    /// Adds a record behind the others, as [`write`] made it. An empty one is of nobody any more.
    pub(super) fn push(&mut self, record: &[u8], home: u32) {
        self.records.extend_from_slice(record);
        // INVARIANT: this is below 2^32, because there are at most 2^9 records of at most 2^22 bytes.
        self.heads.extend_from_slice(&(self.records.len() as u32).to_le_bytes());
        self.heads.extend_from_slice(&Packed::new(home).bytes());
    }

    pub(super) fn build(mut self) -> Names {
        let users = (self.heads.len() / HEAD) as u16;
        self.heads.append(&mut self.records);
        Names { users, memory: self.heads.into() }
    }
}

impl Names {
    /// Where the record of a user ends, and the number of their home.
    #[inline]
    fn head(&self, at: usize) -> Option<(usize, u32)> {
        let heads = self.memory.get(..self.len() * HEAD)?;
        let [a, b, c, d, home @ ..] = *heads.get(at * HEAD..)?.first_chunk::<HEAD>()?;
        Some((u32::from_le_bytes([a, b, c, d]) as usize, Packed::from_bytes(home).get()))
    }

    /// The record of a user as [`write`] made it.
    #[inline]
    pub(super) fn record(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.head(before)).map_or(0, |(end, _)| end);
        let end = self.head(at).map_or(start, |(end, _)| end);
        self.memory.get(self.len() * HEAD..).and_then(|records| records.get(start..end)).unwrap_or_default()
    }

    pub(super) fn home_of(&self, at: usize) -> u32 {
        self.head(at).map_or(0, |(_, home)| home)
    }

    #[inline]
    pub(super) fn entry(&self, at: usize) -> Option<Entry<'_>> {
        Entry::read(self.record(at))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Option<Entry<'_>>> {
        (0..self.len()).map(|at| self.entry(at))
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.users)
    }

    /// How much memory it takes, with the counts of those who share it.
    pub(super) fn heap_bytes(&self) -> usize {
        self.memory.len() + 2 * size_of::<usize>()
    }
}

/// The longest that a record of an import can be.
pub(super) const MAX_RECORD: usize = 1 << 22;

/// Writes the record of a user.
pub(super) fn write(user: &User, recorded: bool, into: &mut Vec<u8>) -> Result<(), TooLarge> {
    let start = into.len();
    let status = match user.status() {
        UserStatus::Active => 0,
        UserStatus::Disabled => DISABLED,
        UserStatus::Deleted => DELETED,
    };
    let home = user.stated_home_domain();
    let elsewhere = u8::from(user.is_remembered_elsewhere()) * ELSEWHERE;
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
    // Half a user would be protected by half of their names. Whoever is only remembered has the names of an earlier
    // record, and perhaps a stated home in addition.
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

impl<'a> Entry<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let rest = &mut bytes;
        let flags = *rest.split_off_first()?;
        let id = read_part(rest)?;
        let home = if flags & HOME == 0 { None } else { Some(read_part(rest)?) };
        Some(Self { flags, id, home, aliases: bytes })
    }

    /// The immutable id.
    pub(crate) fn id(self) -> &'a str {
        text(self.id)
    }

    /// The same as bytes, which need not be looked through to be text.
    pub(super) fn id_bytes(self) -> &'a [u8] {
        self.id
    }

    pub(super) fn has_id(self, id: &str) -> bool {
        self.id == id.as_bytes()
    }

    /// Whether the import has a record of them, and not only a membership.
    pub(crate) fn is_recorded(self) -> bool {
        self.flags & RECORDED != 0
    }

    /// Whether a record was there once, if not now.
    pub(super) fn is_known_by_more_than_an_id(self) -> bool {
        self.flags != 0 || !self.aliases.is_empty()
    }

    pub(crate) fn aliases(self) -> impl Iterator<Item = AliasEntry<'a>> {
        let mut bytes = self.aliases;
        std::iter::from_fn(move || {
            let head = read_number(&mut bytes)?;
            let text = bytes.split_off(..head >> 2)?;
            let app = if head & BOUND_TO_APP == 0 { None } else { Some(read_part(&mut bytes)?) };
            let folded = if head & FOLDED == 0 { None } else { Some(read_part(&mut bytes)?) };
            Some(AliasEntry { app, text, folded })
        })
    }

    /// Whether the user goes by this identity.
    pub(crate) fn is(self, identity: &Identity) -> bool {
        match identity {
            Identity::Id(id) => self.has_id(id.as_str()),
            Identity::Alias(alias) => self.is_called(alias.form().as_bytes()),
        }
    }

    /// Whether an alias of the user is compared in this form.
    pub(super) fn is_called(self, form: &[u8]) -> bool {
        self.aliases().any(|alias| alias.form_bytes().eq_ignore_ascii_case(form))
    }

    pub(crate) fn status(self) -> UserStatus {
        match self.flags {
            flags if flags & DELETED != 0 => UserStatus::Deleted,
            flags if flags & DISABLED != 0 => UserStatus::Disabled,
            _ => UserStatus::Active,
        }
    }

    /// How many bytes the identities themselves have.
    pub(super) fn name_bytes(self) -> usize {
        self.id.len() + self.aliases().map(|alias| alias.text.len()).sum::<usize>()
    }

    /// The record as it was given.
    pub(crate) fn to_user(self) -> User {
        let user = User::new(UserId::from_checked(self.id())).with_status(self.status());
        let user =
            self.home.map(|home| Domain::from_canonical(text(home))).into_iter().fold(user, User::with_home_domain);
        let user = if self.flags & ELSEWHERE == 0 { user } else { user.remembered_elsewhere() };
        self.aliases().map(AliasEntry::to_alias).fold(user, User::with_alias)
    }
}

impl<'a> AliasEntry<'a> {
    /// The form in which it is compared, but for the case of ASCII letters.
    pub(super) fn form_bytes(self) -> &'a [u8] {
        self.folded.unwrap_or(self.text)
    }

    /// Returns the namespace of a name that is no address, as [`Alias::namespace`] does.
    pub(super) fn namespace(self) -> Option<&'a str> {
        let is_address = self.app.is_none() && address(text(self.text)).is_some();
        (!is_address).then(|| namespace(text(self.form_bytes())))
    }

    pub(crate) fn to_alias(self) -> Alias {
        Alias::from_parts(self.app.map(text), text(self.text), self.folded.map(text))
    }
}

/// What [`write`] put there was text.
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
    fn d11_whoever_has_as_many_names_as_fit_is_remembered_by_all_of_them() {
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
        write(&user.remembered(|_| true), false, &mut bytes).unwrap();
        assert_eq!(Entry::read(&bytes).unwrap().aliases().count(), long + 2);
        assert!(write(&user.with_alias(account(&"z".repeat(40))), true, &mut bytes).is_err());
    }
}
