//! Slack audit logs, from the API and from Microsoft Sentinel.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, read, with};

const MAP: &str = "slack_audit";
const SENTINEL: &str = "slack_audit_sentinel";
const ADELE: &str = "user adele@contoso.example, Slack:W01ADELE7";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, invited()), (SENTINEL, sentinel())]
}

fn invited() -> Value {
    json!({
        "id": "3c1d5a50-16b5-4f11-8a51-0a1b2c3d4e5f", "date_create": 1772439330, "action": "user_added_to_usergroup",
        "actor": {"type": "user", "user": {"id": "W01ADELE7", "name": "Adele Vance", "email": "adele@contoso.example",
            "team": "E01CONTOSO"}},
        "entity": {"type": "user", "user": {"id": "W01MEGAN1", "name": "Megan Bowen", "email": "megan@contoso.example",
            "team": "E01CONTOSO"}},
        "context": {"location": {"type": "enterprise", "id": "E01CONTOSO", "name": "Contoso", "domain": "contoso"},
            "ua": "Mozilla/5.0", "session_id": 847288190092_u64, "ip_address": "192.0.2.17"},
        "details": {}
    })
}

fn sentinel() -> Value {
    json!({
        "TimeGenerated": "2026-03-02T08:16:00Z", "id_g": "3c1d5a50-16b5-4f11-8a51-0a1b2c3d4e5f",
        "date_create_d": 1772439330, "action_s": "user_added_to_usergroup", "actor_type_s": "user",
        "actor_user_id_s": "W01ADELE7", "actor_user_name_s": "Adele Vance",
        "actor_user_email_s": "adele@contoso.example", "entity_type_s": "user",
        "entity_user_email_s": "megan@contoso.example", "entity_user_id_s": "W01MEGAN1", "Type": "SlackAudit_CL"
    })
}

/// Returns the record with an actor of another type.
fn by(actor: Value) -> Value {
    let mut record = invited();
    record["actor"] = actor;
    record
}

#[test]
fn d8_slack_actor_is_address_and_account() {
    let activity = one(MAP, &invited());
    assert_eq!(actor(&activity), ADELE);
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("user_added_to_usergroup", "Slack"));
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30+00:00");
    assert!(has_object(&activity, "megan@contoso.example") && has_object(&activity, "W01MEGAN1"));
}

#[test]
fn d8_slack_actor_without_address_is_account() {
    let record = with(&invited(), json!({"actor": {"user": {"email": null}}}));
    assert_eq!(actor_of(MAP, &record), "user Slack:W01ADELE7");
}

#[test]
fn d9_slack_actor_with_name_only_is_undecidable() {
    let record = with(&invited(), json!({"actor": {"user": {"email": "", "id": null}}}));
    assert_eq!(actor_of(MAP, &record), "user userkey:Adele Vance");
}

#[test]
fn d7_slack_app_is_application() {
    for kind in ["app", "bot", "workflow"] {
        let record = by(json!({"type": kind, kind: {"id": "A0CONTOSO", "name": "Contoso Export"}}));
        assert_eq!(actor_of(MAP, &record), "application \"Contoso Export\"", "{kind}");
    }
    let slackbot = by(json!({"type": "user", "user": {"id": "USLACKBOT", "name": "Slackbot"}}));
    assert_eq!(actor_of(MAP, &slackbot), "application \"Slackbot\"");
}

#[test]
fn d6_slack_app_for_user_has_both() {
    let record = by(json!({"type": "workflow", "workflow": {"id": "Wf1", "name": "Onboarding",
        "creator": {"id": "W01ADELE7", "email": "adele@contoso.example"}}}));
    assert_eq!(principals_of(MAP, &record), ["application \"Onboarding\"", ADELE]);
    let record = with(
        &by(json!({"type": "app", "app": {"id": "A0CONTOSO", "name": "Contoso Export"}})),
        json!({"details": {"on_behalf_of": "W01ADELE7"}}),
    );
    assert_eq!(principals_of(MAP, &record), ["application \"Contoso Export\"", "user Slack:W01ADELE7"]);
    // The type says that an application acted, and the user is the one whose token it has.
    let record = with(&invited(), json!({"actor": {"type": "app", "app": {"name": "Contoso Export"}}}));
    assert_eq!(principals_of(MAP, &record), [ADELE]);
}

#[test]
fn d9_slack_unlisted_type_is_unknown() {
    assert_eq!(actor_of(MAP, &by(json!({"type": "account", "account": {"id": "X1"}}))), "unknown");
    assert_eq!(actor_of(MAP, &by(json!({"type": "user"}))), "unknown");
}

#[test]
fn d6_slack_anomaly_is_about_its_user() {
    let record = with(&invited(), json!({"action": "anomaly", "details": {"reason": ["asn", "ip_address"]}}));
    assert_eq!(principals_of(MAP, &record), [ADELE, "user megan@contoso.example, Slack:W01MEGAN1"]);
}

#[test]
fn b1_slack_page_contains_its_entries() {
    let page = json!({"entries": [invited(), invited()], "response_metadata": {"next_cursor": "dXNlcg=="}});
    assert_eq!(read(MAP, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
}

#[test]
fn d8_slack_sentinel_row_is_the_same_actor() {
    let activity = one(SENTINEL, &sentinel());
    assert_eq!(actor(&activity), ADELE);
    assert_eq!(
        (activity.id(), activity.occurred_at()),
        (one(MAP, &invited()).id(), one(MAP, &invited()).occurred_at())
    );
    assert!(has_object(&activity, "megan@contoso.example"));
    let app = with(
        &sentinel(),
        json!({"actor_type_s": "app", "actor_user_id_s": "", "actor_user_email_s": "",
        "actor_user_name_s": "", "actor_app_name_s": "Contoso Export"}),
    );
    assert_eq!(actor_of(SENTINEL, &app), "application \"Contoso Export\"");
    let anomaly = with(&sentinel(), json!({"action_s": "anomaly"}));
    assert_eq!(principals_of(SENTINEL, &anomaly), [ADELE, "user megan@contoso.example, Slack:W01MEGAN1"]);
}
