//! A listing on a terminal: what cannot be shown is not fetched, so the number of sessions costs the client nothing, and the server
//! hardly more than reading them.

use super::common::{Cluster, Pgconn, Session};
use super::measuring::{PAIRS, Program, SCAN, Verdicts, median, spent};
use std::path::Path;

/// How often a session is asked at a time, so that its processor time can be told.
const TIMES: usize = 5;

/// On a terminal of 120 columns and 40 lines, with `many` sessions on one server and `few` on the other.
pub(super) fn on_a_terminal(
    pgconn: &Path,
    [(many, many_server), (few, few_server)]: [(usize, &Cluster); 2],
    verdicts: &mut Verdicts,
) {
    let ls =
        |server| Program { path: pgconn, arguments: vec!["ls"], server: Some(server), environment: vec![] };
    let runs: Vec<_> =
        (0..PAIRS).map(|_| (ls(many_server).run_on_terminal(), ls(few_server).run_on_terminal())).collect();
    let claim = format!("ls on a terminal, {many} sessions: CPU, against {few} sessions");
    verdicts.ratio(claim, 1.3, &runs, |run| run.cpu);

    let question = sql_of_ls(many_server);
    let (mut ours, mut plain) = (many_server.session(), many_server.session());
    let ratios = (0..PAIRS).map(|_| on_cpu(&mut ours, &question) / on_cpu(&mut plain, SCAN)).collect();
    let claim = format!("ls on a terminal, {many} sessions: the server's CPU, against {SCAN}");
    verdicts.judge(claim, 1.3, median(ratios), String::new());
}

/// How long the session's process computes for [`TIMES`] answers, in milliseconds.
fn on_cpu(session: &mut Session, sql: &str) -> f64 {
    let before = spent(session.pid);
    for _ in 0..TIMES {
        assert!(!session.query(sql).is_empty());
    }
    spent(session.pid) - before
}

/// The question that `ls` asks for a terminal of 40 lines, as it says itself.
fn sql_of_ls(server: &Cluster) -> String {
    let outcome = Pgconn::new(&["ls", "-vv"]).on(server).on_terminal_of(120, 40).finish().success();
    let text = outcome.stdout.replace('\r', "");
    let (_, from) = text.split_once("\nbegin ").unwrap();
    let (message, _) = from.split_once("\ncommit;").unwrap();
    format!("begin {message}\ncommit")
}
