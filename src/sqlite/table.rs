//! The two tables of activities: how they are made, written and read.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use super::document::{ACTIVITY, damaged, document, from_json, to_json};
use crate::activity::Activity;
use crate::query::{Position, Query};
use crate::screen::{Stamped, Visibility};
use crate::store::{Appended, StoreError};
use crate::stored::StoredActivity;

/// The two tables are alike. `sequence` counts the rows of one table alone, so that a forwarder's place among the
/// public activities tells nothing of the others; AUTOINCREMENT keeps a number from being given twice when the newest
/// rows are deleted.
macro_rules! activity_table {
    ($table:literal, $newest:literal) => {
        concat!(
            "CREATE TABLE ",
            $table,
            " (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT,
                id TEXT NOT NULL UNIQUE,
                occurred_at INTEGER NOT NULL,
                app TEXT NOT NULL,
                suite TEXT,
                action TEXT NOT NULL,
                activity TEXT NOT NULL,
                stamp TEXT NOT NULL
            ) STRICT;
            CREATE INDEX ",
            $newest,
            " ON ",
            $table,
            " (occurred_at DESC, id DESC);"
        )
    };
}

/// One of the two tables, with the index that pages go by.
#[derive(Clone, Copy)]
pub(super) struct Table {
    /// What makes it.
    pub(super) create: &'static str,
    name: &'static str,
    newest: &'static str,
}

pub(super) const PUBLIC: Table = Table {
    create: activity_table!("public_activity", "public_newest"),
    name: "public_activity",
    newest: "public_newest",
};
pub(super) const PRIVATE: Table = Table {
    create: activity_table!("private_activity", "private_newest"),
    name: "private_activity",
    newest: "private_newest",
};

impl Table {
    fn of(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => PUBLIC,
            Visibility::Private => PRIVATE,
        }
    }
}

/// Whether whoever reads wants more.
#[derive(PartialEq, Eq)]
pub(super) enum Flow {
    On,
    Enough,
}

/// Stores one activity, unless its id is in either table.
pub(super) fn append_one(transaction: &Transaction<'_>, stamped: &Stamped<'_>) -> Result<Appended, StoreError> {
    let activity = stamped.activity();
    for table in [PUBLIC, PRIVATE] {
        let first: Option<Vec<u8>> = transaction
            .prepare_cached(&format!("SELECT activity FROM {} WHERE id = ?1", table.name))?
            .query_row([activity.id().as_str()], document)
            .optional()?;
        if let Some(first) = first {
            let first: Activity = from_json(ACTIVITY, &first)?;
            return Ok(if first == *activity { Appended::Duplicate } else { Appended::Conflict });
        }
    }
    let table = Table::of(stamped.stamp().visibility());
    transaction
        .prepare_cached(&format!(
            "INSERT INTO {} (id, occurred_at, app, suite, action, activity, stamp) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            table.name
        ))?
        .execute(params![
            activity.id().as_str(),
            activity.occurred_at().timestamp_micros(),
            activity.app().name().as_str(),
            activity.app().suite().map(|suite| suite.as_str()),
            activity.action().as_str(),
            to_json(ACTIVITY, activity)?,
            to_json(ACTIVITY, stamped.stamp())?,
        ])?;
    Ok(Appended::Stored)
}

/// Hands every activity of some tables that matches to `take`, newest first, until it has enough.
pub(super) fn each(
    connection: &Connection,
    tables: &[Table],
    query: &Query,
    after: Option<&Position>,
    mut take: impl FnMut(StoredActivity) -> Flow,
) -> Result<(), StoreError> {
    let Narrowed { conditions, values } = Narrowed::by(query, after);
    let conditions = conditions.join(" AND ");
    let selects: Vec<String> = tables
        .iter()
        .map(|Table { name, newest, .. }| {
            // The index is named, because the planner has picked others that read far more than a page.
            format!("SELECT activity, stamp, occurred_at, id FROM {name} INDEXED BY {newest} WHERE {conditions}")
        })
        .collect();
    let select = format!("{} ORDER BY occurred_at DESC, id DESC", selects.join(" UNION ALL "));
    let mut statement = connection.prepare_cached(&select)?;
    let values: Vec<(&str, &dyn ToSql)> = values.iter().map(|(name, value)| (*name, value as &dyn ToSql)).collect();
    let mut rows = statement.query(&*values)?;
    while let Some(row) = rows.next()? {
        let stored = stored(row)?;
        if query.matches(stored.activity(), stored.stamp()) && take(stored) == Flow::Enough {
            break;
        }
    }
    Ok(())
}

/// The part of a query that SQLite itself can leave out by. [`Query::matches`] has the last word, so this may let
/// through too much, never too little.
struct Narrowed {
    conditions: Vec<&'static str>,
    values: Vec<(&'static str, Value)>,
}

impl Narrowed {
    fn by(query: &Query, after: Option<&Position>) -> Self {
        let mut narrowed = Self { conditions: vec!["TRUE"], values: Vec::new() };
        if let Some(after) = after {
            narrowed.add("(occurred_at, id) < (:after, :after_id)", ":after", after.occurred_at().timestamp_micros());
            narrowed.values.push((":after_id", after.id().as_str().to_owned().into()));
        }
        if let Some(since) = query.time_from() {
            narrowed.add("occurred_at >= :since", ":since", since.timestamp_micros());
        }
        if let Some(until) = query.time_until() {
            // Not `<`, because the bound may be finer than a microsecond.
            narrowed.add("occurred_at <= :until", ":until", until.timestamp_micros());
        }
        if let Some(app) = query.app() {
            narrowed.add("app = :app", ":app", app.as_str().to_owned());
        }
        if let Some(suite) = query.suite() {
            narrowed.add("suite = :suite", ":suite", suite.as_str().to_owned());
        }
        if let Some(action) = query.action() {
            narrowed.add("action = :action", ":action", action.as_str().to_owned());
        }
        narrowed
    }

    fn add(&mut self, condition: &'static str, name: &'static str, value: impl Into<Value>) {
        self.conditions.push(condition);
        self.values.push((name, value.into()));
    }
}

/// What a row that begins with an activity and its stamp holds.
pub(super) fn stored(row: &Row<'_>) -> Result<StoredActivity, StoreError> {
    let text = |column| row.get_ref(column)?.as_bytes().map_err(|_| damaged(ACTIVITY));
    Ok(StoredActivity::assertion(from_json(ACTIVITY, text(0)?)?, from_json(ACTIVITY, text(1)?)?))
}
