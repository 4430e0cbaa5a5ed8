//! Documents of the Elastic Common Schema: nested, dotted, and as Elasticsearch returns them.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const MAP: &str = "ecs";
const SID: &str = "S-1-5-21-1004336348-1177238915-682003330-1104";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, document()), (MAP, dotted())]
}

fn document() -> Value {
    json!({
        "@timestamp": "2026-03-02T08:15:30.125Z", "ecs": {"version": "8.11.0"},
        "event": {
            "action": "user.account.update_profile", "category": ["iam"], "dataset": "okta.system", "kind": "event",
            "module": "okta", "outcome": "success", "type": ["user", "change"]
        },
        "user": {
            "email": "adele@contoso.example", "id": "00u1abcd", "name": "adele.vance", "full_name": "Adele Vance",
            "target": {"id": "00u2efgh", "email": "alex@contoso.example", "name": "alex.wilber"}
        },
        "related": {"user": ["adele.vance", "alex.wilber", "Alex Wilber"]},
        "source": {"ip": "192.0.2.17"}
    })
}

fn dotted() -> Value {
    json!({
        "@timestamp": "2026-03-02T08:15:30.125Z", "ecs.version": "8.11.0", "event.action": "user.account.update_profile",
        "event.category": ["iam"], "event.kind": "event", "event.module": "okta", "user.email": "adele@contoso.example",
        "user.id": "00u1abcd", "user.name": "adele.vance", "user.target.email": "alex@contoso.example",
        "related.user": ["adele.vance", "alex.wilber"]
    })
}

/// Returns a document of a host with this user.
fn host(user: Value) -> Value {
    let mut record = document();
    record["event"] = json!({"action": "logged-in", "module": "system", "dataset": "system.auth", "kind": "event"});
    record["user"] = user;
    record
}

#[test]
fn b1_ecs_document_has_id_time_action_app() {
    let hit = json!({"_index": "logs-okta.system-default", "_id": "aBcDeFg", "_source": document()});
    let activity = one(MAP, &hit);
    assert_eq!(super::reading::source_id(&activity), "aBcDeFg");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("user.account.update_profile", "Okta"));
    assert!(has_object(&activity, "alex@contoso.example"));
    // Documents can share the id of an event, of which they are parts.
    let (mut one_part, mut other) = (document(), document());
    one_part["event"]["id"] = json!("e-1");
    other["event"]["id"] = json!("e-1");
    other["event"]["action"] = json!("user.account.lock");
    assert_ne!(one(MAP, &one_part).id(), one(MAP, &other).id());
    assert_eq!(one(MAP, &one_part).id(), one(MAP, &one_part).id());
}

#[test]
fn d9_user_acts_and_target_does_not() {
    let activity = one(MAP, &document());
    assert_eq!(actor(&activity), "user adele@contoso.example, ECS:adele.vance, ECS:00u1abcd");
    assert_eq!(on_behalf_of(&activity), [""; 0]);
}

#[test]
fn d9_dotted_names_are_read_like_nested() {
    assert_eq!(actor_of(MAP, &dotted()), "user adele@contoso.example, ECS:adele.vance, ECS:00u1abcd");
    for mixed in [
        json!({"@timestamp": "2026-03-02T08:15:30Z", "event": {"module": "okta", "action": "x"}, "user.name": "adele.vance"}),
        json!({"@timestamp": "2026-03-02T08:15:30Z", "event.module": "okta", "event.action": "x", "user": {"name": "adele.vance"}}),
        json!({"@timestamp": "2026-03-02T08:15:30Z", "event": {"module": "okta"}, "event.action": "x", "user": {"name": ["adele.vance"]}}),
    ] {
        assert_eq!(actor_of(MAP, &mixed), "user ECS:adele.vance", "{mixed}");
    }
    let effective = json!({
        "@timestamp": "2026-03-02T08:15:30Z", "event.module": "okta", "event.action": "impersonate", "user.name": "adele.vance",
        "user": {"effective.name": "alex.wilber"}
    });
    assert_eq!(principals_of(MAP, &effective), ["user ECS:adele.vance", "user ECS:alex.wilber"]);
    let alert = json!({
        "@timestamp": "2026-03-02T08:15:30Z", "event": {"kind": "alert", "action": "x"}, "rule.name": "Travel",
        "user.email": "adele@contoso.example"
    });
    assert_eq!(principals_of(MAP, &alert), ["application \"Travel\"", "user adele@contoso.example"]);
}

#[test]
fn d6_effective_user_is_a_principal_too() {
    let record =
        with(&document(), json!({"user": {"effective": {"name": "alex.wilber", "email": "alex@contoso.example"}}}));
    assert_eq!(on_behalf_of(&one(MAP, &record)), ["user alex@contoso.example, ECS:alex.wilber"]);
    let sudo = host(json!({"name": "adele", "id": "1001", "effective": {"name": "root", "id": "0"}}));
    assert_eq!(principals_of(MAP, &sudo), ["user adele, userkey:1001"]);
}

#[test]
fn d6_changes_of_a_user_are_objects() {
    let record = with(&document(), json!({"user": {"changes": {"name": "alex.w", "email": "alex.w@contoso.example"}}}));
    let activity = one(MAP, &record);
    assert_eq!(on_behalf_of(&activity), [""; 0]);
    assert!(has_object(&activity, "alex.w@contoso.example"));
}

#[test]
fn d9_user_of_client_or_source_acts() {
    let mut record = document();
    record.as_object_mut().unwrap().remove("user");
    record["client"] = json!({"user": {"email": "adele@contoso.example"}});
    record["destination"] = json!({"user": {"email": "megan@contoso.example"}});
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example"]);
    record["source"] = json!({"user": {"name": "alex.wilber"}});
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example", "user ECS:alex.wilber"]);
    record.as_object_mut().unwrap().remove("client");
    assert_eq!(principals_of(MAP, &record), ["user ECS:alex.wilber"]);
    // Beside the user, they are principals if they are others.
    record["user"] = json!({"name": "adele.vance"});
    assert_eq!(principals_of(MAP, &record), ["user ECS:adele.vance", "user ECS:alex.wilber"]);
    record["source"]["user"]["name"] = json!("adele.vance");
    assert_eq!(principals_of(MAP, &record), ["user ECS:adele.vance"]);
}

#[test]
fn d9_related_or_destination_user_is_no_actor() {
    let mut record = document();
    record.as_object_mut().unwrap().remove("user");
    record["destination"] = json!({"user": {"email": "megan@contoso.example"}});
    assert_eq!(principals_of(MAP, &record), ["unknown"]);
}

#[test]
fn d9_windows_account_has_name_and_sid() {
    let record = host(json!({"name": "adele", "domain": "CONTOSO", "id": SID}));
    assert_eq!(actor_of(MAP, &record), format!("user adele, sid:{SID}"));
    let number = host(json!({"name": "adele", "id": "1001"}));
    assert_eq!(actor_of(MAP, &number), "user adele, userkey:1001");
}

#[test]
fn d7_system_account_is_system() {
    for user in [
        json!({"name": "SYSTEM", "domain": "NT AUTHORITY", "id": "S-1-5-18"}),
        json!({"name": "SYSTEM", "domain": "NT-AUTORITÄT"}),
        json!({"name": "LOCAL SERVICE", "id": "S-1-5-19"}),
        json!({"name": "DWM-1", "domain": "Window Manager", "id": "S-1-5-90-0-1"}),
    ] {
        assert!(actor_of(MAP, &host(user.clone())).starts_with("system"), "{user}");
    }
    // An account can have this name in another service.
    assert!(
        actor_of(MAP, &with(&document(), json!({"user": {"name": "system", "email": null, "id": null}})))
            .starts_with("user")
    );
    let service = with(&document(), json!({"user": {"email": "job@contoso-prod.iam.gserviceaccount.com"}}));
    assert!(actor_of(MAP, &service).starts_with("application \"job@contoso-prod.iam.gserviceaccount.com\""));
}

#[test]
fn d9_root_is_unknown_without_login_user() {
    assert_eq!(actor_of(MAP, &host(json!({"name": "root", "id": "0"}))), "unknown");
    assert_eq!(
        actor_of(MAP, &host(json!({"name": "root", "id": "0", "audit": {"name": "adele", "id": "1001"}}))),
        "user adele, userkey:1001"
    );
    let mut record = host(json!({"name": "root", "id": "0"}));
    record["process"] = json!({"name": "cat", "real_user": {"name": "adele", "id": "1001"}});
    assert_eq!(actor_of(MAP, &record), "user adele, userkey:1001");
}

#[test]
fn d9_anonymous_user_is_unknown() {
    for name in ["Anonymous", "unknown"] {
        let record = with(&document(), json!({"user": {"email": null, "id": "-2", "name": name}}));
        assert_eq!(actor_of(MAP, &record), "unknown");
    }
}

#[test]
fn d6_alert_is_about_its_user() {
    for kind in ["alert", "signal"] {
        let mut record = document();
        record["event"]["kind"] = json!(kind);
        record["rule"] = json!({"name": "Unusual travel"});
        let activity = one(MAP, &record);
        assert_eq!(actor(&activity), "application \"okta\"");
        assert_eq!(on_behalf_of(&activity), ["user adele@contoso.example, ECS:adele.vance, ECS:00u1abcd"]);
        // Without a user, everyone in it counts.
        record.as_object_mut().unwrap().remove("user");
        record["message"] = json!("sent to alex@contoso.example");
        assert!(on_behalf_of(&one(MAP, &record)).iter().any(|principal| principal.contains("alex@contoso.example")));
    }
}

#[test]
fn d9_pipeline_error_is_unknown_with_everyone() {
    let mut record = document();
    record["event"]["kind"] = json!("pipeline_error");
    record["error"] = json!({"message": "field [x] not present"});
    let activity = one(MAP, &record);
    assert_eq!(actor(&activity), "unknown");
    assert!(on_behalf_of(&activity).iter().any(|principal| principal.contains("adele@contoso.example")));
}

#[test]
fn b1_measurements_and_inventories_are_rejected() {
    for kind in ["metric", "state", "asset"] {
        let mut record = document();
        record["event"]["kind"] = json!(kind);
        assert!(rejection(MAP, &record).contains("inventory"));
    }
}

#[test]
fn d9_session_of_aws_role_is_the_person() {
    let mut record = document();
    record["event"] = json!({"action": "PutBucketPolicy", "module": "aws", "dataset": "aws.cloudtrail", "kind": "event", "provider": "s3.amazonaws.com"});
    record["user"] = json!({"id": "AROAEXAMPLE:adele@contoso.example", "name": "Auditor"});
    record["aws"] = json!({"cloudtrail": {"user_identity": {
        "type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/Auditor/adele@contoso.example"
    }}});
    assert_eq!(actor_of(MAP, &record), "user adele@contoso.example");
    record["user"]["id"] = json!("AROAEXAMPLE:i-0123456789abcdef0");
    assert!(actor_of(MAP, &record).starts_with("application"));
    record["aws"]["cloudtrail"]["user_identity"] = json!({"type": "AWSService", "invoked_by": "ec2.amazonaws.com"});
    record.as_object_mut().unwrap().remove("user");
    assert_eq!(actor_of(MAP, &record), "application \"ec2.amazonaws.com\"");
}

#[test]
fn d7_entra_ids_are_ids_of_directory() {
    let id = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";
    let mut record = document();
    record["event"]["module"] = json!("o365");
    record["user"] = json!({"id": id, "name": "adele@contoso.example"});
    assert_eq!(actor_of(MAP, &record), format!("user adele@contoso.example, id:{id}"));
    // An id of another service is not one of the directory.
    record["event"]["module"] = json!("snyk");
    record["user"] = json!({ "id": id });
    assert_eq!(actor_of(MAP, &record), format!("user ECS:{id}"));
    let page = format!("{}\n{}\n", document(), dotted());
    assert_eq!(read(MAP, page).iter().flatten().count(), 2);
}
