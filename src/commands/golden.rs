//! What people see of looks and plans on terminals of five widths and 24 lines, as texts in `golden/`; `PGCONN_BLESS=1`
//! (`./dev bless`) writes them anew. Here is what the tests beside the commands have in common, and the shop that they look at.

use super::screen_room::{Part, ScreenRoom};
use crate::model::act::{ActFacts, Candidate, Process};
use crate::model::lock::Lock;
use crate::model::query_text::QueryText;
use crate::model::rights::Rights;
use crate::model::server::{ConnectionSlots, Server, ServerContext, Target};
use crate::model::session::Session;
use crate::render::table::tests::assert_wider_shows_no_less;
use crate::render::table::{self, Block};
use crate::render::{Head, Look, Report};

/// The columns of the terminals.
pub(super) const WIDTHS: [usize; 5] = [40, 60, 80, 120, 200];
/// Their lines.
pub(super) const LINES: usize = 24;

/// Compares what is shown at every width with what is written down under this name.
pub(super) fn assert_as_written(name: &str, shown: impl Fn(usize) -> String) {
    let of = |width| format!("# {width} columns\n{}\n", shown(width));
    let shown = WIDTHS.map(of).concat();
    let path = format!("{}/src/commands/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("PGCONN_BLESS").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == shown, "{path} is not what is shown; ./dev bless writes it anew:\n{shown}");
}

/// These blocks on a terminal of so many columns.
pub(super) fn drawn(blocks: &[Block<'_>], width: usize) -> String {
    if width == WIDTHS[2] {
        assert_wider_shows_no_less(blocks);
    }
    let mut text = Vec::new();
    table::write(blocks, Look { width: Some(width), ..Look::default() }, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// A report on a terminal of so many columns.
pub(super) fn reported(report: &dyn Report, width: usize) -> String {
    drawn(&report.blocks(&head()), width)
}

/// What such a terminal shows of a listing.
pub(super) fn part(width: usize) -> Part {
    ScreenRoom::of_width(width, false).part(Some(LINES), &head(), &[])
}

/// Where the shop is.
pub(super) fn head() -> Head {
    let target = Target { host: "db1.example".into(), port: 5432, ..Target::default() };
    Head { target: Some(target), ..Head::default() }
}

/// Its server.
pub(super) fn server_context() -> ServerContext {
    ServerContext {
        server: Server {
            version: "15.4".into(),
            version_num: 150_004,
            in_recovery: false,
            started_at: String::new(),
        },
        product: "PostgreSQL 15.4".into(),
        backend_pid: 1,
        uptime_seconds: 187_200.0,
        limits: ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 },
        rights: Rights { role: "monitor".into(), sees_all: true, ..Rights::default() },
        query_size: 1024,
    }
}

/// A session of the shop.
fn session(
    pid: i32,
    (database, role, application): (&str, &str, &str),
    (state, seconds): (&str, f64),
    xact_seconds: Option<f64>,
    query: &str,
) -> Session {
    Session {
        pid,
        session_id: Some(format!("692ac1f0.{pid:x}")),
        backend_start: Some("2026-01-01T00:00:00.000000Z".into()),
        backend_type: Some("client backend".into()),
        database: Some(database.into()),
        role: Some(role.into()),
        application_name: application.into(),
        client: Some(format!("10.0.4.{}", pid % 7 + 30)),
        client_port: Some(40_000 + pid),
        state: Some(state.into()),
        query_start: Some("2026-01-01T00:00:01.000000Z".into()),
        session_seconds: Some(seconds + 600.0),
        state_seconds: Some(seconds),
        xact_seconds,
        query: Some(QueryText::Held(query.into())),
        can_signal: true,
        ..Session::default()
    }
}

/// Its sessions, the worst first: transactions left open, one aborted, waits of two kinds, a long report, idle ones.
pub(super) fn sessions() -> Vec<Session> {
    const UPDATE: &str = "update stock set reserved = reserved + 1 where item = 4711 and shelf = 12";
    let (web, jobs, report) =
        (("shop", "web", "checkout"), ("shop", "jobs", "sidekiq"), ("mart", "report", "metabase"));
    let waiting = |kind: &str, event: &str, session: Session| Session {
        wait_event_type: Some(kind.into()),
        wait_event: Some(event.into()),
        ..session
    };
    let lock = |kind: &str, mode: &str, relation: &str| Lock {
        kind: kind.into(),
        mode: mode.into(),
        relation: Some(relation.into()),
        ..Lock::default()
    };
    let waiting_for = |lock: Lock, session: Session| Session {
        lock: Some(Box::new(lock.clone())),
        ..waiting("Lock", &lock.kind, session)
    };
    let mut all = vec![
        session(21_877, web, ("idle in transaction", 433.0), Some(471.5), UPDATE),
        session(
            21_903,
            jobs,
            ("idle in transaction (aborted)", 95.0),
            Some(102.0),
            "insert into orders values (17, 17, 'new')",
        ),
        waiting_for(
            lock("transactionid", "ShareLock", "public.stock"),
            session(22_041, web, ("active", 41.0), Some(41.3), UPDATE),
        ),
        waiting_for(
            lock("relation", "AccessExclusiveLock", "public.orders"),
            session(
                22_050,
                web,
                ("active", 29.5),
                Some(29.5),
                "alter table orders add column gift boolean not null",
            ),
        ),
        waiting(
            "IO",
            "DataFileRead",
            session(
                22_051,
                report,
                ("active", 3_720.0),
                Some(3_720.0),
                "select customer, sum(total) from orders group by customer",
            ),
        ),
    ];
    all.extend((0..20).map(|at| {
        session(
            22_100 + at,
            web,
            ("idle", 12.0 + f64::from(at)),
            None,
            "select status from orders where id = 17",
        )
    }));
    all
}

/// What decides whether they may be acted on.
pub(super) fn facts(sessions: Vec<Session>) -> ActFacts {
    let process = |session: &Session| Process { pid: session.pid, own: false, leader: None };
    let processes = sessions.iter().map(process).collect();
    let candidate = |session: Session| Candidate {
        session: session.begun(),
        matches: Some(true),
        superuser: false,
        prevents_wraparound: false,
    };
    ActFacts { processes, candidates: sessions.into_iter().map(candidate).collect(), ..ActFacts::default() }
}
