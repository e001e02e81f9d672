//! Servers that play a script: half a message, messages in the wrong order, TLS that stalls, a proof that is left out. Every run
//! ends in time, is classified, and gives away no more than it has to.

use crate::common::Pgconn;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

/// One thing that a server does after the client has said something.
#[derive(Clone, Debug)]
enum Step {
    Say(Vec<u8>),
    /// The first message of SCRAM's server, with this field in place of the right one.
    Challenge(&'static str),
    /// Ends what it says.
    Close,
}

/// The name, `sslmode`, what is done one after the other, the code that comes of it, and a part of the message.
type Script = (&'static str, &'static str, Vec<Step>, &'static str, &'static str);

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    claimed(kind, body.len() + 4, body)
}

/// A message whose length is not that of its body.
fn claimed(kind: u8, length: usize, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u32::try_from(length).unwrap().to_be_bytes(), body].concat()
}

fn auth(code: u8, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&[0, 0, 0, code], rest].concat())
}

fn error(sqlstate: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0VFATAL\0C{sqlstate}\0M{text}\0\0").as_bytes())
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn welcome() -> Vec<u8> {
    let version = message(b'S', b"server_version\x0015.0\0");
    [auth(0, b""), version, message(b'K', &[0; 8]), ready()].concat()
}

/// The message that negotiates the version of the protocol, and has no options, but perhaps bytes in their place.
fn version(version: u32, more: &[u8]) -> Vec<u8> {
    message(b'v', &[&version.to_be_bytes()[..], &[0; 4], more].concat())
}

fn scram() -> Step {
    Step::Say(auth(10, b"SCRAM-SHA-256\0\0"))
}

/// What goes wrong before anybody is let in.
fn logins() -> Vec<Script> {
    use Step::{Challenge, Close, Say};
    let say = |bytes: &[u8]| Say(bytes.to_vec());
    let wrong = error("28P01", "password authentication failed for user \"u\"");
    let (off, on, maybe) = ("disable", "require", "prefer");
    vec![
        ("nothing, and closed", off, vec![Close], "refused", "closed the connection"),
        ("half a head", off, vec![say(b"R\0"), Close], "refused", "closed the connection"),
        (
            "half a request",
            off,
            vec![Say(auth(5, b"salt")[..10].to_vec()), Close],
            "refused",
            "closed the connection",
        ),
        (
            "half a request, and silence",
            off,
            vec![Say(auth(5, b"salt")[..10].to_vec())],
            "timeout",
            "does not finish the login",
        ),
        ("a request of no length", off, vec![say(b"R\0\0\0\0")], "not_postgres", ""),
        ("a request of length 4", off, vec![say(b"R\0\0\0\x04")], "not_postgres", ""),
        ("a request of 2 GB", off, vec![say(b"R\x7f\xff\xff\xff")], "not_postgres", ""),
        ("half an error", off, vec![Say(error("53300", "full")[..9].to_vec()), Close], "refused", ""),
        (
            "an error without an end",
            off,
            vec![Say(claimed(b'E', 60, b"SFATAL\0C53300\0Mfull\0"))],
            "timeout",
            "",
        ),
        (
            "an error of the old form",
            off,
            vec![say(b"Ecould not fork\n\0")],
            "server_error",
            "could not fork",
        ),
        ("an error of the old form without an end", off, vec![say(b"Ecould not fork")], "timeout", ""),
        ("an error without fields", off, vec![Say(message(b'E', b"\0\0\0\0"))], "protocol", ""),
        ("HTTP", off, vec![say(b"HTTP/1.1 400 Bad Request\r\n\r\n")], "not_postgres", "an HTTP server"),
        ("SSH", off, vec![say(b"SSH-2.0-OpenSSH_9\r\n")], "not_postgres", "an SSH server"),
        ("zeros", off, vec![Say(vec![0; 64])], "not_postgres", ""),
        ("a notice first", off, vec![Say(message(b'N', b"SNOTICE\0Mhuh\0\0"))], "not_postgres", ""),
        ("ready before the login", off, vec![Say(ready())], "not_postgres", ""),
        ("a row before the login", off, vec![Say(message(b'D', &[0, 0]))], "not_postgres", ""),
        (
            "a newer protocol, and silence",
            off,
            vec![Say(version(2, b""))],
            "timeout",
            "does not finish the login",
        ),
        (
            "a newer protocol, and closed",
            off,
            vec![Say(version(2, b"")), Close],
            "refused",
            "closed the connection",
        ),
        (
            "half a version",
            off,
            vec![Say(version(2, b"")[..9].to_vec()), Close],
            "refused",
            "closed the connection",
        ),
        ("a version of 2 GB", off, vec![say(b"v\x7f\xff\xff\xff")], "protocol", "cannot be read"),
        ("a version and less options", off, vec![Say(version(2, b"x\0"))], "protocol", "cannot be read"),
        (
            "options nobody asked for",
            off,
            vec![Say(message(b'v', b"\0\0\0\0\0\0\0\x01_pq_.x\0"))],
            "protocol",
            "not asked for: _pq_.x",
        ),
        ("another protocol", off, vec![Say(version(4 << 16, b""))], "protocol", "speaks version 4.0"),
        (
            "a version, and again",
            off,
            vec![Say([version(2, b""), version(2, b"")].concat())],
            "protocol",
            "for which it is too late",
        ),
        (
            "a version after the request",
            off,
            vec![Say(auth(5, b"salt")), Say(version(2, b""))],
            "protocol",
            "for which it is too late",
        ),
        (
            "SCRAM, and a version",
            off,
            vec![scram(), Say(version(2, b""))],
            "protocol",
            "(3.2), for which it is too late",
        ),
        ("kerberos", off, vec![Say(auth(2, b""))], "auth_failed", "kerberos"),
        ("gss", off, vec![Say(auth(7, b""))], "auth_failed", "gss"),
        ("an unknown request", off, vec![Say(auth(99, b""))], "auth_failed", "unknown"),
        ("md5 without salt", off, vec![Say(auth(5, b"")), Close], "auth_failed", ""),
        ("md5, and closed", off, vec![Say(auth(5, b"salt")), Close], "refused", ""),
        (
            "md5, and wrong",
            off,
            vec![Say(auth(5, b"salt")), Say(wrong.clone())],
            "auth_failed",
            "password authentication failed",
        ),
        ("clear, and asked again", off, vec![Say(auth(3, b"")), Say(auth(3, b"")), Close], "protocol", ""),
        ("SASL without a mechanism", off, vec![Say(auth(10, b"\0"))], "auth_failed", "SASL"),
        ("SASL with another mechanism", off, vec![Say(auth(10, b"SCRAM-SHA-1\0\0"))], "auth_failed", "SASL"),
        ("SASL bound without TLS", off, vec![Say(auth(10, b"SCRAM-SHA-256-PLUS\0\0"))], "auth_failed", ""),
        ("SCRAM, and closed", off, vec![scram(), Close], "refused", ""),
        (
            "SCRAM, and let in at once",
            off,
            vec![scram(), Say(welcome())],
            "auth_failed",
            "unexpected message",
        ),
        (
            "SCRAM, and another request",
            off,
            vec![scram(), Say(auth(3, b""))],
            "auth_failed",
            "unexpected message",
        ),
        (
            "SCRAM, and nonsense",
            off,
            vec![scram(), Say(auth(11, b"nonsense"))],
            "auth_failed",
            "malformed SCRAM",
        ),
        ("SCRAM, and no text", off, vec![scram(), Say(auth(11, b"r=\xff\xfe"))], "auth_failed", ""),
        (
            "SCRAM, and another's nonce",
            off,
            vec![scram(), Say(auth(11, b"r=other,s=W22Z,i=4096"))],
            "auth_failed",
            "nonce mismatch",
        ),
        ("SCRAM, and no rounds", off, vec![scram(), Challenge("i=0")], "auth_failed", "iteration count"),
        (
            "SCRAM, and rounds without number",
            off,
            vec![scram(), Challenge("i=many")],
            "auth_failed",
            "iteration count",
        ),
        (
            "SCRAM, and a salt that is none",
            off,
            vec![scram(), Challenge("s=?")],
            "auth_failed",
            "invalid salt",
        ),
        (
            "SCRAM, and endless work",
            off,
            vec![scram(), Challenge("i=2147483647")],
            "timeout",
            "rounds of SCRAM",
        ),
        (
            "SCRAM, and more in the challenge",
            off,
            vec![scram(), Challenge("i=2,x=y")],
            "auth_failed",
            "garbage",
        ),
        (
            "SCRAM, and the proof left out",
            off,
            vec![scram(), Challenge(""), Say(welcome())],
            "auth_failed",
            "unexpected message",
        ),
        (
            "SCRAM, and another's proof",
            off,
            vec![scram(), Challenge(""), Say(auth(12, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))],
            "auth_failed",
            "incorrect server signature",
        ),
        (
            "SCRAM, and an error in it",
            off,
            vec![scram(), Challenge(""), Say(auth(12, b"e=other-error"))],
            "auth_failed",
            "other-error",
        ),
        (
            "SCRAM, and half of the proof",
            off,
            vec![scram(), Challenge(""), Say(auth(12, b"v=6r")[..9].to_vec()), Close],
            "refused",
            "",
        ),
        (
            "SCRAM, and wrong",
            off,
            vec![scram(), Challenge(""), Say(wrong)],
            "auth_failed",
            "password authentication failed",
        ),
        ("no answer to TLS", maybe, vec![Close], "refused", "closed the connection"),
        (
            "an error to TLS",
            maybe,
            vec![Say(error("53300", "full"))],
            "protocol",
            "error response during SSL exchange",
        ),
        ("HTTP to TLS", maybe, vec![say(b"HTTP/1.1 400\r\n\r\n")], "not_postgres", "an HTTP server"),
        (
            "plain text after yes",
            on,
            vec![Say([b"S", &welcome()[..]].concat())],
            "protocol",
            "unencrypted data after SSL response",
        ),
        ("TLS that stalls", on, vec![say(b"S")], "timeout", ""),
        ("TLS that ends", on, vec![say(b"S"), Close], "refused", "closed the connection"),
        ("no TLS", on, vec![say(b"N")], "tls", "does not support SSL"),
        (
            "a TLS alert",
            on,
            vec![say(b"S"), say(b"\x15\x03\x03\0\x02\x02\x28")],
            "tls",
            "no TLS method in common",
        ),
        ("another program in TLS", on, vec![say(b"S"), say(b"HTTP/1.1 400\r\n\r\n")], "tls", "SSL error"),
    ]
}

/// What goes wrong when somebody has been let in.
fn sessions() -> Vec<Script> {
    use Step::{Close, Say};
    let after = |more: Vec<u8>| Say([auth(0, b""), more].concat());
    let off = "disable";
    let columns = message(b'T', &[&[0, 1][..], b"a\0", &[0; 18]].concat());
    vec![
        ("let in, and closed", off, vec![after(Vec::new()), Close], "refused", ""),
        ("let in, and silence", off, vec![after(Vec::new())], "timeout", ""),
        (
            "let in, and refused",
            off,
            vec![after(error("3D000", "database \"d\" does not exist"))],
            "no_such_database",
            "",
        ),
        ("half a parameter", off, vec![after(claimed(b'S', 40, b"server_ver")), Close], "refused", ""),
        ("a parameter without an end", off, vec![after(message(b'S', b"server_version"))], "refused", ""),
        ("a version when let in", off, vec![after(version(2, b""))], "protocol", "for which it is too late"),
        ("a long cancel key, and closed", off, vec![after(message(b'K', &[7; 36])), Close], "refused", ""),
        ("half a long cancel key", off, vec![after(claimed(b'K', 264, &[7; 90])), Close], "refused", ""),
        (
            "an endless cancel key",
            off,
            vec![after(claimed(b'K', 265, &[7; 90]))],
            "protocol",
            "a cancel key of 257 bytes",
        ),
        (
            "half a cancel key",
            off,
            vec![after(message(b'K', &[7; 5]))],
            "protocol",
            "a cancel key of 1 bytes",
        ),
        ("a message that nobody knows", off, vec![after(message(b'?', b"x"))], "protocol", ""),
        ("a row in place of ready", off, vec![after(message(b'D', &[0, 0])), Close], "protocol", ""),
        ("no answer to the question", off, vec![Say(welcome())], "timeout", "not answered"),
        ("the end in place of an answer", off, vec![Say(welcome()), Close], "connection_lost", ""),
        (
            "half an answer",
            off,
            vec![Say(welcome()), Say(columns[..9].to_vec()), Close],
            "connection_lost",
            "",
        ),
        (
            "rows of no columns",
            off,
            vec![Say(welcome()), Say([message(b'D', &[0, 1, 0, 0, 0, 9, b'x']), ready()].concat()), Close],
            "",
            "",
        ),
        ("a copy", off, vec![Say(welcome()), Say(message(b'G', &[0, 0, 0])), Close], "", ""),
    ]
}

fn play(mut stream: TcpStream, steps: &[Step]) {
    let mut part = [0; 65_536];
    let mut nonce = String::new();
    for step in steps.iter().take_while(|step| !matches!(step, Step::Close)) {
        let said = match stream.read(&mut part) {
            Ok(count @ 1..) => &part[..count],
            _ => return,
        };
        let text = String::from_utf8_lossy(said).into_owned();
        if let Some((_, own)) = text.split_once("n=,r=") {
            own.clone_into(&mut nonce);
        }
        let sent = match step {
            Step::Say(bytes) => stream.write_all(bytes),
            Step::Challenge(change) => {
                let field = |name: &str, right: &str| {
                    let own = Some(*change).filter(|change| change.starts_with(name));
                    own.map_or(format!("{name}{right}"), str::to_owned)
                };
                let text = format!("r={nonce}more,{},{}", field("s=", "W22Z"), field("i=", "4096"));
                stream.write_all(&auth(11, text.as_bytes()))
            }
            Step::Close => return,
        };
        if sent.is_err() {
            return;
        }
    }
    if matches!(steps, [.., Step::Close]) {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let _ = stream.read_to_end(&mut Vec::new());
}

fn server(steps: Vec<Step>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let steps = steps.clone();
            thread::spawn(move || play(stream.unwrap(), &steps));
        }
    });
    port
}

/// What is wrong with the end of this script, if anything is.
fn outcome((name, mode, steps, code, words): Script) -> Option<String> {
    let port = server(steps);
    let dsn = format!("host=127.0.0.1 port={port} user=u dbname=d password=x sslmode={mode}");
    let began = Instant::now();
    let outcome = Pgconn::new(&["ping", "--json", "-w", "-t", "1500ms", "-d", &dsn]).run();
    let took = began.elapsed();
    let document = outcome.json();
    let last = document["attempts"].as_array().unwrap().last().unwrap().clone();
    let (found, said) =
        (last["code"].as_str().unwrap_or_default(), last["error"].as_str().unwrap_or_default());
    let is_as_expected = (code.is_empty() || found == code) && said.contains(words);
    let is_bounded = took < Duration::from_secs(6) && (1..=2).contains(&outcome.code);
    (!is_as_expected || !is_bounded || outcome.stderr.contains("panicked"))
        .then(|| format!("{name}: {took:?}, exit {}, {found}: {said}", outcome.code))
}

#[test]
fn whatever_script_a_server_plays_the_run_ends_in_time_and_is_classified() {
    let scripts: Vec<Script> = logins().into_iter().chain(sessions()).collect();
    assert!(scripts.len() >= 58, "{}", scripts.len());
    let waiting = Mutex::new(scripts);
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                loop {
                    let Some(script) = waiting.lock().unwrap().pop() else { return };
                    wrong.lock().unwrap().extend(outcome(script));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
