//! `pgconn ping`: does the server let this role in, and which phase of connecting is slow.

#[cfg(test)]
mod golden;
mod report;

use std::cell::RefCell;
use std::time::Duration;

use anyhow::Result;

use super::Context;
use super::head::about_connection;
use super::manual::{Group, Manual};
use super::shown::Shown;
use super::watch;
use crate::args;
use crate::conninfo::{ConnInfo, readable};
use crate::db::{self, ErrorKind, Lane, Ping};
use crate::exit::Exit;
use crate::model::server::place;
use crate::observe::{Deadline, Endpoint, KeptSession, Observer, Patience, Source};
use crate::render::Head;
use crate::stop::Stop;
pub(super) use report::Pings;
use report::{Counted, PingStatus};

/// What help says beyond the flags.
pub(super) const MANUAL: Manual = Manual::new(
    Group::Monitor,
    &[
        ("Can I log in, and what is slow?", "pgconn ping"),
        ("Ten times, with minimum, median and maximum", "pgconn ping --count 10"),
        ("Again and again, a new connection each time", "pgconn ping --watch"),
        ("Wait in a script until the server is up", "pgconn ping --connect-wait 1m -q"),
    ],
)
.exits(&[
    ("0", "the server let this role in and answered a query"),
    ("1", "it refused: starting up, full, authentication, no such database"),
    ("2", "no answer"),
    ("3", "not tried: usage error, or wrong settings; or the result could not be written"),
]);

/// Arguments of `ping`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How often to connect
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Pause between two connections
    #[arg(long, value_name = "DUR", default_value = "1s", value_parser = args::duration)]
    interval: Duration,
}

/// Connects and measures; the exit code is that of the last connection. With `--watch` each turn makes connections of its
/// own, and the summary is over all turns.
pub(crate) async fn run(args: Args, context: &mut Context) -> Result<Exit> {
    let endpoint = context.endpoint()?.clone();
    let hosts = endpoint.info().hosts().iter().map(|host| place(&readable(host.name()), host.port));
    let aimed_at = hosts.collect::<Vec<_>>().join(",");
    let source =
        Pinged { endpoint: RefCell::new(endpoint), stop: context.stop.clone(), last: RefCell::default() };
    let observer = Observer::new(source, context.stop.clone());
    let counted = RefCell::new(Counted::default());
    watch::judge(context, observer, async |context, observer| {
        let mut pings = Pings::new(aimed_at.clone());
        let (mut head, mut unanswered) = (Head::default(), None);
        for number in 0..args.count {
            if number > 0 {
                pause(args.interval, context).await?;
            }
            let ping = once(observer, context.patience()).await?;
            pings.take(&ping, &mut counted.borrow_mut());
            unanswered = None;
            match ping.outcome {
                Ok(reached) => {
                    head.warnings = reached.notices.iter().map(about_connection).collect();
                    head.target = Some(reached.target);
                }
                Err(error) => unanswered = Some(error.into()),
            }
        }
        pings.sum_up(&counted.borrow());
        head.target = head.target.or_else(|| context.aim());
        let fine = pings.status == PingStatus::Accepting;
        let silent = fine && context.flags.quiet && context.flags.output.is_none();
        let exit = pings.status.exit();
        Ok(Shown { exit, silent, unanswered, ..Shown::new(pings, head) })
    })
    .await
}

/// A server that is connected to for no other reason than to see how that goes.
struct Pinged {
    endpoint: RefCell<Endpoint>,
    stop: Stop,
    /// How it went last.
    last: RefCell<Option<Ping>>,
}

/// A connection that has been closed again.
struct Closed;

impl KeptSession for Closed {
    async fn close(self) {}
}

impl Source for Pinged {
    type Session = Closed;

    async fn log_in(&self, _: Option<&Deadline>) -> Result<Closed, db::Error> {
        let endpoint = self.endpoint.borrow().clone();
        let deadline = endpoint.deadline();
        let options = endpoint.options(Lane::Ordinary, Some(&deadline));
        let info = endpoint.info_for_login();
        let ping = tokio::select! {
            ping = db::ping(&info, options) => ping,
            signal = self.stop.pulled() => return Err(db::Error::interrupted(signal)),
        };
        let outcome = match &ping.outcome {
            Ok(reached) => {
                // The password that was typed is not asked for again.
                self.endpoint.replace(endpoint.at(ConnInfo::clone(&reached.info)));
                Ok(Closed)
            }
            Err(error) => Err(error.clone()),
        };
        self.last.replace(Some(ping));
        outcome
    }
}

/// One connection; where there is patience the first that comes about, or the last that did not.
///
/// # Errors
/// When the settings are wrong, and when a signal arrives.
async fn once(observer: &mut Observer<Pinged>, patience: Patience) -> Result<Ping> {
    let connected = observer.log_in(patience).await.map(|_| ());
    observer.forget();
    match connected {
        Err(error) if matches!(error.kind, ErrorKind::BadSettings | ErrorKind::Interrupted(_)) => {
            Err(error.into())
        }
        connected => match observer.source().last.take() {
            Some(ping) => Ok(ping),
            None => Err(connected
                .err()
                .unwrap_or_else(|| db::Error::new(ErrorKind::Protocol, "nothing was tried"))
                .into()),
        },
    }
}

async fn pause(length: Duration, context: &Context) -> Result<(), db::Error> {
    tokio::select! {
        () = tokio::time::sleep(length) => Ok(()),
        signal = context.stop.pulled() => Err(db::Error::interrupted(signal)),
    }
}
