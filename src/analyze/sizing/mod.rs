//! How big pools and max_connections should be: from a request to a plan with every step shown.
//!
//! Pure: no server, no clock, no formatting beyond the expressions of the steps. Integers only, except the queue
//! of [`queueing`], which works on measured rates.

mod advice;
mod arithmetic;
pub(crate) mod current;
pub(crate) mod live;
mod memory;
mod plan;
mod pooler;
pub(crate) mod provided;
pub(crate) mod queueing;
pub(crate) mod sample;
pub(crate) mod services;

use serde::Serialize;

pub(crate) use arithmetic::budget;
pub(crate) use plan::{Input, InputValue, LimitedBy, ServicePlan, SizePlan, SizeStep, Tier, plan};
pub(crate) use pooler::{PoolerSizes, Shape};
pub(crate) use provided::{Provided, ProvidedPooler};
pub(crate) use services::Service;

/// A request that makes no sense, or that a pool library cannot be told, with what would do: a usage error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// One line, lower case, no full stop.
    pub(crate) message: String,
    /// What to do instead.
    pub(crate) hint: Option<String>,
}

impl Refused {
    fn plain(message: String) -> Self {
        Self { message, hint: None }
    }

    /// Both in one line.
    fn in_one_line(&self) -> String {
        let hint = self.hint.iter().map(|hint| format!("; {hint}"));
        std::iter::once(self.message.clone()).chain(hint).collect()
    }

    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()) }
    }
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Source"))]
#[serde(rename_all = "snake_case")]
pub(crate) enum FigureSource {
    /// The user said so.
    Given,
    /// A server said so.
    Server,
    /// The hosted service chooses it so.
    ProviderDefault,
    /// Nobody said so: a default.
    Assumed,
}

/// A number and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figure {
    /// The number.
    pub(crate) value: u64,
    /// Who said so.
    pub(crate) source: FigureSource,
}

impl Figure {
    /// What the user gave, or else the default.
    pub(crate) fn given_or(given: Option<u64>, default: u64) -> Self {
        given.map_or(Self { value: default, source: FigureSource::Assumed }, |value| Self {
            value,
            source: FigureSource::Given,
        })
    }
}

/// Who opens pools on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Clients {
    /// One application.
    Uniform {
        /// Copies of it.
        instances: Figure,
        /// The fewest copies of it, when their number moves.
        instances_from: Option<u64>,
        /// Processes in each copy, each with a pool.
        processes: Figure,
    },
    /// Several applications that share the server by weight.
    Services(Vec<Service>),
    /// Functions of which so many run at once, each holding one connection.
    Serverless {
        /// How many run at once.
        concurrency: u64,
    },
}

/// Everything a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SizeRequest {
    /// Physical cores of the database server.
    pub(crate) cores: Figure,
    /// Its disks that seek at the same time; 0 when everything is cached.
    pub(crate) spindles: Figure,
    /// The server's max_connections.
    pub(crate) max_connections: Figure,
    /// Whole percent of max_connections kept back.
    pub(crate) reserve_percent: Figure,
    /// Slots that ordinary roles can never use.
    pub(crate) reserved_slots: Figure,
    /// Whole percent of instances that run additionally during a rollout.
    pub(crate) surge_percent: Figure,
    /// Who opens pools.
    pub(crate) clients: Clients,
    /// Tasks that run at once in one process, when known.
    pub(crate) threads: Option<u64>,
    /// Connections one task holds at once.
    pub(crate) connections_per_task: Figure,
    /// PgBouncer processes that pool on their own.
    pub(crate) pooler_processes: Figure,
    /// Pairs of database and user that connect through PgBouncer.
    pub(crate) pooler_pairs: Figure,
    /// PgBouncer's reserve_pool_size.
    pub(crate) pooler_reserve: Figure,
    /// Replicas that every pool's instance opens a pool to as well.
    pub(crate) replicas: Option<u64>,
    /// max_connections of the replicas, when it is not the primary's.
    pub(crate) replica_max_connections: Option<u64>,
    /// The server's memory and its work_mem in bytes, when known.
    pub(crate) memory: Option<(u64, Option<u64>)>,
    /// The hosted service, when it is a known one.
    pub(crate) provided: Option<Provided>,
    /// The pools that exist today, when they are to be judged.
    pub(crate) current: Vec<current::CurrentPool>,
}

impl SizeRequest {
    /// The PgBouncer processes and pools that a pooled plan is for.
    pub(crate) fn shape(&self) -> Shape {
        Shape {
            processes: self.pooler_processes.value,
            pairs: self.pooler_pairs.value,
            reserve: self.pooler_reserve.value,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
