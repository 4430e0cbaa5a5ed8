//! What readers share: the directory of closed segments, and the open one as far as any of them has read it.

use std::sync::{Arc, PoisonError};

use rusqlite::Connection;

use super::directory::Directory;
use super::open::Open;
use super::rows;
use super::tables::{LAST_CLOSED, greatest};
use super::tidy::revision;
use crate::store::StoreError;
use crate::sync::Mutex;

/// Catches up from whatever a reader's own transaction sees, so that no reader waits for the writer. Readers wait for
/// each other while one of them reads rows that nobody has read yet.
#[derive(Default)]
pub(in crate::sqlite) struct Tail(Mutex<Known>);

struct Known {
    /// What everything here was read at.
    revision: i64,
    directory: Arc<Directory>,
    open: Open,
}

impl Default for Known {
    fn default() -> Self {
        Self { revision: 0, directory: Arc::default(), open: Open::after(0, 0) }
    }
}

/// What one transaction sees.
pub(super) struct Snapshot {
    pub(super) directory: Arc<Directory>,
    /// How many of the segments in the directory are closed in this transaction; others may have seen more.
    pub(super) closed: i64,
    /// The sequence of the newest row.
    pub(super) newest: i64,
    revision: i64,
    /// The open segment, if what readers share is past it.
    own: Option<Open>,
}

impl Tail {
    /// Takes in what the transaction of this connection sees and nobody saw before.
    pub(super) fn snapshot(&self, connection: &Connection) -> Result<Snapshot, StoreError> {
        let closed = greatest(connection, LAST_CLOSED)?.map_or(0, |number| number.saturating_add(1));
        let (newest, revision) = (rows::newest(connection)?, revision(connection)?);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if revision < known.revision {
            // This transaction is older than what readers share, and has to read for itself.
            drop(known);
            let mut directory = Directory::default();
            directory.read_on(connection)?;
            return Ok(Snapshot { directory: Arc::new(directory), closed, newest, revision, own: None });
        }
        if revision > known.revision {
            *known = Known { revision, ..Known::default() };
        }
        if known.directory.len() < closed {
            Arc::make_mut(&mut known.directory).read_on(connection)?;
        }
        if known.open.number() < closed {
            known.open = empty(&known.directory, closed);
        }
        Ok(Snapshot { directory: Arc::clone(&known.directory), closed, newest, revision, own: None })
    }

    /// Shows the open segment of a snapshot, in which may be newer rows than the snapshot's. `show` must not take long:
    /// other readers wait.
    pub(super) fn with_open<T>(
        &self,
        connection: &Connection,
        snapshot: &mut Snapshot,
        show: impl FnOnce(&Open) -> T,
    ) -> Result<T, StoreError> {
        if snapshot.own.is_none() {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.open.number() == snapshot.closed && known.revision == snapshot.revision {
                catch_up(&mut known.open, connection, snapshot.newest)?;
                return Ok(show(&known.open));
            }
        }
        // Others have gone on, to a later segment or to one that was tidied: this transaction is old.
        let own = match &mut snapshot.own {
            Some(own) => own,
            none => {
                let mut own = empty(&snapshot.directory, snapshot.closed);
                catch_up(&mut own, connection, snapshot.newest)?;
                none.insert(own)
            }
        };
        Ok(show(own))
    }
}

fn empty(directory: &Directory, closed: i64) -> Open {
    let last = directory.segment(closed - 1).map_or(0, |closed| closed.last);
    Open::after(closed, last)
}

fn catch_up(open: &mut Open, connection: &Connection, newest: i64) -> Result<(), StoreError> {
    if open.last() < newest {
        rows::between(connection, open.last(), newest, |sequence, activity| {
            open.add(sequence, activity);
            Ok(())
        })?;
    }
    Ok(())
}
