//! What a sink is called in the records.

use crate::text::checked_text;

checked_text! {
    /// The name of a sink, for the records that say which sinks there are.
    SinkName, "sink name", max 64, shown
}
