//! JSONPath queries (RFC 9535) whose cost is bounded.
//!
//! A query takes time in proportion to the value, times the depth of the value if it contains `..`. Queries that could
//! take more are refused: a filter in a filter, `$` in a filter, a second `..`, regular expressions, many selectors.

use serde_json_path::JsonPath;

use super::pointer::Pointer;

/// The most bytes that a query may have.
const MAX_BYTES: usize = 512;
/// How deep parentheses and brackets may be nested.
const MAX_DEPTH: usize = 8;
/// The most selectors that a query may have beyond one for each pair of brackets. Each can double the nodes.
const MAX_MORE_SELECTORS: usize = 4;
/// The functions that a query may call.
const FUNCTIONS: [&str; 3] = ["length", "count", "value"];

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
        let (names, rest) = split(text);
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

/// Checks that a query takes time in proportion to the value. It can be any text.
fn check_cost(text: &str) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("JSONPath is too long, expected at most {MAX_BYTES} bytes"));
    }
    let (mut quote, mut is_escaped) = (None, false);
    let (mut open, mut filter, mut descents, mut selectors) = (Vec::new(), None, 0, 0);
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
                open.push(byte);
                if open.len() > MAX_DEPTH {
                    return Err(format!("JSONPath is nested too deeply, expected at most {MAX_DEPTH} brackets"));
                }
            }
            b']' | b')' => {
                if filter == Some(open.len()) {
                    filter = None;
                }
                open.pop();
            }
            b'?' if filter.is_some() => return Err("JSONPath has a filter within a filter; remove one".to_owned()),
            b'?' => filter = Some(open.len()),
            b'$' if at > 0 => return Err("JSONPath contains a second `$`; use only `@` in filters".to_owned()),
            b'.' if before.ends_with('.') => {
                descents += 1;
                if descents > 1 || filter.is_some() {
                    return Err("JSONPath contains `..` twice or in a filter; use it once".to_owned());
                }
            }
            b',' if open.last() == Some(&b'[') => {
                // Behind the comma is another selector.
                filter = filter.filter(|depth| *depth != open.len());
                selectors += 1;
                if selectors > MAX_MORE_SELECTORS {
                    return Err(format!(
                        "JSONPath has too many selectors, expected at most {MAX_MORE_SELECTORS} commas"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
