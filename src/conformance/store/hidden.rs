//! Without a trace: two stores took the same public activities, and one of them private ones in between. Whatever the
//! `public_*` methods of the one answer, those of the other answer too.

use std::collections::BTreeSet;

use super::StoreHarness;
use crate::activity::Activity;
use crate::conformance::clause::{Breach, Checked, ensure, in_full};
use crate::conformance::fixture::{
    ADELE, ALL, Drive, HANNA, Read, activities, activity_at, at, council, in_the_open, is_public, micros, newest_first,
    place_of, same,
};
use crate::forward::Offset;
use crate::query::{Count, CountBy, Counts, Position, Query};
use crate::store::{ActivityStore, PublicActivity, StoredActivity};

struct Twins<H: StoreHarness> {
    with: H::Store,
    without: H::Store,
    public: Vec<StoredActivity>,
    private: Vec<StoredActivity>,
    /// Kept, because what the stores lie in may go with them.
    _places: [H; 2],
}

impl<H: StoreHarness> Twins<H> {
    fn new(place: H) -> Checked<Self> {
        let other = H::fresh();
        let (with, without) = (place.open(), other.open());
        with.found_hiding()?;
        without.found_hiding()?;
        let mut stored = Vec::new();
        for batch in 0..5 {
            let shown = (0..4).map(|n| shown(batch, n)).collect::<Checked<Vec<_>>>()?;
            without.keep(&shown)?;
            let hidden = (0..5).map(|n| hidden(batch, n)).collect::<Checked<Vec<_>>>()?;
            stored.extend(with.keep(&alternately(hidden, shown))?);
            // A batch with nothing to see in it, now before everything and now after everything.
            let seconds = if batch % 2 == 0 { 1_000 + batch } else { -1_000 - batch };
            stored.extend(with.keep(&[activity_at(&format!("alone-{batch}"), HANNA, at(seconds))?])?);
        }
        let (public, private) = newest_first(stored).into_iter().partition(is_public);
        Ok(Self { with, without, public, private, _places: [place, other] })
    }

    /// Positions of what is shown, of what is hidden, and of nothing.
    fn positions(&self) -> Checked<Vec<Option<Position>>> {
        let of_nothing = [activity_at("nobody-1", ADELE, at(5))?, activity_at("nobody-2", ADELE, at(-5_000))?];
        let all = self.public.iter().chain(&self.private).map(place_of).chain(of_nothing.iter().map(Position::of));
        Ok(std::iter::once(None).chain(all.map(Some)).collect())
    }
}

/// Several share a time, and the order of storing is not that of time.
fn shown(batch: i64, n: i64) -> Checked<Activity> {
    activity_at(&format!("n-{batch}-{n}"), ADELE, at((7 * batch + n / 2) % 11) + micros(n))
}

/// At the very times of what is shown, with ids before and after.
fn hidden(batch: i64, n: i64) -> Checked<Activity> {
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
        ("somebody who is shown", Query::all().by_actor("adele@contoso.com")?),
        ("somebody who is hidden", Query::all().by_actor("hanna@contoso.com")?),
        ("an app", Query::all().in_app("SharePoint".parse()?)),
        ("the private group", Query::all().decided_by_group(council()?)),
        ("a text", Query::all().containing("plan")?),
    ])
}

pub(super) fn v2_pages_tell_nothing_of_what_is_hidden<H: StoreHarness>(place: H) -> Checked {
    let twins = Twins::new(place)?;
    let positions = twins.positions()?;
    for (nth, (what, query)) in queries()?.into_iter().enumerate() {
        // Everything after every position; the other queries after some.
        for after in positions.iter().step_by(if nth == 0 { 1 } else { 9 }) {
            for limit in [0, 1, 3, ALL] {
                let with = twins.with.public_page(&query, after.as_ref(), limit)?;
                let without = twins.without.public_page(&query, after.as_ref(), limit)?;
                let seen = format!("a page of {limit} of {what}, with private activities around");
                same(&seen, &in_the_open(with.activities), &in_the_open(without.activities))?;
                ensure!(with.stopped_at == without.stopped_at, "{seen}, stops elsewhere");
            }
        }
    }
    same("all that is public", &twins.with.shown()?, &twins.public)
}

pub(super) fn v2_a_limit_cuts_what_is_shown(place: impl StoreHarness) -> Checked {
    let twins = Twins::new(place)?;
    for limit in 0..=twins.public.len() + 1 {
        let page = twins.with.page(&Query::all(), None, limit)?;
        let expected = twins.public.iter().take(limit).cloned().collect::<Vec<_>>();
        same(&format!("a page of {limit}"), &page, &expected)?;
        let followed = twins.with.public_after(&Offset::START, limit)?.len();
        ensure!(followed == expected.len(), "public_after returns {followed} of {limit}, expected {}", expected.len());
    }
    Ok(())
}

pub(super) fn v2_a_hidden_id_and_an_unknown_one_are_answered_alike(place: impl StoreHarness) -> Checked {
    let twins = Twins::new(place)?;
    let unknown = Query::all().with_id("unknown".parse()?);
    let expected = twins.with.public_page(&unknown, None, 1)?;
    ensure!(expected.activities.is_empty(), "an unknown id was found");
    let counted = twins.with.public_counts(&unknown, Some(CountBy::App))?;
    for hidden in &twins.private {
        let id = hidden.activity().id();
        let query = Query::all().with_id(id.clone());
        match twins.with.public_page(&query, None, 1) {
            Ok(page) if page == expected => {}
            Ok(page) if page.activities.is_empty() => {
                return Err(Breach::seen(format!("`{}`, which is hidden, is looked for elsewhere", id.as_str())));
            }
            Ok(_) => return Err(Breach::seen(format!("`{}`, which is hidden, was found", id.as_str()))),
            Err(error) => return Err(Breach::seen(format!("a hidden id was answered with `{}`", in_full(&error)))),
        }
        let counts = twins.with.public_counts(&query, Some(CountBy::App))?;
        ensure!(counts == counted, "`{}`, which is hidden, counts {}", id.as_str(), counts.total);
    }
    for shown in &twins.public {
        let found = twins.with.look_up(shown.activity().id().as_str())?;
        same("a look-up by id", &found.into_iter().collect::<Vec<_>>(), std::slice::from_ref(shown))?;
    }
    let all = twins.private.iter().chain(&twins.public);
    let all = all.fold(unknown, |query, stored| query.with_id(stored.activity().id().clone()));
    same("a look-up of all ids", &twins.with.page(&all, None, ALL)?, &twins.public)
}

pub(super) fn v2_counts_tell_nothing_of_what_is_hidden(place: impl StoreHarness) -> Checked {
    let twins = Twins::new(place)?;
    for (what, query) in queries()? {
        for by in [None, Some(CountBy::Hour), Some(CountBy::Day), Some(CountBy::App), Some(CountBy::Actor)] {
            let tell = |Counts { total, by_key, is_complete }| {
                let keys: Vec<_> = by_key.into_iter().map(|count: Count| (count.key, count.activities)).collect();
                format!("{total} in all, {keys:?}{}", if is_complete { "" } else { ", and perhaps more" })
            };
            let with = tell(twins.with.public_counts(&query, by)?);
            let without = tell(twins.without.public_counts(&query, by)?);
            ensure!(
                with == without,
                "{what} by {by:?} counts {with} with private activities around, {without} without"
            );
        }
    }
    Ok(())
}

/// Whether the offsets of a store depend only on the order of the public activities. Offsets that a store seals differ
/// from store to store.
pub(super) fn has_fixed_offsets<H: StoreHarness>() -> Checked<bool> {
    let offsets = || {
        let place = H::fresh();
        let store = place.open();
        store.initialize()?;
        store.keep(&activities("one", ADELE, 3)?)?;
        store.keep(&activities("other", ADELE, 2)?)?;
        Ok::<_, Breach>(store.followed()?.into_iter().map(|(offset, _)| offset).collect::<Vec<_>>())
    };
    Ok(offsets()? == offsets()?)
}

/// Breaks off if offsets tell one store from the other. Those that are sealed can do so by nothing but their length.
pub(super) fn offsets_alike(
    what: &str,
    are_fixed: bool,
    with: &[(Offset, PublicActivity)],
    without: &[(Offset, PublicActivity)],
) -> Checked {
    let tell = |found: &[(Offset, PublicActivity)]| -> Vec<String> {
        let offset = |offset: &Offset| match are_fixed {
            true => offset.to_string(),
            false => format!("{} bytes", offset.as_bytes().len()),
        };
        found.iter().map(|(at, public)| format!("{} at {}", public.activity().id().as_str(), offset(at))).collect()
    };
    let (with, without) = (tell(with), tell(without));
    ensure!(with == without, "{what} are {with:?} with private activities around, {without:?} without");
    Ok(())
}

pub(super) fn f3_offsets_tell_nothing_of_what_is_hidden<H: StoreHarness>(place: H) -> Checked {
    let are_fixed = has_fixed_offsets::<H>()?;
    let twins = Twins::new(place)?;
    let starts = |store: &H::Store| -> Checked<Vec<Offset>> {
        let offsets = store.followed()?.into_iter().map(|(offset, _)| offset);
        Ok(std::iter::once(Offset::START).chain(offsets).collect())
    };
    let (with, without) = (starts(&twins.with)?, starts(&twins.without)?);
    for limit in [0, 1, 3, ALL] {
        for (nth, (with, without)) in with.iter().zip(&without).enumerate() {
            let (with, without) = (twins.with.public_after(with, limit)?, twins.without.public_after(without, limit)?);
            offsets_alike(&format!("{limit} at most after number {nth}"), are_fixed, &with, &without)?;
        }
    }
    Ok(())
}

/// A decision that a store makes up, because it took a private activity for a public one, is no decision.
pub(super) fn v2_public_reads_return_what_was_decided_public(place: impl StoreHarness) -> Checked {
    let twins = Twins::new(place)?;
    let decided_public = |how: &str, read: Vec<StoredActivity>| {
        for stored in read {
            let id = stored.activity().id();
            let decided = twins.public.iter().find(|public| public.activity().id() == id);
            ensure!(decided.is_some(), "{how} returned `{}`, which was not decided public", id.as_str());
            same(how, &[stored], decided.map_or(&[], std::slice::from_ref))?;
        }
        Ok(())
    };
    for (what, query) in queries()? {
        decided_public(
            &format!("a page of {what}"),
            in_the_open(twins.with.public_page(&query, None, ALL)?.activities),
        )?;
    }
    for stored in twins.public.iter().chain(&twins.private) {
        // An error returns nothing; whether there may be one is for other clauses.
        let query = Query::all().with_id(stored.activity().id().clone());
        let found = twins.with.public_page(&query, None, 1).unwrap_or_default();
        decided_public("a look-up by id", in_the_open(found.activities))?;
    }
    let followed = twins.with.followed()?.into_iter().map(|(_, public)| public).collect();
    decided_public("public_after", in_the_open(followed))?;
    // Whoever acted in what was decided public, and nobody else, is counted.
    let labels: BTreeSet<String> = twins.public.iter().map(|public| CountBy::Actor.key(public.activity())).collect();
    for count in twins.with.public_counts(&Query::all(), Some(CountBy::Actor))?.by_key {
        ensure!(labels.contains(&count.key), "counts by actor name `{}`, of whom nothing public is stored", count.key);
    }
    Ok(())
}
