//! `pgconn pooler`: what a connection pooler does with its clients and its connections to the server, and which session
//! of the server serves which client.

mod act;
mod connections;
pub(super) mod console;
#[cfg(test)]
mod golden;
pub(super) mod limits;
mod names;
mod pools;
mod report;
pub(super) mod snapshot;

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Context;
use super::head::{self, about_connection};
use super::manual::{Group, Manual};
use super::screen_room::Part;
use super::shown::Shown;
use super::watch;
use crate::analyze::pooler::{self, PoolerSelection};
use crate::args;
use crate::conninfo::{self, Environment, Given};
use crate::db::console::Console;
use crate::db::{self, Listing, SortOrder};
use crate::error::Failure;
use crate::exit::Exit;
use crate::model::filter::{ClientFilter, Name, Term};
use crate::model::suggestion::{Command, Hint};
use crate::render::{Warning, text};
use console::passwords_of;
pub(super) use console::{head, one_of_several};
use names::did_you_mean;
pub(super) use report::PoolerReport;
use report::View;

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Pooler,
    &[
        ("Which pools are full, who waits, and which limit is the fullest?", "pgconn -p 6432 pooler"),
        ("How much work does it do, over ten seconds?", "pgconn -p 6432 pooler --for 10s"),
        ("Which clients wait for a connection?", "pgconn -p 6432 pooler clients --state waiting"),
        ("Who comes in over the Unix socket?", "pgconn -p 6432 pooler clients --client local"),
        ("Which connections to the server serve nobody?", "pgconn -p 6432 pooler servers --state idle"),
        (
            "Which connections to the server does this database have?",
            "pgconn -p 6432 pooler servers --db shop",
        ),
        (
            "Which client is behind which session of the server?",
            "pgconn -p 6432 pooler --server postgres://db1/postgres",
        ),
        (
            "Copy a database while its clients wait, none of them disconnected",
            "pgconn -p 6432 pooler pause shop -- createdb -p 5432 -T shop shop_copy",
        ),
        ("Whom would a pause of everything keep waiting?", "pgconn -p 6432 pooler pause --all --dry-run"),
        ("Let the clients of a paused database go on", "pgconn -p 6432 pooler resume shop"),
        ("And those of all of them", "pgconn -p 6432 pooler resume --all"),
        ("Refuse new clients while a command runs", "pgconn -p 6432 pooler disable shop -- true"),
        ("Refuse them until they are let in again", "pgconn -p 6432 pooler disable shop"),
        ("Let new clients of a disabled database in", "pgconn -p 6432 pooler enable shop"),
        ("Who would be disconnected?", "pgconn -p 6432 pooler kill shop --dry-run"),
        ("Replace every connection to the server", "pgconn -p 6432 pooler reconnect shop"),
        ("Wait until the replaced ones are closed", "pgconn -p 6432 pooler wait-close shop"),
    ],
)
.variables(&[("PGCONN_CONFIRM", "`always` demands --yes everywhere")]);

/// Arguments of `pooler`.
#[derive(Debug, clap::Args)]
#[command(subcommand_value_name = "VIEW|ORDER", subcommand_help_heading = "Views and orders")]
pub(crate) struct Args {
    /// Count the work of this long, and show it per second
    #[arg(long = "for", value_name = "DUR", value_parser = args::duration, conflicts_with = "server")]
    over: Option<Duration>,
    /// The server behind it: which session serves whom
    ///
    /// Shows which of its sessions serves which client.
    #[arg(long, value_name = "CONNINFO")]
    server: Option<String>,
    /// The console of another process of it (repeatable)
    ///
    /// Of the same pooler (so_reuseport): its pools are added.
    #[arg(long, value_name = "CONNINFO", conflicts_with_all = ["server", "over"])]
    console: Vec<String>,
    #[command(flatten)]
    filters: Filters,
    /// What to look at instead of the pools, or what to do.
    #[command(subcommand)]
    command: Option<PoolerCommand>,
}

impl Args {
    /// Whether it gives an order.
    pub(super) const fn acts(&self) -> bool {
        !matches!(self.command, None | Some(PoolerCommand::Clients(_) | PoolerCommand::Servers(_)))
    }
}

/// What there is to look at beside the pools, and to do.
#[derive(Debug, clap::Subcommand)]
enum PoolerCommand {
    /// List clients, each with the connection that serves it
    Clients(Filters),
    /// List connections to servers, each with the client that it serves
    Servers(Filters),
    /// Keep a database's clients waiting, its server free
    ///
    /// No connection to its server is left.
    Pause(act::PauseArgs),
    /// Let the clients of a paused database go on
    Resume(act::AllArgs),
    /// Refuse new clients of a database; those that are there stay
    Disable(act::DisableArgs),
    /// Let new clients of a disabled database in
    Enable(act::Args),
    /// Disconnect a database's clients, keep new ones waiting
    ///
    /// Every client of the database is disconnected; those that come wait until it is resumed.
    Kill(act::Args),
    /// Replace a database's connections to the server as they become free
    Reconnect(act::Args),
    /// Wait until the connections that RECONNECT replaces are closed
    WaitClose(act::WaitArgs),
}

/// Which pools and connections are meant.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = args::FILTERS)]
struct Filters {
    /// Those of this database, as the pooler names it
    #[arg(long, value_name = "NAME", value_parser = args::name_term)]
    db: Vec<Term<Name>>,
    /// Those of this user
    #[arg(long, value_name = "NAME", value_parser = args::name_term)]
    role: Vec<Term<Name>>,
    /// Connections with this application_name
    #[arg(long, value_name = "NAME", value_parser = args::name_term)]
    app: Vec<Term<Name>>,
    /// Those of clients from this address, network or `local`
    #[arg(long, value_name = "ADDR", value_parser = args::client_term)]
    client: Vec<Term<ClientFilter>>,
    /// In this state of the pooler: active, idle, waiting, used, …
    #[arg(long, value_name = "STATE", value_delimiter = ',', hide_possible_values = true, value_parser = args::pooler_state())]
    state: Vec<Term<String>>,
}

impl Filters {
    fn selection(&self) -> PoolerSelection {
        PoolerSelection {
            databases: self.db.clone(),
            roles: self.role.clone(),
            applications: self.app.clone(),
            clients: self.client.clone(),
            states: self.state.clone(),
        }
    }

    /// True when one of them is about single connections.
    const fn are_of_connections(&self) -> bool {
        !self.app.is_empty() || !self.client.is_empty() || !self.state.is_empty()
    }

    const fn are_empty(&self) -> bool {
        self.db.is_empty() && self.role.is_empty() && !self.are_of_connections()
    }
}

/// Looks and prints.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let outside =
        args.over.is_some() || args.server.is_some() || !args.console.is_empty() || !args.filters.are_empty();
    if args.command.is_some() && outside {
        return Err(Failure::usage("flags of a view come after its name")
            .hinted("like this: pgconn pooler clients --db NAME")
            .into());
    }
    if args.command.is_none() && args.server.is_none() && args.filters.are_of_connections() {
        return Err(Failure::usage("--app, --client and --state select connections, not pools")
            .hinted("list them with pgconn pooler clients, or pgconn pooler servers")
            .into());
    }
    let view = match args.command {
        None => Look::Pools,
        Some(PoolerCommand::Clients(filters)) => Look::Connections(View::Clients, filters.selection()),
        Some(PoolerCommand::Servers(filters)) => Look::Connections(View::Servers, filters.selection()),
        Some(PoolerCommand::Pause(order)) => return act::pause(order, context).await,
        Some(PoolerCommand::Resume(order)) => return act::orders::resume(order, context).await,
        Some(PoolerCommand::Disable(order)) => return act::disable(order, context).await,
        Some(PoolerCommand::Enable(order)) => return act::orders::enable(order, context).await,
        Some(PoolerCommand::Kill(order)) => return act::orders::kill(order, context).await,
        Some(PoolerCommand::Reconnect(order)) => return act::orders::reconnect(order, context).await,
        Some(PoolerCommand::WaitClose(order)) => return act::orders::wait_close(order, context).await,
    };
    let args = Args { command: None, ..args };
    watch::look_at_console(context, async |context, console| look(&args, &view, console, context).await).await
}

/// What is looked at.
enum Look {
    /// The pools, or their join with the server.
    Pools,
    /// Single connections.
    Connections(View, PoolerSelection),
}

/// One look.
async fn look(args: &Args, view: &Look, console: &Console, context: &Context) -> Result<Shown> {
    match (view, &args.server) {
        (Look::Connections(kind, selection), _) => {
            look_at_connections(console, *kind, selection, context).await
        }
        (Look::Pools, Some(server)) => joined(console, server, &args.filters.selection(), context).await,
        (Look::Pools, None) => look_at_pools(console, args, &args.filters.selection(), context).await,
    }
}

async fn look_at_pools(
    console: &Console,
    args: &Args,
    selection: &PoolerSelection,
    context: &Context,
) -> Result<Shown> {
    let first = Instant::now();
    let earlier = match args.over {
        Some(over) => {
            let totals = console.totals().await?;
            tokio::select! {
                () = tokio::time::sleep(over) => {}
                signal = context.stop.pulled() => return Err(db::Error::interrupted(signal).into()),
            }
            Some((totals, first.elapsed().as_secs_f64()))
        }
        None => None,
    };
    let mut facts = console.facts().await?;
    let mut head = head(console);
    if args.console.is_empty() {
        head.warnings.extend(one_of_several(&facts));
    }
    for conninfo in &args.console {
        let other = context.pooler(conninfo).await?;
        head.warnings.extend(other.notices().iter().map(about_connection));
        facts = pooler::several::sum(facts, other.facts().await?);
        other.close().await;
    }
    let rates = earlier.map(|(totals, seconds)| {
        let mut rates = pooler::rates(&totals, &facts.totals, seconds);
        rates.retain(|rate| selection.has_database(&rate.database));
        rates
    });
    let again = head.target.as_ref().map(|target| context.again(target)).unwrap_or_default();
    head.warnings.extend(did_you_mean(selection, &facts.names()));
    let which = Command::pgconn("pooler clients --state waiting");
    let hint = Hint::from("clients wait; see which: ").call(which).shown(&again);
    let processes = args.console.len() + 1;
    let report = PoolerReport { rates, again, processes, ..PoolerReport::of_pools(facts, selection) };
    let hints = report.waits().then_some(hint).into_iter().collect();
    Ok(Shown { hints, ..Shown::new(report, head) })
}

async fn look_at_connections(
    console: &Console,
    view: View,
    selection: &PoolerSelection,
    context: &Context,
) -> Result<Shown> {
    let mut links = console.links().await?;
    let mut head = head(console);
    if selection.names_something() {
        let mut names = console.facts().await?.names();
        names.add(&links);
        head.warnings.extend(did_you_mean(selection, &names));
    }
    let product = console.product().clone();
    let by_server = view == View::Servers;
    links.retain(|link| {
        let is_shown = if by_server { link.server.is_some() } else { link.client.is_some() };
        is_shown && selection.has_link(link, by_server)
    });
    let part = Part::of(context, &head, &[]);
    Ok(Shown::new(PoolerReport { part, ..PoolerReport::of_links(view, product, links) }, head))
}

async fn joined(
    console: &Console,
    server: &str,
    selection: &PoolerSelection,
    context: &Context,
) -> Result<Shown> {
    let mut links = console.links().await?;
    let databases = console.databases().await?;
    let product = console.product().clone();
    let mut head = head(console);
    let given = Given { dbname: Some(server.to_owned()), ..passwords_of(&context.given()) };
    let server_info = conninfo::resolve(&given, &Environment::of_process()).map_err(db::Error::from)?;
    let db = context.session(context.observer_of(context.endpoint_of(server_info))).await?;
    let listing = Listing {
        selection: db::Selection::default(),
        over: None,
        order: SortOrder::Pid,
        limit: None,
        query_bytes: context.query_bytes(),
    };
    let (server_context, mut listed) = db.sessions(&listing).await?;
    db.add_waited_locks(&mut listed.sessions).await?;
    let locks = db.locks().await?;
    let server_head = head::head(&db, &server_context, listed.hidden);
    head.server = server_head.server;
    head.warnings.extend(server_head.warnings);
    db.close().await;
    pooler::join(&mut links, &databases, &listed.sessions);
    for link in &mut links {
        link.locks_held = link
            .backend
            .as_ref()
            .map(|session| locks.iter().find(|locks| locks.pid == session.pid).map_or(0, |locks| locks.held));
    }
    let lost = links.iter().filter(|link| link.server.is_some() && link.backend.is_none()).count();
    head.warnings.extend(not_joined(i64::try_from(lost)?));
    // A client without a connection that wants none has nothing to do with the server.
    links.retain(|link| {
        let waits = link.client.as_ref().is_some_and(|client| client.wait_seconds.is_some());
        (link.server.is_some() || waits) && selection.has_link(link, false)
    });
    let part = Part::of(context, &head, &[]);
    Ok(Shown::new(PoolerReport { part, ..PoolerReport::of_links(View::Join, product, links) }, head))
}

fn not_joined(number: i64) -> Option<Warning> {
    let lead = if number == 1 { "leads" } else { "lead" };
    (number > 0).then(|| Warning {
        code: "not_joined",
        message: format!(
            "{} of the pooler {lead} to no session that this server shows",
            text::count(number, "connection")
        ),
        hint: Some("the pooler may have other servers, or they ended between the two looks".into()),
    })
}
