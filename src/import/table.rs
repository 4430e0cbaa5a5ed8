//! Directories as tables (CSV): what portals, spreadsheets and reports give.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::table::Tables;
//! use activity_privacy::{DirectoryRevision, GroupId, UserId};
//!
//! let users = "id,userPrincipalName,mail\nu-1,adele@contoso.example,adele.vance@contoso.example\n";
//! let groups = "groupId,displayName\ng-1,Works council\n";
//! let memberships = "groupId,memberId\ng-1,u-1\n";
//!
//! let mut tables = Tables::new();
//! for table in [memberships, users, groups] {
//!     tables.read(table.as_bytes());
//! }
//! let directory = tables.finish().whole()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! assert!(directory.members_of(&GroupId::new("g-1")?).contains(&UserId::new("u-1")?));
//! # Ok(())
//! # }
//! ```
//!
//! # Which table it is
//! The header tells, by the names of its columns. Case, spaces, `_`, `-` and `.` in them play no part.
//!
//! | Table | Its columns | Others that it may have |
//! |---|---|---|
//! | users | `id` (`user id`, `object id`) | `upn` (`user principal name`, `user name`), `mail` (`email`, `email address`), `alias` (`aliases`, `proxy addresses`, `other mails`), `account` (`sam account name`, `login`, `uid`, `mail nickname`), `status`, `account enabled` (`enabled`, `active`), `home domain`, `groups` (`member of`) |
//! | groups | `group id`, `name` (`display name`, `group name`), or `id` and `group name` | `parents` (`parent groups`): ids of the groups that it is in |
//! | memberships | `group` (`group id`), `member` (`member id`, `user id`) | `type` (`member type`): `user` or `group` |
//!
//! - Ids are taken as they are, without the white space around them. A user without the column `id` is none.
//! - In `alias`, `groups` and `parents`, `;` parts one from the next. `smtp:`, `SMTP:` and `sip:` before an address are left
//!   away. The UPN is the first name, whatever the order of the columns.
//! - `status` is `active`, `disabled` (`suspended`, `blocked`) or `deleted`; `account enabled` is `true` or `false` (`yes`,
//!   `no`, `1`, `0`). Whatever it is, it protects nobody less.
//! - A member without a `type` is a group if a group has that id, else a user, recorded or not. When somebody has it too, the
//!   row is rejected.
//!
//! # Nothing is dropped
//! A column that is not listed here is not passed over, because one that is misspelt would protect nobody by the names in it:
//! the whole table is refused, and says which column it is. Say with [`Tables::ignoring`] which columns may be.
//! Every row is taken or rejected, with the line on which it begins; rows with more or fewer fields than there are columns
//! are rejected. So is the last row when no line feed ends it and it is not as long as the others, and one within a quoted field;
//! an input that was cut between two rows looks whole. A byte order mark is none of the header. What a spreadsheet would take
//! for a formula (`=`, `+`, `-`, `@` in front) is text like any other.
//!
//! # Whom it could leave out
//! A table of members that a portal exports can be of the direct members only, without what is nested, or of users only, all
//! nested groups already dissolved. The first protects too few unless the nested groups are exported as groups, with their own
//! members, and named as members with the `type` `group`. A member whose `type` is `group` and which no table holds is
//! rejected; without a type they are taken for a user, and their members are not protected.
