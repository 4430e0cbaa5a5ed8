//! Events of the Open Cybersecurity Schema Framework 1.x.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, with};

const MAP: &str = "ocsf";
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, api()), (MAP, login())]
}

/// Returns an event of a class, without actor and user.
fn event(class: u64, class_name: &str, activity_name: &str) -> Value {
    json!({
        "activity_id": 1, "activity_name": activity_name, "category_uid": class / 1000, "class_uid": class,
        "class_name": class_name, "metadata": {
            "version": "1.3.0", "uid": "e-1", "product": {"name": "Workspace Gateway", "vendor_name": "Contoso"},
            "original_time": "2026-03-02T08:15:30Z"
        },
        "severity_id": 1, "status_id": 1, "time": 1_772_439_330_125_i64, "type_uid": class * 100 + 1,
        "type_name": format!("{class_name}: {activity_name}")
    })
}

fn adele() -> Value {
    json!({"name": "adele.vance", "uid": "u-104", "email_addr": "adele@contoso.example", "type_id": 1, "type": "User"})
}

fn api() -> Value {
    let mut record = event(6003, "API Activity", "Read");
    record["actor"] = json!({"user": adele()});
    record["api"] = json!({"operation": "GetDocument", "service": {"name": "documents"}});
    record
}

fn login() -> Value {
    let mut record = event(3002, "Authentication", "Logon");
    record["user"] = adele();
    record
}

/// Returns an API activity of AWS CloudTrail in Amazon Security Lake, by this user.
fn aws(user: Value) -> Value {
    let mut record = api();
    record["metadata"]["product"] = json!({"name": "CloudTrail", "vendor_name": "AWS"});
    record["actor"] = json!({"user": user, "session": {"issuer": "arn:aws:iam::111122223333:role/Auditor"}});
    record
}

#[test]
fn b1_ocsf_event_has_id_time_action_app() {
    let activity = one(MAP, &api());
    assert_eq!((super::reading::source_id(&activity), activity.action().as_str()), ("e-1", "GetDocument"));
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    assert_eq!(activity.app().name().as_str(), "Workspace Gateway");
    assert_eq!(one(MAP, &login()).action().as_str(), "Authentication: Logon");
    let text = with(&api(), json!({"time_dt": "2026-03-02T09:15:30+01:00"}));
    assert_eq!(one(MAP, &text).occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
}

#[test]
fn d9_actor_user_acts_in_api_activity() {
    assert_eq!(principals_of(MAP, &api()), ["user adele@contoso.example, OCSF:adele.vance, OCSF:u-104"]);
}

#[test]
fn d9_user_is_target_in_account_change() {
    for (class, name) in [(3001, "Account Change"), (3005, "User Access Management"), (3006, "Group Management")] {
        let mut record = event(class, name, "Update");
        record["user"] = json!({"name": "alex.wilber", "email_addr": "alex@contoso.example"});
        assert_eq!(principals_of(MAP, &record), ["unknown"], "{name}");
        record["actor"] = json!({"user": {"email_addr": "adele@contoso.example"}});
        let activity = one(MAP, &record);
        assert_eq!(actor(&activity), "user adele@contoso.example");
        assert!(has_object(&activity, "alex@contoso.example"));
    }
}

#[test]
fn d9_user_is_actor_in_authentication() {
    assert!(actor_of(MAP, &login()).starts_with("user adele@contoso.example"));
    // The user who asked for it acts as well.
    let mut record = login();
    record["actor"] = json!({"user": {"name": "alex.wilber"}});
    assert_eq!(on_behalf_of(&one(MAP, &record)), ["user OCSF:alex.wilber"]);
    record["actor"] = json!({"user": {"name": "SYSTEM", "uid": "S-1-5-18", "domain": "NT AUTHORITY"}, "process": {"name": "lsass.exe"}});
    assert_eq!(on_behalf_of(&one(MAP, &record)), [""; 0]);
    let mut privileges = event(3003, "Authorize Session", "Assign Privileges");
    privileges["user"] = adele();
    assert!(actor_of(MAP, &privileges).starts_with("user adele@contoso.example"));
}

#[test]
fn d6_user_of_process_is_a_principal() {
    let mut record = event(1001, "File System Activity", "Delete");
    record["actor"] =
        json!({"process": {"name": "explorer.exe", "user": {"name": "adele", "domain": "CONTOSO", "uid": SID}}});
    assert!(actor_of(MAP, &record).contains(&format!("sid:{SID}")));
    record["actor"]["user"] = json!({"email_addr": "alex@contoso.example"});
    let activity = one(MAP, &record);
    assert_eq!(actor(&activity), "user alex@contoso.example");
    assert!(on_behalf_of(&activity)[0].contains("adele"));
    record["actor"] = json!({"process": {"name": "services.exe", "user": {"name": "SYSTEM", "uid": "S-1-5-18"}}});
    assert_eq!(actor_of(MAP, &record), "system \"SYSTEM\"");
}

#[test]
fn d7_application_acts_only_without_user() {
    let mut record = api();
    record["actor"] = json!({"app_name": "Contoso Archive", "app_uid": "app-1", "idp": {"name": "Contoso ID"}});
    assert_eq!(actor_of(MAP, &record), "application \"Contoso Archive\"");
    record["actor"] = json!({"invoked_by": "backup.contoso.example"});
    assert_eq!(actor_of(MAP, &record), "application \"backup.contoso.example\"");
    record["actor"] = json!({"invoked_by": "backup.contoso.example", "app_name": "Archive", "user": {"email_addr": "adele@contoso.example"}});
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example"]);
    record["actor"] = json!({"invoked_by": "backup.contoso.example", "user": {"type": "User", "type_id": 1}});
    assert_eq!(actor_of(MAP, &record), "unknown", "a user without name");
    record["actor"] = json!({"idp": {"name": "Contoso ID", "uid": "idp-1"}, "session": {"uid": "s-1"}});
    assert_eq!(actor_of(MAP, &record), "unknown");
}

#[test]
fn d7_type_of_user_shows_system_and_service() {
    let mut record = api();
    record["actor"]["user"] = json!({"name": "HOST$", "type_id": 3, "type": "System"});
    assert_eq!(actor_of(MAP, &record), "system \"HOST$\"");
    record["actor"]["user"] = json!({"name": "archive", "type_id": 4, "type": "Service"});
    assert_eq!(actor_of(MAP, &record), "application \"archive\"");
    record["actor"]["user"] = json!({"name": "adele.vance", "type_id": 2, "type": "Admin"});
    assert_eq!(actor_of(MAP, &record), "user OCSF:adele.vance");
}

#[test]
fn d9_windows_and_entra_users_have_their_ids() {
    let mut record = api();
    record["actor"]["user"] = json!({"name": "adele", "domain": "CONTOSO", "uid": SID});
    assert_eq!(actor_of(MAP, &record), format!("user adele, sid:{SID}"));
    let id = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";
    record["actor"]["user"] = json!({"name": "adele@contoso.example", "uid": id});
    assert_eq!(actor_of(MAP, &record), format!("user adele@contoso.example, OCSF:{id}"));
    record["metadata"]["product"]["vendor_name"] = json!("Microsoft");
    assert_eq!(actor_of(MAP, &record), format!("user adele@contoso.example, id:{id}"));
}

#[test]
fn d9_session_of_aws_role_is_the_person() {
    let arn = |session: &str| format!("arn:aws:sts::111122223333:assumed-role/Auditor/{session}");
    for user in [
        json!({"type": "AssumedRole", "uid": arn("adele@contoso.example"), "uid_alt": "AROAEXAMPLE:adele@contoso.example"}),
        json!({"type": "AssumedRole", "uid": "AROAEXAMPLE:adele@contoso.example", "uuid": arn("adele@contoso.example")}),
        json!({"type": "AssumedRole", "uid": "AROAEXAMPLE:adele@contoso.example"}),
    ] {
        assert_eq!(actor_of(MAP, &aws(user)), "user adele@contoso.example");
    }
    let plain = json!({"type": "AssumedRole", "uid": arn("adele"), "uid_alt": "AROAEXAMPLE:adele"});
    assert_eq!(actor_of(MAP, &aws(plain.clone())), "user AWS session:adele");
    let mut source = aws(plain);
    source["unmapped"] = json!({"userIdentity": {"sessionContext": {"sourceIdentity": "alex@contoso.example"}}});
    assert_eq!(actor_of(MAP, &source), "user alex@contoso.example, AWS session:adele");
    let instance =
        json!({"type": "AssumedRole", "uid": arn("i-0123456789abcdef0"), "uid_alt": "AROAEXAMPLE:i-0123456789abcdef0"});
    assert_eq!(actor_of(MAP, &aws(instance)), "application \"arn:aws:iam::111122223333:role/Auditor\"");
    let user = json!({"type": "IAMUser", "name": "adele", "uid": "arn:aws:iam::111122223333:user/adele", "uid_alt": "AIDAEXAMPLE"});
    assert_eq!(actor_of(MAP, &aws(user)), "user AWS:adele, userkey:AIDAEXAMPLE");
    let hidden = json!({"type": "IAMUser", "name": "HIDDEN_DUE_TO_SECURITY_REASONS"});
    assert_eq!(actor_of(MAP, &aws(hidden)), "unknown");
}

#[test]
fn d7_aws_service_is_application() {
    let mut record = aws(json!({"type": "AWSService"}));
    record["actor"]["invoked_by"] = json!("ec2.amazonaws.com");
    assert_eq!(actor_of(MAP, &record), "application \"ec2.amazonaws.com\"");
}

#[test]
fn d6_finding_is_about_its_persons() {
    for class in [2001, 2004, 2006] {
        let mut record = event(class, "Detection Finding", "Create");
        record["finding_info"] = json!({"title": "Mass download", "uid": "f-1"});
        record["evidences"] = json!([
            {"actor": {"user": {"email_addr": "adele@contoso.example"}}},
            {"actor": {"process": {"user": {"name": "SYSTEM", "uid": "S-1-5-18"}}}}
        ]);
        let activity = one(MAP, &record);
        assert_eq!(actor(&activity), "application \"Workspace Gateway\"", "{class}");
        assert_eq!(on_behalf_of(&activity), ["user adele@contoso.example"]);
        // Without a user, everyone in it counts.
        record.as_object_mut().unwrap().remove("evidences");
        record["message"] = json!("Files of alex@contoso.example were downloaded");
        assert!(on_behalf_of(&one(MAP, &record)).iter().any(|principal| principal.contains("alex@contoso.example")));
        // The category is not in every event.
        record.as_object_mut().unwrap().remove("category_uid");
        assert_eq!(actor_of(MAP, &record), "application \"Workspace Gateway\"");
    }
}

#[test]
fn d9_event_without_actor_is_unknown() {
    for (class, name) in [
        (6001, "Web Resources Activity"),
        (3004, "Entity Management"),
        (4001, "Network Activity"),
        (6006, "File Hosting Activity"),
    ] {
        let mut record = event(class, name, "Create");
        record["web_resources"] = json!([{"name": "Salaries", "url_string": "https://contoso.example/salaries"}]);
        record["entity"] = json!({"name": "alex.wilber", "type": "User"});
        record["observables"] = json!([{"name": "user", "type": "User Name", "value": "alex.wilber"}]);
        assert_eq!(principals_of(MAP, &record), ["unknown"], "{name}");
    }
}

#[test]
fn d9_sender_acts_when_mail_is_sent() {
    let mut record = event(4009, "Email Activity", "Send");
    record["email"] = json!({"from": "adele@contoso.example", "to": ["alex@contoso.example"], "subject": "Salaries"});
    assert_eq!(actor_of(MAP, &record), "user adele@contoso.example");
    record["activity_id"] = json!(2);
    assert_eq!(actor_of(MAP, &record), "unknown");
}
