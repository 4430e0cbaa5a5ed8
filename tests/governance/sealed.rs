//! What a record says of people can be forgotten, and what stays proves what it was: G2, G6.

use activity_privacy::*;
use uuid::Uuid;

use crate::house::*;

fn why() -> Sealed<Justification> {
    Sealed::new(Justification::new("Case 17: \"who\" & why, straße").unwrap(), Uuid::from_u128(44))
}

/// As anybody can check with `sha256sum`.
#[test]
fn g6_a_commitment_is_the_digest_of_salt_and_text() {
    let digest = "40a4ee4352f0abcf92b7e7afee4f1126734c35bfae96b357971d291494877ece";
    assert_eq!(why().commitment().to_string(), digest);
    let other = Sealed::new(Justification::new("Case 17: \"who\" & why, straße").unwrap(), Uuid::from_u128(45));
    assert_ne!(why().commitment(), other.commitment());
}

#[test]
fn g2_what_was_forgotten_leaves_its_commitment_and_nothing_else() {
    let mut sealed = why();
    assert_eq!(format!("{sealed:?}").find("Case"), None);
    sealed.forget();
    let text = serde_json::to_string(&sealed).unwrap();
    assert_eq!(text, format!(r#"{{"sha256":"{}"}}"#, why().commitment()));
    let read: Sealed<Justification> = serde_json::from_str(&text).unwrap();
    assert_eq!((read.value(), read.commitment()), (None, why().commitment()));
}

#[test]
fn g6_a_value_that_was_not_committed_to_is_not_read() {
    let text = serde_json::to_string(&why()).unwrap();
    assert_eq!(serde_json::from_str::<Sealed<Justification>>(&text).unwrap(), why());
    for (from, to) in [("Case 17", "Case 18"), ("2c", "2d"), ("straße", "strasse")] {
        let bent = text.replace(from, to);
        assert_ne!(bent, text);
        let error = serde_json::from_str::<Sealed<Justification>>(&bent).unwrap_err().to_string();
        assert!(!error.contains("Case"), "{error}");
    }
    for tags in [r#"["00"]"#, r#"["zz"]"#, r#"["11111111111111111111111111111111","00000000000000000000000000000000"]"#]
    {
        assert!(serde_json::from_str::<Subjects>(tags).is_err(), "{tags}");
    }
}

/// Tags are sealed as they are written, one a line, each once.
#[test]
fn g6_tags_are_sealed_as_lines() {
    let (one, other) = ("00000000000000000000000000000000", "11111111111111111111111111111111");
    let subjects: Subjects = serde_json::from_str(&format!(r#"["{one}","{other}"]"#)).unwrap();
    assert_eq!(subjects.sealed_text(), format!("{one}\n{other}"));
    assert!(serde_json::from_str::<Subjects>(&format!(r#"["{one}","{one}"]"#)).is_err());
    assert!(!subjects.is_empty() && Subjects::default().is_empty());
}

/// Every record that has something of people in it forgets all of that, once.
#[test]
fn g2_a_record_forgets_every_sealed_value() {
    let house = House::new();
    house.install(people(&[("adele", &["council"])])).make_private("council").permit_root();
    house.ingest(&[activity("a", "adele")]);
    let wish = || reveal_all("root").because(Justification::new("CANARY").unwrap());
    house.filter.request_reveal(&wish()).unwrap();
    let mut reveal = house.filter.reveal(wish()).unwrap();
    reveal.page(PageSize::default(), None).unwrap();
    reveal.close().unwrap();
    let mut forgot = 0;
    for RecordEntry { mut record, .. } in house.records() {
        let whole = record.clone();
        forgot += u64::from(record.forget());
        assert!(!record.forget());
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("CANARY") && !text.contains("opening"), "{text}");
        assert_eq!(record, whole.without_openings());
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(read, record);
    }
    assert_eq!(forgot, 4, "the request, the reveal at both ends, and the page");
}
