//! A ledger that is opened again: after a crash, beside other processes, and after somebody was at its files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use activity_privacy::ledger::*;
use activity_privacy::*;
use uuid::Uuid;

use crate::log::*;
use crate::notes::signer;

fn hashes(folder: &tempfile::TempDir) -> FileHashes {
    FileHashes::open(path(folder)).unwrap()
}

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("log.hashes")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn opened(note: &str) -> Checkpoint {
    Checkpoint::open(note.as_bytes(), &[key().verifier().clone()]).unwrap()
}

/// Whatever the ledger says is as it should be: the checkpoint, every proof, every record and every hash.
fn is_sound<S: GovernanceSink>(ledger: &LedgerSink<S>, size: u64) {
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

#[test]
fn g6_a_ledger_goes_on_where_it_was() {
    let (folder, sink) = (folder(), filled(0));
    for size in 0..30 {
        if size > 0 {
            fill(&sink, size, size);
        }
        let ledger = over(&sink, hashes(&folder));
        // Every third time nobody signs, so that there are more hashes than the checkpoint counts.
        if size % 3 != 0 {
            is_sound(&ledger, size);
        }
    }
    let before = fs::read(folder.path().join("log.hashes.checkpoint")).unwrap();
    let again = over(&sink, hashes(&folder)).checkpoint().unwrap();
    assert_eq!(again.as_bytes(), before, "a checkpoint is signed once");
}

#[test]
fn g6_a_file_of_hashes_that_was_cut_off_is_never_made_up_for_in_silence() {
    let (folder, sink) = (folder(), filled(11));
    over(&sink, hashes(&folder)).checkpoint().unwrap();
    let whole = fs::read(path(&folder)).unwrap();
    assert_eq!(whole.len(), (2 * 11 - 3) * 32);
    for length in (0..whole.len()).chain([whole.len() + 1, whole.len() + 31]) {
        let mut cut = whole.clone();
        cut.resize(length, 0xa5);
        fs::write(path(&folder), &cut).unwrap();
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

#[test]
fn g6_no_changed_hash_makes_a_checkpoint_or_a_proof_that_is_wrong() {
    let (folder, sink) = (folder(), filled(7));
    let checkpoint = over(&sink, hashes(&folder)).checkpoint().unwrap();
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
        if at % 32 == 0 {
            is_sound(&LedgerSink::rebuild(Arc::clone(&sink), hashes(&folder), key()).unwrap(), 7);
        }
    }
}

#[test]
fn g6_hashes_behind_the_checkpoint_are_made_again() {
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
fn g6_a_sink_that_lost_or_changed_records_is_seen_at_opening() {
    let cut: fn(&mut Vec<RecordEntry>) = |entries| entries.truncate(10);
    let empty: fn(&mut Vec<RecordEntry>) = Vec::clear;
    let changed: fn(&mut Vec<RecordEntry>) = |entries| entries[10].record.at = at(77);
    let gap: fn(&mut Vec<RecordEntry>) = |entries| {
        entries.remove(11);
    };
    for (tamper, expected) in [
        (cut, "record 11 is missing"),
        (empty, "record 11 is missing"),
        (changed, "record 11 is not what it was"),
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
fn g6_a_record_that_is_changed_removed_or_moved_is_named_by_an_audit() {
    for sequence in 1..=10u64 {
        let at_ = sequence as usize - 1;
        let changes: [(&str, Change); 3] = [
            ("is not what it was", Box::new(move |entries| entries[at_].record.id = RecordId(Uuid::max()))),
            (
                "is not what it was",
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
                // So would a retention run have left it: a hash alone, which is said.
                assert_eq!(ledger.audit().unwrap(), Audit { size: 12, removed: 1 });
                continue;
            }
            let said = format!("record {sequence} {expected}");
            assert_eq!(ledger.audit().unwrap_err().to_string(), said);
            assert_eq!(ledger.export(&mut Vec::new(), Openings::Shown).unwrap_err().to_string(), said);
        }
    }
}

#[test]
fn g6_whoever_was_at_the_kept_checkpoint_is_noticed() {
    let (folder, sink) = (folder(), filled(5));
    let kept = folder.path().join("log.hashes.checkpoint");
    let running = over(&sink, hashes(&folder));
    running.checkpoint().unwrap();
    let old = fs::read(&kept).unwrap();
    fill(&sink, 6, 9);
    running.checkpoint().unwrap();
    let new = fs::read(&kept).unwrap();
    let reopen = || LedgerSink::open(Arc::clone(&sink), hashes(&folder), key());
    // Taken away.
    fs::remove_file(&kept).unwrap();
    assert!(matches!(reopen(), Err(LedgerError::NoCheckpoint)));
    assert!(matches!(running.checkpoint(), Err(LedgerError::NoCheckpoint)));
    // One of somebody else's key, and one that nobody signed.
    let other = opened(str::from_utf8(&new).unwrap()).sign(&signer("example.com/governance", 8)).unwrap();
    for forged in [other.as_bytes(), b"", &new[..new.len() - 9]] {
        fs::write(&kept, forged).unwrap();
        assert!(matches!(reopen(), Err(LedgerError::Checkpoint(_))));
        assert!(matches!(running.checkpoint(), Err(LedgerError::Checkpoint(_))));
    }
    // One of another history, signed with this key.
    let fork = Checkpoint { root: TreeHash::of_nothing(), ..opened(str::from_utf8(&new).unwrap()) };
    fs::write(&kept, fork.sign(&key()).unwrap()).unwrap();
    assert!(matches!(reopen(), Err(LedgerError::Forked { size: 9 })));
    assert!(matches!(running.checkpoint(), Err(LedgerError::Forked { size: 9 })));
    // An older one: whoever runs knows better, and whoever starts comes to the same root again.
    fs::write(&kept, &old).unwrap();
    assert!(matches!(running.checkpoint(), Err(LedgerError::Forked { size: 5 })));
    is_sound(&reopen().unwrap(), 9);
    assert_eq!(fs::read(&kept).unwrap(), new);
    is_sound(&running, 9);
}

/// Fails at one call, and at all that come after it, as if the process had died there.
struct Mortal {
    inner: Arc<MemoryHashes>,
    left: AtomicUsize,
}

impl Mortal {
    fn step(&self) -> Result<(), HashStoreError> {
        let lives = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        lives.map(|_| ()).map_err(|_| HashStoreError::Backend("died on command".into()))
    }
}

impl HashStore for Mortal {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.step()?;
        self.inner.size()
    }

    fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.step()?;
        self.inner.read(places)
    }

    fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        // Half of it gets through.
        if let Err(died) = self.step() {
            self.inner.write(place, &hashes[..hashes.len() / 2])?;
            return Err(died);
        }
        self.inner.write(place, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.sync()
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.step()?;
        self.inner.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.keep_checkpoint(checkpoint)
    }

    fn hold(&self) -> Result<Hold<'_>, HashStoreError> {
        self.step()?;
        self.inner.hold()
    }
}

#[test]
fn g6_whenever_a_process_dies_the_next_one_goes_on() {
    let mut died = 0;
    for steps in 0.. {
        let (sink, inner) = (filled(3), Arc::new(MemoryHashes::new()));
        let mortal = Mortal { inner: Arc::clone(&inner), left: AtomicUsize::new(steps) };
        let signed = LedgerSink::open(Arc::clone(&sink), mortal, key()).and_then(|ledger| {
            let first = ledger.checkpoint()?;
            fill(&sink, 4, 700);
            ledger.catch_up()?;
            fill(&sink, 701, 710);
            Ok((first, ledger.checkpoint()?))
        });
        let size = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap().len() as u64;
        let next = over(&sink, inner);
        assert_eq!(opened(&next.checkpoint().unwrap()).root, peaks(size).root(), "died after {steps}");
        next.audit().unwrap();
        if signed.is_ok() {
            break;
        }
        died += 1;
    }
    assert!(died > 20, "{died}");
}

/// Hashes of which a power cut leaves what was synced, and zeros where more was written.
#[derive(Default)]
struct Volatile {
    inner: MemoryHashes,
    synced: Mutex<Vec<TreeHash>>,
    /// How many calls of `sync` and `keep_checkpoint` come through until the power is gone.
    left: AtomicUsize,
}

impl Volatile {
    fn all(&self) -> Vec<TreeHash> {
        let places: Vec<u64> = (0..self.inner.size().unwrap()).collect();
        self.inner.read(&places).unwrap()
    }

    fn step(&self) -> Result<(), HashStoreError> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(|_| ()).map_err(|_| HashStoreError::Backend("no power".into()))
    }

    fn after_a_power_cut(&self) -> MemoryHashes {
        let (mut left, after) = (self.synced.lock().unwrap().clone(), MemoryHashes::new());
        left.resize(self.all().len().max(left.len()), TreeHash([0; 32]));
        after.write(0, &left).unwrap();
        if let Some(checkpoint) = self.inner.checkpoint().unwrap() {
            after.keep_checkpoint(&checkpoint).unwrap();
        }
        after
    }
}

impl HashStore for Volatile {
    fn size(&self) -> Result<u64, HashStoreError> {
        self.inner.size()
    }

    fn read(&self, places: &[u64]) -> Result<Vec<TreeHash>, HashStoreError> {
        self.inner.read(places)
    }

    fn write(&self, place: u64, hashes: &[TreeHash]) -> Result<(), HashStoreError> {
        self.inner.write(place, hashes)
    }

    fn sync(&self) -> Result<(), HashStoreError> {
        self.step()?;
        *self.synced.lock().unwrap() = self.all();
        Ok(())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, HashStoreError> {
        self.inner.checkpoint()
    }

    fn keep_checkpoint(&self, checkpoint: &[u8]) -> Result<(), HashStoreError> {
        self.step()?;
        self.inner.keep_checkpoint(checkpoint)
    }

    fn hold(&self) -> Result<Hold<'_>, HashStoreError> {
        self.inner.hold()
    }
}

#[test]
fn g6_a_power_cut_takes_no_hash_that_a_checkpoint_counts() {
    for steps in 2..9 {
        let (sink, hashes) = (filled(3), Arc::new(Volatile { left: AtomicUsize::new(steps), ..Volatile::default() }));
        let ledger = over(&sink, Arc::clone(&hashes));
        let mut size = 3;
        while ledger.checkpoint().is_ok() {
            size += 4;
            fill(&sink, size - 3, size);
        }
        is_sound(&over(&sink, hashes.after_a_power_cut()), size);
    }
}

/// Each with its own handle on the files, as two processes have it.
#[test]
fn g6_processes_share_a_log_and_its_hashes() {
    let (folder, sink) = (folder(), filled(0));
    let [one, other] = [over(&sink, hashes(&folder)), over(&sink, hashes(&folder))];
    let mut notes = vec![one.checkpoint().unwrap()];
    for number in 1..=40 {
        let (writer, reader) = if number % 3 == 0 { (&one, &other) } else { (&other, &one) };
        fill(writer, number, number);
        match number % 4 {
            0 => notes.push(reader.checkpoint().unwrap()),
            1 => writer.catch_up().unwrap(),
            2 => notes.push(writer.checkpoint().unwrap()),
            _ => {}
        }
    }
    for (at, older) in notes.iter().enumerate() {
        for newer in &notes[at..] {
            let [older, newer] = [older, newer].map(|note| opened(note));
            assert!(one.consistency_proof(older.size, newer.size).unwrap().proves(&older, &newer));
        }
    }
    is_sound(&one, 40);
    is_sound(&other, 40);
}

#[test]
fn g6_processes_at_once_sign_one_history() {
    let (folder, sink) = (folder(), filled(0));
    let notes: Vec<String> = std::thread::scope(|scope| {
        let process = |number: u64| {
            let ledger = over(&sink, hashes(&folder));
            scope.spawn(move || {
                let mut notes = Vec::new();
                for round in 0..15 {
                    let _receipt = ledger.record(&record(number * 1_000 + round)).unwrap();
                    notes.push(ledger.checkpoint().unwrap());
                }
                notes
            })
        };
        let processes: Vec<_> = (0..4).map(process).collect();
        processes.into_iter().flat_map(|process| process.join().unwrap()).collect()
    });
    let last = over(&sink, hashes(&folder));
    assert_eq!(last.audit().unwrap(), Audit { size: 60, removed: 0 });
    for note in &notes {
        assert_eq!(last.checkpoint_of(opened(note).size).unwrap(), *note);
    }
}

/// One of two processes was shown another log.
#[test]
fn g6_two_processes_that_see_two_logs_do_not_agree() {
    let (folder, sink, forged) = (folder(), filled(9), filled(9));
    forged.tamper(|entries| entries[6].record.at = at(55));
    let early = over(&filled(4), hashes(&folder));
    early.checkpoint().unwrap();
    let [true_one, false_one] = [over(&sink, hashes(&folder)), over(&forged, hashes(&folder))];
    false_one.checkpoint().unwrap();
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Forked { size: 9 })));
    fill(&forged, 10, 12);
    false_one.checkpoint().unwrap();
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Forked { size: 12 })));
    // Whoever starts on the true log sees that the newest record is another one, or missing.
    assert!(LedgerSink::open(Arc::clone(&sink), hashes(&folder), key()).is_err());
    // And a saved checkpoint of the true log does not fit.
    let saved = ledger(9).checkpoint().unwrap();
    let proof = false_one.consistency_proof(9, 12).unwrap();
    assert!(!proof.proves(&opened(&saved), &opened(&false_one.checkpoint().unwrap())));
}

/// Whoever knew of no record yet has nothing to compare with but the checkpoint itself.
#[test]
fn g6_what_another_process_made_is_believed_for_its_root_alone() {
    let (sink, shared) = (filled(0), Arc::new(MemoryHashes::new()));
    let [early, other] = [over(&sink, Arc::clone(&shared)), over(&sink, Arc::clone(&shared))];
    fill(&sink, 1, 9);
    other.checkpoint().unwrap();
    let newest_leaf = shared.size().unwrap() - 1;
    let [hash] = shared.read(&[newest_leaf]).unwrap()[..] else { panic!("one hash") };
    shared.write(newest_leaf, &[TreeHash::of_nothing()]).unwrap();
    assert!(matches!(early.checkpoint(), Err(LedgerError::Forked { size: 9 })));
    shared.write(newest_leaf, &[hash]).unwrap();
    is_sound(&early, 9);
}

#[test]
fn g6_hashes_are_kept_as_the_contract_of_their_port_says() {
    fn check(one: &dyn HashStore, other: &dyn HashStore) {
        let hash = |byte: u8| TreeHash([byte; 32]);
        assert_eq!((one.size().unwrap(), one.checkpoint().unwrap()), (0, None));
        assert!(matches!(one.write(1, &[hash(1)]), Err(HashStoreError::Gap { place: 1, len: 0 })));
        one.write(0, &[hash(1), hash(2), hash(3)]).unwrap();
        assert_eq!(other.read(&[2, 0, 1, 1]).unwrap(), [hash(3), hash(1), hash(2), hash(2)]);
        other.write(1, &[hash(4)]).unwrap();
        other.write(2, &[hash(5), hash(6)]).unwrap();
        other.write(0, &[]).unwrap();
        assert_eq!(one.read(&[0, 1, 2, 3]).unwrap(), [hash(1), hash(4), hash(5), hash(6)]);
        assert_eq!((one.size().unwrap(), other.size().unwrap()), (4, 4));
        for place in [4, 5, u64::MAX / 32, u64::MAX] {
            assert!(matches!(one.read(&[0, place]), Err(HashStoreError::Missing { .. })), "{place}");
            assert!(place == 4 || matches!(one.write(place, &[hash(1)]), Err(HashStoreError::Gap { .. })), "{place}");
        }
        one.sync().unwrap();
        one.keep_checkpoint(b"one").unwrap();
        other.keep_checkpoint(b"two").unwrap();
        assert_eq!(one.checkpoint().unwrap().unwrap(), b"two");
        // One at a time has the hold.
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for store in [one, other, one, other] {
                let (inside, most) = (&inside, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let hold = store.hold().unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(hold);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
    let memory = MemoryHashes::new();
    check(&memory, &memory);
    let folder = folder();
    check(&hashes(&folder), &hashes(&folder));
    assert!(FileHashes::open(Path::new("/nowhere/at/all")).is_err());
}

/// Records in one file, hashes in another, and two handles on each.
#[cfg(feature = "sqlite")]
#[test]
fn g6_a_log_in_a_file_is_sound_whoever_recorded() {
    use activity_privacy::sqlite::SqliteGovernance;

    let folder = folder();
    let open = || {
        let sink = SqliteGovernance::open(folder.path().join("log.db")).unwrap();
        LedgerSink::open(sink, hashes(&folder), key()).unwrap()
    };
    let (one, bare) = (open(), SqliteGovernance::open(folder.path().join("log.db")).unwrap());
    fill(&one, 1, 5);
    let other = open();
    fill(&other, 6, 9);
    // Somebody who has no ledger records as well.
    fill(&bare, 10, 12);
    is_sound(&one, 12);
    is_sound(&other, 12);
    is_sound(&open(), 12);
    let (log, checkpoint) = exported(&one, Openings::Shown);
    let verified = verify_log(&log[..], checkpoint.as_bytes(), None, &[key().verifier().clone()]).unwrap();
    assert_eq!((verified.records, verified.openings), (12, 6));
}
