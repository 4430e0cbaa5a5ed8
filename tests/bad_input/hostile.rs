//! B3: hostile input never panics.

use std::sync::Arc;

use activity_privacy::activity::{Activity, ActivityId, Actor, App, AppName};
use activity_privacy::directory::DirectoryRevision;
use activity_privacy::engine::{PolicyEngine, Verdict, Visibility};
use activity_privacy::filter::{IngestOutcome, RevealError};
use activity_privacy::governance::Record;
use activity_privacy::identity::{Alias, Domain, GroupId, UserId};
use activity_privacy::memory::MemoryStore;
use activity_privacy::policy::{
    Denial, GroupRef, ManagedDomain, OptionsPatch, PolicyChange, PrivacyPolicy, Revision, ScopeRule, ScopeTarget,
};
use activity_privacy::query::{CountBy, Cursor, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::store::{ActivityStore, StoredActivity};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixture::*;

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).manage("contoso.com").permit_root().make_private("council");
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob"), activity("c", "bob")]);
    fixture
}

/// JSON of any shape, with the field names of documents and with others.
fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "id",
            "actor",
            "kind",
            "user",
            "identities",
            "alias",
            "app",
            "name",
            "suite",
            "action",
            "occurred_at",
            "objects",
            "details",
            "revision",
            "scope",
            "private_groups",
            "managed_domains",
            "admins",
            "grants",
            "options",
            "imported",
            "applications",
            "include",
            "all_apps",
            "privacy_administrator",
            "contoso.com",
            "2026-03-01T00:00:00Z",
            "+262142-12-31T23:59:60Z",
            "",
            "\u{0}",
            "@",
            "a@",
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A valid document in which one part was replaced.
fn altered(good: Value) -> impl Strategy<Value = Value> {
    (any::<prop::sample::Index>(), json()).prop_map(move |(index, other)| {
        let mut document = good.clone();
        let mut pointers = Vec::new();
        collect(&document, String::new(), &mut pointers);
        let pointer: &String = index.get(&pointers);
        *document.pointer_mut(pointer).unwrap() = other;
        document
    })
}

fn collect(value: &Value, pointer: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect(item, format!("{pointer}/{at}"), pointers);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), pointers);
            }
        }
        _ => {}
    }
    pointers.push(pointer);
}

fn good_policy() -> Value {
    let fixture = fixture();
    fixture.install(people(&[("adele", &[])])).ingest(&[activity("d", "bob")]);
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::exclude(GroupRef::Applications, ScopeTarget::AllApps)));
    serde_json::to_value(&*fixture.filter.policy().unwrap()).unwrap()
}

fn good_activity() -> Value {
    let actor = || {
        Actor::user(alias("adele@contoso.com"))
            .with_identity(Alias::account("GitHub", "nrc").unwrap())
            .with_identity(user("u"))
    };
    let app = Actor::application("Backup".parse().unwrap());
    let activity = begun("a", actor()).on_behalf_of(actor()).on_behalf_of(app).object("o").details("{}");
    serde_json::to_value(activity.build().unwrap()).unwrap()
}

/// Asserts that any activity is decided, stored, found and counted.
fn drive(store: Arc<dyn ActivityStore>, activities: &[Activity]) {
    let fixture = Fixture::over(store, Arc::new(activity_privacy::memory::MemorySink::new()));
    fixture.install(people(&[("adele", &["council"])])).make_private("council");
    fixture.options(OptionsPatch::new().include_objects(true));
    let report = fixture.filter.ingest(activities).unwrap();
    let all = [IngestOutcome::Stored, IngestOutcome::Duplicate, IngestOutcome::Conflict, IngestOutcome::NotMonitored];
    assert_eq!(all.iter().map(|what| report.count(*what)).sum::<usize>(), activities.len());
    assert_eq!(report.count(IngestOutcome::Stored) + report.count(IngestOutcome::Duplicate), activities.len());
    let again = fixture.ingest(activities);
    assert!(again.iter().all(|delivery| *delivery == IngestOutcome::Duplicate), "the store returns the stored content");

    let stored = fixture.everything();
    assert_eq!(stored.len(), report.count(IngestOutcome::Stored));
    for activity in activities {
        assert!(stored.iter().any(|stored| stored.activity() == activity));
        assert!(!format!("{activity:?}{:?}", activity.actor()).is_empty());
        let _ = activity.actor().label();
    }
    // Page by page, each activity once and in order, with every cursor converted to text and back.
    let view = fixture.filter.view(&user("somebody"));
    let (mut seen, mut cursor): (Vec<StoredActivity>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = view.page(&Query::all(), PageSize::at_most(1), cursor.as_ref()).unwrap();
        seen.extend_from_slice(page.activities());
        assert!(seen.len() <= stored.len(), "an activity appears twice");
        cursor = page.next().map(|cursor| cursor.to_string().parse().unwrap());
        if cursor.is_none() {
            break;
        }
    }
    let public: Vec<_> = stored.into_iter().filter(|stored| stored.visibility() == Visibility::Public).collect();
    assert_eq!(seen, public);
    for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
        let counts = view.counts(&Query::all(), by).unwrap().by_key;
        assert_eq!(counts.iter().map(|count| count.activities).sum::<u64>(), public.len() as u64);
    }
    if let Some(first) = public.first() {
        let time = first.activity().occurred_at();
        assert!(view.count(&Query::all().since(time)).unwrap().total > 0);
        assert_eq!(
            view.count(&Query::all().until(time)).unwrap().total + view.count(&Query::all().since(time)).unwrap().total,
            { public.len() as u64 }
        );
    }
}

fn each_store(activities: &[Activity]) {
    drive(Arc::new(MemoryStore::new()), activities);
    #[cfg(feature = "sqlite")]
    {
        let dir = tempfile::tempdir().unwrap();
        drive(Arc::new(activity_privacy::sqlite::SqliteStore::open(dir.path().join("a.db")).unwrap()), activities);
    }
}

fn happened(id: &str, time: DateTime<Utc>) -> Activity {
    let actor = Actor::application("Backup".parse().unwrap());
    Activity::builder(id.parse().unwrap(), actor, App::new("Box".parse().unwrap()), "Did".parse().unwrap(), time)
        .build()
        .unwrap()
}

#[test]
fn b3_extreme_times_and_leap_seconds_are_accepted() {
    let read = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let times = [
        DateTime::<Utc>::MIN_UTC,
        DateTime::<Utc>::MAX_UTC,
        DateTime::<Utc>::UNIX_EPOCH,
        read("-0001-12-31T23:59:59.999999Z"),
        read("9999-12-31T23:59:59.999999999Z"),
        read("+10000-01-01T00:00:00Z"),
        read("1969-12-31T23:59:59.999999999Z"),
        read("2016-12-31T23:59:59.9Z"),
        read("2016-12-31T23:59:60Z"),
        read("2016-12-31T23:59:60.5Z"),
        read("2017-01-01T00:00:00Z"),
        read("2017-01-01T00:00:00.2Z"),
        read("2017-01-01T00:00:00.7Z"),
    ];
    let activities: Vec<_> = times.iter().enumerate().map(|(at, time)| happened(&format!("t{at}"), *time)).collect();
    each_store(&activities);
}

#[test]
fn b3_absurd_options_and_clocks_hide_activities() {
    let fixture = fixture();
    let far = std::time::Duration::MAX;
    let (max_directory_age, max_reveal_lifetime) = (Some(far), Some(far));
    fixture.update_policy(PolicyChange::SetOptions(
        OptionsPatch::new().max_directory_age(max_directory_age).max_reveal_lifetime(max_reveal_lifetime),
    ));
    fixture.ingest(&[activity("x", "bob")]);
    assert!(fixture.public_ids().contains(&"x".to_owned()));
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let endless = RevealRequest::new(user("root"), Query::all(), far, audited);
    assert!(matches!(fixture.filter.reveal(endless), Err(RevealError::Denied(Denial::LifetimeNotAllowed))));
    // A directory with the earliest and the latest possible date.
    for as_of in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
        let max_directory_age = Some(std::time::Duration::from_secs(1));
        let change = PolicyChange::SetOptions(OptionsPatch::new().max_directory_age(max_directory_age));
        let policy = changed(&PrivacyPolicy::initial(&admins()), &change, None).unwrap();
        let directory = people(&[]).build(DirectoryRevision(u64::MAX), as_of).unwrap();
        let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::new(directory)));
        assert_eq!(engine.verdict(&activity("a", "bob"), at(0)).0, Verdict::Private);
    }
}

#[test]
fn b3_deep_nesting_does_not_overflow_stack() {
    let name = |at: usize| group(&format!("g{at}"));
    let mut import = people(&[("adele", &["g9999"])]);
    for at in 0..9_999 {
        import = import.group(name(at), "").nested(&name(at), &name(at + 1));
    }
    let directory = Arc::new(import.build(DirectoryRevision(1), at(0)).unwrap());
    let change = PolicyChange::MakePrivate(name(0).into());
    let policy = changed(&PrivacyPolicy::initial(&admins()), &change, Some(&directory)).unwrap();
    let engine = PolicyEngine::new(Arc::new(policy), Ok(directory));
    assert_eq!(engine.verdict(&activity("a", "adele"), at(0)).0, Verdict::Private);
    let deep = "[".repeat(100_000);
    assert!(serde_json::from_str::<Activity>(&deep).is_err() && serde_json::from_str::<PrivacyPolicy>(&deep).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn b3_any_text_is_accepted_or_rejected_as_name(text in prop_oneof!["\\PC*", ".*", "(?s)[\u{0}-\u{ff}@.#\u{130}\u{131}\u{3002}]{0,600}"]) {
        let _ = (UserId::new(&*text), GroupId::new(&*text), ActivityId::new(&*text), AppName::new(&*text));
        if let Ok(domain) = Domain::new(&text) {
            prop_assert_eq!(&Domain::new(domain.as_str()).unwrap(), &domain, "the canonical form is its own");
            prop_assert!(!domain.is_below(&domain));
            prop_assert!(ManagedDomain::with_subdomains(domain.clone()).covers(&domain));
        }
        for alias in [Alias::new(&text), Alias::account("GitHub", &text), Alias::account(&text, "nrc")].into_iter().flatten() {
            prop_assert!(alias.matches(&alias));
            let json = serde_json::to_string(&alias).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Alias>(&json).unwrap(), &alias);
            let _ = (alias.is_guest(), alias.domain());
            prop_assert!(alias.matches(&Alias::new(alias.as_str().to_uppercase()).unwrap_or(alias.clone()))
                || alias.app().is_some()
                || !alias.as_str().is_ascii());
        }
        let queries = [Query::all().by_actor(&text), Query::all().containing(&text)];
        for query in queries.into_iter().flatten() {
            let _ = fixture().filter.view(&user("somebody")).page(&query, PageSize::MAX, None).unwrap();
        }
    }

    #[test]
    fn b3_any_cursor_is_accepted_or_rejected(
        bytes in prop::collection::vec(any::<u8>(), 0..80),
        kind in prop::option::of(1_u8..=2),
        text in ".*",
        keep in 0_usize..200,
    ) {
        let fixture = fixture();
        let view = fixture.filter.view(&user("somebody"));
        let real = view.page(&Query::all(), PageSize::at_most(1), None).unwrap().next().unwrap().to_string();
        let bytes: Vec<u8> = kind.into_iter().chain(bytes).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                // The binding of a real cursor with a random position.
        let grafted = format!("{}{hex}", real.chars().take(keep.min(34)).collect::<String>());
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        for token in [&hex, &text, &grafted] {
            if let Ok(cursor) = token.parse::<Cursor>() {
                prop_assert_eq!(&cursor.to_string(), token);
                if let Ok(page) = view.page(&Query::all(), PageSize::MAX, Some(&cursor)) {
                    prop_assert!(!page.includes_private());
                }
                prop_assert!(reveal.page(PageSize::MAX, Some(&cursor)).is_err());
            }
        }
    }

    #[test]
    fn b3_any_json_is_accepted_or_rejected_as_document(value in json()) {
        let text = value.to_string();
        let _ = serde_json::from_str::<PrivacyPolicy>(&text);
        let _ = serde_json::from_str::<Record>(&text);
        if let Ok(activity) = serde_json::from_str::<Activity>(&text) {
            drive(Arc::new(MemoryStore::new()), &[activity]);
        }
    }

    #[test]
    fn b3_altered_policy_is_rejected_or_decides(document in altered(good_policy())) {
        if let Ok(policy) = serde_json::from_str::<PrivacyPolicy>(&document.to_string()) {
            prop_assert!(policy.revision() >= Revision::FIRST);
            prop_assert!(policy.admins().values().any(|role| role.manages_privacy()));
            let directory = people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap();
            let engine = PolicyEngine::new(Arc::new(policy.clone()), Ok(Arc::new(directory)));
            let _ = engine.verdict(&activity("a", "adele"), at(0));
            let again = serde_json::to_string(&policy).unwrap();
            prop_assert_eq!(serde_json::from_str::<PrivacyPolicy>(&again).unwrap(), policy);
        }
    }

    #[test]
    fn b3_altered_activity_is_rejected_or_stored(document in altered(good_activity())) {
        if let Ok(activity) = serde_json::from_str::<Activity>(&document.to_string()) {
            drive(Arc::new(MemoryStore::new()), std::slice::from_ref(&activity));
            let again = serde_json::to_string(&activity).unwrap();
            prop_assert_eq!(serde_json::from_str::<Activity>(&again).unwrap(), activity);
        }
    }
}
