//! Versioned documents.

use activity_privacy::activity::AppName;
use activity_privacy::store::Versioned;

fn read(text: &str) -> Result<AppName, String> {
    let read = serde_json::from_str::<Versioned<AppName>>(text);
    read.map(|Versioned(name)| name).map_err(|error| error.to_string())
}

#[test]
fn b1_versioned_document_round_trips() {
    let written = serde_json::to_string(&Versioned("Box")).unwrap();
    assert_eq!(written, r#"{"version":1,"document":"Box"}"#);
    assert_eq!(read(&written).unwrap().as_str(), "Box");
}

#[test]
fn b1_unknown_document_version_is_rejected_by_number() {
    for version in [0, 2, 3, u16::MAX] {
        let error = read(&format!(r#"{{"version":{version},"document":"Box"}}"#)).unwrap_err();
        assert!(error.contains(&format!("version {version}, expected 1")), "{error}");
    }
}

/// A document of a later version is not parsed, so its content cannot appear in the error.
#[test]
fn b2_error_of_unknown_version_contains_no_content() {
    for document in [r#""canary""#, r#"{"canary":"canary"}"#, "[\"canary\"]", "17"] {
        let error = read(&format!(r#"{{"version":2,"document":{document}}}"#)).unwrap_err();
        assert!(error.contains("version 2, expected 1") && !error.contains("canary"), "{error}");
    }
}

#[test]
fn b1_document_without_version_is_rejected() {
    for text in [
        "{}",
        r#"{"document":"Box"}"#,
        r#"{"document":"Box","version":1}"#,
        r#"{"version":1}"#,
        r#"{"version":1,"version":1}"#,
        r#"{"version":-1,"document":"Box"}"#,
        r#"{"version":"1","document":"Box"}"#,
        r#"{"version":65537,"document":"Box"}"#,
        r#"[1,"Box"]"#,
        r#""Box""#,
        "1",
        "null",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn b1_versioned_document_with_third_field_is_rejected() {
    for text in [
        r#"{"version":1,"document":"Box","more":1}"#,
        r#"{"version":1,"document":"Box","document":"Box"}"#,
        r#"{"version":1,"more":1,"document":"Box"}"#,
        r#"{"more":1,"version":1,"document":"Box"}"#,
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn b1_invalid_content_of_versioned_document_is_rejected() {
    assert!(read(r#"{"version":1,"document":""}"#).is_err());
    assert!(read(r#"{"version":1,"document":7}"#).is_err());
}
