//! Laws over the whole integer range.

use proptest::prelude::*;

use super::request;
use crate::analyze::sizing::arithmetic::MAX_MAX_CONNECTIONS;
use crate::analyze::sizing::services::InstanceCount;
use crate::analyze::sizing::*;

/// Mostly plausible numbers, and the whole range beside them.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0_u64..300, 2 => 0_u64..300_000, 1 => any::<u64>()]
}

fn any_clients() -> impl Strategy<Value = Clients> {
    let figure = |value| Figure { value, source: FigureSource::Given };
    let tasks = prop::option::of((number(), prop::option::of(number())));
    let service =
        (number(), number(), number(), tasks).prop_map(|(instances, processes, weight, tasks)| Service {
            processes,
            weight,
            threads: tasks.map(|(threads, _)| threads),
            connections_per_task: tasks.and_then(|(_, connections)| connections),
            ..Service::new("s", InstanceCount::fixed(instances))
        });
    prop_oneof![
        (number(), number()).prop_map(move |(instances, processes)| Clients::Uniform {
            instances: figure(instances),
            instances_from: None,
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
                provided: None,
                current: Vec::new(),
            }
        },
    )
}

/// Mostly few, sometimes many, never none.
fn few(few: u64, many: u64) -> impl Strategy<Value = u64> {
    prop_oneof![3 => 1..few, 1 => 1..many]
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
            if plan.feasible_directly {
                prop_assert!(plan.required_max_connections.is_some_and(|required| required <= request.max_connections.value));
                prop_assert!(plan.pool_size != Some(0) && plan.min_idle != Some(0));
            }
            prop_assert!(plan.pooler.client_pool_size > 0);
            if let Some(server_connections) = plan.pooler.server_connections {
                prop_assert!(server_connections <= plan.optimal_connections.min(plan.budget));
                prop_assert!(plan.pooler.default_pool_size != Some(0));
            }
            for (sizes, target, clients) in [
                (&plan.pooler.transaction, plan.optimal_connections, plan.pooler.clients),
                (&plan.pooler.session, plan.total, plan.total),
            ] {
                let Ok(sizes) = sizes else { continue };
                prop_assert!(sizes.max_db_connections * request.pooler_processes.value <= target);
                prop_assert!(sizes.default_pool_size > 0 && sizes.max_client_conn >= clients);
            }
        }
    }

    /// A pool is at least 1 and never more than its tasks can use, whatever it connects to; behind a pooler its clients fit.
    #[test]
    fn a_pool_is_at_least_one_and_no_more_than_its_tasks_can_use(request in any_request()) {
        let Ok(plan) = plan(&request) else { return Ok(()) };
        for of in &plan.applications {
            prop_assert!(of.client_pool_size >= 1);
            prop_assert!(!plan.feasible_directly || of.pool_size >= 1);
            let Some(threads) = of.threads else { continue };
            let most = threads.saturating_mul(of.connections_per_task);
            prop_assert!(of.pool_size <= most && of.client_pool_size <= most, "{of:?}");
            let floor = of.deadlock_floor.unwrap();
            let serverless = matches!(request.clients, Clients::Serverless { .. });
            prop_assert!(serverless || of.pool_size >= floor.min(of.ceiling_per_pool), "{of:?}");
            prop_assert_eq!(of.deadlock.is_some(), of.pool_size > 0 && of.pool_size < floor);
        }
        if let Ok(sizes) = &plan.pooler.transaction {
            prop_assert!(sizes.max_client_conn >= plan.pooler.clients);
        }
    }

    /// What tasks need they have while there are slots, and never more than they can use or the hardware works on.
    #[test]
    fn a_pool_has_what_its_tasks_need_while_there_are_slots(
        (cores, instances, max) in (few(12, 200), few(6, 60), 50_u64..2000),
        (threads, held) in (few(60, 300), 1_u64..5),
    ) {
        let mut request = request(cores, instances);
        request.max_connections.value = max;
        request.threads = Some(threads);
        request.connections_per_task.value = held;
        let plan = plan(&request).unwrap();
        let (pool, ceiling) = (plan.pool_size.unwrap(), plan.ceiling_per_pool.unwrap());
        let floor = threads * (held - 1) + 1;
        prop_assert!(pool >= floor.min(ceiling));
        prop_assert!(pool <= (threads * held).min(plan.optimal_connections).max(floor));
        prop_assert_eq!(plan.deadlock().is_some(), ceiling > 0 && ceiling < floor);
        let client = plan.pooler.client_pool_size;
        prop_assert!(client >= floor && client <= (threads * held).min(plan.tier.high).max(floor), "{client}");
    }

    /// Behind a pooler no application opens more because there are more instances; more cores never take anything away, on
    /// neither way.
    #[test]
    fn behind_a_pooler_a_pool_never_grows_with_the_instances(
        (cores, instances, processes, threads) in (few(12, 200), few(60, 3000), 1_u64..20, prop::option::of(1_u64..100)),
        (more_instances, more_cores) in (few(60, 3000), few(12, 200)),
    ) {
        let with = |cores: u64, instances: u64| {
            let mut request = request(cores, instances);
            request.threads = threads;
            request.clients = Clients::Uniform {
                instances: Figure::given_or(Some(instances), 1),
                instances_from: None,
                processes: Figure::given_or(Some(processes), 1),
            };
            plan(&request).unwrap()
        };
        let (base, more) = (with(cores, instances), with(cores, instances + more_instances));
        prop_assert!(more.pooler.client_pool_size <= base.pooler.client_pool_size);
        let lowest = threads.map_or(base.tier.low, |threads| threads.min(base.tier.low));
        prop_assert!(base.pooler.client_pool_size >= lowest, "never below the usual size");
        let faster = with(cores + more_cores, instances);
        prop_assert!(faster.pooler.client_pool_size >= base.pooler.client_pool_size);
        prop_assert!(faster.pool_size >= base.pool_size);
        prop_assert!(faster.pooler.default_pool_size >= base.pooler.default_pool_size);
    }

    /// Of a range the end is planned for, and the beginning costs no more.
    #[test]
    fn a_range_is_the_plan_of_its_end(cores in 1_u64..100, from in 1_u64..300, more in 0_u64..300) {
        let mut moving = request(cores, from + more);
        let end = plan(&moving).unwrap();
        if let Clients::Uniform { instances_from, .. } = &mut moving.clients {
            *instances_from = Some(from);
        }
        let ranged = plan(&moving).unwrap();
        let range = ranged.instance_range.unwrap();
        prop_assert_eq!((ranged.pool_size, ranged.total), (end.pool_size, end.total));
        prop_assert_eq!((range.from, range.to, range.total_at_to), (from, from + more, end.total));
        prop_assert!(range.total_at_from <= range.total_at_to && range.pool_size_for_from >= end.pool_size);
    }

    /// Of any two requests of which one only has more cores.
    #[test]
    fn no_pool_shrinks_with_more_cores_in_the_whole_range(base in any_request(), by in number()) {
        let mut more = base.clone();
        more.cores.value = more.cores.value.saturating_add(by);
        if let (Ok(before), Ok(after)) = (plan(&base), plan(&more)) {
            for (before, after) in before.applications.iter().zip(&after.applications) {
                prop_assert!(before.pool_size <= after.pool_size && before.client_pool_size <= after.client_pool_size);
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
            Service { processes, weight, ..Service::new("s", InstanceCount::fixed(instances)) }
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
        prop_assert!(at.feasible_directly);
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
            instances_from: None,
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
            if let Clients::Uniform { instances, processes, .. } = &mut request.clients {
                if of_instances { instances.value += 1 } else { processes.value += 1 }
            }
        });
        prop_assert!(one_more(true) <= size);
        prop_assert!(one_more(false) <= size);
    }
}
