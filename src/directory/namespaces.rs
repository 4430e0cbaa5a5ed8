//! The namespaces in which a directory has names that are no addresses.

use super::names::Entry;

/// Counts the names of all users by namespace: the app that a name is bound to, or the empty text for names that are bound
/// to none. There are as many as apps whose accounts the directory knows, which are few.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Namespaces(Vec<(Box<str>, u64)>);

impl Namespaces {
    /// Adds the names of a user.
    pub(super) fn add(&mut self, entry: Entry<'_>) {
        for namespace in entry.aliases().filter_map(|alias| alias.namespace()) {
            match self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                Some((_, names)) => *names += 1,
                None => self.0.push((namespace.into(), 1)),
            }
        }
    }

    /// Removes the names of a user that were added before.
    pub(super) fn remove(&mut self, entry: Entry<'_>) {
        for namespace in entry.aliases().filter_map(|alias| alias.namespace()) {
            if let Some((_, names)) = self.0.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(namespace)) {
                *names -= 1;
            }
        }
        self.0.retain(|(_, names)| *names > 0);
    }

    /// Whether the directory has any name in a namespace.
    pub(super) fn contains(&self, namespace: &str) -> bool {
        self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(namespace))
    }
}
