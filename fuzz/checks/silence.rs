//! B2: checks that a message does not quote the input.
//!
//! [`repeats_nothing`] is for inputs whose messages differ from the library's own words, which a list contains.
//! [`with_canary`] is for all others: it puts a text into the input that the library never writes, so that only a
//! message that quotes the input contains it.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

/// Stands in the seeds for every private value.
pub(crate) const CANARY: &str = "kanarienvogel";

/// A common sequence of this many bytes is not a coincidence.
const WINDOW: usize = 12;

/// The words of the library and of the parser that are at least that long.
const WORDS: &[&str] = &[
    "invalid type invalid value unknown variant unknown field",
    "missing field `identities` missing field `occurred_at` missing field `on_behalf_of`",
    "missing field `visibility` missing field `directory` missing field `decided_at` missing field `last_seen`",
    "missing field `initiator` missing field `activities` missing field `private_only` missing field `expires_at`",
    "missing field `with_subdomains` missing field `role`",
    "duplicate field `identities` duplicate field `occurred_at` duplicate field `on_behalf_of`",
    "duplicate field `visibility` duplicate field `directory` duplicate field `decided_at` duplicate field `last_seen`",
    "duplicate field `initiator` duplicate field `activities` duplicate field `private_only` duplicate field `expires_at`",
    "duplicate field `home_domain` duplicate field `justification` duplicate field `with_subdomains`",
    "duplicate field `max_directory_age` duplicate field `on_undecidable` duplicate field `max_reveal_lifetime`",
    "duplicate field `self_grant_allowed` duplicate field `justification_required` duplicate field `include_objects`",
    "data did not match any variant of untagged enum RawAlias",
    "not a domain name, holds a control character at byte",
];

fn own_windows() -> &'static HashSet<&'static [u8]> {
    static OWN: OnceLock<HashSet<&'static [u8]>> = OnceLock::new();
    OWN.get_or_init(|| WORDS.iter().flat_map(|words| words.as_bytes().windows(WINDOW)).collect())
}

/// Returns whether a part of a message is the library's own words, or a position in the input.
fn is_own(window: &[u8]) -> bool {
    let words: Vec<u8> = window.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect();
    let places = [&b" at line , column "[..], b" at byte "];
    own_windows().contains(window)
        || places.iter().any(|place| place.windows(words.len().max(1)).any(|part| part == words))
}

/// Fails if a message contains the canary. Also fails if its text before ", expected" contains twelve consecutive bytes
/// of the input that are not the library's own words.
pub(crate) fn repeats_nothing(message: &str, input: &[u8]) {
    assert!(!message.contains(CANARY), "B2: repeats the canary: {message}");
    let said = message.split(", expected ").next().unwrap_or_default();
    for window in said.as_bytes().windows(WINDOW).filter(|window| !is_own(window)) {
        assert!(!input.windows(WINDOW).any(|given| given == window), "B2: quotes the input: {message}");
    }
}

/// The maximum number of texts that are replaced, each in its own copy of the input.
const MAX_REPLACED: usize = 8;

/// Returns copies of the input, each with the canary in place of one of its texts.
pub(crate) fn with_canary(input: &[u8], texts: &[Range<usize>]) -> Vec<Vec<u8>> {
    let step = texts.len().div_ceil(MAX_REPLACED).max(1);
    // Other inputs of the same structure have other texts replaced.
    let first = input.iter().fold(0_usize, |sum, byte| sum.wrapping_add(usize::from(*byte))) % step;
    let chosen = texts.iter().skip(first).step_by(step);
    chosen.map(|text| [&input[..text.start], CANARY.as_bytes(), &input[text.end..]].concat()).collect()
}

/// Returns the texts between the quotes of a JSON input, valid or not.
pub(crate) fn quoted(input: &[u8]) -> Vec<Range<usize>> {
    let (mut texts, mut start, mut escaped) = (Vec::new(), None, false);
    for (at, byte) in input.iter().enumerate() {
        match (byte, start) {
            _ if escaped => escaped = false,
            (b'\\', Some(_)) => escaped = true,
            (b'"', None) => start = Some(at + 1),
            (b'"', Some(from)) => {
                texts.push(from..at);
                start = None;
            }
            _ => {}
        }
    }
    texts
}

/// Returns the texts between the delimiters of a table, except for its first line, because messages name its columns.
pub(crate) fn cells(input: &[u8]) -> Vec<Range<usize>> {
    let mut start = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |at| at + 1);
    let mut texts = Vec::new();
    for (at, byte) in input.iter().enumerate().skip(start) {
        if b",;\t|\n\r\"".contains(byte) {
            texts.push(start..at);
            start = at + 1;
        }
    }
    texts.retain(|text| !text.is_empty());
    texts
}
