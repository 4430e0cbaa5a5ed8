//! What the room asks of the public rows themselves.

use rusqlite::{Connection, Row, params};

use super::tables::{NEWEST_ROW, ROW_ID, ROWS_BETWEEN, greatest};
use crate::activity::Activity;
use crate::sqlite::document::{ACTIVITY, corrupt, damaged};
use crate::sqlite::facts;
use crate::sqlite::table::PUBLIC;
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
    let mut before = after;
    while let Some(row) = rows.next()? {
        public(row, 4)?;
        let sequence = row.get(0)?;
        if sequence <= before {
            return Err(corrupt());
        }
        before = sequence;
        let id = row.get_ref(1)?.as_str().map_err(|_| damaged(ACTIVITY))?;
        let facts = row.get_ref(3)?.as_blob().map_err(|_| damaged(ACTIVITY))?;
        // No key stands in the details.
        let activity = facts::read(id, row.get(2)?, facts, None).map_err(|_| damaged(ACTIVITY))?;
        act(sequence, &activity)?;
    }
    Ok(())
}

/// The id of a row, unless it is gone.
pub(super) fn id_of(connection: &Connection, sequence: i64) -> Result<Option<Box<str>>, StoreError> {
    let mut statement = connection.prepare_cached(ROW_ID)?;
    let mut rows = statement.query([sequence])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    public(row, 1)?;
    Ok(Some(row.get_ref(0)?.as_str().map_err(|_| damaged(ACTIVITY))?.into()))
}

/// Whether a row is still there.
pub(super) fn is_there(connection: &Connection, sequence: i64) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(ROW_ID)?;
    let mut rows = statement.query([sequence])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    public(row, 1).map(|()| true)
}

/// Makes sure that a row was decided public, by the number of its stamp in this column.
fn public(row: &Row<'_>, column: usize) -> Result<(), StoreError> {
    let number = row.get_ref(column)?.as_i64().map_err(|_| damaged(ACTIVITY))?;
    if PUBLIC.has_stamp(number) { Ok(()) } else { Err(corrupt()) }
}
