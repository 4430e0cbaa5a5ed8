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
#[path = "ledger/crashes.rs"]
mod crashes;
#[path = "ledger/exports.rs"]
mod exports;
mod forward;
#[path = "ledger/growing.rs"]
mod growing;
#[path = "ledger/hashes.rs"]
mod hashes;
#[path = "ledger/hostile.rs"]
mod hostile;
#[path = "ledger/leaves.rs"]
mod leaves;
#[path = "ledger/log.rs"]
mod log;
#[path = "ledger/notes.rs"]
mod notes;
#[path = "ledger/processes.rs"]
mod processes;
#[path = "ledger/reopening.rs"]
mod reopening;
#[path = "ledger/retention.rs"]
mod retention;
#[path = "ledger/transfer_damage.rs"]
mod transfer_damage;
#[path = "ledger/tree.rs"]
mod tree;
#[path = "ledger/vectors.rs"]
mod vectors;
