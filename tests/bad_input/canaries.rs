//! B2: nothing that is said in passing contains what is private.

use activity_privacy::directory::GroupDirectory;
use std::error::Error;
use std::fmt::Debug;
use std::sync::Arc;

use activity_privacy::activity::{Action, Activity, ActivityId, Actor, App, AppName};
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, RemovedGroup, User};
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
use uuid::Uuid;

use crate::fixture::*;

/// Stands in every text of a private activity. In a form that no folding changes.
const CANARY: &str = "canary";

/// One activity for every way of being private, with the canary in everything that it says.
fn private_activities() -> Vec<Activity> {
    let place = || App::new("canary-app".parse().unwrap()).in_suite("canary-suite".parse().unwrap());
    let begin = |id: &str, actor: Actor| {
        let id = ActivityId::new(format!("canary-{id}")).unwrap();
        Activity::builder(id, actor, place(), "CANARY canary".parse().unwrap(), at(7))
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

fn over(store: Arc<dyn ActivityStore>) -> Fixture {
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
    std::iter::once(memory).chain(on_disk).map(over).collect()
}

/// Fails when the text holds a canary, whatever its case, or the hex of one.
fn silent(what: &str, text: &str) {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let lower = text.to_lowercase();
    assert!(!lower.contains(CANARY) && !lower.contains(&hex), "{what} says: {text}");
}

/// It says nothing of what is in it, and it does say something.
fn silent_debug(what: &str, value: &dyn Debug) {
    let text = format!("{value:?}");
    assert!(!text.is_empty(), "{what} says what it is");
    silent(what, &format!("{text} {value:#?}"));
}

/// An error with everything behind it.
fn silent_error(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        silent("an error", &format!("{error} {error:?}"));
        next = error.source();
    }
}

#[test]
fn b2_no_debug_of_what_a_private_activity_is_made_of_shows_it() {
    for activity in private_activities() {
        silent_debug("an activity", &activity);
        silent_debug("an activity in the making", &begun(activity.id().as_str(), activity.actor().clone()));
        silent_debug("an id", activity.id());
        silent_debug("an app", activity.app());
        silent_debug("an action", activity.action());
        silent_debug("a position", &Position::of(&activity));
        for actor in activity.principals() {
            silent_debug("an actor", actor);
            silent_debug("a name", &actor.name());
            silent_debug("identities", &actor.identities());
        }
    }
    silent_debug("a query", &Query::all().by_actor("canary@contoso.com").unwrap().containing("canary").unwrap());
    let query = Query::all().in_app("canary".parse().unwrap()).with_action("canary".parse().unwrap());
    silent_debug("a query", &query);
    silent_debug("a justification", &Justification::new("canary").unwrap());
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new(user("canary"), query, std::time::Duration::from_secs(1), audited);
    silent_debug("a request", &request.because(Justification::new("canary").unwrap()));
    silent_debug("a user", &User::new(user("canary")).with_alias(alias("canary@contoso.com")));
    silent_debug("a record query", &RecordQuery { target: Some(CANARY.to_owned()), ..RecordQuery::default() });
    silent_debug("a record query", &RecordQuery { initiator: Some(user(CANARY)), ..RecordQuery::default() });
}

#[test]
fn b2_the_debug_of_an_adapter_or_a_filter_says_what_it_is_and_no_more() {
    let fixture = over(Arc::new(MemoryStore::new()));
    fixture.ingest(&private_activities());
    let (store, directory, sink) = (MemoryStore::new(), Arc::clone(&fixture.directory), MemorySink::new());
    silent_debug("a builder", &PrivacyFilter::builder(store, directory, sink));
    silent_debug("a store in memory", &MemoryStore::new());
    silent_debug("a sink that is bounded", &TimeoutSink::new(fixture.sink.clone(), std::time::Duration::from_secs(1)));
    let everything = fixture.everything();
    silent_debug("a decision", &everything[0].decision());
    silent_debug("what is stored", &everything[0]);
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        silent_debug("a store in a file", &activity_privacy::sqlite::SqliteStore::open(&path).unwrap());
        let records = activity_privacy::sqlite::SqliteGovernance::open(folder.path().join("g.db")).unwrap();
        silent_debug("records in a file", &records);
    }
}

#[test]
fn b2_deciding_says_nothing_of_what_it_decides() {
    let fixture = over(Arc::new(MemoryStore::new()));
    let directory = fixture.directory.snapshot().unwrap();
    silent_debug("a directory", &directory);
    silent_debug("a resolution", &directory.resolve(&alias("canary@contoso.com").into()));
    silent_debug("its port", &fixture.directory);
    silent_debug("an import", &DirectoryBuilder::new().user(User::new(user("canary"))));
    let gone = DirectoryBuilder::new().build(DirectoryRevision(2), at(0)).unwrap().carry_over_from(&directory);
    silent_debug("a group that vanished", &gone.removed_group(&group("council")).unwrap());
    let engine = PolicyEngine::new(fixture.filter.policy().unwrap(), Ok(directory));
    silent_debug("a engine", &engine);
    let activities = private_activities();
    let batch = engine.decide(&activities, at(9)).unwrap();
    assert_eq!(batch.decided().len(), activities.len());
    silent_debug("a batch", &batch);
    for decided in batch.decided() {
        assert_eq!(decided.decision().visibility(), Visibility::Private);
        silent_debug("something decided", decided);
        silent("an explanation", &decided.decision().explain().to_string());
        silent("a decision as JSON", &serde_json::to_string(decided.decision()).unwrap());
        for reason in decided.decision().reasons() {
            silent("a reason", &format!("{reason} {reason:?}"));
        }
    }
}

#[test]
fn b2_no_byte_that_a_viewer_or_a_forwarder_gets_is_private() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        let report = fixture.filter.ingest(&private_activities()).unwrap();
        silent_debug("a report", &report);
        fixture.ingest(&[activity("a", "bob"), activity("b", "bob"), activity("c", "bob")]);
        // Conflicts with what is hidden, and what is hidden once more.
        let known: Vec<ActivityId> = private_activities().iter().map(|activity| activity.id().clone()).collect();
        let conflicts: Vec<Activity> = known.iter().map(|id| activity(id.as_str(), "bob")).collect();
        silent_debug("a report of conflicts", &fixture.filter.ingest(&conflicts).unwrap());
        fixture.ingest(&private_activities());
        silent_debug("a filter", &fixture.filter);

        // Even for the one who may open a reveal.
        for viewer in ["somebody", "root", "canary-id"] {
            let view = fixture.filter.view(&user(viewer));
            silent_debug("a view", &view);
            let mut cursor = None;
            loop {
                let page = view.page(&Query::all(), PageSize::at_most(1), cursor.as_ref()).unwrap();
                silent_debug("a page", &page);
                silent("a page as JSON", &serde_json::to_string(&page).unwrap());
                cursor = page.next().cloned();
                silent_debug("a cursor", &cursor);
                silent("a cursor", &cursor.as_ref().map_or_else(String::new, ToString::to_string));
                if cursor.is_none() {
                    break;
                }
            }
            for by in [CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor] {
                let counts = view.counts(&Query::all(), by).unwrap().by_key;
                silent("counts", &serde_json::to_string(&counts).unwrap());
                silent_debug("counts", &counts);
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
        silent_debug("a batch to forward", &forwarded);
        silent_debug("what is in it", &forwarded.activities[0]);
        silent("what is forwarded", &serde_json::to_string(&forwarded.activities).unwrap());
    }
}

#[test]
fn b2_revealed_things_and_records_keep_silent_in_passing() {
    let dir = tempfile::tempdir().unwrap();
    for fixture in fixtures(dir.path()) {
        fixture.ingest(&private_activities());
        let query = Query::all().by_actor("canary@contoso.com").unwrap().containing("canary").unwrap();
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(user("root"), query, std::time::Duration::from_secs(60), audited);
        let mut reveal = fixture.filter.reveal(request).unwrap();
        silent_debug("a reveal", &reveal);
        let page = reveal.page(PageSize::at_most(1), None).unwrap();
        assert_eq!((page.activities().len(), page.includes_private()), (1, true));
        silent_debug("a revealed page", &page);
        silent_debug("what is on it", &page.activities());
        let cursor = page.next().unwrap();
        silent("its cursor", &format!("{cursor} {cursor:?}"));
        reveal.close().unwrap();
        // Refused, denied and failed, too.
        silent_error(&fixture.filter.reveal(reveal_all("canary-id")).unwrap_err());
        silent_error(
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
            silent_debug("a record", entry);
            // Whoever tried something is named in the record of it, by their id.
            if !by_canary(&entry) {
                silent("a record as JSON", &serde_json::to_string(entry).unwrap());
            }
        }
        fixture.permit_root();
        silent_debug("the policy", &fixture.filter.policy().unwrap());
    }
}

#[test]
fn b2_the_debug_of_a_record_keeps_the_reason_of_a_reveal_to_itself() {
    let fixture = over(Arc::new(MemoryStore::new()));
    let request = reveal_all("root").because(Justification::new("did canary leak the plan?").unwrap());
    let reveal = fixture.filter.reveal(request).unwrap();
    silent_debug("a reveal", &reveal);
    let records = fixture.records();
    assert!(serde_json::to_string(&records).unwrap().contains(CANARY), "the record itself says why");
    silent_debug("the records", &records);
}

#[test]
fn b2_no_error_repeats_what_it_was_given() {
    let too_long = format!("{CANARY}{}", "x".repeat(5_000));
    let control = format!("{CANARY}\u{1}");
    for bad in [too_long.as_str(), control.as_str()] {
        silent_error(&ActivityId::new(bad).unwrap_err());
        silent_error(&UserId::new(bad).unwrap_err());
        silent_error(&Alias::new(bad).unwrap_err());
        silent_error(&Alias::account("GitHub", bad).unwrap_err());
        silent_error(&AppName::new(bad).unwrap_err());
        silent_error(&Action::new(bad).unwrap_err());
        silent_error(&Query::all().by_actor(bad).unwrap_err());
        silent_error(&Query::all().containing(bad).unwrap_err());
        silent_error(&Justification::new(bad).unwrap_err());
    }
    silent_error(&Domain::new("canary..example").unwrap_err());
    silent_error(&"canary".parse::<Cursor>().unwrap_err());
    let builder = begun(CANARY, Actor::user(alias("canary@contoso.com")));
    silent_error(&builder.details(CANARY.repeat(1_000_000)).build().unwrap_err());
    let twice = DirectoryBuilder::new().user(User::new(user(CANARY))).user(User::new(user(CANARY)));
    silent_error(&twice.build(DirectoryRevision(1), at(0)).unwrap_err());

    let fixture = over(Arc::new(MemoryStore::new()));
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
        silent_error(&fixture.filter.update_policy(&root, &change).unwrap_err());
        silent_debug("a change", &change);
    }
    silent_error(
        &fixture.filter.update_policy(&user("canary"), PolicyChange::MakePublic(group("council").into())).unwrap_err(),
    );
    let on_undecidable = OnUndecidable::Reject;
    fixture.options(OptionsPatch::new().on_undecidable(on_undecidable));
    silent_error(&fixture.filter.ingest(&private_activities()).unwrap_err());
    silent_debug("all records", &fixture.records());
}

/// Serde quotes a value that does not fit; an activity does not pass that on, and still says what was expected.
#[test]
fn b2_an_activity_that_cannot_be_read_is_reported_without_its_values() {
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
                let said = format!("{error} {error:?}");
                assert!(!said.contains(CANARY), "{pointer}: {said}");
                refused += 1;
            }
        }
    }
    assert!(refused > 40, "{refused}");
    let error =
        serde_json::from_str::<Activity>(&good.to_string().replace("[\"plan.docx\"]", "\"canary\"")).unwrap_err();
    assert!(error.to_string().starts_with("invalid type, expected a sequence at line 1 column "), "{error}");
}

/// Neither does any other document that a store keeps, nor a part of an activity.
#[test]
fn b2_no_document_of_a_store_is_quoted_when_it_cannot_be_read() {
    fn says<T: serde::de::DeserializeOwned>(document: &serde_json::Value) -> String {
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
    let vanished = serde_json::json!({ "group": "g", "last_seen": 1, "removed_in": 2, "members": [member] });
    let reason = serde_json::json!({ "member": { "group": { CANARY: "council" }, "role": "actor" } });
    let decision = serde_json::json!({
        "visibility": "private", "policy": 1, "directory": 1, "decided_at": at(0), "reasons": [reason],
    });
    for said in [
        says::<Actor>(&serde_json::json!({ "kind": CANARY })),
        says::<Actor>(&field),
        says::<Identity>(&field),
        says::<App>(&field),
        says::<App>(&canary),
        says::<User>(&member),
        says::<RemovedGroup>(&vanished),
        says::<Decision>(&decision),
        says::<Record>(&reveal),
    ] {
        silent("an error", &said);
        assert!(said.contains("expected"), "{said}");
    }
}

#[test]
fn b2_what_a_failing_sink_leaves_behind_says_nothing() {
    struct Broken;
    impl GovernanceSink for Broken {
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
    let fixture = Fixture::over(Arc::new(MemoryStore::new()), Arc::new(Broken));
    fixture.install(people(&[]).user(User::new(user(CANARY)).with_alias(alias("canary@contoso.com"))));
    fixture.ingest(&private_activities());
    let change = PolicyChange::SetAdmin(user(CANARY), Role::Analyst);
    silent_error(&fixture.filter.update_policy(&user("root"), &change).unwrap_err());
}

#[cfg(feature = "sqlite")]
#[test]
fn b2_a_damaged_file_is_reported_without_what_stands_in_it() {
    use std::io::{Read, Seek, SeekFrom, Write};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("activities.db");
    let open = || over(Arc::new(activity_privacy::sqlite::SqliteStore::open(&path).unwrap()));
    let fixture = open();
    // Public ones, because a view is what everybody has.
    fixture.ingest(&[begun("a", Actor::user(alias("bob@contoso.com"))).object("canary \u{1F426}").build().unwrap()]);
    drop(fixture);
    // A letter of an object is another.
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    let places: Vec<usize> =
        bytes.windows(8).enumerate().filter(|(_, window)| *window == b"canary \xf0").map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "closing the last handle puts everything into the file itself");
    for place in places {
        file.seek(SeekFrom::Start(place as u64)).unwrap();
        file.write_all(b"k").unwrap();
    }
    drop(file);
    let store = activity_privacy::sqlite::SqliteStore::open(&path).unwrap();
    let error = store.public_page(&Query::all(), None, 10).unwrap_err();
    let source = error.source().unwrap();
    assert_eq!(source.to_string(), "the file holds something that cannot be read back, expected one activity");
    silent_error(&error);
}
