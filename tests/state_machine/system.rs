//! Drives the library step by step, and observes it through every public operation.
#![allow(dead_code, reason = "every test file uses a part of it")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use activity_privacy::activity::{Activity, ActivityId};
use activity_privacy::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, GroupDirectory};
use activity_privacy::engine::{PolicyEngine, Reason, Undecidable, Visibility};
use activity_privacy::filter::{
    GovernanceError, IngestError, OpenError, Page, PrivacyFilter, PrivacyFilterBuilder, ReconcileError, RemovalError,
    Reveal, RevealError, UpdatePolicyError, ViewError,
};
use activity_privacy::forward::Offset;
use activity_privacy::governance::{
    Commitment, CommitmentText, Digest, Event, GovernanceSink, Justification, Outcome, PolicyUpdateError, Receipt,
    Record, RecordEntry, RecordId, RecordQuery, RemovalSummary, RevealId, RevealSummary, Subjects,
};
use activity_privacy::identity::{GroupId, UserId};
use activity_privacy::memory::MemoryDirectory;
use activity_privacy::policy::{
    Administrators, GroupRef, OptionsPatch, PolicyChange, PolicyError, PolicyUpdate, PrivacyPolicy,
};
use activity_privacy::query::{Cursor, PageSize, Query};
use activity_privacy::reveal::{Acknowledgement, RevealRequest, RevealTotals};
use activity_privacy::store::{ActivityStore, StoreError, StoredActivity};
use activity_privacy::strategies::{
    Batch, CursorChoice, ExpectedActivity, ExpectedAnswer, ExpectedPage, Import, Model, Node, Search, Step,
    all_activity_ids,
};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::backend::Backend;
use crate::fixture::{admins, alias, at, changed, people, salt, user};
use crate::tally::{reached, reached_times};

/// A directory that can be made unavailable.
#[derive(Default)]
struct Line {
    directory: MemoryDirectory,
    out: AtomicBool,
}

impl GroupDirectory for Line {
    fn snapshot(&self) -> Result<Arc<DirectorySnapshot>, DirectoryError> {
        if self.out.load(Ordering::SeqCst) {
            return Err(DirectoryError::Unavailable("cut".into()));
        }
        self.directory.snapshot()
    }
}

struct Live {
    filter: PrivacyFilter,
    store: Arc<dyn ActivityStore>,
    sink: Arc<dyn GovernanceSink>,
    line: Arc<Line>,
}

/// A cursor that the library returned.
struct Made {
    cursor: Cursor,
    of: Of,
}

enum Of {
    View(UserId, Search),
    Reveal(RevealId),
}

/// Two nodes over one backend.
pub(crate) struct System<G> {
    // Declared before the backend, so that the files are closed before the backend removes them.
    nodes: BTreeMap<Node, Live>,
    reveals: Vec<(Node, UserId, Reveal)>,
    cursors: Vec<Made>,
    delivered: Vec<Batch>,
    backend: G,
    clock: Arc<AtomicI64>,
    ids: Arc<AtomicU64>,
    source: Option<(u64, DateTime<Utc>, Import)>,
    /// Every import so far, by its revision.
    imports: BTreeMap<DirectoryRevision, Import>,
    forwarded: BTreeMap<Node, Offset>,
    /// The policy before the last change.
    before: Option<Arc<PrivacyPolicy>>,
    checks: AtomicU64,
}

impl<G: Backend> System<G> {
    pub(crate) fn new() -> Self {
        let mut system = Self {
            nodes: BTreeMap::new(),
            reveals: Vec::new(),
            cursors: Vec::new(),
            delivered: Vec::new(),
            backend: G::new(),
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

    fn now(&self) -> DateTime<Utc> {
        at(self.clock.load(Ordering::SeqCst))
    }

    fn builder(
        &self,
        store: &Arc<dyn ActivityStore>,
        line: &Arc<Line>,
        sink: &Arc<dyn GovernanceSink>,
    ) -> PrivacyFilterBuilder {
        let (clock, ids) = (Arc::clone(&self.clock), Arc::clone(&self.ids));
        PrivacyFilter::builder(Arc::clone(store), Arc::clone(line), Arc::clone(sink))
            .clock(move || at(clock.load(Ordering::SeqCst)))
            .id_source(move || Uuid::from_u128(u128::from(ids.fetch_add(1, Ordering::SeqCst)) + (1 << 64)))
            .sink_timeout(Duration::from_secs(60))
    }

    /// Starts a node over the backend.
    fn start_node(&mut self, node: Node, loaded: bool) {
        let (store, sink) = self.backend.open();
        let line = Arc::new(Line::default());
        if let (true, Some((revision, as_of, import))) = (loaded, &self.source) {
            line.directory.install(import.snapshot(DirectoryRevision(*revision), *as_of).unwrap()).unwrap();
        }
        let builder = self.builder(&store, &line, &sink);
        let is_new = store.policy().unwrap().is_none();
        let filter = if is_new { builder.initialize(admins()) } else { builder.open() };
        self.nodes.insert(node, Live { filter: filter.unwrap(), store, sink, line });
    }

    pub(crate) fn filter(&self, node: Node) -> &PrivacyFilter {
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
        let installed = line.directory.install(snapshot);
        reached(if installed.is_ok() { "directory: installed" } else { "directory: not newer, rejected" });
    }

    pub(crate) fn take(&mut self, step: &Step, expected: &ExpectedAnswer) {
        let answer = self.answer(step, expected);
        assert_eq!(answer, *expected, "the library answers (left), the model expects (right)");
    }

    pub(crate) fn answer(&mut self, step: &Step, expected: &ExpectedAnswer) -> ExpectedAnswer {
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
            Step::Outage { at, out } => {
                reached("step: directory outage");
                self.nodes[at].line.out.store(*out, Ordering::SeqCst);
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
            Step::Restart { node, loaded } => {
                reached("step: restart");
                self.reveals.retain(|(at, ..)| at != node);
                self.nodes.remove(node);
                self.start_node(*node, *loaded);
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
        let kind = match update.changes() {
            [change] => format!("{change:?}").split('(').next().unwrap().to_owned(),
            _ => "several at once".to_owned(),
        };
        let before = self.filter(at).policy().unwrap();
        ExpectedAnswer::Changed(match self.filter(at).update_policy(by, update) {
            Ok(revision) => {
                reached(format!("changed: {kind}"));
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

    fn page(
        &mut self,
        node: Node,
        viewer: &UserId,
        search: &Search,
        size: u16,
        choice: CursorChoice,
    ) -> ExpectedAnswer {
        reached("step: page of a view");
        let (mut viewer, mut search) = (viewer.clone(), search.clone());
        let chosen = self.cursor(choice, |of| matches!(of, Of::View(..)));
        if let (CursorChoice::Last, Some(Made { of: Of::View(of, with), .. })) = (choice, chosen) {
            (viewer, search) = (of.clone(), with.clone());
        }
        let cursor: Option<Cursor> = chosen.map(|made| made.cursor.to_string().parse().unwrap());
        let page = self.filter(node).view(&viewer).page(&search.query(), PageSize::at_most(size), cursor.as_ref());
        ExpectedAnswer::Page(match page {
            Ok(page) => {
                assert!(!page.includes_private());
                if cursor.is_some() {
                    reached("view: continued from a cursor");
                }
                if let Some(next) = page.next() {
                    self.cursors.push(Made { cursor: next.clone(), of: Of::View(viewer, search) });
                }
                Ok((shown(&page), page.next().is_some()))
            }
            Err(ViewError::Cursor(_)) => {
                reached("view: foreign cursor rejected");
                Err(None)
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    fn turn(&mut self, which: u8, size: u16, choice: CursorChoice) -> Option<ExpectedPage> {
        reached("step: page of a reveal");
        let slot = self.slot(which)?;
        let id = self.reveals[slot].2.id();
        let chosen = match choice {
            CursorChoice::Last => self.cursor(choice, |of| matches!(of, Of::Reveal(reveal) if *reveal == id)),
            other => self.cursor(other, |_| true),
        };
        let cursor: Option<Cursor> = chosen.map(|made| made.cursor.to_string().parse().unwrap());
        Some(match self.reveals[slot].2.page(PageSize::at_most(size), cursor.as_ref()) {
            Ok(page) => {
                reached(if cursor.is_some() { "reveal: continued from a cursor" } else { "reveal: first page" });
                let shown = shown(&page);
                let private = shown.iter().filter(|(_, visibility)| *visibility == Visibility::Private).count();
                reached_times("reveal: private activities shown", private as u64);
                assert_eq!(page.includes_private(), private > 0);
                if let Some(next) = page.next() {
                    self.cursors.push(Made { cursor: next.clone(), of: Of::Reveal(id) });
                }
                Ok((shown, page.next().is_some()))
            }
            Err(RevealError::Denied(denial)) => {
                reached(format!("page of a reveal denied: {denial:?}"));
                Err(Some(denial))
            }
            Err(RevealError::Cursor(_)) => {
                reached("reveal: foreign cursor rejected");
                Err(None)
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    fn slot(&self, which: u8) -> Option<usize> {
        let open = self.reveals.len();
        (open > 0).then(|| open - 1 - usize::from(which) % open)
    }

    fn cursor(&self, choice: CursorChoice, is: impl Fn(&Of) -> bool) -> Option<&Made> {
        match choice {
            CursorChoice::Start => None,
            CursorChoice::Last => self.cursors.iter().rev().find(|made| is(&made.of)),
            CursorChoice::Any(which) => self.cursors.iter().rev().cycle().nth(which.into()),
        }
    }

    /// Returns every record with its ids replaced by sequence numbers. The id of a reveal becomes that of the record
    /// that opened it.
    fn canonical(&self) -> Vec<Record> {
        let sink = &self.nodes[&Node::First].sink;
        let entries = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        let mut numbers: BTreeMap<Uuid, (Uuid, Digest)> = BTreeMap::new();
        let mut begun = BTreeMap::new();
        let committed = |summary: &RevealSummary| {
            (summary.about.query.commitment(), summary.about.justification.as_ref().map(Commitment::commitment))
        };
        let mut records = Vec::new();
        for (number, RecordEntry { sequence, mut record }) in (1..).zip(entries) {
            assert_eq!(sequence, number, "G1: no gap");
            let own = Uuid::from_u128(sequence.into());
            let nothing = Digest::of_ids([]);
            assert!(numbers.insert(record.id.0, (own, nothing)).is_none(), "an id was issued twice");
            record.id = RecordId(own);
            let is_end = matches!(record.outcome, Outcome::Closed { .. });
            match &mut record.event {
                Event::Reveal(summary) if is_end => {
                    // The first record of the call contains the subjects.
                    let (said, first, why): &(_, Uuid, _) = &begun[&summary.reveal.0];
                    assert_eq!(committed(summary), *said);
                    assert!(summary.about.query.value().is_none());
                    summary.reveal = RevealId(*first);
                    summary.about.query = Commitment::new(nothing, salt(0));
                    summary.about.justification.clone_from(why);
                }
                Event::Reveal(summary) => {
                    let (id, said) = (summary.reveal.0, committed(summary));
                    let query = *summary.about.query.value().unwrap();
                    let (first, digest) = *numbers.entry(summary.reveal.0).or_insert((own, query));
                    assert_eq!(digest, query, "a reveal is about one query");
                    summary.reveal = RevealId(first);
                    summary.about.query = Commitment::new(nothing, salt(0));
                    let why = summary.about.justification.take();
                    summary.about.justification = why.map(|why| again(&why));
                    begun.insert(id, (said, first, summary.about.justification.clone()));
                }
                Event::Remove(RemovalSummary::Aged { policy: Some(mark), .. }) => {
                    mark.record.0 = numbers[&mark.record.0].0;
                }
                Event::Page { reveal, activities, private, digest, subjects } => {
                    reveal.0 = numbers[&reveal.0].0;
                    let is_nobody = subjects.value().unwrap().is_empty();
                    assert!(
                        *private.value().unwrap() > 0 || is_nobody,
                        "a page without private activities has no subjects"
                    );
                    (*activities, *private, *digest) = (again(activities), again(private), again(digest));
                    *subjects = Commitment::new(Subjects::default(), salt(0));
                }
                _ => {}
            }
            match &mut record.outcome {
                Outcome::Removed { activities, ended_at, .. } => {
                    (*activities, *ended_at) = (again(activities), again(ended_at));
                }
                Outcome::Closed { private, .. } => *private = again(private),
                _ => {}
            }
            match &mut record.outcome {
                Outcome::Done { intent }
                | Outcome::Closed { intent, .. }
                | Outcome::Removed { intent, .. }
                | Outcome::Failed { intent, .. } => {
                    intent.0 = numbers[&intent.0].0;
                }
                _ => {}
            }
            records.push(record);
        }
        records
    }

    /// Returns every stored activity, read directly from the store as a permitted auditor reads it.
    pub(crate) fn everything(&self, node: Node) -> Vec<StoredActivity> {
        let directory = people(&[]).build(DirectoryRevision(1), at(0)).unwrap();
        let allowed = PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(true));
        let policy = changed(&PrivacyPolicy::initial(&admins()), allowed, Some(&directory)).unwrap();
        let policy = changed(&policy, PolicyChange::Grant(alias("root@contoso.com")), Some(&directory)).unwrap();
        let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
        let request = RevealRequest::new(user("root"), Query::all(), Duration::from_secs(60), audited);
        let id = RecordId(Uuid::nil());
        let pending = request.authorise(&policy, None, RevealId(Uuid::nil()), id, [salt(0), salt(0)], at(0)).unwrap();
        let recorded = pending.recorded(&Receipt::assertion(id, 1)).unwrap();
        let admission = recorded.permit_page(&policy, None, id, [0; 4].map(salt), at(0)).unwrap();
        let sealed = self.nodes[&node].store.revealed_page(admission, None, 10_000).unwrap();
        let (pending, more) = sealed.pending(10_000, id);
        assert_eq!(more, None);
        pending.recorded(&Receipt::assertion(id, 1)).unwrap().open(&policy, id, at(0)).unwrap()
    }

    /// Checks the library against the model after each step, on alternating nodes.
    pub(crate) fn check(&self, model: &Model) {
        let node = Node::BOTH[self.checks.fetch_add(1, Ordering::Relaxed) as usize % 2];
        let live = &self.nodes[&node];
        assert_eq!(self.now(), model.now());
        check_policy(&live.filter.policy().unwrap(), model);

        // D2, D4: every activity, with its decision.
        let stored = self.everything(node);
        let mut expected: Vec<&ExpectedActivity> = model.stored().iter().collect();
        expected.sort_by_key(|stored| std::cmp::Reverse((stored.activity.occurred_at(), stored.activity.id().clone())));
        assert_eq!(stored.len(), expected.len());
        for (stored, expected) in stored.iter().zip(&expected) {
            check_stored(stored, expected);
        }

        // V1 to V3, F1: the public activities, through every operation.
        let public: Vec<&Activity> = model.forwardable();
        let view = live.filter.view(&user("ann"));
        let page = view.page(&Query::all(), PageSize::MAX, None).unwrap();
        let seen: Vec<&Activity> = page.activities().iter().map(StoredActivity::activity).collect();
        let newest: Vec<&Activity> =
            expected.iter().map(|stored| &stored.activity).filter(|activity| public.contains(activity)).collect();
        assert!(page.activities().iter().all(|stored| stored.visibility() == Visibility::Public));
        assert_eq!(seen, newest);
        assert_eq!(view.count(&Query::all()).unwrap().total, public.len() as u64);
        let batch = live.filter.forward(&Offset::START, PageSize::MAX).unwrap();
        assert_eq!(batch.activities.iter().map(|public| public.activity()).collect::<Vec<_>>(), public);
        for id in all_activity_ids() {
            let found = view.activity(&id).unwrap();
            let expected = public.iter().find(|activity| *activity.id() == id);
            assert_eq!(found.as_ref().map(|found| found.activity()), expected.copied());
        }

        // D11: the removed groups kept for the next start.
        let mut kept: Vec<(GroupId, usize)> = live
            .store
            .removed_groups(None)
            .unwrap()
            .unwrap()
            .groups
            .iter()
            .map(|kept| (kept.group().clone(), kept.members().len()))
            .collect();
        kept.sort();
        assert_eq!(kept, model.kept(), "removed groups that are kept");

        // G1: every governance record.
        let records = self.canonical();
        for (at, (record, expected)) in records.iter().zip(model.records()).enumerate() {
            assert_eq!(record, expected, "record {}", at + 1);
        }
        assert_eq!(records.len(), model.records().len(), "{:?}", (records.last(), model.records().last()));
    }

    /// Checks the library against the model at the end of a history.
    pub(crate) fn check_all(&mut self, model: &Model) {
        for stored in model.stored() {
            let verdict = stored.decision.visibility();
            for cause in stored.decision.causes() {
                let cause = format!("{cause:?}");
                reached(format!("stored {verdict:?} because of {}", cause.split('(').next().unwrap()));
            }
            for reason in &stored.decision.reasons {
                match reason {
                    Reason::Member { group: GroupRef::Imported(_), role } => {
                        reached(format!("stored: member as {role:?}"))
                    }
                    Reason::Member { group, .. } => reached(format!("stored: member of {group:?}")),
                    Reason::Scope(_) => reached("stored: included by a scope rule"),
                    Reason::Undecidable(_) => {}
                }
            }
            reached(format!("stored {verdict:?}"));
        }
        for record in model.records() {
            reached(format!("record: {}, {}", record.kind(), record.outcome.kind()));
            if let Outcome::Removed { activities, .. } = &record.outcome {
                reached_times(format!("removed by {}", record.kind()), *activities.value().unwrap());
            }
        }
        // Each node finds everything after it restarts.
        for node in Node::BOTH {
            self.reveals.clear();
            self.nodes.remove(&node);
            let (store, sink) = self.backend.open();
            let line = Arc::new(Line::default());
            let filter = self.builder(&store, &line, &sink).open().unwrap();
            self.nodes.insert(node, Live { filter, store, sink, line });
        }
        self.check(model);
        self.check(model);
    }
}

/// Returns the commitment to the same value with the only salt that the model uses.
fn again<T: CommitmentText + Clone>(sealed: &Commitment<T>) -> Commitment<T> {
    Commitment::new(sealed.value().unwrap().clone(), salt(0))
}

fn shown(page: &Page) -> Vec<(ActivityId, Visibility)> {
    page.activities().iter().map(|stored| (stored.activity().id().clone(), stored.visibility())).collect()
}

fn check_policy(policy: &PrivacyPolicy, model: &Model) {
    fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        items.sort();
        items
    }
    assert_eq!(policy.revision(), model.revision());
    assert_eq!(policy.scope(), model.scope());
    assert_eq!(policy.private_groups().iter().cloned().collect::<Vec<_>>(), sorted(model.private_groups()));
    assert_eq!(policy.managed_domains().iter().cloned().collect::<Vec<_>>(), sorted(model.managed_domains()));
    let mut admins = model.admins().to_vec();
    admins.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(policy.admins().iter().map(|(user, role)| (user.clone(), *role)).collect::<Vec<_>>(), admins);
    let mut grants = model.grants().to_vec();
    grants.sort_by(|(a, _), (b, _)| a.cmp(b));
    assert_eq!(policy.grants().iter().map(|(user, grant)| (user.clone(), grant.clone())).collect::<Vec<_>>(), grants);
    assert_eq!(policy.options(), model.options());
}

fn check_stored(stored: &StoredActivity, expected: &ExpectedActivity) {
    let decision = stored.decision();
    let id = expected.activity.id().as_str();
    assert_eq!(*stored.activity(), expected.activity, "{id}");
    assert_eq!(
        Some(stored.visibility()),
        expected.decision.visibility(),
        "{id}: {:?} for {:?}",
        decision.reasons(),
        expected.decision
    );
    assert_eq!(decision.policy(), expected.policy, "{id}");
    assert_eq!(decision.directory(), expected.directory, "{id}");
    assert_eq!(decision.decided_at(), expected.decided_at, "{id}");
    let sorted = |reasons: &[Reason]| {
        let mut said: Vec<String> = reasons.iter().map(|reason| format!("{reason:?}")).collect();
        said.sort();
        said
    };
    assert_eq!(sorted(decision.reasons()), sorted(&expected.decision.reasons), "{id}: reasons");
}
