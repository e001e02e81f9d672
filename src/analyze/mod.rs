//! Pure judgement: facts in, judgement out. No clock, no environment, no I/O.

pub(crate) mod health;
pub(crate) mod usage;
