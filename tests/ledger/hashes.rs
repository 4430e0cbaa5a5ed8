//! The contract of the port behind which hashes lie, and who keeps it.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use activity_privacy::ledger::*;

use crate::log::*;

#[test]
fn g6_hashes_are_kept_as_the_contract_of_their_port_says() {
    fn check(one: &dyn HashStore, other: &dyn HashStore) {
        let hash = |byte: u8| TreeHash([byte; 32]);
        assert_eq!((one.size().unwrap(), one.checkpoint().unwrap()), (0, None));
        assert!(matches!(one.write(1, &[hash(1)]), Err(HashStoreError::Gap { place: 1, len: 0 })));
        one.write(0, &[hash(1), hash(2), hash(3)]).unwrap();
        assert_eq!(other.read(&[2, 0, 1, 1]).unwrap(), [hash(3), hash(1), hash(2), hash(2)]);
        other.write(1, &[hash(4)]).unwrap();
        other.write(2, &[hash(5), hash(6)]).unwrap();
        other.write(0, &[]).unwrap();
        assert_eq!(one.read(&[0, 1, 2, 3]).unwrap(), [hash(1), hash(4), hash(5), hash(6)]);
        assert_eq!((one.size().unwrap(), other.size().unwrap()), (4, 4));
        for place in [4, 5, u64::MAX / 32, u64::MAX] {
            assert!(matches!(one.read(&[0, place]), Err(HashStoreError::Missing { .. })), "{place}");
            assert!(place == 4 || matches!(one.write(place, &[hash(1)]), Err(HashStoreError::Gap { .. })), "{place}");
        }
        one.sync().unwrap();
        one.keep_checkpoint(b"one").unwrap();
        other.keep_checkpoint(b"two").unwrap();
        assert_eq!(one.checkpoint().unwrap().unwrap(), b"two");
        // One at a time has the hold.
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for store in [one, other, one, other] {
                let (inside, most) = (&inside, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let hold = store.hold().unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(hold);
                    }
                });
            }
        });
        assert_eq!(most.into_inner(), 1);
    }
    let memory = MemoryHashes::new();
    check(&memory, &memory);
    let folder = folder();
    check(&hashes(&folder), &hashes(&folder));
    assert!(FileHashes::open(Path::new("/nowhere/at/all")).is_err());
}
