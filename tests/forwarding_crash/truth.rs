//! The comparison of what was sent with what is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use activity_privacy::forward::{BatchLimit, Offset};
use activity_privacy::query::PageSize;

use super::child::{CANARY, delivered, marks, name, open};

/// The results of all rounds.
#[derive(Default)]
pub(crate) struct Truth {
    rounds: usize,
    /// The number of kills during a delivery, during an acknowledgement, and at other moments.
    during: BTreeMap<&'static str, usize>,
    public: usize,
    private: usize,
}

impl Truth {
    /// Checks the files after a kill: what was acknowledged was sent, and nothing private was.
    pub(crate) fn check(&mut self, folder: &Path) {
        self.rounds += 1;
        let last = fs::read(marks(folder)).unwrap_or_default().last().copied();
        *self
            .during
            .entry(match last {
                Some(b'd') => "delivery",
                Some(b'a') => "acknowledgement",
                _ => "other moments",
            })
            .or_default() += 1;
        let sent = sent(folder);
        let (fixture, store) = open(folder);
        let feed = fixture.filter.forwarders(store).open(&name());
        // The first child can have been killed before it created the forwarder.
        let Ok(feed) = feed else { return };
        let acknowledged = feed.status().unwrap();
        assert_eq!((acknowledged.missed, acknowledged.set_aside), (0, 0));
        let all = stored(&fixture);
        for (offset, id) in &all {
            if offset.number().unwrap() <= acknowledged.offset.number().unwrap() {
                assert!(sent.contains(id), "F2: {id} is acknowledged and was not sent");
            }
        }
    }

    /// Forwards what is left, and checks that everything public was sent.
    pub(crate) fn drain(&mut self, folder: &Path) {
        let mut sent = sent(folder);
        let (fixture, store) = open(folder);
        let feed = fixture.filter.forwarders(store).open(&name()).unwrap();
        loop {
            let batch = feed.next_batch(BatchLimit::default()).unwrap();
            if batch.is_empty() {
                break;
            }
            assert_eq!(batch.gap(), None);
            sent.extend(batch.items().iter().map(|public| public.activity().id().as_str().to_owned()));
            feed.acknowledge(&batch).unwrap();
        }
        let stored: BTreeSet<String> = stored(&fixture).into_iter().map(|(_, id)| id).collect();
        assert!(sent == stored, "F2: exactly the public activities were sent");
        (self.public, self.private) = (stored.len(), fixture.everything().len() - stored.len());
    }

    pub(crate) fn is_conclusive(&self, kills: u64) -> bool {
        let during = |what| self.during.get(what).copied().unwrap_or_default();
        let few = during("delivery") > 0 && self.private > 0 && self.public > 0;
        kills < 12 || (few && (kills < 200 || during("acknowledgement") > 0))
    }
}

/// Returns the ids that were sent, of whole lines. Checks that no byte is of a private activity, and that what was sent
/// is in the order of storing, except for repeated batches.
fn sent(folder: &Path) -> BTreeSet<String> {
    let bytes = fs::read(delivered(folder)).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap();
    assert!(!text.contains(CANARY), "F1: a part of a private activity was sent");
    assert!(!text.contains("adele"), "F1: a part of a private activity was sent");
    let mut sent = BTreeSet::new();
    for line in text.lines() {
        // A kill can leave a part of a line, which is sent again.
        let Ok(document) = serde_json::from_str::<serde_json::Value>(line) else { continue };
        sent.insert(document["id"].as_str().unwrap().to_owned());
    }
    sent
}

/// Returns every public activity in the order of storing.
fn stored(fixture: &crate::fixture::Fixture) -> Vec<(Offset, String)> {
    let mut all = Vec::new();
    let mut after = Offset::START;
    loop {
        let found = fixture.store.public_after(&after, PageSize::MAX.get()).unwrap();
        let Some((last, _)) = found.last() else { return all };
        after = last.clone();
        all.extend(found.iter().map(|(offset, public)| (offset.clone(), public.activity().id().as_str().to_owned())));
    }
}

impl fmt::Display for Truth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, during, public, private, .. } = self;
        write!(f, "{rounds} kills during {during:?}; {public} public activities sent, {private} private ones not")
    }
}
