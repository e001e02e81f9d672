//! `pooler clients` and `pooler servers`: who is there, and which of them are meant.

use super::{applications, pooled};
use crate::common::{Pgconn, wait_until};
use serde_json::json;

#[test]
fn clients_and_servers_are_listed_with_each_other() {
    let pooled = pooled("transaction", &[]);
    let (_one, _two) = (pooled.working("one"), pooled.working("two"));
    let _three = pooled.waiting("three");
    let _idle = pooled.client("four");
    let listed = pooled.run(&["clients", "--json"]).success().json();
    let names = applications(&listed["clients"]);
    assert_eq!(
        (names[0], names[3], names.len()),
        ("three", "four", 4),
        "who waits comes first, who rests last"
    );
    let rows = listed["clients"].as_array().unwrap();
    assert!(rows[0]["client"]["wait_seconds"].as_f64().unwrap() > 0.0 && rows[0]["server"].is_null());
    assert_eq!((&rows[3]["client"]["state"], &rows[3]["client"]["addr"]), (&json!("idle"), &json!("local")));
    assert_eq!(rows[1]["server"]["state"], "active");
    for (filters, expected) in [
        (&["--state", "waiting"][..], &["three"][..]),
        (&["--state", "!waiting", "--app", "t*"], &["two"]),
        (&["--app", "o*", "--app", "f*"], &["one", "four"]),
        (&["--client", "10.0.0.0/8"], &[]),
        (&["--client", "local", "--state", "idle"], &["four"]),
        (&["--role", "postgres"], &[]),
        (&["--db", "postgres", "--db", "!postgres"], &[]),
    ] {
        let arguments = [&["clients", "--json"], filters].concat();
        assert_eq!(
            applications(&pooled.run(&arguments).success().json()["clients"]),
            expected,
            "{filters:?}"
        );
    }
    let servers = pooled.run(&["servers", "--json"]).success().json();
    let mut names = applications(&servers["servers"]);
    names.sort_unstable();
    assert_eq!(names, ["one", "two"]);
    let table = pooled.run(&["clients"]).success();
    assert!(
        table.stdout.starts_with("CLIENT  APPLICATION  ") && table.stdout.ends_with("4 clients\n"),
        "{table}"
    );
    let table = pooled.run(&["servers"]).success();
    assert!(table.stdout.ends_with("2 connections\n"), "{table}");
    let refused = pooled.run(&["--app", "one"]).fails_with(2);
    assert!(refused.stderr.contains("pgconn pooler clients"), "{refused}");
    let refused = pooled.run(&["--db", "one", "clients"]).fails_with(2);
    assert!(refused.stderr.contains("come after its name"), "{refused}");
}

#[test]
fn states_and_names_that_do_not_exist_are_said() {
    let pooled = pooled("transaction", &[]);
    let mut client = pooled.client("web");
    client.query("select 1");
    let refused = pooled.run(&["clients", "--state", "waitng"]).fails_with(2);
    assert!(refused.stderr.contains("did you mean \"waiting\"?"), "{refused}");
    for (arguments, said) in [
        (&["--db", "postgrse"][..], "did you mean --db postgres?"),
        (&["clients", "--role", "ap"], "did you mean --role app?"),
        (&["clients", "--app", "webb"], "did you mean --app web?"),
    ] {
        let none = pooled.run(arguments).success();
        assert!(none.stderr.contains(said), "{none}");
    }
    let known = pooled.run(&["clients", "--db", "postgres", "--role", "app", "--app", "web"]).success();
    assert_eq!(known.stderr, "");
}

#[test]
fn hostile_names_stay_text() {
    let pooled = pooled("transaction", &[]);
    let _client = pooled.client("\u{1b}[31mred\u{202e}");
    let table = pooled.run(&["clients"]).success();
    assert!(table.stdout.contains("\\x1B[31mred\\u{202E}"), "{table}");
    let json = pooled.run(&["clients", "--json"]).success();
    assert!(!json.stdout.contains('\u{1b}') && !json.stdout.contains('\u{202e}'), "{json}");
}

/// Somebody who goes on waiting is no news.
#[test]
fn ages_that_grow_mark_nothing() {
    let pooled = pooled("transaction", &[]);
    let _busy = (pooled.working("one"), pooled.working("two"));
    let _waiting = pooled.waiting("three");
    let port = pooled.pooler.port.to_string();
    let server =
        format!("host={} port={} user=postgres dbname=postgres", pooled.cluster.host(), pooled.cluster.port);
    for (view, row) in [
        (&[][..], "postgres  app "),
        (&["clients"], "local   three "),
        (&["--server", &server], "local   three "),
    ] {
        let arguments = [&["-p", &port, "pooler", "--watch=200ms"], view].concat();
        let mut terminal = Pgconn::new(&arguments).on(&pooled.cluster).on_terminal();
        let looks =
            || terminal.frames().into_iter().map(|(looks, _)| looks).filter(|looks| looks.contains(row));
        wait_until("there were some looks", || looks().count() >= 4);
        assert!(!looks().any(|looks| looks.contains("* ")), "{view:?}: {:?}", terminal.screen());
        terminal.type_keys("\u{3}");
        let _ = terminal.finish().success();
    }
}
