#![doc = include_str!("../README.md")]
//!
//! ## Where to begin
//!
//! [`PrivacyFilter`] is the front door. Behind it stand three ports: [`ActivityStore`], [`GroupDirectory`] and
//! [`GovernanceSink`]; each says in its documentation what an adapter must keep. The steps that the filter drives
//! through them are pure values, for whoever drives them without it, say from async code: [`PolicyEngine`] decides,
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
mod engine;
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
pub use engine::{
    Affected, DecidedActivity, DecidedBatch, Decision, DryRun, Explanation, PolicyEngine, PrincipalRole, Reason,
    Reasons, Undecidable, UndecidableReason, Verdict, Visibility,
};
#[cfg(feature = "export")]
pub use export::{ExportError, RecordFormat};
pub use filter::{
    AccessNotice, ChangeError, DryRunError, GovernanceError, IngestError, IngestOutcome, IngestReport, OpenError, Page,
    PrivacyFilter, PrivacyFilterBuilder, ReconcileError, RemovalError, Reveal, RevealError, SaltError, SinkChangeError,
    View, ViewError,
};
pub use forward::{ForwardBatch, Offset, OffsetError};
pub use governance::{
    ApprovalDecision, ChangeMark, ChangeSummary, Commitment, CommitmentText, Event, FailureReason, GovernanceSink,
    Initiator, Justification, Outcome, OutcomeKind, ParseSaltError, QuorumSink, QuorumSinkBuilder, Receipt, Record,
    RecordEntry, RecordId, RecordKind, RecordQuery, Refused, RemovalSummary, RequestId, RequestSummary, RevealId,
    RevealSummary, RevealTerms, Salt, SinkError, SinkName, SinkSetError, Subjects, TimeoutSink,
};
pub use identity::{Alias, Domain, DomainError, GroupId, Identity, UserId};
pub use index::{Conditions, IndexTerm, TermField};
#[cfg(any(feature = "import", feature = "m365"))]
pub use input_kind::InputKind;
pub use policy::{
    Administrators, Denial, Grant, GroupRef, ManagedDomain, MissingOption, OnUndecidable, OptionsPatch, PolicyChange,
    PolicyDocumentError, PolicyError, PolicyOptions, PolicyOptionsBuilder, PolicyUpdate, PrivacyPolicy, Purpose,
    Retention, RetentionError, Revision, Role, SameAdministrator, ScopeEffect, ScopeRule, ScopeTarget,
};
pub use query::{Count, CountBy, Counts, Cursor, CursorError, PageSize, Position, Query, Tally};
pub use removal::{PendingRemoval, RecordedRemoval};
pub use reveal::{
    Acknowledgement, Approvals, PagePermit, PendingPage, PendingReveal, RecordedPage, RecordedReveal, RequestStatus,
    RevealRequest, RevealTotals, SealedPage,
};
pub use sinks::{NotAccepted, PendingSinks, RecordedSinks, SinksRefusal};
pub use store::{ActivityStore, AppendOutcome, PublicPage, RemovedGroups, RemovedGroupsUpdate, StoreError};
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
