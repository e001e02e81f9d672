//! The question of a live screen: the server in numbers, and the sessions that there is room for.

use std::str::FromStr;
use std::sync::Arc;

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::look::{READ, Selection, SortOrder, ordered, query_column, session_of};
use super::rows::{Row, Rows};
use super::server_context::{server_context_of, server_context_question};
use super::text_store::TextStore;
use super::{filter, questions};
use crate::model::screen::{Overview, ScreenContext, ScreenRow, Trouble};
use crate::model::server::ServerContext;
use crate::model::usage::{LimitUse, Owner};

/// For how many of the longest waits it is asked at most who is in the way: with exclusive waiters on one lock the edges grow with
/// the square.
const MOST_ASKED: &str = "50";

/// What stands for the sessions that others wait for, where nobody waits.
const NOBODY: &str = "select null::int4 as pid, null::int8 as blocks where false";

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
    /// It is asked for whom others wait.
    pub(crate) roots: bool,
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
    /// Looks at what `listing` wants. What changes slowly need not be asked again where it is `known`.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn screen(
        &self,
        listing: &ScreenListing,
        known: Option<Arc<ScreenContext>>,
    ) -> Result<(Arc<ScreenContext>, Overview, Vec<ScreenRow>), Error> {
        let mut questions = vec![self.screen_question(listing)];
        if known.is_none() {
            questions.extend([server_context_question(), questions::ScreenContext.sql()]);
        }
        let answers = self.look(&questions).await?;
        let missing = || Error::new(ErrorKind::Protocol, "an answer is missing");
        let rows = answers.first().ok_or_else(missing)?;
        let context = match (known, answers.as_slice()) {
            (Some(known), _) => known,
            (None, [_, server, slow]) => Arc::new(context_of(server_context_of(server)?, slow)?),
            (None, _) => return Err(missing()),
        };
        let overview = overview_of(rows.first().ok_or_else(missing)?)?;
        let mut texts = TextStore::default();
        let sessions = rows.iter().filter(|row| !row.is_null("pid"));
        let sessions = sessions.map(|row| screen_row_of(row, &context.server, &mut texts));
        let sessions = sessions.collect::<Result<_, _>>()?;
        Ok((context, overview, sessions))
    }

    fn screen_question(&self, listing: &ScreenListing) -> String {
        let order = match listing.order {
            Some(order) => order.sql(listing.inverted),
            None => ordered(TROUBLE, listing.inverted),
        };
        let roots = if listing.roots {
            questions::ScreenRoots { asked: MOST_ASKED }.sql()
        } else {
            NOBODY.to_owned()
        };
        questions::Screen {
            activity: &self.activity_in(READ),
            filter: &filter::fragment(&listing.selection.filter),
            scope: &format!("{} and s.pid <> pg_backend_pid()", listing.selection.scope()),
            roots: &roots,
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
        .sql()
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

fn context_of(server: ServerContext, slow: &Rows) -> Result<ScreenContext, Error> {
    let row = slow.first().ok_or_else(|| Error::new(ErrorKind::Protocol, "an answer is missing"))?;
    Ok(ScreenContext {
        server,
        nearest_limit: limit_of(row)?,
        prepared: row.required("prepared")?,
        oldest_prepared_seconds: row.age("oldest_prepared")?,
        horizon_age: row.number("horizon")?,
    })
}

fn overview_of(row: &Row) -> Result<Overview, Error> {
    let counts: Vec<Option<i64>> = list(row, "counts")?;
    let &[used, hidden, active, idle, in_xact, aborted, waiting, horizon_age, matched, undecidable] =
        counts.as_slice()
    else {
        return Err(Error::new(ErrorKind::Protocol, "the server's answer has unreadable counts"));
    };
    let ages: Vec<Option<f64>> = list(row, "ages")?;
    let age = |at: usize| ages.get(at).copied().flatten().map(|seconds| seconds.max(0.0));
    let [used, active, idle, idle_in_transaction, aborted] =
        [used, active, idle, in_xact, aborted].map(Option::unwrap_or_default);
    Ok(Overview {
        used,
        hidden: hidden.unwrap_or_default(),
        active,
        idle,
        idle_in_transaction,
        aborted,
        other: used - active - idle - idle_in_transaction - aborted,
        waiting: waiting.unwrap_or_default(),
        oldest_xact_seconds: age(0),
        longest_wait_seconds: age(1),
        horizon_age,
        matched: matched.unwrap_or_default(),
        undecidable: undecidable.unwrap_or_default(),
        still_there: row
            .word("still_there")?
            .unwrap_or_default()
            .split(',')
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// The numbers of an array as the server writes it; what is no number is null.
fn list<T: FromStr>(row: &Row, column: &str) -> Result<Vec<Option<T>>, Error> {
    let text = row.word(column)?.unwrap_or_default();
    Ok(text.trim_matches(['{', '}']).split(',').map(|number| number.parse().ok()).collect())
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
