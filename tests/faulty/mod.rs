//! Faulty adapters, which the conformance kit must distinguish from correct ones.

pub(crate) mod directory;
pub(crate) mod offsets;
pub(crate) mod sink;
pub(crate) mod store;
