//! The test of the test: each way to walk round it is caught, and what is allowed is not.

use super::source::{Files, Sources};
use super::{circles, trespasses, uses};

/// Sources with these files, and a root that declares them.
fn sources(files: &[(&str, &str)]) -> Sources {
    let mut all: Files = files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let parts = all
        .keys()
        .filter_map(|name| name.strip_suffix(".rs")?.strip_suffix("/mod").or(name.strip_suffix(".rs")));
    let root = parts.filter(|name| !name.contains('/')).map(|name| format!("mod {name};\n")).collect();
    all.entry("main.rs".to_owned()).or_insert(root);
    Sources::read(&all)
}

/// What is caught in a file of `model`, which may use nobody.
fn caught(text: &str) -> Vec<String> {
    let db = "pub mod look { pub struct Db; } pub struct Lane; pub mod model { pub struct Ours; }";
    let sources = sources(&[
        ("model/mod.rs", "pub mod session; pub mod quote; pub struct Plain;"),
        ("model/quote.rs", "pub fn shown() {}"),
        ("model/session.rs", text),
        ("db/mod.rs", db),
        ("commands/mod.rs", "pub struct Context;"),
    ]);
    let found = trespasses(&sources).into_iter().map(|(place, _, used)| format!("{place} {used}"));
    found.chain(sources.hidden).map(|line| line.replace("src/model/session.rs:", "")).collect()
}

#[test]
fn whatever_way_another_part_is_named() {
    for (text, found) in [
        ("use crate::{db, commands};", &["1 commands", "1 db"][..]),
        ("use crate::{\n    model::quote,\n    db::{look::Db, Lane},\n};", &["3 db"]),
        ("use super::super::db::Lane;", &["1 db"]),
        ("use super::super::{db as other};", &["1 db"]),
        ("use self::super::super::commands::*;", &["1 commands"]),
        ("use crate as all;\nfn look(_: all::db::Lane) {}", &["2 db"]),
        ("use super::super as all;\nuse all::db;", &["2 db"]),
        ("use crate::*;\nfn look(_: db::Lane) {}", &["2 db"]),
        ("fn look(_: crate::db::Lane) {}", &["1 db"]),
        ("fn look() -> u8 { crate::db::count() }", &["1 db"]),
        ("fn look<T: crate::db::Look>() {}", &["1 db"]),
        ("impl crate::commands::Report for u8 {}", &["1 commands"]),
        ("fn look() { <u8 as crate::db::Look>::look(); }", &["1 db"]),
        ("mod inner {\n    use super::super::super::db;\n}", &["2 db"]),
        ("fn look() {\n    use crate::db;\n}", &["2 db"]),
        ("fn look() {\n    println!(\"{}\", crate::db::Lane);\n}", &["2 db"]),
        ("fn look() {\n    run! { use crate::{db, commands}; }\n}", &["2 commands", "2 db"]),
        ("macro_rules! look {\n    () => { $crate::db::Lane };\n}", &["2 db"]),
        ("#[serde(default = \"crate::db::count\")]\nstruct A;", &["1 db"]),
        ("#[arg(value_parser = crate::db::count)]\nstruct A;", &["1 db"]),
        ("#[path = \"../db/mod.rs\"]\nmod db;", &["mod db without a file hides", "#[path] hides"]),
        ("include!(\"../db/mod.rs\");", &["1: include! hides"]),
    ] {
        let caught = caught(text);
        let all = found.iter().all(|wanted| caught.iter().any(|line| line.contains(wanted)));
        assert!(all && caught.len() == found.len(), "{text}\n{caught:?}");
    }
}

#[test]
fn whatever_way_another_crate_is_named() {
    for (text, found) in [
        ("use tokio::net;", &["1 tokio", "1 tokio::net"][..]),
        ("use tokio::{net::TcpStream, time};", &["1 tokio", "1 tokio::net"]),
        ("use ::tokio_postgres::Client;", &["1 tokio_postgres"]),
        (
            "use tokio_postgres as driver;\nfn look(_: driver::Client) {}",
            &["1 tokio_postgres", "2 tokio_postgres"],
        ),
        ("extern crate rustls as tls;\nfn look(_: tls::Stream) {}", &["1 rustls", "2 rustls"]),
        ("use std::{fmt, fs};", &["1 std::fs"]),
        ("use std as s;\nfn look() { s::fs::read(\"x\"); }", &["2 std::fs"]),
        (
            "use std::net::*;",
            &["1 std::net::TcpListener", "1 std::net::TcpStream", "ToSocketAddrs", "UdpSocket"],
        ),
        ("fn look() { std::net::TcpStream::connect(\"x\"); }", &["1 std::net::TcpStream"]),
        ("use std::time;\nfn look() { time::Instant::now(); }", &["2 std::time::Instant"]),
        ("fn look() { write!(std::io::stdout(), \"x\"); }", &["1 std::io::stdout"]),
        ("fn look() { tokio::select! { _ = x => {} } }", &["1 tokio"]),
    ] {
        let caught = caught(text);
        let all = found.iter().all(|wanted| caught.iter().any(|line| line.contains(wanted)));
        assert!(all && caught.len() == found.len(), "{text}\n{caught:?}");
    }
}

#[test]
fn only_the_item_that_is_a_test_is_left_out() {
    for (text, found) in [
        ("#[cfg(test)]\nuse crate::db;\nuse crate::commands;", &["3 commands"][..]),
        ("#[cfg(test)]\nmod tests {\n    use crate::db;\n}\nuse crate::db;", &["5 db"]),
        ("#[cfg(all(test, unix))]\nfn f() { crate::db::x(); }\nfn g() { crate::db::x(); }", &["3 db"]),
        ("#[cfg(not(test))]\nuse crate::db;", &["2 db"]),
        ("#[cfg(any(test, unix))]\nuse crate::db;", &["2 db"]),
        ("#[cfg_attr(test, derive(tokio::X))]\n#[derive(tokio::Y)]\nstruct A;", &["2 tokio"]),
        ("struct A {\n    #[cfg(test)]\n    a: crate::db::Lane,\n    b: crate::db::Lane,\n}", &["4 db"]),
        (
            "impl A {\n    #[cfg(test)]\n    fn a(_: crate::db::Lane) {}\n    fn b(_: crate::db::Lane) {}\n}",
            &["4 db"],
        ),
        ("#[test]\nfn a() { crate::db::x(); }", &[]),
        ("#![cfg(test)]\nuse crate::db;", &[]),
    ] {
        assert_eq!(caught(text), found, "{text}");
    }
}

#[test]
fn what_is_allowed_is_not_caught() {
    for text in [
        "use crate::model::{quote, Plain};",
        "use super::quote::shown;\nfn look() { shown(); super::quote::shown(); }",
        "pub(in crate::commands) struct A;",
        "use std::net::{IpAddr, SocketAddr};\nuse std::time::Duration;",
        "/// Like `crate::db::Lane`.\n// use crate::db;\nconst A: &str = \"crate::db::Lane\";",
        "mod db { pub struct Lane; }\nfn look(_: db::Lane) {}",
    ] {
        assert_eq!(caught(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_part_that_leads_to_another_one_is_no_way_in() {
    let sources = sources(&[
        ("model/mod.rs", "pub struct Plain;"),
        ("db/mod.rs", "pub struct Error;"),
        ("render/mod.rs", "use crate::conninfo::Error;"),
        ("conninfo/mod.rs", "pub use crate::db::Error;"),
    ]);
    let found: Vec<(String, String)> =
        trespasses(&sources).into_iter().map(|(place, _, used)| (place, used)).collect();
    let wanted = [("conninfo", "db"), ("render", "conninfo"), ("render", "db")];
    assert_eq!(found, wanted.map(|(at, used)| (format!("src/{at}/mod.rs:1"), used.to_owned())));
}

fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    circles(&uses(&sources(files))).into_iter().map(|circle| circle.join(" ")).collect()
}

#[test]
fn circles_are_found_however_long_and_whatever_shows_the_way() {
    let root = "mod a; mod b; mod c; pub(crate) use a::A; pub(crate) use b::B; pub(crate) use c::C;";
    let of = |a, b, c| {
        circles_of(&[("model/mod.rs", root), ("model/a.rs", a), ("model/b.rs", b), ("model/c.rs", c)])
    };
    let none = of(
        "pub struct A;",
        "use super::A; pub struct B(A);",
        "use crate::model::{A, B}; pub struct C(A, B);",
    );
    assert_eq!(none, Vec::<String>::new());
    let two = of("pub struct A(super::B);", "use super::a::A; pub struct B(A);", "pub struct C(super::A);");
    assert_eq!(two, ["model/a.rs model/b.rs"]);
    let three = of(
        "use super::*; pub struct A(B);",
        "pub struct B; use super::c; fn b(_: c::C) {}",
        "use super::a::A; pub struct C;",
    );
    assert_eq!(three, ["model/a.rs model/b.rs model/c.rs"]);
}

#[test]
fn a_folder_and_its_children_are_files_like_any_others() {
    let parent = "mod child; pub struct Word; pub fn all() { child::one(); }";
    let child = "use super::Word; pub fn one() {}";
    assert_eq!(
        circles_of(&[("model/mod.rs", parent), ("model/child.rs", child)]),
        ["model/child.rs model/mod.rs"]
    );
    let beside = [
        ("model/mod.rs", "mod child; mod word; pub(crate) use word::Word; pub fn all() { child::one(); }"),
        ("model/child.rs", child),
        ("model/word.rs", "pub struct Word;"),
    ];
    assert_eq!(circles_of(&beside), Vec::<String>::new());
    let only_declared = [
        ("model/mod.rs", "mod child; pub(crate) use child::one; pub struct Word;"),
        ("model/child.rs", child),
    ];
    assert_eq!(circles_of(&only_declared), Vec::<String>::new());
    let across = [
        ("model/mod.rs", "mod folder; mod other; "),
        ("model/folder/mod.rs", "mod child; pub struct Word;"),
        ("model/folder/child.rs", "use crate::model::other::Other;"),
        ("model/other.rs", "pub struct Other(crate::model::folder::child::Child);"),
    ];
    assert_eq!(circles_of(&across), ["model/folder/child.rs model/other.rs"]);
}
