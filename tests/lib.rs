//! Integration tests of `activity-privacy`.
