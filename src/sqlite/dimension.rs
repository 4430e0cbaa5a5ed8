//! What many activities share, each once under a number: decisions, actors, apps and actions.

use std::hash::Hasher;
use std::sync::{Arc, PoisonError};

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::document::{ACTIVITY, corrupt, damaged, from_json};
use super::family::{Family, NUMBER_STEP, add_text};
use crate::activity::{Action, Actor, App};
use crate::engine::Decision;
use crate::store::StoreError;
use crate::sync::RwLock;

/// Everything about an activity that tells who acted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Principals {
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) on_behalf_of: Vec<Actor>,
}

/// The same as it is written.
#[derive(Serialize)]
pub(super) struct BorrowedPrincipals<'a> {
    pub(super) actor: &'a Actor,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) on_behalf_of: &'a [Actor],
}

/// Which table a number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Dimension {
    Decision,
    Actor,
    App,
    Action,
}

impl Dimension {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Actor => "actor",
            Self::App => "app",
            Self::Action => "action",
        }
    }
}

/// The most numbers of one table that are kept in memory.
const KEPT: usize = 65_536;

/// The numbers of what was written last, for the one connection that writes.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<Dimension, HashMap<String, Numbered>>,
}

/// A number, and the checksum of what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) number: i64,
    pub(super) checksum: u64,
}

impl Numbers {
    /// Forgets everything, because entries may have been removed.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Returns the number of a document. If it has none it gets the next one, and `insert` writes its row.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        (family, dimension): (Family, Dimension),
        document: &str,
        insert: impl FnOnce(i64) -> Result<(), StoreError>,
    ) -> Result<Numbered, StoreError> {
        let known = self.known.entry(dimension).or_default();
        if let Some(numbered) = known.get(document) {
            return Ok(*numbered);
        }
        let select = format!("SELECT number FROM {}_{} WHERE document = ?1", family.name(), dimension.name());
        let number = match connection.prepare_cached(&select)?.query_row([document], |row| row.get(0)).optional()? {
            Some(number) => number,
            None => {
                let number = next_number(connection, family)?;
                insert(number)?;
                number
            }
        };
        let numbered = Numbered { number, checksum: checksum(family, document) };
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(document.to_owned(), numbered);
        Ok(numbered)
    }
}

/// Takes the next number of a family.
fn next_number(connection: &Connection, family: Family) -> Result<i64, StoreError> {
    let of = family.name();
    let next = format!("SELECT next_number FROM {of}_state");
    let number: i64 = connection.prepare_cached(&next)?.query_row([], |row| row.get(0))?;
    let next = number.checked_add(NUMBER_STEP).ok_or_else(corrupt)?;
    connection.prepare_cached(&format!("UPDATE {of}_state SET next_number = ?1"))?.execute([next])?;
    Ok(number)
}

fn checksum(family: Family, document: &str) -> u64 {
    let mut hasher = family.checksum();
    add_text(&mut hasher, Some(document));
    hasher.finish()
}

/// What numbers of one family stand for, for every connection that reads. No committed number is given twice, so nothing
/// in here can be wrong. Actors are let go of when some were removed.
pub(super) struct Dimensions {
    family: Family,
    pub(super) decisions: Entries<Decision>,
    pub(super) actors: Entries<Principals>,
    pub(super) apps: Entries<App>,
    pub(super) actions: Entries<Action>,
}

/// The entries of one table that were read.
pub(super) struct Entries<T> {
    family: Family,
    of: Dimension,
    known: RwLock<HashMap<i64, Arc<Entry<T>>>>,
}

/// What a number stands for.
pub(super) struct Entry<T> {
    pub(super) value: T,
    pub(super) checksum: u64,
}

impl Dimensions {
    pub(super) fn new(family: Family) -> Self {
        Self {
            family,
            decisions: Entries::new(family, Dimension::Decision),
            actors: Entries::new(family, Dimension::Actor),
            apps: Entries::new(family, Dimension::App),
            actions: Entries::new(family, Dimension::Action),
        }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Lets go of actors, because some were removed.
    pub(super) fn forget_actors(&self) {
        self.actors.known.write().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl<T: DeserializeOwned> Entries<T> {
    fn new(family: Family, of: Dimension) -> Self {
        Self { family, of, known: RwLock::default() }
    }

    /// Returns what a number stands for.
    pub(super) fn get(&self, connection: &Connection, number: i64) -> Result<Arc<Entry<T>>, StoreError> {
        let family = self.family;
        if !family.has_number(number) {
            return Err(corrupt());
        }
        if let Some(entry) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&number) {
            return Ok(Arc::clone(entry));
        }
        let select = format!("SELECT document FROM {}_{} WHERE number = ?1", family.name(), self.of.name());
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query([number])?;
        let row = rows.next()?.ok_or_else(|| damaged(ACTIVITY))?;
        let document = row.get_ref(0)?.as_str().map_err(|_| damaged(ACTIVITY))?;
        let value = from_json(ACTIVITY, document.as_bytes())?;
        let entry = Arc::new(Entry { value, checksum: checksum(family, document) });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(number, Arc::clone(&entry));
        Ok(entry)
    }
}

/// Writes an actor, with the terms by which it is found.
pub(super) fn insert_actor(
    connection: &Connection,
    family: Family,
    number: i64,
    (label, kind, document): (&str, &str, &str),
    terms: &[(&'static str, String)],
) -> Result<(), StoreError> {
    let of = family.name();
    connection
        .prepare_cached(&format!("INSERT INTO {of}_actor (number, label, kind, document) VALUES (?1, ?2, ?3, ?4)"))?
        .execute(params![number, label, kind, document])?;
    let insert = format!("INSERT OR IGNORE INTO {of}_actor_term (field, value, actor) VALUES (?1, ?2, ?3)");
    let mut insert = connection.prepare_cached(&insert)?;
    for (field, value) in terms {
        insert.execute(params![field, value, number])?;
    }
    Ok(())
}
