//! Callers that share commits, with their threads scheduled by shuttle.

use shuttle::thread;

use super::ledger::{InjectedError, Ledger};
use super::*;

#[derive(Debug)]
enum PutError {
    BeforeWrite,
    AfterWrite,
    Commit,
}

impl From<Arc<InjectedError>> for PutError {
    fn from(_: Arc<InjectedError>) -> Self {
        Self::Commit
    }
}

fn put(shared: &GroupCommit<Ledger>, entry: u32) -> Result<u32, PutError> {
    shared.run(move |ledger| {
        if entry % 5 == 3 {
            return Err(PutError::BeforeWrite);
        }
        ledger.put(entry);
        if entry % 5 == 4 { Err(PutError::AfterWrite) } else { Ok(entry) }
    })
}

/// In every interleaving, each caller gets a result, and exactly the entries reported as stored are durable.
#[test]
fn d4_result_matches_durability_in_every_interleaving() {
    let which: [fn(usize) -> bool; 3] = [|_| false, |commit| commit == 1, |commit| commit == 2];
    for fails in which {
        let round = move || {
            let shared = Arc::new(GroupCommit::new(Ledger::new(fails)));
            let callers: Vec<_> = (0..4)
                .map(|caller| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || [caller, caller + 4].map(|entry| (entry, put(&shared, entry).is_ok())))
                })
                .collect();
            let answers: Vec<(u32, bool)> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
            let ledger = &shared.wait_for_writer().state.writer;
            for (entry, stored) in answers {
                assert_eq!(ledger.durable.contains(&entry), stored, "{entry}");
            }
            assert!(!ledger.open && shared.queue.lock().unwrap().is_none());
        };
        shuttle::check_random(round, 2_000);
        shuttle::check_pct(round, 1_000, 3);
    }
}
