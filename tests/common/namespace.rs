//! A server in a pid namespace of its own, in which the next pid can be chosen: so a pid is really used a second time.

use super::{Cluster, Session, binaries, wait_until};
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

/// The first process of the namespace: starts the server, takes pids that are to be the last ones given, and ends
/// everything with itself when its standard input closes, however the tests end: the server first, which gives back its memory.
const INIT: &str = r#"
setpriv --reuid="$1" --regid="$2" --clear-groups "$3/postgres" -D "$4" >>"$4/../log" 2>&1 </dev/null &
server=$!
while read -r last; do echo "$last" >/proc/sys/kernel/ns_last_pid; done
kill -QUIT "$server"
wait
"#;

/// A running server; use it as any [`Cluster`].
#[derive(Debug)]
pub(crate) struct Namespace {
    init: Child,
    /// The server.
    pub(crate) cluster: Cluster,
}

impl Namespace {
    /// None where this user may not make a pid namespace or choose pids in it: that takes root on Linux.
    #[expect(clippy::print_stderr, reason = "a test that is not run says so")]
    pub(crate) fn start(prepared: Cluster) -> Option<Self> {
        let permitted = "echo 100 >/proc/sys/kernel/ns_last_pid";
        if !in_namespace().args(["sh", "-c", permitted]).status().is_ok_and(|status| status.success()) {
            eprintln!("this user may not choose pids in a namespace of its own: not tried here");
            return None;
        }
        let data = prepared.dir.join("data");
        let owner = fs::metadata(&data).unwrap();
        let mut command = in_namespace();
        command.args(["sh", "-c", INIT, "init"]).args([owner.uid().to_string(), owner.gid().to_string()]);
        command.arg(binaries()).arg(&data).stdin(Stdio::piped()).current_dir("/");
        let namespace = Self { init: command.spawn().unwrap(), cluster: prepared };
        wait_until("the server accepts connections", || namespace.cluster.connect(&[]).is_ok());
        Some(namespace)
    }

    /// A session whose backend has this pid, which must be free.
    pub(crate) fn connect_as(&mut self, pid: i32, parameters: &[(&str, &str)]) -> Session {
        let mut session = None;
        wait_until("the pid is given once more", || {
            let mut choose = self.init.stdin.as_ref().unwrap();
            writeln!(choose, "{}", pid - 1).unwrap();
            session = self.cluster.connect(parameters).ok().filter(|session| session.pid == pid);
            session.is_some()
        });
        session.unwrap()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.init.stdin.take());
        let _ = self.init.wait();
    }
}

fn in_namespace() -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--pid", "--fork", "--mount-proc"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
