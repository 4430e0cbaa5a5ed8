//! Bare SQLite: a table with the same values.

use std::path::Path;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Decision;
use activity_privacy::export::ActivityFormat;
use activity_privacy::store::StoredActivity;
use chrono::DateTime;
use rusqlite::{Connection, Row, params};

use crate::{Count, Written, log};

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE activity (
        id TEXT NOT NULL, occurred_at INTEGER NOT NULL, actor TEXT NOT NULL, app TEXT NOT NULL, suite TEXT,
        action TEXT NOT NULL, objects TEXT NOT NULL, details TEXT, decided_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX by_time ON activity (occurred_at, id);
    CREATE TABLE saved (offset INTEGER NOT NULL) STRICT;
    INSERT INTO saved VALUES (0);";

/// One decision for all rows, as the store keeps it.
const DECISION: &str =
    r#"{"visibility":"public","policy":1,"directory":1,"decided_at":"2026-02-25T06:13:20.250Z","reasons":[]}"#;

pub(crate) fn fill(folder: &Path, rows: u64) -> Connection {
    let mut connection = Connection::open(folder.join("bare.db")).unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let transaction = connection.transaction().unwrap();
    {
        let mut insert = transaction.prepare("INSERT INTO activity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)").unwrap();
        for number in 0..rows {
            let activity = log::activity(number);
            let values = params![
                activity.id().as_str(),
                activity.occurred_at().timestamp_micros(),
                serde_json::to_string(activity.actor()).unwrap(),
                activity.app().name().as_str(),
                activity.app().suite().map(|suite| suite.as_str()),
                activity.action().as_str(),
                serde_json::to_string(&activity.objects().collect::<Vec<_>>()).unwrap(),
                activity.details(),
                log::at(0).timestamp_micros(),
            ];
            insert.execute(values).unwrap();
        }
    }
    transaction.commit().unwrap();
    connection
}

/// Reads all rows by one `SELECT`, newest first.
pub(crate) fn select(connection: &Connection) -> Written {
    let mut statement = connection.prepare("SELECT * FROM activity ORDER BY occurred_at DESC, id DESC").unwrap();
    let (mut found, mut out, mut rows) = (statement.query([]).unwrap(), Count(0), 0);
    let decision = decision();
    while let Some(row) = found.next().unwrap() {
        write(row, &decision, &mut out);
        rows += 1;
    }
    (rows, out.0)
}

/// Reads all rows by 1,000 in the order of storing, with a durable offset after each thousand.
pub(crate) fn forward(connection: &Connection) -> Written {
    connection.execute("UPDATE saved SET offset = 0", []).unwrap();
    let select = "SELECT *, rowid FROM activity WHERE rowid > ?1 ORDER BY rowid LIMIT 1000";
    let mut statement = connection.prepare(select).unwrap();
    let (mut after, mut out, mut rows, decision) = (0_i64, Count(0), 0, decision());
    loop {
        let (mut found, before) = (statement.query([after]).unwrap(), rows);
        while let Some(row) = found.next().unwrap() {
            write(row, &decision, &mut out);
            after = row.get(9).unwrap();
            rows += 1;
        }
        drop(found);
        if rows == before {
            return (rows, out.0);
        }
        connection.prepare_cached("UPDATE saved SET offset = ?1").unwrap().execute([after]).unwrap();
    }
}

fn decision() -> Decision {
    serde_json::from_str(DECISION).unwrap()
}

fn write(row: &Row<'_>, decision: &Decision, out: &mut Count) {
    let text = |column| row.get_ref(column).unwrap().as_str().unwrap();
    let time = |column| DateTime::from_timestamp_micros(row.get(column).unwrap()).unwrap();
    let actor: Actor = serde_json::from_str(text(2)).unwrap();
    let mut app = App::new(text(3).parse().unwrap());
    if let Some(suite) = row.get_ref(4).unwrap().as_str_or_null().unwrap() {
        app = app.in_suite(suite.parse().unwrap());
    }
    let mut begun = Activity::builder(text(0).parse().unwrap(), actor, app, text(5).parse().unwrap(), time(1));
    for object in serde_json::from_str::<Vec<String>>(text(6)).unwrap() {
        begun = begun.object(object);
    }
    if let Some(details) = row.get_ref(7).unwrap().as_str_or_null().unwrap() {
        begun = begun.details(details);
    }
    let decision = decision.clone().with_decided_at(time(8));
    let public = StoredActivity::assertion(begun.build().unwrap(), decision).into_public().unwrap();
    ActivityFormat::JsonLines.write(&public, out).unwrap();
}
