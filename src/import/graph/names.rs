//! The names that a user record of Graph gives.

use serde_json::Value;

use crate::import::RejectReason;
use crate::import::document::{self, Object};
use crate::import::names::Names;

/// The properties that name a user, the one that tells their home first.
const PROPERTIES: [&str; 6] = [
    "userPrincipalName",
    "mail",
    "proxyAddresses",
    "otherMails",
    "onPremisesUserPrincipalName",
    "onPremisesSamAccountName",
];

/// What a user record says.
pub(super) fn read(record: &Object) -> Result<Names, RejectReason> {
    let mut names = Names::default();
    for (rank, property) in PROPERTIES.into_iter().enumerate() {
        if !record.contains_key(property) {
            names.leave_unsaid(rank);
            continue;
        }
        match property {
            "proxyAddresses" => {
                names.add(rank, property, texts(record, property)?.into_iter().filter_map(proxy_address))?;
            }
            "otherMails" => names.add(rank, property, texts(record, property)?)?,
            _ => names.add(rank, property, document::text(record, property)?)?,
        }
    }
    names.enabled = match record.get("accountEnabled") {
        None | Some(Value::Null) => None,
        Some(Value::Bool(enabled)) => Some(*enabled),
        Some(_) => {
            return Err(RejectReason::InvalidField { field: "accountEnabled", expected: "true or false" });
        }
    };
    Ok(names)
}

fn texts<'a>(record: &'a Object, property: &'static str) -> Result<Vec<&'a str>, RejectReason> {
    let entries = document::list(record, property)?.unwrap_or_default().iter();
    let expected = "a list of texts";
    entries.map(|entry| entry.as_str().ok_or(RejectReason::InvalidField { field: property, expected })).collect()
}

/// A mail or chat address out of one with its kind before it. One without a kind is taken for an address; X.400, X.500
/// and other kinds name nobody in an activity.
fn proxy_address(text: &str) -> Option<&str> {
    match text.split_once(':') {
        Some((kind, address)) if ["smtp", "sip"].iter().any(|known| kind.trim().eq_ignore_ascii_case(known)) => {
            Some(address)
        }
        Some(_) => None,
        None => Some(text),
    }
}
