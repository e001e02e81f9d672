//! Getting to a pooler's console, and what stands around its answers.

use crate::commands::Context;
use crate::commands::head::about_connection;
use crate::conninfo::{self, Environment, Given};
use crate::db;
use crate::db::console::{self, Console};
use crate::model::pooler::PoolerFacts;
use crate::model::server::Target;
use crate::model::suggestion::{Lead, option};
use crate::observe::{Observer, OfConsole};
use crate::render::{Head, Warning};

/// The flags that lead to a console which is not the target of this run.
pub(in crate::commands) fn at(target: &Target) -> Lead {
    let port = target.port.to_string();
    let flags = [option("-h", &target.host), option("-p", &port), option("-U", &target.user)];
    Lead { server: flags.concat(), database: Vec::new() }
}

impl Context {
    /// Whoever has a session on the console of the pooler that is meant: the one that a list names for its server, or what the
    /// flags and the environment say.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(in crate::commands) fn console_observer(&self) -> Result<Observer<OfConsole>, db::Error> {
        match self.spec.as_ref().and_then(|spec| spec.pooler.as_ref()) {
            Some(conninfo) => self.pooler_observer(conninfo),
            None => self.observer_of_own_console(),
        }
    }

    /// Whoever has a session on the console that the target of this run is: its database `pgbouncer`, whatever the environment
    /// says, unless another one was typed.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(in crate::commands) fn observer_of_own_console(&self) -> Result<Observer<OfConsole>, db::Error> {
        self.console_in(Environment::of_process())
    }

    /// An observer of the pooler's console that the settings lead to, with this environment instead of the process's.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(in crate::commands) fn console_in(
        &self,
        environment: Environment,
    ) -> Result<Observer<OfConsole>, db::Error> {
        self.observer_of_console(&self.given(), environment)
    }

    /// Whoever has a session on the pooler's console that a flag names, which is not the target of this run.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(in crate::commands) fn pooler_observer(
        &self,
        conninfo: &str,
    ) -> Result<Observer<OfConsole>, db::Error> {
        let given = Given { dbname: Some(conninfo.to_owned()), ..passwords_of(&self.given()) };
        self.observer_of_console(&given, Environment::of_process())
    }

    /// Connects to the console of the pooler that a flag names.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(in crate::commands) async fn pooler(&self, conninfo: &str) -> Result<Console, db::Error> {
        self.console_session(self.pooler_observer(conninfo)?).await
    }

    /// The observer's session, for whoever goes on with it alone.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no console.
    pub(super) async fn console_session(&self, observer: Observer<OfConsole>) -> Result<Console, db::Error> {
        let states = observer.state();
        self.telling(states, observer.into_session(self.patience())).await
    }

    fn observer_of_console(
        &self,
        given: &Given,
        mut environment: Environment,
    ) -> Result<Observer<OfConsole>, db::Error> {
        // Before the password file is read, whose lines are by database.
        environment.variables.insert("PGDATABASE".into(), console::DATABASE.into());
        let mut info = conninfo::resolve(given, &environment)?;
        // A service's database is one of the applications', not the console.
        if !info.database_was_typed() && info.dbname() != console::DATABASE {
            info = info.in_database(console::DATABASE, &environment);
        }
        let source = OfConsole { endpoint: self.endpoint_of(info), stop: self.stop.clone() };
        Ok(Observer::new(source, self.stop.clone()))
    }

    /// The flags that lead to this console again, to be pasted elsewhere. A connection string may hold a
    /// password, so that what it says of the place is repeated as flags.
    pub(super) fn again(&self, target: &Target) -> Lead {
        let given = self.given();
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
}

/// Whether to ask for passwords is for both connections; everything else is each one's own.
pub(super) fn passwords_of(given: &Given) -> Given {
    Given { no_password: given.no_password, force_password: given.force_password, ..Given::default() }
}

/// What stands around the answer of a console.
pub(in crate::commands) fn head(console: &Console) -> Head {
    let warnings = console.notices().iter().map(about_connection).collect();
    Head { target: Some(console.target().clone()), warnings, ..Head::default() }
}

/// Says that other processes have clients that this one does not show.
pub(in crate::commands) fn one_of_several(facts: &PoolerFacts) -> Option<Warning> {
    let settings = &facts.settings;
    let why = match (settings.so_reuseport, settings.peer_id) {
        (Some(true), _) => "so_reuseport is on".to_owned(),
        (_, Some(peer)) => format!("peer_id is {peer}"),
        _ => return None,
    };
    Some(Warning {
        code: "one_of_several",
        message: format!(
            "{why}: this may be one process of several, and its clients and pools alone are shown"
        ),
        hint: Some("add those of the others: pgconn pooler --console CONNINFO, once for each".into()),
    })
}
