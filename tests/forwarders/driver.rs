//! The driver, with destinations that fail.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::forward::{BatchLimit, Driver, Phase, Start, StopReason};

use super::destination::{Behaviour, Destination, quick, wait_for};
use super::scene::*;
use crate::fixture::at;
use crate::place::*;

fn is_done(number: u64) -> impl Fn(&activity_privacy::forward::DriverState) -> bool {
    move |state| state.delivered >= number && state.phase == Phase::Waiting
}

#[test]
fn f2_driver_delivers_once_if_nothing_fails() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..10);
        let destination = Destination::new([]);
        let options = quick().batch(BatchLimit::rows(3));
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
        wait_for(&driver, is_done(10));
        scene.ingest_bobs(10..14);
        let state = wait_for(&driver, is_done(14));
        assert_eq!((state.lag, state.behind, state.retries, state.failures), (0, Duration::ZERO, 0, 0));
        assert!(state.last_delivery.unwrap() <= at(14));
        let end = driver.stop();
        assert_eq!((end.phase, end.stopped), (Phase::Stopped, Some(StopReason::Requested)));
        assert_eq!(destination.accepted(), bobs(0..14), "in the order of storing, each once");
        assert_eq!(destination.connections.load(Ordering::SeqCst), 1);
        assert!(destination.deliveries().iter().all(|ids| ids.len() <= 3), "the limit of what is in flight");
    }
}

#[test]
fn f2_failing_destination_is_retried_until_it_accepts() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..6);
        let destination = Destination::new([Behaviour::Accepts, Behaviour::Fails, Behaviour::Fails, Behaviour::Panics]);
        destination.connections_fail.store(2, Ordering::SeqCst);
        let options = quick().batch(BatchLimit::rows(2));
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
        let state = wait_for(&driver, is_done(6));
        assert_eq!((state.delivered, state.retries, state.failures), (6, 5, 0));
        assert_eq!(state.last_error.unwrap().message, "the destination panicked");
        drop(driver);
        assert_eq!(destination.accepted(), bobs(0..6));
        assert_eq!(destination.connections.load(Ordering::SeqCst), 6, "a new connection after each error");
    }
}

#[test]
fn f2_error_of_destination_is_named_in_state() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..2);
    let destination = Destination::new([Behaviour::Fails; 1_000]);
    let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), quick()).unwrap();
    scene.fixture.advance(100);
    let state = wait_for(&driver, |state| state.failures > 2 && state.behind > Duration::from_secs(100));
    assert!(state.phase == Phase::BackingOff || state.phase == Phase::Delivering, "{state:?}");
    assert_eq!((state.delivered, state.lag), (0, 2));
    assert_eq!(state.behind, Duration::from_secs(102));
    assert_eq!(state.last_error.unwrap().message, "the destination is unavailable: connection reset");
    let document = serde_json::to_value(driver.state()).unwrap();
    assert_eq!((&document["lag"], &document["behind"]), (&2.into(), &102.into()));
}

#[test]
fn f2_half_batch_is_delivered_without_repetition() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..8);
        let destination = Destination::new([
            Behaviour::AcceptsFirst(2),
            Behaviour::AcceptsFirst(0),
            Behaviour::AcceptsFirst(1),
            Behaviour::AcceptsFirst(99),
        ]);
        let options = quick().batch(BatchLimit::rows(4));
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
        let state = wait_for(&driver, is_done(8));
        assert_eq!(state.retries, 1, "a delivery of which nothing was accepted");
        drop(driver);
        assert_eq!(destination.accepted(), bobs(0..8));
    }
}

/// The first answer comes after the time limit, and before the retry.
#[test]
fn f2_late_answer_counts() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..3);
        let destination = Destination::new([Behaviour::Dawdles(Duration::from_millis(60))]);
        let wait = activity_privacy::forward::BackOff::new(Duration::from_secs(2), Duration::from_secs(2));
        let options = quick().time_limit(Duration::from_millis(10)).back_off(wait);
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
        let state = wait_for(&driver, is_done(3));
        assert!(state.last_error.unwrap().message.starts_with("the destination did not answer within 0.01 seconds"));
        drop(driver);
        assert_eq!(destination.accepted(), bobs(0..3), "the batch is not delivered again");
    }
}

/// The answer comes after the batch was delivered again.
#[test]
fn f2_answer_after_retry_loses_nothing() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..6);
        let destination = Destination::new([Behaviour::Accepts, Behaviour::WaitsAtGate]);
        let options = quick().time_limit(Duration::from_millis(20)).batch(BatchLimit::rows(2));
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
        wait_for(&driver, is_done(6));
        destination.open_gate();
        scene.ingest_bobs(6..7);
        let state = wait_for(&driver, is_done(7));
        assert_eq!(state.delivered, 7);
        drop(driver);
        let mut accepted = destination.accepted();
        accepted.sort();
        accepted.dedup();
        assert_eq!(accepted, bobs(0..7), "some twice, none lost");
    }
}

#[test]
fn f2_stop_acknowledges_delivery_in_progress() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..3);
        let destination = Destination::new([Behaviour::Dawdles(Duration::from_millis(100))]);
        let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), quick()).unwrap();
        while destination.deliveries().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        let state = driver.stop();
        assert_eq!((state.delivered, state.stopped), (3, Some(StopReason::Requested)));
        assert!(scene.open().next_batch(BatchLimit::default()).unwrap().is_empty());
    }
}

#[test]
fn f2_stop_ends_delay_at_once() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    scene.ingest_bobs(0..1);
    let long = activity_privacy::forward::BackOff::new(Duration::MAX, Duration::MAX);
    let destination = Destination::new([Behaviour::Fails]);
    let options = quick().back_off(long).time_limit(Duration::MAX).poll_every(Duration::MAX);
    let driver = Driver::start(scene.create(Start::Beginning), destination.connect(), options).unwrap();
    wait_for(&driver, |state| state.phase == Phase::BackingOff);
    let begun = Instant::now();
    drop(driver);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn f2_removed_forwarder_stops_driver() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    let driver = Driver::start(scene.create(Start::Beginning), Destination::new([]).connect(), quick()).unwrap();
    scene.forwarders.remove(&siem()).unwrap();
    let state = wait_for(&driver, |state| state.phase == Phase::Stopped);
    assert_eq!(state.stopped, Some(StopReason::Removed));
}

#[test]
fn f2_two_drivers_of_one_forwarder_lose_nothing() {
    for place in places() {
        let (one, other) = (Scene::new(&place), Scene::again(&place));
        one.ingest_bobs(0..30);
        let destination = Destination::new([]);
        let options = || quick().batch(BatchLimit::rows(2));
        let first = Driver::start(one.create(Start::Beginning), destination.connect(), options()).unwrap();
        let second = Driver::start(other.open(), destination.connect(), options()).unwrap();
        one.ingest_bobs(30..60);
        let waits = |state: &activity_privacy::forward::DriverState| state.phase == Phase::Waiting && state.lag == 0;
        while !one.open().next_batch(BatchLimit::rows(1)).unwrap().is_empty() {
            thread::sleep(Duration::from_millis(1));
        }
        wait_for(&first, waits);
        wait_for(&second, waits);
        let (first, second) = (first.stop(), second.stop());
        assert_eq!(first.delivered + second.delivered, 60, "each is acknowledged once");
        let mut accepted = destination.accepted();
        accepted.sort();
        accepted.dedup();
        assert_eq!(accepted.len(), 60);
    }
}
