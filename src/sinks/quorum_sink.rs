//! Several sinks as one.

use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::quorum::Quorum;
use super::timeout::TimeoutSink;
use crate::governance::{
    GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, RecordedRemoval, SinkError, SinkName, SinkSetError,
};
use crate::sync::RwLock;

/// Records go to several sinks, and count once all of them have answered, or a stated quorum.
///
/// One sink leads: its sequence numbers are those of the receipts, the log is read from it, and it must have answered
/// whatever the quorum, because everybody must read the same records in the same order. A record goes to it first, so that of
/// two records under one id no two sinks keep different ones; then to all others at once. All of that is over within one
/// limit: a sink that hangs, panics, answers late or answers for another record is one that failed.
///
/// A record that failed may be durable in some of the sinks: in the leading one too, if others were missing. Offering it
/// again is always right, and gets the receipt that it would have got. A sink that failed while there was a quorum has a gap
/// in what it tells, not in its numbers; compare it with the leading one by record ids. Its order can differ too, for records
/// that were on their way at once.
///
/// A clone is another handle on the same sinks. They are changed while records are being written by
/// [`PrivacyFilter::admit_sink`](crate::filter::PrivacyFilter::admit_sink) and
/// [`PrivacyFilter::drop_sink`](crate::filter::PrivacyFilter::drop_sink), for this process: what the next one begins with is said
/// where it is built.
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
/// filter.admit_sink(&root, &sinks, "SIEM".parse()?, Arc::new(MemorySink::new()))?;
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

/// Which sinks there are. Never changed, only replaced.
pub(crate) struct Members {
    leading: Member,
    others: Vec<Member>,
    /// None for all.
    quorum: Option<u32>,
}

#[derive(Clone)]
pub(crate) struct Member {
    name: SinkName,
    sink: Arc<TimeoutSink>,
}

/// Sinks in the making.
#[must_use]
pub struct QuorumSinkBuilder {
    leading: (SinkName, Arc<dyn GovernanceSink>),
    others: Vec<(SinkName, Arc<dyn GovernanceSink>)>,
    quorum: Option<u32>,
    limit: Duration,
}

impl QuorumSink {
    /// Begins with the sink that the log is read from.
    pub fn with_leader(name: SinkName, sink: Arc<dyn GovernanceSink>) -> QuorumSinkBuilder {
        let limit = Duration::from_secs(4);
        QuorumSinkBuilder { leading: (name, sink), others: Vec::new(), quorum: None, limit }
    }

    /// The names of the sinks, the leading one first.
    #[must_use]
    pub fn names(&self) -> Vec<SinkName> {
        self.members().names()
    }

    /// How many of them must answer for each record, the leading one among them.
    #[must_use]
    pub fn quorum(&self) -> u32 {
        self.members().needed()
    }

    pub(crate) fn members(&self) -> Arc<Members> {
        Arc::clone(&self.inner.members.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a sink behind the limit of all others.
    pub(crate) fn member(&self, name: SinkName, sink: Arc<dyn GovernanceSink>) -> Member {
        Member::new(name, sink, self.inner.limit)
    }

    /// Replaces the sinks, if they still are those that are expected. Records that are under way go to those before.
    pub(crate) fn replace(&self, expected: &Arc<Members>, next: &Arc<Members>) -> bool {
        let mut members = self.inner.members.write().unwrap_or_else(PoisonError::into_inner);
        let is_expected = Arc::ptr_eq(&members, expected);
        if is_expected {
            *members = Arc::clone(next);
        }
        is_expected
    }
}

impl QuorumSinkBuilder {
    /// And this sink.
    pub fn push(mut self, name: SinkName, sink: Arc<dyn GovernanceSink>) -> Self {
        self.others.push((name, sink));
        self
    }

    /// How many of the sinks must answer for each record, the leading one among them. Default: all that there are.
    pub fn quorum(self, quorum: u32) -> Self {
        Self { quorum: Some(quorum), ..self }
    }

    /// How long the sinks may take for one record, all together. Default: 4 seconds, less than a filter waits by default
    /// for what it takes for one sink.
    pub fn limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// The sinks.
    ///
    /// # Errors
    /// [`SinkSetError`] when two have one name, or the quorum is 0 or more than there are.
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

    pub(crate) fn name(&self) -> &SinkName {
        &self.name
    }

    pub(crate) fn sink(&self) -> &TimeoutSink {
        &self.sink
    }
}

impl Members {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Member> {
        std::iter::once(&self.leading).chain(&self.others)
    }

    pub(crate) fn names(&self) -> Vec<SinkName> {
        self.all().map(|member| member.name.clone()).collect()
    }

    fn count(&self) -> u32 {
        u32::try_from(self.others.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    pub(crate) fn needed(&self) -> u32 {
        self.quorum.unwrap_or_else(|| self.count())
    }

    /// These and one more.
    pub(crate) fn with(&self, member: Member) -> Result<Self, SinkSetError> {
        if self.all().any(|known| known.name == member.name) {
            return Err(SinkSetError::NameTaken(member.name));
        }
        let mut others = self.others.clone();
        others.push(member);
        Self { leading: self.leading.clone(), others, quorum: self.quorum }.checked()
    }

    /// These without one.
    pub(crate) fn without(&self, name: &SinkName) -> Result<Self, SinkSetError> {
        if self.leading.name == *name {
            return Err(SinkSetError::Leading(name.clone()));
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
        let ballot = Quorum::new(members.others.len(), needed);
        let begin = |member: &Member| member.sink.begin_record(record, begun, ballot.vote());
        let offers: Vec<_> = members.others.iter().filter_map(begin).collect();
        let answered = ballot.wait(self.inner.limit.saturating_sub(begun.elapsed()));
        // With a quorum, whoever is slow still gets the record.
        answered.map(|_| receipt).inspect_err(|_| offers.iter().for_each(|offer| offer.withdraw()))
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        self.members().leading.sink.records(query, after, limit)
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        self.members().leading.sink.newest(query)
    }

    /// From every sink, whatever the quorum: any that fails is an error. Says how many the leading one removed; once that
    /// has nothing left, how many another one did.
    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
        let (members, begun) = (self.members(), Instant::now());
        let removed = members.leading.sink.remove(removal)?;
        let ballot = Quorum::new(members.others.len(), members.others.len());
        let begin = |member: &Member| member.sink.begin_remove(removal, begun, ballot.vote());
        let steps: Vec<_> = members.others.iter().filter_map(begin).collect();
        let of_others = ballot.wait(self.inner.limit.saturating_sub(begun.elapsed()));
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
