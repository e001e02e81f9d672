//! Clients that nobody wants: slow, large, smuggling, curious.

use super::super::common::{Pgconn, backends_in, wait_until, with};
use super::{Endpoint, entry};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

fn endpoint(name: &str, arguments: &[&str]) -> (super::Cluster, Endpoint) {
    let server = with(&[("max_connections", "20")]);
    let endpoint = Endpoint::start(name, &entry("a", &server, ""), arguments);
    (server, endpoint)
}

#[test]
fn only_names_of_the_list_are_asked_and_nothing_acts() {
    let (_server, endpoint) = endpoint("names", &[]);
    for (path, status) in [
        ("/probe", 400),
        ("/probe?target=", 404),
        ("/probe?target=b", 404),
        ("/probe?target=postgres://127.0.0.1/postgres", 400),
        ("/probe?target=host%3D127.0.0.1", 400),
        ("/probe?target=a&target=b", 400),
        ("/health?target=%zz", 400),
        ("/../../etc/passwd", 404),
        ("/%2e%2e/etc/passwd", 404),
        ("//metrics", 404),
        ("/metrics/", 404),
        ("/-/reload", 404),
    ] {
        assert_eq!(endpoint.get(path).0, status, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "KILL"] {
        let answer =
            endpoint.send(&format!("{method} /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        assert!(
            answer.starts_with("HTTP/1.1 405 ") && answer.contains("allow: GET, HEAD"),
            "{method}: {answer}"
        );
    }
    let answer = endpoint.send("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 ") && body.is_empty(), "{answer}");
    assert!(
        head.contains("cache-control: no-store") && head.contains("x-content-type-options: nosniff"),
        "{head}"
    );
}

#[test]
fn no_query_text_leaves() {
    let (server, endpoint) = endpoint("texts", &[]);
    let _secret =
        server.idle_in_transaction(&[("application_name", "<b>app</b>")], "select 's3cret-in-a-query'");
    for path in ["/", "/?target=a", "/metrics", "/probe?target=a", "/health"] {
        let (status, body) = endpoint.get(path);
        assert!(status == 200 && !body.contains("s3cret"), "{path}: {body}");
        assert!(!body.contains("<b>app</b>") || !path.starts_with("/?"), "{body}");
    }
    assert!(endpoint.get("/?target=a").1.contains("&lt;b&gt;app&lt;/b&gt;"));
}

#[test]
fn heads_that_are_too_large_too_slow_or_ambiguous_are_refused() {
    let (_server, endpoint) = endpoint("heads", &[]);
    let large = format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20));
    let mut stream = endpoint.connect();
    // It may be cut off while it is written.
    let _ = stream.write_all(large.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431 "), "{answer}");
    for smuggled in [
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        "\0\0\0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00",
    ] {
        let answer = endpoint.send(smuggled);
        assert!(
            answer.matches("HTTP/1.1 200").count() <= 1 && !answer.contains(" 404 "),
            "{smuggled:?}: {answer}"
        );
    }
    // One byte a second is not waited for.
    let mut slow = endpoint.connect();
    let began = Instant::now();
    slow.write_all(b"GET / HT").unwrap();
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Several requests in one go are answered in their order.
    let pipelined =
        "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /nope HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = endpoint.send(pipelined);
    assert!(
        answer.find(" 200 OK").zip(answer.find(" 404 ")).is_some_and(|(first, second)| first < second),
        "{answer}"
    );
    assert_eq!(endpoint.get("/livez").0, 200);
}

#[test]
fn beyond_its_room_it_says_so_and_has_room_again() {
    let (_server, endpoint) = endpoint("room", &[]);
    let held: Vec<_> = (0..64).map(|_| endpoint.connect()).collect();
    wait_until("there is no room", || endpoint.get("/livez").0 == 503);
    drop(held);
    wait_until("there is room", || endpoint.get("/livez").0 == 200);
}

#[test]
fn who_has_no_password_learns_nothing() {
    let server = with(&[("max_connections", "20")]);
    let folder = std::env::temp_dir().join(format!("pgconn-htpasswd-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("htpasswd");
    // "s3cret", by htpasswd -nbBC 4
    fs::write(&file, "# who\nmonitor:$2y$04$SQiBY/74DJbFQERSY6wtmOWsSIbnkOKz8A31jt3ifgBZ97oMUu.By\n")
        .unwrap();
    let endpoint =
        Endpoint::start("password", &entry("a", &server, ""), &["--basic-auth-file", file.to_str().unwrap()]);
    for path in ["/", "/metrics", "/livez", "/-/targets"] {
        assert_eq!(endpoint.get(path).0, 401, "{path}");
    }
    let with =
        |credentials: &str| endpoint.get_with("/livez", &format!("Authorization: Basic {credentials}\r\n")).0;
    // monitor:wrong, nobody:s3cret, monitor:s3cret
    assert_eq!([with("bW9uaXRvcjp3cm9uZw=="), with("bm9ib2R5OnMzY3JldA=="), with("!!")], [401; 3]);
    assert_eq!([with("bW9uaXRvcjpzM2NyZXQ="), with("bW9uaXRvcjpzM2NyZXQ=")], [200; 2]);
    fs::write(&file, "monitor:plain\n").unwrap();
    endpoint.signal(Signal::SIGHUP);
    wait_until("it says so", || endpoint.stderr().contains("no hash of bcrypt"));
    assert_eq!(with("bW9uaXRvcjpzM2NyZXQ="), 200);
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn tls_is_spoken_where_there_is_a_certificate_and_clients_can_be_asked_for_theirs() {
    let server = with(&[("max_connections", "20")]);
    let folder = std::env::temp_dir().join(format!("pgconn-serve-tls-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let openssl = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        Pgconn::of("openssl", &arguments).dir(&folder).run().success();
    };
    let made = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -keyout";
    for name in ["server", "authority"] {
        let more = format!(
            "req -x509 -days 2 -addext subjectAltName=DNS:localhost {made} {name}.key -out {name}.crt"
        );
        openssl(&more);
    }
    openssl(&format!("req -addext basicConstraints=CA:FALSE {made} client.key -out client.csr"));
    openssl(
        "x509 -req -in client.csr -CA authority.crt -CAkey authority.key -set_serial 1 -days 2 -copy_extensions copyall -out client.crt",
    );
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (chain, key, authority) = (path("server.crt"), path("server.key"), path("authority.crt"));
    let files = ["--tls-cert", &chain, "--tls-key", &key, "--tls-client-ca", &authority];
    let endpoint = Endpoint::start("tls", &entry("a", &server, ""), &files);
    let ask = |more: &[&str]| {
        let place = format!("localhost:{}", endpoint.port);
        let plain =
            ["s_client", "-connect", &place, "-CAfile", &chain, "-verify_return_error", "-quiet", "-ign_eof"];
        let request = "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        Pgconn::of("openssl", &[&plain, more].concat()).dir(&folder).input(request).run()
    };
    let shown = ask(&["-cert", "client.crt", "-key", "client.key"]);
    assert!(shown.stdout.contains("200 OK"), "{shown}");
    assert!(!ask(&[]).stdout.contains("200 OK"));
    assert!(!endpoint.send("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n").contains("200 OK"));
    fs::write(folder.join("server.crt"), "broken").unwrap();
    endpoint.signal(Signal::SIGHUP);
    wait_until("it says so", || endpoint.stderr().contains("not reloaded"));
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_under_way_is_answered_before_the_end() {
    let (server, endpoint) = endpoint("drain", &["-t", "3s"]);
    let mut holder = server.session();
    holder.query("begin");
    holder.query("lock table pg_authid in access exclusive mode");
    let mut asking = endpoint.connect();
    asking.write_all(b"GET /probe?target=a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    wait_until("the look is under way", || backends_in(&server.dir) > 1);
    endpoint.signal(Signal::SIGTERM);
    let mut answer = String::new();
    asking.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("pgconn_up"), "{answer}");
    holder.query("rollback");
    endpoint.finish().success();
}
