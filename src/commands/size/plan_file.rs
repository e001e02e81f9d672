//! The plan file: every input that a flag can say, in TOML.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::args::{App, Args, mode, size, version};
use super::input;
use crate::analyze::sizing::services::InstanceCount;
use crate::analyze::sizing::{CurrentPool, Service};
use crate::args::{duration, time_limit};
use crate::error::Failure;
use crate::poolconf::pgbouncer::Version;
use crate::poolconf::{Mode, provider};

/// What `--plan-example` prints; every key of the file is in it.
pub(super) const EXAMPLE: &str = include_str!("plan.example.toml");

/// The plan file.
#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanFile {
    cores: Option<u64>,
    spindles: Option<u64>,
    pub(super) instances: Option<InstanceCount>,
    pub(super) processes: Option<u64>,
    pub(super) serverless: Option<u64>,
    max_connections: Option<u64>,
    reserve_percent: Option<u64>,
    reserved_slots: Option<u64>,
    surge_percent: Option<u64>,
    threads: Option<u64>,
    connections_per_task: Option<u64>,
    replicas: Option<u64>,
    replica_max_connections: Option<u64>,
    #[serde(default, deserialize_with = "a_size")]
    memory: Option<u64>,
    #[serde(default, deserialize_with = "a_size")]
    work_mem: Option<u64>,
    #[serde(default, deserialize_with = "a_provider")]
    provider: Option<String>,
    #[serde(default, deserialize_with = "a_mode")]
    mode: Option<Mode>,
    app: Option<String>,
    #[serde(default, deserialize_with = "a_time_limit")]
    statement_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "a_duration")]
    idle_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "a_duration")]
    max_lifetime: Option<Duration>,
    #[serde(default, deserialize_with = "a_duration")]
    acquire_timeout: Option<Duration>,
    #[serde(default, deserialize_with = "a_version")]
    pgbouncer_version: Option<Version>,
    #[serde(default)]
    pooler: PoolerTable,
    #[serde(default)]
    pub(super) service: Vec<ServiceTable>,
}

#[derive(Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolerTable {
    processes: Option<u64>,
    pairs: Option<u64>,
    reserve: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceTable {
    name: String,
    instances: InstanceCount,
    #[serde(default = "one")]
    processes: u64,
    #[serde(default = "one")]
    weight: u64,
    threads: Option<u64>,
    connections_per_task: Option<u64>,
    pool: Option<u64>,
}

const fn one() -> u64 {
    1
}

impl PlanFile {
    /// Fills in what no flag says. Who opens pools is not among it: a flag replaces all that the file says of that.
    pub(super) fn complete(&self, args: &mut Args) {
        for (flag, said) in [
            (&mut args.cores, self.cores),
            (&mut args.spindles, self.spindles),
            (&mut args.max_connections, self.max_connections),
            (&mut args.reserve, self.reserve_percent),
            (&mut args.reserved_slots, self.reserved_slots),
            (&mut args.surge, self.surge_percent),
            (&mut args.threads, self.threads),
            (&mut args.connections_per_task, self.connections_per_task),
            (&mut args.replicas, self.replicas),
            (&mut args.replica_max_connections, self.replica_max_connections),
            (&mut args.memory, self.memory),
            (&mut args.work_mem, self.work_mem),
            (&mut args.pooler_processes, self.pooler.processes),
            (&mut args.pooler_pairs, self.pooler.pairs),
            (&mut args.pooler_reserve, self.pooler.reserve),
        ] {
            *flag = flag.or(said);
        }
        args.provider = args.provider.take().or_else(|| self.provider.clone());
        let configuration = &mut args.configuration;
        configuration.mode = configuration.mode.or(self.mode);
        configuration.pgbouncer_version = configuration.pgbouncer_version.or(self.pgbouncer_version);
        for (flag, said) in [
            (&mut configuration.statement_timeout, self.statement_timeout),
            (&mut configuration.idle_timeout, self.idle_timeout),
            (&mut configuration.max_lifetime, self.max_lifetime),
            (&mut configuration.acquire_timeout, self.acquire_timeout),
        ] {
            *flag = flag.or(said);
        }
        if args.app.is_empty() {
            args.app.extend(self.app.clone().map(App::Name));
        }
    }

    /// The services to plan for.
    pub(super) fn services(&self) -> Vec<Service> {
        let service = |table: &ServiceTable| Service {
            processes: table.processes,
            weight: table.weight,
            threads: table.threads,
            connections_per_task: table.connections_per_task,
            ..Service::new(table.name.clone(), table.instances)
        };
        self.service.iter().map(service).collect()
    }

    /// The pools of today.
    pub(super) fn current(&self) -> Vec<CurrentPool> {
        let pool = |table: &ServiceTable| {
            Some(CurrentPool {
                name: table.name.clone(),
                instances: table.instances,
                processes: table.processes,
                pool: table.pool?,
            })
        };
        self.service.iter().filter_map(pool).collect()
    }
}

/// Text that a flag's own parser reads; `wanted` is said of anything but text.
struct AsFlag<T> {
    wanted: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for AsFlag<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

fn a_size<'de, D: Deserializer<'de>>(file: D) -> Result<Option<u64>, D::Error> {
    file.deserialize_str(AsFlag { wanted: "a size with its unit, like 8GB", parse: size }).map(Some)
}

fn a_duration<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Duration>, D::Error> {
    file.deserialize_str(AsFlag { wanted: "a time with its unit, like 30s", parse: duration }).map(Some)
}

fn a_time_limit<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Duration>, D::Error> {
    file.deserialize_str(AsFlag { wanted: "a time with its unit, like 30s", parse: time_limit }).map(Some)
}

fn a_provider<'de, D: Deserializer<'de>>(file: D) -> Result<Option<String>, D::Error> {
    let parse = |name: &str| match provider::find(name) {
        Some(provider) => Ok(provider.name.to_owned()),
        None => Err(format!("the providers are {}", provider::ALL.map(|provider| provider.name).join(", "))),
    };
    file.deserialize_str(AsFlag { wanted: "the name of a provider", parse }).map(Some)
}

fn a_mode<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Mode>, D::Error> {
    file.deserialize_str(AsFlag { wanted: "direct, transaction or session", parse: mode }).map(Some)
}

fn a_version<'de, D: Deserializer<'de>>(file: D) -> Result<Option<Version>, D::Error> {
    file.deserialize_str(AsFlag { wanted: "a version in quotes, like \"1.24\"", parse: version }).map(Some)
}

impl<'de> Deserialize<'de> for InstanceCount {
    fn deserialize<D: Deserializer<'de>>(file: D) -> Result<Self, D::Error> {
        struct Count;
        impl Visitor<'_> for Count {
            type Value = InstanceCount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, or a range like \"3..40\"")
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<InstanceCount, E> {
                let wrong = |_| E::invalid_value(de::Unexpected::Signed(number), &self);
                u64::try_from(number).map(InstanceCount::fixed).map_err(wrong)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<InstanceCount, E> {
                InstanceCount::parse(text).map_err(E::custom)
            }
        }
        file.deserialize_any(Count)
    }
}

/// Reads the plan file.
///
/// # Errors
/// When it cannot be read, or is not a plan; then with the line.
pub(super) fn read(path: &Path) -> Result<PlanFile> {
    let text = String::from_utf8(input::read(path)?)
        .map_err(|_| Failure::usage(format!("could not read {}: it is not UTF-8", path.display())))?;
    Ok(parse(&text).map_err(|(line, message)| {
        let (message, hint) = match meant(&message) {
            Some((unknown, near)) => (unknown, format!("did you mean {near}?")),
            None => (message.as_str(), "see pgconn size --plan-example".to_owned()),
        };
        Failure::usage(format!("{} line {line}: {message}", path.display())).hinted(hint)
    })?)
}

/// Reads a plan; errors have their line.
pub(super) fn parse(text: &str) -> Result<PlanFile, (usize, String)> {
    let file: PlanFile = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let message = error.message().replace('\n', ", ").replace("expected u64", "expected a whole number");
        (before.matches('\n').count() + 1, message)
    })?;
    Ok(file)
}

/// From "unknown field `a`, expected one of `b`, `c`" the first part, and which of them was probably meant.
fn meant(message: &str) -> Option<(&str, &str)> {
    let (unknown, known) = message.split_once(", expected one of ")?;
    let typed = unknown.split('`').nth(1)?;
    let near = crate::model::nearest::nearest(typed, known.split('`').skip(1).step_by(2))?;
    Some((unknown, near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_plan_names_its_line() {
        assert_eq!(parse("cores = 4\ncolour = 2\n").unwrap_err().0, 2);
        assert_eq!(parse("\n\ncores = 'x'\n").unwrap_err().0, 3);
        assert_eq!(parse("cores = -4").unwrap_err().0, 1);
        for (text, words) in [
            ("memory = 8", "like 8GB"),
            ("memory = '8'", "like 8GB"),
            ("provider = 'nobody'", "supabase, neon"),
            ("mode = 'statement'", "transaction"),
            ("pgbouncer_version = 1.24", "in quotes"),
            ("idle_timeout = 300", "like 30s"),
            ("instances = -1", "like \"3..40\""),
            ("instances = '4..3'", "like 3..40"),
        ] {
            let (line, message) = parse(text).unwrap_err();
            assert!(line == 1 && message.contains(words), "{text}: {message}");
        }
    }

    #[test]
    fn the_example_has_every_key() {
        let unknown = parse("nothing = 1").unwrap_err().1;
        let in_service = parse("[[service]]\nname = 'a'\ninstances = 1\nnothing = 1").unwrap_err().1;
        let keys =
            |message: &str| message.split('`').skip(3).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let keys = [keys(&unknown), keys(&in_service)].concat();
        assert!(keys.len() > 30, "{keys:?}");
        let missing = keys.iter().filter(|key| {
            let key = key.as_str();
            ![format!("{key} = "), format!("[{key}]"), format!("[[{key}]]")]
                .iter()
                .any(|text| EXAMPLE.contains(text))
        });
        assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
    }
}
