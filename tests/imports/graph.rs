//! Microsoft Graph: syncs that result in directories and deltas.

mod broken;
mod delta;
mod naming;
mod order;

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryRevision, DirectorySnapshot, Resolution, User, UserStatus,
};
use activity_privacy::identity::{Alias, GroupId};
use activity_privacy::import::Import;
use activity_privacy::import::graph::{IncompleteSync, Listing, Sync};
use serde_json::{Value, json};

use crate::fixture::{alias, at, group, user};

pub(super) const USERS: &str = "https://graph.example/v1.0/users/delta?$select=userPrincipalName";
pub(super) const GROUPS: &str = "https://graph.example/v1.0/groups/delta?$select=displayName,members";

/// Returns the last page of a delta query.
pub(super) fn last(entries: Value) -> Value {
    json!({"@odata.deltaLink": "https://graph.example/v1.0/delta?$deltatoken=next", "value": entries})
}

/// Returns a page with a next link.
pub(super) fn more(next: &str, entries: Value) -> Value {
    json!({"@odata.nextLink": next, "value": entries})
}

/// Reads delta queries of one page each.
pub(super) fn sync(users: Value, groups: Value) -> Sync {
    let mut sync = Sync::new();
    sync.ask(Listing::Users, USERS);
    sync.ask(Listing::Groups, GROUPS);
    sync.page(USERS, last(users).to_string().as_bytes()).unwrap();
    sync.page(GROUPS, last(groups).to_string().as_bytes()).unwrap();
    sync
}

pub(super) fn snapshot(builder: DirectoryBuilder) -> DirectorySnapshot {
    builder.build(DirectoryRevision(1), at(0)).unwrap()
}

pub(super) fn messages<T>(import: &Import<T>) -> Vec<String> {
    import.rejected().iter().map(ToString::to_string).collect()
}

pub(super) fn of_type(kind: &str, id: &str) -> Value {
    json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": id})
}

fn known(snapshot: &DirectorySnapshot, name: &str) -> User {
    match snapshot.resolve(&user(name).into()) {
        Resolution::Known(user) => user,
        other => panic!("{other:?}"),
    }
}

fn names(user: &User) -> Vec<&str> {
    user.aliases().iter().map(Alias::as_str).collect()
}

#[test]
fn d8_user_has_every_name_from_graph() {
    let record = json!({
        "id": "u-1", "mail": "adele.vance@contoso.com", "userPrincipalName": "adele@contoso.com", "displayName": "Adele",
        "proxyAddresses": ["smtp:av@contoso.example", "SMTP:adele.vance@contoso.com", "X500:/o=Contoso/cn=adele",
                           "SIP:adele@chat.contoso.com", "eum:2222;phone-context=x", "bare@contoso.com", ""],
        "otherMails": ["adele@home.example"], "onPremisesUserPrincipalName": "adele@corp.example",
        "onPremisesSamAccountName": "avance", "accountEnabled": true,
    });
    let import = sync(json!([record]), json!([])).into_builder().unwrap();
    let adele = known(&snapshot(import.into_complete().unwrap()), "u-1");
    assert_eq!(
        names(&adele),
        [
            "adele@contoso.com",
            "adele.vance@contoso.com",
            "adele@chat.contoso.com",
            "av@contoso.example",
            "bare@contoso.com",
            "adele@home.example",
            "adele@corp.example",
            "avance",
        ]
    );
    assert_eq!(adele.status(), UserStatus::Active);
}

#[test]
fn d7_mail_of_guest_determines_no_home_domain() {
    let guest = json!({"id": "u-1", "userPrincipalName": "a_fabrikam.com#EXT#@contoso.com", "mail": "a@fabrikam.com",
                       "userType": "Guest"});
    let import = sync(json!([guest]), json!([])).into_builder().unwrap();
    let guest = known(&snapshot(import.into_complete().unwrap()), "u-1");
    assert_eq!(guest.stated_home_domain(), None);
    assert!(guest.aliases()[0].is_guest(), "the name that tells the home is the first");
}

#[test]
fn d10_cyclic_groups_are_imported() {
    let groups = json!([
        {"id": "g-1", "displayName": "Council", "members@delta": [of_type("group", "g-2")]},
        {"id": "g-2", "displayName": "Board", "members@delta": [of_type("group", "g-1"), of_type("user", "u-1")]},
    ]);
    let import = sync(json!([]), groups).into_builder().unwrap();
    let snapshot = snapshot(import.into_complete().unwrap());
    assert!(snapshot.all_members(&group("g-1")).iter().any(|member| member.as_str() == "u-1"));
    assert_eq!(snapshot.group_name(&group("g-2")), Some("Board"));
}

#[test]
fn d11_disabled_user_stays_member() {
    let users = json!([
        {"id": "u-1", "userPrincipalName": "a@contoso.com", "accountEnabled": false},
        {"id": "u-2", "@removed": {"reason": "changed"}},
        {"id": "u-3", "@removed": {"reason": "deleted"}},
    ]);
    let groups = json!([{"id": "g-1", "displayName": "Council",
                         "members@delta": [of_type("user", "u-1"), of_type("user", "u-2"), of_type("user", "u-3")]}]);
    let snapshot = snapshot(sync(users, groups).into_builder().unwrap().into_complete().unwrap());
    assert_eq!(snapshot.all_members(&group("g-1")).len(), 3);
    assert_eq!(known(&snapshot, "u-1").status(), UserStatus::Disabled);
}

#[test]
fn b1_other_objects_are_counted_as_ignored() {
    let members: Vec<Value> =
        ["device", "orgContact", "servicePrincipal", "application", "agentIdentity", "user", "agentUser"]
            .iter()
            .enumerate()
            .map(|(at, kind)| of_type(kind, &format!("m-{at}")))
            .collect();
    let groups = json!([{"id": "g-1", "displayName": "Council", "members@delta": members}]);
    let import = sync(json!([]), groups).into_builder().unwrap();
    assert_eq!((import.read(), import.ignored(), import.rejected().len()), (8, 5, 0));
    assert_eq!(snapshot(import.into_complete().unwrap()).all_members(&group("g-1")).len(), 2);
}

#[test]
fn d12_unnamed_group_is_named_by_id() {
    let groups = json!([{"id": "g-1", "displayName": null, "members@delta": [of_type("user", "u-1")]}]);
    let snapshot = snapshot(sync(json!([]), groups).into_builder().unwrap().into_complete().unwrap());
    assert_eq!(snapshot.group_name(&group("g-1")), Some("g-1"));
}

/// Plain listings: users, groups, and the members of each group.
mod plain {
    use super::*;

    const USERS: &str = "https://graph.example/v1.0/users?$select=userPrincipalName";
    const GROUPS: &str = "https://graph.example/v1.0/groups";

    fn listed(groups: Value) -> Sync {
        let mut sync = Sync::new();
        sync.ask(Listing::Users, USERS);
        sync.ask(Listing::Groups, GROUPS);
        let users = json!({"@odata.context": "https://graph.example/v1.0/$metadata#users(id,userPrincipalName)",
                           "value": [{"id": "u-1", "userPrincipalName": "adele@contoso.com"}]});
        sync.page(USERS, users.to_string().as_bytes()).unwrap();
        let groups = json!({"@odata.context": "https://graph.example/v1.0/$metadata#groups", "value": groups});
        sync.page(GROUPS, groups.to_string().as_bytes()).unwrap();
        sync
    }

    fn members(sync: &mut Sync, of: &str, page: Value) {
        let link = format!("https://graph.example/v1.0/groups/{of}/members");
        sync.ask(Listing::Members(group(of)), &*link);
        sync.page(&link, page.to_string().as_bytes()).unwrap();
    }

    #[test]
    fn d11_directory_needs_members_of_every_group() {
        let groups = json!([{"id": "g-1", "displayName": "Council"}, {"id": "g-2", "displayName": "Board"}]);
        let mut sync = listed(groups.clone());
        assert_eq!(sync.groups().map(GroupId::as_str).collect::<Vec<_>>(), ["g-1", "g-2"]);
        members(&mut sync, "g-1", json!({"value": []}));
        let missing = sync.into_builder().unwrap_err();
        assert_eq!(missing, IncompleteSync::MembersNotAsked { group: group("g-2") });

        let mut sync = listed(groups);
        members(&mut sync, "g-1", json!({"value": [of_type("group", "g-2")]}));
        let with_names = json!({"@odata.type": "#microsoft.graph.user", "id": "u-1", "mail": "a.vance@contoso.com"});
        members(&mut sync, "g-2", json!({"value": [with_names, of_type("device", "d-1")]}));
        let import = sync.into_builder().unwrap();
        assert_eq!((import.read(), import.ignored()), (6, 1));
        let snapshot = snapshot(import.into_complete().unwrap());
        assert_eq!(snapshot.all_members(&group("g-1")).len(), 1);
        assert_eq!(names(&known(&snapshot, "u-1")), ["adele@contoso.com", "a.vance@contoso.com"]);
    }

    #[test]
    fn d11_pending_member_pages_prevent_result() {
        let mut sync = listed(json!([{"id": "g-1", "displayName": "Council"}]));
        sync.ask(Listing::Members(group("g-1")), "m");
        sync.page("m", more("m2", json!([of_type("user", "u-1")])).to_string().as_bytes()).unwrap();
        assert_eq!(sync.next_link(), Some("m2"));
        assert_eq!(sync.into_builder().unwrap_err(), IncompleteSync::PagesOpen { open: 1 });
    }

    #[test]
    fn d10_member_listing_of_one_type_is_rejected() {
        let mut sync = listed(json!([{"id": "g-1", "displayName": "Council"}]));
        sync.ask(Listing::Members(group("g-1")), "m");
        let page = |set: &str| {
            json!({"@odata.context": format!("https://graph.example/v1.0/$metadata#{set}"), "value": [of_type("user", "u-9")]})
                .to_string()
        };
        let casts = ["directoryObjects/microsoft.graph.user", "directoryObjects(id)/microsoft.graph.group"];
        for set in ["users", "groups", "users(id)", "Collection(microsoft.graph.user)"].into_iter().chain(casts) {
            assert!(sync.page("m", page(set).as_bytes()).is_err(), "{set}");
        }
        sync.page("m", page("directoryObjects(id)").as_bytes()).unwrap();
        assert_eq!(snapshot(sync.into_builder().unwrap().into_complete().unwrap()).all_members(&group("g-1")).len(), 1);
    }

    #[test]
    fn b1_unnamed_user_from_member_list_is_rejected() {
        let of = |member: Value| {
            let mut sync = listed(json!([{"id": "g-1", "displayName": "Council"}]));
            members(&mut sync, "g-1", json!({"value": [member]}));
            sync.into_builder().unwrap()
        };
        let by_id_alone = json!({"@odata.type": "#microsoft.graph.user", "id": "u-9", "mail": null});
        assert!(of(by_id_alone).into_complete().is_ok());
        let by_mail = json!({"@odata.type": "#microsoft.graph.user", "id": "u-9", "mail": "n@contoso.com"});
        assert_eq!(
            messages(&of(by_mail)),
            [
                "page 3, record 1: field `userPrincipalName` is missing or empty, expected the sign-in name or, if it is null, \
          another name; add both to `$select`"
            ]
        );
        let upn = json!({"@odata.type": "#microsoft.graph.user", "id": "u-9", "userPrincipalName": "n@contoso.com"});
        assert_eq!(names(&known(&snapshot(of(upn).into_complete().unwrap()), "u-9")), ["n@contoso.com"]);
    }

    #[test]
    fn d11_plain_listing_makes_no_delta() {
        let before = snapshot(DirectoryBuilder::new());
        assert_eq!(listed(json!([])).into_delta(&before).unwrap_err(), IncompleteSync::NoChanges);
    }

    #[test]
    fn d11_expanded_members_are_rejected() {
        let groups = json!([{"id": "g-1", "displayName": "Council", "members": [of_type("user", "u-1")]}]);
        let import = listed(groups).into_builder().unwrap();
        assert_eq!(
            messages(&import),
            ["page 2, record 1: field `members` is invalid, expected no expanded members; use a delta query, or \
              request `/groups/{id}/members`"]
        );
    }
}

#[test]
fn d8_name_resolves_to_user_with_record() {
    let users = json!([{"id": "u-1", "userPrincipalName": "Adele@Contoso.com"}]);
    let snapshot = snapshot(sync(users, json!([])).into_builder().unwrap().into_complete().unwrap());
    let found = snapshot.resolve(&alias("adele@contoso.com").into());
    assert!(matches!(found, Resolution::Known(found) if found.id().as_str() == "u-1"));
}
