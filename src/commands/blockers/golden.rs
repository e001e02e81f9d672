//! What people see, as golden texts at 40, 60, 80, 120 and 200 columns of 24 lines; `PGCONN_BLESS=1` (`./dev bless`) writes them anew.

mod told_apart;

use super::advice::advice;
use super::*;
use crate::model::act::{ActFacts, Candidate, Process};
use crate::model::blocking::{Blocked, PreparedBlocker, Replay};
use crate::model::lock::Lock;
use crate::model::query_text::QueryText;
use crate::model::session::Session;
use crate::model::short_words::lock_mode;
use crate::model::suggestion::Lead;
use crate::render::frame::Frame;
use crate::render::table::tests::assert_wider_shows_no_less;
use crate::render::table::{self, Block};
use crate::render::{Head, Look, Report as _, text};

const LINES: usize = 24;

fn lock(kind: &str, mode: &str, relation: Option<&str>, key: Option<&str>) -> Lock {
    let own = |text: Option<&str>| text.map(str::to_owned);
    Lock { kind: kind.into(), mode: mode.into(), relation: own(relation), key: own(key), ..Lock::default() }
}

fn table_lock(mode: &str) -> Lock {
    lock("relation", mode, Some("public.orders"), None)
}

fn row_lock(kind: &str) -> Lock {
    lock(kind, "ShareLock", Some("public.stock"), (kind == "tuple").then_some("(0,1)"))
}

/// A session that idles in a transaction.
fn root(pid: i32, holds: &[Lock]) -> Blocked {
    Blocked {
        pid,
        backend_type: Some("client backend".into()),
        session_id: Some(format!("692ac1f0.{pid:x}")),
        blocked_by: Vec::new(),
        blocks_total: 0,
        database: Some("shop".into()),
        role: Some("app".into()),
        application_name: "checkout".into(),
        client: Some("10.0.4.30".into()),
        state: Some("idle in transaction".into()),
        wait_seconds: None,
        wait_event_type: None,
        wait_event: None,
        wait_at_most: false,
        xact_seconds: Some(433.0),
        lock: None,
        others_may_follow: false,
        waits_next: Vec::new(),
        holds: holds.to_vec(),
        query: Some(QueryText::Held(UPDATE.into())),
        hidden: false,
        vanished: false,
        backend_start: None,
        pooler_client: None,
        waits: false,
        held_by: Vec::new(),
        matches: Some(true),
    }
}

/// A session that waits.
fn waiter(pid: i32, seconds: f64, blocked_by: &[i32], lock: Lock, query: &str) -> Blocked {
    Blocked {
        blocked_by: blocked_by.to_vec(),
        state: Some("active".into()),
        wait_seconds: Some(seconds),
        wait_event_type: Some("Lock".into()),
        wait_event: Some(lock.kind.clone()),
        xact_seconds: Some(seconds + 0.3),
        lock: Some(lock),
        query: Some(QueryText::Held(query.into())),
        waits: true,
        ..root(pid, &[])
    }
}

fn waits(sessions: Vec<Blocked>) -> Waits {
    let waiting = sessions.iter().filter(|session| session.waits).count();
    Waits { sessions, waiting: i64::try_from(waiting).unwrap(), ..Waits::default() }
}

const ALTER: &str = "alter table orders add column gift boolean not null default false";
const SELECT: &str = "select * from orders where customer = 81 order by placed desc limit 20";
const UPDATE: &str = "update stock set reserved = reserved + 1 where item = 4711 and shelf = 12";

fn two_readers() -> Waits {
    waits(vec![
        root(21877, &[table_lock("AccessShareLock")]),
        root(21903, &[table_lock("AccessShareLock")]),
        waiter(22041, 41.0, &[21877, 21903], table_lock("AccessExclusiveLock"), ALTER),
    ])
}

fn chain() -> Waits {
    let mut all = vec![root(21877, &[table_lock("RowExclusiveLock")])];
    all.push(waiter(22041, 41.0, &[21877], table_lock("AccessExclusiveLock"), ALTER));
    let behind =
        |at: i32| waiter(22050 + at, 30.0 - f64::from(at), &[22041], table_lock("AccessShareLock"), SELECT);
    all.extend((0..2).map(behind));
    all.push(waiter(
        22090,
        3.0,
        &[22051],
        lock("advisory", "ExclusiveLock", None, Some("81")),
        "select pg_advisory_lock(81)",
    ));
    waits(all)
}

fn storm() -> Waits {
    let mut all = vec![root(21877, &[row_lock("transactionid")])];
    for at in 0..60 {
        let ahead: Vec<i32> = (0..at).map(|at| 22041 + at).collect();
        let (ahead, kind) = if at == 0 { (vec![21877], "transactionid") } else { (ahead, "tuple") };
        let mut queues = waiter(22041 + at, 41.0 - f64::from(at) / 2.0, &ahead, row_lock(kind), UPDATE);
        queues.application_name = ["checkout", "import", "report"][usize::try_from(at).unwrap() % 3].into();
        queues.held_by = if at == 0 { vec![21877] } else { vec![22041] };
        all.push(queues);
    }
    all[1].holds = vec![row_lock("tuple")];
    waits(all)
}

fn deadlock() -> Waits {
    waits(vec![
        waiter(22041, 0.4, &[22042], row_lock("transactionid"), UPDATE),
        waiter(22042, 0.3, &[22041], row_lock("transactionid"), UPDATE),
    ])
}

fn prepared() -> Waits {
    let prepared = PreparedBlocker {
        gid: "order-4711-payment".into(),
        owner: "app".into(),
        database: "shop".into(),
        prepared_seconds: 4210.0,
        waiting_pids: vec![22041],
        blocks: Vec::new(),
        holds: vec![table_lock("RowExclusiveLock")],
    };
    let mut all = waits(vec![
        waiter(22041, 41.0, &[0], table_lock("AccessExclusiveLock"), ALTER),
        waiter(22050, 30.0, &[22041], table_lock("AccessShareLock"), SELECT),
    ]);
    all.prepared = vec![prepared];
    all
}

fn standby() -> Waits {
    let mut replay = waiter(412, 22.0, &[21877], table_lock("AccessExclusiveLock"), "");
    replay = Blocked {
        backend_type: Some("startup".into()),
        database: None,
        role: None,
        application_name: String::new(),
        client: None,
        state: None,
        xact_seconds: None,
        query: None,
        ..replay
    };
    let mut all = waits(vec![
        root(21877, &[table_lock("AccessShareLock")]),
        replay,
        waiter(22050, 3.0, &[412], table_lock("AccessShareLock"), SELECT),
    ]);
    all.replay = Some(Replay {
        pid: 412,
        waits_for: vec![21877],
        wait_seconds: Some(22.0),
        wait_at_most: false,
        setting: "max_standby_streaming_delay".into(),
        limit_seconds: Some(30.0),
        ends_within_seconds: Some(8.0),
        hot_standby_feedback: false,
        oldest_snapshots: Vec::new(),
    });
    all
}

fn without_rights() -> Waits {
    let hidden = |one: Blocked| Blocked {
        backend_type: None,
        session_id: None,
        client: None,
        state: None,
        wait_event_type: None,
        wait_event: None,
        xact_seconds: None,
        query: None,
        hidden: true,
        ..one
    };
    let mut all = chain();
    all.sessions = all.sessions.into_iter().map(hidden).collect();
    all
}

/// What of the sessions decides whether they may be acted on.
fn facts(waits: &Waits) -> ActFacts {
    let candidate = |one: &Blocked| Candidate {
        session: Session {
            pid: one.pid,
            session_id: one.session_id.clone(),
            backend_start: one.session_id.as_ref().map(|_| "2026-01-01T00:00:00.000000Z".into()),
            backend_type: one.backend_type.clone(),
            database: one.database.clone(),
            role: one.role.clone(),
            application_name: one.application_name.clone(),
            client: one.client.clone(),
            state: one.state.clone(),
            wait_event_type: one.wait_event_type.clone(),
            wait_event: one.wait_event.clone(),
            query_start: Some("2026-01-01T00:00:01.000000Z".into()),
            session_seconds: Some(60.0),
            xact_seconds: one.xact_seconds,
            state_seconds: Some(5.0),
            hidden: one.hidden,
            undecidable: one.hidden,
            can_signal: !one.hidden,
            ..Session::default()
        },
        matches: Some(true),
        superuser: false,
        prevents_wraparound: false,
    };
    let candidates: Vec<Candidate> = waits.sessions.iter().map(candidate).collect();
    let processes =
        candidates.iter().map(|candidate| Process { pid: candidate.session.pid, own: false, leader: None });
    ActFacts { processes: processes.collect(), candidates, ..ActFacts::default() }
}

/// What stands on a screen of so many columns.
fn screen(waits: Waits, width: usize, watched: bool) -> String {
    screen_in(waits, width, watched, false)
}

fn screen_in(waits: Waits, width: usize, watched: bool, is_ascii: bool) -> String {
    let facts = facts(&waits);
    let mut report = Blockers::new(waits, false);
    let sets = report.free_sets();
    report.plan(&sets, &facts);
    report.advice = advice(&report, &Lead::default());
    report.is_ascii = is_ascii;
    let head = Head::default();
    report.part = Some(ScreenRoom::of_width(width, watched).part(Some(LINES), &head, &report.advice));
    let look = Look { width: Some(width), ..Look::default() };
    let blocks = report.blocks(&head);
    if watched {
        let heading = [Block::line("blockers  every 2s"), Block::Gap];
        let drawn = Frame::of(&[&heading[..], &blocks].concat(), look, Some(LINES)).unwrap().whole();
        let codes = ["\u{1b}[H", "\u{1b}[K", "\u{1b}[J", "\u{1b}[?2026h", "\u{1b}[?2026l", "\r"];
        return codes.iter().fold(drawn, |text, code| text.replace(code, ""));
    }
    if width == 80 {
        assert_wider_shows_no_less(&blocks);
    }
    let mut text = Vec::new();
    table::write(&blocks, look, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// A name, and what was seen.
type Situation = (&'static str, fn() -> Waits);

const SITUATIONS: &[Situation] = &[
    ("two_readers", two_readers),
    ("chain", chain),
    ("storm", storm),
    ("deadlock", deadlock),
    ("prepared", prepared),
    ("standby", standby),
    ("without_rights", without_rights),
];

/// What is wrong with the text that is written down; written anew when that is wished.
fn difference(name: &str, shown: &str) -> Option<String> {
    let path = format!("{}/src/commands/blockers/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("PGCONN_BLESS").is_some() {
        std::fs::write(&path, shown).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    (written != shown).then(|| format!("{path} is not what is shown; ./dev bless writes it anew:\n{shown}"))
}

#[test]
fn what_people_see_is_what_is_written_down() {
    let of = |(name, situation): &Situation| {
        let of = |width| format!("# {width} columns\n{}\n", screen(situation(), width, false));
        difference(name, &[40, 60, 80, 120, 200].map(of).concat())
    };
    let differ: Vec<String> = SITUATIONS.iter().filter_map(of).collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn where_the_locale_is_not_utf_8_the_tree_is_drawn_in_ascii() {
    let of = |(name, situation): &Situation| {
        let mut waits = situation();
        waits.sessions.iter_mut().for_each(|session| session.wait_at_most = true);
        let shown = screen_in(waits, 120, false, true);
        // What is cut ends in the one sign that every table has.
        assert!(shown.replace('\u{2026}', "").is_ascii(), "{shown}");
        format!("# {name}\n{shown}\n")
    };
    let shown: String = SITUATIONS.iter().map(of).collect();
    let differs = difference("ascii", &shown);
    assert!(differs.is_none(), "{}", differs.unwrap_or_default());
}

#[test]
fn what_matters_is_there_at_every_width() {
    for width in [80, 120, 200] {
        for (name, situation) in SITUATIONS {
            let shown = screen(situation(), width, false);
            let is_row = |line: &&str| line.contains("holds ") && !line.starts_with("to free");
            let first = shown.lines().next().unwrap();
            assert!(first.contains("blocked"), "{shown}");
            assert!(shown.lines().count() < LINES, "{name}: {shown}");
            let object = match *name == "storm" {
                true => "row of public.stock",
                false if width < 200 => "orders",
                false => "public.orders",
            };
            if *name != "deadlock" {
                let root = shown.lines().find(is_row).unwrap_or_else(|| panic!("{name} {width}: {shown}"));
                assert!(root.contains(object), "{name} {width}: {shown}");
            }
            for session in situation().sessions {
                let is_its =
                    |line: &&str| line.split_whitespace().take(2).any(|word| word == session.pid.to_string());
                let line = shown.lines().skip_while(|line| !line.starts_with("PID")).find(is_its);
                if let (Some(line), Some(lock)) = (line, session.lock) {
                    // Its mode, where it has one, is there to the last letter; for that its schema is spared.
                    let is_row = lock.mode == "ShareLock";
                    let whole = lock.relation.as_deref().filter(|_| width == 200 || is_row);
                    let relation = whole.or(lock.short_relation());
                    let key = lock.key.as_deref().filter(|_| lock.kind == "advisory");
                    let mode = if is_row { "row of" } else { lock_mode(&lock.mode) };
                    assert!(line.contains(relation.or(key).unwrap()), "{name} {width}: {shown}");
                    assert!(line.contains(mode), "{name} {width}: {shown}");
                }
            }
        }
    }
}

#[test]
fn a_watched_screen_shows_what_to_do_whole() {
    for (name, situation) in SITUATIONS {
        let shown = screen(situation(), 80, true);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[2].contains(" blocked"), "{name}: {shown}");
        assert!(lines.iter().all(|line| text::width(line) <= 80) && lines.len() <= LINES, "{name}: {shown}");
        let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut report = Blockers::new(situation(), false);
        let facts = facts(&situation());
        report.plan(&report.free_sets(), &facts);
        for hint in advice(&report, &Lead::default()) {
            assert!(words.contains(&hint), "{name}: {hint}\n{shown}");
        }
        assert!(shown.contains("PID "), "{name}: {shown}");
    }
}
