//! What happens while the database is held closed: a command runs, or time passes; and again and again it is looked who is inside,
//! once more at the end.

use std::process::ExitStatus;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::door::Door;
use crate::commands::Context;
use crate::commands::act::meanwhile;
use crate::error::Failure;
use crate::model::database::Insider;
use crate::model::quote;
use crate::render::{Warning, text};

/// How often is looked who is inside.
const EVERY: Duration = Duration::from_millis(500);
/// How long the last look may take, after which the database is opened all the same.
const LAST: Duration = Duration::from_secs(2);
/// How many of those inside are named one by one.
const NAMED: usize = 5;

/// How it ended.
#[derive(Debug)]
pub(super) enum Held {
    /// The command ended with this status.
    Command(ExitStatus),
    /// The time is up, or a signal ended it.
    Time,
}

/// What was seen of the database while it was held.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// How often it was looked.
    pub(super) looks: u32,
    /// Why one look or more saw nothing.
    pub(super) missed: Option<String>,
    /// Who was inside at any of them, in the order in which they were seen. Sessions of the command are none of them.
    pub(super) inside: Vec<Insider>,
}

/// Holds it for the command, or until the time is up or a signal arrives.
pub(super) async fn hold(
    door: &mut Door<'_>,
    command: &[String],
    time: Option<Duration>,
    seen: &mut Seen,
    context: &Context,
) -> Result<Held, Failure> {
    seen.look(door, None, context).await;
    let Some((program, arguments)) = command.split_first() else {
        let how = match seen.empty_throughout() {
            Some(true) => "closed and empty".into(),
            Some(false) => format!("closed, with {} inside", seen.count()),
            None => "closed".into(),
        };
        let opens = if time.is_some() { "opens it earlier" } else { "opens it again" };
        context.ui.status(&format!("{how}; Ctrl-C {opens}"));
        tokio::select! {
            () = sleep(time.unwrap_or(Duration::MAX)) => {}
            _ = context.stop.pulled() => {}
            () = keep_looking(door, None, seen, context) => {}
        }
        look_once_more(door, None, seen, context).await;
        return Ok(Held::Time);
    };
    if seen.clients() > 0 {
        let message =
            format!("it was not empty for the command, which was not run: {} came in", seen.count());
        return Err(Failure::failed(format!("{message}; it is open again")));
    }
    let mut environment = door.way_back().variables();
    // By this name its own sessions are known. One that somebody has given it stays: nobody else is inside when it begins.
    let given = std::env::var("PGAPPNAME").ok().filter(|name| !name.is_empty());
    let own = given.unwrap_or_else(|| format!("pgconn-drain-{}", std::process::id()));
    environment.push(("PGAPPNAME", Some(own.clone().into())));
    let status = tokio::select! {
        status = meanwhile::run(program, arguments, environment, context) => status,
        () = keep_looking(door, Some(&own), seen, context) => Err(Failure::failed("the hold has ended")),
    };
    look_once_more(door, Some(&own), seen, context).await;
    status.map(Held::Command).map_err(|failure| {
        let message = format!("{}; it is open again", failure.message);
        Failure { message, ..failure }
    })
}

/// Looks again and again, for ever.
async fn keep_looking(door: &mut Door<'_>, own: Option<&str>, seen: &mut Seen, context: &Context) {
    let mut turns = interval_at(Instant::now() + EVERY, EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        seen.look(door, own, context).await;
    }
}

async fn look_once_more(door: &mut Door<'_>, own: Option<&str>, seen: &mut Seen, context: &Context) {
    if timeout(LAST, seen.look(door, own, context)).await.is_err() {
        seen.miss("the last look was not answered in time".into(), context);
    }
}

impl Seen {
    /// Whether nobody was inside at any look; none when one of them saw nothing, or there was none.
    pub(super) fn empty_throughout(&self) -> Option<bool> {
        match (self.inside.is_empty(), &self.missed, self.looks) {
            (false, ..) => Some(false),
            (true, None, 1..) => Some(true),
            _ => None,
        }
    }

    /// Those inside whom the fence or the signals were for: sessions of clients, and hidden ones that may be.
    pub(super) fn clients(&self) -> usize {
        self.inside.iter().filter(|insider| insider.may_be_client()).count()
    }

    /// `2 sessions and 1 other process`.
    pub(super) fn count(&self) -> String {
        let count = |number: usize, noun| text::count(i64::try_from(number).unwrap_or(i64::MAX), noun);
        let (clients, others) = (self.clients(), self.inside.len() - self.clients());
        match (clients, others) {
            (_, 0) => count(clients, "session"),
            (0, _) => other_processes(others),
            _ => format!("{} and {}", count(clients, "session"), other_processes(others)),
        }
    }

    /// Who was inside, one by one as far as that can be read.
    pub(super) fn named(&self) -> Vec<String> {
        let mut named: Vec<String> = self.inside.iter().take(NAMED).map(who).collect();
        let more = self.inside.len().saturating_sub(NAMED);
        if more > 0 {
            named.push(format!("{more} more"));
        }
        named
    }

    async fn look(&mut self, door: &mut Door<'_>, own: Option<&str>, context: &Context) {
        let insiders = match door.insiders().await {
            Ok(insiders) => insiders,
            Err(error) => return self.miss(error.to_string(), context),
        };
        self.looks += 1;
        for insider in insiders {
            let is_own = own.is_some_and(|own| insider.application_name == own);
            if is_own || self.inside.iter().any(|known| known.is_same(&insider)) {
                continue;
            }
            if self.inside.len() < NAMED {
                warn("inside", format!("{} is inside", who(&insider)), context);
            }
            self.inside.push(insider);
        }
    }

    fn miss(&mut self, why: String, context: &Context) {
        if self.missed.is_none() {
            warn("not_seen", format!("who is inside cannot be seen: {why}"), context);
            self.missed = Some(why);
        }
    }
}

/// Said as it is seen: what can be done about it can be done now.
fn warn(code: &'static str, message: String, context: &Context) {
    context.ui.warning(&Warning { code, message, hint: None });
}

fn other_processes(number: usize) -> String {
    if number == 1 { "1 other process".into() } else { format!("{number} other processes") }
}

/// `pid 4711 (role "web", pool, 10.0.0.7)`, a process that serves no client with what it is.
fn who(insider: &Insider) -> String {
    let parts = [
        insider.backend_type.clone().filter(|_| !insider.may_be_client()),
        insider.role.as_deref().map(|role| format!("role {}", quote::shown(role))),
        Some(insider.application_name.clone()).filter(|name| !name.is_empty()),
        insider.client.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("pid {} ({})", insider.pid, parts.join(", "))
}
