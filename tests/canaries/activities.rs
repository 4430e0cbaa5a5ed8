//! Where the activities of a history come from.

use activity_privacy::activity::{Activity, Actor, App};
use activity_privacy::directory::User;

use super::tokens::token;
use crate::chance::Chance;
use crate::fixture::*;

/// A source of activities, each with a token of its own as its id.
pub(crate) trait Activities {
    /// Returns the next activities: none if there are no more.
    fn next(&mut self, chance: &mut Chance) -> Vec<Activity>;
}

/// Invented activities of a few people, with the token in every field.
#[derive(Default)]
pub(crate) struct Invented {
    number: u64,
}

const PEOPLE: u64 = 12;

/// Texts beside a token that try to end its field in some format.
const BESIDE: [&str; 9] = ["\n", "|", "=", "\t", "\u{1b}[2J", "\",\"", "\r\nCEF:0|", "=cmd()", "\u{2028}"];

impl Invented {
    pub(crate) fn people() -> Vec<User> {
        (0..PEOPLE).map(|number| contoso(&format!("p{number}"))).collect()
    }
}

impl Activities for Invented {
    fn next(&mut self, chance: &mut Chance) -> Vec<Activity> {
        (0..chance.below(20) + 1)
            .map(|_| {
                self.number += 1;
                invented(&token(self.number), chance)
            })
            .collect()
    }
}

fn invented(token: &str, chance: &mut Chance) -> Activity {
    let actor = match chance.below(12) {
        0 => Actor::unknown(),
        1 => Actor::application(token.parse().unwrap()),
        2 => Actor::user(alias(&format!("{token}@contoso.com"))),
        _ => person(token, chance),
    };
    let app = App::new(format!("app {token}").parse().unwrap()).in_suite(format!("suite {token}").parse().unwrap());
    let verb = ["Read", "UserLoggedIn", "FileDeleted"][chance.below(3) as usize];
    let action = if verb == "UserLoggedIn" { verb.to_owned() } else { format!("{verb} {token}") };
    let beside = BESIDE[chance.below(BESIDE.len() as u64) as usize];
    let mut begun = Activity::builder(token.parse().unwrap(), actor, app, action.parse().unwrap(), at(0))
        .object(token)
        .object(format!("{beside}{token}{beside}"))
        .details(format!("{{\"text\":\"{token}\"}}{beside}{token}"));
    if chance.one_in(4) {
        begun = begun.on_behalf_of(person(token, chance));
    }
    begun.build().unwrap()
}

fn person(token: &str, chance: &mut Chance) -> Actor {
    let name = format!("p{}@contoso.com", chance.below(PEOPLE));
    Actor::user(alias(&name)).with_identity(alias(&format!("{token}@contoso.com")))
}
