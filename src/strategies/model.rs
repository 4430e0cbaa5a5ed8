//! A model of the rules: lists, linear scans and loops to a fixpoint, worked out from the rules alone. It shares
//! nothing with the library but plain values: ids, names and how they are compared, and the types of changes, records
//! and reasons.

mod decision;
mod directory;
mod policy;
mod reading;
mod removal;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use self::decision::{ExpectedDecision, ExpectedVerdict};
use self::directory::{Directory, LastMembers};
use self::policy::Policy;
pub use self::reading::Turned;
use self::reading::{Ended, OpenReveal};
use super::activities::Batch;
use super::histories::{Node, Step};
use super::imports::Import;
use crate::activity::{Activity, ActivityId};
use crate::directory::DirectoryRevision;
use crate::engine::{UndecidableReason, Verdict, Visibility};
use crate::filter::IngestOutcome;
use crate::governance::{
    Commitment, CommitmentText, Digest, Event, Initiator, Outcome, PolicyUpdateError, Record, RecordId, Salt,
};
use crate::identity::{GroupId, UserId};
use crate::policy::{
    Administrators, Denial, Grant, GroupRef, ManagedDomain, OnUndecidable, PolicyOptions, Revision, Role, ScopeRule,
};
use crate::query::Count;

/// What each step of a history must answer, and what must be stored and on record after it.
///
/// ```
/// use activity_privacy::strategies::{ExpectedAnswer, Model, Node, Step};
/// use activity_privacy::engine::Visibility;
/// use activity_privacy::filter::IngestOutcome;
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::Administrators;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let activity = activity_privacy::activity::Activity::builder(
/// #     "a".parse()?, activity_privacy::activity::Actor::unknown(), activity_privacy::activity::App::new("Box".parse()?), "Login".parse()?,
/// #     Default::default()).build()?;
/// // A directory was never loaded, so whatever is delivered is hidden.
/// let mut model = Model::new(&Administrators::only_one(UserId::new("root")?), Default::default());
/// let answer = model.take(&Step::Deliver { at: Node::First, batch: vec![activity] });
/// assert_eq!(answer, ExpectedAnswer::Delivered(Ok(vec![IngestOutcome::Stored])));
/// assert_eq!(model.stored()[0].decision.visibility(), Some(Visibility::Private));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Model {
    now: DateTime<Utc>,
    policy: Policy,
    source: Option<(u64, DateTime<Utc>, Import)>,
    nodes: [NodeState; 2],
    kept: Vec<LastMembers>,
    stored: Vec<Stored>,
    /// The ids of what was removed.
    removed: Vec<ActivityId>,
    /// What was ever public, in the order of storing: the first has place 1.
    places: Vec<ActivityId>,
    records: Vec<Record>,
    delivered: Vec<Batch>,
    reveals: Vec<OpenReveal>,
    cursors: Vec<Ended>,
}

#[derive(Debug, Clone, Default)]
struct NodeState {
    directory: Option<Directory>,
    out: bool,
    /// The groups of which this node said that nobody knows their members.
    unknown: Vec<GroupId>,
    /// The policy and the directory that this node followed last.
    followed: Option<(Revision, u64)>,
    forwarded: u64,
}

/// An activity as it must be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// What came first under its id.
    pub activity: Activity,
    /// The policy that it was decided under.
    pub policy: Revision,
    /// The directory that it was decided against.
    pub directory: Option<DirectoryRevision>,
    /// When it was decided.
    pub decided_at: DateTime<Utc>,
    /// What was decided, and why.
    pub decision: ExpectedDecision,
}

/// What a step answers. Ids of records are their sequence numbers here, the id of a reveal is that of the record that
/// opened it, and the digest of its query is that of nothing. What is sealed is sealed with a salt of zeros, and nobody is
/// behind a page.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectedAnswer {
    /// Nothing that anybody sees.
    Nothing,
    /// Whether the directory could be followed.
    Followed(bool),
    /// The revision after a change, or the refusal.
    Changed(Result<Revision, PolicyUpdateError>),
    /// What became of each activity; or which one could not be decided, and the causes, any of which may be named.
    Delivered(Result<Vec<IngestOutcome>, (usize, Vec<UndecidableReason>)>),
    /// A page.
    Page(Turned),
    /// A page of a reveal; nothing when none is open.
    RevealedPage(Option<Turned>),
    /// How many.
    Count(u64),
    /// How many of each.
    Counts(Vec<Count>),
    /// What was found.
    Found(Option<Activity>),
    /// Whether a reveal opened.
    Opened(Opened),
    /// How many pages and how many private activities were seen; nothing when none is open.
    Closed(Option<(u64, u64)>),
    /// Sequence numbers and records.
    Governance(Result<Vec<(u64, Record)>, Denial>),
    /// What is forwarded.
    Forwarded(Vec<Activity>),
    /// Whether it was done; or the denial, or none when the directory did not answer.
    Erased(Result<(), Option<Denial>>),
    /// Whether there was anything to be done.
    Retained(bool),
    /// Whether a policy was initialized. There is one, so it was not.
    Initialized(bool),
}

/// Whether a reveal opened.
pub type Opened = Result<(), Denial>;

impl Model {
    /// A store whose policy `administrators` have initialized, two nodes over it, and no directory.
    #[must_use]
    pub fn new(administrators: &Administrators, now: DateTime<Utc>) -> Self {
        let mut model = Self {
            now,
            policy: Policy::initial(administrators),
            source: None,
            nodes: Default::default(),
            kept: Vec::new(),
            stored: Vec::new(),
            removed: Vec::new(),
            places: Vec::new(),
            records: Vec::new(),
            delivered: Vec::new(),
            reveals: Vec::new(),
            cursors: Vec::new(),
        };
        let event = Event::InitializePolicy { administrators: administrators.users().cloned().collect() };
        let initiator = Initiator::User(administrators.first().clone());
        let intent = model.note(initiator.clone(), None, event.clone(), Outcome::Intended);
        model.note(initiator, None, event, Outcome::Done { intent });
        model
    }

    /// Takes a step, and says what it must answer.
    pub fn take(&mut self, step: &Step) -> ExpectedAnswer {
        match step {
            Step::Import { import, follow } => {
                let revision = self.source.as_ref().map_or(0, |(revision, ..)| *revision) + 1;
                self.source = Some((revision, self.now, import.clone()));
                self.install(Node::First);
                if *follow { ExpectedAnswer::Followed(self.follow(Node::First)) } else { ExpectedAnswer::Nothing }
            }
            Step::CatchUp => {
                self.install(Node::Second);
                ExpectedAnswer::Nothing
            }
            Step::Follow(node) => ExpectedAnswer::Followed(self.follow(*node)),
            Step::Outage { at, out } => {
                self.node_mut(*at).out = *out;
                ExpectedAnswer::Nothing
            }
            Step::Change { at, by, update } => ExpectedAnswer::Changed(self.change(*at, by, update)),
            Step::Deliver { at, batch } => {
                self.delivered.push(batch.clone());
                ExpectedAnswer::Delivered(self.deliver(*at, batch))
            }
            Step::DeliverAgain { at, batch } => {
                let before = self.delivered.iter().rev().cycle().nth(usize::from(*batch)).cloned();
                ExpectedAnswer::Delivered(self.deliver(*at, &before.unwrap_or_default()))
            }
            Step::Advance { seconds } => {
                let then = TimeDelta::try_seconds(*seconds).and_then(|seconds| self.now.checked_add_signed(seconds));
                self.now = then.unwrap_or(self.now);
                ExpectedAnswer::Nothing
            }
            Step::Restart { node, loaded } => {
                self.reveals.retain(|reveal| reveal.at != *node);
                let forwarded = self.node(*node).forwarded;
                *self.node_mut(*node) = NodeState { forwarded, ..NodeState::default() };
                if *loaded {
                    self.install(*node);
                }
                self.follow(*node);
                ExpectedAnswer::Nothing
            }
            Step::Page { viewer, search, size, cursor, .. } => self.page(viewer, search, *size, *cursor),
            Step::Count { search, by, .. } => self.count(search, *by),
            Step::LookUp { id, .. } => {
                let found = self.forwardable().into_iter().find(|activity| activity.id() == id);
                ExpectedAnswer::Found(found.cloned())
            }
            Step::Open { at, viewer, search, lifetime, private_only, because } => {
                ExpectedAnswer::Opened(self.open(*at, viewer, search, *lifetime, *private_only, because.as_deref()))
            }
            Step::Turn { reveal, size, cursor } => ExpectedAnswer::RevealedPage(self.turn(*reveal, *size, *cursor)),
            Step::Close { reveal } => ExpectedAnswer::Closed(self.close(*reveal)),
            Step::Governance { reader, query, after, size, .. } => {
                ExpectedAnswer::Governance(self.governance(reader, query, *after, *size))
            }
            Step::Forward { at, replay, size } => {
                let after = if *replay { 0 } else { self.node(*at).forwarded };
                let batch = self.after_place(after, reading::page_size(*size));
                self.node_mut(*at).forwarded = batch.last().map_or(after, |(place, _)| *place);
                ExpectedAnswer::Forwarded(batch.into_iter().map(|(_, activity)| activity).collect())
            }
            Step::Erase { at, by, subject } => ExpectedAnswer::Erased(self.erase(*at, by, subject)),
            Step::Retain { .. } => ExpectedAnswer::Retained(self.retain()),
            Step::Initialize { .. } => ExpectedAnswer::Initialized(false),
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Everything that is stored, hidden or not, in the order of storing.
    #[must_use]
    pub fn stored(&self) -> &[Stored] {
        &self.stored
    }

    /// What is public, in the order of storing.
    #[must_use]
    pub fn forwardable(&self) -> Vec<&Activity> {
        let public = |stored: &&Stored| stored.decision.visibility() == Some(Visibility::Public);
        self.stored.iter().filter(public).map(|stored| &stored.activity).collect()
    }

    /// Every governance record; the sequence number of the first is 1.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many reveals are open.
    #[must_use]
    pub fn open_reveals(&self) -> usize {
        self.reveals.len()
    }

    /// The revision of the policy.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.policy.revision
    }

    /// The scope rules, in the order in which they were added.
    #[must_use]
    pub fn scope(&self) -> &[ScopeRule] {
        &self.policy.scope
    }

    /// The private groups, in the order in which they were made so.
    #[must_use]
    pub fn private_groups(&self) -> &[GroupRef] {
        &self.policy.private
    }

    /// The managed domains.
    #[must_use]
    pub fn managed_domains(&self) -> &[ManagedDomain] {
        &self.policy.domains
    }

    /// The admins.
    #[must_use]
    pub fn admins(&self) -> &[(UserId, Role)] {
        &self.policy.admins
    }

    /// The grants.
    #[must_use]
    pub fn grants(&self) -> &[(UserId, Grant)] {
        &self.policy.grants
    }

    /// The options.
    #[must_use]
    pub fn options(&self) -> &PolicyOptions {
        &self.policy.options
    }

    /// The groups that vanished from the directory and are kept for the next start, with how many members.
    #[must_use]
    pub fn kept(&self) -> Vec<(GroupId, usize)> {
        let mut kept: Vec<_> = self.kept.iter().map(|kept| (kept.group.clone(), kept.members.len())).collect();
        kept.sort();
        kept
    }

    fn node(&self, node: Node) -> &NodeState {
        let [first, second] = &self.nodes;
        match node {
            Node::First => first,
            Node::Second => second,
        }
    }

    fn node_mut(&mut self, node: Node) -> &mut NodeState {
        let [first, second] = &mut self.nodes;
        match node {
            Node::First => first,
            Node::Second => second,
        }
    }

    /// The directory with which a node decides, if it answers.
    fn directory(&self, node: Node) -> Option<&Directory> {
        self.node(node).directory.as_ref().filter(|_| !self.node(node).out)
    }

    fn install(&mut self, node: Node) {
        let Some((revision, as_of, import)) = self.source.clone() else { return };
        let before = self.node_mut(node).directory.take();
        self.node_mut(node).directory = Some(match before {
            Some(before) if before.revision >= revision => before,
            // Every other one comes as what changed.
            Some(before) if revision.is_multiple_of(2) => before.changed(revision, as_of, &import),
            before => Directory::following(before.as_ref(), revision, as_of, &import),
        });
    }

    fn deliver(&mut self, at: Node, batch: &[Activity]) -> Result<Vec<IngestOutcome>, (usize, Vec<UndecidableReason>)> {
        let decisions: Vec<ExpectedDecision> = batch.iter().map(|activity| self.decide(at, activity)).collect();
        // D9: by option the batch is refused, whole.
        if self.policy.options.on_undecidable == OnUndecidable::Reject {
            let open = decisions.iter().position(|decision| decision.decided == ExpectedVerdict::Refused);
            if let Some((position, decision)) = open.and_then(|position| Some((position, decisions.get(position)?))) {
                let causes = decision.causes();
                self.follow_once(at);
                return Err((position, causes));
            }
        }
        let directory = self.directory(at).map(|directory| DirectoryRevision(directory.revision));
        let mut outcomes = Vec::new();
        for (activity, decision) in batch.iter().zip(decisions) {
            let before = self.stored.iter().find(|stored| stored.activity.id() == activity.id());
            // S2 before D4: what is out of scope is not looked at any further.
            outcomes.push(match before {
                _ if decision.verdict() == Some(Verdict::NotMonitored) => IngestOutcome::NotMonitored,
                Some(before) if before.activity == *activity => IngestOutcome::Duplicate,
                Some(_) => IngestOutcome::Conflict,
                // Its id stays taken, and its content is known no more.
                None if self.removed.contains(activity.id()) => IngestOutcome::Duplicate,
                None => {
                    if decision.visibility() == Some(Visibility::Public) {
                        self.places.push(activity.id().clone());
                    }
                    let (policy, decided_at) = (self.policy.revision, self.now);
                    self.stored.push(Stored { activity: activity.clone(), policy, directory, decided_at, decision });
                    IngestOutcome::Stored
                }
            });
        }
        self.follow_once(at);
        Ok(outcomes)
    }

    /// After a batch: once for each policy and directory.
    fn follow_once(&mut self, at: Node) {
        let state = self.directory(at).map(|directory| (self.policy.revision, directory.revision));
        if state.is_some() && state != self.node(at).followed {
            self.follow(at);
        }
    }

    /// D11: what vanished is kept, what is there again is marked, and both are put on record.
    fn follow(&mut self, node: Node) -> bool {
        // Before the first import there is nothing to follow, which is no failure.
        let Some(directory) = self.directory(node).cloned() else { return !self.node(node).out };
        self.node_mut(node).followed = Some((self.policy.revision, directory.revision));
        // What left the policy is let go.
        let policy = self.policy.imported_groups();
        for kept in &mut self.kept {
            let holding = policy.iter().filter(|outer| **outer != kept.group && directory.holds(outer, kept));
            kept.child_groups.extend(holding.cloned().collect::<Vec<_>>());
        }
        self.kept.retain(|kept| {
            policy.contains(&kept.group) || kept.child_groups.iter().any(|group| policy.contains(group))
        });
        // The groups of the policy, those nested in them that the directory may not know, and those that were kept.
        let is_open = |group: &GroupId| !directory.groups.contains(group) || directory.is_added(group);
        let nested = policy.iter().flat_map(|group| directory.below(group)).filter(is_open);
        let mut followed: Vec<GroupId> =
            policy.iter().cloned().chain(nested).chain(self.kept.iter().map(|kept| kept.group.clone())).collect();
        followed.sort();
        followed.dedup();
        for group in followed {
            let before = self.kept.iter().find(|kept| kept.group == group).cloned();
            if directory.groups.contains(&group) {
                // What was kept of one that a delta added counts until an import lists it.
                if directory.is_added(&group) && before.is_some() {
                    continue;
                }
                // A node that lags brings nothing back.
                let over =
                    self.kept.iter_mut().find(|kept| kept.group == group && kept.removed_in <= directory.revision);
                let over =
                    over.filter(|kept| kept.restored_in.is_none_or(|restored_in| restored_in > directory.revision));
                let is_news = over.as_ref().is_some_and(|kept| kept.restored_in.is_none());
                if let Some(kept) = over {
                    kept.restored_in = Some(directory.revision);
                }
                if is_news || self.node(node).unknown.contains(&group) {
                    self.note_directory(Event::GroupRestored { group: group.clone() });
                }
                self.node_mut(node).unknown.retain(|unknown| *unknown != group);
                continue;
            }
            let is_over = before.as_ref().is_some_and(|before| before.restored_in.is_some());
            if !policy.contains(&group) && !directory.knows(&group) && is_over {
                continue;
            }
            let child_groups: Vec<GroupId> = policy
                .iter()
                .filter(|outer| **outer != group && directory.groups.contains(outer))
                .filter(|outer| directory.below(outer).contains(&group))
                .cloned()
                .collect();
            let [here, counts] = self.last_known(&directory, &group);
            let here = here.map(|mut here| {
                here.child_groups = child_groups;
                here
            });
            match (here.as_ref(), before) {
                (Some(here), None) => {
                    let members = Some(here.members.len() as u64);
                    self.kept.push(here.clone());
                    self.note_directory(Event::GroupRemoved { group, members });
                }
                (Some(here), Some(before)) => {
                    let both = before.clone().with(here);
                    let is_news = before.is_before(here) || both.members.len() != before.members.len();
                    let members = Some(both.members.len() as u64);
                    self.kept.retain(|kept| kept.group != group);
                    self.kept.push(both);
                    if is_news {
                        self.note_directory(Event::GroupRemoved { group, members });
                    }
                }
                (None, _) if counts.is_none() && !self.node(node).unknown.contains(&group) => {
                    self.node_mut(node).unknown.push(group.clone());
                    self.note_directory(Event::GroupRemoved { group, members: None });
                }
                (None, _) => {}
            }
        }
        true
    }

    fn note_directory(&mut self, event: Event) {
        self.note(Initiator::System, Some(self.policy.revision), event, Outcome::Observed);
    }

    fn note(&mut self, initiator: Initiator, policy: Option<Revision>, event: Event, outcome: Outcome) -> RecordId {
        let id = RecordId(Uuid::from_u128(self.records.len() as u128 + 1));
        self.records.push(Record { id, at: self.now, initiator, policy, event, outcome });
        id
    }
}

/// The digest that stands for one that only the library can make.
fn no_digest() -> Digest {
    Digest::of_ids([])
}

/// Commitment with the salt that stands for one that only the library can make.
fn sealed<T: CommitmentText>(value: T) -> Commitment<T> {
    Commitment::new(value, Salt::from_bytes([0; Salt::BYTES]))
}
