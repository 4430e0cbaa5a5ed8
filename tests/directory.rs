//! D8 to D11: what a directory holds, and how it goes from one state to the next.
#![cfg(feature = "proptest")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

mod directory {
    mod deltas;
    mod look;
}
mod house;
