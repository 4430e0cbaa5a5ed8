//! One set of files: rounds of children that are killed, and the verification of the files in between.

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
use super::child::{BEFORE, directory};
use super::files::{self, Files, StoredRow};
use super::message::{Answer, Call, Item, ItemOutcome, Message};
use super::oracle::{self, Answers, Ingested};
use super::round::{Output, Running};
use super::summary::Summary;
use crate::fixture::{Fixture, activity, user};
use crate::place::folder;

/// A set of files, the answers that children received, and the last verified content.
pub(crate) struct Scenario {
    folder: TempDir,
    children: usize,
    /// The answers since the last verification.
    answers: Answers,
    /// The items that later children deliver again.
    before: Vec<Item>,
    /// The ids that were answered as stored. Each id is answered so at most once.
    stored: BTreeSet<String>,
    /// The last verified content, which must not change.
    activities: BTreeMap<String, StoredRow>,
    policies: BTreeMap<u64, PrivacyPolicy>,
    records: Vec<RecordEntry>,
    /// The position of a forwarder that survives all kills, and the activities that it received.
    offset: Offset,
    forwarded: BTreeSet<String>,
    /// The policy revision of the last forwarded activity.
    newest: u64,
}

impl Scenario {
    pub(crate) fn new() -> Self {
        Self {
            folder: folder(),
            children: 0,
            answers: Answers::default(),
            before: Vec::new(),
            stored: BTreeSet::new(),
            activities: BTreeMap::new(),
            policies: BTreeMap::new(),
            records: Vec::new(),
            offset: Offset::START,
            forwarded: BTreeSet::new(),
            newest: 0,
        }
    }

    /// Runs one or two concurrent children and kills them after a while. Usually verifies the files. Without
    /// verification the next child is the first to open the files after the kill.
    pub(crate) fn round(&mut self, chance: &mut Chance, summary: &mut Summary) {
        fs::write(self.folder.path().join(BEFORE), serde_json::to_vec(&self.before).unwrap()).unwrap();
        let fresh = self.children == 0;
        let first = self.start(chance);
        let second = chance.one_in(4).then(|| self.start(chance));
        if fresh && !chance.one_in(4) {
            // Kills the child while it creates the files and initializes the policy.
            thread::sleep(Duration::from_micros(chance.below(12_000)));
        } else {
            // On a slow machine the start of a process may take all of the delay.
            if chance.one_in(2) {
                first.wait_until_initialized();
            }
            let spread = if chance.one_in(3) { 10_000 } else { 80_000 };
            thread::sleep(Duration::from_micros(chance.below(spread)));
        }
        let verify = !chance.one_in(3);
        let mut outputs = vec![first.kill()];
        if let Some(second) = second {
            thread::sleep(Duration::from_micros(chance.below(40_000)));
            outputs.push(if chance.one_in(3) { second.stop() } else { second.kill() });
        }
        for output in outputs {
            self.process(output, verify, summary);
        }
        if verify {
            self.verify(summary);
        }
    }

    /// Verifies the files a last time, and uses them once more.
    pub(crate) fn end(mut self, summary: &mut Summary) {
        self.verify(summary);
        let (store, sink) = files::open(self.folder.path());
        let fixture = Fixture::over(store, sink);
        fixture.install(directory());
        let everything = fixture.everything();
        assert_eq!(everything.len(), self.activities.len(), "a reveal contains every stored activity");
        for stored in &everything {
            let row = &self.activities[stored.activity().id().as_str()];
            assert_eq!((stored.activity(), stored.decision()), (&row.activity, &row.decision));
        }
        assert_eq!(fixture.ingest(&[activity("after all", "bob")]), [IngestOutcome::Stored]);
        summary.file_sets += 1;
    }

    fn start(&mut self, chance: &mut Chance) -> Running {
        self.children += 1;
        Running::start(self.folder.path(), self.children.to_string(), chance.below(u64::MAX))
    }

    /// Processes the messages of a child. Items without an answer are delivered again only after a verification: until
    /// then their batch must be stored as a whole or not at all.
    fn process(&mut self, output: Output, verify: bool, summary: &mut Summary) {
        let Output { name, messages, killed } = output;
        let mut under_way: BTreeMap<u64, Call> = BTreeMap::new();
        let (mut opened, mut initialized) = (false, false);
        let mut answered: BTreeSet<String> = BTreeSet::new();
        for message in messages {
            match message {
                Message::Opened => opened = true,
                Message::Initialized => initialized = true,
                Message::Began(number, call) => drop(under_way.insert(number, call)),
                Message::Ended(number, answer) => match (under_way.remove(&number), answer) {
                    (Some(Call::Ingest(batch)), Answer::Ingested { floor, ceiling, outcomes }) => {
                        answered.extend(batch.iter().map(|item| item.id.clone()));
                        self.before.extend(batch.iter().cloned());
                        self.answers.ingested.push(Ingested { batch, floor, ceiling, outcomes });
                    }
                    (Some(Call::Change), Answer::Changed(revision)) => self.answers.changed.push(revision),
                    (Some(Call::Page), Answer::Shown { reveal, shown }) => self.answers.shown.push((reveal, shown)),
                    (Some(Call::Close), Answer::Closed { reveal, pages, private }) => {
                        self.answers.closed.push((reveal, pages, private));
                    }
                    (Some(Call::Reveal), Answer::Revealed) | (Some(_), Answer::Refused) => {}
                    (call, answer) => panic!("unexpected answer to {call:?}: {answer:?}"),
                },
            }
        }
        let own = format!("{name}-");
        for call in under_way.values() {
            if let Call::Ingest(batch) = call {
                let fresh = batch.iter().filter(|item| item.id.starts_with(&own) && !answered.contains(&item.id));
                self.answers.interrupted.push(fresh.filter(|item| !item.other_content).cloned().collect());
                if verify {
                    self.before.extend(batch.iter().cloned());
                }
            }
        }
        let surplus = self.before.len().saturating_sub(60);
        self.before.drain(..surplus);
        if killed {
            summary.kills += 1;
            let during: BTreeSet<&str> = match (opened, initialized) {
                (false, _) => BTreeSet::from(["opening"]),
                (true, false) => BTreeSet::from(["initializing"]),
                (true, true) => under_way.values().map(Call::name).collect(),
            };
            for during in during {
                *summary.during.entry(during).or_default() += 1;
            }
        }
    }

    /// Opens the files and compares them with the answers and with the last verified content.
    fn verify(&mut self, summary: &mut Summary) {
        let (store, sink) = files::open(self.folder.path());
        let fixture = Fixture::over(store, sink);
        fixture.install(directory());
        let files = Files::read(self.folder.path(), &*fixture.sink);
        assert_eq!(fixture.filter.policy().unwrap().revision().number(), files.in_force());
        self.assert_unchanged(&files);
        oracle::verdicts(&files);
        oracle::policies(&files);
        oracle::records(&files);
        let answers = std::mem::take(&mut self.answers);
        for ingested in &answers.ingested {
            self.ingested(ingested, &files);
        }
        for batch in &answers.interrupted {
            let stored = batch.iter().filter(|item| files.activities.contains_key(&item.id)).count();
            assert!(stored == 0 || stored == batch.len(), "a batch is stored in part: {stored} of {batch:?}");
            summary.interrupted[usize::from(stored > 0)] += 1;
        }
        oracle::changed(&answers.changed, &files);
        oracle::shown(&answers, &files);
        self.forward(&fixture, &files);
        summary.verifications += 1;
        summary.activities_answered += answers.ingested.iter().map(|ingested| ingested.batch.len()).sum::<usize>();
        summary.activities_stored += files.activities.len() - self.activities.len();
        summary.changes += answers.changed.len();
        summary.pages += answers.shown.len();
        let private = |shown: &[(String, Visibility)]| shown.iter().filter(|(_, v)| *v == Visibility::Private).count();
        summary.private_shown += answers.shown.iter().map(|(_, shown)| private(shown)).sum::<usize>();
        summary.records += files.records.len() - self.records.len();
        summary.forwarded += self.forwarded.len() - self.activities.values().filter(|row| row.is_public()).count();
        (self.activities, self.policies, self.records) = (files.activities, files.policies, files.records);
    }

    /// D2, D4, G1: no verified content is lost or changed.
    fn assert_unchanged(&self, files: &Files) {
        for (id, row) in &self.activities {
            assert_eq!(files.activities.get(id), Some(row), "D2: {id} is unchanged");
        }
        for (revision, policy) in &self.policies {
            assert_eq!(files.policies.get(revision), Some(policy), "revision {revision} is unchanged");
        }
        assert!(files.records.starts_with(&self.records), "G1: no record is lost or changed");
    }

    /// D4, D5: the answer to a batch is true.
    fn ingested(&mut self, ingested: &Ingested, files: &Files) {
        let Ingested { batch, floor, ceiling, outcomes } = ingested;
        assert_eq!(batch.len(), outcomes.len());
        let mut revisions = BTreeSet::new();
        for (item, outcome) in batch.iter().zip(outcomes) {
            let id = &item.id;
            let Some(row) = files.activities.get(id) else { panic!("D4: {id} was answered {outcome:?} and is lost") };
            let same = row.activity == item.activity();
            assert_eq!(
                same,
                *outcome != ItemOutcome::Conflict,
                "D4: the content of {id}, which was answered {outcome:?}"
            );
            if *outcome == ItemOutcome::Stored {
                assert!(self.stored.insert(id.clone()), "D4: {id} is answered as stored twice");
                let revision = row.decision.policy().number();
                assert!(revision >= *floor, "D5: {id} began under {floor} and is decided under {revision}");
                assert!(revision <= *ceiling, "D5: {id} ended under {ceiling} and is decided under {revision}");
                revisions.insert(revision);
            }
        }
        assert!(revisions.len() < 2, "D5: a batch is under one revision, not under {revisions:?}");
    }

    /// F2: the forwarder continues from its offset without a gap or a repetition, and receives revisions in order.
    fn forward(&mut self, fixture: &Fixture, files: &Files) {
        assert_eq!(
            files.sequences,
            (1..=files.sequences.len() as u64).collect::<Vec<_>>(),
            "sequence numbers have no gap"
        );
        loop {
            let ForwardBatch { activities, next, .. } =
                fixture.filter.forward(&self.offset, PageSize::at_most(90)).unwrap();
            for public in &activities {
                let id = public.activity().id().as_str();
                assert!(self.forwarded.insert(id.to_owned()), "F2: {id} is forwarded twice");
                let revision = public.decision().policy().number();
                assert!(revision >= self.newest, "D5: {id} of revision {revision} is stored after {}", self.newest);
                self.newest = revision;
            }
            self.offset = next;
            if activities.is_empty() {
                break;
            }
        }
        let public: BTreeSet<String> =
            files.activities.iter().filter(|(_, row)| row.is_public()).map(|(id, _)| id.clone()).collect();
        assert!(self.forwarded == public, "F2: exactly the public activities were forwarded");
        let count = fixture.filter.view(&user("somebody")).count(&Query::all()).unwrap().total;
        assert_eq!(count, public.len() as u64);
    }
}
