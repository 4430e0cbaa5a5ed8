//! The schema of a file of activities. `docs/schema.md` documents each table and the supported queries.
//!
//! There are two families of tables, for public and for private activities, so that a public read accesses no private
//! table. Values that many activities share are stored once, in tables of their own: decisions, actors, apps and
//! actions. Their numbers are odd in the public family and even in the private one, and private sequences begin after
//! 2^40. A page that damage moves from one family to the other is therefore detected.

use rusqlite::Connection;

use super::file::Schema;
use crate::store::StoreError;

/// The tables of one family, except partitions.
macro_rules! family {
    ($of:literal, $first:literal, $sequence:literal) => {
        concat!(
            "CREATE TABLE ",
            $of,
            "_decision (
                number INTEGER PRIMARY KEY,
                document TEXT NOT NULL UNIQUE
            ) STRICT;
            CREATE TABLE ",
            $of,
            "_actor (
                number INTEGER PRIMARY KEY,
                label TEXT NOT NULL,
                kind TEXT NOT NULL,
                document TEXT NOT NULL UNIQUE
            ) STRICT;
            CREATE TABLE ",
            $of,
            "_actor_term (
                field TEXT NOT NULL,
                value TEXT NOT NULL,
                actor INTEGER NOT NULL,
                PRIMARY KEY (field, value, actor)
            ) STRICT, WITHOUT ROWID;
            CREATE INDEX ",
            $of,
            "_actor_term_actor ON ",
            $of,
            "_actor_term (actor);
            CREATE TABLE ",
            $of,
            "_app (
                number INTEGER PRIMARY KEY,
                name TEXT NOT NULL,
                suite TEXT,
                document TEXT NOT NULL UNIQUE
            ) STRICT;
            CREATE TABLE ",
            $of,
            "_action (
                number INTEGER PRIMARY KEY,
                name TEXT NOT NULL,
                document TEXT NOT NULL UNIQUE
            ) STRICT;
            CREATE TABLE ",
            $of,
            "_id (
                hash BLOB PRIMARY KEY,
                sequence INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE ",
            $of,
            "_state (
                one INTEGER PRIMARY KEY CHECK (one = 1),
                last_sequence INTEGER NOT NULL,
                ids_indexed_up_to INTEGER NOT NULL,
                next_number INTEGER NOT NULL,
                removals INTEGER NOT NULL
            ) STRICT;
            INSERT INTO ",
            $of,
            "_state VALUES (1, ",
            $sequence,
            ", ",
            $sequence,
            ", ",
            $first,
            ", 0);"
        )
    };
}

/// The columns of an activity.
macro_rules! activity_columns {
    () => {
        "sequence INTEGER PRIMARY KEY,
        id TEXT NOT NULL,
        occurred_at INTEGER NOT NULL,
        decided_at INTEGER NOT NULL,
        decision INTEGER NOT NULL,
        actor INTEGER NOT NULL,
        app INTEGER NOT NULL,
        action INTEGER NOT NULL,
        objects TEXT,
        details TEXT,
        checksum INTEGER NOT NULL"
    };
}

/// The statements that create version 1 of the schema.
const VERSION_1: &str = concat!(
    "CREATE TABLE policy (revision INTEGER PRIMARY KEY, document TEXT NOT NULL) STRICT;
    CREATE TABLE applied_record (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
    CREATE TABLE removed_group (id TEXT PRIMARY KEY, document TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE removed_groups_version (one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL) STRICT;
    INSERT INTO removed_groups_version VALUES (1, 0);
    CREATE TABLE id_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB NOT NULL) STRICT;
    INSERT INTO id_key VALUES (1, randomblob(16));",
    family!("public", "1", "0"),
    family!("private", "2", "1099511627776"),
    "CREATE TABLE public_partition (
        number INTEGER PRIMARY KEY,
        first_sequence INTEGER NOT NULL,
        last_sequence INTEGER NOT NULL,
        activities INTEGER NOT NULL,
        earliest INTEGER NOT NULL,
        latest INTEGER NOT NULL,
        earliest_decision INTEGER NOT NULL,
        latest_decision INTEGER NOT NULL,
        state TEXT NOT NULL,
        text_indexed_up_to INTEGER
    ) STRICT;
    CREATE TABLE public_hour (
        hour INTEGER NOT NULL,
        app INTEGER NOT NULL,
        activities INTEGER NOT NULL,
        PRIMARY KEY (hour, app)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE public_day (
        actor INTEGER NOT NULL,
        day INTEGER NOT NULL,
        activities INTEGER NOT NULL,
        PRIMARY KEY (actor, day)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE private_activity (",
    activity_columns!(),
    ") STRICT;
    CREATE INDEX private_activity_time ON private_activity (occurred_at, id);
    CREATE INDEX private_activity_actor ON private_activity (actor, occurred_at, id);
    CREATE INDEX private_activity_decided ON private_activity (decided_at);"
);

/// The statements that migrate version 1 to version 2.
const VERSION_2: &str = "CREATE TABLE forwarder (
        feed TEXT NOT NULL,
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (feed, name)
    ) STRICT, WITHOUT ROWID;";

pub(super) static SCHEMA: Schema = Schema {
    application_id: 0x4150_5632,
    content: "activities",
    // Twice SQLite's default: rows are written in batches, and larger pages mean fewer page writes.
    page_size: 8_192,
    zeroes_freed_pages: false,
    migrations: &[&[VERSION_1], &[VERSION_2]],
};

/// Creates the table of a partition.
pub(super) fn create_partition(connection: &Connection, number: i64) -> Result<(), StoreError> {
    let columns = activity_columns!();
    Ok(connection.execute_batch(&format!("CREATE TABLE public_activity_{number} ({columns}) STRICT"))?)
}

/// The maximum number of partitions in the view, somewhat below SQLite's limit for a compound `SELECT`.
const MAX_VIEW_PARTITIONS: i64 = 400;

/// Creates the view `activity` again after a partition was added or removed. It shows the newest 400 partitions.
pub(super) fn create_view(connection: &Connection) -> Result<(), StoreError> {
    let mut numbers = connection
        .prepare_cached("SELECT number FROM public_partition WHERE state <> 'dropped' ORDER BY number DESC LIMIT ?1")?;
    let numbers: Vec<i64> = numbers.query_map([MAX_VIEW_PARTITIONS], |row| row.get(0))?.collect::<Result<_, _>>()?;
    connection.execute_batch("DROP VIEW IF EXISTS activity")?;
    if numbers.is_empty() {
        return Ok(());
    }
    let tables: Vec<String> =
        numbers.iter().rev().map(|number| format!("SELECT * FROM public_activity_{number}")).collect();
    Ok(connection.execute_batch(&format!(
        "CREATE VIEW activity AS SELECT
            strftime('%Y-%m-%dT%H:%M:%fZ', a.occurred_at / 1000000.0, 'unixepoch') AS occurred_at,
            actor.label AS actor,
            actor.kind AS actor_kind,
            app.name AS app,
            app.suite AS suite,
            action.name AS action,
            a.objects AS objects,
            a.details AS details,
            a.id AS id,
            strftime('%Y-%m-%dT%H:%M:%fZ', a.decided_at / 1000000.0, 'unixepoch') AS decided_at,
            decision.document AS decision,
            a.sequence AS sequence
        FROM ({}) AS a
        JOIN public_actor AS actor ON actor.number = a.actor
        JOIN public_app AS app ON app.number = a.app
        JOIN public_action AS action ON action.number = a.action
        JOIN public_decision AS decision ON decision.number = a.decision",
        tables.join(" UNION ALL ")
    ))?)
}
