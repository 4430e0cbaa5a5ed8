//! The life of one set of files: round after round of children that are killed on it, and what has to be true between.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::thread;
use std::time::Duration;

use activity_privacy::engine::Visibility;
use activity_privacy::filter::IngestOutcome;
use activity_privacy::forward::{ForwardBatch, Offset};
use activity_privacy::governance::RecordEntry;
use activity_privacy::policy::PrivacyPolicy;
use activity_privacy::query::{PageSize, Query};
use tempfile::TempDir;

use super::chance::Chance;
use super::child::{BEFORE, everybody};
use super::files::{self, Files, Lying};
use super::round::{Running, Said};
use super::summary::Summary;
use super::truth::{self, Answers, Ingested};
use super::word::{ApprovalDecision, AuditState, Call, Item, Word};
use crate::fixture::{Fixture, activity, user};
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
    place: Offset,
    forwarded: BTreeSet<String>,
    /// The revision on the last of it.
    newest: u64,
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
            place: Offset::START,
            forwarded: BTreeSet::new(),
            newest: 0,
        }
    }

    /// One child, or two at once, killed after a while; then, mostly, a look into the files. Without it the next child
    /// is the first to open what the kill left behind.
    pub(crate) fn round(&mut self, chance: &mut Chance, summary: &mut Summary) {
        fs::write(self.folder.path().join(BEFORE), serde_json::to_vec(&self.before).unwrap()).unwrap();
        let fresh = self.children == 0;
        let first = self.start(chance);
        let second = chance.one_in(4).then(|| self.start(chance));
        if fresh && !chance.one_in(4) {
            // While the files are made and the policy is initialized.
            thread::sleep(Duration::from_micros(chance.below(12_000)));
        } else {
            // A slow machine may take all the time there is to start a process.
            if chance.one_in(2) {
                first.wait_until_initialized();
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
        let fixture = Fixture::over(store, sink);
        fixture.install(everybody());
        let everything = fixture.everything();
        assert_eq!(everything.len(), self.activities.len(), "a reveal finds everything that lies there");
        for stored in &everything {
            let lying = &self.activities[stored.activity().id().as_str()];
            assert_eq!((stored.activity(), stored.decision()), (&lying.activity, &lying.decision));
        }
        assert_eq!(fixture.ingest(&[activity("after all", "bob")]), [IngestOutcome::Stored]);
        summary.lives += 1;
    }

    fn start(&mut self, chance: &mut Chance) -> Running {
        self.children += 1;
        Running::start(self.folder.path(), self.children.to_string(), chance.below(u64::MAX))
    }

    /// Takes down what a child said. What it was not answered for is delivered again only once the files were looked
    /// into: until then it must lie there whole or not at all.
    fn hear(&mut self, said: Said, look: bool, summary: &mut Summary) {
        let Said { name, words, killed } = said;
        let mut under_way: BTreeMap<u64, Call> = BTreeMap::new();
        let (mut opened, mut initialized) = (false, false);
        let mut answered: BTreeSet<String> = BTreeSet::new();
        for word in words {
            match word {
                Word::Opened => opened = true,
                Word::Initialized => initialized = true,
                Word::Began(number, call) => drop(under_way.insert(number, call)),
                Word::Ended(number, answer) => match (under_way.remove(&number), answer) {
                    (Some(Call::Ingest(batch)), ApprovalDecision::Ingested { floor, ceiling, outcomes }) => {
                        answered.extend(batch.iter().map(|item| item.id.clone()));
                        self.before.extend(batch.iter().cloned());
                        self.told.ingested.push(Ingested { batch, floor, ceiling, outcomes });
                    }
                    (Some(Call::Change), ApprovalDecision::Changed(revision)) => self.told.changed.push(revision),
                    (Some(Call::Page), ApprovalDecision::Shown { reveal, shown }) => {
                        self.told.shown.push((reveal, shown))
                    }
                    (Some(Call::Close), ApprovalDecision::Closed { reveal, pages, private }) => {
                        self.told.closed.push((reveal, pages, private));
                    }
                    (Some(Call::Reveal), ApprovalDecision::Revealed) | (Some(_), ApprovalDecision::Refused) => {}
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
            let amid: BTreeSet<&str> = match (opened, initialized) {
                (false, _) => BTreeSet::from(["opening"]),
                (true, false) => BTreeSet::from(["initializing"]),
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
        let fixture = Fixture::over(store, sink);
        fixture.install(everybody());
        let files = Files::read(self.folder.path(), &*fixture.sink);
        assert_eq!(fixture.filter.policy().unwrap().revision().number(), files.in_force());
        self.what_was_seen_stays(&files);
        truth::verdicts(&files);
        truth::policies(&files);
        truth::records(&files);
        let told = std::mem::take(&mut self.told);
        for ingested in &told.ingested {
            self.ingested(ingested, &files);
        }
        for batch in &told.interrupted {
            let lying = batch.iter().filter(|item| files.activities.contains_key(&item.id)).count();
            assert!(lying == 0 || lying == batch.len(), "a batch is cut: {lying} of {batch:?}");
            summary.interrupted[usize::from(lying > 0)] += 1;
        }
        truth::changed(&told.changed, &files);
        truth::shown(&told, &files);
        self.forward(&fixture, &files);
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
        let Ingested { batch, floor, ceiling, outcomes } = ingested;
        assert_eq!(batch.len(), outcomes.len());
        let mut revisions = BTreeSet::new();
        for (item, told) in batch.iter().zip(outcomes) {
            let id = &item.id;
            let Some(lying) = files.activities.get(id) else { panic!("D4: {id} was answered {told:?} and is gone") };
            let same = lying.activity == item.activity();
            assert_eq!(same, *told != AuditState::Conflict, "D4: the content of {id}, which was answered {told:?}");
            if *told == AuditState::Stored {
                assert!(self.stored.insert(id.clone()), "D4: {id} is stored for the first time twice");
                let revision = lying.decision.policy().number();
                assert!(revision >= *floor, "D5: {id} began under {floor} and is decided {revision}");
                assert!(revision <= *ceiling, "D5: {id} was stored under {ceiling} at most and is decided {revision}");
                revisions.insert(revision);
            }
        }
        assert!(revisions.len() < 2, "D5: a batch is all under one revision, not under {revisions:?}");
    }

    /// F2: the forwarder goes on where it was, without a gap and without a repetition, and meets revisions in
    /// their order.
    fn forward(&mut self, fixture: &Fixture, files: &Files) {
        assert_eq!(files.places, (1..=files.places.len() as u64).collect::<Vec<_>>(), "places have no gap");
        loop {
            let ForwardBatch { activities, next } = fixture.filter.forward(&self.place, PageSize::at_most(90)).unwrap();
            for public in &activities {
                let id = public.activity().id().as_str();
                assert!(self.forwarded.insert(id.to_owned()), "F2: {id} is forwarded twice");
                let revision = public.decision().policy().number();
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
        let count = fixture.filter.view(&user("somebody")).count(&Query::all()).unwrap().total;
        assert_eq!(count, public.len() as u64);
    }
}
