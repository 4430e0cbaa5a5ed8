//! A table of keys that is written once: each key lies in the bucket that its hash says, so that a look-up reads one
//! blob of about a kilobyte. Keys that fall into one bucket on purpose make that blob longer, up to the whole segment;
//! the answer stays the same.

use rusqlite::Connection;

use super::SEGMENT;
use super::keys::Kind;
use super::tables::{Blobs, MOST_PARTS};
use super::varint::{Reader, put_bytes};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// About how many bytes a bucket holds.
const BUCKET_BYTES: usize = 1024;

pub(super) struct Buckets(Vec<Vec<u8>>);

impl Buckets {
    /// As many as that many bytes need.
    pub(super) fn for_bytes(bytes: usize) -> Self {
        let count = bytes.div_ceil(BUCKET_BYTES).clamp(1, MOST_PARTS as usize);
        Self((0..count).map(|_| Vec::with_capacity(BUCKET_BYTES * 3 / 2)).collect())
    }

    pub(super) fn put(&mut self, kind: u8, key: &str, value: &[u8]) {
        let bucket = bucket_of(kind, key, self.count());
        if let Some(bytes) = self.0.get_mut(bucket as usize) {
            bytes.push(kind);
            put_bytes(bytes, key.as_bytes());
            put_bytes(bytes, value);
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(MOST_PARTS)
    }

    pub(super) fn write(&self, connection: &Connection, to: Blobs, number: i64) -> Result<(), StoreError> {
        let mut adder = to.adder(connection)?;
        for (bucket, bytes) in (0..).zip(&self.0) {
            adder.add(number, bucket, bytes)?;
        }
        Ok(())
    }
}

/// Gives the value of a key to `act`, if the table has it.
pub(super) fn find<T>(
    connection: &Connection,
    from: Blobs,
    (number, count): (i64, u32),
    (kind, key): &(Kind, String),
    act: impl FnOnce(&[u8]) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let kind = *kind as u8;
    let found = from.must(connection, number, bucket_of(kind, key, count), |bytes| {
        let mut reader = Entries(Reader::new(bytes));
        while let Some((is_of, is, value)) = reader.next()? {
            if is_of == kind && is == key.as_bytes() {
                return act(value).map(Some);
            }
        }
        Ok(None)
    })?;
    Ok(found)
}

/// Gives every key with its value to `act`.
pub(super) fn each(
    connection: &Connection,
    from: Blobs,
    (number, count): (i64, u32),
    mut act: impl FnMut(u8, &str, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    for bucket in 0..count {
        from.must(connection, number, bucket, |bytes| {
            let mut reader = Entries(Reader::new(bytes));
            while let Some((kind, key, value)) = reader.next()? {
                act(kind, str::from_utf8(key).map_err(|_| damaged(SEGMENT))?, value)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

struct Entries<'a>(Reader<'a>);

type Entry<'a> = (u8, &'a [u8], &'a [u8]);

impl<'a> Entries<'a> {
    fn next(&mut self) -> Result<Option<Entry<'a>>, StoreError> {
        let Some((kind, rest)) = self.0.rest().split_first() else { return Ok(None) };
        self.0 = Reader::new(rest);
        Ok(Some((*kind, self.0.bytes()?, self.0.bytes()?)))
    }
}

/// FNV-1a (RFC 9923), because the file needs a hash that is the same in every version and on every machine.
fn bucket_of(kind: u8, key: &str, count: u32) -> u32 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = std::iter::once(&kind).chain(key.as_bytes()).fold(0xcbf2_9ce4_8422_2325, step);
    // The low bits of FNV are its weakest.
    let mixed = (hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    u32::try_from((mixed * u64::from(count)) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files are read by later versions, and by other machines.
    #[test]
    fn v3_a_key_lies_in_the_same_bucket_for_ever() {
        let keys = [(Kind::Id, "adele"), (Kind::Name, "adele@contoso.com"), (Kind::App, "Box"), (Kind::Name, "")];
        let buckets = |count| keys.map(|(kind, key)| bucket_of(kind as u8, key, count));
        assert_eq!(buckets(1), [0; 4]);
        assert_eq!(buckets(1_000), [332, 495, 138, 634]);
        assert_eq!(buckets(1 << 20), [348_894, 519_289, 144_944, 664_828]);
    }
}
