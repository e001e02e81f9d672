//! `pgconn ping`: does the server let this role in, and which phase of connecting is slow.

mod report;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Context;
use super::manual::{Group, Manual};
use super::watch::{self, Shown};
use crate::args;
use crate::conninfo::{ConnInfo, readable};
use crate::db::{self, Kind, Lane};
use crate::exit::Exit;
use crate::model::server::place;
use crate::render::Head;
pub(super) use report::Pings;
use report::{Counted, Status};

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
#[derive(Debug, clap::Args)]
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
    let info = context.conninfo()?;
    let course = RefCell::new(Course::new(info));
    watch::judge(context, async |context, _| {
        let mut pings = Pings::new(course.borrow().place());
        let mut head = Head::default();
        for number in 0..args.count {
            if number > 0 {
                pause(args.interval, context).await?;
            }
            let info = course.borrow().info.clone();
            let ping = once(&info, context).await?;
            pings.take(&ping, &mut course.borrow_mut().counted);
            if let Ok(reached) = ping.outcome {
                head.warnings = reached.notices.iter().map(super::about_connection).collect();
                head.target = Some(reached.target);
                // The password that was typed is not asked for again.
                course.borrow_mut().info = reached.info;
            }
        }
        pings.sum_up(&course.borrow().counted);
        head.target = head.target.or_else(|| context.aim());
        let fine = pings.status == Status::Accepting;
        let silent = fine && context.flags.quiet && context.flags.output.is_none();
        let exit = pings.status.exit();
        Ok((Shown { exit, silent, ..Shown::new(pings, head) }, None))
    })
    .await
}

/// What is carried from one connection to the next.
struct Course {
    info: ConnInfo,
    counted: Counted,
}

impl Course {
    fn new(info: ConnInfo) -> Self {
        Self { info, counted: Counted::default() }
    }

    /// Where it goes, until it is known who answers.
    fn place(&self) -> String {
        let hosts = self.info.hosts().iter().map(|host| place(&readable(host.name()), host.port));
        hosts.collect::<Vec<_>>().join(",")
    }
}

/// One connection; with `--connect-wait` the first that comes about, or the last that did not.
async fn once(info: &ConnInfo, context: &Context) -> Result<db::Ping> {
    let began = Instant::now();
    let mut pauses = db::Backoff::new();
    let mut said = String::new();
    loop {
        let mut options = context.options(Lane::Ordinary);
        options.deadline = Some(Instant::now() + context.connection.timeout());
        let ping = tokio::select! {
            ping = db::ping(info, options) => ping,
            signal = context.stop.pulled() => return Err(db::Error::interrupted(signal).into()),
        };
        let left = context.connection.connect_wait.unwrap_or_default().saturating_sub(began.elapsed());
        match &ping.outcome {
            Err(error) if error.kind == Kind::BadSettings => return Err(error.clone().into()),
            Err(error) if error.is_transient() && !left.is_zero() => context.tell_waiting(error, &mut said),
            _ => return Ok(ping),
        }
        pause(pauses.wait().min(left), context).await?;
    }
}

async fn pause(length: Duration, context: &Context) -> Result<(), db::Error> {
    tokio::select! {
        () = tokio::time::sleep(length) => Ok(()),
        signal = context.stop.pulled() => Err(db::Error::interrupted(signal)),
    }
}
