//! Query texts as large as a server keeps them: a listing of many holds few of them in memory.

use super::common::{Cluster, Pgconn, Session, wait_until, with};
use std::fs;

const SESSIONS: usize = 40;
/// What a run may have in memory, in mebibytes, whatever the texts come to.
const MEMORY: usize = 50;
const MEBIBYTE: usize = 1024 * 1024;

/// Sessions that have run a statement of a mebibyte, whose lines are folded in a table.
fn server() -> (Cluster, Vec<Session>) {
    let server = with(&[("track_activity_query_size", "1MB")]);
    let text = format!("select length('{}')", "ab  cd\n".repeat(MEBIBYTE / 7 - 4));
    let open = |_| {
        let mut session = server.session();
        session.query(&text);
        session
    };
    let sessions = (0..SESSIONS).map(open).collect();
    (server, sessions)
}

/// The most memory that a process has had, in mebibytes.
fn peak(pid: i32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1024
}

#[test]
fn texts_are_whole_in_every_format_and_few_of_them_in_memory() {
    let (server, _sessions) = server();
    for format in ["table", "json", "ndjson", "tsv"] {
        let file = server.dir.join(format!("listing.{format}"));
        let path = file.to_str().unwrap();
        // it is there as a whole, and the program sleeps
        let run =
            Pgconn::new(&["ls", "-F", format, "--watch=1h", "-t", "1m", "-o", path]).on(&server).spawn();
        wait_until("the listing is written", || file.exists());
        let written = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap() / MEBIBYTE;
        assert!(written + 1 >= SESSIONS * 6 / 7, "the texts are whole: {written} MiB");
        let peak = peak(run.pid());
        assert!(peak < MEMORY, "{format}: {peak} MiB for {SESSIONS} MiB of texts");
    }
}
