//! The reader of Microsoft 365 records, rule by rule.
#![cfg(feature = "m365")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "m365/actors.rs"]
mod actors;
#[path = "m365/forms.rs"]
mod forms;
#[path = "m365/hostile.rs"]
mod hostile;
#[path = "m365/records.rs"]
mod records;

use activity_privacy::activity::Activity;
use activity_privacy::sources::Rejected;
use activity_privacy::sources::m365::{Format, Reader};
use serde_json::{Map, Value, json};

const FORMATS: [Format; 5] =
    [Format::JsonLines, Format::JsonArray, Format::JsonDocuments, Format::AuditLogCsv, Format::OfficeActivityCsv];

fn read(input: impl AsRef<[u8]>) -> Vec<Result<Activity, Rejected>> {
    Reader::new(input.as_ref()).collect()
}

fn one(record: &Value) -> Activity {
    let mut items = read(record.to_string());
    assert_eq!(items.len(), 1);
    items.remove(0).unwrap()
}

/// Returns the messages of the rejections, in order.
fn rejections(items: &[Result<Activity, Rejected>]) -> Vec<String> {
    items.iter().filter_map(|item| item.as_ref().err()).map(ToString::to_string).collect()
}

/// Returns the ids of the activities, in order.
fn ids(items: &[Result<Activity, Rejected>]) -> Vec<&str> {
    items.iter().flatten().map(|activity| activity.id().as_str()).collect()
}

/// Returns a valid record with these fields set. A null removes a field.
fn record(fields: Value) -> Value {
    let mut record = json!({
        "CreationTime": "2026-03-01T09:30:00", "Id": "r1", "Operation": "FileAccessed", "RecordType": 6,
        "UserKey": "", "UserType": 0, "Version": 1, "Workload": "SharePoint", "UserId": "adele@contoso.com",
        "ObjectId": "https://contoso.example/plan, final.docx",
    });
    let Value::Object(fields) = fields else { panic!("not an object") };
    let map: &mut Map<String, Value> = record.as_object_mut().unwrap();
    for (name, value) in fields {
        if value.is_null() {
            map.remove(&name)
        } else {
            map.insert(name, value)
        };
    }
    record
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Returns a record of a format for each id.
fn document(format: Format, ids: &[String]) -> Vec<String> {
    let json = |id: &String| record(json!({ "Id": id })).to_string();
    match format {
        Format::JsonLines | Format::JsonArray | Format::JsonDocuments => ids.iter().map(json).collect(),
        Format::AuditLogCsv => {
            ids.iter().map(|id| format!("{id},2026-03-01,{},adele@contoso.com", quoted(&json(id)))).collect()
        }
        Format::OfficeActivityCsv => ids
            .iter()
            .map(|id| {
                format!("2026-03-01T09:30:00Z,{id},\"Set, twice\",adele@contoso.com,\"[\n {{\"\"Name\"\": 1}}\n]\"")
            })
            .collect(),
    }
}

/// Joins the records to a document of the format.
fn joined(format: Format, records: &[String]) -> String {
    let rows = records.join("\n");
    match format {
        Format::JsonLines | Format::JsonDocuments => rows,
        Format::JsonArray => format!("[{}]", records.join(",\n")),
        Format::AuditLogCsv => format!("RecordId,CreationDate,AuditData,UserId\n{rows}\n"),
        Format::OfficeActivityCsv => format!("TimeGenerated,OfficeId,Operation,UserId,Parameters\n{rows}\n"),
    }
}
