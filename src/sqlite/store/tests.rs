#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::cell::Cell;
use std::time::Duration;

use chrono::DateTime;

use super::*;
use crate::activity::{Activity, Actor, App};
use crate::directory::{DirectoryBuilder, DirectoryRevision, User};
use crate::filter::{IngestOutcome, PrivacyFilter};
use crate::forward::Offset;
use crate::identity::{Alias, Subject, UserId};
use crate::memory::{MemoryDirectory, MemorySink};
use crate::policy::{Administrators, OptionsPatch, PolicyChange, Retention};
use crate::query::PageSize;
use crate::sqlite::partition::Partition;
use crate::sqlite::removal::{RowsToRemove, remove_found};
use crate::sqlite::selection::Selection;
use crate::store::PublicOrder;

fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

fn alias(name: &str) -> Alias {
    Alias::new(format!("{name}@contoso.com")).unwrap()
}

fn activity(id: &str, name: &str) -> Activity {
    let (app, action) = (App::new("Box".parse().unwrap()), "FileAccessed".parse().unwrap());
    Activity::builder(id.parse().unwrap(), Actor::user(alias(name)), app, action, DateTime::UNIX_EPOCH).build().unwrap()
}

/// Opens a filter whose clock always returns this number of seconds.
fn filter_at(seconds: i64, store: &Arc<SqliteStore>, sink: &Arc<MemorySink>) -> PrivacyFilter {
    let users = ["adele", "bob"].map(|name| User::new(user(name)).with_alias(alias(name)));
    let directory = users.into_iter().fold(DirectoryBuilder::new(), DirectoryBuilder::user);
    let installed = MemoryDirectory::new();
    installed.install(directory.build(DirectoryRevision(1), DateTime::UNIX_EPOCH).unwrap()).unwrap();
    let admins = Administrators::new(user("root"), user("deputy")).unwrap();
    PrivacyFilter::builder(Arc::clone(store), installed, Arc::clone(sink))
        .clock(move || DateTime::from_timestamp(seconds, 0).unwrap())
        .open_or_initialize(admins)
        .unwrap()
}

#[test]
fn g5_reading_clears_actors_erased_by_another_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let [reading, erasing] = [(); 2].map(|()| Arc::new(SqliteStore::open(&path).unwrap()));
    let sink = Arc::new(MemorySink::new());
    let other = filter_at(0, &erasing, &sink);
    let view = filter_at(0, &reading, &sink).view(&user("viewer"));
    let page = || view.page(&Query::all(), PageSize::MAX, None).unwrap().activities().len();
    let reads: [&dyn Fn(); 4] = [
        &|| assert!(page() > 0),
        &|| drop(view.count(&Query::all()).unwrap()),
        &|| drop(view.activity(&"absent".parse().unwrap()).unwrap()),
        &|| drop(reading.public_after(&Offset::START, 1).unwrap()),
    ];
    for (round, read) in reads.iter().enumerate() {
        let _ =
            other.ingest(&[activity(&format!("b-{round}"), "bob"), activity(&format!("a-{round}"), "adele")]).unwrap();
        assert_eq!(page(), round + 2);
        assert_eq!(reading.public.actors.len(), 2, "round {round}");
        let _ = other.erase(&user("root"), Subject::of(user("adele")).with_identity(alias("adele"))).unwrap();
        read();
        // Bob, if the read loaded him.
        assert!(reading.public.actors.len() <= 1, "round {round}");
    }
}

#[test]
fn g5_ids_are_indexed_in_steps_before_their_partition_is_dropped() {
    const ROWS: usize = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let sink = Arc::new(MemorySink::new());
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let now = filter_at(0, &store, &sink);
    let all: Vec<Activity> = (0..ROWS).map(|n| activity(&format!("a-{n}"), "bob")).collect();
    let _ = now.ingest(&all).unwrap();
    let connection = Connection::open(&path).unwrap();
    let indexed = || -> (i64, i64) {
        let indexed = "SELECT ids_indexed_up_to, (SELECT count(*) FROM public_id) FROM public_state";
        connection.query_row(indexed, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    };
    connection.execute("UPDATE public_partition SET state = 'full'", []).unwrap();
    assert_eq!(indexed(), (0, 0));
    // Each step writes ids in order of their hashes.
    let mut cache = StoreCache::new(store.key, &SqliteOptions::default());
    let transaction = connection.unchecked_transaction().unwrap();
    cache.catch_up(&connection, Family::Public).unwrap();
    for expected in [(0, 8_192), (0, 16_384), (ROWS as i64, ROWS as i64)] {
        cache.index_ids(&connection, Family::Public).unwrap();
        assert_eq!(indexed(), expected);
    }
    drop(transaction);

    let later = filter_at(1_000, &store, &sink);
    let retention = Some(Retention::of_activities(Duration::from_secs(10)));
    let _ =
        later.update_policy(&user("root"), PolicyChange::SetOptions(OptionsPatch::new().retention(retention))).unwrap();
    let _ = later.apply_retention().unwrap();
    assert_eq!(later.view(&user("viewer")).count(&Query::all()).unwrap().total, 0);
    assert_eq!(indexed(), (ROWS as i64, ROWS as i64));
    for store in [store, Arc::new(SqliteStore::open(&path).unwrap())] {
        let again = filter_at(1_000, &store, &sink).ingest(&all[..100]).unwrap();
        assert!(again.outcomes().iter().all(|outcome| *outcome == IngestOutcome::Duplicate));
    }
}

#[test]
fn g5_removal_searches_again_if_others_removed_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let [store, other] = [(); 2].map(|()| Arc::new(SqliteStore::open(&path).unwrap()));
    let all = ["a-1", "a-2"].map(|id| activity(id, "adele"));
    let _ = filter_at(0, &store, &Arc::new(MemorySink::new())).ingest(&all).unwrap();
    let find = |connection: &Connection| -> Result<Vec<RowsToRemove>, StoreError> {
        let mut found = Vec::new();
        for partition in Partition::all(connection)? {
            let select = format!("SELECT sequence FROM {} LIMIT 1", partition.table());
            if let Some(sequence) = connection.query_row(&select, [], |row| row.get(0)).optional()? {
                let (family, partition) = (Family::Public, Some(partition.number));
                found.push(RowsToRemove { family, partition, sequences: vec![sequence] });
            }
        }
        Ok(found)
    };
    let raced = Cell::new(false);
    let removed = remove_found(&store.file, store.key, |connection| {
        let found = find(connection)?;
        if !raced.replace(true) {
            assert_eq!(remove_found(&other.file, other.key, find)?, 1);
        }
        Ok(found)
    });
    assert_eq!(removed.unwrap(), 1, "the second row is left after another process removed the first one");
    assert_eq!(remove_found(&store.file, store.key, find).unwrap(), 0);
}

/// A search with an older snapshot uses the rows that a newer search cached, but not those that it must not see.
#[test]
fn v3_older_snapshot_excludes_rows_cached_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.db");
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let filter = filter_at(0, &store, &Arc::new(MemorySink::new()));
    let _ = filter.ingest(&[activity("b-0", "bob"), activity("b-1", "bob")]).unwrap();
    let connection = Connection::open(&path).unwrap();
    let old = connection.unchecked_transaction().unwrap();
    let snapshot = Snapshot::read(&old).unwrap();
    let _ = filter.ingest(&[activity("b-2", "bob")]).unwrap();
    let page = filter.view(&user("viewer")).page(&Query::all(), PageSize::MAX, None).unwrap();
    assert_eq!(page.activities().len(), 3);

    let selection = Selection::of(&old, Family::Public, &Query::all()).unwrap();
    let found = store.tail.find((&old, &snapshot), &selection, (i64::MAX, ""), 9).unwrap();
    assert_eq!(found.iter().map(|row| &*row.id).collect::<Vec<_>>(), ["b-1", "b-0"]);
    let mut counted = 0;
    store.tail.each_row(&old, &snapshot, |_| counted += 1).unwrap();
    assert_eq!(counted, 2);
}
