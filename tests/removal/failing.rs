//! Removals that are interrupted and called again.

use std::sync::Arc;
use std::time::Duration;

use activity_privacy::filter::{PrivacyFilter, RemovalError};
use activity_privacy::governance::{Event, FailureReason, GovernanceSink, Outcome};
use activity_privacy::identity::Subject;
use activity_privacy::policy::{Denial, OptionsPatch, PolicyChange, Retention, Role};
use activity_privacy::store::ActivityStore;

use crate::fault::*;
use crate::fixture::*;
use crate::place::*;

struct Setup {
    fixture: Fixture,
    store: Arc<FaultyStore>,
    sink: Arc<FaultySink>,
    log: Log,
}

/// Stores 2,500 activities of Adele, so that an erasure takes several steps, and three of others.
fn setup(place: &Place) -> Setup {
    let log = Log::default();
    let store = FaultyStore::new(Arc::clone(&place.store), &log);
    let sink = FaultySink::over(Arc::clone(&place.sink), &log);
    let fixture =
        Fixture::over(Arc::clone(&store) as Arc<dyn ActivityStore>, Arc::clone(&sink) as Arc<dyn GovernanceSink>);
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])]));
    let hers = |from: usize| (from..from + 500).map(|n| activity(&format!("a-{n}"), "adele")).collect::<Vec<_>>();
    for from in (0..1_500).step_by(500) {
        fixture.ingest(&hers(from));
    }
    fixture.make_private("council");
    for from in (1_500..2_500).step_by(500) {
        fixture.ingest(&hers(from));
    }
    fixture.ingest(&["x", "y", "z"].map(|id| activity(id, "bob")));
    Setup { fixture, store, sink, log }
}

fn left(place: &Place) -> usize {
    // Reads the store without the injected faults.
    place.fixture().install(people(&[])).everything().len()
}

fn removals(sink: &FaultySink) -> Vec<Outcome> {
    let records = sink.durable().into_iter();
    records.filter(|record| matches!(record.event, Event::Remove(_))).map(|record| record.outcome).collect()
}

#[test]
fn g1_store_failure_is_recorded_and_removal_continues_later() {
    // Calls: the policy, then steps of at most a thousand activities, the last of which finds none.
    for step in 1..5 {
        for fault in [StoreFault::Fails, StoreFault::FailsLate] {
            for place in places() {
                let Setup { fixture, store, sink, .. } = setup(&place);
                store.fault_in(step, fault);
                let error = fixture.filter.erase(&user("root"), Subject::of(user("adele"))).unwrap_err();
                assert!(matches!(error, RemovalError::Store(_)), "{error:?}");
                store.recover();
                let outcomes = removals(&sink);
                let [Outcome::Intended, interrupted @ Outcome::RemovedInPart { reason: FailureReason::Store, .. }] =
                    &outcomes[..]
                else {
                    panic!("{outcomes:?}")
                };
                let (now, (reported, ..)) = (left(&place), removed(interrupted).unwrap());
                // A removal that the store did not confirm is not counted.
                let done = (2_503 - now) as u64;
                assert!(
                    reported == done || (reported < done && fault == StoreFault::FailsLate),
                    "{reported} of {done}"
                );
                assert!(now >= 3 && (step > 1 || fault != StoreFault::Fails || now == 2_503), "{now} are left");
                fixture.erase(Subject::of(user("adele")));
                assert_eq!(left(&place), 3);
                let gone = (now - 3) as u64;
                let last = removals(&sink).pop().unwrap();
                assert_eq!(removed(&last), Some((gone, 0, true)));
            }
        }
    }
}

#[test]
fn g1_nothing_is_removed_before_its_record_is_durable() {
    for fault in FAULTS {
        let place = Place::in_memory();
        let Setup { sink, store, log, .. } = setup(&place);
        let filter = PrivacyFilter::builder(
            Arc::clone(&store) as Arc<dyn ActivityStore>,
            activity_privacy::memory::MemoryDirectory::new(),
            Arc::clone(&sink) as Arc<dyn GovernanceSink>,
        )
        .sink_timeout(LIMIT)
        .open()
        .unwrap();
        let subject = || Subject::of(user("adele")).with_identity(alias("adele@contoso.com"));
        sink.fault_in(0, fault);
        log.lock().unwrap().clear();
        let error = filter.erase(&user("root"), subject()).unwrap_err();
        assert!(matches!(error, RemovalError::Unrecorded(_)), "{fault:?}: {error:?}");
        assert_eq!(left(&place), 2_503, "{fault:?}");
        sink.recover();
        std::thread::sleep(if fault == Fault::Hangs { HANG } else { Duration::ZERO });
        assert!(filter.erase(&user("root"), subject()).is_ok());
        assert_eq!(left(&place), 3, "{fault:?}");
    }
}

#[test]
fn g1_unrecorded_outcome_is_reported_and_intent_is_recorded() {
    for fault in FAULTS {
        let place = Place::in_memory();
        let Setup { sink, store, .. } = setup(&place);
        let filter = PrivacyFilter::builder(
            Arc::clone(&store) as Arc<dyn ActivityStore>,
            activity_privacy::memory::MemoryDirectory::new(),
            Arc::clone(&sink) as Arc<dyn GovernanceSink>,
        )
        .sink_timeout(LIMIT)
        .open()
        .unwrap();
        sink.fault_in(1, fault);
        let subject = Subject::of(user("adele")).with_identity(alias("adele@contoso.com"));
        let error = filter.erase(&user("root"), subject).unwrap_err();
        assert!(matches!(error, RemovalError::OutcomeUnrecorded(_)), "{fault:?}: {error:?}");
        assert_eq!(removals(&sink).first(), Some(&Outcome::Intended), "{fault:?}");
        assert_eq!(left(&place), 3, "{fault:?}");
    }
}

#[test]
fn g5_sink_failure_is_recorded_and_removal_is_retried() {
    for fault in [Fault::Fails, Fault::FailsLate, Fault::Panics] {
        let place = Place::in_memory();
        let Setup { fixture, sink, .. } = setup(&place);
        let keep = Duration::from_secs(60);
        let retention = Some(Retention::of_activities(keep).and_of_records(keep).unwrap());
        fixture.options(OptionsPatch::new().retention(retention));
        fixture.advance(1_000);
        // The first call compares store and log.
        fixture.filter.policy().unwrap();
        let before = sink.durable().len();
        // Calls: the record of the intent, then the removal.
        sink.fault_in(1, fault);
        let error = fixture.filter.apply_retention().unwrap_err();
        assert!(matches!(error, RemovalError::Sink(_)), "{fault:?}: {error:?}");
        sink.recover();
        let outcomes = removals(&sink);
        assert!(
            matches!(outcomes.last(), Some(Outcome::RemovedInPart { reason: FailureReason::Sink, .. })),
            "{fault:?}: {outcomes:?}"
        );
        fixture.filter.apply_retention().unwrap();
        assert!(sink.durable().len() <= 4 && before > 4, "{fault:?}");
        assert_eq!(left(&place), 0);
    }
}

/// Blocks a run in a step, changes the policy meanwhile, and lets the run continue.
fn changed_meanwhile(
    setup: &Setup,
    run: impl FnOnce() -> Result<(), RemovalError> + Send,
    change: &[PolicyChange],
) -> RemovalError {
    let others = PrivacyFilter::builder(
        Arc::clone(&setup.store.inner),
        Arc::clone(&setup.fixture.directory),
        Arc::clone(&setup.sink) as Arc<dyn GovernanceSink>,
    );
    let others = others.open().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(run);
        assert!(setup.store.hangs_within(Duration::from_secs(5)));
        for change in change {
            others.update_policy(&user("root"), change).unwrap();
        }
        setup.store.release();
        run.join().unwrap().unwrap_err()
    })
}

#[test]
fn p2_revoked_role_stops_erasure_at_next_step() {
    for place in places() {
        let setup = setup(&place);
        setup.fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator));
        // Calls: the policy, the policy again, and the first step.
        setup.store.hang_in(2);
        let erase = || setup.fixture.filter.erase(&user("eve"), Subject::of(user("adele"))).map(drop);
        let error = changed_meanwhile(&setup, erase, &[PolicyChange::RemoveAdmin(user("eve"))]);
        assert!(matches!(error, RemovalError::Denied(Denial::NotAdmin)), "{error:?}");
        let last = removals(&setup.sink).pop().unwrap();
        assert!(
            matches!(last, Outcome::RemovedInPart { reason: FailureReason::Denied(Denial::NotAdmin), .. }),
            "{last:?}"
        );
        assert!(left(&place) >= 1_503, "a step is at most a thousand");
    }
}

#[test]
fn g5_longer_retention_ends_a_running_removal() {
    let retention = |seconds| {
        let keep = Duration::from_secs(seconds);
        let retention = Some(Retention::of_activities(keep).and_of_records(keep).unwrap());
        PolicyChange::SetOptions(OptionsPatch::new().retention(retention))
    };
    let unlimited = PolicyChange::SetOptions(OptionsPatch::new().retention(None));
    for change in [retention(10_000), unlimited] {
        for place in places() {
            let setup = setup(&place);
            setup.fixture.update_policy(retention(60));
            setup.fixture.advance(1_000);
            // The first call compares store and log.
            setup.fixture.filter.policy().unwrap();
            let before = setup.sink.durable();
            setup.store.hang_in(3);
            let run = || setup.fixture.filter.apply_retention().map(drop);
            let error = changed_meanwhile(&setup, run, std::slice::from_ref(&change));
            assert!(matches!(error, RemovalError::Superseded), "{error:?}");
            let last = removals(&setup.sink).pop().unwrap();
            assert!(matches!(last, Outcome::RemovedInPart { reason: FailureReason::Superseded, .. }), "{last:?}");
            assert!(left(&place) >= 1_503, "a step is at most a thousand");
            assert_eq!(setup.sink.durable()[..before.len()], before, "no record is removed");
        }
    }
}
