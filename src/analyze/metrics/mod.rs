//! Metrics of pgconn's own: from one look to families of numbers, with a bound on how many series a name can make.

pub(crate) mod compat;
mod families;
mod lasting;
pub(crate) mod pgbouncer_exporter;
pub(crate) mod pooler;
mod timeouts;

use std::collections::BTreeMap;

use crate::model::health::{HealthFacts, Question};
use crate::model::metric::{DatabaseCounters, Family, HIDDEN, MetricType, Sample};
use crate::model::order;
use crate::model::server::{LoginRole, ServerContext};
use crate::model::settings::ServerSettings;
use crate::model::usage::{Owner, Tally};
use families::{ByState, Families, distinct, number, sample};

/// The states of client sessions, which are counted also when no session is in them.
const STATES: [&str; 6] = [
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
];

/// Everything that is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scrape<'a> {
    /// The server and its settings.
    pub(crate) server_context: &'a ServerContext,
    /// What `check` judges.
    pub(crate) facts: &'a HealthFacts,
    /// Sessions by all that they are counted by.
    pub(crate) tallies: &'a [Tally],
    /// Counters, databases with most sessions first.
    pub(crate) databases: &'a [DatabaseCounters],
    /// The timeouts, and where they are set.
    pub(crate) settings: &'a ServerSettings,
    /// Who can log in.
    pub(crate) login_roles: &'a [LoginRole],
    /// How long ago the last two were read, in seconds.
    pub(crate) settings_age_seconds: f64,
    /// How long connecting and looking took, in seconds.
    pub(crate) seconds: f64,
}

/// What can be said of a server that did not answer.
pub(crate) fn down(place: Option<&str>) -> Vec<Family> {
    Families::begun(0, None).finished(place)
}

/// The families of one look, each sample labelled with the server's `place`; a family that depends on names has at most
/// `most` series.
pub(crate) fn families(scrape: &Scrape<'_>, place: &str, most: usize) -> Vec<Family> {
    let mut families = Families::begun(most, Some(scrape.seconds));
    let facts = scrape.facts;
    let is_read = |question| facts.why_unread(question).is_none();
    server(&mut families, scrape.server_context);
    unread(&mut families, facts);
    if is_read(Question::Slots) {
        slots(&mut families, facts);
    }
    if is_read(Question::Tallies) {
        sessions(&mut families, scrape.tallies);
    }
    lasting::lasting(&mut families, facts);
    if [Question::Settings, Question::Overrides, Question::LoginRoles].into_iter().all(is_read) {
        timeouts::timeouts(&mut families, scrape.settings, scrape.login_roles);
        families.gauge(
            "pgconn_settings_age_seconds",
            "Time since the settings, the roles and their limits, and what pgconn's own role may do, were read; serve reads them once a \
             minute.",
            Some(scrape.settings_age_seconds),
        );
    }
    counters(&mut families, scrape.databases);
    families.finished(Some(place))
}

fn server(families: &mut Families, server_context: &ServerContext) {
    families.add(
        MetricType::Gauge,
        "pgconn_server_info",
        "Always 1; the version of the server.",
        vec![sample(&[("version", &server_context.server.version)], 1.0)],
    );
    families.gauge(
        "pgconn_server_in_recovery",
        "Whether the server is a standby (1) or not (0).",
        Some(f64::from(u8::from(server_context.server.in_recovery))),
    );
    families.gauge(
        "pgconn_server_uptime_seconds",
        "Time since the server started.",
        Some(server_context.uptime_seconds),
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn slots(families: &mut Families, facts: &HealthFacts) {
    let slots = &facts.connections;
    let gauges: [(&'static str, &'static str, i64); 7] = [
        ("pgconn_connections_used", "Client sessions that can be seen, pgconn's own included.", slots.used),
        (
            "pgconn_connections_hidden",
            "Sessions that may be clients and are hidden from this role.",
            slots.hidden,
        ),
        (
            "pgconn_connections_logging_in",
            "Slots that logins under way have, which no list of sessions shows.",
            facts.logging_in,
        ),
        ("pgconn_connections_usable", "Connection slots for ordinary roles.", slots.usable),
        ("pgconn_connections_max", "The setting max_connections.", slots.max_connections),
        (
            "pgconn_connections_superuser_reserved",
            "The setting superuser_reserved_connections.",
            slots.superuser_reserved_connections,
        ),
        (
            "pgconn_connections_reserved",
            "The setting reserved_connections, with what a managed service keeps for itself.",
            slots.reserved_connections,
        ),
    ];
    for (name, help, value) in gauges {
        families.gauge(name, help, Some(value as f64));
    }
    for (owner, label, used, limit) in [
        (Owner::Role, "role", "pgconn_role_connections_used", "pgconn_role_connections_limit"),
        (
            Owner::Database,
            "database",
            "pgconn_database_connections_used",
            "pgconn_database_connections_limit",
        ),
    ] {
        let mut limits: Vec<_> = facts.limits.iter().filter(|limit| limit.owner == owner).collect();
        order::sort_by_key(&mut limits, |limit| (-limit.used, &limit.name));
        let with = |value: fn(&&crate::model::usage::LimitUse) -> i64| {
            distinct(limits.iter().map(|limit| sample(&[(label, &limit.name)], value(limit) as f64)))
        };
        families.bounded(
            MetricType::Gauge,
            used,
            "Client sessions that count against a CONNECTION LIMIT.",
            with(|limit| limit.used),
        );
        families.bounded(
            MetricType::Gauge,
            limit,
            "The CONNECTION LIMIT, where there is one.",
            with(|limit| limit.limit),
        );
    }
}

fn sessions(families: &mut Families, tallies: &[Tally]) {
    let mut states: BTreeMap<&str, f64> = STATES.into_iter().map(|state| (state, 0.0)).collect();
    let (mut applications, mut databases, mut roles, mut clients) =
        (ByState::new(), ByState::new(), ByState::new(), ByState::new());
    for tally in tallies.iter().filter(|tally| !tally.own) {
        #[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
        let count = tally.count as f64;
        let state = match &tally.state {
            _ if tally.hidden => HIDDEN,
            Some(state) => state,
            None => "none",
        };
        *states.entry(state).or_default() += count;
        for (groups, name) in [
            (&mut applications, tally.application_name.as_str()),
            (&mut databases, tally.database.as_deref().unwrap_or_default()),
            (&mut roles, tally.role.as_deref().unwrap_or_default()),
            (&mut clients, if tally.hidden { HIDDEN } else { tally.client.as_deref().unwrap_or_default() }),
        ] {
            *groups.entry(name).or_default().entry(state).or_default() += count;
        }
    }
    let samples = states.into_iter().map(|(state, count)| sample(&[("state", state)], count)).collect();
    families.add(
        MetricType::Gauge,
        "pgconn_sessions",
        "Client sessions by state, pgconn's own left out.",
        samples,
    );
    families.by(
        "pgconn_sessions_by_application",
        "Client sessions by application_name and state.",
        "application_name",
        applications,
    );
    families.by(
        "pgconn_sessions_by_database",
        "Client sessions by database and state.",
        "database",
        databases,
    );
    families.by("pgconn_sessions_by_role", "Client sessions by login role and state.", "role", roles);
    families.by(
        "pgconn_sessions_by_client",
        "Client sessions by client address and state.",
        "client",
        clients,
    );
}

/// What could not be asked: its families are absent, and a zero would be a lie.
fn unread(families: &mut Families, facts: &HealthFacts) {
    let samples: Vec<Sample> =
        facts.unread.iter().map(|unread| sample(&[("question", unread.question.word())], 1.0)).collect();
    families.gauge(
        "pgconn_look_errors",
        "Questions that the server refused this role; what they are about is absent.",
        Some(number(samples.len())),
    );
    families.add(MetricType::Gauge, "pgconn_look_refused", "Always 1; a question that was refused.", samples);
}

fn counters(families: &mut Families, databases: &[DatabaseCounters]) {
    type Of = fn(&DatabaseCounters) -> Option<f64>;
    let counters: [(&'static str, &'static str, Of); 7] = [
        ("pgconn_sessions_established_total", "Sessions established.", |row| row.sessions),
        ("pgconn_sessions_abandoned_total", "Sessions whose client vanished.", |row| row.abandoned),
        ("pgconn_sessions_fatal_total", "Sessions that a fatal error or a timeout ended.", |row| row.fatal),
        ("pgconn_sessions_killed_total", "Sessions that an administrator ended.", |row| row.killed),
        (
            "pgconn_session_time_seconds_total",
            "Time in sessions, counted when a statement or the session ends.",
            |row| row.session_seconds,
        ),
        ("pgconn_session_active_seconds_total", "Time in running statements.", |row| row.active_seconds),
        ("pgconn_session_idle_in_transaction_seconds_total", "Time idle in a transaction.", |row| {
            row.idle_in_transaction_seconds
        }),
    ];
    for (name, help, of) in counters {
        let samples =
            databases.iter().filter_map(|row| Some(sample(&[("database", &row.database)], of(row)?)));
        let samples = distinct(samples);
        if !samples.is_empty() {
            families.bounded(MetricType::Counter, name, help, samples);
        }
    }
}

#[cfg(test)]
mod tests;
