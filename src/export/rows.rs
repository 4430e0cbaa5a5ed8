//! Writers of exports: activities row by row, in one of three formats.

mod columns;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;

use std::io::{self, Write};

use self::csv::CsvRows;
#[cfg(feature = "parquet")]
use self::parquet::ParquetRows;
use super::activities::{JsonLine, PrivateLine};
use super::{ExportError, json};
use crate::governance::ExportFormat;
use crate::store::{PublicActivity, StoredActivity};

/// Writes the rows of an export. It holds the rows of one page in memory, or of one row group of a Parquet file.
pub(crate) struct RowWriter<'a> {
    out: &'a mut dyn Write,
    rows: Rows,
    written: u64,
}

enum Rows {
    JsonLines(Vec<u8>),
    Csv(Box<CsvRows>),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetRows>),
}

/// The row of an activity.
pub(crate) enum Row {
    /// A public activity.
    Public(Box<PublicActivity>),
    /// A private activity, without its content.
    Private,
}

impl From<StoredActivity> for Row {
    fn from(stored: StoredActivity) -> Self {
        stored.into_public().map_or(Self::Private, |public| Self::Public(Box::new(public)))
    }
}

impl<'a> RowWriter<'a> {
    /// Begins an export. One that continues another writes no header, where the format has one that is only at the
    /// start of a file.
    pub(crate) fn new(format: ExportFormat, is_continued: bool, out: &'a mut dyn Write) -> Result<Self, ExportError> {
        let rows = match format {
            ExportFormat::JsonLines => Rows::JsonLines(Vec::new()),
            ExportFormat::Csv => Rows::Csv(Box::new(CsvRows::new(!is_continued))),
            #[cfg(feature = "parquet")]
            ExportFormat::Parquet => Rows::Parquet(Box::new(ParquetRows::new()?)),
            #[cfg(not(feature = "parquet"))]
            ExportFormat::Parquet => return Err(ExportError::NoParquet),
        };
        Ok(Self { out, rows, written: 0 })
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, row: &Row) -> io::Result<()> {
        match &mut self.rows {
            Rows::JsonLines(buffer) => {
                match row {
                    Row::Public(activity) => json::append(&JsonLine::of(activity), buffer)?,
                    Row::Private => json::append(&PrivateLine::LINE, buffer)?,
                }
                buffer.push(b'\n');
            }
            Rows::Csv(rows) => rows.add(row)?,
            #[cfg(feature = "parquet")]
            Rows::Parquet(rows) => rows.add(row)?,
        }
        Ok(())
    }

    /// Writes what is ready after a page.
    pub(crate) fn end_page(&mut self) -> io::Result<()> {
        let buffer = match &mut self.rows {
            Rows::JsonLines(buffer) => buffer,
            Rows::Csv(rows) => rows.buffer(),
            #[cfg(feature = "parquet")]
            Rows::Parquet(rows) => rows.ready()?,
        };
        self.out.write_all(buffer)?;
        self.written += buffer.len() as u64;
        buffer.clear();
        Ok(())
    }

    /// Writes the end of the file.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        #[cfg(feature = "parquet")]
        if let Rows::Parquet(rows) = &mut self.rows {
            rows.finish()?;
        }
        self.end_page()?;
        self.out.flush()
    }

    /// Returns the number of bytes that were written.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }
}
