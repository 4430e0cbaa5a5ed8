//! D4 and D5: ingests that race policy changes and each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use activity_privacy::activity::Actor;
use activity_privacy::engine::PolicyEngine;
use activity_privacy::filter::{IngestOutcome, PrivacyFilter};
use activity_privacy::governance::{Event, Outcome, Record};
use activity_privacy::policy::{
    GroupRef, ManagedDomain, OnUndecidable, OptionsPatch, PolicyChange, ScopeRule, ScopeTarget,
};
use activity_privacy::query::Query;
use activity_privacy::store::{ActivityStore, StoreError};
use shuttle::thread;

use super::explore::{exhaust, explore};
use super::scene::*;
use crate::fixture::*;

/// Makes the council private and public again on one node, while others ingest batches. Then checks the stored
/// activities.
fn batches_race_changes(changing: &PrivacyFilter, others: &[&PrivacyFilter], scene: &Scene) {
    let in_force = AtomicU64::new(changing.policy().unwrap().revision().number());
    let (floors, private) = (Notes::new(), Notes::new());
    private.note(in_force.load(Ordering::SeqCst), false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let council = GroupRef::from(group("council"));
            for change in [PolicyChange::MakePrivate(council.clone()), PolicyChange::MakePublic(council)] {
                let revision = changing.update_policy(&user("root"), &change).unwrap().number();
                private.note(revision, matches!(change, PolicyChange::MakePrivate(_)));
                in_force.store(revision, Ordering::SeqCst);
            }
        });
        for (number, node) in others.iter().enumerate() {
            let (in_force, floors) = (&in_force, &floors);
            scope.spawn(move || {
                for turn in 0..2 {
                    let batch = format!("{number}-{turn}");
                    floors.note(batch.clone(), in_force.load(Ordering::SeqCst));
                    let report = node.ingest(&both(&batch)).unwrap();
                    assert_eq!(report.outcomes(), [IngestOutcome::Stored; 2]);
                }
            });
        }
    });

    let (floors, private) = (floors.all(), private.all());
    let mut batches: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for stored in scene.everything() {
        let revision = stored.decision().policy().number();
        let (batch, name) = stored.activity().id().as_str().split_once('/').unwrap();
        assert!(revision >= floors[batch], "{revision} was no longer in force when the ingest began");
        assert_eq!(is_private(&stored), private[&revision] && name == "adele", "the verdict matches its revision");
        batches.entry(batch.to_owned()).or_default().push(revision);
    }
    assert_eq!(batches.len(), floors.len());
    for revisions in batches.values() {
        assert_eq!(revisions.len(), 2, "a batch is stored whole");
        assert_eq!(revisions[0], revisions[1], "a batch has one revision");
    }
}

#[test]
fn d5_one_filter_never_stores_under_superseded_revision() {
    explore(|| {
        let scene = Scene::initialized();
        let node = scene.node(directory(council(1)));
        batches_race_changes(&node, &[&node, &node], &scene);
    });
}

#[test]
fn d5_two_filters_never_store_under_superseded_revision() {
    explore(|| {
        let scene = Scene::initialized();
        let [one, other] = [1, 1].map(|revision| scene.node(directory(council(revision))));
        batches_race_changes(&one, &[&other, &other], &scene);
    });
}

#[test]
fn d5_store_rejects_batch_of_superseded_revision() {
    exhaust(10_000, || {
        let scene = Scene::initialized();
        let engine = PolicyEngine::new(scene.store.policy().unwrap().unwrap(), Ok(council(1).into()));
        let activities = both("a");
        let batch = engine.decide(&activities, at(0)).unwrap();
        let shown = || scene.store.public_page(&Query::all(), None, 9).unwrap().activities.len();
        let returned = AtomicBool::new(false);
        let at_return = thread::scope(|scope| {
            let changer = scope.spawn(|| {
                scene.update_policy(PolicyChange::MakePrivate(group("council").into()));
                returned.store(true, Ordering::SeqCst);
                shown()
            });
            scope.spawn(|| {
                let after = returned.load(Ordering::SeqCst);
                let appended = scene.store.append(&batch);
                assert!(!after || matches!(appended, Err(StoreError::Stale { .. })));
                assert_eq!(shown(), if appended.is_ok() { 2 } else { 0 }, "a batch is stored whole or not at all");
            });
            changer.join().unwrap()
        });
        assert_eq!(shown(), at_return, "no older revision is stored after a policy is published");
    });
}

#[test]
fn d5_stale_filter_decides_again_under_current_policy() {
    explore(|| {
        let scene = Scene::initialized();
        let leave_out = ScopeRule::exclude(group("council"), ScopeTarget::AllApps);
        scene.update_policy(PolicyChange::AddScopeRule(leave_out.clone()));
        let refuse = OptionsPatch::new().on_undecidable(OnUndecidable::Reject);
        scene.update_policy(PolicyChange::SetOptions(refuse));
        let [changing, stale] = [1, 1].map(|revision| scene.node(directory(council(revision))));
        // The filter builds its engine before the race begins.
        assert_eq!(stale.ingest(&[activity("before", "adele")]).unwrap().outcomes(), [IngestOutcome::NotMonitored]);
        let returned = AtomicU64::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                let hide = OptionsPatch::new().on_undecidable(OnUndecidable::Hide);
                for change in [PolicyChange::RemoveScopeRule(leave_out.clone()), PolicyChange::SetOptions(hide)] {
                    changing.update_policy(&user("root"), &change).unwrap();
                    returned.fetch_add(1, Ordering::SeqCst);
                }
            });
            scope.spawn(|| {
                for turn in 0..3 {
                    let returned = returned.load(Ordering::SeqCst);
                    // Each thread may find the previous engine.
                    if turn == 1 {
                        let monitored = stale.ingest(&[activity(&format!("{turn}/adele"), "adele")]).unwrap();
                        assert!(returned < 1 || monitored.outcomes() == [IngestOutcome::Stored]);
                    } else {
                        let undecidable = stale.ingest(&[by(&format!("{turn}/nobody"), Actor::unknown())]);
                        assert!(returned < 2 || undecidable.is_ok());
                    }
                }
            });
        });
    });
}

#[test]
fn d4_first_of_racing_deliveries_wins() {
    explore(|| {
        let scene = Scene::initialized();
        let [one, other] = [1, 1].map(|revision| scene.node(directory(council(revision))));
        let first = activity("x", "adele");
        let changed = begun("x", Actor::user(alias("adele@contoso.com"))).details("something else").build().unwrap();
        let answers = Notes::new();
        let decisions = Notes::new();
        thread::scope(|scope| {
            for (number, node, activity) in [(0, &one, &first), (1, &other, &first), (2, &other, &changed)] {
                let (answers, decisions, scene) = (&answers, &decisions, &scene);
                scope.spawn(move || {
                    let report = node.ingest(std::slice::from_ref(activity)).unwrap();
                    answers.note(number, (report.outcomes()[0], activity));
                    decisions.note(number, scene.everything()[0].clone());
                });
            }
            scope.spawn(|| {
                one.update_policy(&user("root"), PolicyChange::MakePrivate(group("council").into())).unwrap()
            });
        });
        let stored = &scene.everything()[..];
        assert_eq!(stored.len(), 1);
        let answers = answers.all();
        assert_eq!(
            answers.values().filter(|(answer, _)| *answer == IngestOutcome::Stored).count(),
            1,
            "one delivery is stored"
        );
        for (answer, activity) in answers.values() {
            let same = stored[0].activity() == *activity;
            assert_eq!(*answer == IngestOutcome::Conflict, !same, "{answer:?}: only other content is a conflict");
        }
        assert!(decisions.all().values().all(|seen| *seen == stored[0]), "the first stored decision is kept");
    });
}

#[test]
fn d5_racing_changes_each_build_on_the_previous() {
    explore(|| {
        let scene = Scene::initialized();
        let [one, other] = [1, 1].map(|revision| scene.node(directory(council(revision))));
        let before = one.policy().unwrap().revision().number();
        let changes = [
            PolicyChange::MakePrivate(group("council").into()),
            PolicyChange::MakePrivate(GroupRef::Applications),
            PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))),
        ];
        let revisions = Notes::new();
        thread::scope(|scope| {
            for (node, change) in [&one, &one, &other].into_iter().zip(&changes) {
                let revisions = &revisions;
                scope.spawn(move || revisions.note(node.update_policy(&user("root"), change).unwrap().number(), ()));
            }
        });
        assert_eq!(revisions.all().into_keys().collect::<Vec<_>>(), [before + 1, before + 2, before + 3]);
        let policy = one.policy().unwrap();
        assert_eq!((policy.private_groups().len(), policy.managed_domains().len()), (2, 1), "no change is lost");
        for entry in scene.records() {
            // Each intent is followed by its outcome, done or superseded.
            if let Record { id, event: Event::ChangePolicy(_), outcome: Outcome::Intended, .. } = entry.record
                && entry.record.policy.unwrap().number() >= before
            {
                let came_of_it = |outcome: &Outcome| match outcome {
                    Outcome::Done { intent } | Outcome::Failed { intent, .. } => *intent == id,
                    _ => false,
                };
                let outcomes = scene.records().into_iter().filter(|later| came_of_it(&later.record.outcome)).count();
                assert_eq!(outcomes, 1);
            }
        }
    });
}
