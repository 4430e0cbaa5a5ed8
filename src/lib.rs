// The README links to files. In the documentation of the crate, the first definition of a link counts: these lead to
// the same texts as pages of it.
//! [Architecture]: guides::architecture
//! [Embedding]: guides::embedding
//! [JSON forms]: guides::json
//! [Formats]: guides::formats
//! [Maps]: guides::maps
//! [Operations]: guides::operations
//! [Directories]: guides::directory_sync
//! [Forwarding]: guides::forwarding
//! [reveals with approvals]: guides::approvals
//! [the ledger]: guides::ledger
//! [The SQLite files]: guides::schema
//! [performance]: https://docs.rs/crate/activity-privacy/latest/source/docs/performance.md
//! [tests]: https://docs.rs/crate/activity-privacy/latest/source/docs/testing.md
//! [CONTRIBUTING]: https://docs.rs/crate/activity-privacy/latest/source/CONTRIBUTING.md
//! [SECURITY]: https://docs.rs/crate/activity-privacy/latest/source/SECURITY.md
//! [MIT]: https://docs.rs/crate/activity-privacy/latest/source/LICENSE-MIT
//! [Apache-2.0]: https://docs.rs/crate/activity-privacy/latest/source/LICENSE-APACHE
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
//!
//! ## Where to begin
//!
//! [`filter::PrivacyFilter`] drives everything through three ports: [`store::ActivityStore`],
//! [`directory::GroupDirectory`] and [`governance::GovernanceSink`]. The documentation of each port states the contract
//! that an adapter must keep. The steps that the filter drives are pure values, for callers that drive them without it,
//! for example from async code: [`engine::PolicyEngine`] decides; [`governance`], [`sinks`] and [`reveal`] contain the
//! steps that record every change, removal and reveal before it happens. [`error`] has the kinds of all errors.
//! [`prelude`] contains the names that most programs need.

pub mod activity;
#[cfg(feature = "conformance")]
pub mod conformance;
mod digest;
pub mod directory;
pub mod engine;
pub mod error;
#[cfg(feature = "export")]
pub mod export;
pub mod filter;
pub mod forward;
pub mod governance;
pub mod identity;
#[cfg(feature = "import")]
pub mod import;
#[cfg(any(feature = "import", feature = "m365", feature = "mapped"))]
pub mod input;
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
#[cfg(any(feature = "m365", feature = "mapped"))]
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

/// Guides: the texts in `docs/`. Their examples are compiled as tests.
#[cfg(any(doc, doctest))]
pub mod guides {
    macro_rules! guides {
        ($($name:ident = $file:literal),+ $(,)?) => {$(
            /// [README]: crate
            /// [JSON forms]: crate::guides::json
            /// [Maps]: crate::guides::maps
            /// [The SQLite files]: crate::guides::schema
            /// [performance]: https://docs.rs/crate/activity-privacy/latest/source/docs/performance.md
            ///
            #[doc = include_str!(concat!("../docs/", $file))]
            pub mod $name {}
        )+};
    }

    guides!(
        approvals = "approvals.md",
        architecture = "architecture.md",
        directory_sync = "directory-sync.md",
        embedding = "embedding.md",
        forwarding = "forwarding.md",
        json = "json.md",
        operations = "operations.md",
        schema = "schema.md",
    );

    // Their examples need the features.
    #[cfg(any(doc, feature = "export"))]
    guides!(formats = "formats.md");
    #[cfg(any(doc, feature = "ledger"))]
    guides!(ledger = "ledger.md");

    guides!(maps = "maps.md");
}
