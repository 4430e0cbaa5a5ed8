//! SCIM 2.0: `PATCH` requests in the forms that provisioning clients send.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot, User, UserStatus,
};
use activity_privacy::identity::Alias;
use activity_privacy::import::{Import, scim};
use serde_json::{Value, json};

use super::scim::{messages, snapshot};
use crate::fixture::{alias, group, user};

/// Returns a directory in which the council contains Adele, Brand and the board, and the board contains Cora.
fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com")).with_alias(alias("a@contoso.com"));
    snapshot(
        DirectoryBuilder::new()
            .user(adele)
            .group(group("g-1"), "Council")
            .group(group("g-2"), "Board")
            .member(&group("g-1"), &user("u-1"))
            .member(&group("g-1"), &user("u-2"))
            .member(&group("g-2"), &user("u-3"))
            .nested(&group("g-1"), &group("g-2")),
    )
}

fn request(operations: Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}).to_string()
}

fn patch_group(operations: Value) -> Import<DirectoryDelta> {
    scim::patch_group(&before(), &group("g-1"), request(operations).as_bytes()).unwrap()
}

fn group_changes(operations: Value) -> Vec<DirectoryChange> {
    patch_group(operations).into_complete().unwrap().changes().to_vec()
}

fn patch_user(operations: Value) -> Import<DirectoryDelta> {
    scim::patch_user(&before(), &user("u-1"), request(operations).as_bytes()).unwrap()
}

/// Returns the user record after the request, or `None` if it is unchanged.
fn patched(operations: Value) -> Option<User> {
    match patch_user(operations).into_complete().unwrap().changes() {
        [] => None,
        [DirectoryChange::User(user)] => Some(user.clone()),
        other => panic!("{other:?}"),
    }
}

fn joined(name: &str) -> DirectoryChange {
    DirectoryChange::Member(group("g-1"), user(name))
}

fn left(name: &str) -> DirectoryChange {
    DirectoryChange::RemoveMember(group("g-1"), user(name))
}

fn nested(name: &str) -> DirectoryChange {
    DirectoryChange::Nested(group("g-1"), group(name))
}

fn not_nested(name: &str) -> DirectoryChange {
    DirectoryChange::RemoveNesting(group("g-1"), group(name))
}

#[test]
fn d11_members_are_added_in_every_form() {
    let member = json!({"value": "u-9", "type": "User"});
    for operation in [
        json!({"op": "add", "path": "members", "value": [member]}),
        json!({"op": "Add", "path": "Members", "value": member}),
        json!({"OP": "ADD", "Path": "urn:ietf:params:scim:schemas:core:2.0:Group:members", "Value": [member]}),
        json!({"op": "add", "value": {"members": [member]}}),
        json!({"op": "add", "path": null, "value": {"MEMBERS": member}}),
        json!({"op": "add", "value": {"urn:ietf:params:scim:schemas:core:2.0:Group:Members": [member]}}),
        json!({"op": "add", "path": "members", "value": [{"value": "u-9", "$ref": "/Users/u-9"}]}),
    ] {
        assert_eq!(group_changes(json!([operation])), [joined("u-9")], "{operation}");
    }
    let known = json!([{"op": "add", "path": "members", "value": [{"value": "g-2"}, {"value": "u-3"}]}]);
    assert_eq!(group_changes(known), [nested("g-2"), joined("u-3")]);
}

#[test]
fn d11_members_are_removed_in_every_form() {
    for operation in [
        json!({"op": "remove", "path": "members[value eq \"u-1\"]"}),
        json!({"op": "Remove", "path": "Members[Value EQ \"u-1\"]"}),
        json!({"op": "Remove", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members[ value  eq  \"u\\u002d1\" ]"}),
        json!({"op": "Remove", "path": "members", "value": [{"value": "u-1"}]}),
        json!({"op": "Remove", "path": "members", "value": {"value": "u-1", "type": "User"}}),
    ] {
        assert_eq!(group_changes(json!([operation])), [left("u-1")], "{operation}");
    }
    let strange = json!([{"op": "remove", "path": "members[value eq \"u]\\\"1\"]"}]);
    assert_eq!(group_changes(strange), [left("u]\"1")], "a bracket in a text ends no filter");
    let board = json!([{"op": "remove", "path": "members[value eq \"g-2\"]"}]);
    assert_eq!(group_changes(board), [not_nested("g-2")]);
}

#[test]
fn d11_replace_sets_the_only_members() {
    let all_out = [left("u-1"), left("u-2"), not_nested("g-2")];
    assert_eq!(group_changes(json!([{"op": "replace", "path": "members", "value": []}])), all_out);
    assert_eq!(group_changes(json!([{"op": "remove", "path": "members"}])), all_out);
    let kept = json!([{"op": "Replace", "value": {"members": [{"value": "u-1"}, {"value": "g-2"}]}}]);
    assert_eq!(
        group_changes(kept),
        [left("u-2"), joined("u-1"), nested("g-2")],
        "members through another group are in no list of this one"
    );
}

#[test]
fn d11_operations_apply_in_order() {
    let new = |name: &str| json!([{"value": name, "type": "User"}]);
    let operations = json!([
        {"op": "add", "path": "members", "value": new("u-7")},
        {"op": "replace", "path": "members", "value": new("u-8")},
        {"op": "add", "path": "members", "value": new("u-9")},
        {"op": "remove", "path": "members[value eq \"u-8\"]"},
        {"op": "remove", "path": "members"},
        {"op": "add", "path": "members", "value": new("u-1")},
        {"op": "replace", "path": "displayName", "value": "Works council"},
    ]);
    let mut expected = vec![joined("u-7"), left("u-1"), left("u-2"), left("u-7")];
    expected.extend([not_nested("g-2"), joined("u-8"), joined("u-9"), left("u-8"), left("u-9")]);
    expected.extend([joined("u-1"), DirectoryChange::Group(group("g-1"), "Works council".into())]);
    assert_eq!(group_changes(operations), expected);
}

#[test]
fn b1_invalid_operation_is_rejected_as_a_whole() {
    let unclear = |path: &str| json!({"op": "remove", "path": path});
    let import = patch_group(json!([
        7,
        {"path": "members"},
        {"op": "move", "path": "members"},
        {"op": "remove"},
        {"op": "remove", "value": {"members": []}},
        {"op": "add", "value": "u-1"},
        {"op": "add", "path": "members"},
        {"op": "add", "path": "members", "value": null},
        {"op": "remove", "path": "members", "value": []},
        {"op": "remove", "path": "members", "value": null},
        {"op": "add", "path": "members", "value": [{"value": "u-1"}, {"value": "nobody"}]},
        {"op": "add", "path": "members[value eq \"u-1\"]", "value": []},
        unclear("members[value ne \"u-1\"]"),
        unclear("members[value eq \"u-1\" or value eq \"u-2\"]"),
        unclear("members[type eq \"User\"]"),
        unclear("members[value eq u-1]"),
        unclear("members[value eq \"u-1\"].display"),
        unclear("members.value"),
        unclear("members[value eq \"u-1\""),
        unclear("members[]"),
        unclear("members]"),
        unclear("members[value eq \"\"]"),
        {"op": "add", "value": {"members[": []}},
        {"op": "add", "path": "displayName", "value": 7},
        {"op": "add", "path": "members", "value": [{"value": "u-9", "type": "User"}]},
    ]));
    let path = "field `path` is invalid, expected an attribute such as `members`, optionally with a filter `[value eq \
     \"...\"]` or a sub-attribute";
    let one = "field `path` is invalid, expected `members`, or `members[value eq \"...\"]` to remove one";
    let reasons: Vec<String> = import.rejected().iter().map(|rejected| rejected.reason.to_string()).collect();
    let untyped = "field `members.type` is missing or empty, expected `User` or `Group`, a `$ref` to `Users` or `Groups`, or \
     the id of a known user or group";
    assert_eq!(
        reasons,
        [
            "wrong JSON type, expected an object",
            "field `op` is missing or empty, expected `add`, `replace` or `remove`",
            "field `op` is invalid, expected `add`, `replace` or `remove`",
            "field `path` is missing or empty, expected the attribute to change",
            "field `path` is missing or empty, expected the attribute to change",
            "field `value` is invalid, expected an object of attributes if there is no `path`",
            "field `value` is missing or empty, expected the members",
            "field `value` is invalid, expected a list of objects",
            "field `value` is missing or empty, expected the members",
            "field `value` is invalid, expected a list of objects",
            untyped,
            one,
            one,
            one,
            one,
            one,
            one,
            one,
            path,
            one,
            path,
            "field `path`: user id is empty, expected 1 to 256 bytes",
            path,
            "field `displayName` is invalid, expected a string",
        ]
    );
    assert_eq!(messages(&import)[0], "record 1: wrong JSON type, expected an object");
    assert_eq!((import.read(), import.ignored()), (25, 0));
    assert_eq!(import.into_partial().changes(), [joined("u-9")]);
}

#[test]
fn b1_operations_on_other_attributes_are_ignored() {
    let import = patch_group(json!([
        {"op": "add", "path": "externalId", "value": "7"},
        {"op": "replace", "value": {"id": "g-1", "schemas": []}},
        {"op": "add", "path": "urn:ietf:params:scim:schemas:extension:contoso:2.0:Group:colour", "value": "red"},
        {"op": "remove", "path": "displayName"},
        {"op": "replace", "value": {"id": "g-1", "displayName": "Works council"}},
    ]));
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (5, 4, 0));
    let renamed = DirectoryChange::Group(group("g-1"), "Works council".into());
    assert_eq!(import.into_complete().unwrap().changes(), [renamed]);
}

#[test]
fn b1_invalid_request_is_rejected() {
    let refused = |body: &str| {
        let of_group = scim::patch_group(&before(), &group("g-1"), body.as_bytes()).unwrap_err();
        let of_user = scim::patch_user(&before(), &user("u-1"), body.as_bytes()).unwrap_err();
        assert_eq!(of_group, of_user);
        of_group.reason.to_string()
    };
    let missing = "field `Operations` is missing or empty, expected a list of at least one operation";
    assert_eq!(refused("{}"), missing);
    assert_eq!(refused(r#"{"Operations": []}"#), missing);
    assert_eq!(
        refused(r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "Operations": [{}]}"#),
        "field `schemas` is invalid, expected the URN of a patch request"
    );
    assert_eq!(refused(r#"{"Operations": 7}"#), "field `Operations` is invalid, expected a list of objects");
    let body = request(json!([{"op": "remove", "path": "members"}]));
    for cut in 0..body.len() {
        refused(&body[..cut]);
    }
    let elsewhere = scim::patch_group(&before(), &group("g-9"), body.as_bytes()).unwrap_err().to_string();
    assert_eq!(elsewhere, "input: field `id` is invalid, expected a group of the previous snapshot");
    let elsewhere = scim::patch_user(&before(), &user("u-9"), body.as_bytes()).unwrap_err().to_string();
    assert_eq!(elsewhere, "input: field `id` is invalid, expected a user of the previous snapshot");
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(Alias::as_str).collect()
}

#[test]
fn d8_patched_user_keeps_known_names() {
    for operation in [
        json!({"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "new@contoso.com"}),
        json!({"op": "replace", "path": "Emails", "value": [{"value": "new@contoso.com", "type": "work"}]}),
        json!({"op": "Add", "path": "emails", "value": {"Value": "new@contoso.com"}}),
        json!({"op": "Add", "path": "emails[type eq \"work\"]", "value": {"value": "new@contoso.com"}}),
        json!({"op": "Add", "path": "emails.value", "value": "new@contoso.com"}),
        json!({"op": "Replace", "value": {"emails[type eq \"work\"].value": "new@contoso.com", "name.givenName": "A"}}),
        json!({"op": "Add", "path": "externalId", "value": "new@contoso.com"}),
    ] {
        let adele = patched(json!([operation])).unwrap();
        assert_eq!(names(&adele), ["adele@contoso.com", "a@contoso.com", "new@contoso.com"], "{operation}");
    }
    let operations = json!([{"op": "Replace", "path": "userName", "value": "a.vance@fabrikam.com"}]);
    let adele = patched(operations).unwrap();
    assert_eq!(names(&adele), ["a.vance@fabrikam.com", "adele@contoso.com", "a@contoso.com"]);
    let renamed = |name: &str| json!({"op": "replace", "path": "userName", "value": name});
    let adele = patched(json!([renamed("b@fabrikam.com"), renamed("c@fabrikam.com")])).unwrap();
    assert_eq!(adele.aliases()[0].as_str(), "c@fabrikam.com", "the last one holds");
}

#[test]
fn d11_inactive_user_is_disabled() {
    for off in [json!(false), json!("False"), json!("false")] {
        let by_path = json!([{"op": "Replace", "path": "active", "value": off}]);
        assert_eq!(patched(by_path).unwrap().status(), UserStatus::Disabled);
        let by_value = json!([{"op": "replace", "value": {"Active": off}}]);
        assert_eq!(patched(by_value).unwrap().status(), UserStatus::Disabled);
    }
    let taken_back = patch_user(json!([{"op": "remove", "path": "active", "value": false}]));
    assert_eq!(taken_back.ignored(), 1);
    assert!(taken_back.into_complete().unwrap().is_empty());
    let on_again =
        json!([{"op": "replace", "path": "active", "value": false}, {"op": "add", "path": "active", "value": "True"}]);
    assert_eq!(patched(on_again), None, "as before");
}

#[test]
fn b1_every_user_operation_is_accounted_for() {
    let import = patch_user(json!([
        {"op": "replace", "path": "active", "value": "perhaps"},
        {"op": "replace", "path": "userName", "value": ["x"]},
        {"op": "replace", "path": "userName", "value": "x\u{7}"},
        {"op": "add", "path": "emails", "value": [{"type": "work"}]},
        {"op": "add", "path": "emails", "value": "x@contoso.com"},
        {"op": "add", "path": "emails[type eq \"work\"", "value": "x@contoso.com"},
        {"op": "add", "path": "name.given name", "value": "Adele"},
        {"op": "remove", "path": "emails[type eq \"work\"]"},
        {"op": "replace", "path": "name.givenName", "value": "Adele"},
        {"op": "add", "path": "userName", "value": "fine@contoso.com"},
    ]));
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (10, 2, 7));
    assert!(import.rejected().iter().all(|rejected| !format!("{rejected} {rejected:?}").contains("contoso")));
    assert_eq!(import.into_partial().changes().len(), 1);
}

#[test]
fn b3_too_many_names_are_rejected() {
    let addresses: Vec<Value> = (0..1000).map(|at| json!({"value": format!("{at}@contoso.com")})).collect();
    let body = request(json!([{"op": "add", "path": "emails", "value": addresses}]));
    let refused = scim::patch_user(&before(), &user("u-1"), body.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused, "input: too many names for one user, expected at most 1000");
}

#[test]
fn d11_names_in_extension_are_rejected() {
    let urn = "urn:ietf:params:scim:schemas:extension:x:2.0:Group";
    for operation in [
        json!({"op": "add", "path": urn, "value": {"members": [{"value": "u-2"}]}}),
        json!({"op": "add", "path": urn, "value": [{"Members": [{"value": "u-2"}]}]}),
        json!({"op": "add", "path": format!("{urn}:more"), "value": {format!("{urn}:members"): []}}),
        json!({"op": "add", "value": {"urn:okta:x": [{"members": [{"value": "u-2"}]}]}}),
        json!({"op": "replace", "value": {"urn:okta:x": [1, [{"userName": "a"}]]}}),
    ] {
        assert_eq!(messages(&patch_group(json!([operation.clone()]))).len(), 1, "{operation}");
        assert_eq!(messages(&patch_user(json!([operation.clone()]))).len(), 1, "{operation}");
    }
    let record = json!({"id": "u-1", "userName": "a", "urn:okta:x": [{"emails": [{"value": "b@contoso.com"}]}]});
    assert_eq!(messages(&super::scim::import(json!([record]), json!([]))).len(), 1);
    let other = json!([{"op": "add", "path": urn, "value": {"costCenter": [{"value": "1"}], "members": null}}]);
    assert_eq!((patch_group(other.clone()).ignored(), patch_user(other).ignored()), (1, 1));
}
