//! Activities in: decided under the policy in force, and stored under no other.

use thiserror::Error;

use super::PrivacyFilter;
use crate::activity::Activity;
use crate::engine::Undecidable;
use crate::store::{AppendOutcome, StoreError};

/// What became of one delivered activity. For the pipeline that delivers: it tells nothing of who is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IngestOutcome {
    /// It is stored now.
    Stored,
    /// It was stored before. The first verdict and the first content stay. Or what was stored under its id was removed,
    /// and stays removed.
    Duplicate,
    /// Another content was stored under its id before, and stays.
    Conflict,
    /// It is out of scope, and was neither stored nor passed on. If it was stored before, when it was in scope, that
    /// stays.
    NotMonitored,
}

/// What became of a delivered batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestReport {
    outcomes: Vec<IngestOutcome>,
}

impl IngestReport {
    /// What became of each activity, in the order of delivery.
    #[must_use]
    pub fn outcomes(&self) -> &[IngestOutcome] {
        &self.outcomes
    }

    /// To how many activities this happened.
    #[must_use]
    pub fn count(&self, what: IngestOutcome) -> usize {
        self.outcomes.iter().filter(|delivery| **delivery == what).count()
    }
}

/// Why a batch was not taken. Deliver it again: unless the variant says otherwise nothing of it is stored, and
/// delivering twice does no harm.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum IngestError {
    /// Something cannot be decided, and the policy says to refuse then.
    #[error(transparent)]
    Undecidable(#[from] Undecidable),
    /// The policy changed again and again while the batch was being decided.
    #[error("the policy changed {attempts} times while the batch was being decided")]
    Contended {
        /// How often the batch was decided.
        attempts: usize,
    },
    /// The store broke its contract: it took the batch and did not answer for each activity. Deliver it again to learn
    /// what became of them.
    #[error("the store answered for {answered} of {stored} activities")]
    Unanswered {
        /// For how many it should have answered.
        stored: usize,
        /// For how many it did.
        answered: usize,
    },
    /// The store failed. The batch is stored all the same if only the store's answer was lost: deliver it again.
    #[error(transparent)]
    Store(#[from] StoreError),
}

const ATTEMPTS: usize = 64;

impl PrivacyFilter {
    /// Decides a batch of activities and stores it. All of it is decided under the one policy that is in force when it
    /// is stored, and against one directory; a batch is taken whole or not at all.
    ///
    /// # Errors
    /// [`IngestError`]; the batch is not stored then, unless the variant says that it may be, and it can be delivered
    /// again.
    pub fn ingest(&self, activities: &[Activity]) -> Result<IngestReport, IngestError> {
        self.inner.check_pairing()?;
        for _ in 0..ATTEMPTS {
            let engine = self.inner.engine()?;
            let batch = match engine.decide(activities, self.inner.now()) {
                Ok(batch) => batch,
                // A stale policy must not refuse what the one in force would take.
                Err(undecidable) if self.inner.policy()?.revision() == engine.policy().revision() => {
                    self.inner.follow(&engine);
                    return Err(undecidable.into());
                }
                Err(_) => continue,
            };
            match self.inner.store.append(&batch) {
                Ok(appended) if appended.len() != batch.decided().len() => {
                    return Err(IngestError::Unanswered { stored: batch.decided().len(), answered: appended.len() });
                }
                Ok(appended) => {
                    self.inner.follow(&engine);
                    let mut appended = appended.into_iter();
                    let outcomes = batch.monitored().map(|monitored| match monitored.then(|| appended.next()) {
                        None => IngestOutcome::NotMonitored,
                        Some(Some(AppendOutcome::Duplicate)) => IngestOutcome::Duplicate,
                        Some(Some(AppendOutcome::Conflict)) => IngestOutcome::Conflict,
                        // The length was checked, so there is an answer for each.
                        Some(Some(AppendOutcome::Stored) | None) => IngestOutcome::Stored,
                    });
                    return Ok(IngestReport { outcomes: outcomes.collect() });
                }
                // Whoever reads the policy in force knows that what was decided with is not.
                Err(StoreError::Stale { .. }) => drop(self.inner.policy()?),
                Err(error) => return Err(error.into()),
            }
        }
        Err(IngestError::Contended { attempts: ATTEMPTS })
    }
}
