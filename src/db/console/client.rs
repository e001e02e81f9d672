//! A session on a pooler's console, and what is asked there.

use std::time::Duration;

use super::read::{self, Record};
use crate::conninfo::ConnInfo;
use crate::db::connection::Db;
use crate::db::error::{Error, ErrorKind};
use crate::db::rows::Collected;
use crate::db::session::{Entitlement, Notice, Options};
use crate::model::pooler::{ConsoleTable, Link, PoolerFacts, Product, Totals};
use crate::model::server::Target;
use crate::stop::Stop;

/// A session on a pooler's console.
#[derive(Debug)]
pub(crate) struct Console {
    pub(super) session: Db,
    pub(super) product: Product,
}

impl Console {
    /// Connects, logs in, and makes sure that it is a console.
    ///
    /// # Errors
    /// When no connection can be had, or what answers is no pooler's console.
    pub(crate) async fn open(
        info: &ConnInfo,
        options: &Options,
        timeout: Duration,
        stop: Stop,
    ) -> Result<Self, Error> {
        let (session, _) =
            Db::open(info, options, timeout, stop).await.map_err(|error| not_there(error, info))?;
        let mut console = Self { session, product: Product::default() };
        match console.show("VERSION").await {
            Ok(records) => {
                let words = records.first().and_then(|record| record.text("version")).unwrap_or_default();
                console.product = read::product(&words);
                Ok(console)
            }
            Err(error) if error.sqlstate.is_some() => {
                let database = info.dbname();
                let message = format!("database \"{database}\" is not a pooler's console");
                console.close().await;
                let refusal = Error::new(ErrorKind::UnsupportedServer, message).hinted(
                    "PgBouncer's console is its database pgbouncer (-d pgbouncer), usually on port 6432 (-p 6432)",
                );
                Err(Error { detail: Some(error.message), ..refusal })
            }
            Err(error) => Err(error),
        }
    }

    /// The settings that lead to this console and to no other.
    pub(crate) fn way_back(&self) -> ConnInfo {
        self.session.way_back()
    }

    /// Where the console is.
    pub(crate) const fn target(&self) -> &Target {
        self.session.target()
    }

    /// What the user should know about how the connection came about.
    pub(crate) fn notices(&self) -> &[Notice] {
        self.session.notices()
    }

    /// What the pooler calls itself.
    pub(crate) const fn product(&self) -> &Product {
        &self.product
    }

    /// Pools, databases, limits and totals.
    ///
    /// # Errors
    /// When the console does not answer, or does not have the list of pools. What else it does not have stays unknown.
    pub(crate) async fn facts(&self) -> Result<PoolerFacts, Error> {
        let pools = read::pools(&self.show("POOLS").await?);
        let mut missing_lists = Vec::new();
        let mut list = async |name| {
            let records = self.optional(name).await?;
            missing_lists.extend(records.is_none().then_some(name));
            Ok::<_, Error>(records.unwrap_or_default())
        };
        // Each is read at once, so that no more than one is held as it came.
        let databases = read::databases(&list("DATABASES").await?);
        let users = list("USERS").await?;
        let (users, tells_user_limits) =
            (read::users(&users), read::has_column(&users, "max_user_connections"));
        let settings = read::settings(&list("CONFIG").await?);
        let clients = read::used_clients(&list("LISTS").await?);
        let totals = self.totals().await?;
        let mut facts = PoolerFacts {
            product: self.product.clone(),
            databases,
            tells_user_limits,
            users,
            settings,
            clients,
            pools,
            totals,
            missing_lists,
        };
        read::bound(&mut facts);
        Ok(facts)
    }

    /// Work done since the pooler started; nothing from a pooler that does not count it.
    ///
    /// # Errors
    /// When the console does not answer.
    pub(crate) async fn totals(&self) -> Result<Vec<Totals>, Error> {
        Ok(read::totals(&self.optional("STATS").await?.unwrap_or_default()))
    }

    /// Lists as they are; one that the console refuses or does not have is left out.
    ///
    /// # Errors
    /// When the console does not answer.
    pub(crate) async fn tables(&self, names: &[&'static str]) -> Result<Vec<ConsoleTable>, Error> {
        let mut tables = Vec::new();
        for name in names {
            let rows = self.optional(name).await?.iter().flatten().map(Record::columns).collect();
            tables.push(ConsoleTable { name, rows });
        }
        Ok(tables)
    }

    /// Every client with the connection that serves it, and every connection that serves none.
    ///
    /// # Errors
    /// When the console does not answer.
    pub(crate) async fn links(&self) -> Result<Vec<Link>, Error> {
        // A client that comes or goes between the two answers is shown without its connection.
        let clients = self.show_for(Entitlement::Sessions, "CLIENTS").await?;
        let servers = self.show_for(Entitlement::Sessions, "SERVERS").await?;
        Ok(read::links(&clients, &servers))
    }

    /// Ends the session in good order.
    pub(crate) async fn close(self) {
        self.session.close().await;
    }

    pub(super) async fn show(&self, what: &'static str) -> Result<Vec<Record>, Error> {
        self.show_for(Entitlement::Facts, what).await
    }

    /// Asks for a list that may take so much.
    async fn show_for(&self, entitlement: Entitlement, what: &str) -> Result<Vec<Record>, Error> {
        let mut collected = Collected { entitlement, answers: Vec::new() };
        self.session.ask_into(&format!("SHOW {what}"), &mut collected).await?;
        Ok(read::records(collected.answers.first().map_or(&[], Vec::as_slice)))
    }

    /// Asks for a list; none where the console refuses the question, because it does not know it or keeps it for others.
    pub(super) async fn optional(&self, what: &'static str) -> Result<Option<Vec<Record>>, Error> {
        match self.show(what).await {
            Err(error) if error.sqlstate.is_some() && error.kind != ErrorKind::ConnectionLost => Ok(None),
            other => other.map(Some),
        }
    }
}

/// A refusal that PostgreSQL gives where a pooler was expected.
fn not_there(error: Error, info: &ConnInfo) -> Error {
    if error.kind == ErrorKind::NoSuchDatabase && error.sqlstate.as_deref() == Some("3D000") {
        let hint = format!(
            "this is PostgreSQL itself, which has no database \"{}\"; name the pooler's port, usually -p 6432",
            info.dbname()
        );
        return error.hinted(hint);
    }
    error
}
