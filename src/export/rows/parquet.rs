//! Apache Parquet files ([format 2](https://github.com/apache/parquet-format)), compressed by Snappy, with the crate
//! `parquet`.

use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::Row;
use super::columns::NAMES;
use crate::engine::Visibility;
use crate::export::json;
use crate::export::product::{PRODUCT, PRODUCT_VERSION};

/// The columns, with the names and the order of [`NAMES`].
const SCHEMA: &str = "message activity {
    required binary visibility (STRING);
    optional binary id (STRING);
    optional int64 occurred_at (TIMESTAMP(MICROS, true));
    optional binary actor_kind (STRING);
    optional binary actor (STRING);
    optional binary actor_identities (JSON);
    optional binary on_behalf_of (JSON);
    optional binary app (STRING);
    optional binary suite (STRING);
    optional binary action (STRING);
    optional group objects (LIST) { repeated group list { required binary element (STRING); } }
    optional binary details (STRING);
    optional int64 decided_at (TIMESTAMP(MICROS, true));
    optional int64 policy (INTEGER(64, false));
    optional int64 directory (INTEGER(64, false));
    optional binary reasons (JSON);
}";

/// A row group is complete with this number of rows or bytes.
const ROWS_PER_GROUP: usize = 65_536;
const BYTES_PER_GROUP: usize = 8 * 1024 * 1024;

/// A file in the making. It holds one row group in memory, and a few hundred bytes for each complete one.
pub(super) struct ParquetRows {
    file: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// The values of a column and their definition levels. The lowest level is a missing value.
enum Column {
    /// Every row has a value.
    Required(Vec<ByteArray>),
    Text(Vec<ByteArray>, Vec<i16>),
    Number(Vec<i64>, Vec<i16>),
    /// With repetition levels: 0 begins a list.
    List(Vec<ByteArray>, Vec<i16>, Vec<i16>),
}

/// A value for one column of a row.
enum Value<'a> {
    Text(&'a str),
    Json(String),
    Number(i64),
    List(Vec<&'a str>),
    Missing,
}

impl ParquetRows {
    pub(super) fn new() -> io::Result<Self> {
        let schema = parse_message_type(SCHEMA).map_err(of_parquet)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            // Statistics of pages would grow with the file.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true)
            .set_created_by(format!("{PRODUCT} version {PRODUCT_VERSION}"))
            .build();
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties)).map_err(of_parquet)?;
        Ok(Self { file, columns: columns(), rows: 0, bytes: 0 })
    }

    pub(super) fn add(&mut self, row: &Row) -> io::Result<()> {
        for (column, value) in self.columns.iter_mut().zip(values(row)?) {
            self.bytes += column.push(value);
        }
        self.rows += 1;
        if self.rows >= ROWS_PER_GROUP || self.bytes >= BYTES_PER_GROUP {
            self.end_group()?;
        }
        Ok(())
    }

    /// Returns the bytes that can be written.
    pub(super) fn ready(&mut self) -> io::Result<&mut Vec<u8>> {
        self.file.flush()?;
        Ok(self.file.inner_mut())
    }

    /// Writes the last row group and the end of the file.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.end_group()?;
        self.file.finish().map(drop).map_err(of_parquet)
    }

    fn end_group(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let written = std::mem::replace(&mut self.columns, columns());
        (self.rows, self.bytes) = (0, 0);
        let mut group = self.file.next_row_group().map_err(of_parquet)?;
        for column in written {
            let Some(mut out) = group.next_column().map_err(of_parquet)? else {
                return Err(io::Error::other("the schema has fewer columns than a row"));
            };
            column.write(out.untyped()).map_err(of_parquet)?;
            out.close().map_err(of_parquet)?;
        }
        group.close().map(drop).map_err(of_parquet)
    }
}

/// Returns empty columns in the order of the schema.
fn columns() -> Vec<Column> {
    let column = |name| match name {
        "visibility" => Column::Required(Vec::new()),
        "occurred_at" | "decided_at" | "policy" | "directory" => Column::Number(Vec::new(), Vec::new()),
        "objects" => Column::List(Vec::new(), Vec::new(), Vec::new()),
        _ => Column::Text(Vec::new(), Vec::new()),
    };
    NAMES.into_iter().map(column).collect()
}

/// Returns the values of a row, one for each column. The redacted row of a private activity has the visibility only.
fn values(row: &Row) -> io::Result<Vec<Value<'_>>> {
    let Row::Public(public) = row else {
        let missing = std::iter::repeat_with(|| Value::Missing).take(NAMES.len() - 1);
        return Ok(std::iter::once(Value::Text(Visibility::Private.as_str())).chain(missing).collect());
    };
    let (activity, decision) = (public.activity(), public.decision());
    let text_if_any = |text: Option<_>| text.map_or(Value::Missing, Value::Text);
    Ok(vec![
        Value::Text(public.visibility().as_str()),
        Value::Text(activity.id().as_str()),
        micros(activity.occurred_at()),
        Value::Text(activity.actor().kind().as_str()),
        Value::Text(activity.actor().label()),
        Value::Json(json::text(activity.actor().identities())?),
        Value::Json(json::text(activity.on_behalf_of())?),
        Value::Text(activity.app().name().as_str()),
        text_if_any(activity.app().suite().map(|suite| suite.as_str())),
        Value::Text(activity.action().as_str()),
        Value::List(activity.objects().collect()),
        text_if_any(activity.details()),
        micros(decision.decided_at()),
        unsigned(decision.policy().number()),
        decision.directory().map_or(Value::Missing, |directory| unsigned(directory.0)),
        Value::Json(json::text(decision.reasons())?),
    ])
}

fn micros(time: DateTime<Utc>) -> Value<'static> {
    Value::Number(time.timestamp_micros())
}

/// Returns the number with the bits of an unsigned one, as the type of its column requires.
fn unsigned(number: u64) -> Value<'static> {
    Value::Number(number.cast_signed())
}

impl Column {
    /// Adds a value and returns its approximate size in bytes.
    fn push(&mut self, value: Value<'_>) -> usize {
        let bytes = match &value {
            Value::Text(text) => text.len(),
            Value::Json(text) => text.len(),
            Value::List(items) => items.iter().map(|item| item.len() + 32).sum(),
            Value::Number(_) | Value::Missing => 0,
        };
        match (self, value) {
            (Self::Required(values), Value::Text(text)) => values.push(text.into()),
            (Self::Text(values, levels), Value::Text(text)) => {
                values.push(text.into());
                levels.push(1);
            }
            (Self::Text(values, levels), Value::Json(text)) => {
                values.push(text.into_bytes().into());
                levels.push(1);
            }
            (Self::Number(values, levels), Value::Number(number)) => {
                values.push(number);
                levels.push(1);
            }
            (Self::List(values, levels, repetitions), Value::List(items)) => {
                if items.is_empty() {
                    levels.push(1);
                    repetitions.push(0);
                }
                for (at, item) in items.into_iter().enumerate() {
                    values.push(item.into());
                    levels.push(2);
                    repetitions.push(i16::from(at > 0));
                }
            }
            (Self::List(_, levels, repetitions), _) => {
                levels.push(0);
                repetitions.push(0);
            }
            (Self::Text(_, levels) | Self::Number(_, levels), _) => levels.push(0),
            // Every row has a visibility.
            (Self::Required(values), _) => values.push("".into()),
        }
        bytes + 32
    }

    fn write(&self, out: &mut ColumnWriter<'_>) -> Result<(), ParquetError> {
        match (self, out) {
            (Self::Required(values), ColumnWriter::ByteArrayColumnWriter(out)) => out.write_batch(values, None, None),
            (Self::Text(values, levels), ColumnWriter::ByteArrayColumnWriter(out)) => {
                out.write_batch(values, Some(levels), None)
            }
            (Self::Number(values, levels), ColumnWriter::Int64ColumnWriter(out)) => {
                out.write_batch(values, Some(levels), None)
            }
            (Self::List(values, levels, repetitions), ColumnWriter::ByteArrayColumnWriter(out)) => {
                out.write_batch(values, Some(levels), Some(repetitions))
            }
            _ => Err(ParquetError::General("the schema has another type for a column".to_owned())),
        }
        .map(drop)
    }
}

fn of_parquet(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
