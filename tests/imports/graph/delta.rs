//! Changes since the previous sync.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, Resolution, User,
    UserStatus,
};
use activity_privacy::import::graph::{IncompleteSync, Listing, Sync};
use serde_json::{Value, json};

use super::{GROUPS, USERS, last, messages, names, of_type, snapshot, sync};
use crate::fixture::{alias, at, domain, group, user};

/// Returns a directory in which the council contains Adele, who has two names, and the board contains Brand, who has no
/// record. The council also contains the board.
fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com")).with_alias(alias("av@contoso.com"));
    snapshot(
        DirectoryBuilder::new()
            .user(adele.with_status(UserStatus::Disabled))
            .group(group("g-1"), "Council")
            .group(group("g-2"), "Board")
            .member(&group("g-1"), &user("u-1"))
            .member(&group("g-2"), &user("u-2"))
            .nested(&group("g-1"), &group("g-2")),
    )
}

fn changes(users: Value, groups: Value) -> Vec<DirectoryChange> {
    sync(users, groups).into_delta(&before()).unwrap().into_complete().unwrap().changes().to_vec()
}

/// Returns the only user record in a delta.
fn record(record: Value) -> User {
    match &changes(json!([record]), json!([]))[..] {
        [DirectoryChange::User(user)] => user.clone(),
        other => panic!("{other:?}"),
    }
}

const ALL_NAMES: [&str; 6] = [
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "otherMails",
    "onPremisesUserPrincipalName",
    "onPremisesSamAccountName",
];

#[test]
fn d8_absent_property_keeps_known_names() {
    let adele = record(json!({"id": "u-1", "mail": "adele.vance@contoso.com"}));
    assert_eq!(names(&adele), ["adele@contoso.com", "av@contoso.com", "adele.vance@contoso.com"]);
    assert_eq!(adele.status(), UserStatus::Disabled, "whether the account is enabled was not spoken of");
    let adele = record(json!({"id": "u-1", "accountEnabled": true}));
    assert_eq!(names(&adele), ["adele@contoso.com", "av@contoso.com"]);
    assert_eq!(adele.status(), UserStatus::Active);
}

#[test]
fn d7_new_sign_in_name_comes_first() {
    let adele = record(json!({"id": "u-1", "userPrincipalName": "adele@fabrikam.com", "mail": "x@contoso.com"}));
    assert_eq!(names(&adele), ["adele@fabrikam.com", "adele@contoso.com", "av@contoso.com", "x@contoso.com"]);
}

#[test]
fn d8_names_are_dropped_only_if_no_property_is_absent() {
    let mut all: Value = ALL_NAMES.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    all["id"] = json!("u-1");
    all["userPrincipalName"] = json!("adele@contoso.com");
    assert_eq!(names(&record(all.clone())), ["adele@contoso.com"]);
    for silent in ALL_NAMES {
        let mut record_without = all.clone();
        record_without.as_object_mut().unwrap().remove(silent);
        assert!(names(&record(record_without)).contains(&"av@contoso.com"), "{silent} may have been it");
    }
}

#[test]
fn d8_names_are_dropped_if_records_are_complete() {
    let mut sync = Sync::new().with_whole_records();
    sync.ask(Listing::Users, USERS);
    let page = last(json!([{"id": "u-1", "userPrincipalName": "adele@contoso.com"}]));
    sync.page(USERS, page.to_string().as_bytes()).unwrap();
    let delta = sync.into_delta(&before()).unwrap().into_complete().unwrap();
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com")).with_status(UserStatus::Disabled);
    assert_eq!(delta.changes(), [DirectoryChange::User(adele)]);
}

#[test]
fn d7_home_domain_follows_new_sign_in_name() {
    let council = DirectoryBuilder::new().group(group("g-1"), "Council").member(&group("g-1"), &user("u-1"));
    let before = snapshot(council.user(User::new(user("u-1")).with_alias(alias("a@contoso.com"))));
    let gone = before.apply(&DirectoryDelta::new().without_user(&user("u-1")), DirectoryRevision(2), at(1)).unwrap();
    let Resolution::Known(remembered) = gone.resolve(&user("u-1").into()) else { panic!("a group lists them") };
    assert!(remembered.stated_home_domain().is_some(), "as long as there is no other name");
    let restored = json!({"id": "u-1", "userPrincipalName": "a@partner.example"});
    let delta = sync(json!([restored]), json!([])).into_delta(&gone).unwrap().into_complete().unwrap();
    assert!(matches!(delta.changes(), [DirectoryChange::User(user)] if user.stated_home_domain().is_none()));
}

#[test]
fn d7_stated_home_domain_is_kept() {
    let guest = User::new(user("u-1")).with_alias(alias("a@x.example")).with_home_domain(domain("contoso.com"));
    let before = snapshot(DirectoryBuilder::new().user(guest));
    let sync = sync(json!([{"id": "u-1", "mail": "b@x.example"}]), json!([]));
    let delta = sync.into_delta(&before).unwrap().into_complete().unwrap();
    assert!(matches!(delta.changes(), [DirectoryChange::User(user)] if user.stated_home_domain().is_some()));
}

#[test]
fn d11_removed_user_keeps_memberships() {
    for reason in ["changed", "deleted"] {
        let removed = json!([{"id": "u-1", "@removed": {"reason": reason}}]);
        assert_eq!(changes(removed, json!([])), [DirectoryChange::RemoveUser(user("u-1"))]);
    }
}

#[test]
fn d11_membership_changes_apply() {
    let gone = |kind: &str, id: &str| {
        let mut member = of_type(kind, id);
        member["@removed"] = json!({"reason": "deleted"});
        member
    };
    let members = json!([of_type("user", "u-3"), gone("user", "u-1"), gone("group", "g-2"), gone("device", "d-1")]);
    assert_eq!(
        changes(json!([]), json!([{"id": "g-1", "members@delta": members}])),
        [
            DirectoryChange::Group(group("g-1"), "Council".into()),
            DirectoryChange::Member(group("g-1"), user("u-3")),
            DirectoryChange::RemoveNesting(group("g-1"), group("g-2")),
            DirectoryChange::RemoveMember(group("g-1"), user("u-1")),
        ]
    );
}

#[test]
fn d11_removed_group_needs_no_change_of_parents() {
    let groups = json!([
        {"id": "g-2", "@removed": {"reason": "deleted"}},
        {"id": "g-1", "displayName": "Council", "members@delta": [of_type("group", "g-2")]},
    ]);
    assert_eq!(
        changes(json!([]), groups),
        [DirectoryChange::Group(group("g-1"), "Council".into()), DirectoryChange::RemoveGroup(group("g-2"))]
    );
}

#[test]
fn d11_contradictions_resolve_to_more_protection() {
    let users = json!([
        {"id": "u-1", "@removed": {"reason": "deleted"}},
        {"id": "u-1", "userPrincipalName": "adele@contoso.com", "mail": "a@contoso.com"},
        {"id": "u-1", "userPrincipalName": "adele@contoso.com", "mail": "b@contoso.com"},
    ]);
    let groups = json!([
        {"id": "g-2", "@removed": {"reason": "deleted"}},
        {"id": "g-2", "displayName": "Board", "members@delta": [
            of_type("user", "u-2"),
            {"@odata.type": "#microsoft.graph.user", "id": "u-2", "@removed": {"reason": "deleted"}}]},
    ]);
    let changes = changes(users, groups);
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(changes[0], DirectoryChange::Group(group("g-2"), "Board".into()));
    assert!(matches!(&changes[1], DirectoryChange::User(adele)
        if names(adele) == ["adele@contoso.com", "av@contoso.com", "a@contoso.com", "b@contoso.com"]));
    assert_eq!(changes[2], DirectoryChange::Member(group("g-2"), user("u-2")));
}

#[test]
fn d11_several_records_of_one_object_are_merged() {
    let (said, unsaid) = ALL_NAMES.split_at(3);
    let part = |names: &[&str]| {
        let mut record: Value = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        record["id"] = json!("u-1");
        record
    };
    let (mut first, mut second) = (part(said), part(unsaid));
    first["userPrincipalName"] = json!("adele@contoso.com");
    first["accountEnabled"] = json!(true);
    second["accountEnabled"] = json!(false);
    let groups = json!([{"id": "g-1", "displayName": "Works council"}, {"id": "g-1"}]);
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com")).with_status(UserStatus::Disabled);
    assert_eq!(
        changes(json!([first, second]), groups),
        [DirectoryChange::Group(group("g-1"), "Works council".into()), DirectoryChange::User(adele)],
        "both together speak of every name"
    );
}

#[test]
fn b1_rejections_are_in_order() {
    let groups = json!([{"id": "g-1", "members@delta": [{"id": "nobody"}]}, 7]);
    let import = sync(json!([]), groups).into_delta(&before()).unwrap();
    assert!(import.rejected().is_sorted_by_key(|rejected| rejected.place), "{import:?}");
    assert_eq!(import.rejected().len(), 2);
}

#[test]
fn d10_untyped_member_has_known_type() {
    let users = json!([{"id": "u-5", "userPrincipalName": "e@contoso.com"}]);
    let ids = ["u-1", "u-2", "u-5", "g-2", "g-5"];
    let members: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let groups = json!([{"id": "g-1", "members@delta": members}, {"id": "g-5", "displayName": "New"}]);
    let changes = changes(users, groups);
    let g = || group("g-1");
    for joined in [
        DirectoryChange::Member(g(), user("u-1")),
        DirectoryChange::Member(g(), user("u-2")),
        DirectoryChange::Member(g(), user("u-5")),
        DirectoryChange::Nested(g(), group("g-2")),
        DirectoryChange::Nested(g(), group("g-5")),
    ] {
        assert!(changes.contains(&joined), "{joined:?}");
    }
    assert_eq!(changes.len(), 8);
}

#[test]
fn d10_known_group_of_type_user_is_both() {
    let groups = json!([{"id": "g-1", "members@delta": [of_type("user", "g-2")]}]);
    assert!(changes(json!([]), groups).contains(&DirectoryChange::Nested(group("g-1"), group("g-2"))));
}

#[test]
fn b1_member_of_unknown_type_is_rejected() {
    let groups = json!([{"id": "g-1", "members@delta": [of_type("user", "u-1"), {"id": "nobody"}]}]);
    let import = sync(json!([]), groups).into_delta(&before()).unwrap();
    assert_eq!(
        messages(&import),
        [
            "page 2, record 1, member 2: field `@odata.type` is missing or empty, expected a type, or the id of a known user \
             or group"
        ]
    );
    assert_eq!((import.read(), import.ignored()), (3, 0));
    assert!(import.into_complete().is_err());
}

#[test]
fn d11_untyped_removed_member_is_removed() {
    let gone = |id: &str| json!({"id": id, "@removed": {"reason": "deleted"}});
    let groups = json!([{"id": "g-1", "members@delta": [gone("g-2"), gone("u-1"), gone("nobody")]}]);
    assert_eq!(
        changes(json!([]), groups)[1..],
        [
            DirectoryChange::RemoveNesting(group("g-1"), group("g-2")),
            DirectoryChange::RemoveMember(group("g-1"), user("nobody")),
            DirectoryChange::RemoveMember(group("g-1"), user("u-1")),
        ]
    );
}

#[test]
fn b1_user_without_known_name_is_rejected() {
    let import = sync(json!([{"id": "u-2", "mail": "b@contoso.com"}]), json!([])).into_delta(&before()).unwrap();
    assert_eq!(
        messages(&import),
        [
            "page 1, record 1: field `userPrincipalName` is missing or empty, expected the sign-in name or, if it is null, \
          another name; add both to `$select`"
        ]
    );
}

#[test]
fn d11_delta_makes_no_directory() {
    let mut sync = Sync::new();
    let link = "https://graph.example/users/delta?$deltaToken=1";
    sync.ask(Listing::Users, link);
    sync.ask(Listing::Groups, GROUPS);
    sync.page(link, last(json!([])).to_string().as_bytes()).unwrap();
    sync.page(GROUPS, last(json!([])).to_string().as_bytes()).unwrap();
    assert_eq!(sync.into_builder().unwrap_err(), IncompleteSync::OnlyChanges);
}

#[test]
fn d11_directory_needs_users_and_groups() {
    let before = before();
    assert_eq!(Sync::new().into_delta(&before).unwrap_err(), IncompleteSync::NotAsked);
    for (listing, link) in [(Listing::Users, USERS), (Listing::Groups, GROUPS)] {
        let mut sync = Sync::new();
        sync.ask(listing, link);
        sync.page(link, last(json!([])).to_string().as_bytes()).unwrap();
        assert_eq!(sync.into_builder().unwrap_err(), IncompleteSync::NotAsked);
    }
}

#[test]
fn d11_directory_without_any_member_is_rejected() {
    let import = sync(json!([]), json!([{"id": "g-1", "displayName": "Council"}])).into_builder().unwrap();
    assert_eq!(
        messages(&import),
        ["input: field `members@delta` is missing or empty, expected members of at least one group; add \
             `members` to `$select`"]
    );
    let empty = json!([{"id": "g-1", "displayName": "Council", "members@delta": []}]);
    assert!(sync(json!([]), empty).into_builder().unwrap().into_complete().is_ok());
}

/// Records of one sync have no order: a user who joined a group in it may have been in a group that contained that
/// group.
#[test]
fn d11_group_removed_in_sync_keeps_members_added_in_it() {
    let groups = json!([
        {"id": "g-1", "@removed": {"reason": "deleted"}},
        {"id": "g-2", "members@delta": [of_type("user", "u-3")]},
    ]);
    let delta = changes(json!([]), groups).into_iter().fold(DirectoryDelta::new(), DirectoryDelta::push);
    let next = before().apply(&delta, DirectoryRevision(2), at(1)).unwrap();
    let gone = next.removed_group(&group("g-1")).unwrap();
    let members: Vec<&str> = gone.members().iter().map(|member| member.id().as_str()).collect();
    assert_eq!(members, ["u-1", "u-2", "u-3"]);
}
