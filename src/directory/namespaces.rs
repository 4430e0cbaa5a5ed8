//! The forms of identities in a directory: ids that are GUIDs or not, and names that are not addresses.

use super::records::UserRecord;
use crate::identity::is_guid;

/// Counts of the ids of all users by form, and of their names by namespace: the app that a name is bound to, or the
/// empty text for a name that is bound to none. A directory has accounts of few apps, so the list is short.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Namespaces {
    names: Vec<(Box<str>, u64)>,
    guids: u64,
    other_ids: u64,
}

impl Namespaces {
    /// Adds the id and the names of a user.
    pub(super) fn add(&mut self, record: UserRecord<'_>) {
        *self.ids_like(record.id()) += 1;
        for namespace in record.aliases().filter_map(|alias| alias.namespace()) {
            match self.names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                Some((_, names)) => *names += 1,
                None => self.names.push((namespace.into(), 1)),
            }
        }
    }

    /// Removes the id and the names of a user that were added before.
    pub(super) fn remove(&mut self, record: UserRecord<'_>) {
        *self.ids_like(record.id()) -= 1;
        for namespace in record.aliases().filter_map(|alias| alias.namespace()) {
            if let Some((_, names)) = self.names.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                *names -= 1;
            }
        }
        self.names.retain(|(_, names)| *names > 0);
    }

    /// Returns whether the directory has any name in a namespace.
    pub(super) fn contain(&self, namespace: &str) -> bool {
        self.names.iter().any(|(known, _)| known.eq_ignore_ascii_case(namespace))
    }

    /// Returns whether the directory has any id of the form of this one.
    pub(super) fn contain_ids_like(&self, id: &str) -> bool {
        if is_guid(id) { self.guids > 0 } else { self.other_ids > 0 }
    }

    fn ids_like(&mut self, id: &str) -> &mut u64 {
        if is_guid(id) { &mut self.guids } else { &mut self.other_ids }
    }
}
