//! G4: a quorum of sinks; G1: changes of the sinks are recorded.

use std::sync::Arc;
use std::time::Instant;

use activity_privacy::filter::{PrivacyFilter, UpdatePolicyError};
use activity_privacy::governance::{
    AppliedRecords, Event, FailureReason, GovernanceSink, Initiator, Outcome, OutcomeKind, Receipt, Record,
    RecordEntry, RecordKind, RecordQuery, Removal, SinkError, SinkName, SinkSetError,
};
use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::policy::{Denial, GroupRef, OptionsPatch, PolicyChange, PrivacyPolicy, Retention, Role};
use activity_privacy::sinks::{QuorumSink, QuorumSinkBuilder, SinkChange, SinkChangeError};
use proptest::prelude::*;

use crate::fault::*;
use crate::fixture::*;
use crate::{assert_gap_free, record};

fn name(text: &str) -> SinkName {
    SinkName::new(text).unwrap()
}

fn names(sinks: &QuorumSink) -> Vec<String> {
    sinks.names().iter().map(ToString::to_string).collect()
}

fn entries(sink: &dyn GovernanceSink) -> Vec<RecordEntry> {
    sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
}

/// A quorum sink over sinks named `a`, `b` and so on, with `a` as the leader.
fn quorum_sink(sinks: &[Arc<FaultySink>], quorum: Option<u32>) -> Result<QuorumSink, SinkSetError> {
    let letters = ["a", "b", "c", "d"];
    let mut builder = QuorumSink::with_leader(name("a"), Arc::clone(&sinks[0]) as _).limit(LIMIT);
    for (sink, letter) in sinks.iter().zip(letters).skip(1) {
        builder = builder.push(name(letter), Arc::clone(sink) as _);
    }
    quorum.into_iter().fold(builder, QuorumSinkBuilder::quorum).build()
}

fn faulty(count: usize) -> Vec<Arc<FaultySink>> {
    (0..count).map(|_| FaultySink::new(&Log::default())).collect()
}

#[test]
fn g4_all_sinks_must_confirm_without_quorum() {
    let sinks = faulty(3);
    let all = quorum_sink(&sinks, None).unwrap();
    assert_eq!((all.quorum(), names(&all)), (3, vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]));
    assert_eq!(all.record(&record(1)).unwrap().sequence(), 1);
    for sink in &sinks {
        assert_eq!(sink.durable(), [record(1)]);
    }
    sinks[2].fault_in(0, Fault::Fails);
    assert!(matches!(all.record(&record(2)).unwrap_err(), SinkError::Backend(_)));
    // A failed record is durable in some sinks, and offering it again makes no second record.
    assert_eq!((sinks[0].durable().len(), sinks[2].durable().len()), (2, 1));
    assert_eq!(all.record(&record(2)).unwrap().sequence(), 2);
    assert_eq!(sinks[2].durable(), [record(1), record(2)]);

    let two = quorum_sink(&sinks, Some(2)).unwrap();
    // The error names the failed sinks, as soon as there are too many.
    sinks[1].fault_in(0, Fault::Panics);
    sinks[2].fault_in(0, Fault::Panics);
    assert!(matches!(two.record(&record(3)).unwrap_err(), SinkError::Panicked));
    sinks[2].fault_in(0, Fault::Fails);
    assert_eq!(two.record(&record(3)).unwrap().sequence(), 3);
    assert_eq!(sinks[1].durable().len(), 3);
    assert_gap_free(&entries(&two));
}

#[test]
fn g4_leader_must_confirm_with_any_quorum() {
    for fault in FAULTS {
        let sinks = faulty(3);
        let one = quorum_sink(&sinks, Some(1)).unwrap();
        sinks[0].fault_in(0, fault);
        let error = one.record(&record(1)).unwrap_err();
        assert!(!matches!(error, SinkError::IdTaken(_)), "{fault:?}: {error:?}");
        // No other sink is called: a record that the leader lacks is in no sink.
        assert!(sinks[1].durable().is_empty() && sinks[2].durable().is_empty(), "{fault:?}");
    }
}

#[test]
fn g4_quorum_out_of_range_is_rejected() {
    let sinks = faulty(2);
    for quorum in [0, 3, u32::MAX] {
        assert_eq!(quorum_sink(&sinks, Some(quorum)).unwrap_err(), SinkSetError::Quorum { quorum, sinks: 2 });
    }
    let twice =
        QuorumSink::with_leader(name("a"), Arc::new(MemorySink::new())).push(name("a"), Arc::new(MemorySink::new()));
    assert_eq!(twice.build().unwrap_err(), SinkSetError::NameTaken(name("a")));
}

#[test]
fn g4_hanging_sink_outside_quorum_delays_no_caller() {
    let sinks = faulty(3);
    let two = quorum_sink(&sinks, Some(2)).unwrap();
    sinks[1].fault_in(0, Fault::Hangs);
    let begun = Instant::now();
    assert_eq!(two.record(&record(1)).unwrap().sequence(), 1);
    assert!(begun.elapsed() < LIMIT, "the call returned before the timeout of the hanging sink");
    // Several hanging sinks share one timeout.
    let all = quorum_sink(&sinks, None).unwrap();
    sinks[1].fault_in(0, Fault::Hangs);
    sinks[2].fault_in(0, Fault::Hangs);
    let begun = Instant::now();
    assert!(matches!(all.record(&record(2)).unwrap_err(), SinkError::TimedOut));
    assert!(begun.elapsed() < LIMIT * 2, "{:?}", begun.elapsed());
}

/// A behaviour of a sink for an offered record.
fn behaviour() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![Just(None), (0..FAULTS.len()).prop_map(|n| Some(FAULTS[n])), Just(Some(Fault::Dawdles))]
}

/// Returns whether the confirmation of a sink with this behaviour counts.
fn counts(fault: Option<Fault>) -> bool {
    matches!(fault, None | Some(Fault::Dawdles))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any behaviour of each sink, and any quorum.
    #[test]
    fn g4_record_counts_with_leader_and_quorum(
        behaviours in proptest::collection::vec(behaviour(), 1..=4),
        quorum in proptest::option::of(1_u32..=4),
    ) {
        let count = behaviours.len() as u32;
        let quorum = quorum.map(|quorum| quorum.min(count));
        let sinks = faulty(behaviours.len());
        let together = quorum_sink(&sinks, quorum).unwrap();
        let before = together.record(&record(1)).unwrap();
        prop_assert_eq!(before.sequence(), 1);
        // With a quorum, slower sinks may still be recording.
        let begun = Instant::now();
        while sinks.iter().any(|sink| sink.durable().is_empty()) {
            prop_assert!(begun.elapsed().as_secs() < 5, "slow sinks receive the record too");
            std::thread::yield_now();
        }
        for (sink, fault) in sinks.iter().zip(&behaviours) {
            fault.iter().for_each(|fault| sink.fault_in(0, *fault));
        }
        let answer = together.record(&record(2));
        let holding = behaviours.iter().filter(|fault| counts(**fault)).count() as u32;
        let expected = counts(behaviours[0]) && holding >= quorum.unwrap_or(count);
        prop_assert_eq!(answer.is_ok(), expected, "{:?}", answer);
        if let Ok(receipt) = answer {
            prop_assert_eq!(receipt, Receipt::assertion(record(2).id, 2));
            let hold = sinks.iter().filter(|sink| sink.durable().contains(&record(2))).count() as u32;
            prop_assert!(hold >= quorum.unwrap_or(count));
            prop_assert!(sinks[0].durable().contains(&record(2)));
        }
        sinks.iter().for_each(|sink| sink.recover());
        prop_assert_eq!(together.record(&record(2)).unwrap().sequence(), 2);
    }
}

#[test]
fn g5_removal_reaches_every_sink_with_any_quorum() {
    use std::time::Duration;
    let day = Duration::from_secs(86_400);
    let retention = Retention::of_activities(day).and_of_records(day).unwrap();
    let options = OptionsPatch::new().retention(Some(retention));
    let initial = PrivacyPolicy::initial(&admins());
    let policy = changed(&initial, PolicyChange::SetOptions(options), None).unwrap();
    let pending = Removal::of_aged(&policy, &AppliedRecords::default(), record(9).id, at(5) + day).unwrap();
    let removal = pending.recorded(&Receipt::assertion(record(9).id, 1)).unwrap();

    let sinks = faulty(3);
    let one = quorum_sink(&sinks, Some(1)).unwrap();
    let offered: Vec<Record> = (1..=4).map(|id| Record { at: at(id), ..record(id as u128) }).collect();
    for record in &offered {
        let _receipt = one.record(record).unwrap();
        // Sequential, so that all sinks contain the records in this order.
        let begun = Instant::now();
        while sinks.iter().any(|sink| !sink.durable().contains(record)) {
            assert!(begun.elapsed().as_secs() < 5);
            std::thread::yield_now();
        }
    }
    sinks[2].fault_in(0, Fault::Fails);
    assert!(one.remove(&removal).is_err(), "the removal is incomplete");
    // The leader has removed them, and the failed sink has not.
    assert_eq!(one.remove(&removal).unwrap(), 3);
    assert_eq!(one.remove(&removal).unwrap(), 0);
    for sink in &sinks {
        assert_eq!(sink.durable(), [offered[3].clone()]);
    }
}

/// A filter over a quorum sink that `root` administers; `ann` is an analyst.
struct Scene {
    filter: PrivacyFilter,
    sinks: QuorumSink,
}

impl Scene {
    fn over(sinks: &[Arc<FaultySink>], quorum: Option<u32>) -> Self {
        let sinks = quorum_sink(sinks, quorum).unwrap();
        let filter = PrivacyFilter::builder(MemoryStore::new(), MemoryDirectory::new(), sinks.clone())
            .clock(|| at(0))
            .initialize(admins())
            .unwrap();
        filter.update_policy(&user("root"), PolicyChange::SetAdmin(user("ann"), Role::Analyst)).unwrap();
        Self { filter, sinks }
    }

    fn add(&self, by: &str, letter: &str, sink: &Arc<FaultySink>) -> Result<(), SinkChangeError> {
        self.filter.add_sink(&user(by), &self.sinks, name(letter), Arc::clone(sink) as _)
    }

    fn last(&self) -> Record {
        entries(&self.sinks).pop().unwrap().record
    }
}

fn change_to(letters: &[&str], quorum: u32) -> Event {
    Event::ChangeSinks { sinks: letters.iter().map(|letter| name(letter)).collect(), quorum }
}

#[test]
fn g1_added_sink_is_tested_between_intent_and_outcome() {
    let (sinks, newcomer) = (faulty(2), FaultySink::new(&Log::default()));
    let office = Scene::over(&sinks, None);
    let before = sinks[1].durable().len();
    office.add("root", "c", &newcomer).unwrap();
    assert_eq!((names(&office.sinks).len(), office.sinks.quorum()), (3, 3));

    let told = sinks[1].durable().split_off(before);
    let [intent, outcome] = &told[..] else { panic!("{told:?}") };
    assert_eq!((&intent.event, &intent.outcome), (&change_to(&["a", "b", "c"], 3), &Outcome::Intended));
    assert_eq!((&outcome.event, &outcome.outcome), (&intent.event, &Outcome::Done { intent: intent.id }));
    assert_eq!(intent.initiator, Initiator::User(user("root")));
    assert_eq!(intent.kind(), RecordKind::SinkChange);
    let held = newcomer.durable();
    let [probe, outcome_there] = &held[..] else { panic!("{held:?}") };
    assert_eq!((&probe.event, &probe.outcome), (&Event::ProbeSink { sink: name("c") }, &Outcome::Recorded));
    assert_eq!(outcome_there, outcome, "the record after the change is in the new sinks");
    assert_gap_free(&entries(&office.sinks));

    office.filter.update_policy(&user("root"), PolicyChange::MakePrivate(GroupRef::Applications)).unwrap();
    assert_eq!(newcomer.durable().len(), 4);
    newcomer.fault_in(0, Fault::Fails);
    let change = PolicyChange::MakePublic(GroupRef::Applications);
    assert!(matches!(office.filter.update_policy(&user("root"), &change), Err(UpdatePolicyError::Unrecorded(_))));
}

#[test]
fn g1_sink_change_needs_privacy_administrator() {
    let sinks = faulty(2);
    let office = Scene::over(&sinks, None);
    for (who, denial) in [("ann", Denial::MayNotManage), ("adele", Denial::NotAdmin)] {
        let newcomer = FaultySink::new(&Log::default());
        let error = office.add(who, "c", &newcomer).unwrap_err();
        assert!(matches!(error, SinkChangeError::Denied(given) if given == denial), "{error:?}");
        assert_eq!((newcomer.calls(), names(&office.sinks).len()), (0, 2));
        let last = office.last();
        assert_eq!((last.outcome, last.initiator), (Outcome::Denied(denial), Initiator::User(user(who))));
        assert_eq!(last.event, change_to(&["a", "b"], 2), "a refused change leaves the sinks unchanged");
        let error = office.filter.remove_sink(&user(who), &office.sinks, &name("b")).unwrap_err();
        assert!(matches!(error, SinkChangeError::Denied(given) if given == denial), "{error:?}");
    }
    assert_eq!(names(&office.sinks).len(), 2);
}

#[test]
fn g4_faulty_sink_is_not_added() {
    // Each faulty at the test record, and at the reading of it.
    let at_record = FAULTS.into_iter().chain([Fault::Loses]).map(|fault| (0, fault));
    let at_reading = [Fault::Fails, Fault::Panics, Fault::Hangs, Fault::Loses].map(|fault| (1, fault));
    for (call, fault) in at_record.chain(at_reading) {
        let (sinks, newcomer) = (faulty(2), FaultySink::new(&Log::default()));
        let office = Scene::over(&sinks, None);
        newcomer.fault_in(call, fault);
        let error = office.add("root", "c", &newcomer).unwrap_err();
        assert!(matches!(error, SinkChangeError::ProbeFailed(_)), "{fault:?}: {error:?}");
        assert_eq!(names(&office.sinks), ["a", "b"], "{fault:?}");
        let last = office.last();
        let failed = matches!(last.outcome, Outcome::Failed { reason: FailureReason::Sink, .. });
        assert!(failed && last.event == change_to(&["a", "b", "c"], 3), "{fault:?}: {last:?}");
        office.filter.update_policy(&user("root"), PolicyChange::MakePrivate(GroupRef::Applications)).unwrap();
    }
}

#[test]
fn g4_sink_under_two_names_is_rejected() {
    let sinks = faulty(3);
    let office = Scene::over(&sinks[..2], None);
    for (sink, letter) in sinks.iter().zip(["a", "b"]) {
        let error = office.add("root", "c", sink).unwrap_err();
        let expected = name(letter);
        assert!(matches!(&error, SinkChangeError::AlreadyMember(same) if *same == expected), "{error:?}");
        assert_eq!(names(&office.sinks), ["a", "b"]);
        assert!(matches!(office.last().outcome, Outcome::Failed { reason: FailureReason::Sink, .. }));
    }
    office.add("root", "c", &sinks[2]).unwrap();
}

#[test]
fn g1_change_of_unused_sinks_is_rejected() {
    let (office, others) = (Scene::over(&faulty(2), None), faulty(3));
    let other = quorum_sink(&others[..2], None).unwrap();
    // With the same number of records, so that one has the sequence number of the intent.
    for number in 1..=4 {
        let _receipt = other.record(&record(number)).unwrap();
    }
    let added = office.filter.add_sink(&user("root"), &other, name("c"), Arc::clone(&others[2]) as _);
    let removed = office.filter.remove_sink(&user("root"), &other, &name("b"));
    for result in [added, removed] {
        assert!(matches!(result, Err(SinkChangeError::NotInUse)), "{result:?}");
        assert!(matches!(office.last().outcome, Outcome::Failed { reason: FailureReason::Sink, .. }));
    }
    assert_eq!((names(&other), others[2].calls()), (vec!["a".to_owned(), "b".to_owned()], 0));
}

#[test]
fn g1_unrecordable_sink_change_is_not_made() {
    for removing in [false, true] {
        let (sinks, newcomer) = (faulty(2), FaultySink::new(&Log::default()));
        let office = Scene::over(&sinks, None);
        sinks[1].fault_in(0, Fault::Fails);
        let result = if removing {
            office.filter.remove_sink(&user("root"), &office.sinks, &name("b"))
        } else {
            office.add("root", "c", &newcomer)
        };
        assert!(matches!(result, Err(SinkChangeError::Unrecorded(_))), "{result:?}");
        assert_eq!((names(&office.sinks).len(), newcomer.calls()), (2, 0));
    }
}

#[test]
fn g1_sink_change_without_recorded_outcome_reports_effect() {
    let (sinks, newcomer) = (faulty(2), FaultySink::new(&Log::default()));
    let office = Scene::over(&sinks, None);
    newcomer.fault_in(2, Fault::Fails);
    let error = office.add("root", "c", &newcomer).unwrap_err();
    assert!(matches!(error, SinkChangeError::OutcomeUnrecorded(_)), "{error:?}");
    assert_eq!(names(&office.sinks), ["a", "b", "c"]);
}

#[test]
fn g4_leader_and_needed_sinks_cannot_be_removed() {
    let sinks = faulty(3);
    let office = Scene::over(&sinks, Some(2));
    let remove = |letter: &str| office.filter.remove_sink(&user("root"), &office.sinks, &name(letter));
    remove("b").unwrap();
    assert_eq!(names(&office.sinks), ["a", "c"]);
    // With a quorum no caller waits for it, and it still receives the record.
    let told = || sinks[1].durable().pop().filter(|last| matches!(last.event, Event::ChangeSinks { .. }));
    let begun = std::time::Instant::now();
    while told().is_none() && begun.elapsed() < LIMIT {
        std::thread::yield_now();
    }
    let intent = told().unwrap();
    assert_eq!(
        (intent.event, intent.outcome),
        (change_to(&["a", "c"], 2), Outcome::Intended),
        "the last record that it receives"
    );
    assert!(matches!(office.last().outcome, Outcome::Done { .. }));
    for (letter, expected) in [
        ("a", SinkSetError::LeadingSink(name("a"))),
        ("b", SinkSetError::Unknown(name("b"))),
        ("c", SinkSetError::Quorum { quorum: 2, sinks: 1 }),
    ] {
        let error = remove(letter).unwrap_err();
        assert!(matches!(&error, SinkChangeError::InvalidSinks(unfit) if *unfit == expected), "{error:?}");
        assert_eq!(office.last().outcome, Outcome::InvalidSinks(expected));
        assert_eq!(office.last().outcome.kind(), OutcomeKind::Refused);
    }
    let error = office.add("root", "c", &sinks[1]).unwrap_err();
    assert!(matches!(error, SinkChangeError::InvalidSinks(SinkSetError::NameTaken(_))), "{error:?}");
    office.add("root", "b", &sinks[1]).unwrap();
    assert_eq!(names(&office.sinks), ["a", "c", "b"]);
}

/// Both changes are valid for the same sinks; only one can take effect as recorded.
#[test]
fn g1_concurrent_sink_change_is_superseded() {
    let sinks = faulty(1);
    let together = quorum_sink(&sinks, None).unwrap();
    let policy = PrivacyPolicy::initial(&admins());
    let recorded = |letter: &str, id| {
        let newcomer = Arc::new(MemorySink::new());
        let pending =
            SinkChange::add(&together, name(letter), newcomer, &policy, &user("root"), record(id).id, at(0)).unwrap();
        let receipt = together.record(pending.record()).unwrap();
        pending.recorded(&receipt).unwrap()
    };
    let (one, other) = (recorded("b", 1), recorded("c", 2));
    one.take_effect(record(3).id, at(0)).unwrap();
    let refused = other.take_effect(record(4).id, at(0)).unwrap_err();
    assert!(matches!(refused, SinkChangeError::Superseded) && refused.failure() == FailureReason::Superseded);
    assert_eq!(names(&together), ["a", "b"]);
    let pending = SinkChange::remove(&together, &name("b"), &policy, &user("root"), record(5).id, at(0)).unwrap();
    let wrong = pending.recorded(&Receipt::assertion(record(6).id, 9)).unwrap_err();
    assert!(matches!(wrong, SinkError::WrongReceipt));
}
