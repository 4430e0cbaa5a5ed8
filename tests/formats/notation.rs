//! The notations that several formats share, read strictly.

/// Reads `\u{…}` back. Everything else is unchanged.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\u{") {
        out.push_str(before);
        let (code, after) = after.split_once('}').expect("an escape ends");
        out.push(char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap());
        rest = after;
    }
    out + rest
}

/// Reads a list: commas separate its items, and a backslash precedes a comma and a backslash in an item. A list of one
/// empty item reads as an empty list.
pub(crate) fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut items = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' => items.push(String::new()),
            '\\' => {
                let next = chars.next().expect("a character after a backslash");
                assert!(matches!(next, ',' | '\\'), "a backslash precedes {next:?} in a list");
                items.last_mut().unwrap().push(next);
            }
            other => items.last_mut().unwrap().push(other),
        }
    }
    items
}

/// Checks that a line contains nothing that a reader could take for its end, and no control character.
pub(crate) fn check_line(line: &[u8]) -> &str {
    let line = std::str::from_utf8(line).expect("UTF-8");
    let hazard = line.chars().find(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    assert_eq!(hazard, None, "{line:?}");
    line
}
