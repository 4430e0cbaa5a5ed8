//! The two tables of activities: how they are made, written and read.

use std::collections::HashMap;

use chrono::DateTime;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, ToSql, params};

use super::document::{ACTIVITY, damaged, from_json, to_json};
use super::facts;
use crate::activity::Activity;
use crate::query::{Position, Query};
use crate::screen::{Stamp, Stamped, Visibility};
use crate::store::{Appended, StoreError};
use crate::stored::StoredActivity;

/// The two tables are alike. `sequence` counts the rows of one table alone, so that a forwarder's place among the
/// public activities tells nothing of the others; the next one is kept, so that no number is given twice when the newest
/// rows are deleted. A stamp stands once for all rows that have it, but for when they were decided.
macro_rules! activity_table {
    ($of:literal) => {
        concat!(
            "CREATE TABLE ",
            $of,
            "_activity (
                sequence INTEGER PRIMARY KEY,
                id TEXT NOT NULL UNIQUE,
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

/// What the writer knows of the file beside it.
#[derive(Default)]
pub(super) struct Memory {
    /// Stamps that have a number, of each table: those that were given last.
    stamps: [Vec<(Stamp, i64)>; 2],
    facts: Vec<u8>,
}

/// One table while a batch is written to it.
struct Writing<'a> {
    connection: &'a Connection,
    of: &'static str,
    stamps: &'a mut Vec<(Stamp, i64)>,
    find: CachedStatement<'a>,
    insert: CachedStatement<'a>,
    next: i64,
    stored: bool,
}

/// Stores a batch, but for what is stored under its id in either table.
pub(super) fn append(
    connection: &Connection,
    memory: &mut Memory,
    batch: &[Stamped<'_>],
) -> Result<Vec<Appended>, StoreError> {
    let Memory { stamps: [public_stamps, private_stamps], facts } = memory;
    let mut public = Writing::new(connection, PUBLIC, public_stamps)?;
    let mut private = Writing::new(connection, PRIVATE, private_stamps)?;
    let mut appended = Vec::with_capacity(batch.len());
    for stamped in batch {
        facts.clear();
        facts::write(stamped.activity(), facts);
        let first = match public.first(stamped.activity(), facts)? {
            None => private.first(stamped.activity(), facts)?,
            first => first,
        };
        appended.push(match first {
            Some(first) => first,
            None => {
                let table = match stamped.stamp().visibility() {
                    Visibility::Public => &mut public,
                    Visibility::Private => &mut private,
                };
                table.insert(stamped, facts)?;
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
        stamps: &'a mut Vec<(Stamp, i64)>,
    ) -> Result<Self, StoreError> {
        let prepare = |sql: String| connection.prepare_cached(&sql);
        Ok(Self {
            connection,
            of,
            stamps,
            find: prepare(format!("SELECT occurred_at, facts, details FROM {of}_activity WHERE id = ?1"))?,
            insert: prepare(format!(
                "INSERT INTO {of}_activity (sequence, id, occurred_at, decided_at, stamp, facts, details)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
            ))?,
            next: prepare(format!("SELECT sequence FROM {of}_next"))?.query_row([], |row| row.get(0))?,
            stored: false,
        })
    }

    /// What is to be answered for an activity because something is stored under its id.
    fn first(&mut self, activity: &Activity, facts: &[u8]) -> Result<Option<Appended>, StoreError> {
        let same = |row: &Row<'_>| {
            Ok(row.get_ref(0)?.as_i64()? == activity.occurred_at().timestamp_micros()
                && row.get_ref(1)?.as_bytes()? == facts
                && row.get_ref(2)?.as_bytes_or_null()? == activity.details().map(str::as_bytes))
        };
        let same = self.find.query_row([activity.id().as_str()], same).optional()?;
        Ok(same.map(|same| if same { Appended::Duplicate } else { Appended::Conflict }))
    }

    fn insert(&mut self, stamped: &Stamped<'_>, facts: &[u8]) -> Result<(), StoreError> {
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

/// The activity of a table that has this id.
pub(super) fn find(connection: &Connection, table: Table, id: &str) -> Result<Option<StoredActivity>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM {}_activity WHERE id = ?1", table.of);
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(|row| Stamps::new(connection, table).stored(row)).transpose()
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
