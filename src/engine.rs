//! The policy engine: decides on an activity under one policy and one directory, with reasons.

mod build;
mod compiled;
mod decision;
mod dry_run;
mod evaluate;
mod fast_path;
mod group_sets;
mod reach;
mod reason;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use thiserror::Error;

use self::compiled::CompiledPolicy;
pub use self::decision::{DecidedActivity, DecidedBatch, Decision, Explanation, Verdict, Visibility};
pub use self::dry_run::{Affected, DryRun};
use self::evaluate::Evaluator;
use self::fast_path::{FastPath, Hashes};
pub use self::reason::{PrincipalRole, Reason, Reasons, UndecidableReason};
use crate::activity::{Activity, App, without_leap_second};
use crate::directory::{DirectoryError, DirectoryRevision, DirectorySnapshot, RemovedGroup};
use crate::identity::GroupId;
use crate::policy::{GroupRef, OnUndecidable, PrivacyPolicy, Revision, ScopeEffect, ScopeRule};

/// Decides on activities under one policy and one directory.
///
/// Decisions are pure: an engine returns the same verdict for the same activity at the same time. They are also total:
/// an activity that cannot be decided is hidden, with that reason.
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
    compiled: CompiledPolicy,
    /// `None` if every activity is undecidable.
    fast_path: Option<FastPath>,
    /// The times at which the directory is recent enough.
    accepted_times: RangeInclusive<DateTime<Utc>>,
    /// For each scope rule, the position of its group in the compiled policy.
    scope_groups: Vec<usize>,
    /// For each scope rule, the reasons of a public activity that is monitored by it.
    scope_reasons: Vec<Reasons>,
    /// The removed groups that nodes stored, as of the creation of the engine.
    removed_groups: Arc<Vec<RemovedGroup>>,
}

/// An activity of a batch cannot be decided, and the policy rejects such batches.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the activity at index {position} of the batch cannot be decided: {reason}; {}", .reason.remedy())]
pub struct Undecidable {
    /// The index of the activity in the batch, from 0.
    pub position: usize,
    /// The reason.
    pub reason: UndecidableReason,
}

impl PolicyEngine {
    /// Returns the engine for a policy and a directory. With a directory error, every activity is undecidable.
    #[must_use]
    pub fn new(policy: Arc<PrivacyPolicy>, directory: Result<Arc<DirectorySnapshot>, DirectoryError>) -> Self {
        Self::with_removed_groups(policy, directory, &[])
    }

    /// Like [`Self::new`], but also uses the stored last members of groups that were removed from the directory, for
    /// those whose last members the directory itself does not remember.
    #[must_use]
    pub fn with_removed_groups(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        removed_groups: &[RemovedGroup],
    ) -> Self {
        Self::with_shared_removed_groups(policy, directory, Arc::new(removed_groups.to_vec()))
    }

    /// Like [`Self::with_removed_groups`], without a copy of the removed groups.
    pub(crate) fn with_shared_removed_groups(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        removed_groups: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        let directory = directory.map_err(|error| match error {
            DirectoryError::NeverLoaded => UndecidableReason::DirectoryNeverLoaded,
            DirectoryError::Unavailable(_) => UndecidableReason::DirectoryUnavailable,
        });
        let compiled = CompiledPolicy::new(&policy, directory.as_deref().ok(), &removed_groups);
        let decidable = directory.as_deref().ok().filter(|_| compiled.unknown_groups().next().is_none());
        let fast_path = decidable.map(|directory| FastPath::new(&policy, &compiled, directory));
        Self::from_parts(policy, directory, compiled, fast_path, removed_groups)
    }

    /// Returns the engine for another policy or directory, like [`Self::with_removed_groups`]. If deltas made the
    /// directory from that of this engine, and the policy has the same groups, scope and managed domains, the cost
    /// depends on the number of changed users, and not on that of all users.
    #[must_use]
    pub fn updated(
        &self,
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        removed_groups: &[RemovedGroup],
    ) -> Self {
        self.updated_with_shared(policy, directory, Arc::new(removed_groups.to_vec()))
    }

    /// Like [`Self::updated`], without a copy of the removed groups.
    pub(crate) fn updated_with_shared(
        &self,
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, DirectoryError>,
        removed_groups: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        let Ok(next) = directory else { return Self::with_shared_removed_groups(policy, directory, removed_groups) };
        match self.updated_parts(&policy, &next, &removed_groups) {
            Some((compiled, fast_path)) => {
                Self::from_parts(policy, Ok(next), compiled, Some(fast_path), removed_groups)
            }
            None => Self::with_shared_removed_groups(policy, Ok(next), removed_groups),
        }
    }

    /// Returns the parts of the updated engine. Returns `None` if they have to be built again.
    fn updated_parts(
        &self,
        policy: &PrivacyPolicy,
        next: &DirectorySnapshot,
        removed_groups: &Arc<Vec<RemovedGroup>>,
    ) -> Option<(CompiledPolicy, FastPath)> {
        let (fast_path, before) = (self.fast_path.as_ref()?, self.directory()?);
        if !policy.has_same_groups_as(&self.policy) {
            return None;
        }
        let changed = next.changes_since(before)?;
        if !self.has_removed_groups(removed_groups) {
            return None;
        }
        let compiled = self.compiled.updated(before, next, removed_groups);
        if compiled.unknown_groups().next().is_some() || !compiled.has_same_members_as(&self.compiled) {
            return None;
        }
        let fast_path = fast_path.updated(policy, &compiled, before, next, &changed)?;
        Some((compiled, fast_path))
    }

    fn from_parts(
        policy: Arc<PrivacyPolicy>,
        directory: Result<Arc<DirectorySnapshot>, UndecidableReason>,
        compiled: CompiledPolicy,
        fast_path: Option<FastPath>,
        removed_groups: Arc<Vec<RemovedGroup>>,
    ) -> Self {
        // INVARIANT: the compiled policy has the group of every rule.
        let scope_groups =
            policy.scope().iter().map(|rule| compiled.position(rule.group()).unwrap_or(usize::MAX)).collect();
        let scope_reasons =
            policy.scope().iter().map(|rule| [Reason::Scope(rule.clone())].into_iter().collect()).collect();
        let as_of = directory.as_ref().map_or(DateTime::<Utc>::MIN_UTC, |directory| directory.as_of());
        let accepted_times = policy.options().times_accepting(as_of);
        Self { policy, directory, compiled, fast_path, accepted_times, scope_groups, scope_reasons, removed_groups }
    }

    /// Returns the groups that count for imported groups of the policy and whose members a directory may not know:
    /// removed groups, and groups that a delta added. Each comes with the groups of the policy that it counts for.
    pub(crate) fn incomplete_groups(
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
    ) -> BTreeMap<GroupId, BTreeSet<GroupId>> {
        CompiledPolicy::new(policy, Some(directory), &[]).incomplete_groups(directory)
    }

    /// Returns, for each removed group, the imported groups of the policy that it counts as nested in.
    pub(crate) fn groups_containing(
        policy: &PrivacyPolicy,
        directory: &DirectorySnapshot,
        removed_groups: &[RemovedGroup],
    ) -> Vec<BTreeSet<GroupId>> {
        let compiled = CompiledPolicy::new(policy, Some(directory), &[]);
        let containing = |group: &RemovedGroup| compiled.groups_containing(group, directory).cloned().collect();
        removed_groups.iter().map(containing).collect()
    }

    /// Returns the policy that this engine decides under.
    #[must_use]
    pub fn policy(&self) -> &Arc<PrivacyPolicy> {
        &self.policy
    }

    /// Returns the directory that this engine decides against, if it has one.
    #[must_use]
    pub fn directory(&self) -> Option<&Arc<DirectorySnapshot>> {
        self.directory.as_ref().ok()
    }

    /// Returns whether stored last members may count: whether the policy names an imported group.
    pub(crate) fn may_have_last_members(&self) -> bool {
        self.compiled.may_have_last_members()
    }

    /// Returns the policy revision and the directory revision of this engine.
    #[must_use]
    pub fn revisions(&self) -> (Revision, Option<DirectoryRevision>) {
        (self.policy.revision(), self.directory().map(|directory| directory.revision()))
    }

    /// Decides on a batch at `now`.
    ///
    /// # Errors
    /// Returns [`Undecidable`] if an activity cannot be decided and the policy option is [`OnUndecidable::Reject`].
    /// Then no activity of the batch is decided.
    pub fn decide<'a>(&self, activities: &'a [Activity], now: DateTime<Utc>) -> Result<DecidedBatch<'a>, Undecidable> {
        let (policy, directory) = self.revisions();
        let decided_at = without_leap_second(now).trunc_subsecs(6);
        let rejects = self.policy.options().on_undecidable == OnUndecidable::Reject;
        let mut batch = DecidedBatch::new(policy, activities.len());
        let mut undecidable = None;
        self.decide_each(activities, now, |position, activity, verdict, reasons| {
            let visibility = match verdict {
                Verdict::NotMonitored => return batch.push_unmonitored(),
                Verdict::Public => Visibility::Public,
                Verdict::Private => Visibility::Private,
            };
            if rejects && undecidable.is_none() {
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

    /// Decides on one activity at `now`, and returns the reasons too. The time of the activity has no influence.
    #[must_use]
    pub fn verdict(&self, activity: &Activity, now: DateTime<Utc>) -> (Verdict, Reasons) {
        let fast_path = self.fast_path_at(now);
        let mut hashes = Hashes::default();
        let is_unconcerned = |(table, directory): (&FastPath, &DirectorySnapshot)| {
            self.filter(table, directory, activity, &mut hashes) && !table.may_contain_any(&hashes)
        };
        match fast_path.is_some_and(is_unconcerned) {
            true => self.decide_unconcerned(activity.app()),
            false => self.evaluate(fast_path, activity, now),
        }
    }

    /// Decides on activities at `now`, each as [`Self::verdict`] does. Faster for many, because it reads memory for
    /// several at the same time.
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
        /// How many activities are hashed before the first is looked up.
        const BATCH: usize = 64;
        let fast_path = self.fast_path_at(now);
        for (first, activities) in (0..).step_by(BATCH).zip(activities.chunks(BATCH)) {
            let mut is_unconcerned = [false; BATCH];
            if let Some((table, directory)) = fast_path {
                let mut filtered = [Hashes::default(); BATCH];
                for ((is_unconcerned, hashes), activity) in is_unconcerned.iter_mut().zip(&mut filtered).zip(activities)
                {
                    *is_unconcerned = self.filter(table, directory, activity, hashes);
                }
                let (mut found, mut count) = ([0; BATCH], 0);
                for (is_unconcerned, hashes) in is_unconcerned.iter_mut().zip(&filtered).filter(|(open, _)| **open) {
                    *is_unconcerned = !table.may_contain_any(hashes);
                    if let (Some(found), Some(first)) = (found.get_mut(count), hashes.iter().next()) {
                        *found = *first;
                        count += usize::from(!*is_unconcerned);
                    }
                }
                table.prefetch(found.get(..count).unwrap_or_default());
            }
            for ((position, activity), is_unconcerned) in (first..).zip(activities).zip(is_unconcerned) {
                let (verdict, reasons) = match is_unconcerned {
                    true => self.decide_unconcerned(activity.app()),
                    false => self.evaluate(fast_path, activity, now),
                };
                each(position, activity, verdict, reasons);
            }
        }
    }

    /// Returns the fast path and the directory if nothing makes every activity undecidable.
    #[inline]
    fn fast_path_at(&self, now: DateTime<Utc>) -> Option<(&FastPath, &DirectorySnapshot)> {
        let directory = self.directory.as_deref().ok()?;
        let fast_path = self.fast_path.as_ref()?;
        self.accepted_times.contains(&now).then_some((fast_path, directory))
    }

    #[inline(always)]
    fn filter(
        &self,
        table: &FastPath,
        directory: &DirectorySnapshot,
        activity: &Activity,
        hashes: &mut Hashes,
    ) -> bool {
        !self.counts_objects_of(activity) && table.filter(&self.policy, directory, activity, hashes)
    }

    fn counts_objects_of(&self, activity: &Activity) -> bool {
        self.policy.options().include_objects && activity.objects().len() > 0
    }

    /// Decides on an activity with principals who are in no group of the policy.
    #[inline(always)]
    fn decide_unconcerned(&self, app: &App) -> (Verdict, Reasons) {
        if self.policy.scope().is_empty() {
            return (Verdict::Public, Reasons::NONE);
        }
        match self.scope(app, |_| false, &BTreeSet::new()) {
            Scope::Unmonitored => (Verdict::NotMonitored, Reasons::NONE),
            Scope::Monitored(_) => (Verdict::Public, Reasons::NONE),
        }
    }

    /// Decides on an activity that the fast path cannot decide.
    #[inline(never)]
    fn evaluate(
        &self,
        fast_path: Option<(&FastPath, &DirectorySnapshot)>,
        activity: &Activity,
        now: DateTime<Utc>,
    ) -> (Verdict, Reasons) {
        let evaluator = Evaluator {
            compiled: &self.compiled,
            policy: &self.policy,
            directory: self.directory.as_deref().ok(),
            // Objects have to be compared with the directory anyway, so these activities are evaluated from it alone.
            table: fast_path.filter(|_| !self.counts_objects_of(activity)).map(|(table, _)| table),
            app: activity.app(),
        };
        let mut findings = evaluator.findings(activity);
        if fast_path.is_none() {
            findings.causes.extend(self.standing_causes(now));
        }
        let rule = match self.scope(activity.app(), |at| findings.contain(at), &findings.causes) {
            Scope::Unmonitored => return (Verdict::NotMonitored, Reasons::NONE),
            Scope::Monitored(rule) => rule.and_then(|rule| self.scope_reasons.get(rule)).cloned().unwrap_or_default(),
        };
        if self.policy.options().include_objects {
            evaluator.add_objects(activity, &mut findings);
        }
        let private = findings.private_reasons(&self.compiled);
        let is_undecidable = !findings.causes.is_empty();
        let is_hidden = !private.is_empty() || (is_undecidable && !self.fails_open());
        let verdict = if is_hidden { Verdict::Private } else { Verdict::Public };
        let reasons = match (private.is_empty(), is_undecidable, rule.is_empty()) {
            (_, false, true) => private,
            (true, false, false) => rule,
            _ => {
                let causes = findings.causes.into_iter().map(Reason::Undecidable);
                private.iter().cloned().chain(causes).chain(rule.iter().cloned()).collect()
            }
        };
        (verdict, reasons)
    }

    /// Returns the reasons that make every activity undecidable.
    fn standing_causes(&self, now: DateTime<Utc>) -> impl Iterator<Item = UndecidableReason> {
        let directory = match &self.directory {
            Err(cause) => Some(cause.clone()),
            Ok(_) if self.accepted_times.contains(&now) => None,
            Ok(_) => Some(UndecidableReason::DirectoryTooOld),
        };
        directory.into_iter().chain(self.unknown_groups())
    }

    /// Returns whether activities that cannot be decided are shown.
    fn fails_open(&self) -> bool {
        self.policy.options().on_undecidable == OnUndecidable::FailOpen
    }

    /// Returns a reason for each group of the policy whose members are unknown.
    fn unknown_groups(&self) -> impl Iterator<Item = UndecidableReason> {
        self.compiled.unknown_groups().cloned().map(UndecidableReason::GroupRemoved)
    }

    /// Returns whether principals are monitored in an app. `found` returns whether they are in the group at a position.
    /// If they are in no group of the rules that decide there, they are monitored only if one of `causes` leaves that
    /// in doubt.
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

    /// Returns whether a cause leaves in doubt if a rule that `decides` includes the principals.
    fn is_in_doubt(&self, causes: &BTreeSet<UndecidableReason>, decides: impl Fn(&ScopeRule) -> bool) -> bool {
        let decides_by = |removed: &GroupId| {
            let mut rules = self.policy.scope().iter().filter(|rule| decides(rule));
            rules.any(|rule| matches!(rule.group(), GroupRef::Imported(group) if group == removed))
        };
        causes.iter().any(|cause| match cause {
            UndecidableReason::GroupRemoved(removed) => decides_by(removed),
            UndecidableReason::NoUsableActor
            | UndecidableReason::AmbiguousAlias
            | UndecidableReason::DirectoryNeverLoaded
            | UndecidableReason::DirectoryUnavailable
            | UndecidableReason::DirectoryTooOld => true,
        })
    }

    /// Returns whether the engine was built with these removed groups.
    pub(crate) fn has_removed_groups(&self, removed_groups: &Arc<Vec<RemovedGroup>>) -> bool {
        Arc::ptr_eq(&self.removed_groups, removed_groups) || self.removed_groups == *removed_groups
    }

    /// Returns the size of the tables of the engine in bytes, without policy and directory.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.fast_path.as_ref().map_or(0, FastPath::heap_bytes)
    }
}

/// The result of the scope rules, with the position of the rule that included a principal.
enum Scope {
    Unmonitored,
    Monitored(Option<usize>),
}

impl std::fmt::Debug for PolicyEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (policy, directory) = self.revisions();
        f.debug_struct("PolicyEngine").field("policy", &policy).field("directory", &directory).finish_non_exhaustive()
    }
}
