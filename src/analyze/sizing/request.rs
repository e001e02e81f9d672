//! What a plan is asked for: the server, who opens pools on it, and what runs today; each figure with where it comes from.

use serde::Serialize;

use super::pooler::Shape;
use super::provided::Provided;
use super::services::{InstanceCount, Service};

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

/// One application's pools of today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CurrentPool {
    /// Its name.
    pub(crate) name: String,
    /// Copies of it; of a range the end counts.
    pub(crate) instances: InstanceCount,
    /// Processes in each copy, each with a pool.
    pub(crate) processes: u64,
    /// The most that each pool may open.
    pub(crate) pool: u64,
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
    pub(crate) current: Vec<CurrentPool>,
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
