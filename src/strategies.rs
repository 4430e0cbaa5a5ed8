//! Strategies for [`proptest`](https://docs.rs/proptest), and a model of the rules to run beside the library.
//!
//! Whoever builds on this crate and has invariants of their own tests them against everything that can happen: awkward
//! names, groups in circles, directories that come and go, every change of the policy, outcomes that repeat and
//! contradict each other, restarts and a second node that lags behind. The alphabets are small, so that things collide.
//!
//! - [`identities`], [`aliases`], [`domains`], [`actors`], [`activities`], [`batches`]: what is delivered.
//! - [`imports`]: whole directories.
//! - [`policy_updates`], [`policy_changes`], [`options_patches`], [`scope_rules`]: what a policy can be told.
//! - [`searches`], [`record_queries`]: what can be asked.
//! - [`steps`], [`histories`]: all of it, interleaved, for two nodes over one store.
//! - [`Model`]: what each step of a history must answer, by the [rules](crate::rules), worked out as naively as can be.
//!
//! A [`Step`] and an [`Import`] show in full in `Debug`, unlike anything else in this crate, because a failure that
//! shows `Activity { .. }` helps nobody. None of it is anybody's.
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
pub use self::model::{ExpectedAnswer, ExpectedDecision, ExpectedVerdict, Model, Opened, Stored, Turned};
pub use self::names::{aliases, domains, group_ids, groups, identities, spellings, subjects, user_ids};
pub use self::policies::{options_patches, policy_changes, policy_updates, scope_rules, scope_targets};
pub use self::searches::{Search, record_queries, searches};
