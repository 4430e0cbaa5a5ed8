//! For each group of a directory, the watched groups that its members are in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::directory::{DirectorySnapshot, GroupIndex, Knowledge, Packed};
use crate::steps;

/// See the module. The members of a group that is nested in others count in all of these, so groups that lead to the same
/// watched groups share one set of them: those of one cycle, and those below one watched group alone.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The set of each group that leads to any, by its place.
    of_group: Vec<u32>,
    /// The first is empty.
    sets: Vec<Set>,
    /// The groups on the way that are not all known: removed ones, and those that a delta added.
    pub(super) open: Vec<OpenGroup>,
}

/// A group of which the directory alone does not know the members, or may not.
#[derive(PartialEq, Eq)]
pub(super) struct OpenGroup {
    pub(super) group: GroupIndex,
    /// Whether the directory knows them, as far as it can tell.
    pub(super) is_known: bool,
    /// The sets of the groups that are there and that it is nested in itself.
    sets: BTreeSet<u32>,
    /// Its own place, if it is watched.
    own: Option<usize>,
}

#[derive(PartialEq, Eq)]
enum Set {
    Written(Vec<usize>),
    /// All in these sets and those beside them. A long chain of watched groups has as many sets as groups, and to write
    /// them all out would take the square of that.
    Joined {
        own: Vec<usize>,
        others: Vec<u32>,
    },
}

/// How many places of watched groups are written out in all.
const WRITTEN: usize = 1 << 16;

impl Reach {
    /// Of watched groups, each with its place among them.
    pub(super) fn new(directory: &DirectorySnapshot, watched: &[(GroupIndex, usize)]) -> Self {
        let components = Components::below(directory, watched.iter().map(|(group, _)| *group));
        let mut own: HashMap<usize, Vec<usize>> = HashMap::new();
        for (group, at) in watched {
            own.entry(components.of(*group)).or_default().push(*at);
        }
        let mut sets = Sets { sets: vec![Set::Written(Vec::new())], numbers: HashMap::new(), written: 0 };
        let mut above: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); components.groups.len()];
        let mut of_group = vec![0; directory.group_numbers()];
        // A component comes after all that it leads to.
        for (component, groups) in components.groups.iter().enumerate().rev() {
            let above_it = above.get_mut(component).map(std::mem::take).unwrap_or_default();
            let number = sets.number(own.remove(&component).unwrap_or_default(), above_it);
            for group in groups {
                if let Some(of_group) = of_group.get_mut(group.place()) {
                    *of_group = number;
                }
                for child in directory.counted_children(*group) {
                    steps::advance(1);
                    let child = components.of(child);
                    if let Some(above) = above.get_mut(child).filter(|_| child != component) {
                        above.insert(number);
                    }
                }
            }
        }
        while of_group.last() == Some(&0) {
            of_group.pop();
        }
        let mut reach = Self { of_group, sets: sets.sets, open: Vec::new() };
        reach.open = components.open_groups(directory, watched, &reach);
        reach
    }

    /// Whether any of these groups leads to one that is watched.
    #[inline]
    pub(super) fn is_led_to(&self, groups: &[Packed]) -> bool {
        groups.iter().fold(0, |found, group| found | self.number(group.get())) != 0
    }

    /// The number of the set of a group; 0 if it leads to no watched group.
    #[inline]
    pub(super) fn number(&self, group: u32) -> u32 {
        self.of_group.get(group as usize).copied().unwrap_or(0)
    }

    /// A set, if it is written out.
    pub(super) fn written(&self, number: u32) -> Option<&[usize]> {
        match self.sets.get(number as usize) {
            Some(Set::Written(set)) => Some(set),
            Some(Set::Joined { .. }) => None,
            None => Some(&[]),
        }
    }

    pub(super) fn set(&self, number: u32) -> Cow<'_, [usize]> {
        if let Some(written) = self.written(number) {
            return written.into();
        }
        self.union([number].into()).into()
    }

    /// The watched groups that an open group counts for. A removed group counts for those in which it is nested by way of
    /// groups that are there: what counts of a removed group is settled.
    pub(super) fn of_open(&self, open: &OpenGroup) -> Vec<usize> {
        let mut at = self.union(open.sets.clone());
        at.extend(open.own.filter(|own| !at.contains(own)));
        at
    }

    fn union(&self, mut seen: BTreeSet<u32>) -> Vec<usize> {
        let mut open: Vec<u32> = seen.iter().copied().collect();
        let mut all = BTreeSet::new();
        while let Some(number) = open.pop() {
            steps::advance(1);
            match self.sets.get(number as usize) {
                Some(Set::Written(set)) => all.extend(set),
                Some(Set::Joined { own, others }) => {
                    all.extend(own);
                    open.extend(others.iter().filter(|other| seen.insert(**other)));
                }
                None => {}
            }
        }
        all.into_iter().copied().collect()
    }

    /// The watched groups that whoever a group lists is in.
    pub(super) fn of(&self, group: GroupIndex) -> Cow<'_, [usize]> {
        self.set(self.number(group.number()))
    }
}

struct Sets {
    sets: Vec<Set>,
    numbers: HashMap<Vec<usize>, u32>,
    /// How much was written out or read to be.
    written: usize,
}

impl Sets {
    /// The number of the set of these places and of all in other sets.
    fn number(&mut self, mut own: Vec<usize>, others: BTreeSet<u32>) -> u32 {
        steps::advance(own.len() + others.len());
        if let (true, 1, Some(only)) = (own.is_empty(), others.len(), others.first()) {
            return *only;
        }
        let written = |other: &u32| match self.sets.get(*other as usize) {
            Some(Set::Written(set)) => Some(set),
            _ => None,
        };
        let size = others.iter().try_fold(0, |size, other| Some(size + written(other)?.len()));
        let Some(size) = size.filter(|size| others.is_empty() || self.written + size <= WRITTEN) else {
            self.sets.push(Set::Joined { own, others: others.into_iter().collect() });
            return self.sets.len() as u32 - 1;
        };
        steps::advance(size);
        own.extend(others.iter().filter_map(written).flatten());
        own.sort_unstable();
        own.dedup();
        self.written += size;
        let Self { sets, numbers, .. } = self;
        *numbers.entry(own).or_insert_with_key(|set| {
            sets.push(Set::Written(set.clone()));
            sets.len() as u32 - 1
        })
    }
}

/// The groups below some, so that those of one cycle are together (Tarjan, "Depth-first search and linear graph
/// algorithms").
struct Components {
    /// Each comes after all that it leads to.
    groups: Vec<Vec<GroupIndex>>,
    /// For each group, the component that it is in.
    numbers: HashMap<GroupIndex, usize>,
}

/// A group that is being visited.
struct Visit {
    group: GroupIndex,
    children: std::vec::IntoIter<GroupIndex>,
    /// The first group on the path that is led to from here.
    low: usize,
}

impl Components {
    fn below(directory: &DirectorySnapshot, start: impl Iterator<Item = GroupIndex>) -> Self {
        let mut all = Self { groups: Vec::new(), numbers: HashMap::new() };
        let (mut found, mut waiting) = (HashMap::new(), Vec::new());
        for start in start {
            if found.contains_key(&start) {
                continue;
            }
            let mut path = vec![Visit::begin(directory, start, &mut found, &mut waiting)];
            while let Some(visit) = path.last_mut() {
                steps::advance(1);
                if let Some(child) = visit.children.next() {
                    match found.get(&child) {
                        None => path.push(Visit::begin(directory, child, &mut found, &mut waiting)),
                        Some(at) if !all.numbers.contains_key(&child) => visit.low = visit.low.min(*at),
                        Some(_) => {}
                    }
                    continue;
                }
                let (group, low) = (visit.group, visit.low);
                path.pop();
                if let Some(parent) = path.last_mut() {
                    parent.low = parent.low.min(low);
                }
                if found.get(&group) == Some(&low) {
                    all.close(group, &mut waiting);
                }
            }
        }
        all
    }

    /// Puts those together that were found since a group, and lead back to it.
    fn close(&mut self, first: GroupIndex, waiting: &mut Vec<GroupIndex>) {
        let mut component = Vec::new();
        while let Some(group) = waiting.pop() {
            steps::advance(1);
            self.numbers.insert(group, self.groups.len());
            component.push(group);
            if group == first {
                break;
            }
        }
        self.groups.push(component);
    }

    fn of(&self, group: GroupIndex) -> usize {
        self.numbers.get(&group).copied().unwrap_or(usize::MAX)
    }

    /// The groups that are watched or nested in groups that are there, and of which the directory may not know the
    /// members.
    fn open_groups(
        &self,
        directory: &DirectorySnapshot,
        watched: &[(GroupIndex, usize)],
        reach: &Reach,
    ) -> Vec<OpenGroup> {
        let mut unknown = vec![false; self.groups.len()];
        let own: HashMap<GroupIndex, usize> = watched.iter().copied().collect();
        let mut candidates: BTreeMap<GroupIndex, BTreeSet<u32>> =
            own.keys().map(|group| (*group, BTreeSet::new())).collect();
        for (component, groups) in self.groups.iter().enumerate() {
            let mut is_unknown = false;
            for group in groups {
                is_unknown |= directory.knowledge(*group) == Knowledge::Unknown;
                let is_there = directory.has_group(*group);
                for child in directory.counted_children(*group) {
                    steps::advance(1);
                    is_unknown |= unknown.get(self.of(child)) == Some(&true);
                    if is_there {
                        candidates.entry(child).or_default().insert(reach.number(group.number()));
                    }
                }
            }
            unknown.get_mut(component).into_iter().for_each(|here| *here = is_unknown);
        }
        let is_known = |group: GroupIndex| match directory.has_group(group) {
            true => directory.knowledge(group) != Knowledge::Unknown,
            false => unknown.get(self.of(group)) != Some(&true),
        };
        let is_open =
            |group: &GroupIndex| !directory.has_group(*group) || directory.knowledge(*group) != Knowledge::Whole;
        let open = candidates.into_iter().filter(|(group, _)| is_open(group));
        let open = open.map(|(group, sets)| OpenGroup {
            group,
            is_known: is_known(group),
            sets,
            own: own.get(&group).copied(),
        });
        open.collect()
    }
}

impl Visit {
    fn begin(
        directory: &DirectorySnapshot,
        group: GroupIndex,
        found: &mut HashMap<GroupIndex, usize>,
        waiting: &mut Vec<GroupIndex>,
    ) -> Self {
        let at = found.len();
        found.insert(group, at);
        waiting.push(group);
        let children: Vec<GroupIndex> = directory.counted_children(group).collect();
        Self { group, children: children.into_iter(), low: at }
    }
}
