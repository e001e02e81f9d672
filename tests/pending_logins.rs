//! Logins that hang: a server keeps the slot of a client that has gone until the login is over, so no run leaves more than one.

use super::common::{Cluster, Pgconn, Running, Session, wait_until, with};
use nix::sys::signal::Signal;

/// A session that no login gets past, and that sees how many wait.
struct Barrier(Session);

impl Barrier {
    fn before_logins_of(cluster: &Cluster) -> Self {
        let mut session = cluster.session();
        session.query("begin");
        session.query("lock table pg_authid in access exclusive mode");
        Self(session)
    }

    /// How many server processes wait to finish a login.
    fn waiting(&mut self) -> usize {
        let waiting = "select pid from pg_locks where relation = 'pg_authid'::regclass and not granted";
        self.0.query(waiting).len()
    }

    /// Lets everybody in; the session remains, to look on.
    fn lift(mut self) -> Session {
        self.0.query("rollback");
        self.0
    }
}

fn sessions(session: &mut Session) -> usize {
    session.query("select pid from pg_stat_activity where application_name = 'pgconn'").len()
}

#[test]
fn a_watch_waits_on_the_login_that_is_under_way_and_uses_it() {
    let cluster = with(&[]);
    for (command, fine) in [
        (&["check", "reachable"][..], "\"status\":\"ok\""),
        (&["ping"], "\"status\":\"accepting\""),
        (&["metrics"], "pgconn_up{"),
    ] {
        let both = format!("127.0.0.1,{}", cluster.host());
        for host in ["127.0.0.1", cluster.host(), &both] {
            let line = [command, &["--watch=100ms", "-t", "300ms", "-h", host]].concat();
            let format: &[&str] = if command == ["metrics"] { &[] } else { &["--json"] };
            let mut barrier = Barrier::before_logins_of(&cluster);
            let run = Pgconn::new(&[&line, format].concat()).on(&cluster).spawn();
            let turns = |run: &Running| match command {
                ["metrics"] => run.stdout().matches("\npgconn_up{").count(),
                _ => run.stdout().lines().count(),
            };
            wait_until("five turns without a login", || turns(&run) >= 5);
            assert_eq!(barrier.waiting(), 1, "{line:?}");
            let before = run.stdout().matches(fine).count();
            let mut open = barrier.lift();
            wait_until("it is let in", || match command {
                ["metrics"] => {
                    run.stdout().contains("pgconn_up 1")
                        || run
                            .stdout()
                            .lines()
                            .any(|line| line.starts_with("pgconn_up{") && line.ends_with(" 1"))
                }
                _ => run.stdout().matches(fine).count() > before,
            });
            if command != ["ping"] {
                assert_eq!(sessions(&mut open), 1, "{line:?}");
            }
            run.signal(Signal::SIGINT);
            let _ = run.finish();
            wait_until("nothing is left", || sessions(&mut open) == 0);
        }
    }
}

#[test]
fn whoever_waits_to_connect_leaves_one_login_and_says_what_holds_it() {
    let cluster = with(&[]);
    for wait in ["0s", "4s"] {
        let mut barrier = Barrier::before_logins_of(&cluster);
        let line = ["stats", "-t", "200ms", "--connect-wait", wait, "-h", "127.0.0.1"];
        let outcome = Pgconn::new(&line).on(&cluster).run().fails_with(3);
        assert_eq!(barrier.waiting(), 1, "{outcome}");
        assert!(
            outcome
                .stderr
                .contains("timeout expired: the server took the connection and does not finish the login"),
            "{outcome}"
        );
        assert!(
            outcome.stderr.contains("pg_authid") && outcome.stderr.contains("may be left on the server"),
            "{outcome}"
        );
        assert!(!outcome.stderr.contains("firewall"), "{outcome}");
        let mut open = barrier.lift();
        wait_until("nothing is left", || sessions(&mut open) == 0);
    }
    let mut barrier = Barrier::before_logins_of(&cluster);
    let run = Pgconn::new(&["stats", "-t", "200ms", "--connect-wait", "30s", "--json"]).on(&cluster).spawn();
    wait_until("its login waits", || barrier.waiting() == 1);
    drop(barrier.lift());
    let _ = run.finish().success();
}

#[test]
fn a_plugin_says_what_holds_a_login_too() {
    let cluster = with(&[]);
    let barrier = Barrier::before_logins_of(&cluster);
    let line = ["check", "-F", "nagios", "-t", "1s", "-h", "127.0.0.1"];
    let outcome = Pgconn::new(&line).on(&cluster).run().fails_with(2);
    let mut lines = outcome.stdout.lines();
    assert!(lines.next().unwrap().starts_with("PGCONN CRITICAL: reachable: "), "{outcome}");
    let said: Vec<&str> = lines.filter(|line| line.contains("may be left on the server")).collect();
    assert!(said.len() == 1 && said[0].starts_with("next: ") && said[0].contains("pg_authid"), "{outcome}");
    drop(barrier.lift());
}

#[test]
fn who_asks_a_pooler_beside_each_look_waits_on_one_login_there() {
    let (cluster, pooler) = (with(&[]), with(&[]));
    let mut barrier = Barrier::before_logins_of(&pooler);
    let console = format!("host=127.0.0.1 port={} user=postgres dbname=pgbouncer", pooler.port);
    let line = ["long", "--pooler", &console, "--watch=100ms", "-t", "300ms", "--json"];
    let run = Pgconn::new(&line).on(&cluster).spawn();
    wait_until("five looks without the pooler", || run.stdout().matches("pooler_not_asked").count() >= 5);
    assert_eq!(barrier.waiting(), 1);
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
    let mut open = barrier.lift();
    wait_until("nothing is left", || sessions(&mut open) == 0);
}

#[test]
fn a_signal_ends_the_wait_for_a_login() {
    let cluster = with(&[]);
    let mut barrier = Barrier::before_logins_of(&cluster);
    let run = Pgconn::new(&["stats", "--connect-wait", "1m"]).on(&cluster).spawn();
    wait_until("its login waits", || barrier.waiting() == 1);
    run.signal(Signal::SIGINT);
    let _ = run.finish().fails_with(130);
}

/// The session that holds the database closed is lost, and none can be had in its place.
#[test]
fn a_drain_that_cannot_log_in_to_open_the_database_leaves_one_login_and_opens_it_in_the_end() {
    let cluster = with(&[]);
    cluster.query("create database shop connection limit 7");
    let run = Pgconn::new(&["drain", "--db", "shop", "--for", "1h", "-t", "200ms"]).on(&cluster).spawn();
    wait_until("it is held", || run.stderr().contains("closed and empty"));
    let mut barrier = Barrier::before_logins_of(&cluster);
    let own = "from pg_stat_activity where application_name = 'pgconn'";
    barrier.0.query(&format!("select pg_terminate_backend(pid) {own}"));
    run.signal(Signal::SIGINT);
    // It says so every ten seconds, and tries more often.
    let said = || run.stderr().matches("could not open it again yet: ").count();
    wait_until("it has tried for long", || {
        assert!(barrier.waiting() <= 1, "{}", run.stderr());
        said() >= 2
    });
    assert_eq!(barrier.waiting(), 1);
    let mut open = barrier.lift();
    let outcome = run.finish().fails_with(130);
    assert!(outcome.stdout.contains("open as before"), "{outcome}");
    let limit = "select datconnlimit from pg_database where datname = 'shop'";
    assert_eq!(open.query(limit)[0][0].as_deref(), Some("7"));
    wait_until("nothing is left", || sessions(&mut open) == 0);
}

/// From PostgreSQL 17 on, a trigger of the database can hold a login.
#[test]
fn a_login_that_a_trigger_holds_is_waited_for_and_not_doubled() {
    let cluster = with(&[]);
    if cluster.major() < 17 {
        return eprintln!("servers before 17 have no login event triggers");
    }
    let mut open = cluster.session();
    open.query("create table held as select");
    open.query(
        "create function hold() returns event_trigger language plpgsql as $$ begin \
         while current_setting('application_name') = 'pgconn' and exists (select from held) loop \
         perform pg_sleep(0.05); end loop; end $$",
    );
    open.query("create event trigger hold on login execute function hold()");
    open.query("alter event trigger hold enable always");
    let run = Pgconn::new(&["check", "reachable", "--json", "--watch=1s", "-t", "1s"]).on(&cluster).spawn();
    let verdicts = |status: &str| run.stdout().matches(&format!("\"status\":\"{status}\"")).count();
    wait_until("four turns without a login", || {
        assert!(sessions(&mut open) <= 1, "{}", run.stdout());
        run.stdout().lines().count() >= 4
    });
    assert_eq!((sessions(&mut open), verdicts("ok")), (1, 0), "{}", run.stdout());
    open.query("delete from held");
    wait_until("it is let in", || verdicts("ok") > 0);
    assert_eq!(sessions(&mut open), 1);
    run.signal(Signal::SIGINT);
    let _ = run.finish().success();
    wait_until("nothing is left", || sessions(&mut open) == 0);
}
