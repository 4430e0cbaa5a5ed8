//! Every public type can be sent to other threads and shared with them.

use std::fs;
use std::path::Path;

fn check<T: Send + Sync>() {}

fn activity() {
    use activity_privacy::activity::*;

    check::<Action>();
    check::<Activity>();
    check::<ActivityBuilder>();
    check::<ActivityError>();
    check::<ActivityId>();
    check::<Actor>();
    check::<ActorKind>();
    check::<ActorName>();
    check::<App>();
    check::<AppName>();
}

fn directory() {
    use activity_privacy::directory::*;

    check::<DirectoryBuilder>();
    check::<DirectoryChange>();
    check::<DirectoryDelta>();
    check::<DirectoryError>();
    check::<DirectoryRevision>();
    check::<DirectorySnapshot>();
    check::<ImportError>();
    check::<RemovedGroup>();
    check::<Resolution>();
    check::<User>();
    check::<UserStatus>();
}

fn engine() {
    use activity_privacy::engine::*;

    check::<Affected>();
    check::<DecidedActivity<'_>>();
    check::<DecidedBatch<'_>>();
    check::<Decision>();
    check::<DryRun>();
    check::<Explanation<'_>>();
    check::<PolicyEngine>();
    check::<PrincipalRole>();
    check::<Reason>();
    check::<Reasons>();
    check::<Undecidable>();
    check::<UndecidableReason>();
    check::<Verdict>();
    check::<Visibility>();
}

fn error() {
    use activity_privacy::error::*;

    check::<ErrorKind>();
    check::<UnknownWord>();
    check::<WithKind>();
}

fn filter() {
    use activity_privacy::filter::*;

    check::<AccessNotice>();
    check::<ActivitySource>();
    check::<ActivityFeed>();
    check::<DryRunError>();
    check::<Forwarders>();
    check::<GovernanceError>();
    check::<BulkBatch<String>>();
    check::<BulkIngestError>();
    check::<BulkProgress>();
    check::<IngestError>();
    check::<IngestOutcome>();
    check::<IngestReport>();
    check::<OpenError>();
    check::<Page>();
    check::<PrivacyFilter>();
    check::<PrivacyFilterBuilder>();
    check::<ReconcileError>();
    check::<RecordFeed>();
    check::<RecordSource>();
    check::<RemovalError>();
    check::<Reveal>();
    check::<RevealError>();
    check::<SaltError>();
    check::<UpdatePolicyError>();
    check::<View>();
    check::<ViewError>();
}

fn forward() {
    use activity_privacy::forward::*;
    use activity_privacy::store::PublicActivity;

    check::<Accepted>();
    check::<BackOff>();
    check::<Batch<PublicActivity>>();
    check::<BatchLimit>();
    check::<DeliveryError>();
    check::<Driver>();
    check::<DriverError>();
    check::<DriverOptions>();
    check::<DriverState>();
    check::<Feed<activity_privacy::filter::RecordSource>>();
    check::<FeedKind>();
    check::<ForwardBatch>();
    check::<ForwardError>();
    check::<ForwarderName>();
    check::<ForwarderStatus>();
    check::<Gap>();
    check::<Offset>();
    check::<OffsetError>();
    check::<OnRefusal>();
    check::<Phase>();
    check::<RefusedItem>();
    check::<SavedForwarder>();
    check::<SetAsideItem<PublicActivity>>();
    check::<Start>();
    check::<StopReason>();
}

fn governance() {
    use activity_privacy::governance::*;
    use activity_privacy::policy::Denial;

    check::<AcceptedDifference>();
    check::<AppliedRecord>();
    check::<AppliedRecords>();
    check::<ApprovalDecision>();
    check::<ChangeMark>();
    check::<ChangeSummary>();
    check::<Commitment<u64>>();
    check::<Difference>();
    check::<Digest>();
    check::<Event>();
    check::<ExportFormat>();
    check::<ExportSummary>();
    check::<FailureReason>();
    check::<Initiator>();
    check::<Justification>();
    check::<NewPolicy>();
    check::<Outcome>();
    check::<OutcomeKind>();
    check::<ParseDigestError>();
    check::<ParseIdError>();
    check::<ParseSaltError>();
    check::<Pending<NewPolicy>>();
    check::<PolicyUpdateError>();
    check::<PrivateRows>();
    check::<Receipt>();
    check::<Record>();
    check::<RecordEntry>();
    check::<RecordId>();
    check::<RecordKind>();
    check::<RecordQuery>();
    check::<Recorded<NewPolicy>>();
    check::<Rejection<Denial>>();
    check::<Removal>();
    check::<RemovalSummary>();
    check::<RequestId>();
    check::<RequestSummary>();
    check::<RevealId>();
    check::<RevealSummary>();
    check::<RevealTerms>();
    check::<Salt>();
    check::<SinkError>();
    check::<SinkName>();
    check::<SinkSetError>();
    check::<Subjects>();
    check::<WriteOnlySink>();
}

fn identity() {
    use activity_privacy::identity::*;

    check::<Alias>();
    check::<Domain>();
    check::<DomainError>();
    check::<GroupId>();
    check::<Identity>();
    check::<Subject>();
    check::<TextError>();
    check::<UserId>();
}

fn memory() {
    use activity_privacy::memory::*;

    check::<InstallError>();
    check::<MemoryDirectory>();
    check::<MemorySink>();
    check::<MemoryStore>();
}

fn policy() {
    use activity_privacy::policy::*;

    check::<Administrators>();
    check::<Denial>();
    check::<Follower>();
    check::<Grant>();
    check::<GroupRef>();
    check::<ManagedDomain>();
    check::<MissingOption>();
    check::<OnUndecidable>();
    check::<OptionsPatch>();
    check::<PolicyChange>();
    check::<PolicyDocumentError>();
    check::<PolicyError>();
    check::<PolicyOptions>();
    check::<PolicyOptionsBuilder>();
    check::<PolicyUpdate>();
    check::<PrivacyPolicy>();
    check::<Purpose>();
    check::<Retention>();
    check::<RetentionError>();
    check::<Revision>();
    check::<Role>();
    check::<SameAdministrator>();
    check::<ScopeEffect>();
    check::<ScopeRule>();
    check::<ScopeTarget>();
}

fn query() {
    use activity_privacy::query::*;

    check::<Conditions<'_>>();
    check::<Count>();
    check::<CountBy>();
    check::<Counts>();
    check::<Cursor>();
    check::<CursorError>();
    check::<IndexTerm<'_>>();
    check::<PageSize>();
    check::<PageSizeError>();
    check::<Position>();
    check::<Query>();
    check::<Tally>();
    check::<TermField>();
}

fn reveal() {
    use activity_privacy::reveal::*;

    check::<Acknowledgement>();
    check::<Approvals>();
    check::<AuthorisedReveal>();
    check::<PagePermit<'_>>();
    check::<RequestStatus>();
    check::<RevealExport>();
    check::<RevealRequest>();
    check::<RevealTotals>();
    check::<RevealedPage>();
    check::<SealedPage>();
}

fn sinks() {
    use activity_privacy::sinks::*;

    check::<QuorumSink>();
    check::<QuorumSinkBuilder>();
    check::<SinkChange>();
    check::<SinkChangeError>();
    check::<TimeoutSink>();
}

fn store() {
    use activity_privacy::store::*;

    check::<AppendOutcome>();
    check::<PublicActivity>();
    check::<PublicPage>();
    check::<RemovedGroups>();
    check::<RemovedGroupsUpdate<'_>>();
    check::<StoreError>();
    check::<StoredActivity>();
    check::<Versioned<String>>();
}

#[cfg(feature = "export")]
fn export() {
    use activity_privacy::export::*;

    check::<ActivityFormat>();
    check::<ExportError>();
    check::<Exported>();
    check::<Framing>();
    check::<RecordFormat>();
    check::<Syslog>();
    check::<SyslogError>();
}

#[cfg(feature = "import")]
fn import() {
    use activity_privacy::directory::DirectorySnapshot;
    use activity_privacy::import::*;
    use activity_privacy::input::InputKind;

    check::<Import<DirectorySnapshot>>();
    check::<Incomplete>();
    check::<Place>();
    check::<EntryRejectReason>();
    check::<RejectedEntry>();
    check::<InputKind>();
    check::<csv::Tables>();
    check::<graph::IncompleteSync>();
    check::<graph::Listing>();
    check::<graph::Sync>();
    check::<ldif::DirectoryTree>();
    check::<ldif::InvalidDn>();
    check::<ldif::LdifReader>();
    check::<scim::Endpoint>();
    check::<scim::IncompleteList>();
    check::<scim::Lists>();
    check::<scim::Requests<'_>>();
}

#[cfg(feature = "ledger")]
fn ledger() {
    use activity_privacy::ledger::*;
    use activity_privacy::memory::MemorySink;

    check::<AuditSummary>();
    check::<Checkpoint>();
    check::<CheckpointError>();
    check::<ConsistencyProof>();
    check::<Damage>();
    check::<Disclosure>();
    check::<FileHashes>();
    check::<HashError>();
    check::<HashStoreError>();
    check::<InclusionProof>();
    check::<KeyError>();
    check::<KeyName>();
    check::<Leaf>();
    check::<LeafError>();
    check::<LedgerError>();
    check::<LedgerSink<MemorySink>>();
    check::<MemoryHashes>();
    check::<MerkleTree>();
    check::<Note>();
    check::<NoteError>();
    check::<NoteSigner>();
    check::<NoteVerifier>();
    check::<Peaks>();
    check::<ProofError>();
    check::<TreeError>();
    check::<TreeHash>();
    check::<VerifiedLog>();
    check::<VerifyError>();
}

#[cfg(feature = "m365")]
fn sources() {
    use activity_privacy::sources::*;

    check::<JsonFault>();
    check::<RejectCount>();
    check::<RejectCounts>();
    check::<RejectReason>();
    check::<Rejected>();
    check::<m365::DateOrder>();
    check::<m365::Format>();
    check::<m365::Reader<&[u8]>>();
}

#[cfg(feature = "mapped")]
fn mapped() {
    use activity_privacy::sources::mapped::*;

    check::<Format>();
    check::<Map>();
    check::<MapError>();
    check::<Reader<&[u8]>>();
}

#[cfg(feature = "sqlite")]
fn sqlite() {
    use activity_privacy::sqlite::*;

    check::<BackupError>();
    check::<FileError>();
    check::<SqliteGovernance>();
    check::<SqliteOptions>();
    check::<SqliteStore>();
}

/// Returns the name of a public type that a line of code declares.
fn declared(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
    rest.split(|c: char| !c.is_alphanumeric()).next().filter(|name| !name.is_empty())
}

fn each_source(folder: &Path, check: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            each_source(&path, check);
        } else {
            check(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn public_types_are_send_and_sync() {
    activity();
    directory();
    engine();
    error();
    filter();
    forward();
    governance();
    identity();
    memory();
    policy();
    query();
    reveal();
    sinks();
    store();
    #[cfg(feature = "export")]
    export();
    #[cfg(feature = "import")]
    import();
    #[cfg(feature = "ledger")]
    ledger();
    #[cfg(feature = "m365")]
    sources();
    #[cfg(feature = "mapped")]
    mapped();
    #[cfg(feature = "sqlite")]
    sqlite();
}

/// The list above is complete. Types for tests, in `conformance` and `strategies`, need not be shared. A `WriteLock` is
/// released by the thread that took it, like a guard of the standard library. A `BulkIngest` contains closures that run on
/// the calling thread, and an `Export` borrows the caller's output.
#[test]
fn every_public_type_is_listed() {
    let listed = include_str!("auto_traits.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("src");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|name| name == "conformance" || name == "strategies" || name == "text") {
            continue;
        }
        let mut check = |text: &str| {
            let is_exempt = |name: &&str| ["BulkIngest", "Export", "WriteLock"].contains(name);
            for name in text.lines().filter_map(declared).filter(|name| !is_exempt(name)) {
                let is_listed = listed.match_indices(name).any(|(at, _)| {
                    listed[..at].ends_with([':', '<']) && listed[at + name.len()..].starts_with(['>', '<'])
                });
                assert!(is_listed, "{name} is not in tests/embedding/auto_traits.rs");
            }
        };
        if path.is_dir() {
            each_source(&path, &mut check);
        } else {
            check(&fs::read_to_string(&path).unwrap());
        }
    }
}
