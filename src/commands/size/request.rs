//! From flags, a plan file and what a server said to one request: flags win over the file, the file over the server,
//! and each figure remembers who said it.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Deserialize;

use super::args::Args;
use crate::analyze::sizing::{
    Clients, Figure, FigureSource, Input, InputValue, Refused, Service, SizeRequest,
};
use crate::error::Failure;
use crate::model::server::ConnectionSlots;
use crate::poolconf::Mode;
use crate::poolconf::provider::Provider;
use crate::render::text;

/// What `--plan-example` prints; every key of the file is in it.
pub(super) const EXAMPLE: &str = include_str!("plan.example.toml");

/// PostgreSQL's default for max_connections.
const MAX_CONNECTIONS: u64 = 100;
/// PostgreSQL's default for superuser_reserved_connections.
const RESERVED_SLOTS: u64 = 3;
/// The middle of the usual 10 to 20 percent.
const RESERVE_PERCENT: u64 = 15;
/// The mean wait for a connection that is planned for unless another is asked.
pub(super) const TARGET_WAIT: Duration = Duration::from_millis(5);

/// The plan file.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanFile {
    cores: Option<u64>,
    spindles: Option<u64>,
    instances: Option<u64>,
    processes: Option<u64>,
    max_connections: Option<u64>,
    reserve_percent: Option<u64>,
    reserved_slots: Option<u64>,
    surge_percent: Option<u64>,
    threads: Option<u64>,
    connections_per_task: Option<u64>,
    #[serde(default)]
    pooler: PoolerTable,
    #[serde(default)]
    service: Vec<ServiceTable>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PoolerTable {
    processes: Option<u64>,
    pairs: Option<u64>,
    reserve: Option<u64>,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceTable {
    name: String,
    instances: u64,
    #[serde(default = "one")]
    processes: u64,
    #[serde(default = "one")]
    weight: u64,
}

const fn one() -> u64 {
    1
}

/// Reads the plan file.
///
/// # Errors
/// When it cannot be read, or is not a plan; then with the line.
pub(super) fn read(path: &Path) -> Result<PlanFile> {
    let text = String::from_utf8(super::read(path)?)
        .map_err(|_| Failure::usage(format!("could not read {}: it is not UTF-8", path.display())))?;
    Ok(parse(&text).map_err(|(line, message)| {
        let (message, hint) = match meant(&message) {
            Some((unknown, near)) => (unknown, format!("did you mean {near}?")),
            None => (message.as_str(), "see pgconn size --plan-example".to_owned()),
        };
        Failure::usage(format!("{} line {line}: {message}", path.display())).hinted(hint)
    })?)
}

fn parse(text: &str) -> Result<PlanFile, (usize, String)> {
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
    let near = crate::args::nearest(typed, known.split('`').skip(1).step_by(2))?;
    Some((unknown, near))
}

/// Makes the request. Without cores there is none: no server can be asked for them.
///
/// # Errors
/// When the cores are missing, or flags and file contradict each other.
pub(super) fn request(
    args: &Args,
    file: &PlanFile,
    server: Option<ConnectionSlots>,
    provider: Option<&'static Provider>,
) -> Result<SizeRequest, Failure> {
    let Some(cores) = args.cores.or(file.cores) else {
        return Err(no_cores(server.is_some()));
    };
    let from_server =
        |value: i64| Figure { value: u64::try_from(value).unwrap_or(0), source: FigureSource::Server };
    let figure = |flag: Option<u64>, file: Option<u64>, default| Figure::given_or(flag.or(file), default);
    let mut max_connections = figure(args.max_connections, file.max_connections, MAX_CONNECTIONS);
    let slots = provider.map_or(RESERVED_SLOTS, |provider| provider.reserved_slots);
    let mut reserved_slots = figure(args.reserved_slots, file.reserved_slots, slots);
    if let Some(limits) = server {
        if max_connections.source == FigureSource::Assumed {
            max_connections = from_server(limits.max_connections);
        }
        if reserved_slots.source == FigureSource::Assumed {
            reserved_slots = from_server(limits.superuser_reserved + limits.reserved);
        }
    }
    let request = SizeRequest {
        cores: Figure { value: cores, source: FigureSource::Given },
        spindles: figure(args.spindles, file.spindles, 1),
        max_connections,
        reserve_percent: figure(args.reserve, file.reserve_percent, RESERVE_PERCENT),
        reserved_slots,
        surge_percent: figure(args.surge, file.surge_percent, 0),
        clients: clients(args, file)?,
        threads: args.threads.or(file.threads),
        connections_per_task: figure(args.connections_per_task, file.connections_per_task, 1),
        pooler_processes: figure(args.pooler_processes, file.pooler.processes, 1),
        pooler_pairs: figure(args.pooler_pairs, file.pooler.pairs, 1),
        pooler_reserve: figure(args.pooler_reserve, file.pooler.reserve, 0),
        replicas: args.replicas,
        replica_max_connections: args.replica_max_connections,
        memory: args.memory.map(|memory| (memory, args.work_mem)),
    };
    check_counts(&request)?;
    Ok(request)
}

/// Whether there is anybody to plan for, and to hold a file against: a count of 0 would make every sum fit.
fn check_counts(request: &SizeRequest) -> Result<(), Failure> {
    let wrong = if pools(request) == 0 {
        "at least 1 instance with 1 process must be planned for"
    } else if request.pooler_processes.value == 0 {
        "PgBouncer has at least 1 process"
    } else if request.connections_per_task.value == 0 {
        "a task holds at least 1 connection"
    } else if request.pooler_pairs.value == 0 {
        "at least 1 pair of database and user connects through PgBouncer"
    } else {
        return Ok(());
    };
    Err(Failure::usage(wrong).hinted("leave the flag out for the default of 1"))
}

/// The inputs that are no figures of the plan: what it is written for, and how the load is measured. Those of
/// [`super::args::Configuration`] that only say how a file is written are no inputs of a plan.
pub(super) fn further_inputs(args: &Args) -> [Input; 5] {
    let input = |name, given: Option<InputValue>, default| {
        let source = if given.is_some() { FigureSource::Given } else { FigureSource::Assumed };
        Input { name, value: given.or(default), source }
    };
    let word = |word: &str| InputValue::Word(word.to_owned());
    let seconds = |time: Duration| InputValue::Seconds(time.as_secs_f64());
    let Args { provider, sample, target_wait, configuration, .. } = args;
    let version = configuration.pgbouncer_version.map(|version| InputValue::Word(version.to_string()));
    [
        input("provider", provider.as_deref().map(word), None),
        input("mode", configuration.mode.map(|mode| word(mode.word())), Some(word(Mode::Direct.word()))),
        input("pgbouncer_version", version, None),
        input("sample_seconds", sample.map(seconds), None),
        input("target_wait_seconds", target_wait.map(seconds), sample.map(|_| seconds(TARGET_WAIT))),
    ]
}

/// The one input that nothing can stand in for.
pub(super) fn no_cores(asks_server: bool) -> Failure {
    Failure::usage("the cores of the database server are not known").hinted(if asks_server {
        "PostgreSQL does not know its cores: count the physical ones on the server and give --cores N"
    } else {
        "give the physical cores of the database server: --cores N"
    })
}

/// The request of `--lint`, for which the cores do not matter.
///
/// # Errors
/// As [`request`], but for missing cores.
pub(super) fn for_lint(
    args: &Args,
    server: Option<ConnectionSlots>,
    provider: Option<&'static Provider>,
) -> Result<SizeRequest, Failure> {
    request(args, &PlanFile { cores: Some(1), ..PlanFile::default() }, server, provider)
}

/// The pools of the application, without a rollout's surge.
pub(super) fn pools(request: &SizeRequest) -> u64 {
    match &request.clients {
        Clients::Uniform { instances, processes } => instances.value.saturating_mul(processes.value),
        Clients::Serverless { concurrency } => *concurrency,
        Clients::Services(services) => services
            .iter()
            .fold(0, |sum, service| sum.saturating_add(service.instances.saturating_mul(service.processes))),
    }
}

/// Who opens pools: flags that speak of it replace what the file says of it.
fn clients(args: &Args, file: &PlanFile) -> Result<Clients, Failure> {
    if let Some(concurrency) = args.serverless {
        return Ok(Clients::Serverless { concurrency });
    }
    if !args.app.is_empty() {
        return distinct(args.app.clone());
    }
    let counted = args.instances.is_some() || args.processes.is_some();
    if !file.service.is_empty() && !counted {
        if file.instances.is_some() || file.processes.is_some() {
            return Err(Failure::usage("the plan has instances of its own and services")
                .hinted("name the first as one more [[service]]"));
        }
        let services = file.service.iter().map(|table| Service {
            name: table.name.clone(),
            instances: table.instances,
            processes: table.processes,
            weight: table.weight,
        });
        return distinct(services.collect());
    }
    Ok(Clients::Uniform {
        instances: Figure::given_or(args.instances.or(file.instances), 1),
        processes: Figure::given_or(args.processes.or(file.processes), 1),
    })
}

fn distinct(services: Vec<Service>) -> Result<Clients, Failure> {
    for (at, service) in services.iter().enumerate() {
        check_name(&service.name)?;
        if services.iter().take(at).any(|other| other.name == service.name) {
            return Err(Failure::usage(format!("the service \"{}\" is named twice", service.name))
                .hinted("give each its own name, or add their instances up"));
        }
    }
    Ok(Clients::Services(services))
}

/// Whether a name can stand in a table and a folder's name.
fn check_name(name: &str) -> Result<(), Failure> {
    if !name.is_empty() && text::visible(name) == name {
        return Ok(());
    }
    Err(Failure::usage(format!("the service name {name:?} is empty or has control or invisible characters"))
        .hinted("name it as the application names itself to the server (application_name)"))
}

/// A request that makes no sense, or that a library cannot be told, is a usage error.
pub(super) fn refused(refused: Refused) -> Failure {
    let failure = Failure::usage(refused.message);
    match refused.hint {
        Some(hint) => failure.hinted(hint),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::analyze::sizing;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &str) -> Args {
        let words = std::iter::once("size").chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args
    }

    #[test]
    fn the_example_is_a_feasible_plan() {
        let file = parse(EXAMPLE).unwrap();
        let plan = sizing::plan(&request(&args(""), &file, None, None).unwrap()).unwrap();
        assert!(plan.feasible);
        assert_eq!(plan.services.len(), 2);
        assert!(
            plan.inputs
                .iter()
                .all(|input| input.name != "instances" || input.value == Some(InputValue::Number(8)))
        );
    }

    #[test]
    fn a_wrong_plan_names_its_line() {
        assert_eq!(parse("cores = 4\ncolour = 2\n").unwrap_err().0, 2);
        assert_eq!(parse("\n\ncores = 'x'\n").unwrap_err().0, 3);
        assert_eq!(parse("cores = -4").unwrap_err().0, 1);
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_server() {
        let file = parse("cores = 2\nmax_connections = 50").unwrap();
        let limits = ConnectionSlots { max_connections: 300, superuser_reserved: 4, reserved: 5 };
        let made = request(&args("--cores 6"), &file, Some(limits), None).unwrap();
        assert_eq!(made.cores.value, 6);
        assert_eq!(made.max_connections, Figure { value: 50, source: FigureSource::Given });
        assert_eq!(made.reserved_slots, Figure { value: 9, source: FigureSource::Server });
        let assumed = request(&args("--cores 6"), &PlanFile::default(), None, None).unwrap();
        assert_eq!(assumed.max_connections, Figure { value: 100, source: FigureSource::Assumed }, "B20");
    }

    /// Flags that say where inputs come from, what is written and how: with `--emit` there is no list of inputs.
    const NO_INPUTS: [&str; 12] = [
        "app",
        "plan",
        "plan_example",
        "from_server",
        "emit",
        "emit_for",
        "statement_timeout",
        "idle_timeout",
        "max_lifetime",
        "acquire_timeout",
        "lint",
        "help",
    ];

    #[test]
    fn every_flag_is_an_input_of_the_plan_or_none_for_a_reason() {
        let args = args("--cores 4");
        let request = request(&args, &PlanFile::default(), None, None).unwrap();
        let mut inputs: Vec<_> = sizing::plan(&request).unwrap().inputs;
        inputs.extend(further_inputs(&args));
        let names: Vec<&str> = inputs.iter().map(|input| input.name).collect();
        for flag in <Line as clap::CommandFactory>::command().get_arguments() {
            let flag = flag.get_id().as_str();
            let with_unit = |unit: &str| names.iter().any(|name| name.strip_suffix(unit) == Some(flag));
            let listed = ["", "_percent", "_bytes", "_seconds"].iter().any(|unit| with_unit(unit));
            assert_ne!(listed, NO_INPUTS.contains(&flag), "{flag} in {names:?}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        let refuse = |line: &str, file: &str| {
            request(&args(line), &parse(file).unwrap(), None, None).unwrap_err().message
        };
        assert!(refuse("", "").contains("cores"));
        assert!(refuse("--cores 4 --app a=1 --app a=2", "").contains("twice"));
        let both = "cores = 1\ninstances = 2\n[[service]]\nname = 'a'\ninstances = 1";
        assert!(refuse("", both).contains("instances of its own"));
        for escape in
            ["", "a\\u0007", "a\\u2028b", "a\\u2029b", "a\\u202eb", "a\\u2066b", "a\\u200bb", "\\ufeffa"]
        {
            let file = format!("cores = 1\n[[service]]\nname = \"{escape}\"\ninstances = 1");
            assert!(refuse("", &file).contains("invisible characters"), "{escape}");
        }
        for zero in [
            "--instances 0",
            "--processes 0",
            "--serverless 0",
            "--pooler-processes 0",
            "--pooler-pairs 0",
            "--connections-per-task 0",
        ] {
            assert!(for_lint(&args(zero), None, None).unwrap_err().message.contains("at least 1"), "{zero}");
            assert!(refuse(&format!("--cores 4 {zero}"), "").contains("at least 1"), "{zero}");
        }
    }
}
