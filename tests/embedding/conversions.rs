//! Conversions of ids and texts, which all types have alike.

use std::fmt::Display;
use std::str::FromStr;

use activity_privacy::activity::{Action, ActivityId, ActorName, AppName};
use activity_privacy::directory::DirectoryRevision;
use activity_privacy::governance::{Digest, Justification, RecordId, RequestId, RevealId, SinkName};
use activity_privacy::identity::{Alias, Domain, GroupId, UserId};
use activity_privacy::policy::{Purpose, Revision};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn check_text<T>(text: &str)
where
    T: for<'a> TryFrom<&'a str> + TryFrom<String> + FromStr + Display + AsRef<str> + Serialize + DeserializeOwned,
{
    let all = [
        T::try_from(text).ok().unwrap(),
        T::try_from(text.to_owned()).ok().unwrap(),
        text.parse().ok().unwrap(),
        serde_json::from_value(text.into()).unwrap(),
    ];
    for value in all {
        assert_eq!(value.as_ref(), text);
        assert_eq!(value.to_string(), text);
        assert_eq!(serde_json::to_value(&value).unwrap(), text);
    }
    assert!(T::try_from("").is_err() && T::try_from(String::new()).is_err());
}

#[test]
fn b1_text_types_convert_alike() {
    check_text::<Action>("FileAccessed");
    check_text::<ActivityId>("a-1");
    check_text::<ActorName>("backup");
    check_text::<Alias>("Adele@contoso.com");
    check_text::<AppName>("SharePoint");
    check_text::<Domain>("contoso.com");
    check_text::<GroupId>("g-1");
    check_text::<Justification>("ticket 4711");
    check_text::<Purpose>("security incident");
    check_text::<SinkName>("archive");
    check_text::<UserId>("u-1");
}

fn check_id<T: FromStr + Display + Serialize + DeserializeOwned>(text: &str) {
    assert_eq!(text.parse::<T>().ok().unwrap().to_string(), text);
    let of_serde: T = serde_json::from_value(serde_json::to_value(text.parse::<T>().ok().unwrap()).unwrap()).unwrap();
    assert_eq!(of_serde.to_string(), text);
    assert!("canary".parse::<T>().is_err());
}

#[test]
fn b1_ids_and_revisions_convert_alike() {
    let uuid = "00112233-4455-6677-8899-aabbccddeeff";
    check_id::<RecordId>(uuid);
    check_id::<RequestId>(uuid);
    check_id::<RevealId>(uuid);
    check_id::<Revision>("7");
    check_id::<DirectoryRevision>("7");
    check_id::<Digest>(&"0f".repeat(32));
}

#[test]
fn b1_truncated_text_ends_between_characters() {
    let long = "ü".repeat(200);
    assert_eq!(Action::truncated(&long).unwrap().as_str().len(), Action::MAX_BYTES);
    assert_eq!(Action::truncated(format!("a{long}")).unwrap().as_str().len(), Action::MAX_BYTES - 1);
    assert_eq!(ActorName::truncated("short").unwrap().as_str(), "short");
    assert!(Action::truncated("").is_err());
}
