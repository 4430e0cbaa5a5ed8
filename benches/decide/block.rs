//! Activities as the engine receives them: just parsed, and so in the cache, while the tables are not.

use std::hint::black_box;

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::identity::{Alias, Identity};

use super::as_of;
use super::chance::SplitMix64;
use super::import::user_id;
use super::organisation::{as_written, id, mail, upn};

/// How many activities are timed together. At nearly a kilobyte each, more would not fit into the cache of one core.
pub(crate) const BLOCK: usize = 256;

/// The identities on an activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A UPN.
    Upn,
    /// An id and a UPN.
    IdAndUpn,
    /// A UPN, and the UPN of a user on whose behalf it was done.
    OnBehalf,
    /// The name of an account that no user has.
    Account,
    /// An address with letters that are not in ASCII, of a user who has one.
    NotAscii,
    /// A UPN of a protected user.
    Protected,
}

/// Activities that are timed together.
pub(crate) struct Block {
    pub(crate) activities: Vec<Activity>,
    /// The folded name of each actor, for contenders that do not fold names themselves.
    pub(crate) folded: Vec<String>,
    /// Whether each activity is to be hidden.
    pub(crate) hidden: Vec<bool>,
}

impl Block {
    /// Returns activities of these users, each on behalf of the next user if the form needs one. `is_hidden` returns
    /// whether an activity with these principals is to be hidden.
    pub(crate) fn new(users: &[u32], form: Form, chance: &mut SplitMix64, is_hidden: impl Fn(&[u32]) -> bool) -> Self {
        let mut block = Self { activities: Vec::new(), folded: Vec::new(), hidden: Vec::new() };
        let next = users.iter().cycle().skip(1);
        for (user, next) in users.iter().zip(next) {
            let name = match form {
                Form::NotAscii => mail(*user),
                Form::Account => format!("acct-{user}"),
                _ => upn(*user),
            };
            let alias = match form {
                Form::Account => Alias::account("SharePoint", as_written(&name, chance)),
                _ => Alias::new(as_written(&name, chance)),
            };
            let actor = Actor::user(alias.unwrap());
            let actor = if form == Form::IdAndUpn { actor.with_identity(user_id(*user)) } else { actor };
            let app = App::new("SharePoint".parse().unwrap()).in_suite("Microsoft 365".parse().unwrap());
            let activity_id = id(chance.next() as u32).parse().unwrap();
            let activity = Activity::builder(activity_id, actor, app, "FileAccessed".parse().unwrap(), as_of());
            let activity = match form {
                Form::OnBehalf => {
                    activity.on_behalf_of(Actor::user(Alias::new(as_written(&upn(*next), chance)).unwrap()))
                }
                _ => activity,
            };
            block.activities.push(activity.build().unwrap());
            block.folded.push(name);
            block.hidden.push(match form {
                Form::OnBehalf => is_hidden(&[*user, *next]),
                Form::Account => false,
                _ => is_hidden(&[*user]),
            });
        }
        block
    }

    /// Returns the names of the actors as the source wrote them.
    pub(crate) fn raw(&self) -> Vec<&str> {
        self.activities
            .iter()
            .map(|activity| match activity.actor().identities() {
                [Identity::Alias(alias), ..] => alias.as_str(),
                _ => "",
            })
            .collect()
    }

    /// Reads all activities, as the parser did.
    pub(crate) fn touch(&self) {
        let mut sum = 0_usize;
        for (activity, folded) in self.activities.iter().zip(&self.folded) {
            for actor in activity.principals() {
                sum += actor.label().bytes().map(usize::from).sum::<usize>();
                sum += actor.identities().len();
            }
            sum += activity.app().name().as_str().len() + activity.objects().len();
            sum += folded.bytes().map(usize::from).sum::<usize>();
        }
        black_box(sum);
    }
}
