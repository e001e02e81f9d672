use super::range::Scale;
use super::*;
use crate::model::health::Culprit;
use crate::model::server::ConnectionSlots as Slots;
use crate::model::usage::{Connections, LimitUse, Owner};
use proptest::prelude::*;

fn facts(used: i64, hidden: i64) -> HealthFacts {
    let slots = Slots { max_connections: 100, superuser_reserved: 3, reserved: 0 };
    HealthFacts {
        connections: Connections::new(slots, used, hidden),
        undecidable: hidden,
        ..HealthFacts::default()
    }
}

fn judged(rule: Rule, thresholds: Thresholds, facts: &HealthFacts) -> Verdict {
    judge(&Policy { thresholds, ..Policy::of(rule) }, facts, &Filter::default(), 0.001)
}

fn status(rule: Rule, facts: &HealthFacts) -> Status {
    judged(rule, rule.defaults(), facts).status
}

fn aged(seconds: f64) -> Longest {
    Longest { count: 1, seconds: Some(seconds), culprit: Some(Culprit::default()), ..Longest::default() }
}

#[test]
fn the_defaults_are_crossed_where_they_say() {
    // 80 % of 97 is 77.6, 95 % is 92.15.
    for (used, expected) in
        [(77, Status::Ok), (78, Status::Warning), (92, Status::Warning), (93, Status::Critical)]
    {
        assert_eq!(status(Rule::Connections, &facts(used, 0)), expected, "{used}");
    }
    for (seconds, expected) in [(300.0, Status::Ok), (300.1, Status::Warning), (1800.1, Status::Critical)] {
        let facts = HealthFacts { idle_xact: aged(seconds), ..facts(1, 0) };
        assert_eq!(status(Rule::IdleXact, &facts), expected, "{seconds}");
    }
    let warning = |rule: Rule| Bounds::of_numbers(&rule.defaults()).warning.unwrap().to_string();
    let critical = |rule: Rule| Bounds::of_numbers(&rule.defaults()).critical.unwrap().to_string();
    let ages = [Rule::LongQuery, Rule::LongXact, Rule::Blocked, Rule::PreparedXact];
    assert_eq!(ages.map(warning), ["900", "1800", "30", "300"]);
    assert_eq!(ages.map(critical), ["3600", "7200", "300", "3600"]);
}

#[test]
fn hidden_sessions_are_unknown_only_where_they_could_change_the_verdict() {
    assert_eq!(status(Rule::Connections, &facts(10, 5)), Status::Ok);
    assert_eq!(status(Rule::Connections, &facts(10, 70)), Status::Unknown);
    // At least a warning, whoever is hidden.
    assert_eq!(status(Rule::Connections, &facts(80, 15)), Status::Warning);
    assert_eq!(status(Rule::Connections, &facts(95, 5)), Status::Critical);
    assert_eq!(status(Rule::IdleXact, &facts(10, 1)), Status::Unknown);
    assert_eq!(status(Rule::PreparedXact, &facts(10, 1)), Status::Ok);
    assert_eq!(status(Rule::Reachable, &facts(10, 1)), Status::Ok);
    let seen = HealthFacts { long_xact: aged(1e6), ..facts(10, 1) };
    assert_eq!(status(Rule::LongXact, &seen), Status::Critical);
    // A range that alerts on few: more of them can only make it better.
    let at_least = Thresholds { warning: Some(range("20:")), critical: None };
    assert_eq!(judged(Rule::Connections, at_least, &facts(10, 5)).status, Status::Warning);
    assert_eq!(judged(Rule::Connections, at_least, &facts(10, 15)).status, Status::Unknown);
}

fn range(text: &str) -> Range {
    range::parse(text, Scale::Connections, |_| Err(String::new())).unwrap()
}

#[test]
fn the_worst_of_cluster_roles_and_databases_counts() {
    let limit =
        |owner, name: &str, used, limit| LimitUse { owner, name: name.into(), used, hidden: 0, limit };
    let facts = HealthFacts {
        limits: vec![
            limit(Owner::Role, "app", 9, 10),
            limit(Owner::Database, "shop", 20, 20),
            limit(Owner::Role, "bi", 1, 10),
        ],
        ..facts(30, 0)
    };
    let verdict = judged(Rule::Connections, Rule::Connections.defaults(), &facts);
    assert_eq!(verdict.status, Status::Critical);
    assert_eq!(verdict.limit.unwrap().name, "shop");
    let labels: Vec<&str> = verdict.measures.iter().map(|measure| measure.label.as_str()).collect();
    assert_eq!(labels, ["connections", "database shop", "role app", "role bi"]);
    // The threshold in connections that means the same as 80 % of 10.
    assert_eq!(verdict.measures[2].warning.as_deref(), Some("8"));
}

#[test]
fn the_longest_wait_counts_and_who_is_before_it_is_found() {
    let waiter = |pid: i32, seconds: Option<f64>, blocked_by: &[i32]| Waiter {
        who: Culprit { pid, ..Culprit::default() },
        selected: seconds.is_some(),
        seconds,
        at_most: false,
        waits_for: seconds.map(|_| "Lock".into()),
        blocked_by: blocked_by.to_vec(),
    };
    let queue = LockWaiters {
        waiting: 3,
        sessions: vec![
            waiter(3, Some(9.0), &[2]),
            waiter(2, Some(10.0), &[1]),
            waiter(1, None, &[]),
            // it waits for a standby, so that nobody is before it
            waiter(4, Some(5.0), &[]),
        ],
        ..LockWaiters::default()
    };
    let longest = longest_wait(&queue).unwrap();
    assert_eq!(longest.who.pid, 2);
    assert_eq!(head_of_queue(&queue, &queue.sessions[0]).unwrap().who.pid, 1);
    assert_eq!(head_of_queue(&queue, &queue.sessions[3]).map(|head| head.who.pid), None);
    assert_eq!(heads_of_queues(&queue), 1);
}

#[test]
fn what_is_no_wait_for_a_lock_may_have_lasted_no_time_at_all() {
    let waits = |all: &[(&str, f64)]| HealthFacts {
        waits: LockWaiters {
            waiting: i64::try_from(all.len()).unwrap(),
            sessions: all
                .iter()
                .map(|(waits_for, seconds)| Waiter {
                    who: Culprit::default(),
                    selected: true,
                    seconds: Some(*seconds),
                    at_most: *waits_for != "Lock",
                    waits_for: Some((*waits_for).into()),
                    blocked_by: Vec::new(),
                })
                .collect(),
            ..LockWaiters::default()
        },
        ..HealthFacts::default()
    };
    let blocked = |all: &[(&str, f64)]| {
        let verdict = judged(Rule::Blocked, Rule::Blocked.defaults(), &waits(all));
        (verdict.status, verdict.measure.value)
    };
    assert_eq!(blocked(&[("SyncRep", 20.0)]), (Status::Ok, None));
    assert_eq!(blocked(&[("SyncRep", 400.0)]), (Status::Unknown, None));
    assert_eq!(blocked(&[("SyncRep", 400.0), ("Lock", 40.0)]), (Status::Warning, None));
    assert_eq!(blocked(&[("SyncRep", 400.0), ("Lock", 500.0)]), (Status::Critical, Some(500.0)));
    let two = Thresholds {
        warning: Some(
            range::parse("2@30s", Scale::Time, |_| Ok(std::time::Duration::from_secs(30))).unwrap(),
        ),
        critical: None,
    };
    let count = |all: &[(&str, f64)]| judged(Rule::Blocked, two, &waits(all)).status;
    assert_eq!(count(&[("Lock", 40.0), ("SyncRep", 20.0)]), Status::Ok);
    assert_eq!(count(&[("Lock", 40.0), ("SyncRep", 40.0)]), Status::Unknown);
    assert_eq!(count(&[("Lock", 40.0), ("Lock", 40.0)]), Status::Warning);
}

#[test]
fn a_wait_of_unknown_age_is_counted_once() {
    let waiter = |seconds| Waiter {
        who: Culprit::default(),
        selected: true,
        seconds,
        at_most: false,
        waits_for: Some("Lock".into()),
        blocked_by: Vec::new(),
    };
    let waits =
        LockWaiters { waiting: 2, sessions: vec![waiter(Some(9.0)), waiter(None)], ..LockWaiters::default() };
    let facts = HealthFacts { waits, ..HealthFacts::default() };
    let status = |text: &str| {
        let thresholds = Thresholds { warning: Some(range(text)), critical: None };
        states::judge(&[("waiting", thresholds)], &facts).status
    };
    // Two wait, whatever their ages.
    assert_eq!((status("2"), status("1")), (Status::Ok, Status::Warning));
}

#[test]
fn the_worst_status_wins() {
    use Status::{Critical, Ok, Unknown, Warning};
    assert_eq!(worst([Ok, Unknown, Warning, Critical].into_iter()), Critical);
    assert_eq!(worst([Ok, Unknown, Warning].into_iter()), Warning);
    assert_eq!(worst([Ok, Unknown].into_iter()), Unknown);
    assert_eq!(worst([].into_iter()), Ok);
}

proptest! {
    /// Never a false OK: when OK is said with hidden sessions, it is OK however many of them are connections.
    #[test]
    fn ok_holds_whatever_is_hidden(used in 0i64..120, hidden in 0i64..60, low in 0i64..100, width in 0i64..60, inside: bool) {
        let text = format!("{}{low}:{}", if inside { "@" } else { "" }, low + width);
        let thresholds = Thresholds { warning: Some(range(&text)), critical: None };
        let seen = judged(Rule::Connections, thresholds, &facts(used, hidden)).status;
        let truths: Vec<Status> = (used..=used + hidden)
            .map(|truth| judged(Rule::Connections, thresholds, &facts(truth, 0)).status)
            .collect();
        let expected = if truths.iter().all(|truth| *truth == truths[0]) { truths[0] } else { Status::Unknown };
        prop_assert_eq!(seen, expected);
    }
}
