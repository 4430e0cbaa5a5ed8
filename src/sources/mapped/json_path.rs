//! JSONPath queries (RFC 9535) whose cost is bounded.
//!
//! A query takes time in proportion to the value, times the depth of the value if it contains `..`. Queries that could
//! take more are refused: `..` twice or in a filter, anything but names behind a `$` in a filter, a `$` in a function,
//! regular expressions, filters nested three times, many selectors.

use serde_json_path::JsonPath;

use super::pointer::Pointer;

/// The most bytes that a query may have.
const MAX_BYTES: usize = 512;
/// How deep parentheses and brackets may be nested.
const MAX_DEPTH: usize = 8;
/// How deep filters may be nested.
const MAX_FILTERS: usize = 2;
/// The most times that a query may find one value: the product of the numbers of selectors in all brackets.
const MAX_SELECTORS: usize = 16;
/// The functions that a query may call.
const FUNCTIONS: [&str; 3] = ["length", "count", "value"];
/// The mark of the open bracket of a function.
const CALL: u8 = b'f';

/// A query, split so that only the part of a record in which it searches is turned into a tree.
pub(super) struct Query {
    /// The members at the start of the query.
    pub(super) start: Pointer,
    /// The rest of the query, relative to them, or `None` if there is nothing else.
    pub(super) rest: Option<JsonPath>,
}

impl Query {
    /// Parses a query and checks its cost.
    ///
    /// # Errors
    /// Returns the fault of the text, and what is expected.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        check_cost(text)?;
        let parse = |text: &str| {
            JsonPath::parse(text).map_err(|error| {
                format!("invalid JSONPath at character {}, expected a query after RFC 9535", error.position())
            })
        };
        parse(text)?;
        // A `$` in a filter is the whole value.
        let is_relative = !text.get(1..).is_some_and(|rest| rest.contains('$'));
        let (names, rest) = if is_relative { split(text) } else { (Vec::new(), text.get(1..).unwrap_or_default()) };
        let rest = if rest.is_empty() { None } else { Some(parse(&format!("${rest}"))?) };
        Ok(Self { start: Pointer::of_members(names), rest })
    }
}

/// Splits a query into the names of members at its start, and the rest of it.
fn split(text: &str) -> (Vec<&str>, &str) {
    let (mut names, mut rest) = (Vec::new(), text.strip_prefix('$').unwrap_or(text));
    while let Some(after) = rest.strip_prefix('.') {
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
        let (name, behind) = after.split_at_checked(end).unwrap_or_default();
        // Anything else, such as another letter, can be a part of the name.
        if name.is_empty() || !(behind.is_empty() || behind.starts_with(['.', '['])) {
            break;
        }
        names.push(name);
        rest = behind;
    }
    (names, rest)
}

/// Returns whether a text begins with the names of nested members, such as `.data.id`, and nothing that could select more.
fn is_chain_of_names(text: &str) -> bool {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(text.len());
    let (names, behind) = text.split_at_checked(end).unwrap_or_default();
    // White space can be before another part of the query.
    let next = behind.chars().find(|c| !c.is_ascii_whitespace());
    names.starts_with('.')
        && !names.contains("..")
        && !names.ends_with('.')
        && next.is_none_or(|next| matches!(next, ']' | ')' | ',' | '=' | '!' | '<' | '>' | '&' | '|'))
}

/// Checks that a query takes time in proportion to the value. It can be any text.
fn check_cost(text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("JSONPath is too long, expected at most {MAX_BYTES} bytes"));
    }
    let (mut quote, mut is_escaped) = (None, false);
    // The open brackets, each with the number of its selectors, and the numbers of brackets around the open filters.
    let (mut open, mut filters, mut descents, mut selectors) = (Vec::new(), Vec::new(), 0, 1_usize);
    for (at, byte) in text.bytes().enumerate() {
        if let Some(mark) = quote {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                _ if byte == mark => quote = None,
                _ => {}
            }
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        match byte {
            b'\'' | b'"' => quote = Some(byte),
            b'[' | b'(' => {
                let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let name = before.rsplit(|c| !is_letter(c)).next().unwrap_or_default();
                if byte == b'(' && !name.is_empty() && !FUNCTIONS.contains(&name) {
                    return Err(format!("JSONPath calls a function other than {}", FUNCTIONS.join(", ")));
                }
                let is_call = byte == b'(' && !name.is_empty();
                open.push((if is_call { CALL } else { byte }, 1));
                if open.len() > MAX_DEPTH {
                    return Err(format!("JSONPath is nested too deeply, expected at most {MAX_DEPTH} brackets"));
                }
            }
            b']' | b')' => {
                filters.pop_if(|depth| *depth == open.len());
                if let Some((b'[', count)) = open.pop() {
                    selectors = selectors.saturating_mul(count);
                }
                if selectors > MAX_SELECTORS {
                    return Err(format!("JSONPath has too many selectors, expected at most {MAX_SELECTORS}"));
                }
            }
            b'?' => {
                filters.push(open.len());
                if filters.len() > MAX_FILTERS {
                    return Err(format!("JSONPath has filters within filters, expected at most {MAX_FILTERS}"));
                }
            }
            b'$' if at > 0 && !is_chain_of_names(text.get(at + 1..).unwrap_or_default()) => {
                return Err("JSONPath contains a second `$`, expected only names behind it".to_owned());
            }
            b'$' if open.last().is_some_and(|(bracket, _)| *bracket == CALL) => {
                return Err("JSONPath calls a function with `$`; use `@`".to_owned());
            }
            b'.' if before.ends_with('.') => {
                descents += 1;
                if descents > 1 || !filters.is_empty() {
                    return Err("JSONPath contains `..` twice or in a filter; use it once".to_owned());
                }
            }
            b',' => {
                let depth = open.len();
                if let Some((b'[', count)) = open.last_mut() {
                    // Behind the comma is another selector.
                    filters.pop_if(|filter| *filter == depth);
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    Ok(())
}
