//! What each application may open: directly, by the hardware, the slots and its tasks; through a pooler, by its tasks.

use super::{ServicePlan, Steps, Tier};
use crate::analyze::sizing::pooler::MAX_CLIENTS;
use crate::analyze::sizing::refused::Refused;
use crate::analyze::sizing::request::{Clients, SizeRequest};
use crate::analyze::sizing::services::Service;
use crate::analyze::sizing::{arithmetic, services};

/// The services to size. A single application is one service that owns the whole budget.
pub(super) fn clients(request: &SizeRequest) -> Vec<Service> {
    let single = |instances, processes| Service {
        processes,
        ..Service::new(String::new(), services::InstanceCount::fixed(instances))
    };
    match &request.clients {
        Clients::Uniform { instances, instances_from, processes } => {
            vec![Service { instances_from: *instances_from, ..single(instances.value, processes.value) }]
        }
        Clients::Serverless { concurrency } => vec![single(*concurrency, 1)],
        Clients::Services(services) => services.clone(),
    }
}

/// Instances of all services, without surge.
pub(super) fn instances(request: &SizeRequest) -> u64 {
    clients(request).iter().fold(0, |sum, service| sum.saturating_add(service.instances))
}

/// What the tasks of one process can use and need.
#[derive(Clone, Copy)]
struct Tasks {
    threads: u64,
    connections_per_task: u64,
    /// `threads × connections_per_task`.
    most: u64,
    /// [`arithmetic::deadlock_floor`].
    floor: u64,
}

fn tasks(request: &SizeRequest, service: &Service) -> Result<Option<Tasks>, Refused> {
    let Some(threads) = service.threads.or(request.threads) else { return Ok(None) };
    let connections_per_task = service.connections_per_task.unwrap_or(request.connections_per_task.value);
    let floor = arithmetic::deadlock_floor(threads, connections_per_task)?;
    let most = threads.saturating_mul(connections_per_task);
    Ok(Some(Tasks { threads, connections_per_task, most, floor }))
}

/// Sizes the pools of each service for a server that works on `optimal` connections at once and has `budget` for all.
pub(super) fn size_services(
    request: &SizeRequest,
    (optimal, budget): (u64, u64),
    tier: Tier,
    steps: &mut Steps,
) -> Result<Vec<ServicePlan>, Refused> {
    let services = clients(request);
    let weights: Vec<u64> = services.iter().map(|service| service.weight).collect();
    let budgets = services::split(budget, &weights)?;
    let optima = services::split(optimal, &weights)?;
    let several = matches!(request.clients, Clients::Services(_));
    let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let mut planned = Vec::new();
    for ((service, share), optimal_share) in services.into_iter().zip(budgets).zip(optima) {
        let label = |name: &str| if several { format!("{name}[{}]", service.name) } else { name.to_owned() };
        if several {
            steps.record(label("budget"), format!("floor({budget} × {} / {sum})", service.weight), share);
        }
        let surge = request.surge_percent.value;
        let peak = arithmetic::peak_instances(service.instances, surge)?;
        let expression = format!("{} + ceil({} × {surge} / 100)", service.instances, service.instances);
        steps.record(label("peak_instances"), expression, peak);
        let pools = arithmetic::pool_count(peak, service.processes)?;
        steps.record(label("pool_count"), format!("{peak} × {}", service.processes), pools);
        // A pool count is at least 1: neither factor is 0.
        let ceiling = share / pools.max(1);
        steps.record(label("ceiling_per_pool"), format!("floor({share} / {pools})"), ceiling);
        let tasks = tasks(request, &service)?;
        let most = most_per_pool(request, optimal, tasks, &label, steps);
        let pool_size = most.min(ceiling);
        steps.record(label("pool_size"), format!("min({most}, {ceiling})"), pool_size);
        let fair = optimal_share / pools.max(1);
        steps.record(label("fair_share_per_pool"), format!("floor({optimal_share} / {pools})"), fair);
        let min_idle = pool_size.min(fair.max(1));
        steps.record(label("min_idle"), format!("min({pool_size}, max(1, {fair}))"), min_idle);
        let total = pool_size.saturating_mul(pools);
        steps.record(label("total"), format!("{pool_size} × {pools}"), total);
        planned.push(ServicePlan {
            name: service.name,
            instances: service.instances,
            processes: service.processes,
            weight: service.weight,
            threads: tasks.map(|tasks| tasks.threads),
            connections_per_task: tasks.map_or(1, |tasks| tasks.connections_per_task),
            deadlock_floor: tasks.map(|tasks| tasks.floor),
            budget: share,
            pool_count: pools,
            ceiling_per_pool: ceiling,
            most_per_pool: most,
            pool_size,
            client_pool_size: client_pool_size(request, optimal, tasks, tier),
            fair_share_per_pool: fair,
            min_idle,
            total,
            sessions_now: None,
            deadlock: None,
        });
    }
    share_the_pooler(request, &mut planned);
    Ok(planned)
}

/// The most that one pool can use, whatever the server has room for: what the hardware works on, no more than its tasks
/// can use, no less than they need. Each serverless instance runs one request at a time, so it has no use for a second
/// connection.
fn most_per_pool(
    request: &SizeRequest,
    optimal: u64,
    tasks: Option<Tasks>,
    label: &dyn Fn(&str) -> String,
    steps: &mut Steps,
) -> u64 {
    if matches!(request.clients, Clients::Serverless { .. }) {
        return 1;
    }
    let Some(Tasks { threads, connections_per_task, most, floor }) = tasks else { return optimal };
    steps.record(label("most_per_process"), format!("{threads} × {connections_per_task}"), most);
    steps.record(label("deadlock_floor"), format!("{threads} × ({connections_per_task} − 1) + 1"), floor);
    let useful = optimal.min(most).max(floor);
    steps.record(label("most_per_pool"), format!("max(min({optimal}, {most}), {floor})"), useful)
}

/// What one pool may open towards a pooler in transaction mode: the usual size, nearer to what the hardware works on, no
/// more than its tasks can use and no less than they need. A server has many more threads for requests (Tomcat 200) than
/// are at work in the database at once: those that have no connection wait here as well as they would at the pooler.
fn client_pool_size(request: &SizeRequest, optimal: u64, tasks: Option<Tasks>, tier: Tier) -> u64 {
    let usual = optimal.clamp(tier.low, tier.high);
    match (&request.clients, tasks) {
        (Clients::Serverless { .. }, _) => 1,
        (_, Some(tasks)) => usual.min(tasks.most).max(tasks.floor),
        (_, None) => usual,
    }
}

/// All pools together open no more towards the pooler than it lets in, and each at least one.
fn share_the_pooler(request: &SizeRequest, services: &mut [ServicePlan]) {
    let limit = request.provided.and_then(|provided| provided.pooler.client_limit).unwrap_or(MAX_CLIENTS);
    let pools = services.iter().fold(0_u64, |sum, service| sum.saturating_add(service.pool_count));
    let each = limit.min(MAX_CLIENTS) / pools.max(1);
    for service in services {
        service.client_pool_size = service.client_pool_size.min(each).max(1);
    }
}
