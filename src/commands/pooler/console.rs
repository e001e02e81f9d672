//! Getting to a pooler's console.

use crate::commands::Context;
use crate::conninfo::{self, ConnInfo, Environment, Given};
use crate::db::console::{self, Console};
use crate::db::{self, Lane};
use crate::model::server::Target;
use crate::model::suggestion::{Lead, option};
use crate::stop::Stop;

/// The flags that lead to a console which is not the target of this run.
pub(in crate::commands) fn at(target: &Target) -> Lead {
    let port = target.port.to_string();
    let flags = [option("-h", &target.host), option("-p", &port), option("-U", &target.user)];
    Lead { server: flags.concat(), database: Vec::new() }
}

impl Context {
    /// Connects to the pooler's console that the flags and the environment say.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(in crate::commands) async fn console(&self, given: &Given) -> Result<Console, db::Error> {
        self.patiently(async || self.console_once(given).await).await
    }

    /// Connects once more to the console that a session was on; no signal ends it.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(super) async fn console_back(&self, way: &ConnInfo) -> Result<Console, db::Error> {
        Console::open(way, &self.options(Lane::Ordinary), self.connection.timeout(), Stop::never()).await
    }

    /// The flags that lead to this console again, to be pasted elsewhere. A connection string may hold a
    /// password, so that what it says of the place is repeated as flags.
    pub(super) fn again(&self, target: &Target) -> Lead {
        let given = self.connection.given();
        let in_string =
            given.dbname.as_deref().is_some_and(|name| name.contains('=') || name.contains("://"));
        let port = target.port.to_string();
        // Of a list, the one that was reached.
        let is_list = [&given.host, &given.port].into_iter().flatten().any(|typed| typed.contains(','));
        let place = |typed: &Option<String>, known: &str| {
            let typed = typed.clone().filter(|_| !is_list);
            typed.or_else(|| (in_string || is_list).then(|| known.to_owned()))
        };
        let flags = [
            ("-S", given.service.clone()),
            ("-h", place(&given.host, &target.host)),
            ("-p", place(&given.port, &port)),
            ("-U", place(&given.username, &target.user)),
        ];
        let words = flags.into_iter().filter_map(|(flag, value)| Some(option(flag, &value?)));
        Lead { server: words.flatten().collect(), database: Vec::new() }
    }

    /// Connects once to a pooler's console: its database `pgbouncer`, whatever the environment says, unless another one was
    /// typed.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    async fn console_once(&self, given: &Given) -> Result<Console, db::Error> {
        let mut environment = Environment::of_process();
        // Before the password file is read, whose lines are by database.
        environment.variables.insert("PGDATABASE".into(), console::DATABASE.into());
        let mut info = conninfo::resolve(given, &environment)?;
        // A service's database is one of the applications', not the console.
        if !info.database_was_typed() && info.dbname() != console::DATABASE {
            info = info.with_dbname(console::DATABASE);
        }
        let stop = self.stop.clone();
        Console::open(&info, &self.options(Lane::Ordinary), self.connection.timeout(), stop).await
    }
}
