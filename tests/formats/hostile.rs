//! Activities whose texts try to break out of their fields.

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::engine::Decision;
use activity_privacy::identity::{Alias, UserId};
use activity_privacy::store::{PublicActivity, StoredActivity};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Parts of texts: what ends a line, a field or an escape in some format, and what looks as if it did.
const PARTS: [&str; 56] = [
    "\n",
    "\r",
    "\r\n",
    "\t",
    "\0",
    "\u{1b}[2J",
    "\u{7f}",
    "\u{85}",
    "\u{9b}",
    "\u{2028}",
    "\u{2029}",
    "\u{feff}",
    "\u{202e}",
    "|",
    "\\|",
    "=",
    "\\=",
    "\\",
    "\\\\",
    "\\n",
    "\\r",
    "\\t",
    "\\u{a}",
    "\\u{",
    "\\u{5c}",
    "\\u2028",
    "\\ud800",
    "\\udfff\\ud800",
    "[",
    "]",
    "\\]",
    "{",
    "}",
    "\"",
    "\\\"",
    "'",
    "^",
    "x5E",
    "x09",
    ",",
    ";",
    " ",
    "  ",
    " suser=eve",
    "^usrName=eve",
    "CEF:0|a|b|c|d|e|0|",
    "LEEF:2.0|a|b|c|d|^|",
    "<13>1 - - - - - -",
    "12 <13>1",
    "\"}\n{\"",
    "é",
    "ß",
    "\u{1d11e}",
    "a",
    "admin",
    "0",
];

/// Any text of these parts.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    vec(select(&PARTS[..]), 0..8).prop_map(|parts| parts.concat())
}

/// A text that a checked type of this crate accepts: not blank, and without control characters.
fn names() -> impl Strategy<Value = String> {
    texts().prop_map(|text| {
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        format!("n{}", text.trim_end())
    })
}

fn actors() -> impl Strategy<Value = Actor> {
    let identities = vec((any::<bool>(), option::of(names()), names()), 0..3);
    (0..4_u8, names(), identities).prop_map(|(kind, name, identities)| {
        let actor = match kind {
            0 => Actor::application(name.parse().unwrap()),
            1 => Actor::system(name.parse().unwrap()),
            2 => Actor::unknown(),
            _ => Actor::user(UserId::new(&name).unwrap()),
        };
        identities.into_iter().fold(actor, |actor, (is_id, app, name)| match (is_id, app) {
            (true, _) => actor.with_identity(UserId::new(&name).unwrap()),
            (false, Some(app)) => actor.with_identity(Alias::account(app, &name).unwrap()),
            (false, None) => actor.with_identity(Alias::new(&name).unwrap()),
        })
    })
}

/// Hostile activities that were decided public.
pub(crate) fn activities() -> impl Strategy<Value = PublicActivity> {
    let app = (names(), option::of(names()));
    let objects = vec(texts(), 0..4);
    let times = -1_000_000_000_000_i64..4_000_000_000_000_000;
    let action = prop_oneof![names(), Just("FileDownloaded".to_owned()), Just("UserLoggedIn".to_owned())];
    let fields = (names(), actors(), vec(actors(), 0..3), app, action, objects, option::of(texts()), times);
    fields.prop_map(|(id, actor, of_whom, (app, suite), action, objects, details, micros)| {
        let mut app = App::new(app.parse().unwrap());
        if let Some(suite) = suite {
            app = app.in_suite(suite.parse().unwrap());
        }
        let at = chrono::DateTime::from_timestamp_micros(micros).unwrap();
        let mut builder = Activity::builder(id.parse().unwrap(), actor, app, action.parse().unwrap(), at);
        for principal in of_whom {
            builder = builder.on_behalf_of(principal);
        }
        for object in objects {
            builder = builder.object(object);
        }
        if let Some(details) = details {
            builder = builder.details(details);
        }
        public(builder.build().unwrap())
    })
}

/// Returns the activity as decided public.
pub(crate) fn public(activity: Activity) -> PublicActivity {
    let decision: Decision = serde_json::from_value(json!({
        "visibility": "public", "policy": 3, "directory": 7, "decided_at": "2026-03-01T09:31:00.000250Z",
        "reasons": [{"scope": {"effect": "include", "group": {"imported": "g|=^\"\\"}, "target": "all_apps"}}],
    }))
    .unwrap();
    StoredActivity::assertion(activity, decision).into_public().unwrap()
}
