//! What is proposed leads to the same server, whatever the names in it.

use std::process::Command;

use crate::common::{Outcome, Pgconn, with};

/// A name with a command in it.
const NAME: &str = "pgconn app; x";

/// What a shell makes of a proposed line, with the program that is tested.
fn pasted(line: &str) -> String {
    let rest = line.strip_prefix("pgconn ").unwrap_or_else(|| panic!("{line} is no command"));
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("\"$PROGRAM\" {rest}")).env_clear();
    let output = shell.env("PROGRAM", env!("CARGO_BIN_EXE_pgconn")).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}\n{stdout}{stderr}");
    stdout
}

#[test]
fn a_name_is_never_a_command() {
    let server = with(&[("max_connections", "20")]);
    server.query(&format!("create role \"{NAME}\" login connection limit 2"));
    server.query(&format!("create database \"{NAME}\""));
    let port = server.port.to_string();
    let run = |command: &[&str], user: &str| {
        let place = ["-h", server.host(), "-p", &port, "-U", user, "-d", NAME];
        Pgconn::new(&[command, &place[..]].concat()).run()
    };
    let led = |user: &str| format!("pgconn -h {} -p {port} -U {user} -d '{NAME}'", server.host());
    let hint = |outcome: Outcome| outcome.json()["checks"][0]["hint"].as_str().unwrap_or_default().to_owned();

    let _other = server.connect(&[("application_name", "psql")]).unwrap();
    let hidden = hint(run(&["check", "idle-xact", "--json"], NAME).fails_with(3));
    assert_eq!(hidden, format!("GRANT pg_monitor TO \"{NAME}\""));

    let parameters = [("user", NAME), ("application_name", NAME)];
    let _sessions = [(); 2].map(|()| server.connect(&parameters).unwrap());
    let full = hint(run(&["check", "connections", "--json"], "postgres").fails_with(2));
    assert_eq!(full, format!("{} stats --role '{NAME}'", led("postgres")));
    assert!(pasted(&full).contains(NAME), "{full}");

    let refused = hint(run(&["check", "reachable", "--json"], NAME).fails_with(2));
    let see = format!("{} ls --role '{NAME}'", led(&format!("'{NAME}'")));
    assert_eq!(
        refused,
        format!(
            "the role's own CONNECTION LIMIT is reached; a superuser can see who holds the connections with {see} and raise it \
             with ALTER ROLE \"{NAME}\" CONNECTION LIMIT n"
        )
    );

    server.query(&format!("alter role \"{NAME}\" superuser connection limit -1"));
    let _web = server.connect(&[("user", NAME), ("application_name", "web")]).unwrap();
    let document = run(&["doctor", "--for", "100ms", "--json"], "postgres").success().json();
    let found = document["findings"].as_array().unwrap().iter().find(|found| found["rule"] == "superuser");
    let next = found.unwrap()["next_command"].as_str().unwrap();
    assert_eq!(next, format!("{} ls --role '{NAME}'", led("postgres")));
    assert!(pasted(next).contains("web"), "{next}");
}

#[test]
fn who_keeps_an_old_value_is_made_to_reconnect_there() {
    let server = with(&[]);
    server.query(&format!("create role \"{NAME}\" login"));
    let session = server.connect(&[("user", NAME)]).unwrap();
    server.wait_for_state(session.pid, "idle");
    let port = server.port.to_string();
    let set = ["timeout", "set", "40s", "--role", NAME, "-h", server.host(), "-p", &port, "-U", "postgres"];
    let outcome = Pgconn::new(&set).run().success();
    let led = format!("pgconn -h {} -p {port} -U postgres", server.host());
    let next = format!("{led} kill --role '{NAME}' --state idle");
    assert!(outcome.stderr.contains(&format!("hint: to make them reconnect: {next}\n")), "{outcome}");
    assert!(pasted(&next).contains("terminated"), "{next}");
}
