//! What the named libraries do with a URL.

use super::*;

const SERVER: Against = Against::DEFAULT_SERVER;

fn codes(text: &str) -> Vec<&'static str> {
    lint(text, &SERVER).unwrap().into_iter().map(|finding| finding.code).collect()
}

#[test]
fn what_no_library_takes_is_refused() {
    for (url, expected) in [
        ("postgres://u@h/db?sslmode=requre", "sslmode"),
        ("postgres://u@h/db?sslmode=no-verify", "sslmode"),
        ("postgres://u@h:54321000/db", "invalid_port"),
        ("postgres://u@a:5432,b:0/db", "invalid_port"),
        ("postgres://u:pa%ss@h/db", "unescaped"),
        ("postgres://u:50%@h/db", "unescaped"),
        ("postgres://u:pa?ss@h/db", "unescaped"),
        ("postgresql+asyncpg://u@h/db?sslmode=require", "refused_parameter"),
    ] {
        assert_eq!(codes(url), [expected], "{url}");
    }
    for fine in [
        "postgres://u@h/db?sslmode=verify-full",
        "postgres://u@[::1]:5432/db",
        "postgres://u@h/db?options=-c%20x",
        "postgresql+asyncpg://u@h/db?ssl=require",
        "postgresql+psycopg://u@h/db?sslmode=require",
    ] {
        assert_eq!(codes(fine), [""; 0], "{fine}");
    }
}

#[test]
fn a_variable_is_no_password_and_no_parameter() {
    for fine in [
        "postgres://u:${PW}@h/db",
        "postgres://u:${PW:?set it}@h/db",
        "postgres://u:$PW@h:$PORT/db?sslmode=$MODE",
        "postgres://u:$(cat pw)@h/db",
        "postgres://u:{{ .Values.password }}@h/db?connection_limit={{ .Values.pool }}",
        "postgres://u:<password>@h/db",
        "postgres://u:[YOUR-PASSWORD]@h:5432/db",
    ] {
        assert_eq!(codes(fine), [""; 0], "{fine}");
    }
    assert_eq!(codes("postgres://u:secret@h/db"), ["password"]);
    assert_eq!(codes("postgres://u:pa$$w0rd@h/db"), ["password"], "two dollar signs are no variable");
    let astray = lint("postgres://u:s3cret", &SERVER).unwrap();
    assert!(astray[0].code == "invalid_port" && !format!("{astray:?}").contains("s3cret"), "{astray:?}");
}

#[test]
fn every_url_of_a_line_is_judged() {
    let two = "DATABASES=postgres://u:secret@a/db,postgres://u@b:99999/db";
    assert_eq!(codes(two), ["password", "invalid_port"]);
    let three = "a=postgres://h/db?sslmode=x b='postgres://h:0/db' c=\"postgres://u:p%@h/db\"";
    assert_eq!(codes(three), ["sslmode", "invalid_port", "unescaped"]);
}
