//! The sources of time, ids and salts, which the pure steps take as arguments.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use thiserror::Error;
use uuid::{Builder, Uuid};

use crate::governance::Salt;

pub(super) struct Runtime {
    pub(super) now: Box<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pub(super) fresh: Box<dyn Fn() -> Uuid + Send + Sync>,
    /// Fills bytes from the operating system's cryptographic source. Embedders cannot replace it.
    random: fn(&mut [u8]) -> Result<(), getrandom::Error>,
}

/// The operating system returned no random bytes for salts. Nothing was done or recorded.
#[derive(Debug, Error)]
#[error("the operating system returned no random bytes, so nothing was done; try again")]
pub struct SaltError(#[source] getrandom::Error);

impl Runtime {
    /// Returns new salts. An act reads all salts for its records before it begins, including those for its outcome.
    pub(super) fn salts<const N: usize>(&self) -> Result<[Salt; N], SaltError> {
        let mut bytes = [[0; Salt::BYTES]; N];
        (self.random)(bytes.as_flattened_mut()).map_err(SaltError)?;
        Ok(bytes.map(Salt::from_bytes))
    }
}

impl Default for Runtime {
    fn default() -> Self {
        let ids = FreshIds::default();
        Self {
            now: Box::new(|| SystemTime::now().into()),
            fresh: Box::new(move || ids.next()),
            random: getrandom::fill,
        }
    }
}

/// A source of ids that are unique among all processes and filters: two keyed hashes of a counter, under keys that the
/// standard library reads from the operating system. The ids are unique, not secret.
#[derive(Default)]
struct FreshIds {
    keys: [RandomState; 2],
    count: AtomicU64,
}

impl FreshIds {
    fn next(&self) -> Uuid {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let [high, low] = &self.keys;
        // Includes the process id, because a fork copies keys and counter.
        let seed = (number, std::process::id());
        let random = Uuid::from_u64_pair(high.hash_one(seed), low.hash_one(seed));
        Builder::from_random_bytes(random.into_bytes()).into_uuid()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::activity::{Activity, Actor, App};
    use crate::directory::{DirectoryBuilder, DirectoryRevision, User};
    use crate::filter::{PrivacyFilter, RemovalError, RevealError};
    use crate::governance::RecordId;
    use crate::governance::{GovernanceSink, RecordQuery};
    use crate::identity::Subject;
    use crate::identity::{Alias, UserId};
    use crate::memory::{MemoryDirectory, MemorySink, MemoryStore};
    use crate::policy::{Administrators, PolicyChange};
    use crate::query::{PageSize, Query};
    use crate::reveal::{Acknowledgement, RevealRequest};

    fn none(_: &mut [u8]) -> Result<(), getrandom::Error> {
        Err(getrandom::Error::UNEXPECTED)
    }

    /// Several filters over one store and one sink, each with a source of random bytes.
    struct Scene {
        store: Arc<MemoryStore>,
        sink: Arc<MemorySink>,
        directory: Arc<MemoryDirectory>,
    }

    impl Scene {
        fn filter(&self, random: fn(&mut [u8]) -> Result<(), getrandom::Error>) -> PrivacyFilter {
            let (store, directory) = (Arc::clone(&self.store), Arc::clone(&self.directory));
            let mut builder = PrivacyFilter::builder(store, directory, Arc::clone(&self.sink));
            builder.runtime.random = random;
            builder.runtime.now = Box::new(|| DateTime::UNIX_EPOCH);
            let [root, deputy] = ["root", "deputy"].map(|name| UserId::new(name).unwrap());
            builder.open_or_initialize(Administrators::new(root, deputy).unwrap()).unwrap()
        }

        fn records(&self) -> usize {
            self.sink.records(&RecordQuery::default(), 0, usize::MAX).unwrap().len()
        }
    }

    #[test]
    fn g2_without_random_bytes_nothing_is_done_or_recorded() {
        let root = UserId::new("root").unwrap();
        let scene = Scene { store: Arc::default(), sink: Arc::default(), directory: Arc::default() };
        let user = User::new(root.clone()).with_alias(Alias::new("root@contoso.com").unwrap());
        let import = DirectoryBuilder::new().user(user).build(DirectoryRevision(1), DateTime::UNIX_EPOCH).unwrap();
        scene.directory.install(import).unwrap();
        let filter = scene.filter(getrandom::fill);
        let deputy = UserId::new("deputy").unwrap();
        filter.update_policy(&deputy, PolicyChange::Grant(Alias::new("root@contoso.com").unwrap())).unwrap();
        let actor = Actor::user(Alias::new("root@contoso.com").unwrap());
        let app = App::new("Box".parse().unwrap());
        let activity =
            Activity::builder("a".parse().unwrap(), actor, app, "Login".parse().unwrap(), DateTime::UNIX_EPOCH);
        filter.ingest(&[activity.build().unwrap()]).unwrap();
        let wish = || {
            let audited = Acknowledgement::i_know_that_this_reveal_is_audited();
            RevealRequest::new(root.clone(), Query::all(), Duration::from_secs(60), audited)
        };
        let mut open = filter.reveal(wish()).unwrap();
        let dry = scene.filter(none);
        let before = scene.records();

        assert!(matches!(dry.reveal(wish()), Err(RevealError::Salt(_))));
        assert!(matches!(dry.request_reveal(&wish()), Err(RevealError::Salt(_))));
        assert!(matches!(dry.erase(&root, Subject::of(root.clone())), Err(RemovalError::Salt(_))));
        assert!(matches!(dry.redact(&root, RecordId(Uuid::nil())), Err(RemovalError::Salt(_))));
        assert_eq!(scene.records(), before, "nothing is recorded");
        assert_eq!(dry.view(&root).count(&Query::all()).unwrap().total, 1, "nothing is removed");

        // A reveal that is open shows nothing, and can still be closed on record.
        open.page(PageSize::MAX, None).unwrap();
        open.filter = dry;
        let before = scene.records();
        assert!(matches!(open.page(PageSize::MAX, None), Err(RevealError::Salt(_))));
        assert_eq!(scene.records(), before);
        assert_eq!(open.close().unwrap().pages, 1);
        assert_eq!(scene.records(), before + 1);
    }

    #[test]
    fn g2_salts_are_drawn_from_given_bytes_and_not_from_ids() {
        fn ones(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
            (0..).zip(bytes).for_each(|(number, byte)| *byte = number);
            Ok(())
        }
        let runtime = Runtime { random: ones, fresh: Box::new(|| panic!("no id is needed")), ..Runtime::default() };
        let [first, second] = runtime.salts().unwrap();
        assert_eq!(first.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert_eq!(second.to_string(), "101112131415161718191a1b1c1d1e1f");
        let drawn: [Salt; 2] = Runtime::default().salts().unwrap();
        assert!(drawn[0] != drawn[1]);
    }
}
