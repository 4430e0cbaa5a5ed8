//! Reports of a service on the actions of a person: alerts, matches of a rule, detections.

use super::field_texts::{IdKind, visit_texts};
use super::fields::Fields;
use crate::activity::{Activity, Actor, ActorKind};
use crate::sources::identity::Identities;
use crate::sources::identity::addresses::onedrive_owners;
use crate::sources::identity::name_form::is_nil;

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
pub(super) fn is_about_person(fields: &Fields, actor: &Actor) -> bool {
    let is_report_by = |field: &str| {
        let text = fields.value(field).and_then(|value| value.as_str()).unwrap_or_default();
        let text = text.get(..256).unwrap_or(text).to_ascii_lowercase();
        REPORT_PARTS.iter().any(|part| text.contains(part))
    };
    let number = fields.value("RecordType").and_then(|kind| match kind {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        kind => kind.as_u64(),
    });
    let is_report = is_report_by("Operation")
        || is_report_by("RecordType")
        || number.is_some_and(|number| REPORT_TYPES.contains(&number));
    is_report || (actor.kind() == ActorKind::Application && has_user_session(fields))
}

/// Returns whether an application acted in the session of a user.
fn has_user_session(fields: &Fields) -> bool {
    let mut found = false;
    visit_texts(&fields.map, &mut |text| {
        let is_session = text.outermost() == "appaccesscontext" && text.innermost() == "aadsessionid";
        found |= is_session && !text.text.trim().is_empty() && !is_nil(text.text.trim());
    });
    found
}

/// Returns every principal that a report names in any field. Adds an unknown principal if there is none, or if there
/// are more than an activity can contain.
pub(super) fn principals(fields: &Fields) -> Vec<Actor> {
    let (mut people, mut others) = (Identities::of_many(), Identities::of_many());
    let is_complete = visit_texts(&fields.map, &mut |text| {
        people.add_embedded_addresses(text.text);
        match text.id_kind() {
            IdKind::Person => people.add_identities_in(text.text),
            IdKind::Thing => {}
            // The field does not show whether an id is that of a person.
            IdKind::Unknown => others.add_identities_in(text.text),
        }
        if text.is_account() {
            people.add_account(text.text);
        }
        for owner in onedrive_owners(text.text) {
            others.add_embedded_addresses(&owner);
        }
    });
    let names_a_person = people.have_address_or_id();
    // A technical id that the directory does not resolve is an unknown principal, whatever names are beside it.
    let technical = people.split_off_technical();
    people.extend(others);
    let principal = |part: Identities| match names_a_person {
        true => part.into_user().unwrap_or_else(Actor::unknown),
        false => part.into_actor(Actor::unknown()),
    };
    let mut principals: Vec<Actor> = people.into_parts().map(principal).collect();
    principals.extend(technical.into_iter().filter_map(Identities::into_user));
    // If identities were left out, the others are already more principals than an activity can contain.
    if principals.is_empty() || principals.len() > Activity::MAX_ON_BEHALF_OF || !is_complete {
        principals.truncate(Activity::MAX_ON_BEHALF_OF - 1);
        principals.push(Actor::unknown());
    }
    principals
}
