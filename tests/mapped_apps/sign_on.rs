//! Cisco Duo administrator and activity logs, and OneLogin events.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, read, with};

const ADMIN: &str = "duo_admin";
const ACTIVITY: &str = "duo_activity";
const AUTHENTICATION: &str = "duo_authentication";
const ONELOGIN: &str = "onelogin_events";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(ADMIN, updated()), (ACTIVITY, activity()), (AUTHENTICATION, authentication()), (ONELOGIN, created())]
}

fn updated() -> Value {
    json!({
        "action": "user_update", "description": "{\"realname\": \"Megan Bowen\", \"email\": \"megan@contoso.example\"}",
        "isotimestamp": "2026-03-02T08:15:30+00:00", "object": "meganb", "timestamp": 1772439330,
        "username": "Adele Vance"
    })
}

fn activity() -> Value {
    json!({
        "activity_id": "a1b2c3d4-16b5-4f11-8a51-0a1b2c3d4e5f", "akey": "DAContoso", "ts": "2026-03-02T08:15:30.125+00:00",
        "action": {"name": "user_create", "details": null},
        "actor": {"key": "DE1ADELE", "name": "Adele Vance", "type": "admin",
            "details": "{\"email\": \"adele@contoso.example\", \"status\": \"Active\"}"},
        "target": {"key": "DU1MEGAN", "name": "meganb", "type": "user", "details": null},
        "application": null, "access_device": {"ip": {"address": "192.0.2.17"}}
    })
}

fn authentication() -> Value {
    json!({
        "txid": "340a23e3-16b5-4f11-8a51-0a1b2c3d4e5f", "event_type": "authentication", "factor": "duo_push",
        "result": "success", "reason": "user_approved", "isotimestamp": "2026-03-02T08:15:30.125+00:00",
        "timestamp": 1772439330, "email": "adele@contoso.example", "alias": "unknown",
        "application": {"key": "DI1", "name": "Contoso VPN"}, "access_device": {"ip": "192.0.2.17"},
        "user": {"key": "DU1ADELE", "name": "adelev", "groups": ["Sales"]}
    })
}

fn created() -> Value {
    json!({
        "id": 6543210987_u64, "created_at": "2026-03-02T08:15:30.125Z", "account_id": 208999, "event_type_id": 13,
        "actor_user_id": 174000001, "actor_user_name": "Adele Vance", "user_id": 174000002, "user_name": "Megan Bowen",
        "ipaddr": "192.0.2.17", "notes": null, "actor_system": "", "assuming_acting_user_id": null
    })
}

#[test]
fn d8_duo_administrator_is_account_of_its_own() {
    let activity = one(ADMIN, &updated());
    assert_eq!(actor(&activity), "user Cisco Duo administrators:Adele Vance");
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("user_update", "Cisco Duo"));
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
    assert!(has_object(&activity, "meganb") && has_object(&activity, "megan@contoso.example"));
}

#[test]
fn d8_duo_address_in_own_description_is_the_administrator() {
    let description = r#"{"ip_address": "192.0.2.17", "email": "adele@contoso.example", "factor": "push"}"#;
    for action in ["admin_login", "admin_login_error", "admin_self_activate"] {
        let record = with(&updated(), json!({"action": action, "description": description}));
        assert_eq!(
            actor_of(ADMIN, &record),
            "user Cisco Duo administrators:Adele Vance, adele@contoso.example",
            "{action}"
        );
    }
    let failed = with(&updated(), json!({"action": "admin_login_error", "description": description, "username": ""}));
    assert_eq!(actor_of(ADMIN, &failed), "user adele@contoso.example");
}

#[test]
fn d9_duo_record_without_name_is_unknown() {
    for name in [Value::Null, json!("")] {
        assert_eq!(principals_of(ADMIN, &with(&updated(), json!({"username": name}))), ["unknown"]);
    }
}

#[test]
fn d7_duo_api_and_synchronisation_are_applications() {
    let by = |name: &str| actor_of(ADMIN, &with(&updated(), json!({"username": name})));
    assert_eq!(by("API"), "application \"Admin API\"");
    assert_eq!(by("AD Sync: contoso"), "application \"AD Sync: contoso\"");
    assert_eq!(by("Azure Sync: contoso"), "application \"Azure Sync: contoso\"");
    assert_eq!(by("System"), "system \"System\"");
    assert_eq!(by("Systema Ltd"), "user Cisco Duo administrators:Systema Ltd");
}

#[test]
fn b1_duo_pages_and_tables_are_read() {
    let page = json!({"stat": "OK", "response": [updated(), updated()]});
    assert_eq!(read(ADMIN, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
    let row = json!({"TenantId": "t", "action_s": "user_update", "object_s": "meganb", "timestamp_d": "1772439330",
        "username_s": "Adele Vance", "description_s": "", "Type": "DuoSecurityAdministrator_CL"});
    let activity = one(ADMIN, &row);
    assert_eq!(
        (actor(&activity), activity.occurred_at()),
        (actor(&one(ADMIN, &updated())), one(ADMIN, &updated()).occurred_at())
    );
    let spaced = with(&updated(), json!({"timestamp": null, "isotimestamp": "2026-03-02T08:15:30+00:00"}));
    assert_eq!(one(ADMIN, &spaced).occurred_at(), activity.occurred_at());
}

#[test]
fn d8_duo_activity_is_of_its_actor() {
    let read = one(ACTIVITY, &activity());
    assert_eq!(actor(&read), "user adele@contoso.example, Cisco Duo administrators:Adele Vance, Cisco Duo:DE1ADELE");
    assert_eq!((read.action().as_str(), read.on_behalf_of().len()), ("user_create", 0));
    assert!(has_object(&read, "meganb"));
    let user = with(&activity(), json!({"actor": {"type": "user", "name": "adelev", "details": null}}));
    assert_eq!(actor_of(ACTIVITY, &user), "user Cisco Duo:adelev, Cisco Duo:DE1ADELE");
    let api = with(&activity(), json!({"actor": {"type": "api", "name": "Admin API", "details": null}}));
    assert_eq!(actor_of(ACTIVITY, &api), "application \"Admin API\"");
    assert_eq!(actor_of(ACTIVITY, &with(&activity(), json!({"actor": null}))), "unknown");
}

#[test]
fn d8_duo_authentication_is_of_its_user() {
    let activity = one(AUTHENTICATION, &authentication());
    assert_eq!(actor(&activity), "user adele@contoso.example, Cisco Duo:adelev, Cisco Duo:DU1ADELE");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    assert!(has_object(&activity, "Contoso VPN"));
    let record = with(&authentication(), json!({"email": "", "user": {"name": null, "key": null}}));
    assert_eq!(principals_of(AUTHENTICATION, &record), ["unknown"]);
}

#[test]
fn d8_duo_offline_enrollment_is_of_its_user() {
    let record = with(&updated(), json!({"action": "o2fa_user_provisioned", "username": "adelev"}));
    assert_eq!(actor_of(ADMIN, &record), "user Cisco Duo:adelev");
}

#[test]
fn d8_onelogin_actor_is_account() {
    let activity = one(ONELOGIN, &created());
    assert_eq!(actor(&activity), "user OneLogin:174000001");
    assert_eq!((super::reading::source_id(&activity), activity.action().as_str()), ("6543210987", "13"));
    assert_eq!(activity.on_behalf_of(), []);
    assert!(has_object(&activity, "Megan Bowen"));
    let named = with(&created(), json!({"actor_user_name": "adele@contoso.example"}));
    assert_eq!(actor_of(ONELOGIN, &named), "user adele@contoso.example, OneLogin:174000001");
}

#[test]
fn d9_onelogin_event_without_actor_is_unknown() {
    let record = with(&created(), json!({"actor_user_id": null, "actor_user_name": null}));
    assert_eq!(principals_of(ONELOGIN, &record), ["unknown"]);
    assert_eq!(principals_of(ONELOGIN, &with(&record, json!({"actor_user_id": 0}))), ["unknown"]);
    let system = with(&record, json!({"actor_system": "Mapping"}));
    assert_eq!(principals_of(ONELOGIN, &system), ["system \"Mapping\""]);
}

#[test]
fn d6_onelogin_own_event_without_actor_is_of_its_user() {
    let record = with(&created(), json!({"event_type_id": 8, "actor_user_id": null, "actor_user_name": null}));
    assert_eq!(principals_of(ONELOGIN, &record), ["user OneLogin:174000002"]);
}

#[test]
fn d6_onelogin_assumed_user_is_a_principal() {
    let record = with(&created(), json!({"event_type_id": "3"}));
    assert_eq!(principals_of(ONELOGIN, &record), ["user OneLogin:174000001", "user OneLogin:174000002"]);
    let record = with(&created(), json!({"assuming_acting_user_id": 174000009}));
    assert_eq!(principals_of(ONELOGIN, &record), ["user OneLogin:174000001", "user OneLogin:174000009"]);
}

#[test]
fn b1_onelogin_times_of_webhooks_are_read() {
    let record = with(&created(), json!({"created_at": null, "event_timestamp": "2026-03-02 08:15:30 UTC"}));
    assert_eq!(one(ONELOGIN, &record).occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
}
