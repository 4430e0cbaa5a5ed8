//! Rule V2: a viewer without a reveal observes what they would observe if the private activities had never been
//! ingested.
//!
//! Two runs test this. The first feeds a random history into one fixture. The second feeds the same history into
//! another fixture, without the activities that the first stores as private. The test then makes every call that needs
//! no reveal on both, and compares the answers byte for byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fixture;
mod place;

use std::collections::BTreeSet;
use std::time::Duration;

use activity_privacy::activity::{Activity, ActivityId, Actor, App};
use activity_privacy::directory::{DirectoryBuilder, User};
use activity_privacy::engine::Visibility;
#[cfg(feature = "export")]
use activity_privacy::export::Export;
use activity_privacy::filter::IngestOutcome;
#[cfg(feature = "export")]
use activity_privacy::filter::View;
use activity_privacy::forward::Offset;
#[cfg(feature = "export")]
use activity_privacy::governance::ExportFormat;
use activity_privacy::governance::RecordQuery;
use activity_privacy::policy::{
    GroupRef, ManagedDomain, OnUndecidable, OptionsPatch, PolicyChange, ScopeRule, ScopeTarget,
};
use activity_privacy::query::{CountBy, Cursor, PageSize, Query};
use fixture::*;
use place::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

const NAMES: [&str; 5] = ["adele", "bob", "carol", "dan", "nobody"];

#[derive(Debug, Clone)]
enum Step {
    Deliver(Vec<Plain>),
    Change(Change),
    /// For each of two groups: whether the directory contains it, and which of the first four users are members.
    Install([Option<u8>; 2]),
    /// One alias identifies two users.
    InstallAmbiguous,
    Advance(i64),
}

#[derive(Debug, Clone)]
enum Change {
    Private(u8),
    Public(u8),
    Include(u8, bool),
    NoInclude(u8, bool),
    Exclude(u8),
    NoExclude(u8),
    Manage,
    Unmanage,
    Options { include_objects: bool, fail_open: bool, old_after: Option<u64> },
}

/// A delivered activity. There are few ids, so that many are delivered again, with the same or other content.
#[derive(Debug, Clone)]
struct Plain {
    id: u8,
    actor: u8,
    for_whom: Option<u8>,
    app: bool,
    object: Option<u8>,
    hours: i64,
    kind: u8,
}

impl Plain {
    fn activity(&self) -> Activity {
        let person = |at: u8| Actor::user(alias(&format!("{}@contoso.com", NAMES[usize::from(at)])));
        let actor = match self.kind {
            0 => Actor::application("Backup".parse().unwrap()),
            1 => Actor::unknown(),
            2 => Actor::user(alias("guest@elsewhere.example")),
            _ => person(self.actor),
        };
        let app = App::new(if self.app { "Box" } else { "SharePoint" }.parse().unwrap());
        let (id, action) = (format!("id-{}", self.id).parse().unwrap(), "FileAccessed".parse().unwrap());
        let mut begun = Activity::builder(id, actor, app, action, at(self.hours * 3_600));
        if let Some(for_whom) = self.for_whom {
            begun = begun.on_behalf_of(person(for_whom));
        }
        if let Some(object) = self.object {
            begun = begun.object(format!("{}@contoso.com", NAMES[usize::from(object)]));
        }
        begun.build().unwrap()
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    let few = proptest::option::weighted(0.1, 0..5_u8);
    (0..24_u8, 0..5_u8, few.clone(), any::<bool>(), few, -3..30_i64, 0..12_u8).prop_map(
        |(id, actor, for_whom, app, object, hours, kind)| Plain { id, actor, for_whom, app, object, hours, kind },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let options = (any::<bool>(), any::<bool>(), proptest::option::of(0..500_u64));
    prop_oneof![
        4 => (0..4_u8).prop_map(Change::Private),
        4 => (0..4_u8).prop_map(Change::Public),
        1 => (0..4_u8, any::<bool>()).prop_map(|(group, app)| Change::Include(group, app)),
        2 => (0..4_u8, any::<bool>()).prop_map(|(group, app)| Change::NoInclude(group, app)),
        1 => (0..4_u8).prop_map(Change::Exclude),
        1 => (0..4_u8).prop_map(Change::NoExclude),
        1 => Just(Change::Manage),
        1 => Just(Change::Unmanage),
        1 => options.prop_map(|(include_objects, fail_open, old_after)| Change::Options {
            include_objects,
            fail_open,
            old_after
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let members = || proptest::option::weighted(0.9, 0..16_u8);
    prop_oneof![
        8 => vec(plain(), 0..10).prop_map(Step::Deliver),
        4 => change().prop_map(Step::Change),
        2 => [members(), members()].prop_map(Step::Install),
        1 => Just(Step::InstallAmbiguous),
        1 => (0..400_i64).prop_map(Step::Advance),
    ]
}

fn group_of(at: u8) -> GroupRef {
    match at {
        0 => group("group-0").into(),
        1 => group("group-1").into(),
        2 => GroupRef::Applications,
        _ => GroupRef::ExternalUsers,
    }
}

impl Change {
    fn policy_change(&self) -> PolicyChange {
        let target = |app: bool| if app { ScopeTarget::App("Box".parse().unwrap()) } else { ScopeTarget::AllApps };
        match self {
            Self::Private(group) => PolicyChange::MakePrivate(group_of(*group)),
            Self::Public(group) => PolicyChange::MakePublic(group_of(*group)),
            Self::Include(group, app) => PolicyChange::AddScopeRule(ScopeRule::include(group_of(*group), target(*app))),
            Self::NoInclude(group, app) => {
                PolicyChange::RemoveScopeRule(ScopeRule::include(group_of(*group), target(*app)))
            }
            Self::Exclude(group) => PolicyChange::AddScopeRule(ScopeRule::exclude(group_of(*group), target(true))),
            Self::NoExclude(group) => PolicyChange::RemoveScopeRule(ScopeRule::exclude(group_of(*group), target(true))),
            Self::Manage => PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))),
            Self::Unmanage => PolicyChange::UnmanageDomain(domain("contoso.com")),
            Self::Options { include_objects, fail_open, old_after } => PolicyChange::SetOptions(
                OptionsPatch::new()
                    .include_objects(*include_objects)
                    .on_undecidable(if *fail_open { OnUndecidable::FailOpen } else { OnUndecidable::Hide })
                    .max_directory_age(old_after.map(Duration::from_secs)),
            ),
        }
    }
}

/// Applies a history to a fixture, without the activities to leave out. Only the ingesting pipeline sees the outcomes.
fn drive(fixture: &Fixture, steps: &[Step], left_out: &BTreeSet<String>) {
    fixture.install(people(&[("adele", &["group-0"]), ("bob", &["group-1"]), ("carol", &[])]));
    fixture.manage("contoso.com").make_private("group-0").permit_root();
    for step in steps {
        match step {
            Step::Deliver(batch) => {
                let mut batch: Vec<_> = batch.iter().map(Plain::activity).collect();
                batch.retain(|activity| !left_out.contains(activity.id().as_str()));
                // The other fixture gets no call for a delivery that contains only private activities.
                if !batch.is_empty() {
                    fixture.ingest(&batch);
                }
            }
            Step::Change(change) => {
                let _refused_in_both_or_in_none = fixture.filter.update_policy(&user("root"), change.policy_change());
            }
            Step::Install(groups) => {
                let mut builder = DirectoryBuilder::new().user(contoso("root"));
                for name in &NAMES[..4] {
                    builder = builder.user(contoso(name));
                }
                for (at, members) in groups.iter().enumerate() {
                    let Some(members) = members else { continue };
                    let id = group(&format!("group-{at}"));
                    builder = builder.group(id.clone(), "shown");
                    for (bit, name) in NAMES[..4].iter().enumerate() {
                        if members >> bit & 1 == 1 {
                            builder = builder.member(&id, &user(name));
                        }
                    }
                }
                fixture.install(builder);
            }
            Step::InstallAmbiguous => {
                let double = User::new(user("double")).with_alias(alias("bob@contoso.com"));
                fixture.install(people(&[("adele", &["group-0"]), ("bob", &["group-1"]), ("carol", &[])]).user(double));
            }
            Step::Advance(seconds) => {
                fixture.advance(*seconds);
            }
        }
    }
}

fn queries() -> Vec<Query> {
    let all = Query::all();
    vec![
        all.clone(),
        all.clone().since(at(0)).until(at(10 * 3_600)),
        all.clone().by_actor("adele@contoso.com").unwrap(),
        all.clone().by_actor("bob@contoso.com").unwrap(),
        all.clone().in_app("Box".parse().unwrap()),
        all.clone().in_suite("Box".parse().unwrap()),
        all.clone().with_action("FileAccessed".parse().unwrap()),
        all.clone().decided_by_group(group_of(0)),
        all.clone().decided_by_group(group_of(2)),
        all.containing("contoso").unwrap(),
    ]
}

fn error(error: &dyn std::error::Error) -> Value {
    let mut chain = vec![error.to_string(), format!("{error:?}")];
    let mut source = error.source();
    while let Some(error) = source {
        chain.push(error.to_string());
        source = error.source();
    }
    json!(chain)
}

/// Returns the bytes of an export in each format, as numbers.
#[cfg(feature = "export")]
fn exported(view: &View, query: &Query) -> Vec<Value> {
    let formats = [ExportFormat::JsonLines, ExportFormat::Csv, ExportFormat::Parquet];
    let formats = formats.into_iter().filter(|format| cfg!(feature = "parquet") || *format != ExportFormat::Parquet);
    let bytes = |format| {
        let mut out = Vec::new();
        let exported = view.export(query, Export::new(format, &mut out)).unwrap();
        json!({ "exported": out, "debug": format!("{exported:?}") })
    };
    formats.map(bytes).collect()
}

/// Returns the answers of every call that needs no reveal.
fn observe(fixture: &Fixture) -> Vec<String> {
    let mut seen: Vec<Value> = Vec::new();
    let view = fixture.filter.view(&user("somebody"));
    let mut cursors: Vec<Cursor> = Vec::new();
    for query in queries() {
        for pages in [1, 2, 3, 7, 1_000] {
            let (mut cursor, mut turned): (Option<Cursor>, usize) = (None, 0);
            loop {
                let page = view.page(&query, PageSize::at_most(pages), cursor.as_ref()).unwrap();
                seen.push(json!({ "page": page, "debug": format!("{page:?}") }));
                cursors.extend(page.next().cloned());
                cursor = page.next().map(|next| next.to_string().parse().unwrap());
                turned += 1;
                assert!(turned < 100, "the pages never end");
                if cursor.is_none() {
                    break;
                }
            }
        }
        #[cfg(feature = "export")]
        seen.extend(exported(&view, &query));
        seen.push(json!({ "count": view.count(&query).unwrap() }));
        for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
            seen.push(json!({ "counts": view.counts(&query, by).unwrap() }));
        }
    }
    for id in 0..26 {
        let found = view.activity(&format!("id-{id}").parse().unwrap()).unwrap();
        seen.push(json!({ "look-up": found, "debug": format!("{found:?}") }));
    }
    // Every cursor, outside the view that it belongs to.
    for cursor in &cursors {
        let other = fixture.filter.view(&user("somebody-else"));
        for result in [
            other.page(&Query::all(), PageSize::at_most(2), Some(cursor)),
            view.page(&Query::all().in_app("Nowhere".parse().unwrap()), PageSize::at_most(2), Some(cursor)),
        ] {
            seen.push(error(&result.unwrap_err()));
        }
    }
    for start in 0..30_u64 {
        for size in [1, 2, 5, 1_000] {
            // Offsets of an adapter that counts rows, offsets that no adapter made, and the start.
            let mut after = if start == 0 { Offset::START } else { Offset::new(start.to_be_bytes()).unwrap() };
            loop {
                let batch = match fixture.filter.forward(&after, PageSize::at_most(size)) {
                    Ok(batch) => batch,
                    Err(refused) => {
                        seen.push(error(&refused));
                        break;
                    }
                };
                seen.push(json!({ "forwarded": batch.activities, "next": batch.next, "debug": format!("{batch:?}") }));
                if batch.activities.is_empty() || size == 1_000 {
                    break;
                }
                after = batch.next;
            }
        }
    }
    seen.push(json!({ "policy": *fixture.filter.policy().unwrap(), "debug": format!("{:?}", fixture.filter) }));
    // Rejected callers get the same answers too.
    let refused = fixture.filter.reveal(reveal_all("somebody")).unwrap_err();
    seen.push(error(&refused));
    let refused =
        fixture.filter.governance_records(&user("somebody"), &RecordQuery::default(), 0, PageSize::MAX).unwrap_err();
    seen.push(error(&refused));
    seen.iter().map(Value::to_string).collect()
}

/// Returns the ids that a fixture stores as private.
fn private_ids(fixture: &Fixture) -> BTreeSet<String> {
    let hidden = fixture.everything().into_iter().filter(|stored| stored.visibility() == Visibility::Private);
    hidden.map(|stored| stored.activity().id().as_str().to_owned()).collect()
}

fn interferes_nowhere(make: fn() -> Place, steps: &[Step]) -> Result<usize, TestCaseError> {
    let (with, without) = (make(), make());
    let fixture = with.repeatable_fixture();
    drive(&fixture, steps, &BTreeSet::new());
    let observed = observe(&fixture);
    let hidden = private_ids(&fixture);
    let never = without.repeatable_fixture();
    drive(&never, steps, &hidden);
    let expected = observe(&never);
    prop_assert_eq!(observed.len(), expected.len());
    for (observed, expected) in observed.iter().zip(&expected) {
        prop_assert_eq!(observed, expected);
    }
    prop_assert!(private_ids(&never).is_empty(), "the second fixture stores nothing private");
    Ok(hidden.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn v2_memory_history_shows_no_trace_of_private_activities(steps in vec(step(), 0..24)) {
        interferes_nowhere(Place::in_memory, &steps)?;
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn v2_sqlite_history_shows_no_trace_of_private_activities(steps in vec(step(), 0..24)) {
        interferes_nowhere(Place::in_sqlite, &steps)?;
    }
}

/// The property is meaningful only if the histories store private and public activities.
#[test]
fn v2_histories_store_private_and_public_activities() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut hidden, mut shown) = (0, 0);
    for _ in 0..30 {
        let steps = vec(step(), 0..24).new_tree(&mut runner).unwrap().current();
        let fixture = Fixture::repeatable(Place::in_memory().store);
        drive(&fixture, &steps, &BTreeSet::new());
        shown += fixture.public_ids().len();
        hidden += private_ids(&fixture).len();
    }
    assert!(hidden > 100 && shown > 50, "{hidden} hidden, {shown} shown");
}

#[test]
fn v2_hidden_and_unknown_ids_are_answered_alike() {
    for place in places() {
        let fixture = place.fixture();
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
        fixture.ingest(&[activity("hidden", "adele"), activity("shown", "bob")]);
        let view = fixture.filter.view(&user("root"));
        let ask = |id: &str| serde_json::to_string(&view.activity(&id.parse().unwrap()).unwrap()).unwrap();
        assert_eq!(ask("hidden"), ask("unknown"));
        assert_ne!(ask("shown"), ask("unknown"));
        // Nor after a user without protection delivered the id again.
        assert_eq!(fixture.ingest(&[activity("hidden", "bob")]), [IngestOutcome::Conflict]);
        assert_eq!(ask("hidden"), ask("unknown"));
    }
}

/// There are many private activities between any two public ones. The page has the same length, and the forwarder's
/// offset is as close.
#[test]
fn v2_private_rows_are_cut_before_limits() {
    for place in places() {
        let fixture = place.fixture();
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
        let log: Vec<_> =
            (0..300).map(|i| activity(&format!("{i:03}"), if i % 100 == 50 { "bob" } else { "adele" })).collect();
        fixture.ingest(&log);
        let view = fixture.filter.view(&user("somebody"));
        let page = view.page(&Query::all(), PageSize::at_most(2), None).unwrap();
        let ids: Vec<_> = page.activities().iter().map(|stored| stored.activity().id().as_str()).collect();
        assert_eq!(ids, ["250", "150"]);
        let rest = view.page(&Query::all(), PageSize::at_most(2), page.next()).unwrap();
        assert_eq!((rest.activities().len(), rest.next()), (1, None));
        let batch = fixture.filter.forward(&Offset::START, PageSize::at_most(3)).unwrap();
        assert_eq!(batch.activities.len(), 3);
        assert!(fixture.filter.forward(&batch.next, PageSize::MAX).unwrap().activities.is_empty());
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::sync::Arc;
    use std::time::Instant;

    use chrono::TimeDelta;

    use rusqlite::Connection;

    use super::*;

    fn lived_in(place: &Place) -> Fixture {
        let fixture = place.repeatable_fixture();
        fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
        let log: Vec<_> =
            (0..40_i64).map(|i| activity(&format!("id-{i}"), ["adele", "bob"][usize::from(i % 3 == 0)])).collect();
        fixture.ingest(&log);
        fixture
    }

    /// Damages the private rows, then drops their table. No public answer changes, because no public call reads there.
    #[test]
    fn v2_public_read_uses_only_public_tables() {
        let place = Place::in_sqlite();
        let fixture = lived_in(&place);
        let before = observe(&fixture);
        let file = Connection::open(place.path()).unwrap();
        file.execute("UPDATE private_activity SET details = 'x', decision = 0", []).unwrap();
        assert_eq!(observe(&fixture), before);
        file.execute_batch("DROP TABLE private_activity").unwrap();
        assert_eq!(observe(&fixture), before);
        // Not even for a handle that never saw the table.
        let again = activity_privacy::sqlite::SqliteStore::open(place.path()).unwrap();
        let again = Fixture::behind(Arc::new(again));
        // Before its first batch, the filter has no engine to show in `Debug`.
        again.install(people(&[("adele", &["council"]), ("bob", &[])])).ingest(&[]);
        assert_eq!(observe(&again), before);
    }

    /// Damages rows that a page does not show. The page does not read them.
    #[test]
    fn v2_public_read_reads_only_rows_it_needs() {
        let place = Place::in_sqlite();
        let fixture = lived_in(&place);
        let view = fixture.filter.view(&user("somebody"));
        // 14 public rows, in the order of storing id-0, id-3, ..., id-39; newest first is by id: id-9, id-6, id-39, ...
        let size = PageSize::at_most(3);
        let (page, batch) =
            (view.page(&Query::all(), size, None).unwrap(), fixture.filter.forward(&Offset::START, size));
        let file = Connection::open(place.path()).unwrap();
        let damage = |keep: &str| {
            let damage = format!("UPDATE public_activity_1 SET details = 'x' WHERE {keep}");
            file.execute(&damage, []).unwrap()
        };
        // The page needs its rows, and the following row to learn whether there are more.
        let newest = "SELECT id FROM public_activity_1 ORDER BY occurred_at DESC, id DESC LIMIT 4";
        let first = "SELECT id FROM public_activity_1 ORDER BY sequence LIMIT 3";
        assert_eq!(damage(&format!("id NOT IN ({newest}) AND id NOT IN ({first}) AND id <> 'id-27'")), 7);
        assert_eq!(view.page(&Query::all(), size, None).unwrap(), page);
        assert_eq!(fixture.filter.forward(&Offset::START, size).unwrap(), batch.unwrap());
        assert!(view.activity(&"id-27".parse().unwrap()).unwrap().is_some());
        assert!(view.page(&Query::all(), PageSize::MAX, None).is_err(), "a page that needs a damaged row fails");
    }

    /// With a thousand times as many rows, hidden, older or stored earlier, a page still costs the same.
    #[test]
    fn v2_public_page_cost_is_independent_of_other_rows() {
        let place = Place::in_sqlite();
        let fixture = lived_in(&place);
        let view = fixture.filter.view(&user("somebody"));
        let size = PageSize::at_most(5);
        let middle = view.page(&Query::all(), size, None).unwrap().next().cloned();
        let id: ActivityId = "id-9".parse().unwrap();
        let unknown: ActivityId = "id-1".parse().unwrap();
        let place_of_last = fixture.filter.forward(&Offset::START, PageSize::at_most(9)).unwrap().next;
        // The minimum of several runs, because other load on the machine only adds time.
        let cost = || {
            let one = || {
                let begun = Instant::now();
                for _ in 0..10 {
                    assert_eq!(view.page(&Query::all(), size, None).unwrap().activities().len(), 5);
                    view.page(&Query::all(), size, middle.as_ref()).unwrap();
                    assert!(view.activity(&id).unwrap().is_some());
                    assert!(view.activity(&unknown).unwrap().is_none());
                    assert_eq!(fixture.filter.forward(&place_of_last, size).unwrap().activities.len(), 5);
                }
                begun.elapsed()
            };
            (0..8).map(|_| one()).min().unwrap()
        };
        let few = cost();
        let time = activity("time", "bob").occurred_at();
        for chunk in (1..=40_000_i64).collect::<Vec<_>>().chunks(2_000) {
            // Hidden rows are older and newer than all others. Public rows are older and stored later.
            let copies = chunk.iter().flat_map(|i| {
                let hidden = time + TimeDelta::seconds(if i % 2 == 0 { *i } else { -i });
                [("adele", hidden), ("bob", time - TimeDelta::seconds(*i))].map(|(who, time)| {
                    let actor = Actor::user(user(who));
                    let (id, app) = (format!("{who}-{i}").parse().unwrap(), App::new("Box".parse().unwrap()));
                    Activity::builder(id, actor, app, "Login".parse().unwrap(), time).build().unwrap()
                })
            });
            fixture.ingest(&copies.collect::<Vec<_>>());
        }
        let many = cost();
        assert!(many < few * 8 + Duration::from_millis(5), "{few:?} with 40 rows, {many:?} with 80,000 more");
    }
}
