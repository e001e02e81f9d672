//! Acts and where their result goes: looked at before anything is done, and told on stderr when nothing else is left.

use super::{Stopped, app, kill, pids};
use crate::common::{Cluster, Pgconn, shared, wait_until, with};
use crate::pooler::pooled;
use std::fs;

/// Runs these arguments in a shell where no file may grow beyond `blocks` KiB, as on a disk that is full.
fn on_a_full_disk(cluster: &Cluster, blocks: u32, arguments: &[&str]) -> Pgconn {
    let program = env!("CARGO_BIN_EXE_pgconn");
    let command = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"{program}\" \"$@\"");
    Pgconn::of("bash", &[&["-c", &command, "bash"], arguments].concat()).on(cluster)
}

#[test]
fn what_cannot_be_told_is_not_done() {
    let pooled = pooled("transaction", &[]);
    let cluster = &pooled.cluster;
    cluster.query("create database kept");
    let mut victim = cluster.active(&[("application_name", "untold"), ("database", "kept")]);
    let mut client = pooled.working("untold");
    let folder = cluster.dir.join("no").join("where");
    let file = cluster.dir.join("whole.json");
    fs::write(&file, "as it was").unwrap();
    let console = format!("host={} port={} user=postgres", cluster.host(), pooled.pooler.port);
    let port = pooled.pooler.port.to_string();
    let acts: [&[&str]; 8] = [
        &["kill", "--app", "untold"],
        &["cancel", "--app", "untold"],
        &["kill", "--pooler", &console, "--app", "untold"],
        &["drain", "--db", "kept", "--for", "1ms"],
        &["timeout", "set", "1s", "--role", "postgres"],
        &["timeout", "reset", "--role", "postgres"],
        &["-p", &port, "pooler", "pause", "postgres"],
        &["-p", &port, "pooler", "reconnect", "postgres"],
    ];
    let log =
        |arguments: &[&str]| arguments[0] != "drain" && arguments[0] != "timeout" && arguments[0] != "-p";
    for arguments in acts {
        for (file, why) in [
            (folder.to_str().unwrap(), "No such file or directory"),
            ("/proc/pgconn", "No such file or directory"),
            ("/dev/full", "No space left on device"),
            (cluster.dir.to_str().unwrap(), "is a directory"),
        ] {
            for flag in ["-o", "--log"] {
                if flag == "--log" && !log(arguments) {
                    continue;
                }
                let line = [arguments, &[flag, file]].concat();
                let outcome = Pgconn::new(&line).on(cluster).run().fails_with(2);
                let said = outcome.stderr.to_lowercase();
                assert!(said.contains(&why.to_lowercase()), "{line:?}\n{outcome}");
                assert!(said.contains("; nothing was done\n"), "{line:?}\n{outcome}");
            }
        }
        let line = [arguments, &["-o", file.to_str().unwrap()]].concat();
        let outcome = on_a_full_disk(cluster, 0, &line).run().fails_with(2);
        assert!(
            outcome.stderr.contains("File too large (os error 27); nothing was done\n"),
            "{line:?}\n{outcome}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was");
    let beside: Vec<_> = fs::read_dir(&cluster.dir).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(!beside.iter().any(|name| name.to_string_lossy().contains(".tmp")), "{beside:?}");
    client.query("select 1");
    assert_eq!(cluster.value("select datconnlimit from pg_database where datname = 'kept'"), "-1");
    assert_eq!(cluster.value("select count(*) from pg_db_role_setting where setrole <> 0"), "0");
    victim.send("");
    assert!(super::is_there(cluster, victim.pid));
}

#[test]
fn what_was_done_is_told_where_that_is_still_possible() {
    let cluster = with(&[("max_connections", "200")]);
    let session = || cluster.connect(&app("told")).unwrap();
    // The place of the file is gone by the time it is to be written.
    let folder = cluster.dir.join("gone");
    fs::create_dir(&folder).unwrap();
    let (stuck, fine) = (session(), session());
    let stopped = Stopped::new(stuck.pid);
    let file = folder.join("fates.json");
    let run = kill(&cluster, &["--app", "told", "--verify", "1h", "-o", file.to_str().unwrap()]).spawn();
    wait_until("one is gone", || !super::is_there(&cluster, fine.pid));
    fs::remove_dir_all(&folder).unwrap();
    drop(stopped);
    let outcome = run.finish().fails_with(1);
    assert_eq!(outcome.stdout, "");
    let (document, error) = outcome.stderr.split_once('\n').unwrap();
    let document: serde_json::Value = serde_json::from_str(document).unwrap();
    assert_eq!((&document["kind"], &document["succeeded"]), (&"kill".into(), &2.into()), "{document}");
    let error: serde_json::Value = serde_json::from_str(error).unwrap();
    let said = format!("could not write {}: No such file or directory (os error 2)", file.display());
    assert_eq!((&error["error"]["message"], &error["error"]["exit_code"]), (&said.into(), &1.into()));
    // A disk that has room, but not enough.
    let many: Vec<_> = (0..190).map(|_| session()).collect();
    let file = cluster.dir.join("full.json");
    let line = ["kill", "--app", "told", "--json", "-o", file.to_str().unwrap()];
    let outcome = on_a_full_disk(&cluster, 64, &line).run().fails_with(1);
    let document: serde_json::Value = serde_json::from_str(outcome.stderr.lines().next().unwrap()).unwrap();
    assert_eq!((&document["succeeded"], file.exists()), (&many.len().into(), false), "{document}");
    assert!(outcome.stderr.contains("File too large"), "{outcome}");
    // So is what nobody has named.
    let program = env!("CARGO_BIN_EXE_pgconn");
    let mut last = session();
    let command = format!("\"{program}\" kill --app told >/dev/full");
    let outcome = Pgconn::of("bash", &["-c", &command]).on(&cluster).run().fails_with(1);
    assert!(outcome.stderr.contains("\n1 terminated\n"), "{outcome}");
    assert!(outcome.stderr.ends_with("error: No space left on device (os error 28)\n"), "{outcome}");
    assert!(last.is_ended());
}

/// A file appears whole when it is over, and is as it was until then and when it is called off.
#[test]
fn a_file_is_as_it_was_until_the_result_is_there() {
    let cluster = shared();
    let mut victim = cluster.connect(&app("whole")).unwrap();
    let file = cluster.dir.join("whole.json");
    fs::write(&file, "as it was, and longer than what takes its place").unwrap();
    let line = ["kill", "--app", "whole", "-F", "tsv", "-o", file.to_str().unwrap()];
    let mut terminal = Pgconn::new(&line).on(cluster).on_terminal();
    terminal.wait_for("[y/N] ");
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was, and longer than what takes its place");
    terminal.type_keys("n\n");
    let _ = terminal.finish().fails_with(1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "as it was, and longer than what takes its place");
    victim.query("select 1");
    let _ = Pgconn::new(&line).on(cluster).run().success();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("pid\t") && text.ends_with("\t\n") && !text.contains('\0'), "{text:?}");
    assert!(victim.is_ended());
    assert_eq!(pids(&kill(cluster, &["--app", "whole"]).run().success(), "terminated"), [0; 0]);
}
