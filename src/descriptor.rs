//! Descriptors that this program was given: which one is open to a file, and how large the terminal is that one leads to. Only a
//! descriptor itself writes where others go on writing: opened once more by its name, it would have a place of its own in the file.

use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::termios::tcgetwinsize;

/// Where the operating system lists the descriptors of this program.
const FOLDER: &str = "/dev/fd";

/// The descriptor that is open for writing to what `path` names, stdout before others; none where there is none.
///
/// # Errors
/// When there is one, and it cannot be had.
pub(crate) fn open_as(path: &Path) -> io::Result<Option<File>> {
    let Ok(wanted) = fs::metadata(path) else { return Ok(None) };
    let is_wanted = |found: &Metadata| (found.dev(), found.ino()) == (wanted.dev(), wanted.ino());
    for number in numbers() {
        if !fs::metadata(format!("{FOLDER}/{number}")).is_ok_and(|found| is_wanted(&found)) {
            continue;
        }
        let descriptor = duplicate(number)?;
        if !(fcntl_getfl(&descriptor)? & OFlags::RWMODE).is_empty() {
            return Ok(Some(descriptor.into()));
        }
    }
    Ok(None)
}

/// The columns and lines of a terminal; none when it is none, or does not know them.
pub(crate) fn terminal_size(descriptor: impl AsFd) -> Option<(usize, usize)> {
    let size = tcgetwinsize(descriptor).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0)?;
    Some((size.ws_col.into(), size.ws_row.into()))
}

/// The terminal that stdin is; none when it is none.
pub(crate) fn keyboard() -> Option<OwnedFd> {
    let stdin = io::stdin();
    stdin.is_terminal().then(|| stdin.as_fd().try_clone_to_owned().ok()).flatten()
}

/// Whether stdout is a terminal.
pub(crate) fn is_stdout_terminal() -> bool {
    io::stdout().is_terminal()
}

/// The columns and lines of the terminal that stdout is, or else stderr or stdin.
pub(crate) fn screen_size() -> Option<(usize, usize)> {
    let beside = || terminal_size(io::stderr()).or_else(|| terminal_size(io::stdin()));
    terminal_size(io::stdout()).or_else(beside)
}

/// The numbers of the open descriptors: stdout, stderr, then the others.
fn numbers() -> Vec<i32> {
    let entries = fs::read_dir(FOLDER).into_iter().flatten().flatten();
    let mut numbers: Vec<i32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_by_key(|number| (!(1..=2).contains(number), *number));
    numbers
}

fn duplicate(number: i32) -> io::Result<OwnedFd> {
    match number {
        0 => io::stdin().as_fd().try_clone_to_owned(),
        1 => io::stdout().as_fd().try_clone_to_owned(),
        2 => io::stderr().as_fd().try_clone_to_owned(),
        other => of_this_program(other),
    }
}

/// Linux opens anew what is opened by its name in [`FOLDER`]. Where a container or an old kernel refuses the descriptor itself, that
/// must do: a pipe is the same then, and a file is written to behind what it holds.
#[cfg(target_os = "linux")]
fn of_this_program(number: i32) -> io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let itself = pidfd_open(getpid(), PidfdFlags::empty())
        .and_then(|this| pidfd_getfd(this, number, PidfdGetfdFlags::empty()));
    match itself {
        Ok(descriptor) => Ok(descriptor),
        Err(_) => File::options().append(true).open(format!("{FOLDER}/{number}")).map(Into::into),
    }
}

/// Elsewhere that is the descriptor itself.
#[cfg(not(target_os = "linux"))]
fn of_this_program(number: i32) -> io::Result<OwnedFd> {
    File::options().write(true).open(format!("{FOLDER}/{number}")).map(Into::into)
}
