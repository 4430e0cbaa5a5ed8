//! Documents in a version.

use activity_privacy::activity::AppName;
use activity_privacy::store::Versioned;

fn read(text: &str) -> Result<AppName, String> {
    let read = serde_json::from_str::<Versioned<AppName>>(text);
    read.map(|Versioned(name)| name).map_err(|error| error.to_string())
}

#[test]
fn b1_versioned_documents_come_back_as_written() {
    let written = serde_json::to_string(&Versioned("Box")).unwrap();
    assert_eq!(written, r#"{"version":1,"document":"Box"}"#);
    assert_eq!(read(&written).unwrap().as_str(), "Box");
}

#[test]
fn b1_unknown_versions_are_refused_by_number() {
    for version in [0, 2, 3, u16::MAX] {
        let error = read(&format!(r#"{{"version":{version},"document":"Box"}}"#)).unwrap_err();
        assert!(error.contains(&format!("version {version}, expected 1")), "{error}");
    }
}

/// A document of a later version is not read at all, so its content cannot be in the error.
#[test]
fn b2_unknown_versions_tell_nothing_of_their_documents() {
    for document in [r#""canary""#, r#"{"canary":"canary"}"#, "[\"canary\"]", "17"] {
        let error = read(&format!(r#"{{"version":2,"document":{document}}}"#)).unwrap_err();
        assert!(error.contains("version 2, expected 1") && !error.contains("canary"), "{error}");
    }
}

#[test]
fn b1_documents_without_a_version_are_refused() {
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
fn b1_versioned_documents_have_no_third_field() {
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
fn b1_what_a_document_refuses_is_refused_in_a_version() {
    assert!(read(r#"{"version":1,"document":""}"#).is_err());
    assert!(read(r#"{"version":1,"document":7}"#).is_err());
}
