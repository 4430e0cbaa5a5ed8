//! Callers who share commits, their threads in the hands of a scheduler.

use shuttle::thread;

use super::ledger::{Ledger, OnCommand};
use super::*;

#[derive(Debug)]
enum Refused {
    BeforeItWrote,
    AfterItWrote,
    Shared,
}

impl From<Arc<OnCommand>> for Refused {
    fn from(_: Arc<OnCommand>) -> Self {
        Self::Shared
    }
}

/// Every third on their own thread, the others handed in.
fn put(shared: &Shared<Ledger>, entry: u32) -> Result<u32, Refused> {
    let act = move |ledger: &mut Ledger| {
        if entry % 5 == 3 {
            return Err(Refused::BeforeItWrote);
        }
        ledger.put(entry);
        if entry % 5 == 4 { Err(Refused::AfterItWrote) } else { Ok(entry) }
    };
    if entry.is_multiple_of(3) { shared.act(act) } else { shared.hand_in(act) }
}

/// Whatever the order: everybody is answered, and what is durable is what was answered to be.
#[test]
fn d4_whoever_shares_a_commit_is_told_what_became_of_it() {
    let which: [fn(usize) -> bool; 3] = [|_| false, |commit| commit == 1, |commit| commit == 2];
    for fails in which {
        let round = move || {
            let shared = Arc::new(Shared::new(Ledger::new(fails)));
            let callers: Vec<_> = (0..4)
                .map(|caller| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || [caller, caller + 4].map(|entry| (entry, put(&shared, entry).is_ok())))
                })
                .collect();
            let answers: Vec<(u32, bool)> = callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect();
            let turn = shared.turn.lock().unwrap();
            for (entry, stored) in answers {
                assert_eq!(turn.writer.durable.contains(&entry), stored, "{entry}");
            }
            assert!(!turn.writer.open && turn.open.is_none());
        };
        shuttle::check_random(round, 2_000);
        shuttle::check_pct(round, 1_000, 3);
    }
}
