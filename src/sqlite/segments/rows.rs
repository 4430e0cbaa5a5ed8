//! What the room asks of the public rows themselves.

use rusqlite::{Connection, OptionalExtension, params};

use super::tables::{NEWEST_ROW, ROW_ID, ROWS_BETWEEN, greatest};
use crate::activity::Activity;
use crate::sqlite::document::{ACTIVITY, damaged};
use crate::sqlite::facts;
use crate::store::StoreError;

/// The sequence of the newest row, 0 if there is none.
pub(super) fn newest(connection: &Connection) -> Result<i64, StoreError> {
    Ok(greatest(connection, NEWEST_ROW)?.unwrap_or(0))
}

/// Hands the rows after one sequence, up to and with another, to `act`, in their order.
pub(super) fn between(
    connection: &Connection,
    after: i64,
    up_to: i64,
    mut act: impl FnMut(i64, &Activity) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(ROWS_BETWEEN)?;
    let mut rows = statement.query(params![after, up_to])?;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(1)?.as_str().map_err(|_| damaged(ACTIVITY))?;
        let facts = row.get_ref(3)?.as_blob().map_err(|_| damaged(ACTIVITY))?;
        // No key stands in the details.
        let activity = facts::read(id, row.get(2)?, facts, None).map_err(|_| damaged(ACTIVITY))?;
        act(row.get(0)?, &activity)?;
    }
    Ok(())
}

/// The id of a row, unless it is gone.
pub(super) fn id_of(connection: &Connection, sequence: i64) -> Result<Option<Box<str>>, StoreError> {
    Ok(connection.prepare_cached(ROW_ID)?.query_row([sequence], |row| row.get(0)).optional()?)
}

/// Whether a row is still there.
pub(super) fn is_there(connection: &Connection, sequence: i64) -> Result<bool, StoreError> {
    Ok(connection.prepare_cached(ROW_ID)?.exists([sequence])?)
}
