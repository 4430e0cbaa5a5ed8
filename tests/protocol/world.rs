//! What there is: nodes, one store and one sink, and what is true of them.

use std::collections::BTreeSet;

/// How much may happen, and which guard is missing, if any. Small enough that every state can be visited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    /// How often the one activity is delivered.
    pub(super) outcomes: u8,
    /// How often a change is asked for.
    pub(super) changes: u8,
    pub(super) reveals: u8,
    pub(super) pages: u8,
    pub(super) crashes: u8,
    /// The policy that everything begins with, and whether the activity is stored under it by then.
    pub(super) begins_private: bool,
    pub(super) without: Option<Guard>,
}

impl Plan {
    /// Nodes that ingest while the policy changes.
    pub(super) const INGESTING: Self = Self {
        nodes: 3,
        outcomes: 3,
        changes: 1,
        reveals: 0,
        pages: 0,
        crashes: 1,
        begins_private: false,
        without: None,
    };

    /// Nodes that change the policy at once.
    pub(super) const CHANGING: Self = Self { nodes: 2, outcomes: 0, changes: 2, crashes: 2, ..Self::INGESTING };

    /// Nodes that show a private activity while the permission for that is revoked.
    pub(super) const REVEALING: Self = Self {
        nodes: 2,
        outcomes: 0,
        changes: 1,
        reveals: 1,
        pages: 2,
        crashes: 2,
        begins_private: true,
        ..Self::INGESTING
    };

    pub(super) fn has(&self, guard: Guard) -> bool {
        self.without != Some(guard)
    }
}

/// What the library relies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `ActivityStore::append` refuses a batch whose policy is not in force.
    Fence,
    /// `ActivityStore::publish` refuses a policy that does not follow the one in force.
    CompareAndSwap,
    /// `ActivityStore::append` keeps the first decision of an id.
    FirstVerdict,
    /// A change is published with the receipt for its intent: `NewPolicy::recorded`.
    IntentFirst,
    /// A page is opened with the receipt for its record: `Pending::recorded`.
    RecordFirst,
    /// `GovernanceSink::record` answers after the record is durable.
    Durability,
    /// Before each page the policy is asked: `Recorded::permit_page`, and again at its opening.
    PagePermit,
    /// When a page is on record the policy is asked again: `Recorded::open`.
    Recheck,
}

/// A policy, as far as it matters here. Each change goes one way, so that a lost one shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Policy {
    pub(super) revision: u8,
    /// Whether the actor of the one activity is in a private group.
    pub(super) private: bool,
    /// Whether the viewer may view private activities.
    pub(super) granted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Change {
    MakePrivate,
    Revoke,
}

impl Change {
    pub(super) fn is_in(self, policy: Policy) -> bool {
        match self {
            Self::MakePrivate => policy.private,
            Self::Revoke => !policy.granted,
        }
    }

    /// `PrivacyPolicy::apply`: none when the policy says so already.
    pub(super) fn apply(self, policy: Policy) -> Option<Policy> {
        let next = Policy { revision: policy.revision + 1, ..policy };
        match self {
            _ if self.is_in(policy) => None,
            Self::MakePrivate => Some(Policy { private: true, ..next }),
            Self::Revoke => Some(Policy { granted: false, ..next }),
        }
    }
}

/// The decision of the activity, with the revision that was known to be in force when its ingest began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Decision {
    pub(super) policy: Policy,
    pub(super) floor: u8,
}

/// A governance record. `event` is the number of the call that it belongs to: no two have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Record {
    Intent { event: u8, change: Change, revision: u8 },
    Outcome { event: u8, change: Change, revision: u8, published: Published },
    Reveal { event: u8 },
    Page { event: u8, number: u8, private: bool },
}

/// What a node knows of what the store did with its change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Published {
    Done,
    /// Another change came first.
    Superseded,
    /// The store answered with an error, or not at all. It may have done it.
    Unknown,
}

/// What a store is asked to do in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Request {
    Append(Decision),
    Publish { event: u8, change: Change, next: Policy },
}

/// What a node is doing, one call at a time. All of it goes with a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Call {
    Idle,
    /// `ingest`: nothing is decided yet.
    Deciding {
        floor: u8,
    },
    /// `ingest` or `change`: the store is asked.
    Asking(Request),
    /// `change`: the sink is offered the intent.
    Intending {
        event: u8,
        change: Change,
        next: Policy,
    },
    /// `change`: the sink is offered the outcome.
    Concluding {
        event: u8,
        change: Change,
        next: Policy,
        published: Published,
    },
    /// `reveal`: the sink is offered the intent.
    Opening {
        event: u8,
    },
    /// Between pages of a reveal.
    Revealing {
        event: u8,
        pages: u8,
    },
    /// `Reveal::page`: allowed, not yet read.
    Admitted(Page),
    /// `Reveal::page`: read, and the sink is offered its record.
    Commitment(Page),
    /// `Reveal::page`: on record.
    Recorded(Page),
}

/// One page of a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Page {
    pub(super) event: u8,
    pub(super) number: u8,
    /// Whether the one activity is on it and private.
    pub(super) private: bool,
    /// Whether a revocation had returned when the page was asked for.
    pub(super) asked_after_revocation: bool,
    /// Whether one had when the sink answered for it.
    pub(super) recorded_after_revocation: bool,
}

impl Page {
    pub(super) fn record(self) -> Record {
        Record::Page { event: self.event, number: self.number, private: self.private }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    /// The compiled policy that it decides with: `Inner::engine`.
    pub(super) engine: Option<Policy>,
    pub(super) call: Call,
}

impl Node {
    pub(super) const STARTED: Self = Self { engine: None, call: Call::Idle };
}

/// One state of everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// In no order that matters: kept sorted, so that states that differ in it alone are one.
    pub(super) nodes: Vec<Node>,
    // The store.
    pub(super) policy: Policy,
    /// Every change that was published, by the event that did it.
    pub(super) published: BTreeSet<(u8, Change, u8)>,
    pub(super) activity: Option<Decision>,
    /// A request that its node gave up, and that the store may still carry out.
    pub(super) late: Option<Request>,
    // The sink.
    pub(super) durable: BTreeSet<Record>,
    /// Offered, and not durable: lost when the sink crashes.
    pub(super) offered: BTreeSet<Record>,
    // What was answered to callers.
    /// The newest revision that a change returned.
    pub(super) returned: u8,
    pub(super) changes_returned: BTreeSet<Change>,
    pub(super) pages: BTreeSet<Page>,
    pub(super) first_stamp: Option<Decision>,
    // What happened, for the sake of proving that it can.
    pub(super) refused_as_stale: bool,
    pub(super) crashed_after_publishing: bool,
    pub(super) delivered_again: bool,
    pub(super) refused_at_opening: bool,
    // What is left of the plan.
    pub(super) acts: u8,
    pub(super) outcomes: u8,
    pub(super) changes: u8,
    pub(super) reveals: u8,
    pub(super) crashes: u8,
}

impl World {
    pub(super) fn of(plan: &Plan) -> Self {
        let policy = Policy { revision: 1, private: plan.begins_private, granted: true };
        let stored = plan.begins_private.then_some(Decision { policy, floor: 1 });
        Self {
            nodes: vec![Node::STARTED; plan.nodes],
            policy,
            published: BTreeSet::new(),
            activity: stored,
            late: None,
            durable: BTreeSet::new(),
            offered: BTreeSet::new(),
            returned: 1,
            changes_returned: BTreeSet::new(),
            pages: BTreeSet::new(),
            first_stamp: stored,
            refused_as_stale: false,
            crashed_after_publishing: false,
            delivered_again: false,
            refused_at_opening: false,
            acts: 0,
            outcomes: plan.outcomes,
            changes: plan.changes,
            reveals: plan.reveals,
            crashes: plan.crashes,
        }
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.changes_returned.contains(&Change::Revoke)
    }
}
