//! Filters: every method with a query returns what `Query::matches` accepts in a list of all activities.

use super::StoreHarness;
use crate::activity::{Activity, Actor, App};
use crate::conformance::clause::{Checked, ensure};
use crate::conformance::fixture::{
    self, ADELE, ALL, HANNA, ReadExt, StoreExt, alias, at, council, counts_by_key, ensure_same, is_public, micros,
    newest_first, position_of, staff,
};
use crate::identity::{Alias, UserId};
use crate::policy::{GroupRef, PolicyChange, ScopeRule, ScopeTarget};
use crate::query::{CountBy, Query};
use crate::store::{ActivityStore, StoredActivity};

/// Returns queries, each of which matches some activities and not others.
pub(super) fn queries() -> Checked<Vec<(&'static str, Query)>> {
    let all = Query::all;
    Ok(vec![
        ("everything", all()),
        ("since", all().since(at(3_600))),
        ("since, to the microsecond", all().since(at(7_200) + micros(1))),
        ("until", all().until(at(7_200))),
        ("until, to the microsecond", all().until(at(7_200) + micros(1))),
        ("until, finer than any activity", all().until(at(7_200) + chrono::TimeDelta::nanoseconds(1))),
        ("a range", all().since(at(1_800)).until(at(90_000))),
        ("a range that is empty", all().since(at(50)).until(at(50))),
        ("an actor by UPN", all().by_actor("ADELE@Contoso.com.")?),
        ("an actor by id", all().by_actor("u-77")?),
        ("an actor by id in another case", all().by_actor("U-77")?),
        ("an actor by account", all().by_actor("Nrc")?),
        ("an application", all().by_actor("BACKUP robot")?),
        ("a folded name", all().by_actor("STRASSE@contoso.com")?),
        ("an on-behalf-of principal", all().by_actor("boss@contoso.com")?),
        ("a user with private activities", all().by_actor("hanna@contoso.com")?),
        ("an unknown actor", all().by_actor("nobody@contoso.com")?),
        ("an id", all().with_id("a-16".parse()?)),
        ("an id in another case", all().with_id("A-16".parse()?)),
        ("several ids, one of them private and one unknown", with_ids(all(), &["a-7", "a-16", "a-1", "a-0", "a-99"])?),
        ("an app", all().in_app("SharePoint".parse()?)),
        ("an app in another case", all().in_app("sharepoint".parse()?)),
        ("a suite", all().in_suite("Microsoft 365".parse()?)),
        ("an action", all().with_action("Login".parse()?)),
        ("an action in another case", all().with_action("LOGIN".parse()?)),
        ("the staff, as decided", all().decided_by_group(staff()?)),
        ("the council, as decided", all().decided_by_group(council()?)),
        ("a built-in group, as decided", all().decided_by_group(GroupRef::Applications)),
        ("a text in an object", all().containing("BUDGET")?),
        ("a text in the action", all().containing("log")?),
        ("a text, folded", all().containing("ÜBERSICHT")?),
        ("a text with a wildcard", all().containing("100%")?),
        ("a text with an underscore", all().containing("a_b")?),
        ("a text with a quote", all().containing("it's")?),
        ("a text of the details, which are not searched", all().containing("secret sauce")?),
    ])
}

/// Returns the query, restricted to these ids.
pub(super) fn with_ids(query: Query, ids: &[&str]) -> Checked<Query> {
    ids.iter().try_fold(query, |query, id| Ok(query.with_id(id.parse()?)))
}

/// Appends activities of several hours and days, in apps with and without suites, by actors of every kind. The second
/// batch is decided under a scope rule.
pub(super) fn populate(store: &impl ActivityStore) -> Checked<Vec<StoredActivity>> {
    store.initialize_private()?;
    let first = store.append_new(&varied_activities()?)?;
    let rule = ScopeRule::include(staff()?, ScopeTarget::AllApps);
    store.publish(&fixture::change(&*store.in_force()?, &PolicyChange::AddScopeRule(rule))?)?;
    let mut scoped = Vec::new();
    for (who, n) in [(ADELE, 1), (HANNA, 2), (ADELE, 3), (ADELE, 40)] {
        scoped.push(fixture::activity_at(&format!("scoped-{n}"), who, at(n * 2_400))?);
    }
    let second = store.append_new(&scoped)?;
    Ok(newest_first([first, second].concat()))
}

/// No two of these lists have the same length, so that all values are combined.
fn varied_activities() -> Checked<Vec<Activity>> {
    let actors = [
        Actor::user(alias(ADELE)?),
        Actor::user(alias(HANNA)?),
        Actor::user(UserId::new("u-77")?).with_identity(alias("otto")?),
        Actor::user(Alias::account("GitHub", "nrc")?),
        Actor::application("Backup Robot".parse()?),
        Actor::user(alias("straße")?),
        Actor::user(alias("Adele")?),
        Actor::system("SHAREPOINT\\system".parse()?),
    ];
    let apps = [
        App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?),
        App::new("Box".parse()?),
        App::new("SharePoint".parse()?),
        App::new("Exchange".parse()?).in_suite("Microsoft 365".parse()?),
        App::new("sharepoint".parse()?).in_suite("microsoft 365".parse()?),
    ];
    let actions = ["FileAccessed", "Login", "login"];
    let objects = ["budget 2026.xlsx", "Übersicht.pdf", "100%", "1000", "a_b", "axb", "it's"];
    let seconds = [0, 1_800, 3_599, 3_600, 7_199, 7_200, 10_800, 86_399, 86_400, 90_000, 172_800];
    let who = actors.iter().cycle().zip(apps.iter().cycle());
    let what = actions.iter().cycle().zip(objects.iter().cycle());
    let sorts = who.zip(what).zip(seconds.iter().cycle());
    let mut all = Vec::new();
    for (n, (((actor, app), (action, object)), seconds)) in (0..60).zip(sorts) {
        let time = at(*seconds) + micros(i64::from(n % 3 == 0));
        let mut builder =
            Activity::builder(format!("a-{n}").parse()?, actor.clone(), app.clone(), action.parse()?, time);
        if n % 4 != 0 {
            builder = builder.object("plan").object(*object);
        }
        if n % 9 == 2 {
            builder = builder.on_behalf_of(Actor::user(alias("boss")?)).details("secret sauce");
        }
        if n % 9 == 5 {
            builder = builder.on_behalf_of(Actor::user(alias(HANNA)?));
        }
        all.push(builder.build()?);
    }
    Ok(all)
}

pub(super) fn matching<'a>(
    query: &'a Query,
    list: &'a [StoredActivity],
) -> impl Iterator<Item = &'a StoredActivity> + 'a {
    list.iter().filter(|stored| query.matches(stored.activity(), stored.decision()))
}

pub(super) fn v3_every_filter_applies_to_pages(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        ensure_same(&format!("a page of {what}"), &store.page(&query, None, ALL)?, &expected)?;
        let first = expected.iter().take(2).cloned().collect::<Vec<_>>();
        ensure_same(&format!("the first two of {what}"), &store.page(&query, None, 2)?, &first)?;
        if let Some(middle) = list.get(list.len() / 2).map(position_of) {
            let rest: Vec<_> = expected.into_iter().filter(|stored| position_of(stored) < middle).collect();
            let page = store.page(&query, Some(&middle), ALL)?;
            ensure_same(&format!("the older half of {what}"), &page, &rest)?;
        }
    }
    Ok(())
}

pub(super) fn v3_filters_combine(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    type Narrow = fn(Query) -> Checked<Query>;
    let narrow: [(&str, Narrow); 8] = [
        ("since", |query| Ok(query.since(at(1_800)))),
        ("until", |query| Ok(query.until(at(86_400)))),
        ("by actor", |query| Ok(query.by_actor("adele@contoso.com")?)),
        ("in app", |query| Ok(query.in_app("SharePoint".parse()?))),
        ("in suite", |query| Ok(query.in_suite("Microsoft 365".parse()?))),
        ("with action", |query| Ok(query.with_action("FileAccessed".parse()?))),
        ("containing", |query| Ok(query.containing("plan")?)),
        ("with ids", |query| with_ids(query, &["a-40", "a-16", "a-15", "a-1", "scoped-3", "a-99"])),
    ];
    for (nth, (first, narrow_first)) in narrow.iter().enumerate() {
        for (second, narrow_second) in narrow.iter().skip(nth + 1) {
            let query = narrow_second(narrow_first(Query::all())?)?;
            let expected: Vec<_> = matching(&query, &list).cloned().collect();
            let page = store.page(&query, None, ALL)?;
            ensure_same(&format!("{first} and {second}"), &page, &expected)?;
        }
    }
    let all = narrow.iter().try_fold(Query::all(), |query, (_, narrow)| narrow(query))?;
    let expected: Vec<_> = matching(&all, &list).cloned().collect();
    ensure_same("all filters combined", &store.page(&all, None, ALL)?, &expected)
}

pub(super) fn v3_ids_combine_with_every_filter(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    let some: Vec<&str> = list.iter().step_by(3).map(|stored| stored.activity().id().as_str()).collect();
    for (what, query) in queries()? {
        let query = with_ids(query, &some)?;
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        ensure_same(&format!("{what}, with some ids"), &store.page(&query, None, ALL)?, &expected)?;
        store.ensure_counts(&format!("{what}, with some ids"), &query, None, &expected)?;
        for after in list.iter().step_by(7).map(position_of) {
            let rest: Vec<_> = expected.iter().filter(|stored| position_of(stored) < after).take(2).cloned().collect();
            ensure_same(&format!("two of {what}, with some ids"), &store.page(&query, Some(&after), 2)?, &rest)?;
        }
    }
    Ok(())
}

pub(super) fn v3_every_filter_applies_to_counts(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for (what, query) in queries()? {
        let expected: Vec<_> = matching(&query, &list).cloned().collect();
        store.ensure_counts(what, &query, None, &expected)?;
    }
    Ok(())
}

pub(super) fn v3_counts_are_in_key_order(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    let list: Vec<_> = populate(&store)?.into_iter().filter(is_public).collect();
    for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
        for (what, query) in queries()? {
            let expected: Vec<_> = matching(&query, &list).cloned().collect();
            store.ensure_counts(what, &query, Some(by), &expected)?;
        }
    }
    Ok(())
}

/// As folded texts these addresses are equal; their domains differ.
const SHARP: [&str; 3] = ["x@fa\u{df}.example", "X@FA\u{df}.Example.", "x@xn--fa-hia.example"];
const DOUBLE: [&str; 2] = ["x@fass.example", "X@FASS.example."];

pub(super) fn d8_address_matches_by_idna_domain(harness: impl StoreHarness) -> Checked {
    let store = harness.open();
    store.initialize_private()?;
    let account = Actor::user(UserId::new(ADELE)?).with_identity(Alias::account("GitHub", "stra\u{df}e")?);
    let mut all = vec![fixture::activity_builder("account", account, at(0))?.build()?];
    for (name, spellings) in [("sharp", &SHARP[..]), ("double", &DOUBLE[..])] {
        for (nth, spelling) in spellings.iter().enumerate() {
            let user = Actor::user(Alias::new(spelling)?);
            let application = Actor::application((*spelling).parse()?);
            for (what, actor) in [("user", user), ("application", application)] {
                all.push(fixture::activity_builder(&format!("{name}-{what}-{nth}"), actor.clone(), at(0))?.build()?);
                let hidden = fixture::activity_builder(&format!("{name}-{what}-{nth}-hidden"), actor, at(0))?;
                all.push(hidden.on_behalf_of(Actor::user(alias(HANNA)?)).build()?);
            }
        }
    }
    let list = newest_first(store.append_new(&all)?);
    let by_name = |name: &str| -> Vec<StoredActivity> {
        list.iter().filter(|stored| stored.activity().id().as_str().starts_with(name)).cloned().collect()
    };
    let sharp = SHARP.iter().map(|name| (*name, "sharp"));
    let double = DOUBLE.iter().map(|name| (*name, "double"));
    for (text, name) in sharp.chain(double).chain([("STRASSE", "account")]) {
        let (query, expected) = (Query::all().by_actor(text)?, by_name(name));
        let public: Vec<_> = expected.iter().filter(|stored| is_public(stored)).cloned().collect();
        ensure_same(&format!("a page of {text}"), &store.page(&query, None, ALL)?, &public)?;
        store.ensure_counts(text, &query, None, &public)?;
        store.ensure_counts(text, &query, Some(CountBy::Actor), &public)?;
        let names = counts_by_key(CountBy::Actor, &public).len();
        ensure!(names == 1, "{text} is counted under {names} keys, expected 1");
        ensure_same(&format!("a reveal of {text}"), &store.revealed(&query, false, None, ALL)?, &expected)?;
    }
    Ok(())
}
