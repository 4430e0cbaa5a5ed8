//! Whether everything in a file of activities is as it was written, beyond what SQLite itself can tell.

use rusqlite::Connection;

use super::dimension::Dimensions;
use super::document::corrupt;
use super::family::{Family, PRIVATE};
use super::ids::{IdKey, find_in_index, indexed_up_to};
use super::partition::Partition;
use super::row::{self, COLUMNS};
use crate::store::StoreError;

/// Reads every row, and looks its id up in the index.
pub(super) fn check(connection: &Connection, key: &IdKey, dimensions: [&Dimensions; 2]) -> Result<(), StoreError> {
    let mut closed = 0;
    for dimensions in dimensions {
        let family = dimensions.family();
        match family {
            Family::Private => {
                check_table(connection, key, dimensions, PRIVATE)?;
            }
            Family::Public => {
                for partition in Partition::all(connection)? {
                    let activities = check_table(connection, key, dimensions, &partition.table())?;
                    if activities != partition.activities {
                        return Err(corrupt());
                    }
                    closed += if partition.is_closed() { activities } else { 0 };
                }
            }
        }
    }
    for rollup in ["public_hour", "public_day"] {
        let sum = format!("SELECT coalesce(sum(activities), 0) FROM {rollup}");
        let sum: i64 = connection.prepare_cached(&sum)?.query_row([], |row| row.get(0))?;
        if sum != closed {
            return Err(corrupt());
        }
    }
    Ok(())
}

/// Returns how many rows there are in a table.
fn check_table(connection: &Connection, key: &IdKey, dimensions: &Dimensions, table: &str) -> Result<i64, StoreError> {
    let family = dimensions.family();
    let indexed = indexed_up_to(connection, family)?;
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM {table} ORDER BY sequence"))?;
    let mut rows = statement.query([])?;
    let mut activities = 0;
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        let stored = row::read(connection, dimensions, row)?;
        let hash = key.hash(stored.activity().id().as_str());
        if sequence <= indexed && find_in_index(connection, family, hash)? != Some(sequence) {
            return Err(corrupt());
        }
        activities += 1;
    }
    Ok(activities)
}
