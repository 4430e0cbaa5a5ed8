//! A filter in front of a store and a sink that do wrong on command, with something to lose behind them.

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

/// What no error may ever say: the id or the actor of a private activity.
pub(crate) const CANARIES: [&str; 2] = ["secret", "adele"];

pub(crate) struct Scene {
    /// Looks behind the faults.
    pub(crate) fixture: Fixture,
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) sink: Arc<FaultySink>,
    /// The filter under test, once there is one.
    pub(crate) filter: Option<PrivacyFilter>,
    /// A reveal that was opened before anything went wrong.
    pub(crate) reveal: Option<Reveal>,
    pub(crate) place: Place,
    pub(crate) limit: Duration,
}

/// Adele is on the council, which is private; Bob is in finance. Root, Eve and, formerly, Ann may view private
/// activities.
pub(crate) fn everybody() -> DirectoryBuilder {
    people(&[("adele", &["council"]), ("bob", &["finance"]), ("ann", &[]), ("eve", &[])])
}

pub(crate) fn without_the_council() -> DirectoryBuilder {
    people(&[("adele", &[]), ("bob", &["finance"]), ("ann", &[]), ("eve", &[])])
}

impl Scene {
    /// A store and a sink with nothing in them.
    pub(crate) fn empty(place: Place, limit: Duration) -> Self {
        let (store, sink) = (
            FaultyStore::new(Arc::clone(&place.store), &Log::default()),
            FaultySink::over(Arc::clone(&place.sink), &Log::default()),
        );
        // Another place, so that this one stays without a policy: it lends the directory and the clock.
        let fixture = Fixture::new();
        fixture.install(everybody());
        Self { fixture, store, sink, filter: None, reveal: None, place, limit }
    }

    /// With policies, activities and records. `hidden`: whether any of the activities are private.
    pub(crate) fn furnished(place: Place, limit: Duration, hidden: bool) -> Self {
        let fixture = place.fixture();
        fixture.install(everybody()).manage("contoso.com").permit_root();
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
        // What is hidden comes first, where a page begins.
        rows.sort_by_key(|stored| stored.visibility() == Visibility::Public);
        store.remember_rows(rows);
        let sink = FaultySink::over(Arc::clone(&place.sink), &Log::default());
        let mut scene = Self { fixture, store, sink, filter: None, reveal: None, place, limit };
        scene.open().unwrap();
        // Eve's page, for the store to mistake for somebody else's.
        let mut of_eve = scene.filter().reveal(reveal_all("eve")).unwrap();
        scene.store.keep_next_page();
        of_eve.page(PageSize::MAX, None).unwrap_err();
        scene
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
        self.filter.as_ref().expect("it is open")
    }

    /// Store and sink do right from now on, and what waits for a while has waited.
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

    /// Everything that is stored, by id, whoever may see it.
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

    /// What there is in the end, to be the same whether something went wrong on the way or not.
    pub(crate) fn state(&self) -> String {
        let policy = self.policy();
        let policy = policy.as_ref().map(|policy| {
            (policy.private_groups(), policy.admins(), policy.grants().keys().collect::<Vec<_>>(), policy.scope())
        });
        let kept = self.place.store.removed_groups(None).unwrap().unwrap().groups;
        format!("{policy:?} {:?} {kept:?}", self.stored())
    }

    /// G4: nothing of the filter is left once it is gone, not even a thread that holds the sink.
    pub(crate) fn leave(mut self) {
        (self.filter, self.reveal) = (None, None);
        let begun = Instant::now();
        while Arc::strong_count(&self.sink) > 1 {
            assert!(begun.elapsed() < Duration::from_secs(30), "a thread still holds the sink");
            thread::sleep(Duration::from_millis(2));
        }
    }
}
