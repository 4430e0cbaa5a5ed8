//! A model of the rules with lists, linear scans and loops to a fixed point. It shares only plain values with the
//! library: ids, names and their comparison, and the types of changes, records and reasons.

mod decision;
mod directory;
mod follower;
mod policy;
mod reading;
mod removal;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub use self::decision::{ExpectedDecision, ExpectedVerdict};
use self::directory::{Directory, LastMembers};
pub use self::follower::Follower as ExpectedFollower;
use self::policy::Policy;
pub use self::reading::ExpectedPage;
use self::reading::{OpenReveal, PageEnd};
use super::activities::Batch;
use super::histories::{Node, Step};
use super::imports::ImportedDirectory;
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

/// The answer that the rules require of each step of a history, and the stored activities and records after it.
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
/// // No directory was ever loaded, so every activity is private.
/// let mut model = Model::new(&Administrators::only_one(UserId::new("root")?), Default::default());
/// let answer = model.apply(&Step::Deliver { at: Node::First, batch: vec![activity] });
/// assert_eq!(answer, ExpectedAnswer::Delivered(Ok(vec![IngestOutcome::Stored])));
/// assert_eq!(model.stored()[0].decision.visibility(), Some(Visibility::Private));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Model {
    now: DateTime<Utc>,
    policy: Policy,
    source: Option<(u64, DateTime<Utc>, ImportedDirectory)>,
    nodes: [NodeState; 2],
    kept: Vec<LastMembers>,
    stored: Vec<ExpectedActivity>,
    /// The ids of removed activities.
    removed: Vec<ActivityId>,
    /// Every activity that was ever public, in storage order; the first has offset 1.
    public_order: Vec<ActivityId>,
    records: Vec<Record>,
    delivered: Vec<Batch>,
    reveals: Vec<OpenReveal>,
    cursors: Vec<PageEnd>,
}

#[derive(Debug, Clone, Default)]
struct NodeState {
    directory: Option<Directory>,
    out: bool,
    /// The groups whose unknown members this node has reported.
    unknown: Vec<GroupId>,
    /// The policy and the directory that this node reconciled last.
    reconciled: Option<(Revision, u64)>,
    forwarded: u64,
}

/// An activity that a store must contain.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpectedActivity {
    /// The first content of its id.
    pub activity: Activity,
    /// The revision of the policy under which it was decided.
    pub policy: Revision,
    /// The revision of the directory against which it was decided.
    pub directory: Option<DirectoryRevision>,
    /// The time of the decision.
    pub decided_at: DateTime<Utc>,
    /// The decision with its reasons.
    pub decision: ExpectedDecision,
}

/// The answer to a step. Record ids are sequence numbers here, the id of a reveal is that of the record that opened it,
/// and the digest of its query is that of no ids. Commitments have a salt of zeros, and the subjects of a page are
/// empty.
#[derive(Debug, Clone, PartialEq)]
pub enum ExpectedAnswer {
    /// No answer.
    Nothing,
    /// Whether the directory was reconciled.
    Reconciled(bool),
    /// The revision after a change, or why it was rejected.
    Changed(Result<Revision, PolicyUpdateError>),
    /// The outcome of each activity; or the position of one that could not be decided, and the possible reasons, any
    /// one of which may be reported.
    Delivered(Result<Vec<IngestOutcome>, (usize, Vec<UndecidableReason>)>),
    /// A page.
    Page(ExpectedPage),
    /// A page of a reveal; `None` if none is open.
    RevealedPage(Option<ExpectedPage>),
    /// A total.
    Count(u64),
    /// Counts by key.
    Counts(Vec<Count>),
    /// The result of a look-up.
    Found(Option<Activity>),
    /// Whether a reveal was opened.
    Opened(ExpectedReveal),
    /// The numbers of public activities and of redacted rows in an export, or the denial; `None` if no reveal is open.
    Exported(Option<Result<(u64, u64), Denial>>),
    /// The numbers of pages and of private activities in a reveal; `None` if none is open.
    Closed(Option<(u64, u64)>),
    /// Records with their sequence numbers.
    Governance(Result<Vec<(u64, Record)>, Denial>),
    /// Forwarded activities.
    Forwarded(Vec<Activity>),
    /// Whether the erasure was done; or the denial, or `None` if the directory failed.
    Erased(Result<(), Option<Denial>>),
    /// Whether the policy has a retention that removes activities.
    Retained(bool),
    /// Whether a policy was initialized; always false, because there is one.
    Initialized(bool),
}

/// Whether a reveal was opened, or the denial.
pub type ExpectedReveal = Result<(), Denial>;

impl Model {
    /// Returns a model of a store with the first policy of `administrators`, two nodes that share it, and no directory.
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
            public_order: Vec::new(),
            records: Vec::new(),
            delivered: Vec::new(),
            reveals: Vec::new(),
            cursors: Vec::new(),
        };
        let event = Event::InitializePolicy { administrators: administrators.users().cloned().collect() };
        let initiator = Initiator::User(administrators.first().clone());
        let intent = model.record(initiator.clone(), None, event.clone(), Outcome::Intended);
        model.record(initiator, None, event, Outcome::Done { intent });
        model
    }

    /// Applies a step and returns the answer that the rules require.
    pub fn apply(&mut self, step: &Step) -> ExpectedAnswer {
        match step {
            Step::Import { import, reconcile } => {
                let revision = self.source.as_ref().map_or(0, |(revision, ..)| *revision) + 1;
                self.source = Some((revision, self.now, import.clone()));
                self.install(Node::First);
                if *reconcile {
                    ExpectedAnswer::Reconciled(self.reconcile(Node::First))
                } else {
                    ExpectedAnswer::Nothing
                }
            }
            Step::CatchUp => {
                self.install(Node::Second);
                ExpectedAnswer::Nothing
            }
            Step::Reconcile(node) => ExpectedAnswer::Reconciled(self.reconcile(*node)),
            Step::Outage { at, failing } => {
                self.node_mut(*at).out = *failing;
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
            Step::Restart { at, loaded } => {
                self.reveals.retain(|reveal| reveal.at != *at);
                let forwarded = self.node(*at).forwarded;
                *self.node_mut(*at) = NodeState { forwarded, ..NodeState::default() };
                if *loaded {
                    self.install(*at);
                }
                self.reconcile(*at);
                ExpectedAnswer::Nothing
            }
            Step::Page { viewer, search, size, cursor, .. } => self.page(viewer, search, *size, *cursor),
            Step::Count { search, by, .. } => self.count(search, *by),
            Step::LookUp { id, .. } => {
                let found = self.forwardable().into_iter().find(|activity| activity.id() == id);
                ExpectedAnswer::Found(found.cloned())
            }
            Step::Open { at, viewer, search, lifetime, private_only, justification } => ExpectedAnswer::Opened(
                self.open(*at, viewer, search, *lifetime, *private_only, justification.as_deref()),
            ),
            Step::RevealPage { reveal, size, cursor } => {
                ExpectedAnswer::RevealedPage(self.reveal_page(*reveal, *size, *cursor))
            }
            Step::Export { reveal, private_rows } => ExpectedAnswer::Exported(self.export(*reveal, *private_rows)),
            Step::Close { reveal } => ExpectedAnswer::Closed(self.close(*reveal)),
            Step::Governance { reader, query, after, size, .. } => {
                ExpectedAnswer::Governance(self.governance(reader, query, *after, *size))
            }
            Step::Forward { at, replay, size } => {
                let after = if *replay { 0 } else { self.node(*at).forwarded };
                let batch = self.public_after(after, reading::page_size(*size));
                self.node_mut(*at).forwarded = batch.last().map_or(after, |(place, _)| *place);
                ExpectedAnswer::Forwarded(batch.into_iter().map(|(_, activity)| activity).collect())
            }
            Step::Erase { at, by, subject } => ExpectedAnswer::Erased(self.erase(*at, by, subject)),
            Step::Retain { .. } => ExpectedAnswer::Retained(self.retain()),
            Step::Initialize { .. } => ExpectedAnswer::Initialized(false),
        }
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Returns every stored activity, public or private, in storage order.
    #[must_use]
    pub fn stored(&self) -> &[ExpectedActivity] {
        &self.stored
    }

    /// Returns the public activities in storage order.
    #[must_use]
    pub fn forwardable(&self) -> Vec<&Activity> {
        let public = |stored: &&ExpectedActivity| stored.decision.visibility() == Some(Visibility::Public);
        self.stored.iter().filter(public).map(|stored| &stored.activity).collect()
    }

    /// Returns every governance record; the first has sequence number 1.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Returns the number of open reveals.
    #[must_use]
    pub fn open_reveals(&self) -> usize {
        self.reveals.len()
    }

    /// Returns the revision of the policy.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.policy.revision
    }

    /// Returns the scope rules in the order in which they were added.
    #[must_use]
    pub fn scope(&self) -> &[ScopeRule] {
        &self.policy.scope
    }

    /// Returns the private groups in the order in which they became private.
    #[must_use]
    pub fn private_groups(&self) -> &[GroupRef] {
        &self.policy.private
    }

    /// Returns the managed domains.
    #[must_use]
    pub fn managed_domains(&self) -> &[ManagedDomain] {
        &self.policy.domains
    }

    /// Returns the admins.
    #[must_use]
    pub fn admins(&self) -> &[(UserId, Role)] {
        &self.policy.admins
    }

    /// Returns the grants.
    #[must_use]
    pub fn grants(&self) -> &[(UserId, Grant)] {
        &self.policy.grants
    }

    /// Returns the followers of the governance records.
    #[must_use]
    pub fn followers(&self) -> &[ExpectedFollower] {
        &self.policy.followers
    }

    /// Returns the options.
    #[must_use]
    pub fn options(&self) -> &PolicyOptions {
        &self.policy.options
    }

    /// Returns the groups that were removed from the directory and whose last members are stored, with the numbers of
    /// members.
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

    /// Returns the directory of a node, unless it fails.
    fn directory(&self, node: Node) -> Option<&Directory> {
        self.node(node).directory.as_ref().filter(|_| !self.node(node).out)
    }

    fn install(&mut self, node: Node) {
        let Some((revision, as_of, import)) = self.source.clone() else { return };
        let before = self.node_mut(node).directory.take();
        self.node_mut(node).directory = Some(match before {
            Some(before) if before.revision >= revision => before,
            // Every second import is applied as a delta.
            Some(before) if revision.is_multiple_of(2) => before.after_delta(revision, as_of, &import),
            before => Directory::from_import(before.as_ref(), revision, as_of, &import),
        });
    }

    fn deliver(&mut self, at: Node, batch: &[Activity]) -> Result<Vec<IngestOutcome>, (usize, Vec<UndecidableReason>)> {
        let decisions: Vec<ExpectedDecision> = batch.iter().map(|activity| self.decide(at, activity)).collect();
        // D9: by option the whole batch is rejected.
        if self.policy.options.on_undecidable == OnUndecidable::Reject {
            let undecided = decisions.iter().position(|decision| decision.decided == ExpectedVerdict::Refused);
            if let Some((position, decision)) =
                undecided.and_then(|position| Some((position, decisions.get(position)?)))
            {
                let causes = decision.causes();
                self.reconcile_once(at);
                return Err((position, causes));
            }
        }
        let directory = self.directory(at).map(|directory| DirectoryRevision(directory.revision));
        let mut outcomes = Vec::new();
        for (activity, decision) in batch.iter().zip(decisions) {
            let before = self.stored.iter().find(|stored| stored.activity.id() == activity.id());
            // S2 before D4: an activity out of scope is not compared with stored ones.
            outcomes.push(match before {
                _ if decision.verdict() == Some(Verdict::NotMonitored) => IngestOutcome::NotMonitored,
                Some(before) if before.activity.is_same_content(activity) => IngestOutcome::Duplicate,
                Some(_) => IngestOutcome::Conflict,
                // The id stays taken, and its content is no longer stored.
                None if self.removed.contains(activity.id()) => IngestOutcome::Duplicate,
                None => {
                    if decision.visibility() == Some(Visibility::Public) {
                        self.public_order.push(activity.id().clone());
                    }
                    let (policy, decided_at) = (self.policy.revision, self.now);
                    self.stored.push(ExpectedActivity {
                        activity: activity.clone(),
                        policy,
                        directory,
                        decided_at,
                        decision,
                    });
                    IngestOutcome::Stored
                }
            });
        }
        self.reconcile_once(at);
        Ok(outcomes)
    }

    /// Reconciles after a batch, once for each policy and directory.
    fn reconcile_once(&mut self, at: Node) {
        let state = self.directory(at).map(|directory| (self.policy.revision, directory.revision));
        if state.is_some() && state != self.node(at).reconciled {
            self.reconcile(at);
        }
    }

    /// D11: stores the last members of removed groups, marks restored groups, and records both.
    fn reconcile(&mut self, node: Node) -> bool {
        // Before the first import there is nothing to reconcile, which is no failure.
        let Some(directory) = self.directory(node).cloned() else { return !self.node(node).out };
        self.node_mut(node).reconciled = Some((self.policy.revision, directory.revision));
        // Removes groups that are no longer in the policy.
        let policy = self.policy.imported_groups();
        for kept in &mut self.kept {
            let outer_groups =
                policy.iter().filter(|outer| **outer != kept.group && directory.contains_nested(outer, kept));
            kept.child_groups.extend(outer_groups.cloned().collect::<Vec<_>>());
        }
        self.kept.retain(|kept| {
            policy.contains(&kept.group) || kept.child_groups.iter().any(|group| policy.contains(group))
        });
        // The groups of the policy, groups nested in them that the directory may not know, and stored groups.
        let is_open = |group: &GroupId| !directory.groups.contains(group) || directory.is_added(group);
        let nested = policy.iter().flat_map(|group| directory.descendants(group)).filter(is_open);
        let mut groups: Vec<GroupId> =
            policy.iter().cloned().chain(nested).chain(self.kept.iter().map(|kept| kept.group.clone())).collect();
        groups.sort();
        groups.dedup();
        for group in groups {
            let before = self.kept.iter().find(|kept| kept.group == group).cloned();
            if directory.groups.contains(&group) {
                // Stored members of a group that a delta added count until an import lists the group.
                if directory.is_added(&group) && before.is_some() {
                    continue;
                }
                // A lagging node restores no group.
                let restored =
                    self.kept.iter_mut().find(|kept| kept.group == group && kept.removed_in <= directory.revision);
                let restored =
                    restored.filter(|kept| kept.restored_in.is_none_or(|restored_in| restored_in > directory.revision));
                let is_new = restored.as_ref().is_some_and(|kept| kept.restored_in.is_none());
                if let Some(kept) = restored {
                    kept.restored_in = Some(directory.revision);
                }
                if is_new || self.node(node).unknown.contains(&group) {
                    self.record_directory(Event::GroupRestored { group: group.clone() });
                }
                self.node_mut(node).unknown.retain(|unknown| *unknown != group);
                continue;
            }
            let is_restored = before.as_ref().is_some_and(|before| before.restored_in.is_some());
            if !policy.contains(&group) && !directory.knows(&group) && is_restored {
                continue;
            }
            let child_groups: Vec<GroupId> = policy
                .iter()
                .filter(|outer| **outer != group && directory.groups.contains(outer))
                .filter(|outer| directory.descendants(outer).contains(&group))
                .cloned()
                .collect();
            let [remembered, stored] = self.last_known(&directory, &group);
            let remembered = remembered.map(|mut remembered| {
                remembered.child_groups = child_groups;
                remembered
            });
            match (remembered.as_ref(), before) {
                (Some(remembered), None) => {
                    let members = Some(remembered.members.len() as u64);
                    self.kept.push(remembered.clone());
                    self.record_directory(Event::GroupRemoved { group, members });
                }
                (Some(remembered), Some(before)) => {
                    let both = before.clone().merge(remembered);
                    let is_new = before.is_before(remembered) || both.members.len() != before.members.len();
                    let members = Some(both.members.len() as u64);
                    self.kept.retain(|kept| kept.group != group);
                    self.kept.push(both);
                    if is_new {
                        self.record_directory(Event::GroupRemoved { group, members });
                    }
                }
                (None, _) if stored.is_none() && !self.node(node).unknown.contains(&group) => {
                    self.node_mut(node).unknown.push(group.clone());
                    self.record_directory(Event::GroupRemoved { group, members: None });
                }
                (None, _) => {}
            }
        }
        true
    }

    fn record_directory(&mut self, event: Event) {
        self.record(Initiator::System, Some(self.policy.revision), event, Outcome::Observed);
    }

    fn record(&mut self, initiator: Initiator, policy: Option<Revision>, event: Event, outcome: Outcome) -> RecordId {
        let id = RecordId(Uuid::from_u128(self.records.len() as u128 + 1));
        self.records.push(Record { id, at: self.now, initiator, policy, event, outcome });
        id
    }
}

/// Returns a placeholder for a digest that only the library can compute.
fn placeholder_digest() -> Digest {
    Digest::of_ids([])
}

/// Returns a commitment with a placeholder for the salt.
fn commitment<T: CommitmentText>(value: T) -> Commitment<T> {
    Commitment::new(value, Salt::from_bytes([0; Salt::BYTES]))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::activity::{Actor, App};

    #[test]
    fn d4_details_in_another_layout_are_a_duplicate() {
        let mut model = Model::new(&Administrators::only_one(UserId::new("root").unwrap()), DateTime::default());
        for (details, expected) in [
            (r#"{"a":1,"b":2}"#, IngestOutcome::Stored),
            (r#"{ "b":2, "a":1 }"#, IngestOutcome::Duplicate),
            (r#"{"a":1,"b":3}"#, IngestOutcome::Conflict),
        ] {
            let app = App::new("Box".parse().unwrap());
            let action = "Login".parse().unwrap();
            let activity = Activity::builder("a".parse().unwrap(), Actor::unknown(), app, action, DateTime::default());
            let batch = vec![activity.details(details).build().unwrap()];
            let answer = model.apply(&Step::Deliver { at: Node::First, batch });
            assert_eq!(answer, ExpectedAnswer::Delivered(Ok(vec![expected])), "{details}");
        }
    }
}
