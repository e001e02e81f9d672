//! What is answered, in every state of the servers.

use super::super::common::{PgBouncer, Pgconn, backends_in, wait_until, with};
use super::super::metrics::promtool;
use super::{DEAD, Endpoint, entry, sessions, value};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

fn postmaster(server: &super::Cluster) -> Pid {
    let file = std::fs::read_to_string(server.dir.join("data/postmaster.pid")).unwrap();
    Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
}

#[test]
fn every_path_answers_whether_it_is_healthy_degraded_or_down() {
    let server = with(&[("max_connections", "20")]);
    let pooler = PgBouncer::start(&server, &["app"], &[("default_pool_size", "1"), ("pool_mode", "session")]);
    server.query("create role app login");
    let console = format!("pooler = \"host={} port={} user=postgres\"", pooler.dir.display(), pooler.port);
    let list =
        entry("healthy", &server, "labels = { team = \"a\" }") + &entry("pooled", &server, &console) + DEAD;
    let endpoint = Endpoint::start("states", &list, &["--min-interval", "10ms"]);
    let app = [("user", "app"), ("database", "postgres")];
    let mut served = pooler.connect(&app).unwrap();
    served.query("select 1");
    // Two clients wait at the pooler for its one connection.
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (host, port) = (pooler.dir.clone(), pooler.port);
            Pgconn::of(
                "psql",
                &[
                    "-h",
                    host.to_str().unwrap(),
                    "-p",
                    &port.to_string(),
                    "-U",
                    "app",
                    "-d",
                    "postgres",
                    "-c",
                    "select 1",
                ],
            )
            .spawn()
        })
        .collect();
    wait_until("the pooled one is degraded", || {
        endpoint.get("/health?target=pooled").1.contains("\"degraded\"")
    });
    for (name, status, strict, health) in
        [("healthy", 200, 200, "healthy"), ("pooled", 200, 503, "degraded"), ("dead", 503, 503, "unhealthy")]
    {
        let (answered, body) = endpoint.get(&format!("/health?target={name}"));
        let document: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((answered, document["health"].as_str().unwrap()), (status, health), "{body}");
        assert_eq!(document["target"]["name"], name);
        assert_eq!(endpoint.get(&format!("/health?warning=503&target={name}")).0, strict);
        let (answered, metrics) = endpoint.get(&format!("/probe?target={name}"));
        promtool(&metrics);
        assert_eq!(
            (answered, value(&metrics, "pgconn_up{")),
            (200, Some(f64::from(u8::from(name != "dead")))),
            "{metrics}"
        );
        assert_eq!(value(&metrics, "pgconn_refused{reason=\"refused\"}"), (name == "dead").then_some(1.0));
        assert!(value(&metrics, "pgconn_look_age_seconds").is_some_and(|age| age < 5.0), "{metrics}");
        let (answered, page) = endpoint.get(&format!("/?target={name}"));
        assert!(answered == 200 && page.contains(health), "{page}");
    }
    let (answered, metrics) = endpoint.get("/metrics");
    promtool(&metrics);
    assert_eq!((answered, value(&metrics, "pgconn_up{")), (200, Some(1.0)));
    assert!(value(&metrics, "process_open_fds").is_some_and(|open| open > 3.0), "{metrics}");
    assert!(
        value(&metrics, "pgconn_looks_total{result=\"refused\",target=\"dead\"}")
            .is_some_and(|looks| looks > 0.0)
    );
    assert_eq!(endpoint.get("/readyz"), (200, "ok\n".into()));
    assert_eq!(endpoint.get("/livez"), (200, "ok\n".into()));
    let (_, targets) = endpoint.get("/-/targets");
    let targets: serde_json::Value = serde_json::from_str(&targets).unwrap();
    assert_eq!(targets[0]["labels"]["team"], "a");
    assert_eq!(targets[1]["labels"]["__param_target"], "pooled");
    assert_eq!(targets[2]["targets"][0], "x");
    drop(waiting);
}

#[test]
fn a_hundred_at_once_share_two_looks_and_one_session() {
    let server = with(&[("max_connections", "30")]);
    let endpoint = Arc::new(Endpoint::start("shared", &entry("a", &server, ""), &[]));
    let scrapes: Vec<_> = (0..60)
        .map(|_| {
            let endpoint = Arc::clone(&endpoint);
            thread::spawn(move || endpoint.get("/probe?target=a"))
        })
        .collect();
    for scrape in scrapes {
        let (status, body) = scrape.join().unwrap();
        assert_eq!((status, value(&body, "pgconn_up{")), (200, Some(1.0)), "{body}");
    }
    let (_, metrics) = endpoint.get("/metrics");
    let looks = value(&metrics, "pgconn_looks_total{result=\"answered\",target=\"a\"}").unwrap();
    assert!(looks <= 2.0, "{looks}");
    assert_eq!(sessions(&server), 1);
}

#[test]
fn a_login_that_hangs_is_one_login_and_no_answer_takes_longer_than_its_scraper() {
    let server = with(&[("max_connections", "20")]);
    let mut holder = server.session();
    holder.query("begin");
    holder.query("lock table pg_authid in access exclusive mode");
    let endpoint = Endpoint::start("hangs", &entry("a", &server, ""), &["--min-interval", "10ms"]);
    let backends = || backends_in(&server.dir);
    let before = backends();
    for _ in 0..4 {
        let began = Instant::now();
        let (status, body) =
            endpoint.get_with("/probe?target=a", "X-Prometheus-Scrape-Timeout-Seconds: 1.5\r\n");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!((status, value(&body, "pgconn_up")), (200, Some(0.0)), "{body}");
        assert_eq!(value(&body, "pgconn_refused{reason=\"timeout\"}"), Some(1.0), "{body}");
        promtool(&body);
    }
    assert!(backends() <= before + 1, "{} after {before}", backends());
    assert_eq!(endpoint.get_with("/readyz", "X-Prometheus-Scrape-Timeout-Seconds: 1\r\n").0, 503);
    holder.query("rollback");
    wait_until("it answers again", || endpoint.get("/readyz").0 == 200);
}

#[test]
fn a_frozen_server_holds_nobody_up() {
    let server = with(&[("max_connections", "20")]);
    let other = with(&[("max_connections", "20")]);
    let list = entry("frozen", &server, "") + &entry("other", &other, "");
    let endpoint = Endpoint::start("frozen", &list, &["--min-interval", "1ms", "-t", "1s"]);
    assert_eq!(endpoint.get("/probe?target=frozen").0, 200);
    let backend: i32 =
        server.value("select pid from pg_stat_activity where application_name = 'pgconn'").parse().unwrap();
    let frozen = [Pid::from_raw(backend), postmaster(&server)];
    frozen.iter().for_each(|pid| kill(*pid, Signal::SIGSTOP).unwrap());
    let asked = thread::scope(|scope| {
        let frozen = scope.spawn(|| endpoint.get("/probe?target=frozen"));
        let began = Instant::now();
        assert_eq!(endpoint.get("/livez").0, 200);
        let (_, other) = endpoint.get("/probe?target=other");
        assert_eq!(value(&other, "pgconn_up{"), Some(1.0), "{other}");
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        frozen.join().unwrap()
    });
    frozen.iter().for_each(|pid| kill(*pid, Signal::SIGCONT).unwrap());
    assert_eq!((asked.0, value(&asked.1, "pgconn_up")), (200, Some(0.0)), "{}", asked.1);
    wait_until("it answers again", || {
        value(&endpoint.get("/probe?target=frozen").1, "pgconn_up{") == Some(1.0)
    });
}

#[test]
fn the_list_is_read_anew_and_a_broken_one_changes_nothing() {
    let server = with(&[("max_connections", "20")]);
    let endpoint = Endpoint::start("reload", &entry("a", &server, ""), &["--min-interval", "10ms"]);
    assert_eq!(endpoint.get("/probe?target=a").0, 200);
    endpoint.reload(&(entry("b", &server, "") + &entry("a", &server, "")));
    wait_until("b is known", || endpoint.get("/probe?target=b").0 == 200);
    assert_eq!(endpoint.get("/probe?target=a").0, 200);
    endpoint.reload("[[target]]\nnmae = \"x\"\n");
    wait_until("it says so", || endpoint.stderr().contains("not reloaded, the old settings go on"));
    assert!(endpoint.stderr().contains("unknown key \"nmae\""), "{}", endpoint.stderr());
    assert_eq!((endpoint.get("/probe?target=a").0, endpoint.get("/probe?target=b").0), (200, 200));
    endpoint.reload(&entry("b", &server, ""));
    wait_until("a is gone", || endpoint.get("/probe?target=a").0 == 404);
    // Its session is closed, too.
    wait_until("one session is left", || {
        assert_eq!(endpoint.get("/probe?target=b").0, 200);
        sessions(&server) == 1
    });
}

#[test]
fn the_names_of_another_exporter_come_with_our_own_word_for_up() {
    let server = with(&[("max_connections", "20")]);
    let list = entry("a", &server, "") + DEAD;
    let endpoint = Endpoint::start("compat", &list, &["--compat", "postgres_exporter"]);
    for (name, up) in [("a", 1.0), ("dead", 0.0)] {
        let (_, body) = endpoint.get(&format!("/probe?target={name}"));
        assert_eq!((value(&body, "pg_up"), value(&body, "pgconn_up")), (Some(up), Some(up)), "{body}");
    }
}

#[test]
fn a_console_and_one_that_is_full_are_answered_too() {
    let server = with(&[("max_connections", "5"), ("superuser_reserved_connections", "0")]);
    server.query("create role app login");
    let pooler = PgBouncer::start(&server, &[], &[]);
    let console = format!(
        "[[target]]\nname = \"console\"\nconninfo = \"host={} port={} user=postgres dbname=pgbouncer\"\n",
        pooler.dir.display(),
        pooler.port
    );
    let _taken: Vec<_> =
        (0..5).map(|_| server.connect(&[("user", "app"), ("database", "postgres")]).unwrap()).collect();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!(
        "[[target]]\nname = \"silent\"\nconninfo = \"host=127.0.0.1 port={} user=postgres sslmode=disable\"\n",
        silent.local_addr().unwrap().port()
    );
    let list = console + &entry("full", &server, "") + &silent;
    let endpoint = Endpoint::start("console", &list, &["--min-interval", "10ms", "-t", "1s"]);
    let (_, body) = endpoint.get("/probe?target=console");
    promtool(&body);
    assert!(value(&body, "pgconn_up{") == Some(1.0) && body.contains("pgconn_pooler_"), "{body}");
    for (name, reason) in [("full", "too_many_connections"), ("silent", "timeout")] {
        let (_, body) = endpoint.get(&format!("/probe?target={name}"));
        promtool(&body);
        assert_eq!(value(&body, &format!("pgconn_refused{{reason=\"{reason}\"}}")), Some(1.0), "{body}");
        assert_eq!(endpoint.get(&format!("/health?target={name}")).0, 503);
    }
}

#[test]
fn what_seldom_changes_is_kept_with_its_age_until_the_server_starts_anew() {
    let mut server = with(&[("max_connections", "20")]);
    let endpoint = Endpoint::start("kept", &entry("a", &server, ""), &["--min-interval", "1ms"]);
    let scrape = || endpoint.get("/metrics").1;
    let age = |text: &str| value(text, "pgconn_settings_age_seconds{").unwrap();
    let first = scrape();
    server.query("create role web login connection limit 7");
    let second = scrape();
    assert!(age(&first) < age(&second), "{first}\n{second}");
    assert_eq!(
        value(&second, "pgconn_role_connections_limit{role=\"web\""),
        None,
        "it is not a minute old: {second}"
    );
    // What is no setting is of this moment.
    assert_eq!(value(&second, "pgconn_server_in_recovery{"), Some(0.0));
    server.stop();
    server.launch(&|| true).unwrap();
    wait_until("the server is back", || value(&scrape(), "pgconn_up{") == Some(1.0));
    let third = scrape();
    assert_eq!(value(&third, "pgconn_role_connections_limit{role=\"web\""), Some(7.0), "{third}");
    assert!(value(&third, "pgconn_server_uptime_seconds{").unwrap() < 60.0, "{third}");
}

#[test]
fn a_server_that_refuses_a_whole_look_writes_that_into_its_log_once_a_minute() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role monitor login in role pg_monitor");
    server.query(
        "revoke execute on function pg_catalog.query_to_xml(text, boolean, boolean, text) from public",
    );
    let list = entry("a", &server, "").replace("user=postgres", "user=monitor");
    let endpoint = Endpoint::start("refused", &list, &["--min-interval", "1ms"]);
    for _ in 0..5 {
        let text = endpoint.get("/metrics").1;
        assert_eq!(value(&text, "pgconn_look_errors{"), Some(0.0), "{text}");
        assert!(value(&text, "pgconn_sessions{").is_some(), "{text}");
    }
    let log = std::fs::read_to_string(server.dir.join("log")).unwrap();
    assert_eq!(log.matches("permission denied for function query_to_xml").count(), 1, "{log}");
}

#[test]
fn behind_a_pooler_that_keeps_the_session_a_server_that_has_started_anew_is_noticed() {
    let mut server = with(&[("max_connections", "20")]);
    let pooler = PgBouncer::start(&server, &[], &[("pool_mode", "transaction")]);
    let direct = format!("host={} port={}", server.host(), server.port);
    let list = entry("a", &server, "").replace(&direct, &format!("host=127.0.0.1 port={}", pooler.port));
    let endpoint = Endpoint::start("pooled", &list, &["--min-interval", "1ms"]);
    let scrape = || endpoint.get("/metrics").1;
    assert_eq!(value(&scrape(), "pgconn_up{"), Some(1.0));
    server.query("create role web login connection limit 7");
    let limit = |text: &str| value(text, "pgconn_role_connections_limit{role=\"web\"");
    assert_eq!(limit(&scrape()), None, "it is not a minute old");
    server.stop();
    server.launch(&|| true).unwrap();
    let text = scrape();
    assert_eq!((value(&text, "pgconn_up{"), limit(&text)), (Some(1.0), Some(7.0)), "{text}");
}
