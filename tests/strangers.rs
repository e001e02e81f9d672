//! What answers instead of a PostgreSQL server, or stops answering half-way, and what the surroundings may hold: an error within
//! the limit, never a hang and never a panic.

use crate::common::{Pgconn, with};
use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A server of one answer: reads what is sent and writes each of `answers` after one read; then holds or closes.
pub(crate) fn impostor(answers: &'static [&'static [u8]], hold: bool) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            thread::spawn(move || {
                let mut part = [0; 4096];
                for answer in answers {
                    if stream.read(&mut part).is_err() || stream.write_all(answer).is_err() {
                        return;
                    }
                }
                if !hold {
                    // The end of what is sent, without a reset that could overtake it.
                    let _ = stream.shutdown(Shutdown::Write);
                }
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    port
}

#[test]
fn whatever_answers_it_ends_within_the_limit_and_is_named() {
    // AuthenticationOk, MD5 and SCRAM requests, and a first message of SCRAM's that is nonsense
    const OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
    const MD5: &[u8] = b"R\0\0\0\x0c\0\0\0\x05salt";
    const SCRAM: &[u8] = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let cases: [(&[&[u8]], bool, &str); 12] = [
        (&[], true, "timeout expired"),
        (&[], false, "server closed the connection unexpectedly"),
        (&[b"N"], true, "timeout expired"),
        (&[b"N"], false, "server closed the connection unexpectedly"),
        (&[b"S"], true, "timeout expired"),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n"], false, "an HTTP server answered, and not PostgreSQL"),
        (&[b"N", OK], true, "timeout expired"),
        (&[b"N", OK], false, "server closed the connection unexpectedly"),
        (&[b"N", MD5], false, "server closed the connection unexpectedly"),
        (
            &[b"N", SCRAM, b"R\0\0\0\x0c\0\0\0\x0bhuh?"],
            true,
            "malformed SCRAM message (attribute \"r\" expected)",
        ),
        (&[b"N", SCRAM, OK], true, "unexpected message of the server during SASL authentication"),
        (&[b"N", SCRAM], false, "server closed the connection unexpectedly"),
    ];
    for (answers, hold, expected) in cases {
        let answers: &'static [&'static [u8]] = Box::leak(answers.to_vec().into_boxed_slice());
        let port = impostor(answers, hold).to_string();
        let limit = if expected == "timeout expired" { "1s" } else { "10s" };
        let began = Instant::now();
        let outcome = Pgconn::new(&["stats", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", limit])
            .env("PGPASSWORD", "s3cret")
            .run()
            .fails_with(3);
        assert!(outcome.stderr.contains(expected), "{answers:?}: {outcome}");
        assert!(!outcome.stderr.contains("s3cret"), "{outcome}");
        assert!(began.elapsed() < Duration::from_secs(10), "{answers:?} took {:?}", began.elapsed());
    }
}

#[test]
fn supavisors_refusals_are_told_apart_by_their_codes() {
    for (text, code, scope, hint) in [
        (
            "(EMAXCONNSESSION) max clients reached in session mode - max clients are limited to pool_size: 15",
            "too_many_connections",
            "pooler",
            "port 6543",
        ),
        (
            "(EMAXCONN) max client connections reached, limit: 200",
            "too_many_connections",
            "pooler",
            "client limit",
        ),
        (
            "(ECHECKOUTTIMEOUT) Pool checkout timeout. Request was dropped",
            "too_many_connections",
            "pooler",
            "had no",
        ),
        ("(ENOTFOUND) tenant/user postgres.abc not found", "auth_failed", "", "-U postgres.REFERENCE"),
        ("(EADDRNOTALLOWED) address not in tenant allow_list: {10, 0, 0, 1}", "auth_failed", "", ""),
        ("(ESSLREQUIRED) SSL connection is required for user: postgres", "tls", "", ""),
        ("Max client connections reached", "too_many_connections", "pooler", "client limit"),
        ("MaxClientsInSessionMode: max clients reached", "too_many_connections", "pooler", "session mode"),
    ] {
        let body = [b"SFATAL\0VFATAL\0CXX000\0M", text.as_bytes(), b"\0\0"].concat();
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        let message: &'static [u8] = [b"E", &length[..], &body].concat().leak();
        let port = impostor(vec![b"N", message].leak(), false).to_string();
        let line = ["stats", "--json", "-h", "127.0.0.1", "-p", &port, "-U", "x"];
        let refused = Pgconn::new(&line).run().fails_with(3);
        let error = &serde_json::from_str::<serde_json::Value>(&refused.stderr).unwrap()["error"];
        let found = (error["code"].as_str().unwrap(), error["scope"].as_str().unwrap_or_default());
        assert_eq!(found, (code, scope), "{refused}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{refused}");
        assert_eq!(error["detail"], "Supavisor says so, a pooler in front of PostgreSQL", "{text}");
    }
}

#[test]
fn a_silent_address_does_not_use_up_the_time_of_the_next() {
    let cluster = with(&[]);
    let silent = impostor(&[], true);
    let hosts =
        format!("host=127.0.0.1,127.0.0.1 port={silent},{} user=postgres dbname=postgres", cluster.port);
    for command in [&["check", "connections"][..], &["metrics"], &["ping"], &["stats"]] {
        let _ = Pgconn::new(&[command, &["-t", "4s", "-d", &hosts]].concat()).run().success();
    }
}

#[test]
fn the_whole_run_of_a_ping_is_bounded() {
    let port = impostor(&[b"N", READY], true).to_string();
    let elapsed = || {
        let began = Instant::now();
        let arguments = ["ping", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", "2s"];
        let ping = Pgconn::new(&arguments).run().fails_with(2);
        assert!(ping.stdout.contains("the first query was not answered within"), "{ping}");
        began.elapsed()
    };
    let shortest = (0..4).map(|_| elapsed()).min().unwrap();
    assert!(shortest < Duration::from_millis(2900), "{shortest:?}");
    // half an answer, and then the end
    let port = impostor(&[b"N", READY, b"T\0\0\0\x1b\0\x01"], false).to_string();
    let lost =
        Pgconn::new(&["ping", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", "30s"]).run().fails_with(2);
    assert!(lost.stdout.contains("the connection to the server was lost"), "{lost}");
}

/// A session that is ready: AuthenticationOk, ParameterStatus, BackendKeyData, ReadyForQuery.
const READY: &[u8] =
    b"R\0\0\0\x08\0\0\0\0S\0\0\0\x19server_version\x0015.18\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02Z\0\0\0\x05I";

#[test]
fn a_server_that_goes_away_or_silent_after_the_login_is_an_error_within_the_limit() {
    // the answer to the first statement, and no more
    const BEGUN: &[u8] = b"C\0\0\0\x0aBEGIN\0";
    const NONSENSE: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let cases: [(&[&[u8]], bool, i32, &str); 7] = [
        (&[b"N", READY], false, 1, "the connection to the server was lost"),
        (&[b"N", READY], true, 1, "did not answer within 1s"),
        (&[b"N", READY, BEGUN], false, 1, "the connection to the server was lost"),
        (&[b"N", READY, BEGUN], true, 1, "did not answer within 1s"),
        (&[b"N", READY, NONSENSE], true, 1, ""),
        (&[b"S"], false, 3, "server closed the connection unexpectedly"),
        (&[b"S", NONSENSE], true, 3, "SSL error"),
    ];
    for (answers, hold, exit, expected) in cases {
        let answers: &'static [&'static [u8]] = Box::leak(answers.to_vec().into_boxed_slice());
        let port = impostor(answers, hold).to_string();
        let mode = if answers[0] == b"S" { "require" } else { "prefer" };
        for command in ["stats", "ping", "check", "metrics"] {
            // Where the words of an answer are compared, the limit must not be faster than it.
            let answered = command == "stats" && !expected.is_empty() && !expected.ends_with("within 1s");
            let limit = if answered { "10s" } else { "1s" };
            let began = Instant::now();
            let outcome = Pgconn::new(&[command, "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", limit])
                .env("PGSSLMODE", mode)
                .run();
            assert!(began.elapsed() < Duration::from_secs(10), "{answers:?} took {:?}", began.elapsed());
            assert_ne!(outcome.code, 0, "{command} {answers:?}: {outcome}");
            if command == "stats" {
                let outcome = outcome.fails_with(exit);
                assert!(outcome.stderr.contains(expected), "{answers:?}: {outcome}");
            }
        }
    }
}

#[test]
fn a_server_that_dribbles_does_not_hold_anybody_up() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                // no TLS, and then a notice without end, byte by byte
                while stream.write_all(b"N").is_ok() {
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
    });
    let began = Instant::now();
    let outcome = Pgconn::new(&["stats", "-h", "127.0.0.1", "-p", &port, "-U", "x", "-t", "1s"]).run();
    let _ = outcome.fails_with(3);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn ping_is_bounded_as_a_whole_however_many_hosts_are_silent() {
    let port = impostor(&[], true);
    let dsn = format!("host=127.0.0.1,127.0.0.1,127.0.0.1 port={port} user=x");
    let began = Instant::now();
    let document = Pgconn::new(&["ping", "--json", "-d", &dsn, "-t", "2s"]).run().fails_with(2).json();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(document["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(document["attempts"][0]["code"], "timeout");
    assert_eq!(
        (&document["target"]["host"], &document["target"]["user"]),
        (&"127.0.0.1".into(), &"x".into())
    );
    // At a terminal, where a password could be asked for, too.
    let began = Instant::now();
    let seen = Pgconn::new(&["ping", "-d", &dsn, "-t", "2s"]).on_terminal().finish().fails_with(2);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}\n{seen}", began.elapsed());
}

#[test]
fn no_bytes_in_arguments_variables_or_files_make_it_panic() {
    let dir = std::env::temp_dir().join(format!("pgconn-junk-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let file = dir.join("file");
    // bytes that mean something to one of the readers, in no order that does; the same ones in every run
    let pieces: [&[u8]; 24] = [
        b"\xff\xfe",
        b"\xc3",
        b"[a]\n",
        b"host=",
        b"host=localhost\n",
        b"port=1\n",
        b"=",
        b":",
        b"\\",
        b"*:*:*:*:",
        b"\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\n",
        b"-----BEGIN X509 CRL-----\n",
        b"-----END X509 CRL-----\n",
        b"AAAA",
        b"\x30\x82\xff\xff",
        b"\x30\x03\x02\x01\x01",
        b"'",
        b"postgresql://",
        b"@[",
        b"%",
        b"\x1b]0;x\x07",
    ];
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for round in 0..60 {
        let junk: Vec<u8> = (0..=next(8)).flat_map(|_| pieces[next(pieces.len())].to_vec()).collect();
        fs::write(&file, &junk).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let text = OsStr::from_bytes(&junk);
        let named = file.as_os_str();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgconn"));
        command.env_clear().env("HOME", &dir).env("PGCONNECT_TIMEOUT", "2").stdin(Stdio::null());
        command.args(["stats", "-w"]);
        match round % 6 {
            0 => command.arg("-d").arg(text),
            1 => command.arg(text),
            2 => command.env("PGSERVICE", "a").env("PGSERVICEFILE", named),
            3 => command.env("PGPASSFILE", named).args(["-h", "127.0.0.1", "-p", "1"]),
            4 => {
                let variables =
                    ["PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGSSLMODE", "PGAPPNAME"];
                command.args(["-t", "1s"]).env(variables[next(variables.len())], text)
            }
            _ => {
                let variables = ["PGSSLROOTCERT", "PGSSLCRL", "PGSSLCERT", "PGSSLKEY"];
                // something that says S to the request for TLS, so that the files are read
                let port = impostor(&[b"S"], false).to_string();
                command.env("PGSSLCERT", named).env(variables[next(variables.len())], named);
                command.args(["-h", "127.0.0.1", "-p", &port]).env("PGSSLMODE", "require")
            }
        };
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        assert!(
            matches!(code, Some(2 | 3)) && !said.contains("panicked"),
            "{round} {junk:?}: {code:?} {said}"
        );
        assert!(!said.contains('\u{1b}') && said.starts_with("error: "), "{round} {junk:?}: {said}");
    }
    fs::remove_dir_all(&dir).unwrap();
}

/// What somebody on the way could have sent: nothing more is said to him, and nothing of his is shown.
#[test]
fn who_does_not_answer_the_question_for_tls_gets_no_login() {
    const REFUSAL: &[u8] = b"E\0\0\0\x19SFATAL\0C53300\0Mfull\0\0";
    for (answer, code, words) in [
        (REFUSAL, "protocol", "server sent an error response during SSL exchange"),
        (b"HTTP/1.1 400 Bad Request\r\n", "not_postgres", "an HTTP server answered, and not PostgreSQL"),
        (b"", "refused", "server closed the connection unexpectedly"),
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let hearing = std::sync::Arc::clone(&heard);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, hearing) = (stream.unwrap(), std::sync::Arc::clone(&hearing));
                let mut part = [0; 4096];
                let count = stream.read(&mut part).unwrap_or(0);
                hearing.lock().unwrap().push(part[..count].to_vec());
                let _ = stream.write_all(answer);
                let _ = stream.shutdown(Shutdown::Write);
                let count = stream.read(&mut part).unwrap_or(0);
                if count > 0 {
                    hearing.lock().unwrap().push(part[..count].to_vec());
                }
            }
        });
        let dsn = format!("host=127.0.0.1 port={port} user=somebody dbname=secret sslmode=prefer");
        let outcome = Pgconn::new(&["stats", "--json", "-w", "-t", "2s", "-d", &dsn]).run().fails_with(3);
        let error = serde_json::from_str::<serde_json::Value>(&outcome.stderr).unwrap()["error"].clone();
        assert_eq!(error["code"], code, "{error:#}");
        assert!(error["message"].as_str().unwrap().ends_with(words), "{error:#}");
        let heard = heard.lock().unwrap().clone();
        assert_eq!(heard, [b"\0\0\0\x08\x04\xd2\x16\x2f"], "{words}");
    }
}
