//! The principals of a record: the actor, and those on whose behalf they acted.
//!
//! An unclear actor is a person or unknown, and never the system.

use super::entries::{DirectoryEntry, is_word};
use super::field::Field;
use super::fields::Fields;
use super::names::{BEHALF, NAME_OF_PRINCIPAL, SENDER_OR_OWNER, SETTING, TOKEN, USER_OF_RECORD, USER_OF_TOKEN};
use super::{RejectReason, report};
use crate::activity::{Activity, Actor, ActorKind};
use crate::identity::{Alias, Identity};
use crate::json::{DocumentValue, Kind};
use crate::sources::identity::name_form::guid;
use crate::sources::identity::services::{is_placeholder, service_kind, service_name, service_principal};
use crate::sources::identity::{Identities, contains, have_address, have_address_or_id, have_personal_id};
use crate::sources::identity::{have_security_id, same};
use crate::sources::texts::{FieldText, Texts};

/// The actor of a record, and the other principals.
pub(super) struct Principals {
    pub(super) actor: Actor,
    pub(super) on_behalf_of: Vec<Actor>,
    /// Whether a principal has more identities than an actor can have.
    is_truncated: bool,
}

impl Principals {
    pub(super) fn of(fields: &Fields<'_>, texts: &Texts<'_>) -> Result<Self, RejectReason> {
        let (actor, is_truncated) = actor(fields)?;
        let mut principals = Self { actor, on_behalf_of: Vec::new(), is_truncated };
        principals.add_senders(fields)?;
        principals.add_reported(fields)?;
        principals.add_named(texts);
        let owner = mailbox_owner(fields, principals.actor.identities())?;
        principals.add(owner);

        let identities = principals.actor.identities();
        let is_service = match principals.actor.kind() {
            // A service has keys and ids of its own.
            ActorKind::Application | ActorKind::System => !have_address(identities),
            ActorKind::User | ActorKind::Unknown => !have_address_or_id(identities) && !have_personal_id(identities),
        };
        if is_service && principals.on_behalf_of.is_empty() && report::is_about_person(fields, texts, &principals.actor)
        {
            crate::sources::report::principals(texts).into_iter().for_each(|principal| principals.push(principal));
        }
        // The first principal beside an unknown actor is the actor.
        if principals.actor == Actor::unknown() && !principals.on_behalf_of.is_empty() {
            principals.actor = principals.on_behalf_of.remove(0);
        }
        if principals.is_truncated {
            principals.push(Actor::unknown());
        }
        Ok(principals)
    }

    /// Returns whether an identity is that of a principal.
    pub(super) fn include(&self, identity: &Identity) -> bool {
        let principals = std::iter::once(&self.actor).chain(&self.on_behalf_of);
        principals.flat_map(Actor::identities).any(|known| same(known, identity))
    }

    /// Adds a principal, unless all its identities are known.
    fn add(&mut self, mut principal: Identities) {
        self.is_truncated |= principal.truncate();
        if !principal.is_empty() && !principal.iter().all(|identity| self.include(identity)) {
            principal.into_user().into_iter().for_each(|principal| self.push(principal));
        }
    }

    /// Adds a principal. If there are more than an activity can contain, an unknown principal replaces the last one, so
    /// that the activity is hidden.
    pub(super) fn push(&mut self, principal: Actor) {
        if self.on_behalf_of.len() < Activity::MAX_ON_BEHALF_OF {
            self.on_behalf_of.push(principal);
        } else if let Some(last) = self.on_behalf_of.last_mut() {
            *last = Actor::unknown();
        }
    }

    /// Adds the sender of a message that another user sent, by address, else by mailbox.
    fn add_senders(&mut self, fields: &Fields<'_>) -> Result<(), RejectReason> {
        for (address, mailbox) in [
            (Field::SendOnBehalfOfUserSmtp, Field::SendOnBehalfOfUserMailboxGuid),
            (Field::SendAsUserSmtp, Field::SendAsUserMailboxGuid),
        ] {
            let mut sender = Identities::default();
            for name in fields.texts(address) {
                sender.add_sign_in_name(&name, address.name())?;
            }
            if !sender.have_address_or_id() {
                add_mailboxes(&mut sender, fields, mailbox);
            }
            self.add(sender);
        }
        Ok(())
    }

    /// Adds the person whose action a data-loss-prevention agent reports.
    fn add_reported(&mut self, fields: &Fields<'_>) -> Result<(), RejectReason> {
        for object in [Field::SharePointMetaData, Field::ExchangeMetaData, Field::EndpointMetaData] {
            fields.for_each_inner_text(object, "From", &mut |name| {
                let mut sender = Identities::default();
                sender.add_sign_in_name(name, "From")?;
                self.add(sender);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Adds the principals in the fields for those on whose behalf the actor acted.
    fn add_named(&mut self, texts: &Texts<'_>) {
        for text in texts.iter() {
            let Some(certainty) = principal_certainty(text).filter(|_| !is_placeholder(text.text())) else { continue };
            let mut named = Identities::default();
            text.add_addresses(&mut named);
            text.add_special(&mut named);
            // Any other word is a name only if the field contains nothing else.
            if named.is_empty() && certainty == Certainty::Certain {
                named.add_account(text.text());
            }
            self.add(named);
        }
    }
}

/// Returns the actor, and whether there were more identities than an actor can have.
fn actor(fields: &Fields<'_>) -> Result<(Actor, bool), RejectReason> {
    let user_id = fields.required_text(Field::UserId)?.filter(|name| !is_placeholder(name));
    let user_key = fields.lenient_text(Field::UserKey).filter(|name| !is_placeholder(name));

    let mut identities = Identities::default();
    for user_id in fields.texts(Field::UserId) {
        identities.add_sign_in_name(&user_id, Field::UserId.name())?;
    }
    for user_key in fields.texts(Field::UserKey).filter(|key| Some(key) != user_id.as_ref()) {
        identities.add_key(&user_key);
    }
    let mut listed = Listed::default();
    fields.for_each_person(Field::Actor, &mut |entry| {
        let entry = DirectoryEntry::of(entry);
        // Only an actor without a sign-in name needs another.
        if user_id.is_none() {
            listed.add(entry);
        }
        entry.add_to(&mut identities, Field::Actor.name())
    })?;
    for sid in fields.texts(Field::LogonUserSid) {
        identities.add_key(&sid);
    }

    let named = user_id.as_deref().or(user_key.as_deref());
    let kind = named.and_then(service_kind).unwrap_or_else(|| match kind_of(fields.value(Field::UserType)) {
        // An application that only `Actor` names, whatever the `UserType` is.
        ActorKind::User | ActorKind::System if named.is_none() && listed.are_application_only() => {
            ActorKind::Application
        }
        // A system account has no security identifier of a person.
        ActorKind::System | ActorKind::Application if have_security_id(identities.as_slice()) => ActorKind::User,
        kind => kind,
    });
    // The object id in the token of an application is that of its user or its own.
    if matches!(kind, ActorKind::Application | ActorKind::System) {
        fields.texts(Field::TokenObjectId).for_each(|id| identities.add_key(&id));
    }
    let is_truncated = identities.truncate();
    let name = user_id.as_deref().or(listed.name()).or(user_key.as_deref());
    let service = |actor: fn(_) -> Actor| name.and_then(service_name).map(actor);
    let actor = match kind {
        ActorKind::Application => service(Actor::application),
        ActorKind::System => service(Actor::system),
        ActorKind::User | ActorKind::Unknown => None,
    };
    let actor = match actor {
        Some(actor) => identities.into_actor(actor),
        None => identities.into_user().unwrap_or_else(Actor::unknown),
    };
    Ok((actor, is_truncated))
}

/// The principals that the entries of `Actor` name together.
#[derive(Default)]
struct Listed {
    title: Option<String>,
    principal: Option<String>,
    has_application: bool,
    has_person: bool,
}

impl Listed {
    fn add(&mut self, entry: DirectoryEntry<'_>) {
        self.title = self.title.take().or_else(|| entry.title().map(str::to_owned));
        let principal = || entry.id().filter(|id| service_principal(id).is_some()).map(str::to_owned);
        self.principal = self.principal.take().or_else(principal);
        self.has_application |= entry.is_application();
        self.has_person |= entry.is_person();
    }

    /// Returns the name of an application.
    fn name(&self) -> Option<&str> {
        self.title.as_deref().filter(|name| !is_placeholder(name)).or(self.principal.as_deref())
    }

    /// Returns whether the entries name an application and no person.
    fn are_application_only(&self) -> bool {
        self.has_application && !self.has_person
    }
}

/// How certain it is that a field contains a principal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    /// Every text in the field is the name of a principal.
    Certain,
    /// A text with the form of an identity is.
    Likely,
}

/// Returns how certain it is that a text names a principal: one on whose behalf the actor acted, the user of an
/// impersonation, of a token or of a Power Platform session. Returns `None` if its field contains no principals.
fn principal_certainty(text: &FieldText<'_>) -> Option<Certainty> {
    let path = text.path();
    let (outermost, innermost) = (path.outermost(), path.innermost());
    if path.has(SETTING) || text.is_name() || outermost.is(SENDER_OR_OWNER) {
        return None;
    }
    if path.is_alone() && outermost.is(NAME_OF_PRINCIPAL) {
        return Some(Certainty::Certain);
    }
    let is_of_token = outermost.is(TOKEN) && innermost.is(USER_OF_TOKEN);
    let is_of_record = path.is_alone() && outermost.is(USER_OF_RECORD);
    (path.has(BEHALF) || is_of_token || is_of_record).then_some(Certainty::Likely)
}

fn add_mailboxes(identities: &mut Identities, fields: &Fields<'_>, field: Field) {
    for id in fields.texts(field) {
        // `is_placeholder` skips the nil GUID.
        let id = guid(&id).map_or_else(|| id.to_ascii_lowercase(), |id| id.to_string());
        if !is_placeholder(&id)
            && let Ok(mailbox) = Alias::account(Alias::MAILBOX_IDS, id)
        {
            identities.add(mailbox);
        }
    }
}

/// Returns the owner of a mailbox in which another user acted.
///
/// If the record names the actor differently as the owner, the activity names them twice, which does no harm. An owner
/// with only a technical id is a principal as well.
fn mailbox_owner(fields: &Fields<'_>, actor: &[Identity]) -> Result<Identities, RejectReason> {
    let mut owner = Identities::default();
    for field in [Field::MailboxOwnerUpn, Field::MailboxUpn] {
        for name in fields.texts(field) {
            owner.add_sign_in_name(&name, field.name())?;
        }
    }
    if owner.have_address_or_id() {
        let is_actor = owner.iter().all(|identity| contains(actor, identity));
        return Ok(if is_actor { Identities::default() } else { owner });
    }
    for field in [Field::MailboxOwnerSid, Field::MailboxOwnerMasterAccountSid] {
        fields.texts(field).for_each(|sid| owner.add_key(&sid));
    }
    let is_actor = !owner.is_empty() && owner.iter().all(|identity| contains(actor, identity));
    if is_actor || owner_acted(fields) {
        return Ok(Identities::default());
    }
    add_mailboxes(&mut owner, fields, Field::MailboxGuid);
    Ok(owner)
}

/// Returns whether the owner of a mailbox acted, by the security identifier of the logon or else by its type.
fn owner_acted(fields: &Fields<'_>) -> bool {
    match fields.lenient_text(Field::LogonUserSid) {
        Some(logon) => fields.texts(Field::MailboxOwnerSid).any(|owner| owner.eq_ignore_ascii_case(&logon)),
        None => {
            let kind = fields.value(Field::LogonType).or_else(|| fields.value(Field::LogonTypeOfRow));
            kind.is_some_and(|kind| is_word(kind, 0.0, "Owner"))
        }
    }
}

/// Returns the kind of an actor by the `UserType` of the schema, as a number or as a word.
fn kind_of(user_type: Option<DocumentValue<'_>>) -> ActorKind {
    const WORDS: [(&str, ActorKind); 10] = [
        ("4", ActorKind::System),
        ("System", ActorKind::System),
        ("7", ActorKind::System),
        ("CustomPolicy", ActorKind::System),
        ("8", ActorKind::System),
        ("SystemPolicy", ActorKind::System),
        ("5", ActorKind::Application),
        ("Application", ActorKind::Application),
        ("6", ActorKind::Application),
        ("ServicePrincipal", ActorKind::Application),
    ];
    let number = user_type.filter(|kind| kind.kind() == Kind::Number).and_then(DocumentValue::number_text);
    let word = user_type.and_then(DocumentValue::as_str).map(str::trim).or(number.as_deref()).unwrap_or_default();
    let known = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known));
    // 3, DcAdmin, is a system account or a Microsoft administrator; only the name shows which.
    known.map_or(ActorKind::User, |(_, kind)| *kind)
}
