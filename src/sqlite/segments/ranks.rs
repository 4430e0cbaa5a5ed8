//! Which rows of a segment have a key, as ranks: 0 is the newest row of the segment.

use rusqlite::Connection;

use super::SEGMENT;
use super::buckets::find;
use super::directory::Closed;
use super::keys::{Clause, Wanted};
use super::tables::POSTINGS;
use super::varint::{Reader, put};
use crate::sqlite::document::damaged;
use crate::store::StoreError;

/// Puts how many ranks there are, then each as how far it is from the one that could come next.
pub(super) fn encode(bytes: &mut Vec<u8>, ranks: impl ExactSizeIterator<Item = u32>) {
    put(bytes, ranks.len() as u64);
    let mut next = 0;
    for rank in ranks {
        put(bytes, u64::from(rank.wrapping_sub(next)));
        next = rank.wrapping_add(1);
    }
}

/// How many ranks were put.
pub(super) fn count(value: &[u8]) -> Result<u32, StoreError> {
    Reader::new(value).small()
}

/// A list that is read from the newest on, no further than is asked.
struct Ranks {
    rows: u32,
    bytes: Vec<u8>,
    read: usize,
    /// What could come next.
    next: u32,
    head: Option<u32>,
}

impl Ranks {
    fn new(value: &[u8]) -> Result<Self, StoreError> {
        let mut reader = Reader::new(value);
        let rows = reader.small()?;
        let mut ranks = Self { rows, bytes: reader.rest().to_vec(), read: 0, next: 0, head: None };
        ranks.advance()?;
        Ok(ranks)
    }

    fn advance(&mut self) -> Result<(), StoreError> {
        let rest = self.bytes.get(self.read..).unwrap_or_default();
        if rest.is_empty() {
            self.head = None;
            return Ok(());
        }
        let mut reader = Reader::new(rest);
        let rank = self.next.checked_add(reader.small()?).ok_or_else(|| damaged(SEGMENT))?;
        self.read += rest.len() - reader.rest().len();
        self.next = rank.checked_add(1).ok_or_else(|| damaged(SEGMENT))?;
        self.head = Some(rank);
        Ok(())
    }

    /// The first rank from here on.
    fn seek(&mut self, from: u32) -> Result<Option<u32>, StoreError> {
        while self.head.is_some_and(|head| head < from) {
            self.advance()?;
        }
        Ok(self.head)
    }
}

/// Any of some lists.
struct Union(Vec<Ranks>);

impl Union {
    fn find(connection: &Connection, closed: &Closed, Clause(keys): &Clause) -> Result<Self, StoreError> {
        let mut lists = Vec::new();
        for key in keys {
            lists.extend(find(connection, POSTINGS, (closed.number, closed.buckets), key, Ranks::new)?);
        }
        Ok(Self(lists))
    }

    /// At most so many.
    fn rows(&self) -> u64 {
        self.0.iter().map(|list| u64::from(list.rows)).sum()
    }

    fn seek(&mut self, from: u32) -> Result<Option<u32>, StoreError> {
        let mut first: Option<u32> = None;
        for list in &mut self.0 {
            let rank = list.seek(from)?;
            first = match (first, rank) {
                (Some(first), Some(rank)) => Some(first.min(rank)),
                (first, rank) => first.or(rank),
            };
        }
        Ok(first)
    }
}

/// The ranks of one segment that have a key of every clause, from the newest on.
pub(super) struct Hits {
    clauses: Vec<Union>,
    next: u32,
    end: u32,
}

/// Whether a list is left out that would take longer to read than the rows that it leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    All,
    /// Rows that do not match are among the hits then.
    WorthReading,
}

/// About how many ranks are read in the time of one row.
const RANKS_A_ROW: u64 = 1_000;

impl Hits {
    /// `None` if no row of the segment can match.
    pub(super) fn find(
        connection: &Connection,
        closed: &Closed,
        wanted: &Wanted,
        which: Lists,
    ) -> Result<Option<Self>, StoreError> {
        let mut clauses = Vec::with_capacity(wanted.clauses.len());
        for clause in &wanted.clauses {
            let union = Union::find(connection, closed, clause)?;
            if union.rows() == 0 {
                return Ok(None);
            }
            clauses.push(union);
        }
        clauses.sort_by_key(Union::rows);
        if let (Lists::WorthReading, Some(fewest)) = (which, clauses.first().map(Union::rows)) {
            clauses.retain(|clause| clause.rows() <= fewest.saturating_mul(RANKS_A_ROW));
        }
        Ok(Some(Self { clauses, next: 0, end: closed.rows }))
    }

    /// Only from this rank on, up to and without that one.
    pub(super) fn within(self, from: u32, end: u32) -> Self {
        Self { next: self.next.max(from), end: self.end.min(end), ..self }
    }

    /// How many rows there are in the whole segment, if the lists say so without being read.
    pub(super) fn rows(&self) -> Option<u64> {
        match &*self.clauses {
            [] => Some(self.end.into()),
            [Union(lists)] => match &**lists {
                [one] => Some(one.rows.into()),
                _ => None,
            },
            _ => None,
        }
    }

    /// How many ranks are left, if that needs no list.
    pub(super) fn rest(&self) -> Option<u64> {
        self.clauses.is_empty().then(|| self.end.saturating_sub(self.next).into())
    }

    pub(super) fn next(&mut self) -> Result<Option<u32>, StoreError> {
        let mut rank = self.next;
        loop {
            let asked = rank;
            for clause in &mut self.clauses {
                match clause.seek(rank)? {
                    Some(found) => rank = found,
                    None => return Ok(None),
                }
            }
            if rank >= self.end {
                return Ok(None);
            }
            if rank == asked {
                self.next = rank.saturating_add(1);
                return Ok(Some(rank));
            }
        }
    }
}
