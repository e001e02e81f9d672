//! What the rules of monitoring judge of sessions: from the groups of `health.sql` to the use of each limit and the longest of each kind.

use std::collections::{BTreeMap, HashMap};
use std::iter::repeat;

use super::connection::Db;
use super::error::Error;
use super::look::Selection;
use super::rows::{Row, Rows};
use super::{blocking, filter, questions, sql};
use crate::model::health::{Culprit, DatabaseUse, HealthFacts, HorizonHolder, HorizonKind, Longest};
use crate::model::order;
use crate::model::server::ConnectionSlots;
use crate::model::usage::{Connections, LimitUse, Owner, Tally};

/// What a look is to bring beyond what every one brings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// Ages in seconds: how many are older.
    pub(crate) ages: Vec<f64>,
    /// Who is in which state.
    pub(crate) states: bool,
    /// What the server counts per database.
    pub(crate) counters: bool,
    /// Sessions by all that they are counted by.
    pub(crate) tallies: bool,
}

impl Wanted {
    /// A list of how many are older than each of the ages, of what counts them; null without ages.
    pub(super) fn older(&self, count: impl Fn(f64) -> String) -> String {
        if self.ages.is_empty() {
            return "null".to_owned();
        }
        let counts: Vec<String> = self.ages.iter().map(|age| count(*age)).collect();
        format!("concat_ws(',', {})", counts.join(", "))
    }
}

/// The locks that are needed: whose virtual transaction id it is, and that somebody waits.
const LOCKS: &str =
    "select l.pid, l.granted from pg_locks l where not l.granted or l.locktype = 'virtualxid'";
/// Nothing of them, for a role that is kept from them.
const NO_LOCKS: &str = "select null::int4 as pid, null::bool as granted where false";

/// Whose state it is always wanted since when.
const IDLE_IN_TRANSACTION: &str = "s.state in ('idle in transaction', 'idle in transaction (aborted)')";

/// What the server calls a client's session.
const CLIENT: &str = "client backend";

/// How the sessions are asked about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reach<'a> {
    /// With this question who waits, which is planned only where somebody does: to plan it is dearer than all the rest.
    Waits(&'a str),
    /// And no more than logins under way.
    Logins,
    /// Without what pg_locks tells.
    Sessions,
}

/// A group of sessions that are alike.
struct Group {
    own: bool,
    hidden: bool,
    may_be_client: bool,
    /// Whether the filters select them; none when that is hidden.
    matches: Option<bool>,
    count: i64,
    datid: Option<u32>,
    usesysid: Option<u32>,
    /// A name for each of them, its pid to be filled in.
    who: Culprit,
    backend_type: Option<String>,
}

/// A database, as far as it bounds sessions and names them.
pub(super) struct DatabaseRow {
    oid: u32,
    name: String,
    /// As it is stored: -1 for none, -2 for what an interrupted DROP DATABASE leaves.
    limit: i64,
    allows: bool,
}

/// The CONNECTION LIMIT of a role.
#[derive(Clone, Debug)]
pub(super) struct RoleLimit {
    oid: u32,
    name: String,
    limit: i64,
}

/// Which server it was that answered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identity {
    /// When it started, in seconds since 1970.
    pub(super) started: f64,
    pub(super) uptime_seconds: f64,
    pub(super) in_recovery: bool,
}

/// The longest of one kind so far.
#[derive(Default)]
struct Since {
    count: i64,
    older: Vec<i64>,
    /// Since when, in seconds since 1970, and the pid.
    first: Option<(f64, i32)>,
    longest: Longest,
}

impl Since {
    /// Adds `count` sessions of `group`, of which one has lasted since `row`'s `since`; of none the row tells nothing.
    fn add(&mut self, group: &Group, row: &Row, count: i64, since: &str, older: &str) -> Result<(), Error> {
        if count == 0 {
            return Ok(());
        }
        self.count += count;
        let older = row.word(older)?.unwrap_or_default();
        for (at, number) in older.split(',').filter_map(|number| number.parse::<i64>().ok()).enumerate() {
            match self.older.get_mut(at) {
                Some(sum) => *sum += number,
                None => self.older.push(number),
            }
        }
        let Some([since, pid]) = row.pair(since)? else { return Ok(()) };
        #[expect(clippy::cast_possible_truncation, reason = "it was one")]
        let pid = pid as i32;
        if self.first.is_none_or(|(first, of)| (since, pid) < (first, of)) {
            self.first = Some((since, pid));
            self.longest.seconds = Some((row.required::<f64>("clock")? - since).max(0.0));
            self.longest.culprit = Some(Culprit { pid, ..group.who.clone() });
        }
        Ok(())
    }

    fn longest(self, wanted: &Wanted) -> Longest {
        let older = wanted.ages.iter().copied().zip(self.older.into_iter().chain(repeat(0))).collect();
        Longest { count: self.count, older, ..self.longest }
    }
}

impl Db {
    /// The question about all sessions, of which `selection` selects some for the rules about sessions.
    pub(super) fn health_question(&self, selection: &Selection, wanted: &Wanted, reach: Reach<'_>) -> String {
        let older = |since: &str| {
            wanted.older(|age| {
                format!("count(*) filter (where {since} < clock_timestamp() - make_interval(secs => {age}))")
            })
        };
        let waits = match reach {
            Reach::Waits(question) => format!(
                "case when g.own and (exists (select from l where not l.granted) or (select bool_or(g.waits_otherwise) from g)) \
                 then {} end",
                told(question)
            ),
            Reach::Logins | Reach::Sessions => "null".to_owned(),
        };
        questions::Health {
            locks: if matches!(reach, Reach::Sessions) { NO_LOCKS } else { LOCKS },
            matches: &filter::fragment(&selection.filter),
            settled: match self.version_num {
                // a hidden row without a database and a role is a login, or a process of the server's own
                180_000.. => {
                    "(not s.hidden or s.datid is not null or s.usesysid is not null or pg_is_in_recovery())"
                }
                _ => "true",
            },
            aged: if wanted.states { "s.state is not null" } else { IDLE_IN_TRANSACTION },
            older_state: &older("coalesce(s.state_change, s.backend_start)"),
            older_query: &older("s.work_start"),
            older_xact: &older("s.xact_start"),
            other_waits: blocking::OTHER_WAITS,
            activity: &self.activity(),
            waits: &waits,
        }
        .sql()
    }
}

/// An expression that has the rows of `question` as text ([`super::rows::told`]), and plans it only when it is needed.
pub(super) fn told(question: &str) -> String {
    format!("query_to_xml({}, false, true, '')::text", sql::literal(&question.replace('\n', " ")))
}

/// What `databases.sql` says of each, by name.
pub(super) fn databases_of(rows: &Rows) -> Result<Vec<DatabaseRow>, Error> {
    let database = |row: &Row| {
        Ok(DatabaseRow {
            oid: row.required("oid")?,
            name: row.text("database")?.unwrap_or_default(),
            limit: row.required("connection_limit")?,
            allows: row.claim("allow_connections")?,
        })
    };
    let mut databases = rows.iter().map(database).collect::<Result<Vec<DatabaseRow>, Error>>()?;
    order::sort_by(&mut databases, |one, other| one.name.cmp(&other.name));
    Ok(databases)
}

/// The answer to `role_limits.sql`, by name.
pub(super) fn role_limits_of(rows: &Rows) -> Result<Vec<RoleLimit>, Error> {
    let limit = |row: &Row| {
        Ok(RoleLimit {
            oid: row.required("oid")?,
            name: row.text("role")?.unwrap_or_default(),
            limit: row.required("connection_limit")?,
        })
    };
    let mut limits = rows.iter().map(limit).collect::<Result<Vec<RoleLimit>, Error>>()?;
    order::sort_by(&mut limits, |one, other| one.name.cmp(&other.name));
    Ok(limits)
}

/// The answer to `health.sql`, read once.
#[derive(Default)]
pub(super) struct Sessions {
    /// What is used, without databases and roles.
    pub(super) facts: HealthFacts,
    /// Clients, and hidden ones that may be.
    pub(super) tallies: Vec<Tally>,
    pub(super) identity: Identity,
    /// Sessions of every kind in each database.
    in_databases: HashMap<u32, i64>,
    /// Clients that can be seen and hidden ones that may be, in each database and of each role.
    of_databases: HashMap<u32, (i64, i64)>,
    of_roles: HashMap<u32, (i64, i64)>,
}

impl Sessions {
    /// Reads the groups, of which the rules about sessions judge what `selection` takes in; `databases` have the names.
    pub(super) fn of(
        rows: &Rows,
        databases: &[DatabaseRow],
        limits: ConnectionSlots,
        selection: &Selection,
        wanted: &Wanted,
    ) -> Result<Self, Error> {
        let names: HashMap<u32, &DatabaseRow> =
            databases.iter().map(|database| (database.oid, database)).collect();
        let mut read = Self::default();
        let (mut idle_xact, mut query, mut xact) = (Since::default(), Since::default(), Since::default());
        let mut states: BTreeMap<String, Since> = BTreeMap::new();
        let (mut used, mut hidden, mut found, mut with_xids) = (0, 0, 0, 0);
        for row in rows {
            let group = group_of(row, selection, &names)?;
            let is_client = group.backend_type.as_deref() == Some(CLIENT);
            let as_used =
                [is_client, group.hidden && group.may_be_client].map(|is| if is { group.count } else { 0 });
            used += as_used[0];
            hidden += as_used[1];
            for (sums, oid) in [(&mut read.of_databases, group.datid), (&mut read.of_roles, group.usesysid)] {
                if let Some(oid) = oid {
                    let sum = sums.entry(oid).or_default();
                    *sum = (sum.0 + as_used[0], sum.1 + as_used[1]);
                }
            }
            if let Some(datid) = group.datid {
                *read.in_databases.entry(datid).or_default() += group.count;
            }
            found += row.required::<i64>("found")?;
            with_xids += row.number::<i64>("with_xids")?.unwrap_or_default();
            if group.own {
                let started: f64 = row.required("started")?;
                read.identity = Identity {
                    started,
                    uptime_seconds: (row.required::<f64>("clock")? - started).max(0.0),
                    in_recovery: row.claim("in_recovery")?,
                };
            } else {
                read.add_horizon(&group, row)?;
            }
            let is_undecidable = group.matches.is_none() || (group.hidden && group.matches == Some(true));
            if is_undecidable {
                read.facts.undecidable += group.count;
            } else if group.matches == Some(true) {
                let state = group.who.state.as_deref();
                if matches!(state, Some("idle in transaction" | "idle in transaction (aborted)")) {
                    idle_xact.add(&group, row, group.count, "state_since", "older_state")?;
                }
                let xacts = row.required("xacts")?;
                // Clients in one state are all at work, or none is; what is no client works while it has a transaction.
                let queries = match row.word("query_since")? {
                    None => 0,
                    Some(_) if is_client => group.count,
                    Some(_) => xacts,
                };
                query.add(&group, row, queries, "query_since", "older_query")?;
                xact.add(&group, row, xacts, "xact_since", "older_xact")?;
                if let Some(state) = state.filter(|_| wanted.states) {
                    let of_state = states.entry(state.to_owned()).or_default();
                    of_state.add(&group, row, group.count, "state_since", "older_state")?;
                }
            }
            if group.who.state.as_deref() == Some("disabled") && group.matches == Some(true) {
                read.facts.untracked += group.count;
            }
            if group.may_be_client {
                read.tallies.push(group.into_tally(&names));
            }
        }
        let facts = &mut read.facts;
        facts.connections = Connections::new(limits, used, hidden);
        facts.logging_in = with_xids - found;
        facts.idle_xact = idle_xact.longest(wanted);
        facts.long_query = query.longest(wanted);
        facts.long_xact = xact.longest(wanted);
        facts.states = states.into_iter().map(|(state, since)| (state, since.longest(wanted))).collect();
        Ok(read)
    }

    /// Takes the group for the holder of the horizon of its kind, if it holds it back most.
    fn add_horizon(&mut self, group: &Group, row: &Row) -> Result<(), Error> {
        let Some([below, pid]) = row.pair("horizon")? else { return Ok(()) };
        #[expect(clippy::cast_possible_truncation, reason = "they were integers")]
        let (age, pid) = (-below as i64, pid as i32);
        let is_standby = group.backend_type.as_deref() == Some("walsender");
        let kind = if is_standby { HorizonKind::Standby } else { HorizonKind::Session };
        let holder = HorizonHolder { kind, age, who: Culprit { pid, ..group.who.clone() }, name: None };
        match self.facts.horizon.iter_mut().find(|known| known.kind == kind) {
            Some(known) if (known.age, -known.who.pid) < (age, -pid) => *known = holder,
            Some(_) => {}
            None => self.facts.horizon.push(holder),
        }
        Ok(())
    }

    /// What is used of each CONNECTION LIMIT: those of roles, then those of databases, by name. A limit of 0 keeps everybody out on
    /// purpose and is left out.
    pub(super) fn limits(&self, roles: &[RoleLimit], databases: &[DatabaseRow]) -> Vec<LimitUse> {
        let mut limits = Vec::new();
        for role in roles {
            let (used, hidden) = self.of_roles.get(&role.oid).copied().unwrap_or_default();
            let name = role.name.clone();
            limits.push(LimitUse { owner: Owner::Role, name, used, hidden, limit: role.limit });
        }
        for database in databases.iter().filter(|database| database.limit > 0) {
            let (used, hidden) = self.of_databases.get(&database.oid).copied().unwrap_or_default();
            let name = database.name.clone();
            limits.push(LimitUse { owner: Owner::Database, name, used, hidden, limit: database.limit });
        }
        limits
    }

    /// How many sessions of every kind are in a database.
    pub(super) fn in_database(&self, oid: u32) -> i64 {
        self.in_databases.get(&oid).copied().unwrap_or_default()
    }

    /// The databases that clients may enter and that have no limit.
    pub(super) fn without_limit(&self, databases: &[DatabaseRow]) -> Vec<DatabaseUse> {
        let open = databases.iter().filter(|database| database.limit == -1 && database.allows);
        open.map(|database| {
            let (used, hidden) = self.of_databases.get(&database.oid).copied().unwrap_or_default();
            DatabaseUse { name: database.name.clone(), used, hidden }
        })
        .collect()
    }
}

impl Group {
    fn into_tally(self, names: &HashMap<u32, &DatabaseRow>) -> Tally {
        let limit = self.datid.and_then(|oid| names.get(&oid)).map(|database| database.limit);
        Tally {
            count: self.count,
            hidden: self.hidden,
            may_be_client: self.may_be_client,
            own: self.own,
            matches: self.matches,
            backend_type: self.backend_type,
            state: self.who.state,
            application_name: self.who.application_name,
            database: self.who.database,
            database_limit: limit.filter(|limit| *limit >= 0),
            role: self.who.role,
            client: self.who.client,
            ..Tally::default()
        }
    }
}

fn group_of(row: &Row, selection: &Selection, names: &HashMap<u32, &DatabaseRow>) -> Result<Group, Error> {
    let datid: Option<u32> = row.number("datid")?;
    let usesysid: Option<u32> = row.number("usesysid")?;
    let name = datid.and_then(|oid| names.get(&oid)).map(|database| database.name.clone());
    let (hidden, backend_type) = (row.claim("hidden")?, row.word("backend_type")?);
    // As activity.sql has it.
    let may_be_client = match hidden {
        true => datid.is_some() && usesysid.is_some(),
        false => backend_type.as_deref() == Some(CLIENT),
    };
    // What pg_get_userbyid says of a role that has been dropped.
    let is_dropped = |name: &String| usesysid.is_some_and(|oid| *name == format!("unknown (OID={oid})"));
    let own = row.claim("own")?;
    let is_in_scope = !own && (may_be_client || selection.all_backends);
    Ok(Group {
        own,
        hidden,
        may_be_client,
        matches: if is_in_scope { row.word("matches")?.map(|claim| claim == "t") } else { Some(false) },
        count: row.required("n")?,
        datid,
        usesysid,
        who: Culprit {
            pid: 0,
            database: name,
            role: row.text("role")?.filter(|name| !is_dropped(name)),
            backend_type: None,
            application_name: row.text("application_name")?.unwrap_or_default(),
            client: row.word("client")?,
            state: row.word("state")?,
        },
        backend_type,
    })
}
