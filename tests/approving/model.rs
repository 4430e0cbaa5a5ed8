//! Random histories of a request, compared with a naive model of the rules.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const ADMINS: [&str; 4] = ["root", "ann", "carl", "dora"];

#[derive(Debug, Clone)]
enum Step {
    ApprovalDecision(&'static str, ApprovalDecision),
    Grant(&'static str),
    Revoke(&'static str),
    Require(u32),
    AllowSelf(bool),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let admin = || select(ADMINS.to_vec());
    let step = prop_oneof![
        8 => admin().prop_map(|by| Step::ApprovalDecision(by, ApprovalDecision::Approve)),
        1 => admin().prop_map(|by| Step::ApprovalDecision(by, ApprovalDecision::Deny)),
        1 => admin().prop_map(|by| Step::ApprovalDecision(by, ApprovalDecision::Withdraw)),
        3 => admin().prop_map(Step::Grant),
        3 => admin().prop_map(Step::Revoke),
        2 => (0_u32..4).prop_map(Step::Require),
        1 => any::<bool>().prop_map(Step::AllowSelf),
        2 => select(vec![1_i64, 60, 1_800, 3_600, 50_000]).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 0..24)
}

/// A model of the rules, computed from the whole history each time. `carl` made the request at time 0, for an hour.
#[derive(Default)]
struct Model {
    now: i64,
    required: u32,
    self_allowed: bool,
    /// The permitted administrators, each with the number of their grant.
    granted: std::collections::BTreeMap<&'static str, u32>,
    grants: u32,
    /// The approvals: approver, time, and number of the approver's grant.
    approvals: Vec<(&'static str, i64, u32)>,
    over: bool,
}

impl Model {
    fn may(&self, by: &str, answer: ApprovalDecision) -> Result<(), Denial> {
        if !self.granted.contains_key(by) {
            return Err(Denial::NotPermitted);
        }
        match answer {
            ApprovalDecision::Withdraw if by != "carl" => Err(Denial::NotRequested),
            ApprovalDecision::Approve if by == "carl" && !self.self_allowed => Err(Denial::SelfApproval),
            ApprovalDecision::Approve if self.now >= 86_400 => Err(Denial::RequestOver),
            _ if self.over => Err(Denial::RequestOver),
            _ => Ok(()),
        }
    }

    /// Returns the time since when the request is approved; `None` if it is not approved.
    fn approved(&self) -> Option<Option<i64>> {
        let mut counted: Vec<&str> = Vec::new();
        let mut since = None;
        for (by, at, grant) in &self.approvals {
            let theirs = self.granted.get(by) == Some(grant) && (*by != "carl" || self.self_allowed);
            if theirs && !counted.contains(by) && counted.len() < self.required as usize {
                counted.push(by);
                since = Some(*at);
            }
        }
        (counted.len() == self.required as usize).then_some(since)
    }

    fn opens(&self) -> Result<(), Denial> {
        if !self.granted.contains_key("carl") {
            return Err(Denial::NotPermitted);
        }
        // The request was made under the grant number 3.
        if self.over || self.granted["carl"] != 3 {
            return Err(Denial::RequestOver);
        }
        let since = self.approved().ok_or(Denial::ApprovalsMissing)?.unwrap_or(self.now);
        if self.now < since + 3_600 { Ok(()) } else { Err(Denial::Expired) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// P2, P3, R1: decisions and reveals succeed exactly when the model says so, after any history.
    #[test]
    fn p3_any_request_history_agrees_with_model(steps in steps()) {
        let fixture = fixture_requiring(&Place::in_memory(), 1);
        let mut model = Model { required: 1, ..Model::default() };
        for name in ADMINS {
            model.grants += 1;
            model.granted.insert(name, model.grants);
        }
        let request = ask(&fixture, "carl");
        for step in steps {
            match step {
                Step::ApprovalDecision(by, answer) => {
                    let expected = model.may(by, answer);
                    let taken = fixture.filter.decide_request(&user(by), request, answer);
                    match (taken, expected) {
                        (Ok(_), Ok(())) => match answer {
                            ApprovalDecision::Approve => model.approvals.push((by, model.now, model.granted[by])),
                            ApprovalDecision::Deny | ApprovalDecision::Withdraw => model.over = true,
                        },
                        (Err(RevealError::Denied(denial)), Err(expected)) => prop_assert_eq!(denial, expected),
                        (taken, expected) => prop_assert!(false, "{taken:?} where {expected:?} was expected"),
                    }
                }
                Step::Grant(name) => {
                    if !model.granted.contains_key(name) {
                        grant(&fixture, name);
                        model.grants += 1;
                        model.granted.insert(name, model.grants);
                    }
                }
                Step::Revoke(name) => {
                    if model.granted.remove(name).is_some() {
                        revoke(&fixture, name);
                    }
                }
                Step::Require(approvals) => {
                    require(&fixture, approvals);
                    model.required = approvals;
                }
                Step::AllowSelf(self_approval_allowed) => {
                    if fixture.filter.policy().unwrap().options().self_approval_allowed != self_approval_allowed {
                        fixture.options(OptionsPatch::new().self_approval_allowed(self_approval_allowed));
                    }
                    model.self_allowed = self_approval_allowed;
                }
                Step::Wait(seconds) => {
                    fixture.advance(seconds);
                    model.now += seconds;
                }
            }
            let opened = match fixture.filter.reveal_approved(reveal_all("carl"), request) {
                Ok(mut reveal) => page_of(&mut reveal).map(drop),
                Err(RevealError::Denied(denial)) => Err(denial),
                Err(other) => panic!("{other:?}"),
            };
            prop_assert_eq!(opened, model.opens());
        }
    }
}
