//! The program on a pseudo-terminal that is its controlling terminal: prompts, Ctrl-C, redraws.

use super::program::{Owned, exit_code};
use super::{Outcome, wait_until};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A running program and everything it has written to its terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Owned,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    /// `setsid --ctty` makes the terminal the controlling one, then becomes the program.
    pub(super) fn start(command: &Command) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let slave = File::from(pty.slave);
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        leader.env_remove("COLUMNS").env("TERM", "xterm-256color");
        leader
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(Stdio::from(slave));
        let child = Owned(leader.spawn().unwrap());
        drop(leader);
        let keyboard = File::from(pty.master);
        let screen = Arc::new(Mutex::new(Vec::new()));
        let (mut output, written) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            // the end of a terminal is an error (EIO), not an empty read
            while let Ok(length @ 1..) = output.read(&mut part) {
                written.lock().unwrap().extend_from_slice(&part[..length]);
            }
        });
        Self { child, keyboard, screen, reader }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.0.id()).unwrap()
    }

    /// Everything written so far, escape sequences included.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// Waits until this text has been written.
    pub(crate) fn wait_for(&self, text: &str) {
        wait_until(&format!("{text:?} on the terminal"), || self.screen().contains(text));
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// Types on its keyboard; `"\u{3}"` is Ctrl-C.
    pub(crate) fn type_keys(&mut self, keys: impl AsRef<[u8]>) {
        self.keyboard.write_all(keys.as_ref()).unwrap();
    }

    /// Its outcome, both streams in `stdout`.
    #[must_use = "compare the outcome, or assert the exit code with success() or fails_with()"]
    pub(crate) fn finish(mut self) -> Outcome {
        let code = exit_code(self.child.end());
        // the leader's end hangs the terminal up, and with that the reading ends when everything has been read
        self.reader.join().unwrap();
        let stdout = String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned();
        Outcome { stdout, stderr: String::new(), code }
    }
}
