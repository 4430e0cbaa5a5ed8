//! What a row of the log says of its record, beside the record itself: what records are found by.

use chrono::{DateTime, Timelike, Utc};
use rusqlite::{Connection, Row, params};

use super::damaged;
use crate::governance::{Initiator, OutcomeKind, Record, RecordEntry, RecordId, RecordKind, SinkError};

/// Ids stand in a table of their own, see [`ids`](super::ids). The index tells nobody but its own two kinds apart from the
/// rest, so that a page, which is recorded each time that somebody looks, costs what it costs without it. Before each
/// page the approvals of its request are looked up. By the second index the newest change and the newest removal are found
/// when a filter is opened.
pub(super) const TABLE: &str = "CREATE TABLE record (
        sequence INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        at INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        outcome INTEGER NOT NULL,
        initiator TEXT,
        target TEXT,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX said_of_request ON record (target) WHERE kind = 7 OR kind = 8;
    CREATE INDEX changes_store ON record (kind, outcome)
        WHERE kind = 2 OR kind = 3 OR kind = 4 OR kind = 9 OR kind = 10
            OR kind = 14 OR kind = 15 OR kind = 16 OR kind = 17;";

/// A record as it is written.
pub(super) struct Written {
    pub(super) id: RecordId,
    at: i64,
    kind: i64,
    outcome: i64,
    initiator: Option<String>,
    target: Option<String>,
    text: String,
}

impl Written {
    pub(super) fn of(record: &Record) -> Result<Self, SinkError> {
        Ok(Self {
            id: record.id,
            at: time_number(record.at),
            kind: kinds_number(&record.kinds()),
            outcome: outcome_number(record.outcome.kind()),
            initiator: initiator(record).map(str::to_owned),
            target: targets_text(record.targets()),
            text: write(record)?,
        })
    }

    pub(super) fn insert(&self, connection: &Connection, sequence: i64) -> Result<(), SinkError> {
        let Self { id, at, kind, outcome, initiator, target, text } = self;
        connection
            .prepare_cached(
                "INSERT INTO record (sequence, id, at, kind, outcome, initiator, target, record)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![sequence, id.0.as_bytes(), at, kind, outcome, initiator, target, text])?;
        Ok(())
    }

    /// Whether a row holds this record. What was forgotten since makes it no other.
    pub(super) fn is_in(&self, known: &[u8]) -> Result<bool, SinkError> {
        let text = self.text.as_bytes();
        Ok(known == text || read(known)?.without_openings() == read(text)?.without_openings())
    }
}

/// Stands for the kind of a record that was removed, in a row that is still there.
pub(super) const REMOVED: i64 = 100;

/// INVARIANT: from 2 to 127, as [`REMOVED`] is, so that each takes one byte of a row and a row keeps its size.
pub(super) fn kind_number(kind: RecordKind) -> i64 {
    match kind {
        RecordKind::PolicyChange => 2,
        RecordKind::Grant => 3,
        RecordKind::Revocation => 4,
        RecordKind::Reveal => 5,
        RecordKind::Page => 6,
        RecordKind::RevealRequest => 7,
        RecordKind::Approval => 8,
        RecordKind::Erasure => 9,
        RecordKind::Retention => 10,
        RecordKind::SinkChange => 11,
        RecordKind::GovernanceRead => 12,
        RecordKind::Directory => 13,
        RecordKind::DryRun => 18,
        RecordKind::Redaction => 19,
    }
}

/// The number of a record of several changes of several kinds, which says all of them.
///
/// INVARIANT: as for [`kind_number`], and none of its numbers.
fn kinds_number(kinds: &[RecordKind]) -> i64 {
    let has = |kind| kinds.contains(&kind);
    let (policy, grant, revocation) =
        (has(RecordKind::PolicyChange), has(RecordKind::Grant), has(RecordKind::Revocation));
    match (policy, grant, revocation) {
        (true, true, false) => 14,
        (true, false, true) => 15,
        (false, true, true) => 16,
        (true, true, true) => 17,
        _ => kinds.first().map_or(kind_number(RecordKind::PolicyChange), |kind| kind_number(*kind)),
    }
}

/// Every number under which records of this kind stand.
pub(super) fn numbers_of_kind(kind: RecordKind) -> Vec<i64> {
    let together: &[i64] = match kind {
        RecordKind::PolicyChange => &[14, 15, 17],
        RecordKind::Grant => &[14, 16, 17],
        RecordKind::Revocation => &[15, 16, 17],
        _ => &[],
    };
    std::iter::once(kind_number(kind)).chain(together.iter().copied()).collect()
}

/// One target as it is; several each between line feeds, so that one of them is found without reading the record.
fn targets_text(mut targets: Vec<String>) -> Option<String> {
    if targets.len() > 1 { Some(format!("\n{}\n", targets.join("\n"))) } else { targets.pop() }
}

pub(super) fn outcome_number(outcome: OutcomeKind) -> i64 {
    match outcome {
        OutcomeKind::Intended => 1,
        OutcomeKind::Done => 2,
        OutcomeKind::Noted => 3,
        OutcomeKind::Failed => 4,
        OutcomeKind::Refused => 5,
    }
}

/// Microseconds. Of two times the later one has no smaller number, though it may have the same; a leap second counts as
/// the end of the second before it.
pub(super) fn time_number(time: DateTime<Utc>) -> i64 {
    const MICROS: i64 = 1_000_000;
    time.timestamp() * MICROS + i64::from(time.nanosecond() / 1_000).min(MICROS - 1)
}

/// The id of whoever did it; none for the library itself.
pub(super) fn initiator(record: &Record) -> Option<&str> {
    match &record.initiator {
        Initiator::User(user) => Some(user.as_str()),
        Initiator::System => None,
    }
}

/// The record of a row that begins with its number and its text.
pub(super) fn entry(row: &Row<'_>) -> Result<RecordEntry, SinkError> {
    let sequence: i64 = row.get(0)?;
    Ok(RecordEntry {
        sequence: sequence.unsigned_abs(),
        record: read(row.get_ref(1)?.as_bytes().map_err(|_| damaged())?)?,
    })
}

/// Takes bytes, because damaged text may not even be UTF-8. Blanks at the end are what something forgotten left.
pub(super) fn read(text: &[u8]) -> Result<Record, SinkError> {
    serde_json::from_slice(text).map_err(|_| damaged())
}

pub(super) fn write(record: &Record) -> Result<String, SinkError> {
    serde_json::to_string(record).map_err(|_| damaged())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    /// A record that is in the range of a search must not be left out by its number.
    #[test]
    fn g3_a_later_time_has_no_smaller_number() {
        let times = [
            ("1969-12-31T23:59:58.25Z", -1_750_000),
            ("1969-12-31T23:59:59Z", -1_000_000),
            ("1970-01-01T00:00:00.000000999Z", 0),
            ("1970-01-01T00:00:00.000001Z", 1),
            ("1970-01-01T00:00:00.75Z", 750_000),
            ("2016-12-31T23:59:59.999999Z", 1_483_228_799_999_999),
            ("2016-12-31T23:59:60.5Z", 1_483_228_799_999_999),
            ("2017-01-01T00:00:00Z", 1_483_228_800_000_000),
        ];
        assert_eq!(times.map(|(time, _)| time_number(time.parse().unwrap())), times.map(|(_, number)| number));
    }

    /// Files are read by later versions.
    #[test]
    fn g3_kinds_and_outcomes_keep_their_numbers_for_ever() {
        use OutcomeKind::{Done, Failed, Intended, Noted, Refused};
        use RecordKind as Kind;
        assert_eq!([Intended, Done, Noted, Failed, Refused].map(outcome_number), [1, 2, 3, 4, 5]);
        let first = [Kind::PolicyChange, Kind::Grant, Kind::Revocation, Kind::Reveal, Kind::Page, Kind::RevealRequest];
        assert_eq!(first.map(kind_number), [2, 3, 4, 5, 6, 7]);
        let rest =
            [Kind::Approval, Kind::Erasure, Kind::Retention, Kind::SinkChange, Kind::GovernanceRead, Kind::Directory];
        assert_eq!(rest.map(kind_number), [8, 9, 10, 11, 12, 13]);
        assert_eq!([Kind::DryRun, Kind::Redaction].map(kind_number), [18, 19]);
        let (policy, grant, revocation) = (Kind::PolicyChange, Kind::Grant, Kind::Revocation);
        let together =
            [&[policy, grant][..], &[revocation, policy], &[grant, revocation], &[grant, policy, revocation]];
        assert_eq!(together.map(kinds_number), [14, 15, 16, 17]);
        for kinds in together {
            assert!(kinds.iter().all(|kind| numbers_of_kind(*kind).contains(&kinds_number(kinds))), "{kinds:?}");
        }
        assert!((2..=127).contains(&REMOVED) && !(2..=19).contains(&REMOVED));
    }
}
