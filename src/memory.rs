//! The three ports in memory: for tests, for trying things out, and as the reference that other adapters are held
//! against. Nothing in here outlives the process, so its records are durable in name only.

mod directory;
mod sink;
mod store;

pub use self::directory::{InstallError, MemoryDirectory};
pub use self::sink::MemorySink;
pub use self::store::MemoryStore;
