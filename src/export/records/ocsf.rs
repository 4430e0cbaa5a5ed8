//! Governance records as events of the [Open Cybersecurity Schema Framework](https://schema.ocsf.io/1.8.0/), 1.8.0.

use std::borrow::Cow;

use serde::Serialize;

use crate::export::product::{PRODUCT, Product};
use crate::governance::{
    ChangeSummary, Commitment, Event, FailureReason, Initiator, Justification, Outcome, OutcomeKind, Record,
    RecordEntry, RemovalSummary,
};
use crate::identity::UserId;
use crate::policy::{Denial, Revision, Role};

/// One event. It contains only values of the record and terms of the schema or of this crate.
#[derive(Serialize)]
pub(super) struct OcsfEvent<'a> {
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    activity_id: u32,
    activity_name: &'static str,
    type_uid: u32,
    /// In milliseconds.
    time: i64,
    severity_id: u32,
    severity: &'static str,
    status_id: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    message: String,
    metadata: Metadata,
    actor: OcsfActor<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    #[serde(flatten)]
    fields: ClassFields<'a>,
    unmapped: Unmapped,
}

#[derive(Serialize)]
struct Metadata {
    version: &'static str,
    product: Product,
    uid: String,
    sequence: u64,
    /// The id of the intent record that an outcome refers to, or of the record itself.
    correlation_uid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum OcsfActor<'a> {
    User(OcsfUser<'a>),
    AppName(&'static str),
}

#[derive(Serialize)]
struct OcsfUser<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
}

/// The fields of the class, in addition to the common ones.
#[derive(Serialize)]
#[serde(untagged)]
enum ClassFields<'a> {
    Entity { entity: Entity<'a> },
    Access { user: OcsfUser<'a>, privileges: Vec<&'static str> },
}

#[derive(Serialize)]
struct Entity<'a> {
    name: Cow<'a, str>,
    #[serde(rename = "type")]
    entity_type: &'static str,
    type_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<Cow<'a, str>>,
}

/// The rest of the record, without values that can be redacted. The schema has no fields for it.
#[derive(Serialize)]
struct Unmapped {
    policy: Option<Revision>,
    event: Event,
    outcome: Outcome,
}

/// An activity of a class, with the fields of the class.
struct ClassActivity<'a> {
    activity: (u32, &'static str),
    fields: ClassFields<'a>,
}

const CREATE: (u32, &str) = (1, "Create");
const READ: (u32, &str) = (2, "Read");
const UPDATE: (u32, &str) = (3, "Update");
const DELETE: (u32, &str) = (4, "Delete");
const ASSIGN: (u32, &str) = (1, "Assign Privileges");
const REVOKE: (u32, &str) = (2, "Revoke Privileges");

/// The type ids of entities in the schema.
const GROUP: u32 = 3;
const POLICY: u32 = 5;
const OTHER: u32 = 99;

impl<'a> OcsfEvent<'a> {
    pub(super) fn of(entry: &'a RecordEntry) -> Self {
        let RecordEntry { sequence, record } = entry;
        let ClassActivity { activity: (activity_id, activity_name), fields } = class_activity(&record.event);
        let (class_uid, class_name) = match fields {
            ClassFields::Entity { .. } => (3004, "Entity Management"),
            ClassFields::Access { .. } => (3005, "User Access Management"),
        };
        let refused = record.outcome.kind() == OutcomeKind::Refused;
        let (severity_id, severity) = if refused { (2, "Low") } else { (1, "Informational") };
        let (status_id, status) = match record.outcome.kind() {
            OutcomeKind::Done | OutcomeKind::Observed => (1, "Success"),
            OutcomeKind::Failed | OutcomeKind::Refused => (2, "Failure"),
            OutcomeKind::Intended => (99, "Intended"),
        };
        let reason = reason(&record.outcome);
        let redacted = record.without_openings();
        Self {
            category_uid: 3,
            category_name: "Identity & Access Management",
            class_uid,
            class_name,
            activity_id,
            activity_name,
            type_uid: class_uid * 100 + activity_id,
            time: record.at.timestamp_millis(),
            severity_id,
            severity,
            status_id,
            status,
            status_code: reason.as_ref().map(|(code, _)| code.clone()),
            status_detail: reason.map(|(_, detail)| detail),
            message: format!("{}: {}", kinds(record), record.outcome.kind()),
            metadata: Metadata {
                version: "1.8.0",
                product: Product::THIS_CRATE,
                uid: record.id.to_string(),
                sequence: *sequence,
                correlation_uid: record.outcome.intent().unwrap_or(record.id).to_string(),
            },
            actor: match &record.initiator {
                Initiator::User(user) => OcsfActor::User(OcsfUser { uid: Some(user.as_str()), name: None }),
                Initiator::System => OcsfActor::AppName(PRODUCT),
            },
            // Entity Management has a comment. No record of the other class has a justification.
            comment: justification(&record.event),
            fields,
            unmapped: Unmapped { policy: redacted.policy, event: redacted.event, outcome: redacted.outcome },
        }
    }
}

/// Returns all kinds of changes in a record, so that a search finds a grant among other changes.
fn kinds(record: &Record) -> String {
    record.kinds().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn class_activity(event: &Event) -> ClassActivity<'_> {
    let entity = |activity, entity_type, type_id, name: Cow<'static, str>, uid| ClassActivity {
        activity,
        fields: ClassFields::Entity { entity: Entity { name, entity_type, type_id, uid } },
    };
    let id = |id: String| Some(Cow::Owned(id));
    let policy = |activity| entity(activity, "Policy", POLICY, "privacy policy".into(), None);
    match event {
        Event::InitializePolicy { .. } => policy(CREATE),
        Event::ChangePolicy(changes) => access(changes).unwrap_or_else(|| policy(UPDATE)),
        Event::DryRun { .. } => policy((OTHER, "Try out")),
        Event::AcceptDifference { .. } => policy((OTHER, "Accept a difference")),
        Event::Reveal(reveal) => {
            entity(READ, "Reveal", OTHER, "private activities".into(), id(reveal.reveal.to_string()))
        }
        Event::Page { reveal, .. } => {
            entity(READ, "Page of a reveal", OTHER, "private activities".into(), id(reveal.to_string()))
        }
        Event::Export(export) => entity(
            (OTHER, "Export"),
            "Export under a reveal",
            OTHER,
            "activities".into(),
            id(export.reveal.to_string()),
        ),
        Event::RequestReveal(request) => {
            entity(CREATE, "Request for a reveal", OTHER, "approvals".into(), id(request.request.to_string()))
        }
        Event::DecideRequest { request, .. } => {
            entity(UPDATE, "Request for a reveal", OTHER, "approvals".into(), id(request.to_string()))
        }
        Event::Remove(removal) => {
            let (entity_type, name, uid) = match removal {
                RemovalSummary::Subject { subject, .. } => {
                    ("Activities", "activities of a user", Some(Cow::Borrowed(subject.as_str())))
                }
                RemovalSummary::Aged { .. } => ("Activities", "activities and governance records", None),
                RemovalSummary::Commitment { record } => {
                    ("Governance record", "committed values", id(record.to_string()))
                }
            };
            entity(DELETE, entity_type, OTHER, name.into(), uid)
        }
        Event::ChangeSinks { sinks, .. } => {
            let names: Vec<&str> = sinks.iter().map(|sink| sink.as_str()).collect();
            entity(UPDATE, "Governance sinks", OTHER, names.join(", ").into(), None)
        }
        Event::ProbeSink { sink } => {
            entity((OTHER, "Try out"), "Governance sink", OTHER, sink.as_str().to_owned().into(), None)
        }
        Event::ReadGovernance => entity(READ, "Governance log", OTHER, "governance records".into(), None),
        Event::GroupRemoved { group, .. } => entity(
            (OTHER, "Remove from directory"),
            "Group",
            GROUP,
            "group of the policy".into(),
            Some(group.as_str().into()),
        ),
        Event::GroupRestored { group } => {
            entity((OTHER, "Restore"), "Group", GROUP, "group of the policy".into(), Some(group.as_str().into()))
        }
    }
}

/// Returns the activity of changes that all assign privileges to one user, or all revoke them. The class does not allow
/// other combinations.
fn access(changes: &[ChangeSummary]) -> Option<ClassActivity<'_>> {
    let mut all = changes.iter().map(privilege);
    let (activity, user, first) = all.next()??;
    let mut privileges = vec![first];
    for other in all {
        let (also, of, privilege) = other?;
        if (also, of) != (activity, user) {
            return None;
        }
        privileges.push(privilege);
    }
    let user = match user {
        Some(user) => OcsfUser { uid: Some(user.as_str()), name: None },
        // The granted name did not resolve to a user, and the record does not contain it.
        None => OcsfUser { uid: None, name: Some("unknown") },
    };
    Some(ClassActivity { activity, fields: ClassFields::Access { user, privileges } })
}

/// Returns the effect of a change on a user's privileges, or `None` if it has none. The user is `None` if the name did
/// not resolve.
fn privilege(change: &ChangeSummary) -> Option<((u32, &'static str), Option<&UserId>, &'static str)> {
    const VIEW: &str = "view_private_activities";
    Some(match change {
        ChangeSummary::SetAdmin(user, Role::PrivacyAdministrator) => (ASSIGN, Some(user), "privacy_administrator"),
        ChangeSummary::SetAdmin(user, Role::Analyst) => (ASSIGN, Some(user), "analyst"),
        ChangeSummary::RemoveAdmin(user) => (REVOKE, Some(user), "admin"),
        ChangeSummary::Grant(user) => (ASSIGN, user.as_ref(), VIEW),
        ChangeSummary::Revoke(user) => (REVOKE, user.as_ref(), VIEW),
        ChangeSummary::MakePrivate(_)
        | ChangeSummary::MakePublic(_)
        | ChangeSummary::AddScopeRule(_)
        | ChangeSummary::RemoveScopeRule(_)
        | ChangeSummary::ManageDomain { .. }
        | ChangeSummary::UnmanageDomain(_)
        | ChangeSummary::AddFollower(..)
        | ChangeSummary::RemoveFollower(_)
        | ChangeSummary::DiscloseToFollower(_)
        | ChangeSummary::WithholdFromFollower(_)
        | ChangeSummary::SetOptions(_) => return None,
    })
}

fn justification(event: &Event) -> Option<&str> {
    let justification = match event {
        Event::Reveal(reveal) => &reveal.terms.justification,
        Event::RequestReveal(request) => &request.terms.justification,
        _ => return None,
    };
    justification.as_ref().and_then(Commitment::value).map(Justification::as_str)
}

/// Returns the reason why an event was not done: a code and a description.
fn reason(outcome: &Outcome) -> Option<(Cow<'static, str>, String)> {
    let denied = |denial: &Denial| (denial_code(denial), denial.to_string());
    let failed = |cause: &FailureReason| match cause {
        FailureReason::Denied(denial) => denied(denial),
        FailureReason::Superseded => ("superseded".into(), "another change was recorded first".to_owned()),
        FailureReason::Store => ("store".into(), "the store failed".to_owned()),
        FailureReason::Sink => ("sink".into(), "a sink failed".to_owned()),
        FailureReason::Output => ("output".into(), "the output of the export could not be written".to_owned()),
        FailureReason::Interrupted => {
            ("interrupted".into(), "the process ended before the event was completed".to_owned())
        }
    };
    Some(match outcome {
        Outcome::Denied(denial) => denied(denial),
        Outcome::Invalid(error) => ("invalid".into(), error.to_string()),
        Outcome::InvalidSinks(error) => ("invalid_sinks".into(), error.to_string()),
        Outcome::Failed { reason, .. } | Outcome::RemovedInPart { reason, .. } => failed(reason),
        Outcome::Intended
        | Outcome::Observed
        | Outcome::Recorded
        | Outcome::Done { .. }
        | Outcome::Closed { .. }
        | Outcome::Removed { .. } => return None,
    })
}

/// Returns the serialised name of a denial.
fn denial_code(denial: &Denial) -> Cow<'static, str> {
    match serde_json::to_value(denial) {
        Ok(serde_json::Value::String(word)) => word.into(),
        _ => "denied".into(),
    }
}
