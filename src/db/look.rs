//! The questions that only look: what the server is, how its slots are used, which sessions there are.

use std::fmt::Display;
use std::time::Duration;

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::fence::{closed_of, closed_question};
use super::rows::{Answers, Row, Rows};
use super::server_context::{server_context_of, server_context_question};
use super::session::Entitlement;
use super::text_store::TextStore;
use super::{filter, questions};
use crate::model::database::ClosedDatabase;
use crate::model::filter::Filter;
use crate::model::query_text::QueryText;
use crate::model::rights::Signalled;
use crate::model::server::ServerContext;
use crate::model::session::{Listed, Session};
use crate::model::usage::Tally;

/// Which sessions a look is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// What they must be like.
    pub(crate) filter: Filter,
    /// Server processes, walsenders and workers too.
    pub(crate) all_backends: bool,
}

/// The order of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SortOrder {
    /// Oldest transaction first, then longest in their state.
    XactThenState,
    /// Longest statement or transaction first.
    Longest,
    /// Oldest session first.
    Age,
    /// Oldest transaction first.
    Xact,
    /// Longest statement first.
    Query,
    /// Longest in its state first.
    StateAge,
    /// By pid.
    Pid,
    /// By database name.
    Database,
    /// By role name.
    Role,
    /// By application name.
    Application,
    /// By client address.
    Client,
    /// By state.
    State,
}

/// What a limited listing counts, beyond the rows that it shows, and how that stands in each of them.
const COUNTS: &str = ", count(*) filter (where s.matches) as all_matched, \
                      count(*) filter (where s.hidden and s.matches is not false) as all_hidden, \
                      count(*) filter (where s.matches is null) as all_undecidable";
const TOTALS: &str = ", c.all_matched, c.all_hidden, c.all_undecidable";

/// What `sessions.sql` has read of the activity array.
pub(super) const READ: &str = "b";

/// How sessions are to be listed.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    /// Which.
    pub(crate) selection: Selection,
    /// Only those with a statement or transaction at least that old.
    pub(crate) over: Option<Duration>,
    /// In which order.
    pub(crate) order: SortOrder,
    /// How many at most.
    pub(crate) limit: Option<u32>,
    /// How many bytes of each query text; none for the whole, `Some(0)` for no text at all.
    pub(crate) query_bytes: Option<u32>,
}

impl Selection {
    /// The rows that can be meant at all: client sessions, and hidden ones that may be.
    pub(super) fn scope(&self) -> &'static str {
        if self.all_backends { "true" } else { "s.may_be_client" }
    }
}

impl SortOrder {
    /// What it goes by, from the first key to the last; whoever has none of it stands at the end.
    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            // The view hides when an aborted transaction began: its place is that of its state.
            Self::XactThenState => &[
                "f.hidden",
                "(f.xact_start is null and f.state is distinct from 'idle in transaction (aborted)')",
                "coalesce(f.xact_start, f.state_change, f.backend_start)",
            ],
            Self::Longest => &["least(f.xact_start, f.work_start)"],
            Self::Age => &["f.backend_start"],
            Self::Xact => &["f.xact_start"],
            Self::Query => &["f.work_start"],
            Self::StateAge => &["f.state_change"],
            Self::Pid => &[],
            // The place among all names: joining them to rows that are only counted would be dearer.
            Self::Database => {
                &["array_position(array(select oid from pg_database order by datname), f.datid)"]
            }
            Self::Role => &["array_position(array(select oid from pg_roles order by rolname), f.usesysid)"],
            Self::Application => &["f.application_name"],
            Self::Client => &["f.client_addr", "f.client"],
            Self::State => &["f.state"],
        }
    }

    /// The list of `order by`.
    fn sql(self) -> String {
        ordered(self.keys(), false)
    }
}

/// The list of `order by` for these keys, and then by pid.
pub(super) fn ordered<T: Display>(keys: &[T], inverted: bool) -> String {
    let direction = if inverted { " desc" } else { "" };
    let keys = keys.iter().map(|key| format!("{key}{direction} nulls last, "));
    keys.collect::<String>() + "f.pid" + direction
}

impl Db {
    /// Counts the sessions that are alike, for all that the selection can be about, by application, and finds the databases that
    /// let nobody in; `add` puts each tally to those before, of which there are none in `empty`, as it comes in, so that no more
    /// is held than the caller keeps.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn tallies<T>(
        &self,
        selection: &Selection,
        empty: impl Fn() -> T,
        add: fn(&mut T, Tally),
    ) -> Result<(ServerContext, T, Vec<ClosedDatabase>), Error> {
        let mut tallied = Tallied::new(empty, add);
        let questions = [server_context_question(), self.tally_question(selection), closed_question()];
        self.look_into(&[], &questions, &mut tallied).await?;
        Ok((server_context_of(&tallied.server_context)?, tallied.sum?, closed_of(&tallied.closed)?))
    }

    /// The question of [`Db::tallies`].
    pub(super) fn tally_question(&self, selection: &Selection) -> String {
        questions::Stats {
            activity: &self.activity(),
            filter: &filter::fragment(&selection.filter),
            scope: selection.scope(),
        }
        .sql()
    }

    /// Lists sessions.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn sessions(&self, listing: &Listing) -> Result<(ServerContext, Listed), Error> {
        let mut condition = filter::fragment(&listing.selection.filter);
        if let Some(over) = listing.over {
            condition = format!("({condition}) and {}", filter::long(over));
        }
        let query = query_column(listing.query_bytes);
        let order = &listing.order.sql();
        let (cut, counts, totals) = match listing.limit {
            None => (String::new(), "", ""),
            Some(limit) => (format!("order by {order} limit {limit}"), COUNTS, TOTALS),
        };
        let question = questions::Sessions {
            activity: &self.activity_in(READ),
            counts,
            filter: &condition,
            scope: &format!("{} and s.pid <> pg_backend_pid()", listing.selection.scope()),
            keep: "f.matches is not false",
            cut: &cut,
            query: &query,
            totals,
            order,
        }
        .sql();
        let mut read = ReadSessions::new(entitlement(listing.query_bytes));
        self.look_into(&[], &[server_context_question(), question], &mut read).await?;
        read.listed(listing.limit.is_some())
    }

    /// The names of databases, roles and applications that a filter could have meant, by kind.
    ///
    /// # Errors
    /// When the server does not answer.
    pub(crate) async fn names(&self) -> Result<Vec<(String, String)>, Error> {
        let answers = self.look(&[questions::Names.sql()]).await?;
        let mut names = Vec::new();
        for row in answers.into_iter().flatten() {
            names.push((row.word("kind")?.unwrap_or_default(), row.text("name")?.unwrap_or_default()));
        }
        Ok(names)
    }

    /// The activity view in the words of this server's version.
    pub(super) fn activity(&self) -> String {
        self.activity_in("pg_stat_get_activity(null)")
    }

    /// The activity view over `backends`, which is what was read of the array before.
    pub(super) fn activity_in(&self, backends: &str) -> String {
        let leader_pid = if self.version_num >= 130_000 { "v.leader_pid" } else { "null::int4" };
        let query_id = if self.version_num >= 140_000 { "v.query_id" } else { "null::int8" };
        questions::Activity { backends, leader_pid, query_id }.sql()
    }
}

/// What a listing may take with so many bytes of each query text; none is all of them.
pub(super) const fn entitlement(query_bytes: Option<u32>) -> Entitlement {
    match query_bytes {
        None => Entitlement::Texts,
        Some(_) => Entitlement::Sessions,
    }
}

/// The column of the query text: so many bytes of it, all of them, or none at all.
pub(super) fn query_column(bytes: Option<u32>) -> String {
    match bytes {
        None => "encode(textsend(f.query), 'hex') as query".to_owned(),
        Some(0) => "null as query".to_owned(),
        Some(bytes) => format!("encode(substring(textsend(f.query) from 1 for {bytes}), 'hex') as query"),
    }
}

/// The answers to `server_context.sql` and, after it, `stats.sql` and `closed_databases.sql`.
struct Tallied<T, E> {
    answer: usize,
    server_context: Rows,
    empty: E,
    sum: Result<T, Error>,
    add: fn(&mut T, Tally),
    closed: Rows,
}

impl<T, E: Fn() -> T> Tallied<T, E> {
    fn new(empty: E, add: fn(&mut T, Tally)) -> Self {
        Self { answer: 0, server_context: Vec::new(), sum: Ok(empty()), empty, add, closed: Vec::new() }
    }
}

impl<T, E: Fn() -> T> Answers for Tallied<T, E> {
    fn entitlement(&self) -> Entitlement {
        Entitlement::Sessions
    }

    fn anew(&mut self) {
        self.answer = 0;
        self.server_context.clear();
        self.sum = Ok((self.empty)());
        self.closed.clear();
    }

    fn next(&mut self) {
        self.answer += 1;
    }

    fn row(&mut self, row: Row) {
        if self.answer == 1 {
            // It has one row.
            if self.server_context.is_empty() {
                self.server_context.push(row);
            }
        } else if self.answer == 3 {
            self.closed.push(row);
        } else if let Ok(sum) = &mut self.sum {
            match tally_of(&row) {
                Ok(tally) => (self.add)(sum, tally),
                Err(error) => self.sum = Err(error),
            }
        }
    }
}

/// The answers to `server_context.sql` and, after it, `sessions.sql`. Each session is read as it comes in.
#[derive(Default)]
struct ReadSessions {
    entitlement: Entitlement,
    answer: usize,
    server_context: Rows,
    /// What the server says of itself, when the sessions begin.
    server: Option<Result<ServerContext, Error>>,
    sessions: Vec<Session>,
    texts: TextStore,
    /// All that match, are hidden, and are undecidable, as the first row counts them.
    totals: Option<Result<[i64; 3], Error>>,
    failed: Option<Error>,
}

impl Answers for ReadSessions {
    fn entitlement(&self) -> Entitlement {
        self.entitlement
    }

    fn anew(&mut self) {
        *self = Self::new(self.entitlement);
    }

    fn next(&mut self) {
        self.answer += 1;
        if self.answer == 2 {
            self.server = Some(server_context_of(&self.server_context));
        }
    }

    fn row(&mut self, row: Row) {
        if self.answer == 1 {
            // It has one row.
            if self.server_context.is_empty() {
                self.server_context.push(row);
            }
        } else if let (Some(Ok(server)), None) = (&self.server, &self.failed) {
            if self.sessions.is_empty() {
                self.totals = Some(totals_of(&row));
            }
            match session_of(&row, server, &mut self.texts) {
                Ok(session) => self.sessions.push(session),
                Err(error) => self.failed = Some(error),
            }
        }
    }
}

impl ReadSessions {
    fn new(entitlement: Entitlement) -> Self {
        Self { entitlement, ..Self::default() }
    }

    fn listed(self, limited: bool) -> Result<(ServerContext, Listed), Error> {
        let missing = || Error::new(ErrorKind::Protocol, "an answer is missing");
        let server_context = self.server.ok_or_else(missing)??;
        if let Some(error) = self.failed {
            return Err(error);
        }
        let mut listed = Listed::whole(self.sessions);
        if let Some(totals) = self.totals.filter(|_| limited) {
            [listed.matched, listed.hidden, listed.undecidable] = totals?;
        }
        Ok((server_context, listed))
    }
}

fn totals_of(row: &Row) -> Result<[i64; 3], Error> {
    Ok([row.required("all_matched")?, row.required("all_hidden")?, row.required("all_undecidable")?])
}

/// A row of `stats.sql`.
pub(super) fn tally_of(row: &Row) -> Result<Tally, Error> {
    let limit = |column: &str| Ok::<_, Error>(row.number::<i64>(column)?.filter(|limit| *limit >= 0));
    Ok(Tally {
        count: row.required("n")?,
        hidden: row.claim("hidden")?,
        may_be_client: row.claim("may_be_client")?,
        own: row.claim("own")?,
        matches: (!row.claim("undecidable")?).then_some(row.claim("matches")?),
        backend_type: row.word("backend_type")?,
        state: row.word("state")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        database: row.text("database")?,
        database_limit: limit("database_limit")?,
        role: row.text("role")?,
        role_limit: limit("role_limit")?,
        client: row.word("client")?,
        oldest_xact_seconds: row.age("oldest_xact")?,
        oldest_state_seconds: row.age("oldest_state")?,
    })
}

/// The text of a statement, and whether the server, which keeps so many bytes of each, has cut it.
pub(super) fn query_of(
    row: &Row,
    hidden: bool,
    query_size: i64,
    texts: &mut TextStore,
) -> Result<(Option<QueryText>, bool), Error> {
    let text = row.text("query")?.filter(|text| !hidden && !text.is_empty());
    // A multi-byte character that does not fit is left out whole, so the cut text can be some bytes shorter.
    let is_cut = !hidden && row.number::<i64>("query_bytes")?.is_some_and(|bytes| bytes >= query_size - 4);
    Ok((text.map(|text| texts.keep(text)), is_cut))
}

/// A row of `sessions.sql`.
pub(super) fn session_of(
    row: &Row,
    server_context: &ServerContext,
    texts: &mut TextStore,
) -> Result<Session, Error> {
    let hidden = row.claim("hidden")?;
    let (query, query_truncated) = query_of(row, hidden, server_context.query_size, texts)?;
    let backend_type = row.word("backend_type")?;
    let signalled = Signalled {
        of_superuser: row.claim("of_superuser")?,
        as_own: row.claim("as_own")?,
        autovacuum_worker: backend_type.as_deref() == Some("autovacuum worker"),
    };
    Ok(Session {
        pid: row.required("pid")?,
        session_id: row.word("session_id")?,
        backend_start: row.word("backend_start")?,
        backend_type,
        database: row.text("database")?,
        role: row.text("role")?,
        application_name: row.text("application_name")?.unwrap_or_default(),
        client: row.word("client")?,
        client_port: row.number("client_port")?,
        state: row.word("state")?,
        wait_event_type: row.word("wait_event_type")?,
        wait_event: row.word("wait_event")?,
        lock: None,
        xact_start: row.word("xact_start")?,
        query_start: row.word("query_start")?,
        state_change: row.word("state_change")?,
        session_seconds: row.age("session_seconds")?,
        xact_seconds: row.age("xact_seconds")?,
        query_seconds: row.age("query_seconds")?,
        state_seconds: row.age("state_seconds")?,
        query,
        query_truncated,
        query_id: row.word("query_id")?,
        backend_xid: row.number("backend_xid")?.filter(|_| !hidden),
        backend_xmin: row.number("backend_xmin")?.filter(|_| !hidden),
        xmin_age: row.number("xmin_age")?.filter(|_| !hidden),
        parallel_workers: row.required("parallel_workers")?,
        hidden,
        undecidable: row.claim("undecidable")?,
        can_signal: server_context.rights.may_signal(signalled),
        pooler_client: None,
    })
}
