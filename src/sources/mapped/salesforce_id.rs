//! Salesforce ids: 15 characters that differ in case, or 18 characters of which the last three contain the case.

use std::borrow::Cow;

/// The characters of the suffix, by the capitals among five characters: one bit each, the first the least.
const SUFFIX: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// Returns an id in its form of 18 characters, in which two ids are the same if they are equal without regard to case.
///
/// The case of an id of 18 characters that a program changed is restored from the suffix. Any other text is returned
/// unchanged.
pub(super) fn long(text: &str) -> Cow<'_, str> {
    if !matches!(text.len(), 15 | 18) || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return text.into();
    }
    let (id, suffix) = text.split_at_checked(15).unwrap_or((text, ""));
    let id = if suffix.is_empty() { Some(id.to_owned()) } else { with_case(id, suffix) };
    id.map_or(Cow::Borrowed(text), |id| format!("{id}{}", suffix_of(&id)).into())
}

/// Returns an id with the case that its suffix contains, or `None` if the suffix is not that of an id with these
/// characters.
fn with_case(id: &str, suffix: &str) -> Option<String> {
    let mut characters = String::with_capacity(18);
    for (part, code) in id.as_bytes().chunks(5).zip(suffix.bytes()) {
        let capitals = SUFFIX.iter().position(|known| *known == code.to_ascii_uppercase())?;
        for (at, byte) in part.iter().enumerate() {
            let is_capital = capitals >> at & 1 == 1;
            if is_capital && !byte.is_ascii_alphabetic() {
                return None;
            }
            let byte = if is_capital { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
            characters.push(char::from(byte));
        }
    }
    Some(characters)
}

/// Returns the suffix of an id of 15 characters.
fn suffix_of(id: &str) -> String {
    let code = |part: &[u8]| {
        let capitals =
            part.iter().enumerate().map(|(at, byte)| usize::from(byte.is_ascii_uppercase()) << at).sum::<usize>();
        SUFFIX.get(capitals).copied().map(char::from)
    };
    id.as_bytes().chunks(5).filter_map(code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d8_salesforce_ids_of_either_length_are_one() {
        assert_eq!(long("005B0000001hYkQ"), "005B0000001hYkQIAU");
        assert_eq!(long("005B0000001hYkQIAU"), "005B0000001hYkQIAU");
        assert_eq!(long("005b0000001hykqiau"), "005B0000001hYkQIAU", "the suffix contains the case");
        assert_ne!(long("005B0000001hYkQ"), long("005B0000001hYkq"), "ids that differ in case are two");
        assert_eq!(long("005B0000001hYkQIA9"), "005B0000001hYkQIA9", "not a suffix");
        assert_eq!(long("1230000001hYkQQIAU"), "1230000001hYkQQIAU", "not the suffix of this id");
        for other in ["", "adele@contoso.com", "0050000000000000000", "005B0000001hYk-"] {
            assert_eq!(long(other), other);
        }
    }
}
