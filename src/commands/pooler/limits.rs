//! A pooler's limits in words: whose they are, and what comes of them when they are used up.

use crate::analyze::pooler::{PoolUse, PoolerLimit};
use crate::model::pooler::{Pool, Product};
use crate::render::table::{Block, Mark};

/// `pool_size of shop/app`, `max_client_conn of the pooler`.
pub(in crate::commands) fn named(limit: &PoolerLimit) -> String {
    let owner = match (&limit.database, &limit.user) {
        (Some(database), Some(user)) => format!("{database}/{user}"),
        (Some(database), None) => format!("database {database}"),
        (None, Some(user)) => format!("user {user}"),
        (None, None) => "the pooler".to_owned(),
    };
    format!("{} of {owner}", limit.name)
}

/// What keeps the clients of a pool waiting that has room.
pub(in crate::commands) fn refused_by(pool: &Pool, tells_user_limits: bool, product: &Product) -> String {
    match tells_user_limits || !product.is_pgbouncer() {
        true => "the server seems to refuse the pooler".to_owned(),
        false => format!(
            "a max_user_connections of user {}, which {} {} does not tell, may be used up, or the server refuses the pooler",
            pool.user, product.name, product.version
        ),
    }
}

/// What comes of it when it is used up.
pub(in crate::commands) fn consequence(limit: &PoolerLimit) -> &'static str {
    if limit.is_of_clients() { "new clients are refused" } else { "the next client waits" }
}

/// A line for each limit that is used up, unless one about clients that wait at it says so.
pub(super) fn used_up(pools: &[PoolUse], limits: &[PoolerLimit]) -> Vec<Block<'static>> {
    let waits = |entry: &&PoolUse| entry.pool.clients_waiting.is_some_and(|waiting| waiting > 0);
    let waiting = pools.iter().filter(waits).filter(|entry| entry.paused != Some(true));
    let said: Vec<PoolerLimit> = waiting.filter_map(PoolUse::used_up).collect();
    let limits = limits.iter().filter(|limit| limit.is_used_up() && !said.contains(limit));
    let line = |limit: &PoolerLimit| {
        let PoolerLimit { used, limit: most, .. } = limit;
        let (name, consequence) = (named(limit), consequence(limit));
        Block::marked(Mark::Bad, format!("! {name} is used up ({used} of {most}): {consequence}"))
    };
    limits.map(line).collect()
}
