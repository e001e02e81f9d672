//! Metrics of a pooler under the names, labels and types of Prometheus' pgbouncer_exporter (0.12), so that its published
//! dashboards and alerts go on working.

use std::collections::BTreeMap;

use super::families::{distinct, labelled, sample};
use crate::model::metric::{Family, MetricType, Sample};
use crate::model::pooler::ConsoleTable;

/// The lists of the console that pgbouncer_exporter reads.
pub(crate) const LISTS: [&str; 7] =
    ["VERSION", "LISTS", "CONFIG", "DATABASES", "STATS_TOTALS", "POOLS", "CLIENTS"];

/// By what clients are counted.
const CLIENT: [&str; 4] = ["database", "user", "application_name", "state"];

/// A column of a list, what it is called, what it does, its unit as a factor, and what it counts.
type Column = (&'static str, &'static str, MetricType, f64, &'static str);

/// Each list whose rows are labelled, with its labels and numbers.
const COLUMNS: [(&str, &[&str], &[Column]); 3] = [
    (
        "DATABASES",
        &["name", "host", "port", "database", "force_user", "pool_mode"],
        &[
            (
                "pool_size",
                "pgbouncer_databases_pool_size",
                MetricType::Gauge,
                1.0,
                "Connections to the server at most.",
            ),
            (
                "reserve_pool",
                "pgbouncer_databases_reserve_pool",
                MetricType::Gauge,
                1.0,
                "Further connections.",
            ),
            (
                "reserve_pool_size",
                "pgbouncer_databases_reserve_pool",
                MetricType::Gauge,
                1.0,
                "Further connections.",
            ),
            (
                "max_connections",
                "pgbouncer_databases_max_connections",
                MetricType::Gauge,
                1.0,
                "Connections by all users at most.",
            ),
            (
                "current_connections",
                "pgbouncer_databases_current_connections",
                MetricType::Gauge,
                1.0,
                "Connections now.",
            ),
            ("paused", "pgbouncer_databases_paused", MetricType::Gauge, 1.0, "1 when it is paused."),
            ("disabled", "pgbouncer_databases_disabled", MetricType::Gauge, 1.0, "1 when it is disabled."),
        ],
    ),
    (
        "STATS_TOTALS",
        &["database"],
        &[
            (
                "query_count",
                "pgbouncer_stats_totals_queries_pooled_total",
                MetricType::Counter,
                1.0,
                "Queries.",
            ),
            (
                "query_time",
                "pgbouncer_stats_totals_queries_duration_seconds_total",
                MetricType::Counter,
                1e-6,
                "Time in queries.",
            ),
            (
                "bytes_received",
                "pgbouncer_stats_totals_received_bytes_total",
                MetricType::Counter,
                1.0,
                "Bytes from clients.",
            ),
            (
                "requests",
                "pgbouncer_stats_totals_queries_total",
                MetricType::Counter,
                1.0,
                "Requests (old versions).",
            ),
            (
                "bytes_sent",
                "pgbouncer_stats_totals_sent_bytes_total",
                MetricType::Counter,
                1.0,
                "Bytes to clients.",
            ),
            (
                "wait_time",
                "pgbouncer_stats_totals_client_wait_seconds_total",
                MetricType::Counter,
                1e-6,
                "Time that clients waited for a server.",
            ),
            (
                "xact_count",
                "pgbouncer_stats_totals_sql_transactions_pooled_total",
                MetricType::Counter,
                1.0,
                "Transactions.",
            ),
            (
                "xact_time",
                "pgbouncer_stats_totals_server_in_transaction_seconds_total",
                MetricType::Counter,
                1e-6,
                "Time in transactions.",
            ),
            (
                "client_parse_count",
                "pgbouncer_stats_totals_client_parses_total",
                MetricType::Counter,
                1.0,
                "Parse messages from clients.",
            ),
            (
                "server_parse_count",
                "pgbouncer_stats_totals_server_parses_total",
                MetricType::Counter,
                1.0,
                "Parse messages to servers.",
            ),
            (
                "bind_count",
                "pgbouncer_stats_totals_binds_total",
                MetricType::Counter,
                1.0,
                "Prepared statements bound.",
            ),
            (
                "server_assignment_count",
                "pgbouncer_stats_totals_server_assignments_total",
                MetricType::Counter,
                1.0,
                "Connections given to clients.",
            ),
        ],
    ),
    (
        "POOLS",
        &["database", "user"],
        &[
            (
                "cl_active",
                "pgbouncer_pools_client_active_connections",
                MetricType::Gauge,
                1.0,
                "Clients that are served or want nothing.",
            ),
            (
                "cl_active_cancel_req",
                "pgbouncer_pools_client_active_cancel_connections",
                MetricType::Gauge,
                1.0,
                "Cancel requests under way.",
            ),
            (
                "cl_waiting",
                "pgbouncer_pools_client_waiting_connections",
                MetricType::Gauge,
                1.0,
                "Clients that wait for a server.",
            ),
            (
                "cl_waiting_cancel_req",
                "pgbouncer_pools_client_waiting_cancel_connections",
                MetricType::Gauge,
                1.0,
                "Cancel requests that wait.",
            ),
            (
                "sv_active",
                "pgbouncer_pools_server_active_connections",
                MetricType::Gauge,
                1.0,
                "Connections that serve a client.",
            ),
            (
                "sv_active_cancel",
                "pgbouncer_pools_server_active_cancel_connections",
                MetricType::Gauge,
                1.0,
                "Connections that carry a cancel request.",
            ),
            (
                "sv_being_canceled",
                "pgbouncer_pools_server_being_canceled_connections",
                MetricType::Gauge,
                1.0,
                "Connections that wait for cancel requests to end.",
            ),
            (
                "sv_idle",
                "pgbouncer_pools_server_idle_connections",
                MetricType::Gauge,
                1.0,
                "Connections ready for a client.",
            ),
            (
                "sv_used",
                "pgbouncer_pools_server_used_connections",
                MetricType::Gauge,
                1.0,
                "Idle connections to be checked first.",
            ),
            (
                "sv_tested",
                "pgbouncer_pools_server_testing_connections",
                MetricType::Gauge,
                1.0,
                "Connections being reset or checked.",
            ),
            (
                "sv_login",
                "pgbouncer_pools_server_login_connections",
                MetricType::Gauge,
                1.0,
                "Connections that log in.",
            ),
            (
                "maxwait",
                "pgbouncer_pools_client_maxwait_seconds",
                MetricType::Gauge,
                1.0,
                "The longest wait of a client.",
            ),
        ],
    ),
];

/// A row's name, what it is called, and what it counts.
type Number = (&'static str, &'static str, &'static str);

/// Each list whose rows are a name and a number, with the columns of both.
const NUMBERS: [(&str, &str, &str, &[Number]); 2] = [
    (
        "LISTS",
        "list",
        "items",
        &[
            ("databases", "pgbouncer_databases", "Databases."),
            ("users", "pgbouncer_users", "Users."),
            ("pools", "pgbouncer_pools", "Pools."),
            ("free_clients", "pgbouncer_free_clients", "Free clients."),
            ("used_clients", "pgbouncer_used_clients", "Used clients."),
            ("login_clients", "pgbouncer_login_clients", "Clients that log in."),
            ("free_servers", "pgbouncer_free_servers", "Free servers."),
            ("used_servers", "pgbouncer_used_servers", "Used servers."),
            ("dns_names", "pgbouncer_cached_dns_names", "DNS names in the cache."),
            ("dns_zones", "pgbouncer_cached_dns_zones", "DNS zones in the cache."),
            ("dns_queries", "pgbouncer_in_flight_dns_queries", "DNS queries under way."),
        ],
    ),
    (
        "CONFIG",
        "key",
        "value",
        &[
            ("max_client_conn", "pgbouncer_config_max_client_connections", "The setting max_client_conn."),
            (
                "max_user_connections",
                "pgbouncer_config_max_user_connections",
                "The setting max_user_connections.",
            ),
        ],
    ),
];

/// What can be said, under pgbouncer_exporter's names, of a pooler that did not answer.
pub(crate) fn down(place: Option<&str>) -> Vec<Family> {
    labelled(vec![up(0.0)], place)
}

fn up(value: f64) -> Family {
    let help = "Whether the pooler could be connected to (1) or not (0).";
    Family { name: "pgbouncer_up", kind: MetricType::Gauge, help, samples: vec![sample(&[], value)] }
}

/// The families of one look, each sample labelled with the pooler's `place`: unlike there, so that files of several poolers can lie
/// in one folder.
pub(crate) fn families(tables: &[ConsoleTable], place: &str) -> Vec<Family> {
    let rows = |name: &'static str| {
        tables.iter().filter(move |table| table.name == name).flat_map(|table| &table.rows)
    };
    let mut families = vec![up(1.0)];
    let mut add = |name: &'static str, kind: MetricType, help: &'static str, samples: Vec<Sample>| {
        if !samples.is_empty() {
            families.push(Family { name, kind, help, samples });
        }
    };
    let version = rows("VERSION").filter_map(|row| row.get("version"));
    let version = version.map(|version| sample(&[("version", version)], 1.0));
    add(
        "pgbouncer_version_info",
        MetricType::Gauge,
        "Always 1; the version of the pooler.",
        version.collect(),
    );
    for (list, key, value, numbers) in NUMBERS {
        for (item, name, help) in numbers {
            let found = rows(list).find(|row| row.get(key).is_some_and(|key| key == item));
            let number = found.and_then(|row| row.get(value)?.trim().parse().ok());
            add(
                name,
                MetricType::Gauge,
                help,
                number.map(|number| sample(&[], number)).into_iter().collect(),
            );
        }
    }
    let mut clients: BTreeMap<[&str; 4], f64> = BTreeMap::new();
    for row in rows("CLIENTS") {
        *clients.entry(CLIENT.map(|label| row.get(label).map_or("", String::as_str))).or_default() += 1.0;
    }
    let clients = clients.iter().map(|(values, count)| {
        let labels: Vec<_> = CLIENT.into_iter().zip(*values).collect();
        sample(&labels, *count)
    });
    add("pgbouncer_client_connections", MetricType::Gauge, "Clients.", clients.collect());
    for (list, labels, columns) in COLUMNS {
        for (column, name, kind, factor, help) in columns {
            let samples = rows(list).filter_map(|row| {
                let number: f64 = row.get(*column)?.trim().parse().ok()?;
                let value =
                    |label: &&'static str| (*label, row.get(*label).map(String::as_str).unwrap_or_default());
                Some(sample(&labels.iter().map(value).collect::<Vec<_>>(), number * factor))
            });
            add(name, *kind, help, distinct(samples));
        }
    }
    labelled(families, Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &'static str, rows: &[&[(&str, &str)]]) -> ConsoleTable {
        let row = |row: &&[(&str, &str)]| {
            row.iter().map(|(column, value)| ((*column).to_owned(), (*value).to_owned())).collect()
        };
        ConsoleTable { name, rows: rows.iter().map(row).collect() }
    }

    #[test]
    fn columns_that_were_renamed_or_came_later_have_the_exporters_names() {
        let web: &[_] =
            &[("database", "shop"), ("user", "app"), ("state", "idle"), ("application_name", "web")];
        let old: &[_] = &[("database", "shop"), ("user", "app"), ("state", "active")];
        let tables = [
            table("DATABASES", &[&[("name", "shop"), ("reserve_pool_size", "5"), ("pool_size", "20")]]),
            table("STATS_TOTALS", &[&[("database", "shop"), ("server_assignment_count", "7")]]),
            table("CLIENTS", &[web, old, web]),
        ];
        let families = families(&tables, "db1:6432");
        let values = |name: &str| -> Vec<_> {
            let samples =
                families.iter().filter(|family| family.name == name).flat_map(|family| &family.samples);
            samples.map(|sample| sample.value.unwrap()).collect()
        };
        assert_eq!(values("pgbouncer_databases_reserve_pool"), [5.0]);
        assert_eq!(values("pgbouncer_stats_totals_server_assignments_total"), [7.0]);
        assert_eq!(values("pgbouncer_client_connections"), [1.0, 2.0]);
        let clients = families.iter().find(|family| family.name == "pgbouncer_client_connections").unwrap();
        assert_eq!(clients.samples[1].labels.get("application_name"), Some("web"));
    }
}
