//! Several nodes that use one forwarder.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;

use activity_privacy::forward::{BatchLimit, ForwardError, Start};

use super::scene::*;
use crate::place::*;

#[test]
fn f2_older_batch_of_second_node_is_superseded() {
    for place in places() {
        let (one, other) = (Scene::new(&place), Scene::again(&place));
        let feed = one.create(Start::Beginning);
        one.ingest_bobs(0..6);
        let second = other.open();
        let older = second.next_batch(BatchLimit::rows(2)).unwrap();
        feed.acknowledge(&feed.next_batch(BatchLimit::rows(4)).unwrap()).unwrap();
        assert!(matches!(second.acknowledge(&older), Err(ForwardError::Superseded(name)) if name == siem()));
        assert!(matches!(second.set_aside_first(&older, 9), Err(ForwardError::Superseded(_))));
        assert_eq!(drain(&second, 9), (bobs(4..6), 0));
        assert!(matches!(feed.acknowledge(&older), Err(ForwardError::Superseded(_))), "an acknowledged batch");
    }
}

/// Without a mark of its own, a forwarder that was created again at the same offset would take the acknowledgement of
/// the earlier one.
#[test]
fn f2_batch_of_removed_forwarder_is_superseded() {
    for place in places() {
        let (one, other) = (Scene::new(&place), Scene::again(&place));
        one.create(Start::Beginning);
        one.ingest_bobs(0..4);
        let of_the_earlier = other.open().next_batch(BatchLimit::rows(2)).unwrap();
        one.forwarders.remove(&siem()).unwrap();
        assert!(matches!(other.forwarders.open(&siem()), Err(ForwardError::Unknown(_))));
        let feed = one.create(Start::Beginning);
        let acknowledged = other.open().acknowledge(&of_the_earlier);
        assert!(matches!(acknowledged, Err(ForwardError::Superseded(_))), "{acknowledged:?}");
        assert_eq!(drain(&feed, 9), (bobs(0..4), 0));
    }
}

/// Four nodes deliver and acknowledge at the same time, while activities arrive.
#[test]
fn f2_concurrent_nodes_lose_nothing() {
    const EACH: usize = 40;
    for place in places() {
        let scene = Scene::new(&place);
        scene.create(Start::Beginning);
        let (delivered, place) = (&Mutex::new(BTreeMap::<String, usize>::new()), &place);
        let acknowledged = &Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(move || {
                    let feed = Scene::again(place).open();
                    while acknowledged.lock().unwrap().len() < EACH {
                        let batch = feed.next_batch(BatchLimit::rows(3)).unwrap();
                        for id in ids(&batch) {
                            *delivered.lock().unwrap().entry(id.to_owned()).or_default() += 1;
                        }
                        match feed.acknowledge(&batch) {
                            Ok(()) => acknowledged.lock().unwrap().extend(ids(&batch).into_iter().map(str::to_owned)),
                            Err(ForwardError::Superseded(_)) => {}
                            Err(error) => panic!("{error:?}"),
                        }
                    }
                });
            }
            scene.ingest_bobs(0..EACH);
        });
        let mut acknowledged = acknowledged.lock().unwrap().clone();
        acknowledged.sort();
        let mut all = bobs(0..EACH);
        all.sort();
        assert_eq!(acknowledged, all, "each is acknowledged once");
        assert_eq!(delivered.lock().unwrap().len(), EACH, "each was delivered");
    }
}
