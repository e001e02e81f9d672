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
