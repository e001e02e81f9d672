//! Pools and rates, as tables and as tab-separated values.

use super::limits::refused_by;
use crate::analyze::health::CONNECTIONS_PERCENT;
use crate::analyze::pooler::{PoolRefused, PoolUse, Rate};
use crate::model::pooler::{Database, Product};
use crate::model::server;
use crate::render::columns::{Column, Value};
use crate::render::table::{Align, Block, Mark, Table};
use crate::render::{text, tsv};

/// How a share of a limit is shown.
pub(super) fn mark_of(ratio: f64) -> Mark {
    match ratio {
        ratio if ratio >= 1.0 => Mark::Bad,
        ratio if ratio * 100.0 >= f64::from(CONNECTIONS_PERCENT.0) => Mark::Warn,
        _ => Mark::Plain,
    }
}

/// A row for each pool.
pub(super) fn table(pools: &[PoolUse]) -> Table<'_> {
    let mark = |entry: &PoolUse| {
        if waits(entry) { Mark::Bad } else { mark_of(entry.used_ratio.unwrap_or(0.0).min(0.9)) }
    };
    Table::of(COLUMNS, pools, mark).sparing(&["USED", "MODE", "IDLE", "FULL", "CLIENTS", "ACTIVE", "SIZE"])
}

/// What is told of each pool.
const COLUMNS: &[Column<PoolUse>] = &[
    Column::new("DATABASE", Align::Left, "database", |entry| (&entry.pool.database).into()),
    Column::new("USER", Align::Left, "user", |entry| (&entry.pool.user).into()),
    Column::new("MODE", Align::Left, "pool_mode", |entry| entry.pool.pool_mode.as_ref().into()),
    Column::script("pool_size", |entry| entry.pool.pool_size.into()),
    Column::script("reserve_pool_size", |entry| entry.pool.reserve_pool_size.into()),
    Column::new("CLIENTS", Align::Right, "clients_active", |entry| entry.pool.clients_active.into()),
    Column::new("WAITING", Align::Right, "clients_waiting", |entry| entry.pool.clients_waiting.into()),
    Column::table("MAX-WAIT", Align::Age, |entry| {
        Value::seconds(entry.pool.max_wait_seconds.filter(|_| waits(entry)))
    }),
    Column::new("ACTIVE", Align::Right, "servers_active", |entry| entry.pool.servers_active.into()),
    Column::new("IDLE", Align::Right, "servers_idle", |entry| entry.pool.servers_idle.into()),
    Column::new("USED", Align::Right, "servers_used", |entry| entry.pool.servers_used.into()),
    Column::script("servers_tested", |entry| entry.pool.servers_tested.into()),
    Column::script("servers_login", |entry| entry.pool.servers_login.into()),
    Column::script("servers_canceling", |entry| entry.pool.servers_canceling.into()),
    Column::script("max_wait_seconds", |entry| Value::seconds(entry.pool.max_wait_seconds)),
    Column::table("SIZE", Align::Right, |entry| match (entry.pool.pool_size, entry.pool.reserve_pool_size) {
        (Some(size), Some(reserve)) if reserve > 0 => format!("{size}+{reserve}").into(),
        (size, _) => size.into(),
    }),
    Column::worded(
        "FULL",
        Align::Right,
        |entry| entry.used_ratio.map(text::percent).into(),
        "used_ratio",
        |entry| entry.used_ratio.into(),
    ),
    Column::script("paused", |entry| entry.paused.into()),
    Column::script("disabled", |entry| entry.disabled.into()),
    Column::worded("FIRST-LIMIT", Align::Left, first_limit, "first_limit", |entry| {
        entry.first_limit.as_ref().map(|limit| limit.name).into()
    }),
];

fn first_limit(entry: &PoolUse) -> Value<'_> {
    match &entry.first_limit {
        _ if entry.paused == Some(true) => "paused".into(),
        _ if entry.disabled == Some(true) => "disabled".into(),
        Some(limit) => format!("{} {} of {}", limit.name, limit.used, limit.limit).into(),
        None => Value::None,
    }
}

fn waits(entry: &PoolUse) -> bool {
    entry.pool.clients_waiting.is_some_and(|waiting| waiting > 0)
}

/// What a pool's clients wait for.
pub(super) fn why_waiting(
    entry: &PoolUse,
    databases: &[Database],
    tells_user_limits: bool,
    product: &Product,
) -> Option<Block<'static>> {
    let pool = &entry.pool;
    let waiting = pool.clients_waiting.filter(|waiting| *waiting > 0)?;
    let place = format!("{}/{}", pool.database, pool.user);
    let waits = if waiting == 1 { "waits" } else { "wait" };
    let start = format!("! {} of {place} {waits}", text::count(waiting, "client"));
    let line = match entry.used_up() {
        _ if entry.paused == Some(true) => {
            format!("{start}: the database is paused")
        }
        Some(limit) => format!("{start}: {} is used up ({} of {})", limit.name, limit.used, limit.limit),
        None if pool.servers_active == Some(0) && pool.servers_idle == Some(0) => {
            format!(
                "{start} and there is no connection to the server: PostgreSQL may be down, or refuse the pooler"
            )
        }
        None => {
            let PoolRefused { used, size } = entry.refused()?;
            let server = databases.iter().find(|database| database.name == pool.database);
            let place = server.and_then(|server| Some((server.host.as_deref()?, server.port?)));
            let place = place.map_or_else(|| "it".to_owned(), |(host, port)| server::place(host, port));
            format!(
                "{start} although the pool has room ({used} of {size}): {}; see pgconn stats on {place}",
                refused_by(pool, tells_user_limits, product)
            )
        }
    };
    Some(Block::marked(Mark::Bad, line))
}

/// What is told of the work in each database.
pub(super) const RATES: &[Column<Rate>] = &[
    Column::table("DATABASE", Align::Left, |rate| (&rate.database).into()),
    Column::table("XACT/S", Align::Right, |rate| rate.xacts_per_second.map(tenths).into()),
    Column::table("QUERY/S", Align::Right, |rate| rate.queries_per_second.map(tenths).into()),
    Column::table("IN/S", Align::Right, |rate| rate.received_bytes_per_second.map(bytes).into()),
    Column::table("OUT/S", Align::Right, |rate| rate.sent_bytes_per_second.map(bytes).into()),
    Column::table("XACT-TIME", Align::Right, |rate| Value::seconds(rate.mean_xact_seconds)),
    Column::table("QUERY-TIME", Align::Right, |rate| Value::seconds(rate.mean_query_seconds)),
    Column::table("WAITING", Align::Right, |rate| rate.mean_clients_waiting.map(tenths).into()),
];

fn tenths(number: f64) -> String {
    format!("{number:.1}")
}

/// `812 B`, `1.4 kB`, `3.0 MB`.
fn bytes(number: f64) -> String {
    match number {
        number if number < 1e3 => format!("{number:.0} B"),
        number if number < 1e6 => format!("{:.1} kB", number / 1e3),
        number => format!("{:.1} MB", number / 1e6),
    }
}

/// One row per pool.
pub(super) fn tsv(pools: &[PoolUse]) -> tsv::Rows<'_> {
    tsv::Rows::of(COLUMNS, pools)
}
