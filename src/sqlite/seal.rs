//! By what a row of activities is told that is not as it was written, because a page of the file was lost or another one is
//! read in its place.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// Of everything in a row of one table, which `table` is the number of: its numbers and its texts.
///
/// Has no key, because it guards against accidents alone: whoever writes to the file on purpose can read the key in it.
pub(super) fn seal(table: i64, numbers: [i64; 4], texts: [Option<&[u8]>; 3]) -> i64 {
    let mut hasher = SipHasher13::new_with_keys(table.cast_unsigned(), 0);
    numbers.iter().for_each(|number| hasher.write(&number.to_le_bytes()));
    for text in texts {
        hasher.write(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.write(text.unwrap_or_default());
    }
    hasher.finish().cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files are read by later versions, and by other machines.
    #[test]
    fn v2_seal_is_the_same_forever_and_of_nothing_else() {
        let texts: [Option<&[u8]>; 3] = [Some(b"id"), Some(b"facts"), None];
        let sealed = seal(1, [1, 2, 3, 5], texts);
        assert_eq!(sealed, SEALED);
        for other in [
            seal(2, [1, 2, 3, 5], texts),
            seal(1, [2, 2, 3, 5], texts),
            seal(1, [1, 2, 3, 7], texts),
            seal(1, [1, 2, 3, 5], [Some(b"idf"), Some(b"acts"), None]),
            seal(1, [1, 2, 3, 5], [Some(b"id"), Some(b"facts"), Some(b"")]),
        ] {
            assert_ne!(other, sealed);
        }
    }

    const SEALED: i64 = 1_622_626_031_917_149_037;
}
