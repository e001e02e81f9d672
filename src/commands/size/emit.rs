//! `size --emit`: the plan as configuration of a pool library or pooler. Stdout is the file and nothing else.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::answer::counted;
use super::args::Args;
use super::failure::{infeasible, judged};
use crate::analyze::sizing::{
    self, Clients, FigureSource, PoolerSizes, ServicePlan, Shape, SizePlan, SizeRequest,
};
use crate::commands::Context;
use crate::conninfo;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::poolconf::emit::{self, EmitTarget, File};
use crate::poolconf::provider::Provider;
use crate::poolconf::{Mode, PoolConfig, ServerAddress};
use crate::stop::Stop;

const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
const MAX_LIFETIME: Duration = Duration::from_secs(1800);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Prints the targets, one a line.
pub(super) fn list(context: &mut Context) -> Result<Exit> {
    only_as_text(context)?;
    context.write(|out| {
        emit::ALL.iter().try_for_each(|target| writeln!(out, "{:<18} {}", target.name, target.what))
    })?;
    Ok(Exit::Done)
}

/// Refuses `--helpers` where there are none.
pub(super) fn admit_helpers(target: Option<&EmitTarget>) -> Result<(), Failure> {
    let message = match target {
        Some(target) if target.helpers => return Ok(()),
        Some(target) => format!("there are no helpers for {}", target.name),
        None => "--helpers adds to what --emit prints, and there is no --emit".to_owned(),
    };
    let with: Vec<&str> =
        emit::ALL.iter().filter(|target| target.helpers).map(|target| target.name).collect();
    Err(Failure::usage(message).hinted(format!("--emit TARGET has them for {}", with.join(", "))))
}

/// What is emitted is itself, whatever format results have.
fn only_as_text(context: &Context) -> Result<(), Failure> {
    if context.flags.json || context.flags.format.is_some() {
        return Err(Failure::usage("--emit prints the configuration itself, in no other format")
            .hinted("leave --json or --format out"));
    }
    Ok(())
}

/// Writes the plan for `target`, to stdout or where `-o` says.
pub(super) fn run(
    (target, endpoint): (&EmitTarget, ServerAddress),
    (args, assumed_mode): (&Args, Mode),
    (request, plan): (&SizeRequest, &SizePlan),
    provider: Option<&'static Provider>,
    context: &mut Context,
) -> Result<Exit> {
    only_as_text(context)?;
    let mode = mode(args, target, assumed_mode)?;
    let chosen = choose(plan, args, target)?;
    let pooler = judged(plan, mode)?;
    if mode != Mode::Transaction && !is_pooler(target) {
        let chosen =
            chosen.iter().map(|service| service.map_or_else(|| plan.deadlock(), |of| of.deadlock.as_ref()));
        if let Some(deadlock) = chosen.flatten().next() {
            return Err(infeasible(deadlock.clone()).into());
        }
    }
    let warnings = warnings(request, mode, is_pooler(target))?;
    let mut written = Vec::new();
    for service in chosen {
        // The pooler that is written is no provider's.
        let service_provider = provider.filter(|_| !is_pooler(target));
        let mut settings =
            settings(args, (request, plan), service, (mode, pooler), service_provider, endpoint.clone());
        if settings.app.is_none() && !is_pooler(target) && target.name != "hikaricp" {
            settings
                .provenance
                .push("Sessions are named by PGAPPNAME; --app NAME writes a name here instead.".to_owned());
        }
        settings.provenance.extend(warnings.iter().cloned());
        if let Some(address) = provider.and_then(|provider| provider.where_to_connect(Mode::Direct))
            && target.name == "pgbouncer"
        {
            settings.provenance.push(format!("PgBouncer connects to {address}."));
        }
        let files = emit::emit(target, &settings).map_err(super::request::refused)?;
        written.push((service.map(|service| service.name.as_str()), files));
    }
    put(&written, context)?;
    Ok(Exit::Done)
}

/// The services to write for; `None` stands for the single application. PgBouncer stands before all of them.
fn choose<'a>(plan: &'a SizePlan, args: &Args, target: &EmitTarget) -> Result<Vec<Option<&'a ServicePlan>>> {
    if let Some(name) = &args.configuration.service {
        let found = plan.services.iter().find(|service| service.name == *name);
        let known: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
        let found = found.ok_or_else(|| {
            let hint = if known.is_empty() {
                "the plan has no services; give each with --app NAME=INSTANCES".to_owned()
            } else {
                format!("its services: {}", known.join(", "))
            };
            Failure::usage(format!("there is no service \"{name}\" in the plan")).hinted(hint)
        })?;
        return Ok(vec![Some(found)]);
    }
    if plan.services.is_empty() || is_pooler(target) {
        return Ok(vec![None]);
    }
    Ok(plan.services.iter().map(Some).collect())
}

fn is_pooler(target: &EmitTarget) -> bool {
    target.name.starts_with("pgbouncer")
}

/// The mode asked for; a pooler itself has no direct one.
fn mode(args: &Args, target: &EmitTarget, assumed: Mode) -> Result<Mode, Failure> {
    match args.configuration.mode {
        Some(Mode::Direct) if is_pooler(target) => {
            Err(Failure::usage("PgBouncer is a pooler, with no direct mode")
                .hinted("use --mode transaction or --mode session"))
        }
        None if is_pooler(target) => Ok(Mode::Transaction),
        mode => Ok(mode.unwrap_or(assumed)),
    }
}

/// The settings for one service, or for the one application.
fn settings(
    args: &Args,
    (request, plan): (&SizeRequest, &SizePlan),
    service: Option<&ServicePlan>,
    (mode, pooler): (Mode, Option<PoolerSizes>),
    provider: Option<&'static Provider>,
    endpoint: ServerAddress,
) -> PoolConfig {
    let of = service.or_else(|| plan.applications.first());
    let pool_size = of.map_or(1, |of| opened(of, mode));
    let min_idle = of.map_or(1, |of| of.min_idle).clamp(1, pool_size);
    let app = service.map(|service| service.name.as_str()).or_else(|| args.app_name()).map(ascii_name);
    let configuration = &args.configuration;
    let max_lifetime = configuration.max_lifetime.unwrap_or(MAX_LIFETIME);
    let mut provenance = vec![pools_in_words(plan, service, mode)];
    provenance.push(match pooler {
        Some(sizes) => pooler_in_words(request, sizes, provider.is_some()),
        None => budget_in_words(request, plan, service),
    });
    PoolConfig {
        app,
        pool_size,
        min_idle,
        mode,
        provider,
        pgbouncer_version: configuration.pgbouncer_version,
        max_connections: request.max_connections.value,
        pooler,
        endpoint,
        statement_timeout: configuration.statement_timeout,
        idle_timeout: configuration.idle_timeout.unwrap_or_else(|| IDLE_TIMEOUT.min(max_lifetime / 2)),
        max_lifetime,
        acquire_timeout: configuration.acquire_timeout.unwrap_or(ACQUIRE_TIMEOUT),
        helpers: configuration.helpers,
        provenance,
    }
}

/// What one pool of a service may open in this mode.
const fn opened(service: &ServicePlan, mode: Mode) -> u64 {
    match mode {
        Mode::Transaction => service.client_pool_size,
        Mode::Direct | Mode::Session => service.pool_size,
    }
}

/// The plan's warnings about this mode; in a pooler's own file those about the applications' pools are left out. They are those of a plan of plain names: these lines stand in comments.
fn warnings(request: &SizeRequest, mode: Mode, in_pooler: bool) -> Result<Vec<String>, Failure> {
    let mut plain = request.clone();
    if let Clients::Services(services) = &mut plain.clients {
        services.iter_mut().for_each(|service| service.name = plain_name(&service.name));
    }
    let plan = sizing::plan(&plain).map_err(super::request::refused)?;
    let pooled = mode == Mode::Transaction;
    let concerned = plan.advice.iter().filter(|advice| {
        advice.concerns(pooled) && (!in_pooler || advice.concerns(true) && !advice.is_about_pools())
    });
    Ok(concerned.map(|advice| format!("! {}", advice.message)).collect())
}

/// Who opens how many connections. A name has no colon behind it: `coding:` in a comment sets a file's encoding.
fn pools_in_words(plan: &SizePlan, service: Option<&ServicePlan>, mode: Mode) -> String {
    let of_all = plan.applications.as_slice();
    let applications = service.map_or(of_all, std::slice::from_ref);
    let sum =
        |number: &dyn Fn(&ServicePlan) -> u64| applications.iter().map(number).fold(0, u64::saturating_add);
    let pools = sum(&|of| of.pool_count);
    let connections = sum(&|of| opened(of, mode).saturating_mul(of.pool_count));
    let size = applications.first().map_or(1, |first| opened(first, mode));
    if applications.iter().any(|of| opened(of, mode) != size) {
        let services = counted(applications.len() as u64, "service");
        let pools = counted(pools, "pool");
        let connections = counted(connections, "connection");
        return format!("pgconn size: {pools} of {services}, at most {connections} in all.");
    }
    format!(
        "pgconn size: at most {} per pool, {}{}, {connections} in all.",
        counted(size, "connection"),
        counted(pools, "pool"),
        of(service),
    )
}

fn budget_in_words(request: &SizeRequest, plan: &SizePlan, service: Option<&ServicePlan>) -> String {
    let title = request.provided.map(|provided| provided.title).unwrap_or_default();
    let assumed = match request.max_connections.source {
        FigureSource::Assumed => " assumed".to_owned(),
        FigureSource::ProviderDefault => format!(" by {title}'s default"),
        FigureSource::Given | FigureSource::Server => String::new(),
    };
    let budget = service.map_or(plan.budget, |service| service.budget);
    format!(
        "Budget{} {budget}: max_connections {}{assumed}, {} kept back; the server works on {} at once.",
        of(service),
        request.max_connections.value,
        plan.reserved,
        plan.optimal_connections
    )
}

/// What bounds the server. The pool size of a provider's own pooler is set there, and by nobody here.
fn pooler_in_words(request: &SizeRequest, sizes: PoolerSizes, provided: bool) -> String {
    let shape = request.shape();
    let Shape { processes, pairs, .. } = shape;
    if let Some(provided) = request.provided.filter(|_| provided) {
        let max_connections = request.max_connections.value;
        return provided.pooler.plan(sizes.default_pool_size, shape, max_connections).sentence();
    }
    format!(
        "Behind PgBouncer with default_pool_size {}: at most {} ({}, {}).",
        sizes.default_pool_size,
        counted(sizes.max_db_connections.saturating_mul(processes), "server connection"),
        if processes == 1 { "1 process".to_owned() } else { format!("{processes} processes") },
        counted(pairs, "pair")
    )
}

/// Whose it is, when several share the server.
fn of(service: Option<&ServicePlan>) -> String {
    service.map_or_else(String::new, |service| format!(" of {}", plain_name(&service.name)))
}

/// Where PgBouncer finds PostgreSQL: what pgconn itself would connect to, as far as somebody said so. For other targets
/// it does not matter.
///
/// # Errors
/// When the settings are wrong, or name several hosts.
pub(super) fn endpoint(target: &EmitTarget, context: &Context) -> Result<ServerAddress> {
    let mut endpoint = ServerAddress::default();
    if !is_pooler(target) {
        return Ok(endpoint);
    }
    let info = context.conninfo()?;
    let [host] = info.hosts() else {
        return Err(Failure::usage("PgBouncer is configured for one host")
            .hinted("name the one it connects to with -h HOST")
            .into());
    };
    let named =
        |keyword| info.parameter(keyword).is_some_and(|found| found.source != conninfo::ValueSource::Default);
    if named("host") || named("hostaddr") {
        host.name().clone_into(&mut endpoint.host);
    }
    endpoint.port = host.port;
    if info.database_was_named() {
        info.dbname().clone_into(&mut endpoint.database);
    }
    Ok(endpoint)
}

/// Writes the files: to stdout, to one file, or into a folder when there are several.
fn put(written: &[(Option<&str>, Vec<File>)], context: &mut Context) -> Result<()> {
    let path = context.flags.output.clone();
    let several = written.len() > 1 || written.iter().any(|(_, files)| files.len() > 1);
    let Some(path) = path else {
        if written.len() > 1 {
            let names: Vec<&str> = written.iter().filter_map(|(name, _)| *name).collect();
            return Err(Failure::usage("each service has a configuration of its own")
                .hinted(format!("choose one with --for ({}), or write all with -o DIR", names.join(", ")))
                .into());
        }
        let files = written.iter().flat_map(|(_, files)| files).collect::<Vec<_>>();
        if let Some(first) = files.first() {
            context.write(|out| out.write_all(first.text.as_bytes()))?;
        }
        if let Some(second) = files.get(1) {
            context.ui.hint(&format!("{} is written too with -o DIR", second.name));
        }
        return Ok(());
    };
    if !several && !path.is_dir() && !path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        let mut files = written.iter().flat_map(|(_, files)| files);
        return Ok(files.try_for_each(|file| put_file(&path, file, &context.stop))?);
    }
    for (name, files) in written {
        let folder = name
            .filter(|_| written.len() > 1)
            .map_or_else(|| path.clone(), |name| path.join(plain_name(name)));
        create(&folder)?;
        for file in files {
            put_file(&folder.join(file.name), file, &context.stop)?;
            context.ui.status(&format!("wrote {}", folder.join(file.name).display()));
        }
    }
    Ok(())
}

fn create(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder).map_err(|error| {
        io::Error::new(error.kind(), format!("could not create {}: {error}", folder.display()))
    })
}

fn put_file(path: &Path, file: &File, stop: &Stop) -> io::Result<()> {
    Output::file(path.to_owned(), stop.clone()).with(&mut |out| out.write_all(file.text.as_bytes()))?;
    if file.name.ends_with(".sh") {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A service's name in a folder's and in a comment: letters, digits and `_ . -` stay, it never leads elsewhere, and
/// nothing reads it as more than a name.
fn plain_name(service: &str) -> String {
    let name: String = service
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '-' })
        .collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

/// A service's name in code and as application_name: [`plain_name`] in ASCII, as the server keeps it.
fn ascii_name(service: &str) -> String {
    plain_name(service).chars().map(|c| if c.is_ascii() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::sizing::services::InstanceCount;
    use crate::analyze::sizing::{Figure, Service};

    /// What ends a comment, is run in one, or says how its file is encoded.
    const HOSTILE: [&str; 11] = [
        "geocoding",
        "coding",
        "coding:rot13",
        "a coding=utf7 b",
        "<%= 6*7 %>",
        "*/ x()",
        "\"\"\"",
        "a\u{2028}x()",
        "a\u{202e}b",
        "#{x}`y`$(z)",
        "-->",
    ];

    #[test]
    fn a_name_in_a_comment_is_nothing_but_a_name() {
        for name in HOSTILE {
            let mut request = sizing::tests::request(4, 1);
            let service = |name: &str| Service {
                threads: Some(50),
                connections_per_task: Some(2),
                ..Service::new(name, InstanceCount::fixed(2))
            };
            request.surge_percent = Figure::given_or(None, 0);
            request.clients = Clients::Services(vec![service(name), service("b")]);
            let plan = sizing::plan(&request).unwrap();
            let mut lines = vec![
                pools_in_words(&plan, plan.services.first(), Mode::Direct),
                budget_in_words(&request, &plan, plan.services.first()),
            ];
            lines.extend(warnings(&request, Mode::Direct, false).unwrap());
            let named = format!(" of {}", plain_name(name));
            assert!(lines.iter().filter(|line| line.contains(&named)).count() >= 4, "{lines:?}");
            for line in lines {
                let harmless = |c: char| c.is_alphanumeric() || " _.-:;,!()%×".contains(c);
                assert!(line.chars().all(harmless), "{line}");
                assert!(!line.contains("coding:") && !line.contains("coding="), "{line}");
            }
        }
    }

    #[test]
    fn a_service_s_folder_stays_inside() {
        assert_eq!(plain_name("api-v1.2"), "api-v1.2");
        assert_eq!(plain_name("../etc"), "_..-etc");
        assert_eq!(plain_name("a/b c"), "a-b-c");
    }
}
