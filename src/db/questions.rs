//! The texts of the questions (`sql/*.sql`), bound by the compiler, each as a type whose fields are the file's placeholders.
//! A file and its list of placeholders that do not agree, or a value that is left out or made up, do not compile.

use super::sql::{agree, fill, length_without_comments, without_comments};

/// Binds files: the type, its file, the placeholders of that file.
macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident, $text:expr $(, $placeholder:ident)*;)*) => {
        $(question!($(#[$doc])* $name, $text $(, $placeholder)*);)*
    };
}

/// The text of a file as it is filled and sent.
macro_rules! sendable {
    ($text:expr) => {{
        const LINES: [u8; length_without_comments($text)] = without_comments($text).0;
        const TEXT: &str = match str::from_utf8(&LINES) {
            Ok(text) => text,
            Err(_) => "",
        };
        const { assert!(!TEXT.is_empty(), "whole lines of a text are text") };
        TEXT
    }};
}

macro_rules! question {
    ($(#[$doc:meta])* $name:ident, $text:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $name;

        const _: () = assert!(agree($text, &[]), "the file has a placeholder that is not listed");

        impl $name {
            /// The question, ready to be sent.
            pub(super) fn sql(self) -> String {
                fill(sendable!($text), &[])
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $text:expr, $($placeholder:ident),+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(super) struct $name<'a> {
            $(pub(super) $placeholder: &'a str,)+
        }

        const _: () = assert!(
            agree($text, &[$(stringify!($placeholder)),+]),
            "the placeholders of the file are not those that are listed"
        );

        impl $name<'_> {
            /// The question with its values, ready to be sent.
            pub(super) fn sql(self) -> String {
                fill(sendable!($text), &[$((stringify!($placeholder), self.$placeholder)),+])
            }
        }
    };
}

questions! {
    /// The activity view as listing and signalling share it.
    Activity, include_str!("sql/activity.sql"), backends, leader_pid, query_id;
    /// For whom some sessions wait.
    BlockingPids, include_str!("sql/blocking_pids.sql"), pids;
    /// Busy client sessions by application.
    Busy, include_str!("sql/busy.sql"), activity, since;
    /// The role and database that a change of settings is for.
    ChangeContext, include_str!("sql/change_context.sql"), role, database, admin, may_set, may_alter_system;
    /// What a command line can be completed with.
    Completions, include_str!("sql/completions.sql");
    /// When this session read the configuration files.
    ConfigLoaded, include_str!("sql/config_loaded.sql");
    /// What the server has counted.
    Counters, include_str!("sql/counters.sql"), times;
    /// A database as a drain finds it.
    Database, include_str!("sql/database.sql"), database;
    /// Who is in a database or in a role's sessions, or on the way in.
    DatabaseOccupancy, include_str!("sql/database_occupancy.sql"), activity, inside, starting;
    /// The databases that let nobody in.
    ClosedDatabases, include_str!("sql/closed_databases.sql"), key, is_closed;
    /// Each database, with its counters.
    Databases, include_str!("sql/databases.sql"), counters;
    /// Who holds a database for a drain.
    DrainHolders, include_str!("sql/drain_holders.sql"), activity, key, oid;
    /// Holds a database for a drain.
    DrainLock, include_str!("sql/drain_lock.sql"), key, oid;
    /// Sessions as postgres_exporter counts them.
    ExporterActivity, include_str!("sql/exporter_activity.sql");
    /// The numbers of pg_stat_database.
    ExporterDatabases, include_str!("sql/exporter_databases.sql"), columns;
    /// Settings as postgres_exporter shows them.
    ExporterSettings, include_str!("sql/exporter_settings.sql"), names;
    /// Locks as postgres_exporter counts them.
    ExporterLocks, include_str!("sql/exporter_locks.sql");
    /// What ALTER SYSTEM has written.
    FileSettings, include_str!("sql/file_settings.sql"), names;
    /// What is granted on a database.
    Grants, include_str!("sql/grants.sql"), database;
    /// Counts of sessions in several groupings, with what the rules judge of them.
    Health, include_str!("sql/health.sql"), locks, matches, settled, aged, older_state, older_query, older_xact, other_waits, activity, waits;
    /// Which locks are waited for, and which keep others waiting.
    HeldLocks, include_str!("sql/held_locks.sql"), activity, lock_modes, lock_object, waiters, blockers;
    /// Who is inside a database, or a role's sessions.
    DatabaseOccupants, include_str!("sql/database_occupants.sql"), activity, inside;
    /// What sessions are at that leaves something behind.
    Leftovers, include_str!("sql/leftovers.sql"), activity;
    /// What stands in the way of who wants a database for himself.
    Obstacles, include_str!("sql/obstacles.sql"), activity, oid;
    /// Who keeps VACUUM from removing what is newer.
    Horizon, include_str!("sql/horizon.sql");
    /// Which lock modes conflict.
    LockModes, include_str!("sql/lock_modes.sql");
    /// What a lock is on.
    LockObject, include_str!("sql/lock_object.sql");
    /// How many locks each session holds.
    Locks, include_str!("sql/locks.sql");
    /// The roles that can log in.
    LoginRoles, include_str!("sql/login_roles.sql");
    /// Where sessions come from that may come back once they are ended.
    MayReturn, include_str!("sql/may_return.sql"), activity, pids, backend_starts;
    /// The names that filters could have meant.
    Names, include_str!("sql/names.sql");
    /// Client sessions by where they come from.
    Origins, include_str!("sql/origins.sql"), activity;
    /// Values stored for roles and databases.
    Overrides, include_str!("sql/overrides.sql"), names;
    /// The session that asks.
    Own, include_str!("sql/own.sql");
    /// The oldest prepared transaction.
    Prepared, include_str!("sql/prepared.sql"), filter, older;
    /// The prepared transactions that sessions wait for.
    PreparedBlockers, include_str!("sql/prepared_blockers.sql"), activity, lock_modes, pids;
    /// The locks of one session.
    ProcessLocks, include_str!("sql/process_locks.sql"), activity, named, waitstart, lock_modes, lock_object, most;
    /// What named pids are.
    Processes, include_str!("sql/processes.sql"), activity, named;
    /// How many sessions are selected after an act.
    Remaining, include_str!("sql/remaining.sql"), activity, filter, known, pids, backend_starts, acted_on;
    /// What ends who keeps replay waiting.
    Replay, include_str!("sql/replay.sql");
    /// How many sessions have come from where ended ones came from.
    Returned, include_str!("sql/returned.sql"), activity, databases, roles, applications, clients, since;
    /// The limits on connections of roles.
    RoleLimits, include_str!("sql/role_limits.sql");
    /// A role as a drain finds it.
    Role, include_str!("sql/role.sql"), role, admin;
    /// That this is the server and the role that are to be altered.
    SameRole, include_str!("sql/same_role.sql"), oid, name, server, state;
    /// That this is the server and the database that are to be altered.
    SameDatabase, include_str!("sql/same_database.sql"), oid, name, server, state;
    /// Client sessions by database, role and application.
    SessionGroups, include_str!("sql/session_groups.sql"), activity, before;
    /// Advisory locks that outlive transactions.
    SessionLocks, include_str!("sql/session_locks.sql"), activity;
    /// Client sessions as they come and go.
    SessionSample, include_str!("sql/session_sample.sql"), activity, scope, settled, seconds;
    /// The sessions of a live screen, and the server in numbers.
    Screen, include_str!("sql/screen.sql"), activity, filter, scope, waits, roots, is_root, blocks, waiting, longest_wait, shown, keys, keep, pinned_first, order, limit, query;
    /// What changes slowly about a server, for a live screen.
    ScreenContext, include_str!("sql/screen_context.sql");
    /// What sessions of a live screen are of.
    ScreenNames, include_str!("sql/screen_names.sql");
    /// Who waits for locks, for a live screen.
    ScreenWaits, include_str!("sql/screen_waits.sql"), began;
    /// Who others wait for, for a live screen.
    ScreenRoots, include_str!("sql/screen_roots.sql"), asked;
    /// One row per session.
    Sessions, include_str!("sql/sessions.sql"), activity, counts, filter, scope, keep, cut, query, totals, order;
    /// What is seldom there.
    Seldom, include_str!("sql/seldom.sql"), prepared, horizon, is_closed, closed;
    /// Settings as this session got them.
    Settings, include_str!("sql/settings.sql"), names;
    /// The one statement that signals.
    Signal, include_str!("sql/signal.sql"), signals_per_look, activity, signal_rights, all_backends, spares_own, own, same_query, filter, pids, backend_starts, query_starts, xact_starts, state_changes, signal;
    /// What decides which sessions this role may signal.
    SignalRights, include_str!("sql/signal_rights.sql");
    /// Counts of sessions in several groupings.
    Stats, include_str!("sql/stats.sql"), activity, filter, scope;
    /// Which sessions of a plan are still there.
    StillThere, include_str!("sql/still_there.sql"), pids, backend_starts, query_starts;
    /// How many of some sessions wait.
    StillWaiting, include_str!("sql/still_waiting.sql"), activity, other_waits, pids;
    /// What this server is and what this role may do.
    ServerContext, include_str!("sql/server_context.sql"), signal_rights;
    /// Which cluster this is.
    SystemIdentifier, include_str!("sql/system_identifier.sql");
    /// For which locks some processes wait.
    WaitedLocks, include_str!("sql/waited_locks.sql"), lock_object, pids;
    /// Who waits, and for whom.
    Waits, include_str!("sql/waits.sql"), activity, kept, filter, waitstart, began, wait_seconds, other_waits, at_most_seconds, lock_modes, asked, details, limit;
}
