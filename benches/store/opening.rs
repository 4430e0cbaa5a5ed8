//! The time and the memory to open a file, measured in a separate process.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use activity_privacy::sqlite::SqliteStore;

use super::activities::{Activities, Ids, stream};
use super::median::median;
use super::service::Service;

/// The file to open. If it is set, this process only opens that file.
const FILE: &str = "STORE_OPEN_FILE";
/// The number of the first activity that is not in the file.
const NEXT: &str = "STORE_OPEN_NEXT";

pub(crate) struct Opening {
    pub(crate) seconds: f64,
    pub(crate) first_batch: f64,
    /// Resident memory in bytes; `None` where the system does not report it.
    pub(crate) resident: Option<f64>,
}

pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(FILE).is_some()
}

/// Opens the file, stores a batch, and prints the measurements.
pub(crate) fn answer() {
    let (file, next) = (PathBuf::from(std::env::var_os(FILE).unwrap()), std::env::var(NEXT).unwrap());
    let next: u64 = next.parse().unwrap();
    let begun = Instant::now();
    let store = SqliteStore::open(&file).unwrap();
    let opened = begun.elapsed().as_secs_f64();
    let service = Service::over(store, &file);
    let batch = Activities::new(Ids::Random).all(stream(next..next + 1_000));
    let ingested = service.ingest(&batch, 1_000).as_secs_f64();
    println!("{opened} {ingested} {}", resident().unwrap_or(f64::NAN));
}

/// Opens a file several times. Returns the medians.
pub(crate) fn of(file: &Path, next: u64) -> Opening {
    const TIMES: u64 = 5;
    let mut answers = [Vec::new(), Vec::new(), Vec::new()];
    for time in 0..TIMES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        let child = child.env(FILE, file).env(NEXT, (next + time * 1_000).to_string()).output().unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        let answer = String::from_utf8(child.stdout).unwrap();
        for (answers, number) in answers.iter_mut().zip(answer.split_whitespace()) {
            answers.push(number.parse::<f64>().unwrap());
        }
    }
    let [seconds, first_batch, resident] = answers.map(median);
    Opening { seconds, first_batch, resident: Some(resident).filter(|bytes| bytes.is_finite()) }
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024.0)
}
