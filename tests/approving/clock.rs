//! R1: an expired request or reveal stays expired if the clock is set back.

use activity_privacy::governance::{RecordKind, RecordQuery};
use activity_privacy::reveal::Approvals;
use std::sync::Arc;

use super::fault_sink::SwitchableSink;
use super::*;

const DAY: i64 = 86_400;

#[test]
fn r1_expired_request_stays_expired_when_clock_goes_back() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        // The expiry is observed by a status query, and by a late approval.
        let found: [fn(&Fixture, RequestId); 2] = [
            |fixture, request| assert_eq!(status(fixture, request), Some(RequestStatus::Expired)),
            |fixture, request| {
                assert_eq!(answer_denied(fixture, "ann", request, ApprovalDecision::Approve), Denial::RequestOver);
            },
        ];
        for find in found {
            let request = ask(&fixture, "root");
            fixture.advance(DAY);
            find(&fixture, request);
            fixture.advance(-DAY);
            assert_eq!(status(&fixture, request), Some(RequestStatus::Expired));
            assert_eq!(answer_denied(&fixture, "ann", request, ApprovalDecision::Approve), Denial::RequestOver);
            let other = fixture.filter.clone();
            assert!(
                other.decide_request(&user("carl"), request, ApprovalDecision::Approve).is_err(),
                "through another handle"
            );
            assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
            let fresh = ask(&fixture, "root");
            approve(&fixture, "ann", fresh);
            assert!(fixture.filter.reveal_approved(reveal_all("root"), fresh).is_ok(), "a new request is not expired");
        }
    }
}

/// The recorded refusal informs every node, whatever its clock shows.
#[test]
fn r1_refused_request_is_expired_on_every_node() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        fixture.advance(DAY);
        assert_eq!(answer_denied(&fixture, "ann", request, ApprovalDecision::Approve), Denial::RequestOver);
        let other = place.fixture();
        assert_eq!(status(&other, request), Some(RequestStatus::Expired));
        assert_eq!(answer_denied(&other, "ann", request, ApprovalDecision::Approve), Denial::RequestOver);
    }
}

/// An approval after a refusal in the log is later, whatever its timestamp.
#[test]
fn r1_backdated_approval_after_refusal_does_not_count() {
    let place = Place::in_memory();
    let fixture = fixture_requiring(&place, 1);
    let request = ask(&fixture, "root");
    fixture.advance(DAY);
    assert_eq!(answer_denied(&fixture, "ann", request, ApprovalDecision::Approve), Denial::RequestOver);
    let mut entries = fixture.records();
    let mut back = entries.last().unwrap().clone();
    (back.record.at, back.record.outcome) = (at(1), Outcome::Recorded);
    back.sequence += 1;
    let policy = fixture.filter.policy().unwrap();
    let alone = Approvals::read(request, entries.iter().take(entries.len() - 1).chain([&back]));
    assert_eq!(alone.status(&policy, at(1)), Some(RequestStatus::Approved { at: at(1) }));
    entries.push(back);
    assert_eq!(Approvals::read(request, &entries).status(&policy, at(1)), Some(RequestStatus::Expired));
}

#[test]
fn r1_expired_approved_lifetime_stays_expired() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        fixture.advance(3_600);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        fixture.advance(-3_600);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::Expired, "it cannot be opened again");
    }
}

/// A decision recorded by a node with the correct time ends the reveal on a node whose clock was set back.
#[test]
fn r1_reveal_ends_by_latest_time_in_log() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let behind = place.fixture();
        let mut reveal = behind.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        fixture.advance(3_600);
        assert_eq!(answer_denied(&fixture, "eve", request, ApprovalDecision::Approve), Denial::NotPermitted);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
    }
}

#[test]
fn r4_refusal_is_recorded_when_log_is_unreadable() {
    let mut place = Place::in_memory();
    let log = Arc::clone(&place.sink);
    let sink = Arc::new(SwitchableSink::over(Arc::clone(&place.sink)));
    place.sink = sink.clone();
    let fixture = fixture_requiring(&place, 1);
    let request = ask(&fixture, "root");
    approve(&fixture, "ann", request);
    let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
    sink.fail_to_read();
    let last = || log.records(&RecordQuery::default(), 0, usize::MAX).unwrap().pop().unwrap().record;
    for (by, cause) in [("eve", Denial::NotPermitted), ("bob", Denial::NotAdmin)] {
        let refused = fixture.filter.decide_request(&user(by), request, ApprovalDecision::Deny).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(denial) if denial == cause), "{refused:?}");
        assert_eq!((last().kind(), last().outcome), (RecordKind::Approval, Outcome::Denied(cause)));
    }
    revoke(&fixture, "root");
    assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
    assert_eq!((last().kind(), last().outcome), (RecordKind::Page, Outcome::Denied(Denial::NotPermitted)));
}
