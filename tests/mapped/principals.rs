//! Who acted: rules, forms, conditions, reports and objects.

use activity_privacy::activity::Activity;
use serde_json::{Value, json};

use super::{actor, map, objects, on_behalf_of, one, record, shown};

/// Returns a map with one rule for a user, with this place of an identity.
fn with_identity(identity: Value) -> activity_privacy::sources::mapped::Map {
    map(json!({"actor": [{"kind": "user", "identities": [identity]}]}))
}

#[test]
fn d9_record_without_actor_is_unknown() {
    for who in [json!(null), json!(""), json!(" - "), json!("anonymous"), json!({}), json!([]), json!(false)] {
        assert_eq!(actor(&map(json!({})), json!({"who": who})), "unknown", "{who}");
    }
    assert_eq!(actor(&map(json!({"actor": []})), json!({"who": "adele@contoso.com"})), "unknown");
}

#[test]
fn d9_first_rule_that_finds_a_name_is_the_actor() {
    let map = map(json!({"actor": [
        {"when": [{"at": "/type", "in": ["Robot"]}, {"at": "/who", "present": false}], "kind": "application", "name": ["/robot"]},
        {"when": [{"at": "/type", "in": ["key"]}], "kind": "unknown"},
        {"kind": "user", "identities": [{"at": "/who", "as": "name"}, {"at": "/id_of_user", "as": "id"}]},
        {"when": [{"at": "/type", "starts_with": ["sys"]}], "kind": "system", "name": {"text": "The doors"}},
    ]}));
    assert_eq!(actor(&map, json!({"type": "robot", "robot": "R2"})), "application `R2`");
    assert_eq!(actor(&map, json!({"type": "robot", "robot": "R2", "who": "adele"})), "user: adele");
    assert_eq!(actor(&map, json!({"type": "key", "who": "adele"})), "unknown", "the map says so");
    assert_eq!(actor(&map, json!({"who": "adele", "id_of_user": 42})), "user: adele, id 42");
    assert_eq!(actor(&map, json!({"type": "System"})), "system `The doors`");
    assert_eq!(actor(&map, json!({"type": "robot"})), "unknown", "no rule finds a name");
}

#[test]
fn d8_each_form_is_that_of_directories() {
    let guid = "9C3F4B2A-1D5E-4F60-8A7B-6C5D4E3F2A1B";
    let lower = guid.to_ascii_lowercase();
    for (identity, who, expected) in [
        (json!({"as": "name"}), "SMTP:adele@contoso.com", "user: adele@contoso.com".to_owned()),
        (json!({"as": "name"}), "i:0#.f|membership|adele@contoso.com", "user: adele@contoso.com".to_owned()),
        (json!({"as": "name"}), r"CONTOSO\adele", r"user: CONTOSO\adele, adele".to_owned()),
        (json!({"as": "name"}), "Adele Vance", "user: Adele Vance".to_owned()),
        (json!({"as": "address"}), "Adele <adele@contoso.com>", "user: adele@contoso.com".to_owned()),
        (json!({"as": "address"}), "Adele Vance", "unknown".to_owned()),
        (json!({"as": "account"}), "adele-v", "user: Doors adele-v".to_owned()),
        (json!({"as": "account", "app": "Slack"}), "U0123", "user: Slack U0123".to_owned()),
        (json!({"as": "account"}), "adele@contoso.com", "user: adele@contoso.com".to_owned()),
        (json!({"as": "id"}), guid, format!("user: id {lower}, id {guid}")),
        (json!({"as": "id"}), &format!("{{{guid}}}"), format!("user: id {lower}")),
        (json!({"as": "id"}), "00u1A", "user: id 00u1A".to_owned()),
        (json!({"as": "key"}), "k-1", "user: userkey k-1".to_owned()),
        (json!({"as": "salesforce_id"}), "005B0000001hYkQ", "user: Doors 005B0000001hYkQIAU".to_owned()),
        (
            json!({"as": "text"}),
            "opened by adele@contoso.com for lee@contoso.com",
            "user: adele@contoso.com, lee@contoso.com".to_owned(),
        ),
        (json!({"as": "name", "after_last": ":"}), "AIDA:adele@contoso.com", "user: adele@contoso.com".to_owned()),
        (json!({"as": "name", "after_last": ":"}), "adele@contoso.com", "unknown".to_owned()),
        (json!({"as": "name", "after_last": "/", "or_whole": true}), "adele", "user: adele".to_owned()),
        (json!({"as": "name", "after_last": ":", "before_first": ";"}), "a:b:adele;x;y", "user: adele".to_owned()),
        (json!({"as": "name", "before_first": ";"}), "adele", "user: adele".to_owned()),
        (json!({"as": "name", "after_last": ":"}), "AIDA:", "unknown".to_owned()),
    ] {
        let mut identity = identity;
        identity["at"] = json!("/who");
        assert_eq!(actor(&with_identity(identity.clone()), json!({"who": who})), expected, "{identity} {who}");
    }
}

#[test]
fn d9_name_that_no_directory_can_contain_is_undecidable() {
    let long = "x".repeat(600);
    for form in ["name", "account", "id", "key", "salesforce_id"] {
        let activity = one(&with_identity(json!({"at": "/who", "as": form})), &record(json!({"who": long})));
        assert_eq!(shown(activity.actor()), "unknown", "{form}");
    }
    let both = map(json!({"actor": [{"kind": "user", "identities": [
        {"at": "/who", "as": "name"}, {"at": "/mail", "as": "address"},
    ]}]}));
    let activity = one(&both, &record(json!({"who": long, "mail": "adele@contoso.com"})));
    assert_eq!(shown(activity.actor()), "user: adele@contoso.com");
    assert_eq!(shown(&activity.on_behalf_of()[0]), "unknown", "a name is missing");
    let many: Vec<String> = (0..40).map(|at| format!("u{at}@contoso.com")).collect();
    let activity = one(&map(json!({})), &record(json!({"who": many})));
    assert_eq!(activity.actor().identities().len(), 32);
    assert_eq!(shown(&activity.on_behalf_of()[0]), "unknown", "a name is missing");
}

#[test]
fn d6_rules_for_others_add_each_principal_once() {
    let map = map(json!({
        "actor": [{"kind": "user", "identities": [{"at": "/who", "as": "name"}]}],
        "on_behalf_of": [
            {"kind": "user", "identities": [{"at": "/for", "as": "name"}]},
            {"each": "$.targets[?@.type == 'user']", "kind": "user", "identities": [
                {"at": "/name", "as": "name"}, {"at": "$.ids[*]", "as": "id"},
            ]},
            {"when": [{"at": "/token", "present": true}], "kind": "application", "name": {"text": "a token"}},
        ],
    }));
    let targets = json!([
        {"type": "user", "name": "lee@contoso.com", "ids": ["i1", 2]},
        {"type": "door", "name": "main"},
        {"type": "user", "name": "adele@contoso.com"},
        {"type": "user", "name": ""},
    ]);
    let found = on_behalf_of(
        &map,
        json!({"who": "Adele@contoso.com", "for": "adele@CONTOSO.com", "targets": targets, "token": {"id": 1}}),
    );
    assert_eq!(found, ["user: lee@contoso.com, id i1, id 2", "application `a token`"]);
    let each = super::map(json!({"on_behalf_of": [{
        "when": [{"at": "/action", "starts_with": ["imp"]}], "each": "$.targets[*]",
        "where": [{"at": "/type", "not_ends_with": ["OR"]}, {"at": ["/a", "/name"], "after_last": "@", "in": ["contoso.com"]}],
        "kind": "user", "identities": [{"at": "/name", "as": "name"}],
    }]}));
    let found = on_behalf_of(&each, json!({"action": "impersonated", "targets": targets}));
    assert_eq!(
        found,
        ["user: lee@contoso.com", "user: adele@contoso.com"],
        "`when` is about the record, `where` about the part"
    );
    assert!(on_behalf_of(&each, json!({"targets": targets})).is_empty());
    let many: Vec<Value> = (0..20).map(|at| json!({"type": "user", "name": format!("u{at}")})).collect();
    let found = on_behalf_of(&map, json!({"who": "adele", "targets": many}));
    assert_eq!((found.len(), &*found[7]), (Activity::MAX_ON_BEHALF_OF, "unknown"));
}

#[test]
fn d6_each_part_of_an_actor_rule_is_a_principal() {
    let map = map(json!({"actor": [{"each": "$.users[*]", "kind": "user", "identities": [{"at": "", "as": "name"}]}]}));
    let activity = one(&map, &record(json!({"users": ["adele", "", "lee", "adele"]})));
    assert_eq!(shown(activity.actor()), "user: adele");
    assert_eq!(activity.on_behalf_of().iter().map(shown).collect::<Vec<_>>(), ["user: lee"]);
}

#[test]
fn d6_application_has_a_name_and_identities() {
    let map = map(
        json!({"actor": [{"kind": "application", "name": ["/name"], "identities": [{"at": "/ids", "as": "account"}]}]}),
    );
    assert_eq!(actor(&map, json!({"name": "Backup", "ids": ["b1"]})), "application `Backup`: Doors b1");
    assert_eq!(actor(&map, json!({"ids": ["b1", "b2"]})), "application `b1`: Doors b1, Doors b2");
    assert_eq!(actor(&map, json!({"name": "n/a"})), "unknown");
    assert_eq!(actor(&map, json!({"ids": "x".repeat(600)})), "unknown");
}

#[test]
fn b1_conditions_compare_as_documented() {
    let holds = |condition: Value, at: Value| {
        let mut condition = condition;
        if condition.get("at").is_none() {
            condition["at"] = json!("/at");
        }
        let map = map(json!({"actor": [{"when": [condition], "kind": "system", "name": {"text": "x"}}]}));
        actor(&map, json!({"at": at})) == "system `x`"
    };
    for (condition, at, expected) in [
        (json!({"in": ["User", "4", "true"]}), json!(" uSER "), true),
        (json!({"in": ["User", "4", "true"]}), json!(4), true),
        (json!({"in": ["User", "4", "true"]}), json!(true), true),
        (json!({"in": ["User", "4", "true"]}), json!(["x", "user"]), true),
        (json!({"in": ["User", "4", "true"]}), json!("users"), false),
        (json!({"in": ["User"]}), json!(null), false),
        (json!({"in": [""]}), json!(""), true),
        (json!({"not_in": ["user"]}), json!(["x", "User"]), false),
        (json!({"not_in": ["user"]}), json!("x"), true),
        (json!({"not_in": ["user"]}), json!(null), true),
        (json!({"present": true}), json!("-"), false),
        (json!({"present": true}), json!("x"), true),
        (json!({"present": true}), json!(false), true),
        (json!({"present": true}), json!({}), false),
        (json!({"present": true}), json!({"a": null}), true),
        (json!({"present": true}), json!(["", {}]), false),
        (json!({"present": false}), json!(null), true),
        (json!({"present": false}), json!(0), false),
        (json!({"starts_with": ["arn:"]}), json!("ARN:aws"), true),
        (json!({"ends_with": [".com"]}), json!("x.COM"), true),
        (json!({"contains": ["gserviceaccount"]}), json!("a@b.iam.GServiceAccount.com"), true),
        (json!({"contains": ["é"]}), json!("É"), false),
        (json!({"not_starts_with": ["arn:"]}), json!(["x", "arn:y"]), false),
        (json!({"not_ends_with": [".com"]}), json!("x.org"), true),
        (json!({"not_contains": ["b"]}), json!(null), true),
        (json!({"at": ["/none", "/at"], "in": ["x"]}), json!("x"), true),
        (json!({"at": ["/none", "/at"], "not_in": ["x"]}), json!("x"), false),
        (json!({"at": ["/none", "/at"], "present": false}), json!("x"), false),
        (json!({"after_last": "/", "starts_with": ["i-0"]}), json!("arn:role/i-0abc"), true),
        (json!({"after_last": "/", "in": ["x"]}), json!("x"), false),
        (json!({"after_last": "/", "or_whole": true, "in": ["x"]}), json!("x"), true),
        (json!({"after_last": "/", "present": true}), json!("x/-"), false),
        (json!({"before_first": ":", "present": true}), json!("x: y"), true),
    ] {
        assert_eq!(holds(condition.clone(), at.clone()), expected, "{condition} {at}");
    }
}

#[test]
fn d6_report_counts_every_identity() {
    let map = map(json!({
        "actor": [{"kind": "system", "name": {"text": "Door guard"}}],
        "on_behalf_of": [{"kind": "user", "identities": [{"at": "/who", "as": "name"}]}],
        "reports": [{"when": [{"at": "/alert", "present": true}]}],
    }));
    let alert = json!({"alert": {"text": "seen lee@contoso.com", "more": "{\"owner\":\"joni\"}"}});
    assert_eq!(on_behalf_of(&map, alert.clone()), ["user: joni, lee@contoso.com"]);
    let mut with_person = alert;
    with_person["who"] = json!("adele@contoso.com");
    assert_eq!(on_behalf_of(&map, with_person), ["user: adele@contoso.com"], "the record says who is meant");
    assert_eq!(on_behalf_of(&map, json!({"alert": true})), ["unknown"], "no person is named");
    assert!(on_behalf_of(&map, json!({"alert": null, "text": "lee@contoso.com"})).is_empty(), "no report");
    let id = "7c3f4b2a-1d5e-4f60-8a7b-6c5d4e3f2a1b";
    let found = on_behalf_of(&map, json!({"alert": {"reference": id}}));
    assert_eq!(found, [format!("unknown: id {id}")], "an id that may be that of something else");
    assert_eq!(on_behalf_of(&map, json!({"alert": {"target": [{"id": id}]}})), [format!("user: id {id}")]);
    assert_eq!(on_behalf_of(&map, json!({"alert": {"target": {"sessionId": id}}})), ["unknown"], "the id of a thing");
}

#[test]
fn d6_identities_elsewhere_are_objects() {
    let map = map(json!({"objects": ["/door", "$.rooms[*].name"]}));
    let found = objects(
        &map,
        json!({
            "who": "adele@contoso.com", "door": "main", "rooms": [{"name": "hall"}, {"name": "hall"}],
            "note": "called Lee <lee@contoso.com>", "target_user": "joni", "title": "A word",
            "by": "ADELE@contoso.com", "path": "https://contoso-my.example/personal/ann_contoso_com/plan",
            "user_id": 42, "session_id": "9c3f4b2a-1d5e-4f60-8a7b-6c5d4e3f2a1b",
            "json": "{\"id\":\"{7C3F4B2A-1D5E-4F60-8A7B-6C5D4E3F2A1B}\"}",
            "changes": [{"name": "owner", "value": "kim", "old_value": "sam"}],
        }),
    );
    assert_eq!(
        found,
        [
            "main",
            "hall",
            "sam",
            "kim",
            "7c3f4b2a-1d5e-4f60-8a7b-6c5d4e3f2a1b",
            "7C3F4B2A-1D5E-4F60-8A7B-6C5D4E3F2A1B",
            "lee@contoso.com",
            "/personal/ann@contoso.com",
            "joni",
            "42",
        ]
    );
    let account = with_identity(json!({"at": "/user", "as": "account"}));
    assert!(objects(&account, json!({"user": "joni"})).is_empty(), "the actor is no object");
    let many: Vec<String> = (0..1_500).map(|at| format!("u{at}@contoso.com")).collect();
    let activity = one(&map, &record(json!({"who": "adele@contoso.com", "others": many})));
    assert_eq!(activity.objects().len(), Activity::MAX_OBJECTS);
    assert_eq!(shown(&activity.on_behalf_of()[0]), "unknown", "some are left out");
}
