//! Policy options: their defaults, the effect of a patch, and documents of all options or of a patch.

use std::time::Duration;

use activity_privacy::policy::{MissingOption, OptionsPatch, PolicyOptions, Purpose};
use serde_json::{Value, json};

const NAMES: [&str; 11] = [
    "include_objects",
    "on_undecidable",
    "max_directory_age",
    "justification_required",
    "self_grant_allowed",
    "max_reveal_lifetime",
    "purposes",
    "approvals_required",
    "self_approval_allowed",
    "max_request_age",
    "retention",
];

#[test]
fn p3_default_options_are_safe() {
    let document = serde_json::to_value(PolicyOptions::default()).unwrap();
    let safe = json!({
        "include_objects": false, "on_undecidable": "hide", "max_directory_age": 7 * 86_400,
        "justification_required": false, "self_grant_allowed": false, "max_reveal_lifetime": 3_600, "purposes": [],
        "approvals_required": 0, "self_approval_allowed": false, "max_request_age": 86_400, "retention": null,
    });
    assert_eq!(document, safe);
    assert_eq!(PolicyOptions::builder().build(), PolicyOptions::default());
}

/// A partial document once reset `approvals_required` to 0 and `self_grant_allowed` to true.
#[test]
fn p1_options_document_must_name_every_option() {
    let whole = serde_json::to_value(PolicyOptions::builder().approvals_required(3).build()).unwrap();
    assert_eq!(whole.as_object().unwrap().len(), NAMES.len());
    for name in NAMES {
        let mut partial = whole.clone();
        partial.as_object_mut().unwrap().remove(name);
        let said = serde_json::from_value::<PolicyOptions>(partial).unwrap_err().to_string();
        assert_eq!(said, MissingOption { option: name }.to_string());
        assert!(said.contains("options document") && said.contains(&format!("`{name}`")), "{said}");
    }
    assert!(serde_json::from_value::<PolicyOptions>(whole).is_ok());
}

#[test]
fn b1_unknown_option_is_an_error_in_either_document() {
    let mut whole = serde_json::to_value(PolicyOptions::default()).unwrap();
    whole["self_grant"] = json!(true);
    for said in [
        serde_json::from_value::<PolicyOptions>(whole).unwrap_err().to_string(),
        serde_json::from_value::<OptionsPatch>(json!({"self_grant": true})).unwrap_err().to_string(),
    ] {
        assert!(said.starts_with("unknown field `self_grant`, expected one of `include_objects`"), "{said}");
    }
    let kinds = [
        (serde_json::from_value::<PolicyOptions>(json!(7)).unwrap_err(), "an options document"),
        (serde_json::from_value::<OptionsPatch>(json!(7)).unwrap_err(), "an options patch"),
    ];
    for (said, kind) in kinds {
        assert!(said.to_string().ends_with(&format!("expected {kind}")), "{said}");
    }
}

#[test]
fn p1_patch_document_contains_only_changed_options() {
    let audit = Purpose::new("audit").unwrap();
    for (patch, document) in [
        (OptionsPatch::new(), json!({})),
        (OptionsPatch::new().approvals_required(2), json!({"approvals_required": 2})),
        (OptionsPatch::new().max_directory_age(None), json!({"max_directory_age": null})),
        (OptionsPatch::new().max_request_age(Some(Duration::from_secs(60))), json!({"max_request_age": 60})),
        (OptionsPatch::new().retention(None), json!({"retention": null})),
        (OptionsPatch::new().add_purpose(audit.clone()), json!({"add_purposes": ["audit"]})),
        (OptionsPatch::new().add_purpose(audit.clone()).remove_purpose(audit), json!({"remove_purposes": ["audit"]})),
    ] {
        assert_eq!(serde_json::to_value(&patch).unwrap(), document);
        assert_eq!(serde_json::from_value::<OptionsPatch>(document).unwrap(), patch);
    }
    for null in ["include_objects", "on_undecidable", "approvals_required", "add_purposes"] {
        assert!(serde_json::from_value::<OptionsPatch>(json!({null: null})).is_err(), "{null} cannot be null");
    }
    let both = json!({"add_purposes": ["audit"], "remove_purposes": ["audit"]});
    assert!(serde_json::from_value::<OptionsPatch>(both).unwrap_err().to_string().contains("adds and removes"));
}

#[cfg(feature = "proptest")]
mod any {
    use activity_privacy::strategies::options_patches;
    use proptest::prelude::*;

    use super::*;

    /// Returns the options that a patch names, and its effect on the purposes.
    fn named(patch: &OptionsPatch) -> serde_json::Map<String, Value> {
        serde_json::to_value(patch).unwrap().as_object().unwrap().clone()
    }

    proptest! {
        #[test]
        fn p1_patch_changes_only_named_options(before in options_patches(), patch in options_patches()) {
            let before = before.applied_to(&PolicyOptions::default());
            let after = patch.applied_to(&before);
            let [was, is] = [&before, &after].map(|options| serde_json::to_value(options).unwrap());
            let named = named(&patch);
            for name in NAMES.into_iter().filter(|name| *name != "purposes") {
                prop_assert_eq!(&is[name], named.get(name).unwrap_or(&was[name]), "{}", name);
            }
            let has = |list: Option<&Value>, purpose: &Purpose| {
                list.is_some_and(|list| list.as_array().unwrap().contains(&json!(purpose.as_str())))
            };
            for purpose in before.purposes.union(&after.purposes) {
                let expected = has(named.get("add_purposes"), purpose)
                    || before.purposes.contains(purpose) && !has(named.get("remove_purposes"), purpose);
                prop_assert_eq!(after.purposes.contains(purpose), expected);
            }
            prop_assert_eq!(OptionsPatch::between(&before, &after).applied_to(&before), after.clone());
            let text = serde_json::to_string(&patch).unwrap();
            prop_assert_eq!(serde_json::from_str::<OptionsPatch>(&text).unwrap(), patch);
            let text = serde_json::to_string(&after).unwrap();
            prop_assert_eq!(serde_json::from_str::<PolicyOptions>(&text).unwrap(), after);
        }
    }
}
