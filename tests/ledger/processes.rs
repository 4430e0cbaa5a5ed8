//! Several processes that share one log and its hashes.

use activity_privacy::governance::GovernanceSink;
use std::sync::Arc;

use activity_privacy::governance::RecordEntry;
use activity_privacy::ledger::*;

use crate::log::*;

/// Each has its own handles, as two processes do.
#[test]
fn g6_processes_share_log_and_hashes() {
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
fn g6_concurrent_processes_sign_one_history() {
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
    assert_eq!(last.audit().unwrap(), AuditSummary { size: 60, removed: 0 });
    for note in &notes {
        assert_eq!(last.checkpoint_of(opened(note).size).unwrap(), *note);
    }
}

/// One of two processes sees another log. Only one history is signed, and the process that reads the other one gets an
/// error.
#[test]
fn g6_processes_with_different_logs_disagree() {
    let (folder, sink, forged) = (folder(), filled(4), filled(4));
    let [true_one, false_one] = [over(&sink, hashes(&folder)), over(&forged, hashes(&folder))];
    fill(&sink, 5, 9);
    fill(&forged, 5, 9);
    forged.tamper(|entries| entries[6].record.at = at(55));
    let signed = false_one.checkpoint().unwrap();
    assert_eq!(true_one.checkpoint().unwrap(), signed);
    assert!(matches!(true_one.audit(), Err(LedgerError::Rewritten { sequence: 7 })));
    // Its next record would differ, or be missing.
    forged.tamper(|entries| entries.push(RecordEntry { sequence: 10, record: record(11) }));
    false_one.checkpoint().unwrap();
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Lost { sequence: 10 })));
    fill(&sink, 10, 10);
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Rewritten { sequence: 10 })));
    assert!(LedgerSink::open(Arc::clone(&sink), hashes(&folder), key()).is_err());
    // A saved checkpoint of the true log does not match.
    let saved = ledger(9).checkpoint().unwrap();
    let proof = false_one.consistency_proof(9, 10).unwrap();
    assert!(!proof.proves(&opened(&saved), &opened(&false_one.checkpoint().unwrap())));
}

/// The attacker uses the same key and replaces the hashes of all records, one of which is changed.
#[test]
fn g6_checkpoint_of_other_log_is_not_adopted() {
    let (sink, shared) = (filled(9), Arc::new(MemoryHashes::new()));
    let ledger = over(&sink, Arc::clone(&shared));
    for size in [9, 12] {
        let (forged, others) = (filled(size), Arc::new(MemoryHashes::new()));
        forged.tamper(|entries| entries[6].record.at = at(55));
        let forged = over(&forged, Arc::clone(&others)).checkpoint().unwrap();
        let positions: Vec<u64> = (0..others.size().unwrap()).collect();
        shared.write(0, &others.read(&positions).unwrap()).unwrap();
        shared.keep_checkpoint(forged.as_bytes()).unwrap();
        assert!(matches!(ledger.checkpoint(), Err(LedgerError::Forked { size: of }) if of == size));
    }
}

/// A process that has seen no record can compare only with the checkpoint itself.
#[test]
fn g6_adopted_tree_must_match_checkpoint_root() {
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

/// Records in one file, hashes in another, and two handles to each.
#[cfg(feature = "sqlite")]
#[test]
fn g6_log_in_file_verifies_with_several_writers() {
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
    // A process without a ledger also records.
    fill(&bare, 10, 12);
    is_sound(&one, 12);
    is_sound(&other, 12);
    is_sound(&open(), 12);
    let (log, checkpoint) = exported(&one, Disclosure::Include);
    let verified = verify_log(&log[..], checkpoint.as_bytes(), None, &[key().verifier().clone()]).unwrap();
    assert_eq!((verified.records, verified.openings), (12, 16));
}
