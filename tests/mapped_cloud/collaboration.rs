//! Audit logs of Asana, Docusign, Dropbox, Notion and Zendesk.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, on_behalf_of, one, principals_of, read, rejection, with};

const ASANA: &str = "asana_audit";
const DOCUSIGN: &str = "docusign_connect";
const DROPBOX: &str = "dropbox_team_events";
const NOTION: &str = "notion_audit";
const ZENDESK: &str = "zendesk_audit";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(ASANA, asana()), (DOCUSIGN, docusign()), (DROPBOX, dropbox()), (NOTION, notion()), (ZENDESK, zendesk())]
}

fn asana() -> Value {
    json!({
        "gid": "900001", "created_at": "2026-03-02T08:15:30.125Z", "event_type": "user_deprovisioned",
        "event_category": "user_updates", "actor": {"actor_type": "user", "gid": "104", "name": "Adele Vance", "email": "adele@contoso.example"},
        "resource": {"resource_type": "user", "gid": "105", "name": "Alex Wilber", "email": "alex@contoso.example"},
        "details": {}, "context": {"context_type": "web", "client_ip_address": "192.0.2.17"}
    })
}

fn docusign() -> Value {
    json!({
        "event": "envelope-sent", "uri": "/restapi/v2.1/accounts/1/envelopes/2", "retryCount": 0, "configurationId": 7,
        "apiVersion": "v2.1", "generatedDateTime": "2026-03-02T08:15:30.1254567Z",
        "data": {"accountId": "a-1", "userId": "u-104", "envelopeId": "e-1", "envelopeSummary": {
            "status": "sent", "emailSubject": "Contract", "sender": {"userName": "Adele Vance", "userId": "u-104", "email": "adele@contoso.example"},
            "recipients": {"signers": [
                {"recipientId": "1", "name": "Alex Wilber", "email": "alex@fabrikam.example", "userId": "u-900"},
                {"recipientId": "2", "name": "Megan Bowen", "email": "megan@contoso.example", "userId": "u-106"}
            ], "carbonCopies": []}
        }}
    })
}

fn dropbox() -> Value {
    json!({
        "timestamp": "2026-03-02T08:15:30Z", "event_category": {".tag": "sharing"},
        "actor": {".tag": "user", "user": {
            ".tag": "team_member", "account_id": "dbid:adele", "display_name": "Adele Vance", "email": "adele@contoso.example", "team_member_id": "dbmid:adele"
        }},
        "context": {".tag": "team"},
        "origin": {"access_method": {".tag": "end_user"}, "geo_location": {"ip_address": "192.0.2.17"}},
        "involve_non_team_member": true, "participants": [{"user": {".tag": "non_team_member", "email": "alex@fabrikam.example"}}],
        "assets": [{".tag": "file", "path": {"contextual": "/HR/Salaries.xlsx"}, "display_name": "Salaries.xlsx"}],
        "event_type": {".tag": "shared_content_add_member", "description": "Added members"}, "details": {".tag": "x"}
    })
}

fn notion() -> Value {
    json!({
        "id": "n-1", "timestamp": "2026-03-02T08:15:30.125Z", "workspace_id": "w-1", "ip_address": "192.0.2.17",
        "actor": {"id": "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6", "object": "user", "type": "person", "person": {"email": "adele@contoso.example"}},
        "type": "page.viewed", "details": {"page_name": "Salaries"}
    })
}

fn zendesk() -> Value {
    json!({
        "url": "https://contoso.zendesk.example/api/v2/audit_logs/1.json", "id": 1, "action": "update", "action_label": "Updated",
        "actor_id": 104, "actor_name": "Adele Vance", "source_id": 105, "source_type": "user", "source_label": "Alex Wilber",
        "change_description": "Role changed from Agent to Administrator", "ip_address": "192.0.2.17", "created_at": "2026-03-02T08:15:30Z"
    })
}

#[test]
fn b1_records_of_collaboration_have_fields() {
    for (map, record, action, list) in [
        (ASANA, asana(), "user_deprovisioned", "data"),
        (DROPBOX, dropbox(), "shared_content_add_member", "events"),
        (NOTION, notion(), "page.viewed", "results"),
        (ZENDESK, zendesk(), "update", "audit_logs"),
    ] {
        let activity = one(map, &record);
        assert_eq!((activity.action().as_str(), activity.occurred_at().timestamp()), (action, 1_772_439_330), "{map}");
        let page = json!({list: [record.clone(), record], "next_page": null, "has_more": false});
        assert_eq!(read(map, page.to_string()).iter().flatten().count(), 2, "{map}");
    }
    let blank = with(&asana(), json!({"created_at": "2026-03-02 08:15:30.125"}));
    assert_eq!(one(ASANA, &blank).occurred_at(), one(ASANA, &asana()).occurred_at());
    assert!(rejection(DROPBOX, &with(&dropbox(), json!({"timestamp": null}))).contains("timestamp"));
}

#[test]
fn d9_asana_actor_by_its_type() {
    let activity = one(ASANA, &asana());
    assert_eq!(actor(&activity), "user adele@contoso.example, Asana:104");
    assert!(has_object(&activity, "alex@contoso.example"));
    let by = |actor: Value| {
        let mut record = asana();
        record["actor"] = actor;
        actor_of(ASANA, &record)
    };
    assert_eq!(by(json!({"actor_type": "asana", "name": "Asana"})), "system \"Asana\"");
    assert_eq!(by(json!({"actor_type": "anonymous"})), "unknown");
    assert_eq!(by(json!({"actor_type": "asana_support", "email": "agent@asana.example"})), "user agent@asana.example");
    assert_eq!(
        by(json!({"actor_type": "external_administrator", "email": "megan@fabrikam.example"})),
        "user megan@fabrikam.example"
    );
    assert_eq!(by(json!(null)), "unknown");
}

#[test]
fn d9_docusign_sender_or_recipient_of_event_acts() {
    let activity = one(DOCUSIGN, &docusign());
    assert_eq!(actor(&activity), "user Docusign:u-104, adele@contoso.example");
    assert!(has_object(&activity, "alex@fabrikam.example"));
    let signed = with(&docusign(), json!({"event": "recipient-completed", "data": {"recipientId": "2"}}));
    assert_eq!(principals_of(DOCUSIGN, &signed), ["user megan@contoso.example, Docusign:u-106"]);
    // An envelope is completed by the last recipient, whom the event does not name.
    for event in ["envelope-completed", "envelope-delivered", "envelope-declined"] {
        assert_eq!(actor_of(DOCUSIGN, &with(&docusign(), json!({ "event": event }))), "unknown");
    }
    let only_key = with(&signed, json!({"data": {"envelopeSummary": null}}));
    assert_eq!(actor_of(DOCUSIGN, &only_key), "unknown");
}

#[test]
fn d9_dropbox_actor_by_its_tag() {
    let user = "user adele@contoso.example, Dropbox:dbid:adele, Dropbox:dbmid:adele";
    let activity = one(DROPBOX, &dropbox());
    assert_eq!(actor(&activity), user);
    assert!(has_object(&activity, "alex@fabrikam.example") && has_object(&activity, "/HR/Salaries.xlsx"));
    let by = |actor: Value| {
        let mut record = dropbox();
        record["actor"] = actor;
        actor_of(DROPBOX, &record)
    };
    assert_eq!(by(json!({".tag": "admin", "admin": {"email": "megan@contoso.example"}})), "user megan@contoso.example");
    assert_eq!(
        by(json!({".tag": "app", "app": {"app_id": "7", "display_name": "Archive"}})),
        "application \"Archive\""
    );
    assert_eq!(by(json!({"_tag": "dropbox"})), "system \"Dropbox\"");
    assert_eq!(by(json!({".tag": "anonymous"})), "unknown");
    assert_eq!(
        by(json!({".tag": "reseller", "reseller": {"reseller_email": "sales@fabrikam.example"}})),
        "user sales@fabrikam.example"
    );
}

#[test]
fn d6_dropbox_admin_signed_in_as_member() {
    let session = with(
        &dropbox(),
        json!({
            "actor": {".tag": "admin", "user": null, "admin": {"email": "megan@contoso.example"}},
            "context": {".tag": "team_member", "email": "adele@contoso.example", "account_id": "dbid:adele"},
            "event_type": {".tag": "sign_in_as_session_start"}, "origin": {"access_method": {".tag": "sign_in_as"}}
        }),
    );
    let principals = ["user megan@contoso.example", "user adele@contoso.example, Dropbox:dbid:adele"];
    assert_eq!(principals_of(DROPBOX, &session), principals);
    // A user who acts in an own folder is named twice, and an application acts for the member.
    let own = with(&dropbox(), json!({"context": {".tag": "team_member", "email": "adele@contoso.example"}}));
    assert_eq!(on_behalf_of(&one(DROPBOX, &own)), [""; 0]);
    let app = with(&own, json!({"actor": {".tag": "app", "user": null, "app": {"display_name": "Archive"}}}));
    assert_eq!(principals_of(DROPBOX, &app), ["application \"Archive\"", "user adele@contoso.example"]);
}

#[test]
fn d6_notion_bot_acts_for_its_owner() {
    let id = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";
    let wrapped = json!({ "event": notion() });
    for record in [notion(), wrapped] {
        assert_eq!(principals_of(NOTION, &record), [format!("user adele@contoso.example, Notion:{id}")]);
    }
    let mut bot = notion();
    bot["actor"] = json!({"id": id, "object": "user", "type": "bot", "name": "Archive",
        "bot": {"owner": {"type": "user", "user": {"id": "u-105", "person": {"email": "alex@contoso.example"}}}}});
    assert_eq!(
        principals_of(NOTION, &bot),
        [format!("application \"Archive\", Notion:{id}"), "user alex@contoso.example, Notion:u-105".to_owned()]
    );
    bot["actor"] = json!({"type": "anonymous"});
    assert_eq!(actor_of(NOTION, &bot), "unknown");
}

#[test]
fn d9_zendesk_actor_is_not_the_source() {
    assert_eq!(principals_of(ZENDESK, &zendesk()), ["user Zendesk:104, userkey:Adele Vance"]);
    assert!(has_object(&one(ZENDESK, &zendesk()), "Alex Wilber"));
    assert_eq!(
        actor_of(ZENDESK, &with(&zendesk(), json!({"actor_id": -1, "actor_name": "Zendesk"}))),
        "system \"Zendesk\""
    );
}
