//! Non-interference: two stores contain the same public activities, and one of them also private activities in between.
//! Their `public_*` methods must return the same.

use std::collections::BTreeSet;

use super::StoreHarness;
use crate::activity::Activity;
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{
    ADELE, ALL, HANNA, ReadExt, StoreExt, activities, activity_at, at, council, ensure_same, into_stored, is_public,
    micros, newest_first, position_of,
};
use crate::error::with_sources;
use crate::forward::Offset;
use crate::query::{Count, CountBy, Counts, Position, Query};
use crate::store::{ActivityStore, PublicActivity, PublicOrder, StoredActivity};

struct StorePair<H: StoreHarness> {
    with: H::Store,
    without: H::Store,
    public: Vec<StoredActivity>,
    private: Vec<StoredActivity>,
    /// Kept alive, because dropping a harness can remove its store.
    _harnesses: [H; 2],
}

impl<H: StoreHarness> StorePair<H> {
    fn new(harness: H) -> Checked<Self> {
        let other = H::fresh();
        let (with, without) = (harness.open(), other.open());
        with.initialize_private()?;
        without.initialize_private()?;
        let mut stored = Vec::new();
        for batch in 0..5 {
            let shown = (0..4).map(|n| public_activity(batch, n)).collect::<Checked<Vec<_>>>()?;
            without.append_new(&shown)?;
            let hidden = (0..5).map(|n| private_activity(batch, n)).collect::<Checked<Vec<_>>>()?;
            stored.extend(with.append_new(&alternately(hidden, shown))?);
            // A batch of private activities only, before all others or after them.
            let seconds = if batch % 2 == 0 { 1_000 + batch } else { -1_000 - batch };
            stored.extend(with.append_new(&[activity_at(&format!("alone-{batch}"), HANNA, at(seconds))?])?);
        }
        let (public, private) = newest_first(stored).into_iter().partition(is_public);
        Ok(Self { with, without, public, private, _harnesses: [harness, other] })
    }

    /// Returns the positions of public and of private activities, and positions without an activity.
    fn positions(&self) -> Checked<Vec<Option<Position>>> {
        let of_nothing = [activity_at("none-1", ADELE, at(5))?, activity_at("none-2", ADELE, at(-5_000))?];
        let all = self.public.iter().chain(&self.private).map(position_of).chain(of_nothing.iter().map(Position::of));
        Ok(std::iter::once(None).chain(all.map(Some)).collect())
    }
}

/// Returns a public activity. Several have the same time, and the storage order differs from the order of time.
fn public_activity(batch: i64, n: i64) -> Checked<Activity> {
    activity_at(&format!("n-{batch}-{n}"), ADELE, at((7 * batch + n / 2) % 11) + micros(n))
}

/// Returns a private activity with the time of a public one, and an id before or after it.
fn private_activity(batch: i64, n: i64) -> Checked<Activity> {
    let name = if n % 2 == 0 { "a" } else { "z" };
    activity_at(&format!("{name}-{batch}-{n}"), HANNA, at((7 * batch + n / 2) % 11) + micros(n))
}

fn alternately(longer: Vec<Activity>, shorter: Vec<Activity>) -> Vec<Activity> {
    let mut shorter = shorter.into_iter();
    longer.into_iter().flat_map(|activity| std::iter::once(activity).chain(shorter.next())).collect()
}

fn queries() -> Checked<Vec<(&'static str, Query)>> {
    Ok(vec![
        ("everything", Query::all()),
        ("a time range", Query::all().since(at(2)).until(at(8))),
        ("a user with public activities", Query::all().by_actor("adele@contoso.com")?),
        ("a user with private activities", Query::all().by_actor("hanna@contoso.com")?),
        ("an app", Query::all().in_app("SharePoint".parse()?)),
        ("the private group", Query::all().decided_by_group(council()?)),
        ("a text", Query::all().containing("plan")?),
    ])
}

pub(super) fn v2_pages_do_not_depend_on_private_activities<H: StoreHarness>(harness: H) -> Checked {
    let pair = StorePair::new(harness)?;
    let positions = pair.positions()?;
    for (nth, (what, query)) in queries()?.into_iter().enumerate() {
        // The first query after every position; the others after some.
        for after in positions.iter().step_by(if nth == 0 { 1 } else { 9 }) {
            for limit in [0, 1, 3, ALL] {
                let with = pair.with.public_page(&query, after.as_ref(), limit)?;
                let without = pair.without.public_page(&query, after.as_ref(), limit)?;
                let page = format!("a page of {limit} of {what}, with private activities in the store");
                ensure_same(&page, &into_stored(with.activities), &into_stored(without.activities))?;
                ensure!(with.stopped_at == without.stopped_at, "{page}, stops at another position");
            }
        }
    }
    ensure_same("all public activities", &pair.with.all_public()?, &pair.public)
}

pub(super) fn v2_limit_counts_public_activities_only(harness: impl StoreHarness) -> Checked {
    let pair = StorePair::new(harness)?;
    for limit in 0..=pair.public.len() + 1 {
        let page = pair.with.page(&Query::all(), None, limit)?;
        let expected = pair.public.iter().take(limit).cloned().collect::<Vec<_>>();
        ensure_same(&format!("a page of {limit}"), &page, &expected)?;
        let followed = pair.with.public_after(&Offset::START, limit)?.len();
        ensure!(
            followed == expected.len(),
            "public_after returned {followed} at limit {limit}, expected {}",
            expected.len()
        );
    }
    Ok(())
}

pub(super) fn v2_private_id_answers_like_unknown_id(harness: impl StoreHarness) -> Checked {
    let pair = StorePair::new(harness)?;
    let unknown = Query::all().with_id("unknown".parse()?);
    let expected = pair.with.public_page(&unknown, None, 1)?;
    ensure!(expected.activities.is_empty(), "an unknown id returned an activity");
    let counted = pair.with.public_counts(&unknown, Some(CountBy::App))?;
    for hidden in &pair.private {
        let id = hidden.activity().id();
        let query = Query::all().with_id(id.clone());
        match pair.with.public_page(&query, None, 1) {
            Ok(page) if page == expected => {}
            Ok(page) if page.activities.is_empty() => {
                return Err(Breach::new(format!(
                    "a look-up of the private id `{}` stops at another position",
                    id.as_str()
                )));
            }
            Ok(_) => return Err(Breach::new(format!("a look-up of the private id `{}` returned it", id.as_str()))),
            Err(error) => {
                return Err(Breach::new(format!("a look-up of a private id returned `{}`", with_sources(&error))));
            }
        }
        let counts = pair.with.public_counts(&query, Some(CountBy::App))?;
        ensure!(counts == counted, "the private id `{}` has the count {}", id.as_str(), counts.total);
    }
    for shown in &pair.public {
        let found = pair.with.look_up(shown.activity().id().as_str())?;
        ensure_same("a look-up by id", &found.into_iter().collect::<Vec<_>>(), std::slice::from_ref(shown))?;
    }
    let all = pair.private.iter().chain(&pair.public);
    let all = all.fold(unknown, |query, stored| query.with_id(stored.activity().id().clone()));
    ensure_same("a look-up of all ids", &pair.with.page(&all, None, ALL)?, &pair.public)
}

pub(super) fn v2_counts_do_not_depend_on_private_activities(harness: impl StoreHarness) -> Checked {
    let pair = StorePair::new(harness)?;
    for (what, query) in queries()? {
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            let summarize = |Counts { total, by_key, is_complete }| {
                let keys: Vec<_> = by_key.into_iter().map(|count: Count| (count.key, count.activities)).collect();
                format!("{total} in total, {keys:?}{}", if is_complete { "" } else { ", incomplete" })
            };
            let with = summarize(pair.with.public_counts(&query, by)?);
            let without = summarize(pair.without.public_counts(&query, by)?);
            ensure!(
                with == without,
                "{what} by {by:?}: the counts are {with} with private activities, {without} without"
            );
        }
    }
    Ok(())
}

/// Returns whether the offsets of a store depend only on the order of the public activities. Sealed offsets differ
/// between stores.
pub(super) fn has_fixed_offsets<H: StoreHarness>() -> Checked<bool> {
    let offsets = || {
        let harness = H::fresh();
        let store = harness.open();
        store.initialize()?;
        store.append_new(&activities("one", ADELE, 3)?)?;
        store.append_new(&activities("other", ADELE, 2)?)?;
        Ok::<_, Breach>(store.followed()?.into_iter().map(|(offset, _)| offset).collect::<Vec<_>>())
    };
    Ok(offsets()? == offsets()?)
}

/// Checks that offsets do not distinguish the stores. Sealed offsets can do so only by their length.
pub(super) fn ensure_offsets_alike(
    what: &str,
    are_fixed: bool,
    with: &[(Offset, PublicActivity)],
    without: &[(Offset, PublicActivity)],
) -> Checked {
    let summarize = |found: &[(Offset, PublicActivity)]| -> Vec<String> {
        let offset = |offset: &Offset| match are_fixed {
            true => offset.to_string(),
            false => format!("{} bytes", offset.as_bytes().len()),
        };
        found.iter().map(|(at, public)| format!("{} at {}", public.activity().id().as_str(), offset(at))).collect()
    };
    let (with, without) = (summarize(with), summarize(without));
    ensure!(with == without, "{what}: {with:?} with private activities, {without:?} without");
    Ok(())
}

pub(super) fn f3_offsets_do_not_depend_on_private_activities<H: StoreHarness>(harness: H) -> Checked {
    let are_fixed = has_fixed_offsets::<H>()?;
    let pair = StorePair::new(harness)?;
    let starts = |store: &H::Store| -> Checked<Vec<Offset>> {
        let offsets = store.followed()?.into_iter().map(|(offset, _)| offset);
        Ok(std::iter::once(Offset::START).chain(offsets).collect())
    };
    let (with, without) = (starts(&pair.with)?, starts(&pair.without)?);
    for limit in [0, 1, 3, ALL] {
        for (nth, (with, without)) in with.iter().zip(&without).enumerate() {
            let (with, without) = (pair.with.public_after(with, limit)?, pair.without.public_after(without, limit)?);
            ensure_offsets_alike(&format!("at most {limit} after number {nth}"), are_fixed, &with, &without)?;
        }
    }
    Ok(())
}

pub(super) fn f3_ends_and_counts_do_not_depend_on_private_activities<H: StoreHarness>(harness: H) -> Checked {
    let are_fixed = has_fixed_offsets::<H>()?;
    let pair = StorePair::new(harness)?;
    let seen = |store: &H::Store| -> Checked<Vec<String>> {
        let shown = |offset: &Offset| match are_fixed {
            true => offset.to_string(),
            false => format!("{} bytes", offset.as_bytes().len()),
        };
        let all: Vec<Offset> = store.followed()?.into_iter().map(|(offset, _)| offset).collect();
        let mut seen = vec![format!("the end {}", shown(&store.end()?))];
        for from in std::iter::once(&Offset::START).chain(&all) {
            for until in &all {
                seen.push(format!("{} activities between two offsets", store.stored_between(from, until)?));
            }
        }
        for seconds in [-10_000, 0, 86_399, 86_400, 86_401] {
            seen.push(format!("the offset {} before a time", shown(&store.offset_before(at(seconds))?)));
        }
        Ok(seen)
    };
    let (with, without) = (seen(&pair.with)?, seen(&pair.without)?);
    for (with, without) in with.iter().zip(&without) {
        ensure!(with == without, "{with} with private activities, {without} without");
    }
    // A private activity that is stored last moves nothing.
    let before = seen(&pair.with)?;
    pair.with.append_new(&[activity_at("alone-last", HANNA, at(2_000))?])?;
    ensure!(seen(&pair.with)? == before, "a private activity changed the end, a count or the offset before a time");
    Ok(())
}

/// A decision that the store did not receive, because it returned a private activity as public, is a violation.
pub(super) fn v2_public_reads_return_only_public_decisions(harness: impl StoreHarness) -> Checked {
    let pair = StorePair::new(harness)?;
    let decided_public = |how: &str, read: Vec<StoredActivity>| {
        for stored in read {
            let id = stored.activity().id();
            let decided = pair.public.iter().find(|public| public.activity().id() == id);
            ensure!(decided.is_some(), "{how} returned `{}`, which was not decided public", id.as_str());
            ensure_same(how, &[stored], decided.map_or(&[], std::slice::from_ref))?;
        }
        Ok(())
    };
    for (what, query) in queries()? {
        decided_public(
            &format!("a page of {what}"),
            into_stored(pair.with.public_page(&query, None, ALL)?.activities),
        )?;
    }
    for stored in pair.public.iter().chain(&pair.private) {
        // An error returns no activity; other clauses check whether an error is allowed.
        let query = Query::all().with_id(stored.activity().id().clone());
        let found = pair.with.public_page(&query, None, 1).unwrap_or_default();
        decided_public("a look-up by id", into_stored(found.activities))?;
    }
    let followed = pair.with.followed()?.into_iter().map(|(_, public)| public).collect();
    decided_public("public_after", into_stored(followed))?;
    // Only actors of public activities are counted.
    let labels: BTreeSet<String> = pair.public.iter().map(|public| CountBy::Actor.key(public.activity())).collect();
    for count in pair.with.public_counts(&Query::all(), Some(CountBy::Actor))?.by_key {
        ensure!(labels.contains(&count.key), "counts by actor contain `{}`, who has no public activity", count.key);
    }
    Ok(())
}
