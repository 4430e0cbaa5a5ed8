//! Directories as LDIF (RFC 2849), as `ldapsearch`, `slapcat`, `ldifde` and `db2ldif` write it.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::ldif;
//! use activity_privacy::directory::DirectoryRevision;
//! use activity_privacy::identity::{GroupId, UserId};
//!
//! let export = b"version: 1
//!
//! dn: uid=adele,ou=people,dc=contoso,dc=example
//! objectClass: inetOrgPerson
//! entryUUID: 7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f00
//! uid: adele
//! mail: adele@contoso.example
//!
//! dn: cn=council,ou=groups,dc=contoso,dc=example
//! objectClass: groupOfNames
//! entryUUID: 7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f01
//! cn: Works council
//! member: UID=adele, OU=people, DC=contoso, DC=example
//! ";
//! let directory = ldif::read(&export[..]).into_complete()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! let council = GroupId::new("7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f01")?;
//! assert!(directory.all_members(&council).contains(&UserId::new("7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f00")?));
//!
//! let truncated = ldif::read(&export[..150]);
//! assert_eq!(
//!     truncated.into_complete().unwrap_err().to_string(),
//!     "1 of 1 records were rejected, the first at line 7: unexpected end of input, expected a line feed at \
//!      the end of the last line",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # Mapping
//! - **Users** are entries of the classes `person`, `organizationalPerson`, `inetOrgPerson`, `user`, `contact`,
//!   `account`, `posixAccount` and similar. They are identified, in this order, by `userPrincipalName`, `mail` (or
//!   `rfc822Mailbox`), `proxyAddresses`, `mailAlternateAddress`, `mailLocalAddress`, `emailAddress`,
//!   `krbPrincipalName`, `uid`, `sAMAccountName` and `mailNickname`. `objectSid` (`sambaSID`,
//!   `ipaNTSecurityIdentifier`) is an account named `S-1-5-21-...` of the app `sid`. The second bit of
//!   `userAccountControl`, `nsAccountLock: true` and `pwdAccountLockedTime` mark a user as disabled, and `isDeleted:
//!   TRUE` as deleted. Such users stay members. Names are cleaned as in [tables](super::csv#names), and a user with a
//!   damaged name is rejected.
//! - **Groups** are entries of the classes `groupOfNames`, `groupOfUniqueNames`, `group`, `posixGroup` and similar.
//!   `member`, `uniqueMember` (without the bit string after the name) and `memberUid` list their members, and so does
//!   `memberOf` (`isMemberOf`, `groupMembership`) of users and groups. An `organizationalRole` is a group of its
//!   `roleOccupant`s, unless it is also of a user class. The display name is `displayName`, or else `cn`. A deleted
//!   group (`isDeleted: TRUE`, `nsTombstone`) is [ignored](super::Import::ignored), because it has lost its members. A
//!   change that sets `isDeleted: TRUE` removes the group.
//! - **Primary groups** contain their users: a user is a member of the group with the same `gidNumber`, and of the
//!   group that `primaryGroupID` with `objectSid`, or `sambaPrimaryGroupSID`, refers to. A SID may be text or bytes.
//! - `changetype: add`, which `ldifde` writes into every entry, is accepted. Other changes are rejected here.
//! - Machines, organisational units and similar entries are [ignored](super::Import::ignored). So are the summary at
//!   the end of a search, and a search reference (`ref:`) to the DNS zones, the configuration or the schema of Active
//!   Directory. Any other reference is rejected, because the entries that it refers to are missing. An entry of unknown
//!   class is rejected if it has the names of a user or the members of a group. An entry without `objectClass`, or of
//!   both user and group classes, is always rejected.
//!
//! Attributes are recognized by name, in any case, or by object identifier. Options (`cn;lang-de`) are ignored, except
//! that an incomplete `range` is rejected, because the other members are missing. All other attributes are skipped,
//! whatever their size, even with a URL instead of a value (`jpegPhoto:< file:///...`). If an attribute listed here has
//! a URL, the entry is rejected: no URL and no file is ever opened.
//!
//! # Ids
//! The id is `entryUUID`, else `objectGUID` (16 bytes, in the byte order of Active Directory), else `nsUniqueId`.
//! Request these attributes: `ldapsearch ... '*' entryUUID`. The id of an entry without any of them is its normalized
//! distinguished name. A move then changes the id, and the user stays protected by name. An entry whose normalized name
//! exceeds 256 bytes is rejected.
//!
//! Distinguished names (RFC 4514) are compared case-folded, with white space collapsed, escapes decoded and
//! multi-valued parts sorted. Entries may come in any order.
//!
//! # Missing members
//! A member that the input does not contain may be a group, whose members would not be protected. The group that lists
//! it is therefore rejected, as is an entry whose `memberOf` or primary group refers to a missing group. With
//! [`into_partial`](super::Import::into_partial), such members are users identified by their distinguished names, and
//! such groups are dropped.
//! - [`LdifReader::ignoring_members`] declares members that are not people: foreign security principals, or the
//!   placeholder in a group that must not be empty. Among foreign security principals, `S-1-5-11` means every
//!   authenticated user, and a SID of another domain means one of its users.
//! - `memberUid` does not support nesting, and is resolved when it is read. A later change that assigns the account
//!   name to another user does not update the group, so import again after such a change. Groups that a server computes
//!   (`memberURL`), or that list SIDs or mail addresses (`sambaSIDList`, `mgrpRFC822MailMember`), are rejected.
//! - At most 16 groups may share a `gidNumber` or SID, and at most 16 users may share an account name that a
//!   `memberUid` lists. A name has at most 128 parts, and a user at most 1,000 names.
//! - LDIF has no end marker. A last line without a line feed is rejected, as are a modification without its final `-`
//!   and a search whose `result` is not 0. Input that was truncated between two entry lines looks complete.
//! - To import several files together, concatenate them with [`Read::chain`](std::io::Read::chain), with a blank line
//!   between them.
//!
//! # Changes
//! [`DirectoryTree::read`] keeps the names of entries and their memberships, which [`DirectoryTree::change`] needs to
//! read change records. It supports `add`, `delete`, `modify` of names, status and members, and `modrdn` (`moddn`) of
//! entries with an immutable id. Any other change that could affect identities or memberships is rejected: of classes,
//! ids or primary groups, or with a `control`. Read all entries again after it. The seventeenth deletion of an entry of
//! the same name is rejected too.
//!
//! # Why no existing crate is used
//! Existing LDIF crates need the whole input as one `str`, or do not support change records, and none reports the line
//! of an error.

mod attribute;
mod change;
mod delta;
mod dn;
mod draft;
mod entry;
mod line;
#[cfg(test)]
mod linear;
mod links;
mod membership;
mod name_tree;
mod reader;
mod records;
mod reference;
mod rename;
mod sid;
mod texts;

mod tree;
mod unresolved;

use std::io::BufRead;

pub use self::reader::{InvalidDn, LdifReader};
pub use self::tree::DirectoryTree;
use super::Import;
use crate::directory::DirectoryBuilder;

/// The maximum size of an unfolded line of an attribute that is read, in bytes. Longer lines of other attributes are
/// skipped without being held in memory.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Reads all entries of a directory; see the [module](self).
///
/// It holds one line of at most [`MAX_VALUE_BYTES`] and the data of the accepted entries in memory. A group of any size
/// is read line by line.
pub fn read(input: impl BufRead) -> Import<DirectoryBuilder> {
    LdifReader::new().read(input)
}
