//! What was probably meant by a word that no command takes. Knows words, and no commands.

use crate::model::quote;

/// The flag of pgconn for a column of `pg_stat_activity`, or for what other tools call it.
pub(super) fn flag(typed: &str) -> Option<&'static str> {
    let name = typed.strip_prefix("--")?.replace('-', "_");
    Some(match name.as_str() {
        "usename" | "rolname" => "--role selects sessions by their role, -U (--username) says who logs in",
        "datname" => "--db selects sessions by their database, -d (--dbname) says where to connect",
        "application" | "application_name" | "appname" => "--app selects sessions by their application",
        "client_addr" | "ip" => "--client selects sessions by their client's address",
        _ => return None,
    })
}

/// A negative number, or a negative time, where flags take none; `flag` is the flag before it.
pub(super) fn negative(flag: &str, typed: &str, value_name: &str) -> Option<String> {
    let time = positive(typed)?;
    match value_name {
        name if name.contains("DUR") => Some(format!("no time is negative: write {flag} {time}")),
        "PORT" => Some(format!("a port is 1 or more: write {flag} 5432")),
        "N" => Some(format!("it must be 1 or more: write it like {flag} 10")),
        _ => None,
    }
}

/// The time that is meant by a negative one.
pub(super) fn positive(typed: &str) -> Option<String> {
    let digits =
        typed.strip_prefix('-').filter(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))?;
    let is_number = digits.chars().all(|character| character.is_ascii_digit());
    Some(if is_number { format!("{digits}s") } else { digits.to_owned() })
}

/// What stands where pids and session ids are named.
pub(super) fn named(command: &str, typed: &str, words: &[&str]) -> Option<String> {
    let is_pid = |word: &str| !word.is_empty() && word.chars().all(|character| character.is_ascii_digit());
    if typed.split(',').filter(|part| !part.is_empty()).all(is_pid) && typed.contains(',') {
        let pids: Vec<&str> = typed.split(',').filter(|part| !part.is_empty()).collect();
        return match pids.first() {
            Some(first) if command.ends_with(" show") => {
                Some(format!("one session at a time: {command} {first}"))
            }
            Some(_) => Some(format!("blanks stand between pids: {command} {}", pids.join(" "))),
            None => None,
        };
    }
    if ["pid", "--pid", "--pids", "--session", "session"].contains(&typed) {
        let after = words.iter().skip_while(|word| **word != typed).skip(1).take_while(|word| is_pid(word));
        let pids: Vec<&str> = after.copied().collect();
        let pids = if pids.is_empty() { "PID".to_owned() } else { pids.join(" ") };
        return Some(format!("pids stand as words of their own: {command} {pids}"));
    }
    let before = words.iter().position(|word| *word == typed).and_then(|at| words.get(at.checked_sub(2)?));
    if typed == "in" && before.is_some_and(|flag| *flag == "--state") {
        return Some(
            "a state of several words is one in quotes, or with hyphens: --state idle-in-transaction".into(),
        );
    }
    None
}

/// A name where a session was expected.
pub(super) fn name(typed: &str) -> String {
    let name = quote::shell(typed);
    format!(
        "--db {name} selects the sessions of a database, --role {name} those of a role, --app {name} those of an application; -d {name} \
         connects to it"
    )
}

/// A word where a command was expected, `near` which is one.
pub(super) fn command(typed: &str, near: Option<&str>) -> String {
    let word = quote::shell(typed);
    match near {
        _ if typed.contains('=') => format!("a connection string stands behind -d: pgconn stats -d {word}"),
        // A word as long as that is hardly the name of a database.
        Some(near) if typed.len() > 5 => format!("did you mean {near}?"),
        Some(near) => {
            format!("did you mean {near}? to connect to a database, write -d: pgconn stats -d {word}")
        }
        None => format!(
            "pgconn --help lists the commands; to connect to a database, write -d: pgconn stats -d {word}"
        ),
    }
}
