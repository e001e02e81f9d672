//! `drain`: the way back leads to the server that was closed, and to no other.

use super::{closable, server};
use crate::common::{Cluster, Pgconn, Running, binaries, wait_for, wait_until};
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::process::Command;

/// A drain that knows both servers by name and has closed the database on the first.
fn held(first: &Cluster, second: &Cluster, fence: &str) -> Running {
    let hosts = format!("{},{}", first.host(), second.host());
    let ports = format!("{},{}", first.port, second.port);
    let arguments = ["drain", "--db", "shop", "--fence", fence, "--for", "1h", "-h", &hosts, "-p", &ports];
    let before = closable(first);
    let run = Pgconn::new(&arguments).env("PGUSER", "postgres").env("PGDATABASE", "postgres").spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    assert_ne!(closable(first), before);
    run
}

/// The second server has a database of the same name with the same oid, which is somebody else's.
#[test]
fn with_several_hosts_no_other_server_is_altered() {
    let (mut first, second) = (server(), server());
    let oid = |cluster: &Cluster| cluster.value("select oid from pg_database where datname = 'shop'");
    assert_eq!(oid(&first), oid(&second));
    let before = closable(&first);
    second.query("alter database shop connection limit 3 allow_connections false; revoke connect on database shop from web");
    let others = closable(&second);
    for fence in ["limit", "revoke", "hard"] {
        let run = held(&first, &second, fence);
        first.stop();
        run.signal(Signal::SIGTERM);
        turn_somebody_away(&first);
        first.launch(&|| true).unwrap();
        let outcome = run.finish().fails_with(143);
        assert!(outcome.stdout.contains("open as before"), "{outcome}");
        assert_eq!((closable(&first), closable(&second)), (before.clone(), others.clone()), "{fence}");
    }
}

/// Waits at the socket of a stopped server until somebody comes, and sends him on.
fn turn_somebody_away(cluster: &Cluster) {
    let path = cluster.dir.join(format!(".s.PGSQL.{}", cluster.port));
    let listener = UnixListener::bind(&path).unwrap();
    listener.set_nonblocking(true).unwrap();
    // The server's user is another one than that of the tests when they run as root.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).unwrap();
    drop(wait_for("it comes back to where it was", || listener.accept().ok()));
    fs::remove_file(&path).unwrap();
}

/// Another cluster has taken the place of the first: what is there is not what was closed.
#[test]
fn a_server_that_took_its_place_is_left_alone() {
    let (mut first, second) = (server(), server());
    let data = first.dir.join("data");
    let fence = "limit";
    let run = held(&first, &second, fence);
    first.stop();
    fs::rename(&data, first.dir.join("closed")).unwrap();
    replace(&first);
    first.launch(&|| true).unwrap();
    super::make(&first);
    first.query("alter database shop connection limit 3");
    let theirs = closable(&first);
    run.signal(Signal::SIGINT);
    let outcome = run.finish().fails_with(1);
    let said = "the database was left closed: another server answers at ";
    assert!(outcome.stderr.contains(said), "{outcome}");
    assert!(
        outcome.stderr.contains("hint: open it by hand: ALTER DATABASE \"shop\" CONNECTION LIMIT 7;"),
        "{outcome}"
    );
    assert_eq!(closable(&first), theirs);
}

/// Puts a new cluster where the data of this one was.
fn replace(cluster: &Cluster) {
    let dir = cluster.host();
    let make = format!(
        "'{}'/initdb -D {dir}/data -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null && \
         cat {dir}/server.conf >>{dir}/data/postgresql.conf",
        binaries().display()
    );
    let mut command = Command::new("sh");
    command.args(["-c", &make]).current_dir(dir);
    super::as_owner_of(&cluster.dir, &mut command);
    assert!(command.status().unwrap().success());
}
