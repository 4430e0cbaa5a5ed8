//! D11 among nodes and restarts: groups that a delta restores, and nested groups that are removed.

use activity_privacy::directory::GroupDirectory;
use std::sync::Arc;

use activity_privacy::directory::{DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryRevision, User};
use activity_privacy::engine::{Reason, UndecidableReason};
use activity_privacy::governance::{Event, RecordKind, RecordQuery};
use activity_privacy::memory::{MemorySink, MemoryStore};
use activity_privacy::policy::PolicyChange;

use crate::fixture::*;

impl Fixture {
    /// Installs what a delta makes of the directory in force.
    fn apply(&self, delta: DirectoryDelta) -> &Self {
        let before = self.directory.snapshot().unwrap();
        let revision = DirectoryRevision(before.revision().0 + 1);
        let next = Arc::new(before.apply(&delta, revision, before.as_of()).unwrap());
        self.filter.prewarm(&next).unwrap();
        self.directory.install(next).unwrap();
        self.filter.reconcile_directory().unwrap();
        self
    }

    /// Installs an import under a revision.
    fn import(&self, revision: u64, import: DirectoryBuilder) -> &Self {
        self.directory.install(import.build(DirectoryRevision(revision), at(0)).unwrap()).unwrap();
        self.filter.reconcile_directory().unwrap();
        self
    }

    /// Asserts that exactly these users are hidden. `name` is part of the ids of the activities.
    fn hides(&self, name: &str, hidden: &[&str]) -> &Self {
        let users = ["adele", "bob", "carl", "zed", "zoe"];
        let activities = users.map(|who| activity(&format!("{name}: {who}"), who));
        self.ingest(&activities);
        let found: Vec<&str> = users.into_iter().filter(|who| self.is_private(&format!("{name}: {who}"))).collect();
        assert_eq!(found, hidden, "{name}");
        self
    }

    fn said(&self) -> Vec<Event> {
        let query = RecordQuery { kind: Some(RecordKind::Directory), ..RecordQuery::default() };
        self.sink.records(&query, 0, 100).unwrap().into_iter().map(|entry| entry.record.event).collect()
    }

    /// Returns another process over the same store.
    fn restarted(&self) -> Self {
        Self::over(Arc::clone(&self.store), Arc::clone(&self.sink))
    }
}

fn fixture() -> Fixture {
    Fixture::over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()))
}

fn gone(name: &str, members: Option<u64>) -> Event {
    Event::GroupRemoved { group: group(name), members }
}

fn back(name: &str) -> Event {
    Event::GroupRestored { group: group(name) }
}

fn without(name: &str) -> DirectoryDelta {
    DirectoryDelta::new().without_group(&group(name))
}

fn with(name: &str) -> DirectoryDelta {
    DirectoryDelta::new().group(group(name), name)
}

/// Adele is in the council, and Bob in the inner council, which is nested in it.
fn council() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &["inner"]), ("carl", &[])]).nested(&group("council"), &group("inner"))
}

fn only_the_council() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &[]), ("carl", &[])])
}

#[test]
fn d11_group_restored_before_it_is_private_hides_former_members() {
    let fixture = fixture();
    fixture.install(council()).apply(without("council")).hides("gone", &[]);
    fixture.apply(with("council")).make_private("council").hides("restored", &["adele", "bob"]);
    fixture
        .import(9, people(&[("adele", &[]), ("bob", &[]), ("carl", &["council", "inner"])]))
        .hides("listed", &["carl"]);
}

/// Like the test before, but without room to remember the members: everything is hidden, and that is recorded.
#[test]
fn d9_restored_group_with_forgotten_members_hides_until_listed() {
    let fixture = fixture();
    fixture.install(council()).apply(without("council"));
    for round in 0..2 {
        let crowd = group(&format!("crowd-{round}"));
        let members = (0..70_000).map(|n| DirectoryChange::Member(crowd.clone(), user(&format!("u{n}"))));
        fixture.apply(members.fold(with(crowd.as_str()), DirectoryDelta::push)).apply(without(crowd.as_str()));
    }
    fixture.apply(with("council")).make_private("council");
    fixture.hides("unknown", &["adele", "bob", "carl", "zed", "zoe"]);
    let cause = Reason::Undecidable(UndecidableReason::GroupRemoved(group("council")));
    assert_eq!(fixture.decision("unknown: zoe").reasons(), [cause]);
    fixture.import(99, only_the_council()).hides("listed", &["adele"]);
    assert_eq!(fixture.said(), [gone("council", None), back("council")]);
}

#[test]
fn d11_removed_nested_group_is_stored_and_recorded() {
    for by_delta in [true, false] {
        let fixture = fixture();
        fixture.install(council()).make_private("council").hides("before", &["adele", "bob"]);
        match by_delta {
            true => fixture.apply(without("inner")),
            false => fixture.import(2, only_the_council()),
        };
        fixture.hides("gone", &["adele", "bob"]);
        assert_eq!(fixture.said(), [gone("inner", Some(1))]);
        let late = fixture.restarted();
        late.import(3, only_the_council()).hides("restarted", &["adele", "bob"]);
        // If a delta restores it, the stored members still count.
        late.apply(with("inner")).hides("restored", &["adele", "bob"]);
        assert_eq!(late.said(), [gone("inner", Some(1))]);
        // Until an import lists it.
        late.import(9, people(&[("adele", &["council"]), ("bob", &["inner"])])).hides("listed", &["adele"]);
        assert_eq!(late.said(), [gone("inner", Some(1)), back("inner")]);
        // Once the policy does not name the council, no node stores the group.
        late.update_policy(PolicyChange::MakePublic(group("council").into()));
        assert!(late.store.removed_groups(None).unwrap().unwrap().groups.is_empty());
    }
}

#[test]
fn d11_restored_group_after_restart_has_stored_members() {
    let fixture = fixture();
    fixture.install(council()).make_private("council").apply(without("council")).hides("gone", &["adele", "bob"]);
    let late = fixture.restarted();
    late.import(5, people(&[("adele", &[]), ("bob", &[]), ("carl", &[])])).hides("restarted", &["adele", "bob"]);
    late.apply(with("council").member(&group("council"), &user("carl"))).hides("restored", &["adele", "bob", "carl"]);
    // The process that saw the removal restores it as it was, and that is recorded.
    fixture.apply(with("council")).hides("elsewhere", &["adele", "bob"]);
    assert_eq!(fixture.said(), [gone("council", Some(2)), back("council")]);
    late.apply(DirectoryDelta::new().user(contoso("zoe"))).hides("later", &["adele", "bob", "carl"]);
    late.import(9, only_the_council()).hides("listed", &["adele"]);
}

#[test]
fn d11_removed_cycle_is_stored_once_per_private_group() {
    let fixture = fixture();
    let ring = || council().nested(&group("inner"), &group("council"));
    fixture.install(ring()).make_private("council").make_private("inner").apply(without("inner"));
    fixture.hides("one gone", &["adele", "bob"]).apply(without("council")).hides("both gone", &["adele", "bob"]);
    let late = fixture.restarted();
    late.import(5, people(&[("adele", &[]), ("bob", &[])])).hides("restarted", &["adele", "bob"]);
    assert_eq!(late.store.removed_groups(None).unwrap().unwrap().groups.len(), 2);
    assert_eq!(late.said(), [gone("inner", Some(2)), gone("council", Some(2))]);
}

/// The council is nested in the staff, and another process sees the removal of the inner council.
#[test]
fn d11_stored_nested_group_counts_for_all_ancestors() {
    for restarts in [false, true] {
        let staff =
            |builder: DirectoryBuilder| builder.group(group("staff"), "").nested(&group("staff"), &group("council"));
        let fixture = fixture();
        fixture.import(1, staff(council())).make_private("council").import(2, staff(only_the_council()));
        let fixture = if restarts { fixture.restarted() } else { fixture };
        fixture.import(3, staff(only_the_council())).make_private("staff");
        fixture.hides("both are private", &["adele", "bob"]);
        fixture
            .update_policy(PolicyChange::MakePublic(group("council").into()))
            .hides("staff is private", &["adele", "bob"]);
        // The council is removed too, and then another process starts.
        fixture.import(4, people(&[("adele", &["staff"]), ("bob", &[])])).hides("council gone", &["adele", "bob"]);
        let late = fixture.restarted();
        late.import(5, people(&[("adele", &["staff"]), ("bob", &[])])).hides("restarted", &["adele", "bob"]);
        late.update_policy(PolicyChange::MakePublic(group("staff").into())).hides("nothing is private", &[]);
        assert!(late.store.removed_groups(None).unwrap().unwrap().groups.is_empty());
    }
}

/// Changes of other users leave nothing to do for a filter that has reconciled the directory.
#[test]
fn b3_delta_stores_no_removed_group_again() {
    let fixture = fixture();
    fixture.install(council()).make_private("council").apply(without("inner")).hides("gone", &["adele", "bob"]);
    fixture.apply(DirectoryDelta::new().user(contoso("zoe")));
    let version = fixture.store.removed_groups(None).unwrap().unwrap().version;
    for n in 0..5 {
        fixture.apply(DirectoryDelta::new().user(contoso(&format!("u{n}"))));
    }
    assert_eq!(fixture.store.removed_groups(None).unwrap().unwrap().version, version);
    fixture.apply(DirectoryDelta::new().user(User::new(user("bob")).with_alias(alias("zed@contoso.com"))));
    fixture.apply(DirectoryDelta::new().without_user(&user("bob"))).hides("renamed", &["adele", "bob", "zed"]);
    assert!(fixture.store.removed_groups(None).unwrap().unwrap().version > version, "the new name is kept too");
    let late = fixture.restarted();
    late.import(50, only_the_council()).hides("restarted", &["adele", "bob"]);
    late.import(51, people(&[("adele", &["council"])])).hides("without a record", &["adele", "bob", "zed"]);
}
