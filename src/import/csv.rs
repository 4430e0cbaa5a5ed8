//! Directories from CSV tables, which portals, spreadsheets and reports export.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::csv::Tables;
//! use activity_privacy::directory::DirectoryRevision;
//! use activity_privacy::identity::{GroupId, UserId};
//!
//! let users = "id,userPrincipalName,mail\nu-1,adele@contoso.example,adele.vance@contoso.example\n";
//! let groups = "groupId,displayName\ng-1,Works council\n";
//! let memberships = "groupId,memberId\ng-1,u-1\n";
//!
//! let mut tables = Tables::new();
//! for table in [memberships, users, groups] {
//!     tables.read(table.as_bytes());
//! }
//! let directory = tables.finish().into_complete()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! assert!(directory.all_members(&GroupId::new("g-1")?).contains(&UserId::new("u-1")?));
//! # Ok(())
//! # }
//! ```
//!
//! # Kinds of tables
//! The names of the columns show the kind of a table. Case, spaces and punctuation in them are ignored. If a name
//! contains brackets, as in `User name [userPrincipalName] Required`, the text in the brackets counts if it is a known
//! name, and otherwise the rest, as in `Email Address [Required]`.
//!
//! | Table | Required columns | Optional columns |
//! |---|---|---|
//! | users | `id` (`user id`, `object id`) | `upn` (`user principal name`, `user name`), `mail` (`email`, `email address`, `primary smtp address`), `alias` (`aliases`, `proxy addresses`, `other mails`, `email addresses`, `alternate email address`), `account` (`account name`, `sam account name`, `login`, `uid`, `mail nickname`), `status`, `account enabled` (`enabled`, `active`), `home domain`, `groups` (`member of`, `group ids`); ignored: `name` or `display name`, and the other columns of a download of users from Entra (`surname`, `job title`, ...) |
//! | groups | `group id`, or `id` with `group name` | `name` (`display name`, `group name`), `parents` (`parent groups`): the groups that contain it |
//! | memberships | `group` (`group id`) and `member` (`member id`, `user`, `user id`) | `type` (`member type`): `user`, `group`, or a kind of object that is not a person |
//!
//! - Ids are read without white space, invisible marks and a leading apostrophe. Every reference to a group is its id.
//! - In columns of names, `groups` and `parents`, `;` separates values. The UPN is the first name of a user, whatever
//!   the order of the columns.
//! - A user without a name is known by the id only, and is not protected in an activity that names them otherwise.
//! - `status` is `active`, `disabled` (`suspended`, `blocked`) or `deleted`; `account enabled` is `true` or `false`
//!   (`yes`, `no`, `1`, `0`). The status does not change the protection of a user.
//! - A member without a `type` is the user or the group with that id. If both have it, or neither, the row is rejected.
//!   A member of `type` `user` must have a record too, unless the tables contain no record of any user; then each
//!   member is known by the id only. Memberships of a `device`, an `application` or a `service principal` are
//!   [ignored](super::Import::ignored), and so are empty rows.
//!
//! # Names
//! - Addresses can also be separated by `+`, `|` or `/`, if every part is an address, and can be a list in brackets or
//!   braces.
//! - The reader removes `smtp:`, `sip:` and `mailto:`, a display name before an address in `<` and `>`, a claim
//!   (`i:0#.f|membership|`), quotes, a leading apostrophe, and invisible marks at both ends.
//! - Addresses of types that no activity contains (`X500:`, `X400:`, `EUM:`, `SPO:`) are skipped.
//! - `CONTOSO\adele` is a name, and so is `adele` by itself.
//! - Placeholders for no value (`-`, `N/A`, `<null>`) are skipped. `NULL`, `none` and `undefined` are skipped in
//!   columns of addresses; as an account they are rejected, because an account can have such a name.
//! - A row with any other text that is not a name is rejected: the name of a type in place of a list
//!   (`System.String[]`), a truncated list, addresses with commas or white space between them, `?` or U+FFFD in place
//!   of lost characters, UTF-8 decoded as Windows-1252, HTML and percent escapes, rounded numbers, an address with two
//!   `@` or without a domain.
//!
//! # Layout
//! - The delimiter is the one of `,`, `;`, tab and `|` that gives the most columns in the header, or the one that a
//!   line `sep=` before the header states.
//! - Blank lines before the header are skipped, and so are lines that begin with `#TYPE` or `version:v`.
//! - A row with a value in a column without a name is rejected.
//! - UTF-16, compressed data and the like are rejected as a whole, with their kind.
//!
//! # No row is dropped
//! A table with a column that is not listed here is rejected as a whole, because a misspelt column would lose the names
//! in it. The rejection contains the number of the column, and its name unless that looks like a value.
//! [`Tables::ignoring`] names columns to ignore. Every row is read, ignored, or rejected with the line on which it
//! begins. A row with more or fewer fields than columns is rejected. So is a last row that ends inside quotes, because
//! it was truncated. A last row with all its fields needs no line feed, so the reader cannot detect an input that was
//! truncated there or between two rows. A header needs a line feed. A byte order mark is not part of the header. Text
//! that a spreadsheet would read as a formula (a leading `=`, `+`, `-` or `@`) is text.
//!
//! # Memberships that can be missing
//! A table of members that a portal exports can contain direct members only, or users only, without nested groups. Both
//! protect too few people, unless the nested groups are exported as groups and listed as members, or the table lists
//! all members that a group has by nesting.

mod column;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};

use self::column::{Column, Header, TableKind};
use super::names::MAX_NAMES;
use super::spelling::{self, Holds};
use super::{EntryRejectReason, Import, Place, RejectedEntry, document};
use crate::directory::{DirectoryBuilder, User, UserStatus};
use crate::identity::{Domain, GroupId, UserId};
use crate::input::csv::{Preamble, Row, RowReader};
use crate::input::{InputError, InputStream, RecordError};
use crate::steps::advance;

/// The most bytes that a row may have, quotes included. A longer row is rejected, and skipped without being stored in
/// memory.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// A directory that is collected from any number of tables in any order; see the [module](self).
///
/// Stores one row of at most [`MAX_ROW_BYTES`], and the users, groups and memberships of all tables.
#[derive(Default)]
#[must_use]
pub struct Tables {
    ignoring: Vec<String>,
    non_people: HashSet<String>,
    inputs: u64,
    read: u64,
    ignored: u64,
    rejected: BTreeMap<At, EntryRejectReason>,
    users: Vec<(At, User)>,
    groups: Vec<(At, GroupId, String)>,
    memberships: Vec<Membership>,
}

/// The number of a table, and a line in it.
type At = (u64, u64);

struct Membership {
    at: At,
    group: GroupId,
    member: String,
    kind: Option<MemberKind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberKind {
    User,
    Group,
}

/// A fault behind which nothing more of a table can be read.
struct Damaged {
    line: u64,
    reason: EntryRejectReason,
}

impl Damaged {
    /// Keeps the kind of an error and drops its message, which can contain anything.
    fn io(line: u64, error: io::Error) -> Self {
        Self { line, reason: EntryRejectReason::Io { kind: error.kind() } }
    }
}

impl From<InputError> for EntryRejectReason {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io(kind) => Self::Io { kind },
            InputError::NotText(kind) => Self::OtherInput { kind },
        }
    }
}

impl From<RecordError> for EntryRejectReason {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::TooLong { max } => Self::TooLong { max },
            RecordError::NotUtf8 { at } => Self::NotUtf8 { at },
            RecordError::UnclosedQuote => Self::Truncated { expected: "the closing quote of a field" },
        }
    }
}

impl Tables {
    /// Creates a directory without tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ignores columns of this name. Case, spaces and punctuation in it are ignored.
    pub fn ignoring(mut self, column: impl AsRef<str>) -> Self {
        self.ignoring.push(column::normalized(column.as_ref()));
        self
    }

    /// Ignores members with these ids, which do not belong to people: devices or placeholders. Memberships of them are
    /// [ignored](Import::ignored), even if the row has another fault. Records of users and groups with these ids are
    /// read.
    pub fn ignoring_members(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(|id| spelling::id(&id.into()).to_owned()));
        self
    }

    /// Reads a table.
    pub fn read(&mut self, input: impl BufRead) -> &mut Self {
        self.inputs += 1;
        if let Err(Damaged { line, reason }) = self.read_table(input) {
            self.read += 1;
            self.rejected.insert((self.inputs, line), reason);
        }
        self
    }

    fn read_table(&mut self, input: impl BufRead) -> Result<(), Damaged> {
        let mut input = InputStream::new(input).map_err(|error| Damaged { line: 1, reason: error.into() })?;
        let preamble = Preamble::skip(&mut input, MAX_ROW_BYTES);
        let preamble = preamble.map_err(|error| Damaged::io(input.line(), error))?;
        let mut rows = RowReader::new(input, preamble.delimiter(), MAX_ROW_BYTES);
        if !next_row(&mut rows)? {
            return Ok(());
        }
        let header = rows.row().map_err(EntryRejectReason::from).and_then(|row| self.header(&row));
        let header = header.map_err(|reason| Damaged { line: rows.line(), reason })?;
        while next_row(&mut rows)? {
            advance(1);
            self.read += 1;
            let at = (self.inputs, rows.line());
            if rows.is_blank() {
                self.ignored += 1;
            } else if let Err(reason) =
                rows.row().map_err(EntryRejectReason::from).and_then(|row| self.row(&header, &row, at))
            {
                self.rejected.insert(at, reason);
            }
        }
        Ok(())
    }

    fn header(&self, row: &Row<'_>) -> Result<Header, EntryRejectReason> {
        // A header that is cut off inside a name could be that of another table.
        if row.ends_with_input() {
            return Err(EntryRejectReason::Truncated { expected: "a line feed at the end of the header" });
        }
        Header::new(row, &self.ignoring)
    }

    fn row(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), EntryRejectReason> {
        if row.iter().all(|field| field.trim().is_empty()) {
            self.ignored += 1;
            return Ok(());
        }
        match row.len() == header.len() {
            true => header.check_unnamed(row)?,
            false if row.ends_with_input() && row.len() < header.len() => {
                return Err(EntryRejectReason::Truncated { expected: "one field for each column in the last row" });
            }
            false => return Err(EntryRejectReason::FieldCount { found: row.len(), expected: header.len() }),
        }
        match header.kind() {
            TableKind::Users => self.user(header, row, at),
            TableKind::Groups => self.group(header, row, at),
            TableKind::Memberships => self.membership(header, row, at),
        }
    }

    fn user(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), EntryRejectReason> {
        let id = header.required(row, Column::Id, "the immutable id of a user")?;
        let id = document::user_id(spelling::id(id), "id")?;
        let mut names = Vec::new();
        for (column, holds) in [
            (Column::Upn, Holds::Accounts),
            (Column::Mail, Holds::Addresses),
            (Column::Alias, Holds::Addresses),
            (Column::Account, Holds::Accounts),
        ] {
            for text in header.all(row, column) {
                names.append(&mut spelling::names(text, column.name(), holds)?);
            }
        }
        advance(names.len());
        let mut user = User::new(id).with_aliases(names);
        if user.aliases().len() > MAX_NAMES {
            return Err(EntryRejectReason::TooManyNames { max: MAX_NAMES });
        }
        let mut status = UserStatus::Active;
        for (column, text) in [Column::Enabled, Column::Status].iter().flat_map(|column| header.texts(row, *column)) {
            status = self::status(column, text, status)?;
        }
        for domain in header.all(row, Column::HomeDomain) {
            let expected = "the domain name of the user's organization";
            let domain = Domain::new(domain);
            user = user.with_home_domain(
                domain.map_err(|_| EntryRejectReason::InvalidField { field: Column::HomeDomain.name(), expected })?,
            );
        }
        let groups = group_ids(header, row, Column::Groups)?;
        for group in groups {
            let member = user.id().as_str().to_owned();
            self.memberships.push(Membership { at, group, member, kind: Some(MemberKind::User) });
        }
        self.users.push((at, user.with_status(status)));
        Ok(())
    }

    fn group(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), EntryRejectReason> {
        let id = header.required(row, Column::GroupId, "the immutable id of a group")?;
        let id = document::group_id(spelling::id(id), "group id")?;
        for group in group_ids(header, row, Column::Parents)? {
            let member = id.as_str().to_owned();
            self.memberships.push(Membership { at, group, member, kind: Some(MemberKind::Group) });
        }
        let name = header.all(row, Column::Name).next().unwrap_or(id.as_str()).to_owned();
        self.groups.push((at, id, name));
        Ok(())
    }

    fn membership(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), EntryRejectReason> {
        let group = header.required(row, Column::GroupId, "the id of the group")?;
        let group = document::group_id(spelling::id(group), "group")?;
        let member = spelling::id(header.required(row, Column::Member, "the id of the member")?);
        if self.non_people.contains(member) {
            self.ignored += 1;
            return Ok(());
        }
        document::user_id(member, "member")?;
        let kind = match header.all(row, Column::MemberType).next().map(column::normalized).as_deref() {
            None => None,
            Some("user" | "person" | "microsoftgraphuser" | "microsoftgraphorgcontact") => Some(MemberKind::User),
            Some("group" | "microsoftgraphgroup") => Some(MemberKind::Group),
            Some(
                "device"
                | "application"
                | "serviceprincipal"
                | "microsoftgraphdevice"
                | "microsoftgraphserviceprincipal",
            ) => {
                self.ignored += 1;
                return Ok(());
            }
            Some(_) => {
                let expected = "`user`, `group`, `device`, `application` or `service principal`";
                return Err(EntryRejectReason::InvalidField { field: Column::MemberType.name(), expected });
            }
        };
        self.memberships.push(Membership { at, group, member: member.to_owned(), kind });
        Ok(())
    }

    /// Returns the directory of all tables.
    pub fn finish(self) -> Import<DirectoryBuilder> {
        let Self { inputs, ignoring: _, non_people: _, read, ignored, mut rejected, users, groups, memberships } = self;
        let mut builder = DirectoryBuilder::new();
        let mut known_users: HashSet<UserId> = HashSet::with_capacity(users.len());
        advance(users.len() + groups.len() + memberships.len());
        for (at, user) in users {
            if known_users.insert(user.id().clone()) {
                builder = builder.user(user);
            } else {
                rejected.insert(at, EntryRejectReason::RepeatedRecord);
            }
        }
        let mut known_groups: HashMap<String, GroupId> = HashMap::with_capacity(groups.len());
        for (at, id, name) in groups {
            if known_groups.insert(id.as_str().to_owned(), id.clone()).is_none() {
                builder = builder.group(id, name);
            } else {
                rejected.insert(at, EntryRejectReason::RepeatedRecord);
            }
        }
        for Membership { at, group, member, kind } in memberships {
            if !known_groups.contains_key(group.as_str()) {
                reject(&mut rejected, at, EntryRejectReason::UnknownGroup { count: 1 });
                continue;
            }
            // The id was checked when the row was read.
            let Ok(user) = UserId::new(member.as_str()) else { continue };
            let (nested, is_user) = (known_groups.get(&member), known_users.contains(&user));
            let unknown = EntryRejectReason::UnknownMember { count: 1 };
            let expected = "`user` or `group`, because a user and a group have the id";
            match (kind, nested) {
                (Some(MemberKind::Group) | None, Some(nested)) => {
                    builder = builder.nested(&group, nested);
                    if kind.is_none() && is_user {
                        builder = builder.member(&group, &user);
                        reject(
                            &mut rejected,
                            at,
                            EntryRejectReason::InvalidField { field: Column::MemberType.name(), expected },
                        );
                    }
                }
                (Some(MemberKind::Group), None) => reject(&mut rejected, at, unknown),
                (Some(MemberKind::User), _) | (None, None) => {
                    builder = builder.member(&group, &user);
                    // Without a table of users, members are known by the id only.
                    if !is_user && (kind.is_none() || !known_users.is_empty()) {
                        reject(&mut rejected, at, unknown);
                    }
                }
            }
        }
        let place = |(input, line)| if inputs == 1 { Place::Line(line) } else { Place::LineOf { input, line } };
        let rejected = rejected.into_iter().map(|(at, reason)| RejectedEntry { place: place(at), reason }).collect();
        Import { value: builder, read, ignored, rejected }
    }
}

fn next_row<R: BufRead>(rows: &mut RowReader<R>) -> Result<bool, Damaged> {
    rows.next().map_err(|error| Damaged::io(rows.input().line(), error))
}

/// Rejects a row after all tables were read. A row is rejected once; its unknown members or groups are counted.
fn reject(rejected: &mut BTreeMap<At, EntryRejectReason>, at: At, reason: EntryRejectReason) {
    use EntryRejectReason::{UnknownGroup, UnknownMember};

    match (rejected.get_mut(&at), &reason) {
        (Some(UnknownGroup { count }), UnknownGroup { .. }) | (Some(UnknownMember { count }), UnknownMember { .. }) => {
            *count += 1;
        }
        (Some(_), _) => {}
        (None, _) => {
            rejected.insert(at, reason);
        }
    }
}

/// Returns the values in a field that can contain several.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn group_ids(header: &Header, row: &Row<'_>, column: Column) -> Result<Vec<GroupId>, EntryRejectReason> {
    let ids = header.all(row, column).flat_map(parts);
    let ids = ids.filter(|id| !spelling::is_blank(id)).inspect(|_| advance(1));
    ids.map(|id| document::group_id(spelling::id(id), column.name())).collect()
}

fn status(column: Column, text: &str, before: UserStatus) -> Result<UserStatus, EntryRejectReason> {
    let expected = match column {
        Column::Status => "`active`, `disabled` or `deleted`",
        _ => "`true` or `false`",
    };
    match (column, text.to_ascii_lowercase().as_str()) {
        (Column::Status, "active" | "enabled") | (Column::Enabled, "true" | "yes" | "1") => Ok(before),
        (Column::Status, "disabled" | "suspended" | "blocked" | "inactive")
        | (Column::Enabled, "false" | "no" | "0") => Ok(UserStatus::Disabled),
        (Column::Status, "deleted") => Ok(UserStatus::Deleted),
        _ => Err(EntryRejectReason::InvalidField { field: column.name(), expected }),
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").field("read", &self.read).finish_non_exhaustive()
    }
}
