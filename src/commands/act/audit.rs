//! The log of `--log`: one JSON line for each signal, on disk before it is sent, and one with what became of it. Lines are appended, so
//! that several runs can share a file.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::act::SignalLog;
use crate::analyze::plan::{Plan, Step};
use crate::error::Failure;
use crate::model::act::{Action, Fate, Outcome, Wanted};
use crate::model::server::Target;
use crate::outlet::Outlet;
use crate::output;
use crate::render::json;
use crate::stop::Stop;

/// An open log, of a run that has not done anything yet.
#[derive(Debug)]
pub(in crate::commands) struct LogFile {
    outlet: Outlet,
    path: PathBuf,
}

/// The log of what a run does.
#[derive(Debug)]
pub(in crate::commands) struct Audit {
    file: LogFile,
    os_user: Option<String>,
    target: Target,
    named: Vec<i32>,
    filter: String,
    /// The signals without an outcome.
    open: HashMap<Client, Action>,
    /// The first thing that went wrong with an outcome.
    failed: Option<io::Error>,
    /// Whether the last line may have been written in part only.
    is_torn: bool,
}

/// What tells a session, or a pooler's client, from every other of a plan: pid, start, address, port.
type Client = (i32, Option<String>, Option<String>, Option<i64>);

/// Which of the two lines of a signal it is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    /// It is about to be sent.
    Signal,
    /// What became of it.
    Outcome,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    event: Event,
    action: Action,
    os_user: Option<&'a str>,
    target: &'a Target,
    named: &'a [i32],
    filter: &'a str,
    pid: Option<i32>,
    session_id: Option<&'a str>,
    backend_start: Option<&'a str>,
    database: Option<&'a str>,
    role: Option<&'a str>,
    application_name: Option<&'a str>,
    client: Option<&'a str>,
    client_port: Option<i64>,
    result: Option<Fate>,
    error: Option<&'a str>,
}

impl LogFile {
    /// Opens the log before anything is done: what cannot be logged is not done.
    ///
    /// # Errors
    /// When it cannot be opened or takes nothing.
    pub(in crate::commands) fn open(path: &Path, stop: &Stop) -> Result<Self, Failure> {
        let opened = output::append_to(path, stop).and_then(|outlet| outlet.takes().map(|()| outlet));
        let outlet = opened.map_err(|error| {
            let failure = Failure::refused(format!(
                "could not open the log {}: {error}; nothing was done",
                path.display()
            ));
            match stop.signal() {
                Some(signal) => Failure { code: "interrupted", exit: signal.exit(), ..failure },
                None => failure,
            }
        })?;
        Ok(Self { outlet, path: path.to_owned() })
    }

    /// The log of a run against `target` that is about what was `wanted`.
    pub(in crate::commands) fn of(self, target: &Target, wanted: &Wanted) -> Audit {
        Audit {
            file: self,
            os_user: whoami::username().ok(),
            target: target.clone(),
            named: wanted.named.iter().map(|named| named.pid).collect(),
            filter: wanted.filter.to_string(),
            open: HashMap::new(),
            failed: None,
            is_torn: false,
        }
    }
}

impl Audit {
    /// Notes what became of every signal that has no outcome yet.
    ///
    /// # Errors
    /// When an outcome could not be written, now or before.
    pub(in crate::commands) fn finish(mut self, plan: &Plan) -> Result<(), Failure> {
        for step in &plan.steps {
            self.outcome(step);
        }
        let synced = self.file.outlet.sync().err();
        let Some(error) = self.failed.or(synced) else { return Ok(()) };
        Err(Failure::failed(format!("could not write the log {}: {error}", self.file.path.display())))
    }

    fn append(&mut self, mut lines: Vec<u8>) -> io::Result<()> {
        if self.is_torn {
            lines.insert(0, b'\n');
        }
        let written = (&self.file.outlet).write_all(&lines);
        self.is_torn = written.is_err();
        written
    }

    fn line(&self, event: Event, action: Action, step: &Step, lines: &mut Vec<u8>) -> io::Result<()> {
        let Outcome { database, role, application_name, client, client_port, .. } = &step.outcome;
        let identity = step.identity.as_ref();
        let is_known = matches!(event, Event::Outcome);
        let line = Line {
            at: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            event,
            action,
            os_user: self.os_user.as_deref(),
            target: &self.target,
            named: &self.named,
            filter: &self.filter,
            pid: Some(step.outcome.pid).filter(|pid| *pid != 0),
            session_id: step.outcome.session_id.as_deref(),
            backend_start: identity.map(|identity| identity.backend_start.as_str()),
            database: database.as_deref(),
            role: role.as_deref(),
            application_name: application_name.as_deref(),
            client: client.as_deref(),
            client_port: *client_port,
            result: is_known.then(|| came_to(step.outcome.result)),
            error: step.outcome.error.as_deref().filter(|_| is_known),
        };
        json::write(&line, false, lines)
    }

    /// The line of an outcome, where there is a signal that has none.
    fn close(&mut self, step: &Step, lines: &mut Vec<u8>) -> io::Result<()> {
        match self.open.remove(&client(&step.outcome)) {
            Some(action) => self.line(Event::Outcome, action, step, lines),
            None => Ok(()),
        }
    }
}

impl SignalLog for Audit {
    fn sending(&mut self, action: Action, steps: &[&Step]) -> io::Result<()> {
        let mut lines = Vec::new();
        for step in steps {
            let key = client(&step.outcome);
            if self.open.get(&key) == Some(&action) {
                continue;
            }
            // A cancel that is followed by the end of the session.
            self.close(step, &mut lines)?;
            self.line(Event::Signal, action, step, &mut lines)?;
            self.open.insert(key, action);
        }
        if lines.is_empty() {
            return Ok(());
        }
        let written = self.append(lines).and_then(|()| self.file.outlet.sync());
        if written.is_err() {
            for step in steps {
                self.open.remove(&client(&step.outcome));
            }
        }
        written
    }

    fn outcome(&mut self, step: &Step) {
        let mut lines = Vec::new();
        let written = self.close(step, &mut lines).and_then(|()| match lines.len() {
            0 => Ok(()),
            _ => self.append(lines),
        });
        if let Err(error) = written {
            self.failed.get_or_insert(error);
        }
    }
}

fn client(outcome: &Outcome) -> Client {
    (outcome.pid, outcome.backend_start.clone(), outcome.client.clone(), outcome.client_port)
}

/// What a signal came to while something else is still planned for its session: a cancel found nothing left to cancel.
const fn came_to(result: Fate) -> Fate {
    match result {
        Fate::WouldTerminate | Fate::WouldCancel => Fate::NoEffect,
        other => other,
    }
}
