//! Bytes as JSON Lines, as a JSON array, and as whatever they look like.

use activity_privacy::activity::Activity;
use activity_privacy::sources::m365::{Format, Reader};
use activity_privacy::sources::{JsonFault, RejectReason};

use super::json::Tree;
use super::reader::{IDS, is_no_text, protects, read, unmarked, verdict};

/// The fields that say who acted and for whom.
const WHO: [&str; 5] = ["UserId", "UserKey", "SendOnBehalfOfUserSmtp", "SendAsUserSmtp", "MailboxOwnerUPN"];

pub(crate) fn check(input: &[u8]) {
    read(input, None);
    read(input, Some(Format::JsonDocuments));
    lines(input);
    array(input);
}

/// As many items as lines that are not blank, and each says what its line says.
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
            (Ok(_), None) => panic!("B1: something was accepted that is no JSON"),
            (Err(rejected), tree) => {
                let fault = matches!(rejected.reason(), RejectReason::Json { .. } | RejectReason::NotAnObject);
                assert_eq!(fault, !matches!(tree, Some(Tree::Object(_))), "B1: {rejected}");
                let incomplete = matches!(rejected.reason(), RejectReason::Json { fault: JsonFault::Data, .. });
                assert!(!incomplete, "B1: any JSON is taken as it is: {rejected}");
                if tree.is_some_and(|tree| tree.repeats_a_name()) {
                    assert!(matches!(rejected.reason(), RejectReason::RepeatedField), "B1: {rejected}");
                }
            }
        }
    }
}

/// An accepted record says no more and no less than its text, in whatever order.
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
    let again = again.expect("D1: the order of fields plays no part");
    assert_eq!(verdict(&again), verdict(activity), "D1: the order of fields plays no part");
    assert!(again.actor() == activity.actor() && again.on_behalf_of() == activity.on_behalf_of());
    assert!(again.app() == activity.app() && again.action() == activity.action());
    assert!(again.occurred_at() == activity.occurred_at() && again.objects().eq(activity.objects()));
    if !tree.holds_a_fraction() {
        assert!(again.id() == activity.id(), "D4: a record without an id has the same one however it is laid out");
    }
}

/// As many items as elements, each taken or rejected as it would be on a line of its own.
fn array(input: &[u8]) {
    let items = read(input, Some(Format::JsonArray));
    let whole = std::str::from_utf8(unmarked(input)).ok().and_then(Tree::of);
    match whole {
        Some(Tree::List(entries)) => assert_eq!(items.len(), entries.len(), "B1: every element is an item"),
        // What is no array, or not to its end, has something to say about it.
        _ => assert!(items.is_empty() == unmarked(input).trim_ascii().is_empty() || items.iter().any(Result::is_err)),
    }
}
