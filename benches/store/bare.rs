//! Bare SQLite: a loop that inserts, one thread, as durable as the store.

use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::Activity;
use rusqlite::{Connection, params};

use super::activities::{Number, random_id};

/// One table, and the index by which public rows are read.
pub(crate) struct Bare {
    connection: Connection,
    insert: &'static str,
    random_key: bool,
}

/// The same bytes that the store is given.
pub(crate) struct Row {
    id: String,
    random_id: String,
    occurred_at: i64,
    private: bool,
    facts: Vec<u8>,
    details: String,
}

impl Bare {
    /// Rows in the order in which they come.
    pub(crate) fn ordered(path: &Path) -> Self {
        let table =
            "CREATE TABLE activity (sequence INTEGER PRIMARY KEY, occurred_at INTEGER NOT NULL, id TEXT NOT NULL,
            private INTEGER NOT NULL, facts BLOB NOT NULL, details TEXT) STRICT;";
        Self::new(path, table, false)
    }

    /// What one would write first: rows by their id, which is a random UUID.
    pub(crate) fn naive(path: &Path) -> Self {
        let table =
            "CREATE TABLE activity (id TEXT PRIMARY KEY, occurred_at INTEGER NOT NULL, private INTEGER NOT NULL,
            facts BLOB NOT NULL, details TEXT) STRICT;";
        Self::new(path, table, true)
    }

    fn new(path: &Path, table: &str, random_key: bool) -> Self {
        let connection = connect(path);
        connection.execute_batch(table).unwrap();
        let index = "CREATE INDEX public_newest ON activity (occurred_at, id) WHERE private = 0";
        connection.execute_batch(index).unwrap();
        let insert = "INSERT INTO activity (id, occurred_at, private, facts, details) VALUES (?1, ?2, ?3, ?4, ?5)";
        Self { connection, insert, random_key }
    }

    pub(crate) fn insert(&self, rows: &[Row], batch: usize) -> Duration {
        let begun = Instant::now();
        let mut insert = self.connection.prepare_cached(self.insert).unwrap();
        for batch in rows.chunks(batch) {
            run(&self.connection, "BEGIN IMMEDIATE");
            for Row { id, random_id, occurred_at, private, facts, details } in batch {
                let id = if self.random_key { random_id } else { id };
                insert.execute(params![id, occurred_at, private, facts, details]).unwrap();
            }
            run(&self.connection, "COMMIT");
        }
        begun.elapsed()
    }

    pub(crate) fn count(&self) -> u64 {
        count(&self.connection, "activity")
    }
}

impl Row {
    pub(crate) fn new(activity: &Activity, number: Number) -> Self {
        let mut facts = Vec::new();
        let mut text = |text: &str| {
            facts.push(text.len() as u8);
            facts.extend_from_slice(text.as_bytes());
        };
        text(activity.app().name().as_str());
        activity.app().suite().into_iter().for_each(|suite| text(suite.as_str()));
        text(activity.action().as_str());
        for identity in activity.actor().identities() {
            match identity {
                activity_privacy::Identity::Id(id) => text(id.as_str()),
                activity_privacy::Identity::Alias(alias) => text(alias.as_str()),
            }
        }
        activity.objects().for_each(text);
        Self {
            id: activity.id().as_str().to_owned(),
            random_id: random_id(number).to_string(),
            occurred_at: activity.occurred_at().timestamp_micros(),
            private: number.hidden,
            facts,
            details: activity.details().unwrap_or_default().to_owned(),
        }
    }
}

/// Opens a file as the store does: whatever it sets for speed or durability is to be set here too.
pub(crate) fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection
}

pub(crate) fn run(connection: &Connection, sql: &str) {
    connection.prepare_cached(sql).unwrap().execute([]).unwrap();
}

pub(crate) fn count(connection: &Connection, table: &str) -> u64 {
    let count = format!("SELECT count(*) FROM \"{table}\"");
    connection.query_row(&count, [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
}
