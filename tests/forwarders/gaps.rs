//! Gaps where retention or an erasure overtook a forwarder.

use std::time::Duration;

use activity_privacy::forward::{BatchLimit, Start};
use activity_privacy::policy::{OptionsPatch, Retention};

use super::scene::*;
use crate::place::*;

/// Removes what was stored more than some seconds ago.
fn retain(scene: &Scene, seconds: u64) {
    let retention = Retention::of_activities(Duration::from_secs(seconds));
    scene.fixture.options(OptionsPatch::new().retention(Some(retention)));
    scene.fixture.filter.apply_retention().unwrap();
}

#[test]
fn f2_retention_leaves_gap_with_number_of_missed() {
    for place in places() {
        let scene = Scene::new(&place);
        let (slow, fast) =
            (scene.create(Start::Beginning), scene.forwarders.create(&"fast".parse().unwrap(), Start::Now).unwrap());
        scene.ingest_bobs(0..10);
        slow.acknowledge(&slow.next_batch(BatchLimit::rows(2)).unwrap()).unwrap();
        assert_eq!(drain(&fast, 3), (bobs(0..10), 0));
        // Retention does not wait: two of the six that it removes were read.
        retain(&scene, 4);
        let batch = slow.next_batch(BatchLimit::rows(2)).unwrap();
        assert_eq!((ids(&batch), batch.gap().unwrap().missed.get()), (vec!["bob-6", "bob-7"], 4));
        // A partial acknowledgement takes the gap with it.
        slow.acknowledge_first(&batch, 1).unwrap();
        assert_eq!(slow.status().unwrap().missed, 4);
        assert_eq!(drain(&slow, 9), (bobs(7..10), 0));
        assert_eq!(slow.status().unwrap().missed, 4, "each gap counts once");
        assert_eq!(fast.status().unwrap().missed, 0);
    }
}

#[test]
fn f2_erasure_leaves_gap_within_batch() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        for number in 0..4 {
            scene.ingest(number, &["adele", "bob", "carol"]);
        }
        let before = feed.next_batch(BatchLimit::rows(9)).unwrap();
        scene.erase("carol");
        let batch = feed.next_batch(BatchLimit::rows(9)).unwrap();
        assert_eq!((ids(&batch), batch.gap().unwrap().missed.get()), (vec!["bob-0", "bob-1", "bob-2", "bob-3"], 3));
        // The batch that was read before the erasure can still be acknowledged, because it was delivered.
        feed.acknowledge(&before).unwrap();
        assert_eq!(feed.status().unwrap().missed, 0);
        assert_eq!(drain(&feed, 9), (vec![], 0));
    }
}

#[test]
fn f2_gap_at_end_is_reported_with_next_activity() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.ingest_bobs(0..5);
        scene.erase("bob");
        let empty = feed.next_batch(BatchLimit::rows(9)).unwrap();
        assert!(empty.is_empty() && empty.gap().is_none());
        assert_eq!(feed.status().unwrap().lag, 5);
        scene.ingest(9, &["carol"]);
        assert_eq!(drain(&feed, 9), (vec!["carol-9".to_owned()], 5));
        assert_eq!(feed.status().unwrap().lag, 0);
    }
}

#[test]
fn f2_forwarder_from_beginning_reports_removed_activities() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..10);
        retain(&scene, 4);
        let late = scene.create(Start::Beginning);
        assert_eq!(drain(&late, 3), (bobs(6..10), 6));
        let now = scene.forwarders.create(&"now".parse().unwrap(), Start::Now).unwrap();
        scene.ingest(20, &["bob"]);
        assert_eq!(drain(&now, 3), (bobs([20]), 0));
    }
}
