//! The clauses of the [`ForwarderOffsets`] contract.

mod independence;
mod saving;

use uuid::Uuid;

use super::clause::{Checked, Clause};
use crate::forward::{ForwarderName, ForwarderOffsets, Offset, SavedForwarder};

/// A harness for an adapter of the offsets of forwarders: how to create one and simulate a crash.
pub trait OffsetsHarness: Sized {
    /// The adapter.
    type Offsets: ForwarderOffsets;

    /// Returns a new, independent port without forwarders.
    fn fresh() -> Self;

    /// Opens a handle to the offsets. The kit calls it also while other handles are open, for a second node, and after a
    /// crash.
    fn open(&self) -> Self::Offsets;

    /// Simulates a crash at this moment, while handles are open. Afterwards the offsets are what the crash leaves behind.
    /// See [`StoreHarness::crash`](super::StoreHarness::crash).
    fn crash(&mut self);
}

/// The clauses of the contract of forwarders' offsets, by chapter. Tests and [`offsets_clauses`] are generated from this
/// list.
#[doc(hidden)]
#[macro_export]
macro_rules! __forwarder_offsets_contract {
    ([$($callback:tt)+] $($context:tt)*) => { $($callback)+! { $($context)*;
        saving {
            f2_saved_forwarder_is_read_as_saved:
                "a saved state is returned as it was saved, through every handle";
            f2_replacement_compares_whole_state:
                "a state is replaced only if the saved one equals the expected one, in every part";
            f2_one_concurrent_replacement_succeeds:
                "of several replacements that expect one state exactly one succeeds, on any number of handles";
            f2_saved_forwarders_survive_crash:
                "states that were replaced, and forwarders that were removed, stay so after a crash";
        }
        independence {
            f2_names_are_compared_bytewise:
                "a state belongs to one name, byte for byte";
            f2_feeds_are_separate:
                "forwarders and followers of one name are separate";
            f2_every_forwarder_is_listed_in_order:
                "every saved state is listed once, in the order of feeds and names";
        }
    } };
}

/// Returns every clause of the [`ForwarderOffsets`] contract for the adapter of `H`.
#[must_use]
pub fn offsets_clauses<H: OffsetsHarness>() -> Vec<Clause> {
    crate::__forwarder_offsets_contract!([super::clauses_of] H)
}

fn name(text: &str) -> Checked<ForwarderName> {
    Ok(ForwarderName::new(text)?)
}

/// Returns a state of the run `run` at an offset.
fn state(run: u128, offset: u64) -> SavedForwarder {
    SavedForwarder::new(Uuid::from_u128(run), Offset::of_number(offset))
}
