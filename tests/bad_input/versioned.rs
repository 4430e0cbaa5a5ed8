//! Rules B1 and B2 for [`Versioned`]: a document of unknown version or other shape is rejected, and the error does not
//! repeat its content.

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
fn b1_error_of_unknown_version_names_it() {
    for version in [0, 2, 3, u16::MAX] {
        let error = read(&format!(r#"{{"version":{version},"document":"Box"}}"#)).unwrap_err();
        assert!(error.contains(&format!("version {version}, expected 1")), "{error}");
        assert_eq!(error.contains("; upgrade this library"), version > 1, "{error}");
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
fn b2_error_of_other_shape_contains_no_content() {
    for text in [
        r#""canary""#,
        r#"["canary"]"#,
        r#"{"canary":1}"#,
        r#"{"document":"canary","version":1}"#,
        r#"{"version":"canary","document":"Box"}"#,
        r#"{"version":1,"canary":"Box"}"#,
        r#"{"version":1,"document":{"canary":"canary"}}"#,
        r#"{"version":1,"document":"Box","canary":"canary"}"#,
    ] {
        let error = read(text).unwrap_err();
        assert!(!error.contains("canary"), "{error}");
    }
}

/// Asserts that each text is rejected with this error, to which `serde_json` appends the position.
fn assert_rejected(expected: &str, texts: &[&str]) {
    for text in texts {
        let error = read(text).unwrap_err();
        let position = error.strip_prefix(expected).unwrap_or_else(|| panic!("{text}: {error}"));
        assert!(position.starts_with(" at line 1 column "), "{text}: {error}");
    }
}

#[test]
fn b1_document_without_leading_version_is_rejected() {
    assert_rejected(
        "expected `version` as the first field",
        &["{}", r#"{"document":"Box"}"#, r#"{"document":"Box","version":1}"#],
    );
}

#[test]
fn b1_document_without_second_field_is_rejected() {
    assert_rejected("expected `document` as the second field", &[r#"{"version":1}"#, r#"{"version":1,"version":1}"#]);
}

#[test]
fn b1_invalid_document_version_is_rejected() {
    assert_rejected(
        "invalid type, expected an integer from 0 to 65535 in `version`",
        &[r#"{"version":"1","document":"Box"}"#],
    );
    assert_rejected(
        "invalid value, expected an integer from 0 to 65535 in `version`",
        &[r#"{"version":-1,"document":"Box"}"#, r#"{"version":65537,"document":"Box"}"#],
    );
}

#[test]
fn b1_versioned_document_of_other_type_is_rejected() {
    assert_rejected(
        "invalid type, expected an object with `version` and `document`",
        &[r#"[1,"Box"]"#, r#""Box""#, "1", "null"],
    );
}

#[test]
fn b1_versioned_document_with_third_field_is_rejected() {
    assert_rejected(
        "unexpected third field, expected only `version` and `document`",
        &[r#"{"version":1,"document":"Box","more":1}"#, r#"{"version":1,"document":"Box","document":"Box"}"#],
    );
}

#[test]
fn b1_unknown_field_of_versioned_document_is_rejected() {
    assert_rejected(
        "unknown field, expected `version` or `document`",
        &[r#"{"version":1,"more":1,"document":"Box"}"#, r#"{"more":1,"version":1,"document":"Box"}"#],
    );
}

#[test]
fn b1_invalid_content_of_versioned_document_is_rejected() {
    assert_rejected("app name is empty, expected 1 to 256 bytes", &[r#"{"version":1,"document":""}"#]);
    assert_rejected("invalid type, expected a string", &[r#"{"version":1,"document":7}"#]);
}
