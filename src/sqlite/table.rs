//! The two tables of activities: how they are made and read.

use std::collections::HashMap;

use chrono::DateTime;
use rusqlite::types::Value;
use rusqlite::{CachedStatement, Connection, Row, ToSql};

use super::document::{ACTIVITY, corrupt, damaged, from_json};
use super::facts;
use super::ids::Ids;
use super::seal::seal;
use crate::query::{Position, Query};
use crate::screen::Stamp;
use crate::store::StoreError;
use crate::stored::StoredActivity;

/// The two tables are alike. `sequence` counts the rows of one table alone, so that a forwarder's place among the
/// public activities tells nothing of the others; ids stay when rows are removed, and how many there were says which
/// number is next, so that none is given twice. That an id stands once in both is seen to by [`Ids`]. A stamp stands once
/// for all rows that have it, but for when they were decided. Stamps of the public table have odd numbers, those of the
/// private one even numbers: see [`Table::has_stamp`].
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
                seal INTEGER NOT NULL,
                facts BLOB NOT NULL,
                details TEXT
            ) STRICT;
            CREATE INDEX ",
            $of,
            "_newest ON ",
            $of,
            "_activity (occurred_at, id);
            CREATE TABLE ",
            $of,
            "_stamp (number INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;
            CREATE TABLE ",
            $of,
            "_age (stretch INTEGER PRIMARY KEY, oldest INTEGER NOT NULL) STRICT;"
        )
    };
}

/// One of the two tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    /// What makes it.
    pub(super) create: &'static str,
    pub(super) of: &'static str,
    /// The number of its first stamp.
    first_stamp: i64,
}

pub(super) const PUBLIC: Table = Table { create: activity_table!("public"), of: "public", first_stamp: 1 };
pub(super) const PRIVATE: Table = Table { create: activity_table!("private"), of: "private", first_stamp: 2 };

impl Table {
    /// Whether a stamp of this number belongs to this table. A page of one table that a damaged pointer makes a page of the
    /// other one gives its rows away by that.
    pub(super) fn has_stamp(self, number: i64) -> bool {
        number.rem_euclid(STAMP_STEP) == self.first_stamp.rem_euclid(STAMP_STEP)
    }

    /// Of a row of this table: its sequence, when it occurred, when it was decided and the number of its stamp; its id, its
    /// facts and its details.
    pub(super) fn seal(self, numbers: [i64; 4], texts: [Option<&[u8]>; 3]) -> i64 {
        seal(self.first_stamp, numbers, texts)
    }

    /// The number of the next stamp after the greatest one, 0 if there is none yet.
    pub(super) fn next_stamp(self, greatest: i64) -> i64 {
        if greatest == 0 { self.first_stamp } else { greatest.saturating_add(STAMP_STEP) }
    }
}

/// As many as there are tables.
const STAMP_STEP: i64 = 2;

/// What a row is read from.
const COLUMNS: &str = "r.id, r.occurred_at, r.decided_at, r.stamp, r.facts, r.details, r.sequence, r.seal";

/// Whether whoever reads wants more.
#[derive(PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Enough,
}

/// Hands every activity of some tables that matches to `take`, newest first, until it has enough.
pub(super) fn each(
    connection: &Connection,
    tables: &[Table],
    query: &Query,
    after: Option<&Position>,
    mut take: impl FnMut(StoredActivity) -> Result<Flow, StoreError>,
) -> Result<(), StoreError> {
    let Narrowed { conditions, values } = Narrowed::by(query, after);
    let select = newest_first(tables, &conditions);
    let mut statement = connection.prepare_cached(&select)?;
    let values: Vec<(&str, &dyn ToSql)> = values.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
    let mut rows = statement.query(&*values)?;
    let mut stamps: Vec<Stamps<'_>> = tables.iter().map(|table| Stamps::new(connection, *table)).collect();
    while let Some(row) = rows.next()? {
        let of = row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?;
        let Some(stamps) = stamps.iter_mut().find(|stamps| stamps.table.of == of) else { continue };
        let stored = stamps.stored(row)?;
        if row.get_ref(9)? != row.get_ref(1)? || row.get_ref(10)? != row.get_ref(0)? {
            // The index leads to another row: it may be a part of the index of the other table.
            return Err(corrupt());
        }
        if query.matches(stored.activity(), stored.stamp()) && take(stored)? == Flow::Enough {
            break;
        }
    }
    Ok(())
}

fn newest_first(tables: &[Table], conditions: &[&str]) -> String {
    let conditions = conditions.join(" AND ");
    let selects: Vec<String> = tables
        .iter()
        .map(|Table { of, .. }| {
            // The index is named, because the planner has picked others that read far more than a page. The row is joined
            // to it, because SQLite would otherwise take what stands in the index for what stands in the row.
            format!(
                "SELECT {COLUMNS}, '{of}', i.occurred_at AS at, i.id AS its_id
                 FROM {of}_activity AS i INDEXED BY {of}_newest
                 LEFT JOIN {of}_activity AS r ON r.sequence = i.sequence WHERE {conditions}"
            )
        })
        .collect();
    format!("{} ORDER BY at DESC, its_id DESC", selects.join(" UNION ALL "))
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
    let mut rows = BySequence::new(connection, table)?;
    for sequence in candidates {
        if let Some(found) = rows.read(sequence)?.filter(|found| found.activity().id().as_str() == id) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Reads the activities of a table by their sequences.
pub(super) struct BySequence<'a> {
    statement: CachedStatement<'a>,
    removed: CachedStatement<'a>,
    stamps: Stamps<'a>,
}

impl<'a> BySequence<'a> {
    pub(super) fn new(connection: &'a Connection, table: Table) -> Result<Self, StoreError> {
        let select = format!("SELECT {COLUMNS} FROM {}_activity AS r WHERE sequence = ?1", table.of);
        Ok(Self {
            statement: connection.prepare_cached(&select)?,
            removed: removed(connection, table)?,
            stamps: Stamps::new(connection, table),
        })
    }

    /// `None` if it was removed. One that is gone otherwise is an error.
    pub(super) fn read(&mut self, sequence: i64) -> Result<Option<StoredActivity>, StoreError> {
        let mut rows = self.statement.query([sequence])?;
        match rows.next()? {
            Some(row) => self.stamps.stored(row).map(Some),
            None if self.removed.exists([sequence])? => Ok(None),
            None => Err(corrupt()),
        }
    }
}

/// Tells whether the row of a sequence was removed.
fn removed(connection: &Connection, table: Table) -> Result<CachedStatement<'_>, StoreError> {
    Ok(connection.prepare_cached(&format!("SELECT 1 FROM {}_id_removed WHERE sequence = ?1", table.of))?)
}

/// At most so many activities of a table in the order of storing, each with its sequence, after one of these.
pub(super) fn since(
    connection: &Connection,
    table: Table,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, StoredActivity)>, StoreError> {
    let mut found = Vec::new();
    each_since(connection, table, after, limit, |sequence, stored| {
        found.push((sequence, stored));
        Flow::On
    })?;
    Ok(found)
}

/// Hands these one by one to `take`, until it has enough: many of them may be more than memory holds.
pub(super) fn each_since(
    connection: &Connection,
    table: Table,
    after: i64,
    limit: i64,
    mut take: impl FnMut(i64, StoredActivity) -> Flow,
) -> Result<(), StoreError> {
    let of = table.of;
    let select = format!("SELECT {COLUMNS} FROM {of}_activity AS r WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([after, limit])?;
    let mut removed = removed(connection, table)?;
    let mut stamps = Stamps::new(connection, table);
    let mut before = after;
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(6)?;
        // Where some are left out they were removed: the first and the last of them at any rate.
        let mut is_gone = |sequence: i64| -> Result<bool, StoreError> { Ok(removed.exists([sequence])?) };
        if sequence <= before
            || sequence > before.saturating_add(1) && !(is_gone(before.max(0) + 1)? && is_gone(sequence - 1)?)
        {
            return Err(corrupt());
        }
        before = sequence;
        if take(sequence, stamps.stored(row)?) == Flow::Enough {
            break;
        }
    }
    Ok(())
}

/// The part of a query that SQLite itself can leave out by. [`Query::matches`] has the last word, so this may let
/// through too much, never too little.
struct Narrowed {
    conditions: Vec<&'static str>,
    values: Vec<(&'static str, Value)>,
}

impl Narrowed {
    fn by(query: &Query, after: Option<&Position>) -> Self {
        let mut narrowed = Self { conditions: Vec::new(), values: Vec::new() };
        if let Some(after) = after {
            narrowed.add(
                "(i.occurred_at, i.id) < (:after, :after_id)",
                ":after",
                after.occurred_at().timestamp_micros(),
            );
            narrowed.values.push((":after_id", after.id().as_str().to_owned().into()));
        }
        if let Some(since) = query.time_from() {
            narrowed.add("i.occurred_at >= :since", ":since", since.timestamp_micros());
        }
        // Always some bound, so that SQLite begins with a search. Not `<`, because this one may be finer than a microsecond.
        let until = query.time_until().map_or(i64::MAX, |until| until.timestamp_micros());
        narrowed.add("i.occurred_at <= :until", ":until", until);
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
    table: Table,
    known: HashMap<i64, Stamp>,
}

impl<'a> Stamps<'a> {
    fn new(connection: &'a Connection, table: Table) -> Self {
        Self { connection, table, known: HashMap::new() }
    }

    /// What a row that begins with [`COLUMNS`] holds.
    fn stored(&mut self, row: &Row<'_>) -> Result<StoredActivity, StoreError> {
        let unreadable = |_| damaged(ACTIVITY);
        let number = row.get_ref(3)?.as_i64().map_err(unreadable)?;
        if !self.table.has_stamp(number) {
            return Err(corrupt());
        }
        let id = row.get_ref(0)?.as_str().map_err(unreadable)?;
        let details = row.get_ref(5)?.as_str_or_null().map_err(unreadable)?;
        let facts = row.get_ref(4)?.as_blob().map_err(unreadable)?;
        let (occurred_at, decided_at, sequence) = (row.get(1)?, row.get(2)?, row.get(6)?);
        let texts = [Some(id.as_bytes()), Some(facts), details.map(str::as_bytes)];
        if row.get_ref(7)?.as_i64() != Ok(self.table.seal([sequence, occurred_at, decided_at, number], texts)) {
            return Err(damaged(ACTIVITY));
        }
        let activity = facts::read(id, occurred_at, facts, details).map_err(|_| damaged(ACTIVITY))?;
        let decided_at = DateTime::from_timestamp_micros(decided_at).ok_or_else(|| damaged(ACTIVITY))?;
        let stamp = self.numbered(number)?.clone().decided(decided_at);
        Ok(StoredActivity::assertion(activity, stamp))
    }

    fn numbered(&mut self, number: i64) -> Result<&Stamp, StoreError> {
        use std::collections::hash_map::Entry;
        Ok(match self.known.entry(number) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let select = format!("SELECT document FROM {}_stamp WHERE number = ?1", self.table.of);
                let mut statement = self.connection.prepare_cached(&select)?;
                let mut rows = statement.query([number])?;
                let row = rows.next()?.ok_or_else(|| damaged(ACTIVITY))?;
                unknown.insert(from_json(ACTIVITY, row.get_ref(0)?.as_bytes().map_err(|_| damaged(ACTIVITY))?)?)
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::activity::Activity;

    /// What SQLite does for a statement, step by step.
    pub(in crate::sqlite) fn plan(connection: &Connection, select: &str) -> Vec<String> {
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {select}")).unwrap();
        // Without its values, which make no difference.
        let mut rows = explain.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    #[test]
    fn v2_no_page_is_found_by_reading_more_than_it_holds() {
        let connection = Connection::open_in_memory().unwrap();
        for table in [PUBLIC, PRIVATE] {
            connection.execute_batch(table.create).unwrap();
        }
        let time = "2026-03-01T09:30:00Z".parse().unwrap();
        let actor = crate::actor::Actor::unknown();
        let (app, action) = (crate::activity::App::new("Box".parse().unwrap()), "Login".parse().unwrap());
        let activity = Activity::builder("a-1".parse().unwrap(), actor, app, action, time).build().unwrap();
        let after = Position::of(&activity);
        for query in
            [Query::all(), Query::all().since(time), Query::all().since(time).until(time), Query::all().until(time)]
        {
            for after in [None, Some(&after)] {
                let Narrowed { conditions, .. } = Narrowed::by(&query, after);
                let public = plan(&connection, &newest_first(&[PUBLIC], &conditions));
                assert_eq!(public.len(), 2, "{public:?}");
                assert!(public[0].starts_with("SEARCH i USING COVERING INDEX public_newest ("), "{public:?}");
                assert!(public[1].starts_with("SEARCH r USING INTEGER PRIMARY KEY ("), "{public:?}");
                let all = plan(&connection, &newest_first(&[PUBLIC, PRIVATE], &conditions));
                assert!(all.iter().any(|step| step.contains("private_newest")), "{all:?}");
                let reads_all = |step: &String| step.starts_with("SCAN") || step.contains("TEMP B-TREE");
                assert!(!all.iter().any(reads_all), "{all:?}");
            }
        }
    }
}
