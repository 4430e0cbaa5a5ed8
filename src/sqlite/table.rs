//! The two tables of activities: how they are made, written and read.

use std::collections::HashMap;

use chrono::DateTime;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};

use super::document::{ACTIVITY, damaged, from_json, to_json};
use super::facts;
use super::ids::{self, Filters, Ids};
use super::writer::Memory;
use crate::activity::Activity;
use crate::query::{Position, Query};
use crate::screen::{Stamp, Stamped, Visibility};
use crate::store::{Appended, StoreError};
use crate::stored::StoredActivity;

/// The two tables are alike. `sequence` counts the rows of one table alone, so that a forwarder's place among the
/// public activities tells nothing of the others; the next one is kept, so that no number is given twice when the newest
/// rows are deleted. That an id stands once in both is seen to by [`Ids`]. A stamp stands once for all rows that have it, but for when they were decided.
macro_rules! activity_table {
    ($of:literal) => {
        concat!(
            "CREATE TABLE ",
            $of,
            "_activity (
                sequence INTEGER PRIMARY KEY,
                id TEXT NOT NULL,
                occurred_at INTEGER NOT NULL,
                decided_at INTEGER NOT NULL,
                stamp INTEGER NOT NULL,
                facts BLOB NOT NULL,
                details TEXT
            ) STRICT;
            CREATE INDEX ",
            $of,
            "_newest ON ",
            $of,
            "_activity (occurred_at DESC, id DESC);
            CREATE TABLE ",
            $of,
            "_stamp (number INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;
            CREATE TABLE ",
            $of,
            "_next (sequence INTEGER PRIMARY KEY) STRICT;
            INSERT INTO ",
            $of,
            "_next VALUES (1);"
        )
    };
}

/// One of the two tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// What makes it.
    pub(super) create: &'static str,
    of: &'static str,
}

pub(super) const PUBLIC: Table = Table { create: activity_table!("public"), of: "public" };
pub(super) const PRIVATE: Table = Table { create: activity_table!("private"), of: "private" };

/// What a row is read from.
const COLUMNS: &str = "id, occurred_at, decided_at, stamp, facts, details, sequence";

/// Whether whoever reads wants more.
#[derive(PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Enough,
}

/// What the writer knows of the two tables.
#[derive(Default)]
pub(super) struct Written {
    filters: Filters,
    /// Public ones and private ones, once they were read.
    ids: Option<[Ids; 2]>,
    /// Stamps that have a number, of each table: those that were given last.
    stamps: [Vec<(Stamp, i64)>; 2],
    facts: Vec<u8>,
}

impl Written {
    pub(super) fn new(filters: Filters) -> Self {
        Self { filters, ..Self::default() }
    }
}

impl Memory for Written {
    fn forget(&mut self) {
        self.ids = None;
        self.stamps.iter_mut().for_each(Vec::clear);
    }
}

/// One table while a batch is written to it.
struct Writing<'a> {
    connection: &'a Connection,
    of: &'static str,
    ids: &'a mut Ids,
    /// Whether an id of the batch may be in the table since earlier.
    marks: Vec<bool>,
    candidates: Vec<i64>,
    stamps: &'a mut Vec<(Stamp, i64)>,
    find: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    next: i64,
    stored: bool,
}

/// Stores a batch, but for what is stored under its id in either table.
pub(super) fn append(
    connection: &Connection,
    written: &mut Written,
    batch: &[Stamped<'_>],
) -> Result<Vec<Appended>, StoreError> {
    let Written { filters, ids, stamps: [public_stamps, private_stamps], facts } = written;
    let [public_ids, private_ids] = match ids {
        Some(ids) => ids,
        None => {
            ids.insert([Ids::open(connection, &ids::PUBLIC, filters)?, Ids::open(connection, &ids::PRIVATE, filters)?])
        }
    };
    // Both hash alike.
    let hashes: Vec<u64> = batch.iter().map(|stamped| public_ids.hash(stamped.activity().id().as_str())).collect();
    let mut public = Writing::new(connection, PUBLIC, public_ids, public_stamps, &hashes)?;
    let mut private = Writing::new(connection, PRIVATE, private_ids, private_stamps, &hashes)?;
    let mut appended = Vec::with_capacity(batch.len());
    for (at, (stamped, hash)) in batch.iter().zip(&hashes).enumerate() {
        facts.clear();
        facts::write(stamped.activity(), facts);
        let first = match public.first(at, *hash, stamped.activity(), facts)? {
            None => private.first(at, *hash, stamped.activity(), facts)?,
            first => first,
        };
        appended.push(match first {
            Some(first) => first,
            None => {
                let table = match stamped.stamp().visibility() {
                    Visibility::Public => &mut public,
                    Visibility::Private => &mut private,
                };
                table.insert(*hash, stamped, facts)?;
                Appended::Stored
            }
        });
    }
    public.finish()?;
    private.finish()?;
    Ok(appended)
}

impl<'a> Writing<'a> {
    fn new(
        connection: &'a Connection,
        Table { of, .. }: Table,
        ids: &'a mut Ids,
        stamps: &'a mut Vec<(Stamp, i64)>,
        hashes: &[u64],
    ) -> Result<Self, StoreError> {
        ids.catch_up(connection)?;
        let mut marks = Vec::new();
        ids.mark(connection, hashes, &mut marks)?;
        let prepare = |sql: String| connection.prepare_cached(&sql);
        Ok(Self {
            connection,
            of,
            ids,
            marks,
            candidates: Vec::new(),
            stamps,
            find: prepare(format!("SELECT id, occurred_at, facts, details FROM {of}_activity WHERE sequence = ?1"))?,
            insert: prepare(format!(
                "INSERT INTO {of}_activity (sequence, id, occurred_at, decided_at, stamp, facts, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))?,
            next: prepare(format!("SELECT sequence FROM {of}_next"))?.query_row([], |row| row.get(0))?,
            stored: false,
        })
    }

    /// What is to be answered for an activity of the batch because something is stored under its id.
    fn first(
        &mut self,
        at: usize,
        hash: u64,
        activity: &Activity,
        facts: &[u8],
    ) -> Result<Option<Appended>, StoreError> {
        self.candidates.clear();
        let marked = self.marks.get(at).copied().unwrap_or(true);
        self.ids.candidates(self.connection, hash, marked, &mut self.candidates)?;
        let is_first = |row: &Row<'_>| {
            if row.get_ref(0)?.as_bytes()? != activity.id().as_str().as_bytes() {
                return Ok(None);
            }
            let same = row.get_ref(1)?.as_i64()? == activity.occurred_at().timestamp_micros()
                && row.get_ref(2)?.as_bytes()? == facts
                && row.get_ref(3)?.as_bytes_or_null()? == activity.details().map(str::as_bytes);
            Ok(Some(if same { Appended::Duplicate } else { Appended::Conflict }))
        };
        for sequence in &self.candidates {
            if let Some(first) = self.find.query_row([sequence], is_first).optional()?.flatten() {
                return Ok(Some(first));
            }
        }
        Ok(None)
    }

    fn insert(&mut self, hash: u64, stamped: &Stamped<'_>, facts: &[u8]) -> Result<(), StoreError> {
        let (activity, stamp) = (stamped.activity(), self.number_of(stamped.stamp())?);
        self.insert.execute(params![
            self.next,
            activity.id().as_str(),
            activity.occurred_at().timestamp_micros(),
            stamped.stamp().decided_at().timestamp_micros(),
            stamp,
            facts,
            activity.details(),
        ])?;
        self.ids.add(hash, self.next);
        self.next += 1;
        self.stored = true;
        Ok(())
    }

    /// The number of the stamp that is like this one, but for the time.
    fn number_of(&mut self, stamp: &Stamp) -> Result<i64, StoreError> {
        /// So many different reasons are known at a time.
        const KNOWN: usize = 64;
        if let Some((_, number)) = self.stamps.iter().find(|(known, _)| known.is_like(stamp)) {
            return Ok(*number);
        }
        let insert = format!("INSERT INTO {}_stamp (document) VALUES (?1)", self.of);
        self.connection.prepare_cached(&insert)?.execute([to_json(ACTIVITY, stamp)?])?;
        let number = self.connection.last_insert_rowid();
        if self.stamps.len() == KNOWN {
            self.stamps.clear();
        }
        self.stamps.push((stamp.clone(), number));
        Ok(number)
    }

    fn finish(self) -> Result<(), StoreError> {
        if self.stored {
            let update = format!("UPDATE {}_next SET sequence = ?1", self.of);
            self.connection.prepare_cached(&update)?.execute([self.next])?;
            self.ids.keep_up(self.connection)?;
        }
        Ok(())
    }
}

/// Hands every activity of some tables that matches to `take`, newest first, until it has enough.
pub(super) fn each(
    connection: &Connection,
    tables: &[Table],
    query: &Query,
    after: Option<&Position>,
    mut take: impl FnMut(StoredActivity) -> Flow,
) -> Result<(), StoreError> {
    let Narrowed { conditions, values } = Narrowed::by(query, after);
    let conditions = conditions.join(" AND ");
    let selects: Vec<String> = tables
        .iter()
        .map(|Table { of, .. }| {
            // The index is named, because the planner has picked others that read far more than a page.
            format!("SELECT {COLUMNS}, '{of}' FROM {of}_activity INDEXED BY {of}_newest WHERE {conditions}")
        })
        .collect();
    let select = format!("{} ORDER BY occurred_at DESC, id DESC", selects.join(" UNION ALL "));
    let mut statement = connection.prepare_cached(&select)?;
    let values: Vec<(&str, &dyn ToSql)> = values.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
    let mut rows = statement.query(&*values)?;
    let mut stamps: Vec<Stamps<'_>> = tables.iter().map(|table| Stamps::new(connection, *table)).collect();
    while let Some(row) = rows.next()? {
        let of = row.get_ref(7)?.as_str().map_err(rusqlite::Error::from)?;
        let Some(stamps) = stamps.iter_mut().find(|stamps| stamps.of == of) else { continue };
        let stored = stamps.stored(row)?;
        if query.matches(stored.activity(), stored.stamp()) && take(stored) == Flow::Enough {
            break;
        }
    }
    Ok(())
}

/// The activity of a table that has this id, as far as its ids are known. To be called in a transaction.
pub(super) fn find(
    connection: &Connection,
    table: Table,
    ids: &mut Ids,
    id: &str,
) -> Result<Option<StoredActivity>, StoreError> {
    ids.catch_up(connection)?;
    let (hash, mut marks, mut candidates) = (ids.hash(id), Vec::new(), Vec::new());
    ids.mark(connection, &[hash], &mut marks)?;
    ids.candidates(connection, hash, marks.contains(&true), &mut candidates)?;
    let select = format!("SELECT {COLUMNS} FROM {}_activity WHERE sequence = ?1", table.of);
    let mut statement = connection.prepare_cached(&select)?;
    for sequence in candidates {
        let mut rows = statement.query([sequence])?;
        if let Some(row) = rows.next()?
            && row.get_ref(0)?.as_bytes().is_ok_and(|found| found == id.as_bytes())
        {
            return Stamps::new(connection, table).stored(row).map(Some);
        }
    }
    Ok(None)
}

/// At most so many activities of a table in the order of storing, each with its sequence, after one of these.
pub(super) fn since(
    connection: &Connection,
    table: Table,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, StoredActivity)>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM {}_activity WHERE sequence > ?1 ORDER BY sequence LIMIT ?2", table.of);
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([after, limit])?;
    let mut stamps = Stamps::new(connection, table);
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.get(6)?, stamps.stored(row)?));
    }
    Ok(found)
}

/// The part of a query that SQLite itself can leave out by. [`Query::matches`] has the last word, so this may let
/// through too much, never too little.
struct Narrowed {
    conditions: Vec<&'static str>,
    values: Vec<(&'static str, Value)>,
}

impl Narrowed {
    fn by(query: &Query, after: Option<&Position>) -> Self {
        let mut narrowed = Self { conditions: vec!["TRUE"], values: Vec::new() };
        if let Some(after) = after {
            narrowed.add("(occurred_at, id) < (:after, :after_id)", ":after", after.occurred_at().timestamp_micros());
            narrowed.values.push((":after_id", after.id().as_str().to_owned().into()));
        }
        if let Some(since) = query.time_from() {
            narrowed.add("occurred_at >= :since", ":since", since.timestamp_micros());
        }
        if let Some(until) = query.time_until() {
            // Not `<`, because the bound may be finer than a microsecond.
            narrowed.add("occurred_at <= :until", ":until", until.timestamp_micros());
        }
        narrowed
    }

    fn add(&mut self, condition: &'static str, name: &'static str, value: impl Into<Value>) {
        self.conditions.push(condition);
        self.values.push((name, value.into()));
    }
}

/// The stamps of a table, as far as rows that were read have them.
struct Stamps<'a> {
    connection: &'a Connection,
    of: &'static str,
    known: HashMap<i64, Stamp>,
}

impl<'a> Stamps<'a> {
    fn new(connection: &'a Connection, table: Table) -> Self {
        Self { connection, of: table.of, known: HashMap::new() }
    }

    /// What a row that begins with [`COLUMNS`] holds.
    fn stored(&mut self, row: &Row<'_>) -> Result<StoredActivity, StoreError> {
        let unreadable = |_| damaged(ACTIVITY);
        let id = row.get_ref(0)?.as_str().map_err(unreadable)?;
        let details = row.get_ref(5)?.as_str_or_null().map_err(unreadable)?;
        let facts = row.get_ref(4)?.as_blob().map_err(unreadable)?;
        let activity = facts::read(id, row.get(1)?, facts, details).map_err(|_| damaged(ACTIVITY))?;
        let decided_at = DateTime::from_timestamp_micros(row.get(2)?).ok_or_else(|| damaged(ACTIVITY))?;
        let stamp = self.numbered(row.get(3)?)?.clone().decided(decided_at);
        Ok(StoredActivity::assertion(activity, stamp))
    }

    fn numbered(&mut self, number: i64) -> Result<&Stamp, StoreError> {
        use std::collections::hash_map::Entry;
        Ok(match self.known.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let select = format!("SELECT document FROM {}_stamp WHERE number = ?1", self.of);
                let mut statement = self.connection.prepare_cached(&select)?;
                let mut rows = statement.query([number])?;
                let row = rows.next()?.ok_or_else(|| damaged(ACTIVITY))?;
                unknown.insert(from_json(ACTIVITY, row.get_ref(0)?.as_bytes().map_err(|_| damaged(ACTIVITY))?)?)
            }
        })
    }
}
