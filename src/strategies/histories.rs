//! Histories: interleaved steps of two nodes that share one store and have a directory each.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::collection::{SizeRange, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::{Batch, activity_ids, all, batches};
use super::imports::{ImportedDirectory, imports};
use super::names::{group_ids, subjects, user_id, user_ids};
use super::policies::policy_updates;
use super::searches::{Search, record_queries, searches};
use crate::activity::ActivityId;
use crate::governance::{PrivateRows, RecordQuery};
use crate::identity::{Alias, Domain, Subject, UserId};
use crate::policy::{ManagedDomain, PolicyChange, PolicyUpdate, Role};
use crate::query::CountBy;

/// One of two filters that share a store and a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// The node that receives every import.
    First,
    /// The node that lags: it receives the latest import when it catches up, and misses those in between.
    Second,
}

impl Node {
    /// Both nodes.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];
}

/// The cursor of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorChoice {
    /// No cursor: the first page.
    Start,
    /// The cursor from the most recent page that was not the last of its list, with the same viewer and query.
    Last,
    /// Any cursor returned so far; 0 is the latest. It usually belongs to another query, viewer or reveal.
    Any(u8),
}

/// One step of a history. `Debug` shows it in full.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// The directory source has new content. The first node receives it at once; the second when it catches up.
    Import {
        /// The new content.
        import: ImportedDirectory,
        /// Whether the first node then [reconciles](crate::filter::PrivacyFilter::reconcile_directory) its directory,
        /// as it should.
        reconcile: bool,
    },
    /// The second node installs the latest import.
    CatchUp,
    /// A node reconciles its directory.
    Reconcile(Node),
    /// The directory of a node starts or stops failing.
    Outage {
        /// The node with this directory.
        at: Node,
        /// Whether the directory fails from now on.
        failing: bool,
    },
    /// A user changes the policy.
    Change {
        /// The node that handles the step.
        at: Node,
        /// The user who makes the change.
        by: UserId,
        /// The changes, with the revision that they are made for.
        update: PolicyUpdate,
    },
    /// Activities are delivered.
    Deliver {
        /// The node that handles the step.
        at: Node,
        /// The activities.
        batch: Batch,
    },
    /// An earlier batch is delivered again, as by a source that got no answer.
    DeliverAgain {
        /// The node that handles the step.
        at: Node,
        /// Which earlier batch; 0 is the latest. The batch is empty if there is none.
        batch: u8,
    },
    /// The clock changes.
    Advance {
        /// The seconds that pass. A negative number sets the clock back.
        seconds: i64,
    },
    /// A node restarts and loses its in-memory state, including open reveals.
    Restart {
        /// The node that restarts.
        at: Node,
        /// Whether its directory has the latest import at the start.
        loaded: bool,
    },
    /// A user reads a page without a reveal.
    Page {
        /// The node that handles the step.
        at: Node,
        /// The user who reads the page.
        viewer: UserId,
        /// The conditions that activities must meet.
        search: Search,
        /// The page size.
        size: u16,
        /// The cursor to continue from.
        cursor: CursorChoice,
    },
    /// A user counts activities without a reveal.
    Count {
        /// The node that handles the step.
        at: Node,
        /// The conditions that activities must meet.
        search: Search,
        /// The key to count by; only the total if `None`.
        by: Option<CountBy>,
    },
    /// A user looks up an id without a reveal.
    LookUp {
        /// The node that handles the step.
        at: Node,
        /// The id of the activity.
        id: ActivityId,
    },
    /// A user opens a reveal.
    Open {
        /// The node that handles the step.
        at: Node,
        /// The user who opens the reveal.
        viewer: UserId,
        /// The conditions that activities must meet.
        search: Search,
        /// The requested lifetime.
        lifetime: Duration,
        /// Whether to leave out public activities.
        private_only: bool,
        /// The justification, if the user states one.
        justification: Option<String>,
    },
    /// A page of an open reveal is read. Does nothing if no reveal is open.
    RevealPage {
        /// Which open reveal; 0 is the one opened last.
        reveal: u8,
        /// The page size.
        size: u16,
        /// The cursor to continue from.
        cursor: CursorChoice,
    },
    /// The activities of an open reveal are exported. Does nothing if no reveal is open.
    Export {
        /// Which open reveal; 0 is the one opened last.
        reveal: u8,
        /// The treatment of private activities.
        private_rows: PrivateRows,
    },
    /// An open reveal is closed. Does nothing if no reveal is open.
    Close {
        /// Which open reveal; 0 is the one opened last.
        reveal: u8,
    },
    /// A user reads governance records.
    Governance {
        /// The node that handles the step.
        at: Node,
        /// The user who reads the records.
        reader: UserId,
        /// The conditions that records must meet.
        query: RecordQuery,
        /// The sequence number after which to read.
        after: u64,
        /// The page size.
        size: u16,
    },
    /// A forwarder reads its next batch.
    Forward {
        /// The node that handles the step.
        at: Node,
        /// Whether it starts from the beginning instead of continuing from its offset.
        replay: bool,
        /// The page size.
        size: u16,
    },
    /// A user erases the activities of a subject.
    Erase {
        /// The node that handles the step.
        at: Node,
        /// The user who erases.
        by: UserId,
        /// The data subject.
        subject: Subject,
    },
    /// Retention removes activities that the policy does not keep any longer.
    Retain {
        /// The node that handles the step.
        at: Node,
    },
    /// A user tries to initialize a policy although there is one.
    Initialize {
        /// The node that handles the step.
        at: Node,
        /// The user who would be the only administrator.
        administrator: UserId,
    },
}

fn nodes() -> impl Strategy<Value = Node> + Clone {
    prop_oneof![2 => Just(Node::First), 1 => Just(Node::Second)]
}

/// Generates users, mostly those who are permitted or can become so.
fn initiators() -> impl Strategy<Value = UserId> + Clone {
    let few = ["root", "root", "root", "deputy", "ann", "ann"].map(user_id);
    prop_oneof![4 => select(few.to_vec()), 1 => user_ids()]
}

fn cursors() -> impl Strategy<Value = CursorChoice> + Clone {
    prop_oneof![4 => Just(CursorChoice::Start), 4 => Just(CursorChoice::Last), 1 => any::<u8>().prop_map(CursorChoice::Any)]
}

fn sizes() -> impl Strategy<Value = u16> + Clone {
    select(vec![1, 2, 3, 1_000, 0])
}

/// Generates `true` with this probability. `proptest::bool::weighted` draws other random numbers, and would change the
/// histories that the committed seeds generate.
fn chance(probability: f64) -> impl Strategy<Value = bool> {
    weighted(probability, Just(())).prop_map(|drawn| drawn.is_some())
}

/// Generates a step. Times are around `begin`, the start time of the history.
pub fn steps(begin: DateTime<Utc>) -> impl Strategy<Value = Step> {
    let counts =
        prop_oneof![Just(None), select(vec![CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor]).prop_map(Some)];
    let lifetimes = select(vec![3_600, 60, 0, 7_200, u64::MAX]).prop_map(Duration::from_secs);
    let lifetimes = prop_oneof![3 => Just(Duration::from_secs(600)), 1 => lifetimes];
    let justification = weighted(0.5, select(vec!["case 12", " "]).prop_map(str::to_owned));
    prop_oneof![
        3 => (imports(), chance(0.8)).prop_map(|(import, reconcile)| Step::Import { import, reconcile }),
        3 => Just(Step::CatchUp),
        1 => nodes().prop_map(Step::Reconcile),
        1 => (nodes(), chance(0.3)).prop_map(|(at, failing)| Step::Outage { at, failing }),
        9 => (nodes(), initiators(), policy_updates()).prop_map(|(at, by, update)| Step::Change { at, by, update }),
        12 => (nodes(), batches()).prop_map(|(at, batch)| Step::Deliver { at, batch }),
        3 => (nodes(), 0..4_u8).prop_map(|(at, batch)| Step::DeliverAgain { at, batch }),
        3 => select(vec![1, 30, 60, 300, 600, 4_000, -10]).prop_map(|seconds| Step::Advance { seconds }),
        2 => (nodes(), chance(0.7)).prop_map(|(at, loaded)| Step::Restart { at, loaded }),
        4 => (nodes(), user_ids(), searches(), sizes(), cursors()).prop_map(|(at, viewer, search, size, cursor)| {
            Step::Page { at, viewer, search, size, cursor }
        }),
        2 => (nodes(), searches(), counts).prop_map(|(at, search, by)| Step::Count { at, search, by }),
        1 => (nodes(), activity_ids()).prop_map(|(at, id)| Step::LookUp { at, id }),
        5 => (nodes(), initiators(), searches(), lifetimes, any::<bool>(), justification).prop_map(
            |(at, viewer, search, lifetime, private_only, justification)| {
                Step::Open { at, viewer, search, lifetime, private_only, justification }
            }
        ),
        9 => (0..3_u8, sizes(), cursors()).prop_map(|(reveal, size, cursor)| Step::RevealPage { reveal, size, cursor }),
        2 => (0..3_u8, select(vec![PrivateRows::Omit, PrivateRows::Redact]))
            .prop_map(|(reveal, private_rows)| Step::Export { reveal, private_rows }),
        1 => (0..3_u8).prop_map(|reveal| Step::Close { reveal }),
        2 => (nodes(), initiators(), record_queries(begin), 0..6_u64, sizes()).prop_map(|(at, reader, query, after, size)| {
            Step::Governance { at, reader, query, after, size }
        }),
        2 => (nodes(), any::<bool>(), sizes()).prop_map(|(at, replay, size)| Step::Forward { at, replay, size }),
        3 => (nodes(), initiators(), subjects()).prop_map(|(at, by, subject)| Step::Erase { at, by, subject }),
        2 => nodes().prop_map(|at| Step::Retain { at }),
        1 => (nodes(), user_ids()).prop_map(|(at, administrator)| Step::Initialize { at, administrator }),
    ]
}

/// Generates a history: an import, four to six [setup steps](setup_steps), and `length` further steps. It starts at
/// 1970-01-01T00:00:00Z, and so must the [`Model`](super::Model).
///
/// The preparing steps give some histories private activities and a user who may view them. Shrinking simplifies the
/// import and the preparing steps, but keeps at least five of them.
///
/// ```
/// use activity_privacy::strategies::{Model, histories};
/// use activity_privacy::engine::Visibility;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
/// use proptest::prelude::*;
///
/// proptest!(ProptestConfig::with_cases(4), |(history in histories(0..12))| {
///     let administrators = ["root", "deputy"].map(|name| UserId::new(name).unwrap());
///     let [root, deputy] = administrators;
///     let mut model = Model::new(&Administrators::new(root, deputy).unwrap(), Default::default());
///     for step in &history {
///         model.apply(step);
///     }
///     // After any history, forwarders get the public activities and no others.
///     let public = model.stored().iter().filter(|stored| stored.decision.visibility() == Some(Visibility::Public));
///     prop_assert_eq!(model.forwardable().len(), public.count());
/// });
/// ```
pub fn histories(length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    let begin = DateTime::<Utc>::default();
    let import = imports().prop_map(|import| Step::Import { import, reconcile: true });
    (vec(import, 1..=1), vec(setup_steps(), 4..=6), vec(steps(begin), length))
        .prop_map(|(import, first, rest)| import.into_iter().chain(first).chain(rest).collect())
}

/// Generates one step that prepares a history: an import, a catch-up, a managed domain, a private group, an analyst
/// role for `ann`, or a grant by `deputy` to `root`.
pub fn setup_steps() -> impl Strategy<Value = Step> {
    let at = Node::First;
    // Unlike `Just`, `select` draws a random number for a single value too, as the committed seeds need.
    let user = |name| select(vec![user_id(name)]);
    let domains = all(&["contoso.com"], Domain::new).into_iter();
    let managed = domains.map(|domain| PolicyChange::ManageDomain(ManagedDomain::exactly(domain)));
    let analyst = PolicyChange::SetAdmin(user_id("ann"), Role::Analyst);
    let likely: Vec<PolicyChange> = managed.chain([analyst]).collect();
    let granted: Vec<PolicyChange> =
        all(&["root@contoso.com"], Alias::new).into_iter().map(PolicyChange::Grant).collect();
    let private = group_ids().prop_map(|group| PolicyChange::MakePrivate(group.into()));
    let of_root = (user("root"), prop_oneof![1 => select(likely), 1 => private]);
    let of_deputy = (user("deputy"), select(granted));
    let change = prop_oneof![2 => of_root, 1 => of_deputy];
    prop_oneof![
        1 => imports().prop_map(|import| Step::Import { import, reconcile: true }),
        1 => Just(Step::CatchUp),
        4 => change.prop_map(move |(by, change)| Step::Change { at, by, update: change.into() }),
    ]
}
