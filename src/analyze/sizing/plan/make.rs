//! From a request to its plan: each step of the arithmetic in order, recorded as it is done.

use super::{Input, InputValue, LimitedBy, PoolerPlan, ServicePlan, SizePlan, SizeStep, Tier};
use crate::analyze::sizing::arithmetic::{self, Budget};
use crate::analyze::sizing::pooler::{self, Shape};
use crate::analyze::sizing::{
    Clients, Figure, FigureSource, Refused, Service, SizeRequest, advice, memory, services,
};

/// Writes the arithmetic down while it is done.
#[derive(Default)]
struct Steps(Vec<SizeStep>);

impl Steps {
    fn record(&mut self, name: impl Into<String>, expression: String, value: u64) -> u64 {
        self.0.push(SizeStep { name: name.into(), expression, value });
        value
    }
}

/// Makes the plan of `request`. An infeasible one is a plan too (`feasible` is false); errors are for requests
/// that no server could have.
pub(crate) fn plan(request: &SizeRequest) -> Result<SizePlan, Refused> {
    let mut steps = Steps::default();
    let SizeRequest { cores, spindles, max_connections, reserve_percent, reserved_slots, .. } = request;
    check_replicas(request)?;

    let optimal = arithmetic::optimal(cores.value, spindles.value)?;
    steps.record("optimal_connections", format!("{} × 2 + {}", cores.value, spindles.value), optimal);
    let Budget { reserved, budget } =
        arithmetic::budget(max_connections.value, reserve_percent.value, reserved_slots.value)?;
    steps.record(
        "reserved",
        format!(
            "max(ceil({} × {} / 100), {})",
            max_connections.value, reserve_percent.value, reserved_slots.value
        ),
        reserved,
    );
    steps.record("budget", format!("{} − {reserved}", max_connections.value), budget);

    let services = size_services(request, optimal, budget, &mut steps)?;
    let feasible = services.iter().all(|service| service.pool_size > 0);
    let pool_count = services
        .iter()
        .try_fold(0_u64, |sum, service| sum.checked_add(service.pool_count))
        .ok_or_else(|| Refused::plain("the services have too many pools to count".to_owned()))?;
    let total = services.iter().map(|service| service.total).sum();
    if services.len() > 1 {
        let terms: Vec<String> = services.iter().map(|service| service.total.to_string()).collect();
        steps.record("total", terms.join(" + "), total);
    }

    let required = required_max_connections(request, &services, &mut steps);
    let deadlock_floor = request
        .threads
        .map(|threads| arithmetic::deadlock_floor(threads, request.connections_per_task.value))
        .transpose()?;
    if let (Some(threads), Some(floor)) = (request.threads, deadlock_floor) {
        steps.record(
            "deadlock_floor",
            format!("{threads} × ({} − 1) + 1", request.connections_per_task.value),
            floor,
        );
    }

    let tier = tier(request);
    let fair_share_per_pool = the_one(&services, |service| service.fair_share_per_pool);
    let recommended = pooler_recommended(request, &services, pool_count);
    let most = most_per_pool(request, optimal);
    // Where no direct plan exists, an application pool behind PgBouncer still needs a size: the usual one.
    let usual = most.min(tier.high);
    let pooler = size_pooler(request.shape(), optimal.min(budget), &services, usual, recommended, &mut steps);
    let ceiling_binds = services.iter().any(|service| service.ceiling_per_pool < most);
    let mut plan = SizePlan {
        inputs: inputs(request),
        optimal_connections: optimal,
        reserved,
        budget,
        pool_count,
        ceiling_per_pool: the_one(&services, |service| service.ceiling_per_pool),
        fair_share_per_pool,
        pool_size: the_one(&services, |service| service.pool_size),
        min_idle: the_one(&services, |service| service.min_idle),
        total,
        oversubscription_factor: hundredths(total, optimal),
        limited_by: if ceiling_binds { LimitedBy::MaxConnections } else { LimitedBy::Hardware },
        feasible,
        required_max_connections: required,
        tier,
        pooler,
        deadlock_floor,
        services: if matches!(request.clients, Clients::Services(_)) { services } else { Vec::new() },
        memory: request.memory.map(|(memory, work_mem)| memory::fit(memory, work_mem)).transpose()?,
        infeasible: None,
        advice: Vec::new(),
        steps: steps.0,
    };
    plan.infeasible = advice::infeasible(request, &plan);
    plan.advice = advice::advise(request, &plan);
    Ok(plan)
}

/// The value that holds for every service, or `None` when they differ.
fn the_one(services: &[ServicePlan], value: impl Fn(&ServicePlan) -> u64) -> Option<u64> {
    let first = services.first().map(&value)?;
    services.iter().all(|service| value(service) == first).then_some(first)
}

/// `total / optimal` rounded to hundredths by integer arithmetic.
fn hundredths(total: u64, optimal: u64) -> f64 {
    let optimal = optimal.max(1);
    total.saturating_mul(100).saturating_add(optimal / 2).checked_div(optimal).unwrap_or(0) as f64 / 100.0
}

/// A standby does not start with a lower max_connections than its primary.
fn check_replicas(request: &SizeRequest) -> Result<(), Refused> {
    request.replica_max_connections.map_or(Ok(()), arithmetic::check_max_connections)?;
    match request.replica_max_connections {
        Some(replica) if replica < request.max_connections.value => Err(Refused::new(
            format!(
                "a replica with max_connections {replica} does not start below its primary's {}",
                request.max_connections.value
            ),
            "raise the replicas first; lower the primary first",
        )),
        _ => Ok(()),
    }
}

/// The services to size. A single application is one service that owns the whole budget.
fn clients(request: &SizeRequest) -> Vec<Service> {
    let single =
        |instances, processes| vec![Service { name: String::new(), instances, processes, weight: 1 }];
    match &request.clients {
        Clients::Uniform { instances, processes } => single(instances.value, processes.value),
        Clients::Serverless { concurrency } => single(*concurrency, 1),
        Clients::Services(services) => services.clone(),
    }
}

/// The most that one pool can use, whatever the server has room for. Each serverless instance runs one request at a
/// time, so it has no use for a second connection.
fn most_per_pool(request: &SizeRequest, optimal: u64) -> u64 {
    if matches!(request.clients, Clients::Serverless { .. }) { 1 } else { optimal }
}

fn size_services(
    request: &SizeRequest,
    optimal: u64,
    budget: u64,
    steps: &mut Steps,
) -> Result<Vec<ServicePlan>, Refused> {
    let services = clients(request);
    let weights: Vec<u64> = services.iter().map(|service| service.weight).collect();
    let budgets = services::split(budget, &weights)?;
    let optima = services::split(optimal, &weights)?;
    let several = matches!(request.clients, Clients::Services(_));
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let most = most_per_pool(request, optimal);
    services
        .into_iter()
        .zip(budgets)
        .zip(optima)
        .map(|((service, share), optimal_share)| {
            let label =
                |name: &str| if several { format!("{name}[{}]", service.name) } else { name.to_owned() };
            if several {
                steps.record(label("budget"), format!("floor({budget} × {} / {sum})", service.weight), share);
            }
            let surge = request.surge_percent.value;
            let peak = arithmetic::peak_instances(service.instances, surge)?;
            steps.record(
                label("peak_instances"),
                format!("{} + ceil({} × {surge} / 100)", service.instances, service.instances),
                peak,
            );
            let pools = arithmetic::pool_count(peak, service.processes)?;
            steps.record(label("pool_count"), format!("{peak} × {}", service.processes), pools);
            // A pool count is at least 1: neither factor is 0.
            let ceiling = share / pools.max(1);
            steps.record(label("ceiling_per_pool"), format!("floor({share} / {pools})"), ceiling);
            let pool_size = most.min(ceiling);
            steps.record(label("pool_size"), format!("min({most}, {ceiling})"), pool_size);
            let fair = optimal_share / pools.max(1);
            steps.record(label("fair_share_per_pool"), format!("floor({optimal_share} / {pools})"), fair);
            let min_idle = pool_size.min(fair.max(1));
            steps.record(label("min_idle"), format!("min({pool_size}, max(1, {fair}))"), min_idle);
            let total = pool_size.saturating_mul(pools);
            steps.record(label("total"), format!("{pool_size} × {pools}"), total);
            Ok(ServicePlan {
                name: service.name,
                instances: service.instances,
                processes: service.processes,
                weight: service.weight,
                budget: share,
                pool_count: pools,
                ceiling_per_pool: ceiling,
                pool_size,
                fair_share_per_pool: fair,
                min_idle,
                total,
                sessions_now: None,
            })
        })
        .collect()
}

/// The smallest max_connections at which each service's share is what the plan gives it; for an infeasible plan, one
/// connection for each pool.
fn required_max_connections(
    request: &SizeRequest,
    services: &[ServicePlan],
    steps: &mut Steps,
) -> Option<u64> {
    let feasible = services.iter().all(|service| service.pool_size > 0);
    let need = |service: &ServicePlan| if feasible { service.total } else { service.pool_count };
    let needs: Vec<u64> = services.iter().map(need).collect();
    let weights: Vec<u64> = services.iter().map(|service| service.weight).collect();
    let needed = services::whole(&needs, &weights)?;
    if services.len() > 1 {
        let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        let shares = needs.iter().zip(&weights);
        let terms: Vec<String> =
            shares.map(|(need, weight)| format!("ceil({need} × {sum} / {weight})")).collect();
        steps.record("required_budget", format!("max({})", terms.join(", ")), needed);
    }
    let (percent, slots) = (request.reserve_percent.value, request.reserved_slots.value);
    let required = arithmetic::required_max_connections(needed, percent, slots)?;
    let sum = format!("max(ceil({needed} × 100 / (100 − {percent})), {needed} + {slots})");
    Some(steps.record("required_max_connections", sum, required))
}

/// Instances of all services, without surge.
fn instances(request: &SizeRequest) -> u64 {
    clients(request).iter().fold(0, |sum, service| sum.saturating_add(service.instances))
}

/// From so many instances on, a pooler is the usual answer.
const LARGE_FROM: u64 = 50;

fn tier(request: &SizeRequest) -> Tier {
    match instances(request) {
        0..=4 => Tier { name: "small", low: 10, high: 20 },
        5..LARGE_FROM => Tier { name: "medium", low: 5, high: 10 },
        _ => Tier { name: "large", low: 2, high: 5 },
    }
}

/// A pooler is better when less than two connections are left for each of more than two busy pools, from 50
/// instances on, and for functions, which connect anew with every cold start.
fn pooler_recommended(request: &SizeRequest, services: &[ServicePlan], pool_count: u64) -> bool {
    let crowded = services.iter().any(|service| service.fair_share_per_pool < 2) && pool_count > 2;
    let serverless = matches!(request.clients, Clients::Serverless { .. });
    crowded || serverless || instances(request) >= LARGE_FROM
}

fn size_pooler(
    shape: Shape,
    target: u64,
    services: &[ServicePlan],
    usual: u64,
    recommended: bool,
    steps: &mut Steps,
) -> PoolerPlan {
    let client_size = |service: &ServicePlan| if service.pool_size > 0 { service.pool_size } else { usual };
    let sum = |connections: &dyn Fn(&ServicePlan) -> u64| {
        services.iter().map(connections).fold(0, u64::saturating_add)
    };
    let clients = sum(&|service| client_size(service).saturating_mul(service.pool_count));
    let feasible = services.iter().all(|service| service.pool_size > 0);
    let direct = if feasible { sum(&|service| service.total) } else { 0 };
    let transaction = pooler::sizes(target, clients, shape);
    let sizes = transaction.as_ref().ok().copied();
    let Shape { processes, pairs, reserve } = shape;
    if let Some(sizes) = sizes {
        steps.record(
            "pooler.default_pool_size",
            format!("floor({target} / ({processes} × {pairs})) − {reserve}"),
            sizes.default_pool_size,
        );
    }
    PoolerPlan {
        recommended,
        processes,
        pairs,
        default_pool_size: sizes.map(|sizes| sizes.default_pool_size),
        reserve_pool_size: reserve,
        max_client_conn: sizes.map(|sizes| sizes.max_client_conn),
        max_db_connections: sizes.map(|sizes| sizes.max_db_connections),
        server_connections: sizes.and_then(|sizes| pooler::worst_case(sizes.default_pool_size, shape)),
        client_pool_size: services.iter().map(client_size).min().unwrap_or(1),
        clients,
        transaction,
        session: pooler::sizes(direct, direct, shape),
    }
}

/// Every figure that the plan was made from with its source, in the order of the flags.
fn inputs(request: &SizeRequest) -> Vec<Input> {
    let figure =
        |name, Figure { value, source }| Input { name, value: Some(InputValue::Number(value)), source };
    let maybe = |name, value: Option<u64>| Input {
        name,
        value: value.map(InputValue::Number),
        source: if value.is_some() { FigureSource::Given } else { FigureSource::Assumed },
    };
    let [instances, processes, serverless] = match &request.clients {
        Clients::Uniform { instances, processes } => {
            [figure("instances", *instances), figure("processes", *processes), maybe("serverless", None)]
        }
        Clients::Services(_) => [
            maybe("instances", Some(instances(request))),
            maybe("processes", None),
            maybe("serverless", None),
        ],
        Clients::Serverless { concurrency } => {
            [maybe("instances", None), maybe("processes", None), maybe("serverless", Some(*concurrency))]
        }
    };
    vec![
        figure("cores", request.cores),
        figure("spindles", request.spindles),
        instances,
        processes,
        serverless,
        maybe("threads", request.threads),
        figure("connections_per_task", request.connections_per_task),
        figure("surge_percent", request.surge_percent),
        figure("max_connections", request.max_connections),
        figure("reserve_percent", request.reserve_percent),
        figure("reserved_slots", request.reserved_slots),
        maybe("replicas", request.replicas),
        maybe("replica_max_connections", request.replica_max_connections),
        maybe("memory_bytes", request.memory.map(|(memory, _)| memory)),
        maybe("work_mem_bytes", request.memory.and_then(|(_, work_mem)| work_mem)),
        figure("pooler_processes", request.pooler_processes),
        figure("pooler_pairs", request.pooler_pairs),
        figure("pooler_reserve", request.pooler_reserve),
    ]
}
