//! What takes the place of a file: written beside it and renamed over it, so that readers see the old or the new one, whole.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::after_panic::{self, UndoneAtPanic};

/// What writes a whole result; it is called once.
pub(super) type WriteResult<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// How much room is kept for a result that is still to come, bytes.
const ROOM: usize = 64 * 1024;

/// A file beside the one whose place it is to take. It goes when it is dropped before it has.
#[derive(Debug)]
pub(super) struct Replacement {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    _at_panic: UndoneAtPanic,
}

impl Replacement {
    /// Beside what `path` names: a link stays, and what it leads to is replaced; a file keeps its permissions unless `mode` says
    /// otherwise.
    ///
    /// # Errors
    /// When there can be no file beside it, or when it names a folder.
    pub(super) fn of(path: &Path, mode: Option<u32>) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) => {
                let mode = mode.unwrap_or_else(|| found.permissions().mode());
                Self::beside(path.canonicalize()?, Some(mode))
            }
            Err(_) => Self::beside(path.to_owned(), mode),
        }
    }

    fn beside(path: PathBuf, mode: Option<u32>) -> io::Result<Self> {
        let mut name = OsString::from(".");
        name.push(path.file_name().ok_or(io::ErrorKind::InvalidFilename)?);
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        // Whatever lies there is none of this run's, and is not written through.
        let _ = fs::remove_file(&temporary);
        let file = File::create_new(&temporary)?;
        let left = temporary.clone();
        let at_panic = after_panic::undo(move || drop(fs::remove_file(left)));
        let replacement = Self { file, temporary, path, _at_panic: at_panic };
        if let Some(mode) = mode {
            replacement.file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Ok(replacement)
    }

    /// Takes the room that a result needs, so that a full disk says so now.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn keep_room(&self) -> io::Result<()> {
        self.file.write_all_at(&[0; ROOM], 0)?;
        self.file.sync_all()
    }

    /// Writes it, and puts it in its place.
    ///
    /// # Errors
    /// When it cannot be written; the file is then as it was.
    pub(super) fn write(self, write: WriteResult<'_>) -> io::Result<()> {
        let mut counted = Counted { file: &self.file, length: 0 };
        let mut buffered = io::BufWriter::new(&mut counted);
        write(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        self.file.set_len(counted.length)?;
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Nothing is there any more once it has taken its place.
        let _ = fs::remove_file(&self.temporary);
    }
}

/// What is written to a file, and how much that was.
struct Counted<'a> {
    file: &'a File,
    length: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.length = self.length.saturating_add(u64::try_from(written).unwrap_or(u64::MAX));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
