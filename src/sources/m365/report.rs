//! Which activities of a service are reports on a person.

use super::field::Field;
use super::fields::Fields;
use super::names::{SESSION, TOKEN};
use crate::activity::{Actor, ActorKind};
use crate::json::DocumentValue;
use crate::sources::identity::name_form::is_nil;
use crate::sources::texts::Texts;

/// Parts of the operations and record types of reports.
const REPORT_PARTS: [&str; 25] = [
    "alert",
    "dlp",
    "risk",
    "threat",
    "incident",
    "detect",
    "suspicious",
    "anomal",
    "investigat",
    "hygiene",
    "supervis",
    "quarantine",
    "malware",
    "phish",
    "leak",
    "violation",
    "insider",
    "policymatch",
    "rulematch",
    "miplabel",
    "mipautolabel",
    "training",
    "simulation",
    "governanceaction",
    "communicationcompliance",
];

/// The record types of reports by number: `AuditLogRecordType` in the schema, from `ComplianceDLPSharePoint` to the
/// alerts of Defender and the actions of Cloud App Security.
const REPORT_TYPES: [u64; 26] =
    [11, 13, 28, 33, 34, 40, 41, 43, 47, 51, 58, 62, 63, 64, 65, 68, 71, 75, 78, 82, 85, 88, 91, 98, 99, 107];

/// Returns whether the activity of a service is a report on a person: a report by its operation or type, or the action
/// of an application in the session of a user.
pub(super) fn is_about_person(fields: &Fields<'_>, texts: &Texts<'_>, actor: &Actor) -> bool {
    let is_report_by = |field: Field| {
        let text = fields.value(field).and_then(DocumentValue::as_str).unwrap_or_default();
        let text = text.get(..256).unwrap_or(text).to_ascii_lowercase();
        REPORT_PARTS.iter().any(|part| text.contains(part))
    };
    let number = fields.value(Field::RecordType).and_then(|kind| match kind.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => kind.as_u64(),
    });
    let is_report = is_report_by(Field::Operation)
        || is_report_by(Field::RecordType)
        || number.is_some_and(|number| REPORT_TYPES.contains(&number));
    is_report || (actor.kind() == ActorKind::Application && has_user_session(texts))
}

/// Returns whether an application acted in the session of a user.
fn has_user_session(texts: &Texts<'_>) -> bool {
    texts.iter().any(|text| {
        let id = text.text().trim();
        let path = text.path();
        path.outermost().is(TOKEN) && path.innermost().is(SESSION) && !text.is_name() && !id.is_empty() && !is_nil(id)
    })
}
