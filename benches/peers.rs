//! The verdict of `pgconn check` beside those of check_postgres and check_pgactivity, in fifteen states of a server. Equal where they ask
//! what is asked here; each difference is named with its reason, and held: a difference that is gone, or a new one, fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a comparison that cannot be made ends with the reason"
)]

#[expect(dead_code, unused_imports, reason = "the harness of the tests, of which this uses a part")]
#[path = "../tests/common/mod.rs"]
mod common;

use common::{Cluster, Session, with};
use std::process::{Command, ExitCode, Stdio};

/// What a program is asked, and how it is expected to end.
enum Asked {
    /// With these arguments: this exit code.
    With(String, i32),
    /// It has no such question.
    Nothing,
}

/// A state, what each of the three programs is asked about it, and why they do not all end alike, where they do not.
struct State {
    name: &'static str,
    pgconn: (String, i32),
    check_postgres: Asked,
    check_pgactivity: Asked,
    difference: Option<&'static str>,
}

/// Why nobody gets in is worse here.
const OUTAGE: &str = "that no connection is to be had is an outage here, and unknown there";
/// The programs, in the order of the table.
const PROGRAMS: [&str; 3] = ["pgconn", "check_postgres", "check_pgactivity"];

/// How a program ends on a server as a role.
fn code(program: &str, server: &Cluster, role: &str, arguments: &str) -> i32 {
    let port = server.port.to_string();
    let (start, place): (Vec<&str>, String) = match program {
        "pgconn" => (
            vec![env!("CARGO_BIN_EXE_pgconn"), "check"],
            format!("-h {} -p {port} -U {role} -d postgres", server.host()),
        ),
        "check_postgres" => (
            vec!["check_postgres"],
            format!("--host={} --port={port} --dbuser={role} --db=postgres", server.host()),
        ),
        _ => (vec!["check_pgactivity"], format!("-h {} -p {port} -U {role} -d postgres", server.host())),
    };
    // A blank within an argument is written as ~.
    let words = arguments.split(' ').map(|word| word.replace('~', " "));
    let (first, rest) = start.split_first().unwrap();
    let mut command = Command::new(first);
    // check_pgactivity wants to know what it is asked first.
    command.args(rest).args(words).args(place.split(' '));
    command.env("PGCONNECT_TIMEOUT", "5").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let status =
        command.status().unwrap_or_else(|error| panic!("{program}: {error}; ./dev peers fetches it"));
    status.code().unwrap_or(-1)
}

/// Judges one state; prints its row.
fn judge(server: &Cluster, role: &str, state: &State) -> bool {
    let asked = [
        Some((state.pgconn.0.as_str(), state.pgconn.1)),
        given(&state.check_postgres),
        given(&state.check_pgactivity),
    ];
    let mut row = Vec::new();
    let mut is_as_expected = true;
    for (program, asked) in PROGRAMS.into_iter().zip(asked) {
        let Some((arguments, expected)) = asked else {
            row.push("-".to_owned());
            continue;
        };
        let seen = code(program, server, role, arguments);
        is_as_expected &= seen == expected;
        row.push(if seen == expected {
            word(seen).to_owned()
        } else {
            format!("{}, not {}", word(seen), word(expected))
        });
    }
    let mut expected = asked.into_iter().flatten().map(|(_, code)| code);
    let first = expected.next();
    let differs = expected.any(|code| Some(code) != first);
    assert_eq!(
        differs,
        state.difference.is_some(),
        "{}: a difference needs its reason, and only that",
        state.name
    );
    println!("| {} | {} | {} |", state.name, row.join(" | "), state.difference.unwrap_or_default());
    is_as_expected
}

fn given(asked: &Asked) -> Option<(&str, i32)> {
    match asked {
        Asked::With(arguments, code) => Some((arguments, *code)),
        Asked::Nothing => None,
    }
}

const fn word(code: i32) -> &'static str {
    match code {
        0 => "OK",
        1 => "WARNING",
        2 => "CRITICAL",
        3 => "UNKNOWN",
        _ => "no verdict",
    }
}

/// A state in which all that have the question end alike, or not for this reason.
fn state(
    name: &'static str,
    (pgconn, code): (&str, i32),
    check_postgres: Option<(&str, i32)>,
    check_pgactivity: Option<(&str, i32)>,
    difference: Option<&'static str>,
) -> State {
    let asked = |asked: Option<(&str, i32)>| match asked {
        Some((arguments, code)) => Asked::With(arguments.to_owned(), code),
        None => Asked::Nothing,
    };
    State {
        name,
        pgconn: (pgconn.to_owned(), code),
        check_postgres: asked(check_postgres),
        check_pgactivity: asked(check_pgactivity),
        difference,
    }
}

/// Waits until what was begun before is older than a second.
fn grow_old() {
    std::thread::sleep(std::time::Duration::from_millis(2500));
}

fn sessions(server: &Cluster, number: usize, parameters: &[(&str, &str)]) -> Vec<Session> {
    (0..number).map(|_| server.connect(parameters).unwrap()).collect()
}

/// What is asked about the slots.
fn slots(name: &'static str, codes: [i32; 3], difference: Option<&'static str>) -> State {
    let [pgconn, check_postgres, check_pgactivity] = codes;
    state(
        name,
        ("connections --warning connections=80% --critical connections=95%", pgconn),
        Some(("--action=backends --warning=80% --critical=95%", check_postgres)),
        Some(("-s backends -w 80% -c 95%", check_pgactivity)),
        difference,
    )
}

fn of_slots(verdicts: &mut Vec<bool>) {
    let mut server = with(&[("max_connections", "20"), ("superuser_reserved_connections", "3")]);
    server.query("create role app login");
    server.query("create role owner login");
    server.query("create database shop connection limit 4");
    let mut add = |server: &Cluster, role: &str, state: &State| verdicts.push(judge(server, role, state));
    add(&server, "postgres", &slots("1 healthy", [0, 0, 0], None));
    let some = sessions(&server, 13, &[("user", "app")]);
    add(
        &server,
        "postgres",
        &slots(
            "2 over 80 % of what ordinary roles have",
            [1, 0, 1],
            Some("check_postgres counts against max_connections, reserved slots included"),
        ),
    );
    add(
        &server,
        "postgres",
        &state(
            "3 fewer than ten slots left",
            ("free --critical free=10:", 2),
            Some(("--action=backends --warning=-10 --critical=-10", 2)),
            None,
            None,
        ),
    );
    let more = sessions(&server, 4, &[("user", "app")]);
    add(&server, "app", &slots("4 full, for a role without reserved slots", [2, 3, 3], Some(OUTAGE)));
    drop((some, more));
    server.wait_until("(select count(*) < 3 from pg_stat_activity where backend_type = 'client backend')");
    let limited = sessions(&server, 4, &[("user", "owner"), ("database", "shop")]);
    add(
        &server,
        "postgres",
        &slots(
            "5 a database at its CONNECTION LIMIT",
            [2, 0, 0],
            Some("they know no limit of databases and roles"),
        ),
    );
    drop(limited);
    server.stop();
    add(&server, "postgres", &slots("6 not running", [2, 3, 3], Some(OUTAGE)));
}

fn of_ages(verdicts: &mut Vec<bool>) {
    let server =
        with(&[("max_connections", "30"), ("max_prepared_transactions", "4"), ("autovacuum", "off")]);
    server.query("create role plain login");
    server.query("create table t ()");
    let _idle: Vec<Session> = (0..2).map(|_| server.idle_in_transaction(&[], "select 1")).collect();
    let _holder = server.idle_in_transaction(&[], "lock table t");
    let _query = server.active(&[]);
    let _waiting = server.waiting(&[], "select from t");
    let mut session = server.session();
    session.query("begin");
    session.query("create table p ()");
    session.query("prepare transaction 'old'");
    let mut burning = server.session();
    (0..20).for_each(|_| drop(burning.query("select txid_current()")));
    grow_old();
    let mut add = |role: &str, state: &State| verdicts.push(judge(&server, role, state));
    let idle = |name, codes: [i32; 3], difference| {
        state(
            name,
            ("idle-xact --warning idle-xact=1s --critical idle-xact=1h", codes[0]),
            Some(("--action=txn_idle --warning=1 --critical=3600", codes[1])),
            Some(("-s oldest_idlexact -w 1s -c 1h", codes[2])),
            difference,
        )
    };
    add("postgres", &idle("7 a transaction left open", [1, 1, 1], None));
    add(
        "plain",
        &idle(
            "8 the same, for a role that sees nothing",
            [3, 0, 0],
            Some("hidden is not none: they count what they see"),
        ),
    );
    add(
        "postgres",
        &state(
            "9 three of them for over a second",
            ("idle-xact --critical idle-xact=3@1s", 2),
            Some(("--action=txn_idle --warning=3~for~1~seconds --critical=3~for~1~seconds", 2)),
            None,
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "10 a long query",
            ("long-query --warning long-query=1s --critical long-query=1h", 1),
            Some(("--action=query_time --warning=1 --critical=3600", 1)),
            Some(("-s longest_query -w 1s -c 1h", 1)),
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "11 an old transaction",
            ("long-xact --warning long-xact=1s --critical long-xact=1h", 1),
            Some(("--action=txn_time --warning=1 --critical=3600", 1)),
            None,
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "12 a wait for a lock",
            ("states --warning states:waiting=0 --critical states:waiting=9", 1),
            None,
            Some(("-s backends_status -w waiting=1 -c waiting=9", 1)),
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "13 too many in a state",
            ("states --warning states:idle-in-transaction=2 --critical states:idle-in-transaction=9", 1),
            None,
            Some(("-s backends_status -w idle_xact=3 -c idle_xact=9", 1)),
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "14 a prepared transaction",
            ("prepared-xact --warning prepared-xact=1s --critical prepared-xact=1h", 1),
            Some(("--action=prepared_txns --warning=1 --critical=3600", 1)),
            Some(("-s oldest_2pc -w 1s -c 1h", 1)),
            None,
        ),
    );
    add(
        "postgres",
        &state(
            "15 who holds VACUUM back",
            ("oldest-xmin --warning oldest-xmin=10 --critical oldest-xmin=1000", 1),
            None,
            Some(("-s oldest_xmin -w 10 -c 1000", 1)),
            None,
        ),
    );
    session.query("rollback prepared 'old'");
}

fn main() -> ExitCode {
    println!("| state | {} | why they differ |\n|---|---|---|---|---|", PROGRAMS.join(" | "));
    let mut verdicts = Vec::new();
    of_slots(&mut verdicts);
    of_ages(&mut verdicts);
    let wrong = verdicts.iter().filter(|is_as_expected| !**is_as_expected).count();
    println!("\n{} states, {wrong} not as expected", verdicts.len());
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
