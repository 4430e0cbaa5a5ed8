//! Faulty directories: a cell that contains a snapshot and is filled incorrectly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::error::Error;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::conformance::{DirectoryHarness, FinishImport, Source};
use activity_privacy::directory::{
    DirectoryBuilder, DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory,
};

/// The content of a directory.
#[derive(Default)]
pub(crate) struct Cell {
    pub(crate) now: Option<Arc<DirectorySnapshot>>,
    pub(crate) last: u64,
    /// The number of reads.
    pub(crate) asked: u64,
    pub(crate) before: Option<Arc<DirectorySnapshot>>,
}

type Snapshot = Result<Arc<DirectorySnapshot>, DirectoryError>;

/// A fault of a directory. The default methods are correct.
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

    /// Begins an import, and returns the function that finishes it.
    fn begin_import<'a>(cell: &'a Mutex<Cell>, source: &Source) -> FinishImport<'a> {
        let source = source.clone();
        Box::new(move || {
            Self::import(cell, &source);
            Ok(())
        })
    }

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

/// Returns the part of a source that arrived before the import was cut off.
fn half(source: &Source) -> Source {
    let members = source.members[..source.members.len() / 2].to_vec();
    Source { members, ..source.clone() }
}

/// A harness for a directory with a fault, and a handle to it.
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

    fn begin_import<'a>(&'a self, source: &Source) -> FinishImport<'a> {
        F::begin_import(&self.0, source)
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

/// No fault: the cell itself.
pub(crate) struct NoFault;

impl Fault for NoFault {}

/// Installs the part of an import that arrived before it was cut off.
pub(crate) struct InstallsPartialImport;

impl Fault for InstallsPartialImport {
    fn import_cut_off(cell: &Mutex<Cell>, source: &Source) {
        Self::import(cell, &half(source));
    }
}

/// Installs parts of an import while it is in progress.
pub(crate) struct ShowsImportInProgress;

impl Fault for ShowsImportInProgress {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let next = cell.lock().unwrap().last + 1;
        install(&mut cell.lock().unwrap(), built(next, &half(source)));
        thread::sleep(Duration::from_millis(2));
        install(&mut cell.lock().unwrap(), built(next + 1, source));
    }
}

/// Returns an empty snapshot before the first import.
pub(crate) struct EmptyInsteadOfError;

impl Fault for EmptyInsteadOfError {
    fn answer(cell: &mut Cell) -> Snapshot {
        let empty = || DirectoryBuilder::new().build(DirectoryRevision(0), chrono::DateTime::UNIX_EPOCH).unwrap();
        Ok(cell.now.clone().unwrap_or_else(|| Arc::new(empty())))
    }
}

/// Numbers an import when it begins, and installs it whenever it ends.
pub(crate) struct NumbersAtTheBeginning;

impl Fault for NumbersAtTheBeginning {
    fn begin_import<'a>(cell: &'a Mutex<Cell>, source: &Source) -> FinishImport<'a> {
        let next = {
            let cell = &mut *cell.lock().unwrap();
            cell.last += 1;
            built(cell.last, source)
        };
        Box::new(move || {
            install(&mut cell.lock().unwrap(), next);
            Ok(())
        })
    }
}

/// Returns every fifth snapshot from a cache that missed the last import.
pub(crate) struct GoesBack;

impl Fault for GoesBack {
    fn answer(cell: &mut Cell) -> Snapshot {
        cell.asked += 1;
        let stale = cell.before.clone().filter(|_| cell.asked.is_multiple_of(5));
        stale.or_else(|| cell.now.clone()).ok_or(DirectoryError::NeverLoaded)
    }
}

/// Starts a new directory with each import.
pub(crate) struct ForgetsRemovedGroups;

impl Fault for ForgetsRemovedGroups {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        cell.last += 1;
        cell.now = Some(Arc::new(built(cell.last, source)));
    }
}

/// Remembers a removed group for one import only.
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

/// Uses one revision for all snapshots.
pub(crate) struct UsesOneRevision;

impl Fault for UsesOneRevision {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        install(&mut cell.lock().unwrap(), built(1, source));
    }
}

/// Uses the as-of time of the source as the revision.
pub(crate) struct UsesTimeAsRevision;

impl Fault for UsesTimeAsRevision {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let revision = source.as_of.timestamp().unsigned_abs();
        install(&mut cell.lock().unwrap(), built(revision, source));
    }
}

/// Counts imports from 1 in each process.
pub(crate) struct RestartsRevisions;

impl Fault for RestartsRevisions {
    fn crash(cell: &mut Cell) {
        *cell = Cell::default();
    }
}

/// Adds each import to the previous one.
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

/// Ignores nested groups.
pub(crate) struct IgnoresNesting;

impl Fault for IgnoresNesting {
    fn import(cell: &Mutex<Cell>, source: &Source) {
        let mut cell = cell.lock().unwrap();
        let next = built(cell.last + 1, &Source { nested: Vec::new(), ..source.clone() });
        install(&mut cell, next);
    }
}
