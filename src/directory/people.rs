//! Everybody in a directory: what they are called, and who is called that.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use super::fingerprint_table::Hints;
use super::hashing::{Hashing, Print};
use super::names::{BLOCK, Entry, Names, NamesBuilder};
use super::namespaces::Namespaces;
use super::packed::Packed;
use super::user::User;
use crate::identity::{Alias, Domain, Identity, UserId};
use crate::steps;

/// The most users that can be numbered.
pub(super) const MAX_USERS: usize = u32::MAX as usize - 1;

/// The number of a user in a snapshot and in those that a delta made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserIndex(pub(super) u32);

impl UserIndex {
    pub(crate) fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// As a place in a list of all users.
    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// Who holds an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    One(UserIndex),
    Several,
}

impl Holder {
    fn and(self, user: UserIndex) -> Self {
        match self {
            Self::Nobody => Self::One(user),
            Self::One(known) if known == user => self,
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

/// Where a user is at home, as far as their record tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home<'a> {
    /// No name of theirs is an address.
    Unsaid,
    /// In no domain that could be managed: a guest, or an address without a proper domain.
    Elsewhere,
    At(&'a Domain),
}

/// Everybody, by number. A number whose user is gone is not used again.
#[derive(Clone)]
pub(super) struct People {
    blocks: Arc<Vec<Names>>,
    homes: Arc<Homes>,
    hashing: Hashing,
    hints: Arc<Hints<u32>>,
    /// Whoever changed since `hints` was made, and under which identities.
    recent: Recent,
    /// The aliases that several users hold, in the form in which they are compared.
    shared: Arc<BTreeSet<String>>,
    namespaces: Arc<Namespaces>,
}

#[derive(Clone)]
struct Recent {
    hints: Arc<Hints<u32>>,
    users: Arc<BTreeSet<u32>>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { hints: Arc::new(Hints::with_room_for(0, 1)), users: Arc::default() }
    }
}

/// The domains in which anybody is at home.
#[derive(Clone, Default)]
struct Homes {
    domains: Vec<Domain>,
    numbers: HashMap<Domain, u32>,
}

const UNSAID: u32 = 0;
const ELSEWHERE: u32 = 1;
const FIRST_DOMAIN: u32 = 2;

impl Homes {
    fn number(&mut self, domain: Domain) -> u32 {
        if let Some(number) = self.numbers.get(&domain) {
            return *number;
        }
        let number = FIRST_DOMAIN + self.domains.len() as u32;
        if number >= Packed::COUNT {
            // Sixteen million organisations are reached by nobody; whoever comes after them counts as external, which
            // hides.
            return ELSEWHERE;
        }
        self.domains.push(domain.clone());
        self.numbers.insert(domain, number);
        number
    }

    fn get(&self, number: u32) -> Home<'_> {
        match number {
            UNSAID => Home::Unsaid,
            number => {
                let at = number.checked_sub(FIRST_DOMAIN).and_then(|at| self.domains.get(at as usize));
                at.map_or(Home::Elsewhere, Home::At)
            }
        }
    }
}

/// The homes of a snapshot, copied once one is added.
#[derive(Default)]
pub(super) struct KnownHomes(Arc<Homes>);

impl KnownHomes {
    /// The number of the home of a user: what is stated comes first, then that they are a guest, then their UPN.
    pub(super) fn number_of(&mut self, user: &User) -> u32 {
        match user.home() {
            Some(Some(domain)) => match self.0.numbers.get(&domain) {
                Some(number) => *number,
                None => Arc::make_mut(&mut self.0).number(domain),
            },
            Some(None) => ELSEWHERE,
            None => UNSAID,
        }
    }
}

/// A record that is to stand in the place of another, or behind all others. Without bytes the user is gone.
pub(super) struct NewRecord {
    pub(super) bytes: Vec<u8>,
    pub(super) home: u32,
}

impl People {
    pub(super) fn new(blocks: Vec<Names>, KnownHomes(homes): KnownHomes, hashing: Hashing) -> Self {
        Self {
            blocks: Arc::new(blocks),
            homes,
            hashing,
            hints: Arc::new(Hints::with_room_for(0, 1)),
            recent: Recent::default(),
            shared: Arc::default(),
            namespaces: Arc::default(),
        }
        .indexed()
    }

    /// The same people, found by one table.
    fn indexed(mut self) -> Self {
        /// Compact: whoever is looked for here has been found to matter.
        const FILLED: usize = 13;
        let identities = self.entries().map(|(_, entry)| 1 + entry.aliases().count()).sum();
        let mut hints = Hints::with_room_for(identities, FILLED);
        let (mut shared, mut namespaces) = (BTreeSet::new(), Namespaces::default());
        for (user, entry) in self.entries() {
            steps::advance(1);
            namespaces.add(entry);
            hints.insert(self.hashing.of_id(entry.id_bytes()), user.number());
            for alias in entry.aliases() {
                let hash = self.hashing.of_form(alias.form_bytes());
                let others = hints.candidates(hash).filter(|other| *other != user.number());
                if others
                    .filter_map(|other| self.entry(UserIndex(other)))
                    .any(|other| other.is_called(alias.form_bytes()))
                {
                    shared.insert(alias.to_alias().key());
                }
                hints.insert(hash, user.number());
            }
        }
        (self.hints, self.recent, self.shared) = (Arc::new(hints), Recent::default(), Arc::new(shared));
        self.namespaces = Arc::new(namespaces);
        self
    }

    /// How many numbers are in use, or were.
    pub(super) fn numbers(&self) -> usize {
        let before = self.blocks.len().saturating_sub(1);
        before * BLOCK + self.blocks.last().map_or(0, |block| block.len())
    }

    pub(super) fn entry(&self, user: UserIndex) -> Option<Entry<'_>> {
        self.blocks.get(user.place() / BLOCK)?.entry(user.place() % BLOCK)
    }

    /// Has the records of users brought from memory, all at the same time.
    pub(super) fn touch(&self, users: impl Iterator<Item = UserIndex>) {
        let record = |user: UserIndex| Some(self.blocks.get(user.place() / BLOCK)?.record(user.place() % BLOCK));
        let records: Vec<&[u8]> = users.filter_map(record).collect();
        // A record is seldom longer than two cache lines.
        let bytes = records.iter().flat_map(|record| [record.first(), record.get(64)]).flatten();
        black_box(bytes.fold(0, |sum: u8, byte| sum ^ byte));
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (UserIndex, Entry<'_>)> {
        let all = self.blocks.iter().flat_map(|block| block.entries());
        (0..).map(UserIndex).zip(all).filter_map(|(user, entry)| Some((user, entry?)))
    }

    pub(super) fn home(&self, user: UserIndex) -> Home<'_> {
        self.homes.get(self.home_number(user))
    }

    pub(super) fn home_number(&self, user: UserIndex) -> u32 {
        self.blocks.get(user.place() / BLOCK).map_or(UNSAID, |block| block.home_of(user.place() % BLOCK))
    }

    /// Every home, in order of their numbers.
    pub(super) fn all_homes(&self) -> impl Iterator<Item = Home<'_>> {
        (0..FIRST_DOMAIN + self.homes.domains.len() as u32).map(|number| self.homes.get(number))
    }

    pub(super) fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// The aliases that several users hold, in the form in which they are compared.
    pub(super) fn shared(&self) -> &Arc<BTreeSet<String>> {
        &self.shared
    }

    /// Whether anybody has a name in a namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contain(namespace)
    }

    /// Whether anybody has an id of the form of this one.
    pub(super) fn has_ids_like(&self, id: &UserId) -> bool {
        self.namespaces.contain_ids_like(id.as_str())
    }

    /// Whoever goes by an identity; the same user can come twice.
    pub(super) fn called<'a>(&'a self, identity: &'a Identity) -> impl Iterator<Item = (UserIndex, Entry<'a>)> {
        let hash = self.hashing.of(identity);
        self.candidates(hash).filter(|(_, entry)| entry.is(identity))
    }

    /// Whoever may go by an identity of this hash.
    fn candidates(&self, hash: u64) -> impl Iterator<Item = (UserIndex, Entry<'_>)> {
        let users = self.recent.hints.candidates(hash).chain(self.hints.candidates(hash)).map(UserIndex);
        users.filter_map(|user| {
            steps::advance(1);
            Some((user, self.entry(user)?))
        })
    }

    /// The number of whoever has this id.
    pub(super) fn find(&self, id: &UserId) -> Option<UserIndex> {
        let hash = self.hashing.of_id(id.as_str());
        self.candidates(hash).find(|(_, entry)| entry.has_id(id.as_str())).map(|(user, _)| user)
    }

    /// Who of those that `counts` holds an identity. An alias that a record names is theirs, whoever else is remembered by
    /// it.
    pub(super) fn holder(&self, identity: &Identity, counts: impl Fn(UserIndex, Entry<'_>) -> bool) -> Holder {
        let (mut on_record, mut remembered) = (Holder::Nobody, Holder::Nobody);
        for (user, entry) in self.called(identity).filter(|(user, entry)| counts(*user, *entry)) {
            let holder = if entry.is_recorded() { &mut on_record } else { &mut remembered };
            *holder = holder.and(user);
        }
        if on_record == Holder::Nobody { remembered } else { on_record }
    }

    /// The same people after some records changed; their homes are numbers of `homes`.
    pub(super) fn replacing(&self, records: &BTreeMap<u32, NewRecord>, KnownHomes(homes): KnownHomes) -> Self {
        let mut next = Self { homes, ..self.clone() };
        let changed: Vec<(u32, &NewRecord)> = records.iter().map(|(user, record)| (*user, record)).collect();
        for here in changed.chunk_by(|(one, _), (other, _)| *one as usize / BLOCK == *other as usize / BLOCK) {
            let Some(at) = here.first().map(|(user, _)| *user as usize / BLOCK) else { continue };
            let last = here.last().map_or(0, |(user, _)| *user as usize % BLOCK + 1);
            let empty = Names::default();
            let before = self.blocks.get(at).unwrap_or(&empty);
            let mut names = NamesBuilder::default();
            let mut here = here.iter().peekable();
            steps::advance(before.len().max(last));
            for place in 0..before.len().max(last) {
                match here.next_if(|(user, _)| *user as usize == at * BLOCK + place) {
                    Some((_, record)) => names.push(&record.bytes, record.home),
                    None => names.push(before.record(place), before.home_of(place)),
                }
            }
            let blocks = Arc::make_mut(&mut next.blocks);
            if blocks.len() <= at {
                blocks.resize_with(at + 1, Names::default);
            }
            if let Some(block) = blocks.get_mut(at) {
                *block = names.build();
            }
        }
        next.learning(self, records)
    }

    /// Makes whoever changed findable, and notes which aliases are shared now.
    fn learning(mut self, before: &Self, records: &BTreeMap<u32, NewRecord>) -> Self {
        /// One in so many may be found by the table of recent changes, which is copied at each.
        const RECENT: usize = 16;
        const FEW: usize = 1 << 12;
        steps::advance(self.recent.users.len() + records.len());
        let mut users = BTreeSet::clone(&self.recent.users);
        users.extend(records.keys());
        if users.len() > FEW.max(self.numbers() / RECENT) {
            return self.indexed();
        }
        let identities = |user: u32| self.entry(UserIndex(user)).into_iter().flat_map(|entry| self.hashes(entry));
        let mut hints = Hints::clone(&self.recent.hints);
        let added: Vec<(u64, u32)> =
            records.keys().flat_map(|user| identities(*user).map(move |hash| (hash, *user))).collect();
        if hints.has_room_for(added.len()) {
            for (hash, user) in added {
                hints.insert(hash, user);
            }
        } else {
            let all: Vec<(u64, u32)> =
                users.iter().flat_map(|user| identities(*user).map(move |hash| (hash, *user))).collect();
            hints = Hints::with_room_for(all.len() * 2, 8);
            for (hash, user) in all {
                hints.insert(hash, user);
            }
        }
        self.recent = Recent { hints: Arc::new(hints), users: Arc::new(users) };
        let mut namespaces = Namespaces::clone(&before.namespaces);
        for user in records.keys().map(|user| UserIndex(*user)) {
            self.entry(user).into_iter().for_each(|entry| namespaces.add(entry));
            before.entry(user).into_iter().for_each(|entry| namespaces.remove(entry));
        }
        if namespaces != *self.namespaces {
            self.namespaces = Arc::new(namespaces);
        }
        let touched = records.keys().map(|user| UserIndex(*user));
        let entries = touched.flat_map(|user| [before.entry(user), self.entry(user)]).flatten();
        let aliases: Vec<Alias> = entries.flat_map(|entry| entry.aliases().map(|alias| alias.to_alias())).collect();
        let mut shared = None;
        for alias in aliases {
            let key = alias.key();
            let is_shared = self.is_shared(&Identity::Alias(alias));
            if is_shared != self.shared.contains(&key) {
                let shared = shared.get_or_insert_with(|| BTreeSet::clone(&self.shared));
                if is_shared {
                    shared.insert(key)
                } else {
                    shared.remove(&key)
                };
            }
        }
        if let Some(shared) = shared {
            self.shared = Arc::new(shared);
        }
        self
    }

    fn is_shared(&self, identity: &Identity) -> bool {
        self.called(identity).fold(Holder::Nobody, |holder, (user, _)| holder.and(user)) == Holder::Several
    }

    /// The hashes of all identities on a record.
    fn hashes<'a>(&'a self, entry: Entry<'a>) -> impl Iterator<Item = u64> + 'a {
        let aliases = entry.aliases().map(|alias| self.hashing.of_form(alias.form_bytes()));
        std::iter::once(self.hashing.of_id(entry.id_bytes())).chain(aliases)
    }

    /// The prints of all identities on a record.
    pub(super) fn prints<'a>(&'a self, entry: Entry<'a>) -> impl Iterator<Item = Print> + 'a {
        let aliases = entry.aliases().map(|alias| self.hashing.print_of_form(alias.form_bytes()));
        std::iter::once(self.hashing.print_of_id(entry.id_bytes())).chain(aliases)
    }

    /// The homes of everybody, to which those of new records are added.
    pub(super) fn known_homes(&self) -> KnownHomes {
        KnownHomes(Arc::clone(&self.homes))
    }

    /// How much memory it all takes, and how much of it is the names themselves.
    pub(super) fn heap_bytes(&self) -> (usize, usize) {
        let blocks: usize = self.blocks.iter().map(Names::heap_bytes).sum();
        let names: usize = self.entries().map(|(_, entry)| entry.name_bytes()).sum();
        let hints = self.hints.heap_bytes() + self.recent.hints.heap_bytes() + self.recent.users.len() * 8;
        let homes: usize =
            self.homes.domains.iter().map(|domain| 2 * (domain.as_str().len() + size_of::<Domain>())).sum();
        let shared: usize = self.shared.iter().map(|name| size_of::<String>() + name.len()).sum();
        (blocks + self.blocks.capacity() * size_of::<Names>() + hints + homes + shared, names)
    }
}
