//! Query texts as large as a server keeps them: a listing holds each once, and a terminal's only as far as it shows them.

use super::common::{Cluster, Pgconn, Session, wait_until, with};
use std::fs;

const SESSIONS: usize = 12;
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
fn each_text_is_held_once_in_every_format_and_nothing_beside_it() {
    let (server, _sessions) = server();
    for format in ["table", "json", "ndjson", "tsv"] {
        let file = server.dir.join(format!("listing.{format}"));
        let path = file.to_str().unwrap();
        // it is there as a whole, and the program sleeps
        let run = Pgconn::new(&["ls", "-F", format, "--watch=1h", "-o", path]).on(&server).spawn();
        wait_until("the listing is written", || file.exists());
        let written = usize::try_from(fs::metadata(&file).unwrap().len()).unwrap() / MEBIBYTE;
        assert!(written + 1 >= SESSIONS * 6 / 7, "the texts are whole: {written} MiB");
        let peak = peak(run.pid());
        assert!(peak < SESSIONS + 32, "{format}: {peak} MiB for {SESSIONS} MiB of texts");
    }
}
