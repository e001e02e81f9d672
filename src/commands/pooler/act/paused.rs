//! A database of the pooler that is paused or disabled: once, and let go in every case.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::act::{Hold, Reopening};
use crate::commands::act::hold_status::{self, PATIENCE};
use crate::commands::{Context, listing};
use crate::conninfo::ConnInfo;
use crate::db::console::{Console, ConsoleOrder};
use crate::db::{Error, ErrorKind};
use crate::error::Failure;
use crate::model::pooler::{Database, Link};
use crate::model::quote;
use crate::observe::{Endpoint, Observer, OfConsole, Patience};
use crate::render::{Warning, text};
use crate::stop::Stop;

/// How often is looked whether it is done.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// How long the console may take to say that the pause is complete before it is asked on another session what it waits for.
const ANSWER: Duration = Duration::from_secs(1);
/// How many connections are named one by one.
const NAMED: usize = 3;

/// A database that this run pauses and resumes, or disables and enables; or all of them, paused.
pub(super) struct Paused<'a> {
    context: &'a Context,
    observer: Observer<OfConsole>,
    /// The session on which it is to be paused.
    console: Option<Console>,
    /// None for all of them.
    database: Option<String>,
    /// Whether it is to be disabled instead of paused.
    disables: bool,
    /// How long its connections to the server may take to end.
    verify: Duration,
    /// It was said that it is paused no more.
    told: bool,
}

/// How resuming it went.
#[derive(Debug)]
pub(super) enum Resumed {
    /// It is not paused any more.
    Done,
    /// It still is, for this reason.
    Failed(String),
}

impl<'a> Paused<'a> {
    /// A database that is not paused yet. `console` hears no signals, and leads to the pooler that is resumed.
    pub(super) fn new(
        context: &'a Context,
        endpoint: &Endpoint,
        console: Console,
        (database, disables): (Option<String>, bool),
        verify: Duration,
    ) -> Self {
        let source = OfConsole { endpoint: endpoint.at(console.way_back()), stop: Stop::never() };
        let observer = Observer::new(source, Stop::never());
        Self { context, observer, console: Some(console), database, disables, verify, told: false }
    }

    /// What it is while it is held.
    const fn word(&self) -> &'static str {
        if self.disables { "disabled" } else { "paused" }
    }

    /// The settings that lead to the console.
    pub(super) const fn way_back(&self) -> &ConnInfo {
        self.observer.source().endpoint.info()
    }

    /// Ends the session on the console.
    pub(super) async fn end(mut self) {
        self.observer.close().await;
    }
}

impl Hold for Paused<'_> {
    type Reopened = Resumed;

    /// Gives the order. When it is not known whether that was done, it is undone at once.
    async fn close(&mut self) -> Result<(), Failure> {
        let Some(console) = self.console.take() else { return Ok(()) };
        let database = self.database.as_deref();
        let done = match self.disables {
            true => console.order(ConsoleOrder::Disable, database).await.map(|()| Some(console)),
            false => console.pause(database, ANSWER).await,
        };
        let error = match done {
            Ok(console) => {
                if let Some(console) = console {
                    self.observer.keep(console);
                }
                return Ok(());
            }
            Err(error) => error,
        };
        if error.sqlstate.is_none()
            && let Resumed::Failed(why) = self.reopen().await
        {
            let left = format!("it may have been left {}: {why}", self.word());
            return Err(Failure::from(error).detailed(left));
        }
        Err(error.into())
    }

    /// Waits until none of its connections to the server is left.
    async fn settle(&mut self) -> Result<(), Failure> {
        if self.disables {
            return Ok(());
        }
        let deadline = Instant::now() + self.verify;
        let mut said = false;
        loop {
            let links = async |console: &mut Console| console.links().await;
            let mut links = self.observer.look(Patience::NONE, links).await?;
            let is_its = |link: &Link| self.database.as_ref().is_none_or(|name| *name == link.database);
            links.retain(|link| is_its(link) && link.server.is_some());
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

    /// Looks whether it is still paused: somebody can have resumed it, and a pooler that is started again has forgotten it.
    async fn look(&mut self, limit: Option<Duration>) {
        let look = async |console: &mut Console| console.databases().await;
        let looked = self.observer.look(Patience::NONE, look);
        let Ok(Ok(databases)) = timeout(limit.unwrap_or(Duration::MAX), looked).await else {
            // Whatever is wrong with it, the next look has a session of its own.
            self.observer.forget();
            return;
        };
        // Of a pause of all no list tells.
        let Some(name) = &self.database else { return };
        let known = databases.iter().find(|known| known.name == *name);
        let (code, holds, end) = match self.disables {
            true => ("not_disabled", known.and_then(|known| known.disabled), "new clients are let in"),
            false => ("not_paused", known.and_then(|known| known.paused), "its clients go on"),
        };
        if holds == Some(false) && !std::mem::replace(&mut self.told, true) {
            let message = format!("database {} is not {} any more; {end}", quote::shown(name), self.word());
            self.context.ui.warning(&Warning { code, message, hint: None });
        }
    }

    fn reopening(&self) -> Reopening {
        let order = if self.disables { "enable" } else { "resume" };
        let mut words = vec!["pooler".to_owned(), order.into()];
        words.extend(hold_status::format(self.context));
        match &self.database {
            None => words.push("--all".into()),
            Some(name) => words.extend(["--".into(), name.clone()]),
        }
        let done = if self.disables { "it is enabled" } else { "it is resumed" };
        Reopening { way_back: self.way_back().clone(), words, done }
    }

    /// Resumes it, over a new session when the old one is lost, until that succeeds or hope is lost.
    async fn reopen(&mut self) -> Resumed {
        let (states, context) = (self.observer.state(), self.context);
        let Self { observer, database, disables, .. } = self;
        let (database, disables) = (database.as_deref(), *disables);
        let resumed = observer.look(PATIENCE, async |console: &mut Console| match disables {
            true => enable(console, database).await.map(drop),
            false => resume(console, database).await,
        });
        let what = if disables { "enable it" } else { "resume it" };
        let resumed = hold_status::reopening(what, context, states, resumed).await;
        resumed.map_or_else(|error| Resumed::Failed(error.to_string()), |()| Resumed::Done)
    }
}

/// Enables a database. Returns whether it was disabled.
pub(super) async fn enable(console: &Console, database: Option<&str>) -> Result<bool, Error> {
    let disabled = |databases: &[Database]| {
        databases.iter().find(|known| Some(known.name.as_str()) == database).and_then(|known| known.disabled)
    };
    let before = disabled(&console.databases().await?);
    match console.order(ConsoleOrder::Enable, database).await {
        Ok(()) => {}
        // A pooler that was started again meanwhile has forgotten it, and perhaps the database.
        Err(error) if error.kind == ErrorKind::NoSuchDatabase && before.is_none() => return Ok(false),
        Err(error) => return Err(error),
    }
    match disabled(&console.databases().await?) {
        Some(true) => Err(Error::new(ErrorKind::Protocol, "the pooler still says that it is disabled")),
        Some(false) | None => Ok(before != Some(false)),
    }
}

async fn resume(console: &Console, database: Option<&str>) -> Result<(), Error> {
    match console.resume(database).await {
        Ok(_) => {}
        // A pooler that was started again meanwhile has forgotten the pause, and perhaps the database.
        Err(error) if error.kind == ErrorKind::NoSuchDatabase => return Ok(()),
        Err(error) => return Err(error),
    }
    let databases = console.databases().await?;
    match databases.iter().find(|known| Some(known.name.as_str()) == database).and_then(|known| known.paused)
    {
        Some(true) => Err(Error::new(ErrorKind::Protocol, "the pooler still says that it is paused")),
        Some(false) | None => Ok(()),
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
