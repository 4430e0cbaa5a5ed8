//! SCIM 2.0: lists and whole resources.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, Resolution, User,
    UserStatus,
};
use activity_privacy::identity::Alias;
use activity_privacy::import::scim::{self, Endpoint, IncompleteList, Lists, MAX_BODY_BYTES};
use activity_privacy::import::{EntryRejectReason, Import, RejectedEntry};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::fixture::{alias, at, group, user};

/// Returns a page that contains a whole list.
pub(super) fn list(resources: Value) -> Value {
    let total = resources.as_array().map_or(0, Vec::len);
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total, "Resources": resources})
}

pub(super) fn read(pages: &[(Endpoint, Value)]) -> Result<Lists, RejectedEntry> {
    let mut lists = Lists::new();
    for (endpoint, page) in pages {
        lists.page(*endpoint, page.to_string().as_bytes())?;
    }
    Ok(lists)
}

pub(super) fn import(users: Value, groups: Value) -> Import<DirectoryBuilder> {
    read(&[(Endpoint::Users, list(users)), (Endpoint::Groups, list(groups))]).unwrap().into_builder().unwrap()
}

pub(super) fn snapshot(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), at(0)).unwrap()
}

pub(super) fn messages<T>(import: &Import<T>) -> Vec<String> {
    import.rejected().iter().map(ToString::to_string).collect()
}

fn known(snapshot: &DirectorySnapshot, name: &str) -> User {
    match snapshot.resolve(&user(name).into()) {
        Resolution::Known(user) => user.clone(),
        other => panic!("{other:?}"),
    }
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(Alias::as_str).collect()
}

#[test]
fn d8_user_has_every_name_from_scim() {
    let adele = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "meta": {"resourceType": "User"},
        "ID": "u-1", "externalID": "E-77", "USERNAME": "adele@contoso.com", "Active": "False",
        "emails": [{"value": "a.home@adele.example", "type": "home"}, {"value": " "},
                   {"Value": "adele.vance@contoso.com", "PRIMARY": true}],
        "groups": [{"value": "g-1"}],
    });
    let adele = known(&snapshot(import(json!([adele]), json!([])).into_complete().unwrap()), "u-1");
    assert_eq!(names(&adele), ["adele@contoso.com", "adele.vance@contoso.com", "a.home@adele.example", "E-77"]);
    assert_eq!(adele.status(), UserStatus::Disabled);
}

#[test]
fn d10_type_path_or_id_determines_member_type() {
    let users = ["u-1", "u-2", "u-3", "u-4", "u-8", "u-9"].map(|id| json!({"id": id, "userName": id}));
    let groups = json!([
        {"id": "g-1", "displayName": "Council", "members": [
            {"value": "u-9", "type": "user"},
            {"value": "u-8", "$ref": "https://scim.example/v2/Users/u-8"},
            {"value": "u-1"},
            {"value": "g-2", "type": "GROUP"},
            {"value": "g-3", "$ref": "../groups/g-3/"},
            {"value": "g-4", "display": "Known by its id"},
        ]},
        {"id": "g-2", "members": {"value": "u-2", "type": "User"}},
        {"id": "g-3", "members": [{"value": "u-3", "type": "User"}, {"value": "g-1", "type": "Group"}]},
        {"id": "g-4", "displayName": "Four", "members": [{"value": "u-4", "type": "User"}]},
    ]);
    let import = import(json!(users), groups);
    assert_eq!((import.read(), import.ignored(), messages(&import)), (20, 0, vec![]));
    let snapshot = snapshot(import.into_complete().unwrap());
    let members: Vec<String> =
        snapshot.all_members(&group("g-1")).iter().map(|member| member.as_str().to_owned()).collect();
    assert_eq!(members, ["u-1", "u-2", "u-3", "u-4", "u-8", "u-9"]);
    assert_eq!(snapshot.group_name(&group("g-2")), Some("g-2"), "a group without a name is called by its id");
}

#[test]
fn b1_invalid_resource_is_rejected_and_others_are_read() {
    let users = json!([
        7,
        {"userName": "a@contoso.com"},
        {"id": "u-1"},
        {"id": "u-1", "userName": 7},
        {"id": "u-1", "userName": "a\u{7}"},
        {"id": "u-1", "userName": "a", "emails": ["a@contoso.com"]},
        {"id": "u-1", "userName": "a", "emails": [{"type": "work"}]},
        {"id": "u-1", "userName": "a", "emails": "a@contoso.com"},
        {"id": "u-1", "userName": "a", "active": "perhaps"},
        {"id": "u-1", "userName": "a", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]},
        {"id": "u-1", "userName": "a", "meta": {"resourceType": "Group"}},
        {"id": "u-2", "userName": "fine@contoso.com"},
    ]);
    let groups = json!([
        {"id": "g-1", "displayName": 7},
        {"id": "g-1", "displayName": "Council", "members": 7},
        {"id": "g-2", "displayName": "Council", "members": [
            7, {"display": "Adele"}, {"value": "u-1", "type": "Device"}, {"value": "nobody"},
            {"value": "u-1", "type": "User", "$ref": "../Groups/u-1"}, {"value": "u-2"}]},
    ]);
    let import = import(users, groups);
    assert_eq!(
        messages(&import),
        [
            "page 1, record 1: wrong JSON type, expected an object",
            "page 1, record 2: field `id` is missing or empty, expected the id of the resource",
            "page 1, record 3: field `userName` is missing or empty, expected the sign-in name of the user",
            "page 1, record 4: field `userName` is invalid, expected a string",
            "page 1, record 5: field `userName`: alias contains a control character at byte 1; remove it",
            "page 1, record 6: wrong JSON type, expected an object",
            "page 1, record 7: field `emails.value` is missing or empty, expected an address",
            "page 1, record 8: field `emails` is invalid, expected a list of objects",
            "page 1, record 9: field `active` is invalid, expected true or false",
            "page 1, record 10: field `schemas` is invalid, expected the requested type of resource",
            "page 1, record 11: field `meta.resourceType` is invalid, expected the requested type of resource",
            "page 2, record 1: field `displayName` is invalid, expected a string",
            "page 2, record 2: field `members` is invalid, expected a list of objects",
            "page 2, record 3, member 1: wrong JSON type, expected an object",
            "page 2, record 3, member 2: field `members.value` is missing or empty, expected the id of the member",
            "page 2, record 3, member 3: field `members.type` is invalid, expected `User` or `Group`",
            "page 2, record 3, member 4: field `members.type` is missing or empty, expected `User` or `Group`, a `$ref` to `Users` \
             or `Groups`, or the id of a known user or group",
            "page 2, record 3, member 5: field `members.type` is invalid, expected the same as in `$ref`",
        ]
    );
    assert_eq!((import.read(), import.ignored()), (21, 0));
    let taken = snapshot(import.into_partial());
    assert_eq!(taken.all_members(&group("g-2")).len(), 1);
}

#[test]
fn b1_invalid_page_is_rejected() {
    let refused = |page: &str| Lists::new().page(Endpoint::Users, page.as_bytes()).unwrap_err().reason.to_string();
    assert_eq!(refused("[]"), "wrong JSON type, expected an object");
    assert_eq!(refused("{"), "unexpected end of input, expected one complete JSON object");
    assert_eq!(refused("{}"), "field `totalResults` is missing or empty, expected the total number of resources");
    assert_eq!(refused(r#"{"totalResults": -1}"#), "field `totalResults` is invalid, expected a non-negative number");
    assert_eq!(
        refused(r#"{"totalResults": 1, "Resources": []}"#),
        "field `Resources` is missing or empty, expected resources, up to `totalResults`"
    );
    assert_eq!(
        refused(r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "totalResults": 0}"#),
        "field `schemas` is invalid, expected the URN of a list response"
    );
    for twice in
        [r#"{"totalResults": 0, "TotalResults": 0}"#, r#"{"totalResults": 0, "x": {"members": 1, "Members": 2}}"#]
    {
        assert_eq!(refused(twice), "a JSON object contains the same key twice; remove one");
    }
    let endless = Lists::new().page(Endpoint::Users, std::io::repeat(b' ')).unwrap_err().to_string();
    assert_eq!(endless, format!("input: too long, expected at most {MAX_BODY_BYTES} bytes"));
}

fn page(total: usize, start: usize, ids: &[&str]) -> Value {
    let resources: Vec<Value> =
        ids.iter().map(|id| json!({"id": id, "userName": format!("{id}@contoso.com")})).collect();
    json!({"totalResults": total, "startIndex": start, "itemsPerPage": ids.len(), "Resources": resources})
}

#[test]
fn d11_incomplete_list_has_no_result() {
    let none = (Endpoint::Groups, list(json!([])));
    let users = |page: Value| (Endpoint::Users, page);
    let unfinished = |endpoint, seen, total| IncompleteList { endpoint, seen, total };

    let lists = read(&[users(page(3, 1, &["u-1", "u-2"])), none.clone()]).unwrap();
    assert_eq!((lists.next_index(Endpoint::Users), lists.next_index(Endpoint::Groups)), (Some(3), None));
    let error = lists.into_builder().unwrap_err();
    assert_eq!(error, unfinished(Endpoint::Users, 2, Some(3)));
    assert_eq!(error.to_string(), "2 users were read, expected 3");

    let whole = [users(page(3, 3, &["u-3"])), users(page(3, 1, &["u-1", "u-2"])), none.clone()];
    assert!(read(&whole).unwrap().into_builder().unwrap().into_complete().is_ok());
    assert_eq!(
        read(&whole[..2]).unwrap().into_builder().unwrap_err(),
        unfinished(Endpoint::Groups, 0, None),
        "groups were not asked for"
    );
    let moved = [users(page(3, 1, &["u-1", "u-2"])), users(page(3, 3, &["u-2"])), none.clone()];
    let lists = read(&moved).unwrap();
    assert_eq!(lists.next_index(Endpoint::Users), None);
    assert_eq!(lists.into_builder().unwrap_err(), unfinished(Endpoint::Users, 2, Some(3)), "one was missed");
    let changed = [users(page(3, 1, &["u-1", "u-2"])), users(page(4, 3, &["u-3"]))];
    assert_eq!(
        read(&changed).unwrap_err().to_string(),
        "input: `totalResults` changed between pages; read the list again"
    );
    // A page without `startIndex` is the next one.
    let mut bare = page(2, 2, &["u-2"]);
    bare.as_object_mut().unwrap().remove("startIndex");
    let lists = read(&[users(page(2, 1, &["u-1"])), users(bare), none]).unwrap();
    assert_eq!(lists.next_index(Endpoint::Users), None);
    assert!(lists.into_builder().is_ok());
}

#[test]
fn d11_truncated_page_changes_nothing() {
    let (page, mut lists) = (list(json!([{"id": "u-1", "userName": "adèle@contoso.com"}])).to_string(), Lists::new());
    for cut in 0..page.len() {
        assert!(lists.page(Endpoint::Users, &page.as_bytes()[..cut]).is_err());
        assert_eq!(lists.next_index(Endpoint::Users), Some(1));
    }
    lists.page(Endpoint::Users, page.as_bytes()).unwrap();
    lists.page(Endpoint::Groups, list(json!([])).to_string().as_bytes()).unwrap();
    let import = lists.into_builder().unwrap();
    assert_eq!((import.read(), import.rejected().len()), (1, 0));
}

#[test]
fn d11_rejected_resource_counts_as_read() {
    let users = json!({"totalResults": 2, "Resources": [{"id": "u-1"}, {"id": "u-2", "userName": "b"}]});
    let lists = read(&[(Endpoint::Users, users), (Endpoint::Groups, list(json!([])))]).unwrap();
    let import = lists.into_builder().unwrap();
    assert_eq!((import.read(), import.rejected().len()), (2, 1));
    assert!(import.into_complete().is_err());
}

#[test]
fn d11_directory_without_any_member_is_rejected() {
    for members in [json!({"id": "g-1"}), json!({"id": "g-1", "members": []})] {
        let import = import(json!([]), json!([members]));
        assert_eq!(
            messages(&import),
            ["input: field `members` is missing or empty, expected members of at least one group; do not \
                 exclude `members`"]
        );
    }
}

#[test]
fn b1_put_replaces_user_record() {
    let put = |body: Value| scim::put_user(&user("u-1"), body.to_string().as_bytes());
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let delta = put(json!({"urn:ietf:params:scim:schemas:core:2.0:User:userName": "adele@contoso.com"})).unwrap();
    assert_eq!(delta.into_complete().unwrap().changes(), [DirectoryChange::User(adele)]);
    let refused = |body: Value| put(body).unwrap_err().to_string();
    assert_eq!(
        refused(json!({"id": "u-2", "userName": "a"})),
        "input: field `id` is invalid, expected the id of the requested resource"
    );
    assert_eq!(
        refused(json!({"userName": ""})),
        "input: field `userName` is missing or empty, expected the sign-in name of the user"
    );
}

fn council() -> DirectorySnapshot {
    let builder = DirectoryBuilder::new().group(group("g-1"), "Council").group(group("g-2"), "Board");
    snapshot(builder.member(&group("g-1"), &user("u-1")).nested(&group("g-1"), &group("g-2")))
}

fn put_group(body: Value) -> Import<DirectoryDelta> {
    scim::put_group(&council(), &group("g-1"), body.to_string().as_bytes()).unwrap()
}

#[test]
fn d11_put_without_members_keeps_them() {
    let renamed = put_group(json!({"displayName": "Works council"})).into_complete().unwrap();
    assert_eq!(renamed.changes(), [DirectoryChange::Group(group("g-1"), "Works council".into())]);
}

#[test]
fn d11_put_replaces_members() {
    let g = || group("g-1");
    let delta =
        put_group(json!({"members": [{"value": "u-2", "type": "User"}, {"value": "g-2"}]})).into_complete().unwrap();
    assert_eq!(
        delta.changes(),
        [
            DirectoryChange::Group(g(), "Council".into()),
            DirectoryChange::RemoveMember(g(), user("u-1")),
            DirectoryChange::Member(g(), user("u-2")),
            DirectoryChange::Nested(g(), group("g-2")),
        ]
    );
    let import = put_group(json!({"members": [{"value": "u-2", "type": "User"}, {"value": "nobody"}]}));
    assert_eq!((import.read(), import.rejected().len()), (3, 1));
    let taken = import.into_partial();
    assert!(!taken.changes().iter().any(|change| matches!(change, DirectoryChange::RemoveMember(..))), "it may be u-1");
    assert!(taken.changes().contains(&DirectoryChange::Member(g(), user("u-2"))));
}

#[test]
fn b2_debug_and_errors_contain_no_names() {
    let canary = "kanarienvogel";
    let users = json!([{"id": canary}, {"id": canary, "userName": [canary]}, {"id": format!("{canary}\n")}]);
    let groups = json!([{"id": "g", "members": [{"value": canary}, canary, {"value": "x", "type": canary}]}]);
    let mut lists = Lists::new();
    lists.page(Endpoint::Users, json!({"totalResults": 9, "Resources": users}).to_string().as_bytes()).unwrap();
    let mut shown = format!("{lists:?}");
    let error = lists.into_builder().unwrap_err();
    shown += &format!("{error} {error:?}");
    let import = import(json!([{"id": canary}]), groups);
    assert_eq!(import.rejected().len(), 4);
    shown += &format!("{:?} {:?}", messages(&import), import.rejected());
    assert!(!shown.contains(canary), "{shown}");
}

proptest! {
    #[test]
    fn d11_order_of_pages_is_insignificant(
        members in vec(vec(0..6usize, 0..5), 6),
        sizes in vec(1..4usize, 6),
        order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let users: Vec<Value> = (0..6).map(|at| json!({"id": format!("u-{at}"), "userName": format!("n{at}@contoso.com")})).collect();
        let groups: Vec<Value> = members.iter().enumerate().map(|(at, members)| {
            let of = |member: &usize| match member % 2 {
                0 => json!({"value": format!("u-{member}")}),
                _ => json!({"value": format!("g-{member}"), "type": "Group"}),
            };
            json!({"id": format!("g-{at}"), "members": members.iter().map(of).collect::<Vec<_>>()})
        }).collect();
        let mut pages = Vec::new();
        for (endpoint, all) in [(Endpoint::Users, &users), (Endpoint::Groups, &groups)] {
            let mut start = 0;
            for size in &sizes {
                let end = (start + size).min(all.len());
                if start < end {
                    pages.push((endpoint, json!({"totalResults": 6, "startIndex": start + 1, "Resources": all[start..end]})));
                }
                start = end;
            }
        }
        let shuffled: Vec<_> = {
            let mut keyed: Vec<_> = pages.iter().cloned().enumerate().collect();
            keyed.sort_by_key(|(at, _)| (order[at % 6], *at));
            keyed.into_iter().map(|(_, page)| page).collect()
        };
        let whole = |pages: &[(Endpoint, Value)]| read(pages).unwrap().into_builder().map(Import::into_partial).map(snapshot);
        let (one, other) = (whole(&pages).unwrap(), whole(&shuffled).unwrap());
        for at in 0..6 {
            let of = group(&format!("g-{at}"));
            prop_assert_eq!(one.all_members(&of), other.all_members(&of));
            let holder = alias(&format!("N{at}@contoso.com")).into();
            let holder = match other.resolve(&holder) {
                Resolution::Known(user) => user.id().as_str().to_owned(),
                _ => String::new(),
            };
            prop_assert_eq!(holder, format!("u-{}", at));
        }
        for missing in 0..pages.len() {
            let mut cut = shuffled.clone();
            cut.remove(missing);
            prop_assert!(read(&cut).unwrap().into_builder().is_err(), "a page is missing");
        }
    }
}

#[test]
fn d11_member_of_type_user_without_record_is_rejected() {
    let groups = json!([{"id": "g-1", "members": [{"value": "adele@contoso.com", "type": "User"}, {"value": "u-1"}]}]);
    let users = json!([{"id": "u-1", "userName": "adele@contoso.com"}]);
    let pages = [(Endpoint::Groups, list(groups.clone())), (Endpoint::Users, list(users))];
    let import = read(&pages).unwrap().into_builder().unwrap();
    let [rejected] = import.rejected() else { panic!("{:?}", import.rejected()) };
    assert_eq!(rejected.reason, EntryRejectReason::UnknownMember { count: 1 });
    assert!(snapshot(import.into_partial()).all_members(&group("g-1")).contains(&user("adele@contoso.com")));
    let groups = json!([{"id": "g-1", "members": [{"value": "u-7", "type": "User"}]}]);
    assert!(messages(&self::import(json!([]), groups)).is_empty(), "ids are all there is");
}
