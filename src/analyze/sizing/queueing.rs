//! Sizing from measured load: Little's law and the M/M/c queue (Erlang C).
//!
//! The one place of sizing that needs fractions: arrival rates and probabilities are not integers. Every loop is
//! bounded by PostgreSQL's largest `max_connections`; a rate or duration that is no number counts as none.

use super::arithmetic::MAX_MAX_CONNECTIONS;

/// Load as measured: what arrives and how long it holds a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    /// Transactions (or queries) that arrive in a second.
    pub(crate) per_second: f64,
    /// Seconds each holds its connection, think time inside the transaction included.
    pub(crate) held_seconds: f64,
}

/// Products like 200 × 0.05 may come out a hair beside the integer they mean.
const HAIR: f64 = 1e-9;

/// Below 1 connection nothing can run, and above the server's limit nothing can be opened.
fn whole(connections: f64) -> u64 {
    let bounded = connections.clamp(0.0, MAX_MAX_CONNECTIONS as f64);
    // In range by the clamp; a NaN becomes 0.
    bounded as u64
}

impl Load {
    /// Mean busy connections by Little's law, `a = rate × held`.
    pub(crate) fn busy(self) -> f64 {
        let busy = self.per_second * self.held_seconds;
        if busy.is_finite() && busy > 0.0 { busy } else { 0.0 }
    }

    /// The fewest connections with which the queue does not grow for ever: `floor(a) + 1`, not `ceil(a)`,
    /// because at exactly `a` connections the wait has no bound.
    pub(crate) fn stable_connections(self) -> u64 {
        whole((self.busy() + HAIR).floor()).saturating_add(1).min(MAX_MAX_CONNECTIONS)
    }

    /// Connections at 80 % mean utilisation, the usual rule of thumb: `ceil(a / 0.8)`, at least 1.
    pub(crate) fn at_eighty_percent(self) -> u64 {
        whole((self.busy() / 0.8 - HAIR).ceil()).max(1)
    }

    /// The waiting in a queue with `connections` servers, or `None` when the queue is unstable (`connections ≤ a`).
    /// Source: Erlang C by way of the Erlang B recursion.
    pub(crate) fn waiting(self, connections: u64) -> Option<QueueWait> {
        let busy = self.busy();
        let servers = connections.min(MAX_MAX_CONNECTIONS);
        if servers as f64 <= busy + HAIR {
            return None;
        }
        let blocked = (1..=servers).fold(1.0, |blocked, k| busy * blocked / (k as f64 + busy * blocked));
        Some(self.waiting_after(blocked, servers))
    }

    fn waiting_after(self, blocked: f64, servers: u64) -> QueueWait {
        let busy = self.busy();
        let servers = servers as f64;
        let probability = blocked / (1.0 - busy / servers * (1.0 - blocked));
        QueueWait { probability, mean_seconds: probability * self.held_seconds.max(0.0) / (servers - busy) }
    }

    /// The fewest connections whose waiting satisfies `good_enough`, or `None` when no server could hold so many.
    pub(crate) fn connections_until(self, good_enough: impl Fn(QueueWait) -> bool) -> Option<u64> {
        let busy = self.busy();
        let mut blocked = 1.0;
        for servers in 1..=MAX_MAX_CONNECTIONS {
            blocked = busy * blocked / (servers as f64 + busy * blocked);
            if servers as f64 > busy + HAIR && good_enough(self.waiting_after(blocked, servers)) {
                return Some(servers);
            }
        }
        None
    }
}

/// How long and how often a request waits for a connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct QueueWait {
    /// Share of requests that wait at all, 0 to 1 (Erlang C).
    pub(crate) probability: f64,
    /// Mean wait of all requests, in seconds.
    pub(crate) mean_seconds: f64,
}

#[cfg(test)]
mod tests;
