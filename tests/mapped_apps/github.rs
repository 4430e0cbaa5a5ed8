//! GitHub audit log.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, with};

const MAP: &str = "github_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(MAP, added())]
}

fn added() -> Value {
    json!({
        "@timestamp": 1772439330125_u64, "_document_id": "q7Contoso-Hx1-AAAA", "action": "org.add_member",
        "actor": "adele-v", "actor_id": 5832001, "actor_ip": "192.0.2.17", "actor_is_bot": false,
        "actor_location": {"country_code": "DE"}, "business": "contoso", "created_at": 1772439330125_u64,
        "operation_type": "create", "org": "contoso", "org_id": 991, "permission": "read", "user": "meganb",
        "user_id": 5832777, "user_agent": "Mozilla/5.0"
    })
}

#[test]
fn d8_github_actor_is_login_and_number() {
    let activity = one(MAP, &added());
    assert_eq!(actor(&activity), "user GitHub:adele-v, GitHub id:5832001");
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!(super::reading::source_id(&activity), "q7Contoso-Hx1-AAAA");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("org.add_member", "GitHub"));
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    assert!(has_object(&activity, "meganb"));
}

#[test]
fn d8_github_sso_names_are_identities() {
    let record = with(
        &added(),
        json!({"external_identity_nameid": "adele@contoso.example",
        "external_identity_username": "adele.vance@contoso.example"}),
    );
    assert_eq!(
        actor_of(MAP, &record),
        "user GitHub:adele-v, adele@contoso.example, adele.vance@contoso.example, GitHub id:5832001"
    );
    let id = "7c1e0f62-5a4b-4c3d-9e8f-001122334455";
    let record = with(&added(), json!({"external_identity_nameid": id, "external_identity_username": "avance"}));
    let actor = actor_of(MAP, &record);
    assert!(actor.contains(&format!("id:{id}")) && actor.contains("userkey:avance"), "{actor}");
}

#[test]
fn d8_github_renamed_login_keeps_its_number() {
    let renamed = with(&added(), json!({"actor": "adele-vance-contoso"}));
    assert_eq!(actor_of(MAP, &renamed), "user GitHub:adele-vance-contoso, GitHub id:5832001");
}

#[test]
fn d7_github_bot_is_application() {
    let bot = json!({"actor": "dependabot[bot]", "actor_id": 49699333, "actor_is_bot": null,
        "programmatic_access_type": "GitHub App server-to-server token", "user": "", "user_id": 0});
    assert_eq!(principals_of(MAP, &with(&added(), bot)), ["application \"dependabot[bot]\""]);
    let flagged = with(&added(), json!({"actor": "contoso-release", "actor_is_bot": true}));
    assert_eq!(principals_of(MAP, &flagged), ["application \"contoso-release\", GitHub:contoso-release"]);
}

#[test]
fn d6_github_tokens_of_people_act_as_the_person() {
    let kinds = [
        "Personal access token (classic)",
        "Fine-grained personal access token",
        "OAuth access token",
        "GitHub App user-to-server token",
        "SSH key",
        "Public Key (User/Deploy)",
    ];
    for kind in kinds {
        let record = with(&added(), json!({"programmatic_access_type": kind, "oauth_application_id": 17}));
        assert_eq!(principals_of(MAP, &record), ["user GitHub:adele-v, GitHub id:5832001"], "{kind}");
    }
}

#[test]
fn d6_github_server_token_of_person_is_the_person() {
    let record = with(&added(), json!({"programmatic_access_type": "GitHub App server-to-server token"}));
    assert_eq!(principals_of(MAP, &record), ["user GitHub:adele-v, GitHub id:5832001"]);
}

#[test]
fn d6_github_bot_with_sso_name_acts_for_the_person() {
    let record = with(
        &added(),
        json!({"actor": "contoso-flow[bot]", "actor_is_bot": true,
        "external_identity_nameid": "adele@contoso.example"}),
    );
    assert_eq!(principals_of(MAP, &record), ["application \"contoso-flow[bot]\"", "user adele@contoso.example"]);
}

#[test]
fn d6_github_agent_acts_for_the_user() {
    let record = with(&added(), json!({"actor": "Copilot", "actor_is_agent": true, "actor_is_bot": false}));
    assert_eq!(
        principals_of(MAP, &record),
        ["application \"Copilot\", GitHub:Copilot", "user GitHub:meganb, GitHub id:5832777"]
    );
}

#[test]
fn d9_github_deploy_key_is_unknown() {
    let record = with(
        &added(),
        json!({"action": "git.clone", "actor": "deploy_key", "actor_id": 0,
        "programmatic_access_type": "Public Key (User/Deploy)", "user": "", "user_id": 0}),
    );
    assert_eq!(principals_of(MAP, &record), ["unknown"]);
}

#[test]
fn d9_github_record_without_actor_is_unknown() {
    for actor in [Value::Null, json!("")] {
        let record = with(&added(), json!({"action": "git.fetch", "actor": actor, "actor_id": null}));
        assert_eq!(principals_of(MAP, &record), ["unknown"]);
    }
}

#[test]
fn d9_github_number_zero_is_no_identity() {
    let record = with(&added(), json!({"action": "git.fetch", "actor": "", "actor_id": 0, "user": "", "user_id": 0}));
    assert_eq!(principals_of(MAP, &record), ["unknown"]);
    let record = with(&record, json!({"external_identity_nameid": "adele@contoso.example"}));
    assert_eq!(principals_of(MAP, &record), ["user adele@contoso.example"]);
}

#[test]
fn d6_github_login_as_user_names_both() {
    let record = with(&added(), json!({"action": "staff.fake_login"}));
    assert_eq!(
        principals_of(MAP, &record),
        ["user GitHub:adele-v, GitHub id:5832001", "user GitHub:meganb, GitHub id:5832777"]
    );
}

#[test]
fn b1_github_times_are_read_in_each_export() {
    let expected = one(MAP, &added()).occurred_at();
    for times in [
        json!({"@timestamp": null}),
        json!({"@timestamp": null, "created_at": "2026-03-02T08:15:30.125Z"}),
        json!({"@timestamp": "2026-03-02T08:15:30.125Z", "created_at": null}),
        json!({"@timestamp": null, "created_at": "2026-03-02 08:15:30.125000000"}),
        json!({"@timestamp": null, "created_at": null, "created_at_d": 1772439330125_u64}),
    ] {
        assert_eq!(one(MAP, &with(&added(), times.clone())).occurred_at(), expected, "{times}");
    }
}
