//! Filters, counts and facets over the public rows, served without scanning.
//!
//! Ordinary indexes by actor, app and action cost ingest most of its rate, because every row dirties a cold page in each
//! of them. Here the rows that came last are the *open segment*, in memory: readers keep it with lists by key, in order
//! ([`open`]); whoever writes it puts one row behind the other and makes the lists at the end ([`draft`]). When it is full
//! it is *closed*: written in one go, in the transaction of the batch that filled it, each table appended to at its end:
//!
//! - the order of its rows by time and id, in chunks; a row's rank in it counts from the newest;
//! - for each key the ranks that have it, in buckets by hash of the key;
//! - how many rows there are by hour, by app and by actor.
//!
//! Sixteen segments make a group, which says in which of them a key is, and how often: a key that is rare or that nobody
//! has costs one look-up a group.
//!
//! Nothing but public rows ever comes in here, so neither an answer nor its cost depends on what is hidden (rule V2).
//! Closed segments do not change, but when rows are removed: see [`Untidy`]. Until then a search names rows that are gone,
//! which whoever reads them leaves out.

mod buckets;
mod dictionary;
mod directory;
mod draft;
mod facets;
mod group;
mod holding;
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
mod tidy;
mod varint;

use rusqlite::{Connection, Transaction};

pub(super) use self::draft::Draft;
pub(super) use self::holding::holding;
pub(super) use self::search::search;
pub(super) use self::tables::CREATE;
pub(super) use self::tail::Tail;
pub(super) use self::tally::{count, counts};
pub(super) use self::tidy::{Untidy, thin};
use crate::store::StoreError;

/// How many rows a segment has.
pub(super) const SEGMENT_ROWS: usize = 32_768;

/// What can be found damaged.
const SEGMENT: &str = "segment of the public log";

/// Holds one snapshot for as long as it lives, unless the connection is in a transaction already.
fn one_snapshot(connection: &Connection) -> Result<Option<Transaction<'_>>, StoreError> {
    Ok(if connection.is_autocommit() { Some(connection.unchecked_transaction()?) } else { None })
}

/// INVARIANT: a segment is full long before it has as many rows, names or bytes as a `u32` counts.
fn index(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
