//! The reader of JSON records by maps, rule by rule.
#![cfg(feature = "mapped")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "mapped/docs.rs"]
mod docs;
#[path = "mapped/maps.rs"]
mod maps;
#[path = "mapped/principals.rs"]
mod principals;
#[path = "mapped/records.rs"]
mod records;

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::identity::Identity;
use activity_privacy::sources::Rejected;
use activity_privacy::sources::mapped::{Map, Reader};
use serde_json::{Value, json};

/// Returns a map of a log of doors, with these members set. A null removes a member.
fn map(members: Value) -> Map {
    let mut map = json!({
        "version": 1, "name": "door_log", "title": "Door log",
        "id": ["/id"],
        "time": [{"at": "/time", "format": "rfc3339"}],
        "action": ["/action"],
        "app": {"name": "Doors"},
        "actor": [{"kind": "user", "identities": [{"at": "/who", "as": "name"}]}],
    });
    set(&mut map, members);
    map.to_string().parse().unwrap()
}

/// Returns a record of that log, with these members set.
fn record(members: Value) -> Value {
    let mut record = json!({"id": "r1", "time": "2026-03-01T09:30:00Z", "action": "opened"});
    set(&mut record, members);
    record
}

fn set(object: &mut Value, members: Value) {
    let object = object.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        match value {
            Value::Null => drop(object.remove(name)),
            value => drop(object.insert(name.clone(), value.clone())),
        }
    }
}

fn read(map: &Map, input: impl AsRef<[u8]>) -> Vec<Result<Activity, Rejected>> {
    Reader::new(input.as_ref(), map).collect()
}

fn one(map: &Map, record: &Value) -> Activity {
    let mut items = read(map, record.to_string());
    assert_eq!(items.len(), 1);
    items.remove(0).unwrap()
}

/// Returns the id of an activity in the log of doors.
fn id(activity: &Activity) -> &str {
    activity.id().as_str().strip_prefix("door_log:").unwrap()
}

/// Returns the message of the only rejection.
fn rejection(map: &Map, input: impl AsRef<[u8]>) -> String {
    let items = read(map, input);
    assert_eq!(items.len(), 1);
    items[0].as_ref().unwrap_err().to_string()
}

/// Returns a principal as `kind name: identities`.
fn shown(actor: &Actor) -> String {
    let identity = |identity: &Identity| match identity {
        Identity::Id(id) => format!("id {id}"),
        Identity::Alias(alias) => match alias.app() {
            Some(app) => format!("{app} {alias}"),
            None => alias.to_string(),
        },
    };
    let identities: Vec<String> = actor.identities().iter().map(identity).collect();
    let name = actor.name().map(|name| format!(" `{name}`")).unwrap_or_default();
    format!("{}{name}: {}", actor.kind(), identities.join(", ")).trim_end_matches([':', ' ']).to_owned()
}

fn actor(map: &Map, members: Value) -> String {
    shown(one(map, &record(members)).actor())
}

/// Returns the principals on whose behalf the actor acted.
fn on_behalf_of(map: &Map, members: Value) -> Vec<String> {
    one(map, &record(members)).on_behalf_of().iter().map(shown).collect()
}

fn objects(map: &Map, members: Value) -> Vec<String> {
    one(map, &record(members)).objects().map(str::to_owned).collect()
}
