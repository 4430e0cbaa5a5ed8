//! Group commit: one durable commit for several callers.
//!
//! Most of the cost of a commit is the wait for the disk. Callers therefore enqueue their parts of a transaction. The
//! first caller in a queue is its leader: it waits for the writer, runs the parts of all callers in the queue in one
//! transaction, commits, and wakes the others, its followers. Callers that arrive while a leader works form the next
//! queue (DeWitt et al., "Implementation Techniques for Main Memory Database Systems").
//!
//! No caller gets its result before the commit, not even one whose part was rejected: the rejection may depend on rows
//! that another part of the same transaction wrote. If a part fails after it wrote, the whole transaction is rolled
//! back, and each caller of the group runs its part again, alone. This is rare, and avoids a savepoint for every part.

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
    /// Makes every change since [`begin`](Self::begin) durable. If it fails, none of them is kept.
    fn commit(&mut self) -> Result<(), Self::Error>;
    /// Rolls back every change since [`begin`](Self::begin).
    fn roll_back(&mut self);
    /// Returns whether the transaction is neither committed nor rolled back. After some errors a database rolls back by
    /// itself.
    fn is_open(&self) -> bool;
    /// Returns the total number of changes made on the connection.
    fn total_changes(&self) -> u64;
    /// Runs maintenance after a commit, once the callers have their results.
    fn after_commit(&mut self) {}
}

/// A writer that many callers share.
pub(super) struct GroupCommit<W: Transact> {
    writer: Mutex<WriterState<W>>,
    /// The group whose leader still waits for the writer. Callers that arrive join it.
    queue: Mutex<Option<Arc<Group<W>>>>,
}

/// The maximum number of callers in one group, which bounds the duration of a transaction.
const MAX_CALLERS: usize = 256;

struct WriterState<W: Transact> {
    writer: W,
    /// The time and error of the last attempt to begin a transaction, if it failed.
    refused: Option<(Instant, Arc<W::Error>)>,
}

/// Callers that share a transaction.
struct Group<W: Transact> {
    state: Mutex<GroupState<W>>,
    finished: Condvar,
}

struct GroupState<W: Transact> {
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
    RolledBack,
}

/// A part of a transaction that any thread can run.
trait Run<W>: Send + Sync {
    /// Runs the part, stores the result for its caller, and returns whether it succeeded.
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
    /// the part fails, none of its changes is kept; changes of other callers are. It runs twice if the first
    /// transaction was rolled back.
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
            // A panic rolls the transaction back. The caller whose part panicked gets the panic again when its part
            // runs alone.
            let lead = || transaction.run_group(arrived, parts, &group);
            if catch_unwind(AssertUnwindSafe(lead)).is_err() {
                group.finish(Outcome::RolledBack);
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
            if state.parts.len() < MAX_CALLERS {
                state.parts.push(part);
                state.arrived = Instant::now();
                return (Arc::clone(group), false);
            }
        }
        let state = GroupState { parts: vec![part], arrived: Instant::now(), outcome: None };
        let group = Arc::new(Group { state: Mutex::new(state), finished: Condvar::new() });
        *queue = Some(Arc::clone(&group));
        (group, true)
    }

    fn wait_for_writer(&self) -> Transaction<'_, W> {
        Transaction { state: lock(&self.writer), is_unfinished: false }
    }

    /// Removes the group from the queue, so that no more callers join. Returns its parts, and when the last caller
    /// arrived. The leader does this before it begins the transaction, so that a later caller does not get the error of
    /// an earlier attempt.
    fn close(&self, group: &Arc<Group<W>>) -> (Vec<Arc<dyn Run<W>>>, Instant) {
        let mut queue = lock(&self.queue);
        if queue.as_ref().is_some_and(|queued| Arc::ptr_eq(queued, group)) {
            *queue = None;
        }
        let mut state = lock(&group.state);
        (mem::take(&mut state.parts), state.arrived)
    }
}

/// Exclusive access to the writer. A transaction that is not committed is rolled back on drop.
struct Transaction<'a, W: Transact> {
    state: MutexGuard<'a, WriterState<W>>,
    is_unfinished: bool,
}

impl<W: Transact> Transaction<'_, W> {
    /// Runs the parts of a group, commits, and publishes the outcome to the group.
    fn run_group(mut self, arrived: Instant, parts: Vec<Arc<dyn Run<W>>>, group: &Group<W>) {
        if let Err(error) = self.begin(arrived) {
            return group.finish(Outcome::Failed(error));
        }
        for part in parts {
            let before = self.state.writer.total_changes();
            if !part.run(&mut self.state.writer) && self.has_changes_since(before) {
                drop(self);
                return group.finish(Outcome::RolledBack);
            }
        }
        group.finish(match self.commit() {
            Ok(()) => Outcome::Committed,
            Err(error) => Outcome::Failed(error),
        });
        self.state.writer.after_commit();
    }

    /// Runs one part in a transaction of its own.
    fn run_alone<T, E>(mut self, arrived: Instant, act: &mut impl FnMut(&mut W) -> Result<T, E>) -> Result<T, E>
    where
        E: From<Arc<W::Error>>,
    {
        self.begin(arrived)?;
        let value = act(&mut self.state.writer)?;
        self.commit()?;
        self.state.writer.after_commit();
        Ok(value)
    }

    /// Begins a transaction. Callers that arrived before a failed attempt began get its error: all of them wait for a
    /// locked file at the same time, not one after another.
    fn begin(&mut self, arrived: Instant) -> Result<(), Arc<W::Error>> {
        if let Some((_, error)) = self.state.refused.as_ref().filter(|(since, _)| arrived <= *since) {
            return Err(Arc::clone(error));
        }
        let since = Instant::now();
        self.is_unfinished = true;
        let begun = self.state.writer.begin().map_err(Arc::new);
        self.is_unfinished = begun.is_ok();
        self.state.refused = begun.as_ref().err().map(|error| (since, Arc::clone(error)));
        begun
    }

    /// Returns whether a failed part changed the transaction, so that the other parts cannot continue in it. That
    /// includes a transaction that the database rolled back: each later change would be durable at once.
    fn has_changes_since(&self, changes_before: u64) -> bool {
        let writer = &self.state.writer;
        !writer.is_open() || writer.total_changes() != changes_before
    }

    fn commit(&mut self) -> Result<(), Arc<W::Error>> {
        let committed = self.state.writer.commit().map_err(Arc::new);
        self.is_unfinished = false;
        committed
    }
}

impl<W: Transact> Drop for Transaction<'_, W> {
    fn drop(&mut self) {
        if self.is_unfinished {
            self.state.writer.roll_back();
        }
    }
}

impl<W: Transact> Group<W> {
    fn finish(&self, outcome: Outcome<W::Error>) {
        lock(&self.state).outcome.get_or_insert(outcome);
        self.finished.notify_all();
    }

    fn wait(&self) -> Outcome<W::Error> {
        let mut state = lock(&self.state);
        loop {
            match &state.outcome {
                Some(Outcome::Committed) => return Outcome::Committed,
                Some(Outcome::Failed(error)) => return Outcome::Failed(Arc::clone(error)),
                Some(Outcome::RolledBack) => return Outcome::RolledBack,
                None => state = self.finished.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}
