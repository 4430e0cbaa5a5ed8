//! What can go wrong in reading.

use std::sync::Mutex;

use activity_privacy::*;

use super::{Fault, Public, Since, in_public};
use crate::list::{ListStore, page};

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
        let [suite] = query.suites() else { return right.public_page(query, after, limit) };
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

/// The same activity of somebody whose name is written without a sharp s.
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

/// Folds an address as a whole, so that one domain is another.
#[derive(Default)]
pub(crate) struct FoldsTheDomain;

impl Fault for FoldsTheDomain {
    fn public_page(&self, right: &ListStore, query: &Query, after: Option<&Position>, limit: usize) -> Public {
        let found = right.public_page(query, None, usize::MAX)?;
        let mut all = right.public_page(&Query::all(), after, usize::MAX)?;
        let folded = |public: &PublicActivity| {
            public.activity().actor().label().contains("@fa") && query.matches(&without_sharp_s(public), public.stamp())
        };
        all.retain(|public| found.contains(public) || folded(public));
        all.truncate(limit);
        Ok(all)
    }
}
