//! The pools of the pooler in front: seen beside the server, and never in its way.

use super::situations::first;
use super::*;
use crate::analyze::pooler::usage;
use crate::live::PoolerSetup;
use crate::live::event::PoolerSeen;
use crate::live::list::Id;
use crate::live::view::{self, Look};
use crate::model::pooler::{Database, Pool, PoolerFacts};

fn with_console(size: (u16, u16)) -> Setup {
    let target = Target { host: "lb1".into(), port: 6432, ..setup(size).target };
    let lead = Lead { server: vec!["-h".into(), "lb1".into()], database: Vec::new() };
    Setup { pooler: Some(PoolerSetup { target, lead }), ..setup(size) }
}

fn pool(database: &str, user: &str, active: i64, waiting: i64) -> Pool {
    Pool {
        database: database.into(),
        user: user.into(),
        pool_mode: Some("transaction".into()),
        pool_size: Some(20),
        clients_active: Some(active * 3),
        clients_waiting: Some(waiting),
        servers_active: Some(active),
        servers_idle: Some(20 - active),
        max_wait_seconds: Some(if waiting > 0 { 12.5 } else { 0.0 }),
        ..Pool::default()
    }
}

/// What a console says; the calm pools come first there.
fn said() -> Box<PoolerSeen> {
    let paused = Database { name: "archive".into(), paused: Some(true), ..Database::default() };
    let facts = PoolerFacts {
        pools: vec![
            pool("shop", "reports\u{202e}evil", 1, 0),
            pool("archive", "etl", 0, 0),
            pool("shop", "web", 20, 7),
            pool("billing_of_the_whole_company", "billing", 17, 0),
        ],
        databases: vec![paused],
        ..PoolerFacts::default()
    };
    Box::new(PoolerSeen { product: "PgBouncer 1.22.0".into(), pools: usage(&facts, |_| true).pools })
}

/// Whether the console was to be looked at, since this was asked last.
fn is_asked(bench: &mut Bench) -> bool {
    let at = bench.effects.iter().position(|effect| matches!(effect, Effect::LookAtPooler));
    at.map(|at| bench.effects.remove(at)).is_some()
}

fn opened(size: (u16, u16)) -> Bench {
    let mut bench = Bench::new(with_console(size));
    bench.looks(&[row(session(101, 1))]);
    bench.keys("6");
    assert!(is_asked(&mut bench));
    bench
}

pub(super) fn seen(size: (u16, u16)) -> Bench {
    let mut bench = opened(size);
    bench.event(Event::Pooler(Ok(said())));
    bench.keys("j");
    bench
}

pub(super) fn silent(size: (u16, u16)) -> Bench {
    let mut bench = seen(size);
    bench.pass(Duration::from_secs(3));
    bench.event(Event::Pooler(Err("no answer within 10s".into())));
    bench.pass(Duration::from_secs(1));
    bench.looks(&[row(session(101, 1))]);
    bench
}

fn drawn(bench: &Bench) -> String {
    let (width, height) = bench.state.size();
    let area = ratatui_core::layout::Rect::new(0, 0, width, height);
    let mut buffer = ratatui_core::buffer::Buffer::empty(area);
    view::draw(&bench.state, Look { color: true }, &mut buffer);
    crate::live::canvas::lines(&buffer)
}

fn users(bench: &Bench) -> Vec<&str> {
    let entries = bench.state.list.entries().iter().filter(|entry| !entry.gone);
    entries
        .map(|entry| match &entry.id {
            Id::Pool(_, user) => user.as_str(),
            _ => "",
        })
        .collect()
}

#[test]
fn without_a_console_there_is_no_such_view() {
    let mut bench = first((120, 40));
    bench.keys("6");
    assert_eq!(bench.state.view, View::Sessions);
    bench.key(Key::BackTab);
    assert_eq!(bench.state.view, View::Limits);
    bench.key(Key::Tab);
    assert_eq!(bench.state.view, View::Sessions);
    bench.keys("?");
    assert!(drawn(&bench).contains("1-5, Tab") && !drawn(&bench).contains("pooler"));
    let mut bench = Bench::new(with_console((120, 40)));
    bench.key(Key::BackTab);
    assert_eq!(bench.state.view, View::Pooler);
    bench.keys("?");
    assert!(drawn(&bench).contains("1-6, Tab") && drawn(&bench).contains("limits, pooler"));
}

#[test]
fn the_worst_pool_comes_first_and_the_cursor_stays_on_its_pool() {
    let mut bench = seen((120, 40));
    assert_eq!(users(&bench), ["web", "billing", "reports\u{202e}evil", "etl"]);
    bench.keys("j");
    let mut calm = said();
    calm.pools.reverse();
    bench.pass(Duration::from_secs(2));
    bench.event(Event::Pooler(Ok(calm)));
    // The order is held.
    assert_eq!(users(&bench), ["web", "billing", "reports\u{202e}evil", "etl"]);
    bench.key(Key::Enter);
    assert!(drawn(&bench).contains("that is no session"));
    bench.keys("K");
    assert!(bench.state.dialog.is_none());
    // What the keys of other views do leaves the pools where they are.
    bench.keys("I>");
    assert_eq!(users(&bench).len(), 4);
    bench.keys("o");
    assert!(drawn(&bench).contains("pgconn -h lb1 pooler --watch"), "{}", drawn(&bench));
}

#[test]
fn it_is_only_asked_while_its_pools_are_listed() {
    let mut bench = Bench::new(with_console((80, 24)));
    bench.pass(Duration::from_secs(10));
    assert!(!is_asked(&mut bench));
    bench.keys("6");
    assert!(is_asked(&mut bench));
    bench.pass(Duration::from_secs(10));
    assert!(!is_asked(&mut bench), "one at a time");
    bench.event(Event::Pooler(Ok(said())));
    // It took ten seconds: the next one follows when it will have been a quarter of the time.
    bench.pass(Duration::from_secs(29));
    assert!(!is_asked(&mut bench));
    bench.pass(Duration::from_secs(1));
    assert!(is_asked(&mut bench));
    bench.event(Event::Pooler(Ok(said())));
    assert_eq!(bench.state.wakes().saturating_duration_since(bench.now), Duration::from_secs(1));
    bench.keys("1");
    bench.pass(Duration::from_secs(60));
    assert!(!is_asked(&mut bench));
}

#[test]
fn a_console_that_hangs_is_said_and_holds_nothing_up() {
    let mut bench = seen((120, 40));
    bench.pass(Duration::from_secs(2));
    assert!(is_asked(&mut bench));
    for second in 1..9 {
        bench.pass(Duration::from_secs(1));
        // The server is looked at all the time.
        if let Some(request) = bench.request() {
            bench.event(Event::Seen(Box::new(super::seen(&request, Vec::new()))));
        }
        let said = format!("! lb1:6432 has not answered for {second}s, data {}s old", second + 2);
        assert_eq!(drawn(&bench).contains(&said), second > 4, "{second}: {}", drawn(&bench));
        assert!(bench.state.age().is_some_and(|age| age < Duration::from_secs(3)));
    }
    let appearance = bench.state.appearance();
    bench.pass(Duration::from_secs(1));
    assert!(bench.state.appearance() != appearance, "the age on the screen goes on");
    bench.event(Event::Pooler(Err("no answer within 10s".into())));
    assert!(drawn(&bench).contains("has not answered for 9s, data 11s old: no answer within 10s"));
    assert_eq!(users(&bench).len(), 4, "what was seen last stays");
    bench.pass(Duration::from_secs(2));
    assert!(is_asked(&mut bench), "it is tried again");
    assert!(drawn(&bench).contains("has not answered for 11s, data 13s old"), "{}", drawn(&bench));
    bench.event(Event::Pooler(Ok(said())));
    assert!(drawn(&bench).contains("console lb1:6432  PgBouncer 1.22.0  4 pools  data 0s old"));
}

#[test]
fn a_screen_that_is_held_holds_the_pools_too() {
    let mut bench = seen((120, 40));
    bench.keys("p");
    bench.pass(Duration::from_secs(2));
    assert!(is_asked(&mut bench));
    let mut fewer = said();
    fewer.pools.truncate(1);
    bench.event(Event::Pooler(Ok(fewer)));
    assert_eq!(users(&bench).len(), 4);
    assert!(drawn(&bench).contains("4 pools  data 2s old"), "{}", drawn(&bench));
    bench.key(Key::Escape);
    bench.keys("p");
    assert_eq!(users(&bench), ["web"]);
    assert!(drawn(&bench).contains("gone"), "who has left is seen to have left");
}
