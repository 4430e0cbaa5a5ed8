//! The rows that a query may find, newest first, across segments.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::vec;

use rusqlite::Connection;

use super::directory::{Closed, Presence};
use super::keys::{Range, Wanted};
use super::order::{Bound, Order};
use super::ranks::{Hits, Lists};
use super::rows::id_of;
use super::tail::{Snapshot, Tail};
use crate::query::{Position, Query};
use crate::sqlite::table::Flow;
use crate::store::StoreError;

/// Hands the sequence of every public row that may match to `take`, newest first by time and id, until it has enough:
/// within the time range of the query, after the position, and found by the filters of the query that keys serve.
/// Whether a row matches is for [`Query::matches`] to say; a row may be gone.
///
/// Goes by one snapshot: that of the transaction that the connection is in, or one of its own.
pub(in crate::sqlite) fn search(
    connection: &Connection,
    tail: &Tail,
    query: &Query,
    after: Option<&Position>,
    mut take: impl FnMut(i64) -> Result<Flow, StoreError>,
) -> Result<(), StoreError> {
    let _transaction = super::one_snapshot(connection)?;
    let bound = Bound {
        range: Range::of(query),
        after: after.map(|after| (after.occurred_at().timestamp_micros(), after.id().as_str().into())),
    };
    let mut search = Search {
        connection,
        tail,
        snapshot: tail.snapshot(connection)?,
        wanted: Wanted::by(query),
        presence: Presence::default(),
        looked_at: 0,
        waiting: BinaryHeap::new(),
        tied: Vec::new(),
        bound,
    };
    let open = Head::Open { left: Vec::new().into_iter(), bound: search.bound.clone(), is_done: false };
    search.go_on_with(open)?;
    while let Some(sequence) = search.next()? {
        if take(sequence)? == Flow::Enough {
            break;
        }
    }
    Ok(())
}

struct Search<'a> {
    connection: &'a Connection,
    tail: &'a Tail,
    snapshot: Snapshot,
    wanted: Wanted,
    bound: Bound,
    presence: Presence,
    /// How many segments were looked at, from the newest on.
    looked_at: usize,
    /// One place of each segment that has any left.
    waiting: BinaryHeap<Waiting>,
    /// Places of one time, with their ids.
    tied: Vec<(Waiting, Box<str>)>,
}

/// Where a segment goes on.
enum Head {
    Closed {
        order: Box<Order>,
        hits: Hits,
    },
    /// Read a few at a time, because other readers wait meanwhile.
    Open {
        left: vec::IntoIter<Place>,
        /// Past what was read.
        bound: Bound,
        is_done: bool,
    },
}

/// How many rows of the open segment are read at a time.
const AT_A_TIME: usize = 64;

struct Place {
    at: i64,
    sequence: i64,
    /// Where it is known without reading the row.
    id: Option<Box<str>>,
}

struct Waiting {
    place: Place,
    head: Head,
}

impl Search<'_> {
    fn next(&mut self) -> Result<Option<i64>, StoreError> {
        loop {
            self.look_at_segments()?;
            if self.tied.is_empty() {
                let Some(first) = self.waiting.pop() else { return Ok(None) };
                if self.waiting.peek().is_none_or(|next| next.place.at < first.place.at) {
                    self.go_on_with(first.head)?;
                    return Ok(Some(first.place.sequence));
                }
                self.tie(first)?;
            } else if let Some(time) = self.tied_at()
                && self.waiting.peek().is_some_and(|next| next.place.at == time)
            {
                if let Some(next) = self.waiting.pop() {
                    self.tie(next)?;
                }
            } else {
                let newest = (0..).zip(&self.tied).max_by(|(_, (_, a)), (_, (_, b))| a.cmp(b)).map(|(nth, _)| nth);
                let Some(newest) = newest.filter(|newest| *newest < self.tied.len()) else { return Ok(None) };
                let (newest, _) = self.tied.swap_remove(newest);
                self.go_on_with(newest.head)?;
                return Ok(Some(newest.place.sequence));
            }
        }
    }

    /// Looks at every segment that may hold something as new as the newest place found so far.
    fn look_at_segments(&mut self) -> Result<(), StoreError> {
        loop {
            let newest = self.tied_at().or_else(|| self.waiting.peek().map(|newest| newest.place.at));
            let Some(closed) = self.snapshot.directory.by_newest().get(self.looked_at).copied() else { return Ok(()) };
            let from = newest.unwrap_or(self.bound.range.from);
            if closed.newest_at < from {
                return Ok(());
            }
            self.looked_at += 1;
            if closed.number < self.snapshot.closed {
                self.look_at(closed)?;
            }
        }
    }

    fn look_at(&mut self, closed: Closed) -> Result<(), StoreError> {
        let is_too_new = self.bound.after.as_ref().is_some_and(|(after, _)| closed.oldest_at > *after);
        if is_too_new || !closed.meets(self.bound.range) {
            return Ok(());
        }
        let directory = (&*self.snapshot.directory, self.snapshot.closed);
        if !self.presence.may_hold(self.connection, directory, &self.wanted, closed.number)? {
            return Ok(());
        }
        let Some(hits) = Hits::find(self.connection, &closed, &self.wanted, Lists::WorthReading)? else {
            return Ok(());
        };
        let mut order = Box::new(Order::of(closed));
        let begin = order.begin(self.connection, &self.bound)?;
        self.go_on_with(Head::Closed { order, hits: hits.within(begin, closed.rows) })
    }

    /// Lets a segment wait with its next place, if it has one.
    fn go_on_with(&mut self, mut head: Head) -> Result<(), StoreError> {
        let place = match &mut head {
            Head::Closed { order, hits } => match hits.next()? {
                Some(rank) => {
                    let entry = order.entry(self.connection, rank)?;
                    Some(Place { at: entry.at, sequence: entry.sequence, id: None })
                }
                None => None,
            },
            Head::Open { left, bound, is_done } => {
                if left.len() == 0 && !*is_done {
                    let places = self.read_open(bound)?;
                    *is_done = places.len() < AT_A_TIME;
                    bound.after = places.last().and_then(|place| Some((place.at, place.id.clone()?)));
                    *left = places.into_iter();
                }
                left.next()
            }
        };
        if let Some(place) = place.filter(|place| place.at >= self.bound.range.from) {
            self.waiting.push(Waiting { place, head });
        }
        Ok(())
    }

    fn read_open(&mut self, bound: &Bound) -> Result<Vec<Place>, StoreError> {
        let (wanted, newest) = (&self.wanted, self.snapshot.newest);
        self.tail.with_open(self.connection, &mut self.snapshot, |open| {
            let mut places = Vec::new();
            open.each(wanted, bound, newest, |row| {
                places.push(Place { at: row.at, sequence: row.sequence, id: Some(row.id.clone()) });
                places.len() < AT_A_TIME
            });
            places
        })
    }

    fn tied_at(&self) -> Option<i64> {
        self.tied.first().map(|(tied, _)| tied.place.at)
    }

    /// Puts one with those of its time; a row that is gone is left out.
    fn tie(&mut self, mut waiting: Waiting) -> Result<(), StoreError> {
        let id = match waiting.place.id.take() {
            Some(id) => Some(id),
            None => id_of(self.connection, waiting.place.sequence)?,
        };
        match id {
            Some(id) => self.tied.push((waiting, id)),
            None => self.go_on_with(waiting.head)?,
        }
        Ok(())
    }
}

/// By time alone: ids are read only where times are equal.
impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.at.cmp(&other.place.at)
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}
