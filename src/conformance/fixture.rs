//! What the clauses write with: one organisation, its directory, its policies, and what its people do.
//!
//! Nothing here is random and nothing reads a clock, so a clause that fails today fails tomorrow.

mod race;
mod reading;
mod records;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

pub(super) use self::race::{Crew, Racer, race, while_watched};
pub(super) use self::reading::{Read, by_keys};
pub(super) use self::records::{record, records_of_all_sorts, salt};
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

/// Somebody in no private group.
pub(super) const ADELE: &str = "adele";
/// Somebody in the council, which the policy makes private.
pub(super) const HANNA: &str = "hanna";
/// The privacy administrators. `deputy` permits `root` to view private activities.
pub(super) const ROOT: &str = "root";
const DEPUTY: &str = "deputy";
/// More than any clause stores.
pub(super) const ALL: usize = 10_000;

/// `seconds` after an arbitrary beginning.
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

/// The directory that everything is decided against.
fn directory() -> Checked<Arc<DirectorySnapshot>> {
    let (council, staff) = (GroupId::new("council")?, GroupId::new("staff")?);
    let mut builder = DirectoryBuilder::new().group(council.clone(), "Works council").group(staff.clone(), "Staff");
    for name in [ROOT, ADELE, HANNA] {
        let id = UserId::new(name)?;
        builder = builder.member(&staff, &id).user(User::new(id).with_alias(alias(name)?));
    }
    Ok(Arc::new(builder.member(&council, &UserId::new(HANNA)?).build(DirectoryRevision(7), at(0))?))
}

/// Somebody's activity, at the beginning.
pub(super) fn activity(id: &str, who: &str) -> Checked<Activity> {
    activity_at(id, who, at(0))
}

pub(super) fn activity_at(id: &str, who: &str, time: DateTime<Utc>) -> Checked<Activity> {
    Ok(begun(id, Actor::user(alias(who)?), time)?.build()?)
}

pub(super) fn begun(id: &str, actor: Actor, time: DateTime<Utc>) -> Checked<ActivityBuilder> {
    let app = App::new("SharePoint".parse()?).in_suite("Microsoft 365".parse()?);
    Ok(Activity::builder(id.parse()?, actor, app, "FileAccessed".parse()?, time).object("plan.docx"))
}

/// A run of somebody's activities, a second apart: `name-0`, `name-1`, and so on.
pub(super) fn activities(name: &str, who: &str, count: usize) -> Checked<Vec<Activity>> {
    (0..count).zip(0_i64..).map(|(n, seconds)| activity_at(&format!("{name}-{n}"), who, at(seconds))).collect()
}

/// A record id that no other clause uses in this process.
pub(super) fn fresh_record() -> RecordId {
    static LAST: AtomicU64 = AtomicU64::new(0);
    RecordId(Uuid::from_u128(u128::from(LAST.fetch_add(1, Ordering::Relaxed)) + 1))
}

/// The first policy: nobody is private.
pub(super) fn initial() -> Checked<Recorded<NewPolicy>> {
    let administrators = Administrators::new(UserId::new(ROOT)?, UserId::new(DEPUTY)?)?;
    recorded(NewPolicy::initial(&administrators, fresh_record(), at(0)))
}

/// What `root` makes of a policy, on record and not yet published.
pub(super) fn change(policy: &PrivacyPolicy, change: &PolicyChange) -> Checked<Recorded<NewPolicy>> {
    change_by(ROOT, policy, change)
}

fn change_by(administrator: &str, policy: &PrivacyPolicy, change: &PolicyChange) -> Checked<Recorded<NewPolicy>> {
    let (by, directory) = (UserId::new(administrator)?, directory()?);
    let pending = NewPolicy::authorise(policy, change, &by, Some(&directory), fresh_record(), at(0));
    recorded(pending.map_err(|refused| refused.reason)?)
}

fn recorded(pending: Pending<NewPolicy>) -> Checked<Recorded<NewPolicy>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// The next policy: the council is private in it if it was not, and the other way round.
pub(super) fn turned(policy: &PrivacyPolicy) -> Checked<Recorded<NewPolicy>> {
    let council = council()?;
    let is_private = policy.private_groups().contains(&council);
    change(policy, &if is_private { PolicyChange::MakePublic(council) } else { PolicyChange::MakePrivate(council) })
}

/// Some activities as they are decided under a policy. To the nanosecond, because a decision is to come back as it was.
pub(super) fn decided<'a>(policy: &PrivacyPolicy, activities: &'a [Activity]) -> Checked<DecidedBatch<'a>> {
    stamped_at(policy, activities, at(86_400) + TimeDelta::nanoseconds(123_456_789))
}

/// Some activities as they are decided under a policy at a time.
pub(super) fn stamped_at<'a>(
    policy: &PrivacyPolicy,
    activities: &'a [Activity],
    now: DateTime<Utc>,
) -> Checked<DecidedBatch<'a>> {
    let engine = PolicyEngine::new(Arc::new(policy.clone()), Ok(directory()?));
    Ok(engine.decide(activities, now)?)
}

/// The erasure of what somebody did under their id and some names.
pub(super) fn erasure(subject: &str, also: &[Alias]) -> Checked<Recorded<Removal>> {
    let (root, policy) = (UserId::new(ROOT)?, initial()?);
    let subject = also.iter().cloned().fold(Subject::of(UserId::new(subject)?), Subject::with_identity);
    let pending = Removal::of_subject(policy.policy(), &root, subject, fresh_record(), at(0));
    on_record(pending.map_err(|refused| refused.reason)?)
}

/// The erasure of what somebody did under their name, on record under this number.
pub(super) fn erasure_recorded_as(subject: &str, sequence: u64) -> Checked<Recorded<Removal>> {
    let (root, policy) = (UserId::new(ROOT)?, initial()?);
    let subject = Subject::of(UserId::new(subject)?).with_identity(alias(subject)?);
    let pending = Removal::of_subject(policy.policy(), &root, subject, fresh_record(), at(0));
    let pending = pending.map_err(|refused| refused.reason)?;
    let receipt = Receipt::assertion(pending.record().id, sequence);
    Ok(pending.recorded(&receipt)?)
}

/// The removal of what was decided before a time.
pub(super) fn aged(before: DateTime<Utc>) -> Checked<Recorded<Removal>> {
    let keep = Duration::from_secs(3_600);
    let options = OptionsPatch::new().retention(Some(Retention::of_activities(keep)));
    let keeping = change(initial()?.policy(), &PolicyChange::SetOptions(options))?;
    let pending = Removal::of_aged(keeping.policy(), &AppliedRecords::default(), fresh_record(), before + keep);
    on_record(pending.ok_or_else(|| Breach::seen("a policy that keeps for an hour keeps everything"))?)
}

fn on_record(pending: Pending<Removal>) -> Checked<Recorded<Removal>> {
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// What a store is to hold once it took a batch.
pub(super) fn as_stored(batch: &DecidedBatch<'_>) -> Vec<StoredActivity> {
    let stored = batch.decided().iter();
    stored.map(|one| StoredActivity::assertion(one.activity().clone(), one.decision().clone())).collect()
}

pub(super) fn is_public(stored: &StoredActivity) -> bool {
    stored.visibility() == Visibility::Public
}

pub(super) fn place_of(stored: &StoredActivity) -> Position {
    Position::of(stored.activity())
}

pub(super) fn newest_first(mut stored: Vec<StoredActivity>) -> Vec<StoredActivity> {
    stored.sort_by_key(|stored| std::cmp::Reverse(place_of(stored)));
    stored
}

/// A policy under which `root` may view private activities.
fn permitting() -> Checked<PrivacyPolicy> {
    Ok(change_by(DEPUTY, initial()?.policy(), &PolicyChange::Grant(alias(ROOT)?))?.policy().clone())
}

fn reveal(query: &Query, private_only: bool, policy: &PrivacyPolicy) -> Checked<Recorded<AuthorisedReveal>> {
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    let request = RevealRequest::new(UserId::new(ROOT)?, query.clone(), Duration::from_secs(60), audited);
    let request = if private_only { request.private_only() } else { request };
    let pending = request.authorise(policy, None, RevealId(Uuid::from_u128(1)), fresh_record(), [SALT; 2], at(0));
    let pending = pending.map_err(|refused| refused.reason)?;
    let receipt = Receipt::assertion(pending.record().id, 1);
    Ok(pending.recorded(&receipt)?)
}

/// Of no record that anybody keeps.
const SALT: Salt = Salt::from_bytes([0; Salt::BYTES]);

/// What the clauses do with a store, over and over.
pub(super) trait Drive: ActivityStore {
    /// Initializes the policy; nobody is private.
    fn initialize(&self) -> Checked {
        Ok(self.publish(&initial()?)?)
    }

    /// Initializes the policy and makes the council private.
    fn found_hiding(&self) -> Checked {
        self.initialize()?;
        self.turn()
    }

    /// Makes the council private if it is not, and the other way round.
    fn turn(&self) -> Checked {
        Ok(self.publish(&turned(&*self.in_force()?)?)?)
    }

    fn in_force(&self) -> Checked<Arc<PrivacyPolicy>> {
        self.policy()?.ok_or_else(|| Breach::seen("no policy, where one was published"))
    }

    /// Decides activities under the policy in force, and stores them.
    fn deliver(&self, activities: &[Activity]) -> Checked<Vec<AppendOutcome>> {
        Ok(self.append(&decided(&*self.in_force()?, activities)?)?)
    }

    /// Stores activities that are all new, and says what the store is to hold of them.
    fn keep(&self, activities: &[Activity]) -> Checked<Vec<StoredActivity>> {
        let policy = self.in_force()?;
        let batch = decided(&policy, activities)?;
        let answers = self.append(&batch)?;
        let expected = vec![AppendOutcome::Stored; batch.decided().len()];
        ensure!(answers == expected, "{answers:?} for a batch of {} new activities", expected.len());
        Ok(as_stored(&batch))
    }

    /// Everything public, newest first.
    fn shown(&self) -> Checked<Vec<StoredActivity>> {
        self.page(&Query::all(), None, ALL)
    }

    /// Everything, newest first.
    fn everything(&self) -> Checked<Vec<StoredActivity>> {
        self.revealed(&Query::all(), false, None, ALL)
    }

    /// What a reveal sees, wherever the store stops on the way.
    fn revealed(
        &self,
        query: &Query,
        private_only: bool,
        after: Option<&Position>,
        limit: usize,
    ) -> Checked<Vec<StoredActivity>> {
        reading::in_parts(after, limit, |after, limit| self.revealed_part(query, private_only, after, limit))
    }

    /// What a reveal sees of a page before the store stops, and where it stopped if it did.
    fn revealed_part(
        &self,
        query: &Query,
        private_only: bool,
        after: Option<&Position>,
        limit: usize,
    ) -> Checked<(Vec<StoredActivity>, Option<Position>)> {
        let policy = permitting()?;
        let reveal = reveal(query, private_only, &policy)?;
        let admission =
            reveal.permit_page(&policy, None, fresh_record(), [SALT; 4], at(0)).map_err(|refused| refused.reason)?;
        let (pending, stopped_at) = self.revealed_page(admission, after, limit)?.pending(ALL, fresh_record());
        let receipt = Receipt::assertion(pending.record().id, 2);
        let page = pending.recorded(&receipt)?;
        Ok((page.open(&policy, fresh_record(), at(0)).map_err(|refused| refused.reason)?, stopped_at))
    }
}

impl<S: ActivityStore + ?Sized> Drive for S {}

pub(super) fn in_the_open(page: Vec<PublicActivity>) -> Vec<StoredActivity> {
    page.into_iter().map(PublicActivity::into_stored).collect()
}

/// Ids, as a violation tells of them. What the clauses store is nobody's secret.
pub(super) fn ids(stored: &[StoredActivity]) -> String {
    let ids: Vec<&str> = stored.iter().map(|stored| stored.activity().id().as_str()).collect();
    format!("[{}]", ids.join(", "))
}

/// Breaks off unless the very activities were found that were expected, in this order, under these decisions.
pub(super) fn same(what: &str, found: &[StoredActivity], expected: &[StoredActivity]) -> Checked {
    let order = |stored: &StoredActivity| stored.activity().id().clone();
    ensure!(
        found.iter().map(order).eq(expected.iter().map(order)),
        "{what}: found {}, expected {}",
        ids(found),
        ids(expected)
    );
    for (found, expected) in found.iter().zip(expected) {
        let id = expected.activity().id().as_str();
        ensure!(found.activity() == expected.activity(), "{what}: `{id}` came back with another content");
        ensure!(
            found.decision() == expected.decision(),
            "{what}: `{id}` came back with another decision: {}; expected: {}",
            found.decision().explain(),
            expected.decision().explain()
        );
    }
    Ok(())
}
