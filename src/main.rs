//! pgconn: see, size and safely clear PostgreSQL connections.
//!
//! One way through: argv → `cli` → `commands` → `db` (asks the server) → `model` (plain facts) → `analyze` (judgement)
//! → `render` → stdout. This file owns stdout, signals and the exit code; nobody else prints or exits.

#[cfg(not(unix))]
compile_error!("pgconn is for Unix: it speaks over Unix sockets and lives by Unix signals");

mod act;
mod after_panic;
mod analyze;
mod args;
mod cli;
mod cluster;
mod commands;
mod conninfo;
mod db;
mod descriptor;
mod error;
mod exit;
mod live;
mod model;
mod observe;
mod outlet;
mod output;
mod poolconf;
mod render;
mod screen;
mod serve;
mod stop;
mod terminal;
mod ui;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anstream::AutoStream;
use tokio::signal::unix::SignalKind;

use crate::cli::{Asked, Cli};
use crate::commands::{Config, Context};
use crate::error::Failure;
use crate::exit::Exit;
use crate::outlet::Outlet;
use crate::output::Output;
use crate::render::{Format, Look};
use crate::stop::{Ignored, Signal, Trigger};
use crate::ui::Ui;

fn main() -> ExitCode {
    after_panic::install(ui::leave_terminal);
    let argv = mask_argv(std::env::args_os().collect());
    let (json, plugin) = (cli::wants_json(&argv), cli::wants_format(&argv, "nagios"));
    let exit = match cli::read(argv, output::columns) {
        Ok(Asked::Run(cli)) => run(*cli),
        Ok(Asked::Text(text, exit)) => say(&text, exit),
        Err(failure) => {
            let format = if json { Format::Json } else { Format::Table };
            let color = colored(&io::stderr(), clap::ColorChoice::Auto);
            Ui::new(false, 0, color, format, false).failure(&failure);
            if plugin {
                say_as_plugin(&failure);
            }
            failure.exit
        }
    };
    ExitCode::from(exit.code())
}

/// The arguments as they were typed. When they hold a password, the program starts itself again in this same process with
/// the password masked in what other users see; where that cannot be done it goes on as it is.
fn mask_argv(argv: Vec<OsString>) -> Vec<OsString> {
    let pid = std::process::id();
    if let Ok(carried) = std::env::var(conninfo::CARRIER)
        && let Some(typed) = conninfo::unmask_argv(&argv, &carried, pid)
    {
        return typed;
    }
    if let Some((shown, carried)) = conninfo::mask_argv(&argv, pid)
        && let (Ok(program), [name, arguments @ ..]) = (std::env::current_exe(), shown.as_slice())
    {
        let _returned_only_when_it_failed =
            Command::new(program).arg0(name).args(arguments).env(conninfo::CARRIER, carried).exec();
    }
    argv
}

/// Prints a text that clap made: to stdout when it was asked for, else to stderr.
fn say(text: &str, exit: Exit) -> Exit {
    if exit != Exit::Done {
        // Nobody reads it: nothing to say to anybody.
        let _ = AutoStream::auto(io::stderr()).write_all(text.as_bytes());
        return exit;
    }
    match AutoStream::auto(io::stdout()).write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: could not write: {error}");
            Exit::Failed
        }
        _ => exit,
    }
}

/// What failed before there was a verdict, as monitoring systems read it: the first line of stdout is all that they show.
fn say_as_plugin(failure: &Failure) {
    let word = match failure.exit {
        Exit::Code(2) => "CRITICAL",
        Exit::Code(_) => "UNKNOWN",
        // not a verdict: another command, or a signal
        _ => return,
    };
    let failure = failure.without_secrets();
    let text = format!("PGCONN {word}: {}", failure.message);
    // Nobody reads it: nothing to say to anybody.
    let _ = writeln!(io::stdout(), "{}", render::nagios::line(&text, std::iter::empty()));
}

fn run(mut cli: Cli) -> Exit {
    let output = &mut cli.globals.output.output;
    *output = output.take().filter(|path| path.as_os_str() != "-");
    let config = match cli.globals.output.no_config || !cli.command.takes_defaults() {
        true => Ok(Config::default()),
        false => Config::read(),
    };
    if let (clap::ColorChoice::Auto, Ok(config)) = (cli.globals.output.color, &config)
        && ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"]
            .iter()
            .all(|name| std::env::var_os(name).is_none_or(|value| value.is_empty()))
    {
        cli.globals.output.color = config.color().unwrap_or(clap::ColorChoice::Auto);
    }
    let ui = Ui::new(
        cli.globals.output.quiet,
        cli.globals.output.verbose,
        colored(&io::stderr(), cli.globals.output.color),
        cli.globals.output.format(),
        cli.globals.output.watch.is_some(),
    );
    let (waits, judges, reloads) = (cli.command.waits(), cli.command.judges(), cli.command.reloads());
    let plugin = cli.globals.output.format() == Format::Nagios;
    let (trigger, stop) = stop::channel();
    let outlet = |stream: BorrowedFd<'_>| {
        let file = File::from(stream.try_clone_to_owned()?);
        Ok::<_, io::Error>(if waits { Outlet::to(file, stop.clone()) } else { Outlet::at_once(file) })
    };
    let could_not_start = |error: io::Error| Failure::failed(format!("could not start: {error}"));
    let (output, news) = match (outlet(io::stdout().as_fd()), outlet(io::stderr().as_fd())) {
        (Ok(stdout), Ok(stderr)) => (stdout, stderr),
        (Err(error), _) | (_, Err(error)) => {
            ui.failure(&could_not_start(error));
            return Exit::Failed;
        }
    };
    // One for the whole run.
    let news: &'static Outlet = Box::leak(Box::new(news));
    let ui = ui.through(news);
    let output = match &cli.globals.output.output {
        Some(path) => Output::file(path.clone(), stop.clone()),
        None => Output::stdout(output, news, look(&cli)),
    };
    let fail = |mut failure: Failure| {
        if judges {
            failure.exit = failure.exit.as_verdict();
        }
        ui.failure(&failure);
        if plugin {
            say_as_plugin(&failure);
        }
        failure.exit
    };
    let config = match config {
        Ok(config) => config,
        Err(failure) => return fail(failure),
    };
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    if waits {
        runtime.enable_all();
    }
    let runtime = match runtime.build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(could_not_start(error)),
    };
    let mut context =
        Context::new(cli.globals.connection, cli.globals.output, ui, output, stop, cli::command);
    context.config = config;
    let ended = runtime.block_on(async {
        if waits {
            listen(&trigger, reloads).map_err(could_not_start)?;
        }
        commands::run(cli.command, &mut context).await
    });
    // A name look-up that hangs must not hold up the end.
    runtime.shutdown_background();
    ui::leave_terminal();
    let exit = match (ended, context.stop.signal()) {
        (Ok(exit), _) => exit,
        (Err(error), Some(signal)) if error::is_given_up(&error) => {
            fail(Failure { code: "interrupted", exit: signal.exit(), ..Failure::failed(error.to_string()) })
        }
        (Err(error), _) => error::explain(error).map_or(Exit::Done, fail),
    };
    drop(context);
    // What a signal has not ended is waited for, as everywhere.
    let _ = news.finish();
    exit
}

/// Pulls the trigger at each SIGINT, SIGTERM, SIGHUP (unless that `reloads`) or SIGQUIT that this program was not started to ignore.
fn listen(trigger: &Trigger, reloads: bool) -> io::Result<()> {
    let ignored = Ignored::at_start();
    for (kind, meaning) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::Terminate),
        // Ctrl-\, for those whom Ctrl-C is not fast enough: what is held is let go all the same.
        (SignalKind::quit(), Signal::Terminate),
    ] {
        if !(ignored.contains(kind) || reloads && kind == SignalKind::hangup()) {
            trigger.pull_at(kind, meaning)?;
        }
    }
    Ok(())
}

/// How tables look on stdout.
fn look(cli: &Cli) -> Look {
    let is_terminal = io::stdout().is_terminal();
    Look {
        width: is_terminal.then(output::columns).flatten(),
        color: colored(&io::stdout(), cli.globals.output.color),
        full: cli.globals.output.full,
    }
}

/// `--color`, or one's own default where no variable says otherwise, before NO_COLOR before CLICOLOR_FORCE before what the stream is.
fn colored(stream: &impl anstream::stream::RawStream, choice: clap::ColorChoice) -> bool {
    match choice {
        clap::ColorChoice::Always => true,
        clap::ColorChoice::Never => false,
        clap::ColorChoice::Auto => AutoStream::choice(stream) != anstream::ColorChoice::Never,
    }
}
