//! A child process: start, kill or stop, and its output.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::child::{FOLDER, NAME, SEED};
use super::message::Message;

/// Far longer than any operation takes, so that a hanging child is detected.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running child.
pub(crate) struct Running {
    name: String,
    process: Child,
    /// The child runs while this is open.
    stdin: Option<ChildStdin>,
    listener: JoinHandle<String>,
    initialized: Receiver<()>,
}

/// The output of a child.
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) messages: Vec<Message>,
    pub(crate) killed: bool,
}

impl Running {
    pub(crate) fn start(folder: &Path, name: String, seed: u64) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_child", "--nocapture", "--quiet"])
            .env(FOLDER, folder)
            .env(NAME, &name)
            .env(SEED, seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take().unwrap());
        let (sender, initialized) = mpsc::channel();
        // Reads continuously, because a full pipe would block the child.
        let listener = thread::spawn(move || {
            let (mut stdout, mut output) = (BufReader::new(stdout), Vec::new());
            loop {
                let before = output.len();
                if stdout.read_until(b'\n', &mut output).unwrap() == 0 {
                    return String::from_utf8(output).unwrap();
                }
                if output[before..].starts_with(b"\"Initialized\"") {
                    let _ignored = sender.send(());
                }
            }
        });
        Self { name, process, stdin, listener, initialized }
    }

    /// Waits until the child has initialized the policy.
    pub(crate) fn wait_until_initialized(&self) {
        self.initialized.recv_timeout(PATIENCE).expect("the child initializes the policy");
    }

    /// Kills the child with SIGKILL.
    pub(crate) fn kill(mut self) -> Output {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), None, "child {} ended before the kill: {status}", self.name);
        self.output(true)
    }

    /// Stops the child after its current operations.
    pub(crate) fn stop(mut self) -> Output {
        let begun = Instant::now();
        drop(self.stdin.take());
        let status = loop {
            match self.process.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(begun.elapsed() < PATIENCE, "child {} hangs", self.name),
            }
            thread::sleep(Duration::from_millis(1));
        };
        assert!(status.success(), "child {} broke off: {status}", self.name);
        self.output(false)
    }

    fn output(self, killed: bool) -> Output {
        let output = self.listener.join().unwrap();
        Output { name: self.name, messages: Message::all(&output), killed }
    }
}
