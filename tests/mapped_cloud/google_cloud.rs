//! Google Cloud audit logs.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const MAP: &str = "gcp_audit";
const TABLE: &str = "gcp_audit_sentinel";
const SERVICE: &str = "payroll@contoso-prod.iam.gserviceaccount.com";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, entry(person())), (TABLE, row())]
}

fn person() -> Value {
    json!({"principalEmail": "adele@contoso.example", "principalSubject": "user:adele@contoso.example"})
}

fn entry(authentication: Value) -> Value {
    json!({
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog", "authenticationInfo": authentication,
            "requestMetadata": {"callerIp": "192.0.2.17"}, "serviceName": "storage.googleapis.com",
            "methodName": "storage.objects.get", "resourceName": "projects/_/buckets/salaries/objects/2026.csv"
        },
        "insertId": "1a2b3c4d5e", "resource": {"type": "gcs_bucket", "labels": {"project_id": "contoso-prod"}},
        "timestamp": "2026-03-02T08:15:30.125456789Z", "severity": "INFO",
        "logName": "projects/contoso-prod/logs/cloudaudit.googleapis.com%2Fdata_access",
        "receiveTimestamp": "2026-03-02T08:15:31Z"
    })
}

fn row() -> Value {
    json!({
        "TenantId": "11111111-2222-4333-8444-555555555555", "SourceSystem": "RestAPI", "TimeGenerated [UTC]": "3/2/2026, 8:20:00.000 AM",
        "log_name_s": "projects/contoso-prod/logs/cloudaudit.googleapis.com%2Factivity", "insert_id_s": "1a2b3c4d5e",
        "timestamp_t [UTC]": "3/2/2026, 8:15:30.125 AM", "payload_authenticationInfo_principalEmail_s": "adele@contoso.example",
        "payload_authenticationInfo_principalSubject_s": "", "payload_serviceName_s": "iam.googleapis.com",
        "payload_methodName_s": "google.iam.admin.v1.ListServiceAccounts", "payload_resourceName_s": "projects/contoso-prod", "Type": "GCP_IAM_CL"
    })
}

fn by(authentication: Value) -> String {
    actor_of(MAP, &entry(authentication))
}

#[test]
fn b1_audit_entry_has_id_time_action_app() {
    let activity = one(MAP, &entry(person()));
    assert_eq!(super::reading::source_id(&activity), "1a2b3c4d5e");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125456+00:00");
    assert_eq!(activity.action().as_str(), "storage.objects.get");
    assert_eq!(activity.app().name().as_str(), "storage.googleapis.com");
    assert_eq!(activity.app().suite().unwrap().as_str(), "Google Cloud");
    assert!(has_object(&activity, "projects/_/buckets/salaries/objects/2026.csv"));
    let page = json!({"entries": [entry(person()), entry(person())], "nextPageToken": "x"});
    assert_eq!(read(MAP, page.to_string()).iter().flatten().count(), 2);
}

#[test]
fn d9_principal_email_of_person_is_user() {
    assert_eq!(by(person()), "user adele@contoso.example");
    assert_eq!(by(json!({"principalEmail": "adele@contoso.example"})), "user adele@contoso.example");
    assert_eq!(by(json!({"principalSubject": "user:adele@contoso.example"})), "user adele@contoso.example");
    // An address of a person who chose its local part.
    let look_alike = "x.gserviceaccount.com@contoso.example";
    assert_eq!(by(json!({ "principalEmail": look_alike })), format!("user {look_alike}"));
}

#[test]
fn d9_entry_without_principal_is_unknown() {
    for authentication in
        [json!(null), json!({}), json!({"principalEmail": ""}), json!({"principalEmail": "system:anonymous"})]
    {
        assert_eq!(by(authentication), "unknown");
    }
}

#[test]
fn d7_service_account_is_application() {
    for email in [
        SERVICE,
        "service-123456@compute-system.iam.gserviceaccount.com",
        "123456-compute@developer.gserviceaccount.com",
        "contoso-prod@appspot.gserviceaccount.com",
        "123456@cloudservices.gserviceaccount.com",
    ] {
        assert_eq!(by(json!({ "principalEmail": email })), format!("application \"{email}\", {email}"));
    }
    let subject = json!({"principalSubject": format!("serviceAccount:{SERVICE}")});
    assert_eq!(by(subject), format!("application \"serviceAccount:{SERVICE}\", {SERVICE}"));
    let workload = "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/subject/build";
    assert_eq!(by(json!({ "principalSubject": workload })), format!("application \"{workload}\""));
    let pod = json!({"principalEmail": "system:serviceaccount:payroll:worker"});
    assert_eq!(by(pod), "application \"system:serviceaccount:payroll:worker\"");
}

#[test]
fn d7_principal_of_platform_is_system() {
    assert_eq!(by(json!({"principalEmail": "system:node:gke-1"})), "system \"system:node:gke-1\"");
    assert_eq!(by(json!({"principalEmail": "system@google.com"})), "system \"system@google.com\"");
    let event = "projects/contoso-prod/logs/cloudaudit.googleapis.com%2Fsystem_event";
    let moved = with(&entry(json!({})), json!({ "logName": event }));
    assert_eq!(actor_of(MAP, &moved), "system \"storage.googleapis.com\"");
    let by_person = with(&entry(person()), json!({ "logName": event }));
    assert_eq!(actor_of(MAP, &by_person), "user adele@contoso.example");
}

#[test]
fn d6_delegate_of_service_account_is_principal() {
    let delegated = json!({
        "principalEmail": SERVICE, "principalSubject": format!("serviceAccount:{SERVICE}"),
        "serviceAccountDelegationInfo": [
            {"firstPartyPrincipal": {"principalEmail": "service-123456@compute-system.iam.gserviceaccount.com"}},
            {"firstPartyPrincipal": {"principalEmail": "adele@contoso.example"}, "principalSubject": "user:adele@contoso.example"}
        ]
    });
    let activity = one(MAP, &entry(delegated));
    assert_eq!(actor(&activity), format!("application \"{SERVICE}\", {SERVICE}"));
    let service = "service-123456@compute-system.iam.gserviceaccount.com";
    let principals = on_behalf_of(&activity);
    assert!(principals.contains(&format!("application \"{service}\", {service}")), "{principals:?}");
    assert!(principals.contains(&"user adele@contoso.example".to_owned()), "{principals:?}");
}

#[test]
fn d9_federated_person_is_user() {
    let pool = "principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/";
    let workforce = json!({ "principalSubject": format!("{pool}adele@contoso.example") });
    assert_eq!(by(workforce), "user adele@contoso.example");
    let name = json!({ "principalSubject": format!("{pool}adele") });
    assert_eq!(by(name), "user Google Cloud:adele");
    let third = json!({"thirdPartyPrincipal": {"thirdPartyClaims": {"iss": "https://login.contoso.example", "email": "adele@contoso.example"}}});
    assert_eq!(by(third), "user adele@contoso.example");
    let delegated = json!({"principalEmail": SERVICE, "serviceAccountDelegationInfo": [
        {"principalSubject": format!("{pool}adele@contoso.example")},
        {"thirdPartyPrincipal": {"thirdPartyClaims": {"email": "alex@contoso.example"}}}
    ]});
    let principals = on_behalf_of(&one(MAP, &entry(delegated)));
    assert_eq!(principals, ["user adele@contoso.example", "user alex@contoso.example"]);
}

#[test]
fn d6_kubernetes_impersonation_names_both() {
    let mut record =
        entry(json!({"principalEmail": "adele@contoso.example", "authoritySelector": "alex@contoso.example"}));
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example"]);
    record["protoPayload"]["serviceName"] = json!("k8s.io");
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example", "user alex@contoso.example"]);
}

#[test]
fn d9_older_shapes_name_same_person() {
    let mut exported = entry(json!(null));
    exported["protopayload_auditlog"] = entry(person())["protoPayload"].clone();
    exported.as_object_mut().unwrap().remove("protoPayload");
    assert_eq!(actor_of(MAP, &exported), "user adele@contoso.example");
    let mut legacy = entry(json!(null));
    legacy.as_object_mut().unwrap().remove("protoPayload");
    legacy["jsonPayload"] = json!({"event_type": "GCE_API_CALL", "event_subtype": "compute.instances.insert", "actor": {"user": "adele@contoso.example"}});
    assert_eq!(actor_of(MAP, &legacy), "user adele@contoso.example");
    legacy["jsonPayload"]["actor"]["user"] = json!(SERVICE);
    assert_eq!(actor_of(MAP, &legacy), format!("application \"{SERVICE}\", {SERVICE}"));
}

#[test]
fn d9_row_of_table_names_same_persons() {
    let activity = one(TABLE, &row());
    assert_eq!(
        (super::reading::source_id(&activity), activity.occurred_at().timestamp()),
        ("1a2b3c4d5e", 1_772_439_330)
    );
    assert_eq!(actor(&activity), "user adele@contoso.example");
    let delegation = json!([{"firstPartyPrincipal": {"principalEmail": "adele@contoso.example"}}]).to_string();
    let delegated = with(
        &row(),
        json!({
            "payload_authenticationInfo_principalEmail_s": SERVICE, "payload_authenticationInfo_serviceAccountDelegationInfo_s": delegation
        }),
    );
    assert_eq!(
        principals_of(TABLE, &delegated),
        [format!("application \"{SERVICE}\", {SERVICE}"), "user adele@contoso.example".to_owned()]
    );
}

#[test]
fn b1_log_entry_without_audit_record_is_rejected() {
    let mut text = entry(json!(null));
    text.as_object_mut().unwrap().remove("protoPayload");
    text["textPayload"] = json!("started");
    assert!(rejection(MAP, &text).contains("audit record"));
}
