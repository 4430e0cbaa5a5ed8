//! A request to view private activities.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::governance::{
    Commitment, Event, Initiator, Justification, Outcome, Pending, Record, RecordId, Rejection, RequestId,
    RequestSummary, RevealTerms, Salt, query_digest,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Purpose};
use crate::query::Query;

/// The viewer's confirmation that they know that the reveal is audited. There is no default and no shortcut: the caller
/// must write this call for each reveal.
#[derive(Debug)]
pub struct Acknowledgement(());

impl Acknowledgement {
    /// States that the viewer confirmed to know that this reveal is audited.
    #[must_use]
    pub fn i_know_that_this_reveal_is_audited() -> Self {
        Self(())
    }
}

/// A request to view private activities: the viewer, the query, the lifetime, the purpose and the justification.
#[derive(Debug)]
#[must_use]
pub struct RevealRequest {
    viewer: UserId,
    query: Query,
    lifetime: Duration,
    private_only: bool,
    purpose: Option<Purpose>,
    justification: Option<Justification>,
}

impl RevealRequest {
    /// Requests the activities that match `query`, private ones included, for at most `lifetime`.
    pub fn new(viewer: UserId, query: Query, lifetime: Duration, _: Acknowledgement) -> Self {
        Self { viewer, query, lifetime, private_only: false, purpose: None, justification: None }
    }

    /// Excludes public activities.
    pub fn private_only(self) -> Self {
        Self { private_only: true, ..self }
    }

    /// Sets the purpose, which access reports state to the data subjects.
    pub fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    /// Sets the justification, which goes into the record.
    pub fn because(self, justification: Justification) -> Self {
        Self { justification: Some(justification), ..self }
    }

    /// Returns the viewer.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        &self.viewer
    }

    /// Returns the query.
    pub fn query(&self) -> &Query {
        &self.query
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns whether public activities are excluded.
    pub(crate) fn is_private_only(&self) -> bool {
        self.private_only
    }

    /// Asks for approvals. The request consists of its record, and exists once that is durable. Accepted or rejected,
    /// there is a record to write.
    ///
    /// `salts` are for the commitments to the query and the justification.
    ///
    /// # Errors
    /// Returns [`Rejection`] with the denial and the record to write.
    pub fn ask(
        &self,
        policy: &PrivacyPolicy,
        request: RequestId,
        record: RecordId,
        salts: [Salt; 2],
        now: DateTime<Utc>,
    ) -> Result<Pending<RequestId>, Box<Rejection<Denial>>> {
        // A wait that exceeds the range of the clock has no end.
        let expires_at = policy.options().max_request_age.and_then(|waits| after(now, waits));
        let allowed = policy.permission(&self.viewer).and_then(|_| self.check_options(policy));
        let summary = RequestSummary {
            request,
            terms: self.recorded_terms(request.0.as_bytes(), salts),
            lifetime: self.lifetime,
            expires_at,
        };
        let record = self.record(policy, record, now, Event::RequestReveal(summary), Outcome::Recorded);
        let allowed = allowed.map(|()| request);
        Pending::allowed_or_rejected(record, allowed.map_err(|denial| (Outcome::Denied(denial), denial)))
    }

    /// Checks the request against the options of the policy.
    pub(super) fn check_options(&self, policy: &PrivacyPolicy) -> Result<(), Denial> {
        let options = policy.options();
        let justified = self.justification.as_ref().is_some_and(|text| !text.as_str().trim().is_empty());
        if options.justification_required && !justified {
            return Err(Denial::JustificationMissing);
        }
        let listed = self.purpose.as_ref().is_some_and(|purpose| options.purposes.contains(purpose));
        if !options.purposes.is_empty() && !listed {
            return Err(Denial::PurposeNotAllowed);
        }
        if self.lifetime.is_zero() || options.max_reveal_lifetime.is_some_and(|max| self.lifetime > max) {
            return Err(Denial::LifetimeNotAllowed);
        }
        Ok(())
    }

    /// Returns whether a request for approvals asked for exactly this.
    pub(super) fn matches(&self, asked: &RequestSummary) -> bool {
        let RequestSummary { terms, lifetime, .. } = asked;
        let RevealTerms { query: _, from: _, until: _, actors: _, private_only, purpose, justification } = terms;
        let same_justification = match (&self.justification, justification) {
            (Some(own), Some(committed)) => committed.value() == Some(own),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        asked.is_about(&self.query)
            && *private_only == self.private_only
            && *purpose == self.purpose
            && *lifetime == self.lifetime
            && same_justification
    }

    /// Returns the scope and the reasons, bound to a reveal or request.
    pub(super) fn recorded_terms(&self, bound_to: &[u8; 16], [of_query, of_justification]: [Salt; 2]) -> RevealTerms {
        RevealTerms {
            query: Commitment::new(query_digest(&self.query, bound_to), of_query),
            from: self.query.time_from(),
            until: self.query.time_until(),
            actors: self.query.actors() as u64,
            private_only: self.private_only,
            purpose: self.purpose.clone(),
            justification: self
                .justification
                .clone()
                .map(|justification| Commitment::new(justification, of_justification)),
        }
    }

    pub(super) fn record(
        &self,
        policy: &PrivacyPolicy,
        id: RecordId,
        at: DateTime<Utc>,
        event: Event,
        outcome: Outcome,
    ) -> Record {
        Record {
            id,
            at,
            initiator: Initiator::User(self.viewer.clone()),
            policy: Some(policy.revision()),
            event,
            outcome,
        }
    }
}

/// Returns the end of a lifetime, and `None` if it exceeds the range of the clock.
pub(super) fn after(from: DateTime<Utc>, lifetime: Duration) -> Option<DateTime<Utc>> {
    from.checked_add_signed(TimeDelta::from_std(lifetime).ok()?)
}
