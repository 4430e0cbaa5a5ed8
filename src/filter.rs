//! The filter, which drives the pure steps through the three ports.

mod access_report;
#[cfg(feature = "export")]
mod activity_export;
mod bulk_ingest;
mod comparison;
mod dry_run;
mod engine_cache;
mod feeds;
mod forwarders;
mod ingest;
mod log_reader;
mod opening;
mod pairing;
mod policy_update;
mod reconcile;
#[cfg(feature = "export")]
mod record_export;
mod record_then;
mod records;
mod removal;
mod requests;
mod reveal;
mod runtime;
mod sink_change;
mod view;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::access_report::AccessNotice;
pub use self::bulk_ingest::{BulkBatch, BulkIngest, BulkIngestError, BulkProgress};
pub use self::dry_run::DryRunError;
use self::engine_cache::EngineCache;
pub use self::feeds::{ActivitySource, RecordSource};
pub use self::forwarders::{ActivityFeed, Forwarders, RecordFeed};
pub use self::ingest::{IngestError, IngestOutcome, IngestReport};
pub use self::opening::{OpenError, PrivacyFilterBuilder};
use self::pairing::Pairing;
pub use self::policy_update::UpdatePolicyError;
pub use self::reconcile::ReconcileError;
use self::reconcile::ReconcileState;
pub use self::records::GovernanceError;
pub use self::removal::RemovalError;
use self::requests::Requests;
pub use self::reveal::{Reveal, RevealError};
use self::runtime::Runtime;
pub use self::runtime::SaltError;
pub use self::view::{Page, View, ViewError};
use crate::directory::{DirectorySnapshot, GroupDirectory};
use crate::governance::RecordId;
use crate::identity::UserId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::sinks::TimeoutSink;
use crate::store::{ActivityStore, StoreError};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{ArcSwapOption, Mutex};

/// A filter over an activity log: it decides at ingest which activities are private, hides them, and reveals them only
/// with a governance record.
///
/// The filter holds its three ports behind `Arc`s and has no type parameters. A clone is another handle to the same
/// filter. Every method blocks until it is done: async code moves once per batch to a thread that may block. Dropping
/// the last handle waits until the running calls of the sink have ended, for at most the [limit of the
/// sink](PrivacyFilterBuilder::sink_timeout).
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
    /// The newest revision known to have been in force.
    newest_policy: AtomicU64,
    engine_cache: EngineCache,
    /// The newest directory that the port returned.
    newest: ArcSwapOption<DirectorySnapshot>,
    reconcile_state: Mutex<ReconcileState>,
    requests: Requests,
    pairing: Pairing,
}

impl PrivacyFilter {
    /// Returns the policy in force, read from the store.
    ///
    /// # Errors
    /// Returns [`StoreError`] if it cannot be read.
    pub fn policy(&self) -> Result<Arc<PrivacyPolicy>, StoreError> {
        self.inner.policy()
    }

    /// Returns the activity log as `viewer` may see it without a reveal: public activities only. Every viewer sees the
    /// same ones: the service decides who may see the log at all. A cursor belongs to its viewer.
    #[must_use]
    pub fn view(&self, viewer: &UserId) -> View {
        View::new(self.clone(), viewer.clone())
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
        let (newest, reconcile_state, requests) = (ArcSwapOption::empty(), Mutex::default(), Requests::default());
        Self {
            store,
            directory,
            sink,
            runtime,
            newest_policy,
            engine_cache,
            newest,
            reconcile_state,
            requests,
            pairing,
        }
    }

    fn now(&self) -> DateTime<Utc> {
        (self.runtime.now)()
    }

    fn fresh_record(&self) -> RecordId {
        RecordId((self.runtime.fresh)())
    }

    fn policy(&self) -> Result<Arc<PrivacyPolicy>, StoreError> {
        self.check_pairing()?;
        // The store held a policy when the filter was opened, and a policy is never removed.
        self.policy_if_any()?.ok_or(StoreError::Stale { in_force: None })
    }

    /// Returns the policy in force. Rejects a policy that is older than one that the store returned before.
    fn policy_if_any(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        // Read before the store, because a newer policy may be published while the store answers.
        let known = self.newest_policy();
        let Some(policy) = self.store.policy()? else { return Ok(None) };
        let given = policy.revision();
        if given < known {
            return Err(StoreError::WentBack { given, known });
        }
        self.in_force(given);
        Ok(Some(policy))
    }

    /// Returns the newest revision known to have been in force.
    fn newest_policy(&self) -> Revision {
        Revision::from_number(self.newest_policy.load(Ordering::SeqCst))
    }

    /// Notes that a policy is or was in force.
    fn in_force(&self, revision: Revision) {
        self.newest_policy.fetch_max(revision.number(), Ordering::SeqCst);
    }
}

impl fmt::Debug for PrivacyFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No state: even the revision of the last decision would tell that activities were ingested.
        f.debug_struct("PrivacyFilter").finish_non_exhaustive()
    }
}
