//! Activities in the Common Event Format (CEF:0) of ArcSight, as its implementation standard describes it.
//!
//! The fields are those that the SIEM agent of Microsoft Defender for Cloud Apps sends, as far as an activity has them.

use std::borrow::Cow;

use super::Names;
use crate::export::one_line::{escaped, escaped_if, is_hazard, list};
use crate::export::product::{PRODUCT, PRODUCT_VERSION};
use crate::store::PublicActivity;

/// Appends the event, without a line feed.
pub(super) fn append(public: &PublicActivity, line: &mut Vec<u8>) {
    let (activity, decision) = (public.activity(), public.decision());
    line.extend(b"CEF:0");
    let action = activity.action().as_str();
    for field in [PRODUCT, PRODUCT, PRODUCT_VERSION, action, action, "0"] {
        line.push(b'|');
        line.extend(header_value(field).bytes());
    }
    line.push(b'|');

    let names = Names::of(activity.actor());
    let at = activity.occurred_at().timestamp_millis().to_string();
    let mut extension = Extension { line, is_first: true };
    extension.field("externalId", activity.id().as_str());
    extension.field("rt", &decision.decided_at().timestamp_millis().to_string());
    extension.field("start", &at);
    extension.field("end", &at);
    extension.field("msg", action);
    extension.field("suser", names.label);
    extension.field("suid", names.id.unwrap_or_default());
    extension.field("destinationServiceName", activity.app().name().as_str());
    extension.labelled("cs1", "actorKind", activity.actor().kind().as_str());
    extension.labelled("cs2", "suite", activity.app().suite().map_or("", |suite| suite.as_str()));
    extension.labelled("cs3", "targetObjects", &list(activity.objects()));
    let of_whom = activity.on_behalf_of().iter().map(|principal| Names::of(principal).label);
    extension.labelled("cs4", "onBehalfOf", &list(of_whom));
    extension.labelled("cn1", "policyRevision", &decision.policy().number().to_string());
    if let Some(directory) = decision.directory() {
        extension.labelled("cn2", "directoryRevision", &directory.to_string());
    }
}

/// The part after the header: keys with values, separated by spaces.
struct Extension<'a> {
    line: &'a mut Vec<u8>,
    is_first: bool,
}

impl Extension<'_> {
    /// Appends a key with its value, unless the value is empty: some readers read the next key as its value.
    fn field(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        if !self.is_first {
            self.line.push(b' ');
        }
        self.is_first = false;
        self.line.extend(key.bytes());
        self.line.push(b'=');
        self.line.extend(extension_value(value).bytes());
    }

    /// Appends a custom field and its label.
    fn labelled(&mut self, key: &str, label: &str, value: &str) {
        if !value.is_empty() {
            self.field(&format!("{key}Label"), label);
            self.field(key, value);
        }
    }
}

/// Escapes a field of the header: a backslash before each backslash and each pipe. The header has no escape for other
/// characters.
fn header_value(text: &str) -> Cow<'_, str> {
    with_backslashes(escaped(text), |c| matches!(c, '\\' | '|'))
}

/// Escapes a value of the extension: a backslash before each backslash and each equals sign, and `\n` and `\r` for the
/// ends of lines. It has no escape for other characters.
fn extension_value(text: &str) -> Cow<'_, str> {
    let text =
        with_backslashes(escaped_if(text, |c| is_hazard(c) && !matches!(c, '\n' | '\r')), |c| matches!(c, '\\' | '='));
    if text.contains(['\n', '\r']) { text.replace('\n', "\\n").replace('\r', "\\r").into() } else { text }
}

fn with_backslashes(text: Cow<'_, str>, is_special: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_special) {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped.into()
}
