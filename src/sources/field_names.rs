//! The names of fields, and their meaning for the values in the fields.

use hashbrown::HashMap;

/// The meaning of the name of a field for the values in it, as flags.
///
/// The flags below apply to the records of all sources. A source adds flags of its own with [`Self::of_source`], and the
/// number of a field that it looks up with [`Self::with_number`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct FieldName {
    flags: u32,
    number: u8,
}

impl FieldName {
    /// The ids in the field are those of people.
    pub(super) const PERSON: Self = Self::flag(0);
    /// The ids in the field are those of something else: a tenant, a site, a rule, a message.
    pub(super) const THING: Self = Self::flag(1);
    /// A text of no special form in the field is an account name.
    pub(super) const ACCOUNT: Self = Self::flag(2);
    /// The field contains principals, so that its ids are read even if they look like those of something else.
    pub(super) const PRINCIPAL: Self = Self::flag(3);
    /// [`Texts`](super::texts::Texts) keep every text in the field, with an identity in it or not.
    pub(super) const KEPT: Self = Self::flag(4);
    /// The name is `id`, so that a field at the top of a record contains the id of the record.
    const ID: Self = Self::flag(5);
    /// The name can itself contain an identity.
    const TEXT: Self = Self::flag(6);

    /// In the field of a person, a text of no special form is an account name.
    #[cfg_attr(not(feature = "mapped"), allow(dead_code, reason = "of the maps"))]
    pub(super) const PART_OF_PERSON: Self = Self::flag(7);

    /// The most bytes of a name that are considered.
    const MAX_BYTES: usize = 128;

    const fn flag(bit: u8) -> Self {
        Self { flags: 1 << bit, number: 0 }
    }

    /// Returns a flag of one source. `bit` is at most 23.
    pub(super) const fn of_source(bit: u8) -> Self {
        Self::flag(8 + bit)
    }

    /// Returns these flags and those of `other`.
    pub(super) const fn and(self, other: Self) -> Self {
        Self { flags: self.flags | other.flags, number: self.number }
    }

    /// Returns these flags, and `other` if the condition holds.
    pub(super) const fn and_if(self, condition: bool, other: Self) -> Self {
        if condition { self.and(other) } else { self }
    }

    /// Returns these flags with the number of a field that the source looks up.
    pub(super) const fn with_number(self, number: u8) -> Self {
        Self { number, ..self }
    }

    /// Returns the number of the field, or 0 if the source does not look it up.
    pub(super) const fn number(self) -> u8 {
        self.number
    }

    /// Returns whether any of these flags is set.
    pub(super) const fn is(self, flags: Self) -> bool {
        self.flags & flags.flags != 0
    }

    /// Returns whether the name can itself contain an identity.
    pub(super) const fn is_text(self) -> bool {
        self.is(Self::TEXT)
    }

    /// Returns whether the field contains the id of the record, if it is at the top of the record.
    pub(super) const fn is_id(self) -> bool {
        self.is(Self::ID)
    }
}

/// The known names of fields, so that a name is interpreted once and not for each record.
pub(super) struct FieldNames {
    known: HashMap<Box<str>, FieldName>,
    meaning: Meaning,
}

/// Interprets the name of a field, which is passed as it is, and in lower case without punctuation:
/// `enduserprincipalname` for `enduser.principal_name`.
pub(super) type Meaning = fn(name: &str, normalized: &str) -> FieldName;

impl FieldNames {
    /// The most names that are stored. Beyond it, the table is emptied.
    const MAX: usize = 4_096;

    /// Creates a table of the names of a source.
    pub(super) fn new(meaning: Meaning) -> Self {
        Self { known: HashMap::new(), meaning }
    }

    /// Returns the meaning of a name.
    pub(super) fn get(&mut self, name: &str) -> FieldName {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let field = self.interpret(name);
        if name.len() <= FieldName::MAX_BYTES {
            if self.known.len() >= Self::MAX {
                self.known.clear();
            }
            self.known.insert(name.into(), field);
        }
        field
    }

    fn interpret(&self, name: &str) -> FieldName {
        crate::steps::advance(1);
        let normalized = normalized(crate::text::prefix(name, FieldName::MAX_BYTES));
        let field = (self.meaning)(name, &normalized).and_if(normalized == "id", FieldName::ID);
        field.and_if(name.contains(['@', '\\', '-', '|']), FieldName::TEXT)
    }
}

/// Returns the name of a field in lower case without punctuation.
fn normalized(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_number_of_stored_names_is_limited() {
        let mut names = FieldNames::new(|name, normalized| {
            FieldName::default()
                .with_number(name.len().try_into().unwrap_or(0))
                .and_if(normalized.starts_with("user"), FieldName::PERSON)
        });
        for at in 0..3 * FieldNames::MAX {
            let name = format!("User-{at}");
            for _ in 0..2 {
                let field = names.get(&name);
                assert!(field.is(FieldName::PERSON) && usize::from(field.number()) == name.len() && !field.is_id());
            }
            assert!(names.known.len() <= FieldNames::MAX);
        }
        let long = "x".repeat(FieldName::MAX_BYTES + 1);
        names.get(&long);
        assert!(!names.known.contains_key(&*long));
        assert!(names.get("I_d").is_id());
    }
}
