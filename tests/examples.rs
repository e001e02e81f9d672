//! The stories of `pgconn-examples(7)`: every command that they show is given to a server in the state that they tell of, and prints what
//! they show, numbers and ages aside. `PGCONN_BLESS=1` (`./dev bless`) writes what is printed into them; to be read before it is kept.

use super::common::{Cluster, Pgconn, Session, with};
use std::fs;
use std::path::{Path, PathBuf};

/// The columns of a page on a terminal of 80, without its indent, where a pid has five digits.
const COLUMNS: u16 = 70;
/// How long the incident has gone on when it is looked at: an age takes the same room each time.
const AGE: &str = "12 s";

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/man/examples.txt")
}

/// A part of the page: text, or a command with what it printed.
enum Part {
    Text(String),
    Run(String, Vec<String>),
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for line in text.lines() {
        let printed = line.strip_prefix("    ");
        match (printed.and_then(|printed| printed.strip_prefix("$ ")), printed, parts.last_mut()) {
            (Some(typed), _, _) => parts.push(Part::Run(typed.to_owned(), Vec::new())),
            (None, Some(printed), Some(Part::Run(_, output))) => output.push(printed.to_owned()),
            // An empty line belongs to what was printed when more of that follows.
            (None, None, Some(Part::Run(_, output))) if line.is_empty() => output.push(String::new()),
            (_, _, Some(Part::Text(text))) => *text += &format!("{line}\n"),
            _ => parts.push(Part::Text(format!("{line}\n"))),
        }
    }
    for part in &mut parts {
        if let Part::Run(_, output) = part {
            while output.last().is_some_and(String::is_empty) {
                output.pop();
            }
        }
    }
    parts
}

/// The shop at the moment of the incident: the import holds a row and does nothing, the storefront waits for it.
fn shop() -> (Cluster, i32, Vec<Session>) {
    let server = with(&[("max_connections", "15")]);
    for statement in ["create database shop", "create role web login", "create role batch login"] {
        server.query(statement);
    }
    let of = |user, application| [("database", "shop"), ("user", user), ("application_name", application)];
    let mut admin = server.connect(&[("database", "shop")]).unwrap();
    for statement in [
        "create table orders (id int primary key, seen bool, paid bool)",
        "insert into orders select id from generate_series(1, 10) id",
        "grant all on orders to web, batch",
    ] {
        admin.query(statement);
    }
    drop(admin);
    server.wait_until("not exists (select from pg_stat_activity where datname = 'shop')");
    let import = server
        .idle_in_transaction(&of("batch", "nightly-import"), "update orders set seen = true where id = 7");
    let pid = import.pid;
    let mut sessions = vec![import];
    for _ in 0..3 {
        sessions.push(server.waiting(&of("web", "storefront"), "update orders set paid = true where id = 7"));
    }
    let idle = [("web", "storefront"); 5].into_iter().chain([("batch", "reports")]);
    for (user, application) in idle {
        let mut idle = server.connect(&of(user, application)).unwrap();
        idle.query("select count(*) from orders");
        sessions.push(idle);
    }
    (server, pid, sessions)
}

/// The words of a line without what differs from run to run: numbers and ages.
fn lasting(line: &str) -> Vec<String> {
    let is_number = |character: char| character.is_ascii_digit() || ".:%hmsdZ-".contains(character);
    let hexadecimal = |part: &str| part.len() > 2 && part.chars().all(|digit| digit.is_ascii_hexdigit());
    let words = line.split_whitespace().map(|word| {
        let bare = word.trim_matches(|end: char| "(),;:'".contains(end));
        let is_id = bare.split_once('.').is_some_and(|(start, pid)| hexadecimal(start) && hexadecimal(pid));
        let counts = bare.starts_with(|first: char| first.is_ascii_digit()) && bare.chars().all(is_number);
        if is_id || counts { word.replace(bare, "#") } else { word.to_owned() }
    });
    let mut words: Vec<String> = words.collect();
    words.dedup();
    words
}

/// Whether both are the same words; what is cut (…) is the same as far as it goes.
fn are_same(left: &[String], right: &[String]) -> bool {
    // From the ends on: whether what is left of both, from these places on, is the same.
    let mut same = vec![vec![false; right.len() + 1]; left.len() + 1];
    same[left.len()][right.len()] = true;
    for at in (0..left.len()).rev() {
        for to in (0..right.len()).rev() {
            let (one, other) = (&left[at], &right[to]);
            let is_cut = one.ends_with('…') || other.ends_with('…');
            let (short, long) = (one.trim_end_matches('…'), other.trim_end_matches('…'));
            let begins = is_cut && (short.starts_with(long) || long.starts_with(short));
            let rest = |from: usize, to: usize| same[from..].iter().any(|row| row[to..].contains(&true));
            same[at][to] = one == other && same[at + 1][to + 1] || begins && rest(at + 1, to + 1);
        }
    }
    same[0][0]
}

/// The words of each paragraph: where its lines are broken depends on how many digits a pid has.
fn paragraphs(lines: &[String]) -> Vec<Vec<String>> {
    lines.split(String::is_empty).map(|lines| lasting(&lines.join(" "))).collect()
}

fn are_alike(printed: &[String], shown: &[String]) -> bool {
    let (printed, shown) = (paragraphs(printed), paragraphs(shown));
    printed.len() == shown.len() && printed.iter().zip(&shown).all(|(left, right)| are_same(left, right))
}

#[test]
fn stories_are_told_as_they_happen() {
    let bless = std::env::var_os("PGCONN_BLESS").is_some();
    let written = fs::read_to_string(path()).unwrap();
    let (server, pid, sessions) = shop();
    if server.major() < 14 {
        // It says of no wait when it began, so that every age would be told as a bound.
        return;
    }
    server.wait_until(&format!("(select bool_and(state_change < now() - interval '{AGE}') from pg_stat_activity where datname = 'shop')"));
    let columns = COLUMNS + u16::try_from(pid.to_string().len()).unwrap() - 5;
    let folder = server.dir.join("stories");
    fs::create_dir(&folder).unwrap();
    let (mut told, mut faults) = (String::new(), Vec::new());
    for part in parts(&written) {
        let (typed, shown) = match part {
            Part::Text(text) => {
                told += &text;
                continue;
            }
            Part::Run(typed, shown) => (typed, shown),
        };
        let words: Vec<&str> = typed.split(' ').collect();
        let number = words.iter().find(|word| {
            word.len() > 2 && word.chars().all(|digit| digit.is_ascii_digit()) && **word != "100"
        });
        let typed = number.map_or_else(|| typed.clone(), |number| typed.replace(number, &pid.to_string()));
        let arguments: Vec<&str> = typed.split(' ').skip(1).collect();
        let run = Pgconn::new(&arguments).on(&server).env("PGDATABASE", "shop").dir(&folder);
        let outcome = run.on_terminal_of(columns, 60).finish();
        let printed = outcome.stdout.replace('\r', "").replace(server.host(), "/run/postgresql");
        let printed = printed.replace(&format!(":{}", server.port), ":5432");
        let printed: Vec<String> =
            printed.trim_end().lines().map(|line| line.trim_end().to_owned()).collect();
        if !are_alike(&printed, &shown) {
            faults.push(format!(
                "{typed}\n{}\n--- is written down as\n{}",
                printed.join("\n"),
                shown.join("\n")
            ));
        }
        assert!(outcome.code < 3, "{typed}: {outcome}");
        told += &format!("    $ {typed}\n");
        for line in printed {
            told += format!("    {line}").trim_end();
            told += "\n";
        }
        told += "\n";
    }
    drop(sessions);
    if bless {
        if !faults.is_empty() {
            fs::write(path(), told.trim_end().to_owned() + "\n").unwrap();
        }
        return;
    }
    assert!(faults.is_empty(), "run ./dev bless, and read what it writes:\n{}", faults.join("\n\n"));
}
