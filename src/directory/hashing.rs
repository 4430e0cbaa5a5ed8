//! How identities are hashed: alike in any case of their ASCII letters, without making a copy in lower case first.
//!
//! Sixteen bytes at a time are folded by a multiplication of their halves, as in wyhash and foldhash, with keys that
//! are random in each process, so that nobody outside can choose names that meet.

use std::hash::{BuildHasher, RandomState};

use crate::identity::{Alias, Identity};

/// See the module. An id and a name that read alike are two identities.
#[derive(Clone)]
pub(crate) struct Hashing {
    ids: Keys,
    names: Keys,
    proofs_of_ids: Keys,
    proofs_of_names: Keys,
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
        Self { ids: keys(0), names: keys(1), proofs_of_ids: keys(2), proofs_of_names: keys(3) }
    }

    pub(crate) fn of(&self, identity: &Identity) -> u64 {
        match identity {
            Identity::Id(id) => self.of_id(id.as_str()),
            Identity::Alias(alias) => self.of_alias(alias),
        }
    }

    #[inline]
    pub(crate) fn of_id(&self, id: impl AsRef<[u8]>) -> u64 {
        self.ids.hash(id.as_ref(), |word| word)
    }

    #[inline]
    pub(crate) fn of_alias(&self, alias: &Alias) -> u64 {
        self.of_form(alias.form())
    }

    /// Of the form in which an alias is compared, in any case of its ASCII letters.
    #[inline]
    pub(crate) fn of_form(&self, form: impl AsRef<[u8]>) -> u64 {
        self.names.hash(form.as_ref(), without_case)
    }
}

/// Where to look for an identity, and by what to tell it from every other that is looked for there: two hashes that have
/// nothing to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Print {
    pub(crate) hash: u64,
    pub(crate) proof: u64,
}

impl Hashing {
    pub(crate) fn proof_of(&self, identity: &Identity) -> u64 {
        match identity {
            Identity::Id(id) => self.proof_of_id(id.as_str()),
            Identity::Alias(alias) => self.proof_of_form(alias.form()),
        }
    }

    fn proof_of_id(&self, id: impl AsRef<[u8]>) -> u64 {
        self.proofs_of_ids.hash(id.as_ref(), |word| word)
    }

    pub(crate) fn proof_of_form(&self, form: impl AsRef<[u8]>) -> u64 {
        self.proofs_of_names.hash(form.as_ref(), in_lower_case)
    }

    pub(crate) fn print_of_id(&self, id: impl AsRef<[u8]>) -> Print {
        let id = id.as_ref();
        Print { hash: self.of_id(id), proof: self.proof_of_id(id) }
    }

    pub(crate) fn print_of_form(&self, form: impl AsRef<[u8]>) -> Print {
        let form = form.as_ref();
        Print { hash: self.of_form(form), proof: self.proof_of_form(form) }
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
            // Some bytes are taken a second time, which costs less than finding out how many are left.
            Some(last) => step(sum, *last),
            None => step(sum, padded(rest)),
        };
        multiply(sum ^ length, bytes.len() as u64 ^ first)
    }
}

/// Eight bytes with their ASCII letters in lower case: all at once, each in its own eighth of the word. A letter is a byte
/// below 128 that carries into the highest bit when enough is added to reach it from `A`, and does not when it is from `[`.
fn in_lower_case(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let low = word & !HIGH;
    let from_a = low + (0x80 - b'A' as u64) * EACH;
    let past_z = low + (0x80 - b'[' as u64) * EACH;
    let is_upper = (from_a ^ past_z) & !word & HIGH;
    word | (is_upper >> 2)
}

/// Eight bytes, each with the bit set by which `A` differs from `a`. Other characters fall together too, as `@` and `` ` `` do;
/// two names that differ by nothing else are rare, and are told apart by what they are.
#[inline(always)]
fn without_case(word: u64) -> u64 {
    word | 0x2020_2020_2020_2020
}

#[inline(never)]
fn padded(bytes: &[u8]) -> [u8; STEP] {
    let mut padded = [0; STEP];
    padded.iter_mut().zip(bytes).for_each(|(there, byte)| *there = *byte);
    padded
}

/// Both halves of the product, folded into one.
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
    fn d8_eight_bytes_are_put_into_lower_case_as_each_of_them_is() {
        for byte in 0..=u8::MAX {
            for at in 0..8 {
                let mut bytes = *b"aZ@[`{\xc3\x80";
                bytes[at] = byte;
                let folded = in_lower_case(u64::from_le_bytes(bytes)).to_le_bytes();
                assert_eq!(folded, bytes.map(|byte| byte.to_ascii_lowercase()), "{byte} at {at}");
            }
        }
    }

    #[test]
    fn d8_names_that_are_looked_for_together_are_told_apart() {
        let hashing = Hashing::new();
        let (one, other) = (hashing.print_of_form("a@contoso.com"), hashing.print_of_form("a`contoso.com"));
        assert!(one.hash == other.hash && one.proof != other.proof);
        assert_eq!(one, hashing.print_of_form("A@Contoso.COM"));
        assert_ne!(hashing.print_of_id("a"), hashing.print_of_id("A"));
    }

    #[test]
    fn d8_a_name_is_hashed_alike_in_any_case_and_unlike_an_id() {
        let hashing = Hashing::new();
        for name in ["Adele@Contoso.com".to_owned(), "A".repeat(64), "Ab".repeat(200), "Zé".repeat(80)] {
            assert_eq!(hashing.of_form(&name), hashing.of_form(name.to_ascii_lowercase()));
            assert_ne!(hashing.of_form(name.to_ascii_lowercase()), hashing.of_id(name.to_ascii_lowercase()));
        }
    }

    #[test]
    fn d8_names_that_differ_by_little_are_hashed_apart() {
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
        let hashes: HashSet<u64> = names.iter().map(|name| hashing.of_form(name)).collect();
        assert_eq!(hashes.len(), names.len());
        // A bucket is chosen by the upper half, what stands in it by the lowest bits.
        let spread =
            |bits: &dyn Fn(u64) -> u64| names.iter().map(|name| bits(hashing.of_form(name))).collect::<HashSet<_>>();
        assert!(spread(&|hash| hash >> 56).len() == 256 && spread(&|hash| hash & 0xff).len() == 256);
        assert!(spread(&|hash| hash & 0xffff).len() > 30_000, "as many as chance gives");
    }
}
