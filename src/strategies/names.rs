//! Names that are easily confused, and names that only look alike.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::identity::{Alias, Domain, GroupId, Identity, Subject, UserId};
use crate::policy::GroupRef;

/// Each line contains the spellings of one account; no two lines are the same account. A non-empty app binds the name
/// to it.
const SPELLINGS: &[&[(&str, &str)]] = &[
    &[("", "root@contoso.com"), ("", "ROOT@Contoso.com.")],
    &[("", "ann@contoso.com"), ("", "Ann@CONTOSO.COM")],
    &[("", "jos\u{e9}@mail.contoso.com"), ("", "JOSE\u{301}@Mail.Contoso.com")],
    &[("", "adele@contoso.com"), ("", "ADELE@\u{ff43}ontoso\u{3002}com"), ("Box", "Adele@contoso.com")],
    &[("", "stra\u{df}e@contoso.com"), ("", "STRASSE@contoso.com"), ("", "STRA\u{1e9e}E@contoso.com.")],
    &[("Box", "adele"), ("BOX", "ADELE")],
    &[("", "bob@b\u{fc}cher.example"), ("", "BOB@xn--bcher-kva.example"), ("", "bob@BU\u{308}CHER.example.")],
    &[("", "\"a@evil.example\"@contoso.com"), ("", "\"A@evil.example\"@contoso.com")],
    &[("", "g_fabrikam.com#EXT#@contoso.com"), ("", "G_fabrikam.com#ext#@contoso.com")],
    &[
        ("", "\u{3a3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c2}@evil.example"),
        ("", "\u{3c3}\u{3af}\u{3c3}\u{3c5}\u{3c6}\u{3bf}\u{3c3}@EVIL.example"),
    ],
    &[("", "I@contoso.com"), ("", "i@contoso.com")],
    &[("", "\u{130}@contoso.com"), ("", "i\u{307}@contoso.com")],
    &[("", "\u{131}@contoso.com")],
    &[("", "a@evil.example@contoso.com"), ("", "A@EVIL.example@contoso.com.")],
    &[("", "x@evilcontoso.com")],
    &[("", "x@contoso.com@evil.example")],
    &[("", "adele"), ("", " Adele ")],
    &[("GitHub", "adele")],
    &[("", "@contoso.com")],
    &[("", "adele@")],
    &[("", "x@contoso..com")],
    &[("", "\u{ff41}dele@contoso.com"), ("", "\u{ff21}dele@contoso.com")],
    &[("", LONG), ("", LONG_UPPER)],
    &[("", "o'neil%_*@contoso.com")],
    &[("", "nobody@contoso.com")],
    &[("puid", "1003200096971F55"), ("PUID", "1003200096971f55")],
    &[("sid", "S-1-5-21-1-2-3-1104"), ("SID", "s-1-5-21-1-2-3-1104")],
    &[("", "1003200096971F55@contoso.com"), ("", "1003200096971f55@CONTOSO.com")],
    &[("", "ad\u{fffd}le@contoso.com")],
    &[("", "x@a.templateTenant")],
    // Two domains whose texts fold to the same.
    &[("", "x@fa\u{df}.example"), ("", "X@FA\u{df}.Example."), ("", "x@xn--fa-hia.example")],
    &[("", "x@fass.example"), ("", "X@FASS.example")],
];

const LONG: &str = concat!(
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long@contoso.com"
);
const LONG_UPPER: &str = concat!(
    "LONG-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-",
    "long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-long-LONG-",
    "long@contoso.com"
);

/// The users, each with the lines of [`SPELLINGS`] that are usually theirs.
pub(super) const PEOPLE: &[(&str, &[usize])] = &[
    ("root", &[0]),
    ("ann", &[1, 2, 25, 26]),
    ("adele", &[3, 4, 5]),
    ("bob", &[6, 7]),
    ("guest", &[8, 9]),
    // A different user than `bob`: ids are never folded.
    ("Bob", &[10, 11]),
];

const UNKNOWN_USERS: &[&str] = &["stranger", "ROOT", "adele@contoso.com"];
const GROUPS: &[&str] = &["council", "board", "staff", "Council"];
const DOMAINS: &[&str] = &["contoso.com", "mail.contoso.com", "b\u{fc}cher.example", "fabrikam.com", "com"];

pub(super) fn account((app, text): (&str, &str)) -> Option<Alias> {
    if app.is_empty() { Alias::new(text).ok() } else { Alias::account(app, text).ok() }
}

/// Returns names by account: the names of one line are spellings of the same account, and no two lines are the same
/// account.
///
/// ```
/// let names = activity_privacy::strategies::spellings();
/// assert!(names[0][0].matches(&names[0][1]));
/// assert!(!names[0][0].matches(&names[1][0]));
/// ```
#[must_use]
pub fn spellings() -> Vec<Vec<Alias>> {
    SPELLINGS.iter().map(|line| line.iter().copied().filter_map(account).collect()).collect()
}

/// Generates aliases of users and of no user: mixed case, sharp s, dotted and dotless i, final sigma, composed and
/// combining accents, Unicode and punycode domains, trailing dots, several `@`, quotes, guests, full-width letters,
/// missing domains, accounts bound to an app, technical ids, and a damaged name.
pub fn aliases() -> impl Strategy<Value = Alias> + Clone {
    let known: Vec<Alias> = PEOPLE.iter().flat_map(|(_, lines)| lines.iter()).flat_map(|line| of_line(*line)).collect();
    let all: Vec<Alias> = spellings().into_iter().flatten().collect();
    prop_oneof![3 => select(known), 1 => select(all)]
}

pub(super) fn of_line(line: usize) -> Vec<Alias> {
    SPELLINGS.get(line).into_iter().flat_map(|line| line.iter().copied()).filter_map(account).collect()
}

/// Generates ids of six users, two of which differ by case only, and of some users that no directory contains.
pub fn user_ids() -> impl Strategy<Value = UserId> + Clone {
    let ids = |names: Vec<&str>| names.into_iter().filter_map(|name| UserId::new(name).ok()).collect::<Vec<_>>();
    prop_oneof![
        9 => select(ids(PEOPLE.iter().map(|(name, _)| *name).collect())),
        1 => select(ids(UNKNOWN_USERS.to_vec())),
    ]
}

/// Generates ids and aliases.
pub fn identities() -> impl Strategy<Value = Identity> + Clone {
    prop_oneof![3 => aliases().prop_map(Identity::Alias), 1 => user_ids().prop_map(Identity::Id)]
}

/// Generates subjects, most with one more identity, which may be theirs.
pub fn subjects() -> impl Strategy<Value = Subject> + Clone {
    (user_ids(), option::weighted(0.6, identities()))
        .prop_map(|(id, also)| also.into_iter().fold(Subject::of(id), Subject::with_identity))
}

/// Generates domains: managed or not, a subdomain, and one in Unicode.
pub fn domains() -> impl Strategy<Value = Domain> + Clone {
    select(DOMAINS.iter().filter_map(|name| Domain::new(name).ok()).collect::<Vec<_>>())
}

pub(super) fn all_groups() -> Vec<GroupId> {
    GROUPS.iter().filter_map(|name| GroupId::new(*name).ok()).collect()
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
