//! A filter in front of a store and a sink with injected faults, populated with activities, policies and records.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use activity_privacy::directory::DirectoryBuilder;
use activity_privacy::engine::Visibility;
use activity_privacy::filter::{OpenError, PrivacyFilter, PrivacyFilterBuilder, Reveal};
use activity_privacy::governance::{RecordEntry, RecordQuery};
use activity_privacy::policy::{PolicyChange, PrivacyPolicy, Role};
use activity_privacy::query::PageSize;

use crate::fault::*;
use crate::fixture::*;
use crate::place::Place;

/// The id and the actor of a private activity, which no error may contain.
pub(crate) const CANARIES: [&str; 2] = ["secret", "adele"];

pub(crate) struct Setup {
    /// A fixture behind the faults, to inspect the store.
    pub(crate) fixture: Fixture,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) sink: Arc<FaultySink>,
    /// The filter under test, once it is open.
    pub(crate) filter: Option<PrivacyFilter>,
    /// A reveal that was opened before the fault.
    pub(crate) reveal: Option<Reveal>,
    pub(crate) place: Place,
    pub(crate) limit: Duration,
}

/// Returns a directory in which Adele is in the private council and Bob in finance. Root and Eve may view private
/// activities; Ann could formerly.
pub(crate) fn directory() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &["finance"]), ("ann", &[]), ("eve", &[])])
}

pub(crate) fn without_the_council() -> DirectoryBuilder {
    people(&[("adele", &[]), ("bob", &["finance"]), ("ann", &[]), ("eve", &[])])
}

impl Setup {
    /// Creates a setup with an empty store and an empty sink.
    pub(crate) fn empty(place: Place, limit: Duration) -> Self {
        let (store, sink) = (
            FaultyStore::new(Arc::clone(&place.store), &Log::default()),
            FaultySink::over(Arc::clone(&place.sink), &Log::default()),
        );
        // Uses another storage for the directory and the clock, so that this one stays without a policy.
        let fixture = Fixture::new();
        fixture.install(directory());
        Self { fixture, store, sink, filter: None, reveal: None, place, limit }
    }

    /// Creates a setup with policies, activities and records. `hidden`: whether any activity is private.
    pub(crate) fn populated(place: Place, limit: Duration, hidden: bool) -> Self {
        let fixture = place.fixture();
        fixture.install(directory()).manage("contoso.com").permit_root();
        for name in ["ann", "eve"] {
            fixture.update_policy(PolicyChange::SetAdmin(user(name), Role::Analyst));
            fixture.grant(name);
        }
        let before = fixture.filter.policy().unwrap();
        fixture.make_private("council").update_policy(PolicyChange::Revoke(user("ann").into()));
        fixture.ingest(&["shown-1", "shown-2", "shown-3"].map(|id| activity(id, "bob")));
        if hidden {
            fixture.ingest(&["secret-1", "secret-2", "secret-3"].map(|id| activity(id, "adele")));
        }
        let store = FaultyStore::new(Arc::clone(&place.store), &Log::default());
        store.remember_policy(before);
        let mut rows = fixture.everything();
        // Hidden activities come first, at the beginning of a page.
        rows.sort_by_key(|stored| stored.visibility() == Visibility::Public);
        store.remember_rows(rows);
        let sink = FaultySink::over(Arc::clone(&place.sink), &Log::default());
        let mut setup = Self { fixture, store, sink, filter: None, reveal: None, place, limit };
        setup.open().unwrap();
        // A page of Eve's reveal, for the fault that returns it to another reveal.
        let mut of_eve = setup.filter().reveal(reveal_all("eve")).unwrap();
        setup.store.keep_next_page();
        of_eve.page(PageSize::MAX, None).unwrap_err();
        setup
    }

    pub(crate) fn builder(&self) -> PrivacyFilterBuilder {
        let clock = Arc::clone(&self.fixture.clock);
        PrivacyFilter::builder(Arc::clone(&self.store), Arc::clone(&self.fixture.directory), Arc::clone(&self.sink))
            .sink_timeout(self.limit)
            .clock(move || at(clock.load(Ordering::SeqCst)))
    }

    pub(crate) fn open(&mut self) -> Result<(), OpenError> {
        self.filter = Some(self.builder().open()?);
        Ok(())
    }

    pub(crate) fn filter(&self) -> &PrivacyFilter {
        self.filter.as_ref().expect("the filter is open")
    }

    /// Removes all faults and waits out temporary conditions.
    pub(crate) fn recover(&self) {
        self.store.recover();
        self.sink.recover();
        self.fixture.advance(60);
    }

    pub(crate) fn policy(&self) -> Option<Arc<PrivacyPolicy>> {
        self.place.store.policy().unwrap()
    }

    pub(crate) fn records(&self) -> Vec<RecordEntry> {
        self.place.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap()
    }

    /// Returns the visibility of all stored activities by id.
    pub(crate) fn stored(&self) -> BTreeMap<String, Visibility> {
        if self.policy().is_none_or(|policy| policy.may_view_private(&user("eve")).is_err()) {
            return BTreeMap::new();
        }
        let reader = Fixture::behind(Arc::clone(&self.place.store));
        let mut reveal = reader.filter.reveal(reveal_all("eve")).unwrap();
        let page = reveal.page(PageSize::MAX, None).unwrap();
        let stored = page.activities().iter();
        stored.map(|stored| (stored.activity().id().as_str().to_owned(), stored.visibility())).collect()
    }

    /// Returns the final state, which is independent of faults in the meantime.
    pub(crate) fn state(&self) -> String {
        let policy = self.policy();
        let policy = policy.as_ref().map(|policy| {
            (policy.private_groups(), policy.admins(), policy.grants().keys().collect::<Vec<_>>(), policy.scope())
        });
        let kept = self.place.store.removed_groups(None).unwrap().unwrap().groups;
        format!("{policy:?} {:?} {kept:?}", self.stored())
    }

    /// G4: asserts that dropping the filter ends all its threads.
    pub(crate) fn assert_threads_end(mut self) {
        (self.filter, self.reveal) = (None, None);
        let begun = Instant::now();
        while Arc::strong_count(&self.sink) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(30), "a thread still holds the sink");
            thread::sleep(Duration::from_millis(2));
        }
    }
}
