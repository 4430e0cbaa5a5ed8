//! A writer for tests: a ledger of its durable entries that counts its commits.

use super::Transact;

#[derive(Debug, PartialEq)]
pub(super) struct InjectedError;

pub(super) struct Ledger {
    pub(super) durable: Vec<u32>,
    pub(super) pending: Vec<u32>,
    pub(super) total_changes: u64,
    pub(super) open: bool,
    pub(super) commits: usize,
    /// Returns whether the commit with this number fails, from 1.
    fails: fn(usize) -> bool,
}

impl Ledger {
    pub(super) fn new(fails: fn(usize) -> bool) -> Self {
        Self { durable: Vec::new(), pending: Vec::new(), total_changes: 0, open: false, commits: 0, fails }
    }

    pub(super) fn put(&mut self, entry: u32) {
        self.pending.push(entry);
        self.total_changes += 1;
    }
}

impl Transact for Ledger {
    type Error = InjectedError;

    fn begin(&mut self) -> Result<(), InjectedError> {
        assert!(!self.open && self.pending.is_empty(), "one transaction at a time");
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), InjectedError> {
        assert!(self.open);
        // About as long as a disk sync, so that other callers arrive meanwhile.
        #[cfg(not(shuttle))]
        std::thread::sleep(std::time::Duration::from_millis(1));
        self.commits += 1;
        if (self.fails)(self.commits) {
            self.roll_back();
            return Err(InjectedError);
        }
        self.open = false;
        self.durable.append(&mut self.pending);
        Ok(())
    }

    fn roll_back(&mut self) {
        self.open = false;
        self.pending.clear();
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn total_changes(&self) -> u64 {
        self.total_changes
    }
}
