//! Ingest: activities are decided under the policy in force, and stored under no other.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::PrivacyFilter;
use crate::activity::Activity;
use crate::engine::Undecidable;
use crate::store::{AppendOutcome, StoreError};
use crate::text::{deserialize_without_quoting, words};

/// The outcome for one delivered activity. It is for the source, and does not tell whether the activity is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestOutcome {
    /// The activity was stored.
    Stored,
    /// The activity was stored before, and keeps its first decision. Or an activity with its id was removed, and stays
    /// removed.
    Duplicate,
    /// An activity with the same id and other content was stored before, and stays.
    Conflict,
    /// The activity is out of scope, and was not stored. If it was stored before, when it was in scope, it stays.
    NotMonitored,
}

words!(IngestOutcome, "ingest outcome": Stored = "stored", Duplicate = "duplicate", Conflict = "conflict", NotMonitored = "not_monitored");

/// The outcomes of a delivered batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct IngestReport {
    outcomes: Vec<IngestOutcome>,
}

#[derive(Deserialize)]
#[serde(remote = "IngestReport", deny_unknown_fields, expecting = "an ingest report")]
struct ReportDocument {
    outcomes: Vec<IngestOutcome>,
}

deserialize_without_quoting!(IngestReport, ReportDocument);

impl IngestReport {
    /// Returns the outcome for each activity, in the order of delivery.
    #[must_use]
    pub fn outcomes(&self) -> &[IngestOutcome] {
        &self.outcomes
    }

    /// Returns the number of activities with this outcome.
    #[must_use]
    pub fn count(&self, outcome: IngestOutcome) -> usize {
        self.outcomes.iter().filter(|of_one| **of_one == outcome).count()
    }
}

/// The reason why a batch was not stored. Deliver it again: unless the variant says otherwise, none of it is stored,
/// and a second delivery does no harm.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IngestError {
    /// An activity cannot be decided, and the policy rejects the batch in that case.
    #[error(transparent)]
    Undecidable(#[from] Undecidable),
    /// The policy changed in every attempt while the batch was being decided.
    #[error("the policy changed {attempts} times while the batch was being decided; deliver it again")]
    Contended {
        /// The number of attempts.
        attempts: usize,
    },
    /// The store broke its contract: it stored the batch and did not return an outcome for each activity. Deliver it
    /// again to learn the outcomes.
    #[error("the store returned {answered} outcomes for {stored} activities; deliver the batch again")]
    Unanswered {
        /// The number of decided activities in the batch.
        stored: usize,
        /// The number of outcomes that the store returned.
        answered: usize,
    },
    /// The store failed. The batch may be stored all the same, if only the store's answer was lost.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ATTEMPTS: usize = 64;

impl PrivacyFilter {
    /// Decides a batch of activities and stores it, whole or not at all. All of it is decided under the one policy that
    /// is in force when it is stored, and against one directory.
    ///
    /// # Errors
    /// Returns [`IngestError`] if the batch is not stored, unless the variant says that it may be. The source can
    /// deliver it again.
    pub fn ingest(&self, activities: &[Activity]) -> Result<IngestReport, IngestError> {
        self.inner.check_pairing()?;
        for _ in 0..ATTEMPTS {
            let engine = self.inner.engine()?;
            let batch = match engine.decide(activities, self.inner.now()) {
                Ok(batch) => batch,
                // A superseded policy must not reject a batch that the policy in force would accept.
                Err(undecidable) if self.inner.policy()?.revision() == engine.policy().revision() => {
                    self.inner.reconcile_with(&engine);
                    return Err(undecidable.into());
                }
                Err(_) => continue,
            };
            match self.inner.store.append(&batch) {
                Ok(appended) if appended.len() != batch.decided().len() => {
                    return Err(IngestError::Unanswered { stored: batch.decided().len(), answered: appended.len() });
                }
                Ok(appended) => {
                    self.inner.reconcile_with(&engine);
                    let mut appended = appended.into_iter();
                    let outcomes = batch.monitored().map(|monitored| match monitored.then(|| appended.next()) {
                        None => IngestOutcome::NotMonitored,
                        Some(Some(AppendOutcome::Duplicate)) => IngestOutcome::Duplicate,
                        Some(Some(AppendOutcome::Conflict)) => IngestOutcome::Conflict,
                        // The length was checked, so there is an outcome for each.
                        Some(Some(AppendOutcome::Stored) | None) => IngestOutcome::Stored,
                    });
                    return Ok(IngestReport { outcomes: outcomes.collect() });
                }
                // Reading the policy in force makes the engine of the superseded one obsolete.
                Err(StoreError::Stale { .. }) => drop(self.inner.policy()?),
                Err(error) => return Err(error.into()),
            }
        }
        Err(IngestError::Contended { attempts: ATTEMPTS })
    }
}
