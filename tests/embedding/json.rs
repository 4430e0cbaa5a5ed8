//! The examples in `docs/json.md`, and documents that must be rejected.

use std::sync::Arc;
use std::time::SystemTime;

use activity_privacy::error::ErrorKind;
use activity_privacy::filter::IngestReport;
use activity_privacy::forward::Offset;
use activity_privacy::governance::Record;
use activity_privacy::identity::Identity;
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{OptionsPatch, PolicyUpdate};
use activity_privacy::prelude::*;
use activity_privacy::query::{CountBy, Cursor};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads a document and writes it again.
fn again<T: DeserializeOwned + Serialize>(json: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<T>(json).map(|value| serde_json::to_value(value).unwrap())
}

fn read(name: &str, json: &str) -> Result<Value, serde_json::Error> {
    match name {
        "Activity" => again::<Activity>(json),
        "Cursor" => again::<Cursor>(json),
        "ErrorKind" => again::<ErrorKind>(json),
        "Identity" => again::<Identity>(json),
        "IngestReport" => again::<IngestReport>(json),
        "Offset" => again::<Offset>(json),
        "PolicyChange" => again::<PolicyChange>(json),
        "PolicyUpdate" => again::<PolicyUpdate>(json),
        "Query" => again::<Query>(json),
        "RecordQuery" => again::<RecordQuery>(json),
        _ => panic!("docs/json.md names a type that this test does not know: {name}"),
    }
}

/// Returns the answers of a small service, by the names of their types.
fn written() -> [(&'static str, Value); 3] {
    let time: DateTime<Utc> = "2026-03-01T09:31:00Z".parse().unwrap();
    let (root, council) = (UserId::new("root").unwrap(), GroupId::new("g-council").unwrap());
    let directory = Arc::new(MemoryDirectory::new());
    let import = DirectoryBuilder::new()
        .group(council.clone(), "Works council")
        .member(&council, &UserId::new("u-1").unwrap())
        .user(User::new(UserId::new("u-2").unwrap()).with_alias(Alias::new("bob@contoso.com").unwrap()));
    directory.install(import.build(DirectoryRevision(1), time).unwrap()).unwrap();
    let filter = PrivacyFilter::builder(MemoryStore::new(), directory, MemorySink::new())
        .clock(move || time)
        .initialize(Administrators::only_one(root.clone()))
        .unwrap();
    let dry_run = filter.dry_run(&root, PolicyChange::MakePrivate(council.into()), 0).unwrap();
    let actor = Actor::user(Alias::new("bob@contoso.com").unwrap());
    let app = App::new("SharePoint".parse().unwrap());
    let occurred_at = "2026-03-01T09:30:00Z".parse().unwrap();
    let activity = Activity::builder("a-1".parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), occurred_at);
    filter.ingest(&[activity.object("plan.docx").build().unwrap()]).unwrap();
    let view = filter.view(&root);
    let page = view.page(&Query::all(), PageSize::default(), None).unwrap();
    let counts = view.counts(&Query::all(), CountBy::App).unwrap();
    [
        ("DryRun", serde_json::to_value(dry_run).unwrap()),
        ("Page", serde_json::to_value(page).unwrap()),
        ("Counts", serde_json::to_value(counts).unwrap()),
    ]
}

#[test]
fn b1_documented_json_is_read_and_written() {
    let document = include_str!("../../docs/json.md");
    let written = written();
    let mut examples = 0;
    for example in document.split("<!-- ").skip(1) {
        let (name, rest) = example.split_once(" -->\n```json\n").expect("a block of JSON after each name");
        let json = rest.split_once("\n```").expect("the end of the block").0;
        examples += 1;
        if let Some(name) = name.strip_prefix("rejected: ") {
            read(name, json).expect_err(json);
        } else if let Some(name) = name.strip_prefix("written: ") {
            let (_, value) = written.iter().find(|(of, _)| *of == name).expect(name);
            assert_eq!(serde_json::from_str::<Value>(json).unwrap(), *value, "{name}");
        } else {
            let value = read(name, json).unwrap_or_else(|error| panic!("{name}: {error}: {json}"));
            assert_eq!(value, serde_json::from_str::<Value>(json).unwrap(), "{name}");
        }
    }
    assert_eq!(examples, document.matches("```json").count(), "a block of JSON without a name");
}

#[test]
fn b1_unknown_field_of_change_or_query_is_rejected() {
    for (name, json) in [
        ("PolicyUpdate", r#"{"changes":[],"reason":"canary"}"#),
        ("PolicyUpdate", r#"{"changes":[{"make_private":"applications","canary":1}]}"#),
        ("PolicyChange", r#"{"canary":"g-1"}"#),
        ("PolicyChange", r#"{"manage_domain":{"domain":"contoso.com","canary":true}}"#),
        ("PolicyChange", r#"{"set_options":{"canary":true}}"#),
        ("PolicyChange", r#"{"grant":{"app":"Box","name":"canary","canary":1}}"#),
        ("Query", r#"{"canary":"adele"}"#),
        ("Query", r#"{"actors":"canary"}"#),
        ("Query", r#"{"group":{"canary":"g"}}"#),
        ("RecordQuery", r#"{"canary":null}"#),
        ("IngestReport", r#"{"outcomes":[],"canary":0}"#),
    ] {
        let error = read(name, json).expect_err(json).to_string();
        assert!(!error.contains("canary"), "the error repeats the input: {error}");
    }
}

/// A list in a document is read in linear time, however often a value occurs.
#[test]
fn b3_query_of_many_values_is_read_fast() {
    let ids: Vec<_> = (0..200_000).map(|number| format!("a-{}", number % 100_000)).collect();
    let json = serde_json::json!({ "ids": ids }).to_string();
    let begin = SystemTime::now();
    let query: Query = serde_json::from_str(&json).unwrap();
    assert_eq!(query.ids().len(), 100_000);
    assert!(begin.elapsed().unwrap().as_secs() < 20, "reading took {:?}", begin.elapsed());
}

/// A search text whose folded form exceeds the limit is read again as it was written.
#[test]
fn b1_query_keeps_its_text_as_written() {
    let text = "ΐ".repeat(Query::MAX_FILTER_BYTES / 2);
    let query = Query::all().containing(&text).unwrap();
    let again: Query = serde_json::from_str(&serde_json::to_string(&query).unwrap()).unwrap();
    assert!(again == query);
}

#[test]
fn v4_cursor_from_json_stays_bound() {
    let root = UserId::new("root").unwrap();
    let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), MemorySink::new())
        .initialize(Administrators::only_one(root.clone()))
        .unwrap();
    filter.update_policy(&root, PolicyChange::SetOptions(fail_open())).unwrap();
    for id in ["a-1", "a-2"] {
        let (actor, app) = (Actor::unknown(), App::new("Box".parse().unwrap()));
        let activity =
            Activity::builder(id.parse().unwrap(), actor, app, "Login".parse().unwrap(), SystemTime::now().into());
        filter.ingest(&[activity.build().unwrap()]).unwrap();
    }
    let page = filter.view(&root).page(&Query::all(), PageSize::at_most(1), None).unwrap();
    let token = serde_json::to_string(page.next().unwrap()).unwrap();
    let cursor: Cursor = serde_json::from_str(&token).unwrap();
    assert!(filter.view(&root).page(&Query::all(), PageSize::at_most(1), Some(&cursor)).is_ok());
    let other = filter.view(&UserId::new("other").unwrap());
    assert!(other.page(&Query::all(), PageSize::at_most(1), Some(&cursor)).is_err());
}

fn fail_open() -> activity_privacy::policy::OptionsPatch {
    activity_privacy::policy::OptionsPatch::new().on_undecidable(activity_privacy::policy::OnUndecidable::FailOpen)
}

/// With `#[serde(flatten)]`, serde passes only the known fields on. A misspelt condition must not widen a query.
#[test]
fn v2_misspelt_field_of_flattened_document_is_rejected() {
    #[derive(serde::Deserialize)]
    struct Search {
        size: u16,
        #[serde(flatten)]
        query: Query,
    }
    #[derive(serde::Deserialize)]
    struct Records {
        #[serde(flatten)]
        query: RecordQuery,
    }
    #[derive(serde::Deserialize)]
    struct Change {
        #[serde(flatten)]
        update: PolicyUpdate,
    }

    let search: Search = serde_json::from_str(r#"{"size": 5, "actors": ["adele@contoso.com"]}"#).unwrap();
    assert_eq!((search.size, search.query), (5, Query::all().by_actor("adele@contoso.com").unwrap()));
    let rejected = serde_json::from_str::<Search>(r#"{"size": 5, "actor": ["canary"]}"#).err().unwrap().to_string();
    assert!(rejected.contains("unknown field") && !rejected.contains("canary"), "{rejected}");
    let records: Records = serde_json::from_str(r#"{"target": "u-4"}"#).unwrap();
    assert_eq!(records.query.target.as_deref(), Some("u-4"));
    assert!(serde_json::from_str::<Records>(r#"{"targets": "u-4"}"#).is_err());
    let change: Change = serde_json::from_str(r#"{"changes": [{"make_private": "applications"}]}"#).unwrap();
    assert_eq!(change.update, PolicyUpdate::from(PolicyChange::MakePrivate(GroupRef::Applications)));
    assert!(serde_json::from_str::<Change>(r#"{"changes": [], "madeFor": 7}"#).is_err());

    #[derive(serde::Deserialize)]
    struct Envelope {
        tenant: String,
        #[serde(flatten)]
        activity: Activity,
    }
    #[derive(serde::Deserialize)]
    struct Patch {
        #[serde(flatten)]
        options: OptionsPatch,
    }

    let activity = r#""tenant": "a", "id": "a-1", "actor": {"kind": "unknown"}, "app": {"name": "Box"}, "action": "x",
        "occurred_at": "2026-03-01T09:30:00Z""#;
    let envelope: Envelope = serde_json::from_str(&format!("{{{activity}}}")).unwrap();
    assert_eq!((&*envelope.tenant, envelope.activity.id().as_str()), ("a", "a-1"));
    assert!(serde_json::from_str::<Envelope>(&format!(r#"{{{activity}, "onBehalfOf": []}}"#)).is_err());
    let patch: Patch = serde_json::from_str(r#"{"approvals_required": 2}"#).unwrap();
    assert_eq!(patch.options, OptionsPatch::new().approvals_required(2));
    assert!(serde_json::from_str::<Patch>(r#"{"max_reveal_lifetimes": 60}"#).is_err());
}

/// A sink can store records in a binary format that describes itself.
#[test]
fn b1_records_are_read_back_from_cbor() {
    let sink = Arc::new(MemorySink::new());
    let root = UserId::new("root").unwrap();
    let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), Arc::clone(&sink))
        .initialize(Administrators::only_one(root.clone()))
        .unwrap();
    filter.update_policy(&root, PolicyChange::MakePrivate(GroupRef::Applications)).unwrap();
    for entry in filter.governance_records(&root, &RecordQuery::default(), 0, PageSize::MAX).unwrap() {
        let mut bytes = Vec::new();
        ciborium::into_writer(&entry.record, &mut bytes).unwrap();
        let read: Record = ciborium::from_reader(&*bytes).unwrap();
        assert_eq!(read, entry.record);
    }
}

/// The words and ids of documents can be mistaken for each other, so errors must not repeat them.
#[test]
fn b2_rejected_word_or_id_is_not_repeated() {
    use activity_privacy::governance::{ApprovalDecision, RequestId};

    for text in [r#""canary""#, r#"["canary"]"#, r#"{"canary": 1}"#, "4711"] {
        let errors = [
            serde_json::from_str::<ApprovalDecision>(text).unwrap_err(),
            serde_json::from_str::<CountBy>(text).unwrap_err(),
            serde_json::from_str::<RequestId>(text).unwrap_err(),
        ];
        for error in errors {
            let error = error.to_string();
            assert!(!error.contains("canary") && !error.contains("4711") && error.contains("expected"), "{error}");
        }
    }
}
