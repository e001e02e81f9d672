//! How busy the server is, asked often: small answers.

use super::connection::Db;
use super::error::Error;
use super::questions;
use super::rows::{Row, Rows, exactly};
use crate::model::load::{Busy, Counters};

impl Db {
    /// Counts busy client sessions by application, and reads the counters as well when they are wanted;
    /// `since` is the server's clock at the look before.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn load(
        &self,
        counters: bool,
        since: Option<f64>,
    ) -> Result<(Vec<Busy>, Option<Counters>), Error> {
        let since = since.map_or_else(|| "null".to_owned(), |seconds| format!("{seconds:.6}"));
        let mut questions = vec![questions::Busy { activity: &self.activity(), since: &since }.sql()];
        if counters {
            let times = if self.version_num >= 140_000 {
                "(sum(d.session_time) / 1000)::float8 as session_seconds, \
                 (sum(d.active_time) / 1000)::float8 as active_seconds, \
                 (sum(d.idle_in_transaction_time) / 1000)::float8 as idle_in_transaction_seconds"
            } else {
                "null as session_seconds, null as active_seconds, null as idle_in_transaction_seconds"
            };
            questions.push(questions::Counters { times }.sql());
        }
        let answers = self.look(&questions).await?;
        let (busy, counted) = if counters {
            let [busy, counted] = exactly(answers)?;
            (busy, counted)
        } else {
            let [busy] = exactly(answers)?;
            (busy, Rows::new())
        };
        let busy = busy.iter().map(busy_of).collect::<Result<_, _>>()?;
        Ok((busy, counted.first().map(counters_of).transpose()?))
    }
}

fn busy_of(row: &Row) -> Result<Busy, Error> {
    Ok(Busy {
        application_name: row.text("application_name")?.unwrap_or_default(),
        sessions: row.required("sessions")?,
        active: row.required("active")?,
        occupied: row.required("occupied")?,
        began: row.required("began")?,
        hidden: row.required("hidden")?,
        at_seconds: row.required("at_seconds")?,
    })
}

fn counters_of(row: &Row) -> Result<Counters, Error> {
    Ok(Counters {
        at_seconds: row.required("at_seconds")?,
        transactions: row.required("transactions")?,
        session_seconds: row.number("session_seconds")?,
        active_seconds: row.number("active_seconds")?,
        idle_in_transaction_seconds: row.number("idle_in_transaction_seconds")?,
    })
}
