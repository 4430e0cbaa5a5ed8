//! Chapters P and R of the rules for reveals that require approvals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy takes only the test functions themselves for tests"
)]

#[path = "approving/asking.rs"]
mod asking;
#[path = "approving/clock.rs"]
mod clock;
#[path = "approving/ending.rs"]
mod ending;
#[path = "approving/fault_sink.rs"]
mod fault_sink;
mod fixture;
mod forward;
#[path = "approving/model.rs"]
mod model;
mod place;

use std::time::Duration;

use activity_privacy::filter::{Reveal, RevealError};
use activity_privacy::governance::{ApprovalDecision, Event, Initiator, Outcome, RequestId};
use activity_privacy::policy::{Denial, OptionsPatch, PolicyChange, Role};
use activity_privacy::query::PageSize;
use activity_privacy::reveal::{RequestStatus, RevealRequest};
use fixture::*;
use place::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// Returns a fixture whose policy requires this many approvals. `root`, `ann`, `carl` and `dora` are administrators who
/// may view private activities; `eve` is an administrator without that permission; `bob` is a user without a role.
/// Adele's activities are private.
fn fixture_requiring(place: &Place, approvals: u32) -> Fixture {
    let fixture = place.fixture();
    let names = ["ann", "carl", "dora", "eve", "bob"];
    let mut people = people(&[("adele", &["council"])]);
    for name in names {
        people = people.user(contoso(name));
    }
    fixture.install(people).manage("contoso.com").make_private("council");
    for name in ["ann", "carl", "dora", "eve"] {
        fixture.update_policy(PolicyChange::SetAdmin(user(name), Role::Analyst));
    }
    for name in ["root", "ann", "carl", "dora"] {
        grant(&fixture, name);
    }
    require(&fixture, approvals);
    fixture.ingest(&[activity("a", "adele"), activity("b", "bob")]);
    fixture
}

fn grant(fixture: &Fixture, name: &str) {
    fixture.grant(name);
}

fn revoke(fixture: &Fixture, name: &str) {
    fixture.update_policy(PolicyChange::Revoke(user(name).into()));
}

fn require(fixture: &Fixture, approvals_required: u32) {
    if fixture.filter.policy().unwrap().options().approvals_required != approvals_required {
        fixture.options(OptionsPatch::new().approvals_required(approvals_required));
    }
}

fn ask(fixture: &Fixture, viewer: &str) -> RequestId {
    fixture.filter.request_reveal(&reveal_all(viewer)).unwrap()
}

fn approve(fixture: &Fixture, by: &str, request: RequestId) {
    let _approvals = fixture.filter.decide_request(&user(by), request, ApprovalDecision::Approve).unwrap();
}

fn answer_denied(fixture: &Fixture, by: &str, request: RequestId, answer: ApprovalDecision) -> Denial {
    match fixture.filter.decide_request(&user(by), request, answer).unwrap_err() {
        RevealError::Denied(denial) => {
            let last = fixture.records().pop().unwrap().record;
            assert_eq!(last.initiator, Initiator::User(user(by)));
            assert_eq!(last.event, Event::DecideRequest { request, answer }, "R4: the refusal is recorded");
            assert_eq!(last.outcome, Outcome::Denied(denial));
            denial
        }
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn open_denied(fixture: &Fixture, wish: RevealRequest, request: RequestId) -> Denial {
    match fixture.filter.reveal_approved(wish, request).unwrap_err() {
        RevealError::Denied(denial) => {
            let last = fixture.records().pop().unwrap().record;
            let Event::Reveal(summary) = last.event else { panic!("R4: the refusal is recorded") };
            assert_eq!((summary.request, last.outcome), (Some(request), Outcome::Denied(denial)));
            denial
        }
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn status(fixture: &Fixture, request: RequestId) -> Option<RequestStatus> {
    let approvals = fixture.filter.approvals(&user("root"), request).unwrap();
    approvals.status(&fixture.filter.policy().unwrap(), at(fixture.clock.load(std::sync::atomic::Ordering::SeqCst)))
}

fn page_of(reveal: &mut Reveal) -> Result<usize, Denial> {
    match reveal.page(PageSize::default(), None) {
        Ok(page) => Ok(page.activities().len()),
        Err(RevealError::Denied(denial)) => Err(denial),
        Err(other) => panic!("expected a page or a denial, got {other:?}"),
    }
}
