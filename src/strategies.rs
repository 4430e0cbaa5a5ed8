//! Strategies for [`proptest`](https://docs.rs/proptest), and a reference model of the rules, to
//! compare the library with.
//!
//! Requires the feature `proptest`.
//!
//! Use them to test invariants of your own against many situations: confusable names, cyclic groups, changing and
//! failing directories, every policy change, repeated and conflicting deliveries, restarts, and a second node that lags
//! behind. The sets of values are small, so that they collide often.
//!
//! - [`identities`], [`aliases`], [`spellings`], [`domains`], [`actors`], [`times`], [`activities`], [`batches`]:
//!   activities to deliver.
//! - [`imports`]: directory imports.
//! - [`policy_updates`], [`policy_changes`], [`options_patches`], [`scope_rules`], [`scope_targets`]: changes of the
//!   policy.
//! - [`subjects`]: people to erase or to report on.
//! - [`searches`], [`record_queries`]: queries of activities and of governance records.
//! - [`setup_steps`]: steps that prepare a history.
//! - [`steps`], [`histories`]: interleaved steps of two nodes that share one store.
//! - [`Model`]: the answer that the [rules](crate::rules) require of each step, computed as simply as possible.
//!
//! [`HistoryTest`] runs such histories against your own store, sink and directory, and compares every answer with the
//! model.
//!
//! The `Debug` output of a [`Step`] and an [`ImportedDirectory`] is complete, unlike that of other types of this crate,
//! because `Activity { .. }` does not explain a failure. Generated values are not confidential.
//!
//! ```
//! use activity_privacy::strategies::{Step, histories};
//! use proptest::prelude::*;
//!
//! proptest!(ProptestConfig::with_cases(8), |(history in histories(1..20))| {
//!     for step in &history {
//!         if let Step::Deliver { batch, .. } = step {
//!             prop_assert!(batch.len() <= 8); // your own invariant here
//!         }
//!     }
//! });
//! ```

mod activities;
mod histories;
mod imports;
mod model;
mod names;
mod policies;
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a comparison that fails panics, as an assertion in a test does"
)]
mod runner;
mod searches;
mod show;

pub use self::activities::{Batch, activities, activity_ids, actors, all_activity_ids, apps, batches, times};
pub use self::histories::{CursorChoice, Node, Step, histories, setup_steps, steps};
pub use self::imports::{ImportedDirectory, imports};
pub use self::model::{
    ExpectedActivity, ExpectedAnswer, ExpectedDecision, ExpectedFollower, ExpectedPage, ExpectedReveal,
    ExpectedVerdict, Model,
};
pub use self::names::{aliases, domains, group_ids, groups, identities, spellings, subjects, user_ids};
pub use self::policies::{options_patches, policy_changes, policy_updates, scope_rules, scope_targets};
pub use self::runner::{Coverage, HistoryHarness, HistoryTest, Nodes, first_administrators};
pub use self::searches::{Search, record_queries, searches};
