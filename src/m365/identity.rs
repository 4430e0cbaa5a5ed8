//! What an identity looks like in a record, wherever it stands, and the form in which directories hold it.
//!
//! Sources write one person in many ways: an address with a prefix (`SMTP:`, `mailto:`, `sip:`, `live.com#`), a claim of
//! SharePoint (`i:0#.f|membership|...`), an object id in braces, without hyphens or as a URN, a passport id with or
//! without a tenant, a security identifier, `DOMAIN\name`; and marks that nobody sees, of byte order or direction, stand
//! around all of them. Every reader of this module goes through [`Identities`], so that a form is known everywhere or
//! nowhere.

use super::fields::in_field;
use super::reject::RejectReason;
use super::scan::{addresses_in, addresses_within, after_signs, parts};
use super::services::{SHAREPOINT_APP, names_nobody, service_kind, service_principal};
use super::shape::{Shape, clean, guid, has_prefix, is_address, is_hex, object_id_of, percent_decoded, shape};
use crate::activity::{Activity, Actor};
use crate::identity::{Alias, Identity, UserId, address, is_passport_id};

/// How deep one form may be wrapped into another: a percent-encoded claim of an address with a prefix.
const MAX_WRAPPING: usize = 4;

/// The identities of one principal, each once, in the order in which they were found.
#[derive(Clone)]
pub(super) struct Identities {
    list: Vec<Identity>,
    max: usize,
}

impl Default for Identities {
    /// Those of one principal.
    fn default() -> Self {
        Self { list: Vec::new(), max: Actor::MAX_IDENTITIES }
    }
}

/// What a name may be beside a person's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A name that people sign in with.
    SignIn,
    /// A key of the source, which is an account name if it is nothing else.
    Key,
}

impl Identities {
    /// Those of as many principals as one activity may name.
    pub(super) fn of_many() -> Self {
        Self { max: Actor::MAX_IDENTITIES * (Activity::MAX_ON_BEHALF_OF + 1), ..Self::default() }
    }

    pub(super) fn add(&mut self, identity: impl Into<Identity>) {
        let identity = identity.into();
        // INVARIANT: at most one more than there may be, which tells that some are left out.
        if self.list.len() <= self.max && !self.list.contains(&identity) {
            self.list.push(identity);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Identity> {
        self.list.iter()
    }

    /// Whether any of them means the same as an identity.
    pub(super) fn contains(&self, identity: &Identity) -> bool {
        self.list.iter().any(|known| same(known, identity))
    }

    /// Whether any of them is an address or an object id: forms in which directories contain everybody.
    pub(super) fn have_address_or_id(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_conclusive_address(),
        })
    }

    /// Whether any of them is an address.
    pub(super) fn have_address(&self) -> bool {
        self.list.iter().any(|identity| matches!(identity, Identity::Alias(alias) if alias.is_conclusive_address()))
    }

    /// Whether any of them is an id that only people and their accounts have.
    pub(super) fn have_personal_id(&self) -> bool {
        self.list.iter().any(|identity| match identity {
            Identity::Id(_) => true,
            Identity::Alias(alias) => alias.is_technical_id() && alias.app() != Some(Alias::SOURCE_KEYS),
        })
    }

    /// Whether any of them is a person's security identifier.
    pub(super) fn have_security_id(&self) -> bool {
        self.list
            .iter()
            .any(|identity| matches!(identity, Identity::Alias(alias) if alias.app() == Some(Alias::SECURITY_IDS)))
    }

    /// Whether there were more than are kept.
    pub(super) fn is_cut(&self) -> bool {
        self.list.len() > self.max
    }

    /// Leaves those that are kept; returns whether there were more.
    pub(super) fn cut(&mut self) -> bool {
        let is_cut = self.is_cut();
        self.list.truncate(self.max);
        is_cut
    }

    /// Takes out the technical ids, each as a principal by itself.
    pub(super) fn split_off_technical(&mut self) -> Vec<Self> {
        let is_technical = |identity: &Identity| matches!(identity, Identity::Alias(alias) if alias.is_technical_id());
        let (technical, others) = std::mem::take(&mut self.list).into_iter().partition(is_technical);
        self.list = others;
        let alone = |identity| Self { list: vec![identity], ..Self::default() };
        Vec::into_iter(technical).map(alone).collect()
    }

    /// Adds those of another principal.
    pub(super) fn extend(&mut self, others: Self) {
        others.list.into_iter().for_each(|identity| self.add(identity));
    }

    /// Returns the user known by these, if there are any.
    pub(super) fn into_user(self) -> Option<Actor> {
        let mut known = self.list.into_iter();
        known.next().map(|first| known.fold(Actor::user(first), Actor::with_identity))
    }

    /// Returns an actor of a kind that has these identities.
    pub(super) fn into_actor(self, actor: Actor) -> Actor {
        self.list.into_iter().fold(actor, Actor::with_identity)
    }

    /// Returns the identities in parts that one actor can carry each.
    pub(super) fn into_parts(self) -> impl Iterator<Item = Self> {
        let mut rest = self.list.into_iter();
        std::iter::from_fn(move || {
            let list: Vec<_> = rest.by_ref().take(Actor::MAX_IDENTITIES).collect();
            (!list.is_empty()).then_some(Self { list, max: Actor::MAX_IDENTITIES })
        })
    }

    /// Adds whom a text names that people sign in with, and every address within it.
    pub(super) fn add_sign_in_name(&mut self, text: &str, field: &'static str) -> Result<(), RejectReason> {
        // What stands around an address makes no address, and would pass for one in a domain of nobody's.
        if self.add_addresses_within(text) {
            return Ok(());
        }
        self.add_form(text, Meaning::SignIn, MAX_WRAPPING).map_err(in_field(field))
    }

    /// Adds whom a key of the source names, and every address within it. A key that can be no name is nobody's.
    pub(super) fn add_key(&mut self, key: &str) {
        self.add_addresses_within(key);
        let _ = self.add_form(key, Meaning::Key, MAX_WRAPPING);
    }

    /// Adds every address in a text, whatever stands around it.
    pub(super) fn add_addresses_in(&mut self, text: &str) {
        crate::steps::advance(text.len());
        for address in addresses_in(text) {
            // What cannot be an alias is the name of nobody whom a directory knows.
            let _ = self.add_form(address, Meaning::SignIn, MAX_WRAPPING);
            // `'adele@contoso.com'`, `?id={adele@contoso.com}`; but an address can contain any of these signs.
            let bare = after_signs(address);
            if bare.len() < address.len() && is_address(bare) {
                let _ = self.add_form(bare, Meaning::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds every identity in a text that is known by its form: object ids, passport ids, security identifiers, claims, and
    /// accounts with their domain.
    pub(super) fn add_all_within(&mut self, text: &str) {
        /// No identity is longer, with whatever stands around it.
        const LONGEST: usize = 2 * Alias::MAX_BYTES;
        crate::steps::advance(text.len());
        let ids = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for part in parts(text).chain(ids).chain([text]).filter(|part| part.len() <= LONGEST) {
            let part = clean(part);
            let is_whole = part.len() + 2 >= text.trim().len();
            let is_wanted = match shape(&part) {
                Shape::PassportId(..)
                | Shape::SecurityId(_)
                | Shape::Claim(..)
                | Shape::ObjectId(_)
                | Shape::IdAndAddress(..)
                | Shape::Outside(_) => true,
                Shape::Encoded(decoded) => decoded.contains('@'),
                // A path to a file has the form of an account, unless it is all there is.
                Shape::Account(_) => is_whole && part.matches(['\\', '/']).count() <= 1 || part.starts_with("/o="),
                Shape::Address(_) | Shape::Name => false,
            };
            if is_wanted {
                let _ = self.add_form(&part, Meaning::SignIn, MAX_WRAPPING);
            }
        }
    }

    /// Adds an account name that is one word.
    pub(super) fn add_account(&mut self, text: &str) {
        let text = text.trim();
        if text.len() <= Alias::MAX_BYTES && !text.contains(char::is_whitespace) {
            let _ = self.add_form(text, Meaning::SignIn, MAX_WRAPPING);
        }
    }

    /// Adds the addresses in a text that holds more, each as if it stood alone; returns whether there were any.
    fn add_addresses_within(&mut self, text: &str) -> bool {
        // One that cannot be an alias is the address of nobody whom a directory knows.
        crate::steps::advance(text.len());
        addresses_within(text).filter(|name| self.add_form(name, Meaning::SignIn, MAX_WRAPPING).is_ok()).count() > 0
    }

    /// Adds what one name means, in every form in which a directory can hold it.
    fn add_form(&mut self, name: &str, meaning: Meaning, depth: usize) -> Result<(), crate::text::TextError> {
        let name = &*clean(name);
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        if names_nobody(name) || name.eq_ignore_ascii_case(SHAREPOINT_APP) {
            return Ok(());
        }
        if let Some(id) = service_principal(name) {
            self.add_object_id(id)?;
        }
        match shape(name) {
            Shape::Claim(provider, value) => return self.add_claim(provider, value, depth),
            _ if service_kind(name).is_some() => {}
            Shape::Outside(rest) => return self.add_form(rest, meaning, depth),
            Shape::Encoded(decoded) => return self.add_form(&decoded, meaning, depth),
            Shape::IdAndAddress(id, address) => {
                self.add_object_id(id)?;
                self.add_form(address, meaning, depth)?;
            }
            Shape::ObjectId(id) => {
                self.add_object_id(id)?;
                // A GUID can also be how somebody signs in.
                if is_address(name) {
                    self.add(Alias::new(name)?);
                }
            }
            Shape::PassportId(id, whole) => {
                self.add(Alias::account(Alias::PASSPORT_IDS, id)?);
                // A tenant behind it is not where anybody is at home; but a directory may hold it so.
                if whole.len() > id.len() && !whole.to_ascii_lowercase().ends_with("@live.com") {
                    self.add(Alias::new(whole)?);
                }
            }
            Shape::SecurityId(sid) => {
                if let Some(id) = object_id_of(&sid) {
                    self.add(UserId::new(id.to_string())?);
                }
                self.add(Alias::account(Alias::SECURITY_IDS, sid)?);
            }
            Shape::Address(address) => {
                self.add(Alias::new(&*address)?);
                // `upn=adele@contoso.com`, `users/adele@contoso.com`, `mail#adele@contoso.com`; but all four signs can also
                // be part of an address.
                if let Some((_, rest)) = address.rsplit_once(['=', '&', '/', '#']).filter(|(_, rest)| is_address(rest))
                {
                    self.add(Alias::new(rest)?);
                }
                // `adele@CONTOSO`, in a domain of Windows.
                if let Some((local, domain)) = crate::identity::address(&address).filter(|(_, it)| !it.contains('.')) {
                    self.add(Alias::new(local)?);
                    self.add(Alias::new(format!("{domain}\\{local}"))?);
                }
                if let Some(decoded) = percent_decoded(name).filter(|decoded| decoded != name) {
                    self.add_form(&decoded, meaning, depth)?;
                }
            }
            Shape::Account(account) => {
                self.add(Alias::new(name)?);
                self.add(Alias::new(account)?);
                // The id behind an alias in a legacy distinguished name of Exchange.
                if let Some((_, rest)) = account.split_once('-').filter(|(head, _)| is_hex(head)) {
                    self.add(Alias::new(rest)?);
                }
            }
            Shape::Name if meaning == Meaning::Key => self.add(Alias::account(Alias::SOURCE_KEYS, name)?),
            Shape::Name => self.add(Alias::new(name)?),
        }
        Ok(())
    }

    /// Adds an Entra object id, written as one or as part of something else.
    fn add_object_id(&mut self, id: &str) -> Result<(), crate::text::TextError> {
        let Some(uuid) = guid(id) else { return Ok(()) };
        // Ids are never folded, and directories write them in lower case; records do not always.
        self.add(UserId::new(uuid.to_string())?);
        if id.len() == 36 {
            self.add(UserId::new(id)?);
        }
        Ok(())
    }

    /// Adds whom a claim names as SharePoint encodes it.
    fn add_claim(&mut self, provider: &str, value: &str, depth: usize) -> Result<(), crate::text::TextError> {
        let (local, domain) = address(value).unwrap_or((value, ""));
        // What stands behind a passport id is who vouches for it.
        if is_passport_id(local) && provider.eq_ignore_ascii_case("i:0h.f") {
            self.add(Alias::account(Alias::PASSPORT_IDS, local)?);
            return Ok(());
        }
        if guid(local).is_some() {
            // An application or a user by object id, `id@tenant`.
            return self.add_object_id(local);
        }
        // `c:0t.c|tenant|...` is a claim of groups and roles, of which a directory has no entry as people.
        let is_of_group = has_prefix(provider, "c:") && !has_prefix(provider, "c:0!");
        if is_of_group && domain.is_empty() {
            self.add(Alias::account(Alias::SOURCE_KEYS, value)?);
            return Ok(());
        }
        // Whatever an application's claim names is nobody, unless it reads as an address.
        if !provider.eq_ignore_ascii_case("i:0i.t") || !domain.is_empty() {
            return self.add_form(value, Meaning::SignIn, depth);
        }
        Ok(())
    }
}

/// Whether two identities mean the same.
pub(super) fn same(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Alias(a), Identity::Alias(b)) => a.matches(b),
        (a, b) => a == b,
    }
}
