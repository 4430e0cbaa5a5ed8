//! A sorted run: entries that are written once, and later merged with those of other runs.
//!
//! They lie in buckets by the highest bits of their hashes, so that one seek finds the bucket and a run needs no index
//! of its own. Every bucket has a row, also an empty one: one that is missing is damage.

use std::sync::Arc;

use rusqlite::{CachedStatement, Connection, Row, params};

use super::entry::{self, Entry, WIDTH};
use super::filter::{Filter, Probe};
use super::{Setting, damaged, integer, seal};
use crate::store::StoreError;

/// What is known of a run without reading its buckets.
pub(super) struct Run {
    number: i64,
    entries: u64,
    /// How many of the highest bits of a hash say in which bucket it is.
    bits: u32,
    /// Of the filter. No two runs have the same one, not even when a run of the same number was rolled back before.
    seal: u64,
    /// Read when it is first needed.
    filter: Option<Arc<Filter>>,
}

/// A place of a bucket is the number of its run and, in so many bits, its own.
const BUCKET_NUMBER_BITS: u32 = 24;

/// How many entries of all runs are merged at once: what fits into the cache of a processor.
const SLICE: u64 = 16_384;

impl Run {
    /// All runs, oldest first.
    pub(super) fn all(connection: &Connection, setting: &Setting) -> Result<Vec<Self>, StoreError> {
        let mut statement = connection.prepare_cached(setting.tables.runs)?;
        let mut rows = statement.query([])?;
        let mut runs = Vec::new();
        while let Some(row) = rows.next()? {
            let entries = integer(row, 1)?.try_into().map_err(|_| damaged())?;
            let (bits, seal) = (bits(entries, setting.sizes.bucket), seal(row, 2)?);
            runs.push(Self { number: integer(row, 0)?, entries, bits, seal, filter: setting.filters.known(seal) });
        }
        Ok(runs)
    }

    pub(super) fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    pub(super) fn seal(&self) -> u64 {
        self.seal
    }

    /// Whether it may hold this hash. As long as its filter was not read it may hold any.
    pub(super) fn may_hold(&self, probe: &Probe) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.may_hold(probe))
    }

    pub(super) fn filter(&mut self, connection: &Connection, setting: &Setting) -> Result<&Filter, StoreError> {
        let filter = match self.filter.take().or_else(|| setting.filters.known(self.seal)) {
            Some(filter) => filter,
            None => setting.filters.share(self.seal, self.read_filter(connection, setting)?),
        };
        Ok(self.filter.insert(filter))
    }

    fn read_filter(&self, connection: &Connection, setting: &Setting) -> Result<Filter, StoreError> {
        let mut statement = connection.prepare_cached(setting.tables.filter)?;
        let mut rows = statement.query([self.number])?;
        let row = rows.next()?.ok_or_else(damaged)?;
        let bytes = row.get_ref(0)?.as_blob().map_err(|_| damaged())?;
        if setting.key.seal(self.entries, self.number, bytes) != self.seal {
            return Err(damaged());
        }
        Filter::from_bytes(bytes, self.entries).ok_or_else(damaged)
    }

    /// Adds the sequences that stand under this hash.
    pub(super) fn find(
        &self,
        connection: &Connection,
        setting: &Setting,
        hash: u64,
        found: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let place = self.place(bucket_of(hash, self.bits));
        let mut statement = connection.prepare_cached(setting.tables.buckets)?;
        let mut rows = statement.query([place, place])?;
        let bucket = read_bucket(rows.next()?.ok_or_else(damaged)?, place, setting)?;
        let lower = bucket.partition_point(|entry| Entry::read(entry).hash < hash);
        let entries = bucket.iter().skip(lower).map(Entry::read).take_while(|entry| entry.hash == hash);
        found.extend(entries.map(|entry| entry.sequence));
        Ok(())
    }

    /// Writes a run of what other runs hold and of more entries, and takes those runs away.
    ///
    /// Goes through the hashes slice by slice, so that the memory it takes does not grow with what is merged.
    pub(super) fn merge(
        connection: &Connection,
        setting: &Setting,
        number: i64,
        others: &[Self],
        mut more: Vec<Entry>,
    ) -> Result<Self, StoreError> {
        more.sort_unstable();
        let entries = others.iter().map(Self::entries).sum::<u64>() + more.len() as u64;
        let mut run = Self { number, entries, bits: bits(entries, setting.sizes.bucket), seal: 0, filter: None };
        // INVARIANT: a slice is one or more whole buckets of each run, because no run has fewer buckets than slices.
        let slice_bits = others.iter().map(|other| other.bits).fold(bits(entries, SLICE).min(run.bits), u32::min);
        let mut filter = Filter::for_hashes(entries);
        let mut writer = BucketWriter::new(connection, setting)?;
        let (mut merged, mut written, mut more) = (Vec::new(), 0, more.as_slice());
        for slice in 0..1 << slice_bits {
            let here = more.partition_point(|entry| bucket_of(entry.hash, slice_bits) <= slice);
            merged.clear();
            merged.extend(more.split_off(..here).unwrap_or_default());
            for other in others {
                other.read_slice(connection, setting, (slice, slice_bits), &mut merged)?;
            }
            // What it joins is sorted already, which this sort, unlike the unstable one, makes use of.
            merged.sort();
            merged.iter().for_each(|entry| filter.add(entry.hash));
            run.write_slice(&mut writer, (slice, slice_bits), &merged)?;
            written += merged.len() as u64;
        }
        if written != entries {
            return Err(damaged());
        }
        run.write_filter(connection, setting, filter)?;
        others.iter().try_for_each(|other| other.remove(connection, setting))?;
        Ok(run)
    }

    fn read_slice(
        &self,
        connection: &Connection,
        setting: &Setting,
        slice: (i64, u32),
        entries: &mut Vec<Entry>,
    ) -> Result<(), StoreError> {
        let (first, last) = self.places(slice);
        let mut statement = connection.prepare_cached(setting.tables.buckets)?;
        let mut rows = statement.query([first, last])?;
        for place in first..=last {
            let bucket = read_bucket(rows.next()?.ok_or_else(damaged)?, place, setting)?;
            entries.extend(bucket.iter().map(Entry::read));
        }
        Ok(())
    }

    fn write_slice(
        &self,
        writer: &mut BucketWriter<'_>,
        slice: (i64, u32),
        mut entries: &[Entry],
    ) -> Result<(), StoreError> {
        let (first, last) = self.places(slice);
        for place in first..=last {
            let here = entries.partition_point(|entry| self.place(bucket_of(entry.hash, self.bits)) <= place);
            writer.write(place, entries.split_off(..here).unwrap_or_default())?;
        }
        if entries.is_empty() { Ok(()) } else { Err(damaged()) }
    }

    fn write_filter(&mut self, connection: &Connection, setting: &Setting, filter: Filter) -> Result<(), StoreError> {
        let bytes = filter.to_bytes();
        self.seal = setting.key.seal(self.entries, self.number, &bytes);
        let entries = i64::try_from(self.entries).map_err(|_| damaged())?;
        connection.prepare_cached(setting.tables.add_run)?.execute(params![
            self.number,
            entries,
            self.seal.cast_signed(),
            bytes
        ])?;
        self.filter = Some(setting.filters.share(self.seal, filter));
        Ok(())
    }

    fn remove(&self, connection: &Connection, setting: &Setting) -> Result<(), StoreError> {
        let (first, last) = self.places((0, 0));
        connection.prepare_cached(setting.tables.drop_run)?.execute([self.number])?;
        connection.prepare_cached(setting.tables.drop_buckets)?.execute([first, last])?;
        Ok(())
    }

    fn place(&self, bucket: i64) -> i64 {
        self.number << BUCKET_NUMBER_BITS | bucket
    }

    /// Of the first and the last bucket in one slice of so many bits.
    fn places(&self, (slice, slice_bits): (i64, u32)) -> (i64, i64) {
        let finer = self.bits - slice_bits;
        let first = slice << finer;
        (self.place(first), self.place(first + (1 << finer) - 1))
    }
}

/// How many bits say in which part a hash is, when none is to hold more than so many entries on average.
fn bits(entries: u64, part: u64) -> u32 {
    entries.div_ceil(part).next_power_of_two().trailing_zeros().min(BUCKET_NUMBER_BITS)
}

fn bucket_of(hash: u64, bits: u32) -> i64 {
    hash.checked_shr(u64::BITS - bits).unwrap_or(0).cast_signed()
}

/// The entries in the row of the bucket at this place: the seal of another one would not be right.
fn read_bucket<'r>(row: &'r Row<'_>, place: i64, setting: &Setting) -> Result<&'r [[u8; WIDTH]], StoreError> {
    let bytes = row.get_ref(1)?.as_blob().map_err(|_| damaged())?;
    if setting.key.seal(0, place, bytes) != seal(row, 0)? {
        return Err(damaged());
    }
    entry::in_bytes(bytes)
}

struct BucketWriter<'c> {
    insert: CachedStatement<'c>,
    setting: &'c Setting,
    bytes: Vec<u8>,
}

impl<'c> BucketWriter<'c> {
    fn new(connection: &'c Connection, setting: &'c Setting) -> Result<Self, StoreError> {
        Ok(Self { insert: connection.prepare_cached(setting.tables.add_bucket)?, setting, bytes: Vec::new() })
    }

    fn write(&mut self, place: i64, entries: &[Entry]) -> Result<(), StoreError> {
        self.bytes.clear();
        entries.iter().try_for_each(|entry| entry.write(&mut self.bytes))?;
        let seal = self.setting.key.seal(0, place, &self.bytes);
        self.insert.execute(params![place, seal.cast_signed(), self.bytes])?;
        Ok(())
    }
}
