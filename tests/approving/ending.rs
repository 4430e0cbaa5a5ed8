//! The end of a request, and the end of an approved reveal.

use std::sync::Arc;

use super::fault_sink::SwitchableSink;
use super::*;
use activity_privacy::error::{Classify, ErrorKind};
use activity_privacy::governance::SinkName;
use activity_privacy::sinks::QuorumSink;

/// Returns a fixture that requires a number of approvals, and its sink.
fn switchable_requiring(approvals: u32) -> (Fixture, Arc<SwitchableSink>) {
    let mut place = Place::in_memory();
    let sink = Arc::new(SwitchableSink::over(place.sink.clone()));
    place.sink = sink.clone();
    (fixture_requiring(&place, approvals), sink)
}

#[test]
fn r1_lifetime_begins_with_last_approval() {
    for place in places() {
        let fixture = fixture_requiring(&place, 2);
        let request = ask(&fixture, "root");
        fixture.advance(500);
        approve(&fixture, "ann", request);
        fixture.advance(500);
        approve(&fixture, "carl", request);
        fixture.advance(3_599);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        // Further approvals do not extend the lifetime.
        approve(&fixture, "dora", request);
        approve(&fixture, "ann", request);
        fixture.advance(1);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::Expired);
    }
}

#[test]
fn p3_request_without_timely_approval_expires() {
    for place in places() {
        let fixture = fixture_requiring(&place, 2);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        fixture.advance(86_399);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 1 }));
        fixture.advance(1);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Expired));
        assert_eq!(answer_denied(&fixture, "carl", request, ApprovalDecision::Approve), Denial::RequestOver);
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
        let options = OptionsPatch::new().approvals_required(1).max_request_age(None);
        fixture.update_policy(PolicyChange::SetOptions(options));
        let unlimited = ask(&fixture, "root");
        fixture.advance(1_000_000_000);
        approve(&fixture, "carl", unlimited);
        assert!(fixture.filter.reveal_approved(reveal_all("root"), unlimited).is_ok());
    }
}

/// The decisions that end a request, each with its user and the status of the request from then on.
const ENDS: [(&str, ApprovalDecision, RequestStatus); 2] = [
    ("carl", ApprovalDecision::Deny, RequestStatus::Denied),
    ("root", ApprovalDecision::Withdraw, RequestStatus::Withdrawn),
];

/// One denial ends a request that has no approval; the next test denies one that has.
#[test]
fn p3_approver_can_deny_and_requester_can_withdraw() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        for (by, answer, over) in ENDS {
            let request = ask(&fixture, "root");
            let _approvals = fixture.filter.decide_request(&user(by), request, answer).unwrap();
            assert_eq!(status(&fixture, request), Some(over));
            for later in [ApprovalDecision::Approve, ApprovalDecision::Deny] {
                assert_eq!(answer_denied(&fixture, "ann", request, later), Denial::RequestOver);
            }
            assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::RequestOver);
        }
    }
}

#[test]
fn p3_reveal_stops_at_next_page_after_denial() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        for (by, answer, over) in ENDS {
            let request = ask(&fixture, "root");
            approve(&fixture, "ann", request);
            let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
            assert_eq!(page_of(&mut reveal), Ok(2));
            let _approvals = fixture.filter.decide_request(&user(by), request, answer).unwrap();
            assert_eq!(page_of(&mut reveal), Err(Denial::RequestOver));
            assert_eq!(status(&fixture, request), Some(over));
        }
    }
}

/// An approval ends with the grant of its approver; a later grant does not restore it.
#[test]
fn p2_approval_is_void_after_approvers_grant_ends() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        revoke(&fixture, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
        // A new grant does not restore the approval; a new approval does.
        grant(&fixture, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        // Neither does a new role.
        fixture.update_policy(PolicyChange::RemoveAdmin(user("ann")));
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        grant(&fixture, "ann");
        approve(&fixture, "ann", request);
        assert_eq!(page_of(&mut reveal), Ok(2));
    }
}

#[test]
fn p2_approved_viewer_without_grant_is_denied() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "carl");
        approve(&fixture, "ann", request);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("carl"), request).unwrap();
        revoke(&fixture, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&fixture, reveal_all("carl"), request), Denial::NotPermitted);
        // A new grant restores neither.
        grant(&fixture, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&fixture, reveal_all("carl"), request), Denial::RequestOver);
    }
}

/// A request that can no longer lead to a reveal is void, not waiting or approved.
#[test]
fn p2_request_is_void_after_requesters_grant_ends() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let requests = [ask(&fixture, "carl"), ask(&fixture, "carl")];
        approve(&fixture, "ann", requests[0]);
        revoke(&fixture, "carl");
        for granted_again in [false, true] {
            if granted_again {
                grant(&fixture, "carl");
            }
            for request in requests {
                assert_eq!(status(&fixture, request), Some(RequestStatus::Void));
            }
        }
    }
}

#[test]
fn p3_raised_approval_count_stops_open_reveals() {
    for place in places() {
        let fixture = fixture_requiring(&place, 0);
        let mut alone = fixture.filter.reveal(reveal_all("root")).unwrap();
        assert_eq!(page_of(&mut alone), Ok(2));
        require(&fixture, 1);
        assert_eq!(page_of(&mut alone), Err(Denial::ApprovalsMissing));
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let mut approved = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        require(&fixture, 2);
        assert_eq!(page_of(&mut approved), Err(Denial::ApprovalsMissing));
        approve(&fixture, "dora", request);
        assert_eq!(page_of(&mut approved), Ok(2));
    }
}

/// The lifetime of an open reveal is limited by the policy in force, not by the one at its opening.
#[test]
fn p3_shortened_lifetime_ends_older_reveals() {
    for place in places() {
        let fixture = fixture_requiring(&place, 0);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        fixture.advance(60);
        assert_eq!(page_of(&mut reveal), Ok(2));
        let minute = Some(Duration::from_secs(60));
        fixture.options(OptionsPatch::new().max_reveal_lifetime(minute));
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
    }
}

/// An approval does not count until every sink has confirmed it.
#[test]
fn g4_approval_counts_after_every_sink_confirmed_it() {
    let (first, second) = (Place::in_memory(), Place::in_memory());
    let failing = Arc::new(SwitchableSink::over(second.sink.clone()));
    let name = |name: &str| SinkName::new(name).unwrap();
    let both = QuorumSink::with_leader(name("a"), first.sink.clone()).push(name("b"), failing.clone()).build().unwrap();
    let mut place = Place::in_memory();
    place.sink = Arc::new(both);
    let fixture = fixture_requiring(&place, 1);
    let request = ask(&fixture, "root");
    failing.fail();
    let error = fixture.filter.decide_request(&user("ann"), request, ApprovalDecision::Approve).unwrap_err();
    assert!(matches!(error, RevealError::OutcomeUnknown { .. }), "the approval counts later: {error:?}");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::OutcomeUnknown, false));
    let opening = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap_err();
    assert!(matches!(opening, RevealError::Unrecorded(_)), "{opening:?}");
    failing.recover();
    assert!(fixture.filter.reveal_approved(reveal_all("root"), request).is_ok(), "both sinks contain it now");
}

/// An answer that is durable is returned as given, even if the log cannot be read again.
#[test]
fn p4_durable_answer_is_returned_although_log_is_unreadable() {
    let (fixture, sink) = switchable_requiring(1);
    let request = ask(&fixture, "root");
    sink.fail_to_read_after_record();
    let approvals = fixture.filter.decide_request(&user("ann"), request, ApprovalDecision::Approve).unwrap();
    let status = approvals.status(&fixture.filter.policy().unwrap(), at(0));
    assert_eq!(status, Some(RequestStatus::Approved { at: at(0) }));
}

/// A reveal that ended is not said to be open because its totals are not on record.
#[test]
fn r4_reveal_ends_although_its_totals_cannot_be_recorded() {
    let (fixture, sink) = switchable_requiring(0);
    let reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
    sink.fail();
    let error = reveal.close().unwrap_err();
    assert!(matches!(error, RevealError::OutcomeUnrecorded(_)), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnrecorded);
}

/// An approval that cannot be read does not count.
#[test]
fn r2_unreadable_log_denies_approved_reveal() {
    let (fixture, sink) = switchable_requiring(1);
    let request = ask(&fixture, "root");
    approve(&fixture, "ann", request);
    let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
    assert_eq!(page_of(&mut reveal), Ok(2));
    sink.fail_to_read();
    let page = reveal.page(PageSize::default(), None).unwrap_err();
    assert!(matches!(page, RevealError::ApprovalsUnreadable(_)), "{page:?}");
    let opening = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap_err();
    assert!(matches!(opening, RevealError::ApprovalsUnreadable(_)), "{opening:?}");
}
