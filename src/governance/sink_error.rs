//! The error of a governance sink.

use std::error::Error;

use thiserror::Error;

use super::ids::RecordId;

/// The reason why a record might not be durable, or why records could not be read or removed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SinkError {
    /// The sink did not answer within the time limit, or the call could not start in time. A record may still become
    /// durable, but the library treats it as not recorded.
    #[error("the governance sink did not answer within its time limit; a record may still become durable")]
    TimedOut,
    /// The sink panicked.
    #[error("the governance sink panicked")]
    Panicked,
    /// The sink returned a receipt for a record other than the one it was given.
    #[error("the governance sink returned a receipt for another record")]
    WrongReceipt,
    /// The sink returned records that do not answer the query, or did not return one that it had confirmed.
    #[error(
        "the governance sink returned records that do not answer the query, or lacks one that it confirmed; test the \
         adapter with `conformance`"
    )]
    WrongRecords,
    /// Another record already has this id.
    #[error("record id `{0}` already belongs to another record; use a new id for each record")]
    IdTaken(RecordId),
    /// The back end failed.
    #[error("the governance sink failed")]
    Backend(#[source] Box<dyn Error + Send + Sync>),
}
