//! Faults on command: whatever a store or a sink does wrong, at whichever call of whichever operation, the rules hold
//! while it lasts, and the filter works again when it is over.
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

/// No sink here comes near it but one that hangs.
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
        Err(_) => End::BrokeOff,
    }
}

/// Every fault at every call that the operation makes, each in a scene of its own.
fn sweep(operation: Operation) {
    for kind in 0..places().len() {
        let place = || places().remove(kind);
        let mut smooth = scene(operation, place(), AMPLE);
        let before = (smooth.store.calls(), smooth.sink.calls());
        let end = run(operation, &mut smooth);
        assert!(operation.ends_well(&end), "{operation:?} when nothing is wrong");
        let calls = (smooth.store.calls() - before.0, smooth.sink.calls() - before.1);
        assert!(calls != (0, 0), "{operation:?} asks something of a port");
        carry_on(operation, &smooth);
        let state = smooth.state();
        smooth.leave();
        let of_store = STORE_FAULTS.into_iter().flat_map(|fault| (0..calls.0).map(move |at| (at, Wrong::Store(fault))));
        // One that hangs takes its time, and does so in one kind of place.
        let sink_faults = FAULTS.into_iter().chain(UNSEEN_FAULTS).filter(|fault| kind == 0 || *fault != Fault::Hangs);
        let of_sink = sink_faults.flat_map(|fault| (0..calls.1).map(move |at| (at, Wrong::Sink(fault))));
        let broken: Vec<String> = of_store
            .chain(of_sink)
            .filter(|(call, wrong)| !stands(operation, place(), *call, *wrong, &state))
            .map(|(call, wrong)| format!("{wrong:?} at call {call}"))
            .collect();
        assert!(broken.is_empty(), "{operation:?} does not stand {broken:#?}");
    }
}

/// One fault at one call: whether everything is so that must be so then and afterwards.
fn stands(operation: Operation, place: Place, call: usize, wrong: Wrong, state: &str) -> bool {
    let hangs = wrong == Wrong::Sink(Fault::Hangs);
    let mut scene = scene(operation, place, if hangs { LIMIT } else { AMPLE });
    match wrong {
        Wrong::Store(fault) => scene.store.fault_in(call, fault),
        Wrong::Sink(fault) => scene.sink.fault_in(call, fault),
    }
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let end = run(operation, &mut scene);
        operation.holds(&end, wrong, &scene);
        says_nothing(&end);
        on_record(&end, wrong, &scene);
        scene.recover();
        if is_accepted(operation, wrong, &mut scene) {
            return;
        }
        recovers(operation, wrong, &mut scene);
        carry_on(operation, &scene);
        assert_eq!(scene.state(), *state, "in the end all is as if nothing had gone wrong");
    }));
    scene.leave();
    checked.is_ok()
}

/// B2, V2: no error speaks of what is private.
fn says_nothing(end: &End) {
    if let End::Refused(error) = end {
        let mut next: Option<&dyn Error> = Some(&**error);
        while let Some(error) = next {
            assert_says_nothing(&format!("{error} {error:?}"));
            next = error.source();
        }
    }
}

/// G1, R2, R3: numbers have no gap; what was shown and what is in force is on record; what is on record is so.
fn on_record(end: &End, wrong: Wrong, scene: &Scene) {
    let records = scene.records();
    let sequences: Vec<u64> = records.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=records.len() as u64).collect::<Vec<_>>(), "G1: the sequence has no gap");
    // A sink that does not keep what it confirms cannot be found out by whoever asks it once.
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
            assert!(recorded, "R3: a page was shown and is not on record");
        }
    }
    if let Some(reveal) = &scene.reveal {
        let opening =
            |record: &Record| matches!(&record.event, Event::Reveal(summary) if summary.reveal == reveal.id());
        let recorded = records.iter().any(|entry| entry.record.outcome == Outcome::Intended && opening(&entry.record));
        assert!(recorded, "R2: a reveal is open and is not on record");
    }
    let Some(policy) = scene.policy() else { return };
    let before = policy.revision().number().checked_sub(1).filter(|before| *before > 0).map(Revision::from_number);
    let intents = || records.iter().filter(|entry| entry.record.outcome == Outcome::Intended);
    let of_policy = |event: &Event| matches!(event, Event::ChangePolicy(_) | Event::InitializePolicy { .. });
    let intended = intents().any(|entry| entry.record.policy == before && of_policy(&entry.record.event));
    assert!(intended, "G1: what is in force was intended on record");
    let finance = policy.private_groups().contains(&group("finance").into());
    for entry in &records {
        let of_finance =
            entry.record.event == Event::ChangePolicy(vec![ChangeSummary::MakePrivate(group("finance").into())]);
        match entry.record.outcome {
            Outcome::Done { .. } if of_finance && wrong != Wrong::Store(StoreFault::Loses) => {
                assert!(finance, "G1: done on record is done");
            }
            Outcome::Failed { reason: FailureReason::Store, .. } if of_finance => {
                assert!(!finance, "G1: failed on record is not done");
            }
            _ => {}
        }
    }
}

/// G8: a store that said that a policy is in force, which is on record, and lost it, is behind its log. Nothing goes on
/// until an administrator accepts that. Tells whether that was so.
fn is_accepted(operation: Operation, wrong: Wrong, scene: &mut Scene) -> bool {
    if wrong != Wrong::Store(StoreFault::Loses) || !matches!(operation, Operation::Change | Operation::Initialize) {
        return false;
    }
    let Err(OpenError::Differs(difference)) = scene.builder().open() else { return false };
    assert!(matches!(difference, Difference::StoreBehind { .. } | Difference::StoreEmpty { .. }), "{difference:?}");
    if let Some(running) = &scene.filter {
        assert!(running.reveal(reveal_all("root")).is_err(), "it believes the store no more");
    }
    let accepted = AcceptedDifference::i_accept_that_what_is_missing_is_lost(user("root"), difference);
    let filter = scene.builder().accept_difference(accepted).open_or_initialize(admins()).unwrap();
    let bob = activity("shown-after", "bob");
    assert_eq!(filter.ingest(&[bob]).unwrap().outcomes(), [IngestOutcome::Stored]);
    true
}

/// The same filter does what it is asked once nothing is wrong any more.
fn recovers(operation: Operation, wrong: Wrong, scene: &mut Scene) {
    // A machine that is busy may take longer for a call than a sink that is to hang may take.
    let attempts = if wrong == Wrong::Sink(Fault::Hangs) { 50 } else { 1 };
    let recovered = (0..attempts).any(|_| {
        let end = run(operation, scene);
        says_nothing(&end);
        operation.ends_well(&end)
    });
    assert!(recovered, "it recovers");
    if scene.filter.is_none() {
        scene.open().unwrap();
    }
}

/// A day like any other afterwards: activities in, a view of them, a change, and a look at the private ones.
fn carry_on(operation: Operation, scene: &Scene) {
    let filter = scene.filter();
    let after = [activity("secret-after", "adele"), activity("shown-after", "bob")];
    let delivered = filter.ingest(&after).unwrap();
    assert_eq!(delivered.outcomes(), [IngestOutcome::Stored; 2]);
    let viewed = viewed(filter).unwrap();
    // What was only just initialized hides nobody.
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
fn g1_initializing() {
    sweep(Operation::Initialize);
}

#[test]
fn g1_opening() {
    sweep(Operation::Open);
}

#[test]
fn d4_d5_ingest() {
    sweep(Operation::Ingest);
}

#[test]
fn g1_d5_a_change() {
    sweep(Operation::Change);
}

#[test]
fn r2_a_reveal() {
    sweep(Operation::Reveal);
}

#[test]
fn p2_r4_a_reveal_of_whoever_lost_the_grant() {
    sweep(Operation::RevealOfWhoeverLostTheGrant);
}

#[test]
fn r2_r3_pages() {
    sweep(Operation::Pages);
}

#[test]
fn r1_pages_of_bob_alone() {
    sweep(Operation::PagesOfBobAlone);
}

#[test]
fn g1_a_closing() {
    sweep(Operation::Close);
}

#[test]
fn g3_reading_the_log() {
    sweep(Operation::ReadLog);
    sweep(Operation::ReadLogRefused);
}

#[test]
fn d11_following_the_directory() {
    sweep(Operation::FollowVanished);
    sweep(Operation::FollowReturned);
}

#[test]
fn v2_b2_views() {
    sweep(Operation::View);
}

#[test]
fn f1_f3_forwarding() {
    sweep(Operation::Forward);
}

/// What a viewer or a forwarder is told, an error and all that is behind it included.
fn told(end: &End) -> String {
    match end {
        End::Done(answer) => answer.text.clone(),
        End::Refused(error) => format!("{error:?} {:?}", error.source().map(ToString::to_string)),
        End::BrokeOff => "it broke off".to_owned(),
    }
}

#[test]
fn v2_a_fault_tells_nobody_whether_anything_is_hidden() {
    for operation in [Operation::View, Operation::Forward] {
        for kind in 0..places().len() {
            let furnished = |hidden| Scene::furnished(places().remove(kind), AMPLE, hidden);
            let mut counted = furnished(true);
            let before = counted.store.calls();
            let smooth = told(&run(operation, &mut counted));
            let calls = counted.store.calls() - before;
            let mut said = BTreeSet::new();
            for (call, fault) in (0..calls).flat_map(|call| STORE_FAULTS.map(|fault| (call, fault))) {
                let [with, without] = [true, false].map(|hidden| {
                    let mut scene = furnished(hidden);
                    scene.store.fault_in(call, fault);
                    told(&run(operation, &mut scene))
                });
                assert_eq!(with, without, "{operation:?}, {fault:?} at call {call}");
                said.insert(with);
            }
            assert!(said.contains(&smooth) && said.len() > 3, "faults are told apart from what is right");
        }
    }
}

/// The store's answer can be long in coming. Meanwhile whoever reads gets on, whichever call of whichever operation
/// waits.
#[test]
fn b3_a_store_that_hangs_in_one_call_holds_up_no_reader() {
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
                assert!(hanging.join().unwrap(), "{operation:?}, once it is let go");
            });
            scene.leave();
        }
    }
}

/// Ann's permission was revoked, and the store answers with the policy of before.
#[test]
fn p2_a_policy_that_was_left_behind_permits_nothing() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        scene.store.fault_in(0, StoreFault::OlderPolicy);
        let error = scene.filter().reveal(reveal_all("ann")).unwrap_err();
        assert!(
            matches!(error, RevealError::Store(StoreError::WentBack { given, known }) if given < known),
            "{error:?}"
        );
        assert!(matches!(scene.filter().reveal(reveal_all("ann")).unwrap_err(), RevealError::Denied(_)));
        // Nor does a reveal go on by it that lost the permission meanwhile.
        let mut reveal = scene.filter().reveal(reveal_all("eve")).unwrap();
        scene.fixture.update_policy(PolicyChange::Revoke(user("eve").into()));
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Denied(_)));
        scene.store.fault_in(0, StoreFault::OlderPolicy);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::Store(_)));
    }
}

/// What stands on record is who saw it.
#[test]
fn r3_a_page_that_was_read_for_another_reveal_is_not_shown() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        let mut reveal = scene.filter().reveal(reveal_all("root")).unwrap();
        let before = scene.records().len();
        scene.store.fault_in(1, StoreFault::PageOfAnother);
        assert!(matches!(reveal.page(PageSize::MAX, None).unwrap_err(), RevealError::WrongPage));
        let records = scene.records();
        assert_eq!(records.len(), before + 1, "R4: that it was asked for is on record");
        let last = &records.last().unwrap().record;
        let Event::Page { reveal: of, activities, private, .. } = &last.event else { panic!("{last:?}") };
        assert_eq!((*of, activities.value(), private.value()), (reveal.id(), Some(&0), Some(&0)));
        assert!(matches!(last.outcome, Outcome::Failed { reason: FailureReason::Store, .. }), "nobody saw it");
        assert_eq!(reveal.page(PageSize::MAX, None).unwrap().activities().len(), 6);
    }
}

#[test]
fn r1_a_store_that_reads_too_much_shows_no_more_for_it() {
    for place in places() {
        let mut scene = Scene::furnished(place, AMPLE, true);
        Operation::PagesOfBobAlone.prepare(&mut scene);
        scene.store.fault_in(1, StoreFault::Unasked);
        let page = scene.reveal.as_mut().unwrap().page(PageSize::MAX, None).unwrap();
        assert_eq!((page.activities().len(), page.includes_private()), (3, false));
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let hidden = RevealRequest::new(user("root"), Query::all(), Duration::from_secs(60), audited).private_only();
        let mut reveal = scene.filter().reveal(hidden).unwrap();
        scene.store.fault_in(1, StoreFault::Unasked);
        let page = reveal.page(PageSize::MAX, None).unwrap();
        assert_eq!(page.activities().len(), 3);
        assert!(page.activities().iter().all(|stored| stored.visibility() == Visibility::Private));
    }
}

/// The answer to a change is lost on its way: it is in force, and no record may say that it failed.
#[test]
fn g1_a_change_that_is_in_force_is_done_whatever_its_store_answered() {
    for place in places() {
        let scene = Scene::furnished(place, AMPLE, true);
        // Asked for the policy, then for what vanished to make ready what comes, and then to publish.
        scene.store.fault_in(2, StoreFault::FailsLate);
        let revision = scene.filter().update_policy(&user("root"), finance_private()).unwrap();
        assert_eq!(scene.policy().unwrap().revision(), revision);
        assert!(matches!(scene.records().pop().unwrap().record.outcome, Outcome::Done { .. }));
        // It fails before it is done.
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
