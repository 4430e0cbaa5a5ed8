//! Different spellings of one name, and different names that look alike.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::activities::all;
use crate::identity::{Alias, Domain, GroupId, Identity, Subject, UserId};
use crate::policy::GroupRef;

/// An account: the user who usually has it, and its spellings as `(app, name)`.
type Account = (&'static str, &'static [(&'static str, &'static str)]);

/// No two entries are the same account. An empty user means that no user has the account, an empty app that the name is
/// bound to no app.
const SPELLINGS: &[Account] = &[
    ("root", &[("", "root@contoso.com"), ("", "ROOT@Contoso.com.")]),
    ("ann", &[("", "ann@contoso.com"), ("", "Ann@CONTOSO.COM")]),
    ("ann", &[("", "jos\u{e9}@mail.contoso.com"), ("", "JOSE\u{301}@Mail.Contoso.com")]),
    ("adele", &[("", "adele@contoso.com"), ("", "ADELE@\u{ff43}ontoso\u{3002}com"), ("Box", "Adele@contoso.com")]),
    ("adele", &[("", "stra\u{df}e@contoso.com"), ("", "STRASSE@contoso.com"), ("", "STRA\u{1e9e}E@contoso.com.")]),
    ("adele", &[("Box", "adele"), ("BOX", "ADELE")]),
    ("bob", &[("", "bob@b\u{fc}cher.example"), ("", "BOB@xn--bcher-kva.example"), ("", "bob@BU\u{308}CHER.example.")]),
    ("bob", &[("", "\"a@evil.example\"@contoso.com"), ("", "\"A@evil.example\"@contoso.com")]),
    ("guest", &[("", "g_fabrikam.com#EXT#@contoso.com"), ("", "G_fabrikam.com#ext#@contoso.com")]),
    (
        "guest",
        &[
            ("", "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}@evil.example"),
            ("", "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c3}@EVIL.example"),
        ],
    ),
    ("Bob", &[("", "I@contoso.com"), ("", "i@contoso.com")]),
    ("Bob", &[("", "\u{130}@contoso.com"), ("", "i\u{307}@contoso.com")]),
    ("", &[("", "\u{131}@contoso.com")]),
    ("", &[("", "a@evil.example@contoso.com"), ("", "A@EVIL.example@contoso.com.")]),
    ("", &[("", "x@evilcontoso.com")]),
    ("", &[("", "x@contoso.com@evil.example")]),
    ("", &[("", "adele"), ("", " Adele ")]),
    ("", &[("GitHub", "adele")]),
    ("", &[("", "@contoso.com")]),
    ("", &[("", "adele@")]),
    ("", &[("", "x@contoso..com")]),
    ("", &[("", "\u{ff41}dele@contoso.com"), ("", "\u{ff21}dele@contoso.com")]),
    ("", &[("", LONG), ("", LONG_OTHER_CASE)]),
    ("", &[("", "o'neil%_*@contoso.com")]),
    ("", &[("", "nobody@contoso.com")]),
    ("ann", &[("puid", "1003200096971F55"), ("PUID", "1003200096971f55")]),
    ("ann", &[("sid", "S-1-5-21-1-2-3-1104"), ("SID", "s-1-5-21-1-2-3-1104")]),
    ("", &[("", "1003200096971F55@contoso.com"), ("", "1003200096971f55@CONTOSO.com")]),
    ("", &[("", "ad\u{fffd}le@contoso.com")]),
    ("", &[("", "x@a.templateTenant")]),
    // Two different domains whose texts fold to the same text.
    ("", &[("", "x@fa\u{df}.example"), ("", "X@FA\u{df}.Example."), ("", "x@xn--fa-hia.example")]),
    ("", &[("", "x@fass.example"), ("", "X@FASS.example")]),
];

/// Longer than any valid email address (254 bytes, RFC 5321).
const LONG: &str = concat!(
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long@contoso.com"
);
/// Differs from [`LONG`] only in the case of two words.
const LONG_OTHER_CASE: &str = concat!(
    "LONG-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-LONG-",
    "long@contoso.com"
);

/// The users. `bob` and `Bob` are different users: ids are never folded.
pub(super) const USERS: &[&str] = &["root", "ann", "adele", "bob", "guest", "Bob"];

const UNKNOWN_USERS: &[&str] = &["stranger", "ROOT", "adele@contoso.com"];
const GROUPS: &[&str] = &["council", "board", "staff", "Council"];
const DOMAINS: &[&str] = &["contoso.com", "mail.contoso.com", "b\u{fc}cher.example", "fabrikam.com", "com"];

/// Returns the id of a user. The literals are valid.
pub(super) fn user_id(literal: &'static str) -> UserId {
    UserId::from_checked(literal)
}

fn alias((app, name): (&str, &str)) -> Option<Alias> {
    if app.is_empty() { Alias::new(name).ok() } else { Alias::account(app, name).ok() }
}

fn spellings_of((_, names): &Account) -> Vec<Alias> {
    names.iter().copied().filter_map(alias).collect()
}

/// Returns the spellings of each account that a user usually has.
pub(super) fn accounts_of(user: &str) -> Vec<Vec<Alias>> {
    SPELLINGS.iter().filter(|(owner, _)| *owner == user).map(spellings_of).collect()
}

/// Returns names by account: the names of one entry are spellings of the same account, and no two entries are the same
/// account.
///
/// ```
/// let names = activity_privacy::strategies::spellings();
/// assert!(names[0][0].matches(&names[0][1]));
/// assert!(!names[0][0].matches(&names[1][0]));
/// ```
#[must_use]
pub fn spellings() -> Vec<Vec<Alias>> {
    SPELLINGS.iter().map(spellings_of).collect()
}

/// Generates aliases, mostly of the users in [`user_ids`]. They cover mixed case, sharp s, dotted and dotless i, final
/// sigma, composed and combining accents, Unicode and punycode domains, trailing dots, several `@`, quotes, guests,
/// full-width letters, missing domains, accounts bound to an app, technical ids, and a damaged name.
pub fn aliases() -> impl Strategy<Value = Alias> + Clone {
    let known: Vec<Alias> = USERS.iter().flat_map(|user| accounts_of(user)).flatten().collect();
    let all: Vec<Alias> = spellings().into_iter().flatten().collect();
    prop_oneof![3 => select(known), 1 => select(all)]
}

/// Generates ids of six users, two of which differ by case only, and of some users that no directory contains.
pub fn user_ids() -> impl Strategy<Value = UserId> + Clone {
    let ids = |names: &[&'static str]| names.iter().copied().map(user_id).collect::<Vec<_>>();
    prop_oneof![9 => select(ids(USERS)), 1 => select(ids(UNKNOWN_USERS))]
}

/// Generates ids and aliases.
pub fn identities() -> impl Strategy<Value = Identity> + Clone {
    prop_oneof![3 => aliases().prop_map(Identity::Alias), 1 => user_ids().prop_map(Identity::Id)]
}

/// Generates subjects: an id, and mostly one more identity, of the same user or another.
pub fn subjects() -> impl Strategy<Value = Subject> + Clone {
    (user_ids(), option::weighted(0.6, identities()))
        .prop_map(|(id, also)| also.into_iter().fold(Subject::of(id), Subject::with_identity))
}

/// Generates domains: two ordinary ones, a subdomain, one in Unicode, and a top-level domain.
pub fn domains() -> impl Strategy<Value = Domain> + Clone {
    select(all(DOMAINS, Domain::new))
}

pub(super) fn all_groups() -> Vec<GroupId> {
    all(GROUPS, GroupId::new)
}

/// Generates ids of four groups, two of which differ by case only.
pub fn group_ids() -> impl Strategy<Value = GroupId> + Clone {
    select(all_groups())
}

/// Generates imported groups and the two built-in groups.
pub fn groups() -> impl Strategy<Value = GroupRef> + Clone {
    prop_oneof![
        6 => group_ids().prop_map(GroupRef::Imported),
        1 => Just(GroupRef::Applications),
        1 => Just(GroupRef::ExternalUsers),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The strategies skip a literal that is invalid.
    #[test]
    fn d8_every_literal_is_valid() {
        for account in SPELLINGS {
            let (user, names) = account;
            assert_eq!(spellings_of(account).len(), names.len(), "{names:?}");
            assert!(user.is_empty() || USERS.contains(user), "{user}");
        }
        for user in USERS {
            assert!(!accounts_of(user).is_empty(), "{user}");
        }
        for users in [USERS, UNKNOWN_USERS] {
            assert_eq!(all(users, UserId::new).len(), users.len());
        }
        assert_eq!(all(DOMAINS, Domain::new).len(), DOMAINS.len());
        assert_eq!(all_groups().len(), GROUPS.len());
    }
}
