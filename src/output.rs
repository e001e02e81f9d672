//! Where the result goes: stdout or another descriptor, or a file that appears whole or not at all.

mod replacement;

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::descriptor;
use crate::outlet::Outlet;
use crate::render::table::{self, Block};
use crate::render::{self, Format, Head, Look, Report};
use crate::screen::{Screen, ScreenSize};
use crate::stop::Stop;
use replacement::{Replacement, WriteResult};

/// The destination of a result.
pub(crate) struct Output {
    destination: Destination,
    look: Look,
    /// Where what is said beside the result goes; none when the result goes elsewhere than to stdout.
    news: Option<&'static Outlet>,
    /// The terminal's other screen, once results are drawn there.
    screen: Option<Screen>,
    /// The permissions of a file, when they are not left to the umask.
    mode: Option<u32>,
}

/// The columns of the terminal that stdout is, as the user set them or as the terminal says.
pub(crate) fn columns() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    set.or_else(|| descriptor::screen_size().map(|(columns, _)| columns))
}

/// The lines of the terminal that stdout is, as the terminal says.
pub(crate) fn lines() -> Option<usize> {
    descriptor::screen_size().map(|(_, lines)| lines)
}

fn size() -> ScreenSize {
    ScreenSize { columns: columns(), lines: lines() }
}

enum Destination {
    /// What is open already: the stdout that main owns, or a descriptor that was named.
    Open(Arc<Outlet>),
    /// A file, replaced by each write.
    File(PathBuf, Stop),
    /// A file whose replacement lies beside it already, for the next write.
    Prepared(Replacement, PathBuf, Stop),
    /// A descriptor that cannot be written to.
    Unusable(PathBuf, io::Error),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("look", &self.look).finish_non_exhaustive()
    }
}

impl Output {
    /// A destination on `stdout`, with the look of where that goes. What is said beside the result goes to `news`.
    pub(crate) fn stdout(stdout: Outlet, news: &'static Outlet, look: Look) -> Self {
        let destination = Destination::Open(Arc::new(stdout));
        Self { destination, look, news: Some(news), screen: None, mode: None }
    }

    /// Of a run whose results another run gathers, and writes with this look.
    pub(crate) fn gathered(look: Look) -> Self {
        let nowhere = io::Error::other("the results of this run are gathered by another");
        let destination = Destination::Unusable(PathBuf::new(), nowhere);
        Self { destination, look, news: None, screen: None, mode: None }
    }

    /// A file, written without colours and uncut. What is open already, by whatever name, is written to as it is open, and
    /// neither replaced nor opened anew: what others write to it stays.
    pub(crate) fn file(path: PathBuf, stop: Stop) -> Self {
        let destination = match descriptor::open_as(&path) {
            Ok(Some(file)) => Destination::Open(Arc::new(Outlet::to(file, stop))),
            Ok(None) => Destination::File(path, stop),
            Err(error) => Destination::Unusable(path, error),
        };
        Self { destination, look: Look::default(), news: None, screen: None, mode: None }
    }

    /// Opens what was named, and makes sure that it can be written to as far as that can be known, before what the result is about
    /// is done. Waits for who reads a pipe.
    ///
    /// # Errors
    /// When it cannot be written to, or a signal ends the wait.
    pub(crate) fn open(&mut self) -> io::Result<()> {
        let (path, stop) = match &self.destination {
            Destination::Open(outlet) if self.news.is_none() => return outlet.takes(),
            Destination::Open(_) | Destination::Prepared(..) => return Ok(()),
            Destination::Unusable(path, error) => return Err(could_not(path, error)),
            Destination::File(path, stop) => (path.clone(), stop.clone()),
        };
        let opened = match fs::metadata(&path) {
            Ok(found) if is_no_file(&found) => opened(&path, &found, &stop),
            _ => Replacement::of(&path, self.mode).and_then(|replacement| {
                replacement.keep_room()?;
                Ok(Destination::Prepared(replacement, path.clone(), stop))
            }),
        };
        self.destination = opened.map_err(|error| could_not(&path, &error))?;
        Ok(())
    }

    /// Whether the result goes to stdout, where nobody need listen.
    pub(crate) const fn is_stdout(&self) -> bool {
        self.news.is_some()
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

    /// The terminal that stdout is, for who draws on it himself.
    pub(crate) fn terminal(&self) -> Option<Arc<Outlet>> {
        match &self.destination {
            Destination::Open(outlet) => Some(Arc::clone(outlet)),
            _ => None,
        }
    }

    /// Draws these blocks on the terminal's other screen, over those before.
    ///
    /// # Errors
    /// When they cannot be written, or there is no terminal.
    pub(crate) fn draw(&mut self, blocks: Arc<Vec<Block<'static>>>) -> io::Result<()> {
        if self.screen.is_none()
            && let (Destination::Open(outlet), Some(news)) = (&self.destination, self.news)
        {
            let keyboard = descriptor::keyboard();
            self.screen = Some(Screen::new(Arc::clone(outlet), news, self.look, size, keyboard)?);
        }
        self.screen
            .as_ref()
            .map_or_else(|| Err(io::ErrorKind::Unsupported.into()), |screen| screen.draw(blocks))
    }

    /// The screen that is drawn on; none before the first [`Output::draw`].
    pub(crate) fn screen(&self) -> Option<Screen> {
        self.screen.clone()
    }

    /// Shows the screen as it was before the first [`Output::draw`].
    pub(crate) fn leave_screen(&mut self) {
        if let Some(screen) = self.screen.take() {
            screen.leave();
        }
    }

    /// Writes `report`; of what people read its top where only so many `lines` are to be seen.
    ///
    /// # Errors
    /// When it cannot be written; an existing file is then as it was.
    pub(crate) fn write(
        &mut self,
        report: &dyn Report,
        head: &Head,
        format: Format,
        lines: Option<usize>,
    ) -> io::Result<()> {
        let look = self.look;
        self.with(&mut |out| match lines.filter(|_| format == Format::Table) {
            Some(lines) => table::write_top(&report.blocks(head), look, lines, out),
            None => render::write(report, head, format, look, out),
        })
    }

    /// Lets `write` produce the whole result, once.
    ///
    /// # Errors
    /// When it cannot be written; an existing file is then as it was.
    pub(crate) fn with(&mut self, write: WriteResult<'_>) -> io::Result<()> {
        match &self.destination {
            Destination::Open(outlet) => return write_to(outlet, write),
            Destination::File(path, stop) => {
                return write_file(path, self.mode, stop, write).map_err(|error| could_not(path, &error));
            }
            Destination::Unusable(path, error) => return Err(could_not(path, error)),
            Destination::Prepared(_, path, stop) => {
                let next = Destination::File(path.clone(), stop.clone());
                if let Destination::Prepared(replacement, path, _) =
                    std::mem::replace(&mut self.destination, next)
                {
                    return replacement.write(write).map_err(|error| could_not(&path, &error));
                }
            }
        }
        Ok(())
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

fn write_to(mut outlet: &Outlet, write: WriteResult<'_>) -> io::Result<()> {
    let mut buffered = io::BufWriter::with_capacity(32 * 1024, &mut outlet);
    write(&mut buffered)?;
    buffered.flush()
}

/// Whether it is what nothing may replace: a device, a pipe, a socket.
fn is_no_file(found: &Metadata) -> bool {
    !found.is_file() && !found.is_dir()
}

/// The device or pipe that `path` names, open.
fn opened(path: &Path, found: &Metadata, stop: &Stop) -> io::Result<Destination> {
    let own = path.to_owned();
    let open = move || File::options().write(true).open(own);
    let outlet = if found.file_type().is_fifo() {
        Outlet::opening(open, stop.clone()).opened()?
    } else {
        Outlet::to(open()?, stop.clone())
    };
    outlet.takes()?;
    Ok(Destination::Open(Arc::new(outlet)))
}

/// Writes what `path` names: a file as a whole, and a device or a pipe, which nothing may replace, as it is.
fn write_file(path: &Path, mode: Option<u32>, stop: &Stop, write: WriteResult<'_>) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(found) if is_no_file(&found) => {
            let path = path.to_owned();
            let open = move || File::options().write(true).open(path);
            write_to(&Outlet::opening(open, stop.clone()), write)
        }
        _ => Replacement::of(path, mode)?.write(write),
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
    let file = options.open(path)?;
    let found = file.metadata()?;
    if found.is_file() {
        match found.len() {
            // A file that is new has to be found again, too, whatever happens.
            0 => sync_folder_of(path),
            length => end_the_last_line(path, &file, length)?,
        }
    }
    Ok(Outlet::to(file, stop.clone()))
}

/// Ends a line that somebody was kept from writing to its end.
fn end_the_last_line(path: &Path, mut file: &File, length: u64) -> io::Result<()> {
    let mut last = [0];
    let read = File::open(path).and_then(|file| file.read_exact_at(&mut last, length.saturating_sub(1)));
    // Where it may not be read it is taken for whole.
    if read.is_ok() && last != *b"\n" { file.write_all(b"\n") } else { Ok(()) }
}

/// Some file systems have no folders that can be synced: there it is as safe as it can be.
fn sync_folder_of(path: &Path) {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
