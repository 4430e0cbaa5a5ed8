//! R4 and G1: rejected calls are recorded with their cause. A dry run is recorded before it is answered.

use activity_privacy::filter::{DryRunError, ViewError};
use activity_privacy::governance::{ApprovalDecision, ChangeSummary, Record, RecordQuery, RequestId};
use activity_privacy::identity::{Subject, UserId};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::PolicyError;
use activity_privacy::sinks::QuorumSink;

use super::*;

fn last(fixture: &Fixture) -> Record {
    fixture.records().pop().unwrap().record
}

fn private(name: &str) -> PolicyChange {
    PolicyChange::MakePrivate(group(name).into())
}

fn refused(fixture: &Fixture, by: &str, change: &PolicyChange, sample: usize) -> Record {
    let before = fixture.records().len();
    let error = fixture.filter.dry_run(&user(by), change, sample).unwrap_err();
    assert!(matches!(error, DryRunError::Rejected(_)), "{error:?}");
    assert_eq!(fixture.records().len(), before + 1);
    let record = last(fixture);
    assert_eq!((record.kind(), record.initiator.clone()), (RecordKind::DryRun, Initiator::User(user(by))));
    record
}

/// `root` may manage privacy but not view private activities. `ann` is an analyst who may view them.
fn office(place: &Place) -> Fixture {
    let fixture = place.fixture();
    fixture.install(people(&[("ann", &[]), ("bob", &[]), ("adele", &["council"])])).make_private("council");
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
    fixture.update_policy(PolicyChange::Grant(alias("ann@contoso.com")));
    fixture
}

#[test]
fn g1_dry_run_is_recorded_before_it_is_answered() {
    let public = PolicyChange::MakePublic(group("council").into());
    for place in places() {
        let fixture = office(&place);
        fixture.permit_root();
        for sample in [0, 5] {
            let before = fixture.records().len();
            let run = fixture.filter.dry_run(&user("root"), &public, sample).unwrap();
            assert_eq!((run.shown().users(), run.shown().sample().len()), (1, sample.min(1)));
            assert_eq!(fixture.records().len(), before + 1);
            let record = last(&fixture);
            assert_eq!((record.kind(), record.outcome), (RecordKind::DryRun, Outcome::Intended));
            let change = ChangeSummary::MakePublic(group("council").into());
            assert_eq!(record.event, Event::DryRun { changes: vec![change], sample: sample as u64 });
        }
        let found = RecordQuery { kind: Some(RecordKind::DryRun), ..RecordQuery::default() };
        let found = RecordQuery { target: Some("council".to_owned()), ..found };
        assert_eq!(fixture.filter.governance_records(&user("root"), &found, 0, PageSize::MAX).unwrap().len(), 2);

        let log: Log = Arc::default();
        let sink = FaultySink::over(Arc::clone(&place.sink), &log);
        let directory = Arc::clone(&fixture.directory);
        let filter = PrivacyFilter::builder(Arc::clone(&place.store), directory, Arc::clone(&sink));
        let filter = filter.sink_timeout(LIMIT).clock(|| at(0)).open().unwrap();
        drop(filter.dry_run(&user("root"), &public, 0).unwrap());
        for fault in FAULTS {
            for sample in [0, 5] {
                sink.fault_in(0, fault);
                let error = filter.dry_run(&user("root"), &public, sample).unwrap_err();
                assert!(matches!(error, DryRunError::Unrecorded(_)), "{fault:?} gave {error:?}");
            }
        }
    }
}

#[test]
fn r4_rejected_dry_run_is_recorded_with_cause() {
    for place in places() {
        let fixture = office(&place);
        for sample in [0, 5] {
            let change = ChangeSummary::MakePrivate(group("board").into());
            let of = |record: Record| (record.event, record.outcome);
            let event = Event::DryRun { changes: vec![change], sample: sample as u64 };
            let unknown = Outcome::Invalid(PolicyError::UnknownGroup(group("board")));
            assert_eq!(of(refused(&fixture, "root", &private("board"), sample)), (event.clone(), unknown));
            let denied = Outcome::Denied(Denial::MayNotManage);
            assert_eq!(of(refused(&fixture, "ann", &private("board"), sample)), (event.clone(), denied));
            let denied = Outcome::Denied(Denial::NotAdmin);
            assert_eq!(of(refused(&fixture, "bob", &private("board"), sample)), (event, denied));
        }
    }
}

#[test]
fn d13_names_need_permission_to_view_private_activities() {
    let public = PolicyChange::MakePublic(group("council").into());
    for place in places() {
        let fixture = office(&place);
        let run = fixture.filter.dry_run(&user("root"), &public, 0).unwrap();
        assert_eq!((run.shown().users(), run.shown().sample()), (1, &[][..]), "counts name no user");
        assert_eq!(refused(&fixture, "root", &public, 1).outcome, Outcome::Denied(Denial::NotPermitted));
        // The request would be rejected anyway. The missing permission is reported first.
        assert_eq!(refused(&fixture, "ann", &public, 1).outcome, Outcome::Denied(Denial::MayNotManage));
        fixture.permit_root();
        let run = fixture.filter.dry_run(&user("root"), &public, 1).unwrap();
        assert_eq!(run.shown().sample(), [user("adele")]);
        fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        assert_eq!(refused(&fixture, "root", &public, 1).outcome, Outcome::Denied(Denial::NotPermitted));
    }
}

#[test]
fn g2_record_of_dry_run_names_no_user() {
    for place in places() {
        let fixture = office(&place);
        fixture.permit_root();
        let before = fixture.records().len();
        let public = PolicyChange::MakePublic(group("council").into());
        assert_eq!(fixture.filter.dry_run(&user("root"), &public, 9).unwrap().shown().sample(), [user("adele")]);
        fixture.update_policy(PolicyChange::Revoke(user("root").into()));
        let _ = refused(&fixture, "root", &public, 9);
        let said = serde_json::to_string(&fixture.records()[before..]).unwrap();
        assert!(said.contains("dry_run") && !said.contains("adele"), "{said}");
    }
}

/// The record is the same with and without hidden activities.
#[test]
fn r4_foreign_cursor_in_reveal_is_recorded() {
    for place in places() {
        let mut said = Vec::new();
        for names in [["adele", "bob", "bob", "adele", "bob"], ["bob"; 5]] {
            let fixture = if names[0] == "adele" { place.fixture() } else { Place::in_memory().fixture() };
            fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).make_private("council").permit_root();
            let ids = ["1", "2", "3", "4", "5"];
            fixture.ingest(&ids.iter().zip(names).map(|(id, name)| activity(id, name)).collect::<Vec<_>>());
            let of_view = fixture.filter.view(&user("root")).page(&Query::all(), size(1), None).unwrap();
            let mut other = fixture.filter.reveal(reveal_all("root")).unwrap();
            let of_other = other.page(size(1), None).unwrap();
            let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
            let own = reveal.page(size(1), None).unwrap().next().unwrap().clone();
            // The cursor of a page that was never shown: the last digits are its number.
            let unseen: String = own.to_string().chars().rev().skip(8).collect();
            let unseen: Cursor = (unseen.chars().rev().collect::<String>() + "ffffffff").parse().unwrap();
            for foreign in [of_view.next(), of_other.next(), Some(&unseen)] {
                let before = fixture.records().len();
                let error = reveal.page(size(1), foreign).unwrap_err();
                assert!(matches!(error, RevealError::Cursor(CursorError::Foreign)), "{error:?}");
                assert_eq!(fixture.records().len(), before + 1);
                let record = last(&fixture);
                assert_eq!(record.outcome, Outcome::Denied(Denial::ForeignCursor));
                let Event::Page { reveal: of, activities, private, digest, subjects } = &record.event else {
                    panic!("{record:?}")
                };
                assert_eq!(*of, reveal.id());
                said.push((*activities.value().unwrap(), *private.value().unwrap(), *digest.value().unwrap()));
                assert!(subjects.value().unwrap().is_empty());
                assert!(reveal.page(size(1), Some(&own)).is_ok(), "the reveal stays open");
            }
        }
        said.dedup();
        assert_eq!(said, [(0, 0, Digest::of_ids([]))], "a page without activities");
    }
}

/// Without a reveal no cursor reaches private activities, and no view is recorded.
#[test]
fn v4_foreign_cursor_in_view_is_not_recorded() {
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        let of_reveal = reveal.page(size(1), None).unwrap();
        let of_bob = fixture.filter.view(&user("bob")).page(&Query::all(), size(1), None).unwrap();
        let before = fixture.records().len();
        for foreign in [of_reveal.next(), of_bob.next()] {
            let error = fixture.filter.view(&user("root")).page(&Query::all(), size(1), foreign).unwrap_err();
            assert!(matches!(error, ViewError::Cursor(CursorError::Foreign)), "{error:?}");
        }
        assert_eq!(fixture.records().len(), before);
    }
}

/// Every method that takes a caller records its rejections.
#[test]
fn r4_every_rejected_caller_is_recorded() {
    type Try = fn(&PrivacyFilter, &UserId) -> bool;
    let request = RequestId(uuid::Uuid::from_u128(77));
    let sinks = QuorumSink::with_leader("a".parse().unwrap(), Arc::new(activity_privacy::memory::MemorySink::new()));
    let sinks = sinks.build().unwrap();
    let tries: [(RecordKind, Try); 10] = [
        (RecordKind::PolicyChange, |filter, by| filter.update_policy(by, private("council")).is_err()),
        (RecordKind::DryRun, |filter, by| filter.dry_run(by, private("council"), 0).is_err()),
        (RecordKind::Reveal, |filter, by| filter.reveal(reveal_all(by.as_str())).is_err()),
        (RecordKind::Reveal, |filter, by| {
            let unknown = RequestId(uuid::Uuid::from_u128(77));
            filter.reveal_approved(reveal_all(by.as_str()), unknown).is_err()
        }),
        (RecordKind::RevealRequest, |filter, by| filter.request_reveal(&reveal_all(by.as_str())).is_err()),
        (RecordKind::GovernanceRead, |filter, by| filter.approvals(by, RequestId(uuid::Uuid::from_u128(77))).is_err()),
        (RecordKind::GovernanceRead, |filter, by| {
            filter.governance_records(by, &RecordQuery::default(), 0, PageSize::MAX).is_err()
        }),
        (RecordKind::Erasure, |filter, by| filter.erase(by, Subject::of(user("adele"))).is_err()),
        (RecordKind::Redaction, |filter, by| filter.redact(by, RecordId(uuid::Uuid::from_u128(1))).is_err()),
        (RecordKind::Approval, |filter, by| {
            filter.decide_request(by, RequestId(uuid::Uuid::from_u128(77)), ApprovalDecision::Approve).is_err()
        }),
    ];
    for place in places() {
        let fixture = place.fixture();
        populate(&fixture);
        let expect = |kind: RecordKind, by: &str, cause: Denial, before: usize| {
            let records = fixture.records();
            assert_eq!(records.len(), before + 1, "{kind}");
            let record = &records.last().unwrap().record;
            assert_eq!((record.kind(), &record.outcome), (kind, &Outcome::Denied(cause)));
            assert_eq!(record.initiator, Initiator::User(user(by)));
        };
        for (kind, refuse) in tries {
            let before = fixture.records().len();
            assert!(refuse(&fixture.filter, &user("bob")), "{kind}");
            expect(kind, "bob", Denial::NotAdmin, before);
        }
        let before = fixture.records().len();
        assert!(fixture.filter.remove_sink(&user("bob"), &sinks, &"a".parse().unwrap()).is_err());
        expect(RecordKind::SinkChange, "bob", Denial::NotAdmin, before);
        // A permitted caller who requests an id that does not exist.
        let before = fixture.records().len();
        assert!(fixture.filter.reveal_approved(reveal_all("root"), request).is_err());
        expect(RecordKind::Reveal, "root", Denial::NotRequested, before);
        let before = fixture.records().len();
        assert!(fixture.filter.decide_request(&user("root"), request, ApprovalDecision::Deny).is_err());
        expect(RecordKind::Approval, "root", Denial::NotRequested, before);
    }
}

/// A caller is rejected even if the directory does not answer.
#[test]
fn r4_rejected_dry_run_is_recorded_without_directory() {
    let place = Place::in_memory();
    populate(&place.fixture());
    let filter = PrivacyFilter::builder(Arc::clone(&place.store), MemoryDirectory::new(), Arc::clone(&place.sink));
    let filter = filter.clock(|| at(0)).open().unwrap();
    assert!(filter.dry_run(&user("bob"), private("council"), 3).is_err());
    let last = place.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap().pop().unwrap().record;
    assert_eq!((last.kind(), last.outcome), (RecordKind::DryRun, Outcome::Denied(Denial::NotAdmin)));
}
