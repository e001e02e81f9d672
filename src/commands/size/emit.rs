//! `size --emit`: the plan as configuration of a pool library or pooler. Stdout is the file and nothing else.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::args::Args;
use crate::analyze::sizing::{
    Plan, Request, ServicePlan, Shape, Source, default_pool_size, max_client_conn, worst_case,
};
use crate::commands::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::Output;
use crate::poolconf::emit::{self, File, Target};
use crate::poolconf::provider::Provider;
use crate::poolconf::{Endpoint, Mode, PoolerSizes, Settings};

const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
const MAX_LIFETIME: Duration = Duration::from_secs(1800);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Prints the targets, one a line.
pub(super) fn list(context: &mut Context) -> Result<Exit> {
    context.output.with(|out| {
        emit::ALL.iter().try_for_each(|target| writeln!(out, "{:<18} {}", target.name, target.what))
    })?;
    Ok(Exit::Done)
}

/// Writes the plan for `target`, to stdout or where `-o` says.
pub(super) fn run(
    target: &Target,
    args: &Args,
    (request, plan): (&Request, &Plan),
    provider: Option<&'static Provider>,
    context: &mut Context,
) -> Result<Exit> {
    if context.flags.json || context.flags.format.is_some() {
        return Err(Failure::usage("--emit prints the configuration itself, in no other format")
            .hinted("leave --json or --format out")
            .into());
    }
    let mode = mode(args, target)?;
    let chosen = choose(plan, args, target)?;
    let mut written = Vec::new();
    for service in chosen {
        let settings = settings(args, (request, plan), service, mode, provider, endpoint(context)?);
        let files = emit::emit(target, &settings?)
            .map_err(|refused| Failure::failed(refused.message).hinted(refused.hint))?;
        written.push((service.map(|service| service.name.as_str()), files));
    }
    put(&written, context)?;
    Ok(Exit::Done)
}

/// The services to write for; `None` stands for the single application. PgBouncer stands before all of them.
fn choose<'a>(plan: &'a Plan, args: &Args, target: &Target) -> Result<Vec<Option<&'a ServicePlan>>> {
    if let Some(name) = &args.configuration.service {
        let found = plan.services.iter().find(|service| service.name == *name);
        let known: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
        let found = found.ok_or_else(|| {
            Failure::usage(format!("there is no service \"{name}\" in the plan"))
                .hinted(format!("its services: {}", known.join(", ")))
        })?;
        return Ok(vec![Some(found)]);
    }
    if plan.services.is_empty() || is_pooler(target) {
        return Ok(vec![None]);
    }
    Ok(plan.services.iter().map(Some).collect())
}

fn is_pooler(target: &Target) -> bool {
    target.name.starts_with("pgbouncer")
}

/// The mode asked for; a pooler itself has no direct one.
fn mode(args: &Args, target: &Target) -> Result<Mode, Failure> {
    match args.configuration.mode {
        Some(Mode::Direct) if is_pooler(target) => {
            Err(Failure::usage("PgBouncer is a pooler, with no direct mode")
                .hinted("use --mode transaction or --mode session"))
        }
        None if is_pooler(target) => Ok(Mode::Transaction),
        mode => Ok(mode.unwrap_or(Mode::Direct)),
    }
}

/// The settings for one service, or for the one application.
fn settings(
    args: &Args,
    (request, plan): (&Request, &Plan),
    service: Option<&ServicePlan>,
    mode: Mode,
    provider: Option<&'static Provider>,
    endpoint: Endpoint,
) -> Result<Settings> {
    let pooler = pooler_sizes(request, plan, mode);
    let (direct, min_idle, pools) = match service {
        Some(service) => (service.pool_size, service.min_idle, service.pool_count),
        None => (
            plan.pool_size.unwrap_or(plan.pooler.client_pool_size),
            plan.min_idle.unwrap_or(1),
            plan.pool_count,
        ),
    };
    // A transaction pooler lets pools exist that have no room on the server itself.
    let pool_size =
        if direct == 0 && mode == Mode::Transaction { plan.pooler.client_pool_size } else { direct };
    if pool_size == 0 {
        return Err(super::infeasible(plan).into());
    }
    let configuration = &args.configuration;
    let max_lifetime = configuration.max_lifetime.unwrap_or(MAX_LIFETIME);
    Ok(Settings {
        pool_size,
        min_idle: min_idle.max(1),
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
        provenance: provenance(request, plan, service, (pool_size, pools), mode, pooler),
    })
}

/// PgBouncer's sizes. In transaction mode the server's connections are as many as it can work on; in session mode a
/// client holds its connection, so as many as the direct plan has.
fn pooler_sizes(request: &Request, plan: &Plan, mode: Mode) -> Option<PoolerSizes> {
    let target = match mode {
        Mode::Session => plan.total.min(plan.budget),
        Mode::Direct | Mode::Transaction => plan.optimal_connections.min(plan.budget),
    };
    let size = default_pool_size(target, request.pooler)?;
    Some(PoolerSizes {
        default_pool_size: size,
        reserve_pool_size: request.pooler.reserve,
        max_client_conn: plan.pooler.max_client_conn.or_else(|| max_client_conn(plan.total))?,
        max_db_connections: worst_case(size, Shape { processes: 1, ..request.pooler })?,
    })
}

/// Where the figures come from, in one or two sentences.
fn provenance(
    request: &Request,
    plan: &Plan,
    service: Option<&ServicePlan>,
    (pool_size, pools): (u64, u64),
    mode: Mode,
    pooler: Option<PoolerSizes>,
) -> Vec<String> {
    let assumed = if request.max_connections.source == Source::Assumed { " assumed" } else { "" };
    let of = service.map_or_else(String::new, |service| format!(" of {}", service.name));
    let budget = service.map_or(plan.budget, |service| service.budget);
    let mut lines = vec![format!(
        "pgconn size: at most {pool_size} connections per pool, {pools} pools{of}: {} in all.",
        pool_size.saturating_mul(pools)
    )];
    if mode == Mode::Direct {
        lines.push(format!(
            "Budget{of} {budget}: max_connections {}{assumed}, {} kept back; the server works on {} at once.",
            request.max_connections.value, plan.reserved, plan.optimal_connections
        ));
    } else if let Some(sizes) = pooler {
        let Shape { processes, pairs, .. } = request.pooler;
        lines.push(format!(
            "Behind PgBouncer with default_pool_size {}: at most {} server connections ({processes} processes, {pairs} pairs).",
            sizes.default_pool_size,
            sizes.max_db_connections.saturating_mul(processes)
        ));
    }
    lines
}

/// Where PgBouncer finds PostgreSQL: the connection flags, which `--emit` itself does not use.
fn endpoint(context: &Context) -> Result<Endpoint> {
    let connection = &context.connection;
    let wrong = |what: &str| Failure::usage(format!("{what} cannot be written into a configuration"));
    let database = connection.dbname.clone().unwrap_or_else(|| "app".to_owned());
    if database.contains("://") || database.contains('=') {
        return Err(wrong("a connection string").hinted("give -h, -p and -d DBNAME one by one").into());
    }
    let port = match &connection.port {
        Some(port) => port.parse().map_err(|_| wrong(&format!("port \"{port}\"")))?,
        None => 5432,
    };
    Ok(Endpoint { host: connection.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned()), port, database })
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
            context.output.with(|out| out.write_all(first.text.as_bytes()))?;
        }
        if let Some(second) = files.get(1) {
            context.ui.hint(&format!("{} is written too with -o DIR", second.name));
        }
        return Ok(());
    };
    if !several && !path.is_dir() && !path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Ok(written.iter().flat_map(|(_, files)| files).try_for_each(|file| put_file(&path, file))?);
    }
    for (name, files) in written {
        let folder = name
            .filter(|_| written.len() > 1)
            .map_or_else(|| path.clone(), |name| path.join(folder_name(name)));
        create(&folder)?;
        for file in files {
            put_file(&folder.join(file.name), file)?;
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

fn put_file(path: &Path, file: &File) -> io::Result<()> {
    Output::file(path.to_owned()).with(|out| out.write_all(file.text.as_bytes()))?;
    if file.name.ends_with(".sh") {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// A service's name as a folder's: letters, digits and `_ . -` stay, and it never leads elsewhere.
fn folder_name(service: &str) -> String {
    let name: String = service
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '-' })
        .collect();
    if name.starts_with('.') { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_s_folder_stays_inside() {
        assert_eq!(folder_name("api-v1.2"), "api-v1.2");
        assert_eq!(folder_name("../etc"), "_..-etc");
        assert_eq!(folder_name("a/b c"), "a-b-c");
    }
}
