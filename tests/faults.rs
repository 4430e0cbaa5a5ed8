//! Faults on command: for every fault of a store or a sink, at every call of every operation, the rules hold during the
//! fault, and the filter recovers afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

mod fault;
mod fixture;
mod forward;
mod place;

mod faults {
    pub(crate) mod operation;
    pub(crate) mod scene;
    #[cfg(all(unix, feature = "sqlite"))]
    mod space;
}

use std::collections::BTreeSet;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use activity_privacy::engine::Visibility;
use activity_privacy::filter::{IngestOutcome, OpenError, RevealError, UpdatePolicyError};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{
    AcceptedDifference, ChangeSummary, Difference, Digest, Event, FailureReason, Initiator, Outcome, Record,
    RecordQuery,
};
use activity_privacy::policy::{ManagedDomain, PolicyChange, Revision};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::store::StoreError;
use fault::*;
use faults::operation::*;
use faults::scene::*;
use fixture::*;
use place::*;

/// A timeout that only a hanging sink reaches.
const AMPLE: Duration = Duration::from_secs(60);

fn scene(operation: Operation, place: Place, limit: Duration) -> Scene {
    let mut scene = match operation {
        Operation::Initialize => Scene::empty(place, limit),
        _ => Scene::furnished(place, limit, true),
    };
    operation.prepare(&mut scene);
    scene
}

fn run(operation: Operation, scene: &mut Scene) -> End {
    match catch_unwind(AssertUnwindSafe(|| operation.run(scene))) {
        Ok(Ok(answer)) => End::Done(answer),
        Ok(Err(error)) => End::Refused(error),
        Err(_) => End::Panicked,
    }
}

/// Tests every fault at every call of an operation, each in a separate scene.
fn sweep(operation: Operation) {
    for kind in 0..places().len() {
        let place = || places().remove(kind);
        let mut faultless = scene(operation, place(), AMPLE);
        let before = (faultless.store.calls(), faultless.sink.calls());
        let end = run(operation, &mut faultless);
        assert!(operation.ends_well(&end), "{operation:?} without a fault");
        let calls = (faultless.store.calls() - before.0, faultless.sink.calls() - before.1);
        assert!(calls != (0, 0), "{operation:?} calls no port");
        carry_on(operation, &faultless);
        let state = faultless.state();
        faultless.leave();
        let of_store = STORE_FAULTS.into_iter().flat_map(|fault| (0..calls.0).map(move |at| (at, Wrong::Store(fault))));
        // Hanging sinks are slow to test, so they are tested with one kind of place.
        let sink_faults =
            FAULTS.into_iter().chain(UNDETECTABLE_FAULTS).filter(|fault| kind == 0 || *fault != Fault::Hangs);
        let of_sink = sink_faults.flat_map(|fault| (0..calls.1).map(move |at| (at, Wrong::Sink(fault))));
        let broken: Vec<String> = of_store
            .chain(of_sink)
            .filter(|(call, wrong)| !withstands(operation, place(), *call, *wrong, &state))
            .map(|(call, wrong)| format!("{wrong:?} at call {call}"))
            .collect();
        assert!(broken.is_empty(), "{operation:?} violates the rules under {broken:#?}");
    }
}

/// Returns whether the rules hold during one fault at one call and afterwards.
fn withstands(operation: Operation, place: Place, call: usize, wrong: Wrong, state: &str) -> bool {
    let hangs = wrong == Wrong::Sink(Fault::Hangs);
    let mut scene = scene(operation, place, if hangs { LIMIT } else { AMPLE });
    match wrong {
        Wrong::Store(fault) => scene.store.fault_in(call, fault),
        Wrong::Sink(fault) => scene.sink.fault_in(call, fault),
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let end = run(operation, &mut scene);
        operation.holds(&end, wrong, &scene);
        assert_no_private_content(&end);
        assert_recorded(&end, wrong, &scene);
        scene.recover();
        if is_accepted(operation, wrong, &mut scene) {
            return;
        }
        recovers(operation, wrong, &mut scene);
        carry_on(operation, &scene);
        assert_eq!(scene.state(), *state, "the final state equals the state without a fault");
    }));
    scene.leave();
    checked.is_ok()
}

/// B2, V2: no error contains private content.
fn assert_no_private_content(end: &End) {
    if let End::Refused(error) = end {
        let mut next: Option<&dyn Error> = Some(&**error);
        while let Some(error) = next {
            assert_says_nothing(&format!("{error} {error:?}"));
            next = error.source();
        }
    }
}

/// G1, R2, R3: sequence numbers have no gap, shown pages and policies in force are recorded, and the records are true.
fn assert_recorded(end: &End, wrong: Wrong, scene: &Scene) {
    let records = scene.records();
    let sequences: Vec<u64> = records.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>(), "G1: the sequence has no gap");
    // A caller cannot detect a sink that does not store what it confirms.
    if wrong == Wrong::Sink(Fault::Loses) {
        return;
    }
    if let End::Done(answer) = end {
        for (reveal, page) in &answer.pages {
            let private = page.activities().iter().filter(|stored| stored.visibility() == Visibility::Private);
            let digest = Digest::of_ids(private.map(|stored| stored.activity().id()));
            let recorded = records.iter().any(|entry| {
                let Record { event, initiator, outcome, .. } = &entry.record;
                let same = matches!(event, Event::Page { reveal: of, activities, digest: seen, .. }
                    if of == reveal
                        && activities.value() == Some(&(page.activities().len() as u64))
                        && seen.value() == Some(&digest));
                same && *outcome == Outcome::Intended && *initiator == Initiator::User(user("root"))
            });
            assert!(recorded, "R3: a page was shown and is not recorded");
        }
    }
    if let Some(reveal) = &scene.reveal {
        let opening =
            |record: &Record| matches!(&record.event, Event::Reveal(summary) if summary.reveal == reveal.id());
        let recorded = records.iter().any(|entry| entry.record.outcome == Outcome::Intended && opening(&entry.record));
        assert!(recorded, "R2: a reveal is open and is not recorded");
    }
    let Some(policy) = scene.policy() else { return };
    let before = policy.revision().number().checked_sub(1).filter(|before| *before > 0).map(Revision::from_number);
    let intents = || records.iter().filter(|entry| entry.record.outcome == Outcome::Intended);
    let of_policy = |event: &Event| matches!(event, Event::ChangePolicy(_) | Event::InitializePolicy { .. });
    let intended = intents().any(|entry| entry.record.policy == before && of_policy(&entry.record.event));
    assert!(intended, "G1: the intent of the policy in force is recorded");
    let finance = policy.private_groups().contains(&group("finance").into());
    for entry in &records {
        let of_finance =
            entry.record.event == Event::ChangePolicy(vec![ChangeSummary::MakePrivate(group("finance").into())]);
        match entry.record.outcome {
            Outcome::Done { .. } if of_finance && wrong != Wrong::Store(StoreFault::Loses) => {
                assert!(finance, "G1: a change recorded as done is in force");
            }
            Outcome::Failed { reason: FailureReason::Store, .. } if of_finance => {
                assert!(!finance, "G1: a change recorded as failed is not in force");
            }
            _ => {}
        }
    }
}

/// G8: a store that confirmed a recorded policy and lost it is behind its log. Nothing works until an administrator
/// accepts the difference. Accepts it, and returns whether that was the case.
fn is_accepted(operation: Operation, wrong: Wrong, scene: &mut Scene) -> bool {
    if wrong != Wrong::Store(StoreFault::Loses) || !matches!(operation, Operation::Change | Operation::Initialize) {
        return false;
    }
    let Err(OpenError::Differs(difference)) = scene.builder().open() else { return false };
    assert!(matches!(difference, Difference::StoreBehind { .. } | Difference::StoreEmpty { .. }), "{difference:?}");
    if let Some(running) = &scene.filter {
        assert!(running.reveal(reveal_all("root")).is_err(), "the open filter rejects the store");
    }
    let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
    let filter = scene.builder().accept_difference(accepted).open_or_initialize(admins()).unwrap();
    let bob = activity("shown-after", "bob");
    assert_eq!(filter.ingest(&[bob]).unwrap().outcomes(), [IngestOutcome::Stored]);
    true
}

/// Asserts that the same filter executes the operation after the fault.
fn recovers(operation: Operation, wrong: Wrong, scene: &mut Scene) {
    // On a busy machine a call may take longer than the timeout of a hanging sink.
    let attempts = if wrong == Wrong::Sink(Fault::Hangs) { 50 } else { 1 };
    let recovered = (0..attempts).any(|_| {
        let end = run(operation, scene);
        assert_no_private_content(&end);
        operation.ends_well(&end)
    });
    assert!(recovered, "it recovers");
    if scene.filter.is_none() {
        scene.open().unwrap();
    }
}

/// Uses the filter afterwards: ingests, views, changes the policy and reveals.
fn carry_on(operation: Operation, scene: &Scene) {
    let filter = scene.filter();
    let after = [activity("secret-after", "adele"), activity("shown-after", "bob")];
    let delivered = filter.ingest(&after).unwrap();
    assert_eq!(delivered.outcomes(), [IngestOutcome::Stored; 2]);
    let viewed = viewed(filter).unwrap();
    // A policy that was only initialized hides no one.
    if operation != Operation::Initialize {
        assert_says_nothing(&viewed);
        let mut reveal = filter.reveal(reveal_all("root")).unwrap();
        let page = reveal.page(PageSize::MAX, None).unwrap();
        assert!(page.activities().iter().any(|stored| stored.activity().id().as_str() == "secret-after"));
        reveal.close().unwrap();
    }
    let managed = ManagedDomain::exactly(domain("carries-on.example"));
    filter.update_policy(&user("root"), PolicyChange::ManageDomain(managed)).unwrap();
}

#[test]
fn g1_faults_while_initializing() {
    sweep(Operation::Initialize);
}

#[test]
fn g1_faults_while_opening() {
    sweep(Operation::Open);
}

#[test]
fn d4_d5_faults_during_ingest() {
    sweep(Operation::Ingest);
}

#[test]
fn g1_d5_faults_during_policy_change() {
    sweep(Operation::Change);
}

#[test]
fn r2_faults_while_opening_reveal() {
    sweep(Operation::Reveal);
}

#[test]
fn p2_r4_faults_during_reveal_without_grant() {
    sweep(Operation::RevealWithoutGrant);
}

#[test]
fn r2_r3_faults_during_pages() {
    sweep(Operation::Pages);
}

#[test]
fn r1_faults_during_pages_of_one_actor() {
    sweep(Operation::PagesOfOneActor);
}

#[test]
fn g1_faults_while_closing_reveal() {
    sweep(Operation::Close);
}

#[test]
fn g3_faults_while_reading_log() {
    sweep(Operation::ReadLog);
    sweep(Operation::ReadLogRefused);
}

#[test]
fn d11_faults_while_reconciling_directory() {
    sweep(Operation::ReconcileRemovedGroup);
    sweep(Operation::ReconcileRestoredGroup);
}

#[test]
fn v2_b2_faults_during_views() {
    sweep(Operation::View);
}

#[test]
fn f1_f3_faults_during_forwarding() {
    sweep(Operation::Forward);
}

/// Returns the result of a viewer or a forwarder as text, including an error and its source.
fn text_of(end: &End) -> String {
    match end {
        End::Done(answer) => answer.text.clone(),
        End::Refused(error) => format!("{error:?} {:?}", error.source().map(ToString::to_string)),
        End::Panicked => "it broke off".to_owned(),
    }
}

#[test]
fn v2_faults_do_not_disclose_hidden_activities() {
    for operation in [Operation::View, Operation::Forward] {
        for kind in 0..places().len() {
            let furnished = |hidden| Scene::furnished(places().remove(kind), AMPLE, hidden);
            let mut counted = furnished(true);
            let before = counted.store.calls();
            let faultless = text_of(&run(operation, &mut counted));
            let calls = counted.store.calls() - before;
            let mut results = BTreeSet::new();
            for (call, fault) in (0..calls).flat_map(|call| STORE_FAULTS.map(|fault| (call, fault))) {
                let [with, without] = [true, false].map(|hidden| {
                    let mut scene = furnished(hidden);
                    scene.store.fault_in(call, fault);
                    text_of(&run(operation, &mut scene))
                });
                assert_eq!(with, without, "{operation:?}, {fault:?} at call {call}");
                results.insert(with);
            }
            assert!(results.contains(&faultless) && results.len() > 3, "the faults lead to different results");
        }
    }
}

/// While a call of the store hangs, other readers continue, whatever the operation and the call.
#[test]
fn b3_hanging_store_call_blocks_no_reader() {
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Initialize) {
        let mut counted = scene(operation, Place::in_memory(), AMPLE);
        let before = counted.store.calls();
        run(operation, &mut counted);
        for call in 0..counted.store.calls() - before {
            let mut scene = scene(operation, Place::in_memory(), AMPLE);
            let (store, filter) = (Arc::clone(&scene.store), scene.filter().clone());
            store.hang_in(call);
            thread::scope(|scope| {
                let hanging = scope.spawn(|| operation.ends_well(&run(operation, &mut scene)));
                let hangs = store.hangs_within(AMPLE);
                let (answer, answered) = mpsc::channel();
                scope.spawn(move || {
                    viewed(&filter).unwrap();
                    filter.forward(&Offset::START, PageSize::MAX).unwrap();
                    filter.governance_records(&user("root"), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
                    let mut reveal = filter.reveal(reveal_all("root")).unwrap();
                    reveal.page(PageSize::MAX, None).unwrap();
                    answer.send(()).unwrap();
                });
                let in_time = answered.recv_timeout(AMPLE);
                store.let_go();
                assert!(hangs, "{operation:?} makes call {call}");
                assert_eq!(in_time, Ok(()), "readers wait for {operation:?}, which hangs at call {call}");
                assert!(hanging.join().unwrap(), "{operation:?} succeeds after its release");
            });
            scene.leave();
        }
    }
}

/// Ann's grant was revoked, and the store returns the policy before the revocation.
#[test]
fn p2_stale_policy_permits_nothing() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        scene.store.fault_in(0, StoreFault::OlderPolicy);
        let error = scene.filter().reveal(reveal_all("ann")).unwrap_err();
        assert!(
            matches!(error, RevealError::Store(StoreError::WentBack { given, known }) if given < known),
            "{error:?}"
        );
        assert!(matches!(scene.filter().reveal(reveal_all("ann")).unwrap_err(), RevealError::Denied(_)));
        // A reveal that lost its permission in the meantime does not continue under it either.
        let mut reveal = scene.filter().reveal(reveal_all("eve")).unwrap();
        scene.fixture.update_policy(PolicyChange::Revoke(user("eve").into()));
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Denied(_)));
        scene.store.fault_in(0, StoreFault::OlderPolicy);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Store(_)));
    }
}

/// The viewer on record must be the one who sees the page.
#[test]
fn r3_page_of_another_reveal_is_not_shown() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        let mut reveal = scene.filter().reveal(reveal_all("root")).unwrap();
        let before = scene.records().len();
        scene.store.fault_in(1, StoreFault::PageOfAnother);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::WrongPage));
        let records = scene.records();
        assert_eq!(records.len(), before + 1, "R4: the attempt is recorded");
        let last = &records.last().unwrap().record;
        let Event::Page { reveal: of, activities, private, .. } = &last.event else { panic!("{last:?}") };
        assert_eq!((*of, activities.value(), private.value()), (reveal.id(), Some(&0), Some(&0)));
        assert!(matches!(last.outcome, Outcome::Failed { reason: FailureReason::Store, .. }), "the page was not shown");
        assert_eq!(reveal.page(PageSize::MAX, None).unwrap().activities().len(), 6);
    }
}

#[test]
fn r1_surplus_rows_of_store_are_not_shown() {
    for place in places() {
        let mut scene = Scene::furnished(place, AMPLE, true);
        Operation::PagesOfOneActor.prepare(&mut scene);
        scene.store.fault_in(1, StoreFault::ReturnsAll);
        let page = scene.reveal.as_mut().unwrap().page(PageSize::MAX, None).unwrap();
        assert_eq!((page.activities().len(), page.includes_private()), (3, false));
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let hidden = RevealRequest::new(user("root"), Query::all(), Duration::from_secs(60), audited).private_only();
        let mut reveal = scene.filter().reveal(hidden).unwrap();
        scene.store.fault_in(1, StoreFault::ReturnsAll);
        let page = reveal.page(PageSize::MAX, None).unwrap();
        assert_eq!(page.activities().len(), 3);
        assert!(page.activities().iter().all(|stored| stored.visibility() == Visibility::Private));
    }
}

/// The store applies a change and its answer is lost. The change is in force, so no record may report a failure.
#[test]
fn g1_applied_change_is_recorded_as_done_despite_error() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        // The change reads the policy, then the removed groups to prepare the engine, and then publishes.
        scene.store.fault_in(2, StoreFault::FailsLate);
        let revision = scene.filter().update_policy(&user("root"), finance_private()).unwrap();
        assert_eq!(scene.policy().unwrap().revision(), revision);
        assert!(matches!(scene.records().pop().unwrap().record.outcome, Outcome::Done { .. }));
        // The store fails before it applies the change.
        scene.store.fault_in(2, StoreFault::Fails);
        let public = PolicyChange::MakePublic(group("finance").into());
        assert!(matches!(
            scene.filter().update_policy(&user("root"), &public).unwrap_err(),
            UpdatePolicyError::Store(_)
        ));
        assert_eq!(scene.policy().unwrap().revision(), revision);
        let outcome = scene.records().pop().unwrap().record.outcome;
        assert!(matches!(outcome, Outcome::Failed { reason: FailureReason::Store, .. }), "{outcome:?}");
    }
}
