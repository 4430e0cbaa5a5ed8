//! Callers that share commits, over a ledger that fails on command.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

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

fn put(shared: &GroupCommit<Ledger>, entry: u32, keep: bool) -> Result<u32, Refused> {
    shared.run(move |ledger| {
        // Half of those that fail have written before.
        if keep || entry.is_multiple_of(2) {
            ledger.put(entry);
        }
        if keep { Ok(entry) } else { Err(Refused::ItsOwn) }
    })
}

fn nothing<W>(_: &mut W) -> Result<(), Arc<OnCommand>> {
    Ok(())
}

/// Holds the writer in a transaction of its own, long enough for others to arrive.
fn run_slowly(shared: &GroupCommit<Ledger>) {
    let slow = |_: &mut Ledger| -> Result<(), Refused> {
        thread::sleep(Duration::from_millis(150));
        Ok(())
    };
    assert!(shared.run(slow).is_ok());
}

/// Runs eight callers, numbered from 0, in one group. Number 5 is in the middle.
fn in_one_group(shared: &GroupCommit<Ledger>, caller: impl Fn(u32) + Sync) {
    thread::scope(|scope| {
        scope.spawn(|| run_slowly(shared));
        thread::sleep(Duration::from_millis(20));
        let caller = &caller;
        for number in [0, 1, 2, 5, 3, 4, 6, 7] {
            scope.spawn(move || caller(number));
            // So that they arrive in this order.
            thread::sleep(Duration::from_millis(5));
        }
    });
}

fn ledger(shared: GroupCommit<Ledger>) -> Ledger {
    shared.writer.into_inner().unwrap_or_else(PoisonError::into_inner).writer
}

#[test]
fn d4_many_share_a_commit_each_with_own_result() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
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
    let ledger = ledger(shared);
    let mut stored: Vec<u32> = answers.iter().filter(|(_, stored)| *stored).map(|(entry, _)| *entry).collect();
    let mut durable = ledger.durable;
    stored.sort_unstable();
    durable.sort_unstable();
    assert_eq!(durable, stored);
    assert_eq!(answers.len(), 800);
    assert!(ledger.commits * 2 < stored.len(), "{} commits for {}", ledger.commits, stored.len());
}

#[test]
fn d4_failed_commit_fails_every_caller() {
    // The commit of the group fails, and one after it would not.
    let shared = GroupCommit::new(Ledger::new(|commit| commit == 2));
    in_one_group(&shared, |entry| {
        // Also the caller whose own part was rejected: the rows that it saw were not kept.
        match put(&shared, entry, entry != 5) {
            Err(Refused::Shared(error)) => assert_eq!(*error, OnCommand),
            answer => unreachable!("{answer:?}"),
        }
    });
    let ledger = ledger(shared);
    assert!(ledger.durable.is_empty());
    assert_eq!(ledger.commits, 2, "no part runs again");
}

#[test]
fn b3_panic_reaches_its_own_caller_only() {
    for _ in 0..10 {
        let shared = GroupCommit::new(Ledger::new(|_| false));
        let answers = Mutex::new(Vec::new());
        in_one_group(&shared, |entry| {
            let panics = move |ledger: &mut Ledger| -> Result<u32, Refused> {
                if entry == 5 {
                    ledger.put(entry);
                }
                std::panic::resume_unwind(Box::new(()))
            };
            let act = || if entry == 3 || entry == 5 { shared.run(panics) } else { put(&shared, entry, true) };
            let stored = catch_unwind(AssertUnwindSafe(act)).map(|answer| answer.is_ok());
            answers.lock().unwrap().push((entry, stored.ok()));
        });
        let ledger = ledger(shared);
        assert!(!ledger.open);
        for (entry, answer) in answers.into_inner().unwrap() {
            let panics = entry == 3 || entry == 5;
            assert_eq!(answer, (!panics).then_some(true), "{entry}");
            assert_eq!(ledger.durable.contains(&entry), !panics, "{entry}");
        }
    }
}

#[test]
fn d4_one_caller_commits_each_time() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    for entry in 0..5 {
        assert!(put(&shared, entry, entry != 2).is_ok() == (entry != 2));
    }
    let ledger = ledger(shared);
    assert_eq!((ledger.commits, ledger.durable), (4, vec![0, 1, 3, 4]));
}

#[test]
fn d4_single_caller_runs_its_part_once() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let times = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&times);
    let fails = move |ledger: &mut Ledger| -> Result<(), Refused> {
        counted.fetch_add(1, Ordering::SeqCst);
        ledger.put(1);
        Err(Refused::ItsOwn)
    };
    assert!(matches!(shared.run(fails), Err(Refused::ItsOwn)));
    assert_eq!(times.load(Ordering::SeqCst), 1);
    let ledger = ledger(shared);
    assert!(ledger.durable.is_empty() && !ledger.open);
}

#[test]
fn d4_callers_during_a_commit_form_one_group() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let threads = Arc::new(Mutex::new(BTreeSet::new()));
    in_one_group(&shared, |entry| {
        let threads = Arc::clone(&threads);
        let act = move |ledger: &mut Ledger| -> Result<(), Refused> {
            threads.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            ledger.put(entry);
            Ok(())
        };
        assert!(shared.run(act).is_ok());
    });
    let mut ledger = ledger(shared);
    ledger.durable.sort_unstable();
    assert_eq!((ledger.durable, ledger.commits), ((0..8).collect(), 2));
    assert_eq!(threads.lock().unwrap().len(), 1, "one leader runs them all");
}

#[test]
fn d4_full_group_starts_another() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let part = || Arc::new(Part { act: Mutex::new(nothing), result: Mutex::new(None) });
    let leads: Vec<usize> = (0..CALLERS * 2 + 1).filter(|_| shared.enqueue(part()).1).collect();
    assert_eq!(leads, [0, CALLERS, CALLERS * 2]);
}

#[test]
fn d4_full_group_and_the_next_are_all_answered() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    thread::scope(|scope| {
        scope.spawn(|| run_slowly(&shared));
        thread::sleep(Duration::from_millis(20));
        for entry in 0..CALLERS as u32 + 20 {
            let shared = &shared;
            scope.spawn(move || assert!(put(shared, entry, true).is_ok()));
        }
    });
    assert!(shared.queue.lock().unwrap().is_none());
    let mut durable = ledger(shared).durable;
    durable.sort_unstable();
    assert_eq!(durable, (0..CALLERS as u32 + 20).collect::<Vec<_>>());
}

/// A writer whose transactions never begin.
struct Unbegun(Box<dyn FnMut() -> Result<(), OnCommand> + Send>);

impl Transact for Unbegun {
    type Error = OnCommand;

    fn begin(&mut self) -> Result<(), OnCommand> {
        (self.0)()
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

/// When each attempt to begin was made.
type Tried = Arc<Mutex<Vec<Instant>>>;

/// Callers of a writer like a file that another process holds.
fn held() -> (GroupCommit<Unbegun>, Tried) {
    let tried = Tried::default();
    let attempts = Arc::clone(&tried);
    let begin = move || {
        lock(&attempts).push(Instant::now());
        thread::sleep(Duration::from_millis(100));
        Err(OnCommand)
    };
    (GroupCommit::new(Unbegun(Box::new(begin))), tried)
}

#[test]
fn d5_callers_wait_together_for_a_held_file() {
    let (shared, tried) = held();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(shared.run(nothing).is_err()));
        }
    });
    let tried = lock(&tried).len();
    assert!(tried < 8, "the last one waited {tried} times as long as the first");
}

#[test]
fn d5_no_caller_is_refused_by_an_earlier_attempt() {
    let (shared, tried) = held();
    let arrived = thread::scope(|scope| {
        let caller = || {
            scope.spawn(|| {
                let arrived = Instant::now();
                assert!(shared.run(nothing).is_err());
                arrived
            })
        };
        // One of the group arrives before an attempt that fails, and one while it goes on.
        let mut writer = shared.wait_for_writer();
        let first = caller();
        thread::sleep(Duration::from_millis(50));
        let fails = scope.spawn(|| thread::sleep(Duration::from_millis(50)));
        assert!(writer.begin(Instant::now()).is_err());
        fails.join().unwrap();
        let second = caller();
        thread::sleep(Duration::from_millis(50));
        drop(writer);
        [first, second].map(|caller| caller.join().unwrap())
    });
    let tried = lock(&tried);
    for arrived in arrived {
        assert!(tried.iter().any(|tried| *tried >= arrived), "{arrived:?}, and it was tried at {tried:?}");
    }
}

#[test]
fn d5_caller_before_a_failed_attempt_is_refused_with_it() {
    let (shared, tried) = held();
    let before = Instant::now();
    let refused = |arrived: Instant| assert!(shared.wait_for_writer().begin(arrived).is_err());
    refused(Instant::now());
    refused(before);
    assert_eq!(lock(&tried).len(), 1, "waited one after the other");
    refused(Instant::now());
    assert_eq!(lock(&tried).len(), 2, "the file may be free by now");
}

#[test]
fn d5_single_caller_waits_once_for_a_held_file() {
    let (shared, tried) = held();
    assert!(shared.run(nothing).is_err());
    assert_eq!(lock(&tried).len(), 1);
}

#[test]
fn d4_undone_caller_runs_twice_at_most() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let done = AtomicBool::new(false);
    let most = thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    assert!(put(&shared, 0, false).is_err());
                }
            });
        }
        let (mut most, begun) = (0, Instant::now());
        for entry in 1.. {
            let times = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&times);
            let stored = shared.run(move |ledger| -> Result<(), Refused> {
                counted.fetch_add(1, Ordering::SeqCst);
                ledger.put(entry);
                Ok(())
            });
            assert!(stored.is_ok());
            most = most.max(times.load(Ordering::SeqCst));
            // Until another caller has undone it once.
            if entry >= 200 && (most > 1 || begun.elapsed() > Duration::from_secs(60)) {
                break;
            }
        }
        done.store(true, Ordering::SeqCst);
        most
    });
    assert_eq!(most, 2);
}

#[test]
fn b3_panic_at_the_beginning_leaves_no_caller_waiting() {
    let begin = || -> Result<(), OnCommand> {
        thread::sleep(Duration::from_millis(100));
        std::panic::resume_unwind(Box::new(()))
    };
    let shared = Arc::new(GroupCommit::new(Unbegun(Box::new(begin))));
    let (answer, answers) = std::sync::mpsc::channel();
    // Not in a scope, which would wait for threads that wait forever.
    for _ in 0..8 {
        let (shared, answer) = (Arc::clone(&shared), answer.clone());
        thread::spawn(move || answer.send(catch_unwind(AssertUnwindSafe(|| shared.run(nothing))).is_err()));
    }
    for caller in 0..8 {
        let panicked = answers.recv_timeout(Duration::from_secs(60));
        assert_eq!(panicked, Ok(true), "{caller} were told");
    }
}

#[test]
fn d4_part_rejected_before_writing_undoes_no_other() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let times = Arc::new(AtomicUsize::new(0));
    in_one_group(&shared, |entry| {
        let times = Arc::clone(&times);
        let answer = shared.run(move |ledger| {
            times.fetch_add(1, Ordering::SeqCst);
            if entry == 5 {
                return Err(Refused::ItsOwn);
            }
            ledger.put(entry);
            Ok(())
        });
        assert_eq!(answer.is_ok(), entry != 5);
    });
    assert_eq!(times.load(Ordering::SeqCst), 8, "a part ran again");
}

#[test]
fn d4_part_that_ends_the_transaction_undoes_its_group() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let outside = Arc::new(AtomicUsize::new(0));
    in_one_group(&shared, |entry| {
        let outside = Arc::clone(&outside);
        let answer = shared.run(move |ledger| {
            // Counted, because a panic would only undo the group.
            outside.fetch_add(usize::from(!ledger.open), Ordering::SeqCst);
            if entry == 5 {
                // As a database does when its disk is full.
                ledger.roll_back();
                return Err(Refused::ItsOwn);
            }
            ledger.put(entry);
            Ok(())
        });
        assert_eq!(answer.is_ok(), entry != 5);
    });
    assert_eq!(outside.load(Ordering::SeqCst), 0, "changes outside a transaction are durable at once");
    let mut ledger = ledger(shared);
    ledger.durable.sort_unstable();
    assert_eq!(ledger.durable, [0, 1, 2, 3, 4, 6, 7]);
}
