//! The conditions of a query on the keys of a row.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::family::Family;
use super::row::{RowKeys, actor_field};
use crate::query::{IndexTerm, Query, TermField};
use crate::store::StoreError;

/// The rows of one family that can match a query, by their keys. [`Query::matches`] decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selection {
    /// The time range in microseconds: `from` is inclusive, `until` exclusive.
    pub(super) from: i64,
    pub(super) until: i64,
    /// The accepted numbers in ascending order, or `None` if every number is accepted.
    pub(super) actors: Option<Vec<i64>>,
    pub(super) apps: Option<Vec<i64>>,
    pub(super) actions: Option<Vec<i64>>,
}

impl Selection {
    pub(super) fn of(connection: &Connection, family: Family, query: &Query) -> Result<Self, StoreError> {
        let conditions = query.conditions();
        let mut selection = Self {
            from: conditions.from.map_or(i64::MIN, micros_up),
            until: conditions.until.map_or(i64::MAX, micros_up),
            actors: None,
            apps: None,
            actions: None,
        };
        for terms in &conditions.any_of {
            let numbers = numbers_of(connection, family, terms)?;
            let accepted = match terms.last().map(IndexTerm::field) {
                Some(TermField::ActorId | TermField::ActorName) => &mut selection.actors,
                Some(TermField::App | TermField::Suite) => &mut selection.apps,
                _ => &mut selection.actions,
            };
            // Conditions on app and suite must both hold.
            *accepted = Some(match accepted.take() {
                Some(before) => before.into_iter().filter(|number| numbers.binary_search(number).is_ok()).collect(),
                None => numbers,
            });
        }
        Ok(selection)
    }

    /// Returns whether no row can match.
    pub(super) fn is_empty(&self) -> bool {
        let is_none = |numbers: &Option<Vec<i64>>| numbers.as_ref().is_some_and(Vec::is_empty);
        is_none(&self.actors) || is_none(&self.apps) || is_none(&self.actions) || self.from >= self.until
    }

    /// Returns whether every row matches.
    pub(super) fn has_no_condition(&self) -> bool {
        let Self { from, until, actors, apps, actions } = self;
        (*from, *until) == (i64::MIN, i64::MAX) && actors.is_none() && apps.is_none() && actions.is_none()
    }

    /// Returns whether a row matches.
    pub(super) fn fits(&self, keys: &RowKeys) -> bool {
        let has = |numbers: &Option<Vec<i64>>, number| {
            numbers.as_ref().is_none_or(|numbers| numbers.binary_search(&number).is_ok())
        };
        (self.from..self.until).contains(&keys.occurred_at)
            && has(&self.actors, keys.actor)
            && has(&self.apps, keys.app)
            && has(&self.actions, keys.action)
    }
}

/// Returns the numbers that have at least one of these terms, in ascending order. The field of the terms determines
/// whether they are numbers of actors, apps or actions.
pub(super) fn numbers_of(
    connection: &Connection,
    family: Family,
    terms: &[IndexTerm<'_>],
) -> Result<Vec<i64>, StoreError> {
    let of = family.name();
    let mut numbers = BTreeSet::new();
    for term in terms {
        let select = match (actor_field(term.field()), term.field()) {
            (Some(field), _) => format!("SELECT actor FROM {of}_actor_term WHERE field = '{field}' AND value = ?1"),
            (None, TermField::App) => format!("SELECT number FROM {of}_app WHERE name = ?1"),
            (None, TermField::Suite) => format!("SELECT number FROM {of}_app WHERE suite = ?1"),
            (None, _) => format!("SELECT number FROM {of}_action WHERE name = ?1"),
        };
        let mut statement = connection.prepare_cached(&select)?;
        for number in statement.query_map([term.value()], |row| row.get(0))? {
            numbers.insert(number?);
        }
    }
    Ok(numbers.into_iter().collect())
}

/// Returns a time in microseconds, rounded up.
fn micros_up(time: DateTime<Utc>) -> i64 {
    time.timestamp_micros().saturating_add(i64::from(!time.timestamp_subsec_nanos().is_multiple_of(1_000)))
}
