//! The real PgBouncer in front of a test server.

use super::{Cluster, Session, SessionError, wait_until, with_free_port};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Ends the program when its standard input closes, however the tests end.
const KEEPER: &str = r#""$@" </dev/null & read -r _; kill -KILL "$!"; wait"#;

/// A running PgBouncer; its socket lies in the server's folder. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct PgBouncer {
    /// The folder of its socket.
    pub(crate) dir: PathBuf,
    /// Its port on 127.0.0.1, also in the socket's name.
    pub(crate) port: u16,
    keeper: Option<Child>,
}

impl PgBouncer {
    /// In front of `cluster`, every database passed on, without passwords; `users` may log in besides the superuser, who is
    /// also its administrator. `settings` are lines of `[pgbouncer]` (`&[("pool_mode", "transaction")]`).
    pub(crate) fn start(cluster: &Cluster, users: &[&str], settings: &[(&str, &str)]) -> Self {
        with_free_port(|port| Self::start_on(port, cluster, users, settings))
    }

    /// None when the port is taken.
    fn start_on(port: u16, cluster: &Cluster, users: &[&str], settings: &[(&str, &str)]) -> Option<Self> {
        let (host, dir) = (cluster.host(), &cluster.dir);
        let file = |name: &str| file(dir, port, name);
        let names: String =
            users.iter().chain(&["postgres"]).map(|user| format!("\"{user}\" \"\"\n")).collect();
        fs::write(file("users"), names).unwrap();
        let mut ini = format!(
            "[databases]\n* = host={host} port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir = {host}\nauth_type = trust\nauth_file = {}\nadmin_users = postgres\nlogfile = {}\n",
            cluster.port,
            file("users").display(),
            file("log").display(),
        );
        ini.extend(settings.iter().map(|(name, value)| format!("{name} = {value}\n")));
        fs::write(file("ini"), ini).unwrap();
        let mut pooler = Self { dir: dir.clone(), port, keeper: None };
        pooler.launch();
        // it goes on with its socket alone, before it says that it is up
        (!pooler.log().contains("cannot listen on")).then_some(pooler)
    }

    /// Ends it at once; [`PgBouncer::launch`] starts it again.
    pub(crate) fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }

    /// Starts it and waits until it is up: on its socket at least, its port may be another program's by then.
    pub(crate) fn launch(&mut self) {
        let _ = fs::remove_file(self.file("log"));
        let owner = fs::metadata(&self.dir).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(program()).arg("-q").arg(self.file("ini"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir(&self.dir);
        if owner.uid() != fs::metadata("/proc/self").unwrap().uid() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        self.keeper = Some(command.process_group(0).spawn().unwrap());
        wait_until("PgBouncer listens", || {
            let log = self.log();
            assert!(!log.contains("FATAL"), "{log}");
            // the socket's file is there a moment before anybody listens on it
            log.contains("process up")
        });
    }

    fn file(&self, name: &str) -> PathBuf {
        file(&self.dir, self.port, name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("log")).unwrap_or_default()
    }

    /// A session through it.
    pub(crate) fn connect(&self, parameters: &[(&str, &str)]) -> Result<Session, SessionError> {
        Session::open(&self.dir, self.port, parameters)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One of its own files.
fn file(folder: &Path, port: u16, name: &str) -> PathBuf {
    folder.join(format!("pgbouncer-{port}.{name}"))
}

/// `PGCONN_PGBOUNCER` names another build; Debian installs it where an ordinary user's `PATH` does not look.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("PGCONN_PGBOUNCER") {
        return named.into();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders =
        std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join("pgbouncer")).find(|program| program.is_file());
    found.expect("the tests need PgBouncer: run ./dev test, which finds or installs it")
}
