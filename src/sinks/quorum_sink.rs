//! A sink that writes to several sinks.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::quorum::Quorum;
use super::timeout::TimeoutSink;
use crate::governance::{
    GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, Recorded, Removal, SinkError, SinkName, SinkSetError,
};
use crate::sync::RwLock;

/// A sink that writes each record to several sinks, and succeeds once all of them, or a quorum, have confirmed it.
///
/// One sink leads. The receipts carry its sequence numbers and the log is read from it. It must confirm each record
/// with any quorum, because all readers must read the same records in the same order. A record is written to the
/// leading sink first, so that no two sinks store different records under one id, and then to all others concurrently.
/// One limit applies to all of that. A sink that hangs, panics, answers late or returns a receipt for another record
/// has failed.
///
/// A record that failed may be durable in some of the sinks, including the leading one. A caller can always offer it
/// again, and gets the receipt that it would have got. A sink that failed while there was a quorum lacks records,
/// although its numbers have no gap; compare it with the leading sink by record ids. The order of records that were
/// written concurrently can differ between sinks.
///
/// A clone is another handle to the same sinks. [`PrivacyFilter::add_sink`](crate::filter::PrivacyFilter::add_sink) and
/// [`PrivacyFilter::remove_sink`](crate::filter::PrivacyFilter::remove_sink) change them while records are being
/// written. The change holds for this process; the next process uses the sinks that it is built with.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// use activity_privacy::filter::PrivacyFilter;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
/// use activity_privacy::sinks::QuorumSink;
///
/// let sinks = QuorumSink::with_leader("file".parse()?, Arc::new(MemorySink::new()))
///     .push("archive".parse()?, Arc::new(MemorySink::new()))
///     .build()?;
/// let root = UserId::new("admin-1")?;
/// let administrators = Administrators::new(root.clone(), UserId::new("admin-2")?)?;
/// let builder = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), sinks.clone());
/// let filter = builder.initialize(administrators)?;
///
/// filter.add_sink(&root, &sinks, "SIEM".parse()?, Arc::new(MemorySink::new()))?;
/// assert_eq!((sinks.names().len(), sinks.quorum()), (3, 3));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct QuorumSink {
    inner: Arc<Inner>,
}

struct Inner {
    limit: Duration,
    members: RwLock<Arc<Members>>,
}

/// An immutable set of sinks. A change replaces the whole set.
pub(super) struct Members {
    leading: Member,
    others: Vec<Member>,
    /// `None` for all sinks.
    quorum: Option<u32>,
}

#[derive(Clone)]
pub(super) struct Member {
    name: SinkName,
    sink: Arc<TimeoutSink>,
}

/// A builder of a [`QuorumSink`].
#[must_use]
pub struct QuorumSinkBuilder {
    leading: (SinkName, Arc<dyn GovernanceSink>),
    others: Vec<(SinkName, Arc<dyn GovernanceSink>)>,
    quorum: Option<u32>,
    limit: Duration,
}

impl QuorumSink {
    /// Starts a builder with the leading sink.
    pub fn with_leader(name: SinkName, sink: Arc<dyn GovernanceSink>) -> QuorumSinkBuilder {
        let limit = Duration::from_secs(4);
        QuorumSinkBuilder { leading: (name, sink), others: Vec::new(), quorum: None, limit }
    }

    /// Returns the names of the sinks, the leading one first.
    #[must_use]
    pub fn names(&self) -> Vec<SinkName> {
        self.members().names()
    }

    /// Returns the number of sinks that must confirm each record, including the leading one.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.members().needed()
    }

    pub(super) fn members(&self) -> Arc<Members> {
        Arc::clone(&self.inner.members.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Applies the common limit to a sink.
    pub(super) fn member(&self, name: SinkName, sink: Arc<dyn GovernanceSink>) -> Member {
        Member::new(name, sink, self.inner.limit)
    }

    /// Replaces the sinks if they are still the expected ones. Calls that are under way use the sinks from before.
    pub(super) fn replace(&self, expected: &Arc<Members>, next: &Arc<Members>) -> bool {
        let mut members = self.inner.members.write().unwrap_or_else(PoisonError::into_inner);
        let is_expected = Arc::ptr_eq(&members, expected);
        if is_expected {
            *members = Arc::clone(next);
        }
        is_expected
    }
}

impl QuorumSinkBuilder {
    /// Adds a sink.
    pub fn push(mut self, name: SinkName, sink: Arc<dyn GovernanceSink>) -> Self {
        self.others.push((name, sink));
        self
    }

    /// Sets the number of sinks that must confirm each record, including the leading one. The default is all sinks.
    pub fn quorum(self, quorum: u32) -> Self {
        Self { quorum: Some(quorum), ..self }
    }

    /// Sets the time limit of all sinks together for one record. The default is 4 seconds, less than the default limit
    /// of a filter for its sink.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Builds the sink.
    ///
    /// # Errors
    /// Returns [`SinkSetError`] if two sinks have the same name, or if the quorum is 0 or larger than the number of
    /// sinks.
    pub fn build(self) -> Result<QuorumSink, SinkSetError> {
        let Self { leading: (name, sink), others, quorum, limit } = self;
        let member = |(name, sink)| Member::new(name, sink, limit);
        let mut members = Members { leading: member((name, sink)), others: Vec::new(), quorum: None };
        for other in others {
            members = members.with(member(other))?;
        }
        members.quorum = quorum;
        let members = RwLock::new(Arc::new(members.checked()?));
        Ok(QuorumSink { inner: Arc::new(Inner { limit, members }) })
    }
}

impl Member {
    fn new(name: SinkName, sink: Arc<dyn GovernanceSink>, limit: Duration) -> Self {
        Self { name, sink: Arc::new(TimeoutSink::new(sink, limit)) }
    }

    pub(super) fn name(&self) -> &SinkName {
        &self.name
    }

    pub(super) fn sink(&self) -> &TimeoutSink {
        &self.sink
    }
}

impl Members {
    pub(super) fn all(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.leading).chain(&self.others)
    }

    pub(super) fn names(&self) -> Vec<SinkName> {
        self.all().map(|member| member.name.clone()).collect()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.others.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(super) fn needed(&self) -> u32 {
        self.quorum.unwrap_or_else(|| self.count())
    }

    /// Returns this set with one more sink.
    pub(super) fn with(&self, member: Member) -> Result<Self, SinkSetError> {
        if self.all().any(|known| known.name == member.name) {
            return Err(SinkSetError::NameTaken(member.name));
        }
        let mut others = self.others.clone();
        others.push(member);
        Self { leading: self.leading.clone(), others, quorum: self.quorum }.checked()
    }

    /// Returns this set without one sink.
    pub(super) fn without(&self, name: &SinkName) -> Result<Self, SinkSetError> {
        if self.leading.name == *name {
            return Err(SinkSetError::LeadingSink(name.clone()));
        }
        let others: Vec<Member> = self.others.iter().filter(|member| member.name != *name).cloned().collect();
        if others.len() == self.others.len() {
            return Err(SinkSetError::Unknown(name.clone()));
        }
        Self { leading: self.leading.clone(), others, quorum: self.quorum }.checked()
    }

    fn checked(self) -> Result<Self, SinkSetError> {
        let (quorum, sinks) = (self.needed(), self.count());
        if (1..=sinks).contains(&quorum) { Ok(self) } else { Err(SinkSetError::Quorum { quorum, sinks }) }
    }
}

impl GovernanceSink for QuorumSink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let (members, begun) = (self.members(), Instant::now());
        let receipt = members.leading.sink.record(record)?;
        let needed = members.needed().saturating_sub(1) as usize;
        let quorum = Quorum::new(members.others.len(), needed);
        let begin = |member: &Member| member.sink.begin_record(record, begun, quorum.vote());
        let offers: Vec<_> = members.others.iter().filter_map(begin).collect();
        let answered = quorum.wait(self.inner.limit.saturating_sub(begun.elapsed()));
        // If there is a quorum, slow sinks still receive the record.
        answered.map(|_| receipt).inspect_err(|_| offers.iter().for_each(|offer| offer.withdraw()))
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.members().leading.sink.records(query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.members().leading.sink.newest(query)
    }

    /// Removes from every sink, with any quorum, and fails if one sink fails. Returns the number of records that
    /// the leading sink removed, and once that has none left, the largest number that another sink removed.
    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let (members, begun) = (self.members(), Instant::now());
        let removed = members.leading.sink.remove(removal)?;
        let quorum = Quorum::new(members.others.len(), members.others.len());
        let begin = |member: &Member| member.sink.begin_remove(removal, begun, quorum.vote());
        let steps: Vec<_> = members.others.iter().filter_map(begin).collect();
        let of_others = quorum.wait(self.inner.limit.saturating_sub(begun.elapsed()));
        let of_others = of_others.inspect_err(|_| steps.iter().for_each(|step| step.withdraw()))?;
        Ok(if removed > 0 { removed } else { of_others })
    }
}

impl fmt::Debug for QuorumSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members = self.members();
        f.debug_struct("QuorumSink").field("sinks", &members.names()).field("quorum", &members.needed()).finish()
    }
}

impl fmt::Debug for QuorumSinkBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuorumSinkBuilder").field("leading", &self.leading.0).finish_non_exhaustive()
    }
}
