//! What the linter must find, and what it must leave alone.

use super::*;

const SERVER: Against =
    Against { usable: 97, budget: 85, pools: 8, pooler_processes: 1, users: 1, version: None };

fn found(text: &str, against: &Against) -> Vec<(Option<u64>, Severity, &'static str)> {
    let (_, findings) = lint(text, against).unwrap();
    findings.iter().map(|finding| (finding.line, finding.severity, finding.code)).collect()
}

fn errors(text: &str, against: &Against) -> Vec<(Option<u64>, &'static str)> {
    found(text, against)
        .into_iter()
        .filter(|found| found.1 == Severity::Error)
        .map(|found| (found.0, found.2))
        .collect()
}

fn ini(settings: &str) -> String {
    format!(
        "[databases]\napp = host=127.0.0.1 dbname=app\n[pgbouncer]\nauth_type = scram-sha-256\nauth_file = /u\nignore_startup_parameters = extra_float_digits\n{settings}"
    )
}

#[test]
fn an_inline_comment_stops_pgbouncer() {
    let text = ini("pool_mode = transaction   ; session, transaction, or statement\n");
    assert_eq!(errors(&text, &SERVER), [(Some(7), "inline_comment")]);
}

#[test]
fn copied_settings_are_found_out() {
    let text = "; copied\n[databases]\nmyapp = host=127.0.0.1 port=5432 dbname=myapp\n\n[pgbouncer]\n\
        listen_addr = 0.0.0.0\nauth_type = md5\nauth_file = /etc/pgbouncer/userlist.txt\n\
        pool_mode = transaction\ndefault_pool_size = 20\nreserve_pool_size = 5\nmax_db_connections = 100\n";
    let expected = [
        (Some(6), Severity::Note, "no_tls"),
        (Some(7), Severity::Warning, "auth_md5"),
        (Some(9), Severity::Note, "prepared_statements"),
        (Some(12), Severity::Warning, "cap_above_usable"),
        (None, Severity::Note, "extra_float_digits"),
    ];
    assert_eq!(found(text, &SERVER), expected, "G8: 25 of 97 fits");
    let four = Against { users: 4, ..SERVER };
    assert!(
        errors(&text.replace("= 100", "= 0"), &four).contains(&(Some(10), "over_server")),
        "G9: 100 of 97"
    );
}

#[test]
fn values_are_read_as_pgbouncer_reads_them() {
    for (line, code) in [
        ("server_idle_timeout = 3s", "invalid_value"),
        ("default_pool_size = twenty", "invalid_value"),
        ("default_pool_size = 0", "no_size"),
        ("default_pool_size = -3", "no_size"),
        ("pool_mode = sessions", "invalid_value"),
        ("pool_size = 5", "unknown_key"),
        ("max_conns = 5", "unknown_key"),
        ("just words", "syntax"),
        ("[other]", "unknown_section"),
    ] {
        assert_eq!(errors(&ini(line), &SERVER), [(Some(7), code)], "{line}");
    }
    for fine in
        ["server_idle_timeout = 2.5", "unix_socket_mode = 0777", "; pool_mode = x", "pool_mode = Transaction"]
    {
        assert_eq!(errors(&ini(fine), &SERVER), [], "{fine}");
    }
}

#[test]
fn keys_are_held_against_the_version() {
    let text = ini("max_prepared_statements = 200");
    let version = |text: &str| Against { version: Version::parse(text), ..SERVER };
    assert_eq!(errors(&text, &version("1.18")), [(Some(7), "unknown_for_version")]);
    assert_eq!(errors(&text, &version("1.21")), []);
    assert!(found(&text, &SERVER).contains(&(Some(7), Severity::Note, "needs_version")));
}

#[test]
fn entries_are_added_up() {
    let entries = |text: &str| {
        format!(
            "[databases]\n{text}\n[pgbouncer]\nauth_type = scram-sha-256\nauth_file = /u\nignore_startup_parameters = extra_float_digits\n"
        )
    };
    let three = entries("a = dbname=a pool_size=40\nb = dbname=b user=x pool_size=40\nc = dbname=c");
    assert_eq!(errors(&three, &SERVER), [(None, "over_server")]);
    let capped = entries("a = dbname=a pool_size=400 max_db_connections=80");
    assert_eq!(found(&capped, &SERVER), []);
    let over = entries("a = dbname=a pool_size=90");
    assert_eq!(found(&over, &SERVER), [(None, Severity::Warning, "over_budget")]);
    let broken = entries("a = dbname='a\nb = dbname=b pool_size=0 colour=red");
    assert_eq!(
        errors(&broken, &SERVER),
        [(Some(2), "syntax"), (Some(3), "no_size"), (Some(3), "unknown_key")]
    );
}

#[test]
fn users_are_held_to_their_limit_and_an_entry_to_its_last_line() {
    let capped = ini("default_pool_size = 200\nmax_user_connections = 50\n");
    assert_eq!(errors(&capped, &SERVER), []);
    let two = Against { users: 2, ..SERVER };
    assert_eq!(errors(&capped, &two), [(Some(7), "over_server")], "100 of 97");
    let own = format!("{capped}[users]\nbatch = max_user_connections=120\n");
    assert_eq!(errors(&own, &SERVER), [(Some(7), "over_server")], "a user's own limit wins");
    let twice =
        ini("default_pool_size = 60\n").replace("[pgbouncer]", "app = host=h pool_size=70\n[pgbouncer]");
    assert_eq!(found(&twice, &SERVER), [(Some(2), Severity::Warning, "repeated")], "70 of 97, not 130");
    let no_reserve =
        ini("default_pool_size = 80\nreserve_pool_size = 20\n").replace("dbname=app", "reserve_pool=0");
    assert_eq!(errors(&no_reserve, &SERVER), []);
}

#[test]
fn words_are_known_in_any_case_and_by_version() {
    let upper = ini("pool_mode = Transaction\nlisten_addr = *\nclient_tls_sslmode = Disable\n");
    let codes: Vec<_> = found(&upper, &SERVER).into_iter().map(|found| found.2).collect();
    assert_eq!(codes, ["prepared_statements", "no_tls"]);
    let ldap = ini("").replace("scram-sha-256", "ldap");
    let version = |text: &str| Against { version: Version::parse(text), ..SERVER };
    assert_eq!(errors(&ldap, &version("1.18")), [(Some(4), "unknown_for_version")]);
    assert_eq!(errors(&ldap, &version("1.25")), []);
}

/// Each of them was given to PgBouncer 1.18, which starts with those without a finding and with those that it misreads.
#[test]
fn users_and_peers_are_read_as_pgbouncer_reads_them() {
    let version = |text: &str| Against { version: Version::parse(text), ..SERVER };
    for (line, code) in [
        ("app = colour=red", Some("unknown_key")),
        ("app = pool_mode=sessions", Some("invalid_value")),
        ("app = pool_size=3", Some("unknown_for_version")),
        ("app = max_user_connections=abc", Some("invalid_value")),
        ("app = just", Some("syntax")),
        ("app = pool_mode=session max_user_connections=5", None),
        ("app =", None),
    ] {
        let expected: Vec<_> = code.map(|code| (Some(8), code)).into_iter().collect();
        assert_eq!(errors(&ini(&format!("[users]\n{line}\n")), &version("1.18")), expected, "{line}");
    }
    for (line, code) in [
        ("1 = host=/tmp", None),
        ("x = host=/tmp", Some("invalid_value")),
        ("1 = port=5", Some("no_host")),
        ("1 = host=/tmp user=x", Some("unknown_key")),
    ] {
        let expected: Vec<_> = code.map(|code| (Some(8), code)).into_iter().collect();
        assert_eq!(errors(&ini(&format!("[peers]\n{line}\n")), &version("1.21")), expected, "{line}");
    }
    assert_eq!(errors(&ini("service_name = x"), &SERVER), [(Some(7), "unknown_key")], "Windows has it");
}

#[test]
fn urls_are_judged_by_who_reads_them() {
    let url =
        |text: &str| found(&format!("# x\nDATABASE_URL=\"postgresql://app:${{PW}}@{text}\"\n"), &SERVER);
    assert_eq!(url("h/db?connection_limit=5"), [(Some(2), Severity::Note, "prisma7")]);
    let codes = |text: &str| url(text).into_iter().map(|found| found.2).collect::<Vec<_>>();
    assert_eq!(codes("h/db?connection_limit=20"), ["prisma7", "over_server"]);
    assert_eq!(codes("h/db?connection_limit=11"), ["prisma7", "over_budget"]);
    assert_eq!(codes("h/db?connection_limit=0"), ["invalid_value"]);
    let hint = |pools| {
        let (_, findings) = lint("postgres://h/db?pool_max_conns=50", &Against { pools, ..SERVER }).unwrap();
        findings[0].hint.clone().unwrap()
    };
    assert_eq!(hint(8), "at most pool_max_conns=10 for so many pools");
    assert_eq!(hint(200), "no size fits so many pools: use fewer, or put a pooler in front");
    assert_eq!(codes("h/db?max=7"), ["ignored_parameter"]);
    assert_eq!(codes("h/db?pool_timeout=30000"), ["milliseconds"]);
    assert_eq!(codes("x.pooler.supabase.com:5432/db?pgbouncer=true"), ["session_port"]);
    assert_eq!(codes("x.pooler.supabase.com:6543/db?pgbouncer=true"), [""; 0]);
    assert_eq!(codes("h:6543/db?connection_limit=1"), ["prisma7", "prepared_statements"]);
}

#[test]
fn a_password_is_noticed_and_never_shown() {
    let (format, findings) = lint("postgres://app:s3cret@h/db?pool_max_conns=0", &SERVER).unwrap();
    assert_eq!(format, Format::Url);
    assert_eq!(
        findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["password", "invalid_value"]
    );
    let (_, broken) = lint("postgres://app:s3cr@t@h/db", &SERVER).unwrap();
    assert_eq!(broken[0].code, "unescaped");
    for finding in findings.iter().chain(&broken) {
        assert!(!format!("{finding:?}").contains("s3cr"), "{finding:?}");
    }
    assert!(lint("nothing of the kind", &SERVER).is_none());
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in "(\\[pgbouncer\\]\n|\\[databases\\]\n|[a-z_*]{1,9} ?= ?[a-z0-9' =;-]{0,20}\n|postgres://.{0,40}\n|.{0,20}\n){0,12}") {
        let _ = lint(&text, &SERVER);
    }
}
