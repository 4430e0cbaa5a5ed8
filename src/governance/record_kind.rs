//! The kinds of governance records.

use crate::text::words;
use serde::Serialize;

/// The kind of a record, as a search criterion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A change of the policy, its initialization included.
    PolicyChange,
    /// A dry run of a change of the policy.
    DryRun,
    /// A grant of the permission to view private activities.
    Grant,
    /// A revocation of that permission.
    Revocation,
    /// A reveal.
    Reveal,
    /// A page within a reveal.
    Page,
    /// An export of activities under a reveal.
    Export,
    /// A request for approvals of a reveal.
    RevealRequest,
    /// An approval or denial of such a request, or its withdrawal.
    Approval,
    /// The erasure of a person's activities.
    Erasure,
    /// The removal of the personal data in a record.
    Redaction,
    /// The removal of activities and records that are older than the policy allows.
    Retention,
    /// A change of the sinks, or the probe of a new one.
    SinkChange,
    /// A rejected attempt to read governance records.
    GovernanceRead,
    /// A group of the policy that was removed from the directory or restored in it.
    Directory,
}

words!(RecordKind, "record kind": PolicyChange = "policy_change", DryRun = "dry_run", Grant = "grant", Revocation = "revocation", Reveal = "reveal", Page = "page", Export = "export", RevealRequest = "reveal_request", Approval = "approval", Erasure = "erasure", Redaction = "redaction", Retention = "retention", SinkChange = "sink_change", GovernanceRead = "governance_read", Directory = "directory");
