//! Several processes with one log and its hashes.

use activity_privacy::governance::GovernanceSink;
use std::sync::Arc;

use activity_privacy::governance::RecordEntry;
use activity_privacy::ledger::*;

use crate::log::*;

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
    assert_eq!(last.audit().unwrap(), AuditSummary { size: 60, removed: 0 });
    for note in &notes {
        assert_eq!(last.checkpoint_of(opened(note).size).unwrap(), *note);
    }
}

/// One of two processes was shown another log. One history is signed, and whoever reads the other one is told.
#[test]
fn g6_two_processes_that_see_two_logs_do_not_agree() {
    let (folder, sink, forged) = (folder(), filled(4), filled(4));
    let [true_one, false_one] = [over(&sink, hashes(&folder)), over(&forged, hashes(&folder))];
    fill(&sink, 5, 9);
    fill(&forged, 5, 9);
    forged.tamper(|entries| entries[6].record.at = at(55));
    let signed = false_one.checkpoint().unwrap();
    assert_eq!(true_one.checkpoint().unwrap(), signed);
    assert!(matches!(true_one.audit(), Err(LedgerError::Rewritten { sequence: 7 })));
    // What it would come to next is another record, or none.
    forged.tamper(|entries| entries.push(RecordEntry { sequence: 10, record: record(11) }));
    false_one.checkpoint().unwrap();
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Lost { sequence: 10 })));
    fill(&sink, 10, 10);
    assert!(matches!(true_one.checkpoint(), Err(LedgerError::Rewritten { sequence: 10 })));
    assert!(LedgerSink::open(Arc::clone(&sink), hashes(&folder), key()).is_err());
    // And a saved checkpoint of the true log does not fit.
    let saved = ledger(9).checkpoint().unwrap();
    let proof = false_one.consistency_proof(9, 10).unwrap();
    assert!(!proof.proves(&opened(&saved), &opened(&false_one.checkpoint().unwrap())));
}

/// With the same key, over the same records but one, and set in the position of those that were signed.
#[test]
fn g6_the_hashes_and_the_checkpoint_of_another_log_are_not_taken_over() {
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
    let (log, checkpoint) = exported(&one, Disclosure::Include);
    let verified = verify_log(&log[..], checkpoint.as_bytes(), None, &[key().verifier().clone()]).unwrap();
    assert_eq!((verified.records, verified.openings), (12, 16));
}
