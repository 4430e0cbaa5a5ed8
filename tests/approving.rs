//! Chapters P and R of the rules, where a reveal needs the approval of others.
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
mod forward;
mod house;
#[path = "approving/model.rs"]
mod model;
mod place;

use std::time::Duration;

use activity_privacy::*;
use house::*;
use place::*;

const HOUR: Duration = Duration::from_secs(3_600);

/// `root`, `ann`, `carl` and `dora` are admins who may view private activities; `eve` is an admin who may not; `bob` is
/// nobody in particular. What Adele does is private. A reveal needs so many approvals.
fn furnished(place: &Place, approvals: u32) -> House {
    let house = place.house();
    let names = ["ann", "carl", "dora", "eve", "bob"];
    let mut people = people(&[("adele", &["council"])]);
    for name in names {
        people = people.user(contoso(name));
    }
    house.install(people).manage("contoso.com").make_private("council");
    for name in ["ann", "carl", "dora", "eve"] {
        house.change(PolicyChange::SetAdmin(user(name), Role::Analyst));
    }
    for name in ["root", "ann", "carl", "dora"] {
        grant(&house, name);
    }
    require(&house, approvals);
    house.ingest(&[activity("a", "adele"), activity("b", "bob")]);
    house
}

fn grant(house: &House, name: &str) {
    house.grant(name);
}

fn revoke(house: &House, name: &str) {
    house.change(PolicyChange::Revoke(user(name).into()));
}

fn require(house: &House, approvals_required: u32) {
    if house.filter.policy().unwrap().options().approvals_required != approvals_required {
        house.options(OptionsPatch::new().approvals_required(approvals_required));
    }
}

fn ask(house: &House, viewer: &str) -> RequestId {
    house.filter.request_reveal(&reveal_all(viewer)).unwrap()
}

fn approve(house: &House, by: &str, request: RequestId) {
    let _approvals = house.filter.answer_request(&user(by), request, Answer::Approve).unwrap();
}

fn answer_denied(house: &House, by: &str, request: RequestId, answer: Answer) -> Denial {
    match house.filter.answer_request(&user(by), request, answer).unwrap_err() {
        RevealError::Denied(denial) => {
            let last = house.records().pop().unwrap().record;
            assert_eq!(last.initiator, Initiator::User(user(by)));
            assert_eq!(last.act, Act::AnswerRequest { request, answer }, "R4: what was refused is on record");
            assert_eq!(last.outcome, Outcome::Denied(denial));
            denial
        }
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn open_denied(house: &House, wish: RevealRequest, request: RequestId) -> Denial {
    match house.filter.reveal_approved(wish, request).unwrap_err() {
        RevealError::Denied(denial) => {
            let last = house.records().pop().unwrap().record;
            let Act::Reveal(summary) = last.act else { panic!("R4: what was refused is on record") };
            assert_eq!((summary.request, last.outcome), (Some(request), Outcome::Denied(denial)));
            denial
        }
        other => panic!("expected a denial, got {other:?}"),
    }
}

fn status(house: &House, request: RequestId) -> Option<RequestStatus> {
    let approvals = house.filter.approvals(&user("root"), request).unwrap();
    approvals.status(&house.filter.policy().unwrap(), at(house.clock.load(std::sync::atomic::Ordering::SeqCst)))
}

fn page_of(reveal: &mut Reveal) -> Result<usize, Denial> {
    match reveal.page(PageSize::default(), None) {
        Ok(page) => Ok(page.activities().len()),
        Err(RevealError::Denied(denial)) => Err(denial),
        Err(other) => panic!("expected a page or a denial, got {other:?}"),
    }
}
