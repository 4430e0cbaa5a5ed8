//! Bare SQLite: a table with the same values, read by one `SELECT`.

use std::path::Path;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Decision;
use activity_privacy::export::ActivityFormat;
use activity_privacy::store::StoredActivity;
use chrono::DateTime;
use rusqlite::{Connection, params};

use crate::{Count, Written, log};

/// The order of the rows.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Newest,
    Stored,
}

const SCHEMA: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE activity (
        id TEXT NOT NULL, occurred_at INTEGER NOT NULL, actor TEXT NOT NULL, app TEXT NOT NULL, suite TEXT,
        action TEXT NOT NULL, objects TEXT NOT NULL, details TEXT, decided_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX by_time ON activity (occurred_at, id);";

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

pub(crate) fn select(connection: &Connection, order: Order) -> Written {
    let order = match order {
        Order::Newest => "occurred_at DESC, id DESC",
        Order::Stored => "rowid",
    };
    let mut statement = connection.prepare(&format!("SELECT * FROM activity ORDER BY {order}")).unwrap();
    let decision: Decision = serde_json::from_str(DECISION).unwrap();
    let (mut found, mut out, mut rows) = (statement.query([]).unwrap(), Count(0), 0);
    while let Some(row) = found.next().unwrap() {
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
        ActivityFormat::JsonLines.write(&public, &mut out).unwrap();
        rows += 1;
    }
    (rows, out.0)
}
