//! A database that is held paused: paused once, resumed in every case.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::PAUSE;
use crate::commands::act::meanwhile;
use crate::commands::{Context, listing};
use crate::conninfo::ConnInfo;
use crate::db::console::Console;
use crate::db::{Error, Kind};
use crate::error::Failure;
use crate::model::pooler::Link;
use crate::render::text;

/// How long the console may take to say that the pause is complete before it is asked on another session what it waits for.
const ANSWER: Duration = Duration::from_secs(1);
/// How many connections are named one by one.
const NAMED: usize = 3;

/// A database that this run pauses and resumes.
pub(super) struct Held<'a> {
    context: &'a Context,
    console: Option<Console>,
    way_back: ConnInfo,
    database: String,
}

/// How resuming it went.
#[derive(Debug)]
pub(super) enum Resumed {
    /// It is not paused any more.
    Done,
    /// It still is, for this reason.
    Failed(String),
}

impl<'a> Held<'a> {
    /// A database that is not paused yet. `console` hears no signals.
    pub(super) fn new(context: &'a Context, console: Console, database: String) -> Self {
        let way_back = console.way_back();
        Self { context, console: Some(console), way_back, database }
    }

    /// The settings that lead to the console.
    pub(super) const fn way_back(&self) -> &ConnInfo {
        &self.way_back
    }

    /// Orders the pause. When it is not known whether that was done, it is undone at once.
    pub(super) async fn order(&mut self) -> Result<(), Failure> {
        let Some(console) = self.console.take() else { return Ok(()) };
        let error = match console.pause(&self.database, ANSWER).await {
            Ok(console) => {
                self.console = console;
                return Ok(());
            }
            Err(error) => error,
        };
        if error.sqlstate.is_none()
            && let Resumed::Failed(why) = self.resume().await
        {
            return Err(Failure::from(error).detailed(format!("it may have been left paused: {why}")));
        }
        Err(error.into())
    }

    /// Waits until none of its connections to the server is left.
    pub(super) async fn wait(&mut self, deadline: Instant) -> Result<(), Failure> {
        let mut said = false;
        loop {
            let mut links = self.connected().await?.links().await?;
            links.retain(|link| link.database == self.database && link.server.is_some());
            if links.is_empty() {
                return Ok(());
            }
            if self.context.stop.signal().is_some() {
                return Err(Failure::failed("interrupted before it was paused"));
            }
            if Instant::now() >= deadline {
                return Err(Failure::failed("it was not paused in time")
                    .detailed(format!("still at work: {}", who(&links)))
                    .hinted(
                        "a longer time: --verify DUR; in session mode it takes until the clients disconnect",
                    ));
            }
            if !said {
                self.context.ui.status(&format!("waiting for {}", who(&links)));
                said = true;
            }
            tokio::select! {
                () = sleep(PAUSE) => {}
                _ = self.context.stop.pulled() => {}
            }
        }
    }

    /// Resumes it, over a new connection when the old one is lost, until that succeeds or hope is lost.
    pub(super) async fn resume(&mut self) -> Resumed {
        let context = self.context;
        let resumed = meanwhile::let_go("resume it", context, async || {
            let tried = self.try_to_resume().await;
            if tried.is_err() {
                // Whatever is wrong with it, the next attempt has a connection of its own.
                self.console = None;
            }
            tried
        });
        resumed.await.map_or_else(|error| Resumed::Failed(error.to_string()), |()| Resumed::Done)
    }

    async fn try_to_resume(&mut self) -> Result<(), Error> {
        let database = self.database.clone();
        let console = self.connected().await?;
        match console.resume(&database).await {
            Ok(_) => {}
            // A pooler that was started again meanwhile has forgotten the pause, and perhaps the database.
            Err(error) if error.kind == Kind::NoSuchDatabase => return Ok(()),
            Err(error) => return Err(error),
        }
        let databases = console.databases().await?;
        match databases.iter().find(|known| known.name == database).and_then(|known| known.paused) {
            Some(true) => Err(Error::new(Kind::Protocol, "the pooler still says that it is paused")),
            Some(false) | None => Ok(()),
        }
    }

    /// Ends the session on the console.
    pub(super) async fn end(self) {
        if let Some(console) = self.console {
            console.close().await;
        }
    }

    /// The console, a new session on the same one when the old one is lost or busy.
    async fn connected(&mut self) -> Result<&Console, Error> {
        if self.console.is_none() {
            self.console = Some(self.context.console_back(&self.way_back).await?);
        }
        self.console.as_ref().ok_or_else(|| Error::new(Kind::ConnectionLost, "the connection was lost"))
    }
}

/// `2 connections: pid 4711 for 10.0.0.7 (shop-web), pid 4712`.
pub(super) fn who(links: &[Link]) -> String {
    let one = |link: &Link| {
        let server = link.server.as_ref();
        let pid = server.and_then(|server| server.pid).map(|pid| format!("pid {pid}"));
        let pid = pid.unwrap_or_else(|| "a connection that logs in".into());
        let Some(client) = &link.client else { return pid };
        let application =
            client.application_name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{pid} for {}{application}", listing::origin(client))
    };
    let named: Vec<String> = links.iter().take(NAMED).map(one).collect();
    let more = links.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let number = i64::try_from(links.len()).unwrap_or(i64::MAX);
    format!("{}: {}{more}", text::count(number, "connection"), named.join(", "))
}
