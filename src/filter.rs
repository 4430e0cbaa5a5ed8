//! The front door: drives the pure steps through the three ports.

#[cfg(feature = "export")]
mod export;
mod governed;
mod ingest;
mod log;
mod removal;
mod report;
mod reveal;
mod runtime;
mod screens;
mod sinks;
mod upkeep;
mod view;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

pub use self::governed::{ChangeError, DryRunError, GovernanceError};
pub use self::ingest::{Delivery, IngestError, IngestReport};
pub use self::removal::RemovalError;
pub use self::report::Look;
pub use self::reveal::{Reveal, RevealError};
use self::runtime::Runtime;
use self::screens::Screens;
pub use self::sinks::SinkChangeError;
pub use self::upkeep::FollowError;
use self::upkeep::Upkeep;
pub use self::view::{Page, View, ViewError};
use crate::directory::{DirectorySnapshot, GroupDirectory};
use crate::forward::{ForwardBatch, ForwardCursor};
use crate::governance::{BoundedSink, GovernanceSink, RecordId, SinkError};
use crate::identity::UserId;
use crate::policy::{PrivacyPolicy, Revision};
use crate::query::PageSize;
use crate::store::{ActivityStore, StoreError};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{ArcSwapOption, Mutex};

/// Decides at ingest who is protected, hides what they do, and reveals it on record alone.
///
/// Holds its three ports behind `Arc`s and has no type parameters; a clone is another handle on the same. Every method
/// blocks until it is done: in async code, hop once per batch onto a thread that may block. Dropping the last handle waits
/// until the calls of the sink that are under way are over, for at most the [limit of the sink](PrivacyFilterBuilder::sink_limit).
///
/// See the [crate's front page](crate) for an example.
#[derive(Clone)]
pub struct PrivacyFilter {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn ActivityStore>,
    directory: Arc<dyn GroupDirectory>,
    sink: BoundedSink,
    runtime: Runtime,
    /// The newest revision that is known to have been in force.
    newest_policy: AtomicU64,
    screens: Screens,
    /// The newest directory that was seen.
    newest: ArcSwapOption<DirectorySnapshot>,
    upkeep: Mutex<Upkeep>,
}

/// Why a filter cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store holds no policy yet: found one with [`PrivacyFilterBuilder::found`].
    #[error("the store holds no policy yet, expected one to be founded first")]
    NoPolicy,
    /// The store holds a policy already: open it.
    #[error("the store holds a policy already")]
    AlreadyFounded,
    /// The founding could not be recorded, so it did not happen.
    #[error("the founding of the policy could not be recorded")]
    Unrecorded(#[source] SinkError),
    /// The policy was founded, but the record that says so could not be written.
    #[error("the policy is in force, but its outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A filter in the making.
#[must_use]
pub struct PrivacyFilterBuilder {
    store: Arc<dyn ActivityStore>,
    directory: Arc<dyn GroupDirectory>,
    sink: Arc<dyn GovernanceSink>,
    sink_limit: Duration,
    runtime: Runtime,
}

impl PrivacyFilter {
    /// Begins a filter in front of three ports.
    pub fn builder(
        store: impl ActivityStore + 'static,
        directory: impl GroupDirectory + 'static,
        sink: impl GovernanceSink + 'static,
    ) -> PrivacyFilterBuilder {
        PrivacyFilterBuilder {
            store: Arc::new(store),
            directory: Arc::new(directory),
            sink: Arc::new(sink),
            sink_limit: Duration::from_secs(5),
            runtime: Runtime::default(),
        }
    }

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

    /// What a forwarder is to send next, at most `size` activities after its cursor.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    pub fn forward(&self, after: ForwardCursor, size: PageSize) -> Result<ForwardBatch, StoreError> {
        let found = self.inner.store.public_since(after.0, size.get())?;
        let next = found.last().map_or(after, |(place, _)| ForwardCursor(*place));
        Ok(ForwardBatch { activities: found.into_iter().map(|(_, activity)| activity).collect(), next })
    }
}

impl PrivacyFilterBuilder {
    /// How long the sink may take for one record before it counts as failed. Default: 5 seconds.
    pub fn sink_limit(self, limit: Duration) -> Self {
        Self { sink_limit: limit, ..self }
    }

    /// Where the time comes from. Default: the system's clock.
    pub fn clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.runtime.now = Box::new(now);
        self
    }

    /// Where fresh ids come from. Each must be one that was never given before. Default: random ones, seeded by the
    /// operating system.
    pub fn ids(mut self, fresh: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.runtime.fresh = Box::new(fresh);
        self
    }

    /// A filter over a store that holds a policy.
    ///
    /// # Errors
    /// [`OpenError::NoPolicy`] when it holds none.
    pub fn open(self) -> Result<PrivacyFilter, OpenError> {
        let filter = self.build();
        match filter.inner.policy_if_any()? {
            Some(_) => Ok(filter.following()),
            None => Err(OpenError::NoPolicy),
        }
    }

    /// A filter over a store that holds no policy yet. Founds one: nobody is private, everybody is monitored, and
    /// `administrator` can change that.
    ///
    /// # Errors
    /// [`OpenError::AlreadyFounded`] when there is a policy.
    pub fn found(self, administrator: UserId) -> Result<PrivacyFilter, OpenError> {
        let filter = self.build();
        filter.inner.found(administrator)?;
        Ok(filter.following())
    }

    /// A filter over a store, whether it holds a policy or not.
    ///
    /// # Errors
    /// [`OpenError`] when the store or the sink fails.
    pub fn open_or_found(self, administrator: UserId) -> Result<PrivacyFilter, OpenError> {
        let filter = self.build();
        if filter.inner.policy_if_any()?.is_none() {
            match filter.inner.found(administrator) {
                Ok(()) | Err(OpenError::AlreadyFounded) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filter.following())
    }

    fn build(self) -> PrivacyFilter {
        let Self { store, directory, sink, sink_limit, runtime } = self;
        let sink = BoundedSink::new(sink, sink_limit);
        let (newest_policy, screens) = (AtomicU64::new(0), Screens::default());
        let (newest, upkeep) = (ArcSwapOption::empty(), Mutex::default());
        let inner = Inner { store, directory, sink, runtime, newest_policy, screens, newest, upkeep };
        PrivacyFilter { inner: Arc::new(inner) }
    }
}

impl PrivacyFilter {
    /// Begins to follow the directory. What fails is tried again with the next batch.
    fn following(self) -> Self {
        let _ = self.inner.follow_now();
        self
    }
}

impl Inner {
    fn now(&self) -> DateTime<Utc> {
        (self.runtime.now)()
    }

    fn fresh_record(&self) -> RecordId {
        RecordId((self.runtime.fresh)())
    }

    fn policy(&self) -> Result<Arc<PrivacyPolicy>, StoreError> {
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

impl fmt::Debug for PrivacyFilterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyFilterBuilder").field("sink_limit", &self.sink_limit).finish_non_exhaustive()
    }
}
