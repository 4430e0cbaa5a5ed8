//! One child: started, killed or told to stop, and listened to.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::child::{FOLDER, NAME, SEED};
use super::word::Word;

/// Far longer than anything here takes, so that whatever hangs is seen to hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// A child that is running.
pub(crate) struct Running {
    name: String,
    process: Child,
    /// The child goes on while it is open.
    stdin: Option<ChildStdin>,
    listener: JoinHandle<String>,
    initialized: Receiver<()>,
}

/// What a child said until its end.
pub(crate) struct Said {
    pub(crate) name: String,
    pub(crate) words: Vec<Word>,
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
        let (tell, initialized) = mpsc::channel();
        // Reads all the while, because a pipe that is full would hold the child up.
        let listener = thread::spawn(move || {
            let (mut stdout, mut said) = (BufReader::new(stdout), Vec::new());
            loop {
                let before = said.len();
                if stdout.read_until(b'\n', &mut said).unwrap() == 0 {
                    return String::from_utf8(said).unwrap();
                }
                if said[before..].starts_with(b"\"Initialized\"") {
                    let _nobody_need_wait = tell.send(());
                }
            }
        });
        Self { name, process, stdin, listener, initialized }
    }

    /// Waits until it has a policy to work under.
    pub(crate) fn wait_until_initialized(&self) {
        self.initialized.recv_timeout(PATIENCE).expect("the child comes to have a policy");
    }

    /// With SIGKILL, wherever it is.
    pub(crate) fn kill(mut self) -> Said {
        self.process.kill().unwrap();
        let status = self.process.wait().unwrap();
        assert_eq!(status.code(), None, "child {} was not killed but ended by itself: {status}", self.name);
        self.said(true)
    }

    /// In order: it finishes what it is at.
    pub(crate) fn stop(mut self) -> Said {
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
        self.said(false)
    }

    fn said(self, killed: bool) -> Said {
        let said = self.listener.join().unwrap();
        Said { name: self.name, words: Word::all(&said), killed }
    }
}
