#![doc = include_str!("../README.md")]
//!
//! ## Where to begin
//!
//! [`PrivacyFilter`] is the front door. Behind it stand three ports: [`ActivityStore`], [`GroupDirectory`] and
//! [`GovernanceSink`]; each says in its documentation what an adapter must keep. The steps that the filter drives
//! through them are pure values, for whoever drives them without it, say from async code: [`Screen`] decides,
//! [`change`], [`sinks`], [`reveal`] and [`removal`] make sure that nothing is changed, seen or removed before it is on
//! record.

mod activity;
mod actor;
mod applied;
pub mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
mod difference;
mod digest;
mod directory;
#[cfg(feature = "export")]
mod export;
mod filter;
mod forward;
mod governance;
mod identity;
#[cfg(feature = "import")]
pub mod import;
mod index;
#[cfg(any(feature = "import", feature = "m365"))]
mod input_kind;
#[cfg(any(feature = "import", feature = "ledger", feature = "m365"))]
mod json;
#[cfg(feature = "ledger")]
pub mod ledger;
#[cfg(feature = "m365")]
pub mod m365;
pub mod memory;
mod policy;
mod query;
pub mod removal;
pub mod reveal;
pub mod rules;
mod screen;
pub mod sinks;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod steps;
mod store;
mod stored;
#[cfg(feature = "proptest")]
pub mod strategies;
mod subject;
mod sync;
mod text;
mod varint;
mod versioned;

pub use activity::{Action, Activity, ActivityBuilder, ActivityError, ActivityId, App, AppName};
pub use actor::{Actor, ActorKind, ActorName};
pub use applied::{AppliedRecord, AppliedRecords};
pub use change::{ChangeRefusal, PendingChange, RecordedChange};
pub use difference::{AcceptedDifference, Difference, WriteOnlySink};
pub use digest::Digest;
pub use directory::{
    DirectoryBuilder, DirectoryChange, DirectoryDelta, DirectoryError, DirectoryRevision, DirectorySnapshot,
    GroupDirectory, ImportError, RemovedGroup, Resolution, User, UserStatus,
};
#[cfg(feature = "export")]
pub use export::{ExportError, RecordFormat};
pub use filter::{
    ChangeError, Delivery, DryRunError, FollowError, GovernanceError, IngestError, IngestReport, Look, OpenError, Page,
    PrivacyFilter, PrivacyFilterBuilder, RemovalError, Reveal, RevealError, SaltError, SinkChangeError, View,
    ViewError,
};
pub use forward::{ForwardBatch, Offset, OffsetError};
pub use governance::{
    Act, Answer, BoundedSink, ChangeMark, ChangeSummary, Failure, GovernanceSink, Initiator, Justification, Outcome,
    OutcomeKind, ParseSaltError, Receipt, Record, RecordEntry, RecordId, RecordKind, RecordQuery, Refused,
    RemovalSummary, RequestId, RequestSummary, RevealId, RevealSummary, RevealTerms, Salt, Sealed, SealedText,
    SeveralSinks, SeveralSinksBuilder, SinkError, SinkName, SinksError, Subjects,
};
pub use identity::{Alias, Domain, DomainError, GroupId, Identity, UserId};
pub use index::{Conditions, IndexTerm, TermField};
#[cfg(any(feature = "import", feature = "m365"))]
pub use input_kind::InputKind;
pub use policy::{
    Administrators, Denial, Grant, GroupRef, ManagedDomain, MissingOption, OptionsPatch, PolicyChange,
    PolicyDocumentError, PolicyError, PolicyOptions, PolicyOptionsBuilder, PolicyUpdate, PrivacyPolicy, Purpose,
    Retention, RetentionError, Revision, Role, SameAdministrator, ScopeEffect, ScopeRule, ScopeTarget, WhenUndecidable,
};
pub use query::{Count, CountBy, Counts, Cursor, CursorError, PageSize, Position, Query, Tally};
pub use removal::{PendingRemoval, RecordedRemoval};
pub use reveal::{
    Acknowledgement, Admission, Approvals, PendingPage, PendingReveal, RecordedPage, RecordedReveal, RequestStatus,
    RevealRequest, SealedPage, Seen,
};
pub use screen::{
    Affected, Cause, DryRun, Explanation, Reason, Reasons, Screen, Stamp, Stamped, StampedBatch, Standing, Undecidable,
    Verdict, Visibility,
};
pub use sinks::{NotAccepted, PendingSinks, RecordedSinks, SinksRefusal};
pub use store::{ActivityStore, Appended, PublicPage, RemovedGroups, RemovedGroupsUpdate, StoreError};
pub use stored::{PublicActivity, StoredActivity};
pub use subject::Subject;
pub use text::TextError;
pub use versioned::Versioned;

/// The examples of the guides, which are run as tests and are no part of the documentation.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../docs/approvals.md")]
    mod approvals {}
    #[doc = include_str!("../docs/directory-sync.md")]
    mod directory_sync {}
    #[doc = include_str!("../docs/ledger.md")]
    mod ledger {}
    #[doc = include_str!("../docs/operations.md")]
    mod operations {}
}
