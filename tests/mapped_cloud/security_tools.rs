//! Audit logs of Carbon Black, Netskope, Panther, Push Security, Sublime, Tines, Wiz and Zscaler.

use serde_json::{Value, json};

use crate::reading::{actor_of, has_object, one, principals_of, read, with};

const CARBON_BLACK: &str = "carbon_black_audit";
const NETSKOPE: &str = "netskope_audit";
const PANTHER: &str = "panther_audit";
const PUSH: &str = "push_security_activity";
const SUBLIME: &str = "sublime_audit";
const TINES: &str = "tines_audit";
const WIZ: &str = "wiz_audit";
const ZSCALER: &str = "zscaler_zia_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![
        (CARBON_BLACK, carbon_black()),
        (NETSKOPE, netskope()),
        (PANTHER, panther()),
        (PUSH, push()),
        (SUBLIME, sublime()),
        (TINES, tines()),
        (WIZ, wiz()),
        (ZSCALER, zscaler()),
    ]
}

fn carbon_black() -> Value {
    json!({
        "requestUrl": "/access/v2/orgs/A1/grants", "eventTime": 1_772_439_330_125_i64, "eventId": "66443924833011ee",
        "loginName": "adele@contoso.example", "orgName": "contoso.example", "flagged": false, "clientIp": "192.0.2.17",
        "verbose": false, "description": "Added user alex@contoso.example to org 1"
    })
}

fn netskope() -> Value {
    json!({
        "_id": "1e589befa3da30132362f32a", "timestamp": 1_772_439_330, "type": "admin_audit_logs", "user": "adele@contoso.example",
        "severity_level": 2, "audit_log_event": "Created new admin", "is_netskope_personnel": false,
        "supporting_data": {"data_type": "user", "data_values": ["192.0.2.17", "alex@contoso.example"]}, "ur_normalized": "adele@contoso.example"
    })
}

fn panther() -> Value {
    json!({
        "actionName": "UPDATE_USER", "actionParams": {"dynamic": {"input": {"email": "alex@contoso.example"}}}, "actionResult": "SUCCEEDED",
        "actor": {"attributes": {"email": "adele@contoso.example", "emailVerified": true}, "id": "u-104", "name": "Adele Vance", "type": "USER"},
        "errors": null, "sourceIP": "192.0.2.17", "timestamp": "2026-03-02 08:15:30.125"
    })
}

fn push() -> Value {
    json!({
        "id": "d240e3f2-3cd6-425f-a835-dad0ff237d09", "version": "1", "timestamp": 1_772_439_330.0, "object": "APP_BANNER",
        "new": {"action": "ACKNOWLEDGED", "appType": "DROPBOX", "employee": {"id": "2a2197de-ad2c-47e4-8dcb-fb0f04cf83e0", "email": "adele@contoso.example"}}
    })
}

fn sublime() -> Value {
    json!({
        "id": "084732e5-7704-4bbe-ab5a-77f1aa65a737", "type": "message_source.deactivate", "created_at": "2026-03-02T08:15:30.125Z",
        "created_by": {"id": "cd3aedfe-a61f-4e0e-ba30-14dcc7883316", "email_address": "adele@contoso.example", "role": "admin"},
        "data": {"request": {"id": "r-1", "path": "/v1/message-sources/1/deactivate", "method": "POST"}}
    })
}

fn tines() -> Value {
    json!({
        "id": 7, "created_at": "2026-03-02T08:15:30Z", "operation_name": "AuthenticationTokenCreation", "tenant_id": "1337", "user_id": "104",
        "user_email": "adele@contoso.example", "user_name": "Adele Vance", "request_ip": "192.0.2.17", "inputs": {"inputs": {"name": "archive"}}
    })
}

fn wiz() -> Value {
    json!({
        "id": "220d23be-f07c-4d97-b4a6-87ad04eddb14", "action": "CreateUser", "requestId": "r-1", "status": "SUCCESS",
        "timestamp": "2026-03-02T08:15:30.125Z", "actionParameters": {"input": {"email": "alex@contoso.example"}},
        "userAgent": "Mozilla/5.0", "sourceIP": "192.0.2.17", "serviceAccount": null, "user": {"id": "adele@contoso.example", "name": "adele@contoso.example"}
    })
}

fn zscaler() -> Value {
    json!({
        "sourcetype": "zscalernss-audit",
        "event": {
            "time": "2026-03-02 08:15:30.000000000", "recordid": "332", "action": "UPDATE", "category": "USER_MANAGEMENT", "subcategory": "USER",
            "resource": "alex", "interface": "UI", "adminid": "adele@contoso.example", "clientip": "192.0.2.17", "result": "SUCCESS",
            "errorcode": "None", "auditlogtype": "ZIA", "preaction": {"email": "alex@contoso.example"}, "postaction": {"email": "alex.w@contoso.example"}
        }
    })
}

#[test]
fn b1_records_of_security_tools_have_fields() {
    for (map, record, action) in [
        (CARBON_BLACK, carbon_black(), "audit_log_entry"),
        (NETSKOPE, netskope(), "Created new admin"),
        (PANTHER, panther(), "UPDATE_USER"),
        (PUSH, push(), "APP_BANNER"),
        (SUBLIME, sublime(), "message_source.deactivate"),
        (TINES, tines(), "AuthenticationTokenCreation"),
        (WIZ, wiz(), "CreateUser"),
        (ZSCALER, zscaler(), "UPDATE"),
    ] {
        let activity = one(map, &record);
        assert_eq!((activity.action().as_str(), activity.occurred_at().timestamp()), (action, 1_772_439_330), "{map}");
    }
    let text = with(&netskope(), json!({"timestamp": "2026-03-02 08:15:30.000000000"}));
    assert_eq!(one(NETSKOPE, &text).occurred_at(), one(NETSKOPE, &netskope()).occurred_at());
    let feed = with(&zscaler(), json!({"event": {"time": "Mon Mar  2 08:15:30 2026"}}));
    assert_eq!(one(ZSCALER, &feed).occurred_at(), one(ZSCALER, &zscaler()).occurred_at());
    let page = json!({"audit_logs": [tines(), tines()], "meta": {"next_page": null}});
    assert_eq!(read(TINES, page.to_string()).iter().flatten().count(), 2);
}

#[test]
fn d9_administrator_acts_and_object_does_not() {
    for (map, record, user) in [
        (CARBON_BLACK, carbon_black(), "user adele@contoso.example"),
        (NETSKOPE, netskope(), "user adele@contoso.example"),
        (PANTHER, panther(), "user adele@contoso.example, Panther:u-104"),
        (SUBLIME, sublime(), "user adele@contoso.example, Sublime:cd3aedfe-a61f-4e0e-ba30-14dcc7883316"),
        (TINES, tines(), "user adele@contoso.example, Tines:104, userkey:Adele Vance"),
        (WIZ, wiz(), "user adele@contoso.example"),
        (ZSCALER, zscaler(), "user adele@contoso.example"),
    ] {
        assert_eq!(principals_of(map, &record), [user], "{map}");
    }
    assert!(has_object(&one(WIZ, &wiz()), "alex@contoso.example"));
    assert!(has_object(&one(ZSCALER, &zscaler()), "alex.w@contoso.example"));
}

#[test]
fn d7_token_or_service_account_is_application() {
    let token = with(&panther(), json!({"actor": {"type": "TOKEN", "name": "scim", "id": "scim", "attributes": null}}));
    assert_eq!(actor_of(PANTHER, &token), "application \"scim\"");
    let system = with(
        &panther(),
        json!({"actor": {"id": "00000000-0000-4000-8000-000000000000", "name": "System", "attributes": null}}),
    );
    assert_eq!(actor_of(PANTHER, &system), "system \"System\"");
    for name in ["serviceAccount", "serviceaccount"] {
        let mut service = with(&wiz(), json!({"user": null, "serviceAccount": null}));
        service[name] = json!({"id": "sa-1", "name": "terraform"});
        assert_eq!(actor_of(WIZ, &service), "application \"terraform\", Wiz:sa-1");
    }
    assert_eq!(
        actor_of(NETSKOPE, &with(&netskope(), json!({"user": "service-account"}))),
        "application \"service-account\""
    );
}

#[test]
fn d9_record_of_tool_without_user_is_unknown() {
    for (map, record, changes) in [
        (CARBON_BLACK, carbon_black(), json!({"loginName": null})),
        (NETSKOPE, netskope(), json!({"user": null, "ur_normalized": null})),
        (PANTHER, panther(), json!({"actor": {"attributes": null, "id": null, "name": null}})),
        (SUBLIME, sublime(), json!({"created_by": null})),
        (TINES, tines(), json!({"user_id": null, "user_email": null, "user_name": null})),
        (WIZ, wiz(), json!({"user": null})),
        (ZSCALER, zscaler(), json!({"event": {"adminid": null}})),
    ] {
        assert_eq!(principals_of(map, &with(&record, changes)), ["unknown"], "{map}");
    }
}

#[test]
fn d6_employee_whom_browser_watched_is_actor() {
    assert_eq!(
        principals_of(PUSH, &push()),
        ["user adele@contoso.example, Push Security:2a2197de-ad2c-47e4-8dcb-fb0f04cf83e0"]
    );
    let login = with(
        &push(),
        json!({"object": "LOGIN", "new": {
            "employee": null, "email": "adele@fabrikam.example", "employeeId": "2a2197de-ad2c-47e4-8dcb-fb0f04cf83e0", "appType": "OKTA"
        }}),
    );
    assert_eq!(
        actor_of(PUSH, &login),
        "user Push Security:2a2197de-ad2c-47e4-8dcb-fb0f04cf83e0, adele@fabrikam.example"
    );
}
