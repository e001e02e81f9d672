//! The program on a pseudo-terminal that is its controlling terminal: prompts, Ctrl-C, redraws.

use super::interpreter::Screen;
use super::program::{Owned, exit_code};
use super::{Outcome, wait_until};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What opens the terminal's other screen, and what ends a frame on it.
const ENTER: &str = "\u{1b}[?1049h";
const SHOW: &str = "\u{1b}[?2026l";

/// A running program and everything it has written to its terminal.
#[derive(Debug)]
pub(crate) struct Terminal {
    child: Owned,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    drawn: Mutex<Drawn>,
}

/// What was drawn on the terminal's other screen: how each frame looked when it was complete, and what was written for it.
#[derive(Debug, Default)]
struct Drawn {
    frames: Vec<(String, String)>,
    other: Option<Screen>,
    /// How much of what was written is among them.
    length: usize,
}

impl Terminal {
    /// `setsid --ctty` makes the terminal the controlling one, then becomes the program.
    pub(super) fn start(command: &Command, columns: u16, lines: u16) -> Self {
        let size = Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&size), None).unwrap();
        let slave = File::from(pty.slave);
        let mut leader = Command::new("setsid");
        leader.arg("--ctty").arg(command.get_program()).args(command.get_args()).env_clear();
        leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(folder) = command.get_current_dir() {
            leader.current_dir(folder);
        }
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
            loop {
                match output.read(&mut part) {
                    Ok(length @ 1..) => written.lock().unwrap().extend_from_slice(&part[..length]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // the end of a terminal is an error (EIO), not an empty read
                    _ => break,
                }
            }
        });
        Self { child, keyboard, screen, reader, drawn: Mutex::default() }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.0.id()).unwrap()
    }

    /// Everything written so far, escape sequences included.
    pub(crate) fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    /// The frames that were drawn so far: what each looked like, and what was written for it.
    pub(crate) fn frames(&self) -> Vec<(String, String)> {
        let mut drawn = self.drawn.lock().unwrap();
        let written = self.screen.lock().unwrap();
        while let Some(end) = find(&written[drawn.length..], SHOW) {
            let text = String::from_utf8_lossy(&written[drawn.length..drawn.length + end]).into_owned();
            drawn.length += end + SHOW.len();
            let frame = match text.rsplit_once(ENTER) {
                None => &text,
                Some((_, frame)) => {
                    // Larger than any terminal here.
                    drawn.other = Some(Screen::new(250, 70));
                    frame
                }
            };
            let other = drawn.other.as_mut().unwrap();
            other.write(frame);
            let looks = other.text();
            drawn.frames.push((looks, text));
        }
        drawn.frames.clone()
    }

    /// Waits until this text has been written, or drawn piece by piece.
    pub(crate) fn wait_for(&self, text: &str) {
        let is_drawn = || self.frames().iter().any(|(looks, _)| looks.contains(text));
        wait_until(&format!("{text:?} on the terminal"), || self.screen().contains(text) || is_drawn());
    }

    /// Whether what is typed is shown.
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_flags.contains(LocalFlags::ECHO)
    }

    /// The settings of the terminal, as they can be compared: the kernel's own, since what a C library leaves of its larger structure
    /// is not said.
    pub(crate) fn settings(&self) -> String {
        format!("{:?}", rustix::termios::tcgetattr(&self.keyboard).unwrap())
    }

    /// Gives it another size, which the program is told.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let size = rustix::termios::Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.keyboard, size).unwrap();
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

fn find(bytes: &[u8], text: &str) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text.as_bytes())
}
