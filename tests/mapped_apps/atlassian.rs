//! Atlassian: organisation audit log, Jira and Confluence audit records, and the audit log of Data Center products.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, map, one, principals_of, read, with};

const ORGANIZATION: &str = "atlassian_organization";
const JIRA: &str = "jira_audit";
const CONFLUENCE: &str = "confluence_audit";
const DATA_CENTER: [(&str, &str, &str); 3] = [
    ("bitbucket_data_center_audit", "Bitbucket", "bitbucket.service.audit.category.projects"),
    ("jira_data_center_audit", "Jira", "jira.auditing.category.usermanagement"),
    ("confluence_data_center_audit", "Confluence", "audit.logging.category.permissions"),
];

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    let cloud = [(ORGANIZATION, invited()), (JIRA, user_created()), (CONFLUENCE, space_updated())];
    let own = DATA_CENTER.iter().map(|(map, _, category)| (*map, data_center(category)));
    cloud.into_iter().chain(own).collect()
}

fn invited() -> Value {
    json!({
        "id": "9f3c1d20-16b5-4f11-8a51-0a1b2c3d4e5f", "type": "events",
        "attributes": {
            "time": "2026-03-02T08:15:30.125Z", "action": "user_invited",
            "actor": {"id": "5f9fc9a862584c006bADELE7", "name": "Adele Vance", "email": "adele@contoso.example"},
            "context": [{"id": "5f9fc9a862584c006bMEGAN1", "type": "users",
                "attributes": {"name": "megan@contoso.example", "email": "megan@contoso.example", "accountType": "atlassian"}}],
            "container": [{"id": "0c0c0c0c", "type": "sites",
                "attributes": {"siteName": "contoso", "siteHostName": "https://contoso.example"}}]
        },
        "message": {"content": "Invited megan@contoso.example", "format": "simple"}
    })
}

fn user_created() -> Value {
    json!({
        "id": 23236, "summary": "User created", "remoteAddress": "192.0.2.17",
        "authorKey": "ug:7c1e0f62-5a4b-4c3d-9e8f-001122334455", "authorAccountId": "5f9fc9a862584c006bADELE7",
        "created": "2026-03-02T08:15:30.125+0000", "category": "user management", "eventSource": "",
        "objectItem": {"id": "ug:aaaabbbb", "name": "megan@contoso.example", "typeName": "USER", "parentId": "10000"},
        "associatedItems": [{"id": "10001", "name": "jira-users", "typeName": "GROUP"}]
    })
}

fn space_updated() -> Value {
    json!({
        "author": {"type": "user", "displayName": "Adele Vance", "username": "", "userKey": "8a7f808972b9131b0172",
            "accountId": "5f9fc9a862584c006bADELE7", "accountType": "atlassian", "publicName": "Adele",
            "isExternalCollaborator": false},
        "remoteAddress": "192.0.2.17", "creationDate": 1772439330125_u64, "summary": "Space permission added",
        "description": "", "category": "Permissions", "sysAdmin": false, "superAdmin": false,
        "affectedObject": {"name": "Sales space", "objectType": "Space"}, "changedValues": [],
        "associatedObjects": [{"name": "megan@contoso.example", "objectType": "User"}]
    })
}

fn data_center(category: &str) -> Value {
    json!({
        "affectedObjects": [{"id": "7", "name": "meganb", "type": "USER"}],
        "auditType": {"action": "Permission granted", "actionI18nKey": category, "area": "PERMISSIONS",
            "category": "Permissions", "categoryI18nKey": category, "level": "BASE"},
        "author": {"id": "2", "name": "adelev", "type": "NORMAL"},
        "changedValues": [], "extraAttributes": [], "method": "Browser", "node": "n1", "source": "192.0.2.17",
        "system": "https://tools.contoso.example", "timestamp": {"epochSecond": 1772439330, "nano": 125000000},
        "version": "1.0"
    })
}

#[test]
fn d8_atlassian_actor_is_address_and_account() {
    let activity = one(ORGANIZATION, &invited());
    assert_eq!(actor(&activity), "user adele@contoso.example, Atlassian:5f9fc9a862584c006bADELE7");
    assert_eq!(activity.on_behalf_of(), []);
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("user_invited", "Atlassian"));
    assert!(has_object(&activity, "megan@contoso.example"));
    let record = with(&invited(), json!({"attributes": {"actor": {"email": null}}}));
    assert_eq!(actor_of(ORGANIZATION, &record), "user Atlassian:5f9fc9a862584c006bADELE7");
    assert_eq!(actor_of(ORGANIZATION, &with(&invited(), json!({"attributes": {"actor": null}}))), "unknown");
}

#[test]
fn d6_atlassian_login_as_user_names_both_people() {
    let record = with(&invited(), json!({"attributes": {"action": "user_logged_in_as_user"}}));
    assert_eq!(
        principals_of(ORGANIZATION, &record),
        [
            "user adele@contoso.example, Atlassian:5f9fc9a862584c006bADELE7",
            "user megan@contoso.example, Atlassian:5f9fc9a862584c006bMEGAN1"
        ]
    );
}

#[test]
fn b1_atlassian_message_is_no_wrapper() {
    let page = json!({"data": [invited()], "meta": {"next": "x"}, "links": {"self": "y"}});
    let items = read(ORGANIZATION, page.to_string());
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].as_ref().unwrap().id(), one(ORGANIZATION, &invited()).id());
}

#[test]
fn d8_jira_author_is_account_and_key() {
    let activity = one(JIRA, &user_created());
    assert_eq!(
        actor(&activity),
        "user Atlassian:5f9fc9a862584c006bADELE7, Jira:ug:7c1e0f62-5a4b-4c3d-9e8f-001122334455"
    );
    assert_eq!((super::reading::source_id(&activity), activity.action().as_str()), ("23236", "User created"));
    assert!(has_object(&activity, "megan@contoso.example") && has_object(&activity, "jira-users"));
    let page = json!({"offset": 0, "limit": 2, "total": 2, "records": [user_created(), user_created()]});
    assert_eq!(read(JIRA, page.to_string()).iter().filter(|item| item.is_ok()).count(), 2);
}

#[test]
fn d9_jira_record_without_author_is_unknown() {
    let record = with(&user_created(), json!({"authorKey": null, "authorAccountId": null}));
    assert_eq!(principals_of(JIRA, &record), ["unknown"]);
}

#[test]
fn d7_jira_app_is_application() {
    let record = with(&user_created(), json!({"authorKey": "addon_com.contoso.export"}));
    assert_eq!(actor_of(JIRA, &record), "application \"addon_com.contoso.export\"");
}

#[test]
fn d8_confluence_author_is_account_and_key() {
    let activity = one(CONFLUENCE, &space_updated());
    assert_eq!(actor(&activity), "user Atlassian:5f9fc9a862584c006bADELE7, Confluence:8a7f808972b9131b0172");
    assert_eq!(activity.occurred_at().to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    assert!(has_object(&activity, "megan@contoso.example") && has_object(&activity, "Sales space"));
}

#[test]
fn d9_confluence_author_is_anonymous_named_or_app() {
    let by = |author: Value| {
        let mut record = space_updated();
        record["author"] = author;
        actor_of(CONFLUENCE, &record)
    };
    assert_eq!(by(json!({"type": "anonymous", "displayName": "Anonymous"})), "unknown");
    assert_eq!(by(json!({"type": "user", "displayName": "Adele Vance"})), "user userkey:Adele Vance");
    assert_eq!(by(json!({})), "unknown");
    assert_eq!(
        by(json!({"type": "known", "accountType": "app", "displayName": "Contoso Export", "accountId": "x1"})),
        "application \"Contoso Export\""
    );
}

#[test]
fn d8_data_center_author_is_account() {
    for (name, app, category) in DATA_CENTER {
        let activity = one(name, &data_center(category));
        // Only Bitbucket writes the sign-in name here, the others can write the name of the person.
        let name_of = if app == "Bitbucket" { app } else { "userkey" };
        assert_eq!(actor(&activity), format!("user {name_of}:adelev, {app} id:2"));
        assert_eq!((activity.app().name().as_str(), activity.action().as_str()), (app, "Permission granted"));
        assert_eq!(activity.app().suite().unwrap().as_str(), "Atlassian");
        assert_eq!(activity.occurred_at().timestamp(), 1_772_439_330);
        assert!(has_object(&activity, "meganb"));
        let api = with(&data_center(category), json!({"timestamp": "2026-03-02T08:15:30Z"}));
        assert_eq!(one(name, &api).occurred_at(), activity.occurred_at());
    }
}

#[test]
fn d9_data_center_author_is_anonymous_system_or_service() {
    for (name, app, category) in DATA_CENTER {
        let by = |author| actor_of(name, &with(&data_center(category), json!({ "author": author })));
        assert_eq!(by(json!({"id": "-2", "name": "Anonymous", "type": "user"})), "unknown");
        assert_eq!(by(json!({"id": "-1", "name": "System", "type": "system"})), "system \"System\"");
        assert_eq!(
            by(json!({"id": "9", "name": "contoso-deploy", "type": "SERVICE"})),
            format!("application \"contoso-deploy\", {app}:contoso-deploy")
        );
        assert_eq!(actor_of(name, &with(&data_center(category), json!({"author": null}))), "unknown");
    }
}

#[test]
fn b1_data_center_maps_differ_in_product_only() {
    let rules = |name: &str| {
        let mut map = serde_json::to_value(map(name)).unwrap();
        for member in ["name", "title", "source", "detect", "app"] {
            map[member] = Value::Null;
        }
        map.to_string().replace("Bitbucket", "").replace("Jira", "").replace("Confluence", "")
    };
    let [bitbucket, jira, confluence] = DATA_CENTER.map(|(name, _, _)| rules(name));
    assert_eq!(jira, confluence);
    let name = r#"{"as":"account","at":"/author/name"},{"#;
    let last = bitbucket.rfind(name).expect("the rule of a user");
    assert_eq!(
        format!("{}{}{}", &bitbucket[..last], name.replace("account", "key"), &bitbucket[last + name.len()..]),
        jira
    );
}
