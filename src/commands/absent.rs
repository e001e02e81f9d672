//! Sessions that were named and are not among those that a look shows.

use anyhow::Result;

use crate::db::Db;
use crate::exit::Exit;
use crate::model::session::Named;
use crate::render::Warning;

/// The code of the warning that a session is not there.
pub(super) const NO_SUCH_SESSION: &str = "no_such_session";

/// Why each of `named` that is not among those `shown` is not, and how the run ends: a named session that is not there is a failure.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn absent(db: &Db, named: &[Named], shown: &[i32]) -> Result<(Vec<Warning>, Exit)> {
    let missing: Vec<Named> = named.iter().filter(|named| !shown.contains(&named.pid)).copied().collect();
    if missing.is_empty() {
        return Ok((Vec::new(), Exit::Done));
    }
    let there = db.processes(&missing).await?;
    let is_there = |named: &Named| there.iter().find(|process| process.pid == named.pid);
    let warnings = missing.iter().map(|named| match is_there(named) {
        None => Warning { code: NO_SUCH_SESSION, message: not_there(*named), hint: None },
        Some(process) if process.own => Warning {
            code: "own_session",
            message: format!("{named} is the session that asks, which no listing shows"),
            hint: None,
        },
        Some(_) => Warning {
            code: "not_selected",
            message: format!("{named} is there, and not among the sessions that are asked for"),
            hint: Some(format!("see it with pgconn show {named}")),
        },
    });
    let exit = if missing.iter().all(|named| is_there(named).is_some()) { Exit::Done } else { Exit::Failed };
    Ok((warnings.collect(), exit))
}

/// That it is not there.
pub(super) fn not_there(named: Named) -> String {
    match named.started {
        None => format!("no session has pid {named}"),
        Some(_) => format!("there is no session {named}"),
    }
}
