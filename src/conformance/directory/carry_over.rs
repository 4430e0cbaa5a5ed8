//! Each snapshot carries over removed groups from the one before.

use std::collections::BTreeSet;

use super::import::{ensure_equals, import, snapshot, source};
use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::alias;
use crate::directory::{DirectorySnapshot, RemovedGroup, Resolution};
use crate::identity::{GroupId, Identity};

/// Returns the source without the council and its nesting.
fn without_the_council(mut source: Source) -> Source {
    source.groups.retain(|(id, _)| id.as_str() != "council");
    source.members.retain(|(group, _)| group.as_str() != "council");
    source.nested.clear();
    source
}

fn last_members(removed: &RemovedGroup) -> BTreeSet<&str> {
    removed.members().iter().map(|user| user.id().as_str()).collect()
}

/// Returns every alias of every last member.
fn names(removed: &RemovedGroup) -> BTreeSet<String> {
    let aliases = removed.members().iter().flat_map(|user| user.aliases());
    aliases.map(|alias| format!("{:?} in {:?}", alias.as_str(), alias.app())).collect()
}

fn removed_council(what: &str, snapshot: &DirectorySnapshot) -> Checked<RemovedGroup> {
    let removed = snapshot.removed_group(&GroupId::new("council")?);
    removed.ok_or_else(|| Breach::new(format!("{what} the last members of the group are unknown")))
}

pub(super) fn d11_removed_group_keeps_last_members(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    import(&harness, &source(10, 2)?)?;
    let smaller = without_the_council(source(20, 2)?);
    import(&harness, &smaller)?;
    let first = snapshot(&directory)?;
    ensure_equals("after a group was removed", &first, &smaller)?;
    let removed = removed_council("after its removal", &first)?;
    let (members, expected) = (last_members(&removed), ["chair", "member-0", "member-1", "outsider", "without-record"]);
    ensure!(members.iter().eq(&expected), "the removed group has the last members {members:?}, expected {expected:?}");
    let (removed_in, revision) = (removed.removed_in(), first.revision());
    ensure!(removed_in == revision, "the group was removed in revision {removed_in}, expected {revision}");
    for seconds in [30, 40] {
        import(&harness, &without_the_council(source(seconds, 1)?))?;
        let later = removed_council("after another import", &*snapshot(&directory)?)?;
        ensure!(
            last_members(&later) == last_members(&removed) && names(&later) == names(&removed),
            "after another import the group has other last members or aliases: {:?}",
            last_members(&later)
        );
        let again = later.removed_in();
        ensure!(
            again == removed_in,
            "after another import the group was removed in revision {again}, expected {removed_in}"
        );
    }
    Ok(())
}

pub(super) fn d11_restored_group_has_imported_members(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    import(&harness, &source(10, 5)?)?;
    import(&harness, &without_the_council(source(20, 5)?))?;
    let back = source(30, 1)?;
    import(&harness, &back)?;
    let snapshot_now = snapshot(&directory)?;
    ensure_equals("after the group was restored", &snapshot_now, &back)?;
    let council = GroupId::new("council")?;
    ensure!(snapshot_now.removed_group(&council).is_none(), "a restored group still counts as removed");
    import(&harness, &without_the_council(source(40, 1)?))?;
    let members = removed_council("after the second removal", &*snapshot(&directory)?)?;
    let (members, expected) = (last_members(&members), ["chair", "member-0", "outsider", "without-record"]);
    ensure!(
        members.iter().eq(&expected),
        "after the second removal the group has the last members {members:?}, expected {expected:?}"
    );
    Ok(())
}

pub(super) fn d11_member_without_record_keeps_names(harness: impl DirectoryHarness) -> Checked {
    let directory = harness.open();
    let mut source = source(10, 3)?;
    import(&harness, &source)?;
    source.users.retain(|user| user.id().as_str() != "member-1");
    for seconds in [20, 30] {
        source.as_of = crate::conformance::fixture::at(seconds);
        import(&harness, &source)?;
        let found = snapshot(&directory)?;
        let by_name = match found.resolve(&Identity::from(alias("member-1")?)) {
            Resolution::Known(user) => user.id().as_str() == "member-1",
            Resolution::Ambiguous | Resolution::Unknown => false,
        };
        ensure!(by_name, "a member without a record does not resolve by the earlier alias");
    }
    Ok(())
}
