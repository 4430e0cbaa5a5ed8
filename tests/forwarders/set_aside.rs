//! Items that were set aside.

use activity_privacy::forward::{BatchLimit, ForwardError, SavedForwarder, Start};

use super::scene::*;
use crate::place::*;

#[test]
fn f2_item_set_aside_is_kept_until_forgotten() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        for number in 0..3 {
            scene.ingest(number, &["adele", "bob", "carol"]);
        }
        feed.set_aside_first(&feed.next_batch(BatchLimit::rows(5)).unwrap(), 9).unwrap();
        feed.set_aside_first(&feed.next_batch(BatchLimit::rows(5)).unwrap(), 9).unwrap();
        assert_eq!(drain(&feed, 9), (vec!["bob-1".into(), "carol-1".into(), "bob-2".into(), "carol-2".into()], 0));
        let again = Scene::again(&place).open();
        let id = |item: Option<activity_privacy::store::PublicActivity>| {
            item.map(|public| public.activity().id().as_str().to_owned())
        };
        let set_aside = again.set_aside().unwrap();
        assert_eq!(again.status().unwrap().set_aside, 2);
        let [bob, carol] = &set_aside[..] else { panic!("{set_aside:?}") };
        assert_eq!((id(bob.item.clone()), id(carol.item.clone())), (Some("bob-0".into()), Some("carol-0".into())));
        // An erasure removes the content, and the saved state contains none.
        scene.erase("carol");
        assert_eq!(again.set_aside().unwrap()[1].item, None);
        assert!(again.forget_set_aside(&bob.offset).unwrap());
        assert!(!again.forget_set_aside(&bob.offset).unwrap());
        assert_eq!(again.set_aside().unwrap().len(), 1);
    }
}

#[test]
fn f2_number_of_items_set_aside_is_limited() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = scene.create(Start::Beginning);
        scene.ingest_bobs(0..4);
        let next = || feed.next_batch(BatchLimit::rows(1)).unwrap();
        assert!(matches!(feed.set_aside_first(&next(), 0), Err(ForwardError::SetAsideFull { set_aside: 0, .. })));
        feed.set_aside_first(&next(), 2).unwrap();
        feed.set_aside_first(&next(), 2).unwrap();
        assert!(matches!(feed.set_aside_first(&next(), 2), Err(ForwardError::SetAsideFull { set_aside: 2, .. })));
        assert_eq!(ids(&next()), bobs([2]));
    }
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    let feed = scene.create(Start::Beginning);
    scene.ingest_bobs(0..SavedForwarder::MAX_SET_ASIDE + 1);
    for _ in 0..SavedForwarder::MAX_SET_ASIDE {
        feed.set_aside_first(&feed.next_batch(BatchLimit::rows(1)).unwrap(), usize::MAX).unwrap();
    }
    let last = feed.next_batch(BatchLimit::rows(1)).unwrap();
    assert!(matches!(feed.set_aside_first(&last, usize::MAX), Err(ForwardError::SetAsideFull { .. })));
}
