//! Rule P1: changes of the policy that are made together, and changes that are made at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;
mod updates {
    mod documents;
    mod racing;
    mod together;
}
