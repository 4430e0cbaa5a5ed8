//! What ends a request, and what stops a reveal that was approved.

use super::fault_sink::Broken;
use super::*;
use activity_privacy::governance::SinkName;
use activity_privacy::sinks::QuorumSink;

#[test]
fn r1_the_lifetime_begins_with_the_last_approval() {
    for place in places() {
        let fixture = furnished(&place, 2);
        let request = ask(&fixture, "root");
        fixture.advance(500);
        approve(&fixture, "ann", request);
        fixture.advance(500);
        approve(&fixture, "carl", request);
        fixture.advance(3_599);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        // Another approval gives no more time.
        approve(&fixture, "dora", request);
        approve(&fixture, "ann", request);
        fixture.advance(1);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::Expired);
    }
}

#[test]
fn p3_a_request_that_waited_too_long_is_over() {
    for place in places() {
        let fixture = furnished(&place, 2);
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
        let patient = ask(&fixture, "root");
        fixture.advance(1_000_000_000);
        approve(&fixture, "carl", patient);
        assert!(fixture.filter.reveal_approved(reveal_all("root"), patient).is_ok());
    }
}

/// One who is against it is enough, before it is approved and after.
#[test]
fn p3_whoever_may_approve_can_deny_and_whoever_asked_can_withdraw() {
    let ends = [
        ("carl", ApprovalDecision::Deny, RequestStatus::Denied),
        ("root", ApprovalDecision::Withdraw, RequestStatus::Withdrawn),
    ];
    for place in places() {
        let fixture = furnished(&place, 1);
        for (by, answer, over) in ends {
            let request = ask(&fixture, "root");
            let approvals = fixture.filter.decide_request(&user(by), request, answer).unwrap();
            assert_eq!(approvals.status(&fixture.filter.policy().unwrap(), at(0)), Some(over));
            for later in [ApprovalDecision::Approve, ApprovalDecision::Deny] {
                assert_eq!(answer_denied(&fixture, "ann", request, later), Denial::RequestOver);
            }
            assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::RequestOver);
        }
    }
}

#[test]
fn p3_a_reveal_stops_at_its_next_page_once_its_request_is_over() {
    for place in places() {
        let fixture = furnished(&place, 1);
        for (by, answer) in [("carl", ApprovalDecision::Deny), ("root", ApprovalDecision::Withdraw)] {
            let request = ask(&fixture, "root");
            approve(&fixture, "ann", request);
            let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
            assert_eq!(page_of(&mut reveal), Ok(2));
            let _approvals = fixture.filter.decide_request(&user(by), request, answer).unwrap();
            assert_eq!(page_of(&mut reveal), Err(Denial::RequestOver));
            assert_eq!(status_kind(&fixture, request), "over");
        }
    }
}

fn status_kind(fixture: &Fixture, request: RequestId) -> &'static str {
    match status(fixture, request) {
        Some(RequestStatus::Denied | RequestStatus::Withdrawn) => "over",
        _ => "not over",
    }
}

/// An approval is worth as much as the permission of whoever gave it.
#[test]
fn p2_an_approval_counts_while_its_admin_is_permitted_under_the_same_grant() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        revoke(&fixture, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
        // Another grant does not bring the approval back; another approval does.
        grant(&fixture, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        fixture.update_policy(PolicyChange::RemoveAdmin(user("ann")));
        fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        grant(&fixture, "ann");
        approve(&fixture, "ann", request);
        assert_eq!(page_of(&mut reveal), Ok(2));
    }
}

#[test]
fn p2_the_viewer_needs_their_own_permission_too() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let request = ask(&fixture, "carl");
        approve(&fixture, "ann", request);
        let mut reveal = fixture.filter.reveal_approved(reveal_all("carl"), request).unwrap();
        revoke(&fixture, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&fixture, reveal_all("carl"), request), Denial::NotPermitted);
        // Another grant revives neither.
        grant(&fixture, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&fixture, reveal_all("carl"), request), Denial::RequestOver);
    }
}

/// Nobody is told that it waits, or was approved, when it can never be opened.
#[test]
fn p2_a_request_is_void_once_whoever_asked_lost_the_grant() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let requests = [ask(&fixture, "carl"), ask(&fixture, "carl")];
        approve(&fixture, "ann", requests[0]);
        revoke(&fixture, "carl");
        for again in [false, true] {
            if again {
                grant(&fixture, "carl");
            }
            for request in requests {
                assert_eq!(status(&fixture, request), Some(RequestStatus::Void));
            }
        }
    }
}

#[test]
fn p3_a_policy_that_asks_for_more_stops_what_has_less() {
    for place in places() {
        let fixture = furnished(&place, 0);
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

/// A reveal that is open lives no longer than the policy allows by now, whatever it allowed when it was opened.
#[test]
fn p3_a_policy_that_allows_less_time_ends_what_has_had_more() {
    for place in places() {
        let fixture = furnished(&place, 0);
        let mut reveal = fixture.filter.reveal(reveal_all("root")).unwrap();
        fixture.advance(60);
        assert_eq!(page_of(&mut reveal), Ok(2));
        let minute = Some(Duration::from_secs(60));
        fixture.options(OptionsPatch::new().max_reveal_lifetime(minute));
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
    }
}

/// An approval that only some of the sinks have is no approval, until all have it.
#[test]
fn g4_an_approval_counts_once_every_sink_has_it() {
    let (first, second) = (Place::in_memory(), Place::in_memory());
    let failing = std::sync::Arc::new(Broken::over(std::sync::Arc::clone(&second.sink)));
    let name = |name: &str| SinkName::new(name).unwrap();
    let both = QuorumSink::with_leader(name("a"), first.sink.clone()).push(name("b"), failing.clone()).build().unwrap();
    let mut place = Place::in_memory();
    place.sink = std::sync::Arc::new(both);
    let fixture = furnished(&place, 1);
    let request = ask(&fixture, "root");
    failing.fail();
    let error = fixture.filter.decide_request(&user("ann"), request, ApprovalDecision::Approve).unwrap_err();
    assert!(matches!(error, RevealError::Unrecorded(_)), "{error:?}");
    let opening = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap_err();
    assert!(matches!(opening, RevealError::Unrecorded(_)), "{opening:?}");
    failing.recover();
    assert!(fixture.filter.reveal_approved(reveal_all("root"), request).is_ok(), "both have it by now");
}

/// What cannot be read was not approved.
#[test]
fn r2_a_log_that_cannot_be_read_approves_nothing() {
    let mut place = Place::in_memory();
    let sink = std::sync::Arc::new(Broken::over(std::sync::Arc::clone(&place.sink)));
    place.sink = sink.clone();
    let fixture = furnished(&place, 1);
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
