//! Where the result goes: stdout or another descriptor, or a file that appears whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::descriptor;
use crate::outlet::Outlet;
use crate::render::{self, Format, Head, Look, Report, frame};
use crate::stop::Stop;

/// The destination of a result.
pub(crate) struct Output {
    destination: Destination,
    look: Look,
    /// The terminal shows its other screen.
    on_screen: bool,
    /// The permissions of a file, when they are not left to the umask.
    mode: Option<u32>,
}

/// The columns of the terminal that stdout is, as the user set them or as the terminal says.
pub(crate) fn columns() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    set.or_else(|| descriptor::screen_size().map(|(columns, _)| columns))
}

enum Destination {
    /// What is open already: the stdout that main owns, or a descriptor that was named.
    Open(Outlet),
    /// A file, replaced by each write.
    File(PathBuf, Stop),
    /// A descriptor that cannot be written to.
    Unusable(PathBuf, io::Error),
    /// Nowhere.
    Sink,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("look", &self.look).finish_non_exhaustive()
    }
}

impl Output {
    /// A destination on `stdout`, with the look of where that goes.
    pub(crate) const fn stdout(stdout: Outlet, look: Look) -> Self {
        Self { destination: Destination::Open(stdout), look, on_screen: false, mode: None }
    }

    /// A file, written without colours and uncut. What is open already, by whatever name, is written to as it is open, and
    /// neither replaced nor opened anew: what others write to it stays.
    pub(crate) fn file(path: PathBuf, stop: Stop) -> Self {
        let destination = match descriptor::open_as(&path) {
            Ok(Some(file)) => Destination::Open(Outlet::to(file, stop)),
            Ok(None) => Destination::File(path, stop),
            Err(error) => Destination::Unusable(path, error),
        };
        Self { destination, look: Look::default(), on_screen: false, mode: None }
    }

    /// Lets everybody read the file, whatever the umask: who collects it runs as another user.
    pub(crate) const fn for_everybody(&mut self) {
        self.mode = Some(0o644);
    }

    /// How tables look there.
    pub(crate) const fn look(&self) -> Look {
        self.look
    }

    /// True when each result is written behind the one before: stdout or another descriptor, not a file.
    pub(crate) const fn appends(&self) -> bool {
        matches!(self.destination, Destination::Open(_))
    }

    /// True when results can replace each other before somebody's eyes: stdout is a terminal that can be drawn on.
    pub(crate) fn is_screen(&self) -> bool {
        let draws = || std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
        self.appends() && self.look.width.is_some() && draws()
    }

    /// Shows the terminal's other screen, and measures the terminal, which may have changed.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn enter_screen(&mut self) -> io::Result<()> {
        self.look.width = columns().or(self.look.width);
        if self.on_screen {
            return Ok(());
        }
        self.on_screen = true;
        self.with(|out| out.write_all(frame::ENTER.as_bytes()))
    }

    /// Shows the screen as it was before [`Output::enter_screen`].
    pub(crate) fn leave_screen(&mut self) {
        if std::mem::take(&mut self.on_screen) {
            // A terminal that went away needs no order.
            let _ = self.with(|out| out.write_all(frame::LEAVE.as_bytes()));
        }
    }

    /// The lines of the terminal.
    pub(crate) fn lines(&self) -> Option<usize> {
        descriptor::screen_size().map(|(_, lines)| lines)
    }

    /// Writes `report`.
    ///
    /// # Errors
    /// When it cannot be written; an existing file is then as it was.
    pub(crate) fn write(&mut self, report: &impl Report, head: &Head, format: Format) -> io::Result<()> {
        let look = self.look;
        self.with(|out| render::write(report, head, format, look, out))
    }

    /// Lets `write` produce the whole result.
    ///
    /// # Errors
    /// When it cannot be written; an existing file is then as it was.
    pub(crate) fn with(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match &self.destination {
            Destination::Open(outlet) => write_to(outlet, write),
            Destination::File(path, stop) => {
                write_file(path, self.mode, stop, write).map_err(|error| could_not(path, &error))
            }
            Destination::Unusable(path, error) => Err(could_not(path, error)),
            Destination::Sink => write(&mut io::sink()),
        }
    }
}

/// Nowhere: what is left of a context whose output is in use elsewhere.
impl Default for Output {
    fn default() -> Self {
        Self { destination: Destination::Sink, look: Look::default(), on_screen: false, mode: None }
    }
}

/// However a run ends, the terminal is as it was.
impl Drop for Output {
    fn drop(&mut self) {
        self.leave_screen();
    }
}

fn could_not(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("could not write {}: {error}", path.display()))
}

fn write_to(mut outlet: &Outlet, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = io::BufWriter::with_capacity(32 * 1024, &mut outlet);
    write(&mut buffered)?;
    buffered.flush()
}

/// Writes what `path` names: a file as a whole, and a device or a pipe, which nothing may replace, as it is.
fn write_file(
    path: &Path,
    mode: Option<u32>,
    stop: &Stop,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if !found.is_file() && !found.is_dir() => {
            let path = path.to_owned();
            let open = move || File::options().write(true).open(path);
            write_to(&Outlet::opening(open, stop.clone()), write)
        }
        // A link stays, and what it leads to is replaced.
        Ok(found) => path.canonicalize().and_then(|path| {
            let mode = mode.unwrap_or_else(|| found.permissions().mode());
            replace(&path, Some(mode), write)
        }),
        Err(_) => replace(path, mode, write),
    }
}

/// A file that is written to behind what it has, made when there is none; a descriptor as it is open.
///
/// # Errors
/// When it cannot be opened, or a signal ends the wait for who reads it.
pub(crate) fn append_to(path: &Path, stop: &Stop) -> io::Result<Outlet> {
    if let Some(file) = descriptor::open_as(path)? {
        return Ok(Outlet::to(file, stop.clone()));
    }
    let mut options = File::options();
    options.create(true).append(true);
    if fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo()) {
        let path = path.to_owned();
        return Outlet::opening(move || options.open(path), stop.clone()).opened();
    }
    Ok(Outlet::to(options.open(path)?, stop.clone()))
}

/// Writes a file beside `path` and renames it over it, so that readers see the old or the new one, whole.
fn replace(
    path: &Path,
    mode: Option<u32>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // Whatever lies there is none of this run's, and is not written through.
    let _ = fs::remove_file(&temporary);
    let written = fs::File::create_new(&temporary).and_then(|file| {
        if let Some(mode) = mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        let mut buffered = io::BufWriter::new(file);
        write(&mut buffered)?;
        buffered.flush()?;
        buffered.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    });
    written.inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}
