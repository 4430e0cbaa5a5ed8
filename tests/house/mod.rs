//! A furnished house for the tests: a filter over any store, a directory to move people in and out of, a log to read.
#![allow(dead_code, reason = "every test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
use activity_privacy::*;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// `seconds` after an arbitrary beginning.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_000_000 + seconds, 0).unwrap()
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// The administrators of the first policy: `root`, and `deputy`, who grants to `root` what nobody grants to themselves.
pub(crate) fn admins() -> Administrators {
    Administrators::new(user("root"), user("deputy")).unwrap()
}

pub(crate) fn group(id: &str) -> GroupId {
    GroupId::new(id).unwrap()
}

pub(crate) fn alias(text: &str) -> Alias {
    Alias::new(text).unwrap()
}

pub(crate) fn domain(text: &str) -> Domain {
    Domain::new(text).unwrap()
}

/// A salt that anybody can guess.
pub(crate) const fn salt(number: u128) -> Salt {
    Salt::from_bytes(number.to_be_bytes())
}

/// The user of this name, with the UPN `name@contoso.com`.
pub(crate) fn contoso(name: &str) -> User {
    User::new(user(name)).with_alias(alias(&format!("{name}@contoso.com")))
}

/// An activity of this name's UPN, in SharePoint of Microsoft 365.
pub(crate) fn activity(id: &str, name: &str) -> Activity {
    by(id, Actor::user(alias(&format!("{name}@contoso.com"))))
}

pub(crate) fn by(id: &str, actor: Actor) -> Activity {
    begun(id, actor).build().unwrap()
}

pub(crate) fn begun(id: &str, actor: Actor) -> ActivityBuilder {
    let app = App::new("SharePoint".parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
    Activity::builder(id.parse().unwrap(), actor, app, "FileAccessed".parse().unwrap(), at(0))
}

/// A directory in the making: `contoso` users, each in the groups named with them.
pub(crate) fn people(entries: &[(&str, &[&str])]) -> DirectoryBuilder {
    let mut groups: Vec<&str> = entries.iter().flat_map(|(_, groups)| groups.iter().copied()).collect();
    groups.sort_unstable();
    groups.dedup();
    let mut builder = DirectoryBuilder::new().user(contoso("root"));
    for name in groups {
        builder = builder.group(group(name), name);
    }
    for (name, groups) in entries {
        builder = builder.user(contoso(name));
        for name_of_group in *groups {
            builder = builder.member(&group(name_of_group), &user(name));
        }
    }
    builder
}

/// A filter with everything around it. `root` and `deputy` are the privacy administrators; the clock starts at `at(0)` and stands
/// still until told.
pub(crate) struct House {
    pub(crate) filter: PrivacyFilter,
    pub(crate) store: Arc<dyn ActivityStore>,
    pub(crate) directory: Arc<MemoryDirectory>,
    pub(crate) sink: Arc<dyn GovernanceSink>,
    pub(crate) clock: Arc<AtomicI64>,
    revision: AtomicU64,
}

impl House {
    /// In memory.
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new()), Arc::new(MemorySink::new()))
    }

    /// Over any store and sink; opens or initializes the policy.
    pub(crate) fn over(store: Arc<dyn ActivityStore>, sink: Arc<dyn GovernanceSink>) -> Self {
        let directory = Arc::new(MemoryDirectory::new());
        let clock = Arc::new(AtomicI64::new(0));
        let now = Arc::clone(&clock);
        let filter = PrivacyFilter::builder(Arc::clone(&store), Arc::clone(&directory), Arc::clone(&sink))
            .clock(move || at(now.load(Ordering::SeqCst)))
            .open_or_initialize(admins())
            .unwrap();
        Self { filter, store, directory, sink, clock, revision: AtomicU64::new(0) }
    }

    /// Over a store whose log is elsewhere, to look into it: what is done here is on record nowhere else.
    pub(crate) fn behind(store: Arc<dyn ActivityStore>) -> Self {
        let (directory, clock) = (Arc::new(MemoryDirectory::new()), Arc::new(AtomicI64::new(0)));
        let (sink, now) = (Arc::new(MemorySink::new()), Arc::clone(&clock));
        let filter = PrivacyFilter::builder(Arc::clone(&store), Arc::clone(&directory), Arc::clone(&sink))
            .clock(move || at(now.load(Ordering::SeqCst)))
            .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
            .open()
            .unwrap();
        Self { filter, store, directory, sink, clock, revision: AtomicU64::new(0) }
    }

    /// Like a house in memory, with ids that are the same in every run. Its log is not held against its store, so that the
    /// calls to both are the same whatever the clock says.
    pub(crate) fn repeatable(store: Arc<dyn ActivityStore>) -> Self {
        let sink: Arc<dyn GovernanceSink> = Arc::new(MemorySink::new());
        let directory = Arc::new(MemoryDirectory::new());
        let clock = Arc::new(AtomicI64::new(0));
        let (now, ids) = (Arc::clone(&clock), AtomicU64::new(1));
        let filter = PrivacyFilter::builder(Arc::clone(&store), Arc::clone(&directory), Arc::clone(&sink))
            .clock(move || at(now.load(Ordering::SeqCst)))
            .ids(move || Uuid::from_u128(ids.fetch_add(1, Ordering::SeqCst).into()))
            .write_only_sink(WriteOnlySink::i_know_that_a_restored_store_goes_unnoticed())
            .open_or_initialize(admins())
            .unwrap();
        Self { filter, store, directory, sink, clock, revision: AtomicU64::new(0) }
    }

    /// Puts a directory in force, as of the house's clock.
    pub(crate) fn install(&self, builder: DirectoryBuilder) -> &Self {
        let revision = DirectoryRevision(self.revision.fetch_add(1, Ordering::SeqCst) + 1);
        self.directory.install(builder.build(revision, at(self.clock.load(Ordering::SeqCst))).unwrap()).unwrap();
        self
    }

    pub(crate) fn advance(&self, seconds: i64) -> &Self {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
        self
    }

    /// `root` changes the policy.
    pub(crate) fn change(&self, update: impl Into<PolicyUpdate>) -> &Self {
        self.filter.change(&user("root"), update).unwrap();
        self
    }

    /// `root` changes options.
    pub(crate) fn options(&self, patch: OptionsPatch) -> &Self {
        self.change(PolicyChange::SetOptions(patch))
    }

    /// One administrator permits somebody else to view private activities: `deputy` permits `root`, and `root` the others.
    pub(crate) fn grant(&self, name: &str) -> &Self {
        let by = if name == "root" { "deputy" } else { "root" };
        self.filter.change(&user(by), PolicyChange::Grant(alias(&format!("{name}@contoso.com")))).unwrap();
        self
    }

    /// `root` erases what somebody did.
    pub(crate) fn erase(&self, subject: Subject) -> &Self {
        let receipt = self.filter.erase(&user("root"), subject).unwrap();
        assert_eq!(receipt.record(), self.records().last().unwrap().record.id);
        self
    }

    pub(crate) fn make_private(&self, name: &str) -> &Self {
        self.change(PolicyChange::MakePrivate(group(name).into()))
    }

    pub(crate) fn manage(&self, name: &str) -> &Self {
        self.change(PolicyChange::ManageDomain(ManagedDomain::exactly(domain(name))))
    }

    pub(crate) fn ingest(&self, activities: &[Activity]) -> Vec<Delivery> {
        self.filter.ingest(activities).unwrap().deliveries().to_vec()
    }

    /// Makes `root` one who may view private activities, once.
    pub(crate) fn permit_root(&self) -> &Self {
        if self.filter.policy().unwrap().may_view_private(&user("root")).is_err() {
            self.grant("root");
        }
        self
    }

    /// Everything that is stored, hidden or not, newest first: seen through a reveal of `root`.
    pub(crate) fn everything(&self) -> Vec<StoredActivity> {
        self.permit_root();
        let mut reveal = self.filter.reveal(reveal_all("root")).unwrap();
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = reveal.page(PageSize::at_most(100), cursor.as_ref()).unwrap();
            all.extend_from_slice(page.activities());
            cursor = page.next().cloned();
            if cursor.is_none() {
                return all;
            }
        }
    }

    /// How one activity was stamped.
    pub(crate) fn stamp(&self, id: &str) -> Stamp {
        let all = self.everything();
        all.iter().find(|stored| stored.activity().id().as_str() == id).expect("it is stored").stamp().clone()
    }

    pub(crate) fn is_private(&self, id: &str) -> bool {
        self.stamp(id).visibility() == Visibility::Private
    }

    /// The ids that a viewer without a reveal sees, newest first.
    pub(crate) fn public_ids(&self) -> Vec<String> {
        let page = self.filter.view(&user("somebody")).page(&Query::all(), PageSize::MAX, None).unwrap();
        page.activities().iter().map(|stored| stored.activity().id().as_str().to_owned()).collect()
    }

    /// Every governance record.
    pub(crate) fn records(&self) -> Vec<RecordEntry> {
        self.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
    }
}

/// What `root` makes of a policy, as if it had been recorded and published.
pub(crate) fn changed(
    policy: &PrivacyPolicy,
    update: impl Into<PolicyUpdate>,
    directory: Option<&DirectorySnapshot>,
) -> Result<PrivacyPolicy, ChangeRefusal> {
    let id = RecordId(Uuid::nil());
    let pending = PendingChange::authorise(policy, update, &user("root"), directory, id, at(0));
    let recorded = pending.map_err(|refused| refused.reason)?.recorded(&Receipt::assertion(id, 1)).unwrap();
    Ok(recorded.policy().clone())
}

/// A request for everything, for an hour.
pub(crate) fn reveal_all(viewer: &str) -> RevealRequest {
    let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
    RevealRequest::new(user(viewer), Query::all(), Duration::from_secs(3_600), audited)
}

/// How many activities and records an outcome says were removed, and whether that was all.
pub(crate) fn removed(outcome: &Outcome) -> Option<(u64, u64, bool)> {
    match outcome {
        Outcome::Removed { activities, records, .. } => Some((*activities.value()?, *records, true)),
        Outcome::RemovedInPart { activities, records, .. } => Some((*activities.value()?, *records, false)),
        _ => None,
    }
}
