use super::*;

fn busy(name: &str, sessions: i64, active: i64, occupied: i64) -> Busy {
    Busy {
        application_name: name.to_owned(),
        sessions,
        active,
        occupied,
        began: 0,
        hidden: 0,
        at_seconds: 0.0,
    }
}

fn counters(at_seconds: f64, transactions: f64, session: f64, active: f64, idle: f64) -> Counters {
    Counters {
        at_seconds,
        transactions,
        session_seconds: Some(session),
        active_seconds: Some(active),
        idle_in_transaction_seconds: Some(idle),
    }
}

#[test]
fn applications_are_averaged_over_all_looks() {
    let looks = vec![
        vec![busy("a", 4, 2, 3)],
        vec![busy("a", 4, 4, 4), busy("b", 1, 1, 1)],
        vec![busy("a", 4, 0, 2)],
    ];
    let seen =
        Observations { looks, seconds: 3.0, counters: None, ended_early: true, ..Observations::default() };
    let sample = judge(&seen, 0.005, 9, "guest");
    assert_eq!((sample.concurrency.mean_active, sample.concurrency.p95_active), (Some(7.0 / 3.0), Some(5)));
    assert_eq!(sample.applications[0].application_name, "a");
    assert_eq!(sample.applications[0].concurrency.mean_occupied, Some(3.0));
    assert_eq!(sample.applications[1].concurrency.mean_sessions, 1.0 / 3.0);
    assert!(sample.ended_early && sample.needed.is_none() && sample.transactions_per_second.is_none());
}

#[test]
fn the_load_gives_little_and_erlang() {
    // 100 transactions a second that hold a connection for 20 ms: two busy on average (Q1).
    let looks = vec![vec![busy("a", 10, 2, 2)]; 10];
    let counters = (counters(100.0, 1000.0, 500.0, 80.0, 0.0), counters(110.0, 2010.0, 610.0, 100.0, 20.0));
    let seen = Observations {
        looks,
        seconds: 10.0,
        counters: Some(counters),
        ended_early: false,
        ..Observations::default()
    };
    let sample = judge(&seen, 0.005, 9, "guest");
    assert_eq!(sample.transactions_per_second, Some(100.0));
    assert_eq!(sample.mean_active_by_statistics, Some(2.0));
    // 40 s held of 110 − 10 s of sessions.
    assert_eq!(sample.busy_ratio, Some(0.4));
    let needed = sample.needed.unwrap();
    assert_eq!((needed.stable_connections, needed.eighty_percent_connections), (3, 3));
    assert_eq!(needed.target_wait_connections, Some(4));
    assert!(needed.wait_at_optimal_seconds.unwrap() < 0.001);
}

#[test]
fn what_hidden_sessions_do_is_unknown_and_not_zero() {
    let hidden = Busy { hidden: 49, ..busy("hidden", 49, 0, 0) };
    let looks = vec![vec![busy("seen", 1, 1, 1), hidden]; 4];
    let counters = (counters(100.0, 1000.0, 500.0, 80.0, 0.0), counters(110.0, 2004.0, 610.0, 100.0, 20.0));
    let seen = Observations {
        looks,
        seconds: 10.0,
        counters: Some(counters),
        ended_early: false,
        ..Observations::default()
    };
    let sample = judge(&seen, 0.005, 9, "guest");
    assert_eq!((sample.concurrency.mean_sessions, sample.concurrency.mean_active), (50.0, None));
    assert_eq!(
        (sample.transactions_per_second, sample.held_seconds, sample.needed),
        (Some(100.0), None, None)
    );
    let loads: Vec<_> = sample.applications.iter().map(|load| load.concurrency.p95_occupied).collect();
    assert_eq!(loads, [None, Some(1)], "each application is judged by its own sessions");
    let said = "how many connections are busy: 49 of 50 sessions are hidden from guest; GRANT pg_monitor TO \"guest\"";
    assert_eq!(sample.unknown[0], said);
}

#[test]
fn nothing_seen_is_unknown_and_not_zero() {
    let sample = judge(&Observations::default(), 0.005, 9, "guest");
    assert_eq!((sample.needed, sample.held_seconds, sample.busy_ratio), (None, None, None));
    let reset = (counters(1.0, 500.0, 5.0, 5.0, 5.0), counters(9.0, 10.0, 1.0, 1.0, 1.0));
    let seen = Observations { counters: Some(reset), ..Observations::default() };
    assert_eq!(judge(&seen, 0.005, 9, "guest").transactions_per_second, None);
    assert!(judge(&seen, 0.005, 9, "guest").unknown.iter().any(|text| text.contains("arrival rate")));
}

#[test]
fn counters_that_lag_behind_what_was_seen_are_not_believed() {
    let look = |at: f64| vec![Busy { began: 5, at_seconds: at, ..busy("a", 20, 5, 5) }];
    let looks = (0..=100).map(|at| look(f64::from(at) / 10.0)).collect();
    let lagging = (counters(0.0, 0.0, 0.0, 0.0, 0.0), counters(10.0, 200.0, 99.0, 5.0, 0.0));
    let sample = judge(
        &Observations {
            looks,
            seconds: 10.0,
            counters: Some(lagging),
            ended_early: false,
            ..Observations::default()
        },
        0.005,
        9,
        "guest",
    );
    assert_eq!(sample.transactions_per_second, Some(50.0));
    assert_eq!((sample.held_seconds, sample.busy_ratio), (Some(0.1), None));
    assert!(sample.unknown[0].contains("counters lag"), "{:?}", sample.unknown);
}

#[test]
fn percentiles_are_nearest_rank() {
    assert_eq!(percentile_95((1..=100).collect()), 95);
    assert_eq!(percentile_95(vec![7]), 7);
    assert_eq!(percentile_95(Vec::new()), 0);
}

#[test]
fn what_is_counted_while_nobody_looks_is_not_of_the_load() {
    let counted = |at: f64, transactions: f64| counters(at, transactions, at, 0.0, 0.0);
    let look = |at: f64, began: i64| vec![Busy { at_seconds: at, began, ..busy("api", 1, 1, 1) }];
    let mut seen = Observations::default();
    seen.add(look(100.0, 0), Some(counted(100.0, 1000.0)), None);
    seen.add(look(102.0, 2), Some(counted(102.0, 1020.0)), None);
    // It was away for four seconds, and has lost its counters; it tells them with the second look only.
    seen.add(look(106.0, 50), None, Some(4.0));
    assert!(seen.wants_counters());
    seen.add(look(107.0, 1), Some(counted(107.0, 7.0)), None);
    seen.add(look(108.0, 1), Some(counted(108.0, 17.0)), None);
    assert!(!seen.wants_counters());
    let (first, last) = seen.counters.unwrap();
    assert_eq!((first, last), (counted(100.0, 1000.0), counted(103.0, 1030.0)));
    assert!((begun_per_second(&seen.looks) - 1.0).abs() < 1e-9, "{:?}", seen.looks);
}
