//! Stores that are almost right. Each is the list store of the example `own_adapter` with one thing bent.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use activity_privacy::conformance::StoreHarness;
use activity_privacy::*;

use crate::list::{List, ListStore, page};

/// What a store does wrong, and what it keeps to do so. Whatever is not said here is done right.
pub(crate) trait Fault: Default + Send + Sync + 'static {
    fn policy(&self, right: &ListStore) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        right.policy()
    }

    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.publish(change)
    }

    fn keep_vanished(&self, right: &ListStore, vanished: &VanishedGroup) -> Result<(), StoreError> {
        right.keep_vanished(vanished)
    }

    fn drop_vanished(&self, right: &ListStore, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        right.drop_vanished(group, up_to)
    }

    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        right.append(batch)
    }

    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        right.public_page(query, after, limit)
    }

    fn public_activity(&self, right: &ListStore, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        right.public_activity(id)
    }

    fn public_count(&self, right: &ListStore, query: &Query) -> Result<u64, StoreError> {
        right.public_count(query)
    }

    fn public_counts(&self, right: &ListStore, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        right.public_counts(query, by)
    }

    fn public_since(&self, right: &ListStore, after: u64, limit: usize) -> Since {
        right.public_since(after, limit)
    }

    fn revealed_page(
        &self,
        right: &ListStore,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        right.revealed_page(admission, after, limit)
    }

    fn crash(&self, _: &mut List) {}
}

pub(crate) type Public = Result<Vec<PublicActivity>, StoreError>;

pub(crate) type Since = Result<Vec<(u64, PublicActivity)>, StoreError>;

/// A store with a fault: an adapter, and the place where it lies.
pub(crate) struct Place<F>(Arc<(ListStore, F)>);

impl<F: Fault> StoreHarness for Place<F> {
    type Store = Self;

    fn fresh() -> Self {
        Self(Arc::default())
    }

    fn open(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    fn crash(&mut self) {
        let (right, fault) = &*self.0;
        fault.crash(&mut right.list());
    }
}

impl<F: Fault> ActivityStore for Place<F> {
    fn policy(&self) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        self.0.1.policy(&self.0.0)
    }

    fn publish(&self, change: &RecordedChange) -> Result<(), StoreError> {
        self.0.1.publish(&self.0.0, change)
    }

    fn vanished_groups(&self) -> Result<Vec<VanishedGroup>, StoreError> {
        self.0.0.vanished_groups()
    }

    fn keep_vanished(&self, vanished: &VanishedGroup) -> Result<(), StoreError> {
        self.0.1.keep_vanished(&self.0.0, vanished)
    }

    fn drop_vanished(&self, group: &GroupId, up_to: DirectoryRevision) -> Result<(), StoreError> {
        self.0.1.drop_vanished(&self.0.0, group, up_to)
    }

    fn append(&self, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        self.0.1.append(&self.0.0, batch)
    }

    fn public_page(&self, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        self.0.1.public_page(&self.0.0, query, after, limit)
    }

    fn public_activity(&self, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        self.0.1.public_activity(&self.0.0, id)
    }

    fn public_count(&self, query: &Query) -> Result<u64, StoreError> {
        self.0.1.public_count(&self.0.0, query)
    }

    fn public_counts(&self, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        self.0.1.public_counts(&self.0.0, query, by)
    }

    fn public_since(&self, after: u64, limit: usize) -> Result<Vec<(u64, PublicActivity)>, StoreError> {
        self.0.1.public_since(&self.0.0, after, limit)
    }

    fn revealed_page(
        &self,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        self.0.1.revealed_page(&self.0.0, admission, after, limit)
    }
}

fn stored(stamped: &Stamped<'_>) -> StoredActivity {
    StoredActivity::assertion(stamped.activity().clone(), stamped.stamp().clone())
}

fn in_public(page: Vec<StoredActivity>) -> Vec<PublicActivity> {
    page.into_iter().filter_map(StoredActivity::into_public).collect()
}

/// Nothing at all: the list store as it is.
#[derive(Default)]
pub(crate) struct NoFault;

impl Fault for NoFault {}

/// An id that comes again replaces what was there.
#[derive(Default)]
pub(crate) struct LastWriteWins;

impl Fault for LastWriteWins {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let answers = right.append(batch)?;
        let mut list = right.list();
        for stamped in batch.stamped() {
            let id = stamped.activity().id();
            if let Some(first) = list.activities.iter_mut().find(|first| first.activity().id() == id) {
                *first = stored(stamped);
            }
        }
        Ok(answers)
    }
}

/// Whatever comes is stored, under whatever policy it was decided.
#[derive(Default)]
pub(crate) struct DropsTheFence;

impl Fault for DropsTheFence {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut list = right.list();
        Ok(batch.stamped().iter().map(|stamped| list.append(stamped)).collect())
    }
}

/// Holds a call in its gap until another has passed through the store, or until it is plain that none will.
#[derive(Default)]
pub(crate) struct Gap {
    passed: Mutex<u64>,
    another: Condvar,
}

impl Gap {
    fn wait_for_another(&self) {
        let passed = self.passed.lock().unwrap();
        let before = *passed;
        let patience = Duration::from_millis(3);
        drop(self.another.wait_timeout_while(passed, patience, |passed| *passed == before).unwrap());
    }

    /// Lets those in the gap go on, a moment after this call returned.
    fn pass(self: &Arc<Self>) {
        let gap = Arc::clone(self);
        thread::spawn(move || {
            thread::sleep(Duration::from_micros(500));
            *gap.passed.lock().unwrap() += 1;
            gap.another.notify_all();
        });
    }
}

/// The policy is looked at, and then the batch is stored.
#[derive(Default)]
pub(crate) struct FenceBeforeCommit(Arc<Gap>);

impl Fault for FenceBeforeCommit {
    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.publish(change)?;
        self.0.pass();
        Ok(())
    }

    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        right.list().fence(Some(batch.policy()))?;
        self.0.wait_for_another();
        let mut list = right.list();
        Ok(batch.stamped().iter().map(|stamped| list.append(stamped)).collect())
    }
}

/// The revision is looked at, and then the policy is published.
#[derive(Default)]
pub(crate) struct TwoWinners(Arc<Gap>);

impl Fault for TwoWinners {
    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.list().fence(change.expected())?;
        self.0.wait_for_another();
        right.list().policy = Some(Arc::new(change.policy().clone()));
        self.0.pass();
        Ok(())
    }
}

/// Counts what is there, hidden or not.
#[derive(Default)]
pub(crate) struct CountsWhatIsHidden;

impl Fault for CountsWhatIsHidden {
    fn public_count(&self, right: &ListStore, query: &Query) -> Result<u64, StoreError> {
        let list = right.list();
        let found = list.activities.iter().filter(|stored| query.matches(stored.activity(), stored.stamp()));
        Ok(found.count() as u64)
    }
}

/// The place of an activity is its row number.
#[derive(Default)]
pub(crate) struct PlacesCountWhatIsHidden;

impl Fault for PlacesCountWhatIsHidden {
    fn public_since(&self, right: &ListStore, after: u64, limit: usize) -> Since {
        let rows = (1..).zip(right.list().activities.clone()).filter(|(row, _)| *row > after);
        Ok(rows.filter_map(|(row, stored)| Some((row, stored.into_public()?))).take(limit).collect())
    }
}

/// Newest first by when it was stored.
#[derive(Default)]
pub(crate) struct OrdersByInsertion;

impl Fault for OrdersByInsertion {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let found = right.public_page(query, None, usize::MAX)?;
        let mut stored: Vec<_> = right.list().public().filter(|public| found.contains(public)).collect();
        stored.reverse();
        let at = after.and_then(|after| stored.iter().position(|public| Position::of(public.activity()) == *after));
        Ok(stored.into_iter().skip(at.map_or(0, |at| at + 1)).take(limit).collect())
    }
}

/// Writes when it comes to it: the newest activity is lost at a crash.
#[derive(Default)]
pub(crate) struct LosesTheTail;

impl Fault for LosesTheTail {
    fn crash(&self, list: &mut List) {
        list.activities.pop();
    }
}

/// The policy is kept in the process.
#[derive(Default)]
pub(crate) struct ForgetsThePolicy;

impl Fault for ForgetsThePolicy {
    fn crash(&self, list: &mut List) {
        list.policy = None;
    }
}

/// Gives up at the first id that it knows, and says that it stored the rest.
#[derive(Default)]
pub(crate) struct StoresHalfABatch;

impl Fault for StoresHalfABatch {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut gave_up = false;
        let answers = batch.stamped().iter().map(|stamped| {
            let answer = if gave_up { Appended::Stored } else { list.append(stamped) };
            gave_up |= answer != Appended::Stored;
            answer
        });
        Ok(answers.collect())
    }
}

/// Stores activity by activity, and lets others look in between.
#[derive(Default)]
pub(crate) struct StoresOneByOne;

impl Fault for StoresOneByOne {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        right.list().fence(Some(batch.policy()))?;
        let one_by_one = batch.stamped().iter().map(|stamped| {
            thread::sleep(Duration::from_micros(50));
            right.list().append(stamped)
        });
        Ok(one_by_one.collect())
    }
}

/// Decides everything anew when the policy changes.
#[derive(Default)]
pub(crate) struct DecidesAnew;

impl Fault for DecidesAnew {
    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.publish(change)?;
        let screen = Screen::new(Arc::new(change.policy().clone()), Err(DirectoryError::NeverLoaded));
        let mut list = right.list();
        let activities: Vec<_> = list.activities.iter().map(|stored| stored.activity().clone()).collect();
        let anew = screen.screen(&activities, chrono::DateTime::UNIX_EPOCH).unwrap();
        list.activities = anew.stamped().iter().map(stored).collect();
        Ok(())
    }
}

/// The same activity as one of another suite.
fn as_in_suite(stored: &StoredActivity, suite: &AppName) -> Activity {
    let activity = stored.activity();
    let app = App::new(activity.app().name().clone()).in_suite(suite.clone());
    let (id, actor) = (activity.id().clone(), activity.actor().clone());
    let mut builder = Activity::builder(id, actor, app, activity.action().clone(), activity.occurred_at());
    for object in activity.objects() {
        builder = builder.object(object);
    }
    for principal in activity.on_behalf_of() {
        builder = builder.on_behalf_of(principal.clone());
    }
    builder.build().unwrap()
}

/// Knows nothing of suites.
#[derive(Default)]
pub(crate) struct IgnoresTheSuite;

impl Fault for IgnoresTheSuite {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let Some(suite) = query.suite() else { return right.public_page(query, after, limit) };
        let all = right.public_page(&Query::all(), after, usize::MAX)?.into_iter();
        Ok(all.filter(|public| query.matches(&as_in_suite(public, suite), public.stamp())).take(limit).collect())
    }
}

/// A page begins with what the one before ended with.
#[derive(Default)]
pub(crate) struct CursorIsInclusive;

impl Fault for CursorIsInclusive {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let all = right.public_page(query, None, usize::MAX)?.into_iter();
        let found = all.filter(|public| after.is_none_or(|after| Position::of(public.activity()) <= *after));
        Ok(found.take(limit).collect())
    }
}

/// Says that an activity may not be seen, and so that it is there.
#[derive(Default)]
pub(crate) struct RefusesAHiddenId;

impl Fault for RefusesAHiddenId {
    fn public_activity(&self, right: &ListStore, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        if right
            .list()
            .activities
            .iter()
            .any(|stored| stored.activity().id() == id && stored.visibility() == Visibility::Private)
        {
            return Err(StoreError::Backend("you may not see this".into()));
        }
        right.public_activity(id)
    }
}

/// Shows what is hidden to whoever knows its id.
#[derive(Default)]
pub(crate) struct ShowsAHiddenId;

impl Fault for ShowsAHiddenId {
    fn public_activity(&self, right: &ListStore, id: &ActivityId) -> Result<Option<PublicActivity>, StoreError> {
        let list = right.list();
        let public = list.public().next().map(|public| public.stamp().clone());
        let found = list.activities.iter().find(|stored| stored.activity().id() == id);
        Ok(found
            .zip(public)
            .and_then(|(found, public)| StoredActivity::assertion(found.activity().clone(), public).into_public()))
    }
}

/// Cuts to the limit, and then leaves out what is hidden.
#[derive(Default)]
pub(crate) struct LimitBeforeHiding;

impl Fault for LimitBeforeHiding {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let all = right.list().activities.clone();
        Ok(in_public(page(all.into_iter(), query, after, limit)))
    }
}

/// Goes by whole seconds.
#[derive(Default)]
pub(crate) struct CutsTimesToSeconds;

impl Fault for CutsTimesToSeconds {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let coarse = |position: &Position| (position.occurred_at().timestamp(), position.id().clone());
        let mut found = right.public_page(query, None, usize::MAX)?;
        found.sort_by_key(|public| std::cmp::Reverse(coarse(&Position::of(public.activity()))));
        found.retain(|public| after.is_none_or(|after| coarse(&Position::of(public.activity())) < coarse(after)));
        found.truncate(limit);
        Ok(found)
    }
}

/// Compares ids as a database with a friendly collation does.
#[derive(Default)]
pub(crate) struct IgnoresCase;

impl Fault for IgnoresCase {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut known: HashSet<String> =
            list.activities.iter().map(|stored| stored.activity().id().as_str().to_lowercase()).collect();
        let answers = batch.stamped().iter().map(|stamped| {
            let exact = list.activities.iter().any(|stored| stored.activity().id() == stamped.activity().id());
            let new = known.insert(stamped.activity().id().as_str().to_lowercase());
            if new || exact { list.append(stamped) } else { Appended::Conflict }
        });
        Ok(answers.collect())
    }
}

/// Keeps what it heard last of a group.
#[derive(Default)]
pub(crate) struct KeepsTheLastWord;

impl Fault for KeepsTheLastWord {
    fn keep_vanished(&self, right: &ListStore, vanished: &VanishedGroup) -> Result<(), StoreError> {
        let kept = &mut right.list().vanished;
        kept.retain(|known| known.group() != vanished.group());
        kept.push(vanished.clone());
        Ok(())
    }
}

/// Drops what another node kept of a later time.
#[derive(Default)]
pub(crate) struct DropsWhatVanishedLater;

impl Fault for DropsWhatVanishedLater {
    fn drop_vanished(&self, right: &ListStore, group: &GroupId, _: DirectoryRevision) -> Result<(), StoreError> {
        right.drop_vanished(group, DirectoryRevision(u64::MAX))
    }
}

/// Shows public activities to a reveal that asks for private ones alone.
#[derive(Default)]
pub(crate) struct IgnoresPrivateOnly;

impl Fault for IgnoresPrivateOnly {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let page = page(right.list().activities.clone().into_iter(), admission.query(), after, limit);
        Ok(SealedPage::seal(admission, page))
    }
}

/// Gives a place to what is public, and stores it a moment later, when a later place may be there already.
#[derive(Default)]
pub(crate) struct PlacesBeforeCommit(Mutex<(u64, Vec<(u64, ActivityId)>)>);

impl Fault for PlacesBeforeCommit {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let public = batch.stamped().iter().filter(|stamped| stamped.stamp().visibility() == Visibility::Public);
        let mut places = Vec::new();
        for stamped in public {
            let mut given = self.0.lock().unwrap();
            given.0 += 1;
            places.push((given.0, stamped.activity().id().clone()));
        }
        if places.len() == 3 && places[0].0 % 2 == 1 {
            thread::sleep(Duration::from_millis(1));
        }
        let answers = right.append(batch)?;
        let mut given = self.0.lock().unwrap();
        places.retain(|(_, id)| !given.1.iter().any(|(_, known)| known == id));
        given.1.extend(places);
        Ok(answers)
    }

    fn public_since(&self, right: &ListStore, after: u64, limit: usize) -> Since {
        let mut places = self.0.lock().unwrap().1.clone();
        places.retain(|(place, _)| *place > after);
        places.sort_unstable_by_key(|(place, _)| *place);
        let public: Vec<_> = right.list().public().collect();
        let find = |id: &ActivityId| public.iter().find(|public| public.activity().id() == id).cloned();
        Ok(places.into_iter().filter_map(|(place, id)| Some((place, find(&id)?))).take(limit).collect())
    }
}

/// Looks whether an id is there, and then stores it.
#[derive(Default)]
pub(crate) struct LooksBeforeItStores(Arc<Gap>);

impl Fault for LooksBeforeItStores {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let known: HashSet<ActivityId> =
            right.list().activities.iter().map(|stored| stored.activity().id().clone()).collect();
        let new = batch.stamped().iter().filter(|stamped| !known.contains(stamped.activity().id())).count();
        if new > 1 {
            self.0.wait_for_another();
        }
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut seen = known.clone();
        let answers = batch.stamped().iter().map(|stamped| {
            if seen.insert(stamped.activity().id().clone()) {
                list.activities.push(stored(stamped));
                Appended::Stored
            } else {
                list.append(stamped)
            }
        });
        let answers = answers.collect();
        self.0.pass();
        Ok(answers)
    }
}

/// Whatever is published is in force.
#[derive(Default)]
pub(crate) struct PublishesAnything;

impl Fault for PublishesAnything {
    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.list().policy = Some(Arc::new(change.policy().clone()));
        Ok(())
    }
}

/// A cache of the policy that only the node that published is told of at once: others are given the old one a few times.
#[derive(Default)]
pub(crate) struct AnswersFromACache(Mutex<Cache>);

#[derive(Default)]
struct Cache {
    published_by: Option<ThreadId>,
    before: Option<Arc<PrivacyPolicy>>,
    stale_answers: u8,
}

impl Fault for AnswersFromACache {
    fn policy(&self, right: &ListStore) -> Result<Option<Arc<PrivacyPolicy>>, StoreError> {
        let mut cache = self.0.lock().unwrap();
        if cache.stale_answers == 0 || cache.published_by == Some(thread::current().id()) {
            return right.policy();
        }
        cache.stale_answers -= 1;
        Ok(cache.before.clone())
    }

    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        let before = right.policy()?;
        right.publish(change)?;
        *self.0.lock().unwrap() = Cache { published_by: Some(thread::current().id()), before, stale_answers: 4 };
        Ok(())
    }
}

/// Keeps a policy without its options.
#[derive(Default)]
pub(crate) struct ForgetsTheOptions;

impl Fault for ForgetsTheOptions {
    fn publish(&self, right: &ListStore, change: &RecordedChange) -> Result<(), StoreError> {
        right.publish(change)?;
        let mut document = serde_json::to_value(change.policy()).unwrap();
        document["options"] = serde_json::json!({});
        right.list().policy = Some(Arc::new(serde_json::from_value(document).unwrap()));
        Ok(())
    }
}

/// Says which activity it refuses.
#[derive(Default)]
pub(crate) struct SaysWhatItRefuses;

impl Fault for SaysWhatItRefuses {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        right.append(batch).map_err(|_| {
            let ids: Vec<_> = batch.stamped().iter().map(|stamped| stamped.activity().id().as_str()).collect();
            StoreError::Backend(format!("stale: {ids:?}").into())
        })
    }
}

/// Takes no more than a statement has parameters for.
#[derive(Default)]
pub(crate) struct StoresThirtyTwo;

impl Fault for StoresThirtyTwo {
    fn append(&self, right: &ListStore, batch: &StampedBatch<'_>) -> Result<Vec<Appended>, StoreError> {
        let mut list = right.list();
        list.fence(Some(batch.policy()))?;
        let mut answers: Vec<_> = batch.stamped().iter().take(32).map(|stamped| list.append(stamped)).collect();
        answers.resize(batch.stamped().len(), Appended::Stored);
        Ok(answers)
    }
}

/// Keeps the ids of those who were in a group, and not their names.
#[derive(Default)]
pub(crate) struct ForgetsNames;

impl Fault for ForgetsNames {
    fn keep_vanished(&self, right: &ListStore, vanished: &VanishedGroup) -> Result<(), StoreError> {
        let mut document = serde_json::to_value(vanished).unwrap();
        for member in document["members"].as_array_mut().unwrap() {
            member["aliases"] = serde_json::json!([]);
        }
        right.keep_vanished(&serde_json::from_value(document).unwrap())
    }
}

/// What vanished is kept in the process.
#[derive(Default)]
pub(crate) struct ForgetsWhoVanished;

impl Fault for ForgetsWhoVanished {
    fn crash(&self, list: &mut List) {
        list.vanished.clear();
    }
}

/// Turns pages by how many rows were read so far.
#[derive(Default)]
pub(crate) struct PagesByOffset(Mutex<usize>);

impl Fault for PagesByOffset {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let mut offset = self.0.lock().unwrap();
        if after.is_none() {
            *offset = 0;
        }
        let all = right.public_page(query, None, usize::MAX)?;
        let page: Vec<_> = all.into_iter().skip(*offset).take(limit).collect();
        *offset += page.len();
        Ok(page)
    }
}

/// Looks at the limit once an activity is on the page.
#[derive(Default)]
pub(crate) struct GivesOneAtLeast;

impl Fault for GivesOneAtLeast {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        right.public_page(query, after, limit.max(1))
    }
}

/// The place of an activity is its rank by time.
#[derive(Default)]
pub(crate) struct PlacesByTime;

impl Fault for PlacesByTime {
    fn public_since(&self, right: &ListStore, after: u64, limit: usize) -> Since {
        let mut all = right.public_page(&Query::all(), None, usize::MAX)?;
        all.reverse();
        Ok((1..).zip(all).filter(|(place, _)| *place > after).take(limit).collect())
    }
}

/// Counts by the label of a screen, not by the name that is compared.
#[derive(Default)]
pub(crate) struct CountsByLabel;

impl Fault for CountsByLabel {
    fn public_counts(&self, right: &ListStore, query: &Query, by: CountBy) -> Result<Vec<Count>, StoreError> {
        if by != CountBy::Actor {
            return right.public_counts(query, by);
        }
        let mut counts = std::collections::BTreeMap::new();
        for public in right.public_page(query, None, usize::MAX)? {
            *counts.entry(public.activity().actor().label().to_owned()).or_default() += 1;
        }
        Ok(counts.into_iter().map(|(key, activities)| Count { key, activities }).collect())
    }
}

/// Takes every reveal for one of private activities alone.
#[derive(Default)]
pub(crate) struct RevealsWhatIsHiddenAlone;

impl Fault for RevealsWhatIsHiddenAlone {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let mut all = right.list().activities.clone();
        all.retain(|stored| stored.visibility() == Visibility::Private);
        let page = page(all.into_iter(), admission.query(), after, limit);
        Ok(SealedPage::seal(admission, page))
    }
}

/// Reveals whatever there is.
#[derive(Default)]
pub(crate) struct IgnoresTheQueryOfAReveal;

impl Fault for IgnoresTheQueryOfAReveal {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: Admission<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let mut all = right.list().activities.clone();
        all.retain(|stored| stored.visibility() == Visibility::Private || !admission.private_only());
        let page = page(all.into_iter(), &Query::all(), after, limit);
        Ok(SealedPage::seal(admission, page))
    }
}
