//! The users of a directory, in any format that the library imports.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use activity_privacy::directory::{DirectoryBuilder, DirectoryRevision, DirectorySnapshot};
use activity_privacy::import::csv::Tables;
use activity_privacy::import::graph::{Listing, Sync};
use activity_privacy::import::scim::{Endpoint, Lists};
use activity_privacy::import::{Import, ldif};
use serde_json::Value;

use crate::terminal::{Result, at};

/// A page without entries, for the groups: which person an identity is of does not depend on groups.
const NO_GRAPH_GROUPS: &[u8] = br#"{"value": []}"#;
const NO_SCIM_GROUPS: &[u8] = br#"{"totalResults": 0, "Resources": []}"#;

/// A directory, and what to know about its import.
pub(crate) struct Directory {
    pub(crate) snapshot: DirectorySnapshot,
    pub(crate) rejected: usize,
    pub(crate) first_rejected: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Ldif,
    Scim,
    Graph,
    /// The entries of a page of Graph without the page, as command-line tools write them.
    GraphList,
}

/// Reads the files of one directory.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Directory> {
    let mut files = Vec::new();
    for path in paths {
        files.push((path.as_path(), fs::read(path).map_err(at(path))?));
    }
    let formats = files.iter().map(|(_, bytes)| Format::of(bytes)).collect::<Vec<_>>();
    let is_graph = |format: &Format| matches!(format, Format::Graph | Format::GraphList);
    match formats.first() {
        Some(Format::Csv) if formats.iter().all(|format| *format == Format::Csv) => finish(csv(&files)),
        Some(Format::Ldif) if formats.len() == 1 => {
            finish(ldif::read(files.first().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default()))
        }
        Some(Format::Scim) if formats.iter().all(|format| *format == Format::Scim) => finish(scim(&files)?),
        Some(first) if is_graph(first) && formats.iter().all(is_graph) => finish(graph(&files)?),
        _ => Err("the files of the directory have several formats; state files of one format, or one LDIF file".into()),
    }
}

/// Returns a directory from CSV.
pub(crate) fn from_csv(users: &[u8]) -> Result<Directory> {
    finish(csv(&[(Path::new(""), users.to_vec())]))
}

fn finish(import: Import<DirectoryBuilder>) -> Result<Directory> {
    let first_rejected = import.rejected().first().map(ToString::to_string);
    let rejected = import.rejected().len();
    // The directory is only read. It protects no user.
    let builder = import.into_partial();
    let snapshot = builder.build(DirectoryRevision(1), SystemTime::now().into())?;
    Ok(Directory { snapshot, rejected, first_rejected })
}

impl Format {
    fn of(bytes: &[u8]) -> Self {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
        let begins = |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        if begins(b"[") {
            return Self::GraphList;
        }
        if begins(b"{") {
            let is_scim = serde_json::from_slice::<Value>(text).is_ok_and(|page| {
                let names: Vec<_> = page.as_object().into_iter().flat_map(|page| page.keys()).collect();
                names.iter().any(|name| ["resources", "totalresults"].contains(&&*name.to_ascii_lowercase()))
            });
            return if is_scim { Self::Scim } else { Self::Graph };
        }
        if begins(b"dn:") || begins(b"version:") || begins(b"#") { Self::Ldif } else { Self::Csv }
    }
}

fn csv(files: &[(&Path, Vec<u8>)]) -> Import<DirectoryBuilder> {
    let mut tables = Tables::new();
    for (_, bytes) in files {
        tables.read(bytes.as_slice());
    }
    tables.finish()
}

fn scim(files: &[(&Path, Vec<u8>)]) -> Result<Import<DirectoryBuilder>> {
    let mut lists = Lists::new();
    for (path, bytes) in files {
        lists.page(Endpoint::Users, bytes.as_slice()).map_err(at(path))?;
    }
    lists.page(Endpoint::Groups, NO_SCIM_GROUPS)?;
    Ok(lists.into_builder()?)
}

fn graph(files: &[(&Path, Vec<u8>)]) -> Result<Import<DirectoryBuilder>> {
    let mut sync = Sync::new();
    for (number, (path, bytes)) in files.iter().enumerate() {
        let link = match sync.next_link() {
            Some(link) => link.to_owned(),
            None => {
                let link = format!("users of file {number}");
                sync.ask(Listing::Users, &link);
                link
            }
        };
        let page = match Format::of(bytes) {
            Format::GraphList => [b"{\"value\": ", bytes.trim_ascii(), b"}"].concat(),
            _ => bytes.clone(),
        };
        sync.page(&link, page.as_slice()).map_err(at(path))?;
    }
    if sync.next_link().is_none() {
        sync.ask(Listing::Groups, "groups");
        sync.page("groups", NO_GRAPH_GROUPS)?;
    }
    Ok(sync.into_builder()?)
}
