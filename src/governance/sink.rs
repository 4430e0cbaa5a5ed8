//! The port through which records become durable.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, de};
use thiserror::Error;

use super::event::Event;
use super::outcome::{Outcome, OutcomeKind};
use super::record::{Initiator, Record, RecordId, RecordKind};
use crate::governance::RecordedRemoval;
use crate::identity::UserId;
use crate::policy::Revision;
use crate::text::without_values;

/// Where governance records go to stay.
///
/// # Contract
/// - **Durability.** [`record`](Self::record) answers after the record is where a crash cannot take it. The safe wrong
///   answer is an error: the library then shows nothing and changes nothing. Once it answered, everybody reads the
///   record, as it was offered.
/// - **Ordering.** Sequence numbers begin at 1 and have no gap, at no time: whoever reads a record reads all with
///   smaller numbers. A record that was answered before another was offered has the smaller number. They outlive a
///   restart.
/// - **Idempotency.** The same record offered again gets the receipt that it got first, also when several offer it at
///   once. Another record under an id that was used is refused as [`SinkError::IdTaken`]; nothing of it is kept, and it
///   takes no number.
/// - **Identity.** A receipt names the very record that was offered.
/// - **Removal.** Nothing is removed but what a [`RecordedRemoval`] covers. Records that are removed are the first ones:
///   those that stay keep their numbers, which go on as if nothing had been removed. What a record forgot makes it no
///   other record.
/// - **Concurrency.** Called from any thread, through any number of handles, which share one sequence.
///
/// With the feature `conformance`, the module of that name holds an adapter to every sentence of this.
pub trait GovernanceSink: Send + Sync {
    /// Makes a record durable.
    ///
    /// # Errors
    /// [`SinkError`] when the record may not be durable.
    fn record(&self, record: &Record) -> Result<Receipt, SinkError>;

    /// The records after sequence number `after` (0 for all) that [match](RecordQuery::matches), in sequence, at most
    /// `limit`; every limit is taken. Whether the caller may read them is asked by
    /// [`PrivacyFilter`](crate::filter::PrivacyFilter), not here.
    ///
    /// # Errors
    /// [`SinkError`] when they cannot be read.
    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError>;

    /// Returns the newest record that [matches](RecordQuery::matches), and none if no record does. Opening a filter asks
    /// for the newest change and the newest removal, and so does an open one about once a second: an adapter that keeps many
    /// records looks those up.
    ///
    /// # Errors
    /// Returns [`SinkError`] if the records cannot be read. The safe wrong answer is an error, never an older record.
    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError>;

    /// Removes some of what is to be removed of the records, as many as the sink takes for a step that delays nobody, and
    /// says of how many. Called again until there is nothing left to remove: then, and only then, the answer is 0. What
    /// was removed is gone for good once the answer was 0; to begin again, also after an error, is always right.
    ///
    /// - Those [made before a time](RecordedRemoval::records_before): every record from the first on, up to the first
    ///   that was not made before it. The newest record always stays, so that its number is not given again. The safe
    ///   wrong answer is to remove less.
    /// - What [one record](RecordedRemoval::forgotten_record) says of people: it [forgets](Record::redact) that, and
    ///   stays otherwise as it is. Where there is no such record there is nothing to remove.
    ///
    /// # Errors
    /// [`SinkError`] when it may not be removed for good.
    fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError>;
}

/// The word of a sink that one record is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Receipt {
    record: RecordId,
    sequence: u64,
}

impl Receipt {
    /// Claims that `record` is durable under this sequence number. Only a sink may claim that.
    pub fn assertion(record: RecordId, sequence: u64) -> Self {
        Self { record, sequence }
    }

    /// The record that is durable.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Its sequence number.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The id of `record`, if it is the one that is durable.
    ///
    /// # Errors
    /// [`SinkError::WrongReceipt`] when it is another.
    pub fn confirm(&self, record: &Record) -> Result<RecordId, SinkError> {
        if self.record == record.id { Ok(record.id) } else { Err(SinkError::WrongReceipt) }
    }
}

/// A record as a sink gives it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordEntry {
    /// Its sequence number, from 1 without a gap.
    pub sequence: u64,
    /// The record.
    #[serde(flatten)]
    pub record: Record,
}

impl RecordEntry {
    /// As it is told to whoever reads the log: see [`Record::told`].
    pub(crate) fn told(self, may_view_private: bool) -> Self {
        Self { record: self.record.told(may_view_private), ..self }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntryDocument {
    sequence: u64,
    id: RecordId,
    at: DateTime<Utc>,
    initiator: Initiator,
    policy: Option<Revision>,
    event: Event,
    outcome: Outcome,
}

impl<'de> Deserialize<'de> for RecordEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = EntryDocument::deserialize(deserializer);
        let EntryDocument { sequence, id, at, initiator, policy, event, outcome } =
            document.map_err(|error| de::Error::custom(without_values(&error.to_string())))?;
        Ok(Self { sequence, record: Record { id, at, initiator, policy, event, outcome } })
    }
}

/// Which records to read. The default is all of them. `Debug` does not show the target, because it can be somebody's
/// id.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Made at this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Made before this time.
    pub until: Option<DateTime<Utc>>,
    /// Of this kind: see [`Record::kinds`].
    pub kind: Option<RecordKind>,
    /// Done or tried by this user.
    pub initiator: Option<UserId>,
    /// Done to this target: see [`Record::targets`].
    pub target: Option<String>,
    /// With this outcome.
    pub outcome: Option<OutcomeKind>,
}

impl RecordQuery {
    /// Whether a record is asked for.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        let Self { from, until, kind, initiator, target, outcome } = self;
        let by = |user: &UserId| matches!(&record.initiator, Initiator::User(initiator) if initiator == user);
        from.is_none_or(|from| record.at >= from)
            && until.is_none_or(|until| record.at < until)
            && kind.is_none_or(|kind| record.kinds().contains(&kind))
            && initiator.as_ref().is_none_or(by)
            && target.as_ref().is_none_or(|target| record.targets().contains(target))
            && outcome.is_none_or(|outcome| record.outcome.kind() == outcome)
    }
}

impl fmt::Debug for RecordQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordQuery")
            .field("from", &self.from)
            .field("until", &self.until)
            .field("kind", &self.kind)
            .field("initiator", &self.initiator)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Why a record may not be durable, or cannot be read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink did not answer within its limit. The record may become durable yet; it does not count.
    #[error("the governance sink did not answer in time")]
    TimedOut,
    /// The sink panicked.
    #[error("the governance sink broke off")]
    Panicked,
    /// The sink answered for another record than the one it was given.
    #[error("the governance sink answered for another record")]
    WrongReceipt,
    /// The sink did not give back what it was given.
    #[error("the governance sink does not give back what it recorded")]
    NotReadBack,
    /// Another record has this id already.
    #[error("another record has the id {0}")]
    IdTaken(RecordId),
    /// The back-end failed.
    #[error("the governance sink failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: GovernanceSink + ?Sized> GovernanceSink for $pointer {
            fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
                (**self).record(record)
            }

            fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
                (**self).records(query, after, limit)
            }

            fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
                (**self).newest(query)
            }

            fn remove(&self, removal: &RecordedRemoval) -> Result<u64, SinkError> {
                (**self).remove(removal)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
