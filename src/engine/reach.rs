//! For each group of a directory, the groups of the policy that its members are in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::directory::{DirectorySnapshot, GroupIndex, Knowledge, Packed};
use crate::steps;

/// Maps groups of the directory to sets of positions of policy groups.
///
/// The members of a nested group count in every group that contains it. Groups with the same ancestors among the policy
/// groups share one set: those of one cycle, and those below one policy group alone.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Reach {
    /// The number of the set of each group; shorter than the list of groups if the last ones have the empty set.
    of_group: Vec<u32>,
    /// The first is empty.
    sets: Vec<Set>,
    /// The groups among them whose members may not be known: removed groups, and groups that a delta added.
    pub(super) open: Vec<OpenGroup>,
}

/// A group whose members the directory alone may not know.
#[derive(PartialEq, Eq)]
pub(super) struct OpenGroup {
    pub(super) group: GroupIndex,
    /// Whether the directory knows the members, as far as the directory alone can tell.
    pub(super) is_known: bool,
    /// The sets of the parent groups that are in the directory.
    sets: BTreeSet<u32>,
    /// Its own position if the policy names it.
    own: Option<usize>,
}

#[derive(PartialEq, Eq)]
enum Set {
    Expanded(Vec<usize>),
    /// The union of `own` and the sets numbered `others`. A long chain of policy groups has as many sets as groups, and
    /// all of them expanded would take quadratic memory.
    Union {
        own: Vec<usize>,
        others: Vec<u32>,
    },
}

/// The most positions in all expanded sets together.
const MAX_EXPANDED: usize = 1 << 16;

impl Reach {
    /// Follows the nesting below some groups of the policy, each given with its position.
    pub(super) fn new(directory: &DirectorySnapshot, named: &[(GroupIndex, usize)]) -> Self {
        let components = Components::below(directory, named.iter().map(|(group, _)| *group));
        let mut own: HashMap<usize, Vec<usize>> = HashMap::new();
        for (group, at) in named {
            own.entry(components.of(*group)).or_default().push(*at);
        }
        let mut sets = Sets { sets: vec![Set::Expanded(Vec::new())], numbers: HashMap::new(), expanded: 0 };
        let mut above: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); components.groups.len()];
        let mut of_group = vec![0; directory.group_slots()];
        // A component comes after all components below it.
        for (component, groups) in components.groups.iter().enumerate().rev() {
            let above_it = above.get_mut(component).map(std::mem::take).unwrap_or_default();
            let number = sets.number(own.remove(&component).unwrap_or_default(), above_it);
            for group in groups {
                if let Some(of_group) = of_group.get_mut(group.as_usize()) {
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
        reach.open = components.open_groups(directory, named, &reach);
        reach
    }

    /// Returns whether any of these groups has a set that is not empty.
    #[inline]
    pub(super) fn is_reached_from(&self, groups: &[Packed]) -> bool {
        groups.iter().fold(0, |found, group| found | self.number(group.get())) != 0
    }

    /// Returns the number of the set of a group: 0 for the empty set.
    #[inline]
    pub(super) fn number(&self, group: u32) -> u32 {
        self.of_group.get(group as usize).copied().unwrap_or(0)
    }

    /// Returns the positions in a set if it is expanded.
    pub(super) fn expanded(&self, number: u32) -> Option<&[usize]> {
        match self.sets.get(number as usize) {
            Some(Set::Expanded(set)) => Some(set),
            Some(Set::Union { .. }) => None,
            None => Some(&[]),
        }
    }

    /// Returns the positions in a set.
    pub(super) fn set(&self, number: u32) -> Cow<'_, [usize]> {
        if let Some(expanded) = self.expanded(number) {
            return expanded.into();
        }
        self.union([number].into()).into()
    }

    /// Returns the positions of the groups that an open group counts for. A removed group counts for those that it is
    /// nested in by way of groups in the directory, because the last members of its removed ancestors do not change any
    /// more.
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
                Some(Set::Expanded(set)) => all.extend(set),
                Some(Set::Union { own, others }) => {
                    all.extend(own);
                    open.extend(others.iter().filter(|other| seen.insert(**other)));
                }
                None => {}
            }
        }
        all.into_iter().copied().collect()
    }

    /// Returns the positions of the groups that the members of a group are in.
    pub(super) fn of(&self, group: GroupIndex) -> Cow<'_, [usize]> {
        self.set(self.number(group.as_u32()))
    }
}

struct Sets {
    sets: Vec<Set>,
    numbers: HashMap<Vec<usize>, u32>,
    /// How many positions were read to expand sets.
    expanded: usize,
}

impl Sets {
    /// Returns the number of the union of these positions and other sets.
    fn number(&mut self, mut own: Vec<usize>, others: BTreeSet<u32>) -> u32 {
        steps::advance(own.len() + others.len());
        if let (true, 1, Some(only)) = (own.is_empty(), others.len(), others.first()) {
            return *only;
        }
        let positions = |other: &u32| match self.sets.get(*other as usize) {
            Some(Set::Expanded(set)) => Some(set),
            _ => None,
        };
        let size = others.iter().try_fold(0, |size, other| Some(size + positions(other)?.len()));
        let Some(size) = size.filter(|size| others.is_empty() || self.expanded + size <= MAX_EXPANDED) else {
            self.sets.push(Set::Union { own, others: others.into_iter().collect() });
            return self.sets.len() as u32 - 1;
        };
        steps::advance(size);
        own.extend(others.iter().filter_map(positions).flatten());
        own.sort_unstable();
        own.dedup();
        self.expanded += size;
        let Self { sets, numbers, .. } = self;
        *numbers.entry(own).or_insert_with_key(|set| {
            sets.push(Set::Expanded(set.clone()));
            sets.len() as u32 - 1
        })
    }
}

/// The strongly connected components of the groups below some groups (Tarjan, "Depth-first search and linear graph
/// algorithms").
struct Components {
    /// Each component comes after all components below it.
    groups: Vec<Vec<GroupIndex>>,
    /// The component of each group.
    numbers: HashMap<GroupIndex, usize>,
}

/// A group that is being visited.
struct Visit {
    group: GroupIndex,
    children: std::vec::IntoIter<GroupIndex>,
    /// The first group on the path that can be reached from here.
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

    /// Makes a component of a group and of the groups found since that lead back to it.
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

    /// Returns the groups whose members the directory may not know, among those that the policy names or that are
    /// nested in groups of the directory.
    fn open_groups(
        &self,
        directory: &DirectorySnapshot,
        named: &[(GroupIndex, usize)],
        reach: &Reach,
    ) -> Vec<OpenGroup> {
        let mut unknown = vec![false; self.groups.len()];
        let own: HashMap<GroupIndex, usize> = named.iter().copied().collect();
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
                        candidates.entry(child).or_default().insert(reach.number(group.as_u32()));
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
