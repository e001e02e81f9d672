//! The pools of the pooler in front, of the real PgBouncer and of a console that never says a word.

use std::net::TcpListener;

use crate::pooler::pooled;

use super::*;

#[test]
fn the_pools_are_listed_beside_the_server() {
    let mut pooled = pooled("transaction", &[]);
    let _working = [pooled.working("a"), pooled.working("b")];
    let _waiting = pooled.waiting("late");
    let console = format!("port={}", pooled.pooler.port);
    let run = top(&pooled.cluster, &["--pooler", &console, "--view", "pooler", "--interval", "500ms"]);
    let mut live = Live::start(run, (120, 40));
    live.wait_for("6 pooler");
    live.wait_for("console ");
    live.wait_until("the pool whose clients wait", |shown| {
        let row = shown.lines().find(|line| line.contains(" app ")).unwrap_or_default();
        let words: Vec<&str> = row.split_whitespace().collect();
        matches!(words.as_slice(), ["postgres", "app", "transaction", "2", "1", ..])
            && row.contains("2 of 2 (pool_size)")
    });
    live.wait_for("1 pool ");
    live.keys("o");
    live.wait_for(&format!("-p {} -U postgres pooler --watch", pooled.pooler.port));
    live.escape();
    // It goes away, which the view says, and comes back.
    pooled.pooler.stop();
    live.wait_for("has not answered for");
    live.wait_for("data 0s old  every");
    assert!(live.line("has not answered").unwrap().contains("data "), "{}", live.shown());
    pooled.pooler.launch();
    live.wait_for("console ");
    live.keys("1");
    live.wait_for("APPLICATION");
    let _ = live.quit();
}

/// One that takes connections and never says anything: the server is looked at as if it were not there.
#[test]
fn a_console_that_hangs_holds_nothing_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let console = format!("host=127.0.0.1 port={port}");
    let cluster = with(&[]);
    let run = top(&cluster, &["-t", "2s", "--pooler", &console, "--view", "pooler", "--interval", "500ms"]);
    let mut live = Live::start(run, (120, 40));
    let said = format!("! 127.0.0.1:{port} has not answered for 1s, no data yet");
    live.wait_for(&said);
    live.wait_for("data 0s old  every 0.5s");
    live.wait_for("no data yet: ");
    let _new = cluster.connect(&[("application_name", "newcomer")]).unwrap();
    live.keys("1");
    live.wait_for("newcomer");
    let began = Instant::now();
    let _ = live.quit();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn without_a_console_there_are_five_views() {
    let outcome = Pgconn::new(&["top", "--view", "pooler"]).on(shared()).on_terminal().finish().fails_with(2);
    assert!(outcome.stdout.contains("name its console: --pooler CONNINFO"), "{outcome}");
    let mut live = Live::on(shared(), &[]);
    live.keys("6");
    live.keys("5");
    live.wait_for("superuser_reserved_connections");
    assert!(!live.shown().contains("pooler"), "{}", live.shown());
    let _ = live.quit();
}
