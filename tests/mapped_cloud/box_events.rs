//! Box enterprise events, webhooks, and the table of Microsoft Sentinel.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const MAP: &str = "box_events";
const WEBHOOKS: &str = "box_webhooks";
const TABLE: &str = "box_events_sentinel";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, event()), (WEBHOOKS, webhook()), (TABLE, row())]
}

fn event() -> Value {
    json!({
        "source": {
            "item_type": "file", "item_id": "900001", "item_name": "Salaries 2026.xlsx",
            "parent": {"type": "folder", "name": "HR", "id": "800001"},
            "owned_by": {"type": "user", "id": "700002", "name": "Megan Bowen", "login": "megan@contoso.example"}
        },
        "created_by": {"type": "user", "id": "700001", "name": "Adele Vance", "login": "adele@contoso.example"},
        "action_by": null,
        "created_at": "2026-03-02T00:15:30-08:00", "event_id": "c0f1d2c3-4a59-4687-9e0f-a1b2c3d4e5f6",
        "event_type": "DOWNLOAD", "ip_address": "192.0.2.17", "type": "event", "session_id": null,
        "additional_details": {"size": 4096, "service_id": "254429", "service_name": "Box Drive", "version_id": "1"}
    })
}

fn webhook() -> Value {
    json!({
        "type": "webhook_event", "id": "w-1", "created_at": "2026-03-02T00:15:30-08:00", "trigger": "FILE.UPLOADED",
        "webhook": {"id": "53", "type": "webhook"},
        "created_by": {"type": "user", "id": "700001", "name": "Adele Vance", "login": "adele@contoso.example"},
        "source": {"id": "900001", "type": "file", "name": "Salaries 2026.xlsx",
            "owned_by": {"type": "user", "id": "700002", "login": "megan@contoso.example"}},
        "additional_info": []
    })
}

fn row() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "SourceSystem": "RestAPI",
        "TimeGenerated [UTC]": "3/2/2026, 8:20:00.000 AM", "source_item_type_s": "file", "source_item_id_s": "900001",
        "source_item_name_s": "Salaries 2026.xlsx", "source_owned_by_login_s": "megan@contoso.example",
        "created_by_type_s": "user", "created_by_id_s": "700001", "created_by_name_s": "Adele Vance",
        "created_by_login_s": "adele@contoso.example", "created_at_t [UTC]": "3/2/2026, 8:15:30.000 AM",
        "event_id_g": "c0f1d2c3-4a59-4687-9e0f-a1b2c3d4e5f6", "event_type_s": "DOWNLOAD", "type_s": "event",
        "action_by_id_s": "", "action_by_login_s": "", "accessible_by_login_s": "",
        "additional_details_service_id_s": "254429", "additional_details_service_name_s": "Box Drive", "Type": "BoxEvents_CL"
    })
}

#[test]
fn b1_box_event_has_id_time_action_app() {
    for (map, record) in [(MAP, event()), (TABLE, row())] {
        let activity = one(map, &record);
        assert_eq!(super::reading::source_id(&activity), "c0f1d2c3-4a59-4687-9e0f-a1b2c3d4e5f6", "{map}");
        assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
        assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("DOWNLOAD", "Box"));
        assert!(has_object(&activity, "Salaries 2026.xlsx"));
    }
    let page = json!({"chunk_size": 2, "next_stream_position": "7", "entries": [event(), event()]});
    assert_eq!(read(MAP, page.to_string()).iter().flatten().count(), 2);
    let iso = with(&row(), json!({"created_at_t [UTC]": null, "created_at_t": "2026-03-02T08:15:30Z"}));
    assert_eq!(one(TABLE, &iso).occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
}

#[test]
fn b1_box_event_without_time_is_rejected() {
    let record = with(&event(), json!({"created_at": null}));
    assert!(rejection(MAP, &record).contains("time"), "{}", rejection(MAP, &record));
    let recorded = with(&record, json!({"recorded_at": "2026-03-02T08:15:31Z"}));
    assert_eq!(one(MAP, &recorded).occurred_at().to_rfc3339(), "2026-03-02T08:15:31+00:00");
}

#[test]
fn d9_creator_acts_and_owner_of_item_does_not() {
    for (map, record) in [(MAP, event()), (WEBHOOKS, webhook()), (TABLE, row())] {
        let activity = one(map, &record);
        assert_eq!(actor(&activity), "user adele@contoso.example, Box:700001", "{map}");
        assert_eq!(on_behalf_of(&activity), [""; 0], "{map}");
    }
}

#[test]
fn d6_collaborator_is_an_object_not_a_principal() {
    let invited = with(
        &event(),
        json!({
            "event_type": "COLLABORATION_INVITE",
            "accessible_by": {"type": "user", "id": "700003", "name": "Alex Wilber", "login": "alex@contoso.example"},
            "source": {"type": "user", "login": "alex@contoso.example", "id": "700003"}
        }),
    );
    let activity = one(MAP, &invited);
    assert_eq!(principals_of(MAP, &invited), ["user adele@contoso.example, Box:700001"]);
    assert!(has_object(&activity, "alex@contoso.example"));
}

#[test]
fn d6_user_whom_application_acts_as_is_the_actor() {
    // With the header As-User, Box records the user, and the application as the service.
    let as_user = with(
        &event(),
        json!({
            "additional_details": {"service_id": "700700", "service_name": "Contoso Archive"},
            "accessible_by": {"type": "user", "id": "700003", "login": "alex@contoso.example"}
        }),
    );
    assert_eq!(principals_of(MAP, &as_user), ["user adele@contoso.example, Box:700001"]);
    let details = "{\"service_id\":\"700700\",\"service_name\":\"Contoso Archive\"}";
    let text = with(&event(), json!({ "additional_details": details }));
    assert_eq!(principals_of(MAP, &text), ["user adele@contoso.example, Box:700001"]);
}

#[test]
fn d6_user_behind_another_performer_is_principal() {
    let service = with(
        &event(),
        json!({
            "created_by": {"login": "AutomationUser_700700_aBcDeF@boxdevedition.com", "id": "700700", "name": "Contoso Archive"},
            "action_by": {"type": "user", "id": "700003", "name": "Alex Wilber", "login": "alex@contoso.example"}
        }),
    );
    let activity = one(MAP, &service);
    assert!(actor(&activity).starts_with("application \"Contoso Archive\""));
    assert_eq!(on_behalf_of(&activity), ["user alex@contoso.example, Box:700003"]);
    let only =
        with(&event(), json!({"created_by": null, "action_by": {"id": "700003", "login": "alex@contoso.example"}}));
    assert_eq!(principals_of(MAP, &only), ["user alex@contoso.example, Box:700003"]);
    let column = with(&row(), json!({"action_by_login_s": "alex@contoso.example"}));
    assert_eq!(on_behalf_of(&one(TABLE, &column)), ["user alex@contoso.example"]);
}

#[test]
fn d7_service_account_is_application() {
    let login = "AutomationUser_700700_aBcDeF@boxdevedition.com";
    let record = with(&event(), json!({"created_by": {"login": login, "id": "700700", "name": "Contoso Archive"}}));
    assert_eq!(actor_of(MAP, &record), format!("application \"Contoso Archive\", {login}, Box:700700"));
    let column = with(
        &row(),
        json!({
            "created_by_login_s": login, "created_by_id_s": "700700", "created_by_name_s": "Contoso Archive"
        }),
    );
    assert_eq!(actor_of(TABLE, &column), format!("application \"Contoso Archive\", {login}, Box:700700"));
    // Any person may have a name that begins like this.
    let person = with(&event(), json!({"created_by": {"login": "AutomationUser_1@contoso.example"}}));
    assert!(actor_of(MAP, &person).starts_with("user"));
}

#[test]
fn d9_anonymous_user_is_unknown() {
    let nobody = json!({"type": "user", "id": "2", "name": "Unknown User", "login": ""});
    assert_eq!(actor_of(MAP, &with(&event(), json!({ "created_by": nobody }))), "unknown");
    assert_eq!(actor_of(MAP, &with(&event(), json!({ "created_by": null }))), "unknown");
    let column =
        with(&row(), json!({"created_by_id_s": "2", "created_by_login_s": "", "created_by_name_s": "Unknown User"}));
    assert_eq!(actor_of(TABLE, &column), "unknown");
}

#[test]
fn d9_failed_login_is_by_its_source() {
    let user = json!({"type": "user", "id": "700001", "name": "Adele Vance", "login": "adele@contoso.example"});
    for nobody in [json!(null), json!({"type": "user", "id": "2", "name": "Unknown User", "login": ""})] {
        let failed = with(&event(), json!({"event_type": "FAILED_LOGIN", "created_by": null, "source": null}));
        let failed = with(&failed, json!({"created_by": nobody, "source": user}));
        assert_eq!(actor_of(MAP, &failed), "user adele@contoso.example, Box:700001");
    }
}

#[test]
fn d6_shield_alert_is_about_its_user() {
    let alert = json!({
        "source": null, "created_by": {"type": "user", "id": "2", "name": "Unknown User", "login": ""}, "action_by": null,
        "created_at": "2026-03-02T00:15:30-08:00", "event_id": "alert-1", "event_type": "SHIELD_ALERT", "type": "event",
        "additional_details": {"shield_alert": {
            "rule_category": "Anomalous Download", "rule_name": "Download", "risk_score": 77,
            "user": {"id": 700001, "name": "Adele Vance", "email": "adele@contoso.example"}
        }}
    });
    assert_eq!(principals_of(MAP, &alert), ["unknown", "user adele@contoso.example, Box:700001"]);
    let blocked = with(
        &alert,
        json!({"event_type": "SHIELD_DOWNLOAD_BLOCKED", "additional_details": {
            "shield_alert": null,
            "shield_download_enforcement": {"access_user": {"type": "user", "id": 700003, "login": "alex@contoso.example"}}
        }}),
    );
    assert_eq!(principals_of(MAP, &blocked), ["unknown", "user alex@contoso.example, Box:700003"]);
}
