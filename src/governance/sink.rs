//! The port behind which governance records are stored.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};

use super::event::Event;
use super::ids::RecordId;
use super::outcome::{Outcome, OutcomeKind};
use super::receipt::Receipt;
use super::record::{Initiator, Record};
use super::record_kind::RecordKind;
use super::recorded::Recorded;
use super::removal::Removal;
use super::sink_error::SinkError;
use crate::identity::UserId;
use crate::policy::Revision;
use crate::text::{deserialize_without_quoting, read_document};

/// Stores governance records.
///
/// # Contract
/// - **Durability.** [`record`](Self::record) returns only after the record survives a crash. Every reader then reads
///   the record as it was offered. The safe wrong answer is an error: the library then shows nothing and changes
///   nothing.
/// - **Ordering.** Sequence numbers start at 1 and never have a gap: a reader who reads a record reads all records with
///   smaller numbers. If `record` returned for one record before another was offered, the first has the smaller number.
///   Sequence numbers survive a restart.
/// - **Idempotency.** A record that is offered again gets its first receipt, also if several callers offer it at the
///   same time. Another record under a used id is rejected with [`SinkError::IdTaken`]. None of it is stored, and it
///   uses no sequence number.
/// - **Identity.** A receipt names the record that was offered.
/// - **Removal.** The sink removes nothing but what a [`Recorded`] removal covers. Records are removed from the front:
///   the others keep their numbers, and new records continue the sequence as if nothing had been removed. A redacted
///   record is still the same record.
/// - **Concurrency.** Any thread can call the sink, through any number of handles, which share one sequence.
///
/// The feature `conformance` adds a module of that name, which tests an adapter against every sentence of this
/// contract.
pub trait GovernanceSink: Send + Sync {
    /// Makes a record durable.
    ///
    /// # Errors
    /// Returns [`SinkError`] if the record might not be durable.
    fn record(&self, record: &Record) -> Result<Receipt, SinkError>;

    /// Returns at most `limit` records after sequence number `after` (0 for all) that [match](RecordQuery::matches), in
    /// sequence. Any limit is valid. [`PrivacyFilter`](crate::filter::PrivacyFilter) checks whether the caller may read
    /// them; the sink does not.
    ///
    /// # Errors
    /// Returns [`SinkError`] if the records cannot be read.
    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError>;

    /// Returns the newest record that [matches](RecordQuery::matches), and `None` if no record does. A filter asks for
    /// the newest change and the newest removal when it is opened, and about once a second while it is open. An adapter
    /// with many records needs an index for that.
    ///
    /// # Errors
    /// Returns [`SinkError`] if the records cannot be read. The safe wrong answer is an error, never an older record.
    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError>;

    /// Performs one step of a removal, small enough not to delay other callers, and returns the number of affected
    /// records. The caller repeats it until it returns 0, which means that nothing is left to remove. Once it returned
    /// 0, the removal is permanent. The caller can start again at any time, also after an error.
    ///
    /// - Records [made before a time](Recorded::records_before): the sink removes every record from the first one up
    ///   to, but not including, the first that was not made before that time. The newest record always stays, so that
    ///   its number is not used again. The safe wrong answer is to remove less.
    /// - The personal data in [one record](Recorded::redacted_record): the sink [redacts](Record::redact) the record,
    ///   and keeps the rest of it. If there is no such record, there is nothing to remove.
    ///
    /// # Errors
    /// Returns [`SinkError`] if the removal might not be permanent.
    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError>;
}

/// A record as a sink returns it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordEntry {
    /// The sequence number, from 1 without a gap.
    pub sequence: u64,
    /// The record.
    #[serde(flatten)]
    pub record: Record,
}

impl RecordEntry {
    /// Returns the entry as a reader of the log may see it. See [`Record::visible_to_reader`].
    pub(crate) fn visible_to_reader(self, may_view_private: bool) -> Self {
        Self { record: self.record.visible_to_reader(may_view_private), ..self }
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
        let EntryDocument { sequence, id, at, initiator, policy, event, outcome } =
            read_document(deserializer, EntryDocument::deserialize)?;
        Ok(Self { sequence, record: Record { id, at, initiator, policy, event, outcome } })
    }
}

/// A filter for records. The default matches all of them. `Debug` does not show the target, because it can be the id of
/// a person.
///
/// In the serde form, a missing field matches all records. Unknown fields are rejected.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct RecordQuery {
    /// The earliest time at which they were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// The time before which they were made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// One of their [kinds](Record::kinds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<RecordKind>,
    /// The user who caused the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiator: Option<UserId>,
    /// One of their [targets](Record::targets). Targets do not state their kind: the query also finds records about a
    /// user, group, domain or sink with the same id. The built-in groups have the targets `applications` and
    /// `external_users`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The kind of their outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeKind>,
}

#[derive(Deserialize)]
// An ignored unknown field would be a condition that does not take effect.
#[serde(remote = "RecordQuery", deny_unknown_fields, expecting = "a record query")]
struct RecordQueryDocument {
    #[serde(default)]
    from: Option<DateTime<Utc>>,
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    #[serde(default)]
    kind: Option<RecordKind>,
    #[serde(default)]
    initiator: Option<UserId>,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    outcome: Option<OutcomeKind>,
}

deserialize_without_quoting!(RecordQuery, RecordQueryDocument);

impl RecordQuery {
    /// Returns whether a record matches.
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

            fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
                (**self).remove(removal)
            }
        }
    )*};
}

forward!(&T, Box<T>, Arc<T>);
