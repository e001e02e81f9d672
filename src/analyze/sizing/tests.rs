//! The plan as a whole: the fixed example, the rows that combine steps, and laws over the whole integer range.

use proptest::prelude::*;

use super::arithmetic::MAX_MAX_CONNECTIONS;
use super::*;

/// `--cores N --instances M` and nothing else.
pub(crate) fn request(cores: u64, instances: u64) -> Request {
    let assumed = |value| Figure { value, source: Source::Assumed };
    Request {
        cores: Figure { value: cores, source: Source::Given },
        spindles: assumed(1),
        max_connections: assumed(100),
        reserve_percent: assumed(15),
        reserved_slots: assumed(3),
        surge_percent: assumed(0),
        clients: Clients::Uniform {
            instances: Figure { value: instances, source: Source::Given },
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
    }
}

fn with_budget_90(cores: u64, instances: u64) -> Request {
    let mut request = request(cores, instances);
    request.reserve_percent.value = 10;
    request
}

fn codes(plan: &Plan) -> Vec<&'static str> {
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
    assert_eq!((assumed.value, assumed.source), (Some(100), Source::Assumed));
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
    assert_eq!(plan.pooler.clients, 50);
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
    assert_eq!((crowded.feasible, crowded.limited_by), (false, LimitedBy::MaxConnections));
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
    request.surge_percent = Figure { value: 25, source: Source::Given };
    let surged = plan(&request).unwrap();
    assert_eq!((surged.pool_count, surged.pool_size), (10, Some(8)));
    assert!(!codes(&surged).contains(&"rollout_surge"));
}

/// Mostly plausible numbers, and the whole range beside them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..300, 2 => 0_u64..300_000, 1 => any::<u64>()]
}

fn any_clients() -> impl Strategy<Value = Clients> {
    let figure = |value| Figure { value, source: Source::Given };
    let service = (number(), number(), number()).prop_map(|(instances, processes, weight)| Service {
        name: "s".to_owned(),
        instances,
        processes,
        weight,
    });
    prop_oneof![
        (number(), number()).prop_map(move |(instances, processes)| Clients::Uniform {
            instances: figure(instances),
            processes: figure(processes),
        }),
        prop::collection::vec(service, 0..5).prop_map(Clients::Services),
        number().prop_map(|concurrency| Clients::Serverless { concurrency }),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let figures = prop::collection::vec((number(), any::<bool>()), 7);
    let options = (
        prop::option::of(number()),
        prop::option::of(number()),
        prop::option::of((number(), prop::option::of(number()))),
    );
    let shape = (number(), number(), number());
    (figures, any_clients(), options, prop::option::of(number()), shape).prop_map(
        |(
            figures,
            clients,
            (threads, replicas, memory),
            replica_max_connections,
            (processes, pairs, reserve),
        )| {
            let figure = |index: usize| {
                let (value, given) = figures[index];
                Figure { value, source: if given { Source::Given } else { Source::Assumed } }
            };
            let given = |value| Figure { value, source: Source::Given };
            Request {
                cores: figure(0),
                spindles: figure(1),
                max_connections: figure(2),
                reserve_percent: figure(3),
                reserved_slots: figure(4),
                surge_percent: figure(5),
                clients,
                threads,
                connections_per_task: figure(6),
                pooler_processes: given(processes),
                pooler_pairs: given(pairs),
                pooler_reserve: given(reserve),
                replicas,
                replica_max_connections,
                memory,
            }
        },
    )
}

/// The pool size of a plausible request of one application, 0 when infeasible.
fn pool_size(request: &Request) -> u64 {
    plan(request).unwrap().pool_size.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_request_is_planned_or_refused(request in any_request()) {
        if let Ok(plan) = plan(&request) {
            prop_assert!(plan.total <= plan.budget);
            prop_assert!(plan.budget + request.reserved_slots.value <= request.max_connections.value);
            prop_assert!(plan.required_max_connections.is_none_or(|required| required <= MAX_MAX_CONNECTIONS));
            if plan.feasible {
                prop_assert!(plan.required_max_connections.is_some_and(|required| required <= request.max_connections.value));
                prop_assert!(plan.pool_size != Some(0) && plan.min_idle != Some(0));
            }
            prop_assert!(plan.pooler.client_pool_size > 0);
            if let Some(server_connections) = plan.pooler.server_connections {
                prop_assert!(server_connections <= plan.optimal_connections.min(plan.budget));
                prop_assert!(plan.pooler.default_pool_size != Some(0));
            }
            for (sizes, target) in [(&plan.pooler.transaction, plan.optimal_connections), (&plan.pooler.session, plan.total)] {
                let Ok(sizes) = sizes else { continue };
                prop_assert!(sizes.max_db_connections * request.pooler_processes.value <= target);
                prop_assert!(sizes.default_pool_size > 0 && sizes.max_client_conn >= plan.total);
            }
        }
    }

    /// With `required_max_connections` a feasible plan keeps every pool's size and an infeasible one becomes feasible;
    /// with one less a pool of the former shrinks, and the latter stays infeasible.
    #[test]
    fn required_max_connections_is_the_least_for_the_plan(
        services in prop::collection::vec((1_u64..60, 1_u64..6, 1_u64..20), 1..5),
        (cores, max, percent, slots) in (1_u64..64, 20_u64..1000, 0_u64..50, 0_u64..10),
    ) {
        let mut base = request(cores, 1);
        base.max_connections.value = max;
        base.reserve_percent.value = percent;
        base.reserved_slots.value = slots;
        base.clients = Clients::Services(services.into_iter().map(|(instances, processes, weight)| {
            Service { name: "s".to_owned(), instances, processes, weight }
        }).collect());
        let sizes = |plan: &Plan| plan.services.iter().map(|service| service.pool_size).collect::<Vec<_>>();
        let with = |max: u64| {
            let mut request = base.clone();
            request.max_connections.value = max;
            plan(&request)
        };
        let planned = with(max).unwrap();
        let required = planned.required_max_connections.unwrap();
        let (at, below) = (with(required).unwrap(), with(required - 1));
        prop_assert!(at.feasible);
        prop_assert!(!planned.feasible || sizes(&at) == sizes(&planned));
        let kept = |less: &Plan| if planned.feasible { sizes(less) == sizes(&planned) } else { less.feasible };
        prop_assert!(below.as_ref().map_or(true, |less| !kept(less)), "{required} is not the least");
    }

    #[test]
    fn a_pool_never_grows_with_what_takes_away(
        (cores, instances, processes, surge, percent, hard, max) in
            (1_u64..200, 1_u64..100, 1_u64..8, 0_u64..100, 0_u64..90, 0_u64..20, 50_u64..2000)
    ) {
        let mut base = request(cores, instances);
        base.clients = Clients::Uniform {
            instances: Figure::given_or(Some(instances), 1),
            processes: Figure::given_or(Some(processes), 1),
        };
        base.surge_percent.value = surge;
        base.reserve_percent.value = percent;
        base.reserved_slots.value = hard;
        base.max_connections.value = max;
        let size = pool_size(&base);
        let changed = |change: &dyn Fn(&mut Request)| {
            let mut request = base.clone();
            change(&mut request);
            pool_size(&request)
        };
        prop_assert!(changed(&|r| r.surge_percent.value += 10) <= size);
        prop_assert!(changed(&|r| r.reserve_percent.value += 5) <= size);
        prop_assert!(changed(&|r| r.reserved_slots.value += 5) <= size);
        prop_assert!(changed(&|r| r.max_connections.value += 7) >= size);
        let one_more = |of_instances: bool| changed(&|request| {
            if let Clients::Uniform { instances, processes } = &mut request.clients {
                if of_instances { instances.value += 1 } else { processes.value += 1 }
            }
        });
        prop_assert!(one_more(true) <= size);
        prop_assert!(one_more(false) <= size);
    }
}
