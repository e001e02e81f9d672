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
mod refused;
mod request;
pub(crate) mod sample;
pub(crate) mod services;

pub(crate) use arithmetic::budget;
pub(crate) use plan::{Input, InputValue, LimitedBy, ServicePlan, SizePlan, SizeStep, Tier, plan};
pub(crate) use pooler::{PoolerSizes, Shape};
pub(crate) use provided::{Provided, ProvidedPooler};
pub(crate) use refused::Refused;
pub(crate) use request::{Clients, CurrentPool, Figure, FigureSource, SizeRequest};
pub(crate) use services::Service;

#[cfg(test)]
pub(crate) mod tests;
