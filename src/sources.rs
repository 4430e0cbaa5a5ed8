//! Activities from the records of other systems.
//!
//! Each reader is an iterator over an input. An item is an [`Activity`], or a [`Rejected`] record with its line and the
//! reason. All readers share what is in this module: the limits of a record, and the reasons for a rejection.

#[cfg_attr(not(feature = "m365"), allow(dead_code, reason = "only Microsoft 365 has fields of its own"))]
mod field_names;
mod framing;
#[cfg_attr(not(feature = "m365"), allow(dead_code, reason = "some forms are in Microsoft 365 records only"))]
mod identity;
mod json;
#[cfg(feature = "m365")]
pub mod m365;
#[cfg(feature = "mapped")]
pub mod mapped;
mod objects;
mod reject;
mod reject_counts;
mod report;
#[cfg_attr(not(feature = "m365"), allow(dead_code, reason = "only Microsoft 365 has fields of its own"))]
mod texts;

pub use self::reject::{JsonFault, RejectReason, Rejected};
pub use self::reject_counts::{RejectCount, RejectCounts};

use crate::activity::Activity;

/// The most bytes that a record may have. A longer record is rejected, and skipped without being stored in memory.
pub const MAX_RECORD_BYTES: usize = Activity::MAX_DETAILS_BYTES;

/// The most values that the JSON of a record may contain at all depths, counting objects, lists and what they contain.
/// A record with more values is rejected.
pub const MAX_RECORD_VALUES: usize = 100_000;
