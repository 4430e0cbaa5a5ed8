//! Compares everything that the library shows with the model.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use uuid::Uuid;

use super::nodes::Nodes;
use super::tally::{reached, reached_times};
use super::{HistoryHarness, at, first_administrators, user};
use crate::activity::Activity;
use crate::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use crate::engine::{Reason, Visibility};
use crate::forward::Offset;
use crate::governance::{
    Commitment, CommitmentText, Digest, Event, NewPolicy, Outcome, Receipt, Record, RecordEntry, RecordId, RecordQuery,
    RemovalSummary, RevealId, RevealSummary, Salt, Subjects,
};
use crate::identity::{Alias, GroupId, UserId};
use crate::policy::{GroupRef, OptionsPatch, PolicyChange, PrivacyPolicy, Revision};
use crate::query::{PageSize, Query};
use crate::reveal::{Acknowledgement, RevealRequest};
use crate::store::StoredActivity;
use crate::strategies::{ExpectedActivity, Model, Node, all_activity_ids};

impl<H: HistoryHarness> Nodes<H> {
    /// Returns every record with its ids replaced by sequence numbers. The id of a reveal becomes that of the record
    /// that opened it.
    pub(super) fn canonical(&self) -> Vec<Record> {
        let sink = &self.nodes[&Node::First].sink;
        let entries = sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap();
        let mut numbers: BTreeMap<Uuid, (Uuid, Digest)> = BTreeMap::new();
        let mut begun = BTreeMap::new();
        let committed = |summary: &RevealSummary| {
            (summary.terms.query.commitment(), summary.terms.justification.as_ref().map(Commitment::commitment))
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
                    assert!(summary.terms.query.value().is_none());
                    summary.reveal = RevealId(*first);
                    summary.terms.query = Commitment::new(nothing, salt(0));
                    summary.terms.justification.clone_from(why);
                }
                Event::Reveal(summary) => {
                    let (id, said) = (summary.reveal.0, committed(summary));
                    let query = *summary.terms.query.value().unwrap();
                    let (first, digest) = *numbers.entry(summary.reveal.0).or_insert((own, query));
                    assert_eq!(digest, query, "a reveal is about one query");
                    summary.reveal = RevealId(first);
                    summary.terms.query = Commitment::new(nothing, salt(0));
                    let why = summary.terms.justification.take();
                    summary.terms.justification = why.map(|why| again(&why));
                    begun.insert(id, (said, first, summary.terms.justification.clone()));
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
                Event::Export(summary) => summary.reveal.0 = numbers[&summary.reveal.0].0,
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
    #[must_use]
    pub fn everything(&self, node: Node) -> Vec<StoredActivity> {
        let root = User::new(user("root")).with_alias(root_address());
        let directory = DirectoryBuilder::new().user(root).build(DirectoryRevision(1), at(0)).unwrap();
        let allowed = PolicyChange::SetOptions(OptionsPatch::new().self_grant_allowed(true));
        let policy = changed(&PrivacyPolicy::initial(&first_administrators()), allowed, &directory);
        let policy = changed(&policy, PolicyChange::Grant(root_address()), &directory);
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

    /// Compares everything observable with the model, after each step, on alternating nodes.
    ///
    /// # Panics
    /// Panics if anything differs.
    pub fn check(&self, model: &Model) {
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

    /// Compares everything observable with the model at the end of a history, after both nodes restarted.
    ///
    /// # Panics
    /// Panics if anything differs.
    pub fn check_all(&mut self, model: &Model) {
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
            self.start_node(node, false);
        }
        self.check(model);
        self.check(model);
    }
}

/// Returns the commitment to the same value with the only salt that the model uses.
fn again<T: CommitmentText + Clone>(sealed: &Commitment<T>) -> Commitment<T> {
    Commitment::new(sealed.value().unwrap().clone(), salt(0))
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
    check_followers(policy, model);
    assert_eq!(policy.options(), model.options());
}

fn check_followers(policy: &PrivacyPolicy, model: &Model) {
    let mut expected = model.followers().to_vec();
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(policy.followers().len(), expected.len());
    for ((name, follower), expected) in policy.followers().iter().zip(expected) {
        assert_eq!((name, follower.added_in(), follower.since()), (&expected.name, expected.added_in, expected.since));
        assert_eq!(follower.disclosed_by(), expected.disclosed.as_ref().map(|(user, _)| user));
        let counts = |(user, revision): &(UserId, Revision)| {
            model.grants().iter().any(|(granted, grant)| granted == user && grant.granted_in() == *revision)
        };
        assert_eq!(follower.includes_openings(policy), expected.disclosed.as_ref().is_some_and(counts), "G9");
    }
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

fn root_address() -> Alias {
    Alias::new("root@contoso.com").unwrap()
}

fn salt(number: u128) -> Salt {
    Salt::from_bytes(number.to_be_bytes())
}

/// Returns the policy after a change by `root`, as if it had been recorded and published.
fn changed(policy: &PrivacyPolicy, change: PolicyChange, directory: &DirectorySnapshot) -> PrivacyPolicy {
    let id = RecordId(Uuid::nil());
    let pending = NewPolicy::authorise(policy, change, &user("root"), Some(directory), id, at(0)).unwrap();
    pending.recorded(&Receipt::assertion(id, 1)).unwrap().policy().clone()
}
