//! One durable commit for many callers.
//!
//! A commit waits for the disk, and most of what it costs is that. So whoever has done their part of a transaction and
//! sees somebody waiting for the file leaves the transaction open to them, and waits for what becomes of it; the last
//! one commits for all (DeWitt et al., "Implementation Techniques for Main Memory Database Systems": group commit). A
//! caller on their own notices nothing of it, and nobody's rows are copied to be written by somebody else.
//!
//! Nobody is answered before the commit, also not whoever failed: what they were told may rest on what others wrote in
//! the same transaction.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard};

/// What a transaction is made with.
pub(super) trait Transact {
    type Error;

    fn begin(&mut self) -> Result<(), Self::Error>;
    /// Makes everything durable since the beginning. If it fails, none of it was done.
    fn commit(&mut self) -> Result<(), Self::Error>;
    /// Undoes everything since the beginning.
    fn roll_back(&mut self);
    /// Notes a place to which to go back.
    fn mark(&mut self) -> Result<(), Self::Error>;
    fn forget_mark(&mut self) -> Result<(), Self::Error>;
    /// Undoes everything since the mark, and forgets it.
    fn back_to_mark(&mut self) -> Result<(), Self::Error>;
}

/// A writer that many callers share.
pub(super) struct Shared<W: Transact> {
    turn: Mutex<Turn<W>>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
}

struct Turn<W: Transact> {
    writer: W,
    open: Option<Open<W::Error>>,
}

/// A transaction that was left open to the next caller.
struct Open<E> {
    begun: Instant,
    callers: usize,
    group: Arc<Group<E>>,
}

/// Those who share a commit.
struct Group<E> {
    outcome: Mutex<Option<Result<(), Failed<E>>>>,
    decided: Condvar,
}

/// Why nothing was committed.
#[derive(Debug, Error)]
pub(super) enum Failed<E> {
    #[error(transparent)]
    Commit(Arc<E>),
    /// Somebody who shared the commit never finished their part.
    #[error("another caller panicked in the transaction that was shared with it")]
    Abandoned,
}

impl<E> Clone for Failed<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Commit(error) => Self::Commit(Arc::clone(error)),
            Self::Abandoned => Self::Abandoned,
        }
    }
}

/// The longest that a transaction is left open, so that nobody who writes little waits for many who write much.
const OPEN: Duration = Duration::from_millis(5);
/// The most who share a commit.
const CALLERS: usize = 256;

impl<W: Transact> Shared<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { turn: Mutex::new(Turn { writer, open: None }), waiting: AtomicUsize::new(0) }
    }

    /// Does something in a transaction, and returns once that is durable. If it fails, nothing of it was done, and what
    /// others did stays.
    pub(super) fn act<T, E>(&self, act: impl FnOnce(&mut W) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Failed<W::Error>>,
    {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        let mut part = Part { turn, finished: false };
        let shared = part.turn.open.is_some();
        part.begin(shared).map_err(failed)?;
        let result = act(&mut part.turn.writer);
        part.end(shared, result.is_ok()).map_err(failed)?;
        if !shared && result.is_err() {
            // There is nothing to commit.
            part.finished = true;
            return result;
        }
        let group = if self.waiting.load(Ordering::SeqCst) > 0 { part.leave_open() } else { None };
        match group {
            Some(group) => {
                drop(part);
                group.wait()?;
            }
            None => part.commit()?,
        }
        result
    }
}

/// One caller's part of a transaction. If it is not finished, it is undone with all that others did in it.
struct Part<'a, W: Transact> {
    turn: MutexGuard<'a, Turn<W>>,
    finished: bool,
}

impl<W: Transact> Part<'_, W> {
    fn begin(&mut self, shared: bool) -> Result<(), W::Error> {
        let begun = match shared {
            true => self.turn.writer.mark(),
            false => self.turn.writer.begin(),
        };
        // Without a transaction there is nothing to undo.
        self.finished = !shared && begun.is_err();
        begun
    }

    /// Keeps what was done since the beginning of this part, or undoes it.
    fn end(&mut self, shared: bool, keep: bool) -> Result<(), W::Error> {
        match (shared, keep) {
            (true, true) => self.turn.writer.forget_mark(),
            (true, false) => self.turn.writer.back_to_mark(),
            (false, true) => Ok(()),
            (false, false) => {
                self.turn.writer.roll_back();
                Ok(())
            }
        }
    }

    /// Leaves the transaction to whoever comes next, unless it has been open for long enough.
    fn leave_open(&mut self) -> Option<Arc<Group<W::Error>>> {
        let open = self.turn.open.get_or_insert_with(|| Open {
            begun: Instant::now(),
            callers: 0,
            group: Arc::new(Group { outcome: Mutex::new(None), decided: Condvar::new() }),
        });
        open.callers += 1;
        let left = open.callers < CALLERS && open.begun.elapsed() < OPEN;
        self.finished = left;
        left.then(|| Arc::clone(&open.group))
    }

    /// Commits for everybody.
    fn commit(&mut self) -> Result<(), Failed<W::Error>> {
        let outcome = self.turn.writer.commit().map_err(failed);
        self.finished = true;
        if let Some(open) = self.turn.open.take() {
            open.group.decide(outcome.clone());
        }
        outcome
    }
}

impl<W: Transact> Drop for Part<'_, W> {
    fn drop(&mut self) {
        if !self.finished {
            self.turn.writer.roll_back();
            if let Some(open) = self.turn.open.take() {
                open.group.decide(Err(Failed::Abandoned));
            }
        }
    }
}

impl<E> Group<E> {
    fn decide(&self, outcome: Result<(), Failed<E>>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.decided.notify_all();
    }

    fn wait(&self) -> Result<(), Failed<E>> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(decided) => return decided.clone(),
                None => outcome = self.decided.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

fn failed<E>(error: E) -> Failed<E> {
    Failed::Commit(Arc::new(error))
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::thread;

    use super::*;

    /// A ledger that tells what is durable and how often something was made so.
    #[derive(Default)]
    struct Ledger {
        durable: Vec<u32>,
        pending: Vec<u32>,
        marked: Option<usize>,
        open: bool,
        commits: usize,
        fails: bool,
    }

    impl Transact for Ledger {
        type Error = &'static str;

        fn begin(&mut self) -> Result<(), &'static str> {
            assert!(!self.open && self.pending.is_empty());
            self.open = true;
            Ok(())
        }

        fn commit(&mut self) -> Result<(), &'static str> {
            assert!(self.open && self.marked.is_none());
            thread::sleep(Duration::from_millis(1));
            if self.fails {
                self.roll_back();
                return Err("on command");
            }
            self.open = false;
            self.durable.append(&mut self.pending);
            self.commits += 1;
            Ok(())
        }

        fn roll_back(&mut self) {
            (self.open, self.marked) = (false, None);
            self.pending.clear();
        }

        fn mark(&mut self) -> Result<(), &'static str> {
            assert!(self.open && self.marked.replace(self.pending.len()).is_none());
            Ok(())
        }

        fn forget_mark(&mut self) -> Result<(), &'static str> {
            self.marked.take().map(drop).ok_or("there is none")
        }

        fn back_to_mark(&mut self) -> Result<(), &'static str> {
            self.pending.truncate(self.marked.take().ok_or("there is none")?);
            Ok(())
        }
    }

    #[derive(Debug)]
    enum Refused {
        ItsOwn,
        Shared(Failed<&'static str>),
    }

    impl From<Failed<&'static str>> for Refused {
        fn from(failed: Failed<&'static str>) -> Self {
            Self::Shared(failed)
        }
    }

    fn put(shared: &Shared<Ledger>, entry: u32, keep: bool) -> Result<u32, Refused> {
        shared.act(|ledger| {
            ledger.pending.push(entry);
            if keep { Ok(entry) } else { Err(Refused::ItsOwn) }
        })
    }

    #[test]
    fn d4_many_share_a_commit_and_each_gets_their_own_answer() {
        let shared = Shared::new(Ledger::default());
        let answers: Vec<(u32, bool)> = thread::scope(|scope| {
            let caller = |caller: u32| {
                let shared = &shared;
                move || -> Vec<(u32, bool)> {
                    let entries = (0..50).map(|entry| (caller * 50 + entry, !(caller + entry).is_multiple_of(7)));
                    entries
                        .map(|(entry, keep)| match put(shared, entry, keep) {
                            Ok(stored) => (stored, true),
                            Err(Refused::ItsOwn) => (entry, false),
                            Err(Refused::Shared(failed)) => unreachable!("{failed}"),
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
        let shared = Shared::new(Ledger { fails: true, ..Ledger::default() });
        thread::scope(|scope| {
            for entry in 0..16 {
                let shared = &shared;
                // Also whoever failed by themselves: what they saw was not to last.
                scope.spawn(move || match put(shared, entry, entry % 3 != 0) {
                    Err(Refused::Shared(Failed::Commit(error))) => assert_eq!(*error, "on command"),
                    answer => assert!(entry % 3 == 0 && matches!(answer, Err(Refused::ItsOwn)), "{answer:?}"),
                });
            }
        });
        assert!(shared.turn.into_inner().unwrap().writer.durable.is_empty());
    }

    #[test]
    fn b3_whoever_panics_leaves_nobody_waiting() {
        for _ in 0..20 {
            let shared = Shared::new(Ledger::default());
            let answers: Vec<(u32, bool)> = thread::scope(|scope| {
                let callers: Vec<_> = (0..8)
                    .map(|entry| {
                        let shared = &shared;
                        scope.spawn(move || {
                            let act = || match entry {
                                3 => {
                                    shared.act(|_| -> Result<u32, Refused> { std::panic::resume_unwind(Box::new(())) })
                                }
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
            }
            assert!(!ledger.open);
        }
    }

    #[test]
    fn d4_one_caller_commits_each_time() {
        let shared = Shared::new(Ledger::default());
        for entry in 0..5 {
            assert!(put(&shared, entry, entry != 2).is_ok() == (entry != 2));
        }
        let ledger = shared.turn.into_inner().unwrap().writer;
        assert_eq!((ledger.commits, ledger.durable), (4, vec![0, 1, 3, 4]));
    }
}
