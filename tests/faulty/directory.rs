//! Directories that are almost right: a cell with a snapshot in it, filled in a wrong way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::error::Error;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::conformance::{DirectoryHarness, Source};
use activity_privacy::directory::{
    DirectoryBuilder, DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory,
};

/// What a directory holds.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) now: Option<Arc<DirectorySnapshot>>,
    pub(crate) last: u64,
    /// How often it was asked.
    pub(crate) asked: u64,
    pub(crate) before: Option<Arc<DirectorySnapshot>>,
}

type Snapshot = Result<Arc<DirectorySnapshot>, DirectoryError>;

/// What a directory does wrong. Whatever is not said here is done right.
pub(crate) trait Fault {
    fn answer(cell: &mut Cell) -> Snapshot {
        cell.now.clone().ok_or(DirectoryError::NeverLoaded)
    }

    fn import(cell: &Mutex<Cell>, source: &Source) {
        let cell = &mut *cell.lock().unwrap();
        let next = built(cell.last + 1, source);
        install(cell, next);
    }

    fn import_cut_off(_: &Mutex<Cell>, _: &Source) {}

    fn crash(_: &mut Cell) {}
}

fn built(revision: u64, source: &Source) -> DirectorySnapshot {
    let Source { as_of, users, groups, members, nested } = source;
    let builder = users.iter().fold(DirectoryBuilder::new(), |builder, user| builder.user(user.clone()));
    let builder = groups.iter().fold(builder, |builder, (id, name)| builder.group(id.clone(), name));
    let builder = members.iter().fold(builder, |builder, (group, user)| builder.member(group, user));
    let builder = nested.iter().fold(builder, |builder, (group, child)| builder.nested(group, child));
    builder.build(DirectoryRevision(revision), *as_of).unwrap()
}

fn install(cell: &mut Cell, next: DirectorySnapshot) {
    let next = match &cell.now {
        Some(before) => next.carry_over_from(before),
        None => next,
    };
    cell.last = next.revision().0;
    cell.before = cell.now.replace(Arc::new(next));
}

/// The source as far as it came through.
fn half(source: &Source) -> Source {
    let members = source.members[..source.members.len() / 2].to_vec();
    Source { members, ..source.clone() }
}

/// A place with a directory that has a fault, and a handle on it.
pub(crate) struct Place<F>(Arc<Mutex<Cell>>, PhantomData<fn() -> F>);

impl<F: Fault> DirectoryHarness for Place<F> {
    type Directory = Self;

    fn fresh() -> Self {
        Self(Arc::default(), PhantomData)
    }

    fn open(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }

    fn import(&self, source: &Source) -> Result<(), Box<dyn Error + Send + Sync>> {
        F::import(&self.0, source);
        Ok(())
    }

    fn import_cut_off(&self, source: &Source) {
        F::import_cut_off(&self.0, source);
    }

    fn crash(&mut self) {
        F::crash(&mut self.0.lock().unwrap());
    }
}

impl<F> GroupDirectory for Place<F>
where
    F: Fault,
{
    fn snapshot(&self) -> Snapshot {
        F::answer(&mut self.0.lock().unwrap())
    }
}

/// Nothing at all: the cell as it is.
pub(crate) struct NoFault;

impl Fault for NoFault {}

/// What came through of an import that broke off is in force.
pub(crate) struct KeepsWhatCameThrough;

impl Fault for KeepsWhatCameThrough {
    fn import_cut_off(cell: &Mutex<Cell>, source: &Source) {
        Self::import(cell, &half(source));
    }
}

/// An import is in force while it goes on.
pub(crate) struct ShowsAnImportGoingOn;

impl Fault for ShowsAnImportGoingOn {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let next = cell.lock().unwrap().last + 1;
        install(&mut cell.lock().unwrap(), built(next, &half(source)));
        thread::sleep(Duration::from_millis(2));
        install(&mut cell.lock().unwrap(), built(next + 1, source));
    }
}

/// An empty snapshot before anything was loaded.
pub(crate) struct EmptyInsteadOfAnError;

impl Fault for EmptyInsteadOfAnError {
    fn answer(cell: &mut Cell) -> Snapshot {
        let empty = || DirectoryBuilder::new().build(DirectoryRevision(0), chrono::DateTime::UNIX_EPOCH).unwrap();
        Ok(cell.now.clone().unwrap_or_else(|| Arc::new(empty())))
    }
}

/// Every fifth answer comes from a cache that was not told of the last import.
pub(crate) struct GoesBack;

impl Fault for GoesBack {
    fn answer(cell: &mut Cell) -> Snapshot {
        cell.asked += 1;
        let stale = cell.before.clone().filter(|_| cell.asked.is_multiple_of(5));
        stale.or_else(|| cell.now.clone()).ok_or(DirectoryError::NeverLoaded)
    }
}

/// Each import begins a directory of its own.
pub(crate) struct ForgetsWhoVanished;

impl Fault for ForgetsWhoVanished {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        cell.last += 1;
        cell.now = Some(Arc::new(built(cell.last, source)));
    }
}

/// Remembers who vanished once, and not from one import to the next.
pub(crate) struct RemembersForOneImport;

impl Fault for RemembersForOneImport {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        cell.last += 1;
        let (next, alone) = (built(cell.last, source), built(cell.last, source));
        let before = cell.before.replace(Arc::new(alone));
        cell.now = Some(Arc::new(match before {
            Some(before) => next.carry_over_from(&before),
            None => next,
        }));
    }
}

/// The revision is that of the schema, so to speak: it stays.
pub(crate) struct OneRevisionForAll;

impl Fault for OneRevisionForAll {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        install(&mut cell.lock().unwrap(), built(1, source));
    }
}

/// The revision is the as-of time of the source.
pub(crate) struct RevisionIsTheAsOfTime;

impl Fault for RevisionIsTheAsOfTime {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let revision = source.as_of.timestamp().unsigned_abs();
        install(&mut cell.lock().unwrap(), built(revision, source));
    }
}

/// Counts imports from 1 in each process.
pub(crate) struct CountsFromOneAgain;

impl Fault for CountsFromOneAgain {
    fn crash(cell: &mut Cell) {
        *cell = Cell::default();
    }
}

/// Adds an import to the one before.
pub(crate) struct AddsUp;

impl Fault for AddsUp {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        let mut source = source.clone();
        if let Some(before) = &cell.now {
            for (id, name) in before.groups() {
                if !source.groups.iter().any(|(known, _)| known == id) {
                    source.groups.push((id.clone(), name.to_owned()));
                }
                source.members.extend(before.all_members(id).into_iter().map(|user| (id.clone(), user.clone())));
            }
        }
        let next = built(cell.last + 1, &source);
        install(&mut cell, next);
    }
}

/// Knows nothing of groups in groups.
pub(crate) struct IgnoresNesting;

impl Fault for IgnoresNesting {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        let next = built(cell.last + 1, &Source { nested: Vec::new(), ..source.clone() });
        install(&mut cell, next);
    }
}
