//! Destinations that refuse an item for good.

use activity_privacy::forward::{BatchLimit, Driver, OnRefusal, Phase, RefusedItem, Start, StopReason};

use super::destination::{Behaviour, Destination, quick, wait_for};
use super::scene::*;
use crate::place::*;

#[test]
fn f2_refused_item_stops_driver_by_default() {
    for place in places() {
        for whole in [false, true] {
            let scene = Scene::new(&place_like(&place));
            scene.ingest_bobs(0..6);
            let destination = Destination::new([]);
            destination.refused.lock().unwrap().push(("bob-3".to_owned(), whole));
            let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), quick()).unwrap();
            let state = wait_for(&driver, |state| state.phase == Phase::Stopped);
            let reason = if whole { "400 bad item" } else { "mapping failed" };
            let refused = RefusedItem { id: "bob-3".to_owned(), reason: reason.to_owned() };
            assert_eq!(state.stopped, Some(StopReason::Refused(refused.clone())));
            assert_eq!((state.last_refused, state.delivered, state.set_aside), (Some(refused), 3, 0));
            assert_eq!(destination.accepted(), bobs(0..3), "whole: {whole}");
            assert_eq!(ids(&scene.open().next_batch(BatchLimit::default()).unwrap()), bobs(3..6), "nothing is lost");
        }
    }
}

fn place_like(place: &Place) -> Place {
    #[cfg(feature = "sqlite")]
    if place.is_in_sqlite() {
        return Place::in_sqlite();
    }
    let _ = place;
    Place::in_memory()
}

#[test]
fn f2_refused_item_is_set_aside_with_count() {
    for place in places() {
        for whole in [false, true] {
            let scene = Scene::new(&place_like(&place));
            scene.ingest_bobs(0..9);
            let destination = Destination::new([]);
            for number in [0, 4, 5, 8] {
                destination.refused.lock().unwrap().push((format!("bob-{number}"), whole));
            }
            let options = quick().batch(BatchLimit::rows(4)).on_refusal(OnRefusal::SetAside { at_most: 9 });
            let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
            let state = wait_for(&driver, |state| state.delivered == 5 && state.set_aside == 4);
            assert_eq!(state.last_refused.unwrap().id, "bob-8");
            drop(driver);
            assert_eq!(destination.accepted(), bobs([1, 2, 3, 6, 7]), "each of the others once; whole: {whole}");
            let feed = scene.open();
            let set_aside = feed.set_aside().unwrap().into_iter();
            let set_aside: Vec<String> =
                set_aside.map(|item| item.item.unwrap().activity().id().as_str().to_owned()).collect();
            assert_eq!(set_aside, bobs([0, 4, 5, 8]));
            assert_eq!(drain(&feed, 9), (vec![], 0));
        }
    }
}

#[test]
fn f2_driver_stops_when_no_more_items_may_be_set_aside() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..5);
    let destination = Destination::new([]);
    for number in [1, 2, 3] {
        destination.refused.lock().unwrap().push((format!("bob-{number}"), false));
    }
    let options = quick().on_refusal(OnRefusal::SetAside { at_most: 2 });
    let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
    let state = wait_for(&driver, |state| state.phase == Phase::Stopped);
    assert!(matches!(state.stopped, Some(StopReason::Refused(item)) if item.id == "bob-3"));
    assert_eq!(scene.open().status().unwrap().set_aside, 2);
    assert_eq!(ids(&scene.open().next_batch(BatchLimit::default()).unwrap()), bobs(3..5));
}

/// A destination that refuses an item that it did not get is retried, and nothing is set aside.
#[test]
fn f2_refusal_of_item_outside_batch_is_retried() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..2);
    let destination = Destination::new([Behaviour::RefusesNth(7)]);
    let options = quick().on_refusal(OnRefusal::SetAside { at_most: 2 });
    let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
    let state = wait_for(&driver, |state| state.delivered == 2);
    assert_eq!((state.retries, state.set_aside), (1, 0));
}
