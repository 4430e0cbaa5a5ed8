//! Callers who share commits, their threads in the hands of a scheduler.

use shuttle::thread;

use super::*;

#[derive(Debug)]
struct OnCommand;

#[derive(Default)]
struct Ledger {
    durable: Vec<u32>,
    pending: Vec<u32>,
    written: u64,
    open: bool,
    /// The commit with this number fails.
    fails: Option<u32>,
    commits: u32,
}

impl Transact for Ledger {
    type Error = OnCommand;

    fn begin(&mut self) -> Result<(), OnCommand> {
        assert!(!self.open && self.pending.is_empty(), "one transaction at a time");
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), OnCommand> {
        assert!(self.open);
        self.commits += 1;
        if self.fails == Some(self.commits) {
            self.roll_back();
            return Err(OnCommand);
        }
        self.open = false;
        self.durable.append(&mut self.pending);
        Ok(())
    }

    fn roll_back(&mut self) {
        self.open = false;
        self.pending.clear();
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn written(&self) -> u64 {
        self.written
    }
}

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

fn put(shared: &Shared<Ledger>, entry: u32) -> Result<u32, Refused> {
    shared.act(|ledger| {
        if entry % 5 == 3 {
            return Err(Refused::BeforeItWrote);
        }
        ledger.pending.push(entry);
        ledger.written += 1;
        if entry % 5 == 4 { Err(Refused::AfterItWrote) } else { Ok(entry) }
    })
}

/// Whatever the order: everybody is answered, and what is durable is what was answered to be.
#[test]
fn d4_whoever_shares_a_commit_is_told_what_became_of_it() {
    for fails in [None, Some(1), Some(2)] {
        let round = move || {
            let shared = Arc::new(Shared::new(Ledger { fails, ..Ledger::default() }));
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
