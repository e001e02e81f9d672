//! The sums behind a plan, one function per step, in integers only: every rounding is a decision, and each
//! says which way it goes and why. Knows numbers, not plans; formats nothing.

use super::Refused;

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
mod tests {
    use super::*;

    #[test]
    fn optimal_is_twice_the_cores_and_the_spindles() {
        let rows = [
            ("C1", 4, 1, 9),
            ("C2", 4, 0, 8),
            ("C3", 1, 0, 2),
            ("C4", 1, 1, 3),
            ("C5", 2, 1, 5),
            ("C6", 8, 1, 17),
            ("C7", 16, 4, 36),
            ("C8", 32, 0, 64),
            ("C9", 96, 1, 193),
            ("C14", 8, 1, 17),
        ];
        for (id, cores, spindles, expected) in rows {
            assert_eq!(optimal(cores, spindles).unwrap(), expected, "{id}");
        }
    }

    #[test]
    fn optimal_refuses_no_core_and_unbelievable_numbers() {
        assert!(optimal(0, 1).is_err(), "C10");
        assert!(optimal(4_294_967_295, 1).is_err(), "C13");
        assert!(optimal(4, u64::MAX).is_err());
        assert_eq!(optimal(MAX_CORES, MAX_CORES).unwrap(), 196_608);
        assert!(optimal(MAX_CORES + 1, 1).is_err());
    }

    #[test]
    fn the_budget_is_what_the_reserve_leaves() {
        let rows = [
            ("B1", 100, 10, 3, 10, 90),
            ("B2", 100, 15, 3, 15, 85),
            ("B3", 100, 20, 3, 20, 80),
            ("B4", 100, 0, 3, 3, 97),
            ("B5", 97, 10, 3, 10, 87),
            ("B6", 100, 7, 3, 7, 93),
            ("B7", 70, 10, 3, 7, 63),
            ("B8", 10, 10, 3, 3, 7),
            ("B9", 5, 20, 3, 3, 2),
            ("B10", 4, 0, 3, 3, 1),
            ("B12", 200, 15, 8, 30, 170),
            ("B13", 50, 20, 15, 15, 35),
            ("B14", 104, 0, 7, 7, 97),
            ("B15", 500, 10, 5, 50, 450),
            ("B16", 262_143, 10, 3, 26_215, 235_928),
        ];
        for (id, max, percent, hard, reserved, left) in rows {
            assert_eq!(budget(max, percent, hard).unwrap(), Budget { reserved, budget: left }, "{id}");
        }
    }

    #[test]
    fn the_budget_refuses_what_no_server_has() {
        assert!(budget(3, 10, 3).is_err(), "B11");
        assert!(budget(262_144, 10, 3).is_err(), "B17");
        assert!(budget(0, 10, 3).is_err(), "B18");
        assert!(budget(100, 100, 3).is_err(), "B19");
    }

    #[test]
    fn per_pool_is_rounded_down_and_the_rest_is_spare() {
        let rows = [
            ("P1", 90, 1, 1, 0, 1, 1, 90, 0),
            ("P2", 90, 4, 1, 0, 4, 4, 22, 2),
            ("P3", 90, 7, 1, 0, 7, 7, 12, 6),
            ("P4", 90, 10, 1, 0, 10, 10, 9, 0),
            ("P5", 90, 50, 1, 0, 50, 50, 1, 40),
            ("P6", 90, 90, 1, 0, 90, 90, 1, 0),
            ("P7", 90, 91, 1, 0, 91, 91, 0, 90),
            ("P9", 80, 4, 1, 25, 5, 5, 16, 0),
            ("P10", 80, 3, 1, 25, 4, 4, 20, 0),
            ("P11", 80, 1, 1, 25, 2, 2, 40, 0),
            ("P12", 80, 10, 1, 25, 13, 13, 6, 2),
            ("P13", 80, 4, 4, 0, 4, 16, 5, 0),
            ("P14", 80, 4, 4, 25, 5, 20, 4, 0),
            ("P15", 97, 3, 5, 0, 3, 15, 6, 7),
            ("P16", 7, 2, 4, 0, 2, 8, 0, 7),
            ("P17", 80, 4, 1, 100, 8, 8, 10, 0),
        ];
        for (id, budget, instances, processes, surge, peak, pools, per_pool, spare) in rows {
            let peaked = peak_instances(instances, surge).unwrap();
            assert_eq!(peaked, peak, "{id}");
            assert_eq!(pool_count(peaked, processes).unwrap(), pools, "{id}");
            assert_eq!(budget / pools, per_pool, "{id}");
            assert_eq!(budget - per_pool * pools, spare, "{id}");
        }
    }

    #[test]
    fn pools_that_cannot_be_counted_are_refused_not_wrapped() {
        assert!(peak_instances(0, 0).is_err(), "P8");
        assert!(pool_count(1, 0).is_err());
        assert_eq!(pool_count(4_294_967_295, 4_294_967_295).unwrap(), 18_446_744_065_119_617_025, "P18");
        assert!(pool_count(u64::MAX, 2).is_err());
        assert!(peak_instances(u64::MAX, 1).is_err());
    }

    #[test]
    fn required_max_connections_is_the_smallest_that_fits() {
        assert_eq!(required_max_connections(72, 15, 3), Some(85));
        assert_eq!(required_max_connections(1, 0, 3), Some(4));
        assert_eq!(required_max_connections(262_143, 15, 3), None);
        assert_eq!(required_max_connections(u64::MAX, 99, u64::MAX), None);
    }

    #[test]
    fn the_deadlock_floor_is_hikari_s() {
        assert_eq!(deadlock_floor(3, 4).unwrap(), 10);
        assert_eq!(deadlock_floor(8, 3).unwrap(), 17);
        assert_eq!(deadlock_floor(8, 2).unwrap(), 9, "O13");
        assert_eq!(deadlock_floor(64, 1).unwrap(), 1);
        assert!(deadlock_floor(u64::MAX, 3).is_err());
        assert!(deadlock_floor(0, 1).is_err());
    }

    proptest::proptest! {
        #[test]
        fn required_fits_and_one_less_does_not(total in 1_u64..200_000, percent in 0_u64..=99, hard in 0_u64..100) {
            if let Some(required) = required_max_connections(total, percent, hard) {
                proptest::prop_assert!(budget(required, percent, hard).unwrap().budget >= total);
                let less = budget(required - 1, percent, hard).map_or(0, |b| b.budget);
                proptest::prop_assert!(less < total);
            }
        }
    }
}
