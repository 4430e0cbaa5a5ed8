//! Callers that share commits, over a ledger with injected failures.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::ledger::{InjectedError, Ledger};
use super::*;

#[derive(Debug)]
enum PutError {
    Rejected,
    Commit(Arc<InjectedError>),
}

impl From<Arc<InjectedError>> for PutError {
    fn from(failed: Arc<InjectedError>) -> Self {
        Self::Commit(failed)
    }
}

fn put(shared: &GroupCommit<Ledger>, entry: u32, keep: bool) -> Result<u32, PutError> {
    shared.run(move |ledger| {
        // Half of the failing parts write first.
        if keep || entry.is_multiple_of(2) {
            ledger.put(entry);
        }
        if keep { Ok(entry) } else { Err(PutError::Rejected) }
    })
}

fn nothing<W>(_: &mut W) -> Result<(), Arc<InjectedError>> {
    Ok(())
}

/// Occupies the writer with a slow transaction, so that other callers arrive meanwhile.
fn run_slowly(shared: &GroupCommit<Ledger>) {
    let slow = |_: &mut Ledger| -> Result<(), PutError> {
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
            // Enforces this order of arrival.
            thread::sleep(Duration::from_millis(5));
        }
    });
}

fn ledger(shared: GroupCommit<Ledger>) -> Ledger {
    shared.writer.into_inner().unwrap_or_else(PoisonError::into_inner).writer
}

#[test]
fn d4_callers_sharing_a_commit_get_own_results() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    let answers: Vec<(u32, bool)> = thread::scope(|scope| {
        let caller = |caller: u32| {
            let shared = &shared;
            move || -> Vec<(u32, bool)> {
                let entries = (0..50).map(|entry| (caller * 50 + entry, !(caller + entry).is_multiple_of(31)));
                entries
                    .map(|(entry, keep)| match put(shared, entry, keep) {
                        Ok(stored) => (stored, true),
                        Err(PutError::Rejected) => (entry, false),
                        Err(PutError::Commit(failed)) => unreachable!("{failed:?}"),
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
    // The commit of the group fails; a later one would succeed.
    let shared = GroupCommit::new(Ledger::new(|commit| commit == 2));
    in_one_group(&shared, |entry| {
        // Including the caller whose own part was rejected: the rows that it read were rolled back.
        match put(&shared, entry, entry != 5) {
            Err(PutError::Commit(error)) => assert_eq!(*error, InjectedError),
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
            let panics = move |ledger: &mut Ledger| -> Result<u32, PutError> {
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
    let fails = move |ledger: &mut Ledger| -> Result<(), PutError> {
        counted.fetch_add(1, Ordering::SeqCst);
        ledger.put(1);
        Err(PutError::Rejected)
    };
    assert!(matches!(shared.run(fails), Err(PutError::Rejected)));
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
        let act = move |ledger: &mut Ledger| -> Result<(), PutError> {
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
    let leads: Vec<usize> = (0..MAX_CALLERS * 2 + 1).filter(|_| shared.enqueue(part()).1).collect();
    assert_eq!(leads, [0, MAX_CALLERS, MAX_CALLERS * 2]);
}

#[test]
fn d4_callers_beyond_full_group_all_finish() {
    let shared = GroupCommit::new(Ledger::new(|_| false));
    thread::scope(|scope| {
        scope.spawn(|| run_slowly(&shared));
        thread::sleep(Duration::from_millis(20));
        for entry in 0..MAX_CALLERS as u32 + 20 {
            let shared = &shared;
            scope.spawn(move || assert!(put(shared, entry, true).is_ok()));
        }
    });
    assert!(shared.queue.lock().unwrap().is_none());
    let mut durable = ledger(shared).durable;
    durable.sort_unstable();
    assert_eq!(durable, (0..MAX_CALLERS as u32 + 20).collect::<Vec<_>>());
}

/// A writer that cannot begin a transaction.
struct LockedWriter(Box<dyn FnMut() -> Result<(), InjectedError> + Send>);

impl Transact for LockedWriter {
    type Error = InjectedError;

    fn begin(&mut self) -> Result<(), InjectedError> {
        (self.0)()
    }

    fn commit(&mut self) -> Result<(), InjectedError> {
        unreachable!("nothing was begun")
    }

    fn roll_back(&mut self) {}

    fn is_open(&self) -> bool {
        false
    }

    fn total_changes(&self) -> u64 {
        0
    }
}

/// The time of each attempt to begin.
type Attempts = Arc<Mutex<Vec<Instant>>>;

/// Returns a writer that behaves like a file locked by another process, and its attempts.
fn locked_writer() -> (GroupCommit<LockedWriter>, Attempts) {
    let tried = Attempts::default();
    let attempts = Arc::clone(&tried);
    let begin = move || {
        lock(&attempts).push(Instant::now());
        thread::sleep(Duration::from_millis(100));
        Err(InjectedError)
    };
    (GroupCommit::new(LockedWriter(Box::new(begin))), tried)
}

#[test]
fn d5_callers_wait_together_for_locked_file() {
    let (shared, tried) = locked_writer();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(shared.run(nothing).is_err()));
        }
    });
    let tried = lock(&tried).len();
    assert!(tried < 8, "the last one waited {tried} times as long as the first");
}

#[test]
fn d5_earlier_failed_attempt_rejects_no_later_caller() {
    let (shared, tried) = locked_writer();
    let arrived = thread::scope(|scope| {
        let caller = || {
            scope.spawn(|| {
                let arrived = Instant::now();
                assert!(shared.run(nothing).is_err());
                arrived
            })
        };
        // One caller of the group arrives before a failing attempt, and one during it.
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
        assert!(tried.iter().any(|tried| *tried >= arrived), "{arrived:?}, attempts at {tried:?}");
    }
}

#[test]
fn d5_failed_attempt_rejects_callers_already_waiting() {
    let (shared, tried) = locked_writer();
    let before = Instant::now();
    let refused = |arrived: Instant| assert!(shared.wait_for_writer().begin(arrived).is_err());
    refused(Instant::now());
    refused(before);
    assert_eq!(lock(&tried).len(), 1, "waited one after the other");
    refused(Instant::now());
    assert_eq!(lock(&tried).len(), 2, "the file may be free by now");
}

#[test]
fn d5_single_caller_waits_once_for_locked_file() {
    let (shared, tried) = locked_writer();
    assert!(shared.run(nothing).is_err());
    assert_eq!(lock(&tried).len(), 1);
}

#[test]
fn d4_part_runs_twice_at_most() {
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
            let stored = shared.run(move |ledger| -> Result<(), PutError> {
                counted.fetch_add(1, Ordering::SeqCst);
                ledger.put(entry);
                Ok(())
            });
            assert!(stored.is_ok());
            most = most.max(times.load(Ordering::SeqCst));
            // Until another caller has rolled it back once.
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
fn b3_panic_at_begin_leaves_no_caller_waiting() {
    let begin = || -> Result<(), InjectedError> {
        thread::sleep(Duration::from_millis(100));
        std::panic::resume_unwind(Box::new(()))
    };
    let shared = Arc::new(GroupCommit::new(LockedWriter(Box::new(begin))));
    let (answer, answers) = std::sync::mpsc::channel();
    // Not scoped threads: the scope would wait for threads that wait forever.
    for _ in 0..8 {
        let (shared, answer) = (Arc::clone(&shared), answer.clone());
        thread::spawn(move || answer.send(catch_unwind(AssertUnwindSafe(|| shared.run(nothing))).is_err()));
    }
    for caller in 0..8 {
        let panicked = answers.recv_timeout(Duration::from_secs(60));
        assert_eq!(panicked, Ok(true), "only {caller} callers returned");
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
                return Err(PutError::Rejected);
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
            // Counted, because a panic would only roll back the group.
            outside.fetch_add(usize::from(!ledger.open), Ordering::SeqCst);
            if entry == 5 {
                // A database does this when its disk is full.
                ledger.roll_back();
                return Err(PutError::Rejected);
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
