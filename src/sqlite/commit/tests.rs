//! Callers who share commits, over a ledger that fails on command.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::ledger::{Ledger, OnCommand};
use super::*;

#[derive(Debug)]
enum Refused {
    ItsOwn,
    Shared(Arc<OnCommand>),
}

impl From<Arc<OnCommand>> for Refused {
    fn from(failed: Arc<OnCommand>) -> Self {
        Self::Shared(failed)
    }
}

/// Every third on their own thread, the others handed in.
fn put(shared: &Shared<Ledger>, entry: u32, keep: bool) -> Result<u32, Refused> {
    let act = move |ledger: &mut Ledger| {
        // Some are refused before they write, and some fail after.
        if keep || entry.is_multiple_of(2) {
            ledger.put(entry);
        }
        if keep { Ok(entry) } else { Err(Refused::ItsOwn) }
    };
    if entry.is_multiple_of(3) { shared.act(act) } else { shared.hand_in(act) }
}

#[test]
fn d4_many_share_a_commit_and_each_gets_their_own_answer() {
    let shared = Shared::new(Ledger::new(|_| false));
    let answers: Vec<(u32, bool)> = thread::scope(|scope| {
        let caller = |caller: u32| {
            let shared = &shared;
            move || -> Vec<(u32, bool)> {
                let entries = (0..50).map(|entry| (caller * 50 + entry, !(caller + entry).is_multiple_of(31)));
                entries
                    .map(|(entry, keep)| match put(shared, entry, keep) {
                        Ok(stored) => (stored, true),
                        Err(Refused::ItsOwn) => (entry, false),
                        Err(Refused::Shared(failed)) => unreachable!("{failed:?}"),
                    })
                    .collect()
            }
        };
        let callers: Vec<_> = (0..16).map(|number| scope.spawn(caller(number))).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let ledger = shared.turn.into_inner().unwrap().writer;
    let mut stored: Vec<u32> = answers.iter().filter(|(_, stored)| *stored).map(|(entry, _)| *entry).collect();
    let mut durable = ledger.durable;
    stored.sort_unstable();
    durable.sort_unstable();
    assert_eq!(durable, stored);
    assert_eq!(answers.len(), 800);
    assert!(ledger.commits * 2 < stored.len(), "{} commits for {}", ledger.commits, stored.len());
}

#[test]
fn d4_nobody_is_told_that_something_is_stored_that_is_not() {
    let shared = Shared::new(Ledger::new(|_| true));
    thread::scope(|scope| {
        for entry in 0..16 {
            let shared = &shared;
            // Also whoever failed by themselves: what they saw was not to last.
            scope.spawn(move || match put(shared, entry, entry % 3 != 0) {
                Err(Refused::Shared(error)) => assert_eq!(*error, OnCommand),
                answer => assert!(entry % 3 == 0 && matches!(answer, Err(Refused::ItsOwn)), "{answer:?}"),
            });
        }
    });
    assert!(shared.turn.into_inner().unwrap().writer.durable.is_empty());
}

#[test]
fn b3_whoever_panics_leaves_nobody_waiting() {
    for _ in 0..20 {
        let shared = Shared::new(Ledger::new(|_| false));
        let answers: Vec<(u32, bool)> = thread::scope(|scope| {
            let callers: Vec<_> = (0..8)
                .map(|entry| {
                    let shared = &shared;
                    scope.spawn(move || {
                        let act = || match entry {
                            3 => shared.act(|_| -> Result<u32, Refused> { std::panic::resume_unwind(Box::new(())) }),
                            5 => shared.hand_in(|ledger| -> Result<u32, Refused> {
                                ledger.put(5);
                                std::panic::resume_unwind(Box::new(()))
                            }),
                            entry => put(shared, entry, true),
                        };
                        (entry, catch_unwind(AssertUnwindSafe(act)).is_ok_and(|answer| answer.is_ok()))
                    })
                })
                .collect();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect()
        });
        let ledger = shared.turn.into_inner().unwrap_or_else(PoisonError::into_inner).writer;
        for (entry, stored) in answers {
            assert_eq!(ledger.durable.contains(&entry), stored, "{entry}");
            assert_eq!(stored, entry != 3 && entry != 5, "{entry}");
        }
        assert!(!ledger.open);
    }
}

#[test]
fn d4_one_caller_commits_each_time() {
    let shared = Shared::new(Ledger::new(|_| false));
    for entry in 0..5 {
        assert!(put(&shared, entry, entry != 2).is_ok() == (entry != 2));
    }
    let ledger = shared.turn.into_inner().unwrap().writer;
    assert_eq!((ledger.commits, ledger.durable), (4, vec![0, 1, 3, 4]));
}

#[test]
fn d4_what_is_handed_in_while_another_commits_is_done_in_one_turn() {
    let shared = Shared::new(Ledger::new(|_| false));
    let who_acts = Mutex::new(std::collections::BTreeSet::new());
    let who_acts = Arc::new(who_acts);
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            shared.act(|_| -> Result<(), Refused> {
                thread::sleep(Duration::from_millis(100));
                Ok(())
            })
        });
        thread::sleep(Duration::from_millis(20));
        for entry in 0..8 {
            let (shared, who_acts) = (&shared, Arc::clone(&who_acts));
            scope.spawn(move || {
                let act = move |ledger: &mut Ledger| -> Result<(), Refused> {
                    who_acts.lock().unwrap().insert(format!("{:?}", thread::current().id()));
                    ledger.put(entry);
                    Ok(())
                };
                assert!(shared.hand_in(act).is_ok());
            });
        }
        assert!(slow.join().unwrap().is_ok());
    });
    let ledger = shared.turn.into_inner().unwrap().writer;
    let mut durable = ledger.durable;
    durable.sort_unstable();
    assert_eq!((durable, who_acts.lock().unwrap().len()), ((0..8).collect(), 1));
}

/// Cannot be begun, as a file that another process holds.
#[derive(Default)]
struct Held {
    /// When it was tried each time.
    tried: Vec<Instant>,
}

impl Transact for Held {
    type Error = OnCommand;

    fn begin(&mut self) -> Result<(), OnCommand> {
        self.tried.push(Instant::now());
        thread::sleep(Duration::from_millis(100));
        Err(OnCommand)
    }

    fn commit(&mut self) -> Result<(), OnCommand> {
        unreachable!("nothing was begun")
    }

    fn roll_back(&mut self) {}

    fn is_open(&self) -> bool {
        false
    }

    fn written(&self) -> u64 {
        0
    }
}

#[test]
fn d5_all_wait_together_for_a_file_that_is_held() {
    let shared = Shared::new(Held::default());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert!(shared.act(|_| -> Result<(), Arc<OnCommand>> { Ok(()) }).is_err()));
            scope.spawn(|| assert!(shared.hand_in(|_| -> Result<(), Arc<OnCommand>> { Ok(()) }).is_err()));
        }
    });
    let tried = shared.turn.into_inner().unwrap().writer.tried.len();
    assert!(tried < 8, "the last one waited {tried} times as long as the first");
}

#[test]
fn d5_nobody_is_refused_for_what_was_tried_before_they_came() {
    let shared = Shared::new(Held::default());
    let nothing = |_: &mut Held| -> Result<(), Arc<OnCommand>> { Ok(()) };
    let came = thread::scope(|scope| {
        // The first two try one after the other, and the third and the last one share a line. The second begins to try
        // between the two.
        let comes = [(0, false), (20, false), (40, true), (150, true)].map(|(comes, hands_in)| {
            let shared = &shared;
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(comes));
                let came = Instant::now();
                assert!(if hands_in { shared.hand_in(nothing) } else { shared.act(nothing) }.is_err());
                came
            })
        });
        comes.map(|caller| caller.join().unwrap())
    });
    let tried = shared.turn.into_inner().unwrap().writer.tried;
    for came in came {
        assert!(tried.iter().any(|tried| *tried >= came), "{came:?}, and it was tried at {tried:?}");
    }
}

#[test]
fn d4_whoever_was_undone_by_others_is_not_undone_again_and_again() {
    let shared = Shared::new(Ledger::new(|_| false));
    let done = std::sync::atomic::AtomicBool::new(false);
    let most = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    assert!(put(&shared, 0, false).is_err());
                }
            });
        }
        let mut most = 0;
        for entry in 1..200 {
            let times = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&times);
            let act = move |ledger: &mut Ledger| -> Result<(), Refused> {
                counted.fetch_add(1, Ordering::SeqCst);
                ledger.put(entry);
                Ok(())
            };
            let stored = if entry.is_multiple_of(2) { shared.act(act) } else { shared.hand_in(act) };
            assert!(stored.is_ok());
            most = most.max(times.load(Ordering::SeqCst));
        }
        done.store(true, Ordering::SeqCst);
        most
    });
    assert!(most <= 2, "{most} times");
}

/// Panics instead of beginning.
struct Broken;

impl Transact for Broken {
    type Error = OnCommand;

    fn begin(&mut self) -> Result<(), OnCommand> {
        thread::sleep(Duration::from_millis(100));
        std::panic::resume_unwind(Box::new(()))
    }

    fn commit(&mut self) -> Result<(), OnCommand> {
        unreachable!("nothing was begun")
    }

    fn roll_back(&mut self) {}

    fn is_open(&self) -> bool {
        false
    }

    fn written(&self) -> u64 {
        0
    }
}

#[test]
fn b3_whoever_panics_at_the_beginning_leaves_nobody_waiting() {
    let shared = Arc::new(Shared::new(Broken));
    let (answer, answers) = std::sync::mpsc::channel();
    // Not in a scope, which would wait for those who wait for ever.
    for caller in 0..8 {
        let (shared, answer) = (Arc::clone(&shared), answer.clone());
        thread::spawn(move || {
            let nothing = |_: &mut Broken| -> Result<(), Arc<OnCommand>> { Ok(()) };
            let act = || if caller < 2 { shared.act(nothing) } else { shared.hand_in(nothing) };
            answer.send(catch_unwind(AssertUnwindSafe(act)).is_err())
        });
    }
    for caller in 0..8 {
        let panicked = answers.recv_timeout(Duration::from_secs(60));
        assert_eq!(panicked, Ok(true), "{caller} were told");
    }
}

#[test]
fn d4_whoever_is_left_alone_after_many_shared_a_commit_is_answered() {
    let shared = Shared::new(Ledger::new(|_| false));
    // They were to come back, and nobody does. The one comes on its own thread, the other is handed in.
    shared.turn.lock().unwrap().callers_before = 16;
    assert!(put(&shared, 3, true).is_ok());
    shared.turn.lock().unwrap().callers_before = 16;
    assert!(put(&shared, 4, true).is_ok());
    assert_eq!(shared.turn.into_inner().unwrap().writer.durable, [3, 4]);
}

#[test]
fn d5_a_transaction_is_left_to_others_only_while_it_is_young_and_they_are_few() {
    let shared = Shared::new(Ledger::new(|_| false));
    // Somebody waits all the time.
    shared.waiting.store(1, Ordering::SeqCst);
    let is_awaited = |others: usize, begun: Instant| {
        let mut part = shared.take_turn();
        part.begin(Instant::now()).unwrap();
        part.join(Arc::default(), others);
        part.turn.open.as_mut().unwrap().begun = begun;
        let is_awaited = shared.is_awaited(&part, 1);
        part.commit(1);
        is_awaited
    };
    // Young however long this takes.
    let young = Instant::now() + Duration::from_secs(3_600);
    assert!(is_awaited(CALLERS - 2, young));
    assert!(!is_awaited(CALLERS - 1, young), "the last of so many commits");
    assert!(!is_awaited(1, Instant::now().checked_sub(OPEN * 2).unwrap()), "it was open for long");
}

#[test]
fn d5_only_who_came_before_a_file_was_waited_for_in_vain_is_refused_with_them() {
    let shared = Shared::new(Held::default());
    let before = Instant::now();
    let refused = |came: Instant| assert!(shared.take_turn().begin(came).is_err());
    refused(Instant::now());
    refused(before);
    assert_eq!(shared.turn.lock().unwrap().writer.tried.len(), 1, "waited one after the other");
    refused(Instant::now());
    assert_eq!(shared.turn.lock().unwrap().writer.tried.len(), 2, "the file may be free by now");
}

#[test]
fn d5_whoever_handed_something_in_waits_for_a_file_that_is_held_once() {
    let shared = Shared::new(Held::default());
    assert!(shared.hand_in(|_| -> Result<(), Arc<OnCommand>> { Ok(()) }).is_err());
    assert_eq!(shared.turn.into_inner().unwrap().writer.tried.len(), 1);
}

#[test]
fn d4_whoever_is_refused_before_they_write_undoes_nobody() {
    let shared = Shared::new(Ledger::new(|_| false));
    let times = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        // The others come while the first is at it, and are done together.
        let slow = scope.spawn(|| {
            shared.act(|_| -> Result<(), Refused> {
                thread::sleep(Duration::from_millis(100));
                Ok(())
            })
        });
        thread::sleep(Duration::from_millis(20));
        for entry in 0..8 {
            let (shared, times) = (&shared, Arc::clone(&times));
            scope.spawn(move || {
                let act = move |ledger: &mut Ledger| {
                    times.fetch_add(1, Ordering::SeqCst);
                    if entry == 5 {
                        return Err(Refused::ItsOwn);
                    }
                    ledger.put(entry);
                    Ok(())
                };
                let answer = if entry == 3 { shared.act(act) } else { shared.hand_in(act) };
                assert_eq!(answer.is_ok(), entry != 5);
            });
        }
        assert!(slow.join().unwrap().is_ok());
    });
    assert_eq!(times.load(Ordering::SeqCst), 8, "somebody had to do their part again");
}
