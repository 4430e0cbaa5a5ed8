//! Errors of forwarders and followers.

use thiserror::Error;

use super::{ForwarderName, SavedForwarder};
use crate::governance::SinkError;
use crate::store::StoreError;

/// The reason why a call of a forwarder or a follower failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ForwardError {
    /// There is no forwarder of this name.
    #[error("no forwarder is named `{0}`; create it first")]
    Unknown(ForwarderName),
    /// There is a forwarder of this name already.
    #[error("a forwarder is named `{0}` already; open it, or remove it first")]
    AlreadyExists(ForwarderName),
    /// The policy in force names no follower of this name.
    #[error("the policy names no follower `{0}`; an administrator must add it")]
    NotInPolicy(ForwarderName),
    /// Another process acknowledged a batch of this forwarder first, or the forwarder was removed or created again.
    #[error("another process moved forwarder `{0}`; read its next batch")]
    Superseded(ForwarderName),
    /// The batch belongs to another forwarder.
    #[error("the batch belongs to forwarder `{0}`; acknowledge it there")]
    ForeignBatch(ForwarderName),
    /// The saved offset is not one of the store or the log: they were restored to an older state, or replaced.
    #[error(
        "the saved offset of forwarder `{0}` does not belong to the store; remove the forwarder and create it again"
    )]
    ForeignOffset(ForwarderName),
    /// The forwarder has set aside as many items as it may.
    #[error(
        "forwarder `{name}` has set aside {set_aside} items, at most {} are possible; deliver them and forget them",
        SavedForwarder::MAX_SET_ASIDE
    )]
    SetAsideFull {
        /// The forwarder.
        name: ForwarderName,
        /// The number of items that it has set aside.
        set_aside: usize,
    },
    /// The governance log cannot be read.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
