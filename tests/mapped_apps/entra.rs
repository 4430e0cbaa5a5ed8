//! Microsoft Entra ID: sign-ins and audit logs, as Microsoft Graph, diagnostic settings and Azure Monitor write them.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, read, with};

const SIGN_IN: &str = "entra_sign_in";
const AUDIT: &str = "entra_audit";
const RISK: &str = "entra_risk";
const PROVISIONING: &str = "entra_provisioning";
const ADELE: &str = "user adele@contoso.example, id:7c1e0f62-5a4b-4c3d-9e8f-001122334455";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![
        (SIGN_IN, sign_in()),
        (SIGN_IN, diagnostic()),
        (AUDIT, audit()),
        (AUDIT, diagnostic_audit()),
        (RISK, detection()),
        (PROVISIONING, provisioning()),
    ]
}

fn sign_in() -> Value {
    json!({
        "id": "66ea54eb-6301-4ee5-be62-ff5a759b0100", "createdDateTime": "2026-03-02T08:15:30Z",
        "userDisplayName": "Adele Vance", "userPrincipalName": "adele@contoso.example",
        "userId": "7c1e0f62-5a4b-4c3d-9e8f-001122334455", "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
        "appDisplayName": "Azure Portal", "ipAddress": "192.0.2.17", "clientAppUsed": "Browser",
        "correlationId": "d79f5bee-5860-4832-928f-3133e22ae912", "conditionalAccessStatus": "notApplied",
        "isInteractive": true, "riskDetail": "none", "resourceDisplayName": "Windows Azure Service Management API",
        "resourceId": "797f4846-ba00-4fd7-ba43-dac1f8f63013", "status": {"errorCode": 0}, "servicePrincipalId": "",
        "userType": "member", "signInEventTypes": ["interactiveUser"]
    })
}

/// Returns the sign-in as diagnostic settings write it.
fn diagnostic() -> Value {
    json!({
        "time": "2026-03-02T08:15:30.7Z", "operationName": "Sign-in activity", "operationVersion": "1.0",
        "resourceId": "/tenants/0f0e0d0c-1111-4222-8333-444455556666/providers/Microsoft.aadiam",
        "category": "SignInLogs", "tenantId": "0f0e0d0c-1111-4222-8333-444455556666", "resultType": "0",
        "callerIpAddress": "192.0.2.17", "identity": "Adele Vance", "Level": 4, "properties": sign_in()
    })
}

/// Returns the sign-in of a service principal as Microsoft Graph writes it.
fn service_principal() -> Value {
    with(
        &sign_in(),
        json!({
            "userDisplayName": null, "userPrincipalName": null, "userId": null, "userType": null,
            "signInEventTypes": ["servicePrincipal"], "servicePrincipalName": "Contoso Backup",
            "servicePrincipalId": "5D2F0A11-9B8C-4D7E-A6F5-0123456789AB"
        }),
    )
}

fn audit() -> Value {
    json!({
        "id": "Directory_d79f5bee_QX8CB_1234", "category": "GroupManagement",
        "correlationId": "d79f5bee-5860-4832-928f-3133e22ae912", "result": "success", "resultReason": "",
        "activityDisplayName": "Add member to group", "activityDateTime": "2026-03-02T08:15:30.1234567Z",
        "loggedByService": "Core Directory", "operationType": "Assign",
        "initiatedBy": {
            "app": null,
            "user": {"id": "7c1e0f62-5a4b-4c3d-9e8f-001122334455", "displayName": null,
                "userPrincipalName": "adele@contoso.example", "ipAddress": "192.0.2.17", "roles": []}
        },
        "targetResources": [
            {"id": "aaaabbbb-0000-4111-8222-ccccddddeeee", "displayName": null, "type": "User",
                "userPrincipalName": "megan@contoso.example", "modifiedProperties": []},
            {"id": "12121212-3434-4565-8787-909090909090", "displayName": "Sales", "type": "Group",
                "userPrincipalName": null, "modifiedProperties": []}
        ],
        "additionalDetails": [{"key": "User-Agent", "value": "Mozilla/5.0"}]
    })
}

fn diagnostic_audit() -> Value {
    json!({
        "time": "2026-03-02T08:15:30.1234567Z", "operationName": "Add member to group", "operationVersion": "1.0",
        "category": "AuditLogs", "tenantId": "0f0e0d0c-1111-4222-8333-444455556666", "identity": "Adele Vance",
        "properties": audit()
    })
}

fn detection() -> Value {
    json!({
        "id": "6a5874ca-16b5-4f11-8a51-0a1b2c3d4e5f", "requestId": "8b1c2d3e-16b5-4f11-8a51-0a1b2c3d4e5f",
        "riskEventType": "unfamiliarFeatures", "riskState": "atRisk", "riskLevel": "medium", "riskDetail": "none",
        "source": "IdentityProtection", "detectionTimingType": "realtime", "activity": "signin",
        "ipAddress": "192.0.2.17", "activityDateTime": "2026-03-02T08:15:30.125Z",
        "detectedDateTime": "2026-03-02T08:20:00Z", "userId": "7c1e0f62-5a4b-4c3d-9e8f-001122334455",
        "userDisplayName": "Adele Vance", "userPrincipalName": "adele@contoso.example"
    })
}

fn provisioning() -> Value {
    json!({
        "id": "75b5b0ec-16b5-4f11-8a51-0a1b2c3d4e5f", "activityDateTime": "2026-03-02T08:15:30.125Z",
        "provisioningAction": "create", "durationInMilliseconds": 900,
        "initiatedBy": {"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"},
        "sourceIdentity": {"id": "aaaabbbb-0000-4111-8222-ccccddddeeee", "displayName": "megan@contoso.example",
            "identityType": "User"},
        "targetIdentity": {"id": "", "displayName": "", "identityType": "User"}, "provisioningSteps": [{"name": "x"}],
        "servicePrincipal": {"id": "5d2f0a11-9b8c-4d7e-a6f5-0123456789ab", "displayName": "Contoso CRM"}
    })
}

fn app() -> Value {
    json!({"appId": "9a9a9a9a-1b1b-4c2c-8d3d-4e4e4e4e4e4e", "displayName": "Contoso Provisioning",
        "servicePrincipalId": "5D2F0A11-9B8C-4D7E-A6F5-0123456789AB", "servicePrincipalName": null})
}

#[test]
fn d8_entra_sign_in_is_of_its_user_in_all_shapes() {
    let table = json!({
        "TimeGenerated": "2026-03-02T08:15:30Z", "OperationName": "Sign-in activity", "Category": "SignInLogs",
        "Id": "66ea54eb-6301-4ee5-be62-ff5a759b0100", "Identity": "Adele Vance", "ConditionalAccessStatus": "notApplied",
        "UserPrincipalName": "adele@contoso.example", "UserId": "7c1e0f62-5a4b-4c3d-9e8f-001122334455",
        "AppDisplayName": "Azure Portal", "ServicePrincipalId": "", "Type": "SigninLogs"
    });
    for record in [sign_in(), diagnostic(), table] {
        let activity = one(SIGN_IN, &record);
        assert_eq!(actor(&activity), ADELE, "{record}");
        assert_eq!(activity.on_behalf_of(), []);
        assert_eq!(super::reading::source_id(&activity), "66ea54eb-6301-4ee5-be62-ff5a759b0100");
        assert_eq!(activity.action().as_str(), "Sign-in activity");
        assert_eq!(activity.app().name().as_str(), "Microsoft Entra ID");
        assert!(has_object(&activity, "Azure Portal"));
    }
}

#[test]
fn d8_entra_properties_as_text_are_read() {
    let record = with(&diagnostic(), json!({"properties": sign_in().to_string()}));
    assert_eq!(actor_of(SIGN_IN, &record), ADELE);
    let record = with(&diagnostic_audit(), json!({"properties": audit().to_string()}));
    assert_eq!(actor_of(AUDIT, &record), ADELE);
}

#[test]
fn d7_entra_guest_signs_in_by_mail_and_id() {
    let guest = with(
        &sign_in(),
        json!({"userPrincipalName": "lee@fabrikam.example", "userType": "guest",
        "userId": "00c0ffee-aaaa-4bbb-8ccc-0123456789ab"}),
    );
    assert_eq!(actor_of(SIGN_IN, &guest), "user lee@fabrikam.example, id:00c0ffee-aaaa-4bbb-8ccc-0123456789ab");
    let upn = "lee_fabrikam.example#EXT#@contoso.onmicrosoft.example";
    let guest = with(&guest, json!({"userPrincipalName": upn, "signInIdentifier": "lee@fabrikam.example"}));
    assert_eq!(
        actor_of(SIGN_IN, &guest),
        format!("user {upn}, id:00c0ffee-aaaa-4bbb-8ccc-0123456789ab, lee@fabrikam.example")
    );
    let initiator = json!({"initiatedBy": {"user": {"userPrincipalName": upn, "userType": "Guest"}}});
    assert_eq!(
        actor_of(AUDIT, &with(&audit(), initiator)),
        format!("user {upn}, id:7c1e0f62-5a4b-4c3d-9e8f-001122334455")
    );
}

#[test]
fn d7_entra_service_principal_is_application() {
    let expected = "application \"Contoso Backup\", id:5d2f0a11-9b8c-4d7e-a6f5-0123456789ab, \
                    id:5D2F0A11-9B8C-4D7E-A6F5-0123456789AB";
    assert_eq!(principals_of(SIGN_IN, &service_principal()), [expected]);
    let record = with(&diagnostic(), json!({"category": "ServicePrincipalSignInLogs", "identity": ""}));
    let mut record = record;
    record["properties"] = service_principal();
    assert_eq!(principals_of(SIGN_IN, &record), [expected]);
    let identity = with(
        &service_principal(),
        json!({"signInEventTypes": ["managedIdentity"],
        "servicePrincipalName": "contoso-vm-7"}),
    );
    assert!(actor_of(SIGN_IN, &identity).starts_with("application \"contoso-vm-7\""));
}

#[test]
fn d6_entra_service_principal_with_user_is_the_user() {
    let record = with(&service_principal(), json!({"userId": "7c1e0f62-5a4b-4c3d-9e8f-001122334455"}));
    assert_eq!(actor_of(SIGN_IN, &record), "user id:7c1e0f62-5a4b-4c3d-9e8f-001122334455");
}

#[test]
fn d9_entra_sign_in_without_identity_is_undecidable() {
    let nil = "00000000-0000-0000-0000-000000000000";
    let record = with(&sign_in(), json!({"userPrincipalName": "", "userId": nil}));
    assert_eq!(actor_of(SIGN_IN, &record), "user userkey:Adele Vance");
    let record = with(&record, json!({"userDisplayName": null}));
    assert_eq!(actor_of(SIGN_IN, &record), "unknown");
}

#[test]
fn d8_entra_name_that_is_an_id_is_the_id() {
    let record = with(&sign_in(), json!({"userPrincipalName": "7c1e0f62-5a4b-4c3d-9e8f-001122334455"}));
    assert_eq!(actor_of(SIGN_IN, &record), "user id:7c1e0f62-5a4b-4c3d-9e8f-001122334455");
}

#[test]
fn d8_entra_audit_is_of_its_initiator_in_all_shapes() {
    let table = json!({
        "TimeGenerated": "2026-03-02T08:15:30.1234567Z", "Id": "Directory_d79f5bee_QX8CB_1234",
        "OperationName": "Add member to group", "ActivityDisplayName": "Add member to group",
        "ActivityDateTime": "2026-03-02T08:15:30.1234567Z", "LoggedByService": "Core Directory",
        "InitiatedBy": audit()["initiatedBy"], "TargetResources": audit()["targetResources"], "Type": "AuditLogs"
    });
    let text = with(
        &table,
        json!({"InitiatedBy": audit()["initiatedBy"].to_string(),
        "TargetResources": audit()["targetResources"].to_string()}),
    );
    for record in [audit(), diagnostic_audit(), table, text] {
        let activity = one(AUDIT, &record);
        assert_eq!(actor(&activity), ADELE, "{record}");
        assert_eq!(activity.on_behalf_of(), []);
        assert_eq!(activity.action().as_str(), "Add member to group");
        assert_eq!(super::reading::source_id(&activity), "Directory_d79f5bee_QX8CB_1234");
        assert!(has_object(&activity, "megan@contoso.example") && has_object(&activity, "Sales"), "{record}");
    }
}

#[test]
fn d7_entra_audit_of_app_is_application() {
    let record = with(&audit(), json!({"initiatedBy": {"user": null, "app": app()}}));
    assert_eq!(
        principals_of(AUDIT, &record),
        ["application \"Contoso Provisioning\", id:5d2f0a11-9b8c-4d7e-a6f5-0123456789ab, \
          id:5D2F0A11-9B8C-4D7E-A6F5-0123456789AB"]
    );
    let unnamed = with(&record, json!({"initiatedBy": {"app": {"displayName": null, "servicePrincipalId": null}}}));
    assert_eq!(principals_of(AUDIT, &unnamed), ["application \"9a9a9a9a-1b1b-4c2c-8d3d-4e4e4e4e4e4e\""]);
}

#[test]
fn d6_entra_app_with_token_of_user_has_both() {
    let record = with(&audit(), json!({"initiatedBy": {"app": app()}}));
    let principals = principals_of(AUDIT, &record);
    assert_eq!(principals.len(), 2);
    assert!(principals[0].starts_with("application \"Contoso Provisioning\""));
    assert_eq!(principals[1], ADELE);
}

#[test]
fn d9_entra_audit_without_initiator_is_unknown() {
    let empty = json!({"id": null, "displayName": null, "userPrincipalName": null});
    for initiated_by in [json!({"user": empty, "app": null}), json!({"user": null, "app": null}), json!({})] {
        let mut record = audit();
        record["initiatedBy"] = initiated_by;
        assert_eq!(principals_of(AUDIT, &record), ["unknown"]);
    }
    let mut record = audit();
    record["initiatedBy"] = json!({"user": {"displayName": "Adele Vance"}});
    assert_eq!(principals_of(AUDIT, &record), ["user userkey:Adele Vance"]);
}

#[test]
fn d6_entra_report_of_identity_protection_is_about_its_target() {
    let mut record = with(&audit(), json!({"loggedByService": "Identity Protection"}));
    record["initiatedBy"] = json!({"user": null, "app": {"displayName": "Azure AD Identity Protection"}});
    let principals = principals_of(AUDIT, &record);
    assert_eq!(principals[0], "application \"Azure AD Identity Protection\"");
    assert!(principals[1..].iter().any(|it| it.contains("megan@contoso.example")), "{principals:?}");
}

#[test]
fn d6_entra_risk_is_about_its_user() {
    let system = "system \"Microsoft Entra ID Protection\"";
    let wrapped = json!({"time": "2026-03-02T08:21:00Z", "operationName": "User Risk Detection",
        "category": "UserRiskEvents", "properties": detection()});
    for record in [detection(), wrapped] {
        assert_eq!(principals_of(RISK, &record), [system, ADELE]);
        assert_eq!(one(RISK, &record).action().as_str(), "unfamiliarFeatures");
    }
    let risky = json!({"id": "7c1e0f62-5a4b-4c3d-9e8f-001122334455", "riskState": "atRisk", "riskLevel": "high",
        "riskLastUpdatedDateTime": "2026-03-02T08:15:30Z", "userPrincipalName": "adele@contoso.example"});
    assert_eq!(principals_of(RISK, &risky), [system, ADELE]);
}

#[test]
fn d4_entra_risk_of_one_user_changes_are_distinct() {
    let dismissed = with(&detection(), json!({"riskState": "dismissed"}));
    assert_ne!(one(RISK, &detection()).id(), one(RISK, &dismissed).id());
}

#[test]
fn d6_entra_risk_of_service_principal_is_about_it() {
    let record = with(
        &detection(),
        json!({"userId": null, "userPrincipalName": null, "userDisplayName": null,
        "servicePrincipalId": "5d2f0a11-9b8c-4d7e-a6f5-0123456789ab", "servicePrincipalDisplayName": "Contoso CRM"}),
    );
    assert_eq!(
        principals_of(RISK, &record),
        [
            "system \"Microsoft Entra ID Protection\"",
            "application \"Contoso CRM\", id:5d2f0a11-9b8c-4d7e-a6f5-0123456789ab"
        ]
    );
}

#[test]
fn d9_entra_provisioning_is_of_its_initiator() {
    let activity = one(PROVISIONING, &provisioning());
    assert_eq!(actor(&activity), "system \"Azure AD Provisioning Service\"");
    assert_eq!(activity.on_behalf_of(), []);
    assert!(has_object(&activity, "megan@contoso.example"));
    let by = |initiator| with(&provisioning(), json!({ "initiatedBy": initiator }));
    let user =
        by(json!({"initiatorType": "user", "id": "7c1e0f62-5a4b-4c3d-9e8f-001122334455", "displayName": "Adele"}));
    assert_eq!(principals_of(PROVISIONING, &user), ["user id:7c1e0f62-5a4b-4c3d-9e8f-001122334455"]);
    let named = by(json!({"initiatorType": "user", "displayName": "Adele Vance"}));
    assert_eq!(principals_of(PROVISIONING, &named), ["user userkey:Adele Vance"]);
    let app = by(json!({"initiatorType": "application", "displayName": "Contoso CRM"}));
    assert_eq!(principals_of(PROVISIONING, &app), ["application \"Contoso CRM\""]);
    let empty = by(json!({"initiatorType": "unknownFutureValue", "displayName": ""}));
    assert_eq!(principals_of(PROVISIONING, &empty), ["unknown"]);
}

#[test]
fn b1_entra_pages_contain_their_records() {
    let page = json!({"@odata.context": "https://graph.example/$metadata", "value": [sign_in(), service_principal()]});
    assert_eq!(read(SIGN_IN, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
    let blob = json!({"records": [diagnostic_audit(), diagnostic_audit()]});
    assert_eq!(read(AUDIT, blob.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
}
