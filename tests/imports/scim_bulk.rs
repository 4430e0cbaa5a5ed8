//! SCIM 2.0: bulk requests, and members that are not people.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, Resolution, User,
};
use activity_privacy::import::scim::{self, Endpoint, Lists, Requests};
use activity_privacy::import::{Import, Place};
use serde_json::{Value, json};

use super::scim::{list, messages, snapshot};
use crate::fixture::{alias, at, group, user};

/// Returns a directory in which Adele is in the council.
fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let builder = DirectoryBuilder::new().user(adele).group(group("g-1"), "Council");
    snapshot(builder.member(&group("g-1"), &user("u-1")))
}

fn request(operations: Value) -> String {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "failOnErrors": 1, "Operations": operations})
        .to_string()
}

const ASSIGNED: [(&str, &str); 4] = [("a", "g-8"), ("b", "g-9"), ("c", "u-9"), ("d", "u-8")];

fn bulk(operations: Value) -> Import<DirectoryDelta> {
    scim::bulk(&before(), ASSIGNED, request(operations).as_bytes()).unwrap()
}

fn after(operations: Value) -> DirectorySnapshot {
    before().apply(&bulk(operations).into_complete().unwrap(), DirectoryRevision(2), at(1)).unwrap()
}

fn members(snapshot: &DirectorySnapshot, of: &str) -> Vec<String> {
    snapshot.all_members(&group(of)).iter().map(|user| user.as_str().to_owned()).collect()
}

#[test]
fn d11_groups_of_one_request_can_refer_to_each_other() {
    let snapshot = after(json!([
        {"method": "POST", "path": "/Groups", "bulkId": "a", "data": {"displayName": "A", "members": [
            {"value": "bulkId:b"}, {"value": "bulkId:d", "type": "User"}]}},
        {"method": "post", "path": "Groups", "bulkId": "b", "data": {"members": [
            {"value": "bulkId:a", "$ref": null}, {"value": "bulkId:c"}, "u-1"]}},
        {"method": "POST", "path": "/v2/Users", "bulkId": "c", "data": {"userName": "c@contoso.com"}},
        {"method": "POST", "path": "/Users", "bulkId": "d",
         "data": {"urn:ietf:params:scim:schemas:core:2.0:User": {"userName": "d@contoso.com"}}},
        {"method": "PATCH", "path": "/Groups/g-1", "data": {"Operations": [
            {"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}]}},
    ]));
    for group in ["g-8", "g-9", "g-1"] {
        assert_eq!(members(&snapshot, group), ["u-1", "u-8", "u-9"], "{group}");
    }
    assert!(matches!(snapshot.resolve(&alias("d@contoso.com").into()), Resolution::Known(_)));
}

#[test]
fn d11_bulk_operations_apply_in_order() {
    let snapshot = after(json!([
        {"method": "POST", "path": "/Users", "bulkId": "c", "data": {"userName": "c@contoso.com"}},
        {"method": "PUT", "path": "/Groups/g-1", "data": {"displayName": "Works council", "members": [{"value": "u-9"}]}},
        {"method": "PATCH", "path": "/Groups/g-1", "data": {"Operations": [
            {"op": "remove", "path": "members[value eq \"bulkId:c\"]"},
            {"op": "add", "path": "members", "value": {"value": "bulkId:d", "type": "User"}}]}},
        {"method": "PATCH", "path": "/Users/bulkId:c", "data": {"Operations": [
            {"op": "replace", "path": "emails", "value": [{"value": "mailto:c2@contoso.com"}]}]}},
        {"method": "POST", "path": "/Users", "bulkId": "d", "data": {"userName": "d@contoso.com"}},
        {"method": "DELETE", "path": "/Users/u-1"},
        {"method": "POST", "path": "/Groups", "data": {"id": "g-7", "members": []}},
        {"method": "DELETE", "path": "/Groups/g-7"},
    ]));
    assert_eq!(members(&snapshot, "g-1"), ["u-8"]);
    assert_eq!(snapshot.group_name(&group("g-1")), Some("Works council"));
    assert_eq!(snapshot.group_name(&group("g-7")), None);
    assert_eq!(snapshot.resolve(&user("u-1").into()), Resolution::Unknown);
    assert!(matches!(snapshot.resolve(&alias("c2@contoso.com").into()), Resolution::Known(_)));
}

#[test]
fn b1_every_bulk_operation_is_accounted_for() {
    let import = bulk(json!([
        7,
        {"path": "/Users/u-1"},
        {"method": "GET", "path": "/Users/u-1"},
        {"method": "PUT", "path": "/Users", "data": {"userName": "a"}},
        {"method": "POST", "path": "/Users/u-1", "data": {"userName": "a"}},
        {"method": "POST", "path": "/Devices", "data": {}},
        {"method": "POST", "path": "/Users", "bulkId": "nobody", "data": {"userName": "a"}},
        {"method": "POST", "path": "/Users", "bulkId": "c"},
        {"method": "POST", "path": "/Users", "bulkId": "c", "data": {"userName": "a"}},
        {"method": "PUT", "path": "/Users/u-1", "data": {"id": "u-2", "userName": "a"}},
        {"method": "PUT", "path": "/Groups/g-1", "data": {"members": [
            {"value": "u-1"}, {"value": "bulkId:x", "type": "User"}, {"value": "g-5", "type": "Group"}]}},
        {"method": "PATCH", "path": "/Groups/g-5", "data": {"Operations": [{"op": "remove", "path": "members"}]}},
        {"method": "DELETE", "path": "/Groups/g-1"},
        {"method": "PATCH", "path": "/Groups/g-1", "data": {"Operations": [{"op": "remove", "path": "members"}]}},
        {"method": "PUT", "path": "/Users/u-1", "data": {"userName": "a"}},
    ]));
    let places: Vec<Place> = import.rejected().iter().map(|rejected| rejected.place).collect();
    let record = |record| Place::Page { page: 1, record, member: None };
    let mut expected: Vec<Place> = (1..=10).map(record).collect();
    expected.extend([2, 3].map(|at| Place::Page { page: 1, record: 11, member: Some(at) }));
    expected.extend([12, 14].map(record));
    assert_eq!(places, expected, "{:#?}", messages(&import));
    assert_eq!((import.read(), import.ignored()), (18, 0));
    assert!(
        messages(&import)[6].contains("field `id` is missing or empty, expected the id that the provider assigned")
    );
    let taken = "page 1, record 9: field `bulkId` has the value of another operation; use a unique value";
    assert_eq!(messages(&import)[8], taken);
    let gone = DirectoryChange::RemoveGroup(group("g-1"));
    assert!(import.into_partial().changes().contains(&gone));
    let refused = |body: &str| scim::bulk(&before(), ASSIGNED, body.as_bytes()).unwrap_err().to_string();
    assert!(refused("{}").contains("`Operations` is missing"));
    assert!(refused(r#"{"schemas": ["x"], "Operations": [{}]}"#).contains("the URN of a bulk request"));
}

#[test]
fn d11_bulk_reference_outside_bulk_is_rejected() {
    let members = json!([{"value": "bulkId:c", "type": "User"}]);
    let mut lists = Lists::new();
    lists.page(Endpoint::Users, list(json!([])).to_string().as_bytes()).unwrap();
    lists.page(Endpoint::Groups, list(json!([{"id": "g-1", "members": members}])).to_string().as_bytes()).unwrap();
    assert_eq!(lists.into_builder().unwrap().rejected().len(), 1);
    let put = json!({"members": members}).to_string();
    assert_eq!(scim::put_group(&before(), &group("g-1"), put.as_bytes()).unwrap().rejected().len(), 1);
}

#[test]
fn d11_declared_non_people_are_ignored() {
    let (before, council) = (before(), group("g-1"));
    let requests = Requests::new(&before).ignoring_members(["d-1", "d-2"]);
    let patch = |operations: Value| {
        requests.patch_group(&council, json!({"Operations": operations}).to_string().as_bytes()).unwrap()
    };
    let both = json!(["d-1", {"value": "d-2", "type": "Device"}, {"value": "u-1"}]);
    let import = patch(json!([
        {"op": "add", "path": "members", "value": ["d-1"]},
        {"op": "remove", "path": "members", "value": ["d-1"]},
        {"op": "remove", "path": "members[value eq \"d-2\"]"},
        {"op": "add", "path": "members", "value": both},
        {"op": "add", "path": "members", "value": ["d-3"]},
    ]));
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (5, 3, 1));
    let joined = DirectoryChange::Member(council.clone(), user("u-1"));
    assert_eq!(import.into_partial().changes(), [joined]);
    let put = json!({"members": both}).to_string();
    let import = requests.put_group(&council, put.as_bytes()).unwrap();
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (4, 2, 0));
    let mut lists = Lists::new().ignoring_members(["d-1", "d-2"]);
    let users = list(json!([{"id": "u-1", "userName": "a"}, {"id": "d-2"}]));
    lists.page(Endpoint::Users, users.to_string().as_bytes()).unwrap();
    lists.page(Endpoint::Groups, list(json!([{"id": "g-1", "members": both}])).to_string().as_bytes()).unwrap();
    let import = lists.into_builder().unwrap();
    assert_eq!((import.read(), import.ignored()), (6, 2));
    assert_eq!(import.rejected().len(), 1, "a user's record that cannot be read");
}
