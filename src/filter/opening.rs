//! Opening a filter: over a store that holds a policy, or with a first one; and only over a store and a log that belong
//! together.

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
    AcceptedDifference, ChangeRefusal, Difference, GovernanceSink, PendingChange, RecordedChange, Refused, SinkError,
    WriteOnlySink,
};
use crate::identity::UserId;
use crate::policy::{Administrators, Denial, PolicyError, PrivacyPolicy};
use crate::sinks::TimeoutSink;
use crate::store::{ActivityStore, StoreError};

/// Why a filter cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store holds no policy yet.
    #[error("the store holds no policy yet; create one with `initialize`")]
    NoPolicy,
    /// The store holds a policy already.
    #[error("the store holds a policy already; open it with `open`")]
    AlreadyInitialized,
    /// The store and the governance log do not belong together.
    #[error(transparent)]
    Differs(Difference),
    /// The governance log cannot be read, so nobody can tell whether it and the store belong together.
    #[error("the governance log cannot be read; if the sink is write-only, say so with `write_only_sink`")]
    LogUnreadable(#[source] SinkError),
    /// The user who accepts a difference may not.
    #[error(transparent)]
    Denied(Denial),
    /// A difference cannot be accepted.
    #[error(transparent)]
    Invalid(PolicyError),
    /// The first policy, or the acceptance of a difference, could not be recorded, so nothing was done.
    #[error("opening could not be recorded, so nothing was done")]
    Unrecorded(#[source] SinkError),
    /// The policy is in force, but the record that says so could not be written.
    #[error("the policy is in force, but its outcome could not be recorded")]
    OutcomeUnrecorded(#[source] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Unread> for OpenError {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::Store(error) => Self::Store(error),
            Unread::Log(error) => Self::LogUnreadable(error),
        }
    }
}

/// A filter in the making.
#[must_use]
pub struct PrivacyFilterBuilder {
    store: Arc<dyn ActivityStore>,
    directory: Arc<dyn GroupDirectory>,
    sink: Arc<dyn GovernanceSink>,
    sink_timeout: Duration,
    is_read: bool,
    accepted: Option<AcceptedDifference>,
    pub(super) runtime: Runtime,
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
            sink_timeout: Duration::from_secs(5),
            is_read: true,
            accepted: None,
            runtime: Runtime::default(),
        }
    }
}

impl PrivacyFilterBuilder {
    /// How long the sink may take for one record before it counts as failed. Default: 5 seconds.
    pub fn sink_timeout(self, limit: Duration) -> Self {
        Self { sink_timeout: limit, ..self }
    }

    /// Where the time comes from. Default: the system's clock.
    ///
    /// A reveal also ends when its lifetime has passed on the system's monotonic clock, so that it does not live longer
    /// because this one goes back.
    pub fn clock(mut self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.runtime.now = Box::new(now);
        self
    }

    /// Where fresh ids come from. Each must be one that was never given before; it can be one that others can guess, because
    /// no salt is made of it. Default: random ones, seeded by the operating system.
    pub fn id_source(mut self, fresh: impl Fn() -> Uuid + Send + Sync + 'static) -> Self {
        self.runtime.fresh = Box::new(fresh);
        self
    }

    /// States that the sink cannot be read. The store and the log are then not held against each other, and approvals,
    /// access reports and governance queries fail as the sink does.
    pub fn write_only_sink(self, _: WriteOnlySink) -> Self {
        Self { is_read: false, ..self }
    }

    /// Accepts that the store and the log differ, in the name of an administrator: what the store or the log lacks is
    /// lost. Opening records the acceptance as a change of the policy, which then goes on under a revision later than any
    /// that the two know. A store without a policy begins anew, with [`initialize`](Self::initialize).
    ///
    /// Accepts this one difference: if the two belong together nothing is recorded, and if they differ in another way, or in
    /// one more way, the filter is not opened. Close every other filter over the store before: one that is open notices within
    /// about a second that the policy has another history. Without effect for a sink that is
    /// [write-only](Self::write_only_sink).
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
    /// Returns [`OpenError::NoPolicy`] if the store holds none, and [`OpenError::Differs`] if the store and the log do not
    /// belong together.
    pub fn open(self) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        filter.inner.begin(accepted.as_ref(), None)?;
        match filter.inner.policy_if_any()? {
            Some(_) => Ok(filter.following()),
            None => Err(OpenError::NoPolicy),
        }
    }

    /// Creates the first policy of a store and opens a filter over it: no group is private, everybody is monitored, and
    /// `administrators` can change that.
    ///
    /// # Errors
    /// Returns [`OpenError::AlreadyInitialized`] if the store holds a policy, and [`OpenError::Differs`] if it holds none
    /// but the log records one.
    pub fn initialize(self, administrators: Administrators) -> Result<PrivacyFilter, OpenError> {
        let (filter, accepted) = self.build();
        // Before a difference is accepted for nothing.
        if accepted.is_some() && filter.inner.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        if !filter.inner.begin(accepted.as_ref(), Some(&administrators))? {
            filter.inner.initialize(&administrators)?;
        }
        Ok(filter.following())
    }

    /// Opens a filter over a store, and creates the first policy if the store holds none. If it holds one,
    /// `administrators` are not used.
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
        Ok(filter.following())
    }

    fn build(self) -> (PrivacyFilter, Option<AcceptedDifference>) {
        let Self { store, directory, sink, sink_timeout, is_read, accepted, runtime } = self;
        let inner = Inner::new(store, directory, TimeoutSink::new(sink, sink_timeout), runtime, Pairing::new(is_read));
        (PrivacyFilter { inner: Arc::new(inner) }, accepted)
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
    /// Makes sure that the store and the log belong together. Returns whether a first policy is in force now, because a
    /// difference was accepted.
    fn begin(
        &self,
        accepted: Option<&AcceptedDifference>,
        administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        if !self.pairing.is_read() {
            return Ok(false);
        }
        let pair = self.pair()?;
        self.paired();
        let Some(difference) = pair.difference else {
            // Whoever reads the log sees that an outcome is missing, and the next opening writes it.
            let _ = self.complete_intents(&pair);
            return Ok(false);
        };
        let Some(accepted) = accepted.filter(|accepted| accepted.difference() == difference) else {
            return Err(OpenError::Differs(difference));
        };
        let is_anew = self.accept(accepted.by(), &pair, difference, administrators)?;
        // What else they differ in is accepted in its own words.
        match self.pair()?.difference {
            None => Ok(is_anew),
            Some(another) => Err(OpenError::Differs(another)),
        }
    }

    /// Puts it on record that a difference is accepted, and the policy in force that goes on from here. Returns whether that is
    /// a first one.
    fn accept(
        &self,
        by: &UserId,
        pair: &Pair,
        difference: Difference,
        administrators: Option<&Administrators>,
    ) -> Result<bool, OpenError> {
        let accepted = pair.acceptance(difference);
        let (record, now) = (self.fresh_record(), self.now());
        let policy = self.policy_if_any()?;
        let pending = match (&policy, administrators) {
            (Some(policy), _) => PendingChange::accepting(policy, Some(policy.revision()), by, accepted, record, now),
            (None, Some(administrators)) => {
                PendingChange::accepting(&PrivacyPolicy::initial(administrators), None, by, accepted, record, now)
            }
            (None, None) => return Err(OpenError::NoPolicy),
        };
        self.put_in_force(pending.map_err(|refused| self.refuse_opening(&refused))?)?;
        Ok(policy.is_none())
    }

    fn refuse_opening(&self, refused: &Refused<ChangeRefusal>) -> OpenError {
        self.record_refusal(&refused.record);
        match &refused.reason {
            ChangeRefusal::Denied(denial) => OpenError::Denied(*denial),
            ChangeRefusal::Invalid(error) => OpenError::Invalid(error.clone()),
        }
    }

    fn initialize(&self, administrators: &Administrators) -> Result<(), OpenError> {
        if self.policy_if_any()?.is_some() {
            return Err(OpenError::AlreadyInitialized);
        }
        match self.put_in_force(PendingChange::initial(administrators, self.fresh_record(), self.now())) {
            Err(OpenError::Store(StoreError::Stale { .. })) => Err(OpenError::AlreadyInitialized),
            done => done,
        }
    }

    fn put_in_force(&self, pending: PendingChange) -> Result<(), OpenError> {
        let recorded: RecordedChange = self.record_change(pending).map_err(OpenError::Unrecorded)?;
        match self.publish(&recorded) {
            (Ok(()), Ok(())) => Ok(()),
            (Ok(()), Err(source)) => Err(OpenError::OutcomeUnrecorded(source)),
            (Err(error), _) => Err(error.into()),
        }
    }
}

impl fmt::Debug for PrivacyFilterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivacyFilterBuilder").field("sink_timeout", &self.sink_timeout).finish_non_exhaustive()
    }
}
