//! The rules that threads could break, explored by [shuttle](https://docs.rs/shuttle) over many interleavings:
//! `RUSTFLAGS="--cfg shuttle" cargo test --test races`. Built without that flag this file is empty.
//!
//! `ACTIVITY_PRIVACY_SCHEDULES` says how many interleavings each scenario is run in. One that fails prints its
//! schedule; `shuttle::replay` runs it again.
#![cfg(shuttle)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fixture;
mod forward;

mod races {
    mod directory;
    mod explore;
    mod ingest;
    mod initializing;
    mod quorum_sink;
    mod reveal;
    mod scene;
    mod timeout;
}
