//! What stands on a screen in many situations.

use super::*;
use crate::live::event::{Acted, Detail, Down};
use crate::model::act::{Fate, HeldLocks, Outcome, Wait};
use crate::model::blocking::{Blocked, Waits};
use crate::model::lock::Lock;
use crate::model::usage::{ByApplication, ByClient, ByDatabase, ByRole, ByState, Connections, Rest, Usage};

fn listed(pid: i32, application: &str, state: &str, seconds: f64, query: &str) -> Session {
    Session {
        application_name: application.into(),
        state: Some(state.into()),
        state_seconds: Some(seconds),
        query: Some(QueryText::Held(query.into())),
        query_seconds: (state == "active").then_some(seconds),
        ..session(pid, u64::from(pid.unsigned_abs()))
    }
}

/// Sessions in every kind of trouble, and some without.
fn troubled() -> Vec<ScreenRow> {
    let mut rows = Vec::new();
    let mut add =
        |trouble, blocks, session: Session| rows.push(ScreenRow { trouble, blocks, ..row(session) });
    let wait = |kind: &str, event: &str, session: Session| Session {
        wait_event_type: Some(kind.into()),
        wait_event: Some(event.into()),
        ..session
    };
    let in_xact = |seconds, session: Session| Session { xact_seconds: Some(seconds), ..session };
    let update = "update stock set reserved = reserved + 1\n  where item = 4711 and shelf = 12";
    add(
        Trouble::Root,
        3,
        in_xact(
            433.0,
            wait("Client", "ClientRead", listed(21_877, "checkout", "idle in transaction", 431.2, update)),
        ),
    );
    add(
        Trouble::Aborted,
        0,
        listed(21_901, "sidekiq", "idle in transaction (aborted)", 12.0, "select 1 / 0"),
    );
    add(
        Trouble::IdleInTransaction,
        0,
        in_xact(
            75.4,
            listed(
                21_903,
                "api-\u{202e}gnp.exe\u{1b}[31m",
                "idle in transaction",
                75.1,
                "select * from orders",
            ),
        ),
    );
    add(
        Trouble::Waiting,
        2,
        in_xact(
            41.0,
            wait(
                "Lock",
                "relation",
                listed(
                    22_041,
                    "migrate",
                    "active",
                    40.9,
                    "alter table orders add column gift boolean not null default false",
                ),
            ),
        ),
    );
    add(
        Trouble::Waiting,
        0,
        in_xact(30.0, wait("Lock", "transactionid", listed(22_050, "checkout", "active", 30.0, update))),
    );
    add(
        Trouble::Long,
        0,
        in_xact(
            3_725.0,
            wait(
                "IO",
                "DataFileRead",
                listed(
                    20_100,
                    "metabase",
                    "active",
                    3_725.0,
                    "select customer, sum(total)\tfrom orders group by 1",
                ),
            ),
        ),
    );
    add(Trouble::None, 0, listed(22_101, "受注管理システム", "idle", 3.2, "commit"));
    for at in 0..30 {
        add(Trouble::None, 0, listed(22_200 + at, "web", "idle", 0.5 * f64::from(at), "select now()"));
    }
    rows
}

fn overview() -> Overview {
    Overview {
        used: 38,
        hidden: 0,
        active: 4,
        idle: 31,
        idle_in_transaction: 2,
        aborted: 1,
        other: 0,
        waiting: 2,
        oldest_xact_seconds: Some(3_725.0),
        longest_wait_seconds: Some(41.0),
        wait_at_most: false,
        horizon_age: Some(12),
        matched: 37,
        undecidable: 0,
        still_there: Vec::new(),
    }
}

/// A screen that has seen all of that twice.
fn at(size: (u16, u16), setup: Setup) -> Bench {
    let mut bench = Bench::new(Setup { size, ..setup });
    for _ in 0..2 {
        finds(&mut bench, troubled());
    }
    bench
}

fn finds(bench: &mut Bench, rows: Vec<ScreenRow>) {
    assert!(bench.request_is_due());
    let request = bench.request().unwrap();
    let still_there = rows.iter().filter_map(|row| row.session.session_id.clone()).collect();
    let rows: Vec<ScreenRow> = rows.into_iter().take(request.listing.limit).collect();
    let found = Seen { overview: Overview { still_there, ..overview() }, ..seen(&request, rows) };
    bench.event(Event::Seen(Box::new(found)));
}

fn content(bench: &mut Bench, content: Content) {
    assert!(bench.request_is_due());
    let request = bench.request().unwrap();
    let found = Seen { overview: overview(), content, ..seen(&request, Vec::new()) };
    bench.event(Event::Seen(Box::new(found)));
}

pub(super) fn first(size: (u16, u16)) -> Bench {
    at(size, setup(size))
}

pub(super) fn production(size: (u16, u16)) -> Bench {
    let mut bench = at(size, Setup { production: true, read_only: true, ..setup(size) });
    bench.event(Event::Link(Some(Down {
        since: bench.now,
        again: bench.now + Duration::from_millis(1_900),
        because: "could not connect to db1:5432: Connection refused".into(),
    })));
    bench.pass(Duration::from_secs(14));
    bench
}

pub(super) fn chosen(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("jj jj ");
    let mut rows = troubled();
    rows.remove(1);
    finds(&mut bench, rows);
    bench
}

fn wide(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("w/app:checkout");
    bench
}

fn help(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("?");
    bench
}

fn sorting(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("sjjj");
    bench
}

fn detail(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("j");
    bench.key(Key::Enter);
    let request = bench.request_is_due().then(|| bench.request().unwrap()).unwrap();
    let detail = Detail {
        row: troubled().remove(0),
        locks_held: 4,
        advisory_locks: 1,
        blocked_by: vec![0],
        waiting: Some(vec![22_041, 22_050]),
        leaves_behind: None,
        why_not: None,
    };
    let found = Seen { overview: overview(), detail: Some(Box::new(detail)), ..seen(&request, troubled()) };
    bench.event(Event::Seen(Box::new(found)));
    bench
}

fn blocked(pid: i32, waits_for: &[i32]) -> Blocked {
    let SessionKey { session_id, backend_start, .. } = key(pid, 1);
    let lock = |mode: &str| Lock {
        kind: "relation".into(),
        mode: mode.into(),
        relation: Some("public.orders".into()),
        ..Lock::default()
    };
    let waits = !waits_for.is_empty();
    Blocked {
        pid,
        backend_type: Some("client backend".into()),
        session_id: Some(session_id),
        backend_start: Some(backend_start),
        blocked_by: waits_for.to_vec(),
        blocks_total: 0,
        database: Some("shop".into()),
        role: Some("app".into()),
        application_name: if waits { "web".into() } else { "checkout".into() },
        client: None,
        state: Some(if waits { "active" } else { "idle in transaction" }.into()),
        wait_seconds: waits.then_some(41.0),
        wait_event_type: waits.then(|| "Lock".into()),
        wait_event: waits.then(|| "relation".into()),
        wait_at_most: false,
        xact_seconds: Some(43.0),
        lock: waits.then(|| lock("AccessExclusiveLock")),
        others_may_follow: false,
        waits_next: Vec::new(),
        holds: if waits { Vec::new() } else { vec![lock("RowExclusiveLock")] },
        query: Some(QueryText::Held("alter table orders add column gift boolean".into())),
        hidden: false,
        vanished: false,
        pooler_client: None,
        waits,
        held_by: waits_for.to_vec(),
        matches: Some(true),
    }
}

fn blockers(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("3");
    let sessions = vec![
        blocked(21_877, &[]),
        blocked(22_041, &[21_877]),
        blocked(22_050, &[22_041]),
        blocked(22_051, &[22_041]),
    ];
    let act = crate::model::blocking::FreeingAct {
        pids: vec![21_877],
        sessions: vec![key(21_877, 1).session_id],
        prepared: Vec::new(),
        action: Some(Action::Terminate),
        frees: vec![22_041],
        then: None,
        then_blocks: None,
        others_may_follow: false,
        permitted: true,
        why_not: None,
    };
    content(&mut bench, Content::Waits(Waits { sessions, waiting: 3, ..Waits::default() }, vec![act]));
    bench.keys("j");
    bench
}

fn usage() -> Usage {
    let application = |name: &str, count| ByApplication {
        application_name: name.into(),
        count,
        active: 1,
        idle: count - 1,
        idle_in_transaction: 0,
        idle_in_transaction_aborted: 0,
        hidden: 0,
        other: 0,
        oldest_xact_seconds: None,
    };
    let limit = |owner, name: &str, used| LimitUse { owner, name: name.into(), used, hidden: 0, limit: 40 };
    Usage {
        connections: Connections::new(superuser().server.limits, 38, 0),
        matched: 37,
        undecidable: 0,
        by_state: vec![
            ByState {
                state: Some("idle".into()),
                count: 31,
                oldest_state_seconds: Some(900.0),
                hidden: false,
            },
            ByState {
                state: Some("active".into()),
                count: 4,
                oldest_state_seconds: Some(41.0),
                hidden: false,
            },
        ],
        by_application: vec![application("web", 30), application("checkout", 4), application("", 3)],
        by_database: vec![ByDatabase {
            database: Some("shop".into()),
            count: 37,
            connection_limit: Some(60),
        }],
        by_role: vec![ByRole { role: Some("app".into()), count: 37, connection_limit: None }],
        by_client: vec![ByClient { client: Some("10.0.4.30".into()), count: 37 }],
        by_backend_type: Vec::new(),
        rest: Rest::default(),
        limits: vec![
            limit(Owner::Database, "shop", 12),
            limit(Owner::Role, "web", 38),
            limit(Owner::Role, "etl", 40),
        ],
    }
}

fn groups(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("4");
    content(&mut bench, Content::Groups(Box::new(usage())));
    bench.keys("j");
    bench
}

fn limits(size: (u16, u16)) -> Bench {
    let mut bench = first(size);
    bench.keys("5");
    content(&mut bench, Content::Usage(Box::new(usage())));
    bench
}

/// The dialog about these sessions.
fn asked(size: (u16, u16), keys: &str, setup: Setup) -> Bench {
    let mut bench = at(size, setup);
    bench.keys(keys);
    let sessions: Vec<Session> = troubled().into_iter().map(|row| row.session).collect();
    let at = bench.effects.iter().position(|effect| matches!(effect, Effect::Plan(_))).unwrap();
    let Effect::Plan(request) = bench.effects.remove(at) else { unreachable!() };
    let mut facts = facts(&sessions, &request.wanted);
    facts.locks = vec![HeldLocks { pid: 21_877, held: 4, advisory: 0 }];
    facts.waits =
        vec![Wait { pid: 22_041, blocked_by: vec![21_877] }, Wait { pid: 22_050, blocked_by: vec![22_041] }];
    let plan = plan::plan(request.action, &request.wanted, &facts);
    let planned = Planned { waiting: plan::waiting(&plan, &facts), plan, warnings: Vec::new() };
    bench.event(Event::Planned(request.dialog, Ok(Box::new(planned))));
    bench.pass(Duration::from_secs(1));
    bench
}

fn terminate_one(size: (u16, u16)) -> Bench {
    asked(size, "jK", setup(size))
}

fn cancel_several(size: (u16, u16)) -> Bench {
    let mut bench = asked(size, "j j j j j C", Setup { protected: Some("db1".into()), ..setup(size) });
    bench.keys("db");
    bench
}

fn terminated(size: (u16, u16)) -> Bench {
    let mut bench = asked(size, "j j jK", setup(size));
    bench.keys("2y");
    let act = bench.acts().unwrap();
    let outcome = |(at, outcome): (usize, Outcome)| Outcome {
        result: if at == 0 { Fate::Terminated } else { Fate::Gone },
        error: (at > 0).then(|| "it ended before it could be signalled".into()),
        ..outcome
    };
    let outcomes = act.planned.plan.steps.into_iter().map(|step| step.outcome);
    let outcomes = outcomes.enumerate().map(outcome).collect();
    let acted = Acted { outcomes, waiting: Some((2, 0)), notes: Vec::new() };
    bench.event(Event::Acted(act.dialog, Ok(Box::new(acted))));
    bench
}

/// What the README shows: nothing foreign, and nothing wide.
pub(super) fn readme(size: (u16, u16)) -> Bench {
    let mut bench = Bench::new(setup(size));
    let shown = |row: &ScreenRow| ![21_903, 22_101].contains(&row.session.pid);
    for _ in 0..2 {
        finds(&mut bench, troubled().into_iter().filter(shown).collect());
    }
    bench.keys("jj");
    bench
}

/// A name, and what stands on a terminal of some size.
pub(super) type Situation = (&'static str, fn((u16, u16)) -> Bench);

pub(super) const SITUATIONS: &[Situation] = &[
    ("first", first),
    ("readme", readme),
    ("production", production),
    ("chosen", chosen),
    ("wide", wide),
    ("help", help),
    ("sorting", sorting),
    ("detail", detail),
    ("blockers", blockers),
    ("groups", groups),
    ("limits", limits),
    ("pools", super::pools::seen),
    ("pools_silent", super::pools::silent),
    ("terminate_one", terminate_one),
    ("cancel_several", cancel_several),
    ("terminated", terminated),
];
