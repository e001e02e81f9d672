//! What a pgbouncer.ini means beyond its single lines.

use super::*;
use crate::poolconf::lint::Severity;
use crate::poolconf::pgbouncer::Version;

const SERVER: Against = Against::DEFAULT_SERVER;

const SECURE: &str =
    "auth_type = scram-sha-256\nauth_file = users.txt\nignore_startup_parameters = extra_float_digits\n";

fn judged(text: &str, against: &Against, files: &[(&str, &str)]) -> Vec<LintFinding> {
    let read = |name: &str| {
        let file = files.iter().find(|(known, _)| *known == name);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    };
    lint(text, against, &read)
}

fn codes(text: &str) -> Vec<(Option<u64>, &'static str)> {
    let findings = judged(text, &SERVER, &[]);
    findings.iter().map(|finding| (finding.line, finding.code)).collect()
}

fn messages(text: &str, files: &[(&str, &str)]) -> Vec<String> {
    judged(text, &SERVER, files).into_iter().map(|finding| finding.message).collect()
}

#[test]
fn a_guess_is_a_note_and_says_so() {
    let text = format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}default_pool_size = 200\n");
    assert_eq!(codes(&text), [(Some(7), "over_server")]);
    let assumed = Against { assumed: Some(100), ..SERVER };
    let found = judged(&text, &assumed, &[]).remove(0);
    assert_eq!((found.severity, found.code), (Severity::Note, "over_server"));
    assert!(found.message.contains("assumed max_connections of 100"), "{found:?}");
}

#[test]
fn each_server_has_a_sum_of_its_own() {
    let entries = |text: &str| format!("[databases]\n{text}[pgbouncer]\n{SECURE}default_pool_size = 60\n");
    assert_eq!(codes(&entries("w = host=writer\nr = host=reader\np = host=writer port=5433\n")), []);
    let two = "w = host=writer\nr = host=reader\nv = host=writer dbname=other\n";
    assert_eq!(codes(&entries(two)), [(Some(2), "over_server")]);
    assert!(messages(&entries(two), &[])[0].contains("up to 120 server connections on writer:5432"));
    let here = "a = host=127.0.0.1\nb = host=localhost\nc = host=/run/postgresql\n";
    assert_eq!(codes(&entries(here)), [(Some(9), "over_server")], "they are one");
}

#[test]
fn a_section_that_comes_again_says_what_it_undoes() {
    let main = format!("[pgbouncer]\nlisten_addr = *\n{SECURE}");
    let again = format!("{main}[databases]\na = host=h\n[pgbouncer]\npool_mode = session\nlisten_addr = *\n");
    let said = messages(&again, &[]);
    assert!(
        said.iter()
            .any(|message| message.ends_with("auth_type (line 3), ignore_startup_parameters (line 5)")),
        "{said:?}"
    );
    let before = format!("%include a.ini\n{main}[databases]\na = host=h\n");
    let said = messages(&before, &[("a.ini", "[pgbouncer]\npool_mode = transaction\n")]);
    assert!(said[0].ends_with("pool_mode (line 2 of a.ini)"), "{said:?}");
    let harmless = format!("[pgbouncer]\n{main}[databases]\na = host=h\n");
    assert!(!codes(&harmless).iter().any(|(_, code)| *code == "reset"));
}

#[test]
fn a_blank_that_is_none_is_named_with_its_column() {
    let line = |text: &str| format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}{text}\n");
    for (text, expected) in [
        ("pool_mode\u{a0}= session", "a no-break space (U+00A0) in column 10 is no blank"),
        ("pool_mode = \u{a0}session", "a no-break space (U+00A0) in column 13 is part of the value"),
        ("logfile = /x\u{200b}", "an invisible character (U+200B) in column 13 is part of the value"),
        ("[databases]\nb = host=h\u{a0}port=5", "a no-break space (U+00A0) in column 11 separates nothing"),
        ("[databases]\nb = host=h\tport=5", "a tab in column 11 separates nothing"),
    ] {
        let said = messages(&line(text), &[]);
        assert!(said.len() == 1 && said[0].contains(expected), "{text:?}: {said:?}");
    }
    assert_eq!(codes(&line("server_check_query = select 'a\u{a0}b'")), []);
    let marked = messages(&format!("\u{feff}[pgbouncer]\n{SECURE}"), &[]);
    assert!(marked[0].contains("a byte-order mark (U+FEFF) in column 1"), "{marked:?}");
}

#[test]
fn parameters_that_decide_are_not_dropped_without_a_word() {
    let text = |list: &str| {
        let secure = SECURE.replace("extra_float_digits", list);
        format!("[databases]\na = host=h\n[pgbouncer]\n{secure}")
    };
    let dropped = text("extra_float_digits, search_path,options, Statement_Timeout");
    assert_eq!(codes(&dropped), [(Some(6), "dropped_parameters")]);
    let said = messages(&dropped, &[]).remove(0);
    assert!(
        said.contains("search_path, options, statement_timeout is dropped") && said.contains("tenant"),
        "{said}"
    );
    assert!(!messages(&text("extra_float_digits,lock_timeout"), &[])[0].contains("tenant"));
    assert_eq!(codes(&text("extra_float_digits, geqo, jit")), []);
    let tracked = text("extra_float_digits,search_path") + "track_extra_parameters = search_path\n";
    assert!(!codes(&tracked).iter().any(|(_, code)| *code == "dropped_parameters"));
}

#[test]
fn secrets_and_certificates_are_judged_by_what_is_there() {
    let text = format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}").replace("scram-sha-256", "md5");
    assert_eq!(codes(&text), [], "nobody knows what is in the auth_file");
    let listed = |users: &str| {
        let found = judged(&text, &SERVER, &[("users.txt", users)]);
        found.into_iter().map(|finding| (finding.code, finding.message)).collect::<Vec<_>>()
    };
    assert_eq!(listed("\"a\" \"plain\"\n"), []);
    let (code, message) = listed(&format!("\"a\" \"x\"\n\"b\" \"md5{}\"\n", "0".repeat(32))).remove(0);
    assert!(code == "auth_md5" && message.starts_with("1 of its 2 secrets"), "{message}");
    let tls = text.clone() + "client_tls_key_file = /k\nclient_tls_cert_file = /c\nlisten_addr = *\n";
    assert_eq!(codes(&tls), [(Some(8), "tls_off")]);
    assert_eq!(codes(&(text + "listen_addr = *\n")), [], "TLS may end before it");
}

#[test]
fn what_is_no_pgbouncer_ini_yet_is_said_in_one_line() {
    let template =
        "[databases]\n{% for db in dbs %}\n{{ db }} = host={{ host }}\n{% endfor %}\n[pgbouncer]\nx\n";
    assert_eq!(codes(template), [(Some(2), "template")]);
    let array = format!("[databases]\na = host=h connect_query='select {{{{1}}}}'\n[pgbouncer]\n{SECURE}");
    assert_eq!(codes(&array), [], "an array in quotes");
    assert!(looks_like("pool_mode = session\n") && looks_like("%include /etc/x.ini\n"));
    assert!(looks_like("  [databases] ; all\n") && !looks_like("pool: 5\n[other]\n"));
    assert_eq!(codes("pool_mode = session\nmax_client_conn = 5\n"), [(Some(1), "syntax")]);
    assert_eq!(codes("[pgbouncer]\nfirst\nsecond\nthird\n"), [(Some(2), "syntax")], "the rest is not read");
    assert_eq!(codes("%include /etc/x.ini\n"), [(Some(1), "include")]);
    let whole = "%include m.ini\n%include d.ini\n";
    let (main, entries) = (format!("[pgbouncer]\n{SECURE}"), "[databases]\na = host=h pool_size=x\n");
    let found = judged(whole, &SERVER, &[("m.ini", &main), ("d.ini", entries)]);
    let seen: Vec<_> = found.iter().map(|one| (one.file.as_deref(), one.line, one.code)).collect();
    assert_eq!(seen, [(Some("d.ini"), Some(2), "misread_value")]);
}

#[test]
fn files_that_include_each_other_come_to_an_end() {
    let said = |text: &str| {
        let files: Vec<(String, String)> =
            (0..12).map(|at| (format!("{at}"), format!("%include {}\n", at + 1).repeat(50))).collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
        messages(text, &files)
    };
    let deep = said("[pgbouncer]\n%include 0\n");
    assert!(deep[0].starts_with("files include each other too deep"), "{deep:?}");
    let wide = said("[pgbouncer]\n%include 6\n");
    assert!(wide.iter().any(|message| message.contains("there are more than 1000")), "{:?}", wide.first());
    let (large, includes) = (";".repeat(6 << 20), "%include large\n".repeat(4));
    let many = messages(&format!("[pgbouncer]\n{includes}"), &[("large", &large)]);
    let refused = many.iter().filter(|message| message.contains("the others have 16 MiB already"));
    assert_eq!(refused.count(), 1, "{:?}", many.first());
}

/// What is not known is not said as if it were, and nothing is said of each line again.
#[test]
fn a_note_says_what_it_takes_for_granted_and_says_it_once() {
    let assumed = Against { assumed: Some(100), ..SERVER };
    let said = |text: &str, against: &Against| {
        let found = judged(text, against, &[]);
        found.into_iter().map(|finding| finding.message).collect::<Vec<_>>()
    };
    let caps = format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}max_db_connections = 200\n");
    let caps = said(&caps, &assumed).concat();
    assert!(caps.contains("of an assumed max_connections of 100 ordinary roles have 97"), "{caps}");
    let mode = format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}pool_mode = transaction\n");
    assert!(said(&mode, &SERVER).concat().contains("in transaction mode before PgBouncer 1.24"));
    let known = Against { version: Version::parse("1.20"), ..SERVER };
    assert!(!said(&mode, &known).concat().contains("before PgBouncer"));
    let dropped = |list: &str| {
        let text =
            format!("[databases]\na = host=h\n[pgbouncer]\n{SECURE}ignore_startup_parameters = {list}\n");
        said(&text, &SERVER).concat()
    };
    assert!(dropped("extra_float_digits,search_path").contains("another tenant's tables"));
    assert!(!dropped("extra_float_digits,options").contains("tenant"));
    let entry = |name: &str| format!("{name} = host=h password=s3cret\n");
    let entries = ["a", "b", "c"].map(entry).concat();
    let text = format!("[databases]\n{entries}[pgbouncer]\n{SECURE}");
    let (_, entries) = crate::poolconf::lint::lint(&text, &SERVER, &|_| Err(String::new())).unwrap();
    let passwords = entries.iter().filter(|finding| finding.code == "password");
    let passwords: Vec<_> = passwords.map(|finding| &*finding.message).collect();
    assert_eq!(passwords, ["the entry a holds a password, and 2 others do"]);
    let comment = judged("-- mine\n[pgbouncer]\n", &SERVER, &[]).remove(0);
    assert_eq!(comment.hint.as_deref(), Some("a comment starts with ; or #"));
}

#[test]
fn a_name_that_is_almost_one_is_known() {
    let hint = |text: &str| {
        let found = judged(&format!("[pgbouncer]\n{SECURE}{text}\n"), &SERVER, &[]);
        found.into_iter().find(|finding| finding.code == "unknown_key").unwrap().hint.unwrap_or_default()
    };
    for (text, expected) in [
        ("log_pool_errors = 1", "log_pooler_errors"),
        ("max_client_con = 5", "max_client_conn"),
        ("pool_size = 5", "here it is default_pool_size"),
        ("max_connections = 5", "max_client_conn"),
        ("[databases]\na = host=h sslmode=require", "server_tls_sslmode"),
        ("[databases]\na = host=h server_idle_timeout=5", "belongs to [pgbouncer]"),
        ("[databases]\na = hostt=h", "did you mean host?"),
    ] {
        assert!(hint(text).contains(expected), "{text}: {}", hint(text));
    }
    assert_eq!(hint("zzz = 1"), "");
}

#[test]
fn sizes_that_nothing_reaches_are_said() {
    let text = |entry: &str, settings: &str| {
        format!("[databases]\na = host=h {entry}\n[pgbouncer]\n{SECURE}{settings}\n")
    };
    for (entry, settings, line) in [
        ("pool_size=80 max_db_connections=3", "", 2),
        ("", "default_pool_size = 80\nmax_db_connections = 3", 7),
        ("pool_size=80", "max_db_connections = 3", 2),
        ("pool_size=80", "max_user_connections = 3", 2),
        ("", "default_pool_size = 20\nmax_client_conn = 5", 7),
        ("", "max_client_conn = 5", 7),
    ] {
        assert_eq!(codes(&text(entry, settings)), [(Some(line), "size_not_reached")], "{entry} {settings}");
    }
    assert_eq!(codes(&text("pool_size=20 max_db_connections=50", "max_client_conn = 500")), []);
    assert_eq!(codes(&text("max_db_connections=5", "")), [], "the default is no wish");
}

#[test]
fn a_version_reads_what_it_knows() {
    let text = format!("[databases]\n'my db' = host=h\n[pgbouncer]\n{SECURE}");
    let of = |version: &str| judged(&text, &Against { version: Version::parse(version), ..SERVER }, &[]);
    assert_eq!(of("1.25"), []);
    assert_eq!(codes(&text), [(Some(2), "needs_version")]);
    let old = of("1.18").remove(0);
    assert!(old.prevents_start && old.message.contains("quotes"), "{old:?}");
}
