//! Verifies an exported governance log offline, with a checkpoint, the public key of the log, and optionally an older
//! checkpoint that was saved before. Prints the verified facts, or the first error.
//!
//! Exit codes: 0 if the log is verified; 1 if a part was forged or cannot be distinguished from a forgery; 2 if the
//! arguments are invalid or a file cannot be read; 3 if nothing is proven, because a file was damaged in transfer (line
//! ends, byte order mark, blank lines), is truncated within a line, or is in another encoding.
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
usage: verify_log LOG CHECKPOINT --key VKEY [--key VKEY]... [--older CHECKPOINT]
       verify_log --sample FOLDER

  LOG               the exported log, JSON Lines
  CHECKPOINT        the signed checkpoint of the log
  --key VKEY        the public key of the log: name+id+base64
  --older FILE      an older checkpoint of the same log
  --sample FOLDER   writes a sample log, its checkpoints, its key and two proofs

exit codes:
  0                 the log is verified
  1                 a part of the log was forged, or cannot be distinguished from a forgery
  2                 invalid arguments, or a file cannot be read
  3                 not verified: a file was damaged in transfer or is truncated; transfer it again, byte for byte";

enum Command {
    Help,
    Sample(PathBuf),
    Verify { log: PathBuf, checkpoint: PathBuf, older: Option<PathBuf>, keys: Vec<NoteVerifier> },
}

fn main() -> ExitCode {
    match parse().and_then(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{}", with_sources(&*error));
            ExitCode::from(2)
        }
    }
}

fn parse() -> Result<Command, Box<dyn Error>> {
    let (mut files, mut older, mut keys) = (Vec::new(), None, Vec::new());
    let mut arguments = Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("sample") => return Ok(Command::Sample(arguments.value()?.into())),
            Arg::Long("key") => keys.push(arguments.value()?.string()?.trim().parse()?),
            Arg::Long("older") => older = Some(arguments.value()?.into()),
            Arg::Value(file) => files.push(PathBuf::from(file)),
            other => return Err(other.unexpected().into()),
        }
    }
    match <[PathBuf; 2]>::try_from(files) {
        Ok([log, checkpoint]) if !keys.is_empty() => Ok(Command::Verify { log, checkpoint, older, keys }),
        _ => Err(format!("missing argument; a log, a checkpoint and a key are required\n\n{USAGE}").into()),
    }
}

fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Help => println!("{USAGE}"),
        Command::Sample(folder) => sample::write(&folder)?,
        Command::Verify { log, checkpoint, older, keys } => {
            let (checkpoint, older) = (fs::read(checkpoint)?, older.map(fs::read).transpose()?);
            match verify_log(BufReader::new(File::open(log)?), &checkpoint, older.as_deref(), &keys) {
                Ok(verified) => show(&verified),
                Err(error) => {
                    let (result, code) = match error {
                        VerifyError::Io { .. } => ("cannot be read", 2),
                        _ if error.is_damage() || error.is_unverifiable() => ("damaged or truncated, not verified", 3),
                        _ => ("verification failed", 1),
                    };
                    println!("{result}: {}", with_sources(&error));
                    return Ok(ExitCode::from(code));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(verified: &VerifiedLog) {
    let VerifiedLog { checkpoint, older, records, removed, openings, unsigned } = verified;
    println!("verified: the checkpoint of {} is signed by a known key", checkpoint.origin);
    println!("verified: it covers the first {} records, root {}", checkpoint.size, checkpoint.root);
    if let Some(older) = older {
        println!("verified: the older checkpoint covers the first {} of them, root {}", older.size, older.root);
    }
    println!("complete records: {records}, hashes of removed records: {removed}, opened commitments: {openings}");
    if *unsigned > 0 {
        println!("{unsigned} later record(s) are not covered by the checkpoint");
    }
}

/// Formats an error with its sources.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
