//! The threads and the memory of a driver.

use std::time::{Duration, Instant};

use activity_privacy::forward::{BatchLimit, Driver, DriverOptions, Phase, Start};
use activity_privacy::query::PageSize;

use super::destination::{Behaviour, Destination, quick, wait_for};
use super::scene::*;
use crate::fixture::*;
use crate::place::*;

#[test]
fn f2_destination_that_never_answers_is_bounded() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..4);
        let hanging = Destination::new([Behaviour::WaitsAtGate; 1_000]);
        let options = quick().time_limit(Duration::from_millis(15)).batch(BatchLimit::rows(2));
        let driver = Driver::start(scene.create(Start::Beginning), hanging.connect(), options).unwrap();
        let state = wait_for(&driver, |state| state.phase == Phase::Hanging && state.lag == 4);
        assert_eq!((state.delivered, state.failures), (0, 2));
        assert_eq!(hanging.deliveries(), [bobs(0..2), bobs(0..2)], "no thread is added for each retry");
        // Another forwarder of the same filter is not delayed.
        let other = scene.forwarders.create(&"other".parse().unwrap(), Start::Beginning).unwrap();
        let destination = Destination::new([]);
        let healthy = Driver::start(other, destination.connect(), quick()).unwrap();
        wait_for(&healthy, |state| state.delivered == 4);
        assert_eq!(hanging.deliveries().len(), Driver::MAX_THREADS);
        hanging.open_gate();
        let state = wait_for(&driver, |state| state.phase == Phase::Waiting);
        assert_eq!((state.delivered, state.lag), (4, 0));
    }
}

#[test]
fn f2_stop_does_not_wait_for_hanging_destination() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..4);
    let hanging = Destination::new([Behaviour::WaitsAtGate; 1_000]);
    let options = quick().time_limit(Duration::from_millis(15));
    let driver = Driver::start(scene.create(Start::Beginning), hanging.connect(), options).unwrap();
    wait_for(&driver, |state| state.phase == Phase::Hanging);
    let begun = Instant::now();
    assert_eq!(driver.stop().delivered, 0);
    assert!(begun.elapsed() < Duration::from_secs(5));
    hanging.open_gate();
    assert_eq!(ids(&scene.open().next_batch(BatchLimit::default()).unwrap()), bobs(0..4));
}

#[test]
fn f2_batch_in_flight_respects_bytes() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    for number in 0..20 {
        let actor = activity_privacy::activity::Actor::user(alias("bob@contoso.com"));
        let large = begun(&format!("bob-{number}"), actor).details("x".repeat(10_000)).build().unwrap();
        scene.fixture.ingest(&[large]);
    }
    let destination = Destination::new([]);
    let options = quick().batch(BatchLimit::new(PageSize::MAX, 35_000));
    let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
    wait_for(&driver, |state| state.delivered == 20);
    assert!(destination.deliveries().iter().all(|ids| (1..=3).contains(&ids.len())));
}

#[test]
fn f2_driver_with_default_options_stops_when_dropped() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..2);
    let destination = Destination::new([]);
    let driver =
        Driver::start(scene.create(Start::Beginning), destination.connect(), DriverOptions::default()).unwrap();
    wait_for(&driver, |state| state.delivered == 2);
    drop(driver);
    scene.ingest_bobs(2..4);
    assert_eq!(destination.accepted(), bobs(0..2));
}
