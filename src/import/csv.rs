//! Directories as tables (CSV): what portals, spreadsheets and reports give.
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
//! # Which table it is
//! The header tells, by the names of its columns. Case, spaces and punctuation in them play no part; of a name with
//! brackets, as in `User name [userPrincipalName] Required`, what is in the brackets counts if a column is called so, and
//! otherwise the rest, as in `Email Address [Required]`.
//!
//! | Table | Its columns | Others that it may have |
//! |---|---|---|
//! | users | `id` (`user id`, `object id`) | `upn` (`user principal name`, `user name`), `mail` (`email`, `email address`, `primary smtp address`), `alias` (`aliases`, `proxy addresses`, `other mails`, `email addresses`, `alternate email address`), `account` (`account name`, `sam account name`, `login`, `uid`, `mail nickname`), `status`, `account enabled` (`enabled`, `active`), `home domain`, `groups` (`member of`, `group ids`), `name` or `display name`, which say nothing, and what else a download of users from Entra holds (`surname`, `job title`, ...) |
//! | groups | `group id`, or `id` with `group name` | `name` (`display name`, `group name`), `parents` (`parent groups`): the groups that it is in |
//! | memberships | `group` (`group id`) and `member` (`member id`, `user`, `user id`) | `type` (`member type`): `user`, `group` or what nobody is |
//!
//! - Ids are taken as they are, without white space and invisible marks around them or an apostrophe in front. Groups are
//!   named by their ids everywhere.
//! - In columns of names, `groups` and `parents`, `;` parts one from the next. The UPN is the first name, whatever the
//!   order of the columns.
//! - A user without any name is known by the id alone, and missed wherever an activity names them otherwise.
//! - `status` is `active`, `disabled` (`suspended`, `blocked`) or `deleted`; `account enabled` is `true` or `false`
//!   (`yes`, `no`, `1`, `0`). Whatever it is, it protects nobody less.
//! - A member without a `type` is whichever of a user and a group has that id. When both have it, or none, the row is
//!   rejected. A member of the `type` `user` must have a record too, unless the tables hold no record of any user; each
//!   member is then known by the id alone. Memberships of a `device`, an `application` or a `service principal` are
//!   [ignored](super::Import::ignored), as are rows that hold nothing.
//!
//! # Names
//! - Addresses can also be parted by `+`, `|` or `/`, if every part is an address, and be a list in brackets or braces.
//! - Left away are `smtp:`, `sip:` and `mailto:`, a display name with the address in `<` and `>` behind it, a claim
//!   (`i:0#.f|membership|`), quotes, an apostrophe in front, and invisible marks at both ends.
//! - Addresses of kinds that name nobody in an activity (`X500:`, `X400:`, `EUM:`, `SPO:`) are no names.
//! - `CONTOSO\adele` is a name, and so is `adele` alone.
//! - Marks for no value (`-`, `N/A`, `<null>`) are no names. `NULL`, `none` and `undefined` are none either where
//!   addresses are expected; as an account they are rejected, because an account can be called so.
//! - Everything else that is no name rejects the row: the name of a type that stands in place of a list
//!   (`System.String[]`), a list that was cut off, addresses with commas or white space between them, `?` or U+FFFD in
//!   place of lost characters, UTF-8 decoded as Windows-1252, HTML and percent escapes, rounded numbers, an address
//!   with two `@` or without a domain.
//!
//! # Around the rows
//! - Fields are parted by `,`, `;`, a tab or `|`, whichever parts the most columns of the header, or by what a line
//!   `sep=` before it says.
//! - Before the header, blank lines and lines that begin with `#TYPE` or `version:v` are skipped.
//! - A column without a name holds nothing: a row that has a value there is rejected.
//! - UTF-16, compressed data and the like are rejected as a whole, and named.
//!
//! # Nothing is dropped
//! A column that is not listed here is not passed over, because one that is misspelt would protect nobody by the names
//! in it: the whole table is refused, and the rejection says which column it is, by its name unless that looks like a
//! value. Say with [`Tables::ignoring`] which may be. Every row is taken or rejected, with the line on which it begins.
//! A row with more or fewer fields than there are columns is rejected, and so is a last one that ends within quotes: it
//! was cut. A last row that has all its fields needs no line feed; an input that was cut there, or between two rows,
//! looks whole. A header needs one. A byte order mark is none of the header. What a spreadsheet would take for a
//! formula (`=`, `+`, `-`, `@` in front) is text like any other.
//!
//! # Whom it could leave out
//! A table of members that a portal exports can hold the direct members only, or users only, with nested groups left
//! away. Either protects too few, unless the nested groups are exported as groups too and named as members, or the
//! table holds all members whom a group has by nesting.
//!
//! # How
//! Rows are parted by the crate `csv-core`, which holds no more of a row than it is given room for.

mod column;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, BufRead};

use self::column::{Column, Header, TableKind};
use super::names::MAX_NAMES;
use super::spelling::{self, Holds};
use super::{Import, Place, RejectReason, Rejected, document};
use crate::directory::{DirectoryBuilder, User, UserStatus};
use crate::identity::{Domain, GroupId, UserId};
use crate::input::csv::{Preamble, Row, RowReader};
use crate::input::{InputError, InputStream, RecordError};
use crate::steps::advance;

/// The longest that a row may be, in bytes. A longer one is rejected, and skipped without being held in memory.
pub const MAX_ROW_BYTES: usize = 1024 * 1024;

/// Collects a directory from tables in any number and order; see the [module](self).
///
/// Holds in memory one row of at most [`MAX_ROW_BYTES`] and what is taken of all of them.
#[derive(Default)]
#[must_use]
pub struct Tables {
    ignoring: Vec<String>,
    non_people: HashSet<String>,
    inputs: u64,
    read: u64,
    ignored: u64,
    rejected: BTreeMap<At, RejectReason>,
    users: Vec<(At, User)>,
    groups: Vec<(At, GroupId, String)>,
    memberships: Vec<Membership>,
}

/// The number of the input, and the line in it.
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
    reason: RejectReason,
}

impl Damaged {
    /// Keeps the kind of an error and drops its message, which can contain anything.
    fn io(line: u64, error: io::Error) -> Self {
        Self { line, reason: RejectReason::Io { kind: error.kind() } }
    }
}

impl From<InputError> for RejectReason {
    fn from(error: InputError) -> Self {
        match error {
            InputError::Io(kind) => Self::Io { kind },
            InputError::NotText(kind) => Self::OtherInput { kind },
        }
    }
}

impl From<RecordError> for RejectReason {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::TooLong { max } => Self::TooLong { max },
            RecordError::NotUtf8 { at } => Self::NotUtf8 { at },
            RecordError::UnclosedQuote => Self::Truncated { expected: "the closing quote of a field" },
        }
    }
}

impl Tables {
    /// No table yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Passes over columns of this name, whatever the case, spaces and punctuation in it.
    pub fn ignoring(mut self, column: impl AsRef<str>) -> Self {
        self.ignoring.push(column::plain(column.as_ref()));
        self
    }

    /// Says which member ids are known to be of no people here, such as devices or placeholders. A membership of one is
    /// [ignored](Import::ignored), whatever else is wrong with its row; a record of a user or a group is read all the
    /// same.
    pub fn with_non_people(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.non_people.extend(ids.into_iter().map(|id| spelling::id(&id.into()).to_owned()));
        self
    }

    /// Reads one more table.
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
        let header = rows.row().map_err(RejectReason::from).and_then(|row| self.header(&row));
        let header = header.map_err(|reason| Damaged { line: rows.line(), reason })?;
        while next_row(&mut rows)? {
            advance(1);
            self.read += 1;
            let at = (self.inputs, rows.line());
            if rows.is_blank() {
                self.ignored += 1;
            } else if let Err(reason) =
                rows.row().map_err(RejectReason::from).and_then(|row| self.row(&header, &row, at))
            {
                self.rejected.insert(at, reason);
            }
        }
        Ok(())
    }

    fn header(&self, row: &Row<'_>) -> Result<Header, RejectReason> {
        // A header that is cut off inside a name could be that of another table.
        if row.ends_with_input() {
            return Err(RejectReason::Truncated { expected: "a line feed at the end of the header" });
        }
        Header::new(row, &self.ignoring)
    }

    fn row(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), RejectReason> {
        if row.iter().all(|field| field.trim().is_empty()) {
            self.ignored += 1;
            return Ok(());
        }
        match row.len() == header.len() {
            true => header.check_unnamed(row)?,
            false if row.ends_with_input() && row.len() < header.len() => {
                return Err(RejectReason::Truncated {
                    expected: "as many fields in the last row as there are columns",
                });
            }
            false => return Err(RejectReason::FieldCount { found: row.len(), expected: header.len() }),
        }
        match header.kind() {
            TableKind::Users => self.user(header, row, at),
            TableKind::Groups => self.group(header, row, at),
            TableKind::Memberships => self.membership(header, row, at),
        }
    }

    fn user(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), RejectReason> {
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
            return Err(RejectReason::TooManyNames { max: MAX_NAMES });
        }
        let mut status = UserStatus::Active;
        for (column, text) in [Column::Enabled, Column::Status].iter().flat_map(|column| header.texts(row, *column)) {
            status = self::status(column, text, status)?;
        }
        for domain in header.all(row, Column::HomeDomain) {
            let expected = "the domain at which they are at home";
            let domain = Domain::new(domain);
            user = user.with_home_domain(
                domain.map_err(|_| RejectReason::InvalidField { field: Column::HomeDomain.name(), expected })?,
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

    fn group(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), RejectReason> {
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

    fn membership(&mut self, header: &Header, row: &Row<'_>, at: At) -> Result<(), RejectReason> {
        let group = header.required(row, Column::GroupId, "the id of the group")?;
        let group = document::group_id(spelling::id(group), "group")?;
        let member = spelling::id(header.required(row, Column::Member, "the id of the member")?);
        if self.non_people.contains(member) {
            self.ignored += 1;
            return Ok(());
        }
        document::user_id(member, "member")?;
        let kind = match header.all(row, Column::MemberType).next().map(column::plain).as_deref() {
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
                return Err(RejectReason::InvalidField { field: Column::MemberType.name(), expected });
            }
        };
        self.memberships.push(Membership { at, group, member: member.to_owned(), kind });
        Ok(())
    }

    /// The directory that all tables tell of together.
    pub fn finish(self) -> Import<DirectoryBuilder> {
        let Self { inputs, ignoring: _, non_people: _, read, ignored, mut rejected, users, groups, memberships } = self;
        let mut builder = DirectoryBuilder::new();
        let mut known_users: HashSet<UserId> = HashSet::with_capacity(users.len());
        advance(users.len() + groups.len() + memberships.len());
        for (at, user) in users {
            if known_users.insert(user.id().clone()) {
                builder = builder.user(user);
            } else {
                rejected.insert(at, RejectReason::RepeatedRecord);
            }
        }
        let mut known_groups: HashMap<String, GroupId> = HashMap::with_capacity(groups.len());
        for (at, id, name) in groups {
            if known_groups.insert(id.as_str().to_owned(), id.clone()).is_none() {
                builder = builder.group(id, name);
            } else {
                rejected.insert(at, RejectReason::RepeatedRecord);
            }
        }
        for Membership { at, group, member, kind } in memberships {
            if !known_groups.contains_key(group.as_str()) {
                open(&mut rejected, at, RejectReason::UnknownGroup { count: 1 });
                continue;
            }
            // It was found to be one when the row was read.
            let Ok(user) = UserId::new(member.as_str()) else { continue };
            let (nested, is_user) = (known_groups.get(&member), known_users.contains(&user));
            let unknown = RejectReason::UnknownMember { count: 1 };
            let expected = "`user` or `group`, because both have the id";
            match (kind, nested) {
                (Some(MemberKind::Group) | None, Some(nested)) => {
                    builder = builder.nested(&group, nested);
                    if kind.is_none() && is_user {
                        builder = builder.member(&group, &user);
                        open(
                            &mut rejected,
                            at,
                            RejectReason::InvalidField { field: Column::MemberType.name(), expected },
                        );
                    }
                }
                (Some(MemberKind::Group), None) => open(&mut rejected, at, unknown),
                (Some(MemberKind::User), _) | (None, None) => {
                    builder = builder.member(&group, &user);
                    // Where no table is of users, they are known by the id alone.
                    if !is_user && (kind.is_none() || !known_users.is_empty()) {
                        open(&mut rejected, at, unknown);
                    }
                }
            }
        }
        let place = |(input, line)| if inputs == 1 { Place::Line(line) } else { Place::LineOf { input, line } };
        let rejected = rejected.into_iter().map(|(at, reason)| Rejected { place: place(at), reason }).collect();
        Import { value: builder, read, ignored, rejected }
    }
}

fn next_row<R: BufRead>(rows: &mut RowReader<R>) -> Result<bool, Damaged> {
    rows.next().map_err(|error| Damaged::io(rows.input().line(), error))
}

/// Notes what was found out about a row at the end. A row is rejected once; what is unknown of it is counted.
fn open(rejected: &mut BTreeMap<At, RejectReason>, at: At, reason: RejectReason) {
    use RejectReason::{UnknownGroup, UnknownMember};

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

/// The parts of a field that can hold several.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|part| !part.is_empty())
}

fn group_ids(header: &Header, row: &Row<'_>, column: Column) -> Result<Vec<GroupId>, RejectReason> {
    let ids = header.all(row, column).flat_map(parts);
    let ids = ids.filter(|id| !spelling::is_blank(id)).inspect(|_| advance(1));
    ids.map(|id| document::group_id(spelling::id(id), column.name())).collect()
}

fn status(column: Column, text: &str, before: UserStatus) -> Result<UserStatus, RejectReason> {
    let expected = match column {
        Column::Status => "`active`, `disabled` or `deleted`",
        _ => "`true` or `false`",
    };
    match (column, text.to_ascii_lowercase().as_str()) {
        (Column::Status, "active" | "enabled") | (Column::Enabled, "true" | "yes" | "1") => Ok(before),
        (Column::Status, "disabled" | "suspended" | "blocked" | "inactive")
        | (Column::Enabled, "false" | "no" | "0") => Ok(UserStatus::Disabled),
        (Column::Status, "deleted") => Ok(UserStatus::Deleted),
        _ => Err(RejectReason::InvalidField { field: column.name(), expected }),
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tables").field("read", &self.read).finish_non_exhaustive()
    }
}
