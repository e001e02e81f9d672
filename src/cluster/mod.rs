//! Throwaway PostgreSQL servers: finds the binaries, makes a cluster in a private folder, starts it, and leaves nothing behind.
//!
//! Standard library only, and nothing from the rest of the crate: the tests include this same file by path. Each server is kept
//! by a small shell (`keeper.sh`) that ends it and removes its folder as soon as its standard input closes. So nothing
//! remains after a panic or SIGKILL either, and nobody has to be trusted to clean up.

pub(crate) mod session;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use session::{Session, SessionError};

/// The file in the server's folder that has its password for libpq (`passfile`), when it has one; mode 0600, of the user who
/// started the server.
pub(crate) const PASSWORD_FILE: &str = "pgpass";

/// How long initdb or the start of a server may take; a machine that is slower is stuck.
const STEP_LIMIT: Duration = Duration::from_secs(60);

/// Ports are chosen by asking for a free one and letting go of it, so another program can be faster: how often to try again.
const PORT_ATTEMPTS: u32 = 5;

/// How many names of folders to try: another user may have taken the first ones, or a program that was killed.
const FOLDER_ATTEMPTS: usize = 100;

/// What is not needed to survive a power cut is switched off; everything listens only here.
const SERVER_CONF: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_permissions = 0700
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 16MB
max_wal_size = 64MB
log_destination = stderr
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
";

/// What the server should be like.
#[derive(Clone, Default)]
pub(crate) struct ClusterConfig {
    /// Lines for postgresql.conf, as name and value; later ones win.
    pub(crate) parameters: Vec<(String, String)>,
    /// Further files for the data directory (`pg_hba.conf`, `server.key`, `standby.signal`), as name and content; mode 0600.
    pub(crate) files: Vec<(String, String)>,
    /// A data directory to copy instead of running initdb. It must belong to a stopped server of the same major.
    pub(crate) template: Option<PathBuf>,
    /// The password of the superuser, without `:` and `\`; with a template it is the template's. Without one nobody gets in
    /// through 127.0.0.1, unless a `pg_hba.conf` says otherwise.
    pub(crate) password: Option<String>,
}

/// Why there is no server.
#[derive(Debug)]
pub(crate) enum Error {
    /// No server binaries, and where they were looked for.
    NoBinaries(Vec<PathBuf>),
    /// A step failed; what the program said.
    Failed(&'static str, String),
    /// Nobody wants it any more.
    Unwanted,
    /// The operating system refused something.
    Io(&'static str, io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBinaries(looked) => {
                write!(f, "no PostgreSQL server binaries (postgres, initdb) in")?;
                looked.iter().try_for_each(|folder| write!(f, " {}", folder.display()))
            }
            Self::Failed(step, said) => write!(f, "{step} failed: {}", said.trim()),
            Self::Unwanted => f.write_str("given up"),
            Self::Io(step, error) => write!(f, "{step}: {error}"),
        }
    }
}

impl std::error::Error for Error {}

/// A PostgreSQL server of one's own, superuser and database `postgres`. Whoever can enter its folder needs no password; the
/// rest of the machine, which reaches its port, does. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The private folder: socket, `data`, `log`.
    pub(crate) dir: PathBuf,
    /// The port on 127.0.0.1, also in the socket's name.
    pub(crate) port: u16,
    keeper: Child,
    orders: Option<ChildStdin>,
}

impl Cluster {
    /// A running server that accepts connections. `binaries` is the folder of `postgres` and `initdb`. It is given up as soon as
    /// `wanted` says no.
    ///
    /// Errors when the folder cannot be made, initdb fails, the server ends or does not answer, or is not wanted any more.
    pub(crate) fn start(
        binaries: &Path,
        settings: &ClusterConfig,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            let mut cluster = Self::prepare(binaries, settings, wanted)?;
            match cluster.launch(wanted) {
                Err(Error::Failed(_, said)) if said.contains("TCP/IP") && attempt < PORT_ATTEMPTS => {
                    attempt += 1;
                }
                Err(error) => return Err(error),
                Ok(()) => return Ok(cluster),
            }
        }
    }

    /// Makes a cluster and does not start it: a template, or something to start later with [`Cluster::launch`].
    pub(crate) fn prepare(
        binaries: &Path,
        settings: &ClusterConfig,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let dir = private_folder()?;
        let cluster = match Self::spawn(&dir, binaries, settings) {
            Ok(cluster) => cluster,
            Err(error) => {
                let _ = fs::remove_dir_all(&dir);
                return Err(error);
            }
        };
        cluster.wait("initdb", "failed", wanted, || dir.join("prepared").exists())?;
        Ok(cluster)
    }

    /// The keeper, at work on the data directory.
    fn spawn(dir: &Path, binaries: &Path, settings: &ClusterConfig) -> Result<Self, Error> {
        let port = free_port().map_err(|error| Error::Io("looking for a free port", error))?;
        write_files(dir, port, settings)
            .map_err(|error| Error::Io("writing the server's settings", error))?;
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("keeper.sh"), "keeper"]).arg(dir).arg(binaries);
        command.arg(settings.template.as_deref().unwrap_or(Path::new("")));
        command.env_clear().env("LC_ALL", "C").env("PATH", path_with_system_folders());
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // its own process group, so that a Ctrl-C meant for us does not reach the server before we decide
        command.current_dir("/").process_group(0);
        give_away(dir, &mut command)?;
        let mut keeper = command.spawn().map_err(|error| Error::Io("starting sh", error))?;
        let orders = keeper.stdin.take();
        Ok(Self { dir: dir.to_owned(), port, keeper, orders })
    }

    /// Starts a prepared or stopped server and waits until it accepts connections.
    ///
    /// Errors with the server's log when it ends instead, or does not accept in time.
    pub(crate) fn launch(&mut self, wanted: &dyn Fn() -> bool) -> Result<(), Error> {
        self.order("start")?;
        let status_file = self.dir.join("data/postmaster.pid");
        self.wait("starting postgres", "ended", wanted, || accepts_connections(&status_file))
    }

    /// Tells the keeper: `start`, `stop` (fast: sessions are ended).
    pub(crate) fn order(&mut self, order: &str) -> Result<(), Error> {
        let sent = self.orders.as_mut().map(|pipe| pipe.write_all(format!("{order}\n").as_bytes()));
        sent.unwrap_or(Ok(())).map_err(|error| Error::Io("speaking to the server's keeper", error))
    }

    /// Polls until `reached`; a file named `failure` means that it never will be.
    fn wait(
        &self,
        step: &'static str,
        failure: &str,
        wanted: &dyn Fn() -> bool,
        reached: impl Fn() -> bool,
    ) -> Result<(), Error> {
        let began = Instant::now();
        while !reached() {
            if !wanted() {
                return Err(Error::Unwanted);
            }
            if self.dir.join(failure).exists() || began.elapsed() > STEP_LIMIT {
                let said = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
                return Err(Error::Failed(step, said));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.orders = None;
        let _ = self.keeper.wait();
        // only when somebody killed the keeper is there still something to remove
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The folder with `postgres` and `initdb`, from the first place that has both: `PGCONN_PG_BINDIR` (which excludes all others),
/// `PATH`, `pg_config --bindir`, the usual folders of Debian, Red Hat, Homebrew and Postgres.app, the cache of prebuilt
/// binaries. Where several majors lie side by side, the newest.
///
/// Errors with the places that were searched.
pub(crate) fn find_binaries() -> Result<PathBuf, Error> {
    if let Some(chosen) = std::env::var_os("PGCONN_PG_BINDIR") {
        let chosen = PathBuf::from(chosen);
        return if has_binaries(&chosen) { Ok(chosen) } else { Err(Error::NoBinaries(vec![chosen])) };
    }
    let path = path_with_system_folders();
    // each step only when the one before found nothing: pg_config alone takes longer than starting a server
    let places = std::env::split_paths(&path)
        .chain(
            std::iter::once_with(|| first_line(Command::new("pg_config").arg("--bindir")))
                .flatten()
                .map(PathBuf::from),
        )
        .chain(std::iter::once_with(usual_folders).flatten());
    let mut looked = Vec::new();
    for folder in places {
        if has_binaries(&folder) {
            return Ok(folder);
        }
        looked.push(folder);
    }
    Err(Error::NoBinaries(looked))
}

/// The folders of binaries in the places where each child is one installation, the newest major of a place first.
fn usual_folders() -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = [
        "/usr/lib/postgresql",
        "/usr",
        "/opt/homebrew/opt",
        "/usr/local/opt",
        "/Applications/Postgres.app/Contents/Versions",
        "/var/cache/pgconn",
    ]
    .map(PathBuf::from)
    .into();
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    places.extend(
        std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home).map(|cache| cache.join("pgconn")),
    );
    let mut folders = Vec::new();
    for place in places {
        let children = fs::read_dir(place).into_iter().flatten().flatten().map(|child| child.path());
        let mut installations: Vec<PathBuf> =
            children.filter(|child| is_installation(child)).map(|child| child.join("bin")).collect();
        installations.sort_by_key(|folder| std::cmp::Reverse(major_in(folder)));
        folders.extend(installations);
    }
    folders
}

/// Whether a folder is named `15`, `pgsql-16`, `postgresql@17` or the like.
fn is_installation(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.contains("pgsql")
        || name.contains("postgresql")
        || name.chars().all(|digit| digit.is_ascii_digit() || digit == '.')
}

/// The number in a folder's name such as `pgsql-16`, `postgresql@17`, `15`; 0 without one.
fn major_in(path: &Path) -> u32 {
    let name = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let digits: String = name.unwrap_or_default().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

fn has_binaries(folder: &Path) -> bool {
    folder.join("postgres").is_file() && folder.join("initdb").is_file()
}

/// `PATH` and where system programs live that an ordinary user's `PATH` may lack.
fn path_with_system_folders() -> OsString {
    let mut folders: Vec<PathBuf> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
    let system = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let missing: Vec<PathBuf> = system.into_iter().filter(|folder| !folders.contains(folder)).collect();
    folders.extend(missing);
    std::env::join_paths(folders).unwrap_or_else(|_| OsString::from("/usr/bin:/bin"))
}

fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().filter(|_| output.status.success()).map(str::to_owned)
}

/// A new folder that only its owner can enter, in memory where there is room: a cluster needs 40 MB and more. Short, because
/// the path of a socket may have no more than 103 bytes everywhere.
fn private_folder() -> Result<PathBuf, Error> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let temporary = std::env::temp_dir();
    let memory = PathBuf::from("/dev/shm");
    let mut last = None;
    for parent in [memory, temporary, PathBuf::from("/tmp")] {
        if parent.as_os_str().len() > 60 || !has_room(&parent) {
            continue;
        }
        let numbers = std::iter::repeat_with(|| COUNT.fetch_add(1, Ordering::Relaxed));
        match folder_in(&parent, numbers.take(FOLDER_ATTEMPTS)) {
            Ok(dir) => return Ok(dir),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| io::Error::other("no folder with 512 MB free; set TMPDIR"));
    Err(Error::Io("making a private folder", error))
}

/// The folder with the first of these numbers that is free. Whatever lies there already, be it a link, is somebody else's.
fn folder_in(parent: &Path, numbers: impl Iterator<Item = u32>) -> io::Result<PathBuf> {
    let mut taken = io::ErrorKind::AlreadyExists.into();
    for number in numbers {
        let dir = parent.join(format!("pgconn-{}-{number}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

/// Whether the file system has half a gigabyte free; containers often give `/dev/shm` only 64 MB.
fn has_room(folder: &Path) -> bool {
    let report = Command::new("df").arg("-Pk").arg(folder).stderr(Stdio::null()).output();
    let report =
        report.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = report.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    free.is_some_and(|kilobytes| kilobytes > 512 * 1024)
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

fn write_files(dir: &Path, port: u16, settings: &ClusterConfig) -> io::Result<()> {
    let mut conf = format!("{SERVER_CONF}port = {port}\nunix_socket_directories = '{}'\n", dir.display());
    for (name, value) in &settings.parameters {
        conf.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
    }
    write_private(&dir.join("server.conf"), &conf)?;
    if let Some(password) = settings.password.as_ref().filter(|_| settings.template.is_none()) {
        write_private(&dir.join("password"), &format!("{password}\n"))?;
        let lines = ["127.0.0.1", "localhost"].map(|host| format!("{host}:{port}:*:*:{password}\n"));
        write_private(&dir.join(PASSWORD_FILE), &lines.concat())?;
    }
    fs::create_dir(dir.join("files"))?;
    settings
        .files
        .iter()
        .try_for_each(|(name, content)| write_private(&dir.join("files").join(name), content))
}

fn write_private(path: &Path, content: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content.as_bytes())
}

/// PostgreSQL refuses to run as root: then the folder and the keeper become those of `postgres`, or else of `nobody`.
fn give_away(dir: &Path, command: &mut Command) -> Result<(), Error> {
    let refused = |error| Error::Io("giving the server's folder to another user", error);
    if fs::metadata(dir).map_err(refused)?.uid() != 0 {
        return Ok(());
    }
    let id = |what: &str, user: &str| first_line(Command::new("id").arg(what).arg(user))?.parse::<u32>().ok();
    let user = ["postgres", "_postgres", "nobody"]
        .into_iter()
        .find_map(|user| Some((id("-u", user)?, id("-g", user)?)));
    let Some((uid, gid)) = user else {
        return Err(Error::Failed("dropping root", "there is neither a user postgres nor nobody".to_owned()));
    };
    let files = fs::read_dir(dir.join("files")).map_err(refused)?;
    let mut theirs: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
    theirs.extend(["files", "server.conf", "password"].map(|name| dir.join(name)));
    theirs.retain(|path| path.exists());
    // last, since its owner can put a link in the place of a file that root is about to give away
    theirs.push(dir.to_owned());
    theirs.iter().try_for_each(|path| chown(path, Some(uid), Some(gid))).map_err(refused)?;
    command.uid(uid).gid(gid);
    Ok(())
}

/// Whether the server has written that it accepts connections: the eighth line of its `postmaster.pid`.
fn accepts_connections(status_file: &Path) -> bool {
    let content = fs::read_to_string(status_file).unwrap_or_default();
    content.lines().nth(7).is_some_and(|status| matches!(status.trim(), "ready" | "standby"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_new_and_closed_whatever_others_have_put_in_its_place() {
        let parent = std::env::temp_dir().join(format!("pgconn-folders-{}", std::process::id()));
        let path = |number: u32| parent.join(format!("pgconn-{}-{number}", std::process::id()));
        let open = |path: &Path| fs::DirBuilder::new().mode(0o777).create(path).expect("a folder");
        open(&parent);
        open(&path(0));
        std::os::unix::fs::symlink(&parent, path(1)).expect("a link");
        std::os::unix::fs::symlink("/nonexistent", path(2)).expect("a link");
        let (made, taken) = (folder_in(&parent, 0..5), folder_in(&parent, 0..3));
        let found = fs::symlink_metadata(path(3));
        fs::remove_dir_all(&parent).expect("all is ours");
        assert_eq!(made.expect("a folder"), path(3));
        assert_eq!(taken.expect_err("nothing is left").kind(), io::ErrorKind::AlreadyExists);
        let found = found.expect("it is there");
        assert!(found.is_dir() && found.mode() & 0o777 == 0o700, "{found:?}");
    }

    #[test]
    fn the_major_of_an_installation_is_in_the_name_of_its_folder() {
        for (folder, major) in [
            ("/usr/lib/postgresql/9/bin", 9),
            ("/usr/lib/postgresql/15/bin", 15),
            ("/usr/pgsql-16/bin", 16),
            ("/opt/homebrew/opt/postgresql@17/bin", 17),
            ("/var/cache/pgconn/postgresql-18/bin", 18),
            ("/usr/share/bin", 0),
        ] {
            assert_eq!(major_in(Path::new(folder)), major, "{folder}");
        }
    }
}
