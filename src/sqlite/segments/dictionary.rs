//! The names that rows have, each with a code that it keeps.

use hashbrown::HashMap;

use super::index;
use super::keys::{self, Kind};
use crate::actor::Actor;
use crate::identity::Identity;

/// Codes of keys, whatever their kind; codes of the labels of actors, which are others; and what is known of whoever acted
/// before: under which label they are counted, and which keys lead to them.
#[derive(Default)]
pub(super) struct Dictionary {
    keys: [HashMap<Box<str>, u32>; Kind::ALL.len()],
    key_count: usize,
    labels: HashMap<Box<str>, u32>,
    /// By all that they are called, as it was written: most who act have acted before, and what they are called is folded
    /// once.
    principals: HashMap<Box<[u8]>, Principal>,
    keys_of_principals: Vec<u32>,
    bytes: usize,
    /// Used again for each.
    called: Vec<u8>,
}

#[derive(Clone, Copy)]
pub(super) struct Principal {
    pub(super) label: u32,
    /// Where their keys begin and end.
    begin: u32,
    end: u32,
}

/// About what a name takes beside its bytes.
const ENTRY_BYTES: usize = 64;

impl Dictionary {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn key(&mut self, kind: Kind, key: &str) -> u32 {
        let Self { keys, key_count, bytes, .. } = self;
        let Some(codes) = keys.get_mut(kind as usize) else { return u32::MAX };
        code(codes, key, bytes, || {
            *key_count += 1;
            *key_count - 1
        })
    }

    pub(super) fn key_count(&self) -> usize {
        self.key_count
    }

    /// Every key of a kind with its code.
    pub(super) fn keys(&self, kind: Kind) -> impl Iterator<Item = (&str, u32)> {
        self.keys.get(kind as usize).into_iter().flatten().map(|(key, code)| (&**key, *code))
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = (&str, u32)> {
        self.labels.iter().map(|(label, code)| (&**label, *code))
    }

    pub(super) fn principal(&mut self, principal: &Actor) -> Principal {
        self.called.clear();
        put_called(&mut self.called, principal);
        if let Some(known) = self.principals.get(&*self.called) {
            return *known;
        }
        let begin = self.keys_of_principals.len();
        keys::each_of(principal, |kind, key| {
            let key = self.key(kind, key);
            self.keys_of_principals.push(key);
        });
        let (label, labels) = (principal.folded_label(), self.labels.len());
        let label = code(&mut self.labels, &label, &mut self.bytes, || labels);
        let end = self.keys_of_principals.len();
        let known = Principal { label, begin: index(begin), end: index(end) };
        self.bytes += self.called.len() + ENTRY_BYTES + (end - begin) * size_of::<u32>();
        self.principals.insert((&*self.called).into(), known);
        known
    }

    pub(super) fn keys_of(&self, principal: Principal) -> &[u32] {
        self.keys_of_principals.get(principal.begin as usize..principal.end as usize).unwrap_or_default()
    }
}

fn code(codes: &mut HashMap<Box<str>, u32>, name: &str, bytes: &mut usize, next: impl FnOnce() -> usize) -> u32 {
    if let Some(code) = codes.get(name) {
        return *code;
    }
    let code = index(next());
    *bytes += name.len() + ENTRY_BYTES;
    codes.insert(name.into(), code);
    code
}

/// Tells whatever a principal is called apart from whatever anybody else is.
fn put_called(bytes: &mut Vec<u8>, principal: &Actor) {
    let mut put = |what: u8, text: &str| {
        bytes.push(what);
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    if let Some(name) = principal.name() {
        put(0, name.as_str());
    }
    for identity in principal.identities() {
        match identity {
            Identity::Id(id) => put(1, id.as_str()),
            Identity::Alias(alias) => {
                put(2, alias.as_str());
                alias.app().into_iter().for_each(|app| put(3, app));
                alias.folded().into_iter().for_each(|folded| put(4, folded));
            }
        }
    }
}

/// Numbers from 0 on for the codes that the rows of a segment have, in the order in which they come, and how many rows have
/// each.
#[derive(Default)]
pub(super) struct Numbers {
    by_code: Vec<Option<u32>>,
    rows: Vec<u64>,
}

impl Numbers {
    pub(super) fn of(codes: impl Iterator<Item = u32>) -> Self {
        let mut numbers = Self::default();
        for code in codes {
            let code = code as usize;
            if numbers.by_code.len() <= code {
                numbers.by_code.resize(code + 1, None);
            }
            let next = index(numbers.rows.len());
            let Some(number) = numbers.by_code.get_mut(code).map(|number| *number.get_or_insert(next)) else {
                continue;
            };
            if number == next {
                numbers.rows.push(0);
            }
            if let Some(rows) = numbers.rows.get_mut(number as usize) {
                *rows += 1;
            }
        }
        numbers
    }

    /// INVARIANT: of those that were counted.
    pub(super) fn of_code(&self, code: u32) -> u32 {
        self.by_code.get(code as usize).copied().flatten().unwrap_or_default()
    }

    /// The number of a code, and how many rows have it; `None` if none has.
    pub(super) fn rows(&self, code: u32) -> Option<(u32, u64)> {
        let number = self.by_code.get(code as usize).copied().flatten()?;
        Some((number, self.rows.get(number as usize).copied()?))
    }
}
