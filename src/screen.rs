//! Deciding: one activity, one policy, one directory, one verdict with its reasons.

mod matching;
mod stamp;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use thiserror::Error;

use self::matching::{Findings, Watch};
pub use self::stamp::{Cause, Explanation, Reason, Stamp, Stamped, StampedBatch, Standing, Verdict, Visibility};
use crate::activity::{Activity, App};
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, VanishedGroup};
use crate::policy::{GroupRef, PrivacyPolicy, Revision, ScopeEffect, ScopeRule, WhenUndecidable};

/// A policy and a directory, made ready to decide.
///
/// Deciding is pure: the same screen gives the same verdict for the same activity at the same time. It is also total:
/// whatever cannot be known becomes a reason to hide.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use activity_privacy::*;
///
/// let directory = DirectoryBuilder::new().build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
/// let policy = PrivacyPolicy::founding(UserId::new("admin-1")?);
/// let screen = Screen::new(Arc::new(policy), Ok(Arc::new(directory)));
///
/// let activity = Activity::builder(
///     "a-1".parse()?, Actor::unknown(), App::new("Box".parse()?), "Login".parse()?, "2026-03-01T09:00:00Z".parse()?,
/// ).build()?;
/// let (verdict, reasons) = screen.judge(&activity, "2026-03-01T09:00:05Z".parse()?);
/// assert_eq!(verdict, Verdict::Private);
/// assert_eq!(reasons, [Reason::Undecidable(Cause::NoUsableActor)]);
/// # Ok(())
/// # }
/// ```
pub struct Screen {
    policy: Arc<PrivacyPolicy>,
    directory: Result<Arc<DirectorySnapshot>, Cause>,
    watch: Watch,
}

/// A batch that could not be decided, under a policy that refuses rather than hides.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("activity {position} of the batch cannot be decided: {cause}")]
pub struct Undecidable {
    /// Which activity of the batch, from 0.
    pub position: usize,
    /// Why.
    pub cause: Cause,
}

impl Screen {
    /// Makes a policy and a directory ready to decide. A directory that failed is a cause to hide, not an error.
    #[must_use]
    pub fn new(policy: Arc<PrivacyPolicy>, directory: Result<Arc<DirectorySnapshot>, DirectoryError>) -> Self {
        Self::with_vanished(policy, directory, &[])
    }

    /// The same, where groups that are gone from the directory are known from before: whoever the directory itself does not
    /// remember.
    #[must_use]
    pub fn with_vanished(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        vanished: &[VanishedGroup],
    ) -> Self {
        let directory = directory.map_err(|error| match error {
            DirectoryError::NeverLoaded => Cause::DirectoryNeverLoaded,
            DirectoryError::Unavailable(_) => Cause::DirectoryUnavailable,
        });
        let watch = Watch::new(&policy, directory.as_deref().ok(), vanished);
        Self { policy, directory, watch }
    }

    /// The policy that this screen decides under.
    #[must_use]
    pub fn policy(&self) -> &Arc<PrivacyPolicy> {
        &self.policy
    }

    /// The directory that it decides against, if there is one.
    #[must_use]
    pub fn directory(&self) -> Option<&Arc<DirectorySnapshot>> {
        self.directory.as_ref().ok()
    }

    /// Whether a group of the policy is gone from the directory, so that its last members count, as far as they are known.
    #[must_use]
    pub fn relies_on_last_members(&self) -> bool {
        self.watch.relies_on_last_members()
    }

    /// The revisions that every verdict of this screen carries.
    #[must_use]
    pub fn revisions(&self) -> (Revision, Option<DirectoryRevision>) {
        (self.policy.revision(), self.directory().map(|directory| directory.revision()))
    }

    /// Decides a batch at `now`, all of it under the one policy and the one directory of this screen.
    ///
    /// # Errors
    /// [`Undecidable`] when something cannot be decided and the policy says to refuse
    /// ([`WhenUndecidable::Refuse`]); nothing of the batch is then decided.
    pub fn screen<'a>(&self, activities: &'a [Activity], now: DateTime<Utc>) -> Result<StampedBatch<'a>, Undecidable> {
        let (policy, directory) = self.revisions();
        let refuse = self.policy.options().when_undecidable == WhenUndecidable::Refuse;
        let mut batch = StampedBatch::new(policy);
        for (position, activity) in activities.iter().enumerate() {
            let (verdict, reasons) = self.judge(activity, now);
            let visibility = match verdict {
                Verdict::NotMonitored => {
                    batch.leave_out();
                    continue;
                }
                Verdict::Public => Visibility::Public,
                Verdict::Private => Visibility::Private,
            };
            if refuse && let Some(cause) = reasons.iter().find_map(Reason::cause) {
                return Err(Undecidable { position, cause: cause.clone() });
            }
            batch.stamp(activity, Stamp::new(visibility, policy, directory, now, reasons));
        }
        Ok(batch)
    }

    /// Decides one activity at `now`, and says why. When it happened plays no part.
    #[must_use]
    pub fn judge(&self, activity: &Activity, now: DateTime<Utc>) -> (Verdict, Vec<Reason>) {
        let directory = self.directory.as_deref().ok();
        let mut findings = self.watch.findings(&self.policy, directory, activity);
        findings.causes.extend(self.standing_causes(now));
        let scope = match self.scope(activity.app(), &findings) {
            Scope::Unmonitored => return (Verdict::NotMonitored, Vec::new()),
            Scope::Monitored(rule) => rule.cloned().map(Reason::Scope),
        };
        if self.policy.options().objects_count {
            self.watch.add_objects(&self.policy, directory, activity, &mut findings);
        }
        let private: Vec<Reason> = self.watch.private_reasons(&findings).collect();
        let undecidable = !findings.causes.is_empty();
        let shown_anyway = self.policy.options().when_undecidable == WhenUndecidable::ShowUndecided;
        let hidden = !private.is_empty() || (undecidable && !shown_anyway);
        let causes = findings.causes.into_iter().map(Reason::Undecidable);
        let reasons = private.into_iter().chain(causes).chain(scope).collect();
        (if hidden { Verdict::Private } else { Verdict::Public }, reasons)
    }

    /// What keeps this screen from deciding anything at all.
    fn standing_causes(&self, now: DateTime<Utc>) -> impl Iterator<Item = Cause> {
        let directory = match &self.directory {
            Err(cause) => Some(cause.clone()),
            Ok(directory) if self.policy.options().accepts(directory.as_of(), now) => None,
            Ok(_) => Some(Cause::DirectoryTooOld),
        };
        directory.into_iter().chain(self.watch.missing().cloned().map(Cause::GroupVanished))
    }

    fn scope(&self, app: &App, findings: &Findings) -> Scope<'_> {
        let rules = self.policy.scope();
        let found = |group: &GroupRef| self.watch.found(group, findings);
        let excluded = |rule: &ScopeRule| {
            rule.effect() == ScopeEffect::Exclude && rule.target().covers(app) && found(rule.group())
        };
        if rules.iter().any(excluded) {
            return Scope::Unmonitored;
        }
        let includes = || rules.iter().filter(|rule| rule.effect() == ScopeEffect::Include);
        if includes().next().is_none() {
            return Scope::Monitored(None);
        }
        let here = || includes().filter(|rule| rule.target().covers(app));
        let Some(level) = here().map(|rule| rule.target().level()).max() else {
            return Scope::Unmonitored;
        };
        let deciding = || here().filter(|rule| rule.target().level() == level);
        let in_doubt = |cause: &Cause| match cause {
            Cause::GroupVanished(gone) => {
                deciding().any(|rule| matches!(rule.group(), GroupRef::Imported(group) if group == gone))
            }
            Cause::NoUsableActor
            | Cause::AmbiguousAlias
            | Cause::DirectoryNeverLoaded
            | Cause::DirectoryUnavailable
            | Cause::DirectoryTooOld => true,
        };
        match deciding().find(|rule| found(rule.group())) {
            Some(rule) => Scope::Monitored(Some(rule)),
            // Nobody can tell whether a rule takes them in, so they stay, as what cannot be decided.
            None if findings.causes.iter().any(in_doubt) => Scope::Monitored(None),
            None => Scope::Unmonitored,
        }
    }
}

enum Scope<'a> {
    Unmonitored,
    Monitored(Option<&'a ScopeRule>),
}

impl std::fmt::Debug for Screen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (policy, directory) = self.revisions();
        f.debug_struct("Screen").field("policy", &policy).field("directory", &directory).finish_non_exhaustive()
    }
}
