//! What leaves the house in a file: governance records, for whoever may read them.

mod ocsf;

use std::io::{self, Write};

use thiserror::Error;

use crate::governance::{RecordEntry, SinkError};
use crate::policy::Denial;
use crate::store::StoreError;

/// How governance records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordFormat {
    /// Each record as it is, with its sequence number: one JSON document a line, which a
    /// [`RecordEntry`] can be read back from.
    JsonLines,
    /// Each record as an event of the Open Cybersecurity Schema Framework 1.8.0, one a line: changes of who may do what as
    /// User Access Management (3005), everything else as Entity Management (3004), and so is a record of several changes that
    /// do not all give privileges to one user or all take them; the message names every kind of such a record. A
    /// justification is the comment, unless it was forgotten. Of everything else that is sealed there is the commitment alone.
    /// What OCSF has no place for stands under `unmapped`.
    Ocsf,
}

/// Why not all records were exported. What was written until then stays written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// Whoever asked may not read them, or not any more.
    #[error(transparent)]
    Denied(Denial),
    /// The sink cannot read them.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// They cannot be written.
    #[error("the export could not be written")]
    Write(#[from] io::Error),
}

impl RecordFormat {
    /// Writes one record, as one line.
    ///
    /// # Errors
    /// That of the writer.
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
