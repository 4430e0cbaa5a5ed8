//! The spellings of names in the fields of a source. A field can contain one name, several, none, or a damaged one.
//!
//! All importers parse names here, so they clean and reject the same spellings.

use super::EntryRejectReason;
use crate::identity::{Alias, Domain, address};
use crate::steps::advance;

/// The content that a field is expected to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Mail addresses.
    Addresses,
    /// Addresses of any kind, each with its kind as a prefix, such as `X500:`.
    ProxyAddresses,
    /// Sign-in names and account names, which can be any text.
    Accounts,
    /// One id that another system assigned, which can contain any punctuation.
    ForeignId,
}

/// The maximum nesting depth of brackets in one text.
const MAX_DEPTH: usize = 3;

/// Kinds of addresses that identify people in activities.
const OF_PEOPLE: &[&str] = &["smtp", "sip", "sips", "mailto", "im", "xmpp", "upn", "acct", "email", "mail"];

/// Kinds of addresses that never identify a person in an activity.
const OF_NOBODY: &[&str] = &["x400", "x500", "ex", "eum", "spo", "fax", "faxn", "notes", "msmail", "ccmail", "gwise"];

/// Placeholders that exports write for a missing value, and that cannot be account names.
const NO_VALUE: &[&str] = &["-", "--", "n/a", "#n/a", "\\n"];

/// Placeholders that exports write for a missing value, although an account could have such a name.
const NO_VALUE_WORDS: &[&str] = &["null", "none", "nil", "nan", "undefined", "not set", "not available", "empty"];

/// The parameter that follows a unified messaging address in a list of addresses.
const CONTEXT: &str = "phone-context=";

const LIST: &str = "addresses separated by `;` only";
const TYPE_NAME: &str = "names instead of a type name; export the values of the list";
const LOST: &str = "a name without `?`, U+FFFD or wrongly decoded characters; export it as UTF-8";
const CUT: &str = "names that are not truncated; export the whole list";
const ESCAPED: &str = "a name without HTML or percent escapes";
const ADDRESS: &str = "an address with one `@` and a domain after it";
const PUNCTUATION: &str = "a name without brackets, quotes or `*`";
const VALUE: &str = "a name, or an empty field if there is none";
const NUMBER: &str = "a name instead of a rounded number; export the column as text";
const KIND: &str = "an address, with or without the prefix `smtp:`, `sip:` or `mailto:`";
const ID: &str = "an id instead of a type name or a placeholder";

/// Returns the names in a field. A blank text or a placeholder for a missing value contains none.
pub(super) fn names(text: &str, field: &'static str, holds: Holds) -> Result<Vec<Alias>, EntryRejectReason> {
    let mut spelling = Spelling { field, holds, found: Vec::new() };
    spelling.list(text, 0)?;
    Ok(spelling.found)
}

/// Returns an id without surrounding white space and invisible characters, and without the apostrophe that a
/// spreadsheet adds in front.
pub(super) fn id(text: &str) -> &str {
    let text = bare(text);
    text.strip_prefix('\'').map_or(text, bare)
}

/// Rejects a text that no source uses as an id.
pub(super) fn check_id(id: &str, field: &'static str) -> Result<(), EntryRejectReason> {
    let text = bare(id);
    if is_type_name(text) || is_no_value(text) || is_no_value_word(text) || text.contains('\u{fffd}') {
        return Err(EntryRejectReason::InvalidField { field, expected: ID });
    }
    Ok(())
}

/// Returns whether a text is blank or a placeholder for a missing value.
pub(super) fn is_blank(text: &str) -> bool {
    let text = bare(text);
    text.is_empty() || is_no_value(text) || is_no_value_word(text)
}

struct Spelling {
    field: &'static str,
    holds: Holds,
    found: Vec<Alias>,
}

impl Spelling {
    fn invalid(&self, expected: &'static str) -> EntryRejectReason {
        EntryRejectReason::InvalidField { field: self.field, expected }
    }

    /// Returns whether a text contains a value, and rejects type names and brackets that are nested too deeply.
    fn contains_value(&self, text: &str, depth: usize) -> Result<bool, EntryRejectReason> {
        if text.is_empty() || is_no_value(text) {
            return Ok(false);
        }
        if depth > MAX_DEPTH {
            return Err(self.invalid(PUNCTUATION));
        }
        if is_type_name(text) { Err(self.invalid(TYPE_NAME)) } else { Ok(true) }
    }

    /// Parses a text that can contain several names.
    fn list(&mut self, text: &str, depth: usize) -> Result<(), EntryRejectReason> {
        advance(1 + text.len() / 16);
        let text = bare(text);
        if !self.contains_value(text, depth)? {
            return Ok(());
        }
        if is_cut(text) {
            return Err(self.invalid(CUT));
        }
        if self.holds == Holds::ForeignId && !text.contains('@') {
            return self.account(text);
        }
        if is_escaped(text) {
            return Err(self.invalid(ESCAPED));
        }
        if let Some(inner) = within(text, '[', ']').or_else(|| within(text, '{', '}')) {
            if let Ok(entries) = serde_json::from_str::<Vec<String>>(text) {
                return entries.iter().try_for_each(|entry| self.list(entry, depth + 1));
            }
            let entries = without_contexts(inner.split([',', ';']));
            return entries.into_iter().try_for_each(|entry| self.list(unquoted(bare(entry)), depth + 1));
        }
        without_contexts(text.split(';')).into_iter().try_for_each(|part| self.joined(part, depth))
    }

    /// Parses one name, or several addresses joined by a character that no domain contains.
    fn joined(&mut self, text: &str, depth: usize) -> Result<(), EntryRejectReason> {
        for sign in ['+', '|', '/'] {
            advance(1 + text.len() / 16);
            if text.contains(sign) && text.split(sign).all(is_entry) {
                return text.split(sign).try_for_each(|part| self.one(part, depth + 1));
            }
        }
        self.one(text, depth)
    }

    fn one(&mut self, text: &str, depth: usize) -> Result<(), EntryRejectReason> {
        // A spreadsheet adds an apostrophe in front of text that looks like a formula.
        let text = unquoted(bare(text));
        let text = text.strip_prefix('\'').unwrap_or(text);
        if !self.contains_value(text, depth)? {
            return Ok(());
        }
        // `Adele Vance <adele@contoso.com>`, and `<adele@contoso.com>`.
        if let Some((shown, inner)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<')) {
            if shown.contains(['@', '<', '>']) {
                return Err(self.invalid(ADDRESS));
            }
            return match inner.contains('@') {
                true => self.one(inner, depth + 1),
                false if shown.is_empty() && (is_no_value(inner) || is_no_value_word(inner)) => Ok(()),
                false => Err(self.invalid(ADDRESS)),
            };
        }
        if let Some(inner) = within(text, '(', ')') {
            return if is_no_value_word(inner) { Ok(()) } else { Err(self.invalid(PUNCTUATION)) };
        }
        // A claim of SharePoint: `i:0#.f|membership|adele@contoso.com`.
        if let Some((_, name)) = text.rsplit_once('|').filter(|(start, _)| starts_with(start, "i:0")) {
            return self.one(name, depth + 1);
        }
        if starts_with(text, CONTEXT) {
            return Err(self.invalid(KIND));
        }
        match kind_of(text) {
            Some((kind, rest)) if OF_PEOPLE.iter().any(|known| known.eq_ignore_ascii_case(kind)) => {
                return self.one(rest, depth + 1);
            }
            Some((kind, rest)) if OF_NOBODY.iter().any(|known| known.eq_ignore_ascii_case(kind)) => {
                return if is_followed_by_entry(rest) { Err(self.invalid(LIST)) } else { Ok(()) };
            }
            Some((_, rest)) if is_address(bare(rest)) => return self.address(bare(rest)),
            Some(_) if self.holds == Holds::ProxyAddresses => return Ok(()),
            Some(_) if self.holds == Holds::Addresses => return Err(self.invalid(KIND)),
            _ => {}
        }
        // A domain account is also known by its account name alone.
        if let Some((domain, name)) = text.split_once('\\') {
            if domain.is_empty() || name.is_empty() || name.contains('\\') || domain.contains('@') {
                return Err(self.invalid(PUNCTUATION));
            }
            if !name.contains('@') {
                self.found.push(self.alias(text)?);
            }
            return self.one(name, depth + 1);
        }
        // Some apps show an account with a leading `@`.
        match text.strip_prefix('@').unwrap_or(text).contains('@') {
            true => self.address(text),
            false => self.account(text),
        }
    }

    fn address(&mut self, text: &str) -> Result<(), EntryRejectReason> {
        if has_lost_characters(text) {
            return Err(self.invalid(LOST));
        }
        if text.contains(|c: char| c == ',' || c.is_whitespace()) {
            return Err(self.invalid(LIST));
        }
        if is_escaped(text) {
            return Err(self.invalid(ESCAPED));
        }
        // An invalid character has its own, more specific error.
        let alias = self.alias(text)?;
        if !is_address(text) {
            return Err(self.invalid(ADDRESS));
        }
        self.found.push(alias);
        Ok(())
    }

    fn account(&mut self, text: &str) -> Result<(), EntryRejectReason> {
        if has_lost_characters(text) {
            return Err(self.invalid(LOST));
        }
        if is_no_value_word(text) {
            return match self.holds {
                Holds::Addresses | Holds::ProxyAddresses => Ok(()),
                Holds::Accounts | Holds::ForeignId => Err(self.invalid(VALUE)),
            };
        }
        if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") || text.starts_with('#') {
            return Err(self.invalid(VALUE));
        }
        if is_rounded_number(text) {
            return Err(self.invalid(NUMBER));
        }
        if text.contains("%40") {
            return Err(self.invalid(ESCAPED));
        }
        let text = if self.holds == Holds::ForeignId { within(text, '{', '}').unwrap_or(text) } else { text };
        if text.contains(['[', ']', '{', '}', '<', '>', '"', '`', '*']) || text.ends_with('@') {
            return Err(self.invalid(PUNCTUATION));
        }
        self.found.push(self.alias(text)?);
        Ok(())
    }

    fn alias(&self, text: &str) -> Result<Alias, EntryRejectReason> {
        Alias::new(text).map_err(|error| EntryRejectReason::Text { field: self.field, error })
    }
}

/// Returns a text without surrounding white space and invisible characters (byte order marks, direction marks,
/// joiners).
fn bare(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Returns a text without surrounding quotes.
fn unquoted(text: &str) -> &str {
    within(text, '"', '"').or_else(|| within(text, '\'', '\'')).map_or(text, bare)
}

/// Returns the text between two characters that begin and end it.
fn within(text: &str, begin: char, end: char) -> Option<&str> {
    text.strip_prefix(begin)?.strip_suffix(end)
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Splits an address into its kind and the rest.
fn kind_of(text: &str) -> Option<(&str, &str)> {
    let (kind, rest) = text.split_once(':')?;
    let kind = kind.trim();
    let is_kind = !kind.is_empty() && kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_kind.then_some((kind, rest))
}

/// Removes the `phone-context=` part that follows an `EUM:` address in a list.
fn without_contexts<'a>(parts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for part in parts {
        let is_context = starts_with(bare(part), CONTEXT) && !part.contains('@');
        if !is_context || !kept.last().is_some_and(|before| starts_with(unquoted(bare(before)), "eum:")) {
            kept.push(part);
        }
    }
    kept
}

/// Returns whether another address follows an address that does not identify a person, separated by a comma, white
/// space or its kind. An X.500 name can contain white space and `@`.
fn is_followed_by_entry(text: &str) -> bool {
    let holds = |of: &str| text.as_bytes().windows(of.len()).any(|at| at.eq_ignore_ascii_case(of.as_bytes()));
    let is_part_of_name = |part: &str| part.contains(['/', '=']);
    holds("smtp:")
        || holds("sip:")
        || text.split(',').skip(1).any(is_entry)
        || text.split(|c: char| c == ',' || c.is_whitespace()).skip(1).any(|part| {
            let part = part.trim_start_matches(':');
            is_entry(part) && !is_part_of_name(part)
        })
}

/// Returns whether a text is an entry of an address list, with or without its kind.
fn is_entry(text: &str) -> bool {
    let text = bare(text);
    match kind_of(text) {
        Some((kind, rest)) => is_address(bare(rest)) || OF_NOBODY.iter().any(|known| known.eq_ignore_ascii_case(kind)),
        None => is_address(text),
    }
}

/// Returns whether a text is exactly one address: a local part without unquoted separators or brackets, and a domain.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = address(text) else { return false };
    let is_quoted = within(local, '"', '"').is_some();
    let parts = |c: char| {
        c.is_whitespace()
            || is_invisible(c)
            || matches!(
                c,
                '@' | ',' | ';' | ':' | '"' | '\\' | '|' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '`' | '*'
            )
    };
    let is_of_domains = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (is_quoted || !local.contains(parts))
        && domain.chars().all(is_of_domains)
        && !domain.contains(is_invisible)
        && Domain::new(domain).is_ok()
}

fn is_no_value(text: &str) -> bool {
    NO_VALUE.iter().any(|mark| mark.eq_ignore_ascii_case(text))
}

fn is_no_value_word(text: &str) -> bool {
    NO_VALUE_WORDS.iter().any(|word| word.eq_ignore_ascii_case(text.trim()))
}

/// Returns whether a text is what .NET, PowerShell, Java, JavaScript or Python prints for a list or an object.
fn is_type_name(text: &str) -> bool {
    let is_namespace = ["System.", "Microsoft.", "Deserialized.", "Selected."].iter().any(|namespace| {
        text.strip_prefix(namespace).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    });
    let of_others = ["java.", "javax.", "[Ljava.", "[object ", "@{", "@("].iter().any(|start| text.starts_with(start));
    (is_namespace && !text.contains('@'))
        || of_others
        || (text.len() > 2 && text.ends_with("[]"))
        || text.contains("`1[")
        || text.contains(" object at 0x")
}

/// Returns whether a list or a name ends with an ellipsis, which means that it was truncated.
fn is_cut(text: &str) -> bool {
    let text =
        text.trim_end_matches(|c: char| matches!(c, '}' | ']' | ')' | '"' | '\'' | ',' | ';') || c.is_whitespace());
    text.ends_with("...") || text.ends_with('…')
}

/// Returns whether a text contains an HTML character reference, such as `&#64;` or `&amp;`.
fn is_escaped(text: &str) -> bool {
    text.split('&').skip(1).any(|rest| {
        let Some((name, _)) = rest.split_once(';') else { return false };
        let name = name.strip_prefix('#').unwrap_or(name);
        (1..=8).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Returns whether an encoding error lost characters of a text.
fn has_lost_characters(text: &str) -> bool {
    // UTF-8 decoded as Windows-1252: the first byte of a two-byte sequence, and the characters that the second byte
    // becomes.
    let second = |c: char| matches!(c, '\u{80}'..='\u{bf}' | '\u{152}' | '\u{153}' | '\u{160}' | '\u{161}' | '\u{178}' | '\u{17d}' | '\u{17e}' | '\u{192}' | '\u{2c6}' | '\u{2dc}' | '\u{2013}'..='\u{203a}' | '\u{20ac}' | '\u{2122}');
    let is_misread =
        text.chars().zip(text.chars().skip(1)).any(|(first, next)| matches!(first, 'Â' | 'Ã') && second(next));
    text.contains(['?', '\u{fffd}']) || is_misread
}

/// Returns whether a text is a number rounded by a spreadsheet, such as `1.23457E+11`.
fn is_rounded_number(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once("E+").or_else(|| text.split_once("e+")) else { return false };
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits(exponent) && digits.split(['.', ',']).all(is_digits)
}
