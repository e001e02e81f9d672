//! Pure judgement: facts in, judgement out. No clock, no environment, no I/O.

pub(crate) mod blocking;
pub(crate) mod health;
pub(crate) mod plan;
pub(crate) mod usage;
