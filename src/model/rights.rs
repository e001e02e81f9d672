//! What the role that a session acts as may see and signal, as the server judges it. Asked once, with the first look.

/// The rights of the role that looks and acts: `current_user`, by whose privileges the server decides. That is another role than
/// the one that logged in after `ALTER ROLE … SET role`. Privileges count, not bare membership (NOINHERIT).
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    /// The role's name.
    pub(crate) role: String,
    /// Has SUPERUSER.
    pub(crate) superuser: bool,
    /// Has CREATEROLE.
    pub(crate) creates_roles: bool,
    /// Sees every session whole: superuser or the privileges of `pg_read_all_stats`.
    pub(crate) sees_all: bool,
    /// Signals the sessions of ordinary roles: the privileges of `pg_signal_backend`.
    pub(crate) signals: bool,
    /// Signals autovacuum workers: the privileges of `pg_signal_autovacuum_worker` (18 and later).
    pub(crate) signals_autovacuum: bool,
}

/// Whose process is to be signalled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signalled {
    /// A superuser's, or nobody's: a process of the server itself.
    pub(crate) of_superuser: bool,
    /// This role has the privileges of its role.
    pub(crate) as_own: bool,
    /// An autovacuum worker.
    pub(crate) autovacuum_worker: bool,
}

impl Rights {
    /// Whether this role may cancel or terminate the process. The statement that signals applies the same rule once more, in the
    /// moment of the signal (`signal.sql`).
    pub(crate) const fn may_signal(&self, process: Signalled) -> bool {
        let Signalled { of_superuser, as_own, autovacuum_worker } = process;
        self.superuser
            || (!of_superuser && (self.signals || as_own))
            || (autovacuum_worker && self.signals_autovacuum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_but_superusers_signals_superusers_and_everybody_their_own() {
        let [own, others, supers, worker] = [(false, true), (false, false), (true, false), (true, false)]
            .map(|(of_superuser, as_own)| Signalled { of_superuser, as_own, autovacuum_worker: false });
        let worker = Signalled { autovacuum_worker: true, ..worker };
        let may = |rights: Rights| [own, others, supers, worker].map(|process| rights.may_signal(process));
        assert_eq!(may(Rights::default()), [true, false, false, false]);
        assert_eq!(may(Rights { signals: true, ..Rights::default() }), [true, true, false, false]);
        assert_eq!(may(Rights { signals_autovacuum: true, ..Rights::default() }), [true, false, false, true]);
        assert_eq!(may(Rights { superuser: true, ..Rights::default() }), [true; 4]);
        assert_eq!(
            may(Rights { sees_all: true, creates_roles: true, ..Rights::default() }),
            [true, false, false, false]
        );
    }
}
