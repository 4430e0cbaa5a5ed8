//! The file after a removal.

use std::path::Path;
use std::sync::Arc;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Subject;
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::{GroupRef, OptionsPatch, PolicyChange, Retention};
use activity_privacy::query::{CountBy, PageSize, Query};
use activity_privacy::sqlite::{SqliteOptions, SqliteStore};
use rusqlite::Connection;

use crate::fixture::*;
use crate::place::*;

fn everything_in(path: &Path) -> Vec<u8> {
    // Copies the write-ahead log to the file and empties the log.
    let connection = Connection::open(path).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::read(path).unwrap()
}

fn names(bytes: &[u8], name: &str) -> bool {
    let lower = bytes.to_ascii_lowercase();
    lower.windows(name.len()).any(|part| part == name.as_bytes())
}

/// The erased user has one in twenty of the activities, and some thousand in a row.
#[test]
fn g5_erased_name_leaves_no_bytes_in_file() {
    let place = Place::in_sqlite();
    let fixture = place.fixture();
    fixture.install(people(&[("adele", &["council"]), ("canary", &[]), ("bob", &[])]));
    let name = |n: usize| if n.is_multiple_of(20) || (20_000..23_000).contains(&n) { "canary" } else { "bob" };
    let all: Vec<Activity> = (0..70_000)
        .map(|n| {
            begun(&format!("a-{n}"), Actor::user(alias(&format!("{}@contoso.com", name(n)))))
                .details(format!("done by {}", name(n)))
                .build()
                .unwrap()
        })
        .collect();
    all[..60_000].chunks(10_000).for_each(|batch| drop(fixture.ingest(batch)));
    fixture.manage("contoso.com").update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture.ingest(&[by("hidden", Actor::user(alias("canary@elsewhere.example")))]);
    assert!(fixture.is_private("hidden"));
    all[60_000..].chunks(10_000).for_each(|batch| drop(fixture.ingest(batch)));
    assert!(names(&everything_in(&place.path()), "canary"));

    // Counted and searched first, so that the caches contain them.
    let by_name = |who: &str| Query::all().by_actor(format!("{who}@contoso.com")).unwrap();
    let view = fixture.filter.view(&user("ann"));
    assert_eq!(view.count(&by_name("canary")).unwrap().total, 6_350);
    let subject = Subject::of(user("canary")).with_identity(alias("canary@elsewhere.example"));
    fixture.erase(subject);
    assert!(!names(&everything_in(&place.path()), "canary"));

    for filter in [fixture.filter.clone(), place.fixture().filter] {
        let view = filter.view(&user("ann"));
        assert_eq!(view.count(&Query::all()).unwrap().total, 63_650);
        assert_eq!(view.count(&by_name("bob")).unwrap().total, 63_650);
        assert_eq!(view.count(&by_name("canary")).unwrap().total, 0);
        let counts = view.counts(&Query::all(), CountBy::Actor).unwrap().by_key;
        assert_eq!(
            counts.iter().map(|count| (&*count.key, count.activities)).collect::<Vec<_>>(),
            [("bob@contoso.com", 63_650)]
        );
        assert_eq!(view.counts(&Query::all(), CountBy::Day).unwrap().by_key[0].activities, 63_650);
        assert_eq!(view.page(&by_name("canary"), PageSize::MAX, None).unwrap().activities().len(), 0);
        assert_eq!(view.page(&by_name("bob"), PageSize::MAX, None).unwrap().activities().len(), 1_000);
    }
    // A whole batch, whose ids are partly in the index and partly in memory.
    let again = fixture.ingest(&all[59_000..70_000]);
    assert!(again.iter().all(|delivery| *delivery == IngestOutcome::Duplicate));
    SqliteStore::open(place.path()).unwrap().integrity_check().unwrap();
}

#[test]
fn g5_file_size_is_stable_at_equal_ingest_and_removal() {
    let place = Place::in_sqlite();
    let fixture = place.fixture();
    fixture.install(people(&[("bob", &[])]));
    let retention = Some(Retention::of_activities(std::time::Duration::from_secs(2)));
    fixture.options(OptionsPatch::new().retention(retention));
    let mut sizes = Vec::new();
    for round in 0..10 {
        let batch = (0..3_000).map(|n| activity(&format!("a-{round}-{n}"), "bob")).collect::<Vec<_>>();
        fixture.ingest(&batch);
        fixture.advance(1).filter.apply_retention().unwrap();
        everything_in(&place.path());
        sizes.push(std::fs::metadata(place.path()).unwrap().len());
    }
    // Each removed activity leaves the hash of its id, about 31 bytes.
    let (later, grown) = (sizes[4], sizes[9] - sizes[4]);
    assert!(grown < 5 * 3_000 * 40, "{grown} bytes beyond {later}: {sizes:?}");
    assert!(fixture.everything().len() <= 3 * 3_000);
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

/// Not only are the results equal: no public row, list or number differs from a store that never contained private
/// activities.
#[test]
fn v2_removing_private_activities_changes_no_public_row() {
    let tell = |hidden: bool| {
        let place = Place::in_sqlite();
        let fixture = place.repeatable_fixture();
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council");
        let retention = Some(Retention::of_activities(std::time::Duration::from_secs(60)));
        fixture.options(OptionsPatch::new().retention(retention));
        for round in 0..3 {
            let mut batch: Vec<_> = (0..40).map(|n| activity(&format!("b-{round}-{n}"), "bob")).collect();
            fixture.advance(50);
            if hidden {
                fixture.ingest(&(0..700).map(|n| activity(&format!("a-{round}-{n}"), "adele")).collect::<Vec<_>>());
                batch.insert(7, activity(&format!("a-{round}-x"), "adele"));
            }
            fixture.ingest(&batch);
            fixture.erase(Subject::of(user("adele")));
            fixture.filter.apply_retention().unwrap();
        }
        let left = rows(&place.path(), "SELECT count(*) FROM private_activity");
        assert_eq!(left, ["Integer(0)"]);
        let connection = Connection::open(place.path()).unwrap();
        let mut names = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'public%' ORDER BY name")
            .unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        // Hashed with a different key in each file.
        let telling = names.iter().filter(|name| !name.starts_with("public_id"));
        telling.map(|name| (name.clone(), rows(&place.path(), &format!("SELECT * FROM {name}")))).collect::<Vec<_>>()
    };
    let (with, without) = (tell(true), tell(false));
    assert!(with.iter().any(|(name, rows)| name == "public_activity_1" && rows.len() == 80), "{}", with.len());
    assert_eq!(with, without);
}

#[test]
fn g5_erased_content_is_absent_from_file_and_log() {
    let place = Place::in_sqlite();
    let fixture = place.fixture();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    let made = |n: usize| {
        let name = ["adele", "bob", "zoe.canary", "tom"][n % 4];
        let (id, details) = match name {
            "zoe.canary" => (format!("id-of-canary-{n}"), format!("details of canary {n} {}", "x".repeat(n % 300))),
            _ => (format!("id-{n}"), format!("details {n} {}", "y".repeat(n % 300))),
        };
        begun(&id, Actor::user(alias(&format!("{name}@contoso.com")))).details(details).build().unwrap()
    };
    (0..2_000).map(made).collect::<Vec<_>>().chunks(50).for_each(|batch| drop(fixture.ingest(batch)));
    let files = || ["db", "db-wal"].map(|name| std::fs::read(place.path().with_extension(name)).unwrap());
    assert!(files().iter().any(|bytes| names(bytes, "canary")));

    fixture.erase(Subject::of(user("zoe.canary")).with_identity(alias("zoe.canary@contoso.com")));
    let [file, log] = files();
    assert!(!names(&log, "canary"), "in the log");
    assert!(!names(&file, "canary"), "in the file");
    // Likewise for retention.
    fixture.options(OptionsPatch::new().retention(Some(Retention::of_activities(std::time::Duration::from_secs(60)))));
    assert!(files().iter().any(|bytes| names(bytes, "details 1 ")));
    fixture.advance(100).filter.apply_retention().unwrap();
    let [file, log] = files();
    assert!(!names(&log, "details 1 "), "in the log");
    assert!(!names(&file, "details 1 "), "in the file");
}

/// Returns a fixture over a file with partitions of 8 activities, in which Adele is private.
fn in_small_partitions(path: &Path) -> Fixture {
    let store = SqliteOptions::default().with_partition_rows(8).open(path).unwrap();
    let fixture = Fixture::over(Arc::new(store), Arc::new(MemorySink::new()));
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])).make_private("council");
    fixture
}

fn several(name: &str, many: usize) -> Vec<Activity> {
    (0..many).map(|n| activity(&format!("{name}-{n}"), name)).collect()
}

#[test]
fn g5_emptied_partition_is_deleted() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = in_small_partitions(&path);
    for name in ["bob", "carl"] {
        fixture.ingest(&several(name, 8));
    }
    // The third partition stays open, and becomes empty as well.
    fixture.ingest(&[activity("last", "carl")]);
    assert_eq!(rows(&path, "SELECT number FROM public_partition"), ["Integer(1)", "Integer(2)", "Integer(3)"]);
    fixture.erase(Subject::of(user("carl")).with_identity(alias("carl@contoso.com")));
    assert_eq!(rows(&path, "SELECT number FROM public_partition"), ["Integer(1)", "Integer(3)"]);
    let table = "SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'public_activity_2'";
    assert_eq!(rows(&path, table), ["Integer(0)"]);
    assert_eq!(fixture.public_ids().len(), 8);
    fixture.ingest(&several("adele", 3));
    fixture.ingest(&[activity("new", "bob")]);
    SqliteStore::open(&path).unwrap().integrity_check().unwrap();
}

/// Nothing public of this user was stored, so only the tables of private activities change.
#[test]
fn g5_actor_of_erased_private_activities_is_deleted() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = in_small_partitions(&path);
    fixture.ingest(&[several("adele", 3), several("bob", 1)].concat());
    assert_eq!(rows(&path, "SELECT count(*) FROM private_actor"), ["Integer(1)"]);
    fixture.erase(Subject::of(user("adele")).with_identity(alias("adele@contoso.com")));
    let left = "SELECT (SELECT count(*) FROM private_actor), (SELECT count(*) FROM private_actor_term)";
    assert_eq!(rows(&path, left), ["Integer(0) Integer(0)"]);
}

/// A process died after it had removed the last activity and before it deleted the actor.
#[test]
fn g5_removal_without_activities_completes_an_interrupted_one() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = in_small_partitions(&path);
    fixture.ingest(&several("adele", 3));
    Connection::open(&path).unwrap().execute("DELETE FROM private_activity", []).unwrap();
    fixture.erase(Subject::of(user("adele")).with_identity(alias("adele@contoso.com")));
    assert_eq!(rows(&path, "SELECT count(*) FROM private_actor"), ["Integer(0)"]);
}

/// The newest activities of a full partition are exactly as old as those that stay.
#[test]
fn g5_partition_partly_at_the_bound_keeps_those_activities() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = in_small_partitions(&path);
    fixture.ingest(&several("bob", 4));
    fixture.advance(10).ingest(&several("carl", 6));
    assert_eq!(rows(&path, "SELECT state <> 'open' FROM public_partition"), ["Integer(1)", "Integer(0)"]);
    let retention = Some(Retention::of_activities(std::time::Duration::from_secs(60)));
    fixture.advance(60).options(OptionsPatch::new().retention(retention)).filter.apply_retention().unwrap();
    let mut left = fixture.public_ids();
    left.sort_unstable();
    assert_eq!(left, ["carl-0", "carl-1", "carl-2", "carl-3", "carl-4", "carl-5"]);
    fixture.advance(1).filter.apply_retention().unwrap();
    assert_eq!(fixture.public_ids(), [""; 0]);
}

/// A process died after it had removed the last activity of the first partition and before it deleted the partition.
#[test]
fn g5_retention_continues_after_an_emptied_partition() {
    let folder = folder();
    let path = activities(folder.path());
    let fixture = in_small_partitions(&path);
    fixture.ingest(&several("bob", 20));
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "DELETE FROM public_activity_1;
             UPDATE public_partition SET activities = 0 WHERE number = 1;
             UPDATE public_hour SET activities = activities - 8;
             UPDATE public_day SET activities = activities - 8;",
        )
        .unwrap();
    let retention = Some(Retention::of_activities(std::time::Duration::from_secs(60)));
    fixture.advance(100).options(OptionsPatch::new().retention(retention)).filter.apply_retention().unwrap();
    assert_eq!(fixture.public_ids(), [""; 0]);
    assert_eq!(rows(&path, "SELECT number, activities FROM public_partition"), ["Integer(3) Integer(0)"]);
}
