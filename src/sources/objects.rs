//! The objects of an activity: the things and people that it affected.

use std::collections::HashSet;

use super::identity::Identities;
use super::texts::{FieldText, IdKind, Texts};
use crate::activity::Activity;
use crate::identity::{Alias, DRIVE_OF, Identity};

/// The distinct objects of one activity, in the order in which they were added.
#[derive(Default)]
pub(super) struct Objects {
    names: Vec<String>,
    /// The names, if there are more than [`Self::MAX_COMPARED`].
    seen: HashSet<String>,
    /// Whether identities were left out, apart from objects beyond the limit.
    is_truncated: bool,
}

impl Objects {
    /// The most names that are compared one by one.
    const MAX_COMPARED: usize = 16;

    /// Adds an object, unless its name is blank or too long.
    pub(super) fn add(&mut self, name: &str) {
        crate::steps::advance(1);
        // INVARIANT: at most one more than an activity can contain, which shows that some are left out.
        let is_full = self.names.len() > Activity::MAX_OBJECTS;
        if is_full || name.trim().is_empty() || name.len() > Activity::MAX_OBJECT_BYTES || self.contain(name) {
            return;
        }
        self.names.push(name.to_owned());
        match self.names.len() {
            ..=Self::MAX_COMPARED => {}
            count if count == Self::MAX_COMPARED + 1 => self.seen.extend(self.names.iter().cloned()),
            _ => drop(self.seen.insert(name.to_owned())),
        }
    }

    fn contain(&self, name: &str) -> bool {
        match self.names.len() {
            ..=Self::MAX_COMPARED => self.names.iter().any(|known| known == name),
            _ => self.seen.contains(name),
        }
    }

    /// Adds an identity as an object.
    pub(super) fn add_identity(&mut self, identity: &Identity) {
        match identity {
            Identity::Id(id) => self.add(id.as_str()),
            // A key of the source has no meaning outside of it.
            Identity::Alias(alias) if alias.app() == Some(Alias::SOURCE_KEYS) => {}
            Identity::Alias(alias) => self.add(alias.as_str()),
        }
    }

    /// Adds every identity that any text of a record contains, except those of principals. `is_skipped` is true for the
    /// texts in fields of principals.
    pub(super) fn add_identities_in(
        &mut self,
        texts: &Texts<'_>,
        is_skipped: impl Fn(&FieldText<'_>) -> bool,
        is_principal: impl Fn(&Identity) -> bool,
    ) {
        let mut named = Identities::of_many();
        for text in texts.iter().filter(|text| !is_skipped(text)) {
            named.clear();
            text.add_addresses(&mut named);
            if text.path().id_kind() != IdKind::Thing {
                text.add_special(&mut named);
            }
            text.add_account(&mut named);
            self.is_truncated |= named.exceed_limit();
            named.iter().filter(|identity| !is_principal(identity)).for_each(|identity| self.add_identity(identity));
            for owner in text.onedrive_owners() {
                self.add(&format!("{DRIVE_OF}{owner}"));
            }
        }
        self.is_truncated |= !texts.is_complete();
    }

    /// Returns the objects, and whether some are left out. The activity of such a record must be hidden.
    pub(super) fn into_names(mut self) -> (Vec<String>, bool) {
        let is_truncated = self.is_truncated || self.names.len() > Activity::MAX_OBJECTS;
        self.names.truncate(Activity::MAX_OBJECTS);
        (self.names, is_truncated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_objects_are_distinct_and_limited() {
        for count in [1, Objects::MAX_COMPARED, Objects::MAX_COMPARED + 1, 3 * Objects::MAX_COMPARED, 1_000, 1_001] {
            let mut objects = Objects::default();
            for _ in 0..2 {
                (0..count).for_each(|at| objects.add(&format!("object {at}")));
                objects.add(" ");
                objects.add(&"x".repeat(Activity::MAX_OBJECT_BYTES + 1));
            }
            let (names, is_truncated) = objects.into_names();
            assert!(names.iter().enumerate().all(|(at, name)| *name == format!("object {at}")));
            assert_eq!((names.len(), is_truncated), (count.min(1_000), count > 1_000), "{count}");
        }
    }
}
