//! Pages of views and of reveals, with the cursors that the library returned.

use super::HistoryHarness;
use super::nodes::Nodes;
use super::tally::{reached, reached_times};
use crate::activity::ActivityId;
use crate::engine::Visibility;
use crate::export::{Export, ExportError};
use crate::filter::{Page, RevealError, ViewError};
use crate::governance::{ExportFormat, PrivateRows, RevealId};
use crate::identity::UserId;
use crate::policy::Denial;
use crate::query::{Cursor, PageSize};
use crate::strategies::{CursorChoice, ExpectedAnswer, ExpectedPage, Node, Search};

/// A cursor that the library returned.
pub(super) struct Made {
    cursor: Cursor,
    of: Of,
}

enum Of {
    View(UserId, Search),
    Reveal(RevealId),
}

impl<H: HistoryHarness> Nodes<H> {
    pub(super) fn page(
        &mut self,
        node: Node,
        viewer: &UserId,
        search: &Search,
        size: u16,
        choice: CursorChoice,
    ) -> ExpectedAnswer {
        reached("step: page of a view");
        let (mut viewer, mut search) = (viewer.clone(), search.clone());
        let chosen = self.cursor(choice, |of| matches!(of, Of::View(..)));
        if let (CursorChoice::Last, Some(Made { of: Of::View(of, with), .. })) = (choice, chosen) {
            (viewer, search) = (of.clone(), with.clone());
        }
        let cursor: Option<Cursor> = chosen.map(|made| made.cursor.to_string().parse().unwrap());
        let page = self.filter(node).view(&viewer).page(&search.query(), PageSize::at_most(size), cursor.as_ref());
        ExpectedAnswer::Page(match page {
            Ok(page) => {
                assert!(!page.includes_private());
                if cursor.is_some() {
                    reached("view: continued from a cursor");
                }
                if let Some(next) = page.next() {
                    self.cursors.push(Made { cursor: next.clone(), of: Of::View(viewer, search) });
                }
                Ok((shown(&page), page.next().is_some()))
            }
            Err(ViewError::Cursor(_)) => {
                reached("view: foreign cursor rejected");
                Err(None)
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    pub(super) fn turn(&mut self, which: u8, size: u16, choice: CursorChoice) -> Option<ExpectedPage> {
        reached("step: page of a reveal");
        let slot = self.slot(which)?;
        let id = self.reveals[slot].2.id();
        let chosen = match choice {
            CursorChoice::Last => self.cursor(choice, |of| matches!(of, Of::Reveal(reveal) if *reveal == id)),
            other => self.cursor(other, |_| true),
        };
        let cursor: Option<Cursor> = chosen.map(|made| made.cursor.to_string().parse().unwrap());
        Some(match self.reveals[slot].2.page(PageSize::at_most(size), cursor.as_ref()) {
            Ok(page) => {
                reached(if cursor.is_some() { "reveal: continued from a cursor" } else { "reveal: first page" });
                let shown = shown(&page);
                let private = shown.iter().filter(|(_, visibility)| *visibility == Visibility::Private).count();
                reached_times("reveal: private activities shown", private as u64);
                assert_eq!(page.includes_private(), private > 0);
                if let Some(next) = page.next() {
                    self.cursors.push(Made { cursor: next.clone(), of: Of::Reveal(id) });
                }
                Ok((shown, page.next().is_some()))
            }
            Err(RevealError::Denied(denial)) => {
                reached(format!("page of a reveal denied: {denial:?}"));
                Err(Some(denial))
            }
            Err(RevealError::Cursor(_)) => {
                reached("reveal: foreign cursor rejected");
                Err(None)
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    pub(super) fn export(&mut self, which: u8, private_rows: PrivateRows) -> Option<Result<(u64, u64), Denial>> {
        reached(format!("step: export, {private_rows}"));
        let slot = self.slot(which)?;
        let mut out = Vec::new();
        let export = Export::new(ExportFormat::JsonLines, &mut out);
        Some(match self.reveals[slot].2.export(private_rows, export) {
            Ok(exported) => {
                reached(format!("export: {private_rows}"));
                reached_times("export: redacted rows", exported.private);
                let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
                assert_eq!((lines, exported.bytes), (exported.public + exported.private, out.len() as u64));
                Ok((exported.public, exported.private))
            }
            Err(ExportError::Denied(denial)) => {
                reached(format!("export denied: {denial:?}"));
                assert!(out.is_empty());
                Err(denial)
            }
            Err(error) => panic!("{error:?}"),
        })
    }

    pub(super) fn slot(&self, which: u8) -> Option<usize> {
        let open = self.reveals.len();
        (open > 0).then(|| open - 1 - usize::from(which) % open)
    }

    fn cursor(&self, choice: CursorChoice, is: impl Fn(&Of) -> bool) -> Option<&Made> {
        match choice {
            CursorChoice::Start => None,
            CursorChoice::Last => self.cursors.iter().rev().find(|made| is(&made.of)),
            CursorChoice::Any(which) => self.cursors.iter().rev().cycle().nth(which.into()),
        }
    }
}

fn shown(page: &Page) -> Vec<(ActivityId, Visibility)> {
    page.activities().iter().map(|stored| (stored.activity().id().clone(), stored.visibility())).collect()
}
