//! Adapters that are almost right, to see that the conformance kit tells them from those that are.

pub(crate) mod directory;
pub(crate) mod sink;
pub(crate) mod store;
