//! Rules about connection slots: who may take how many, and who is always let in.

use super::evidence::Evidence;
use super::found::{Found, Rule};
use crate::analyze::health::CONNECTIONS_PERCENT;
use crate::commands::closed as words;
use crate::model::database::ClosedBy;
use crate::model::practice::Grade;
use crate::model::quote::shown;
use crate::model::suggestion::{Command, Suggestion};
use crate::model::usage::{LimitUse, Owner};

pub(super) fn slots(evidence: &Evidence) -> Found {
    let rule = Rule::new("slots", "the server has room for what comes");
    let facts = &evidence.scraped.facts;
    let slots = &facts.connections;
    let used = slots.used_at_most + facts.logging_in;
    let text = format!("{used} of {} usable connections in use", slots.usable);
    let share = |percent: i32| used * 100 > slots.usable * i64::from(percent);
    let status = match (share(CONNECTIONS_PERCENT.1), share(CONNECTIONS_PERCENT.0)) {
        (true, _) => Grade::Fail,
        (_, true) => Grade::Warn,
        _ => return limited(rule, &facts.limits).unwrap_or_else(|| rule.pass(text)),
    };
    rule.found(
        status,
        text,
        "lower the pools' sizes before raising max_connections",
        Command::pgconn("stats"),
    )
}

/// The CONNECTION LIMIT that is used up most, if it is so nearly: for its role or database the server is full there.
fn limited(rule: Rule, limits: &[LimitUse]) -> Option<Found> {
    // A limit of 0 keeps everybody out on purpose.
    let limits = limits.iter().filter(|limit| limit.limit > 0);
    let fullest = limits.max_by(|one, other| (one.used * other.limit).cmp(&(other.used * one.limit)))?;
    let over = |percent: i32| fullest.used * 100 > fullest.limit * i64::from(percent);
    let status = match (over(CONNECTIONS_PERCENT.1), over(CONNECTIONS_PERCENT.0)) {
        (true, _) => Grade::Fail,
        (_, true) => Grade::Warn,
        _ => return None,
    };
    let flag = match fullest.owner {
        Owner::Role => "--role",
        Owner::Database => "--db",
    };
    Some(rule.found(
        status,
        format!(
            "{} \"{}\" uses {} of its {} connections",
            fullest.owner.word(),
            fullest.name,
            fullest.used,
            fullest.limit
        ),
        "lower the sizes of the pools that share this CONNECTION LIMIT before raising it",
        Command::pgconn("stats").only(flag, &fullest.name),
    ))
}

pub(super) fn closed(evidence: &Evidence) -> Found {
    let rule = Rule::new("closed", "every database lets its clients in");
    let Some(first) = evidence.scraped.facts.closed.first() else {
        return rule.pass("none is closed or invalid");
    };
    let told: Vec<String> = evidence.scraped.facts.closed.iter().map(words::told).collect();
    let (advice, next): (_, Suggestion) = match first.why {
        ClosedBy::Invalid => (
            "nothing else can be done to an invalid database",
            Suggestion::Statement(format!("DROP DATABASE {}", shown(&first.database))),
        ),
        ClosedBy::ConnectionLimit | ClosedBy::AllowConnections => (
            "where it is not meant so, a drain that was killed has left it: open it, or mark what nobody is to enter as a template",
            Command::pgconn("drain --restore").with("--db", &first.database).into(),
        ),
    };
    rule.found(Grade::Warn, told.join("; "), advice, next)
}

pub(super) fn limits(evidence: &Evidence) -> Found {
    let rule = Rule::new("connection-limits", "no application can take every slot");
    let unlimited = evidence.origins.iter().find_map(|origin| {
        let limited = origin.superuser || origin.role_limited || origin.database_limited;
        origin.role.as_ref().filter(|_| !limited)
    });
    let Some(role) = unlimited else {
        return rule.pass("every role that is connected has a limit, of its own or of its database");
    };
    rule.found(
        Grade::Warn,
        format!("role \"{role}\" has no CONNECTION LIMIT, nor has its database"),
        "give each application's role a limit below the server's",
        Suggestion::Statement(format!(
            "ALTER ROLE {} CONNECTION LIMIT {}",
            shown(role),
            (evidence.scraped.facts.connections.usable / 2).max(1)
        )),
    )
}

pub(super) fn reserved(evidence: &Evidence) -> Found {
    let rule = Rule::new("reserved-slots", "monitoring and rescue get in when the server is full");
    let server_context = &evidence.scraped.server_context;
    let limits = server_context.limits;
    if limits.superuser_reserved == 0 {
        return rule.found(
            Grade::Fail,
            "superuser_reserved_connections is 0, so nobody gets into a full server".into(),
            "keep a few slots for superusers; it takes a restart",
            Suggestion::Statement("ALTER SYSTEM SET superuser_reserved_connections = 3".into()),
        );
    }
    if server_context.server.version_num < 160_000 {
        return rule.pass(format!(
            "{} reserved for superusers; before PostgreSQL 16 there are none for other roles",
            limits.superuser_reserved
        ));
    }
    if limits.reserved == 0 {
        return rule.found(
            Grade::Warn,
            "reserved_connections is 0, so monitoring that is no superuser is kept out of a full server"
                .into(),
            "reserve slots for monitoring and grant pg_use_reserved_connections; it takes a restart",
            Suggestion::Statement("ALTER SYSTEM SET reserved_connections = 2".into()),
        );
    }
    let mut users = evidence.scraped.login_roles.iter().filter(|role| role.reserved && !role.superuser);
    if users.next().is_none() {
        let monitor = evidence.scraped.login_roles.iter().find(|role| role.sees_all && !role.superuser);
        return rule.found(
            Grade::Warn,
            format!("{} reserved, and no role but superusers may use them", limits.reserved),
            "grant pg_use_reserved_connections to the role that monitors",
            Suggestion::Statement(format!(
                "GRANT pg_use_reserved_connections TO {} WITH INHERIT TRUE",
                monitor.map_or_else(|| "monitor".to_owned(), |role| shown(&role.name))
            )),
        );
    }
    rule.pass(format!(
        "{} reserved for superusers, {} for roles that monitor",
        limits.superuser_reserved, limits.reserved
    ))
}
