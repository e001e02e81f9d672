//! The clients behind a pooler's sessions, for commands that look at the server.

use std::time::Instant;

use crate::analyze::pooler::{self, End};
use crate::commands::Context;
use crate::db;
use crate::model::pooler::{Database, Link};
use crate::model::pooler_client::Client;
use crate::render::Warning;

/// Who was served with which connection at one moment.
#[derive(Debug)]
pub(in crate::commands) struct PoolerSnapshot {
    links: Vec<Link>,
    databases: Vec<Database>,
    asked: Instant,
}

impl PoolerSnapshot {
    /// Asks the pooler.
    ///
    /// # Errors
    /// When it does not answer.
    pub(in crate::commands) async fn look(conninfo: &str, context: &Context) -> Result<Self, db::Error> {
        let console = context.pooler(conninfo).await?;
        let asked = Instant::now();
        let (links, databases) = (console.links().await?, console.databases().await?);
        console.close().await;
        Ok(Self { links, databases, asked })
    }

    /// Asks the pooler where one is named; a look at the server is worth having without it.
    pub(in crate::commands) async fn if_asked(
        conninfo: Option<&str>,
        context: &Context,
        warnings: &mut Vec<Warning>,
    ) -> Result<Option<Self>, db::Error> {
        let Some(conninfo) = conninfo else { return Ok(None) };
        match Self::look(conninfo, context).await {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error)
                if matches!(error.kind, db::ErrorKind::BadSettings | db::ErrorKind::Interrupted(_)) =>
            {
                Err(error)
            }
            Err(error) => {
                warnings.push(Warning {
                    code: "pooler_not_asked",
                    message: format!("the pooler's clients are not known: {}", error.message),
                    hint: error.hint.map(|hint| hint.to_string()),
                });
                Ok(None)
            }
        }
    }

    /// Who is served with a session that has been in its transaction or state for `seconds`. A pooler gives a connection
    /// to another client only between transactions: what began since it was asked may be somebody else's by now.
    pub(in crate::commands) fn client(&self, end: &End<'_>, seconds: Option<f64>) -> Option<Client> {
        if seconds? < self.asked.elapsed().as_secs_f64() {
            return None;
        }
        let link = self.links.iter().find(|link| pooler::leads_to(link, &self.databases, end))?;
        link.client.clone()
    }
}
