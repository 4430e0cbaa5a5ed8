//! The fields of a record, by the names that its schema gives them.

use std::borrow::Cow;

use super::entries::{self, Entry, VisitEntry, member};
use super::field::Field;
use super::{DateOrder, RejectReason};
use crate::json::{DocumentValue, Kind, canonical_value};
use crate::sources::field_names::FieldNames;
use crate::sources::texts::{Member, Texts};

/// The fields that every activity has, the preferred first.
pub(super) struct Schema {
    pub(super) id: &'static [Field],
    pub(super) time: &'static [Field],
    pub(super) app: Field,
    pub(super) object: Field,
}

/// The Common schema of the Management Activity API.
const COMMON: Schema =
    Schema { id: &[Field::Id], time: &[Field::CreationTime], app: Field::Workload, object: Field::ObjectId };

/// The table `OfficeActivity`. Its `Identity` is not an id: cmdlets write the object that they changed into it.
pub(super) const OFFICE_ACTIVITY: Schema = Schema {
    id: &[Field::OfficeId, Field::SourceRecordId, Field::RecordId, Field::Id],
    time: &[Field::TimeGenerated, Field::StartTime, Field::CreationTime, Field::CreationDate, Field::CreationDates],
    app: Field::OfficeWorkload,
    object: Field::OfficeObjectId,
};

/// The fields of a record. Texts are returned without white space around them, and empty texts not at all.
pub(super) struct Fields<'d> {
    pub(super) record: DocumentValue<'d>,
    members: Vec<Member<'d>>,
    /// The index in `members` of each field that is looked up.
    indexes: [u32; Field::COUNT],
    /// Whether the names of two fields differ in case only.
    has_alike: bool,
    pub(super) schema: &'static Schema,
    /// The order of day and month if a time does not show it.
    pub(super) order: Option<DateOrder>,
}

/// The index of a field that a record does not have.
const NONE: u32 = u32::MAX;

impl<'d> Fields<'d> {
    /// Returns the fields of a JSON record, which can be a row of `OfficeActivity`.
    pub(super) fn of_json(record: DocumentValue<'d>, names: &mut FieldNames, order: Option<DateOrder>) -> Self {
        let fields = Self::new(record, &COMMON, order, |name| Member::of(name, names));
        let has = |field: &Field| fields.index(*field) != NONE;
        let is_row = !COMMON.time.iter().any(has)
            && [Field::TimeGenerated, Field::OfficeWorkload, Field::OfficeId].iter().any(has);
        if is_row { Self::of_row(record, names, order) } else { fields }
    }

    /// Returns the fields of a row of `OfficeActivity`, whose names are without ` [UTC]`.
    pub(super) fn of_row(record: DocumentValue<'d>, names: &mut FieldNames, order: Option<DateOrder>) -> Self {
        Self::new(record, &OFFICE_ACTIVITY, order, |(name, value)| Member::of((without_zone(name), value), names))
    }

    fn new(
        record: DocumentValue<'d>,
        schema: &'static Schema,
        order: Option<DateOrder>,
        member: impl FnMut((&'d str, DocumentValue<'d>)) -> Member<'d>,
    ) -> Self {
        /// The usual number of fields is below this.
        const USUAL: usize = 48;
        let mut members = Vec::with_capacity(USUAL);
        members.extend(record.members().map(member));
        let (mut indexes, mut has_alike) = ([NONE; Field::COUNT], false);
        for (at, member) in (0..).zip(&members) {
            let slot = usize::from(member.field.number()).checked_sub(1).and_then(|number| indexes.get_mut(number));
            if let Some(slot) = slot {
                has_alike |= *slot != NONE;
                *slot = at;
            }
        }
        Self { record, members, indexes, has_alike, schema, order }
    }

    /// Reads the texts of the record.
    pub(super) fn read_texts(&self, names: &mut FieldNames) -> Texts<'d> {
        Texts::of_members(&self.members, names)
    }

    fn index(&self, field: Field) -> u32 {
        self.indexes.get(field as usize).copied().unwrap_or(NONE)
    }

    /// Returns the value of a field. The name is compared without regard to case; the exact name comes first.
    pub(super) fn value(&self, field: Field) -> Option<DocumentValue<'d>> {
        let exact = || self.members.iter().find(|member| member.name == field.name()).map(|member| member.value);
        self.has_alike.then(exact).flatten().or_else(|| self.values(field).next())
    }

    /// Returns the values of all fields of a name without regard to case: `SendOnBehalfOfUserSmtp`,
    /// `SendonBehalfOfUserSmtp`.
    fn values(&self, field: Field) -> impl Iterator<Item = DocumentValue<'d>> + use<'d> {
        let only = self.members.get(self.index(field) as usize).filter(|_| !self.has_alike);
        let mut alike: Vec<&Member<'d>> = Vec::new();
        if self.has_alike {
            alike.extend(self.members.iter().filter(|member| member.field.number() == field.number()));
            alike.sort_unstable_by_key(|member| member.name);
        }
        let alike: Vec<DocumentValue<'d>> = alike.into_iter().map(|member| member.value).collect();
        only.map(|member| member.value).into_iter().chain(alike)
    }

    /// Returns the text of a field.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if the value is not a string.
    pub(super) fn text(&self, field: Field) -> Result<Option<&'d str>, RejectReason> {
        match self.value(field) {
            None => Ok(None),
            Some(value) => match (value.kind(), value.as_str()) {
                (Kind::Null, _) => Ok(None),
                (_, Some(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
                (_, None) => Err(RejectReason::InvalidField { field: field.name().into(), expected: "a text" }),
            },
        }
    }

    /// Returns every string or number of a field, without regard to the case of its name. Skips other values, which are
    /// not names by themselves.
    pub(super) fn texts(&self, field: Field) -> impl Iterator<Item = Cow<'d, str>> + use<'d> {
        self.values(field).filter_map(lenient_text_of)
    }

    /// Returns the first string or number of a field.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if a value of the field is neither, nor null.
    pub(super) fn required_text(&self, field: Field) -> Result<Option<Cow<'d, str>>, RejectReason> {
        match self.values(field).any(|value| matches!(value.kind(), Kind::Bool | Kind::List | Kind::Object)) {
            true => Err(RejectReason::InvalidField { field: field.name().into(), expected: "a text" }),
            false => Ok(self.lenient_text(field)),
        }
    }

    /// Returns the first string or number of a field.
    pub(super) fn lenient_text(&self, field: Field) -> Option<Cow<'d, str>> {
        self.texts(field).next()
    }

    /// Calls `visit` with each entry of a list, which `OfficeActivity` has as JSON in a string. A value that is not a
    /// list is the only entry.
    pub(super) fn for_each_entry(&self, field: Field, visit: VisitEntry<'_>) -> Result<(), RejectReason> {
        self.values(field).try_for_each(|value| entries::for_each(value, visit))
    }

    /// Calls `visit` with each entry of a list that contains principals.
    ///
    /// # Errors
    /// Returns [`RejectReason::InvalidField`] if the list is a string with truncated JSON, because the missing part may
    /// contain an id.
    pub(super) fn for_each_person(&self, field: Field, visit: VisitEntry<'_>) -> Result<(), RejectReason> {
        self.for_each_entry(field, &mut |entry| match entry {
            Entry::Text(text) if text.starts_with(['[', '{']) => {
                Err(RejectReason::InvalidField { field: field.name().into(), expected: "a list or an object" })
            }
            entry => visit(entry),
        })
    }

    /// Calls `visit` with the texts of the member `name` in the objects that a field contains.
    pub(super) fn for_each_inner_text(
        &self,
        field: Field,
        name: &str,
        visit: &mut dyn FnMut(&str) -> Result<(), RejectReason>,
    ) -> Result<(), RejectReason> {
        self.for_each_person(field, &mut |entry| {
            let Entry::Object(object) = entry else { return Ok(()) };
            let text = member(object, name).and_then(lenient_text_of);
            text.map_or(Ok(()), |text| visit(&text))
        })
    }

    /// Returns the first of these fields that has a text.
    pub(super) fn first(&self, fields: &[Field]) -> Result<Option<(Field, &'d str)>, RejectReason> {
        for field in fields {
            if let Some(text) = self.text(*field)? {
                return Ok(Some((*field, text)));
            }
        }
        Ok(None)
    }
}

fn lenient_text_of(value: DocumentValue<'_>) -> Option<Cow<'_, str>> {
    match value.as_str() {
        Some(text) => Some(text.trim().into()).filter(|text: &Cow<'_, str>| !text.is_empty()),
        // In canonical form, so that the notation does not matter.
        None if value.kind() == Kind::Number => canonical_value(value).map(Cow::Owned),
        None => None,
    }
}

/// Returns the name of a column without the zone that the portal appends to the names of times.
pub(super) fn without_zone(name: &str) -> &str {
    name.strip_suffix(" [UTC]").unwrap_or(name).trim_end()
}
