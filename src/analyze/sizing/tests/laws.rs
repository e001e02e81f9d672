//! Laws over the whole integer range.

use proptest::prelude::*;

use super::request;
use crate::analyze::sizing::arithmetic::MAX_MAX_CONNECTIONS;
use crate::analyze::sizing::*;

/// Mostly plausible numbers, and the whole range beside them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..300, 2 => 0_u64..300_000, 1 => any::<u64>()]
}

fn any_clients() -> impl Strategy<Value = Clients> {
    let figure = |value| Figure { value, source: FigureSource::Given };
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

fn any_request() -> impl Strategy<Value = SizeRequest> {
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
                Figure { value, source: if given { FigureSource::Given } else { FigureSource::Assumed } }
            };
            let given = |value| Figure { value, source: FigureSource::Given };
            SizeRequest {
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
fn pool_size(request: &SizeRequest) -> u64 {
    plan(request).unwrap().pool_size.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_request_is_planned_or_refused(request in any_request()) {
        if let Ok(plan) = plan(&request) {
            prop_assert!(plan.total <= plan.budget);
            prop_assert!(plan.services.iter().map(|service| service.budget).sum::<u64>() <= plan.budget);
            prop_assert!(plan.services.iter().all(|service| service.total <= service.budget));
            prop_assert!(plan.pool_size.is_none_or(|size| size * plan.pool_count == plan.total));
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
        let sizes = |plan: &SizePlan| plan.services.iter().map(|service| service.pool_size).collect::<Vec<_>>();
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
        let kept = |less: &SizePlan| if planned.feasible { sizes(less) == sizes(&planned) } else { less.feasible };
        prop_assert!(below.as_ref().map_or(true, |less| !kept(less)), "{required} is not the least");
    }

    /// Of any two requests of which one only takes more away, or has more max_connections.
    #[test]
    fn no_pool_grows_with_what_takes_away_in_the_whole_range(base in any_request(), by in number(), which in 0..6) {
        let sizes = |request: &SizeRequest| {
            let plan = plan(request).ok()?;
            let services = plan.services.iter().map(|service| service.pool_size);
            Some(services.chain(plan.pool_size).collect::<Vec<_>>())
        };
        let mut more = base.clone();
        let grown = |number: &mut u64| *number = number.saturating_add(by);
        match (which, &mut more.clients) {
            (0, _) => grown(&mut more.surge_percent.value),
            (1, _) => grown(&mut more.reserve_percent.value),
            (2, _) => grown(&mut more.reserved_slots.value),
            (3, Clients::Uniform { instances, .. }) => grown(&mut instances.value),
            (3, Clients::Serverless { concurrency }) => grown(concurrency),
            (3, Clients::Services(services)) => services.iter_mut().for_each(|service| grown(&mut service.instances)),
            (4, Clients::Uniform { processes, .. }) => grown(&mut processes.value),
            (4, Clients::Services(services)) => services.iter_mut().for_each(|service| grown(&mut service.processes)),
            _ => grown(&mut more.max_connections.value),
        }
        let max_grew = more.max_connections != base.max_connections;
        if let (Some(before), Some(after)) = (sizes(&base), sizes(&more)) {
            let (less, most) = if max_grew { (before, after) } else { (after, before) };
            prop_assert!(less.iter().zip(&most).all(|(less, most)| less <= most), "{less:?} {most:?}");
        }
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
        let changed = |change: &dyn Fn(&mut SizeRequest)| {
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
