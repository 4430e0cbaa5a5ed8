//! Names that are no person's: of nobody, of applications, of the system.

use super::fields::is_nil;
use super::scan::addresses_within;
use super::shape::{after_prefix, claim, guid, has_prefix, is_sid};
use crate::activity::{ActorKind, ActorName};

/// The account that SharePoint names for every application with permissions of its own.
pub(super) const SHAREPOINT_APP: &str = "app@sharepoint";

/// Whether a name says that there is none, or that it is not told, and holds nobody's address beside.
pub(super) fn names_nobody(name: &str) -> bool {
    let name = name.trim();
    let nobody = names_nobody_in_words(name)
        || ["urn:spo:anon#", r"NT AUTHORITY\ANONYMOUS"].iter().any(|head| has_prefix(name, head))
        || is_nil(name)
        || claim(name).is_some_and(|(_, value)| names_nobody(value));
    nobody && addresses_within(name).next().is_none()
}

pub(super) fn names_nobody_in_words(name: &str) -> bool {
    // The last is the security identifier of the anonymous logon.
    let words = [
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
    words.iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Returns what a name stands for that Microsoft gives to no person, whatever the type of user says.
///
/// Apart from `app@sharepoint` none of them is an address: a name that could be somebody's address is nobody else's.
pub(super) fn service_kind(name: &str) -> Option<ActorKind> {
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

/// Returns the name of an application or system account, cut to the longest that is kept.
pub(super) fn service_name(name: &str) -> Option<ActorName> {
    let end = (0..=name.len().min(ActorName::MAX_BYTES)).rev().find(|end| name.is_char_boundary(*end))?;
    ActorName::new(name.get(..end)?).ok()
}

/// The object id in `ServicePrincipal_<object id>`.
pub(super) fn service_principal(name: &str) -> Option<&str> {
    after_prefix(name, "ServicePrincipal_").filter(|id| guid(id).is_some())
}

/// Whether a security identifier is one that Windows gives to the system, to services and to groups of everybody:
/// `[MS-DTYP]`, section 2.4.2.4. Every other is somebody's.
fn is_well_known_sid(text: &str) -> bool {
    let Some(rest) = after_prefix(text, "S-1-").filter(|_| is_sid(text)) else { return false };
    let mut numbers = rest.split('-').map(|number| number.parse::<u64>().unwrap_or(u64::MAX));
    match (numbers.next(), numbers.next(), numbers.next()) {
        (Some(5), Some(1..=20), None) => true,
        // Groups of the machine, services, application pools, virtual machines, windows and fonts.
        (Some(5), Some(32 | 64 | 80 | 82 | 83 | 87 | 90 | 96), Some(_)) => true,
        // Nobody, everyone, local, creators, apps, and levels of integrity.
        (Some(0..=3 | 15 | 16 | 18), Some(_), _) => true,
        _ => false,
    }
}
