//! Rule G6: an outside auditor with a saved checkpoint detects any change, offline, with tools not written here.
#![cfg(feature = "ledger")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

#[path = "ledger/checkpoints.rs"]
mod checkpoints;
#[path = "ledger/damaged.rs"]
mod damaged;
#[path = "ledger/dying.rs"]
mod dying;
#[path = "ledger/exports.rs"]
mod exports;
mod forward;
#[path = "ledger/growing.rs"]
mod growing;
#[path = "ledger/hashes.rs"]
mod hashes;
#[path = "ledger/hostile.rs"]
mod hostile;
#[path = "ledger/keeping.rs"]
mod keeping;
#[path = "ledger/leaves.rs"]
mod leaves;
#[path = "ledger/log.rs"]
mod log;
#[path = "ledger/notes.rs"]
mod notes;
#[path = "ledger/removing.rs"]
mod removing;
#[path = "ledger/sharing.rs"]
mod sharing;
#[path = "ledger/tree.rs"]
mod tree;
#[path = "ledger/vectors.rs"]
mod vectors;
