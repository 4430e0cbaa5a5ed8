//! What may leave the house for a SIEM, a hunting table or a webhook: public activities, in the order of storing.

use serde::{Deserialize, Serialize};

use crate::stored::PublicActivity;

/// How far a forwarder has come. Counts public activities alone, so it tells nothing of the others. Keep it where it
/// outlives a restart, and store it after the forwarder took the batch: then nothing is lost and little comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ForwardCursor(pub(crate) u64);

impl ForwardCursor {
    /// Before everything that was ever stored.
    pub const START: Self = Self(0);
}

/// What a forwarder is to send next.
///
/// The only source of activities that a forwarder needs, and its type cannot hold a private one: not now, not in a
/// replay, not within a reveal. Delivered by the stored verdict, whatever the policy says today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForwardBatch {
    /// The activities, in the order of storing. Empty when the forwarder has caught up.
    pub activities: Vec<PublicActivity>,
    /// Where to go on once they are delivered.
    pub next: ForwardCursor,
}
