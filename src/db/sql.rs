//! The texts of the questions (`sql/*.sql`, bound by the compiler), and the one quoter through which values enter them.

use std::fmt::Write as _;

/// What this server is and what this role may do.
pub(crate) const SURROUNDINGS: &str = include_str!("sql/surroundings.sql");
/// The activity view as listing and signalling share it.
pub(crate) const ACTIVITY: &str = include_str!("sql/activity.sql");
/// Counts of sessions in several groupings.
pub(crate) const STATS: &str = include_str!("sql/stats.sql");
/// One row per session.
pub(crate) const SESSIONS: &str = include_str!("sql/sessions.sql");
/// What is used of each limit on connections.
pub(crate) const SLOTS: &str = include_str!("sql/slots.sql");
/// The longest of each kind of long-lasting work.
pub(crate) const LONGEST: &str = include_str!("sql/longest.sql");
/// Who waits for a lock, and for whom.
pub(crate) const WAITS: &str = include_str!("sql/waits.sql");
/// The oldest prepared transaction.
pub(crate) const PREPARED: &str = include_str!("sql/prepared.sql");
/// The counters of each database.
pub(crate) const DATABASES: &str = include_str!("sql/databases.sql");
/// Sessions as postgres_exporter counts them.
pub(crate) const EXPORTER_ACTIVITY: &str = include_str!("sql/exporter_activity.sql");
/// The numbers of pg_stat_database.
pub(crate) const EXPORTER_DATABASES: &str = include_str!("sql/exporter_databases.sql");
/// Locks as postgres_exporter counts them.
pub(crate) const EXPORTER_LOCKS: &str = include_str!("sql/exporter_locks.sql");
/// Busy client sessions by application.
pub(crate) const BUSY: &str = include_str!("sql/busy.sql");
/// What the server has counted.
pub(crate) const COUNTERS: &str = include_str!("sql/counters.sql");
/// Client sessions by where they come from.
pub(crate) const ORIGINS: &str = include_str!("sql/origins.sql");
/// Client sessions as they come and go.
pub(crate) const PRESENCE: &str = include_str!("sql/presence.sql");
/// The names that filters could have meant.
pub(crate) const NAMES: &str = include_str!("sql/names.sql");
/// The prepared transactions that sessions wait for.
pub(crate) const PREPARED_BLOCKERS: &str = include_str!("sql/prepared_blockers.sql");
/// A database as a drain finds it.
pub(crate) const DATABASE: &str = include_str!("sql/database.sql");
/// What is granted on a database.
pub(crate) const GRANTS: &str = include_str!("sql/grants.sql");
/// Who is in a database or on the way in.
pub(crate) const INSIDE: &str = include_str!("sql/inside.sql");
/// Holds a database for a drain.
pub(crate) const DRAIN_LOCK: &str = include_str!("sql/drain_lock.sql");
/// Who holds a database for a drain.
pub(crate) const DRAIN_HOLDERS: &str = include_str!("sql/drain_holders.sql");
/// Which cluster this is.
pub(crate) const SYSTEM_IDENTIFIER: &str = include_str!("sql/system_identifier.sql");
/// That this is the server and the database that are to be altered.
pub(crate) const SAME_DATABASE: &str = include_str!("sql/same_database.sql");
/// Who is inside a database.
pub(crate) const INSIDERS: &str = include_str!("sql/insiders.sql");
/// How many sessions are hidden.
pub(crate) const HIDDEN: &str = include_str!("sql/hidden.sql");
/// The session that asks.
pub(crate) const OWN: &str = include_str!("sql/own.sql");
/// What decides which sessions this role may signal.
pub(crate) const POWERS: &str = include_str!("sql/powers.sql");
/// The one statement that signals.
pub(crate) const SIGNAL: &str = include_str!("sql/signal.sql");
/// Which sessions of a plan are still there.
pub(crate) const STILL_THERE: &str = include_str!("sql/still_there.sql");
/// How many sessions are selected after an act.
pub(crate) const REMAINING: &str = include_str!("sql/remaining.sql");
/// What named pids are.
pub(crate) const PROCESSES: &str = include_str!("sql/processes.sql");
/// Advisory locks that outlive transactions.
pub(crate) const SESSION_LOCKS: &str = include_str!("sql/session_locks.sql");
/// How many locks each session holds.
pub(crate) const LOCKS: &str = include_str!("sql/locks.sql");

/// True when the role of `me` (powers.sql) may signal a session of role `t` (pg_roles) that is row `session`.
pub(crate) fn may_signal(session: &str) -> String {
    format!(
        "coalesce(me.rolsuper or (not coalesce(t.rolsuper, {session}.usesysid is null) and (me.signals or \
         pg_has_role({session}.usesysid, 'USAGE'))) or ({session}.backend_type = 'autovacuum worker' and \
         me.signals_autovacuum), false)"
    )
}
/// Settings as this session got them.
pub(crate) const SETTINGS: &str = include_str!("sql/settings.sql");
/// Values stored for roles and databases.
pub(crate) const OVERRIDES: &str = include_str!("sql/overrides.sql");
/// The roles that can log in.
pub(crate) const LOGIN_ROLES: &str = include_str!("sql/login_roles.sql");
/// The role and database that a change of settings is for.
pub(crate) const GROUND: &str = include_str!("sql/ground.sql");
/// What ALTER SYSTEM has written.
pub(crate) const FILE_SETTINGS: &str = include_str!("sql/file_settings.sql");
/// Client sessions by database, role and application.
pub(crate) const SESSION_GROUPS: &str = include_str!("sql/session_groups.sql");
/// When this session read the configuration files.
pub(crate) const CONFIG_LOADED: &str = include_str!("sql/config_loaded.sql");

/// Returns `value` as an SQL string literal that reads the same under either setting of standard_conforming_strings;
/// NUL, which no server text can hold, is left out.
pub(crate) fn literal(value: &str) -> String {
    postgres_protocol::escape::escape_literal(&value.replace('\0', ""))
}

/// Returns `template` without its comments, with each `{name}` replaced by its value and `{utc:expression}` by the text
/// of that timestamp in RFC 3339, UTC, to the microsecond. Values are not looked into again.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    // The emergency lane of older servers takes no comment in front of a statement, and no server needs them.
    let mut text =
        template.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
    let template = std::mem::take(&mut text);
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, remainder) = after.split_once('}').unwrap_or((after, ""));
        if let Some(expression) = name.strip_prefix("utc:") {
            let _ =
                write!(text, "to_char({expression} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
        } else {
            let value = values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
            debug_assert!(value.is_some(), "no value for {{{name}}}");
            text.push_str(value.unwrap_or_default());
        }
        rest = remainder;
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_not_looked_into_again() {
        let text = fill(
            "-- a row\nselect {what}, {utc:now()} limit {limit}",
            &[("what", "'{limit}'"), ("limit", "3")],
        );
        assert!(text.starts_with("select '{limit}', to_char(now() at time zone 'UTC'"), "{text}");
        assert!(text.ends_with(" limit 3"), "{text}");
    }

    /// Reads a literal back as the server would, with standard_conforming_strings on.
    fn read_back(literal: &str) -> Option<String> {
        let (escaped, body) = match literal.trim_start() {
            text if text.starts_with("E'") => (true, text.strip_prefix("E'")?.strip_suffix('\'')?),
            text => (false, text.strip_prefix('\'')?.strip_suffix('\'')?),
        };
        let mut value = String::new();
        let mut characters = body.chars();
        while let Some(character) = characters.next() {
            match character {
                '\'' if characters.next() == Some('\'') => value.push('\''),
                '\\' if escaped && characters.next() == Some('\\') => value.push('\\'),
                '\'' => return None,
                '\\' if escaped => return None,
                other => value.push(other),
            }
        }
        Some(value)
    }

    proptest! {
        #[test]
        fn a_literal_is_one_literal_and_means_its_value(value in any::<String>()) {
            prop_assert_eq!(read_back(&literal(&value)), Some(value.replace('\0', "")));
        }
    }
}
