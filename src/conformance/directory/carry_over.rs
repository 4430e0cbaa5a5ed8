//! Each snapshot is the successor of the one before.

use std::collections::BTreeSet;

use super::import::{import, says, snapshot, source};
use super::{DirectoryHarness, Source};
use crate::conformance::clause::{Breach, Checked, ensure};
use crate::conformance::fixture::alias;
use crate::directory::{DirectorySnapshot, RemovedGroup, Resolution};
use crate::identity::{GroupId, Identity};

/// The source without the council, and without the nesting that names it.
fn without_the_council(mut source: Source) -> Source {
    source.groups.retain(|(id, _)| id.as_str() != "council");
    source.members.retain(|(group, _)| group.as_str() != "council");
    source.nested.clear();
    source
}

fn last_members(vanished: &RemovedGroup) -> BTreeSet<&str> {
    vanished.members().iter().map(|user| user.id().as_str()).collect()
}

/// Every name of a last member.
fn names(vanished: &RemovedGroup) -> BTreeSet<String> {
    let aliases = vanished.members().iter().flat_map(|user| user.aliases());
    aliases.map(|alias| format!("{:?} in {:?}", alias.as_str(), alias.app())).collect()
}

fn gone_council(what: &str, snapshot: &DirectorySnapshot) -> Checked<RemovedGroup> {
    let vanished = snapshot.removed_group(&GroupId::new("council")?);
    vanished.ok_or_else(|| Breach::seen(format!("{what} nobody knows the last members of the group")))
}

pub(super) fn d11_a_vanished_group_keeps_its_last_members(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    import(&place, &source(10, 2)?)?;
    let gone = without_the_council(source(20, 2)?);
    import(&place, &gone)?;
    let first = snapshot(&directory)?;
    says("once a group is gone", &first, &gone)?;
    let vanished = gone_council("once it is gone", &first)?;
    let (members, expected) =
        (last_members(&vanished), ["chair", "member-0", "member-1", "outsider", "without-record"]);
    ensure!(
        members.iter().eq(&expected),
        "the group that is gone has the last members {members:?}, expected {expected:?}"
    );
    let (removed_in, revision) = (vanished.removed_in(), first.revision());
    ensure!(removed_in == revision, "the group is gone in revision {removed_in}, expected {revision}");
    for seconds in [30, 40] {
        import(&place, &without_the_council(source(seconds, 1)?))?;
        let later = gone_council("an import later", &*snapshot(&directory)?)?;
        ensure!(
            last_members(&later) == last_members(&vanished) && names(&later) == names(&vanished),
            "an import later the group has other last members, or under other names: {:?}",
            last_members(&later)
        );
        let again = later.removed_in();
        ensure!(again == removed_in, "an import later the group is gone in revision {again}, expected {removed_in}");
    }
    Ok(())
}

pub(super) fn d11_a_group_that_came_back_counts_anew(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    import(&place, &source(10, 5)?)?;
    import(&place, &without_the_council(source(20, 5)?))?;
    let back = source(30, 1)?;
    import(&place, &back)?;
    let snapshot_now = snapshot(&directory)?;
    says("once the group is back", &snapshot_now, &back)?;
    let council = GroupId::new("council")?;
    ensure!(snapshot_now.removed_group(&council).is_none(), "a group that is back is gone as well");
    import(&place, &without_the_council(source(40, 1)?))?;
    let members = gone_council("gone again", &*snapshot(&directory)?)?;
    let (members, expected) = (last_members(&members), ["chair", "member-0", "outsider", "without-record"]);
    ensure!(
        members.iter().eq(&expected),
        "gone again, the group has the last members {members:?}, expected {expected:?}"
    );
    Ok(())
}

pub(super) fn d11_a_member_whose_record_is_gone_keeps_their_names(place: impl DirectoryHarness) -> Checked {
    let directory = place.open();
    let mut source = source(10, 3)?;
    import(&place, &source)?;
    source.users.retain(|user| user.id().as_str() != "member-1");
    for seconds in [20, 30] {
        source.as_of = crate::conformance::fixture::at(seconds);
        import(&place, &source)?;
        let found = snapshot(&directory)?;
        let by_name = match found.resolve(&Identity::from(alias("member-1")?)) {
            Resolution::Known(user) => user.id().as_str() == "member-1",
            Resolution::Ambiguous | Resolution::Unknown => false,
        };
        ensure!(by_name, "a member whose record is gone is not known by the alias of before");
    }
    Ok(())
}
