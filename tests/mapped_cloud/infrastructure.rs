//! Audit logs of Cloudflare, MongoDB Atlas, Snowflake, Tailscale and Teleport.

use serde_json::{Value, json};

use crate::reading::{actor_of, has_object, one, principals_of, read, with};

const CLOUDFLARE: &str = "cloudflare_audit";
const LOGPUSH: &str = "cloudflare_audit_logpush";
const ATLAS: &str = "mongodb_atlas_events";
const LOGINS: &str = "snowflake_login_history";
const QUERIES: &str = "snowflake_query_history";
const TAILSCALE: &str = "tailscale_audit";
const STREAM: &str = "tailscale_audit_stream";
const TELEPORT: &str = "teleport_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![
        (CLOUDFLARE, cloudflare()),
        (LOGPUSH, logpush()),
        (ATLAS, atlas()),
        (LOGINS, login()),
        (QUERIES, query()),
        (TAILSCALE, tailscale()),
        (STREAM, stream()),
        (TELEPORT, teleport()),
    ]
}

fn cloudflare() -> Value {
    json!({
        "action": {"result": true, "type": "rotate_API_key"},
        "actor": {"email": "adele@contoso.example", "id": "f6b5de0326bb5182b8a4840ee01ec774", "ip": "192.0.2.17", "type": "user"},
        "id": "d5b0f326-1232-4452-8858-1089bd7168ef", "interface": "UI", "metadata": {"zone_name": "contoso.example"},
        "owner": {"id": "o-1"}, "resource": {"id": "r-1", "type": "account"}, "when": "2026-03-02T08:15:30Z"
    })
}

fn logpush() -> Value {
    json!({
        "ActionResult": true, "ActionType": "login", "ActorEmail": "adele@contoso.example", "ActorID": "f6b5de03", "ActorIP": "192.0.2.17",
        "ActorType": "user", "ID": "d5b0f326-1232-4452-8858-1089bd7168ef", "Interface": "", "Metadata": {}, "NewValue": {}, "OldValue": {},
        "OwnerID": "o-1", "ResourceID": "r-1", "ResourceType": "user", "When": "2026-03-02T08:15:30Z"
    })
}

fn atlas() -> Value {
    json!({
        "id": "65e2f1a0b2c3d4e5f6a7b8c9", "created": "2026-03-02T08:15:30Z", "eventTypeName": "USER_ROLES_CHANGED_AUDIT",
        "isGlobalAdmin": false, "orgId": "o-1", "remoteAddress": "192.0.2.17", "targetUsername": "alex@contoso.example",
        "userId": "5f1d2c3b4a59", "username": "adele@contoso.example"
    })
}

fn login() -> Value {
    json!({
        "EVENT_ID": "1", "EVENT_TIMESTAMP": "2026-03-02 08:15:30.125", "EVENT_TYPE": "LOGIN", "USER_NAME": "ADELE",
        "CLIENT_IP": "192.0.2.17", "REPORTED_CLIENT_TYPE": "OTHER", "FIRST_AUTHENTICATION_FACTOR": "PASSWORD", "IS_SUCCESS": "YES"
    })
}

fn query() -> Value {
    json!({
        "QUERY_ID": "01b2", "QUERY_TEXT": "select * from salaries", "QUERY_TYPE": "SELECT", "USER_NAME": "adele@contoso.example",
        "ROLE_NAME": "HR", "DATABASE_NAME": "PAYROLL", "START_TIME": "2026-03-02T08:15:30.125Z"
    })
}

fn tailscale() -> Value {
    json!({
        "eventTime": "2026-03-02T08:15:30.125Z", "type": "CONFIG", "eventGroupID": "g-1", "origin": "ADMIN_CONSOLE",
        "actor": {"id": "uAdeleCNTRL", "type": "USER", "loginName": "adele@contoso.example", "displayName": "Adele Vance"},
        "target": {"id": "uAlexCNTRL", "name": "alex@contoso.example", "type": "USER", "property": "USER_ROLE"}, "action": "UPDATE"
    })
}

fn stream() -> Value {
    json!({"time": 1_772_439_330.125, "event": tailscale(), "fields": {"recorded": "2026-03-02T08:15:31Z"}})
}

fn teleport() -> Value {
    json!({
        "event": "session.start", "code": "T2000I", "time": "2026-03-02T08:15:30.125Z", "uid": "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6",
        "ei": 0, "user": "adele@contoso.example", "login": "root", "user_kind": 1, "server_hostname": "payroll", "sid": "s-1", "cluster_name": "contoso"
    })
}

#[test]
fn b1_records_of_infrastructure_have_fields() {
    for (map, record, action) in [
        (CLOUDFLARE, cloudflare(), "rotate_API_key"),
        (LOGPUSH, logpush(), "login"),
        (ATLAS, atlas(), "USER_ROLES_CHANGED_AUDIT"),
        (LOGINS, login(), "LOGIN"),
        (QUERIES, query(), "SELECT"),
        (TAILSCALE, tailscale(), "UPDATE"),
        (STREAM, stream(), "UPDATE"),
        (TELEPORT, teleport(), "session.start"),
    ] {
        let activity = one(map, &record);
        assert_eq!((activity.action().as_str(), activity.occurred_at().timestamp()), (action, 1_772_439_330), "{map}");
    }
    for (map, record, list) in
        [(CLOUDFLARE, cloudflare(), "result"), (ATLAS, atlas(), "results"), (TAILSCALE, tailscale(), "logs")]
    {
        let page = json!({list: [record.clone(), record], "success": true});
        assert_eq!(read(map, page.to_string()).iter().flatten().count(), 2, "{map}");
    }
    let text = with(&stream(), json!({"time": "1772439330.125"}));
    assert_eq!(one(STREAM, &text).occurred_at(), one(STREAM, &stream()).occurred_at());
}

#[test]
fn d9_cloudflare_actor_is_user_or_platform() {
    assert_eq!(
        actor_of(CLOUDFLARE, &cloudflare()),
        "user adele@contoso.example, Cloudflare:f6b5de0326bb5182b8a4840ee01ec774"
    );
    assert_eq!(actor_of(LOGPUSH, &logpush()), "user adele@contoso.example, Cloudflare:f6b5de03");
    let platform = with(&cloudflare(), json!({"actor": {"type": "Cloudflare", "email": null, "id": null}}));
    assert_eq!(actor_of(CLOUDFLARE, &platform), "system \"Cloudflare\"");
    assert_eq!(actor_of(CLOUDFLARE, &with(&cloudflare(), json!({"actor": {"email": "", "id": ""}}))), "unknown");
}

#[test]
fn d9_atlas_user_or_key_acts_and_target_not() {
    assert_eq!(principals_of(ATLAS, &atlas()), ["user adele@contoso.example, MongoDB Atlas:5f1d2c3b4a59"]);
    assert!(has_object(&one(ATLAS, &atlas()), "alex@contoso.example"));
    let key = with(&atlas(), json!({"userId": null, "username": null, "publicKey": "abcdefgh"}));
    assert_eq!(actor_of(ATLAS, &key), "application \"abcdefgh\"");
    assert_eq!(actor_of(ATLAS, &with(&key, json!({"publicKey": null}))), "unknown");
}

#[test]
fn d9_snowflake_user_name_is_account_or_address() {
    assert_eq!(actor_of(LOGINS, &login()), "user Snowflake:ADELE");
    assert_eq!(actor_of(QUERIES, &query()), "user adele@contoso.example");
    assert_eq!(actor_of(QUERIES, &with(&query(), json!({"USER_NAME": "SYSTEM"}))), "system \"SYSTEM\"");
    assert_eq!(actor_of(LOGINS, &with(&login(), json!({"USER_NAME": null}))), "unknown");
}

#[test]
fn d9_tailscale_actor_by_its_type() {
    for (map, record) in [(TAILSCALE, tailscale()), (STREAM, stream())] {
        assert_eq!(principals_of(map, &record), ["user adele@contoso.example, Tailscale:uAdeleCNTRL"], "{map}");
    }
    let node = with(&tailscale(), json!({"actor": {"type": "NODE", "displayName": "payroll", "loginName": null}}));
    assert_eq!(actor_of(TAILSCALE, &node), "unknown", "the user of a device");
}

#[test]
fn d6_teleport_impersonator_is_a_principal() {
    let activity = one(TELEPORT, &teleport());
    assert_eq!(activity.actor().label(), "adele@contoso.example");
    assert!(has_object(&activity, "root"), "the login on the host is no actor");
    let impersonated = with(&teleport(), json!({"user": "deploy", "impersonator": "adele@contoso.example"}));
    assert_eq!(principals_of(TELEPORT, &impersonated), ["user Teleport:deploy", "user adele@contoso.example"]);
    let bot = with(&teleport(), json!({"user": "bot-ci", "user_kind": 2, "bot_name": "ci"}));
    assert_eq!(actor_of(TELEPORT, &bot), "application \"ci\"");
}
