//! A ledger that is opened again, also after its files or its records were changed.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use activity_privacy::governance::{RecordEntry, RecordId};
use activity_privacy::ledger::*;
use uuid::Uuid;

use crate::log::*;
use crate::notes::signer;

#[test]
fn g6_reopened_ledger_continues() {
    let (folder, sink) = (folder(), filled(0));
    for size in 0..30 {
        if size > 0 {
            fill(&sink, size, size);
        }
        let ledger = over(&sink, hashes(&folder));
        // Opening alone signs a checkpoint.
        let kept = fs::read_to_string(folder.path().join("log.hashes.checkpoint")).unwrap();
        assert_eq!(opened(&kept).size, size);
        if size % 3 != 0 {
            is_sound(&ledger, size);
        }
    }
    let before = fs::read(folder.path().join("log.hashes.checkpoint")).unwrap();
    let again = over(&sink, hashes(&folder)).checkpoint().unwrap();
    assert_eq!(again.as_bytes(), before, "a checkpoint is signed once");
}

#[test]
fn g6_truncated_hash_file_is_reported() {
    let (folder, sink) = (folder(), filled(11));
    over(&sink, hashes(&folder)).checkpoint().unwrap();
    let whole = fs::read(path(&folder)).unwrap();
    assert_eq!(whole.len(), (2 * 11 - 3) * 32);
    for length in (0..whole.len()).chain([whole.len() + 1, whole.len() + 31]) {
        let mut cut = whole.clone();
        cut.resize(length, 0xa5);
        fs::write(path(&folder), &cut).unwrap();
        assert_eq!(hashes(&folder).size().unwrap(), length as u64 / 32, "a partial hash does not count");
        let reopened = LedgerSink::open(Arc::clone(&sink), hashes(&folder), key());
        if length < whole.len() {
            assert!(matches!(reopened, Err(LedgerError::Forked { size: 11 })), "{length}: {reopened:?}");
            if length % 32 != length / 32 {
                continue;
            }
            is_sound(&LedgerSink::rebuild(Arc::clone(&sink), hashes(&folder), key()).unwrap(), 11);
        }
        is_sound(&over(&sink, hashes(&folder)), 11);
    }
}

/// Records and hashes are replaced together, so they match each other, but not what this process signed.
#[test]
fn g6_replaced_log_is_detected() {
    let (sink, shared) = (filled(9), Arc::new(MemoryHashes::new()));
    let ledger = over(&sink, Arc::clone(&shared));
    ledger.checkpoint().unwrap();
    let (forged, others) = (filled(9), Arc::new(MemoryHashes::new()));
    let forge: Change = Box::new(|entries| entries[3].record.at = at(77));
    forged.tamper(&forge);
    over(&forged, Arc::clone(&others)).checkpoint().unwrap();
    sink.tamper(&forge);
    let positions: Vec<u64> = (0..others.size().unwrap()).collect();
    shared.write(0, &others.read(&positions).unwrap()).unwrap();
    assert!(matches!(ledger.audit(), Err(LedgerError::Damaged)));
    assert!(ledger.export(&mut Vec::new(), Disclosure::Include).is_err());
    assert!(matches!(LedgerSink::open(sink, shared, key()), Err(LedgerError::Forked { size: 9 })));
}

#[test]
fn g6_rebuild_accepts_signed_log_only() {
    let (sink, shared) = (filled(9), Arc::new(MemoryHashes::new()));
    let before = over(&sink, Arc::clone(&shared)).checkpoint().unwrap();
    let rebuild = || LedgerSink::rebuild(Arc::clone(&sink), Arc::clone(&shared), key());
    let all = || {
        let positions: Vec<u64> = (0..shared.size().unwrap()).collect();
        shared.read(&positions).unwrap()
    };
    let kept = all();
    sink.tamper(|entries| entries[3].record.at = at(77));
    assert!(matches!(rebuild(), Err(LedgerError::Forked { size: 9 })));
    assert_eq!(all(), kept, "hashes are not overwritten for another log");
    sink.tamper(|entries| entries[3] = entry(4));
    sink.tamper(|entries| entries.truncate(7));
    assert!(matches!(rebuild(), Err(LedgerError::Lost { sequence: 8 })));
    fill(&sink, 8, 12);
    let rebuilt = rebuild().unwrap();
    assert_eq!(rebuilt.checkpoint_of(9).unwrap(), before);
    is_sound(&rebuilt, 12);
}

/// A hash store that fails on request.
#[derive(Default)]
struct Unreadable {
    hashes: MemoryHashes,
    fails: AtomicBool,
}

impl HashStore for Unreadable {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.hashes.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(HashStoreError::Backend("simulated disk failure".into())),
            false => self.hashes.read(positions),
        }
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.hashes.write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.hashes.sync()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.hashes.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.hashes.keep_checkpoint(checkpoint)
    }

    fn lock(&self) -> Result<WriteLock<'_>, HashStoreError> {
        self.hashes.lock()
    }
}

#[test]
fn g6_unreadable_hashes_are_not_a_fork() {
    let (sink, hashes) = (filled(9), Arc::new(Unreadable::default()));
    let ledger = over(&sink, Arc::clone(&hashes));
    ledger.checkpoint().unwrap();
    // Another process appends records, and this one adopts its checkpoint.
    fill(&sink, 10, 12);
    over(&sink, Arc::clone(&hashes)).checkpoint().unwrap();
    hashes.fails.store(true, Ordering::SeqCst);
    assert!(matches!(LedgerSink::open(Arc::clone(&sink), Arc::clone(&hashes), key()), Err(LedgerError::Hashes(_))));
    assert!(matches!(ledger.checkpoint(), Err(LedgerError::Hashes(_))));
    hashes.fails.store(false, Ordering::SeqCst);
    is_sound(&ledger, 12);
}

#[test]
fn g6_changed_hash_never_yields_wrong_checkpoint_or_proof() {
    let (folder, sink) = (folder(), filled(7));
    let sound = over(&sink, hashes(&folder));
    let checkpoint = sound.checkpoint().unwrap();
    let whole_log: Vec<Checkpoint> = (0..=7).map(|size| opened(&sound.checkpoint_of(size).unwrap())).collect();
    let whole = fs::read(path(&folder)).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1 << (at % 8);
        fs::write(path(&folder), &changed).unwrap();
        let ledger = match LedgerSink::open(Arc::clone(&sink), hashes(&folder), key()) {
            Ok(ledger) => ledger,
            Err(LedgerError::Forked { size: 7 } | LedgerError::Rewritten { sequence: 7 }) => continue,
            Err(other) => panic!("{at}: {other:?}"),
        };
        assert_eq!(ledger.checkpoint().unwrap(), checkpoint);
        let audited = ledger.audit();
        assert!(matches!(audited, Err(LedgerError::Damaged | LedgerError::Rewritten { .. })), "{at}: {audited:?}");
        for sequence in 1..=7 {
            match ledger.inclusion_proof(sequence) {
                Ok(proof) => {
                    proof.verify(leaf(sequence).as_str().as_bytes(), &[key().verifier().clone()]).unwrap();
                }
                Err(error) => assert!(matches!(error, LedgerError::Damaged), "{at}: {error:?}"),
            }
            match ledger.checkpoint_of(sequence) {
                Ok(note) => assert_eq!(opened(&note).root, peaks(sequence).root()),
                Err(error) => assert!(matches!(error, LedgerError::Damaged), "{at}: {error:?}"),
            }
        }
        for (earlier, size) in (0..=7).flat_map(|size| (0..=size).map(move |earlier| (earlier, size))) {
            match ledger.consistency_proof(earlier, size) {
                Ok(proof) => assert!(proof.proves(&whole_log[earlier as usize], &whole_log[size as usize]), "{at}"),
                Err(error) => assert!(matches!(error, LedgerError::Damaged), "{at}: {error:?}"),
            }
        }
        if at % 32 == 0 {
            is_sound(&LedgerSink::rebuild(Arc::clone(&sink), hashes(&folder), key()).unwrap(), 7);
        }
    }
}

#[test]
fn g6_hashes_beyond_checkpoint_are_recomputed() {
    let (folder, sink) = (folder(), filled(11));
    over(&sink, hashes(&folder)).checkpoint().unwrap();
    for garbage in [0, 1, 5, 40] {
        let size = hashes(&folder).size().unwrap();
        hashes(&folder).write(size, &vec![TreeHash([0; 32]); garbage]).unwrap();
        is_sound(&over(&sink, hashes(&folder)), 11);
    }
    let size = hashes(&folder).size().unwrap();
    hashes(&folder).write(size, &[TreeHash([0; 32]); 7]).unwrap();
    fill(&sink, 12, 20);
    is_sound(&over(&sink, hashes(&folder)), 20);
}

#[test]
fn g6_lost_or_changed_records_are_detected_at_opening() {
    let cut: fn(&mut Vec<RecordEntry>) = |entries| entries.truncate(10);
    let empty: fn(&mut Vec<RecordEntry>) = Vec::clear;
    let changed: fn(&mut Vec<RecordEntry>) = |entries| entries[10].record.at = at(77);
    let gap: fn(&mut Vec<RecordEntry>) = |entries| {
        entries.remove(11);
    };
    for (tamper, expected) in [
        (cut, "record 11 is missing"),
        (empty, "record 11 is missing"),
        (changed, "record 11 differs from the record that was hashed"),
        (gap, "record 12 is missing"),
    ] {
        let (folder, sink) = (folder(), filled(11));
        over(&sink, hashes(&folder)).checkpoint().unwrap();
        fill(&sink, 12, 14);
        sink.tamper(tamper);
        let reopened = LedgerSink::open(Arc::clone(&sink), hashes(&folder), key());
        assert_eq!(reopened.unwrap_err().to_string(), expected);
    }
}

#[test]
fn g6_audit_names_changed_removed_or_moved_record() {
    for sequence in 1..=10u64 {
        let at_ = sequence as usize - 1;
        let changes: [(&str, Change); 3] = [
            (
                "differs from the record that was hashed",
                Box::new(move |entries| entries[at_].record.id = RecordId(Uuid::max())),
            ),
            (
                "differs from the record that was hashed",
                Box::new(move |entries| {
                    let other = entries[at_ + 1].record.clone();
                    entries[at_ + 1].record = std::mem::replace(&mut entries[at_].record, other);
                }),
            ),
            (
                "is missing",
                Box::new(move |entries| {
                    entries.remove(at_);
                }),
            ),
        ];
        for (expected, change) in changes {
            let sink = filled(12);
            let ledger = over(&sink, MemoryHashes::new());
            ledger.checkpoint().unwrap();
            sink.tamper(|entries| change(entries));
            if expected == "is missing" && sequence == 1 {
                // A retention run would leave the same state: a hash alone, which is reported as removed.
                assert_eq!(ledger.audit().unwrap(), AuditSummary { size: 12, removed: 1 });
                continue;
            }
            let said = format!("record {sequence} {expected}");
            assert_eq!(ledger.audit().unwrap_err().to_string(), said);
            assert_eq!(ledger.export(&mut Vec::new(), Disclosure::Include).unwrap_err().to_string(), said);
        }
    }
}

#[test]
fn g6_changed_stored_checkpoint_is_detected() {
    let (folder, sink) = (folder(), filled(5));
    let kept = folder.path().join("log.hashes.checkpoint");
    let running = over(&sink, hashes(&folder));
    running.checkpoint().unwrap();
    let old = fs::read(&kept).unwrap();
    fill(&sink, 6, 9);
    running.checkpoint().unwrap();
    let new = fs::read(&kept).unwrap();
    let reopen = || LedgerSink::open(Arc::clone(&sink), hashes(&folder), key());
    // The checkpoint is deleted.
    fs::remove_file(&kept).unwrap();
    assert!(matches!(reopen(), Err(LedgerError::NoCheckpoint)));
    assert!(matches!(running.checkpoint(), Err(LedgerError::NoCheckpoint)));
    // A checkpoint of another key, and one without a signature.
    let other = opened(str::from_utf8(&new).unwrap()).sign(&signer("example.com/governance", 8)).unwrap();
    for forged in [other.as_bytes(), b"", &new[..new.len() - 9]] {
        fs::write(&kept, forged).unwrap();
        assert!(matches!(reopen(), Err(LedgerError::Checkpoint(_))));
        assert!(matches!(running.checkpoint(), Err(LedgerError::Checkpoint(_))));
    }
    // A checkpoint of another history, signed by this key.
    let fork = Checkpoint { root: TreeHash::of_nothing(), ..opened(str::from_utf8(&new).unwrap()) };
    fs::write(&kept, fork.sign(&key()).unwrap()).unwrap();
    assert!(matches!(reopen(), Err(LedgerError::Forked { size: 9 })));
    assert!(matches!(running.checkpoint(), Err(LedgerError::Forked { size: 9 })));
    // An older checkpoint: a running process detects it, and a new process reaches the same root again.
    fs::write(&kept, &old).unwrap();
    assert!(matches!(running.checkpoint(), Err(LedgerError::Forked { size: 5 })));
    is_sound(&reopen().unwrap(), 9);
    assert_eq!(fs::read(&kept).unwrap(), new);
    is_sound(&running, 9);
}
