//! From a request to its plan: each step of the arithmetic in order, recorded as it is done.

use super::applications::{clients, instances, size_services};
use super::inputs::inputs;
use super::pooled::size_pooler;
use super::{InstanceRange, LimitedBy, ServicePlan, SizePlan, Steps, Tier};
use crate::analyze::sizing::arithmetic::{self, Budget};
use crate::analyze::sizing::provided::Provided;
use crate::analyze::sizing::refused::Refused;
use crate::analyze::sizing::request::{Clients, SizeRequest};
use crate::analyze::sizing::{advice, current, memory, services};

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

    let tier = tier(request);
    let mut services = size_services(request, (optimal, budget), tier, &mut steps)?;
    let feasible_directly = services.iter().all(|service| service.pool_size > 0);
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
    for at in 0..services.len() {
        let deadlock = advice::deadlock(request, &services, at);
        if let Some(service) = services.get_mut(at) {
            service.deadlock = deadlock;
        }
    }

    let fair_share_per_pool = the_one(&services, |service| service.fair_share_per_pool);
    let recommended = pooler_recommended(request, &services, pool_count);
    let pooler = size_pooler(request, optimal.min(budget), &services, recommended, &mut steps);
    let serverless = matches!(request.clients, Clients::Serverless { .. });
    let provided = request.provided.and_then(|Provided { max_connections, .. }| max_connections);
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
        total_without_surge: services.iter().fold(0, |sum, service| {
            let pools = service.instances.saturating_mul(service.processes);
            sum.saturating_add(service.pool_size.saturating_mul(pools))
        }),
        oversubscription_factor: hundredths(total, optimal),
        limited_by: limited_by(&services, optimal),
        feasible: feasible_directly || serverless && pooler.transaction.is_ok(),
        feasible_directly,
        required_max_connections: required,
        tier,
        pooler,
        deadlock_floor: the_one(&services, |service| service.deadlock_floor.unwrap_or(0))
            .filter(|floor| *floor > 0),
        instance_range: range(request, &services),
        current: current::judge(request, Budget { reserved, budget })?,
        services: if matches!(request.clients, Clients::Services(_)) { services.clone() } else { Vec::new() },
        applications: services,
        memory: request
            .memory
            .map(|(memory, work_mem)| memory::fit(memory, work_mem, provided))
            .transpose()?,
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

/// What binds first: the slots, or else what tasks can use where that is less than the hardware.
fn limited_by(services: &[ServicePlan], optimal: u64) -> LimitedBy {
    let most = |service: &ServicePlan| service.most_per_pool;
    if services.iter().any(|service| service.ceiling_per_pool < most(service)) {
        LimitedBy::MaxConnections
    } else if services.iter().any(|service| service.threads.is_some() && most(service) < optimal) {
        LimitedBy::Tasks
    } else {
        LimitedBy::Hardware
    }
}

/// What a moving number of instances costs at both of its ends.
fn range(request: &SizeRequest, services: &[ServicePlan]) -> Option<InstanceRange> {
    let clients = clients(request);
    if clients.iter().all(|service| service.instances_from.is_none()) {
        return None;
    }
    let fewest: Vec<u64> =
        clients.iter().map(|service| service.instances_from.unwrap_or(service.instances)).collect();
    let mut alone = request.clone();
    match &mut alone.clients {
        Clients::Uniform { instances, instances_from, .. } => {
            instances.value = instances_from.take().unwrap_or(instances.value);
        }
        Clients::Services(services) => services.iter_mut().for_each(|service| {
            service.instances = service.instances_from.take().unwrap_or(service.instances);
        }),
        Clients::Serverless { .. } => {}
    }
    let alone = plan(&alone).ok()?;
    let connections = services
        .iter()
        .zip(&alone.applications)
        .map(|(service, at_from)| service.pool_size.saturating_mul(at_from.pool_count));
    Some(InstanceRange {
        from: fewest.into_iter().fold(0, u64::saturating_add),
        to: instances(request),
        total_at_from: connections.fold(0, u64::saturating_add),
        total_at_to: services.iter().map(|service| service.total).sum(),
        pool_size_for_from: alone.pool_size,
    })
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
