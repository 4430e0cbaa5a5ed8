//! The formats of public activities: rules F1 and V5. Strict readers, written here from the standards, read back every
//! field unchanged, with any content.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]
#![cfg(feature = "export")]

#[path = "formats/cef.rs"]
mod cef;
#[path = "formats/hostile.rs"]
mod hostile;
#[path = "formats/leef.rs"]
mod leef;
#[path = "formats/notation.rs"]
mod notation;
#[path = "formats/syslog.rs"]
mod syslog;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::export::{ActivityFormat, Framing, Syslog, SyslogError};
use activity_privacy::identity::{Alias, Identity, UserId};
use activity_privacy::store::PublicActivity;
use hostile::{activities, public};
use notation::{check_line, list, unescaped};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

fn line(format: ActivityFormat, activity: &PublicActivity) -> String {
    let mut written = Vec::new();
    format.write(activity, &mut written).unwrap();
    assert_eq!(written.pop(), Some(b'\n'));
    assert_eq!(format.line(activity).unwrap(), written);
    check_line(&written).to_owned()
}

fn document(format: ActivityFormat, activity: &PublicActivity) -> Value {
    serde_json::from_str(&line(format, activity)).unwrap()
}

/// The first id of a principal.
fn id_of(actor: &Actor) -> Option<&str> {
    actor.identities().iter().find_map(|identity| match identity {
        Identity::Id(id) => Some(id.as_str()),
        Identity::Alias(_) => None,
    })
}

/// A list of one empty item cannot be distinguished from an empty list.
fn without_lone_empty(items: Vec<&str>) -> Vec<&str> {
    if items == [""] { Vec::new() } else { items }
}

/// A list whose key is missing is empty.
fn listed(field: Option<&String>) -> Vec<String> {
    list(field.map_or("", String::as_str))
}

fn objects(activity: &Activity) -> Vec<&str> {
    activity.objects().collect()
}

fn labels(activity: &Activity) -> Vec<&str> {
    activity.on_behalf_of().iter().map(Actor::label).collect()
}

fn example() -> PublicActivity {
    let actor = Actor::user(Alias::new("adele@contoso.example").unwrap()).with_identity(UserId::new("u-2").unwrap());
    let app = App::new("SharePoint".parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
    let at = "2026-03-01T09:30:00.250Z".parse().unwrap();
    let builder = Activity::builder("a-1".parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at);
    public(builder.object("plan, final=1.docx").object("C:\\x|y").details("{\"ip\":\"203.0.113.7\"}").build().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn f1_json_lines_read_back_unchanged(activity in activities()) {
        let mut written = document(ActivityFormat::JsonLines, &activity);
        let fields = written.as_object_mut().unwrap();
        prop_assert_eq!(fields.remove("version"), Some(json!(1)));
        prop_assert_eq!(fields.remove("decision"), Some(serde_json::to_value(activity.decision()).unwrap()));
        prop_assert_eq!(&serde_json::from_value::<Activity>(written).unwrap(), activity.activity());
    }

    #[test]
    fn f1_ocsf_fields_read_back_unchanged(activity in activities()) {
        let (event, of) = (document(ActivityFormat::Ocsf, &activity), activity.activity());
        prop_assert_eq!(&event["metadata"]["uid"], of.id().as_str());
        prop_assert_eq!(&event["time"], of.occurred_at().timestamp_millis());
        prop_assert_eq!(event.get("raw_data").and_then(Value::as_str), of.details());
        prop_assert_eq!(&event["message"], of.action().as_str());
        let principals: Vec<Actor> = serde_json::from_value(event["unmapped"]["principals"].clone()).unwrap();
        prop_assert_eq!(principals.iter().collect::<Vec<_>>(), of.principals().collect::<Vec<_>>());
        let class = event["class_uid"].as_u64().unwrap();
        prop_assert_eq!(&event["type_uid"], class * 100 + event["activity_id"].as_u64().unwrap());
        if class == 6003 {
            prop_assert_eq!(&event["api"]["operation"], of.action().as_str());
            prop_assert_eq!(&event["api"]["service"]["name"], of.app().name().as_str());
            prop_assert_eq!(event["api"]["group"]["name"].as_str(), of.app().suite().map(AsRef::as_ref));
            let names = event.get("resources").and_then(Value::as_array).cloned().unwrap_or_default();
            prop_assert_eq!(names.iter().map(|of| of["name"].as_str().unwrap()).collect::<Vec<_>>(), objects(of));
        } else {
            prop_assert_eq!((class, &event["user"]["name"]), (3002, &json!(of.actor().label())));
        }
    }

    #[test]
    fn f1_ecs_fields_read_back_unchanged(activity in activities()) {
        let (event, of) = (document(ActivityFormat::Ecs, &activity), activity.activity());
        prop_assert_eq!(event["@timestamp"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), of.occurred_at());
        prop_assert_eq!(&event["event"]["id"], of.id().as_str());
        prop_assert_eq!(&event["event"]["action"], of.action().as_str());
        prop_assert_eq!(event["event"].get("original").and_then(Value::as_str), of.details());
        prop_assert_eq!(&event["service"]["name"], of.app().name().as_str());
        prop_assert_eq!(&event["user"]["name"], of.actor().label());
        prop_assert_eq!(event["user"].get("id").and_then(Value::as_str), id_of(of.actor()));
        let own = &event["ActivityPrivacy"];
        let principals: Vec<Actor> = serde_json::from_value(own["principals"].clone()).unwrap();
        prop_assert_eq!(principals.iter().collect::<Vec<_>>(), of.principals().collect::<Vec<_>>());
        let names = own.get("objects").and_then(Value::as_array).cloned().unwrap_or_default();
        prop_assert_eq!(names.iter().map(|name| name.as_str().unwrap()).collect::<Vec<_>>(), objects(of));
        prop_assert_eq!(own.get("suite").and_then(Value::as_str), of.app().suite().map(AsRef::as_ref));
    }

    #[test]
    fn f1_cef_fields_read_back_unchanged(activity in activities()) {
        let of = activity.activity();
        let read = cef::read(&line(ActivityFormat::Cef, &activity));
        let (product, action) = ("activity-privacy", of.action().as_str());
        prop_assert_eq!(&read.header[..3], ["CEF:0", product, product]);
        prop_assert_eq!(&read.header[4..], [action, action, "0"]);
        let field = |key: &str| read.extension.get(key);
        let at = of.occurred_at().timestamp_millis().to_string();
        for (key, expected) in [
            ("externalId", of.id().as_str()),
            ("rt", "1772357460000"),
            ("start", &at),
            ("end", &at),
            ("msg", action),
            ("suser", of.actor().label()),
            ("suid", id_of(of.actor()).unwrap_or_default()),
            ("destinationServiceName", of.app().name().as_str()),
            ("cs1", of.actor().kind().as_str()),
            ("cs2", of.app().suite().map_or("", AsRef::as_ref)),
            ("cn1", "3"),
            ("cn2", "7"),
        ] {
            prop_assert_eq!(field(key).map_or("", String::as_str), expected, "{}", key);
        }
        prop_assert_eq!(listed(field("cs3")), without_lone_empty(objects(of)));
        prop_assert_eq!(listed(field("cs4")), labels(of));
        for (key, label) in [("cs1", "actorKind"), ("cs2", "suite"), ("cs3", "targetObjects"), ("cs4", "onBehalfOf")] {
            let expected = field(key).map(|_| label.to_owned());
            prop_assert_eq!(field(&format!("{key}Label")), expected.as_ref());
        }
    }

    #[test]
    fn f1_leef_fields_read_back_unchanged(activity in activities()) {
        let of = activity.activity();
        let (header, fields) = leef::read(&line(ActivityFormat::Leef, &activity));
        prop_assert_eq!(&header[..2], ["activity-privacy", "activity-privacy"]);
        prop_assert_eq!(unescaped(&header[3]), of.action().as_str().replace('|', "-"));
        for (key, expected) in [
            ("cat", of.app().name().as_str()),
            ("sev", "1"),
            ("usrName", of.actor().label()),
            ("userId", id_of(of.actor()).unwrap_or_default()),
            ("activityId", of.id().as_str()),
            ("action", of.action().as_str()),
            ("actorKind", of.actor().kind().as_str()),
            ("suite", of.app().suite().map_or("", AsRef::as_ref)),
            ("decidedTime", "2026-03-01T09:31:00.000250Z"),
            ("policyRevision", "3"),
            ("directoryRevision", "7"),
        ] {
            prop_assert_eq!(fields.get(key).map_or("", String::as_str), expected, "{}", key);
        }
        prop_assert_eq!(listed(fields.get("resource")), without_lone_empty(objects(of)));
        prop_assert_eq!(listed(fields.get("onBehalfOf")), labels(of));
    }

    #[test]
    fn f1_syslog_stream_reads_back_unchanged(all in vec(activities(), 1..4), format in 0..5_usize, marks in any::<bool>()) {
        let format = ActivityFormat::ALL[format];
        let mut syslog = Syslog::new("log-1.contoso.example", format).unwrap().with_enterprise_number(32_473);
        if !marks {
            syslog = syslog.without_byte_order_mark();
        }
        let (mut counted, mut lines) = (Vec::new(), Vec::new());
        for activity in &all {
            syslog.write(activity, &mut counted).unwrap();
            syslog.clone().with_framing(Framing::LineFeed).write(activity, &mut lines).unwrap();
        }
        let frames = syslog::frames(&counted);
        prop_assert_eq!(lines.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n').collect::<Vec<_>>(), frames.clone());
        prop_assert_eq!(frames.len(), all.len());
        for (frame, activity) in frames.into_iter().zip(&all) {
            let (message, of) = (syslog::read(frame), activity.activity());
            let at = of.occurred_at().to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
            prop_assert_eq!(message.priority, 13 * 8 + 6);
            prop_assert_eq!(message.header, [&at, "log-1.contoso.example", "activity-privacy", "-", "activity"]);
            prop_assert_eq!(message.has_byte_order_mark, marks && !message.text.is_ascii());
            prop_assert_eq!(message.text, line(format, activity));
            let expected = [
                ("id", Some(of.id().as_str())),
                ("actor", Some(of.actor().label())),
                ("action", Some(of.action().as_str())),
                ("app", Some(of.app().name().as_str())),
                ("suite", of.app().suite().map(AsRef::as_ref)),
            ];
            let expected: Vec<_> =
                expected.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.to_owned()))).collect();
            prop_assert_eq!(&message.data[0].0, "origin");
            prop_assert_eq!(&message.data[1..], [("activity@32473".to_owned(), expected)]);
        }
    }
}

#[test]
fn f1_lines_of_example_are_as_documented() {
    let cef = line(ActivityFormat::Cef, &example());
    let version = cef.split('|').nth(3).unwrap();
    let expected = [
        (
            ActivityFormat::JsonLines,
            r#"{"version":1,"id":"a-1","actor":{"kind":"user","identities":[{"alias":"adele@contoso.example"},{"id":"u-2"}]},"app":{"name":"SharePoint","suite":"Microsoft 365"},"action":"FileAccessed","occurred_at":"2026-03-01T09:30:00.250Z","objects":["plan, final=1.docx","C:\\x|y"],"details":"{\"ip\":\"203.0.113.7\"}","decision":{"visibility":"public","policy":3,"directory":7,"decided_at":"2026-03-01T09:31:00.000250Z","reasons":[{"scope":{"effect":"include","group":{"imported":"g|=^\"\\"},"target":"all_apps"}}]}}"#.to_owned(),
        ),
        (
            ActivityFormat::Cef,
            format!(r"CEF:0|activity-privacy|activity-privacy|{version}|FileAccessed|FileAccessed|0|externalId=a-1 rt=1772357460000 start=1772357400250 end=1772357400250 msg=FileAccessed suser=adele@contoso.example suid=u-2 destinationServiceName=SharePoint cs1Label=actorKind cs1=user cs2Label=suite cs2=Microsoft 365 cs3Label=targetObjects cs3=plan\\, final\=1.docx,C:\\\\x|y cn1Label=policyRevision cn1=3 cn2Label=directoryRevision cn2=7"),
        ),
        (
            ActivityFormat::Leef,
            format!(r"LEEF:2.0|activity-privacy|activity-privacy|{version}|FileAccessed|^|devTime=2026-03-01T09:30:00.250Z^devTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSX^cat=SharePoint^sev=1^usrName=adele@contoso.example^userId=u-2^activityId=a-1^action=FileAccessed^actorKind=user^suite=Microsoft 365^resource=plan\, final=1.docx,C:\\x|y^decidedTime=2026-03-01T09:31:00.000250Z^policyRevision=3^directoryRevision=7"),
        ),
    ];
    for (format, expected) in expected {
        assert_eq!(line(format, &example()), expected, "{format}");
    }
}

#[test]
fn f1_syslog_header_accepts_only_what_rfc_5424_allows() {
    let new = |host: &str| Syslog::new(host, ActivityFormat::Cef);
    let host = SyslogError::Field { what: "host name", max: 255 };
    for (name, expected) in [("", host), ("a b", host), ("é", host), ("a\n", host), (&"a".repeat(256), host)] {
        assert_eq!(new(name).unwrap_err(), expected);
    }
    assert_eq!(host.to_string(), "invalid host name, expected 1 to 255 printable ASCII characters without spaces");
    assert_eq!(new("-").unwrap().with_facility(24).unwrap_err(), SyslogError::Facility);
    assert!(new("-").unwrap().with_app_name("a".repeat(49)).is_err());
    assert!(new("-").unwrap().with_process_id("a".repeat(129)).is_err());
    let longest = new(&"h".repeat(255)).unwrap().with_app_name("a".repeat(48)).unwrap();
    let longest = longest.with_process_id("p".repeat(128)).unwrap().with_facility(23).unwrap();
    let message = syslog::read(&longest.message(&example()).unwrap());
    assert_eq!((message.priority, message.data.len()), (23 * 8 + 6, 1));
}

/// RFC 3339 has years of four digits.
#[test]
fn f1_syslog_time_of_distant_year_is_missing() {
    for (at, expected) in [
        ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("+10000-01-01T00:00:00Z", "-"),
        ("-0001-12-31T00:00:00Z", "-"),
    ] {
        let app = App::new("Box".parse().unwrap());
        let activity =
            Activity::builder("a".parse().unwrap(), Actor::unknown(), app, "x".parse().unwrap(), at.parse().unwrap());
        let message =
            Syslog::new("-", ActivityFormat::Leef).unwrap().message(&public(activity.build().unwrap())).unwrap();
        assert_eq!(syslog::read(&message).header[0], expected);
    }
}
