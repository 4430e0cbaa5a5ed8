//! The table of records, and the row of one record.

use chrono::{DateTime, Timelike, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::invalid_record;
use crate::governance::{Initiator, OutcomeKind, Record, RecordEntry, RecordId, RecordKind, SinkError};

/// The table of records. Each index costs another page write for every record that it contains, so only the id of every
/// record is indexed. The other two indexes exclude pages of reveals, which are the most frequent records.
///
/// `requests_by_target` finds the approvals of a request, which are read before each page. `changes_by_kind` finds the
/// newest change and the newest removal, which are read when a filter is opened.
///
/// INVARIANT: no index contains the id of a user or a group. SQLite can leave copies of index entries in the free space
/// of a page, see [`erase`](super::erase).
pub(super) const TABLE: &str = "
    CREATE TABLE record (
        sequence INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        recorded_at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        initiator TEXT,
        targets TEXT NOT NULL,
        removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX requests_by_target ON record (targets) WHERE kind = 'reveal_request' OR kind = 'approval';
    CREATE INDEX changes_by_kind ON record (kind, outcome)
        WHERE kind = 'policy_change' OR kind = 'grant' OR kind = 'revocation' OR kind = 'erasure' OR kind = 'retention'
            OR kind = 'policy_change,grant' OR kind = 'policy_change,revocation' OR kind = 'grant,revocation'
            OR kind = 'policy_change,grant,revocation';";

/// The view for direct queries: times are ISO 8601 in UTC with milliseconds.
pub(super) const VIEW: &str = "
    CREATE VIEW governance AS
        SELECT sequence, id, strftime('%Y-%m-%dT%H:%M:%fZ', recorded_at / 1e6, 'unixepoch') AS recorded_at,
            kind, outcome, initiator, targets, record
        FROM record WHERE removed = 0;";

/// The columns of a record, except its sequence.
pub(super) struct RecordRow {
    pub(super) id: RecordId,
    pub(super) recorded_at: i64,
    pub(super) kind: String,
    pub(super) outcome: &'static str,
    pub(super) initiator: Option<String>,
    /// A JSON array.
    pub(super) targets: String,
    text: String,
}

impl RecordRow {
    pub(super) fn of(record: &Record) -> Result<Self, SinkError> {
        Ok(Self {
            id: record.id,
            recorded_at: micros(record.at),
            kind: kind_text(&record.kinds()),
            outcome: outcome_word(record.outcome.kind()),
            initiator: initiator(record).map(str::to_owned),
            targets: targets_text(&record.targets())?,
            text: write(record)?,
        })
    }

    /// Inserts the row under the next sequence number and returns the number. The transaction that writes the record
    /// allocates the number, so a rolled-back record leaves no gap.
    pub(super) fn insert(&self, connection: &Connection) -> Result<i64, SinkError> {
        let last = connection
            .prepare_cached("SELECT coalesce(max(sequence), 0) FROM record")?
            .query_row([], |row| row.get::<_, i64>(0))?;
        let sequence = last.checked_add(1).ok_or_else(invalid_record)?;
        let Self { id, recorded_at, kind, outcome, initiator, targets, text } = self;
        connection
            .prepare_cached(
                "INSERT INTO record (sequence, id, recorded_at, kind, outcome, initiator, targets, record)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![sequence, id.to_string(), recorded_at, kind, outcome, initiator, targets, text])?;
        Ok(sequence)
    }

    /// Returns whether the text of a row is this record, or is this record after a redaction.
    pub(super) fn is_same_record(&self, stored: &[u8]) -> Result<bool, SinkError> {
        let text = self.text.as_bytes();
        Ok(stored == text || read(stored)?.without_openings() == read(text)?.without_openings())
    }
}

pub(super) const BY_ID: &str = "SELECT sequence, record FROM record WHERE id = ?1";

/// Returns the sequence and the text of the record with this id. Removed rows have no id that a record can have.
pub(super) fn find(connection: &Connection, id: RecordId) -> Result<Option<(i64, Vec<u8>)>, SinkError> {
    let found = connection
        .prepare_cached(BY_ID)?
        .query_row([id.to_string()], |row| Ok((row.get(0)?, row.get_ref(1)?.as_bytes()?.to_vec())))
        .optional()?;
    Ok(found)
}

/// Returns the word that serde writes for a kind. No kind is written to the file in another form.
pub(super) fn kind_word(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::PolicyChange => "policy_change",
        RecordKind::DryRun => "dry_run",
        RecordKind::Grant => "grant",
        RecordKind::Revocation => "revocation",
        RecordKind::Reveal => "reveal",
        RecordKind::Page => "page",
        RecordKind::Export => "export",
        RecordKind::RevealRequest => "reveal_request",
        RecordKind::Approval => "approval",
        RecordKind::Erasure => "erasure",
        RecordKind::Redaction => "redaction",
        RecordKind::Retention => "retention",
        RecordKind::SinkChange => "sink_change",
        RecordKind::GovernanceRead => "governance_read",
        RecordKind::Directory => "directory",
    }
}

/// Every text of several kinds. A record of several changes can have these kinds together, and no others.
const COMBINATIONS: [&str; 4] =
    ["policy_change,grant", "policy_change,revocation", "grant,revocation", "policy_change,grant,revocation"];

/// Returns the kinds of a record, separated by commas, in the order of [`COMBINATIONS`].
fn kind_text(kinds: &[RecordKind]) -> String {
    if let [kind] = kinds {
        return kind_word(*kind).to_owned();
    }
    let in_order = [RecordKind::PolicyChange, RecordKind::Grant, RecordKind::Revocation];
    let words: Vec<_> = in_order.into_iter().filter(|kind| kinds.contains(kind)).map(kind_word).collect();
    words.join(",")
}

/// Returns every text of kinds that contains this kind.
pub(super) fn kind_texts(kind: RecordKind) -> Vec<&'static str> {
    let word = kind_word(kind);
    let combined = COMBINATIONS.into_iter().filter(|text| text.split(',').any(|other| other == word));
    std::iter::once(word).chain(combined).collect()
}

/// Returns the targets as a JSON array.
pub(super) fn targets_text(targets: &[String]) -> Result<String, SinkError> {
    serde_json::to_string(targets).map_err(|_| invalid_record())
}

/// Returns one target in the form that it has within the JSON array.
pub(super) fn target_text(target: &str) -> Result<String, SinkError> {
    serde_json::to_string(target).map_err(|_| invalid_record())
}

/// Returns the word that serde writes for the kind of an outcome.
pub(super) fn outcome_word(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Intended => "intended",
        OutcomeKind::Done => "done",
        OutcomeKind::Observed => "observed",
        OutcomeKind::Failed => "failed",
        OutcomeKind::Refused => "refused",
    }
}

/// Returns microseconds since the epoch. A later time never has a smaller number, but can have the same. A leap second
/// counts as the end of the second before it.
pub(super) fn micros(time: DateTime<Utc>) -> i64 {
    const SECOND: i64 = 1_000_000;
    time.timestamp() * SECOND + i64::from(time.nanosecond() / 1_000).min(SECOND - 1)
}

/// Returns the id of the user who initiated it, or `None` for the library itself.
fn initiator(record: &Record) -> Option<&str> {
    match &record.initiator {
        Initiator::User(user) => Some(user.as_str()),
        Initiator::System => None,
    }
}

/// Reads the record of a row whose first two columns are the sequence and the text.
pub(super) fn entry(row: &Row<'_>) -> Result<RecordEntry, SinkError> {
    Ok(RecordEntry {
        sequence: sequence_number(row.get(0)?)?,
        record: read(row.get_ref(1)?.as_bytes().map_err(|_| invalid_record())?)?,
    })
}

/// Returns the sequence number of a row. This library writes no number below 1.
pub(super) fn sequence_number(sequence: i64) -> Result<u64, SinkError> {
    u64::try_from(sequence).ok().filter(|number| *number > 0).ok_or_else(invalid_record)
}

/// Parses the text of a record. It accepts bytes, because damaged text may not be UTF-8. A redacted record ends with
/// blanks.
pub(super) fn read(text: &[u8]) -> Result<Record, SinkError> {
    serde_json::from_slice(text).map_err(|_| invalid_record())
}

pub(super) fn write(record: &Record) -> Result<String, SinkError> {
    serde_json::to_string(record).map_err(|_| invalid_record())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    /// Microseconds must not exclude a record that is in the range of a search.
    #[test]
    fn g3_microseconds_never_decrease_with_time() {
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
        assert_eq!(times.map(|(time, _)| micros(time.parse().unwrap())), times.map(|(_, number)| number));
    }

    const KINDS: [RecordKind; 15] = [
        RecordKind::PolicyChange,
        RecordKind::DryRun,
        RecordKind::Grant,
        RecordKind::Revocation,
        RecordKind::Reveal,
        RecordKind::Page,
        RecordKind::Export,
        RecordKind::RevealRequest,
        RecordKind::Approval,
        RecordKind::Erasure,
        RecordKind::Redaction,
        RecordKind::Retention,
        RecordKind::SinkChange,
        RecordKind::GovernanceRead,
        RecordKind::Directory,
    ];

    #[test]
    fn g3_column_words_match_serde() {
        use OutcomeKind::{Done, Failed, Intended, Observed, Refused};
        for kind in KINDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind_word(kind));
        }
        for outcome in [Intended, Done, Observed, Failed, Refused] {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome_word(outcome));
        }
    }

    /// Every set of kinds that a record of several changes can have, in any order.
    #[test]
    fn g3_record_is_found_by_each_kind() {
        use RecordKind::{Grant, PolicyChange, Revocation};
        let sets: [&[RecordKind]; 6] = [
            &[PolicyChange],
            &[Grant, PolicyChange],
            &[PolicyChange, Revocation],
            &[Revocation, Grant],
            &[Grant, PolicyChange, Revocation],
            &[RecordKind::Page],
        ];
        for kinds in sets {
            let text = kind_text(kinds);
            for kind in KINDS {
                assert_eq!(kind_texts(kind).contains(&&*text), kinds.contains(&kind), "{kind} in {text}");
            }
        }
    }

    #[test]
    fn g3_view_shows_times_as_iso_8601() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(&[TABLE, VIEW].concat()).unwrap();
        let insert = "INSERT INTO record (id, recorded_at, kind, outcome, targets, removed, record)
            VALUES (?1, ?2, 'page', 'intended', '[]', ?3, '{}')";
        for (id, recorded_at, removed) in [("a", 1_772_000_000_250_999_i64, 0), ("b", -1_750_000, 0), ("c", 0, 1)] {
            connection.execute(insert, params![id, recorded_at, removed]).unwrap();
        }
        let mut select = connection.prepare("SELECT recorded_at FROM governance ORDER BY sequence").unwrap();
        let shown: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(shown, ["2026-02-25T06:13:20.251Z", "1969-12-31T23:59:58.250Z"]);
    }
}
