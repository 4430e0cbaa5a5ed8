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
//!
//! To pass the writer from thread to thread costs more than a small part does. So whoever can let go of what they write
//! hands it in instead, and the first of those who do so acts for all of them in one turn (Hendler et al., "Flat
//! Combining and the Synchronization-Parallelism Tradeoff").

mod handed_in;
#[cfg(test)]
mod ledger;
#[cfg(all(test, shuttle))]
mod races;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use self::handed_in::Line;
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
    /// What was handed in, and nobody has begun with.
    line: Mutex<Line<W>>,
}

struct Turn<W: Transact> {
    writer: W,
    open: Option<Open<W::Error>>,
    /// If the last transaction could not be begun: since when that was tried, and what came of it.
    refused: Option<(Instant, Arc<W::Error>)>,
    /// How many shared the commit before.
    callers_before: usize,
}

/// A transaction that others wait for than whoever has their turn.
struct Open<E> {
    begun: Instant,
    callers: usize,
    groups: Vec<Arc<Group<E>>>,
}

/// Those who are told together what became of their transaction.
struct Group<E> {
    outcome: Mutex<Option<Outcome<E>>>,
    decided: Condvar,
}

/// What became of a transaction.
enum Outcome<E> {
    Committed,
    /// Nothing was committed.
    Failed(Arc<E>),
    /// A part failed, and all were undone.
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
/// The most who share a commit, but for those who were handed in together.
const CALLERS: usize = 256;
/// How long the last one looks out for others, if there were others before: they are on their way back.
const LOOK_OUT: Duration = Duration::from_micros(100);

impl<W: Transact> Shared<W> {
    pub(super) fn new(writer: W) -> Self {
        let turn = Turn { writer, open: None, refused: None, callers_before: 1 };
        Self { turn: Mutex::new(turn), waiting: AtomicUsize::new(0), line: Mutex::default() }
    }

    /// Does something in a transaction, and returns once that is durable. If it fails, nothing of it was done, and what
    /// others did stays. It is done again, once, if somebody else's failure has undone it.
    pub(super) fn act<T, E>(&self, act: impl FnMut(&mut W) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Arc<W::Error>>,
    {
        self.act_unless_undone(act, false)
    }

    fn act_unless_undone<T, E>(&self, mut act: impl FnMut(&mut W) -> Result<T, E>, mut was_undone: bool) -> Result<T, E>
    where
        E: From<Arc<W::Error>>,
    {
        loop {
            let came = Instant::now();
            let mut part = self.take_turn();
            part.begin(came)?;
            let before = part.turn.writer.written();
            let result = act(&mut part.turn.writer);
            if result.is_err() && (part.turn.open.is_none() || part.is_spoilt(before)) {
                // There is nothing to commit, or nothing that could be parted from what failed.
                return result;
            }
            // Once is enough: where many fail, nobody would ever get through.
            let outcome = if !was_undone && self.is_awaited(&part, 1) {
                let group = Arc::new(Group::default());
                part.join(Arc::clone(&group), 1);
                part.leave_open();
                group.wait()
            } else {
                part.commit(1)
            };
            match outcome {
                Outcome::Committed => return result,
                Outcome::Failed(error) => return Err(error.into()),
                Outcome::Undone => was_undone = true,
            }
        }
    }

    fn take_turn(&self) -> Part<'_, W> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        // Without a transaction there is nothing to undo.
        let finished = turn.open.is_none();
        Part { turn, finished }
    }

    /// Whether a transaction that so many more take part in, after those who wait for it, is to be left to whoever comes
    /// next: if somebody does, and it has not been open for long.
    fn is_awaited(&self, part: &Part<'_, W>, more: usize) -> bool {
        let (callers, begun) = part.turn.open.as_ref().map_or((0, None), |open| (open.callers, Some(open.begun)));
        let callers = callers + more;
        let are_more_likely = callers < part.turn.callers_before / 2;
        let since = Instant::now();
        while self.waiting.load(Ordering::SeqCst) == 0 {
            if !are_more_likely || since.elapsed() > LOOK_OUT {
                return false;
            }
            thread::yield_now();
        }
        callers < CALLERS && begun.is_none_or(|begun| begun.elapsed() <= OPEN)
    }
}

/// Somebody's part of a transaction. If it is not finished, it is undone with all that others did in it.
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
        if let Some((_, error)) = self.turn.refused.as_ref().filter(|(since, _)| came <= *since) {
            return Err(Arc::clone(error));
        }
        let since = Instant::now();
        let begun = self.turn.writer.begin().map_err(Arc::new);
        self.finished = begun.is_err();
        self.turn.refused = begun.as_ref().err().map(|error| (since, Arc::clone(error)));
        begun
    }

    /// Whether what failed cannot be parted from what others did. Nobody may come into a transaction that is not there
    /// any more: what they write would be kept bit by bit.
    fn is_spoilt(&self, written_before: u64) -> bool {
        let writer = &self.turn.writer;
        !writer.is_open() || writer.written() != written_before
    }

    /// So many callers more wait for this transaction.
    fn join(&mut self, group: Arc<Group<W::Error>>, callers: usize) {
        let open = self.turn.open.get_or_insert_with(|| Open { begun: Instant::now(), callers: 0, groups: Vec::new() });
        open.callers += callers;
        open.groups.push(group);
    }

    /// Whoever comes next goes on with the transaction.
    fn leave_open(mut self) {
        self.finished = true;
    }

    /// Commits for everybody: for those who wait for it, and so many more.
    fn commit(mut self, more: usize) -> Outcome<W::Error> {
        let outcome = match self.turn.writer.commit() {
            Ok(()) => Outcome::Committed,
            Err(error) => Outcome::Failed(Arc::new(error)),
        };
        self.finished = true;
        let callers = self.decide(&outcome);
        self.turn.callers_before = callers + more;
        self.turn.writer.tidy();
        outcome
    }

    /// Tells those who wait for the transaction, and how many they are.
    fn decide(&mut self, outcome: &Outcome<W::Error>) -> usize {
        let Some(Open { callers, groups, .. }) = self.turn.open.take() else { return 0 };
        groups.iter().for_each(|group| group.decide(outcome.clone()));
        callers
    }
}

impl<W: Transact> Drop for Part<'_, W> {
    fn drop(&mut self) {
        if !self.finished {
            self.turn.writer.roll_back();
            self.decide(&Outcome::Undone);
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

impl<E> Default for Group<E> {
    fn default() -> Self {
        Self { outcome: Mutex::new(None), decided: Condvar::new() }
    }
}
