//! A log after retention and redaction.

use activity_privacy::governance::GovernanceSink;
use std::sync::Arc;
use std::time::Duration;

use activity_privacy::governance::{
    AppliedRecords, NewPolicy, Receipt, RecordId, RecordQuery, Recorded, Removal, SinkError,
};
use activity_privacy::identity::UserId;
use activity_privacy::ledger::*;
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::{Administrators, OptionsPatch, PolicyChange, PrivacyPolicy, Retention};
use uuid::Uuid;

use crate::log::*;

fn policy() -> PrivacyPolicy {
    let id = RecordId(Uuid::nil());
    let root = UserId::new("root").unwrap();
    let initial = NewPolicy::initial(&Administrators::only_one(root.clone()), id, at(0))
        .recorded(&Receipt::assertion(id, 1))
        .unwrap();
    let keep = Retention::of_activities(Duration::from_secs(1)).and_of_records(Duration::from_secs(1)).unwrap();
    let options = OptionsPatch::new().retention(Some(keep));
    let change = PolicyChange::SetOptions(options);
    let pending = NewPolicy::authorise(initial.policy(), &change, &root, None, id, at(0)).unwrap();
    pending.recorded(&Receipt::assertion(id, 1)).unwrap().policy().clone()
}

/// Returns the removal of all records before a time.
fn aged(before: i64) -> Recorded<Removal> {
    let id = RecordId(Uuid::max());
    let pending = Removal::of_aged(&policy(), &AppliedRecords::default(), id, at(before + 1)).unwrap();
    pending.recorded(&Receipt::assertion(id, 1)).unwrap()
}

fn redaction(of: RecordId) -> Recorded<Removal> {
    let id = RecordId(Uuid::max());
    let root = UserId::new("root").unwrap();
    let pending = Removal::of_commitment(&policy(), &root, of, id, at(0)).unwrap();
    pending.recorded(&Receipt::assertion(id, 1)).unwrap()
}

fn verify(log: &[u8], checkpoint: &str) -> Result<VerifiedLog, VerifyError> {
    verify_log(log, checkpoint.as_bytes(), None, &[key().verifier().clone()])
}

#[test]
fn g6_removed_records_leave_hashes_and_valid_proofs() {
    // The newest record is always kept.
    for removed in [0, 1, 5, 19] {
        let hashes = Arc::new(MemoryHashes::new());
        let ledger = LedgerSink::open(MemorySink::new(), Arc::clone(&hashes), key()).unwrap();
        fill(&ledger, 1, 20);
        let before = ledger.checkpoint().unwrap();
        assert_eq!(ledger.remove(&aged(1 + removed as i64)).unwrap(), removed);
        assert_eq!(ledger.checkpoint().unwrap(), before);
        assert_eq!(ledger.audit().unwrap(), AuditSummary { size: 20, removed });
        let (log, checkpoint) = exported(&ledger, Disclosure::Include);
        let verified = verify(&log, &checkpoint).unwrap();
        assert_eq!((verified.removed, verified.records), (removed, 20 - removed));
        for sequence in 1..=20 {
            let proof = ledger.inclusion_proof(sequence).unwrap();
            proof.verify(leaf(sequence).as_str().as_bytes(), &[key().verifier().clone()]).unwrap();
        }
        fill(&ledger, 21, 25);
        let again = LedgerSink::open(ledger, hashes, key()).unwrap();
        assert_eq!(again.audit().unwrap(), AuditSummary { size: 25, removed });
    }
}

/// Even if no checkpoint was requested yet: a removed record cannot be hashed later.
#[test]
fn g6_record_is_hashed_before_removal() {
    let (sink, hashes) = (filled(0), Arc::new(MemoryHashes::new()));
    let ledger = over(&sink, Arc::clone(&hashes));
    fill(&ledger, 1, 9);
    assert_eq!(ledger.remove(&aged(9)).unwrap(), 8);
    drop(ledger);
    let again = over(&sink, Arc::clone(&hashes));
    assert_eq!(again.audit().unwrap(), AuditSummary { size: 9, removed: 8 });
    // If the hashes cannot be stored, no record is removed.
    fill(&again, 10, 12);
    hashes.keep_checkpoint(b"broken").unwrap();
    assert!(matches!(again.remove(&aged(12)), Err(SinkError::Backend(_))));
    assert_eq!(sink.records(&RecordQuery::default(), 0, 99).unwrap().len(), 4);
}

/// At any position in a page: only the first records are ever removed.
#[test]
fn g6_lost_record_is_not_reported_as_removed() {
    for lost in [2, 63, 64, 65, 66, 128, 129, 130] {
        let sink = filled(130);
        let ledger = over(&sink, MemoryHashes::new());
        sink.tamper(|entries| entries.retain(|entry| entry.sequence != lost));
        let audited = ledger.audit();
        assert!(matches!(audited, Err(LedgerError::Lost { sequence }) if sequence == lost), "{lost}: {audited:?}");
        assert!(ledger.export(&mut Vec::new(), Disclosure::Include).is_err());
    }
}

#[test]
fn g6_records_removed_before_hashing_are_lost() {
    let sink = filled(9);
    let _removed = sink.remove(&aged(4)).unwrap();
    let opened = LedgerSink::open(Arc::clone(&sink), MemoryHashes::new(), key());
    assert!(matches!(opened, Err(LedgerError::Lost { sequence: 1 })), "{opened:?}");
    let (sink, hashes) = (filled(9), Arc::new(MemoryHashes::new()));
    over(&sink, Arc::clone(&hashes)).checkpoint().unwrap();
    let _removed = sink.remove(&aged(4)).unwrap();
    let rebuilt = LedgerSink::rebuild(Arc::clone(&sink), Arc::clone(&hashes), key());
    assert!(matches!(rebuilt, Err(LedgerError::Lost { sequence: 1 })), "{rebuilt:?}");
    assert_eq!(over(&sink, hashes).audit().unwrap(), AuditSummary { size: 9, removed: 3 });
}

#[test]
fn g6_redaction_keeps_proofs_valid() {
    let ledger = ledger(6);
    let before = ledger.checkpoint().unwrap();
    let (log, _) = exported(&ledger, Disclosure::Include);
    assert!(String::from_utf8(log).unwrap().contains("Case 17"));
    for sequence in [2, 5] {
        assert_eq!(ledger.remove(&redaction(record(sequence).id)).unwrap(), 1);
    }
    let (log, checkpoint) = exported(&ledger, Disclosure::Include);
    assert_eq!(checkpoint, before);
    assert_eq!(verify(&log, &checkpoint).unwrap().openings, 4, "the page");
    assert!(!String::from_utf8(log).unwrap().contains("Case 17"));
    assert_eq!(ledger.audit().unwrap(), AuditSummary { size: 6, removed: 0 });
}

/// The same check with records in a file.
#[cfg(feature = "sqlite")]
#[test]
fn g6_removal_and_redaction_in_file_keep_proofs_valid() {
    let folder = folder();
    let open = || {
        let sink = activity_privacy::sqlite::SqliteGovernance::open(folder.path().join("log.db")).unwrap();
        LedgerSink::open(sink, hashes(&folder), key()).unwrap()
    };
    let ledger = open();
    fill(&ledger, 1, 20);
    assert_eq!(ledger.remove(&aged(8)).unwrap(), 7);
    for sequence in [8, 9, 11, 14, 15, 17, 20] {
        assert_eq!(ledger.remove(&redaction(record(sequence).id)).unwrap(), 1, "{sequence}");
    }
    for ledger in [ledger, open()] {
        let (log, checkpoint) = exported(&ledger, Disclosure::Include);
        let verified = verify(&log, &checkpoint).unwrap();
        let left = (verified.removed, verified.records, verified.openings);
        assert_eq!(left, (7, 13, 6), "the counts of the two pages");
        assert_eq!(verified.checkpoint.root, peaks(20).root());
    }
}

/// A ledger over a sink keeps the contract of sinks.
#[cfg(feature = "conformance")]
mod conformance {
    use std::sync::Arc;

    use activity_privacy::conformance::SinkHarness;
    use activity_privacy::governance_sink_conformance;
    use activity_privacy::ledger::{LedgerSink, MemoryHashes};
    use activity_privacy::memory::MemorySink;

    use crate::log::key;

    struct Logged(Arc<MemorySink>, Arc<MemoryHashes>);

    impl SinkHarness for Logged {
        type Sink = LedgerSink<Arc<MemorySink>>;

        fn fresh() -> Self {
            Self(Arc::new(MemorySink::new()), Arc::new(MemoryHashes::new()))
        }

        fn open(&self) -> Self::Sink {
            LedgerSink::open(Arc::clone(&self.0), Arc::clone(&self.1), key()).unwrap()
        }

        fn crash(&mut self) {}
    }

    governance_sink_conformance!(Logged);
}
