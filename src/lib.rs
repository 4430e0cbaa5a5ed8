#![doc = include_str!("../README.md")]
//!
//! ## Where to begin
//!
//! [`filter::PrivacyFilter`] drives everything through three ports: [`store::ActivityStore`],
//! [`directory::GroupDirectory`] and [`governance::GovernanceSink`]. The documentation of each port states the contract
//! that an adapter must keep. The steps that the filter drives are pure values, for callers that drive them without it,
//! for example from async code: [`engine::PolicyEngine`] decides; [`governance`], [`sinks`] and [`reveal`] contain the
//! steps that record every change, removal and reveal before it happens. [`prelude`] contains the names that most
//! programs need.

pub mod activity;
#[cfg(feature = "conformance")]
pub mod conformance;
mod digest;
pub mod directory;
pub mod engine;
#[cfg(feature = "export")]
pub mod export;
pub mod filter;
pub mod forward;
pub mod governance;
pub mod identity;
#[cfg(feature = "import")]
pub mod import;
#[cfg(any(feature = "import", feature = "m365"))]
pub mod input;
#[cfg(any(feature = "import", feature = "ledger", feature = "m365"))]
mod json;
#[cfg(feature = "ledger")]
pub mod ledger;
pub mod memory;
pub mod policy;
pub mod prelude;
pub mod query;
pub mod reveal;
pub mod rules;
pub mod sinks;
#[cfg(feature = "m365")]
pub mod sources;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod steps;
pub mod store;
mod stored;
#[cfg(feature = "proptest")]
pub mod strategies;
mod sync;
mod text;
mod varint;
mod versioned;

/// The examples of the guides, which are run as tests and are no part of the documentation.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/approvals.md")]
    mod approvals {}
    #[doc = include_str!("../docs/directory-sync.md")]
    mod directory_sync {}
    #[doc = include_str!("../docs/ledger.md")]
    mod ledger {}
    #[doc = include_str!("../docs/operations.md")]
    mod operations {}
}
