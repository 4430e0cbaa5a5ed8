//! The form of a name: an address, an object id, a passport id, a claim, an account.

use std::borrow::Cow;

use uuid::Uuid;

use super::services::is_placeholder_word;
use crate::identity::{address, is_passport_id};

/// The prefixes of the addresses of external users: those with a one-time passcode, those with a personal Microsoft
/// account.
const EXTERNAL_PREFIXES: [&str; 2] = ["urn:spo:guest#", "live.com#"];

/// The form of a name.
pub(in crate::sources) enum NameForm<'a> {
    /// The provider and the value of a claim.
    Claim(&'a str, &'a str),
    /// A name behind a prefix.
    Prefixed(&'a str),
    /// A percent-encoded name, decoded.
    Encoded(String),
    /// The UPN of a deleted user: the object id without hyphens, and the former address.
    IdAndAddress(&'a str, &'a str),
    ObjectId(&'a str),
    /// A passport id, and the whole name with the tenant behind the id.
    PassportId(&'a str, &'a str),
    SecurityId(String),
    /// An address, without scheme, device, port and path.
    Address(Cow<'a, str>),
    /// An account name behind its domain, `DOMAIN\name`, or at the end of a legacy distinguished name of Exchange.
    Account(&'a str),
    /// None of these forms.
    Other,
}

/// Returns the form of a name that is [clean](clean).
pub(in crate::sources) fn name_form(name: &str) -> NameForm<'_> {
    if let Some((provider, value)) = claim(name) {
        return NameForm::Claim(provider, value);
    }
    if let Some(rest) =
        EXTERNAL_PREFIXES.iter().find_map(|prefix| after_prefix(name, prefix)).filter(|rest| address(rest).is_some())
    {
        return NameForm::Prefixed(rest);
    }
    let is_plain = address(name).is_some();
    if let Some(decoded) = percent_decoded(name).filter(|decoded| !is_plain && decoded != name) {
        return NameForm::Encoded(decoded);
    }
    let id = ["User_", "ServicePrincipal_"].iter().find_map(|head| after_prefix(name, head)).unwrap_or(name);
    if guid(id).is_some() {
        return NameForm::ObjectId(id);
    }
    if let Some((id, rest)) = name.split_at_checked(32)
        && guid(id).is_some()
        && address(rest).is_some()
    {
        return NameForm::IdAndAddress(id, rest);
    }
    if is_sid(name) {
        return NameForm::SecurityId(name.to_ascii_uppercase());
    }
    let local = address(name).map_or(name, |(local, _)| local);
    if is_passport_id(local) {
        return NameForm::PassportId(local, name);
    }
    if guid(local).is_some() {
        return NameForm::ObjectId(local);
    }
    if is_plain {
        return NameForm::Address(bare_address(name));
    }
    // `8:orgid:<object id>`, `NETID:<passport id>`, `X500:/o=...`
    if let Some((_, rest)) = name.rsplit_once(':')
        && (guid(rest).is_some() || is_passport_id(rest) || is_sid(rest) || has_prefix(rest, "/o="))
    {
        return NameForm::Prefixed(rest);
    }
    let account = name.rsplit_once('\\').map(|(_, account)| account).or_else(|| {
        // `/o=ExchangeLabs/ou=.../cn=Recipients/cn=0123456789abcdef-adele`
        let legacy = after_prefix(name, "/o=").and_then(|rest| rest.to_ascii_lowercase().rfind("/cn="));
        match legacy {
            Some(at) => name.get(at + "/o=".len() + "/cn=".len()..),
            // `CONTOSO/adele`
            None => name
                .split_once('/')
                .filter(|(head, rest)| !head.is_empty() && !rest.contains(['/', '.']))
                .map(|it| it.1),
        }
    });
    match account.map(str::trim).filter(|account| !account.is_empty()) {
        Some(account) => NameForm::Account(account),
        None => NameForm::Other,
    }
}

/// Returns whether a character is invisible (a default-ignorable character of Unicode), or the full-width `@`.
pub(super) fn is_mark(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ff20}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns a name without white space, quotes and punctuation around it, and without invisible characters: marks of
/// byte order, of direction, and of possible line breaks.
pub(in crate::sources) fn clean(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(is_mark) {
        return bare(text).into();
    }
    let text = text.replace('\u{ff20}', "@");
    let without: String = text.chars().filter(|c| !is_mark(*c)).collect();
    bare(&without).to_owned().into()
}

/// Returns a text without white space, separators and pairs of quotes or brackets around it.
fn bare(mut text: &str) -> &str {
    const PAIRS: [(char, char); 3] = [('<', '>'), ('"', '"'), ('\'', '\'')];
    loop {
        text = text.trim_matches(|c: char| c.is_whitespace() || c == ';' || c == ',');
        let within = |(open, close): &(char, char)| text.strip_prefix(*open)?.strip_suffix(*close);
        match PAIRS.iter().find_map(within).filter(|inner| !inner.is_empty()) {
            // `<null>` is a placeholder.
            Some(inner) if !is_placeholder_word(text) => text = inner,
            _ => return text,
        }
    }
}

/// Returns an address without a scheme before it (`SMTP:`, `mailto:`, `sip:`) and without a device, port or path behind
/// it (`|device`, `:443`, `/App`).
fn bare_address(name: &str) -> Cow<'_, str> {
    let Some((local, domain)) = address(name) else { return name.into() };
    // A quoted local part may contain anything.
    let local = match local.rsplit_once([':', '|', ' ', '(', '\\']) {
        Some((_, rest)) if !rest.is_empty() && !local.ends_with('"') => rest,
        _ => local,
    };
    let end = domain.find(|c: char| !(c.is_alphanumeric() || ".-_。．｡".contains(c))).unwrap_or(domain.len());
    match domain.get(..end).filter(|domain| !domain.is_empty()) {
        Some(domain) if local.len() + 1 + domain.len() < name.len() => format!("{local}@{domain}").into(),
        _ => name.into(),
    }
}

/// Returns a text with its percent-encoding (RFC 3986, section 2.1) decoded. Returns `None` if it has none, or if the
/// result is not UTF-8.
pub(in crate::sources) fn percent_decoded(text: &str) -> Option<String> {
    memchr::memchr(b'%', text.as_bytes())?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let pair = tail.get(..2).filter(|_| *first == b'%').and_then(|pair| str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

pub(in crate::sources) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

/// Returns the provider and the value of an encoded claim, `i:0#.f|membership|adele@contoso.com`: the kind of claim is
/// before the first `|`, the name behind the last.
pub(in crate::sources) fn claim(text: &str) -> Option<(&str, &str)> {
    let (provider, rest) = text.split_once('|')?;
    let encoded = provider.len() == 6 && (has_prefix(provider, "i:0") || has_prefix(provider, "c:0"));
    let value = rest.rsplit_once('|').map_or(rest, |(_, value)| value).trim();
    encoded.then_some((provider, value)).filter(|(_, value)| !value.is_empty())
}

/// Returns a GUID in any of its forms in records: with or without hyphens, in braces or parentheses, as a URN. Returns
/// `None` for the nil GUID.
pub(in crate::sources) fn guid(text: &str) -> Option<Uuid> {
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    matches!(text.len(), 32 | 36 | 38 | 45).then(|| Uuid::try_parse(text).ok()).flatten().filter(|uuid| !uuid.is_nil())
}

/// Returns whether a text is the nil UUID, which some services write for no id.
pub(in crate::sources) fn is_nil(text: &str) -> bool {
    text.len() >= 32 && Uuid::try_parse(text).is_ok_and(|uuid| uuid.is_nil())
}

/// Returns whether a text is a security identifier: `S-1-`, the authority, and at least one more number.
pub(in crate::sources) fn is_sid(text: &str) -> bool {
    let Some(rest) = after_prefix(text, "S-1-") else { return false };
    let parts = rest.split('-');
    parts.clone().count() >= 2 && parts.clone().count() <= 16 && parts.clone().all(is_decimal)
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the object id in a security identifier of Entra: `S-1-12-1-` and the four little-endian numbers of the id.
pub(in crate::sources) fn object_id_of(sid: &str) -> Option<Uuid> {
    let numbers: Vec<u32> = after_prefix(sid, "S-1-12-1-")?.split('-').map_while(|part| part.parse().ok()).collect();
    let numbers: [u32; 4] = numbers.try_into().ok()?;
    let bytes: Vec<u8> = numbers.into_iter().flat_map(u32::to_le_bytes).collect();
    Some(Uuid::from_bytes_le(bytes.try_into().ok()?)).filter(|id| !id.is_nil())
}

pub(in crate::sources) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(in crate::sources) fn has_prefix(text: &str, prefix: &str) -> bool {
    after_prefix(text, prefix).is_some()
}

/// Returns the text behind a prefix, which is compared without regard to ASCII case.
pub(in crate::sources) fn after_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}
