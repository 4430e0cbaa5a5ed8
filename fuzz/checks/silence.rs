//! B2: whether a message repeats what it was given.

use std::collections::HashSet;
use std::sync::OnceLock;

/// Stands in the seeds wherever something private could stand.
pub(crate) const CANARY: &str = "kanarienvogel";

/// So many bytes in a row are no accident.
const WINDOW: usize = 12;

/// The words of the library and of the parser, as far as they are so long.
const WORDS: &[&str] = &[
    "invalid type invalid value unknown variant unknown field",
    "missing field `identities` missing field `occurred_at` missing field `on_behalf_of`",
    "missing field `visibility` missing field `directory` missing field `decided_at` missing field `last_seen`",
    "missing field `initiator` missing field `activities` missing field `private_only` missing field `expires_at`",
    "missing field `with_subdomains` missing field `standing`",
    "duplicate field `identities` duplicate field `occurred_at` duplicate field `on_behalf_of`",
    "duplicate field `visibility` duplicate field `directory` duplicate field `decided_at` duplicate field `last_seen`",
    "duplicate field `initiator` duplicate field `activities` duplicate field `private_only` duplicate field `expires_at`",
    "duplicate field `home_domain` duplicate field `justification` duplicate field `with_subdomains`",
    "duplicate field `max_directory_age` duplicate field `when_undecidable` duplicate field `max_reveal_lifetime`",
    "duplicate field `self_grant_allowed` duplicate field `justification_required` duplicate field `objects_count`",
    "data did not match any variant of untagged enum RawAlias",
    "the input as a whole: not JSON the input as a whole: not UTF-8",
    "the input as a whole: the input ends too early field `active` cannot be understood",
    "not a domain name, holds a control character at byte",
    "field `userPrincipalName` is missing field `userPrincipalName` cannot be understood field `userPrincipalName`: alias",
    "field `proxyAddresses` cannot be understood field `proxyAddresses`: alias is empty",
    "field `onPremisesUserPrincipalName` cannot be understood field `onPremisesUserPrincipalName`: alias is ",
    "field `onPremisesSamAccountName` cannot be understood field `onPremisesSamAccountName`: alias is ",
    "field `accountEnabled` cannot be understood field `otherMails` cannot be understood field `otherMails`: alias is ",
    "field `members@delta` is missing field `members@delta` cannot be understood",
    "field `@odata.nextLink` cannot be understood field `@odata.deltaLink` is missing",
    "field `@odata.deltaLink` cannot be understood field `@odata.context` cannot be understood",
    "field `@odata.type` is missing field `@odata.type` cannot be understood field `@removed` cannot be understood",
    "field `totalResults` is missing field `totalResults` cannot be understood field `startIndex` cannot be understood",
    "field `meta.resourceType` cannot be understood field `resourceType` cannot be understood",
    "field `displayName` cannot be understood field `externalId` cannot be understood field `externalId`: alias is ",
    "field `emails.primary` cannot be understood field `emails.value` cannot be understood field `emails.value`: alias is ",
    "field `emails.value` is missing field `members.value` is missing field `members.type` is missing",
    "field `members.value` cannot be understood field `members.type` cannot be understood field `members.value`: user id is ",
    "field `members.$ref` cannot be understood field `Operations` is missing field `Operations` cannot be understood",
    "field `Resources` is missing field `Resources` cannot be understood field `userName` is missing",
    "field `userName` cannot be understood field `userName`: alias is  field `schemas` cannot be understood",
];

fn own_windows() -> &'static HashSet<&'static [u8]> {
    static OWN: OnceLock<HashSet<&'static [u8]>> = OnceLock::new();
    OWN.get_or_init(|| WORDS.iter().flat_map(|words| words.as_bytes().windows(WINDOW)).collect())
}

/// Whether a part of a message is the library's own words, or no more than where something stands.
fn is_own(window: &[u8]) -> bool {
    let words: Vec<u8> = window.iter().copied().filter(|byte| !byte.is_ascii_digit()).collect();
    let places = [&b" at line , column "[..], b" at byte "];
    own_windows().contains(window)
        || places.iter().any(|place| place.windows(words.len().max(1)).any(|part| part == words))
}

/// Fails when a message holds the canary, or, before it comes to what was expected, twelve bytes of the input in a row
/// that are none of the library's words.
pub(crate) fn repeats_nothing(message: &str, input: &[u8]) {
    assert!(!message.contains(CANARY), "B2: repeats the canary: {message}");
    let said = message.split(", expected ").next().unwrap_or_default();
    for window in said.as_bytes().windows(WINDOW).filter(|window| !is_own(window)) {
        assert!(!input.windows(WINDOW).any(|given| given == window), "B2: repeats what it was given: {message}");
    }
}
