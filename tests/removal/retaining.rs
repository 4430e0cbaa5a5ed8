//! Removing what the policy does not let be kept any longer.

use std::sync::Arc;
use std::time::Duration;

use activity_privacy::memory::MemorySink;
use activity_privacy::*;

use crate::fault::*;
use crate::house::*;
use crate::place::*;

fn keeping(house: &House, activities: u64, records: Option<u64>) {
    let mut retention = Retention::of_activities(Duration::from_secs(activities));
    if let Some(records) = records {
        retention = retention.and_of_records(Duration::from_secs(records)).unwrap();
    }
    house.options(OptionsPatch::new().retention(Some(retention)));
}

/// Both kinds, a second apart, from now on.
fn ingest_for(house: &House, seconds: i64) {
    house.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council");
    for second in 0..seconds {
        house.ingest(&[activity(&format!("a-{second}"), "adele"), activity(&format!("b-{second}"), "bob")]);
        house.advance(1);
    }
}

fn outcome(house: &House) -> Record {
    house.records().pop().unwrap().record
}

#[test]
fn g5_a_policy_that_lets_everything_be_kept_removes_nothing_and_says_nothing() {
    for place in places() {
        let house = place.house();
        ingest_for(&house, 3);
        house.permit_root().advance(1_000_000_000);
        let before = house.records();
        assert_eq!(house.filter.apply_retention().unwrap(), None);
        keeping(&house, u64::MAX, None);
        assert_eq!(house.filter.apply_retention().unwrap(), None, "since before there was time");
        assert_eq!(house.records().len(), before.len() + 2, "the change alone");
        assert_eq!(house.everything().len(), 6);
    }
}

#[test]
fn g5_clock_that_goes_back_removes_nothing_more() {
    for place in places() {
        let house = place.house();
        ingest_for(&house, 10);
        keeping(&house, 4, None);
        house.filter.apply_retention().unwrap();
        let left = house.everything().len();
        assert_eq!(left, 8);
        for back in [-1, -5, -1_000_000, 1_000_006] {
            house.advance(back);
            house.filter.apply_retention().unwrap();
            assert_eq!(removed(&outcome(&house).outcome), Some((0, 0, true)));
        }
        assert_eq!(house.everything().len(), left);
    }
}

#[test]
fn g5_what_is_older_than_the_policy_lets_be_kept_goes_and_not_a_second_before() {
    for place in places() {
        let house = place.house();
        ingest_for(&house, 10);
        keeping(&house, 4, None);
        // Now is 10: what was decided before 6 is too old.
        for (wait, left, gone) in [(0, 8, 12), (0, 8, 0), (1, 6, 2), (100, 0, 6)] {
            house.advance(wait);
            let receipt = house.filter.apply_retention().unwrap().unwrap();
            let outcome = outcome(&house);
            assert_eq!(receipt.record(), outcome.id);
            assert_eq!((outcome.initiator, outcome.at), (Initiator::System, house_now(&house)));
            assert_eq!(removed(&outcome.outcome), Some((gone, 0, true)));
            let all = house.everything();
            assert_eq!(all.len(), left);
            let keep = chrono::TimeDelta::seconds(4);
            assert!(all.iter().all(|stored| stored.stamp().decided_at() >= house_now(&house) - keep));
        }
    }
}

fn house_now(house: &House) -> chrono::DateTime<chrono::Utc> {
    at(house.clock.load(std::sync::atomic::Ordering::SeqCst))
}

/// When it was done plays no part, as in every other decision (D3).
#[test]
fn g5_an_activity_is_as_old_as_its_stamp() {
    for place in places() {
        let house = place.house();
        house.install(people(&[("bob", &[])]));
        keeping(&house, 60, None);
        let done = |id: &str, seconds: i64| {
            let (actor, app) = (Actor::user(alias("bob@contoso.com")), App::new("Box".parse().unwrap()));
            Activity::builder(id.parse().unwrap(), actor, app, "Login".parse().unwrap(), at(seconds)).build().unwrap()
        };
        house.advance(1_000).ingest(&[done("long-ago", -1_000_000)]);
        house.filter.apply_retention().unwrap();
        assert_eq!(house.public_ids(), ["long-ago"]);
        house.advance(30).ingest(&[done("to-come", 1_000_000)]);
        house.advance(31).filter.apply_retention().unwrap();
        assert_eq!(house.public_ids(), ["to-come"]);
    }
}

#[test]
fn g5_records_go_after_the_activities_that_they_speak_of_and_the_rest_keep_their_numbers() {
    for place in places() {
        let house = House::over(Arc::clone(&place.store), Arc::new(MemorySink::new()));
        ingest_for(&house, 10);
        keeping(&house, 4, Some(8));
        house.advance(100);
        keeping(&house, 5, Some(8));
        let before = house.records();
        house.filter.apply_retention().unwrap();
        let (after, outcome) = (house.records(), outcome(&house));
        // The change of options before, and what came after it.
        let kept = before.iter().filter(|entry| entry.record.at >= at(102)).count();
        let gone = (before.len() - kept) as u64;
        assert_eq!(removed(&outcome.outcome), Some((20, gone, true)));
        assert_eq!(after[..kept], before[before.len() - kept..]);
        assert_eq!(after.len(), kept + 2, "what stays, and the run itself");
        assert!(house.everything().is_empty());
    }
}

#[test]
fn g5_no_record_goes_as_long_as_an_activity_does_not() {
    let log = Log::default();
    for fault in [StoreFault::Fails, StoreFault::FailsLate, StoreFault::SaysStale] {
        let store = FaultyStore::new(Place::in_memory().store, &log);
        let house = House::over(Arc::clone(&store) as Arc<dyn ActivityStore>, Arc::new(MemorySink::new()));
        ingest_for(&house, 4);
        keeping(&house, 1, Some(1));
        house.advance(100);
        // Store and log are compared first.
        house.filter.policy().unwrap();
        let before = house.records();
        // The first calls ask for the policy, and for what was applied last.
        store.fault_in(2, fault);
        let error = house.filter.apply_retention().unwrap_err();
        assert!(matches!(error, RemovalError::Store(_)), "{error:?}");
        store.recover();
        let after = house.records();
        assert_eq!(after[..before.len()], before);
        let failed = &after.last().unwrap().record.outcome;
        assert!(matches!(failed, Outcome::RemovedInPart { cause: Failure::Store, .. }), "{failed:?}");
        house.filter.apply_retention().unwrap();
        assert!(house.records().len() < before.len());
        assert!(house.everything().is_empty());
    }
}
