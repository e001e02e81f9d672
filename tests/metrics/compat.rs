//! `metrics` under the names of other exporters, held against postgres_exporter itself.

use super::super::common::{Cluster, PgBouncer, wait_until, with, with_free_port};
use super::metrics;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// Prometheus' postgres_exporter at work on a server; ends with this, however the test does.
struct Exporter {
    port: u16,
    keeper: Child,
}

impl Exporter {
    fn start(server: &Cluster) -> Self {
        with_free_port(|port| Self::start_on(port, server))
    }

    /// None when the port is taken.
    fn start_on(port: u16, server: &Cluster) -> Option<Self> {
        const KEEPER: &str = r#""$@" </dev/null & read -r _; kill "$!"; wait"#;
        let path = server.dir.join(format!("exporter-{port}.log"));
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper", "prometheus-postgres-exporter"]);
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let source = format!("postgresql://postgres@127.0.0.1:{}/postgres?sslmode=disable", server.port);
        command
            .env("DATA_SOURCE_NAME", source)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&path).unwrap());
        let exporter = Self { port, keeper: command.spawn().unwrap() };
        let said = |text: &str| fs::read_to_string(&path).unwrap().contains(text);
        wait_until("prometheus-postgres-exporter listens (./dev test finds or installs it)", || {
            said("address already in use")
                || said("Listening on") && TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        (!said("address already in use")).then_some(exporter)
    }

    /// What it says.
    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Name and type of each family.
fn types(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    lines.map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// The series of these families with their labels, the server's included.
fn whole_series(text: &str, families: &BTreeMap<String, String>) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    let family = |name: &str| name.split('{').next().unwrap().to_owned();
    let lines = lines.filter(|(name, _)| families.contains_key(&family(name)));
    lines.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
fn what_postgres_exporter_says_is_said_with_the_same_names_labels_and_values() {
    let settings = [("max_connections", "20"), ("autovacuum", "off"), ("statement_timeout", "1500ms")];
    let server = with(&settings);
    server.query("create database shop");
    let shop = [("database", "shop"), ("application_name", "api")];
    let _idle = server.connect(&shop).unwrap();
    let _open = server.idle_in_transaction(&shop, "lock table pg_class in row exclusive mode");
    let exporter = Exporter::start(&server);
    // Its sessions are opened by its first look.
    exporter.scrape();
    // Theirs are the only sessions in database postgres, and ours while it looks.
    let arguments = ["-h", "127.0.0.1", "--compat", "postgres_exporter"];
    let look = || metrics(&server, &arguments).success().stdout;
    let (mut ours, mut theirs) = (String::new(), String::new());
    let settled = |text: &str| {
        let series = whole_series(text, &types(text)).into_iter();
        series
            .filter(|(name, _)| name.contains("\"shop\"") && !name.contains("max_tx"))
            .collect::<BTreeMap<_, _>>()
    };
    wait_until("the sessions have reported what they did", || {
        ours = look();
        server.wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
        theirs = exporter.scrape();
        settled(&ours) == settled(&look())
    });
    let mut families = types(&ours);
    // Its own collector came later (0.12).
    let start = families.remove("pg_postmaster_start_time_seconds");
    assert_eq!(start.as_deref(), Some("gauge"));
    for (name, kind) in &families {
        assert_eq!(types(&theirs).get(name), Some(kind), "{name}");
    }
    let (mut ours, theirs) = (whole_series(&ours, &families), whole_series(&theirs, &families));
    // What alone has no label there has the server's here.
    let up = ours.remove(&format!("pg_up{{server=\"127.0.0.1:{}\"}}", server.port)).unwrap();
    ours.insert("pg_up".to_owned(), up);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    assert!(ours.len() > 100, "{ours:?}");
    let at = format!("server=\"127.0.0.1:{}\"", server.port);
    let postgres = |family: &str, rest: &str| format!("pg_{family}{{datname=\"postgres\",{rest}}}");
    let datid = server.value("select oid from pg_database where datname = 'postgres'");
    let backends = format!("pg_stat_database_numbackends{{datid=\"{datid}\",datname=\"postgres\",{at}}}");
    let [idle, active] =
        ["idle", "active"].map(|state| postgres("stat_activity_count", &format!("{at},state=\"{state}\"")));
    for (name, our) in &ours {
        let their = theirs[name];
        if *name == backends {
            // Each counts its own there, and it keeps all of its sessions.
            assert_eq!(*our - 1.0, their, "{name}");
        } else if name.contains("max_tx_duration") {
            assert!(their >= *our && their < *our + 60.0, "{name}: {our}, {their}");
        } else if name.contains("\"postgres\"") && name.contains("stat_activity_count") {
            // It looks with one of its sessions or with all; they are idle while pgconn does.
            let own = theirs[&backends];
            assert_eq!(*our, if *name == idle { own } else { 0.0 }, "{name}");
            match name {
                _ if *name == idle => assert_eq!(their + theirs[&active], own, "{name}"),
                _ if *name == active => assert!(their >= 1.0, "{name}"),
                _ => assert_eq!(their, 0.0, "{name}"),
            }
        } else if *name == postgres("locks_count", &format!("mode=\"accesssharelock\",{at}")) {
            assert!(*our == 0.0 && their >= 1.0, "{name}: {our}, {their}");
        } else if name.starts_with("pg_stat_database")
            && !name.contains("\"shop\"")
            && !name.contains("\"template")
        {
            // Counters of what both do themselves.
            assert!(our.is_nan() == their.is_nan(), "{name}: {our}, {their}");
        } else {
            assert!(*our == their || our.is_nan() && their.is_nan(), "{name}: {our}, {their}");
        }
    }
    let setting = |name: &str| ours[&format!("pg_settings_{name}{{{at}}}")];
    assert_eq!((setting("max_connections"), setting("statement_timeout_seconds")), (20.0, 1.5));
    assert!(setting("max_locks_per_transaction") > 0.0 && setting("authentication_timeout_seconds") == 60.0);
    let of = |name: &str| ours.iter().find(|(known, _)| known.starts_with(name)).map(|(_, value)| *value);
    assert_eq!(of("pg_locks_count{datname=\"shop\",mode=\"rowexclusivelock\""), Some(1.0));
    assert_eq!(
        of(&format!("pg_stat_activity_count{{datname=\"shop\",{at},state=\"idle in transaction\"")),
        Some(1.0)
    );
}

/// Everything that two servers' files hold lies side by side in the folder of the textfile collector.
#[test]
fn every_series_says_of_which_server_it_is() {
    let server = with(&[("max_connections", "20")]);
    let pooler = PgBouncer::start(&server, &[], &[]);
    let port = pooler.port.to_string();
    let at_console = ["-p", &port, "-d", "pgbouncer"];
    for (arguments, code) in [
        (&["--compat", "postgres_exporter"][..], 0),
        (&["--compat", "postgres_exporter", "-p", "1"], 3),
        (&[][..], 0),
        (&["-p", "1"], 3),
        (&[&at_console[..], &["--compat", "pgbouncer_exporter"]].concat(), 0),
        (&["--compat", "pgbouncer_exporter", "-p", "1", "-d", "pgbouncer"], 3),
        (&at_console, 0),
    ] {
        let seen = metrics(&server, arguments);
        assert_eq!(seen.code, code, "{seen}");
        let is_elsewhere = |line: &&str| !line.starts_with('#') && !line.contains("server=\"");
        let without: Vec<&str> = seen.stdout.lines().filter(is_elsewhere).collect();
        assert_eq!(without, Vec::<&str>::new(), "{arguments:?}");
    }
}

#[test]
fn what_is_hidden_is_no_zero_under_other_names_either() {
    let server = with(&[("max_connections", "20")]);
    server.query("create role plain login");
    let _open = server.idle_in_transaction(&[], "select 1");
    let all = ["--compat", "postgres_exporter"];
    let seen = metrics(&server, &[&all[..], &["-U", "plain"]].concat()).success();
    let at = format!("server=\"{}:{}\"", server.host(), server.port);
    let hidden = format!("\npg_stat_activity_count{{datname=\"postgres\",{at},state=\"hidden\"}} 1\n");
    assert!(seen.stdout.contains(&hidden), "{seen}");
    assert!(!seen.stdout.contains("max_tx_duration"), "{seen}");
    assert!(seen.stderr.contains("hidden from role \"plain\""), "{seen}");
    let whole = metrics(&server, &all).success();
    assert!(!whole.stdout.contains("\"hidden\"") && whole.stdout.contains("max_tx_duration"), "{whole}");
}
