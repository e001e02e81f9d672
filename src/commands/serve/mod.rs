//! `pgconn serve`: an endpoint for monitoring, health checks and people. Here is what the command line says of it; what it answers
//! is in `serve`, and how it looks in `look`.

mod look;

use std::cell::RefCell;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;
use listenfd::ListenFd;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;
use tokio::time;

use super::manual::{Group, Manual};
use super::metrics::Compat;
use super::{Context, targets};
use crate::args;
use crate::conninfo::{TargetSpec, refuse_endless};
use crate::error::Failure;
use crate::exit::Exit;
use crate::render::text;
use crate::serve::{self, Access, Certificates, Pace, Serving, Watched};
#[cfg(test)]
pub(super) use look::HealthReport;
pub(super) use look::ServerTarget;

/// Where it listens unless something else is said: a port that no exporter has.
const LISTEN: &str = "127.0.0.1:10432";

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("For Prometheus and for health checks, of one server", "pgconn serve"),
        ("Of every server of a list", "pgconn serve --targets fleet.toml"),
        ("Where a container's probes can reach it", "pgconn serve --listen 0.0.0.0:10432"),
    ],
)
.exits(&[
    ("0", "ended by a signal, what was under way answered"),
    ("1", "a socket could not be used"),
    ("2", "usage error"),
])
.variables(&[
    ("LISTEN_FDS", "sockets that systemd has opened; they take the place of --listen"),
    ("NOTIFY_SOCKET", "where systemd is told READY=1, RELOADING=1 and WATCHDOG=1"),
]);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to listen (repeatable)
    #[arg(long, value_name = "ADDR:PORT", default_value = LISTEN)]
    listen: Vec<SocketAddr>,
    /// Who asks again so soon gets the same look
    #[arg(long, value_name = "DUR", default_value = "5s", value_parser = args::duration)]
    min_interval: Duration,
    /// Speak TLS with this certificate (PEM)
    ///
    /// With what leads to its authority.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let in only certificates of this authority (PEM)
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Let in only names of this file (htpasswd -B)
    ///
    /// With their passwords.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    basic_auth_file: Option<PathBuf>,
    /// Series at most in a family that depends on names
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_series: u32,
    /// Metric names of another exporter
    ///
    /// They stand in place of pgconn's own.
    #[arg(long, value_enum, value_name = "EXPORTER")]
    compat: Option<Compat>,
}

/// Serves until a signal ends it.
///
/// # Errors
/// When the command line, a file or a socket cannot be used.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    admit(context)?;
    let certificates = args.tls_cert.clone().zip(args.tls_key.clone()).map(|(chain, key)| Certificates {
        chain,
        key,
        client_authority: args.tls_client_ca.clone(),
    });
    let pace = Pace { min_interval: args.min_interval, limit: context.time_limit() };
    let serving = Rc::new(Serving::new(pace, certificates));
    LocalSet::new().run_until(served(&args, serving, context)).await
}

/// Refuses what has no meaning here.
fn admit(context: &Context) -> Result<(), Failure> {
    let flags = &context.flags;
    let unused = [
        ("-F", flags.format.is_some()),
        ("--json", flags.json),
        ("-o", flags.output.is_some()),
        ("--full", flags.full),
        ("-W", context.connection.password),
        ("--connect-wait", context.connection.connect_wait.is_some()),
        ("--emergency", context.connection.emergency.is_some()),
        ("--parallel", context.connection.many.parallel.is_some()),
    ];
    match unused.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some(("-W", _)) => Err(Failure::usage("nobody is there to be asked for a password")
            .hinted("use a password file, or --password-command")),
        Some((flag, _)) => Err(Failure::usage(format!("{flag} means nothing to an endpoint"))
            .hinted("what it answers depends on the path: pgconn help serve")),
    }
}

/// The sockets that systemd hands over, or those to listen on.
fn sockets(listen: &[SocketAddr]) -> Result<Vec<TcpListener>, Failure> {
    let mut given = ListenFd::from_env();
    let mut sockets = Vec::new();
    for at in 0..given.len() {
        let socket = given
            .take_tcp_listener(at)
            .map_err(|error| Failure::failed(format!("LISTEN_FDS: socket {at} cannot be used: {error}")))?;
        sockets.extend(socket);
    }
    if !sockets.is_empty() {
        return Ok(sockets);
    }
    let bound = listen.iter().map(|place| {
        TcpListener::bind(place).map_err(|error| {
            Failure::failed(format!("could not listen on {place}: {error}"))
                .hinted("choose another place: --listen ADDR:PORT")
        })
    });
    bound.collect()
}

async fn served(args: &Args, serving: Rc<Serving>, context: &mut Context) -> Result<Exit> {
    let known = RefCell::new(Vec::new());
    load(args, &serving, &known, context).await?;
    // What is wrong is said before anybody can ask.
    let sockets = sockets(&args.listen)?;
    let ui = context.ui;
    let ready = |places: &[SocketAddr]| {
        for place in places {
            ui.status(&format!("listening on {place}"));
        }
        tell(&[NotifyState::Ready]);
    };
    let stop = context.stop.clone();
    let mut served = Box::pin(serve::serve(sockets, &serving, &stop, ready));
    let mut hangups = signal(SignalKind::hangup())?;
    let mut watchdog = sd_notify::watchdog_enabled().map(|every| time::interval(every / 2));
    loop {
        let beat = async {
            match &mut watchdog {
                Some(beat) => _ = beat.tick().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            ended = &mut served => {
                ended?;
                break;
            }
            Some(()) = hangups.recv() => {
                tell(&[NotifyState::Reloading]);
                match load(args, &serving, &known, context).await {
                    Ok(()) => {
                        let number = i64::try_from(serving.targets.borrow().len()).unwrap_or(i64::MAX);
                        ui.status(&format!("reloaded: {}", text::count(number, "target")));
                    }
                    // What was good goes on.
                    Err(failure) => ui.failure(&Failure {
                        message: format!("not reloaded, the old settings go on: {}", failure.message),
                        ..failure
                    }),
                }
                tell(&[NotifyState::Ready]);
            }
            () = beat => tell(&[NotifyState::Watchdog]),
        }
    }
    tell(&[NotifyState::Stopping]);
    // Their sessions are closed in good order.
    serving.targets.borrow_mut().clear();
    drop(served);
    time::sleep(Duration::from_millis(50)).await;
    Ok(Exit::Done)
}

/// Tells systemd, where it wants to know.
fn tell(state: &[NotifyState<'_>]) {
    // Nobody listens: nothing to say to anybody.
    let _ = sd_notify::notify(state);
}

/// What is served by name, as it was read.
type Known = Vec<(Option<TargetSpec>, Rc<Watched>)>;

/// Reads the list and the files, and serves what they say; what has not changed goes on.
///
/// # Errors
/// When one of them is wrong; then nothing is changed.
async fn load(
    args: &Args,
    serving: &Serving,
    known: &RefCell<Known>,
    context: &Context,
) -> Result<(), Failure> {
    let wrong = |why: String| Failure::usage(why);
    let files = [&args.basic_auth_file, &args.tls_cert, &args.tls_key, &args.tls_client_ca];
    for file in files.into_iter().flatten() {
        let why = |error| wrong(format!("could not read {}: {error}", file.display()));
        refuse_endless(file).map_err(why)?;
    }
    let access = args.basic_auth_file.as_deref().map(Access::read).transpose().map_err(wrong)?;
    let tls = serving.certificates.as_ref().map(serve::acceptor).transpose().map_err(wrong)?;
    let specs: Vec<Option<TargetSpec>> = if context.connection.is_list() {
        let (specs, warnings) = targets::read(context).await?;
        warnings.iter().for_each(|warning| context.ui.warning(warning));
        specs.into_iter().map(Some).collect()
    } else if known.borrow().is_empty() {
        vec![None]
    } else {
        known.borrow().iter().map(|(spec, _)| spec.clone()).collect()
    };
    let mut next: Known = Vec::new();
    for spec in specs {
        let same = known.borrow().iter().find(|(old, _)| *old == spec).map(|(_, watched)| Rc::clone(watched));
        let watched = match same {
            Some(watched) => watched,
            None => Rc::new(watched(args, spec.clone(), serving, context)?),
        };
        next.push((spec, watched));
    }
    serving.targets.replace(next.iter().map(|(_, watched)| Rc::clone(watched)).collect());
    known.replace(next);
    serving.access.replace(access.map(Rc::new));
    serving.tls.replace(tls);
    Ok(())
}

/// Begins to serve one server.
fn watched(
    args: &Args,
    spec: Option<TargetSpec>,
    serving: &Serving,
    context: &Context,
) -> Result<Watched, Failure> {
    let context = context.unattended(spec);
    let aim = context.endpoint().map_err(Failure::from)?.target().unwrap_or_default();
    let (name, labels, production) = match &context.spec {
        Some(spec) => (spec.name.clone(), spec.labels.clone(), spec.production),
        None => (aim.place(), [].into(), false),
    };
    let most = usize::try_from(args.max_series).unwrap_or(usize::MAX);
    let look = ServerTarget::new(context, most, args.compat)?;
    Ok(Watched::new(look, name, labels, production, serving.pace, &serving.turns))
}
