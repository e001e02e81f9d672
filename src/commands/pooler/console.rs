//! Getting to a pooler's console.

use crate::commands::Context;
use crate::conninfo::{self, Environment, Given};
use crate::db::console::{self, Console};
use crate::db::{self, Lane};
use crate::stop::Stop;

impl Context {
    /// Connects to the pooler's console that the flags and the environment say.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(in crate::commands) async fn console(&self, given: &Given) -> Result<Console, db::Error> {
        self.patiently(async || self.console_until(given, self.stop.clone()).await).await
    }

    /// Connects once to a pooler's console: its database `pgbouncer`, whatever the environment says, unless another one was
    /// typed. The session works until `stop`.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(super) async fn console_until(&self, given: &Given, stop: Stop) -> Result<Console, db::Error> {
        let mut environment = Environment::of_process();
        // Before the password file is read, whose lines are by database.
        environment.variables.insert("PGDATABASE".into(), console::DATABASE.into());
        let mut info = conninfo::resolve(given, &environment)?;
        // A service's database is one of the applications', not the console.
        if !info.database_was_typed() && info.dbname() != console::DATABASE {
            info = info.with_dbname(console::DATABASE);
        }
        Console::open(&info, &self.options(Lane::Ordinary), self.connection.timeout(), stop).await
    }
}
