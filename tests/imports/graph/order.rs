//! The order of pages and of their entries is insignificant.

use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, Resolution, User,
};
use activity_privacy::import::graph::{Listing, Sync};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::{GROUPS, USERS, last, more, of_type, snapshot};
use crate::fixture::{alias, group, user};

const PEOPLE: [&str; 4] = ["u-1", "u-2", "u-3", "x-1"];
const TEAMS: [&str; 4] = ["g-1", "g-2", "g-3", "x-1"];

fn before() -> DirectorySnapshot {
    let adele = User::new(user("u-1")).with_alias(alias("adele@contoso.com"));
    let builder =
        DirectoryBuilder::new().user(adele).group(group("g-1"), "Council").member(&group("g-1"), &user("u-2"));
    snapshot(builder)
}

fn user_record() -> impl Strategy<Value = Value> {
    let name = || option::of(select(&["a@contoso.com", "B@contoso.com", "c@fabrikam.com"][..]));
    (select(&PEOPLE[..]), name(), option::of(name()), option::of(any::<bool>()), any::<bool>()).prop_map(
        |(id, upn, mail, enabled, removed)| {
            let mut record = json!({"id": id});
            if removed {
                record["@removed"] = json!({"reason": "changed"});
                return record;
            }
            if let Some(upn) = upn {
                record["userPrincipalName"] = json!(upn);
            }
            if let Some(mail) = mail {
                record["mail"] = json!(mail);
            }
            if let Some(enabled) = enabled {
                record["accountEnabled"] = json!(enabled);
            }
            record
        },
    )
}

fn member() -> impl Strategy<Value = Value> {
    let kinds = select(&["user", "group", "device", ""][..]);
    let ids = select(&["u-1", "u-2", "g-1", "g-2", "x-1", "y-1"][..]);
    (kinds, ids, any::<bool>()).prop_map(|(kind, id, removed)| {
        let mut member = if kind.is_empty() { json!({"id": id}) } else { of_type(kind, id) };
        if removed {
            member["@removed"] = json!({"reason": "deleted"});
        }
        member
    })
}

fn group_record() -> impl Strategy<Value = Value> {
    let name = option::of(select(&["Council", "Board"][..]));
    (select(&TEAMS[..]), name, option::of(vec(member(), 0..4)), prop::bool::weighted(0.2)).prop_map(
        |(id, name, members, removed)| {
            if removed {
                return json!({"id": id, "@removed": {"reason": "deleted"}});
            }
            let mut record = json!({"id": id});
            if let Some(name) = name {
                record["displayName"] = json!(name);
            }
            if let Some(members) = members {
                record["members@delta"] = json!(members);
            }
            record
        },
    )
}

/// Records, the same records in another order, and the number of records per page.
fn records(one: impl Strategy<Value = Value>) -> impl Strategy<Value = (Vec<Value>, Vec<Value>, usize)> {
    vec(one, 0..8).prop_flat_map(|records| (Just(records.clone()), Just(records).prop_shuffle(), 1..4usize))
}

/// Reads records as pages of this size, users first or groups first.
fn read(users: &[Value], groups: &[Value], to_a_page: usize, groups_first: bool) -> Sync {
    let mut sync = Sync::new();
    sync.ask(Listing::Users, USERS);
    sync.ask(Listing::Groups, GROUPS);
    let mut listings = [(USERS, users), (GROUPS, groups)];
    if groups_first {
        listings.reverse();
    }
    for (first, records) in listings {
        let mut link = first.to_owned();
        for (at, page) in records.chunks(to_a_page).enumerate() {
            let next = format!("{first}&$skiptoken={at}");
            sync.page(&link, more(&next, json!(page)).to_string().as_bytes()).unwrap();
            link = next;
        }
        sync.page(&link, last(json!([])).to_string().as_bytes()).unwrap();
    }
    sync
}

/// Returns the number of records: entries, and the members that they list.
fn count(records: &[Value]) -> u64 {
    let members = |record: &Value| record["members@delta"].as_array().map_or(0, Vec::len);
    records.iter().map(|record| 1 + members(record) as u64).sum()
}

/// Returns the content of an import, with its rejections sorted.
fn seen(delta: &activity_privacy::import::Import<DirectoryDelta>) -> (u64, u64, Vec<String>) {
    let mut reasons: Vec<String> = delta.rejected().iter().map(|rejected| rejected.reason.to_string()).collect();
    reasons.sort();
    (delta.read(), delta.ignored(), reasons)
}

proptest! {
    #[test]
    fn d11_order_of_pages_is_insignificant(
        (users, other_users, page) in records(user_record()),
        (groups, other_groups, other_page) in records(group_record()),
        groups_first in any::<bool>(),
    ) {
        let before = before();
        let one = read(&users, &groups, page, false).into_delta(&before).unwrap();
        let other = read(&other_users, &other_groups, other_page, groups_first).into_delta(&before).unwrap();
        prop_assert_eq!(seen(&one), seen(&other));
        prop_assert_eq!(one.read(), count(&users) + count(&groups));
        prop_assert!(one.ignored() + one.rejected().len() as u64 <= one.read());
        let (one, other) = (one.into_partial(), other.into_partial());
        prop_assert_eq!(one.changes(), other.changes());

        let one = read(&users, &groups, page, false).into_builder().unwrap().into_partial();
        let other = read(&other_users, &other_groups, other_page, groups_first).into_builder().unwrap();
        let build = |builder: DirectoryBuilder| builder.build(DirectoryRevision(1), before.as_of());
        match (build(one), build(other.into_partial())) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(one.groups().collect::<Vec<_>>(), other.groups().collect::<Vec<_>>());
                for id in TEAMS {
                    prop_assert_eq!(one.all_members(&group(id)), other.all_members(&group(id)));
                }
                for id in PEOPLE {
                    let found = |snapshot: &DirectorySnapshot| match snapshot.resolve(&user(id).into()) {
                        Resolution::Known(user) => Some(user.clone()),
                        _ => None,
                    };
                    prop_assert_eq!(found(&one), found(&other));
                }
            }
            (one, other) => prop_assert_eq!(one.err(), other.err()),
        }
    }

    #[test]
    fn d11_member_listed_on_any_page_is_member(groups in vec(group_record(), 0..8)) {
        let delta = read(&[], &groups, 2, false).into_delta(&before()).unwrap().into_partial();
        let there = |id: &str| groups.iter().any(|record| record["id"] == id && record.get("@removed").is_none());
        for record in groups.iter().filter(|record| record.get("@removed").is_none()) {
            let of = group(record["id"].as_str().unwrap());
            prop_assert!(!delta.changes().contains(&DirectoryChange::RemoveGroup(of.clone())));
            for member in record["members@delta"].as_array().into_iter().flatten() {
                let id = member["id"].as_str().unwrap();
                if member.get("@removed").is_some() || member["@odata.type"] == "#microsoft.graph.device" {
                    continue;
                }
                prop_assert!(!delta.changes().contains(&DirectoryChange::RemoveMember(of.clone(), user(id))));
                prop_assert!(!delta.changes().contains(&DirectoryChange::RemoveNesting(of.clone(), group(id))));
                match member["@odata.type"].as_str() {
                    Some("#microsoft.graph.user") => {
                        prop_assert!(delta.changes().contains(&DirectoryChange::Member(of.clone(), user(id))));
                    }
                    Some("#microsoft.graph.group") if there(id) => {
                        prop_assert!(delta.changes().contains(&DirectoryChange::Nested(of.clone(), group(id))));
                    }
                    _ => {}
                }
            }
        }
    }
}
