//! What `timeout set` and `timeout reset` change, and how it is undone.

use super::*;

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
    assert_eq!(overview["warnings"][0]["code"], "through_pooler");
    assert_eq!(overview["warnings"][1]["code"], "server_value_unknown");
    let _ = through(&["reset", "--role", "app"]);
    assert_eq!(stored(&cluster), "");
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
