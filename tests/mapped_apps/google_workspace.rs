//! Google Workspace activity reports, from the API and from Microsoft Sentinel.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, with};

const MAP: &str = "google_workspace";
const SENTINEL: &str = "google_workspace_sentinel";
const ALERTS: &str = "google_workspace_alerts";
const PLACEHOLDER: &str = "105250506097979753968";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, drive()), (SENTINEL, sentinel()), (ALERTS, alert())]
}

fn drive() -> Value {
    json!({
        "kind": "admin#reports#activity",
        "id": {
            "time": "2026-03-02T08:15:30.125Z", "uniqueQualifier": "-4471120983344120981",
            "applicationName": "drive", "customerId": "C03contoso"
        },
        "etag": "\"q7/contoso-1\"",
        "actor": {"callerType": "USER", "email": "adele@contoso.example", "profileId": "104812045571190377164"},
        "ownerDomain": "contoso.example",
        "ipAddress": "192.0.2.17",
        "events": [
            {"type": "access", "name": "edit", "parameters": [
                {"name": "primary_event", "boolValue": false},
                {"name": "doc_title", "value": "Salaries 2026"}
            ]},
            {"type": "acl_change", "name": "change_user_access", "parameters": [
                {"name": "primary_event", "boolValue": true},
                {"name": "doc_id", "value": "1AbCdEf"},
                {"name": "doc_title", "value": "Salaries 2026"},
                {"name": "owner", "value": "megan@contoso.example"},
                {"name": "target_user", "value": "alex@contoso.example"},
                {"name": "new_value", "multiValue": ["can_edit"]}
            ]}
        ]
    })
}

/// Returns an activity of an application, done by an actor, with one event.
fn activity(application: &str, actor: Value, event: Value) -> Value {
    let mut record = with(&drive(), json!({"id": {"applicationName": application}}));
    record["actor"] = actor;
    record["events"] = json!([event]);
    record
}

fn key(key: &str) -> Value {
    json!({"callerType": "KEY", "key": key})
}

fn alert() -> Value {
    json!({
        "customerId": "03contoso", "alertId": "b0c1d2e3-16b5-4f11-8a51-0a1b2c3d4e5f",
        "createTime": "2026-03-02T08:15:30.125Z", "startTime": "2026-03-02T08:00:00Z", "type": "Suspicious login",
        "source": "Google identity", "data": {"@type": "type.googleapis.com/AccountWarning",
            "email": "adele@contoso.example", "loginDetails": {"ipAddress": "198.51.100.7"}},
        "metadata": {"status": "NOT_STARTED", "severity": "LOW"}
    })
}

fn sentinel() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "SourceSystem": "RestAPI",
        "TimeGenerated": "2026-03-02T08:16:00Z", "kind_s": "admin#reports#activity",
        "id_time_t": "2026-03-02T08:15:30.125Z", "id_uniqueQualifier_s": "-4471120983344120981",
        "id_applicationName_s": "drive", "id_customerId_s": "C03contoso",
        "actor_callerType_s": "USER", "actor_email_s": "adele@contoso.example",
        "actor_profileId_s": "104812045571190377164", "event_type_s": "access", "event_name_s": "view",
        "doc_title_s": "Salaries 2026", "owner_s": "megan@contoso.example", "Type": "GWorkspace_ReportsAPI_drive_CL"
    })
}

#[test]
fn d8_google_actor_is_address_and_profile() {
    let activity = one(MAP, &drive());
    assert_eq!(actor(&activity), "user adele@contoso.example, id:104812045571190377164");
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!(activity.app().name().as_str(), "Google Drive");
    assert_eq!(activity.app().suite().unwrap().as_str(), "Google Workspace");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
}

#[test]
fn d1_google_action_is_that_of_primary_event() {
    assert_eq!(one(MAP, &drive()).action().as_str(), "change_user_access");
    let event = json!({"type": "login", "name": "login_success"});
    assert_eq!(one(MAP, &activity("login", drive()["actor"].clone(), event)).action().as_str(), "login_success");
}

#[test]
fn d6_google_people_in_parameters_are_objects() {
    let activity = one(MAP, &drive());
    for object in ["Salaries 2026", "1AbCdEf", "alex@contoso.example", "megan@contoso.example"] {
        assert!(has_object(&activity, object), "{object}");
    }
    assert!(!has_object(&activity, "adele@contoso.example"));
}

#[test]
fn d9_google_actor_without_email_is_profile() {
    let record = with(&drive(), json!({"actor": {"email": null}}));
    assert_eq!(actor_of(MAP, &record), "user id:104812045571190377164");
    let record = with(&drive(), json!({"actor": {"email": ""}}));
    assert_eq!(actor_of(MAP, &record), "user id:104812045571190377164");
}

#[test]
fn d9_google_placeholder_profile_is_no_identity() {
    let record = with(&drive(), json!({"actor": {"profileId": PLACEHOLDER}}));
    assert_eq!(actor_of(MAP, &record), "user adele@contoso.example");
    let record = with(&record, json!({"actor": {"email": null}}));
    assert_eq!(actor_of(MAP, &record), "unknown");
    let record = with(&sentinel(), json!({"actor_profileId_s": PLACEHOLDER, "actor_email_s": ""}));
    assert_eq!(actor_of(SENTINEL, &record), "unknown");
}

#[test]
fn d9_google_record_without_actor_is_unknown() {
    assert_eq!(actor_of(MAP, &with(&drive(), json!({"actor": null}))), "unknown");
    let record = with(&drive(), json!({"actor": {"email": null, "profileId": null}}));
    assert_eq!(actor_of(MAP, &record), "unknown");
}

#[test]
fn d9_google_key_of_platform_is_system() {
    let event = json!({"type": "LICENSES_SETTINGS", "name": "USER_LICENSE_ASSIGNMENT", "parameters": [
        {"name": "USER_EMAIL", "value": "adele@contoso.example"}
    ]});
    let activity = one(MAP, &activity("admin", key("SYSTEM"), event));
    assert_eq!(actor(&activity), "system \"SYSTEM\"");
    assert_eq!(activity.on_behalf_of(), []);
    assert!(has_object(&activity, "adele@contoso.example"));
}

#[test]
fn d9_google_key_of_anonymous_participant_is_unknown() {
    let event = json!({"type": "call", "name": "call_ended", "parameters": [
        {"name": "display_name", "value": "Adele"}, {"name": "is_external", "boolValue": true}
    ]});
    let activity = activity("meet", key("HANGOUTS_EXTERNAL_OR_ANONYMOUS"), event);
    assert_eq!(actor_of(MAP, &activity), "unknown");
    assert_eq!(actor_of(MAP, &with(&activity, json!({"actor": {"key": "contoso.example"}}))), "unknown");
    assert_eq!(actor_of(MAP, &with(&activity, json!({"actor": {"key": null}}))), "unknown");
}

#[test]
fn d8_google_meet_identifier_is_the_actor() {
    let event = json!({"type": "call", "name": "call_ended", "parameters": [
        {"name": "identifier", "value": "adele@contoso.example"}, {"name": "identifier_type", "value": "email_address"},
        {"name": "organizer_email", "value": "megan@contoso.example"}
    ]});
    let activity = activity("meet", key("HANGOUTS_EXTERNAL_OR_ANONYMOUS"), event);
    assert_eq!(actor_of(MAP, &activity), "user adele@contoso.example");
    assert!(has_object(&one(MAP, &activity), "megan@contoso.example"));
}

#[test]
fn d7_google_key_of_client_is_application() {
    let client = "472910443821-q1.apps.googleusercontent.com";
    let event = json!({"type": "USER_SETTINGS", "name": "SUSPEND_USER"});
    assert_eq!(
        actor_of(MAP, &activity("admin", key(client), event.clone())),
        "application \"472910443821-q1.apps.googleusercontent.com\""
    );
    let robot = json!({"callerType": "USER", "email": "sync@contoso-hr.iam.gserviceaccount.com"});
    assert_eq!(
        actor_of(MAP, &activity("admin", robot, event)),
        "application \"sync@contoso-hr.iam.gserviceaccount.com\""
    );
}

#[test]
fn d7_google_application_that_was_the_actor_is_application() {
    let app = json!({"callerType": "APPLICATION", "applicationInfo": {"applicationName": "Contoso Backup"}});
    let event = json!({"type": "access", "name": "download"});
    assert_eq!(actor_of(MAP, &activity("drive", app, event)), "application \"Contoso Backup\"");
}

#[test]
fn d6_google_application_of_user_acts_as_user() {
    let app = json!({"oauthClientId": "472910443821-q1.apps.googleusercontent.com", "impersonation": false});
    let activity = one(MAP, &with(&drive(), json!({"actor": {"applicationInfo": app}})));
    assert_eq!(actor(&activity), "user adele@contoso.example, id:104812045571190377164");
    assert_eq!(activity.on_behalf_of(), []);
}

#[test]
fn d6_google_impersonation_acts_for_the_user() {
    let app = json!({"applicationName": "Contoso Backup", "oauthClientId": "4729", "impersonation": true});
    let record = with(&drive(), json!({"actor": {"applicationInfo": app}}));
    assert_eq!(
        principals_of(MAP, &record),
        ["application \"Contoso Backup\"", "user adele@contoso.example, id:104812045571190377164"]
    );
    let record = with(&record, json!({"actor": {"profileId": PLACEHOLDER}}));
    assert_eq!(principals_of(MAP, &record), ["application \"Contoso Backup\"", "user adele@contoso.example"]);
    let record = with(&record, json!({"actor": {"applicationInfo": {"applicationName": null}}}));
    assert_eq!(principals_of(MAP, &record), ["application \"4729\"", "user adele@contoso.example"]);
}

#[test]
fn d6_google_impersonation_of_unnamed_user_is_unknown() {
    let app = json!({"applicationName": "Contoso Backup", "impersonation": true});
    let record = with(&drive(), json!({"actor": {"applicationInfo": app, "email": null, "profileId": null}}));
    assert_eq!(principals_of(MAP, &record), ["application \"Contoso Backup\"", "unknown"]);
}

#[test]
fn d6_google_agent_acts_for_its_owner() {
    let agent = json!({"agentId": "a-7", "agentName": "Planner", "agentOwner": {"email": "megan@contoso.example"}});
    let activity = one(MAP, &with(&drive(), json!({"actor": {"agentAttributionInfo": agent}})));
    assert_eq!(on_behalf_of(&activity), ["user megan@contoso.example"]);
}

#[test]
fn d6_google_account_warning_is_about_its_person() {
    let event = json!({"type": "account_warning", "name": "suspicious_login", "parameters": [
        {"name": "affected_email_address", "value": "adele@contoso.example"}
    ]});
    let warning = activity("login", key("Google"), event);
    assert_eq!(principals_of(MAP, &warning), ["system \"Google\"", "user adele@contoso.example"]);
    let mut warning = warning;
    warning["actor"] = drive()["actor"].clone();
    assert_eq!(principals_of(MAP, &warning), ["user adele@contoso.example, id:104812045571190377164"]);
}

#[test]
fn d6_google_report_without_person_names_everyone() {
    let event = json!({"type": "rule_match_type", "name": "rule_match", "parameters": [
        {"name": "rule_name", "value": "Card numbers"}, {"name": "resource_owner_email", "value": "megan@contoso.example"}
    ]});
    let activity = activity("rules", key("SYSTEM"), event);
    assert_eq!(principals_of(MAP, &activity), ["system \"SYSTEM\"", "user megan@contoso.example"]);
}

#[test]
fn d6_google_alert_is_about_its_people() {
    let of = |data| principals_of(ALERTS, &with(&alert(), json!({ "data": data })));
    let system = "system \"Google Workspace\"";
    assert_eq!(of(json!({})), [system, "user adele@contoso.example"]);
    assert_eq!(
        of(json!({"email": null, "affectedUserEmails": ["adele@contoso.example", "alex@contoso.example"]})),
        [system, "user adele@contoso.example", "user alex@contoso.example"]
    );
    assert_eq!(
        of(json!({"email": null, "ruleViolationInfo": {"triggeringUserEmail": "megan@contoso.example"}})),
        [system, "user megan@contoso.example"]
    );
    let other = of(json!({"email": null, "newField": {"who": "megan@contoso.example"}}));
    assert!(other[1..].iter().any(|principal| principal.contains("megan@contoso.example")), "{other:?}");
    assert_eq!(one(ALERTS, &alert()).action().as_str(), "Suspicious login");
}

#[test]
fn d6_google_device_reports_are_about_its_user() {
    let event = json!({"type": "CHROME_OS_LOGIN_LOGOUT_TYPE", "name": "CHROME_OS_LOGIN_EVENT", "parameters": [
        {"name": "DEVICE_USER", "value": "adele@contoso.example"}, {"name": "DEVICE_NAME", "value": "CB-17"}
    ]});
    let login = activity("chrome", key("SYSTEM"), event);
    assert_eq!(principals_of(MAP, &login), ["system \"SYSTEM\"", "user adele@contoso.example"]);
    let event = json!({"type": "device_updates", "name": "DEVICE_SYNC_EVENT", "parameters": [
        {"name": "USER_EMAIL", "value": "adele@contoso.example"}, {"name": "DEVICE_MODEL", "value": "Pixel"}
    ]});
    let sync = activity("mobile", json!({"callerType": "USER"}), event);
    assert_eq!(principals_of(MAP, &sync), ["unknown", "user adele@contoso.example"]);
}

#[test]
fn d1_google_collectors_write_one_event_as_object() {
    let mut record = with(&drive(), json!({"id": {"applicationName": "login"}}));
    record["events"] = json!({"type": "login", "name": "suspicious_login", "parameters": [
        {"name": "affected_email_address", "value": "alex@contoso.example"}
    ]});
    let activity = one(MAP, &record);
    assert_eq!(activity.action().as_str(), "suspicious_login");
    assert_eq!(on_behalf_of(&activity), ["user alex@contoso.example"]);
    // One row for each event, with the parameters beside it.
    let row = with(&drive(), json!({"event_name": "edit", "event_type": "access", "doc_title": "Plan"}));
    let activity = one(MAP, &row);
    assert_eq!(activity.action().as_str(), "edit");
    assert!(has_object(&activity, "Plan"));
    let flat = json!({
        "actor": {"email": "adele@contoso.example"}, "id": {"applicationName": "login"}, "type": "login",
        "name": "login_success", "p_event_time": "2026-03-02 08:15:30.125"
    });
    assert_eq!(one(MAP, &flat).action().as_str(), "login_success");
}

#[test]
fn b1_google_page_contains_its_items() {
    let page = json!({
        "kind": "admin#reports#activities", "etag": "\"x\"", "nextPageToken": "A:1",
        "items": [drive(), with(&drive(), json!({"actor": {"email": "megan@contoso.example"}})), {"id": {}}]
    });
    let items = read(MAP, page.to_string());
    assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true, false]);
}

#[test]
fn d4_google_records_with_one_qualifier_are_distinct() {
    let other = with(&drive(), json!({"id": {"time": "2026-03-02T08:16:30Z"}}));
    assert_ne!(one(MAP, &drive()).id(), one(MAP, &other).id());
    assert_eq!(one(MAP, &drive()).id(), one(MAP, &drive()).id());
}

#[test]
fn d8_google_sentinel_row_is_the_same_actor() {
    let activity = one(SENTINEL, &sentinel());
    assert_eq!(actor(&activity), "user adele@contoso.example, id:104812045571190377164");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("view", "Google Drive"));
    assert!(has_object(&activity, "Salaries 2026") && has_object(&activity, "megan@contoso.example"));
    let portal = with(&sentinel(), json!({"id_time_t": null, "id_time_t [UTC]": "3/2/2026, 8:15:30.125 AM"}));
    assert_eq!(one(SENTINEL, &portal).occurred_at(), activity.occurred_at());
}

#[test]
fn d6_google_sentinel_row_has_all_principals() {
    let key = with(
        &sentinel(),
        json!({"actor_callerType_s": "KEY", "actor_key_s": "SYSTEM", "actor_email_s": "",
        "actor_profileId_s": "", "id_applicationName_s": "admin", "USER_EMAIL_s": "alex@contoso.example"}),
    );
    assert_eq!(principals_of(SENTINEL, &key), ["system \"SYSTEM\""]);
    let warning = with(
        &key,
        json!({"id_applicationName_s": "login", "actor_key_s": "Google",
        "affected_email_address_s": "adele@contoso.example"}),
    );
    assert_eq!(principals_of(SENTINEL, &warning), ["system \"Google\"", "user adele@contoso.example"]);
    let app = with(
        &sentinel(),
        json!({"actor_applicationInfo_impersonation_b": true,
        "actor_applicationInfo_applicationName_s": "Contoso Backup"}),
    );
    assert_eq!(
        principals_of(SENTINEL, &app),
        ["application \"Contoso Backup\"", "user adele@contoso.example, id:104812045571190377164"]
    );
}
