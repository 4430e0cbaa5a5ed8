//! Maps: errors by path, limits, round trip.

use activity_privacy::sources::mapped::{Map, MapError};
use serde_json::{Value, json};

/// Returns a valid map with the value at this JSON Pointer replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut map = json!({
        "version": 1, "name": "door_log", "title": "Door log", "source": "https://contoso.example/doors",
        "pages": ["entries"], "wrappers": ["/message"], "embedded": ["/details"], "dotted": true,
        "detect": ["/time", {"at": "/vendor", "in": ["doors"]}],
        "reject": [{"when": [{"at": "/action", "in": ["ping"], "after_last": "/"}], "reason": "a heartbeat"}],
        "id": ["/id"], "time": [{"at": "/time", "format": "rfc3339"}], "action": ["/action", {"at": "/code", "names": {"1": "opened"}}, {"text": "a use"}],
        "app": {"at": ["/app"], "names": {"a": "A"}, "otherwise": "Doors", "suite": "Building"},
        "actor": [{
            "when": [{"at": ["$.types[*]", "/type"], "starts_with": ["u"]}],
            "each": "$.users[?@.is_actor == true]", "where": [{"at": "/name", "not_contains": ["$"]}], "kind": "user",
            "identities": [{"at": "/name", "as": "name", "after_last": "/", "before_first": ";", "or_whole": true}],
        }],
        "on_behalf_of": [{"kind": "application", "name": {"text": "Robot"}}, {"kind": "system", "name": ["/system"]}],
        "reports": [{"when": [{"at": "/alert", "present": true}]}],
        "objects": ["/door"],
    });
    match pointer.rsplit_once('/') {
        None => return map,
        Some((parent, name)) => match map.pointer_mut(parent).unwrap() {
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value,
            parent => parent[name] = value,
        },
    }
    map
}

fn error(pointer: &str, value: Value) -> String {
    Map::from_json(&with(pointer, value).to_string()).unwrap_err().to_string()
}

#[test]
fn b1_map_survives_a_round_trip() {
    let document = with("", Value::Null);
    let map: Map = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(serde_json::to_value(&map).unwrap(), document);
    assert_eq!(map, document.to_string().parse().unwrap());
    assert_eq!(
        (map.name(), map.title(), map.source()),
        ("door_log", "Door log", Some("https://contoso.example/doors"))
    );
    assert_eq!(format!("{map:?}"), "Map { name: \"door_log\", .. }");
}

#[test]
fn b1_errors_of_a_map_name_the_path() {
    let place = "invalid place, expected a JSON Pointer such as `/actor/id`, or a JSONPath such as `$.target[*].id`";
    for (pointer, value, expected) in [
        ("/version", json!(2), "version: unsupported map version 2, expected 1"),
        ("/version", json!("1"), "version: unsupported map version that is no number, expected 1"),
        ("/name", json!("Door log"), "name: invalid name, expected 1 to 64 lower-case letters, digits and `_`"),
        ("/ids_of", json!(""), "ids_of: invalid name, expected 1 to 64 lower-case letters, digits and `_`"),
        ("/title", json!(""), "title: invalid text, expected 1 to 256 bytes in one line"),
        ("/titel", json!(""), "titel: unknown field `titel`, expected one of "),
        ("/actor", json!({}), "actor: invalid type: map, expected a sequence"),
        ("/time", json!([]), "time: no places, expected at least one"),
        ("/time/0/at", json!("time"), &*format!("time[0].at: {place}")),
        ("/time/0/format", json!("iso"), "time[0].format: invalid format, expected `rfc3339`, "),
        ("/time/0/format", json!("strftime:%Q"), "time[0].format: invalid format, expected `rfc3339`, "),
        ("/action/0", json!("$.a["), "action[0]: invalid JSONPath at character "),
        ("/action/0", json!("/a~2"), "action[0]: invalid JSON Pointer, expected `~0` for `~` and `~1` for `/`"),
        ("/id/0", json!(7), "id[0]: invalid type: integer `7`, expected a string"),
        ("/app/otherwise", json!(null), "app: expected either `name`, or `at` and `otherwise`"),
        ("/app/name", json!("x"), "app: expected either `name`, or `at` and `otherwise`"),
        ("/app/names/a", json!(""), "app.names.a: app name is empty, expected 1 to 256 bytes"),
        (
            "/wrappers/0",
            json!("$.a"),
            "wrappers[0]: invalid JSON Pointer, expected a text that is empty or begins with `/`",
        ),
        ("/detect/0", json!(1), "detect[0]: invalid type: integer `1`, expected a place or an object"),
        ("/detect/1/is", json!(1), "detect[1].is: unknown field `is`, expected one of "),
        ("/reject/0/when", json!([]), "reject[0].when: no conditions, expected at least one"),
        ("/embedded/0", json!("x"), "embedded[0]: invalid JSON Pointer, "),
        ("/wrappers", json!(vec!["/a"; 17]), "wrappers: 17 pointers, expected at most 16"),
        ("/action/2", json!({}), "action[2]: expected either `text`, or `at` and `names`"),
        ("/action/0", json!({"text": "x"}), "action[1]: has no effect behind a constant; remove it"),
        ("/action/1/names/1", json!(""), "action[1].names.1: invalid text, expected 1 to 256 bytes in one line"),
        ("/actor/0/each", json!(null), "actor[0].where: has no effect without `each`; use `when`"),
        ("/actor/0/when/0/at", json!([]), "actor[0].when[0].at: no places, expected at least one"),
        (
            "/actor/0/when/0/at",
            json!(1),
            "actor[0].when[0].at: invalid type: integer `1`, expected a place or a list of places",
        ),
        (
            "/actor/0/where/0/or_whole",
            json!(true),
            "actor[0].where[0].or_whole: has no effect without `after_last`; remove it",
        ),
        ("/actor/0/kind", json!("robot"), "actor[0].kind: "),
        ("/actor/0/each", json!("/users"), "actor[0].each: expected a JSONPath such as `$.target[*]`"),
        (
            "/actor/0/name",
            json!({"text": "x"}),
            "actor[0].name: only an application or a system account has a name; use `identities`",
        ),
        ("/actor/0/when/0/in", json!([]), "actor[0].when[0].in: 0 texts, expected 1 to 1000"),
        ("/actor/0/when/0/in", json!(["x"]), "actor[0].when[0]: expected exactly one of `present`, `in`, "),
        ("/actor/0/identities/0/at", json!("x"), &*format!("actor[0].identities[0].at: {place}")),
        (
            "/actor/0/identities/0/as",
            json!("mail"),
            "actor[0].identities[0].as: unknown variant `mail`, expected one of ",
        ),
        ("/actor/0/identities/0/app", json!("Box"), "actor[0].identities[0].app: has an effect only on "),
        (
            "/actor/0/identities/0/after_last",
            json!(null),
            "actor[0].identities[0].or_whole: has no effect without `after_last`; remove it",
        ),
        ("/on_behalf_of/0/name", json!(null), "on_behalf_of[0]: expected `identities`, or `name` for "),
        (
            "/on_behalf_of/0/name/text",
            json!("a\nb"),
            "on_behalf_of[0].name.text: invalid text, expected 1 to 256 bytes in one line",
        ),
        (
            "/on_behalf_of/1/name",
            json!("x"),
            "on_behalf_of[1].name: invalid type: string \"x\", expected a list of places, or an object with the member `text`",
        ),
    ] {
        let error = error(pointer, value);
        assert!(error.starts_with(expected), "{error}");
    }
    for (text, expected) in [
        ("", "map is not JSON at line 1, column 0, expected one JSON object"),
        ("[]", "map: not an object, expected one JSON object"),
        ("{\"version\":1,\"version\":1}", "an object in the map has two members of one name; remove one"),
        ("{}", "map: missing field `version`"),
    ] {
        assert_eq!(Map::from_json(text).unwrap_err().to_string(), expected);
    }
}

/// Otherwise only the last of two lists of rules would count.
#[test]
fn b1_repeated_member_is_rejected_by_serde_too() {
    let text = with("", Value::Null).to_string();
    let map: Map = serde_json::from_str(&text).unwrap();
    assert_eq!(map, text.parse().unwrap());
    for (member, twice) in [("\"actor\":", "\"actor\":[],\"actor\":"), ("{\"kind\":", "{\"kind\":\"system\",\"kind\":")]
    {
        let error = serde_json::from_str::<Map>(&text.replacen(member, twice, 1)).unwrap_err();
        assert!(error.to_string().starts_with("an object has two members of one name; remove one"), "{error}");
    }
}

#[test]
fn b3_hostile_maps_are_refused() {
    let places = |count: usize| Value::from((0..count).map(|at| format!("/p{at}")).collect::<Vec<_>>());
    let paths = |count: usize| Value::from((0..count).map(|at| format!("$.p{at}[*]")).collect::<Vec<_>>());
    assert!(Map::from_json(&with("/objects", places(900)).to_string()).is_ok());
    for (pointer, value, expected) in [
        ("/objects", places(10_000), "objects[9"),
        ("/objects", paths(10_000), "objects[9"),
        ("/objects", json!(["/a".repeat(33)]), "objects[0]: JSON Pointer has too many parts, expected at most 32"),
        (
            "/objects",
            json!([format!("/{}", "a".repeat(2_000))]),
            "objects[0]: JSON Pointer is too long, expected at most 1024 bytes",
        ),
        (
            "/objects",
            json!([format!("${}", ".a".repeat(300))]),
            "objects[0]: JSONPath is too long, expected at most 512 bytes",
        ),
        (
            "/objects",
            json!([format!("$[?{}@.a{}]", "(".repeat(9), ")".repeat(9))]),
            "objects[0]: JSONPath is nested too deeply",
        ),
        ("/objects", json!(["$..a..b"]), "objects[0]: JSONPath contains `..` twice or in a filter; use it once"),
        ("/objects", json!(["$[?@..a]"]), "objects[0]: JSONPath contains `..` twice or in a filter; use it once"),
        ("/objects", json!(["$[?@[?@[?@.a]]]"]), "objects[0]: JSONPath has filters within filters, expected at most 2"),
        (
            "/objects",
            json!(["$[?$.a[*] == @]"]),
            "objects[0]: JSONPath contains a second `$`, expected only names behind it",
        ),
        (
            "/objects",
            json!(["$.a[?count($.a [*]) > 0]"]),
            "objects[0]: JSONPath contains a second `$`, expected only names behind it",
        ),
        (
            "/objects",
            json!(["$.a[?$.a\t[?@.b]]"]),
            "objects[0]: JSONPath contains a second `$`, expected only names behind it",
        ),
        (
            "/objects",
            json!(["$.a[?$.a .b[*]]"]),
            "objects[0]: JSONPath contains a second `$`, expected only names behind it",
        ),
        (
            "/objects",
            json!(["$.a[?count($.é[*]) > 0]"]),
            "objects[0]: JSONPath contains a second `$`, expected only names behind it",
        ),
        ("/objects", json!(["$.a[?length($.text) > 1]"]), "objects[0]: JSONPath calls a function with `$`; use `@`"),
        (
            "/objects",
            json!(["$.a[?length(value( $.text)) > 1]"]),
            "objects[0]: JSONPath calls a function with `$`; use `@`",
        ),
        ("/wrappers", json!(["/a", "/b", "/a"]), "wrappers[2]: the same pointer again; remove it"),
        (
            "/objects",
            json!(["$[*,*][*,*][*,*][*,*][*,*][*,*]"]),
            "objects[0]: JSONPath has too many selectors, expected at most 16",
        ),
        (
            "/objects",
            json!(["$[?match(@.a, 'x')]"]),
            "objects[0]: JSONPath calls a function other than length, count, value",
        ),
        (
            "/objects",
            json!(["$[?search(@.a, '(a*)*b')]"]),
            "objects[0]: JSONPath calls a function other than length, count, value",
        ),
        ("/pages", json!(vec!["p"; 101]), "pages: 101 entries, expected at most 100"),
        (
            "/actor/0/when/0/starts_with",
            json!(vec!["p"; 1_001]),
            "actor[0].when[0].starts_with: 1001 texts, expected 1 to 1000",
        ),
    ] {
        let error = error(pointer, value);
        assert!(error.starts_with(expected), "{error}");
    }
    let long = with("/title", json!("x".repeat(300_000))).to_string();
    assert_eq!(Map::from_json(&long), Err(MapError::TooLong { max: Map::MAX_BYTES }));
    let deep = format!("{{\"version\":1,\"actor\":{}", "[".repeat(10_000));
    assert!(matches!(Map::from_json(&deep), Err(MapError::NotJson { .. })));
    let wide = format!("{{\"version\":[{}0]}}", "0,".repeat(60_000));
    assert_eq!(Map::from_json(&wide).unwrap_err().to_string(), "map: 60003 values, expected at most 50000");
}

#[test]
fn b1_json_paths_within_the_limits_are_accepted() {
    for path in [
        "$.target[?@.type == 'User' && !(@.kind == \"x, y\")].alternateId",
        "$..userName",
        "$['a']['b,c']",
        "$.a[0,1].b",
        "$.a[?length(@.b) > 1 || count(@.c[*]) == 2]",
        "$.a[?@.x == 'match(1)']",
        "$.a[?(@.x == 1 && @.y == 2)].b[?@.z]",
        "$.a[?@['$']]",
        "$.a[?@.b[?@.c == 1 && @.d == true], 0].e",
        "$['a', 'b', 'c']..['d', 'e', 'f', 'g']",
        "$.a[?@.id == $.b.id].name",
        "$.a[?@.id == $.b.id && ($.c.d <= @.d), 0]",
        "$",
    ] {
        let map = with("/objects", json!([path]));
        assert!(Map::from_json(&map.to_string()).is_ok(), "{path}: {:?}", Map::from_json(&map.to_string()));
    }
}
