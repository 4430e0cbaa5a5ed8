//! Reads, with a reveal and without: V1 to V4, R1 to R6, G3.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::histories::CursorChoice;
use super::super::searches::Search;
use super::{ExpectedActivity, ExpectedAnswer, ExpectedReveal, Model, Node, commitment, placeholder_digest};
use crate::activity::{Activity, ActivityId, Actor};
use crate::engine::{Reason, Visibility};
use crate::governance::{
    ChangeSummary, Digest, Event, ExportFormat, ExportSummary, Initiator, Justification, Outcome, OutcomeKind,
    PrivateRows, Record, RecordId, RecordKind, RecordQuery, RemovalSummary, RequestSummary, RevealId, RevealSummary,
    RevealTerms, Subjects,
};
use crate::identity::{Alias, Identity, UserId, fold};
use crate::policy::{Denial, GroupRef, Revision};
use crate::query::{Count, CountBy};

/// The ids and visibilities on a page, and whether there is a next one; or the denial, or `None` for a rejected cursor.
pub type ExpectedPage = Result<(Vec<(ActivityId, Visibility)>, bool), Option<Denial>>;

/// The end of a page, which a cursor denotes.
#[derive(Debug, Clone)]
pub(super) enum PageEnd {
    View { viewer: UserId, search: Search, last: PageKey },
    Reveal { reveal: RevealId, page: usize },
}

type PageKey = (DateTime<Utc>, ActivityId);

#[derive(Debug, Clone)]
pub(super) struct OpenReveal {
    pub(super) at: Node,
    intent: RecordId,
    viewer: UserId,
    search: Search,
    summary: RevealSummary,
    since: DateTime<Utc>,
    /// The time that it has been open: the time that passed on the clock, which can be set back.
    age: TimeDelta,
    /// The time of its last use.
    used: DateTime<Utc>,
    /// Why it ended, for good.
    ended: Option<Denial>,
    /// The policy revision of its viewer's grant.
    granted_in: Option<Revision>,
    /// The end of each of its pages.
    ends: Vec<PageKey>,
    pages: u64,
    private: u64,
}

pub(super) fn page_size(size: u16) -> usize {
    usize::from(size).clamp(1, 1_000)
}

impl Model {
    pub(super) fn page(&mut self, viewer: &UserId, search: &Search, size: u16, cursor: CursorChoice) -> ExpectedAnswer {
        let (mut viewer, mut search) = (viewer.clone(), search.clone());
        let after = match self.cursor(cursor) {
            None => None,
            Some(PageEnd::View { viewer: of, search: with, last }) => {
                if cursor == CursorChoice::Last {
                    (viewer, search) = (of.clone(), with.clone());
                }
                if (&of, &with) != (&viewer, &search) {
                    return ExpectedAnswer::Page(Err(None));
                }
                Some(last)
            }
            Some(PageEnd::Reveal { .. }) => return ExpectedAnswer::Page(Err(None)),
        };
        let found: Vec<ExpectedActivity> = self.newest_first(&search, false, is_private).into_iter().cloned().collect();
        let (page, more) = page_after(&found, after.as_ref(), page_size(size));
        if let (true, Some(last)) = (more, page.last()) {
            self.cursors.push(PageEnd::View { viewer, search, last: page_key(last) });
        }
        ExpectedAnswer::Page(Ok((ids(&page), more)))
    }

    pub(super) fn count(&self, search: &Search, by: Option<CountBy>) -> ExpectedAnswer {
        let found = self.newest_first(search, false, is_private);
        let Some(by) = by else { return ExpectedAnswer::Count(found.len() as u64) };
        let mut counts: Vec<Count> = Vec::new();
        for stored in found {
            let key = count_key(by, &stored.activity);
            match counts.iter_mut().find(|count| count.key == key) {
                Some(count) => count.activities += 1,
                None => counts.push(Count { key, activities: 1 }),
            }
        }
        counts.sort_by(|a, b| a.key.cmp(&b.key));
        ExpectedAnswer::Counts(counts)
    }

    pub(super) fn open(
        &mut self,
        at: Node,
        viewer: &UserId,
        search: &Search,
        lifetime: Duration,
        private_only: bool,
        justification: Option<&str>,
    ) -> ExpectedReveal {
        let id = self.records.len() as u128 + 1;
        let expires_at = TimeDelta::from_std(lifetime).ok().and_then(|lifetime| self.now.checked_add_signed(lifetime));
        let options = &self.policy.options;
        let allowed = if let Err(denial) = self.policy.may_view_private(viewer) {
            Err(denial)
        } else if options.justification_required
            && justification.is_none_or(|justification| justification.trim().is_empty())
        {
            Err(Denial::JustificationMissing)
        } else if !options.purposes.is_empty() {
            // The histories name no purpose.
            Err(Denial::PurposeNotAllowed)
        } else if lifetime.is_zero()
            || options.max_reveal_lifetime.is_some_and(|max| lifetime > max)
            || expires_at.is_none()
        {
            Err(Denial::LifetimeNotAllowed)
        } else if options.approvals_required > 0 {
            Err(Denial::ApprovalsMissing)
        } else {
            Ok(())
        };
        let reveal = RevealId(uuid::Uuid::from_u128(id));
        let terms = RevealTerms {
            query: commitment(placeholder_digest()),
            from: search.since,
            until: search.until,
            actors: search.actors.len() as u64,
            private_only,
            purpose: None,
            justification: justification
                .and_then(|justification| Justification::new(justification).ok())
                .map(commitment),
        };
        let expires_at = expires_at.unwrap_or(self.now);
        let summary = RevealSummary { reveal, request: None, terms, expires_at };
        let outcome = allowed.map_or_else(Outcome::Denied, |()| Outcome::Intended);
        let (initiator, event) = (Initiator::User(viewer.clone()), Event::Reveal(summary.clone()));
        let intent = self.record(initiator, Some(self.policy.revision), event, outcome);
        allowed?;
        let (viewer, search) = (viewer.clone(), search.clone());
        let granted_in = self.policy.granted_in(&viewer);
        let (ends, pages, private) = (Vec::new(), 0, 0);
        let since = self.now;
        let (age, used, ended) = (TimeDelta::zero(), self.now, None);
        self.reveals.push(OpenReveal {
            at,
            intent,
            viewer,
            search,
            summary,
            since,
            age,
            used,
            ended,
            granted_in,
            ends,
            pages,
            private,
        });
        Ok(())
    }

    pub(super) fn reveal_page(&mut self, which: u8, size: u16, cursor: CursorChoice) -> Option<ExpectedPage> {
        let at = self.slot(which)?;
        let allowed = self.may_continue(at)?;
        let reveal = self.reveals.get(at)?.clone();
        let id = reveal.summary.reveal;
        let chosen = match cursor {
            // The last page end of this reveal.
            CursorChoice::Last => {
                let own = |ended: &&PageEnd| matches!(ended, PageEnd::Reveal { reveal, .. } if *reveal == id);
                self.cursors.iter().rev().find(own).cloned()
            }
            other => self.cursor(other),
        };
        let initiator = Initiator::User(reveal.viewer.clone());
        let event = |shown: &[ExpectedActivity]| {
            let private: Vec<_> =
                shown.iter().filter(|shown| is_private(shown)).map(|shown| shown.activity.id()).collect();
            let (activities, count) = (shown.len() as u64, private.len() as u64);
            let (activities, private, digest) =
                (commitment(activities), commitment(count), commitment(Digest::of_ids(private)));
            (Event::Page { reveal: id, activities, private, digest, subjects: commitment(Subjects::default()) }, count)
        };
        if let Err(denial) = allowed {
            self.record(initiator, Some(self.policy.revision), event(&[]).0, Outcome::Denied(denial));
            return Some(Err(Some(denial)));
        }
        let after = match chosen {
            None => None,
            Some(PageEnd::Reveal { reveal: of, page }) if of == id => Some(reveal.ends.get(page)?.clone()),
            Some(_) => {
                // R4: a denied attempt is recorded.
                let outcome = Outcome::Denied(Denial::ForeignCursor);
                self.record(initiator, Some(self.policy.revision), event(&[]).0, outcome);
                return Some(Err(None));
            }
        };
        let left_out = |stored: &ExpectedActivity| reveal.summary.terms.private_only && !is_private(stored);
        let found: Vec<ExpectedActivity> =
            self.newest_first(&reveal.search, true, left_out).into_iter().cloned().collect();
        let (page, more) = page_after(&found, after.as_ref(), page_size(size));
        let (event, private) = event(&page);
        self.record(initiator, Some(self.policy.revision), event, Outcome::Intended);
        let open_reveal = self.reveals.get_mut(at)?;
        open_reveal.pages += 1;
        open_reveal.private += private;
        if let (true, Some(last)) = (more, page.last()) {
            open_reveal.ends.push(page_key(last));
            let page = open_reveal.ends.len() - 1;
            self.cursors.push(PageEnd::Reveal { reveal: id, page });
        }
        Some(Ok((ids(&page), more)))
    }

    pub(super) fn export(&mut self, which: u8, private_rows: PrivateRows) -> Option<Result<(u64, u64), Denial>> {
        let at = self.slot(which)?;
        let allowed = self.may_continue(at)?;
        let reveal = self.reveals.get(at)?.clone();
        let summary = ExportSummary { reveal: reveal.summary.reveal, format: ExportFormat::JsonLines, private_rows };
        let (initiator, policy) = (Initiator::User(reveal.viewer.clone()), Some(self.policy.revision));
        if let Err(denial) = allowed {
            self.record(initiator, policy, Event::Export(summary), Outcome::Denied(denial));
            return Some(Err(denial));
        }
        let intent = self.record(initiator.clone(), policy, Event::Export(summary), Outcome::Intended);
        let exported = match private_rows {
            // V5: the pages are those of the reveal. No history stores as many activities as an export reads at once.
            PrivateRows::Redact => {
                let (page, _) = self.reveal_page(which, 250, CursorChoice::Start)?.ok()?;
                let private = page.iter().filter(|(_, visibility)| *visibility == Visibility::Private).count();
                ((page.len() - private) as u64, private as u64)
            }
            PrivateRows::Omit => {
                let left_out = |_: &ExpectedActivity| reveal.summary.terms.private_only;
                (self.newest_first(&reveal.search, false, left_out).len() as u64, 0)
            }
        };
        self.record(initiator, policy, Event::Export(summary), Outcome::Done { intent });
        Some(Ok(exported))
    }

    /// Ages an open reveal and returns whether it may continue.
    fn may_continue(&mut self, at: usize) -> Option<Result<(), Denial>> {
        let now = self.now;
        let open_reveal = self.reveals.get_mut(at)?;
        // R1: it ages with the time that passes, and at least as the clock shows.
        open_reveal.age += (now - open_reveal.used).max(TimeDelta::zero());
        open_reveal.age = open_reveal.age.max(now - open_reveal.since);
        open_reveal.used = now;
        let reveal = open_reveal.clone();
        // P2: checked at each use.
        let allowed = self.policy.may_view_private(&reveal.viewer);
        let same_grant = self.policy.granted_in(&reveal.viewer) == reveal.granted_in;
        let allowed = allowed.and(if same_grant { Ok(()) } else { Err(Denial::NotPermitted) });
        let unapproved = self.policy.options.approvals_required > 0;
        let allowed = allowed.and(if unapproved { Err(Denial::ApprovalsMissing) } else { Ok(()) });
        // P3: no longer than the policy allows now.
        let age = reveal.age.to_std().unwrap_or_default();
        let has_time = self.policy.options.max_reveal_lifetime.is_none_or(|max| age < max);
        let is_open = has_time && reveal.age < reveal.summary.expires_at - reveal.since;
        let allowed = allowed.and(if is_open { Ok(()) } else { Err(Denial::Expired) });
        // R1: the first reason ended it for good.
        let allowed = allowed.and(reveal.ended.map_or(Ok(()), Err));
        self.reveals.get_mut(at)?.ended = reveal.ended.or(allowed.err());
        Some(allowed)
    }

    pub(super) fn close(&mut self, which: u8) -> Option<(u64, u64)> {
        let at = self.slot(which)?;
        let OpenReveal { intent, viewer, summary, pages, private, .. } = self.reveals.remove(at);
        let outcome = Outcome::Closed { intent, pages, private: commitment(private) };
        self.record(Initiator::User(viewer), Some(self.policy.revision), Event::Reveal(summary), outcome);
        Some((pages, private))
    }

    pub(super) fn governance(
        &mut self,
        reader: &UserId,
        query: &RecordQuery,
        after: u64,
        size: u16,
    ) -> Result<Vec<(u64, Record)>, Denial> {
        if let Err(denial) = self.policy.may_read_governance(reader) {
            let outcome = Outcome::Denied(denial);
            self.record(Initiator::User(reader.clone()), Some(self.policy.revision), Event::ReadGovernance, outcome);
            return Err(denial);
        }
        let numbered = (1_u64..).zip(self.records.iter().cloned());
        let found = numbered.filter(|(number, record)| *number > after && matches_record(query, record));
        Ok(found.take(page_size(size)).collect())
    }

    /// Returns the index of an open reveal, counted from the latest.
    fn slot(&self, which: u8) -> Option<usize> {
        let open = self.reveals.len();
        (open > 0).then(|| open - 1 - usize::from(which) % open)
    }

    fn cursor(&self, choice: CursorChoice) -> Option<PageEnd> {
        let of_view = |ended: &&PageEnd| matches!(ended, PageEnd::View { .. });
        match choice {
            CursorChoice::Start => None,
            CursorChoice::Last => self.cursors.iter().rev().find(of_view).cloned(),
            CursorChoice::Any(_) if self.cursors.is_empty() => None,
            CursorChoice::Any(which) => self.cursors.iter().rev().cycle().nth(usize::from(which)).cloned(),
        }
    }

    fn newest_first(
        &self,
        search: &Search,
        with_private: bool,
        left_out: impl Fn(&ExpectedActivity) -> bool,
    ) -> Vec<&ExpectedActivity> {
        let wanted = |stored: &&ExpectedActivity| {
            !left_out(stored) && (with_private || !is_private(stored)) && matches(search, stored)
        };
        let mut found: Vec<&ExpectedActivity> = self.stored.iter().filter(wanted).collect();
        found.sort_by_key(|stored| std::cmp::Reverse(page_key(stored)));
        found
    }
}

fn is_private(stored: &ExpectedActivity) -> bool {
    stored.decision.visibility() == Some(Visibility::Private)
}

fn page_key(stored: &ExpectedActivity) -> PageKey {
    (stored.activity.occurred_at(), stored.activity.id().clone())
}

fn ids(page: &[ExpectedActivity]) -> Vec<(ActivityId, Visibility)> {
    let shown = |stored: &ExpectedActivity| if is_private(stored) { Visibility::Private } else { Visibility::Public };
    page.iter().map(|stored| (stored.activity.id().clone(), shown(stored))).collect()
}

/// Returns up to `size` activities after a position, and whether there are more.
fn page_after(found: &[ExpectedActivity], after: Option<&PageKey>, size: usize) -> (Vec<ExpectedActivity>, bool) {
    let rest: Vec<ExpectedActivity> =
        found.iter().filter(|stored| after.is_none_or(|after| page_key(stored) < *after)).cloned().collect();
    let more = rest.len() > size;
    (rest.into_iter().take(size).collect(), more)
}

/// V3: every filter applies.
fn matches(search: &Search, stored: &ExpectedActivity) -> bool {
    let Search { since, until, actors, apps, suite, action, group, text } = search;
    let activity = &stored.activity;
    let names_group = |group: &GroupRef| {
        stored.decision.reasons.iter().any(|reason| match reason {
            Reason::Member { group: of, .. } => of == group,
            Reason::Scope(rule) => rule.group() == group,
            Reason::Undecidable(_) => false,
        })
    };
    let contains = |text: &String| {
        let has_text = |name: &str| fold(name).contains(&fold(text));
        has_text(activity.action().as_str()) || activity.objects().any(has_text)
    };
    since.is_none_or(|since| activity.occurred_at() >= since)
        && until.is_none_or(|until| activity.occurred_at() < until)
        && (actors.is_empty() || actors.iter().any(|name| activity.principals().any(|by| has_name(by, name))))
        && (apps.is_empty() || apps.iter().any(|app| activity.app().name() == app))
        && suite.as_ref().is_none_or(|suite| activity.app().suite() == Some(suite))
        && action.as_ref().is_none_or(|action| activity.action() == action)
        && group.as_ref().is_none_or(names_group)
        && text.as_ref().is_none_or(contains)
}

/// Returns whether a principal has this id, alias, account name or application name.
fn has_name(actor: &Actor, name: &str) -> bool {
    let name = name.trim();
    let Ok(alias) = Alias::new(name) else { return false };
    // D8: names are compared without regard to their app; an address by its domain, never folded as a whole.
    let same = |text: &str| Alias::new(text).is_ok_and(|other| other.matches(&alias));
    actor.name().is_some_and(|of| same(of.as_str()))
        || actor.identities().iter().any(|identity| match identity {
            Identity::Id(id) => id.as_str() == name,
            Identity::Alias(other) => same(other.as_str()),
        })
}

fn count_key(by: CountBy, activity: &Activity) -> String {
    let at = activity.occurred_at();
    match by {
        CountBy::Hour => at.format("%Y-%m-%dT%H:00:00Z").to_string(),
        CountBy::Day => at.format("%Y-%m-%dT00:00:00Z").to_string(),
        CountBy::App => activity.app().name().as_str().to_owned(),
        CountBy::Actor => label(activity.actor()),
    }
}

/// Returns the folded label of an actor: the name, else the first alias, else the first id.
fn label(actor: &Actor) -> String {
    let named = actor.name().and_then(|name| Alias::new(name.as_str()).ok());
    let alias = actor.identities().iter().find_map(|identity| match identity {
        Identity::Alias(alias) => Some(alias),
        Identity::Id(_) => None,
    });
    let id = actor.identities().iter().find_map(|identity| match identity {
        Identity::Id(id) => Some(id.as_str()),
        Identity::Alias(_) => None,
    });
    match (named.as_ref().or(alias), id) {
        (Some(alias), _) => match (alias.domain(), alias.as_str().rsplit_once('@'), alias.app()) {
            (Some(domain), Some((local, _)), _) => format!("{}@{domain}", fold(local)),
            (_, _, Some(app)) => format!("{}: {}", fold(app), fold(alias.as_str())),
            _ => fold(alias.as_str()),
        },
        (None, Some(id)) => id.to_owned(),
        (None, None) => "unknown".to_owned(),
    }
}

/// G3: filters by time, kind, initiator, target and outcome.
fn matches_record(query: &RecordQuery, record: &Record) -> bool {
    let RecordQuery { from, until, kind, initiator, target, outcome } = query;
    from.is_none_or(|from| record.at >= from)
        && until.is_none_or(|until| record.at < until)
        && kind.is_none_or(|kind| kinds_of(record).contains(&kind))
        && initiator.as_ref().is_none_or(|user| record.initiator == Initiator::User(user.clone()))
        && target.as_ref().is_none_or(|target| targets_of(record).contains(target))
        && outcome.is_none_or(|outcome| outcome == outcome_of(record))
}

fn kinds_of(record: &Record) -> Vec<RecordKind> {
    let kind = |change: &ChangeSummary| match change {
        ChangeSummary::Grant(_) => RecordKind::Grant,
        ChangeSummary::Revoke(_) => RecordKind::Revocation,
        _ => RecordKind::PolicyChange,
    };
    vec![match &record.event {
        Event::ChangePolicy(changes) if !changes.is_empty() => return changes.iter().map(kind).collect(),
        Event::ChangePolicy(_) | Event::InitializePolicy { .. } | Event::AcceptDifference { .. } => {
            RecordKind::PolicyChange
        }
        Event::DryRun { .. } => RecordKind::DryRun,
        Event::Reveal(_) => RecordKind::Reveal,
        Event::Page { .. } => RecordKind::Page,
        Event::Export(_) => RecordKind::Export,
        Event::RequestReveal(_) => RecordKind::RevealRequest,
        Event::DecideRequest { .. } => RecordKind::Approval,
        Event::Remove(RemovalSummary::Aged { .. }) => RecordKind::Retention,
        Event::Remove(RemovalSummary::Subject { .. }) => RecordKind::Erasure,
        Event::Remove(RemovalSummary::Commitment { .. }) => RecordKind::Redaction,
        Event::ChangeSinks { .. } | Event::ProbeSink { .. } => RecordKind::SinkChange,
        Event::ReadGovernance => RecordKind::GovernanceRead,
        Event::GroupRemoved { .. } | Event::GroupRestored { .. } => RecordKind::Directory,
    }]
}

fn outcome_of(record: &Record) -> OutcomeKind {
    match &record.outcome {
        Outcome::Intended => OutcomeKind::Intended,
        Outcome::Observed => OutcomeKind::Observed,
        Outcome::Recorded | Outcome::Done { .. } | Outcome::Closed { .. } | Outcome::Removed { .. } => {
            OutcomeKind::Done
        }
        Outcome::Failed { .. } | Outcome::RemovedInPart { .. } => OutcomeKind::Failed,
        Outcome::Denied(_) | Outcome::Invalid(_) | Outcome::InvalidSinks(_) => OutcomeKind::Refused,
    }
}

fn targets_of(record: &Record) -> Vec<String> {
    vec![match &record.event {
        Event::ReadGovernance | Event::ChangeSinks { .. } | Event::Remove(RemovalSummary::Aged { .. }) => {
            return Vec::new();
        }
        Event::InitializePolicy { administrators } | Event::AcceptDifference { administrators, .. } => {
            return administrators.iter().map(|user| user.as_str().to_owned()).collect();
        }
        Event::ChangePolicy(changes) | Event::DryRun { changes, .. } => {
            return changes.iter().filter_map(target_of).collect();
        }
        Event::ProbeSink { sink } => sink.as_str().to_owned(),
        Event::RequestReveal(RequestSummary { request, .. }) | Event::DecideRequest { request, .. } => {
            request.to_string()
        }
        Event::Remove(RemovalSummary::Subject { subject, .. }) => subject.as_str().to_owned(),
        Event::Remove(RemovalSummary::Commitment { record }) => record.to_string(),
        Event::Reveal(RevealSummary { reveal, .. })
        | Event::Page { reveal, .. }
        | Event::Export(ExportSummary { reveal, .. }) => reveal.to_string(),
        Event::GroupRemoved { group, .. } | Event::GroupRestored { group } => group.as_str().to_owned(),
    }]
}

fn target_of(change: &ChangeSummary) -> Option<String> {
    let group = |group: &GroupRef| match group {
        GroupRef::Imported(id) => id.as_str().to_owned(),
        GroupRef::Applications => "applications".to_owned(),
        GroupRef::ExternalUsers => "external_users".to_owned(),
    };
    match change {
        ChangeSummary::MakePrivate(of) | ChangeSummary::MakePublic(of) => Some(group(of)),
        ChangeSummary::AddScopeRule(rule) | ChangeSummary::RemoveScopeRule(rule) => Some(group(rule.group())),
        ChangeSummary::ManageDomain { domain, .. } | ChangeSummary::UnmanageDomain(domain) => {
            Some(domain.as_str().to_owned())
        }
        ChangeSummary::SetAdmin(user, _) | ChangeSummary::RemoveAdmin(user) => Some(user.as_str().to_owned()),
        ChangeSummary::Grant(user) | ChangeSummary::Revoke(user) => user.as_ref().map(|user| user.as_str().to_owned()),
        ChangeSummary::AddFollower(name, _)
        | ChangeSummary::RemoveFollower(name)
        | ChangeSummary::DiscloseToFollower(name)
        | ChangeSummary::WithholdFromFollower(name) => Some(name.as_str().to_owned()),
        ChangeSummary::SetOptions(_) => None,
    }
}
