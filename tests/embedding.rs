//! The surface that a service relies on when it embeds the library: JSON forms, conversions, kinds of errors, and types
//! that threads can share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "embedding/auto_traits.rs"]
mod auto_traits;
#[path = "embedding/conversions.rs"]
mod conversions;
#[path = "embedding/errors.rs"]
mod errors;
#[path = "embedding/json.rs"]
mod json;
