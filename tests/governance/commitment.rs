//! Commitments: values of a record can be redacted, and the rest still proves what they were (G2, G6).

use activity_privacy::activity::ActivityId;
use activity_privacy::governance::{
    Commitment, CommitmentText, Digest, Event, Justification, Outcome, ParseSaltError, Record, RecordEntry, RecordKind,
    RecordQuery, Salt, Subjects,
};
use activity_privacy::identity::Subject;
use activity_privacy::query::PageSize;

use crate::fixture::*;

fn why() -> Commitment<Justification> {
    Commitment::new(Justification::new("Case 17: \"who\" & why, straße").unwrap(), salt(44))
}

/// As `sha256sum` computes it.
#[test]
fn g6_commitment_is_digest_of_salt_and_text() {
    let digest = "0b00ab5a5057af3b06ab69a9417dc44893da373f880a3d42667f798fa152eb1e";
    assert_eq!(why().commitment().to_string(), digest);
    let other = Commitment::new(Justification::new("Case 17: \"who\" & why, straße").unwrap(), salt(45));
    assert_ne!(why().commitment(), other.commitment());
}

#[test]
fn g2_redacted_value_leaves_only_its_commitment() {
    let mut sealed = why();
    assert_eq!(format!("{sealed:?}").find("Case"), None);
    sealed.redact();
    let text = serde_json::to_string(&sealed).unwrap();
    assert_eq!(text, format!(r#"{{"sha256":"{}"}}"#, why().commitment()));
    let read: Commitment<Justification> = serde_json::from_str(&text).unwrap();
    assert_eq!((read.value(), read.commitment()), (None, why().commitment()));
}

#[test]
fn g6_opening_of_another_value_is_rejected() {
    let text = serde_json::to_string(&why()).unwrap();
    assert_eq!(serde_json::from_str::<Commitment<Justification>>(&text).unwrap(), why());
    for (from, to) in [("Case 17", "Case 18"), ("2c", "2d"), ("straße", "strasse")] {
        let bent = text.replace(from, to);
        assert_ne!(bent, text);
        let error = serde_json::from_str::<Commitment<Justification>>(&bent).unwrap_err().to_string();
        assert!(!error.contains("Case"), "{error}");
    }
    for tags in [r#"["00"]"#, r#"["zz"]"#, r#"["11111111111111111111111111111111","00000000000000000000000000000000"]"#]
    {
        assert!(serde_json::from_str::<Subjects>(tags).is_err(), "{tags}");
    }
}

/// A list of tags is committed to in its written form, one per line, each once.
#[test]
fn g6_tags_are_committed_to_as_lines() {
    let (one, other) = ("00000000000000000000000000000000", "11111111111111111111111111111111");
    let subjects: Subjects = serde_json::from_str(&format!(r#"["{one}","{other}"]"#)).unwrap();
    assert_eq!(subjects.committed_text(), format!("{one}\n{other}"));
    assert!(serde_json::from_str::<Subjects>(&format!(r#"["{one}","{one}"]"#)).is_err());
    assert!(!subjects.is_empty() && Subjects::default().is_empty());
}

/// Each record with personal values loses them at a redaction, once. The totals remain for an auditor.
#[test]
fn g2_redacted_record_keeps_totals() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).make_private("council").permit_root();
    fixture.ingest(&[activity("a", "adele")]);
    let wish = || reveal_all("root").because(Justification::new("CANARY").unwrap());
    fixture.filter.request_reveal(&wish()).unwrap();
    let mut reveal = fixture.filter.reveal(wish()).unwrap();
    reveal.page(PageSize::default(), None).unwrap();
    reveal.close().unwrap();
    fixture.erase(Subject::of(user("adele")));
    let mut redacted_count = 0;
    for RecordEntry { mut record, .. } in fixture.records() {
        let whole = record.clone();
        redacted_count += u64::from(record.redact());
        assert!(!record.redact());
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("CANARY"), "{text}");
        assert_eq!(record.without_openings(), whole.without_openings());
        let read: Record = serde_json::from_str(&text).unwrap();
        assert_eq!(read, record);
        match (&record.event, &record.outcome) {
            (Event::Page { activities, private, digest, subjects, .. }, _) => {
                assert_eq!((activities.value(), private.value(), subjects.value()), (Some(&1), Some(&1), None));
                assert!(digest.is_of_ids(&["a".parse().unwrap()]) && !digest.is_of_ids([]));
            }
            (_, Outcome::Closed { private, .. }) => assert_eq!(private.value(), Some(&1)),
            _ => assert!(!text.contains("opening"), "{text}"),
        }
        assert!(!serde_json::to_string(&record.without_openings()).unwrap().contains("opening"));
    }
    assert_eq!(redacted_count, 4, "the request, the start of the reveal, the page, and the outcome of the erasure");
}

/// Two records of one reveal contain the same commitment, and one of them its opening.
#[test]
fn g2_redaction_covers_all_records_of_reveal() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).make_private("council").permit_root();
    let reveal = fixture.filter.reveal(reveal_all("root").because(Justification::new("CANARY").unwrap())).unwrap();
    let begun = reveal.receipt().record();
    reveal.close().unwrap();
    let _receipt = fixture.filter.redact(&user("root"), begun).unwrap();
    let told = fixture.filter.governance_records(&user("root"), &RecordQuery::default(), 0, PageSize::MAX).unwrap();
    assert!(!serde_json::to_string(&told).unwrap().contains("CANARY"));
    let of_reveal = |entry: &&RecordEntry| entry.record.kind() == RecordKind::Reveal;
    assert_eq!(told.iter().filter(of_reveal).count(), 2);
}

/// An auditor who receives the salt and the value separately can verify them against the commitment.
#[test]
fn r3_disclosed_ids_verify_against_redacted_record() {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"])])).make_private("council").permit_root();
    fixture.ingest(&[activity("a", "adele"), activity("b", "adele")]);
    fixture.filter.reveal(reveal_all("root")).unwrap().page(PageSize::default(), None).unwrap();
    let whole = fixture.records().pop().unwrap().record;
    let Event::Page { digest: redacted, .. } = whole.without_openings().event else { panic!("not a page") };
    let Event::Page { digest, .. } = whole.event else { panic!("not a page") };
    let (salt, text) = digest.opening().unwrap();
    let salt: Salt = salt.to_string().parse().unwrap();
    let ids = ["b", "a"].map(|id| id.parse::<ActivityId>().unwrap());
    assert_eq!(Commitment::new(Digest::of_ids(&ids), salt.clone()).commitment(), redacted.commitment());
    assert_eq!(text, Digest::of_ids(&ids).to_string());
    assert!(digest.is_of_ids(&ids) && !redacted.is_of_ids(&ids), "without the opening no value is verified");
    let others = ["a", "b"].map(|id| id.parse::<ActivityId>().unwrap());
    assert_ne!(Commitment::new(Digest::of_ids(&others), salt).commitment(), redacted.commitment());
}

/// The form in which others recompute a commitment: each value as text, the salt as 32 hex digits.
#[test]
fn g6_number_time_and_salt_have_one_text_form() {
    let time = at(0) + chrono::TimeDelta::milliseconds(250);
    assert_eq!((7_u64.committed_text().as_ref(), time.committed_text().as_ref()), ("7", "2026-02-25T06:13:20.250Z"));
    assert_eq!(serde_json::to_value(time).unwrap(), time.committed_text().as_ref());
    assert_eq!(at(0).committed_text(), "2026-02-25T06:13:20Z");
    assert_eq!(salt(0xab).to_string(), format!("{}ab", "0".repeat(30)));
    assert_eq!(format!("{:?}", salt(0xab)), "Salt(..)");
    for wrong in ["", "ab", &"0".repeat(31), &"0".repeat(33), &"A".repeat(32), &format!("{}\n", "0".repeat(31))] {
        assert_eq!(wrong.parse::<Salt>(), Err(ParseSaltError), "{wrong:?}");
    }
}
