//! Okta System Log, from the API and from Microsoft Sentinel.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, with};

const MAP: &str = "okta_system_log";
const SENTINEL: &str = "okta_sentinel";
const ADELE: &str = "user adele@contoso.example, id:00u1adele7QxCONTOSO0x7";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, sso()), (SENTINEL, sentinel())]
}

fn sso() -> Value {
    json!({
        "actor": {
            "id": "00u1adele7QxCONTOSO0x7", "type": "User", "alternateId": "adele@contoso.example",
            "displayName": "Adele Vance", "detailEntry": null
        },
        "client": {"userAgent": {"rawUserAgent": "Mozilla/5.0"}, "zone": "null", "ipAddress": "192.0.2.17"},
        "displayMessage": "User single sign on to app", "eventType": "user.authentication.sso",
        "outcome": {"result": "SUCCESS", "reason": null}, "published": "2026-03-02T08:15:30.125Z",
        "severity": "INFO", "debugContext": {"debugData": {"requestUri": "/app/contoso_crm/exk1/sso/saml"}},
        "legacyEventType": "app.auth.sso", "transaction": {"type": "WEB", "id": "ZB1contoso", "detail": {}},
        "uuid": "9f3c1d20-16b5-11f1-8a51-0a1b2c3d4e5f", "version": "0",
        "target": [
            {"id": "0oa9crm", "type": "AppInstance", "alternateId": "Contoso CRM", "displayName": "CRM"},
            {"id": "0ua9", "type": "AppUser", "alternateId": "adele.vance", "displayName": "Adele Vance"}
        ]
    })
}

fn person(id: &str, login: &str) -> Value {
    json!({"id": id, "type": "User", "alternateId": login, "displayName": "Someone", "detailEntry": null})
}

fn sentinel() -> Value {
    json!({
        "TimeGenerated": "2026-03-02T08:16:00Z", "actor_id_s": "00u1adele7QxCONTOSO0x7", "actor_type_s": "User",
        "actor_alternateId_s": "adele@contoso.example", "actor_displayName_s": "Adele Vance",
        "eventType_s": "user.authentication.sso", "published_t": "2026-03-02T08:15:30.125Z",
        "uuid_g": "9f3c1d20-16b5-11f1-8a51-0a1b2c3d4e5f", "outcome_result_s": "SUCCESS",
        "target_s": sso()["target"].to_string(), "Type": "Okta_CL"
    })
}

#[test]
fn d8_okta_user_is_login_and_id() {
    let activity = one(MAP, &sso());
    assert_eq!(actor(&activity), ADELE);
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!(super::reading::source_id(&activity), "9f3c1d20-16b5-11f1-8a51-0a1b2c3d4e5f");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("user.authentication.sso", "Okta"));
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
}

#[test]
fn d8_okta_login_without_domain_is_account() {
    let record = with(&sso(), json!({"actor": {"alternateId": "adele", "id": "unknown"}}));
    assert_eq!(actor_of(MAP, &record), "user Okta:adele");
}

#[test]
fn d9_okta_unknown_login_is_display_name_or_unknown() {
    let record = with(&sso(), json!({"actor": {"alternateId": "unknown", "id": "unknown"}}));
    assert_eq!(actor_of(MAP, &record), "user userkey:Adele Vance");
    let record = with(&record, json!({"actor": {"displayName": "unknown"}}));
    assert_eq!(actor_of(MAP, &record), "unknown");
    assert_eq!(actor_of(MAP, &with(&sso(), json!({"actor": null}))), "unknown");
}

#[test]
fn d9_okta_system_principal_is_system() {
    let system = json!({"id": "okta.2b1959c8", "type": "SystemPrincipal", "alternateId": "system@okta.com",
        "displayName": "Okta System"});
    let record = with(
        &sso(),
        json!({"actor": system, "eventType": "user.lifecycle.suspend",
        "target": [person("00u2megan", "megan@contoso.example")]}),
    );
    let activity = one(MAP, &record);
    assert_eq!(actor(&activity), "system \"Okta System\"");
    assert_eq!(activity.on_behalf_of(), []);
    assert!(has_object(&activity, "megan@contoso.example"));
}

#[test]
fn d9_okta_system_address_of_user_is_no_system() {
    let record = with(&sso(), json!({"actor": {"id": "00u9support", "alternateId": "system@okta.com"}}));
    assert_eq!(actor_of(MAP, &record), "user system@okta.com, id:00u9support");
}

#[test]
fn d9_okta_ip_address_is_unknown() {
    let address = json!({"id": "198.51.100.7", "type": "IP address", "alternateId": "198.51.100.7",
        "displayName": "198.51.100.7"});
    let record = with(&sso(), json!({"actor": address, "eventType": "security.request.blocked", "target": []}));
    assert!(principals_of(MAP, &record).contains(&"unknown".to_owned()));
    let record = with(&record, json!({"eventType": "user.session.start"}));
    assert_eq!(principals_of(MAP, &record), ["unknown"]);
}

#[test]
fn d9_okta_unlisted_type_is_unknown() {
    let record = with(&sso(), json!({"actor": {"type": "Device"}}));
    assert_eq!(actor_of(MAP, &record), "unknown adele@contoso.example");
}

#[test]
fn d7_okta_client_is_application() {
    let client = json!({"id": "0oa5client", "type": "PublicClientApp", "alternateId": "0oa5client",
        "displayName": "Contoso HR sync"});
    let record = with(
        &sso(),
        json!({"actor": client, "eventType": "user.lifecycle.create",
        "target": [person("00u2megan", "megan@contoso.example")]}),
    );
    let activity = one(MAP, &record);
    assert_eq!(actor(&activity), "application \"Contoso HR sync\", id:0oa5client");
    assert_eq!(activity.on_behalf_of(), []);
}

#[test]
fn d6_okta_token_grant_is_for_its_user() {
    let client = json!({"id": "0oa5client", "type": "PublicClientApp", "alternateId": "0oa5client",
        "displayName": "Contoso Portal"});
    let record = with(
        &sso(),
        json!({"actor": client, "eventType": "app.oauth2.as.token.grant.access_token",
        "target": [{"id": "at1", "type": "access_token"}, person("00u2megan", "megan@contoso.example")]}),
    );
    assert_eq!(
        principals_of(MAP, &record),
        ["application \"Contoso Portal\", id:0oa5client", "user megan@contoso.example, id:00u2megan"]
    );
}

#[test]
fn d6_okta_impersonation_names_both_people() {
    for event in ["grant", "initiate", "end", "revoke", "extend"] {
        let support = person("00u9support", "support.engineer@okta.example");
        let record = with(
            &sso(),
            json!({"actor": support, "eventType": format!("user.session.impersonation.{event}"),
            "target": [{"id": "0oa9", "type": "AppInstance", "alternateId": "Admin"},
                person("00u2megan", "megan@contoso.example")]}),
        );
        assert_eq!(
            principals_of(MAP, &record),
            ["user support.engineer@okta.example, id:00u9support", "user megan@contoso.example, id:00u2megan"],
            "{event}"
        );
    }
}

#[test]
fn d6_okta_impersonation_by_system_without_target_is_unknown() {
    let system = json!({"id": "okta.2b", "type": "SystemPrincipal", "alternateId": "system@okta.com",
        "displayName": "Okta System"});
    let record =
        with(&sso(), json!({"actor": system, "eventType": "user.session.impersonation.initiate", "target": []}));
    assert_eq!(principals_of(MAP, &record), ["system \"Okta System\"", "unknown"]);
}

#[test]
fn d6_okta_detection_of_system_is_about_the_target() {
    let system = json!({"id": "okta.2b", "type": "SystemPrincipal", "alternateId": "system@okta.com",
        "displayName": "Okta System"});
    for event in ["user.risk.detect", "security.breached_credential.detected", "policy.entity_risk.evaluate"] {
        let record = with(
            &sso(),
            json!({"actor": system, "eventType": event,
            "target": [person("00u2megan", "megan@contoso.example")]}),
        );
        let principals = principals_of(MAP, &record);
        assert!(principals.iter().any(|it| it.contains("megan@contoso.example")), "{event}: {principals:?}");
    }
}

#[test]
fn d6_okta_target_people_are_objects() {
    let record = with(
        &sso(),
        json!({"eventType": "group.user_membership.add",
        "target": [person("00u2megan", "megan@contoso.example"), {"id": "00g1", "type": "UserGroup",
            "displayName": "Sales", "alternateId": "unknown"}]}),
    );
    let activity = one(MAP, &record);
    assert_eq!(on_behalf_of(&activity), [""; 0]);
    assert!(has_object(&activity, "megan@contoso.example") && has_object(&activity, "Sales"));
}

#[test]
fn b1_okta_renamed_fields_of_collectors_are_read() {
    let record = json!({
        "eventtype": "user.mfa.factor.deactivate", "actor": sso()["actor"], "outcome": {"result": "SUCCESS"},
        "target": [], "p_event_time": "2026-03-02 08:15:30.125"
    });
    let activity = one(MAP, &record);
    assert_eq!((actor(&activity).as_str(), activity.action().as_str()), (ADELE, "user.mfa.factor.deactivate"));
    let list = json!([sso(), {"eventType": "x"}]);
    assert_eq!(read(MAP, list.to_string()).iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn d8_okta_sentinel_row_is_the_same_actor() {
    let activity = one(SENTINEL, &sentinel());
    assert_eq!(actor(&activity), ADELE);
    assert_eq!(activity.id(), one(MAP, &sso()).id());
    assert!(has_object(&activity, "Contoso CRM"));
    let native = json!({
        "TimeGenerated": "2026-03-02T08:15:30.125Z", "EventOriginalType": "user.authentication.sso",
        "EventOriginalUid": "9f3c1d20-16b5-11f1-8a51-0a1b2c3d4e5f", "OriginalUserType": "User",
        "OriginalActorAlternateId": "adele@contoso.example", "ActorUserId": "00u1adele7QxCONTOSO0x7",
        "ActorUsername": "adele@contoso.example", "ActorDisplayName": "Adele Vance", "OriginalTarget": sso()["target"]
    });
    assert_eq!(actor_of(SENTINEL, &native), ADELE);
}

#[test]
fn d6_okta_sentinel_row_has_all_principals() {
    let target = json!([person("00u2megan", "megan@contoso.example")]);
    let impersonation = with(
        &sentinel(),
        json!({"eventType_s": "user.session.impersonation.initiate",
        "target_s": target.to_string()}),
    );
    assert_eq!(principals_of(SENTINEL, &impersonation), [ADELE, "user megan@contoso.example, id:00u2megan"]);
    let system = with(&sentinel(), json!({"actor_type_s": "SystemPrincipal", "actor_displayName_s": "Okta System"}));
    assert_eq!(principals_of(SENTINEL, &system), ["system \"Okta System\""]);
    let device = with(&sentinel(), json!({"actor_type_s": "IP address", "actor_alternateId_s": "198.51.100.7"}));
    assert_eq!(principals_of(SENTINEL, &device), ["unknown"]);
}
