//! Search references to other servers (RFC 4511, section 4.5.3).

use super::dn::Dn;
use super::line::{AttributeLine, LineInfo};
use super::tree::DirectoryTree;
use super::{MAX_VALUE_BYTES, draft};
use crate::import::EntryRejectReason;

/// Reads a line of a record that contains only references. A reference is ignored if its target contains no users or
/// groups.
pub(super) fn read_line(
    tree: &mut DirectoryTree,
    field: &AttributeLine<'_>,
    info: LineInfo,
) -> Result<(), EntryRejectReason> {
    if info.too_long {
        return Err(EntryRejectReason::TooLong { max: MAX_VALUE_BYTES });
    }
    if !field.is("ref") {
        return Err(draft::dn_first());
    }
    match target(&field.text("ref")?) {
        Some(dn) if is_server_partition(&dn) || is_non_person(tree, &dn) => Ok(()),
        _ => Err(EntryRejectReason::Referral),
    }
}

fn is_non_person(tree: &mut DirectoryTree, dn: &Dn) -> bool {
    let node = tree.node(dn);
    tree.names.is_non_person(node)
}

/// Returns whether a name is in the DNS zones, the configuration or the schema of Active Directory.
fn is_server_partition(dn: &Dn) -> bool {
    let parts: Vec<&str> = dn.parts.iter().map(String::as_str).collect();
    let domain = match parts.as_slice() {
        ["dc=forestdnszones" | "dc=domaindnszones", domain @ ..]
        | ["cn=schema", "cn=configuration", domain @ ..]
        | ["cn=configuration", domain @ ..] => domain,
        _ => return false,
    };
    !domain.is_empty() && domain.iter().all(|part| part.starts_with("dc=") && !part.contains('+'))
}

/// Returns the name in an LDAP URL (RFC 4516).
fn target(url: &str) -> Option<Dn> {
    let (scheme, rest) = url.trim().split_once("://")?;
    if !scheme.eq_ignore_ascii_case("ldap") && !scheme.eq_ignore_ascii_case("ldaps") {
        return None;
    }
    let (_, path) = rest.split_once('/')?;
    let name = path.split('?').next().unwrap_or_default();
    Dn::parse(&decoded(name)?).filter(|dn| !dn.parts.is_empty())
}

fn decoded(text: &str) -> Option<String> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok()
}
