//! Records in which a service writes down what somebody did: alerts, matches of a rule, detections.

use super::fields::Fields;
use super::identity::Identities;
use super::walk::{Subject, walk};
use crate::activity::Activity;
use crate::actor::{Actor, ActorKind};

/// Parts of operations and record types by which a service reports on somebody.
const REPORTS: [&str; 21] = [
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
];

/// Record types that are reports, where they are given by number: `AuditLogRecordType` in the schema, from
/// `ComplianceDLPSharePoint` to `MipAutoLabelExchangeItem` and the alerts of Defender.
const REPORT_TYPES: [u64; 22] =
    [11, 13, 28, 33, 34, 40, 41, 43, 47, 51, 58, 62, 63, 64, 65, 68, 71, 75, 78, 82, 91, 107];

/// Whether the activity of somebody who is no person is a report on a person's: a report by its kind, or what an
/// application did with the token of a user whom the record does not name.
pub(super) fn is_about_somebody(fields: &Fields, actor: &Actor) -> bool {
    let says = |field: &str| {
        let text = fields.value(field).and_then(|value| value.as_str()).unwrap_or_default().to_ascii_lowercase();
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
    let session = fields.value("AppAccessContext").and_then(|context| context.get("AADSessionId"));
    session.and_then(|session| session.as_str()).is_some_and(|session| {
        let session = session.trim();
        !session.is_empty() && !super::fields::is_nil(session)
    })
}

/// Everybody whom a report names, in whatever field. Where it names nobody, it is about somebody who is not known.
pub(super) fn subjects(fields: &Fields) -> Vec<Actor> {
    let (mut people, mut others) = (Identities::of_many(), Identities::of_many());
    walk(&fields.map, &mut |path, text| match Subject::of(path) {
        Subject::Person => people.add_all_within(text, true),
        Subject::Thing => {}
        // Whether an id is a person's is not said here; an address is.
        Subject::Unsaid => {
            people.add_all_within(text, false);
            others.add_all_within(text, true);
        }
    });
    let names_a_person = people.name_a_person();
    people.extend(others);
    let principal = |part: Identities| match names_a_person {
        true => part.into_user().unwrap_or_else(Actor::unknown),
        false => part.into_actor(Actor::unknown()),
    };
    let mut subjects: Vec<Actor> = people.into_parts().map(principal).collect();
    if subjects.is_empty() || subjects.len() > Activity::MAX_ON_BEHALF_OF {
        // Whoever is left out is somebody all the same.
        subjects.truncate(Activity::MAX_ON_BEHALF_OF - 1);
        subjects.push(Actor::unknown());
    }
    subjects
}
