//! Partitions of the SQLite store: when they are closed, and that searches return the same from each.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Subject;
use activity_privacy::memory::MemorySink;
use activity_privacy::query::{CountBy, Position, Query};
use activity_privacy::sqlite::{SqliteOptions, SqliteStore};
use fixture::*;
use place::*;
use rusqlite::Connection;

fn open(path: &Path, rows: u32) -> SqliteStore {
    SqliteOptions::default().with_partition_rows(rows).open(path).unwrap()
}

/// Returns a fixture in which Adele is private.
fn set_up(store: SqliteStore) -> Fixture {
    let fixture = Fixture::over(Arc::new(store), Arc::new(MemorySink::new()));
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])).make_private("council");
    fixture
}

fn activity(id: &str, name: &str, app: &str, time: i64) -> Activity {
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    let app = App::new(app.parse().unwrap());
    Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(time)).build().unwrap()
}

/// Returns rows of a table as SQLite stores them.
fn rows(path: &Path, select: &str) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(select).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let row: Vec<_> = (0..columns).map(|column| format!("{:?}", row.get_ref(column).unwrap())).collect();
        all.push(row.join(" "));
    }
    all
}

#[test]
fn v2_hidden_batches_do_not_move_public_partitions() {
    let folder = folder();
    let paths = ["with.db", "without.db"].map(|name| folder.path().join(name));
    let [with, without] = paths.each_ref().map(|path| set_up(open(path, 128)));
    let hidden = |batch: usize, part: usize, many: usize| -> Vec<Activity> {
        (0..many)
            .map(|n| activity(&format!("hidden-{batch}-{part}-{n}"), "adele", "Box", (batch * 40) as i64))
            .collect()
    };
    // Most are by one actor and in one app; few are by another actor in another app.
    let name = |n: usize| if n.is_multiple_of(7) { "carl" } else { "bob" };
    let app = |n: usize| if n.is_multiple_of(5) { "Box" } else { "SharePoint" };
    let query = Query::all().by_actor("bob@contoso.com").unwrap().in_app("Box".parse().unwrap());
    let mut stored = 0;
    for batch in 0..90 {
        let many = [1, 3, 40, 7, 16][batch % 5];
        let public: Vec<Activity> = (stored..stored + many)
            .map(|n| activity(&format!("public-{n}"), name(n), app(n), (n / 3) as i64))
            .collect();
        stored += many;
        for part in 0..batch % 4 {
            with.ingest(&hidden(batch, part, 1 + part * 20));
        }
        let mut mixed = public.clone();
        mixed.splice(many / 2..many / 2, hidden(batch, 9, batch % 30));
        with.ingest(&mixed);
        without.ingest(&public);
        // Redelivery of private and public activities.
        if batch % 3 == 0 {
            with.ingest(&[&hidden(batch, 9, 8)[..], &public].concat());
            without.ingest(&public);
        }

        let [one, other] = paths.each_ref().map(|path| rows(path, "SELECT * FROM public_partition"));
        assert_eq!(one, other, "after batch {batch}");
        let [one, other] = paths
            .each_ref()
            .map(|path| rows(path, "SELECT ids_indexed_up_to, (SELECT count(*) FROM public_id) FROM public_state"));
        assert_eq!(one, other, "ids after batch {batch}");
        let [one, other] = [&with, &without].map(|fixture| {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let page = fixture.store.public_page(&query, after.as_ref(), 5).unwrap();
                after = page
                    .stopped_at
                    .clone()
                    .or_else(|| page.activities.last().map(|last| Position::of(last.activity())));
                let is_last = page.activities.is_empty() && page.stopped_at.is_none();
                pages.push(page);
                if is_last {
                    return format!("{pages:?}");
                }
            }
        });
        assert_eq!(one, other, "pages after batch {batch}");
    }
    let closed = rows(&paths[0], "SELECT count(*) FROM public_partition WHERE state = 'closed'");
    assert_eq!(closed, ["Integer(9)"], "of {stored} rows");
    let hidden = rows(&paths[0], "SELECT count(*) > 1000 FROM private_activity");
    assert_eq!(hidden, ["Integer(1)"]);
}

/// Steps that one caller skips because another one is running them are done later.
#[test]
fn v3_number_of_unindexed_partitions_is_bounded() {
    /// Equals `MAX_FULL`.
    const MAX_FULL: i64 = 4;
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, 8));
    let done = AtomicBool::new(false);
    let (most, checks) = thread::scope(|scope| {
        let observer = scope.spawn(|| {
            let connection = Connection::open(&path).unwrap();
            let full = "SELECT count(*) FROM public_partition WHERE state = 'full'";
            let mut full = connection.prepare(full).unwrap();
            let (mut most, mut checks) = (0_i64, 0);
            while !done.load(Ordering::SeqCst) {
                most = most.max(full.query_row([], |row| row.get(0)).unwrap());
                checks += 1;
            }
            (most, checks)
        });
        let callers: Vec<_> = (0..8)
            .map(|caller| {
                let fixture = &fixture;
                scope.spawn(move || {
                    for batch in 0..12 {
                        // Up to 12 partitions per batch.
                        let batch: Vec<Activity> = (0..1 + batch * 37 % 100)
                            .map(|n| activity(&format!("{caller}-{batch}-{n}"), "bob", "Box", batch))
                            .collect();
                        fixture.ingest(&batch);
                    }
                })
            })
            .collect();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        done.store(true, Ordering::SeqCst);
        observer.join().unwrap()
    });
    assert!(checks > 5, "{checks}");
    assert!(most <= MAX_FULL, "{most} partitions were full");
    fixture.ingest(&(0..40).map(|n| activity(&format!("last-{n}"), "bob", "Box", 0)).collect::<Vec<_>>());
    let left = rows(&path, "SELECT count(*) FROM public_partition WHERE state = 'full'");
    assert_eq!(left, ["Integer(0)"], "these rows cause enough steps for all of them");
    drop(fixture);
    open(&path, 8).integrity_check().unwrap();
}

/// Pages and counts equal those of the store in memory, from cached rows, indexes and rollups.
#[test]
fn v3_results_equal_the_store_in_memory() {
    let folder = folder();
    let fixtures = [
        set_up(open(&activities(folder.path()), 8)),
        Fixture::over(Arc::new(activity_privacy::memory::MemoryStore::new()), Arc::new(MemorySink::new())),
    ];
    fixtures[1].install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])).make_private("council");
    let mut state = 7_u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut activity = |n: u64| {
        let name = match random(40) {
            0 => "carl".to_owned(),
            1..5 => "adele".to_owned(),
            5..20 => "bob".to_owned(),
            other => format!("worker-{other}"),
        };
        let app = App::new(format!("App {}", random(5)).parse().unwrap());
        let app = if random(2) == 0 { app.in_suite(format!("Suite {}", random(2)).parse().unwrap()) } else { app };
        let action = format!("Action {}", random(9) * random(2)).parse().unwrap();
        // Mostly ascending, over days before and after 1970; some times are equal.
        let time = (n / 2) as i64 * 12_000 - 1_772_000_000 - 20 * 86_400 + random(2) as i64 * random(20_000) as i64;
        let actor = Actor::user(alias(&format!("{name}@contoso.com")));
        Activity::builder(format!("{}-{n}", random(9)).parse().unwrap(), actor, app, action, at(time)).build().unwrap()
    };
    let by = |name: &str| Query::all().by_actor(format!("{name}@contoso.com")).unwrap();
    let of = |n: u64| move |query: Query| query.in_app(format!("App {n}").parse().unwrap());
    let cut = at(-1_772_000_000 + 3_600);
    let queries = [
        Query::all(),
        Query::all().since(cut),
        Query::all().until(cut),
        by("carl"),
        by("carl").until(cut),
        by("bob"),
        by("worker-20"),
        by("worker-30").by_actor("worker-31@contoso.com").unwrap().by_actor("carl@contoso.com").unwrap(),
        of(3)(by("bob")),
        of(1)(Query::all()),
        Query::all().in_suite("Suite 1".parse().unwrap()),
        Query::all().with_action("Action 7".parse().unwrap()).since(cut),
        of(2)(Query::all().with_action("Action 0".parse().unwrap())),
    ];
    let (mut next, mut compared) = (0, 0);
    for round in 0..24 {
        let batch: Vec<Activity> = (next..next + 1 + 9 * round % 50).map(&mut activity).collect();
        next += batch.len() as u64;
        fixtures.iter().for_each(|fixture| drop(fixture.ingest(&batch)));
        if round % 9 == 8 {
            let erased = ["worker-20", "carl"][usize::from(round > 10)];
            let subject = || Subject::of(user(erased)).with_identity(alias(&format!("{erased}@contoso.com")));
            fixtures.iter().for_each(|fixture| assert!(!fixture.erase(subject()).records().is_empty()));
        }
        for (number, query) in queries.iter().enumerate() {
            let [one, other] = fixtures.each_ref().map(|fixture| {
                let (mut found, mut after, limit) = (Vec::new(), None, [7, 500][round as usize % 2]);
                loop {
                    let page = fixture.store.public_page(query, after.as_ref(), limit).unwrap();
                    after = page.activities.last().map(|last| Position::of(last.activity()));
                    let is_last = page.activities.len() < limit;
                    found.extend(page.activities);
                    if is_last {
                        break;
                    }
                }
                let counts = [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)]
                    .map(|by| fixture.store.public_counts(query, by).unwrap());
                compared += found.len();
                format!("{found:?} {counts:?}")
            });
            assert_eq!(one, other, "round {round}, query {number}");
        }
    }
    assert!(compared > 5_000, "{compared}");
    let closed = rows(&activities(folder.path()), "SELECT count(*) > 50 FROM public_partition WHERE state = 'closed'");
    assert_eq!(closed, ["Integer(1)"]);
}

/// A step per batch would leave most of these partitions to later batches.
#[test]
fn v3_batch_closes_every_partition_that_it_fills() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, 4_096));
    fixture.ingest(&(0..4_096 * 3 + 1).map(|n| activity(&format!("a-{n}"), "bob", "Box", n)).collect::<Vec<_>>());
    assert_eq!(
        rows(&path, "SELECT sum(state = 'closed'), sum(state = 'open'), count(*) FROM public_partition"),
        ["Integer(3) Integer(1) Integer(4)"]
    );
}

/// A rare actor, app or action is older than more rows than one page reads.
#[test]
fn v3_rare_value_is_found_beyond_the_row_limit() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, 8_192));
    // As many actors as a search looks up one by one.
    let rare = (0..16).map(|n| activity(&format!("rare-{n}"), &format!("rare-{n}"), "Rare", n));
    let carl = Actor::user(alias("carl@contoso.com"));
    let action = Activity::builder(
        "action".parse().unwrap(),
        carl,
        App::new("Box".parse().unwrap()),
        "Rare".parse().unwrap(),
        at(0),
    );
    let rare = rare.chain([action.build().unwrap()]);
    fixture.ingest(&rare.collect::<Vec<_>>());
    let frequent = SqliteStore::ROWS_PER_PAGE as i64 + 8_192;
    let all: Vec<Activity> = (0..frequent).map(|n| activity(&format!("a-{n}"), "bob", "Box", 20 + n)).collect();
    all.chunks(8_192).for_each(|batch| drop(fixture.ingest(batch)));
    let by_any = (0..16).try_fold(Query::all(), |query, n| query.by_actor(format!("rare-{n}@contoso.com")));
    for (query, many) in [
        (by_any.unwrap(), 16),
        (Query::all().by_actor("rare-7@contoso.com").unwrap(), 1),
        (Query::all().in_app("Rare".parse().unwrap()), 16),
        (Query::all().with_action("Rare".parse().unwrap()), 1),
    ] {
        let page = fixture.store.public_page(&query, None, 20).unwrap();
        assert_eq!((page.activities.len(), page.stopped_at), (many, None), "{query:?}");
    }
}

/// Returns fixtures over two handles of one file, each with its own caches.
fn two_handles(path: &Path, rows: u32) -> [Fixture; 2] {
    let sink = Arc::new(MemorySink::new());
    [(); 2].map(|()| {
        let fixture = Fixture::over(Arc::new(open(path, rows)), Arc::<MemorySink>::clone(&sink));
        fixture.install(people(&[("bob", &[]), ("carl", &[])]));
        fixture
    })
}

/// The other handle indexes the ids before this one reads their rows.
#[test]
fn d4_id_indexed_by_another_handle_is_duplicate() {
    let folder = folder();
    let path = activities(folder.path());
    let [here, there] = two_handles(&path, 8);
    here.ingest(&[activity("first", "bob", "Box", 0)]);
    let all: Vec<Activity> = (0..40).map(|n| activity(&format!("a-{n}"), "bob", "Box", n)).collect();
    there.ingest(&all);
    assert_eq!(rows(&path, "SELECT ids_indexed_up_to > 30 FROM public_state"), ["Integer(1)"]);
    assert_eq!(here.ingest(&all), [IngestOutcome::Duplicate; 40]);
}

/// The other handle stores and erases the activities before this one reads their rows.
#[test]
fn d4_id_erased_by_another_handle_is_duplicate() {
    let folder = folder();
    let path = activities(folder.path());
    let [here, there] = two_handles(&path, 8);
    here.ingest(&[activity("first", "bob", "Box", 0)]);
    let all: Vec<Activity> = (0..3).map(|n| activity(&format!("a-{n}"), "carl", "Box", n)).collect();
    there.ingest(&all);
    there.erase(Subject::of(user("carl")).with_identity(alias("carl@contoso.com")));
    assert_eq!(rows(&path, "SELECT count(*) FROM public_activity_1"), ["Integer(1)"]);
    assert_eq!(here.ingest(&all), [IngestOutcome::Duplicate; 3]);
}

/// The ids of a partition are written to the index in two steps, and one more activity is stored in between.
#[test]
fn d4_id_stored_between_index_steps_is_duplicate() {
    const ROWS: i64 = 16_384;
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, ROWS as u32));
    let indexed = || rows(&path, "SELECT ids_indexed_up_to, (SELECT count(*) FROM public_id) FROM public_state");
    let all: Vec<Activity> = (0..ROWS + 2).map(|n| activity(&format!("a-{n}"), "bob", "Box", n)).collect();
    let (first, rest) = all.split_at(ROWS as usize - 1);
    fixture.ingest(first);
    assert_eq!(indexed(), ["Integer(0) Integer(0)"]);
    fixture.ingest(&rest[..1]);
    assert_eq!(indexed(), ["Integer(0) Integer(8192)"]);
    fixture.ingest(&rest[1..]);
    assert_eq!(indexed(), ["Integer(16384) Integer(16384)"]);
    for batch in [rest, &first[..1_000], rest] {
        assert!(fixture.ingest(batch).iter().all(|outcome| *outcome == IngestOutcome::Duplicate));
    }
}

/// The range of a count begins and ends at the first, the last and other activities of closed partitions.
#[test]
fn v3_counts_are_exact_at_partition_bounds() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, 8));
    for n in 0..20 {
        fixture.ingest(&[activity(&format!("a-{n}"), "bob", "Box", n * 1_800)]);
    }
    assert_eq!(rows(&path, "SELECT count(*) FROM public_partition WHERE state = 'closed'"), ["Integer(2)"]);
    let of_action = Query::all().with_action("FileAccessed".parse().unwrap());
    for (from, until) in (0..20).flat_map(|from| (from..=20).map(move |until| (from, until))) {
        for query in [Query::all(), of_action.clone()] {
            let query = query.since(at(from * 1_800)).until(at(until * 1_800));
            let counts = fixture.store.public_counts(&query, None).unwrap();
            assert_eq!((counts.total, counts.is_complete), ((until - from) as u64, true), "{query:?}");
        }
    }
}

#[test]
fn b3_ids_leave_memory_as_they_are_stored() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = set_up(open(&path, 8));
    for batch in 0..20 {
        let of = |name: &str| -> Vec<Activity> {
            (0..10).map(|n| activity(&format!("{name}-{batch}-{n}"), name, "Box", n)).collect()
        };
        fixture.ingest(&[of("bob"), of("adele")].concat());
        for family in ["public", "private"] {
            let state = format!("SELECT last_sequence - ids_indexed_up_to < 24 FROM {family}_state");
            assert_eq!(rows(&path, &state), ["Integer(1)"], "{family}, batch {batch}");
        }
    }
}
