//! Records: framing, the parts of an activity, rejections, wrappers.

use activity_privacy::sources::mapped::{self, Format, Map, Reader};
use serde_json::{Value, json};

use super::{actor, id, map, objects, on_behalf_of, one, read, record, rejection};

#[test]
fn b1_every_layout_gives_each_record() {
    let map = map(json!({"pages": ["entries"]}));
    let ids = |input: &str| -> Vec<String> {
        read(&map, input).into_iter().map(|item| id(&item.unwrap()).to_owned()).collect()
    };
    let [a, b] = ["a", "b"].map(|id| record(json!({"id": id})).to_string());
    let pretty = serde_json::to_string_pretty(&record(json!({"id": "a"}))).unwrap();
    for input in [
        format!("{a}\n{b}\n"),
        format!("\u{feff}{a}\r\n\r\n{b}"),
        format!("[{a},\n{b}]"),
        format!("{pretty}{b}"),
        format!("{{\"entries\":[{a},{b}],\"response_metadata\":{{\"next_cursor\":\"x\"}}}}"),
        format!("{{\"kind\":\"list\",\"total_count\":2,\"entries\":[{a}]}}\n{b}"),
    ] {
        assert_eq!(ids(&input), ["a", "b"], "{input}");
    }
    assert!(read(&map, "").is_empty() && read(&map, " \n").is_empty());
}

#[test]
fn b1_object_is_a_page_unless_it_is_a_record() {
    let map =
        map(json!({"pages": ["entries", "/data/log/entries"], "time": [{"at": "/time/at", "format": "rfc3339"}]}));
    let entry = json!({"id": "a", "time": {"at": "2026-03-01T09:30:00Z"}, "action": "opened"});
    for page in [
        json!({"a": {"entries": [1]}, "b": [{}], "c": "}", "entries": [entry], "time": "2026-03-02"}),
        json!({"action": "list", "entries": [entry], "z": {"time": 1}}),
        json!({"data": {"log": {"entries": [entry], "more": true}, "x": 1}, "y": {}}),
        json!({"data": {"a": {"entries": [1]}, "log": {"entries": [entry]}}, "entries": "none"}),
        json!({"data": {"entries": []}, "entries": [entry]}),
        json!({"entries": ["x"], "data": {"log": {"a": 1, "entries": [entry]}}}),
    ] {
        for text in [page.to_string(), format!("[]\n{page}"), serde_json::to_string_pretty(&page).unwrap()] {
            let items = read(&map, &text);
            assert!(items.len() == 1 && id(items[0].as_ref().unwrap()) == "a", "{text}: {items:?}");
        }
    }
    for list in [json!([]), json!([entry]), json!(["x"]), json!("x"), json!({"log": {"entries": [entry]}})] {
        for name in ["entries", "data"] {
            let mut whole = entry.clone();
            whole[name] = list.clone();
            let before = format!("{{\"{name}\":{list},{}", &entry.to_string()[1..]);
            for text in [whole.to_string(), format!("[]{whole}"), before.clone(), format!("[]{before}")] {
                let items = read(&map, &text);
                assert!(items.len() == 1 && items[0].is_ok(), "{text}: {items:?}");
            }
        }
    }
    assert!(
        read(&map, r#"{"entries": []}"#).is_empty() && read(&map, r#"{"data": {"log": {"entries": []}}}"#).is_empty()
    );
    assert!(rejection(&map, "{\"entries\": [{\"id\":").contains("input ends inside a JSON array"));
}

#[test]
fn b4_reader_states_format_that_it_detects() {
    let map = map(json!({"pages": ["entries"]}));
    let record = record(json!({})).to_string();
    for (input, format) in [
        (format!("{record}\n{record}"), Some(Format::JsonLines)),
        (format!("[{record}]"), Some(Format::JsonDocuments)),
        (format!("{{\"entries\": [{record}]}}"), Some(Format::JsonDocuments)),
        ("a,b\n".to_owned(), None),
        (String::new(), None),
    ] {
        let mut reader = Reader::new(input.as_bytes(), &map);
        assert_eq!(reader.format(), None, "nothing was read");
        reader.by_ref().for_each(drop);
        assert_eq!(reader.format(), format, "{input}");
    }
    let mut array = Reader::with_format(b"[]".as_slice(), &map, Format::JsonArray);
    array.next();
    assert_eq!(array.format(), Some(Format::JsonArray));
}

#[test]
fn b1_rejections_name_the_line_and_the_place() {
    let map = map(json!({
        "time": [{"at": "/time", "format": "rfc3339"}, {"at": "/time", "format": "unix_seconds"}, {"at": "/at", "format": "unix_seconds"}],
    }));
    let reject = |members| rejection(&map, format!("\n{}", record(members)));
    assert_eq!(
        reject(json!({"time": null})),
        "line 2: field `/time` is missing, expected a time such as `2026-03-01T09:30:00Z`"
    );
    assert_eq!(
        reject(json!({"time": "today", "at": "x"})),
        "line 2: field `/time` is invalid, expected a time such as `2026-03-01T09:30:00Z`"
    );
    assert_eq!(reject(json!({"action": ""})), "line 2: field `/action` is missing, expected the name of an action");
    assert_eq!(
        reject(json!({"id": "a\nb"})),
        "line 2: field `/id`: activity id contains a control character at byte 1; remove it"
    );
    let accepted = |members| read(&map, record(members).to_string()).remove(0).unwrap().occurred_at().timestamp();
    assert_eq!(accepted(json!({"time": 1_772_357_400})), 1_772_357_400, "another format of the same place");
    assert_eq!(accepted(json!({"time": null, "at": "1772357400"})), 1_772_357_400, "the next place");
    for (input, expected) in [
        ("time,who", "line 1: unknown format, expected UTF-8 text: JSON Lines, a JSON array, or JSON objects"),
        ("{\"id\":", "line 1: JSON ends too early at line 1, column 6 of the record, expected one JSON object"),
        ("[1]", "line 1: record is not an object, expected one JSON object per record"),
        ("{\"id\":1,\"id\":2}", "line 1: a field occurs twice in an object, expected unique field names"),
    ] {
        assert_eq!(rejection(&map, input), expected);
    }
    assert_eq!(
        rejection(&map, format!("{{\"id\":[{}0]}}", "0,".repeat(100_000))).get(..40),
        Some("line 1: record is too large: 100003 valu")
    );
    let lines = Reader::with_format(&b"{}\nx\n[]"[..], &map, Format::JsonLines);
    assert_eq!(lines.filter(Result::is_err).count(), 3, "each line is an item");
}

#[test]
fn b1_record_that_is_no_activity_is_rejected_with_the_reason() {
    let map = map(json!({"reject": [{"when": [{"at": "/action", "in": ["PING"]}], "reason": "a heartbeat"}]}));
    assert_eq!(
        rejection(&map, record(json!({"action": "ping"})).to_string()),
        "line 1: record is no activity: a heartbeat"
    );
    assert_eq!(one(&map, &record(json!({}))).action().as_str(), "opened");
}

#[test]
fn d4_id_is_that_of_the_source_or_of_the_content() {
    let own = map(json!({"id": ["/uuid", "/id"]}));
    let id = |map: &Map, text: &str| id(read(map, text)[0].as_ref().unwrap()).to_owned();
    let record = record(json!({"n": 1.0, "uuid": "00000000-0000-0000-0000-000000000000"}));
    assert_eq!(id(&own, &record.to_string()), "r1", "the nil UUID is no id");
    let by_content = map(json!({"id": null}));
    let first = id(&by_content, &record.to_string());
    assert_eq!(first, id(&by_content, &serde_json::to_string_pretty(&record).unwrap()), "layout is ignored");
    assert_eq!(first, "ed6b95cb-2fe7-5208-8b96-303bbb05def9", "an id never changes");
    assert_ne!(first, id(&by_content, &super::record(json!({})).to_string()));
}

#[test]
fn d4_records_of_two_sources_never_have_the_same_id() {
    let maps = [map(json!({})), map(json!({"name": "gate_log"})), map(json!({"id": null}))];
    let text = record(json!({"id": 1})).to_string();
    let mut ids = Vec::new();
    for map in &maps {
        for instance in [None, Some("main"), Some("store")] {
            let read = || {
                let reader = Reader::new(text.as_bytes(), map);
                let mut reader = match instance {
                    Some(instance) => reader.with_instance(instance),
                    None => reader,
                };
                reader.next().unwrap().unwrap()
            };
            assert!(read().is_same_content(&read()), "a record that is delivered again is a duplicate");
            ids.push(read().id().to_string());
        }
    }
    assert_eq!(ids[..4], ["door_log:1", "door_log@main:1", "door_log@store:1", "gate_log:1"]);
    let distinct: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), 9, "{ids:?}");
    let other_shape = map(json!({"name": "door_table", "ids_of": "door_log"}));
    assert_eq!(one(&other_shape, &record(json!({"id": 1}))).id().as_str(), "door_log:1");
}

#[test]
fn d6_account_in_the_object_of_a_person_is_an_object() {
    let map = map(json!({}));
    for fields in [
        json!({"server": {"user": {"name": "adele"}}}),
        json!({"server.user.name": "adele"}),
        json!({"server": {"user.name": "adele"}}),
        json!({"owner": {"id": "adele"}}),
        json!({"x": {"members": [{"login": "lee"}, {"uuid": "adele"}]}}),
        json!({"createdBy.author.uid": "adele"}),
        json!({"json": json!({"target_user": {"Name": "adele"}}).to_string()}),
    ] {
        let names = objects(&map, fields.clone());
        assert!(names.contains(&"adele".to_owned()), "{fields}: {names:?}");
    }
    for fields in [
        json!({"rule": {"name": "adele"}, "name": "adele", "id2": {"id": "adele"}}),
        json!({"user_agent": {"name": "adele"}, "user": {"city": {"name": "adele"}, "location": "adele"}}),
        json!({"user": {"name": "Adele Vance"}, "user.agent": {"name": "adele"}}),
    ] {
        let names = objects(&map, fields.clone());
        assert!(names.is_empty(), "{fields}: {names:?}");
    }
}

#[test]
fn d4_details_are_the_record_as_it_came() {
    let map = map(json!({"wrappers": ["/event/original", "/_source"]}));
    let details = |text: &str| read(&map, text).remove(0).unwrap().details().unwrap().to_owned();
    let text = r#"{ "time":"2026-03-01 09:30:00",  "action":"a", "id":7 }"#;
    assert_eq!(details(&format!("  {text} ")), text);
    let inside = json!({"event": {"original": format!(" {text}\n")}, "time": "never"});
    assert_eq!(details(&inside.to_string()), text, "JSON in a string");
    let canonical = r#"{"action":"a","id":7,"time":"2026-03-01 09:30:00"}"#;
    assert_eq!(details(&format!("{{\"_source\":{text}}}")), canonical, "an object");
    let twice = json!({"_source": {"event": {"original": text}}});
    assert_eq!(details(&twice.to_string()), text);
    let other = json!({"event": {"original": "<134> a line"}, "time": "2026-03-01T09:30:00Z", "action": "b", "id": 1});
    assert_eq!(details(&other.to_string()), other.to_string(), "no JSON");
}

#[test]
fn b1_wrapper_is_followed_to_the_record_that_has_the_signs() {
    let map = map(json!({
        "wrappers": ["/message", "/event", "/_source"], "detect": ["/time", "/action"], "id": ["/_id", "/id"],
    }));
    let id = |record: Value| id(&one(&map, &record)).to_owned();
    let inner = record(json!({"id": "inner"}));
    assert_eq!(id(json!({"message": "a text", "event": inner})), "inner");
    assert_eq!(id(json!({"message": {"a": 1}, "_source": {"event": inner.to_string()}})), "inner");
    assert_eq!(id(json!({"_source": {"event": inner}, "_id": "outer"})), "outer", "the id is beside the wrapper");
    assert_eq!(id(record(json!({"event": inner, "message": inner.to_string()}))), "r1", "the record is no wrapper");
    let deep = json!({"_source": {"_source": {"_source": {"_source": inner}}}});
    assert!(rejection(&map, deep.to_string()).contains("`/time` is missing"), "more than three times");
}

/// The principals in the damaged text would be lost if the rest of the record was read instead.
#[test]
fn d9_record_in_damaged_wrapper_is_rejected() {
    let damaged = [r#"{"a":1,"a":2}"#, r#"{"who":"adele@cont"#, r#" {"who":"a"} {"#];
    let twice = "a field occurs twice in an object";
    for members in [
        json!({"wrappers": ["/event", "/_source"]}),
        json!({"wrappers": ["/event", "/_source"], "detect": ["/id", "/who"]}),
    ] {
        let map = map(members);
        for text in damaged {
            let expected = if text == damaged[0] { twice } else { "JSON" };
            for whole in [json!({"event": text}), json!({"_source": {"event": text}})] {
                let whole = record(whole);
                assert!(rejection(&map, whole.to_string()).contains(expected), "{whole}");
            }
        }
        let other = record(json!({"event": "opened {", "id": 4711}));
        assert_eq!(id(&one(&map, &other)), "4711", "no JSON");
    }
    let map = map(json!({"wrappers": ["/event", "/_source"], "detect": ["/id", "/who"]}));
    let inner = record(json!({"who": "lee"}));
    assert_eq!(one(&map, &json!({"event": damaged[1], "_source": inner})).actor().label(), "lee", "another wrapper");
}

#[test]
fn d9_damaged_embedded_json_is_an_unknown_principal() {
    let map = map(json!({
        "embedded": ["/target", "/target/0/who"],
        "actor": [{"kind": "application", "name": {"text": "Sync"}}],
        "on_behalf_of": [{"each": "$.target[*]", "kind": "user", "identities": [{"at": "/who", "as": "name"}]}],
    }));
    for target in [
        r#"[{"who":"adele@contoso.com","name":"Ad"#,
        r#"[{"who":"lee","who":"adele"}]"#,
        r#" {"who":"adele"} and more"#,
        "[object Object]",
        r#"[{"who":"{\"who\":\"adele@cont"}]"#,
    ] {
        assert_eq!(actor(&map, json!({"target": target})), "application `Sync`");
        assert!(on_behalf_of(&map, json!({"target": target})).contains(&"unknown".to_owned()), "{target}");
    }
    for target in [json!("[]"), json!(""), json!("a text"), json!({"who": "{"}), json!(null)] {
        assert!(on_behalf_of(&map, json!({"target": target})).is_empty(), "{target}");
    }
    let many = format!("[{}0]", "0,".repeat(300_000));
    assert_eq!(on_behalf_of(&map, json!({"target": many})), ["unknown"], "more values than a record can contain");
}

#[test]
fn d9_embedded_json_beyond_the_layers_is_an_unknown_principal() {
    let places: Vec<String> = (1..=6).map(|depth| "/in".repeat(depth)).collect();
    let map = map(json!({"embedded": places, "actor": [{"kind": "application", "name": {"text": "Sync"}}]}));
    let nested =
        |depth: usize| (0..depth).fold(json!("adele@contoso.com"), |inner, _| json!(json!({"in": inner}).to_string()));
    assert!(on_behalf_of(&map, json!({"in": nested(4)})).is_empty());
    assert_eq!(on_behalf_of(&map, json!({"in": nested(5)})), ["unknown"]);
}

#[test]
fn d8_embedded_json_is_read_as_a_part_of_the_record() {
    let map = map(json!({
        "embedded": ["/properties", "/properties/by", "/list"],
        "actor": [{"kind": "user", "identities": [{"at": "/properties/by/user", "as": "name"}]}],
        "on_behalf_of": [{"each": "$.list[*]", "kind": "user", "identities": [{"at": "/user", "as": "name"}]}],
    }));
    let by = json!({"user": "adele@contoso.com"});
    for properties in [
        json!({"by": by}),
        json!({"by": by.to_string()}),
        json!({"by": by.to_string()}).to_string().into(),
        format!(" {} ", json!({"by": by})).into(),
    ] {
        let whole = record(json!({"properties": properties, "list": "[{\"user\":\"lee\"}]"}));
        let activity = one(&map, &whole);
        assert_eq!(super::shown(activity.actor()), "user: adele@contoso.com", "{whole}");
        assert_eq!(super::shown(&activity.on_behalf_of()[0]), "user: lee", "{whole}");
        assert_eq!(activity.details(), Some(&*whole.to_string()), "details stay as they came");
    }
    for properties in
        [json!("{"), json!("text"), json!(""), json!("{\"by\":{\"user\":\"a\",\"user\":\"b\"}}"), json!(1)]
    {
        assert_eq!(actor(&map, json!({"properties": properties})), "unknown");
    }
}

#[test]
fn d4_layout_of_a_record_changes_nothing() {
    let map = map(json!({
        "embedded": ["/json"],
        "actor": [{"kind": "user", "identities": [{"at": "/who", "as": "text"}, {"at": "$.by[*]", "as": "name"}]}],
        "on_behalf_of": [{"each": "$.for.*", "kind": "user", "identities": [{"at": "/name", "as": "name"}]},
            {"kind": "user", "identities": [{"at": "/json", "as": "text"}]}],
        "objects": ["$.door.*"],
    }));
    let (head, read) =
        (r#""id":1,"time":"2026-03-01T09:30:00Z","action":"a""#, |text: &str| read(&map, text).remove(0));
    let one = read(&format!(
        r#"{{{head},"who":{{"a":"x@a.example","b":["y@a.example"]}},"by":{{"c":"lee","d":"ann"}},"door":{{"e":"1","f":"2"}},"for":{{"g":{{"name":"kim"}},"h":{{"name":"sam"}}}},"json":{{"i":"u@a.example","j":"v@a.example"}}}}"#
    ));
    let other = read(&format!(
        r#"{{"json":{{"j":"v@a.example","i":"u@a.example"}},"for":{{"h":{{"name":"sam"}},"g":{{"name":"kim"}}}},"door":{{"f":"2","e":"1"}},"by":{{"d":"ann","c":"lee"}},"who":{{"b":["y@a.example"],"a":"x@a.example"}},{head}}}"#
    ));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert!(one.is_same_content(&other), "{one:?} {other:?}");
    assert_eq!(one.actor().identities().len(), 4);
    assert_eq!((one.on_behalf_of().len(), one.objects().len()), (3, 2));
}

#[test]
fn d6_legacy_name_in_capitals_is_an_object() {
    for name in ["/o=ExchangeLabs/ou=Group/cn=Recipients/cn=adele", "/O=EXCHANGELABS/OU=GROUP/CN=RECIPIENTS/CN=adele"] {
        let objects = objects(&map(json!({})), json!({"sent": format!("by {name}; later"), "who": "lee"}));
        assert!(objects.contains(&"adele".to_owned()), "{objects:?}");
    }
}

#[test]
fn d8_dotted_names_are_nested_members() {
    let map = map(json!({
        "dotted": true, "detect": ["/event/kind", "/user"],
        "actor": [{"when": [{"at": "/user/effective", "present": true}], "kind": "user", "identities": [{"at": "/user/effective/name", "as": "name"}]}],
    }));
    for fields in [
        json!({"user": {"effective": {"name": "adele"}}, "event": {"kind": 1}}),
        json!({"user.effective.name": "adele", "event.kind": 1}),
        json!({"user": {"effective.name": "adele"}, "event": {"kind": 1}}),
        json!({"user.effective": {"name": "adele"}, "event.kind": 1, "user": {"id": 1}}),
        json!({"user.effective.name": "adele", "event.kind": 1, "user": {"effective": {"id": 1}}}),
    ] {
        assert_eq!(actor(&map, fields.clone()), "user: adele", "{fields}");
        assert!(map.recognizes(&fields.to_string()), "{fields}");
    }
    assert_eq!(
        actor(&map, json!({"user.effective.name": "adele", "user": {"effective": {"name": "lee"}}})),
        "user: lee, adele"
    );
    assert_eq!(actor(&map, json!({"user": {"name": "adele"}, "username": "x", "user.effectively": 1})), "unknown");
}

#[test]
fn d1_action_is_a_text_or_its_name() {
    let map = map(json!({"action": ["/action", {"at": "/code", "names": {"A1": "opened a door"}}, {"text": "a use"}]}));
    let action = |members| one(&map, &record(members)).action().to_string();
    assert_eq!(action(json!({"code": "a1"})), "opened");
    assert_eq!(action(json!({"action": null, "code": "a1"})), "opened a door");
    assert_eq!(action(json!({"action": "", "code": 7})), "7");
    assert_eq!(action(json!({"action": null})), "a use");
    assert_eq!(action(json!({"action": "x".repeat(300)})).len(), 256);
}

#[test]
fn d1_app_is_that_of_the_record() {
    let map = map(json!({"app": {
        "at": ["/app"], "names": {"drive": "Google Drive"}, "otherwise": "Google Workspace", "suite": "Google",
    }}));
    let app = |name: &str| one(&map, &record(json!({"app": name}))).app().clone();
    for (name, expected) in
        [("Drive", "Google Drive"), ("meet", "meet"), ("", "Google Workspace"), (&"x".repeat(300), "Google Workspace")]
    {
        assert_eq!(app(name).name().as_str(), expected);
        assert_eq!(app(name).suite().unwrap().as_str(), "Google");
    }
}

#[test]
fn b1_source_is_recognized_by_its_signs() {
    let map = map(json!({
        "detect": ["/time", "/door/id", {"at": "/vendor", "in": ["doors"]}], "wrappers": ["/message"],
    }));
    let recognized = |members| map.recognizes(&record(members).to_string());
    assert!(recognized(json!({"door": {"id": ""}, "vendor": "Doors"})));
    assert!(!recognized(json!({"door": {"id": null}, "vendor": "Doors"})));
    assert!(!recognized(json!({"door": {"id": 1}, "vendor": "Windows"})));
    let wrapped = json!({"message": record(json!({"door": {"id": 1}, "vendor": "doors"})).to_string()});
    assert!(map.recognizes(&wrapped.to_string()) && !map.recognizes("{") && !map.recognizes(""));
    assert!(!super::map(json!({})).recognizes("{}"), "a map without signs recognizes nothing");
    assert!(mapped::detect(b"").is_none() && mapped::detect(b"\xff\xfe").is_none());
    assert_eq!(actor(&map, json!({"who": "adele@contoso.com"})), "user: adele@contoso.com");
}
