//! Removal by retention.

use std::sync::Arc;
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::filter::RemovalError;
use activity_privacy::governance::{FailureReason, Initiator, Outcome, Record};
use activity_privacy::memory::MemorySink;
use activity_privacy::policy::{OptionsPatch, Retention};
use activity_privacy::store::ActivityStore;

use crate::fault::*;
use crate::fixture::*;
use crate::place::*;

fn keeping(fixture: &Fixture, activities: u64, records: Option<u64>) {
    let mut retention = Retention::of_activities(Duration::from_secs(activities));
    if let Some(records) = records {
        retention = retention.and_of_records(Duration::from_secs(records)).unwrap();
    }
    fixture.options(OptionsPatch::new().retention(Some(retention)));
}

/// Ingests private and public activities, a second apart, from now on.
fn ingest_for(fixture: &Fixture, seconds: i64) {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council");
    for second in 0..seconds {
        fixture.ingest(&[activity(&format!("a-{second}"), "adele"), activity(&format!("b-{second}"), "bob")]);
        fixture.advance(1);
    }
}

fn outcome(fixture: &Fixture) -> Record {
    fixture.records().pop().unwrap().record
}

#[test]
fn g5_unlimited_retention_removes_and_records_nothing() {
    for place in places() {
        let fixture = place.fixture();
        ingest_for(&fixture, 3);
        fixture.permit_root().advance(1_000_000_000);
        let before = fixture.records();
        assert_eq!(fixture.filter.apply_retention().unwrap(), None);
        keeping(&fixture, u64::MAX, None);
        assert_eq!(fixture.filter.apply_retention().unwrap(), None, "the cut-off is out of range");
        assert_eq!(fixture.records().len(), before.len() + 2, "the change alone");
        assert_eq!(fixture.everything().len(), 6);
    }
}

#[test]
fn g5_clock_set_back_removes_nothing_more() {
    for place in places() {
        let fixture = place.fixture();
        ingest_for(&fixture, 10);
        keeping(&fixture, 4, None);
        fixture.filter.apply_retention().unwrap();
        let left = fixture.everything().len();
        assert_eq!(left, 8);
        for back in [-1, -5, -1_000_000, 1_000_006] {
            fixture.advance(back);
            fixture.filter.apply_retention().unwrap();
            assert_eq!(removed(&outcome(&fixture).outcome), Some((0, 0, true)));
        }
        assert_eq!(fixture.everything().len(), left);
    }
}

#[test]
fn g5_retention_removes_at_the_exact_age() {
    for place in places() {
        let fixture = place.fixture();
        ingest_for(&fixture, 10);
        keeping(&fixture, 4, None);
        // The time is 10: activities decided before 6 are too old.
        for (wait, left, gone) in [(0, 8, 12), (0, 8, 0), (1, 6, 2), (100, 0, 6)] {
            fixture.advance(wait);
            let receipt = fixture.filter.apply_retention().unwrap().unwrap();
            let outcome = outcome(&fixture);
            assert_eq!(receipt.record(), outcome.id);
            assert_eq!((outcome.initiator, outcome.at), (Initiator::System, fixture_now(&fixture)));
            assert_eq!(removed(&outcome.outcome), Some((gone, 0, true)));
            let all = fixture.everything();
            assert_eq!(all.len(), left);
            let keep = chrono::TimeDelta::seconds(4);
            assert!(all.iter().all(|stored| stored.decision().decided_at() >= fixture_now(&fixture) - keep));
        }
    }
}

fn fixture_now(fixture: &Fixture) -> chrono::DateTime<chrono::Utc> {
    at(fixture.clock.load(std::sync::atomic::Ordering::SeqCst))
}

/// The time of occurrence has no effect, as in every other decision (D3).
#[test]
fn g5_age_counts_from_the_decision() {
    for place in places() {
        let fixture = place.fixture();
        fixture.install(people(&[("bob", &[])]));
        keeping(&fixture, 60, None);
        let done = |id: &str, seconds: i64| {
            let (actor, app) = (Actor::user(alias("bob@contoso.com")), App::new("Box".parse().unwrap()));
            Activity::builder(id.parse().unwrap(), actor, app, "Login".parse().unwrap(), at(seconds)).build().unwrap()
        };
        fixture.advance(1_000).ingest(&[done("long-ago", -1_000_000)]);
        fixture.filter.apply_retention().unwrap();
        assert_eq!(fixture.public_ids(), ["long-ago"]);
        fixture.advance(30).ingest(&[done("to-come", 1_000_000)]);
        fixture.advance(31).filter.apply_retention().unwrap();
        assert_eq!(fixture.public_ids(), ["to-come"]);
    }
}

#[test]
fn g5_records_outlast_activities_and_keep_their_sequence() {
    for place in places() {
        let fixture = Fixture::over(Arc::clone(&place.store), Arc::new(MemorySink::new()));
        ingest_for(&fixture, 10);
        keeping(&fixture, 4, Some(8));
        fixture.advance(100);
        keeping(&fixture, 5, Some(8));
        let before = fixture.records();
        fixture.filter.apply_retention().unwrap();
        let (after, outcome) = (fixture.records(), outcome(&fixture));
        // The earlier change of options, and the later records.
        let kept = before.iter().filter(|entry| entry.record.at >= at(102)).count();
        let gone = (before.len() - kept) as u64;
        assert_eq!(removed(&outcome.outcome), Some((20, gone, true)));
        assert_eq!(after[..kept], before[before.len() - kept..]);
        assert_eq!(after.len(), kept + 2, "the remaining records and those of the run");
        assert!(fixture.everything().is_empty());
    }
}

#[test]
fn g5_no_record_is_removed_before_activities() {
    let log = Log::default();
    for fault in [StoreFault::Fails, StoreFault::FailsLate, StoreFault::SaysStale] {
        let store = FaultyStore::new(Place::in_memory().store, &log);
        let fixture = Fixture::over(Arc::clone(&store) as Arc<dyn ActivityStore>, Arc::new(MemorySink::new()));
        ingest_for(&fixture, 4);
        keeping(&fixture, 1, Some(1));
        fixture.advance(100);
        // The first call compares store and log.
        fixture.filter.policy().unwrap();
        let before = fixture.records();
        // The first calls read the policy and the last applied records.
        store.fault_in(2, fault);
        let error = fixture.filter.apply_retention().unwrap_err();
        assert!(matches!(error, RemovalError::Store(_)), "{error:?}");
        store.recover();
        let after = fixture.records();
        assert_eq!(after[..before.len()], before);
        let failed = &after.last().unwrap().record.outcome;
        assert!(matches!(failed, Outcome::RemovedInPart { reason: FailureReason::Store, .. }), "{failed:?}");
        fixture.filter.apply_retention().unwrap();
        assert!(fixture.records().len() < before.len());
        assert!(fixture.everything().is_empty());
    }
}
