//! Asking, approving, and what may be opened then.

use super::*;
use activity_privacy::governance::{Justification, RecordKind, RecordQuery};
use activity_privacy::policy::Purpose;
use activity_privacy::query::Query;
use activity_privacy::reveal::{Acknowledgement, Approvals};

#[test]
fn p3_a_reveal_needs_the_approvals_of_others_that_the_policy_asks_for() {
    for place in places() {
        let fixture = furnished(&place, 2);
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
fn p3_nobody_approves_what_they_asked_for_themselves_unless_the_policy_lets_them() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let request = ask(&fixture, "root");
        assert_eq!(answer_denied(&fixture, "root", request, ApprovalDecision::Approve), Denial::SelfApproval);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 1 }));
        let options = OptionsPatch::new().self_approval_allowed(true);
        fixture.options(options);
        approve(&fixture, "root", request);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Approved { at: at(0) }));
        // Taken back, it does not count any more, though it is on record.
        fixture.options(OptionsPatch::new().self_approval_allowed(false));
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
    }
}

#[test]
fn p3_an_admin_approves_once_however_often_they_say_so() {
    for place in places() {
        let fixture = furnished(&place, 2);
        let request = ask(&fixture, "root");
        approve(&fixture, "ann", request);
        let said = fixture.records().len();
        approve(&fixture, "ann", request);
        assert_eq!(fixture.records().len(), said, "it says nothing more");
        // Under another policy too.
        fixture.make_private_again();
        approve(&fixture, "ann", request);
        assert_eq!(open_denied(&fixture, reveal_all("root"), request), Denial::ApprovalsMissing);
    }
}

trait Turn {
    fn make_private_again(&self);
}

impl Turn for Fixture {
    /// Something changes that has nothing to do with reveals.
    fn make_private_again(&self) {
        self.update_policy(PolicyChange::MakePublic(group("council").into())).make_private("council");
    }
}

#[test]
fn p3_only_admins_who_may_view_private_activities_answer() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let request = ask(&fixture, "root");
        for answer in [ApprovalDecision::Approve, ApprovalDecision::Deny, ApprovalDecision::Withdraw] {
            assert_eq!(answer_denied(&fixture, "eve", request, answer), Denial::NotPermitted);
            assert_eq!(answer_denied(&fixture, "bob", request, answer), Denial::NotAdmin);
        }
        assert_eq!(answer_denied(&fixture, "ann", request, ApprovalDecision::Withdraw), Denial::NotRequested);
        assert_eq!(status(&fixture, request), Some(RequestStatus::Waiting { missing: 1 }));
        // Whoever may not look does not get to ask either.
        let refused = fixture.filter.request_reveal(&reveal_all("eve")).unwrap_err();
        assert!(matches!(refused, RevealError::Denied(Denial::NotPermitted)), "{refused:?}");
        let last = fixture.records().pop().unwrap().record;
        assert!(matches!(last.event, Event::RequestReveal(_)) && last.outcome == Outcome::Denied(Denial::NotPermitted));
    }
}

#[test]
fn r4_nobody_learns_whether_there_is_a_request_but_whoever_may_answer_one() {
    let fixture = furnished(&Place::in_memory(), 1);
    let nothing = RequestId(uuid::Uuid::from_u128(99));
    assert_eq!(answer_denied(&fixture, "ann", nothing, ApprovalDecision::Approve), Denial::NotRequested);
    assert_eq!(answer_denied(&fixture, "bob", nothing, ApprovalDecision::Approve), Denial::NotAdmin);
    assert_eq!(open_denied(&fixture, reveal_all("root"), nothing), Denial::NotRequested);
    let refused = fixture.filter.approvals(&user("bob"), nothing).unwrap_err();
    assert!(matches!(refused, RevealError::Denied(Denial::NotAdmin)));
    assert!(fixture.filter.approvals(&user("root"), nothing).unwrap().asked().is_none());
}

/// Whatever differs from what was approved was not approved.
#[test]
fn r1_only_what_was_asked_for_is_opened() {
    let wish = |viewer: &str, query: Query, lifetime| {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        RevealRequest::new(user(viewer), query, lifetime, audited)
    };
    let purpose = |text: &str| Purpose::new(text).unwrap();
    let because = |text: &str| Justification::new(text).unwrap();
    let asked =
        || wish("root", Query::all().since(at(-9)), HOUR).for_purpose(purpose("audit")).because(because("case 1"));
    for place in places() {
        let fixture = furnished(&place, 1);
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
fn p3_a_purpose_is_one_of_those_that_the_policy_lists() {
    let fixture = furnished(&Place::in_memory(), 0);
    let named = |text: &str| reveal_all("root").for_purpose(Purpose::new(text).unwrap());
    assert!(fixture.filter.reveal(named("anything")).is_ok(), "as long as it lists none");
    fixture.options(OptionsPatch::new().add_purpose(Purpose::new("security incident").unwrap()));
    for refused in [reveal_all("root"), named("anything"), named("Security incident")] {
        let error = fixture.filter.reveal(refused).unwrap_err();
        assert!(matches!(error, RevealError::Denied(Denial::PurposeNotAllowed)), "{error:?}");
    }
    assert!(fixture.filter.reveal(named("security incident")).is_ok());
}

/// What is asked of those who approve is something that they can check, though no record spells it out.
#[test]
fn g2_a_request_names_nobody_and_is_bound_to_its_query() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = Query::all().by_actor("adele@contoso.com").unwrap();
        let wish = RevealRequest::new(user("root"), query.clone(), HOUR, audited);
        let request = fixture.filter.request_reveal(&wish).unwrap();
        let approvals = fixture.filter.approvals(&user("ann"), request).unwrap();
        let (by, asked) = approvals.asked().unwrap();
        assert_eq!(by, &user("root"));
        assert!(asked.is_about(&query) && !asked.is_about(&Query::all()));
        assert!(asked.about.actors == 1 && asked.lifetime == HOUR);
        let text = serde_json::to_string(&fixture.records()).unwrap();
        let asking = text.split("request_reveal").nth(1).unwrap();
        assert!(!asking.contains("adele"), "{asking}");
    }
}

/// A log holds much else, other requests and the answers to them too.
#[test]
fn p3_what_is_said_to_another_request_is_not_said_to_this_one() {
    let fixture = furnished(&Place::in_memory(), 1);
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
fn g1_requests_and_answers_are_records_found_by_the_request() {
    for place in places() {
        let fixture = furnished(&place, 1);
        let (request, other) = (ask(&fixture, "root"), ask(&fixture, "ann"));
        approve(&fixture, "ann", request);
        approve(&fixture, "carl", other);
        let query = RecordQuery { target: Some(request.to_string()), ..RecordQuery::default() };
        let found = fixture.filter.governance_records(&user("root"), &query, 0, PageSize::default()).unwrap();
        let kinds: Vec<_> = found.iter().map(|entry| (entry.record.kind(), entry.record.outcome.clone())).collect();
        assert_eq!(kinds, [(RecordKind::RevealRequest, Outcome::Recorded), (RecordKind::Approval, Outcome::Recorded)]);
    }
}
