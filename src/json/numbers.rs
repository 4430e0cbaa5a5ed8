//! The texts of numbers in JSON.

use std::borrow::Cow;

/// Returns the text of every number in a JSON text, in order. The result for a text that is not JSON has no meaning.
pub(super) fn numbers(text: &str) -> Vec<&str> {
    let (mut numbers, mut start, mut in_string, mut escaped) = (Vec::new(), None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        // In JSON, a number is never directly before `true`, `false` or `null`.
        let is_number = byte.is_ascii_digit() || (start.is_some() && b"+-.eE".contains(&byte)) || byte == b'-';
        match (start, is_number) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                numbers.extend(text.get(from..at));
                start = None;
            }
            _ => {}
        }
        in_string = byte == b'"';
    }
    numbers.extend(start.and_then(|from| text.get(from..)));
    numbers
}

/// Returns whether a text is a number in JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259.html), section 6).
pub(super) fn is_number(text: &str) -> bool {
    let starts = text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit());
    starts && serde_json::from_str::<f64>(text).is_ok()
}

/// Returns the canonical form of a number: that of RFC 8785, which is that of ECMAScript, if a double represents it
/// exactly or has the same digits, and otherwise its own text.
pub(super) fn canonical(text: &str) -> Cow<'_, str> {
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let Ok(double) = text.parse::<f64>() else { return text.into() };
    if double.abs() > MAX_EXACT || !double.is_finite() {
        return text.into();
    }
    if double == 0.0 {
        return if Decimal::of(text).digits.is_empty() { "0".into() } else { text.into() };
    }
    // The shortest digits that parse to the same double, as in ECMAScript.
    let shortest = format!("{double:e}");
    if Decimal::of(&shortest) != Decimal::of(text) {
        return text.into();
    }
    // ECMAScript writes an exponent below 1e-6, and from 1e21 on, which is beyond the largest number here.
    if double.abs() >= 1e-6 { format!("{double}").into() } else { shortest.into() }
}

/// A decimal number: its digits without zeros at either end, and the power of ten of the last digit.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Parses the text of a number in JSON.
    fn of(text: &str) -> Self {
        let (is_negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        // An exponent that does not fit is beyond every double.
        let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX).saturating_sub(fraction.len() as i64);
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0').trim_end_matches('0').to_owned();
        let zeros = all.len() - all.trim_end_matches('0').len();
        let exponent = if digits.is_empty() { 0 } else { exponent.saturating_add(zeros as i64) };
        Self { is_negative, digits, exponent }
    }
}
