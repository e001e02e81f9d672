//! The list of commands: what each is called and takes, what may be asked of it, and how it is run on one server.

use std::time::Duration;

use anyhow::Result;
use clap::{ArgMatches, Args, FromArgMatches, Subcommand};

use super::context::Context;
use super::manual::Manual;
use super::{
    blockers, cancel, check, complete, completions, conninfo, demo, doctor, drain, kill, long, ls, man,
    metrics, ping, pooler, schema, serve, show, size, stats, timeout, top,
};
use crate::error::Failure;
use crate::exit::Exit;
use crate::render::Format;

/// The commands there are.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Count sessions by state and application, against limits
    Stats(stats::Args),
    /// List sessions
    #[command(visible_alias = "sessions")]
    Ls(ls::Args),
    /// List the longest queries and transactions first
    #[command(visible_alias = "queries")]
    Long(long::Args),
    /// Show who waits for whom, as a tree, root first
    #[command(visible_alias = "blocking")]
    Blockers(blockers::Args),
    /// Show everything known of one session
    ///
    /// Its whole query and ages, what it waits for and whom, the locks that it holds and who waits for them, how far back it keeps
    /// VACUUM, and whether and how this role can cancel or end it.
    Show(show::Args),
    /// See sessions, and end the right ones, on a live screen
    ///
    /// The cursor and the tags are sessions, not rows: whoever comes and goes, what a key is about is what was chosen. Lower-case
    /// letters never act; C cancels and K terminates the chosen session or the tagged ones, A all that the filter selects. Each
    /// shows first what it would do, as kill --dry-run does, for sessions that are fixed by then; only y does it. The number is
    /// typed before that where it is more than one. While the screen stands, one session looks at the server, once at a time.
    ///
    /// Keys: j k, arrows, PgUp PgDn, g G move; Enter opens a session, or the sessions of a group, Esc goes one level back; 1 to 5
    /// and Tab are the views, 6 the pools with --pooler; s < > I sort; Space tags, U untags; b shows the chain of waits, v the whole query, w wide columns; p
    /// holds the screen; + - r set the pace; y and Y copy the session id and the query; e writes the view to a file, o shows the
    /// command line that shows the same; Ctrl-Z suspends; ? lists the keys of the moment; q quits.
    ///
    /// Several servers (--targets, --targets-command, -S with a pattern) are a list first, the worst on top, each looked at every five
    /// seconds or more; Enter goes into one, Esc at its top level comes back, q quits the list.
    ///
    /// A filter is typed behind / in the words of the flags: app:batch* !db:test role: client: state:aborted xact>5m idle> query>,
    /// and words of the query; blanks stand in quotes.
    Top(top::Args),
    /// Cancel running queries; the sessions stay
    Cancel(cancel::Args),
    /// End sessions, and verify that they are gone
    #[command(visible_alias = "terminate")]
    Kill(kill::Args),
    /// Empty a database and keep it closed meanwhile
    Drain(drain::Args),
    /// Show, set and reset statement_timeout and its kin
    Timeout(timeout::Args),
    /// See PgBouncer's pools, clients and servers
    Pooler(pooler::Args),
    /// Try everything on a throwaway PostgreSQL, full of trouble
    ///
    /// With --full every connection slot of the server is taken, too. The server listens on 127.0.0.1 for you alone: its
    /// password, new each time, is in a file that the printed URI names (passfile) and that no other user can read.
    Demo(demo::Args),
    /// Judge the health of connections, for monitoring plugins
    ///
    /// Rules, with the values from which on they warn and are critical: reachable (login and one answer), connections (80%
    /// and 95% of what ordinary roles can use, and of each CONNECTION LIMIT), idle-xact (a transaction left open: 5m, 30m),
    /// long-query (15m, 1h), long-xact (30m, 2h), blocked (the longest wait for a lock: 30s, 5m), prepared-xact (5m, 1h).
    /// At a pooler's console (-p 6432 -d pgbouncer) they are reachable, connections (the same shares of each limit that the
    /// console tells, on clients and on connections to the server; a pool with a reserve is critical by its reserve) and
    /// pooler-waiting (clients that wait: more than 1, 10); what the console does not tell is UNKNOWN.
    /// Filters narrow the rules about sessions: --app '!pg_dump' leaves the nightly backup alone. The JSON document can be
    /// served by a health endpoint as it is: status, latency_seconds, waiting, and a check per rule.
    Check(check::Args),
    /// Say whether a server lets you in, and which phase is slow
    Ping(ping::Args),
    /// Show what would be connected to, and by which settings
    Conninfo(conninfo::Args),
    /// Plan pool sizes and max_connections, write configuration
    Size(Box<size::Args>),
    /// Find bad connection practice, with evidence and advice
    ///
    /// It watches for a while, because a single look shows neither churn nor leaks: all sessions four times a second, those
    /// that have just come up to sixty times a second, with pauses that leave the server nine tenths of a core. Each rule
    /// passes, warns, fails, or is unknown for a reason that is given.
    Doctor(doctor::Args),
    /// Print metrics for Prometheus, once
    ///
    /// For node_exporter's textfile collector, write a file that ends in .prom into its folder: the new file takes the
    /// place of the old one in one step and can be read by everybody (mode 0644). When the server cannot be reached the
    /// file says pgconn_up 0. Each series has the label server, so that several servers' files can lie side by side; that a
    /// file is not written any more shows in node_textfile_mtime_seconds.
    Metrics(metrics::Args),
    /// Serve metrics, health and a status page over HTTP
    ///
    /// / (a page for people), /metrics, /probe?target=NAME, /health, /livez, /readyz, /-/targets (for Prometheus' http_sd). Whoever
    /// asks while a look is under way, or within --min-interval, shares it: one session for each server, closed after two minutes
    /// without a question. A look ends within -t, or half a second before the scraper's own limit. SIGHUP reads the list, the
    /// certificates and the passwords anew, and keeps the old ones when the new are wrong.
    Serve(serve::Args),
    /// Print the JSON Schema of an output
    Schema(schema::Args),
    /// Print the completion script of a shell
    Completions(completions::Args),
    /// Show or write the manual pages
    Man(man::Args),
    /// What a shell asks while somebody types: no command for people, and nothing that clap knows.
    #[command(skip)]
    Complete(complete::Args),
}

impl Command {
    /// Whether it waits for a server, a signal or a time: the others are done at once, and need neither drivers for that
    /// nor an end of their own at a signal.
    pub(crate) fn waits(&self) -> bool {
        match self {
            Self::Conninfo(_) | Self::Schema(_) | Self::Completions(_) => false,
            Self::Size(args) => args.asks_server(),
            _ => true,
        }
    }

    /// Whether defaults of one's own say something about it.
    pub(crate) fn takes_defaults(&self) -> bool {
        matches!(self, Self::Conninfo(_))
            || (self.waits() && !matches!(self, Self::Demo(_) | Self::Man(_) | Self::Complete(_)))
    }

    /// Whether a hang-up means that it is to read its files anew, not that it is to end.
    pub(crate) const fn reloads(&self) -> bool {
        matches!(self, Self::Serve(_))
    }

    /// Whether the exit code is a verdict: then every other end has a code of its own among those ([`Exit::as_verdict`]).
    pub(crate) const fn judges(&self) -> bool {
        match self {
            Self::Check(_) | Self::Ping(_) => true,
            Self::Doctor(args) => args.judges(),
            _ => false,
        }
    }

    /// Whether it may change something, so that what became of it has to be told.
    const fn acts(&self) -> bool {
        match self {
            Self::Cancel(_) | Self::Kill(_) | Self::Drain(_) => true,
            Self::Pooler(args) => args.acts(),
            Self::Timeout(args) => args.acts(),
            _ => false,
        }
    }

    /// Refuses `--watch` where there is nothing to look at again, and a format that only another command has.
    pub(super) fn admit(&self, watch: Option<Duration>, format: Format) -> Result<(), Failure> {
        let repeats = matches!(
            self,
            Self::Stats(_)
                | Self::Ls(_)
                | Self::Long(_)
                | Self::Blockers(_)
                | Self::Show(_)
                | Self::Check(_)
                | Self::Ping(_)
                | Self::Pooler(_)
                | Self::Metrics(_)
                | Self::Doctor(_)
        );
        if watch.is_some() && !repeats {
            let failure = Failure::usage("this command runs once, --watch or not");
            return Err(failure.hinted("--watch is for the commands that look or monitor: pgconn --help"));
        }
        let (owner, name) = match (self, format) {
            (Self::Check(_), Format::Nagios) | (Self::Metrics(_), Format::Prometheus) => return Ok(()),
            (_, Format::Nagios) => ("check", "nagios"),
            (_, Format::Prometheus) => ("metrics", "prometheus"),
            (_, Format::Table | Format::Json | Format::Ndjson | Format::Tsv) => return Ok(()),
        };
        Err(Failure::usage(format!("this command has no format {name}"))
            .hinted(format!("only pgconn {owner} has it")))
    }
}

/// A command, as the command line knows it.
pub(crate) struct Entry {
    /// Its name.
    pub(crate) name: &'static str,
    /// What help and man pages say about it beyond its flags.
    pub(crate) manual: Manual,
    /// Adds its flags.
    pub(crate) with_flags: fn(clap::Command) -> clap::Command,
    /// Makes the command of what was typed for its flags.
    pub(crate) read: fn(&mut ArgMatches) -> Result<Command, clap::Error>,
}

macro_rules! entry {
    ($name:literal, $module:ident, $command:expr) => {
        Entry {
            name: $name,
            manual: $module::MANUAL,
            with_flags: $module::Args::augment_args,
            read: |typed| $module::Args::from_arg_matches_mut(typed).map($command),
        }
    };
}

/// Each command, in the order of the help.
pub(crate) const COMMANDS: &[Entry] = &[
    entry!("stats", stats, Command::Stats),
    entry!("ls", ls, Command::Ls),
    entry!("long", long, Command::Long),
    entry!("blockers", blockers, Command::Blockers),
    entry!("show", show, Command::Show),
    entry!("top", top, Command::Top),
    entry!("cancel", cancel, Command::Cancel),
    entry!("kill", kill, Command::Kill),
    entry!("drain", drain, Command::Drain),
    entry!("timeout", timeout, Command::Timeout),
    entry!("check", check, Command::Check),
    entry!("ping", ping, Command::Ping),
    entry!("size", size, |args| Command::Size(Box::new(args))),
    entry!("doctor", doctor, Command::Doctor),
    entry!("metrics", metrics, Command::Metrics),
    entry!("serve", serve, Command::Serve),
    entry!("pooler", pooler, Command::Pooler),
    entry!("demo", demo, Command::Demo),
    entry!("conninfo", conninfo, Command::Conninfo),
    entry!("schema", schema, Command::Schema),
    entry!("completions", completions, Command::Completions),
    entry!("man", man, Command::Man),
];

/// What help and man pages say about each, by its name.
fn manuals() -> Vec<(&'static str, &'static Manual)> {
    COMMANDS.iter().map(|entry| (entry.name, &entry.manual)).collect()
}

/// Runs `command` on the one server that it is about.
///
/// # Errors
/// With everything that kept it from ending well.
pub(super) async fn run_here(command: Command, context: &mut Context) -> Result<Exit> {
    if command.acts() {
        context.open_output()?;
    }
    match command {
        Command::Stats(args) => Box::pin(stats::run(args, context)).await,
        Command::Ls(args) => Box::pin(ls::run(args, context)).await,
        Command::Long(args) => Box::pin(long::run(args, context)).await,
        Command::Blockers(args) => Box::pin(blockers::run(args, context)).await,
        Command::Show(args) => Box::pin(show::run(args, context)).await,
        Command::Cancel(args) => Box::pin(cancel::run(args, context)).await,
        Command::Top(args) => Box::pin(top::run(args, context)).await,
        Command::Kill(args) => Box::pin(kill::run(args, context)).await,
        Command::Pooler(args) => Box::pin(pooler::run(args, context)).await,
        Command::Drain(args) => Box::pin(drain::run(args, context)).await,
        Command::Demo(args) => Box::pin(demo::run(args, context)).await,
        Command::Check(args) => Box::pin(check::run(args, context)).await,
        Command::Ping(args) => Box::pin(ping::run(args, context)).await,
        Command::Conninfo(args) => conninfo::run(&args, context),
        Command::Size(args) => Box::pin(size::run(*args, context)).await,
        Command::Doctor(args) => Box::pin(doctor::run(args, context)).await,
        Command::Metrics(args) => Box::pin(metrics::run(args, context)).await,
        Command::Serve(args) => Box::pin(serve::run(args, context)).await,
        Command::Schema(args) => schema::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Complete(args) => Box::pin(complete::run(args, context)).await,
        Command::Man(args) => Box::pin(man::run(args, &manuals(), context)).await,
        Command::Timeout(args) => Box::pin(timeout::run(args, context)).await,
    }
}
