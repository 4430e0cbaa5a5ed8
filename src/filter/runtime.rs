//! Where time and fresh ids come from: the core has neither.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use uuid::{Builder, Uuid};

pub(super) struct Runtime {
    pub(super) now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub(super) fresh: Box<dyn Fn() -> Uuid + Send + Sync>,
}

impl Default for Runtime {
    fn default() -> Self {
        let ids = FreshIds::default();
        Self { now: Box::new(|| SystemTime::now().into()), fresh: Box::new(move || ids.next()) }
    }
}

/// Ids that no other process and no other filter gives: two keyed hashes of a counter, under keys that the standard
/// library draws from the operating system. They need to be unique, not secret.
#[derive(Default)]
struct FreshIds {
    keys: [RandomState; 2],
    given: AtomicU64,
}

impl FreshIds {
    fn next(&self) -> Uuid {
        let number = self.given.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.keys;
        // The process too, because a fork copies keys and counter.
        let seed = (number, std::process::id());
        let random = Uuid::from_u64_pair(high.hash_one(seed), low.hash_one(seed));
        Builder::from_random_bytes(random.into_bytes()).into_uuid()
    }
}
