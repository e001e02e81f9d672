//! The process's environment and the machine's files: the only part of conninfo that is not pure.

use super::bytes::text_of;
use super::keyword::KEYWORDS;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Where server sockets are looked for when no host is given, in this order.
const SOCKET_DIRECTORIES: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// Where a service file is looked for when PGSYSCONFDIR is not set: Debian's place, then upstream's.
const SYSTEM_DIRECTORIES: [&str; 3] =
    ["/etc/postgresql-common", "/usr/local/pgsql/etc", "/etc/sysconfig/pgsql"];

/// The variables that supply no keyword.
const OTHER_VARIABLES: [&str; 6] =
    ["PGSYSCONFDIR", "PGREQUIRESSL", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCONN_PASSWORD_COMMAND"];

/// The variables that mean something here, each once.
fn known_variables() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter_map(|keyword| keyword.variable).chain(OTHER_VARIABLES)
}

/// A snapshot of what the process inherited. Values may hold secrets, so `Debug` shows names only.
#[derive(Clone, Default)]
pub(crate) struct Environment {
    /// The variables that mean something here, as far as they are set.
    pub(crate) variables: BTreeMap<String, String>,
    /// The home directory: HOME, else the password database's.
    pub(crate) home: Option<PathBuf>,
    /// Looks up the name of the effective user, as libpq takes it; not USER. Only for runs that name no role: it reads
    /// the password database.
    pub(crate) user_name: Option<fn() -> Option<String>>,
    /// Where sockets are looked for when no host is given.
    pub(crate) socket_directories: Vec<PathBuf>,
    /// Where the system's service file is when PGSYSCONFDIR is not set.
    pub(crate) system_directories: Vec<PathBuf>,
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys())
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

impl Environment {
    /// The snapshot of this process.
    pub(crate) fn of_process() -> Self {
        // By their names: a copy of a whole environment is more work than all of them.
        let variables = known_variables()
            .filter_map(|name| Some((name.to_owned(), text_of(std::env::var_os(name)?.as_bytes()))))
            .collect();
        Self {
            variables,
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            user_name: Some(|| whoami::username().ok()),
            socket_directories: SOCKET_DIRECTORIES.iter().map(PathBuf::from).collect(),
            system_directories: SYSTEM_DIRECTORIES.iter().map(PathBuf::from).collect(),
        }
    }

    /// The variable's value; an empty one is a value.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        debug_assert!(known_variables().any(|known| known == name), "{name} is not read");
        self.variables.get(name).map(String::as_str)
    }

    /// `~/name`, when there is a home directory.
    pub(crate) fn in_home(&self, name: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(name))
    }

    /// The socket directory to use when no host is given: the first that holds a socket for `port`, else the
    /// first that exists.
    pub(crate) fn socket_directory(&self, port: u16) -> PathBuf {
        let is_socket = |directory: &&PathBuf| {
            let socket = directory.join(format!(".s.PGSQL.{port}"));
            std::fs::metadata(socket).is_ok_and(|found| found.file_type().is_socket())
        };
        let exists = |directory: &&PathBuf| directory.is_dir();
        let mut candidates = self.socket_directories.iter();
        let found = candidates.clone().find(is_socket).or_else(|| candidates.find(exists));
        found.cloned().unwrap_or_else(|| PathBuf::from("/tmp"))
    }
}

/// Makes sure that what is read ends: a pipe that nobody writes into is waited for without bound. What this program was given open,
/// by a shell's `<(…)`, is read.
///
/// # Errors
/// When it is there, and neither a regular file nor `/dev/null`; what is not there is for the reader to say.
pub(crate) fn refuse_endless(path: &Path) -> io::Result<()> {
    let is_given = ["/dev/fd", "/dev/stdin", "/proc/self/fd"].iter().any(|given| path.starts_with(given));
    match std::fs::metadata(path) {
        Ok(found) if !(found.is_file() || found.is_dir() || is_given || path == Path::new("/dev/null")) => {
            Err(io::Error::other("it is no regular file"))
        }
        _ => Ok(()),
    }
}

/// A file's bytes; a missing file is `None`.
pub(super) fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    refuse_endless(path)?;
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a look at the password file found.
pub(super) enum PasswordFile {
    /// Its bytes.
    Readable(Vec<u8>),
    /// There is none, or it cannot be opened; libpq says nothing about it.
    Absent,
    /// It is ignored, and this is why.
    Ignored(String),
}

/// Reads the password file under libpq's rules: a regular file that only its owner can use.
pub(super) fn read_password_file(path: &Path) -> PasswordFile {
    let Ok(found) = std::fs::metadata(path) else { return PasswordFile::Absent };
    let shown = path.display();
    // The way to say "no password file", which deserves no warning.
    if path == Path::new("/dev/null") {
        return PasswordFile::Absent;
    }
    if !found.is_file() {
        return PasswordFile::Ignored(format!("password file \"{shown}\" is not a plain file"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        return PasswordFile::Ignored(format!(
            "password file \"{shown}\" has group or world access; permissions should be u=rw (0600) or less"
        ));
    }
    std::fs::read(path).map_or(PasswordFile::Absent, PasswordFile::Readable)
}
