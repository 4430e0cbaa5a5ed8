//! The oracle: the answers that children received, and the facts about the files that follow from them.

use std::collections::{BTreeMap, BTreeSet};

use activity_privacy::activity::ActivityId;
use activity_privacy::engine::Visibility;
use activity_privacy::governance::{ChangeSummary, Digest, Event, Initiator, Outcome, Record, RevealId};
use activity_privacy::policy::{GroupRef, PrivacyPolicy, Revision};

use super::files::Files;
use super::message::{Item, ItemOutcome, name};
use crate::fixture::group;

/// The answers that children received since the last verification.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) ingested: Vec<Ingested>,
    /// The first deliveries of each batch without an answer.
    pub(crate) interrupted: Vec<Vec<Item>>,
    pub(crate) changed: Vec<u64>,
    pub(crate) shown: Vec<(RevealId, Vec<(String, Visibility)>)>,
    pub(crate) closed: Vec<(RevealId, u64, u64)>,
}

pub(crate) struct Ingested {
    pub(crate) batch: Vec<Item>,
    pub(crate) floor: u64,
    pub(crate) ceiling: u64,
    pub(crate) outcomes: Vec<ItemOutcome>,
}

/// D1: every activity is in the table of its visibility, and its decision follows from the policy of its revision.
pub(crate) fn verdicts(files: &Files) {
    let council = GroupRef::from(group("council"));
    for (id, row) in &files.activities {
        assert_eq!(row.decision.visibility(), row.visibility, "{id} is in the table of its visibility");
        let revision = row.decision.policy().number();
        let Some(policy) = files.policies.get(&revision) else { panic!("{id} has the unknown revision {revision}") };
        let expected = name(id) == "adele" && policy.private_groups().contains(&council);
        assert_eq!(row.visibility == Visibility::Private, expected, "D1: {id}, under revision {revision}");
    }
}

/// G1: revisions have no gap, and the intent of each was recorded before it.
pub(crate) fn policies(files: &Files) {
    let revisions: Vec<u64> = files.policies.keys().copied().collect();
    assert_eq!(revisions, (1..=revisions.len() as u64).collect::<Vec<_>>());
    let mut intents: BTreeMap<Option<u64>, Vec<&Event>> = BTreeMap::new();
    for entry in files.records.iter().filter(|entry| entry.record.outcome == Outcome::Intended) {
        intents.entry(entry.record.policy.map(Revision::number)).or_default().push(&entry.record.event);
    }
    for (revision, policy) in &files.policies {
        let before = files.policies.get(&(revision - 1));
        let intended = intents.get(&before.map(|before| before.revision().number()));
        let fits = |event: &&&Event| accounts_for(event, before, policy);
        assert!(
            intended.is_some_and(|events| events.iter().any(|event| fits(&event))),
            "G1: the intent of revision {revision} is recorded"
        );
    }
}

/// Returns whether an event changes one policy into the other.
fn accounts_for(event: &Event, before: Option<&PrivacyPolicy>, policy: &PrivacyPolicy) -> bool {
    let (Event::ChangePolicy(changes), Some(before)) = (event, before) else {
        return before.is_none() && matches!(event, Event::InitializePolicy { .. });
    };
    let [change] = &changes[..] else { return false };
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

/// G1: sequence numbers have no gap, an intent precedes its only outcome, and a reveal precedes its pages. P2: the
/// viewer of a page was permitted under the policy of its record.
pub(crate) fn records(files: &Files) {
    let (mut intents, mut reveals, mut outcomes) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
    for (entry, expected) in files.records.iter().zip(1..) {
        assert_eq!(entry.sequence, expected, "G1: the sequence has no gap");
        let Record { id, initiator, policy, event, outcome, .. } = &entry.record;
        match (event, outcome) {
            (Event::Page { reveal, .. }, Outcome::Intended) => {
                assert!(reveals.contains(reveal), "R2: a page follows its reveal");
                let (Some(revision), Initiator::User(viewer)) = (policy, initiator) else { panic!("{entry:?}") };
                assert_eq!(files.policies[&revision.number()].may_view_private(viewer), Ok(()));
            }
            (Event::Reveal(summary), Outcome::Intended) => drop(reveals.insert(summary.reveal)),
            _ => {}
        }
        match outcome {
            Outcome::Intended => drop(intents.insert(*id)),
            Outcome::Done { intent } | Outcome::Failed { intent, .. } | Outcome::Closed { intent, .. } => {
                assert!(intents.contains(intent), "G1: an outcome follows its intent");
                // A process that opens the files can complete an event whose outcome another process is about to
                // record. Then the outcome is recorded twice and must be equal.
                let before = outcomes.insert(*intent, outcome);
                let is_same = before.is_none_or(|before| before == outcome && matches!(outcome, Outcome::Done { .. }));
                assert!(is_same, "G1: different outcomes of one intent: {before:?}, {outcome:?}");
            }
            _ => {}
        }
    }
}

/// D5, G1: an acknowledged change is in force and recorded as done.
pub(crate) fn changed(answers: &[u64], files: &Files) {
    let done = files.records.iter().filter_map(|entry| match (&entry.record.outcome, entry.record.policy) {
        (Outcome::Done { .. }, Some(policy)) => Some(policy.number() + 1),
        _ => None,
    });
    let done: BTreeSet<u64> = done.collect();
    let mut answered = BTreeSet::new();
    for revision in answers {
        assert!(files.policies.contains_key(revision), "D5: revision {revision} was acknowledged and is lost");
        assert!(done.contains(revision), "G1: revision {revision} was acknowledged and is not recorded as done");
        assert!(answered.insert(revision), "revision {revision} was acknowledged twice");
    }
}

/// R3: every page shown is recorded, in order, with its content; every closing is recorded with the reveal's totals.
pub(crate) fn shown(answers: &Answers, files: &Files) {
    let mut recorded: BTreeMap<RevealId, Vec<(u64, u64, Digest)>> = BTreeMap::new();
    let mut closings = BTreeMap::new();
    for entry in &files.records {
        match (&entry.record.event, &entry.record.outcome) {
            (Event::Page { reveal, activities, private, digest, .. }, Outcome::Intended) => {
                let content = (*activities.value().unwrap(), *private.value().unwrap(), *digest.value().unwrap());
                recorded.entry(*reveal).or_default().push(content);
            }
            (Event::Reveal(summary), Outcome::Closed { pages, private, .. }) => {
                closings.insert(summary.reveal, (*pages, *private.value().unwrap()));
            }
            _ => {}
        }
    }
    let mut seen: BTreeMap<RevealId, (u64, u64)> = BTreeMap::new();
    let mut after: BTreeMap<RevealId, usize> = BTreeMap::new();
    for (reveal, shown) in &answers.shown {
        for (id, visibility) in shown {
            assert_eq!(files.activities.get(id).map(|row| row.visibility), Some(*visibility), "{id} was shown");
        }
        let private = shown.iter().filter(|(_, visibility)| *visibility == Visibility::Private);
        let private: Vec<ActivityId> = private.map(|(id, _)| id.parse().unwrap()).collect();
        let page = (shown.len() as u64, private.len() as u64, Digest::of_ids(&private));
        let (pages, after) = (recorded.get(reveal).map_or(&[][..], Vec::as_slice), after.entry(*reveal).or_default());
        let Some(at) = pages[*after..].iter().position(|recorded| *recorded == page) else {
            panic!("R3: a page of reveal {reveal} was shown and is not recorded: {shown:?}")
        };
        *after += at + 1;
        let seen = seen.entry(*reveal).or_default();
        *seen = (seen.0 + 1, seen.1 + page.1);
    }
    for (reveal, pages, private) in &answers.closed {
        assert_eq!(closings.get(reveal), Some(&(*pages, *private)), "R3: the closing of {reveal} is recorded");
        assert_eq!(seen.get(reveal).copied().unwrap_or_default(), (*pages, *private));
    }
}
