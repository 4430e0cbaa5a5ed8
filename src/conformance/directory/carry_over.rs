//! Each snapshot carries over removed groups, and the aliases of members whose records were removed, from the one
//! before.

use std::collections::BTreeSet;

use super::import::{AsOf, CouncilMembers, ensure_equals, import, snapshot, source};
use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::{alias, at};
use crate::directory::{DirectorySnapshot, RemovedGroup, Resolution};
use crate::identity::{GroupId, Identity};

/// Returns the source without the council, its members and its nesting.
fn without_the_council(mut source: Source) -> Source {
    let is_kept = |group: &GroupId| group.as_str() != "council";
    source.groups.retain(|(id, _)| is_kept(id));
    source.members.retain(|(group, _)| is_kept(group));
    source.nested.retain(|(outer, inner)| is_kept(outer) && is_kept(inner));
    source
}

fn last_members(removed: &RemovedGroup) -> BTreeSet<&str> {
    removed.members().iter().map(|user| user.id().as_str()).collect()
}

/// Returns every alias of every last member.
fn aliases(removed: &RemovedGroup) -> BTreeSet<String> {
    let aliases = removed.members().iter().flat_map(|user| user.aliases());
    aliases.map(|alias| format!("{:?} in {:?}", alias.as_str(), alias.app())).collect()
}

fn removed_council(what: &str, snapshot: &DirectorySnapshot) -> Checked<RemovedGroup> {
    let removed = snapshot.removed_group(&GroupId::new("council")?);
    removed.ok_or_else(|| Breach::new(format!("{what} the last members of the group are unknown")))
}

pub(super) fn d11_removed_group_keeps_last_members(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    import(&harness, &source(AsOf(10), CouncilMembers(2))?)?;
    let smaller = without_the_council(source(AsOf(20), CouncilMembers(2))?);
    import(&harness, &smaller)?;
    let first = snapshot(&directory)?;
    ensure_equals("after a group was removed", &first, &smaller)?;
    let removed = removed_council("after its removal", &first)?;
    let members = last_members(&removed);
    let expected = BTreeSet::from(["chair", "member-0", "member-1", "outsider", "without-record"]);
    ensure!(members == expected, "the removed group has the last members {members:?}, expected {expected:?}");
    let (removed_in, revision) = (removed.removed_in(), first.revision());
    ensure!(removed_in == revision, "the group was removed in revision {removed_in}, expected {revision}");
    // These imports also lack member-1, who stays a last member.
    for seconds in [30, 40] {
        import(&harness, &without_the_council(source(AsOf(seconds), CouncilMembers(1))?))?;
        let later = removed_council("after another import", &*snapshot(&directory)?)?;
        ensure!(
            last_members(&later) == last_members(&removed) && aliases(&later) == aliases(&removed),
            "after another import the group has other last members or aliases: {:?}",
            last_members(&later)
        );
        let removed_in_later = later.removed_in();
        ensure!(
            removed_in_later == removed_in,
            "after another import the group was removed in revision {removed_in_later}, expected {removed_in}"
        );
    }
    Ok(())
}

pub(super) fn d11_restored_group_has_imported_members(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    import(&harness, &source(AsOf(10), CouncilMembers(5))?)?;
    import(&harness, &without_the_council(source(AsOf(20), CouncilMembers(5))?))?;
    let restored = source(AsOf(30), CouncilMembers(1))?;
    import(&harness, &restored)?;
    let current = snapshot(&directory)?;
    ensure_equals("after the group was restored", &current, &restored)?;
    let council = GroupId::new("council")?;
    ensure!(current.removed_group(&council).is_none(), "a restored group still counts as removed");
    import(&harness, &without_the_council(source(AsOf(40), CouncilMembers(1))?))?;
    let removed = removed_council("after the second removal", &*snapshot(&directory)?)?;
    let members = last_members(&removed);
    let expected = BTreeSet::from(["chair", "member-0", "outsider", "without-record"]);
    ensure!(
        members == expected,
        "after the second removal the group has the last members {members:?}, expected {expected:?}"
    );
    Ok(())
}

pub(super) fn d11_member_without_record_keeps_aliases(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    let mut source = source(AsOf(10), CouncilMembers(3))?;
    import(&harness, &source)?;
    source.users.retain(|user| user.id().as_str() != "member-1");
    for seconds in [20, 30] {
        source.as_of = at(seconds);
        import(&harness, &source)?;
        let snapshot = snapshot(&directory)?;
        let resolution = snapshot.resolve(&Identity::from(alias("member-1")?));
        let resolves = matches!(&resolution, Resolution::Known(user) if user.id().as_str() == "member-1");
        ensure!(resolves, "a member whose record was removed does not resolve by its earlier alias: {resolution:?}");
    }
    Ok(())
}
