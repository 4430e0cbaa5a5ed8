//! What sixteen segments have together, written when the last of them is closed: in which of them a key is, how many
//! rows have it, and the facets of all.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, params};

use super::SEGMENT;
use super::buckets::{self, Buckets};
use super::directory::Closed;
use super::facets::{Facet, Sums};
use super::ranks;
use super::tables::{ADD_GROUP, FACETS, GROUP_FACETS, GROUP_KEYS, POSTINGS};
use super::varint::{Reader, put};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// How many segments are a group.
pub(super) const GROUP: i64 = 16;

/// What a group knows of a key.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    /// A bit for each segment that has it.
    pub(super) segments: u64,
    pub(super) rows: u64,
}

impl Known {
    pub(super) fn read(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(value);
        Ok(Self { segments: reader.number()?, rows: reader.number()? })
    }
}

/// Writes the group whose last segment was just closed.
pub(super) fn write(connection: &Connection, segments: &[Closed]) -> Result<(), StoreError> {
    let Some(number) = segments.first().map(|closed| closed.number / GROUP) else { return Ok(()) };
    let segments = || segments.iter().filter(|closed| !closed.is_empty());
    let mut kinds: BTreeMap<u8, HashMap<Box<str>, Known>> = BTreeMap::new();
    for closed in segments() {
        buckets::each(connection, POSTINGS, (closed.number, closed.buckets), |kind, key, value| {
            let keys = kinds.entry(kind).or_default();
            let known = match keys.get_mut(key) {
                Some(known) => known,
                None => keys.entry(key.into()).or_default(),
            };
            known.segments |= 1 << (closed.number % GROUP);
            known.rows += u64::from(ranks::count(value)?);
            Ok(())
        })?;
    }
    let keys = || kinds.iter().flat_map(|(kind, keys)| keys.iter().map(|(key, known)| (*kind, key, *known)));
    let mut buckets = Buckets::for_bytes(keys().map(|(_, key, _)| key.len() + 8).sum());
    let mut value = Vec::new();
    for (kind, key, known) in keys() {
        value.clear();
        put(&mut value, known.segments);
        put(&mut value, known.rows);
        buckets.put(kind, key, &value);
    }
    buckets.write(connection, GROUP_KEYS, number)?;
    for facet in Facet::ALL {
        let mut sums = Sums::default();
        for closed in segments() {
            FACETS.must(connection, closed.number, facet.part(), |bytes| sums.add_all(facet, bytes))?;
        }
        GROUP_FACETS.adder(connection)?.add(number, facet.part(), &sums.encode(facet))?;
    }
    connection.prepare_cached(ADD_GROUP)?.execute(params![number, buckets.count()])?;
    Ok(())
}

/// The segments of the group that ends with this one, if one does.
pub(super) fn ending_with(connection: &Connection, last: i64) -> Result<Option<Vec<Closed>>, StoreError> {
    if (last + 1) % GROUP != 0 {
        return Ok(None);
    }
    let segments = super::directory::closed_since(connection, last + 1 - GROUP, GROUP)?;
    if i64::try_from(segments.len()) == Ok(GROUP) { Ok(Some(segments)) } else { Err(damaged(SEGMENT)) }
}
