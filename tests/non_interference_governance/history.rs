//! Random histories, and their users.

use super::*;
use activity_privacy::governance::Justification;
use activity_privacy::identity::UserId;
use activity_privacy::query::Query;
use activity_privacy::reveal::{Acknowledgement, RevealRequest};

/// Root changes the policy and may not view. Vera and Victor may view. Ann is an admin and may not view. The others are
/// users.
pub(crate) const ADMINS: [&str; 4] = ["root", "vera", "victor", "ann"];
pub(crate) const PEOPLE: [&str; 4] = ["adele", "bob", "carol", "dan"];
/// The clock advances by thousands of seconds between steps. No store call takes long enough to end a reveal within a
/// step.
pub(crate) const LIFETIME: Duration = Duration::from_secs(9_500);

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Deliver(Vec<(u8, u8)>),
    Private {
        group: u8,
        is_private: bool,
    },
    /// For each of two groups, its members; `None` if the directory lacks the group.
    Install([Option<u8>; 2]),
    Options {
        approvals: u32,
        justified: bool,
        retention: bool,
    },
    Permit {
        viewer: u8,
        permitted: bool,
    },
    Open(Wish),
    Turn {
        reveal: u8,
        size: u16,
    },
    Close(u8),
    Ask(Wish),
    ApprovalDecision {
        request: u8,
        by: u8,
        answer: u8,
    },
    OpenApproved(u8),
    Erase {
        by: u8,
        person: u8,
    },
    Retain,
    Forget {
        by: u8,
        nth: u8,
    },
    DryRun {
        by: u8,
        group: u8,
    },
    Read(u8),
    /// In the next step only.
    SinkFails {
        call: usize,
        fault: Fault,
    },
    StoreFails {
        call: usize,
        fault: StoreFault,
    },
    Advance(i64),
}

/// A viewer's request for a reveal.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) viewer: u8,
    pub(crate) person: Option<u8>,
    pub(crate) private_only: bool,
    pub(crate) justified: bool,
}

impl Wish {
    pub(crate) fn request(&self) -> RevealRequest {
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let query = match self.person {
            Some(person) => Query::all().by_actor(format!("{}@contoso.com", PEOPLE[usize::from(person)])).unwrap(),
            None => Query::all(),
        };
        let mut request = RevealRequest::new(admin(self.viewer), query, LIFETIME, audited);
        if self.private_only {
            request = request.private_only();
        }
        if self.justified {
            request = request.because(Justification::new("case 17").unwrap());
        }
        request
    }
}

pub(crate) fn wishes() -> impl Strategy<Value = Wish> {
    (select(vec![1, 1, 1, 2, 0, 3]), proptest::option::weighted(0.3, 0..4_u8), any::<bool>(), any::<bool>())
        .prop_map(|(viewer, person, private_only, justified)| Wish { viewer, person, private_only, justified })
}

pub(crate) fn steps() -> impl Strategy<Value = Step> {
    let members = || proptest::option::weighted(0.8, 0..16_u8);
    let calls = || 0..3_usize;
    let sink_faults = select(vec![Fault::Fails, Fault::FailsLate, Fault::AnswersForAnother]);
    let store_faults = select(vec![StoreFault::Fails, StoreFault::FailsLate, StoreFault::SaysStale]);
    prop_oneof![
        12 => vec((0..40_u8, 0..4_u8), 0..8).prop_map(Step::Deliver),
        3 => (0..2_u8, any::<bool>()).prop_map(|(group, is_private)| Step::Private { group, is_private }),
        2 => [members(), members()].prop_map(Step::Install),
        2 => (0..3_u32, any::<bool>(), any::<bool>())
            .prop_map(|(approvals, justified, retention)| Step::Options { approvals: approvals / 2, justified, retention }),
        1 => (1..3_u8, any::<bool>()).prop_map(|(viewer, permitted)| Step::Permit { viewer, permitted }),
        6 => wishes().prop_map(Step::Open),
        12 => (any::<u8>(), select(vec![1, 2, 1_000])).prop_map(|(reveal, size)| Step::Turn { reveal, size }),
        3 => any::<u8>().prop_map(Step::Close),
        3 => wishes().prop_map(Step::Ask),
        4 => (any::<u8>(), 0..4_u8, select(vec![0, 0, 0, 1, 2]))
            .prop_map(|(request, by, answer)| Step::ApprovalDecision { request, by, answer }),
        2 => any::<u8>().prop_map(Step::OpenApproved),
        4 => (select(vec![0, 0, 0, 3]), 0..4_u8).prop_map(|(by, person)| Step::Erase { by, person }),
        2 => Just(Step::Retain),
        2 => (select(vec![0, 0, 3]), any::<u8>()).prop_map(|(by, nth)| Step::Forget { by, nth }),
        1 => (select(vec![0, 0, 3]), 0..3_u8).prop_map(|(by, group)| Step::DryRun { by, group }),
        1 => (0..4_u8).prop_map(Step::Read),
        2 => (calls(), sink_faults).prop_map(|(call, fault)| Step::SinkFails { call, fault }),
        2 => (calls(), store_faults).prop_map(|(call, fault)| Step::StoreFails { call, fault }),
        3 => (1..4_i64).prop_map(|thousands| Step::Advance(thousands * 1_000)),
    ]
}

pub(crate) fn admin(at: u8) -> UserId {
    user(ADMINS[usize::from(at)])
}
