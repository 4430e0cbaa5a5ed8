//! Named forwarders with a saved offset.

use activity_privacy::forward::{BatchLimit, FeedKind, ForwardError, ForwarderStatus, Offset, Start};
use activity_privacy::memory::MemoryStore;
use activity_privacy::query::PageSize;

use super::scene::*;
use crate::fixture::*;
use crate::place::*;

fn rows(rows: u16) -> BatchLimit {
    BatchLimit::rows(rows)
}

#[test]
fn f1_named_forwarder_reads_public_activities_only() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.ingest_bobs(0..7);
        for size in [1, 2, 100] {
            let batch = feed.next_batch(rows(size)).unwrap();
            assert_eq!(ids(&batch), bobs(0..usize::from(size).min(7)));
            assert_eq!(batch.gap(), None);
        }
        assert_eq!(drain(&feed, 2), (bobs(0..7), 0));
    }
}

#[test]
fn f2_batch_is_repeated_until_acknowledged() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.ingest_bobs(0..5);
        let first = feed.next_batch(rows(2)).unwrap();
        assert_eq!(feed.next_batch(rows(2)).unwrap(), first);
        feed.acknowledge(&first).unwrap();
        let second = feed.next_batch(rows(2)).unwrap();
        assert_eq!(ids(&second), bobs(2..4));
        feed.acknowledge_first(&second, 0).unwrap();
        assert_eq!(feed.next_batch(rows(2)).unwrap(), second, "nothing was acknowledged");
        feed.acknowledge_first(&second, 1).unwrap();
        assert_eq!(drain(&feed, 9), (bobs(3..5), 0));
        let empty = feed.next_batch(rows(2)).unwrap();
        assert!(empty.is_empty() && empty.gap().is_none());
        feed.acknowledge(&empty).unwrap();
    }
}

#[test]
fn f2_forwarder_continues_after_restart() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.ingest_bobs(0..5);
        let batch = feed.next_batch(rows(3)).unwrap();
        feed.acknowledge(&batch).unwrap();
        // A batch that was read and not acknowledged is delivered again.
        assert_eq!(ids(&feed.next_batch(rows(1)).unwrap()), bobs(3..4));
        drop((scene, feed));
        let again = Scene::again(&place);
        again.ingest_bobs(5..7);
        assert_eq!(drain(&again.open(), 2), (bobs(3..7), 0));
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn f2_saved_offset_survives_reopened_file() {
    use std::sync::Arc;

    use activity_privacy::sqlite::SqliteStore;
    let place = Place::in_sqlite();
    let scene = Scene::new(&place);
    let feed = scene.create(Start::Beginning);
    scene.ingest_bobs(0..5);
    feed.acknowledge(&feed.next_batch(rows(3)).unwrap()).unwrap();
    let store = Arc::new(SqliteStore::open(place.path()).unwrap());
    let fixture = Fixture::over(store.clone(), Arc::clone(&place.sink));
    let feed = fixture.filter.forwarders(store).open(&siem()).unwrap();
    assert_eq!(drain(&feed, 9), (bobs(3..5), 0));
}

#[test]
fn f2_forwarder_starts_at_beginning_now_or_time() {
    for place in places() {
        let scene = Scene::new(&place);
        let start = scene.fixture.clock.load(std::sync::atomic::Ordering::SeqCst);
        scene.ingest_bobs(0..4);
        let create = |name: &str, start| scene.forwarders.create(&name.parse().unwrap(), start).unwrap();
        let feeds = [
            create("beginning", Start::Beginning),
            create("now", Start::Now),
            create("at", Start::Time(at(start + 2))),
            create("before", Start::Time(at(start - 1_000))),
            create("after", Start::Time(at(start + 1_000))),
        ];
        scene.ingest_bobs(4..6);
        let read: Vec<Vec<String>> = feeds.iter().map(|feed| drain(feed, 3).0).collect();
        assert_eq!(read, [bobs(0..6), bobs(4..6), bobs(2..6), bobs(0..6), bobs(4..6)]);
    }
}

#[test]
fn f2_forwarders_do_not_affect_each_other() {
    for place in places() {
        let scene = Scene::new(&place);
        let [one, other] = ["one", "other"]
            .map(|name| scene.forwarders.open_or_create(&name.parse().unwrap(), Start::Beginning).unwrap());
        scene.ingest_bobs(0..6);
        assert_eq!(drain(&one, 4), (bobs(0..6), 0));
        let batch = other.next_batch(rows(1)).unwrap();
        other.acknowledge(&batch).unwrap();
        assert!(matches!(one.acknowledge(&batch), Err(ForwardError::ForeignBatch(name)) if name.as_str() == "other"));
        assert_eq!(drain(&other, 4), (bobs(1..6), 0));
    }
}

#[test]
fn f2_unknown_and_existing_names_are_rejected() {
    for place in places() {
        let scene = Scene::new(&place);
        assert!(matches!(scene.forwarders.open(&siem()), Err(ForwardError::Unknown(name)) if name == siem()));
        assert!(matches!(scene.forwarders.remove(&siem()), Err(ForwardError::Unknown(_))));
        let feed = scene.create(Start::Beginning);
        let again = scene.forwarders.create(&siem(), Start::Now);
        assert!(matches!(again, Err(ForwardError::AlreadyExists(name)) if name == siem()));
        scene.forwarders.remove(&siem()).unwrap();
        assert!(matches!(feed.next_batch(rows(1)), Err(ForwardError::Unknown(_))));
        assert!(scene.forwarders.list().unwrap().is_empty());
    }
}

#[test]
fn f2_status_counts_lag_and_lists_names() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.forwarders.create(&"archive".parse().unwrap(), Start::Now).unwrap();
        scene.ingest_bobs(0..5);
        feed.acknowledge(&feed.next_batch(rows(2)).unwrap()).unwrap();
        let list = scene.forwarders.list().unwrap();
        let seen = list.iter().map(|ForwarderStatus { feed, name, lag, .. }| (*feed, name.as_str(), *lag));
        assert_eq!(seen.collect::<Vec<_>>(), [(FeedKind::Activities, "archive", 5), (FeedKind::Activities, "siem", 3)]);
        assert_eq!(feed.status().unwrap(), list[1]);
        scene.ingest(9, &["adele"]);
        assert_eq!(scene.forwarders.list().unwrap(), list, "F3");
    }
}

#[test]
fn f2_batch_respects_rows_and_bytes() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        let sized = |number: usize, kilobytes: usize| {
            let actor = activity_privacy::activity::Actor::user(alias("bob@contoso.com"));
            begun(&format!("bob-{number}"), actor).details("x".repeat(1_000 * kilobytes)).build().unwrap()
        };
        for number in 0..100 {
            scene.fixture.ingest(&[sized(number, if number == 40 { 50 } else { 1 })]);
        }
        let limit = |rows: u16, bytes| BatchLimit::new(PageSize::at_most(rows), bytes);
        assert_eq!(feed.next_batch(limit(7, usize::MAX)).unwrap().items().len(), 7);
        assert_eq!(feed.next_batch(limit(70, usize::MAX)).unwrap().items().len(), 70);
        let ten = feed.next_batch(limit(1_000, 15_000)).unwrap();
        assert!((8..=12).contains(&ten.items().len()), "{}", ten.items().len());
        // One item of any size is always read.
        assert_eq!(feed.next_batch(limit(1_000, 0)).unwrap().items().len(), 1);
        let mut read = 0;
        let mut largest = 0;
        loop {
            let batch = feed.next_batch(limit(1_000, 15_000)).unwrap();
            if batch.is_empty() {
                break;
            }
            let bytes: usize = batch.items().iter().map(|item| item.activity().details().unwrap().len()).sum();
            assert!(bytes <= 15_000 || batch.items().len() == 1, "{bytes} bytes in {} items", batch.items().len());
            (read, largest) = (read + batch.items().len(), largest.max(bytes));
            feed.acknowledge(&batch).unwrap();
        }
        assert_eq!((read, largest), (100, 50_000));
    }
}

/// The offsets are in another store than the activities, and the activities were lost.
#[test]
fn f2_offset_beyond_restored_store_is_rejected() {
    for place in places() {
        let offsets = std::sync::Arc::new(MemoryStore::new());
        let scene = Scene::new(&place);
        let feed = scene.fixture.filter.forwarders(offsets.clone()).create(&siem(), Start::Beginning).unwrap();
        scene.ingest_bobs(0..5);
        assert_eq!(drain(&feed, 9).0.len(), 5);
        let restored = Place::in_memory();
        let scene = Scene::new(&restored);
        scene.ingest_bobs(0..3);
        let feed = scene.fixture.filter.forwarders(offsets).open(&siem()).unwrap();
        let rejected = feed.next_batch(rows(9));
        assert!(matches!(&rejected, Err(ForwardError::ForeignOffset(name)) if *name == siem()), "{rejected:?}");
    }
}

#[test]
fn f2_low_level_batch_has_gap() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest(0, &["carol", "bob"]).ingest(1, &["carol", "adele", "bob"]);
        scene.erase("carol");
        let batch = scene.fixture.filter.forward(&Offset::START, PageSize::at_most(1)).unwrap();
        assert_eq!((batch.activities.len(), batch.gap.unwrap().missed.get()), (1, 1));
        let rest = scene.fixture.filter.forward(&batch.next, PageSize::MAX).unwrap();
        assert_eq!((rest.activities.len(), rest.gap.unwrap().missed.get()), (1, 1));
        let end = scene.fixture.filter.forward(&rest.next, PageSize::MAX).unwrap();
        assert_eq!((end.activities.len(), end.gap, end.next), (0, None, rest.next));
    }
}
