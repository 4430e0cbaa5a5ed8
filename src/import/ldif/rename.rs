//! Moves: an entry, and everything below it, under another name.

use std::sync::Arc;

use super::attribute::Attribute;
use super::dn::{self, Dn};
use super::entry::{Entry, Texts};
use super::line::Field;
use super::tree::Tree;
use crate::import::RejectReason;

/// A change of a name of which lines are still being read.
#[derive(Default)]
pub(super) struct Rename {
    rdn: Option<Dn>,
    drop_old: Option<bool>,
    parent: Option<String>,
}

impl Rename {
    /// Takes in one more line.
    pub(super) fn take(&mut self, field: &Field<'_>) -> Result<(), RejectReason> {
        let again = |name| RejectReason::RepeatedField { field: name };
        let expected = "a distinguished name (RFC 4514)";
        if field.is("newrdn") {
            let rdn = Dn::parse(&field.text("newrdn")?)
                .filter(|rdn| !rdn.normal.is_empty() && dn::parent(&rdn.normal).is_empty());
            let rdn = rdn.ok_or(RejectReason::InvalidField { field: "newrdn", expected })?;
            return if self.rdn.replace(rdn).is_some() { Err(again("newrdn")) } else { Ok(()) };
        }
        if field.is("deleteoldrdn") {
            let drop = match field.text("deleteoldrdn")?.trim() {
                "0" => false,
                "1" => true,
                _ => return Err(RejectReason::InvalidField { field: "deleteoldrdn", expected: "`0` or `1`" }),
            };
            return if self.drop_old.replace(drop).is_some() { Err(again("deleteoldrdn")) } else { Ok(()) };
        }
        if field.is("newsuperior") {
            let parent = Dn::parse(&field.text("newsuperior")?);
            let parent = parent.ok_or(RejectReason::InvalidField { field: "newsuperior", expected })?.normal;
            return if self.parent.replace(parent).is_some() { Err(again("newsuperior")) } else { Ok(()) };
        }
        Err(RejectReason::Syntax { expected: "`newrdn`, `deleteoldrdn` and maybe `newsuperior`" })
    }

    /// Gives an entry and everything below it other names. Who lists them lists them still.
    pub(super) fn apply(self, tree: &mut Tree, node: usize) -> Result<bool, RejectReason> {
        let missing = |field| RejectReason::MissingField { field, expected: "it with every move" };
        let rdn = self.rdn.ok_or(missing("newrdn"))?;
        let drop_old = self.drop_old.ok_or(missing("deleteoldrdn"))?;
        let Some(old) = tree.nodes.get(node).map(|node| Arc::clone(&node.dn)) else { return Ok(false) };
        let new = dn::below(&rdn.normal, self.parent.as_deref().unwrap_or_else(|| dn::parent(&old)));
        let moved = moved(tree, &old, &new)?;

        let (kept, mut texts): (fn(Attribute) -> bool, Texts) = match tree.entry(node) {
            Entry::Person(person) => (Attribute::is_of_person, person.texts.clone()),
            Entry::Group(group) => (Attribute::is_of_group, group.texts.clone()),
            _ => (|_| false, Texts::default()),
        };
        let is_somebody = matches!(tree.entry(node), Entry::Person(_) | Entry::Group(_));
        let old_rdn = Dn::parse(&old).map(|dn| dn.rdn).unwrap_or_default();
        for (attribute, text) in old_rdn.iter().filter(|(attribute, _)| drop_old && kept(*attribute)) {
            texts.remove(*attribute, Some(text));
        }
        for (attribute, text) in rdn.rdn.iter().filter(|(attribute, _)| kept(*attribute)) {
            texts.add(*attribute, text);
        }
        tree.rename_texts(node, texts)?;
        for (node, dn) in moved {
            tree.rename(node, dn);
        }
        Ok(is_somebody)
    }
}

/// What is at or below a name, with the names that they get.
fn moved(tree: &Tree, old: &str, new: &str) -> Result<Vec<(usize, String)>, RejectReason> {
    let mut moved = Vec::new();
    for (dn, node) in &tree.by_dn {
        let Some(head) = dn.strip_suffix(old).filter(|_| is_at_or_below(dn, old)) else { continue };
        if tree.is_named_by_dn(*node) {
            return Err(RejectReason::UnsupportedChange { expected: "an immutable id of whatever is moved" });
        }
        moved.push((*node, format!("{head}{new}")));
    }
    let goes = |dn: &str| is_at_or_below(dn, old);
    if moved.iter().any(|(_, dn)| !goes(dn) && tree.by_dn.contains_key(dn.as_str())) || is_below(new, old) {
        return Err(RejectReason::UnsupportedChange { expected: "a new name that nothing had before" });
    }
    Ok(moved)
}

fn is_at_or_below(dn: &str, above: &str) -> bool {
    dn == above || is_below(dn, above)
}

fn is_below(dn: &str, above: &str) -> bool {
    let mut rest = dn;
    while rest.len() > above.len() && !rest.is_empty() {
        rest = dn::parent(rest);
        if rest == above {
            return true;
        }
    }
    false
}
