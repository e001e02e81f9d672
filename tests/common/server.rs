//! Servers for tests: copies of one template, made once per run; and sessions of them in every state.

use super::throwaway::session::Rows;
use super::throwaway::{Cluster, ClusterConfig, Error, Session, SessionError, find_binaries};
use super::wait_until;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A running server with these lines in postgresql.conf (`&[("max_connections", "10")]`).
pub(crate) fn with(parameters: &[(&str, &str)]) -> Cluster {
    with_files(parameters, &[])
}

/// The same with further files in its data directory (`&[("pg_hba.conf", "…")]`, `&[("standby.signal", "")]`).
pub(crate) fn with_files(parameters: &[(&str, &str)], files: &[(&str, &str)]) -> Cluster {
    start(parameters, files).unwrap_or_else(|error| panic!("{error}"))
}

/// The same as a result.
pub(crate) fn start(parameters: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Cluster, Error> {
    Cluster::start(&binaries(), &settings(parameters, files), &|| true)
}

/// A server that is not started: for those who start it themselves, and differently.
pub(crate) fn prepared(parameters: &[(&str, &str)], files: &[(&str, &str)]) -> Cluster {
    let prepared = Cluster::prepare(&binaries(), &settings(parameters, files), &|| true);
    prepared.unwrap_or_else(|error| panic!("{error}"))
}

/// A server that never comes so far as to accept connections; it listens.
pub(crate) fn unready(parameters: &[(&str, &str)], files: &[(&str, &str)]) -> Cluster {
    let mut server = prepared(parameters, files);
    server.order("start").unwrap();
    wait_until("it listens", || server.dir.join(format!(".s.PGSQL.{}", server.port)).exists());
    server
}

fn settings(parameters: &[(&str, &str)], files: &[(&str, &str)]) -> ClusterConfig {
    let own =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let template = Some(template().dir.join("data"));
    ClusterConfig { parameters: own(parameters), files: own(files), template, password: None }
}

/// A hot standby that streams from `primary`: the same data from before it was first started, which all servers of
/// [`with`] begin with.
pub(crate) fn standby_of(primary: &Cluster) -> Cluster {
    let source =
        format!("host={} port={} user=postgres application_name=standby", primary.host(), primary.port);
    let standby =
        with_files(&[("primary_conninfo", &source), ("hot_standby", "on")], &[("standby.signal", "")]);
    primary.wait_until("exists (select from pg_stat_replication where state = 'streaming')");
    standby
}

/// A primary, its standby, and who reads the table `orders` there, so that a change of that table cannot be replayed; who asks for the
/// table there waits behind the replay.
pub(crate) fn standby_held_up() -> (Cluster, Cluster, Session) {
    let primary = with(&[("wal_level", "replica"), ("max_wal_senders", "3")]);
    primary.query("create table orders ()");
    let standby = standby_of(&primary);
    standby.query("alter system set max_standby_streaming_delay = '1h'");
    standby.query("select pg_reload_conf()");
    standby.wait_until("current_setting('max_standby_streaming_delay') = '1h'");
    standby.wait_until("to_regclass('orders') is not null");
    let reader = standby.idle_in_transaction(&[("application_name", "reader")], "select from orders");
    primary.query("alter table orders add n int");
    standby.wait_until(
        "exists (select from pg_stat_activity where backend_type = 'startup' and wait_event_type = 'Lock')",
    );
    (primary, standby, reader)
}

/// One server for all tests that neither change it nor count its sessions.
pub(crate) fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| with(&[("max_connections", "200")]))
}

/// The folder of the server binaries under test.
pub(crate) fn binaries() -> PathBuf {
    find_binaries().unwrap_or_else(|error| {
        panic!("{error}\nthe tests need PostgreSQL's server programs: run ./dev test, which finds or installs them")
    })
}

/// Who gets into a server of the tests: everybody on this machine, while it runs. Tests say with files of their own what they
/// want to be asked for.
const OPEN: &str = "\
local all all trust
local replication all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
host replication all 127.0.0.1/32 trust
host replication all ::1/128 trust
";

/// A static is never dropped; its keeper removes it when this process ends.
fn template() -> &'static Cluster {
    static TEMPLATE: OnceLock<Cluster> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let files = vec![("pg_hba.conf".to_owned(), OPEN.to_owned())];
        let settings = ClusterConfig { files, ..ClusterConfig::default() };
        Cluster::prepare(&binaries(), &settings, &|| true).unwrap_or_else(|error| panic!("{error}"))
    })
}

/// A new folder for what is made once per run; it goes with the template's, however the tests end.
pub(crate) fn kept_folder(name: &str) -> PathBuf {
    let folder = template().dir.join(name);
    std::fs::create_dir(&folder).unwrap();
    // the keeper, which removes it, is another user than root
    let owner = std::fs::metadata(&template().dir).unwrap();
    std::os::unix::fs::chown(&folder, Some(owner.uid()), Some(owner.gid())).unwrap();
    folder
}

/// What tests do with a server.
impl Cluster {
    /// The folder of its socket, as a host name.
    pub(crate) fn host(&self) -> &str {
        self.dir.to_str().unwrap()
    }

    /// Its major version.
    pub(crate) fn major(&self) -> u32 {
        self.value("show server_version_num").parse::<u32>().unwrap() / 10_000
    }

    /// Stops it (fast: sessions are ended) and returns when it is gone; `launch` starts it again with its data.
    pub(crate) fn stop(&mut self) {
        self.order("stop").unwrap();
        wait_until("the server is gone", || self.dir.join("stopped").exists());
    }

    /// A session of the superuser in database `postgres`, application_name `test`.
    pub(crate) fn session(&self) -> Session {
        self.connect(&[]).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// A session with startup parameters of its own, instead of these defaults (`user`, `database`, `application_name`, `options`, `replication`).
    pub(crate) fn connect(&self, parameters: &[(&str, &str)]) -> Result<Session, SessionError> {
        let named = parameters.iter().any(|(name, _)| *name == "application_name");
        let name = [("application_name", "test")];
        let name = if named { &[][..] } else { &name };
        Session::open(&self.dir, self.port, &[name, parameters].concat())
    }

    /// The rows of a query. Its session is gone from the server when this returns.
    pub(crate) fn query(&self, sql: &str) -> Rows {
        self.session().query(sql)
    }

    /// The one value of a query.
    pub(crate) fn value(&self, sql: &str) -> String {
        let rows = self.query(sql);
        let value = rows.first().and_then(|row| row.first()).cloned().flatten();
        value.unwrap_or_else(|| panic!("no value: {sql}"))
    }

    /// Waits until a query's one value is true.
    pub(crate) fn wait_until(&self, condition: &str) {
        let mut session = self.session();
        wait_until(condition, || session.query(&format!("select {condition}"))[0][0].as_deref() == Some("t"));
    }

    /// Waits until the session with this pid is shown in this state.
    pub(crate) fn wait_for_state(&self, pid: i32, state: &str) {
        self.wait_until(&format!(
            "exists (select from pg_stat_activity where pid = {pid} and state = '{state}')"
        ));
    }

    /// Waits until the session with this pid waits for a lock.
    pub(crate) fn wait_for_lock_wait(&self, pid: i32) {
        self.wait_until(&format!(
            "exists (select from pg_stat_activity where pid = {pid} and wait_event_type = 'Lock')"
        ));
    }

    /// A session that runs `pg_sleep` until it is ended.
    pub(crate) fn active(&self, parameters: &[(&str, &str)]) -> Session {
        let mut session = self.connect(parameters).unwrap();
        session.send("select pg_sleep(3600)");
        self.wait_for_state(session.pid, "active");
        session
    }

    /// A session that stays in a transaction after `sql`.
    pub(crate) fn idle_in_transaction(&self, parameters: &[(&str, &str)], sql: &str) -> Session {
        let mut session = self.connect(parameters).unwrap();
        session.query("begin");
        session.query(sql);
        session
    }

    /// A session in a failed transaction.
    pub(crate) fn aborted(&self, parameters: &[(&str, &str)]) -> Session {
        let mut session = self.connect(parameters).unwrap();
        session.query("begin");
        session.run("select 1 / 0").unwrap_err();
        session
    }

    /// A session inside a fast-path function call.
    pub(crate) fn fastpath(&self, parameters: &[(&str, &str)]) -> Session {
        let mut session = self.connect(parameters).unwrap();
        let oid = session.query("select 'pg_sleep'::regproc::oid")[0][0].clone().unwrap();
        session.call_function(oid.parse().unwrap(), "3600");
        self.wait_for_state(session.pid, "fastpath function call");
        session
    }

    /// A session whose activity is not tracked.
    pub(crate) fn untracked(&self, parameters: &[(&str, &str)]) -> Session {
        let mut session = self.connect(parameters).unwrap();
        session.query("set track_activities = off");
        session
    }

    /// A walsender that streams (`replication` and `user` are set here).
    pub(crate) fn walsender(&self) -> Session {
        let mut session = self.connect(&[("replication", "true"), ("application_name", "standby")]).unwrap();
        let position = session.query("IDENTIFY_SYSTEM")[0][2].clone().unwrap();
        session.send(&format!("START_REPLICATION {position}"));
        self.wait_for_state(session.pid, "active");
        session
    }

    /// A session that waits for a lock which `holder` took with `lock table` or the like; `sql` is what waits.
    pub(crate) fn waiting(&self, parameters: &[(&str, &str)], sql: &str) -> Session {
        let mut session = self.connect(parameters).unwrap();
        session.send(sql);
        self.wait_for_lock_wait(session.pid);
        session
    }
}

/// What tests do with a session.
impl Session {
    /// Logs in through 127.0.0.1 as through the socket, to a server that asks for no password.
    pub(crate) fn open_tcp(port: u16, parameters: &[(&str, &str)]) -> Result<Self, SessionError> {
        Self::open_over_tcp(port, parameters, &mut |_| Err("it asks for a password".to_owned()))
    }

    /// The rows of a query; panics on an error.
    pub(crate) fn query(&mut self, sql: &str) -> Rows {
        self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Sends a fast-path call of a function with one argument, given and returned as text, and does not wait.
    pub(crate) fn call_function(&mut self, oid: u32, argument: &str) {
        let length = u32::try_from(argument.len()).unwrap().to_be_bytes();
        let body = [&oid.to_be_bytes()[..], &[0, 0, 0, 1], &length, argument.as_bytes(), &[0, 0]].concat();
        self.message(b'F', &body);
    }

    /// Sends a query whose text need not be UTF-8, and does not wait.
    pub(crate) fn send_bytes(&mut self, sql: &[u8]) {
        self.message(b'Q', &[sql, b"\0"].concat());
    }

    /// Whether the server has ended this session; waits for it.
    pub(crate) fn is_ended(&mut self) -> bool {
        loop {
            match self.read() {
                Ok(_) => {}
                Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
            }
        }
    }

    /// Closes the connection as a client does that crashed: the server is not told.
    pub(crate) fn vanish(mut self) {
        // a message that has no answer leaves it busy
        self.message(b'H', &[]);
    }
}
