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
mod tests {
    use super::*;

    const fn load(per_second: f64, held_seconds: f64) -> Load {
        Load { per_second, held_seconds }
    }

    #[test]
    fn erlang_c_gives_the_textbook_values() {
        let rows = [(3, 0.4444, 8.889), (4, 0.1739, 1.739), (5, 0.0597, 0.398), (6, 0.0180, 0.090)];
        for (connections, probability, milliseconds) in rows {
            let waiting = load(100.0, 0.020).waiting(connections).unwrap();
            assert!((waiting.probability - probability).abs() < 0.00005, "{connections}: {waiting:?}");
            assert!(
                (waiting.mean_seconds * 1000.0 - milliseconds).abs() < 0.0006,
                "{connections}: {waiting:?}"
            );
        }
    }

    #[test]
    fn queueing_rows() {
        let rows = [
            ("Q1", 100.0, 0.020, 2.0, 3, 4, 6, 3),
            ("Q2", 500.0, 0.010, 5.0, 6, 7, 10, 7),
            ("Q3", 200.0, 0.050, 10.0, 11, 13, 17, 13),
            ("Q4", 1000.0, 0.005, 5.0, 6, 6, 10, 7),
            ("Q5", 50.0, 0.200, 10.0, 11, 15, 17, 13),
            ("Q6", 1.0, 0.500, 0.5, 1, 3, 3, 1),
            ("Q7", 0.0, 0.100, 0.0, 1, 1, 1, 1),
        ];
        for (id, rate, held, busy, stable, five_ms, five_percent, eighty) in rows {
            let load = load(rate, held);
            assert!((load.busy() - busy).abs() < 1e-9, "{id}");
            assert_eq!(load.stable_connections(), stable, "{id} stable");
            assert_eq!(load.connections_until(|w| w.mean_seconds <= 0.005), Some(five_ms), "{id} mean wait");
            assert_eq!(load.connections_until(|w| w.probability <= 0.05), Some(five_percent), "{id} share");
            assert_eq!(load.at_eighty_percent(), eighty, "{id} 80 %");
        }
    }

    #[test]
    fn an_unstable_queue_has_no_waiting_time() {
        assert_eq!(load(200.0, 0.050).waiting(10), None, "Q8");
        assert_eq!(load(200.0, 0.050).waiting(0), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(64))]
        #[test]
        fn any_number_gives_an_answer_in_range(rate: f64, held: f64) {
            let load = load(rate, held);
            proptest::prop_assert!((1..=MAX_MAX_CONNECTIONS).contains(&load.stable_connections()));
            proptest::prop_assert!((1..=MAX_MAX_CONNECTIONS).contains(&load.at_eighty_percent()));
            if let Some(connections) = load.connections_until(|w| w.probability <= 0.05) {
                proptest::prop_assert!(connections as f64 > load.busy());
            }
        }
    }
}
