//! What follows from a plan's numbers, in plain words. Each piece has a stable code and says what to do.

use super::arithmetic;
use super::plan::{Advice, LimitedBy, ServicePlan, SizePlan};
use super::refused::Refused;
use super::request::{Clients, FigureSource, SizeRequest};
use super::services;

/// The usual rollout: Kubernetes' default maxSurge, in percent.
const USUAL_SURGE: u64 = 25;

/// Everything worth saying about `plan`, most important first.
pub(crate) fn advise(request: &SizeRequest, plan: &SizePlan) -> Vec<Advice> {
    let mut advice = Vec::new();
    let mut say = |code, message: Option<String>| {
        if let Some(message) = message {
            advice.push(Advice { code, message });
        }
    };
    let (infeasible, directly_infeasible) = split_infeasible(plan);
    say("infeasible", infeasible);
    say("directly_infeasible", directly_infeasible);
    say("max_connections_assumed", assumed(request));
    say("provider_default", provider_default(request));
    say("limited_by_max_connections", limited(plan));
    say("oversubscribed", oversubscribed(plan));
    say("pooler_recommended", pooled(plan));
    say("pooler_infeasible", unpoolable(plan));
    say("rollout_surge", surge(request, plan));
    say("deadlock", plan.deadlock().map(Refused::in_one_line));
    say("pooler_deadlock", pooler_deadlock(plan));
    for service in &plan.applications {
        let (code, message) = threads_share_pool(service, plan.pooler.name);
        say(code, message);
        say("held_connections", held_connections(service, plan.optimal_connections));
    }
    say("serverless", serverless(request));
    say("replicas", replicas(request, plan));
    say("memory", memory(plan));
    say("physical_cores", hyper_threads(request, plan));
    advice
}

/// Why there is no plan, or only none without a pooler.
fn split_infeasible(plan: &SizePlan) -> (Option<String>, Option<String>) {
    let why = plan.infeasible.as_ref().map(Refused::in_one_line);
    if plan.feasible {
        (None, why.map(|why| format!("directly it is impossible: {why}")))
    } else {
        (why, None)
    }
}

/// Why no pool can have a connection of its own, and what would change that.
pub(super) fn infeasible(request: &SizeRequest, plan: &SizePlan) -> Option<Refused> {
    if plan.feasible_directly {
        return None;
    }
    let pooler = plan.pooler.name;
    let raise = plan.required_max_connections.map_or_else(
        || "no max_connections that PostgreSQL accepts is enough".to_owned(),
        |required| format!("max_connections {required} would give each pool one"),
    );
    if let Clients::Services(_) = request.clients {
        let starved: Vec<String> = plan
            .services
            .iter()
            .filter(|service| service.pool_size == 0)
            .map(|service| {
                let (pools, budget) = (service.pool_count, service.budget);
                let share = if pools == 1 { "1 pool shares".into() } else { format!("{pools} pools share") };
                format!("{} ({share} {budget})", service.name)
            })
            .collect();
        return Some(Refused::new(
            format!("no connection is left for {}", starved.join(", ")),
            format!("{raise}; or give it more weight, run fewer processes, or put {pooler} in front"),
        ));
    }
    Some(Refused::new(
        format!("{} pools cannot share {} connections", plan.pool_count, plan.budget),
        format!("{raise}; or run at most {} pools, or put {pooler} in front", plan.budget),
    ))
}

fn assumed(request: &SizeRequest) -> Option<String> {
    (request.max_connections.source == FigureSource::Assumed).then(|| {
        let memory = request.provided.filter(|_| request.memory.is_none());
        let memory =
            memory.map_or_else(String::new, |of| format!("--memory for {}'s default, or ", of.title));
        format!(
            "max_connections {} is assumed; give --max-connections, {memory}{}--from-server to read it",
            request.max_connections.value,
            if memory.is_empty() { "or " } else { "" }
        )
    })
}

/// What a hosted service chooses can be changed, and depends on more than the memory that it is sold with.
fn provider_default(request: &SizeRequest) -> Option<String> {
    let provided = request.provided?;
    (request.max_connections.source == FigureSource::ProviderDefault).then(|| {
        format!(
            "max_connections {} is {}'s {}; give --max-connections, or --from-server to read it",
            request.max_connections.value, provided.title, provided.max_connections_rule
        )
    })
}

fn limited(plan: &SizePlan) -> Option<String> {
    if plan.limited_by != LimitedBy::MaxConnections || !plan.feasible_directly {
        return None;
    }
    let (total, optimal) = (plan.total, plan.optimal_connections);
    if total <= optimal {
        return Some(format!(
            "max_connections is what limits the pools, not the hardware: the server could work on {optimal} at once"
        ));
    }
    let each = match plan.pool_size {
        Some(1) => "1 connection for each pool".to_owned(),
        Some(size) => format!("{size} connections for each pool"),
        None => "some services less for each pool than the hardware works on".to_owned(),
    };
    Some(format!(
        "max_connections leaves {each}; all {total} together are still more than the {optimal} that the hardware works on"
    ))
}

fn oversubscribed(plan: &SizePlan) -> Option<String> {
    let busy = match plan.pool_count {
        1 => "if the pool is used up".to_owned(),
        pools => format!("if all {pools} pools are busy at once"),
    };
    (plan.feasible_directly && plan.total > plan.optimal_connections).then(|| {
        format!(
            "{busy}, {} connections share hardware for {} ({:.1} times): throughput stays, each query takes longer",
            plan.total, plan.optimal_connections, plan.oversubscription_factor
        )
    })
}

fn pooled(plan: &SizePlan) -> Option<String> {
    let size = plan.pooler.default_pool_size.filter(|_| plan.pooler.recommended)?;
    if let Some(provided) = &plan.pooler.provided {
        return Some(provided.recommendation());
    }
    Some(format!(
        "put PgBouncer in front, in transaction mode with default_pool_size {size} and max_client_conn {}: never more than \
         {} server connections, and clients queue instead of crowding the server",
        plan.pooler.max_client_conn?, plan.pooler.server_connections?
    ))
}

fn unpoolable(plan: &SizePlan) -> Option<String> {
    plan.pooler.transaction.as_ref().err().map(Refused::in_one_line)
}

/// Without `--surge`: would the usual rollout break the budget?
fn surge(request: &SizeRequest, plan: &SizePlan) -> Option<String> {
    if request.surge_percent.source == FigureSource::Given || !plan.feasible_directly {
        return None;
    }
    let grown = |instances: u64, processes: u64, pool_size: u64| {
        let peak = u128::from(instances) + arithmetic::percent_up(instances, USUAL_SURGE);
        peak.saturating_mul(u128::from(processes)).saturating_mul(u128::from(pool_size))
    };
    let total = match &request.clients {
        Clients::Uniform { instances, processes, .. } => {
            grown(instances.value, processes.value, plan.pool_size?)
        }
        Clients::Serverless { .. } => return None,
        Clients::Services(_) => plan
            .services
            .iter()
            .map(|service| grown(service.instances, service.processes, service.pool_size))
            .fold(0, u128::saturating_add),
    };
    (total > u128::from(plan.budget)).then(|| {
        format!(
            "a rollout that runs {USUAL_SURGE} % more instances for a while would open {total} connections, \
             over the budget of {}; plan for it with --surge {USUAL_SURGE}",
            plan.budget
        )
    })
}

/// The smallest pool that the plan gives to anybody.
fn smallest_pool(plan: &SizePlan) -> Option<u64> {
    plan.pool_size.or_else(|| plan.services.iter().map(|service| service.pool_size).min())
}

/// Why the tasks of one of the services can wait for each other for ever, when they can, and what would change that: all
/// of them hold all connections but the one that each waits for.
pub(super) fn deadlock(request: &SizeRequest, services: &[ServicePlan], at: usize) -> Option<Refused> {
    let service = services.get(at)?;
    let (threads, floor, pool) = (service.threads?, service.deadlock_floor?, service.pool_size);
    if pool == 0 || pool >= floor {
        return None;
    }
    let held = service.connections_per_task;
    let of = if service.name.is_empty() { String::new() } else { format!(" of {}", service.name) };
    let needs = services.iter().enumerate().map(|(other, service)| {
        let size = if other == at { floor } else { service.pool_size };
        size.saturating_mul(service.pool_count)
    });
    let weights: Vec<u64> = services.iter().map(|service| service.weight).collect();
    let (percent, slots) = (request.reserve_percent.value, request.reserved_slots.value);
    let raise = services::whole(&needs.collect::<Vec<u64>>(), &weights)
        .and_then(|needed| arithmetic::required_max_connections(needed, percent, slots))
        .map_or_else(String::new, |required| format!("max_connections {required} has room for that; or "));
    let fewer = pool.saturating_sub(1).checked_div(held.saturating_sub(1)).unwrap_or(0).max(1);
    Some(Refused::new(
        format!(
            "{threads} threads{of} that hold {held} connections each can all wait for their last one: \
             a pool needs at least {floor}, this one has {pool}"
        ),
        format!("{raise}run at most {fewer} threads, fewer processes, or hold one connection per task"),
    ))
}

/// In transaction mode all tasks share the pooler's pool, which a task takes two of before it gives any back.
fn pooler_deadlock(plan: &SizePlan) -> Option<String> {
    let size = plan.pooler.default_pool_size?;
    let holding = || plan.applications.iter().filter(|service| service.connections_per_task > 1);
    let threads = |service: &ServicePlan| service.threads.unwrap_or(0).saturating_mul(service.pool_count);
    let all = holding().map(threads).fold(0, u64::saturating_add);
    let waiting = |service: &ServicePlan| threads(service).saturating_mul(service.connections_per_task - 1);
    let waiting = holding().map(waiting).fold(0, u64::saturating_add);
    let held = holding().map(|service| service.connections_per_task).max()?;
    (all > 0 && waiting >= size.saturating_add(plan.pooler.reserve_pool_size)).then(|| {
        format!(
            "{all} threads that hold {held} connections each can use up {}'s pool of {size} while all wait for their last \
             one, until query_wait_timeout ends them: hold one connection per task",
            plan.pooler.name
        )
    })
}

/// Threads beyond the pool wait for those that have a connection: directly, or only behind the pooler.
fn threads_share_pool(service: &ServicePlan, pooler: &str) -> (&'static str, Option<String>) {
    let (direct, client) = (service.pool_size, service.client_pool_size);
    let threads = service.threads.unwrap_or(0);
    let of = if service.name.is_empty() { String::new() } else { format!(" of {}", service.name) };
    let share = |pool: u64| {
        format!(
            "{threads} threads{of} share a pool of {pool} in each process: the others wait for one that is free"
        )
    };
    if direct > 0 && threads > direct {
        let behind = if client == direct || threads <= client {
            String::new()
        } else {
            format!(" (behind {pooler} a pool of {client})")
        };
        ("threads_share_pool", Some(share(direct) + &behind))
    } else {
        (
            "pooler_threads_share_pool",
            (threads > client).then(|| format!("behind {pooler} {}", share(client))),
        )
    }
}

/// A pool that is larger than the hardware can use, only because each task holds several connections.
fn held_connections(service: &ServicePlan, optimal: u64) -> Option<String> {
    let (threads, floor) = (service.threads?, service.deadlock_floor?);
    let of = if service.name.is_empty() { String::new() } else { format!(" of {}", service.name) };
    (floor > optimal && service.pool_size == floor).then(|| {
        format!(
            "the pool has {floor} connections only because each of {threads} threads{of} holds {} at once; if each holds \
             one, {optimal} are enough",
            service.connections_per_task
        )
    })
}

fn serverless(request: &SizeRequest) -> Option<String> {
    matches!(request.clients, Clients::Serverless { .. }).then(|| {
        "each running function holds one connection and opens it at every cold start: connect to a pooler \
         in transaction mode, with a pool of 1 in the function"
            .to_owned()
    })
}

fn replicas(request: &SizeRequest, plan: &SizePlan) -> Option<String> {
    let (replicas, pool) = (request.replicas.filter(|count| *count > 0)?, smallest_pool(plan)?);
    let servers = replicas.checked_add(1)?;
    let sum = pool.checked_mul(servers)?;
    Some(format!(
        "each server has slots of its own: {servers} pools of {pool} per process, {sum} connections in all; \
         after a failover one server must carry the whole plan"
    ))
}

fn memory(plan: &SizePlan) -> Option<String> {
    let memory = plan.memory?;
    (plan.total > memory.connections_that_fit).then(|| {
        format!(
            "the {} planned connections are more than the {} that the server's memory has room for",
            plan.total, memory.connections_that_fit
        )
    })
}

/// Clouds sell hyper-threads as cores; the formula means cores.
fn hyper_threads(request: &SizeRequest, plan: &SizePlan) -> Option<String> {
    let cores = request.cores.value;
    (cores > 1).then(|| {
        let halved = (cores / 2).saturating_mul(2).saturating_add(request.spindles.value);
        format!(
            "the formula means physical cores of the database server: if these {cores} are vCPUs with two threads \
             to a core, it gives {halved} instead of {}",
            plan.optimal_connections
        )
    })
}
