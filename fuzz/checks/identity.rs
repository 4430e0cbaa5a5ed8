//! Checks bytes as names: up to two of them, separated by a line feed.

use activity_privacy::activity::{ActivityId, AppName};
use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, Resolution, User};
use activity_privacy::identity::{Alias, Domain, GroupId, TextError, UserId};
use activity_privacy::policy::ManagedDomain;
use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::silence::CANARY;
use crate::fixture::at;

pub(crate) fn check(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (one, other) = input.split_once('\n').unwrap_or((&input, ""));
    for text in [one, other] {
        opaque(text, UserId::MAX_BYTES, UserId::new, UserId::as_str);
        opaque(text, GroupId::MAX_BYTES, GroupId::new, GroupId::as_str);
        opaque(text, ActivityId::MAX_BYTES, ActivityId::new, ActivityId::as_str);
        opaque(text, AppName::MAX_BYTES, AppName::new, AppName::as_str);
        domain(text);
        if let Some(alias) = named(Alias::new(text)) {
            name(text, &alias);
        }
    }
    if let (Ok(one), Ok(other)) = (Alias::new(one), Alias::new(other)) {
        pair(&one, &other);
    }
    for account in [Alias::account(one, other), Alias::account(other, one)] {
        if let Some(account) = named(account) {
            let plain = Alias::new(account.as_str()).unwrap();
            assert_eq!(account.app().is_none(), account == plain, "D8: only an account name is bound to an app");
            assert!(account.app().is_none() || !account.matches(&plain), "D8: an account is not an address");
            pair(&account, &plain);
        }
    }
    if let (Ok(here), Ok(there)) = (Alias::account(one, "nrc"), Alias::account(other, "nrc")) {
        assert_eq!(here.matches(&there), fold(one.trim()) == fold(other.trim()), "D8: an account belongs to its app");
    }
    if let (Ok(one), Ok(other)) = (Domain::new(one), Domain::new(other)) {
        let below = one.is_below(&other);
        assert_eq!(below, one.as_str().ends_with(&format!(".{other}")), "D7: whole labels");
        assert!(!below || !other.is_below(&one));
        assert_eq!(ManagedDomain::exactly(other.clone()).covers(&one), one == other, "D7: compared exactly");
        assert_eq!(ManagedDomain::with_subdomains(other.clone()).covers(&one), one == other || below, "D7");
    }
}

/// Checks that an id is accepted unchanged or rejected with the right reason, and that its `Debug` discloses nothing.
fn opaque<T>(text: &str, max: usize, new: impl Fn(String) -> Result<T, TextError>, as_str: impl Fn(&T) -> &str)
where
    T: Serialize + DeserializeOwned + PartialEq,
{
    let control = text.char_indices().find(|(_, c)| c.is_control()).map(|(at, _)| at);
    match new(text.to_owned()) {
        Ok(id) => {
            assert!(as_str(&id) == text, "D8: opaque ids are never folded");
            assert!((1..=max).contains(&text.len()) && control.is_none(), "B1: an invalid id was accepted");
            assert!(comes_back(&id) == id);
        }
        Err(TextError::Empty { .. }) => assert!(text.is_empty()),
        Err(TextError::TooLong { len, .. }) => assert!(len == text.len() && len > max),
        Err(TextError::Control { at, .. }) => {
            assert_eq!(control, Some(at), "B1: the position of the control character")
        }
    }
}

fn comes_back<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).expect("an accepted value can be read back")
}

fn domain(text: &str) {
    let Ok(domain) = Domain::new(text) else { return };
    let form = domain.as_str();
    assert!(form.is_ascii() && form.len() <= 253 && !form.bytes().any(|byte| byte.is_ascii_uppercase()), "D7: {form}");
    assert!(
        !form.split('.').any(str::is_empty),
        "D7: labels are separated by single dots, without a trailing one: {form}"
    );
    assert_eq!(Domain::new(form).as_ref(), Ok(&domain), "D7: the canonical form is its own");
    assert_eq!(Domain::new(format!(" {form}. ")).as_ref(), Ok(&domain), "D7: without trailing dot");
    assert_eq!(Domain::new(form.to_ascii_uppercase()).as_ref(), Ok(&domain), "D7: case-folded");
    let (unicode, whole) = idna::domain_to_unicode(form);
    // A label that decodes to a text that looks encoded is accepted unchanged, and has no other form.
    if whole.is_ok() && !unicode.split('.').any(|label| label.get(2..4) == Some("--")) {
        assert_eq!(Domain::new(&unicode).as_ref(), Ok(&domain), "D7: the same in Unicode: {unicode}");
    }
    assert!(comes_back(&domain) == domain && !domain.is_below(&domain));
}

/// Returns the alias, if it is valid. Otherwise checks that the error discloses nothing.
fn named(alias: Result<Alias, TextError>) -> Option<Alias> {
    let said = match &alias {
        Ok(alias) => format!("{alias:?}"),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!said.contains(CANARY), "B2: {said}");
    alias.ok()
}

fn name(text: &str, alias: &Alias) {
    assert!(alias.as_str() == text.trim(), "D8: kept as it was written");
    assert!(alias.matches(alias) && comes_back(alias) == *alias && Alias::new(alias.as_str()).as_ref() == Ok(alias));
    assert_eq!(alias.is_guest(), text.to_ascii_lowercase().contains("#ext#"), "D7: a guest in any case");
    let local = match alias.as_str().rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            assert_eq!(alias.domain(), Domain::new(domain).ok(), "D7: after the last `@`");
            if let Some(domain) = alias.domain() {
                same(alias, &format!("{local}@{domain}."), "D8: domains are compared by IDNA");
                same(alias, &format!("{local}@{}", domain.as_str().to_ascii_uppercase()), "D8: and in any case");
            }
            local
        }
        _ => {
            assert!(alias.domain().is_none());
            alias.as_str()
        }
    };
    // The text after the local part is kept: domains have their own folding.
    let rest = &alias.as_str()[local.len()..];
    let folded = fold(local);
    assert_eq!(fold(&folded), folded, "D8: folding once is enough");
    for variant in [folded, local.to_ascii_uppercase(), local.to_ascii_lowercase(), local.to_lowercase()] {
        if rest.is_empty() || alias.domain().is_some() {
            same(alias, &format!("{variant}{rest}"), "D8: compared folded");
        }
    }
}

/// Checks that the text is the same name. Folding can make it too long for a name, or end it with white space.
fn same(alias: &Alias, text: &str, why: &str) {
    if let Ok(other) = Alias::new(text)
        && other.as_str() == text
    {
        assert!(alias.matches(&other) && other.matches(alias), "{why}");
        resolves(alias, &other);
    }
}

fn pair(one: &Alias, other: &Alias) {
    assert_eq!(one.matches(other), other.matches(one));
    assert!(one != other || one.matches(other));
    if one.domain().is_none() && other.domain().is_none() && one.app().is_none() && other.app().is_none() {
        assert_eq!(one.matches(other), fold(one.as_str()) == fold(other.as_str()), "D8: Unicode default folding");
    }
    resolves(one, other);
}

/// Checks that a directory with a user of one name resolves the other name exactly if the two match.
fn resolves(one: &Alias, other: &Alias) {
    let id = UserId::new("u").unwrap();
    let import = DirectoryBuilder::new().user(User::new(id.clone()).with_alias(one.clone()));
    let directory = import.build(DirectoryRevision(1), at(0)).unwrap();
    match directory.resolve(&other.clone().into()) {
        Resolution::Known(user) => assert!(one.matches(other) && *user.id() == id, "D8"),
        Resolution::Unknown => assert!(!one.matches(other), "D8"),
        Resolution::Ambiguous => panic!("D8: one user is not ambiguous"),
    }
}

/// Computes `NFD(toCasefold(NFD(text)))`, D145 of the Unicode Standard, without shortcuts.
fn fold(text: &str) -> String {
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    nfd.normalize(&CaseMapper::new().fold_string(&nfd.normalize(text))).into_owned()
}
