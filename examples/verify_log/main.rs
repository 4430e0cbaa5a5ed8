//! Verifies an exported governance log offline: with a checkpoint, the log's public key, and by choice an older checkpoint
//! that was saved before. Says what holds, and the first thing that does not. Exit code 0: all of it holds. 1: something was
//! forged, or cannot be told from a forgery. 2: the program was called wrongly, or a file cannot be read. 3: a file was damaged
//! in transfer (line ends, byte order mark, blank lines), is cut off within a line or in another encoding, so that nothing is
//! proven: transfer it again, byte for byte.
//!
//! ```text
//! cargo run --features ledger --example verify_log -- --sample sample
//! cargo run --features ledger --example verify_log -- sample/log.jsonl sample/checkpoint \
//!     --key "$(cat sample/log.vkey)" --older sample/older-checkpoint
//! ```

mod sample;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use activity_privacy::ledger::{NoteVerifier, VerifiedLog, VerifyError, verify_log};
use lexopt::{Arg, Parser, ValueExt};

const USAGE: &str = "\
verify_log LOG CHECKPOINT --key VKEY [--key VKEY]... [--older CHECKPOINT]
verify_log --sample FOLDER

LOG               the exported log, JSON Lines
CHECKPOINT        the signed checkpoint over it
--key VKEY        the public key of the log: name+id+base64
--older FILE      a checkpoint of the same log that was saved before
--sample FOLDER   writes a small log, its checkpoints, its key and two proofs, to try this out

Exit codes:
0                 everything holds
1                 something was forged, or cannot be told from a forgery
2                 wrong arguments, or a file cannot be read
3                 damaged or cut, not verified: a file was damaged in transfer or is cut off, so that nothing
                  is proven; transfer it again, byte for byte";

enum Asked {
    Help,
    Sample(PathBuf),
    Verify { log: PathBuf, checkpoint: PathBuf, older: Option<PathBuf>, keys: Vec<NoteVerifier> },
}

fn main() -> ExitCode {
    match asked().and_then(answer) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", in_full(&*error));
            ExitCode::from(2)
        }
    }
}

fn asked() -> Result<Asked, Box<dyn Error>> {
    let (mut files, mut older, mut keys) = (Vec::new(), None, Vec::new());
    let mut arguments = Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Asked::Help),
            Arg::Long("sample") => return Ok(Asked::Sample(arguments.value()?.into())),
            Arg::Long("key") => keys.push(arguments.value()?.string()?.trim().parse()?),
            Arg::Long("older") => older = Some(arguments.value()?.into()),
            Arg::Value(file) => files.push(PathBuf::from(file)),
            other => return Err(other.unexpected().into()),
        }
    }
    match <[PathBuf; 2]>::try_from(files) {
        Ok([log, checkpoint]) if !keys.is_empty() => Ok(Asked::Verify { log, checkpoint, older, keys }),
        _ => Err(format!("expected a log, a checkpoint and a key\n\n{USAGE}").into()),
    }
}

fn answer(asked: Asked) -> Result<ExitCode, Box<dyn Error>> {
    match asked {
        Asked::Help => println!("{USAGE}"),
        Asked::Sample(folder) => sample::write(&folder)?,
        Asked::Verify { log, checkpoint, older, keys } => {
            let (checkpoint, older) = (fs::read(checkpoint)?, older.map(fs::read).transpose()?);
            match verify_log(BufReader::new(File::open(log)?), &checkpoint, older.as_deref(), &keys) {
                Ok(verified) => show(&verified),
                Err(finding) => {
                    let (verdict, code) = match finding {
                        VerifyError::Io { .. } => ("cannot be read", 2),
                        _ if finding.is_damage() || finding.is_unverifiable() => ("damaged or cut, not verified", 3),
                        _ => ("does not hold", 1),
                    };
                    println!("{verdict}: {}", in_full(&finding));
                    return Ok(ExitCode::from(code));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(verified: &VerifiedLog) {
    let VerifiedLog { checkpoint, older, records, removed, openings, unsigned } = verified;
    println!("holds: the checkpoint of {} is signed by a known key", checkpoint.origin);
    println!("holds: the first {} records are those that it counts, root {}", checkpoint.size, checkpoint.root);
    if let Some(older) = older {
        println!("holds: the first {} of them are those of the older checkpoint, root {}", older.size, older.root);
    }
    println!("records in full: {records}, hashes of removed ones: {removed}, sealed values shown: {openings}");
    if *unsigned > 0 {
        println!("nobody has signed the {unsigned} lines that come after them");
    }
}

/// An error with its sources.
fn in_full(error: &dyn Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}
