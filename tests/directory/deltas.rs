//! Deltas lead to the same state as full imports.

use activity_privacy::directory::GroupDirectory;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use activity_privacy::activity::Activity;
use activity_privacy::directory::{
    DirectoryBuilder, DirectoryDelta, DirectoryRevision, DirectorySnapshot, ImportError, Resolution, User,
};
use activity_privacy::engine::{PolicyEngine, Verdict};
use activity_privacy::identity::{Alias, GroupId, Identity};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{PolicyChange, PrivacyPolicy};
use activity_privacy::strategies::{ImportedDirectory, activities, identities, imports, policy_changes};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fixture::{activity, admins, alias, at, changed, contoso, group, people, user};

/// The content of a snapshot, by name.
#[derive(Debug, PartialEq)]
struct Said {
    groups: BTreeMap<GroupId, (String, BTreeSet<String>)>,
    users: BTreeMap<String, serde_json::Value>,
    memberships: BTreeMap<String, BTreeSet<GroupId>>,
    led_to: Vec<String>,
    removed: BTreeMap<GroupId, (DirectoryRevision, BTreeMap<String, serde_json::Value>)>,
}

fn said(snapshot: &DirectorySnapshot, asked: &[Identity], groups: &BTreeSet<GroupId>) -> Said {
    let record = |user: &User| (user.id().as_str().to_owned(), serde_json::to_value(user).unwrap());
    let by_any_name = |user: &User| {
        let (id, mut document) = record(user);
        if let Some(aliases) = document.get_mut("aliases").and_then(serde_json::Value::as_array_mut) {
            aliases.sort_by_key(ToString::to_string);
        }
        (id, document)
    };
    let members = |group: &GroupId| snapshot.all_members(group).iter().map(|id| id.as_str().to_owned()).collect();
    let removed = groups.iter().filter_map(|group| snapshot.removed_group(group)).collect::<Vec<_>>();
    Said {
        groups: snapshot.groups().map(|(id, name)| (id.clone(), (name.to_owned(), members(id)))).collect(),
        users: snapshot.users().map(|user| record(&user)).collect(),
        memberships: snapshot
            .users()
            .map(|user| {
                let groups = snapshot.groups_of(user.id()).into_iter().cloned().collect();
                (user.id().as_str().to_owned(), groups)
            })
            .collect(),
        led_to: asked
            .iter()
            .map(|identity| match snapshot.resolve(identity) {
                Resolution::Known(user) => user.id().as_str().to_owned(),
                other => format!("{other:?}"),
            })
            .collect(),
        // With any of their names first.
        removed: removed
            .iter()
            .map(|gone| (gone.group().clone(), (gone.removed_in(), gone.members().iter().map(by_any_name).collect())))
            .collect(),
    }
}

fn every_identity(imports: &[ImportedDirectory], more: Vec<Identity>) -> Vec<Identity> {
    let users = || imports.iter().flat_map(|import| &import.users);
    let aliases = users().flat_map(|user| user.aliases().iter().cloned().map(Identity::from));
    let ids = imports.iter().flat_map(|import| import.members.iter().map(|(_, user)| user.clone().into()));
    aliases.chain(ids).chain(users().map(|user| user.id().clone().into())).chain(more).collect()
}

fn every_group(imports: &[ImportedDirectory]) -> BTreeSet<GroupId> {
    imports.iter().flat_map(|import| import.groups.iter().cloned()).collect()
}

/// The first changes of a source that tracks removed groups: a restored group has lost the members and nested groups
/// that it does not have now. Without these changes it continues from its last known members.
fn release(before: &[ImportedDirectory], next: &ImportedDirectory) -> DirectoryDelta {
    let last = before.last().map_or(&[][..], |last| &last.groups);
    let is_back = |group: &GroupId| !last.contains(group) && next.groups.contains(group);
    let back = next.groups.iter().filter(|group| is_back(group));
    let delta = back.fold(DirectoryDelta::new(), |delta, group| delta.group(group.clone(), group.as_str()));
    let members = before.iter().flat_map(|import| &import.members);
    let members = members.filter(|member| is_back(&member.0) && !next.members.contains(member));
    let delta = members.fold(delta, |delta, (group, user)| delta.without_member(group, user));
    let nested = before.iter().flat_map(|import| &import.nested);
    let nested = nested.filter(|(group, child)| is_back(group) || is_back(child));
    let nested = nested.filter(|nesting| next.groups.contains(&nesting.0) && !next.nested.contains(nesting));
    nested.fold(delta, |delta, (group, child)| delta.without_nested(group, child))
}

/// The decisions of the policies that each make one group private.
fn decided(directory: &Arc<DirectorySnapshot>, groups: &BTreeSet<GroupId>, asked: &[Activity]) -> Vec<Vec<Verdict>> {
    let decided = |group: &GroupId| {
        let all = DirectoryBuilder::new().group(group.clone(), "").build(DirectoryRevision(1), at(0)).unwrap();
        let private = PolicyChange::MakePrivate(group.clone().into());
        let policy = changed(&PrivacyPolicy::initial(&admins()), &private, Some(&all)).unwrap();
        let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(directory)));
        engine.verdicts(asked, at(50)).into_iter().map(|(verdict, _)| verdict).collect()
    };
    groups.iter().map(decided).collect()
}

proptest! {
    #[test]
    fn d11_deltas_equal_full_imports(
        imports in vec(imports(), 2..6),
        more in vec(identities(), 0..4),
        twice in any::<bool>(),
        activities in vec(activities(), 1..12),
    ) {
        let (asked, groups) = (every_identity(&imports, more), every_group(&imports));
        let mut whole = imports[0].snapshot(DirectoryRevision(1), at(1)).unwrap();
        let mut stepped = imports[0].snapshot(DirectoryRevision(1), at(1)).unwrap();
        for (revision, step) in (2_u64..).zip(imports.windows(2)) {
            let earlier = &imports[..revision as usize - 1];
            let (revision, as_of) = (DirectoryRevision(revision), at(revision as i64));
            whole = step[1].snapshot(revision, as_of).unwrap().carry_over_from(&whole);
            let changes = step[0].delta_to(&step[1]);
            let mut delta = changes.changes().iter().cloned().fold(release(earlier, &step[1]), DirectoryDelta::push);
            if twice {
                // A repeated fact, as when a page is fetched again, changes nothing.
                delta = delta.changes().iter().cloned().fold(delta.clone(), DirectoryDelta::push);
            }
            let before = said(&stepped, &asked, &groups);
            let next = stepped.apply(&delta, revision, as_of).unwrap();
            prop_assert_eq!(said(&stepped, &asked, &groups), before, "a snapshot never changes");
            prop_assert!(next.is_successor_of(&stepped) && !stepped.is_successor_of(&next));
            stepped = next.carry_over_from(&stepped);
            prop_assert_eq!((stepped.revision(), stepped.as_of()), (revision, as_of));
            let (mut by_steps, by_imports) = (said(&stepped, &asked, &groups), said(&whole, &asked, &groups));
            // A delta cannot remove the nesting of a removed group, so a restored group has it as before.
            let of_imports = &by_imports.removed;
            for (group, (_, members)) in &mut by_steps.removed {
                members.retain(|id, _| of_imports.get(group).is_some_and(|(_, members)| members.contains_key(id)));
            }
            prop_assert_eq!(by_steps, by_imports, "after revision {}", revision);
            let of = |directory: &DirectorySnapshot| decided(&Arc::new(directory.clone()), &groups, &activities);
            for (stepped, whole) in of(&stepped).iter().flatten().zip(of(&whole).iter().flatten()) {
                prop_assert!(stepped == whole || *stepped == Verdict::Private, "after revision {}", revision);
            }
        }
    }

    #[test]
    fn d1_updated_engine_decides_as_new_one(
        imports in vec(imports(), 2..6),
        changes in vec(policy_changes(), 0..12),
        activities in vec(activities(), 1..12),
    ) {
        let mut snapshot = Arc::new(imports[0].snapshot(DirectoryRevision(1), at(1)).unwrap());
        let mut policy = PrivacyPolicy::initial(&admins());
        for change in &changes {
            policy = changed(&policy, change, Some(&snapshot)).unwrap_or(policy);
        }
        let policy = Arc::new(policy);
        let mut followed = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&snapshot)));
        for (revision, step) in (2..).zip(imports.windows(2)) {
            let next = snapshot.apply(&step[0].delta_to(&step[1]), DirectoryRevision(revision), at(revision as i64));
            snapshot = Arc::new(next.unwrap());
            followed = followed.updated(Arc::clone(&policy), Ok(Arc::clone(&snapshot)), &[]);
            let anew = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&snapshot)));
            for activity in &activities {
                let now = at(revision as i64 + 10);
                prop_assert_eq!(followed.verdict(activity, now), anew.verdict(activity, now));
            }
            prop_assert_eq!(followed.verdicts(&activities, at(20)), anew.verdicts(&activities, at(20)));
        }
    }
}

#[test]
fn d11_inconsistent_delta_changes_nothing() {
    let before = people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap();
    let delta =
        DirectoryDelta::new().without_member(&group("council"), &user("adele")).member(&group("board"), &user("bob"));
    let error = before.apply(&delta, DirectoryRevision(2), at(1)).unwrap_err();
    assert_eq!(error, ImportError::UnknownGroup(group("board")));
    assert!(before.all_members(&group("council")).contains(&user("adele")));
    assert!(before.all_members(&group("council")).len() == 1 && before.group_name(&group("board")).is_none());
}

#[test]
fn d8_name_leads_to_current_holder() {
    let before = people(&[("adele", &["council"]), ("bob", &["staff"])]).build(DirectoryRevision(1), at(0)).unwrap();
    let name = Identity::from(alias("Adele@Contoso.com"));
    let holder = |snapshot: &DirectorySnapshot| match snapshot.resolve(&name) {
        Resolution::Known(user) => user.id().as_str().to_owned(),
        other => format!("{other:?}"),
    };
    assert_eq!(holder(&before), "adele");
    // Bob was given the name before it was removed from Adele.
    let bob = contoso("bob").with_alias(alias("adele@contoso.com"));
    let both = before.apply(&DirectoryDelta::new().user(bob.clone()), DirectoryRevision(2), at(1)).unwrap();
    assert_eq!(holder(&both), "Ambiguous");
    let renamed = DirectoryDelta::new().user(User::new(user("adele")).with_alias(alias("adele.vance@contoso.com")));
    let after = both.apply(&renamed, DirectoryRevision(3), at(2)).unwrap();
    assert_eq!(holder(&after), "bob");
    // A deleted user does not get it back, though a group still lists the user.
    let gone = after.apply(&DirectoryDelta::new().without_user(&user("bob")), DirectoryRevision(4), at(3)).unwrap();
    assert_eq!(holder(&gone), "bob", "known by it as long as nobody else holds it");
    let taken = DirectoryDelta::new().user(contoso("eve").with_alias(alias("adele@contoso.com")));
    let taken = gone.apply(&taken, DirectoryRevision(5), at(4)).unwrap();
    assert_eq!(holder(&taken), "eve");
    let Resolution::Known(bob) = taken.resolve(&user("bob").into()) else { panic!("a group lists Bob") };
    assert_eq!(bob.aliases().iter().map(Alias::as_str).collect::<Vec<_>>(), ["bob@contoso.com"]);
}

#[test]
fn d11_many_small_deltas_equal_one_large() {
    let directory = MemoryDirectory::new();
    let groups: Vec<GroupId> = (0..40).map(|n| group(&format!("g-{n}"))).collect();
    let mut import = DirectoryBuilder::new();
    for group in &groups {
        import = import.group(group.clone(), "Some");
    }
    for n in 0..2_000 {
        import = import.user(contoso(&format!("u{n}"))).member(&groups[n % 40], &user(&format!("u{n}")));
    }
    directory.install(import.build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
    // More than are remembered one by one, and enough to build the index again in between.
    for step in 0..600_usize {
        let mut delta = DirectoryDelta::new();
        for n in (step * 7..step * 7 + 20).map(|n| n % 2_000) {
            let name = format!("u{n}");
            delta = delta
                .user(contoso(&name).with_alias(alias(&format!("{name}.{step}@contoso.com"))))
                .without_member(&groups[n % 40], &user(&name))
                .member(&groups[(n + step) % 40], &user(&name))
                .member(&groups[n % 40], &user(&format!("new-{step}")));
        }
        let before = directory.snapshot().unwrap();
        let next = before.apply(&delta, DirectoryRevision(step as u64 + 2), at(step as i64)).unwrap();
        directory.install(next).unwrap();
    }
    let last = directory.snapshot().unwrap();
    assert_eq!(last.users().count(), 2_600);
    let last_name = Identity::from(alias("U199.599@contoso.com"));
    let of_599 = (599 * 7..599 * 7 + 20).map(|n| n % 2_000).collect::<Vec<_>>();
    assert!(of_599.contains(&199), "{of_599:?}");
    assert!(matches!(last.resolve(&last_name), Resolution::Known(known) if known.id() == &user("u199")));
    assert_eq!(last.resolve(&Identity::from(alias("u199.313@contoso.com"))), Resolution::Unknown, "a name of before");
    let found: usize = groups.iter().map(|group| last.all_members(group).len()).sum();
    let told: usize = last.users().map(|user| last.groups_of(user.id()).len()).sum();
    assert_eq!(found, told);
}

#[test]
fn d6_members_are_found_after_unlisted_users() {
    let empty = DirectoryBuilder::new().group(group("council"), "council").build(DirectoryRevision(1), at(0)).unwrap();
    let mut delta = DirectoryDelta::new();
    for n in 0..1_300 {
        delta = delta.user(contoso(&format!("u{n}")));
    }
    let members = [550, 1_290].map(|n| format!("u{n}"));
    for name in &members {
        delta = delta.member(&group("council"), &user(name));
    }
    let next = Arc::new(empty.apply(&delta, DirectoryRevision(2), at(1)).unwrap());
    assert_eq!(next.all_members(&group("council")), members.iter().map(|name| user(name)).collect::<BTreeSet<_>>());
    let private = PolicyChange::MakePrivate(group("council").into());
    let policy = changed(&PrivacyPolicy::initial(&admins()), &private, Some(&next)).unwrap();
    let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&next)));
    for name in (0..1_300).map(|n| format!("u{n}")) {
        let expected = if members.contains(&name) { Verdict::Private } else { Verdict::Public };
        assert_eq!(engine.verdict(&activity("a", &name), at(2)).0, expected, "{name}");
    }
}
