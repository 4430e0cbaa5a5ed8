//! Faults in writing and in keeping the written content.

use activity_privacy::store::ActivityStore;
use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use activity_privacy::activity::ActivityId;
use activity_privacy::directory::DirectoryError;
use activity_privacy::engine::{DecidedBatch, PolicyEngine};
use activity_privacy::governance::{NewPolicy, Recorded};
use activity_privacy::policy::{PolicyOptions, PrivacyPolicy};
use activity_privacy::store::{AppendOutcome, StoreError, StoredActivity};

use super::{Fault, is_private, stored};
use crate::list::{List, ListStore};

/// Replaces the activity with the same id at its position, or at the end if its visibility differs.
fn replace(list: &mut List, new: StoredActivity) {
    let is_same = |stored: &StoredActivity| stored.activity().id() == new.activity().id();
    if let Some(first) = list.private.iter_mut().find(|first| is_same(first)).filter(|_| is_private(&new)) {
        return *first = new;
    }
    let slot = list.public.iter_mut().find(|slot| slot.as_ref().is_some_and(|first| is_same(first)));
    if let (Some(slot), Some(public)) = (slot, new.clone().into_public()) {
        return *slot = Some(public);
    }
    if list.stored().any(is_same) {
        list.private.retain(|stored| !is_same(stored));
        list.public.iter_mut().for_each(|slot| drop(slot.take_if(|first| is_same(first))));
        list.store(new);
    }
}

/// Replaces an activity when its id is delivered again.
#[derive(Default)]
pub(crate) struct LastWriteWins;

impl Fault for LastWriteWins {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let answers = right.append(batch)?;
        let mut list = right.list();
        for decided in batch.decided() {
            replace(&mut list, stored(decided));
        }
        Ok(answers)
    }
}

/// Compares details as text, so that the same JSON in another layout is a conflict.
#[derive(Default)]
pub(crate) struct ComparesDetailsAsText;

impl Fault for ComparesDetailsAsText {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut answers = right.append(batch)?;
        let list = right.list();
        for (answer, decided) in answers.iter_mut().zip(batch.decided()) {
            let new = decided.activity();
            let is_other = |stored: &StoredActivity| {
                stored.activity().id() == new.id() && stored.activity().details() != new.details()
            };
            if *answer == AppendOutcome::Duplicate && list.stored().any(is_other) {
                *answer = AppendOutcome::Conflict;
            }
        }
        Ok(answers)
    }
}

/// Stores activities under any policy revision.
#[derive(Default)]
pub(crate) struct IgnoresFence;

impl Fault for IgnoresFence {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut list = right.list();
        Ok(batch.decided().iter().map(|decided| list.append(decided)).collect())
    }
}

/// Delays a call until another has passed through the store, or until none is expected.
#[derive(Default)]
pub(crate) struct Gap {
    passed: Mutex<u64>,
    another: Condvar,
}

impl Gap {
    pub(super) fn wait_for_another(&self) {
        let passed = self.passed.lock().unwrap();
        let before = *passed;
        let patience = Duration::from_millis(3);
        drop(self.another.wait_timeout_while(passed, patience, |passed| *passed == before).unwrap());
    }

    /// Releases the delayed calls a moment after this call returns.
    pub(super) fn pass(self: &Arc<Self>) {
        let gap = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(Duration::from_micros(500));
            *gap.passed.lock().unwrap() += 1;
            gap.another.notify_all();
        });
    }
}

/// Checks the policy before it stores the batch.
#[derive(Default)]
pub(crate) struct FenceBeforeCommit(Arc<Gap>);

impl Fault for FenceBeforeCommit {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.publish(change)?;
        self.0.pass();
        Ok(())
    }

    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        right.list().fence(Some(batch.policy()))?;
        self.0.wait_for_another();
        let mut list = right.list();
        Ok(batch.decided().iter().map(|decided| list.append(decided)).collect())
    }
}

/// Checks the revision before it publishes the policy.
#[derive(Default)]
pub(crate) struct TwoWinners(Arc<Gap>);

impl Fault for TwoWinners {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.list().fence(change.expected())?;
        self.0.wait_for_another();
        let mut list = right.list();
        list.policy = Some(Arc::new(change.policy().clone()));
        list.applied = change.applied(&list.applied);
        drop(list);
        self.0.pass();
        Ok(())
    }
}

/// Publishes a policy without the record of the change.
#[derive(Default)]
pub(crate) struct KeepsNoRecord;

impl Fault for KeepsNoRecord {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let mut list = right.list();
        list.fence(change.expected())?;
        list.policy = Some(Arc::new(change.policy().clone()));
        Ok(())
    }
}

/// Loses the newest activity in a crash.
#[derive(Default)]
pub(crate) struct LosesTail;

impl Fault for LosesTail {
    fn crash(&self, list: &mut List) {
        list.public.pop();
        list.private.pop();
    }
}

/// Keeps the policy in the process only.
#[derive(Default)]
pub(crate) struct ForgetsPolicy;

impl Fault for ForgetsPolicy {
    fn crash(&self, list: &mut List) {
        list.policy = None;
    }
}

/// Stops at the first known id and reports the rest as stored.
#[derive(Default)]
pub(crate) struct StoresPartOfBatch;

impl Fault for StoresPartOfBatch {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut gave_up = false;
        let answers = batch.decided().iter().map(|decided| {
            let answer = if gave_up { AppendOutcome::Stored } else { list.append(decided) };
            gave_up |= answer != AppendOutcome::Stored;
            answer
        });
        Ok(answers.collect())
    }
}

/// Stores a batch one activity at a time, each visible to readers.
#[derive(Default)]
pub(crate) struct StoresOneByOne;

impl Fault for StoresOneByOne {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        right.list().fence(Some(batch.policy()))?;
        let one_by_one = batch.decided().iter().map(|decided| {
            thread::sleep(Duration::from_micros(50));
            right.list().append(decided)
        });
        Ok(one_by_one.collect())
    }
}

/// Decides all activities again when the policy changes.
#[derive(Default)]
pub(crate) struct DecidesAgain;

impl Fault for DecidesAgain {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.publish(change)?;
        let engine = PolicyEngine::new(Arc::new(change.policy().clone()), Err(DirectoryError::NeverLoaded));
        let mut list = right.list();
        let activities: Vec<_> = list.stored().map(|stored| stored.activity().clone()).collect();
        let anew = engine.decide(&activities, chrono::DateTime::UNIX_EPOCH).unwrap();
        anew.decided().iter().for_each(|decided| replace(&mut list, stored(decided)));
        Ok(())
    }
}

/// Compares ids like a case-insensitive database collation.
#[derive(Default)]
pub(crate) struct IgnoresCase;

impl Fault for IgnoresCase {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut known: HashSet<String> =
            list.stored().map(|stored| stored.activity().id().as_str().to_lowercase()).collect();
        let answers = batch.decided().iter().map(|decided| {
            let exact = list.stored().any(|stored| stored.activity().id() == decided.activity().id());
            let new = known.insert(decided.activity().id().as_str().to_lowercase());
            if new || exact { list.append(decided) } else { AppendOutcome::Conflict }
        });
        Ok(answers.collect())
    }
}

/// Checks for an id before it stores the activity.
#[derive(Default)]
pub(crate) struct ChecksBeforeStoring(Arc<Gap>);

impl Fault for ChecksBeforeStoring {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let known: HashSet<ActivityId> = right.list().stored().map(|stored| stored.activity().id().clone()).collect();
        let new = batch.decided().iter().filter(|decided| !known.contains(decided.activity().id())).count();
        if new > 1 {
            self.0.wait_for_another();
        }
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut seen = known.clone();
        let answers = batch.decided().iter().map(|decided| {
            if seen.insert(decided.activity().id().clone()) {
                list.store(stored(decided));
                AppendOutcome::Stored
            } else {
                list.append(decided)
            }
        });
        let answers = answers.collect();
        self.0.pass();
        Ok(answers)
    }
}

/// Publishes any policy.
#[derive(Default)]
pub(crate) struct PublishesAnyPolicy;

impl Fault for PublishesAnyPolicy {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.list().policy = Some(Arc::new(change.policy().clone()));
        Ok(())
    }
}

/// Caches the policy. Other nodes receive the old policy a few times.
#[derive(Default)]
pub(crate) struct CachesPolicy(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    published_by: Option<ThreadId>,
    before: Option<Arc<PrivacyPolicy>>,
    stale_answers: u8,
}

impl Fault for CachesPolicy {
    fn policy(&self, right: &ListStore) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        let mut cache = self.0.lock().unwrap();
        if cache.stale_answers == 0 || cache.published_by == Some(thread::current().id()) {
            return right.policy();
        }
        cache.stale_answers -= 1;
        Ok(cache.before.clone())
    }

    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        let before = right.policy()?;
        right.publish(change)?;
        *self.0.lock().unwrap() = Cache { published_by: Some(thread::current().id()), before, stale_answers: 4 };
        Ok(())
    }
}

/// Drops the options of a policy.
#[derive(Default)]
pub(crate) struct ForgetsOptions;

impl Fault for ForgetsOptions {
    fn publish(&self, right: &ListStore, change: &Recorded<NewPolicy>) -> Result<(), StoreError> {
        right.publish(change)?;
        let mut document = serde_json::to_value(change.policy()).unwrap();
        document["options"] = serde_json::to_value(PolicyOptions::default()).unwrap();
        right.list().policy = Some(Arc::new(serde_json::from_value(document).unwrap()));
        Ok(())
    }
}

/// Names the rejected activity in its error.
#[derive(Default)]
pub(crate) struct NamesRejectedActivity;

impl Fault for NamesRejectedActivity {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        right.append(batch).map_err(|_| {
            let ids: Vec<_> = batch.decided().iter().map(|decided| decided.activity().id().as_str()).collect();
            StoreError::Backend(format!("stale: {ids:?}").into())
        })
    }
}

/// Stores at most 32 activities, like a statement with a parameter limit.
#[derive(Default)]
pub(crate) struct StoresAtMost32;

impl Fault for StoresAtMost32 {
    fn append(&self, right: &ListStore, batch: &DecidedBatch<'_>) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut answers: Vec<_> = batch.decided().iter().take(32).map(|decided| list.append(decided)).collect();
        answers.resize(batch.decided().len(), AppendOutcome::Stored);
        Ok(answers)
    }
}
