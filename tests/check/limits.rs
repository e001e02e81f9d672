//! Slots and limits: whose, which of them filters mean, and who takes them without being seen.

use super::super::common::{Cluster, Pgconn, Session, with, with_files};
use super::{check, counted, exits, rule};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A login of role `app` that has come so far as to be asked for its password.
fn asked_for_a_password(server: &Cluster) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    let packet = b"\0\x03\0\0user\0app\0database\0postgres\0\0";
    let length = u32::try_from(packet.len() + 4).unwrap().to_be_bytes();
    stream.write_all(&[&length, &packet[..]].concat()).unwrap();
    let mut answer = [0];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"R");
    stream
}

/// Slots are taken before anybody has said who he is; superusers still get in then, and others do not.
#[test]
fn logins_under_way_take_slots() {
    let hba =
        "local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n";
    let server = with_files(&[("max_connections", "20")], &[("pg_hba.conf", hba)]);
    server.query("create role app login password 'secret'");
    server.query("create role plain login");
    let _logins: Vec<TcpStream> = (0..16).map(|_| asked_for_a_password(&server)).collect();
    assert!(server.connect(&[("user", "plain")]).is_ok(), "the last slot");
    let seen = counted(&server, &["connections", "--critical", "connections=16"]).fails_with(2);
    assert!(seen.stdout.contains("17 of 17 usable connections in use (100%)"), "{seen}");
    // In the rows of the activity view they are from 18 on.
    let logging_in = if server.major() < 18 { ", 16 of them logging in" } else { "" };
    assert!(seen.stdout.contains(&format!("(100%){logging_in} (over 16)")), "{seen}");
    assert_eq!(counted(&server, &["free", "--critical", "free=1:"]).code, 2);
    let metrics = Pgconn::new(&["metrics"]).on(&server).run().success();
    let expected = if server.major() < 18 { 16 } else { 0 };
    let line =
        metrics.stdout.lines().find(|line| line.starts_with("pgconn_connections_logging_in{")).unwrap();
    assert!(line.ends_with(&format!(" {expected}")), "{line}");
    // Whoever sees nothing of others sees as much of this.
    let plain = counted(&server, &["-U", "plain", "connections", "--json"]).fails_with(2).json();
    assert!(
        rule(&plain, "connections")["message"].as_str().unwrap().contains("16 of them logging in"),
        "{plain:#}"
    );
}

#[test]
fn filters_mean_something_to_every_rule_or_are_refused() {
    let server = with(&[("max_connections", "30"), ("max_prepared_transactions", "4")]);
    for name in ["shop", "crm"] {
        server.query(&format!("create database {name}"));
    }
    server.query("create role app login connection limit 4");
    server.query("create role bi login connection limit 2");
    server.query("alter database shop connection limit 10");
    let mut shop = server.connect(&[("database", "shop")]).unwrap();
    shop.query("begin");
    shop.query("create table t ()");
    shop.query("prepare transaction 'of shop'");
    let critical = ["prepared-xact", "--critical", "prepared-xact=0s"];
    let filtered = |flag: &str, value: &str| check(&server, &[&critical[..], &[flag, value]].concat());
    assert!(filtered("--db", "shop").fails_with(2).stdout.contains("\"of shop\""));
    let _others = (
        filtered("--db", "crm").success(),
        filtered("--db", "!shop").success(),
        filtered("--role", "app").success(),
    );
    assert_eq!(filtered("--role", "postgres").code, 2);
    shop.query("rollback prepared 'of shop'");

    let _bi = [server.connect(&[("user", "bi")]).unwrap(), server.connect(&[("user", "bi")]).unwrap()];
    let limits = |arguments: &[&str]| counted(&server, &[&["connections"], arguments].concat());
    assert_eq!(
        (limits(&[]).code, limits(&["--role", "app"]).code, limits(&["--role", "bi"]).code),
        (2, 0, 2)
    );
    assert_eq!(
        (limits(&["--db", "shop"]).code, limits(&["--db", "shop", "--critical", "connections=0"]).code),
        (0, 2)
    );
    let _crm: Vec<Session> = (0..3).map(|_| server.connect(&[("database", "crm")]).unwrap()).collect();
    // A number is of what was named, a share of the server's slots where that has no limit.
    let crm = limits(&["--db", "crm", "--critical", "connections=2"]).fails_with(2);
    assert!(
        crm.stdout.contains("3 connections to database \"crm\", which has no limit of its own (over 2)"),
        "{crm}"
    );
    assert_eq!(
        (limits(&["--db", "crm", "--critical", "connections=3"]).code, limits(&["--db", "crm"]).code),
        (0, 0)
    );
    let plugin = limits(&["--role", "app", "-F", "nagios"]).success();
    assert!(
        plugin.stdout.contains(" 'role app'=0;3;3;0;4") && !plugin.stdout.contains("role bi"),
        "{plugin}"
    );

    for (arguments, named) in [
        (&["reachable", "--app", "x"][..], "means nothing to reachable"),
        (&["reachable", "--all-backends"], "means nothing to reachable"),
        (&["connections", "--app", "x"], "means nothing to connections"),
        (&["prepared-xact", "closed", "--query", "x"], "means nothing to prepared-xact, closed"),
        (&["closed", "--role", "app"], "--role means nothing to closed"),
        (&["oldest-xmin", "--db", "shop"], "--db means nothing to oldest-xmin"),
    ] {
        let seen = check(&server, arguments).fails_with(3);
        assert!(seen.stderr.contains(named), "{arguments:?}: {seen}");
    }
    exits(&server, &["reachable", "idle-xact", "--app", "x"], 0);
    for rule in ["connections", "prepared-xact", "closed", "idle-xact", "blocked", "states"] {
        let seen = check(&server, &[rule, "--db", "shpo"]).fails_with(3);
        assert!(seen.stdout.contains("there is no database \"shpo\""), "{seen}");
    }
}

#[test]
fn every_limit_and_every_database_is_measured() {
    let server = with(&[("max_connections", "30")]);
    server.query("create database shop connection limit 5");
    server.query("create database crm");
    server.query("create role app login connection limit 7");
    let _crm = server.connect(&[("database", "crm")]).unwrap();
    let seen = counted(&server, &["connections", "-F", "nagios"]).success();
    let (_, data) = seen.stdout.trim_end().split_once(" | ").unwrap();
    assert_eq!(
        data,
        "connections=2;21;25;0;27 'role app'=0;5;6;0;7 'database shop'=0;4;4;0;5 'database crm'=1;;;0 \
         'database postgres'=1;;;0 'database template1'=0;;;0"
    );
}

/// Who is turned away knows that there is nothing left, if not of how many.
#[test]
fn what_turned_the_login_away_is_used_up() {
    let server = with(&[("max_connections", "5"), ("superuser_reserved_connections", "1")]);
    server.query("create role app login");
    let _sessions: Vec<Session> = (0..4).map(|_| server.connect(&[("user", "app")]).unwrap()).collect();
    let seen = counted(&server, &["connections", "-U", "app", "-F", "nagios"]).fails_with(2);
    assert!(seen.stdout.contains(" connections=100%;80;95;0;100"), "{seen}");
    let json = counted(&server, &["connections", "-U", "app", "--json"]).fails_with(2).json();
    let found = rule(&json, "connections");
    assert_eq!((&found["value"], &found["unit"]), (&100.0.into(), &"percent".into()), "{json:#}");
    let own = counted(&server, &["connections", "-U", "app", "--warning", "connections=3", "-F", "nagios"])
        .fails_with(2);
    assert!(own.stdout.contains(" connections=100%;;95;0;100"), "{own}");
}
