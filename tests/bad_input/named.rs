//! B1: an error names the location and the expectation.

use activity_privacy::activity::{Action, Activity, ActivityId, Actor, ActorName, AppName};
use activity_privacy::engine::Decision;
use activity_privacy::filter::ViewError;
use activity_privacy::governance::{Justification, PolicyUpdateError, Record};
use activity_privacy::identity::{Alias, Domain, GroupId, TextError, UserId};
use activity_privacy::policy::{GroupRef, PolicyChange, PolicyError, PrivacyPolicy, ScopeRule, ScopeTarget};
use activity_privacy::query::{Cursor, CursorError, PageSize, Query};
use serde_json::{Value, json};

use crate::fixture::*;

fn policy_document() -> Value {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).manage("contoso.com").permit_root().make_private("council");
    fixture.update_policy(PolicyChange::AddScopeRule(ScopeRule::include(group("council"), ScopeTarget::AllApps)));
    let policy = fixture.filter.policy().unwrap();
    let document = serde_json::to_value(&*policy).unwrap();
    assert_eq!(
        serde_json::from_value::<PrivacyPolicy>(document.clone()).unwrap(),
        *policy,
        "a policy reads its own form"
    );
    document
}

fn read_policy(document: &Value) -> String {
    serde_json::from_str::<PrivacyPolicy>(&document.to_string()).expect_err("it is malformed").to_string()
}

#[test]
fn b1_policy_error_names_field_and_expectation() {
    let good = policy_document();
    for (field, value, says) in [
        ("revision", json!(0), "field `revision` is 0, expected at least 1"),
        ("revision", json!(-1), "expected u64"),
        ("revision", json!("7"), "expected u64"),
        ("admins", json!({}), "field `admins` contains no privacy administrator; add at least one"),
        ("admins", json!({"root": "analyst"}), "field `admins` contains no privacy administrator; add at least one"),
        (
            "admins",
            json!({"x": "privacy_administrator"}),
            "field `grants` contains a user who is not in field `admins`",
        ),
        ("admins", json!(["root"]), "invalid type: sequence, expected a map with each name once"),
        ("admins", json!({"root": "king"}), "unknown role, expected one of `privacy_administrator`, `analyst`"),
        ("admins", json!({"": "privacy_administrator"}), "user id is empty, expected 1 to 256 bytes"),
        ("private_groups", json!([{"imported": "a\nb"}]), "group id contains a control character at byte 1; remove it"),
        ("private_groups", json!(["everybody"]), "expected one of `imported`, `applications`, `external_users`"),
        ("managed_domains", json!([{"domain": "a b"}]), "invalid domain name; expected dot-separated labels"),
        (
            "scope",
            json!([{"effect": "perhaps", "group": "applications", "target": "all_apps"}]),
            "unknown scope effect, expected one of `include`, `exclude`",
        ),
        ("scope", json!([{"effect": "include", "group": "applications"}]), "missing field `target`"),
        ("options", json!({"on_undecidable": "show"}), "expected one of `hide`, `reject`, `fail_open`"),
        ("options", json!({"max_directory_age": -5}), "expected u64"),
    ] {
        let mut document = good.clone();
        document[field] = value;
        let said = read_policy(&document);
        assert!(said.contains(says), "{field}: {said}");
        assert!(said.starts_with("field `") || said.contains(" at line 1 column "), "no location: {said}");
    }
    for field in ["revision", "scope", "private_groups", "managed_domains", "admins", "grants", "options"] {
        let mut document = good.clone();
        document.as_object_mut().unwrap().remove(field);
        assert!(read_policy(&document).contains(&format!("missing field `{field}`")), "{field}");
    }
}

type Misspell = fn(&mut Value);

/// An ignored field could be a protection that an administrator relies on.
#[test]
fn b1_unknown_field_of_policy_is_rejected() {
    let good = policy_document();
    let misspelled: [(&str, Misspell); 5] = [
        ("privateGroups", |document| document["privateGroups"] = json!([])),
        ("object_counts", |document| document["options"]["object_counts"] = json!(true)),
        ("subdomains", |document| document["managed_domains"][0]["subdomains"] = json!(true)),
        ("app", |document| document["scope"][0]["app"] = json!("Teams")),
        ("until", |document| document["grants"]["root"]["until"] = json!(7)),
    ];
    for (field, misspell) in misspelled {
        let mut document = good.clone();
        misspell(&mut document);
        let said = read_policy(&document);
        assert!(said.contains(&format!("unknown field `{field}`")), "{said}");
    }
}

#[test]
fn b1_unknown_field_of_activity_is_rejected() {
    let bob = Actor::user(alias("bob@contoso.com"));
    let named = bob.clone().with_identity(Alias::account("GitHub", "bob").unwrap());
    let good = serde_json::to_value(begun("a", named).on_behalf_of(bob).build().unwrap()).unwrap();
    assert!(serde_json::from_value::<Activity>(good.clone()).is_ok());
    let misspelled: [Misspell; 4] = [
        // An ignored field would lose the principal acted for, and their protection.
        |document| document["onBehalfOf"] = json!([{"kind": "user", "identities": [{"alias": "adele@contoso.com"}]}]),
        |document| document["actor"]["aliases"] = json!(["adele@contoso.com"]),
        |document| document["on_behalf_of"][0]["id"] = json!("adele"),
        |document| document["app"]["suit"] = json!("Microsoft 365"),
    ];
    for misspell in misspelled {
        let mut document = good.clone();
        misspell(&mut document);
        let said = serde_json::from_str::<Activity>(&document.to_string()).expect_err("a field too many").to_string();
        assert!(said.contains("unknown field"), "{said}");
    }
    let mut document = good;
    document["actor"]["identities"][1]["alias"]["upn"] = json!("adele@contoso.com");
    let said = serde_json::from_str::<Activity>(&document.to_string()).expect_err("a field too many").to_string();
    assert!(said.contains("any variant of untagged enum"), "{said}");
}

/// A misspelled justification would be read as a missing one.
#[test]
fn b1_unknown_field_of_record_or_decision_is_rejected() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).permit_root().make_private("council");
    fixture.ingest(&[activity("a", "adele")]);
    let _ = fixture.everything();
    for entry in fixture.records() {
        let good = serde_json::to_value(&entry.record).unwrap();
        assert_eq!(serde_json::from_value::<Record>(good.clone()).unwrap(), entry.record);
        for pointer in ["", "/event/reveal", "/event/page", "/event/change_policy/manage_domain", "/outcome/done"] {
            let mut document = good.clone();
            let Some(fields) = document.pointer_mut(pointer).and_then(Value::as_object_mut) else { continue };
            fields.insert("justifcation".to_owned(), json!("why"));
            let said = serde_json::from_str::<Record>(&document.to_string()).expect_err(pointer).to_string();
            assert!(said.starts_with("unknown field, expected "), "{pointer}: {said}");
        }
    }
    let good = serde_json::to_value(fixture.decision("a")).unwrap();
    for pointer in ["", "/reasons/0/member"] {
        let mut document = good.clone();
        document.pointer_mut(pointer).unwrap().as_object_mut().unwrap().insert("until".to_owned(), json!(7));
        let said = serde_json::from_str::<Decision>(&document.to_string()).expect_err(pointer).to_string();
        assert!(said.starts_with("unknown field, expected "), "{pointer}: {said}");
    }
}

/// A map would keep the last entry, and another reader the first.
#[test]
fn b1_policy_with_repeated_user_is_rejected() {
    let document = policy_document();
    for field in ["admins", "grants"] {
        let said_of_root = &document[field]["root"];
        let once = format!("\"{field}\":{{");
        let text = document.to_string();
        assert!(text.contains(&once), "{text}");
        let twice = text.replacen(&once, &format!("{once}\"root\":{said_of_root},"), 1);
        let said = serde_json::from_str::<PrivacyPolicy>(&twice).expect_err("given twice").to_string();
        assert!(said.starts_with("a name occurs twice; write each name once at line 1 column "), "{field}: {said}");
    }
}

/// With a second policy under the same revision, a node could continue under the first.
#[test]
fn d5_policy_at_last_revision_accepts_no_change() {
    let mut document = policy_document();
    document["revision"] = json!(u64::MAX);
    let last: PrivacyPolicy = serde_json::from_value(document.clone()).unwrap();
    let change = PolicyChange::MakePrivate(GroupRef::Applications);
    assert_eq!(changed(&last, &change, None), Err(PolicyUpdateError::Invalid(PolicyError::LastRevision)));
    document["revision"] = json!(u64::MAX - 1);
    let before: PrivacyPolicy = serde_json::from_value(document).unwrap();
    assert_eq!(changed(&before, &change, None).unwrap().revision(), last.revision());
}

#[test]
fn b1_id_and_name_errors_state_problem_and_position() {
    fn said<T>(result: Result<T, TextError>) -> String {
        result.err().expect("it is malformed").to_string()
    }
    assert_eq!(said(ActivityId::new("")), "activity id is empty, expected 1 to 512 bytes");
    assert_eq!(said(ActivityId::new("x".repeat(513))), "activity id is 513 bytes long, expected at most 512");
    assert_eq!(said(ActivityId::new("ab\0")), "activity id contains a control character at byte 2; remove it");
    assert_eq!(said(UserId::new("é\u{85}")), "user id contains a control character at byte 2; remove it");
    assert_eq!(said(GroupId::new("\u{7f}")), "group id contains a control character at byte 0; remove it");
    assert_eq!(said(AppName::new("é".repeat(129))), "app name is 258 bytes long, expected at most 256");
    assert_eq!(said(Action::new("")), "action is empty, expected 1 to 256 bytes");
    assert_eq!(said(ActorName::new("")), "actor name is empty, expected 1 to 512 bytes");
    assert_eq!(said(Alias::new(" \t\n ")), "alias is empty, expected 1 to 512 bytes");
    assert_eq!(said(Alias::new("x".repeat(513))), "alias is 513 bytes long, expected at most 512");
    assert_eq!(said(Alias::account(" ", "nrc")), "app of an alias is empty, expected 1 to 512 bytes");
    assert_eq!(said(Alias::account("GitHub", "")), "alias is empty, expected 1 to 512 bytes");
    assert_eq!(said(Justification::new("")), "justification is empty, expected 1 to 4096 bytes");
    assert_eq!(said(Query::all().by_actor(" ")), "alias is empty, expected 1 to 512 bytes");
    assert_eq!(said(Query::all().containing("")), "search text is empty, expected 1 to 512 bytes");
    assert_eq!(
        Domain::new("a b").unwrap_err().to_string(),
        "invalid domain name; expected dot-separated labels of at most 253 bytes in IDNA form (UTS #46)"
    );
    assert!(ActivityId::new("x".repeat(512)).is_ok() && Alias::new("x".repeat(512)).is_ok());
}

#[test]
fn b1_activity_limits_apply_to_builder_and_json() {
    let bob = || Actor::user(alias("bob@contoso.com"));
    let start = || begun("a", bob());
    let mut crowd = bob();
    for at in 0..Actor::MAX_IDENTITIES {
        crowd = crowd.with_identity(user(&format!("u{at}")));
    }
    let objects = (0..=Activity::MAX_OBJECTS).fold(start(), |builder, at| builder.object(at.to_string()));
    let acted_for = (0..=Activity::MAX_ON_BEHALF_OF).fold(start(), |builder, _| builder.on_behalf_of(bob()));
    for (builder, says) in [
        (objects, "1001 objects, expected at most 1000"),
        (acted_for, "9 on-behalf-of principals, expected at most 8"),
        (begun("a", crowd.clone()), "33 identities of one actor, expected at most 32"),
        (start().on_behalf_of(crowd), "33 identities of one actor, expected at most 32"),
        (start().object("x".repeat(8_193)), "8193 bytes in the name of an object, expected at most 8192"),
        (start().details("x".repeat(4_194_305)), "4194305 bytes of details, expected at most 4194304"),
    ] {
        assert_eq!(builder.build().unwrap_err().to_string(), says);
    }
    let good = serde_json::to_value(start().build().unwrap()).unwrap();
    let mut document = good.clone();
    document["objects"] = json!(vec!["x"; 1_001]);
    let said = serde_json::from_str::<Activity>(&document.to_string()).unwrap_err().to_string();
    assert!(said.starts_with("1001 objects, expected at most 1000"), "{said}");
    document = good;
    document["id"] = json!("");
    let said = serde_json::from_str::<Activity>(&document.to_string()).unwrap_err().to_string();
    assert!(said.starts_with("activity id is empty, expected 1 to 512 bytes at line 1"), "{said}");
}

#[test]
fn b1_malformed_and_foreign_cursors_are_rejected() {
    let fixture = Fixture::new();
    fixture.install(people(&[])).manage("contoso.com");
    fixture.ingest(&[activity("a", "adele"), activity("b", "adele")]);
    let (view, all) = (fixture.filter.view(&user("somebody")), Query::all());
    let cursor = view.page(&all, PageSize::at_most(1), None).unwrap().next().unwrap().clone();
    let token = cursor.to_string();
    assert_eq!(token.parse::<Cursor>().unwrap(), cursor);

    let short = &token[..token.len() - 1];
    let longer = "ab".repeat(600);
    for malformed in ["", "0", "zz", "01", &token[..20], short, &token.to_uppercase(), &format!("{token} "), &longer] {
        let error = malformed.parse::<Cursor>().unwrap_err();
        assert_eq!(error, CursorError::Malformed, "{malformed}");
        assert_eq!(error.to_string(), "malformed cursor; use one that was returned with a page");
    }
    let foreign = [
        fixture.filter.view(&user("other")).page(&all, PageSize::MAX, Some(&cursor)),
        view.page(&Query::all().since(at(0)), PageSize::MAX, Some(&cursor)),
    ];
    for answer in foreign {
        let error = answer.unwrap_err();
        assert!(matches!(error, ViewError::Cursor(CursorError::Foreign)));
        assert_eq!(
            error.to_string(),
            "the cursor belongs to another query, viewer or reveal; use it with those that it was returned for, or \
             begin with the first page"
        );
    }
}

#[test]
fn v4_longest_cursor_round_trips_and_longer_is_malformed() {
    let fixture = Fixture::new();
    fixture.install(people(&[])).manage("contoso.com");
    let longest = "x".repeat(ActivityId::MAX_BYTES);
    fixture.ingest(&[activity(&longest, "adele"), activity("a", "adele")]);
    let view = fixture.filter.view(&user("somebody"));
    let page = view.page(&Query::all(), PageSize::at_most(1), None).unwrap();
    assert_eq!(page.activities()[0].activity().id().as_str(), longest);
    let token = page.next().unwrap().to_string();
    let cursor: Cursor = token.parse().unwrap();
    let page = view.page(&Query::all(), PageSize::at_most(1), Some(&cursor)).unwrap();
    assert_eq!(page.activities()[0].activity().id().as_str(), "a");
    for longer in [format!("{token}78"), format!("{token}7"), token.replacen("01", "03", 1), token[..50].to_owned()] {
        assert_eq!(longer.parse::<Cursor>(), Err(CursorError::Malformed));
    }
    // A control character or invalid UTF-8 is no id.
    for id in ["00", "0a", "7f", "c285", "ff", "c0af", "eda080"] {
        assert_eq!(format!("{}{id}", &token[..50]).parse::<Cursor>(), Err(CursorError::Malformed), "{id}");
    }
    assert!(format!("{}61", &token[..50]).parse::<Cursor>().is_ok());
}

#[cfg(feature = "sqlite")]
#[test]
fn b1_foreign_file_is_rejected_and_left_unchanged() {
    use activity_privacy::sqlite::{FileError, SqliteGovernance, SqliteStore};
    use std::error::Error;
    let dir = tempfile::tempdir().unwrap();
    let [text, ours, records] = ["text", "ours", "records"].map(|name| dir.path().join(name));
    std::fs::write(&text, "not a database at all, but long enough to have a header of one hundred bytes".repeat(4))
        .unwrap();
    drop((SqliteStore::open(&ours).unwrap(), SqliteGovernance::open(&records).unwrap()));
    let contents = std::fs::read(&text).unwrap();
    for path in [&text, &records] {
        let error = SqliteStore::open(path).unwrap_err();
        let source = error.source().unwrap();
        assert_eq!(source.downcast_ref(), Some(&FileError::NotOurFormat { expected: "activities" }), "{error:?}");
        assert_eq!(
            source.to_string(),
            "the file is not a database of activities that this library created; check the path"
        );
    }
    let error = SqliteGovernance::open(&ours).unwrap_err();
    assert_eq!(
        error.source().unwrap().downcast_ref(),
        Some(&FileError::NotOurFormat { expected: "governance records" })
    );
    assert_eq!(std::fs::read(&text).unwrap(), contents);
}
