//! A plan as it is shown: what went in, what each pool may open, and the steps that led there. `make` makes it.

mod applications;
mod inputs;
mod make;
mod pooled;

use serde::Serialize;

use super::current::Current;
use super::memory::Memory;
use super::pooler::PoolerSizes;
use super::provided::ProvidedPlan;
use super::refused::Refused;
use super::request::FigureSource;
pub(crate) use make::plan;

/// One input of the plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Input {
    /// The flag's name in snake_case, with its unit.
    pub(crate) name: &'static str,
    /// Its value; null when it was not given and nothing is assumed.
    pub(crate) value: Option<InputValue>,
    /// Who said so.
    pub(crate) source: FigureSource,
}

/// The value of an input.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum InputValue {
    /// A count, a percentage, bytes.
    Number(u64),
    /// A time.
    Seconds(f64),
    /// A name, a version.
    Word(String),
}

impl std::fmt::Display for InputValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Seconds(seconds) => seconds.fmt(f),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// One step of the arithmetic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Step"))]
pub(crate) struct SizeStep {
    /// What was computed; a service's name follows in brackets when it is one service's.
    pub(crate) name: String,
    /// The sum with its numbers.
    pub(crate) expression: String,
    /// The result.
    pub(crate) value: u64,
}

/// Writes the arithmetic down while it is done.
#[derive(Default)]
struct Steps(Vec<SizeStep>);

impl Steps {
    fn record(&mut self, name: impl Into<String>, expression: String, value: u64) -> u64 {
        self.0.push(SizeStep { name: name.into(), expression, value });
        value
    }
}

/// What keeps a pool from being bigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(crate) enum LimitedBy {
    /// The server could not work on more at once.
    Hardware,
    /// The slots that the server has.
    MaxConnections,
    /// The tasks of a process, which could not use more.
    Tasks,
}

/// The usual size of a pool per server for an application of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Tier {
    /// `small`, `medium` or `large`.
    pub(crate) name: &'static str,
    /// The low end.
    pub(crate) low: u64,
    /// The high end.
    pub(crate) high: u64,
}

/// The plan for these clients through PgBouncer in transaction mode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Pooler"))]
pub(crate) struct PoolerPlan {
    /// What the pooler is called: PgBouncer, or the hosted service's own.
    #[serde(skip)]
    pub(crate) name: &'static str,
    /// Whether this plan is better than the direct one.
    pub(crate) recommended: bool,
    /// PgBouncer processes that pool on their own.
    pub(crate) processes: u64,
    /// Pairs of database and user, each a pool.
    pub(crate) pairs: u64,
    /// Server connections per pair in one process; null when no configuration fits.
    pub(crate) default_pool_size: Option<u64>,
    /// Opened on top when clients wait.
    pub(crate) reserve_pool_size: u64,
    /// Client connections one process accepts.
    pub(crate) max_client_conn: Option<u64>,
    /// Server connections of one process to the database, all users together.
    pub(crate) max_db_connections: Option<u64>,
    /// The most server connections that all processes together open.
    pub(crate) server_connections: Option<u64>,
    /// The hosted service's own pooler, and what to set there; null without one.
    pub(crate) provided: Option<ProvidedPlan>,
    /// What one application pool may open towards PgBouncer; the least of them when services differ.
    pub(crate) client_pool_size: u64,
    /// What all application pools together may open towards it.
    #[serde(skip)]
    pub(crate) clients: u64,
    /// Its settings, or why there are none.
    #[serde(skip)]
    pub(crate) transaction: Result<PoolerSizes, Refused>,
    /// Its settings in session mode, or why there are none: a client holds its connection there, so for as many as the direct plan has.
    #[serde(skip)]
    pub(crate) session: Result<PoolerSizes, Refused>,
}

/// What one service may open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ServicePlan {
    /// Its name.
    pub(crate) name: String,
    /// Copies of it, without a rollout's surge.
    pub(crate) instances: u64,
    /// Processes in each copy.
    pub(crate) processes: u64,
    /// Its weight.
    pub(crate) weight: u64,
    /// Tasks that run at once in one process; null when that is not known.
    pub(crate) threads: Option<u64>,
    /// Connections one process needs so that its tasks cannot wait for each other for ever; null without `threads`.
    pub(crate) deadlock_floor: Option<u64>,
    /// Connections one of its tasks holds at once.
    #[serde(skip)]
    pub(crate) connections_per_task: u64,
    /// Its part of the budget.
    pub(crate) budget: u64,
    /// Pools that exist at once.
    pub(crate) pool_count: u64,
    /// The most each pool may open before the budget is broken.
    pub(crate) ceiling_per_pool: u64,
    /// What one pool could use if there were slots.
    #[serde(skip)]
    pub(crate) most_per_pool: u64,
    /// The most one pool may open.
    pub(crate) pool_size: u64,
    /// The most one pool may open towards a pooler in transaction mode.
    pub(crate) client_pool_size: u64,
    /// What is left for each pool when all are busy at once.
    pub(crate) fair_share_per_pool: u64,
    /// Connections each pool keeps open.
    pub(crate) min_idle: u64,
    /// `pool_size × pool_count`.
    pub(crate) total: u64,
    /// Sessions of this application_name on the live server; null when none was asked.
    pub(crate) sessions_now: Option<u64>,
    /// Why its tasks can wait for each other for ever, and what would change that.
    #[serde(skip)]
    pub(crate) deadlock: Option<Refused>,
}

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Advice {
    /// A stable word for scripts.
    pub(crate) code: &'static str,
    /// One or two clauses for people, lower case, no full stop.
    pub(crate) message: String,
}

impl Advice {
    /// Whether it concerns pools that connect through a pooler in transaction mode, or else those that each have server
    /// connections of their own.
    pub(crate) fn concerns(&self, pooled: bool) -> bool {
        match self.code {
            "infeasible" => false,
            "limited_by_max_connections"
            | "oversubscribed"
            | "pooler_recommended"
            | "rollout_surge"
            | "deadlock"
            | "directly_infeasible"
            | "memory" => !pooled,
            "pooler_infeasible" | "pooler_deadlock" | "pooler_threads_share_pool" => pooled,
            _ => true,
        }
    }

    /// Whether it is about the applications' own pools alone, which a pooler's configuration does not have.
    pub(crate) fn is_about_pools(&self) -> bool {
        ["threads_share_pool", "pooler_threads_share_pool", "held_connections"].contains(&self.code)
    }
}

/// What a moving number of instances costs: pools are sized for its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct InstanceRange {
    /// The fewest instances, of all services.
    pub(crate) from: u64,
    /// The most.
    pub(crate) to: u64,
    /// Connections of all pools with the fewest.
    pub(crate) total_at_from: u64,
    /// Connections of all pools with the most.
    pub(crate) total_at_to: u64,
    /// What one pool could open if there were never more than the fewest; null when services differ in it.
    pub(crate) pool_size_for_from: Option<u64>,
}

/// The plan of all pools, and of the server beneath them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SizePlan {
    /// What it was made from.
    pub(crate) inputs: Vec<Input>,
    /// Connections the whole server can work on at once.
    pub(crate) optimal_connections: u64,
    /// Slots kept back.
    pub(crate) reserved: u64,
    /// Slots that all pools together may take.
    pub(crate) budget: u64,
    /// Pools that exist at once.
    pub(crate) pool_count: u64,
    /// The most each pool may open before the budget is broken; null when services differ in it.
    pub(crate) ceiling_per_pool: Option<u64>,
    /// What is left for each pool when all are busy at once; null when services differ in it.
    pub(crate) fair_share_per_pool: Option<u64>,
    /// The most one pool may open (0: infeasible); null when services differ in it.
    pub(crate) pool_size: Option<u64>,
    /// Connections each pool keeps open; null when services differ in it.
    pub(crate) min_idle: Option<u64>,
    /// What all pools together may open.
    pub(crate) total: u64,
    /// What they may open while no rollout runs instances additionally.
    pub(crate) total_without_surge: u64,
    /// How many times the hardware is used over when every pool is busy, to two decimals.
    pub(crate) oversubscription_factor: f64,
    /// What keeps a pool from being bigger.
    pub(crate) limited_by: LimitedBy,
    /// Whether every pool can have at least one connection; functions, which belong behind a pooler, towards that.
    pub(crate) feasible: bool,
    /// Whether every pool can have at least one server connection of its own.
    pub(crate) feasible_directly: bool,
    /// The smallest max_connections at which this plan fits with its reserve (one connection per pool when it is
    /// infeasible); null when PostgreSQL accepts no such value.
    pub(crate) required_max_connections: Option<u64>,
    /// The usual size for so many instances.
    pub(crate) tier: Tier,
    /// The plan for these clients through PgBouncer.
    pub(crate) pooler: PoolerPlan,
    /// Connections one process needs so that its tasks cannot wait for each other for ever; null without `threads`.
    pub(crate) deadlock_floor: Option<u64>,
    /// One entry per service, when several share the server.
    pub(crate) services: Vec<ServicePlan>,
    /// The services, or the one application as a service without a name.
    #[serde(skip)]
    pub(crate) applications: Vec<ServicePlan>,
    /// What a moving number of instances costs; null when it does not move.
    pub(crate) instance_range: Option<InstanceRange>,
    /// What runs today, against the server; null when that was not given.
    pub(crate) current: Option<Current>,
    /// What the machine's memory allows; null when it was not given.
    pub(crate) memory: Option<Memory>,
    /// Why no pool can have a connection of its own, when that is so.
    #[serde(skip)]
    pub(crate) infeasible: Option<Refused>,
    /// What follows from the numbers.
    pub(crate) advice: Vec<Advice>,
    /// How they were computed.
    pub(crate) steps: Vec<SizeStep>,
}

impl SizePlan {
    /// Why tasks can wait for each other for ever, of the first service of which they can.
    pub(crate) fn deadlock(&self) -> Option<&Refused> {
        self.applications.iter().find_map(|service| service.deadlock.as_ref())
    }
}
