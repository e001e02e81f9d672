//! The questions that only look: what the server is, how its slots are used, which sessions there are.

use std::time::Duration;

use super::rows::{Row, Rows};
use super::{Db, Error, Kind, filter, sql};
use crate::model::filter::Filter;
use crate::model::server::{Limits, Me, Server, Surroundings};
use crate::model::session::Session;
use crate::model::usage::{
    ByApplication, ByBackendType, ByClient, ByDatabase, ByRole, ByState, Connections, Remainder, Rest, Usage,
};

/// Which sessions a look is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// What they must be like.
    pub(crate) filter: Filter,
    /// Server processes, walsenders and workers too.
    pub(crate) all_backends: bool,
}

/// The order of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Oldest transaction first, then longest in their state.
    Trouble,
    /// Longest statement or transaction first.
    Longest,
    /// Oldest session first.
    Age,
    /// Oldest transaction first.
    Xact,
    /// Longest statement first.
    Query,
    /// Longest in its state first.
    StateAge,
    /// By pid.
    Pid,
    /// By database name.
    Database,
    /// By role name.
    Role,
    /// By application name.
    Application,
    /// By client address.
    Client,
    /// By state.
    State,
}

/// How sessions are to be listed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// Which.
    pub(crate) selection: Selection,
    /// Only those with a statement or transaction at least that old.
    pub(crate) over: Option<Duration>,
    /// In which order.
    pub(crate) order: Order,
    /// How many at most.
    pub(crate) limit: Option<u32>,
    /// How many bytes of each query text; none for the whole, `Some(0)` for no text at all.
    pub(crate) query_bytes: Option<u32>,
}

impl Selection {
    /// The rows that can be meant at all: client sessions, and hidden ones that may be.
    fn scope(&self) -> &'static str {
        if self.all_backends {
            "true"
        } else {
            "(s.backend_type = 'client backend' or (s.hidden and s.datid is not null and s.usesysid is not null))"
        }
    }
}

impl Order {
    const fn sql(self) -> &'static str {
        match self {
            Self::Trouble => "f.hidden, coalesce(f.xact_start, f.state_change, f.backend_start) nulls last",
            Self::Longest => "greatest(f.xact_seconds, f.query_seconds) desc nulls last",
            Self::Age => "f.backend_start nulls last",
            Self::Xact => "f.xact_start nulls last",
            Self::Query => "f.query_seconds desc nulls last",
            Self::StateAge => "f.state_change nulls last",
            Self::Pid => "f.pid",
            Self::Database => "f.datname nulls last",
            Self::Role => "f.usename nulls last",
            Self::Application => "f.application_name",
            Self::Client => "f.client_addr nulls last, f.client",
            Self::State => "f.state nulls last",
        }
    }
}

impl Db {
    /// Counts sessions by state, application, database, role and client, in lists of at most `limit` groups.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn usage(
        &self,
        selection: &Selection,
        limit: u32,
    ) -> Result<(Surroundings, Usage), Error> {
        let question = sql::fill(
            sql::STATS,
            &[
                ("activity", &self.activity()),
                ("filter", &filter::fragment(&selection.filter)),
                ("scope", selection.scope()),
                ("limit", &limit.to_string()),
            ],
        );
        let [surroundings, groups] = self.look_around(question).await?;
        let surroundings = surroundings_of(&surroundings)?;
        let usage = usage_of(surroundings.limits, &groups)?;
        Ok((surroundings, usage))
    }

    /// Lists sessions.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn sessions(&self, listing: &Listing) -> Result<(Surroundings, Vec<Session>), Error> {
        let mut condition = filter::fragment(&listing.selection.filter);
        if let Some(over) = listing.over {
            condition = format!("({condition}) and {}", filter::long(over));
        }
        let query = match listing.query_bytes {
            None => "encode(textsend(f.query), 'hex') as query".to_owned(),
            Some(0) => "null as query".to_owned(),
            Some(bytes) => format!("encode(substring(textsend(f.query) from 1 for {bytes}), 'hex') as query"),
        };
        let question = sql::fill(
            sql::SESSIONS,
            &[
                ("activity", &self.activity()),
                ("filter", &condition),
                ("scope", listing.selection.scope()),
                ("query", &query),
                ("order", listing.order.sql()),
                ("limit", &listing.limit.map(|limit| format!("limit {limit}")).unwrap_or_default()),
            ],
        );
        let [surroundings, rows] = self.look_around(question).await?;
        let surroundings = surroundings_of(&surroundings)?;
        let sessions =
            rows.iter().map(|row| session_of(row, surroundings.query_size)).collect::<Result<_, _>>()?;
        Ok((surroundings, sessions))
    }

    /// The names of databases, roles and applications that a filter could have meant, by kind.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn names(&self) -> Result<Vec<(String, String)>, Error> {
        let answers = self.look(&[sql::fill(sql::NAMES, &[])]).await?;
        let mut names = Vec::new();
        for row in answers.into_iter().flatten() {
            names.push((row.word("kind")?.unwrap_or_default(), row.text("name")?.unwrap_or_default()));
        }
        Ok(names)
    }

    /// The activity view in the words of this server's version.
    fn activity(&self) -> String {
        let leader_pid = if self.version_num >= 130_000 { "v.leader_pid" } else { "null::int4" };
        let query_id = if self.version_num >= 140_000 { "v.query_id" } else { "null::int8" };
        sql::fill(sql::ACTIVITY, &[("leader_pid", leader_pid), ("query_id", query_id)])
    }

    /// Asks `question` together with what the server is.
    async fn look_around(&self, question: String) -> Result<[Rows; 2], Error> {
        let answers = self.look(&[sql::fill(sql::SURROUNDINGS, &[]), question]).await?;
        <[Rows; 2]>::try_from(answers).map_err(|_| Error::new(Kind::Protocol, "an answer is missing"))
    }
}

fn surroundings_of(rows: &Rows) -> Result<Surroundings, Error> {
    let row =
        rows.first().ok_or_else(|| Error::new(Kind::Protocol, "this login role does not exist any more"))?;
    let version_num: i32 = row.required("version_num")?;
    let product = row.text("version_text")?.unwrap_or_default();
    Ok(Surroundings {
        server: Server {
            version: version(version_num),
            version_num,
            in_recovery: row.claim("in_recovery")?,
            started_at: row.word("started_at")?.unwrap_or_default(),
        },
        product,
        uptime_seconds: row.required("uptime_seconds")?,
        limits: Limits {
            max_connections: row.required("max_connections")?,
            superuser_reserved: row.required("superuser_reserved")?,
            reserved: row.required("reserved")?,
        },
        me: Me {
            role: row.text("role")?.unwrap_or_default(),
            superuser: row.claim("superuser")?,
            sees_all: row.claim("sees_all")?,
            signals_others: row.claim("signals_others")?,
        },
        query_size: row.required("query_size")?,
    })
}

/// Returns `17.2` for 170002.
fn version(version_num: i32) -> String {
    format!("{}.{}", version_num / 10_000, version_num % 10_000)
}

fn usage_of(limits: Limits, groups: &Rows) -> Result<Usage, Error> {
    let totals = groups.first().ok_or_else(|| Error::new(Kind::Protocol, "the answer has no totals"))?;
    let mut usage = Usage {
        connections: Connections::new(limits, totals.required("used")?, totals.required("may_be_used")?),
        matched: 0,
        undecidable: totals.required("undecidable")?,
        by_state: Vec::new(),
        by_application: Vec::new(),
        by_database: Vec::new(),
        by_role: Vec::new(),
        by_client: Vec::new(),
        by_backend_type: Vec::new(),
        rest: Rest::default(),
    };
    for row in groups {
        let count = row.required("n")?;
        match row.word("dim")?.as_deref() {
            Some("total") => usage.matched = count,
            Some("state") => usage.by_state.push(ByState {
                state: row.text("name")?,
                count,
                oldest_state_seconds: row.age("oldest_state")?,
                hidden: row.claim("all_hidden")?,
            }),
            Some("application") => usage.by_application.push(application_of(row, count)?),
            Some("database") => usage.by_database.push(ByDatabase {
                database: row.text("name")?,
                count,
                connection_limit: row.number("connection_limit")?.filter(|limit| *limit >= 0),
            }),
            Some("role") => usage.by_role.push(ByRole {
                role: row.text("name")?,
                count,
                connection_limit: row.number("connection_limit")?,
            }),
            Some("client") => usage.by_client.push(ByClient { client: row.text("name")?, count }),
            Some("backend_type") => {
                usage.by_backend_type.push(ByBackendType { backend_type: row.text("name")?, count });
            }
            _ => {}
        }
    }
    usage.rest = rest_of(groups, &usage)?;
    Ok(usage)
}

fn application_of(row: &Row, count: i64) -> Result<ByApplication, Error> {
    let known = |column: &str| row.required::<i64>(column);
    let (active, idle, in_transaction) = (known("active")?, known("idle")?, known("idle_in_transaction")?);
    let (aborted, hidden) = (known("aborted")?, known("hidden")?);
    Ok(ByApplication {
        application_name: row.text("name")?.unwrap_or_default(),
        count,
        active,
        idle,
        idle_in_transaction: in_transaction,
        idle_in_transaction_aborted: aborted,
        hidden,
        other: count - active - idle - in_transaction - aborted - hidden,
        oldest_xact_seconds: row.age("oldest_xact")?,
    })
}

/// What each list leaves out: what there is less what is listed.
fn rest_of(groups: &Rows, usage: &Usage) -> Result<Rest, Error> {
    let mut rest = Rest::default();
    for row in groups {
        let dimension = row.word("dim")?;
        let (remainder, listed): (&mut Remainder, Vec<i64>) = match dimension.as_deref() {
            Some("application") => {
                (&mut rest.by_application, usage.by_application.iter().map(|group| group.count).collect())
            }
            Some("database") => {
                (&mut rest.by_database, usage.by_database.iter().map(|group| group.count).collect())
            }
            Some("role") => (&mut rest.by_role, usage.by_role.iter().map(|group| group.count).collect()),
            Some("client") => {
                (&mut rest.by_client, usage.by_client.iter().map(|group| group.count).collect())
            }
            _ => continue,
        };
        remainder.groups =
            row.required::<i64>("groups_in_dim")? - i64::try_from(listed.len()).unwrap_or(i64::MAX);
        remainder.count = row.required::<i64>("count_in_dim")? - listed.iter().sum::<i64>();
    }
    Ok(rest)
}

fn session_of(row: &Row, query_size: i64) -> Result<Session, Error> {
    let hidden = row.claim("hidden")?;
    let query = row.text("query")?.filter(|text| !hidden && !text.is_empty());
    // A multi-byte character that does not fit is left out whole, so the cut text can be some bytes shorter.
    let query_truncated =
        !hidden && row.number::<i64>("query_bytes")?.is_some_and(|bytes| bytes >= query_size - 4);
    Ok(Session {
        pid: row.required("pid")?,
        session_id: row.word("session_id")?,
        backend_start: row.word("backend_start")?,
        backend_type: row.word("backend_type")?,
        database: row.text("database")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        client_port: row.number("client_port")?,
        state: row.word("state")?,
        wait_event_type: row.word("wait_event_type")?,
        wait_event: row.word("wait_event")?,
        xact_start: row.word("xact_start")?,
        query_start: row.word("query_start")?,
        state_change: row.word("state_change")?,
        session_seconds: row.age("session_seconds")?,
        xact_seconds: row.age("xact_seconds")?,
        query_seconds: row.age("query_seconds")?,
        state_seconds: row.age("state_seconds")?,
        query,
        query_truncated,
        query_id: row.word("query_id")?,
        parallel_workers: row.required("parallel_workers")?,
        hidden,
        undecidable: row.claim("undecidable")?,
        can_signal: row.claim("can_signal")?,
    })
}
