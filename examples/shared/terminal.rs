//! The terminal of the examples: output that its reader may close, errors as sentences, and exit codes.

use std::error::Error;
use std::io::{self, ErrorKind, StdoutLock, Write};
use std::path::Path;
use std::process::ExitCode;

use lexopt::{Arg, Parser};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The standard output. It notes whether its reader closed it, as `head` does.
pub(crate) struct Output {
    out: StdoutLock<'static>,
    is_closed: bool,
}

impl Output {
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| self.is_closed |= error.kind() == ErrorKind::BrokenPipe)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.note(flushed)
    }
}

/// Runs an example. Its exit code is 2 if the arguments are invalid, and 1 after any other error. An output that its
/// reader closed is not an error.
pub(crate) fn run(example: impl FnOnce(&mut Output) -> Result<ExitCode>) -> ExitCode {
    let mut out = Output { out: io::stdout().lock(), is_closed: false };
    let result = example(&mut out).and_then(|code| Ok(out.flush().map(|()| code)?));
    match result {
        Ok(code) => code,
        Err(_) if out.is_closed => ExitCode::SUCCESS,
        Err(error) => {
            let is_usage = error.is::<lexopt::Error>();
            let hint = if is_usage { "; `--help` lists the arguments" } else { "" };
            // There is nothing left to do if the error cannot be written either.
            let _ = writeln!(io::stderr(), "error: {}{hint}", sentence(&*error));
            ExitCode::from(if is_usage { 2 } else { 1 })
        }
    }
}

/// Reads the arguments of an example that has none. Returns whether to continue, which is not so after `--help`.
#[allow(dead_code, reason = "some examples have arguments of their own")]
pub(crate) fn has_no_arguments(out: &mut Output, usage: &str) -> Result<bool> {
    match Parser::from_env().next()? {
        None => Ok(true),
        Some(Arg::Short('h') | Arg::Long("help")) => {
            writeln!(out, "{usage}")?;
            Ok(false)
        }
        Some(argument) => Err(argument.unexpected().into()),
    }
}

/// Returns an error with its sources as one sentence. Some errors contain the text of their source.
pub(crate) fn sentence(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

/// Adds a path to an error.
#[allow(dead_code, reason = "some examples read no files")]
pub(crate) fn at<E: Error>(path: &Path) -> impl FnOnce(E) -> String + '_ {
    move |error| format!("{}: {}", path.display(), sentence(&error))
}
