//! The rules of an act: who is acted on, who is spared and why, and who may not be touched.

use crate::model::act::{ActFacts, Action, Candidate, Fate, OWN_APPLICATION, Wanted};
use crate::model::session::Session;

/// What is to become of a session.
pub(super) enum Decision {
    /// It is acted on.
    Act,
    /// It is not, which is its fate for this reason.
    Spare(Fate, String),
}

/// The rules, in the order in which they are looked at.
pub(super) fn judge(action: Action, wanted: &Wanted, facts: &ActFacts, candidate: &Candidate) -> Decision {
    let session = &candidate.session;
    let named = !wanted.named.is_empty();
    let spare = |fate: Fate, why: &str| Decision::Spare(fate, why.to_owned());
    if facts.processes.iter().any(|process| process.own && process.pid == session.pid) {
        return spare(Fate::Protected, "this is pgconn's own session");
    }
    match candidate.matches {
        None => return spare(Fate::NotVisible, "what decides whether it matches is hidden from this role"),
        Some(false) => return spare(Fate::Changed, "the filters do not select it"),
        Some(true) => {}
    }
    if session.hidden {
        return spare(Fate::NotVisible, "who it is is hidden from this role");
    }
    let client = session.backend_type.as_deref() == Some("client backend");
    if !(client || named && wanted.all_backends) {
        let kind = session.backend_type.as_deref().unwrap_or("another process");
        let how = if named { "; --all-backends permits it" } else { "" };
        return Decision::Spare(Fate::NotAClient, format!("{kind}{how}"));
    }
    if let Some(kind) = session.backend_type.as_deref()
        && AUXILIARY.contains(&kind)
    {
        return Decision::Spare(Fate::NotAClient, format!("{kind}; the server lets nobody signal it"));
    }
    if !named && !wanted.pgconn_too && session.application_name == OWN_APPLICATION {
        return spare(Fate::Protected, "another session of pgconn; only its pid or session id selects it");
    }
    if action == Action::Cancel
        && let Some(why) = nothing_to_cancel(session)
    {
        return spare(Fate::NoEffect, why);
    }
    if !session.can_signal {
        return Decision::Spare(Fate::NotPermitted, forbidden(candidate));
    }
    Decision::Act
}

/// The processes that pg_terminate_backend and pg_cancel_backend do not know: they say that there is no such backend.
const AUXILIARY: [&str; 8] = [
    "archiver",
    "background writer",
    "checkpointer",
    "io worker",
    "startup",
    "walreceiver",
    "walsummarizer",
    "walwriter",
];

/// Why nobody's commit is cancelled.
pub(crate) const COMMITTED: &str =
    "it has committed and waits for a standby; a cancel would end that wait, not undo the commit";

/// Why a cancel would do nothing, or not what is meant.
fn nothing_to_cancel(session: &Session) -> Option<&'static str> {
    if session.wait_event.as_deref() == Some("SyncRep") {
        return Some(COMMITTED);
    }
    match session.state.as_deref() {
        Some("idle") => Some("it runs nothing; kill ends the session"),
        Some("idle in transaction" | "idle in transaction (aborted)") => {
            Some("it runs nothing and keeps its transaction open; kill ends the session")
        }
        _ => None,
    }
}

/// Whether it runs something that a cancel would stop.
pub(super) fn runs(session: &Session) -> bool {
    matches!(session.state.as_deref(), Some("active" | "fastpath function call"))
}

fn forbidden(candidate: &Candidate) -> String {
    match (&candidate.session.role, candidate.superuser) {
        (_, true) => "only a superuser may signal a superuser's session".into(),
        (Some(role), false) => {
            format!("needs the privileges of pg_signal_backend or of role \"{role}\"")
        }
        (None, false) => "only a superuser may signal it".into(),
    }
}

/// The role that this role would need to be a member of to do it.
pub(super) fn missing_role(fate: Fate, candidate: &Candidate) -> Option<&'static str> {
    match fate {
        Fate::NotVisible => Some("pg_read_all_stats"),
        Fate::NotPermitted if !candidate.superuser && candidate.session.role.is_some() => {
            Some("pg_signal_backend")
        }
        _ => None,
    }
}
