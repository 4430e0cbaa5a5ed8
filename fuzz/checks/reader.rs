//! Checks of the reader of Microsoft 365 records for every format.

use activity_privacy::directory::GroupDirectory;
use std::io::BufReader;
use std::sync::{Arc, OnceLock};

use activity_privacy::activity::Activity;
use activity_privacy::directory::{DirectoryBuilder, DirectorySnapshot, User};
use activity_privacy::engine::{PolicyEngine, Reasons, Verdict};
use activity_privacy::filter::IngestOutcome;
use activity_privacy::identity::Alias;
use activity_privacy::policy::{GroupRef, PolicyChange};
use activity_privacy::query::{PageSize, Query};
use activity_privacy::sources::m365::{Format, Reader};
use activity_privacy::sources::{RejectReason, Rejected};

use super::silence::CANARY;
use crate::fixture::{Fixture, at, group, people, user};

pub(crate) type Item = Result<Activity, Rejected>;

/// Reads to the end, and checks each item and all of them together.
pub(crate) fn read(input: &[u8], format: Option<Format>) -> Vec<Item> {
    let items = items(input, format);
    // The size of the chunks is ignored.
    let chunk = 1 + input.len() % 13;
    let chunked: Vec<Item> = match format {
        Some(format) => Reader::with_format(BufReader::with_capacity(chunk, input), format).collect(),
        None => Reader::new(BufReader::with_capacity(chunk, input)).collect(),
    };
    assert!(items == chunked, "D4: the same bytes give the same activities");

    // A line, an element or a row has at least one byte, and an element may be empty.
    assert!(items.len() <= input.len() + 1, "B1: more items than records");
    let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count() as u64;
    let mut last = 1;
    for item in &items {
        match item {
            Err(rejected) => {
                assert!((last..=lines).contains(&rejected.line()), "B1: the line of a rejection is the record's");
                last = rejected.line();
                let said = rejected.to_string();
                let is_named =
                    matches!(rejected.reason(), RejectReason::OtherInput { .. } | RejectReason::AmbiguousDate { .. });
                assert!(is_named || said.contains("expected") || said.contains("; "), "B1: {said}");
                assert!(said.starts_with(&format!("line {last}: ")), "B1: {said}");
                let said = format!("{said} {rejected:?}");
                assert!(!said.contains(CANARY), "B2: {said}");
            }
            Ok(activity) => sound(activity),
        }
    }
    // Once for each input, because a fixture costs more than all other checks.
    if format.is_none() {
        account_for(&items);
    }
    items
}

fn items(input: &[u8], format: Option<Format>) -> Vec<Item> {
    match format {
        Some(format) => Reader::with_format(input, format).collect(),
        None => Reader::new(input).collect(),
    }
}

/// Checks that an activity is within its limits, private in `Debug`, and unchanged by a store.
pub(crate) fn sound(activity: &Activity) {
    assert_eq!(format!("{activity:?}"), "Activity { .. }", "B2");
    let document = serde_json::to_string(activity).unwrap();
    let again: Activity = serde_json::from_str(&document).expect("B1: an accepted activity can be read back");
    assert!(again == *activity, "D4: an activity is unchanged by storing it");
    assert_eq!(serde_json::to_string(&again).unwrap(), document, "D4: and has the same document");
    let (one, other) = (reasons(activity), reasons(&again));
    assert!(one == other, "D1: the same activity has the same verdict");
    assert_eq!(one.is_empty(), verdict(activity) == Verdict::Public, "D1: a verdict to hide has a reason");
}

/// Checks that every activity is stored, a duplicate or a conflict, and that a view shows public ones only.
fn account_for(items: &[Item]) {
    let accepted: Vec<Activity> = items.iter().flatten().cloned().collect();
    if accepted.is_empty() {
        return;
    }
    let fixture = Fixture::new();
    fixture.install(protected()).manage("contoso.com").make_private("council");
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
    fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
    let report = fixture.filter.ingest(&accepted).unwrap();
    let all = [IngestOutcome::Stored, IngestOutcome::Duplicate, IngestOutcome::Conflict, IngestOutcome::NotMonitored];
    let reported = all.iter().map(|delivery| report.count(*delivery)).sum::<usize>();
    let rejected = items.iter().filter(|item| item.is_err()).count();
    assert_eq!(reported + rejected, items.len(), "B1: no record is dropped");
    assert_eq!(report.count(IngestOutcome::NotMonitored), 0, "S1");
    let page = fixture.filter.view(&user("somebody")).page(&Query::all(), PageSize::MAX, None).unwrap();
    assert!(
        page.activities().iter().all(|shown| verdict(shown.activity()) == Verdict::Public),
        "V1: a view shows only public activities"
    );
}

/// Returns a directory in which Adele is protected, and a user with an object id and a passport id.
fn protected() -> DirectoryBuilder {
    let council = group("council");
    let mut import = people(&[("adele", &["council"]), ("bob", &[])]);
    let object_id = user("0f1d2c3b-4a59-4687-9e0f-a1b2c3d4e5f6");
    let puid = Alias::account("puid", "1003200096971F55").unwrap();
    import = import.user(User::new(object_id.clone()).with_alias(puid)).member(&council, &object_id);
    import
}

/// Returns an engine with every group private.
fn engine() -> &'static PolicyEngine {
    static ENGINE: OnceLock<PolicyEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let fixture = Fixture::new();
        fixture.install(protected()).manage("contoso.com").make_private("council");
        fixture.update_policy(PolicyChange::MakePrivate(GroupRef::Applications));
        fixture.update_policy(PolicyChange::MakePrivate(GroupRef::ExternalUsers));
        PolicyEngine::new(fixture.filter.policy().unwrap(), fixture.directory.snapshot())
    })
}

pub(crate) fn verdict(activity: &Activity) -> Verdict {
    engine().verdict(activity, at(0)).0
}

/// Returns the reasons to hide an activity, none if it is public.
pub(crate) fn reasons(activity: &Activity) -> Reasons {
    engine().verdict(activity, at(0)).1
}

/// Checks that an activity is hidden if a field of principals contains a protected name.
pub(crate) fn protects<'a>(activity: &Activity, names: impl Iterator<Item = &'a str>) {
    for name in names {
        let parts = name.split(|c: char| c.is_whitespace() || r#"<>()[]{}";,"#.contains(c));
        let mut parts = parts.map(|part| part.trim_matches('\''));
        if parts.any(|part| part.eq_ignore_ascii_case("adele@contoso.com")) {
            assert_eq!(verdict(activity), Verdict::Private, "D6: the record contains a protected name");
        }
    }
}

/// The names of fields with an id, which is in lower case if it is a GUID.
pub(crate) const IDS: [&str; 4] = ["Id", "OfficeId", "SourceRecordId", "RecordId"];

/// Returns whether the input is rejected as a whole because it is not text.
pub(crate) fn is_no_text(items: &[Item]) -> bool {
    matches!(items, [Err(only)] if matches!(only.reason(), RejectReason::OtherInput { .. }))
}

/// Returns an input without its byte order mark.
pub(crate) fn unmarked(input: &[u8]) -> &[u8] {
    input.strip_prefix(b"\xef\xbb\xbf").unwrap_or(input)
}

/// Returns the directory of the shared engine.
pub(crate) fn directory() -> Arc<DirectorySnapshot> {
    Arc::clone(engine().directory().unwrap())
}
