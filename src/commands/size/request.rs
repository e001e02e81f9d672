//! From flags, a plan file and what a server said to one request: flags win over the file, the file over the server,
//! and each figure remembers who said it.

use std::time::Duration;

use super::args::Args;
use super::plan_file::PlanFile;
use crate::analyze::sizing::{
    Clients, CurrentPool, Figure, FigureSource, Input, InputValue, Refused, Service, SizeRequest,
};
use crate::error::Failure;
use crate::model::server::ConnectionSlots;
use crate::poolconf::Mode;
use crate::poolconf::provider::Provider;
use crate::render::text;

/// PostgreSQL's default for max_connections.
const MAX_CONNECTIONS: u64 = 100;
/// PostgreSQL's default for superuser_reserved_connections.
const RESERVED_SLOTS: u64 = 3;
/// The middle of the usual 10 to 20 percent.
const RESERVE_PERCENT: u64 = 15;
/// The mean wait for a connection that is planned for unless another is asked.
pub(super) const TARGET_WAIT: Duration = Duration::from_millis(5);

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
    let Some(cores) = args.cores else {
        return Err(no_cores(server.is_some()));
    };
    planned(args, cores, file, server, provider)
}

fn planned(
    args: &Args,
    cores: u64,
    file: &PlanFile,
    server: Option<ConnectionSlots>,
    provider: Option<&'static Provider>,
) -> Result<SizeRequest, Failure> {
    let as_server =
        |value: i64| Figure { value: u64::try_from(value).unwrap_or(0), source: FigureSource::Server };
    let provided = provider.map(|provider| provider.provided(args.memory));
    let by_provider = |value| Figure { value, source: FigureSource::ProviderDefault };
    let figure = Figure::given_or;
    let mut max_connections = figure(args.max_connections, MAX_CONNECTIONS);
    let mut reserved_slots = figure(args.reserved_slots, RESERVED_SLOTS);
    let its_default = provided.and_then(|provided| provided.max_connections);
    for (figure, from_server, from_provider) in [
        (&mut max_connections, server.map(|limits| limits.max_connections), its_default),
        (
            &mut reserved_slots,
            server.map(|limits| limits.superuser_reserved + limits.reserved),
            provider.map(|provider| provider.reserved_slots),
        ),
    ] {
        if figure.source == FigureSource::Assumed {
            *figure = from_server.map(as_server).or(from_provider.map(by_provider)).unwrap_or(*figure);
        }
    }
    let (clients, current) = clients(args, file)?;
    let request = SizeRequest {
        cores: Figure { value: cores, source: FigureSource::Given },
        spindles: figure(args.spindles, 1),
        max_connections,
        reserve_percent: figure(args.reserve, RESERVE_PERCENT),
        reserved_slots,
        surge_percent: figure(args.surge, 0),
        clients,
        threads: args.threads,
        connections_per_task: figure(args.connections_per_task, 1),
        pooler_processes: figure(args.pooler_processes, 1),
        pooler_pairs: figure(args.pooler_pairs, 1),
        pooler_reserve: figure(args.pooler_reserve, 0),
        replicas: args.replicas,
        replica_max_connections: args.replica_max_connections,
        memory: args.memory.map(|memory| (memory, args.work_mem)),
        provided,
        current,
    };
    check_counts(&request)?;
    if args.work_mem.is_some() && args.memory.is_none() {
        return Err(
            Failure::usage("work_mem says nothing without memory").hinted("give the server's memory, too")
        );
    }
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
pub(super) fn further_inputs(args: &Args, assumed_mode: Mode) -> [Input; 5] {
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
        input("mode", configuration.mode.map(|mode| word(mode.word())), Some(word(assumed_mode.word()))),
        input("pgbouncer_version", version, None),
        input("sample_seconds", sample.map(seconds), None),
        input("target_wait_seconds", target_wait.map(seconds), sample.map(|_| seconds(TARGET_WAIT))),
    ]
}

/// The one input that nothing can stand in for.
pub(super) fn no_cores(asks_server: bool) -> Failure {
    Failure::usage("size: the cores of the database server are not known").hinted(if asks_server {
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
    planned(args, 1, &PlanFile::default(), server, provider)
}

/// The pools of the application, without a rollout's surge.
pub(super) fn pools(request: &SizeRequest) -> u64 {
    match &request.clients {
        Clients::Uniform { instances, processes, .. } => instances.value.saturating_mul(processes.value),
        Clients::Serverless { concurrency } => *concurrency,
        Clients::Services(services) => services
            .iter()
            .fold(0, |sum, service| sum.saturating_add(service.instances.saturating_mul(service.processes))),
    }
}

/// Who opens pools, and those of today: flags that speak of it replace what the file says of it. Where nothing else says
/// who is planned for, those of today are.
fn clients(args: &Args, file: &PlanFile) -> Result<(Clients, Vec<CurrentPool>), Failure> {
    let current = if args.current.is_empty() { file.current() } else { args.current.clone() };
    check_names(current.iter().map(|pool| pool.name.as_str()))?;
    let services = args.services();
    let counted = args.instances.is_some() || args.processes.is_some();
    if let Some(name) = args.app_name() {
        check_name(name)?;
        if args.app.len() > 1 {
            return Err(Failure::usage("one application has one name")
                .hinted("of several services each has its instances, as --app api=8 --app worker=2"));
        }
    }
    if !services.is_empty() && (counted || args.serverless.is_some()) {
        let flag = match (args.serverless, args.instances) {
            (Some(_), _) => "--serverless",
            (None, Some(_)) => "--instances",
            (None, None) => "--processes",
        };
        return Err(Failure::usage(format!("--app SERVICE=INSTANCES cannot be used with {flag}"))
            .hinted("each service has its own, as --app api=8x4"));
    }
    if args.serverless.is_none() && !services.is_empty() {
        return Ok((distinct(services)?, current));
    }
    let has_instances = file.instances.is_some() || file.processes.is_some() || !file.service.is_empty();
    if file.serverless.is_some() && has_instances {
        return Err(
            Failure::usage("the plan has serverless functions and instances").hinted("leave one of them out")
        );
    }
    if let Some(concurrency) = args.serverless.or(file.serverless.filter(|_| !counted)) {
        return Ok((Clients::Serverless { concurrency }, current));
    }
    if !file.service.is_empty() && !counted {
        if file.instances.is_some() || file.processes.is_some() {
            return Err(Failure::usage("the plan has instances of its own and services")
                .hinted("name the first as one more [[service]]"));
        }
        return Ok((distinct(file.services())?, current));
    }
    let nobody = !counted && file.instances.is_none() && file.processes.is_none();
    if nobody && !current.is_empty() {
        let service = |pool: &CurrentPool| Service {
            processes: pool.processes,
            ..Service::new(pool.name.clone(), pool.instances)
        };
        return Ok((distinct(current.iter().map(service).collect())?, current));
    }
    let instances = args.instances.or(file.instances);
    let clients = Clients::Uniform {
        instances: Figure::given_or(instances.map(|instances| instances.to), 1),
        instances_from: instances.and_then(|instances| instances.from),
        processes: Figure::given_or(args.processes.or(file.processes), 1),
    };
    Ok((clients, current))
}

fn distinct(services: Vec<Service>) -> Result<Clients, Failure> {
    check_names(services.iter().map(|service| service.name.as_str()))?;
    Ok(Clients::Services(services))
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut seen = Vec::new();
    for name in names {
        check_name(name)?;
        if seen.contains(&name) {
            return Err(Failure::usage(format!("the service \"{name}\" is named twice"))
                .hinted("give each its own name, or add their instances up"));
        }
        seen.push(name);
    }
    Ok(())
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
    use crate::commands::size::plan_file;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    /// Flags and file together, as a run has them.
    fn made(line: &str, file: &str) -> Result<SizeRequest, Failure> {
        let (mut args, file) = (args(line), plan_file::parse(file).unwrap());
        file.complete(&mut args);
        request(&args, &file, None, None)
    }

    fn args(line: &str) -> Args {
        let words = std::iter::once("size").chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap_or_else(|error| panic!("{error}")).args
    }

    #[test]
    fn the_example_is_a_feasible_plan() {
        let plan = sizing::plan(&made("", plan_file::EXAMPLE).unwrap()).unwrap();
        assert!(plan.feasible);
        assert_eq!(plan.services.len(), 2);
        assert!(
            plan.inputs
                .iter()
                .all(|input| input.name != "instances" || input.value == Some(InputValue::Number(8)))
        );
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_the_server() {
        let file = plan_file::parse("cores = 2\nmax_connections = 50").unwrap();
        let limits = ConnectionSlots { max_connections: 300, superuser_reserved: 4, reserved: 5 };
        let mut flags = args("--cores 6");
        file.complete(&mut flags);
        let made = request(&flags, &file, Some(limits), None).unwrap();
        assert_eq!(made.cores.value, 6);
        assert_eq!(made.max_connections, Figure { value: 50, source: FigureSource::Given });
        assert_eq!(made.reserved_slots, Figure { value: 9, source: FigureSource::Server });
        let assumed = request(&args("--cores 6"), &PlanFile::default(), None, None).unwrap();
        assert_eq!(assumed.max_connections, Figure { value: 100, source: FigureSource::Assumed }, "B20");
    }

    /// Flags that say where inputs come from, what is written and how: with `--emit` there is no list of inputs.
    const NO_INPUTS: [&str; 14] = [
        "app",
        "current",
        "plan",
        "plan_example",
        "from_server",
        "emit",
        "emit_for",
        "helpers",
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
        inputs.extend(further_inputs(&args, Mode::Direct));
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
        let refuse = |line: &str, file: &str| made(line, file).unwrap_err().message;
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
