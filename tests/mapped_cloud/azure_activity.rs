//! The Azure Activity Log: from the REST API, from diagnostic settings, and the table AzureActivity.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, read, with};

const MAP: &str = "azure_activity";
const DIAGNOSTIC: &str = "azure_activity_diagnostic";
const TABLE: &str = "azure_activity_sentinel";
const OBJECT_ID: &str = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";
const APP_ID: &str = "99999999-8888-4777-8666-555555555555";
const UPN: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn";
const NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
const OID: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";
const SCOPE: &str = "http://schemas.microsoft.com/identity/claims/scope";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, event()), (DIAGNOSTIC, diagnostic()), (TABLE, row())]
}

fn claims() -> Value {
    json!({
        "aud": "https://management.core.windows.net/", "iss": "https://sts.windows.net/11111111-2222-4333-8444-555555555555/",
        "appid": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", "appidacr": "0", "ipaddr": "192.0.2.17", "name": "Adele Vance",
        OID: OBJECT_ID, SCOPE: "user_impersonation", NAME: "adele@contoso.example", UPN: "adele@contoso.example",
        "puid": "10032000C757D25F"
    })
}

fn app_claims() -> Value {
    json!({"aud": "https://management.core.windows.net/", "appid": APP_ID, "appidacr": "2", "idtyp": "app", OID: OBJECT_ID})
}

fn event() -> Value {
    json!({
        "authorization": {"action": "Microsoft.Compute/virtualMachines/delete", "scope": "/subscriptions/s/vm"},
        "caller": "adele@contoso.example", "channels": "Operation", "claims": claims(), "correlationId": "c-1",
        "description": "", "eventDataId": "e-1", "eventName": {"value": "EndRequest", "localizedValue": "End request"},
        "category": {"value": "Administrative", "localizedValue": "Administrative"}, "id": "/subscriptions/s/vm/events/e-1",
        "level": "Informational", "resourceGroupName": "HR",
        "resourceProviderName": {"value": "Microsoft.Compute", "localizedValue": "Microsoft.Compute"},
        "resourceId": "/subscriptions/s/resourceGroups/HR/providers/Microsoft.Compute/virtualMachines/payroll",
        "operationName": {"value": "Microsoft.Compute/virtualMachines/delete", "localizedValue": "Delete"},
        "eventTimestamp": "2026-03-02T08:15:30.1254567Z", "submissionTimestamp": "2026-03-02T08:16:00Z"
    })
}

fn diagnostic() -> Value {
    json!({
        "time": "2026-03-02T08:15:30.1254567Z", "resourceId": "/SUBSCRIPTIONS/S/VM",
        "operationName": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE", "category": "Administrative", "resultType": "Success",
        "callerIpAddress": "192.0.2.17", "correlationId": "c-1", "level": "Information",
        "identity": {"authorization": {"scope": "/subscriptions/s/vm", "evidence": {"role": "Owner", "principalType": "User"}}, "claims": claims()},
        "properties": {"entity": "/subscriptions/s/vm"}
    })
}

fn row() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "SourceSystem": "Azure", "CallerIpAddress": "192.0.2.17",
        "CategoryValue": "Administrative", "CorrelationId": "c-1", "Claims": claims().to_string(), "Claims_d": claims().to_string(),
        "Level": "Informational", "OperationNameValue": "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE",
        "Caller": "adele@contoso.example", "EventDataId": "e-1", "ResourceProviderValue": "MICROSOFT.COMPUTE",
        "TimeGenerated [UTC]": "3/2/2026, 8:15:30.125 AM", "SubscriptionId": "s", "Type": "AzureActivity",
        "_ResourceId": "/subscriptions/s/vm"
    })
}

#[test]
fn b1_activity_has_id_time_action_app() {
    let activity = one(MAP, &event());
    assert_eq!(
        (super::reading::source_id(&activity), activity.action().as_str()),
        ("e-1", "Microsoft.Compute/virtualMachines/delete")
    );
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125456+00:00");
    assert_eq!(activity.app().name().as_str(), "Microsoft.Compute");
    assert_eq!(activity.app().suite().unwrap().as_str(), "Azure");
    assert!(has_object(
        &activity,
        "/subscriptions/s/resourceGroups/HR/providers/Microsoft.Compute/virtualMachines/payroll"
    ));
    let row = one(TABLE, &row());
    assert_eq!((super::reading::source_id(&row), row.occurred_at().timestamp()), ("e-1", 1_772_439_330));
    let page = json!({"records": [diagnostic(), diagnostic()]});
    assert_eq!(read(DIAGNOSTIC, page.to_string()).iter().flatten().count(), 2);
    let page = json!({"value": [event(), event()]});
    assert_eq!(read(MAP, page.to_string()).iter().flatten().count(), 2);
}

#[test]
fn d9_caller_is_the_user_of_the_claims() {
    let user = format!("user adele@contoso.example, id:{OBJECT_ID}, puid:10032000C757D25F");
    assert_eq!(actor_of(MAP, &event()), user);
    assert_eq!(actor_of(DIAGNOSTIC, &diagnostic()), user);
    assert_eq!(actor_of(TABLE, &row()), user);
    let without_claims = with(&row(), json!({"Claims": null, "Claims_d": null}));
    assert_eq!(actor_of(TABLE, &without_claims), "user adele@contoso.example");
}

#[test]
fn d9_member_names_of_client_library_are_read() {
    let event = event();
    let mut snake = event.clone();
    for (from, to) in [
        ("eventDataId", "event_data_id"),
        ("eventTimestamp", "event_timestamp"),
        ("operationName", "operation_name"),
        ("resourceProviderName", "resource_provider_name"),
        ("resourceId", "resource_id"),
        ("submissionTimestamp", "submission_timestamp"),
    ] {
        let value = snake.as_object_mut().unwrap().remove(from).unwrap();
        snake[to] = value;
    }
    let (camel, snake) = (one(MAP, &event), one(MAP, &snake));
    assert_eq!((camel.id(), camel.occurred_at(), camel.action()), (snake.id(), snake.occurred_at(), snake.action()));
    assert!(camel.actor() == snake.actor() && camel.app() == snake.app());
}

#[test]
fn d7_application_token_is_application() {
    let application = format!("application \"{APP_ID}\", id:{OBJECT_ID}");
    let mut record = event();
    record["claims"] = app_claims();
    record["caller"] = json!(OBJECT_ID);
    assert_eq!(actor_of(MAP, &record), application);
    let mut record = diagnostic();
    record["identity"]["claims"] = app_claims();
    assert_eq!(actor_of(DIAGNOSTIC, &record), application);
    let mut record = row();
    record["Claims"] = json!(app_claims().to_string());
    record["Claims_d"] = json!("");
    record["Caller"] = json!(OBJECT_ID);
    assert_eq!(actor_of(TABLE, &record), application);
    // Older tokens do not have the claim; the role assignment shows what the caller is.
    let mut record = event();
    record["claims"] = json!({"appid": APP_ID, OID: OBJECT_ID});
    record["caller"] = json!(OBJECT_ID);
    record["authorization"]["evidence"] = json!({"principalType": "ServicePrincipal"});
    assert_eq!(actor_of(MAP, &record), application);
}

#[test]
fn d6_application_with_token_of_user_is_the_user() {
    let mut record = event();
    record["claims"]["idtyp"] = json!("app");
    assert!(actor_of(MAP, &record).starts_with("user adele@contoso.example"));
    // Without a UPN, the scope shows that the token is a user's.
    record["claims"] = json!({"appid": APP_ID, "appidacr": "2", OID: OBJECT_ID, SCOPE: "user_impersonation"});
    record["caller"] = json!(OBJECT_ID);
    assert_eq!(actor_of(MAP, &record), format!("user id:{OBJECT_ID}"));
}

#[test]
fn d9_caller_with_id_only_is_a_user() {
    let mut record = event();
    record["claims"] = json!({});
    record["caller"] = json!(OBJECT_ID);
    assert_eq!(actor_of(MAP, &record), format!("user id:{OBJECT_ID}"));
}

#[test]
fn d7_guest_keeps_every_form() {
    let mut record = event();
    record["caller"] = json!("live.com#megan@fabrikam.example");
    record["claims"] = json!({NAME: "live.com#megan@fabrikam.example", OID: OBJECT_ID, SCOPE: "user_impersonation"});
    assert_eq!(actor_of(MAP, &record), format!("user megan@fabrikam.example, id:{OBJECT_ID}"));
}

#[test]
fn d9_event_of_platform_without_caller() {
    let mut record = event();
    record["claims"] = json!({});
    record["caller"] = json!(null);
    assert_eq!(actor_of(MAP, &record), "unknown");
    record["category"]["value"] = json!("ServiceHealth");
    assert_eq!(actor_of(MAP, &record), "system \"Azure\"");
    record["caller"] = json!("Microsoft.Insights/autoscaleSettings");
    assert_eq!(actor_of(MAP, &record), "application \"Microsoft.Insights/autoscaleSettings\"");
    record["caller"] = json!("Microsoft.Person@contoso.example");
    assert_eq!(actor_of(MAP, &record), "user Microsoft.Person@contoso.example");
}

#[test]
fn d6_security_alert_is_about_its_person() {
    let mut record = event();
    record["claims"] = json!({});
    record["caller"] = json!("Microsoft.Security");
    record["category"]["value"] = json!("Security");
    record["properties"] = json!({"compromisedEntity": "payroll", "user": "adele@contoso.example"});
    let activity = one(MAP, &record);
    assert_eq!(actor(&activity), "application \"Microsoft.Security\"");
    assert!(activity.on_behalf_of().iter().any(|principal| principal.label() == "adele@contoso.example"));
}
