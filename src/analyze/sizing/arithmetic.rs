//! The sums behind a plan, one function per step, in integers only: every rounding is a decision, and each
//! says which way it goes and why. Knows numbers, not plans; formats nothing.

use super::refused::Refused;

/// The largest `max_connections` that PostgreSQL accepts (`MAX_BACKENDS`, all supported versions).
pub(crate) const MAX_MAX_CONNECTIONS: u64 = 262_143;

/// More cores, or disks, than this in one server is a slip of the keyboard.
pub(crate) const MAX_CORES: u64 = 65_536;

/// `ceil(value × percent / 100)`. Up, because a fraction of a slot (or of an instance) takes a whole one.
pub(crate) fn percent_up(value: u64, percent: u64) -> u128 {
    (u128::from(value) * u128::from(percent)).div_ceil(100)
}

/// How many connections the whole server can work on at once: `cores × 2 + spindles`.
///
/// Source: PostgreSQL wiki, "Number Of Database Connections". Cores are physical ones of the database server;
/// spindles are 0 when everything is cached. Errors when there is no core, or more than [`MAX_CORES`].
pub(crate) fn optimal(cores: u64, spindles: u64) -> Result<u64, Refused> {
    if cores == 0 {
        return Err(Refused::new("the server needs at least 1 core", "give its physical cores: --cores 4"));
    }
    for (what, value) in [("cores", cores), ("spindles", spindles)] {
        if value > MAX_CORES {
            return Err(Refused::plain(format!(
                "{value} {what} are more than the {MAX_CORES} that are believed"
            )));
        }
    }
    Ok(cores * 2 + spindles)
}

/// Whether PostgreSQL accepts such a `max_connections`.
pub(crate) fn check_max_connections(max_connections: u64) -> Result<(), Refused> {
    if max_connections == 0 {
        return Err(Refused::plain("max_connections must be at least 1".to_owned()));
    }
    if max_connections > MAX_MAX_CONNECTIONS {
        return Err(Refused::plain(format!(
            "max_connections {max_connections} is above the {MAX_MAX_CONNECTIONS} that PostgreSQL accepts"
        )));
    }
    Ok(())
}

/// What is kept back and what is left to share out, in connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Kept for administration: the larger of the percentage and the slots nobody ordinary can use.
    pub(crate) reserved: u64,
    /// What all pools together may open.
    pub(crate) budget: u64,
}

/// `reserved = max(ceil(max_connections × percent / 100), reserved_slots)`, the rest is the budget.
///
/// The larger of the two, not their sum: the reserved slots are part of the share that is kept back. Errors when
/// `max_connections` is not one PostgreSQL accepts, when the percentage leaves nothing, and when the reserved
/// slots take everything (such a server would not start).
pub(crate) fn budget(max_connections: u64, percent: u64, reserved_slots: u64) -> Result<Budget, Refused> {
    check_max_connections(max_connections)?;
    if percent > 99 {
        return Err(Refused::new(
            format!("a reserve of {percent} % leaves nothing"),
            "the reserve is 0 to 99 percent; 10 to 20 is usual",
        ));
    }
    if reserved_slots >= max_connections {
        return Err(Refused::new(
            format!("{reserved_slots} reserved slots leave nothing of max_connections {max_connections}"),
            "reserved slots are superuser_reserved_connections plus reserved_connections; \
             PostgreSQL does not start with so many",
        ));
    }
    let share = u64::try_from(percent_up(max_connections, percent)).unwrap_or(u64::MAX);
    let reserved = share.max(reserved_slots);
    Ok(Budget { reserved, budget: max_connections.saturating_sub(reserved) })
}

/// Instances during a rollout: `instances + ceil(instances × surge / 100)`. Up, as Kubernetes rounds maxSurge.
pub(crate) fn peak_instances(instances: u64, surge_percent: u64) -> Result<u64, Refused> {
    if instances == 0 {
        return Err(Refused::plain("at least 1 instance must be planned for".to_owned()));
    }
    u64::try_from(u128::from(instances) + percent_up(instances, surge_percent)).map_err(|_| {
        Refused::plain(format!("{instances} instances and {surge_percent} % more are too many to count"))
    })
}

/// Pools that exist at once: one in each process of each instance.
pub(crate) fn pool_count(peak_instances: u64, processes: u64) -> Result<u64, Refused> {
    if processes == 0 {
        return Err(Refused::plain("an instance has at least 1 process".to_owned()));
    }
    peak_instances.checked_mul(processes).ok_or_else(|| {
        Refused::plain(format!(
            "{peak_instances} instances × {processes} processes are too many pools to count"
        ))
    })
}

/// The smallest `max_connections` at which `total` fits beside its reserve, or `None` when PostgreSQL accepts no
/// such value. Solves [`budget`] backwards: `max(ceil(total × 100 / (100 − percent)), total + reserved_slots)`.
pub(crate) fn required_max_connections(total: u64, percent: u64, reserved_slots: u64) -> Option<u64> {
    let kept = 100_u64.checked_sub(percent).filter(|kept| *kept > 0)?;
    let by_share = (u128::from(total) * 100).div_ceil(u128::from(kept));
    let by_slots = u128::from(total) + u128::from(reserved_slots);
    u64::try_from(by_share.max(by_slots)).ok().filter(|required| *required <= MAX_MAX_CONNECTIONS)
}

/// Connections one process needs so that its tasks cannot wait for each other for ever:
/// `threads × (connections_per_task − 1) + 1`. A floor, not an optimum. Source: HikariCP wiki, "About Pool Sizing".
pub(crate) fn deadlock_floor(threads: u64, connections_per_task: u64) -> Result<u64, Refused> {
    if threads == 0 || connections_per_task == 0 {
        return Err(Refused::plain("threads and connections per task are at least 1".to_owned()));
    }
    threads.checked_mul(connections_per_task - 1).and_then(|held| held.checked_add(1)).ok_or_else(|| {
        Refused::plain(format!(
            "{threads} threads × {connections_per_task} connections are too many to count"
        ))
    })
}

#[cfg(test)]
mod tests;
