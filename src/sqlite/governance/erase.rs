//! Removal and redaction of records without a trace in the file.
//!
//! `DELETE` is not enough, even with `secure_delete`. When SQLite balances a B-tree, it moves rows between pages and
//! leaves the old copies in the free space of a page; deleting the row later zeroes the row, not those copies. So a row
//! is first overwritten in place, with blanks of the same length: a row that keeps its size keeps its place. Only blank
//! rows are deleted, and only if the rows that SQLite may move for it are blank too. SQLite never moves a row to append
//! another. `secure_delete` alone covers the first page of a table when it becomes a tree, and the indexes, which
//! contain UUIDs of records and requests, kinds and outcomes, and nothing else.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::super::file::File;
use super::row::{self, micros};
use crate::governance::{RecordId, Recorded, Removal, SinkError};

/// The maximum number of records that one step removes, so that other callers can write in between.
const STEP: usize = 1_000;
/// The number of blank rows that stay before the first row that is not blank. SQLite balances three pages at a time,
/// and the smallest rows are more than a hundred bytes, of a page of 4,096.
const MARGIN: i64 = 256;

/// Runs one step of a removal and returns the number of records that it removed or redacted. Once a step returns 0,
/// neither the file nor the write-ahead log contains their content.
pub(super) fn remove(file: &File, removal: &Recorded<Removal>) -> Result<u64, SinkError> {
    let removed = match (removal.records_before(), removal.redacted_record()) {
        (Some(before), _) => file.write(move |writer| remove_before(writer.connection(), before))?,
        (None, Some(record)) => file.write(move |writer| redact(writer.connection(), record))?,
        (None, None) => return Ok(0),
    };
    if removed == 0 || removal.redacted_record().is_some() {
        file.empty_log()?;
    }
    Ok(removed)
}

/// Overwrites the oldest records, up to the first that is not older than the time, but never the newest. Deletes rows
/// that are far enough from the remaining ones.
fn remove_before(connection: &Connection, before: DateTime<Utc>) -> Result<u64, SinkError> {
    let aged = aged(connection, before)?;
    let mut overwrite = connection.prepare_cached(
        "UPDATE record SET id = ?2, kind = ?3, outcome = ?4, initiator = ?5, targets = ?6, record = ?7, removed = 1
         WHERE sequence = ?1",
    )?;
    // One statement per row: for a larger statement, SQLite writes the overwritten content to a temporary file for
    // rollback.
    for Lengths { sequence, id, kind, outcome, initiator, targets, record } in &aged {
        let blanks = |length: &usize| " ".repeat(*length);
        overwrite.execute(params![
            sequence,
            // Unique among removed rows.
            format!("{sequence:>id$}"),
            blanks(kind),
            blanks(outcome),
            initiator.as_ref().map(blanks),
            blanks(targets),
            blanks(record)
        ])?;
    }
    if let Some(last) = aged.last() {
        connection
            .prepare_cached("DELETE FROM record NOT INDEXED WHERE sequence < ?1 AND removed = 1")?
            .execute([last.sequence - MARGIN])?;
    }
    Ok(aged.len() as u64)
}

/// The length of each text of a row in bytes.
struct Lengths {
    sequence: i64,
    id: usize,
    kind: usize,
    outcome: usize,
    initiator: Option<usize>,
    targets: usize,
    record: usize,
}

impl Lengths {
    fn of(row: &Row<'_>) -> Result<Self, SinkError> {
        let length = |column| {
            let bytes = row.get_ref(column)?.as_bytes_or_null().map_err(|_| super::invalid_record())?;
            Ok::<_, SinkError>(bytes.map(<[u8]>::len))
        };
        let required = |column| length(column)?.ok_or_else(super::invalid_record);
        Ok(Self {
            sequence: row.get(0)?,
            record: required(1)?,
            id: required(3)?,
            kind: required(4)?,
            outcome: required(5)?,
            initiator: length(6)?,
            targets: required(7)?,
        })
    }
}

/// Returns the rows that one step removes.
fn aged(connection: &Connection, before: DateTime<Utc>) -> Result<Vec<Lengths>, SinkError> {
    let newest = "SELECT coalesce(max(sequence), 0) FROM record";
    let newest: i64 = connection.prepare_cached(newest)?.query_row([], |row| row.get(0))?;
    let mut oldest = connection.prepare_cached(
        "SELECT sequence, record, recorded_at, id, kind, outcome, initiator, targets FROM record NOT INDEXED
         WHERE sequence < ?1 AND removed = 0 ORDER BY sequence LIMIT ?2",
    )?;
    let mut rows = oldest.query(params![newest, STEP as i64])?;
    let mut aged = Vec::new();
    while let Some(row) = rows.next()? {
        let (recorded_at, bound) = (row.get::<_, i64>(2)?, micros(before));
        // The column is less precise than the time in the record.
        if recorded_at > bound || recorded_at == bound && row::entry(row)?.record.at >= before {
            break;
        }
        aged.push(Lengths::of(row)?);
    }
    Ok(aged)
}

/// Overwrites the redactable values of one record. Returns 1 if there were any.
fn redact(connection: &Connection, id: RecordId) -> Result<u64, SinkError> {
    let Some((sequence, text)) = row::find(connection, id)? else { return Ok(0) };
    let mut record = row::read(&text)?;
    if !record.redact() {
        return Ok(0);
    }
    let mut rest = row::write(&record)?;
    rest.extend(std::iter::repeat_n(' ', text.len().saturating_sub(rest.len())));
    connection.prepare_cached("UPDATE record SET record = ?2 WHERE sequence = ?1")?.execute(params![sequence, rest])?;
    Ok(1)
}
