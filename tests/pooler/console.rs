//! The way to the console, and a pooler in trouble.

use super::pooled;
use crate::common::{PgBouncer, Pgconn, Session, wait_until, with};

#[test]
fn who_may_not_use_the_console_is_told_and_what_is_none_too() {
    let pooled = pooled("transaction", &[]);
    let _watched = pooled.as_user("watcher", &[]).success();
    let refused = pooled.as_user("stranger", &[]).fails_with(3);
    assert!(refused.stderr.contains("hint: the pooler's console is open to the users in its settings admin_users and stats_users; \"stranger\" is in neither"), "{refused}");
    let not_pooled = Pgconn::new(&["pooler"]).on(&pooled.cluster).run().fails_with(3);
    assert!(not_pooled.stderr.contains("this is PostgreSQL itself"), "{not_pooled}");
    let not_console = pooled.run(&["-d", "postgres"]).fails_with(1);
    assert!(not_console.stderr.contains("database \"postgres\" is not a pooler's console"), "{not_console}");
    let _stats =
        Pgconn::new(&["-p", &pooled.pooler.port.to_string(), "stats"]).on(&pooled.cluster).run().success();
}

#[test]
fn a_full_a_paused_and_an_orphaned_pooler_are_told_apart() {
    let mut pooled = pooled("transaction", &[("max_client_conn", "3")]);
    let clients: Vec<Session> = ["one", "two", "three"].map(|name| pooled.client(name)).into();
    let full = pooled.run(&[]).success();
    assert!(full.stdout.contains("clients  4 of 3 (max_client_conn)  133%"), "{full}");
    drop(clients);
    let mut console = pooled.pooler.connect(&[("database", "pgbouncer")]).unwrap();
    let mut client = pooled.client("kept");
    client.query("select 1");
    console.query("pause postgres");
    client.send("select 1");
    pooled.wait_for("kept", "waiting");
    let paused = pooled.run(&[]).success();
    assert!(paused.stdout.contains("waits: the database is paused"), "{paused}");
    console.query("resume postgres");
    client.finish().unwrap();
    pooled.cluster.stop();
    client.send("select 1");
    pooled.wait_for("kept", "waiting");
    let orphaned = pooled.run(&[]).success();
    assert!(orphaned.stdout.contains("PostgreSQL may be down, or refuse the pooler"), "{orphaned}");
}

#[test]
fn a_full_pooler_refuses_with_its_own_limit_and_the_console_still_answers() {
    let pooled = pooled("session", &[("max_client_conn", "1")]);
    let _only = pooled.client("only");
    let port = pooled.pooler.port.to_string();
    let run = |arguments: &[&str]| {
        Pgconn::new(&[&["-p", &port, "-U", "app"], arguments].concat()).on(&pooled.cluster).run()
    };
    let refused = run(&["stats"]).fails_with(3);
    assert!(
        refused.stderr.contains("max_client_conn")
            && refused.stderr.contains("the pooler's own client limit is reached"),
        "{refused}"
    );
    let json = run(&["stats", "--json"]).fails_with(3);
    assert!(json.stderr.contains("\"code\":\"too_many_connections\""), "{json}");
    assert!(pooled.run(&[]).success().stdout.contains("(max_client_conn)"));
}

/// The login is the pooler's own, and what is asked then waits in its queue.
#[test]
fn a_pool_without_a_free_connection_is_no_silent_server() {
    let pooled = pooled("transaction", &[]);
    let _busy = (pooled.working("one"), pooled.working("two"));
    let port = pooled.pooler.port.to_string();
    let run = |arguments: &[&str]| {
        let arguments = [&["-p", &port, "-U", "app", "-t", "1s"], arguments].concat();
        Pgconn::new(&arguments).on(&pooled.cluster).run()
    };
    let stats = run(&["stats"]).fails_with(1);
    let hint = "hint: a pooler answered the login, and has perhaps no connection to the server to give: see its queue \
                with pgconn pooler\n";
    assert!(stats.stderr.contains("did not answer within 1s") && stats.stderr.contains(hint), "{stats}");
    let _critical = run(&["check"]).fails_with(2);
}

#[test]
fn a_console_that_is_not_up_yet_is_waited_for() {
    let cluster = with(&[]);
    let held = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = held.local_addr().unwrap().port().to_string();
    drop(held);
    let late = Pgconn::new(&["-h", "127.0.0.1", "-p", &port, "--connect-wait", "1ms", "pooler"]).on(&cluster);
    assert!(late.run().fails_with(3).stderr.contains("Connection refused"));
    let run =
        Pgconn::new(&["-h", "127.0.0.1", "-p", &port, "--connect-wait", "1h", "pooler"]).on(&cluster).spawn();
    wait_until("it waits", || run.stderr().contains("waiting to connect: "));
    run.signal(nix::sys::signal::Signal::SIGTERM);
    let _ended = run.finish().fails_with(143);
}

#[test]
fn the_console_is_reached_over_tls_with_a_password() {
    let cluster = with(&[]);
    let file = |name: &str| cluster.dir.join(format!("console.{name}")).to_str().unwrap().to_owned();
    let (certificate, key, users) = (file("crt"), file("key"), file("users"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "9"])
        .args(["-out", &certificate, "-keyout", &key])
        .output()
        .expect("the tests need the openssl program");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(&users, "\"postgres\" \"secret\"\n").unwrap();
    for path in [&certificate, &key, &users] {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    }
    let settings = [
        ("auth_type", "scram-sha-256"),
        ("auth_file", users.as_str()),
        ("client_tls_sslmode", "require"),
        ("client_tls_cert_file", certificate.as_str()),
        ("client_tls_key_file", key.as_str()),
    ];
    let pooler = PgBouncer::start(&cluster, &[], &settings);
    let console = |more: &str| format!("host=127.0.0.1 port={} user=postgres {more}", pooler.port);
    let run = |conninfo: &str, password: &str| {
        Pgconn::new(&["-d", conninfo, "pooler", "clients", "--json"]).env("PGPASSWORD", password).run()
    };
    let strict = console(&format!("sslmode=verify-full sslrootcert={certificate}"));
    let document = run(&strict, "secret").success().json();
    assert_eq!(document["target"]["database"], "pgbouncer", "a connection string without a database");
    let wrong = run(&strict, "wrong").fails_with(3);
    assert!(wrong.stderr.contains("auth_failed") && !wrong.stderr.contains("wrong\""), "{wrong}");
    let plain = run(&console("sslmode=disable"), "secret").fails_with(3);
    assert!(plain.stderr.contains("\"code\":\"tls\""), "{plain}");
}
