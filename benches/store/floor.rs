//! The floors: bare SQLite with the same columns, one thread, and the durability of the store.

use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::activity::{Activity, ActorKind};
use activity_privacy::identity::Identity;
use rusqlite::{Connection, params};

use super::activities::Number;
use super::chance::mix;

/// One table with plain inserts.
pub(crate) struct Floor(Connection);

/// The content of an activity as columns.
pub(crate) struct Row {
    id: String,
    occurred_at: i64,
    decision: i64,
    actor: String,
    actor_kind: &'static str,
    app: String,
    suite: Option<String>,
    action: String,
    identities: String,
    objects: String,
    details: Option<String>,
    checksum: [u8; 16],
}

const TABLE: &str = "CREATE TABLE activity (
    sequence INTEGER PRIMARY KEY, id TEXT NOT NULL, occurred_at INTEGER NOT NULL, decided_at INTEGER NOT NULL,
    decision INTEGER NOT NULL, actor TEXT NOT NULL, actor_kind TEXT NOT NULL, app TEXT NOT NULL, suite TEXT,
    action TEXT NOT NULL, identities TEXT NOT NULL, objects TEXT NOT NULL, details TEXT, checksum BLOB NOT NULL
) STRICT";
const INSERT: &str =
    "INSERT INTO activity (id, occurred_at, decided_at, decision, actor, actor_kind, app, suite, action,
    identities, objects, details, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
const BY_TIME: &str = "CREATE INDEX by_time ON activity (occurred_at, id)";
const BY_ID: &str = "CREATE UNIQUE INDEX by_id ON activity (id)";
const BY_KEY: &str = "CREATE INDEX by_actor ON activity (actor, occurred_at, id);
    CREATE INDEX by_app ON activity (app, occurred_at, id);
    CREATE INDEX by_suite ON activity (suite, occurred_at, id);
    CREATE INDEX by_action ON activity (action, occurred_at, id)";

impl Floor {
    /// Creates a table with an index by time. It detects no duplicate id, and only pages by time are fast.
    pub(crate) fn bare(path: &Path) -> Self {
        Self::new(path, &[BY_TIME])
    }

    /// Creates a table with an ordinary index for each question, updated at each insert.
    pub(crate) fn indexed(path: &Path) -> Self {
        Self::new(path, &[BY_TIME, BY_ID, BY_KEY])
    }

    /// Creates a table whose indexes are [built](Self::build_indexes) once it is full. Its indexes are packed, so a
    /// reader is at least as fast as with the indexed table.
    pub(crate) fn to_be_indexed(path: &Path) -> Self {
        Self::new(path, &[])
    }

    pub(crate) fn build_indexes(&self) {
        self.0.execute_batch(BY_TIME).unwrap();
        self.0.execute_batch(BY_KEY).unwrap();
    }

    fn new(path: &Path, indexes: &[&str]) -> Self {
        let connection = connect(path);
        connection.execute_batch(TABLE).unwrap();
        indexes.iter().for_each(|index| connection.execute_batch(index).unwrap());
        Self(connection)
    }

    /// Inserts the rows in one transaction.
    pub(crate) fn insert(&self, rows: &[Row]) -> Duration {
        let begun = Instant::now();
        let mut insert = self.0.prepare_cached(INSERT).unwrap();
        run(&self.0, "BEGIN IMMEDIATE");
        for row in rows {
            let Row { id, occurred_at, decision, actor, actor_kind, app, suite, action, .. } = row;
            let Row { identities, objects, details, checksum, .. } = row;
            insert
                .execute(params![
                    id,
                    occurred_at,
                    occurred_at,
                    decision,
                    actor,
                    actor_kind,
                    app,
                    suite,
                    action,
                    identities,
                    objects,
                    details,
                    checksum
                ])
                .unwrap();
        }
        run(&self.0, "COMMIT");
        begun.elapsed()
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.query_row("SELECT count(*) FROM activity", [], |row| row.get::<_, i64>(0)).unwrap().unsigned_abs()
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }
}

impl Row {
    pub(crate) fn new(activity: &Activity, number: Number) -> Self {
        let identity = |identity: &Identity| match identity {
            Identity::Id(id) => id.as_str().to_owned(),
            Identity::Alias(alias) => alias.as_str().to_owned(),
        };
        let identities: Vec<String> = activity.actor().identities().iter().map(identity).collect();
        let objects: Vec<&str> = activity.objects().collect();
        Self {
            id: activity.id().as_str().to_owned(),
            occurred_at: activity.occurred_at().timestamp_micros(),
            decision: 1 + i64::from(number.hidden),
            actor: activity.actor().label().to_owned(),
            actor_kind: match activity.actor().kind() {
                ActorKind::User => "user",
                _ => "other",
            },
            app: activity.app().name().as_str().to_owned(),
            suite: activity.app().suite().map(|suite| suite.as_str().to_owned()),
            action: activity.action().as_str().to_owned(),
            identities: serde_json::to_string(&identities).unwrap(),
            objects: serde_json::to_string(&objects).unwrap(),
            details: activity.details().map(str::to_owned),
            checksum: (u128::from(mix(number.number)) << 64 | u128::from(mix(!number.number))).to_be_bytes(),
        }
    }

    pub(crate) fn all(activities: &[Activity], numbers: &[Number]) -> Vec<Self> {
        activities.iter().zip(numbers).map(|(activity, number)| Self::new(activity, *number)).collect()
    }
}

/// Opens a file with the durability of the store and a cache of 64 MB.
pub(crate) fn connect(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "cache_size", -65_536).unwrap();
    connection.set_prepared_statement_cache_capacity(64);
    connection
}

fn run(connection: &Connection, sql: &str) {
    connection.prepare_cached(sql).unwrap().execute([]).unwrap();
}
