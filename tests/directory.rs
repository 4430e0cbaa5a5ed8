//! D8 to D13: what a directory holds, how it goes from one state to the next, and what a policy makes of it.
#![cfg(feature = "proptest")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod directory {
    mod carry_over;
    mod deltas;
    mod dry_run;
    mod joined;
    mod look;
    mod prepared;
    mod removed;
}
mod fixture;
