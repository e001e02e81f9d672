//! A server that sends without end, more than anybody can hold, or work without end: every run ends in time, within a few
//! megabytes, and says what happened.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgconn");

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    claimed(kind, body.len() + 4, body)
}

/// A message whose length is not that of its body.
fn claimed(kind: u8, length: usize, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &u32::try_from(length).unwrap().to_be_bytes(), body].concat()
}

fn parameter(name: &str, value: &str) -> Vec<u8> {
    message(b'S', format!("{name}\0{value}\0").as_bytes())
}

/// What a server says until it takes questions.
fn welcome() -> Vec<u8> {
    let version = parameter("server_version", "15.18");
    [message(b'R', &[0; 4]), version, message(b'K', &[0; 8]), message(b'Z', b"I")].concat()
}

/// Something that a hostile server says at last, once and then again and again.
#[derive(Clone)]
struct Flood {
    first: Vec<u8>,
    again: Vec<u8>,
}

impl Flood {
    fn of(again: Vec<u8>) -> Self {
        Self { first: Vec::new(), again }
    }

    /// Writes until the other side has had enough.
    fn pour(&self, stream: &mut TcpStream) {
        let many = self.again.repeat(1 + 65_536 / self.again.len().max(1));
        let mut sent = stream.write_all(&self.first);
        while sent.is_ok() && !self.again.is_empty() {
            sent = stream.write_all(&many);
        }
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// A server that gives each of `answers` after something was said to it, and then the flood.
fn server(answers: Vec<Vec<u8>>, flood: Flood) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answers, flood) = (stream.unwrap(), answers.clone(), flood.clone());
            thread::spawn(move || {
                let mut part = [0; 65_536];
                for answer in answers {
                    if !matches!(stream.read(&mut part), Ok(1..)) || stream.write_all(&answer).is_err() {
                        return;
                    }
                }
                if matches!(stream.read(&mut part), Ok(1..)) {
                    flood.pour(&mut stream);
                }
            });
        }
    });
    port
}

/// Runs the program by a line of sh, which is given its arguments.
fn run(line: &str, port: u16, arguments: &[&str]) -> (Output, Duration) {
    let began = Instant::now();
    let output = Command::new("sh")
        .args(["-c", line, PROGRAM])
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PGSSLMODE", "disable")
        .env("PGPASSWORD", "x")
        .env("PGPORT", port.to_string())
        .envs([("PGHOST", "127.0.0.1"), ("PGUSER", "postgres"), ("PGDATABASE", "postgres")])
        .envs([("HOME", "/nonexistent"), ("PGPASSFILE", "/dev/null"), ("LC_ALL", "C.UTF-8")])
        .output()
        .unwrap();
    (output, began.elapsed())
}

#[test]
fn whatever_a_server_sends_a_run_ends_in_time_and_in_little_memory() {
    let text = |length: usize| [&b"SFATAL\0VFATAL\0CXX000\0M"[..], &vec![b'x'; length], b"\0\0"].concat();
    let row = [&[0, 1, 0, 0, 0, 1][..], b"1"].concat();
    let columns = [&[0, 1][..], b"a\0", &[0; 18]].concat();
    let rows = Flood { first: message(b'T', &columns), again: message(b'D', &row) };
    let huge = |kind| Flood { first: claimed(kind, 100 << 20, b"SFATAL\0M"), again: vec![b'x'; 65_536] };
    let notice = message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mhuh\0\0");
    let authenticated = message(b'R', &[0; 4]);
    let after = |first: &[u8], flood: &Flood| Flood {
        first: [first, &flood.first].concat(),
        again: flood.again.clone(),
    };
    let at_login: [(&str, Flood, &str); 6] = [
        ("an error of 100 MB", huge(b'E'), "the server began an error of 104857600 bytes"),
        ("an error of 100 MB, authenticated", after(&authenticated, &huge(b'E')), "104857600 bytes"),
        ("a parameter of 100 MB", after(&authenticated, &huge(b'S')), "104857600 bytes"),
        ("parameters", after(&authenticated, &Flood::of(parameter("a", "b"))), "more than 1000 parameters"),
        ("notices", after(&authenticated, &Flood::of(notice.clone())), "more than 10000 notices"),
        ("rows", after(&authenticated, &rows), ""),
    ];
    let at_question: [(&str, Flood, &str); 6] = [
        ("an error of 100 MB", huge(b'E'), "104857600 bytes"),
        ("a row of 100 MB", huge(b'D'), "104857600 bytes"),
        ("parameters", Flood::of(parameter("a", "b")), "more than 1000 parameters"),
        ("notices", Flood::of(notice), "more than 10000 notices"),
        ("rows", rows, ""),
        ("an error of 1 MB", Flood { first: message(b'E', &text(1_000_000)), again: Vec::new() }, "xxx…"),
    ];
    let cases = at_login.map(|(name, flood, words)| (name, Vec::new(), flood, words)).into_iter();
    let cases = cases.chain(at_question.map(|(name, flood, words)| (name, vec![welcome()], flood, words)));
    for (name, answers, flood, words) in cases {
        let port = server(answers.clone(), flood);
        for command in ["stats", "ping", "check"] {
            // 64 MiB of data in all
            let (output, took) = run("ulimit -d 65536; exec \"$0\" \"$@\"", port, &[command, "-t", "2s"]);
            let said =
                [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let said = said.concat();
            let case = format!("{command}, {name}, {} answers, {took:?}: {:.400}", answers.len(), said);
            assert!(matches!(output.status.code(), Some(1..=3)), "{:?} {case}", output.status);
            assert!(took < Duration::from_secs(4), "{case}");
            assert!(said.contains(words) && said.len() < 40_000, "{case}");
            if words.contains("more than") || words.contains("104857600") {
                assert!(took < Duration::from_secs(2), "it need not wait: {case}");
            }
        }
    }
}

/// What describes so many columns.
fn described(columns: u16) -> Vec<u8> {
    let each = [&b"a\0"[..], &[0; 18]].concat().repeat(columns.into());
    message(b'T', &[&columns.to_be_bytes()[..], &each].concat())
}

/// A row of so many cells of so many bytes.
fn row(columns: u16, bytes: usize) -> Vec<u8> {
    let cell = [&u32::try_from(bytes).unwrap().to_be_bytes()[..], &vec![b'a'; bytes]].concat();
    message(b'D', &[&columns.to_be_bytes()[..], &cell.repeat(columns.into())].concat())
}

#[test]
fn rows_of_every_shape_take_no_more_than_the_command_is_entitled_to() {
    let rows = |columns, bytes| Flood { first: described(columns), again: row(columns, bytes) };
    let nulls = [&30_u16.to_be_bytes()[..], &[0xff; 120]].concat();
    let answer = [described(3), row(3, 1), message(b'C', b"SELECT 1\0")].concat();
    let shapes = [
        ("60,000 columns", rows(60_000, 1)),
        ("1,000 columns", rows(1_000, 1)),
        ("100 columns", rows(100, 1)),
        ("nulls", Flood { first: described(30), again: message(b'D', &nulls) }),
        ("no columns", rows(0, 0)),
        ("1 MB", rows(1, 1_000_000)),
        ("60 MB", rows(1, 60_000_000)),
        ("answers", Flood::of(answer)),
    ];
    // In MiB of data, with 64 for the program itself; where rows are read as they come in, it holds fewer.
    let commands = [
        ("ping", 64),
        ("check", 64 + 24),
        ("metrics", 64 + 24),
        ("pooler", 64 + 24),
        ("stats", 64),
        ("kill --app x", 64 + 64),
        ("show 1", 64 + 64),
        ("blockers --json", 64),
        ("ls", 64),
        ("ls --json", 64),
    ];
    for (name, flood) in shapes {
        let port = server(vec![welcome()], flood);
        for (command, most) in commands {
            let line = format!("ulimit -d {}; exec \"$0\" \"$@\" -t 1s", most * 1024);
            let (output, took) = run(&line, port, &command.split(' ').collect::<Vec<_>>());
            let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            let case = format!("{command}, {name}, {took:?}: {said:.400}");
            assert!(matches!(output.status.code(), Some(1..=3)), "{:?} {case}", output.status);
            assert!(took < Duration::from_secs(3), "{case}");
            let too_wide = match name {
                "60,000 columns" => "began a message of 1200006 bytes",
                "1,000 columns" => "an answer of 1000 columns, and 100 is the most",
                "60 MB" => "began a row of 60000010 bytes",
                _ => "",
            };
            assert!(said.contains(too_wide), "{case}");
        }
    }
}

/// That it is ready for the next query is no answer to this one.
#[test]
fn a_server_that_answers_without_a_row_is_not_accepting() {
    let port = server(vec![welcome()], Flood { first: message(b'Z', b"I"), again: Vec::new() });
    let (output, _) = run("exec \"$0\" \"$@\"", port, &["ping", "-t", "2s", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_ne!(output.status.code(), Some(0), "{document}");
    assert!(document.to_string().contains("\"protocol\""), "{document}");
}

#[test]
fn what_is_too_much_has_a_code_of_its_own() {
    let flood = Flood::of(parameter("a", "b"));
    for answers in [Vec::new(), vec![welcome()]] {
        let first = if answers.is_empty() { message(b'R', &[0; 4]) } else { Vec::new() };
        let port = server(answers, Flood { first, ..flood.clone() });
        let (output, _) = run("exec \"$0\" \"$@\"", port, &["stats", "--json"]);
        let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(error["error"]["code"], "protocol", "{error}");
    }
}

#[test]
fn the_rounds_of_a_rogue_scram_end_with_the_try() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut part = [0; 4096];
                let _ = stream.read(&mut part).unwrap();
                stream.write_all(&message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0")).unwrap();
                let count = stream.read(&mut part).unwrap();
                let first = String::from_utf8_lossy(&part[..count]).into_owned();
                let nonce = first.split_once("r=").unwrap().1;
                let challenge = format!("\0\0\0\x0br={nonce}more,s=W22Z,i=2147483647");
                stream.write_all(&message(b'R', challenge.as_bytes())).unwrap();
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    let line = "\"$0\" \"$@\"; times";
    let (output, took) = run(line, port, &["stats", "-t", "200ms", "--connect-wait", "4s"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the server asks for 2147483647 rounds of SCRAM to prove the password"), "{said}");
    let times = String::from_utf8_lossy(&output.stdout).into_owned();
    let of_the_program = times.lines().next_back().unwrap().split_whitespace();
    let seconds = |time: &str| {
        let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
        minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
    };
    let busy: f64 = of_the_program.map(seconds).sum();
    assert!(took > Duration::from_secs(4) && busy < 2.5, "{busy} s of CPU in {took:?}");
}
