//! G3: readers of the governance log can export it. G2: an export contains nothing else.
#![cfg(feature = "export")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod fault;
mod fixture;
mod forward;

use activity_privacy::governance::GovernanceSink;
use std::io::{self, Write};
use std::sync::Arc;

use activity_privacy::export::{ExportError, RecordFormat};
use activity_privacy::governance::{
    ChangeSummary, Event, FailureReason, Initiator, Justification, Outcome, OutcomeKind, Record, RecordEntry, RecordId,
    RecordKind, RecordQuery, RemovalSummary,
};
use activity_privacy::policy::{Denial, ManagedDomain, PolicyChange, Role};
use activity_privacy::query::PageSize;
use fault::*;
use fixture::*;
use uuid::Uuid;

fn export(fixture: &Fixture, query: &RecordQuery, format: RecordFormat) -> String {
    let mut file = Vec::new();
    let written = fixture.filter.export_governance(&user("root"), query, format, &mut file).unwrap();
    let text = String::from_utf8(file).unwrap();
    assert_eq!((text.lines().count() as u64, text.ends_with('\n') || written == 0), (written, true));
    text
}

/// Returns a fixture with policy changes, a grant, a reveal with a justification, a page and a denied attempt.
fn fixture_with_history() -> Fixture {
    let fixture = Fixture::new();
    fixture.install(people(&[("adele", &["council"]), ("bob", &[])])).manage("contoso.com").make_private("council");
    fixture.ingest(&[activity("a-1", "adele"), activity("b-1", "bob")]);
    fixture.permit_root();
    let request = reveal_all("root").because(Justification::new("case 17").unwrap());
    let mut reveal = fixture.filter.reveal(request).unwrap();
    reveal.page(PageSize::MAX, None).unwrap();
    reveal.close().unwrap();
    fixture.filter.reveal(reveal_all("bob")).unwrap_err();
    fixture
}

#[test]
fn g3_json_lines_export_round_trips() {
    let fixture = fixture_with_history();
    let text = export(&fixture, &RecordQuery::default(), RecordFormat::JsonLines);
    let read: Vec<RecordEntry> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected = fixture.records();
    for entry in &mut expected {
        // Readers of the log do not see the subjects of a page.
        if let Event::Page { subjects, .. } = &mut entry.record.event {
            subjects.redact();
        }
    }
    assert_eq!(read, expected);
    // A damaged or newer document is an error, not a record with less content.
    let line = text.lines().next().unwrap();
    for damage in [line.replacen('{', "{\"more\":1,", 1), line.replacen("\"sequence\":1,", "", 1)] {
        assert!(serde_json::from_str::<RecordEntry>(&damage).is_err(), "{damage}");
    }
}

#[test]
fn g3_export_contains_every_matching_record() {
    let fixture = fixture_with_history();
    for n in 0..300 {
        fixture.update_policy(PolicyChange::ManageDomain(ManagedDomain::exactly(domain(&format!("x{n}.example")))));
    }
    for query in [
        RecordQuery::default(),
        RecordQuery { kind: Some(RecordKind::PolicyChange), ..RecordQuery::default() },
        RecordQuery { outcome: Some(OutcomeKind::Refused), ..RecordQuery::default() },
        RecordQuery { initiator: Some(user("nobody")), ..RecordQuery::default() },
    ] {
        let expected: Vec<u64> =
            fixture.records().iter().filter(|entry| query.matches(&entry.record)).map(|entry| entry.sequence).collect();
        let text = export(&fixture, &query, RecordFormat::Ocsf);
        let sequence =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["metadata"]["sequence"].as_u64();
        assert_eq!(text.lines().map(|line| sequence(line).unwrap()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn g3_export_needs_permission_and_denial_is_recorded() {
    let fixture = fixture_with_history();
    for who in ["adele", "nobody"] {
        let mut file = Vec::new();
        let query = RecordQuery::default();
        let error = fixture.filter.export_governance(&user(who), &query, RecordFormat::Ocsf, &mut file).unwrap_err();
        assert!(matches!(error, ExportError::Denied(Denial::NotAdmin)) && file.is_empty(), "{error:?}");
        let last = fixture.records().pop().unwrap().record;
        assert_eq!((last.event, last.outcome), (Event::ReadGovernance, Outcome::Denied(Denial::NotAdmin)));
        assert_eq!(last.initiator, Initiator::User(user(who)));
    }
}

/// A writer that runs an action after the first line.
struct Then<F: FnMut()>(usize, F);

impl<F: FnMut()> Write for Then<F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        if self.0 == 1 {
            (self.1)();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn p2_export_checks_permission_before_each_page() {
    let fixture = fixture_with_history();
    fixture.update_policy(PolicyChange::SetAdmin(user("ann"), Role::PrivacyAdministrator));
    for n in 0..200 {
        fixture.update_policy(PolicyChange::ManageDomain(ManagedDomain::exactly(domain(&format!("x{n}.example")))));
    }
    let mut out = Then(0, || {
        fixture.update_policy(PolicyChange::RemoveAdmin(user("ann")));
    });
    let query = RecordQuery::default();
    let error = fixture.filter.export_governance(&user("ann"), &query, RecordFormat::JsonLines, &mut out).unwrap_err();
    assert!(matches!(error, ExportError::Denied(Denial::NotAdmin)), "{error:?}");
    assert_eq!(out.0, 256, "exactly one page");
    assert_eq!(fixture.records().pop().unwrap().record.outcome, Outcome::Denied(Denial::NotAdmin));
}

struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn g3_export_error_names_cause() {
    let fixture = fixture_with_history();
    let query = RecordQuery::default();
    for format in [RecordFormat::JsonLines, RecordFormat::Ocsf] {
        let error = fixture.filter.export_governance(&user("root"), &query, format, &mut Full).unwrap_err();
        assert!(matches!(&error, ExportError::Write(error) if error.kind() == io::ErrorKind::StorageFull), "{error:?}");
    }
    let sink = FaultySink::new(&Log::default());
    let fixture = Fixture::over(Arc::new(activity_privacy::memory::MemoryStore::new()), Arc::clone(&sink) as _);
    sink.fault_in(0, Fault::Fails);
    let error =
        fixture.filter.export_governance(&user("root"), &query, RecordFormat::Ocsf, &mut Vec::new()).unwrap_err();
    assert!(matches!(error, ExportError::Sink(_)), "{error:?}");
}

/// Returns every record of the conformance kit, each event with each outcome.
#[cfg(feature = "conformance")]
fn records_of_every_kind() -> Vec<RecordEntry> {
    use activity_privacy::conformance::{SinkHarness, sink_clauses};
    use activity_privacy::memory::MemorySink;

    thread_local! {
        static SINK: Arc<MemorySink> = Arc::new(MemorySink::new());
    }

    /// The place where a clause of the kit leaves its records.
    struct Left;

    impl SinkHarness for Left {
        type Sink = Arc<MemorySink>;

        fn fresh() -> Self {
            Self
        }

        fn open(&self) -> Arc<MemorySink> {
            SINK.with(Arc::clone)
        }

        fn crash(&mut self) {}
    }

    let clause = sink_clauses::<Left>().into_iter().find(|clause| clause.name == "g1_records_are_read_unchanged");
    clause.unwrap().check().unwrap();
    let found = SINK.with(|sink| sink.records(&RecordQuery::default(), 0, usize::MAX)).unwrap();
    let outcomes: Vec<Outcome> = found.iter().map(|entry| entry.record.outcome.clone()).collect();
    let denials = [Denial::MayNotManage, Denial::SelfApproval].map(Outcome::Denied);
    let intent = found[0].record.id;
    let more = denials.into_iter().chain([Outcome::Failed { intent, reason: FailureReason::Superseded }]);
    let outcomes: Vec<Outcome> = outcomes.into_iter().take(16).chain(more).collect();
    let pairs = found.iter().flat_map(|entry| outcomes.iter().map(move |outcome| (entry, outcome)));
    let record = |(number, (entry, outcome)): (u64, (&RecordEntry, &Outcome))| RecordEntry {
        sequence: number,
        record: Record {
            id: RecordId(Uuid::from_u128(u128::from(number))),
            outcome: outcome.clone(),
            ..entry.record.clone()
        },
    };
    (1..).zip(pairs).map(record).collect()
}

#[cfg(feature = "conformance")]
fn ocsf(entry: &RecordEntry) -> serde_json::Value {
    let mut line = Vec::new();
    RecordFormat::Ocsf.write(entry, &mut line).unwrap();
    serde_json::from_slice(&line).unwrap()
}

/// `tests/ocsf/validate.py` validates the events against the schema. This test writes them to the file that
/// `ACTIVITY_PRIVACY_OCSF` names.
#[cfg(feature = "conformance")]
#[test]
fn g3_ocsf_event_matches_its_record() {
    let entries = records_of_every_kind();
    for entry in &entries {
        let (event, record) = (ocsf(entry), &entry.record);
        assert_eq!(event["metadata"]["uid"], record.id.to_string());
        assert_eq!(event["metadata"]["sequence"], entry.sequence);
        assert_eq!(event["metadata"]["version"], "1.8.0");
        assert_eq!(event["time"], record.at.timestamp_millis());
        let (class, activity) = (event["class_uid"].as_u64().unwrap(), event["activity_id"].as_u64().unwrap());
        assert_eq!(event["type_uid"], class * 100 + activity);
        for kind in record.kinds() {
            assert!(
                event["message"].as_str().unwrap().contains(&kind.to_string()),
                "each kind of change is in the message"
            );
        }
        let of_access = match &record.event {
            Event::ChangePolicy(of) => matches!(
                of[..],
                [ChangeSummary::SetAdmin(..)
                    | ChangeSummary::RemoveAdmin(_)
                    | ChangeSummary::Grant(_)
                    | ChangeSummary::Revoke(_)]
            ),
            _ => false,
        };
        assert_eq!(class, if of_access { 3005 } else { 3004 });
        match record.kind() {
            RecordKind::Grant if of_access => assert_eq!(activity, 1),
            RecordKind::Revocation if of_access => assert_eq!(activity, 2),
            RecordKind::Reveal | RecordKind::Page => assert_eq!(activity, 2),
            RecordKind::Erasure | RecordKind::Retention => assert_eq!(activity, 4),
            _ => {}
        }
        let status = match record.outcome.kind() {
            OutcomeKind::Done | OutcomeKind::Observed => 1,
            OutcomeKind::Failed | OutcomeKind::Refused => 2,
            OutcomeKind::Intended => 99,
        };
        assert_eq!((&event["status_id"], event.get("status_detail").is_some()), (&status.into(), status == 2));
        match &record.initiator {
            Initiator::User(user) => assert_eq!(event["actor"]["user"]["uid"], user.as_str()),
            Initiator::System => assert_eq!(event["actor"]["app_name"], "activity-privacy"),
        }
    }
    if let Some(path) = std::env::var_os("ACTIVITY_PRIVACY_OCSF") {
        let mut file = io::BufWriter::new(std::fs::File::create(path).unwrap());
        entries.iter().for_each(|entry| RecordFormat::Ocsf.write(entry, &mut file).unwrap());
        file.flush().unwrap();
    }
}

/// The class concerns one user, so that a monitor for it finds all privileges that one update assigns.
#[test]
fn g3_privileges_assigned_together_are_one_ocsf_event() {
    let (ann, bob) = (user("ann"), user("bob"));
    let admin = ChangeSummary::SetAdmin(ann.clone(), Role::Analyst);
    let event = |changes: Vec<ChangeSummary>| {
        let (id, initiator) = (RecordId(uuid::Uuid::nil()), Initiator::User(user("root")));
        let (event, outcome) = (Event::ChangePolicy(changes), Outcome::Intended);
        let record = Record { id, at: at(0), initiator, policy: None, event, outcome };
        ocsf(&RecordEntry { sequence: 1, record })
    };
    let given = event(vec![admin.clone(), ChangeSummary::Grant(Some(ann.clone()))]);
    assert_eq!((&given["class_uid"], &given["user"]["uid"]), (&3005.into(), &"ann".into()));
    assert_eq!(given["privileges"], serde_json::json!(["analyst", "view_private_activities"]));
    for other in [ChangeSummary::Grant(Some(bob)), ChangeSummary::Revoke(Some(ann)), ChangeSummary::Grant(None)] {
        let mixed = event(vec![admin.clone(), other]);
        assert_eq!((&mixed["class_uid"], mixed.get("user")), (&3004.into(), None));
    }
}

/// Collects every text in a value, without keys.
#[cfg(feature = "conformance")]
fn texts(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        serde_json::Value::Object(fields) => fields.values().for_each(|value| texts(value, into)),
        _ => {}
    }
}

#[cfg(feature = "conformance")]
#[test]
fn g2_ocsf_event_contains_only_record_values() {
    // Terms of the schema and of this crate.
    let own = [
        "category_name",
        "class_name",
        "activity_name",
        "severity",
        "status",
        "status_code",
        "status_detail",
        "message",
        "metadata/version",
        "metadata/product",
        "actor/app_name",
        "entity/type",
        "entity/name",
        "user/name",
        "privileges",
    ];
    for entry in records_of_every_kind() {
        let mut event = ocsf(&entry);
        for path in own {
            let (parent, last) = path.rsplit_once('/').map_or(("", path), |(parent, last)| (parent, last));
            let parent = if parent.is_empty() { Some(&mut event) } else { event.get_mut(parent) };
            parent.and_then(|parent| parent.as_object_mut()).map(|parent| parent.remove(last));
        }
        let mut in_record = Vec::new();
        texts(&serde_json::to_value(&entry).unwrap(), &mut in_record);
        let mut in_event = Vec::new();
        texts(&event, &mut in_event);
        let beyond: Vec<_> = in_event.iter().filter(|text| !in_record.contains(text)).collect();
        assert!(beyond.is_empty(), "{beyond:?} of {:?}", entry.record.event);
    }
}

#[cfg(feature = "conformance")]
#[test]
fn g2_ocsf_event_omits_redacted_values_and_page_subjects() {
    let mut comments = 0;
    for entry in records_of_every_kind() {
        let event = ocsf(&entry);
        comments += usize::from(event.get("comment").is_some());
        let mut forgot = entry.clone();
        forgot.record.redact();
        let after = ocsf(&forgot);
        assert_eq!(after.get("comment"), None);
        let mut without = event.clone();
        without.as_object_mut().unwrap().remove("comment");
        assert_eq!(after, without);
        assert!(!event.to_string().contains("salt"), "{event}");
    }
    assert!(comments > 0);
}

/// A sink can fail in several ways.
#[test]
fn g3_ocsf_event_reports_failed_sink_removal() {
    let id = |number| RecordId(uuid::Uuid::from_u128(number));
    let record = Record {
        id: id(2),
        at: at(0),
        initiator: Initiator::System,
        policy: None,
        event: Event::Remove(RemovalSummary::Aged {
            activities_before: at(0),
            records_before: Some(at(0)),
            policy: None,
        }),
        outcome: Outcome::Failed { intent: id(1), reason: FailureReason::Sink },
    };
    let mut out = Vec::new();
    RecordFormat::Ocsf.write(&RecordEntry { sequence: 2, record }, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains("a sink failed") && !text.contains("accepted"), "{text}");
}
