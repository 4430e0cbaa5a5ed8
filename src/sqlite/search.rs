//! VerifyError rows, newest first.
//!
//! Each indexed table gives the rows of a key in order, a part at a time, and so does [the tail](super::tail); the newest of
//! all of them comes first. A table is not asked before its newest row could be the next.

use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};

use rusqlite::Connection;

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::partition::{DAY, Partition};
use super::row::{Keys, by_sequence};
use super::selection::Selection;
use super::tail::{Snapshot, Tail};
use super::text_index;
use crate::query::{Position, Query};
use crate::store::{StoreError, StoredActivity};

/// Whether a reader wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Enough,
}

/// The most values of one key that are looked up one by one in each table. Of more, rows are read by time.
const VALUES: usize = 16;
/// How many rows of a table are looked up at a time, at first and at most. Few at first, because a page mostly needs few of each
/// of many tables.
const PART: usize = 16;
const MOST: usize = 1_024;

/// A search in tables that are sorted by time.
pub(super) struct Search<'a> {
    connection: &'a Connection,
    query: &'a Query,
    tail: &'a Tail,
    snapshot: &'a Snapshot,
    families: Vec<(&'a Dimensions, Selection)>,
    tables: Vec<Table>,
    /// Tables that were not asked yet, with their latest times; the latest of all comes last.
    unasked: Vec<(i64, usize)>,
    streams: Vec<Stream>,
    heads: BinaryHeap<Head>,
    /// Everything that is found comes before this.
    before: (i64, String),
    /// What finds the rows with the text of the query in a text index.
    expression: Option<String>,
    candidates: Candidates,
    /// How many rows were read.
    read: usize,
}

/// How many rows a search takes from text indexes at most. Tables with more are read by their other indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidates {
    pub(super) per_table: usize,
    pub(super) in_all: usize,
}

/// A table that rows are looked up in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Table {
    name: String,
    family: Family,
    /// The keys that it has an index of, beside the time.
    keys: &'static [Key],
    has_text_index: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Actor,
    App,
    Action,
}

impl Key {
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

/// The days of the newest activities of some actors in closed partitions, as the rollup counts them. A partition without any
/// of them need not be asked.
struct Days {
    days: BTreeSet<i64>,
    /// There may be more up to this one.
    known_after: i64,
}

impl Days {
    /// The most days that are looked up of each actor. One with more fills a page before.
    const MOST: usize = 32;

    fn of(connection: &Connection, actors: &[i64], until: i64) -> Result<Self, StoreError> {
        let mut of = Self { days: BTreeSet::new(), known_after: i64::MIN };
        let select = "SELECT day FROM public_day WHERE actor = ?1 AND day <= ?2 ORDER BY day DESC LIMIT ?3";
        let mut select = connection.prepare_cached(select)?;
        for actor in actors {
            let mut rows = select.query([*actor, until.div_euclid(DAY), Self::MOST as i64])?;
            let mut found = 0;
            while let Some(row) = rows.next()? {
                let day = row.get(0)?;
                of.days.insert(day);
                found += 1;
                if found == Self::MOST {
                    of.known_after = of.known_after.max(day);
                }
            }
        }
        Ok(of)
    }

    fn may_be_in(&self, partition: &Partition) -> bool {
        let (first, last) = (partition.earliest.div_euclid(DAY), partition.latest.div_euclid(DAY));
        first <= self.known_after || first > last || self.days.range(first..=last).next().is_some()
    }
}

/// Where the rows of one key come from, in order.
struct Stream {
    source: Source,
    found: VecDeque<Found>,
    /// Where the next part begins; `None` once there is none.
    next: Option<(i64, String)>,
    part: usize,
}

#[derive(Debug, Clone)]
enum Source {
    Tail,
    Index { table: usize, key: Option<(Key, i64)> },
}

/// What an index says of a row.
struct Found {
    occurred_at: i64,
    id: Box<str>,
    sequence: i64,
}

struct Head {
    found: Found,
    stream: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.found.occurred_at, &self.found.id).cmp(&(other.found.occurred_at, &other.found.id))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

impl<'a> Search<'a> {
    /// Begins a search in the families whose dimensions are given.
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
            unasked: Vec::new(),
            streams: Vec::new(),
            heads: BinaryHeap::new(),
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
                    search.add_table(i64::MAX, PRIVATE.to_owned(), Family::Private, (&[Key::Actor], false));
                }
            }
            search.families.push((dimensions, selection));
        }
        search.unasked.sort_unstable();
        search.ask_for_tail()?;
        Ok(search)
    }

    fn add_public(&mut self, selection: &Selection) -> Result<(), StoreError> {
        const KEYS: &[Key] = &[Key::Actor, Key::Action, Key::App];
        let snapshot = self.snapshot;
        let closed = snapshot.closed().filter(|partition| {
            partition.latest >= selection.from && partition.earliest <= self.before.0 && partition.activities > 0
        });
        let mut closed: Vec<&Partition> = closed.collect();
        if let Some(actors) = selection.actors.as_ref().filter(|actors| actors.len() <= VALUES) {
            let days = Days::of(self.connection, actors, self.before.0)?;
            closed.retain(|partition| days.may_be_in(partition));
        }
        for partition in closed {
            let has = (KEYS, partition.has_text_index());
            self.add_table(partition.latest, partition.table(), Family::Public, has);
        }
        Ok(())
    }

    fn add_table(&mut self, latest: i64, name: String, family: Family, has: (&'static [Key], bool)) {
        let (keys, has_text_index) = has;
        self.unasked.push((latest, self.tables.len()));
        self.tables.push(Table { name, family, keys, has_text_index });
    }

    fn family(&self, family: Family) -> Result<&(&'a Dimensions, Selection), StoreError> {
        self.families.iter().find(|(of, _)| of.family() == family).ok_or_else(corrupt)
    }

    fn selection(&self, family: Family) -> Result<&Selection, StoreError> {
        self.family(family).map(|(_, selection)| selection)
    }

    fn ask_for_tail(&mut self) -> Result<(), StoreError> {
        if self.selection(Family::Public).is_ok() {
            self.begin(Source::Tail)?;
        }
        Ok(())
    }

    fn begin(&mut self, source: Source) -> Result<(), StoreError> {
        let next = Some(self.before.clone());
        self.streams.push(Stream { source, found: VecDeque::new(), next, part: PART });
        self.advance(self.streams.len() - 1)
    }

    /// Uses text indexes for so many rows.
    pub(super) fn with_candidates(self, candidates: Candidates) -> Self {
        Self { candidates, ..self }
    }

    /// Asks a table by its text index if that finds few rows, or by the first of its keys that the query names few values of, or by time.
    fn ask(&mut self, table: usize) -> Result<(), StoreError> {
        let Some(of) = self.tables.get(table) else { return Ok(()) };
        if let Some((candidates, found)) = self.look_up_text(of)? {
            self.candidates.in_all = self.candidates.in_all.saturating_sub(candidates);
            // Those that are found are counted once they are read as a whole.
            self.read += candidates - found.len();
            let source = Source::Index { table, key: None };
            self.streams.push(Stream { source, found, next: None, part: PART });
            return self.advance(self.streams.len() - 1);
        }
        let selection = self.selection(of.family)?;
        let by = of.keys.iter().find_map(|key| Some((*key, key.of(selection).filter(|of| of.len() <= VALUES)?)));
        let Some((key, values)) = by else { return self.begin(Source::Index { table, key: None }) };
        let values = values.to_vec();
        for value in values {
            self.begin(Source::Index { table, key: Some((key, value)) })?;
        }
        Ok(())
    }

    /// Brings the next row of a stream among the heads.
    fn advance(&mut self, stream: usize) -> Result<(), StoreError> {
        let Some(Stream { found, next, part, source }) = self.streams.get_mut(stream) else { return Ok(()) };
        if found.is_empty()
            && let Some(before) = next.take()
        {
            let (source, limit) = (source.clone(), *part);
            *part = (limit * 4).min(MOST);
            let rows = self.look_up(&source, &before, limit)?;
            let Some(Stream { found, next, .. }) = self.streams.get_mut(stream) else { return Ok(()) };
            *next = rows.last().filter(|_| rows.len() == limit).map(|last| (last.occurred_at, last.id.to_string()));
            *found = rows.into();
        }
        let found = self.streams.get_mut(stream).and_then(|stream| stream.found.pop_front());
        self.heads.extend(found.map(|found| Head { found, stream }));
        Ok(())
    }

    /// Returns at most so many rows of a source before a time and id, the newest first.
    fn look_up(&self, source: &Source, before: &(i64, String), limit: usize) -> Result<Vec<Found>, StoreError> {
        let (table, key) = match source {
            Source::Tail => return self.look_up_in_tail(before, limit),
            Source::Index { table, key } => (self.tables.get(*table).ok_or_else(corrupt)?, key),
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
            found.push(Found {
                occurred_at: row.get(0)?,
                id: row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?.into(),
                sequence: row.get(2)?,
            });
        }
        Ok(found)
    }

    /// Returns how many rows of a table its text index finds, and those of them that fit, the newest first; `None` if it has
    /// no text index or that finds too many.
    fn look_up_text(&self, table: &Table) -> Result<Option<(usize, VecDeque<Found>)>, StoreError> {
        let Some(expression) = self.expression.as_ref().filter(|_| table.has_text_index) else { return Ok(None) };
        let most = self.candidates.per_table.min(self.candidates.in_all);
        let name = &table.name;
        let Some(sequences) = text_index::find(self.connection, name, expression, most)? else { return Ok(None) };
        let selection = self.selection(table.family)?;
        let select = format!("SELECT occurred_at, id, actor, app, action FROM {name} WHERE sequence = ?1");
        let mut statement = self.connection.prepare_cached(&select)?;
        let (candidates, mut found) = (sequences.len(), Vec::new());
        for sequence in sequences {
            let mut rows = statement.query([sequence])?;
            // The rows of a removed activity may still be in the index, until it is made anew.
            let Some(row) = rows.next()? else { continue };
            let keys = Keys { occurred_at: row.get(0)?, actor: row.get(2)?, app: row.get(3)?, action: row.get(4)? };
            let id = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
            if selection.fits(&keys) && (keys.occurred_at, id) < (self.before.0, self.before.1.as_str()) {
                found.push(Found { occurred_at: keys.occurred_at, id: id.into(), sequence });
            }
        }
        found.sort_unstable_by(|one, other| (other.occurred_at, &other.id).cmp(&(one.occurred_at, &one.id)));
        Ok(Some((candidates, found.into())))
    }

    fn look_up_in_tail(&self, before: &(i64, String), limit: usize) -> Result<Vec<Found>, StoreError> {
        let selection = self.selection(Family::Public)?;
        let found = self.tail.find((self.connection, self.snapshot), selection, (before.0, &before.1), limit)?;
        let found = found.into_iter().map(|row| Found {
            occurred_at: row.keys.occurred_at,
            id: row.id,
            sequence: row.sequence,
        });
        Ok(found.collect())
    }

    /// Returns the next row that an index leads to.
    fn next(&mut self) -> Result<Option<Head>, StoreError> {
        while let Some((latest, table)) = self.unasked.last().copied()
            && self.heads.peek().is_none_or(|head| latest >= head.found.occurred_at)
        {
            self.unasked.pop();
            self.ask(table)?;
        }
        let Some(head) = self.heads.pop() else { return Ok(None) };
        self.advance(head.stream)?;
        Ok(Some(head))
    }

    /// Hands every activity that the query finds to `take`, newest first, until it has enough. Returns the position of the
    /// last row that was read, if `most` rows were read before that.
    pub(super) fn run(
        mut self,
        most: usize,
        mut take: impl FnMut(StoredActivity) -> Result<Flow, StoreError>,
    ) -> Result<Option<Position>, StoreError> {
        while let Some(head) = self.next()? {
            let Head { found, stream } = head;
            // What comes twice, or too soon, was led to by a part of the file that belongs elsewhere.
            if (found.occurred_at, &*found.id) >= (self.before.0, self.before.1.as_str()) {
                return Err(corrupt());
            }
            self.before = (found.occurred_at, found.id.to_string());
            let stored = self.read(&found, stream)?;
            self.read += 1;
            let position = (self.read >= most).then(|| Position::of(stored.activity()));
            if self.query.matches(stored.activity(), stored.decision()) && take(stored)? == Flow::Enough {
                return Ok(None);
            }
            if position.is_some() {
                return Ok(position);
            }
        }
        Ok(None)
    }

    fn read(&self, found: &Found, stream: usize) -> Result<StoredActivity, StoreError> {
        let source = self.streams.get(stream).map(|stream| &stream.source);
        let (name, family) = match source {
            Some(Source::Index { table, .. }) => {
                let Table { name, family, .. } = self.tables.get(*table).ok_or_else(corrupt)?;
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
            // The index leads to another row.
            return Err(corrupt());
        }
        Ok(stored)
    }
}
