//! Audit logs of Anthropic and OpenAI.

use serde_json::{Value, json};

use crate::reading::{actor_of, has_object, one, principals_of, read, with};

const ANTHROPIC: &str = "anthropic_activity";
const OPENAI: &str = "openai_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(ANTHROPIC, anthropic()), (OPENAI, openai())]
}

fn anthropic() -> Value {
    json!({
        "id": "activity_01EXAMPLE", "created_at": "2026-03-02T08:15:30Z", "organization_id": "org_01EXAMPLE",
        "type": "claude_user_removed", "deleted_user_email": "alex@contoso.example",
        "actor": {"type": "user_actor", "email_address": "adele@contoso.example", "user_id": "user_01EXAMPLE", "ip_address": "192.0.2.17"}
    })
}

fn openai() -> Value {
    json!({
        "id": "audit_log-1", "type": "role.assignment.created", "effective_at": 1_772_439_330, "object": "organization.audit_log",
        "actor": {"type": "session", "session": {"user": {"id": "user-104", "email": "adele@contoso.example"}, "ip_address": "192.0.2.17"}},
        "role_assignment_created": {"id": "r-1", "principal_id": "user-105", "principal_type": "user"}
    })
}

#[test]
fn b1_records_of_ai_platforms_have_fields() {
    for (map, record, id, action) in [
        (ANTHROPIC, anthropic(), "activity_01EXAMPLE", "claude_user_removed"),
        (OPENAI, openai(), "audit_log-1", "role.assignment.created"),
    ] {
        let activity = one(map, &record);
        assert_eq!((super::reading::source_id(&activity), activity.action().as_str()), (id, action));
        assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
        let page = json!({"object": "list", "data": [record.clone(), record], "has_more": false});
        assert_eq!(read(map, page.to_string()).iter().flatten().count(), 2, "{map}");
    }
}

#[test]
fn d9_anthropic_user_acts_and_removed_user_not() {
    assert_eq!(principals_of(ANTHROPIC, &anthropic()), ["user adele@contoso.example, Claude:user_01EXAMPLE"]);
    assert!(has_object(&one(ANTHROPIC, &anthropic()), "alex@contoso.example"));
}

#[test]
fn d7_anthropic_key_and_sync_are_applications() {
    let by = |actor: Value| {
        let mut record = anthropic();
        record["actor"] = actor;
        actor_of(ANTHROPIC, &record)
    };
    assert_eq!(by(json!({"type": "api_actor", "api_key_id": "apikey_01"})), "application \"apikey_01\"");
    assert_eq!(
        by(json!({"type": "admin_api_key_actor", "admin_api_key_id": "apikey_02"})),
        "application \"apikey_02\""
    );
    assert_eq!(by(json!({"type": "scim_directory_sync_actor"})), "application \"scim_directory_sync_actor\"");
    assert_eq!(by(json!({"type": "anthropic_actor"})), "system \"anthropic_actor\"");
    let unauthenticated =
        json!({"type": "unauthenticated_user_actor", "unauthenticated_email_address": "adele@contoso.example"});
    assert_eq!(by(unauthenticated), "user adele@contoso.example");
    assert_eq!(by(json!({"type": "unauthenticated_user_actor", "ip_address": "192.0.2.17"})), "unknown");
    assert_eq!(by(json!(null)), "unknown");
}

#[test]
fn d6_openai_key_of_user_acts_as_user() {
    assert_eq!(principals_of(OPENAI, &openai()), ["user adele@contoso.example, OpenAI:user-104"]);
    let key = |key: Value| {
        let mut record = openai();
        record["actor"] = json!({"type": "api_key", "api_key": key});
        actor_of(OPENAI, &record)
    };
    let of_user = json!({"id": "key_1", "type": "user", "user": {"id": "user-104", "email": "adele@contoso.example"}});
    assert_eq!(key(of_user), "user adele@contoso.example, OpenAI:user-104");
    let of_service = json!({"id": "key_2", "type": "service_account", "service_account": {"id": "sa-archive"}});
    assert_eq!(key(of_service), "application \"sa-archive\"");
    assert_eq!(key(json!({"id": "key_3"})), "unknown");
    assert_eq!(actor_of(OPENAI, &with(&openai(), json!({"actor": null}))), "unknown");
}
