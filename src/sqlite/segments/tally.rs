//! Counting what a query finds, without reading a row.

use std::collections::HashSet;

use rusqlite::Connection;

use super::SEGMENT;
use super::buckets::find;
use super::directory::{Closed, Presence};
use super::facets::{Counted, Facet, Sums, hour_of};
use super::group::{GROUP, Known};
use super::keys::{Clause, Range, Wanted};
use super::order::{Bound, Order};
use super::ranks::{Hits, Lists};
use super::rows::is_there;
use super::tables::{FACETS, GROUP_FACETS, GROUP_KEYS, THINNED};
use super::tail::{Snapshot, Tail};
use super::tidy::thinned_group;
use crate::query::{Count, CountBy, Query};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// How many public rows a query finds; `None` if only the rows tell, and the caller has to count what
/// [`search`](super::search()) finds and matches.
pub(in crate::sqlite) fn count(connection: &Connection, tail: &Tail, query: &Query) -> Result<Option<u64>, StoreError> {
    let mut rows = 0;
    let is_counted = walk(connection, tail, query, &mut Rows(&mut rows))?;
    Ok(is_counted.then_some(rows))
}

/// How many public rows a query finds, by key in rising order; `None` as with [`count`].
pub(in crate::sqlite) fn counts(
    connection: &Connection,
    tail: &Tail,
    query: &Query,
    by: CountBy,
) -> Result<Option<Vec<Count>>, StoreError> {
    let mut keyed = Keyed { facet: Facet::of(by), sums: Sums::default() };
    if walk(connection, tail, query, &mut keyed)? { keyed.sums.counts(by).map(Some) } else { Ok(None) }
}

/// What is made of the rows that are found: how many there are, or how many under each key.
trait Taker {
    /// Everything that a group of segments has of what is wanted, unless only its segments tell.
    fn group(&mut self, walk: &Walk<'_>, group: (i64, u32), segments: &[Closed]) -> Result<bool, StoreError>;
    /// Every row of a segment that is wanted, if the segment says so without its order.
    fn whole(&mut self, walk: &Walk<'_>, closed: &Closed, hits: &Hits) -> Result<bool, StoreError>;
    /// Some rows of a segment.
    fn some(&mut self, walk: &Walk<'_>, closed: &Closed, order: &mut Order, hits: Hits) -> Result<(), StoreError>;
    /// The rows of the open segment.
    fn open(&mut self, walk: &mut Walk<'_>, tail: &Tail) -> Result<(), StoreError>;
}

struct Walk<'a> {
    connection: &'a Connection,
    snapshot: Snapshot,
    wanted: Wanted,
    range: Range,
    /// Segments of which rows were removed: each of their rows is looked for. And their groups.
    thinned: HashSet<i64>,
}

fn walk(connection: &Connection, tail: &Tail, query: &Query, taker: &mut impl Taker) -> Result<bool, StoreError> {
    let wanted = Wanted::by(query);
    if !wanted.is_exact {
        return Ok(false);
    }
    let _transaction = super::one_snapshot(connection)?;
    let snapshot = tail.snapshot(connection)?;
    let mut walk = Walk { connection, snapshot, wanted, range: Range::of(query), thinned: thinned(connection)? };
    let mut presence = Presence::default();
    let (directory, end) = (std::sync::Arc::clone(&walk.snapshot.directory), walk.snapshot.closed);
    let mut number = 0;
    while number < end {
        if number % GROUP == 0
            && let Some(group) = directory.group_of(number, end)
        {
            let segments: Vec<Closed> =
                (number..number + GROUP).filter_map(|number| directory.segment(number).copied()).collect();
            let is_none = !segments.iter().any(|closed| closed.meets(walk.range));
            let is_whole =
                || walk.says_all(group.0) && segments.iter().all(|closed| closed.is_empty() || walk.is_whole(closed));
            if is_none || is_whole() && taker.group(&walk, group, &segments)? {
                number += GROUP;
                continue;
            }
        }
        let closed = *directory.segment(number).ok_or_else(|| damaged(SEGMENT))?;
        number += 1;
        if !closed.meets(walk.range)
            || !presence.may_hold(connection, (&directory, end), &walk.wanted, closed.number)?
        {
            continue;
        }
        let Some(hits) = Hits::find(connection, &closed, &walk.wanted, Lists::All)? else { continue };
        if !(walk.is_whole(&closed) && taker.whole(&walk, &closed, &hits)?) {
            let mut order = Order::of(closed);
            let (from, end) = order.within(connection, walk.range)?;
            taker.some(&walk, &closed, &mut order, hits.within(from, end))?;
        }
    }
    taker.open(&mut walk, tail)?;
    Ok(true)
}

impl Walk<'_> {
    /// Whether every row of a segment is in the range, and still there.
    fn is_whole(&self, closed: &Closed) -> bool {
        closed.is_within(self.range) && !self.thinned.contains(&closed.number)
    }

    /// Whether what a group says of all its segments is still so.
    fn says_all(&self, group: i64) -> bool {
        !self.thinned.contains(&thinned_group(group))
    }

    fn each_open(&mut self, tail: &Tail, mut act: impl FnMut(&super::open::OpenRow)) -> Result<(), StoreError> {
        let bound = Bound { range: self.range, after: None };
        let Self { connection, snapshot, wanted, .. } = self;
        let newest = snapshot.newest;
        tail.with_open(connection, snapshot, |open| {
            open.each(wanted, &bound, newest, |row| {
                act(row);
                true
            });
        })
    }

    /// Of the rows of the open segment, those that were deleted.
    fn gone_from_open(&mut self, tail: &Tail) -> Result<HashSet<i64>, StoreError> {
        let mut gone = HashSet::new();
        if self.thinned.contains(&self.snapshot.closed) {
            self.each_open(tail, |row| {
                gone.insert(row.sequence);
            })?;
            let mut there = Vec::new();
            for sequence in &gone {
                if is_there(self.connection, *sequence)? {
                    there.push(*sequence);
                }
            }
            there.iter().for_each(|sequence| {
                gone.remove(sequence);
            });
        }
        Ok(gone)
    }
}

fn thinned(connection: &Connection) -> Result<HashSet<i64>, StoreError> {
    let mut statement = connection.prepare_cached(THINNED)?;
    let numbers = statement.query_map([], |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

struct Rows<'a>(&'a mut u64);

impl Taker for Rows<'_> {
    fn group(&mut self, walk: &Walk<'_>, group: (i64, u32), segments: &[Closed]) -> Result<bool, StoreError> {
        match &*walk.wanted.clauses {
            [] => *self.0 += segments.iter().map(|closed| u64::from(closed.rows)).sum::<u64>(),
            [Clause(keys)] => {
                let mut found = Vec::new();
                for key in keys {
                    found.extend(find(walk.connection, GROUP_KEYS, group, key, Known::read)?);
                }
                match &*found {
                    [] => {}
                    // Only damage gives as many as that.
                    [known] => *self.0 = self.0.saturating_add(known.rows),
                    // Rows that have both keys would count twice.
                    _ => return Ok(false),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn whole(&mut self, _: &Walk<'_>, _: &Closed, hits: &Hits) -> Result<bool, StoreError> {
        *self.0 += hits.rows().unwrap_or_default();
        Ok(hits.rows().is_some())
    }

    fn some(&mut self, walk: &Walk<'_>, closed: &Closed, order: &mut Order, mut hits: Hits) -> Result<(), StoreError> {
        let is_thinned = walk.thinned.contains(&closed.number);
        if let Some(rest) = hits.rest().filter(|_| !is_thinned) {
            *self.0 += rest;
            return Ok(());
        }
        while let Some(rank) = hits.next()? {
            if !is_thinned || is_there(walk.connection, order.entry(walk.connection, rank)?.sequence)? {
                *self.0 += 1;
            }
        }
        Ok(())
    }

    fn open(&mut self, walk: &mut Walk<'_>, tail: &Tail) -> Result<(), StoreError> {
        let gone = walk.gone_from_open(tail)?;
        walk.each_open(tail, |row| *self.0 += u64::from(!gone.contains(&row.sequence)))
    }
}

struct Keyed {
    facet: Facet,
    sums: Sums,
}

impl Taker for Keyed {
    fn group(&mut self, walk: &Walk<'_>, (group, _): (i64, u32), _: &[Closed]) -> Result<bool, StoreError> {
        let is_all = walk.wanted.clauses.is_empty();
        if is_all {
            GROUP_FACETS
                .must(walk.connection, group, self.facet.part(), |bytes| self.sums.add_all(self.facet, bytes))?;
        }
        Ok(is_all)
    }

    fn whole(&mut self, walk: &Walk<'_>, closed: &Closed, _: &Hits) -> Result<bool, StoreError> {
        let is_all = walk.wanted.clauses.is_empty();
        if is_all {
            FACETS.must(walk.connection, closed.number, self.facet.part(), |bytes| {
                self.sums.add_all(self.facet, bytes)
            })?;
        }
        Ok(is_all)
    }

    fn some(&mut self, walk: &Walk<'_>, closed: &Closed, order: &mut Order, mut hits: Hits) -> Result<(), StoreError> {
        let is_thinned = walk.thinned.contains(&closed.number);
        let mut counted = Counted::default();
        while let Some(rank) = hits.next()? {
            let entry = order.entry(walk.connection, rank)?;
            if is_thinned && !is_there(walk.connection, entry.sequence)? {
                continue;
            }
            match self.facet {
                Facet::Hours => self.sums.add_hour(hour_of(entry.at), 1),
                Facet::Apps => counted.add(entry.app),
                Facet::Labels => counted.add(entry.label),
            }
        }
        if self.facet == Facet::Hours {
            return Ok(());
        }
        FACETS.must(walk.connection, closed.number, self.facet.part(), |bytes| counted.add_to(&mut self.sums, bytes))
    }

    fn open(&mut self, walk: &mut Walk<'_>, tail: &Tail) -> Result<(), StoreError> {
        let gone = walk.gone_from_open(tail)?;
        let Self { facet, sums } = self;
        let mut counted = Counted::default();
        walk.each_open(tail, |row| match facet {
            _ if gone.contains(&row.sequence) => {}
            Facet::Hours => sums.add_hour(hour_of(row.at), 1),
            Facet::Apps => counted.add(row.app),
            Facet::Labels => counted.add(row.label),
        })?;
        tail.with_open(walk.connection, &mut walk.snapshot, |open| {
            if *facet != Facet::Hours {
                open.add_names(*facet, &counted, sums);
            }
        })
    }
}
