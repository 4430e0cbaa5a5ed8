//! The rows of a closed segment, newest first, in chunks.

use rusqlite::Connection;

use super::SEGMENT;
use super::directory::Closed;
use super::keys::Range;
use super::rows::id_of;
use super::tables::ORDER;
use super::varint::{Reader, put, put_signed};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// What the order says of one row.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) at: i64,
    pub(super) sequence: i64,
    /// Which of the names in the facet of apps.
    pub(super) app: u32,
    /// Which of the names in the facet of actors.
    pub(super) label: u32,
}

/// How many rows a chunk holds: few enough that one row costs little, enough that a chunk is not all overhead.
const CHUNK: u32 = 128;

/// Where a search begins: within a range of time, and after a place.
#[derive(Clone)]
pub(super) struct Bound {
    pub(super) range: Range,
    pub(super) after: Option<(i64, Box<str>)>,
}

impl Bound {
    /// Whether what stands here is older than where the search begins.
    pub(super) fn is_past(&self, at: i64, id: &str) -> bool {
        at < self.range.until && self.after.as_ref().is_none_or(|(after, after_id)| (at, id) < (*after, &**after_id))
    }
}

/// Writes the order of a segment whose first row has this sequence; `entries` come newest first.
pub(super) fn write(connection: &Connection, number: i64, first: i64, entries: &[Entry]) -> Result<(), StoreError> {
    let mut adder = ORDER.adder(connection)?;
    let mut bytes = Vec::with_capacity(CHUNK as usize * 10);
    for (chunk, entries) in (0..).zip(entries.chunks(CHUNK as usize)) {
        bytes.clear();
        let (mut at, mut sequence) = (entries.first().map_or(0, |entry| entry.at), first);
        bytes.extend_from_slice(&at.to_le_bytes());
        for entry in entries {
            put(&mut bytes, at.abs_diff(entry.at));
            put_signed(&mut bytes, entry.sequence.wrapping_sub(sequence));
            put(&mut bytes, entry.app.into());
            put(&mut bytes, entry.label.into());
            (at, sequence) = (entry.at, entry.sequence);
        }
        adder.add(number, chunk, &bytes)?;
    }
    Ok(())
}

/// Reads the order of one segment, a chunk at a time.
pub(super) struct Order {
    closed: Closed,
    chunk: Option<u32>,
    entries: Vec<Entry>,
}

impl Order {
    pub(super) fn of(closed: Closed) -> Self {
        Self { closed, chunk: None, entries: Vec::new() }
    }

    pub(super) fn entry(&mut self, connection: &Connection, rank: u32) -> Result<Entry, StoreError> {
        self.turn_to(connection, rank / CHUNK)?;
        self.entries.get((rank % CHUNK) as usize).copied().ok_or_else(|| damaged(SEGMENT))
    }

    fn turn_to(&mut self, connection: &Connection, chunk: u32) -> Result<(), StoreError> {
        if self.chunk == Some(chunk) {
            return Ok(());
        }
        self.chunk = None;
        self.entries.clear();
        let (first, entries) = (self.closed.first, &mut self.entries);
        ORDER.must(connection, self.closed.number, chunk, |bytes| {
            let (at, rest) = bytes.split_first_chunk().ok_or_else(|| damaged(SEGMENT))?;
            let (mut at, mut sequence) = (i64::from_le_bytes(*at), first);
            let mut reader = Reader::new(rest);
            while !reader.is_empty() {
                at = at.checked_sub_unsigned(reader.number()?).ok_or_else(|| damaged(SEGMENT))?;
                sequence = sequence.wrapping_add(reader.signed()?);
                entries.push(Entry { at, sequence, app: reader.small()?, label: reader.small()? });
            }
            Ok(())
        })?;
        self.chunk = Some(chunk);
        Ok(())
    }

    /// How many rows are of this time or newer: the first rank that is older.
    fn not_before(&mut self, connection: &Connection, time: i64) -> Result<u32, StoreError> {
        if time <= self.closed.oldest_at {
            return Ok(self.closed.rows);
        }
        if time > self.closed.newest_at {
            return Ok(0);
        }
        // The last chunk that begins with such a row, and how far it goes in there.
        let (mut low, mut high) = (0, self.closed.rows.div_ceil(CHUNK));
        while low + 1 < high {
            let middle = low.midpoint(high);
            let newest = ORDER.must(connection, self.closed.number, middle, |bytes| {
                bytes.first_chunk().map(|at| i64::from_le_bytes(*at)).ok_or_else(|| damaged(SEGMENT))
            })?;
            if newest >= time { low = middle } else { high = middle }
        }
        self.turn_to(connection, low)?;
        let within = self.entries.partition_point(|entry| entry.at >= time);
        Ok(low * CHUNK + u32::try_from(within).unwrap_or(CHUNK))
    }

    /// The first rank that is past a bound.
    pub(super) fn begin(&mut self, connection: &Connection, bound: &Bound) -> Result<u32, StoreError> {
        let from_time = self.not_before(connection, bound.range.until)?;
        let Some((at, id)) = &bound.after else { return Ok(from_time) };
        // Rows of one time lie by id, which only the rows themselves tell.
        let mut low = self.not_before(connection, at.saturating_add(1))?;
        let mut high = self.not_before(connection, *at)?;
        while low < high {
            let middle = low.midpoint(high);
            let mut rank = middle;
            // A row that is gone tells nothing, and it is all the same on which side it falls.
            let found = loop {
                if rank == high {
                    break None;
                }
                let sequence = self.entry(connection, rank)?.sequence;
                match id_of(connection, sequence)? {
                    Some(found) => break Some(found),
                    None => rank += 1,
                }
            };
            match found {
                Some(found) if *found >= **id => low = rank + 1,
                _ => high = middle,
            }
        }
        Ok(low.max(from_time))
    }

    /// The ranks that lie in a range of time.
    pub(super) fn within(&mut self, connection: &Connection, range: Range) -> Result<(u32, u32), StoreError> {
        Ok((self.not_before(connection, range.until)?, self.not_before(connection, range.from)?))
    }
}
