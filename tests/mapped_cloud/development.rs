//! Audit logs of GitLab and Snyk.

use serde_json::{Value, json};

use crate::reading::{actor_of, has_object, one, principals_of, with};

const GITLAB: &str = "gitlab_audit";
const SNYK: &str = "snyk_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(GITLAB, gitlab()), (SNYK, snyk())]
}

fn gitlab() -> Value {
    json!({
        "id": 1, "author_id": 104, "author_name": "Adele Vance", "entity_id": 29, "entity_type": "Project", "entity_path": "hr/payroll",
        "details": {"author_name": "Adele Vance", "author_class": "User", "target_id": 105, "target_type": "User",
            "target_details": "alex.wilber", "custom_message": "Added user"},
        "ip_address": "192.0.2.17", "target_details": "alex.wilber", "created_at": "2026-03-02T08:15:30.125Z",
        "target_type": "User", "target_id": 105, "event_type": "member_created"
    })
}

fn snyk() -> Value {
    json!({
        "groupId": "8f0d2c3b-1555-4444-b000-a1b2c3d4e5f6", "orgId": "21d2c3b0-a222-4eee-8ddd-a1b2c3d4e5f6",
        "userId": "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6", "projectId": null, "event": "group.user.role.edit",
        "content": {"userPublicId": "cc1d2c3b-3333-4ddd-8ccc-a1b2c3d4e5f6", "email": "alex@contoso.example"},
        "created": "2026-03-02T08:15:30.125Z"
    })
}

#[test]
fn b1_records_of_development_have_fields() {
    for (map, record, action) in [(GITLAB, gitlab(), "member_created"), (SNYK, snyk(), "group.user.role.edit")] {
        let activity = one(map, &record);
        assert_eq!((activity.action().as_str(), activity.occurred_at().timestamp()), (action, 1_772_439_330), "{map}");
    }
    let log = json!({
        "severity": "INFO", "time": "2026-03-02T08:15:30.125Z", "author_id": 104, "author_name": "Adele Vance",
        "entity_id": 29, "entity_type": "User", "change": "email", "target_id": 105, "target_type": "User", "custom_message": "Changed email"
    });
    let activity = one(GITLAB, &log);
    assert_eq!((activity.action().as_str(), activity.actor().label()), ("email", "104"));
}

#[test]
fn d9_gitlab_author_by_id_and_class() {
    assert_eq!(principals_of(GITLAB, &gitlab()), ["user GitLab:104, userkey:Adele Vance"]);
    assert!(has_object(&one(GITLAB, &gitlab()), "alex.wilber"));
    let mail = with(&gitlab(), json!({"details": {"author_email": "adele@contoso.example"}}));
    assert_eq!(actor_of(GITLAB, &mail), "user adele@contoso.example, GitLab:104, userkey:Adele Vance");
    assert_eq!(
        actor_of(GITLAB, &with(&gitlab(), json!({"author_id": -1, "author_name": "An unauthenticated user"}))),
        "unknown"
    );
    let token =
        with(&gitlab(), json!({"author_id": -2, "author_name": "deploy", "details": {"author_class": "DeployToken"}}));
    assert_eq!(actor_of(GITLAB, &token), "application \"deploy\"");
    let impersonated = with(&gitlab(), json!({"details": {"impersonated_by": "megan@contoso.example"}}));
    assert_eq!(principals_of(GITLAB, &impersonated)[1..], ["user megan@contoso.example"]);
}

#[test]
fn d9_snyk_record_without_user_is_unknown() {
    // The id is one of Snyk, not one of the directory.
    assert_eq!(principals_of(SNYK, &snyk()), ["user Snyk:0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6"]);
    assert!(has_object(&one(SNYK, &snyk()), "alex@contoso.example"));
    assert_eq!(principals_of(SNYK, &with(&snyk(), json!({"userId": null}))), ["unknown"]);
}
