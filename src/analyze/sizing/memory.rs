//! What connections cost in memory, as an upper estimate.

use serde::Serialize;

use super::refused::Refused;

const MIB: u64 = 1 << 20;

/// A backend that has been used for a while, its caches warm: 10 MiB. Measured 10 to 15 MiB private on
/// PostgreSQL 12 to 18; a fresh one has 1 to 2 MiB.
pub(crate) const WARM_BACKEND_BYTES: u64 = 10 * MIB;

/// Left to the operating system and everything else on the machine, but never more than a quarter of it: hosted services
/// run 25 to 112 connections on a machine of 1 GiB.
const OPERATING_SYSTEM_BYTES: u64 = 1024 * MIB;

/// Sorts and hashes that a query of some size runs at once, and what a hash may use beyond `work_mem`
/// (`hash_mem_multiplier`, 2 since PostgreSQL 15).
const NODES: u64 = 3;
const HASH_FACTOR: u64 = 2;

/// What was assumed about the machine's memory, and how many connections fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Memory {
    /// The server's memory, as given.
    pub(crate) memory_bytes: u64,
    /// What each sort or hash may use, as given; null when it was not and is not counted.
    pub(crate) work_mem_bytes: Option<u64>,
    /// A quarter of it, for shared_buffers.
    pub(crate) shared_buffers_bytes: u64,
    /// Kept for the operating system.
    pub(crate) operating_system_bytes: u64,
    /// One connection in the worst case: a warm backend, and three sorts or hashes of `work_mem` times two.
    pub(crate) per_connection_bytes: u64,
    /// Connections that fit what is left, rounded down; what the hosted service runs in this memory where that is more
    /// and work_mem was not given.
    pub(crate) connections_that_fit: u64,
    /// Whether that is what the hosted service runs.
    #[serde(skip)]
    pub(crate) by_provider: bool,
}

/// How many connections fit `memory_bytes` when each may use `work_mem_bytes` per sort or hash (none to count the
/// backend alone), on a hosted service that runs `provided` of them. Errors when the machine has no room for a single one.
pub(crate) fn fit(
    memory_bytes: u64,
    work_mem_bytes: Option<u64>,
    provided: Option<u64>,
) -> Result<Memory, Refused> {
    let shared_buffers_bytes = memory_bytes / 4;
    let per_connection_bytes =
        work_mem_bytes.unwrap_or(0).saturating_mul(NODES * HASH_FACTOR).saturating_add(WARM_BACKEND_BYTES);
    let operating_system_bytes = OPERATING_SYSTEM_BYTES.min(memory_bytes / 4);
    let left = memory_bytes.saturating_sub(shared_buffers_bytes).saturating_sub(operating_system_bytes);
    let fitting = left / per_connection_bytes.max(1);
    let provided = provided.filter(|_| work_mem_bytes.is_none()).unwrap_or(0);
    let connections_that_fit = fitting.max(provided);
    let by_provider = provided > fitting;
    if connections_that_fit == 0 {
        return Err(Refused::new(
            format!("{} MiB of memory have no room for one connection", memory_bytes / MIB),
            "a quarter is taken for shared_buffers, and a quarter but at most 1 GiB for the operating system; give the server's whole memory, as in --memory 8GB",
        ));
    }
    Ok(Memory {
        memory_bytes,
        work_mem_bytes,
        shared_buffers_bytes,
        operating_system_bytes,
        per_connection_bytes,
        connections_that_fit,
        by_provider,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_bounds_the_connections() {
        let eight = 8 * 1024 * MIB;
        assert_eq!(fit(eight, None, None).unwrap().connections_that_fit, 512, "M1");
        assert_eq!(fit(eight, Some(4 * MIB), None).unwrap().connections_that_fit, 150, "M2");
        for (memory, fits) in [(512, 25), (1024, 51), (2048, 102), (4096, 204)] {
            assert_eq!(fit(memory * MIB, None, None).unwrap().connections_that_fit, fits, "{memory} MiB");
        }
        assert_eq!(fit(1024 * MIB, None, Some(112)).unwrap().connections_that_fit, 112, "RDS runs so many");
        assert_eq!(fit(1024 * MIB, Some(4 * MIB), Some(112)).unwrap().connections_that_fit, 15);
        assert!(fit(16 * MIB, None, None).is_err());
        assert!(fit(u64::MAX, Some(u64::MAX), None).is_err());
    }
}
