//! The forms in which a directory names its users: ids that are GUIDs or not, and names that are no addresses.

use super::names::Entry;
use crate::identity::is_guid;

/// Counts the ids of all users by their form, and their names by namespace: the app that a name is bound to, or the empty
/// text for names that are bound to none. There are as many as apps whose accounts the directory knows, which are few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Namespaces {
    names: Vec<(Box<str>, u64)>,
    guids: u64,
    other_ids: u64,
}

impl Namespaces {
    /// Adds the id and the names of a user.
    pub(super) fn add(&mut self, entry: Entry<'_>) {
        *self.ids_like(entry.id()) += 1;
        for namespace in entry.aliases().filter_map(|alias| alias.namespace()) {
            match self.names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                Some((_, names)) => *names += 1,
                None => self.names.push((namespace.into(), 1)),
            }
        }
    }

    /// Removes the id and the names of a user that were added before.
    pub(super) fn remove(&mut self, entry: Entry<'_>) {
        *self.ids_like(entry.id()) -= 1;
        for namespace in entry.aliases().filter_map(|alias| alias.namespace()) {
            if let Some((_, names)) = self.names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                *names -= 1;
            }
        }
        self.names.retain(|(_, names)| *names > 0);
    }

    /// Whether the directory has any name in a namespace.
    pub(super) fn contain(&self, namespace: &str) -> bool {
        self.names.iter().any(|(known, _)| known.eq_ignore_ascii_case(namespace))
    }

    /// Whether the directory has any id of the form of this one.
    pub(super) fn contain_ids_like(&self, id: &str) -> bool {
        if is_guid(id) { self.guids > 0 } else { self.other_ids > 0 }
    }

    fn ids_like(&mut self, id: &str) -> &mut u64 {
        if is_guid(id) { &mut self.guids } else { &mut self.other_ids }
    }
}
