//! Removals that break off, and are called again.

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

struct Scene {
    fixture: Fixture,
    store: Arc<FaultyStore>,
    sink: Arc<FaultySink>,
    log: Log,
}

/// 2,500 of Adele's, so that it takes several steps, and three of others.
fn scene(place: &Place) -> Scene {
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
    Scene { fixture, store, sink, log }
}

fn left(place: &Place) -> usize {
    // RevealTotals past the faults.
    place.fixture().install(people(&[])).everything().len()
}

fn removals(sink: &FaultySink) -> Vec<Outcome> {
    let records = sink.durable().into_iter();
    records.filter(|record| matches!(record.event, Event::Remove(_))).map(|record| record.outcome).collect()
}

#[test]
fn g1_a_store_that_fails_at_any_step_is_recorded_and_the_rest_goes_later() {
    // The policy, then steps of at most a thousand, the last of which finds nothing.
    for step in 1..5 {
        for fault in [StoreFault::Fails, StoreFault::FailsLate] {
            for place in places() {
                let Scene { fixture, store, sink, .. } = scene(&place);
                store.fault_in(step, fault);
                let error = fixture.filter.erase(&user("root"), Subject::of(user("adele"))).unwrap_err();
                assert!(matches!(error, RemovalError::Store(_)), "{error:?}");
                store.recover();
                let outcomes = removals(&sink);
                let [Outcome::Intended, broke_off @ Outcome::RemovedInPart { reason: FailureReason::Store, .. }] =
                    &outcomes[..]
                else {
                    panic!("{outcomes:?}")
                };
                let (now, (told, ..)) = (left(&place), removed(broke_off).unwrap());
                // What the store did not get to say is not told.
                let done = (2_503 - now) as u64;
                assert!(told == done || (told < done && fault == StoreFault::FailsLate), "{told} of {done}");
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
fn g1_nothing_is_removed_before_the_sink_has_said_that_it_is_on_record() {
    for fault in FAULTS {
        let place = Place::in_memory();
        let Scene { sink, store, log, .. } = scene(&place);
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
fn g1_a_removal_whose_outcome_is_not_on_record_says_so_and_its_intent_is() {
    for fault in FAULTS {
        let place = Place::in_memory();
        let Scene { sink, store, .. } = scene(&place);
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
fn g5_a_sink_that_removes_nothing_is_recorded_and_asked_again() {
    for fault in [Fault::Fails, Fault::FailsLate, Fault::Panics] {
        let place = Place::in_memory();
        let Scene { fixture, sink, .. } = scene(&place);
        let keep = Duration::from_secs(60);
        let retention = Some(Retention::of_activities(keep).and_of_records(keep).unwrap());
        fixture.options(OptionsPatch::new().retention(retention));
        fixture.advance(1_000);
        // Store and log are compared first.
        fixture.filter.policy().unwrap();
        let before = sink.durable().len();
        // The intent, then the records.
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

/// Has a run hang in a step, changes the policy meanwhile, and lets it go on.
fn changed_meanwhile(
    scene: &Scene,
    run: impl FnOnce() -> Result<(), RemovalError> + Send,
    change: &[PolicyChange],
) -> RemovalError {
    let others = PrivacyFilter::builder(
        Arc::clone(&scene.store.inner),
        Arc::clone(&scene.fixture.directory),
        Arc::clone(&scene.sink) as Arc<dyn GovernanceSink>,
    );
    let others = others.open().unwrap();
    std::thread::scope(|scope| {
        let run = scope.spawn(run);
        assert!(scene.store.hangs_within(Duration::from_secs(5)));
        for change in change {
            others.update_policy(&user("root"), change).unwrap();
        }
        scene.store.let_go();
        run.join().unwrap().unwrap_err()
    })
}

#[test]
fn p2_whoever_loses_the_role_erases_no_more_from_the_next_step_on() {
    for place in places() {
        let scene = scene(&place);
        scene.fixture.update_policy(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator));
        // The policy, the policy again, and the first step.
        scene.store.hang_in(2);
        let erase = || scene.fixture.filter.erase(&user("eve"), Subject::of(user("adele"))).map(drop);
        let error = changed_meanwhile(&scene, erase, &[PolicyChange::RemoveAdmin(user("eve"))]);
        assert!(matches!(error, RemovalError::Denied(Denial::NotAdmin)), "{error:?}");
        let last = removals(&scene.sink).pop().unwrap();
        assert!(
            matches!(last, Outcome::RemovedInPart { reason: FailureReason::Denied(Denial::NotAdmin), .. }),
            "{last:?}"
        );
        assert!(left(&place) >= 1_503, "a step is at most a thousand");
    }
}

#[test]
fn g5_a_policy_that_lets_more_be_kept_ends_a_run_of_retention() {
    let retention = |seconds| {
        let keep = Duration::from_secs(seconds);
        let retention = Some(Retention::of_activities(keep).and_of_records(keep).unwrap());
        PolicyChange::SetOptions(OptionsPatch::new().retention(retention))
    };
    let for_ever = PolicyChange::SetOptions(OptionsPatch::new().retention(None));
    for change in [retention(10_000), for_ever] {
        for place in places() {
            let scene = scene(&place);
            scene.fixture.update_policy(retention(60));
            scene.fixture.advance(1_000);
            // Store and log are compared first.
            scene.fixture.filter.policy().unwrap();
            let before = scene.sink.durable();
            scene.store.hang_in(3);
            let run = || scene.fixture.filter.apply_retention().map(drop);
            let error = changed_meanwhile(&scene, run, std::slice::from_ref(&change));
            assert!(matches!(error, RemovalError::Superseded), "{error:?}");
            let last = removals(&scene.sink).pop().unwrap();
            assert!(matches!(last, Outcome::RemovedInPart { reason: FailureReason::Superseded, .. }), "{last:?}");
            assert!(left(&place) >= 1_503, "a step is at most a thousand");
            assert_eq!(scene.sink.durable()[..before.len()], before, "and no record went");
        }
    }
}
