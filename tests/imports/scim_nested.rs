//! SCIM 2.0: attributes nested under the URN of their schema, and values in non-standard forms.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectorySnapshot, Resolution, User, UserStatus,
};
use activity_privacy::import::Import;
use activity_privacy::import::scim::{self, Endpoint};
use serde_json::{Value, json};

use super::scim::{import, messages, read, snapshot};
use crate::fixture::{alias, group, user};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "URN:ietf:params:SCIM:schemas:core:2.0:group";

fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let builder = DirectoryBuilder::new().user(adele).group(group("g-1"), "Council").group(group("g-2"), "Board");
    snapshot(builder.member(&group("g-1"), &user("u-1")))
}

fn patch_user(operations: Value) -> Import<DirectoryDelta> {
    scim::patch_user(&before(), &user("u-1"), json!({"Operations": operations}).to_string().as_bytes()).unwrap()
}

fn names(delta: DirectoryDelta) -> Vec<String> {
    match delta.changes() {
        [DirectoryChange::User(user)] => user.aliases().iter().map(|alias| alias.as_str().to_owned()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn d11_nested_attributes_of_a_user_are_read() {
    let expected = ["a@contoso.com", "b@contoso.com", "E-1"];
    let flat = json!({"userName": "a@contoso.com", "emails": [{"value": "b@contoso.com"}], "externalId": "E-1", "active": false});
    let mut both = flat.clone();
    both[USER] = flat.clone();
    for record in [
        json!({USER: flat}),
        json!({USER.to_uppercase(): flat}),
        json!({format!("{USER}:"): flat}),
        json!({USER: {USER: flat}}),
        json!({USER: {format!("{USER}:userName"): "a@contoso.com"}, "emails": flat["emails"], "externalId": "E-1", "active": "False"}),
        json!({"userName": null, "emails": flat["emails"], "active": false, USER: {"userName": "a@contoso.com", "externalId": "E-1"}}),
        both,
    ] {
        let put = scim::put_user(&user("u-1"), record.to_string().as_bytes()).unwrap().into_complete().unwrap();
        assert!(matches!(put.changes(), [DirectoryChange::User(user)] if user.status() == UserStatus::Disabled));
        assert_eq!(names(put), expected, "{record}");
        let mut record = record;
        record["id"] = json!("u-1");
        let directory = snapshot(import(json!([record]), json!([])).into_complete().unwrap());
        for name in expected {
            assert!(matches!(directory.resolve(&alias(name).into()), Resolution::Known(_)), "{name}");
        }
    }
}

#[test]
fn d11_nested_attributes_of_a_group_are_read() {
    let members = json!([{"value": "u-1"}, {"value": "g-2", "type": "Group"}]);
    let group_2 = json!({"id": "g-2", GROUP: {"displayName": "Board", "members": []}});
    let users = json!([{USER: {"id": "u-1", "userName": "a"}}]);
    let directory =
        snapshot(import(users, json!([{"id": "g-1", GROUP: {"members": members}}, group_2])).into_complete().unwrap());
    assert_eq!(directory.all_members(&group("g-1")).len(), 1);
    assert_eq!(directory.child_groups(&group("g-1")).len(), 1);
    let put = json!({GROUP: {"displayName": "Works council", "members": members}}).to_string();
    let delta = scim::put_group(&before(), &group("g-1"), put.as_bytes()).unwrap().into_complete().unwrap();
    assert_eq!(delta.changes().len(), 3);
    for operation in [
        json!({"op": "add", "value": {GROUP: {"members": [{"value": "g-2"}]}}}),
        json!({"op": "add", "path": GROUP, "value": {"members": [{"value": "g-2"}]}}),
        json!({"op": "add", "path": format!("{GROUP}:"), "value": {"Members": {"value": "g-2"}}}),
    ] {
        let body = json!({"Operations": [operation]}).to_string();
        let delta = scim::patch_group(&before(), &group("g-1"), body.as_bytes()).unwrap().into_complete().unwrap();
        assert_eq!(delta.changes(), [DirectoryChange::Nested(group("g-1"), group("g-2"))], "{operation}");
    }
    let all_out = json!({"Operations": [{"op": "remove", "path": GROUP}]}).to_string();
    assert_eq!(scim::patch_group(&before(), &group("g-1"), all_out.as_bytes()).unwrap().rejected().len(), 1);
}

#[test]
fn d11_nested_attributes_of_a_patch_are_read() {
    for operation in [
        json!({"op": "replace", "value": {USER: {"userName": "new@contoso.com"}}}),
        json!({"op": "replace", "value": {USER.to_uppercase(): {"USERNAME": "new@contoso.com"}}}),
        json!({"op": "replace", "path": USER, "value": {"userName": "new@contoso.com"}}),
        json!({"op": "add", "path": USER.to_lowercase(), "value": {USER: {"userName": "new@contoso.com"}}}),
        json!({"op": "add", "value": {"userName": "new@contoso.com", USER: {"userName": "new@contoso.com"}}}),
    ] {
        assert_eq!(
            names(patch_user(json!([operation])).into_complete().unwrap()),
            ["new@contoso.com", "adele@contoso.com"]
        );
    }
    let emails = json!([{"op": "replace", "value": {USER: {"emails[type eq \"work\"].value": "new@contoso.com"}}}]);
    assert_eq!(names(patch_user(emails).into_complete().unwrap()), ["adele@contoso.com", "new@contoso.com"]);
}

#[test]
fn d11_nested_and_plain_attributes_must_agree() {
    let users = json!([
        {"id": "u-1", "userName": "a@contoso.com", USER: {"userName": "b@contoso.com"}},
        {"id": "u-2", "userName": "b@contoso.com", USER: ["userName"]},
        {"id": "u-3", "userName": "c@contoso.com", "urn:contoso:extension:1.0:User": {"emails": [{"value": "d@x.example"}]}},
        {"id": "u-4", "userName": "d@contoso.com", "urn:contoso:extension:1.0:User:userName": "e@x.example"},
        {"id": "u-5", "userName": "e@contoso.com",
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "x", "manager": {"value": "u-1"}}},
    ]);
    let import = import(users, json!([]));
    assert_eq!(
        messages(&import),
        [
            "page 1, record 1: a JSON object contains the same key twice; remove one",
            "page 1, record 2: field `urn:ietf:params:scim:schemas:core:2.0` is invalid, expected an object of \
             attributes",
            "page 1, record 3: field `schemas` is invalid, expected `userName`, `emails` and `members` as attributes \
             of the core schema",
            "page 1, record 4: field `schemas` is invalid, expected `userName`, `emails` and `members` as attributes \
             of the core schema",
        ]
    );
    let import = patch_user(json!([
        {"op": "add", "value": {"userName": "a@contoso.com", USER: {"userName": "b@contoso.com"}}},
        {"op": "add", "path": "urn:contoso:extension:1.0:User:emails[type eq \"work\"].value", "value": "x@x.example"},
        {"op": "add", "path": USER, "value": "a@contoso.com"},
    ]));
    assert_eq!((import.rejected().len(), import.ignored()), (3, 0), "{:?}", messages(&import));
}

#[test]
fn d11_members_as_plain_ids_are_read_if_known() {
    let users = json!([{"id": "u-1", "userName": "a@contoso.com"}]);
    let groups = json!([{"id": "g-1", "members": ["u-1", "g-2", "nobody"]}, {"id": "g-2", "members": "u-1"}]);
    let import = import(users, groups);
    assert_eq!(import.rejected().len(), 1);
    let directory = snapshot(import.into_partial());
    assert_eq!(directory.direct_members(&group("g-1")).len() + directory.child_groups(&group("g-1")).len(), 2);
    let patch = |value: Value| {
        let body = json!({"Operations": [{"op": "add", "path": "members", "value": value}]}).to_string();
        scim::patch_group(&before(), &group("g-2"), body.as_bytes()).unwrap()
    };
    for value in [json!("u-1"), json!(["u-1"]), json!([{"value": "u-1"}])] {
        let delta = patch(value).into_complete().unwrap();
        assert_eq!(delta.changes(), [DirectoryChange::Member(group("g-2"), user("u-1"))]);
    }
    assert_eq!(patch(json!("nobody")).rejected().len(), 1);
    assert_eq!(patch(json!(["[\"u-1\"]"])).rejected().len(), 1);
}

#[test]
fn b4_numbers_as_strings_are_read() {
    let page =
        |total: Value| json!({"totalResults": total, "startIndex": "1", "Resources": [{"id": "u-1", "userName": "a"}]});
    assert!(read(&[(Endpoint::Users, page(json!("1")))]).is_ok());
    for total in [json!("one"), json!("-1"), json!(""), json!("1.5")] {
        assert!(read(&[(Endpoint::Users, page(total))]).is_err());
    }
}

#[test]
fn d11_damaged_names_are_cleaned_or_rejected() {
    let put =
        |body: Value| scim::put_user(&user("u-1"), body.to_string().as_bytes()).map(|put| put.into_complete().unwrap());
    let cleaned = json!({"userName": "smtp:a@contoso.com", "emails": [{"value": "mailto:b@contoso.com"}, {"value": "C <c@contoso.com>"},
                          {"value": "N/A"}], "externalId": "{0a1+/=|b:c}"});
    assert_eq!(names(put(cleaned).unwrap()), ["a@contoso.com", "b@contoso.com", "c@contoso.com", "0a1+/=|b:c"]);
    for wrong in [
        json!({"userName": "NULL"}),
        json!({"userName": "j?rgen@contoso.com"}),
        json!({"userName": "a", "externalId": "System.Guid[]"}),
        json!({"userName": "a", "emails": [{"value": "a@contoso.com b@contoso.com"}]}),
        json!({"userName": "a", "emails": [{"value": "System.String[]"}]}),
    ] {
        assert!(put(wrong.clone()).is_err(), "{wrong}");
        let body = json!({"Operations": [{"op": "add", "value": wrong}]}).to_string();
        let patch = scim::patch_user(&before(), &user("u-1"), body.as_bytes()).unwrap();
        assert_eq!(patch.rejected().len(), 1, "{wrong}");
    }
}
