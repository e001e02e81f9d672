//! What is seldom there, and who waits: told whatever the names, the encoding and the settings are, and where the server has no
//! query_to_xml for this role.

use super::super::common::server::standby_of;
use super::super::common::{Cluster, PgBouncer, Pgconn, Session, with};
use super::rule;

/// What each rule is to name, with the characters of XML as they are.
const NAMED: [(&str, &str); 4] = [
    ("prepared-xact", "g<1>&amp;]]>\"'"),
    ("blocked", "w<a>&lt;\"'"),
    ("oldest-xmin", "lazy"),
    ("closed", "d<b>&gt;"),
];

/// A role that monitors, with settings of its own, and a database that is closed.
fn a_closed_database(server: &Cluster) {
    server.query("create role monitor login in role pg_monitor");
    server.query("alter role monitor set xmloption = document");
    server.query("alter role monitor set xmlbinary = hex");
    server.query("create database \"d<b>&gt;\"\"'\r\n\u{e9}\"");
    server.query("update pg_database set datallowconn = false where datname like 'd<%'");
}

/// A server with some of everything.
fn server() -> (Cluster, [Session; 2]) {
    let server = with(&[
        ("max_connections", "40"),
        ("max_prepared_transactions", "4"),
        ("wal_level", "logical"),
        ("autovacuum", "off"),
    ]);
    a_closed_database(&server);
    server.query("create table t ()");
    server.query("create table p ()");
    server.query("select pg_create_logical_replication_slot('lazy', 'pgoutput')");
    let mut preparing = server.session();
    preparing.query("begin");
    preparing.query("lock p");
    preparing.query("prepare transaction 'g<1>&amp;]]>\"''\r\n\u{e9}\u{1b}'");
    let holder = server.idle_in_transaction(&[("application_name", "w<a>&lt;\"'")], "lock t");
    let waiter = server.waiting(&[], "select from t");
    (server, [holder, waiter])
}

/// Checks what is seldom there; `arguments` say where.
#[track_caller]
fn all_is_named(server: &Cluster, arguments: &[&str], but: &[&str]) {
    let rules = ["prepared-xact=0s", "blocked=0s", "oldest-xmin=0", "closed=0"];
    let mut all =
        vec!["check", "-U", "monitor", "--json", "prepared-xact", "blocked", "oldest-xmin", "closed"];
    all.extend(rules.iter().flat_map(|rule| ["--critical", rule]));
    all.extend(arguments);
    let seen = Pgconn::new(&all).on(server).run().fails_with(2);
    let document = seen.json();
    for (name, expected) in NAMED.iter().filter(|(name, _)| !but.contains(name)) {
        let found = rule(&document, name);
        assert_eq!(found["status"], "critical", "{arguments:?}: {document:#}");
        assert!(found["message"].as_str().unwrap().contains(expected), "{arguments:?}: {found:#}");
    }
}

#[test]
fn it_is_told_without_query_to_xml() {
    let (server, _sessions) = server();
    all_is_named(&server, &[], &[]);
    let function = "pg_catalog.query_to_xml(query text, nulls boolean, tableforest boolean, targetns text)";
    let pooler = PgBouncer::start(&server, &["monitor"], &[("pool_mode", "transaction")]);
    let through = ["-h", "127.0.0.1", "-p", &pooler.port.to_string()];
    server.query(&format!("revoke execute on function {function} from public"));
    all_is_named(&server, &[], &[]);
    all_is_named(&server, &through, &[]);
    server.query(&format!("alter function {function} rename to gone"));
    all_is_named(&server, &[], &[]);
    // As it is on a server that was built without XML.
    server.query(&format!(
        "create function {function} returns xml language plpgsql as \
         'begin raise feature_not_supported using message = ''unsupported XML feature''; end'"
    ));
    all_is_named(&server, &[], &[]);
    all_is_named(&server, &through, &[]);
}

#[test]
fn it_is_told_in_every_encoding_through_a_pooler_and_on_a_standby() {
    let (server, _sessions) = server();
    for encoding in ["SQL_ASCII", "EUC_JP", "LATIN1", "UTF8"] {
        server.query(&format!(
            "create database {encoding} encoding '{encoding}' locale 'C' template template0"
        ));
    }
    let databases = || {
        for database in ["postgres", "sql_ascii", "euc_jp", "latin1", "utf8"] {
            all_is_named(&server, &["-d", database], &[]);
        }
    };
    databases();
    // A name of bytes that are no text in most of them.
    let mut bytes = server.connect(&[("database", "sql_ascii"), ("client_encoding", "SQL_ASCII")]).unwrap();
    bytes.send_bytes(b"create database \"e\xff<\xe9\" allow_connections false");
    bytes.finish().unwrap();
    databases();

    let pooler = PgBouncer::start(&server, &["monitor"], &[("pool_mode", "transaction")]);
    all_is_named(&server, &["-h", "127.0.0.1", "-p", &pooler.port.to_string()], &[]);

    // What waits there, and what is prepared and replicated, is not the standby's own.
    let primary = with(&[("max_connections", "20")]);
    let standby = standby_of(&primary);
    a_closed_database(&primary);
    standby.wait_until("exists (select from pg_database where datname like 'd<%' and not datallowconn)");
    all_is_named(&standby, &[], &["blocked", "oldest-xmin", "prepared-xact"]);
}
