//! Values that many activities share, each stored once under a number: decisions, actors, apps and actions.

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

/// The principals of an activity.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Principals {
    pub(super) actor: Actor,
    #[serde(default)]
    pub(super) on_behalf_of: Vec<Actor>,
}

/// The serialized form of [`Principals`], with borrowed values.
#[derive(Serialize)]
pub(super) struct PrincipalsRef<'a> {
    pub(super) actor: &'a Actor,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(super) on_behalf_of: &'a [Actor],
}

/// The table of a number.
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

/// The maximum number of cached entries per table.
const MAX_CACHED: usize = 65_536;

/// A cache of the numbers of recently written values, for the writing connection.
#[derive(Default)]
pub(super) struct NumberCache {
    cached: HashMap<Dimension, HashMap<String, NumberedValue>>,
}

/// A number, and the checksum of its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberedValue {
    pub(super) number: i64,
    pub(super) checksum: u64,
}

impl NumberCache {
    /// Clears the cache, because values may have been removed.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Returns the number of a document. A new document gets the next number, and `insert` writes its row.
    pub(super) fn of(
        &mut self,
        connection: &Connection,
        (family, dimension): (Family, Dimension),
        document: &str,
        insert: impl FnOnce(i64) -> Result<(), StoreError>,
    ) -> Result<NumberedValue, StoreError> {
        let cached = self.cached.entry(dimension).or_default();
        if let Some(numbered) = cached.get(document) {
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
        let numbered = NumberedValue { number, checksum: checksum(family, document) };
        if cached.len() >= MAX_CACHED {
            cached.clear();
        }
        cached.insert(document.to_owned(), numbered);
        Ok(numbered)
    }
}

/// Allocates the next number of a family.
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

/// A cache of the values of one family, shared by all reading connections. No committed number is used twice, so a
/// cached value is never wrong. Actors are cleared after removals by any process.
pub(super) struct Dimensions {
    family: Family,
    pub(super) decisions: DimensionTable<Decision>,
    pub(super) actors: DimensionTable<Principals>,
    pub(super) apps: DimensionTable<App>,
    pub(super) actions: DimensionTable<Action>,
}

/// The cached values of one table.
pub(super) struct DimensionTable<T> {
    family: Family,
    of: Dimension,
    cached: RwLock<CachedValues<T>>,
}

struct CachedValues<T> {
    /// The number of removals in the family, as of the newest snapshot that a reader had.
    removals: i64,
    entries: HashMap<i64, Arc<DimensionValue<T>>>,
}

impl<T> CachedValues<T> {
    fn observe_removals(&mut self, removals: i64) {
        if removals > self.removals {
            *self = Self { removals, entries: HashMap::new() };
        }
    }
}

/// The value of a number.
pub(super) struct DimensionValue<T> {
    pub(super) value: T,
    pub(super) checksum: u64,
}

impl Dimensions {
    pub(super) fn new(family: Family) -> Self {
        Self {
            family,
            decisions: DimensionTable::new(family, Dimension::Decision),
            actors: DimensionTable::new(family, Dimension::Actor),
            apps: DimensionTable::new(family, Dimension::App),
            actions: DimensionTable::new(family, Dimension::Action),
        }
    }

    pub(super) fn family(&self) -> Family {
        self.family
    }

    /// Clears the actors, because some were removed.
    pub(super) fn clear_actors(&self) {
        self.actors.cached.write().unwrap_or_else(PoisonError::into_inner).entries = HashMap::new();
    }

    /// Clears the actors if rows were removed since the newest snapshot so far.
    pub(super) fn observe_removals(&self, removals: i64) {
        let cached = &self.actors.cached;
        if removals > cached.read().unwrap_or_else(PoisonError::into_inner).removals {
            cached.write().unwrap_or_else(PoisonError::into_inner).observe_removals(removals);
        }
    }
}

impl<T: DeserializeOwned> DimensionTable<T> {
    fn new(family: Family, of: Dimension) -> Self {
        Self { family, of, cached: RwLock::new(CachedValues { removals: 0, entries: HashMap::new() }) }
    }

    /// Returns the value of a number.
    pub(super) fn get(&self, connection: &Connection, number: i64) -> Result<Arc<DimensionValue<T>>, StoreError> {
        let family = self.family;
        if !family.has_number(number) {
            return Err(corrupt());
        }
        if let Some(entry) = self.cached.read().unwrap_or_else(PoisonError::into_inner).entries.get(&number) {
            return Ok(Arc::clone(entry));
        }
        let select = format!("SELECT document FROM {}_{} WHERE number = ?1", family.name(), self.of.name());
        let mut statement = connection.prepare_cached(&select)?;
        let mut rows = statement.query([number])?;
        let row = rows.next()?.ok_or_else(|| damaged(ACTIVITY))?;
        let document = row.get_ref(0)?.as_str().map_err(|_| damaged(ACTIVITY))?;
        let value = from_json(ACTIVITY, document.as_bytes())?;
        let entry = Arc::new(DimensionValue { value, checksum: checksum(family, document) });
        let removals = removals(connection, family)?;
        let mut cached = self.cached.write().unwrap_or_else(PoisonError::into_inner);
        cached.observe_removals(removals);
        // A value from an older snapshot may have been removed since.
        if removals == cached.removals {
            if cached.entries.len() >= MAX_CACHED {
                cached.entries.clear();
            }
            cached.entries.insert(number, Arc::clone(&entry));
        }
        Ok(entry)
    }
}

/// Returns the number of removals in a family.
pub(super) fn removals(connection: &Connection, family: Family) -> Result<i64, StoreError> {
    let removals = format!("SELECT removals FROM {}_state", family.name());
    Ok(connection.prepare_cached(&removals)?.query_row([], |row| row.get(0))?)
}

/// Inserts an actor and its terms.
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
impl<T> DimensionTable<T> {
    /// Returns the number of cached values.
    pub(super) fn len(&self) -> usize {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).entries.len()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::super::document::to_json;
    use super::super::schema::SCHEMA;
    use super::*;
    use crate::identity::Alias;

    fn is_cached(dimensions: &Dimensions, number: i64) -> bool {
        dimensions.actors.cached.read().unwrap().entries.contains_key(&number)
    }

    #[test]
    fn g5_actors_erased_elsewhere_leave_the_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.db");
        let other = Connection::open(&path).unwrap();
        other.pragma_update(None, "journal_mode", "WAL").unwrap();
        SCHEMA.migrations.iter().copied().flatten().for_each(|sql| other.execute_batch(sql).unwrap());
        let actor = Actor::user(Alias::new("adele@contoso.com").unwrap());
        let document = to_json(ACTIVITY, PrincipalsRef { actor: &actor, on_behalf_of: &[] }).unwrap();
        for number in [1, 3, 5] {
            let document = format!("{document}{}", " ".repeat(number));
            let columns = ActorColumns::of(&document).unwrap();
            insert_actor(&other, Family::Public, number as i64, &document, &columns).unwrap();
        }
        let dimensions = Dimensions::new(Family::Public);
        let reader = Connection::open(&path).unwrap();
        let old = reader.unchecked_transaction().unwrap();
        dimensions.actors.get(&old, 1).unwrap();
        assert!(is_cached(&dimensions, 1));

        other
            .execute_batch("DELETE FROM public_actor WHERE number < 5; UPDATE public_state SET removals = removals + 1")
            .unwrap();
        dimensions.observe_removals(removals(&other, Family::Public).unwrap());
        assert!(!is_cached(&dimensions, 1));
        // An older snapshot still reads an erased actor, which is not cached.
        dimensions.actors.get(&old, 3).unwrap();
        assert!(!is_cached(&dimensions, 3));
        drop(old);
        assert!(dimensions.actors.get(&reader, 3).is_err());
        dimensions.actors.get(&reader, 5).unwrap();
        assert!(is_cached(&dimensions, 5));
        // Reading an uncached actor also detects removals.
        other.execute_batch("UPDATE public_state SET removals = removals + 1").unwrap();
        other.execute("INSERT INTO public_actor SELECT 7, label, kind, document || ' ' FROM public_actor", []).unwrap();
        dimensions.actors.get(&reader, 7).unwrap();
        assert!(is_cached(&dimensions, 7) && !is_cached(&dimensions, 5));
    }
}
