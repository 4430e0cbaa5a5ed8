//! Hostile files, sinks and keys.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::governance::{GovernanceSink, Receipt, Record, RecordEntry, RecordQuery, SinkError};
use activity_privacy::ledger::*;
use activity_privacy::query::PageSize;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::forward::forward;
use crate::log::*;

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// A commitment covers the salt, a line feed and the text. The file must not choose where the text begins: otherwise
/// the first tag of a page could become part of the salt.
#[test]
fn g6_committed_text_cannot_move_into_salt() {
    let (log, checkpoint) = exported(&ledger(3), Disclosure::Include);
    let log = String::from_utf8(log).unwrap();
    let (tag, salt) = ("00".repeat(16), "00000000000000030000000000000003");
    let whole = format!(r#""salt":"{salt}","text":"{tag}\n"#);
    assert_eq!(log.matches(&whole).count(), 1);
    let moved = log.replace(&whole, &format!(r#""salt":"{salt}\n{tag}","text":""#));
    let verified = verify_log(moved.as_bytes(), checkpoint.as_bytes(), None, &[key().verifier().clone()]);
    assert!(matches!(verified, Err(VerifyError::Opening { line: 3 })), "{verified:?}");
}

/// Returns a line with this many commitments, each disclosed.
fn line_of(openings: usize) -> String {
    let (mut entry, mut opened) = (String::from(r#"{"sequence":1,"sealed":["#), String::new());
    for number in 0..openings {
        let (salt, comma) = (salt(number as u128), if number == 0 { "" } else { "," });
        let commitment = sha256(&format!("{salt}\ntext"));
        write!(entry, r#"{comma}{{"sha256":"{commitment}"}}"#).unwrap();
        write!(opened, r#"{comma}"{commitment}":{{"salt":"{salt}","text":"text"}}"#).unwrap();
    }
    entry.push_str("]}");
    format!("{{\"entry\":{},\"openings\":{{{opened}}}}}\n", serde_json::json!(entry))
}

/// A line 16 times as long takes about 16 times as long, not 200 times.
#[test]
fn b1_line_with_many_openings_takes_linear_time() {
    let checkpoint = ledger(1).checkpoint().unwrap();
    let takes = |line: &str| -> Duration {
        let once = || {
            let begun = Instant::now();
            let verified = verify_log(line.as_bytes(), checkpoint.as_bytes(), None, &[key().verifier().clone()]);
            assert!(matches!(verified, Err(VerifyError::Root { size: 1 })), "{verified:?}");
            begun.elapsed()
        };
        (0..3).map(|_| once()).min().unwrap()
    };
    let (short, long) = (takes(&line_of(1_000)), takes(&line_of(16_000)));
    assert!(long < short * 64, "{short:?}, {long:?}");
}

/// The tags of 1,000 activities with the most objects, identified by ids or aliases, and with the most principals.
#[test]
fn g6_longest_page_fits_in_export_line() {
    let tags = PageSize::MAX.get() * (2 * Activity::MAX_OBJECTS + 9 * Actor::MAX_IDENTITIES);
    let (salt, text) = (salt(u128::MAX), vec!["0f".repeat(16); tags].join("\n"));
    let commitment = sha256(&format!("{salt}\n{text}"));
    let entry = format!(r#"{{\"sequence\":1,\"sealed\":{{\"sha256\":\"{commitment}\"}}}}"#);
    let opening = format!(r#"{{"salt":"{salt}","text":"{}"}}"#, text.replace('\n', "\\n"));
    let line = format!("{{\"entry\":\"{entry}\",\"openings\":{{\"{commitment}\":{opening}}}}}\n");
    let checkpoint = ledger(1).checkpoint().unwrap();
    let verified = verify_log(line.as_bytes(), checkpoint.as_bytes(), None, &[key().verifier().clone()]);
    assert!(matches!(verified, Err(VerifyError::Root { size: 1 })), "{verified:?}");
}

/// A signature of an unknown key is ignored, whatever its name.
#[test]
fn g6_signature_of_unknown_long_name_is_ignored() {
    let note = key().sign("text\n").unwrap();
    let signature = STANDARD.encode([9; 68]);
    for name in ["n".repeat(256), "n".repeat(4_000), "name\u{7f}".to_owned()] {
        let note = format!("{note}\u{2014} {name} {signature}\n");
        assert!(signed_note::Note::from_bytes(note.as_bytes()).is_ok());
        assert!(Note::open(note.as_bytes(), &[key().verifier().clone()]).is_ok(), "{name}");
    }
    for name in ["", "a+b", "a\u{a0}b"] {
        let note = format!("{note}\u{2014} {name} {signature}\n");
        let opened = Note::open(note.as_bytes(), &[key().verifier().clone()]);
        assert_eq!(opened, Err(NoteError::NotASignature { line: 4 }));
    }
}

/// If a confirmed record is missing, the remaining records are not trusted either.
#[test]
fn g6_missing_confirmed_record_blocks_signing() {
    let (sink, hashes) = (filled(0), Arc::new(MemoryHashes::new()));
    let ledger = over(&sink, Arc::clone(&hashes));
    fill(&ledger, 1, 4);
    ledger.checkpoint().unwrap();
    let kept = hashes.checkpoint().unwrap();
    fill(&ledger, 5, 9);
    // A backup with fewer records is restored, and one of its records is changed.
    sink.tamper(|entries| {
        entries.truncate(8);
        entries[7].record.at = at(77);
    });
    for _ in 0..2 {
        assert!(matches!(ledger.checkpoint(), Err(LedgerError::Lost { sequence: 9 })));
        assert_eq!(hashes.checkpoint().unwrap(), kept);
        // No other method returns a result.
        assert!(ledger.checkpoint_of(8).is_err());
        assert!(ledger.inclusion_proof(8).is_err());
    }
    // The error is not permanent, and leaves no trace.
    sink.tamper(|entries| entries.truncate(7));
    fill(&sink, 8, 9);
    is_sound(&ledger, 9);
    is_sound(&over(&sink, hashes), 9);
}

/// A sink whose first records retention removes between two pages of one read.
struct Aging {
    sink: Arc<OpenSink>,
    reads: AtomicUsize,
}

impl GovernanceSink for Aging {
    fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
        self.sink.record(record)
    }

    fn records(&self, query: &RecordQuery, after: u64, limit: usize) -> Result<Vec<RecordEntry>, SinkError> {
        if self.reads.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.sink.tamper(|entries| drop(entries.drain(..100)));
        }
        self.sink.records(query, after, limit)
    }

    forward! { sink: newest remove }
}

/// Records that retention removes are not reported as lost.
#[test]
fn g6_records_removed_during_export_are_not_lost() {
    let sink = Aging { sink: filled(300), reads: AtomicUsize::new(0) };
    let ledger = LedgerSink::open(sink, MemoryHashes::new(), key()).unwrap();
    // One read finds nothing new, one reads a page, and then the records are removed.
    ledger.sink().reads.store(3, Ordering::SeqCst);
    let exported = ledger.export(&mut Vec::new(), Disclosure::Include);
    assert!(matches!(exported, Err(LedgerError::RemovedMeanwhile)), "{exported:?}");
    assert_eq!(ledger.audit().unwrap(), AuditSummary { size: 300, removed: 100 });
}

/// After a failed sync, a later successful sync does not make earlier writes durable: they are written again.
#[test]
fn g6_hashes_after_failed_sync_are_written_again() {
    let (sink, hashes) = (filled(0), Arc::new(Forgetful::default()));
    let ledger = over(&sink, Arc::clone(&hashes));
    fill(&ledger, 1, 4);
    ledger.checkpoint().unwrap();
    fill(&ledger, 5, 9);
    hashes.fail_to_sync();
    assert!(matches!(ledger.checkpoint(), Err(LedgerError::Hashes(_))));
    is_sound(&ledger, 9);
    is_sound(&over(&sink, Arc::clone(&hashes)), 9);
}

/// A hash store that behaves like a disk: a failed sync loses all writes since the previous sync.
#[derive(Default)]
struct Forgetful {
    inner: MemoryHashes,
    synced: AtomicUsize,
    fails: AtomicBool,
}

impl Forgetful {
    fn fail_to_sync(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }
}

impl HashStore for Forgetful {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.inner.size()
    }

    fn read(&self, positions: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.inner.read(positions)
    }

    fn write(&self, position: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.inner.write(position, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        let (size, synced) = (self.inner.size()? as usize, self.synced.load(Ordering::SeqCst));
        if self.fails.swap(false, Ordering::SeqCst) {
            self.inner.write(synced as u64, &vec![TreeHash([0; 32]); size - synced])?;
            return Err(HashStoreError::Backend("the disk failed".into()));
        }
        self.synced.store(size, Ordering::SeqCst);
        Ok(())
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
