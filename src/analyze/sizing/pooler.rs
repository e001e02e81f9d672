//! PgBouncer's arithmetic: how many server connections its settings allow, and the settings for a wanted number.

use super::refused::Refused;

/// What bounds the server connections of a set of PgBouncer processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// PgBouncer processes that pool on their own (`so_reuseport`, sidecars, a spare machine).
    pub(crate) processes: u64,
    /// Pairs of database entry and user in use; each pair is a pool.
    pub(crate) pairs: u64,
    /// `reserve_pool_size`, opened on top of each pool when clients wait.
    pub(crate) reserve: u64,
}

/// The `default_pool_size` with which the worst case stays within `target` server connections, or `None` when
/// not even one connection per pool fits. Never 0: PgBouncer reads 0 as one, or as no limit, by version.
pub(crate) fn default_pool_size(target: u64, shape: Shape) -> Option<u64> {
    let pools = shape.processes.checked_mul(shape.pairs)?;
    target.checked_div(pools)?.checked_sub(shape.reserve).filter(|size| *size > 0)
}

/// PgBouncer's sizes. None of them is ever 0, but the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolerSizes {
    /// Server connections per database and user in one process.
    pub(crate) default_pool_size: u64,
    /// Additional ones when clients wait; left out when 0.
    pub(crate) reserve_pool_size: u64,
    /// Client connections that one process accepts.
    pub(crate) max_client_conn: u64,
    /// Server connections of one process per database entry.
    pub(crate) max_db_connections: u64,
}

/// The sizes with which so many `clients` never take more than `target` server connections.
pub(crate) fn sizes(target: u64, clients: u64, shape: Shape) -> Result<PoolerSizes, Refused> {
    let Shape { processes, pairs, reserve } = shape;
    let crowded = || {
        Refused::new(
            format!(
                "PgBouncer's {processes} × {pairs} pools (processes × pairs) with a reserve of {reserve} each \
                 do not fit {target} server connections"
            ),
            "use fewer processes, users or databases",
        )
    };
    let default_pool_size = default_pool_size(target, shape).ok_or_else(crowded)?;
    let max_db_connections = worst_case(default_pool_size, Shape { processes: 1, ..shape });
    Ok(PoolerSizes {
        default_pool_size,
        reserve_pool_size: reserve,
        max_client_conn: max_client_conn(clients).ok_or_else(|| {
            Refused::new(
                format!("{clients} client connections are more than PgBouncer can count"),
                "use fewer instances or processes",
            )
        })?,
        max_db_connections: max_db_connections.ok_or_else(crowded)?,
    })
}

/// The most server connections that the settings allow: `(pool_size + reserve) × pairs × processes`.
/// `None` when that is too large to count.
pub(crate) fn worst_case(default_pool_size: u64, shape: Shape) -> Option<u64> {
    default_pool_size.checked_add(shape.reserve)?.checked_mul(shape.pairs)?.checked_mul(shape.processes)
}

/// The largest number PgBouncer's integer settings hold.
const MAX_SETTING: u64 = 2_147_483_647;

/// The most client connections for which [`max_client_conn`] is a number that PgBouncer holds.
pub(crate) const MAX_CLIENTS: u64 = MAX_SETTING / 125 * 100 - 100;

/// `max_client_conn` for so many client connections: a quarter more, up to the next hundred, at least 100
/// (PgBouncer's default). Up, because a refused client is worse than a queued one. `None` when PgBouncer cannot hold it.
pub(crate) fn max_client_conn(clients: u64) -> Option<u64> {
    let roomy = (u128::from(clients) * 125).div_ceil(100).div_ceil(100) * 100;
    u64::try_from(roomy.max(100)).ok().filter(|limit| *limit <= MAX_SETTING)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn shape(processes: u64, pairs: u64, reserve: u64) -> Shape {
        Shape { processes, pairs, reserve }
    }

    #[test]
    fn the_worst_case_stays_within_the_target() {
        let rows = [
            ("G1", 17, shape(1, 1, 0), 17, 17),
            ("G2", 17, shape(1, 1, 5), 12, 17),
            ("G3", 90, shape(2, 3, 0), 15, 90),
            ("G4", 90, shape(2, 3, 2), 13, 90),
            ("G5", 33, shape(4, 1, 0), 8, 32),
            ("G7", 200, shape(3, 4, 5), 11, 192),
        ];
        for (id, target, shape, size, worst) in rows {
            assert_eq!(default_pool_size(target, shape), Some(size), "{id}");
            assert_eq!(worst_case(size, shape), Some(worst), "{id}");
        }
        assert_eq!(default_pool_size(9, shape(2, 5, 0)), None, "G6");
    }

    #[test]
    fn copied_settings_can_exceed_the_server() {
        assert_eq!(worst_case(20, shape(1, 1, 5)), Some(25), "G8");
        assert_eq!(worst_case(20, shape(1, 4, 5)), Some(100), "G9: above the 97 usable");
    }

    #[test]
    fn clients_get_room() {
        assert_eq!(max_client_conn(1), Some(100));
        assert_eq!(max_client_conn(80), Some(100));
        assert_eq!(max_client_conn(81), Some(200));
        assert_eq!(max_client_conn(u64::MAX), None);
        assert!(max_client_conn(MAX_CLIENTS).is_some() && max_client_conn(MAX_CLIENTS + 200).is_none());
    }

    proptest::proptest! {
        #[test]
        fn a_pool_size_is_never_zero_and_never_too_much(target: u64, processes: u64, pairs: u64, reserve: u64) {
            let shape = shape(processes, pairs, reserve);
            if let Some(size) = default_pool_size(target, shape) {
                proptest::prop_assert!(size > 0);
                proptest::prop_assert!(worst_case(size, shape).unwrap() <= target);
            }
        }
    }
}
