//! What is kept of one id.

use super::damaged;
use crate::store::StoreError;

/// The hash of an id, and the row that it stands in. Ordered by hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) sequence: i64,
}

/// How many bytes an entry takes: 8 for the hash, 5 for the sequence, both big-endian.
pub(super) const WIDTH: usize = 13;

impl Entry {
    /// Refuses a sequence that takes more than five bytes: a table with a million million rows was never written.
    pub(super) fn write(&self, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        let [0, 0, 0, sequence @ ..] = self.sequence.to_be_bytes() else { return Err(damaged()) };
        bytes.extend_from_slice(&self.hash.to_be_bytes());
        bytes.extend_from_slice(&sequence);
        Ok(())
    }

    pub(super) fn read(bytes: &[u8; WIDTH]) -> Self {
        let [a, b, c, d, e, f, g, h, sequence @ ..] = *bytes;
        let [i, j, k, l, m] = sequence;
        Self {
            hash: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            sequence: i64::from_be_bytes([0, 0, 0, i, j, k, l, m]),
        }
    }
}

/// The entries that some bytes hold, unread.
pub(super) fn in_bytes(bytes: &[u8]) -> Result<&[[u8; WIDTH]], StoreError> {
    match bytes.as_chunks() {
        (entries, []) => Ok(entries),
        _ => Err(damaged()),
    }
}
