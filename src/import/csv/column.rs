//! What the columns of a table are called, and what table they make.

use crate::import::RejectReason;
use crate::input::csv::Row;
use crate::steps::advance;

const KNOWN: &str = "a column of users, groups or memberships, or one that is said to be ignored";

/// The most characters of a column's name that a message repeats.
const MAX_SHOWN: usize = 64;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Id,
    Upn,
    Mail,
    Alias,
    Account,
    Status,
    Enabled,
    HomeDomain,
    Groups,
    Name,
    GroupId,
    Parents,
    Member,
    MemberType,
    Ignored,
    /// One without a name, as a comma too many makes it.
    Unnamed,
}

/// What the rows of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableKind {
    Users,
    Groups,
    Memberships,
}

const USERS: &[(Column, &[&str])] = &[
    (Column::Id, &["id", "userid", "objectid"]),
    (Column::Upn, &["upn", "userprincipalname", "username"]),
    (Column::Mail, &["mail", "email", "emailaddress", "primarysmtpaddress"]),
    (Column::Alias, &["alias", "aliases", "proxyaddresses", "othermails", "emailaddresses", "alternateemailaddress"]),
    (Column::Account, &["account", "accountname", "samaccountname", "login", "uid", "mailnickname"]),
    (Column::Status, &["status"]),
    (Column::Enabled, &["accountenabled", "enabled", "active"]),
    (Column::HomeDomain, &["homedomain"]),
    (Column::Groups, &["groups", "memberof", "groupids"]),
    (Column::Ignored, &["name", "displayname"]),
    // What a download of users from Entra tells of them, and what names nobody.
    (
        Column::Ignored,
        &[
            "surname",
            "givenname",
            "usertype",
            "jobtitle",
            "department",
            "usagelocation",
            "streetaddress",
            "state",
            "country",
            "officelocation",
            "city",
            "postalcode",
            "telephonenumber",
            "mobilephone",
            "agegroup",
            "consentprovidedforminor",
            "legalagegroupclassification",
            "companyname",
            "creationtype",
            "directorysynced",
            "invitationstate",
            "identityissuer",
            "createddatetime",
        ],
    ),
];

const GROUPS: &[(Column, &[&str])] = &[
    (Column::GroupId, &["groupid", "id"]),
    (Column::Name, &["name", "displayname", "groupname"]),
    (Column::Parents, &["parents", "parentgroups"]),
];

const MEMBERSHIPS: &[(Column, &[&str])] = &[
    (Column::GroupId, &["group", "groupid"]),
    (Column::Member, &["member", "memberid", "user", "userid"]),
    (Column::MemberType, &["type", "membertype"]),
];

impl Column {
    /// What it is called in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Upn => "upn",
            Self::Mail => "mail",
            Self::Alias => "alias",
            Self::Account => "account",
            Self::Status => "status",
            Self::Enabled => "account enabled",
            Self::HomeDomain => "home domain",
            Self::Groups => "groups",
            Self::Name => "name",
            Self::GroupId => "group id",
            Self::Parents => "parents",
            Self::Member => "member",
            Self::MemberType => "type",
            Self::Ignored | Self::Unnamed => "without a name",
        }
    }

    /// Whether a table can have several of it.
    fn may_repeat(self) -> bool {
        matches!(self, Self::Upn | Self::Mail | Self::Alias | Self::Account | Self::Ignored | Self::Unnamed)
    }
}

/// The header of a table, understood.
pub(super) struct Header {
    kind: TableKind,
    columns: Vec<Column>,
}

impl Header {
    pub(super) fn new(row: &Row<'_>, ignoring: &[String]) -> Result<Self, RejectReason> {
        let names: Vec<Name> = row.iter().map(Name::new).collect();
        advance(names.len());
        let is_ignored = |name: &Name| ignores(ignoring, &name.plain) || ignores(ignoring, &name.key);
        let read: Vec<&str> = names.iter().filter(|name| !is_ignored(name)).map(|name| name.key.as_str()).collect();
        let kind = TableKind::of(&read)?;
        let known = match kind {
            TableKind::Users => USERS,
            TableKind::Groups => GROUPS,
            TableKind::Memberships => MEMBERSHIPS,
        };
        let mut columns: Vec<Column> = Vec::with_capacity(names.len());
        for (at, name) in (1..).zip(&names) {
            let column = known.iter().find(|(_, names)| names.contains(&name.key.as_str())).map(|(column, _)| *column);
            let column = match column {
                _ if is_ignored(name) => Column::Ignored,
                _ if name.key.is_empty() && name.is_blank => Column::Unnamed,
                Some(column) => column,
                None => {
                    let name = name.shown.clone();
                    return Err(RejectReason::UnknownColumn { column: at, name, expected: KNOWN });
                }
            };
            if columns.contains(&column) && !column.may_repeat() {
                return Err(RejectReason::RepeatedField { field: column.name() });
            }
            columns.push(column);
        }
        Ok(Self { kind, columns })
    }

    /// Rejects a row that holds something in a column without a name.
    pub(super) fn check_unnamed(&self, row: &Row<'_>) -> Result<(), RejectReason> {
        match self.all(row, Column::Unnamed).next() {
            Some(_) => {
                let expected = "nothing, because the header does not say what it is";
                Err(RejectReason::InvalidField { field: Column::Unnamed.name(), expected })
            }
            None => Ok(()),
        }
    }

    pub(super) fn kind(&self) -> TableKind {
        self.kind
    }

    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// What the columns of this meaning hold, unless nothing.
    pub(super) fn all<'a>(&'a self, row: &'a Row<'_>, column: Column) -> impl Iterator<Item = &'a str> {
        advance(self.columns.len());
        let held = self.columns.iter().zip(row.iter()).filter(move |(held, _)| **held == column);
        held.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// The same, with the column.
    pub(super) fn texts<'a>(&'a self, row: &'a Row<'_>, column: Column) -> impl Iterator<Item = (Column, &'a str)> {
        self.all(row, column).map(move |text| (column, text))
    }

    /// What a column holds that a row cannot do without.
    pub(super) fn required<'a>(
        &'a self,
        row: &'a Row<'_>,
        column: Column,
        expected: &'static str,
    ) -> Result<&'a str, RejectReason> {
        self.all(row, column).next().ok_or(RejectReason::MissingField { field: column.name(), expected })
    }
}

impl TableKind {
    fn of(names: &[&str]) -> Result<Self, RejectReason> {
        let has = |some: &[&str]| names.iter().any(|name| some.contains(name));
        let group = has(&["group", "groupid"]);
        if has(&["member", "memberid"]) || (group && has(&["user", "userid"])) {
            return if group { Ok(Self::Memberships) } else { Err(missing("group", "the id of the group")) };
        }
        if group || has(&["groupname"]) {
            let id = has(&["groupid", "id"]);
            return if id { Ok(Self::Groups) } else { Err(missing("group id", "the immutable id of a group")) };
        }
        let id = has(&["id", "userid", "objectid"]);
        // Users and groups alike can have an id, a name, and nothing else.
        if id && has(&["name", "displayname", "parents", "parentgroups"]) && !names.iter().any(|name| is_of_users(name))
        {
            return Err(missing("user id", "that, or `group id`, because `id` and a name are told of both"));
        }
        if id {
            Ok(Self::Users)
        } else {
            Err(missing("id", "the immutable id of a user, or `group id`, or `group` and `member`"))
        }
    }
}

/// Whether any table has this column.
fn is_known(name: &str) -> bool {
    [USERS, GROUPS, MEMBERSHIPS].iter().any(|table| table.iter().any(|(_, names)| names.contains(&name)))
}

/// Whether no table but that of users has this column.
fn is_of_users(name: &str) -> bool {
    let shared = ["id", "name", "displayname"];
    !shared.contains(&name) && USERS.iter().any(|(_, names)| names.contains(&name))
}

fn missing(field: &'static str, expected: &'static str) -> RejectReason {
    RejectReason::MissingField { field, expected }
}

fn ignores(ignoring: &[String], name: &str) -> bool {
    ignoring.iter().any(|ignored| ignored == name)
}

/// What a header calls a column.
struct Name {
    /// All of it.
    plain: String,
    /// By what it is known: what is in brackets, as in `User name [userPrincipalName] Required`, if a table has a column
    /// of that name, or else all that is not in brackets, as in `First Name [Required]`.
    key: String,
    is_blank: bool,
    shown: Option<Box<str>>,
}

impl Name {
    fn new(text: &str) -> Self {
        let bracketed = text.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?)));
        let key = bracketed.map(|(head, (within, tail))| {
            let within = plain(within);
            if is_known(&within) { within } else { plain(head) + &plain(tail) }
        });
        let plain = plain(text);
        let key = key.unwrap_or_else(|| plain.clone());
        Self { plain, key, is_blank: text.trim().is_empty(), shown: shown(text) }
    }
}

/// A name as a message repeats it, unless it looks like a value.
fn shown(name: &str) -> Option<Box<str>> {
    let is_of_names = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '[' | ']' | '(' | ')' | '/');
    let name = name.trim();
    let looks_like_one = name.starts_with(char::is_alphabetic) && name.chars().all(is_of_names);
    looks_like_one.then(|| name.chars().take(MAX_SHOWN).collect::<String>().into())
}

/// A name without what plays no part in it.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
