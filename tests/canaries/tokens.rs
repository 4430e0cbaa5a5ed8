//! Tokens: texts that no other text contains, and that no format changes.

use std::collections::BTreeSet;

const PREFIX: &str = "canary";
const DIGITS: usize = 12;

/// Returns the token with a number.
pub(crate) fn token(number: u64) -> String {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    format!("{PREFIX}{mixed:012x}")
}

/// Returns the whole tokens in a text, each once.
pub(crate) fn tokens(text: &str) -> BTreeSet<&str> {
    let found = text.match_indices(PREFIX).filter_map(|(at, _)| text.get(at..at + PREFIX.len() + DIGITS));
    found.filter(|token| token[PREFIX.len()..].bytes().all(|digit| digit.is_ascii_hexdigit())).collect()
}
