//! The question of a live screen: the server in numbers, and the sessions that there is room for.

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::look::{READ, Selection, SortOrder, ordered, query_column, session_of};
use super::rows::Row;
use super::server_context::{server_context_of, server_context_question};
use super::text_store::TextStore;
use super::{filter, questions};
use crate::model::screen::{Overview, ScreenRow, Trouble};
use crate::model::server::ServerContext;
use crate::model::usage::{LimitUse, Owner};

/// For how many of the longest waits it is asked at most who is in the way: with exclusive waiters on one lock the edges grow with
/// the square.
const MOST_ASKED: &str = "50";

/// The worst first, and of what is alike the oldest; sessions without trouble by application.
const TROUBLE: &[&str] = &[
    "f.rank",
    "(case when f.rank = 5 then f.application_name end)",
    "coalesce(f.xact_start, f.state_change, f.backend_start)",
];

/// Which sessions a live screen shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScreenListing {
    /// Those that are meant.
    pub(crate) selection: Selection,
    /// Only those with which something is wrong.
    pub(crate) only_trouble: bool,
    /// In which order; none for the worst first.
    pub(crate) order: Option<SortOrder>,
    /// The other way round.
    pub(crate) inverted: bool,
    /// How many at most.
    pub(crate) limit: usize,
    /// By pid, those that come in every case.
    pub(crate) pins: Vec<i32>,
    /// By pid, those of which is asked whether they are still there.
    pub(crate) shown: Vec<i32>,
    /// How many bytes of each query text; none for the whole, `Some(0)` for no text at all.
    pub(crate) query_bytes: Option<u32>,
}

impl Db {
    /// Looks at what `listing` wants. What the server is need not be asked again where it is `known`.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn screen(
        &self,
        listing: &ScreenListing,
        known: Option<ServerContext>,
    ) -> Result<(ServerContext, Overview, Vec<ScreenRow>), Error> {
        let order = match listing.order {
            Some(order) => order.sql(listing.inverted),
            None => ordered(TROUBLE, listing.inverted),
        };
        let question = questions::Screen {
            activity: &self.activity_in(READ),
            filter: &filter::fragment(&listing.selection.filter),
            scope: &format!("{} and s.pid <> pg_backend_pid()", listing.selection.scope()),
            asked: MOST_ASKED,
            shown: &pids(&listing.shown),
            pins: &pids(&listing.pins),
            keep: if listing.only_trouble {
                "f.matches is not false and f.rank < 5"
            } else {
                "f.matches is not false"
            },
            order: &order,
            limit: &listing.limit.to_string(),
            query: &query_column(listing.query_bytes),
        }
        .sql();
        let mut questions = vec![question];
        if known.is_none() {
            questions.insert(0, server_context_question());
        }
        let mut answers = self.look(&questions).await?;
        let missing = || Error::new(ErrorKind::Protocol, "an answer is missing");
        let rows = answers.pop().ok_or_else(missing)?;
        let server_context = match known {
            Some(known) => known,
            None => server_context_of(&answers.pop().ok_or_else(missing)?)?,
        };
        let overview = overview_of(rows.first().ok_or_else(missing)?)?;
        let mut texts = TextStore::default();
        let sessions = rows.iter().filter(|row| !row.is_null("pid"));
        let sessions = sessions.map(|row| screen_row_of(row, &server_context, &mut texts));
        let sessions = sessions.collect::<Result<_, _>>()?;
        Ok((server_context, overview, sessions))
    }
}

fn pids(pids: &[i32]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    format!("array[{}]::int4[]", pids.join(","))
}

fn screen_row_of(
    row: &Row,
    server_context: &ServerContext,
    texts: &mut TextStore,
) -> Result<ScreenRow, Error> {
    Ok(ScreenRow {
        session: session_of(row, server_context, texts)?,
        trouble: Trouble::of_rank(row.required("rank")?),
        blocks: row.required("blocks")?,
        matches: row.word("matches")?.map(|claim| claim == "t"),
    })
}

fn overview_of(row: &Row) -> Result<Overview, Error> {
    let (used, states) = (row.required("used")?, ["active", "idle", "idle_in_transaction", "aborted"]);
    let counts: Vec<i64> = states.iter().map(|state| row.required(state)).collect::<Result<_, _>>()?;
    let &[active, idle, idle_in_transaction, aborted] = counts.as_slice() else {
        return Err(Error::new(ErrorKind::Protocol, "an answer is missing"));
    };
    Ok(Overview {
        used,
        hidden: row.required("all_hidden")?,
        active,
        idle,
        idle_in_transaction,
        aborted,
        other: used - counts.iter().sum::<i64>(),
        waiting: row.required("waiting")?,
        oldest_xact_seconds: row.age("oldest_xact")?,
        longest_wait_seconds: row.age("longest_wait")?,
        prepared: row.required("prepared")?,
        oldest_prepared_seconds: row.age("oldest_prepared")?,
        horizon_age: row.number("horizon")?,
        nearest_limit: limit_of(row)?,
        matched: row.required("all_matched")?,
        undecidable: row.required("all_undecidable")?,
        still_there: row
            .word("still_there")?
            .unwrap_or_default()
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

fn limit_of(row: &Row) -> Result<Option<LimitUse>, Error> {
    let Some(owner) = row.word("limit_owner")? else { return Ok(None) };
    Ok(Some(LimitUse {
        owner: if owner == "role" { Owner::Role } else { Owner::Database },
        name: row.text("limit_name")?.unwrap_or_default(),
        used: row.required("limit_used")?,
        hidden: row.required("limit_hidden")?,
        limit: row.required("limit_most")?,
    }))
}
