//! How an activity stands in a row: its id, its time and its details in columns of their own, everything else side by
//! side in one blob.
//!
//! A text is its [length](crate::varint) and its bytes. One activity has one form, so that two are the
//! same exactly when their rows are.

use chrono::DateTime;

use crate::activity::{Activity, App};
use crate::actor::{Actor, ActorKind};
use crate::identity::{Alias, Identity, UserId};
use crate::varint;

/// The facts cannot be read back.
#[derive(Debug)]
pub(super) struct Unreadable;

const ID: u8 = 0;
const ALIAS: u8 = 1;
const ACCOUNT: u8 = 2;

/// Writes what stands in no column of its own.
pub(super) fn write(activity: &Activity, into: &mut Vec<u8>) {
    text(activity.app().name().as_str(), into);
    optional(activity.app().suite().map(|suite| suite.as_str()), into);
    text(activity.action().as_str(), into);
    principal(activity.actor(), into);
    number(activity.on_behalf_of().len(), into);
    activity.on_behalf_of().iter().for_each(|actor| principal(actor, into));
    number(activity.objects().len(), into);
    activity.objects().for_each(|object| text(object, into));
}

fn principal(actor: &Actor, into: &mut Vec<u8>) {
    into.push(match actor.kind() {
        ActorKind::User => 0,
        ActorKind::Application => 1,
        ActorKind::System => 2,
        ActorKind::Unknown => 3,
    });
    optional(actor.name().map(|name| name.as_str()), into);
    number(actor.identities().len(), into);
    for identity in actor.identities() {
        match identity {
            Identity::Id(id) => {
                into.push(ID);
                text(id.as_str(), into);
            }
            Identity::Alias(alias) => {
                into.push(if alias.app().is_some() { ACCOUNT } else { ALIAS });
                alias.app().into_iter().for_each(|app| text(app, into));
                text(alias.as_str(), into);
            }
        }
    }
}

fn optional(value: Option<&str>, into: &mut Vec<u8>) {
    into.push(u8::from(value.is_some()));
    value.into_iter().for_each(|value| text(value, into));
}

fn text(text: &str, into: &mut Vec<u8>) {
    number(text.len(), into);
    into.extend_from_slice(text.as_bytes());
}

fn number(number: usize, into: &mut Vec<u8>) {
    varint::write(number as u64, into);
}

/// The activity of a row, if it is one.
pub(super) fn read(id: &str, micros: i64, facts: &[u8], details: Option<&str>) -> Result<Activity, Unreadable> {
    let mut rest = Rest(facts);
    let (name, suite) = (checked(rest.text()?.parse())?, rest.optional()?);
    let app = match suite {
        Some(suite) => App::new(name).in_suite(checked(suite.parse())?),
        None => App::new(name),
    };
    let action = checked(rest.text()?.parse())?;
    let time = DateTime::from_timestamp_micros(micros).ok_or(Unreadable)?;
    let mut activity = Activity::builder(checked(id.parse())?, rest.principal()?, app, action, time);
    for _ in 0..rest.number()? {
        activity = activity.on_behalf_of(rest.principal()?);
    }
    for _ in 0..rest.number()? {
        activity = activity.object(rest.text()?);
    }
    if let Some(details) = details {
        activity = activity.details(details);
    }
    if rest.0.is_empty() { checked(activity.build()) } else { Err(Unreadable) }
}

/// What is left to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn principal(&mut self) -> Result<Actor, Unreadable> {
        let kind = match self.byte()? {
            0 => ActorKind::User,
            1 => ActorKind::Application,
            2 => ActorKind::System,
            3 => ActorKind::Unknown,
            _ => return Err(Unreadable),
        };
        let name = checked(self.optional()?.map(str::parse).transpose())?;
        let identities = (0..self.number()?).map(|_| self.identity()).collect::<Result<_, _>>()?;
        Ok(Actor::from_parts(kind, name, identities))
    }

    fn identity(&mut self) -> Result<Identity, Unreadable> {
        Ok(match self.byte()? {
            ID => Identity::Id(checked(UserId::new(self.text()?))?),
            ALIAS => Identity::Alias(checked(Alias::new(self.text()?))?),
            ACCOUNT => Identity::Alias(checked(Alias::account(self.text()?, self.text()?))?),
            _ => return Err(Unreadable),
        })
    }

    fn optional(&mut self) -> Result<Option<&'a str>, Unreadable> {
        match self.byte()? {
            0 => Ok(None),
            1 => self.text().map(Some),
            _ => Err(Unreadable),
        }
    }

    fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = self.number()?;
        checked(str::from_utf8(self.0.split_off(..length).ok_or(Unreadable)?))
    }

    fn number(&mut self) -> Result<usize, Unreadable> {
        checked(varint::read(&mut self.0).ok_or(Unreadable)?.try_into())
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.0.split_off_first().copied().ok_or(Unreadable)
    }
}

/// What is wrong is not told, because it can quote what it is about.
fn checked<T, E>(read: Result<T, E>) -> Result<T, Unreadable> {
    read.map_err(|_| Unreadable)
}

#[cfg(all(test, feature = "proptest"))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategies::activities;

    proptest! {
        #[test]
        fn d4_a_row_gives_the_activity_back_and_no_other(activity in activities(), other in activities(), cut in any::<usize>(), byte in any::<u8>()) {
            let form = |activity: &Activity| {
                let mut facts = Vec::new();
                write(activity, &mut facts);
                facts
            };
            let back = |facts: &[u8]| read(activity.id().as_str(), activity.occurred_at().timestamp_micros(), facts, activity.details());
            let facts = form(&activity);
            prop_assert_eq!(back(&facts).unwrap(), activity.clone());
            prop_assert_eq!(back(&form(&other)).ok() == Some(activity.clone()), form(&other) == facts);
            // Whatever is damaged is refused, or is another activity.
            let at = cut % facts.len();
            prop_assert!(back(&facts[..at]).is_err());
            let mut damaged = facts.clone();
            damaged[at] = byte;
            prop_assert!(damaged == facts || back(&damaged).ok() != Some(activity.clone()));
            damaged.push(byte);
            prop_assert!(back(&damaged).is_err());
        }
    }
}
