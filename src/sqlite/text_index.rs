//! The text index of a partition: a contentless FTS5 table with the trigrams of its searched texts.
//!
//! It is built from the rows of a full partition, in order and in steps, and does not change afterwards. A removal
//! rebuilds it, because FTS5 keeps the trigrams of deleted rows in older segments. Until it is complete, the partition
//! is searched without it.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::FileError;
use super::dimension::Dimensions;
use super::error::SqliteError;
use super::file::overwriting_freed_pages;
use super::partition::Partition;
use super::row::{self, COLUMNS};
use crate::activity::Activity;
use crate::store::StoreError;

/// The number of sequences that one transaction indexes.
const STEP: i64 = 8_192;

/// The maximum number of trigrams by which a text is looked up. More trigrams hardly narrow the result, and each has to
/// be read.
const MAX_TRIGRAMS: usize = 16;

/// Rejects an SQLite library without FTS5.
pub(super) fn require_fts5(connection: &Connection) -> Result<(), SqliteError> {
    require_module(connection, "fts5")
}

fn require_module(connection: &Connection, name: &str) -> Result<(), SqliteError> {
    let module = "SELECT 1 FROM pragma_module_list WHERE name = ?1";
    if connection.prepare(module)?.exists([name])? { Ok(()) } else { Err(FileError::NoFts5.into()) }
}

/// Returns whether any partition of a file has a text index.
pub(super) fn has_any(connection: &Connection) -> Result<bool, StoreError> {
    let any = "SELECT 1 FROM public_partition WHERE text_indexed_up_to IS NOT NULL";
    Ok(connection.prepare(any)?.exists([])?)
}

fn table(partition: &Partition) -> String {
    format!("{}_text", partition.table())
}

/// Creates an empty text index for a partition.
pub(super) fn begin(connection: &Connection, mut partition: Partition) -> Result<Partition, StoreError> {
    connection.execute_batch(&format!(
        "CREATE VIRTUAL TABLE {} USING fts5 (text, content = '', detail = none, tokenize = 'trigram case_sensitive 1')",
        table(&partition)
    ))?;
    partition.text_indexed_up_to = Some(partition.first_sequence - 1);
    partition.save(connection)?;
    Ok(partition)
}

/// Removes the text index of a partition. Within [`overwriting_freed_pages`], none of its content stays in the file.
pub(super) fn remove(connection: &Connection, mut partition: Partition) -> Result<Partition, StoreError> {
    connection.execute_batch(&format!("DROP TABLE {}", table(&partition)))?;
    partition.text_indexed_up_to = None;
    partition.save(connection)?;
    Ok(partition)
}

/// Adds the next rows of a partition to its text index. Removes the index if one of them is damaged: the partition is
/// then searched without it, and a search that reads the damaged row fails.
pub(super) fn add_some(
    connection: &Connection,
    dimensions: &Dimensions,
    partition: Partition,
) -> Result<Partition, StoreError> {
    // FTS5 frees pages when it merges segments.
    overwriting_freed_pages(connection, || match add_rows(connection, dimensions, partition.clone()) {
        Err(StoreError::Unreadable(_)) => remove(connection, partition),
        added => added,
    })
}

fn add_rows(
    connection: &Connection,
    dimensions: &Dimensions,
    mut partition: Partition,
) -> Result<Partition, StoreError> {
    let index = table(&partition);
    let before = partition.text_indexed_up_to.unwrap_or(partition.first_sequence - 1);
    let up_to = before.saturating_add(STEP).min(partition.last_sequence);
    let select =
        format!("SELECT {COLUMNS} FROM {} WHERE sequence > ?1 AND sequence <= ?2 ORDER BY sequence", partition.table());
    let mut statement = connection.prepare(&select)?;
    let mut insert = connection.prepare(&format!("INSERT INTO {index} (rowid, text) VALUES (?1, ?2)"))?;
    let mut rows = statement.query([before, up_to])?;
    while let Some(row) = rows.next()? {
        let sequence: i64 = row.get(0)?;
        let stored = row::read(connection, dimensions, row)?;
        insert.execute(params![sequence, text(stored.activity())])?;
    }
    if up_to == partition.last_sequence {
        // Merges the index into one segment, which is smaller and faster to read.
        connection.execute(&format!("INSERT INTO {index} ({index}) VALUES ('optimize')"), [])?;
    }
    partition.text_indexed_up_to = Some(up_to);
    partition.save(connection)?;
    Ok(partition)
}

/// Returns whether the text index of a partition has exactly one entry for each of its rows.
pub(super) fn has_rows_of(connection: &Connection, partition: &Partition) -> Result<bool, StoreError> {
    let (rows, index) = (partition.table(), format!("{}_docsize", table(partition)));
    let differs = format!(
        "SELECT 1 FROM {rows} WHERE sequence NOT IN (SELECT id FROM {index})
         UNION ALL SELECT 1 FROM {index} WHERE id NOT IN (SELECT sequence FROM {rows})"
    );
    Ok(!connection.prepare(&differs)?.exists([])?)
}

/// Returns the text under which an activity is indexed. Queried texts contain no control characters, so none matches
/// across two lines.
fn text(activity: &Activity) -> String {
    let texts: Vec<String> = activity.searched_texts().collect();
    // The tokenizer of older SQLite libraries stops at U+0000.
    texts.join("\n").replace('\0', "\n")
}

/// Returns an FTS5 expression that finds every row whose text contains this one, and possibly others, which
/// [`Query::matches`] excludes. Returns `None` if the text is too short for a trigram.
///
/// [`Query::matches`]: crate::query::Query::matches
pub(super) fn expression(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let trigrams: BTreeSet<&[char]> = chars.windows(3).collect();
    let step = trigrams.len().div_ceil(MAX_TRIGRAMS).max(1);
    let quoted = |trigram: &[char]| format!("\"{}\"", trigram.iter().collect::<String>().replace('"', "\"\""));
    let quoted: Vec<String> = trigrams.into_iter().step_by(step).map(quoted).collect();
    (!quoted.is_empty()).then(|| quoted.join(" AND "))
}

/// Returns the sequences that an expression finds in the text index of a table, or `None` if there are more than
/// `limit`.
pub(super) fn find(
    connection: &Connection,
    table: &str,
    expression: &str,
    limit: usize,
) -> Result<Option<Vec<i64>>, StoreError> {
    let select = format!("SELECT rowid FROM {table}_text WHERE {table}_text MATCH ?1 LIMIT ?2");
    let mut statement = connection.prepare_cached(&select)?;
    let one_more = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let found: Vec<i64> =
        statement.query_map(params![expression, one_more], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok((found.len() <= limit).then_some(found))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn v3_expression_quotes_each_trigram() {
        assert_eq!(expression("ab"), None);
        assert_eq!(expression("a\"b").unwrap(), r#""a""b""#);
        assert_eq!(expression("abcd").unwrap(), r#""abc" AND "bcd""#);
        assert_eq!(expression("aaaa").unwrap(), r#""aaa""#);
        let long: String = ('a'..='z').chain('A'..='Z').collect();
        assert_eq!(expression(&long).unwrap().matches(" AND ").count(), 12);
    }

    #[test]
    fn b1_library_without_fts5_is_rejected() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(require_module(&connection, "fts5").is_ok());
        let missing = require_module(&connection, "fts5_that_is_missing").unwrap_err();
        assert!(matches!(missing, SqliteError::File(FileError::NoFts5)));
    }
}
