//! A parser for the page pointers of the [B-trees](https://www.sqlite.org/fileformat2.html#b_tree_pages) of an SQLite
//! file.

use std::path::Path;

use rusqlite::Connection;

const PAGE: usize = 8_192;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) kind: u8,
}

impl Page {
    pub(crate) fn read(file: &[u8], number: usize) -> Self {
        let begin = (number - 1) * PAGE + if number == 1 { 100 } else { 0 };
        Self { number, kind: file[begin] }
    }

    fn begin(self) -> usize {
        (self.number - 1) * PAGE
    }

    pub(crate) fn is_interior(self) -> bool {
        matches!(self.kind, 2 | 5)
    }

    /// Returns the offsets of its cell pointers.
    pub(crate) fn cells(self, file: &[u8]) -> Vec<usize> {
        let count = usize::from(u16::from_be_bytes([file[self.begin() + 3], file[self.begin() + 4]]));
        let header = if self.is_interior() { 12 } else { 8 };
        (0..count).map(|nth| self.begin() + header + 2 * nth).collect()
    }

    /// Returns the offsets of its pointers to other pages.
    pub(crate) fn children(self, file: &[u8]) -> Vec<usize> {
        if !self.is_interior() {
            return Vec::new();
        }
        let cell = |at: usize| self.begin() + usize::from(u16::from_be_bytes([file[at], file[at + 1]]));
        let cells = self.cells(file).into_iter().map(cell);
        cells.chain([self.begin() + 8]).collect()
    }
}

pub(crate) fn pointed(file: &[u8], at: usize) -> usize {
    u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

/// Returns every page of a tree, its root first.
pub(crate) fn tree(file: &[u8], root: usize) -> Vec<Page> {
    let mut pages = vec![Page::read(file, root)];
    let mut next = 0;
    while let Some(page) = pages.get(next).copied() {
        pages.extend(page.children(file).into_iter().map(|at| Page::read(file, pointed(file, at))));
        next += 1;
    }
    pages
}

/// Returns the trees of a file by name, with their roots.
pub(crate) fn roots(path: &Path) -> Vec<(String, usize)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))).unwrap();
    rows.map(Result::unwrap).collect()
}
