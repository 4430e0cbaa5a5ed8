//! Followers of the governance records: G9.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use activity_privacy::filter::{ActivityFeed, RecordFeed, UpdatePolicyError};
use activity_privacy::forward::{Accepted, Batch, BatchLimit, Driver, FeedKind, ForwardError, ForwarderName, Start};
use activity_privacy::governance::{ChangeSummary, Event, Outcome, RecordEntry, RecordKind, RecordQuery};
use activity_privacy::policy::{OptionsPatch, PolicyChange, PolicyError, PrivacyPolicy, Retention, Role};
use activity_privacy::query::PageSize;

use super::destination::{quick, wait_for};
use super::scene::*;
use crate::fixture::*;
use crate::place::*;

fn archive() -> ForwarderName {
    "archive".parse().unwrap()
}

fn follow(scene: &Scene, start: Start) -> RecordFeed {
    scene.fixture.update_policy(PolicyChange::AddFollower(archive(), start));
    scene.forwarders.follower(&archive()).unwrap()
}

/// Acknowledges batches until the follower has caught up. Returns the records, and the number of missed ones.
fn drain_records(feed: &RecordFeed) -> (Vec<RecordEntry>, u64) {
    let (mut all, mut missed) = (Vec::new(), 0);
    loop {
        let batch = feed.next_batch(BatchLimit::rows(3)).unwrap();
        if batch.is_empty() {
            return (all, missed);
        }
        all.extend_from_slice(batch.items());
        missed += batch.gap().map_or(0, |gap| gap.missed.get());
        feed.acknowledge(&batch).unwrap();
    }
}

fn sequences(records: &[RecordEntry]) -> Vec<u64> {
    records.iter().map(|entry| entry.sequence).collect()
}

/// Views Adele's activities as root.
fn look(scene: &Scene) {
    let mut reveal = scene.fixture.filter.reveal(reveal_all("root")).unwrap();
    reveal.page(PageSize::MAX, None).unwrap();
    reveal.close().unwrap();
}

#[test]
fn g9_follower_reads_records_in_order() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = follow(&scene, Start::Beginning);
        let (first, missed) = drain_records(&feed);
        let all = scene.fixture.records();
        assert_eq!((sequences(&first), missed), (sequences(&all), 0));
        scene.fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        let (later, _) = drain_records(&feed);
        assert_eq!(later, scene.fixture.records()[all.len()..].to_vec());
    }
}

#[test]
fn g9_polls_are_not_recorded_and_changes_are() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = follow(&scene, Start::Now);
        let before = scene.fixture.records();
        for _ in 0..3 {
            drain_records(&feed);
            feed.status().unwrap();
        }
        assert_eq!(scene.fixture.records(), before);
        scene.fixture.permit_root();
        scene.fixture.update_policy(PolicyChange::DiscloseToFollower(archive()));
        scene.fixture.update_policy(PolicyChange::WithholdFromFollower(archive()));
        scene.fixture.update_policy(PolicyChange::RemoveFollower(archive()));
        let query = RecordQuery { target: Some("archive".to_owned()), ..RecordQuery::default() };
        let records = scene.fixture.sink.records(&query, 0, 100).unwrap();
        assert!(records.iter().all(|entry| entry.record.kind() == RecordKind::PolicyChange));
        let changes: Vec<ChangeSummary> = records
            .into_iter()
            .filter(|entry| entry.record.outcome == Outcome::Intended)
            .filter_map(|entry| match entry.record.event {
                Event::ChangePolicy(changes) => changes.into_iter().next(),
                _ => None,
            })
            .collect();
        assert_eq!(
            changes,
            [
                ChangeSummary::AddFollower(archive(), Start::Now),
                ChangeSummary::DiscloseToFollower(archive()),
                ChangeSummary::WithholdFromFollower(archive()),
                ChangeSummary::RemoveFollower(archive()),
            ]
        );
    }
}

#[test]
fn g9_follower_outside_policy_reads_nothing() {
    for place in places() {
        let scene = Scene::new(&place);
        let unknown = scene.forwarders.follower(&archive());
        assert!(matches!(&unknown, Err(ForwardError::NotInPolicy(name)) if *name == archive()), "{unknown:?}");
        let feed = follow(&scene, Start::Beginning);
        let batch = feed.next_batch(BatchLimit::rows(1)).unwrap();
        scene.fixture.update_policy(PolicyChange::RemoveFollower(archive()));
        assert!(matches!(feed.next_batch(BatchLimit::rows(1)), Err(ForwardError::NotInPolicy(_))));
        assert!(matches!(feed.set_aside(), Err(ForwardError::NotInPolicy(_))));
        // What it had read was delivered.
        feed.acknowledge(&batch).unwrap();
        assert!(scene.forwarders.list().unwrap().is_empty());
    }
}

#[test]
fn g9_follower_starts_where_policy_says() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.fixture.advance(10);
        let added = scene.fixture.records().len() as u64;
        scene.fixture.advance(10).update_policy([
            PolicyChange::AddFollower("now".parse().unwrap(), Start::Now),
            PolicyChange::AddFollower("at".parse().unwrap(), Start::Time(at(15))),
            PolicyChange::AddFollower("beginning".parse().unwrap(), Start::Beginning),
            PolicyChange::AddFollower("later".parse().unwrap(), Start::Time(at(25))),
        ]);
        let first = |name: &str| {
            let feed = scene.forwarders.follower(&name.parse().unwrap()).unwrap();
            drain_records(&feed).0.first().map(|entry| entry.sequence)
        };
        assert_eq!(first("later"), None);
        scene.fixture.advance(10).update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        // The first poll is after the change: nothing since the change is missed.
        assert_eq!([first("now"), first("at"), first("beginning")], [Some(added + 1), Some(added + 1), Some(1)]);
        assert_eq!(first("later"), Some(added + 3));
    }
}

#[test]
fn g9_follower_continues_after_restart_and_starts_again_when_added_again() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = follow(&scene, Start::Beginning);
        let batch = feed.next_batch(BatchLimit::rows(2)).unwrap();
        feed.acknowledge(&batch).unwrap();
        drop((scene, feed));
        let again = Scene::again(&place);
        let feed = again.forwarders.follower(&archive()).unwrap();
        let older = feed.next_batch(BatchLimit::rows(2)).unwrap();
        assert_eq!(sequences(older.items()), [3, 4]);
        // Without effect: the policy names it already.
        let twice = again.fixture.filter.update_policy(&user("root"), PolicyChange::AddFollower(archive(), Start::Now));
        assert!(matches!(twice, Err(UpdatePolicyError::Invalid(PolicyError::Unchanged))), "{twice:?}");
        let restart = [PolicyChange::RemoveFollower(archive()), PolicyChange::AddFollower(archive(), Start::Beginning)];
        again.fixture.update_policy(restart);
        let (records, missed) = drain_records(&feed);
        assert_eq!((sequences(&records), missed), (sequences(&again.fixture.records()), 0));
        assert!(matches!(feed.acknowledge(&older), Err(ForwardError::Superseded(_))));
    }
}

/// Returns whether the records of pages contain openings.
fn openings(records: &[RecordEntry]) -> Vec<bool> {
    let pages = records.iter().filter_map(|entry| match &entry.record.event {
        Event::Page { activities, private, digest, subjects, .. } => {
            assert!(subjects.value().is_none(), "no reader of the log sees whose activities a page showed");
            let open = [activities.value().is_some(), private.value().is_some(), digest.value().is_some()];
            assert!(open == [open[0]; 3]);
            Some(open[0])
        }
        _ => None,
    });
    pages.collect()
}

#[test]
fn g9_openings_are_left_out_unless_disclosed() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..2);
        scene.fixture.permit_root();
        let feed = follow(&scene, Start::Now);
        look(&scene);
        let (records, _) = drain_records(&feed);
        assert_eq!(openings(&records), [false]);
        // The follower reads the same as a reader without the permission.
        scene.fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
        let after = records[0].sequence - 1;
        let read = scene
            .fixture
            .filter
            .governance_records(&user("ann"), &RecordQuery::default(), after, PageSize::MAX)
            .unwrap();
        assert_eq!(records, read[..records.len()]);
        scene.fixture.update_policy(PolicyChange::DiscloseToFollower(archive()));
        look(&scene);
        assert_eq!(openings(&drain_records(&feed).0), [true]);
        scene.fixture.update_policy(PolicyChange::WithholdFromFollower(archive()));
        look(&scene);
        assert_eq!(openings(&drain_records(&feed).0), [false]);
    }
}

#[test]
fn g9_disclosure_ends_with_permission_of_its_administrator() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..2);
        scene.fixture.permit_root();
        let feed = follow(&scene, Start::Now);
        scene.fixture.update_policy(PolicyChange::DiscloseToFollower(archive()));
        look(&scene);
        let batch = feed.next_batch(BatchLimit::rows(100)).unwrap();
        assert_eq!(openings(batch.items()), [true]);
        scene.fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        assert_eq!(openings(feed.next_batch(BatchLimit::rows(100)).unwrap().items()), [false]);
        // P2: a new grant does not revive it.
        scene.fixture.permit_root();
        assert_eq!(openings(feed.next_batch(BatchLimit::rows(100)).unwrap().items()), [false]);
        scene.fixture.update_policy(PolicyChange::DiscloseToFollower(archive()));
        assert_eq!(openings(feed.next_batch(BatchLimit::rows(100)).unwrap().items()), [true]);
    }
}

#[test]
fn g9_only_permitted_administrator_can_disclose() {
    for place in places() {
        let scene = Scene::new(&place);
        follow(&scene, Start::Now);
        let disclose = PolicyChange::DiscloseToFollower(archive());
        let rejected = scene.fixture.filter.update_policy(&user("root"), &disclose);
        assert!(matches!(rejected, Err(UpdatePolicyError::Invalid(PolicyError::MayNotDisclose))), "{rejected:?}");
        // Not in one update with the grant either.
        scene.fixture.options(OptionsPatch::new().self_grant_allowed(true));
        let both = [PolicyChange::Grant(alias("root@contoso.com")), disclose.clone()];
        let rejected = scene.fixture.filter.update_policy(&user("root"), both);
        let Err(UpdatePolicyError::Invalid(PolicyError::InUpdate { index: 1, reason })) = rejected else {
            panic!("{rejected:?}")
        };
        assert_eq!(*reason, PolicyError::MayNotDisclose);
        // Analysts may view private activities, and may not change the policy.
        let unknown = PolicyChange::DiscloseToFollower("other".parse().unwrap());
        let rejected = scene.fixture.filter.update_policy(&user("root"), unknown);
        assert!(matches!(rejected, Err(UpdatePolicyError::Invalid(PolicyError::UnknownFollower(_)))));
        scene.fixture.permit_root().update_policy(disclose);
        let policy = scene.fixture.filter.policy().unwrap();
        assert_eq!(policy.followers()[&archive()].disclosed_by(), Some(&user("root")));
    }
}

#[test]
fn g9_retention_of_records_leaves_gap() {
    for place in places() {
        let scene = Scene::new(&place);
        let feed = follow(&scene, Start::Beginning);
        feed.acknowledge(&feed.next_batch(BatchLimit::rows(1)).unwrap()).unwrap();
        let retention = Retention::of_activities(Duration::from_secs(10)).and_of_records(Duration::from_secs(10));
        scene.fixture.options(OptionsPatch::new().retention(Some(retention.unwrap())));
        let aged = scene.fixture.records().len() as u64;
        scene.fixture.advance(100);
        scene.fixture.filter.apply_retention().unwrap();
        let left = sequences(&scene.fixture.records());
        let (records, missed) = drain_records(&feed);
        assert_eq!(sequences(&records), left);
        assert_eq!((missed, left[0]), (left[0] - 2, aged + 1));
        assert_eq!(feed.status().unwrap().missed, missed);
    }
}

#[test]
fn g9_follower_and_forwarder_can_share_a_name() {
    for place in places() {
        let scene = Scene::new(&place);
        let follower = follow(&scene, Start::Beginning);
        let forwarder: ActivityFeed = scene.forwarders.create(&archive(), Start::Beginning).unwrap();
        scene.ingest_bobs(0..2);
        let records = drain_records(&follower).0.len();
        assert_eq!(drain(&forwarder, 9).0.len(), 2);
        let kinds: Vec<FeedKind> = scene.forwarders.list().unwrap().iter().map(|status| status.feed).collect();
        assert_eq!(kinds, [FeedKind::Activities, FeedKind::Records]);
        scene.forwarders.remove(&archive()).unwrap();
        assert_eq!(follower.status().unwrap().lag, scene.fixture.records().len() as u64 - records as u64);
    }
}

#[test]
fn g9_driver_serves_follower() {
    for place in places() {
        let scene = Scene::new(&place);
        scene.ingest_bobs(0..2);
        scene.fixture.permit_root();
        let feed = follow(&scene, Start::Beginning);
        let notes = Arc::new(Mutex::new(Vec::new()));
        let connect = {
            let notes = Arc::clone(&notes);
            move || {
                let notes = Arc::clone(&notes);
                Ok(move |batch: &Batch<RecordEntry>| {
                    notes.lock().unwrap().extend(sequences(batch.items()));
                    Ok(Accepted::All)
                })
            }
        };
        let driver = Driver::start(feed, connect, quick().batch(BatchLimit::rows(2))).unwrap();
        look(&scene);
        let all = sequences(&scene.fixture.records());
        wait_for(&driver, |state| state.delivered == all.len() as u64);
        // Removed from the policy, it waits, and reads nothing.
        scene.fixture.update_policy(PolicyChange::RemoveFollower(archive()));
        let state = wait_for(&driver, |state| state.failures > 1);
        assert!(state.last_error.unwrap().message.starts_with("the policy names no follower `archive`"));
        drop(driver);
        let notes = notes.lock().unwrap().clone();
        assert!(notes.starts_with(&all) && notes.len() <= all.len() + 1, "{notes:?}");
    }
}

#[test]
fn g9_policy_document_keeps_followers() {
    let place = Place::in_memory();
    let scene = Scene::new(&place);
    let without = serde_json::to_value(&*scene.fixture.filter.policy().unwrap()).unwrap();
    assert!(without.get("followers").is_none(), "a policy without followers is as before");
    scene.fixture.permit_root();
    follow(&scene, Start::Time(at(5)));
    scene.fixture.update_policy(PolicyChange::DiscloseToFollower(archive()));
    let policy = scene.fixture.filter.policy().unwrap();
    let document = serde_json::to_string(&*policy).unwrap();
    assert_eq!(serde_json::from_str::<PrivacyPolicy>(&document).unwrap(), *policy);
    for (from, to) in [("\"added_in\":", "\"added_in\":1"), ("\"granted_in\":", "\"granted_in\":1")] {
        // A digit before the number makes it a later revision.
        let later = document.replacen(from, to, 10);
        assert!(serde_json::from_str::<PrivacyPolicy>(&later).is_err(), "{later}");
    }
    let unknown = document.replacen("\"added_in\":", "\"until\":1,\"added_in\":", 1);
    assert!(serde_json::from_str::<PrivacyPolicy>(&unknown).is_err());
}
