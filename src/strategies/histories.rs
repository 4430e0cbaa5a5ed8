//! Everything that happens, interleaved: two nodes over one store, each with a directory of its own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use proptest::collection::{SizeRange, vec};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::{Batch, activity_ids, batches};
use super::imports::{Import, imports};
use super::names::{group_ids, subjects, user_ids};
use super::policies::policy_updates;
use super::searches::{Search, record_queries, searches};
use crate::activity::ActivityId;
use crate::governance::RecordQuery;
use crate::identity::{Alias, Domain, Subject, UserId};
use crate::policy::{ManagedDomain, PolicyChange, PolicyUpdate, Role};
use crate::query::CountBy;

/// One of two filters over the same store and the same sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Node {
    /// The one that sees every import.
    First,
    /// The one that lags: it sees an import when it catches up, and misses those in between.
    Second,
}

impl Node {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];
}

/// From where a page goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorChoice {
    /// From the beginning.
    Start,
    /// Where the last page with a next one ended, asked for by the same viewer with the same query.
    Last,
    /// With any cursor that was ever handed out, counted from the latest: mostly one of another query, viewer or
    /// reveal.
    Any(u8),
}

/// One thing that happens. `Debug` shows it in full.
#[derive(Clone, PartialEq)]
pub enum Step {
    /// The source of the directory moves on. The first node sees it; the second when it catches up.
    Import {
        /// What it holds now.
        import: Import,
        /// Whether the first node [follows](crate::filter::PrivacyFilter::reconcile_directory) it, as it should.
        follow: bool,
    },
    /// The second node installs the latest import.
    CatchUp,
    /// A node follows its directory.
    Follow(Node),
    /// A node's directory answers no more, or again.
    Outage {
        /// Where.
        at: Node,
        /// Whether it is out.
        out: bool,
    },
    /// Somebody changes the policy.
    Change {
        /// Where.
        at: Node,
        /// Who.
        by: UserId,
        /// What.
        update: PolicyUpdate,
    },
    /// Activities are delivered.
    Deliver {
        /// Where.
        at: Node,
        /// What.
        batch: Batch,
    },
    /// A batch that was delivered before is delivered again, as a source does that had no answer.
    DeliverAgain {
        /// Where.
        at: Node,
        /// Which, counted from the latest; none if there was none.
        batch: u8,
    },
    /// Time goes by.
    Advance {
        /// How many seconds. Below 0 the clock is set back.
        seconds: i64,
    },
    /// A node ends and begins anew: its memory is gone, and so are its reveals.
    Restart {
        /// Which.
        node: Node,
        /// Whether the latest import is in its directory when it begins.
        loaded: bool,
    },
    /// Somebody reads a page without a reveal.
    Page {
        /// Where.
        at: Node,
        /// Who.
        viewer: UserId,
        /// What.
        search: Search,
        /// How many.
        size: u16,
        /// From where.
        cursor: CursorChoice,
    },
    /// Somebody counts without a reveal.
    Count {
        /// Where.
        at: Node,
        /// What.
        search: Search,
        /// By what; in all, without.
        by: Option<CountBy>,
    },
    /// Somebody looks up one id without a reveal.
    LookUp {
        /// Where.
        at: Node,
        /// What.
        id: ActivityId,
    },
    /// Somebody opens a reveal.
    Open {
        /// Where.
        at: Node,
        /// Who.
        viewer: UserId,
        /// What.
        search: Search,
        /// For how long.
        lifetime: Duration,
        /// Whether without the public activities.
        private_only: bool,
        /// Why.
        because: Option<String>,
    },
    /// A page is read in an open reveal, counted from the latest; in none if there is none.
    Turn {
        /// Which reveal.
        reveal: u8,
        /// How many.
        size: u16,
        /// From where.
        cursor: CursorChoice,
    },
    /// An open reveal is closed, counted from the latest.
    Close {
        /// Which reveal.
        reveal: u8,
    },
    /// Somebody reads governance records.
    Governance {
        /// Where.
        at: Node,
        /// Who.
        reader: UserId,
        /// Which.
        query: RecordQuery,
        /// After which sequence number.
        after: u64,
        /// How many.
        size: u16,
    },
    /// A forwarder asks for its next batch.
    Forward {
        /// Where.
        at: Node,
        /// Whether from the beginning, or from where it was.
        replay: bool,
        /// How many.
        size: u16,
    },
    /// Somebody erases what somebody did.
    Erase {
        /// Where.
        at: Node,
        /// Who asks for it.
        by: UserId,
        /// Whose.
        subject: Subject,
    },
    /// What the policy does not let be kept any longer is removed.
    Retain {
        /// Where.
        at: Node,
    },
    /// Somebody tries to initialize a policy where there is one.
    Initialize {
        /// Where.
        at: Node,
        /// Who.
        administrator: UserId,
    },
}

fn nodes() -> impl Strategy<Value = Node> + Clone {
    prop_oneof![2 => Just(Node::First), 1 => Just(Node::Second)]
}

/// Mostly one of those who may, or who may be permitted to.
fn askers() -> impl Strategy<Value = UserId> + Clone {
    let few: Vec<UserId> =
        ["root", "root", "root", "deputy", "ann", "ann"].iter().filter_map(|name| UserId::new(*name).ok()).collect();
    prop_oneof![4 => select(few), 1 => user_ids()]
}

fn cursors() -> impl Strategy<Value = CursorChoice> + Clone {
    prop_oneof![4 => Just(CursorChoice::Start), 4 => Just(CursorChoice::Last), 1 => any::<u8>().prop_map(CursorChoice::Any)]
}

fn sizes() -> impl Strategy<Value = u16> + Clone {
    select(vec![1, 2, 3, 1_000, 0])
}

/// One step. Times are around `begin`, when the clock of the history begins.
pub fn steps(begin: DateTime<Utc>) -> impl Strategy<Value = Step> {
    let counts =
        prop_oneof![Just(None), select(vec![CountBy::Hour, CountBy::Day, CountBy::App, CountBy::Actor]).prop_map(Some)];
    let lifetimes = select(vec![3_600, 60, 0, 7_200, u64::MAX]).prop_map(Duration::from_secs);
    let lifetimes = prop_oneof![3 => Just(Duration::from_secs(600)), 1 => lifetimes];
    let because = weighted(0.5, select(vec!["case 12", " "]).prop_map(str::to_owned));
    prop_oneof![
        3 => (imports(), weighted(0.8, Just(()))).prop_map(|(import, follow)| Step::Import { import, follow: follow.is_some() }),
        3 => Just(Step::CatchUp),
        1 => nodes().prop_map(Step::Follow),
        1 => (nodes(), weighted(0.3, Just(()))).prop_map(|(at, out)| Step::Outage { at, out: out.is_some() }),
        9 => (nodes(), askers(), policy_updates()).prop_map(|(at, by, update)| Step::Change { at, by, update }),
        12 => (nodes(), batches()).prop_map(|(at, batch)| Step::Deliver { at, batch }),
        3 => (nodes(), 0..4_u8).prop_map(|(at, batch)| Step::DeliverAgain { at, batch }),
        3 => select(vec![1, 30, 60, 300, 600, 4_000, -10]).prop_map(|seconds| Step::Advance { seconds }),
        2 => (nodes(), weighted(0.7, Just(()))).prop_map(|(node, loaded)| Step::Restart { node, loaded: loaded.is_some() }),
        4 => (nodes(), user_ids(), searches(), sizes(), cursors()).prop_map(|(at, viewer, search, size, cursor)| {
            Step::Page { at, viewer, search, size, cursor }
        }),
        2 => (nodes(), searches(), counts).prop_map(|(at, search, by)| Step::Count { at, search, by }),
        1 => (nodes(), activity_ids()).prop_map(|(at, id)| Step::LookUp { at, id }),
        5 => (nodes(), askers(), searches(), lifetimes, any::<bool>(), because).prop_map(
            |(at, viewer, search, lifetime, private_only, because)| {
                Step::Open { at, viewer, search, lifetime, private_only, because }
            }
        ),
        9 => (0..3_u8, sizes(), cursors()).prop_map(|(reveal, size, cursor)| Step::Turn { reveal, size, cursor }),
        1 => (0..3_u8).prop_map(|reveal| Step::Close { reveal }),
        2 => (nodes(), askers(), record_queries(begin), 0..6_u64, sizes()).prop_map(|(at, reader, query, after, size)| {
            Step::Governance { at, reader, query, after, size }
        }),
        2 => (nodes(), any::<bool>(), sizes()).prop_map(|(at, replay, size)| Step::Forward { at, replay, size }),
        3 => (nodes(), askers(), subjects()).prop_map(|(at, by, subject)| Step::Erase { at, by, subject }),
        2 => nodes().prop_map(|at| Step::Retain { at }),
        1 => (nodes(), user_ids()).prop_map(|(at, administrator)| Step::Initialize { at, administrator }),
    ]
}

/// A history of this many steps. It begins in most cases with a directory and a managed domain, a private group and a
/// grant, so that there is something to hide and somebody to see it; shrinking takes that away where it plays no part.
///
/// ```
/// use activity_privacy::strategies::{Model, histories};
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
/// use proptest::prelude::*;
///
/// proptest!(ProptestConfig::with_cases(4), |(history in histories(0..12))| {
///     let administrators = ["root", "deputy"].map(|name| UserId::new(name).unwrap());
///     let [root, deputy] = administrators;
///     let mut model = Model::new(&Administrators::new(root, deputy).unwrap(), Default::default());
///     for step in &history {
///         model.take(step);
///     }
///     // Whatever happened, whoever forwards gets what is public and nothing else.
///     prop_assert!(model.forwardable().len() <= model.stored().len());
/// });
/// ```
pub fn histories(length: impl Into<SizeRange>) -> impl Strategy<Value = Vec<Step>> {
    let begin = DateTime::<Utc>::default();
    let import = imports().prop_map(|import| Step::Import { import, follow: true });
    (vec(import, 1..=1), vec(beginnings(), 4..=6), vec(steps(begin), length))
        .prop_map(|(import, first, rest)| import.into_iter().chain(first).chain(rest).collect())
}

/// Steps that make the rest of a history worth while: imports, a managed domain, a grant by `deputy` to `root`, private
/// groups.
pub fn beginnings() -> impl Strategy<Value = Step> {
    let at = Node::First;
    let user = |name: &str| select(UserId::new(name).into_iter().collect::<Vec<_>>());
    let managed = Domain::new("contoso.com").map(ManagedDomain::exactly).map(PolicyChange::ManageDomain);
    let granted = Alias::new("root@contoso.com").map(PolicyChange::Grant);
    let admin = UserId::new("ann").map(|ann| PolicyChange::SetAdmin(ann, Role::Analyst));
    let likely: Vec<PolicyChange> = managed.into_iter().chain(admin).collect();
    let private = group_ids().prop_map(|group| PolicyChange::MakePrivate(group.into()));
    let of_root = (user("root"), prop_oneof![1 => select(likely), 1 => private]);
    let of_deputy = (user("deputy"), select(granted.into_iter().collect::<Vec<_>>()));
    let change = prop_oneof![2 => of_root, 1 => of_deputy];
    prop_oneof![
        1 => imports().prop_map(|import| Step::Import { import, follow: true }),
        1 => Just(Step::CatchUp),
        4 => change.prop_map(move |(by, change)| Step::Change { at, by, update: change.into() }),
    ]
}
