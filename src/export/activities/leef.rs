//! Activities in the Log Event Extended Format (LEEF) 2.0 of IBM QRadar.

use super::{Names, rfc3339};
use crate::export::one_line::{escaped, escaped_if, is_hazard, list};
use crate::export::product::{PRODUCT, PRODUCT_VERSION};
use crate::store::PublicActivity;

/// The character between attributes. The header declares it. Values contain it as an escape only.
const DELIMITER: char = '^';

/// Appends the event, without a line feed.
pub(super) fn append(public: &PublicActivity, line: &mut Vec<u8>) {
    let (activity, decision) = (public.activity(), public.decision());
    let action = activity.action().as_str();
    line.extend(b"LEEF:2.0");
    for field in [PRODUCT, PRODUCT, PRODUCT_VERSION, &event_id(action)] {
        line.push(b'|');
        line.extend(field.bytes());
    }
    line.extend(format!("|{DELIMITER}|").bytes());

    let names = Names::of(activity.actor());
    let mut is_first = true;
    let mut attribute = |key: &str, value: &str| {
        if value.is_empty() {
            return;
        }
        if !is_first {
            line.push(DELIMITER as u8);
        }
        is_first = false;
        line.extend(key.bytes());
        line.push(b'=');
        line.extend(escaped_if(value, |c| is_hazard(c) || c == DELIMITER).bytes());
    };
    // To the millisecond: the pattern of Java has no more.
    attribute("devTime", &activity.occurred_at().to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    attribute("devTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSX");
    attribute("cat", activity.app().name().as_str());
    attribute("sev", "1");
    attribute("usrName", names.label);
    attribute("userId", names.id.unwrap_or_default());
    attribute("activityId", activity.id().as_str());
    attribute("action", action);
    attribute("actorKind", activity.actor().kind().as_str());
    let of_whom = activity.on_behalf_of().iter().map(|principal| Names::of(principal).label);
    attribute("onBehalfOf", &list(of_whom));
    attribute("suite", activity.app().suite().map_or("", |suite| suite.as_str()));
    attribute("resource", &list(activity.objects()));
    attribute("decidedTime", &rfc3339(decision.decided_at()));
    attribute("policyRevision", &decision.policy().number().to_string());
    if let Some(directory) = decision.directory() {
        attribute("directoryRevision", &directory.to_string());
    }
}

/// Returns the action as an event id. The header has no escapes, so each pipe becomes a hyphen; the attribute `action`
/// has the name itself.
fn event_id(action: &str) -> String {
    escaped(action).replace('|', "-")
}
