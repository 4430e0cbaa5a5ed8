//! Filters, counts and facets over the public rows, served without scanning.
//!
//! Ordinary indexes by actor, app and action cost ingest most of its rate, because every row dirties a cold page in each
//! of them. Here the rows that came last are the *open segment*, kept in memory with lists by key. When it is full it is
//! *closed*: written in one go, in the transaction of the batch that filled it, each table appended to at its end:
//!
//! - the order of its rows by time and id, in chunks; a row's rank in it counts from the newest;
//! - for each key the ranks that have it, in buckets by hash of the key;
//! - how many rows there are by hour, by app and by actor.
//!
//! Sixteen segments make a group, which says in which of them a key is, and how often: a key that is rare or that nobody
//! has costs one look-up a group.
//!
//! Nothing but public rows ever comes in here, so neither an answer nor its cost depends on what is hidden (rule V2).
//! Closed segments never change. Rows may be deleted later, and sequences may have gaps: a search names rows that are
//! gone, which whoever reads them leaves out; before counts are right again, [`thin`] has to be told.

mod buckets;
mod directory;
mod facets;
mod group;
mod keys;
mod open;
mod order;
mod ranks;
mod rows;
mod search;
mod tables;
mod tail;
mod tally;
#[cfg(all(test, feature = "proptest"))]
mod tests;
mod varint;

use rusqlite::{Connection, OptionalExtension, Transaction};

pub(super) use self::open::Open;
pub(super) use self::search::search;
pub(super) use self::tables::CREATE;
pub(super) use self::tail::Tail;
pub(super) use self::tally::{count, counts};
use crate::store::StoreError;

/// How many rows a segment has.
pub(super) const SEGMENT_ROWS: usize = 32_768;

/// What can be found damaged.
const SEGMENT: &str = "segment of the public log";

#[cfg_attr(not(all(test, feature = "proptest")), expect(dead_code, reason = "no activity is deleted yet"))]
/// Tells that the public row with this sequence is deleted, in the same transaction. From then on counts look for each
/// row of its segment.
pub(super) fn thin(connection: &Connection, sequence: i64) -> Result<(), StoreError> {
    let closed = connection.prepare_cached(tables::SEGMENT_OF)?.query_row([sequence], |row| row.get(0)).optional()?;
    let number = match closed {
        Some(number) => number,
        None => tables::greatest(connection, tables::LAST_CLOSED)?.map_or(0, |number: i64| number.saturating_add(1)),
    };
    connection.prepare_cached(tables::THIN)?.execute([number])?;
    Ok(())
}

/// Holds one snapshot for as long as it lives, unless the connection is in a transaction already.
fn one_snapshot(connection: &Connection) -> Result<Option<Transaction<'_>>, StoreError> {
    Ok(if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None })
}
