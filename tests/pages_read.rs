//! V2: the reads of a public operation do not depend on the private activities in the file. F2: those of a batch do not
//! depend on the stored activities that it does not contain.
#![cfg(all(feature = "sqlite", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

mod fixture;
mod place;

use std::path::Path;
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::forward::Offset;
use activity_privacy::identity::Subject;
use activity_privacy::memory::MemorySink;
use activity_privacy::query::{CountBy, Query};
use activity_privacy::sqlite::{SqliteOptions, SqliteStore};
use activity_privacy::store::{ActivityStore, PublicOrder};
use fixture::*;
use place::*;

const PUBLIC: i64 = 3_000;

/// The properties that the private activities of a file share with its public ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    None,
    Interleaved,
    SameActor,
    SameTime,
    Large,
    Erased,
}

fn open(path: &Path) -> SqliteStore {
    SqliteOptions::default().with_partition_rows(256).open(path).unwrap()
}

fn activity(id: String, actor: Actor, app: &str, time: i64, details: usize) -> Activity {
    let app = App::new(app.parse().unwrap());
    let begun = Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(time));
    begun.details("x".repeat(details)).build().unwrap()
}

fn by_name(name: &str) -> Actor {
    Actor::user(alias(&format!("{name}@contoso.com")))
}

/// Adele is private, so an activity that she performs on behalf of Bob is a private one with the same actor as his.
fn private(n: i64, shape: Shape) -> Activity {
    let (actor, time, details) = match shape {
        Shape::SameActor => (by_name("bob").with_identity(alias("adele@contoso.com")), n, 100),
        Shape::SameTime => (by_name("adele"), 7, 100),
        Shape::Large => (by_name("adele"), n, 8_000),
        Shape::None | Shape::Interleaved | Shape::Erased => (by_name("adele"), n, 100),
    };
    activity(format!("private-{n}"), actor, "SharePoint", time, details)
}

fn public(n: i64, shape: Shape) -> Activity {
    let (name, app) = (if n % 7 == 0 { "carl" } else { "bob" }, if n % 5 == 0 { "Box" } else { "SharePoint" });
    activity(format!("public-{n}"), by_name(name), app, if shape == Shape::SameTime { 7 } else { n }, 100)
}

/// Fills a file. `times` is that of another shape whose public activities the file has.
fn fill(path: &Path, shape: Shape, times: Shape) {
    let fixture = Fixture::over(Arc::new(open(path)), Arc::new(MemorySink::new()));
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])).make_private("council");
    for from in (0..PUBLIC).step_by(30) {
        let batch = (from..from + 30).flat_map(|n| {
            let hidden = (shape != Shape::None).then(|| private(n, shape));
            [Some(public(n, times)), hidden].into_iter().flatten()
        });
        fixture.ingest(&batch.collect::<Vec<_>>());
    }
    // Both files keep the same records of removals.
    let subject = if shape == Shape::Erased { "adele" } else { "root" };
    fixture.erase(Subject::of(user(subject)));
}

/// Returns the bytes and the calls by which this thread has read files.
fn reads() -> [u64; 2] {
    let counters = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let counter = |name: &str| {
        let value = counters.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.trim().parse().unwrap()
    };
    [counter("rchar:"), counter("syscr:")]
}

/// Returns the pages that an operation reads from a file that was just opened.
fn pages_read(path: &Path, operation: &dyn Fn(&SqliteStore)) -> u64 {
    pages_read_by(&open(path), operation)
}

fn pages_read_by(store: &SqliteStore, operation: &dyn Fn(&SqliteStore)) -> u64 {
    let counting = {
        let before = reads();
        let after = reads();
        [after[0] - before[0], after[1] - before[1]]
    };
    let before = reads();
    operation(store);
    let after = reads();
    let calls = after[1] - before[1] - counting[1];
    assert!(calls > 0, "the operation reads the file");
    calls
}

type Operation = Box<dyn Fn(&SqliteStore)>;

fn operations() -> Vec<(&'static str, Operation)> {
    let by = |name: &str| Query::all().by_actor(format!("{name}@contoso.com")).unwrap();
    let page = |query: Query, limit: usize| -> Operation {
        Box::new(move |store| drop(store.public_page(&query, None, limit).unwrap()))
    };
    let counts = |query: Query, by: Option<CountBy>| -> Operation {
        Box::new(move |store| drop(store.public_counts(&query, by).unwrap()))
    };
    vec![
        ("newest", page(Query::all(), 50)),
        ("everything", page(Query::all(), 5_000)),
        ("frequent actor", page(by("bob"), 50)),
        ("rare actor", page(by("carl"), 50)),
        ("private actor", page(by("adele"), 50)),
        ("unknown actor", page(by("nobody"), 50)),
        ("app", page(Query::all().in_app("Box".parse().unwrap()), 50)),
        ("hidden id", page(Query::all().with_id("private-7".parse().unwrap()), 1)),
        ("unknown id", page(Query::all().with_id("unknown".parse().unwrap()), 1)),
        ("time range", page(Query::all().since(at(900)).until(at(1_100)), 50)),
        ("text", page(Query::all().containing("Accessed").unwrap(), 50)),
        ("counts", counts(Query::all(), None)),
        ("counts by actor", counts(Query::all(), Some(CountBy::Actor))),
        ("counts of the private actor", counts(by("adele"), Some(CountBy::Hour))),
        ("follow", Box::new(|store| drop(store.public_after(&Offset::START, 500).unwrap()))),
    ]
}

#[test]
fn v2_private_rows_add_no_reads_to_public_operations() {
    let folder = folder();
    for shape in [Shape::Interleaved, Shape::SameActor, Shape::SameTime, Shape::Large, Shape::Erased] {
        let paths = ["with", "without"].map(|name| folder.path().join(format!("{name}-{shape:?}.db")));
        fill(&paths[0], shape, shape);
        fill(&paths[1], Shape::None, shape);
        for (name, operation) in operations() {
            let [with, without] = paths.each_ref().map(|path| pages_read(path, &operation));
            println!("{shape:?}, {name}: {with} and {without}");
            assert_eq!(with, without, "{shape:?}, {name}");
        }
    }
}

#[test]
fn f2_reads_of_a_batch_grow_only_with_the_batch() {
    let folder = folder();
    let [few, many] = [300, 24_000].map(|count: i64| {
        let path = folder.path().join(format!("{count}.db"));
        let fixture = Fixture::over(Arc::new(open(&path)), Arc::new(MemorySink::new()));
        fixture.install(people(&[("bob", &[])]));
        for from in (0..count).step_by(300) {
            fixture.ingest(&(from..from + 300).map(|n| public(n, Shape::None)).collect::<Vec<_>>());
        }
        path
    });
    let pages_of_batch = |path: &Path, after, limit| {
        let store = open(path);
        // The first read also reads the schema, which grows with the number of partitions.
        store.end().unwrap();
        pages_read_by(&store, &|store| drop(store.public_after(&Offset::of_number(after), limit).unwrap()))
    };
    let of_few = pages_of_batch(&few, 100, 20);
    for after in [100, 12_000, 23_900] {
        let of_many = pages_of_batch(&many, after, 20);
        println!("20 activities after {after}: {of_many} reads, {of_few} with fewer stored");
        // One page more of the list of partitions.
        assert!(of_many <= of_few + 1, "after {after}: {of_many} reads, {of_few} with fewer stored");
    }
    assert!(pages_of_batch(&many, 12_000, 200) > of_few, "a larger batch reads more");
}
