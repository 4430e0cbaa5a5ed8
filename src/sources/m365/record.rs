//! The activity in a record.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::field::Field;
use super::fields::Fields;
use super::objects::objects;
use super::principals::Principals;
use super::{DateOrder, RejectReason, time};
use crate::activity::{Action, Activity, ActivityId, App, AppName};
use crate::json::{DocumentValue, Kind, canonical_value, canonical_with};
use crate::sources::field_names::FieldNames;
use crate::sources::identity::name_form::is_nil;
use crate::sources::identity::name_form::{clean, guid};
use crate::sources::json;
use crate::sources::reject::in_field;

/// The namespace of the ids that are computed from the content of a record (RFC 9562, section 6.5). It must never
/// change, or a record that is delivered again would no longer be a duplicate.
const CONTENT_IDS: Uuid = Uuid::from_u128(0x5b0c_1de2_6a37_4f0e_9c41_d2a7_83f5_e619);

const SUITE: &str = "Microsoft 365";

/// How many times a record may be wrapped in the `AuditData` of another.
const MAX_WRAPPING: usize = 3;

/// Returns the activity in a JSON record. Its details are the text of the record.
pub(super) fn from_json(
    text: &str,
    names: &mut FieldNames,
    order: Option<DateOrder>,
) -> Result<Activity, RejectReason> {
    from_wrapped_json(text, names, order, MAX_WRAPPING)
}

fn from_wrapped_json(
    text: &str,
    names: &mut FieldNames,
    order: Option<DateOrder>,
    wrapping: usize,
) -> Result<Activity, RejectReason> {
    let Some(wrapping) = wrapping.checked_sub(1) else {
        return Err(RejectReason::InvalidField { field: Field::AuditData.name().into(), expected: "a record" });
    };
    if !text.starts_with('{') {
        return Err(RejectReason::NotAnObject);
    }
    let document = json::document(text)?;
    let fields = Fields::of_json(document.root(), names, order);
    let audit_data = fields.value(Field::AuditData);
    match audit_data.map(|inner| (inner, inner.kind(), inner.as_str().map(str::trim))) {
        Some((_, _, Some(inner))) if inner.starts_with('{') => from_wrapped_json(inner, names, order, wrapping),
        Some((inner, Kind::Object, _)) => {
            from_wrapped_json(&canonical_value(inner).unwrap_or_default(), names, order, wrapping)
        }
        _ => from_fields(&fields, names, text),
    }
}

/// Returns the activity with these fields and details.
pub(super) fn from_fields(
    fields: &Fields<'_>,
    names: &mut FieldNames,
    details: &str,
) -> Result<Activity, RejectReason> {
    let occurred_at = occurred_at(fields)?;
    let action = fields.text(Field::Operation)?.ok_or(RejectReason::MissingField {
        field: Field::Operation.name().into(),
        expected: "the name of an operation",
    })?;
    let action = Action::new(action).map_err(in_field(Field::Operation.name()))?;
    let texts = fields.read_texts(names);
    let mut principals = Principals::of(fields, &texts)?;
    let objects = objects(fields, &texts, &mut principals)?;

    let Principals { actor, on_behalf_of, .. } = principals;
    let id = id(fields)?;
    let details = with_id(fields, &id).unwrap_or_else(|| details.to_owned());
    let mut activity = Activity::builder(id, actor, app(fields)?, action, occurred_at);
    for principal in on_behalf_of {
        activity = activity.on_behalf_of(principal);
    }
    for object in objects {
        activity = activity.object(object);
    }
    activity.details(details).build().map_err(RejectReason::TooLarge)
}

fn id(fields: &Fields<'_>) -> Result<ActivityId, RejectReason> {
    match fields.first(fields.schema.id)? {
        // Some services write the nil UUID for no id.
        Some((field, id)) if !is_nil(id) => {
            // GUIDs are equal without regard to case.
            let id = match guid(id).is_some() && id.len() == 36 {
                true => ActivityId::new(id.to_ascii_lowercase()),
                false => ActivityId::new(id),
            };
            id.map_err(in_field(field.name()))
        }
        // The canonical form, so that the id does not depend on the layout of the record.
        _ => {
            let content = canonical_value(fields.record).unwrap_or_default();
            ActivityId::new(Uuid::new_v5(&CONTENT_IDS, content.as_bytes()).to_string()).map_err(in_field("Id"))
        }
    }
}

/// Returns the record with the id in the case of the activity's id, so that the case of an id does not change the
/// details. Returns `None` if they are the same, or if the record has no id.
fn with_id(fields: &Fields<'_>, id: &ActivityId) -> Option<String> {
    let (field, _) = fields.first(fields.schema.id).ok()?.filter(|(_, written)| *written != id.as_str())?;
    let names = fields.record.members().map(|(name, _)| name);
    let alike = names.filter(|name| name.eq_ignore_ascii_case(field.name()));
    canonical_with(fields.record, alike.min_by_key(|name| (*name != field.name(), *name))?, id.as_str())
}

fn occurred_at(fields: &Fields<'_>) -> Result<DateTime<Utc>, RejectReason> {
    const EXPECTED: &str = "a time such as `2026-03-01T09:30:00`, in UTC";
    let default = fields.schema.time.first().copied().unwrap_or(Field::CreationTime).name();
    match fields.first(fields.schema.time)? {
        None => Err(RejectReason::MissingField { field: default.into(), expected: EXPECTED }),
        Some((field, text)) => time::parse(&clean(text), fields.order).map_err(|error| match error {
            time::TimeError::Invalid => RejectReason::InvalidField { field: field.name().into(), expected: EXPECTED },
            time::TimeError::Ambiguous => RejectReason::AmbiguousDate { field: field.name().into(), first: None },
        }),
    }
}

fn app(fields: &Fields<'_>) -> Result<App, RejectReason> {
    let suite = AppName::new(SUITE).map_err(in_field("Workload"))?;
    let workload = fields.lenient_text(fields.schema.app);
    let name = match workload.as_deref() {
        Some(workload) => workload,
        None => fields.value(Field::RecordType).and_then(app_of_record_type).unwrap_or(SUITE),
    };
    Ok(App::new(AppName::new(name).map_err(in_field(fields.schema.app.name()))?).in_suite(suite))
}

/// Returns the workload of a record type (`AuditLogRecordType` in the schema), or `None` if it has several.
fn app_of_record_type(record_type: DocumentValue<'_>) -> Option<&'static str> {
    let number = match record_type.as_str() {
        Some(text) => text.trim().parse().ok(),
        None => record_type.as_u64(),
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
