//! Forwarding of every public activity by 1,000 as JSON Lines, compared with a `SELECT` of the same columns and the same
//! serializer, both with a durable offset after each batch.

use std::path::Path;
use std::time::{Duration, Instant};

use activity_privacy::filter::ActivityFeed;
use activity_privacy::forward::{BatchLimit, Start};
use activity_privacy::query::PageSize;
use activity_privacy::sqlite::SqliteStore;
use rusqlite::params;
use serde::Serialize;

use super::activities::{Activities, Ids, Number, stream};
use super::floor::{Floor, Row};
use super::report::Report;
use super::service::Service;
use super::settings::Settings;
use super::times::Times;

const BATCH: usize = 1_000;
const FILL: usize = 10_000;

/// The parts of one batch.
#[derive(Default)]
struct Sides {
    read: Times,
    acknowledged: Times,
}

pub(crate) fn measure(settings: &Settings, folder: &Path, report: &mut Report) {
    let path = folder.join("forwarded.db");
    let (service, floor) = (Service::open(&path), Floor::bare(&folder.join("selected.db")));
    let public = fill(settings.rows, &service, &floor);
    floor.connection().execute_batch("CREATE TABLE saved (offset INTEGER); INSERT INTO saved VALUES (0)").unwrap();
    let offsets = SqliteStore::open(&path).unwrap();
    let feed = service.filter.forwarders(offsets).create(&"bench".parse().unwrap(), Start::Beginning).unwrap();
    let (mut ours, mut theirs) = (Sides::default(), Sides::default());
    let (mut bytes, mut after, mut forwarded, mut slice) = ([0, 0], 0, 0, 0);
    loop {
        // The sides take turns in who is first.
        let counts = if slice % 2 == 0 {
            [forward(&feed, &mut ours, &mut bytes[0]), select(&floor, &mut after, &mut theirs, &mut bytes[1])]
        } else {
            let theirs = select(&floor, &mut after, &mut theirs, &mut bytes[1]);
            [forward(&feed, &mut ours, &mut bytes[0]), theirs]
        };
        assert_eq!(counts[0], counts[1], "both sides read the same activities");
        if counts[0] == 0 {
            break;
        }
        (forwarded, slice) = (forwarded + counts[0] as u64, slice + 1);
    }
    assert_eq!(forwarded, public);
    let rows = super::report::grouped(settings.rows as f64);
    let what = |part: &str| format!("forward by 1,000, {part}, {rows} rows");
    report.rate(&what("read and serialized"), "rows", &ours.read, &[("SELECT", &theirs.read)]);
    report.rate(&what("and acknowledged"), "rows", &ours.acknowledged, &[("SELECT and commit", &theirs.acknowledged)]);
    let [ours, theirs] = bytes.map(|bytes| bytes as f64 / forwarded as f64);
    report.size(&what("bytes per row"), ours, "SELECT", theirs);
}

/// Fills both sides. Returns the number of public activities.
fn fill(rows: u64, service: &Service, floor: &Floor) -> u64 {
    let activities = Activities::new(Ids::Random);
    let (mut numbers, mut public) = (stream(0..rows), 0);
    loop {
        let batch: Vec<Number> = numbers.by_ref().take(FILL).collect();
        if batch.is_empty() {
            return public;
        }
        let delivered = activities.all(batch.iter().copied());
        let shown = delivered.iter().zip(&batch).filter(|(_, number)| !number.hidden);
        let shown: Vec<Row> = shown.map(|(activity, number)| Row::new(activity, *number)).collect();
        public += shown.len() as u64;
        service.ingest(&delivered, FILL);
        floor.insert(&shown);
    }
}

/// Forwards one batch. Returns the number of activities.
fn forward(feed: &ActivityFeed, times: &mut Sides, bytes: &mut usize) -> usize {
    let begun = Instant::now();
    let batch = feed.next_batch(BatchLimit::new(PageSize::MAX, usize::MAX)).unwrap();
    let mut lines = Vec::new();
    for activity in batch.items() {
        serde_json::to_writer(&mut lines, activity).unwrap();
        lines.push(b'\n');
    }
    let read = begun.elapsed();
    feed.acknowledge(&batch).unwrap();
    add(times, batch.items().len(), [read, begun.elapsed()]);
    *bytes += lines.len();
    batch.items().len()
}

/// An activity as one line, from the columns of the table.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    actor: ActorOf<'a>,
    app: AppOf<'a>,
    action: &'a str,
    occurred_at: i64,
    objects: &'a str,
    details: Option<&'a str>,
    decision: DecisionOf,
}

#[derive(Serialize)]
struct ActorOf<'a> {
    kind: &'a str,
    identities: &'a str,
}

#[derive(Serialize)]
struct AppOf<'a> {
    name: &'a str,
    suite: Option<&'a str>,
}

#[derive(Serialize)]
struct DecisionOf {
    visibility: &'static str,
    policy: i64,
    decided_at: i64,
}

/// Reads one batch with SQL. Returns the number of rows.
fn select(floor: &Floor, after: &mut i64, times: &mut Sides, bytes: &mut usize) -> usize {
    let begun = Instant::now();
    let connection = floor.connection();
    let mut select = connection
        .prepare_cached(
            "SELECT sequence, id, occurred_at, decided_at, decision, actor_kind, app, suite, action, identities, objects,
                details FROM activity WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )
        .unwrap();
    let mut rows = select.query(params![*after, BATCH as i64]).unwrap();
    let (mut lines, mut count) = (Vec::new(), 0);
    while let Some(row) = rows.next().unwrap() {
        let text = |column: usize| row.get_ref(column).unwrap().as_str_or_null().unwrap();
        *after = row.get(0).unwrap();
        let line = Line {
            id: text(1).unwrap(),
            actor: ActorOf { kind: text(5).unwrap(), identities: text(9).unwrap() },
            app: AppOf { name: text(6).unwrap(), suite: text(7) },
            action: text(8).unwrap(),
            occurred_at: row.get(2).unwrap(),
            objects: text(10).unwrap(),
            details: text(11),
            decision: DecisionOf { visibility: "public", policy: row.get(4).unwrap(), decided_at: row.get(3).unwrap() },
        };
        serde_json::to_writer(&mut lines, &line).unwrap();
        lines.push(b'\n');
        count += 1;
    }
    let read = begun.elapsed();
    if count > 0 {
        connection.prepare_cached("UPDATE saved SET offset = ?1").unwrap().execute([*after]).unwrap();
    }
    add(times, count, [read, begun.elapsed()]);
    *bytes += lines.len();
    count
}

fn add(times: &mut Sides, count: usize, [read, acknowledged]: [Duration; 2]) {
    if count > 0 {
        times.read.add(count, read);
        times.acknowledged.add(count, acknowledged);
    }
}
