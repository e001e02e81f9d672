//! Filters as one SQL fragment over the rows of `activity.sql` (alias `s`), which listing and signalling share.
//!
//! The fragment is true for sessions that are meant, false for others, and null when what decides is hidden from this
//! role. Database, role and application name are never hidden; everything else is when `s.hidden`.

use std::time::Duration;

use super::sql::literal;
use crate::model::filter::{ClientFilter, Filter, Name, StateFilter, Term};
use crate::model::session::Named;

/// Returns the fragment for `filter`; `true` when it is empty.
pub(crate) fn fragment(filter: &Filter) -> String {
    let mut parts = Vec::new();
    if !filter.named.is_empty() {
        parts.push(named(&filter.named));
    }
    parts.extend(any_of(&filter.databases, |name| visible(&database_is(name))));
    parts.extend(any_of(&filter.roles, |name| visible(&role_is(name))));
    parts.extend(any_of(&filter.applications, |name| visible(&name_is("s.application_name", name))));
    parts.extend(any_of(&filter.clients, |client| hideable(&client_is(client))));
    parts.extend(any_of(&filter.states, |state| hideable(&state_is(*state))));
    // Matching the empty text is done by the planner: a bad pattern is an error even where there is no session.
    parts.extend(any_of(&filter.queries, |pattern| {
        let pattern = literal(pattern);
        hideable(&format!("'' ~ {pattern} is not null and s.query ~ {pattern}"))
    }));
    let at_least =
        |since: &str, limit: Duration| format!("clock_timestamp() - s.{since} >= {}", interval(limit));
    parts.extend(filter.idle_for.map(|limit| {
        let idle = "s.state in ('idle', 'idle in transaction', 'idle in transaction (aborted)')";
        hideable(&format!("{idle} and {}", at_least("state_change", limit)))
    }));
    parts.extend(filter.xact_for.map(|limit| hideable(&at_least("xact_start", limit))));
    parts.extend(filter.query_for.map(|limit| hideable(&query_for(limit))));
    if parts.is_empty() { "true".into() } else { parts.join(" and ") }
}

/// Returns the fragment for `long`: a statement or a transaction at least that old.
pub(crate) fn long(limit: Duration) -> String {
    hideable(&format!("(clock_timestamp() - s.xact_start >= {} or {})", interval(limit), query_for(limit)))
}

/// Returns the fragment for prepared transactions (alias `p`): of them only the database and the owner can be selected.
pub(crate) fn of_prepared(filter: &Filter) -> String {
    let database = any_of(&filter.databases, |name| name_is("p.database::text", name));
    let owner = any_of(&filter.roles, |name| name_is("p.owner::text", name));
    let parts: Vec<String> = database.into_iter().chain(owner).collect();
    if parts.is_empty() { "true".into() } else { parts.join(" and ") }
}

/// True for the processes that are named; of one that is hidden it is not known whether it has a session id.
fn named(named: &[Named]) -> String {
    let one = |named: &Named| match named.started {
        None => format!("s.pid = {}", named.pid),
        Some(started) => {
            let same = format!("floor(extract(epoch from s.backend_start))::int8 = {started}");
            format!("(s.pid = {} and {})", named.pid, hideable(&same))
        }
    };
    let any: Vec<String> = named.iter().map(one).collect();
    format!("({})", any.join(" or "))
}

fn query_for(limit: Duration) -> String {
    format!("(clock_timestamp() - s.work_start >= {})", interval(limit))
}

fn any_of<T>(terms: &[Term<T>], condition: impl Fn(&T) -> String) -> Option<String> {
    let joined = |exclude: bool| {
        let conditions: Vec<String> =
            terms.iter().filter(|term| term.exclude == exclude).map(|term| condition(&term.value)).collect();
        (!conditions.is_empty()).then(|| format!("({})", conditions.join(" or ")))
    };
    match (joined(false), joined(true)) {
        (None, None) => None,
        (Some(one), None) => Some(one),
        (None, Some(none)) => Some(format!("(not {none})")),
        (Some(one), Some(none)) => Some(format!("({one} and not {none})")),
    }
}

fn visible(condition: &str) -> String {
    format!("coalesce({condition}, false)")
}

fn hideable(condition: &str) -> String {
    format!("(case when s.hidden then null else coalesce({condition}, false) end)")
}

fn database_is(name: &Name) -> String {
    format!("s.datid in (select oid from pg_database where {})", name_is("datname::text", name))
}

fn role_is(name: &Name) -> String {
    // A session outlives its role: of one that was dropped there is no name, and every name is meant.
    if name.fits_everything() {
        return "s.usesysid is not null".to_owned();
    }
    format!("s.usesysid in (select oid from pg_roles where {})", name_is("rolname::text", name))
}

fn name_is(column: &str, name: &Name) -> String {
    match name {
        Name::Exact(name) => format!("{column} = {}", literal(name)),
        Name::Glob(pieces) => {
            let escaped: Vec<String> = pieces
                .iter()
                .map(|piece| piece.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"))
                .collect();
            format!("{column} like {}", literal(&escaped.join("%")))
        }
    }
}

fn client_is(client: &ClientFilter) -> String {
    match client {
        ClientFilter::Local => "s.client = 'local'".into(),
        ClientFilter::Network(address, bits) => format!("s.client_addr <<= '{address}/{bits}'::inet"),
        ClientFilter::Peer(peer) => {
            format!("(s.client_addr = '{}'::inet and s.client_port = {})", peer.ip(), peer.port())
        }
    }
}

fn state_is(state: StateFilter) -> String {
    match state {
        StateFilter::Verbatim(word) => format!("s.state = {}", literal(word)),
        StateFilter::IdleInTransaction => {
            "s.state in ('idle in transaction', 'idle in transaction (aborted)')".into()
        }
        StateFilter::Waiting => "s.wait_event_type = 'Lock'".into(),
    }
}

/// In two units, because up to 14 the number before a unit must fit into 32 bits; no days, which are not always 24 hours.
fn interval(duration: Duration) -> String {
    let (hours, seconds) = (duration.as_secs() / 3600, duration.as_secs() % 3600);
    format!("interval '{hours} hours {seconds}.{:06} seconds'", duration.subsec_micros())
}

#[cfg(test)]
mod tests;
