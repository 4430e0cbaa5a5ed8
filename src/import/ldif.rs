//! Directories as LDIF (RFC 2849): what `ldapsearch`, `slapcat`, `ldifde` and `db2ldif` write.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use activity_privacy::import::ldif;
//! use activity_privacy::{DirectoryRevision, GroupId, UserId};
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
//! let directory = ldif::read(&export[..]).whole()?.build(DirectoryRevision(1), "2026-03-01T00:00:00Z".parse()?)?;
//! let council = GroupId::new("7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f01")?;
//! assert!(directory.members_of(&council).contains(&UserId::new("7d1c8e52-0a43-103e-8f2b-5d2c6a9b1f00")?));
//!
//! let cut = ldif::read(&export[..150]);
//! assert_eq!(
//!     cut.whole().unwrap_err().to_string(),
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
//!   `rfc822Mailbox`), `proxyAddresses` (`smtp:` and `sip:`), `mailAlternateAddress`, `mailLocalAddress`,
//!   `emailAddress`, `krbPrincipalName`, `uid`, `sAMAccountName` and `mailNickname`. The second bit of
//!   `userAccountControl`, `nsAccountLock: true` and `pwdAccountLockedTime` disable them, `isDeleted: TRUE` says that
//!   they are deleted; they stay members all the same.
//! - **Groups** are those of the classes `groupOfNames`, `groupOfUniqueNames`, `group`, `posixGroup` and their like.
//!   `member`, `uniqueMember` (a bit string behind the name is dropped) and `memberUid` list whom they hold, as does
//!   `memberOf` of users and groups. Whoever has a group's `gidNumber`, or by `primaryGroupID` and `objectSid` has it
//!   for their primary group, is in it too. `displayName`, or else `cn`, is the name to show.
//! - `changetype: add`, which `ldifde` writes into every entry, is what an entry says anyhow. Other changes are
//!   rejected here.
//! - Machines, organisational units and the like are [ignored](super::Import::ignored), as is what a search says of
//!   itself at its end. An entry of no known class is rejected if it has the names of a user or the members of a group,
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
//! them is rejected, as is an entry whose `memberOf` names a group that is not there. With
//! [`despite_rejections`](super::Import::despite_rejections), such members are users known by the name alone, and such
//! groups are none.
//! - `memberUid` knows no nesting, and is looked up when it is read: a change that gives its name to somebody else lists
//!   nobody, so import anew after that. Groups that a server computes (`memberURL`) are rejected.
//! - LDIF says nowhere that it ends. A last line without a line feed is rejected, a modification without its last `-`
//!   too, and a search whose `result` is not 0; an input that was cut between two lines of content looks whole.
//! - Files that were fetched apart are read as one: use [`Read::chain`](std::io::Read::chain), with a blank line
//!   between them.
//!
//! # Changes
//! [`Tree::read`] keeps what [`Tree::change`] needs to understand change records: names of entries, and who lists whom.
//! Understood are `add`, `delete`, `modify` of names, status and members, and `modrdn` (`moddn`) of whatever has an
//! immutable id. Anything else that would change who somebody is (other classes, other ids, primary groups, a
//! `control`) is rejected: read the entries anew after it.
//!
//! # Why not a crate
//! Those for LDIF take the input as one `str` in memory, or leave out change records, and none tells the line of a
//! fault.

mod attribute;
mod change;
mod dn;
mod doubt;
mod entry;
mod line;
mod rename;
mod tree;

use std::io::BufRead;

pub use tree::Tree;

use self::change::Change;
use self::entry::Draft;
use self::line::{Field, Found, Lines};
use super::{Import, Place, RejectReason, Rejected};
use crate::directory::{DirectoryBuilder, DirectoryDelta};

/// The longest that a line of an attribute that is read may be once unfolded, in bytes. Longer ones of other attributes
/// are skipped without being held.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

const PARTIAL_SEARCH: &str = "`result` 0 at the end of a search";
const LAST_LINE: &str = "a line feed at the end of the last line";

/// Reads all entries of a directory; see the [module](self).
///
/// Holds in memory one line of at most [`MAX_VALUE_BYTES`] and what is taken of the entries. A group of any size is
/// read line by line.
pub fn read(input: impl BufRead) -> Import<DirectoryBuilder> {
    let Import { value: (_, builder), read, ignored, rejected } = Tree::read(input);
    Import { value: builder, read, ignored, rejected }
}

impl Tree {
    /// Reads all entries of a directory, as [`read`] does, and keeps what is needed to understand changes to them.
    pub fn read(input: impl BufRead) -> Import<(Self, DirectoryBuilder)> {
        let mut tree = Self::default();
        let mut records = Records::new(input);
        while records.next(|first| {
            let mut draft = Draft::default();
            let fault = first(&mut |line, place| draft.take(&mut tree, line, place));
            if draft.summary && fault.is_none() {
                return Ok(false);
            }
            match (fault, draft.node) {
                (None, _) => tree.insert(draft).map_err(|reason| (None, reason)),
                (Some((line, reason)), node) => {
                    node.into_iter().for_each(|node| tree.refuse(node));
                    Err((Some(line), reason))
                }
            }
        }) {}
        let (read, ignored, rejected) = records.ended(&mut tree);
        let builder = tree.builder();
        Import { value: (tree, builder), read, ignored, rejected }
    }

    /// Reads change records: what changed in the directory, and the tree as it is then.
    ///
    /// Takes the tree, because of an import that is not [whole](Import::whole) nothing may be used: clone it before, if
    /// you would go on from it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::import::ldif::Tree;
    /// use activity_privacy::{DirectoryChange, GroupId, UserId};
    ///
    /// let export = b"dn: cn=adele\nobjectClass: person\n\ndn: cn=council\nobjectClass: group\n";
    /// let (tree, _) = Tree::read(&export[..]).whole()?;
    /// let changes = b"dn: cn=council\nchangetype: modify\nadd: member\nmember: cn=adele\n-\n";
    /// let (tree, delta) = tree.change(&changes[..]).whole()?;
    /// let joined = DirectoryChange::Member(GroupId::new("cn=council")?, UserId::new("cn=adele")?);
    /// assert!(delta.changes().contains(&joined));
    /// # Ok(())
    /// # }
    /// ```
    pub fn change(mut self, input: impl BufRead) -> Import<(Self, DirectoryDelta)> {
        self.changes = Some(Vec::new());
        let mut records = Records::new(input);
        let tree = &mut self;
        while records.next(|first| {
            let mut change = Change::default();
            let fault = first(&mut |line, place| change.take(tree, line, place));
            match fault {
                None => change.apply(tree).map_err(|reason| (None, reason)),
                Some((line, reason)) => {
                    change.refuse(tree);
                    Err((Some(line), reason))
                }
            }
        }) {}
        let (read, ignored, rejected) = records.ended(&mut self);
        let changes = self.changes.take().unwrap_or_default();
        let delta = changes.into_iter().fold(DirectoryDelta::new(), DirectoryDelta::and);
        Import { value: (self, delta), read, ignored, rejected }
    }
}

/// Where and why a record cannot be taken; without a line it is the whole record.
type Fault = (Option<u64>, RejectReason);
/// Takes in one line of a record.
type TakeLine<'a> = &'a mut dyn FnMut(&[u8], line::Place) -> Result<(), RejectReason>;
/// Gives all lines of a record to somebody, up to the first that is refused; where that was, and why.
type EachLine<'a> = &'a mut dyn FnMut(TakeLine<'_>) -> Option<(u64, RejectReason)>;

/// The records of an input, and what became of them.
struct Records<R> {
    lines: Lines<R>,
    read: u64,
    ignored: u64,
    rejected: Vec<Rejected>,
}

impl<R: BufRead> Records<R> {
    fn new(input: R) -> Self {
        Self { lines: Lines::new(input), read: 0, ignored: 0, rejected: Vec::new() }
    }

    /// Reads one record. Whether there may be more.
    fn next(&mut self, mut take: impl FnMut(EachLine<'_>) -> Result<bool, Fault>) -> bool {
        // The first line that belongs to the record.
        let mut line = match self.first_line() {
            Ok(Some(line)) => line,
            Ok(None) => return false,
            Err(reason) => {
                self.read += 1;
                self.reject(self.lines.number(), reason);
                return false;
            }
        };
        let (begun, mut goes_on) = (line.number, true);
        let lines = &mut self.lines;
        let taken = take(&mut |take_line| {
            let mut fault = None;
            loop {
                if line.cut {
                    goes_on = false;
                    return fault.or(Some((line.number, RejectReason::Truncated { expected: LAST_LINE })));
                }
                // After a fault, the rest of the record is skipped.
                if fault.is_none() {
                    fault = take_line(lines.bytes(), line).err().map(|reason| (line.number, reason));
                }
                match lines.next() {
                    Ok(Found::Line(next)) => line = next,
                    Ok(Found::Blank) => return fault,
                    Ok(Found::End) => {
                        goes_on = false;
                        return fault;
                    }
                    Err(error) => {
                        goes_on = false;
                        return fault.or(Some((lines.number(), RejectReason::Io { kind: error.kind() })));
                    }
                }
            }
        });
        self.read += 1;
        match taken {
            Ok(true) => {}
            Ok(false) => self.ignored += 1,
            Err((line, reason)) => self.reject(line.unwrap_or(begun), reason),
        }
        goes_on
    }

    /// The next line that belongs to a record. One before it may tell the version, also where several files are read as
    /// one.
    fn first_line(&mut self) -> Result<Option<line::Place>, RejectReason> {
        loop {
            let found = self.lines.next().map_err(|error| RejectReason::Io { kind: error.kind() })?;
            match found {
                Found::End => return Ok(None),
                Found::Blank => {}
                Found::Line(place) => {
                    let field = Field::parse(self.lines.bytes()).ok().filter(|field| field.is("version"));
                    let Some(version) = field.filter(|_| !place.cut) else { return Ok(Some(place)) };
                    if version.text("version")?.trim() != "1" {
                        return Err(RejectReason::InvalidField { field: "version", expected: "`1`" });
                    }
                }
            }
        }
    }

    fn reject(&mut self, line: u64, reason: RejectReason) {
        self.rejected.push(Rejected { place: Place::Line(line), reason });
    }

    /// How many records there were, how many of them were ignored, and those that were rejected, in order.
    fn ended(mut self, tree: &mut Tree) -> (u64, u64, Vec<Rejected>) {
        self.rejected.extend(tree.settle());
        self.rejected.sort_by_key(|rejected| match rejected.place {
            Place::Line(line) => line,
            _ => 0,
        });
        (self.read, self.ignored, self.rejected)
    }
}
