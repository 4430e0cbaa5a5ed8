//! Zoom: operation logs, sign-ins, webhooks, and the reports of the Microsoft Sentinel connector.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const OPERATIONS: &str = "zoom_operation_logs";
const ACTIVITIES: &str = "zoom_activities";
const MEETINGS: &str = "zoom_meeting_activities";
const WEBHOOKS: &str = "zoom_webhooks";
const REPORTS: &str = "zoom_reports";
const TABLE: &str = "zoom_reports_sentinel";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![
        (OPERATIONS, operation()),
        (ACTIVITIES, sign_in()),
        (MEETINGS, meeting()),
        (WEBHOOKS, webhook()),
        (REPORTS, host()),
        (TABLE, row()),
    ]
}

fn operation() -> Value {
    json!({
        "time": "2026-03-02T08:15:30Z", "operator": "adele@contoso.example", "category_type": "User", "action": "Update",
        "operation_detail": "Update User alex@contoso.example  - User Type: from Basic to Licensed"
    })
}

fn sign_in() -> Value {
    json!({
        "email": "adele@contoso.example", "time": "2026-03-02T08:15:30Z", "type": "Sign in", "ip_address": "192.0.2.17",
        "client_type": "Browser", "version": "-"
    })
}

fn meeting() -> Value {
    json!({
        "meeting_number": "982 610 0285", "activity_time": "2026-03-02 08:15:30:125", "operator": "Adele Vance",
        "operator_email": "adele@contoso.example", "activity_category": "User joined", "activity_detail": "Adele Vance joined the meeting"
    })
}

fn webhook() -> Value {
    json!({
        "event": "user.updated", "event_ts": 1_772_439_330_125_i64,
        "payload": {
            "account_id": "EXAMPLE", "operator": "adele@contoso.example", "operator_id": "uLoRgfbbTayCX6r2Q_qQsQ",
            "object": {"id": "z8dfkgABBBBBBBfp8uQ", "email": "alex@contoso.example"},
            "old_object": {"id": "z8dfkgABBBBBBBfp8uQ"}
        }
    })
}

fn host() -> Value {
    json!({
        "id": "uLoRgfbbTayCX6r2Q_qQsQ", "email": "adele@contoso.example", "user_name": "Adele Vance", "type": 2, "dept": "HR",
        "meetings": 3, "participants": 12, "meeting_minutes": 90, "last_login_time": "2026-03-01T08:00:00Z",
        "create_time": "2025-01-01T08:00:00Z", "event_type": "users", "event_name": "Active/Inactive Host Reports."
    })
}

fn row() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "TimeGenerated": "2026-03-02T08:20:00Z",
        "time_t": "2026-03-02T08:15:30Z", "operator_s": "adele@contoso.example", "category_type_s": "User",
        "action_s": "Update", "operation_detail_s": "Update User alex@contoso.example", "event_type_s": "operation_logs",
        "event_name_s": "Operation Logs Report.", "Type": "Zoom_CL"
    })
}

#[test]
fn b1_zoom_records_have_time_action_app() {
    for (map, record, action, second) in [
        (OPERATIONS, operation(), "Update", 30),
        (ACTIVITIES, sign_in(), "Sign in", 30),
        (MEETINGS, meeting(), "User joined", 30),
        (WEBHOOKS, webhook(), "user.updated", 30),
        (TABLE, row(), "Update", 30),
    ] {
        let activity = one(map, &record);
        assert_eq!(activity.occurred_at().timestamp(), 1_772_439_300 + second, "{map}");
        assert_eq!((activity.action().as_str(), activity.app().name().as_str()), (action, "Zoom"));
    }
    let page =
        json!({"from": "2026-03-01", "to": "2026-03-02", "next_page_token": "", "operation_logs": [operation()]});
    assert_eq!(read(OPERATIONS, page.to_string()).iter().flatten().count(), 1);
    let page = json!({"from": "2026-03-01", "to": "2026-03-02", "next_page_token": "", "activity_logs": [sign_in()]});
    assert_eq!(read(ACTIVITIES, page.to_string()).iter().flatten().count(), 1);
}

#[test]
fn d9_operator_acts_and_object_does_not() {
    assert_eq!(principals_of(OPERATIONS, &operation()), ["user adele@contoso.example"]);
    assert_eq!(actor_of(ACTIVITIES, &sign_in()), "user adele@contoso.example");
    assert_eq!(principals_of(TABLE, &row()), ["user adele@contoso.example"]);
    let activity = one(WEBHOOKS, &webhook());
    assert_eq!(actor(&activity), "user adele@contoso.example, Zoom:uLoRgfbbTayCX6r2Q_qQsQ");
    assert_eq!(on_behalf_of(&activity), [""; 0]);
    assert!(has_object(&activity, "alex@contoso.example"));
}

#[test]
fn d9_webhook_without_operator_is_unknown() {
    let started = json!({
        "event": "meeting.started", "event_ts": 1_772_439_330_125_i64,
        "payload": {"account_id": "EXAMPLE", "object": {"id": "91", "uuid": "u", "host_id": "x1yCzABCDEfg23HiJKl4mN", "topic": "HR"}}
    });
    assert_eq!(actor_of(WEBHOOKS, &started), "unknown");
    let empty = with(&operation(), json!({"operator": ""}));
    assert_eq!(actor_of(OPERATIONS, &empty), "unknown");
}

#[test]
fn d9_operator_of_meeting_has_address_or_name() {
    assert_eq!(actor_of(MEETINGS, &meeting()), "user adele@contoso.example, userkey:Adele Vance");
    assert_eq!(actor_of(MEETINGS, &with(&meeting(), json!({"operator_email": null}))), "user userkey:Adele Vance");
    assert_eq!(actor_of(MEETINGS, &with(&meeting(), json!({"operator_email": null, "operator": null}))), "unknown");
}

#[test]
fn b1_webhook_within_member_of_collector_is_read() {
    let mut record = webhook();
    record.as_object_mut().unwrap().remove("event_ts");
    record["payload"]["object"]["timestamp"] = json!(1_772_439_330_125_i64);
    let wrapped = json!({ "zoom": record });
    assert_eq!(one(WEBHOOKS, &wrapped).occurred_at(), one(WEBHOOKS, &webhook()).occurred_at());
    assert_eq!(actor_of(WEBHOOKS, &wrapped), actor_of(WEBHOOKS, &webhook()));
}

#[test]
fn d9_call_and_registration_are_by_their_user() {
    let event = |event: &str, object: Value| json!({"event": event, "event_ts": 1_772_439_330_125_i64, "payload": {"account_id": "EXAMPLE", "object": object}});
    let call = json!({"caller": {"user_id": "zCaller"}, "callee": {"user_id": "zCallee"}});
    assert_eq!(actor_of(WEBHOOKS, &event("phone.caller_ringing", call.clone())), "user Zoom:zCaller");
    assert_eq!(actor_of(WEBHOOKS, &event("phone.callee_answered", call)), "user Zoom:zCallee");
    let voicemail = json!({"callee_user_id": "zCallee", "caller_name": "Alex"});
    assert_eq!(actor_of(WEBHOOKS, &event("phone.voicemail_received", voicemail)), "unknown");
    let registrant = json!({"host_id": "zHost", "registrant": {"email": "alex@fabrikam.example", "id": "r-1"}});
    assert_eq!(
        actor_of(WEBHOOKS, &event("meeting.registration_created", registrant)),
        "user alex@fabrikam.example, Zoom:r-1"
    );
}

#[test]
fn d9_user_who_signs_in_is_the_actor() {
    let signed_in = json!({
        "event": "user.signed_in", "event_ts": 1_772_439_330_125_i64,
        "payload": {"account_id": "EXAMPLE", "object": {
            "id": "z8yCxTTTTSiw02QgCAp8uQ", "email": "adele@contoso.example", "client_type": "browser",
            "date_time": "2026-03-02T08:15:30Z", "version": "5.9"
        }}
    });
    assert_eq!(actor_of(WEBHOOKS, &signed_in), "user adele@contoso.example, Zoom:z8yCxTTTTSiw02QgCAp8uQ");
    let deauthorized = json!({
        "event": "app_deauthorized", "event_ts": 1_772_439_330_125_i64,
        "payload": {"account_id": "EXAMPLE", "user_id": "z9jkdsfsdfjhdkfjQ", "client_id": "ADZ9k9bTWmGUoUbECUKU_a"}
    });
    assert_eq!(actor_of(WEBHOOKS, &deauthorized), "user Zoom:z9jkdsfsdfjhdkfjQ");
}

#[test]
fn d9_participant_acts_by_joining_not_by_admission() {
    let joined = json!({
        "event": "meeting.participant_joined", "event_ts": 1_772_439_330_125_i64,
        "payload": {"account_id": "EXAMPLE", "object": {
            "id": "91", "uuid": "u", "host_id": "x1yCzABCDEfg23HiJKl4mN", "topic": "HR",
            "participant": {"user_id": "16778240", "user_name": "Adele Vance", "id": "z8yCx", "email": "adele@contoso.example",
                "join_time": "2026-03-02T08:15:30Z"}
        }}
    });
    assert_eq!(actor_of(WEBHOOKS, &joined), "user adele@contoso.example, Zoom:z8yCx");
    let guest = with(&joined, json!({"payload": {"object": {"participant": {"id": "", "email": ""}}}}));
    assert_eq!(actor_of(WEBHOOKS, &guest), "unknown");
    let admitted = with(&joined, json!({"event": "meeting.participant_admitted"}));
    assert_eq!(actor_of(WEBHOOKS, &admitted), "unknown");
}

#[test]
fn b1_webhook_validation_is_rejected() {
    let validation = json!({
        "event": "endpoint.url_validation", "event_ts": 1_772_439_330_125_i64, "payload": {"plainToken": "EXAMPLE"}
    });
    assert!(rejection(WEBHOOKS, &validation).contains("validation"));
}

#[test]
fn d6_host_report_is_about_its_host() {
    assert_eq!(principals_of(REPORTS, &host()), ["user adele@contoso.example, Zoom:uLoRgfbbTayCX6r2Q_qQsQ"]);
    assert_eq!(one(REPORTS, &host()).occurred_at().to_rfc3339(), "2026-03-01T08:00:00+00:00");
    let never = with(&host(), json!({"last_login_time": ""}));
    assert_eq!(one(REPORTS, &never).occurred_at().to_rfc3339(), "2025-01-01T08:00:00+00:00");
    let daily = json!({
        "date": "2026-03-01", "new_users": 0, "meetings": 3, "event_type": "dates", "event_name": "Daily Usage Reports."
    });
    assert!(rejection(REPORTS, &daily).contains("daily total"));
    let mut operation = operation();
    operation["event_type"] = json!("operation_logs");
    operation["event_name"] = json!("Operation Logs Report.");
    assert_eq!(actor_of(REPORTS, &operation), "user adele@contoso.example");
    operation["operator"] = json!("");
    assert_eq!(actor_of(REPORTS, &operation), "unknown");
}
