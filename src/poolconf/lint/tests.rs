//! What the linter must find, and what it must leave alone.

use super::*;
use crate::poolconf::pgbouncer::Version;

const SERVER: Against = Against::DEFAULT_SERVER;

/// No other file can be read.
fn lint(text: &str, against: &Against) -> Option<(ConfigFormat, Vec<LintFinding>)> {
    super::lint(text, against, &|_| Err("no such file".to_owned()))
}

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
        (Some(9), Severity::Note, "prepared_statements"),
        (Some(12), Severity::Warning, "cap_above_usable"),
        (None, Severity::Note, "extra_float_digits"),
    ];
    assert_eq!(found(text, &SERVER), expected, "G8: 25 of 97 fits");
    let four = Against { users: Some(4), ..SERVER };
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
    assert_eq!(found(&capped, &SERVER), [(Some(2), Severity::Warning, "size_not_reached")]);
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
    let two = Against { users: Some(2), ..SERVER };
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
    assert_eq!(codes, ["prepared_statements"]);
    let ldap = ini("").replace("scram-sha-256", "ldap");
    let version = |text: &str| Against { version: Version::parse(text), ..SERVER };
    assert_eq!(errors(&ldap, &version("1.18")), [(Some(4), "unknown_for_version")]);
    assert_eq!(errors(&ldap, &version("1.25")), []);
}

#[test]
fn a_user_s_own_size_is_counted() {
    let users = |lines: &str| {
        let ini = ini("default_pool_size = 30\nreserve_pool_size = 2\n");
        ini.replace("dbname=app\n", "dbname=app pool_size=40\nbatch = user=batch\n") + "[users]\n" + lines
    };
    let sum = |lines: &str, users_given: Option<u64>| {
        let (_, findings) =
            lint(&users(lines), &Against { users: users_given, usable: 1, ..SERVER }).unwrap();
        let over = findings.into_iter().find(|finding| finding.code == "over_server").unwrap().message;
        over.split_once("up to ").unwrap().1.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(sum("", None), 42 + 32, "one user each");
    assert_eq!(sum("web = pool_size=7\n", None), 9 + 32, "its own size wins over the entry's");
    assert_eq!(sum("web = pool_size=7 reserve_pool_size=0\nbatch = pool_size=50\n", None), 7 + 52 + 52);
    assert_eq!(sum("web = pool_mode=session\nother = pool_size=7\n", None), 42 + 9 + 32, "both are users");
    assert_eq!(sum("a = pool_size=7\nb = pool_size=60\n", Some(1)), 62 + 32, "the worst of them");
    assert_eq!(sum("a = pool_size=7\n", Some(3)), 9 + 2 * 42 + 32, "those that it does not name, too");
    assert_eq!(
        sum("web = pool_size=70\nweb = pool_size=7\n", None),
        9 + 32,
        "the last line of a name counts"
    );
}

/// Each of them was given to PgBouncer 1.18, which starts with those without a finding only.
#[test]
fn tls_for_clients_needs_what_pgbouncer_needs_to_start() {
    let files = "client_tls_key_file = /k\nclient_tls_cert_file = /c\n";
    for (settings, line) in [
        ("client_tls_sslmode = prefer\n".to_owned(), Some(7)),
        ("client_tls_key_file = /k\nclient_tls_sslmode = require\n".to_owned(), Some(8)),
        (format!("client_tls_sslmode = require\n{files}client_tls_key_file =\n"), Some(7)),
        (format!("client_tls_sslmode = require\n{files}"), None),
        (format!("client_tls_sslmode = verify-ca\n{files}"), None),
        (format!("client_tls_sslmode = Verify-Full\n{files}"), Some(7)),
        (format!("client_tls_sslmode = verify-full\n{files}client_tls_ca_file = /a\n"), None),
        ("client_tls_sslmode = disable\n".to_owned(), None),
        ("client_tls_sslmode = require\n%include /more.ini\n".to_owned(), None),
    ] {
        let expected: Vec<_> = line.map(|line| (Some(line), "client_tls")).into_iter().collect();
        assert_eq!(errors(&ini(&settings), &SERVER), expected, "{settings}");
    }
    let cert = |settings: &str| ini(settings).replace("scram-sha-256", "cert");
    for settings in ["".to_owned(), format!("client_tls_sslmode = require\n{files}")] {
        assert_eq!(errors(&cert(&settings), &SERVER), [(Some(4), "client_tls")], "{settings}");
    }
    let full = format!("client_tls_sslmode = verify-full\n{files}client_tls_ca_file = /a\n");
    assert_eq!(errors(&cert(&full), &SERVER), []);
}

/// Each of them was given to PgBouncer 1.18, which starts with those without a finding and with those that it misreads.
#[test]
fn users_and_peers_are_read_as_pgbouncer_reads_them() {
    let version = |text: &str| Against { version: Version::parse(text), ..SERVER };
    for (line, code) in [
        ("app = colour=red", Some("unknown_key")),
        ("app = pool_mode=sessions", Some("invalid_value")),
        ("app = pool_size=3", Some("unknown_for_version")),
        ("app = max_user_connections=abc", None),
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
    assert_eq!(codes("h/db?maximumPoolSize=7&min=2"), ["ignored_parameter"; 2]);
    for reader in ["pool_size", "pool", "max_connections"] {
        assert_eq!(url(&format!("h/db?{reader}=5")), [(Some(2), Severity::Note, "ignored_parameter")]);
        assert_eq!(codes(&format!("h/db?{reader}=20")), ["ignored_parameter", "over_server"]);
        assert_eq!(codes(&format!("h/db?{reader}=all")), ["ignored_parameter", "invalid_value"]);
    }
    let ecto = lint("url: \"ecto://app:${PW}@h/db?pool_size=20\"", &SERVER).unwrap().1;
    assert_eq!(ecto.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["over_server"]);
    assert!(ecto[0].message.starts_with("8 pools of 20 (Ecto)"), "{ecto:?}");
    let other = |text: &str| {
        let findings = lint(&format!("URL={text}"), &SERVER).unwrap().1;
        findings.into_iter().map(|finding| (finding.severity, finding.code)).collect::<Vec<_>>()
    };
    for parameter in ["pool_size=20", "max_overflow=5", "max=6", "connection_limit=50", "pool_timeout=5"] {
        let refused = [(Severity::Error, "refused_parameter")];
        assert_eq!(other(&format!("postgresql+psycopg://a@h/db?{parameter}")), refused, "{parameter}");
        let ignored = [(Severity::Warning, "ignored_parameter")];
        assert_eq!(other(&format!("jdbc:postgresql://h/db?{parameter}")), ignored, "{parameter}");
    }
    assert_eq!(other("postgresql+psycopg2://a@h/db?connect_timeout=5"), []);
    assert!(lint("mysql://h/db\nmypostgres://h/db?max=5", &SERVER).is_none());
    let (_, one) = lint("postgres://h/db?pool_max_conns=120", &Against { pools: 1, ..SERVER }).unwrap();
    assert!(one[0].message.starts_with("1 pool of 120 (pgxpool) opens up to 120 connections"), "{one:?}");
    let text = lint("postgres://h/db?max=6", &SERVER).unwrap().1.remove(0).message;
    assert!(text.contains("postgres.js takes max for text and opens 1 connection"), "{text}");
    assert_eq!(codes("h/db?pool_timeout=30000"), ["milliseconds"]);
    assert_eq!(codes("x.pooler.supabase.com:5432/db?pgbouncer=true"), ["session_port"]);
    assert_eq!(codes("x.pooler.supabase.com:6543/db?pgbouncer=true"), [""; 0]);
    assert_eq!(codes("h:6543/db?connection_limit=1"), ["prisma7", "prepared_statements"]);
}

#[test]
fn a_password_is_noticed_and_never_shown() {
    let (format, findings) = lint("postgres://app:s3cret@h/db?pool_max_conns=0", &SERVER).unwrap();
    assert_eq!(format, ConfigFormat::Url);
    assert_eq!(
        findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        ["password", "invalid_value"]
    );
    let broken = ["s3cr@t", "s3cr/t", "s3cr#t"].map(|password| {
        let found = lint(&format!("postgres://app:{password}@h/db"), &SERVER).unwrap().1.remove(0);
        assert_eq!(found.code, "unescaped", "{password}");
        found
    });
    for finding in findings.iter().chain(&broken) {
        assert!(!format!("{finding:?}").contains("s3cr"), "{finding:?}");
    }
    for jdbc in [
        "jdbc:postgresql://h/db?user=u&password=s3cret",
        "<value>jdbc:postgresql://h:5432/db?ssl=true&amp;password=s3cret</value>",
        "JDBC_URL='jdbc:postgresql://h/db?sslpassword=s3cret&user=u'",
    ] {
        let (_, findings) = lint(jdbc, &SERVER).unwrap();
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), ["password"], "{jdbc}");
        assert!(!format!("{findings:?}").contains("s3cret"), "{findings:?}");
    }
    let from_the_environment = "jdbc:postgresql://h/db?user=u&password=${DB_PASSWORD}";
    assert_eq!(lint(from_the_environment, &SERVER).unwrap().1, []);
    assert!(lint("nothing of the kind", &SERVER).is_none());
}

proptest::proptest! {
    #[test]
    fn any_text_is_judged_without_panic(text in "(\\[pgbouncer\\]\n|\\[databases\\]\n|[a-z_*]{1,9} ?= ?[a-z0-9' =;-]{0,20}\n|postgres://.{0,40}\n|%include [a-z]\n|'[a-z ]{0,5}' = .{0,9}\n|[A-Z_]{1,17}[=:].{0,9}\n|Host=.{0,20}\n|.{0,20}\n){0,12}") {
        let _ = lint(&text, &SERVER);
    }
}
