//! What becomes of segments when rows are removed.
//!
//! A row that is removed is still in the lists of its segment. Whoever reads leaves it out, and whoever counts looks for
//! every row of such a segment, which is right and slow; and the lists go on to name whoever acted. So a segment whose
//! last row is gone is emptied at once, and one that lost only some is written anew from those that are left, once no
//! more are to go. Then so is its group. Numbers and boundaries stay, and so does the place of every row.
//!
//! The *revision* says how often that happened. Whoever keeps something of the segments in memory compares it at the
//! beginning of each transaction, and reads everything again when it moved.

use rusqlite::{Connection, OptionalExtension, params};

use super::SEGMENT;
use super::directory::{Closed, closed_since};
use super::draft::Draft;
use super::group::{self, GROUP};
use super::tables::{
    Blobs, DROP_GROUP, DROP_SEGMENT, EMPTY_SEGMENT, FACETS, GROUP_FACETS, GROUP_KEYS, GROUPS_SINCE, HAS_ROWS,
    LAST_CLOSED, MOVE_REVISION, NEXT_THINNED, ORDER, POSTINGS, REVISION, SEGMENT_OF, THIN, TIMES_THINNED, UNTHIN,
    greatest,
};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// How often something was changed that is kept of the rows in closed segments, or in the open one.
pub(super) fn revision(connection: &Connection) -> Result<i64, StoreError> {
    Ok(greatest(connection, REVISION)?.unwrap_or(0))
}

/// A group in which a segment lost rows stands beside such segments, under a number below theirs.
pub(super) fn thinned_group(group: i64) -> i64 {
    -1 - group
}

/// Tells that the public rows with these sequences, in rising order, are removed, in the same transaction. From then on
/// counts look for each row of their segments, until these are [tidied](Untidy).
pub(in crate::sqlite) fn thin(connection: &Connection, sequences: &[i64]) -> Result<(), StoreError> {
    let mut sequences = sequences.iter().copied().peekable();
    while let Some(sequence) = sequences.next() {
        let number: Option<i64> =
            connection.prepare_cached(SEGMENT_OF)?.query_row([sequence], |row| row.get(0)).optional()?;
        let Some(number) = number else {
            // So are all that come after it.
            return mark(connection, open_number(connection)?);
        };
        let closed = closed(connection, number)?;
        while sequences.next_if(|sequence| *sequence <= closed.last).is_some() {}
        mark(connection, number)?;
        if !connection.prepare_cached(HAS_ROWS)?.exists([closed.first, closed.last])? {
            empty(connection, &closed)?;
        }
    }
    Ok(())
}

/// A segment or a group that was [thinned](thin), as it is to be written.
pub(in crate::sqlite) struct Untidy {
    number: i64,
    /// How often it was thinned, and the revision: if either moved, more rows are gone, or somebody else has tidied it.
    seen: (i64, i64),
    /// What is left of a closed segment, and the segment as it was.
    left: Option<(Closed, Draft)>,
}

impl Untidy {
    /// The next one, groups last. Reads every row of a segment, so it is best called where nobody waits for that.
    pub(in crate::sqlite) fn next(connection: &Connection) -> Result<Option<Self>, StoreError> {
        let Some(number) = greatest(connection, NEXT_THINNED)? else { return Ok(None) };
        let Some(seen) = seen(connection, number)? else { return Ok(None) };
        let left = if number >= 0 && number < open_number(connection)? {
            let closed = closed(connection, number)?;
            let left = Draft::of_closed(connection, &closed)?;
            Some((closed, left))
        } else {
            None
        };
        Ok(Some(Self { number, seen, left }))
    }

    /// Writes it, in a transaction of its own, unless it is not any more as it was seen. Takes as long as closing a
    /// segment.
    pub(in crate::sqlite) fn write(&self, connection: &Connection) -> Result<(), StoreError> {
        if seen(connection, self.number)? != Some(self.seen) {
            return Ok(());
        }
        match &self.left {
            Some((closed, left)) => write_anew(connection, closed, left)?,
            None if self.number < 0 => group_anew(connection, thinned_group(self.number))?,
            // Of the open segment there is nothing but what is kept in memory, and whoever does that reads it again. If it
            // was closed meanwhile, it is looked at as such.
            None if self.number < open_number(connection)? => return Ok(()),
            None => {}
        }
        changed(connection, self.number)
    }
}

fn seen(connection: &Connection, number: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let times: Option<i64> =
        connection.prepare_cached(TIMES_THINNED)?.query_row([number], |row| row.get(0)).optional()?;
    times.map(|times| Ok((times, revision(connection)?))).transpose()
}

fn open_number(connection: &Connection) -> Result<i64, StoreError> {
    Ok(greatest(connection, LAST_CLOSED)?.map_or(0, |number| number.saturating_add(1)))
}

fn closed(connection: &Connection, number: i64) -> Result<Closed, StoreError> {
    let closed = closed_since(connection, number, 1)?.into_iter().next();
    closed.filter(|closed| closed.number == number).ok_or_else(|| damaged(SEGMENT))
}

fn mark(connection: &Connection, number: i64) -> Result<(), StoreError> {
    let mut mark = connection.prepare_cached(THIN)?;
    mark.execute([number])?;
    mark.execute([thinned_group(number / GROUP)])?;
    Ok(())
}

/// What is thinned no more is read again by everybody.
fn changed(connection: &Connection, number: i64) -> Result<(), StoreError> {
    connection.prepare_cached(UNTHIN)?.execute([number])?;
    connection.prepare_cached(MOVE_REVISION)?.execute([])?;
    Ok(())
}

/// Takes everything away that is kept of the rows of a segment, because there are none left.
fn empty(connection: &Connection, closed: &Closed) -> Result<(), StoreError> {
    drop_blobs(connection, [ORDER, POSTINGS, FACETS], closed.number)?;
    connection.prepare_cached(EMPTY_SEGMENT)?.execute(params![closed.number, i64::MAX, i64::MIN])?;
    changed(connection, closed.number)
}

fn write_anew(connection: &Connection, closed: &Closed, left: &Draft) -> Result<(), StoreError> {
    drop_blobs(connection, [ORDER, POSTINGS, FACETS], closed.number)?;
    connection.prepare_cached(DROP_SEGMENT)?.execute([closed.number])?;
    left.write(connection, closed.last)
}

fn group_anew(connection: &Connection, number: i64) -> Result<(), StoreError> {
    let first: Option<i64> =
        connection.prepare_cached(GROUPS_SINCE)?.query_row([number], |row| row.get(0)).optional()?;
    if first != Some(number) {
        // It is not written yet.
        return Ok(());
    }
    drop_blobs(connection, [GROUP_KEYS, GROUP_FACETS], number)?;
    connection.prepare_cached(DROP_GROUP)?.execute([number])?;
    match group::ending_with(connection, (number + 1) * GROUP - 1)? {
        Some(segments) => group::write(connection, &segments),
        None => Err(damaged(SEGMENT)),
    }
}

fn drop_blobs<const N: usize>(connection: &Connection, all: [Blobs; N], number: i64) -> Result<(), StoreError> {
    all.into_iter().try_for_each(|blobs| blobs.remove(connection, number))
}
