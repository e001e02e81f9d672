use super::*;

#[test]
fn the_whole_gives_each_its_need() {
    assert_eq!(whole(&[32, 18], &[3, 2]), Some(54));
    assert_eq!(whole(&[100, 1], &[1, 1]), Some(200));
    assert_eq!(whole(&[7], &[5]), Some(7));
    assert_eq!(whole(&[7, 1], &[5, 0]), None, "a weight of 0 has a share of 0");
    assert_eq!(whole(&[7, 0], &[5, 0]), Some(7));
    assert_eq!(whole(&[u64::MAX, 1], &[1, u64::MAX]), None);
}

#[test]
fn weights_split_the_budget_downwards() {
    type Row = (&'static str, u64, &'static [u64], &'static [u64], u64);
    let rows: [Row; 6] = [
        ("W1", 90, &[1, 1, 1], &[30, 30, 30], 0),
        ("W2", 90, &[5, 3, 2], &[45, 27, 18], 0),
        ("W3", 100, &[1, 1, 1], &[33, 33, 33], 1),
        ("W4", 85, &[60, 30, 10], &[51, 25, 8], 1),
        ("W5", 10, &[7, 2, 1], &[7, 2, 1], 0),
        ("W6", 3, &[1, 1, 1, 1], &[0, 0, 0, 0], 3),
    ];
    for (id, budget, weights, shares, spare) in rows {
        let got = split(budget, weights).unwrap();
        assert_eq!(got, shares, "{id}");
        assert_eq!(budget - got.iter().sum::<u64>(), spare, "{id}");
    }
    assert!(split(90, &[0, 0]).is_err(), "W7");
    assert!(split(90, &[]).is_err());
}

#[test]
fn a_service_is_name_instances_processes_weight() {
    let service = |name: &str, instances, processes, weight| Service {
        processes,
        weight,
        ..Service::new(name, InstanceCount::fixed(instances))
    };
    let moving = InstanceCount { from: Some(3), to: 40 };
    assert_eq!(parse("api=3..40x2").unwrap(), Service { processes: 2, ..Service::new("api", moving) });
    assert_eq!(parse("api=8x4@3").unwrap(), service("api", 8, 4, 3));
    assert_eq!(parse("worker=2").unwrap(), service("worker", 2, 1, 1));
    assert_eq!(parse("cron=1@5").unwrap(), service("cron", 1, 1, 5));
    assert_eq!(parse("a=b@c=2X3").unwrap(), service("a=b@c", 2, 3, 1));
    for wrong in [
        "",
        "api",
        "=3",
        "api=",
        "api=x2",
        "api=2x",
        "api=2@",
        "api=-1",
        "api=0",
        "api=0..4",
        "api=4..3",
        "api=1x0",
        "api=2x3x4",
    ] {
        assert!(parse(wrong).is_err(), "{wrong:?}");
    }
}

proptest::proptest! {
    #[test]
    fn shares_never_exceed_the_whole(whole: u64, weights in proptest::collection::vec(proptest::num::u64::ANY, 1..20)) {
        if let Ok(shares) = split(whole, &weights) {
            let sum: u128 = shares.iter().map(|share| u128::from(*share)).sum();
            proptest::prop_assert!(sum <= u128::from(whole));
        }
    }

    #[test]
    fn the_whole_is_the_smallest_that_does(pairs in proptest::collection::vec((1_u64..5000, 1_u64..5000), 1..6)) {
        let (needs, weights): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let enough = |whole| split(whole, &weights).unwrap().iter().zip(&needs).all(|(share, need)| share >= need);
        let whole = whole(&needs, &weights).unwrap();
        proptest::prop_assert!(enough(whole) && !enough(whole - 1));
    }

    #[test]
    fn a_service_never_panics(text in ".{0,30}") {
        let _ = parse(&text);
    }
}
