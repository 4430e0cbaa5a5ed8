//! This crate.

use std::sync::Arc;
use std::time::Instant;

use activity_privacy::directory::DirectorySnapshot;
use activity_privacy::engine::PolicyEngine;
use activity_privacy::policy::PrivacyPolicy;

use crate::contender::{Decide, verdict as single_verdict, verdicts};
use crate::engine::Engine;
use crate::import::import;
use crate::organisation::Organisation;
use crate::policies;

pub(crate) struct Ours {
    directory: Arc<DirectorySnapshot>,
    policy: Arc<PrivacyPolicy>,
    engine: PolicyEngine,
}

impl Ours {
    pub(crate) fn batch(&self) -> Decide<'_> {
        verdicts(&self.engine)
    }
}

impl Engine for Ours {
    const NAME: &'static str = "`PolicyEngine::verdict`";

    /// Loads an unsorted import with an id and two names per user; the other engines receive one name per user.
    fn load(organisation: &Organisation) -> Self {
        let directory = Arc::new(import(organisation, 1).snapshot);
        let policy = policies::private(organisation, &directory);
        let engine = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&directory)));
        Self { directory, policy, engine }
    }

    fn decide(&self) -> Decide<'_> {
        single_verdict(&self.engine)
    }

    fn publish(&mut self, _: &Organisation) -> f64 {
        let policy = policies::with_large(&self.policy, &self.directory);
        let start = Instant::now();
        let next = self.engine.updated(policy, Ok(Arc::clone(&self.directory)), &[]);
        let took = start.elapsed().as_secs_f64();
        drop(next);
        took
    }
}
