//! Exports of activities, in governance records.

use serde::{Deserialize, Serialize};

use super::ids::RevealId;
use crate::text::words;

/// The format of exported activities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ExportFormat {
    /// One JSON document per line.
    JsonLines,
    /// A table of comma-separated values with a header (RFC 4180).
    Csv,
    /// An Apache Parquet file. Writing it requires the feature `parquet`.
    Parquet,
}

words!(ExportFormat, "export format": JsonLines = "json_lines", Csv = "csv", Parquet = "parquet");

/// The treatment of private activities in an export under a reveal. Their content is never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrivateRows {
    /// Nothing. The export equals one without a reveal.
    #[default]
    Omit,
    /// A row that contains only the word "private". Its position between public activities discloses roughly when the
    /// activity occurred.
    Redact,
}

words!(PrivateRows, "private rows": Omit = "omit", Redact = "redact");

/// An export of activities under a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportSummary {
    /// The id of the reveal.
    pub reveal: RevealId,
    /// The format.
    pub format: ExportFormat,
    /// The treatment of private activities.
    pub private_rows: PrivateRows,
}
