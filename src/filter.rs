//! The front door: drives the pure steps through the three ports.

mod access_report;
mod comparison;
mod engine_cache;
#[cfg(feature = "export")]
mod export;
mod governed;
mod ingest;
mod log;
mod opening;
mod pairing;
mod reconcile;
mod removal;
mod requests;
mod reveal;
mod runtime;
mod sinks;
mod view;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::access_report::AccessNotice;
use self::engine_cache::EngineCache;
pub use self::governed::{ChangeError, DryRunError, GovernanceError};
pub use self::ingest::{IngestError, IngestOutcome, IngestReport};
pub use self::opening::{OpenError, PrivacyFilterBuilder};
use self::pairing::Pairing;
pub use self::reconcile::ReconcileError;
use self::reconcile::Upkeep;
pub use self::removal::RemovalError;
use self::requests::Requests;
pub use self::reveal::{Reveal, RevealError};
use self::runtime::Runtime;
pub use self::runtime::SaltError;
pub use self::sinks::SinkChangeError;
pub use self::view::{Page, View, ViewError};
use crate::directory::{DirectorySnapshot, GroupDirectory};
use crate::forward::{ForwardBatch, Offset};
use crate::governance::RecordId;
use crate::identity::UserId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::PageSize;
use crate::sinks::TimeoutSink;
use crate::store::{ActivityStore, StoreError};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{ArcSwapOption, Mutex};

/// Decides at ingest who is protected, hides what they do, and reveals it on record alone.
///
/// Holds its three ports behind `Arc`s and has no type parameters; a clone is another handle on the same. Every method
/// blocks until it is done: in async code, hop once per batch onto a thread that may block. Dropping the last handle waits
/// until the calls of the sink that are under way are over, for at most the [limit of the sink](PrivacyFilterBuilder::sink_timeout).
///
/// See the [crate's front page](crate) for an example.
#[derive(Clone)]
pub struct PrivacyFilter {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ActivityStore>,
    directory: Arc<dyn GroupDirectory>,
    sink: TimeoutSink,
    runtime: Runtime,
    /// The newest revision that is known to have been in force.
    newest_policy: AtomicU64,
    engine_cache: EngineCache,
    /// The newest directory that was seen.
    newest: ArcSwapOption<DirectorySnapshot>,
    upkeep: Mutex<Upkeep>,
    requests: Requests,
    pairing: Pairing,
}

impl PrivacyFilter {
    /// The policy in force, read from the store.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn policy(&self) -> Result<Arc<PrivacyPolicy>, StoreError> {
        self.inner.policy()
    }

    /// The log as `viewer` may see it: public activities only.
    #[must_use]
    pub fn view(&self, viewer: &UserId) -> View {
        View::new(self.clone(), viewer.clone())
    }

    /// Returns what a forwarder is to send next, at most `size` activities after its offset.
    ///
    /// # Errors
    /// Returns [`StoreError::UnknownOffset`] if the offset is of another store, and [`StoreError`] if the store failed.
    pub fn forward(&self, after: &Offset, size: PageSize) -> Result<ForwardBatch, StoreError> {
        self.inner.not_apart()?;
        let found = self.inner.store.public_after(after, size.get())?;
        let next = found.last().map_or_else(|| after.clone(), |(offset, _)| offset.clone());
        Ok(ForwardBatch { activities: found.into_iter().map(|(_, activity)| activity).collect(), next })
    }
}

impl Inner {
    fn new(
        store: Arc<dyn ActivityStore>,
        directory: Arc<dyn GroupDirectory>,
        sink: TimeoutSink,
        runtime: Runtime,
        pairing: Pairing,
    ) -> Self {
        let (newest_policy, engine_cache) = (AtomicU64::new(0), EngineCache::default());
        let (newest, upkeep, requests) = (ArcSwapOption::empty(), Mutex::default(), Requests::default());
        Self { store, directory, sink, runtime, newest_policy, engine_cache, newest, upkeep, requests, pairing }
    }

    fn now(&self) -> DateTime<Utc> {
        (self.runtime.now)()
    }

    fn fresh_record(&self) -> RecordId {
        RecordId((self.runtime.fresh)())
    }

    fn policy(&self) -> Result<Arc<PrivacyPolicy>, StoreError> {
        self.check_pairing()?;
        // A store that held a policy when it was opened always holds one.
        self.policy_if_any()?.ok_or(StoreError::Stale { in_force: None })
    }

    /// The policy in force. It never goes back: an adapter that answers with an older one than before is not believed.
    fn policy_if_any(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        // Read before the store is asked, because a newer one may be published while it answers.
        let known = self.newest_policy();
        let Some(policy) = self.store.policy()? else { return Ok(None) };
        let given = policy.revision();
        if given < known {
            return Err(StoreError::WentBack { given, known });
        }
        self.in_force(given);
        Ok(Some(policy))
    }

    /// The newest revision that is known to have been in force.
    fn newest_policy(&self) -> Revision {
        Revision::from_number(self.newest_policy.load(Ordering::SeqCst))
    }

    /// Takes down that a policy is or was in force.
    fn in_force(&self, revision: Revision) {
        self.newest_policy.fetch_max(revision.number(), Ordering::SeqCst);
    }
}

impl fmt::Debug for PrivacyFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of its state: even what was last decided under would tell that something was ingested.
        f.debug_struct("PrivacyFilter").finish_non_exhaustive()
    }
}
