//! Which ids one table of activities holds.
//!
//! An index over random ids dirties a page of the file for each row, more of them the larger the file is. Here the
//! newest ids are in memory, and in the file one row for each batch (the tail). When the tail is full it becomes a sorted
//! `run`, and when there are some runs of like size they are merged into one: an id is written a few times
//! in all, and always beside its neighbours. Whether a run may hold an id is told by a `filter` in memory.
//!
//! Kept of an id is its hash, under a key that only the file holds, and the row that it stands in. Different ids can
//! have the same hash, so whoever asks compares the ids in the rows that are found, or asks [`Ids::was_removed`] of a row
//! that is gone.
//!
//! Public and private ids have one of these each, so that nothing that is asked of the public ones costs more because
//! of the private ones.
//!
//! Everything that is written belongs to the caller's transaction, and all that is kept in memory can be told from it:
//! [`Ids::catch_up`] sees what others wrote and what was rolled back. What is damaged is an error, never an id that is
//! not found: all that is written is sealed by a hash under the same key.

mod entry;
mod filter;
mod key;
mod removed;
mod run;
mod tables;
#[cfg(test)]
mod tests;

use hashbrown::HashTable;
use rusqlite::{Connection, Row, params};

use self::entry::Entry;
pub(super) use self::filter::Filters;
use self::filter::Probe;
pub(super) use self::key::CREATE_KEY;
use self::key::Key;
pub(super) use self::removed::Removed;
use self::run::Run;
pub(super) use self::tables::{PRIVATE, PUBLIC, Tables};
use super::document;
use crate::store::StoreError;

/// The ids of one table of activities, as of one transaction.
pub(super) struct Ids {
    setting: Setting,
    /// Oldest first.
    runs: Vec<Run>,
    tail: Tail,
    /// What was added and not kept yet.
    fresh: Vec<Entry>,
}

/// What stays the same as long as a file is open.
struct Setting {
    tables: &'static Tables,
    key: Key,
    filters: Filters,
    sizes: Sizes,
}

/// How large the parts are. Tests have smaller ones.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    /// A tail with at least so many entries becomes a run.
    tail: u64,
    /// How many runs of one level become one of the next.
    fan: u64,
    /// The level whose runs are not merged any more, so that no file says how much memory a merge takes.
    top: u32,
    /// The most entries that a bucket has on average. Part of the format of the file.
    bucket: u64,
}

const SIZES: Sizes = Sizes { tail: 32_768, fan: 8, top: 2, bucket: 160 };

/// How many hashes go through all filters together.
const MARKED_AT_ONCE: usize = 1_024;

/// The entries that are in no run yet.
#[derive(Default)]
struct Tail {
    entries: HashTable<Entry>,
    /// Of the newest row.
    last: Option<Place>,
}

/// Where a row of the tail stands: after how many entries in all, those in the runs too. Its seal goes over the seal of
/// the row before, so that two tails that end alike are alike.
#[derive(Clone, Copy)]
struct Place {
    place: i64,
    seal: u64,
}

impl Ids {
    /// Reads what there is but for the filters, which are read by the first [`mark`](Self::mark).
    pub(super) fn open(
        connection: &Connection,
        tables: &'static Tables,
        filters: &Filters,
    ) -> Result<Self, StoreError> {
        Self::open_sized(connection, tables, filters, SIZES)
    }

    fn open_sized(
        connection: &Connection,
        tables: &'static Tables,
        filters: &Filters,
        sizes: Sizes,
    ) -> Result<Self, StoreError> {
        let setting = Setting { tables, key: Key::read(connection, tables)?, filters: filters.clone(), sizes };
        let runs = Run::all(connection, &setting)?;
        let mut ids = Self { setting, runs, tail: Tail::default(), fresh: Vec::new() };
        ids.read_tail(connection)?;
        Ok(ids)
    }

    /// Makes this what the transaction of this connection sees: what others wrote meanwhile is there, and what was
    /// rolled back is not. To be called at the beginning of each transaction; takes two seeks when nothing changed.
    ///
    /// Says whether all that was known still stands and was only added to. If not, others have made a run meanwhile, or
    /// the file is not the one that it was: who keeps more in memory has to read that again too.
    ///
    /// After an error this is as it was or further on: call again before anything else.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let standing: (Option<i64>, Option<i64>) = connection
            .prepare_cached(self.setting.tables.standing)?
            .query_row([self.last_place()?], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let known = (self.runs.last().map(Run::seal), self.tail.last.map(|last| last.seal));
        if self.fresh.is_empty() && known == (standing.0.map(i64::cast_unsigned), standing.1.map(i64::cast_unsigned)) {
            return self.read_tail(connection).map(|()| true);
        }
        let Setting { tables, filters, sizes, .. } = &self.setting;
        // The filters that this holds are found again, because it goes only when the new one is there.
        *self = Self::open_sized(connection, tables, filters, *sizes)?;
        Ok(false)
    }

    /// By what an id is looked for.
    pub(super) fn hash(&self, id: &str) -> u64 {
        self.setting.key.hash(id)
    }

    /// Marks which of these hashes a run may hold. One run after the other for a whole batch, so that a filter stays in
    /// the cache of the processor.
    pub(super) fn mark(
        &mut self,
        connection: &Connection,
        hashes: &[u64],
        marks: &mut Vec<bool>,
    ) -> Result<(), StoreError> {
        marks.clear();
        marks.resize(hashes.len(), false);
        let mut probes = Vec::with_capacity(hashes.len().min(MARKED_AT_ONCE));
        for (hashes, marks) in hashes.chunks(MARKED_AT_ONCE).zip(marks.chunks_mut(MARKED_AT_ONCE)) {
            probes.clear();
            probes.extend(hashes.iter().copied().map(Probe::of));
            for run in &mut self.runs {
                let filter = run.filter(connection, &self.setting)?;
                marks.iter_mut().zip(&probes).for_each(|(mark, probe)| *mark |= filter.may_hold(probe));
            }
        }
        Ok(())
    }

    /// Adds the sequences of all rows whose id has this hash, also of those that were added since it was marked. Whether
    /// one has the very id is for the caller to compare.
    ///
    /// Not marked means that no run holds it, so whoever marks nothing says that all are marked.
    pub(super) fn candidates(
        &self,
        connection: &Connection,
        hash: u64,
        marked: bool,
        found: &mut Vec<i64>,
    ) -> Result<(), StoreError> {
        let in_tail = self.tail.entries.iter_hash(hash).filter(|entry| entry.hash == hash);
        found.extend(in_tail.map(|entry| entry.sequence));
        if marked {
            let probe = Probe::of(hash);
            for run in self.runs.iter().filter(|run| run.may_hold(&probe)) {
                run.find(connection, &self.setting, hash, found)?;
            }
        }
        Ok(())
    }

    /// Adds the id of a row that was written in this transaction. It is found from now on, and stays if
    /// [`keep_up`](Self::keep_up) is called before the transaction is committed.
    pub(super) fn add(&mut self, hash: u64, sequence: i64) {
        let entry = Entry { hash, sequence };
        self.tail.entries.insert_unique(hash, entry, |entry| entry.hash);
        self.fresh.push(entry);
    }

    /// Writes what was added, at the end of a batch and in its transaction.
    ///
    /// Now and then this takes longer, when the tail becomes a run, and longer still when runs are merged. After an error
    /// the transaction has to be rolled back.
    pub(super) fn keep_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        if self.tail.len() < self.setting.sizes.tail {
            self.lengthen_tail(connection)?;
        } else {
            self.tail_to_run(connection)?;
        }
        self.fresh.clear();
        Ok(())
    }

    fn lengthen_tail(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut bytes = Vec::new();
        self.fresh.iter().try_for_each(|entry| entry.write(&mut bytes))?;
        let before = self.entries()?.checked_sub_unsigned(self.fresh.len() as u64).ok_or_else(damaged)?;
        let seal = self.setting.key.seal(self.last_seal(), before, &bytes);
        connection.prepare_cached(self.setting.tables.add_to_tail)?.execute(params![
            before,
            seal.cast_signed(),
            bytes
        ])?;
        self.tail.last = Some(Place { place: before, seal });
        Ok(())
    }

    fn tail_to_run(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let number = self.runs.last().map_or(0, Run::number).checked_add(1).ok_or_else(damaged)?;
        let (ripe, others) = self.setting.sizes.ripe(std::mem::take(&mut self.runs), self.tail.len());
        let merged = Run::merge(connection, &self.setting, number, &ripe, self.tail.entries.drain().collect())?;
        self.runs = others;
        self.runs.push(merged);
        // A very large batch does not keep its memory.
        self.tail = Tail::default();
        connection.prepare_cached(self.setting.tables.clear_tail)?.execute([])?;
        Ok(())
    }

    /// Reads the rows of the tail after the last one that is known.
    fn read_tail(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(self.setting.tables.tail_after)?;
        let mut rows = statement.query([self.last_place()?])?;
        while let Some(row) = rows.next()? {
            let place = Place { place: integer(row, 0)?, seal: seal(row, 1)? };
            let bytes = row.get_ref(2)?.as_blob().map_err(|_| damaged())?;
            let seal = self.setting.key.seal(self.last_seal(), place.place, bytes);
            if place.place != self.entries()? || place.seal != seal {
                return Err(damaged());
            }
            for entry in entry::in_bytes(bytes)?.iter().map(Entry::read) {
                self.tail.entries.insert_unique(entry.hash, entry, |entry| entry.hash);
            }
            self.tail.last = Some(place);
        }
        Ok(())
    }

    /// How many there are in all, those of rows that were removed too: sequences begin with 1 and leave no gap, so this is
    /// the last one that was given.
    pub(super) fn entries(&self) -> Result<i64, StoreError> {
        let in_runs = self.runs.iter().map(Run::entries);
        let all = in_runs.chain([self.tail.len()]).try_fold(0, u64::checked_add);
        all.and_then(|all| all.try_into().ok()).ok_or_else(damaged)
    }

    /// The place after which rows of the tail are new.
    fn last_place(&self) -> Result<i64, StoreError> {
        Ok(match self.tail.last {
            Some(last) => last.place,
            None => self.entries()? - 1,
        })
    }

    fn last_seal(&self) -> u64 {
        let of_run = || self.runs.last().map(Run::seal);
        self.tail.last.map(|last| last.seal).or_else(of_run).unwrap_or(0)
    }
}

impl Tail {
    fn len(&self) -> u64 {
        self.entries.len() as u64
    }
}

impl Sizes {
    /// How large a run is: one level up for each time that so many were merged.
    fn level(&self, entries: u64) -> u32 {
        (entries / self.tail).max(1).ilog(self.fan).min(self.top)
    }

    /// Parts runs into those that are merged with so many more entries and those that stay.
    fn ripe(&self, runs: Vec<Run>, more: u64) -> (Vec<Run>, Vec<Run>) {
        let (mut levels, mut entries) = (Vec::new(), more);
        loop {
            let level = self.level(entries);
            let (mut count, mut sum) = (1, entries);
            for run in runs.iter().filter(|run| self.level(run.entries()) == level) {
                count += 1;
                sum += run.entries();
            }
            if count < self.fan || level == self.top {
                return runs.into_iter().partition(|run| levels.contains(&self.level(run.entries())));
            }
            levels.push(level);
            entries = sum;
        }
    }
}

/// The only thing that is said of what is damaged.
fn damaged() -> StoreError {
    document::damaged("index of ids")
}

fn integer(row: &Row<'_>, column: usize) -> Result<i64, StoreError> {
    row.get_ref(column)?.as_i64().map_err(|_| damaged())
}

fn seal(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    integer(row, column).map(i64::cast_unsigned)
}
