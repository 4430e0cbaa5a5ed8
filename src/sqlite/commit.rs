//! One durable commit for many callers.
//!
//! A commit waits for the disk, and most of what it costs is that. So whoever has done their part of a transaction and
//! sees somebody waiting for the file leaves the transaction open to them, and waits for what becomes of it; the last
//! one commits for all (DeWitt et al., "Implementation Techniques for Main Memory Database Systems": group commit). A
//! caller on their own notices nothing of it, and nobody's rows are copied to be written by somebody else.
//!
//! Nobody is answered before the commit, also not whoever was refused: what they were told may rest on what others wrote
//! in the same transaction. Whoever fails after they have written takes the transaction with them; then the others do
//! their parts again, which costs time, seldom, and saves each of them a savepoint, always.

#[cfg(test)]
mod ledger;
#[cfg(all(test, shuttle))]
mod races;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, thread};

/// What a transaction is made with.
pub(super) trait Transact {
    type Error;

    fn begin(&mut self) -> Result<(), Self::Error>;
    /// Makes everything durable since the beginning. If it fails, none of it was done.
    fn commit(&mut self) -> Result<(), Self::Error>;
    /// Undoes everything since the beginning.
    fn roll_back(&mut self);
    /// Whether what was begun is neither committed nor undone. After some errors a database undoes it by itself.
    fn is_open(&self) -> bool;
    /// How much was ever written.
    fn written(&self) -> u64;
    /// What there is to do now and then, once everybody knows what became of a transaction.
    fn tidy(&mut self) {}
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
    /// If the last transaction could not be begun: since when that was tried, and what came of it.
    refused: Option<(Instant, Arc<W::Error>)>,
    /// How many shared the commit before.
    callers_before: usize,
}

/// A transaction that was left open to the next caller.
struct Open<E> {
    begun: Instant,
    callers: usize,
    group: Arc<Group<E>>,
}

/// Those who share a commit.
struct Group<E> {
    outcome: Mutex<Option<Outcome<E>>>,
    decided: Condvar,
}

/// What became of a transaction.
enum Outcome<E> {
    Committed,
    /// Nothing was committed.
    Failed(Arc<E>),
    /// Somebody else's part failed, and all were undone.
    Undone,
}

impl<E> Clone for Outcome<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Committed => Self::Committed,
            Self::Failed(error) => Self::Failed(Arc::clone(error)),
            Self::Undone => Self::Undone,
        }
    }
}

/// The longest that a transaction is left open, so that nobody who writes little waits for many who write much.
const OPEN: Duration = Duration::from_millis(5);
/// The most who share a commit.
const CALLERS: usize = 256;
/// How long the last one looks out for others, if there were others before: they are on their way back.
const LOOK_OUT: Duration = Duration::from_micros(100);

impl<W: Transact> Shared<W> {
    pub(super) fn new(writer: W) -> Self {
        let turn = Turn { writer, open: None, refused: None, callers_before: 1 };
        Self { turn: Mutex::new(turn), waiting: AtomicUsize::new(0) }
    }

    /// Does something in a transaction, and returns once that is durable. If it fails, nothing of it was done, and what
    /// others did stays. It is done again, once, if somebody else's failure has undone it.
    pub(super) fn act<T, E>(&self, mut act: impl FnMut(&mut W) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Arc<W::Error>>,
    {
        let mut was_undone = false;
        loop {
            let came = Instant::now();
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            let mut part = Part { turn, finished: false };
            part.begin(came)?;
            let before = part.turn.writer.written();
            let result = act(&mut part.turn.writer);
            let Turn { writer, open, .. } = &*part.turn;
            if result.is_err() && (open.is_none() || !writer.is_open() || writer.written() != before) {
                // There is nothing to commit, or nothing that could be parted from what failed. Nobody may come into a
                // transaction that is not there any more: what they write would be kept bit by bit.
                return result;
            }
            // Once is enough: where many fail, nobody would ever get through.
            let group = if was_undone { None } else { self.leave_open(&mut part) };
            let outcome = match group {
                Some(group) => {
                    drop(part);
                    group.wait()
                }
                None => part.commit(),
            };
            match outcome {
                Outcome::Committed => return result,
                Outcome::Failed(error) => return Err(error.into()),
                Outcome::Undone => was_undone = true,
            }
        }
    }

    /// Leaves the transaction to whoever comes next, if somebody does and it has not been open for long.
    fn leave_open(&self, part: &mut Part<'_, W>) -> Option<Arc<Group<W::Error>>> {
        let (callers, begun) = part.turn.open.as_ref().map_or((0, None), |open| (open.callers, Some(open.begun)));
        let are_more_likely = callers + 1 < part.turn.callers_before / 2;
        let since = Instant::now();
        while self.waiting.load(Ordering::SeqCst) == 0 {
            if !are_more_likely || since.elapsed() > LOOK_OUT {
                return None;
            }
            thread::yield_now();
        }
        if callers + 1 >= CALLERS || begun.is_some_and(|begun| begun.elapsed() > OPEN) {
            return None;
        }
        let open = part.turn.open.get_or_insert_with(|| Open {
            begun: since,
            callers: 0,
            group: Arc::new(Group { outcome: Mutex::new(None), decided: Condvar::new() }),
        });
        open.callers += 1;
        part.finished = true;
        Some(Arc::clone(&open.group))
    }
}

/// One caller's part of a transaction. If it is not finished, it is undone with all that others did in it.
struct Part<'a, W: Transact> {
    turn: MutexGuard<'a, Turn<W>>,
    finished: bool,
}

impl<W: Transact> Part<'_, W> {
    /// Joins the transaction that was left open, or begins one. Whoever came before somebody began to wait in vain for the
    /// file has waited as long as that one, and is refused with them: a file that is held for long is waited for by
    /// all at once, not by one after the other.
    fn begin(&mut self, came: Instant) -> Result<(), Arc<W::Error>> {
        if self.turn.open.is_some() {
            return Ok(());
        }
        // Without a transaction there is nothing to undo.
        self.finished = true;
        if let Some((_, error)) = self.turn.refused.as_ref().filter(|(since, _)| came <= *since) {
            return Err(Arc::clone(error));
        }
        let since = Instant::now();
        let begun = self.turn.writer.begin().map_err(Arc::new);
        self.finished = begun.is_err();
        self.turn.refused = begun.as_ref().err().map(|error| (since, Arc::clone(error)));
        begun
    }

    /// Commits for everybody.
    fn commit(&mut self) -> Outcome<W::Error> {
        let outcome = match self.turn.writer.commit() {
            Ok(()) => Outcome::Committed,
            Err(error) => Outcome::Failed(Arc::new(error)),
        };
        self.finished = true;
        self.turn.callers_before = 1;
        if let Some(open) = self.turn.open.take() {
            self.turn.callers_before = open.callers + 1;
            open.group.decide(outcome.clone());
        }
        self.turn.writer.tidy();
        outcome
    }
}

impl<W: Transact> Drop for Part<'_, W> {
    fn drop(&mut self) {
        if !self.finished {
            self.turn.writer.roll_back();
            if let Some(open) = self.turn.open.take() {
                open.group.decide(Outcome::Undone);
            }
        }
    }
}

impl<E> Group<E> {
    fn decide(&self, outcome: Outcome<E>) {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        self.decided.notify_all();
    }

    fn wait(&self) -> Outcome<E> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*outcome {
                Some(decided) => return decided.clone(),
                None => outcome = self.decided.wait(outcome).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
