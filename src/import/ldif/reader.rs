//! Reading: all entries of a directory, or what changed in it.

use std::io::BufRead;

use thiserror::Error;

use super::change::ChangeRecord;
use super::delta::DeltaBuilder;
use super::dn::Dn;
use super::draft::{EntryDraft, RecordForm};
use super::records::RecordReader;
use super::tree::DirectoryTree;
use crate::directory::{DirectoryBuilder, DirectoryDelta};
use crate::import::Import;

/// Reads the entries of a directory, with options.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::import::ldif;
///
/// let export = b"dn: cn=council\nobjectClass: groupOfNames\nmember: cn=S-1-5-11,cn=ForeignSecurityPrincipals\n";
/// assert!(ldif::read(&export[..]).into_complete().is_err());
/// let reader = ldif::LdifReader::new().with_non_people(["cn=ForeignSecurityPrincipals"])?;
/// assert!(reader.read(&export[..]).into_complete().is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct LdifReader {
    tree: DirectoryTree,
}

/// A text among [`LdifReader::with_non_people`] that is no distinguished name. It is not repeated, because it may name a
/// person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("name {at} cannot be understood, expected a distinguished name (RFC 4514) of at most 128 parts")]
pub struct InvalidDn {
    /// Which of the names, the first being 1.
    pub at: usize,
}

impl LdifReader {
    /// Creates a reader without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names members that are known to be no people: entries by their distinguished names, each with everything below
    /// it. They are compared as members are.
    ///
    /// A member there of whom the input tells nothing, or who is a foreign security principal or another entry that is
    /// neither user nor group, counts as [ignored](Import::ignored). A reference to another server that leads there is
    /// ignored too. A user or a group there that the input holds is read all the same. The empty name stands for an
    /// empty `member`, and for nothing below it. A name that consists of a `uid` alone stands for that `memberUid` too.
    ///
    /// # Errors
    /// [`InvalidDn`] if one of them is no distinguished name.
    pub fn with_non_people(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, InvalidDn> {
        for (at, name) in (1..).zip(names) {
            let dn = Dn::parse(&name.into()).ok_or(InvalidDn { at })?;
            self.tree.leave_out(&dn);
        }
        Ok(self)
    }

    /// Reads all entries of a directory; see the [module](super).
    pub fn read(self, input: impl BufRead) -> Import<DirectoryBuilder> {
        self.read_tree(input).map(|(_, builder)| builder)
    }

    /// Reads all entries of a directory, and keeps what is needed to understand changes to them.
    pub fn read_tree(self, input: impl BufRead) -> Import<(DirectoryTree, DirectoryBuilder)> {
        let Self { mut tree } = self;
        let mut records = RecordReader::new(input);
        while records.next(|first| {
            let mut draft = EntryDraft::default();
            let fault = first(&mut |line, place| draft.take(&mut tree, line, place));
            if draft.form != RecordForm::Entry && fault.is_none() {
                return Ok(false);
            }
            match (fault, draft.node) {
                (None, _) => tree.insert(draft).map_err(|reason| (None, reason)),
                (Some((line, reason)), node) => {
                    node.into_iter().for_each(|node| tree.reject(node));
                    Err((Some(line), reason))
                }
            }
        }) {}
        let import = records.ended(&mut tree, |tree| tree.builder());
        import.map(|builder| (tree, builder))
    }
}

impl DirectoryTree {
    /// Reads all entries of a directory, as [`read`](super::read) does, and keeps what is needed to understand changes
    /// to them.
    pub fn read(input: impl BufRead) -> Import<(Self, DirectoryBuilder)> {
        LdifReader::new().read_tree(input)
    }

    /// Reads change records: what changed in the directory, and the tree as it is then.
    ///
    /// Takes the tree, because of an import that is not [whole](Import::into_complete) nothing may be used: clone it before, if
    /// you would go on from it.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use activity_privacy::import::ldif::DirectoryTree;
    /// use activity_privacy::directory::DirectoryChange;
    /// use activity_privacy::identity::{GroupId, UserId};
    ///
    /// let export = b"dn: cn=adele\nobjectClass: person\n\ndn: cn=council\nobjectClass: group\n";
    /// let (tree, _) = DirectoryTree::read(&export[..]).into_complete()?;
    /// let changes = b"dn: cn=council\nchangetype: modify\nadd: member\nmember: cn=adele\n-\n";
    /// let (tree, delta) = tree.change(&changes[..]).into_complete()?;
    /// let joined = DirectoryChange::Member(GroupId::new("cn=council")?, UserId::new("cn=adele")?);
    /// assert!(delta.changes().contains(&joined));
    /// # Ok(())
    /// # }
    /// ```
    pub fn change(mut self, input: impl BufRead) -> Import<(Self, DirectoryDelta)> {
        self.delta = Some(DeltaBuilder::default());
        let mut records = RecordReader::new(input);
        let tree = &mut self;
        while records.next(|first| {
            let mut change = ChangeRecord::default();
            let fault = first(&mut |line, place| change.take(tree, line, place));
            match fault {
                None => change.apply(tree).map_err(|reason| (None, reason)),
                Some((line, reason)) => {
                    change.reject(tree);
                    Err((Some(line), reason))
                }
            }
        }) {}
        let import = records.ended(&mut self, Self::take_delta);
        import.map(|delta| (self, delta))
    }
}
