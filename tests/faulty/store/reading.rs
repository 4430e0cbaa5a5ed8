//! Faults in reading.

use activity_privacy::store::ActivityStore;
use std::sync::Mutex;

use activity_privacy::activity::{Activity, Actor, App, AppName};
use activity_privacy::engine::Decision;
use activity_privacy::identity::Alias;
use activity_privacy::query::{CountBy, Counts, Position, Query, Tally};
use activity_privacy::reveal::{PagePermit, SealedPage};
use activity_privacy::store::{PublicActivity, StoreError, StoredActivity};

use super::{Fault, Public, all, all_of, is_private, page_of, whole};
use crate::list::ListStore;

/// Counts hidden activities too.
#[derive(Default)]
pub(crate) struct CountsHidden;

impl Fault for CountsHidden {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        let mut tally = Tally::new(by);
        let found = all(right).filter(|stored| query.matches(stored.activity(), stored.decision()));
        found.for_each(|stored| tally.add(stored.activity()));
        Ok(tally.into_counts(true))
    }
}

/// Orders pages by insertion.
#[derive(Default)]
pub(crate) struct OrdersByInsertion;

impl Fault for OrdersByInsertion {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let mut stored: Vec<_> = right.list().matching(query).cloned().collect();
        stored.reverse();
        let at = after.and_then(|after| stored.iter().position(|public| Position::of(public.activity()) == *after));
        whole(stored.into_iter().skip(at.map_or(0, |at| at + 1)).take(limit))
    }
}

/// Returns the activity in another suite.
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

/// Ignores suites.
#[derive(Default)]
pub(crate) struct IgnoresSuite;

impl Fault for IgnoresSuite {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let [suite] = query.suites() else { return right.public_page(query, after, limit) };
        let all = all_of(right, &Query::all(), after)?.into_iter();
        whole(all.filter(|public| query.matches(&as_in_suite(public, suite), public.decision())).take(limit))
    }
}

/// Begins a page with the last activity of the previous one.
#[derive(Default)]
pub(crate) struct CursorIsInclusive;

impl Fault for CursorIsInclusive {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let all = all_of(right, query, None)?.into_iter();
        let found = all.filter(|public| after.is_none_or(|after| Position::of(public.activity()) <= *after));
        whole(found.take(limit))
    }
}

/// Returns an error for a hidden id, which discloses that it exists.
#[derive(Default)]
pub(crate) struct RejectsHiddenId;

impl Fault for RejectsHiddenId {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        if all(right).any(|stored| is_private(&stored) && query.ids().contains(stored.activity().id())) {
            return Err(StoreError::Backend("you may not see this".into()));
        }
        right.public_page(query, after, limit)
    }
}

/// Returns a hidden activity if it is looked up by id.
#[derive(Default)]
pub(crate) struct ShowsHiddenId;

impl Fault for ShowsHiddenId {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let [id] = query.ids() else { return right.public_page(query, after, limit) };
        let public = right.list().matching(&Query::all()).next().map(|public| public.decision().clone());
        let found = all(right).find(|stored| stored.activity().id() == id);
        let made_up = |(found, public): (StoredActivity, Decision)| {
            StoredActivity::assertion(found.activity().clone(), public).into_public()
        };
        whole(found.zip(public).and_then(made_up))
    }
}

/// Looks up an id and ignores the other conditions.
#[derive(Default)]
pub(crate) struct IgnoresConditionsWithIds;

impl Fault for IgnoresConditionsWithIds {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let only_ids = query.ids().iter().cloned().fold(Query::all(), Query::with_id);
        right.public_page(if query.ids().is_empty() { query } else { &only_ids }, after, limit)
    }
}

/// Looks up only the first of several ids.
#[derive(Default)]
pub(crate) struct LooksUpOneId;

impl Fault for LooksUpOneId {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        match query.ids() {
            [first, _, ..] => {
                let mut tally = Tally::new(by);
                let list = right.list();
                let found = list.matching(query).filter(|public| public.activity().id() == first);
                found.for_each(|public| tally.add(public.activity()));
                Ok(tally.into_counts(true))
            }
            _ => right.public_counts(query, by),
        }
    }
}

/// Applies the limit before it hides private activities.
#[derive(Default)]
pub(crate) struct LimitBeforeHiding;

impl Fault for LimitBeforeHiding {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        whole(page_of(all(right), query, after, limit).into_iter().filter_map(StoredActivity::into_public))
    }
}

/// Compares whole seconds.
#[derive(Default)]
pub(crate) struct CutsTimesToSeconds;

impl Fault for CutsTimesToSeconds {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let coarse = |position: &Position| (position.occurred_at().timestamp(), position.id().clone());
        let mut found = all_of(right, query, None)?;
        found.sort_by_key(|public| std::cmp::Reverse(coarse(&Position::of(public.activity()))));
        found.retain(|public| after.is_none_or(|after| coarse(&Position::of(public.activity())) < coarse(after)));
        found.truncate(limit);
        whole(found)
    }
}

/// Returns public activities to a reveal of private ones only.
#[derive(Default)]
pub(crate) struct IgnoresPrivateOnly;

impl Fault for IgnoresPrivateOnly {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let page = page_of(all(right), admission.query(), after, limit);
        Ok(SealedPage::seal(admission, page, None))
    }
}

/// Continues pages by the number of rows read so far.
#[derive(Default)]
pub(crate) struct PagesByOffset(Mutex<usize>);

impl Fault for PagesByOffset {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let mut offset = self.0.lock().unwrap();
        if after.is_none() {
            *offset = 0;
        }
        let all = all_of(right, query, None)?;
        let page: Vec<_> = all.into_iter().skip(*offset).take(limit).collect();
        *offset += page.len();
        whole(page)
    }
}

/// Applies the limit only after the first activity.
#[derive(Default)]
pub(crate) struct ReturnsAtLeastOne;

impl Fault for ReturnsAtLeastOne {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        right.public_page(query, after, limit.max(1))
    }
}

/// Counts by the displayed label instead of the compared name.
#[derive(Default)]
pub(crate) struct CountsByLabel;

impl Fault for CountsByLabel {
    fn public_counts(&self, right: &ListStore, query: &Query, by: Option<CountBy>) -> Result<Counts, StoreError> {
        if by != Some(CountBy::Actor) {
            return right.public_counts(query, by);
        }
        let mut tally = Tally::new(by);
        right.list().matching(query).for_each(|public| tally.add_key(public.activity().actor().label(), 1));
        Ok(tally.into_counts(true))
    }
}

/// Treats every reveal as one of private activities only.
#[derive(Default)]
pub(crate) struct RevealsPrivateOnly;

impl Fault for RevealsPrivateOnly {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let page = page_of(all(right).filter(is_private), admission.query(), after, limit);
        Ok(SealedPage::seal(admission, page, None))
    }
}

/// Ignores the query of a reveal.
#[derive(Default)]
pub(crate) struct IgnoresQueryOfReveal;

impl Fault for IgnoresQueryOfReveal {
    fn revealed_page(
        &self,
        right: &ListStore,
        admission: PagePermit<'_>,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<SealedPage, StoreError> {
        let all = all(right).filter(|stored| is_private(stored) || !admission.is_private_only());
        let page = page_of(all, &Query::all(), after, limit);
        Ok(SealedPage::seal(admission, page, None))
    }
}

/// Returns the same activity with an actor whose name is written without a sharp s.
fn without_sharp_s(stored: &StoredActivity) -> Activity {
    let activity = stored.activity();
    let text = activity.actor().label().replace('\u{df}', "ss");
    let actor = match activity.actor().name() {
        Some(_) => Actor::application(text.parse().unwrap()),
        None => Actor::user(Alias::new(text).unwrap()),
    };
    let (id, app) = (activity.id().clone(), activity.app().clone());
    Activity::builder(id, actor, app, activity.action().clone(), activity.occurred_at()).build().unwrap()
}

/// Folds an address as a whole, so that one domain matches another.
#[derive(Default)]
pub(crate) struct FoldsDomain;

impl Fault for FoldsDomain {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let found = all_of(right, query, None)?;
        let mut all = all_of(right, &Query::all(), after)?;
        let folded = |public: &PublicActivity| {
            public.activity().actor().label().contains("@fa")
                && query.matches(&without_sharp_s(public), public.decision())
        };
        all.retain(|public| found.contains(public) || folded(public));
        all.truncate(limit);
        whole(all)
    }
}
