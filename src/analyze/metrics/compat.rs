//! The metrics about connections under the names, labels and types of Prometheus' postgres_exporter (0.11), so that its
//! published dashboards and alerts go on working.

use super::families::{labelled, sample};
use crate::model::metric::{Exporter, ExporterActivity, Family, MetricType, Sample};
use crate::model::server::ServerContext;

/// The columns of pg_stat_database that are exported. What 14 added is untyped there, too.
const COLUMNS: [(&str, &str, MetricType, &str); 23] = [
    (
        "active_time",
        "pg_stat_database_active_time",
        MetricType::Untyped,
        "Milliseconds in running statements.",
    ),
    (
        "blk_read_time",
        "pg_stat_database_blk_read_time",
        MetricType::Counter,
        "Milliseconds of reading blocks.",
    ),
    (
        "blk_write_time",
        "pg_stat_database_blk_write_time",
        MetricType::Counter,
        "Milliseconds of writing blocks.",
    ),
    ("blks_hit", "pg_stat_database_blks_hit", MetricType::Counter, "Blocks found in the buffer cache."),
    ("blks_read", "pg_stat_database_blks_read", MetricType::Counter, "Blocks read."),
    ("conflicts", "pg_stat_database_conflicts", MetricType::Counter, "Queries that recovery cancelled."),
    ("deadlocks", "pg_stat_database_deadlocks", MetricType::Counter, "Deadlocks."),
    (
        "idle_in_transaction_time",
        "pg_stat_database_idle_in_transaction_time",
        MetricType::Untyped,
        "Milliseconds idle in a transaction.",
    ),
    (
        "numbackends",
        "pg_stat_database_numbackends",
        MetricType::Gauge,
        "Backends connected to this database.",
    ),
    ("session_time", "pg_stat_database_session_time", MetricType::Untyped, "Milliseconds in sessions."),
    ("sessions", "pg_stat_database_sessions", MetricType::Untyped, "Sessions established."),
    (
        "sessions_abandoned",
        "pg_stat_database_sessions_abandoned",
        MetricType::Untyped,
        "Sessions whose client vanished.",
    ),
    (
        "sessions_fatal",
        "pg_stat_database_sessions_fatal",
        MetricType::Untyped,
        "Sessions ended by a fatal error.",
    ),
    (
        "sessions_killed",
        "pg_stat_database_sessions_killed",
        MetricType::Untyped,
        "Sessions ended by an administrator.",
    ),
    ("temp_bytes", "pg_stat_database_temp_bytes", MetricType::Counter, "Bytes written to temporary files."),
    ("temp_files", "pg_stat_database_temp_files", MetricType::Counter, "Temporary files."),
    ("tup_deleted", "pg_stat_database_tup_deleted", MetricType::Counter, "Rows deleted."),
    ("tup_fetched", "pg_stat_database_tup_fetched", MetricType::Counter, "Rows fetched."),
    ("tup_inserted", "pg_stat_database_tup_inserted", MetricType::Counter, "Rows inserted."),
    ("tup_returned", "pg_stat_database_tup_returned", MetricType::Counter, "Rows returned."),
    ("tup_updated", "pg_stat_database_tup_updated", MetricType::Counter, "Rows updated."),
    ("xact_commit", "pg_stat_database_xact_commit", MetricType::Counter, "Transactions committed."),
    ("xact_rollback", "pg_stat_database_xact_rollback", MetricType::Counter, "Transactions rolled back."),
];

/// The settings about connections that are exported, with what their numbers are divided by to be in seconds.
const SETTINGS: [(&str, &str, f64, &str); 17] = [
    ("max_connections", "pg_settings_max_connections", 1.0, "The setting max_connections."),
    (
        "superuser_reserved_connections",
        "pg_settings_superuser_reserved_connections",
        1.0,
        "The setting superuser_reserved_connections.",
    ),
    ("reserved_connections", "pg_settings_reserved_connections", 1.0, "The setting reserved_connections."),
    (
        "max_locks_per_transaction",
        "pg_settings_max_locks_per_transaction",
        1.0,
        "The setting max_locks_per_transaction.",
    ),
    (
        "max_prepared_transactions",
        "pg_settings_max_prepared_transactions",
        1.0,
        "The setting max_prepared_transactions.",
    ),
    ("max_wal_senders", "pg_settings_max_wal_senders", 1.0, "The setting max_wal_senders."),
    ("max_replication_slots", "pg_settings_max_replication_slots", 1.0, "The setting max_replication_slots."),
    ("max_worker_processes", "pg_settings_max_worker_processes", 1.0, "The setting max_worker_processes."),
    ("statement_timeout", "pg_settings_statement_timeout_seconds", 1e3, "The setting statement_timeout."),
    ("lock_timeout", "pg_settings_lock_timeout_seconds", 1e3, "The setting lock_timeout."),
    (
        "idle_in_transaction_session_timeout",
        "pg_settings_idle_in_transaction_session_timeout_seconds",
        1e3,
        "The setting idle_in_transaction_session_timeout.",
    ),
    (
        "idle_session_timeout",
        "pg_settings_idle_session_timeout_seconds",
        1e3,
        "The setting idle_session_timeout.",
    ),
    (
        "transaction_timeout",
        "pg_settings_transaction_timeout_seconds",
        1e3,
        "The setting transaction_timeout.",
    ),
    ("deadlock_timeout", "pg_settings_deadlock_timeout_seconds", 1e3, "The setting deadlock_timeout."),
    (
        "authentication_timeout",
        "pg_settings_authentication_timeout_seconds",
        1.0,
        "The setting authentication_timeout.",
    ),
    (
        "tcp_keepalives_idle",
        "pg_settings_tcp_keepalives_idle_seconds",
        1.0,
        "The setting tcp_keepalives_idle.",
    ),
    ("tcp_user_timeout", "pg_settings_tcp_user_timeout_seconds", 1e3, "The setting tcp_user_timeout."),
];

/// The names of the settings that [`families`] exports.
pub(crate) fn settings() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|(setting, ..)| *setting)
}

/// The names of the columns that [`families`] exports.
pub(crate) fn columns() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(column, ..)| *column)
}

/// What can be said of a server that did not answer; none of `place` when it is not known where that is.
pub(crate) fn down(place: Option<&str>) -> Vec<Family> {
    labelled(vec![up(0.0)], place)
}

/// Unlike there, it carries the label of the server here: files of several servers lie in one folder.
fn up(value: f64) -> Family {
    Family {
        name: "pg_up",
        kind: MetricType::Gauge,
        help: "Whether the server could be connected to (1) or not (0).",
        samples: vec![sample(&[], value)],
    }
}

/// The families of one look, each sample labelled with the server's `place`.
pub(crate) fn families(server_context: &ServerContext, exporter: &Exporter, place: &str) -> Vec<Family> {
    let mut made = Vec::new();
    let mut add = |name: &'static str, kind: MetricType, help: &'static str, samples: Vec<Sample>| {
        if !samples.is_empty() {
            made.push(Family { name, kind, help, samples });
        }
    };
    let version = server_context.server.version_num;
    let short = format!("{}.{}.0", version / 10_000, version % 10_000);
    let labels = [("version", server_context.product.as_str()), ("short_version", short.as_str())];
    add("pg_static", MetricType::Untyped, "Always 1; the version of the server.", vec![sample(&labels, 1.0)]);
    for (setting, name, divisor, help) in SETTINGS {
        let value =
            exporter.settings.iter().find(|(known, _)| known == setting).map(|(_, value)| value / divisor);
        add(name, MetricType::Gauge, help, value.map(|value| sample(&[], value)).into_iter().collect());
    }
    add(
        "pg_postmaster_start_time_seconds",
        MetricType::Gauge,
        "When the server started, in seconds since 1970.",
        vec![sample(&[], exporter.start_time_seconds)],
    );
    add(
        "pg_locks_count",
        MetricType::Gauge,
        "Locks held or awaited, by database and mode.",
        super::distinct(
            exporter
                .locks
                .iter()
                .map(|locks| sample(&[("datname", &locks.database), ("mode", &locks.mode)], locks.count)),
        ),
    );
    let activity = |value: fn(&ExporterActivity) -> f64| {
        super::distinct(
            exporter
                .activity
                .iter()
                .map(|row| sample(&[("datname", &row.database), ("state", &row.state)], value(row))),
        )
    };
    add(
        "pg_stat_activity_count",
        MetricType::Gauge,
        "Sessions by database and state.",
        activity(|row| row.count),
    );
    // How old hidden transactions are, nobody knows.
    if exporter.hidden() == 0 {
        add(
            "pg_stat_activity_max_tx_duration",
            MetricType::Gauge,
            "Age in seconds of the oldest transaction, by database and state.",
            activity(|row| row.max_tx_seconds),
        );
    }
    for (column, name, kind, help) in COLUMNS {
        let samples = exporter.databases.iter().filter_map(|row| {
            let (_, value) = row.columns.iter().find(|(known, _)| known == column)?;
            let labels = [("datid", row.datid.as_str()), ("datname", &row.database)];
            Some(Sample { value: *value, ..sample(&labels, 0.0) })
        });
        add(name, kind, help, samples.collect());
    }
    made.insert(0, up(1.0));
    labelled(made, Some(place))
}
