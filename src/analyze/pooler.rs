//! What a pooler's figures mean: how much of each limit is in use, which one is reached first, how much work it does.

mod selection;
pub(crate) mod several;

use serde::Serialize;

use crate::model::order;
use crate::model::pooler::{Database, Link, Pool, PoolerFacts, Totals};
use crate::model::session::Session;
pub(crate) use selection::{Names, PoolerSelection};

/// A pool with what is left in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PoolUse {
    /// The pool.
    #[serde(flatten)]
    pub(crate) pool: Pool,
    /// Connections at work, as a share of `pool_size`; above 1 the reserve is in use.
    pub(crate) used_ratio: Option<f64>,
    /// Whether its clients are kept waiting on purpose (PAUSE).
    pub(crate) paused: Option<bool>,
    /// Whether new clients of its database are refused on purpose (DISABLE).
    pub(crate) disabled: Option<bool>,
    /// The limit on connections to the server that this pool reaches first when it gets busier; null without one.
    pub(crate) first_limit: Option<PoolerLimit>,
}

/// A pool that has room and yet keeps clients waiting: the server does not let the pooler in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolRefused {
    /// Its connections at work.
    pub(crate) used: i64,
    /// The most it may have.
    pub(crate) size: i64,
}

/// A login is over by then.
const LOGIN_SECONDS: f64 = 1.0;

impl PoolUse {
    /// The limit that its clients wait at. With a reserve that is not open yet (`reserve_pool_timeout`), it is the pool's size.
    pub(crate) fn used_up(&self) -> Option<PoolerLimit> {
        let is_used_up = |limit: &PoolerLimit| limit.used >= limit.limit;
        let size = || Some(PoolerLimit::new("pool_size", busy(&self.pool), self.pool.pool_size?));
        self.first_limit.clone().filter(is_used_up).or_else(|| size().filter(is_used_up))
    }

    /// Whether its clients wait although it has room, for longer than a login to the server takes.
    pub(crate) fn refused(&self) -> Option<PoolRefused> {
        let (used, size) = (busy(&self.pool), self.pool.pool_size?);
        let waits = self.pool.clients_waiting? > 0 && self.pool.max_wait_seconds? >= LOGIN_SECONDS;
        let is_full = self.first_limit.as_ref().is_some_and(|limit| limit.used >= limit.limit);
        (waits && used < size && !is_full && self.paused != Some(true)).then_some(PoolRefused { used, size })
    }
}

/// A limit and what is used of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Limit"))]
pub(crate) struct PoolerLimit {
    /// The setting.
    pub(crate) name: &'static str,
    /// The database that it belongs to; null for a limit of a user or of the whole pooler.
    pub(crate) database: Option<String>,
    /// The user that it belongs to.
    pub(crate) user: Option<String>,
    /// Connections at work for limits on connections to the server, clients for limits on clients.
    pub(crate) used: i64,
    /// The most there can be.
    pub(crate) limit: i64,
    /// `used` as a share of `limit`.
    pub(crate) used_ratio: f64,
    /// Whether its pool goes on beyond it, into a reserve.
    #[serde(skip)]
    pub(crate) reserve_has_room: bool,
}

impl PoolerLimit {
    fn new(name: &'static str, used: i64, limit: i64) -> Self {
        let used_ratio = ratio(used, limit);
        Self { name, database: None, user: None, used, limit, used_ratio, reserve_has_room: false }
    }

    /// Whether nothing is left at it: of a pool's size, with the reserve.
    pub(crate) const fn is_used_up(&self) -> bool {
        self.used >= self.limit && !self.reserve_has_room
    }

    /// Whether it is one on clients, at which they are refused; at the others they wait.
    pub(crate) fn is_of_clients(&self) -> bool {
        ["max_client_conn", "max_db_client_connections", "max_user_client_connections"].contains(&self.name)
    }

    /// Whether it is one of the pooler as a whole.
    pub(crate) const fn is_of_all(&self) -> bool {
        self.database.is_none() && self.user.is_none()
    }

    fn of(self, database: Option<&str>, user: Option<&str>) -> Self {
        Self { database: database.map(str::to_owned), user: user.map(str::to_owned), ..self }
    }

    fn left(&self) -> i64 {
        self.limit - self.used
    }
}

/// A pooler's use.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Use {
    /// The pools, the ones in trouble first.
    pub(crate) pools: Vec<PoolUse>,
    /// Every limit there is, the fullest first.
    pub(crate) limits: Vec<PoolerLimit>,
}

impl Use {
    /// The fullest limit. Not by what is left: a pool's few connections are there to be used up.
    pub(crate) fn fullest(&self) -> Option<&PoolerLimit> {
        self.limits.first()
    }
}

/// Sets every limit against what is used of it.
///
/// Connections at work are those that serve a client, carry a cancel request, log in or are reset; idle ones count
/// against no limit, because PgBouncer gives them to the next client of the pool or closes them to make room.
pub(crate) fn usage(facts: &PoolerFacts, selected: impl Fn(&Pool) -> bool) -> Use {
    let mut limits = Vec::new();
    for pool in &facts.pools {
        limits.extend(pool_limits(pool));
    }
    for database in &facts.databases {
        let of_database = |limit: PoolerLimit| limit.of(Some(&database.name), None);
        let at_work = || facts.pools.iter().filter(|pool| pool.database == database.name).map(busy).sum();
        limits.extend(
            database
                .max_db_connections
                .map(|limit| of_database(PoolerLimit::new("max_db_connections", at_work(), limit))),
        );
        let clients = database.max_db_client_connections.zip(database.clients);
        limits
            .extend(clients.map(|(limit, used)| {
                of_database(PoolerLimit::new("max_db_client_connections", used, limit))
            }));
    }
    limits.extend(user_limits(facts));
    let clients = facts.settings.max_client_conn.zip(facts.clients);
    limits.extend(clients.map(|(limit, used)| PoolerLimit::new("max_client_conn", used, limit)));
    let pools = facts.pools.iter().filter(|pool| selected(pool));
    let mut pools: Vec<PoolUse> = pools.map(|pool| pool_use(pool, facts, &limits)).collect();
    let trouble = |pool: &PoolUse| {
        (pool.pool.max_wait_seconds.unwrap_or(0.0), pool.used_ratio.unwrap_or(0.0), busy(&pool.pool))
    };
    order::sort_by(&mut pools, |left, right| {
        let (left, right) = (trouble(left), trouble(right));
        right.0.total_cmp(&left.0).then(right.1.total_cmp(&left.1)).then(right.2.cmp(&left.2))
    });
    order::sort_by(&mut limits, |left, right| right.used_ratio.total_cmp(&left.used_ratio));
    Use { pools, limits }
}

/// Connections of a pool that are at work.
fn busy(pool: &Pool) -> i64 {
    let parts = [pool.servers_active, pool.servers_tested, pool.servers_login, pool.servers_canceling];
    parts.into_iter().flatten().sum()
}

fn pool_limits(pool: &Pool) -> Vec<PoolerLimit> {
    let of_pool = |limit: PoolerLimit| limit.of(Some(&pool.database), Some(&pool.user));
    let Some(size) = pool.pool_size else { return Vec::new() };
    let used = busy(pool);
    let reserve = pool.reserve_pool_size.filter(|reserve| *reserve > 0);
    let reserve_has_room = reserve.is_some_and(|reserve| used - size < reserve);
    let mut limits =
        vec![of_pool(PoolerLimit { reserve_has_room, ..PoolerLimit::new("pool_size", used, size) })];
    // The reserve is only taken from when the pool itself is used up.
    let reserve = reserve.filter(|_| used >= size);
    limits
        .extend(reserve.map(|reserve| of_pool(PoolerLimit::new("reserve_pool_size", used - size, reserve))));
    limits
}

fn user_limits(facts: &PoolerFacts) -> Vec<PoolerLimit> {
    let mut names: Vec<&str> = facts.pools.iter().map(|pool| pool.user.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let mut limits = Vec::new();
    for name in names {
        let user = facts.users.iter().find(|user| user.name == name);
        let limit = user.and_then(|user| user.max_user_connections).or(facts.settings.max_user_connections);
        let at_work = || facts.pools.iter().filter(|pool| pool.user == name).map(busy).sum();
        limits
            .extend(limit.map(|limit| {
                PoolerLimit::new("max_user_connections", at_work(), limit).of(None, Some(name))
            }));
    }
    // Clients count for the user who logs in, who has no pool where the database forces another one.
    limits.extend(facts.users.iter().filter_map(|user| {
        let (limit, used) = user.max_user_client_connections.zip(user.clients)?;
        Some(PoolerLimit::new("max_user_client_connections", used, limit).of(None, Some(&user.name)))
    }));
    limits
}

fn pool_use(pool: &Pool, facts: &PoolerFacts, limits: &[PoolerLimit]) -> PoolUse {
    let on_servers = ["pool_size", "reserve_pool_size", "max_db_connections", "max_user_connections"];
    let is_its = |limit: &&PoolerLimit| {
        on_servers.contains(&limit.name)
            && limit.database.as_ref().is_none_or(|database| *database == pool.database)
            && limit.user.as_ref().is_none_or(|user| *user == pool.user)
    };
    // With a reserve, a used up pool_size is not the end.
    let has_reserve = limits.iter().filter(is_its).any(|limit| limit.name == "reserve_pool_size");
    let first_limit = limits
        .iter()
        .filter(is_its)
        .filter(|limit| !(has_reserve && limit.name == "pool_size"))
        .min_by_key(|limit| limit.left())
        .cloned();
    let database = facts.databases.iter().find(|database| database.name == pool.database);
    PoolUse {
        used_ratio: pool.pool_size.map(|size| ratio(busy(pool), size)),
        paused: database.and_then(|database| database.paused),
        disabled: database.and_then(|database| database.disabled),
        first_limit,
        pool: pool.clone(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn ratio(used: i64, limit: i64) -> f64 {
    used as f64 / limit.max(1) as f64
}

/// Work per second, and how long it took, over a stretch of time.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rate {
    /// The pooler's name of the database.
    pub(crate) database: String,
    /// Length of the stretch.
    pub(crate) sampled_seconds: f64,
    /// Transactions per second.
    pub(crate) xacts_per_second: Option<f64>,
    /// Queries per second.
    pub(crate) queries_per_second: Option<f64>,
    /// Bytes per second from clients.
    pub(crate) received_bytes_per_second: Option<f64>,
    /// Bytes per second to clients.
    pub(crate) sent_bytes_per_second: Option<f64>,
    /// Mean duration of the transactions that ended.
    pub(crate) mean_xact_seconds: Option<f64>,
    /// Mean duration of the queries that ended.
    pub(crate) mean_query_seconds: Option<f64>,
    /// Clients that waited at a time, on average: seconds of waiting per second.
    pub(crate) mean_clients_waiting: Option<f64>,
}

/// The work between two looks that are `seconds` apart. Counters that went back, because the pooler was started again
/// in between, tell nothing.
pub(crate) fn rates(before: &[Totals], after: &[Totals], seconds: f64) -> Vec<Rate> {
    let none = Totals::default();
    let rate = |after: &Totals| {
        let before = before.iter().find(|before| before.database == after.database).unwrap_or(&none);
        let done = |total: fn(&Totals) -> Option<f64>| {
            total(after).map(|now| now - total(before).unwrap_or(0.0)).filter(|done| *done >= 0.0)
        };
        let per_second = |total| done(total).map(|done| done / seconds);
        let mean = |time, count| {
            let (time, count) = (done(time)?, done(count)?);
            (count > 0.0).then(|| time / count)
        };
        Rate {
            database: after.database.clone(),
            sampled_seconds: seconds,
            xacts_per_second: per_second(|totals| totals.xact_total),
            queries_per_second: per_second(|totals| totals.query_total),
            received_bytes_per_second: per_second(|totals| totals.received_bytes),
            sent_bytes_per_second: per_second(|totals| totals.sent_bytes),
            mean_xact_seconds: mean(|totals| totals.xact_seconds, |totals| totals.xact_total),
            mean_query_seconds: mean(|totals| totals.query_seconds, |totals| totals.query_total),
            mean_clients_waiting: per_second(|totals| totals.wait_seconds),
        }
    };
    after.iter().filter(|after| !after.database.is_empty()).map(rate).collect()
}

/// What tells a session of the server from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End<'a> {
    /// Process id of its backend.
    pub(crate) pid: i32,
    /// The server's name of the database.
    pub(crate) database: Option<&'a str>,
    /// The role.
    pub(crate) role: Option<&'a str>,
    /// Where the server sees it come from; none when that is hidden.
    pub(crate) client: Option<&'a str>,
    /// The TCP port that the server sees; none when it does not say.
    pub(crate) client_port: Option<i32>,
}

impl<'a> From<&'a Session> for End<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            pid: session.pid,
            database: session.database.as_deref(),
            role: session.role.as_deref(),
            client: session.client.as_deref().filter(|_| !session.hidden),
            client_port: session.client_port,
        }
    }
}

/// Whether a pooler's connection leads to this session.
///
/// A pooler may serve several servers, and a process id says nothing by itself: the database and the role have to be
/// the same, and where the server sees the address that the pooler connected from, the port, too.
pub(crate) fn leads_to(link: &Link, databases: &[Database], end: &End<'_>) -> bool {
    let Some(server) = link.server.as_ref().filter(|server| server.pid == Some(end.pid)) else {
        return false;
    };
    let known = databases.iter().find(|database| database.name == link.database);
    let database = known.and_then(|known| known.database.as_ref()).unwrap_or(&link.database);
    let role = known.and_then(|known| known.force_user.as_ref()).unwrap_or(&link.user);
    let port_differs = || {
        let port = end.client_port.map(i64::from);
        end.client == server.local_addr.as_deref() && port.is_some() && port != server.local_port
    };
    let away = end.client.is_some_and(|client| client != "local");
    end.database == Some(database) && end.role == Some(role) && !(away && port_differs())
}

/// Gives each connection to the server the session at its other end, of those in `sessions`.
pub(crate) fn join(links: &mut [Link], databases: &[Database], sessions: &[Session]) {
    for link in links {
        link.backend =
            sessions.iter().find(|session| leads_to(link, databases, &End::from(*session))).cloned();
    }
}

#[cfg(test)]
mod tests;
