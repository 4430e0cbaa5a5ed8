//! A Bloom filter of the indexed ids, which avoids most lookups of ids that were never stored.
//!
//! Burton H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970. The hash of an id determines
//! its bits directly. The filter is filled from the index in hash order, a part with each batch. It answers for the
//! hashes that it has reached; the index is read for the others.

use rusqlite::Connection;

use super::family::Family;
use crate::store::StoreError;

/// The number of bits per id: about one lookup in a hundred is a false positive.
const BITS: usize = 10;
const PROBES: u32 = 7;
/// The minimum capacity of a filter in ids.
const MIN_CAPACITY: usize = 1 << 17;
/// The number of ids that one batch reads from the index, which takes a millisecond or two.
const STEP: i64 = 16_384;

/// The filter of one family.
#[derive(Default)]
pub(super) struct IdFilter {
    words: Vec<u64>,
    ids: usize,
    filled: Filled,
}

/// The part of the index that the filter contains.
#[derive(Default, PartialEq, Eq)]
enum Filled {
    #[default]
    Nothing,
    /// Every hash up to and including this one.
    UpTo([u8; 16]),
    Everything,
}

impl IdFilter {
    /// Empties the filter, so that it is filled again.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns `false` only if an id is not in the index.
    pub(super) fn may_contain(&self, hash: [u8; 16]) -> bool {
        let is_filled = match &self.filled {
            Filled::Nothing => false,
            Filled::UpTo(last) => hash <= *last,
            Filled::Everything => true,
        };
        !is_filled
            || self.bits(hash).all(|bit| self.words.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1))
    }

    /// Adds an id that was written to the index.
    pub(super) fn add(&mut self, hash: [u8; 16]) {
        if self.words.is_empty() {
            return;
        }
        let bits: Vec<usize> = self.bits(hash).collect();
        for bit in bits {
            if let Some(word) = self.words.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
        self.ids += 1;
    }

    /// Adds the next part of the index, unless the filter is complete. `ids` is the approximate number of indexed ids.
    pub(super) fn fill(&mut self, connection: &Connection, family: Family, ids: usize) -> Result<(), StoreError> {
        if self.ids.saturating_mul(BITS) > self.words.len() * 64 {
            // The filter is too small, so its rate of false positives would grow.
            self.clear();
        }
        let after = match &self.filled {
            Filled::Everything => return Ok(()),
            Filled::UpTo(last) => last.to_vec(),
            Filled::Nothing => {
                // At most as many as fit in the file, in case the number in the file is damaged.
                let bytes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
                let bytes: i64 = connection.prepare_cached(bytes)?.query_row([], |row| row.get(0))?;
                let most = usize::try_from(bytes).unwrap_or_default() / size_of::<[u8; 16]>();
                let capacity = ids.min(most).max(MIN_CAPACITY).saturating_mul(2).saturating_mul(BITS);
                self.words = vec![0; capacity.div_ceil(64)];
                self.ids = 0;
                Vec::new()
            }
        };
        let select = format!("SELECT hash FROM {}_id WHERE hash > ?1 ORDER BY hash LIMIT ?2", family.name());
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query(rusqlite::params![after, STEP])?;
        let (mut read, mut last) = (0, None);
        while let Some(row) = rows.next()? {
            let hash = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
            let hash = <[u8; 16]>::try_from(hash).map_err(|_| super::document::corrupt())?;
            if last.is_some_and(|last| hash <= last) {
                return Err(super::document::corrupt());
            }
            self.add(hash);
            last = Some(hash);
            read += 1;
        }
        self.filled = match last {
            Some(last) if read == STEP => Filled::UpTo(last),
            _ => Filled::Everything,
        };
        Ok(())
    }

    fn bits(&self, hash: [u8; 16]) -> impl Iterator<Item = usize> + use<> {
        let [low, high] = halves(hash);
        let bits = (self.words.len() * 64).max(1) as u64;
        // Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006: two hashes are as good as many.
        (0..PROBES).map(move |probe| (low.wrapping_add(u64::from(probe).wrapping_mul(high | 1)) % bits) as usize)
    }
}

fn halves(hash: [u8; 16]) -> [u64; 2] {
    let whole = u128::from_be_bytes(hash);
    [whole as u64, (whole >> 64) as u64]
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn hash(number: u64) -> [u8; 16] {
        let mixed = u128::from(number.wrapping_add(1)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        mixed.to_be_bytes()
    }

    #[test]
    fn d4_partly_filled_filter_misses_no_indexed_id() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE public_id (hash BLOB PRIMARY KEY, sequence INTEGER) WITHOUT ROWID")
            .unwrap();
        let many = STEP as u64 * 2 + 100;
        for number in 0..many {
            connection.prepare_cached("INSERT INTO public_id VALUES (?1, 1)").unwrap().execute([hash(number)]).unwrap();
        }
        let mut filter = IdFilter::default();
        for _ in 0..4 {
            assert!((0..many).all(|number| filter.may_contain(hash(number))));
            filter.fill(&connection, Family::Public, many as usize).unwrap();
        }
        assert!(filter.filled == Filled::Everything);
        assert!((0..many).all(|number| filter.may_contain(hash(number))));
        let false_positives = (many..2 * many).filter(|number| filter.may_contain(hash(*number))).count();
        assert!(false_positives < many as usize / 20, "{false_positives} of {many}");
        // Later ids make the filter too small, and it is filled again.
        for number in many..many * 12 {
            filter.add(hash(number));
        }
        filter.fill(&connection, Family::Public, many as usize).unwrap();
        assert!((0..many).all(|number| filter.may_contain(hash(number))));
    }
}
