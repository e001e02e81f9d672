//! The plan as a whole: the fixed example, and the rows that combine steps. `laws` hold for every request.

mod laws;

use super::*;

/// `--cores N --instances M` and nothing else.
pub(crate) fn request(cores: u64, instances: u64) -> SizeRequest {
    let assumed = |value| Figure { value, source: FigureSource::Assumed };
    SizeRequest {
        cores: Figure { value: cores, source: FigureSource::Given },
        spindles: assumed(1),
        max_connections: assumed(100),
        reserve_percent: assumed(15),
        reserved_slots: assumed(3),
        surge_percent: assumed(0),
        clients: Clients::Uniform {
            instances: Figure { value: instances, source: FigureSource::Given },
            instances_from: None,
            processes: assumed(1),
        },
        threads: None,
        connections_per_task: assumed(1),
        pooler_processes: assumed(1),
        pooler_pairs: assumed(1),
        pooler_reserve: assumed(0),
        replicas: None,
        replica_max_connections: None,
        memory: None,
        provided: None,
        current: Vec::new(),
    }
}

fn with_budget_90(cores: u64, instances: u64) -> SizeRequest {
    let mut request = request(cores, instances);
    request.reserve_percent.value = 10;
    request
}

fn codes(plan: &SizePlan) -> Vec<&'static str> {
    plan.advice.iter().map(|advice| advice.code).collect()
}

#[test]
fn four_cores_and_eight_instances() {
    let plan = plan(&request(4, 8)).unwrap();
    assert_eq!(plan.optimal_connections, 9);
    assert_eq!((plan.reserved, plan.budget), (15, 85));
    assert_eq!(plan.ceiling_per_pool, Some(10));
    assert_eq!(plan.fair_share_per_pool, Some(1));
    assert_eq!(plan.pool_size, Some(9));
    assert_eq!(plan.min_idle, Some(1));
    assert_eq!(plan.total, 72);
    assert!((plan.oversubscription_factor - 8.0).abs() < f64::EPSILON);
    assert_eq!(plan.required_max_connections, Some(85));
    assert_eq!(plan.limited_by, LimitedBy::Hardware);
    assert!(plan.feasible && plan.pooler.recommended);
    assert_eq!(plan.pooler.default_pool_size, Some(9));
    assert_eq!(plan.tier.name, "medium");
    let assumed = plan.inputs.iter().find(|input| input.name == "max_connections").unwrap();
    assert_eq!((&assumed.value, assumed.source), (&Some(InputValue::Number(100)), FigureSource::Assumed));
    assert_eq!(
        codes(&plan),
        [
            "max_connections_assumed",
            "oversubscribed",
            "pooler_recommended",
            "rollout_surge",
            "physical_cores"
        ]
    );
    let total = plan.steps.iter().find(|step| step.name == "total").unwrap();
    assert_eq!((total.expression.as_str(), total.value), ("9 × 8", 72));
}

#[test]
fn hardware_and_max_connections_bind_in_turn() {
    let rows = [
        ("H1", 4, 1, 9, 9, LimitedBy::Hardware),
        ("H2", 4, 3, 9, 3, LimitedBy::Hardware),
        ("H3", 4, 10, 9, 0, LimitedBy::Hardware),
        ("H4", 64, 1, 90, 129, LimitedBy::MaxConnections),
        ("H5", 2, 5, 5, 1, LimitedBy::Hardware),
    ];
    for (id, cores, instances, pool_size, fair, limited_by) in rows {
        let plan = plan(&with_budget_90(cores, instances)).unwrap();
        assert_eq!(plan.pool_size, Some(pool_size), "{id}");
        assert_eq!(plan.fair_share_per_pool, Some(fair), "{id}");
        assert_eq!(plan.limited_by, limited_by, "{id}");
    }
    let crowded = plan(&with_budget_90(4, 10)).unwrap();
    assert!(crowded.pooler.recommended && codes(&crowded).contains(&"oversubscribed"), "H3");
    assert_eq!(crowded.pooler.default_pool_size, Some(9), "H3");
    assert!(codes(&plan(&with_budget_90(64, 1)).unwrap()).contains(&"limited_by_max_connections"), "H4");
}

#[test]
fn more_pools_than_connections_is_infeasible_and_says_what_would_do() {
    let plan = plan(&with_budget_90(4, 91)).unwrap();
    assert!(!plan.feasible);
    assert_eq!((plan.pool_size, plan.total), (Some(0), 0));
    // 101 keeps ceil(10.1) = 11 back, so 90 remain; 102 keeps 11 back too, and 91 remain.
    assert_eq!(plan.required_max_connections, Some(102));
    assert!(plan.advice[0].message.contains("max_connections 102"), "{:?}", plan.advice[0]);
    assert!(plan.pooler.client_pool_size > 0);
}

#[test]
fn services_share_by_weight() {
    let mut request = with_budget_90(4, 1);
    request.clients = Clients::Services(
        ["api=8x4@3", "worker=2@2"].iter().map(|text| services::parse(text).unwrap()).collect(),
    );
    let plan = plan(&request).unwrap();
    let sizes: Vec<_> =
        plan.services.iter().map(|s| (s.budget, s.pool_count, s.pool_size, s.total)).collect();
    assert_eq!(sizes, [(54, 32, 1, 32), (36, 2, 9, 18)]);
    assert_eq!((plan.pool_count, plan.total), (34, 50));
    assert_eq!(plan.pool_size, None, "no one size holds for both");
    assert_eq!(
        plan.required_max_connections,
        Some(60),
        "api needs 54 to have 32 of them, and 6 are kept back"
    );
    assert_eq!(plan.pooler.clients, 34 * 9, "behind a pooler nobody divides the budget");
    let step = plan.steps.iter().find(|step| step.name == "required_budget").unwrap();
    assert_eq!((step.expression.as_str(), step.value), ("max(ceil(32 × 5 / 3), ceil(18 × 5 / 2))", 54));
}

#[test]
fn a_starved_service_says_what_would_feed_it() {
    let services = |texts: [&str; 2]| {
        let mut request = request(4, 1);
        let services = texts.iter().map(|text| services::parse(text).unwrap());
        request.clients = Clients::Services(services.collect());
        plan(&request).unwrap()
    };
    let starved = services(["a=100", "b=1"]);
    assert_eq!((starved.feasible, starved.required_max_connections), (false, Some(236)));
    assert!(starved.advice[0].message.contains("max_connections 236"), "{:?}", starved.advice[0]);
    assert!(starved.pooler.session.is_err(), "no direct plan, no session for each client");
    let weightless = services(["a=1@0", "b=1"]);
    assert_eq!((weightless.feasible, weightless.required_max_connections), (false, None));
}

#[test]
fn a_pooler_has_sizes_for_each_mode_or_none() {
    let mut request = request(4, 8);
    let fits = plan(&request).unwrap().pooler;
    assert_eq!(fits.transaction.map(|sizes| (sizes.default_pool_size, sizes.max_client_conn)), Ok((9, 100)));
    assert_eq!(fits.session.map(|sizes| (sizes.default_pool_size, sizes.max_client_conn)), Ok((72, 100)));
    request.clients = Clients::Uniform {
        instances: Figure::given_or(Some(4_294_967_295), 1),
        instances_from: None,
        processes: Figure::given_or(Some(4), 1),
    };
    let countless = plan(&request).unwrap();
    assert!(countless.pooler.transaction.unwrap_err().message.contains("more than PgBouncer can count"));
    assert_eq!((countless.pooler.default_pool_size, countless.pooler.max_client_conn), (None, None));
}

#[test]
fn a_serverless_instance_holds_one_connection() {
    let mut request = request(4, 1);
    request.clients = Clients::Serverless { concurrency: 60 };
    let fits = plan(&request).unwrap();
    assert_eq!((fits.pool_size, fits.total, fits.feasible), (Some(1), 60, true));
    assert_eq!(fits.limited_by, LimitedBy::Hardware, "more max_connections would change nothing");
    assert!(fits.pooler.recommended && codes(&fits).contains(&"serverless"));
    request.clients = Clients::Serverless { concurrency: 200 };
    let crowded = plan(&request).unwrap();
    assert_eq!((crowded.feasible, crowded.feasible_directly), (true, false), "a pooler has room for them");
    assert_eq!(crowded.limited_by, LimitedBy::MaxConnections);
    assert!(codes(&crowded).contains(&"directly_infeasible") && !codes(&crowded).contains(&"infeasible"));
    assert_eq!((crowded.pooler.client_pool_size, crowded.pooler.clients), (1, 200));
}

#[test]
fn a_replica_below_its_primary_is_refused() {
    let mut request = request(4, 4);
    request.replica_max_connections = Some(50);
    assert!(plan(&request).unwrap_err().message.contains("does not start"), "R3");
    request.replica_max_connections = None;
    request.replicas = Some(2);
    request.reserve_percent.value = 10;
    request.cores.value = 64;
    let plan = plan(&request).unwrap();
    assert_eq!(plan.pool_size, Some(22), "R1");
    let said = plan.advice.iter().find(|advice| advice.code == "replicas").unwrap();
    assert!(said.message.contains("66 connections"), "{}", said.message);
}

#[test]
fn a_pool_below_the_deadlock_floor_is_warned_about() {
    let mut request = request(4, 10);
    request.threads = Some(8);
    request.connections_per_task.value = 2;
    let warned = plan(&request).unwrap();
    assert_eq!((warned.pool_size, warned.deadlock_floor), (Some(8), Some(9)), "O13");
    assert!(codes(&warned).contains(&"deadlock"));
    request.connections_per_task.value = 1;
    assert!(!codes(&plan(&request).unwrap()).contains(&"deadlock"));
}

#[test]
fn a_surge_that_was_planned_for_is_not_warned_about() {
    assert!(codes(&plan(&request(4, 8)).unwrap()).contains(&"rollout_surge"));
    assert!(!codes(&plan(&request(4, 2)).unwrap()).contains(&"rollout_surge"));
    let mut request = request(4, 8);
    request.surge_percent = Figure { value: 25, source: FigureSource::Given };
    let surged = plan(&request).unwrap();
    assert_eq!((surged.pool_count, surged.pool_size), (10, Some(8)));
    assert!(!codes(&surged).contains(&"rollout_surge"));
}
