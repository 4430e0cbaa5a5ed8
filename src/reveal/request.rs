//! A wish to see private activities.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::approval::Approvals;
use super::capability::{PendingReveal, Terms};
use crate::governance::{
    Commitment, Event, Initiator, Justification, Outcome, Record, RecordId, Refused, RequestId, RequestSummary,
    RevealId, RevealSummary, RevealTerms, Salt, query_digest,
};
use crate::identity::UserId;
use crate::policy::{Denial, PrivacyPolicy, Purpose};
use crate::query::Query;

/// The viewer's word that they know their looking is written down. There is no default and no shortcut: whoever asks
/// for a reveal writes this call.
#[derive(Debug)]
pub struct Acknowledgement(());

impl Acknowledgement {
    /// The viewer confirmed that this reveal is audited.
    #[must_use]
    pub fn i_know_that_this_reveal_is_audited() -> Self {
        Self(())
    }
}

/// A wish to see private activities: who, what, for how long, for what purpose, and why.
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
    /// A viewer wants to see what `query` finds, private activities included, for at most `lifetime`.
    pub fn new(viewer: UserId, query: Query, lifetime: Duration, _: Acknowledgement) -> Self {
        Self { viewer, query, lifetime, private_only: false, purpose: None, justification: None }
    }

    /// Without the public activities.
    pub fn private_only(self) -> Self {
        Self { private_only: true, ..self }
    }

    /// For a purpose, which those whose activities are seen are told.
    pub fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose: Some(purpose), ..self }
    }

    /// With a justification, for the record.
    pub fn because(self, justification: Justification) -> Self {
        Self { justification: Some(justification), ..self }
    }

    /// Who wants to see.
    #[must_use]
    pub fn viewer(&self) -> &UserId {
        &self.viewer
    }

    /// What they want to see.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// Whether without the public activities.
    pub(super) fn is_private_only(&self) -> bool {
        self.private_only
    }

    /// Asks for approvals. The record is the request: it stands once the record is durable. A refusal has a record too.
    ///
    /// `salts` seal the query and the justification in it.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn ask(
        &self,
        policy: &PrivacyPolicy,
        request: RequestId,
        record: RecordId,
        salts: [Salt; 2],
        now: DateTime<Utc>,
    ) -> Result<Record, Box<Refused<Denial>>> {
        // A wait beyond what the clock can count is one without an end.
        let expires_at = policy.options().max_request_age.and_then(|waits| after(now, waits));
        let allowed = policy.permission(&self.viewer).and_then(|_| self.fits(policy));
        let summary = RequestSummary {
            request,
            about: self.terms(request.0.as_bytes(), salts),
            lifetime: self.lifetime,
            expires_at,
        };
        let outcome = allowed.map_or_else(Outcome::Denied, |()| Outcome::Recorded);
        let record = self.record(policy, record, now, Event::RequestReveal(summary), outcome);
        match allowed {
            Ok(()) => Ok(record),
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    /// Asks the policy. Either way there is a record to write: of the intent, or of the refusal.
    ///
    /// Where the policy asks for approvals, `approvals` are what the log says of the request for this very reveal. `salts`
    /// seal the query and the justification in the record.
    ///
    /// # Errors
    /// [`Refused`] with the denial and the record that says so.
    pub fn authorise(
        self,
        policy: &PrivacyPolicy,
        approvals: Option<Approvals>,
        reveal: RevealId,
        record: RecordId,
        salts: [Salt; 2],
        now: DateTime<Utc>,
    ) -> Result<PendingReveal, Box<Refused<Denial>>> {
        let request = approvals.as_ref().map(Approvals::request);
        let unapproved = after(now, self.lifetime);
        let allowed = self.allowed(policy, reveal, approvals, now);
        let summary = RevealSummary {
            reveal,
            request,
            about: self.terms(reveal.0.as_bytes(), salts),
            expires_at: allowed.as_ref().map_or(unapproved.unwrap_or(now), Terms::expires_at),
        };
        let outcome = allowed.as_ref().map_or_else(|denial| Outcome::Denied(*denial), |_| Outcome::Intended);
        let record = self.record(policy, record, now, Event::Reveal(summary.clone()), outcome);
        match allowed {
            Ok(terms) => Ok(PendingReveal::new(record, summary, terms, self)),
            Err(reason) => Err(Box::new(Refused { reason, record })),
        }
    }

    fn allowed(
        &self,
        policy: &PrivacyPolicy,
        reveal: RevealId,
        approvals: Option<Approvals>,
        now: DateTime<Utc>,
    ) -> Result<Terms, Denial> {
        let granted_in = policy.permission(&self.viewer)?.granted_in();
        self.fits(policy)?;
        let from = match &approvals {
            Some(approvals) => approvals.of(self, policy)?.unwrap_or(now),
            None => now,
        };
        let expires_at = after(from, self.lifetime).ok_or(Denial::LifetimeNotAllowed)?;
        let terms = Terms::new(reveal, self.viewer.clone(), granted_in, from..expires_at, approvals, now);
        terms.check(policy, now)?;
        Ok(terms)
    }

    fn fits(&self, policy: &PrivacyPolicy) -> Result<(), Denial> {
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

    /// Whether a request for approvals asked for exactly this.
    pub(super) fn is_what_was_asked(&self, asked: &RequestSummary) -> bool {
        let RequestSummary { about, lifetime, .. } = asked;
        let RevealTerms { query: _, from: _, until: _, actors: _, private_only, purpose, justification } = about;
        let same_words = match (&self.justification, justification) {
            (Some(own), Some(sealed)) => sealed.value() == Some(own),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        asked.is_about(&self.query)
            && *private_only == self.private_only
            && *purpose == self.purpose
            && *lifetime == self.lifetime
            && same_words
    }

    fn terms(&self, bound_to: &[u8; 16], [of_query, of_justification]: [Salt; 2]) -> RevealTerms {
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

    fn record(
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

pub(super) fn after(from: DateTime<Utc>, lifetime: Duration) -> Option<DateTime<Utc>> {
    from.checked_add_signed(TimeDelta::from_std(lifetime).ok()?)
}
