//! Chapter V of the rules: viewing. `non_interference.rs` and its neighbours test rule V2.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "viewing/addresses.rs"]
mod addresses;
mod fixture;
mod place;

use std::collections::BTreeMap;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestOutcome, Page, RevealError, View, ViewError};
use activity_privacy::identity::Alias;
use activity_privacy::policy::{GroupRef, PolicyChange, Role, ScopeRule, ScopeTarget};
use activity_privacy::query::{Count, CountBy, Cursor, CursorError, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::store::StoredActivity;
use chrono::{DateTime, TimeDelta, Utc};
use fixture::*;
use place::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn size(activities: u16) -> PageSize {
    PageSize::at_most(activities)
}

fn ids(activities: &[StoredActivity]) -> Vec<&str> {
    activities.iter().map(|stored| stored.activity().id().as_str()).collect()
}

/// Makes the council, which contains Adele and not Bob, private.
fn with_council(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council")
}

fn happened(id: &str, name: &str, seconds: i64) -> Activity {
    let app = App::new("SharePoint".parse().unwrap());
    let actor = Actor::user(alias(&format!("{name}@contoso.com")));
    Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(seconds)).build().unwrap()
}

/// Returns all pages of a view, with every cursor sent through its text form.
fn all_pages(view: &View, query: &Query, size: PageSize) -> Vec<StoredActivity> {
    let (mut all, mut cursor): (Vec<StoredActivity>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = view.page(query, size, cursor.as_ref()).unwrap();
        assert!(page.activities().len() <= size.get());
        assert!(page.next().is_none() || page.activities().len() == size.get(), "only the last page is short");
        all.extend_from_slice(page.activities());
        assert!(all.len() <= 1_000, "the pages never end");
        match page.next() {
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

fn all_revealed_pages(fixture: &Fixture, request: RevealRequest, size: PageSize) -> Vec<StoredActivity> {
    let mut reveal = fixture.filter.reveal(request).unwrap();
    let (mut all, mut cursor): (Vec<StoredActivity>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = reveal.page(size, cursor.as_ref()).unwrap();
        all.extend_from_slice(page.activities());
        assert!(all.len() <= 1_000, "the pages never end");
        match page.next() {
            Some(next) => cursor = Some(next.to_string().parse().unwrap()),
            None => return all,
        }
    }
}

#[test]
fn v1_view_shows_only_public_activities() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&[activity("a", "adele"), activity("b", "bob")]);
        let view = fixture.filter.view(&user("somebody"));
        assert_eq!(ids(view.page(&Query::all(), PageSize::MAX, None).unwrap().activities()), ["b"]);
        assert!(view.activity(&"a".parse().unwrap()).unwrap().is_none());
        assert!(view.activity(&"b".parse().unwrap()).unwrap().is_some());
        assert_eq!(view.count(&Query::all()).unwrap().total, 1);
        let by_actor = view.counts(&Query::all(), CountBy::Actor).unwrap().by_key;
        assert_eq!(by_actor.iter().map(|count| count.key.as_str()).collect::<Vec<_>>(), ["bob@contoso.com"]);
    }
}

#[test]
fn v1_view_of_permitted_viewer_shows_only_public_activities() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&[activity("a", "adele"), activity("b", "bob")]);
        let view = fixture.filter.view(&user("root"));
        let before = view.page(&Query::all(), PageSize::MAX, None).unwrap();
        fixture.permit_root();
        assert_eq!(view.page(&Query::all(), PageSize::MAX, None).unwrap(), before);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        assert_eq!(ids(reveal.page(PageSize::MAX, None).unwrap().activities()), ["b", "a"]);
        assert_eq!(
            view.page(&Query::all(), PageSize::MAX, None).unwrap(),
            before,
            "a view is unchanged while a reveal is open"
        );
        assert_eq!(ids(before.activities()), ["b"]);
    }
}

#[test]
fn v3_order_is_newest_first_by_time_then_id() {
    for place in places() {
        let fixture = place.fixture();
        let log = [("b", 5), ("a", 5), ("B", 5), ("ü", 5), ("ab", 5), ("old", -9), ("new", 9), ("a10", 5), ("a9", 5)];
        let log: Vec<_> = log.iter().map(|(id, seconds)| happened(id, "bob", *seconds)).collect();
        with_council(&fixture).ingest(&log);
        let view = fixture.filter.view(&user("somebody"));
        // Ids in descending byte order.
        let expected = ["new", "ü", "b", "ab", "a9", "a10", "a", "B", "old"];
        for pages in 1..10 {
            assert_eq!(ids(&all_pages(&view, &Query::all(), size(pages))), expected);
        }
    }
}

#[test]
fn v3_full_last_page_has_no_next_cursor() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&[activity("a", "adele"), activity("b", "bob"), activity("c", "bob")]);
        let view = fixture.filter.view(&user("somebody"));
        for (of, another) in [(1, true), (2, false), (3, false)] {
            let page = view.page(&Query::all(), size(of), None).unwrap();
            assert_eq!(page.next().is_some(), another, "pages of {of}");
        }
        fixture.permit_root();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        for (of, another) in [(2, true), (3, false), (4, false)] {
            let page = reveal.page(size(of), None).unwrap();
            assert_eq!(page.next().is_some(), another, "pages of {of} in a reveal");
        }
    }
}

#[test]
fn v3_time_range_is_half_open() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&[happened("a", "bob", 0), happened("b", "bob", 1), happened("c", "bob", 2)]);
        let view = fixture.filter.view(&user("somebody"));
        let found = |from: DateTime<Utc>, until: DateTime<Utc>| {
            let query = Query::all().since(from).until(until);
            let page = view.page(&query, PageSize::MAX, None).unwrap();
            assert_eq!(view.count(&query).unwrap().total, page.activities().len() as u64);
            ids(page.activities()).join("")
        };
        assert_eq!(found(at(0), at(2)), "ba", "the start is included, the end is excluded");
        assert_eq!(found(at(1), at(1)), "");
        assert_eq!(found(at(2), at(0)), "");
        let nanosecond = TimeDelta::nanoseconds(1);
        assert_eq!(found(at(0) + nanosecond, at(2) + nanosecond), "cb", "bounds may be finer than stored times");
        assert_eq!(found(at(0) - nanosecond, at(2) - nanosecond), "ba");
        assert_eq!(found(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC), "cba");
    }
}

#[test]
fn v3_every_filter_narrows_results() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture);
        let app = |name: &str| App::new(name.parse().unwrap());
        let office = |name: &str| app(name).in_suite("Microsoft 365".parse().unwrap());
        let begin = |id: &str, actor: Actor, app: App, action: &str| {
            Activity::builder(id.parse().unwrap(), actor, app, action.parse().unwrap(), at(0))
        };
        let bob = || Actor::user(alias("bob@contoso.com"));
        let log = [
            begin("1", bob(), office("SharePoint"), "FileAccessed").object("Plan 2026.docx"),
            begin("2", bob().with_identity(user("bob")), office("Exchange"), "Send")
                .on_behalf_of(Actor::user(user("carol"))),
            begin("3", Actor::application("Backup Bot".parse().unwrap()), app("Box"), "Upload"),
            begin(
                "4",
                Actor::user(Alias::account("Box", "nrc").unwrap()).with_identity(user("nobody")),
                app("Box"),
                "PlanUploaded",
            ),
            begin("5", Actor::user(alias("BOB@CONTOSO.COM.")), app("SharePoint"), "fileaccessed"),
        ];
        fixture.ingest(&log.map(|begun| begun.build().unwrap()));
        fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(
            GroupRef::Applications,
            ScopeTarget::AllApps,
        )));
        fixture
            .ingest(&[begin("6", Actor::application("Other".parse().unwrap()), app("Box"), "Upload").build().unwrap()]);

        let view = fixture.filter.view(&user("somebody"));
        let found = |query: Query| {
            let all = all_pages(&view, &query, size(2));
            assert_eq!(view.count(&query).unwrap().total, all.len() as u64);
            let mut ids = ids(&all);
            ids.sort_unstable();
            ids.join("")
        };
        let by = |actor: &str| Query::all().by_actor(actor).unwrap();
        assert_eq!(found(Query::all()), "123456");
        assert_eq!(found(by("Bob@Contoso.com")), "125", "aliases are compared folded");
        assert_eq!(found(by("bob")), "2", "an id is an identity too");
        assert_eq!(found(by("BOB")), "", "ids are never folded");
        assert_eq!(found(by("carol")), "2", "the principal on whose behalf the activity was done");
        assert_eq!(found(by("backup bot")), "3");
        assert_eq!(found(by("NRC")), "4");
        assert_eq!(found(Query::all().in_app("SharePoint".parse().unwrap())), "15");
        assert_eq!(found(Query::all().in_app("sharepoint".parse().unwrap())), "");
        assert_eq!(found(Query::all().in_suite("Microsoft 365".parse().unwrap())), "12");
        assert_eq!(found(Query::all().with_action("FileAccessed".parse().unwrap())), "1");
        assert_eq!(found(Query::all().containing("PLAN").unwrap()), "14", "text in the action and in the objects");
        assert_eq!(found(Query::all().containing("2026.doc").unwrap()), "1");
        assert_eq!(
            found(Query::all().decided_by_group(GroupRef::Applications)),
            "6",
            "the group of the decision, not of the current policy"
        );
        assert_eq!(found(by("bob@contoso.com").in_app("SharePoint".parse().unwrap()).containing("plan").unwrap()), "1");
        assert_eq!(found(Query::all().decided_by_group(group("council").into())), "");
    }
}

#[test]
fn v3_pages_are_stable_while_activities_arrive() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture);
        let there: Vec<_> = (0..20).map(|i| happened(&format!("there-{i:02}"), "bob", i / 3)).collect();
        fixture.ingest(&there);
        let view = fixture.filter.view(&user("somebody"));
        let (mut seen, mut cursor, mut round) = (Vec::new(), None, 0);
        loop {
            let page = view.page(&Query::all(), size(3), cursor.as_ref()).unwrap();
            seen.extend(ids(page.activities()).into_iter().map(str::to_owned));
            cursor = page.next().cloned();
            if cursor.is_none() {
                break;
            }
            // Between any two, before all and after all, public or private.
            round += 1;
            for (at, seconds) in [-1, 0, 2, 3, 6, 100].into_iter().enumerate() {
                let (name, id) = (["bob", "adele"][at % 2], format!("late-{round:02}-{at}"));
                fixture.ingest(&[happened(&id, name, seconds)]);
            }
        }
        let there: Vec<_> = (0..20).rev().map(|i| format!("there-{i:02}")).collect();
        let old: Vec<_> = seen.iter().filter(|id| id.starts_with("there")).cloned().collect();
        assert_eq!(old, there, "each existing activity once, in order");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "no activity is shown twice");
    }
}

#[test]
fn v3_counts_per_hour_day_app_and_actor() {
    for place in places() {
        let fixture = place.fixture();
        // at(0) is 2026-02-25T06:13:20Z.
        let hour = 3_600;
        with_council(&fixture).ingest(&[
            happened("1", "bob", 0),
            happened("2", "bob", 46 * 60),
            happened("3", "BOB", 47 * 60),
            happened("4", "carol", 20 * hour),
            happened("5", "adele", 0),
        ]);
        let view = fixture.filter.view(&user("somebody"));
        let counts = |query: &Query, by| -> Vec<(String, u64)> {
            let counts = view.counts(query, by).unwrap().by_key.into_iter();
            counts.map(|Count { key, activities }| (key, activities)).collect()
        };
        let own = |counts: &[(&str, u64)]| -> Vec<(String, u64)> {
            counts.iter().map(|(key, count)| ((*key).to_owned(), *count)).collect()
        };
        let all = Query::all();
        assert_eq!(
            counts(&all, CountBy::Hour),
            own(&[("2026-02-25T06:00:00Z", 2), ("2026-02-25T07:00:00Z", 1), ("2026-02-26T02:00:00Z", 1)])
        );
        assert_eq!(counts(&all, CountBy::Day), own(&[("2026-02-25T00:00:00Z", 3), ("2026-02-26T00:00:00Z", 1)]));
        assert_eq!(counts(&all, CountBy::App), own(&[("SharePoint", 4)]));
        assert_eq!(counts(&all, CountBy::Actor), own(&[("bob@contoso.com", 3), ("carol@contoso.com", 1)]));
        assert_eq!(
            counts(&all.since(at(60)), CountBy::Actor),
            own(&[("bob@contoso.com", 2), ("carol@contoso.com", 1)])
        );
    }
}

#[test]
fn v3_reveal_can_show_only_private_activities() {
    for place in places() {
        let fixture = place.fixture();
        let log = [("1", "bob"), ("2", "adele"), ("3", "bob"), ("4", "adele"), ("5", "adele")];
        with_council(&fixture).ingest(&log.map(|(id, name)| activity(id, name)));
        fixture.permit_root();
        for pages in 1..6 {
            assert_eq!(ids(&all_revealed_pages(&fixture, reveal_all("root"), size(pages))), ["5", "4", "3", "2", "1"]);
            assert_eq!(
                ids(&all_revealed_pages(&fixture, reveal_all("root").private_only(), size(pages))),
                ["5", "4", "2"]
            );
        }
    }
}

/// At a leap second, and at the limits of the time range, order, counts and pages stay correct.
#[test]
fn v3_extreme_times_stay_in_order() {
    for place in places() {
        let fixture = place.fixture();
        let time = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let leap = time("2016-12-31T23:59:60.5Z");
        let times = [
            DateTime::<Utc>::MIN_UTC,
            time("-0001-06-01T00:00:00.000001Z"),
            time("1969-12-31T23:59:59.999999Z"),
            time("2016-12-31T23:59:59.9Z"),
            leap,
            time("2017-01-01T00:00:00.7Z"),
            time("+12026-01-01T00:00:00Z"),
            DateTime::<Utc>::MAX_UTC,
        ];
        let log: Vec<_> = times
            .iter()
            .enumerate()
            .map(|(at, time)| {
                let (actor, app) = (Actor::user(alias("bob@contoso.com")), App::new("Box".parse().unwrap()));
                let id = at.to_string().parse().unwrap();
                Activity::builder(id, actor, app, "Login".parse().unwrap(), *time).build().unwrap()
            })
            .collect();
        with_council(&fixture).ingest(&log);
        let view = fixture.filter.view(&user("somebody"));
        for pages in [1, 2, 9] {
            assert_eq!(ids(&all_pages(&view, &Query::all(), size(pages))).join(""), "76543210");
        }
        assert_eq!(ids(&all_pages(&view, &Query::all().since(leap), size(9))).join(""), "7654");
        assert_eq!(ids(&all_pages(&view, &Query::all().until(leap), size(9))).join(""), "3210");
        assert_eq!(
            view.counts(&Query::all(), CountBy::Day).unwrap().by_key.iter().map(|count| count.activities).sum::<u64>(),
            8
        );
        assert_eq!(fixture.ingest(&log), [IngestOutcome::Duplicate; 8], "the stored content is the delivered content");
    }
}

#[derive(Debug, Clone)]
struct Plain {
    id: String,
    name: &'static str,
    app: &'static str,
    suite: Option<&'static str>,
    action: &'static str,
    object: Option<&'static str>,
    micros: i64,
}

#[derive(Debug, Clone)]
struct PlainQuery {
    since: Option<i64>,
    until: Option<i64>,
    name: Option<&'static str>,
    app: Option<&'static str>,
    suite: Option<&'static str>,
    action: Option<&'static str>,
    group: Option<&'static str>,
    text: Option<&'static str>,
}

const NAMES: [&str; 3] = ["adele", "bob", "carol"];
const APPS: [&str; 2] = ["SharePoint", "Box"];
const SUITES: [&str; 2] = ["Microsoft 365", "Other"];
const ACTIONS: [&str; 2] = ["FileAccessed", "Upload"];
const OBJECTS: [&str; 2] = ["Plan.docx", "upload list"];

fn time(micros: i64) -> DateTime<Utc> {
    at(0) + TimeDelta::microseconds(micros)
}

/// Few values, so that many are equal.
fn micros() -> impl Strategy<Value = i64> {
    prop_oneof![0..3_i64, Just(3_600_000_000), Just(86_400_000_000), Just(-1)]
}

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(from)
}

fn plain() -> impl Strategy<Value = Plain> {
    let id = "[aAb\u{fc}\u{1f600}][0-9]?";
    let rest = (pick(&NAMES), pick(&APPS), option::of(pick(&SUITES)), pick(&ACTIONS), option::of(pick(&OBJECTS)));
    (id, rest, micros()).prop_map(|(id, (name, app, suite, action, object), micros)| Plain {
        id,
        name,
        app,
        suite,
        action,
        object,
        micros,
    })
}

fn plain_query() -> impl Strategy<Value = PlainQuery> {
    fn maybe(from: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
        option::weighted(0.2, pick(from))
    }
    let times = (option::weighted(0.2, micros()), option::weighted(0.2, micros()));
    let groups = maybe(&["council", "everybody"]);
    (times, maybe(&NAMES), maybe(&APPS), maybe(&SUITES), maybe(&ACTIONS), groups, maybe(&["PLAN", "upload", "zzz"]))
        .prop_map(|((since, until), name, app, suite, action, group, text)| PlainQuery {
            since,
            until,
            name,
            app,
            suite,
            action,
            group,
            text,
        })
}

impl Plain {
    fn activity(&self) -> Activity {
        let actor = Actor::user(alias(&format!("{}@contoso.com", self.name)));
        let app = App::new(self.app.parse().unwrap());
        let app = self.suite.iter().fold(app, |app, suite| app.in_suite(suite.parse().unwrap()));
        let (id, action) = (self.id.parse().unwrap(), self.action.parse().unwrap());
        let builder = Activity::builder(id, actor, app, action, time(self.micros));
        self.object.iter().fold(builder, |builder, object| builder.object(*object)).build().unwrap()
    }

    fn is_private(&self) -> bool {
        self.name == "adele"
    }
}

impl PlainQuery {
    fn query(&self) -> Query {
        let Self { since, until, name, app, suite, action, group: decided, text } = self;
        let mut query = Query::all();
        if let Some(since) = since {
            query = query.since(time(*since));
        }
        if let Some(until) = until {
            query = query.until(time(*until));
        }
        if let Some(name) = name {
            query = query.by_actor(format!("{}@Contoso.com", name.to_uppercase())).unwrap();
        }
        if let Some(app) = app {
            query = query.in_app(app.parse().unwrap());
        }
        if let Some(suite) = suite {
            query = query.in_suite(suite.parse().unwrap());
        }
        if let Some(action) = action {
            query = query.with_action(action.parse().unwrap());
        }
        if let Some(decided) = decided {
            query = query.decided_by_group(group(decided).into());
        }
        if let Some(text) = text {
            query = query.containing(text).unwrap();
        }
        query
    }

    /// `in_scope`: whether a scope rule existed when it was stored.
    fn finds(&self, plain: &Plain, in_scope: bool) -> bool {
        let Self { since, until, name, app, suite, action, group, text } = self;
        since.is_none_or(|since| plain.micros >= since)
            && until.is_none_or(|until| plain.micros < until)
            && name.is_none_or(|name| plain.name == name)
            && app.is_none_or(|app| plain.app == app)
            && suite.is_none_or(|suite| plain.suite == Some(suite))
            && action.is_none_or(|action| plain.action == action)
            && group.is_none_or(|group| if group == "council" { plain.is_private() } else { in_scope })
            && text.is_none_or(|text| {
                let within = |has: &str| has.to_lowercase().contains(&text.to_lowercase());
                within(plain.action) || plain.object.is_some_and(within)
            })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn v3_every_store_agrees_with_naive_filter(
        before in vec(plain(), 0..16),
        after in vec(plain(), 0..16),
        queries in vec(plain_query(), 1..5),
        pages in 1..5_u16,
    ) {
        let mut naive: Vec<(Plain, bool)> = Vec::new();
        for (plain, in_scope) in before.iter().map(|p| (p, false)).chain(after.iter().map(|p| (p, true))) {
            if naive.iter().all(|(known, _)| known.id != plain.id) {
                naive.push((plain.clone(), in_scope));
            }
        }
        naive.sort_by(|(a, _), (b, _)| (b.micros, b.id.as_bytes()).cmp(&(a.micros, a.id.as_bytes())));
        for place in places() {
            let fixture = place.fixture();
            let everybody: [&str; 2] = ["council", "everybody"];
            fixture.install(people(&[("adele", &everybody), ("bob", &everybody[1..]), ("carol", &everybody[1..])]));
            fixture.manage("contoso.com").make_private("council").permit_root();
            fixture.ingest(&before.iter().map(Plain::activity).collect::<Vec<_>>());
            fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("everybody"), ScopeTarget::AllApps)));
            fixture.ingest(&after.iter().map(Plain::activity).collect::<Vec<_>>());

            let view = fixture.filter.view(&user("somebody"));
            for plain_query in &queries {
                let query = plain_query.query();
                let found: Vec<&Plain> =
                    naive.iter().filter(|(plain, scoped)| plain_query.finds(plain, *scoped)).map(|(p, _)| p).collect();
                let public: Vec<&Plain> = found.iter().copied().filter(|plain| !plain.is_private()).collect();
                let private: Vec<&Plain> = found.iter().copied().filter(|plain| plain.is_private()).collect();
                let all_ids = |plain: &[&Plain]| plain.iter().map(|plain| plain.id.clone()).collect::<Vec<_>>();

                let leafed = all_pages(&view, &query, size(pages));
                prop_assert_eq!(ids(&leafed), all_ids(&public));
                prop_assert_eq!(view.count(&query).unwrap().total, public.len() as u64);
                for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
                    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
                    for plain in &public {
                        let seconds = time(plain.micros).timestamp();
                        let begin = |every| DateTime::from_timestamp(seconds - seconds.rem_euclid(every), 0).unwrap();
                        let key = match by {
                            CountBy::Hour => begin(3_600).format("%FT%TZ").to_string(),
                            CountBy::Day => begin(86_400).format("%FT%TZ").to_string(),
                            CountBy::App => plain.app.to_owned(),
                            CountBy::Actor => format!("{}@contoso.com", plain.name),
                        };
                        *expected.entry(key).or_default() += 1;
                    }
                    let counts = view.counts(&query, by).unwrap().by_key.into_iter();
                    let counts: Vec<_> = counts.map(|count| (count.key, count.activities)).collect();
                    prop_assert_eq!(counts, expected.into_iter().collect::<Vec<_>>());
                }

                let request = || {
                    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
                    RevealRequest::new(user("root"), query.clone(), std::time::Duration::from_secs(60), audited)
                };
                let revealed = all_revealed_pages(&fixture, request(), size(pages));
                prop_assert_eq!(ids(&revealed), all_ids(&found));
                let revealed = all_revealed_pages(&fixture, request().private_only(), size(pages));
                prop_assert_eq!(ids(&revealed), all_ids(&private));
            }
        }
    }
}

#[test]
fn v4_cursor_is_rejected_outside_its_context() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&[1, 2, 3, 4].map(|i| happened(&i.to_string(), ["bob", "adele"][i % 2], 0)));
        fixture.update_policy(PolicyChange::SetAdmin(user("bob"), Role::Analyst)).permit_root();
        fixture.grant("bob");
        let somebody = fixture.filter.view(&user("somebody"));
        let query = Query::all();
        let of_view = somebody.page(&query, size(1), None).unwrap().next().cloned().unwrap();
        let mut of_root = fixture.filter.reveal(reveal_all("root")).unwrap();
        let in_reveal = of_root.page(size(1), None).unwrap().next().cloned().unwrap();

        let foreign = |page: Result<Page, ViewError>| {
            assert!(matches!(page.unwrap_err(), ViewError::Cursor(CursorError::Foreign)));
        };
        let refused = |page: Result<Page, RevealError>| {
            assert!(matches!(page.unwrap_err(), RevealError::Cursor(CursorError::Foreign)));
        };
        // Another viewer.
        foreign(fixture.filter.view(&user("somebody-else")).page(&query, size(1), Some(&of_view)));
        foreign(fixture.filter.view(&user("root")).page(&query, size(1), Some(&of_view)));
        // Another query, different in one part.
        let others = [
            query.clone().since(at(-1)),
            query.clone().until(at(-1)),
            query.clone().by_actor("bob@contoso.com").unwrap(),
            query.clone().in_app("SharePoint".parse().unwrap()),
            query.clone().in_suite("SharePoint".parse().unwrap()),
            query.clone().with_action("SharePoint".parse().unwrap()),
            query.clone().decided_by_group(group("council").into()),
            query.clone().decided_by_group(GroupRef::Applications),
            query.clone().containing("SharePoint").unwrap(),
        ];
        for (at, other) in others.iter().enumerate() {
            foreign(somebody.page(other, size(1), Some(&of_view)));
            // Each part distinguishes the query from every other.
            for elsewhere in others.iter().skip(at + 1) {
                assert_ne!(other, elsewhere);
            }
        }
        // A view's cursor in a reveal, and a reveal's cursor in a view.
        refused(of_root.page(size(1), Some(&of_view)));
        foreign(somebody.page(&query, size(1), Some(&in_reveal)));
        foreign(fixture.filter.view(&user("root")).page(&query, size(1), Some(&in_reveal)));
        // Another reveal, of another viewer or of the same.
        refused(fixture.filter.reveal(reveal_all("bob")).unwrap().page(size(1), Some(&in_reveal)));
        refused(fixture.filter.reveal(reveal_all("root")).unwrap().page(size(1), Some(&in_reveal)));
        // Each cursor in the context that it belongs to.
        assert_eq!(ids(somebody.page(&query, size(1), Some(&of_view)).unwrap().activities()), ["2"]);
        assert_eq!(ids(of_root.page(size(1), Some(&in_reveal)).unwrap().activities()), ["3"]);
    }
}

/// Two filters over one store are interchangeable: a cursor continues after a restart.
#[test]
fn v4_view_cursor_outlives_its_filter() {
    for place in places() {
        let fixture = place.fixture();
        with_council(&fixture).ingest(&["1", "2"].map(|id| activity(id, "bob")));
        let page = fixture.filter.view(&user("somebody")).page(&Query::all(), size(1), None).unwrap();
        let cursor = page.next().cloned().unwrap();
        let again = place.fixture().filter.view(&user("somebody"));
        assert_eq!(ids(again.page(&Query::all(), size(1), Some(&cursor)).unwrap().activities()), ["1"]);
    }
}

#[test]
fn v4_reveal_cursor_discloses_nothing() {
    let fixture = Fixture::new();
    with_council(&fixture).ingest(&["canary-1", "canary-2"].map(|id| activity(id, "adele")));
    fixture.permit_root();
    let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    let cursor = reveal.page(size(1), None).unwrap().next().cloned().unwrap();
    let token = cursor.to_string();
    let hex: String = "canary".bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(!token.contains(&hex) && !token.contains("canary"));
    assert!(!format!("{cursor:?}").contains(&token));
    assert!(token.contains(&reveal.id().0.simple().to_string()), "the token contains a reveal's id and a page number");
    assert_eq!(token.len(), 2 * (1 + 16 + 4));
}

proptest! {
    #[test]
    fn v4_malformed_cursor_is_rejected(text in ".{0,80}", hex in "0[12]([0-9a-f]{2}){0,60}") {
        for token in [text, hex] {
            match token.parse::<Cursor>() {
                Ok(cursor) => prop_assert_eq!(cursor.to_string(), token, "a cursor has one form"),
                Err(error) => prop_assert_eq!(error, CursorError::Malformed),
            }
        }
    }

    /// A modified token continues in the same public log, or is rejected.
    #[test]
    fn v4_modified_cursor_shows_nothing_private(at in 0..200_usize, digit in "[0-9a-f]") {
        let fixture = Fixture::new();
        let log = [("1", "bob"), ("2", "adele"), ("3", "adele"), ("4", "bob"), ("5", "adele")];
        with_council(&fixture).ingest(&log.map(|(id, name)| happened(id, name, 0)));
        let view = fixture.filter.view(&user("somebody"));
        let mut token = view.page(&Query::all(), size(1), None).unwrap().next().unwrap().to_string();
        let at = at % token.len();
        token.replace_range(at..=at, &digit);
        if let Ok(cursor) = token.parse::<Cursor>() {
            match view.page(&Query::all(), size(9), Some(&cursor)) {
                Ok(page) => prop_assert!(!page.includes_private()),
                Err(error) => prop_assert!(matches!(error, ViewError::Cursor(CursorError::Foreign))),
            }
        }
    }
}

#[test]
fn v6_items_and_pages_state_their_visibility() {
    for place in places() {
        let fixture = place.fixture();
        let log = [("1", "adele"), ("2", "bob"), ("3", "bob")].map(|(id, name)| activity(id, name));
        with_council(&fixture).ingest(&log);
        fixture.permit_root();
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let whole = reveal.page(size(9), None).unwrap();
        assert!(whole.includes_private());
        let marks: Vec<_> = whole.activities().iter().map(StoredActivity::visibility).collect();
        assert_eq!(marks, [Visibility::Public, Visibility::Public, Visibility::Private]);
        let public = reveal.page(size(2), None).unwrap();
        assert!(!public.includes_private(), "the flag describes the page, not the reveal");
        let view = fixture.filter.view(&user("root")).page(&Query::all(), size(9), None).unwrap();
        assert!(!view.includes_private());

        // A user interface often gets the page as JSON.
        let json = serde_json::to_value(&whole).unwrap();
        assert_eq!(json["includes_private"], true);
        assert_eq!(json["activities"][2]["decision"]["visibility"], "private");
        assert_eq!(serde_json::to_value(&view).unwrap()["includes_private"], false);
    }
}
