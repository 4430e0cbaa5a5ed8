//! Checks that detect damage which no checksum covers, each by itself.

use std::sync::Arc;

use activity_privacy::filter::IngestError;
use activity_privacy::memory::MemorySink;
use activity_privacy::query::{CountBy, Query};
use activity_privacy::sqlite::{FileError, SqliteOptions, SqliteStore};
use activity_privacy::store::{ActivityStore, StoreError};
use rusqlite::Connection;

use crate::fixture::*;
use crate::place::*;

/// Returns the error of an operation on a store whose file some SQL damaged.
fn error_after(damage: &str, act: impl Fn(&SqliteStore, &Fixture) -> Result<(), StoreError>) -> Option<FileError> {
    let folder = folder();
    let path = activities(folder.path());
    let sink = Arc::new(MemorySink::new());
    let open = || {
        let store = Arc::new(SqliteOptions::default().with_partition_rows(8).open(&path).unwrap());
        let fixture = Fixture::over(Arc::<SqliteStore>::clone(&store), Arc::<MemorySink>::clone(&sink));
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])]));
        (store, fixture)
    };
    let (store, fixture) = open();
    fixture.make_private("council");
    for n in 0..20 {
        fixture.ingest(&[activity(&format!("a-{n}"), "adele"), activity(&format!("b-{n}"), "bob")]);
    }
    drop((store, fixture));
    let (store, fixture) = open();
    act(&store, &fixture).expect("the file is undamaged");
    drop((store, fixture));
    Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let (store, fixture) = open();
    act(&store, &fixture).err().and_then(|error| file_error(&error))
}

#[test]
fn v2_damaged_counts_are_corrupt() {
    let by_hour = |store: &SqliteStore, _: &Fixture| store.public_counts(&Query::all(), Some(CountBy::Hour)).map(drop);
    for damage in [
        "UPDATE public_hour SET app = app + 1",
        "UPDATE public_hour SET activities = -1",
        "UPDATE public_hour SET activities = activities + 1",
    ] {
        assert_eq!(error_after(damage, by_hour), Some(FileError::Corrupt), "{damage}");
    }
    let of_action = Query::all().with_action("FileAccessed".parse().unwrap());
    let of_action = |store: &SqliteStore, _: &Fixture| store.public_counts(&of_action, Some(CountBy::Day)).map(drop);
    for damage in [
        "UPDATE public_activity_1 SET sequence = 0 WHERE sequence = 1",
        "UPDATE public_activity_1 SET sequence = 9 WHERE sequence = 8",
        "UPDATE public_partition SET activities = activities - 1",
    ] {
        assert_eq!(error_after(damage, of_action), Some(FileError::Corrupt), "{damage}");
    }
}

#[test]
fn v2_damaged_partition_is_corrupt() {
    let page = |store: &SqliteStore, _: &Fixture| store.public_page(&Query::all(), None, 50).map(drop);
    for damage in [
        "first_sequence = 0",
        "first_sequence = 1 << 60, last_sequence = 1 << 60, activities = 0",
        "last_sequence = first_sequence - 2, activities = 0",
        "last_sequence = 1 << 60",
        "activities = -1",
        "activities = 9",
        "state = 'other'",
    ] {
        let damage = format!("UPDATE public_partition SET {damage} WHERE number = 1");
        assert_eq!(error_after(&damage, page), Some(FileError::Corrupt), "{damage}");
    }
}

/// The search for an actor compares the days of a partition with those of the actor.
#[test]
fn b3_reversed_bounds_of_a_partition_cause_no_panic() {
    let by_actor = Query::all().by_actor("bob@contoso.com").unwrap();
    let page = |store: &SqliteStore, _: &Fixture| {
        assert_eq!(store.public_page(&by_actor, None, 50)?.activities.len(), 20);
        Ok(())
    };
    let day = 86_400_000_000_i64;
    for damage in
        [format!("earliest = latest + {day}"), format!("latest = latest + {day}, earliest = latest + 3 * {day}")]
    {
        let damage = format!("UPDATE public_partition SET {damage} WHERE number = 1");
        assert_eq!(error_after(&damage, page), None, "{damage}");
    }
}

/// An id must neither be stored again nor be missed.
#[test]
fn d4_damaged_bounds_of_ids_are_corrupt() {
    for damage in [
        "UPDATE public_state SET ids_indexed_up_to = -1",
        "UPDATE public_state SET ids_indexed_up_to = last_sequence + 1",
        "UPDATE public_state SET last_sequence = 1 << 60",
        "UPDATE private_state SET ids_indexed_up_to = (1 << 40) - 1",
        "UPDATE private_state SET ids_indexed_up_to = last_sequence + 1",
    ] {
        let ingest = |_: &SqliteStore, fixture: &Fixture| match fixture.filter.ingest(&[activity("b-3", "bob")]) {
            Ok(_) => Ok(()),
            Err(IngestError::Store(error)) => Err(error),
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(error_after(damage, ingest), Some(FileError::Corrupt), "{damage}");
    }
}

/// Two rows have the same time, and the index exchanges them. The rows themselves are undamaged.
#[test]
fn v2_index_entry_of_another_row_is_corrupt() {
    let page = |store: &SqliteStore, _: &Fixture| store.public_page(&Query::all(), None, 50).map(drop);
    let exchange = "UPDATE public_activity_1 SET id = CASE id WHEN 'b-2' THEN 'b-3' ELSE 'b-2' END
        WHERE id IN ('b-2', 'b-3')";
    let index = "FROM sqlite_schema WHERE name = 'public_activity_1_time'";
    let damage = format!(
        "{exchange};
         CREATE TEMP TABLE kept AS SELECT * {index};
         PRAGMA writable_schema = ON;
         DELETE {index};
         PRAGMA writable_schema = RESET;
         {exchange};
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema SELECT * FROM kept;
         PRAGMA writable_schema = RESET;"
    );
    assert_eq!(error_after(&damage, page), Some(FileError::Corrupt));
    assert_eq!(error_after(&damage, |store, _| store.integrity_check()), Some(FileError::Corrupt));
}
