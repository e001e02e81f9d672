//! What `ping` found, and how it is shown.

use std::time::Duration;

use serde::Serialize;

use crate::conninfo::secrets;
use crate::db::{self, ErrorKind};
use crate::exit::Exit;
use crate::model::server::Target;
use crate::render::columns::{Column, Value};
use crate::render::json::List;
use crate::render::table::{Align, Block, LEAST, Mark, Table};
use crate::render::{Head, Headline, Report, text, tsv};

/// What a server said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Status"))]
pub(crate) enum PingStatus {
    /// It let this role in and answered.
    Accepting,
    /// It answered, and did not let this role in.
    Refused,
    /// There was no answer.
    NoAnswer,
}

impl PingStatus {
    fn of(error: &db::Error) -> Self {
        match error.kind {
            ErrorKind::Refused
            | ErrorKind::Dns
            | ErrorKind::Timeout
            | ErrorKind::NotPostgres
            | ErrorKind::ConnectionLost
                if error.sqlstate.is_none() =>
            {
                Self::NoAnswer
            }
            _ => Self::Refused,
        }
    }

    /// How a run that ends with it ends.
    pub(super) const fn exit(self) -> Exit {
        Exit::Code(match self {
            Self::Accepting => 0,
            Self::Refused => 1,
            Self::NoAnswer => 2,
        })
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Accepting => "accepting connections",
            Self::Refused => "refused",
            Self::NoAnswer => "no answer",
        }
    }
}

/// One address that was tried.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Attempt"))]
pub(crate) struct TriedAddress {
    /// Address and port, or the socket's path.
    address: String,
    /// Looking the host name up; null for a socket.
    dns_seconds: Option<f64>,
    /// Until the socket was connected, and until the server had declined TLS when it was asked.
    tcp_seconds: Option<f64>,
    /// Asking for TLS and the handshake; null without TLS.
    tls_seconds: Option<f64>,
    /// From the startup packet to the end of the login.
    auth_seconds: Option<f64>,
    /// The first query.
    query_seconds: Option<f64>,
    /// All of it together; null when it failed.
    total_seconds: Option<f64>,
    /// Why it failed.
    error: Option<String>,
    /// The stable word for why it failed, one of those that errors have, such as `auth_failed`.
    code: Option<&'static str>,
    /// Whose limit is exhausted, when the code is `too_many_connections`: `server`, `reserved`, `role`, `database` or `pooler`.
    scope: Option<&'static str>,
}

/// One host of several.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PingedHost"))]
pub(crate) struct PingedHost {
    /// The host as the settings name it, and its port.
    host: String,
    /// `primary` or `standby`; null when it did not say.
    role: Option<&'static str>,
    /// Whether it lets this role in.
    status: PingStatus,
    /// Why not.
    error: Option<String>,
}

impl PingedHost {
    fn of(found: &db::HostFound) -> Self {
        Self {
            host: found.place.clone(),
            role: found.is_standby.map(|is_standby| if is_standby { "standby" } else { "primary" }),
            status: found.error.as_ref().map_or(PingStatus::Accepting, PingStatus::of),
            error: found.error.as_ref().map(|error| secrets(&error.message)),
        }
    }
}

/// What was counted so far, over all connections.
#[derive(Debug, Default)]
pub(super) struct Counted {
    tried: u32,
    /// Of each that came about.
    totals: Vec<f64>,
}

/// How long the connections took that came about.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Summary {
    /// Connections tried.
    count: u32,
    /// Connections that came about.
    accepted: u32,
    /// The fastest.
    min_seconds: Option<f64>,
    /// The middle one.
    median_seconds: Option<f64>,
    /// The slowest.
    max_seconds: Option<f64>,
}

/// The answer of `ping`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Pings {
    /// What the last connection came to.
    pub(super) status: PingStatus,
    /// Every address that was tried, in order; with --watch those of this turn.
    attempts: Vec<TriedAddress>,
    /// Every host, where the settings name several: what it is, whichever of them was wanted; of the last connection.
    hosts: Vec<PingedHost>,
    /// Over all connections; with --watch over those of earlier turns, too.
    summary: Summary,
    /// Where it was, for the line that people read.
    #[serde(skip)]
    place: String,
    /// What helps against the last failure.
    hint: Option<String>,
}

impl Pings {
    /// Nothing tried yet; `place` is where it is going to be.
    pub(super) fn new(place: String) -> Self {
        let summary =
            Summary { count: 0, accepted: 0, min_seconds: None, median_seconds: None, max_seconds: None };
        Self {
            status: PingStatus::NoAnswer,
            attempts: Vec::new(),
            hosts: Vec::new(),
            summary,
            place,
            hint: None,
        }
    }

    /// Adds one connection.
    pub(super) fn take(&mut self, ping: &db::Ping, counted: &mut Counted) {
        counted.tried += 1;
        let last = ping.attempts.len().saturating_sub(1);
        for (at, attempt) in ping.attempts.iter().enumerate() {
            let query = ping.query.filter(|_| at == last);
            self.attempts.push(TriedAddress::of(attempt, query));
        }
        self.hosts = ping.hosts.iter().map(PingedHost::of).collect();
        match &ping.outcome {
            Ok(reached) => {
                self.status = PingStatus::Accepting;
                self.place = Target::place(&reached.target);
                self.hint = None;
                counted.totals.extend(self.attempts.last().and_then(|attempt| attempt.total_seconds));
            }
            Err(error) => {
                self.status = PingStatus::of(error);
                self.hint = error.hint.as_ref().map(ToString::to_string);
            }
        }
    }

    /// Adds the figures over all connections.
    pub(super) fn sum_up(&mut self, counted: &Counted) {
        let mut totals = counted.totals.clone();
        totals.sort_by(f64::total_cmp);
        let middle = totals.len() / 2;
        let upper = totals.get(middle).copied();
        let lower = middle.checked_sub(1).and_then(|below| totals.get(below)).copied();
        self.summary = Summary {
            count: counted.tried,
            accepted: u32::try_from(totals.len()).unwrap_or(u32::MAX),
            min_seconds: totals.first().copied(),
            median_seconds: if totals.len() % 2 == 1 {
                upper
            } else {
                lower.zip(upper).map(|(low, high)| f64::midpoint(low, high))
            },
            max_seconds: totals.last().copied(),
        };
    }
}

impl TriedAddress {
    fn of(attempt: &db::Attempt, query: Option<Duration>) -> Self {
        let seconds = |phase: Option<Duration>| phase.map(|phase| phase.as_secs_f64());
        let phases = attempt.phases;
        let all = [phases.dns, phases.tcp, phases.tls, phases.auth, query];
        Self {
            address: attempt.address.clone(),
            dns_seconds: seconds(phases.dns),
            tcp_seconds: seconds(phases.tcp),
            tls_seconds: seconds(phases.tls),
            auth_seconds: seconds(phases.auth),
            query_seconds: seconds(query),
            total_seconds: query.map(|_| all.iter().flatten().sum::<Duration>().as_secs_f64()),
            error: attempt.error.as_ref().map(|error| secrets(&error.message)),
            code: attempt.error.as_ref().map(|error| error.kind.code()),
            scope: attempt.error.as_ref().and_then(|error| error.kind.scope()).map(db::LimitScope::word),
        }
    }
}

impl Report for Pings {
    fn kind(&self) -> &'static str {
        "ping"
    }

    fn lists(&self) -> Vec<List<'_>> {
        vec![List::new("attempts", &self.attempts), List::new("hosts", &self.hosts)]
    }

    fn headline(&self) -> Headline {
        let mark = if self.status == PingStatus::Accepting { Mark::Good } else { Mark::Bad };
        let total = self.attempts.iter().rev().find_map(|attempt| attempt.total_seconds);
        let took = total.map(|seconds| format!(" in {}", text::duration(seconds))).unwrap_or_default();
        Headline { mark, text: format!("{}{took}", self.status.words()) }
    }

    fn blocks(&self, _: &Head) -> Vec<Block<'_>> {
        let mark = if self.status == PingStatus::Accepting { Mark::Good } else { Mark::Bad };
        let is_bad = |attempt: &TriedAddress| if attempt.error.is_some() { Mark::Bad } else { Mark::Plain };
        // Where it was and why it failed are to be read.
        let table = Table::of(COLUMNS, &self.attempts, is_bad)
            .sparing(&["DNS", "TLS", "AUTH", "QUERY", "TCP"])
            .keeping(&["ADDRESS"], LEAST);
        let mut blocks = vec![
            Block::marked(mark, format!("{} - {}", self.place, self.status.words())),
            Block::Table(table),
        ];
        if !self.hosts.is_empty() {
            let mark = |host: &PingedHost| if host.error.is_some() { Mark::Bad } else { Mark::Plain };
            blocks.extend([Block::Gap, Block::Table(Table::of(HOSTS, &self.hosts, mark))]);
        }
        let summary = &self.summary;
        if let (true, Some(min), Some(median), Some(max)) =
            (summary.count > 1, summary.min_seconds, summary.median_seconds, summary.max_seconds)
        {
            blocks.push(Block::line(format!(
                "{} of {} accepted, min {}, median {}, max {}",
                summary.accepted,
                summary.count,
                text::brief(min),
                text::brief(median),
                text::brief(max)
            )));
        }
        if let Some(hint) = &self.hint {
            blocks.push(Block::line(format!("next: {hint}")));
        }
        blocks
    }

    fn tsv(&self) -> tsv::Rows<'_> {
        tsv::Rows::of(COLUMNS, &self.attempts)
    }
}

/// What people read of each of several hosts.
const HOSTS: &[Column<PingedHost>] = &[
    Column::table("HOST", Align::Left, |host| (&host.host).into()),
    Column::table("ROLE", Align::Left, |host| host.role.into()),
    Column::table("STATE", Align::Left, |host| host.status.words().into()),
    Column::table("ERROR", Align::Left, |host| host.error.as_ref().into()),
];

/// What is told of each address.
const COLUMNS: &[Column<TriedAddress>] = &[
    Column::new("ADDRESS", Align::Left, "address", |attempt| (&attempt.address).into()),
    Column::worded(
        "DNS",
        Align::Right,
        |attempt| brief(attempt.dns_seconds),
        "dns_seconds",
        |attempt| attempt.dns_seconds.into(),
    ),
    Column::worded(
        "TCP",
        Align::Right,
        |attempt| brief(attempt.tcp_seconds),
        "tcp_seconds",
        |attempt| attempt.tcp_seconds.into(),
    ),
    Column::worded(
        "TLS",
        Align::Right,
        |attempt| brief(attempt.tls_seconds),
        "tls_seconds",
        |attempt| attempt.tls_seconds.into(),
    ),
    Column::worded(
        "AUTH",
        Align::Right,
        |attempt| brief(attempt.auth_seconds),
        "auth_seconds",
        |attempt| attempt.auth_seconds.into(),
    ),
    Column::worded(
        "QUERY",
        Align::Right,
        |attempt| brief(attempt.query_seconds),
        "query_seconds",
        |attempt| attempt.query_seconds.into(),
    ),
    Column::worded(
        "TOTAL",
        Align::Right,
        |attempt| brief(attempt.total_seconds),
        "total_seconds",
        |attempt| attempt.total_seconds.into(),
    ),
    Column::new("ERROR", Align::Left, "error", |attempt| attempt.error.as_ref().into()),
    Column::script("code", |attempt| attempt.code.into()),
    Column::script("scope", |attempt| attempt.scope.into()),
];

fn brief(seconds: Option<f64>) -> Value<'static> {
    seconds.map(text::brief).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_called_as_in_json() {
        assert_eq!(crate::render::columns::only_in_tsv(COLUMNS), [""; 0]);
    }

    fn pings(totals: &[f64]) -> Summary {
        let mut pings = Pings::new(String::new());
        pings.sum_up(&Counted { tried: 0, totals: totals.to_vec() });
        pings.summary
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middle_ones() {
        assert_eq!(pings(&[]).median_seconds, None);
        assert_eq!(pings(&[3.0, 1.0, 2.0]).median_seconds, Some(2.0));
        let even = pings(&[4.0, 1.0, 2.0, 3.0]);
        assert_eq!(
            (even.min_seconds, even.median_seconds, even.max_seconds),
            (Some(1.0), Some(2.5), Some(4.0))
        );
    }

    #[test]
    fn what_the_server_said_decides_refused_or_no_answer() {
        for (kind, sqlstate, status) in [
            (ErrorKind::Refused, None, PingStatus::NoAnswer),
            (ErrorKind::Timeout, None, PingStatus::NoAnswer),
            (ErrorKind::NotPostgres, None, PingStatus::NoAnswer),
            (ErrorKind::StartingUp, Some("57P03"), PingStatus::Refused),
            (ErrorKind::AuthFailed, None, PingStatus::Refused),
            (ErrorKind::Tls, None, PingStatus::Refused),
        ] {
            let error = db::Error { sqlstate: sqlstate.map(str::to_owned), ..db::Error::new(kind, "") };
            assert_eq!(PingStatus::of(&error), status, "{kind:?}");
        }
    }
}
