//! Counts of public activities: whole hours and days of closed partitions from the rollups, the rest from the
//! partitions.

use std::collections::BTreeMap;

use chrono::DateTime;
use rusqlite::Connection;

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::Family;
use super::partition::{DAY, HOUR, floor_of};
use super::row::RowKeys;
use super::selection::Selection;
use super::tail::{Snapshot, Tail};
use crate::query::{CountBy, Counts, Query, Tally};
use crate::store::StoreError;

/// Counts the public rows that match a query. The query's conditions must be
/// [sufficient](crate::query::Conditions::are_sufficient): a row is then matched by its keys alone, without its
/// document.
pub(super) fn count(
    connection: &Connection,
    query: &Query,
    by: Option<CountBy>,
    (tail, snapshot): (&Tail, &Snapshot),
    dimensions: &Dimensions,
) -> Result<Counts, StoreError> {
    let selection = Selection::of(connection, Family::Public, query)?;
    let mut counts = KeyCounts { by, counts: BTreeMap::new() };
    if !selection.is_empty() {
        if by.is_none() && selection.has_no_condition() {
            counts.add(0, snapshot.closed_activities());
        } else {
            counts.add_closed(connection, &selection, snapshot)?;
        }
        tail.each_row(connection, snapshot, |keys| {
            if selection.fits(keys) {
                counts.add(key_of(by, keys), 1);
            }
        })?;
    }
    counts.into_counts(connection, dimensions)
}

/// The number of rows per app, actor, hour or day.
struct KeyCounts {
    by: Option<CountBy>,
    counts: BTreeMap<i64, i64>,
}

/// A table of counts over the closed partitions.
struct Rollup {
    table: &'static str,
    /// The length of the time unit in microseconds.
    unit: i64,
    /// The column of the time, in units since 1970.
    time_column: &'static str,
    /// The column of the number of the app or actor.
    key_column: &'static str,
}

const BY_HOUR: Rollup = Rollup { table: "public_hour", unit: HOUR, time_column: "hour", key_column: "app" };
const BY_DAY: Rollup = Rollup { table: "public_day", unit: DAY, time_column: "day", key_column: "actor" };

fn rollup_for(selection: &Selection, by: Option<CountBy>) -> Option<&'static Rollup> {
    let Selection { actors, apps, actions, .. } = selection;
    if actions.is_some() {
        return None;
    }
    match by {
        Some(CountBy::Actor) => apps.is_none().then_some(&BY_DAY),
        Some(CountBy::App | CountBy::Hour) => actors.is_none().then_some(&BY_HOUR),
        Some(CountBy::Day) | None => match (actors, apps) {
            (None, _) => Some(&BY_HOUR),
            (Some(_), None) => Some(&BY_DAY),
            (Some(_), Some(_)) => None,
        },
    }
}

fn key_of(by: Option<CountBy>, keys: &RowKeys) -> i64 {
    match by {
        None => 0,
        Some(CountBy::Hour) => keys.occurred_at.div_euclid(HOUR),
        Some(CountBy::Day) => keys.occurred_at.div_euclid(DAY),
        Some(CountBy::App) => keys.app,
        Some(CountBy::Actor) => keys.actor,
    }
}

impl KeyCounts {
    fn add(&mut self, key: i64, rows: i64) {
        let count = self.counts.entry(key).or_default();
        *count = count.saturating_add(rows);
    }

    /// Adds the counts of the closed partitions. If a rollup can count the rows of the selection, it counts the whole
    /// units of its time range: `first_unit` is rounded up, `end_unit` down. The rest of the range is counted in the
    /// partitions.
    ///
    /// Units are hours or days, `from` and `until` are microseconds. In both, `i64::MIN` and `i64::MAX` stand for no
    /// limit.
    fn add_closed(
        &mut self,
        connection: &Connection,
        selection: &Selection,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        let Selection { from, until, .. } = *selection;
        let whole_units = |rollup: &Rollup| {
            let unit = rollup.unit;
            let first_unit =
                if from == i64::MIN { i64::MIN } else { from.div_euclid(unit) + i64::from(from.rem_euclid(unit) > 0) };
            let end_unit = if until == i64::MAX { i64::MAX } else { until.div_euclid(unit) };
            (first_unit, end_unit)
        };
        let rollup = rollup_for(selection, self.by).map(|rollup| (rollup, whole_units(rollup)));
        let Some((rollup, (first_unit, end_unit))) = rollup.filter(|(_, (first_unit, end_unit))| first_unit < end_unit)
        else {
            return self.add_range(connection, selection, snapshot, (from, until));
        };
        self.add_rollup(connection, selection, rollup, (first_unit, end_unit), snapshot.closed_activities())?;
        if first_unit != i64::MIN {
            self.add_range(connection, selection, snapshot, (from, first_unit.saturating_mul(rollup.unit)))?;
        }
        if end_unit != i64::MAX {
            self.add_range(connection, selection, snapshot, (end_unit.saturating_mul(rollup.unit), until))?;
        }
        Ok(())
    }

    /// Adds the counts of a rollup from `first_unit` to before `end_unit`. More activities than `closed_activities`,
    /// the number in closed partitions, mean that the file is damaged.
    fn add_rollup(
        &mut self,
        connection: &Connection,
        selection: &Selection,
        rollup: &Rollup,
        (first_unit, end_unit): (i64, i64),
        closed_activities: i64,
    ) -> Result<(), StoreError> {
        let Rollup { table, time_column, key_column, unit } = *rollup;
        let by = self.by;
        let key_of_entry = |time: i64, number: i64| match by {
            None => 0,
            Some(CountBy::Hour) => time,
            Some(CountBy::Day) => time.div_euclid(DAY / unit),
            Some(CountBy::App | CountBy::Actor) => number,
        };
        let values = if key_column == "app" { &selection.apps } else { &selection.actors };
        let condition =
            values.as_ref().map_or_else(String::new, |values| format!(" AND {key_column} IN ({})", list(values)));
        let select = format!(
            "SELECT {time_column}, {key_column}, activities FROM {table}
             WHERE {time_column} >= ?1 AND {time_column} < ?2{condition}"
        );
        // Summed here and not with `GROUP BY`, for which SQLite would sort the rows. Consecutive rows of one key are
        // added together.
        let mut counted = 0_i64;
        let mut current: Option<(i64, i64)> = None;
        for_each_row(connection, &select, (first_unit, end_unit), |[time, number, activities]| {
            counted = counted.saturating_add(activities);
            if !Family::Public.has_number(number) || activities < 0 || counted > closed_activities {
                return Err(corrupt());
            }
            let key = key_of_entry(time, number);
            match &mut current {
                Some((current_key, current_count)) if *current_key == key => {
                    *current_count = current_count.saturating_add(activities);
                }
                _ => {
                    if let Some((previous_key, count)) = current.replace((key, activities)) {
                        self.add(previous_key, count);
                    }
                }
            }
            Ok(())
        })?;
        if let Some((key, count)) = current {
            self.add(key, count);
        }
        Ok(())
    }

    /// Adds the counts of rows of closed partitions in a time range.
    fn add_range(
        &mut self,
        connection: &Connection,
        selection: &Selection,
        snapshot: &Snapshot,
        (from, until): (i64, i64),
    ) -> Result<(), StoreError> {
        if from >= until {
            return Ok(());
        }
        let by = match self.by {
            None => "0".to_owned(),
            Some(CountBy::Hour) => floor_of("occurred_at", HOUR),
            Some(CountBy::Day) => floor_of("occurred_at", DAY),
            Some(CountBy::App) => "app".to_owned(),
            Some(CountBy::Actor) => "actor".to_owned(),
        };
        let keys = [("actor", &selection.actors), ("app", &selection.apps), ("action", &selection.actions)];
        let conditions: Vec<String> = keys
            .into_iter()
            .filter_map(|(key, values)| Some(format!(" AND {key} IN ({})", list(values.as_ref()?))))
            .collect();
        let conditions = conditions.concat();
        for partition in snapshot.closed() {
            if partition.latest < from || partition.earliest >= until {
                continue;
            }
            let select = format!(
                "SELECT {by}, count(*), min(sequence) >= {} AND max(sequence) <= {} FROM {}
                 WHERE occurred_at >= ?1 AND occurred_at < ?2{conditions} GROUP BY 1",
                partition.first_sequence,
                partition.last_sequence,
                partition.table()
            );
            let mut counted = 0_i64;
            for_each_row(connection, &select, (from, until), |[key, activities, is_in_range]| {
                counted = counted.saturating_add(activities);
                // A row outside the range of its partition is damage.
                if is_in_range != 1 || counted > partition.activities {
                    return Err(corrupt());
                }
                self.add(key, activities);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn into_counts(self, connection: &Connection, dimensions: &Dimensions) -> Result<Counts, StoreError> {
        let mut tally = Tally::new(self.by);
        // A key without activities is not listed.
        for (key, activities) in self.counts.into_iter().filter(|(_, activities)| *activities > 0) {
            let text = match self.by {
                None => String::new(),
                Some(by @ (CountBy::Hour | CountBy::Day)) => {
                    let unit = if by == CountBy::Hour { HOUR } else { DAY };
                    let begin = key.checked_mul(unit).and_then(DateTime::from_timestamp_micros).ok_or_else(corrupt)?;
                    by.key_of_time(begin)
                }
                Some(CountBy::App) => dimensions.apps.get(connection, key)?.value.name().as_str().to_owned(),
                Some(CountBy::Actor) => {
                    if !Family::Public.has_number(key) {
                        return Err(corrupt());
                    }
                    let label = "SELECT label FROM public_actor WHERE number = ?1";
                    connection.prepare_cached(label)?.query_row([key], |row| row.get(0))?
                }
            };
            tally.add_key(&text, activities.unsigned_abs());
        }
        Ok(tally.into_counts(true))
    }
}

/// Calls `visit` with each row of three numbers.
fn for_each_row(
    connection: &Connection,
    select: &str,
    (from, until): (i64, i64),
    mut visit: impl FnMut([i64; 3]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    // Not cached, because the text contains the values of the query.
    let mut statement = connection.prepare(select)?;
    let mut rows = statement.query([from, until])?;
    while let Some(row) = rows.next()? {
        visit([row.get(0)?, row.get(1)?, row.get(2)?])?;
    }
    Ok(())
}

fn list(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}
