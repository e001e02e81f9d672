//! Metrics of pgconn's own: from one look to families of numbers, with a bound on how many series a name can make.

pub(crate) mod compat;
mod lasting;
pub(crate) mod pgbouncer_exporter;
pub(crate) mod pooler;
mod timeouts;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::health::{HealthFacts, Question};
use crate::model::metric::{DatabaseCounters, Family, HIDDEN, MetricType, Sample};
use crate::model::order;
use crate::model::server::{LoginRole, ServerContext};
use crate::model::settings::ServerSettings;
use crate::model::usage::{Owner, Tally};

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

/// Families under construction, and what did not get in.
struct Families {
    most: usize,
    made: Vec<Family>,
    omitted_series: Vec<Sample>,
    omitted_sessions: Vec<Sample>,
}

impl Families {
    /// With what is said of every look: whether there was an answer, after so many `seconds`.
    fn begun(most: usize, seconds: Option<f64>) -> Self {
        let mut families =
            Self { most, made: Vec::new(), omitted_series: Vec::new(), omitted_sessions: Vec::new() };
        families.gauge(
            "pgconn_up",
            "Whether the server let pgconn in and answered (1) or not (0).",
            Some(f64::from(u8::from(seconds.is_some()))),
        );
        families.add(
            MetricType::Gauge,
            "pgconn_build_info",
            "Always 1; the version of pgconn that looked.",
            vec![sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        );
        families.gauge(
            "pgconn_scrape_duration_seconds",
            "Time that connecting, logging in and looking took.",
            seconds,
        );
        families
    }

    /// All of them, with what did not get in; each sample is labelled with the server's `place`.
    fn finished(mut self, place: Option<&str>) -> Vec<Family> {
        let (series, sessions) =
            (std::mem::take(&mut self.omitted_series), std::mem::take(&mut self.omitted_sessions));
        self.add(
            MetricType::Gauge,
            "pgconn_omitted_series",
            "Series of a family that --max-series left out.",
            series,
        );
        self.add(
            MetricType::Gauge,
            "pgconn_omitted_sessions",
            "Sessions in the series of a family that --max-series left out.",
            sessions,
        );
        labelled(self.made, place)
    }

    fn gauge(&mut self, name: &'static str, help: &'static str, value: Option<f64>) {
        let samples = value.map(|value| sample(&[], value)).into_iter().collect();
        self.add(MetricType::Gauge, name, help, samples);
    }

    fn add(&mut self, kind: MetricType, name: &'static str, help: &'static str, samples: Vec<Sample>) {
        if !samples.is_empty() {
            self.made.push(Family { name, kind, help, samples });
        }
    }

    /// Keeps the first series, as many as there may be, and counts the others.
    fn bounded(
        &mut self,
        kind: MetricType,
        name: &'static str,
        help: &'static str,
        mut samples: Vec<Sample>,
    ) {
        let left_out = samples.split_off(self.most.min(samples.len()));
        self.omit(name, left_out.len());
        self.add(kind, name, help, samples);
    }

    /// Sessions by the values of one label and their state: whole values, those with most sessions first.
    fn by(&mut self, name: &'static str, help: &'static str, label: &'static str, groups: ByState<'_>) {
        let mut groups: Vec<(&str, BTreeMap<&str, f64>)> = groups.into_iter().collect();
        order::sort_by(&mut groups, |(left_name, left), (right_name, right)| {
            let sum = |states: &BTreeMap<&str, f64>| states.values().sum::<f64>();
            sum(right).total_cmp(&sum(left)).then_with(|| left_name.cmp(right_name))
        });
        let (mut samples, mut left_out, mut sessions) = (Vec::new(), 0, 0.0);
        let mut words: BTreeMap<&str, Arc<str>> = BTreeMap::new();
        for (value, states) in groups {
            if samples.len() + states.len() > self.most || left_out > 0 {
                left_out += states.len();
                sessions += states.values().sum::<f64>();
                continue;
            }
            let value: Arc<str> = value.into();
            for (state, count) in states {
                let state = words.entry(state).or_insert_with(|| state.into());
                let labels = [(label, Arc::clone(&value)), ("state", Arc::clone(state))].into();
                samples.push(Sample { labels, value: Some(count) });
            }
        }
        self.omit(name, left_out);
        self.omitted_sessions.push(sample(&[("family", name)], sessions));
        self.add(MetricType::Gauge, name, help, samples);
    }

    fn omit(&mut self, family: &'static str, series: usize) {
        self.omitted_series.push(sample(&[("family", family)], number(series)));
    }
}

/// Sessions by name and state. Names that only differed in bytes that are not UTF-8 are one here, and their sum is right.
type ByState<'a> = BTreeMap<&'a str, BTreeMap<&'a str, f64>>;

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

/// The samples without those whose labels an earlier one has: names can differ in bytes that are not UTF-8.
fn distinct(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let mut seen = std::collections::BTreeSet::new();
    samples.filter(|sample| seen.insert(sample.labels.clone())).collect()
}

fn sample(labels: &[(&'static str, &str)], value: f64) -> Sample {
    Sample { labels: labels.iter().copied().collect(), value: Some(value) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of series are far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

/// The families with the server's place in each sample, so that several servers' files can lie side by side.
fn labelled(mut families: Vec<Family>, place: Option<&str>) -> Vec<Family> {
    if let Some(place) = place {
        let place: Arc<str> = place.into();
        for sample in families.iter_mut().flat_map(|family| &mut family.samples) {
            sample.labels.insert("server", Arc::clone(&place));
        }
    }
    families
}

#[cfg(test)]
mod tests;
