//! The question of a live screen: the server in numbers, and the sessions that there is room for.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::connection::Db;
use super::error::{Error, ErrorKind};
use super::look::{READ, Selection, SortOrder, ordered, query_column, query_of};
use super::rows::{Row, Rows};
use super::server_context::{server_context_of, server_context_question};
use super::text_store::TextStore;
use super::{filter, questions};
use crate::model::rights::Signalled;
use crate::model::screen::{Names, Overview, RoleName, ScreenContext, ScreenRow, Trouble};
use crate::model::server::ServerContext;
use crate::model::session::{Named, Session};
use crate::model::usage::{LimitUse, Owner};

/// For how many of the longest waits it is asked at most who is in the way: with exclusive waiters on one lock the edges grow with
/// the square.
const MOST_ASKED: &str = "50";

/// The first server that says when a wait began.
const SAYS_WHEN: i32 = 140_000;

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
    /// It is asked who waits and, where sessions are listed, for whom; else only those are known whom the activity view shows.
    pub(crate) waits: bool,
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
    /// Looks at what `listing` wants. What changes slowly need not be asked again where it is `known`, and is all the same where a
    /// session is of a role or a database that is not.
    ///
    /// # Errors
    /// When the server does not answer, or refuses a value of the filter.
    pub(crate) async fn screen(
        &self,
        listing: &ScreenListing,
        known: Option<Arc<ScreenContext>>,
    ) -> Result<(Arc<ScreenContext>, Overview, Vec<ScreenRow>), Error> {
        let question = self.screen_question(listing);
        if let Some(context) = known {
            let answers = self.look(std::slice::from_ref(&question)).await?;
            let rows = answers.first().ok_or_else(missing)?;
            if are_known(rows, &context.names)? {
                return self.seen(context, rows, listing);
            }
        }
        let context =
            [server_context_question(), questions::ScreenContext.sql(), questions::ScreenNames.sql()];
        let answers = self.look(&[&[question][..], &context].concat()).await?;
        let [rows, server, slow, names] = answers.as_slice() else { return Err(missing()) };
        let context = Arc::new(context_of(server_context_of(server)?, slow, names)?);
        self.seen(context, rows, listing)
    }

    fn screen_question(&self, listing: &ScreenListing) -> String {
        let keys = listing.order.map_or(TROUBLE, SortOrder::keys);
        let names: Vec<String> = (1..=keys.len()).map(|place| format!("k{place}")).collect();
        let columns = keys.iter().zip(&names).map(|(key, name)| format!("{key} as {name}, "));
        let is_pinned = format!("f.pid = any({})", pids(&listing.pins));
        let pins = !listing.pins.is_empty();
        let pinned = if pins { format!("{is_pinned} as pinned, ") } else { String::new() };
        let keep = match (listing.only_trouble, pins) {
            (false, false) => "f.matches is not false".to_owned(),
            (true, false) => "f.matches is not false and f.rank < 5".to_owned(),
            (false, true) => format!("f.matches is not false or {is_pinned}"),
            (true, true) => format!("f.matches is not false and f.rank < 5 or {is_pinned}"),
        };
        let says_when = self.version_num >= SAYS_WHEN;
        let began =
            if says_when { "l.waitstart" } else { "(select b.query_start from b where b.pid = l.pid)" };
        let waits = if listing.waits { questions::ScreenWaits { began }.sql() } else { String::new() };
        let asks_roots = listing.waits && listing.limit > 0;
        let roots =
            if asks_roots { questions::ScreenRoots { asked: MOST_ASKED }.sql() } else { String::new() };
        questions::Screen {
            activity: &self.activity_in(READ),
            filter: &filter::fragment(&listing.selection.filter),
            scope: &format!("{} and s.pid <> pg_backend_pid()", listing.selection.scope()),
            waits: &waits,
            roots: &roots,
            is_root: if asks_roots { "s.pid in (select e.pid from e)" } else { "false" },
            blocks: if asks_roots {
                "coalesce((select e.blocks from e where e.pid = f.pid), 0)"
            } else {
                "0"
            },
            waiting: if listing.waits {
                "(select count(*) from l)"
            } else {
                "count(*) filter (where s.wait_event_type = 'Lock')"
            },
            longest_wait: match (listing.waits, says_when) {
                // Who has just begun to wait has no moment yet.
                (true, true) => {
                    "(select coalesce(min(l.began), clock_timestamp()) from l having count(*) > 0)"
                }
                // Of whom that is hidden, nothing is known.
                (true, false) => {
                    "(select case when bool_and(l.began is not null) then min(l.began) end from l)"
                }
                (false, _) => "min(s.query_start) filter (where s.wait_event_type = 'Lock')",
            },
            shown: &pids(&listing.shown),
            keys: &(pinned + &columns.collect::<String>()),
            keep: &keep,
            pinned_first: if pins { "pinned desc, " } else { "" },
            order: &ordered(&names, listing.inverted),
            limit: &listing.limit.to_string(),
            query: &query_column(listing.query_bytes),
        }
        .sql()
    }

    fn seen(
        &self,
        context: Arc<ScreenContext>,
        rows: &Rows,
        listing: &ScreenListing,
    ) -> Result<(Arc<ScreenContext>, Overview, Vec<ScreenRow>), Error> {
        let first = rows.first().ok_or_else(missing)?;
        let mut overview = overview_of(first)?;
        overview.wait_at_most = !(listing.waits && self.version_num >= SAYS_WHEN);
        let mut reader = Reader {
            now: first.required("now")?,
            leaders: list(first, "leaders")?,
            texts: TextStore::default(),
            context: &context,
        };
        let mut sessions = Vec::new();
        for row in rows {
            if let Some(pid) = row.number("pid")? {
                sessions.push(reader.screen_row(pid, row)?);
            }
        }
        Ok((context, overview, sessions))
    }
}

fn missing() -> Error {
    Error::new(ErrorKind::Protocol, "an answer is missing")
}

fn pids(pids: &[i32]) -> String {
    let pids: Vec<String> = pids.iter().map(ToString::to_string).collect();
    format!("array[{}]::int4[]", pids.join(","))
}

/// Whether the roles and databases of all of them are known, by name or as dropped ones.
fn are_known(rows: &Rows, names: &Names) -> Result<bool, Error> {
    for row in rows {
        let role = row.number("usesysid")?.is_none_or(|oid| names.roles.contains_key(&oid));
        let database = row.number("datid")?.is_none_or(|oid| names.databases.contains_key(&oid));
        if !(role && database) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What reads the sessions of an answer.
struct Reader<'a> {
    context: &'a ScreenContext,
    now: Micros,
    /// Of each parallel worker, who leads it.
    leaders: Vec<Option<i32>>,
    texts: TextStore,
}

impl Reader<'_> {
    /// Columns are read in the order in which they stand, which is the quickest.
    fn screen_row(&mut self, pid: i32, row: &Row) -> Result<ScreenRow, Error> {
        let session = self.session(pid, row)?;
        let matches = row.word("matches")?.map(|claim| claim == "t");
        Ok(ScreenRow {
            session: Session { undecidable: matches.is_none(), ..session },
            trouble: Trouble::of_rank(row.required("rank")?),
            blocks: row.required("blocks")?,
            matches,
        })
    }

    fn session(&mut self, pid: i32, row: &Row) -> Result<Session, Error> {
        let Names { roles, databases } = &self.context.names;
        let role = row.number::<u32>("usesysid")?.map(|oid| roles.get(&oid).cloned().unwrap_or_default());
        let database = row.number::<u32>("datid")?.and_then(|oid| databases.get(&oid).cloned().flatten());
        let since = |began: Option<Micros>| began.map(|began| began.until(self.now));
        let [backend_start, xact_start, query_start, state_change] =
            ["backend_start", "xact_start", "query_start", "state_change"]
                .map(|column| row.number::<Micros>(column));
        let (backend_start, xact_start) = (backend_start?, xact_start?);
        let (query_start, state_change) = (query_start?, state_change?);
        let hidden = row.claim("hidden")?;
        let (query, query_truncated) =
            query_of(row, hidden, self.context.server.query_size, &mut self.texts)?;
        let backend_type = row.word("backend_type")?;
        let signalled = Signalled {
            of_superuser: role.as_ref().is_none_or(|role| role.of_superuser),
            as_own: role.as_ref().is_some_and(|role| role.as_own),
            autovacuum_worker: backend_type.as_deref() == Some("autovacuum worker"),
        };
        let workers = self.leaders.iter().filter(|leader| **leader == Some(pid)).count();
        Ok(Session {
            pid,
            session_id: backend_start.map(|start| Named { pid, started: Some(start.seconds()) }.to_string()),
            backend_start: backend_start.map(Micros::rfc3339),
            backend_type,
            database,
            role: role.and_then(|role| role.name),
            application_name: row.text("application_name")?.unwrap_or_default(),
            client: row.word("client")?,
            client_port: row.number("client_port")?,
            state: row.word("state")?,
            wait_event_type: row.word("wait_event_type")?,
            wait_event: row.word("wait_event")?,
            lock: None,
            xact_start: xact_start.map(Micros::rfc3339),
            query_start: query_start.map(Micros::rfc3339),
            state_change: state_change.map(Micros::rfc3339),
            session_seconds: since(backend_start),
            xact_seconds: since(xact_start),
            query_seconds: since(row.number("work_start")?),
            state_seconds: since(state_change),
            query,
            query_truncated,
            query_id: row.word("query_id")?,
            backend_xid: row.number("backend_xid")?.filter(|_| !hidden),
            backend_xmin: row.number("backend_xmin")?.filter(|_| !hidden),
            xmin_age: row.number("xmin_age")?.filter(|_| !hidden),
            parallel_workers: i64::try_from(workers).unwrap_or(i64::MAX),
            hidden,
            undecidable: false,
            can_signal: self.context.server.rights.may_signal(signalled),
            pooler_client: None,
        })
    }
}

/// A moment on the server's clock: microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Micros(u64);

/// Seconds with up to six digits behind the point, and nothing else.
impl FromStr for Micros {
    type Err = ();

    fn from_str(seconds: &str) -> Result<Self, ()> {
        Self::read(seconds).ok_or(())
    }
}

impl Micros {
    fn read(seconds: &str) -> Option<Self> {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 6 {
            return None;
        }
        let part = part.parse::<u64>().ok()? * 10_u64.pow(6 - u32::try_from(part.len()).ok()?);
        whole.parse::<u64>().ok()?.checked_mul(1_000_000)?.checked_add(part).map(Self)
    }

    fn seconds(self) -> i64 {
        i64::try_from(self.0 / 1_000_000).unwrap_or(i64::MAX)
    }

    /// As `{utc:…}` has it. The calendar is counted in years that begin with March, so that a leap day is the last of its year; 400 of
    /// them are 146,097 days.
    fn rfc3339(self) -> String {
        let (seconds, part) = (self.0 / 1_000_000, self.0 % 1_000_000);
        // Since the first of March of the year 0.
        let days = seconds / 86_400 + 719_468;
        let (cycles, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
        let year = cycles * 400 + year + u64::from(month <= 2);
        let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{part:06}Z")
    }

    /// In seconds; what is below zero is rounding.
    fn until(self, later: Self) -> f64 {
        Duration::from_micros(later.0.saturating_sub(self.0)).as_secs_f64()
    }
}

fn context_of(server: ServerContext, slow: &Rows, named: &Rows) -> Result<ScreenContext, Error> {
    let row = slow.first().ok_or_else(missing)?;
    let mut names = Names::default();
    for row in named {
        let (oid, name) = (row.required("oid")?, row.text("name")?);
        if row.word("kind")?.as_deref() == Some("role") {
            let (of_superuser, as_own) = (row.claim("of_superuser")?, row.claim("as_own")?);
            names.roles.insert(oid, RoleName { name, of_superuser, as_own });
        } else {
            names.databases.insert(oid, name);
        }
    }
    Ok(ScreenContext {
        server,
        names,
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
        wait_at_most: false,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_and_written_to_the_microsecond() {
        let written = |seconds| Micros::read(seconds).map(Micros::rfc3339);
        for seconds in ["1764522430.12", "1764522430.120000"] {
            assert_eq!(written(seconds).as_deref(), Some("2025-11-30T17:07:10.120000Z"));
        }
        assert_eq!(written("1764522430").as_deref(), Some("2025-11-30T17:07:10.000000Z"));
        for (seconds, date) in [
            ("0", "1970-01-01T00:00:00"),
            ("951782399", "2000-02-28T23:59:59"),
            ("951782400", "2000-02-29T00:00:00"),
            ("1709251199", "2024-02-29T23:59:59"),
            ("1709251200", "2024-03-01T00:00:00"),
            ("1735689599", "2024-12-31T23:59:59"),
            ("4107542400", "2100-03-01T00:00:00"),
        ] {
            assert_eq!(written(seconds), Some(format!("{date}.000000Z")));
        }
        assert_eq!(written("1764522430.000001").as_deref(), Some("2025-11-30T17:07:10.000001Z"));
        for other in ["", "-1", "1.", ".5", "1e9", "1.0000001", "infinity", "99999999999999999999"] {
            assert_eq!(written(other), None, "{other}");
        }
        let [early, late] = ["9.75", "10.5"].map(|seconds| Micros::read(seconds).unwrap());
        assert_eq!((early.until(late), late.until(early), late.seconds()), (0.75, 0.0, 10));
    }
}
