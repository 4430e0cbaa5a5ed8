//! Reading of directories and of changes to them.

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

/// A reader of directory entries, with options.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use activity_privacy::import::ldif;
///
/// let export = b"dn: cn=council\nobjectClass: groupOfNames\nmember: cn=S-1-5-11,cn=ForeignSecurityPrincipals\n";
/// assert!(ldif::read(&export[..]).into_complete().is_err());
/// let reader = ldif::LdifReader::new().ignoring_members(["cn=ForeignSecurityPrincipals"])?;
/// assert!(reader.read(&export[..]).into_complete().is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct LdifReader {
    tree: DirectoryTree,
}

/// The error of a text passed to [`LdifReader::ignoring_members`] that is not a distinguished name. It does not contain
/// the text, which may name a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("name {at} is invalid, expected a distinguished name (RFC 4514) of at most 128 parts")]
pub struct InvalidDn {
    /// The number of the text in the arguments, from 1.
    pub at: usize,
}

impl LdifReader {
    /// Creates a reader without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares entries that do not belong to people, by distinguished name. Each name covers its subtree. Names are
    /// compared as members are.
    ///
    /// A member below such a name counts as [ignored](Import::ignored) if the input does not contain it, or if it is a
    /// foreign security principal or another entry that is neither user nor group. A reference to another server below
    /// such a name is ignored too. Users and groups that the input contains are still read. The empty name covers an
    /// empty `member` only. A name that consists of one `uid` also covers that `memberUid`.
    ///
    /// # Errors
    /// Returns [`InvalidDn`] if a text is not a distinguished name.
    pub fn ignoring_members(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, InvalidDn> {
        for (at, name) in (1..).zip(names) {
            let dn = Dn::parse(&name.into()).ok_or(InvalidDn { at })?;
            self.tree.mark_non_people(&dn);
        }
        Ok(self)
    }

    /// Reads all entries of a directory; see the [module](super).
    pub fn read(self, input: impl BufRead) -> Import<DirectoryBuilder> {
        self.read_tree(input).map(|(_, builder)| builder)
    }

    /// Reads all entries of a directory, and also returns the tree that later changes need.
    pub fn read_tree(self, input: impl BufRead) -> Import<(DirectoryTree, DirectoryBuilder)> {
        let Self { mut tree } = self;
        let mut records = RecordReader::new(input);
        while records.next(|first| {
            let mut draft = EntryDraft::default();
            let fault = first(&mut |line, place| draft.read_line(&mut tree, line, place));
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
        let import = records.into_import(&mut tree, |tree| tree.builder());
        import.map(|builder| (tree, builder))
    }
}

impl DirectoryTree {
    /// Reads all entries of a directory as [`read`](super::read) does, and also returns the tree that later changes
    /// need.
    pub fn read(input: impl BufRead) -> Import<(Self, DirectoryBuilder)> {
        LdifReader::new().read_tree(input)
    }

    /// Reads change records, and returns the changes with the updated tree.
    ///
    /// This consumes the tree, because an [incomplete](Import::into_complete) import leaves it unusable. Clone the tree
    /// first to continue from the previous state.
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
            let fault = first(&mut |line, place| change.read_line(tree, line, place));
            match fault {
                None => change.apply(tree).map_err(|reason| (None, reason)),
                Some((line, reason)) => {
                    change.reject(tree);
                    Err((Some(line), reason))
                }
            }
        }) {}
        let import = records.into_import(&mut self, Self::take_delta);
        import.map(|delta| (self, delta))
    }
}
