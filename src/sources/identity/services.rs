//! Names that are not those of people: placeholders, applications and system accounts.

use super::addresses::delimited_addresses;
use super::name_form::{after_prefix, claim, guid, has_prefix, is_nil, is_sid};
use crate::activity::{ActorKind, ActorName};

/// The account that SharePoint records for every application with its own permissions.
pub(in crate::sources) const SHAREPOINT_APP: &str = "app@sharepoint";

/// Returns whether a name is a placeholder for no name or an unknown one, and contains no address.
pub(in crate::sources) fn is_placeholder(name: &str) -> bool {
    let name = name.trim();
    let is_placeholder = is_placeholder_word(name)
        || ["urn:spo:anon#", r"NT AUTHORITY\ANONYMOUS"].iter().any(|head| has_prefix(name, head))
        || is_nil(name)
        || claim(name).is_some_and(|(_, value)| self::is_placeholder(value));
    is_placeholder && delimited_addresses(name).next().is_none()
}

/// Returns whether a name is a word for no name.
pub(in crate::sources) fn is_placeholder_word(name: &str) -> bool {
    /// The length of the longest word.
    const MAX: usize = 15;
    // The last one is the security identifier of the anonymous logon.
    const WORDS: [&str; 17] = [
        "",
        "-",
        "n/a",
        "none",
        "unknown",
        "not available",
        "notavailable",
        "not set",
        "anonymous",
        "anonymous logon",
        "null",
        "(null)",
        "<null>",
        "undefined",
        "[]",
        "{}",
        "S-1-5-7",
    ];
    name.len() <= MAX && WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Returns the kind of actor of a name that Microsoft assigns to services only, or `None` if a person can have the
/// name.
///
/// Apart from `app@sharepoint`, no address is such a name, because it could be the address of a person.
pub(in crate::sources) fn service_kind(name: &str) -> Option<ActorKind> {
    let is = |word: &str| name.eq_ignore_ascii_case(word);
    if is(SHAREPOINT_APP) || has_prefix(name, "i:0i.t|") {
        return Some(ActorKind::Application);
    }
    if name.contains('@') {
        return None;
    }
    let heads = [
        "NT AUTHORITY\\",
        "NT SERVICE\\",
        "BUILTIN\\",
        "IIS APPPOOL\\",
        "Window Manager\\",
        "DlpPolicyEventBasedAssistant",
    ];
    let system = is(r"SHAREPOINT\system")
        || is("DlpAgent")
        || is("SecurityComplianceAlerts")
        || heads.iter().any(|head| has_prefix(name, head))
        || is_well_known_sid(name);
    if system {
        Some(ActorKind::System)
    } else if is("Application") || is("ServicePrincipal") || service_principal(name).is_some() {
        Some(ActorKind::Application)
    } else {
        None
    }
}

/// Returns the name of an application or system account, truncated to the limit of an actor's name.
pub(in crate::sources) fn service_name(name: &str) -> Option<ActorName> {
    let end = (0..=name.len().min(ActorName::MAX_BYTES)).rev().find(|end| name.is_char_boundary(*end))?;
    ActorName::new(name.get(..end)?).ok()
}

/// Returns the object id in `ServicePrincipal_<object id>`.
pub(in crate::sources) fn service_principal(name: &str) -> Option<&str> {
    after_prefix(name, "ServicePrincipal_").filter(|id| guid(id).is_some())
}

/// Returns whether Windows assigns a security identifier to the system, to services or to well-known groups:
/// `[MS-DTYP]`, section 2.4.2.4. Any other can be that of a person.
fn is_well_known_sid(text: &str) -> bool {
    let Some(rest) = after_prefix(text, "S-1-").filter(|_| is_sid(text)) else { return false };
    let mut numbers = rest.split('-').map(|number| number.parse::<u64>().unwrap_or(u64::MAX));
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(5), Some(1..=20), None) => true,
        // Local groups, services, application pools, virtual machines, window managers and font drivers.
        (Some(5), Some(32 | 64 | 80 | 82 | 83 | 87 | 90 | 96), Some(_)) => true,
        // The null and world authorities, local logons, creators, apps, and integrity levels.
        (Some(0..=3 | 15 | 16 | 18), Some(_), _) => true,
        _ => false,
    }
}
