//! Records in which a service writes down what somebody did: alerts, matches of a rule, detections.

use super::fields::Fields;
use super::identity::Identities;
use super::scan::drive_owners;
use super::walk::{Subject, walk};
use crate::activity::{Activity, Actor, ActorKind};

/// Parts of operations and record types by which a service reports on somebody.
const REPORTS: [&str; 25] = [
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

/// Record types that are reports, where they are given by number: `AuditLogRecordType` in the schema, from
/// `ComplianceDLPSharePoint` to the alerts of Defender and the actions of Cloud App Security.
const REPORT_TYPES: [u64; 26] =
    [11, 13, 28, 33, 34, 40, 41, 43, 47, 51, 58, 62, 63, 64, 65, 68, 71, 75, 78, 82, 85, 88, 91, 98, 99, 107];

/// Whether the activity of a service is a report on what a person did: a report by its kind, or what an application did in
/// the session of a user whom the record does not name.
pub(super) fn is_about_somebody(fields: &Fields, actor: &Actor) -> bool {
    let says = |field: &str| {
        let text = fields.value(field).and_then(|value| value.as_str()).unwrap_or_default();
        let text = text.get(..256).unwrap_or(text).to_ascii_lowercase();
        REPORTS.iter().any(|part| text.contains(part))
    };
    let number = fields.value("RecordType").and_then(|kind| match kind {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        kind => kind.as_u64(),
    });
    let is_report =
        says("Operation") || says("RecordType") || number.is_some_and(|number| REPORT_TYPES.contains(&number));
    is_report || (actor.kind() == ActorKind::Application && has_user_session(fields))
}

/// Whether an application acted in the session of a user.
fn has_user_session(fields: &Fields) -> bool {
    let mut found = false;
    walk(&fields.map, &mut |text| {
        let is_session = text.outermost() == "appaccesscontext" && text.innermost() == "aadsessionid";
        found |= is_session && !text.text.trim().is_empty() && !super::fields::is_nil(text.text.trim());
    });
    found
}

/// Everybody whom a report names, in whatever field. Where it names nobody, or more than can be kept, it is about somebody
/// who is not known.
pub(super) fn subjects(fields: &Fields) -> Vec<Actor> {
    let (mut people, mut others) = (Identities::of_many(), Identities::of_many());
    let is_whole = walk(&fields.map, &mut |text| {
        people.add_addresses_in(text.text);
        match text.subject() {
            Subject::Person => people.add_all_within(text.text),
            Subject::Thing => {}
            // Whether an id is a person's is not said here.
            Subject::Unsaid => others.add_all_within(text.text),
        }
        if text.is_account() {
            people.add_account(text.text);
        }
        for owner in drive_owners(text.text) {
            others.add_addresses_in(&owner);
        }
    });
    let names_a_person = people.have_address_or_id();
    // An id that leads to nobody leaves open whom it means, whoever stands beside it.
    let technical = people.split_off_technical();
    people.extend(others);
    let principal = |part: Identities| match names_a_person {
        true => part.into_user().unwrap_or_else(Actor::unknown),
        false => part.into_actor(Actor::unknown()),
    };
    let mut subjects: Vec<Actor> = people.into_parts().map(principal).collect();
    subjects.extend(technical.into_iter().filter_map(Identities::into_user));
    // Where identities are left out, those that are kept are already more principals than an activity may have.
    if subjects.is_empty() || subjects.len() > Activity::MAX_ON_BEHALF_OF || !is_whole {
        subjects.truncate(Activity::MAX_ON_BEHALF_OF - 1);
        subjects.push(Actor::unknown());
    }
    subjects
}
