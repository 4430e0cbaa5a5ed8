//! The data that the conformance clauses share: one organisation, its directory, its policies, and the activities of
//! its people.
//!
//! Nothing is random and nothing reads a clock, so that a failure is reproducible. Only record ids differ between runs:
//! they come from a counter of the process.

mod race;
mod reading;
mod records;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub(super) use self::race::{Task, Workers, race, while_running};
pub(super) use self::reading::{ReadExt, counts_by_key, joined_pages};
pub(super) use self::records::{record, records_of_every_kind, salt};
use super::clause::{Breach, Checked, ensure};
use crate::activity::{Activity, ActivityBuilder, Actor, App};
use crate::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot, User};
use crate::engine::{DecidedBatch, PolicyEngine, Visibility};
use crate::governance::{AppliedRecords, NewPolicy, Pending, Receipt, RecordId, Recorded, Removal, RevealId, Salt};
use crate::identity::{Alias, GroupId, Subject, UserId};
use crate::policy::{Administrators, GroupRef, OptionsPatch, PolicyChange, PrivacyPolicy, Retention};
use crate::query::{Position, Query};
use crate::reveal::{Acknowledgement, AuthorisedReveal, RevealRequest};
use crate::store::{ActivityStore, AppendOutcome, PublicActivity, StoredActivity};

/// A user in no private group.
pub(super) const ADELE: &str = "adele";
/// The only member of the council, the group that `toggle_council` makes private.
pub(super) const HANNA: &str = "hanna";
/// The privacy administrators. `deputy` grants `root` the permission to view private activities.
pub(super) const ROOT: &str = "root";
const DEPUTY: &str = "deputy";
/// A limit above the number of activities that any clause stores.
pub(super) const ALL: usize = 10_000;

/// Returns the time `seconds` after a fixed start.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_772_000_000 + seconds)
}

pub(super) fn micros(micros: i64) -> TimeDelta {
    TimeDelta::microseconds(micros)
}

pub(super) fn council() -> Checked<GroupRef> {
    Ok(GroupRef::Imported(GroupId::new("council")?))
}

pub(super) fn staff() -> Checked<GroupRef> {
    Ok(GroupRef::Imported(GroupId::new("staff")?))
}

pub(super) fn alias(name: &str) -> Checked<Alias> {
    Ok(Alias::new(format!("{name}@contoso.com"))?)
}

/// Returns the directory against which every activity is decided.
fn directory() -> Checked<Arc<DirectorySnapshot>> {
    let (council, staff) = (GroupId::new("council")?, GroupId::new("staff")?);
    let mut builder = DirectoryBuilder::new().group(council.clone(), "Works council").group(staff.clone(), "Staff");
    for name in [ROOT, ADELE, HANNA] {
        let id = UserId::new(name)?;
        builder = builder.member(&staff, &id).user(User::new(id).with_alias(alias(name)?));
    }
    Ok(Arc::new(builder.member(&council, &UserId::new(HANNA)?).build(DirectoryRevision(7), at(0))?))
}

/// Returns an activity of a user at the start time.
pub(super) fn activity(id: &str, who: &str) -> Checked<Activity> {
    activity_at(id, who, at(0))
}

pub(super) fn activity_at(id: &str, who: &str, time: DateTime<Utc>) -> Checked<Activity> {
    Ok(activity_builder(id, Actor::user(alias(who)?), time)?.build()?)
}

pub(super) fn activity_builder(id: &str, actor: Actor, time: DateTime<Utc>) -> Checked<ActivityBuilder> {
    let app = App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?);
    Ok(Activity::builder(id.parse()?, actor, app, "FileAccessed".parse()?, time).object("plan.docx"))
}

/// Returns `count` activities of a user, one second apart, with the ids `name-0`, `name-1`, and so on.
pub(super) fn activities(name: &str, who: &str, count: usize) -> Checked<Vec<Activity>> {
    (0..count).zip(0_i64..).map(|(n, seconds)| activity_at(&format!("{name}-{n}"), who, at(seconds))).collect()
}

/// Returns a record id that is unique in this process.
pub(super) fn fresh_record_id() -> RecordId {
    static LAST: AtomicU64 = AtomicU64::new(0);
    RecordId(Uuid::from_u128(u128::from(LAST.fetch_add(1, Ordering::Relaxed)) + 1))
}

/// Returns the initial policy, recorded and not yet published. It has no private groups.
pub(super) fn initial() -> Checked<Recorded<NewPolicy>> {
    let administrators = Administrators::new(UserId::new(ROOT)?, UserId::new(DEPUTY)?)?;
    recorded(NewPolicy::initial(&administrators, fresh_record_id(), at(0)))
}

/// Returns a change by `root`, recorded and not yet published.
pub(super) fn change(policy: &PrivacyPolicy, change: &PolicyChange) -> Checked<Recorded<NewPolicy>> {
    change_by(ROOT, policy, change)
}

fn change_by(administrator: &str, policy: &PrivacyPolicy, change: &PolicyChange) -> Checked<Recorded<NewPolicy>> {
    let (by, directory) = (UserId::new(administrator)?, directory()?);
    let pending = NewPolicy::authorise(policy, change, &by, Some(&directory), fresh_record_id(), at(0));
    recorded(pending.map_err(|refused| refused.reason)?)
}

fn recorded(pending: Pending<NewPolicy>) -> Checked<Recorded<NewPolicy>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// Returns the change that makes the council private if it is public, and public if it is private.
pub(super) fn council_toggled(policy: &PrivacyPolicy) -> Checked<Recorded<NewPolicy>> {
    let council = council()?;
    let is_private = policy.private_groups().contains(&council);
    change(policy, &if is_private { PolicyChange::MakePublic(council) } else { PolicyChange::MakePrivate(council) })
}

/// Returns activities with decisions under a policy. The decision time has a fraction below a microsecond, to catch a
/// store that rounds it.
pub(super) fn decided<'a>(policy: &PrivacyPolicy, activities: &'a [Activity]) -> Checked<DecidedBatch<'a>> {
    decided_at(policy, activities, at(86_400) + TimeDelta::nanoseconds(123_456_789))
}

/// Returns activities with decisions under a policy at a time.
pub(super) fn decided_at<'a>(
    policy: &PrivacyPolicy,
    activities: &'a [Activity],
    now: DateTime<Utc>,
) -> Checked<DecidedBatch<'a>> {
    let engine = PolicyEngine::new(Arc::new(policy.clone()), Ok(directory()?));
    Ok(engine.decide(activities, now)?)
}

/// Returns the erasure of a subject by id and by some aliases.
pub(super) fn erasure(subject: &str, also: &[Alias]) -> Checked<Recorded<Removal>> {
    let (root, policy) = (UserId::new(ROOT)?, initial()?);
    let subject = also.iter().cloned().fold(Subject::of(UserId::new(subject)?), Subject::with_identity);
    let pending = Removal::of_subject(policy.policy(), &root, subject, fresh_record_id(), at(0));
    recorded_removal(pending.map_err(|refused| refused.reason)?)
}

/// Returns the erasure of a subject by id and alias, recorded under `sequence`.
pub(super) fn erasure_with_sequence(subject: &str, sequence: u64) -> Checked<Recorded<Removal>> {
    let (root, policy) = (UserId::new(ROOT)?, initial()?);
    let subject = Subject::of(UserId::new(subject)?).with_identity(alias(subject)?);
    let pending = Removal::of_subject(policy.policy(), &root, subject, fresh_record_id(), at(0));
    let pending = pending.map_err(|refused| refused.reason)?;
    let receipt = Receipt::assertion(pending.record().id, sequence);
    Ok(pending.recorded(&receipt)?)
}

/// Returns the removal of the activities that were decided before a time.
pub(super) fn retention_removal(before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    let keep = Duration::from_secs(3_600);
    let options = OptionsPatch::new().retention(Some(Retention::of_activities(keep)));
    let keeping = change(initial()?.policy(), &PolicyChange::SetOptions(options))?;
    let pending = Removal::of_aged(keeping.policy(), &AppliedRecords::default(), fresh_record_id(), before + keep);
    recorded_removal(
        pending.ok_or_else(|| Breach::new("`Removal::of_aged` returned `None` under a retention of one hour"))?,
    )
}

fn recorded_removal(pending: Pending<Removal>) -> Checked<Recorded<Removal>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// Returns the activities that a store must contain after a batch.
pub(super) fn as_stored(batch: &DecidedBatch<'_>) -> Vec<StoredActivity> {
    let stored = batch.decided().iter();
    stored.map(|one| StoredActivity::assertion(one.activity().clone(), one.decision().clone())).collect()
}

pub(super) fn is_public(stored: &StoredActivity) -> bool {
    stored.visibility() == Visibility::Public
}

pub(super) fn position_of(stored: &StoredActivity) -> Position {
    Position::of(stored.activity())
}

pub(super) fn newest_first(mut stored: Vec<StoredActivity>) -> Vec<StoredActivity> {
    stored.sort_by_key(|stored| std::cmp::Reverse(position_of(stored)));
    stored
}

/// Returns a policy under which `root` may view private activities.
fn permitting() -> Checked<PrivacyPolicy> {
    Ok(change_by(DEPUTY, initial()?.policy(), &PolicyChange::Grant(alias(ROOT)?))?.policy().clone())
}

fn reveal(query: &Query, private_only: bool, policy: &PrivacyPolicy) -> Checked<Recorded<AuthorisedReveal>> {
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new(UserId::new(ROOT)?, query.clone(), Duration::from_secs(60), audited);
    let request = if private_only { request.private_only() } else { request };
    let pending = request.authorise(policy, None, RevealId(Uuid::from_u128(1)), fresh_record_id(), [SALT; 2], at(0));
    let pending = pending.map_err(|refused| refused.reason)?;
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// A salt for records that are never stored.
const SALT: Salt = Salt::from_bytes([0; Salt::BYTES]);

/// Common operations of the clauses on a store.
pub(super) trait StoreExt: ActivityStore {
    /// Initializes the policy, without private groups.
    fn initialize(&self) -> Checked {
        Ok(self.publish(&initial()?)?)
    }

    /// Initializes the policy and makes the council private.
    fn initialize_private(&self) -> Checked {
        self.initialize()?;
        self.toggle_council()
    }

    /// Makes the council private if it is public, and public if it is private.
    fn toggle_council(&self) -> Checked {
        Ok(self.publish(&council_toggled(&*self.in_force()?)?)?)
    }

    fn in_force(&self) -> Checked<Arc<PrivacyPolicy>> {
        self.policy()?.ok_or_else(|| Breach::new("no policy is in force after one was published"))
    }

    /// Decides activities under the policy in force and appends them.
    fn deliver(&self, activities: &[Activity]) -> Checked<Vec<AppendOutcome>> {
        Ok(self.append(&decided(&*self.in_force()?, activities)?)?)
    }

    /// Appends new activities and returns what the store must contain of them.
    fn append_new(&self, activities: &[Activity]) -> Checked<Vec<StoredActivity>> {
        let policy = self.in_force()?;
        let batch = decided(&policy, activities)?;
        let outcomes = self.append(&batch)?;
        let expected = vec![AppendOutcome::Stored; batch.decided().len()];
        ensure!(outcomes == expected, "a batch of {} new activities returned {outcomes:?}", expected.len());
        Ok(as_stored(&batch))
    }

    /// Returns every public activity, newest first.
    fn all_public(&self) -> Checked<Vec<StoredActivity>> {
        self.page(&Query::all(), None, ALL)
    }

    /// Returns every activity, newest first.
    fn all_stored(&self) -> Checked<Vec<StoredActivity>> {
        self.revealed(&Query::all(), false, None, ALL)
    }

    /// Returns a full page of a reveal, read in as many parts as the store needs.
    fn revealed(
        &self,
        query: &Query,
        private_only: bool,
        after: Option<&Position>,
        limit: usize,
    ) -> Checked<Vec<StoredActivity>> {
        reading::in_parts(after, limit, |after, limit| self.revealed_part(query, private_only, after, limit))
    }

    /// Returns one part of a page of a reveal, and the position at which the store stopped early, if it did.
    fn revealed_part(
        &self,
        query: &Query,
        private_only: bool,
        after: Option<&Position>,
        limit: usize,
    ) -> Checked<(Vec<StoredActivity>, Option<Position>)> {
        // A store does not check the permission, so any policy under which `root` may view is sufficient.
        let policy = permitting()?;
        let reveal = reveal(query, private_only, &policy)?;
        let permit =
            reveal.permit_page(&policy, None, fresh_record_id(), [SALT; 4], at(0)).map_err(|refused| refused.reason)?;
        let (pending, stopped_at) = self.revealed_page(permit, after, limit)?.pending(ALL, fresh_record_id());
        let receipt = Receipt::assertion(pending.record().id, 2);
        let page = pending.recorded(&receipt)?;
        Ok((page.open(&policy, fresh_record_id(), at(0)).map_err(|refused| refused.reason)?, stopped_at))
    }
}

impl<S: ActivityStore + ?Sized> StoreExt for S {}

pub(super) fn into_stored(page: Vec<PublicActivity>) -> Vec<StoredActivity> {
    page.into_iter().map(PublicActivity::into_stored).collect()
}

/// Returns the ids for the text of a violation. The data of the clauses is not confidential.
pub(super) fn ids(stored: &[StoredActivity]) -> String {
    let ids: Vec<&str> = stored.iter().map(|stored| stored.activity().id().as_str()).collect();
    format!("[{}]", ids.join(", "))
}

/// Checks that exactly the expected activities were found, in this order, with these decisions.
pub(super) fn ensure_same(what: &str, found: &[StoredActivity], expected: &[StoredActivity]) -> Checked {
    ensure!(
        found.iter().map(|stored| stored.activity().id()).eq(expected.iter().map(|stored| stored.activity().id())),
        "{what}: found {}, expected {}",
        ids(found),
        ids(expected)
    );
    for (found, expected) in found.iter().zip(expected) {
        let id = expected.activity().id().as_str();
        ensure!(found.activity() == expected.activity(), "{what}: the content of `{id}` differs from the expected one");
        ensure!(
            found.decision() == expected.decision(),
            "{what}: the decision on `{id}` is: {}; expected: {}",
            found.decision().explain(),
            expected.decision().explain()
        );
    }
    Ok(())
}
