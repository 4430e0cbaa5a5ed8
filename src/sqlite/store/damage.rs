//! V2 on a damaged file: whatever a pointer leads to, a public read shows what was decided public, or says that the file
//! is corrupt.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::activity::App;
use crate::actor::Actor;
use crate::identity::Alias;
use crate::sqlite::append::append;
use crate::sqlite::segments::Draft;

/// Stands in every part of every hidden row, and nowhere else.
const CANARY: &str = "zqcanary";
/// So many rows of each visibility.
const ROWS: i64 = 240;
const PAGE: usize = 8_192;

fn stamp(visibility: &str, reason: i64) -> Stamp {
    let text = format!(
        r#"{{"visibility":"{visibility}","policy":{},"directory":null,"decided_at":"2026-01-01T00:00:00Z","reasons":[]}}"#,
        1 + reason
    );
    from_json("stamp", text.as_bytes()).unwrap()
}

/// Rows of both kinds share times; ids are as long as it takes for the indexes to have interior pages.
fn activity(n: i64, is_hidden: bool) -> Activity {
    let word = if is_hidden { CANARY } else { "shown" };
    let actor = Actor::user(Alias::new(format!("{word}{}@contoso.com", n % 7)).unwrap());
    let id = format!("{word}-{n:04}-{}", "i".repeat(100)).parse().unwrap();
    let time = chrono::DateTime::from_timestamp(1_772_000_000 + n * 600, 0).unwrap();
    let app = App::new(format!("App {word}").parse().unwrap());
    let object = format!("{word} {}", "o".repeat(300));
    Activity::builder(id, actor, app, format!("Action{word}").parse().unwrap(), time)
        .object(object)
        .details(if n % 20 == 7 { format!("{word} {n} ").repeat(2_000) } else { format!("details {word} {n}") })
        .build()
        .unwrap()
}

struct Damaged {
    path: PathBuf,
    /// The file as it was written.
    sound: Vec<u8>,
    public: BTreeMap<String, Activity>,
    _folder: tempfile::TempDir,
}

impl Damaged {
    fn new() -> Self {
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let path = folder.path().join("activities.db");
        let store = SqliteStore::open(&path).unwrap();
        let mut public = BTreeMap::new();
        store
            .file
            .write(|writer| {
                let (connection, written) = writer.with_memory();
                // Segments so small that there is a group of them.
                written.go_on_from(Draft::load(connection, 20)?);
                Ok::<(), StoreError>(())
            })
            .unwrap();
        for begin in (0..ROWS).step_by(40) {
            let batch: Vec<_> = (begin..begin + 40).flat_map(|n| [activity(n, true), activity(n, false)]).collect();
            let stamps = [stamp("private", begin / 100), stamp("public", begin / 100)];
            public.extend(batch.iter().skip(1).step_by(2).map(|one| (one.id().as_str().to_owned(), one.clone())));
            store
                .file
                .write(move |writer| {
                    let stamped: Vec<_> = batch.iter().zip(stamps.iter().cycle()).collect();
                    let (connection, written) = writer.with_memory();
                    append(connection, written, &stamped)
                })
                .unwrap();
        }
        drop(store);
        let sound = fs::read(&path).unwrap();
        Self { path, sound, public, _folder: folder }
    }

    /// Reads whatever a public method gives, and says how often that was an error. Nothing of what is hidden is among it.
    /// Without errors nothing is missing either, if so it is asked.
    fn look(&self, what: &str, all: bool) -> usize {
        let (mut said, mut errors) = (String::new(), 0);
        let mut fails = |error: StoreError| {
            assert!(matches!(error, StoreError::Unreadable(_)), "{what}: {error:?}");
            said.push_str(&format!("{error:?} {error} {}", error.source().unwrap()));
            errors += 1;
        };
        let mut shows = |public: PublicActivity| {
            let id = public.activity().id().as_str();
            assert_eq!(self.public.get(id), Some(public.activity()), "{what}: an activity that was not decided public");
        };
        let store = match SqliteStore::open(&self.path) {
            Ok(store) => store,
            Err(error) => {
                fails(error);
                return errors;
            }
        };
        let actor = |word: &str| Query::all().by_actor(format!("{word}3@contoso.com")).unwrap();
        let app = |word: &str| Query::all().in_app(format!("App {word}").parse().unwrap());
        let text = |word: &str| Query::all().containing(word).unwrap();
        let since = Query::all().since(chrono::DateTime::from_timestamp(1_772_000_000 + 77 * 600, 0).unwrap());
        let queries = [since, actor("shown"), actor(CANARY), app("shown"), text(CANARY)];
        for query in [Query::all()].into_iter().chain(queries) {
            match store.public_page(&query, None, 10_000) {
                Ok(page) => {
                    assert!(
                        !all || query != Query::all() || page.len() == self.public.len(),
                        "{what}: {} of all",
                        page.len()
                    );
                    let after = page.get(page.len() / 2).map(|public| Position::of(public.activity()));
                    page.into_iter().for_each(&mut shows);
                    match store.public_page(&query, after.as_ref(), 3) {
                        Ok(page) => page.into_iter().for_each(&mut shows),
                        Err(error) => fails(error),
                    }
                }
                Err(error) => fails(error),
            }
            match store.public_count(&query) {
                Ok(count) if all && query == Query::all() => assert_eq!(count, self.public.len() as u64, "{what}"),
                Ok(count) => assert!(count <= self.public.len() as u64, "{what}: {count} are counted"),
                Err(error) => fails(error),
            }
            for by in [CountBy::Hour, CountBy::App, CountBy::Actor] {
                match store.public_counts(&query, by) {
                    Ok(counts) => {
                        assert!(!counts.iter().any(|count| count.key.contains(CANARY)), "{what}: {counts:?}");
                        let sum: u64 = counts.iter().map(|count| count.activities).sum();
                        assert!(sum <= self.public.len() as u64, "{what}: {sum} are counted by {by:?}");
                    }
                    Err(error) => fails(error),
                }
            }
        }
        for after in [0, 150] {
            match store.public_since(after, 10_000) {
                Ok(found) => {
                    let expected = self.public.len() as u64 - after;
                    assert!(!all || found.len() as u64 == expected, "{what}: {} after {after}", found.len());
                    found.into_iter().for_each(|(_, public)| shows(public));
                }
                Err(error) => fails(error),
            }
        }
        for n in (0..ROWS).step_by(23) {
            for is_hidden in [false, true] {
                match store.public_activity(activity(n, is_hidden).id()) {
                    Ok(found) => {
                        assert!(!all || is_hidden || found.is_some(), "{what}: {n} is there");
                        found.into_iter().for_each(&mut shows);
                    }
                    Err(error) => fails(error),
                }
            }
        }
        assert!(!said.contains(CANARY), "{what}: {said}");
        errors
    }

    /// Looks at the file with some bytes put elsewhere.
    fn with(&self, at: usize, bytes: &[u8], what: &str) -> usize {
        let mut damaged = self.sound.clone();
        damaged[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(&self.path, &damaged).unwrap();
        for beside in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{beside}", self.path.display()));
        }
        self.look(what, true)
    }
}

/// A page of a tree, as the [format](https://www.sqlite.org/fileformat2.html#b_tree_pages) says.
#[derive(Clone, Copy)]
struct Page {
    number: usize,
    kind: u8,
}

impl Page {
    fn read(file: &[u8], number: usize) -> Self {
        let begin = (number - 1) * PAGE + if number == 1 { 100 } else { 0 };
        Self { number, kind: file[begin] }
    }

    fn begin(self) -> usize {
        (self.number - 1) * PAGE
    }

    fn is_interior(self) -> bool {
        matches!(self.kind, 2 | 5)
    }

    /// Where the pointers to its cells stand.
    fn cells(self, file: &[u8]) -> Vec<usize> {
        let count = usize::from(u16::from_be_bytes([file[self.begin() + 3], file[self.begin() + 4]]));
        let header = if self.is_interior() { 12 } else { 8 };
        (0..count).map(|nth| self.begin() + header + 2 * nth).collect()
    }

    /// Where its pointers to other pages stand.
    fn children(self, file: &[u8]) -> Vec<usize> {
        if !self.is_interior() {
            return Vec::new();
        }
        let cell = |at: usize| self.begin() + usize::from(u16::from_be_bytes([file[at], file[at + 1]]));
        let cells = self.cells(file).into_iter().map(cell);
        cells.chain([self.begin() + 8]).collect()
    }
}

impl Page {
    /// Where the pointers to what is too long for the page stand, if it is a leaf of a table.
    fn overflowing(self, file: &[u8]) -> Vec<usize> {
        let cell = |at: usize| {
            let cell = self.begin() + usize::from(u16::from_be_bytes([file[at], file[at + 1]]));
            let ((length, begin), least) = (varint(file, cell), (PAGE - 12) * 32 / 255 - 23);
            let (_, begin) = varint(file, begin);
            let some = least + (length - least.min(length)) % (PAGE - 4);
            let here = if some <= PAGE - 35 { some } else { least };
            (length > PAGE - 35).then_some(begin + here)
        };
        if self.kind == 13 { self.cells(file).into_iter().filter_map(cell).collect() } else { Vec::new() }
    }
}

/// A number and where it ends.
fn varint(file: &[u8], mut at: usize) -> (usize, usize) {
    let mut number = 0;
    loop {
        number = number << 7 | usize::from(file[at] & 0x7f);
        at += 1;
        if file[at - 1] < 0x80 {
            return (number, at);
        }
    }
}

fn pointed(file: &[u8], at: usize) -> usize {
    u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize
}

/// Every page of a tree.
fn tree(file: &[u8], root: usize) -> Vec<Page> {
    let mut pages = vec![Page::read(file, root)];
    let mut next = 0;
    while let Some(page) = pages.get(next).copied() {
        pages.extend(page.children(file).into_iter().map(|at| Page::read(file, pointed(file, at))));
        next += 1;
    }
    pages
}

/// The trees of the file by name, with their roots.
fn roots(path: &Path) -> Vec<(String, usize)> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0").unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn v2_no_changed_pointer_shows_a_hidden_row() {
    let damaged = Damaged::new();
    assert_eq!(damaged.look("a sound file", true), 0);
    let file = &damaged.sound;
    let trees: Vec<_> = roots(&damaged.path).into_iter().map(|(name, root)| (name, tree(file, root))).collect();
    let (public, private): (Vec<_>, Vec<_>) = trees.iter().partition(|(name, _)| name.starts_with("public_"));
    let interior = |trees: &[&(String, Vec<Page>)], of: &str| {
        trees.iter().any(|(name, pages)| name == of && pages[0].is_interior())
    };
    for of in ["activity", "newest"] {
        assert!(interior(&public, &format!("public_{of}")) && interior(&private, &format!("private_{of}")), "{of}");
    }
    let hidden: Vec<Page> = private.iter().flat_map(|(_, pages)| pages.iter().copied()).collect();
    let last = file.len() / PAGE;
    let (mut tried, mut noticed, mut overflowing) = (0, 0, 0);
    for (name, pages) in &public {
        for at in pages.iter().flat_map(|page| page.children(file)) {
            let child = Page::read(file, pointed(file, at));
            // Every bit that leads to a page, and hidden pages of the same kind: the first, the last and some between.
            let bits = (0..32).map(|bit| child.number ^ 1 << bit).filter(|number| (1..=last).contains(number));
            let alike: Vec<usize> =
                hidden.iter().filter(|page| page.kind == child.kind).map(|page| page.number).collect();
            let alike = alike.iter().copied().step_by((alike.len() / 3).max(1)).chain(alike.last().copied());
            for number in bits.chain(alike).collect::<BTreeSet<_>>() {
                let what = format!("{name}: page {} instead of {}", number, child.number);
                tried += 1;
                noticed += usize::from(damaged.with(at, &(number as u32).to_be_bytes(), &what) > 0);
            }
        }
        // What is too long for a page goes on elsewhere: there, and in the page after that.
        for first in pages.iter().flat_map(|page| page.overflowing(file)) {
            for at in [first, (pointed(file, first) - 1) * PAGE] {
                let theirs = hidden.iter().flat_map(|page| page.overflowing(file)).map(|at| pointed(file, at));
                for number in theirs.step_by(3) {
                    let what = format!("{name}: page {number} instead of {} for what is long", pointed(file, at));
                    overflowing += 1;
                    assert!(damaged.with(at, &(number as u32).to_be_bytes(), &what) > 0, "{what}");
                }
            }
        }
        // Where the cells of a leaf begin, bit by bit.
        let leaves = pages.iter().filter(|page| !page.is_interior());
        for leaf in leaves.step_by(2) {
            for at in leaf.cells(file).into_iter().step_by(13) {
                for bit in (0..16).step_by(2) {
                    let flipped = u16::from_be_bytes([file[at], file[at + 1]]) ^ 1 << bit;
                    let what = format!("{name}: bit {bit} of the cell pointer at {at}");
                    tried += 1;
                    noticed += usize::from(damaged.with(at, &flipped.to_be_bytes(), &what) > 0);
                }
            }
        }
    }
    println!("{tried} changed pointers, {noticed} of them were noticed");
    assert!(tried > 400 && overflowing > 20, "{tried}, {overflowing}");
}

#[test]
fn v2_no_exchanged_root_shows_a_hidden_row() {
    let damaged = Damaged::new();
    let trees = roots(&damaged.path);
    let of = |prefix: &str| trees.iter().filter(|(name, _)| name.starts_with(prefix)).collect::<Vec<_>>();
    for (public, _) in of("public_") {
        for (private, root) in of("private_") {
            fs::write(&damaged.path, &damaged.sound).unwrap();
            let connection = Connection::open(&damaged.path).unwrap();
            connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false).unwrap();
            connection.pragma_update(None, "writable_schema", "ON").unwrap();
            let update = "UPDATE sqlite_schema SET rootpage = ?1 WHERE name = ?2";
            connection.execute(update, params![*root as i64, public]).unwrap();
            drop(connection);
            // A table that is empty now cannot be told from one that always was.
            damaged.look(&format!("{public} has the root of {private}"), false);
        }
    }
}
