//! Fixtures: a sink that can be tampered with, records of every kind, and a ledger over them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use activity_privacy::governance::{
    ChangeSummary, Commitment, Digest, Event, GovernanceSink, Initiator, Justification, Outcome, Receipt, Record,
    RecordEntry, RecordId, RecordQuery, Recorded, Removal, RequestId, RequestSummary, RevealId, RevealSummary,
    RevealTerms, Salt, SinkError, Subjects,
};
use activity_privacy::identity::UserId;
use activity_privacy::ledger::*;
use activity_privacy::policy::{Denial, OptionsPatch, Purpose, Revision};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::notes::signer;

/// A list of records that a test can change.
#[derive(Default)]
pub(crate) struct OpenSink {
    entries: Mutex<Vec<RecordEntry>>,
}

impl OpenSink {
    pub(crate) fn tamper(&self, change: impl FnOnce(&mut Vec<RecordEntry>)) {
        change(&mut self.entries.lock().unwrap());
    }
}

impl GovernanceSink for OpenSink {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        let mut entries = self.entries.lock().unwrap();
        let sequence = entries.last().map_or(1, |last| last.sequence + 1);
        entries.push(RecordEntry { sequence, record: record.clone() });
        Ok(Receipt::assertion(record.id, sequence))
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        let entries = self.entries.lock().unwrap();
        let found = entries.iter().filter(|entry| entry.sequence > after && query.matches(&entry.record));
        Ok(found.take(limit).cloned().collect())
    }

    fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
        let entries = self.entries.lock().unwrap();
        Ok(entries.iter().rfind(|entry| query.matches(&entry.record)).cloned())
    }

    fn remove(&self, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
        let mut entries = self.entries.lock().unwrap();
        let before = entries.len();
        if let Some(time) = removal.records_before() {
            entries.retain(|entry| entry.record.at >= time);
        }
        let forgotten = removal.redacted_record();
        let of = entries.iter_mut().find(|entry| Some(entry.record.id) == forgotten);
        Ok(of.is_some_and(|entry| entry.record.redact()) as u64 + (before - entries.len()) as u64)
    }
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000 + seconds, 0).unwrap()
}

pub(crate) fn key() -> NoteSigner {
    signer("example.com/governance", 7)
}

/// A change of a list of records.
pub(crate) type Change = Box<dyn Fn(&mut Vec<RecordEntry>)>;

/// A predictable salt.
pub(crate) const fn salt(number: u128) -> Salt {
    Salt::from_bytes(number.to_be_bytes())
}

/// Returns one record of each event in turn, some with values that can be redacted.
pub(crate) fn record(number: u64) -> Record {
    let reveal = RevealId(Uuid::from_u128(u128::from(number) | 1 << 64));
    let digest = Digest::of_ids(&["a-1".parse().unwrap()]);
    let salted = |nth: u128| salt(u128::from(number) | nth << 64);
    let terms = RevealTerms {
        query: Commitment::new(digest, salted(3)),
        from: Some(at(0)),
        until: None,
        actors: 1,
        private_only: false,
        purpose: Some(Purpose::new("Security incident").unwrap()),
        justification: Some(Commitment::new(Justification::new("Case 17: \"who\" & why, straße").unwrap(), salted(2))),
    };
    let subjects: Subjects = serde_json::from_value(serde_json::json!(["00".repeat(16), "0f".repeat(16)])).unwrap();
    let page = Event::Page {
        reveal,
        activities: Commitment::new(50, salted(4)),
        private: Commitment::new(2, salted(5)),
        digest: Commitment::new(digest, salted(6)),
        subjects: Commitment::new(subjects, salted(3)),
    };
    let max_directory_age = Some(Duration::from_secs(u64::MAX));
    let options = OptionsPatch::new().max_directory_age(max_directory_age);
    let (event, outcome) = match number % 6 {
        1 => (
            Event::InitializePolicy {
                administrators: [UserId::new("root").unwrap(), UserId::new("deputy").unwrap()].into(),
            },
            Outcome::Intended,
        ),
        2 => {
            let summary = RevealSummary { reveal, request: None, terms, expires_at: at(60) };
            (Event::Reveal(summary), Outcome::Intended)
        }
        3 => (page, Outcome::Intended),
        4 => (Event::ChangePolicy(vec![ChangeSummary::SetOptions(options)]), Outcome::Denied(Denial::NotAdmin)),
        5 => {
            let request = RequestId(reveal.0);
            let lifetime = Duration::from_millis(1_500);
            (
                Event::RequestReveal(RequestSummary { request, terms, lifetime, expires_at: Some(at(7)) }),
                Outcome::Recorded,
            )
        }
        _ => (Event::ReadGovernance, Outcome::Observed),
    };
    Record {
        id: RecordId(Uuid::from_u128(number.into())),
        at: at(number as i64),
        initiator: if number.is_multiple_of(2) {
            Initiator::System
        } else {
            Initiator::User(UserId::new("änne").unwrap())
        },
        policy: (!number.is_multiple_of(3)).then(|| Revision::from_number(number)),
        event,
        outcome,
    }
}

pub(crate) fn entry(sequence: u64) -> RecordEntry {
    RecordEntry { sequence, record: record(sequence) }
}

pub(crate) fn leaf(sequence: u64) -> Leaf {
    Leaf::of(&entry(sequence)).unwrap()
}

/// Returns the peaks of the tree over the first records, built leaf by leaf.
pub(crate) fn peaks(size: u64) -> Peaks {
    let mut peaks = Peaks::new();
    (1..=size).for_each(|sequence| peaks.push(leaf(sequence).hash()));
    peaks
}

pub(crate) type Ledger = LedgerSink<Arc<OpenSink>>;

/// Returns a sink with the first records.
pub(crate) fn filled(size: u64) -> Arc<OpenSink> {
    let sink = Arc::new(OpenSink::default());
    fill(&sink, 1, size);
    sink
}

pub(crate) fn fill(sink: &impl GovernanceSink, from: u64, to: u64) {
    for number in from..=to {
        let receipt = sink.record(&record(number)).unwrap();
        assert_eq!(receipt.sequence(), number);
    }
}

pub(crate) fn over(sink: &Arc<OpenSink>, hashes: impl HashStore + 'static) -> Ledger {
    LedgerSink::open(Arc::clone(sink), hashes, key()).unwrap()
}

/// Returns a ledger of this many records, in memory.
pub(crate) fn ledger(size: u64) -> Ledger {
    over(&filled(size), MemoryHashes::new())
}

/// An exported log and its checkpoint.
pub(crate) fn exported<S: GovernanceSink>(ledger: &LedgerSink<S>, openings: Disclosure) -> (Vec<u8>, String) {
    let mut log = Vec::new();
    let checkpoint = ledger.export(&mut log, openings).unwrap();
    (log, checkpoint)
}

pub(crate) fn hashes(folder: &tempfile::TempDir) -> FileHashes {
    FileHashes::open(path(folder)).unwrap()
}

pub(crate) fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("log.hashes")
}

pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn opened(note: &str) -> Checkpoint {
    Checkpoint::open(note.as_bytes(), &[key().verifier().clone()]).unwrap()
}

/// Verifies the ledger: the checkpoint, every proof, every record and every hash.
pub(crate) fn is_sound<S: GovernanceSink>(ledger: &LedgerSink<S>, size: u64) {
    let checkpoint = opened(&ledger.checkpoint().unwrap());
    assert_eq!((checkpoint.size, checkpoint.root), (size, peaks(size).root()));
    for sequence in 1..=size {
        let proof = ledger.inclusion_proof(sequence).unwrap();
        proof.verify(leaf(sequence).as_str().as_bytes(), &[key().verifier().clone()]).unwrap();
        let before = opened(&ledger.checkpoint_of(sequence).unwrap());
        assert_eq!(before.root, peaks(sequence).root());
        assert!(ledger.consistency_proof(sequence, size).unwrap().proves(&before, &checkpoint));
    }
    assert_eq!(ledger.audit().unwrap().size, size);
}
