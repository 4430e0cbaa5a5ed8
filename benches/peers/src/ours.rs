//! This crate.

use std::sync::Arc;
use std::time::Instant;

use activity_privacy::{DirectorySnapshot, PrivacyPolicy, Screen};

use crate::contender::{Decide, judge, judge_all};
use crate::engine::Engine;
use crate::import::import;
use crate::organisation::Organisation;
use crate::policies;

pub(crate) struct Ours {
    directory: Arc<DirectorySnapshot>,
    policy: Arc<PrivacyPolicy>,
    screen: Screen,
}

impl Ours {
    pub(crate) fn batch(&self) -> Decide<'_> {
        judge_all(&self.screen)
    }
}

impl Engine for Ours {
    const NAME: &'static str = "`Screen::judge`";

    /// From an import in which nothing is sorted, with ids and two names for each user, where the others get one name.
    fn load(organisation: &Organisation) -> Self {
        let directory = Arc::new(import(organisation, 1).snapshot);
        let policy = policies::private(organisation, &directory);
        let screen = Screen::new(Arc::clone(&policy), Ok(Arc::clone(&directory)));
        Self { directory, policy, screen }
    }

    fn decide(&self) -> Decide<'_> {
        judge(&self.screen)
    }

    fn publish(&mut self, _: &Organisation) -> f64 {
        let policy = policies::with_large(&self.policy, &self.directory);
        let start = Instant::now();
        let next = self.screen.following(policy, Ok(Arc::clone(&self.directory)), &[]);
        let took = start.elapsed().as_secs_f64();
        drop(next);
        took
    }
}
