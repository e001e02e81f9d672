//! Pools and rates, as tables and as tab-separated values.

use crate::analyze::health::CONNECTIONS_PERCENT;
use crate::analyze::pooler::{PoolUse, Rate, Refused};
use crate::model::pooler::Database;
use crate::model::server;
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
pub(super) fn table(pools: &[PoolUse]) -> Table {
    let mut table = Table::new(&[
        ("DATABASE", Align::Left),
        ("USER", Align::Left),
        ("MODE", Align::Left),
        ("CLIENTS", Align::Right),
        ("WAITING", Align::Right),
        ("MAX-WAIT", Align::Age),
        ("ACTIVE", Align::Right),
        ("IDLE", Align::Right),
        ("USED", Align::Right),
        ("SIZE", Align::Right),
        ("FULL", Align::Right),
        ("FIRST-LIMIT", Align::Left),
    ])
    .sparing(&["USED", "MODE", "IDLE", "FULL", "CLIENTS"]);
    let known = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
    for entry in pools {
        let pool = &entry.pool;
        let waits = pool.clients_waiting.is_some_and(|waiting| waiting > 0);
        let mark = if waits { Mark::Bad } else { mark_of(entry.used_ratio.unwrap_or(0.0).min(0.9)) };
        let size = match (pool.pool_size, pool.reserve_pool_size) {
            (Some(size), Some(reserve)) if reserve > 0 => format!("{size}+{reserve}"),
            (size, _) => known(size),
        };
        let limit = entry.first_limit.as_ref();
        table.push(
            mark,
            [
                pool.database.clone(),
                pool.user.clone(),
                pool.pool_mode.clone().unwrap_or_default(),
                known(pool.clients_active),
                known(pool.clients_waiting),
                pool.max_wait_seconds.filter(|_| waits).map(text::duration).unwrap_or_default(),
                known(pool.servers_active),
                known(pool.servers_idle),
                known(pool.servers_used),
                size,
                entry.used_ratio.map(text::percent).unwrap_or_default(),
                match limit {
                    _ if entry.paused == Some(true) => "paused".to_owned(),
                    Some(limit) => format!("{} {} of {}", limit.name, limit.used, limit.limit),
                    None => String::new(),
                },
            ],
        );
    }
    table
}

/// What a pool's clients wait for.
pub(super) fn why_waiting(entry: &PoolUse, databases: &[Database]) -> Option<Block> {
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
            let Refused { used, size } = entry.refused()?;
            let server = databases.iter().find(|database| database.name == pool.database);
            let place = server.and_then(|server| Some((server.host.as_deref()?, server.port?)));
            let place = place.map_or_else(|| "it".to_owned(), |(host, port)| server::place(host, port));
            format!(
                "{start} although the pool has room ({used} of {size}): the server seems to refuse the pooler more \
                 connections; see pgconn stats on {place}"
            )
        }
    };
    Some(Block::marked(Mark::Bad, line))
}

/// A row for each rate.
pub(super) fn rates_table(rates: &[Rate]) -> Table {
    let mut table = Table::new(&[
        ("DATABASE", Align::Left),
        ("XACT/S", Align::Right),
        ("QUERY/S", Align::Right),
        ("IN/S", Align::Right),
        ("OUT/S", Align::Right),
        ("XACT-TIME", Align::Right),
        ("QUERY-TIME", Align::Right),
        ("WAITING", Align::Right),
    ]);
    let number = |number: Option<f64>| number.map(|number| format!("{number:.1}")).unwrap_or_default();
    let time = |seconds: Option<f64>| seconds.map(text::duration).unwrap_or_default();
    for rate in rates {
        table.push(
            Mark::Plain,
            [
                rate.database.clone(),
                number(rate.xacts_per_second),
                number(rate.queries_per_second),
                rate.received_bytes_per_second.map(bytes).unwrap_or_default(),
                rate.sent_bytes_per_second.map(bytes).unwrap_or_default(),
                time(rate.mean_xact_seconds),
                time(rate.mean_query_seconds),
                number(rate.mean_clients_waiting),
            ],
        );
    }
    table
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
pub(super) fn tsv(pools: &[PoolUse]) -> tsv::Rows {
    let mut rows = tsv::Rows::new(&[
        "database",
        "user",
        "pool_mode",
        "pool_size",
        "reserve_pool_size",
        "clients_active",
        "clients_waiting",
        "servers_active",
        "servers_idle",
        "servers_used",
        "servers_tested",
        "servers_login",
        "servers_canceling",
        "max_wait_seconds",
        "used_ratio",
        "paused",
        "first_limit",
    ]);
    for entry in pools {
        let pool = &entry.pool;
        rows.push([
            (&pool.database).into(),
            (&pool.user).into(),
            pool.pool_mode.as_ref().into(),
            pool.pool_size.into(),
            pool.reserve_pool_size.into(),
            pool.clients_active.into(),
            pool.clients_waiting.into(),
            pool.servers_active.into(),
            pool.servers_idle.into(),
            pool.servers_used.into(),
            pool.servers_tested.into(),
            pool.servers_login.into(),
            pool.servers_canceling.into(),
            pool.max_wait_seconds.into(),
            entry.used_ratio.into(),
            entry.paused.into(),
            entry.first_limit.as_ref().map(|limit| limit.name).into(),
        ]);
    }
    rows
}
