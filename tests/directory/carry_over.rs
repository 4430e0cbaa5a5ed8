//! The last members of a directory that imports made, or deltas, or deltas of snapshots that were never in
//! force.

use activity_privacy::directory::GroupDirectory;
use std::sync::Arc;

use activity_privacy::directory::{DirectoryBuilder, DirectoryDelta, DirectoryRevision, DirectorySnapshot, User};
use activity_privacy::engine::{PolicyEngine, Verdict};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{PolicyChange, PrivacyPolicy, ScopeRule, ScopeTarget};
use activity_privacy::strategies::{activities, imports, policy_changes};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use super::fast_path::{assert_fast_path_equals_evaluation, managed_domains, policy_over};
use crate::fixture::{activity, admins, alias, at, changed, contoso, group, people, user};

fn private(name: &str, directory: &DirectorySnapshot) -> Arc<PrivacyPolicy> {
    let policy = PrivacyPolicy::initial(&admins());
    Arc::new(changed(&policy, PolicyChange::MakePrivate(group(name).into()), Some(directory)).unwrap())
}

fn verdict(policy: &Arc<PrivacyPolicy>, directory: &Arc<DirectorySnapshot>, name: &str) -> Verdict {
    PolicyEngine::new(Arc::clone(policy), Ok(Arc::clone(directory))).verdict(&activity("a", name), at(0)).0
}

/// A directory in which Adele is in the council and has no record any more.
fn adele_is_deleted() -> (MemoryDirectory, Arc<PrivacyPolicy>) {
    let directory = MemoryDirectory::new();
    let before = people(&[("adele", &["council"]), ("bob", &[])]).build(DirectoryRevision(1), at(0)).unwrap();
    let policy = private("council", &before);
    let gone = before.apply(&DirectoryDelta::new().without_user(&user("adele")), DirectoryRevision(2), at(1)).unwrap();
    directory.install(gone).unwrap();
    (directory, policy)
}

#[test]
fn d11_two_deltas_of_one_snapshot_keep_names() {
    let (directory, policy) = adele_is_deleted();
    let base = directory.snapshot().unwrap();
    assert_eq!(verdict(&policy, &base, "adele"), Verdict::Private);
    let one = base.apply(&DirectoryDelta::new().user(contoso("eve")), DirectoryRevision(3), at(2)).unwrap();
    let other = base.apply(&DirectoryDelta::new().user(contoso("zoe")), DirectoryRevision(4), at(3)).unwrap();
    directory.install(one).unwrap();
    directory.install(other).unwrap();
    assert_eq!(verdict(&policy, &directory.snapshot().unwrap(), "adele"), Verdict::Private);
}

#[test]
fn d11_more_deltas_than_remembered_keep_names() {
    let (directory, policy) = adele_is_deleted();
    let mut next = directory.snapshot().unwrap();
    for step in 3..303 {
        let delta = DirectoryDelta::new().user(contoso(&format!("u{step}")));
        next = Arc::new(next.apply(&delta, DirectoryRevision(step), at(step as i64)).unwrap());
    }
    directory.install(next).unwrap();
    assert_eq!(verdict(&policy, &directory.snapshot().unwrap(), "adele"), Verdict::Private);
}

#[test]
fn d11_delta_of_uninstalled_snapshot_keeps_members() {
    let directory = MemoryDirectory::new();
    let first = people(&[("adele", &["council"]), ("bob", &["board"])]).build(DirectoryRevision(1), at(0)).unwrap();
    let policies = [private("council", &first), private("board", &first)];
    directory.install(first).unwrap();
    // The board was removed, and so was the record of Adele.
    let second = DirectoryBuilder::new()
        .user(contoso("bob"))
        .group(group("council"), "council")
        .member(&group("council"), &user("adele"))
        .build(DirectoryRevision(2), at(1))
        .unwrap();
    directory.install(second.clone()).unwrap();
    // The importer continues with the import as it was, and not with its successor that is in force.
    let third = second.apply(&DirectoryDelta::new().user(contoso("eve")), DirectoryRevision(3), at(2)).unwrap();
    directory.install(third).unwrap();
    let now = directory.snapshot().unwrap();
    assert!(now.removed_group(&group("board")).is_some());
    assert_eq!(verdict(&policies[0], &now, "adele"), Verdict::Private);
    assert_eq!(verdict(&policies[1], &now, "bob"), Verdict::Private);
}

#[test]
fn d11_group_removed_by_delta_keeps_member_names() {
    let directory = MemoryDirectory::new();
    let first = people(&[("adele", &["council"]), ("bob", &[])]).build(DirectoryRevision(1), at(0)).unwrap();
    let policy = private("council", &first);
    directory.install(first).unwrap();
    let second = DirectoryBuilder::new()
        .user(contoso("bob"))
        .group(group("council"), "council")
        .member(&group("council"), &user("adele"))
        .build(DirectoryRevision(2), at(1))
        .unwrap();
    directory.install(second.clone()).unwrap();
    let third =
        second.apply(&DirectoryDelta::new().without_group(&group("council")), DirectoryRevision(3), at(2)).unwrap();
    directory.install(third).unwrap();
    let now = directory.snapshot().unwrap();
    assert_eq!(verdict(&policy, &now, "adele"), Verdict::Private);
    assert_eq!(verdict(&policy, &now, "bob"), Verdict::Public);
}

#[test]
fn d8_last_names_of_delta_are_kept() {
    let directory = MemoryDirectory::new();
    let base = people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap();
    let policy = private("council", &base);
    let gone = DirectoryDelta::new().without_user(&user("adele"));
    let one = base.apply(&gone, DirectoryRevision(2), at(1)).unwrap();
    // Another snapshot with the same predecessor has more names.
    let renamed = DirectoryDelta::new().user(User::new(user("adele")).with_alias(alias("vance@contoso.com")));
    let other = base.apply(&renamed, DirectoryRevision(3), at(2)).unwrap();
    let other = other.apply(&gone, DirectoryRevision(4), at(3)).unwrap();
    directory.install(base).unwrap();
    directory.install(one).unwrap();
    directory.install(other).unwrap();
    assert_eq!(verdict(&policy, &directory.snapshot().unwrap(), "vance"), Verdict::Private);
}

#[test]
fn d8_name_of_two_removed_records_is_ambiguous() {
    let with_name = |name: &str| contoso(name).with_alias(alias("team@contoso.com"));
    let import = |users: &[User]| {
        let builder = DirectoryBuilder::new().group(group("council"), "council").group(group("staff"), "staff");
        let builder = users.iter().cloned().fold(builder, DirectoryBuilder::user);
        builder.member(&group("council"), &user("zoe")).member(&group("staff"), &user("adele"))
    };
    let before = import(&[with_name("zoe")]).build(DirectoryRevision(1), at(0)).unwrap();
    let policy = private("council", &before);
    let next = import(&[with_name("adele")]).build(DirectoryRevision(2), at(1)).unwrap();
    let next = next.apply(&DirectoryDelta::new().without_user(&user("adele")), DirectoryRevision(3), at(2)).unwrap();
    let next = Arc::new(next.carry_over_from(&before));
    assert_eq!(verdict(&policy, &next, "team"), Verdict::Private);
}

#[test]
fn d8_engine_is_updated_after_carry_over() {
    let before = people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap();
    let policy = private("council", &before);
    let import = DirectoryBuilder::new()
        .user(contoso("root"))
        .group(group("council"), "council")
        .member(&group("council"), &user("adele"))
        .build(DirectoryRevision(2), at(1))
        .unwrap();
    let in_force = Arc::new(import.clone().carry_over_from(&before));
    let engine = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::new(import)));
    let engine = engine.updated(policy, Ok(in_force), &[]);
    assert_eq!(engine.verdict(&activity("a", "adele"), at(2)).0, Verdict::Private);
}

#[test]
fn d6_engine_is_rebuilt_for_other_policy_of_same_revision() {
    let directory = Arc::new(people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap());
    let rule = PolicyChange::AddScopeRule(ScopeRule::include(group("council"), ScopeTarget::AllApps));
    let only_monitored = Arc::new(changed(&PrivacyPolicy::initial(&admins()), &rule, Some(&directory)).unwrap());
    let engine = PolicyEngine::new(only_monitored, Ok(Arc::clone(&directory)));
    let engine = engine.updated(private("council", &directory), Ok(directory), &[]);
    assert_eq!(engine.verdict(&activity("a", "adele"), at(0)).0, Verdict::Private);
}

/// How the next snapshot is made: from which earlier one, and whether by a delta, as an import of its own, or again as
/// the successor of the one in force.
#[derive(Debug, Clone, Copy)]
enum Step {
    Delta,
    Import,
    Again,
}

fn steps() -> impl Strategy<Value = (Step, Index, usize)> {
    let step = prop_oneof![3 => Just(Step::Delta), 1 => Just(Step::Import), 1 => Just(Step::Again)];
    (step, any::<Index>(), 0..4_usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn d1_updated_engine_decides_as_new_one_over_histories(
        imports in vec(imports(), 4),
        steps in vec(steps(), 1..8),
        changes in vec(policy_changes(), 0..12),
        managed in option::of(managed_domains()),
        activities in vec(activities(), 1..12),
    ) {
        let build = |at_import: usize, revision: u64| {
            Arc::new(imports[at_import].snapshot(DirectoryRevision(revision), at(revision as i64)).unwrap())
        };
        let mut made = vec![(0, build(0, 1))];
        let policy = policy_over(&changes, managed, &made[0].1);
        let mut followed = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&made[0].1)));
        for (revision, (step, of, import)) in (2_u64..).zip(steps) {
            let (held, of) = made[of.index(made.len())].clone();
            let last = &made.last().unwrap().1;
            let next = match step {
                Step::Delta => {
                    let delta = imports[held].delta_to(&imports[import]);
                    (import, Arc::new(of.apply(&delta, DirectoryRevision(revision), at(revision as i64)).unwrap()))
                }
                Step::Import => (import, build(import, revision)),
                Step::Again => (held, Arc::new(DirectorySnapshot::clone(&of).carry_over_from(last))),
            };
            followed = followed.updated(Arc::clone(&policy), Ok(Arc::clone(&next.1)), &[]);
            let anew = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&next.1)));
            prop_assert_eq!(followed.verdicts(&activities, at(50)), anew.verdicts(&activities, at(50)));
            assert_fast_path_equals_evaluation(&followed, &activities)?;
            assert_fast_path_equals_evaluation(&anew, &activities)?;
            made.push(next);
        }
    }
}

#[test]
fn d8_restored_user_is_found_again() {
    let before = Arc::new(people(&[("adele", &["council"]), ("bob", &[])]).build(DirectoryRevision(1), at(0)).unwrap());
    let policy = private("council", &before);
    let mut engine = PolicyEngine::new(Arc::clone(&policy), Ok(Arc::clone(&before)));
    let mut now = before;
    for round in 0..300_u64 {
        let away = DirectoryDelta::new().without_member(&group("council"), &user("adele")).without_user(&user("adele"));
        now = Arc::new(now.apply(&away, DirectoryRevision(2 * round + 2), at(0)).unwrap());
        engine = engine.updated(Arc::clone(&policy), Ok(Arc::clone(&now)), &[]);
        assert_eq!(engine.verdict(&activity("a", "adele"), at(0)).0, Verdict::Public);
        let back = DirectoryDelta::new()
            .user(contoso("adele").with_alias(alias(&format!("adele.{round}@contoso.com"))))
            .member(&group("council"), &user("adele"));
        now = Arc::new(now.apply(&back, DirectoryRevision(2 * round + 3), at(0)).unwrap());
        engine = engine.updated(Arc::clone(&policy), Ok(Arc::clone(&now)), &[]);
        for name in ["adele".to_owned(), format!("adele.{round}")] {
            assert_eq!(engine.verdict(&activity("a", &name), at(0)).0, Verdict::Private, "{name}");
        }
        let earlier = format!("adele.{}", round.wrapping_sub(1));
        assert_eq!(engine.verdict(&activity("a", &earlier), at(0)).0, Verdict::Public);
    }
}
