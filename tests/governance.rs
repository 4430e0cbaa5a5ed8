//! Chapter G of the rules: governance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fault;
mod fixture;
mod forward;
mod place;

mod governance {
    mod access_report;
    mod commitment;
    mod quorum_sink;
    mod timeout;
}

use std::collections::BTreeSet;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::DirectoryRevision;
use activity_privacy::filter::{GovernanceError, PrivacyFilter, UpdatePolicyError};
use activity_privacy::governance::{
    ChangeSummary, Event, FailureReason, GovernanceSink, Initiator, NewPolicy, Outcome, OutcomeKind, Receipt, Record,
    RecordEntry, RecordId, RecordKind, RecordQuery, SinkError,
};
use activity_privacy::identity::Alias;
use activity_privacy::memory::{MemoryDirectory, MemoryStore};
use activity_privacy::policy::{Denial, ManagedDomain, PolicyChange, PolicyError, Role};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest};
use activity_privacy::store::StoreError;
use fault::*;
use fixture::*;
use place::*;
use uuid::Uuid;

/// Returns a record with a given id.
fn record(id: u128) -> Record {
    Record {
        id: RecordId(Uuid::from_u128(id)),
        at: at(0),
        initiator: Initiator::User(user("root")),
        policy: None,
        event: Event::ReadGovernance,
        outcome: Outcome::Denied(Denial::NotAdmin),
    }
}

fn furnish(fixture: &Fixture) -> &Fixture {
    fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("ann", &["council"])]));
    fixture
        .manage("contoso.com")
        .make_private("council")
        .update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst))
}

fn assert_gap_free(entries: &[RecordEntry]) {
    let sequences: Vec<u64> = entries.iter().map(|entry| entry.sequence).collect();
    assert_eq!(sequences, (1..=entries.len() as u64).collect::<Vec<_>>());
}

/// Records from `threads` threads at once, each on one of the sinks in turn. Asserts that no number is repeated or left
/// out, and that a later call receives a greater number.
fn record_at_once(sinks: &[Arc<dyn GovernanceSink>], threads: usize) {
    let start = Barrier::new(threads);
    let each = 25;
    let receipts = Mutex::new(BTreeSet::new());
    thread::scope(|scope| {
        for number in 0..threads {
            let (start, receipts, sink) = (&start, &receipts, &sinks[number % sinks.len()]);
            scope.spawn(move || {
                start.wait();
                let mut last = 0;
                for at in 0..each {
                    let receipt = sink.record(&record((number * each + at + 1) as u128)).unwrap();
                    assert!(receipt.sequence() > last);
                    last = receipt.sequence();
                    assert!(receipts.lock().unwrap().insert(last), "{last} was assigned twice");
                }
            });
        }
    });
    assert_eq!(*receipts.lock().unwrap(), (1..=(threads * each) as u64).collect());
    for sink in sinks {
        let entries = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        assert_eq!(entries.len(), threads * each);
        assert_gap_free(&entries);
    }
}

#[test]
fn g1_concurrent_threads_leave_no_sequence_gap() {
    for place in places() {
        record_at_once(&[place.sink], 8);
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn g1_concurrent_handles_leave_no_sequence_gap() {
    use activity_privacy::sqlite::{SqliteGovernance, governance_path};
    let place = Place::in_sqlite();
    let other: Arc<dyn GovernanceSink> = Arc::new(SqliteGovernance::open(governance_path(place.path())).unwrap());
    record_at_once(&[Arc::clone(&place.sink), other], 8);
}

#[test]
fn g1_repeated_record_gets_same_receipt() {
    for place in places() {
        let receipts: Vec<Receipt> = (1..=3).map(|id| place.sink.record(&record(id)).unwrap()).collect();
        assert_eq!(receipts.iter().map(Receipt::sequence).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(place.sink.record(&record(2)).unwrap(), receipts[1]);
        let other = Record { at: at(1), ..record(2) };
        assert!(matches!(place.sink.record(&other).unwrap_err(), SinkError::IdTaken(id) if id == other.id));
        assert_eq!(place.sink.record(&record(4)).unwrap().sequence(), 4, "a rejected record leaves no gap");
        assert_gap_free(&place.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap());
    }
}

/// Changes, grants, refusals, reveals and pages from several threads and two filters.
#[test]
fn g1_every_operation_is_recorded() {
    for place in places() {
        let (here, there) = (place.fixture(), place.fixture());
        furnish(&here).permit_root().ingest(&[activity("a", "adele")]);
        there.install(people(&[("adele", &["council"])]));
        thread::scope(|scope| {
            for (number, fixture) in [&here, &there, &here, &there].into_iter().enumerate() {
                scope.spawn(move || {
                    for turn in 0..3 {
                        let name = domain(&format!("x{number}-{turn}.example"));
                        fixture.update_policy(PolicyChange::ManageDomain(ManagedDomain::exactly(name)));
                        assert!(fixture.filter.reveal(reveal_all("adele")).is_err());
                        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
                        reveal.page(PageSize::MAX, None).unwrap();
                        reveal.close().unwrap();
                    }
                });
            }
        });
        let entries = here.records();
        assert_gap_free(&entries);
        let count = |fits: &dyn Fn(&Record) -> bool| entries.iter().filter(|entry| fits(&entry.record)).count();
        let done = |record: &Record| matches!(record.outcome, Outcome::Done { .. });
        assert_eq!(count(&|r| r.kind() == RecordKind::Page), 12);
        assert_eq!(count(&|r| matches!(r.outcome, Outcome::Closed { .. })), 12);
        assert_eq!(count(&|r| matches!((&r.event, &r.outcome), (Event::Reveal(_), Outcome::Denied(_)))), 12);
        assert_eq!(
            count(
                &|r| matches!(&r.event, Event::ChangePolicy(of) if matches!(of[..], [ChangeSummary::ManageDomain { .. }]))
                    && done(r)
            ),
            13
        );
        // The number of completed changes equals the number of policy revisions.
        assert_eq!(count(&done) as u64, here.filter.policy().unwrap().revision().number());
        // Each outcome follows its intent, and each change has one outcome.
        for (at, entry) in entries.iter().enumerate() {
            let intents = entries[..at].iter().filter(|before| before.record.outcome == Outcome::Intended);
            let intents: BTreeSet<RecordId> = intents.map(|before| before.record.id).collect();
            match &entry.record.outcome {
                Outcome::Done { intent } | Outcome::Failed { intent, .. } | Outcome::Closed { intent, .. } => {
                    assert!(intents.contains(intent));
                }
                _ => {}
            }
        }
        let intended = count(&|r| {
            matches!(r.event, Event::ChangePolicy(_) | Event::InitializePolicy { .. }) && r.outcome == Outcome::Intended
        });
        assert_eq!(intended, count(&done) + count(&|r| matches!(r.outcome, Outcome::Failed { .. })));
    }
}

fn outcomes(records: &[Record]) -> Vec<OutcomeKind> {
    records.iter().map(|record| record.outcome.kind()).collect()
}

#[test]
fn g3_kinds_and_outcomes_pad_when_displayed() {
    let kinds = [RecordKind::PolicyChange, RecordKind::Grant, RecordKind::Revocation, RecordKind::Reveal];
    let kinds = kinds.into_iter().chain([RecordKind::Page, RecordKind::GovernanceRead, RecordKind::Directory]);
    let kinds = kinds.chain([RecordKind::DryRun]);
    let outcomes = [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Observed, OutcomeKind::Failed];
    let outcomes = outcomes.into_iter().chain([OutcomeKind::Refused]);
    let words: Vec<String> =
        kinds.map(|kind| format!("{kind:<16}")).chain(outcomes.map(|kind| format!("{kind:<16}"))).collect();
    assert!(words.iter().all(|word| word.len() == 16 && !word.trim().is_empty()), "{words:?}");
    assert_eq!(words.iter().collect::<std::collections::BTreeSet<_>>().len(), 13);
}

#[test]
fn g1_fresh_ids_use_whole_range() {
    let fixture = Fixture::new();
    fixture.manage("one.example").manage("two.example").manage("three.example");
    let ids: Vec<u128> = fixture.records().iter().map(|entry| entry.record.id.0.as_u128()).collect();
    // The six upper and the seven lower bytes, which contain neither the version nor the variant.
    for part in [|id: u128| (id >> 80) as u64, |id: u128| id as u64 & 0xff_ffff_ffff_ffff] {
        let parts: std::collections::BTreeSet<u64> = ids.iter().map(|id| part(*id)).collect();
        assert_eq!(parts.len(), ids.len(), "{parts:?}");
    }
}

#[test]
fn g1_outcome_has_its_own_time() {
    let id = |n: u128| RecordId(uuid::Uuid::from_u128(n));
    let pending = NewPolicy::initial(&admins(), id(1), at(5));
    assert_eq!(pending.record().at, at(5));
    let recorded = pending.recorded(&Receipt::assertion(id(1), 1)).unwrap();
    let outcome = recorded.outcome(id(2), at(9), None);
    assert_eq!((outcome.id, outcome.at, outcome.outcome), (id(2), at(9), Outcome::Done { intent: id(1) }));
}

#[test]
fn g1_intent_precedes_effect_and_outcome_follows() {
    let log: Log = Arc::new(Mutex::default());
    let sink = FaultySink::new(&log);
    let store = FaultyStore::new(Arc::new(MemoryStore::new()), &log);
    let filter = PrivacyFilter::builder(Arc::clone(&store), MemoryDirectory::new(), Arc::clone(&sink))
        .sink_timeout(LIMIT)
        .initialize(admins())
        .unwrap();
    assert_eq!(*log.lock().unwrap(), ["sink", "publish", "sink"]);
    assert_eq!(outcomes(&sink.durable()), [OutcomeKind::Intended, OutcomeKind::Done]);

    let change = |name: &str| {
        log.lock().unwrap().clear();
        let managed = ManagedDomain::exactly(domain(name));
        filter.update_policy(&user("root"), PolicyChange::ManageDomain(managed))
    };
    change("done.example").unwrap();
    assert_eq!(*log.lock().unwrap(), ["sink", "publish", "sink"]);

    // The store fails, and the outcome says so.
    store.fail_to_publish(StoreError::Backend("on command".into()));
    assert!(matches!(change("failed.example").unwrap_err(), UpdatePolicyError::OutcomeUnknown(StoreError::Backend(_))));
    let records = sink.durable();
    let [.., intent, outcome] = &records[..] else { panic!("two records") };
    assert_eq!(intent.outcome, Outcome::Intended);
    assert_eq!(outcome.outcome, Outcome::Failed { intent: intent.id, reason: FailureReason::Store });
    assert_eq!(intent.event, outcome.event);

    // Another change came first. The outcome says so, and the change is repeated on the new policy.
    store.fail_to_publish(StoreError::Stale { in_force: None });
    change("late.example").unwrap();
    assert_eq!(*log.lock().unwrap(), ["sink", "publish", "sink", "sink", "publish", "sink"]);
    let records = sink.durable();
    let [.., first, superseded, second, done] = &records[..] else { panic!("four records") };
    assert_eq!(superseded.outcome, Outcome::Failed { intent: first.id, reason: FailureReason::Superseded });
    assert_eq!(done.outcome, Outcome::Done { intent: second.id });
    let ids: BTreeSet<RecordId> = records.iter().map(|record| record.id).collect();
    assert_eq!(ids.len(), records.len());
}

/// Building an engine reads the removed groups.
#[test]
fn g1_policy_update_builds_one_engine_after_its_intent() {
    let log: Log = Arc::new(Mutex::default());
    let store = FaultyStore::new(Arc::new(MemoryStore::new()), &log);
    let directory = MemoryDirectory::new();
    directory.install(people(&[("adele", &["council"])]).build(DirectoryRevision(1), at(0)).unwrap()).unwrap();
    let filter =
        PrivacyFilter::builder(Arc::clone(&store), directory, FaultySink::new(&log)).initialize(admins()).unwrap();
    store.fail_to_publish(StoreError::Stale { in_force: None });
    store.fail_to_publish(StoreError::Stale { in_force: None });
    log.lock().unwrap().clear();
    let managed = ManagedDomain::exactly(domain("contoso.com"));
    filter.update_policy(&user("root"), PolicyChange::ManageDomain(managed)).unwrap();
    let attempts = [
        ["sink", "removed_groups", "publish", "sink"].as_slice(),
        &["sink", "publish", "sink"],
        &["sink", "publish", "sink"],
        // The reconciliation after the update.
        &["removed_groups"],
    ];
    assert_eq!(*log.lock().unwrap(), attempts.concat());
}

#[test]
fn g1_unrecordable_change_is_not_made() {
    for fault in FAULTS {
        let log: Log = Arc::new(Mutex::default());
        let sink = FaultySink::new(&log);
        let store = FaultyStore::new(Arc::new(MemoryStore::new()), &log);
        let filter = PrivacyFilter::builder(Arc::clone(&store), MemoryDirectory::new(), Arc::clone(&sink))
            .sink_timeout(LIMIT)
            .initialize(admins())
            .unwrap();
        let change = |name: &str| {
            log.lock().unwrap().clear();
            let managed = ManagedDomain::exactly(domain(name));
            filter.update_policy(&user("root"), PolicyChange::ManageDomain(managed))
        };
        let before = filter.policy().unwrap();
        sink.fault_in(0, fault);
        assert!(matches!(change("not.example").unwrap_err(), UpdatePolicyError::Unrecorded(_)), "{fault:?}");
        assert_eq!(filter.policy().unwrap(), before);
        assert_eq!(*log.lock().unwrap(), ["sink at fault"], "the store is not called");
        // The outcome cannot be recorded: the change is in force, and the caller learns both.
        sink.fault_in(1, fault);
        let UpdatePolicyError::OutcomeUnrecorded { revision, .. } = change("in-force.example").unwrap_err() else {
            panic!("{fault:?}")
        };
        assert_eq!(filter.policy().unwrap().revision(), revision);
        assert!(revision > before.revision());
    }
}

#[test]
fn g1_refused_changes_and_reads_are_recorded() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let last = || fixture.records().pop().unwrap().record;
        let change = PolicyChange::MakePublic(group("council").into());
        assert!(fixture.filter.update_policy(&user("bob"), &change).is_err());
        assert_eq!(
            (last().initiator, last().outcome),
            (Initiator::User(user("bob")), Outcome::Denied(Denial::NotAdmin))
        );
        assert_eq!(last().targets(), ["council"]);
        let change = PolicyChange::MakePrivate(group("unknown").into());
        assert!(fixture.filter.update_policy(&user("root"), &change).is_err());
        assert_eq!(last().outcome, Outcome::Invalid(PolicyError::UnknownGroup(group("unknown"))));
        assert!(fixture.filter.governance_records(&user("bob"), &RecordQuery::default(), 0, PageSize::MAX).is_err());
        assert_eq!((last().kind(), last().outcome), (RecordKind::GovernanceRead, Outcome::Denied(Denial::NotAdmin)));
        assert_gap_free(&fixture.records());
    }
}

/// No record contains the content of an activity or the free text of a query.
#[test]
fn g2_record_contains_no_content_or_query_text() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture).permit_root();
        let app = App::new("CanaryApp".parse().unwrap()).in_suite("CanarySuite".parse().unwrap());
        let actor = Actor::user(alias("adele@contoso.com"))
            .with_identity(Alias::account("CanaryApp", "canary-account").unwrap());
        let begun = Activity::builder("canary-id".parse().unwrap(), actor, app, "CanaryAction".parse().unwrap(), at(0));
        let stored = begun.object("canary-object").details("canary-details").build().unwrap();
        fixture.ingest(&[stored]);
        fixture.ingest(&[activity("canary-id", "canary-conflict")]);
        let queries = [
            Query::all().by_actor("adele@contoso.com").unwrap(),
            Query::all().by_actor("canary-account").unwrap(),
            Query::all().containing("canary-object").unwrap(),
            Query::all().in_app("CanaryApp".parse().unwrap()).in_suite("CanarySuite".parse().unwrap()),
            Query::all().with_action("CanaryAction".parse().unwrap()),
        ];
        for query in queries {
            for viewer in ["root", "bob"] {
                let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
                let request = RevealRequest::new(user(viewer), query.clone(), Duration::from_secs(9), audited);
                if let Ok(mut reveal) = fixture.filter.reveal(request) {
                    reveal.page(PageSize::MAX, None).unwrap();
                    reveal.close().unwrap();
                }
            }
        }
        // A grant is by alias; its record contains the resolved id, or none.
        for name in ["canary-nobody@contoso.com", "ann@contoso.com"] {
            let _nobody_is_refused = fixture.filter.update_policy(&user("root"), PolicyChange::Grant(alias(name)));
        }
        let records = fixture.records();
        let is_of_one = |event: &Event| matches!(event, Event::Page { private, .. } if private.value() == Some(&1));
        assert!(records.iter().any(|entry| is_of_one(&entry.record.event)));
        for entry in records {
            let json = serde_json::to_string(&entry).unwrap();
            let text = format!("{json} {entry:?}").to_lowercase();
            assert!(!text.contains("canary") && !text.contains("adele") && !text.contains('@'), "{json}");
        }
    }
}

#[test]
fn g3_records_are_readable_by_permitted_admins_only() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture);
        let read =
            |name: &str| fixture.filter.governance_records(&user(name), &RecordQuery::default(), 0, PageSize::MAX);
        let denial = |name: &str| match read(name).unwrap_err() {
            GovernanceError::Denied(denial) => denial,
            other => panic!("expected a denial, got {other:?}"),
        };
        assert_eq!(read("root").unwrap(), fixture.records(), "a privacy administrator");
        assert_eq!(denial("bob"), Denial::NotAdmin);
        assert_eq!(denial("ann"), Denial::MayNotReadGovernance, "an analyst without a grant");
        fixture.grant("ann");
        assert_eq!(read("ann").unwrap(), fixture.records(), "an analyst with a grant");
        fixture.update_policy(PolicyChange::Revoke(user("ann").into()));
        assert_eq!(denial("ann"), Denial::MayNotReadGovernance);
        fixture.update_policy(PolicyChange::RemoveAdmin(user("ann")));
        assert_eq!(denial("ann"), Denial::NotAdmin);
    }
}

/// Ann is in the private council. The records of what she does as an administrator are shown.
#[test]
fn g3_record_of_private_initiator_is_shown() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture).update_policy(PolicyChange::Grant(alias("ann@contoso.com")));
        fixture.ingest(&[activity("of-ann", "ann")]);
        assert!(fixture.public_ids().is_empty(), "her activities in apps are private");
        fixture.filter.reveal(reveal_all("ann")).unwrap().close().unwrap();
        let by_ann = RecordQuery { initiator: Some(user("ann")), ..Default::default() };
        let found = fixture.filter.governance_records(&user("root"), &by_ann, 0, PageSize::MAX).unwrap();
        assert_eq!(found.iter().map(|entry| entry.record.kind()).collect::<Vec<_>>(), [RecordKind::Reveal; 2]);
        assert!(serde_json::to_string(&found).unwrap().contains("\"ann\""));
    }
}

#[test]
fn g3_each_record_filter_narrows_result() {
    for place in places() {
        let fixture = place.fixture();
        furnish(&fixture).permit_root().advance(10);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        fixture.advance(10).update_policy(PolicyChange::Revoke(user("root").into()));
        assert!(reveal.page(PageSize::MAX, None).is_err());
        assert!(fixture.filter.reveal(reveal_all("ann")).is_err());
        let _denied = fixture.filter.governance_records(&user("bob"), &RecordQuery::default(), 0, PageSize::MAX);

        // As `root` reads the log, who may no longer view private activities.
        let all = fixture.filter.governance_records(&user("root"), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
        let check = |query: RecordQuery, expected: usize, fits: &dyn Fn(&Record) -> bool| {
            let found = fixture.filter.governance_records(&user("root"), &query, 0, PageSize::MAX).unwrap();
            let naive: Vec<_> = all.iter().filter(|entry| fits(&entry.record)).cloned().collect();
            assert_eq!(found, naive, "{query:?}");
            assert_eq!(found.len(), expected, "{query:?}");
            // The same, page by page.
            let (mut leafed, mut after) = (Vec::new(), 0);
            loop {
                let page =
                    fixture.filter.governance_records(&user("root"), &query, after, PageSize::at_most(2)).unwrap();
                let Some(last) = page.last() else { break };
                after = last.sequence;
                leafed.extend(page);
            }
            assert_eq!(leafed, naive);
        };
        let any = RecordQuery::default;
        // Initialization, managed domain, private group, administrator, grant: an intent and an outcome each; then the
        // rest.
        check(any(), 17, &|_| true);
        check(RecordQuery { from: Some(at(10)), ..any() }, 7, &|r| r.at >= at(10));
        check(RecordQuery { until: Some(at(10)), ..any() }, 10, &|r| r.at < at(10));
        check(RecordQuery { from: Some(at(10)), until: Some(at(20)), ..any() }, 2, &|r| r.at == at(10));
        for (kind, expected) in [
            (RecordKind::PolicyChange, 8),
            (RecordKind::Grant, 2),
            (RecordKind::Revocation, 2),
            (RecordKind::Reveal, 2),
            (RecordKind::Page, 2),
            (RecordKind::GovernanceRead, 1),
        ] {
            check(RecordQuery { kind: Some(kind), ..any() }, expected, &|r| r.kind() == kind);
        }
        for (name, expected) in [("root", 13), ("deputy", 2), ("ann", 1), ("bob", 1), ("nobody", 0)] {
            let by = Initiator::User(user(name));
            check(RecordQuery { initiator: Some(user(name)), ..any() }, expected, &|r| r.initiator == by);
        }
        let of_reveal = reveal.id().to_string();
        for (target, expected) in
            [("root", 6), ("deputy", 2), ("ann", 2), ("council", 2), ("contoso.com", 2), (&of_reveal, 3), ("x", 0)]
        {
            let target = target.to_owned();
            check(RecordQuery { target: Some(target.clone()), ..any() }, expected, &|r| r.targets().contains(&target));
        }
        for (outcome, expected) in
            [(OutcomeKind::Intended, 8), (OutcomeKind::Done, 6), (OutcomeKind::Failed, 0), (OutcomeKind::Refused, 3)]
        {
            check(RecordQuery { outcome: Some(outcome), ..any() }, expected, &|r| r.outcome.kind() == outcome);
        }
        let both = RecordQuery { initiator: Some(user("root")), outcome: Some(OutcomeKind::Refused), ..any() };
        check(both, 1, &|r| r.initiator == Initiator::User(user("root")) && r.outcome.kind() == OutcomeKind::Refused);
    }
}
