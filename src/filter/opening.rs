//! Opening a filter, over a store and a governance log that belong together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

use super::pairing::{Pair, Pairing, Unread};
use super::runtime::Runtime;
use super::{Inner, PrivacyFilter};
use crate::directory::GroupDirectory;
use crate::governance::{
    AcceptedDifference, Difference, GovernanceSink, NewPolicy, Pending, PolicyUpdateError, SinkError, WriteOnlySink,
};
use crate::identity::UserId;
use crate::policy::{Administrators, Denial, PolicyError, PrivacyPolicy};
use crate::sinks::TimeoutSink;
use crate::store::{ActivityStore, StoreError};

/// The reason why a filter cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store holds no policy yet.
    #[error("the store holds no policy yet; create one with `initialize`")]
    NoPolicy,
    /// The store already holds a policy.
    #[error("the store already holds a policy; open it with `open`")]
    AlreadyInitialized,
    /// The store and the governance log do not belong together.
    #[error(transparent)]
    Differs(Difference),
    /// The governance log cannot be read, so it is unknown whether it belongs to the store.
    #[error("the governance log cannot be read; if the sink is write-only, declare it with `write_only_sink`")]
    LogUnreadable(#[source] SinkError),
    /// The user who accepts a difference may not do so.
    #[error(transparent)]
    Denied(Denial),
    /// The difference cannot be accepted.
    #[error(transparent)]
    Invalid(PolicyError),
    /// The first policy, or the acceptance of a difference, could not be recorded, so nothing was done.
    #[error("the opening could not be recorded, so nothing was done")]
    Unrecorded(#[source] SinkError),
    /// The policy is in force, but its outcome could not be recorded.
    #[error("the policy is in force, but its outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PolicyUpdateError> for OpenError {
    fn from(error: PolicyUpdateError) -> Self {
        match error {
            PolicyUpdateError::Denied(denial) => Self::Denied(denial),
            PolicyUpdateError::Invalid(error) => Self::Invalid(error),
        }
    }
}

impl From<Unread> for OpenError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Store(error) => Self::Store(error),
            Unread::Log(error) => Self::LogUnreadable(error),
        }
    }
}

/// A builder of a [`PrivacyFilter`].
#[must_use]
pub struct PrivacyFilterBuilder {
    store: Arc<dyn ActivityStore>,
    directory: Arc<dyn GroupDirectory>,
    sink: Arc<dyn GovernanceSink>,
    sink_timeout: Duration,
    is_readable: bool,
    accepted: Option<AcceptedDifference>,
    pub(super) runtime: Runtime,
}

impl PrivacyFilter {
    /// Starts a builder with the three ports.
    pub fn builder(
        store: impl ActivityStore + 'static,
        directory: impl GroupDirectory + 'static,
        sink: impl GovernanceSink + 'static,
    ) -> PrivacyFilterBuilder {
        PrivacyFilterBuilder {
            store: Arc::new(store),
            directory: Arc::new(directory),
            sink: Arc::new(sink),
            sink_timeout: Duration::from_secs(5),
            is_readable: true,
            accepted: None,
            runtime: Runtime::default(),
        }
    }
}

impl PrivacyFilterBuilder {
    /// Sets the time limit of the sink for one record. The default is 5 seconds.
    pub fn sink_timeout(self, limit: Duration) -> Self {
        Self { sink_timeout: limit, ..self }
    }

    /// Sets the clock. The default is the system's clock.
    ///
    /// A reveal also ends when its lifetime has passed on the system's monotonic clock, so that it does not last longer if this
    /// clock is set back.
    pub fn clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.runtime.now = Box::new(now);
        self
    }

    /// Sets the source of new ids. It must never return an id twice. The ids may be guessable, because no salt is derived from
    /// them. The default source returns random ids, seeded by the operating system.
    pub fn id_source(mut self, fresh: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.runtime.fresh = Box::new(fresh);
        self
    }

    /// Declares that the sink cannot be read. The store and the log are then not compared, and approvals, access reports and
    /// governance queries return the error of the sink.
    pub fn write_only_sink(self, _: WriteOnlySink) -> Self {
        Self { is_readable: false, ..self }
    }

    /// Accepts a difference between the store and the log, in the name of an administrator: the missing data is lost. Opening
    /// records the acceptance as a change of the policy, which continues under a revision later than any that the store or the
    /// log knows. A store without a policy gets a first one with [`initialize`](Self::initialize).
    ///
    /// The acceptance holds for this one difference. If there is no difference, nothing is recorded. If there is another
    /// difference, or one more, the filter is not opened. Close every other filter over the store first: an open filter
    /// detects within about a second that the policy has another history. This has no effect for a
    /// [write-only](Self::write_only_sink) sink.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    ///
    /// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
    /// use activity_privacy::filter::{OpenError, PrivacyFilter};
    /// use activity_privacy::governance::{AcceptedDifference, Difference};
    /// use activity_privacy::identity::UserId;
    /// use activity_privacy::policy::{Administrators, Revision};
    ///
    /// let (officer, store) = (UserId::new("u-1")?, Arc::new(MemoryStore::new()));
    /// let builder = |log| PrivacyFilter::builder(Arc::clone(&store), MemoryDirectory::new(), log);
    /// builder(MemorySink::new()).initialize(Administrators::only_one(officer.clone()))?;
    ///
    /// // The log is lost.
    /// let Err(OpenError::Differs(difference)) = builder(MemorySink::new()).open() else { panic!("opened") };
    /// assert_eq!(difference, Difference::LogEmpty { store: Revision::FIRST });
    /// let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(officer, difference);
    /// let filter = builder(MemorySink::new()).accept_difference(accepted).open()?;
    /// assert_eq!(filter.policy()?.revision(), Revision::from_number(2));
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_difference(self, accepted: AcceptedDifference) -> Self {
        Self { accepted: Some(accepted), ..self }
    }

    /// Opens a filter over a store that holds a policy.
    ///
    /// # Errors
    /// Returns [`OpenError::NoPolicy`] if the store holds no policy, and [`OpenError::Differs`] if the store and the log do not
    /// belong together.
    pub fn open(self) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        filter.inner.begin(accepted.as_ref(), None)?;
        match filter.inner.policy_if_any()? {
            Some(_) => Ok(filter.reconciled()),
            None => Err(OpenError::NoPolicy),
        }
    }

    /// Creates the first policy of a store and opens a filter over it. No group is private, all activities are monitored, and
    /// `administrators` can change the policy.
    ///
    /// # Errors
    /// Returns [`OpenError::AlreadyInitialized`] if the store holds a policy, and [`OpenError::Differs`] if it holds none but the
    /// log records one.
    pub fn initialize(self, administrators: Administrators) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        // Checked first, so that no difference is accepted in vain.
        if accepted.is_some() && filter.inner.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        if !filter.inner.begin(accepted.as_ref(), Some(&administrators))? {
            filter.inner.initialize(&administrators)?;
        }
        Ok(filter.reconciled())
    }

    /// Opens a filter over a store, and creates the first policy if the store holds none. If it holds one,
    /// `administrators` is ignored.
    ///
    /// # Errors
    /// Returns [`OpenError`] if the store or the sink fails, or if the two do not belong together.
    pub fn open_or_initialize(self, administrators: Administrators) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        filter.inner.begin(accepted.as_ref(), Some(&administrators))?;
        if filter.inner.policy_if_any()?.is_none() {
            match filter.inner.initialize(&administrators) {
                Ok(()) | Err(OpenError::AlreadyInitialized) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filter.reconciled())
    }

    fn build(self) -> (PrivacyFilter, Option<AcceptedDifference>) {
        let Self { store, directory, sink, sink_timeout, is_readable, accepted, runtime } = self;
        let inner =
            Inner::new(store, directory, TimeoutSink::new(sink, sink_timeout), runtime, Pairing::new(is_readable));
        (PrivacyFilter { inner: Arc::new(inner) }, accepted)
    }
}

impl PrivacyFilter {
    /// Reconciles with the directory. A failure is retried with the next batch.
    fn reconciled(self) -> Self {
        let _ = self.inner.reconcile_now();
        self
    }
}

impl Inner {
    /// Checks that the store and the log belong together. Returns whether an accepted difference put a first policy in force.
    fn begin(
        &self,
        accepted: Option<&AcceptedDifference>,
        administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        if !self.pairing.is_readable() {
            return Ok(false);
        }
        let pair = self.pair()?;
        self.paired();
        let Some(difference) = pair.difference else {
            // If this fails, readers of the log see that an outcome is missing, and the next opening writes it.
            let _ = self.complete_intents(&pair);
            return Ok(false);
        };
        let Some(accepted) = accepted.filter(|accepted| accepted.difference() == difference) else {
            return Err(OpenError::Differs(difference));
        };
        let is_first = self.accept_difference(accepted.by(), &pair, difference, administrators)?;
        // Another difference needs an acceptance of its own.
        match self.pair()?.difference {
            None => Ok(is_first),
            Some(another) => Err(OpenError::Differs(another)),
        }
    }

    /// Accepts a difference and puts the policy in force under its new revision. Returns whether it is a first policy.
    fn accept_difference(
        &self,
        by: &UserId,
        pair: &Pair,
        difference: Difference,
        administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        let accepted = pair.acceptance(difference);
        let (record, now) = (self.fresh_record(), self.now());
        let policy = self.policy_if_any()?;
        let requested = match (&policy, administrators) {
            (Some(policy), _) => NewPolicy::accepting(policy, Some(policy.revision()), by, accepted, record, now),
            (None, Some(administrators)) => {
                NewPolicy::accepting(&PrivacyPolicy::initial(administrators), None, by, accepted, record, now)
            }
            (None, None) => return Err(OpenError::NoPolicy),
        };
        self.open_with(self.accept(requested)?)?;
        Ok(policy.is_none())
    }

    fn initialize(&self, administrators: &Administrators) -> Result<(), OpenError> {
        if self.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        match self.open_with(NewPolicy::initial(administrators, self.fresh_record(), self.now())) {
            Err(OpenError::Store(StoreError::Stale { .. })) => Err(OpenError::AlreadyInitialized),
            done => done,
        }
    }

    fn open_with(&self, pending: Pending<NewPolicy>) -> Result<(), OpenError> {
        let performed = self.put_in_force(pending, |_| {}).map_err(OpenError::Unrecorded)?;
        performed.effect?;
        performed.outcome.map(drop).map_err(OpenError::OutcomeUnrecorded)
    }
}

impl fmt::Debug for PrivacyFilterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyFilterBuilder").field("sink_timeout", &self.sink_timeout).finish_non_exhaustive()
    }
}
