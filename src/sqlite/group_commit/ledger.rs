//! A writer for tests: a ledger that knows its durable entries and counts its commits.

use super::Transact;

#[derive(Debug, PartialEq)]
pub(super) struct OnCommand;

pub(super) struct Ledger {
    pub(super) durable: Vec<u32>,
    pub(super) pending: Vec<u32>,
    pub(super) written: u64,
    pub(super) open: bool,
    pub(super) commits: usize,
    /// Which commits fail, from 1.
    fails: fn(usize) -> bool,
}

impl Ledger {
    pub(super) fn new(fails: fn(usize) -> bool) -> Self {
        Self { durable: Vec::new(), pending: Vec::new(), written: 0, open: false, commits: 0, fails }
    }

    pub(super) fn put(&mut self, entry: u32) {
        self.pending.push(entry);
        self.written += 1;
    }
}

impl Transact for Ledger {
    type Error = OnCommand;

    fn begin(&mut self) -> Result<(), OnCommand> {
        assert!(!self.open && self.pending.is_empty(), "one transaction at a time");
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), OnCommand> {
        assert!(self.open);
        // About as long as a disk takes, so that other callers arrive meanwhile.
        #[cfg(not(shuttle))]
        std::thread::sleep(std::time::Duration::from_millis(1));
        self.commits += 1;
        if (self.fails)(self.commits) {
            self.roll_back();
            return Err(OnCommand);
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

    fn written(&self) -> u64 {
        self.written
    }
}
