//! Salesforce: setup audit trail, event log files, real-time events and login history.

use serde_json::{Value, json};

use crate::reading::{actor, actor_of, has_object, one, principals_of, read, with};

const TRAIL: &str = "salesforce_setup_audit_trail";
const LOG: &str = "salesforce_event_log";
const EVENTS: &str = "salesforce_events";
const LOGINS: &str = "salesforce_login_history";

/// A 15-character id, and the same with the three characters that make its case redundant.
const SHORT: &str = "0055j000000AbCd";
const LONG: &str = "0055j000000AbCdAAK";

pub(crate) fn samples() -> Vec<(&'static str, Value)> {
    vec![(TRAIL, change()), (LOG, row()), (EVENTS, event()), (LOGINS, login())]
}

fn change() -> Value {
    json!({
        "attributes": {"type": "SetupAuditTrail", "url": "/services/data/v60.0/sobjects/SetupAuditTrail/0Ym1"},
        "Id": "0Ym5j000001ContosoA", "Action": "PermSetAssign", "Section": "Manage Users",
        "CreatedById": LONG, "CreatedDate": "2026-03-02T08:15:30.000+0000", "CreatedByContext": null,
        "CreatedByIssuer": null, "DelegateUser": null, "ResponsibleNamespacePrefix": null,
        "Display": "Permission set CRM Admin: assigned to user Megan Bowen (UserID: [0055j000000MeGa])"
    })
}

fn row() -> Value {
    json!({
        "EVENT_TYPE": "ReportExport", "TIMESTAMP": "20260302081530.125", "REQUEST_ID": "4exLFFQZ1234xLFFQZ1234",
        "ORGANIZATION_ID": "00D5j000000Cont", "USER_ID": SHORT, "RUN_TIME": "90", "CPU_TIME": "11",
        "URI": "/00O5j000000RePo", "CLIENT_IP": "192.0.2.17", "USER_TYPE": "Standard",
        "TIMESTAMP_DERIVED": "2026-03-02T08:15:30.125Z", "USER_ID_DERIVED": LONG, "URI_ID_DERIVED": ""
    })
}

fn event() -> Value {
    json!({
        "attributes": {"type": "ApiEvent"}, "EventIdentifier": "0f1e2d3c-16b5-4f11-8a51-0a1b2c3d4e5f",
        "EventDate": "2026-03-02T08:15:30.125+0000", "CreatedDate": "2026-03-02T08:15:31.000+0000",
        "UserId": LONG, "Username": "adele@contoso.example", "SourceIp": "192.0.2.17", "Operation": "Query",
        "QueriedEntities": "Account", "LoginKey": "lk1", "SessionKey": "sk1"
    })
}

fn login() -> Value {
    json!({
        "attributes": {"type": "LoginHistory"}, "Id": "0Ya5j00000ContosoAA", "UserId": LONG,
        "LoginTime": "2026-03-02T08:15:30.000+0000", "LoginType": "Application", "SourceIp": "192.0.2.17",
        "Status": "Success", "Application": "Browser"
    })
}

#[test]
fn d8_salesforce_short_and_long_ids_are_one() {
    let expected = format!("user Salesforce:{LONG}");
    assert_eq!(actor_of(TRAIL, &change()), expected);
    assert_eq!(actor_of(TRAIL, &with(&change(), json!({"CreatedById": SHORT}))), expected);
    assert_eq!(actor_of(LOG, &row()), expected);
    assert_eq!(actor_of(LOG, &with(&row(), json!({"USER_ID_DERIVED": null}))), expected);
}

#[test]
fn d8_salesforce_short_ids_in_other_case_are_two() {
    let other = with(&row(), json!({"USER_ID": "0055j000000aBcD", "USER_ID_DERIVED": ""}));
    let (one_id, other_id) = (one(LOG, &row()), one(LOG, &other));
    assert_ne!(one_id.actor(), other_id.actor());
    let alias = |actor: String| actor.rsplit(':').next().unwrap().to_lowercase();
    assert_ne!(alias(actor(&one_id)), alias(actor(&other_id)), "also folded");
}

#[test]
fn d8_salesforce_trail_with_creator_is_all_identities() {
    let record = with(
        &change(),
        json!({"CreatedBy": {"attributes": {"type": "User"}, "Name": "Adele Vance",
        "Username": "adele@contoso.example.crm", "Email": "adele@contoso.example"}}),
    );
    let activity = one(TRAIL, &record);
    assert_eq!(actor(&activity), format!("user adele@contoso.example.crm, adele@contoso.example, Salesforce:{LONG}"));
    assert_eq!(super::reading::source_id(&activity), "0Ym5j000001ContosoA");
    assert_eq!((activity.action().as_str(), activity.app().name().as_str()), ("PermSetAssign", "Salesforce"));
    assert!(has_object(&activity, "Manage Users"));
}

#[test]
fn d6_salesforce_delegate_is_a_principal_of_the_trail() {
    let record = with(&change(), json!({"DelegateUser": "megan@contoso.example"}));
    assert_eq!(principals_of(TRAIL, &record), [format!("user Salesforce:{LONG}"), "user megan@contoso.example".into()]);
    let record = with(&change(), json!({"DelegateUser": "mbowen"}));
    assert_eq!(principals_of(TRAIL, &record), [format!("user Salesforce:{LONG}"), "user userkey:mbowen".into()]);
}

#[test]
fn d6_salesforce_change_of_einstein_is_of_its_user() {
    let record = with(&change(), json!({"CreatedByContext": "Einstein"}));
    assert_eq!(principals_of(TRAIL, &record), [format!("user Salesforce:{LONG}")]);
}

#[test]
fn d9_salesforce_automated_process_is_system() {
    let by = |creator| with(&change(), json!({"CreatedBy": creator}));
    let system = by(json!({"Name": "Automated Process", "Username": "autoproc@00d5j000000contoso"}));
    assert_eq!(actor_of(TRAIL, &system), "system \"Automated Process\"");
    let system = by(json!({"Name": "Automated Process", "UserType": "AutomatedProcess"}));
    assert_eq!(actor_of(TRAIL, &system), "system \"Automated Process\"");
    // Each person can choose this name.
    let person = by(json!({"Name": "Automated Process"}));
    assert_eq!(actor_of(TRAIL, &person), format!("user Salesforce:{LONG}"));
    assert_eq!(actor_of(LOG, &with(&row(), json!({"USER_TYPE": "A"}))), "system \"Automated Process\"");
}

#[test]
fn d7_salesforce_integration_user_is_application() {
    let record = with(
        &change(),
        json!({"CreatedBy": {"Name": "Platform Integration User",
        "UserType": "CloudIntegrationUser"}}),
    );
    assert_eq!(actor_of(TRAIL, &record), "application \"Platform Integration User\"");
    assert_eq!(
        actor_of(LOG, &with(&row(), json!({"USER_TYPE": "CloudIntegrationUser"}))),
        "application \"Platform Integration User\""
    );
}

#[test]
fn d9_salesforce_guest_or_no_user_is_unknown() {
    assert_eq!(actor_of(LOG, &with(&row(), json!({"USER_TYPE": "Guest"}))), "unknown");
    assert_eq!(actor_of(LOG, &with(&row(), json!({"USER_ID": "", "USER_ID_DERIVED": ""}))), "unknown");
    assert_eq!(actor_of(TRAIL, &with(&change(), json!({"CreatedById": null}))), "unknown");
    let empty = with(&row(), json!({"USER_ID": "000000000000000", "USER_ID_DERIVED": "000000000000000AAA"}));
    assert_eq!(actor_of(LOG, &empty), "unknown");
    let empty = with(&event(), json!({"UserId": "000000000000000AAA"}));
    assert_eq!(actor_of(EVENTS, &empty), "unknown adele@contoso.example");
    assert_eq!(actor_of(EVENTS, &with(&empty, json!({"Username": null}))), "unknown");
}

#[test]
fn d6_salesforce_login_as_names_both_people() {
    let record = with(
        &row(),
        json!({"EVENT_TYPE": "LoginAs", "DELEGATED_USER_ID": "0055j000000MeGa",
        "DELEGATED_USER_NAME": "megan@contoso.example", "DELEGATED_USER_ID_DERIVED": "0055j000000MeGaAAK"}),
    );
    assert_eq!(
        principals_of(LOG, &record),
        [format!("user Salesforce:{LONG}"), "user megan@contoso.example, Salesforce:0055j000000MeGaAAK".into()]
    );
    let record = with(
        &event(),
        json!({"attributes": {"type": "LoginAsEvent"}, "LoginAsCategory": "OrgAdmin",
        "DelegatedUsername": "megan@contoso.example"}),
    );
    assert_eq!(
        principals_of(EVENTS, &record),
        [format!("user adele@contoso.example, Salesforce:{LONG}"), "user megan@contoso.example".into()]
    );
}

#[test]
fn d6_salesforce_login_as_of_unnamed_admin_is_unknown() {
    let record = with(&row(), json!({"EVENT_TYPE": "LoginAs"}));
    assert_eq!(principals_of(LOG, &record), [format!("user Salesforce:{LONG}"), "unknown".into()]);
    let record = with(&event(), json!({"LoginAsCategory": "SalesforceSupport"}));
    assert_eq!(principals_of(EVENTS, &record)[1], "unknown");
}

#[test]
fn b1_salesforce_times_are_read_in_each_export() {
    let expected = one(LOG, &row()).occurred_at();
    assert_eq!(expected.to_rfc3339(), "2026-03-02T08:15:30.125+00:00");
    let record = with(&row(), json!({"TIMESTAMP_DERIVED": null}));
    assert_eq!(one(LOG, &record).occurred_at(), expected);
    let table = json!({"event_type_s": "Login", "timestamp_derived_t": "2026-03-02T08:15:30.125Z",
        "user_id_derived_s": LONG, "user_name_s": "adele@contoso.example", "user_type_s": "Standard"});
    let activity = one(LOG, &table);
    assert_eq!((activity.occurred_at(), activity.action().as_str()), (expected, "Login"));
    assert_eq!(actor(&activity), format!("user adele@contoso.example, Salesforce:{LONG}"));
    let streamed = json!({"channel": "/event/LoginEventStream", "data": {"schema": "x", "payload":
        with(&event(), json!({"EventDate": 1772439330125_u64, "attributes": null}))}});
    let activity = one(EVENTS, &streamed);
    assert_eq!((activity.occurred_at(), activity.action().as_str()), (expected, "Query"));
}

#[test]
fn d8_salesforce_login_history_is_of_its_user() {
    let activity = one(LOGINS, &login());
    assert_eq!((actor(&activity), activity.action().as_str()), (format!("user Salesforce:{LONG}"), "Login"));
    let page = json!({"totalSize": 2, "done": true, "records": [login(), {"Id": "0Ya", "UserId": LONG}]});
    assert_eq!(read(LOGINS, page.to_string()).iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
}
