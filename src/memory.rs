//! The three ports in memory: for tests and experiments, and as the reference for other adapters. Their data ends with
//! the process, so a receipt of the memory sink proves no durability.

mod directory;
mod sink;
mod store;

pub use self::directory::{InstallError, MemoryDirectory};
pub use self::sink::MemorySink;
pub use self::store::MemoryStore;
