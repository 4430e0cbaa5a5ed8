//! Detection of the source of an input.

use super::{Map, Reader, record};
use crate::sources::framing::{Frame, json_text};

/// The most records of an input that are inspected for each map.
const MAX_RECORDS: usize = 16;

/// Returns the map of this crate that recognizes the first records of an input, or `None` if none recognizes any. `head`
/// is the beginning of the input: 64 KiB are enough for most, and the last record may be incomplete.
///
/// If several maps recognize records, the first in the order of [`Map::all_shipped`] is returned that recognizes at least
/// half as many as the best. Maps of one source come before those of a common schema.
///
/// ```
/// use activity_privacy::sources::mapped;
///
/// assert!(mapped::detect(br#"{"some": "other record"}"#).is_none());
/// ```
#[must_use]
pub fn detect(head: &[u8]) -> Option<&'static Map> {
    let count = |map: &'static Map| (Reader::new(head, map).count_recognized(MAX_RECORDS), map);
    let counts: Vec<_> = Map::all_shipped().map(count).collect();
    let best = counts.iter().map(|(count, _)| *count).max().filter(|best| *best > 0)?;
    counts.into_iter().find(|(count, _)| 2 * count >= best).map(|(_, map)| map)
}

impl Map {
    /// Returns whether a JSON record is of the source of this map: whether it contains all places in `detect`, and
    /// fulfils all conditions there.
    #[must_use]
    pub fn recognizes(&self, record: &str) -> bool {
        record::is_recognized(self.rules(), record.trim_ascii())
    }
}

impl Reader<&[u8]> {
    /// Returns how many of the first records the map recognizes.
    fn count_recognized(mut self, max_records: usize) -> usize {
        let mut count = 0;
        for _ in 0..max_records {
            match self.next_frame() {
                Frame::Record(_) => {
                    let is_recognized =
                        json_text(&self.record).is_ok_and(|text| record::is_recognized(&self.rules, text));
                    count += usize::from(is_recognized);
                }
                Frame::Rejected(_) => {}
                Frame::Failed(_) | Frame::End => break,
            }
        }
        count
    }
}
