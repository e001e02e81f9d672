//! The plan through a pooler in transaction mode: what the applications may open towards it, and what it opens.

use super::{PoolerPlan, ServicePlan, Steps};
use crate::analyze::sizing::pooler::{self, PoolerSizes, Shape};
use crate::analyze::sizing::refused::Refused;
use crate::analyze::sizing::request::SizeRequest;

/// Sizes the pooler so that it never takes more than `target` server connections.
pub(super) fn size_pooler(
    request: &SizeRequest,
    target: u64,
    services: &[ServicePlan],
    recommended: bool,
    steps: &mut Steps,
) -> PoolerPlan {
    let shape = request.shape();
    let sum = |connections: &dyn Fn(&ServicePlan) -> u64| {
        services.iter().map(connections).fold(0, u64::saturating_add)
    };
    let clients = sum(&|service| service.client_pool_size.saturating_mul(service.pool_count));
    let feasible = services.iter().all(|service| service.pool_size > 0);
    let direct = if feasible { sum(&|service| service.total) } else { 0 };
    let transaction = accepted(request, clients).and_then(|()| pooler::sizes(target, clients, shape));
    let sizes = transaction.as_ref().ok().copied();
    let Shape { processes, pairs, reserve } = shape;
    if let Some(sizes) = sizes {
        steps.record(
            "pooler.default_pool_size",
            format!("floor({target} / ({processes} × {pairs})) − {reserve}"),
            sizes.default_pool_size,
        );
    }
    let provided = request.provided.zip(sizes).map(|(provided, PoolerSizes { default_pool_size, .. })| {
        provided.pooler.plan(default_pool_size, shape, request.max_connections.value)
    });
    PoolerPlan {
        name: request.provided.map_or("PgBouncer", |provided| provided.pooler.name),
        recommended,
        processes,
        pairs,
        default_pool_size: sizes.map(|sizes| sizes.default_pool_size),
        reserve_pool_size: reserve,
        max_client_conn: sizes.map(|sizes| sizes.max_client_conn),
        max_db_connections: sizes.map(|sizes| sizes.max_db_connections),
        server_connections: sizes.and_then(|sizes| pooler::worst_case(sizes.default_pool_size, shape)),
        provided,
        client_pool_size: services.iter().map(|service| service.client_pool_size).min().unwrap_or(1),
        clients,
        transaction,
        session: pooler::sizes(direct, direct, shape),
    }
}

/// Whether the hosted service's pooler lets so many clients in.
fn accepted(request: &SizeRequest, clients: u64) -> Result<(), Refused> {
    let pooler = request.provided.map(|provided| provided.pooler);
    match pooler.and_then(|pooler| Some((pooler.name, pooler.client_limit?))) {
        Some((name, limit)) if clients > limit => Err(Refused::new(
            format!("{name} accepts {limit} clients, and {clients} pools have at least one each"),
            "use fewer instances or processes, or a larger server",
        )),
        _ => Ok(()),
    }
}
