//! The users of a directory: their records, and the index from identities to users.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use super::fingerprint_table::FingerprintTable;
use super::hashing::{HashPair, Hashing, IdentityKey};
use super::namespaces::Namespaces;
use super::packed::Packed;
use super::records::{BLOCK, RecordBlock, RecordBlockBuilder, UserRecord};
use super::user::User;
use crate::identity::{Domain, UserId};
use crate::steps;

/// The most users that can be numbered.
pub(super) const MAX_USERS: usize = u32::MAX as usize - 1;

/// The number of a user in a snapshot and in every snapshot that results from it by deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UserIndex(pub(super) u32);

impl UserIndex {
    pub(crate) fn from_u32(number: u32) -> Self {
        Self(number)
    }

    /// Returns the index into a list with a slot for each number.
    pub(crate) fn as_usize(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn as_u32(self) -> u32 {
        self.0
    }
}

/// The holder of an identity.
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

/// The home of a user on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home<'a> {
    /// The record states no home, and no alias is an address.
    Unsaid,
    /// No domain that can be managed: the user is a guest, or the address has no valid domain.
    Elsewhere,
    At(&'a Domain),
}

/// All users by number. The number of a removed user is not used again.
#[derive(Clone)]
pub(super) struct Users {
    blocks: Arc<Vec<RecordBlock>>,
    homes: Arc<HomeDomains>,
    hashing: Hashing,
    index: Arc<FingerprintTable<u32>>,
    recent: RecentChanges,
    /// The aliases that several users hold, by [`Alias::key`](crate::identity::Alias).
    shared: Arc<BTreeSet<String>>,
    namespaces: Arc<Namespaces>,
}

/// The users whose records changed since the index was built, and their identities.
#[derive(Clone)]
struct RecentChanges {
    index: Arc<FingerprintTable<u32>>,
    users: Arc<BTreeSet<u32>>,
}

impl Default for RecentChanges {
    fn default() -> Self {
        Self { index: Arc::new(FingerprintTable::with_capacity(0, 1)), users: Arc::default() }
    }
}

/// The home domains of all users, numbered.
#[derive(Clone, Default)]
struct HomeDomains {
    domains: Vec<Domain>,
    numbers: HashMap<Domain, u32>,
}

const UNSAID: u32 = 0;
const ELSEWHERE: u32 = 1;
const FIRST_DOMAIN: u32 = 2;

impl HomeDomains {
    fn number(&mut self, domain: Domain) -> u32 {
        if let Some(number) = self.numbers.get(&domain) {
            return *number;
        }
        let number = FIRST_DOMAIN + self.domains.len() as u32;
        if number >= Packed::COUNT {
            // No directory has users of sixteen million organisations. Users of further ones count as external, which
            // can only hide them.
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

/// The home domains of a snapshot, copied when a domain is added.
#[derive(Default)]
pub(super) struct HomeNumbers(Arc<HomeDomains>);

impl HomeNumbers {
    /// Returns the number of the [home](User::home) of a user.
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

/// A record that replaces another or is appended. Without bytes the user is removed.
pub(super) struct EncodedRecord {
    pub(super) bytes: Vec<u8>,
    pub(super) home: u32,
}

impl Users {
    pub(super) fn new(blocks: Vec<RecordBlock>, HomeNumbers(homes): HomeNumbers, hashing: Hashing) -> Self {
        Self {
            blocks: Arc::new(blocks),
            homes,
            hashing,
            index: Arc::new(FingerprintTable::with_capacity(0, 1)),
            recent: RecentChanges::default(),
            shared: Arc::default(),
            namespaces: Arc::default(),
        }
        .indexed()
    }

    /// Builds a new index of all users.
    fn indexed(mut self) -> Self {
        /// Compact, because most identities on activities are decided without this index.
        const FILL: usize = 13;
        let identities = self.records().map(|(_, record)| record.keys().count()).sum();
        let mut index = FingerprintTable::with_capacity(identities, FILL);
        let (mut shared, mut namespaces) = (BTreeSet::new(), Namespaces::default());
        for (user, record) in self.records() {
            steps::advance(1);
            namespaces.add(record);
            index.insert(self.hashing.of(record.key()), user.as_u32());
            for key in record.aliases().map(|alias| alias.key()) {
                let hash = self.hashing.of(key);
                let others = index.candidates(hash).filter(|other| *other != user.as_u32());
                if others.filter_map(|other| self.record(UserIndex(other))).any(|other| other.has(key)) {
                    shared.insert(key.to_lower_case());
                }
                index.insert(hash, user.as_u32());
            }
        }
        (self.index, self.recent, self.shared) = (Arc::new(index), RecentChanges::default(), Arc::new(shared));
        self.namespaces = Arc::new(namespaces);
        self
    }

    /// Returns how many numbers are or were in use.
    pub(super) fn numbers(&self) -> usize {
        let before = self.blocks.len().saturating_sub(1);
        before * BLOCK + self.blocks.last().map_or(0, |block| block.len())
    }

    pub(super) fn record(&self, user: UserIndex) -> Option<UserRecord<'_>> {
        self.blocks.get(user.as_usize() / BLOCK)?.record(user.as_usize() % BLOCK)
    }

    /// Reads the records of users at the same time, because the processor waits for each that is read alone.
    pub(super) fn prefetch(&self, users: impl Iterator<Item = UserIndex>) {
        let bytes = |user: UserIndex| Some(self.blocks.get(user.as_usize() / BLOCK)?.bytes(user.as_usize() % BLOCK));
        let records: Vec<&[u8]> = users.filter_map(bytes).collect();
        // Few records are longer than two cache lines.
        let bytes = records.iter().flat_map(|record| [record.first(), record.get(64)]).flatten();
        black_box(bytes.fold(0, |sum: u8, byte| sum ^ byte));
    }

    pub(super) fn records(&self) -> impl Iterator<Item = (UserIndex, UserRecord<'_>)> {
        let all = self.blocks.iter().flat_map(|block| block.records());
        (0..).map(UserIndex).zip(all).filter_map(|(user, record)| Some((user, record?)))
    }

    pub(super) fn home(&self, user: UserIndex) -> Home<'_> {
        self.homes.get(self.home_number(user))
    }

    pub(super) fn home_number(&self, user: UserIndex) -> u32 {
        self.blocks.get(user.as_usize() / BLOCK).map_or(UNSAID, |block| block.home_of(user.as_usize() % BLOCK))
    }

    /// Returns all homes in the order of their numbers.
    pub(super) fn all_homes(&self) -> impl Iterator<Item = Home<'_>> {
        (0..FIRST_DOMAIN + self.homes.domains.len() as u32).map(|number| self.homes.get(number))
    }

    pub(super) fn hashing(&self) -> &Hashing {
        &self.hashing
    }

    /// Returns the aliases that several users hold, by [`Alias::key`](crate::identity::Alias).
    pub(super) fn shared(&self) -> &Arc<BTreeSet<String>> {
        &self.shared
    }

    /// Returns whether any user has a name in a namespace.
    pub(super) fn has_namespace(&self, namespace: &str) -> bool {
        self.namespaces.contain(namespace)
    }

    /// Returns whether any user has an id of the form of this one.
    pub(super) fn has_ids_like(&self, id: &UserId) -> bool {
        self.namespaces.contain_ids_like(id.as_str())
    }

    /// Returns the users who have an identity; the same user can come twice.
    pub(super) fn called<'a>(&'a self, key: IdentityKey<'a>) -> impl Iterator<Item = (UserIndex, UserRecord<'a>)> {
        let hash = self.hashing.of(key);
        let users = self.recent.index.candidates(hash).chain(self.index.candidates(hash)).map(UserIndex);
        let records = users.inspect(|_| steps::advance(1)).filter_map(|user| Some((user, self.record(user)?)));
        records.filter(move |(_, record)| record.has(key))
    }

    /// Returns the user with an id.
    pub(super) fn find(&self, id: &UserId) -> Option<UserIndex> {
        self.called(IdentityKey::id(id)).next().map(|(user, _)| user)
    }

    /// Returns the holder of an identity among the users that `counts` accepts. If a record has an alias, users without
    /// a record do not hold it.
    pub(super) fn holder(&self, key: IdentityKey<'_>, counts: impl Fn(UserIndex, UserRecord<'_>) -> bool) -> Holder {
        let (mut on_record, mut without_record) = (Holder::Nobody, Holder::Nobody);
        for (user, record) in self.called(key).filter(|(user, record)| counts(*user, *record)) {
            let holder = if record.is_recorded() { &mut on_record } else { &mut without_record };
            *holder = holder.and(user);
        }
        if on_record == Holder::Nobody { without_record } else { on_record }
    }

    /// Returns the users after some records changed. The homes of the new records are numbers of `homes`.
    pub(super) fn replacing(&self, records: &BTreeMap<u32, EncodedRecord>, HomeNumbers(homes): HomeNumbers) -> Self {
        let mut next = Self { homes, ..self.clone() };
        let changed: Vec<(u32, &EncodedRecord)> = records.iter().map(|(user, record)| (*user, record)).collect();
        for here in changed.chunk_by(|(one, _), (other, _)| *one as usize / BLOCK == *other as usize / BLOCK) {
            let Some(at) = here.first().map(|(user, _)| *user as usize / BLOCK) else { continue };
            let last = here.last().map_or(0, |(user, _)| *user as usize % BLOCK + 1);
            let empty = RecordBlock::default();
            let before = self.blocks.get(at).unwrap_or(&empty);
            let mut builder = RecordBlockBuilder::default();
            let mut here = here.iter().peekable();
            steps::advance(before.len().max(last));
            for position in 0..before.len().max(last) {
                match here.next_if(|(user, _)| *user as usize == at * BLOCK + position) {
                    Some((_, record)) => builder.push(&record.bytes, record.home),
                    None => builder.push(before.bytes(position), before.home_of(position)),
                }
            }
            let blocks = Arc::make_mut(&mut next.blocks);
            if blocks.len() <= at {
                blocks.resize_with(at + 1, RecordBlock::default);
            }
            if let Some(block) = blocks.get_mut(at) {
                *block = builder.build();
            }
        }
        next.reindexed(self, records)
    }

    /// Updates the index, the namespaces and the shared aliases for changed records.
    fn reindexed(mut self, before: &Self, records: &BTreeMap<u32, EncodedRecord>) -> Self {
        /// Each delta copies the index of recent changes, so it has at most one user in so many, or `FEW`.
        const RECENT: usize = 16;
        const FEW: usize = 1 << 12;
        steps::advance(self.recent.users.len() + records.len());
        let mut users = BTreeSet::clone(&self.recent.users);
        users.extend(records.keys());
        if users.len() > FEW.max(self.numbers() / RECENT) {
            return self.indexed();
        }
        let (now, hashing) = (&self, &self.hashing);
        let hashes_of = |user: &u32| {
            let (keys, user) = (now.record(UserIndex(*user)).into_iter().flat_map(UserRecord::keys), *user);
            keys.map(move |key| (hashing.of(key), user))
        };
        let mut index = FingerprintTable::clone(&self.recent.index);
        let mut added: Vec<(u64, u32)> = records.keys().flat_map(hashes_of).collect();
        if !index.has_capacity_for(added.len()) {
            added = users.iter().flat_map(hashes_of).collect();
            index = FingerprintTable::with_capacity(added.len() * 2, 8);
        }
        for (hash, user) in added {
            index.insert(hash, user);
        }
        self.recent = RecentChanges { index: Arc::new(index), users: Arc::new(users) };
        let mut namespaces = Namespaces::clone(&before.namespaces);
        for user in records.keys().map(|user| UserIndex(*user)) {
            self.record(user).into_iter().for_each(|record| namespaces.add(record));
            before.record(user).into_iter().for_each(|record| namespaces.remove(record));
        }
        if namespaces != *self.namespaces {
            self.namespaces = Arc::new(namespaces);
        }
        let mut shared = None;
        let changed = records.keys().map(|user| UserIndex(*user));
        let changed = changed.flat_map(|user| [before.record(user), self.record(user)]).flatten();
        for key in changed.flat_map(UserRecord::aliases).map(|alias| alias.key()) {
            let is_shared = self.is_shared(key);
            let name = key.to_lower_case();
            if is_shared != self.shared.contains(&name) {
                let shared = shared.get_or_insert_with(|| BTreeSet::clone(&self.shared));
                if is_shared {
                    shared.insert(name)
                } else {
                    shared.remove(&name)
                };
            }
        }
        if let Some(shared) = shared {
            self.shared = Arc::new(shared);
        }
        self
    }

    fn is_shared(&self, key: IdentityKey<'_>) -> bool {
        self.called(key).fold(Holder::Nobody, |holder, (user, _)| holder.and(user)) == Holder::Several
    }

    /// Returns the hashes of all identities of a user.
    pub(super) fn hashes_of(&self, user: UserIndex) -> impl Iterator<Item = HashPair> + '_ {
        let keys = self.record(user).into_iter().flat_map(UserRecord::keys);
        keys.map(|key| self.hashing.pair_of(key))
    }

    /// Returns the home domains, to which those of new records can be added.
    pub(super) fn home_numbers(&self) -> HomeNumbers {
        HomeNumbers(Arc::clone(&self.homes))
    }

    /// Returns the size of all records and indexes in bytes, and the length of the names among them.
    pub(super) fn heap_bytes(&self) -> (usize, usize) {
        let blocks: usize = self.blocks.iter().map(RecordBlock::heap_bytes).sum();
        let names: usize = self.records().map(|(_, record)| record.name_bytes()).sum();
        let indexes = self.index.heap_bytes() + self.recent.index.heap_bytes() + self.recent.users.len() * 8;
        let homes: usize =
            self.homes.domains.iter().map(|domain| 2 * (domain.as_str().len() + size_of::<Domain>())).sum();
        let shared: usize = self.shared.iter().map(|name| size_of::<String>() + name.len()).sum();
        (blocks + self.blocks.capacity() * size_of::<RecordBlock>() + indexes + homes + shared, names)
    }
}
