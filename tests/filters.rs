//! Filters: the same on every command that looks or acts, evaluated by the server; what they do not match, and what cannot
//! be decided, is said.

use super::common::{Cluster, Pgconn, Session, with};

struct Shop {
    cluster: Cluster,
    sessions: Vec<(&'static str, Session)>,
}

fn shop() -> Shop {
    let cluster = with(&[]);
    let mut admin = cluster.session();
    for sql in [
        "create role app login",
        "create role \"We\"\"ird\" login",
        "create role nobody login",
        "create database shop",
    ] {
        admin.query(sql);
    }
    let with = |user, database, application| {
        [("user", user), ("database", database), ("application_name", application)]
    };
    let mut idle = cluster.connect(&with("app", "shop", "web")).unwrap();
    idle.query("select 'needle'");
    let open = cluster.idle_in_transaction(
        &with("app", "postgres", "worker-1"),
        "lock table pg_class in access share mode",
    );
    let failed = cluster.aborted(&with("We\"ird", "shop", "worker_2"));
    let active = cluster.active(&with("postgres", "postgres", "50%"));
    let mut holder = cluster.connect(&[("database", "shop")]).unwrap();
    holder.query("begin; select pg_advisory_xact_lock(1)");
    let waiting = cluster.waiting(&with("app", "shop", "queue"), "select pg_advisory_lock(1)");
    let sessions = vec![
        ("idle", idle),
        ("open", open),
        ("failed", failed),
        ("active", active),
        ("holder", holder),
        ("waiting", waiting),
    ];
    Shop { cluster, sessions }
}

impl Shop {
    /// The names of the sessions that `ls` with these filters lists.
    fn listed(&self, filters: &[&str]) -> Vec<&'static str> {
        let arguments: Vec<&str> = ["ls", "--json"].iter().chain(filters).copied().collect();
        let answer = Pgconn::new(&arguments).on(&self.cluster).run().success().json();
        let pids: Vec<i64> =
            answer["sessions"].as_array().unwrap().iter().map(|row| row["pid"].as_i64().unwrap()).collect();
        self.sessions
            .iter()
            .filter(|(_, session)| pids.contains(&i64::from(session.pid)))
            .map(|(name, _)| *name)
            .collect()
    }
}

#[test]
fn every_filter_selects_what_it_says() {
    let shop = shop();
    let all = ["idle", "open", "failed", "active", "holder", "waiting"];
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &all),
        (&["--db", "shop"], &["idle", "failed", "holder", "waiting"]),
        (&["--db", "!shop"], &["open", "active"]),
        (&["--db", "shop", "--db", "postgres"], &all),
        (&["--db", "s*p"], &["idle", "failed", "holder", "waiting"]),
        (&["--role", "We\"ird"], &["failed"]),
        (&["--role", "app", "--db", "shop"], &["idle", "waiting"]),
        (&["--role", "a*", "--role", "!app"], &[]),
        (&["--app", "worker*"], &["open", "failed"]),
        (&["--app", "worker_*"], &["failed"]),
        (&["--app", "50%"], &["active"]),
        (&["--app", "5*%"], &["active"]),
        (&["--app", "!worker*", "--app", "!web"], &["active", "holder", "waiting"]),
        (&["--state", "idle"], &["idle"]),
        (&["--state", "idle-in-transaction"], &["open", "failed", "holder"]),
        (&["--state", "idle in transaction"], &["open", "holder"]),
        (&["--state", "aborted"], &["failed"]),
        (&["--state", "idle_in_transaction"], &["open", "failed", "holder"]),
        (&["--state", "idle_in_transaction_aborted"], &["failed"]),
        (&["--state", "active,idle"], &["idle", "active", "waiting"]),
        (&["--state", "active,!waiting"], &["active"]),
        (&["--state", "active"], &["active", "waiting"]),
        (&["--state", "active", "--state", "!waiting"], &["active"]),
        (&["--state", "waiting"], &["waiting"]),
        (&["--client", "local"], &all),
        (&["--client", "!local"], &[]),
        (&["--client", "0.0.0.0/0"], &[]),
        (&["--query", "NEEDLE|needle"], &["idle"]),
        (&["--query", "NEEDLE"], &[]),
        (&["--query", "!needle", "--state", "idle"], &[]),
        (&["--idle-for", "1us"], &["idle", "open", "failed", "holder"]),
        (&["--xact-for", "1us"], &["open", "active", "holder", "waiting"]),
        (&["--query-for", "1us"], &["active", "waiting"]),
        (&["--idle-for", "1h"], &[]),
        (&["--idle-for", "99y"], &[]),
        (&["--db", "'; drop table x; --"], &[]),
        (&["--app", "{limit}"], &[]),
    ];
    for (filters, expected) in cases {
        assert_eq!(shop.listed(filters), *expected, "{filters:?}");
    }
}

#[test]
fn a_backslash_is_a_character_and_a_dropped_role_has_sessions() {
    let cluster = with(&[]);
    cluster.query("create role leaver login");
    let app = |name| [("application_name", name)];
    let _sessions = [r"a\b", "ab", "a*b", r"a\*b", "!a"].map(|name| cluster.connect(&app(name)).unwrap());
    let leaver = cluster.connect(&[("user", "leaver"), ("application_name", "leaver")]).unwrap();
    cluster.query("drop role leaver");
    let listed = |filters: &[&str]| {
        let answer = Pgconn::new(&[&["ls", "--json", "--sort", "pid"], filters].concat()).on(&cluster).run();
        let answer = answer.success().json();
        let rows = answer["sessions"].as_array().unwrap().clone();
        rows.iter().map(|row| row["application_name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&["--app", r"a\b"]), [r"a\b"]);
    assert_eq!(listed(&["--app", r"a\*b"]), ["a*b"]);
    assert_eq!(listed(&["--app", r"a\\*b"]), [r"a\*b"]);
    assert_eq!(listed(&["--app", r"\!a"]), ["!a"]);
    assert_eq!(listed(&["--app", r"!\!a", "--app", "!a*", "--role", "*"]), ["leaver"]);
    assert_eq!(listed(&["--role", "*"]).len(), 6, "{}", leaver.pid);
    assert_eq!(listed(&["--role", "!*"]), [""; 0]);
    assert_eq!(listed(&["--role", "!postgres"]), ["leaver"]);
    assert_eq!(listed(&["--role", "p*"]).len(), 5);
}

#[test]
fn what_is_sorted_by_is_seen_and_what_is_hidden_is_no_zero() {
    let shop = shop();
    let table = |arguments: &[&str]| Pgconn::new(arguments).on(&shop.cluster).run().success().stdout;
    let header = |arguments: &[&str]| {
        let text = table(arguments);
        text.lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(header(&["ls", "--sort", "age"]).contains(&"AGE".to_owned()));
    assert!(!header(&["ls"]).contains(&"AGE".to_owned()));
    let seen_by = |role: &str| {
        let text = table(&["stats", "--by", "application,state", "-U", role]);
        let cells = |start: &str| {
            let line = text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}"));
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(text.contains("\nSTATE "), "--by takes commas: {text}");
        (cells("APPLICATION "), cells("queue "))
    };
    let (titles, counts) = seen_by("postgres");
    assert_eq!((titles.len(), &counts[2..6]), (7, &["1", "0", "0", "0"].map(str::to_owned)[..]));
    let (titles, counts) = seen_by("nobody");
    let hidden = titles.iter().position(|title| title == "HIDDEN").unwrap();
    assert_eq!((&counts[2..6], counts[hidden].as_str()), (&["-", "-", "-", "-"].map(str::to_owned)[..], "1"));
}

#[test]
fn stats_counts_what_the_filters_select_beside_the_whole_server() {
    let shop = shop();
    let run = |arguments: &[&str]| {
        Pgconn::new(arguments).on(&shop.cluster).settling(&shop.cluster).run().success().json()
    };
    let everything = run(&["stats", "--json"]);
    let some = run(&["stats", "--json", "--db", "shop"]);
    assert_eq!(some["matched"], 4);
    assert_eq!(some["connections"]["used"], everything["connections"]["used"]);
    assert_eq!(some["by_database"].as_array().unwrap().len(), 1);
}

#[test]
fn a_name_that_does_not_exist_gets_a_proposal() {
    let shop = shop();
    for (arguments, expected) in [
        (["ls", "--db", "shpo"], "did you mean --db shop?"),
        (["stats", "--role", "ap"], "did you mean --role app?"),
        (["long", "--app", "worker-2"], "did you mean --app worker"),
    ] {
        let outcome = Pgconn::new(&arguments).on(&shop.cluster).run().success();
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("warning: "), "{}", outcome.stderr);
    }
    let quiet = Pgconn::new(&["ls", "--db", "shop", "--state", "starting"]).on(&shop.cluster).run().success();
    assert_eq!(quiet.stderr, "", "an existing name is no mistake");
}

#[test]
fn a_role_without_privileges_is_told_what_it_cannot_see() {
    let shop = shop();
    let by_nobody = |arguments: &[&str]| {
        Pgconn::new(arguments).on(&shop.cluster).env("PGUSER", "nobody").settling(&shop.cluster)
    };
    let run = |arguments: &[&str]| by_nobody(arguments).run().success();
    let stats = run(&["stats", "--json"]).json();
    let connections = &stats["connections"];
    assert_eq!(
        (&connections["used"], &connections["hidden"], &connections["used_at_most"]),
        (&1.into(), &6.into(), &7.into())
    );
    assert!(connections["free"].is_null() && connections["used_ratio"].is_null(), "hidden is not zero");
    assert_eq!(stats["warnings"][0]["code"], "hidden_sessions");
    assert_eq!(stats["warnings"][0]["hint"], "GRANT pg_monitor TO \"nobody\"");
    assert_eq!(stats["by_role"][0]["count"], 3, "roles, databases and applications are never hidden");
    assert!(stats["by_state"][0]["state"].is_null());
    assert_eq!(
        stats["by_application"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["hidden"].as_i64().unwrap())
            .sum::<i64>(),
        6
    );

    // How many may match is one number, and with it stands what to do; nobody is told of two.
    for command in ["ls", "long", "stats"] {
        let outcome = run(&[command, "--state", "idle"]);
        assert_eq!(outcome.stderr.matches("hidden from").count(), 1, "{outcome}");
        assert!(outcome.stderr.contains("more sessions may match"), "{outcome}");
        assert!(outcome.stderr.contains("hint: GRANT pg_monitor TO \"nobody\"\n"), "{outcome}");
    }
    let both = run(&["ls", "--state", "idle", "--json"]).json();
    let codes: Vec<_> = both["warnings"].as_array().unwrap().iter().map(|warning| &warning["code"]).collect();
    assert_eq!(codes, ["hidden_sessions", "undecidable_sessions"]);

    // Rows alone carry no warning.
    for (format, watch, says) in
        [("ndjson", false, true), ("tsv", false, true), ("json", false, false), ("ndjson", true, false)]
    {
        let listing = ["ls", "-F", format, if watch { "--watch=100ms" } else { "-w" }];
        let outcome = if watch {
            let run = by_nobody(&listing).spawn();
            super::common::wait_until("a result is there", || run.stdout().contains('\n'));
            run.signal(nix::sys::signal::Signal::SIGINT);
            let outcome = run.finish().success();
            shop.cluster
                .wait_until("not exists (select from pg_stat_activity where application_name = 'pgconn')");
            outcome
        } else {
            run(&listing)
        };
        assert_eq!(outcome.stderr.contains("sessions are hidden"), says, "{format} {outcome}");
    }

    let undecidable = run(&["stats", "--json", "--state", "idle"]).json();
    assert_eq!((&undecidable["matched"], &undecidable["undecidable"]), (&0.into(), &6.into()));
    let listed = run(&["ls", "--state", "idle", "--db", "shop"]);
    assert!(listed.stderr.contains("4 more sessions may match"), "{}", listed.stderr);
    assert!(
        listed.stdout.contains("(hidden)") && !listed.stdout.contains("insufficient"),
        "{}",
        listed.stdout
    );
    // A limit cuts the rows, and nothing that is said of them.
    let cut = run(&["ls", "--limit", "2"]);
    assert!(cut.stdout.ends_with("\n2 of 6 sessions\n"), "{cut}");
    assert!(cut.stderr.contains("6 sessions are hidden"), "{cut}");
    let cut = run(&["ls", "--limit", "1", "--state", "idle", "--db", "shop"]);
    assert!(cut.stdout.ends_with("\n0 sessions\n"), "{cut}");
    assert!(
        cut.stderr.contains("4 more sessions may") && !cut.stderr.contains("sessions are hidden"),
        "{cut}"
    );
    let cut = run(&["long", "--over", "0s", "--limit", "1", "--json", "-U", "postgres"]).json();
    assert_eq!((&cut["matched"], cut["sessions"].as_array().unwrap().len()), (&4.into(), 1));
    let table = run(&["stats"]);
    assert!(table.stdout.contains("between 1 and 7 of"), "{}", table.stdout);
    assert!(table.stderr.contains("hint: GRANT pg_monitor TO \"nobody\""), "{}", table.stderr);

    let mut admin = shop.cluster.session();
    admin.query("grant pg_monitor to nobody");
    let stats = run(&["stats", "--json"]).json();
    assert_eq!((&stats["connections"]["hidden"], &stats["connections"]["used"]), (&0.into(), &8.into()));
    assert_eq!(stats["warnings"].as_array().unwrap().len(), 0);
    let sessions = run(&["ls", "--json"]).json();
    assert!(sessions["sessions"].as_array().unwrap().iter().all(|session| session["can_signal"] == false));
}
