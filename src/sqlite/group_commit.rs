//! Group commit: one durable commit for several callers.
//!
//! Most of the cost of a commit is the wait for the disk. Callers therefore enqueue their parts of a transaction. The
//! first caller in a queue is its leader: it waits for the writer, runs the parts of all callers in the queue in one
//! transaction, commits, and wakes the others, its followers. Callers that arrive while a leader works form the next
//! queue (DeWitt et al., "Implementation Techniques for Main Memory Database Systems").
//!
//! No caller gets its result before the commit, not even one whose part was rejected: the reason may rest on rows that
//! another part of the same transaction wrote. A part that fails after it wrote undoes the whole transaction. Each
//! caller of the group then runs its part once more, alone. That is rare, and it saves every part a savepoint.

#[cfg(test)]
mod ledger;
#[cfg(all(test, shuttle))]
mod races;
#[cfg(all(test, not(shuttle)))]
mod tests;

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use crate::sync::{Condvar, Mutex, MutexGuard};

/// A connection that runs one transaction at a time.
pub(super) trait Transact {
    type Error;

    fn begin(&mut self) -> Result<(), Self::Error>;
    /// Makes every change since the beginning durable. If it fails, none of them was kept.
    fn commit(&mut self) -> Result<(), Self::Error>;
    /// Undoes every change since the beginning.
    fn roll_back(&mut self);
    /// Returns whether the transaction is neither committed nor undone. A database undoes it itself after some errors.
    fn is_open(&self) -> bool;
    /// Returns the number of changes ever made.
    fn written(&self) -> u64;
    /// Does upkeep after a commit, once the callers have their results.
    fn tidy(&mut self) {}
}

/// A writer that many callers share.
pub(super) struct GroupCommit<W: Transact> {
    writer: Mutex<WriterState<W>>,
    /// The group whose leader still waits for the writer. Callers that arrive join it.
    queue: Mutex<Option<Arc<Group<W>>>>,
}

/// The most callers in one group, which bounds how long a transaction is open.
const CALLERS: usize = 256;

struct WriterState<W: Transact> {
    writer: W,
    /// If the last attempt to begin a transaction failed: when it began, and its error.
    refused: Option<(Instant, Arc<W::Error>)>,
}

/// Callers that share a transaction.
struct Group<W: Transact> {
    state: Mutex<State<W>>,
    decided: Condvar,
}

struct State<W: Transact> {
    parts: Vec<Arc<dyn Run<W>>>,
    /// When the last caller arrived.
    arrived: Instant,
    outcome: Option<Outcome<W::Error>>,
}

/// How a transaction ended.
enum Outcome<E> {
    Committed,
    /// The transaction could not be begun or committed.
    Failed(Arc<E>),
    /// A part failed after it wrote, or panicked. No change was kept.
    Undone,
}

/// A part of a transaction, whichever thread runs it.
trait Run<W>: Send + Sync {
    /// Runs it, keeps the result for its caller, and returns whether it succeeded.
    fn run(&self, writer: &mut W) -> bool;
}

struct Part<F, R> {
    act: Mutex<F>,
    result: Mutex<Option<R>>,
}

impl<W, T, E, F> Run<W> for Part<F, Result<T, E>>
where
    F: FnMut(&mut W) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&self, writer: &mut W) -> bool {
        let result = lock(&self.act)(writer);
        lock(&self.result).insert(result).is_ok()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Transact + 'static> GroupCommit<W> {
    pub(super) fn new(writer: W) -> Self {
        Self { writer: Mutex::new(WriterState { writer, refused: None }), queue: Mutex::new(None) }
    }

    /// Runs a part of a transaction, on this thread or another, and returns its result once the commit is durable. If
    /// the part fails, none of its changes is kept, and those of other callers are. It runs twice if the first
    /// transaction was undone.
    pub(super) fn run<T, E>(&self, act: impl FnMut(&mut W) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Arc<W::Error>> + Send + 'static,
    {
        let part = Arc::new(Part { act: Mutex::new(act), result: Mutex::new(None) });
        let (group, is_leader) = self.enqueue(Arc::clone(&part) as Arc<dyn Run<W>>);
        if is_leader {
            let transaction = self.wait_for_writer();
            let (parts, arrived) = self.close(&group);
            if parts.len() == 1 {
                return transaction.run_alone(arrived, &mut *lock(&part.act));
            }
            // A panic undoes the transaction. The caller whose part panicked meets the panic again when it runs alone.
            let lead = || transaction.run_group(arrived, parts, &group);
            if catch_unwind(AssertUnwindSafe(lead)).is_err() {
                group.decide(Outcome::Undone);
            }
        }
        match (group.wait(), lock(&part.result).take()) {
            (Outcome::Committed, Some(result)) => result,
            (Outcome::Failed(error), _) => Err(error.into()),
            _ => {
                let arrived = Instant::now();
                self.wait_for_writer().run_alone(arrived, &mut *lock(&part.act))
            }
        }
    }

    /// Adds a part to the group in the queue, or to a new one. Returns the group, and whether the caller leads it.
    fn enqueue(&self, part: Arc<dyn Run<W>>) -> (Arc<Group<W>>, bool) {
        let mut queue = lock(&self.queue);
        if let Some(group) = &*queue {
            let mut state = lock(&group.state);
            if state.parts.len() < CALLERS {
                state.parts.push(part);
                state.arrived = Instant::now();
                return (Arc::clone(group), false);
            }
        }
        let state = State { parts: vec![part], arrived: Instant::now(), outcome: None };
        let group = Arc::new(Group { state: Mutex::new(state), decided: Condvar::new() });
        *queue = Some(Arc::clone(&group));
        (group, true)
    }

    fn wait_for_writer(&self) -> Transaction<'_, W> {
        Transaction { held: lock(&self.writer), is_unfinished: false }
    }

    /// Lets no more callers into the group. Returns its parts, and when the last caller arrived. The leader does this
    /// before it begins the transaction, so that a caller that arrives later is not refused with an earlier attempt.
    fn close(&self, group: &Arc<Group<W>>) -> (Vec<Arc<dyn Run<W>>>, Instant) {
        let mut queue = lock(&self.queue);
        if queue.as_ref().is_some_and(|queued| Arc::ptr_eq(queued, group)) {
            *queue = None;
        }
        let mut state = lock(&group.state);
        (mem::take(&mut state.parts), state.arrived)
    }
}

/// The writer, while one thread holds it. A transaction that is not committed is undone when this is dropped.
struct Transaction<'a, W: Transact> {
    held: MutexGuard<'a, WriterState<W>>,
    is_unfinished: bool,
}

impl<W: Transact> Transaction<'_, W> {
    /// Runs the parts of a group, commits, and tells the group how that ended.
    fn run_group(mut self, arrived: Instant, parts: Vec<Arc<dyn Run<W>>>, group: &Group<W>) {
        if let Err(error) = self.begin(arrived) {
            return group.decide(Outcome::Failed(error));
        }
        for part in parts {
            let before = self.held.writer.written();
            if !part.run(&mut self.held.writer) && self.is_spoilt(before) {
                drop(self);
                return group.decide(Outcome::Undone);
            }
        }
        group.decide(match self.commit() {
            Ok(()) => Outcome::Committed,
            Err(error) => Outcome::Failed(error),
        });
        self.held.writer.tidy();
    }

    /// Runs one part in a transaction of its own.
    fn run_alone<T, E>(mut self, arrived: Instant, act: &mut impl FnMut(&mut W) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Arc<W::Error>>,
    {
        self.begin(arrived)?;
        let value = act(&mut self.held.writer)?;
        self.commit()?;
        self.held.writer.tidy();
        Ok(value)
    }

    /// Begins a transaction. Callers that had arrived before a failed attempt began are refused with its error: all of
    /// them wait for a locked file at the same time, not one after another.
    fn begin(&mut self, arrived: Instant) -> Result<(), Arc<W::Error>> {
        if let Some((_, error)) = self.held.refused.as_ref().filter(|(since, _)| arrived <= *since) {
            return Err(Arc::clone(error));
        }
        let since = Instant::now();
        self.is_unfinished = true;
        let begun = self.held.writer.begin().map_err(Arc::new);
        self.is_unfinished = begun.is_ok();
        self.held.refused = begun.as_ref().err().map(|error| (since, Arc::clone(error)));
        begun
    }

    /// Returns whether a failed part changed the transaction, so that the other parts cannot go on in it. That includes
    /// a transaction that the database has undone: later changes would each be durable at once.
    fn is_spoilt(&self, written_before: u64) -> bool {
        let writer = &self.held.writer;
        !writer.is_open() || writer.written() != written_before
    }

    fn commit(&mut self) -> Result<(), Arc<W::Error>> {
        let committed = self.held.writer.commit().map_err(Arc::new);
        self.is_unfinished = false;
        committed
    }
}

impl<W: Transact> Drop for Transaction<'_, W> {
    fn drop(&mut self) {
        if self.is_unfinished {
            self.held.writer.roll_back();
        }
    }
}

impl<W: Transact> Group<W> {
    fn decide(&self, outcome: Outcome<W::Error>) {
        lock(&self.state).outcome.get_or_insert(outcome);
        self.decided.notify_all();
    }

    fn wait(&self) -> Outcome<W::Error> {
        let mut state = lock(&self.state);
        loop {
            match &state.outcome {
                Some(Outcome::Committed) => return Outcome::Committed,
                Some(Outcome::Failed(error)) => return Outcome::Failed(Arc::clone(error)),
                Some(Outcome::Undone) => return Outcome::Undone,
                None => state = self.decided.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
