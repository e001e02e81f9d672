//! Where the result goes: stdout, or a file that appears whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::render::{self, Format, Head, Look, Report};

/// The destination of a result.
pub(crate) struct Output {
    destination: Destination,
    look: Look,
}

enum Destination {
    /// The stdout that main owns.
    Stdout(Box<dyn Write>),
    /// A file, replaced by each write.
    File(PathBuf),
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("look", &self.look).finish_non_exhaustive()
    }
}

impl Output {
    /// A destination on `stdout`, with the look of where that goes.
    pub(crate) fn stdout(stdout: Box<dyn Write>, look: Look) -> Self {
        Self { destination: Destination::Stdout(stdout), look }
    }

    /// A file, written without colours and uncut.
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { destination: Destination::File(path), look: Look::default() }
    }

    /// How tables look there.
    pub(crate) const fn look(&self) -> Look {
        self.look
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
        match &mut self.destination {
            Destination::Stdout(out) => {
                let mut buffered = io::BufWriter::with_capacity(32 * 1024, out);
                write(&mut buffered)?;
                buffered.flush()
            }
            Destination::File(path) => replace(path, write),
        }
    }
}

/// Writes a file beside `path` and renames it over it, so that readers see the old or the new one, whole.
fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("could not write {}: {error}", path.display()))
    };
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or_else(|| named(io::ErrorKind::InvalidFilename.into()))?);
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = fs::File::create(&temporary).and_then(|file| {
        let mut buffered = io::BufWriter::new(file);
        write(&mut buffered)?;
        buffered.flush()?;
        buffered.get_ref().sync_all()?;
        fs::rename(&temporary, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        named(error)
    })
}
