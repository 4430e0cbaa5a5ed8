//! Parts of a transaction that are done for whoever handed them in.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use super::{Group, Outcome, Shared, Transact};
use crate::sync::{Mutex, MutexGuard};

/// What was handed in since the last time that somebody took it all.
pub(super) struct Line<W: Transact> {
    parts: Vec<Arc<dyn Handed<W>>>,
    /// Those who handed it in.
    group: Arc<Group<W::Error>>,
    /// When the last of them came.
    came: Instant,
}

impl<W: Transact> Default for Line<W> {
    fn default() -> Self {
        Self { parts: Vec::new(), group: Arc::default(), came: Instant::now() }
    }
}

/// Something to do, whoever does it.
trait Handed<W>: Send + Sync {
    /// Whether it was done. The answer stays in here.
    fn act(&self, writer: &mut W) -> bool;
}

struct HandedIn<F, A> {
    act: Mutex<F>,
    answer: Mutex<Option<A>>,
}

impl<W, T, E, F> Handed<W> for HandedIn<F, Result<T, E>>
where
    F: FnMut(&mut W) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn act(&self, writer: &mut W) -> bool {
        let answer = lock(&self.act)(writer);
        lock(&self.answer).insert(answer).is_ok()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Transact + 'static> Shared<W> {
    /// As [`act`](Self::act), for what needs nothing that the caller only lent: somebody else may do it.
    pub(in crate::sqlite) fn hand_in<T, E, F>(&self, act: F) -> Result<T, E>
    where
        F: FnMut(&mut W) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Arc<W::Error>> + Send + 'static,
    {
        let mine = Arc::new(HandedIn { act: Mutex::new(act), answer: Mutex::new(None) });
        let (group, is_first) = {
            let mut line = lock(&self.line);
            line.parts.push(Arc::clone(&mine) as Arc<dyn Handed<W>>);
            line.came = Instant::now();
            (Arc::clone(&line.group), line.parts.len() == 1)
        };
        if is_first {
            self.act_for_all();
        }
        match (group.wait(), lock(&mine.answer).take()) {
            (Outcome::Committed, Some(answer)) => answer,
            (Outcome::Failed(error), _) => Err(error.into()),
            // Done by the caller alone, so that whoever's part failed learns of it, and nobody else suffers again.
            _ => self.act_unless_undone(|writer| lock(&mine.act)(writer), true),
        }
    }

    /// Does everything that was handed in. To be called by whoever was the first to hand in, once.
    fn act_for_all(&self) {
        let mut part = self.take_turn();
        // From here on others are the first of a new line. Not later, because nobody is refused who came after it was
        // tried to begin.
        let Line { parts, group, came } = mem::take(&mut *lock(&self.line));
        let refused = match catch_unwind(AssertUnwindSafe(|| part.begin(came))) {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(Outcome::Failed(error)),
            // Each of them panics when they try it themselves.
            Err(_) => Some(Outcome::Undone),
        };
        if let Some(refused) = refused {
            group.decide(refused);
            return;
        }
        part.join(group, parts.len());
        for handed in parts {
            let before = part.turn.writer.written();
            let act = || handed.act(&mut part.turn.writer);
            let can_go_on = match catch_unwind(AssertUnwindSafe(act)) {
                Ok(done) => done || !part.is_spoilt(before),
                // It belongs to somebody else, who panics when they do it again.
                Err(_) => false,
            };
            if !can_go_on {
                return;
            }
        }
        if self.is_awaited(&part, 0) {
            part.leave_open();
        } else {
            part.commit(0);
        }
    }
}
