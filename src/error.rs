//! The kinds of errors, for a service that maps every error of this crate in one place.
//!
//! Each call returns an error type of its own, which names what can go wrong in that call. [`Classify`] gives each of
//! them a [`kind`](Classify::kind) and says whether the [same call can succeed later](Classify::is_retryable).
//!
//! | [`ErrorKind`] | means | HTTP status | retry |
//! |---|---|---|---|
//! | [`Denied`](ErrorKind::Denied) | the user may not do this | 403 | no |
//! | [`Invalid`](ErrorKind::Invalid) | the input cannot be accepted | 422 | no |
//! | [`NotFound`](ErrorKind::NotFound) | the named thing does not exist | 404 | no |
//! | [`Conflict`](ErrorKind::Conflict) | the call does not fit the current state | 409 | no |
//! | [`Ended`](ErrorKind::Ended) | the reveal or the request is over | 410 | no |
//! | [`Contended`](ErrorKind::Contended) | other callers came first in every attempt | 503 | yes |
//! | [`Busy`](ErrorKind::Busy) | a file or back end is in use by others | 503 | yes |
//! | [`TimedOut`](ErrorKind::TimedOut) | a port did not answer in time | 504 | yes |
//! | [`Unavailable`](ErrorKind::Unavailable) | a port failed, or a directory is missing or too old | 503 | yes |
//! | [`Full`](ErrorKind::Full) | there is no space left | 507 | no |
//! | [`Corrupt`](ErrorKind::Corrupt) | stored data is damaged, missing or restored in part | 500 | no |
//! | [`Misconfigured`](ErrorKind::Misconfigured) | a path, permission or version is wrong | 500 | no |
//! | [`BrokenContract`](ErrorKind::BrokenContract) | an adapter broke the contract of its port | 500 | no |
//! | [`OutcomeUnrecorded`](ErrorKind::OutcomeUnrecorded) | done, but the record of the outcome failed | 202 | no |
//! | [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) | done or not: read the state first | 500 | no |
//!
//! The message of an error contains no private content, so a service can return it to its caller. The sources of an
//! error come from the back end: write them to the service's own log only.
//!
//! ```
//! use activity_privacy::error::{Classify, ErrorKind};
//!
//! /// Maps every error of the library to a status and a body.
//! fn response(error: &impl Classify) -> (u16, String) {
//!     let status = match error.kind() {
//!         ErrorKind::Denied => 403,
//!         ErrorKind::NotFound => 404,
//!         ErrorKind::Conflict => 409,
//!         ErrorKind::Ended => 410,
//!         ErrorKind::Invalid => 422,
//!         ErrorKind::TimedOut => 504,
//!         ErrorKind::Full => 507,
//!         ErrorKind::OutcomeUnrecorded => 202,
//!         _ if error.is_retryable() => 503,
//!         _ => 500,
//!     };
//!     (status, error.to_string())
//! }
//!
//! let denied = activity_privacy::policy::Denial::NotPermitted;
//! assert_eq!(response(&denied), (403, "denied: no permission to view private activities".to_owned()));
//! ```
//!
//! # After an outcome that could not be recorded
//!
//! An act is recorded before it is done, and its outcome afterwards. There are four cases:
//!
//! - **The intent could not be recorded** (`Unrecorded`). Nothing was done. The kind is that of the sink's error, so a
//!   retry can succeed.
//! - **The act is done, and its outcome could not be recorded** (`OutcomeUnrecorded`). The policy is in force, the
//!   activities are removed, or the sinks are changed. Answer that it is done (202, not 500), and alert an operator
//!   that the sink failed. Do not repeat the call. The log contains the intent without an outcome. The next process that
//!   opens the filter records the outcome of a policy change and of an erasure. A run of retention, a change of sinks
//!   and the totals of a reveal stay without one; the records of its pages say what a reveal has shown.
//! - **Only an answer may be lost** (`OutcomeUnknown`). The store failed while it put a policy in force, or the sink
//!   failed where the record is the act, as in a request for approval and the answers to it. Read the state before you
//!   answer: [`policy`](crate::filter::PrivacyFilter::policy) shows whether a change is in force, and
//!   [`approvals`](crate::filter::PrivacyFilter::approvals) whether an answer counts.
//! - **The store failed during an ingest or a removal** (`Store`). A second ingest of the same batch and a second
//!   removal do no harm.
//!
//! # Back ends
//!
//! A store, sink or directory of your own returns `Backend` or `Unavailable` with the error of its back end as the
//! source. The kind of such an error is that of its source: of a [`WithKind`], an [`io::Error`](std::io::Error) or an
//! error of this crate, wherever it is in the chain of sources, if it is one of `Contended`, `Busy`, `TimedOut`,
//! `Unavailable`, `Full`, `Corrupt`, `Misconfigured` and `BrokenContract`. Without any of them it is `Unavailable`.

mod adapters;
mod backend;
mod filter;
mod input;
mod message;
mod policy;

use std::error::Error;

use serde::Serialize;

pub use self::backend::WithKind;
pub use self::input::UnknownWord;
pub(crate) use self::message::with_sources;
use crate::text::words;

/// The kind of an error. The [module](self) has a table of what each of them means for a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The user may not do this.
    Denied,
    /// The input cannot be accepted: it is malformed, exceeds a limit, lacks something that the policy requires, or
    /// belongs to another call.
    Invalid,
    /// The named thing does not exist: a user, a group, a request, a sink, a policy.
    NotFound,
    /// The call does not fit the current state. Read the state and decide again.
    Conflict,
    /// The reveal or the request is over: expired, closed, denied or withdrawn. Open a new one.
    Ended,
    /// Other callers changed the state during every attempt. Nothing was done.
    Contended,
    /// A file or a back end is in use by others for longer than the call waits.
    Busy,
    /// A port did not answer within its time limit.
    TimedOut,
    /// A port failed for a reason that can pass, or a directory is missing or too old.
    Unavailable,
    /// There is no space left. An operator must free some.
    Full,
    /// Stored data is damaged or missing, or the store and the governance log do not belong together. An operator must
    /// restore it.
    Corrupt,
    /// The installation is wrong: a path, a permission or a version. An operator must change it.
    Misconfigured,
    /// An adapter broke the contract of its port. Test it with the feature `conformance`.
    BrokenContract,
    /// The act is done, but the record of its outcome may not be durable. Do not repeat the call.
    OutcomeUnrecorded,
    /// The act may be done or not, because an answer was lost. Read the state before you repeat the call.
    OutcomeUnknown,
}

words!(
    ErrorKind, "error kind":
    Denied = "denied",
    Invalid = "invalid",
    NotFound = "not_found",
    Conflict = "conflict",
    Ended = "ended",
    Contended = "contended",
    Busy = "busy",
    TimedOut = "timed_out",
    Unavailable = "unavailable",
    Full = "full",
    Corrupt = "corrupt",
    Misconfigured = "misconfigured",
    BrokenContract = "broken_contract",
    OutcomeUnrecorded = "outcome_unrecorded",
    OutcomeUnknown = "outcome_unknown",
);

impl ErrorKind {
    /// Returns whether the same call can succeed later, without a change of its input, by an operator or of the code.
    /// Repeating it does no harm.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Contended | Self::Busy | Self::TimedOut | Self::Unavailable)
    }
}

/// An error of this crate with its kind. See the [module](self) for an example.
///
/// Every public error of a call of the filter, a store, a sink or a directory implements it, and so do the errors of
/// texts, queries and documents.
pub trait Classify: Error {
    /// Returns the kind of the error.
    fn kind(&self) -> ErrorKind;

    /// Returns whether the same call can succeed later: see [`ErrorKind::is_retryable`].
    fn is_retryable(&self) -> bool {
        self.kind().is_retryable()
    }
}

/// Implements [`Classify`] for errors that always have one kind.
macro_rules! of_kind {
    ($kind:ident: $($error:ty),+ $(,)?) => {$(
        impl crate::error::Classify for $error {
            fn kind(&self) -> crate::error::ErrorKind {
                crate::error::ErrorKind::$kind
            }
        }
    )+};
}

use of_kind;

#[cfg(test)]
mod tests;
