//! Verifies an exported governance log offline, with a checkpoint, the public key of the log, and optionally an older
//! checkpoint that was saved before. Prints the verified facts, or the first error.
//!
//! Exit codes: 0 if the log is verified; 1 if a part was forged or cannot be distinguished from a forgery; 2 if the
//! arguments are invalid or a file cannot be read; 3 if nothing is proven, because a file was damaged in transfer (line
//! endings, byte order mark, blank lines), is truncated within a line, or is in another encoding.
//!
//! ```text
//! cargo run --features ledger --example verify_log -- --sample sample
//! cargo run --features ledger --example verify_log -- sample/log.jsonl sample/checkpoint \
//!     --key "$(cat sample/log.vkey)" --older sample/older-checkpoint
//! ```

mod sample;
#[path = "../shared/terminal.rs"]
mod terminal;

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use activity_privacy::ledger::{NoteVerifier, VerifiedLog, VerifyError, verify_log};
use lexopt::{Arg, Parser, ValueExt};
use terminal::{Output, Result, at, sentence};

const USAGE: &str = "\
usage: verify_log LOG CHECKPOINT --key VKEY [--key VKEY]... [--older CHECKPOINT]
       verify_log --sample FOLDER

  LOG                 the exported log, JSON Lines
  CHECKPOINT          the signed checkpoint of the log
  --key VKEY          a public key of the log (repeatable), as in `log.vkey`: name+id+base64
  --older CHECKPOINT  an older checkpoint of the same log
  --sample FOLDER     writes a sample log, its checkpoints, its key and two proofs

exit codes:
  0                   the log is verified
  1                   a part of the log was forged, or cannot be distinguished from a forgery
  2                   invalid arguments, or a file cannot be read
  3                   not verified: a file was damaged in transfer, is truncated, or is in another encoding;
                      transfer it again, byte for byte";

enum Command {
    Help,
    Sample(PathBuf),
    Verify { log: PathBuf, checkpoint: PathBuf, older: Option<PathBuf>, keys: Vec<NoteVerifier> },
}

fn main() -> ExitCode {
    // Exit code 1 means that a log is not verified, so every error here is 2.
    let mut is_unreadable = false;
    let code = terminal::run(|out| parse().and_then(|command| run(out, command)).inspect_err(|_| is_unreadable = true));
    if is_unreadable && code != ExitCode::SUCCESS { ExitCode::from(2) } else { code }
}

fn parse() -> Result<Command> {
    let (mut files, mut older, mut keys, mut sample) = (Vec::new(), None, Vec::new(), None);
    let mut arguments = Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("sample") => sample = Some(arguments.value()?.into()),
            Arg::Long("key") => keys.push(arguments.value()?.string()?.trim().parse()?),
            Arg::Long("older") => older = Some(arguments.value()?.into()),
            Arg::Value(file) => files.push(PathBuf::from(file)),
            other => return Err(other.unexpected().into()),
        }
    }
    let is_alone = files.is_empty() && older.is_none() && keys.is_empty();
    match (sample, <[PathBuf; 2]>::try_from(files)) {
        (Some(folder), _) if is_alone => Ok(Command::Sample(folder)),
        (Some(_), _) => Err(lexopt::Error::from("`--sample` excludes all other arguments").into()),
        (None, Ok([log, checkpoint])) if !keys.is_empty() => Ok(Command::Verify { log, checkpoint, older, keys }),
        _ => Err(lexopt::Error::from("expected exactly one log, one checkpoint, and at least one `--key`").into()),
    }
}

fn run(out: &mut Output, command: Command) -> Result<ExitCode> {
    match command {
        Command::Help => writeln!(out, "{USAGE}")?,
        Command::Sample(folder) => sample::write(out, &folder)?,
        Command::Verify { log, checkpoint, older, keys } => {
            let read = |path: &PathBuf| fs::read(path).map_err(at(path));
            let (checkpoint, older) = (read(&checkpoint)?, older.as_ref().map(read).transpose()?);
            let lines = BufReader::new(File::open(&log).map_err(at(&log))?);
            match verify_log(lines, &checkpoint, older.as_deref(), &keys) {
                Ok(verified) => show(out, &verified)?,
                Err(error @ VerifyError::Io { .. }) => return Err(at(&log)(error).into()),
                Err(error) => {
                    let (result, code) = if error.is_damage() || error.is_unverifiable() {
                        ("not verified: damaged, truncated, or in another encoding", 3)
                    } else {
                        ("verification failed", 1)
                    };
                    writeln!(out, "{result}: {}", sentence(&error))?;
                    return Ok(ExitCode::from(code));
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(out: &mut Output, verified: &VerifiedLog) -> Result<()> {
    let VerifiedLog { checkpoint, older, records, removed, openings, unsigned } = verified;
    writeln!(out, "verified: the checkpoint of {} is signed by a known key", checkpoint.origin)?;
    writeln!(out, "verified: it covers the first {} records, root {}", checkpoint.size, checkpoint.root)?;
    if let Some(older) = older {
        writeln!(out, "verified: the older checkpoint covers the first {} of them, root {}", older.size, older.root)?;
    }
    writeln!(
        out,
        "of these, {records} are complete, and {removed} were removed by retention (only their hash is left)"
    )?;
    writeln!(out, "{openings} disclosed values match their commitments")?;
    if *unsigned > 0 {
        writeln!(out, "{unsigned} later record(s) are not covered by the checkpoint")?;
    }
    Ok(())
}
