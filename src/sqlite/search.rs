//! A search for rows, newest first.
//!
//! Each indexed table returns the rows of a key in order, a part at a time, and so does [the tail](super::tail). The
//! search merges these streams by time. It opens a table only once the newest row of that table can be the next.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::ops::ControlFlow;

use rusqlite::Connection;

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::partition::{DAY, Partition};
use super::row::{RowKeys, by_sequence};
use super::selection::Selection;
use super::tail::{Snapshot, Tail};
use super::text_index;
use crate::query::{Position, Query};
use crate::store::{StoreError, StoredActivity};

/// The maximum number of values of one key that a search looks up one by one in each table. With more values it reads
/// rows by time.
const MAX_VALUES: usize = 16;
/// The initial and the maximum number of rows that are read from a stream at a time. The initial number is small,
/// because a page usually needs few rows of each of many tables.
const FIRST_PART: usize = 16;
const MAX_PART: usize = 1_024;

/// A search in tables that are sorted by time.
pub(super) struct Search<'a> {
    connection: &'a Connection,
    query: &'a Query,
    tail: &'a Tail,
    snapshot: &'a Snapshot,
    families: Vec<(&'a Dimensions, Selection)>,
    tables: Vec<SearchedTable>,
    /// Tables that are not open yet, with their latest times, in ascending order.
    unopened: Vec<(i64, usize)>,
    streams: Vec<RowStream>,
    next_rows: BinaryHeap<StreamRow>,
    /// Every further result precedes this time and id.
    before: (i64, String),
    /// The FTS5 expression for the text of the query.
    expression: Option<String>,
    candidates: Candidates,
    /// The number of rows read.
    read: usize,
}

/// The maximum number of rows that a search reads through text indexes. A table with more matches is read through its
/// other indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) per_table: usize,
    pub(super) in_all: usize,
}

/// A table in which a search looks up rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SearchedTable {
    name: String,
    family: Family,
    /// The keys with an index, besides the time.
    keys: &'static [IndexKey],
    has_text_index: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IndexKey {
    Actor,
    App,
    Action,
}

impl IndexKey {
    fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::App => "app",
            Self::Action => "action",
        }
    }

    fn of(self, selection: &Selection) -> Option<&[i64]> {
        match self {
            Self::Actor => selection.actors.as_deref(),
            Self::App => selection.apps.as_deref(),
            Self::Action => selection.actions.as_deref(),
        }
    }
}

/// The days of the newest activities of some actors in closed partitions, from the rollup. The search skips a partition
/// without any of them.
struct ActiveDays {
    days: BTreeSet<i64>,
    /// The set is complete after this day only.
    complete_after: i64,
}

impl ActiveDays {
    /// The maximum number of days that are read for each actor. An actor with more days fills a page earlier.
    const MAX: usize = 32;

    fn of(connection: &Connection, actors: &[i64], until: i64) -> Result<Self, StoreError> {
        let mut of = Self { days: BTreeSet::new(), complete_after: i64::MIN };
        let select = "SELECT day FROM public_day WHERE actor = ?1 AND day <= ?2 ORDER BY day DESC LIMIT ?3";
        let mut select = connection.prepare_cached(select)?;
        for actor in actors {
            let mut rows = select.query([*actor, until.div_euclid(DAY), Self::MAX as i64])?;
            let mut found = 0;
            while let Some(row) = rows.next()? {
                let day = row.get(0)?;
                of.days.insert(day);
                found += 1;
                if found == Self::MAX {
                    of.complete_after = of.complete_after.max(day);
                }
            }
        }
        Ok(of)
    }

    fn may_overlap(&self, partition: &Partition) -> bool {
        let (first, last) = (partition.earliest.div_euclid(DAY), partition.latest.div_euclid(DAY));
        first <= self.complete_after || first > last || self.days.range(first..=last).next().is_some()
    }
}

/// The rows of one key in order, read a part at a time.
struct RowStream {
    source: RowSource,
    found: VecDeque<IndexRow>,
    /// The position before which the next part begins; `None` after the last part.
    next: Option<(i64, String)>,
    part: usize,
}

#[derive(Debug, Clone)]
enum RowSource {
    Tail,
    Index { table: usize, key: Option<(IndexKey, i64)> },
}

/// A row as an index returns it.
struct IndexRow {
    occurred_at: i64,
    id: Box<str>,
    sequence: i64,
}

/// The next row of a stream.
struct StreamRow {
    found: IndexRow,
    stream: usize,
}

impl Ord for StreamRow {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.found.occurred_at, &self.found.id).cmp(&(other.found.occurred_at, &other.found.id))
    }
}

impl PartialOrd for StreamRow {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for StreamRow {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for StreamRow {}

impl<'a> Search<'a> {
    /// Begins a search in the families of the given dimensions.
    pub(super) fn new(
        connection: &'a Connection,
        query: &'a Query,
        (tail, snapshot): (&'a Tail, &'a Snapshot),
        families: &[&'a Dimensions],
        after: Option<&Position>,
    ) -> Result<Self, StoreError> {
        let mut search = Self {
            connection,
            query,
            tail,
            snapshot,
            families: Vec::new(),
            tables: Vec::new(),
            unopened: Vec::new(),
            streams: Vec::new(),
            next_rows: BinaryHeap::new(),
            before: match after {
                Some(after) => (after.occurred_at().timestamp_micros(), after.id().as_str().to_owned()),
                None => (i64::MAX, String::new()),
            },
            expression: query.conditions().text.and_then(text_index::expression),
            candidates: Candidates { per_table: 0, in_all: 0 },
            read: 0,
        };
        for dimensions in families {
            let selection = Selection::of(connection, dimensions.family(), query)?;
            if selection.is_empty() {
                continue;
            }
            if selection.until < search.before.0 {
                search.before = (selection.until, String::new());
            }
            match dimensions.family() {
                Family::Public => search.add_public(&selection)?,
                Family::Private => {
                    search.add_table(i64::MAX, PRIVATE.to_owned(), Family::Private, (&[IndexKey::Actor], false));
                }
            }
            search.families.push((dimensions, selection));
        }
        search.unopened.sort_unstable();
        search.open_tail()?;
        Ok(search)
    }

    fn add_public(&mut self, selection: &Selection) -> Result<(), StoreError> {
        const KEYS: &[IndexKey] = &[IndexKey::Actor, IndexKey::Action, IndexKey::App];
        let snapshot = self.snapshot;
        let closed = snapshot.closed().filter(|partition| {
            partition.latest >= selection.from && partition.earliest <= self.before.0 && partition.activities > 0
        });
        let mut closed: Vec<&Partition> = closed.collect();
        if let Some(actors) = selection.actors.as_ref().filter(|actors| actors.len() <= MAX_VALUES) {
            let days = ActiveDays::of(self.connection, actors, self.before.0)?;
            closed.retain(|partition| days.may_overlap(partition));
        }
        for partition in closed {
            let has = (KEYS, partition.has_text_index());
            self.add_table(partition.latest, partition.table(), Family::Public, has);
        }
        Ok(())
    }

    fn add_table(&mut self, latest: i64, name: String, family: Family, has: (&'static [IndexKey], bool)) {
        let (keys, has_text_index) = has;
        self.unopened.push((latest, self.tables.len()));
        self.tables.push(SearchedTable { name, family, keys, has_text_index });
    }

    fn family(&self, family: Family) -> Result<&(&'a Dimensions, Selection), StoreError> {
        self.families.iter().find(|(of, _)| of.family() == family).ok_or_else(corrupt)
    }

    fn selection(&self, family: Family) -> Result<&Selection, StoreError> {
        self.family(family).map(|(_, selection)| selection)
    }

    fn open_tail(&mut self) -> Result<(), StoreError> {
        if self.selection(Family::Public).is_ok() {
            self.open_stream(RowSource::Tail)?;
        }
        Ok(())
    }

    fn open_stream(&mut self, source: RowSource) -> Result<(), StoreError> {
        let next = Some(self.before.clone());
        self.streams.push(RowStream { source, found: VecDeque::new(), next, part: FIRST_PART });
        self.advance(self.streams.len() - 1)
    }

    /// Allows the use of text indexes for this number of rows.
    pub(super) fn with_candidates(self, candidates: Candidates) -> Self {
        Self { candidates, ..self }
    }

    /// Opens the streams of a table: by its text index if that returns few rows, else by the first key for which the
    /// query has few values, else by time.
    fn open_table(&mut self, table: usize) -> Result<(), StoreError> {
        let Some(of) = self.tables.get(table) else { return Ok(()) };
        if let Some((candidates, found)) = self.look_up_text(of)? {
            self.candidates.in_all = self.candidates.in_all.saturating_sub(candidates);
            // The matching rows are counted when they are read in full.
            self.read += candidates - found.len();
            let source = RowSource::Index { table, key: None };
            self.streams.push(RowStream { source, found, next: None, part: FIRST_PART });
            return self.advance(self.streams.len() - 1);
        }
        let selection = self.selection(of.family)?;
        let by = of.keys.iter().find_map(|key| Some((*key, key.of(selection).filter(|of| of.len() <= MAX_VALUES)?)));
        let Some((key, values)) = by else { return self.open_stream(RowSource::Index { table, key: None }) };
        let values = values.to_vec();
        for value in values {
            self.open_stream(RowSource::Index { table, key: Some((key, value)) })?;
        }
        Ok(())
    }

    /// Adds the next row of a stream to the heap.
    fn advance(&mut self, stream: usize) -> Result<(), StoreError> {
        let Some(RowStream { found, next, part, source }) = self.streams.get_mut(stream) else { return Ok(()) };
        if found.is_empty()
            && let Some(before) = next.take()
        {
            let (source, limit) = (source.clone(), *part);
            *part = (limit * 4).min(MAX_PART);
            let rows = self.look_up(&source, &before, limit)?;
            let Some(RowStream { found, next, .. }) = self.streams.get_mut(stream) else { return Ok(()) };
            *next = rows.last().filter(|_| rows.len() == limit).map(|last| (last.occurred_at, last.id.to_string()));
            *found = rows.into();
        }
        let found = self.streams.get_mut(stream).and_then(|stream| stream.found.pop_front());
        self.next_rows.extend(found.map(|found| StreamRow { found, stream }));
        Ok(())
    }

    /// Returns at most `limit` rows of a source before a time and id, newest first.
    fn look_up(&self, source: &RowSource, before: &(i64, String), limit: usize) -> Result<Vec<IndexRow>, StoreError> {
        let (table, key) = match source {
            RowSource::Tail => return self.look_up_in_tail(before, limit),
            RowSource::Index { table, key } => (self.tables.get(*table).ok_or_else(corrupt)?, key),
        };
        let from = self.selection(table.family)?.from;
        let name = &table.name;
        let (index, condition) = match key {
            Some((key, _)) => (key.name(), format!("{} = ?5 AND ", key.name())),
            None => ("time", "?5 IS NULL AND ".to_owned()),
        };
        let select = format!(
            "SELECT occurred_at, id, sequence FROM {name} INDEXED BY {name}_{index}
             WHERE {condition}(occurred_at, id) < (?1, ?2) AND occurred_at >= ?3
             ORDER BY occurred_at DESC, id DESC LIMIT ?4"
        );
        let mut statement = self.connection.prepare_cached(&select)?;
        let limit_number = i64::try_from(limit).unwrap_or(i64::MAX);
        let value = key.as_ref().map(|(_, value)| *value);
        let mut rows = statement.query(rusqlite::params![before.0, before.1, from, limit_number, value])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(IndexRow {
                occurred_at: row.get(0)?,
                id: row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?.into(),
                sequence: row.get(2)?,
            });
        }
        Ok(found)
    }

    /// Returns the number of rows that the text index of a table finds, and those of them that fit the selection,
    /// newest first. Returns `None` if the table has no text index or the index finds too many rows.
    fn look_up_text(&self, table: &SearchedTable) -> Result<Option<(usize, VecDeque<IndexRow>)>, StoreError> {
        let Some(expression) = self.expression.as_ref().filter(|_| table.has_text_index) else { return Ok(None) };
        let max_rows = self.candidates.per_table.min(self.candidates.in_all);
        let name = &table.name;
        let Some(sequences) = text_index::find(self.connection, name, expression, max_rows)? else { return Ok(None) };
        let selection = self.selection(table.family)?;
        let select = format!("SELECT occurred_at, id, actor, app, action FROM {name} WHERE sequence = ?1");
        let mut statement = self.connection.prepare_cached(&select)?;
        let (candidates, mut found) = (sequences.len(), Vec::new());
        for sequence in sequences {
            let mut rows = statement.query([sequence])?;
            // The index can contain removed rows until it is rebuilt.
            let Some(row) = rows.next()? else { continue };
            let keys = RowKeys { occurred_at: row.get(0)?, actor: row.get(2)?, app: row.get(3)?, action: row.get(4)? };
            let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if selection.fits(&keys) && (keys.occurred_at, id) < (self.before.0, self.before.1.as_str()) {
                found.push(IndexRow { occurred_at: keys.occurred_at, id: id.into(), sequence });
            }
        }
        found.sort_unstable_by(|one, other| (other.occurred_at, &other.id).cmp(&(one.occurred_at, &one.id)));
        Ok(Some((candidates, found.into())))
    }

    fn look_up_in_tail(&self, before: &(i64, String), limit: usize) -> Result<Vec<IndexRow>, StoreError> {
        let selection = self.selection(Family::Public)?;
        let found = self.tail.find((self.connection, self.snapshot), selection, (before.0, &before.1), limit)?;
        let found = found.into_iter().map(|row| IndexRow {
            occurred_at: row.keys.occurred_at,
            id: row.id,
            sequence: row.sequence,
        });
        Ok(found.collect())
    }

    /// Returns the next row in descending order of time.
    fn next(&mut self) -> Result<Option<StreamRow>, StoreError> {
        while let Some((latest, table)) = self.unopened.last().copied()
            && self.next_rows.peek().is_none_or(|row| latest >= row.found.occurred_at)
        {
            self.unopened.pop();
            self.open_table(table)?;
        }
        let Some(row) = self.next_rows.pop() else { return Ok(None) };
        self.advance(row.stream)?;
        Ok(Some(row))
    }

    /// Calls `visit` with every matching activity, newest first, until it breaks. Returns the position of the last row
    /// read if the search stopped after reading `max_rows` rows.
    pub(super) fn run(
        mut self,
        max_rows: usize,
        mut visit: impl FnMut(StoredActivity) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<Option<Position>, StoreError> {
        while let Some(row) = self.next()? {
            let StreamRow { found, stream } = row;
            // A row out of order comes from a part of the file that is in the wrong place.
            if (found.occurred_at, &*found.id) >= (self.before.0, self.before.1.as_str()) {
                return Err(corrupt());
            }
            self.before = (found.occurred_at, found.id.to_string());
            let stored = self.read(&found, stream)?;
            self.read += 1;
            let position = (self.read >= max_rows).then(|| Position::of(stored.activity()));
            if self.query.matches(stored.activity(), stored.decision()) && visit(stored)?.is_break() {
                return Ok(None);
            }
            if position.is_some() {
                return Ok(position);
            }
        }
        Ok(None)
    }

    fn read(&self, found: &IndexRow, stream: usize) -> Result<StoredActivity, StoreError> {
        let source = self.streams.get(stream).map(|stream| &stream.source);
        let (name, family) = match source {
            Some(RowSource::Index { table, .. }) => {
                let SearchedTable { name, family, .. } = self.tables.get(*table).ok_or_else(corrupt)?;
                (name.clone(), *family)
            }
            _ => {
                let partitions = &self.snapshot.partitions;
                let at = partitions.partition_point(|partition| partition.last_sequence < found.sequence);
                (partitions.get(at).ok_or_else(corrupt)?.table(), Family::Public)
            }
        };
        let (dimensions, _) = self.family(family)?;
        let stored = by_sequence(self.connection, dimensions, &name, found.sequence)?.ok_or_else(corrupt)?;
        let activity = stored.activity();
        if activity.occurred_at().timestamp_micros() != found.occurred_at || activity.id().as_str() != &*found.id {
            // The index entry points to another row.
            return Err(corrupt());
        }
        Ok(stored)
    }
}
