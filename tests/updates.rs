//! Rule P1: several changes in one policy update, and concurrent policy updates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;
mod updates {
    mod documents;
    mod racing;
    mod together;
}
