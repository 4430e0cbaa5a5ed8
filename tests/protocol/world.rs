//! The state of the model: nodes, one store and one sink, and facts about their past.

use std::collections::BTreeSet;

/// Bounds on the events of a model, and the guard that it lacks, if any. Small enough to visit every state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) nodes: usize,
    /// How often the only activity is delivered.
    pub(super) deliveries: u8,
    /// How often an administrator requests a change.
    pub(super) changes: u8,
    pub(super) reveals: u8,
    pub(super) pages: u8,
    pub(super) crashes: u8,
    /// Whether the initial policy makes the group private. The activity is then stored under it from the start.
    pub(super) begins_private: bool,
    pub(super) without: Option<Guard>,
}

impl Plan {
    /// Nodes that ingest while the policy changes.
    pub(super) const INGESTING: Self = Self {
        nodes: 3,
        deliveries: 3,
        changes: 1,
        reveals: 0,
        pages: 0,
        crashes: 1,
        begins_private: false,
        without: None,
    };

    /// Nodes that change the policy concurrently.
    pub(super) const CHANGING: Self = Self { nodes: 2, deliveries: 0, changes: 2, crashes: 2, ..Self::INGESTING };

    /// Nodes that show a private activity while the permission to view it is revoked.
    pub(super) const REVEALING: Self = Self {
        nodes: 2,
        deliveries: 0,
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

/// A mechanism that the rules depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// `ActivityStore::append` rejects a batch whose policy is not in force.
    Fence,
    /// `ActivityStore::publish` rejects a policy that does not follow the one in force.
    CompareAndSwap,
    /// `ActivityStore::append` keeps the first decision of an id.
    FirstVerdict,
    /// A change is published with the receipt for its intent: `Pending::recorded`.
    IntentFirst,
    /// A page is opened with the receipt for its record: `Pending::recorded`.
    RecordFirst,
    /// `GovernanceSink::record` answers after the record is durable.
    Durability,
    /// `Recorded::permit_page` checks the policy before each page, and again when the page is opened.
    PagePermit,
    /// `Recorded::open` checks the policy again after the page is recorded.
    Recheck,
}

/// A policy, reduced to what the model needs. Each change has one direction, so that a lost change is detected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Policy {
    pub(super) revision: u8,
    /// Whether the actor of the activity is in a private group.
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

    /// Models `PrivacyPolicy::apply`. Returns `None` if the policy already contains the change.
    pub(super) fn apply(self, policy: Policy) -> Option<Policy> {
        let next = Policy { revision: policy.revision + 1, ..policy };
        match self {
            _ if self.is_in(policy) => None,
            Self::MakePrivate => Some(Policy { private: true, ..next }),
            Self::Revoke => Some(Policy { granted: false, ..next }),
        }
    }
}

/// The decision of the activity, with the revision known to be in force when its ingest began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Decision {
    pub(super) policy: Policy,
    pub(super) floor: u8,
}

/// A governance record. `event` is the number of its call, which is unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Record {
    Intent { event: u8, change: Change, revision: u8 },
    Outcome { event: u8, change: Change, revision: u8, published: Published },
    Reveal { event: u8 },
    Page { event: u8, number: u8, private: bool },
}

/// The outcome of a node's change in the store, as far as the node knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Published {
    Done,
    /// Another change was published first.
    Superseded,
    /// The store answered with an error, or not at all. It may have published the change.
    Unknown,
}

/// A request to a store, executed in one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Request {
    Append(Decision),
    Publish { event: u8, change: Change, next: Policy },
}

/// The call that a node is executing, one at a time. A crash loses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Call {
    Idle,
    /// `ingest`: not yet decided.
    Deciding {
        floor: u8,
    },
    /// `ingest` or `update_policy`: waiting for the store.
    Asking(Request),
    /// `update_policy`: waiting for the sink to record the intent.
    Intending {
        event: u8,
        change: Change,
        next: Policy,
    },
    /// `update_policy`: waiting for the sink to record the outcome.
    Concluding {
        event: u8,
        change: Change,
        next: Policy,
        published: Published,
    },
    /// `reveal`: waiting for the sink to record the intent.
    Opening {
        event: u8,
    },
    /// Between pages of a reveal.
    Revealing {
        event: u8,
        pages: u8,
    },
    /// `Reveal::page`: permitted, not yet read.
    Permitted(Page),
    /// `Reveal::page`: read, waiting for the sink to record the page.
    Reading(Page),
    /// `Reveal::page`: recorded.
    Recorded(Page),
}

/// One page of a reveal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Page {
    pub(super) event: u8,
    pub(super) number: u8,
    /// Whether the page contains the activity, and the activity is private.
    pub(super) private: bool,
    /// Whether a revocation had returned when the page was requested.
    pub(super) requested_after_revocation: bool,
    /// Whether a revocation had returned when the sink answered for the page.
    pub(super) recorded_after_revocation: bool,
}

impl Page {
    pub(super) fn record(self) -> Record {
        Record::Page { event: self.event, number: self.number, private: self.private }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Node {
    /// The compiled policy of the node: `EngineCache`.
    pub(super) engine: Option<Policy>,
    pub(super) call: Call,
}

impl Node {
    pub(super) const STARTED: Self = Self { engine: None, call: Call::Idle };
}

/// One state of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct World {
    /// Sorted, because their order does not matter: states that differ only in it are equal.
    pub(super) nodes: Vec<Node>,
    // The store.
    pub(super) policy: Policy,
    /// Every published change, by its event.
    pub(super) published: BTreeSet<(u8, Change, u8)>,
    pub(super) activity: Option<Decision>,
    /// A request that its node gave up, and that the store may still execute.
    pub(super) late: Option<Request>,
    // The sink.
    pub(super) durable: BTreeSet<Record>,
    /// Offered, but not durable: lost when the sink crashes.
    pub(super) offered: BTreeSet<Record>,
    // Answers to callers.
    /// The newest revision that a change returned.
    pub(super) returned: u8,
    pub(super) changes_returned: BTreeSet<Change>,
    pub(super) pages: BTreeSet<Page>,
    pub(super) first_decision: Option<Decision>,
    // Past events, to show that the model reaches them.
    pub(super) rejected_as_stale: bool,
    pub(super) crashed_after_publishing: bool,
    pub(super) delivered_again: bool,
    pub(super) rejected_at_opening: bool,
    // The remainder of the plan.
    pub(super) events: u8,
    pub(super) deliveries: u8,
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
            first_decision: stored,
            rejected_as_stale: false,
            crashed_after_publishing: false,
            delivered_again: false,
            rejected_at_opening: false,
            events: 0,
            deliveries: plan.deliveries,
            changes: plan.changes,
            reveals: plan.reveals,
            crashes: plan.crashes,
        }
    }

    pub(super) fn is_revoked(&self) -> bool {
        self.changes_returned.contains(&Change::Revoke)
    }
}
