//! The error of a governance sink.

use std::error::Error;

use thiserror::Error;

use super::ids::RecordId;

/// The reason why a record may not be durable, or why records cannot be read or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink did not return within its limit. The record may still become durable, but does not count.
    #[error("the governance sink timed out")]
    TimedOut,
    /// The sink panicked.
    #[error("the governance sink panicked")]
    Panicked,
    /// The sink returned a receipt for a record other than the one it was given.
    #[error("the governance sink returned a receipt for another record")]
    WrongReceipt,
    /// The sink did not return a record as it was recorded.
    #[error("the governance sink did not return the record as it was recorded")]
    NotReadBack,
    /// Another record already has this id.
    #[error("record id `{0}` already belongs to another record")]
    IdTaken(RecordId),
    /// The back end failed.
    #[error("the governance sink failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}
