//! The pages in which APIs return records.

use super::error::{MapError, Path};
use super::place::Place;
use super::pointer::Pointer;
use super::text_source::TextSource;
use super::time::TimePlace;
use crate::sources::framing::PageFormat;

/// The most bytes of the name of a member.
const MAX_NAME_BYTES: usize = 256;
/// The most lists of pages.
const MAX_LISTS: usize = 100;

/// Returns the pages that contain their records in one of these members, each a name or a JSON Pointer.
pub(super) fn page_format(
    lists: &[String],
    time: &[TimePlace],
    action: &[TextSource],
    path: Path<'_>,
) -> Result<PageFormat, MapError> {
    if lists.len() > MAX_LISTS {
        return Err(path.error(format!("{} entries, expected at most {MAX_LISTS}", lists.len())));
    }
    let list = |(index, list): (usize, &String)| list_names(list).map_err(|fault| path.entry(index).error(fault));
    let times = time.iter().filter_map(|time| time.at.first_name());
    let actions = action.iter().filter_map(TextSource::place).filter_map(Place::first_name);
    Ok(PageFormat {
        lists: lists.iter().enumerate().map(list).collect::<Result<_, _>>()?,
        record: [times.map(Box::from).collect(), actions.map(Box::from).collect()],
    })
}

/// Returns the names of the member that contains the records and of the objects around it.
fn list_names(text: &str) -> Result<Box<[Box<str>]>, String> {
    if text.starts_with('/') {
        return Ok(Pointer::parse(text)?.names().map(Box::from).collect());
    }
    match (1..=MAX_NAME_BYTES).contains(&text.len()) {
        true => Ok([text.into()].into()),
        false => Err(format!("invalid name, expected 1 to {MAX_NAME_BYTES} bytes, or a JSON Pointer")),
    }
}
