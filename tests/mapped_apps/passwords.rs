//! 1Password audit events, sign-in attempts and item usages, and Bitwarden events.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, read, rejection, with};

const AUDIT: &str = "onepassword_audit";
const SIGN_IN: &str = "onepassword_sign_in";
const USAGE: &str = "onepassword_item_usage";
const BITWARDEN: &str = "bitwarden_events";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(AUDIT, suspended()), (SIGN_IN, attempt()), (USAGE, usage()), (BITWARDEN, event())]
}

fn suspended() -> Value {
    json!({
        "uuid": "CNTS7DVOCN4OZP2MDKHFLSGAUDIT", "timestamp": "2026-03-02T08:15:30.125Z",
        "actor_uuid": "ADELE6UEKS5CSNDJ2OG6TCZD3M",
        "actor_details": {"uuid": "ADELE6UEKS5CSNDJ2OG6TCZD3M", "name": "Adele Vance", "email": "adele@contoso.example"},
        "actor_type": "user", "account_uuid": "CONTOSO", "action": "suspend", "object_type": "user",
        "object_uuid": "MEGAN26A65AKHFETOUFO7NL4OM",
        "object_details": {"uuid": "MEGAN26A65AKHFETOUFO7NL4OM", "name": "Megan Bowen", "email": "megan@contoso.example"},
        "session": {"uuid": "S1", "login_time": "2026-03-02T08:00:00Z", "device_uuid": "d1", "ip": "192.0.2.17"}
    })
}

fn attempt() -> Value {
    json!({
        "uuid": "CNTSOEWXDTVWKEQDIWTKV26HUSIGN", "session_uuid": "S1", "timestamp": "2026-03-02T08:15:30.125Z",
        "country": "DE", "category": "credentials_failed", "type": "password_secret_bad", "details": null,
        "target_user": {"uuid": "ADELE6UEKS5CSNDJ2OG6TCZD3M", "name": "Adele Vance", "email": "adele@contoso.example"},
        "client": {"app_name": "1Password Browser Extension", "platform_name": "Chrome", "ip_address": "192.0.2.17"}
    })
}

fn usage() -> Value {
    json!({
        "uuid": "CNTSOEWXDTVWKEQDIWTKV26HUUSED", "timestamp": "2026-03-02T08:15:30.125Z", "used_version": 0,
        "vault_uuid": "V1", "item_uuid": "I1", "action": "fill",
        "user": {"uuid": "ADELE6UEKS5CSNDJ2OG6TCZD3M", "name": "Adele Vance", "email": "adele@contoso.example"},
        "client": {"app_name": "1Password Browser Extension", "ip_address": "192.0.2.17"}
    })
}

fn event() -> Value {
    json!({
        "object": "event", "type": 1502, "itemId": null, "collectionId": null, "groupId": null, "policyId": null,
        "memberId": "0b2c4d6e-1111-4222-8333-444455556666", "actingUserId": "7c1e0f62-5a4b-4c3d-9e8f-001122334455",
        "installationId": null, "date": "2026-03-02T08:15:30.1251234Z", "device": 9, "ipAddress": "192.0.2.17"
    })
}

#[test]
fn d8_onepassword_actor_is_address_and_account() {
    let expected = "user adele@contoso.example, 1Password:ADELE6UEKS5CSNDJ2OG6TCZD3M";
    for (map, record, action) in
        [(AUDIT, suspended(), "suspend"), (SIGN_IN, attempt(), "password_secret_bad"), (USAGE, usage(), "fill")]
    {
        let activity = one(map, &record);
        assert_eq!(actor(&activity), expected, "{map}");
        assert_eq!((activity.action().as_str(), activity.app().name().as_str()), (action, "1Password"));
        assert_eq!(super::reading::source_id(&activity), record["uuid"].as_str().unwrap());
        assert_eq!(activity.on_behalf_of(), []);
    }
    assert!(has_object(&one(AUDIT, &suspended()), "megan@contoso.example"));
}

#[test]
fn d9_onepassword_actor_without_details_is_account() {
    let record = with(&suspended(), json!({"actor_details": null}));
    assert_eq!(actor_of(AUDIT, &record), "user 1Password:ADELE6UEKS5CSNDJ2OG6TCZD3M");
    let record = with(&attempt(), json!({"target_user": {"email": "", "uuid": ""}}));
    assert_eq!(actor_of(SIGN_IN, &record), "user userkey:Adele Vance");
}

#[test]
fn d9_onepassword_record_without_actor_is_unknown() {
    let record = with(&suspended(), json!({"actor_details": null, "actor_uuid": ""}));
    assert_eq!(actor_of(AUDIT, &record), "unknown");
    assert_eq!(actor_of(SIGN_IN, &with(&attempt(), json!({"target_user": null}))), "unknown");
}

#[test]
fn b1_onepassword_pages_contain_their_items() {
    let page = json!({"cursor": "aGVsbG8", "has_more": false, "items": [usage(), usage()]});
    assert_eq!(read(USAGE, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
    let collected = json!({"events": [{"@timestamp": "2026-03-02T08:20:00Z", "message": suspended().to_string()}]});
    let items = read(AUDIT, collected.to_string());
    assert_eq!(items[0].as_ref().unwrap().id(), one(AUDIT, &suspended()).id());
}

#[test]
fn d8_bitwarden_actor_is_account_and_no_object_id() {
    let activity = one(BITWARDEN, &event());
    // The id of an account, which a directory of object ids does not contain.
    assert_eq!(actor(&activity), "user Bitwarden:7c1e0f62-5a4b-4c3d-9e8f-001122334455");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("OrganizationUser_Updated", "Bitwarden"));
    assert!(has_object(&activity, "0b2c4d6e-1111-4222-8333-444455556666"));
    assert_eq!(one(BITWARDEN, &with(&event(), json!({"type": 9999}))).action().as_str(), "9999");
}

#[test]
fn d7_bitwarden_service_of_organisation_is_application() {
    let by = |user: Value| with(&event(), json!({"actingUserId": null, "systemUser": user}));
    assert_eq!(principals_of(BITWARDEN, &by(json!(1))), ["application \"SCIM\""]);
    assert_eq!(principals_of(BITWARDEN, &by(json!(2))), ["system \"Domain verification\""]);
    assert_eq!(principals_of(BITWARDEN, &by(json!(3))), ["application \"Public API\""]);
    let machine = with(&event(), json!({"actingUserId": null, "type": 2100, "serviceAccountId": "sa-1"}));
    assert_eq!(principals_of(BITWARDEN, &machine), ["application \"sa-1\""]);
}

#[test]
fn d9_bitwarden_event_without_acting_user_is_unknown() {
    let nil = "00000000-0000-0000-0000-000000000000";
    for user in [Value::Null, json!(""), json!(nil)] {
        assert_eq!(principals_of(BITWARDEN, &with(&event(), json!({"actingUserId": user}))), ["unknown"]);
    }
    let installation =
        with(&event(), json!({"actingUserId": null, "installationId": "0a0a0a0a-1111-4222-8333-444455556666"}));
    assert_eq!(principals_of(BITWARDEN, &installation), ["unknown"]);
}

#[test]
fn b1_bitwarden_empty_page_is_no_activity() {
    let page = json!({"object": "list", "data": [], "continuationToken": null});
    let lines = format!("{}\n{page}\n", event());
    let items = read(BITWARDEN, lines);
    assert_eq!(items.len(), 2);
    assert!(items[1].as_ref().unwrap_err().to_string().contains("a page without events"));
    let record = with(&event(), json!({"object": "list"}));
    assert!(rejection(BITWARDEN, &record).contains("a page without events"));
    let page = json!({"object": "list", "data": [event(), event()], "continuationToken": "x"});
    assert_eq!(read(BITWARDEN, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
}
