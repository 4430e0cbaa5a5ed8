//! The principals of a record.

use activity_privacy::activity::{Activity, Actor, ActorKind};
use activity_privacy::identity::{Alias, Identity, UserId};
use activity_privacy::sources::RejectReason;
use serde_json::{Value, json};

use crate::{one, read, record};

const OBJECT_ID: &str = "0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6";

fn id(text: &str) -> Identity {
    UserId::new(text).unwrap().into()
}

fn alias(text: &str) -> Identity {
    Alias::new(text).unwrap().into()
}

fn account(app: &str, name: &str) -> Identity {
    Alias::account(app, name).unwrap().into()
}

fn actor(fields: Value) -> Actor {
    one(&record(fields)).actor().clone()
}

fn acted_for(activity: &Activity) -> Vec<&str> {
    activity.on_behalf_of().iter().map(Actor::label).collect()
}

#[test]
fn d9_record_without_user_has_unknown_actor() {
    for nobody in
        ["", " ", "Unknown", "Not Available", "anonymous", "urn:spo:anon#f00", "00000000-0000-0000-0000-000000000000"]
    {
        for user_type in [json!(0), json!(4), json!("Application"), json!(null)] {
            let actor = actor(json!({ "UserId": nobody, "UserKey": nobody, "UserType": user_type }));
            assert_eq!(actor, Actor::unknown(), "{nobody} {user_type}");
        }
    }
    assert_eq!(actor(json!({ "UserId": null, "UserKey": null, "UserType": null })), Actor::unknown());
}

#[test]
fn d9_unknown_user_type_is_a_person() {
    for user_type in [
        json!(0),
        json!(2),
        json!(3),
        json!(10),
        json!(99),
        json!(-4),
        json!(4.5),
        json!("Admin"),
        json!([4]),
        json!(null),
    ] {
        let actor = actor(json!({ "UserType": user_type, "UserId": "CONTOSO\\adele" }));
        assert_eq!(actor, Actor::user(alias("CONTOSO\\adele")).with_identity(alias("adele")), "{user_type}");
    }
}

#[test]
fn d7_user_type_gives_application_or_system() {
    for (user_type, kind) in [
        (json!(5), ActorKind::Application),
        (json!(6), ActorKind::Application),
        (json!("6"), ActorKind::Application),
        (json!("ServicePrincipal"), ActorKind::Application),
        (json!(4), ActorKind::System),
        (json!(7), ActorKind::System),
        (json!("SystemPolicy"), ActorKind::System),
    ] {
        let actor = actor(json!({ "UserType": user_type, "UserId": "Backup" }));
        assert_eq!((actor.kind(), actor.label()), (kind, "Backup"), "{user_type}");
    }
}

#[test]
fn d7_name_of_a_service_is_never_a_person() {
    for (name, kind) in [
        ("app@sharepoint", ActorKind::Application),
        ("i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint", ActorKind::Application),
        ("ServicePrincipal_0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6", ActorKind::Application),
        ("Application", ActorKind::Application),
        ("SHAREPOINT\\system", ActorKind::System),
        ("NT AUTHORITY\\SYSTEM (Microsoft.Exchange.Servicehost)", ActorKind::System),
        ("NT Service\\MSExchangeAdminApi", ActorKind::System),
        ("DlpAgent", ActorKind::System),
        ("DLPAgent", ActorKind::System),
        ("DlpPolicyEventBasedAssistantOneDriveForBusiness", ActorKind::System),
        ("SecurityComplianceAlerts", ActorKind::System),
    ] {
        for user_type in [0, 3, 5] {
            let actor = actor(json!({ "UserType": user_type, "UserId": name, "UserKey": name }));
            assert_eq!((actor.kind(), actor.label()), (kind, name));
            assert!(actor.identities().iter().all(|identity| *identity == id(OBJECT_ID)), "{name}");
        }
    }
    let person = actor(json!({ "UserId": "DlpPolicyEventBasedAssistant@contoso.com" }));
    assert_eq!(person.kind(), ActorKind::User);
}

#[test]
fn d8_identity_in_any_actor_field_is_the_actors() {
    let application = actor(json!({ "UserType": 5, "UserId": "adele@contoso.com", "UserKey": OBJECT_ID }));
    assert_eq!(application.kind(), ActorKind::Application);
    assert_eq!(application.identities(), [alias("adele@contoso.com"), id(OBJECT_ID)]);

    let system = actor(json!({ "UserType": 4, "UserId": "adele@contoso.com" }));
    assert_eq!((system.kind(), system.identities()), (ActorKind::System, &[alias("adele@contoso.com")][..]));

    let sharepoint = actor(json!({
        "UserId": "app@sharepoint", "UserKey": "i:0h.f|membership|1003200012345678@live.com",
    }));
    assert_eq!(sharepoint.kind(), ActorKind::Application);
    assert_eq!(sharepoint.identities(), [account("puid", "1003200012345678")]);

    let claim = actor(json!({ "UserType": 5, "UserId": "i:0i.t|ms.sp.ext|adele@contoso.com" }));
    assert_eq!((claim.kind(), claim.identities()), (ActorKind::Application, &[alias("adele@contoso.com")][..]));
}

#[test]
fn d8_form_of_user_key_gives_its_identity() {
    let shapes = [
        (OBJECT_ID, id(OBJECT_ID)),
        ("10032000C757D25F", account("puid", "10032000C757D25F")),
        ("i:0h.f|membership|1003200012345678@live.com", account("puid", "1003200012345678")),
        ("i:0#.f|membership|adele.vance@contoso.com", alias("adele.vance@contoso.com")),
        ("i:0#.f|membership|urn:spo:guest#megan@fabrikam.example", alias("megan@fabrikam.example")),
        ("i:05.t|adfs|adele.vance@contoso.com", alias("adele.vance@contoso.com")),
        ("adele.vance@contoso.com", alias("adele.vance@contoso.com")),
        ("S-1-5-21-1", account(Alias::SECURITY_IDS, "S-1-5-21-1")),
        ("x", account("userkey", "x")),
    ];
    for (key, identity) in shapes {
        let actor = actor(json!({ "UserKey": key }));
        assert_eq!(actor.kind(), ActorKind::User);
        let [first, second] = actor.identities() else { panic!("{key}: {} identities", actor.identities().len()) };
        assert_eq!(first, &alias("adele@contoso.com"), "the sign-in name comes first");
        // An address as an account name is the same alias, whatever the app of the account.
        match (second, &identity) {
            (Identity::Alias(a), Identity::Alias(b)) => assert!(a.matches(b), "{key}"),
            (a, b) => assert_eq!(a, b, "{key}"),
        }
    }
    let same = actor(json!({ "UserKey": "adele@contoso.com" }));
    assert_eq!(same.identities().len(), 1);
    let only_key = actor(json!({ "UserId": "Not Available", "UserKey": OBJECT_ID }));
    assert_eq!(only_key, Actor::user(id(OBJECT_ID)));
}

#[test]
fn d8_object_id_in_capitals_resolves_in_directory() {
    let actor = actor(json!({ "UserId": OBJECT_ID.to_uppercase() }));
    assert!(actor.identities().contains(&id(OBJECT_ID)));
    assert!(actor.identities().contains(&id(&OBJECT_ID.to_uppercase())));
}

#[test]
fn d8_actor_list_gives_the_identities_of_user() {
    let list = json!([
        { "ID": "adele@contoso.com", "Type": 5 },
        { "ID": "10032000C757D25F", "Type": 3 },
        { "ID": format!("User_{OBJECT_ID}"), "Type": 2 },
        { "ID": "User", "Type": 2 },
        { "ID": "Adele Vance", "Type": 1 },
        { "ID": "canary", "Type": 42 },
        "not an entry but a name", 7, {},
    ]);
    let expected = [
        alias("adele@contoso.com"),
        account("puid", "10032000C757D25F"),
        id(OBJECT_ID),
        alias("not an entry but a name"),
    ];
    let nobody = json!({ "UserId": "Not Available", "UserKey": "", "Actor": list });
    assert_eq!(actor(nobody).identities(), expected);
    // `OfficeActivity` has the list in a string.
    let text = json!({ "UserId": "", "Actor": list.to_string() });
    assert_eq!(actor(text).identities(), expected);

    let application = actor(json!({
        "UserId": "", "UserType": 5, "Actor": [{ "ID": "Backup", "Type": 1 }, { "ID": OBJECT_ID, "Type": "Other" }],
    }));
    assert_eq!((application.kind(), application.label()), (ActorKind::Application, "Backup"));
    assert_eq!(application.identities(), [id(OBJECT_ID)]);
}

#[test]
fn d7_guest_upn_is_kept_verbatim() {
    let upn = "Megan_fabrikam.example#EXT#@contoso.onmicrosoft.com";
    let actor = actor(json!({ "UserId": upn, "UserType": 10, "Actor": [{ "ID": upn, "Type": 5 }] }));
    assert_eq!(actor.identities(), [alias(upn)]);
    assert!(matches!(actor.identities(), [Identity::Alias(alias)] if alias.is_guest() && alias.as_str() == upn));
}

#[test]
fn d6_senders_and_mailbox_owners_are_principals() {
    let sent = one(&record(json!({
        "SendAsUserSmtp": "board@contoso.com", "SendOnBehalfOfUserSmtp": "lee@contoso.com",
    })));
    assert_eq!(acted_for(&sent), ["lee@contoso.com", "board@contoso.com"]);
    assert!(sent.on_behalf_of().iter().all(|actor| actor.kind() == ActorKind::User));

    for logon in [json!(1), json!(2), json!("Delegated"), json!(6), json!(null)] {
        let delegate = one(&record(json!({ "LogonType": logon, "MailboxOwnerUPN": "Lee@contoso.com" })));
        assert_eq!(acted_for(&delegate), ["Lee@contoso.com"], "{logon}");
    }
    let owner = one(&record(json!({ "LogonType": 0, "MailboxOwnerUPN": "Adele@Contoso.com" })));
    assert!(owner.on_behalf_of().is_empty(), "the mailbox of the actor");

    let flat = "TimeGenerated,OfficeId,Operation,UserId,Logon_Type,MailboxOwnerUPN\n\
                2026-03-01T09:30:00Z,a,MailItemsAccessed,adele@contoso.com,Admin,lee@contoso.com\n";
    assert_eq!(acted_for(read(flat)[0].as_ref().unwrap()), ["lee@contoso.com"]);
}

#[test]
fn d6_person_in_dlp_report_is_a_principal() {
    for object in ["SharePointMetaData", "ExchangeMetaData"] {
        let matched = one(&record(json!({
            "UserId": "DlpAgent", "UserKey": "DlpAgent", "UserType": 4, object: { "From": "lee@contoso.com" },
        })));
        assert_eq!(matched.actor().kind(), ActorKind::System);
        assert_eq!(acted_for(&matched), ["lee@contoso.com"]);
    }
}

#[test]
fn d6_principal_in_claim_is_read() {
    for claim in ["i:0#.f|membership|lee@contoso.com", "i:0#.f|membership|urn:spo:guest#lee@contoso.com"] {
        for fields in [
            json!({ "SharePointMetaData": { "From": claim } }),
            json!({ "ExchangeMetaData": { "From": claim } }),
            json!({ "MailboxOwnerUPN": claim }),
            json!({ "SendAsUserSmtp": claim }),
            json!({ "SendOnBehalfOfUserSmtp": claim }),
        ] {
            assert_eq!(acted_for(&one(&record(fields))), ["lee@contoso.com"]);
        }
    }
    let by_id = one(&record(json!({ "MailboxOwnerUPN": OBJECT_ID.to_uppercase() })));
    assert!(by_id.on_behalf_of()[0].identities().contains(&id(OBJECT_ID)), "all identities of the claim");

    for nobody in
        ["i:0i.t|00000003-0000-0ff1-ce00-000000000000|app@sharepoint", "app@sharepoint", "Unknown", "DlpAgent"]
    {
        let none = one(&record(json!({ "SharePointMetaData": { "From": nobody } })));
        assert!(none.on_behalf_of().is_empty(), "{nobody}");
    }
    let oneself = one(&record(json!({ "MailboxOwnerUPN": "i:0#.f|membership|ADELE@contoso.com" })));
    assert!(oneself.on_behalf_of().is_empty(), "the mailbox of the actor");
}

#[test]
fn d6_principal_in_object_as_string_is_read() {
    for object in ["SharePointMetaData", "ExchangeMetaData"] {
        for metadata in [json!({ "From": "lee@contoso.com" }), json!([{}, { "From": "lee@contoso.com" }])] {
            let matched = one(&record(json!({ object: metadata.to_string() })));
            assert_eq!(acted_for(&matched), ["lee@contoso.com"], "{metadata}");
        }
    }
    let flat = "TimeGenerated,OfficeId,Operation,UserId,SharePointMetaData\n\
                2026-03-01T09:30:00Z,a,DlpRuleMatch,DlpAgent,\"{\"\"From\"\":\"\"lee@contoso.com\"\"}\"\n";
    assert_eq!(acted_for(read(flat)[0].as_ref().unwrap()), ["lee@contoso.com"]);
}

#[test]
fn d9_anonymous_logon_is_unknown_actor() {
    for nobody in [
        "NT AUTHORITY\\ANONYMOUS LOGON",
        "nt authority\\anonymous logon",
        "NT AUTHORITY\\ANONYMOUS LOGON (Microsoft.Exchange.Servicehost)",
        "ANONYMOUS LOGON",
        "i:0#.w|NT Authority\\Anonymous Logon",
        "S-1-5-7",
    ] {
        for user_type in [0, 4, 5] {
            let actor = actor(json!({ "UserId": nobody, "UserKey": nobody, "UserType": user_type }));
            assert_eq!(actor, Actor::unknown(), "{nobody} {user_type}");
        }
    }
}

#[test]
fn d8_address_in_actor_list_counts_whatever_its_type() {
    for kind in [json!(1), json!(2), json!(3), json!(4), json!(5.0), json!("5.0"), json!("SPN"), json!(42), json!(null)]
    {
        for (name, address) in
            [("adele@contoso.com", "adele@contoso.com"), ("i:0#.f|membership|adele@contoso.com", "adele@contoso.com")]
        {
            let system = actor(json!({
                "UserId": "DlpAgent", "UserKey": "", "UserType": 4, "Actor": [{ "ID": name, "Type": kind }],
            }));
            assert_eq!(system.kind(), ActorKind::System);
            let [Identity::Alias(found)] = system.identities() else { panic!("{kind} {name}") };
            assert!(found.matches(&Alias::new(address).unwrap()), "{kind} {name}");
        }
        let application = actor(json!({
            "UserId": "app@sharepoint", "UserKey": "", "Actor": [{ "ID": "app@sharepoint", "Type": kind }],
        }));
        assert!(application.identities().is_empty(), "{kind}");
    }
    let untyped = actor(json!({ "UserId": "DlpAgent", "UserKey": "", "Actor": [{ "ID": "adele@contoso.com" }] }));
    assert_eq!(untyped.identities(), [alias("adele@contoso.com")]);
}

#[test]
fn d8_address_inside_longer_text_is_read() {
    for text in [
        "Adele <adele@contoso.com>",
        "\"Vance, Adele\" <adele@contoso.com>",
        "Adele (adele@contoso.com)",
        "'adele@contoso.com'",
        "Adele <i:0#.f|membership|adele@contoso.com>",
        "app@sharepoint;adele@contoso.com",
        "NT AUTHORITY\\ANONYMOUS LOGON (adele@contoso.com)",
        "urn:spo:anon#f00, adele@contoso.com",
    ] {
        // The whole text would be an external address.
        let expected = [alias("adele@contoso.com")];
        assert_eq!(actor(json!({ "UserId": text, "UserType": 0 })).identities(), expected, "{text}");
        let key = actor(json!({ "UserId": "", "UserKey": text }));
        assert!(key.identities().contains(&expected[0]), "{text}");
        let sent = one(&record(json!({ "UserId": "DlpAgent", "SharePointMetaData": { "From": text } })));
        assert_eq!(sent.on_behalf_of()[0].identities(), expected, "{text}");
    }
    let both = "i:0#.f|membership|lee@contoso.com;i:0#.f|membership|adele@contoso.com";
    let both = actor(json!({ "UserId": both }));
    assert_eq!(both.identities(), [alias("lee@contoso.com"), alias("adele@contoso.com")]);

    let nobody_last = json!({ "From": "i:0#.f|membership|lee@contoso.com;i:0#.f|membership|anonymous" });
    let sent = one(&record(json!({ "UserId": "DlpAgent", "SharePointMetaData": nobody_last })));
    assert!(sent.on_behalf_of()[0].identities().contains(&alias("lee@contoso.com")));

    let long = format!("{} <adele@contoso.com>", "x".repeat(Alias::MAX_BYTES));
    assert_eq!(actor(json!({ "UserId": long })).identities(), [alias("adele@contoso.com")]);
}

/// The ids in the missing part of a truncated list would be lost.
#[test]
fn d9_truncated_list_of_principals_is_rejected() {
    let list =
        json!([{ "ID": format!("User_{OBJECT_ID}"), "Type": 2 }, { "ID": "Adele Vance", "Type": 1 }]).to_string();
    let deep = format!("[{}{}]", "[".repeat(200), "]".repeat(200));
    for field in ["Actor", "SharePointMetaData", "ExchangeMetaData"] {
        for text in [&list[..list.len() - 3], " {\"From\": \"lee", &deep] {
            let items = read(record(json!({ field: text })).to_string());
            let expected = RejectReason::InvalidField { field: field.into(), expected: "a list or an object" };
            assert_eq!(items[0].as_ref().unwrap_err().reason(), &expected, "{text}");
        }
    }
    assert_eq!(actor(json!({ "UserId": "", "Actor": list })).identities(), [id(OBJECT_ID)]);
    // A text that is not a list is a name, and objects may have any name.
    assert_eq!(actor(json!({ "UserId": "", "Actor": "Adele [x" })).identities(), [alias("Adele [x")]);
    let target = one(&record(json!({ "Target": "[External] Sales" })));
    assert!(target.objects().any(|object| object == "[External] Sales"));
}

/// If there are more people than an activity can contain, an unknown principal represents the rest.
#[test]
fn b3_people_beyond_limit_become_one_unknown_principal() {
    let hides = |activity: &Activity| activity.on_behalf_of().contains(&Actor::unknown());
    let list = |count: usize| (0..count).map(|n| json!({ "ID": format!("u{n}@contoso.com"), "Type": 5 })).collect();
    let with_actors = |count| one(&record(json!({ "UserId": "", "Actor": Value::Array(list(count)) })));
    for (count, is_cut) in [(32, false), (33, true), (400, true)] {
        let activity = with_actors(count);
        assert_eq!((activity.actor().identities().len(), hides(&activity)), (Actor::MAX_IDENTITIES, is_cut), "{count}");
    }

    let from = |count: usize| (0..count).map(|n| json!({ "From": format!("u{n}@contoso.com") })).collect();
    let acted_for = |count| one(&record(json!({ "SharePointMetaData": Value::Array(from(count)) })));
    for (count, is_cut) in [(8, false), (9, true), (90, true)] {
        let activity = acted_for(count);
        assert_eq!((activity.on_behalf_of().len(), hides(&activity)), (Activity::MAX_ON_BEHALF_OF, is_cut), "{count}");
    }

    let members = |count: usize| (0..count).map(|n| json!({ "UPN": format!("u{n}@contoso.com") })).collect();
    let with_members = |count| one(&record(json!({ "ObjectId": null, "Members": Value::Array(members(count)) })));
    for (count, is_cut) in [(1_000, false), (1_001, true), (3_000, true)] {
        let activity = with_members(count);
        assert_eq!((activity.objects().len(), hides(&activity)), (Activity::MAX_OBJECTS, is_cut), "{count}");
    }

    // More in one text than the limit.
    let text = |count: usize| (0..count).map(|n| format!("u{n}@contoso.com ")).collect::<String>();
    for (count, is_cut) in [(280, false), (300, true)] {
        assert_eq!(hides(&one(&record(json!({ "ObjectId": null, "Comment": text(count) })))), is_cut, "{count}");
        let report = json!({ "UserId": "DlpAgent", "Operation": "DlpRuleMatch", "Comment": text(count) });
        assert!(hides(&one(&record(report))), "{count}: more principals than the limit");
    }
}

/// A text that is one character longer or shorter than the form is another name.
#[test]
fn d8_id_is_recognized_by_exact_form_only() {
    let key = |key: &str| actor(json!({ "UserId": "", "UserKey": key })).identities().to_vec();
    for puid in ["10032000C757D25F", "abcdefABCDEF0000"] {
        assert_eq!(key(puid), [account("puid", puid)]);
    }
    for other in ["10032000C757D25", "10032000C757D25F0", "10032000C757D25G", "10032000C757D2 F"] {
        assert_eq!(key(other), [account("userkey", other)]);
    }
    assert_eq!(key(OBJECT_ID), [id(OBJECT_ID)]);
    for form in [&OBJECT_ID.replace('-', ""), &format!("{{{OBJECT_ID}}}"), &format!("urn:uuid:{OBJECT_ID}")] {
        assert_eq!(key(form), [id(OBJECT_ID)]);
    }
    for other in [&OBJECT_ID[1..], &format!("{OBJECT_ID}0"), &format!("id-{OBJECT_ID}")] {
        assert_eq!(key(other), [account("userkey", other)]);
    }
    for claim in ["i:0#.f|membership|adele", "I:0#.F|adele", "c:0!.s|forms%3amembership|adele"] {
        assert_eq!(key(claim), [alias("adele")], "{claim}");
    }
    for other in ["i:0#.ff|adele", "i:0#.|adele", "j:0#.f|adele", "i:1#.f|adele", "i:0é|adelé"] {
        assert_eq!(key(other), [account("userkey", other)], "{other}");
    }
    assert_eq!(key("i:0#.f|membership| "), [account("userkey", "i:0#.f|membership|")], "a claim without a value");
}
