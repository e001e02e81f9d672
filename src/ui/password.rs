//! The question for a password: on the controlling terminal, quiet while it is typed.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Signal, kill_current_process_group};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};

use crate::render::text::sanitize;

/// Asks on the terminal for a password. The terminal is quiet before the question is seen, so that nothing is echoed however
/// soon the answer comes. Ctrl-C ends the question with an error; Ctrl-Z stops the program, and it is asked again when it goes on.
///
/// # Errors
/// When there is no terminal, or nothing was typed to the end.
pub(crate) fn ask_password(prompt: &str) -> io::Result<Vec<u8>> {
    let mut terminal = OpenOptions::new().read(true).write(true).open(TERMINAL)?;
    loop {
        hush(&terminal)?;
        let asked = terminal.write_all(sanitize(prompt).as_bytes());
        let answer = asked.and_then(|()| typed_line(&mut terminal));
        let _ = terminal.write_all(b"\n");
        restore(&mut state());
        if let Some(line) = answer? {
            return Ok(line);
        }
        // As the terminal does it: everybody in the pipeline, and nobody where no shell could continue them.
        let _ = kill_current_process_group(Signal::TSTP);
        // The stop may meet this thread last, which must not have the terminal quiet again by then.
        std::thread::sleep(STOPPED);
    }
}

/// How long a stop takes at most to meet every thread.
const STOPPED: Duration = Duration::from_millis(100);

/// What is typed until the line ends, with the keys that a quiet terminal leaves to its reader; nothing when that is Ctrl-Z. Bytes:
/// only the server knows which encoding a password is in.
fn typed_line(keyboard: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut line: Vec<u8> = Vec::new();
    loop {
        match key(keyboard)? {
            b'\n' | b'\r' => return Ok(Some(line)),
            CTRL_Z => return Ok(None),
            CTRL_C => return Err(io::ErrorKind::Interrupted.into()),
            CTRL_D if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            CTRL_H | DELETE => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            CTRL_U => line.clear(),
            CTRL_W => {
                let kept = line.trim_ascii_end().iter().rposition(|byte| *byte == b' ');
                line.truncate(kept.map_or(0, |blank| blank + 1));
            }
            // Arrows and other keys send more than one byte.
            ESCAPE => {
                if matches!(key(keyboard)?, b'[' | b'O') {
                    while !(0x40..0x7f).contains(&key(keyboard)?) {}
                }
            }
            byte @ (b'\t' | b' '..) => line.push(byte),
            _ => {}
        }
    }
}

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_H: u8 = 8;
const CTRL_U: u8 = 0x15;
const CTRL_W: u8 = 0x17;
const CTRL_Z: u8 = 0x1a;
const ESCAPE: u8 = 0x1b;
const DELETE: u8 = 0x7f;

/// One byte and no more: what is typed ahead is for the next question.
fn key(keyboard: &mut impl Read) -> io::Result<u8> {
    let mut key = [0];
    keyboard.read_exact(&mut key)?;
    let [key] = key;
    Ok(key)
}

/// Leaves the terminal as it was before a question that nobody has answered yet; none is asked from now on.
pub(crate) fn leave_terminal() {
    let mut terminal = state();
    restore(&mut terminal);
    terminal.left = true;
}

/// Makes the terminal quiet: what is typed is not shown, and Ctrl-C is read like every other key.
fn hush(terminal: &File) -> io::Result<()> {
    let mut state = state();
    if state.left {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let found = tcgetattr(terminal)?;
    let mut quiet = found.clone();
    quiet.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
    quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
    tcsetattr(terminal, OptionalActions::Now, &quiet)?;
    state.found = Some(found);
    Ok(())
}

fn restore(state: &mut State) {
    if let Some(found) = state.found.take()
        && let Ok(terminal) = OpenOptions::new().read(true).write(true).open(TERMINAL)
    {
        let _ = tcsetattr(&terminal, OptionalActions::Now, &found);
    }
}

/// The controlling terminal, wherever the standard streams go.
pub(super) const TERMINAL: &str = "/dev/tty";

/// What this program knows of the terminal.
struct State {
    /// How it was before the question that it is at.
    found: Option<Termios>,
    /// The run is over.
    left: bool,
}

/// The one state. Who changes the terminal holds it meanwhile: a question is asked, and a signal seen, on threads of their own.
fn state() -> MutexGuard<'static, State> {
    static STATE: Mutex<State> = Mutex::new(State { found: None, left: false });
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_bytes_that_were_typed_and_not_taken_back() {
        for (typed, line) in [
            (&b"s3cret\nmore"[..], &b"s3cret"[..]),
            (b"p\xe9\xff\r", b"p\xe9\xff"),
            ("a\u{e9}\u{7f}\u{8}b\n".as_bytes(), b"b"),
            (b"\x7fnone\x15all\n", b"all"),
            (b"one two \x17three\n", b"one three"),
            (b"one\x17\x1b[A\x1bOB\x1b[1;5Ctwo\tx\x01\x04\n", b"two\tx"),
        ] {
            let mut keyboard = typed;
            assert_eq!(typed_line(&mut keyboard).expect("a line").as_deref(), Some(line), "{typed:?}");
        }
        assert_eq!(typed_line(&mut &b"half\x1amore\n"[..]).expect("no error"), None);
        for (typed, kind) in [
            (&b"half\x03"[..], io::ErrorKind::Interrupted),
            (b"\x04", io::ErrorKind::UnexpectedEof),
            (b"half", io::ErrorKind::UnexpectedEof),
            (b"\x1b[1", io::ErrorKind::UnexpectedEof),
        ] {
            let mut keyboard = typed;
            assert_eq!(typed_line(&mut keyboard).expect_err("no line").kind(), kind, "{typed:?}");
        }
    }
}
