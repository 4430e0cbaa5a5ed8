//! Rules V2 and G2 of the governance log: an administrator who may not view private activities learns from it what they
//! would learn had the private activities never come.
//!
//! One run takes a random history as it is. Another takes the same history without what the first one stores as private, on
//! a store that takes another time to read and to remove. Everything that such an administrator can get is then equal byte
//! for byte, once each commitment is replaced by the number of its first appearance. Ids come from a counter, so they are
//! equal as they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fault;
mod house;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use activity_privacy::memory::MemoryDirectory;
use activity_privacy::*;
use fault::{Fault, FaultySink, FaultyStore, Log, Meanwhile, StoreFault};
use house::*;
use place::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use uuid::Uuid;

/// Root changes the policy and may not view; vera and victor may; ann is an admin and may not; the rest are people.
const ADMINS: [&str; 4] = ["root", "vera", "victor", "ann"];
const PEOPLE: [&str; 4] = ["adele", "bob", "carol", "dan"];
/// The clock goes by thousands of seconds between steps, and no store takes so long that a reveal ends within a step.
const LIFETIME: Duration = Duration::from_secs(9_500);

#[derive(Debug, Clone)]
enum Step {
    Deliver(Vec<(u8, u8)>),
    Private {
        group: u8,
        is_private: bool,
    },
    /// For each of two groups, who is in it; none where it is gone.
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
    Answer {
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
    /// At the next step only.
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

/// What somebody wants to see.
#[derive(Debug, Clone)]
struct Wish {
    viewer: u8,
    person: Option<u8>,
    private_only: bool,
    justified: bool,
}

impl Wish {
    fn request(&self) -> RevealRequest {
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

fn wishes() -> impl Strategy<Value = Wish> {
    (select(vec![1, 1, 1, 2, 0, 3]), proptest::option::weighted(0.3, 0..4_u8), any::<bool>(), any::<bool>())
        .prop_map(|(viewer, person, private_only, justified)| Wish { viewer, person, private_only, justified })
}

fn steps() -> impl Strategy<Value = Step> {
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
            .prop_map(|(request, by, answer)| Step::Answer { request, by, answer }),
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

fn admin(at: u8) -> UserId {
    user(ADMINS[usize::from(at)])
}

/// A filter over a store and a sink that fail on command, and what was seen of it.
struct World {
    filter: PrivacyFilter,
    store: Arc<FaultyStore>,
    sink: Arc<FaultySink>,
    directory: Arc<MemoryDirectory>,
    clock: Arc<AtomicI64>,
    /// What the clock shows between steps, however long they take.
    now: i64,
    revision: u64,
    reveals: Vec<(Reveal, Option<Cursor>)>,
    requests: Vec<(RequestId, Wish)>,
    observed: Vec<String>,
    hidden: BTreeSet<ActivityId>,
    /// How many private activities were shown, and how many hidden ones were gone after a removal.
    shown: usize,
    erased: usize,
}

impl World {
    /// `takes` is by how many seconds a call of the store moves the clock.
    fn new(place: &Place, takes: i64) -> Self {
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
        .ids(move || Uuid::from_u128(ids.fetch_add(1, Ordering::SeqCst).into()))
        .sink_limit(Duration::from_secs(60))
        // Whether store and log are compared depends on the clock, and a sink that fails at its next call then fails elsewhere.
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
            world.change(PolicyChange::SetAdmin(user(name), Role::Analyst));
        }
        for name in ["vera", "victor"] {
            world.change(PolicyChange::Grant(alias(&format!("{name}@contoso.com"))));
        }
        world.change(PolicyChange::ManageDomain(ManagedDomain::exactly(domain("contoso.com"))));
        world.change(PolicyChange::MakePrivate(group("group-0").into()));
        world.change(PolicyChange::SetOptions(OptionsPatch::new().max_reveal_lifetime(Some(LIFETIME))));
        assert!(world.filter.policy().unwrap().may_view_private(&user("root")).is_err());
        world
    }

    fn change(&mut self, change: PolicyChange) {
        let answer = self.filter.change(&user("root"), &change);
        self.tell(answer);
    }

    fn install(&mut self, groups: [Option<u8>; 2]) {
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

    /// What an administrator gets for an answer: of the answers themselves, and of the causes of an error.
    fn tell<T: std::fmt::Debug, E: std::error::Error>(&mut self, answer: Result<T, E>) {
        self.observed.push(match answer {
            Ok(answer) => format!("{answer:?}"),
            Err(error) => said(&error),
        });
    }

    /// What everybody hears of a permitted viewer's answer: that there was one, or the error.
    fn hear<T, E: std::error::Error>(&mut self, answer: Result<T, E>) -> Option<T> {
        match answer {
            Ok(answer) => {
                self.observed.push("answered".to_owned());
                Some(answer)
            }
            Err(error) => {
                self.observed.push(said(&error));
                None
            }
        }
    }

    fn take(&mut self, step: &Step, left_out: &BTreeSet<ActivityId>) {
        match step {
            Step::Deliver(batch) => {
                let activities = batch.iter().map(|(id, who)| activity(&format!("id-{id}"), PEOPLE[usize::from(*who)]));
                let rest: Vec<Activity> = activities.filter(|activity| !left_out.contains(activity.id())).collect();
                let answer = self.filter.ingest(&rest);
                self.hear(answer);
            }
            Step::Private { group: of, is_private } => {
                let of = GroupRef::from(group(&format!("group-{of}")));
                self.change(if *is_private { PolicyChange::MakePrivate(of) } else { PolicyChange::MakePublic(of) });
            }
            Step::Install(groups) => {
                self.install(*groups);
                let answer = self.filter.follow_directory();
                self.tell(answer);
            }
            Step::Options { approvals, justified, retention } => {
                let keep = |seconds| Duration::from_secs(seconds);
                let retention = retention.then(|| Retention::of_activities(keep(5_000)).and_of_records(keep(12_000)));
                let patch = OptionsPatch::new()
                    .approvals_required(*approvals)
                    .justification_required(*justified)
                    .retention(retention.transpose().unwrap());
                self.change(PolicyChange::SetOptions(patch));
            }
            Step::Permit { viewer, permitted } => {
                let name = alias(&format!("{}@contoso.com", ADMINS[usize::from(*viewer)]));
                let revoke = PolicyChange::Revoke(admin(*viewer).into());
                self.change(if *permitted { PolicyChange::Grant(name) } else { revoke });
            }
            Step::Open(wish) => {
                let answer = self.filter.reveal(wish.request());
                self.opened(answer);
            }
            Step::Turn { reveal, size } => {
                if let Some(slot) = slot(*reveal, self.reveals.len()) {
                    let (reveal, cursor) = &mut self.reveals[slot];
                    // From the beginning again where there is no next page: as many calls, however much there is.
                    let answer = reveal.page(PageSize::at_most(*size), cursor.take().as_ref());
                    *cursor = answer.as_ref().ok().and_then(|page| page.next().cloned());
                    let page = self.hear(answer);
                    let shown = page.iter().flat_map(|page| page.activities());
                    self.shown += shown.filter(|stored| stored.visibility() == Visibility::Private).count();
                    self.observed.push(format!("{:?}", self.reveals[slot].0));
                }
            }
            Step::Close(reveal) => {
                if let Some(slot) = slot(*reveal, self.reveals.len()) {
                    let answer = self.reveals.remove(slot).0.close();
                    self.hear(answer);
                }
            }
            Step::Ask(wish) => {
                let answer = self.filter.request_reveal(&wish.request());
                let id = self.hear(answer);
                self.requests.extend(id.map(|id| (id, wish.clone())));
            }
            Step::Answer { request, by, answer } => {
                if let Some(slot) = slot(*request, self.requests.len()) {
                    let answer = [Answer::Approve, Answer::Deny, Answer::Withdraw][usize::from(*answer)];
                    let answer = self.filter.answer_request(&admin(*by), self.requests[slot].0, answer);
                    self.hear(answer);
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
                self.tell(answer);
            }
            Step::Retain => {
                let answer = self.filter.apply_retention();
                self.tell(answer);
            }
            Step::Forget { by, nth } => {
                let records = self.sink.durable();
                let record = records[records.len() - 1 - usize::from(*nth) % records.len()].id;
                let answer = self.filter.forget(&admin(*by), record);
                self.tell(answer);
            }
            Step::DryRun { by, group: of } => {
                let change = PolicyChange::MakePrivate(group(&format!("group-{of}")).into());
                let counts = self.filter.dry_run(&admin(*by), &change, 0);
                self.tell(counts);
                let answer = self.filter.dry_run(&admin(*by), &change, 3);
                self.tell(answer);
            }
            Step::Read(by) => {
                let answer = self.filter.governance(&admin(*by), &RecordQuery::default(), 0, PageSize::MAX);
                self.hear(answer);
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

    fn opened(&mut self, answer: Result<Reveal, RevealError>) {
        if let Some(reveal) = self.hear(answer) {
            self.observed.push(format!("{reveal:?}"));
            self.reveals.push((reveal, None));
        }
    }

    /// What is stored as private, read from behind the library.
    fn private_ids(&self) -> BTreeSet<ActivityId> {
        let directory = people(&[]).build(DirectoryRevision(1), at(0)).unwrap();
        let grant = PolicyChange::Grant(alias("root@contoso.com"));
        let allowed = PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(true));
        let policy = changed(&PrivacyPolicy::initial(&admins()), allowed, Some(&directory)).unwrap();
        let policy = changed(&policy, grant, Some(&directory)).unwrap();
        let id = RecordId(Uuid::nil());
        let pending = reveal_all("root").authorise(&policy, None, RevealId(id.0), id, [0, 1].map(salt), at(0)).unwrap();
        let recorded = pending.recorded(&Receipt::assertion(id, 1)).unwrap();
        let admission = recorded.admit(&policy, None, id, [2, 3, 4, 5].map(salt), at(0)).unwrap();
        let (page, _) = self.store.inner.revealed_page(admission, None, 10_000).unwrap().pending(10_000, id);
        let all = page.recorded(&Receipt::assertion(id, 1)).unwrap().open(&policy, id, at(0)).unwrap();
        let private = all.into_iter().filter(|stored| stored.visibility() == Visibility::Private);
        private.map(|stored| stored.activity().id().clone()).collect()
    }

    /// Everything that root can read, of a store and a sink that answer.
    fn look(&mut self) {
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
                let found = self.filter.governance(&root, query, after, PageSize::at_most(size)).unwrap();
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
        // What a ledger signs and exports without openings.
        #[cfg(feature = "ledger")]
        for entry in self.sink.records(&any(), 0, usize::MAX).unwrap() {
            seen.push(ledger::Leaf::of(&entry).unwrap().as_str().to_owned());
        }
        self.observed.extend(seen);
    }
}

const KINDS: [RecordKind; 14] = [
    RecordKind::PolicyChange,
    RecordKind::DryRun,
    RecordKind::Redaction,
    RecordKind::Grant,
    RecordKind::Revocation,
    RecordKind::Reveal,
    RecordKind::Page,
    RecordKind::RevealRequest,
    RecordKind::Approval,
    RecordKind::Erasure,
    RecordKind::Retention,
    RecordKind::SinkChange,
    RecordKind::GovernanceRead,
    RecordKind::Directory,
];

const OUTCOMES: [OutcomeKind; 5] =
    [OutcomeKind::Intended, OutcomeKind::Done, OutcomeKind::Noted, OutcomeKind::Failed, OutcomeKind::Refused];

fn slot(which: u8, of: usize) -> Option<usize> {
    (of > 0).then(|| usize::from(which) % of)
}

fn said(error: &dyn std::error::Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        said += &format!(": {error}");
        source = error.source();
    }
    said
}

/// What comes before a commitment, in JSON and in `Debug`, and before a salt that every reader of the log is told, which is
/// that of a justification; and how long each is.
const RANDOM: [(&str, usize); 3] = [(r#""sha256":""#, 64), ("sha256: Digest(", 64), (r#""salt":""#, 32)];

/// Replaces each commitment and each salt by the number of its first appearance. Nothing else: another digest is not one.
fn numbered(observed: &[String]) -> Vec<String> {
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut number = |text: &String| {
        let (mut out, mut rest) = (String::new(), text.as_str());
        let next =
            |rest: &str| RANDOM.iter().filter_map(|(mark, size)| Some((rest.find(mark)? + mark.len(), *size))).min();
        while let Some((begin, size)) = next(rest) {
            let (before, from) = rest.split_at(begin);
            let (random, after) = from.split_at(size);
            let number = numbers.len();
            out += &format!("{before}#{}", numbers.entry(random.to_owned()).or_insert(number));
            rest = after;
        }
        out + rest
    };
    observed.iter().map(&mut number).collect()
}

/// Where two texts begin to differ.
fn difference(one: &str, other: &str) -> String {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        String::from_utf8_lossy(&text.as_bytes()[same.saturating_sub(300)..text.len().min(same + 200)]).into_owned()
    };
    format!("\nwith: {}\nwithout: {}", around(one), around(other))
}

fn run(place: &Place, takes: i64, history: &[Step], left_out: &BTreeSet<ActivityId>) -> World {
    let mut world = World::new(place, takes);
    for (nth, step) in history.iter().enumerate() {
        world.take(step, left_out);
        if nth % 16 == 15 {
            world.look();
        }
    }
    world.look();
    world
}

fn interferes_nowhere(make: fn() -> Place, history: &[Step]) -> Result<(), TestCaseError> {
    let (with, without) = (make(), make());
    // So little that a reveal does not end earlier for it: what passes while its pages are read adds up.
    let with = run(&with, 1, history, &BTreeSet::new());
    let without = run(&without, 0, history, &with.hidden);
    prop_assert!(without.hidden.is_empty(), "the second run stores nothing private");
    for (with, without) in numbered(&with.observed).iter().zip(&numbered(&without.observed)) {
        prop_assert!(with == without, "{}", difference(with, without));
    }
    prop_assert_eq!(with.observed.len(), without.observed.len());
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("ACTIVITY_PRIVACY_CASES").map_or(cases, |cases| cases.parse().expect("a number"));
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn v2_log_in_memory_tells_no_hidden_row(history in vec(steps(), 0..60)) {
        interferes_nowhere(Place::in_memory, &history)?;
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn v2_log_in_sqlite_tells_no_hidden_row(history in vec(steps(), 0..60)) {
        interferes_nowhere(Place::in_sqlite, &history)?;
    }
}

/// The property says something only if histories show private activities, remove some, refuse pages, and fail.
#[test]
fn v2_histories_show_remove_refuse_and_fail() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut shown, mut erased, mut approved, mut met) = (0, 0, 0, BTreeMap::new());
    for _ in 0..60 {
        let history = vec(steps(), 30..60).new_tree(&mut runner).unwrap().current();
        let world = run(&Place::in_memory(), 0, &history, &BTreeSet::new());
        (shown, erased) = (shown + world.shown, erased + world.erased);
        for record in world.sink.durable() {
            let with_approval = matches!(&record.act, Act::Reveal(summary) if summary.request.is_some());
            approved += usize::from(with_approval && record.outcome == Outcome::Intended);
            *met.entry((record.kind().to_string(), record.outcome.kind().to_string())).or_insert(0) += 1;
        }
    }
    let times = |kind: &str, outcome: &str| met.get(&(kind.to_owned(), outcome.to_owned())).copied().unwrap_or(0);
    assert!(shown > 150 && erased > 100 && approved > 0, "{shown} shown, {erased} removed, {approved} approved");
    for (kind, outcome) in [
        ("page", "intended"),
        ("page", "refused"),
        ("reveal", "done"),
        ("reveal", "refused"),
        ("reveal request", "done"),
        ("approval", "done"),
        ("approval", "refused"),
        ("erasure", "done"),
        ("erasure", "failed"),
        ("erasure", "refused"),
        ("retention", "done"),
        ("directory", "noted"),
    ] {
        assert!(times(kind, outcome) > 0, "no {kind} {outcome}: {met:?}");
    }
}

/// A house with something private, in which root and eve are administrators, and eve may not view private activities.
fn furnished(house: &House) {
    house.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    house.change(PolicyChange::SetAdmin(user("eve"), Role::PrivacyAdministrator)).permit_root();
    house.ingest(&[activity("a-1", "adele"), activity("a-2", "adele"), activity("b-1", "bob")]);
}

/// Every form in which eve reads the log.
fn read_by_eve(house: &House) -> Vec<String> {
    let found = house.filter.governance(&user("eve"), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
    vec![format!("{found:?}"), serde_json::to_string(&found).unwrap()]
}

/// A clock that goes on while the store works, and shows the same time again when the caller is back.
#[test]
fn v2_records_tell_no_time_that_store_took() {
    for make in PLACES {
        let seen = [0, 1, 40].map(|takes| {
            let place = make();
            let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
            let house = House::repeatable(Arc::clone(&store) as Arc<dyn ActivityStore>);
            let clock = Arc::clone(&house.clock);
            store.while_it_works(move || {
                clock.fetch_add(takes, Ordering::SeqCst);
            });
            furnished(&house);
            let back = |seconds| house.clock.store(seconds, Ordering::SeqCst);
            let mut reveal = house.filter.reveal(reveal_all("root")).unwrap();
            for seconds in 1..4 {
                back(seconds);
                reveal.page(PageSize::at_most(2), None).unwrap();
            }
            back(4);
            reveal.close().unwrap();
            back(5);
            house.erase(Subject::of(user("adele")));
            back(6);
            store.fault_in(2, StoreFault::FailsLate);
            house.filter.erase(&user("root"), Subject::of(user("bob"))).unwrap_err();
            back(7);
            let _receipt = house.filter.forget(&user("root"), house.records().last().unwrap().record.id).unwrap();
            let ended: Vec<_> = house.records().iter().filter_map(|entry| ended_at(&entry.record.outcome)).collect();
            assert!(takes == 0 || ended[0] > at(5) && ended[1] > at(6), "the time is there, sealed: {ended:?}");
            numbered(&read_by_eve(&house))
        });
        assert_eq!(seen[0], seen[1]);
        assert_eq!(seen[0], seen[2]);
    }
}

fn ended_at(outcome: &Outcome) -> Option<chrono::DateTime<chrono::Utc>> {
    match outcome {
        Outcome::Removed { ended_at, .. } | Outcome::RemovedInPart { ended_at, .. } => ended_at.value().copied(),
        _ => None,
    }
}

/// A page that was refused at the last moment, too, says nothing of how long it took until then.
#[test]
fn v2_page_refused_at_last_moment_tells_no_time() {
    let seen = [0, 500].map(|takes| {
        let sink = Arc::new(Meanwhile::default());
        let house = House::over(Place::in_memory().store, Arc::clone(&sink) as Arc<dyn GovernanceSink>);
        furnished(&house);
        let mut reveal = house.filter.reveal(reveal_all("root")).unwrap();
        let (filter, clock) = (house.filter.clone(), Arc::clone(&house.clock));
        sink.then(move || {
            filter.change(&user("eve"), PolicyChange::Revoke(user("root").into())).unwrap();
            clock.fetch_add(takes, Ordering::SeqCst);
        });
        let error = reveal.page(PageSize::MAX, None).unwrap_err();
        assert!(matches!(error, RevealError::Denied(Denial::NotPermitted)), "{error:?}");
        let last = house.records().pop().unwrap().record;
        assert!(matches!(last.outcome, Outcome::Failed { cause: Failure::Denied(_), .. }), "{last:?}");
        let Act::Page { private, .. } = &last.act else { panic!("not a page") };
        assert_eq!(private.value(), None, "the record of the page says it");
        last.at
    });
    assert_eq!(seen, [at(0), at(0)]);
}

/// Root may view, and is told; eve is told that there is something to be told, every time in the same form.
#[test]
fn g2_openings_go_to_readers_who_may_view() {
    for place in places() {
        let house = place.house();
        furnished(&house);
        let mut reveal = house.filter.reveal(reveal_all("root")).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.close().unwrap();
        house.advance(4_000);
        let mut late = house.filter.reveal(reveal_all("root")).unwrap();
        house.advance(4_000);
        late.page(PageSize::MAX, None).unwrap_err();
        house.erase(Subject::of(user("adele")));
        house.erase(Subject::of(user("adele")));
        let ids = ["a-2", "a-1"].map(|id| id.parse::<ActivityId>().unwrap());
        for (reader, may_view) in [("root", true), ("eve", false)] {
            let (mut pages, mut closings, mut removals) = (Vec::new(), Vec::new(), Vec::new());
            for entry in house.filter.governance(&user(reader), &RecordQuery::default(), 0, PageSize::MAX).unwrap() {
                match (&entry.record.act, &entry.record.outcome) {
                    (Act::Page { activities, private, digest, subjects, .. }, _) => {
                        assert_eq!(subjects.value(), None, "nobody is told whose");
                        pages.push((activities.value().copied(), private.value().copied(), digest.is_of_ids(&ids)));
                    }
                    (_, Outcome::Closed { private, pages, .. }) => closings.push((*pages, private.value().copied())),
                    (_, Outcome::Removed { activities, ended_at, .. }) => {
                        removals.push((activities.value().copied(), ended_at.value().copied()));
                    }
                    _ => {}
                }
            }
            let told = |value| Some(value).filter(|_| may_view);
            assert_eq!(pages, [(told(3), told(2), may_view), (told(0), told(0), false)], "{reader}");
            assert_eq!(closings, [(1, told(2))], "{reader}");
            let at_end = Some(at(8_000)).filter(|_| may_view);
            assert_eq!(removals, [(told(2), at_end), (told(0), at_end)], "{reader}");
        }
    }
}

/// A counter gives ids that everybody can guess. No salt is one, or can be made of one, so no commitment is opened so.
#[test]
fn g2_no_commitment_is_opened_with_guessed_ids() {
    let lived = || {
        let house = House::repeatable(Place::in_memory().store);
        furnished(&house);
        let wish = reveal_all("root").because(Justification::new("case 17").unwrap());
        let _request = house.filter.request_reveal(&wish).unwrap();
        let mut reveal = house.filter.reveal(wish).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.page(PageSize::MAX, None).unwrap();
        reveal.close().unwrap();
        house.erase(Subject::of(user("adele")));
        house.records()
    };
    let (once, again) = (lived(), lived());
    let ids = |records: &[RecordEntry]| records.iter().map(|entry| entry.record.id).collect::<Vec<_>>();
    assert_eq!(ids(&once), ids(&again), "the ids are the same");
    let (once, again) = (openings(&once), openings(&again));
    assert_eq!((once.len(), again.len()), (15, 15));
    let all: BTreeSet<&String> = once.iter().chain(&again).map(|(commitment, _)| commitment).collect();
    assert_eq!(all.len(), 30, "each run commits anew, and no two values with one salt");
    let salts: BTreeSet<&String> = once.iter().chain(&again).map(|(_, salt)| salt).collect();
    assert_eq!(salts.len(), 30, "no salt is used twice");
    // What a reader can try: every id that was or will be given, as it is and as 32 digits, with every small number.
    for guess in (0..200).map(Uuid::from_u128) {
        for number in 0_u64..10 {
            let guessed = Sealed::new(number, Salt::from_bytes(guess.into_bytes())).commitment().to_string();
            assert!(!all.contains(&guessed), "opened with {guess} and {number}");
        }
        assert!(!salts.contains(&guess.simple().to_string()));
    }
}

/// Each commitment in some records that has an opening, with the salt.
fn openings(records: &[RecordEntry]) -> Vec<(String, String)> {
    fn of(value: &serde_json::Value, found: &mut Vec<(String, String)>) {
        if let (Some(commitment), Some(opening)) = (value.get("sha256"), value.get("opening")) {
            found.push((commitment.as_str().unwrap().to_owned(), opening["salt"].as_str().unwrap().to_owned()));
        }
        let members = value.as_object().into_iter().flat_map(|members| members.values());
        let entries = value.as_array().into_iter().flatten();
        members.chain(entries).for_each(|value| of(value, found));
    }
    let mut found = Vec::new();
    of(&serde_json::to_value(records).unwrap(), &mut found);
    found
}
