//! Directories as LDIF (RFC 2849): what `ldapsearch`, `slapcat`, `ldifde` and `db2ldif` write.
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
//! let cut = ldif::read(&export[..150]);
//! assert_eq!(
//!     cut.into_complete().unwrap_err().to_string(),
//!     "1 of 1 records were not taken, the first at line 7: the input ends too early, expected a line feed at \
//!      the end of the last line",
//! );
//! # Ok(())
//! # }
//! ```
//!
//! # What becomes of an entry
//! - **Users** are those of the classes `person`, `organizationalPerson`, `inetOrgPerson`, `user`, `contact`,
//!   `account`, `posixAccount` and their like. They are known by `userPrincipalName`, then `mail` (also called
//!   `rfc822Mailbox`), `proxyAddresses`, `mailAlternateAddress`, `mailLocalAddress`,
//!   `emailAddress`, `krbPrincipalName`, `uid`, `sAMAccountName` and `mailNickname`, and by `objectSid` (`sambaSID`,
//!   `ipaNTSecurityIdentifier`) as an account named `S-1-5-21-...` of the app `sid`. The second bit of
//!   `userAccountControl`, `nsAccountLock: true` and `pwdAccountLockedTime` disable them, `isDeleted: TRUE` says that
//!   they are deleted; they stay members all the same. A name is cleaned as in [tables](super::csv#names), and a user
//!   with a name that is damaged is rejected.
//! - **Groups** are those of the classes `groupOfNames`, `groupOfUniqueNames`, `group`, `posixGroup` and their like.
//!   `member`, `uniqueMember` (a bit string behind the name is dropped) and `memberUid` list whom they hold, as does
//!   `memberOf` (`isMemberOf`, `groupMembership`) of users and groups. An `organizationalRole` is a group of its
//!   `roleOccupant`s, unless it is also of a class of users. `displayName`, or else `cn`, is the name to show.
//!   A deleted group (`isDeleted: TRUE`, `nsTombstone`) is [ignored](super::Import::ignored), because it has lost its
//!   members; the import is without it. A change that sets `isDeleted: TRUE` removes the group.
//! - **Primary groups** have members too: a user belongs to the group that has their `gidNumber`, or that their
//!   `primaryGroupID` and `objectSid` or their `sambaPrimaryGroupSID` lead to. A SID may be text or bytes.
//! - `changetype: add`, which `ldifde` writes into every entry, is what an entry says anyhow. Other changes are
//!   rejected here.
//! - Machines, organisational units and the like are [ignored](super::Import::ignored), as is what a search says of
//!   itself at its end, and a search reference (`ref:`) to the DNS zones, the configuration or the schema of Active
//!   Directory. Any other reference is rejected, because it leads to entries that are missing. An entry of no known class is rejected if it has the names of a user or the members of a group,
//!   an entry without `objectClass` always, and one of both kinds too.
//!
//! Attributes are known by name, whatever the case, and by object identifier; options (`cn;lang-de`) play no part,
//! except that a `range` which is not the whole one is rejected: the rest of the members is missing. Every other
//! attribute is passed over, however long it is, with a URL in the place of its value (`jpegPhoto:< file:///...`) too.
//! An attribute that is read and has a URL is rejected: no URL and no file is ever read.
//!
//! # Ids
//! `entryUUID`, else `objectGUID` (16 bytes, in the order of Active Directory), else `nsUniqueId`. Ask for them:
//! `ldapsearch ... '*' entryUUID`. An entry with none of them has for its id the distinguished name in the form in
//! which names are compared: a move then gives a new id, and people stay protected by their names. Where that is longer
//! than 256 bytes, it is no id, and the entry is rejected.
//!
//! Distinguished names (RFC 4514) are compared folded, with white space squeezed, escapes undone, and multi-valued
//! parts in any order. The entries may come in any order.
//!
//! # Whom it could leave out
//! A member who is no entry of the input may be a group whose members nobody would protect, so the group that lists
//! them is rejected, as is an entry whose `memberOf` or primary group leads to a group that is not there. With
//! [`into_partial`](super::Import::into_partial), such members are users known by the name alone, and such
//! groups are none.
//! - [`LdifReader::with_non_people`] names members that are known to be no people: foreign security principals, or the
//!   placeholder of a group that may not be empty. `S-1-5-11` among the former stands for everybody who is signed in, and
//!   a SID of another domain for one of its people.
//! - `memberUid` knows no nesting, and is looked up when it is read: a change that gives its name to somebody else lists
//!   nobody, so import anew after that. Groups that a server computes (`memberURL`), or that list SIDs or mail addresses
//!   (`sambaSIDList`, `mgrpRFC822MailMember`), are rejected.
//! - At most 16 groups may have one `gidNumber` or SID, and at most 16 users an account name that a `memberUid` lists. A
//!   name has at most 128 parts, a user at most 1,000 names.
//! - LDIF says nowhere that it ends. A last line without a line feed is rejected, a modification without its last `-`
//!   too, and a search whose `result` is not 0; an input that was cut between two lines of content looks whole.
//! - Files that were fetched apart are read as one: use [`Read::chain`](std::io::Read::chain), with a blank line
//!   between them.
//!
//! # Changes
//! [`DirectoryTree::read`] keeps what [`DirectoryTree::change`] needs to understand change records: names of entries, and who lists whom.
//! Understood are `add`, `delete`, `modify` of names, status and members, and `modrdn` (`moddn`) of whatever has an
//! immutable id. Anything else that would change who somebody is (other classes, other ids, primary groups, a
//! `control`) is rejected: read the entries anew after it. So is the seventeenth deletion of an entry of one name.
//!
//! # Why not a crate
//! Those for LDIF take the input as one `str` in memory, or leave out change records, and none tells the line of a
//! fault.

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

/// The longest that a line of an attribute that is read may be once unfolded, in bytes. Longer ones of other attributes
/// are skipped without being held.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

/// Reads all entries of a directory; see the [module](self).
///
/// Holds in memory one line of at most [`MAX_VALUE_BYTES`] and what is taken of the entries. A group of any size is
/// read line by line.
pub fn read(input: impl BufRead) -> Import<DirectoryBuilder> {
    LdifReader::new().read(input)
}
