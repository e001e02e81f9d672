//! The inputs of a plan as they are listed.

use super::applications::instances;
use super::{Input, InputValue};
use crate::analyze::sizing::request::{Clients, Figure, FigureSource, SizeRequest};

/// Every figure that the plan was made from with its source, in the order of the flags.
pub(super) fn inputs(request: &SizeRequest) -> Vec<Input> {
    let figure =
        |name, Figure { value, source }| Input { name, value: Some(InputValue::Number(value)), source };
    let maybe = |name, value: Option<u64>| Input {
        name,
        value: value.map(InputValue::Number),
        source: if value.is_some() { FigureSource::Given } else { FigureSource::Assumed },
    };
    let [instances, processes, serverless] = match &request.clients {
        Clients::Uniform { instances, processes, .. } => {
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
