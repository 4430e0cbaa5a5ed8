//! A sink's receipt.

use serde::Serialize;

use super::ids::RecordId;
use super::record::Record;
use super::sink_error::SinkError;

/// A sink's confirmation that a record is durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Receipt {
    record: RecordId,
    sequence: u64,
}

impl Receipt {
    /// Asserts that `record` is durable under this sequence number. Only a sink may assert that.
    pub fn assertion(record: RecordId, sequence: u64) -> Self {
        Self { record, sequence }
    }

    /// Returns the id of the durable record.
    #[must_use]
    pub fn record(&self) -> RecordId {
        self.record
    }

    /// Returns the sequence number of the record.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns the id of `record` if the receipt is for that record.
    ///
    /// # Errors
    /// Returns [`SinkError::WrongReceipt`] if the receipt is for another record.
    pub fn confirm(&self, record: &Record) -> Result<RecordId, SinkError> {
        if self.record == record.id { Ok(record.id) } else { Err(SinkError::WrongReceipt) }
    }
}
