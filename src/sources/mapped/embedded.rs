//! JSON in texts of a record, which is read as if it were a part of the record.

use super::map::Rules;
use super::node::Part;
use crate::json::{Document, DocumentValue};
use crate::sources::json;

/// How many times JSON may be embedded in embedded JSON.
const MAX_LAYERS: usize = 4;

/// The JSON in the texts of a record, and in those of the layers around it.
pub(super) struct Layer<'r> {
    /// The texts, each with the JSON in it.
    documents: Vec<(&'r str, Document<'r>)>,
    outer: Option<&'r Layer<'r>>,
}

impl<'r> Layer<'r> {
    /// Returns the JSON in a text of the record.
    pub(super) fn root(&'r self, text: &str) -> Option<DocumentValue<'r>> {
        // The text at this address, and not another of the same content.
        let known = self.documents.iter().find(|(known, _)| std::ptr::eq(*known, text));
        known.map(|(_, document)| document.root()).or_else(|| self.outer?.root(text))
    }
}

/// A record in which embedded JSON was read, and whether all of it was.
#[derive(Clone, Copy)]
pub(super) struct Embedding<'r> {
    pub(super) record: Part<'r>,
    /// Whether a text is damaged or incomplete JSON, so that principals in it can be lost.
    pub(super) is_incomplete: bool,
}

/// Calls `visit` with a record, in which the texts at the places `embedded` of the map are read as JSON. A text that does
/// not begin as an object or a list stays a text.
pub(super) fn visit_with_embedded<T>(rules: &Rules, root: DocumentValue<'_>, visit: &dyn Fn(Embedding<'_>) -> T) -> T {
    visit_layer(rules, Part::new(root, None), MAX_LAYERS, visit)
}

fn visit_layer<T>(rules: &Rules, record: Part<'_>, layers: usize, visit: &dyn Fn(Embedding<'_>) -> T) -> T {
    let mut documents: Vec<(&str, Document<'_>)> = Vec::new();
    // The texts that the layers around read are no texts here.
    let mut is_incomplete = false;
    for pointer in &rules.embedded {
        let _: Option<()> = pointer.find(record, &mut |part| {
            let text = part.value().as_str()?;
            let is_new = !documents.iter().any(|(known, _)| std::ptr::eq(*known, text));
            if is_new && text.trim_start().starts_with(['{', '[']) {
                match json::document(text) {
                    Ok(document) if layers > 0 => documents.push((text, document)),
                    _ => is_incomplete = true,
                }
            }
            None
        });
    }
    if documents.is_empty() {
        return visit(Embedding { record, is_incomplete });
    }
    let layer = Layer { documents, outer: record.embedded() };
    visit_layer(rules, Part::new(record.value(), Some(&layer)), layers.saturating_sub(1), visit)
}
