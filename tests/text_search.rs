//! Text search with and without a text index.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod fixture;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Subject;
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::{OptionsPatch, PolicyChange, Retention};
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::sqlite::{SqliteOptions, SqliteStore};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::fixture::*;

fn open(path: &Path, rows: u32, with_index: bool) -> SqliteStore {
    let options = SqliteOptions::default().with_partition_rows(rows);
    if with_index { options.with_text_index() } else { options }.open(path).unwrap()
}

/// Returns a fixture in which Adele is private.
fn set_up(store: SqliteStore) -> Fixture {
    let fixture = Fixture::over(Arc::new(store), Arc::new(MemorySink::new()));
    fixture
        .install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[]), ("dora", &[])]))
        .make_private("council");
    fixture
}

fn with_objects(id: &str, name: &str, objects: &[String], time: i64) -> Activity {
    let app = App::new("SharePoint".parse().unwrap());
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    let builder = Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(time));
    objects.iter().fold(builder, |builder, object| builder.object(object.as_str())).build().unwrap()
}

/// Stores the 8 activities of one more partition one by one, so that deferred work is done.
fn finish_deferred_work(fixture: &Fixture, round: usize) {
    for n in 0..8 {
        let stored = fixture.ingest(&[with_objects(&format!("settle-{round}-{n}"), "bob", &[], 0)]);
        assert_eq!(stored, [IngestOutcome::Stored]);
    }
}

fn ids(fixture: &Fixture, query: &Query) -> Vec<String> {
    let view = fixture.filter.view(&user("viewer"));
    let (mut ids, mut cursor) = (Vec::new(), None);
    loop {
        let page = view.page(query, PageSize::at_most(3), cursor.as_ref()).unwrap();
        ids.extend(page.activities().iter().map(|stored| stored.activity().id().as_str().to_owned()));
        cursor = page.next().cloned();
        if cursor.is_none() {
            return ids;
        }
    }
}

/// Returns the number of rows in each complete text index.
fn indexed(path: &Path) -> Vec<i64> {
    let connection = Connection::open(path).unwrap();
    let complete = "SELECT number FROM public_partition WHERE state = 'closed' AND text_indexed_up_to = last_sequence";
    let mut complete = connection.prepare(complete).unwrap();
    let numbers: Vec<i64> = complete.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let count = |number| {
        let count = format!("SELECT count(*) FROM public_activity_{number}_text");
        connection.query_row(&count, [], |row| row.get(0)).unwrap()
    };
    numbers.into_iter().map(count).collect()
}

fn everything_in(path: &Path) -> Vec<u8> {
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::read(path).unwrap()
}

#[derive(Debug, Clone)]
enum Step {
    Ingest(Vec<(usize, i64, Vec<String>)>),
    Settle,
    Erase(usize),
    Retain(u64),
}

const NAMES: [&str; 4] = ["adele", "bob", "carl", "dora"];

fn texts(pieces: usize) -> impl Strategy<Value = String> {
    const PIECES: [&str; 19] = [
        "plan", "pl", "a", "ß", "SS", "s", "İ", "i\u{307}", "ı", "🜁", "🜂", "\"", "'", " AND ", "*", "e\u{301}", "É",
        "\u{ffff}", "-",
    ];
    proptest::collection::vec(proptest::sample::select(&PIECES[..]), 1..=pieces).prop_map(|pieces| pieces.concat())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // An object may contain characters that no searched text contains.
    let object = prop_oneof![9 => texts(6), 1 => (texts(3), texts(3)).prop_map(|(a, b)| format!("{a}\0{b}\n{a}"))];
    let activity = (0..NAMES.len(), 0..40_i64, proptest::collection::vec(object, 0..3));
    let step = prop_oneof![
        6 => proptest::collection::vec(activity, 1..24).prop_map(Step::Ingest),
        6 => Just(Step::Settle),
        2 => (1..NAMES.len()).prop_map(Step::Erase),
        1 => (1..6_u64).prop_map(Step::Retain),
    ];
    proptest::collection::vec(step, 1..16)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn v3_text_index_and_scan_return_the_same(
        steps in steps(),
        searched in proptest::collection::vec((texts(5), 0..6_usize), 1..12),
    ) {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("with.db");
        let fixtures = [(path, true), (folder.path().join("without.db"), false)]
            .map(|(path, with_index)| set_up(open(&path, 8, with_index)));
        for (number, step) in steps.into_iter().enumerate() {
            for fixture in &fixtures {
                match &step {
                    Step::Ingest(activities) => {
                        let batch: Vec<Activity> = activities
                            .iter()
                            .enumerate()
                            .map(|(n, (name, time, objects))| {
                                with_objects(&format!("a-{number}-{n}"), NAMES[*name], objects, *time)
                            })
                            .collect();
                        fixture.ingest(&batch);
                    }
                    Step::Settle => finish_deferred_work(fixture, number),
                    Step::Erase(name) => drop(fixture.erase(Subject::of(user(NAMES[*name])))),
                    Step::Retain(seconds) => {
                        let retention = Retention::of_activities(Duration::from_secs(*seconds));
                        let patch = OptionsPatch::new().retention(Some(retention));
                        // Fails if the option has this value already.
                        drop(fixture.filter.update_policy(&user("root"), PolicyChange::SetOptions(patch)));
                        fixture.filter.apply_retention().unwrap();
                    }
                }
                fixture.advance(1);
            }
            for (text, kind) in &searched {
                let query = Query::all().containing(text).unwrap();
                let query = match kind {
                    0 => query.by_actor("bob@contoso.com").unwrap(),
                    1 => query.since(at(10)).until(at(30)),
                    _ => query,
                };
                let [with, without] = [&fixtures[0], &fixtures[1]];
                prop_assert_eq!(ids(with, &query), ids(without, &query));
                let [with, without] = [with, without].map(|fixture| fixture.filter.view(&user("viewer")));
                let (one, other) =
                    (with.counts(&query, CountBy::Actor).unwrap(), without.counts(&query, CountBy::Actor).unwrap());
                prop_assert_eq!(one, other);
                let hidden = Query::all().containing(text).unwrap().by_actor("adele@contoso.com").unwrap();
                prop_assert_eq!(with.count(&hidden).unwrap().total, 0);
            }
        }
    }
}

#[test]
fn g5_erased_trigrams_are_overwritten_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let fixture = set_up(open(&path, 8, true));
    let object = |n: usize| if n % 4 == 3 { "🜁🜂🜃".to_owned() } else { format!("plan-{n}") };
    let name = |n: usize| if n % 4 == 3 { "carl" } else { "bob" };
    let all: Vec<Activity> =
        (0..40).map(|n| with_objects(&format!("a-{n}"), name(n), &[object(n)], n as i64)).collect();
    fixture.ingest(&all);
    finish_deferred_work(&fixture, 0);
    assert_eq!(indexed(&path), [8, 8, 8, 8, 8]);
    // In the rows and in the text index, whose entries omit the prefix that they share with the previous entry.
    let traces = |path: &Path| everything_in(path).windows(8).filter(|part| *part == "🜂🜃".as_bytes()).count();
    assert!(traces(&path) > 10, "{}", traces(&path));
    let query = Query::all().containing("🜁🜂🜃").unwrap();
    assert_eq!(ids(&fixture, &query).len(), 10);

    fixture.erase(Subject::of(user("carl")));
    assert_eq!(traces(&path), 0);
    assert_eq!(indexed(&path), [6, 6, 6, 6, 6]);
    assert_eq!(ids(&fixture, &query), [""; 0]);
    assert_eq!(ids(&fixture, &Query::all().containing("plan-").unwrap()).len(), 30);
    fixture.erase(Subject::of(user("bob")));
    let tables: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%_text%'", [], |row| row.get(0))
        .unwrap();
    assert_eq!(tables, 0, "the text index of a dropped partition is dropped too");
}

#[test]
fn v3_text_index_finds_beyond_the_row_limit() {
    let folder = tempfile::tempdir().unwrap();
    let rows = SqliteStore::ROWS_PER_PAGE + 5_000;
    let object = |n: usize| if n == 0 { "The Needle".to_owned() } else { "hay".to_owned() };
    let all: Vec<Activity> =
        (0..rows).map(|n| with_objects(&format!("a-{n}"), "bob", &[object(n)], n as i64)).collect();
    let query = Query::all().containing("NEEDLE").unwrap();
    for with_index in [false, true] {
        let path = folder.path().join(format!("{with_index}.db"));
        let fixture = set_up(open(&path, 8_192, with_index));
        all.chunks(5_000).for_each(|batch| drop(fixture.ingest(batch)));
        let view = fixture.filter.view(&user("viewer"));
        let page = view.page(&query, PageSize::at_most(5), None).unwrap();
        assert_eq!((page.activities().len(), page.next().is_some()), (usize::from(with_index), !with_index));
        let frequent = view.count(&Query::all().containing("hay").unwrap()).unwrap();
        assert_eq!((frequent.total, frequent.is_complete), (rows as u64 - 1, true));
    }
}

/// Most activities with the text are by another actor, so most rows that the text index returns do not match.
#[test]
fn v3_candidates_of_text_index_count_as_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let fixture = set_up(open(&path, 4_096, true));
    for part in 0..10 {
        let made = |n: usize| {
            let (name, object) = if n % 3 == 2 { ("carl", "hay") } else { ("bob", "plan") };
            let name = if n == 0 { "carl" } else { name };
            with_objects(&format!("a-{n}"), name, &[object.to_owned()], n as i64)
        };
        fixture.ingest(&(part * 4_096..(part + 1) * 4_096).map(made).collect::<Vec<_>>());
    }
    finish_deferred_work(&fixture, 0);
    assert_eq!(indexed(&path).len(), 10);
    let query = Query::all().containing("plan").unwrap().by_actor("carl@contoso.com").unwrap();
    let first = fixture.store.public_page(&query, None, 5).unwrap();
    assert!(first.activities.is_empty());
    let stopped_at = first.stopped_at.expect("it read more than 20,000 rows that do not match");
    let second = fixture.store.public_page(&query, Some(&stopped_at), 5).unwrap();
    assert_eq!((second.activities.len(), second.stopped_at), (1, None));
}

#[test]
fn v3_text_index_stays_when_opened_without_the_option() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let batch = |from: usize| -> Vec<Activity> {
        (from..from + 24).map(|n| with_objects(&format!("a-{n}"), "bob", &["plan".to_owned()], n as i64)).collect()
    };
    let sink = Arc::new(MemorySink::new());
    for (from, with_index) in [(0, false), (24, true), (48, false)] {
        let fixture = Fixture::over(Arc::new(open(&path, 8, with_index)), Arc::<MemorySink>::clone(&sink));
        fixture.install(people(&[("bob", &[])]));
        fixture.ingest(&batch(from));
        finish_deferred_work(&fixture, from);
        assert_eq!(ids(&fixture, &Query::all().containing("plan").unwrap()).len(), from + 24);
        assert_eq!(indexed(&path).len(), if from == 0 { 0 } else { 4 });
    }
    open(&path, 8, false).integrity_check().unwrap();
}
