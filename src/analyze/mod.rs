//! Pure judgement: facts in, judgement out. No clock, no environment, no I/O.

pub(crate) mod blocking;
pub(crate) mod closable;
pub(crate) mod concerns;
pub(crate) mod consent;
pub(crate) mod fence;
pub(crate) mod freeing;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod obstacles;
pub(crate) mod plan;
pub(crate) mod pooler;
pub(crate) mod rights;
pub(crate) mod settings;
pub(crate) mod sizing;
pub(crate) mod timeouts;
pub(crate) mod usage;
