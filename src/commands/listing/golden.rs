//! `ls` and `long` at every width.

use super::*;
use crate::commands::golden::{assert_as_written, part, reported, sessions};
use crate::model::filter::{Name, Term};
use crate::model::lock::{Lock, tell_apart};

fn shown(kind: &'static str, scope: &str, sessions: Vec<Session>, width: usize) -> String {
    let total = sessions.len();
    let listed = Listed::whole(sessions);
    reported(&Sessions::on_screen(kind, scope, listed, total, part(width)), width)
}

#[test]
fn ls_of_a_shop() {
    assert_as_written("ls", |width| shown("ls", "", sessions(), width));
}

#[test]
fn ls_of_one_database() {
    let one = || sessions().into_iter().filter(|session| session.role.as_deref() == Some("web")).collect();
    assert_as_written("ls_alike", |width| shown("ls", "", one(), width));
}

#[test]
fn long_of_a_shop() {
    let long = || sessions().into_iter().filter(|session| session.xact_seconds.is_some()).collect();
    let scope = " with a query or transaction over 5.0s";
    assert_as_written("long", |width| shown("long", scope, long(), width));
}

#[test]
fn the_query_and_the_ages_stay_longest() {
    for (width, least) in [(80, 24), (120, 40)] {
        let shown = shown("long", "", sessions(), width);
        let header = shown.lines().find(|line| line.contains("PID ")).unwrap();
        assert!(["FOR", "XACT", "WAIT"].iter().all(|title| header.contains(title)), "{shown}");
        let query = header.find("QUERY").unwrap();
        assert!(width - query >= least, "{} of {width}\n{shown}", width - query);
    }
    let shown = shown("long", "", sessions(), 32);
    let header = shown.lines().find(|line| line.contains("PID ")).unwrap();
    assert!(header.contains("FOR") && header.contains("XACT"), "{shown}");
}

/// The line of a session.
fn line<'a>(shown: &'a str, pid: &str) -> &'a str {
    shown.lines().find(|line| line.split_whitespace().next() == Some(pid)).unwrap()
}

fn waiter(pid: i32, lock: Lock) -> Session {
    let waiting = sessions().swap_remove(3);
    Session { pid, wait_event: Some(lock.kind.clone()), lock: Some(Box::new(lock)), ..waiting }
}

fn lock(kind: &str, mode: &str, relation: Option<&str>, key: Option<&str>) -> Lock {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Lock { kind: kind.into(), mode: mode.into(), relation: own(relation), key: own(key), ..Lock::default() }
}

#[test]
fn what_is_waited_for_is_there_at_every_width_and_how_where_there_is_room() {
    let locks = [
        lock("relation", "AccessExclusiveLock", Some("public.orders"), None),
        lock("tuple", "ExclusiveLock", Some("public.stock"), Some("(0,1)")),
        lock("transactionid", "ShareLock", None, None),
        lock("advisory", "ExclusiveLock", None, Some("81")),
        lock("extend", "ExclusiveLock", Some("public.log"), None),
        lock("relation", "ShareLock", Some("relation 16423 of database mart.eu"), None),
        lock("virtualxid", "ShareLock", None, None),
    ];
    let told: [(&str, [&str; 3]); 7] = [
        ("1", ["orders", "orders AccessExclusive", "Lock public.orders AccessExclusive"]),
        ("2", ["stock", "stock row", "Lock public.stock row"]),
        ("3", ["transa", "transactionid", "Lock:transactionid"]),
        ("4", ["key 81", "advisory key 81 Exclusive", "Lock advisory key 81 Exclusive"]),
        ("5", ["log ex", "log extend Exclusive", "Lock public.log extend Exclusive"]),
        (
            "6",
            ["relati", "relation 16423 of database mart.eu", "Lock relation 16423 of database mart.eu Share"],
        ),
        ("7", ["virtua", "virtualxid", "Lock:virtualxid"]),
    ];
    let rows = |number: usize| (1..).zip(locks.clone()).take(number).map(|(pid, lock)| waiter(pid, lock));
    for (width, words) in [(40, 0), (60, 0), (80, 0), (120, 0), (200, 1), (260, 2)] {
        let shown = shown("ls", "", rows(7).collect(), width);
        for (pid, told) in told {
            assert!(line(&shown, pid).contains(told[words]), "{width}: {}\n{shown}", told[words]);
        }
    }
    // One alone has all other columns beside it sooner.
    let alone = |width| shown("ls", "", rows(1).collect(), width);
    assert!(alone(80).contains(" orders  alter"), "{}", alone(80));
    assert!(alone(120).contains(" orders AccessExclusive  alter"), "{}", alone(120));
    assert!(!alone(120).contains("CLIENT"), "{}", alone(120));
}

#[test]
fn tables_of_the_same_name_are_told_apart() {
    let of = |name: &str| lock("relation", "AccessShareLock", Some(name), None);
    let all = || {
        let names = ["public.orders", "archive.orders", "public.stock"];
        let mut all: Vec<Session> = (1..).zip(names).map(|(pid, name)| waiter(pid, of(name))).collect();
        tell_apart(all.iter_mut().filter_map(|session| session.lock.as_deref_mut()));
        all
    };
    for width in 40..=160 {
        let shown = shown("long", "", all(), width);
        let words = if width < 60 { [" public", " archiv"] } else { [" public.orders ", " archive.orders "] };
        assert!(line(&shown, "1").contains(words[0]), "{width}\n{shown}");
        assert!(line(&shown, "2").contains(words[1]), "{width}\n{shown}");
        let stock = if shown.contains("Lock ") { " public.stock " } else { " stock " };
        assert!(line(&shown, "3").contains(stock), "{width}\n{shown}");
    }
}

#[test]
fn what_all_have_is_said_of_those_that_were_not_fetched_where_they_were_selected_by_it() {
    let shown = |filter: &Filter, is_pooled, width| {
        let fetched = sessions().into_iter().filter(|session| session.database.as_deref() == Some("shop"));
        let listed = Listed { matched: 400, ..Listed::whole(fetched.take(20).collect()) };
        let report = Sessions::on_screen("ls", "", listed, 400, part(width)).selected_by(filter, is_pooled);
        reported(&report, width)
    };
    let exact = |name: &str| Term { exclude: false, value: Name::Exact(name.into()) };
    let shop = Filter { databases: vec![exact("shop")], ..Filter::default() };
    assert_as_written("ls_of_many", |width| shown(&shop, false, width));
    let first = |filter: &Filter, is_pooled| shown(filter, is_pooled, 80).lines().next().unwrap().to_owned();
    assert_eq!(first(&shop, true), "database shop");
    let excluded = Term { exclude: true, value: Name::Exact("mart".into()) };
    let pattern = Term { exclude: false, value: Name::Glob(vec!["sh".into(), String::new()]) };
    for terms in [vec![exact("shop"), exact("mart")], vec![excluded], vec![pattern.clone()], vec![]] {
        let header = first(&Filter { databases: terms, ..Filter::default() }, false);
        assert!(header.trim_start().starts_with("PID"), "{header}");
    }
    // Once more is once; who the pooler's clients are, no filter has asked.
    let twice = Filter { databases: vec![exact("shop"), exact("shop")], ..Filter::default() };
    assert_eq!(first(&twice, false), "database shop");
    let checkout = || sessions().into_iter().filter(|session| session.application_name == "checkout");
    let of_application = |is_pooled| {
        let filter = Filter { applications: vec![exact("checkout")], ..Filter::default() };
        let listed = Listed { matched: 400, ..Listed::whole(checkout().take(20).collect()) };
        let report = Sessions::on_screen("ls", "", listed, 400, part(80)).selected_by(&filter, is_pooled);
        reported(&report, 80).lines().next().unwrap().to_owned()
    };
    assert_eq!(of_application(false), "application checkout");
    assert!(of_application(true).trim_start().starts_with("PID"));
}

#[test]
fn no_two_states_are_shown_as_the_same() {
    let states = ["idle in transaction", "idle in transaction (aborted)", "idle", "active"];
    for width in 40..200 {
        let of = |state: &&str| Session { state: Some((*state).into()), ..sessions().swap_remove(0) };
        let shown = shown("ls", "", states.iter().map(of).collect(), width);
        let header = shown.lines().find(|line| line.contains("PID ")).unwrap();
        let Some(at) = header.find("STATE") else { continue };
        let end = header[at + 5..].find(|character: char| character != ' ').unwrap_or(0);
        let cells: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("21877"))
            .map(|line| line[at..].trim_start())
            .collect();
        let state = |cell: &&str| cell.split("  ").next().unwrap().to_owned();
        let told: std::collections::HashSet<String> = cells.iter().map(state).collect();
        assert_eq!(told.len(), states.len(), "{width} {end}\n{shown}");
    }
}

#[test]
fn words_are_few_until_the_query_has_much_and_the_wait_is_there() {
    for width in 40..=200 {
        let shown = shown("ls", "", sessions(), width);
        let header = shown.lines().find(|line| line.contains("PID ")).unwrap();
        assert!(header.contains("WAIT"), "{width}\n{shown}");
        let query = width - header.find("QUERY").unwrap();
        let is_whole = ["7m 13s", "Lock public.orders", "idle in transaction "]
            .iter()
            .any(|whole| shown.contains(whole));
        assert!(query >= 40 || !is_whole, "{width}\n{shown}");
    }
}
