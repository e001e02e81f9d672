//! What Prometheus' postgres_exporter asks, for the metrics under its names.

use super::connection::Db;
use super::error::Error;
use super::rows::{Rows, exactly};
use super::server_context::{server_context_of, server_context_question};
use super::session::Entitlement;
use super::{questions, sql};
use crate::model::metric::{Exporter, ExporterActivity, ExporterDatabase, ExporterLocks};
use crate::model::server::ServerContext;

impl Db {
    /// Reads what postgres_exporter reads about connections; of pg_stat_database these `columns`, of pg_settings these `settings`, as
    /// this session got them.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn exporter(
        &self,
        columns: impl Iterator<Item = &'static str>,
        settings: impl Iterator<Item = &'static str>,
    ) -> Result<(ServerContext, Exporter), Error> {
        let columns: Vec<String> = columns.map(sql::literal).collect();
        let settings: Vec<String> = settings.map(sql::literal).collect();
        let first = questions::ExporterSettings { names: &settings.join(", ") }.sql();
        let questions = [
            server_context_question(),
            questions::ExporterActivity.sql(),
            questions::ExporterDatabases { columns: &columns.join(", ") }.sql(),
            questions::ExporterLocks.sql(),
        ];
        let [settings, server_context, activity, databases, locks] =
            exactly(self.look_first(Entitlement::Facts, &[first], &questions).await?)?;
        let mut start_time_seconds = 0.0;
        for row in &settings {
            start_time_seconds = row.required("start_time_seconds")?;
        }
        let exporter = Exporter {
            activity: activity
                .iter()
                .map(|row| {
                    Ok(ExporterActivity {
                        database: row.text("database")?.unwrap_or_default(),
                        state: row.word("state")?.unwrap_or_default(),
                        count: row.required("n")?,
                        max_tx_seconds: row.required("max_tx")?,
                    })
                })
                .collect::<Result<_, Error>>()?,
            databases: exporter_databases_of(&databases)?,
            locks: locks
                .iter()
                .map(|row| {
                    Ok(ExporterLocks {
                        database: row.text("database")?.unwrap_or_default(),
                        mode: row.word("mode")?.unwrap_or_default(),
                        count: row.required("n")?,
                    })
                })
                .collect::<Result<_, Error>>()?,
            settings: settings
                .iter()
                .map(|row| Ok((row.word("name")?.unwrap_or_default(), row.required("value")?)))
                .collect::<Result<_, Error>>()?,
            start_time_seconds,
        };
        Ok((server_context_of(&server_context)?, exporter))
    }
}

fn exporter_databases_of(rows: &Rows) -> Result<Vec<ExporterDatabase>, Error> {
    let mut databases: Vec<ExporterDatabase> = Vec::new();
    for row in rows {
        let datid = row.word("datid")?.unwrap_or_default();
        let column = (row.word("name")?.unwrap_or_default(), row.number("value")?);
        match databases.last_mut().filter(|database| database.datid == datid) {
            Some(database) => database.columns.push(column),
            None => databases.push(ExporterDatabase {
                datid,
                database: row.text("database")?.unwrap_or_default(),
                columns: vec![column],
            }),
        }
    }
    Ok(databases)
}
