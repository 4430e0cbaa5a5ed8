//! Records read by a map of the crate, and what was read as text.
#![allow(dead_code, reason = "each file of tests uses a part")]

use activity_privacy::activity::{Activity, Actor};
use activity_privacy::identity::Identity;
use activity_privacy::sources::Rejected;
use activity_privacy::sources::mapped::{Map, Reader};
use serde_json::{Value, json};

/// Returns the map of the crate with a name.
pub(crate) fn map(name: &str) -> &'static Map {
    Map::shipped(name).unwrap_or_else(|| panic!("no valid map `{name}`"))
}

/// Reads an input by a map of the crate.
pub(crate) fn read(map_name: &str, input: impl AsRef<[u8]>) -> Vec<Result<Activity, Rejected>> {
    Reader::new(input.as_ref(), map(map_name)).collect()
}

/// Reads one record by a map of the crate.
pub(crate) fn one(map_name: &str, record: &Value) -> Activity {
    let mut items = read(map_name, record.to_string());
    assert_eq!(items.len(), 1, "one record");
    items.remove(0).unwrap_or_else(|rejected| panic!("{rejected}"))
}

/// Returns the id of an activity in its source, without the name of the map.
pub(crate) fn source_id(activity: &Activity) -> &str {
    activity.id().as_str().split_once(':').unwrap().1
}

/// Reads one record that is rejected, and returns the message.
pub(crate) fn rejection(map_name: &str, record: &Value) -> String {
    let mut items = read(map_name, record.to_string());
    assert_eq!(items.len(), 1, "one record");
    items.remove(0).expect_err("a rejected record").to_string()
}

/// Returns a record with changes, by JSON Merge Patch (RFC 7396): a null removes a member.
pub(crate) fn with(record: &Value, changes: Value) -> Value {
    let mut record = record.clone();
    merge(&mut record, changes);
    record
}

fn merge(target: &mut Value, changes: Value) {
    let Value::Object(changes) = changes else {
        *target = changes;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (name, change) in changes {
        match change {
            Value::Null => drop(members.remove(&name)),
            change => merge(members.entry(name).or_insert(Value::Null), change),
        }
    }
}

/// Returns the actor as text: its kind, its name in quotes, and its identities.
pub(crate) fn actor(activity: &Activity) -> String {
    described(activity.actor())
}

/// Returns the principals on whose behalf the actor acted, as [`actor`] does.
pub(crate) fn on_behalf_of(activity: &Activity) -> Vec<String> {
    activity.on_behalf_of().iter().map(described).collect()
}

/// Returns the actor of one record as text.
pub(crate) fn actor_of(map_name: &str, record: &Value) -> String {
    actor(&one(map_name, record))
}

/// Returns the principals of one record as text.
pub(crate) fn principals_of(map_name: &str, record: &Value) -> Vec<String> {
    one(map_name, record).principals().map(described).collect()
}

/// Returns whether an activity has an object.
pub(crate) fn has_object(activity: &Activity, name: &str) -> bool {
    activity.objects().any(|object| object == name)
}

/// Returns an actor as text: `user adele@contoso.example, id:104`, `application "Backup"`, `user GitHub:adele`.
pub(crate) fn described(actor: &Actor) -> String {
    let identities = actor.identities().iter().map(|identity| match identity {
        Identity::Id(id) => format!("id:{id}"),
        Identity::Alias(alias) => match alias.app() {
            Some(app) => format!("{app}:{alias}"),
            None => alias.to_string(),
        },
    });
    let name = actor.name().map(|name| format!("\"{name}\""));
    let parts: Vec<String> = name.into_iter().chain(identities).collect();
    format!("{} {}", actor.kind(), parts.join(", ")).trim_end().to_owned()
}
