//! Injected faults: for every fault of a store or a sink, at every call of every operation, the guarantees hold during
//! the fault, and the filter recovers afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy allows these only in test functions, not in their helpers"
)]

mod fault;
mod fixture;
mod forward;
mod place;

mod faults {
    pub(crate) mod operation;
    pub(crate) mod setup;
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
use faults::setup::*;
use fixture::*;
use place::*;

/// A timeout that no call reaches, for setups in which no sink hangs.
const AMPLE: Duration = Duration::from_secs(60);

fn set_up(operation: Operation, place: Place, limit: Duration) -> Setup {
    let mut setup = match operation {
        Operation::Initialize => Setup::empty(place, limit),
        _ => Setup::populated(place, limit, true),
    };
    operation.prepare(&mut setup);
    setup
}

fn run(operation: Operation, setup: &mut Setup) -> Ending {
    match catch_unwind(AssertUnwindSafe(|| operation.run(setup))) {
        Ok(Ok(answer)) => Ending::Done(answer),
        Ok(Err(error)) => Ending::Error(error),
        Err(_) => Ending::Panicked,
    }
}

/// Tests every fault at every call of an operation, each in a separate setup.
fn inject_every_fault(operation: Operation) {
    for (kind, place) in PLACES.iter().enumerate() {
        let mut faultless = set_up(operation, place(), AMPLE);
        let before = (faultless.store.calls(), faultless.sink.calls());
        let end = run(operation, &mut faultless);
        assert!(operation.ends_well(&end), "{operation:?} fails without a fault");
        let calls = (faultless.store.calls() - before.0, faultless.sink.calls() - before.1);
        assert!(calls != (0, 0), "{operation:?} calls no port");
        use_afterwards(operation, &faultless);
        let state = faultless.state();
        faultless.assert_threads_end();
        let of_store =
            STORE_FAULTS.into_iter().flat_map(|fault| (0..calls.0).map(move |at| (at, InjectedFault::Store(fault))));
        // Hanging sinks are slow to test, so they are tested with one kind of storage.
        let sink_faults =
            FAULTS.into_iter().chain(UNDETECTABLE_FAULTS).filter(|fault| kind == 0 || *fault != Fault::Hangs);
        let of_sink = sink_faults.flat_map(|fault| (0..calls.1).map(move |at| (at, InjectedFault::Sink(fault))));
        let broken: Vec<String> = of_store
            .chain(of_sink)
            .filter(|(call, fault)| !withstands(operation, place(), *call, *fault, &state))
            .map(|(call, fault)| format!("{fault:?} at call {call}"))
            .collect();
        assert!(broken.is_empty(), "{operation:?} violates the rules under {broken:#?}");
    }
}

/// Returns whether the rules hold during one fault at one call and afterwards.
fn withstands(operation: Operation, place: Place, call: usize, fault: InjectedFault, state: &str) -> bool {
    let hangs = fault == InjectedFault::Sink(Fault::Hangs);
    let mut setup = set_up(operation, place, if hangs { LIMIT } else { AMPLE });
    match fault {
        InjectedFault::Store(fault) => setup.store.fault_in(call, fault),
        InjectedFault::Sink(fault) => setup.sink.fault_in(call, fault),
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let end = run(operation, &mut setup);
        operation.assert_holds(&end, fault, &setup);
        assert_no_private_content(&end);
        assert_recorded(&end, fault, &setup);
        setup.recover();
        if accept_lost_policy(operation, fault, &mut setup) {
            return;
        }
        assert_recovers(operation, fault, &mut setup);
        use_afterwards(operation, &setup);
        assert_eq!(setup.state(), *state, "the final state differs from the state without a fault");
    }));
    setup.assert_threads_end();
    checked.is_ok()
}

/// B2, V2: no error contains private content.
fn assert_no_private_content(end: &Ending) {
    if let Ending::Error(error) = end {
        let mut next: Option<&dyn Error> = Some(&**error);
        while let Some(error) = next {
            assert_no_private_text(&format!("{error} {error:?}"));
            next = error.source();
        }
    }
}

/// G1, R2, R3: sequence numbers have no gap, shown pages and policies in force are recorded, and the records are true.
fn assert_recorded(end: &Ending, fault: InjectedFault, setup: &Setup) {
    let records = setup.records();
    let sequences: Vec<u64> = records.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>(), "G1: the sequence numbers have a gap");
    // A caller cannot detect a sink that does not store what it confirms.
    if fault == InjectedFault::Sink(Fault::Loses) {
        return;
    }
    if let Ending::Done(answer) = end {
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
    if let Some(reveal) = &setup.reveal {
        let opening =
            |record: &Record| matches!(&record.event, Event::Reveal(summary) if summary.reveal == reveal.id());
        let recorded = records.iter().any(|entry| entry.record.outcome == Outcome::Intended && opening(&entry.record));
        assert!(recorded, "R2: a reveal is open and is not recorded");
    }
    let Some(policy) = setup.policy() else { return };
    // A record states the revision before its change; the first policy has none.
    let previous = policy.revision().number().checked_sub(1).filter(|number| *number > 0).map(Revision::from_number);
    let intents = || records.iter().filter(|entry| entry.record.outcome == Outcome::Intended);
    let of_policy = |event: &Event| matches!(event, Event::ChangePolicy(_) | Event::InitializePolicy { .. });
    let intended = intents().any(|entry| entry.record.policy == previous && of_policy(&entry.record.event));
    assert!(intended, "G1: the policy in force has no recorded intent");
    let finance = policy.private_groups().contains(&group("finance").into());
    for entry in &records {
        let of_finance =
            entry.record.event == Event::ChangePolicy(vec![ChangeSummary::MakePrivate(group("finance").into())]);
        match entry.record.outcome {
            Outcome::Done { .. } if of_finance && fault != InjectedFault::Store(StoreFault::Loses) => {
                assert!(finance, "G1: a change is recorded as done and is not in force");
            }
            Outcome::Failed { reason: FailureReason::Store, .. } if of_finance => {
                assert!(!finance, "G1: a change is recorded as failed and is in force");
            }
            _ => {}
        }
    }
}

/// G8: if the store confirmed a policy and lost it, the filter does not open until an administrator accepts the
/// difference. In that case, accepts it and returns `true`.
fn accept_lost_policy(operation: Operation, fault: InjectedFault, setup: &mut Setup) -> bool {
    if fault != InjectedFault::Store(StoreFault::Loses)
        || !matches!(operation, Operation::Change | Operation::Initialize)
    {
        return false;
    }
    let Err(OpenError::StoreAndLogDiffer(difference)) = setup.builder().open() else { return false };
    assert!(matches!(difference, Difference::StoreBehind { .. } | Difference::StoreEmpty { .. }), "{difference:?}");
    if let Some(running) = &setup.filter {
        assert!(running.reveal(reveal_all("root")).is_err(), "G8: the open filter uses a store that lost a policy");
    }
    let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
    let filter = setup.builder().accept_difference(accepted).open_or_initialize(admins()).unwrap();
    let bob = activity("shown-after", "bob");
    assert_eq!(filter.ingest(&[bob]).unwrap().outcomes(), [IngestOutcome::Stored]);
    true
}

/// Asserts that the same filter executes the operation after the fault.
fn assert_recovers(operation: Operation, fault: InjectedFault, setup: &mut Setup) {
    // On a busy machine a call may take longer than `LIMIT`, the timeout of a setup with a hanging sink.
    let attempts = if fault == InjectedFault::Sink(Fault::Hangs) { 50 } else { 1 };
    let recovered = (0..attempts).any(|_| {
        let end = run(operation, setup);
        assert_no_private_content(&end);
        operation.ends_well(&end)
    });
    assert!(recovered, "{operation:?} still fails after the fault {fault:?}");
    if setup.filter.is_none() {
        setup.open().unwrap();
    }
}

/// Uses the filter after the operation: ingests, views, changes the policy and reveals.
fn use_afterwards(operation: Operation, setup: &Setup) {
    let filter = setup.filter();
    let after = [activity("secret-after", "adele"), activity("shown-after", "bob")];
    let delivered = filter.ingest(&after).unwrap();
    assert_eq!(delivered.outcomes(), [IngestOutcome::Stored; 2]);
    let viewed = viewed(filter).unwrap();
    // A policy that was only initialized hides no one.
    if operation != Operation::Initialize {
        assert_no_private_text(&viewed);
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
    inject_every_fault(Operation::Initialize);
}

#[test]
fn g1_faults_while_opening() {
    inject_every_fault(Operation::Open);
}

#[test]
fn d4_d5_faults_during_ingest() {
    inject_every_fault(Operation::Ingest);
}

#[test]
fn g1_d5_faults_during_policy_change() {
    inject_every_fault(Operation::Change);
}

#[test]
fn r2_faults_while_opening_reveal() {
    inject_every_fault(Operation::Reveal);
}

#[test]
fn p2_r4_faults_during_reveal_without_grant() {
    inject_every_fault(Operation::RevealWithoutGrant);
}

#[test]
fn r2_r3_faults_during_pages() {
    inject_every_fault(Operation::Pages);
}

#[test]
fn r1_faults_during_pages_of_one_actor() {
    inject_every_fault(Operation::PagesOfOneActor);
}

#[test]
fn g1_faults_while_closing_reveal() {
    inject_every_fault(Operation::Close);
}

#[test]
fn g3_faults_while_reading_log() {
    inject_every_fault(Operation::ReadLog);
    inject_every_fault(Operation::ReadLogRefused);
}

#[test]
fn d11_faults_while_reconciling_directory() {
    inject_every_fault(Operation::ReconcileRemovedGroup);
    inject_every_fault(Operation::ReconcileRestoredGroup);
}

#[test]
fn v2_b2_faults_during_views() {
    inject_every_fault(Operation::View);
}

#[test]
fn f1_f3_faults_during_forwarding() {
    inject_every_fault(Operation::Forward);
}

/// Returns the result of a viewer or a forwarder as text, including an error and its source.
fn text_of(end: &Ending) -> String {
    match end {
        Ending::Done(answer) => answer.text.clone(),
        Ending::Error(error) => format!("{error:?} {:?}", error.source().map(ToString::to_string)),
        Ending::Panicked => "panicked".to_owned(),
    }
}

#[test]
fn v2_faults_do_not_disclose_hidden_activities() {
    for operation in [Operation::View, Operation::Forward] {
        for place in PLACES {
            let populated = |hidden| Setup::populated(place(), AMPLE, hidden);
            let mut counted = populated(true);
            let before = counted.store.calls();
            let faultless = text_of(&run(operation, &mut counted));
            let calls = counted.store.calls() - before;
            let mut results = BTreeSet::new();
            for (call, fault) in (0..calls).flat_map(|call| STORE_FAULTS.map(|fault| (call, fault))) {
                let [with, without] = [true, false].map(|hidden| {
                    let mut setup = populated(hidden);
                    setup.store.fault_in(call, fault);
                    text_of(&run(operation, &mut setup))
                });
                assert_eq!(
                    with, without,
                    "{operation:?}, {fault:?} at call {call}: the result depends on hidden activities"
                );
                results.insert(with);
            }
            assert!(
                results.contains(&faultless) && results.len() > 3,
                "{operation:?}: the faults lead to too few results: {results:#?}"
            );
        }
    }
}

/// While a call to the store hangs, other readers continue, whichever operation made which call.
#[test]
fn b3_hanging_store_call_blocks_no_reader() {
    for operation in Operation::ALL.into_iter().filter(|operation| *operation != Operation::Initialize) {
        let mut counted = set_up(operation, Place::in_memory(), AMPLE);
        let before = counted.store.calls();
        run(operation, &mut counted);
        for call in 0..counted.store.calls() - before {
            let mut setup = set_up(operation, Place::in_memory(), AMPLE);
            let (store, filter) = (Arc::clone(&setup.store), setup.filter().clone());
            store.hang_in(call);
            thread::scope(|scope| {
                let hanging = scope.spawn(|| operation.ends_well(&run(operation, &mut setup)));
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
                store.release();
                assert!(hangs, "{operation:?} never made call {call}");
                assert_eq!(in_time, Ok(()), "readers wait for {operation:?}, which hangs at call {call}");
                assert!(hanging.join().unwrap(), "{operation:?} fails after its release from call {call}");
            });
            setup.assert_threads_end();
        }
    }
}

/// Ann's grant was revoked, and the store returns the policy before the revocation.
#[test]
fn p2_stale_policy_permits_nothing() {
    for place in places() {
        let setup = Setup::populated(place, AMPLE, true);
        // Call 0 reads the policy.
        setup.store.fault_in(0, StoreFault::OlderPolicy);
        let error = setup.filter().reveal(reveal_all("ann")).unwrap_err();
        assert!(
            matches!(error, RevealError::Store(StoreError::WentBack { given, known }) if given < known),
            "{error:?}"
        );
        assert!(matches!(setup.filter().reveal(reveal_all("ann")).unwrap_err(), RevealError::Denied(_)));
        // An open reveal whose permission was revoked does not continue under the older policy either.
        let mut reveal = setup.filter().reveal(reveal_all("eve")).unwrap();
        setup.fixture.update_policy(PolicyChange::Revoke(user("eve").into()));
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Denied(_)));
        setup.store.fault_in(0, StoreFault::OlderPolicy);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Store(_)));
    }
}

/// The viewer on record must be the one who sees the page.
#[test]
fn r3_page_of_another_reveal_is_not_shown() {
    for place in places() {
        let setup = Setup::populated(place, AMPLE, true);
        let mut reveal = setup.filter().reveal(reveal_all("root")).unwrap();
        let before = setup.records().len();
        // Call 0 reads the policy, call 1 the page.
        setup.store.fault_in(1, StoreFault::PageOfAnother);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::WrongPage));
        let records = setup.records();
        assert_eq!(records.len(), before + 1, "R4: the attempt is not recorded once");
        let last = &records.last().unwrap().record;
        let Event::Page { reveal: of, activities, private, .. } = &last.event else { panic!("{last:?}") };
        assert_eq!((*of, activities.value(), private.value()), (reveal.id(), Some(&0), Some(&0)));
        assert!(
            matches!(last.outcome, Outcome::Failed { reason: FailureReason::Store, .. }),
            "the page is recorded as shown"
        );
        assert_eq!(reveal.page(PageSize::MAX, None).unwrap().activities().len(), 6);
    }
}

#[test]
fn r1_surplus_rows_of_store_are_not_shown() {
    for place in places() {
        let mut setup = Setup::populated(place, AMPLE, true);
        Operation::PagesOfOneActor.prepare(&mut setup);
        // Call 0 reads the policy, call 1 the page.
        setup.store.fault_in(1, StoreFault::ReturnsAll);
        let page = setup.reveal.as_mut().unwrap().page(PageSize::MAX, None).unwrap();
        assert_eq!((page.activities().len(), page.includes_private()), (3, false));
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let private_only =
            RevealRequest::new(user("root"), Query::all(), Duration::from_secs(60), audited).private_only();
        let mut reveal = setup.filter().reveal(private_only).unwrap();
        setup.store.fault_in(1, StoreFault::ReturnsAll);
        let page = reveal.page(PageSize::MAX, None).unwrap();
        assert_eq!(page.activities().len(), 3);
        assert!(page.activities().iter().all(|stored| stored.visibility() == Visibility::Private));
    }
}

/// The store applies a change and its answer is lost. The change is in force, so no record may report a failure.
#[test]
fn g1_applied_change_is_recorded_as_done_despite_error() {
    for place in places() {
        let setup = Setup::populated(place, AMPLE, true);
        // The change reads the policy, then the removed groups to prepare the engine, and then publishes.
        setup.store.fault_in(2, StoreFault::FailsLate);
        let revision = setup.filter().update_policy(&user("root"), finance_private()).unwrap();
        assert_eq!(setup.policy().unwrap().revision(), revision);
        assert!(matches!(setup.records().pop().unwrap().record.outcome, Outcome::Done { .. }));
        // The store fails before it applies the change.
        setup.store.fault_in(2, StoreFault::Fails);
        let public = PolicyChange::MakePublic(group("finance").into());
        assert!(matches!(
            setup.filter().update_policy(&user("root"), &public).unwrap_err(),
            UpdatePolicyError::OutcomeUnknown(_)
        ));
        assert_eq!(setup.policy().unwrap().revision(), revision);
        let outcome = setup.records().pop().unwrap().record.outcome;
        assert!(matches!(outcome, Outcome::Failed { reason: FailureReason::Store, .. }), "{outcome:?}");
    }
}
