//! Where time, fresh ids and salts come from: the core has none of them.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::governance::Salt;

pub(super) struct Runtime {
    pub(super) now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub(super) fresh: Box<dyn Fn() -> Uuid + Send + Sync>,
    /// Fills bytes from the operating system's cryptographic source. No embedder can put another one here.
    random: fn(&mut [u8]) -> Result<(), getrandom::Error>,
}

/// The operating system gave no random bytes for salts. Nothing was done or recorded.
#[derive(Debug, Error)]
#[error("the operating system gave no random bytes, so nothing was done; try again")]
pub struct SaltError(#[source] getrandom::Error);

impl Runtime {
    /// Draws salts, all at once. Called before anything is done that they are needed for, its outcome included.
    pub(super) fn salts<const N: usize>(&self) -> Result<[Salt; N], SaltError> {
        let mut bytes = [[0; Salt::BYTES]; N];
        (self.random)(bytes.as_flattened_mut()).map_err(SaltError)?;
        Ok(bytes.map(Salt::from_bytes))
    }
}

impl Default for Runtime {
    fn default() -> Self {
        let ids = FreshIds::default();
        Self {
            now: Box::new(|| SystemTime::now().into()),
            fresh: Box::new(move || ids.next()),
            random: getrandom::fill,
        }
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
