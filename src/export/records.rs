//! Formats of governance records.

mod ocsf;

use std::io::{self, Write};

use serde::Serialize;

use super::json;
use crate::governance::RecordEntry;
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

impl RecordFormat {
    /// Writes one record as one line.
    ///
    /// # Errors
    /// Returns the error of the writer.
    pub fn write(self, entry: &RecordEntry, out: &mut dyn Write) -> io::Result<()> {
        let mut line = Vec::new();
        match self {
            Self::JsonLines => json::append(entry, &mut line)?,
            Self::Ocsf => json::append(&ocsf::OcsfEvent::of(entry), &mut line)?,
        }
        line.push(b'\n');
        out.write_all(&line)
    }
}
