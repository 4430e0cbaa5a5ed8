//! The maps of the sources of sign-in, collaboration and password services, rule by rule.
#![cfg(feature = "mapped")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "mapped_apps/atlassian.rs"]
mod atlassian;
#[path = "mapped_apps/entra.rs"]
mod entra;
#[path = "mapped_apps/github.rs"]
mod github;
#[path = "mapped_apps/google_workspace.rs"]
mod google_workspace;
#[path = "mapped_apps/okta.rs"]
mod okta;
#[path = "mapped/pages.rs"]
mod pages;
#[path = "mapped_apps/passwords.rs"]
mod passwords;
#[path = "mapped/reading.rs"]
mod reading;
#[path = "mapped_apps/salesforce.rs"]
mod salesforce;
#[path = "mapped_apps/sign_on.rs"]
mod sign_on;
#[path = "mapped_apps/slack.rs"]
mod slack;

use activity_privacy::sources::mapped;
use serde_json::{Value, json};

use reading::{map, one, read};

/// Returns a record of each source with the name of its map.
fn samples() -> Vec<(&'static str, Value)> {
    let all = [
        atlassian::samples(),
        entra::samples(),
        github::samples(),
        google_workspace::samples(),
        okta::samples(),
        passwords::samples(),
        salesforce::samples(),
        sign_on::samples(),
        slack::samples(),
    ];
    all.into_iter().flatten().collect()
}

#[test]
fn b4_each_source_is_detected() {
    for (name, record) in samples() {
        let detected = mapped::detect(record.to_string().as_bytes()).map(|map| map.name());
        assert_eq!(detected, Some(name));
        let list = json!([record, record]).to_string();
        assert_eq!(mapped::detect(list.as_bytes()).map(|map| map.name()), Some(name));
    }
}

#[test]
fn b4_other_records_are_not_recognized() {
    let others = [
        json!({}),
        json!({"message": "started", "@timestamp": "2026-03-02T08:15:30Z"}),
        json!({"time": "2026-03-02T08:15:30Z", "action": "start", "user": "adele"}),
        json!({"Id": "1", "CreationTime": "2026-03-02T08:15:30", "Operation": "FileAccessed", "UserId": "adele@contoso.example"}),
    ];
    for (name, _) in samples() {
        for other in &others {
            assert!(!map(name).recognizes(&other.to_string()), "{name}: {other}");
        }
    }
}

#[test]
fn d4_wrapped_record_is_the_same_activity() {
    for (name, record) in samples() {
        let text = record.to_string();
        let expected = one(name, &record);
        let wrapped = [
            json!({"@timestamp": "2026-03-02T09:00:00Z", "event": {"original": text, "kind": "event"}}),
            json!({"@timestamp": "2026-03-02T09:00:00Z", "event.kind": "event", "event.original": text}),
            json!({"_index": "logs", "_source": {"event": {"original": text}}}),
            json!({"_index": "logs", "_source": {"message": text}}),
            json!({"_index": "logs", "_source": record}),
            json!({"_time": "1772439330", "_raw": text, "sourcetype": "contoso"}),
            json!({"preview": false, "result": {"_raw": text}}),
            json!({"@timestamp": "2026-03-02T09:00:00Z", "message": text}),
            json!({"@timestamp": "2026-03-02T09:00:00Z", "json": record}),
            json!({"time": 1772439330, "host": "collector", "event": record}),
        ];
        for wrapper in wrapped {
            let activity = one(name, &wrapper);
            assert_eq!(activity.id(), expected.id(), "{name}: {wrapper}");
            assert!(activity.principals().eq(expected.principals()), "{name}: {wrapper}");
            assert_eq!(activity.occurred_at(), expected.occurred_at());
        }
    }
}

/// Returns a record in which the members of nested objects are members whose names are joined by dots.
fn flattened(record: &Value) -> Value {
    fn add(to: &mut serde_json::Map<String, Value>, name: &str, value: &Value) {
        match value.as_object() {
            Some(members) => members.iter().for_each(|(member, value)| add(to, &format!("{name}.{member}"), value)),
            None => drop(to.insert(name.to_owned(), value.clone())),
        }
    }
    let mut flat = serde_json::Map::new();
    record.as_object().unwrap().iter().for_each(|(name, value)| add(&mut flat, name, value));
    Value::Object(flat)
}

#[test]
fn d8_flattened_record_has_the_same_principals() {
    for (name, record) in samples() {
        let (nested, flat) = (one(name, &record), one(name, &flattened(&record)));
        assert!(flat.principals().eq(nested.principals()), "{name}");
        assert_eq!((flat.occurred_at(), flat.action()), (nested.occurred_at(), nested.action()), "{name}");
        assert!(map(name).recognizes(&flattened(&record).to_string()), "{name}");
    }
}

#[test]
fn d4_record_in_another_layout_is_the_same_activity() {
    for (name, record) in samples() {
        let pretty = serde_json::to_string_pretty(&record).unwrap();
        let items = read(name, pretty);
        assert_eq!(items.len(), 1, "{name}");
        assert_eq!(items[0].as_ref().unwrap().id(), one(name, &record).id(), "{name}");
    }
}

#[test]
fn b1_record_without_time_or_action_is_rejected() {
    for (name, _) in samples() {
        let items = read(name, r#"{"unrelated": 1}"#);
        assert!(items.len() == 1 && items[0].is_err(), "{name}");
    }
}

#[test]
fn b1_pages_of_each_source_are_read() {
    pages::assert_read(samples());
}
