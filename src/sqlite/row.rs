//! The conversion between an activity and its row.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::DateTime;
use hashbrown::HashMap;
use rusqlite::{CachedStatement, Connection, Row, params};
use serde::Serialize;

use super::dimension::{Dimension, Dimensions, NumberCache, Principals, PrincipalsRef, insert_actor};
use super::document::{ACTIVITY, corrupt, damaged, from_json, to_json};
use super::family::{Family, add_text};
use super::ids::{IdHash, IdKey};
use super::partition::table_of;
use crate::activity::{Action, Activity, ActivityBuilder, ActorKind, App, is_same_details};
use crate::engine::Decision;
use crate::query::{CountBy, TermField};
use crate::store::{StoreError, StoredActivity};

/// The columns that [`read`] expects, in this order.
pub(super) const COLUMNS: &str =
    "sequence, id, occurred_at, decided_at, decision, actor, app, action, objects, details, checksum";

/// An activity converted to its columns before the write transaction begins.
pub(super) struct NewRow {
    pub(super) family: Family,
    pub(super) hash: IdHash,
    pub(super) id: String,
    pub(super) occurred_at: i64,
    pub(super) decided_at: i64,
    decision: Arc<str>,
    principals: String,
    app: Arc<str>,
    action: Arc<str>,
    objects: Option<String>,
    details: Option<String>,
}

/// Converts a batch of activities to rows. It serializes values that several activities share only once.
pub(super) struct RowMaker<'a> {
    key: IdKey,
    decisions: Vec<(&'a Decision, Arc<str>)>,
    apps: HashMap<&'a App, Arc<str>>,
    actions: HashMap<&'a str, Arc<str>>,
}

impl<'a> RowMaker<'a> {
    pub(super) fn new(key: IdKey) -> Self {
        Self { key, decisions: Vec::new(), apps: HashMap::new(), actions: HashMap::new() }
    }

    pub(super) fn make(&mut self, activity: &'a Activity, decision: &'a Decision) -> Result<NewRow, StoreError> {
        let principals = PrincipalsRef { actor: activity.actor(), on_behalf_of: activity.on_behalf_of() };
        let objects: Vec<&str> = activity.objects().collect();
        Ok(NewRow {
            family: Family::of(decision.visibility()),
            hash: self.key.hash(activity.id().as_str()),
            id: activity.id().as_str().to_owned(),
            occurred_at: activity.occurred_at().timestamp_micros(),
            decided_at: decision.decided_at().timestamp_micros(),
            decision: self.decision(decision)?,
            principals: to_json(ACTIVITY, principals)?,
            app: shared(&mut self.apps, activity.app(), activity.app())?,
            action: shared(&mut self.actions, activity.action().as_str(), activity.action())?,
            objects: match &*objects {
                [] => None,
                objects => Some(serde_json::to_string(objects).map_err(|_| damaged(ACTIVITY))?),
            },
            details: activity.details().map(str::to_owned),
        })
    }

    fn decision(&mut self, decision: &'a Decision) -> Result<Arc<str>, StoreError> {
        /// The maximum number of decisions that are compared.
        const MAX_DECISIONS: usize = 32;
        if let Some((_, document)) = self.decisions.iter().find(|(known, _)| known.differs_in_time_only(decision)) {
            return Ok(Arc::clone(document));
        }
        let document: Arc<str> = to_json(ACTIVITY, decision.clone().with_decided_at(DateTime::UNIX_EPOCH))?.into();
        if self.decisions.len() == MAX_DECISIONS {
            self.decisions.clear();
        }
        self.decisions.push((decision, Arc::clone(&document)));
        Ok(document)
    }
}

fn shared<K: Eq + Hash, T: Serialize>(
    known: &mut HashMap<K, Arc<str>>,
    key: K,
    value: T,
) -> Result<Arc<str>, StoreError> {
    if let Some(document) = known.get(&key) {
        return Ok(Arc::clone(document));
    }
    let document: Arc<str> = to_json(ACTIVITY, value)?.into();
    known.insert(key, Arc::clone(&document));
    Ok(document)
}

impl NewRow {
    /// Returns whether a stored activity is the same activity.
    pub(super) fn is_same_activity(&self, key: IdKey, stored: &StoredActivity) -> Result<bool, StoreError> {
        let other = RowMaker::new(key).make(stored.activity(), stored.decision())?;
        Ok(self.id == other.id
            && self.occurred_at == other.occurred_at
            && self.principals == other.principals
            && self.app == other.app
            && self.action == other.action
            && self.objects == other.objects
            && match (&self.details, &other.details) {
                (Some(details), Some(other)) => is_same_details(details, other),
                (details, other) => details == other,
            })
    }
}

/// Writes rows of one family.
pub(super) struct RowWriter<'a> {
    connection: &'a Connection,
    family: Family,
    insert: CachedStatement<'a>,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(connection: &'a Connection, family: Family, table: &str) -> Result<Self, StoreError> {
        let insert = format!("INSERT INTO {table} ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
        Ok(Self { connection, family, insert: connection.prepare_cached(&insert)? })
    }

    pub(super) fn write(&mut self, numbers: &mut NumberCache, sequence: i64, row: &NewRow) -> Result<(), StoreError> {
        let Self { connection, family, insert } = self;
        let (connection, family, of) = (*connection, *family, family.name());
        let NewRow { id, occurred_at, decided_at, decision, principals, app, action, objects, details, .. } = row;
        let decision = numbers.of(connection, (family, Dimension::Decision), decision, |number| {
            let insert = format!("INSERT INTO {of}_decision (number, document) VALUES (?1, ?2)");
            connection.prepare_cached(&insert)?.execute(params![number, &**decision])?;
            Ok(())
        })?;
        let actor = numbers.of(connection, (family, Dimension::Actor), principals, |number| {
            insert_actor(connection, family, number, principals, &ActorColumns::of(principals)?)
        })?;
        let app = numbers.of(connection, (family, Dimension::App), app, |number| {
            let insert = format!("INSERT INTO {of}_app (number, name, suite, document) VALUES (?1, ?2, ?3, ?4)");
            let (name, suite) = app_columns(app)?;
            connection.prepare_cached(&insert)?.execute(params![number, name, suite, &**app])?;
            Ok(())
        })?;
        let action = numbers.of(connection, (family, Dimension::Action), action, |number| {
            let insert = format!("INSERT INTO {of}_action (number, name, document) VALUES (?1, ?2, ?3)");
            connection.prepare_cached(&insert)?.execute(params![number, action_name(action)?, &**action])?;
            Ok(())
        })?;
        let checksum = checksum(
            family,
            [sequence, *occurred_at, *decided_at],
            [decision.checksum, actor.checksum, app.checksum, action.checksum],
            [Some(id), objects.as_deref(), details.as_deref()],
        );
        insert.execute(params![
            sequence,
            id,
            occurred_at,
            decided_at,
            decision.number,
            actor.number,
            app.number,
            action.number,
            objects,
            details,
            checksum,
        ])?;
        Ok(())
    }
}

/// The columns and terms of an actor that are derived from its document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ActorColumns {
    pub(super) label: String,
    pub(super) kind: String,
    /// The fields and values that find the actor.
    pub(super) terms: BTreeSet<(String, String)>,
}

impl ActorColumns {
    pub(super) fn of(document: &str) -> Result<Self, StoreError> {
        let Principals { actor, on_behalf_of } = from_json(ACTIVITY, document.as_bytes())?;
        let kind = match actor.kind() {
            ActorKind::User => "user",
            ActorKind::Application => "application",
            ActorKind::System => "system",
            ActorKind::Unknown => "unknown",
        };
        // Label and terms are computed from an activity. Only its principals affect them.
        let of_any = |_| damaged(ACTIVITY);
        let (id, app) = ("any".parse().map_err(of_any)?, App::new("any".parse().map_err(of_any)?));
        let builder = Activity::builder(id, actor, app, "any".parse().map_err(of_any)?, DateTime::UNIX_EPOCH);
        let builder = on_behalf_of.into_iter().fold(builder, ActivityBuilder::on_behalf_of);
        let activity = builder.build().map_err(|_| damaged(ACTIVITY))?;
        let terms = activity.index_terms();
        let terms = terms.filter_map(|term| Some((actor_field(term.field())?.to_owned(), term.value().to_owned())));
        Ok(Self { label: CountBy::Actor.key(&activity), kind: kind.to_owned(), terms: terms.collect() })
    }
}

/// Returns the name and suite of an app from its document.
pub(super) fn app_columns(document: &str) -> Result<(String, Option<String>), StoreError> {
    let app: App = from_json(ACTIVITY, document.as_bytes())?;
    Ok((app.name().as_str().to_owned(), app.suite().map(|suite| suite.as_str().to_owned())))
}

/// Returns the name of an action from its document.
pub(super) fn action_name(document: &str) -> Result<String, StoreError> {
    let action: Action = from_json(ACTIVITY, document.as_bytes())?;
    Ok(action.as_str().to_owned())
}

/// Returns the name in the file of a term field that finds actors.
pub(super) fn actor_field(field: TermField) -> Option<&'static str> {
    match field {
        TermField::ActorId => Some("id"),
        TermField::ActorName => Some("name"),
        _ => None,
    }
}

fn checksum(family: Family, numbers: [i64; 3], shared: [u64; 4], texts: [Option<&str>; 3]) -> i64 {
    let mut hasher = family.checksum();
    numbers.iter().for_each(|number| hasher.write(&number.to_le_bytes()));
    shared.iter().for_each(|checksum| hasher.write(&checksum.to_le_bytes()));
    texts.iter().for_each(|text| add_text(&mut hasher, *text));
    hasher.finish().cast_signed()
}

/// The indexed columns of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowKeys {
    pub(super) occurred_at: i64,
    pub(super) actor: i64,
    pub(super) app: i64,
    pub(super) action: i64,
}

/// Reads a row that begins with [`COLUMNS`]. Fails if the row is not as it was written, or belongs to the other family.
pub(super) fn read(
    connection: &Connection,
    dimensions: &Dimensions,
    row: &Row<'_>,
) -> Result<StoredActivity, StoreError> {
    let family = dimensions.family();
    let unreadable = |_| damaged(ACTIVITY);
    let number = |column| row.get_ref(column)?.as_i64().map_err(rusqlite::Error::from);
    let (sequence, occurred_at, decided_at) = (number(0)?, number(2)?, number(3)?);
    let shared @ [decision, actor, app, action] = [number(4)?, number(5)?, number(6)?, number(7)?];
    if !shared.into_iter().all(|number| family.has_number(number)) {
        return Err(corrupt());
    }
    let decision = dimensions.decisions.get(connection, decision)?;
    let actor = dimensions.actors.get(connection, actor)?;
    let app = dimensions.apps.get(connection, app)?;
    let action = dimensions.actions.get(connection, action)?;
    let id = row.get_ref(1)?.as_str().map_err(unreadable)?;
    let objects = row.get_ref(8)?.as_str_or_null().map_err(unreadable)?;
    let details = row.get_ref(9)?.as_str_or_null().map_err(unreadable)?;
    let expected = checksum(
        family,
        [sequence, occurred_at, decided_at],
        [decision.checksum, actor.checksum, app.checksum, action.checksum],
        [Some(id), objects, details],
    );
    if number(10)? != expected {
        return Err(damaged(ACTIVITY));
    }
    let time = |micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| damaged(ACTIVITY));
    let id = id.parse().map_err(|_| damaged(ACTIVITY))?;
    let principals = &actor.value;
    let mut builder =
        Activity::builder(id, principals.actor.clone(), app.value.clone(), action.value.clone(), time(occurred_at)?);
    for principal in &principals.on_behalf_of {
        builder = builder.on_behalf_of(principal.clone());
    }
    if let Some(objects) = objects {
        for object in serde_json::from_str::<Vec<String>>(objects).map_err(|_| damaged(ACTIVITY))? {
            builder = builder.object(object);
        }
    }
    if let Some(details) = details {
        builder = builder.details(details);
    }
    let activity = builder.build().map_err(|_| damaged(ACTIVITY))?;
    let decision = decision.value.clone().with_decided_at(time(decided_at)?);
    if Family::of(decision.visibility()) != family {
        return Err(corrupt());
    }
    Ok(StoredActivity::assertion(activity, decision))
}

/// Returns the activity with a sequence in a table.
pub(super) fn by_sequence(
    connection: &Connection,
    dimensions: &Dimensions,
    table: &str,
    sequence: i64,
) -> Result<Option<StoredActivity>, StoreError> {
    let select = format!("SELECT {COLUMNS} FROM {table} WHERE sequence = ?1");
    let mut statement = connection.prepare_cached(&select)?;
    let mut rows = statement.query([sequence])?;
    rows.next()?.map(|row| read(connection, dimensions, row)).transpose()
}

/// Returns the activity with a sequence, in any table of its family, or `None` if it was removed.
pub(super) fn stored(
    connection: &Connection,
    dimensions: &Dimensions,
    sequence: i64,
) -> Result<Option<StoredActivity>, StoreError> {
    match table_of(connection, dimensions.family(), sequence)? {
        Some(table) => by_sequence(connection, dimensions, &table, sequence),
        None => Ok(None),
    }
}
