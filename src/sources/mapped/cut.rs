//! The part of a text that is a name.

use super::MapError;
use super::error::Path;

/// The part of a text that is a name: behind the last occurrence of a mark, and before the first of another.
#[derive(Default)]
pub(super) struct Cut {
    after_last: Option<Box<str>>,
    before_first: Option<Box<str>>,
    /// Whether the whole text is the name if it does not contain `after_last`.
    or_whole: bool,
}

impl Cut {
    /// The most bytes of a mark.
    const MAX_MARK_BYTES: usize = 64;

    pub(super) fn parse(
        after_last: Option<&str>,
        before_first: Option<&str>,
        or_whole: Option<bool>,
        path: Path<'_>,
    ) -> Result<Self, MapError> {
        let mark = |text: Option<&str>, member| match text {
            Some(text) if text.is_empty() || text.len() > Self::MAX_MARK_BYTES => {
                Err(path.member(member).error(format!("invalid text, expected 1 to {} bytes", Self::MAX_MARK_BYTES)))
            }
            text => Ok(text.map(Box::from)),
        };
        let cut = Self {
            after_last: mark(after_last, "after_last")?,
            before_first: mark(before_first, "before_first")?,
            or_whole: or_whole.unwrap_or_default(),
        };
        match or_whole {
            Some(_) if cut.after_last.is_none() => {
                Err(path.member("or_whole").error("has no effect without `after_last`; remove it"))
            }
            _ => Ok(cut),
        }
    }

    /// Returns whether every text is the name as a whole.
    pub(super) fn is_none(&self) -> bool {
        self.after_last.is_none() && self.before_first.is_none()
    }

    /// Returns the part of a text that is the name, or `None` if the text has no such part.
    pub(super) fn of<'t>(&self, text: &'t str) -> Option<&'t str> {
        let text = match &self.after_last {
            None => text,
            Some(mark) => match text.rsplit_once(&**mark) {
                Some((_, rest)) => rest,
                None if self.or_whole => text,
                None => return None,
            },
        };
        let before = self.before_first.as_ref().and_then(|mark| text.split_once(&**mark));
        Some(before.map_or(text, |(before, _)| before).trim())
    }
}
