//! Retention and erasure, from the filter to the file: G5, and the related parts of G1, G2, P1, V2 and D4.
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
