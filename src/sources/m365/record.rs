//! The activity in a record.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::fields::Fields;
use super::objects::objects;
use super::principals::Principals;
use super::{DateOrder, RejectReason, time};
use crate::activity::{Action, Activity, ActivityId, App, AppName};
use crate::json::{Document, canonical, canonical_value, canonical_with};
use crate::sources::identity::name_form::is_nil;
use crate::sources::identity::name_form::{clean, guid};
use crate::sources::reject::in_field;
use crate::sources::{MAX_RECORD_VALUES, json};

/// The namespace of the ids that are computed from the content of a record (RFC 9562, section 6.5). It must never
/// change, or a record that is delivered again would no longer be a duplicate.
const CONTENT_IDS: Uuid = Uuid::from_u128(0x5b0c_1de2_6a37_4f0e_9c41_d2a7_83f5_e619);

const SUITE: &str = "Microsoft 365";

/// How many times a record may be wrapped in the `AuditData` of another.
const MAX_WRAPPING: usize = 3;

/// Returns the activity in a JSON record. Its details are the text of the record.
pub(super) fn from_json(text: &str, order: Option<DateOrder>) -> Result<Activity, RejectReason> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_WRAPPING {
        if !text.starts_with('{') {
            return Err(RejectReason::NotAnObject);
        }
        let Value::Object(map) = json::parse(&text)? else { return Err(RejectReason::NotAnObject) };
        let fields = Fields::of_json(map, order);
        match fields.value("AuditData") {
            Some(Value::String(inner)) if inner.trim_start().starts_with('{') => {
                let inner = inner.trim().to_owned();
                text = inner.into();
            }
            Some(Value::Object(_)) => text = inner_record(&text).unwrap_or_default().into(),
            _ => return from_fields(&fields, text.into_owned()),
        }
    }
    Err(RejectReason::InvalidField { field: "AuditData".into(), expected: "a record" })
}

/// Returns the record in the field `AuditData`.
fn inner_record(text: &str) -> Option<String> {
    let document = Document::parse(text, MAX_RECORD_VALUES).ok()?;
    let alike = document.root().members().filter(|(name, _)| name.eq_ignore_ascii_case("AuditData"));
    let (_, record) = alike.min_by_key(|(name, _)| (*name != "AuditData", *name))?;
    canonical_value(record)
}

/// Returns the activity with these fields and details.
pub(super) fn from_fields(fields: &Fields, details: String) -> Result<Activity, RejectReason> {
    let occurred_at = occurred_at(fields)?;
    let action = fields
        .text("Operation")?
        .ok_or(RejectReason::MissingField { field: "Operation".into(), expected: "the name of an operation" })?;
    let action = Action::new(action).map_err(in_field("Operation"))?;
    let mut principals = Principals::of(fields)?;
    let objects = objects(fields, &mut principals)?;

    let Principals { actor, on_behalf_of } = principals;
    let id = id(fields, &details)?;
    let details = with_id(details, fields, &id);
    let mut activity = Activity::builder(id, actor, app(fields)?, action, occurred_at);
    for principal in on_behalf_of {
        activity = activity.on_behalf_of(principal);
    }
    for object in objects {
        activity = activity.object(object);
    }
    activity.details(details).build().map_err(RejectReason::TooLarge)
}

fn id(fields: &Fields, details: &str) -> Result<ActivityId, RejectReason> {
    match fields.first(fields.schema.id)? {
        // Some services write the nil UUID for no id.
        Some((field, id)) if !is_nil(id) => {
            // GUIDs are equal without regard to case.
            let id = if guid(id).is_some() && id.len() == 36 { id.to_ascii_lowercase() } else { id.to_owned() };
            ActivityId::new(id).map_err(in_field(field))
        }
        // The canonical form, so that the id does not depend on the layout of the record.
        _ => {
            let content = canonical(details, MAX_RECORD_VALUES).unwrap_or_default();
            ActivityId::new(Uuid::new_v5(&CONTENT_IDS, content.as_bytes()).to_string()).map_err(in_field("Id"))
        }
    }
}

/// Returns the details with the id in the case of the activity's id, so that the case of an id does not change them.
fn with_id(details: String, fields: &Fields, id: &ActivityId) -> String {
    let Ok(Some((field, written))) = fields.first(fields.schema.id) else { return details };
    if written == id.as_str() {
        return details;
    }
    let with_id = |document: Document<'_>| {
        let alike = document.root().members().map(|(name, _)| name).filter(|name| name.eq_ignore_ascii_case(field));
        canonical_with(document.root(), alike.min_by_key(|name| (*name != field, *name))?, id.as_str())
    };
    Document::parse(&details, MAX_RECORD_VALUES).ok().and_then(with_id).unwrap_or(details)
}

fn occurred_at(fields: &Fields) -> Result<DateTime<Utc>, RejectReason> {
    const EXPECTED: &str = "a time such as `2026-03-01T09:30:00`, in UTC";
    let default = fields.schema.time.first().copied().unwrap_or("CreationTime");
    match fields.first(fields.schema.time)? {
        None => Err(RejectReason::MissingField { field: default.into(), expected: EXPECTED }),
        Some((field, text)) => time::parse(&clean(text), fields.order).map_err(|error| match error {
            time::TimeError::Invalid => RejectReason::InvalidField { field: field.into(), expected: EXPECTED },
            time::TimeError::Ambiguous => RejectReason::AmbiguousDate { field: field.into(), first: None },
        }),
    }
}

fn app(fields: &Fields) -> Result<App, RejectReason> {
    let suite = AppName::new(SUITE).map_err(in_field("Workload"))?;
    let workload = fields.lenient_text(fields.schema.app);
    let name = match workload.as_deref() {
        Some(workload) => workload,
        None => fields.value("RecordType").and_then(app_of_record_type).unwrap_or(SUITE),
    };
    Ok(App::new(AppName::new(name).map_err(in_field(fields.schema.app))?).in_suite(suite))
}

/// Returns the workload of a record type (`AuditLogRecordType` in the schema), or `None` if it has several.
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
