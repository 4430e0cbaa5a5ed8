//! The identities in the fields of a record, in the form that directories contain.
//!
//! Services write one person in many forms: an address with a prefix (`SMTP:`, `mailto:`, `sip:`, `live.com#`), a claim
//! of SharePoint (`i:0#.f|membership|...`), an object id in braces, without hyphens or as a URN, a passport id with or
//! without a tenant, a security identifier, `DOMAIN\name`. All of them can have invisible marks of byte order or
//! direction around them. All fields are parsed by [`Identities`], so that every form is recognized in every field.

pub(super) mod addresses;
pub(super) mod name_form;
mod plain;
pub(super) mod services;
pub(super) mod signs;

use uuid::Uuid;

use self::addresses::{delimited_addresses, embedded_addresses, is_of_person, parts, without_leading_punctuation};
use self::name_form::{
    NameForm, clean, guid, has_prefix, is_address, is_hex, name_form, object_id_of, percent_decoded,
};
use self::plain::PlainName;
use self::services::{SHAREPOINT_APP, is_placeholder, service_kind, service_principal};
use self::signs::Signs;
use super::RejectReason;
use super::reject::in_field;
use crate::activity::{Activity, Actor};
use crate::identity::{Alias, Identity, TextError, UserId, address, is_passport_id};

/// How many forms may be nested: a percent-encoded claim of an address with a prefix.
const MAX_WRAPPING: usize = 4;

/// The distinct identities of one principal, in the order of the record.
#[derive(Clone)]
pub(super) struct Identities {
    list: Vec<Identity>,
    max: usize,
}

impl Default for Identities {
    /// Returns an empty list with the limit of one principal.
    fn default() -> Self {
        Self { list: Vec::new(), max: Actor::MAX_IDENTITIES }
    }
}

/// The meaning of a name that has no special form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NameKind {
    /// A name that people sign in with.
    SignIn,
    /// A key of the source.
    Key,
}

impl Identities {
    /// Returns an empty list with the limit of all principals of an activity.
    pub(super) fn of_many() -> Self {
        Self { max: Actor::MAX_IDENTITIES * (Activity::MAX_ON_BEHALF_OF + 1), ..Self::default() }
    }

    pub(super) fn add(&mut self, identity: impl Into<Identity>) {
        let identity = identity.into();
        // INVARIANT: at most one more than the limit, which shows that some are left out.
        if self.list.len() <= self.max && !self.list.contains(&identity) {
            self.list.push(identity);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[Identity] {
        &self.list
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.list.iter()
    }

    /// Returns whether an identity is an address or an object id, by which directories list every person.
    pub(super) fn have_address_or_id(&self) -> bool {
        have_address_or_id(&self.list)
    }

    /// Returns whether there were more identities than the limit.
    pub(super) fn exceed_limit(&self) -> bool {
        self.list.len() > self.max
    }

    /// Removes the identities beyond the limit. Returns whether there were any.
    pub(super) fn truncate(&mut self) -> bool {
        let exceeds = self.exceed_limit();
        self.list.truncate(self.max);
        exceeds
    }

    /// Removes the technical ids and returns each as a principal.
    pub(super) fn split_off_technical(&mut self) -> Vec<Self> {
        let is_technical = |identity: &Identity| matches!(identity, Identity::Alias(alias) if alias.is_technical_id());
        let (technical, others) = std::mem::take(&mut self.list).into_iter().partition(is_technical);
        self.list = others;
        let alone = |identity| Self { list: vec![identity], ..Self::default() };
        Vec::into_iter(technical).map(alone).collect()
    }

    /// Adds the identities of another principal.
    pub(super) fn extend(&mut self, others: Self) {
        others.list.into_iter().for_each(|identity| self.add(identity));
    }

    /// Removes all identities.
    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// Returns the user with these identities, or `None` if there are none.
    pub(super) fn into_user(self) -> Option<Actor> {
        Actor::user_with(self.list)
    }

    /// Adds the identities to an actor.
    pub(super) fn into_actor(self, actor: Actor) -> Actor {
        actor.with_identities(self.list)
    }

    /// Splits the list into parts of at most as many identities as an actor can have.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Self> {
        let mut rest = self.list.into_iter();
        std::iter::from_fn(move || {
            let list: Vec<_> = rest.by_ref().take(Actor::MAX_IDENTITIES).collect();
            (!list.is_empty()).then_some(Self { list, max: Actor::MAX_IDENTITIES })
        })
    }

    /// Adds the identity in a sign-in name, and every address in it.
    pub(super) fn add_sign_in_name(&mut self, text: &str, field: &'static str) -> Result<(), RejectReason> {
        if let Some(form) = PlainName::of(text) {
            return self.add_plain(text, form).map_err(in_field(field));
        }
        // With the text around it, an address would be one in another domain.
        if self.add_delimited_addresses(text) {
            return Ok(());
        }
        self.add_form(text, NameKind::SignIn, MAX_WRAPPING).map_err(in_field(field))
    }

    /// Adds the identity in a key of the source, and every address in it. Skips a key that is not a valid name.
    pub(super) fn add_key(&mut self, key: &str) {
        self.add_delimited_addresses(key);
        let _ = self.add_form(key, NameKind::Key, MAX_WRAPPING);
    }

    /// Adds every address anywhere in a text.
    pub(super) fn add_embedded_addresses(&mut self, text: &str) {
        crate::steps::advance(text.len());
        if let Some(form) = PlainName::of(text) {
            if form == PlainName::Address && is_of_person(text) {
                let _ = self.add_plain(text, form);
            }
            return;
        }
        for address in embedded_addresses(text) {
            // Directories contain no address that is not a valid alias.
            let _ = self.add_form(address, NameKind::SignIn, MAX_WRAPPING);
            // `'adele@contoso.com'`, `?id={adele@contoso.com}`; but an address can contain these characters too.
            let bare = without_leading_punctuation(address);
            if bare.len() < address.len() && is_address(bare) {
                let _ = self.add_form(bare, NameKind::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds every identity in a text that has a special form: object ids, passport ids, security identifiers, claims,
    /// and accounts with a domain.
    pub(super) fn add_identities_in(&mut self, text: &str) {
        /// The most bytes of an identity and the text around it.
        const MAX_PART: usize = 2 * Alias::MAX_BYTES;
        crate::steps::advance(text.len());
        if let Some(form @ (PlainName::ObjectId | PlainName::PassportId)) = PlainName::of(text) {
            let _ = self.add_plain(text, form);
            return;
        }
        let ids = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let mut last = "";
        for part in parts(text).chain(ids).chain([text]).filter(|part| part.len() <= MAX_PART) {
            // The same part again adds nothing.
            if std::ptr::eq(part, last) || !Signs::of(part, true).special {
                continue;
            }
            last = part;
            let part = clean(part);
            let is_whole = part.len() + 2 >= text.trim().len();
            let is_wanted = match name_form(&part) {
                NameForm::PassportId(..)
                | NameForm::SecurityId(_)
                | NameForm::Claim(..)
                | NameForm::ObjectId(_)
                | NameForm::IdAndAddress(..)
                | NameForm::Prefixed(_) => true,
                NameForm::Encoded(decoded) => decoded.contains('@'),
                // The path of a file has the same form inside a longer text.
                NameForm::Account(_) => is_whole && part.matches(['\\', '/']).count() <= 1 || has_prefix(&part, "/o="),
                NameForm::Address(_) | NameForm::Other => false,
            };
            if is_wanted {
                let _ = self.add_form(&part, NameKind::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds an account name, unless it contains white space.
    pub(super) fn add_account(&mut self, text: &str) {
        let text = text.trim();
        if text.len() <= Alias::MAX_BYTES && !text.contains(char::is_whitespace) {
            let _ = self.add_form(text, NameKind::SignIn, MAX_WRAPPING);
        }
    }

    /// Adds the addresses in a text that contains more than one address. Returns whether there were any.
    fn add_delimited_addresses(&mut self, text: &str) -> bool {
        crate::steps::advance(text.len());
        // Directories contain no address that is not a valid alias.
        delimited_addresses(text).filter(|name| self.add_form(name, NameKind::SignIn, MAX_WRAPPING).is_ok()).count() > 0
    }

    /// Adds the identity in a name that is plain.
    fn add_plain(&mut self, name: &str, form: PlainName) -> Result<(), TextError> {
        match form {
            PlainName::Address => self.add(Alias::new(name)?),
            PlainName::ObjectId => self.add_object_id(name)?,
            PlainName::PassportId => self.add(Alias::account(Alias::PASSPORT_IDS, name)?),
        }
        Ok(())
    }

    /// Adds the identities in one name, in every form in which a directory can contain them.
    fn add_form(&mut self, name: &str, kind: NameKind, depth: usize) -> Result<(), TextError> {
        match PlainName::of(name) {
            Some(form) if depth > 0 => self.add_plain(name, form),
            _ => self.add_any_form(name, kind, depth),
        }
    }

    /// Like [`Self::add_form`], for names that are not plain.
    fn add_any_form(&mut self, name: &str, kind: NameKind, depth: usize) -> Result<(), TextError> {
        let name = &*clean(name);
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        if is_placeholder(name) || name.eq_ignore_ascii_case(SHAREPOINT_APP) {
            return Ok(());
        }
        if let Some(id) = service_principal(name) {
            self.add_object_id(id)?;
        }
        match name_form(name) {
            NameForm::Claim(provider, value) => return self.add_claim(provider, value, depth),
            _ if service_kind(name).is_some() => {}
            NameForm::Prefixed(rest) => return self.add_form(rest, kind, depth),
            NameForm::Encoded(decoded) => return self.add_form(&decoded, kind, depth),
            NameForm::IdAndAddress(id, address) => {
                self.add_object_id(id)?;
                self.add_form(address, kind, depth)?;
            }
            NameForm::ObjectId(id) => {
                self.add_object_id(id)?;
                // A person can also sign in with a GUID as the local part of an address.
                if is_address(name) {
                    self.add(Alias::new(name)?);
                }
            }
            NameForm::PassportId(id, whole) => {
                self.add(Alias::account(Alias::PASSPORT_IDS, id)?);
                // The tenant behind a passport id is no home domain, but a directory may contain the whole.
                if whole.len() > id.len() && !whole.to_ascii_lowercase().ends_with("@live.com") {
                    self.add(Alias::new(whole)?);
                }
            }
            NameForm::SecurityId(sid) => {
                if let Some(id) = object_id_of(&sid) {
                    self.add(UserId::new(id.to_string())?);
                }
                self.add(Alias::account(Alias::SECURITY_IDS, sid)?);
            }
            NameForm::Address(address) => {
                self.add(Alias::new(&*address)?);
                // `upn=adele@contoso.com`, `users/adele@contoso.com`, `mail#adele@contoso.com`; but an address can
                // contain these characters too.
                if let Some((_, rest)) = address.rsplit_once(['=', '&', '/', '#']).filter(|(_, rest)| is_address(rest))
                {
                    self.add(Alias::new(rest)?);
                }
                // `adele@CONTOSO`, in a Windows domain.
                if let Some((local, domain)) = crate::identity::address(&address).filter(|(_, it)| !it.contains('.')) {
                    self.add(Alias::new(local)?);
                    self.add(Alias::new(format!("{domain}\\{local}"))?);
                }
                if let Some(decoded) = percent_decoded(name).filter(|decoded| decoded != name) {
                    self.add_form(&decoded, kind, depth)?;
                }
            }
            NameForm::Account(account) => {
                self.add(Alias::new(name)?);
                self.add(Alias::new(account)?);
                // The alias behind the id in a legacy distinguished name of Exchange.
                if let Some((_, rest)) = account.split_once('-').filter(|(head, _)| is_hex(head)) {
                    self.add(Alias::new(rest)?);
                }
            }
            NameForm::Other if kind == NameKind::Key => self.add(Alias::account(Alias::SOURCE_KEYS, name)?),
            NameForm::Other => self.add(Alias::new(name)?),
        }
        Ok(())
    }

    /// Adds an Entra object id in any of its forms.
    fn add_object_id(&mut self, id: &str) -> Result<(), TextError> {
        let Some(uuid) = guid(id) else { return Ok(()) };
        // Ids are compared with regard to case. Directories write them in lower case, records in either.
        let mut buffer = Uuid::encode_buffer();
        let canonical = &*uuid.hyphenated().encode_lower(&mut buffer);
        self.add(UserId::new(canonical)?);
        if id.len() == canonical.len() && id != canonical {
            self.add(UserId::new(id)?);
        }
        Ok(())
    }

    /// Adds the identity in a claim as SharePoint encodes it.
    fn add_claim(&mut self, provider: &str, value: &str, depth: usize) -> Result<(), TextError> {
        let (local, domain) = address(value).unwrap_or((value, ""));
        // The issuer follows the passport id.
        if is_passport_id(local) && provider.eq_ignore_ascii_case("i:0h.f") {
            self.add(Alias::account(Alias::PASSPORT_IDS, local)?);
            return Ok(());
        }
        if guid(local).is_some() {
            // An application or a user by object id, `id@tenant`.
            return self.add_object_id(local);
        }
        // `c:0t.c|tenant|...` is a claim of a group or role, which directories do not list as a person.
        let is_of_group = has_prefix(provider, "c:") && !has_prefix(provider, "c:0!");
        if is_of_group && domain.is_empty() {
            self.add(Alias::account(Alias::SOURCE_KEYS, value)?);
            return Ok(());
        }
        // The claim of an application identifies no person, unless its value is an address.
        if !provider.eq_ignore_ascii_case("i:0i.t") || !domain.is_empty() {
            return self.add_form(value, NameKind::SignIn, depth);
        }
        Ok(())
    }
}

/// Returns whether an identity is an address or an object id, by which directories list every person.
pub(super) fn have_address_or_id(list: &[Identity]) -> bool {
    have_address(list) || list.iter().any(|identity| matches!(identity, Identity::Id(_)))
}

/// Returns whether an identity is an address.
pub(super) fn have_address(list: &[Identity]) -> bool {
    list.iter().any(|identity| matches!(identity, Identity::Alias(alias) if alias.is_conclusive_address()))
}

/// Returns whether an identity is an id that only people and their accounts have.
pub(super) fn have_personal_id(list: &[Identity]) -> bool {
    list.iter().any(|identity| match identity {
        Identity::Id(_) => true,
        Identity::Alias(alias) => alias.is_technical_id() && alias.app() != Some(Alias::SOURCE_KEYS),
    })
}

/// Returns whether an identity is the security identifier of a person.
pub(super) fn have_security_id(list: &[Identity]) -> bool {
    list.iter().any(|identity| matches!(identity, Identity::Alias(alias) if alias.app() == Some(Alias::SECURITY_IDS)))
}

/// Returns whether a list contains an identity that matches `identity`.
pub(super) fn contains(list: &[Identity], identity: &Identity) -> bool {
    list.iter().any(|known| same(known, identity))
}

/// Returns whether two identities match.
pub(super) fn same(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
        (a, b) => a == b,
    }
}
