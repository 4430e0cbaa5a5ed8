//! The way out: public activities for a SIEM, a hunting table or a webhook, and governance records for followers.
//!
//! A **forwarder** has a name and a durable [offset](Offset), which a [`ForwarderOffsets`] port stores: usually the store
//! itself. [`PrivacyFilter::forwarders`](crate::filter::PrivacyFilter::forwarders) creates forwarders and opens their
//! [`Feed`]s. A feed returns [batches](Batch) in the order of storing, and moves the offset when a batch is
//! acknowledged. Every activity is delivered at least once, also after a crash and with several processes.
//!
//! The types exclude private activities: a [`Batch`] contains [`PublicActivity`](crate::store::PublicActivity)s, which
//! cannot be made from a private activity. The decision that was stored counts, not the policy in force.
//!
//! A **follower** is a forwarder of governance records. The policy names it
//! ([`PolicyChange::AddFollower`](crate::policy::PolicyChange::AddFollower)).
//!
//! A [`Driver`] moves the batches of a feed to a [`Forwarder`], which the embedder implements for a destination. It
//! retries, limits what is in flight, and reports its state. With the feature `export`, `export::ActivityFormat` and
//! `export::Syslog` write activities in the formats of SIEMs.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::Arc;
//! # use std::time::SystemTime;
//! # use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, User};
//! # use activity_privacy::memory::{MemoryDirectory, MemorySink, MemoryStore};
//! # use activity_privacy::activity::{Activity, Actor, App};
//! # use activity_privacy::filter::PrivacyFilter;
//! # use activity_privacy::identity::{Alias, UserId};
//! # use activity_privacy::policy::Administrators;
//! use activity_privacy::forward::{BatchLimit, Start};
//!
//! # let directory = MemoryDirectory::new();
//! # let bob = User::new(UserId::new("u-3")?).with_alias(Alias::new("bob@contoso.com")?);
//! # directory.install(DirectoryBuilder::new().user(bob).build(DirectoryRevision(1), SystemTime::now().into())?)?;
//! let store = Arc::new(MemoryStore::new());
//! # let administrators = Administrators::new(UserId::new("u-1")?, UserId::new("u-2")?)?;
//! let filter =
//!     PrivacyFilter::builder(Arc::clone(&store), directory, MemorySink::new()).initialize(administrators)?;
//! let siem = filter.forwarders(store).create(&"siem".parse()?, Start::Beginning)?;
//! # let (actor, app) = (Actor::user(Alias::new("bob@contoso.com")?), App::new("SharePoint".parse()?));
//! # let at = "2026-03-02T09:00:00Z".parse()?;
//! # filter.ingest(&[Activity::builder("a-1".parse()?, actor, app, "FileAccessed".parse()?, at).build()?])?;
//!
//! let batch = siem.next_batch(BatchLimit::default())?;
//! assert_eq!(batch.items().len(), 1);
//! // Deliver `batch.items()`, and then:
//! siem.acknowledge(&batch)?;
//! assert!(siem.next_batch(BatchLimit::default())?.is_empty());
//! # Ok(())
//! # }
//! ```

mod batch;
mod driver;
mod error;
mod feed;
mod limit;
mod name;
mod offset;
mod offsets;
mod saved;
mod start;
mod status;

pub use self::batch::{Batch, ForwardBatch, Gap};
pub use self::driver::{
    Accepted, BackOff, DeliveryError, Driver, DriverError, DriverOptions, DriverState, Forwarder, OnRefusal, Phase,
    RefusedItem, StopReason,
};
pub use self::error::ForwardError;
pub(crate) use self::feed::Source;
pub use self::feed::{Feed, FeedSource};
pub use self::limit::BatchLimit;
pub use self::name::ForwarderName;
pub use self::offset::{Offset, OffsetError};
pub use self::offsets::ForwarderOffsets;
#[cfg(feature = "conformance")]
pub(crate) use self::saved::SetAside;
pub use self::saved::{FeedKind, SavedForwarder};
pub use self::start::Start;
pub use self::status::{ForwarderStatus, SetAsideItem};
