//! `ls` and `long` at every width.

use super::*;
use crate::commands::golden::{assert_as_written, part, reported, sessions};

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
        let is_whole =
            ["7m 13s", "Lock:relation", "idle in transaction "].iter().any(|whole| shown.contains(whole));
        assert!(query >= 40 || !is_whole, "{width}\n{shown}");
    }
}
