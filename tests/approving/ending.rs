//! What ends a request, and what stops a reveal that was approved.

use super::fault_sink::Broken;
use super::*;

#[test]
fn r1_the_lifetime_begins_with_the_last_approval() {
    for place in places() {
        let house = furnished(&place, 2);
        let request = ask(&house, "root");
        house.advance(500);
        approve(&house, "ann", request);
        house.advance(500);
        approve(&house, "carl", request);
        house.advance(3_599);
        let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        // Another approval gives no more time.
        approve(&house, "dora", request);
        approve(&house, "ann", request);
        house.advance(1);
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
        assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::Expired);
    }
}

#[test]
fn p3_a_request_that_waited_too_long_is_over() {
    for place in places() {
        let house = furnished(&place, 2);
        let request = ask(&house, "root");
        approve(&house, "ann", request);
        house.advance(86_399);
        assert_eq!(status(&house, request), Some(RequestStatus::Waiting { missing: 1 }));
        house.advance(1);
        assert_eq!(status(&house, request), Some(RequestStatus::Expired));
        assert_eq!(answer_denied(&house, "carl", request, Answer::Approve), Denial::RequestOver);
        assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::ApprovalsMissing);
        let options = OptionsPatch::new().approvals_required(1).max_request_age(None);
        house.change(PolicyChange::SetOptions(options));
        let patient = ask(&house, "root");
        house.advance(1_000_000_000);
        approve(&house, "carl", patient);
        assert!(house.filter.reveal_approved(reveal_all("root"), patient).is_ok());
    }
}

/// One who is against it is enough, before it is approved and after.
#[test]
fn p3_whoever_may_approve_can_deny_and_whoever_asked_can_withdraw() {
    let ends = [("carl", Answer::Deny, RequestStatus::Denied), ("root", Answer::Withdraw, RequestStatus::Withdrawn)];
    for place in places() {
        let house = furnished(&place, 1);
        for (by, answer, over) in ends {
            let request = ask(&house, "root");
            let approvals = house.filter.answer_request(&user(by), request, answer).unwrap();
            assert_eq!(approvals.status(&house.filter.policy().unwrap(), at(0)), Some(over));
            for later in [Answer::Approve, Answer::Deny] {
                assert_eq!(answer_denied(&house, "ann", request, later), Denial::RequestOver);
            }
            assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::RequestOver);
        }
    }
}

#[test]
fn p3_a_reveal_stops_at_its_next_page_once_its_request_is_over() {
    for place in places() {
        let house = furnished(&place, 1);
        for (by, answer) in [("carl", Answer::Deny), ("root", Answer::Withdraw)] {
            let request = ask(&house, "root");
            approve(&house, "ann", request);
            let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
            assert_eq!(page_of(&mut reveal), Ok(2));
            let _approvals = house.filter.answer_request(&user(by), request, answer).unwrap();
            assert_eq!(page_of(&mut reveal), Err(Denial::RequestOver));
            assert_eq!(status_kind(&house, request), "over");
        }
    }
}

fn status_kind(house: &House, request: RequestId) -> &'static str {
    match status(house, request) {
        Some(RequestStatus::Denied | RequestStatus::Withdrawn) => "over",
        _ => "not over",
    }
}

/// An approval is worth as much as the permission of whoever gave it.
#[test]
fn p2_an_approval_counts_while_its_admin_is_permitted_under_the_same_grant() {
    for place in places() {
        let house = furnished(&place, 1);
        let request = ask(&house, "root");
        approve(&house, "ann", request);
        let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        revoke(&house, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        assert_eq!(open_denied(&house, reveal_all("root"), request), Denial::ApprovalsMissing);
        // Another grant does not bring the approval back; another approval does.
        grant(&house, "ann");
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        house.change(PolicyChange::RemoveAdmin(user("ann")));
        house.change(PolicyChange::SetAdmin(user("ann"), Role::Analyst));
        assert_eq!(page_of(&mut reveal), Err(Denial::ApprovalsMissing));
        grant(&house, "ann");
        approve(&house, "ann", request);
        assert_eq!(page_of(&mut reveal), Ok(2));
    }
}

#[test]
fn p2_the_viewer_needs_their_own_permission_too() {
    for place in places() {
        let house = furnished(&place, 1);
        let request = ask(&house, "carl");
        approve(&house, "ann", request);
        let mut reveal = house.filter.reveal_approved(reveal_all("carl"), request).unwrap();
        revoke(&house, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&house, reveal_all("carl"), request), Denial::NotPermitted);
        // Another grant revives neither.
        grant(&house, "carl");
        assert_eq!(page_of(&mut reveal), Err(Denial::NotPermitted));
        assert_eq!(open_denied(&house, reveal_all("carl"), request), Denial::RequestOver);
    }
}

/// Nobody is told that it waits, or was approved, when it can never be opened.
#[test]
fn p2_a_request_is_void_once_whoever_asked_lost_the_grant() {
    for place in places() {
        let house = furnished(&place, 1);
        let requests = [ask(&house, "carl"), ask(&house, "carl")];
        approve(&house, "ann", requests[0]);
        revoke(&house, "carl");
        for again in [false, true] {
            if again {
                grant(&house, "carl");
            }
            for request in requests {
                assert_eq!(status(&house, request), Some(RequestStatus::Void));
            }
        }
    }
}

#[test]
fn p3_a_policy_that_asks_for_more_stops_what_has_less() {
    for place in places() {
        let house = furnished(&place, 0);
        let mut alone = house.filter.reveal(reveal_all("root")).unwrap();
        assert_eq!(page_of(&mut alone), Ok(2));
        require(&house, 1);
        assert_eq!(page_of(&mut alone), Err(Denial::ApprovalsMissing));
        let request = ask(&house, "root");
        approve(&house, "ann", request);
        let mut approved = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
        require(&house, 2);
        assert_eq!(page_of(&mut approved), Err(Denial::ApprovalsMissing));
        approve(&house, "dora", request);
        assert_eq!(page_of(&mut approved), Ok(2));
    }
}

/// A reveal that is open lives no longer than the policy allows by now, whatever it allowed when it was opened.
#[test]
fn p3_a_policy_that_allows_less_time_ends_what_has_had_more() {
    for place in places() {
        let house = furnished(&place, 0);
        let mut reveal = house.filter.reveal(reveal_all("root")).unwrap();
        house.advance(60);
        assert_eq!(page_of(&mut reveal), Ok(2));
        let minute = Some(Duration::from_secs(60));
        house.options(OptionsPatch::new().max_reveal_lifetime(minute));
        assert_eq!(page_of(&mut reveal), Err(Denial::Expired));
    }
}

/// An approval that only some of the sinks have is no approval, until all have it.
#[test]
fn g4_an_approval_counts_once_every_sink_has_it() {
    let (first, second) = (Place::in_memory(), Place::in_memory());
    let failing = std::sync::Arc::new(Broken::over(std::sync::Arc::clone(&second.sink)));
    let name = |name: &str| SinkName::new(name).unwrap();
    let both = SeveralSinks::led_by(name("a"), first.sink.clone()).and(name("b"), failing.clone()).build().unwrap();
    let mut place = Place::in_memory();
    place.sink = std::sync::Arc::new(both);
    let house = furnished(&place, 1);
    let request = ask(&house, "root");
    failing.fail();
    let error = house.filter.answer_request(&user("ann"), request, Answer::Approve).unwrap_err();
    assert!(matches!(error, RevealError::Unrecorded(_)), "{error:?}");
    let opening = house.filter.reveal_approved(reveal_all("root"), request).unwrap_err();
    assert!(matches!(opening, RevealError::Unrecorded(_)), "{opening:?}");
    failing.recover();
    assert!(house.filter.reveal_approved(reveal_all("root"), request).is_ok(), "both have it by now");
}

/// What cannot be read was not approved.
#[test]
fn r2_a_log_that_cannot_be_read_approves_nothing() {
    let mut place = Place::in_memory();
    let sink = std::sync::Arc::new(Broken::over(std::sync::Arc::clone(&place.sink)));
    place.sink = sink.clone();
    let house = furnished(&place, 1);
    let request = ask(&house, "root");
    approve(&house, "ann", request);
    let mut reveal = house.filter.reveal_approved(reveal_all("root"), request).unwrap();
    assert_eq!(page_of(&mut reveal), Ok(2));
    sink.fail_to_read();
    let page = reveal.page(PageSize::default(), None).unwrap_err();
    assert!(matches!(page, RevealError::ApprovalsUnreadable(_)), "{page:?}");
    let opening = house.filter.reveal_approved(reveal_all("root"), request).unwrap_err();
    assert!(matches!(opening, RevealError::ApprovalsUnreadable(_)), "{opening:?}");
}
