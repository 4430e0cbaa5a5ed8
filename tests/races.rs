//! Explores rules that concurrent threads could break, with [shuttle](https://docs.rs/shuttle), over many
//! interleavings: `RUSTFLAGS="--cfg shuttle" cargo test --test races`. Without that flag this file is empty.
//!
//! `ACTIVITY_PRIVACY_SCHEDULES` sets the number of interleavings for each scenario. A failing one prints its schedule,
//! which `shuttle::replay` runs again.
#![cfg(shuttle)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy recognises only test functions as tests"
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
