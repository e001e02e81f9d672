//! The rules of `doctor`: pure functions from what was watched to findings, words included.

use crate::analyze::settings::effective;
use crate::commands::quoted;
use crate::db::Scraped;
use crate::model::filter::Name;
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Conduct, Finding, Grade, Origin, Source, Watched};
use crate::model::settings::{Setting, Settings};
use crate::render::text;

/// New sessions per second from which on pools are missing: a pool that fits opens a few per minute.
const CHURN: f64 = 1.0;
/// The same from which on it costs the server more than many queries do.
const HEAVY_CHURN: f64 = 10.0;
/// Sessions by which a source must have grown to be called leaking.
const GROWTH: usize = 3;
/// Sessions from which on a pool's size is worth a word, and the share of them that should be needed at times.
const LARGE_POOL: usize = 10;
const LEAST_BUSY: f64 = 0.2;
/// Seconds for which a transaction may be left idle, and from which on it is called wrong: `check`'s own thresholds.
const LEFT_OPEN: (f64, f64) = (5.0, 300.0);
/// Seconds from which on a prepared transaction counts as forgotten.
const PREPARED: f64 = 300.0;
/// Applications that people and tools use, which may be superusers.
const TOOLS: [&str; 8] =
    ["psql", "pgAdmin", "pg_dump", "pg_restore", "pg_basebackup", "pgconn", "vacuumdb", "reindexdb"];

/// Everything that the rules judge.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The last look.
    pub(super) scraped: Scraped,
    /// The counters before the first look.
    pub(super) before: Vec<DatabaseCounters>,
    /// What is set where.
    pub(super) settings: Settings,
    /// Where the sessions of the last look come from.
    pub(super) origins: Vec<Origin>,
    /// All looks.
    pub(super) watched: Watched,
    /// How long it was watched.
    pub(super) seconds: f64,
}

/// Judges by every rule; the worst first.
pub(super) fn findings(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = vec![
        pooling(evidence),
        pool_size(evidence),
        pool_growth(evidence),
        slots(evidence),
        limits(evidence),
        left_open(evidence),
        prepared(evidence),
        timeout(
            evidence,
            Setting::Statement,
            "statement-timeout",
            "statements of login roles are limited in time",
        ),
        timeout(
            evidence,
            Setting::IdleInTransaction,
            "idle-in-transaction-timeout",
            "open transactions of login roles are limited in time",
        ),
        application_name(evidence),
        superuser(evidence),
        tls(evidence),
        visibility(evidence),
        reserved(evidence),
    ];
    findings.sort_by_key(|finding| match finding.status {
        Grade::Fail => 0,
        Grade::Warn => 1,
        Grade::Unknown => 2,
        Grade::Pass => 3,
    });
    findings
}

fn finding(
    rule: &'static str,
    title: &'static str,
    status: Grade,
    evidence: String,
    advice: &str,
    next: impl Into<String>,
) -> Finding {
    let wanted = matches!(status, Grade::Warn | Grade::Fail);
    Finding {
        rule,
        status,
        title,
        evidence,
        advice: wanted.then(|| advice.to_owned()),
        next_command: wanted.then(|| next.into()),
    }
}

fn application(name: &str) -> &str {
    if name.is_empty() { "(no application_name)" } else { name }
}

fn named(source: &Source) -> String {
    let role = source.role.as_ref().map(|role| format!(" (role {role})")).unwrap_or_default();
    format!("{}{role}", application(&source.application_name))
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn hidden(evidence: &Evidence) -> Option<String> {
    let hidden = evidence.scraped.facts.undecidable;
    let role = &evidence.scraped.surroundings.me.role;
    (hidden > 0).then(|| format!("{} hidden from role \"{role}\"", text::count(hidden, "session")))
}

/// New sessions that the server counted; none where it does not count them (before 14).
fn counted(evidence: &Evidence) -> Option<f64> {
    let sum = |counters: &[DatabaseCounters]| counters.iter().filter_map(|row| row.sessions).sum::<f64>();
    let after = &evidence.scraped.databases;
    after.iter().any(|row| row.sessions.is_some()).then(|| (sum(after) - sum(&evidence.before)).max(0.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
fn pooling(evidence: &Evidence) -> Finding {
    let title = "connections are reused, not opened per request";
    let conducts = &evidence.watched.sources;
    let seen: usize = conducts.values().map(|conduct| conduct.born.len()).sum();
    // Whoever stayed was opened for more than one request.
    let kept: usize = conducts.values().map(stayed).sum();
    let new = counted(evidence).unwrap_or(0.0).max(seen as f64);
    let rate = (new - kept as f64).max(0.0) / evidence.seconds.max(0.1);
    let whose = conducts
        .iter()
        .filter(|(_, conduct)| conduct.born.len() > stayed(conduct))
        .max_by_key(|(_, conduct)| conduct.born.len() - stayed(conduct));
    let by = whose.map(|(source, _)| format!(", most seen of {}", named(source))).unwrap_or_default();
    let text = format!(
        "{} opened and closed within {} ({rate:.1} per second){by}",
        text::count(count((rate * evidence.seconds).round() as usize), "session"),
        text::duration(evidence.seconds)
    );
    let status = if rate >= HEAVY_CHURN {
        Grade::Fail
    } else if rate >= CHURN {
        Grade::Warn
    } else {
        Grade::Pass
    };
    let next = whose.map_or_else(
        || "pgconn stats --by client".to_owned(),
        |(source, _)| format!("pgconn ls --app {}", argument(&source.application_name)),
    );
    finding(
        "pooling",
        title,
        status,
        text,
        "give the application a connection pool, or put PgBouncer in transaction mode in front of it",
        next,
    )
}

/// An empty application name cannot be filtered for; everything is shown instead.
fn argument(name: &str) -> String {
    if name.is_empty() { "'*'".into() } else { Name::argument(name) }
}

/// Of the sessions that came, those that cannot have gone: what is more at the end than what was there and is left.
fn stayed(conduct: &Conduct) -> usize {
    let left = conduct.first.saturating_sub(conduct.gone);
    conduct.born.len().min(conduct.last.saturating_sub(left.min(conduct.last)))
}

#[expect(clippy::cast_precision_loss, reason = "counts of sessions are far below 2^52")]
fn pool_size(evidence: &Evidence) -> Finding {
    let title = "pools are as large as they are used";
    if let Some(hidden) = hidden(evidence) {
        return finding("pool-size", title, Grade::Unknown, hidden, "", "");
    }
    let idle = evidence.watched.sources.iter().find(|(_, conduct)| {
        conduct.fewest >= LARGE_POOL && (conduct.busiest as f64) < conduct.fewest as f64 * LEAST_BUSY
    });
    match idle {
        Some((source, conduct)) => finding(
            "pool-size",
            title,
            Grade::Warn,
            format!(
                "{} holds {} and had at most {} at work at once",
                named(source),
                text::count(count(conduct.fewest), "session"),
                conduct.busiest
            ),
            "lower the pool's size and let it close what it does not need; watch for longer to be sure (--for)",
            "pgconn size --from-server",
        ),
        None => finding(
            "pool-size",
            title,
            Grade::Pass,
            format!("no source holds {LARGE_POOL} sessions or more that it does not use"),
            "",
            "",
        ),
    }
}

fn pool_growth(evidence: &Evidence) -> Finding {
    let title = "connections are given back";
    let growing = evidence
        .watched
        .sources
        .iter()
        .filter(|(_, conduct)| conduct.gone == 0 && conduct.last >= conduct.first + GROWTH)
        .max_by_key(|(_, conduct)| conduct.last - conduct.first);
    match growing {
        Some((source, conduct)) => finding(
            "pool-growth",
            title,
            Grade::Warn,
            format!(
                "{} grew from {} to {} sessions within {}, and none was closed",
                named(source),
                conduct.first,
                conduct.last,
                text::duration(evidence.seconds)
            ),
            "look for connections that are taken from the pool, or opened, and never given back",
            format!("pgconn ls --app {} --sort age", argument(&source.application_name)),
        ),
        None => finding(
            "pool-growth",
            title,
            Grade::Pass,
            "no source only grew while it was watched".into(),
            "",
            "",
        ),
    }
}

fn slots(evidence: &Evidence) -> Finding {
    let title = "the server has room for what comes";
    let slots = &evidence.scraped.facts.connections;
    let text = format!("{} of {} usable connections in use", slots.used_at_most, slots.usable);
    let share = |percent: i64| slots.used_at_most * 100 > slots.usable * percent;
    let status = match (share(95), share(80)) {
        (true, _) => Grade::Fail,
        (_, true) => Grade::Warn,
        _ => Grade::Pass,
    };
    finding(
        "slots",
        title,
        status,
        text,
        "lower the pools' sizes before raising max_connections",
        "pgconn size --from-server",
    )
}

fn limits(evidence: &Evidence) -> Finding {
    let title = "no application can take every slot";
    let unlimited = evidence.origins.iter().find(|origin| {
        !origin.superuser && !origin.role_limited && !origin.database_limited && origin.role.is_some()
    });
    match unlimited {
        Some(origin) => {
            let role = origin.role.clone().unwrap_or_default();
            finding(
                "connection-limits",
                title,
                Grade::Warn,
                format!("role \"{role}\" has no CONNECTION LIMIT, nor has its database"),
                "give each application's role a limit below the server's",
                format!(
                    "ALTER ROLE {} CONNECTION LIMIT {}",
                    quoted(&role),
                    (evidence.scraped.facts.connections.usable / 2).max(1)
                ),
            )
        }
        None => finding(
            "connection-limits",
            title,
            Grade::Pass,
            "every role that is connected has a limit, of its own or of its database".into(),
            "",
            "",
        ),
    }
}

fn left_open(evidence: &Evidence) -> Finding {
    let title = "transactions are ended, not left open";
    let idle = &evidence.scraped.facts.idle_xact;
    let seconds = idle.seconds.unwrap_or(0.0);
    match (&idle.culprit, hidden(evidence)) {
        (Some(culprit), _) if seconds >= LEFT_OPEN.0 => finding(
            "idle-in-transaction",
            title,
            if seconds >= LEFT_OPEN.1 { Grade::Fail } else { Grade::Warn },
            format!(
                "{} idle, the longest for {}: pid {} of {}",
                text::count(idle.count, "open transaction"),
                text::duration(seconds),
                culprit.pid,
                named(&Source {
                    application_name: culprit.application_name.clone(),
                    role: culprit.role.clone()
                })
            ),
            "commit before waiting for anything else, and set idle_in_transaction_session_timeout",
            "pgconn ls --state idle-in-transaction",
        ),
        (_, Some(hidden)) => finding("idle-in-transaction", title, Grade::Unknown, hidden, "", ""),
        _ => finding(
            "idle-in-transaction",
            title,
            Grade::Pass,
            format!("no transaction was idle for {}", text::duration(LEFT_OPEN.0)),
            "",
            "",
        ),
    }
}

fn prepared(evidence: &Evidence) -> Finding {
    let title = "prepared transactions are finished";
    match &evidence.scraped.facts.prepared.oldest {
        Some(oldest) if oldest.seconds >= PREPARED => finding(
            "prepared-xact",
            title,
            Grade::Fail,
            format!(
                "\"{}\" of role {} waits for {}",
                oldest.gid,
                oldest.owner,
                text::duration(oldest.seconds)
            ),
            "commit or roll it back: it holds its locks, and back VACUUM, until then",
            format!(
                "in database {}: ROLLBACK PREPARED '{}'",
                oldest.database,
                oldest.gid.replace('\'', "''")
            ),
        ),
        _ => finding("prepared-xact", title, Grade::Pass, "none is older than 5 minutes".into(), "", ""),
    }
}

fn timeout(evidence: &Evidence, setting: Setting, rule: &'static str, title: &'static str) -> Finding {
    let Some(server) = evidence.settings.server.iter().find(|server| server.setting == setting) else {
        return finding(rule, title, Grade::Unknown, "the server does not tell the setting".into(), "", "");
    };
    let mut without = Vec::new();
    let mut unknown = false;
    for origin in evidence.origins.iter().filter(|origin| !origin.superuser) {
        let Some(role) = &origin.role else { continue };
        match effective(&evidence.settings, server, Some(role), origin.database.as_deref()).value_seconds {
            None => unknown = true,
            Some(seconds) if seconds <= 0.0 && !without.contains(role) => without.push(role.clone()),
            Some(_) => {}
        }
    }
    let name = setting.name();
    match without.first() {
        Some(first) => finding(
            rule,
            title,
            Grade::Warn,
            format!("no {name} for {}", without.join(", ")),
            "set it for the application's roles, longer than their longest honest statement",
            format!("ALTER ROLE {} SET {name} = '30s'", quoted(first)),
        ),
        None if unknown => finding(
            rule,
            title,
            Grade::Unknown,
            format!("this session cannot tell the server's {name}"),
            "",
            "",
        ),
        None => finding(
            rule,
            title,
            Grade::Pass,
            format!("every ordinary role that is connected has {name}"),
            "",
            "",
        ),
    }
}

fn application_name(evidence: &Evidence) -> Finding {
    let title = "sessions say which application they belong to";
    let unnamed: Vec<&Origin> =
        evidence.origins.iter().filter(|origin| origin.application_name.is_empty()).collect();
    let sessions: i64 = unnamed.iter().map(|origin| origin.sessions).sum();
    match unnamed.first() {
        Some(first) => finding(
            "application-name",
            title,
            Grade::Warn,
            format!(
                "{} without application_name, most of role {}",
                text::count(sessions, "session"),
                first.role.as_deref().unwrap_or("(dropped)")
            ),
            "set application_name in the connection string of each service",
            "pgconn stats --by client --by role",
        ),
        None => finding("application-name", title, Grade::Pass, "every session has one".into(), "", ""),
    }
}

fn superuser(evidence: &Evidence) -> Finding {
    let title = "applications are not superusers";
    let tool = |name: &str| TOOLS.iter().any(|tool| name.starts_with(tool));
    let found = evidence.origins.iter().find(|origin| origin.superuser && !tool(&origin.application_name));
    match found {
        Some(origin) => {
            let role = origin.role.clone().unwrap_or_default();
            finding(
                "superuser",
                title,
                Grade::Warn,
                format!(
                    "{} of {} as superuser \"{role}\"",
                    text::count(origin.sessions, "session"),
                    application(&origin.application_name)
                ),
                "use a role that owns what the application needs; superusers pass every limit and take the reserved slots",
                format!("pgconn ls --role {}", Name::argument(&role)),
            )
        }
        None => {
            finding("superuser", title, Grade::Pass, "only tools are connected as superusers".into(), "", "")
        }
    }
}

fn tls(evidence: &Evidence) -> Finding {
    let title = "connections over the network are encrypted";
    let plain: i64 = evidence.origins.iter().filter(|o| o.plaintext == Some(true)).map(|o| o.sessions).sum();
    let hidden: i64 = evidence.origins.iter().filter(|o| o.plaintext.is_none()).map(|o| o.sessions).sum();
    if plain > 0 {
        let whose = evidence.origins.iter().find(|origin| origin.plaintext == Some(true));
        let whose = whose.map(|origin| application(&origin.application_name)).unwrap_or_default();
        return finding(
            "tls",
            title,
            Grade::Warn,
            format!("{} from other machines without TLS, most of {whose}", text::count(plain, "session")),
            "set ssl = on, use hostssl lines in pg_hba.conf, and sslmode=verify-full in the clients",
            "pgconn stats --by client",
        );
    }
    if hidden > 0 {
        let text = format!("the transport of {} is hidden from this role", text::count(hidden, "session"));
        return finding("tls", title, Grade::Unknown, text, "", "");
    }
    finding("tls", title, Grade::Pass, "no session of another machine is in plaintext".into(), "", "")
}

fn visibility(evidence: &Evidence) -> Finding {
    let title = "monitoring sees everything, without being superuser";
    let me = &evidence.scraped.surroundings.me;
    if me.sees_all {
        return finding(
            "monitoring-role",
            title,
            Grade::Pass,
            format!("role \"{}\" sees every session", me.role),
            "",
            "",
        );
    }
    finding(
        "monitoring-role",
        title,
        Grade::Fail,
        format!("role \"{}\" does not see what other roles' sessions do", me.role),
        "grant it pg_monitor",
        format!("GRANT pg_monitor TO {}", quoted(&me.role)),
    )
}

fn reserved(evidence: &Evidence) -> Finding {
    let title = "monitoring and rescue get in when the server is full";
    let surroundings = &evidence.scraped.surroundings;
    let (limits, version) = (surroundings.limits, surroundings.server.version_num);
    let advice =
        "reserve slots for monitoring (16 and later: reserved_connections, with pg_use_reserved_connections)";
    if limits.superuser_reserved == 0 {
        return finding(
            "reserved-slots",
            title,
            Grade::Fail,
            "superuser_reserved_connections is 0".into(),
            advice,
            "ALTER SYSTEM SET superuser_reserved_connections = 3",
        );
    }
    if version >= 160_000 && limits.reserved == 0 && !surroundings.me.superuser {
        return finding(
            "reserved-slots",
            title,
            Grade::Warn,
            format!(
                "reserved_connections is 0, so role \"{}\" is kept out of a full server",
                surroundings.me.role
            ),
            advice,
            "ALTER SYSTEM SET reserved_connections = 2",
        );
    }
    let text =
        format!("{} reserved for superusers, {} for other roles", limits.superuser_reserved, limits.reserved);
    finding("reserved-slots", title, Grade::Pass, text, "", "")
}
