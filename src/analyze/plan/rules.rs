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
/// `advisory` is how many advisory locks it holds.
pub(super) fn judge(
    action: Action,
    wanted: &Wanted,
    facts: &ActFacts,
    candidate: &Candidate,
    advisory: i64,
) -> Decision {
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
        && let Some(why) = nothing_to_cancel(session, advisory)
    {
        return Decision::Spare(Fate::NoEffect, why);
    }
    if !session.can_signal {
        return Decision::Spare(Fate::NotPermitted, forbidden(candidate));
    }
    Decision::Act
}

/// The processes that pg_terminate_backend and pg_cancel_backend do not know: they say that there is no such backend.
pub(crate) const AUXILIARY: [&str; 8] = [
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
pub(crate) const COMMITTED: &str = "it has committed and waits for a standby; a cancel would end that wait, not undo the commit, and \
                                    neither would kill";

/// Why a cancel would do nothing, or not what is meant. Locks that a session holds outside a transaction are its own until it ends.
fn nothing_to_cancel(session: &Session, advisory: i64) -> Option<String> {
    if session.wait_event.as_deref() == Some("SyncRep") {
        return Some(COMMITTED.into());
    }
    if session.backend_type.as_deref() == Some("autovacuum launcher") {
        return Some("it goes on after a cancel; ended by kill, it is started again at once".into());
    }
    let kill = match advisory {
        0 => "kill ends the session".into(),
        1 => "kill ends the session, and only that frees its advisory lock".into(),
        many => format!("kill ends the session, and only that frees its {many} advisory locks"),
    };
    match session.state.as_deref() {
        Some("idle") => Some(format!("it runs nothing; {kill}")),
        Some("idle in transaction" | "idle in transaction (aborted)") => {
            Some(format!("it runs nothing and keeps its transaction open; {kill}"))
        }
        _ => None,
    }
}

/// Why a cancel does not reach what runs, for as long as that waits for this.
pub(crate) fn out_of_reach(wait_event: Option<&str>) -> Option<&'static str> {
    match wait_event {
        Some("ClientRead") => Some(
            "it waits for its client to send more (COPY FROM STDIN), and a cancel works only once that comes; kill does at once",
        ),
        Some("ClientWrite") => {
            Some("its client does not read the result, and no cancel reaches it there; kill does")
        }
        _ => None,
    }
}

/// What is to be known of a cancel that is sent.
pub(super) fn cancelled_how(session: &Session) -> Option<&'static str> {
    match session.backend_type.as_deref() {
        Some("logical replication launcher" | "slotsync worker") => Some("a cancel ends it as kill does"),
        _ if runs(session) => out_of_reach(session.wait_event.as_deref()),
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

/// The roles that this role would need to be a member of to do it.
pub(super) fn missing_roles(fate: Fate, candidate: &Candidate) -> &'static [&'static str] {
    let session = &candidate.session;
    let signals_after_grant = !session.can_signal && !candidate.superuser && session.role.is_some();
    match (fate, signals_after_grant) {
        (Fate::NotVisible, false) => &["pg_read_all_stats"],
        (Fate::NotVisible, true) => &["pg_read_all_stats", "pg_signal_backend"],
        (Fate::NotPermitted, true) => &["pg_signal_backend"],
        _ => &[],
    }
}
