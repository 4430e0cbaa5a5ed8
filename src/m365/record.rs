//! One record of the Common schema into an activity.

use chrono::{DateTime, Datelike, NaiveDateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::actor::Performers;
use super::fields::{Fields, in_field, is_nil};
use super::identity::guid;
use super::json;
use super::objects::objects;
use super::reject::RejectReason;
use crate::activity::{Action, Activity, ActivityError, ActivityId, App, AppName};
use crate::json::canonical;

/// The namespace of the ids that are made from the content of a record (RFC 9562, section 6.5). Never to change: the
/// same record would no longer be known for a duplicate.
const CONTENT_IDS: Uuid = Uuid::from_u128(0x5b0c_1de2_6a37_4f0e_9c41_d2a7_83f5_e619);

const SUITE: &str = "Microsoft 365";

/// The activity that a JSON record tells of. The text becomes its details, without the white space between its parts:
/// the same record is the same however it was laid out.
pub(super) fn from_json(text: &str) -> Result<Activity, RejectReason> {
    if !text.starts_with('{') {
        return Err(RejectReason::NotAnObject);
    }
    let Value::Object(map) = json::parse(text)? else { return Err(RejectReason::NotAnObject) };
    from_fields(&Fields::common(map), canonical(text)?)
}

/// The activity that the fields tell of.
pub(super) fn from_fields(fields: &Fields, details: String) -> Result<Activity, RejectReason> {
    let occurred_at = occurred_at(fields)?;
    let action = fields
        .text("Operation")?
        .ok_or(RejectReason::MissingField { field: "Operation", expected: "the name of what was done" })?;
    let action = Action::new(action).map_err(in_field("Operation"))?;
    let performers = Performers::of(fields)?;
    let objects = objects(fields, &performers)?;

    let Performers { actor, on_behalf_of } = performers;
    let mut activity = Activity::builder(id(fields, &details)?, actor, app(fields)?, action, occurred_at);
    for principal in on_behalf_of {
        activity = activity.on_behalf_of(principal);
    }
    for object in objects {
        activity = activity.object(object);
    }
    activity.details(details).build().map_err(|error| match error {
        ActivityError::Text(error) => RejectReason::Text { field: "Id", error },
        error @ ActivityError::TooMany { .. } => RejectReason::TooLarge(error),
    })
}

fn id(fields: &Fields, canonical: &str) -> Result<ActivityId, RejectReason> {
    match fields.first(fields.shape.id)? {
        // The nil UUID is how some say "none".
        Some((field, id)) if !is_nil(id) => {
            // A GUID is the same in capitals.
            let id = if guid(id).is_some() && id.len() == 36 { id.to_ascii_lowercase() } else { id.to_owned() };
            ActivityId::new(id).map_err(in_field(field))
        }
        _ => ActivityId::new(Uuid::new_v5(&CONTENT_IDS, canonical.as_bytes()).to_string()).map_err(in_field("Id")),
    }
}

fn occurred_at(fields: &Fields) -> Result<DateTime<Utc>, RejectReason> {
    const EXPECTED: &str = "a time such as `2026-03-01T09:30:00`, in UTC";
    let default = fields.shape.time.first().copied().unwrap_or("CreationTime");
    match fields.first(fields.shape.time)? {
        None => Err(RejectReason::MissingField { field: default, expected: EXPECTED }),
        Some((field, text)) => time(text).ok_or(RejectReason::InvalidField { field, expected: EXPECTED }),
    }
}

/// RFC 3339; without a zone it is UTC; and what the portal writes into a table.
fn time(text: &str) -> Option<DateTime<Utc>> {
    const ZONELESS: [&str; 4] =
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%m/%d/%Y, %I:%M:%S%.f %p", "%m/%d/%Y %I:%M:%S%.f %p"];
    let time = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc(),
        Err(_) => ZONELESS.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?.and_utc(),
    };
    (0..=9999).contains(&time.year()).then_some(time)
}

fn app(fields: &Fields) -> Result<App, RejectReason> {
    let suite = AppName::new(SUITE).map_err(in_field("Workload"))?;
    let name = match fields.text(fields.shape.app)? {
        Some(workload) => workload,
        None => fields.value("RecordType").and_then(app_of_record_type).unwrap_or(SUITE),
    };
    Ok(App::new(AppName::new(name).map_err(in_field(fields.shape.app))?).in_suite(suite))
}

/// The workload that a record type belongs to, where that is beyond doubt: `AuditLogRecordType` in the schema.
fn app_of_record_type(record_type: &Value) -> Option<&'static str> {
    let number = match record_type {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_u64(),
    };
    match number {
        Some(1..=3 | 50) => return Some("Exchange"),
        Some(4 | 6 | 14 | 36) => return Some("SharePoint"),
        Some(7) => return Some("OneDrive"),
        Some(8 | 9 | 15) => return Some("AzureActiveDirectory"),
        Some(20) => return Some("PowerBI"),
        Some(22) => return Some("Yammer"),
        Some(25) => return Some("MicrosoftTeams"),
        Some(_) => return None,
        None => {}
    }
    let word = record_type.as_str()?.trim();
    ["Exchange", "SharePoint", "OneDrive", "AzureActiveDirectory", "PowerBI", "Yammer", "MicrosoftTeams"]
        .into_iter()
        .find(|app| word.starts_with(app))
}
