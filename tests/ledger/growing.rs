//! A ledger while its log grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use activity_privacy::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, SinkError};
use activity_privacy::ledger::*;
use activity_privacy::memory::MemorySink;

use crate::forward::forward;
use crate::log::*;

#[test]
fn g6_checkpoint_covers_every_confirmed_record() {
    let ledger = ledger(0);
    for size in 0..40 {
        let checkpoint = opened(&ledger.checkpoint().unwrap());
        assert_eq!((checkpoint.size, checkpoint.root), (size, peaks(size).root()));
        assert_eq!(checkpoint.origin.as_str(), "example.com/governance");
        fill(&ledger, size + 1, size + 1);
    }
    // More than one page at once.
    fill(&ledger, 41, 700);
    let checkpoint = opened(&ledger.checkpoint().unwrap());
    assert_eq!((checkpoint.size, checkpoint.root), (700, peaks(700).root()));
    for size in [0, 1, 63, 64, 65, 128, 699, 700] {
        let earlier = opened(&ledger.checkpoint_of(size).unwrap());
        assert_eq!((earlier.size, earlier.root), (size, peaks(size).root()));
    }
    let beyond = ledger.checkpoint_of(701).unwrap_err();
    assert!(matches!(beyond, LedgerError::Beyond { size: 700, requested: 701 }));
    assert_eq!(beyond.to_string(), "record or size 701 was requested, but the log has 700 records");
}

#[test]
fn g6_every_record_has_inclusion_proof() {
    let (ledger, known) = (ledger(0), [key().verifier().clone()]);
    for size in 1..=20 {
        fill(&ledger, size, size);
        for sequence in 1..=size {
            let proof = ledger.inclusion_proof(sequence).unwrap();
            let proof = InclusionProof::parse(&proof.to_bytes()).unwrap();
            let checkpoint = proof.verify(leaf(sequence).as_str().as_bytes(), &known).unwrap();
            assert!(proof.index + 1 == sequence && checkpoint.size >= sequence);
            let other = leaf(sequence + 1);
            assert_eq!(proof.verify(other.as_str().as_bytes(), &known), Err(ProofError::Unproven));
        }
        assert!(matches!(ledger.inclusion_proof(0), Err(LedgerError::NoRecordZero)));
        for beyond in [size + 1, u64::MAX] {
            assert!(matches!(ledger.inclusion_proof(beyond), Err(LedgerError::Beyond { .. })), "{beyond}");
        }
    }
}

#[test]
fn g6_every_checkpoint_is_consistent_with_older_ones() {
    let ledger = ledger(23);
    let checkpoints: Vec<Checkpoint> = (0..=23).map(|size| opened(&ledger.checkpoint_of(size).unwrap())).collect();
    for (size, later) in (0..).zip(&checkpoints) {
        for (older_size, older) in (0..=size).zip(&checkpoints) {
            assert!(ledger.consistency_proof(older_size, size).unwrap().proves(older, later), "{older_size} {size}");
        }
    }
    for (earlier, size, expected) in [
        (3, 24, "record or size 24 was requested, but the log has 23 records"),
        (4, 3, "the earlier size 4 is greater than the later size 3"),
        (24, 3, "the earlier size 24 is greater than the later size 3"),
    ] {
        assert_eq!(ledger.consistency_proof(earlier, size).unwrap_err().to_string(), expected);
    }
}

/// An error of the tree does not affect recording, and ends with its cause.
#[test]
fn g6_recording_does_not_wait_for_tree() {
    struct Moody(OpenSink, AtomicUsize);
    impl GovernanceSink for Moody {
        fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
            self.0.record(record)
        }

        fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
            match self.1.load(Ordering::SeqCst) {
                0 => self.0.records(query, after, limit),
                _ => Err(SinkError::TimedOut),
            }
        }

        fn newest(&self, query: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
            match self.1.load(Ordering::SeqCst) {
                0 => self.0.newest(query),
                _ => Err(SinkError::TimedOut),
            }
        }

        forward! { 0: remove }
    }
    let sink = Arc::new(Moody(OpenSink::default(), AtomicUsize::new(0)));
    let hashes = Arc::new(MemoryHashes::new());
    let ledger = LedgerSink::open(Arc::clone(&sink), Arc::clone(&hashes), key()).unwrap();
    fill(&ledger, 1, 5);
    sink.1.store(1, Ordering::SeqCst);
    // Another process holds the write lock, and the sink cannot be read.
    let hold = hashes.lock().unwrap();
    fill(&ledger, 6, 9);
    drop(hold);
    assert!(matches!(ledger.checkpoint(), Err(LedgerError::Sink(SinkError::TimedOut))));
    assert!(matches!(ledger.catch_up(), Err(LedgerError::Sink(SinkError::TimedOut))));
    sink.1.store(0, Ordering::SeqCst);
    assert_eq!(opened(&ledger.checkpoint().unwrap()).root, peaks(9).root());
    sink.1.store(1, Ordering::SeqCst);
    assert!(matches!(LedgerSink::open(sink, hashes, key()), Err(LedgerError::Sink(SinkError::TimedOut))));
}

/// A hash store that counts the hashes read.
struct Counting {
    inner: Arc<MemoryHashes>,
    read: Arc<AtomicUsize>,
}

impl HashStore for Counting {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.inner.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.read.fetch_add(positions.len(), Ordering::SeqCst);
        self.inner.read(positions)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.inner.write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.inner.sync()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.inner.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.inner.keep_checkpoint(checkpoint)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        self.inner.lock()
    }
}

#[test]
fn g6_opening_and_proofs_read_few_hashes() {
    let (sink, inner) = (filled(5_000), Arc::new(MemoryHashes::new()));
    over(&sink, Arc::clone(&inner)).checkpoint().unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let ledger = over(&sink, Counting { inner, read: Arc::clone(&read) });
    let taken = || read.swap(0, Ordering::SeqCst);
    // The peaks of the tree and the newest leaf.
    assert!(taken() <= 13 + 1);
    ledger.checkpoint().unwrap();
    assert_eq!(taken(), 0);
    ledger.inclusion_proof(1_234).unwrap();
    assert!(taken() <= 26 + 1);
    ledger.consistency_proof(1_234, 4_321).unwrap();
    assert!(taken() <= 4 * 26);
}

#[test]
fn g6_checkpoint_covers_concurrent_records() {
    let sink = Arc::new(MemorySink::new());
    let ledger = LedgerSink::open(Arc::clone(&sink), MemoryHashes::new(), key()).unwrap();
    std::thread::scope(|scope| {
        for caller in 0..8 {
            let ledger = &ledger;
            scope.spawn(move || {
                for number in 0..25 {
                    let receipt = ledger.record(&record(caller * 100 + number)).unwrap();
                    if number % 5 == 0 {
                        let checkpoint = opened(&ledger.checkpoint().unwrap());
                        assert!(checkpoint.size >= receipt.sequence());
                        assert!(ledger.inclusion_proof(receipt.sequence()).is_ok());
                    }
                }
            });
        }
    });
    assert_eq!(opened(&ledger.checkpoint().unwrap()).size, 200);
    assert_eq!(ledger.audit().unwrap(), AuditSummary { size: 200, removed: 0 });
}

#[test]
fn g6_missing_confirmed_record_is_detected() {
    let sink = filled(3);
    let ledger = over(&sink, MemoryHashes::new());
    fill(&ledger, 4, 6);
    sink.tamper(|entries| entries.truncate(5));
    assert!(matches!(ledger.checkpoint(), Err(LedgerError::Lost { sequence: 6 })));
    assert!(matches!(ledger.catch_up(), Err(LedgerError::Lost { sequence: 6 })));
}

/// The caller must reject a receipt for another record. It does not confirm this one.
#[test]
fn g6_receipt_for_other_record_confirms_nothing() {
    struct Lying(OpenSink);
    impl GovernanceSink for Lying {
        fn record(&self, _: &Record) -> Result<Receipt, SinkError> {
            Ok(Receipt::assertion(record(99).id, 1_000))
        }

        forward! { 0: records newest remove }
    }
    let ledger = LedgerSink::open(Lying(OpenSink::default()), MemoryHashes::new(), key()).unwrap();
    assert!(ledger.record(&record(1)).unwrap().confirm(&record(1)).is_err());
    assert_eq!(opened(&ledger.checkpoint().unwrap()).size, 0);
}
