//! Applies a history to a filter, and collects what an administrator without the permission can read.

use super::*;
use activity_privacy::activity::Activity;
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
use activity_privacy::engine::Visibility;
use activity_privacy::export::RecordFormat;
use activity_privacy::filter::{PrivacyFilter, Reveal, RevealError};
use activity_privacy::governance::{
    ApprovalDecision, GovernanceSink, OutcomeKind, Receipt, RecordId, RecordKind, RecordQuery, RequestId, RevealId,
    WriteOnlySink,
};
use activity_privacy::identity::Subject;
use activity_privacy::policy::{GroupRef, ManagedDomain, OptionsPatch, PolicyChange, PrivacyPolicy, Retention, Role};
use activity_privacy::query::{Cursor, PageSize};
use activity_privacy::store::ActivityStore;

/// A filter over a store and a sink that fail on command, and the observed answers.
pub(crate) struct World {
    pub(crate) filter: PrivacyFilter,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) sink: Arc<FaultySink>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) clock: Arc<AtomicI64>,
    /// The time between steps, independent of their duration.
    pub(crate) now: i64,
    pub(crate) revision: u64,
    pub(crate) reveals: Vec<(Reveal, Option<Cursor>)>,
    pub(crate) requests: Vec<(RequestId, Wish)>,
    pub(crate) observed: Vec<String>,
    pub(crate) hidden: BTreeSet<ActivityId>,
    /// The number of private activities shown, and of hidden ones that a removal deleted.
    pub(crate) shown: usize,
    pub(crate) erased: usize,
}

impl World {
    /// Each call of the store advances the clock by `takes` seconds.
    pub(crate) fn new(place: &Place, takes: i64) -> Self {
        let (log, clock) = (Log::default(), Arc::new(AtomicI64::new(0)));
        let store = FaultyStore::new(Arc::clone(&place.store), &log);
        let sink = FaultySink::over(Arc::clone(&place.sink), &log);
        let (directory, ids) = (Arc::new(MemoryDirectory::new()), AtomicU64::new(1));
        let (now, works) = (Arc::clone(&clock), Arc::clone(&clock));
        store.while_it_works(move || {
            works.fetch_add(takes, Ordering::SeqCst);
        });
        let filter = PrivacyFilter::builder(
            Arc::clone(&store) as Arc<dyn ActivityStore>,
            Arc::clone(&directory),
            Arc::clone(&sink) as Arc<dyn GovernanceSink>,
        )
        .clock(move || at(now.load(Ordering::SeqCst)))
        .id_source(move || Uuid::from_u128(ids.fetch_add(1, Ordering::SeqCst).into()))
        .sink_timeout(Duration::from_secs(60))
        // The clock determines whether the filter compares store and log, and a sink that fails at its next call then
        // fails elsewhere.
        .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
        .open_or_initialize(admins())
        .unwrap();
        let mut world = Self {
            filter,
            store,
            sink,
            directory,
            clock,
            now: 0,
            revision: 0,
            reveals: Vec::new(),
            requests: Vec::new(),
            observed: Vec::new(),
            hidden: BTreeSet::new(),
            shown: 0,
            erased: 0,
        };
        world.install([Some(0b0011), Some(0b0100)]);
        for name in ["vera", "victor", "ann"] {
            world.update_policy(PolicyChange::SetAdmin(user(name), Role::Analyst));
        }
        for name in ["vera", "victor"] {
            world.update_policy(PolicyChange::Grant(alias(&format!("{name}@contoso.com"))));
        }
        world.update_policy(PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))));
        world.update_policy(PolicyChange::MakePrivate(group("group-0").into()));
        world.update_policy(PolicyChange::SetOptions(OptionsPatch::new().max_reveal_lifetime(Some(LIFETIME))));
        assert!(world.filter.policy().unwrap().may_view_private(&user("root")).is_err());
        world
    }

    pub(crate) fn update_policy(&mut self, change: PolicyChange) {
        let answer = self.filter.update_policy(&user("root"), &change);
        self.observe(answer);
    }

    pub(crate) fn install(&mut self, groups: [Option<u8>; 2]) {
        self.revision += 1;
        let mut builder = DirectoryBuilder::new();
        for name in ADMINS.iter().chain(&PEOPLE) {
            builder = builder.user(contoso(name));
        }
        for (at, members) in groups.iter().enumerate() {
            let Some(members) = members else { continue };
            let id = group(&format!("group-{at}"));
            builder = builder.group(id.clone(), "shown");
            for (_, name) in PEOPLE.iter().enumerate().filter(|(bit, _)| members >> bit & 1 == 1) {
                builder = builder.member(&id, &user(name));
            }
        }
        self.directory.install(builder.build(DirectoryRevision(self.revision), at(self.now)).unwrap()).unwrap();
    }

    /// Records the answer that an administrator gets: the value, or the error and its causes.
    pub(crate) fn observe<T: std::fmt::Debug, E: std::error::Error>(&mut self, answer: Result<T, E>) {
        self.observed.push(match answer {
            Ok(answer) => format!("{answer:?}"),
            Err(error) => error_text(&error),
        });
    }

    /// Records what every user can observe of a permitted viewer's answer: its presence, or the error.
    pub(crate) fn observe_presence<T, E: std::error::Error>(&mut self, answer: Result<T, E>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.observed.push("answered".to_owned());
                Some(answer)
            }
            Err(error) => {
                self.observed.push(error_text(&error));
                None
            }
        }
    }

    pub(crate) fn take(&mut self, step: &Step, left_out: &BTreeSet<ActivityId>) {
        match step {
            Step::Deliver(batch) => {
                let activities = batch.iter().map(|(id, who)| activity(&format!("id-{id}"), PEOPLE[usize::from(*who)]));
                let rest: Vec<Activity> = activities.filter(|activity| !left_out.contains(activity.id())).collect();
                let answer = self.filter.ingest(&rest);
                self.observe_presence(answer);
            }
            Step::Private { group: of, is_private } => {
                let of = GroupRef::from(group(&format!("group-{of}")));
                self.update_policy(if *is_private {
                    PolicyChange::MakePrivate(of)
                } else {
                    PolicyChange::MakePublic(of)
                });
            }
            Step::Install(groups) => {
                self.install(*groups);
                let answer = self.filter.reconcile_directory();
                self.observe(answer);
            }
            Step::Options { approvals, justified, retention } => {
                let keep = |seconds| Duration::from_secs(seconds);
                let retention = retention.then(|| Retention::of_activities(keep(5_000)).and_of_records(keep(12_000)));
                let patch = OptionsPatch::new()
                    .approvals_required(*approvals)
                    .justification_required(*justified)
                    .retention(retention.transpose().unwrap());
                self.update_policy(PolicyChange::SetOptions(patch));
            }
            Step::Permit { viewer, permitted } => {
                let name = alias(&format!("{}@contoso.com", ADMINS[usize::from(*viewer)]));
                let revoke = PolicyChange::Revoke(admin(*viewer).into());
                self.update_policy(if *permitted { PolicyChange::Grant(name) } else { revoke });
            }
            Step::Open(wish) => {
                let answer = self.filter.reveal(wish.request());
                self.opened(answer);
            }
            Step::Turn { reveal, size } => {
                if let Some(slot) = slot(*reveal, self.reveals.len()) {
                    let (reveal, cursor) = &mut self.reveals[slot];
                    // Starts again from the beginning if there is no next page, so that the number of calls does not
                    // depend on the number of rows.
                    let answer = reveal.page(PageSize::at_most(*size), cursor.take().as_ref());
                    *cursor = answer.as_ref().ok().and_then(|page| page.next().cloned());
                    let page = self.observe_presence(answer);
                    let shown = page.iter().flat_map(|page| page.activities());
                    self.shown += shown.filter(|stored| stored.visibility() == Visibility::Private).count();
                    self.observed.push(format!("{:?}", self.reveals[slot].0));
                }
            }
            Step::Close(reveal) => {
                if let Some(slot) = slot(*reveal, self.reveals.len()) {
                    let answer = self.reveals.remove(slot).0.close();
                    self.observe_presence(answer);
                }
            }
            Step::Ask(wish) => {
                let answer = self.filter.request_reveal(&wish.request());
                let id = self.observe_presence(answer);
                self.requests.extend(id.map(|id| (id, wish.clone())));
            }
            Step::ApprovalDecision { request, by, answer } => {
                if let Some(slot) = slot(*request, self.requests.len()) {
                    let answer = [ApprovalDecision::Approve, ApprovalDecision::Deny, ApprovalDecision::Withdraw]
                        [usize::from(*answer)];
                    let answer = self.filter.decide_request(&admin(*by), self.requests[slot].0, answer);
                    self.observe_presence(answer);
                }
            }
            Step::OpenApproved(request) => {
                if let Some(slot) = slot(*request, self.requests.len()) {
                    let (id, wish) = &self.requests[slot];
                    let answer = self.filter.reveal_approved(wish.request(), *id);
                    self.opened(answer);
                }
            }
            Step::Erase { by, person } => {
                let subject = Subject::of(user(PEOPLE[usize::from(*person)]));
                let answer = self.filter.erase(&admin(*by), subject);
                self.observe(answer);
            }
            Step::Retain => {
                let answer = self.filter.apply_retention();
                self.observe(answer);
            }
            Step::Forget { by, nth } => {
                let records = self.sink.durable();
                let record = records[records.len() - 1 - usize::from(*nth) % records.len()].id;
                let answer = self.filter.redact(&admin(*by), record);
                self.observe(answer);
            }
            Step::DryRun { by, group: of } => {
                let change = PolicyChange::MakePrivate(group(&format!("group-{of}")).into());
                let counts = self.filter.dry_run(&admin(*by), &change, 0);
                self.observe(counts);
                let answer = self.filter.dry_run(&admin(*by), &change, 3);
                self.observe(answer);
            }
            Step::Read(by) => {
                let answer = self.filter.governance_records(&admin(*by), &RecordQuery::default(), 0, PageSize::MAX);
                self.observe_presence(answer);
            }
            Step::SinkFails { call, fault } => return self.sink.fault_in(*call, *fault),
            Step::StoreFails { call, fault } => return self.store.fault_in(*call, *fault),
            Step::Advance(seconds) => self.now += seconds,
        }
        self.sink.recover();
        self.store.recover();
        self.clock.store(self.now, Ordering::SeqCst);
        if matches!(step, Step::Deliver(_) | Step::Erase { .. } | Step::Retain) {
            let there = self.private_ids();
            if !matches!(step, Step::Deliver(_)) {
                self.erased += self.hidden.iter().filter(|id| !there.contains(id)).count();
            }
            self.hidden.extend(there);
        }
    }

    pub(crate) fn opened(&mut self, answer: Result<Reveal, RevealError>) {
        if let Some(reveal) = self.observe_presence(answer) {
            self.observed.push(format!("{reveal:?}"));
            self.reveals.push((reveal, None));
        }
    }

    /// Returns the ids stored as private, read directly from the store.
    pub(crate) fn private_ids(&self) -> BTreeSet<ActivityId> {
        let directory = people(&[]).build(DirectoryRevision(1), at(0)).unwrap();
        let grant = PolicyChange::Grant(alias("root@contoso.com"));
        let allowed = PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(true));
        let policy = changed(&PrivacyPolicy::initial(&admins()), allowed, Some(&directory)).unwrap();
        let policy = changed(&policy, grant, Some(&directory)).unwrap();
        let id = RecordId(Uuid::nil());
        let pending = reveal_all("root").authorise(&policy, None, RevealId(id.0), id, [0, 1].map(salt), at(0)).unwrap();
        let recorded = pending.recorded(&Receipt::assertion(id, 1)).unwrap();
        let admission = recorded.permit_page(&policy, None, id, [2, 3, 4, 5].map(salt), at(0)).unwrap();
        let (page, _) = self.store.inner.revealed_page(admission, None, 10_000).unwrap().pending(10_000, id);
        let all = page.recorded(&Receipt::assertion(id, 1)).unwrap().open(&policy, id, at(0)).unwrap();
        let private = all.into_iter().filter(|stored| stored.visibility() == Visibility::Private);
        private.map(|stored| stored.activity().id().clone()).collect()
    }

    /// Records everything that root can read, with a store and a sink that answer.
    pub(crate) fn observe_all(&mut self) {
        self.sink.recover();
        self.store.recover();
        let root = user("root");
        let any = RecordQuery::default;
        let mut queries = vec![any(), RecordQuery { from: Some(at(1)), until: Some(at(self.now)), ..any() }];
        queries.extend(KINDS.map(|kind| RecordQuery { kind: Some(kind), ..any() }));
        queries.extend(OUTCOMES.map(|outcome| RecordQuery { outcome: Some(outcome), ..any() }));
        queries.extend(ADMINS.map(|name| RecordQuery { initiator: Some(user(name)), ..any() }));
        let targets = self.sink.durable().into_iter().flat_map(|record| record.targets());
        let targets: BTreeSet<String> = targets.collect();
        queries.extend(targets.into_iter().map(|target| RecordQuery { target: Some(target), ..any() }));
        let mut seen = Vec::new();
        for query in &queries {
            for (after, size) in [(0, 1_000), (7, 3)] {
                let found = self.filter.governance_records(&root, query, after, PageSize::at_most(size)).unwrap();
                seen.push(format!("{found:?}"));
                seen.push(serde_json::to_string(&found).unwrap());
            }
            #[cfg(feature = "export")]
            for format in [RecordFormat::JsonLines, RecordFormat::Ocsf] {
                let mut file = Vec::new();
                self.filter.export_governance(&root, query, format, &mut file).unwrap();
                seen.push(String::from_utf8(file).unwrap());
            }
        }
        for (request, _) in &self.requests {
            let approvals = self.filter.approvals(&root, *request).unwrap();
            let status = approvals.status(&self.filter.policy().unwrap(), at(self.now));
            seen.push(format!("{approvals:?} {status:?}"));
            seen.push(serde_json::to_string(&approvals.asked().map(|(_, asked)| asked)).unwrap());
        }
        // The records that a ledger signs and exports, with redacted commitments.
        #[cfg(feature = "ledger")]
        for entry in self.sink.records(&any(), 0, usize::MAX).unwrap() {
            seen.push(activity_privacy::ledger::Leaf::of(&entry).unwrap().as_str().to_owned());
        }
        self.observed.extend(seen);
    }
}

pub(crate) const KINDS: [RecordKind; 15] = [
    RecordKind::PolicyChange,
    RecordKind::DryRun,
    RecordKind::Redaction,
    RecordKind::Grant,
    RecordKind::Revocation,
    RecordKind::Reveal,
    RecordKind::Page,
    RecordKind::Export,
    RecordKind::RevealRequest,
    RecordKind::Approval,
    RecordKind::Erasure,
    RecordKind::Retention,
    RecordKind::SinkChange,
    RecordKind::GovernanceRead,
    RecordKind::Directory,
];

pub(crate) const OUTCOMES: [OutcomeKind; 5] =
    [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Observed, OutcomeKind::Failed, OutcomeKind::Refused];

pub(crate) fn slot(which: u8, of: usize) -> Option<usize> {
    (of > 0).then(|| usize::from(which) % of)
}

pub(crate) fn error_text(error: &dyn std::error::Error) -> String {
    let mut error_text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        error_text += &format!(": {error}");
        source = error.source();
    }
    error_text
}
