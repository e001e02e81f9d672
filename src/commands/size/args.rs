//! What can be said to `size`, and the parsers of its values.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;

use crate::analyze::sizing::services::{self, InstanceCount};
use crate::analyze::sizing::{CurrentPool, Refused, Service, current};
use crate::args::{Worded, duration, time_limit};
use crate::poolconf::pgbouncer::Version;
use crate::poolconf::{Mode, emit, provider};

/// Arguments of `size`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Physical cores of the database server
    ///
    /// vCPUs are often threads, two to a core. PostgreSQL does not know the number.
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) cores: Option<u64>,
    /// Disks that seek at the same time [default: 1]
    ///
    /// 1 for SSD, 0 if all is cached. Of the database server. An SSD does not seek and counts as 1; of turning disks count those that work side by side.
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) spindles: Option<u64>,
    /// Application's copies, as 8 or 3..40 [default: 1]
    ///
    /// Those that run at once. Of a range the end is planned for, and both ends are shown.
    #[arg(long, value_name = "N", value_parser = instances, allow_negative_numbers = true)]
    pub(super) instances: Option<InstanceCount>,
    /// Processes in each, each with a pool [default: 1]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) processes: Option<u64>,
    /// Threads (tasks at once) in one process: a pool is no larger than they can use
    ///
    /// It is no larger because of them, either: a server has more threads for requests (Tomcat 200) than are at work in the
    /// database at once.
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) threads: Option<u64>,
    /// Connections that one task holds at once [default: 1]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) connections_per_task: Option<u64>,
    /// Percent more of them in a rollout [default: 0]
    #[arg(long, value_name = "PCT", value_parser = whole, allow_negative_numbers = true)]
    pub(super) surge: Option<u64>,
    /// Of the server [default: as it tells, or 100]
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) max_connections: Option<u64>,
    /// Percent of them to keep back [default: 15]
    ///
    /// Of max_connections, for administration, monitoring, migrations; 10 to 20 is usual.
    #[arg(long, value_name = "PCT", value_parser = whole, allow_negative_numbers = true)]
    pub(super) reserve: Option<u64>,
    /// Slots that ordinary roles can never use [default: the server's when connected, the provider's, else 3]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) reserved_slots: Option<u64>,
    /// Name, or one of several, as api=8x4@3 (repeat)
    ///
    /// The application's, or a service's. `NAME`: the application_name, and the pool's name, in what is emitted. `NAME=INSTANCES[xPROCESSES][@WEIGHT]`: here 8
    /// instances of 4 processes, with weight 3. The name is the application_name under which its sessions are found on the server.
    #[arg(long, value_name = "SERVICE", value_parser = app)]
    pub(super) app: Vec<App>,
    /// A pool of today, as web=12:10 (repeat)
    ///
    /// To judge whether all of them fit. `NAME=INSTANCES[xPROCESSES]:POOL`: here 12 instances whose pools open up to 10. Without --instances and --app the plan is
    /// made for them, too.
    #[arg(long, value_name = "POOL", value_parser = current_pool)]
    pub(super) current: Vec<CurrentPool>,
    /// Serverless functions that run at once
    ///
    /// Each holds one connection.
    #[arg(long, value_name = "N", value_parser = whole, allow_negative_numbers = true,
          conflicts_with_all = ["instances", "processes"])]
    pub(super) serverless: Option<u64>,
    /// Read the inputs from a TOML file (- is stdin)
    ///
    /// Flags win over it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(super) plan: Option<PathBuf>,
    /// Print an example of such a file
    #[arg(long, hide_short_help = true, exclusive = true)]
    pub(super) plan_example: bool,
    /// Read replicas that every process opens a pool to as well
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) replicas: Option<u64>,
    /// max_connections of the replicas, when it is not the primary's
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) replica_max_connections: Option<u64>,
    /// Memory of the database server, as 8GB, to check that the connections fit
    ///
    /// With --provider it gives the service's default for max_connections.
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size)]
    pub(super) memory: Option<u64>,
    /// work_mem of the database server, as 4MB, counted three times per connection
    #[arg(long, hide_short_help = true, value_name = "SIZE", value_parser = size, requires = "memory")]
    pub(super) work_mem: Option<u64>,
    /// Hosted service that keeps slots and has a pooler of its own
    #[arg(long, value_name = "NAME", value_parser = provider_names(), hide_short_help = true)]
    pub(super) provider: Option<String>,
    /// PgBouncer processes that pool on their own [default: 1]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) pooler_processes: Option<u64>,
    /// Pairs of database and user that connect through PgBouncer, each a pool [default: 1]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) pooler_pairs: Option<u64>,
    /// PgBouncer's reserve_pool_size [default: 0]
    #[arg(long, hide_short_help = true, value_name = "N", value_parser = whole, allow_negative_numbers = true)]
    pub(super) pooler_reserve: Option<u64>,
    /// Read limits and use from the live server
    #[arg(long)]
    pub(super) from_server: bool,
    /// Measure the live server's load for so long
    ///
    /// Ctrl-C ends it early, and what was seen is reported.
    #[arg(long, value_name = "DUR", value_parser = duration, conflicts_with_all = ["lint", "emit"])]
    pub(super) sample: Option<Duration>,
    /// The mean wait for a connection to plan for, with --sample [default: 5ms]
    #[arg(long, value_name = "DUR", value_parser = duration, requires = "sample", hide_short_help = true)]
    pub(super) target_wait: Option<Duration>,
    #[command(flatten)]
    pub(super) configuration: Configuration,
    /// Judge a pgbouncer.ini, URLs, or a pool's settings
    ///
    /// URLs are connection URLs; a file of the name - is stdin. Settings are those of PgBouncer's images (compose, Helm, .env), HikariCP under Spring, database.yml and Npgsql.
    /// What a pgbouncer.ini includes, and its auth_file, are read relative to its folder (from stdin there is none). Notes
    /// are shown with -v. Sums are only noted until --max-connections or --from-server says what the server has.
    ///
    /// As many users connect as it names in `[users]`, at least one, unless --pooler-pairs says how many.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["emit", "plan"])]
    pub(super) lint: Option<PathBuf>,
}

impl Args {
    /// Whether the live server is asked, too.
    pub(crate) fn asks_server(&self) -> bool {
        self.from_server || self.sample.is_some()
    }

    /// The services named with `--app`.
    pub(super) fn services(&self) -> Vec<Service> {
        let service = |app: &App| match app {
            App::Service(service) => Some(service.clone()),
            App::Name(_) => None,
        };
        self.app.iter().filter_map(service).collect()
    }

    /// The one application's name.
    pub(super) fn app_name(&self) -> Option<&str> {
        self.app.iter().find_map(|app| match app {
            App::Name(name) => Some(name.as_str()),
            App::Service(_) => None,
        })
    }
}

/// What stands behind `--app`.
#[derive(Clone, Debug)]
pub(super) enum App {
    /// The name of the one application.
    Name(String),
    /// One of several services.
    Service(Service),
}

/// What configuration to print.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct Configuration {
    /// Print configuration; --emit list lists for what
    ///
    /// Stdout is the file and nothing else. Targets of several files, and several services, go into a folder with -o DIR.
    #[arg(long, value_name = "TARGET", value_parser = target_names(), hide_possible_values = true)]
    pub(super) emit: Option<String>,
    /// Write the code around the pool, too: transactions, retry, health, metrics
    ///
    /// For node-pg, sqlalchemy, psycopg-pool, asyncpg, pgxpool and sqlx: a transaction that gives its connection back in every
    /// case, the same with retry of what passes by itself, an orderly shutdown, an answer for a health check, and the gauge
    /// db_pool_connections for Prometheus.
    #[arg(long, hide_short_help = true)]
    pub(super) helpers: bool,
    /// The service to print it for
    #[arg(id = "emit_for", long = "for", hide_short_help = true, value_name = "NAME", requires = "emit")]
    pub(super) service: Option<String>,
    /// direct, or a pooler's transaction or session mode
    ///
    /// What the application connects to; it decides about prepared statements and timeouts.
    #[arg(long, value_name = "MODE", hide_possible_values = true, value_parser = Worded { parse: mode, words: &["direct", "transaction", "session"] })]
    pub(super) mode: Option<Mode>,
    /// PgBouncer's version, as 1.24
    ///
    /// Without it only what every version does is relied on.
    #[arg(long, value_name = "VER", value_parser = version)]
    pub(super) pgbouncer_version: Option<Version>,
    /// Cancel statements after this long
    #[arg(long, hide_short_help = true, value_name = "DUR", value_parser = time_limit, requires = "emit")]
    pub(super) statement_timeout: Option<Duration>,
    /// Close connections that were idle so long [default: 5m, at most half of --max-lifetime]
    #[arg(long, hide_short_help = true, value_name = "DUR", value_parser = duration, requires = "emit")]
    pub(super) idle_timeout: Option<Duration>,
    /// Replace connections that are so old [default: 30m]
    #[arg(long, hide_short_help = true, value_name = "DUR", value_parser = duration, requires = "emit")]
    pub(super) max_lifetime: Option<Duration>,
    /// Wait so long for a connection [default: 10s]
    #[arg(long, hide_short_help = true, value_name = "DUR", value_parser = duration, requires = "emit")]
    pub(super) acquire_timeout: Option<Duration>,
}

/// A whole number; says so instead of "invalid digit" when it is negative or a fraction.
fn whole(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| {
        let number = text.parse::<f64>().is_ok_and(f64::is_finite);
        let what = if number { "a whole number of 0 or more is wanted" } else { "that is not a number" };
        what.to_owned()
    })
}

/// A whole number or a range.
fn instances(text: &str) -> Result<InstanceCount, String> {
    if text.contains("..") { InstanceCount::parse(text) } else { whole(text).map(InstanceCount::fixed) }
}

fn app(text: &str) -> Result<App, String> {
    if text.contains('=') {
        return services::parse(text).map(App::Service).map_err(|refused| in_one_line(&refused));
    }
    Some(text.trim())
        .filter(|name| !name.is_empty())
        .map(|name| App::Name(name.to_owned()))
        .ok_or_else(|| "name the application, or a service with its instances, as api=8".to_owned())
}

fn current_pool(text: &str) -> Result<CurrentPool, String> {
    current::parse(text).map_err(|refused| in_one_line(&refused))
}

fn in_one_line(refused: &Refused) -> String {
    let hint = refused.hint.iter().map(|hint| format!("; {hint}"));
    std::iter::once(refused.message.clone()).chain(hint).collect()
}

/// A size in PostgreSQL's units: kB, MB, GB and TB are powers of 1024 (KiB, MiB … are the same).
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a size with its unit, like 8GB or 64MB".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than can be counted".to_owned())
}

pub(super) fn mode(text: &str) -> Result<Mode, String> {
    [Mode::Direct, Mode::Transaction, Mode::Session]
        .into_iter()
        .find(|mode| mode.word() == text)
        .ok_or_else(|| "the modes are direct, transaction and session".to_owned())
}

pub(super) fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).ok_or_else(|| "write PgBouncer's version like 1.24 or 1.24.1".to_owned())
}

/// The names for `--emit`, each with what it is for.
fn target_names() -> clap::builder::PossibleValuesParser {
    let list = clap::builder::PossibleValue::new("list").help("the targets there are");
    let targets =
        emit::ALL.iter().map(|target| clap::builder::PossibleValue::new(target.name).help(target.what));
    std::iter::once(list).chain(targets).collect::<Vec<_>>().into()
}

fn provider_names() -> clap::builder::PossibleValuesParser {
    provider::ALL.iter().map(|provider| provider.name).collect::<Vec<_>>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole() {
        assert_eq!(whole("4"), Ok(4));
        for (text, expected) in
            [("-4", "whole number of 0 or more"), ("2.5", "whole number"), ("x", "not a number")]
        {
            assert!(whole(text).unwrap_err().contains(expected), "C11, C12: {text}");
        }
    }

    #[test]
    fn sizes_have_postgres_units() {
        assert_eq!(size("8GB"), Ok(8 << 30));
        assert_eq!(size("64MB"), Ok(64 << 20));
        assert_eq!(size("4096kB"), Ok(4 << 20));
        assert_eq!(size("1 GiB"), Ok(1 << 30));
        for wrong in ["8", "GB", "8XB", "-1GB", "99999999999TB", "", "1.5GB", "8 b"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn modes_and_versions_are_checked() {
        assert_eq!(mode("session"), Ok(Mode::Session));
        assert!(mode("statement").is_err() && version("latest").is_err());
    }
}
