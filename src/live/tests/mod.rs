//! A live screen without a server or a terminal: what it does and what it looks like, from made-up looks.

mod golden;
mod laws;
mod pools;
mod servers;
mod situations;
mod steps;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::event::{Content, Effect, Event, Planned, Request, Seen, SessionKey, View};
use super::state::{Setup, State};
use crate::analyze::plan;
use crate::model::act::{ActFacts, Action, Candidate, Process, Wanted};
use crate::model::filter::{Filter, Name, Term};
use crate::model::query_text::QueryText;
use crate::model::rights::Rights;
use crate::model::screen::{Names, Overview, ScreenContext, ScreenRow, Trouble};
use crate::model::server::{ConnectionSlots, Server, ServerContext, Target};
use crate::model::session::Session;
use crate::model::suggestion::Lead;
use crate::model::usage::{LimitUse, Owner};
use crate::terminal::Key;

/// What is typed is an application's name.
fn read_filter(line: &str) -> Result<Filter, String> {
    match line.strip_prefix("app:") {
        _ if line.is_empty() => Ok(Filter::default()),
        Some(name) => Ok(Filter {
            applications: vec![Term { exclude: false, value: Name::Exact(name.into()) }],
            ..Filter::default()
        }),
        None => Err("no such word".into()),
    }
}

fn write_filter(filter: &Filter) -> String {
    filter.applications.iter().map(|term| format!("app:{}", term.value)).collect()
}

fn setup(size: (u16, u16)) -> Setup {
    Setup {
        target: Target {
            host: "db1".into(),
            port: 5432,
            database: "shop".into(),
            user: "dba".into(),
            service: None,
            ..Target::default()
        },
        lead: Lead { server: vec!["-h".into(), "db1".into()], database: Vec::new() },
        notices: Vec::new(),
        production: false,
        protected: None,
        pooler: None,
        in_list: false,
        read_only: false,
        interval: Duration::from_secs(2),
        view: View::Sessions,
        sort: None,
        filter: Filter::default(),
        all_backends: false,
        no_query: false,
        read_filter,
        write_filter,
        size,
    }
}

fn server(rights: Rights) -> Arc<ScreenContext> {
    let server = ServerContext {
        server: Server {
            version: "17.2".into(),
            version_num: 170_002,
            in_recovery: false,
            started_at: "2026-01-01T00:00:00.000000Z".into(),
        },
        product: "PostgreSQL 17.2".into(),
        backend_pid: 999,
        uptime_seconds: 3600.0,
        limits: ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 },
        rights,
        query_size: 1024,
    };
    Arc::new(ScreenContext {
        server,
        names: Names::default(),
        nearest_limit: Some(LimitUse {
            owner: Owner::Role,
            name: "web".into(),
            used: 38,
            hidden: 0,
            limit: 40,
        }),
        prepared: 1,
        oldest_prepared_seconds: Some(4_210.0),
        horizon_age: Some(1_234_567),
    })
}

fn superuser() -> Arc<ScreenContext> {
    server(Rights { role: "dba".into(), superuser: true, ..Rights::default() })
}

/// The start of a session, by a number; a thousand of them begin in the same second.
fn started(number: u64) -> (String, String) {
    (format!("{:x}", 0x6750_0000 + number / 1_000), format!("2026-01-01T00:00:00.{number:06}Z"))
}

fn key(pid: i32, number: u64) -> SessionKey {
    let (second, backend_start) = started(number);
    SessionKey { pid, session_id: format!("{second}.{pid:x}"), backend_start }
}

fn session(pid: i32, number: u64) -> Session {
    let SessionKey { session_id, backend_start, .. } = key(pid, number);
    Session {
        pid,
        session_id: Some(session_id),
        backend_start: Some(backend_start),
        backend_type: Some("client backend".into()),
        database: Some("shop".into()),
        role: Some("app".into()),
        application_name: "checkout".into(),
        client: Some("10.0.4.30".into()),
        client_port: Some(51_514),
        state: Some("active".into()),
        query_start: Some(format!("2026-01-01T01:00:00.{number:06}Z")),
        session_seconds: Some(300.0),
        query_seconds: Some(1.5),
        state_seconds: Some(1.5),
        query: Some(QueryText::Held("select 1".into())),
        can_signal: true,
        ..Session::default()
    }
}

fn row(session: Session) -> ScreenRow {
    ScreenRow { session, trouble: Trouble::None, blocks: 0, matches: Some(true) }
}

/// The answer to a request: these rows.
fn seen(request: &Request, rows: Vec<ScreenRow>) -> Seen {
    let still_there = rows.iter().filter_map(|row| row.session.session_id.clone()).collect();
    let matched = i64::try_from(rows.len()).unwrap();
    Seen {
        about: request.about,
        context: superuser(),
        overview: Overview {
            used: matched + 1,
            active: matched,
            idle: 1,
            matched,
            still_there,
            ..Overview::default()
        },
        content: Content::Sessions(rows),
        detail: None,
        took: Duration::from_millis(10),
    }
}

/// What a plan is made from, where these sessions are all there are.
fn facts(sessions: &[Session], wanted: &Wanted) -> ActFacts {
    let is_named = |session: &Session| {
        wanted.named.is_empty()
            || wanted.named.iter().any(|named| {
                let second = session.session_id.as_deref().and_then(|id| id.split_once('.'));
                let second = second.and_then(|(second, _)| i64::from_str_radix(second, 16).ok());
                named.pid == session.pid && named.started == second
            })
    };
    let candidates: Vec<Candidate> = sessions
        .iter()
        .filter(|session| is_named(session))
        .map(|session| Candidate {
            session: session.clone().begun(),
            matches: Some(true),
            superuser: false,
            prevents_wraparound: false,
        })
        .collect();
    let processes = candidates.iter().map(|one| Process { pid: one.session.pid, own: false, leader: None });
    ActFacts { processes: processes.collect(), candidates, ..ActFacts::default() }
}

fn planned(action: Action, sessions: &[Session], wanted: &Wanted) -> Planned {
    let facts = facts(sessions, wanted);
    let plan = plan::plan(action, wanted, &facts);
    Planned { waiting: plan::waiting(&plan, &facts), plan, warnings: Vec::new() }
}

/// A screen and the time there.
struct Bench {
    state: State,
    now: Instant,
    effects: Vec<Effect>,
}

impl Bench {
    fn new(setup: Setup) -> Self {
        let now = Instant::now();
        let mut bench = Self { state: State::new(setup, now), now, effects: Vec::new() };
        bench.event(Event::Tick);
        bench
    }

    fn event(&mut self, event: Event) {
        let effects = self.state.on(event, self.now);
        self.effects.extend(effects);
    }

    fn key(&mut self, key: Key) {
        self.event(Event::Key(key));
    }

    fn keys(&mut self, keys: &str) {
        keys.chars().for_each(|character| self.key(Key::Char(character)));
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.event(Event::Tick);
    }

    /// The look that was asked for last.
    fn request(&mut self) -> Option<Request> {
        let at = self.effects.iter().position(|effect| matches!(effect, Effect::Look(_)))?;
        match self.effects.remove(at) {
            Effect::Look(request) => Some(*request),
            _ => None,
        }
    }

    /// Has the next look at what is wanted now find these rows.
    fn looks(&mut self, rows: &[ScreenRow]) {
        while self.request_is_due() {
            let request = self.request().unwrap();
            let is_wanted = request.about == self.state.about;
            self.event(Event::Seen(Box::new(seen(&request, rows.to_vec()))));
            if is_wanted {
                return;
            }
        }
    }

    fn request_is_due(&mut self) -> bool {
        if self.effects.iter().any(|effect| matches!(effect, Effect::Look(_))) {
            return true;
        }
        self.pass(Duration::from_secs(3));
        self.effects.iter().any(|effect| matches!(effect, Effect::Look(_)))
    }

    /// Answers the plan that a dialog waits for.
    fn plans(&mut self, sessions: &[Session]) {
        let at = self
            .effects
            .iter()
            .position(|effect| matches!(effect, Effect::Plan(_)))
            .expect("a plan is wanted");
        let Effect::Plan(request) = self.effects.remove(at) else { unreachable!() };
        let planned = planned(request.action, sessions, &request.wanted);
        self.event(Event::Planned(request.dialog, Ok(Box::new(planned))));
    }

    fn acts(&mut self) -> Option<super::event::ActRequest> {
        let at = self.effects.iter().position(|effect| matches!(effect, Effect::Act(_)))?;
        match self.effects.remove(at) {
            Effect::Act(request) => Some(*request),
            _ => None,
        }
    }
}
