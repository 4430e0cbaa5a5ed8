//! The identities in the texts of a record, in the form that directories contain.

use super::MapError;
use super::cut::Cut;
use super::document::{Form, IdentityDocument};
use super::error::Path;
use super::node::Node;
use super::place::{Place, PlaceParser, name};
use super::salesforce_id;
use crate::identity::{Alias, UserId, address};
use crate::sources::identity::Identities;
use crate::sources::identity::name_form::{clean, guid};

/// A place that names a principal, and the form of the name.
pub(super) struct IdentityPlace {
    at: Place,
    form: Form,
    cut: Cut,
    /// The app of an account.
    app: Box<str>,
}

impl IdentityPlace {
    /// Parses the place of a name. `app` is the app of accounts, unless the document names another.
    pub(super) fn parse(
        document: &IdentityDocument,
        app: &str,
        places: &mut PlaceParser,
        path: Path<'_>,
    ) -> Result<Self, MapError> {
        let at = places.parse(&document.at).map_err(|fault| path.member("at").error(fault))?;
        let IdentityDocument { after_last, before_first, or_whole, .. } = document;
        let cut = Cut::parse(after_last.as_deref(), before_first.as_deref(), *or_whole, path)?;
        let has_app = matches!(document.form, Form::Account | Form::SalesforceId);
        if document.app.is_some() && !has_app {
            return Err(path
                .member("app")
                .error("has an effect only on the forms `account` and `salesforce_id`; remove it"));
        }
        let app = document.app.as_deref().unwrap_or(app);
        Alias::account(app, "name").map_err(|fault| path.member("app").error(fault.to_string()))?;
        Ok(Self { at, form: document.form, cut, app: app.into() })
    }

    /// Adds every identity at the place. Returns whether there is a name that no directory can contain, for example
    /// because it is too long.
    pub(super) fn add_to(&self, identities: &mut Identities, node: Node<'_>) -> bool {
        let mut is_invalid = false;
        let mut add = |text: &str| {
            if let Some(text) = self.cut.of(text).and_then(name) {
                is_invalid |= add(identities, text, self.form, &self.app).is_none();
            }
        };
        match self.form {
            Form::Text => self.at.for_each_text(node, &mut add),
            _ => self.at.for_each_name(node, &mut add),
        }
        is_invalid
    }
}

/// Adds the identities in a text. Returns `None` if it is a name that no directory can contain.
fn add(identities: &mut Identities, text: &str, form: Form, app: &str) -> Option<()> {
    match form {
        Form::Name => identities.add_sign_in_name(text, "").ok()?,
        // An address with white space is one within a longer text.
        Form::Address if address(text).is_some() && !text.contains(char::is_whitespace) => {
            identities.add_sign_in_name(text, "").ok()?;
        }
        Form::Address => identities.add_embedded_addresses(text),
        Form::Account => identities.add(Alias::account(app, &*clean(text)).ok()?),
        Form::Id => {
            let text = clean(text);
            // Ids are compared with regard to case. Directories write GUIDs in lower case, records in either.
            let guid = guid(&text).map(|guid| guid.to_string());
            let has_own_form = guid.is_none() || text.len() == 36;
            for id in guid.as_deref().into_iter().chain(has_own_form.then_some(&*text)) {
                identities.add(UserId::new(id).ok()?);
            }
        }
        Form::Key => identities.add(Alias::account(Alias::SOURCE_KEYS, &*clean(text)).ok()?),
        Form::SalesforceId => identities.add(Alias::account(app, salesforce_id::long(&clean(text))).ok()?),
        Form::Text => {
            identities.add_embedded_addresses(text);
            identities.add_identities_in(text);
        }
    }
    Some(())
}
