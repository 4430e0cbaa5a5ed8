//! Deciding: one activity, one policy, one directory, one verdict with its reasons.

mod census;
mod classes;
mod decision;
mod dry_run;
mod lookout;
mod reach;
mod reason;
mod seeker;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use thiserror::Error;

use self::classes::Class;
pub use self::decision::{DecidedActivity, DecidedBatch, Decision, Explanation, Verdict, Visibility};
pub use self::dry_run::{Affected, DryRun};
use self::lookout::Lookout;
pub use self::reason::{PrincipalRole, Reason, Reasons, UndecidableReason};
use self::seeker::Seeker;
use self::watch::Watch;
use crate::activity::{Activity, App, without_leap_second};
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, RemovedGroup};
use crate::identity::GroupId;
use crate::policy::{GroupRef, OnUndecidable, PrivacyPolicy, Revision, ScopeEffect, ScopeRule};

/// A policy and a directory, made ready to decide.
///
/// Deciding is pure: the same engine gives the same verdict for the same activity at the same time. It is also total:
/// whatever cannot be known becomes a reason to hide.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
///
/// use activity_privacy::activity::{Activity, Actor, App};
/// use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision};
/// use activity_privacy::engine::{PolicyEngine, Reason, UndecidableReason, Verdict};
/// use activity_privacy::identity::UserId;
/// use activity_privacy::policy::{Administrators, PrivacyPolicy};
///
/// let directory = DirectoryBuilder::new().build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
/// let policy = PrivacyPolicy::initial(&Administrators::only_one(UserId::new("admin-1")?));
/// let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::new(directory)));
///
/// let activity = Activity::builder(
///     "a-1".parse()?, Actor::unknown(), App::new("Box".parse()?), "Login".parse()?, "2026-03-01T09:00:00Z".parse()?,
/// ).build()?;
/// let (verdict, reasons) = engine.verdict(&activity, "2026-03-01T09:00:05Z".parse()?);
/// assert_eq!(verdict, Verdict::Private);
/// assert_eq!(reasons, [Reason::Undecidable(UndecidableReason::NoUsableActor)]);
/// # Ok(())
/// # }
/// ```
pub struct PolicyEngine {
    policy: Arc<PrivacyPolicy>,
    directory: Result<Arc<DirectorySnapshot>, UndecidableReason>,
    watch: Watch,
    /// What decides most activities, if they can be decided.
    lookout: Option<Lookout>,
    /// For each rule of the scope, the place of its group among those that are watched.
    scope_groups: Vec<usize>,
    /// The reason for what is public because of a rule of the scope.
    monitored_by: Vec<Reasons>,
    /// The groups that are gone, as they were known when this was made.
    kept: Arc<Vec<RemovedGroup>>,
}

/// A batch that could not be decided, under a policy that refuses rather than hides.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("activity {position} of the batch cannot be decided: {reason}")]
pub struct Undecidable {
    /// Which activity of the batch, from 0.
    pub position: usize,
    /// Why.
    pub reason: UndecidableReason,
}

impl PolicyEngine {
    /// Makes a policy and a directory ready to decide. A directory that failed is a cause to hide, not an error.
    #[must_use]
    pub fn new(policy: Arc<PrivacyPolicy>, directory: Result<Arc<DirectorySnapshot>, DirectoryError>) -> Self {
        Self::with_removed_groups(policy, directory, &[])
    }

    /// The same, where groups that are gone from the directory are known from before: whoever the directory itself does
    /// not remember.
    #[must_use]
    pub fn with_removed_groups(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        vanished: &[RemovedGroup],
    ) -> Self {
        Self::with_kept(policy, directory, Arc::new(vanished.to_vec()))
    }

    /// Like [`Self::with_removed_groups`], with what is known from before shared.
    pub(crate) fn with_kept(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        kept: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        let directory = directory.map_err(|error| match error {
            DirectoryError::NeverLoaded => UndecidableReason::DirectoryNeverLoaded,
            DirectoryError::Unavailable(_) => UndecidableReason::DirectoryUnavailable,
        });
        let watch = Watch::new(&policy, directory.as_deref().ok(), &kept);
        let clear = directory.as_deref().ok().filter(|_| watch.missing().next().is_none());
        let lookout = clear.map(|directory| Lookout::new(&policy, &watch, directory));
        Self::of(policy, directory, watch, lookout, kept)
    }

    /// The engine for a directory that deltas made of the one of this engine, at the cost of whoever changed, if the
    /// policy says the same about groups. In every other case, the same as [`Self::with_removed_groups`].
    #[must_use]
    pub fn following(
        &self,
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        vanished: &[RemovedGroup],
    ) -> Self {
        self.following_with(policy, directory, Arc::new(vanished.to_vec()))
    }

    /// Like [`Self::following`], with what is known from before shared.
    pub(crate) fn following_with(
        &self,
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        kept: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        let Ok(next) = directory else { return Self::with_kept(policy, directory, kept) };
        match self.followed(&policy, &next, &kept) {
            Some((watch, lookout)) => Self::of(policy, Ok(next), watch, Some(lookout), kept),
            None => Self::with_kept(policy, Ok(next), kept),
        }
    }

    /// What has to be made anew for a policy and a directory, if it is not everything.
    fn followed(
        &self,
        policy: &PrivacyPolicy,
        next: &DirectorySnapshot,
        kept: &Arc<Vec<RemovedGroup>>,
    ) -> Option<(Watch, Lookout)> {
        let (lookout, before) = (self.lookout.as_ref()?, self.directory()?);
        if !policy.speaks_alike_of_groups(&self.policy) {
            return None;
        }
        let changed = next.changes_since(before)?;
        if !self.was_made_with(kept) {
            return None;
        }
        let watch = self.watch.following(before, next, kept);
        if watch.missing().next().is_some() || !watch.is_like(&self.watch) {
            return None;
        }
        let lookout = lookout.following(policy, &watch, before, next, &changed)?;
        Some((watch, lookout))
    }

    fn of(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, UndecidableReason>,
        watch: Watch,
        lookout: Option<Lookout>,
        kept: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        // INVARIANT: every group of a rule is watched.
        let scope_groups =
            policy.scope().iter().map(|rule| watch.position(rule.group()).unwrap_or(usize::MAX)).collect();
        let monitored_by =
            policy.scope().iter().map(|rule| [Reason::Scope(rule.clone())].into_iter().collect()).collect();
        Self { policy, directory, watch, lookout, scope_groups, monitored_by, kept }
    }

    /// Returns the groups that count for imported groups of the policy and of which a directory may not know the members:
    /// removed ones, and those that a delta added. Each comes with the groups of the policy that it counts for.
    pub(crate) fn open_groups(
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
    ) -> BTreeMap<GroupId, BTreeSet<GroupId>> {
        Watch::new(policy, Some(directory), &[]).open_groups(directory)
    }

    /// Returns, for each group that was kept, the imported groups of the policy in which it counts as nested.
    pub(crate) fn holding(
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
        kept: &[RemovedGroup],
    ) -> Vec<BTreeSet<GroupId>> {
        let watch = Watch::new(policy, Some(directory), &[]);
        kept.iter().map(|kept| watch.groups_holding(kept, directory).cloned().collect()).collect()
    }

    /// The policy that this engine decides under.
    #[must_use]
    pub fn policy(&self) -> &Arc<PrivacyPolicy> {
        &self.policy
    }

    /// The directory that it decides against, if there is one.
    #[must_use]
    pub fn directory(&self) -> Option<&Arc<DirectorySnapshot>> {
        self.directory.as_ref().ok()
    }

    /// Whether last members count, as far as they are known: of a group of the policy that is gone from the directory, of
    /// one that is nested in a group of the policy, or of one that a delta added, which may have been there before.
    #[must_use]
    pub fn relies_on_last_members(&self) -> bool {
        self.watch.relies_on_last_members()
    }

    /// The revisions that every verdict of this engine carries.
    #[must_use]
    pub fn revisions(&self) -> (Revision, Option<DirectoryRevision>) {
        (self.policy.revision(), self.directory().map(|directory| directory.revision()))
    }

    /// Decides a batch at `now`, all of it under the one policy and the one directory of this engine.
    ///
    /// # Errors
    /// [`Undecidable`] when something cannot be decided and the policy says to refuse
    /// ([`OnUndecidable::Reject`]); nothing of the batch is then decided.
    pub fn decide<'a>(&self, activities: &'a [Activity], now: DateTime<Utc>) -> Result<DecidedBatch<'a>, Undecidable> {
        let (policy, directory) = self.revisions();
        let decided_at = without_leap_second(now).trunc_subsecs(6);
        let refuse = self.policy.options().on_undecidable == OnUndecidable::Reject;
        let mut batch = DecidedBatch::new(policy, activities.len());
        let mut undecidable = None;
        self.decide_each(activities, now, |position, activity, verdict, reasons| {
            let visibility = match verdict {
                Verdict::NotMonitored => return batch.leave_out(),
                Verdict::Public => Visibility::Public,
                Verdict::Private => Visibility::Private,
            };
            if refuse && undecidable.is_none() {
                let reason = reasons.iter().find_map(Reason::cause);
                undecidable = reason.map(|reason| Undecidable { position, reason: reason.clone() });
            }
            batch.push(activity, Decision::new(visibility, policy, directory, decided_at, reasons));
        });
        match undecidable {
            Some(undecidable) => Err(undecidable),
            None => Ok(batch),
        }
    }

    /// Decides one activity at `now`, and says why. When it happened plays no part.
    #[must_use]
    pub fn verdict(&self, activity: &Activity, now: DateTime<Utc>) -> (Verdict, Reasons) {
        self.decide_by_look(self.clear(now), activity, now)
    }

    /// Decides activities at `now`, each as [`Self::verdict`] does. Faster for many, because the memory that they need is
    /// asked for at once.
    #[must_use]
    pub fn verdicts(&self, activities: &[Activity], now: DateTime<Utc>) -> Vec<(Verdict, Reasons)> {
        let mut verdicts = Vec::with_capacity(activities.len());
        self.decide_each(activities, now, |_, _, verdict, reasons| verdicts.push((verdict, reasons)));
        verdicts
    }

    #[inline]
    fn decide_each<'a>(
        &self,
        activities: &'a [Activity],
        now: DateTime<Utc>,
        mut each: impl FnMut(usize, &'a Activity, Verdict, Reasons),
    ) {
        /// How many are hashed before any is looked up.
        const AT_ONCE: usize = 64;
        let clear = self.clear(now);
        for (first, activities) in (0..).step_by(AT_ONCE).zip(activities.chunks(AT_ONCE)) {
            let mut is_nobody = [false; AT_ONCE];
            if let Some((lookout, directory)) = clear {
                let mut hashes = [[0; 2]; AT_ONCE];
                let (mut suspects, mut count) = ([0; AT_ONCE], 0);
                for ((hashes, is_nobody), activity) in hashes.iter_mut().zip(&mut is_nobody).zip(activities) {
                    if let Some(known) = lookout.hashes(directory, activity) {
                        (*hashes, *is_nobody) = (known, true);
                    }
                }
                for (is_nobody, hashes) in is_nobody.iter_mut().zip(hashes).filter(|(is_nobody, _)| **is_nobody) {
                    *is_nobody = !lookout.may_know_any(hashes);
                    if let (Some(suspect), [first, _]) = (suspects.get_mut(count), hashes) {
                        *suspect = first;
                        count += usize::from(!*is_nobody);
                    }
                }
                lookout.ask_for(suspects.get(..count).unwrap_or_default());
            }
            for ((position, activity), is_nobody) in (first..).zip(activities).zip(is_nobody) {
                let (verdict, reasons) = match clear {
                    Some((lookout, _)) if is_nobody && !self.has_counted_objects(activity) => {
                        self.decide_class(lookout, activity.app(), Class::NONE)
                    }
                    _ => self.decide_by_look(clear, activity, now),
                };
                each(position, activity, verdict, reasons);
            }
        }
    }

    /// What is needed to decide by a look, if nothing keeps this engine from deciding.
    #[inline]
    fn clear(&self, now: DateTime<Utc>) -> Option<(&Lookout, &DirectorySnapshot)> {
        let directory = self.directory.as_deref().ok()?;
        let lookout = self.lookout.as_ref()?;
        self.policy.options().accepts(directory.as_of(), now).then_some((lookout, directory))
    }

    #[inline(always)]
    fn decide_by_look(
        &self,
        clear: Option<(&Lookout, &DirectorySnapshot)>,
        activity: &Activity,
        now: DateTime<Utc>,
    ) -> (Verdict, Reasons) {
        if let Some((lookout, directory)) = clear
            && !self.has_counted_objects(activity)
        {
            let class = match lookout.hashes(directory, activity) {
                Some(hashes) => lookout.look_for(directory, activity, hashes),
                None => lookout.look(directory, activity),
            };
            if class != Class::UNCLEAR {
                return self.decide_class(lookout, activity.app(), class);
            }
        }
        self.decide_in_full(activity, now)
    }

    fn has_counted_objects(&self, activity: &Activity) -> bool {
        self.policy.options().include_objects && activity.objects().len() > 0
    }

    /// Decides on somebody who is in the watched groups of a class, of whom everything is known.
    #[inline(always)]
    fn decide_class(&self, lookout: &Lookout, app: &App, class: Class) -> (Verdict, Reasons) {
        match (class, self.policy.scope().is_empty()) {
            (Class::NONE, true) => (Verdict::Public, Reasons::NONE),
            _ => self.decide_known(lookout, app, class),
        }
    }

    #[inline(never)]
    fn decide_known(&self, lookout: &Lookout, app: &App, class: Class) -> (Verdict, Reasons) {
        let reasons = lookout.reasons(class);
        if self.policy.scope().is_empty() {
            return (verdict(!reasons.is_empty()), reasons);
        }
        let groups = lookout.groups(class);
        match self.scope(app, |at| groups.contains(&at), &BTreeSet::new()) {
            Scope::Unmonitored => (Verdict::NotMonitored, Reasons::NONE),
            Scope::Monitored(None) => (verdict(!reasons.is_empty()), reasons),
            Scope::Monitored(Some(rule)) => {
                let by_rule = self.monitored_by.get(rule).cloned().unwrap_or_default();
                match reasons.is_empty() {
                    true => (Verdict::Public, by_rule),
                    false => (Verdict::Private, reasons.iter().chain(&*by_rule).cloned().collect()),
                }
            }
        }
    }

    /// Decides with everything that the directory knows.
    #[inline(never)]
    fn decide_in_full(&self, activity: &Activity, now: DateTime<Utc>) -> (Verdict, Reasons) {
        let directory = self.directory.as_deref().ok();
        let seeker = Seeker { watch: &self.watch, policy: &self.policy, directory, activity };
        let mut findings = seeker.findings();
        findings.causes.extend(self.standing_causes(now));
        let scope = self.scope(activity.app(), |at| findings.hold(at), &findings.causes);
        let scope = match scope {
            Scope::Unmonitored => return (Verdict::NotMonitored, Reasons::NONE),
            Scope::Monitored(rule) => rule.and_then(|rule| self.policy.scope().get(rule)).cloned().map(Reason::Scope),
        };
        if self.policy.options().include_objects {
            seeker.add_objects(&mut findings);
        }
        let private: Vec<Reason> = findings.private_reasons(&self.watch).collect();
        let undecidable = !findings.causes.is_empty();
        let hidden = !private.is_empty() || (undecidable && !self.shows_undecided());
        let causes = findings.causes.into_iter().map(Reason::Undecidable);
        (verdict(hidden), private.into_iter().chain(causes).chain(scope).collect())
    }

    /// What keeps this engine from deciding anything at all.
    fn standing_causes(&self, now: DateTime<Utc>) -> impl Iterator<Item = UndecidableReason> {
        let directory = match &self.directory {
            Err(cause) => Some(cause.clone()),
            Ok(directory) if self.policy.options().accepts(directory.as_of(), now) => None,
            Ok(_) => Some(UndecidableReason::DirectoryTooOld),
        };
        directory.into_iter().chain(self.missing())
    }

    /// Whether what cannot be decided is shown.
    fn shows_undecided(&self) -> bool {
        self.policy.options().on_undecidable == OnUndecidable::FailOpen
    }

    /// The groups of the policy of which nobody knows who was in them.
    fn missing(&self) -> impl Iterator<Item = UndecidableReason> {
        self.watch.missing().cloned().map(UndecidableReason::GroupRemoved)
    }

    /// Whether somebody is monitored in an app, of whom it is known which watched groups they are in. If they are in no
    /// group of the rules that decide there, they are monitored only if whether they are is in doubt.
    #[inline]
    fn scope(&self, app: &App, found: impl Fn(usize) -> bool, causes: &BTreeSet<UndecidableReason>) -> Scope {
        let rules = || self.policy.scope().iter().zip(&self.scope_groups).enumerate();
        let mut level = None;
        for (_, (rule, group)) in rules().filter(|(_, (rule, _))| rule.target().covers(app)) {
            match rule.effect() {
                ScopeEffect::Exclude if found(*group) => return Scope::Unmonitored,
                ScopeEffect::Exclude => {}
                ScopeEffect::Include => level = level.max(Some(rule.target().level())),
            }
        }
        // An app that no include rule covers is monitored for everyone.
        let Some(level) = level else { return Scope::Monitored(None) };
        let decides = |rule: &ScopeRule| {
            rule.effect() == ScopeEffect::Include && rule.target().level() == level && rule.target().covers(app)
        };
        let mut deciding = rules().filter(|(_, (rule, _))| decides(rule));
        match deciding.find(|(_, (_, group))| found(**group)) {
            Some((rule, _)) => Scope::Monitored(Some(rule)),
            None if self.is_in_doubt(causes, decides) => Scope::Monitored(None),
            None => Scope::Unmonitored,
        }
    }

    /// Whether nobody can tell if a rule that `decides` takes somebody in. Then they stay, as what cannot be decided.
    fn is_in_doubt(&self, causes: &BTreeSet<UndecidableReason>, decides: impl Fn(&ScopeRule) -> bool) -> bool {
        let decides_by = |gone: &GroupId| {
            let mut rules = self.policy.scope().iter().filter(|rule| decides(rule));
            rules.any(|rule| matches!(rule.group(), GroupRef::Imported(group) if group == gone))
        };
        causes.iter().any(|cause| match cause {
            UndecidableReason::GroupRemoved(gone) => decides_by(gone),
            UndecidableReason::NoUsableActor
            | UndecidableReason::AmbiguousAlias
            | UndecidableReason::DirectoryNeverLoaded
            | UndecidableReason::DirectoryUnavailable
            | UndecidableReason::DirectoryTooOld => true,
        })
    }

    /// Whether this was made with the groups that are gone as they are known now.
    pub(crate) fn was_made_with(&self, kept: &Arc<Vec<RemovedGroup>>) -> bool {
        Arc::ptr_eq(&self.kept, kept) || self.kept == *kept
    }

    /// How much memory the tables take that this decides by, beyond policy and directory.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.lookout.as_ref().map_or(0, Lookout::heap_bytes)
    }
}

/// What the scope says, with the rule that took somebody in.
enum Scope {
    Unmonitored,
    Monitored(Option<usize>),
}

fn verdict(hidden: bool) -> Verdict {
    if hidden { Verdict::Private } else { Verdict::Public }
}

impl std::fmt::Debug for PolicyEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (policy, directory) = self.revisions();
        f.debug_struct("PolicyEngine").field("policy", &policy).field("directory", &directory).finish_non_exhaustive()
    }
}
