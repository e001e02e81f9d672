//! Metrics of a pooler under pgconn's own names.

use super::families::{Families, distinct, sample};
use crate::analyze::pooler;
use crate::model::metric::{Family, MetricType};
use crate::model::pooler::{Database, Pool, PoolerFacts, Totals};

/// Pgconn's own families of one look at a console, each sample labelled with the pooler's `place`; a family that depends on
/// names has at most `most` series.
pub(crate) fn families(facts: &PoolerFacts, place: &str, most: usize, seconds: f64) -> Vec<Family> {
    let mut families = Families::begun(most, Some(seconds));
    let product = [("product", facts.product.name.as_str()), ("version", facts.product.version.as_str())];
    families.add(
        MetricType::Gauge,
        "pgconn_pooler_info",
        "Always 1; the pooler and its version.",
        vec![sample(&product, 1.0)],
    );
    pools(&mut families, &facts.pools);
    limits(&mut families, facts);
    totals(&mut families, &facts.totals);
    families.finished(Some(place))
}

fn labels(pool: &Pool) -> [(&'static str, &str); 2] {
    [("database", pool.database.as_str()), ("user", pool.user.as_str())]
}

/// A number of a pool.
type Count = fn(&Pool) -> Option<i64>;

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn pools(families: &mut Families, pools: &[Pool]) {
    let mut by_state = |name, help, states: &[(&'static str, Count)]| {
        let samples = pools.iter().flat_map(|pool| {
            states.iter().filter_map(move |(state, count)| {
                let [database, user] = labels(pool);
                Some(sample(&[database, user, ("state", *state)], count(pool)? as f64))
            })
        });
        families.bounded(MetricType::Gauge, name, help, samples.collect());
    };
    by_state(
        "pgconn_pooler_clients",
        "Clients of a pool: served or wanting nothing (active), or waiting for a connection to the server.",
        &[("active", |pool| pool.clients_active), ("waiting", |pool| pool.clients_waiting)],
    );
    by_state(
        "pgconn_pooler_servers",
        "Connections of a pool to the server, by the pooler's word for what they do.",
        &[
            ("active", |pool| pool.servers_active),
            ("idle", |pool| pool.servers_idle),
            ("used", |pool| pool.servers_used),
            ("tested", |pool| pool.servers_tested),
            ("login", |pool| pool.servers_login),
            ("canceling", |pool| pool.servers_canceling),
        ],
    );
    let mut gauge = |name, help, value: fn(&Pool) -> Option<f64>| {
        let samples = pools.iter().filter_map(|pool| Some(sample(&labels(pool), value(pool)?)));
        families.bounded(MetricType::Gauge, name, help, samples.collect());
    };
    gauge("pgconn_pooler_pool_size", "Connections to the server that a pool may open.", |pool| {
        pool.pool_size.map(|size| size as f64)
    });
    gauge(
        "pgconn_pooler_longest_wait_seconds",
        "How long the client that has waited longest has waited; 0 when none waits.",
        |pool| pool.max_wait_seconds,
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of connections are far below 2^52")]
fn limits(families: &mut Families, facts: &PoolerFacts) {
    let limits = pooler::usage(facts, |_| true).limits;
    let mut family = |name, help, value: fn(&pooler::PoolerLimit) -> i64| {
        let samples = limits.iter().map(|limit| {
            let named = |name: &Option<String>| name.clone().unwrap_or_default();
            let (database, user) = (named(&limit.database), named(&limit.user));
            let labels = [("limit", limit.name), ("database", database.as_str()), ("user", user.as_str())];
            sample(&labels, value(limit) as f64)
        });
        families.bounded(MetricType::Gauge, name, help, distinct(samples));
    };
    family("pgconn_pooler_limit", "The most that a limit of the pooler lets in.", |limit| limit.limit);
    family("pgconn_pooler_limit_used", "What of a limit of the pooler is used.", |limit| limit.used);
    let mut claim = |name, help, is_so: fn(&Database) -> Option<bool>| {
        let samples = facts.databases.iter().filter_map(|database| {
            Some(sample(&[("database", &database.name)], f64::from(u8::from(is_so(database)?))))
        });
        families.bounded(MetricType::Gauge, name, help, samples.collect());
    };
    claim(
        "pgconn_pooler_database_paused",
        "Whether clients of a database are kept waiting on purpose (1) or not (0).",
        |database| database.paused,
    );
    claim(
        "pgconn_pooler_database_disabled",
        "Whether new clients of a database are refused on purpose (1) or not (0).",
        |database| database.disabled,
    );
}

fn totals(families: &mut Families, totals: &[Totals]) {
    let mut counter = |name, help, value: fn(&Totals) -> Option<f64>| {
        let samples = totals
            .iter()
            .filter_map(|totals| Some(sample(&[("database", &totals.database)], value(totals)?)));
        families.bounded(MetricType::Counter, name, help, samples.collect());
    };
    counter("pgconn_pooler_transactions_total", "Transactions.", |totals| totals.xact_total);
    counter("pgconn_pooler_queries_total", "Queries.", |totals| totals.query_total);
    counter("pgconn_pooler_received_bytes_total", "Bytes from clients.", |totals| totals.received_bytes);
    counter("pgconn_pooler_sent_bytes_total", "Bytes to clients.", |totals| totals.sent_bytes);
    counter("pgconn_pooler_transaction_seconds_total", "Time in transactions.", |totals| totals.xact_seconds);
    counter("pgconn_pooler_query_seconds_total", "Time in queries.", |totals| totals.query_seconds);
    counter(
        "pgconn_pooler_client_wait_seconds_total",
        "Time that clients waited for a connection to the server.",
        |totals| totals.wait_seconds,
    );
}
