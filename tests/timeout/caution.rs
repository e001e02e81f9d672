//! What `timeout set` and `timeout reset` refuse, ask about and warn of.

use super::*;

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
