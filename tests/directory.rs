//! D8 to D13: the content of a directory, its changes, and the decisions of a policy over it.
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
    mod fast_path;
    mod joined;
    mod prewarm;
    mod removed_groups;
}
mod fixture;
