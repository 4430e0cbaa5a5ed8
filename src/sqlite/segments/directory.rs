//! Which segments are closed, and which groups of them.

use std::collections::HashMap;

use rusqlite::Connection;

use super::SEGMENT;
use super::buckets::find;
use super::group::{GROUP, Known};
use super::keys::{Range, Wanted};
use super::tables::{CLOSED_SINCE, GROUP_KEYS, GROUPS_SINCE};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// A closed segment. What is said here of it stays true while rows of it are removed, until it is
/// [tidied](super::Untidy); its number and its last sequence stay for good.
#[derive(Clone, Copy)]
pub(super) struct Closed {
    pub(super) number: i64,
    /// The sequences of its first and its last row.
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) rows: u32,
    pub(super) oldest_at: i64,
    pub(super) newest_at: i64,
    pub(super) buckets: u32,
}

impl Closed {
    /// Whether all of its rows were removed; then it meets no range.
    pub(super) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    pub(super) fn is_within(&self, range: Range) -> bool {
        range.holds(self.oldest_at) && range.holds(self.newest_at)
    }

    pub(super) fn meets(&self, range: Range) -> bool {
        self.newest_at >= range.from && self.oldest_at < range.until
    }
}

/// Every closed segment by number, and again by its newest row, newest first; and how many buckets each group has.
#[derive(Clone, Default)]
pub(super) struct Directory {
    closed: Vec<Closed>,
    by_newest: Vec<Closed>,
    groups: Vec<u32>,
}

impl Directory {
    /// Reads what was closed since.
    pub(super) fn read_on(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut statement = connection.prepare_cached(GROUPS_SINCE)?;
        let mut rows = statement.query([as_number(self.groups.len())])?;
        while let Some(row) = rows.next()? {
            is_next(row.get(0)?, self.groups.len())?;
            self.groups.push(row.get(1)?);
        }
        for closed in closed_since(connection, self.len(), i64::MAX)? {
            is_next(closed.number, self.closed.len())?;
            self.closed.push(closed);
        }
        self.by_newest.clear();
        self.by_newest.extend(self.closed.iter().filter(|closed| !closed.is_empty()));
        self.by_newest.sort_unstable_by_key(|closed| std::cmp::Reverse((closed.newest_at, closed.number)));
        Ok(())
    }

    /// How many are closed.
    pub(super) fn len(&self) -> i64 {
        as_number(self.closed.len())
    }

    pub(super) fn segment(&self, number: i64) -> Option<&Closed> {
        self.closed.get(usize::try_from(number).ok()?)
    }

    pub(super) fn by_newest(&self) -> &[Closed] {
        &self.by_newest
    }

    /// The number of the group and of its buckets, if all its segments are among the first so many.
    pub(super) fn group_of(&self, segment: i64, among: i64) -> Option<(i64, u32)> {
        let group = segment / GROUP;
        let buckets = self.groups.get(usize::try_from(group).ok()?)?;
        ((group + 1) * GROUP <= among).then_some((group, *buckets))
    }
}

/// The closed segments from this number on, at most so many.
pub(super) fn closed_since(connection: &Connection, number: i64, limit: i64) -> Result<Vec<Closed>, StoreError> {
    let mut statement = connection.prepare_cached(CLOSED_SINCE)?;
    let mut rows = statement.query([number, limit])?;
    let mut closed = Vec::new();
    while let Some(row) = rows.next()? {
        closed.push(Closed {
            number: row.get(0)?,
            first: row.get(1)?,
            last: row.get(2)?,
            rows: row.get(3)?,
            oldest_at: row.get(4)?,
            newest_at: row.get(5)?,
            buckets: row.get(6)?,
        });
    }
    Ok(closed)
}

fn is_next(number: i64, after: usize) -> Result<(), StoreError> {
    if number == as_number(after) { Ok(()) } else { Err(damaged(SEGMENT)) }
}

fn as_number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Which segments can hold something that is wanted, as far as groups tell, so that a key that is rare or that nobody
/// has costs few look-ups.
#[derive(Default)]
pub(super) struct Presence(HashMap<i64, u64>);

impl Presence {
    pub(super) fn may_hold(
        &mut self,
        connection: &Connection,
        (directory, among): (&Directory, i64),
        wanted: &Wanted,
        segment: i64,
    ) -> Result<bool, StoreError> {
        let Some(group) = directory.group_of(segment, among) else { return Ok(true) };
        let mask = match self.0.get(&group.0) {
            Some(mask) => *mask,
            None => {
                let mut all = u64::MAX;
                for clause in &wanted.clauses {
                    let mut any = 0;
                    for key in &clause.0 {
                        any |= find(connection, GROUP_KEYS, group, key, Known::read)?.map_or(0, |known| known.segments);
                    }
                    all &= any;
                }
                self.0.insert(group.0, all);
                all
            }
        };
        Ok(mask >> (segment % GROUP) & 1 == 1)
    }
}
