//! Who somebody is: user and group ids, aliases and domains, and how each is compared.
//!
//! Ids are opaque and compared byte for byte. Aliases are what people are called in sign-in names, mail addresses and
//! app accounts; they are compared folded: Unicode canonical caseless matching (The Unicode Standard, section 3.13,
//! definition D145) for names and local parts, IDNA (UTS #46, non-transitional) for the domain after the last `@`.
//! No locale takes part: `İ` is not `i`, and `ı` is neither.

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
use crate::text::{check, checked_text, deserialize_silently};

checked_text! {
    /// The immutable id of a user in the directory, for example an Entra object id. Never folded.
    ///
    /// `Debug` does not show it, because it may name a protected person.
    UserId, "user id", max 256, redacted
}

impl UserId {
    /// An id that was checked before.
    pub(crate) fn from_checked(text: &str) -> Self {
        Self(text.into())
    }
}

checked_text! {
    /// The immutable id of an imported group. Never folded.
    GroupId, "group id", max 256, shown
}

/// A name by which somebody is known: a UPN, an e-mail address, or an account name.
///
/// Whatever has something on both sides of its last `@` is an address. An account name may be bound to the app that
/// gave it: `nrc` in one app is not `nrc` in another. Surrounding white space is dropped; everything else is kept as
/// it was written, and two aliases [match](Alias::matches) when their folded forms are equal. `Debug` shows nothing.
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
    /// The form in which it is compared, unless that is the text with its ASCII letters in lower case, as it mostly is.
    folded: Option<Box<str>>,
    is_address: bool,
    is_damaged: bool,
    is_technical_id: bool,
}

#[derive(Serialize, Deserialize)]
// A field that nobody reads would be a name that protects nobody.
#[serde(untagged, deny_unknown_fields)]
enum RawAlias {
    Name(String),
    Account { app: String, name: String },
}

impl Alias {
    /// The app of aliases that are passport ids (PUID), as `Alias::account(Alias::PASSPORT_IDS, "1003200096971F55")`.
    ///
    /// Passport ids, security identifiers, mailbox ids and keys of a source are technical ids: a directory knows them of some people only. So
    /// one that resolves to nobody leaves open whom it means, and an activity whose actor has no other identity is hidden.
    pub const PASSPORT_IDS: &str = "puid";
    /// The app of aliases that are security identifiers, in upper case: `S-1-5-21-1-2-3-1104`.
    pub const SECURITY_IDS: &str = "sid";
    /// The app of aliases that are the GUIDs of mailboxes, in lower case with hyphens.
    pub const MAILBOX_IDS: &str = "mailbox";
    /// The app of aliases that are keys of their source, of which it does not say what they are.
    pub const SOURCE_KEYS: &str = "userkey";

    /// The longest that an alias may be, in bytes.
    pub const MAX_BYTES: usize = 512;

    /// A UPN, an e-mail address, or a name that is not bound to an app.
    ///
    /// # Errors
    /// [`TextError`] when it is blank, too long or holds a control character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, TextError> {
        Self::checked(None, text.as_ref())
    }

    /// An account name in one app. One that reads as an address stands for that address in every app, because that
    /// is how people are matched across apps.
    ///
    /// # Errors
    /// [`TextError`] when either part is blank, too long or holds a control character.
    pub fn account(app: impl AsRef<str>, name: impl AsRef<str>) -> Result<Self, TextError> {
        let app = app.as_ref().trim();
        check("app of an alias", app, Self::MAX_BYTES)?;
        Self::checked(Some(app), name.as_ref())
    }

    fn checked(app: Option<&str>, text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        check("alias", text, Self::MAX_BYTES)?;
        if is_plain(text, app) {
            return Ok(Self::from_parts(None, text, None));
        }
        let (app, folded) = match app.filter(|_| address(text).is_none()) {
            // A control character cannot stand in either part, so no two pairs are compared in the same form.
            Some(app) => (Some(app), format!("{}{ACCOUNT_OF}{}", fold(app), fold(text))),
            None => (None, name_key(text)),
        };
        Ok(Self::from_parts(app, text, Some(&*folded).filter(|folded| !folded.eq_ignore_ascii_case(text))))
    }

    /// An alias whose parts another one gave.
    pub(crate) fn from_parts(app: Option<&str>, text: &str, folded: Option<&str>) -> Self {
        let parts = address(text);
        Self {
            app: app.map(Into::into),
            text: text.into(),
            folded: folded.map(Into::into),
            is_address: parts.is_some(),
            is_damaged: app.is_none() && is_damaged(text),
            is_technical_id: app.is_some_and(is_app_of_technical_ids)
                || parts.is_some_and(|(local, domain)| is_passport_id(local) || is_template(domain)),
        }
    }

    /// The alias as it was written, without surrounding white space.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The app that an account name belongs to.
    #[must_use]
    pub fn app(&self) -> Option<&str> {
        self.app.as_deref()
    }

    /// The domain after the last `@`, if this is an address and its domain is one.
    #[must_use]
    pub fn domain(&self) -> Option<Domain> {
        address(&self.text).and_then(|(_, domain)| Domain::new(domain).ok())
    }

    /// Whether both name the same account.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.form().eq_ignore_ascii_case(other.form())
    }

    /// Whether this is the name of a guest, who keeps the home of another organisation behind a local suffix:
    /// it holds `#EXT#`, in any case. What stands before it is never decoded.
    #[must_use]
    pub fn is_guest(&self) -> bool {
        // Few names have a `#`, and that is found faster than the marker.
        self.text.contains('#') && self.text.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"#EXT#"))
    }

    /// Whether this reads as an address, be its domain one or not.
    pub(crate) fn is_address(&self) -> bool {
        self.is_address
    }

    /// Whether letters of the name were lost on the way; see [`is_damaged`].
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damaged
    }

    /// Whether this is an id that some system gave to a person, of which no directory knows everybody's: one of the apps
    /// above, a passport id with what looks like a domain behind it, or the mailbox of a template tenant.
    pub(crate) fn is_technical_id(&self) -> bool {
        self.is_technical_id
    }

    /// Whether this is an address that tells who somebody is: one that leads to nobody in a directory is of somebody who is
    /// not in it.
    pub(crate) fn is_conclusive_address(&self) -> bool {
        self.is_address && !self.is_damaged && !self.is_technical_id
    }

    /// Returns the namespace of a name that is no address: the app that it is bound to, or the empty text if it is bound to
    /// none. Compare namespaces with [`str::eq_ignore_ascii_case`]. Returns `None` for an address, which means the same
    /// everywhere.
    pub(crate) fn namespace(&self) -> Option<&str> {
        (!self.is_address).then(|| namespace(self.form()))
    }

    /// Whether this is an address whose domain is one, in ASCII letters, digits and hyphens of any case. Cautious:
    /// where it says no, the domain may be one all the same.
    pub(crate) fn is_plain_address(&self) -> bool {
        self.is_address() && is_plain(&self.text, None)
    }

    /// The form in which it is compared, but for the case of ASCII letters.
    pub(crate) fn form(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.text)
    }

    /// What [`Self::form`] is unless it is the text.
    pub(crate) fn folded(&self) -> Option<&str> {
        self.folded.as_deref()
    }

    /// The form in which it is compared: equal for two aliases exactly when they name the same account.
    pub(crate) fn key(&self) -> String {
        self.form().to_ascii_lowercase()
    }

    /// Returns the form in which the name is compared where it does not matter which app it is bound to: what
    /// [`name_key`] makes of its text.
    pub(crate) fn name_key(&self) -> String {
        // What is bound to an app is no address.
        if self.app.is_none() { self.key() } else { fold(&self.text) }
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alias(..)")
    }
}

impl std::str::FromStr for Alias {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
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

/// One thing by which an activity or a directory names somebody.
///
/// `Debug` tells which of the two it is and nothing more.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The immutable id.
    Id(UserId),
    /// A name that may change hands.
    Alias(Alias),
}

#[derive(Deserialize)]
#[serde(remote = "Identity", rename_all = "snake_case")]
enum IdentityDocument {
    Id(UserId),
    Alias(Alias),
}

deserialize_silently!(Identity, IdentityDocument);

impl Identity {
    /// Returns every identity that the name of an object can be: an id, a name, or a technical id in its form.
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

/// An internet domain in its one canonical form: IDNA-encoded, lower case, without the trailing dot.
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

/// What was given is no domain name. Does not repeat it, because it may be part of somebody's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a domain name, expected labels parted by dots, at most 253 bytes once IDNA-encoded (UTS #46)")]
pub struct DomainError;

impl Domain {
    /// The longest that a domain may be, in bytes.
    const MAX_BYTES: usize = 253;

    /// Normalises a domain name.
    ///
    /// # Errors
    /// [`DomainError`] when it is not a domain name under UTS #46.
    pub fn new(text: impl AsRef<str>) -> Result<Self, DomainError> {
        let text = text.as_ref().trim();
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::URL).map_err(|_| DomainError)?;
        // After encoding, because other full stops than `.` are mapped to it there.
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.len() > Self::MAX_BYTES || ascii.split('.').any(str::is_empty) {
            return Err(DomainError);
        }
        Ok(Self(ascii.into()))
    }

    /// A domain that was normalised before.
    pub(crate) fn from_canonical(text: &str) -> Self {
        Self(text.into())
    }

    /// The canonical form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a proper subdomain of `parent`.
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

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Domain {
    type Err = DomainError;

    fn from_str(text: &str) -> Result<Self, DomainError> {
        Self::new(text)
    }
}

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

/// Local part and domain of what reads as an address: something on both sides of the last `@`.
pub(crate) fn address(text: &str) -> Option<(&str, &str)> {
    text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

/// Whether letters of a name were lost on the way: replaced by U+FFFD or `?` in a conversion between character sets, or
/// masked by `*`. Such a name resolves to nobody, whoever was meant.
pub(crate) fn is_damaged(name: &str) -> bool {
    name.contains(['\u{fffd}', '?', '*'])
}

fn is_app_of_technical_ids(app: &str) -> bool {
    let known = [Alias::PASSPORT_IDS, Alias::SECURITY_IDS, Alias::MAILBOX_IDS, Alias::SOURCE_KEYS];
    known.iter().any(|known| app.eq_ignore_ascii_case(known))
}

/// Whether a domain is one of the template tenants by which Exchange names the owner of a mailbox that it cannot name.
fn is_template(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, last)| last.eq_ignore_ascii_case("templateTenant"))
}

/// Whether a text is a GUID as directories write it: 36 characters with hyphens.
pub(crate) fn is_guid(text: &str) -> bool {
    let is_part = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_part)
}

/// Whether a text is a passport unique id (PUID): 16 hexadecimal digits.
pub(crate) fn is_passport_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the app in the form in which a name is compared, or the empty text if the name is bound to no app. Names that are
/// no single word, such as display names, distinguished names and `DOMAIN\name`, are a namespace of their own.
pub(crate) fn namespace(form: &str) -> &str {
    let is_word = !form.contains(|c: char| c.is_whitespace() || "/=,:\\".contains(c));
    form.split_once(ACCOUNT_OF).map_or(if is_word { "" } else { COMPOSED }, |(app, _)| app)
}

/// The namespace of names that are no single word. No app has this name, because it is no text that an app may have.
pub(crate) const COMPOSED: &str = "\u{0}";

/// What stands before an address in the name of an object that may be a drive of whoever has the address. It makes nobody
/// external, because the address is one of several that it can be.
pub(crate) const DRIVE_OF: &str = "/personal/";

/// What parts the app of an account from its name in the form in which the two are compared.
pub(crate) const ACCOUNT_OF: char = '\u{1f}';

/// Whether all that folding does to a name is to put ASCII letters into lower case. Cautious: where it says no, folding
/// may come to the same.
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

/// Folds for comparison, except that ASCII text stays as it is: compare with [`str::eq_ignore_ascii_case`].
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(fold(text)) }
}

/// Returns the form in which a name that is bound to no app is compared: an address by its folded local part and its
/// domain in IDNA form, anything else folded.
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
mod tests {
    use proptest::prelude::*;
    use proptest::{collection, option};

    use super::*;

    fn same(a: &str, b: &str) -> bool {
        Alias::new(a).unwrap().matches(&Alias::new(b).unwrap())
    }

    #[test]
    fn d8_folding_knows_no_locale() {
        assert!(same("TITLE@x.example", "title@x.example"));
        assert!(!same("tıtle@x.example", "title@x.example"), "dotless i is a letter of its own");
        assert!(!same("İ@x.example", "i@x.example"), "dotted capital I folds to i with a dot above");
        assert!(same("İ@x.example", "i\u{307}@x.example"));
        assert!(same("STRASSE@x.example", "straße@x.example"));
        assert!(same("Σίσυφος@x.example", "ΣΊΣΥΦΟΣ@X.EXAMPLE"), "final sigma");
        assert!(same("jos\u{e9}@x.example", "JOSE\u{301}@x.example"), "composed and decomposed");
        assert!(
            same("\u{3b1}\u{345}\u{301}", "\u{391}\u{301}\u{345}"),
            "marks in any order, of which one folds to a letter"
        );
    }

    #[test]
    fn d7_the_domain_is_after_the_last_at() {
        let alias = Alias::new("\"a@evil.example\"@contoso.com").unwrap();
        assert_eq!(alias.domain().unwrap().as_str(), "contoso.com");
        assert_eq!(Alias::new("a@contoso.com@evil.example").unwrap().domain().unwrap().as_str(), "evil.example");
        assert!(Alias::new("adele@").unwrap().domain().is_none());
        assert!(Alias::new("@contoso.com").unwrap().domain().is_none());
    }

    #[test]
    fn d7_domains_have_one_form() {
        for form in ["contoso.com", "CONTOSO.COM", "contoso.com.", " contoso.com ", "ｃontoso。com"] {
            assert_eq!(Domain::new(form).unwrap().as_str(), "contoso.com", "{form}");
        }
        for wrong in ["", ".", "..", "contoso..com", ".contoso.com", "contoso.com..", "a b", "xn--a", "a/b"] {
            assert_eq!(Domain::new(wrong), Err(DomainError), "{wrong}");
        }
        assert!(Domain::new("é".repeat(300)).is_err());
    }

    #[test]
    fn d7_a_guest_marker_is_seen_in_any_case() {
        assert!(Alias::new("adele_gmail.com#EXT#@contoso.com").unwrap().is_guest());
        assert!(Alias::new("adele_gmail.com#ext#@contoso.com").unwrap().is_guest());
        assert!(!Alias::new("adele#EXT@contoso.com").unwrap().is_guest());
    }

    #[test]
    fn b2_debug_names_nobody() {
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

    /// Local parts and domains of which most are plain, nearly plain, or no domain at all.
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
        fn d8_what_is_plain_is_folded_as_all_else(name in ascii_names(), app in option::of(Just("Box"))) {
            let text = name.trim();
            let in_full = match (address(text), app) {
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
                prop_assert_eq!(alias.key(), in_full);
                prop_assert_eq!(alias.app().is_some(), app.is_some() && address(text).is_none());
                prop_assert!(!alias.is_plain_address() || alias.domain().is_some());
            }
        }
    }
}
