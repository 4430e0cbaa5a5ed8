//! The driver: moves the batches of a feed to a destination.

mod back_off;
mod delivery;
mod forwarder;
mod options;
mod run;
mod shared;
mod state;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

pub use self::back_off::BackOff;
use self::delivery::Connect;
pub use self::forwarder::{Accepted, DeliveryError, Forwarder};
pub use self::options::{DriverOptions, OnRefusal};
use self::run::Run;
use self::shared::Shared;
pub use self::state::{DriverError, DriverState, Phase, RefusedItem, StopReason};
use super::{Feed, FeedSource};

/// A driver of one forwarder or follower: it delivers each batch to a [`Forwarder`] and acknowledges what the destination
/// accepted.
///
/// - **At least once.** A batch is acknowledged after it was accepted, so a crash repeats at most one batch.
/// - **Retry.** After an error, a time-out or a panic, the driver connects again and delivers the same batch again, after
///   a [delay](BackOff) that grows. It never gives up, and never skips an item unless [`OnRefusal`] says so.
/// - **Limits.** At most one batch is in flight, with the items and bytes of its [limit](super::BatchLimit). A destination
///   that does not answer within the time limit is abandoned. Its thread ends when the call returns. At most
///   [`MAX_THREADS`](Self::MAX_THREADS) threads of one driver exist, so a destination that never answers uses no more
///   than those. A late answer still counts, unless the batch was delivered again meanwhile.
/// - **Stop.** [`stop`](Self::stop) and the drop of a driver wait for the delivery in progress, at most for the time
///   limit, and acknowledge it.
///
/// The driver runs in threads of its own, and needs no async runtime. Several drivers are independent: one that fails or
/// hangs delays no other. [`state`](Self::state) is for a health page.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::{Arc, Mutex};
/// # use std::time::{Duration, SystemTime};
/// # use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
/// # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
/// # use activity_privacy::activity::{Activity, Actor, App};
/// # use activity_privacy::filter::PrivacyFilter;
/// # use activity_privacy::identity::{Alias, UserId};
/// # use activity_privacy::policy::Administrators;
/// # use activity_privacy::store::PublicActivity;
/// use activity_privacy::forward::{Accepted, Batch, Driver, DriverOptions, Start};
///
/// # let directory = MemoryDirectory::new();
/// # let bob = User::new(UserId::new("u-3")?).with_alias(Alias::new("bob@contoso.com")?);
/// # directory.install(DirectoryBuilder::new().user(bob).build(DirectoryRevision(1), SystemTime::now().into())?)?;
/// # let store = Arc::new(MemoryStore::new());
/// # let administrators = Administrators::new(UserId::new("u-1")?, UserId::new("u-2")?)?;
/// # let filter = PrivacyFilter::builder(Arc::clone(&store), directory, MemorySink::new()).initialize(administrators)?;
/// # let (actor, app) = (Actor::user(Alias::new("bob@contoso.com")?), App::new("SharePoint".parse()?));
/// # let at = "2026-03-02T09:00:00Z".parse()?;
/// # filter.ingest(&[Activity::builder("a-1".parse()?, actor, app, "FileAccessed".parse()?, at).build()?])?;
/// # let sent = Arc::new(Mutex::new(Vec::new()));
/// let siem = filter.forwarders(store).open_or_create(&"siem".parse()?, Start::Beginning)?;
/// // Called in a thread of the driver, again after each error.
/// let connect = {
///     let sent = Arc::clone(&sent);
///     move || {
///         let sent = Arc::clone(&sent);
///         Ok(move |batch: &Batch<PublicActivity>| {
///             let ids = batch.items().iter().map(|public| public.activity().id().clone());
///             sent.lock().expect("no other delivery panics").extend(ids);
///             Ok(Accepted::All)
///         })
///     }
/// };
/// let driver = Driver::start(siem, connect, DriverOptions::default())?;
/// # while driver.state().delivered == 0 { std::thread::sleep(Duration::from_millis(1)) }
/// let state = driver.stop();
/// assert_eq!(state.delivered, 1);
/// # Ok(())
/// # }
/// ```
pub struct Driver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    /// The maximum number of threads that deliver for one driver, including those that hang.
    pub const MAX_THREADS: usize = 2;

    /// Starts a driver. `connect` returns a connection to the destination. The driver calls it for the first batch, and
    /// again after an error, in the thread that delivers.
    ///
    /// # Errors
    /// Returns [`io::Error`] if the operating system cannot start a thread.
    pub fn start<S, F, C>(feed: Feed<S>, connect: C, options: DriverOptions) -> io::Result<Self>
    where
        S: FeedSource,
        F: Forwarder<S::Item> + 'static,
        C: Fn() -> Result<F, DeliveryError> + Send + Sync + 'static,
    {
        let shared = Arc::new(Shared::default());
        let connect: Arc<Connect<S::Item>> = Arc::new(move || Ok(Box::new(connect()?) as Box<dyn Forwarder<S::Item>>));
        let run = Run::new(feed, connect, options, Arc::clone(&shared));
        let thread = thread::Builder::new().name("forwarder".to_owned()).spawn(move || run.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Returns the current state. This reads no store and does not wait for the destination.
    #[must_use]
    pub fn state(&self) -> DriverState {
        self.shared.state()
    }

    /// Stops the driver and returns its last state. Waits for the delivery in progress, at most for the time limit.
    pub fn stop(mut self) -> DriverState {
        self.end();
        self.state()
    }

    fn end(&mut self) {
        self.shared.stop();
        if let Some(thread) = self.thread.take() {
            // The thread catches the panics of the destination. There is nothing else to do with one of its own.
            let _ = thread.join();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
