//! The example in `docs/maps.md`, and its table of maps.

use activity_privacy::activity::Activity;
use activity_privacy::sources::mapped::{Map, Reader};

const GUIDE: &str = include_str!("../../docs/maps.md");

/// Returns the blocks of JSON of a kind, in order.
fn blocks(kind: &str) -> Vec<&'static str> {
    let blocks =
        GUIDE.split("<!-- ").skip(1).filter_map(|block| block.strip_prefix(kind)?.strip_prefix(" -->\n```json\n"));
    blocks.map(|block| block.split("\n```").next().unwrap()).collect()
}

#[test]
fn b1_documented_map_reads_the_documented_records() {
    let map: Map = blocks("map")[0].parse().unwrap();
    let (records, activities) = (blocks("record"), blocks("activity"));
    assert_eq!((records.len(), activities.len()), (3, 3));
    for (record, activity) in records.into_iter().zip(activities) {
        let activity: Activity = serde_json::from_str(activity).unwrap();
        let read = Reader::new(record.as_bytes(), &map).next().unwrap().unwrap();
        let mut document = serde_json::to_value(&read).unwrap();
        assert_eq!(document.as_object_mut().unwrap().remove("details").unwrap(), record);
        assert_eq!(document, serde_json::to_value(&activity).unwrap());
        assert!(map.recognizes(record));
    }
}

#[test]
fn b1_guide_lists_each_shipped_map() {
    let rows: Vec<String> = Map::all_shipped()
        .map(|map| format!("| `{}` | [{}]({}) |", map.name(), map.title(), map.source().unwrap()))
        .filter(|row| !GUIDE.lines().any(|line| line == row))
        .collect();
    assert!(rows.is_empty(), "add to docs/maps.md:\n{}", rows.join("\n"));
}
