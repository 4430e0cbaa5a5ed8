//! Formats and errors of exports of governance records.
//!
//! Requires the feature `export`.

mod ocsf;

use std::io::{self, Write};

use serde::Serialize;
use thiserror::Error;

use crate::governance::{RecordEntry, SinkError};
use crate::policy::Denial;
use crate::store::StoreError;
use crate::text::words;

/// The format of exported governance records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RecordFormat {
    /// One JSON document per line, with the sequence number and the record. It can be parsed back as a [`RecordEntry`].
    JsonLines,
    /// One event of the Open Cybersecurity Schema Framework 1.8.0 per line.
    ///
    /// A record whose changes all assign privileges to one user, or all revoke them, is User Access Management (3005).
    /// Every other record is Entity Management (3004). The message names all kinds of changes in a record. A
    /// justification is the comment, unless it was redacted. For all other committed values, the event contains the
    /// commitment only. Fields without an OCSF counterpart are in `unmapped`.
    Ocsf,
}

words!(RecordFormat, "record format": JsonLines = "json_lines", Ocsf = "ocsf");

/// The reason why an export stopped. Records written before the error remain in the output.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The caller may not read governance records, or no longer may.
    #[error(transparent)]
    Denied(Denial),
    /// The sink cannot read the records.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The output cannot be written.
    #[error("could not write the export")]
    Write(#[from] io::Error),
}

impl RecordFormat {
    /// Writes one record as one line.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn write(self, entry: &RecordEntry, out: &mut dyn Write) -> io::Result<()> {
        let line = match self {
            Self::JsonLines => serde_json::to_vec(entry),
            Self::Ocsf => serde_json::to_vec(&ocsf::OcsfEvent::of(entry)),
        };
        let mut line = line.map_err(io::Error::other)?;
        line.push(b'\n');
        out.write_all(&line)
    }
}
