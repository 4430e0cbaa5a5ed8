//! Identities in every form and every field of a record.

use activity_privacy::activity::{Activity, Actor, ActorKind};
use activity_privacy::identity::{Alias, Identity, UserId};
use serde_json::{Value, json};

use crate::{one, record};

const OBJECT_ID: &str = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";
const PUID: &str = "1003200096971F55";
const SID: &str = "S-1-5-21-397955417-626881126-188441444-3723";

fn id() -> Identity {
    UserId::new(OBJECT_ID).unwrap().into()
}

fn address() -> Identity {
    Alias::new("adele@contoso.com").unwrap().into()
}

fn account(app: &str, name: &str) -> Identity {
    Alias::account(app, name).unwrap().into()
}

fn named(actor: &Actor, identity: &Identity) -> bool {
    actor.identities().iter().any(|known| match (known, identity) {
        (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
        (a, b) => a == b,
    })
}

fn performs(activity: &Activity, identity: &Identity) -> bool {
    activity.principals().any(|principal| named(principal, identity))
}

fn without_user(fields: Value) -> Activity {
    let mut record = record(json!({ "UserId": "", "UserKey": "" }));
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    one(&record)
}

#[test]
fn d8_every_form_of_address_is_read() {
    for text in [
        "smtp:adele@contoso.com",
        "SMTP:ADELE@contoso.com",
        "mailto:adele@contoso.com",
        "mailto:adele@contoso.com?subject=x",
        "sip:adele@contoso.com",
        "sip:adele@contoso.com;transport=tls",
        "fed:adele@contoso.com",
        "live.com#adele@contoso.com",
        "LIVE.COM#adele@contoso.com",
        "urn:spo:guest#adele@contoso.com",
        "i:0#.f|membership|live.com#adele@contoso.com",
        "i:0#.f|membership|smtp:adele@contoso.com",
        "i:0e.t|adfs|adele@contoso.com",
        "adele%40contoso.com",
        "i%3A0%23.f%7Cmembership%7Cadele%40contoso.com",
        "adele@contoso.com|device",
        "adele@contoso.com:443",
        "adele@contoso.com/App",
        "upn=adele@contoso.com",
        "/users/adele@contoso.com",
        "<adele@contoso.com>",
        "'adele@contoso.com'",
        "\"Adele\" <smtp:adele@contoso.com>",
        "adele@contoso.com; ",
        "\u{feff}adele@contoso.com",
        "\u{202a}adele@contoso.com\u{202c}",
        "adele\u{200b}@contoso.com",
        "\u{a0}adele@contoso.com\u{a0}",
        "adele@contoso\u{ad}.com",
    ] {
        for fields in [
            json!({ "UserId": text }),
            json!({ "UserKey": text }),
            json!({ "Actor": [{ "ID": text, "Type": 5 }] }),
            json!({ "SendAsUserSmtp": text }),
            json!({ "MailboxOwnerUPN": text }),
        ] {
            let activity = without_user(fields.clone());
            assert!(performs(&activity, &address()), "{fields}");
            let outside = |actor: &Actor| {
                actor.identities().iter().any(|known| match known {
                    Identity::Alias(alias) => alias.domain().is_some_and(|domain| domain.as_str() != "contoso.com"),
                    Identity::Id(_) => false,
                })
            };
            assert!(!activity.principals().any(outside), "no identity is in another domain: {fields}");
        }
        let object = one(&record(json!({ "UserId": "bob@contoso.com", "ObjectId": null, "UserSharedWith": text })));
        assert!(object.objects().any(|it| it.eq_ignore_ascii_case("adele@contoso.com")), "{text}");
    }
    let guest = without_user(json!({ "UserId": "adele_contoso.com#EXT#@fabrikam.example" }));
    assert!(!performs(&guest, &address()), "the text before `#EXT#` is never decoded");
}

#[test]
fn d8_every_form_of_object_id_is_read() {
    let plain = OBJECT_ID.replace('-', "");
    for text in [
        OBJECT_ID.to_owned(),
        OBJECT_ID.to_uppercase(),
        plain.clone(),
        format!("{{{OBJECT_ID}}}"),
        format!("({OBJECT_ID})"),
        format!("urn:uuid:{OBJECT_ID}"),
        format!("User_{OBJECT_ID}"),
        format!("user_{plain}"),
        format!("\u{feff}{OBJECT_ID}\u{200e}"),
        format!("{OBJECT_ID}@contoso.com"),
        format!("i:0#.f|membership|{OBJECT_ID}"),
        format!("{plain}adele@contoso.com"),
        // The object id in a security identifier of Entra, four numbers of 32 bits.
        "S-1-12-1-253570107-1183271513-2996899742-4142257347".to_owned(),
    ] {
        for fields in [
            json!({ "UserId": text }),
            json!({ "UserKey": text }),
            json!({ "Actor": [{ "ID": text, "Type": 0 }] }),
            json!({ "Actor": [{ "ID": text, "Type": 2 }] }),
            json!({ "Actor": [{ "ID": text, "Type": "Guid" }] }),
            json!({ "AppAccessContext": { "UserObjectId": text } }),
        ] {
            assert!(performs(&without_user(fields.clone()), &id()), "{fields}");
        }
    }
    let deleted = without_user(json!({ "UserId": format!("{plain}adele@contoso.com") }));
    assert!(performs(&deleted, &address()), "the UPN of a deleted user");
}

#[test]
fn d8_passport_id_is_read_with_and_without_tenant() {
    let puid = account(Alias::PASSPORT_IDS, PUID);
    for text in [
        PUID.to_owned(),
        PUID.to_lowercase(),
        format!("{PUID}@contoso.onmicrosoft.com"),
        format!("{PUID}@live.com"),
        format!("i:0h.f|membership|{PUID}@live.com"),
    ] {
        for fields in
            [json!({ "UserId": text }), json!({ "UserKey": text }), json!({ "Actor": [{ "ID": text, "Type": 3 }] })]
        {
            assert!(performs(&without_user(fields.clone()), &puid), "{fields}");
        }
    }
}

#[test]
fn d8_account_with_domain_is_read_without_it() {
    for text in ["CONTOSO\\adele", "contoso.com\\adele", "i:0#.w|contoso\\adele"] {
        assert!(performs(&without_user(json!({ "UserId": text })), &Alias::new("adele").unwrap().into()), "{text}");
    }
    let legacy = "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=0123456789abcdef-adele";
    assert!(performs(&without_user(json!({ "UserId": legacy })), &Alias::new("adele").unwrap().into()));
}

#[test]
fn d9_well_known_security_identifier_is_system_account() {
    for sid in ["S-1-5-18", "s-1-5-19", "S-1-5-20", "S-1-5-32-544", "S-1-1-0"] {
        let actor = without_user(json!({ "UserId": sid, "UserKey": sid })).actor().clone();
        assert_eq!((actor.kind(), actor.identities().len()), (ActorKind::System, 0), "{sid}");
    }
    for person in [SID, "S-1-12-1-253570107-1183271513-2996899742-4142257347"] {
        let actor = without_user(json!({ "UserId": person })).actor().clone();
        assert_eq!(actor.kind(), ActorKind::User, "{person}");
        assert!(named(&actor, &account(Alias::SECURITY_IDS, person)), "{person}");
    }
}

#[test]
fn d7_application_only_in_actor_field_is_application() {
    let application = |entries: Value| {
        let record = json!({ "UserId": "", "UserKey": "Not Available", "UserType": 4, "Actor": entries });
        one(&crate::record(record)).actor().clone()
    };
    let service = format!("ServicePrincipal_{OBJECT_ID}");
    let named = application(json!([{ "ID": "Teams", "Type": 1 }, { "ID": service, "Type": 2 }]));
    assert_eq!((named.kind(), named.label()), (ActorKind::Application, "Teams"));
    assert_eq!(application(json!([{ "ID": service, "Type": 2 }])).kind(), ActorKind::Application);
    assert_eq!(application(json!([{ "ID": OBJECT_ID, "Type": 4 }])).kind(), ActorKind::Application);
    let person = application(json!([{ "ID": service, "Type": 2 }, { "ID": "adele@contoso.com", "Type": 5 }]));
    assert!(performs_as_person(&person));
}

fn performs_as_person(actor: &Actor) -> bool {
    named(actor, &address())
}

#[test]
fn d6_every_field_of_principals_gives_a_principal() {
    let service = |fields: Value| {
        let mut record = record(json!({ "UserId": "PowerApps-Service", "UserKey": "PowerApps-Service" }));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&record)
    };
    let name = "adele@contoso.com";
    for fields in [
        json!({ "UserUPN": name }),
        json!({ "userUpn": name }),
        json!({ "UserPrincipalName": name }),
        json!({ "ActorUserId": name }),
        json!({ "OnBehalfOf": name }),
        json!({ "SendonBehalfOfUserSmtp": name }),
        json!({ "SENDASUSERSMTP": name }),
        json!({ "ImpersonatedUserUpn": name }),
        json!({ "InitiatedBy": name }),
        json!({ "PropertyCollection": [{ "Name": "enduser.principal_name", "Value": name }] }),
        json!({ "PropertyCollection": [{ "Name": "enduser.id", "Value": name }] }),
        json!({ "PropertyCollection": json!([{ "Name": "enduser.upn", "Value": name }]).to_string() }),
        json!({ "ExtendedProperties": [{ "Name": "onBehalfOfUserUpn", "Value": name }] }),
        json!({ "AppAccessContext": { "UserObjectId": name } }),
    ] {
        assert!(performs(&service(fields.clone()), &address()), "{fields}");
    }
    for kind in [5, 6, 4] {
        let token = json!({ "UserType": kind, "UserId": "Backup", "TokenObjectId": OBJECT_ID });
        assert!(performs(&one(&record(token)), &id()), "{kind}");
    }
    // A person other than the principals is an object.
    let shared = service(json!({ "TargetUserId": name, "Attendees": [{ "UPN": name, "UserObjectId": OBJECT_ID }] }));
    assert!(!performs(&shared, &address()) && !performs(&shared, &id()));
}

#[test]
fn d9_mailbox_owner_with_technical_id_is_a_principal() {
    let acted_in = |fields: Value| {
        let mut record = record(json!({ "UserId": "bob@contoso.com", "Workload": "Exchange", "ObjectId": null }));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&record)
    };
    for fields in [
        json!({ "MailboxOwnerSid": SID }),
        json!({ "MailboxOwnerUPN": "", "MailboxOwnerSid": SID, "LogonUserSid": "S-1-5-21-1-2-3-4" }),
        json!({ "MailboxOwnerUPN": "Unknown", "MailboxOwnerSid": SID, "LogonType": 2 }),
        json!({ "MailboxOwnerUPN": "Default-x@msonline-outlook-ab1.templateTenant" }),
        json!({ "MailboxGuid": OBJECT_ID, "LogonType": 1 }),
        json!({ "MailboxOwnerMasterAccountSid": SID }),
    ] {
        let owners = acted_in(fields.clone()).on_behalf_of().to_vec();
        let [owner] = &owners[..] else { panic!("{fields}: {} principals", owners.len()) };
        assert!(owner.kind() == ActorKind::User && !owner.identities().is_empty(), "{fields}");
    }
    for own in [
        json!({ "MailboxOwnerUPN": "Bob@contoso.com", "MailboxOwnerSid": SID, "MailboxGuid": OBJECT_ID }),
        json!({ "MailboxOwnerSid": SID, "LogonUserSid": SID.to_lowercase(), "MailboxGuid": OBJECT_ID }),
        json!({ "MailboxOwnerSid": SID, "LogonType": 0 }),
        json!({ "MailboxGuid": OBJECT_ID, "Logon_Type": "Owner" }),
    ] {
        assert!(acted_in(own.clone()).on_behalf_of().is_empty(), "{own}");
    }
    let named = acted_in(json!({ "MailboxOwnerUPN": "adele@contoso.com", "MailboxOwnerSid": SID }));
    assert!(named.on_behalf_of().len() == 1 && performs(&named, &address()));
}

#[test]
fn d6_report_makes_everyone_it_names_a_principal() {
    let report = |fields: Value| {
        let mut record = record(json!({
            "UserId": "SecurityComplianceAlerts", "UserKey": "SecurityComplianceAlerts", "UserType": 4, "ObjectId": null,
        }));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&record)
    };
    let data = json!({ "etype": "User", "f3u": "adele@contoso.com" }).to_string();
    for fields in [
        json!({ "Operation": "AlertTriggered", "Data": data }),
        json!({ "Operation": "AlertEntityGenerated", "AlertEntityId": "adele@contoso.com" }),
        json!({ "RecordType": 40, "Operation": "x", "Comments": "Downloads by adele@contoso.com (unusual)" }),
        json!({ "RecordType": "ThreatIntelligence", "Operation": "TIMailData", "P2Sender": "adele@contoso.com" }),
        json!({ "RecordType": 28, "Operation": "x", "Recipients": ["lee@contoso.com", "SMTP:adele@contoso.com"] }),
        json!({ "Operation": "DlpRuleMatch", "SharePointMetaData": { "From": "", "FileOwner": "adele@contoso.com" } }),
        json!({ "Operation": "UserRiskDetected", "UserDetails": [{ "Name": "upn", "Value": "adele@contoso.com" }] }),
        json!({ "UserId": "Microsoft Defender", "UserType": 0, "Operation": "IncidentCreated", "X": { "suid": "adele@contoso.com" } }),
        json!({ "RecordType": 43, "Operation": "MipLabel", "Sender": "adele@contoso.com" }),
    ] {
        assert!(performs(&report(fields.clone()), &address()), "{fields}");
    }
    // An id in a field of people.
    let by_id = report(json!({ "Operation": "AlertTriggered", "UserObjectId": OBJECT_ID }));
    assert!(performs(&by_id, &id()) && by_id.on_behalf_of()[0].kind() == ActorKind::User);
    // An id that may be that of a thing: it is an identity of an unknown principal.
    let unclear = report(json!({ "Operation": "AlertTriggered", "Reference": OBJECT_ID }));
    assert!(performs(&unclear, &id()) && unclear.on_behalf_of()[0].kind() == ActorKind::Unknown);
    let nobody = report(json!({ "Operation": "AlertTriggered", "PolicyId": OBJECT_ID }));
    assert_eq!(nobody.on_behalf_of(), [Actor::unknown()]);
    // More than an activity can contain: an unknown principal represents the rest.
    let many: Vec<String> = (0..400).map(|n| format!("u{n}@contoso.com")).collect();
    let many = report(json!({ "Operation": "AlertTriggered", "Recipients": many }));
    assert!(many.on_behalf_of().contains(&Actor::unknown()) && many.on_behalf_of().len() <= Activity::MAX_ON_BEHALF_OF);
    // If a field names the person of the report, the others are objects.
    let said = json!({
        "Operation": "DlpRuleMatch",
        "SharePointMetaData": { "From": "lee@contoso.com", "FileOwner": "adele@contoso.com" },
    });
    assert!(!performs(&report(said), &address()));
}

#[test]
fn d6_application_in_user_session_reports_on_user() {
    let session = json!({
        "UserId": "app@sharepoint", "UserType": 5, "ModifiedBy": "adele@contoso.com",
        "AppAccessContext": { "AADSessionId": OBJECT_ID, "ClientAppId": OBJECT_ID },
    });
    assert!(performs(&one(&record(session.clone())), &address()));
    let mut without = session;
    without["AppAccessContext"]["AADSessionId"] = "".into();
    assert!(!performs(&one(&record(without)), &address()), "the objects of a service acting by itself stay objects");
}

#[test]
fn d6_service_acting_by_itself_keeps_its_objects() {
    for service in ["app@sharepoint", "NT AUTHORITY\\SYSTEM", "S-1-5-18", "Microsoft Teams Services"] {
        let fields = json!({ "UserId": service, "UserType": 4, "Operation": "Add member to group.", "ObjectId": "adele@contoso.com" });
        let activity = one(&record(fields));
        assert!(activity.on_behalf_of().is_empty() && !performs(&activity, &address()), "{service}");
        assert!(activity.objects().any(|object| object == "adele@contoso.com"));
    }
}

#[test]
fn d6_every_field_of_people_gives_an_object() {
    let objects = |fields: Value| {
        let mut record = record(json!({ "UserId": "bob@contoso.com", "ObjectId": null }));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&record).objects().map(str::to_owned).collect::<Vec<_>>()
    };
    for (fields, expected) in [
        (json!({ "TargetUserId": "adele@contoso.com" }), "adele@contoso.com"),
        (json!({ "SharingInformation": [{ "RecipientEmail": "adele@contoso.com" }] }), "adele@contoso.com"),
        (json!({ "Attendees": [{ "UPN": "", "UserObjectId": OBJECT_ID }] }), OBJECT_ID),
        (json!({ "Members": [{ "UPN": "", "UserObjectId": OBJECT_ID.to_uppercase() }] }), OBJECT_ID),
        (json!({ "Target": [{ "ID": format!("User_{OBJECT_ID}"), "Type": 2 }] }), OBJECT_ID),
        (json!({ "ObjectId": format!("{}adele@contoso.com", OBJECT_ID.replace('-', "")) }), OBJECT_ID),
        (json!({ "Target": [{ "ID": PUID, "Type": 3 }] }), PUID),
        (json!({ "Parameters": [{ "Name": "Identity", "Value": "adele" }] }), "adele"),
        (
            json!({ "Parameters": json!([{ "Name": "User", "Value": "SMTP:adele@contoso.com" }]).to_string() }),
            "adele@contoso.com",
        ),
        (json!({ "ModifiedProperties": [{ "Name": "Owner", "NewValue": format!("[\"{OBJECT_ID}\"]") }] }), OBJECT_ID),
        (json!({ "AffectedItems": [{ "Subject": "from adele@contoso.com, today" }] }), "adele@contoso.com"),
        (
            json!({ "SiteUrl": "https://contoso-my.sharepoint.com/personal/adele_contoso_com/Documents/a.docx" }),
            "/personal/adele@contoso.com",
        ),
        (
            json!({ "ObjectId": "https://contoso-my.sharepoint.com/personal/adele_vance_contoso_com" }),
            "/personal/adele.vance@contoso.com",
        ),
        (
            json!({ "ObjectId": "https://contoso-my.sharepoint.com/personal/adele_vance_contoso_com" }),
            "/personal/adele_vance@contoso.com",
        ),
        (json!({ "DestMailboxOwnerSid": SID }), SID),
    ] {
        assert!(objects(fields.clone()).iter().any(|object| object == expected), "{fields}");
    }
    // Ids of things are not objects.
    let things = json!({
        "OrganizationId": OBJECT_ID, "CorrelationId": OBJECT_ID, "SiteCollectionGuid": OBJECT_ID, "WebId": OBJECT_ID,
    });
    assert_eq!(objects(things), [""; 0]);
    assert_eq!(objects(json!({ "Extra": "bob@contoso.com" })), [""; 0], "the actor is not an object");
}

/// A service has keys and ids of its own.
#[test]
fn d6_service_with_keys_is_no_person() {
    let about = json!({ "SharePointMetaData": { "From": "", "FileOwner": "adele@contoso.com" } });
    for fields in [
        json!({ "UserId": "DlpAgent", "UserKey": "1153977025279851686" }),
        json!({ "UserId": "SecurityComplianceAlerts", "UserKey": OBJECT_ID }),
        json!({ "UserId": "SecurityComplianceAlerts", "UserKey": "AlertService" }),
        json!({ "UserId": "Risk Service", "UserKey": PUID }),
        json!({ "UserId": "", "Actor": [{ "ID": format!("ServicePrincipal_{OBJECT_ID}"), "Type": 2 }] }),
        json!({ "UserId": "app@sharepoint", "UserType": 5, "TokenObjectId": OBJECT_ID }),
    ] {
        let mut record =
            record(json!({ "Operation": "DlpRuleMatch", "UserType": 4, "ObjectId": null, "UserKey": null }));
        record.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert!(performs(&one(&record), &address()), "{fields}");
    }
}

#[test]
fn d6_report_is_read_in_every_form() {
    let report = |fields: Value| {
        let mut record =
            record(json!({ "UserId": "SecurityComplianceAlerts", "UserType": 4, "Operation": "AlertTriggered" }));
        record
            .as_object_mut()
            .unwrap()
            .extend(json!({ "ObjectId": null, "Owner": "lee@contoso.com" }).as_object().unwrap().clone());
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        one(&record)
    };
    for fields in [
        json!({ "Text": "a@x.example/adele@contoso.com" }),
        json!({ "Text": "adele@contoso.com|bob@contoso.com" }),
        json!({ "Text": "`adele@contoso.com`" }),
        json!({ "Text": "the user 'adele@contoso.com' did it" }),
        json!({ "Text": "**adele@contoso.com** {x}" }),
        json!({ "Text": "see https://x.example/?id={adele@contoso.com}" }),
        json!({ "Text": "see https://x.example/?a=1&adele@contoso.com" }),
        json!({ "Text": "\u{201c}adele@contoso.com\u{201d}" }),
        json!({ "Hits": { "adele@contoso.com": 3 } }),
        json!({ "AssignedAgent": "adele@contoso.com" }),
        json!({ "PolicyId": "adele@contoso.com" }),
        json!({ "SiteUrl": "https://contoso-my.sharepoint.com/personal/adele_contoso_com/x" }),
    ] {
        assert!(performs(&report(fields.clone()), &address()), "{fields}");
    }
    let plain = Alias::new("adele").unwrap().into();
    for fields in [
        json!({ "f3u": "CONTOSO\\adele" }),
        json!({ "AlertEntityId": "adele" }),
        json!({ "Actor2": "/o=ExchangeLabs/ou=x/cn=Recipients/cn=0123abcd-adele" }),
    ] {
        assert!(performs(&report(fields.clone()), &plain), "{fields}");
    }
    let deep = (0..10).fold(json!({ "x": "adele@contoso.com" }), |inner, _| json!({ "y": inner.to_string() }));
    let deep = report(json!({ "Data": deep }));
    assert!(
        performs(&deep, &address()) || deep.on_behalf_of().contains(&Actor::unknown()),
        "what is cut off is somebody"
    );
    // An id that the directory does not resolve is a principal by itself, so that the activity is hidden.
    let sid = report(json!({ "UserSid": SID }));
    assert!(sid.on_behalf_of().iter().any(|it| it.identities() == [account(Alias::SECURITY_IDS, SID)]));
}

#[test]
fn d6_principals_are_read_in_lists_and_objects() {
    for fields in [
        json!({ "OnBehalfOf": ["adele@contoso.com"] }),
        json!({ "OnBehalfOf": { "Upn": "adele@contoso.com" } }),
        json!({ "ImpersonatedUser": { "Upn": "adele@contoso.com" } }),
        json!({ "InitiatedBy": { "user": { "userPrincipalName": "adele@contoso.com" } } }),
        json!({ "InitiatedBy": json!({ "user": { "userPrincipalName": "adele@contoso.com" } }).to_string() }),
        json!({ "EndUser": { "upn": "adele@contoso.com" } }),
        json!({ "attributes": { "enduser": { "principal_name": "adele@contoso.com" } } }),
        json!({ "AppAccessContext": json!({ "UserObjectId": "adele@contoso.com" }).to_string() }),
    ] {
        let mut record = record(json!({ "UserId": "Flow", "ObjectId": null }));
        record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert!(performs(&one(&record), &address()), "{fields}");
    }
    for entries in [
        json!({ "Actor": [{ "id": OBJECT_ID, "type": 0 }] }),
        json!({ "Actor": [], "actor": [{ "ID": OBJECT_ID, "Type": 0 }] }),
        json!({ "Actor": [[{ "ID": OBJECT_ID, "Type": 0 }]] }),
        json!({ "Actor": { "value": [{ "ID": OBJECT_ID, "Type": 0 }] } }),
        json!({ "Actor": [json!({ "ID": OBJECT_ID, "Type": 0 }).to_string()] }),
    ] {
        assert!(performs(&without_user(entries.clone()), &id()), "{entries}");
    }
    // Words that are not names give no principal.
    for fields in [
        json!({ "PropertyCollection": [{ "Name": "enduser.role", "Value": "Admin" }] }),
        json!({ "Parameters": [{ "Name": "ImpersonationProtectionState", "Value": "Automatic" }] }),
        json!({ "Parameters": [{ "Name": "OnBehalfOf", "Value": "lee@contoso.com" }] }),
        json!({ "EnableEndUserSpamNotifications": "True", "IsImpersonated": "False", "InitiatedBy": "Admin" }),
        json!({ "TargetUserPrincipalName": "lee@contoso.com" }),
        json!({ "MailboxGuid": "00000000-0000-0000-0000-000000000000" }),
    ] {
        assert!(one(&record(fields.clone())).on_behalf_of().is_empty(), "{fields}");
    }
}

#[test]
fn d9_security_identifier_of_person_is_no_system_account() {
    for sid in ["S-1-11-96-1", "S-1-22-1-1001", "S-1-5-88-1-1001", SID] {
        for kind in [0, 4, 5] {
            let actor = without_user(json!({ "UserId": sid, "UserType": kind })).actor().clone();
            assert_eq!(actor.kind(), ActorKind::User, "{sid} {kind}");
        }
    }
    for sid in ["S-1-5-80-1-2-3-4-5", "S-1-5-90-0-1", "S-1-5-96-0-1", "S-1-5-82-1"] {
        assert_eq!(without_user(json!({ "UserId": sid })).actor().kind(), ActorKind::System, "{sid}");
    }
}

#[test]
fn d8_every_possible_name_is_read() {
    let named_as = |text: &str, expected: &str| {
        let activity = without_user(json!({ "UserId": text }));
        assert!(performs(&activity, &Alias::new(expected).unwrap().into()), "{text} as {expected}");
    };
    named_as("o.neil#1@contoso.com", "o.neil#1@contoso.com");
    named_as("mail#adele@contoso.com", "adele@contoso.com");
    named_as(&format!("{OBJECT_ID}@contoso.com"), &format!("{OBJECT_ID}@contoso.com"));
    named_as("i:0#.f|membership|urn%3aspo%3aguest#adele@contoso.com", "adele@contoso.com");
    for prefix in ["CONTOSO", "AzureAD", "MicrosoftAccount"] {
        named_as(&format!("{prefix}\\adele@contoso.com"), "adele@contoso.com");
    }
    named_as("X500:/o=ExchangeLabs/ou=x/cn=Recipients/cn=jean-luc", "jean-luc");
    named_as("CONTOSO/adele", "adele");
    named_as("adele@CONTOSO", "adele");
    named_as("SMTP%3Aadele@contoso.com", "adele@contoso.com");
    named_as("adele\u{ff20}contoso.com", "adele@contoso.com");
    named_as("adele\u{fe0f}@contoso.com", "adele@contoso.com");
    for text in ["8:orgid:", "orgid:", "User_"] {
        assert!(performs(&without_user(json!({ "UserId": format!("{text}{OBJECT_ID}") })), &id()), "{text}");
    }
    for text in ["NETID:", "5::", "1:live.com:"] {
        let activity = without_user(json!({ "UserKey": format!("{text}{PUID}") }));
        assert!(performs(&activity, &account(Alias::PASSPORT_IDS, PUID)), "{text}");
    }
}

#[test]
fn d6_sender_with_mailbox_id_only_is_a_principal() {
    for field in ["SendAsUserMailboxGuid", "SendOnBehalfOfUserMailboxGuid"] {
        let sent = one(&record(json!({ field: OBJECT_ID.to_uppercase() })));
        assert!(performs(&sent, &account(Alias::MAILBOX_IDS, OBJECT_ID)), "{field}");
    }
    let both = json!({ "SendAsUserSmtp": "adele@contoso.com", "SendAsUserMailboxGuid": OBJECT_ID });
    assert!(one(&record(both)).on_behalf_of().is_empty(), "sent as themselves");
    let delegate = one(&record(json!({ "MailboxUPN": "lee@contoso.com", "LogonType": 2 })));
    assert_eq!(delegate.on_behalf_of().len(), 1);
}
