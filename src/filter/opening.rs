//! Opening a filter, over a store and a governance log that belong together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::Uuid;

use super::pairing::{ComparisonError, Pair, Pairing};
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
    StoreAndLogDiffer(Difference),
    /// The governance log cannot be read, so it is unknown whether it belongs to the store.
    #[error("the governance log cannot be read; if the sink is write-only, declare it with `write_only_sink`")]
    LogUnreadable(#[source] SinkError),
    /// The user who accepts the difference is not allowed to.
    #[error(transparent)]
    Denied(Denial),
    /// The policy that the acceptance would put in force is invalid.
    #[error("the difference cannot be accepted: {0}")]
    InvalidPolicy(PolicyError),
    /// The first policy, or the acceptance of a difference, could not be recorded, so nothing was changed.
    #[error(
        "the first policy or the acceptance of the difference could not be recorded, so nothing was changed; try again"
    )]
    Unrecorded(#[source] SinkError),
    /// The policy is in force, but the outcome of the change could not be recorded.
    #[error(
        "the policy is in force, but the outcome of the change could not be recorded; call `open`, which records it"
    )]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed while it put the policy in force, so the policy may be in force or not.
    #[error("the policy may be in force or not; call `open` to find out")]
    OutcomeUnknown(#[source] StoreError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PolicyUpdateError> for OpenError {
    fn from(error: PolicyUpdateError) -> Self {
        match error {
            PolicyUpdateError::Denied(denial) => Self::Denied(denial),
            PolicyUpdateError::Invalid(error) => Self::InvalidPolicy(error),
        }
    }
}

impl From<ComparisonError> for OpenError {
    fn from(error: ComparisonError) -> Self {
        match error {
            ComparisonError::Store(error) => Self::Store(error),
            ComparisonError::Log(error) => Self::LogUnreadable(error),
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
    sink_is_readable: bool,
    accepted: Option<AcceptedDifference>,
    pub(super) runtime: Runtime,
}

impl PrivacyFilter {
    /// Starts a builder with the store, the directory and the governance sink.
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
            sink_is_readable: true,
            accepted: None,
            runtime: Runtime::default(),
        }
    }
}

impl PrivacyFilterBuilder {
    /// Sets the time limit for each call to the sink, including the wait for earlier calls. The default is 5 seconds.
    pub fn sink_timeout(self, limit: Duration) -> Self {
        Self { sink_timeout: limit, ..self }
    }

    /// Sets the clock. The default is the system's clock.
    ///
    /// A reveal also ends when its lifetime has passed on the system's monotonic clock, so that it does not last longer
    /// if this clock is set back.
    pub fn clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.runtime.now = Box::new(now);
        self
    }

    /// Sets the source of new ids. It must never return an id twice. It is safe for ids to be guessable: no
    /// salt is derived from them. The default source returns random ids, seeded by the operating system.
    pub fn id_source(mut self, fresh: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.runtime.fresh = Box::new(fresh);
        self
    }

    /// Declares that the sink cannot be read. The store and the log are not compared, and approvals, access
    /// reports and governance queries fail with the sink's error. A store or log restored from an older copy then
    /// remains undetected; the [`WriteOnlySink`] argument makes the caller acknowledge that.
    pub fn write_only_sink(self, _: WriteOnlySink) -> Self {
        Self { sink_is_readable: false, ..self }
    }

    /// Opens the filter although the store and the log differ in the given way, because an administrator accepts that
    /// the missing data is lost. Opening records this acceptance as a policy change; the policy keeps its content and
    /// gets a revision higher than any in the store or the log. If the store holds no policy, call
    /// [`initialize`](Self::initialize) or [`open_or_initialize`](Self::open_or_initialize), which create the first
    /// one; [`open`](Self::open) fails with [`OpenError::NoPolicy`].
    ///
    /// The acceptance holds for this one difference. If there is no difference, nothing is recorded. If the store and
    /// the log differ in any other way, before or after the acceptance, the filter is not opened. This has no effect
    /// for a [write-only](Self::write_only_sink) sink.
    ///
    /// Close every other filter over the store first. An open filter detects that its policy was replaced only when it
    /// next compares the store with the log: usually within a second, later if comparisons are slow or fail.
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
    /// let Err(OpenError::StoreAndLogDiffer(difference)) = builder(MemorySink::new()).open() else { panic!("opened") };
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
    /// Returns [`OpenError::NoPolicy`] if the store holds no policy, and [`OpenError::StoreAndLogDiffer`] if the store
    /// and the log do not belong together.
    pub fn open(self) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        filter.inner.check_pairing_or_accept(accepted.as_ref(), None)?;
        match filter.inner.policy_if_any()? {
            Some(_) => Ok(filter.reconciled()),
            None => Err(OpenError::NoPolicy),
        }
    }

    /// Creates the first policy of a store and opens a filter over it. No group is private, all activities are
    /// monitored, and `administrators` can change the policy.
    ///
    /// # Errors
    /// Returns [`OpenError::AlreadyInitialized`] if the store holds a policy, and [`OpenError::StoreAndLogDiffer`] if
    /// it holds none but the log records one.
    pub fn initialize(self, administrators: Administrators) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        // Checked first, so that a call that must fail does not record an acceptance.
        if filter.inner.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        let created_first_policy = filter.inner.check_pairing_or_accept(accepted.as_ref(), Some(&administrators))?;
        if !created_first_policy {
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
        filter.inner.check_pairing_or_accept(accepted.as_ref(), Some(&administrators))?;
        if filter.inner.policy_if_any()?.is_none() {
            match filter.inner.initialize(&administrators) {
                Ok(()) | Err(OpenError::AlreadyInitialized) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filter.reconciled())
    }

    fn build(self) -> (PrivacyFilter, Option<AcceptedDifference>) {
        let Self { store, directory, sink, sink_timeout, sink_is_readable, accepted, runtime } = self;
        let sink = TimeoutSink::new(sink, sink_timeout);
        let inner = Inner::new(store, directory, sink, runtime, Pairing::new(sink_is_readable));
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
    /// Checks that the store and the log belong together, or accepts their difference. If the store holds no policy, an
    /// acceptance creates the first one with `first_administrators`; without them it fails with
    /// [`OpenError::NoPolicy`]. Returns whether it created the first policy.
    fn check_pairing_or_accept(
        &self,
        accepted: Option<&AcceptedDifference>,
        first_administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        if !self.pairing.is_readable() {
            return Ok(false);
        }
        let pair = self.compare()?;
        self.note_comparison();
        let Some(difference) = pair.difference else {
            // If this fails, readers of the log see that an outcome is missing, and the next opening writes it.
            let _ = self.complete_intents(&pair);
            return Ok(false);
        };
        let Some(accepted) = accepted.filter(|accepted| accepted.difference() == difference) else {
            return Err(OpenError::StoreAndLogDiffer(difference));
        };
        let created_first_policy = self.accept_difference(accepted.by(), &pair, difference, first_administrators)?;
        // Another difference needs an acceptance of its own.
        match self.compare()?.difference {
            None => Ok(created_first_policy),
            Some(another) => Err(OpenError::StoreAndLogDiffer(another)),
        }
    }

    /// Accepts a difference and puts the policy in force under its new revision. Returns whether it created the first
    /// policy.
    fn accept_difference(
        &self,
        by: &UserId,
        pair: &Pair,
        difference: Difference,
        first_administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        let acceptance = pair.acceptance(difference);
        let (record, now) = (self.fresh_record(), self.now());
        let policy = self.policy_if_any()?;
        let requested = match (&policy, first_administrators) {
            (Some(policy), _) => {
                NewPolicy::accept_difference(policy, Some(policy.revision()), by, acceptance, record, now)
            }
            (None, Some(administrators)) => {
                NewPolicy::accept_difference(&PrivacyPolicy::initial(administrators), None, by, acceptance, record, now)
            }
            (None, None) => return Err(OpenError::NoPolicy),
        };
        self.put_in_force_at_opening(self.allowed_or_record_rejection(requested)?)?;
        Ok(policy.is_none())
    }

    fn initialize(&self, administrators: &Administrators) -> Result<(), OpenError> {
        // Checked again, because another process may have created the policy.
        if self.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        let pending = NewPolicy::initial(administrators, self.fresh_record(), self.now());
        match self.put_in_force_at_opening(pending) {
            Err(OpenError::Store(StoreError::Stale { .. })) => Err(OpenError::AlreadyInitialized),
            result => result,
        }
    }

    fn put_in_force_at_opening(&self, pending: Pending<NewPolicy>) -> Result<(), OpenError> {
        let performed = self.put_in_force(pending, |_| {}).map_err(OpenError::Unrecorded)?;
        performed.effect.map_err(|error| match error {
            StoreError::Stale { .. } => OpenError::Store(error),
            error => OpenError::OutcomeUnknown(error),
        })?;
        performed.outcome.map(drop).map_err(OpenError::OutcomeUnrecorded)
    }
}

impl fmt::Debug for PrivacyFilterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyFilterBuilder").field("sink_timeout", &self.sink_timeout).finish_non_exhaustive()
    }
}
