//! Identities: user and group ids, aliases and domains, and how each is compared.
//!
//! Ids are opaque and compared byte for byte. Aliases are sign-in names, e-mail addresses and account names in apps.
//! They are compared folded: by Unicode canonical caseless matching (The Unicode Standard, section 3.13, definition
//! D145) for names and local parts, and by IDNA (UTS #46, non-transitional) for the domain after the last `@`. No
//! locale applies: `İ` is not `i`, and `ı` is neither.

mod subject;

use std::borrow::Cow;
use std::fmt;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;
use idna::AsciiDenyList;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::subject::Subject;
pub use crate::text::TextError;
use crate::text::{check_text, checked_text, deserialize_without_quoting, text_conversions};

checked_text! {
    /// The immutable id of a user in the directory, for example an Entra object id. Never folded.
    ///
    /// `Debug` does not show it, because it may name a protected person. `Display` does.
    UserId, "user id", max 256, redacted
}

impl UserId {
    /// Returns an id from text that was checked before.
    pub(crate) fn from_checked(text: &str) -> Self {
        Self(text.into())
    }
}

checked_text! {
    /// The immutable id of an imported group. Never folded.
    GroupId, "group id", max 256, shown
}

/// A name of a user: a UPN, an e-mail address, or an account name.
///
/// A text with characters on both sides of its last `@` is an address. An account name can be bound to its app: `nrc`
/// in one app is not `nrc` in another. Surrounding white space is removed; the rest of the text is unchanged. Two
/// aliases [match](Alias::matches) if their folded forms are equal. `Debug` shows nothing. `Display` writes the name
/// without the app; the serde form contains both.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::identity::TextError> {
/// use activity_privacy::identity::Alias;
///
/// assert!(Alias::new("Adele.Vance@CONTOSO.com.")?.matches(&Alias::new("adele.vance@contoso.com")?));
/// assert!(Alias::new("x@BÜCHER.example")?.matches(&Alias::new("x@xn--bcher-kva.example")?));
/// assert!(!Alias::account("GitHub", "nrc")?.matches(&Alias::account("Slack", "nrc")?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawAlias", into = "RawAlias")]
pub struct Alias {
    app: Option<Box<str>>,
    text: Box<str>,
    /// The form in which it is compared. `None` if that is the text with its ASCII letters in lower case, the usual
    /// case.
    folded: Option<Box<str>>,
    is_address: bool,
    is_damaged: bool,
    is_technical_id: bool,
}

#[derive(Serialize, Deserialize)]
// An ignored unknown field could be a name, and its user would lose protection.
#[serde(untagged, deny_unknown_fields)]
enum RawAlias {
    Name(String),
    Account { app: String, name: String },
}

impl Alias {
    /// The app of aliases that are passport ids (PUID), as `Alias::account(Alias::PASSPORT_IDS, "1003200096971F55")`.
    ///
    /// Passport ids, security identifiers, mailbox ids and source keys are technical ids: a directory has them for some
    /// people only. A technical id that is in no directory therefore does not tell who acted. An activity whose actor
    /// has no other identity is undecidable.
    pub const PASSPORT_IDS: &str = "puid";
    /// The app of aliases that are security identifiers, in upper case: `S-1-5-21-1-2-3-1104`.
    pub const SECURITY_IDS: &str = "sid";
    /// The app of aliases that are the GUIDs of mailboxes, in lower case with hyphens.
    pub const MAILBOX_IDS: &str = "mailbox";
    /// The app of aliases that are keys of their source, where the source does not document the kind of key.
    pub const SOURCE_KEYS: &str = "userkey";

    /// The maximum length of an alias in bytes.
    pub const MAX_BYTES: usize = 512;

    /// Returns a UPN, an e-mail address, or a name that is not bound to an app.
    ///
    /// # Errors
    /// Returns [`TextError`] if the text is blank, too long or contains a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
        Self::checked(None, text.as_ref())
    }

    /// Returns an account name in one app. An account name that is an address is not bound to the app: it denotes the
    /// same person in every app, because addresses match people across apps.
    ///
    /// # Errors
    /// Returns [`TextError`] if either part is blank, too long or contains a control character.
    pub fn account(app: impl AsRef<str>, name: impl AsRef<str>) -> Result<Self, TextError> {
        let app = app.as_ref().trim();
        check_text("app of an alias", app, Self::MAX_BYTES)?;
        Self::checked(Some(app), name.as_ref())
    }

    fn checked(app: Option<&str>, text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        check_text("alias", text, Self::MAX_BYTES)?;
        if is_plain(text, app) {
            return Ok(Self::from_parts(None, text, None));
        }
        let (app, folded) = match app.filter(|_| address(text).is_none()) {
            // Neither part can contain a control character, so no two pairs have the same key.
            Some(app) => (Some(app), account_key(app, text)),
            None => (None, name_key(text)),
        };
        let folded = Some(folded).filter(|folded| !folded.eq_ignore_ascii_case(text));
        Ok(Self::from_owned_parts(app, text, folded.map(String::into_boxed_str)))
    }

    /// Returns an alias from the parts of an alias that was checked before.
    pub(crate) fn from_parts(app: Option<&str>, text: &str, folded: Option<&str>) -> Self {
        Self::from_owned_parts(app, text, folded.map(Into::into))
    }

    fn from_owned_parts(app: Option<&str>, text: &str, folded: Option<Box<str>>) -> Self {
        let parts = address(text);
        Self {
            app: app.map(Into::into),
            text: text.into(),
            folded,
            is_address: parts.is_some(),
            is_damaged: app.is_none() && is_damaged(text),
            is_technical_id: app.is_some_and(is_app_of_technical_ids)
                || parts.is_some_and(|(local, domain)| is_passport_id(local) || is_template(domain)),
        }
    }

    /// Returns the alias as it was written, without surrounding white space.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the app to which an account name is bound.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.app.as_deref()
    }

    /// Returns the domain after the last `@`. Returns `None` if this is no address or its domain is not valid.
    #[must_use]
    pub fn domain(&self) -> Option<Domain> {
        address(&self.text).and_then(|(_, domain)| Domain::new(domain).ok())
    }

    /// Returns whether both aliases name the same account.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.form().eq_ignore_ascii_case(other.form())
    }

    /// Returns whether this is the UPN of a guest, whose home is another organisation: it contains `#EXT#`, in any
    /// case. The part before `#EXT#` is never decoded.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        // Few names have a `#`, and that is found faster than the marker.
        self.text.contains('#') && self.text.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"#EXT#"))
    }

    /// Returns whether this has the form of an address, with a valid domain or not.
    pub(crate) fn is_address(&self) -> bool {
        self.is_address
    }

    /// Returns whether characters of the name were lost in transit; see [`is_damaged`].
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Returns whether this is a technical id, which a directory has for some people only: an account in one of the
    /// apps above, a passport id followed by `@` and a domain, or the mailbox of a template tenant.
    pub(crate) fn is_technical_id(&self) -> bool {
        self.is_technical_id
    }

    /// Returns whether this address identifies a person: if the directory does not contain it, the person is not in the
    /// directory.
    pub(crate) fn is_conclusive_address(&self) -> bool {
        self.is_address && !self.is_damaged && !self.is_technical_id
    }

    /// Returns the namespace of a name that is no address: the app to which it is bound, or the empty text if it is
    /// bound to none. Compare namespaces with [`str::eq_ignore_ascii_case`]. Returns `None` for an address, which means
    /// the same in every app.
    pub(crate) fn namespace(&self) -> Option<&str> {
        (!self.is_address).then(|| namespace(self.form()))
    }

    /// Returns whether this is an address whose domain is valid and consists of ASCII letters, digits, hyphens and
    /// dots. `false` is conservative: the domain may still be valid.
    pub(crate) fn is_plain_address(&self) -> bool {
        self.is_address() && is_plain(&self.text, None)
    }

    /// Returns the form in which the alias is compared, except for the case of ASCII letters.
    pub(crate) fn form(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// Returns [`Self::form`] if it differs from the text.
    pub(crate) fn folded(&self) -> Option<&str> {
        self.folded.as_deref()
    }

    /// Returns the form in which the alias is compared. Two aliases have equal keys exactly if they name the same
    /// account.
    pub(crate) fn key(&self) -> String {
        self.form().to_ascii_lowercase()
    }

    /// Returns the form in which the name is compared without regard to its app: [`name_key`] of the text.
    pub(crate) fn name_key(&self) -> String {
        // An alias that is bound to an app is no address.
        if self.app.is_none() { self.key() } else { fold(&self.text) }
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alias(..)")
    }
}

text_conversions!(Alias, TextError);

impl TryFrom<String> for Alias {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::new(text)
    }
}

impl TryFrom<RawAlias> for Alias {
    type Error = TextError;

    fn try_from(raw: RawAlias) -> Result<Self, TextError> {
        match raw {
            RawAlias::Name(name) => Self::new(name),
            RawAlias::Account { app, name } => Self::account(app, name),
        }
    }
}

impl From<Alias> for RawAlias {
    fn from(alias: Alias) -> Self {
        let name = alias.text.into();
        match alias.app {
            Some(app) => Self::Account { app: app.into(), name },
            None => Self::Name(name),
        }
    }
}

/// An id or an alias by which an activity or a directory names a person.
///
/// `Debug` shows only which of the two it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The immutable id.
    Id(UserId),
    /// A name, which can move from one user to another.
    Alias(Alias),
}

#[derive(Deserialize)]
#[serde(remote = "Identity", rename_all = "snake_case")]
enum IdentityDocument {
    Id(UserId),
    Alias(Alias),
}

deserialize_without_quoting!(Identity, IdentityDocument);

impl Identity {
    /// Returns every identity that the name of an object can denote: an id, a name, or a technical id in its canonical
    /// form.
    pub(crate) fn all_of_object(object: &str) -> impl Iterator<Item = Self> {
        let object = object.strip_prefix(DRIVE_OF).unwrap_or(object);
        let technical = if is_passport_id(object) {
            Alias::account(Alias::PASSPORT_IDS, object)
        } else if object.get(..4).is_some_and(|head| head.eq_ignore_ascii_case("S-1-")) {
            Alias::account(Alias::SECURITY_IDS, object)
        } else {
            Alias::account(Alias::MAILBOX_IDS, object)
        };
        let names = [Alias::new(object), technical].into_iter().flatten().map(Self::Alias);
        UserId::new(object).ok().map(Self::Id).into_iter().chain(names)
    }
}

impl From<UserId> for Identity {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl From<Alias> for Identity {
    fn from(alias: Alias) -> Self {
        Self::Alias(alias)
    }
}

/// An internet domain in canonical form: IDNA-encoded, lower case, without trailing dot.
///
/// ```
/// # fn main() -> Result<(), activity_privacy::identity::DomainError> {
/// use activity_privacy::identity::Domain;
///
/// assert_eq!(Domain::new("Bücher.Example.")?.as_str(), "xn--bcher-kva.example");
/// assert!(Domain::new("mail.contoso.com")?.is_below(&Domain::new("contoso.com")?));
/// assert!(!Domain::new("evilcontoso.com")?.is_below(&Domain::new("contoso.com")?));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(Box<str>);

/// The error of a text that is not a domain name. It does not repeat the text, which may be part of a person's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("invalid domain name; expected dot-separated labels of at most 253 bytes in IDNA form (UTS #46)")]
pub struct DomainError;

impl Domain {
    /// The maximum length of a domain in bytes.
    const MAX_BYTES: usize = 253;

    /// Returns the domain in canonical form.
    ///
    /// # Errors
    /// Returns [`DomainError`] if the text is not a domain name under UTS #46.
    pub fn new(text: impl AsRef<str>) -> Result<Self, DomainError> {
        let text = text.as_ref().trim();
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::URL).map_err(|_| DomainError)?;
        // After encoding, because UTS #46 maps other full stops to `.`.
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.len() > Self::MAX_BYTES || ascii.split('.').any(str::is_empty) {
            return Err(DomainError);
        }
        Ok(Self(ascii.into()))
    }

    /// Returns a domain from text in canonical form.
    pub(crate) fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// Returns the canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether this is a proper subdomain of `parent`.
    #[must_use]
    pub fn is_below(&self, parent: &Self) -> bool {
        self.0.strip_suffix(&*parent.0).is_some_and(|head| head.ends_with('.'))
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Domain").field(&self.0).finish()
    }
}

text_conversions!(Domain, DomainError);

impl TryFrom<String> for Domain {
    type Error = DomainError;

    fn try_from(text: String) -> Result<Self, DomainError> {
        Self::new(text)
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0.into()
    }
}

/// Returns the local part and the domain of an address: the non-empty texts before and after the last `@`.
pub(crate) fn address(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Returns whether characters of a name were lost in transit: replaced by U+FFFD or `?` in a conversion between
/// character sets, or masked by `*`. Such a name identifies no user.
pub(crate) fn is_damaged(name: &str) -> bool {
    // The first byte of U+FFFD.
    let may_be = |byte: &u8| matches!(byte, b'?' | b'*' | 0xef);
    name.as_bytes().iter().any(may_be) && name.contains(['\u{fffd}', '?', '*'])
}

fn is_app_of_technical_ids(app: &str) -> bool {
    let known = [Alias::PASSPORT_IDS, Alias::SECURITY_IDS, Alias::MAILBOX_IDS, Alias::SOURCE_KEYS];
    known.iter().any(|known| app.eq_ignore_ascii_case(known))
}

/// Returns whether a domain is a template tenant, by which Exchange names a mailbox owner whose name it does not have.
fn is_template(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case("templateTenant"))
}

/// Returns whether a text is a GUID in the form that directories use: 36 characters with hyphens.
pub(crate) fn is_guid(text: &str) -> bool {
    let is_part = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_part)
}

/// Returns whether a text is a passport unique id (PUID): 16 hexadecimal digits.
pub(crate) fn is_passport_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the namespace of a name's compared form: the app, or the empty text if the name is bound to no app. Names of
/// more than one word, such as display names, distinguished names and `DOMAIN\name`, have a namespace of their own.
pub(crate) fn namespace(form: &str) -> &str {
    let is_word = !form.contains(|c: char| c.is_whitespace() || "/=,:\\".contains(c));
    form.split_once(ACCOUNT_OF).map_or(if is_word { "" } else { COMPOSED }, |(app, _)| app)
}

/// The namespace of names of more than one word. No app has this name, because a control character is not valid in one.
pub(crate) const COMPOSED: &str = "\u{0}";

/// The prefix of an object name that can be the personal drive of the user with the address after it. It makes no user
/// external, because several addresses have the same form as the name of a drive.
pub(crate) const DRIVE_OF: &str = "/personal/";

/// The separator of app and account name in the form in which both are compared.
pub(crate) const ACCOUNT_OF: char = '\u{1f}';

/// Returns whether folding changes nothing but ASCII letters to lower case. `false` is conservative: folding may still
/// give the same.
fn is_plain(text: &str, app: Option<&str>) -> bool {
    let plain_label = |label: &[u8]| {
        !label.is_empty()
            && label.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
            && !label.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"xn--"))
    };
    text.is_ascii()
        && match address(text) {
            Some((_, domain)) => {
                domain.len() <= Domain::MAX_BYTES && domain.as_bytes().split(|b| *b == b'.').all(plain_label)
            }
            None => app.is_none(),
        }
}

/// Returns the form in which an account name in an app is compared.
fn account_key(app: &str, name: &str) -> String {
    if app.is_ascii() && name.is_ascii() {
        let mut key = String::with_capacity(app.len() + ACCOUNT_OF.len_utf8() + name.len());
        key.push_str(app);
        key.push(ACCOUNT_OF);
        key.push_str(name);
        key.make_ascii_lowercase();
        return key;
    }
    format!("{}{ACCOUNT_OF}{}", fold(app), fold(name))
}

/// Folds for comparison, but returns ASCII text unchanged: compare with [`str::eq_ignore_ascii_case`].
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) }
}

/// Returns the form in which a name that is bound to no app is compared: for an address, its folded local part and its
/// domain in IDNA form; for any other name, the folded name.
///
/// An address is never folded as a whole: `faß.example` and `fass.example` are two domains.
pub(crate) fn name_key(name: &str) -> String {
    if is_plain(name, None) {
        return name.to_ascii_lowercase();
    }
    match address(name).map(|(local, domain)| (local, Domain::new(domain))) {
        Some((local, Ok(domain))) => format!("{}@{domain}", fold(local)),
        Some((_, Err(_))) | None => fold(name),
    }
}

/// Folds for comparison: `NFD(toCasefold(NFD(text)))`, D145 of the Unicode Standard.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    nfd.normalize(&CaseMapper::new().fold_string(&nfd.normalize(text))).into_owned()
}

#[cfg(test)]
#[cfg(feature = "proptest")]
mod tests {
    use proptest::prelude::*;
    use proptest::{collection, option};

    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Alias::new(a).unwrap().matches(&Alias::new(b).unwrap())
    }

    #[test]
    fn d8_folding_ignores_locale() {
        assert!(same("TITLE@x.example", "title@x.example"));
        assert!(!same("tıtle@x.example", "title@x.example"), "dotless i is a separate letter");
        assert!(!same("İ@x.example", "i@x.example"), "dotted capital I folds to i with a dot above");
        assert!(same("İ@x.example", "i\u{307}@x.example"));
        assert!(same("STRASSE@x.example", "straße@x.example"));
        assert!(same("Σίσυφος@x.example", "ΣΊΣΥΦΟΣ@X.EXAMPLE"), "final sigma");
        assert!(same("jos\u{e9}@x.example", "JOSE\u{301}@x.example"), "composed and decomposed");
        assert!(
            same("\u{3b1}\u{345}\u{301}", "\u{391}\u{301}\u{345}"),
            "marks in any order, one of which folds to a letter"
        );
    }

    #[test]
    fn d7_domain_follows_the_last_at_sign() {
        let alias = Alias::new("\"a@evil.example\"@contoso.com").unwrap();
        assert_eq!(alias.domain().unwrap().as_str(), "contoso.com");
        assert_eq!(Alias::new("a@contoso.com@evil.example").unwrap().domain().unwrap().as_str(), "evil.example");
        assert!(Alias::new("adele@").unwrap().domain().is_none());
        assert!(Alias::new("@contoso.com").unwrap().domain().is_none());
    }

    #[test]
    fn d7_domain_spellings_have_one_canonical_form() {
        for form in ["contoso.com", "CONTOSO.COM", "contoso.com.", " contoso.com ", "ｃontoso。com"] {
            assert_eq!(Domain::new(form).unwrap().as_str(), "contoso.com", "{form}");
        }
        for wrong in ["", ".", "..", "contoso..com", ".contoso.com", "contoso.com..", "a b", "xn--a", "a/b"] {
            assert_eq!(Domain::new(wrong), Err(DomainError), "{wrong}");
        }
        assert!(Domain::new("é".repeat(300)).is_err());
    }

    #[test]
    fn d7_guest_marker_matches_in_any_case() {
        assert!(Alias::new("adele_gmail.com#EXT#@contoso.com").unwrap().is_guest());
        assert!(Alias::new("adele_gmail.com#ext#@contoso.com").unwrap().is_guest());
        assert!(!Alias::new("adele#EXT@contoso.com").unwrap().is_guest());
    }

    #[test]
    fn b2_debug_and_errors_show_no_identity() {
        let shown = format!(
            "{:?} {:?} {:?}",
            Alias::new("canary@x.example").unwrap(),
            UserId::new("canary").unwrap(),
            Identity::from(UserId::new("canary").unwrap()),
        );
        assert!(!shown.contains("canary"), "{shown}");
        let error = UserId::new("canary\n").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    /// ASCII names, most with a domain that is plain, nearly plain, or invalid.
    fn ascii_names() -> impl Strategy<Value = String> {
        let label = prop_oneof![
            "[A-Za-z0-9-]{0,8}",
            "[xX][nN]--[a-zA-Z0-9-]{0,8}",
            "[a-z]{2}--[a-z]{0,3}",
            "[0-9]{1,3}",
            "[ -~]{0,4}",
            Just("l".repeat(70)),
        ];
        let domain = collection::vec(label, 0..6).prop_map(|labels| labels.join("."));
        let name = ("[ -~]{0,6}", collection::vec(domain, 0..3), "[.@ ]{0,2}");
        name.prop_map(|(local, domains, end)| [local].into_iter().chain(domains).collect::<Vec<_>>().join("@") + &end)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn d8_plain_names_fold_like_all_others(name in ascii_names(), app in option::of(Just("Box"))) {
            let text = name.trim();
            let expected = match (address(text), app) {
                (Some((local, domain)), _) => match Domain::new(domain) {
                    Ok(domain) => format!("{}@{domain}", fold(local)),
                    Err(_) => fold(text),
                },
                (None, Some(app)) => format!("{}{ACCOUNT_OF}{}", fold(app), fold(text)),
                (None, None) => fold(text),
            };
            let alias = match app {
                Some(app) => Alias::account(app, text),
                None => Alias::new(text),
            };
            if let Ok(alias) = alias {
                prop_assert_eq!(alias.key(), expected);
                prop_assert_eq!(alias.app().is_some(), app.is_some() && address(text).is_none());
                prop_assert!(!alias.is_plain_address() || alias.domain().is_some());
            }
        }
    }
}
