//! What users are called: many records side by side, in about as many bytes as the names themselves.
//!
//! A record is a byte of flags, the id, the home domain if one is stated, and the aliases, each with its length before
//! it. Lengths are LEB128 numbers, as in DWARF: one byte for what is shorter than 128. So a user with an id and two
//! aliases takes 5 or 6 bytes more than these, 4 for where the record begins, and 3 for where they are at home.

use super::packed::Packed;
use super::user::{User, UserStatus};
use crate::identity::{Alias, Domain, Identity, UserId};

/// How many users share one block, which is what is copied when one of them is called otherwise.
pub(crate) const BLOCK: usize = 512;

/// The records of up to [`BLOCK`] users.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// Where each record ends.
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// Where each is at home, as `super::people` counts it.
    homes: Vec<Packed>,
}

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

const BOUND_TO_APP: usize = 1;
const FOLDED: usize = 2;

impl Names {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { ends: Vec::with_capacity(BLOCK), bytes: Vec::with_capacity(bytes), homes: Vec::with_capacity(BLOCK) }
    }

    /// Adds a record behind the others, as [`write`] made it. An empty one is of nobody any more.
    pub(super) fn push(&mut self, record: &[u8], home: u32) {
        self.bytes.extend_from_slice(record);
        // INVARIANT: this is below 2^32, because there are at most 2^9 records of hardly more than 2^22 bytes.
        self.ends.push(self.bytes.len() as u32);
        self.homes.push(Packed::new(home));
    }

    pub(super) fn bytes_of(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| *end as usize);
        let end = self.ends.get(at).map_or(start, |end| *end as usize);
        self.bytes.get(start..end).unwrap_or_default()
    }

    pub(super) fn home_of(&self, at: usize) -> u32 {
        self.homes.get(at).map_or(0, |home| home.get())
    }

    pub(super) fn homes(&self) -> impl Iterator<Item = u32> + '_ {
        self.homes.iter().map(|home| home.get())
    }

    pub(super) fn entry(&self, at: usize) -> Option<Entry<'_>> {
        Entry::read(self.bytes_of(at))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = Option<Entry<'_>>> {
        (0..self.len()).map(|at| self.entry(at))
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>() + self.homes.capacity() * size_of::<Packed>()
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.homes.shrink_to_fit();
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
    into.push((u8::from(recorded) * RECORDED) | home.map_or(0, |_| HOME) | status);
    write_text(user.id().as_str(), into);
    if let Some(home) = home {
        write_text(home.as_str(), into);
    }
    for alias in user.aliases() {
        let marks = alias.app().map_or(0, |_| BOUND_TO_APP) | alias.folded().map_or(0, |_| FOLDED);
        write_number(alias.as_str().len() << 2 | marks, into);
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
    write_number(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn write_number(mut number: usize, into: &mut Vec<u8>) {
    while number >= 0x80 {
        into.push(number as u8 | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
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
            Identity::Alias(alias) => self.is_called(alias.form()),
        }
    }

    /// Whether an alias of the user is compared in this form.
    pub(crate) fn is_called(self, form: &str) -> bool {
        self.aliases().any(|alias| alias.folded.unwrap_or(alias.text).eq_ignore_ascii_case(form.as_bytes()))
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
        self.aliases().map(AliasEntry::to_alias).fold(user, User::with_alias)
    }
}

impl<'a> AliasEntry<'a> {
    /// The form in which it is compared, but for the case of ASCII letters.
    pub(crate) fn form(self) -> &'a str {
        text(self.folded.unwrap_or(self.text))
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
    let mut number = 0;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = *bytes.split_off_first()?;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
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
