//! Removals: G5, and the offsets and ids of removed activities.

use chrono::TimeDelta;

use super::{ExpectedActivity, Model, Node, commitment};
use crate::activity::Activity;
use crate::governance::{ChangeMark, Event, Initiator, Outcome, Record, RemovalSummary};
use crate::identity::{Identity, Subject, UserId};
use crate::policy::Denial;

impl Model {
    /// Fails without a working directory, which has the subject's other identities.
    pub(super) fn erase(&mut self, at: Node, by: &UserId, subject: &Subject) -> Result<(), Option<Denial>> {
        let allowed = self.policy.may_change(by);
        if self.node(at).out && allowed.is_ok() {
            return Err(None);
        }
        let mut identities = subject.identities().to_vec();
        if let Some(directory) = self.directory(at) {
            let own = directory.current_people().filter(|person| person.id == *subject.id());
            let names = own.flat_map(|person| &person.aliases);
            // Aliases that several users share are not used.
            for name in names.filter(|name| directory.holders(name).len() == 1) {
                if !identities.contains(&Identity::Alias(name.clone())) {
                    identities.push(Identity::Alias(name.clone()));
                }
            }
        }
        let (subject, initiator, policy) = (subject.id().clone(), Initiator::User(by.clone()), self.policy.revision);
        let event = Event::Remove(RemovalSummary::Subject { subject, identities: identities.len() as u64 });
        if let Err(denial) = allowed {
            self.record(initiator, Some(policy), event, Outcome::Denied(denial));
            return Err(Some(denial));
        }
        let intent = self.record(initiator.clone(), Some(policy), event.clone(), Outcome::Intended);
        let activities = self.remove(|stored| {
            let mut named = stored.activity.principals().flat_map(|principal| principal.identities());
            named.any(|one| identities.iter().any(|identity| are_equal(one, identity)))
        });
        self.record(
            initiator,
            Some(policy),
            event,
            Outcome::Removed { intent, activities: commitment(activities), ended_at: commitment(self.now), records: 0 },
        );
        Ok(())
    }

    pub(super) fn retain(&mut self) -> bool {
        let keep = self.policy.options.retention.and_then(|retention| TimeDelta::from_std(retention.activities()).ok());
        let Some(before) = keep.and_then(|keep| self.now.checked_sub_signed(keep)) else { return false };
        let event = Event::Remove(RemovalSummary::Aged {
            activities_before: before,
            records_before: None,
            policy: self.last_change(),
        });
        let policy = Some(self.policy.revision);
        let intent = self.record(Initiator::System, policy, event.clone(), Outcome::Intended);
        let activities = self.remove(|stored| stored.decided_at < before);
        self.record(
            Initiator::System,
            policy,
            event,
            Outcome::Removed { intent, activities: commitment(activities), ended_at: commitment(self.now), records: 0 },
        );
        true
    }

    fn last_change(&self) -> Option<ChangeMark> {
        let is_change =
            |record: &&Record| matches!(record.outcome, Outcome::Done { .. }) && record.made_revision().is_some();
        let intent = self.records.iter().rfind(is_change)?.outcome.intent()?;
        Some(ChangeMark { record: intent, revision: self.policy.revision })
    }

    fn remove(&mut self, is_covered: impl Fn(&ExpectedActivity) -> bool) -> u64 {
        let (removed, left): (Vec<ExpectedActivity>, Vec<ExpectedActivity>) =
            self.stored.drain(..).partition(is_covered);
        self.stored = left;
        let activities = removed.len() as u64;
        self.removed.extend(removed.into_iter().map(|stored| stored.activity.id().clone()));
        activities
    }

    /// Returns the public activities after an offset, each with its own.
    pub(super) fn public_after(&self, after: u64, size: usize) -> Vec<(u64, Activity)> {
        let public = self.forwardable();
        let find = |id| public.iter().find(|activity| activity.id() == id).map(|activity| (*activity).clone());
        let numbered = (1_u64..).zip(&self.public_order).filter(|(offset, _)| *offset > after);
        numbered.filter_map(|(offset, id)| Some((offset, find(id)?))).take(size).collect()
    }
}

fn are_equal(one: &Identity, other: &Identity) -> bool {
    match (one, other) {
        (Identity::Id(one), Identity::Id(other)) => one.as_str() == other.as_str(),
        (Identity::Alias(one), Identity::Alias(other)) => one.matches(other),
        (Identity::Id(_), Identity::Alias(_)) | (Identity::Alias(_), Identity::Id(_)) => false,
    }
}
