//! Orders to a pooler's console: the commands that change what it does.

use std::time::Duration;

use super::client::Console;
use super::read;
use crate::db::connection::Db;
use crate::db::error::{Error, ErrorKind};
use crate::db::rows;
use crate::db::statement_error::statement_error;
use crate::model::pooler::Database;
use crate::model::quote::identifier;

/// What a console can be told to do with a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConsoleOrder {
    /// Close its connections to the server as they become free, and keep its clients waiting.
    Pause,
    /// Serve its clients again.
    Resume,
    /// Replace its connections to the server as they become free.
    Reconnect,
    /// Refuse new clients; those that are there stay.
    Disable,
    /// Let new clients in again.
    Enable,
    /// Disconnect its clients, close its connections to the server, and keep clients that come waiting, as a pause does.
    Kill,
}

impl ConsoleOrder {
    /// The command for a database, or for all of them, as it is typed on the console.
    pub(crate) fn words(self, database: Option<&str>) -> String {
        let verb = match self {
            Self::Pause => "PAUSE",
            Self::Resume => "RESUME",
            Self::Reconnect => "RECONNECT",
            Self::Disable => "DISABLE",
            Self::Enable => "ENABLE",
            Self::Kill => "KILL",
        };
        database.map_or_else(|| verb.to_owned(), |name| format!("{verb} {}", identifier(name)))
    }
}

impl Console {
    /// This console, which from here on waits for its answers whatever signal arrives; the time limits stay.
    pub(crate) fn until_done(self) -> Self {
        Self { session: self.session.until_done().0, ..self }
    }

    /// The databases that the pooler knows. Those that a pattern lets in are there once a client has connected.
    ///
    /// # Errors
    /// When the console does not answer.
    pub(crate) async fn databases(&self) -> Result<Vec<Database>, Error> {
        Ok(read::databases(&self.show("DATABASES").await?))
    }

    /// Gives an order that is answered at once.
    ///
    /// # Errors
    /// When the console refuses it or does not answer.
    pub(crate) async fn order(&self, order: ConsoleOrder, database: Option<&str>) -> Result<(), Error> {
        self.session.ask(&order.words(database)).await.map(drop).map_err(explained)
    }

    /// Resumes a database, or all of them at once after a pause of all. Returns whether it was paused.
    ///
    /// A database that a pattern let in is in no list while nothing is connected to it, and may be paused all the same: so
    /// this asks for no list.
    ///
    /// # Errors
    /// When the console refuses it, knows no such database, or does not answer.
    pub(crate) async fn resume(&self, database: Option<&str>) -> Result<bool, Error> {
        match self.order(ConsoleOrder::Resume, database).await {
            Ok(()) => Ok(true),
            Err(error) if error.sqlstate.is_some() && error.message.contains("is not paused") => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends a client by its number (1.24 and later). Returns whether it was there; numbers are never given twice.
    ///
    /// # Errors
    /// When the console refuses it, does not know how, or does not answer.
    pub(crate) async fn kill_client(&self, id: i64) -> Result<bool, Error> {
        match self.session.ask(&format!("KILL_CLIENT {id}")).await.map_err(explained) {
            Ok(_) => Ok(true),
            Err(error) if error.sqlstate.is_some() && error.message == "client not found" => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Orders a pause, which is answered when it is complete; gives the session up when that takes longer than `patience`,
    /// and the pooler goes on with it. Returns the session, if it is still of use.
    ///
    /// # Errors
    /// When the console refuses it, or the connection is lost.
    pub(crate) async fn pause(
        self,
        database: Option<&str>,
        patience: Duration,
    ) -> Result<Option<Self>, Error> {
        let words = ConsoleOrder::Pause.words(database);
        self.session.trace.tell(&words);
        let (mut answers, Db { client, metering, .. }) = (Vec::new(), &self.session);
        let ordered = rows::take(client, metering, &words, &mut answers);
        match tokio::time::timeout(patience, ordered).await {
            Ok(Ok(_)) => Ok(Some(self)),
            Ok(Err(error)) => Err(explained(statement_error(&error))),
            Err(_) => {
                // Its answer is outstanding, so a polite end would wait for it.
                self.session.driver.abort();
                Ok(None)
            }
        }
    }
}

/// A refusal with what helps: the console gives reasons, but no SQLSTATE of their own.
fn explained(error: Error) -> Error {
    if error.sqlstate.is_some() && error.message.contains("admin access needed") {
        return Error { kind: ErrorKind::PermissionDenied, ..error }
            .hinted("orders are for the users in the pooler's setting admin_users; those in stats_users may only look");
    }
    if error.sqlstate.is_some() && error.message.starts_with("no such database") {
        return Error { kind: ErrorKind::NoSuchDatabase, ..error };
    }
    error
}

#[cfg(test)]
mod tests {
    use super::ConsoleOrder;

    #[test]
    fn orders_quote_the_name() {
        assert_eq!(ConsoleOrder::Pause.words(Some("shop")), r#"PAUSE "shop""#);
        assert_eq!(ConsoleOrder::Resume.words(Some(r#"a"b; c"#)), r#"RESUME "a""b; c""#);
        assert_eq!(ConsoleOrder::Pause.words(None), "PAUSE");
    }
}
