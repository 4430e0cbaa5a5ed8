//! A destination that does what a test tells it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::forward::{
    Accepted, BackOff, Batch, DeliveryError, Driver, DriverOptions, DriverState, Forwarder,
};
use activity_privacy::store::PublicActivity;

/// Far longer than anything takes, so that a test that waits in vain fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The behaviour of a destination in one delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behaviour {
    Accepts,
    /// Accepts the first items.
    AcceptsFirst(usize),
    Fails,
    Panics,
    /// Accepts after a time.
    Dawdles(Duration),
    /// Answers once the test opens the gate.
    WaitsAtGate,
    /// Refuses the item with this number within the batch, after it accepted those before it.
    RefusesNth(usize),
}

/// A destination, shared by its connections.
#[derive(Default)]
pub(crate) struct Destination {
    /// The next behaviours. Without any, the destination accepts.
    behaviours: Mutex<VecDeque<Behaviour>>,
    /// Ids that are refused always. With `true`, everything in their batch is.
    pub(crate) refused: Mutex<Vec<(String, bool)>>,
    /// The ids that were accepted, in order.
    accepted: Mutex<Vec<String>>,
    /// The ids of each delivery.
    deliveries: Mutex<Vec<Vec<String>>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) connections_fail: AtomicUsize,
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Destination {
    pub(crate) fn new(behaviours: impl IntoIterator<Item = Behaviour>) -> Arc<Self> {
        let behaviours = Mutex::new(behaviours.into_iter().collect());
        Arc::new(Self { behaviours, ..Self::default() })
    }

    pub(crate) fn accepted(&self) -> Vec<String> {
        self.accepted.lock().unwrap().clone()
    }

    pub(crate) fn deliveries(&self) -> Vec<Vec<String>> {
        self.deliveries.lock().unwrap().clone()
    }

    pub(crate) fn open_gate(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    /// Returns the function that connects.
    pub(crate) fn connect(
        self: &Arc<Self>,
    ) -> impl Fn() -> Result<Connection, DeliveryError> + Send + Sync + 'static + use<> {
        let destination = Arc::clone(self);
        move || {
            destination.connections.fetch_add(1, Ordering::SeqCst);
            let fails = destination
                .connections_fail
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            match fails {
                Ok(_) => Err(DeliveryError::unavailable("connection refused")),
                Err(_) => Ok(Connection(Arc::clone(&destination))),
            }
        }
    }

    fn accept(&self, ids: &[String]) {
        self.accepted.lock().unwrap().extend_from_slice(ids);
    }
}

pub(crate) struct Connection(Arc<Destination>);

impl Forwarder for Connection {
    fn deliver(&mut self, batch: &Batch<PublicActivity>) -> Result<Accepted, DeliveryError> {
        let destination = &self.0;
        let ids: Vec<String> = super::scene::ids(batch).into_iter().map(str::to_owned).collect();
        assert!(!ids.is_empty(), "an empty batch is not delivered");
        destination.deliveries.lock().unwrap().push(ids.clone());
        let refused = destination.refused.lock().unwrap().clone();
        if let Some((item, whole)) = ids
            .iter()
            .enumerate()
            .find_map(|(item, id)| refused.iter().find(|(refused, _)| refused == id).map(|(_, whole)| (item, *whole)))
        {
            if whole {
                return Err(DeliveryError::refused_all_because_of(item, "400 bad item"));
            }
            destination.accept(&ids[..item]);
            return Err(DeliveryError::refused(item, "mapping failed"));
        }
        let behaviour = destination.behaviours.lock().unwrap().pop_front().unwrap_or(Behaviour::Accepts);
        match behaviour {
            Behaviour::Accepts => {}
            Behaviour::AcceptsFirst(items) => {
                destination.accept(&ids[..items.min(ids.len())]);
                return Ok(Accepted::First(items));
            }
            Behaviour::Fails => return Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()),
            Behaviour::Panics => panic!("the destination panics on command"),
            Behaviour::Dawdles(time) => thread::sleep(time),
            Behaviour::WaitsAtGate => {
                let mut is_open = destination.is_open.lock().unwrap();
                while !*is_open {
                    is_open = destination.opened.wait(is_open).unwrap();
                }
            }
            Behaviour::RefusesNth(item) => {
                destination.accept(&ids[..item.min(ids.len())]);
                return Err(DeliveryError::refused(item, "no such field"));
            }
        }
        destination.accept(&ids);
        Ok(Accepted::All)
    }
}

/// Options with short times, and without randomness.
pub(crate) fn quick() -> DriverOptions {
    let back_off = BackOff::new(Duration::from_millis(2), Duration::from_millis(20));
    DriverOptions::default()
        .poll_every(Duration::from_millis(2))
        .back_off(back_off)
        .time_limit(Duration::from_secs(10))
        .jitter(|| 0)
}

/// Waits until the state of a driver fits.
pub(crate) fn wait_for(driver: &Driver, what: impl Fn(&DriverState) -> bool) -> DriverState {
    let until = Instant::now() + PATIENCE;
    loop {
        let state = driver.state();
        if what(&state) {
            return state;
        }
        assert!(Instant::now() < until, "the state never fits: {state:?}");
        thread::sleep(Duration::from_millis(1));
    }
}
