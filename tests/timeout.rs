//! `timeout`: what a new session gets, changing it, and taking that back.

use std::fmt::Write as _;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::common::{Cluster, PgBouncer, Pgconn, shared, wait_until, with, with_files};

/// The timeouts that this server has.
fn settings(cluster: &Cluster) -> Vec<&'static str> {
    let major = cluster.major();
    let since = [
        ("statement_timeout", 0),
        ("lock_timeout", 0),
        ("idle_in_transaction_session_timeout", 0),
        ("idle_session_timeout", 14),
        ("transaction_timeout", 17),
        ("client_connection_check_interval", 14),
    ];
    since.iter().filter(|(_, since)| major >= *since).map(|(name, _)| *name).collect()
}

fn timeout(cluster: &Cluster, arguments: &[&str]) -> Value {
    let arguments = [&["timeout"], arguments, &["--json"]].concat();
    Pgconn::new(&arguments).on(cluster).run().success().json()
}

/// The rows of `settings`, found by name.
fn row<'a>(document: &'a Value, name: &str) -> &'a Value {
    let rows = document["settings"].as_array().unwrap();
    rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {document}"))
}

fn texts(values: &Value) -> Vec<&str> {
    values
        .as_array()
        .unwrap_or_else(|| panic!("{values}"))
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect()
}

/// Everything that is stored for roles and databases, in a form that can be compared.
fn stored(cluster: &Cluster) -> String {
    cluster.value(
        "select coalesce(json_agg(json_build_array(r.rolname, d.datname, s.setconfig) order by 1, 2)::text, '')
         from (select setrole, setdatabase, array(select unnest(setconfig) order by 1) as setconfig
               from pg_db_role_setting) s
         left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase",
    )
}

/// What the configuration files say, last line first.
fn configured(cluster: &Cluster) -> String {
    cluster.value(
        "select coalesce(json_agg(json_build_array(sourcefile, name, setting, applied) order by seqno)::text, '')
         from pg_file_settings",
    )
}

/// Executes printed SQL, each statement by itself.
fn execute(cluster: &Cluster, statements: &Value) {
    let mut session = cluster.session();
    for statement in texts(statements) {
        session.query(statement);
    }
}

/// Waits until a fresh session sees this value of the server.
fn wait_for_value(cluster: &Cluster, name: &str, value: &str) {
    wait_until(&format!("{name} = {value}"), || cluster.value(&format!("show {name}")) == value);
}

/// PostgreSQL's words for the source of a value, in ours.
fn level(source: &str) -> &'static str {
    match source {
        "database user" => "role_in_database",
        "user" => "role",
        "database" => "database",
        "global" => "all_roles",
        "configuration file" => "server",
        "default" => "default",
        other => panic!("{other}"),
    }
}

#[test]
fn every_combination_of_levels_is_shown_as_a_fresh_session_gets_it() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("create database shop");
    let names = settings(&cluster);
    let levels = [
        ("role in database", "alter role app in database shop", 1),
        ("role", "alter role app", 2),
        ("database", "alter database shop", 3),
        ("all roles", "alter role all", 4),
        ("server", "alter system", 5),
    ];
    let mut table =
        String::from("role in db  role  database  all roles  server | statement_timeout  set by\n");
    for mask in 0..32_u32 {
        for (bit, (_, subject, minutes)) in levels.iter().enumerate() {
            for (at, name) in names.iter().enumerate() {
                let value = minutes * 60_000 + at;
                if mask & (1 << bit) == 0 {
                    admin.query(&format!("{subject} reset {name}"));
                } else {
                    admin.query(&format!("{subject} set {name} = {value}"));
                }
            }
        }
        admin.query("select pg_reload_conf()");
        let last = names.len() - 1;
        let expected = if mask & 16 == 0 { "0".to_owned() } else { format!("{}ms", 5 * 60_000 + last) };
        let mut fresh = cluster.connect(&[("user", "app"), ("database", "shop")]).unwrap();
        if mask & 15 == 0 {
            wait_until("the server has read its configuration", || {
                fresh.query(&format!("show {}", names[last]))[0][0].as_deref() == Some(&expected)
            });
            fresh = cluster.connect(&[("user", "app"), ("database", "shop")]).unwrap();
        } else {
            // The server's value is covered by a stored one; that it has been read shows in a role without any.
            admin.query("create role plain login");
            if mask & 8 == 0 {
                wait_until("the server has read its configuration", || {
                    let mut plain = cluster.connect(&[("user", "plain"), ("database", "postgres")]).unwrap();
                    plain.query(&format!("show {}", names[last]))[0][0].as_deref() == Some(&expected)
                });
            }
            admin.query("drop role plain");
        }
        let document = timeout(&cluster, &["--role", "app", "--db", "shop"]);
        assert_eq!(document["settings"].as_array().unwrap().len(), names.len());
        for name in &names {
            let shown = row(&document, name);
            let value = fresh.query(&format!("show {name}"))[0][0].clone().unwrap();
            let source =
                fresh.query(&format!("select source from pg_settings where name = '{name}'"))[0][0].clone();
            let source = level(&source.unwrap());
            assert_eq!(
                (&shown["value"], &shown["set_by"]),
                (&json!(value), &json!(source)),
                "{mask:05b} {shown}"
            );
            assert_eq!((&shown["role"], &shown["database"]), (&json!("app"), &json!("shop")));
            if *name == "statement_timeout" {
                let mark = |bit: u32| if mask & (1 << bit) == 0 { '-' } else { 'x' };
                writeln!(
                    table,
                    "{:^10}  {:^4}  {:^8}  {:^9}  {:^6} | {value:<17}  {source}",
                    mark(0),
                    mark(1),
                    mark(2),
                    mark(3),
                    mark(4)
                )
                .unwrap();
            }
        }
    }
    println!("PostgreSQL {}\n{table}", cluster.major());
}

#[test]
fn stored_spellings_are_read_as_the_server_reads_them() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    for raw in [
        "5000", "5s", " 5 s ", "1.5min", "0x10", "010", "1e3", "500us", "0.5ms", "1.5ms", "2.5ms", "24d",
        "1.7h", "+7", "0", "0.3333h", "99999us",
    ] {
        admin.query(&format!("alter role app set statement_timeout = '{raw}'"));
        let expected =
            cluster.connect(&[("user", "app")]).unwrap().query("show statement_timeout")[0][0].clone();
        let document = timeout(&cluster, &["--role", "app", "--db", "postgres", "--kind", "statement"]);
        assert_eq!(document["settings"][0]["value"], json!(expected), "{raw:?}");
    }
    admin.query("alter role app set tcp_keepalives_idle = '1.5min'");
    admin.query("alter role app set tcp_keepalives_count = 7");
    let expected = cluster.connect(&[("user", "app")]).unwrap().query(
        "select reset_val from pg_settings where name in ('tcp_keepalives_idle', 'tcp_keepalives_count') order by name",
    );
    let document = timeout(&cluster, &["--role", "app", "--db", "postgres", "--every-kind"]);
    let (count, idle) = (row(&document, "tcp_keepalives_count"), row(&document, "tcp_keepalives_idle"));
    assert_eq!(expected.iter().map(|row| row[0].as_deref().unwrap()).collect::<Vec<_>>(), ["7", "90"]);
    assert_eq!((&count["value"], &count["value_seconds"]), (&json!("7"), &Value::Null));
    assert_eq!((&idle["value"], &idle["value_seconds"]), (&json!("90s"), &json!(90.0)));
}

const HOSTILE: &[&str] = &[
    "App",
    "my app",
    "it's",
    "we\"ird",
    "x; drop table canary; --",
    "$$",
    "back\\slash",
    "esc\u{1b}[31m",
    "two  blanks\tand\u{a0}more\u{202e}",
    "größe 日本",
    "select",
    "-d",
];

#[test]
fn set_and_its_printed_undo_leave_everything_as_it_was_under_any_name() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create table canary ()");
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    for name in HOSTILE {
        admin.query(&format!("create role {} login", quoted(name)));
        admin.query(&format!("create database {}", quoted(name)));
    }
    // what was stored before comes back in its own spelling
    admin.query(&format!("alter role {} set statement_timeout = ' 0x10 '", quoted("it's")));
    let (before, roles) = (stored(&cluster), cluster.value("select count(*) from pg_roles"));
    for name in HOSTILE {
        let role = format!("--role={name}");
        let db = format!("--db={name}");
        for scope in [vec![role.as_str()], vec![db.as_str()], vec![role.as_str(), db.as_str()]] {
            let arguments = [&["set", "90s", "--kind=statement,lock"], scope.as_slice()].concat();
            let document = timeout(&cluster, &arguments);
            assert_eq!(texts(&document["statements"]).len(), 2);
            let user = if scope[0] == db { "postgres" } else { name };
            let database = if scope.len() == 1 && scope[0] == role { "postgres" } else { name };
            let mut fresh = cluster.connect(&[("user", user), ("database", database)]).unwrap();
            assert_eq!(fresh.query("show statement_timeout")[0][0].as_deref(), Some("90s"), "{scope:?}");
            assert_eq!(fresh.query("show lock_timeout")[0][0].as_deref(), Some("90s"));
            assert_ne!(stored(&cluster), before);
            execute(&cluster, &document["undo"]);
            assert_eq!(stored(&cluster), before, "{scope:?}");
        }
    }
    assert_eq!(cluster.value("select count(*) from pg_class where relname = 'canary'"), "1");
    assert_eq!(cluster.value("select count(*) from pg_roles"), roles);
}

#[test]
fn the_undo_that_is_printed_for_people_can_be_pasted() {
    let cluster = with(&[]);
    let name = "a\u{1b}  b\u{202e}\"c";
    cluster.query(&format!("create role \"{}\" login", name.replace('"', "\"\"")));
    let before = stored(&cluster);
    let arguments = ["timeout", "set", "3s", "--role", name];
    let outcome = Pgconn::new(&arguments).on(&cluster).run().success();
    let line = |heading: &str| {
        let mut lines = outcome.stdout.lines().skip_while(|line| *line != heading);
        lines.nth(1).unwrap_or_else(|| panic!("{outcome}")).trim().to_owned()
    };
    assert!(outcome.stdout.chars().all(|c| c == '\n' || !c.is_control()), "{outcome}");
    assert!(line("executed").starts_with("ALTER ROLE U&\"a\\+00001B  b\\+00202E\"\"c\" SET"), "{outcome}");
    assert_ne!(stored(&cluster), before);
    cluster.query(&line("undo"));
    assert_eq!(stored(&cluster), before);
}

#[test]
fn the_servers_configuration_is_changed_read_anew_and_put_back() {
    let cluster = with(&[("lock_timeout", "7000")]);
    let before = configured(&cluster);
    let document = timeout(&cluster, &["set", "45s", "--system", "--yes"]);
    assert_eq!(texts(&document["statements"]), ["ALTER SYSTEM SET statement_timeout = '45s'"]);
    assert_eq!(
        (&document["settings"][0]["value"], &document["settings"][0]["set_by"]),
        (&json!("45s"), &json!("server"))
    );
    assert_eq!(document["sessions_still_on_old_value"], 0);
    assert_eq!(cluster.value("show statement_timeout"), "45s");
    execute(&cluster, &document["undo"]);
    wait_for_value(&cluster, "statement_timeout", "0");
    assert_eq!(configured(&cluster), before);

    cluster.query("alter system set lock_timeout = '9s'");
    cluster.query("select pg_reload_conf()");
    wait_for_value(&cluster, "lock_timeout", "9s");
    let before = configured(&cluster);
    let document = timeout(&cluster, &["reset", "--system", "--yes", "--kind", "lock"]);
    assert_eq!(document["changes"][0]["new_value"], Value::Null, "what lies under it is not known before");
    assert_eq!(document["settings"][0]["value"], "7s", "what postgresql.conf says counts again");
    execute(&cluster, &document["undo"]);
    wait_for_value(&cluster, "lock_timeout", "9s");
    assert_eq!(configured(&cluster), before);
    let again = timeout(&cluster, &["set", "9s", "--system", "--yes", "--kind", "lock"]);
    assert_eq!((&again["statements"], &again["undo"]), (&json!([]), &json!([])), "it is so already");
}

#[test]
fn reset_takes_away_what_is_stored_and_can_be_undone_too() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("alter role app set statement_timeout = '5s'");
    admin.query("alter role app set lock_timeout = '1s'");
    let before = stored(&cluster);
    let document = timeout(&cluster, &["reset", "--role", "app"]);
    assert_eq!(texts(&document["statements"]), ["ALTER ROLE app RESET statement_timeout"]);
    assert_eq!(texts(&document["undo"]), ["ALTER ROLE app SET statement_timeout = '5s'"]);
    assert_eq!(document["changes"][0]["old_set_by"], "role");
    assert_eq!(
        (&document["settings"][0]["value_seconds"], &document["settings"][0]["set_by"]),
        (&json!(0.0), &json!("default"))
    );
    assert_eq!(timeout(&cluster, &["reset", "--role", "app"])["statements"], json!([]), "nothing is left");
    execute(&cluster, &document["undo"]);
    assert_eq!(stored(&cluster), before);
}

#[test]
fn sessions_that_keep_the_old_value_are_counted() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("create role other login");
    admin.query("create database shop");
    admin.query("alter role app in database shop set statement_timeout = '1s'");
    let as_app = |database: &str, application: &str| {
        cluster
            .connect(&[("user", "app"), ("database", database), ("application_name", application)])
            .unwrap()
    };
    let _sessions = [
        as_app("postgres", "web"),
        as_app("postgres", "web"),
        as_app("postgres", "cron"),
        as_app("shop", "web"),
    ];
    let _other = cluster.connect(&[("user", "other")]).unwrap();
    let before = stored(&cluster);
    let plan = timeout(&cluster, &["set", "30s", "--role", "app", "-n"]);
    assert_eq!((&plan["dry_run"], &plan["sessions_still_on_old_value"]), (&json!(true), &json!(3)));
    assert_eq!(stored(&cluster), before, "a dry run changes nothing");
    let document = timeout(&cluster, &["set", "30s", "--role", "app"]);
    assert_eq!(document["sessions_still_on_old_value"], 3, "the one in shop has what it had: {document}");
    assert_eq!(
        document["old_value_sessions"],
        json!([
            {"database": "postgres", "role": "app", "application_name": "web", "count": 2},
            {"database": "postgres", "role": "app", "application_name": "cron", "count": 1},
        ])
    );
    let outcome = Pgconn::new(&["timeout", "set", "40s", "--role", "app"]).on(&cluster).run().success();
    assert!(outcome.stdout.contains("3 sessions keep the old value until reconnecting\n"), "{outcome}");
    assert!(
        outcome.stderr.contains("hint: to make them reconnect: pgconn kill --role app --state idle\n"),
        "{outcome}"
    );
    assert!(
        outcome
            .stderr
            .contains("warning: the value stored for role \"app\" in database \"shop\" is more specific"),
        "{outcome}"
    );
}

#[test]
fn a_missing_right_is_named_and_nothing_is_changed() {
    let cluster = with(&[]);
    let major = cluster.major();
    let mut admin = cluster.session();
    for sql in [
        "create role plain login",
        "create role maker login createrole",
        "create role app login",
        "create role boss login superuser",
        "create role owner login",
        "create database shop owner owner",
    ] {
        admin.query(sql);
    }
    let before = (stored(&cluster), configured(&cluster));
    let refused = |user: &str, arguments: &[&str]| {
        let arguments = [&["timeout"], arguments, &["-U", user, "--yes", "--json"]].concat();
        let outcome = Pgconn::new(&arguments).on(&cluster).run().fails_with(1);
        assert_eq!(outcome.stdout, "");
        let line: Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(line["error"]["code"], "permission_denied", "{line}");
        assert_eq!((stored(&cluster), configured(&cluster)), before, "{arguments:?}");
        let text = |key: &str| line["error"][key].as_str().unwrap().to_owned();
        (text("message"), text("hint"))
    };
    let lacks = |user: &str, right: &str| format!("role \"{user}\" may not change this: it lacks {right}");
    let (message, hint) = refused("plain", &["set", "9s", "--role", "app"]);
    if major >= 16 {
        assert_eq!(message, lacks("plain", "CREATEROLE and ADMIN OPTION on role \"app\""));
        assert_eq!(hint, "ALTER ROLE \"plain\" CREATEROLE; GRANT app TO \"plain\" WITH ADMIN OPTION");
        let (message, hint) = refused("maker", &["set", "9s", "--role", "app"]);
        assert_eq!(message, lacks("maker", "ADMIN OPTION on role \"app\""));
        cluster.query(&hint);
    } else {
        assert_eq!(message, lacks("plain", "CREATEROLE"));
        assert_eq!(hint, "ALTER ROLE \"plain\" CREATEROLE");
    }
    let (message, _) = refused("maker", &["set", "9s", "--role", "boss"]);
    assert_eq!(message, lacks("maker", "SUPERUSER"));
    let (message, hint) = refused("plain", &["set", "9s", "--db", "postgres"]);
    assert_eq!(message, lacks("plain", "ownership of database \"postgres\""));
    assert_eq!(hint, "its owner \"postgres\" can do it, and members of that role");
    let (message, _) = refused("maker", &["set", "9s", "--all-roles"]);
    assert_eq!(message, lacks("maker", "SUPERUSER"));
    let (message, hint) = refused("plain", &["set", "9s", "--system"]);
    if major >= 15 {
        let both = "ALTER SYSTEM on parameter statement_timeout and EXECUTE on function pg_reload_conf()";
        assert_eq!(message, lacks("plain", both));
        assert!(
            hint.starts_with("GRANT ALTER SYSTEM ON PARAMETER statement_timeout TO \"plain\"; GRANT EXECUTE")
        );
    } else {
        assert_eq!(message, lacks("plain", "SUPERUSER"));
    }
    assert!(hint.contains("on a managed service change it in the provider's parameters"), "{hint}");
    cluster.query("create role rds_superuser");
    assert!(refused("plain", &["set", "9s", "--system"]).1.starts_with("on Amazon RDS and Aurora"));
    let (message, _) = refused("plain", &["set", "9s", "--role", "plain", "--kind", "deadlock"]);
    assert_eq!(message, lacks("plain", "SET on parameter deadlock_timeout"));

    let permitted = |user: &str, arguments: &[&str]| {
        let arguments = [&["timeout"], arguments, &["-U", user, "--yes"]].concat();
        let _ = Pgconn::new(&arguments).on(&cluster).run().success();
    };
    permitted("plain", &["set", "9s", "--role", "plain"]);
    permitted("maker", &["set", "9s", "--role", "app"]);
    permitted("owner", &["set", "9s", "--db", "shop"]);
    if major >= 15 {
        cluster.query("grant alter system on parameter lock_timeout to plain");
        cluster.query("grant execute on function pg_reload_conf() to plain");
        let arguments =
            ["timeout", "set", "9s", "--system", "--kind", "lock", "-U", "plain", "--yes", "--json"];
        let document = Pgconn::new(&arguments).on(&cluster).run().success().json();
        assert_eq!(document["undo"], json!([]), "what ALTER SYSTEM had stored is hidden from this role");
        assert_eq!(document["warnings"][0]["code"], "undo_unknown", "{document}");
        assert_eq!(cluster.value("show lock_timeout"), "9s");
    }
}

#[test]
fn where_alter_system_is_switched_off_the_providers_way_is_named() {
    if shared().major() < 17 {
        return;
    }
    let cluster = with(&[("allow_alter_system", "off")]);
    let outcome = Pgconn::new(&["timeout", "set", "9s", "--system", "-y"]).on(&cluster).run().fails_with(1);
    assert!(outcome.stderr.contains("error: ALTER SYSTEM is not allowed in this environment\n"), "{outcome}");
    assert!(
        outcome.stderr.contains("hint: on a managed service change it in the provider's parameters"),
        "{outcome}"
    );
    assert_eq!(cluster.value("show statement_timeout"), "0");
}

#[test]
fn a_standby_says_that_its_values_come_from_the_primary() {
    let cluster = with_files(&[], &[("standby.signal", "")]);
    let outcome =
        Pgconn::new(&["timeout", "set", "9s", "--role", "postgres"]).on(&cluster).run().fails_with(2);
    assert_eq!(
        outcome.stderr,
        "error: this is a standby: what roles and databases have is stored on the primary\n\
         hint: connect to the primary, from where it arrives here too; --system is for this server alone\n"
    );
    let document = timeout(&cluster, &["set", "9s", "--system", "--yes"]);
    assert_eq!(document["settings"][0]["value"], "9s");
    assert_eq!(cluster.value("show statement_timeout"), "9s");
    assert_eq!(row(&timeout(&cluster, &[]), "statement_timeout")["set_by"], "server");
}

#[test]
fn it_works_through_a_pooler_in_transaction_mode_and_leaves_no_setting_there() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    let pooler =
        PgBouncer::start(&cluster, &["app"], &[("pool_mode", "transaction"), ("default_pool_size", "1")]);
    let port = pooler.port.to_string();
    let through = |arguments: &[&str]| {
        let arguments = [&["timeout"], arguments, &["-p", port.as_str(), "--json"]].concat();
        Pgconn::new(&arguments).on(&cluster).run().success().json()
    };
    let document = through(&["set", "8s", "--role", "app"]);
    assert_eq!(document["settings"][0]["value"], "8s");
    assert_eq!(through(&["set", "7s", "--system", "--yes", "--kind", "lock"])["settings"][0]["value"], "7s");
    assert_eq!(row(&through(&["--role", "app", "--db", "postgres"]), "statement_timeout")["set_by"], "role");
    let mut next = pooler.connect(&[]).unwrap();
    assert_eq!(next.query("show statement_timeout")[0][0].as_deref(), Some("0"));
    assert_eq!(next.query("show search_path")[0][0].as_deref(), Some("\"$user\", public"));
    // what another client left in the server connection is not the server's value
    next.query("set statement_timeout = '3s'");
    let overview = through(&[]);
    assert_eq!(row(&overview, "statement_timeout")["value"], Value::Null, "{overview}");
    assert_eq!(overview["warnings"][0]["code"], "server_value_unknown");
    let _ = through(&["reset", "--role", "app"]);
    assert_eq!(stored(&cluster), "");
}

#[test]
fn without_a_terminal_what_reaches_everybody_needs_yes() {
    let cluster = with(&[]);
    let before = (stored(&cluster), configured(&cluster));
    for scope in ["--all-roles", "--system"] {
        let outcome = Pgconn::new(&["timeout", "set", "9s", scope]).on(&cluster).run().fails_with(2);
        assert_eq!(
            outcome.stderr,
            "error: this can reach everything, and there is no terminal to ask at; nothing was done\n\
             hint: look first with --dry-run, then add --yes\n"
        );
    }
    let always = ["timeout", "set", "9s", "--db", "postgres"];
    let _ = Pgconn::new(&always).on(&cluster).env("PGCONN_CONFIRM", "always").run().fails_with(2);
    assert_eq!((stored(&cluster), configured(&cluster)), before);
    assert_eq!(timeout(&cluster, &["set", "9s", "--all-roles", "-y"])["settings"][0]["set_by"], "all_roles");
    assert_eq!(timeout(&cluster, &["set", "8s", "--db", "postgres"])["settings"][0]["set_by"], "database");
}

#[test]
fn at_a_terminal_the_plan_is_shown_and_asked_about() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    let before = stored(&cluster);
    let start = || {
        let terminal = Pgconn::new(&["timeout", "set", "9s", "--role", "app"]).on(&cluster).on_terminal();
        terminal.wait_for("Set statement_timeout for role \"app\" on");
        terminal.wait_for("[y/N] ");
        assert!(
            terminal.screen().contains("  ALTER ROLE app SET statement_timeout = '9s';"),
            "{}",
            terminal.screen()
        );
        assert!(
            terminal.screen().contains("  ALTER ROLE app RESET statement_timeout;"),
            "{}",
            terminal.screen()
        );
        terminal
    };
    let mut no = start();
    no.type_keys("\n");
    let outcome = no.finish().fails_with(1);
    assert!(outcome.stdout.contains("error: not confirmed; nothing was done"), "{outcome}");
    let mut interrupted = start();
    interrupted.type_keys("\u{3}");
    let _ = interrupted.finish().fails_with(130);
    assert_eq!(stored(&cluster), before);
    let mut yes = start();
    yes.type_keys("y\n");
    let outcome = yes.finish().success();
    assert!(outcome.stdout.contains("executed"), "{outcome}");
    assert_ne!(stored(&cluster), before);
}

#[test]
fn a_signal_during_the_change_does_not_leave_it_unknown() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    let mut holder = cluster.idle_in_transaction(&[], "alter role app set lock_timeout = '1s'");
    let running = Pgconn::new(&["timeout", "set", "9s", "--role", "app", "--json"]).on(&cluster).spawn();
    cluster.wait_until(
        "exists (select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'ALTER ROLE')",
    );
    running.signal(Signal::SIGINT);
    assert_eq!(stored(&cluster), "");
    holder.query("rollback");
    let outcome = running.finish().success();
    assert_eq!(outcome.json()["settings"][0]["value"], "9s");
    assert_ne!(stored(&cluster), "");
}

#[test]
fn a_change_that_cannot_be_made_in_time_is_not_made_and_a_lost_one_says_how_to_undo_it() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    let mut holder = cluster.idle_in_transaction(&[], "alter role app set lock_timeout = '1s'");
    let waiting = "wait_event_type = 'Lock' and query ~ 'ALTER ROLE'";
    let outcome = Pgconn::new(&["timeout", "set", "9s", "--role", "app", "-t", "500ms"]).on(&cluster).run();
    assert!(!outcome.fails_with(1).stderr.contains("undo"), "the server has answered that it did not do it");
    let running = Pgconn::new(&["timeout", "set", "9s", "--role", "app"]).on(&cluster).spawn();
    cluster.wait_until(&format!("exists (select from pg_stat_activity where {waiting})"));
    cluster.query(&format!("select pg_terminate_backend(pid) from pg_stat_activity where {waiting}"));
    let outcome = running.finish().fails_with(1);
    let detail = "the change may have been made all the same; undo: ALTER ROLE app RESET statement_timeout";
    assert!(outcome.stderr.contains(detail), "{outcome}");
    holder.query("rollback");
    assert_eq!(stored(&cluster), "");
}

#[test]
fn reasons_to_think_twice_are_said() {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    for sql in [
        "create role app login",
        "create role copier login replication",
        "create role owner login",
        "create role people",
        "create role migrator login",
        "create database shop owner owner",
        "alter role app set idle_in_transaction_session_timeout = '1min'",
    ] {
        admin.query(sql);
    }
    if cluster.major() >= 15 {
        admin.query("grant create on schema public to public");
    }
    let codes = |arguments: &[&str]| {
        let arguments = [&["set"], arguments, &["-n"]].concat();
        let document = timeout(&cluster, &arguments);
        let warnings = document["warnings"].as_array().unwrap().clone();
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes(&["9s", "--role", "app"]), Vec::<String>::new());
    assert_eq!(codes(&["9s", "--role", "postgres"]), ["superuser_role", "replication_role"]);
    assert_eq!(codes(&["off", "--role", "postgres"]), Vec::<String>::new(), "no limit, no danger");
    assert_eq!(codes(&["9s", "--role", "copier"]), ["replication_role"]);
    assert_eq!(codes(&["9s", "--role", "owner"]), ["owner_role"]);
    assert_eq!(codes(&["9s", "--role", "owner", "--kind", "lock"]), Vec::<String>::new());
    assert_eq!(codes(&["9s", "--role", "people"]), ["no_login"]);
    assert_eq!(codes(&["9s", "--role", "migrator"]), ["long_work_role"]);
    assert_eq!(codes(&["9s", "--all-roles"]), ["all_roles"]);
    assert_eq!(codes(&["9s", "--system"]), ["whole_server"]);
    assert_eq!(
        codes(&["9s", "--db", "shop", "--kind", "idle-in-transaction"]),
        ["whole_database", "overridden"]
    );
    let _dump = cluster.connect(&[("user", "app"), ("application_name", "pg_dump")]).unwrap();
    assert_eq!(codes(&["9s", "--role", "app"]), ["long_work_role"]);
    if cluster.major() >= 14 {
        assert_eq!(codes(&["9s", "--role", "app", "--kind", "idle-session"]), ["pooled_role"]);
    }
    if cluster.major() >= 17 {
        assert_eq!(
            codes(&["9s", "--role", "app", "--kind", "transaction"]),
            ["long_work_role", "pooled_role"]
        );
    }
}

#[test]
fn what_cannot_be_a_value_is_refused_before_anything_is_changed() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    for (value, kind, said) in [
        ("500us", "statement", "statement_timeout is counted in whole milliseconds"),
        ("1ms500us", "statement", "statement_timeout is counted in whole milliseconds"),
        ("25d", "statement", "statement_timeout takes 0s to 24d"),
        ("0s", "statement", "0 is not a time; to switch statement_timeout off write off"),
        ("1500ms", "keepalives-idle", "tcp_keepalives_idle is counted in whole seconds"),
        ("5s", "keepalives-count", "tcp_keepalives_count is a number of probes, not a time"),
        (
            "off",
            "keepalives-idle",
            "tcp_keepalives_idle cannot be switched off; timeout reset takes the stored value away",
        ),
        (
            "off",
            "deadlock",
            "deadlock_timeout cannot be switched off; timeout reset takes the stored value away",
        ),
    ] {
        let outcome = Pgconn::new(&["timeout", "set", value, "--role", "app", "--kind", kind])
            .on(&cluster)
            .run()
            .fails_with(2);
        assert_eq!(outcome.stderr, format!("error: {said}\n"), "{value}");
    }
    for arguments in [
        &["set", "30", "--role", "app"][..],
        &["set", "0", "--role", "app"],
        &["set", "5M", "--role", "app"],
        &["set", "5s"],
        &["reset"],
        &["set", "5s", "--role", ""],
        &["set", "5s", "--role", "app", "--kind", "work_mem"],
        &["set", "5s", "--role", "app", "--all-roles"],
        &["set", "5s", "--system", "--kind", "lock,statement"],
        &["--role", "app", "set", "5s", "--db", "postgres"],
    ] {
        let arguments = [&["timeout"], arguments].concat();
        let _ = Pgconn::new(&arguments).on(&cluster).run().fails_with(2);
    }
    let outcome = Pgconn::new(&["timeout", "set", "5s", "--role", "ap"]).on(&cluster).run().fails_with(1);
    assert_eq!(outcome.stderr, "error: there is no role \"ap\"\nhint: did you mean app?\n");
    let outcome = Pgconn::new(&["timeout", "--db", "postgre"]).on(&cluster).run().fails_with(1);
    assert_eq!(outcome.stderr, "error: there is no database \"postgre\"\nhint: did you mean postgres?\n");
    if cluster.major() < 17 {
        let arguments = ["timeout", "set", "5s", "--role", "app", "--kind", "transaction"];
        let outcome = Pgconn::new(&arguments).on(&cluster).run().fails_with(1);
        assert!(
            outcome.stderr.ends_with("has no transaction_timeout, it came with PostgreSQL 17\n"),
            "{outcome}"
        );
    }
    assert_eq!(stored(&cluster), "");
}

#[test]
fn the_overview_lists_values_overrides_and_roles_without_a_limit() {
    let cluster = with(&[("lock_timeout", "7s")]);
    let mut admin = cluster.session();
    admin.query("create role app login");
    admin.query("create role batch login");
    admin.query("create role people");
    admin.query("create database shop");
    admin.query("alter role app set statement_timeout = '30s'");
    admin.query("alter role app in database shop set statement_timeout = 0");
    let outcome = Pgconn::new(&["timeout", "--kind", "statement,lock"]).on(&cluster).run().success();
    assert_eq!(outcome.stderr, "");
    assert_eq!(
        outcome.stdout,
        "of the server\n\
         SETTING            VALUE  SET BY\n\
         statement_timeout    off  default\n\
         lock_timeout          7s  server\n\
         \n\
         stored for roles and databases\n\
         SETTING            ROLE  DATABASE  VALUE\n\
         statement_timeout  app   shop        off\n\
         statement_timeout  app   (any)       30s\n\
         \n\
         roles that can log in without a statement_timeout\n\
         ROLE      DATABASE  STATEMENT_TIMEOUT\n\
         app       shop                    off\n\
         batch     (any)                   off\n\
         postgres  (any)                   off\n"
    );
    let all = timeout(&cluster, &["--every-role", "--kind", "statement"]);
    let rows = all["settings"].as_array().unwrap();
    let app: Vec<_> = rows.iter().filter(|row| row["role"] == "app").collect();
    assert_eq!((&app[0]["database"], &app[0]["value_seconds"]), (&json!("shop"), &json!(0.0)));
    assert_eq!((&app[1]["database"], &app[1]["value_seconds"]), (&Value::Null, &json!(30.0)));
    assert!(rows.iter().all(|row| row["role"] != "people"));
    let outcome = Pgconn::new(&["timeout", "--role", "people"]).on(&cluster).run().success();
    assert!(outcome.stderr.starts_with("warning: role \"people\" cannot log in"), "{outcome}");
    let tsv =
        Pgconn::new(&["timeout", "-F", "tsv", "--role=app", "--kind=lock"]).on(&cluster).run().success();
    assert_eq!(
        tsv.stdout,
        "list\tname\trole\tdatabase\tvalue_seconds\tvalue\tset_by\tserver_value_known\tsql\n\
         settings\tlock_timeout\tapp\t\t7\t7s\tserver\ttrue\t\n"
    );
}

#[test]
fn what_this_session_cannot_know_is_unknown() {
    let cluster = with(&[]);
    cluster.query("create role app login");
    cluster.query("create role other login");
    cluster.query("alter role other set statement_timeout = '1min'");
    let arguments = ["timeout", "--role", "app", "--kind", "statement", "-U", "other", "--json"];
    let document = Pgconn::new(&arguments).on(&cluster).run().success().json();
    let shown = &document["settings"][0];
    assert_eq!(
        (&shown["value"], &shown["value_seconds"], &shown["set_by"], &shown["server_value_known"]),
        (&Value::Null, &Value::Null, &Value::Null, &json!(false))
    );
    assert_eq!(document["warnings"][0]["code"], "server_value_unknown");
    let overview = Pgconn::new(&["timeout", "-U", "other", "--json"]).on(&cluster).run().success().json();
    let without = overview["login_roles_without_statement_timeout"].as_array().unwrap();
    assert!(without.iter().any(|row| row["role"] == "app" && row["value_seconds"].is_null()), "{overview}");
    assert!(without.iter().all(|row| row["role"] != "other"));
}

#[test]
fn a_role_whose_own_limit_is_too_short_to_look_can_still_take_it_away() {
    let cluster = with(&[]);
    cluster.query("create role hasty login");
    cluster.query("alter role hasty set statement_timeout = '300ms'");
    // the first question waits until the limit strikes; the same behind the guards waits on
    let holder = cluster.idle_in_transaction(&[], "lock table pg_settings in access exclusive mode");
    let running = Pgconn::new(&["timeout", "reset", "--role", "hasty", "-U", "hasty"]).on(&cluster).spawn();
    cluster.wait_until(
        "exists (select from pg_stat_activity where wait_event_type = 'Lock' and query ~ '^begin[^;]*;\\s*set local')",
    );
    drop(holder);
    let _ = running.finish().success();
    assert_eq!(stored(&cluster), "");
}

#[test]
fn for_one_session_or_transaction_the_statement_is_printed_and_no_server_is_asked() {
    let outcome = Pgconn::new(&["timeout", "set", "30s", "--session"]).run().success();
    assert!(outcome.stdout.starts_with("SET statement_timeout = '30s';\n"), "{outcome}");
    for form in [
        "PGOPTIONS='-c statement_timeout=30000'",
        "?options=-c%20statement_timeout%3D30000",
        "new Pool({ statement_timeout: 30000 })",
    ] {
        assert!(outcome.stdout.contains(form), "{outcome}");
    }
    assert!(
        outcome.stderr.starts_with("warning: through a pooler in transaction mode SET reaches other clients")
    );
    let outcome =
        Pgconn::new(&["timeout", "set", "off", "--transaction", "--kind", "lock", "--json"]).run().success();
    let document = outcome.json();
    assert_eq!(document["statements"], json!(["SET LOCAL lock_timeout = '0'"]));
    assert_eq!((&document["target"], &document["server"]), (&Value::Null, &Value::Null));
    let _ =
        Pgconn::new(&["timeout", "set", "5s", "--transaction", "--kind", "idle-session"]).run().fails_with(2);
    let _ = Pgconn::new(&["timeout", "set", "5s", "--transaction", "--role", "app"]).run().fails_with(2);
}

#[test]
fn the_printed_statement_and_options_do_what_they_say() {
    let cluster = with(&[]);
    let printed = |kind: &str| {
        Pgconn::new(&["timeout", "set", "30s", kind, "--kind", "statement,lock", "--json"])
            .run()
            .success()
            .json()
    };
    let mut session = cluster.session();
    for statement in texts(&printed("--session")["statements"]) {
        session.query(statement);
    }
    assert_eq!(session.query("show statement_timeout")[0][0].as_deref(), Some("30s"));
    let session_forms = printed("--session");
    let form =
        session_forms["forms"].as_array().unwrap().iter().find(|form| form["target"] == "connection string");
    let options = form.unwrap()["text"].as_str().unwrap();
    let options = options.strip_prefix("options='").unwrap().strip_suffix('\'').unwrap();
    let mut session = cluster.connect(&[("options", options)]).unwrap();
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("30s"));
    let mut session = cluster.session();
    session.query("begin");
    for statement in texts(&printed("--transaction")["statements"]) {
        session.query(statement);
    }
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("30s"));
    session.query("commit");
    assert_eq!(session.query("show lock_timeout")[0][0].as_deref(), Some("0"));
}
