//! The destination of a driver.

use std::error::Error;
use std::io;

use thiserror::Error;

use crate::forward::Batch;
use crate::stored::PublicActivity;

/// A connection to a destination: a SIEM, a queue, a file, a webhook. The embedder implements it.
///
/// A connection that returned an error other than a refusal is dropped, and the driver makes a new one. All calls of one
/// connection are in one thread.
///
/// # Contract
/// - **Durability.** An item counts as accepted only once the destination will not lose it.
/// - **Order.** Items are delivered in the order of storing.
/// - **Repetition.** A batch can be delivered again, in full or in part: after an error, a crash or a late answer, and by
///   another process. The destination can detect a repetition by the id of the activity or record.
pub trait Forwarder<T = PublicActivity> {
    /// Delivers a batch with at least one item, and returns how much of it the destination accepted.
    ///
    /// # Errors
    /// Returns [`DeliveryError::Refused`] if the destination will never accept one of the items, and
    /// [`DeliveryError::Unavailable`] if it accepted nothing for a reason that can pass.
    fn deliver(&mut self, batch: &Batch<T>) -> Result<Accepted, DeliveryError>;
}

impl<T, F: FnMut(&Batch<T>) -> Result<Accepted, DeliveryError>> Forwarder<T> for F {
    fn deliver(&mut self, batch: &Batch<T>) -> Result<Accepted, DeliveryError> {
        self(batch)
    }
}

/// How much of a batch a destination accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// All items.
    All,
    /// The first items. The driver delivers the others again.
    First(usize),
}

/// The reason why a destination did not accept a batch.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// The destination accepted nothing, for a reason that can pass. The driver delivers the batch again.
    #[error("the destination is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The destination will never accept one of the items. The driver does what its
    /// [`OnRefusal`](crate::forward::OnRefusal) says.
    #[error("the destination refused an item")]
    Refused {
        /// The index of the refused item in the batch.
        item: usize,
        /// The number of items before it that the destination accepted. The driver delivers the others again, without
        /// those after the refused one.
        accepted: usize,
        /// The reason that the destination gave.
        #[source]
        reason: Box<dyn Error + Send + Sync>,
    },
}

impl DeliveryError {
    /// Returns the error of a destination that accepted nothing, for a reason that can pass.
    pub fn unavailable(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable(reason.into())
    }

    /// Returns the error of a destination that accepted the items before `item`, and will never accept `item`.
    pub fn refused(item: usize, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused { item, accepted: item, reason: reason.into() }
    }

    /// Returns the error of a destination that accepted nothing because of `item`, which it will never accept.
    pub fn refused_all_because_of(item: usize, reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Refused { item, accepted: 0, reason: reason.into() }
    }
}

impl From<io::Error> for DeliveryError {
    fn from(error: io::Error) -> Self {
        Self::unavailable(error)
    }
}
