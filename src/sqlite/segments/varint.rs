//! Numbers and texts in the blobs of this room, in as few bytes as they need.

use super::SEGMENT;
use crate::sqlite::document::damaged;
use crate::store::StoreError;
use crate::varint;

pub(super) fn put(bytes: &mut Vec<u8>, number: u64) {
    varint::write(number, bytes);
}

/// Puts a number that may be below zero: near zero it is short on both sides.
pub(super) fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Puts something of any length, its length first.
pub(super) fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    put(bytes, part.len() as u64);
    bytes.extend_from_slice(part);
}

/// Reads what was put, from the front. Whatever does not read is damage, never a panic.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        varint::read(&mut self.0).ok_or_else(|| damaged(SEGMENT))
    }

    pub(super) fn small(&mut self) -> Result<u32, StoreError> {
        u32::try_from(self.number()?).map_err(|_| damaged(SEGMENT))
    }

    pub(super) fn signed(&mut self) -> Result<i64, StoreError> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], StoreError> {
        let length = usize::try_from(self.number()?).map_err(|_| damaged(SEGMENT))?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged(SEGMENT))?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, StoreError> {
        str::from_utf8(self.bytes()?).map_err(|_| damaged(SEGMENT))
    }
}
