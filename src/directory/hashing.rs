//! Hashes of identities, equal for names that differ in the case of ASCII letters only. No copy in lower case is made.
//!
//! The hash folds sixteen bytes at a time by a multiplication of their halves, as wyhash and foldhash do. Its keys are
//! random in each process, so that no outsider can choose names that collide.

use std::hash::{BuildHasher, RandomState};

use crate::identity::{Alias, Identity, UserId};

/// The form in which an identity is compared: an id as it is, a name in any case of its ASCII letters.
#[derive(Clone, Copy)]
pub(crate) enum IdentityKey<'a> {
    Id(&'a [u8]),
    Name(&'a [u8]),
}

impl<'a> IdentityKey<'a> {
    pub(crate) fn id(id: &'a UserId) -> Self {
        Self::Id(id.as_str().as_bytes())
    }

    pub(crate) fn name(form: &'a str) -> Self {
        Self::Name(form.as_bytes())
    }

    /// Returns the key as text.
    pub(crate) fn text(self) -> &'a str {
        let (Self::Id(bytes) | Self::Name(bytes)) = self;
        // INVARIANT: both were text.
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// Returns what [`Alias::key`] does for a name.
    pub(crate) fn to_lower_case(self) -> String {
        self.text().to_ascii_lowercase()
    }
}

impl<'a> From<&'a Alias> for IdentityKey<'a> {
    #[inline]
    fn from(alias: &'a Alias) -> Self {
        Self::name(alias.form())
    }
}

impl<'a> From<&'a Identity> for IdentityKey<'a> {
    #[inline]
    fn from(identity: &'a Identity) -> Self {
        match identity {
            Identity::Id(id) => Self::id(id),
            Identity::Alias(alias) => alias.into(),
        }
    }
}

/// Two independent hashes of an identity: the first to search for it, the second to check what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HashPair {
    pub(crate) hash: u64,
    pub(crate) check: u64,
}

/// The keys of the hashes. An id and a name with the same text have different hashes.
#[derive(Clone)]
pub(crate) struct Hashing {
    ids: Keys,
    names: Keys,
    checks_of_ids: Keys,
    checks_of_names: Keys,
}

/// For the first half of sixteen bytes, for the second, and for the length.
#[derive(Clone, Copy)]
struct Keys([u64; 3]);

/// How many bytes are folded at once.
const STEP: usize = 16;

impl Hashing {
    pub(crate) fn new() -> Self {
        let random = RandomState::new();
        let keys = |of: u64| Keys([0, 1, 2].map(|key| random.hash_one([of, key])));
        Self { ids: keys(0), names: keys(1), checks_of_ids: keys(2), checks_of_names: keys(3) }
    }

    /// Returns the hash to search for.
    #[inline]
    pub(crate) fn of(&self, key: IdentityKey<'_>) -> u64 {
        match key {
            IdentityKey::Id(id) => self.of_id(id),
            IdentityKey::Name(form) => self.names.hash(form, ignore_case),
        }
    }

    #[inline]
    pub(crate) fn of_id(&self, id: impl AsRef<[u8]>) -> u64 {
        self.ids.hash(id.as_ref(), |word| word)
    }

    /// Returns the hash to check with.
    pub(crate) fn check_of(&self, key: IdentityKey<'_>) -> u64 {
        match key {
            IdentityKey::Id(id) => self.checks_of_ids.hash(id, |word| word),
            IdentityKey::Name(form) => self.checks_of_names.hash(form, to_lower_case),
        }
    }

    pub(crate) fn pair_of(&self, key: IdentityKey<'_>) -> HashPair {
        HashPair { hash: self.of(key), check: self.check_of(key) }
    }
}

impl Keys {
    #[inline(always)]
    fn hash(self, bytes: &[u8], fold: impl Fn(u64) -> u64) -> u64 {
        let Self([first, second, length]) = self;
        let step = |sum: u64, bytes: [u8; STEP]| {
            let halves = u128::from_le_bytes(bytes);
            multiply(fold(halves as u64) ^ sum, fold((halves >> 64) as u64) ^ second)
        };
        let (whole, rest) = bytes.as_chunks();
        let sum = whole.iter().fold(first, |sum, bytes| step(sum, *bytes));
        let sum = match bytes.last_chunk() {
            _ if rest.is_empty() => sum,
            // Folds some bytes a second time, which costs less than counting those that are left.
            Some(last) => step(sum, *last),
            None => step(sum, padded(rest)),
        };
        multiply(sum ^ length, bytes.len() as u64 ^ first)
    }
}

/// Puts the ASCII letters among eight bytes into lower case, all at once. A letter in upper case is a byte below 128
/// that sets its highest bit if as much is added as `A` needs for that, and does not if as much is added as `[` needs.
fn to_lower_case(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let low = word & !HIGH;
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let past_z = low + (0x80 - b'[' as u64) * EACH;
    let is_upper = (from_a ^ past_z) & !word & HIGH;
    word | (is_upper >> 2)
}

/// Sets the bit that differs between `A` and `a` in each of eight bytes. Other characters become equal too, such as `@`
/// and `` ` ``. Names that differ in nothing else are rare, and a search that finds both compares them.
#[inline(always)]
fn ignore_case(word: u64) -> u64 {
    word | 0x2020_2020_2020_2020
}

#[inline(never)]
fn padded(bytes: &[u8]) -> [u8; STEP] {
    let mut padded = [0; STEP];
    padded.iter_mut().zip(bytes).for_each(|(to, byte)| *to = *byte);
    padded
}

/// Returns the exclusive or of both halves of the product.
#[inline(always)]
fn multiply(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn d8_eight_bytes_at_once_lower_case_as_each_alone() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = *b"aZ@[`{\xc3\x80";
                bytes[at] = byte;
                let folded = to_lower_case(u64::from_le_bytes(bytes)).to_le_bytes();
                assert_eq!(folded, bytes.map(|byte| byte.to_ascii_lowercase()), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn d8_names_with_one_hash_have_two_checks() {
        let hashing = Hashing::new();
        let pair = |name: &str| hashing.pair_of(IdentityKey::name(name));
        let (one, other) = (pair("a@contoso.com"), pair("a`contoso.com"));
        assert!(one.hash == other.hash && one.check != other.check);
        assert_eq!(one, pair("A@Contoso.COM"));
        assert_ne!(hashing.pair_of(IdentityKey::Id(b"a")), hashing.pair_of(IdentityKey::Id(b"A")));
    }

    #[test]
    fn d8_hash_ignores_case_and_differs_from_that_of_id() {
        let hashing = Hashing::new();
        for name in ["Adele@Contoso.com".to_owned(), "A".repeat(64), "Ab".repeat(200), "Zé".repeat(80)] {
            let lower = name.to_ascii_lowercase();
            assert_eq!(hashing.of(IdentityKey::name(&name)), hashing.of(IdentityKey::name(&lower)));
            assert_ne!(hashing.of(IdentityKey::name(&lower)), hashing.of_id(&lower));
        }
    }

    #[test]
    fn d8_similar_names_have_different_hashes() {
        let hashing = Hashing::new();
        let mut names: HashSet<String> = HashSet::new();
        for base in ["a", "adele.vance@contoso.com", "0123456789abcdef", "0123456789abcdef0123456789abcdef"] {
            for len in 0..=base.len() {
                for end in ["", "a", "b", "aa", "\u{0}", "\u{0}\u{0}", "@", "[", "-", "é", "ß"] {
                    names.insert(format!("{}{end}", &base[..len]));
                }
            }
        }
        names.extend((0..50_000).map(|n| format!("user{n}@contoso.com")));
        let hash = |name: &String| hashing.of(IdentityKey::name(name));
        let hashes: HashSet<u64> = names.iter().map(hash).collect();
        assert_eq!(hashes.len(), names.len());
        // The upper half chooses the bucket, the lowest bits are the fingerprint.
        let spread = |bits: &dyn Fn(u64) -> u64| names.iter().map(|name| bits(hash(name))).collect::<HashSet<_>>();
        assert!(spread(&|hash| hash >> 56).len() == 256 && spread(&|hash| hash & 0xff).len() == 256);
        assert!(spread(&|hash| hash & 0xffff).len() > 30_000, "as many as chance gives");
    }
}
