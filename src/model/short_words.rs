//! The words of PostgreSQL for states, locks and waits in fewer letters, for lines with little room. No two become the same.

/// A session's state: `idle-xact`, `idle-xact aborted`.
pub(crate) fn state(state: &str) -> &str {
    match state {
        "idle in transaction" => "idle-xact",
        "idle in transaction (aborted)" => "idle-xact aborted",
        "fastpath function call" => "fastpath",
        other => other,
    }
}

/// A lock's mode: `AccessExclusive`.
pub(crate) fn lock_mode(mode: &str) -> &str {
    mode.strip_suffix("Lock").unwrap_or(mode)
}

/// The same in still fewer letters: `AccessExcl`.
pub(crate) fn shorter_lock_mode(mode: &str) -> String {
    lock_mode(mode).replace("Exclusive", "Excl").replace("Update", "Upd")
}

/// What is waited for, `Lock:relation` as `relation`. Of the other kinds some have events of the same name (`IO:WALWrite`,
/// `LWLock:WALWrite`): they keep their kind.
pub(crate) fn wait(kind: &str, event: &str) -> String {
    match kind {
        "Lock" | "Timeout" => event.to_owned(),
        _ => format!("{kind}:{event}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lock::MODES;
    use std::collections::HashSet;

    #[test]
    fn no_two_states_and_no_two_locks_become_the_same() {
        let states = [
            "active",
            "idle",
            "idle in transaction",
            "idle in transaction (aborted)",
            "fastpath function call",
            "disabled",
            "starting",
        ];
        let short: HashSet<&str> = states.into_iter().map(state).collect();
        assert_eq!(short.len(), states.len());
        assert!(short.iter().all(|state| state.len() <= 17));
        let modes = [&MODES[..], &["SIReadLock"]].concat();
        assert_eq!(modes.iter().copied().map(lock_mode).collect::<HashSet<&str>>().len(), modes.len());
        let shorter: HashSet<String> = modes.iter().copied().map(shorter_lock_mode).collect();
        assert!(
            shorter.len() == modes.len() && shorter.iter().all(|mode| mode.len() <= "ShareRowExcl".len())
        );
        let waits =
            [("Lock", "relation"), ("IO", "WALWrite"), ("LWLock", "WALWrite"), ("Timeout", "PgSleep")];
        let short = waits.map(|(kind, event)| wait(kind, event));
        assert_eq!(short, ["relation", "IO:WALWrite", "LWLock:WALWrite", "PgSleep"]);
    }
}
