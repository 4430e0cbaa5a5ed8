//! A Bloom filter of the ids in an index, so that an id that was never stored is mostly not looked up in the file.
//!
//! Burton H. Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970. The hash of an id gives the bits by
//! itself. The filter is filled from the index in the order of the hashes, a part with each batch, and answers from the
//! beginning for the hashes that it has come to; until then the index is asked for the others.

use rusqlite::Connection;

use super::family::Family;
use crate::store::StoreError;

/// How many bits there are for an id: about one lookup in a hundred is in vain.
const BITS: usize = 10;
const PROBES: u32 = 7;
/// The smallest number of ids that a filter is made for.
const SMALLEST: usize = 1 << 17;
/// How many ids are read from the index with a batch: a millisecond or two.
const STEP: i64 = 16_384;

/// The ids of one family.
#[derive(Default)]
pub(super) struct IdFilter {
    words: Vec<u64>,
    ids: usize,
    filled: Filled,
}

/// How far the filter was filled.
#[derive(Default, PartialEq, Eq)]
enum Filled {
    #[default]
    Nothing,
    /// Every hash up to and with this one is in.
    UpTo([u8; 16]),
    Everything,
}

impl IdFilter {
    /// Begins anew.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Returns whether an id may be in the index; if not, it is not.
    pub(super) fn may_have(&self, hash: [u8; 16]) -> bool {
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

    /// Reads a part of the index, if it was not read to the end. `ids` is about how many there are in it.
    pub(super) fn fill(&mut self, connection: &Connection, family: Family, ids: usize) -> Result<(), StoreError> {
        if self.ids.saturating_mul(BITS) > self.words.len() * 64 {
            // It has become too small, and would let through more and more.
            self.forget();
        }
        let after = match &self.filled {
            Filled::Everything => return Ok(()),
            Filled::UpTo(last) => last.to_vec(),
            Filled::Nothing => {
                // As many as the file has room for, whatever it says.
                let bytes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
                let bytes: i64 = connection.prepare_cached(bytes)?.query_row([], |row| row.get(0))?;
                let most = usize::try_from(bytes).unwrap_or_default() / size_of::<[u8; 16]>();
                let room = ids.min(most).max(SMALLEST).saturating_mul(2).saturating_mul(BITS);
                self.words = vec![0; room.div_ceil(64)];
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
    fn d4_every_id_of_the_index_is_found_however_far_filled() {
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
            assert!((0..many).all(|number| filter.may_have(hash(number))));
            filter.fill(&connection, Family::Public, many as usize).unwrap();
        }
        assert!(filter.filled == Filled::Everything);
        assert!((0..many).all(|number| filter.may_have(hash(number))));
        let in_vain = (many..2 * many).filter(|number| filter.may_have(hash(*number))).count();
        assert!(in_vain < many as usize / 20, "{in_vain} of {many}");
        // Ids that come later make it too small, and then it is filled anew.
        for number in many..many * 12 {
            filter.add(hash(number));
        }
        filter.fill(&connection, Family::Public, many as usize).unwrap();
        assert!((0..many).all(|number| filter.may_have(hash(number))));
    }
}
