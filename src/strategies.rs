//! Strategies for [`proptest`](https://docs.rs/proptest), and a model of the rules to run beside the library.
//!
//! An embedder with invariants of its own can test them against a wide range of events: confusable names, cyclic
//! groups, changing and failing directories, every change of the policy, repeated and conflicting deliveries, restarts,
//! and a second node that lags behind. The sets of values are small, so that they collide often.
//!
//! - [`identities`], [`aliases`], [`domains`], [`actors`], [`activities`], [`batches`]: activities to deliver.
//! - [`imports`]: directory imports.
//! - [`policy_updates`], [`policy_changes`], [`options_patches`], [`scope_rules`]: changes of the policy.
//! - [`searches`], [`record_queries`]: queries of activities and of governance records.
//! - [`steps`], [`histories`]: interleaved steps of two nodes that share one store.
//! - [`Model`]: the answer that the [rules](crate::rules) require of each step, computed as simply as possible.
//!
//! The `Debug` output of a [`Step`] and an [`Import`] is complete, unlike that of other types of this crate, because
//! `Activity { .. }` does not explain a failure. Generated values are not confidential.
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
mod searches;
mod show;

pub use self::activities::{Batch, activities, activity_ids, actors, all_activity_ids, apps, batches, times};
pub use self::histories::{CursorChoice, Node, Step, beginnings, histories, steps};
pub use self::imports::{Import, imports};
pub use self::model::{
    ExpectedActivity, ExpectedAnswer, ExpectedDecision, ExpectedPage, ExpectedReveal, ExpectedVerdict, Model,
};
pub use self::names::{aliases, domains, group_ids, groups, identities, spellings, subjects, user_ids};
pub use self::policies::{options_patches, policy_changes, policy_updates, scope_rules, scope_targets};
pub use self::searches::{Search, record_queries, searches};
