//! How far removals came in each table, as long as the process lives.

use std::sync::PoisonError;

use super::Table;
use crate::governance::RecordId;
use crate::removal::RecordedRemoval;
use crate::sync::Mutex;

/// Up to and with which sequences no row is covered any more by the removals that were under way last.
#[derive(Default)]
pub(in crate::sqlite) struct Places(Mutex<Vec<(Of, i64)>>);

/// Which removal, in which table.
type Of = (RecordId, &'static str);

/// How many are kept. A removal that falls out looks again from the beginning.
const KEPT: usize = 32;

impl Places {
    pub(super) fn of(&self, removal: &RecordedRemoval, table: Table) -> i64 {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (removal.intent(), table.of);
        places.iter().find(|(known, _)| *known == of).map_or(0, |(_, place)| *place)
    }

    /// Goes on to a place, and never back.
    pub(super) fn reach(&self, removal: &RecordedRemoval, table: Table, place: i64) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = (removal.intent(), table.of);
        let known = places.iter().position(|(known, _)| *known == of).map(|at| places.remove(at));
        places.push((of, known.map_or(place, |(_, known)| known.max(place))));
        let beyond = places.len().saturating_sub(KEPT);
        places.drain(..beyond);
    }
}
