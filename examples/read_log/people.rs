//! The identities of the people who acted, and what a directory knows of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use activity_privacy::activity::{Activity, ActorKind, App};
use activity_privacy::directory::{DirectorySnapshot, Resolution};
use activity_privacy::engine::{PolicyEngine, Reason, UndecidableReason};
use activity_privacy::identity::{Alias, Identity, UserId};
use activity_privacy::policy::{Administrators, PrivacyPolicy};
use activity_privacy::prelude::Actor;
use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::terminal::Result;

/// The identities by which a log names people.
#[derive(Default)]
pub(crate) struct People {
    identities: HashMap<(String, String), Seen>,
    /// Identities beyond the limit, counted once for each activity.
    not_listed: u64,
}

struct Seen {
    identity: Identity,
    /// The app of the first activity, in which an account name is looked up.
    app: App,
    activities: u64,
}

/// The result of looking up an identity in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Known {
    /// It is that of one user.
    User,
    /// It is that of several users, so an activity with it is private.
    Several,
    /// The directory would contain it. So the person is in no group.
    Outside,
    /// The directory contains no identity of its form. An activity without another one is private (D9).
    Undecidable,
}

/// All identities of one form.
#[derive(Debug, Default, Serialize)]
pub(crate) struct OfForm {
    pub(crate) form: String,
    pub(crate) identities: u64,
    /// The number of activities that name a person in this form.
    pub(crate) activities: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) known: Option<Counts>,
}

/// The number of identities by what the directory knows of them.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) user: u64,
    pub(crate) several: u64,
    pub(crate) outside: u64,
    pub(crate) undecidable: u64,
}

/// An identity that is not that of one user in the directory.
#[derive(Debug, Serialize)]
pub(crate) struct NotResolved {
    pub(crate) identity: String,
    pub(crate) form: String,
    pub(crate) activities: u64,
    pub(crate) known: Known,
}

/// The directory of the user, and an engine that decides as the library does.
pub(crate) struct Lookup {
    directory: Arc<DirectorySnapshot>,
    engine: PolicyEngine,
    now: DateTime<Utc>,
}

impl People {
    const MAX_IDENTITIES: usize = 100_000;

    /// Counts the identities of the people who acted, and of those on whose behalf others acted.
    pub(crate) fn add(&mut self, activity: &Activity) {
        let people = activity.principals().filter(|principal| principal.kind() == ActorKind::User);
        for identity in people.flat_map(Actor::identities) {
            let key = (form(identity), folded(identity));
            let has_room = self.identities.len() < Self::MAX_IDENTITIES;
            match self.identities.get_mut(&key) {
                Some(seen) => seen.activities += 1,
                None if has_room => {
                    let seen = Seen { identity: identity.clone(), app: activity.app().clone(), activities: 1 };
                    self.identities.insert(key, seen);
                }
                None => self.not_listed += 1,
            }
        }
    }

    pub(crate) fn not_listed(&self) -> u64 {
        self.not_listed
    }

    /// Returns the identities by form, the most frequent form first, and those that are not of one user, the most
    /// frequent first.
    pub(crate) fn look_up(&self, lookup: Option<&Lookup>) -> Result<(Vec<OfForm>, Vec<NotResolved>)> {
        let (mut forms, mut not_resolved) = (HashMap::<&str, OfForm>::new(), Vec::new());
        for ((form, _), seen) in &self.identities {
            let of_form = forms.entry(form).or_insert_with(|| OfForm { form: form.clone(), ..OfForm::default() });
            of_form.identities += 1;
            of_form.activities += seen.activities;
            let Some(lookup) = lookup else { continue };
            let known = lookup.know(seen)?;
            of_form.known.get_or_insert_default().add(known);
            if known != Known::User {
                let identity = text(&seen.identity).to_owned();
                not_resolved.push(NotResolved { identity, form: form.clone(), activities: seen.activities, known });
            }
        }
        let mut forms: Vec<_> = forms.into_values().collect();
        forms.sort_by(|a, b| b.activities.cmp(&a.activities).then_with(|| a.form.cmp(&b.form)));
        not_resolved.sort_by(|a, b| b.activities.cmp(&a.activities).then_with(|| a.identity.cmp(&b.identity)));
        Ok((forms, not_resolved))
    }
}

impl Counts {
    fn add(&mut self, known: Known) {
        *match known {
            Known::User => &mut self.user,
            Known::Several => &mut self.several,
            Known::Outside => &mut self.outside,
            Known::Undecidable => &mut self.undecidable,
        } += 1;
    }
}

impl Lookup {
    pub(crate) fn new(directory: DirectorySnapshot) -> Result<Self> {
        let directory = Arc::new(directory);
        let policy = PrivacyPolicy::initial(&Administrators::only_one(UserId::new("read_log")?));
        let engine = PolicyEngine::new(Arc::new(policy), Ok(Arc::clone(&directory)));
        Ok(Self { directory, engine, now: SystemTime::now().into() })
    }

    /// Returns why each activity cannot be decided, if it cannot.
    pub(crate) fn undecidable(&self, activities: &[Activity]) -> Vec<Option<UndecidableReason>> {
        let verdicts = self.engine.verdicts(activities, self.now).into_iter();
        let cause = |reason: &Reason| match reason {
            Reason::Undecidable(reason) => Some(reason.clone()),
            _ => None,
        };
        verdicts.map(|(_, reasons)| reasons.iter().find_map(cause)).collect()
    }

    fn know(&self, seen: &Seen) -> Result<Known> {
        let names = [Some(seen.identity.clone()), other_form(&seen.identity, &seen.app)];
        for name in names.iter().flatten() {
            match self.directory.resolve(name) {
                Resolution::Known(_) => return Ok(Known::User),
                Resolution::Ambiguous => return Ok(Known::Several),
                Resolution::Unknown => {}
            }
        }
        // An activity that has this identity alone.
        let actor = Actor::user(seen.identity.clone());
        let alone = Activity::builder("1".parse()?, actor, seen.app.clone(), "look".parse()?, self.now).build()?;
        let is_undecidable = self.undecidable(&[alone]).iter().any(Option::is_some);
        Ok(if is_undecidable { Known::Undecidable } else { Known::Outside })
    }
}

/// Returns the other name that an account name can mean.
fn other_form(identity: &Identity, app: &App) -> Option<Identity> {
    let Identity::Alias(alias) = identity else { return None };
    let other = match alias.app() {
        Some(_) => Alias::new(alias.as_str()),
        None => Alias::account(app.name().as_str(), alias.as_str()),
    };
    other.ok().map(Identity::Alias)
}

/// Returns the form of an identity in words.
fn form(identity: &Identity) -> String {
    let alias = match identity {
        Identity::Id(id) if uuid::Uuid::try_parse(id.as_str()).is_ok() => return "user id (GUID)".to_owned(),
        Identity::Id(_) => return "user id".to_owned(),
        Identity::Alias(alias) => alias,
    };
    match alias.app() {
        Some(Alias::PASSPORT_IDS) => "passport id (PUID)".to_owned(),
        Some(Alias::SECURITY_IDS) => "security identifier".to_owned(),
        Some(Alias::MAILBOX_IDS) => "mailbox id".to_owned(),
        Some(Alias::SOURCE_KEYS) => "key of the source".to_owned(),
        Some(app) => format!("account in {app}"),
        None if alias.is_guest() => "guest name (#EXT#)".to_owned(),
        None if alias.domain().is_some() => "address".to_owned(),
        None => "name without an app".to_owned(),
    }
}

fn text(identity: &Identity) -> &str {
    match identity {
        Identity::Id(id) => id.as_str(),
        Identity::Alias(alias) => alias.as_str(),
    }
}

fn folded(identity: &Identity) -> String {
    match identity {
        Identity::Id(id) => id.as_str().to_owned(),
        Identity::Alias(alias) => alias.as_str().to_lowercase(),
    }
}
