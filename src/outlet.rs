//! Writing that holds nobody up: what may have to wait for a reader (a pipe, a terminal, a FIFO) is written without waiting as far
//! as it can be, and else on a thread of its own, so that a signal is heard meanwhile and ends the wait. Files are written at once.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::stop::Stop;

/// How long a writer that is stuck may still take after a signal.
const GRACE: Duration = Duration::from_millis(300);
/// How long news are waited for, so that they stand where they belong between results; after that they follow when they can.
const NEWS: Duration = Duration::from_millis(200);
/// How often is looked for a signal while a writer is stuck.
const TURN: Duration = Duration::from_millis(20);
/// The stack of a thread that only writes, in bytes.
const STACK: usize = 64 * 1024;

/// Where something is written to. What cannot be written before a signal, and [`GRACE`] after it, is given up.
pub(crate) struct Outlet {
    to: To,
    stop: Stop,
    /// How often something was said.
    said: AtomicU64,
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = matches!(self.to, To::Reader(_));
        f.debug_struct("Outlet").field("waits", &waits).finish_non_exhaustive()
    }
}

enum To {
    /// What never has to wait for anybody.
    File(File),
    /// What may have to wait for its reader.
    Reader(Reader),
}

/// A reader that may let itself be waited for, and the work of the thread that then writes.
struct Reader {
    /// None where the thread opens it.
    file: Option<Arc<File>>,
    work: OnceLock<Arc<Work>>,
}

/// The work of a writing thread.
struct Work {
    desk: Mutex<Desk>,
    changed: Condvar,
}

#[derive(Default)]
struct Desk {
    /// What is still to be written, in order.
    pieces: VecDeque<Vec<u8>>,
    /// How many pieces there have been, and how many of them are done.
    handed: u64,
    done: u64,
    /// The first thing that went wrong; after it nothing is written.
    failed: Option<(io::ErrorKind, String)>,
    /// Nobody hands anything any more.
    closed: bool,
}

impl Outlet {
    /// An outlet for a run that hears no signals, so that each of them ends it wherever it is.
    pub(crate) fn at_once(file: File) -> Self {
        Self { to: To::File(file), stop: Stop::never(), said: AtomicU64::new(0) }
    }

    /// An outlet to another file, which the same signals end.
    pub(crate) fn beside(&self, file: File) -> Self {
        Self::to(file, self.stop.clone())
    }

    /// An outlet to what is open already.
    pub(crate) fn to(file: File, stop: Stop) -> Self {
        let waits = file.metadata().is_ok_and(|found| !found.is_file() && !is_null(&found));
        let to = if waits {
            To::Reader(Reader { file: Some(Arc::new(file)), work: OnceLock::new() })
        } else {
            To::File(file)
        };
        Self { to, stop, said: AtomicU64::new(0) }
    }

    /// An outlet to what `open` opens, which may wait for a reader, too.
    pub(crate) fn opening(open: impl FnOnce() -> io::Result<File> + Send + 'static, stop: Stop) -> Self {
        let work = write_on_a_thread(move || open().map(Arc::new));
        Self {
            to: To::Reader(Reader { file: None, work: OnceLock::from(work) }),
            stop,
            said: AtomicU64::new(0),
        }
    }

    /// Waits until it is open.
    ///
    /// # Errors
    /// When it cannot be opened, or a signal ends the wait.
    pub(crate) fn opened(self) -> io::Result<Self> {
        if let To::Reader(reader) = &self.to
            && let Some(work) = reader.work.get()
        {
            // An empty piece is done as soon as there is something to write it to.
            let handed = work.hand(&[]);
            self.wait(work, handed)?;
        }
        Ok(self)
    }

    /// Says something beside the result: waits for it only a moment, and never fails.
    pub(crate) fn say(&self, text: &[u8]) {
        self.said.fetch_add(1, Ordering::Relaxed);
        match &self.to {
            To::File(file) => drop((&*file).write_all(text)),
            To::Reader(reader) => {
                let Some((work, rest)) = reader.write_without_waiting(text) else { return };
                let is_behind = {
                    let desk = work.desk();
                    desk.done < desk.handed
                };
                let handed = work.hand(rest);
                if !is_behind {
                    let began = Instant::now();
                    // What is not written yet is written later, if at all.
                    drop(work.wait(handed, || began.elapsed() >= NEWS || self.stop.signal().is_some()));
                }
            }
        }
    }

    /// How often something was said beside the result: it may stand on the terminal that the result is drawn on.
    pub(crate) fn said(&self) -> u64 {
        self.said.load(Ordering::Relaxed)
    }

    /// What it writes to; none where that is not open yet.
    pub(crate) fn file(&self) -> Option<&File> {
        match &self.to {
            To::File(file) => Some(file),
            To::Reader(reader) => reader.file.as_deref(),
        }
    }

    /// Makes sure that it takes something, as far as that can be known without writing: a device that is full says so.
    ///
    /// # Errors
    /// When it does not.
    pub(crate) fn takes(&self) -> io::Result<()> {
        let Some(mut file) = self.file() else { return Ok(()) };
        let is_device = file.metadata().is_ok_and(|found| found.file_type().is_char_device());
        if is_device { file.write(&[]).map(drop) } else { Ok(()) }
    }

    /// Waits until what was written to a file is on its disk; what goes to a reader is on none.
    ///
    /// # Errors
    /// When it could not be written there.
    pub(crate) fn sync(&self) -> io::Result<()> {
        match self.file() {
            Some(file) if file.metadata().is_ok_and(|found| found.is_file()) => file.sync_data(),
            _ => Ok(()),
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// When it cannot be written, or a signal ends the wait.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match &self.to {
            To::File(_) => Ok(()),
            To::Reader(reader) => reader.work.get().map_or(Ok(()), |work| {
                let handed = work.desk().handed;
                self.wait(work, handed)
            }),
        }
    }

    fn wait(&self, work: &Work, handed: u64) -> io::Result<()> {
        let mut since = None;
        work.wait(handed, || {
            if self.stop.signal().is_some() {
                return since.get_or_insert_with(Instant::now).elapsed() >= GRACE;
            }
            false
        })
    }
}

/// Every piece is waited for: what fails, fails where it is written.
impl Write for &Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.to {
            To::File(file) => (&*file).write(bytes),
            To::Reader(reader) => {
                let Some((work, rest)) = reader.write_without_waiting(bytes) else { return Ok(bytes.len()) };
                let handed = work.hand(rest);
                self.wait(work, handed).map(|()| bytes.len())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        if let To::Reader(reader) = &self.to
            && let Some(work) = reader.work.get()
        {
            work.desk().closed = true;
            work.changed.notify_all();
        }
    }
}

impl Reader {
    /// Writes what the reader takes at once; returns the rest and the thread's work for it, none when all is written. Once there
    /// is a thread, it writes everything, in order.
    fn write_without_waiting<'a>(&self, mut bytes: &'a [u8]) -> Option<(&Arc<Work>, &'a [u8])> {
        if let (Some(file), None) = (&self.file, self.work.get()) {
            // Whatever goes wrong goes wrong on the thread once more.
            while let Ok(taken @ 1..) = without_waiting(file, bytes) {
                bytes = bytes.get(taken..).unwrap_or_default();
            }
            if bytes.is_empty() {
                return None;
            }
        }
        let work = self.work.get_or_init(|| {
            let file = self.file.clone().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound));
            write_on_a_thread(move || file)
        });
        Some((work, bytes))
    }
}

/// Linux can write to pipes and sockets without waiting, whatever those who share them have set.
///
/// # Errors
/// When it would have to wait, and where that cannot be told.
#[cfg(target_os = "linux")]
fn without_waiting(file: &File, bytes: &[u8]) -> io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    // Its end is where all that has no places is written.
    Ok(pwritev2(file, &[io::IoSlice::new(bytes)], u64::MAX, ReadWriteFlags::NOWAIT)?)
}

#[cfg(not(target_os = "linux"))]
fn without_waiting(_: &File, _: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

impl Work {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a piece over; returns its number.
    fn hand(&self, bytes: &[u8]) -> u64 {
        let mut desk = self.desk();
        desk.pieces.push_back(bytes.to_vec());
        desk.handed += 1;
        self.changed.notify_all();
        desk.handed
    }

    /// Waits until the piece of this number is done, or until `is_enough` says so.
    fn wait(&self, number: u64, mut is_enough: impl FnMut() -> bool) -> io::Result<()> {
        let mut desk = self.desk();
        loop {
            if let Some((kind, why)) = &desk.failed {
                return Err(io::Error::new(*kind, why.clone()));
            }
            if desk.done >= number {
                return Ok(());
            }
            if is_enough() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "interrupted before it was written"));
            }
            desk = self.changed.wait_timeout(desk, TURN).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next piece to write; none when there will be no more.
    fn next(&self) -> Option<Vec<u8>> {
        let mut desk = self.desk();
        loop {
            if let Some(piece) = desk.pieces.pop_front() {
                return Some(piece);
            }
            if desk.closed {
                return None;
            }
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn note(&self, written: io::Result<()>) {
        let mut desk = self.desk();
        desk.done += 1;
        if let Err(error) = written {
            desk.failed.get_or_insert_with(|| (error.kind(), error.to_string()));
        }
        self.changed.notify_all();
    }
}

fn write_on_a_thread(open: impl FnOnce() -> io::Result<Arc<File>> + Send + 'static) -> Arc<Work> {
    let work = Arc::new(Work { desk: Mutex::default(), changed: Condvar::new() });
    let own = Arc::clone(&work);
    let started = thread::Builder::new().stack_size(STACK).spawn(move || {
        let opened = open();
        while let Some(piece) = own.next() {
            let written = match &opened {
                Ok(file) => (&**file).write_all(&piece),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            own.note(written);
        }
    });
    if let Err(error) = started {
        work.note(Err(error));
    }
    work
}

/// Whether it is `/dev/null`, which takes everything at once: device 1:3 on Linux; elsewhere it is written on a thread.
fn is_null(found: &std::fs::Metadata) -> bool {
    found.file_type().is_char_device() && found.rdev() == 0x103
}
