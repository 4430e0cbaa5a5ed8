//! The names of columns, and the kind of table that they form.

use crate::import::EntryRejectReason;
use crate::input::csv::Row;
use crate::steps::advance;

const KNOWN: &str = "a column of users, groups or memberships, or one named to `Tables::ignoring`";

/// The most characters of the name of a column in a message.
const MAX_SHOWN: usize = 64;

/// The meaning of a column.
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
    /// A column without a name, for example behind a trailing comma.
    Unnamed,
}

/// The kind of records in a table.
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
    // The other columns of a download of users from Entra, which do not identify a person.
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
    /// Returns the name of the column in messages.
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
            Self::Ignored | Self::Unnamed => "unnamed column",
        }
    }

    /// Returns whether a table can have several such columns.
    fn may_repeat(self) -> bool {
        matches!(self, Self::Upn | Self::Mail | Self::Alias | Self::Account | Self::Ignored | Self::Unnamed)
    }
}

/// The parsed header of a table.
pub(super) struct Header {
    kind: TableKind,
    columns: Vec<Column>,
}

impl Header {
    /// Parses a header.
    ///
    /// # Errors
    /// Returns [`EntryRejectReason`] if a column is unknown and not in `ignoring`, if a column is missing, or if it
    /// occurs twice.
    pub(super) fn new(row: &Row<'_>, ignoring: &[String]) -> Result<Self, EntryRejectReason> {
        let names: Vec<ColumnName> = row.iter().map(ColumnName::new).collect();
        advance(names.len());
        let is_ignored = |name: &ColumnName| ignores(ignoring, &name.normalized) || ignores(ignoring, &name.key);
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
                    return Err(EntryRejectReason::UnknownColumn { column: at, name, expected: KNOWN });
                }
            };
            if columns.contains(&column) && !column.may_repeat() {
                return Err(EntryRejectReason::RepeatedField { field: column.name() });
            }
            columns.push(column);
        }
        Ok(Self { kind, columns })
    }

    /// Rejects a row with a value in a column without a name.
    pub(super) fn check_unnamed(&self, row: &Row<'_>) -> Result<(), EntryRejectReason> {
        match self.all(row, Column::Unnamed).next() {
            Some(_) => {
                let expected = "no value, because the column has no name";
                Err(EntryRejectReason::InvalidField { field: Column::Unnamed.name(), expected })
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

    /// Returns the values of the columns with this meaning, without empty ones.
    pub(super) fn all<'a>(&'a self, row: &'a Row<'_>, column: Column) -> impl Iterator<Item = &'a str> {
        advance(self.columns.len());
        let held = self.columns.iter().zip(row.iter()).filter(move |(held, _)| **held == column);
        held.map(|(_, text)| text.trim()).filter(|text| !text.is_empty())
    }

    /// Returns the values like [`Self::all`], each with the column.
    pub(super) fn texts<'a>(&'a self, row: &'a Row<'_>, column: Column) -> impl Iterator<Item = (Column, &'a str)> {
        self.all(row, column).map(move |text| (column, text))
    }

    /// Returns the value of a required column.
    ///
    /// # Errors
    /// Returns [`EntryRejectReason::MissingField`] if the column is missing or empty.
    pub(super) fn required<'a>(
        &'a self,
        row: &'a Row<'_>,
        column: Column,
        expected: &'static str,
    ) -> Result<&'a str, EntryRejectReason> {
        self.all(row, column).next().ok_or(EntryRejectReason::MissingField { field: column.name(), expected })
    }
}

impl TableKind {
    fn of(names: &[&str]) -> Result<Self, EntryRejectReason> {
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
        // Both users and groups can have an id, a name, and nothing else.
        if id && has(&["name", "displayname", "parents", "parentgroups"]) && !names.iter().any(|name| is_of_users(name))
        {
            return Err(missing(
                "user id",
                "`user id` or `group id`, because users and groups both have `id` and a name",
            ));
        }
        if id {
            Ok(Self::Users)
        } else {
            Err(missing("id", "the immutable id of a user, or `group id`, or `group` and `member`"))
        }
    }
}

/// Returns whether any kind of table has this column.
fn is_known(name: &str) -> bool {
    [USERS, GROUPS, MEMBERSHIPS].iter().any(|table| table.iter().any(|(_, names)| names.contains(&name)))
}

/// Returns whether only a table of users has this column.
fn is_of_users(name: &str) -> bool {
    let shared = ["id", "name", "displayname"];
    !shared.contains(&name) && USERS.iter().any(|(_, names)| names.contains(&name))
}

fn missing(field: &'static str, expected: &'static str) -> EntryRejectReason {
    EntryRejectReason::MissingField { field, expected }
}

fn ignores(ignoring: &[String], name: &str) -> bool {
    ignoring.iter().any(|ignored| ignored == name)
}

/// The name of a column in a header.
struct ColumnName {
    /// The whole name, normalized.
    normalized: String,
    /// The part that identifies the column: the text in brackets, as in `User name [userPrincipalName] Required`, if
    /// that is a known name, or else the text outside of brackets, as in `First Name [Required]`.
    key: String,
    is_blank: bool,
    /// The name for a message.
    shown: Option<Box<str>>,
}

impl ColumnName {
    fn new(text: &str) -> Self {
        let bracketed = text.split_once('[').and_then(|(head, rest)| Some((head, rest.split_once(']')?)));
        let key = bracketed.map(|(head, (within, tail))| {
            let within = normalized(within);
            if is_known(&within) { within } else { normalized(head) + &normalized(tail) }
        });
        let normalized = normalized(text);
        let key = key.unwrap_or_else(|| normalized.clone());
        Self { normalized, key, is_blank: text.trim().is_empty(), shown: shown(text) }
    }
}

/// Returns a name for a message, or `None` if it looks like a value.
fn shown(name: &str) -> Option<Box<str>> {
    let is_of_names = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-' | '.' | '[' | ']' | '(' | ')' | '/');
    let name = name.trim();
    let is_like_name = name.starts_with(char::is_alphabetic) && name.chars().all(is_of_names);
    is_like_name.then(|| name.chars().take(MAX_SHOWN).collect::<String>().into())
}

/// Returns a name in lower case without spaces and punctuation.
pub(super) fn normalized(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
