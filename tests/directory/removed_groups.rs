//! D11: removed groups, their last members, and their restoration.

use std::collections::BTreeSet;
use std::sync::Arc;

use activity_privacy::activity::Actor;
use activity_privacy::directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, DirectorySnapshot, Resolution, User,
};
use activity_privacy::engine::{PolicyEngine, Verdict};
use activity_privacy::identity::UserId;
use activity_privacy::policy::{GroupRef, ManagedDomain, PolicyChange, PrivacyPolicy};

use crate::fixture::{activity, admins, alias, at, by, changed, contoso, group, people, user};

/// A directory with its successive snapshots.
struct Source {
    now: Arc<DirectorySnapshot>,
}

impl Source {
    fn new(first: DirectoryBuilder) -> Self {
        Self { now: Arc::new(first.build(DirectoryRevision(1), at(1)).unwrap()) }
    }

    fn next(&self) -> (DirectoryRevision, chrono::DateTime<chrono::Utc>) {
        let next = self.now.revision().0 + 1;
        (DirectoryRevision(next), at(next as i64))
    }

    fn delta(&mut self, delta: DirectoryDelta) -> &mut Self {
        let (revision, as_of) = self.next();
        self.now = Arc::new(self.now.apply(&delta, revision, as_of).unwrap());
        self
    }

    fn import(&mut self, import: DirectoryBuilder) -> &mut Self {
        let (revision, as_of) = self.next();
        self.now = Arc::new(import.build(revision, as_of).unwrap().carry_over_from(&self.now));
        self
    }

    fn remove(&mut self, name: &str) -> &mut Self {
        self.delta(DirectoryDelta::new().without_group(&group(name)))
    }

    fn add(&mut self, name: &str) -> &mut Self {
        self.delta(DirectoryDelta::new().group(group(name), name))
    }

    /// Asserts that exactly these users are hidden while one group is private.
    fn hides(&self, private: &str, hidden: &[&str]) -> &Self {
        let all = DirectoryBuilder::new().group(group(private), "").build(DirectoryRevision(1), at(0)).unwrap();
        let change = PolicyChange::MakePrivate(group(private).into());
        let policy = changed(&PrivacyPolicy::initial(&admins()), &change, Some(&all)).unwrap();
        let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&self.now)));
        let users = ["adele", "bob", "carl", "dan", "zoe"];
        let is_private = |name: &&str| engine.verdict(&activity("a", name), at(50)).0 == Verdict::Private;
        assert_eq!(users.into_iter().filter(is_private).collect::<Vec<_>>(), hidden, "while {private} is private");
        self
    }

    fn members(&self, name: &str) -> BTreeSet<UserId> {
        self.now.all_members(&group(name))
    }
}

fn ids(names: &[&str]) -> BTreeSet<UserId> {
    names.iter().map(|name| user(name)).collect()
}

const NOBODY: &[&str] = &[];

/// Adele is in the council, Bob in the inner council, Carl in the core of that, and Dan in none.
fn nested() -> DirectoryBuilder {
    let builder = people(&[("adele", &["council"]), ("bob", &["inner"]), ("carl", &["core"]), ("dan", &[])]);
    builder.nested(&group("council"), &group("inner")).nested(&group("inner"), &group("core"))
}

#[test]
fn d11_restored_group_keeps_its_last_members() {
    let mut source = Source::new(people(&[("adele", &["council"]), ("bob", &[])]));
    source.remove("council").hides("council", &["adele"]);
    assert!(source.now.group_name(&group("council")).is_none() && source.members("council").is_empty());
    source.add("council").hides("council", &["adele"]);
    assert_eq!(source.members("council"), ids(&["adele"]));
    // Its deltas change the known members.
    let (council, bob) = (group("council"), user("bob"));
    source.remove("council").delta(DirectoryDelta::new().group(council.clone(), "Council").member(&council, &bob));
    source.hides("council", &["adele", "bob"]);
    source.remove("council");
    source.delta(DirectoryDelta::new().group(council.clone(), "").without_member(&council, &user("adele")));
    source.hides("council", &["bob"]);
    // Until an import lists it.
    source.import(people(&[("adele", &["council"]), ("bob", &[])])).hides("council", &["adele"]);
}

#[test]
fn d11_group_removed_and_added_in_one_delta_keeps_members() {
    let mut source = Source::new(nested());
    let council = group("council");
    source.delta(
        DirectoryDelta::new().without_group(&council).group(council.clone(), "Again").member(&council, &user("dan")),
    );
    source.hides("council", &["adele", "bob", "carl", "dan"]);
    assert_eq!(source.now.group_name(&council), Some("Again"));
    // And removed again.
    source.delta(DirectoryDelta::new().without_group(&council).group(council.clone(), "").without_group(&council));
    source.hides("council", &["adele", "bob", "carl", "dan"]);
}

#[test]
fn d11_removed_nested_group_keeps_protecting() {
    for by_delta in [true, false] {
        let mut source = Source::new(nested());
        match by_delta {
            true => source.remove("inner"),
            false => source.import(people(&[("adele", &["council"]), ("bob", &[]), ("carl", &["core"]), ("dan", &[])])),
        };
        source.hides("council", &["adele", "bob", "carl"]).hides("inner", &["bob", "carl"]).hides("core", &["carl"]);
        assert_eq!(source.members("council"), ids(&["adele"]), "the directory says what it holds");
        // Two levels, and the remaining groups have changed since.
        let carl = DirectoryDelta::new().without_member(&group("core"), &user("carl"));
        source.delta(carl).hides("core", NOBODY).hides("council", &["adele", "bob", "carl"]);
        source.remove("core").remove("council").hides("council", &["adele", "bob", "carl"]);
        source.add("council").hides("council", &["adele", "bob", "carl"]);
        // It is not nested there any more once an import lists it.
        source.import(people(&[("adele", &["council"]), ("bob", &["inner"]), ("carl", &[]), ("dan", &[])]));
        source.hides("council", &["adele"]).hides("inner", &["bob"]);
        source.import(people(&[("adele", &["council"]), ("bob", &["inner"]), ("carl", &["core"]), ("dan", &[])]));
        source.hides("council", &["adele"]).hides("inner", &["bob"]);
    }
}

#[test]
fn d11_removing_nesting_of_removed_group_shows_no_member() {
    let mut source = Source::new(nested());
    let (council, inner) = (group("council"), group("inner"));
    let gone = DirectoryDelta::new().without_group(&inner).without_nested(&council, &inner);
    source.delta(gone.without_member(&inner, &user("bob")));
    source.delta(DirectoryDelta::new().without_nested(&council, &inner));
    source.hides("council", &["adele", "bob", "carl"]);
    source.add("inner").hides("council", &["adele", "bob", "carl"]);
    source.delta(DirectoryDelta::new().without_nested(&council, &inner)).hides("council", &["adele"]);
}

#[test]
fn d11_removed_group_keeps_members_that_nested_groups_lost() {
    let mut source = Source::new(nested());
    let let_go = || {
        DirectoryDelta::new()
            .without_member(&group("core"), &user("carl"))
            .without_nested(&group("inner"), &group("core"))
            .without_member(&group("inner"), &user("bob"))
            .member(&group("inner"), &user("dan"))
    };
    // In the same delta and in the next.
    source.remove("council").delta(let_go()).hides("council", &["adele", "bob", "carl"]).hides("inner", &["dan"]);
    source.add("council").hides("council", &["adele", "dan"]);
    let mut source = Source::new(nested());
    let gone = DirectoryDelta::new().without_group(&group("council"));
    source.delta(let_go().changes().iter().cloned().fold(gone, DirectoryDelta::push));
    source.hides("council", &["adele", "bob", "carl"]).hides("inner", &["dan"]);
    // The nested group was removed, restored and changed.
    source.remove("inner").hides("council", &["adele", "bob", "carl"]).hides("inner", &["dan"]);
    let mut source = Source::new(nested());
    source.remove("inner").remove("council").add("inner");
    source.delta(
        DirectoryDelta::new().without_member(&group("inner"), &user("bob")).member(&group("inner"), &user("dan")),
    );
    source.hides("council", &["adele", "bob", "carl"]).hides("inner", &["carl", "dan"]);
    source.import(people(&[("dan", &["inner"])]));
    // The core was nested in the inner council, which still exists.
    source.hides("council", &["adele", "bob", "carl"]).hides("inner", &["carl", "dan"]);
}

#[test]
fn d11_delta_keeps_members_added_before_removal() {
    let (council, inner, core, dan) = (group("council"), group("inner"), group("core"), user("dan"));
    let delta = DirectoryDelta::new;
    let users: &[&str] = &["adele", "bob", "carl", "dan"];
    let told = [
        delta().member(&core, &dan),
        delta().group(group("new"), "").member(&group("new"), &dan).nested(&inner, &group("new")),
        delta().group(group("new"), "").nested(&core, &group("new")).member(&group("new"), &dan),
    ];
    for told in told {
        let taken_back = delta().without_member(&core, &dan).without_member(&group("new"), &dan);
        for then in [delta(), taken_back] {
            let mut source = Source::new(nested());
            let all = told.changes().iter().cloned().chain([DirectoryChange::RemoveGroup(council.clone())]);
            let all = all.chain(then.changes().iter().cloned());
            source.delta(all.fold(delta(), DirectoryDelta::push)).hides("council", users);
        }
    }
    // A user who joined later, or who left earlier in the delta, is no last member.
    let mut source = Source::new(nested());
    source.delta(delta().without_group(&council).member(&core, &dan)).hides("council", &["adele", "bob", "carl"]);
    let mut source = Source::new(nested());
    source.delta(delta().member(&core, &dan).without_member(&core, &dan).without_group(&council));
    source.hides("council", &["adele", "bob", "carl"]);
}

#[test]
fn d11_delta_keeps_members_that_a_later_removal_lost() {
    let (council, inner, core) = (group("council"), group("inner"), group("core"));
    let mut source = Source::new(nested());
    let left = DirectoryDelta::new().without_group(&council).without_member(&inner, &user("bob"));
    source.delta(left.without_nested(&inner, &core).without_group(&inner));
    source.hides("council", &["adele", "bob", "carl"]).hides("inner", NOBODY);
}

#[test]
fn d11_restored_group_counts_for_group_removed_later() {
    let (council, inner, core) = (group("council"), group("inner"), group("core"));
    let mut source = Source::new(nested());
    source.remove("inner").delta(DirectoryDelta::new().member(&core, &user("dan")));
    source.hides("council", &["adele", "bob", "carl"]);
    source.delta(DirectoryDelta::new().group(inner.clone(), "").without_group(&council));
    source.hides("council", &["adele", "bob", "carl", "dan"]);
    // The last members of a group that was removed before did not change.
    let mut source = Source::new(nested());
    source.remove("inner").remove("council");
    let told = DirectoryDelta::new().group(inner.clone(), "").member(&inner, &user("dan"));
    source.delta(told.group(group("new"), "").nested(&group("new"), &inner).without_group(&group("new")));
    source.hides("council", &["adele", "bob", "carl"]).hides("new", &["bob", "carl", "dan"]);
}

#[test]
fn d11_removed_nested_group_protects_until_listed() {
    let only = |name: &'static str| people(&[("adele", &[name]), ("bob", &[]), ("carl", &[])]);
    let none = || people(&[("adele", &[]), ("bob", &[]), ("carl", &[])]);
    let all: &[&str] = &["adele", "bob", "carl"];
    let mut source = Source::new(nested());
    source.import(only("council")).hides("council", all);
    source.import(none()).hides("council", all);
    source.import(only("council")).hides("council", all);
    let mut source = Source::new(nested());
    source.import(none()).import(only("council")).hides("council", all);
    source.import(people(&[("adele", &["council"]), ("bob", &["inner"])])).hides("council", &["adele"]);
}

#[test]
fn d10_removed_cycles_end_and_keep_protecting() {
    let ring = || nested().nested(&group("core"), &group("council")).nested(&group("core"), &group("core"));
    let all: &[&str] = &["adele", "bob", "carl"];
    let mut source = Source::new(ring());
    for name in ["core", "inner", "council"] {
        source.remove(name).hides("council", all).hides("inner", all).hides("core", all);
    }
    for name in ["inner", "council", "core"] {
        source.add(name).hides("council", all).hides("inner", all).hides("core", all);
    }
    let mut source = Source::new(ring());
    source.import(people(&[("dan", &[])])).hides("council", all).hides("core", all);
    source.import(people(&[("dan", &["inner"])])).hides("council", all).hides("core", all);
    source.hides("inner", &["adele", "bob", "carl", "dan"]);
    source.import(people(&[("dan", &["inner", "core"])])).hides("council", all).hides("inner", &["dan"]);
}

#[test]
fn d11_removed_user_of_removed_group_keeps_names() {
    let mut source = Source::new(nested());
    let gone = DirectoryDelta::new().without_group(&group("council")).without_user(&user("adele"));
    source.delta(gone).hides("council", &["adele", "bob", "carl"]);
    assert_eq!(source.now.resolve(&alias("adele@contoso.com").into()), Resolution::Unknown);
    assert!(source.now.users().all(|known| *known.id() != user("adele")));
    source.import(people(&[("dan", &[])])).hides("council", &["adele", "bob", "carl"]);
    source.add("council").hides("council", &["adele", "bob", "carl"]);
    assert!(matches!(source.now.resolve(&alias("adele@contoso.com").into()), Resolution::Known(_)));
}

#[test]
fn d11_last_member_keeps_earlier_names() {
    let mut source = Source::new(people(&[("adele", &["council"])]));
    let renamed = || User::new(user("adele")).with_alias(alias("zoe@contoso.com"));
    source.remove("council").delta(DirectoryDelta::new().user(renamed())).hides("council", &["zoe"]);
    source.delta(DirectoryDelta::new().without_user(&user("adele"))).hides("council", &["adele", "zoe"]);
    let gone = source.now.removed_group(&group("council")).unwrap();
    assert_eq!(gone.members()[0].aliases().len(), 2);
    source.import(people(&[])).hides("council", &["adele", "zoe"]);
    // The record of another user has the name.
    source.import(people(&[]).user(contoso("bob").with_alias(alias("zoe@contoso.com")))).hides("council", &["adele"]);
}

#[test]
fn d11_group_of_uninstalled_snapshot_continues_from_installed_one() {
    let source = Source::new(nested());
    // An import without it, on which a delta restores it before anything was in force.
    let import = people(&[("dan", &[])]).build(DirectoryRevision(2), at(2)).unwrap();
    let delta = DirectoryDelta::new().group(group("council"), "").member(&group("council"), &user("dan"));
    let next = import.apply(&delta, DirectoryRevision(3), at(3)).unwrap().carry_over_from(&source.now);
    let source = Source { now: Arc::new(next) };
    source.hides("council", &["adele", "bob", "carl", "dan"]).hides("core", &["carl"]);
}

/// More members than are remembered in any case, in groups that are removed one after the other.
fn forgetting() -> Source {
    let mut builder = people(&[("adele", &["council"]), ("bob", &["outer"]), ("dan", &[])]);
    builder = builder
        .group(group("inner"), "")
        .nested(&group("outer"), &group("inner"))
        .member(&group("inner"), &user("carl"));
    let mut source = Source::new(builder);
    source.remove("council").remove("inner");
    for round in 0..2 {
        let crowd = group(&format!("crowd-{round}"));
        let delta = DirectoryDelta::new().group(crowd.clone(), "");
        let members = (0..40_000).map(|n| DirectoryChange::Member(crowd.clone(), user(&format!("u{n}"))));
        source.delta(members.fold(delta, DirectoryDelta::push)).remove(crowd.as_str());
    }
    source
}

#[test]
fn d11_group_with_forgotten_members_hides_everything_until_listed() {
    let users: &[&str] = &["adele", "bob", "carl", "dan", "zoe"];
    let mut source = forgetting();
    assert!(source.now.removed_group(&group("council")).is_none());
    assert_eq!(source.now.removed_group(&group("crowd-1")).map(|gone| gone.members().len()), Some(40_000));
    source.add("council").hides("council", users).hides("outer", users);
    let council = group("council");
    source.delta(DirectoryDelta::new().member(&council, &user("bob"))).hides("council", users);
    source.remove("council").add("council").hides("council", users);
    let listed = people(&[("adele", &["council"]), ("bob", &["outer"]), ("dan", &[])]);
    source.import(listed).hides("council", &["adele"]).hides("outer", &["bob"]);
}

#[test]
fn d11_forgotten_group_is_remembered_over_imports() {
    let mut source = forgetting();
    source.import(people(&[("dan", &[])])).import(people(&[("dan", &[])]));
    source.add("council").hides("council", &["adele", "bob", "carl", "dan", "zoe"]);
    source.add("never seen").hides("never seen", NOBODY);
}

/// Another user got the guest name, one import before the last.
#[test]
fn d7_guest_without_record_stays_external_over_imports() {
    let (council, guest) = (group("council"), user("guest"));
    let external = alias("g_fabrikam.com#EXT#@contoso.com");
    let member = || people(&[]).group(council.clone(), "").member(&council, &guest);
    let known = User::new(guest.clone()).with_alias(external.clone()).with_alias(alias("desk@contoso.com"));
    let mut source = Source::new(member().user(known));
    let heir = || member().user(contoso("heir").with_alias(external.clone()));
    source.import(heir()).import(heir()).import(heir());
    let mut policy = PrivacyPolicy::initial(&admins());
    for change in [
        PolicyChange::ManageDomain(ManagedDomain::exactly("contoso.com".parse().unwrap())),
        PolicyChange::MakePrivate(GroupRef::ExternalUsers),
    ] {
        policy = changed(&policy, &change, Some(&source.now)).unwrap();
    }
    let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&source.now)));
    assert_eq!(engine.verdict(&by("a", Actor::user(guest)), at(50)).0, Verdict::Private);
}
