//! Addresses, and parts that may be names, inside longer texts.

use super::name_form::percent_decoded;
use super::services::is_placeholder;
use crate::identity::{Alias, address};

/// Returns the parts of a text that are addresses, if the text is more than one address: `Adele <adele@contoso.com>`,
/// `adele@contoso.com;lee@...`.
pub(in crate::sources) fn delimited_addresses(text: &str) -> impl Iterator<Item = &str> {
    // An address has an `@`.
    let parts = memchr::memchr(b'@', text.as_bytes()).map(|_| parts(text)).into_iter().flatten();
    parts.filter(move |part| part.len() < text.trim().len() && address(part).is_some() && !is_placeholder(part))
}

/// Returns the addresses anywhere in a text: for each `@`, the longest local part and domain on its two sides.
pub(in crate::sources) fn embedded_addresses(text: &str) -> impl Iterator<Item = &str> {
    let is_local = |c: char| c.is_alphanumeric() || ".!#$%&'*+-=?^_{}~\u{200b}\u{ad}".contains(c);
    let is_domain = |c: char| c.is_alphanumeric() || ".-_。．｡\u{200b}\u{ad}".contains(c);
    text.match_indices(['@', '\u{ff20}']).filter_map(move |(at, sign)| {
        let (before, after) = (text.get(..at)?, text.get(at + sign.len()..)?);
        let local: usize = before.chars().rev().take_while(|c| is_local(*c)).map(char::len_utf8).sum();
        let domain: usize = after.chars().take_while(|c| is_domain(*c)).map(char::len_utf8).sum();
        let found = text.get(at - local..at + sign.len() + domain)?.trim_end_matches('.');
        (local > 0 && domain > 0 && found.len() <= 2 * Alias::MAX_BYTES && is_of_person(found)).then_some(found)
    })
}

/// Returns an address without what precedes the last character of its local part that few addresses contain, and
/// without punctuation at the start.
pub(in crate::sources) fn without_leading_punctuation(address: &str) -> &str {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local);
    let is_common = |c: char| c.is_alphanumeric() || ".-_+'#~!\u{200b}\u{ad}".contains(c);
    let start = local.char_indices().rev().find(|(_, c)| !is_common(*c)).map_or(0, |(at, c)| at + c.len_utf8());
    address.get(start..).unwrap_or(address).trim_start_matches(|c: char| !c.is_alphanumeric())
}

/// Returns whether an address can be that of a person. Ids of threads and meetings, and names of files, look alike.
pub(super) fn is_of_person(address: &str) -> bool {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    let others = ["thread.skype", "thread.tacv2", "thread.v2", "thread.v1", "gbl.spaces", "unq.gbl.spaces"];
    let files = [".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".docx", ".xlsx", ".pptx", ".pdf"];
    let ends_with = |end: &&str| {
        let start = domain.len().checked_sub(end.len());
        start.and_then(|start| domain.get(start..)).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    !others.iter().any(|other| domain.eq_ignore_ascii_case(other)) && !files.iter().any(ends_with)
}

/// Returns the addresses that the owner of a OneDrive can have, by its URL:
/// `https://contoso-my.sharepoint.com/personal/adele_contoso_com/`.
///
/// OneDrive replaces each `@` and `.` of the owner's address with `_`, so that one URL can denote several addresses.
pub(in crate::sources) fn onedrive_owners(text: &str) -> Vec<String> {
    const MAX_OWNERS: usize = 32;
    const PERSONAL: &str = "personal/";
    let mut owners = Vec::new();
    let decoded = percent_decoded(text).unwrap_or_else(|| text.to_owned()).to_lowercase();
    for (at, _) in decoded.match_indices(PERSONAL) {
        let is_part = decoded.get(..at).is_none_or(|before| before.is_empty() || before.ends_with('/'));
        let owner = decoded.get(at + PERSONAL.len()..).filter(|_| is_part).unwrap_or_default();
        let owner =
            owner.split(|c: char| c == '/' || c == '?' || c == '"' || c.is_whitespace()).next().unwrap_or_default();
        let parts: Vec<&str> = owner.split('_').collect();
        // A local part has at least one part, a domain two.
        for split in 1..parts.len().saturating_sub(1) {
            let (local, domain) = parts.split_at(split);
            for sign in [".", "_"] {
                if owners.len() < MAX_OWNERS {
                    owners.push(format!("{}@{}", local.join(sign), domain.join(".")));
                }
            }
        }
    }
    owners.dedup();
    owners
}

/// Returns the parts of a text between white space and punctuation.
pub(in crate::sources) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let is_separator =
        |c: char| matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | ';' | ',') || c.is_whitespace();
    text.split(is_separator).map(|part| part.trim_matches('\'')).filter(|part| !part.is_empty())
}
