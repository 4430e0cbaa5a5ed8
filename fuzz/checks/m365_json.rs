//! Checks bytes as JSON Lines, as a JSON array, and in the format that the reader detects.

use activity_privacy::activity::Activity;
use activity_privacy::sources::m365::{Format, Reader};
use activity_privacy::sources::{JsonFault, RejectReason};

use super::json::Tree;
use super::reader::{IDS, is_no_text, protects, read, unmarked, verdict};

/// The fields of principals.
const WHO: [&str; 5] = ["UserId", "UserKey", "SendOnBehalfOfUserSmtp", "SendAsUserSmtp", "MailboxOwnerUPN"];

pub(crate) fn check(input: &[u8]) {
    read(input, None);
    read(input, Some(Format::JsonDocuments));
    lines(input);
    array(input);
}

/// Checks that there are as many items as lines that are not blank, and that each is that of its line.
fn lines(input: &[u8]) {
    let items = read(input, Some(Format::JsonLines));
    if is_no_text(&items) {
        return;
    }
    let lines: Vec<&[u8]> =
        unmarked(input).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    assert_eq!(items.len(), lines.len(), "B1: every line that is not blank is an item");
    for (line, item) in lines.into_iter().zip(items) {
        let text = std::str::from_utf8(line).map(|text| text.trim_start_matches('\u{feff}').trim_ascii());
        let Ok(text) = text else {
            assert!(matches!(item.unwrap_err().reason(), RejectReason::NotUtf8 { .. }), "B1");
            continue;
        };
        let tree = Tree::of(text);
        if tree.as_ref().is_some_and(Tree::is_wrapped) {
            continue;
        }
        match (item, tree) {
            (Ok(activity), Some(tree)) => faithful(text, &tree, &activity),
            (Ok(_), None) => panic!("B1: a line that is not JSON was accepted"),
            (Err(rejected), tree) => {
                let fault = matches!(rejected.reason(), RejectReason::Json { .. } | RejectReason::NotAnObject);
                assert_eq!(fault, !matches!(tree, Some(Tree::Object(_))), "B1: {rejected}");
                let incomplete = matches!(rejected.reason(), RejectReason::Json { fault: JsonFault::Data, .. });
                assert!(!incomplete, "B1: JSON of any structure is parsed: {rejected}");
                if tree.is_some_and(|tree| tree.repeats_a_name()) {
                    assert!(matches!(rejected.reason(), RejectReason::RepeatedField), "B1: {rejected}");
                }
            }
        }
    }
}

/// Checks that an activity contains its record, and does not depend on the order of fields.
fn faithful(text: &str, tree: &Tree, activity: &Activity) {
    assert!(!tree.repeats_a_name(), "D9: readers could disagree on who acted");
    let details = activity.details().unwrap();
    let mut both: [serde_json::Value; 2] = [details, text].map(|text| serde_json::from_str(text).unwrap());
    for record in &mut both {
        IDS.iter().for_each(|id| drop(record.as_object_mut().unwrap().remove(*id)));
    }
    let [kept, whole] = both;
    // `1.0` is kept as `1`.
    assert!(kept == whole || tree.holds_a_fraction(), "B1: the details are the record");
    assert!(details.len() <= text.len() || tree.holds_a_fraction());
    protects(activity, WHO.iter().filter_map(|field| tree.member(field)?.text()));

    let reversed = tree.reversed();
    let again = Reader::with_format(reversed.as_bytes(), Format::JsonLines).next().unwrap();
    let again = again.expect("D1: the order of fields is ignored");
    assert_eq!(verdict(&again), verdict(activity), "D1: the order of fields is ignored");
    assert!(again.actor() == activity.actor() && again.on_behalf_of() == activity.on_behalf_of());
    assert!(again.app() == activity.app() && again.action() == activity.action());
    assert!(again.occurred_at() == activity.occurred_at() && again.objects().eq(activity.objects()));
    if !tree.holds_a_fraction() {
        assert!(again.id() == activity.id(), "D4: the id from the content does not depend on the layout");
    }
}

/// Checks that there are as many items as elements.
fn array(input: &[u8]) {
    let items = read(input, Some(Format::JsonArray));
    let whole = std::str::from_utf8(unmarked(input)).ok().and_then(Tree::of);
    match whole {
        Some(Tree::List(entries)) => assert_eq!(items.len(), entries.len(), "B1: every element is an item"),
        // An input that is not a complete array gives a rejection.
        _ => assert!(items.is_empty() == unmarked(input).trim_ascii().is_empty() || items.iter().any(Result::is_err)),
    }
}
