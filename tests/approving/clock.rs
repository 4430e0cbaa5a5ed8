//! R1: what is over stays over when the clock goes back: a request, and what was approved with it.

use std::sync::Arc;

use super::fault_sink::Broken;
use super::*;

const DAY: i64 = 86_400;

#[test]
fn r1_expired_request_stays_expired_when_clock_goes_back() {
    for place in places() {
        let house = furnished(&place, 1);
        // Found by whoever looked; found by whoever came too late.
        let found: [fn(&House, RequestId); 2] = [
            |house, request| assert_eq!(status(house, request), Some(RequestStatus::Expired)),
            |house, request| {
                assert_eq!(answer_denied(house, "ann", request, Answer::Approve), Denial::RequestOver);
            },
        ];
        for find in found {
            let request = ask(&house, "root");
            house.advance(DAY);
            find(&house, request);
            house.advance(-DAY);
            assert_eq!(status(&house, request), Some(RequestStatus::Expired));
            assert_eq!(answer_denied(&house, "ann", request, Answer::Approve), Denial::RequestOver);
            let other = house.filter.clone();
            assert!(other.answer_request(&user("carl"), request, Answer::Approve).is_err(), "through another handle");
            assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::ApprovalsMissing);
            let fresh = ask(&house, "root");
            approve(&house, "ann", fresh);
            assert!(house.filter.reveal_approved(reveal_all("root"), fresh).is_ok(), "another request is not over");
        }
    }
}

/// The log of the refusal tells every node, whatever its clock says.
#[test]
fn r1_request_refused_as_over_is_over_on_every_node() {
    for place in places() {
        let house = furnished(&place, 1);
        let request = ask(&house, "root");
        house.advance(DAY);
        assert_eq!(answer_denied(&house, "ann", request, Answer::Approve), Denial::RequestOver);
        let other = place.house();
        assert_eq!(status(&other, request), Some(RequestStatus::Expired));
        assert_eq!(answer_denied(&other, "ann", request, Answer::Approve), Denial::RequestOver);
    }
}

/// An approval that stands behind a refusal in the log came after it, whatever time it bears.
#[test]
fn r1_approval_dated_back_behind_a_refusal_counts_nothing() {
    let place = Place::in_memory();
    let house = furnished(&place, 1);
    let request = ask(&house, "root");
    house.advance(DAY);
    assert_eq!(answer_denied(&house, "ann", request, Answer::Approve), Denial::RequestOver);
    let mut entries = house.records();
    let mut back = entries.last().unwrap().clone();
    (back.record.at, back.record.outcome) = (at(1), Outcome::OnRecord);
    back.sequence += 1;
    let policy = house.filter.policy().unwrap();
    let alone = Approvals::read(request, entries.iter().take(entries.len() - 1).chain([&back]));
    assert_eq!(alone.status(&policy, at(1)), Some(RequestStatus::Approved { at: at(1) }));
    entries.push(back);
    assert_eq!(Approvals::read(request, &entries).status(&policy, at(1)), Some(RequestStatus::Expired));
}

#[test]
fn r1_approved_lifetime_that_is_over_stays_over() {
    for place in places() {
        let house = furnished(&place, 1);
        let request = ask(&house, "root");
        approve(&house, "ann", request);
        let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
        house.advance(3_600);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        house.advance(-3_600);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::Expired, "nor is it opened again");
    }
}

/// What somebody said to it on a node whose clock is right ends it on one whose clock was set back.
#[test]
fn r1_reveal_ends_by_the_latest_time_in_the_log() {
    for place in places() {
        let house = furnished(&place, 1);
        let request = ask(&house, "root");
        approve(&house, "ann", request);
        let behind = place.house();
        let mut reveal = behind.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        house.advance(3_600);
        assert_eq!(answer_denied(&house, "eve", request, Answer::Approve), Denial::NotPermitted);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
    }
}

#[test]
fn r4_refusal_is_on_record_when_log_is_unreadable() {
    let mut place = Place::in_memory();
    let log = Arc::clone(&place.sink);
    let sink = Arc::new(Broken::over(Arc::clone(&place.sink)));
    place.sink = sink.clone();
    let house = furnished(&place, 1);
    let request = ask(&house, "root");
    approve(&house, "ann", request);
    let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
    sink.fail_to_read();
    let last = || log.records(&RecordQuery::default(), 0, usize::MAX).unwrap().pop().unwrap().record;
    for (by, cause) in [("eve", Denial::NotPermitted), ("bob", Denial::NotAdmin)] {
        let refused = house.filter.answer_request(&user(by), request, Answer::Deny).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(denial) if denial == cause), "{refused:?}");
        assert_eq!((last().kind(), last().outcome), (RecordKind::Approval, Outcome::Denied(cause)));
    }
    revoke(&house, "root");
    assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
    assert_eq!((last().kind(), last().outcome), (RecordKind::Page, Outcome::Denied(Denial::NotPermitted)));
}
