use super::*;

const fn load(per_second: f64, held_seconds: f64) -> Load {
    Load { per_second, held_seconds }
}

#[test]
fn erlang_c_gives_the_textbook_values() {
    let rows = [(3, 0.4444, 8.889), (4, 0.1739, 1.739), (5, 0.0597, 0.398), (6, 0.0180, 0.090)];
    for (connections, probability, milliseconds) in rows {
        let waiting = load(100.0, 0.020).waiting(connections).unwrap();
        assert!((waiting.probability - probability).abs() < 0.00005, "{connections}: {waiting:?}");
        assert!((waiting.mean_seconds * 1000.0 - milliseconds).abs() < 0.0006, "{connections}: {waiting:?}");
    }
}

#[test]
fn queueing_rows() {
    let rows = [
        ("Q1", 100.0, 0.020, 2.0, 3, 4, 6, 3),
        ("Q2", 500.0, 0.010, 5.0, 6, 7, 10, 7),
        ("Q3", 200.0, 0.050, 10.0, 11, 13, 17, 13),
        ("Q4", 1000.0, 0.005, 5.0, 6, 6, 10, 7),
        ("Q5", 50.0, 0.200, 10.0, 11, 15, 17, 13),
        ("Q6", 1.0, 0.500, 0.5, 1, 3, 3, 1),
        ("Q7", 0.0, 0.100, 0.0, 1, 1, 1, 1),
    ];
    for (id, rate, held, busy, stable, five_ms, five_percent, eighty) in rows {
        let load = load(rate, held);
        assert!((load.busy() - busy).abs() < 1e-9, "{id}");
        assert_eq!(load.stable_connections(), stable, "{id} stable");
        assert_eq!(load.connections_until(|w| w.mean_seconds <= 0.005), Some(five_ms), "{id} mean wait");
        assert_eq!(load.connections_until(|w| w.probability <= 0.05), Some(five_percent), "{id} share");
        assert_eq!(load.at_eighty_percent(), eighty, "{id} 80 %");
    }
}

#[test]
fn an_unstable_queue_has_no_waiting_time() {
    assert_eq!(load(200.0, 0.050).waiting(10), None, "Q8");
    assert_eq!(load(200.0, 0.050).waiting(0), None);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_number_gives_an_answer_in_range(rate: f64, held: f64) {
        let load = load(rate, held);
        proptest::prop_assert!((1..=MAX_MAX_CONNECTIONS).contains(&load.stable_connections()));
        proptest::prop_assert!((1..=MAX_MAX_CONNECTIONS).contains(&load.at_eighty_percent()));
        if let Some(connections) = load.connections_until(|w| w.probability <= 0.05) {
            proptest::prop_assert!(connections as f64 > load.busy());
        }
    }
}
