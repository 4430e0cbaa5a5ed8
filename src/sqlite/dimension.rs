//! What many activities share, each once under a number: decisions, actors, apps and actions.

use std::hash::Hasher;
use std::sync::{Arc, PoisonError};

use hashbrown::HashMap;
use rusqlite::{Connection, OptionalExtension, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::document::{ACTIVITY, corrupt, damaged, from_json};
use super::family::{Family, NUMBER_STEP, add_text};
use super::row::ActorColumns;
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
/// in here can be wrong. Actors are forgotten when some were removed, by this process or another.
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
    known: RwLock<Known<T>>,
}

struct Known<T> {
    /// How often rows had been removed from the family, as far as readers have seen.
    removals: i64,
    entries: HashMap<i64, Arc<Entry<T>>>,
}

impl<T> Known<T> {
    fn see_removals(&mut self, removals: i64) {
        if removals > self.removals {
            *self = Self { removals, entries: HashMap::new() };
        }
    }
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

    /// Forgets actors, because some were removed.
    pub(super) fn forget_actors(&self) {
        self.actors.known.write().unwrap_or_else(PoisonError::into_inner).entries = HashMap::new();
    }

    /// Forgets actors if rows were removed since a reader last saw the family: some may be of them.
    pub(super) fn see_removals(&self, removals: i64) {
        let known = &self.actors.known;
        if removals > known.read().unwrap_or_else(PoisonError::into_inner).removals {
            known.write().unwrap_or_else(PoisonError::into_inner).see_removals(removals);
        }
    }
}

impl<T: DeserializeOwned> Entries<T> {
    fn new(family: Family, of: Dimension) -> Self {
        Self { family, of, known: RwLock::new(Known { removals: 0, entries: HashMap::new() }) }
    }

    /// Returns what a number stands for.
    pub(super) fn get(&self, connection: &Connection, number: i64) -> Result<Arc<Entry<T>>, StoreError> {
        let family = self.family;
        if !family.has_number(number) {
            return Err(corrupt());
        }
        if let Some(entry) = self.known.read().unwrap_or_else(PoisonError::into_inner).entries.get(&number) {
            return Ok(Arc::clone(entry));
        }
        let select = format!("SELECT document FROM {}_{} WHERE number = ?1", family.name(), self.of.name());
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query([number])?;
        let row = rows.next()?.ok_or_else(|| damaged(ACTIVITY))?;
        let document = row.get_ref(0)?.as_str().map_err(|_| damaged(ACTIVITY))?;
        let value = from_json(ACTIVITY, document.as_bytes())?;
        let entry = Arc::new(Entry { value, checksum: checksum(family, document) });
        let removals = removals(connection, family)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.see_removals(removals);
        // An older snapshot may still have what was removed.
        if removals == known.removals {
            if known.entries.len() >= KEPT {
                known.entries.clear();
            }
            known.entries.insert(number, Arc::clone(&entry));
        }
        Ok(entry)
    }
}

/// Returns how often rows were removed from a family.
pub(super) fn removals(connection: &Connection, family: Family) -> Result<i64, StoreError> {
    let removals = format!("SELECT removals FROM {}_state", family.name());
    Ok(connection.prepare_cached(&removals)?.query_row([], |row| row.get(0))?)
}

/// Writes an actor, with the terms by which it is found.
pub(super) fn insert_actor(
    connection: &Connection,
    family: Family,
    number: i64,
    document: &str,
    ActorColumns { label, kind, terms }: &ActorColumns,
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

#[cfg(test)]
impl<T> Entries<T> {
    /// Returns how many are in memory.
    pub(super) fn len(&self) -> usize {
        self.known.read().unwrap_or_else(PoisonError::into_inner).entries.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::super::document::to_json;
    use super::super::schema::SCHEMA;
    use super::*;
    use crate::identity::Alias;

    fn knows(dimensions: &Dimensions, number: i64) -> bool {
        dimensions.actors.known.read().unwrap().entries.contains_key(&number)
    }

    #[test]
    fn g5_actors_erased_by_others_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let other = Connection::open(&path).unwrap();
        other.pragma_update(None, "journal_mode", "WAL").unwrap();
        SCHEMA.migrations.iter().copied().flatten().for_each(|sql| other.execute_batch(sql).unwrap());
        let actor = Actor::user(Alias::new("adele@contoso.com").unwrap());
        let document = to_json(ACTIVITY, BorrowedPrincipals { actor: &actor, on_behalf_of: &[] }).unwrap();
        for number in [1, 3, 5] {
            let document = format!("{document}{}", " ".repeat(number));
            let columns = ActorColumns::of(&document).unwrap();
            insert_actor(&other, Family::Public, number as i64, &document, &columns).unwrap();
        }
        let dimensions = Dimensions::new(Family::Public);
        let reader = Connection::open(&path).unwrap();
        let old = reader.unchecked_transaction().unwrap();
        dimensions.actors.get(&old, 1).unwrap();
        assert!(knows(&dimensions, 1));

        other
            .execute_batch("DELETE FROM public_actor WHERE number < 5; UPDATE public_state SET removals = removals + 1")
            .unwrap();
        dimensions.see_removals(removals(&other, Family::Public).unwrap());
        assert!(!knows(&dimensions, 1));
        // An older snapshot still reads what was erased, and keeps nothing of it.
        dimensions.actors.get(&old, 3).unwrap();
        assert!(!knows(&dimensions, 3));
        drop(old);
        assert!(dimensions.actors.get(&reader, 3).is_err());
        dimensions.actors.get(&reader, 5).unwrap();
        assert!(knows(&dimensions, 5));
        // Without a look at the removals too, once it reads an actor that it does not know.
        other.execute_batch("UPDATE public_state SET removals = removals + 1").unwrap();
        other.execute("INSERT INTO public_actor SELECT 7, label, kind, document || ' ' FROM public_actor", []).unwrap();
        dimensions.actors.get(&reader, 7).unwrap();
        assert!(knows(&dimensions, 7) && !knows(&dimensions, 5));
    }
}
