//! Requests, approvals, and the reveals that they permit.

use super::*;
use activity_privacy::governance::{Justification, RecordKind, RecordQuery};
use activity_privacy::policy::Purpose;
use activity_privacy::query::Query;
use activity_privacy::reveal::{Acknowledgement, Approvals};

#[test]
fn p3_reveal_without_required_approvals_is_denied() {
    for place in places() {
        let fixture = fixture_requiring(&place, 2);
        let alone = fixture.filter.reveal(reveal_all("root")).unwrap_err();
        assert!(matches!(alone, RevealError::Denied(Denial::ApprovalsMissing)), "{alone:?}");

        let request = ask(&fixture, "root");
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 2 }));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
        approve(&fixture, "ann", request);
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
        approve(&fixture, "carl", request);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Approved { at: at(0) }));
        let mut reveal = fixture.filter.reveal_approved(reveal_all("root"), request).unwrap();
        assert_eq!(page_of(&mut reveal), Ok(2));
        let entry = fixture.records().into_iter().find(|entry| entry.sequence == reveal.receipt().sequence()).unwrap();
        let Event::Reveal(summary) = entry.record.event else { panic!("not a reveal") };
        assert_eq!((summary.reveal, summary.request), (reveal.id(), Some(request)));
        assert!(summary.is_about(&Query::all()) && !summary.is_about(&Query::all().since(at(0))));
    }
}

#[test]
fn p3_self_approval_is_denied_unless_allowed() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        assert_eq!(answer_denied(&fixture, "root", request, ApprovalDecision::Approve), Denial::SelfApproval);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 1 }));
        let options = OptionsPatch::new().self_approval_allowed(true);
        fixture.options(options);
        approve(&fixture, "root", request);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Approved { at: at(0) }));
        // A withdrawn approval no longer counts, although it is on record.
        fixture.options(OptionsPatch::new().self_approval_allowed(false));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
    }
}

#[test]
fn p3_repeated_approval_counts_once() {
    for place in places() {
        let fixture = fixture_requiring(&place, 2);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let before = fixture.records().len();
        approve(&fixture, "ann", request);
        assert_eq!(fixture.records().len(), before, "a repeated approval makes no record");
        // Also under another policy.
        fixture.make_private_again();
        approve(&fixture, "ann", request);
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
    }
}

trait Turn {
    fn make_private_again(&self);
}

impl Turn for Fixture {
    /// Changes the policy in a way that does not concern reveals.
    fn make_private_again(&self) {
        self.update_policy(PolicyChange::MakePublic(group("council").into())).make_private("council");
    }
}

#[test]
fn p3_only_admins_with_view_permission_decide_requests() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let request = ask(&fixture, "root");
        for answer in [ApprovalDecision::Approve, ApprovalDecision::Deny, ApprovalDecision::Withdraw] {
            assert_eq!(answer_denied(&fixture, "eve", request, answer), Denial::NotPermitted);
            assert_eq!(answer_denied(&fixture, "bob", request, answer), Denial::NotAdmin);
        }
        assert_eq!(answer_denied(&fixture, "ann", request, ApprovalDecision::Withdraw), Denial::NotRequested);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 1 }));
        // An administrator without the permission cannot make a request either.
        let refused = fixture.filter.request_reveal(&reveal_all("eve")).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(Denial::NotPermitted)), "{refused:?}");
        let last = fixture.records().pop().unwrap().record;
        assert!(matches!(last.event, Event::RequestReveal(_)) && last.outcome == Outcome::Denied(Denial::NotPermitted));
    }
}

#[test]
fn r4_request_is_visible_to_possible_approvers_only() {
    let fixture = fixture_requiring(&Place::in_memory(), 1);
    let nothing = RequestId(uuid::Uuid::from_u128(99));
    assert_eq!(answer_denied(&fixture, "ann", nothing, ApprovalDecision::Approve), Denial::NotRequested);
    assert_eq!(answer_denied(&fixture, "bob", nothing, ApprovalDecision::Approve), Denial::NotAdmin);
    assert_eq!(open_denied(&fixture, reveal_all("root"), nothing), Denial::NotRequested);
    let refused = fixture.filter.approvals(&user("bob"), nothing).unwrap_err();
    assert!(matches!(refused, RevealError::Denied(Denial::NotAdmin)));
    assert!(fixture.filter.approvals(&user("root"), nothing).unwrap().asked().is_none());
}

/// A request that differs from the approved one was not approved.
#[test]
fn r1_reveal_that_differs_from_request_is_denied() {
    let wish = |viewer: &str, query: Query, lifetime| {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        RevealRequest::new(user(viewer), query, lifetime, audited)
    };
    let purpose = |text: &str| Purpose::new(text).unwrap();
    let because = |text: &str| Justification::new(text).unwrap();
    let asked =
        || wish("root", Query::all().since(at(-9)), HOUR).for_purpose(purpose("audit")).because(because("case 1"));
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        fixture.options(OptionsPatch::new().include_objects(true));
        let request = fixture.filter.request_reveal(&asked()).unwrap();
        approve(&fixture, "ann", request);
        let query = || Query::all().since(at(-9));
        let others = [
            wish("carl", query(), HOUR).for_purpose(purpose("audit")).because(because("case 1")),
            wish("root", Query::all(), HOUR).for_purpose(purpose("audit")).because(because("case 1")),
            wish("root", query(), HOUR / 2).for_purpose(purpose("audit")).because(because("case 1")),
            wish("root", query(), HOUR).for_purpose(purpose("curiosity")).because(because("case 1")),
            wish("root", query(), HOUR).for_purpose(purpose("audit")).because(because("case 2")),
            wish("root", query(), HOUR).for_purpose(purpose("audit")),
            wish("root", query(), HOUR).because(because("case 1")),
            asked().private_only(),
        ];
        for other in others {
            assert_eq!(open_denied(&fixture, other, request), Denial::NotRequested);
        }
        assert!(fixture.filter.reveal_approved(asked(), request).is_ok());
    }
}

#[test]
fn p3_purpose_outside_configured_list_is_denied() {
    let fixture = fixture_requiring(&Place::in_memory(), 0);
    let named = |text: &str| reveal_all("root").for_purpose(Purpose::new(text).unwrap());
    assert!(fixture.filter.reveal(named("anything")).is_ok(), "any purpose is accepted while the list is empty");
    fixture.options(OptionsPatch::new().add_purpose(Purpose::new("security incident").unwrap()));
    for refused in [reveal_all("root"), named("anything"), named("Security incident")] {
        let error = fixture.filter.reveal(refused).unwrap_err();
        assert!(matches!(error, RevealError::Denied(Denial::PurposeNotAllowed)), "{error:?}");
    }
    assert!(fixture.filter.reveal(named("security incident")).is_ok());
}

/// Approvers can verify a request, although no record contains it in clear text.
#[test]
fn g2_request_record_names_no_person_and_binds_query() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = Query::all().by_actor("adele@contoso.com").unwrap();
        let wish = RevealRequest::new(user("root"), query.clone(), HOUR, audited);
        let request = fixture.filter.request_reveal(&wish).unwrap();
        let approvals = fixture.filter.approvals(&user("ann"), request).unwrap();
        let (by, asked) = approvals.asked().unwrap();
        assert_eq!(by, &user("root"));
        assert!(asked.is_about(&query) && !asked.is_about(&Query::all()));
        assert!(asked.terms.actors == 1 && asked.lifetime == HOUR);
        let text = serde_json::to_string(&fixture.records()).unwrap();
        let asking = text.split("request_reveal").nth(1).unwrap();
        assert!(!asking.contains("adele"), "{asking}");
    }
}

/// The log contains many other records, among them other requests and their decisions.
#[test]
fn p3_approval_of_another_request_does_not_count() {
    let fixture = fixture_requiring(&Place::in_memory(), 1);
    let (other, request) = (ask(&fixture, "ann"), ask(&fixture, "root"));
    approve(&fixture, "carl", other);
    let log = fixture.records();
    let policy = fixture.filter.policy().unwrap();
    let read = |request| Approvals::read(request, &log);
    assert_eq!(read(request).status(&policy, at(0)), Some(RequestStatus::Waiting { missing: 1 }));
    assert_eq!(read(other).status(&policy, at(0)), Some(RequestStatus::Approved { at: at(0) }));
    assert_eq!(read(request).asked().map(|(by, _)| by), Some(&user("root")));
    assert_eq!(read(RequestId(uuid::Uuid::nil())).status(&policy, at(0)), None);
}

#[test]
fn g1_requests_and_decisions_are_found_by_request_id() {
    for place in places() {
        let fixture = fixture_requiring(&place, 1);
        let (request, other) = (ask(&fixture, "root"), ask(&fixture, "ann"));
        approve(&fixture, "ann", request);
        approve(&fixture, "carl", other);
        let query = RecordQuery { target: Some(request.to_string()), ..RecordQuery::default() };
        let found = fixture.filter.governance_records(&user("root"), &query, 0, PageSize::default()).unwrap();
        let kinds: Vec<_> = found.iter().map(|entry| (entry.record.kind(), entry.record.outcome.clone())).collect();
        assert_eq!(kinds, [(RecordKind::RevealRequest, Outcome::Recorded), (RecordKind::Approval, Outcome::Recorded)]);
    }
}
