//! A filter with forwarders, in which Adele's activities are private and Bob's are public.

use activity_privacy::activity::Activity;
use activity_privacy::filter::{ActivityFeed, Forwarders};
use activity_privacy::forward::{Batch, BatchLimit, ForwarderName, Start};
use activity_privacy::identity::Subject;
use activity_privacy::store::PublicActivity;

use crate::fixture::*;
use crate::place::*;

/// A fixture over a place, and its forwarders.
pub(crate) struct Scene {
    pub(crate) fixture: Fixture,
    pub(crate) forwarders: Forwarders,
}

impl Scene {
    /// Creates a scene in a place in which there is none yet.
    pub(crate) fn new(place: &Place) -> Self {
        let scene = Self::again(place);
        scene.fixture.manage("contoso.com").make_private("council");
        scene
    }

    /// Opens a place again, as after a restart or on another node.
    pub(crate) fn again(place: &Place) -> Self {
        let fixture = place.fixture();
        fixture.install(people(&[("adele", &["council"]), ("bob", &[]), ("carol", &[])]));
        let forwarders = fixture.filter.forwarders(place.offsets.clone());
        Self { fixture, forwarders }
    }

    /// Ingests one activity of each name, with the ids `name-number`.
    pub(crate) fn ingest(&self, number: usize, names: &[&str]) -> &Self {
        let activities: Vec<Activity> = names.iter().map(|who| activity(&format!("{who}-{number}"), who)).collect();
        self.fixture.ingest(&activities);
        self
    }

    /// Ingests Bob's activities with these numbers, each with one of Adele's before and after it, a second apart.
    pub(crate) fn ingest_bobs(&self, numbers: std::ops::Range<usize>) -> &Self {
        for number in numbers {
            self.fixture.ingest(&[
                activity(&format!("adele-{number}"), "adele"),
                activity(&format!("bob-{number}"), "bob"),
                activity(&format!("adele-{number}-after"), "adele"),
            ]);
            self.fixture.advance(1);
        }
        self
    }

    pub(crate) fn create(&self, start: Start) -> ActivityFeed {
        self.forwarders.create(&siem(), start).unwrap()
    }

    pub(crate) fn open(&self) -> ActivityFeed {
        self.forwarders.open(&siem()).unwrap()
    }

    pub(crate) fn erase(&self, who: &str) {
        self.fixture.erase(Subject::of(user(who)).with_identity(alias(&format!("{who}@contoso.com"))));
    }
}

pub(crate) fn siem() -> ForwarderName {
    "siem".parse().unwrap()
}

/// Returns the ids of a batch.
pub(crate) fn ids(batch: &Batch<PublicActivity>) -> Vec<&str> {
    batch.items().iter().map(|public| public.activity().id().as_str()).collect()
}

pub(crate) fn bobs(numbers: impl IntoIterator<Item = usize>) -> Vec<String> {
    numbers.into_iter().map(|number| format!("bob-{number}")).collect()
}

/// Acknowledges batches until the forwarder has caught up. Returns the ids, and the number of missed activities.
pub(crate) fn drain(feed: &ActivityFeed, rows: u16) -> (Vec<String>, u64) {
    let (mut all, mut missed) = (Vec::new(), 0);
    loop {
        let batch = feed.next_batch(BatchLimit::rows(rows)).unwrap();
        if batch.is_empty() {
            return (all, missed);
        }
        all.extend(ids(&batch).into_iter().map(str::to_owned));
        missed += batch.gap().map_or(0, |gap| gap.missed.get());
        feed.acknowledge(&batch).unwrap();
    }
}
