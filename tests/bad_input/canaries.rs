//! B2: no error, `Debug` output or serialized form shows private content where it must not.

use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use activity_privacy::activity::{Action, Activity, ActivityId, Actor, App, AppName};
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, GroupDirectory, RemovedGroup, User};
use activity_privacy::engine::{Decision, PolicyEngine, Visibility};
use activity_privacy::filter::PrivacyFilter;
use activity_privacy::forward::Offset;
use activity_privacy::governance::{
    Event, GovernanceSink, Initiator, Justification, Receipt, Record, RecordEntry, RecordId, RecordKind, RecordQuery,
    Recorded, Removal, SinkError,
};
use activity_privacy::identity::{Alias, Domain, Identity, UserId};
use activity_privacy::memory::{MemorySink, MemoryStore};
use activity_privacy::policy::{GroupRef, OnUndecidable, OptionsPatch, PolicyChange, Role};
use activity_privacy::query::{CountBy, Cursor, PageSize, Position, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::sinks::TimeoutSink;
use activity_privacy::store::ActivityStore;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use crate::fixture::*;

/// Part of every text of a private activity. Lower-case ASCII, so case folding leaves it unchanged; the action also has
/// it in upper case.
const CANARY: &str = "canary";

/// Returns one activity for each reason to be private, with the canary in every field.
fn private_activities() -> Vec<Activity> {
    let app = || App::new("canary-app".parse().unwrap()).in_suite("canary-suite".parse().unwrap());
    let begin = |id: &str, actor: Actor| {
        let id = ActivityId::new(format!("canary-{id}")).unwrap();
        Activity::builder(id, actor, app(), "CANARY canary".parse().unwrap(), at(7))
            .object("canary.docx")
            .object("canary@contoso.com")
            .details("{\"canary\":true}")
    };
    let member = || {
        Actor::user(alias("canary@contoso.com"))
            .with_identity(user("canary-id"))
            .with_identity(Alias::account("canary-app", "canary").unwrap())
    };
    vec![
        begin("by", member()).build().unwrap(),
        begin("for", Actor::system("canary-system".parse().unwrap())).on_behalf_of(member()).build().unwrap(),
        begin("app", Actor::application("canary-daemon".parse().unwrap())).build().unwrap(),
        begin("guest", Actor::user(alias("canary_x.example#EXT#@canary.example"))).build().unwrap(),
        begin("shared", Actor::user(alias("canary-desk@contoso.com"))).build().unwrap(),
        begin("nobody", Actor::unknown()).build().unwrap(),
    ]
}

fn fixture_over(store: Arc<dyn ActivityStore>) -> Fixture {
    let fixture = Fixture::over(store, Arc::new(MemorySink::new()));
    let member = User::new(user("canary-id")).with_alias(alias("canary@contoso.com"));
    let member = member.with_alias(Alias::account("canary-app", "canary").unwrap());
    let at_the_desk = |name: &str| contoso(name).with_alias(alias("canary-desk@contoso.com"));
    let import = people(&[("bob", &[])]).user(member).user(at_the_desk("x")).user(at_the_desk("y"));
    let council = group("council");
    fixture.install(import.group(council.clone(), "Works council").member(&council, &user("canary-id")));
    fixture.manage("contoso.com").permit_root().make_private("council");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    fixture
}

fn fixtures(dir: &std::path::Path) -> Vec<Fixture> {
    #[cfg(feature = "sqlite")]
    let on_disk: Vec<Arc<dyn ActivityStore>> =
        vec![Arc::new(activity_privacy::sqlite::SqliteStore::open(dir.join("activities.db")).unwrap())];
    #[cfg(not(feature = "sqlite"))]
    let (on_disk, _): (Vec<Arc<dyn ActivityStore>>, _) = (Vec::new(), dir);
    let memory: Arc<dyn ActivityStore> = Arc::new(MemoryStore::new());
    std::iter::once(memory).chain(on_disk).map(fixture_over).collect()
}

/// Asserts that a text contains no canary: in any case, in hex, in base64 or as the `Debug` output of its bytes.
fn assert_no_canary(what: &str, text: &str) {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let lower = text.to_lowercase();
    assert!(!lower.contains(CANARY) && !lower.contains(&hex), "{what} contains the canary: {text}");
    // `{:#?}` writes each byte on a line of its own.
    let decimal = CANARY.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(",");
    let compact: String = text.split_whitespace().collect();
    assert!(!compact.contains(&decimal), "{what} contains the bytes of the canary: {text}");
    for base64 in base64_forms() {
        assert!(!text.contains(&base64), "{what} contains the canary in base64: {text}");
    }
}

/// Returns the characters that only the canary determines in base64, for each number of bytes before it modulo 3.
fn base64_forms() -> [String; 3] {
    [0, 1, 2].map(|before| {
        let bytes = [&[0; 2][..before], CANARY.as_bytes()].concat();
        let (start, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        STANDARD.encode(&bytes)[start..end].to_owned()
    })
}

#[test]
fn b2_canary_is_found_in_every_form() {
    let found = |text: &str| std::panic::catch_unwind(|| assert_no_canary("a text", text)).is_err();
    assert!(!found("a text without one"));
    let bytes = b"[canary]";
    assert!(found("Canary") && found("x63616e617279") && found(&format!("{bytes:?}")) && found(&format!("{bytes:#?}")));
    for before in 0..3 {
        assert!(found(&STANDARD.encode(format!("{}canary and more", "x".repeat(before)))), "{before}");
    }
}

/// Asserts that a `Debug` output is not empty and contains no canary.
fn assert_no_canary_in_debug(what: &str, value: &dyn Debug) {
    let text = format!("{value:?}");
    assert!(!text.is_empty(), "the debug output of {what} is empty");
    assert_no_canary(what, &format!("{text} {value:#?}"));
}

/// Asserts that an error and its sources contain no canary.
fn assert_no_canary_in_error(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert_no_canary("an error", &format!("{error} {error:?}"));
        next = error.source();
    }
}

#[test]
fn b2_debug_of_private_activity_parts_is_redacted() {
    for activity in private_activities() {
        assert_no_canary_in_debug("an activity", &activity);
        assert_no_canary_in_debug("an activity builder", &begun(activity.id().as_str(), activity.actor().clone()));
        assert_no_canary_in_debug("an id", activity.id());
        assert_no_canary_in_debug("an app", activity.app());
        assert_no_canary_in_debug("an action", activity.action());
        assert_no_canary_in_debug("a position", &Position::of(&activity));
        for actor in activity.principals() {
            assert_no_canary_in_debug("an actor", actor);
            assert_no_canary_in_debug("a name", &actor.name());
            assert_no_canary_in_debug("identities", &actor.identities());
        }
    }
    assert_no_canary_in_debug(
        "a query",
        &Query::all().by_actor("canary@contoso.com").unwrap().containing("canary").unwrap(),
    );
    let query = Query::all().in_app("canary".parse().unwrap()).with_action("canary".parse().unwrap());
    assert_no_canary_in_debug("a query", &query);
    assert_no_canary_in_debug("a justification", &Justification::new("canary").unwrap());
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new(user("canary"), query, std::time::Duration::from_secs(1), audited);
    assert_no_canary_in_debug("a request", &request.because(Justification::new("canary").unwrap()));
    assert_no_canary_in_debug("a user", &User::new(user("canary")).with_alias(alias("canary@contoso.com")));
    assert_no_canary_in_debug(
        "a record query",
        &RecordQuery { target: Some(CANARY.to_owned()), ..RecordQuery::default() },
    );
    assert_no_canary_in_debug(
        "a record query",
        &RecordQuery { initiator: Some(user(CANARY)), ..RecordQuery::default() },
    );
}

#[test]
fn b2_debug_of_adapters_and_filters_is_redacted() {
    let fixture = fixture_over(Arc::new(MemoryStore::new()));
    fixture.ingest(&private_activities());
    let (store, directory, sink) = (MemoryStore::new(), Arc::clone(&fixture.directory), MemorySink::new());
    assert_no_canary_in_debug("a builder", &PrivacyFilter::builder(store, directory, sink));
    assert_no_canary_in_debug("an in-memory store", &MemoryStore::new());
    assert_no_canary_in_debug(
        "a timeout sink",
        &TimeoutSink::new(fixture.sink.clone(), std::time::Duration::from_secs(1)),
    );
    let everything = fixture.everything();
    assert_no_canary_in_debug("a decision", &everything[0].decision());
    assert_no_canary_in_debug("a stored activity", &everything[0]);
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        assert_no_canary_in_debug("a SQLite store", &activity_privacy::sqlite::SqliteStore::open(&path).unwrap());
        let records = activity_privacy::sqlite::SqliteGovernance::open(folder.path().join("g.db")).unwrap();
        assert_no_canary_in_debug("a SQLite sink", &records);
    }
}

#[test]
fn b2_debug_of_engine_and_decisions_is_redacted() {
    let fixture = fixture_over(Arc::new(MemoryStore::new()));
    let directory = fixture.directory.snapshot().unwrap();
    assert_no_canary_in_debug("a directory", &directory);
    assert_no_canary_in_debug("a resolution", &directory.resolve(&alias("canary@contoso.com").into()));
    assert_no_canary_in_debug("a directory port", &fixture.directory);
    assert_no_canary_in_debug("an import", &DirectoryBuilder::new().user(User::new(user("canary"))));
    let gone = DirectoryBuilder::new().build(DirectoryRevision(2), at(0)).unwrap().carry_over_from(&directory);
    assert_no_canary_in_debug("a removed group", &gone.removed_group(&group("council")).unwrap());
    let engine = PolicyEngine::new(fixture.filter.policy().unwrap(), Ok(directory));
    assert_no_canary_in_debug("an engine", &engine);
    let activities = private_activities();
    let batch = engine.decide(&activities, at(9)).unwrap();
    assert_eq!(batch.decided().len(), activities.len());
    assert_no_canary_in_debug("a batch", &batch);
    for decided in batch.decided() {
        assert_eq!(decided.decision().visibility(), Visibility::Private);
        assert_no_canary_in_debug("a decided activity", decided);
        assert_no_canary("an explanation", &decided.decision().explain().to_string());
        assert_no_canary("a decision as JSON", &serde_json::to_string(decided.decision()).unwrap());
        for reason in decided.decision().reasons() {
            assert_no_canary("a reason", &format!("{reason} {reason:?}"));
        }
    }
}

#[test]
fn b2_views_and_forward_batches_contain_nothing_private() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        let report = fixture.filter.ingest(&private_activities()).unwrap();
        assert_no_canary_in_debug("a report", &report);
        fixture.ingest(&[activity("a", "bob"), activity("b", "bob"), activity("c", "bob")]);
        // Conflicts with hidden activities, and hidden activities delivered again.
        let known: Vec<ActivityId> = private_activities().iter().map(|activity| activity.id().clone()).collect();
        let conflicts: Vec<Activity> = known.iter().map(|id| activity(id.as_str(), "bob")).collect();
        assert_no_canary_in_debug("a report of conflicts", &fixture.filter.ingest(&conflicts).unwrap());
        fixture.ingest(&private_activities());
        assert_no_canary_in_debug("a filter", &fixture.filter);

        // A stranger, an administrator who may reveal, and the protected person.
        for viewer in ["somebody", "root", "canary-id"] {
            let view = fixture.filter.view(&user(viewer));
            assert_no_canary_in_debug("a view", &view);
            let mut cursor = None;
            loop {
                let page = view.page(&Query::all(), PageSize::at_most(1), cursor.as_ref()).unwrap();
                assert_no_canary_in_debug("a page", &page);
                assert_no_canary("a page as JSON", &serde_json::to_string(&page).unwrap());
                cursor = page.next().cloned();
                assert_no_canary_in_debug("a cursor", &cursor);
                assert_no_canary("a cursor", &cursor.as_ref().map_or_else(String::new, ToString::to_string));
                if cursor.is_none() {
                    break;
                }
            }
            for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
                let counts = view.counts(&Query::all(), by).unwrap().by_key;
                assert_no_canary("counts", &serde_json::to_string(&counts).unwrap());
                assert_no_canary_in_debug("counts", &counts);
            }
            assert_eq!(view.count(&Query::all()).unwrap().total, 3);
            for query in [
                Query::all().by_actor("canary@contoso.com").unwrap(),
                Query::all().by_actor("canary-id").unwrap(),
                Query::all().containing("canary").unwrap(),
                Query::all().in_app("canary-app".parse().unwrap()),
                Query::all().decided_by_group(group("council").into()),
            ] {
                assert_eq!(view.page(&query, PageSize::MAX, None).unwrap().activities(), []);
                assert_eq!(view.count(&query).unwrap().total, 0);
            }
            assert!(known.iter().all(|id| view.activity(id).unwrap().is_none()));
        }
        let forwarded = fixture.filter.forward(&Offset::START, PageSize::MAX).unwrap();
        assert_eq!(forwarded.activities.len(), 3);
        assert_no_canary_in_debug("a forward batch", &forwarded);
        assert_no_canary_in_debug("a forwarded activity", &forwarded.activities[0]);
        assert_no_canary("forwarded activities", &serde_json::to_string(&forwarded.activities).unwrap());
    }
}

#[test]
fn b2_debug_of_revealed_pages_and_records_is_redacted() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        fixture.ingest(&private_activities());
        let query = Query::all().by_actor("canary@contoso.com").unwrap().containing("canary").unwrap();
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(user("root"), query, std::time::Duration::from_secs(60), audited);
        let mut reveal = fixture.filter.reveal(request).unwrap();
        assert_no_canary_in_debug("a reveal", &reveal);
        let page = reveal.page(PageSize::at_most(1), None).unwrap();
        assert_eq!((page.activities().len(), page.includes_private()), (1, true));
        assert_no_canary_in_debug("a revealed page", &page);
        assert_no_canary_in_debug("revealed activities", &page.activities());
        let cursor = page.next().unwrap();
        assert_no_canary("its cursor", &format!("{cursor} {cursor:?}"));
        reveal.close().unwrap();
        // Attempts without permission.
        assert_no_canary_in_error(&fixture.filter.reveal(reveal_all("canary-id")).unwrap_err());
        assert_no_canary_in_error(
            &fixture
                .filter
                .governance_records(&user("canary-id"), &RecordQuery::default(), 0, PageSize::MAX)
                .unwrap_err(),
        );

        let records = fixture.records();
        assert!(records.iter().any(|entry| entry.record.kind() == RecordKind::Page));
        let by_canary = |entry: &&RecordEntry| entry.record.initiator == Initiator::User(user("canary-id"));
        assert_eq!(records.iter().filter(by_canary).count(), 2);
        for entry in &records {
            assert_no_canary_in_debug("a record", entry);
            // The id of the initiator is part of a record's JSON, so these two records contain the canary.
            if !by_canary(&entry) {
                assert_no_canary("a record as JSON", &serde_json::to_string(entry).unwrap());
            }
        }
        assert_no_canary_in_debug("the policy", &fixture.filter.policy().unwrap());
    }
}

#[test]
fn b2_debug_of_record_redacts_justification() {
    let fixture = fixture_over(Arc::new(MemoryStore::new()));
    let request = reveal_all("root").because(Justification::new("did canary leak the plan?").unwrap());
    let reveal = fixture.filter.reveal(request).unwrap();
    assert_no_canary_in_debug("a reveal", &reveal);
    let records = fixture.records();
    assert!(
        serde_json::to_string(&records).unwrap().contains(CANARY),
        "the serialized record contains the justification"
    );
    assert_no_canary_in_debug("the records", &records);
}

#[test]
fn b2_errors_do_not_repeat_input() {
    let too_long = format!("{CANARY}{}", "x".repeat(5_000));
    let control = format!("{CANARY}\u{1}");
    for bad in [too_long.as_str(), control.as_str()] {
        assert_no_canary_in_error(&ActivityId::new(bad).unwrap_err());
        assert_no_canary_in_error(&UserId::new(bad).unwrap_err());
        assert_no_canary_in_error(&Alias::new(bad).unwrap_err());
        assert_no_canary_in_error(&Alias::account("GitHub", bad).unwrap_err());
        assert_no_canary_in_error(&AppName::new(bad).unwrap_err());
        assert_no_canary_in_error(&Action::new(bad).unwrap_err());
        assert_no_canary_in_error(&Query::all().by_actor(bad).unwrap_err());
        assert_no_canary_in_error(&Query::all().containing(bad).unwrap_err());
        assert_no_canary_in_error(&Justification::new(bad).unwrap_err());
    }
    assert_no_canary_in_error(&Domain::new("canary..example").unwrap_err());
    assert_no_canary_in_error(&"canary".parse::<Cursor>().unwrap_err());
    let builder = begun(CANARY, Actor::user(alias("canary@contoso.com")));
    assert_no_canary_in_error(&builder.details(CANARY.repeat(1_000_000)).build().unwrap_err());
    let twice = DirectoryBuilder::new().user(User::new(user(CANARY))).user(User::new(user(CANARY)));
    assert_no_canary_in_error(&twice.build(DirectoryRevision(1), at(0)).unwrap_err());

    let fixture = fixture_over(Arc::new(MemoryStore::new()));
    let root = user("root");
    for change in [
        PolicyChange::Grant(alias("canary-desk@contoso.com")),
        PolicyChange::Grant(alias("canary@contoso.com")),
        PolicyChange::Grant(alias("canary-nobody@contoso.com")),
        PolicyChange::Grant(alias("canary")),
        PolicyChange::Revoke(alias("canary-nobody@contoso.com").into()),
        PolicyChange::Revoke(user("canary").into()),
        PolicyChange::RemoveAdmin(user("canary")),
    ] {
        assert_no_canary_in_error(&fixture.filter.update_policy(&root, &change).unwrap_err());
        assert_no_canary_in_debug("a change", &change);
    }
    assert_no_canary_in_error(
        &fixture.filter.update_policy(&user("canary"), PolicyChange::MakePublic(group("council").into())).unwrap_err(),
    );
    fixture.options(OptionsPatch::new().on_undecidable(OnUndecidable::Reject));
    assert_no_canary_in_error(&fixture.filter.ingest(&private_activities()).unwrap_err());
    assert_no_canary_in_debug("all records", &fixture.records());
}

/// Serde's messages quote values of the wrong type. An error of an activity must not, but must still say what was
/// expected.
#[test]
fn b2_error_of_unreadable_activity_contains_no_values() {
    let actor = Actor::user(alias("adele@contoso.com")).with_identity(Alias::account("GitHub", "adele").unwrap());
    let good = begun("a", actor.clone()).on_behalf_of(actor).object("plan.docx").details("more");
    let good = serde_json::to_value(good.build().unwrap()).unwrap();
    let pointers = [
        "/id",
        "/actor",
        "/actor/kind",
        "/actor/identities",
        "/actor/identities/0",
        "/actor/identities/1/alias",
        "/actor/identities/1/alias/app",
        "/on_behalf_of",
        "/on_behalf_of/0/kind",
        "/app",
        "/app/name",
        "/app/suite",
        "/action",
        "/occurred_at",
        "/objects",
        "/objects/0",
        "/details",
    ];
    let canaries = [
        serde_json::json!("canary, expected canary\u{1}"),
        serde_json::json!(["canary"]),
        serde_json::json!({ "canary": "canary" }),
    ];
    let mut refused = 0;
    for pointer in pointers {
        for canary in &canaries {
            let mut bad = good.clone();
            *bad.pointer_mut(pointer).unwrap() = canary.clone();
            let text = bad.to_string();
            if let Err(error) = serde_json::from_str::<Activity>(&text) {
                let message = format!("{error} {error:?}");
                assert!(!message.contains(CANARY), "{pointer}: {message}");
                refused += 1;
            }
        }
    }
    assert!(refused > 40, "{refused}");
    let error =
        serde_json::from_str::<Activity>(&good.to_string().replace("[\"plan.docx\"]", "\"canary\"")).unwrap_err();
    assert!(error.to_string().starts_with("invalid type, expected a sequence at line 1 column "), "{error}");
}

/// The same holds for these stored documents and for parts of an activity.
#[test]
fn b2_error_of_stored_document_contains_no_values() {
    fn error_text<T: serde::de::DeserializeOwned>(document: &serde_json::Value) -> String {
        let error = serde_json::from_str::<T>(&document.to_string()).err().expect("it is malformed");
        format!("{error} {error:?}")
    }
    let canary = serde_json::json!(CANARY);
    let field = serde_json::json!({ CANARY: CANARY });
    let reveal = serde_json::json!({
        "id": Uuid::nil(), "at": at(0), "initiator": "system", "policy": 1, "outcome": "intended",
        "event": { "reveal": { "justification": [CANARY] } },
    });
    let member = serde_json::json!({ "id": "a", "aliases": CANARY });
    let removed_group = serde_json::json!({ "group": "g", "last_seen": 1, "removed_in": 2, "members": [member] });
    let reason = serde_json::json!({ "member": { "group": { CANARY: "council" }, "role": "actor" } });
    let decision = serde_json::json!({
        "visibility": "private", "policy": 1, "directory": 1, "decided_at": at(0), "reasons": [reason],
    });
    for message in [
        error_text::<Actor>(&serde_json::json!({ "kind": CANARY })),
        error_text::<Actor>(&field),
        error_text::<Identity>(&field),
        error_text::<App>(&field),
        error_text::<App>(&canary),
        error_text::<User>(&member),
        error_text::<RemovedGroup>(&removed_group),
        error_text::<Decision>(&decision),
        error_text::<Record>(&reveal),
    ] {
        assert_no_canary("an error", &message);
        assert!(message.contains("expected"), "{message}");
    }
}

#[test]
fn b2_error_of_wrong_receipt_contains_no_record_content() {
    struct WrongReceipts;
    impl GovernanceSink for WrongReceipts {
        fn record(&self, record: &Record) -> Result<Receipt, SinkError> {
            let initializing = matches!(record.event, Event::InitializePolicy { .. });
            let other = RecordId(Uuid::from_u128(1));
            Ok(Receipt::assertion(if initializing { record.id } else { other }, 1))
        }

        fn records(&self, _: &RecordQuery, _: u64, _: usize) -> Result<Vec<RecordEntry>, SinkError> {
            Ok(Vec::new())
        }

        fn newest(&self, _: &RecordQuery) -> Result<Option<RecordEntry>, SinkError> {
            Ok(None)
        }

        fn remove(&self, _: &Recorded<Removal>) -> Result<u64, SinkError> {
            Ok(0)
        }
    }
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), Arc::new(WrongReceipts));
    fixture.install(people(&[]).user(User::new(user(CANARY)).with_alias(alias("canary@contoso.com"))));
    fixture.ingest(&private_activities());
    let change = PolicyChange::SetAdmin(user(CANARY), Role::Analyst);
    assert_no_canary_in_error(&fixture.filter.update_policy(&user("root"), &change).unwrap_err());
}

#[cfg(feature = "sqlite")]
#[test]
fn b2_error_of_damaged_file_contains_no_content() {
    use std::io::{Read, Seek, SeekFrom, Write};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("activities.db");
    let open = || fixture_over(Arc::new(activity_privacy::sqlite::SqliteStore::open(&path).unwrap()));
    let fixture = open();
    // A public activity, so that `public_page` reads the damaged row.
    fixture.ingest(&[begun("a", Actor::user(alias("bob@contoso.com"))).object("canary \u{1F426}").build().unwrap()]);
    drop(fixture);
    // Damages the object after the canary, so that an error that quotes it contains the canary.
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let places: Vec<usize> =
        bytes.windows(8).enumerate().filter(|(_, window)| *window == b"canary \xf0").map(|(at, _)| at).collect();
    assert!(
        !places.is_empty(),
        "the object is not in the database file: the write-ahead log was not copied to it on close"
    );
    for place in places {
        file.seek(SeekFrom::Start((place + CANARY.len()) as u64)).unwrap();
        file.write_all(b"_").unwrap();
    }
    drop(file);
    let store = activity_privacy::sqlite::SqliteStore::open(&path).unwrap();
    let error = store.public_page(&Query::all(), None, 10).unwrap_err();
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "the file contains an invalid activity; restore it from a backup");
    assert_no_canary_in_error(&error);
}
