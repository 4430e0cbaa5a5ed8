//! The life of one set of files: round after round of children that are killed on it, and what has to be true between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::thread;
use std::time::Duration;

use activity_privacy::*;
use tempfile::TempDir;

use super::chance::Chance;
use super::child::{BEFORE, everybody};
use super::files::{self, Files, Lying};
use super::round::{Running, Said};
use super::word::{Answer, Call, Item, Told, Word, name};
use crate::house::{House, activity, group, user};
use crate::place::folder;

/// Files, what was said of them, and what was seen in them.
pub(crate) struct Life {
    folder: TempDir,
    children: usize,
    /// What children were answered since the files were last looked into.
    told: Answers,
    /// What later children deliver again.
    before: Vec<Item>,
    /// Ids that somebody was told are stored now, which happens once.
    stored: BTreeSet<String>,
    /// What was in the files when they were last looked into: it stays.
    activities: BTreeMap<String, Lying>,
    policies: BTreeMap<u64, PrivacyPolicy>,
    records: Vec<RecordEntry>,
    /// How far a forwarder has come that outlives all kills, and what it was given.
    place: ForwardCursor,
    forwarded: BTreeSet<String>,
    /// The revision on the last of it.
    newest: u64,
}

#[derive(Default)]
struct Answers {
    ingested: Vec<Ingested>,
    /// Per batch without an answer, what was delivered in it for the first time.
    interrupted: Vec<Vec<Item>>,
    changed: Vec<u64>,
    shown: Vec<(RevealId, Vec<(String, Visibility)>)>,
    closed: Vec<(RevealId, u64, u64)>,
}

struct Ingested {
    batch: Vec<Item>,
    floor: u64,
    deliveries: Vec<Told>,
}

/// How much was put to the test.
#[derive(Default)]
pub(crate) struct Summary {
    pub(crate) kills: u64,
    lives: usize,
    looks: usize,
    activities_told: usize,
    activities_lying: usize,
    changes: usize,
    pages: usize,
    private_shown: usize,
    interrupted: [usize; 2],
    forwarded: usize,
    records: usize,
    amid: BTreeMap<&'static str, usize>,
}

impl Life {
    pub(crate) fn begin() -> Self {
        Self {
            folder: folder(),
            children: 0,
            told: Answers::default(),
            before: Vec::new(),
            stored: BTreeSet::new(),
            activities: BTreeMap::new(),
            policies: BTreeMap::new(),
            records: Vec::new(),
            place: ForwardCursor::START,
            forwarded: BTreeSet::new(),
            newest: 0,
        }
    }

    /// One child, or two at once, killed after a while; then, mostly, a look into the files. Without it the next child is
    /// the first to open what the kill left behind.
    pub(crate) fn round(&mut self, chance: &mut Chance, summary: &mut Summary) {
        fs::write(self.folder.path().join(BEFORE), serde_json::to_vec(&self.before).unwrap()).unwrap();
        let fresh = self.children == 0;
        let first = self.start(chance);
        let second = chance.one_in(4).then(|| self.start(chance));
        if fresh && !chance.one_in(4) {
            // While the files are made and the policy is founded.
            thread::sleep(Duration::from_micros(chance.below(12_000)));
        } else {
            // A slow machine may take all the time there is to start a process.
            if chance.one_in(2) {
                first.wait_until_founded();
            }
            let spread = if chance.one_in(3) { 10_000 } else { 80_000 };
            thread::sleep(Duration::from_micros(chance.below(spread)));
        }
        let look = !chance.one_in(3);
        let mut said = vec![first.kill()];
        if let Some(second) = second {
            thread::sleep(Duration::from_micros(chance.below(40_000)));
            said.push(if chance.one_in(3) { second.stop() } else { second.kill() });
        }
        for said in said {
            self.hear(said, look, summary);
        }
        if look {
            self.look(summary);
        }
    }

    /// A last look, and a day like any other on what so many kills have left.
    pub(crate) fn end(mut self, summary: &mut Summary) {
        self.look(summary);
        let (store, sink) = files::open(self.folder.path());
        let house = House::over(store, sink);
        house.install(everybody());
        let everything = house.everything();
        assert_eq!(everything.len(), self.activities.len(), "a reveal finds everything that lies there");
        for stored in &everything {
            let lying = &self.activities[stored.activity().id().as_str()];
            assert_eq!((stored.activity(), stored.stamp()), (&lying.activity, &lying.stamp));
        }
        assert_eq!(house.ingest(&[activity("after all", "bob")]), [Delivery::Stored]);
        summary.lives += 1;
    }

    fn start(&mut self, chance: &mut Chance) -> Running {
        self.children += 1;
        Running::start(self.folder.path(), self.children.to_string(), chance.below(u64::MAX))
    }

    /// Takes down what a child said. What it was not answered for is delivered again only once the files were looked into:
    /// until then it must lie there whole or not at all.
    fn hear(&mut self, said: Said, look: bool, summary: &mut Summary) {
        let Said { name, words, killed } = said;
        let mut under_way: BTreeMap<u64, Call> = BTreeMap::new();
        let (mut opened, mut founded) = (false, false);
        let mut answered: BTreeSet<String> = BTreeSet::new();
        for word in words {
            match word {
                Word::Opened => opened = true,
                Word::Founded => founded = true,
                Word::Began(number, call) => drop(under_way.insert(number, call)),
                Word::Ended(number, answer) => match (under_way.remove(&number), answer) {
                    (Some(Call::Ingest(batch)), Answer::Ingested { floor, deliveries }) => {
                        answered.extend(batch.iter().map(|item| item.id.clone()));
                        self.before.extend(batch.iter().cloned());
                        self.told.ingested.push(Ingested { batch, floor, deliveries });
                    }
                    (Some(Call::Change), Answer::Changed(revision)) => self.told.changed.push(revision),
                    (Some(Call::Page), Answer::Shown { reveal, shown }) => self.told.shown.push((reveal, shown)),
                    (Some(Call::Close), Answer::Closed { reveal, pages, private }) => {
                        self.told.closed.push((reveal, pages, private));
                    }
                    (Some(Call::Reveal), Answer::Revealed) | (Some(_), Answer::Refused) => {}
                    (call, answer) => panic!("{call:?} is not answered with {answer:?}"),
                },
            }
        }
        let own = format!("{name}-");
        for call in under_way.values() {
            if let Call::Ingest(batch) = call {
                let fresh = batch.iter().filter(|item| item.id.starts_with(&own) && !answered.contains(&item.id));
                self.told.interrupted.push(fresh.filter(|item| !item.other_content).cloned().collect());
                if look {
                    self.before.extend(batch.iter().cloned());
                }
            }
        }
        let surplus = self.before.len().saturating_sub(60);
        self.before.drain(..surplus);
        if killed {
            summary.kills += 1;
            let amid: BTreeSet<&str> = match (opened, founded) {
                (false, _) => BTreeSet::from(["opening"]),
                (true, false) => BTreeSet::from(["founding"]),
                (true, true) => under_way.values().map(Call::name).collect(),
            };
            for amid in amid {
                *summary.amid.entry(amid).or_default() += 1;
            }
        }
    }

    /// Opens the files, and holds them against what was told and what was seen before.
    fn look(&mut self, summary: &mut Summary) {
        let (store, sink) = files::open(self.folder.path());
        let house = House::over(store, sink);
        house.install(everybody());
        let files = Files::read(self.folder.path(), &*house.sink);
        assert_eq!(house.filter.policy().unwrap().revision().number(), files.in_force());
        self.what_was_seen_stays(&files);
        verdicts(&files);
        policies(&files);
        records(&files);
        let told = std::mem::take(&mut self.told);
        for ingested in &told.ingested {
            self.ingested(ingested, &files);
        }
        for batch in &told.interrupted {
            let lying = batch.iter().filter(|item| files.activities.contains_key(&item.id)).count();
            assert!(lying == 0 || lying == batch.len(), "a batch is cut: {lying} of {batch:?}");
            summary.interrupted[usize::from(lying > 0)] += 1;
        }
        changed(&told.changed, &files);
        shown(&told, &files);
        self.forward(&house, &files);
        summary.looks += 1;
        summary.activities_told += told.ingested.iter().map(|ingested| ingested.batch.len()).sum::<usize>();
        summary.activities_lying += files.activities.len() - self.activities.len();
        summary.changes += told.changed.len();
        summary.pages += told.shown.len();
        let private = |shown: &[(String, Visibility)]| shown.iter().filter(|(_, v)| *v == Visibility::Private).count();
        summary.private_shown += told.shown.iter().map(|(_, shown)| private(shown)).sum::<usize>();
        summary.records += files.records.len() - self.records.len();
        summary.forwarded += self.forwarded.len() - self.activities.values().filter(|lying| lying.is_public()).count();
        (self.activities, self.policies, self.records) = (files.activities, files.policies, files.records);
    }

    /// D2, D4, G1: nothing that was there is gone or another.
    fn what_was_seen_stays(&self, files: &Files) {
        for (id, lying) in &self.activities {
            assert_eq!(files.activities.get(id), Some(lying), "D2: {id} stays what it was");
        }
        for (revision, policy) in &self.policies {
            assert_eq!(files.policies.get(revision), Some(policy), "revision {revision} stays what it was");
        }
        assert!(files.records.starts_with(&self.records), "G1: no record is gone or another");
    }

    /// D4, D5: what was answered for a batch is so.
    fn ingested(&mut self, ingested: &Ingested, files: &Files) {
        let Ingested { batch, floor, deliveries } = ingested;
        assert_eq!(batch.len(), deliveries.len());
        let mut revisions = BTreeSet::new();
        for (item, told) in batch.iter().zip(deliveries) {
            let id = &item.id;
            let Some(lying) = files.activities.get(id) else { panic!("D4: {id} was answered {told:?} and is gone") };
            let same = lying.activity == item.activity();
            assert_eq!(same, *told != Told::Conflict, "D4: the content of {id}, which was answered {told:?}");
            if *told == Told::Stored {
                assert!(self.stored.insert(id.clone()), "D4: {id} is stored for the first time twice");
                let revision = lying.stamp.policy().number();
                assert!(revision >= *floor, "D5: {id} began under {floor} and is stamped {revision}");
                revisions.insert(revision);
            }
        }
        assert!(revisions.len() < 2, "D5: a batch is all under one revision, not under {revisions:?}");
    }

    /// F2: the forwarder goes on where it was, without a gap and without a repetition, and meets revisions in
    /// their order.
    fn forward(&mut self, house: &House, files: &Files) {
        assert_eq!(files.places, (1..=files.places.len() as u64).collect::<Vec<_>>(), "places have no gap");
        loop {
            let ForwardBatch { activities, next } = house.filter.forward(self.place, PageSize::at_most(90)).unwrap();
            for public in &activities {
                let id = public.activity().id().as_str();
                assert!(self.forwarded.insert(id.to_owned()), "F2: {id} is forwarded twice");
                let revision = public.stamp().policy().number();
                assert!(revision >= self.newest, "D5: {id} of revision {revision} is stored after {}", self.newest);
                self.newest = revision;
            }
            self.place = next;
            if activities.is_empty() {
                break;
            }
        }
        let public: BTreeSet<String> =
            files.activities.iter().filter(|(_, lying)| lying.is_public()).map(|(id, _)| id.clone()).collect();
        assert!(self.forwarded == public, "F2: whatever is public was forwarded, and nothing else");
        assert_eq!(serde_json::to_string(&self.place).unwrap(), files.places.len().to_string());
        let count = house.filter.view(&user("somebody")).count(&Query::all()).unwrap();
        assert_eq!(count, public.len() as u64);
    }
}

impl Lying {
    fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }
}

impl Call {
    fn name(&self) -> &'static str {
        match self {
            Self::Ingest(_) => "ingest",
            Self::Change => "change",
            Self::Reveal => "reveal",
            Self::Page => "page",
            Self::Close => "closing",
        }
    }
}

/// D1: every activity lies where its stamp says, and its stamp is what the policy on it gives.
fn verdicts(files: &Files) {
    let council = GroupRef::from(group("council"));
    for (id, lying) in &files.activities {
        assert_eq!(lying.stamp.visibility(), lying.visibility, "{id} lies where it belongs");
        let revision = lying.stamp.policy().number();
        let Some(policy) = files.policies.get(&revision) else { panic!("{id} is stamped {revision}, which never was") };
        let expected = name(id) == "adele" && policy.private_groups().contains(&council);
        assert_eq!(lying.visibility == Visibility::Private, expected, "D1: {id}, under revision {revision}");
    }
}

/// G1: revisions have no gap, and each was intended on record before it came.
fn policies(files: &Files) {
    let revisions: Vec<u64> = files.policies.keys().copied().collect();
    assert_eq!(revisions, (1..=revisions.len() as u64).collect::<Vec<_>>());
    let mut intents: BTreeMap<Option<u64>, Vec<&Act>> = BTreeMap::new();
    for entry in files.records.iter().filter(|entry| entry.record.outcome == Outcome::Intended) {
        intents.entry(entry.record.policy.map(Revision::number)).or_default().push(&entry.record.act);
    }
    for (revision, policy) in &files.policies {
        let before = files.policies.get(&(revision - 1));
        let intended = intents.get(&before.map(|before| before.revision().number()));
        let fits = |act: &&&Act| accounts_for(act, before, policy);
        assert!(intended.is_some_and(|acts| acts.iter().any(|act| fits(&act))), "G1: revision {revision} is on record");
    }
}

/// Whether an act makes the one policy of the other.
fn accounts_for(act: &Act, before: Option<&PrivacyPolicy>, policy: &PrivacyPolicy) -> bool {
    let (Act::ChangePolicy(change), Some(before)) = (act, before) else {
        return before.is_none() && *act == Act::FoundPolicy;
    };
    match change {
        ChangeSummary::MakePrivate(group) => {
            !before.private_groups().contains(group) && policy.private_groups().contains(group)
        }
        ChangeSummary::MakePublic(group) => {
            before.private_groups().contains(group) && !policy.private_groups().contains(group)
        }
        ChangeSummary::Grant(Some(admin)) => {
            !before.grants().contains_key(admin) && policy.grants().contains_key(admin)
        }
        ChangeSummary::Revoke(Some(admin)) => {
            before.grants().contains_key(admin) && !policy.grants().contains_key(admin)
        }
        ChangeSummary::SetAdmin(admin, role) => policy.admins().get(admin) == Some(role),
        ChangeSummary::ManageDomain { .. } => before.managed_domains() != policy.managed_domains(),
        _ => false,
    }
}

/// G1: numbers have no gap, and an intent comes before its outcome, a reveal before its pages. P2: whoever was shown a
/// page was permitted under the policy on its record.
fn records(files: &Files) {
    let (mut intents, mut reveals, mut done) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (entry, expected) in files.records.iter().zip(1..) {
        assert_eq!(entry.sequence, expected, "G1: the sequence has no gap");
        let Record { id, initiator, policy, act, outcome, .. } = &entry.record;
        match (act, outcome) {
            (Act::Page { reveal, .. }, Outcome::Intended) => {
                assert!(reveals.contains(reveal), "R2: a page comes after its reveal");
                let (Some(revision), Initiator::User(viewer)) = (policy, initiator) else { panic!("{entry:?}") };
                assert_eq!(files.policies[&revision.number()].may_view_private(viewer), Ok(()));
            }
            (Act::Reveal(summary), Outcome::Intended) => drop(reveals.insert(summary.reveal)),
            _ => {}
        }
        match outcome {
            Outcome::Intended => drop(intents.insert(*id)),
            Outcome::Done { intent } | Outcome::Failed { intent, .. } | Outcome::Closed { intent, .. } => {
                assert!(intents.contains(intent), "G1: an outcome comes after its intent");
                assert!(done.insert(*intent), "G1: nothing has two outcomes");
            }
            _ => {}
        }
    }
}

/// D5, G1: a change that was answered is in force, and done on record.
fn changed(told: &[u64], files: &Files) {
    let done = files.records.iter().filter_map(|entry| match (&entry.record.outcome, entry.record.policy) {
        (Outcome::Done { .. }, Some(policy)) => Some(policy.number() + 1),
        _ => None,
    });
    let done: BTreeSet<u64> = done.collect();
    let mut answered = BTreeSet::new();
    for revision in told {
        assert!(files.policies.contains_key(revision), "D5: revision {revision} was answered for and is gone");
        assert!(done.contains(revision), "G1: revision {revision} was answered for and is not done on record");
        assert!(answered.insert(revision), "one change a revision");
    }
}

/// R3: every page that was shown is on record, in order, with what stood on it; every closing with how much was seen.
fn shown(told: &Answers, files: &Files) {
    let mut recorded: BTreeMap<RevealId, Vec<(u64, u64, Digest)>> = BTreeMap::new();
    let mut closings = BTreeMap::new();
    for entry in &files.records {
        match (&entry.record.act, &entry.record.outcome) {
            (Act::Page { reveal, activities, private, digest }, Outcome::Intended) => {
                recorded.entry(*reveal).or_default().push((*activities, *private, *digest));
            }
            (Act::Reveal(summary), Outcome::Closed { pages, private, .. }) => {
                closings.insert(summary.reveal, (*pages, *private));
            }
            _ => {}
        }
    }
    let mut seen: BTreeMap<RevealId, (u64, u64)> = BTreeMap::new();
    let mut after: BTreeMap<RevealId, usize> = BTreeMap::new();
    for (reveal, shown) in &told.shown {
        for (id, visibility) in shown {
            assert_eq!(files.activities.get(id).map(|lying| lying.visibility), Some(*visibility), "{id} was shown");
        }
        let private = shown.iter().filter(|(_, visibility)| *visibility == Visibility::Private);
        let private: Vec<ActivityId> = private.map(|(id, _)| id.parse().unwrap()).collect();
        let page = (shown.len() as u64, private.len() as u64, Digest::of_ids(&private));
        let (pages, after) = (recorded.get(reveal).map_or(&[][..], Vec::as_slice), after.entry(*reveal).or_default());
        let Some(at) = pages[*after..].iter().position(|recorded| *recorded == page) else {
            panic!("R3: a page of reveal {reveal} was shown and is not on record: {shown:?}")
        };
        *after += at + 1;
        let seen = seen.entry(*reveal).or_default();
        *seen = (seen.0 + 1, seen.1 + page.1);
    }
    for (reveal, pages, private) in &told.closed {
        assert_eq!(closings.get(reveal), Some(&(*pages, *private)), "R3: the closing of {reveal} is on record");
        assert_eq!(seen.get(reveal).copied().unwrap_or_default(), (*pages, *private));
    }
}

impl Summary {
    /// Whether there was something to lose when the kills came.
    pub(crate) fn has_bitten(&self) -> bool {
        self.kills < 40 || [self.activities_told, self.changes, self.private_shown].iter().all(|count| *count > 0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, lives, looks, activities_told, activities_lying, changes, pages, .. } = self;
        let [none, whole] = self.interrupted;
        writeln!(f, "{kills} kills in {lives} lives of files, which were looked into {looks} times")?;
        writeln!(f, "{activities_told} answers for activities held, {activities_lying} activities stored")?;
        writeln!(f, "{} batches without an answer: {whole} stored whole, {none} not at all", none + whole)?;
        writeln!(f, "{changes} changes held, {pages} pages with {} private activities on record", self.private_shown)?;
        writeln!(f, "{} activities forwarded once, {} records without a gap", self.forwarded, self.records)?;
        write!(f, "killed amid {:?} (several at once where several threads were at it)", self.amid)
    }
}
