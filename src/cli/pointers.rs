//! What people of other tools call what pgconn has under another name.

/// The command that does what a word of another tool asks for.
pub(super) fn command(typed: &str) -> Option<String> {
    let hint = match typed {
        "activity" | "watch" | "pg_activity" | "pg_top" | "htop" => {
            "pgconn top is a live screen of sessions, pgconn ls --watch lists them again and again"
        }
        "pgconn" => "leave that word out; pgconn --help lists the commands",
        "ps" | "processlist" | "list" | "show-processlist" | "who" | "w" => "pgconn ls lists sessions",
        "connections" | "status" | "count" | "summary" => {
            "pgconn stats counts connections, pgconn ls lists them"
        }
        "locks" | "waits" | "blocked" | "lock" => "pgconn blockers shows who waits for whom",
        "slow" | "slowlog" | "running" => "pgconn long lists the longest queries and transactions",
        "session" | "describe" | "inspect" | "info" => "pgconn show PID tells everything of one session",
        "stop" | "end" | "disconnect" | "close" => "pgconn kill ends sessions, pgconn cancel what they run",
        "pgbouncer" | "pools" | "bouncer" | "pool" => {
            "pgconn pooler shows PgBouncer's pools, clients and servers"
        }
        "health" | "healthcheck" | "monitor" | "nagios" => {
            "pgconn check judges, pgconn ping asks whether it lets you in"
        }
        "isready" | "pg_isready" | "ready" | "connect" => "pgconn ping says whether the server lets you in",
        "prometheus" | "exporter" => "pgconn metrics prints them once, pgconn serve over HTTP",
        "config" | "dsn" | "settings" | "env" => "pgconn conninfo shows what would be connected to, and why",
        "version" => "pgconn --version",
        "usage" | "commands" => "pgconn --help",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The value that is meant by a word of another tool.
pub(super) fn value(typed: &str) -> Option<&'static str> {
    Some(match typed {
        "user" | "usename" | "username" | "usr" => "role",
        "app" | "appname" | "application_name" | "program" => "application",
        "db" | "datname" | "dbname" => "database",
        "ip" | "host" | "address" | "client_addr" | "addr" | "source" => "client",
        "type" | "backend" | "backend_type" => "backend-type",
        "transaction" | "tx" | "txn" => "xact",
        "time" | "duration" | "runtime" => "query",
        "session" | "start" => "age",
        "csv" => "tsv",
        "jsonl" => "ndjson",
        "text" | "plain" => "table",
        _ => return None,
    })
}
