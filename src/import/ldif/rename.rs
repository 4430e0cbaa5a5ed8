//! Moves of an entry with its subtree.

use super::attribute::Attribute;
use super::dn::{self, Dn};
use super::entry::DirectoryEntry;
use super::line::AttributeLine;
use super::name_tree::MoveError;
use super::texts::Edit;
use super::tree::DirectoryTree;
use crate::import::EntryRejectReason;

/// A `modrdn` record that is being read.
#[derive(Default)]
pub(super) struct Rename {
    rdn: Option<Dn>,
    drop_old: Option<bool>,
    parent: Option<Dn>,
}

impl Rename {
    /// Reads one more line.
    pub(super) fn read_line(&mut self, field: &AttributeLine<'_>) -> Result<(), EntryRejectReason> {
        let again = |name| EntryRejectReason::RepeatedField { field: name };
        let expected = dn::EXPECTED;
        if field.is("newrdn") {
            let rdn = Dn::parse(&field.text("newrdn")?).filter(|rdn| rdn.parts.len() == 1);
            let rdn = rdn.ok_or(EntryRejectReason::InvalidField { field: "newrdn", expected })?;
            return if self.rdn.replace(rdn).is_some() { Err(again("newrdn")) } else { Ok(()) };
        }
        if field.is("deleteoldrdn") {
            let drop = match field.text("deleteoldrdn")?.trim() {
                "0" => false,
                "1" => true,
                _ => return Err(EntryRejectReason::InvalidField { field: "deleteoldrdn", expected: "`0` or `1`" }),
            };
            return if self.drop_old.replace(drop).is_some() { Err(again("deleteoldrdn")) } else { Ok(()) };
        }
        if field.is("newsuperior") {
            let parent = Dn::parse(&field.text("newsuperior")?);
            let parent = parent.ok_or(EntryRejectReason::InvalidField { field: "newsuperior", expected })?;
            return if self.parent.replace(parent).is_some() { Err(again("newsuperior")) } else { Ok(()) };
        }
        Err(EntryRejectReason::Syntax { expected: "`newrdn`, `deleteoldrdn` and optionally `newsuperior`" })
    }

    /// Moves an entry with its subtree. Its memberships stay.
    pub(super) fn apply(self, tree: &mut DirectoryTree, node: usize) -> Result<bool, EntryRejectReason> {
        let missing =
            |field| EntryRejectReason::MissingField { field, expected: "`newrdn` and `deleteoldrdn` in every move" };
        let rdn = self.rdn.ok_or(missing("newrdn"))?;
        let drop_old = self.drop_old.ok_or(missing("deleteoldrdn"))?;
        let [new] = rdn.parts.as_slice() else { return Err(missing("newrdn")) };
        let parent = self.parent.map(|parent| tree.node(&parent));
        let parent = parent.unwrap_or_else(|| tree.names.parent(node));
        tree.names.check_move(node, parent, new).map_err(|why| EntryRejectReason::UnsupportedChange {
            advice: match why {
                MoveError::NamedByDn => "export immutable ids of all moved entries",
                MoveError::Taken => "use a name that no entry had before",
            },
        })?;

        let kept: fn(Attribute) -> bool = match tree.entry(node) {
            DirectoryEntry::Person(_) => Attribute::is_of_person,
            DirectoryEntry::Group(_) => Attribute::is_of_group,
            _ => |_| false,
        };
        let is_user_or_group = matches!(tree.entry(node), DirectoryEntry::Person(_) | DirectoryEntry::Group(_));
        let old = Dn::parse(tree.names.rdn(node)).filter(|_| drop_old).map(|dn| dn.rdn).unwrap_or_default();
        let removed = old.into_iter().map(|(attribute, text)| (attribute, Edit::Remove(attribute, text)));
        let added = rdn.rdn.into_iter().map(|(attribute, text)| (attribute, Edit::Add(attribute, text)));
        let edits = removed.chain(added).filter(|(attribute, _)| kept(*attribute)).map(|(_, edit)| edit);
        tree.edit_texts(node, edits.collect())?;
        tree.names.rename(node, parent, new);
        Ok(is_user_or_group)
    }
}
