//! The check that each row is in its place and its columns agree with its record.

use rusqlite::{Connection, Row};

use super::super::FileError;
use super::row::{self, RecordRow};
use crate::governance::SinkError;

/// Compares every row with its record. The rows are those of one snapshot, if the connection is in a transaction.
///
/// Removed rows come first, because only the oldest records are removed, and the newest never is.
pub(super) fn check(connection: &Connection) -> Result<(), SinkError> {
    let mut select = connection.prepare(
        "SELECT sequence, record, id, recorded_at, kind, outcome, initiator, targets, removed
         FROM record NOT INDEXED ORDER BY sequence",
    )?;
    let mut rows = select.query([])?;
    let mut previous: Option<(i64, bool)> = None;
    while let Some(row) = rows.next()? {
        let (sequence, is_removed) = (row.get::<_, i64>(0)?, row.get::<_, bool>(8)?);
        let follows = previous.is_none_or(|(number, was_removed)| {
            number.checked_add(1) == Some(sequence) && (was_removed || !is_removed)
        });
        let agrees = || if is_removed { is_blank(row) } else { agrees(row) };
        if sequence < 1 || !follows || !agrees()? {
            return Err(corrupt());
        }
        previous = Some((sequence, is_removed));
    }
    match previous {
        Some((_, true)) => Err(corrupt()),
        Some((_, false)) | None => Ok(()),
    }
}

fn agrees(row: &Row<'_>) -> Result<bool, SinkError> {
    let expected = RecordRow::of(&row::entry(row)?.record)?;
    Ok(row.get::<_, String>(2)? == expected.id.to_string()
        && row.get::<_, i64>(3)? == expected.recorded_at
        && row.get::<_, String>(4)? == expected.kind
        && row.get::<_, String>(5)? == expected.outcome
        && row.get::<_, Option<String>>(6)? == expected.initiator
        && row.get::<_, String>(7)? == expected.targets)
}

/// Returns whether a removed row contains only its sequence and its time.
fn is_blank(row: &Row<'_>) -> Result<bool, SinkError> {
    let (sequence, id): (i64, String) = (row.get(0)?, row.get(2)?);
    let texts =
        [row.get(1)?, row.get(4)?, row.get(5)?, row.get::<_, Option<String>>(6)?.unwrap_or_default(), row.get(7)?];
    Ok(id.trim_start() == sequence.to_string() && texts.iter().all(|text: &String| text.trim().is_empty()))
}

fn corrupt() -> SinkError {
    SinkError::Backend(Box::new(FileError::Corrupt))
}
