//! Checks bytes as a map and records behind a line `~`, or as records that a map of the crate reads.

use std::io::BufReader;

use activity_privacy::sources::RejectReason;
use activity_privacy::sources::mapped::{self, Format, Map, MapError, Reader};

use super::json::Tree;
use super::reader::{Item, is_no_text, sound, unmarked, verdict};
use super::silence::CANARY;

pub(crate) fn check(input: &[u8]) {
    let separator = input.windows(3).position(|part| part == b"\n~\n");
    let Some(at) = separator else {
        let detected = mapped::detect(input);
        let maps: Vec<&Map> = Map::all_shipped().collect();
        let any = input.len().checked_rem(maps.len()).map(|at| maps[at]);
        for map in detected.into_iter().chain(any) {
            records(map, input, true);
        }
        return;
    };
    let Ok(text) = std::str::from_utf8(&input[..at]) else { return };
    match Map::from_json(text) {
        Ok(map) => {
            let document = serde_json::to_string(&map).unwrap();
            assert!(document.parse::<Map>() == Ok(map.clone()), "B1: a map survives a round trip");
            records(&map, &input[at + 3..], !text.contains(CANARY));
        }
        Err(error) => {
            let is_position = matches!(error, MapError::NotJson { line: 1.., .. });
            assert!(is_position || !matches!(error, MapError::NotJson { .. }), "B1: {error:?}");
            assert!(!error.to_string().is_empty(), "B1");
        }
    }
}

fn records(map: &Map, input: &[u8], is_silent: bool) {
    for format in [None, Some(Format::JsonLines), Some(Format::JsonArray), Some(Format::JsonDocuments)] {
        let items = read(map, input, format, is_silent);
        if format == Some(Format::JsonLines) && !is_no_text(&items) {
            lines(map, input, &items);
        }
    }
}

/// Reads to the end, and checks each item and all of them together.
fn read(map: &Map, input: &[u8], format: Option<Format>, is_silent: bool) -> Vec<Item> {
    // The size of the chunks is ignored.
    let chunked = BufReader::with_capacity(1 + input.len() % 13, input);
    let (items, again): (Vec<Item>, Vec<Item>) = match format {
        Some(format) => {
            (Reader::with_format(input, map, format).collect(), Reader::with_format(chunked, map, format).collect())
        }
        None => (Reader::new(input, map).collect(), Reader::new(chunked, map).collect()),
    };
    assert!(items == again, "D4: the same bytes give the same activities");
    assert!(items.len() <= input.len() + 1, "B1: more items than records");
    let lines = 1 + input.iter().filter(|byte| **byte == b'\n').count() as u64;
    let mut last = 1;
    for item in &items {
        match item {
            Err(rejected) => {
                assert!((last..=lines).contains(&rejected.line()), "B1: the line of a rejection is the record's");
                last = rejected.line();
                let said = format!("{rejected} {rejected:?}");
                assert!(!is_silent || !said.contains(CANARY), "B2: {said}");
            }
            Ok(activity) => sound(activity),
        }
    }
    items
}

/// Checks that there are as many items as lines that are not blank, and that each is that of its line.
fn lines(map: &Map, input: &[u8], items: &[Item]) {
    let lines: Vec<&[u8]> =
        unmarked(input).split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect();
    assert_eq!(items.len(), lines.len(), "B1: every line that is not blank is an item");
    let wraps = serde_json::to_value(map).unwrap().get("wrappers").is_some();
    for (line, item) in lines.into_iter().zip(items) {
        let Ok(activity) = item else { continue };
        let text = std::str::from_utf8(line).expect("B1: a record is UTF-8");
        let text = text.trim_start_matches('\u{feff}').trim_ascii();
        let tree = Tree::of(text).expect("B1: a line that is not JSON was accepted");
        assert!(!tree.repeats_a_name(), "D9: readers could disagree on who acted");
        assert!(wraps || activity.details() == Some(text), "B1: the details are the record");
        let reversed = tree.reversed();
        match Reader::with_format(reversed.as_bytes(), map, Format::JsonLines).next().unwrap() {
            Ok(again) => assert_eq!(verdict(&again), verdict(activity), "D1: the order of fields is ignored"),
            // Another notation of the same record can be longer than the limit.
            Err(rejected) => assert!(matches!(rejected.reason(), RejectReason::TooLong { .. }), "D1: {rejected}"),
        }
    }
}
