//! The log of `--log`: one JSON line for each signal that was sent, appended, so that several runs can share a file.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::act::Sent;
use crate::analyze::plan::Plan;
use crate::error::Failure;
use crate::model::act::{Action, Fate, Wanted};
use crate::model::server::Target;
use crate::outlet::Outlet;
use crate::output;
use crate::render::json;
use crate::stop::Stop;

/// An open log.
#[derive(Debug)]
pub(super) struct Audit {
    outlet: Outlet,
    path: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    action: Action,
    os_user: Option<String>,
    target: &'a Target,
    named: Vec<i32>,
    filter: String,
    pid: i32,
    session_id: Option<&'a str>,
    backend_start: &'a str,
    database: Option<&'a str>,
    role: Option<&'a str>,
    application_name: Option<&'a str>,
    result: Option<Fate>,
    error: Option<&'a str>,
}

impl Audit {
    /// Opens the log before anything is done: what cannot be logged is not done.
    pub(super) fn open(path: &Path, stop: &Stop) -> Result<Self, Failure> {
        let outlet = output::append_to(path, stop).map_err(|error| {
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

    /// Appends a line for each signal.
    pub(super) fn write(
        self,
        target: &Target,
        wanted: &Wanted,
        plan: &Plan,
        sent: &[Sent],
    ) -> Result<(), Failure> {
        let mut lines = Vec::new();
        let written = sent
            .iter()
            .try_for_each(|sent| json::write(&line(target, wanted, plan, sent), false, &mut lines))
            .and_then(|()| (&self.outlet).write_all(&lines));
        written.map_err(|error| {
            Failure::failed(format!("could not write the log {}: {error}", self.path.display()))
        })
    }
}

fn line<'a>(target: &'a Target, wanted: &Wanted, plan: &'a Plan, sent: &'a Sent) -> Line<'a> {
    let step = plan.steps.iter().find(|step| step.identity.as_ref() == Some(&sent.identity));
    let outcome = step.map(|step| &step.outcome);
    Line {
        at: humantime::format_rfc3339_micros(sent.at).to_string(),
        action: sent.action,
        os_user: whoami::username().ok(),
        target,
        named: wanted.named.iter().map(|named| named.pid).collect(),
        filter: wanted.filter.to_string(),
        pid: sent.identity.pid,
        session_id: outcome.and_then(|outcome| outcome.session_id.as_deref()),
        backend_start: &sent.identity.backend_start,
        database: outcome.and_then(|outcome| outcome.database.as_deref()),
        role: outcome.and_then(|outcome| outcome.role.as_deref()),
        application_name: outcome.and_then(|outcome| outcome.application_name.as_deref()),
        result: outcome.map(|outcome| outcome.result),
        error: outcome.and_then(|outcome| outcome.error.as_deref()),
    }
}
