//! Retention and erasure, from the front door to the file: G5, and what G1, G2, P1, V2 and D4 say of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fault;
mod fixture;
mod forward;
mod place;

mod removal {
    mod erasing;
    mod failing;
    #[cfg(feature = "sqlite")]
    mod file;
    mod retaining;
}
