//! Drives the library step by step, on two nodes over the same adapters.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::reading::Made;
use super::tally::reached;
use super::{HistoryHarness, at, first_administrators, user};
use crate::activity::Activity;
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory};
use crate::engine::{PolicyEngine, Undecidable};
use crate::filter::{
    GovernanceError, IngestError, OpenError, PrivacyFilter, PrivacyFilterBuilder, ReconcileError, RemovalError, Reveal,
    RevealError, UpdatePolicyError,
};
use crate::forward::Offset;
use crate::governance::{GovernanceSink, Justification, PolicyUpdateError};
use crate::identity::UserId;
use crate::policy::{Administrators, PolicyError, PolicyUpdate, PrivacyPolicy};
use crate::query::PageSize;
use crate::reveal::{Acknowledgement, RevealRequest, RevealTotals};
use crate::store::{ActivityStore, StoreError};
use crate::strategies::{Batch, ExpectedAnswer, ImportedDirectory, Node, Step};

/// A directory that can be made unavailable.
struct Line<D> {
    directory: D,
    out: AtomicBool,
}

impl<D: GroupDirectory> GroupDirectory for Line<D> {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        if self.out.load(Ordering::SeqCst) {
            return Err(DirectoryError::Unavailable("cut".into()));
        }
        self.directory.snapshot()
    }
}

pub(super) struct Live<D> {
    pub(super) filter: PrivacyFilter,
    pub(super) store: Arc<dyn ActivityStore>,
    pub(super) sink: Arc<dyn GovernanceSink>,
    line: Arc<Line<D>>,
}

/// Two nodes over the same adapters, and the history so far. [`HistoryTest`](super::HistoryTest) drives it. A test of
/// your own can apply steps one by one, and look at what a node shows in between.
pub struct Nodes<H: HistoryHarness> {
    // Declared before the harness, so that its files are closed before it removes them.
    pub(super) nodes: BTreeMap<Node, Live<H::Directory>>,
    pub(super) reveals: Vec<(Node, UserId, Reveal)>,
    pub(super) cursors: Vec<Made>,
    delivered: Vec<Batch>,
    pub(super) harness: H,
    clock: Arc<AtomicI64>,
    ids: Arc<AtomicU64>,
    source: Option<(u64, DateTime<Utc>, ImportedDirectory)>,
    /// Every import so far, by its revision.
    imports: BTreeMap<DirectoryRevision, ImportedDirectory>,
    forwarded: BTreeMap<Node, Offset>,
    /// The policy before the last change.
    before: Option<Arc<PrivacyPolicy>>,
    pub(super) checks: AtomicU64,
}

impl<H: HistoryHarness> Nodes<H> {
    /// Starts two nodes on fresh adapters, with the first policy of [`first_administrators`].
    #[must_use]
    pub fn new() -> Self {
        let mut system = Self {
            nodes: BTreeMap::new(),
            reveals: Vec::new(),
            cursors: Vec::new(),
            delivered: Vec::new(),
            harness: H::fresh(),
            clock: Arc::default(),
            ids: Arc::default(),
            source: None,
            imports: BTreeMap::new(),
            forwarded: BTreeMap::new(),
            before: None,
            checks: AtomicU64::new(0),
        };
        system.start_node(Node::First, false);
        system.start_node(Node::Second, false);
        system
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        at(self.clock.load(Ordering::SeqCst))
    }

    fn builder(
        &self,
        store: &Arc<dyn ActivityStore>,
        line: &Arc<Line<H::Directory>>,
        sink: &Arc<dyn GovernanceSink>,
    ) -> PrivacyFilterBuilder {
        let (clock, ids) = (Arc::clone(&self.clock), Arc::clone(&self.ids));
        PrivacyFilter::builder(Arc::clone(store), Arc::clone(line), Arc::clone(sink))
            .clock(move || at(clock.load(Ordering::SeqCst)))
            .id_source(move || Uuid::from_u128(u128::from(ids.fetch_add(1, Ordering::SeqCst)) + (1 << 64)))
            .sink_timeout(Duration::from_secs(60))
    }

    /// Starts a node over the adapters.
    pub(super) fn start_node(&mut self, node: Node, loaded: bool) {
        let (store, sink) = self.harness.open();
        let line = Arc::new(Line { directory: self.harness.directory(), out: AtomicBool::new(false) });
        if let (true, Some((revision, as_of, import))) = (loaded, &self.source) {
            let snapshot = Arc::new(import.snapshot(DirectoryRevision(*revision), *as_of).unwrap());
            H::install(&line.directory, snapshot).expect("a first snapshot is installed");
        }
        let builder = self.builder(&store, &line, &sink);
        let is_new = store.policy().unwrap().is_none();
        let filter = if is_new { builder.initialize(first_administrators()) } else { builder.open() };
        self.nodes.insert(node, Live { filter: filter.unwrap(), store, sink, line });
    }

    /// Returns the filter of a node.
    #[must_use]
    pub fn filter(&self, node: Node) -> &PrivacyFilter {
        &self.nodes[&node].filter
    }

    fn install(&self, node: Node) {
        let Some((revision, as_of, import)) = &self.source else { return };
        let Live { filter, line, .. } = &self.nodes[&node];
        let before = line.directory.snapshot().ok();
        let known = before.as_ref().and_then(|before| Some((before, self.imports.get(&before.revision())?)));
        let revision = DirectoryRevision(*revision);
        let snapshot = match known {
            // Every other import arrives as a delta from the node's directory, which can cover several imports.
            Some((before, known)) if revision.0.is_multiple_of(2) && before.revision() < revision => {
                reached("directory: delta");
                before.apply(&known.delta_to(import), revision, *as_of).unwrap()
            }
            _ => import.snapshot(revision, *as_of).unwrap(),
        };
        let snapshot = Arc::new(match before {
            Some(before) => snapshot.carry_over_from(&before),
            None => snapshot,
        });
        if revision.0.is_multiple_of(3) {
            reached("directory: prepared");
            let _ = filter.prewarm(&snapshot);
        }
        let installed = H::install(&line.directory, snapshot);
        reached(if installed.is_ok() { "directory: installed" } else { "directory: not newer, rejected" });
    }

    /// Applies a step and compares the answer with that of the model.
    ///
    /// # Panics
    /// Panics if they differ.
    pub fn check_step(&mut self, step: &Step, expected: &ExpectedAnswer) {
        let answer = self.answer(step, expected);
        assert_eq!(answer, *expected, "the library answers (left), the model expects (right)");
    }

    /// Applies a step and returns the answer of the library. If a batch is rejected as undecidable for one of the
    /// reasons that `expected` allows, the answer contains all of these reasons.
    ///
    /// # Panics
    /// Panics if an adapter fails.
    pub fn answer(&mut self, step: &Step, expected: &ExpectedAnswer) -> ExpectedAnswer {
        match step {
            Step::Import { import, reconcile } => {
                reached("step: import");
                let revision = self.source.as_ref().map_or(0, |(revision, ..)| *revision) + 1;
                self.source = Some((revision, self.now(), import.clone()));
                self.imports.insert(DirectoryRevision(revision), import.clone());
                self.install(Node::First);
                if *reconcile { self.follow(Node::First) } else { ExpectedAnswer::Nothing }
            }
            Step::CatchUp => {
                reached("step: the second node reads the directory");
                self.install(Node::Second);
                ExpectedAnswer::Nothing
            }
            Step::Reconcile(node) => {
                reached("step: follow");
                self.follow(*node)
            }
            Step::Outage { at, failing } => {
                reached("step: directory outage");
                self.nodes[at].line.out.store(*failing, Ordering::SeqCst);
                ExpectedAnswer::Nothing
            }
            Step::Change { at, by, update } => self.update_policy(*at, by, update),
            Step::Deliver { at, batch } => {
                reached("step: deliver");
                self.delivered.push(batch.clone());
                self.deliver(*at, batch, expected)
            }
            Step::DeliverAgain { at, batch } => {
                reached("step: deliver again");
                let before = self.delivered.iter().rev().cycle().nth((*batch).into()).cloned();
                self.deliver(*at, &before.unwrap_or_default(), expected)
            }
            Step::Advance { seconds } => {
                reached("step: advance");
                self.clock.fetch_add(*seconds, Ordering::SeqCst);
                ExpectedAnswer::Nothing
            }
            Step::Restart { at, loaded } => {
                reached("step: restart");
                self.reveals.retain(|(of, ..)| of != at);
                self.nodes.remove(at);
                self.start_node(*at, *loaded);
                ExpectedAnswer::Nothing
            }
            Step::Page { at, viewer, search, size, cursor } => self.page(*at, viewer, search, *size, *cursor),
            Step::Count { at, search, by } => {
                reached("step: count");
                let view = self.filter(*at).view(&user("ann"));
                match by {
                    None => ExpectedAnswer::Count(view.count(&search.query()).unwrap().total),
                    Some(by) => ExpectedAnswer::Counts(view.counts(&search.query(), *by).unwrap().by_key),
                }
            }
            Step::LookUp { at, id } => {
                reached("step: look-up");
                let found = self.filter(*at).view(&user("ann")).activity(id).unwrap();
                reached(if found.is_some() { "look-up: found" } else { "look-up: hidden or unknown" });
                ExpectedAnswer::Found(found.map(|found| found.activity().clone()))
            }
            Step::Open { at, viewer, search, lifetime, private_only, justification } => {
                reached("step: open a reveal");
                let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
                let mut request = RevealRequest::new(viewer.clone(), search.query(), *lifetime, audited);
                if *private_only {
                    request = request.private_only();
                }
                if let Some(justification) = justification {
                    request = request.because(Justification::new(justification.as_str()).unwrap());
                }
                ExpectedAnswer::Opened(match self.filter(*at).reveal(request) {
                    Ok(reveal) => {
                        reached("reveal: opened");
                        self.reveals.push((*at, viewer.clone(), reveal));
                        Ok(())
                    }
                    Err(RevealError::Denied(denial)) => {
                        reached(format!("reveal denied: {denial:?}"));
                        Err(denial)
                    }
                    Err(error) => panic!("{error:?}"),
                })
            }
            Step::RevealPage { reveal, size, cursor } => {
                ExpectedAnswer::RevealedPage(self.turn(*reveal, *size, *cursor))
            }
            Step::Export { reveal, private_rows } => ExpectedAnswer::Exported(self.export(*reveal, *private_rows)),
            Step::Close { reveal } => {
                reached("step: close a reveal");
                let Some(slot) = self.slot(*reveal) else { return ExpectedAnswer::Closed(None) };
                let RevealTotals { pages, private } = self.reveals.remove(slot).2.close().unwrap();
                reached("reveal: closed");
                ExpectedAnswer::Closed(Some((pages, private)))
            }
            Step::Governance { at, reader, query, after, size } => {
                reached("step: governance");
                let found = self.filter(*at).governance_records(reader, query, *after, PageSize::at_most(*size));
                ExpectedAnswer::Governance(match found {
                    Ok(entries) => {
                        reached("governance: read");
                        let known = self.canonical();
                        Ok(entries
                            .into_iter()
                            .map(|entry| (entry.sequence, known[entry.sequence as usize - 1].clone()))
                            .collect())
                    }
                    Err(GovernanceError::Denied(denial)) => {
                        reached(format!("governance denied: {denial:?}"));
                        Err(denial)
                    }
                    Err(error) => panic!("{error:?}"),
                })
            }
            Step::Forward { at, replay, size } => {
                reached("step: forward");
                let after = self.forwarded.get(at).filter(|_| !*replay).cloned().unwrap_or_default();
                let batch = self.filter(*at).forward(&after, PageSize::at_most(*size)).unwrap();
                self.forwarded.insert(*at, batch.next);
                ExpectedAnswer::Forwarded(batch.activities.iter().map(|public| public.activity().clone()).collect())
            }
            Step::Erase { at, by, subject } => {
                reached("step: erase");
                ExpectedAnswer::Erased(match self.filter(*at).erase(by, subject.clone()) {
                    Ok(_) => {
                        reached("erased");
                        Ok(())
                    }
                    Err(RemovalError::Denied(denial)) => {
                        reached(format!("erasure denied: {denial:?}"));
                        Err(Some(denial))
                    }
                    Err(RemovalError::Directory(_)) => {
                        reached("erasure without a directory rejected");
                        Err(None)
                    }
                    Err(error) => panic!("{error:?}"),
                })
            }
            Step::Retain { at } => {
                reached("step: retain");
                ExpectedAnswer::Retained(self.filter(*at).apply_retention().unwrap().is_some())
            }
            Step::Initialize { at, administrator } => {
                reached("step: initialize");
                let Live { store, sink, line, .. } = &self.nodes[at];
                let initialized =
                    self.builder(store, line, sink).initialize(Administrators::only_one(administrator.clone()));
                assert!(matches!(initialized, Err(OpenError::AlreadyInitialized)), "{initialized:?}");
                ExpectedAnswer::Initialized(false)
            }
        }
    }

    fn follow(&self, node: Node) -> ExpectedAnswer {
        match self.filter(node).reconcile_directory() {
            Ok(()) => ExpectedAnswer::Reconciled(true),
            Err(ReconcileError::Directory(_)) => ExpectedAnswer::Reconciled(false),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn update_policy(&mut self, at: Node, by: &UserId, update: &PolicyUpdate) -> ExpectedAnswer {
        reached("step: change");
        let before = self.filter(at).policy().unwrap();
        ExpectedAnswer::Changed(match self.filter(at).update_policy(by, update) {
            Ok(revision) => {
                for change in update.changes() {
                    reached(format!("changed: {}", format!("{change:?}").split('(').next().unwrap()));
                }
                if update.changes().len() != 1 {
                    reached("changed: several at once");
                }
                let now = self.filter(at).policy().unwrap();
                for (_, viewer, _) in &self.reveals {
                    if before.may_view_private(viewer).is_ok() && now.may_view_private(viewer).is_err() {
                        reached("reveal: permission lost while open");
                    }
                }
                self.before = Some(before);
                Ok(revision)
            }
            Err(UpdatePolicyError::Denied(denial)) => {
                reached(format!("change denied: {denial:?}"));
                Err(PolicyUpdateError::Denied(denial))
            }
            Err(UpdatePolicyError::Invalid(error)) => {
                if let PolicyError::InUpdate { reason, .. } = &error {
                    reached(format!("change invalid in an update: {reason:?}"));
                }
                let refusal = format!("{error:?}");
                reached(format!("change invalid: {}", refusal.split(['(', ' ']).next().unwrap()));
                Err(PolicyUpdateError::Invalid(error))
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    fn deliver(&mut self, at: Node, batch: &[Activity], expected: &ExpectedAnswer) -> ExpectedAnswer {
        self.deliver_stale(batch);
        ExpectedAnswer::Delivered(match self.filter(at).ingest(batch) {
            Ok(report) => {
                for delivery in report.outcomes() {
                    reached(format!("delivered: {delivery:?}"));
                }
                Ok(report.outcomes().to_vec())
            }
            Err(IngestError::Undecidable(Undecidable { position, reason })) => {
                reached("delivered: rejected as undecidable");
                // The error may name any of the reasons.
                match expected {
                    ExpectedAnswer::Delivered(Err((_, causes))) if causes.contains(&reason) => {
                        Err((position, causes.clone()))
                    }
                    _ => Err((position, vec![reason])),
                }
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    /// D5: a node that still decides under the policy before the last change stores no activity, on any handle.
    fn deliver_stale(&self, batch: &[Activity]) {
        let Some(before) = &self.before else { return };
        let engine = PolicyEngine::new(Arc::clone(before), Err(DirectoryError::NeverLoaded));
        let Ok(decided) = engine.decide(batch, self.now()) else { return };
        for live in self.nodes.values() {
            let appended = live.store.append(&decided);
            assert!(matches!(appended, Err(StoreError::Stale { .. })), "stored under an older policy: {appended:?}");
            reached("store: a batch of an older policy is rejected");
        }
    }
}

impl<H: HistoryHarness> Default for Nodes<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H: HistoryHarness> std::fmt::Debug for Nodes<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nodes").finish_non_exhaustive()
    }
}
