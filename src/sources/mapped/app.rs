//! The app of a record.

use std::collections::BTreeMap;

use super::MapError;
use super::document::AppDocument;
use super::error::Path;
use super::node::Node;
use super::place::{Place, PlaceParser, first_text};
use crate::activity::{App, AppName};
use crate::text::prefix;

/// How the app of a record is found.
pub(super) struct AppRule {
    at: Box<[Place]>,
    /// Names of apps by the text in the record, in lower case.
    names: BTreeMap<String, AppName>,
    /// The app of a record that names none.
    otherwise: AppName,
    suite: Option<AppName>,
}

impl AppRule {
    /// The most names of apps.
    const MAX_NAMES: usize = 1_000;

    pub(super) fn parse(document: &AppDocument, places: &mut PlaceParser, path: Path<'_>) -> Result<Self, MapError> {
        let AppDocument { name, at, names, otherwise, suite } = document;
        let app_name = |text: &str, path: Path<'_>| AppName::new(text).map_err(|fault| path.error(fault.to_string()));
        let otherwise = match (name, otherwise) {
            (Some(name), None) if at.is_none() && names.is_none() => app_name(name, path.member("name"))?,
            (None, Some(otherwise)) if at.is_some() => app_name(otherwise, path.member("otherwise"))?,
            _ => return Err(path.error("expected either `name`, or `at` and `otherwise`")),
        };
        let names = names.iter().flatten();
        if names.clone().count() > Self::MAX_NAMES {
            return Err(path.member("names").error(format!("too many names, expected at most {}", Self::MAX_NAMES)));
        }
        let path_of_names = path.member("names");
        let names = names.map(|(text, name)| {
            Ok((text.to_ascii_lowercase(), app_name(name, path_of_names.member(prefix(text, AppName::MAX_BYTES)))?))
        });
        let suite = suite.as_deref().map(|suite| app_name(suite, path.member("suite"))).transpose()?;
        let at = places.parse_all(at.as_deref().unwrap_or_default(), path.member("at"))?;
        Ok(Self { at, names: names.collect::<Result<_, _>>()?, otherwise, suite })
    }

    /// Returns the name of the app of the records that name none: the app of accounts.
    pub(super) fn name(&self) -> &AppName {
        &self.otherwise
    }

    /// Returns the app of a record. A text that is no valid name of an app gives the app of a record that names none.
    pub(super) fn app(&self, node: Node<'_>) -> App {
        let text = first_text(&self.at, node);
        let named = text.and_then(|text| match self.names.get(&text.to_ascii_lowercase()) {
            Some(name) => Some(name.clone()),
            None => AppName::new(text).ok(),
        });
        let app = App::new(named.unwrap_or_else(|| self.otherwise.clone()));
        match &self.suite {
            Some(suite) => app.in_suite(suite.clone()),
            None => app,
        }
    }
}
