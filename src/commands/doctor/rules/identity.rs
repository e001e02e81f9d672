//! Rules about who is connected, as what, over what, and who can see it.

use super::evidence::Evidence;
use super::found::{Found, Rule};
use super::words::{application, listed};
use crate::model::practice::{Grade, Origin};
use crate::model::quote::shown;
use crate::model::suggestion::{Command, Suggestion};
use crate::render::text;

/// Applications that people and tools use, which may be superusers.
const TOOLS: [&str; 8] =
    ["psql", "pgAdmin", "pg_dump", "pg_restore", "pg_basebackup", "pgconn", "vacuumdb", "reindexdb"];

pub(super) fn application_name(evidence: &Evidence) -> Found {
    let rule = Rule::new("application-name", "sessions say which application they belong to");
    let unnamed: Vec<&Origin> =
        evidence.origins.iter().filter(|origin| origin.application_name.is_empty()).collect();
    let Some(first) = unnamed.first() else { return rule.pass("every session has one") };
    rule.found(
        Grade::Warn,
        format!(
            "{} without application_name, most of role {}",
            text::count(unnamed.iter().map(|origin| origin.sessions).sum(), "session"),
            first.role.as_deref().unwrap_or("(dropped)")
        ),
        "set application_name in the connection string of each service",
        Command::pgconn("stats --by client --by role"),
    )
}

pub(super) fn superuser(evidence: &Evidence) -> Found {
    let rule = Rule::new("superuser", "applications are not superusers");
    let tool = |name: &str| TOOLS.iter().any(|tool| name.starts_with(tool));
    let found: Vec<&Origin> = evidence
        .origins
        .iter()
        .filter(|origin| origin.superuser && !tool(&origin.application_name))
        .collect();
    let Some(first) = found.first() else { return rule.pass("only tools are connected as superusers") };
    let role = first.role.as_deref().unwrap_or_default();
    let others: Vec<&str> =
        found.iter().skip(1).map(|origin| application(&origin.application_name)).collect();
    let also =
        if others.is_empty() { String::new() } else { format!("; also {}", listed(others.iter().copied())) };
    rule.found(
        Grade::Warn,
        format!(
            "{} of {} as superuser \"{role}\"{also}",
            text::count(first.sessions, "session"),
            application(&first.application_name)
        ),
        "use a role that owns what the application needs; superusers pass every limit and take the reserved slots",
        Command::pgconn("ls").only("--role", role),
    )
}

pub(super) fn tls(evidence: &Evidence) -> Found {
    let rule = Rule::new("tls", "connections over the network are encrypted");
    let plain: i64 = evidence.origins.iter().filter(|o| o.plaintext == Some(true)).map(|o| o.sessions).sum();
    let hidden: i64 = evidence.origins.iter().filter(|o| o.plaintext.is_none()).map(|o| o.sessions).sum();
    if plain > 0 {
        let whose = evidence.origins.iter().find(|origin| origin.plaintext == Some(true));
        let whose = whose.map(|origin| application(&origin.application_name)).unwrap_or_default();
        return rule.found(
            Grade::Warn,
            format!("{} from other machines without TLS, most of {whose}", text::count(plain, "session")),
            "set ssl = on, use hostssl lines in pg_hba.conf, and sslmode=verify-full in the clients",
            Command::pgconn("stats --by client"),
        );
    }
    if hidden > 0 {
        return rule.unknown(format!(
            "the transport of {} is hidden from this role",
            text::count(hidden, "session")
        ));
    }
    rule.pass("no session of another machine is in plaintext")
}

pub(super) fn visibility(evidence: &Evidence) -> Found {
    let rule = Rule::new("monitoring-role", "monitoring sees everything, without being superuser");
    let me = &evidence.scraped.server_context.rights;
    if !me.sees_all {
        return rule.found(
            Grade::Fail,
            format!("role \"{}\" does not see what other roles' sessions do", me.role),
            "grant it pg_monitor",
            Suggestion::Statement(format!("GRANT pg_monitor TO {}", shown(&me.role))),
        );
    }
    if !me.superuser {
        return rule.pass(format!("role \"{}\" sees every session", me.role));
    }
    let mut monitors = evidence.scraped.login_roles.iter().filter(|role| role.sees_all && !role.superuser);
    match monitors.next() {
        Some(monitor) => {
            rule.pass(format!("role \"{}\" sees every session and is no superuser", monitor.name))
        }
        None => rule.found(
            Grade::Warn,
            format!("nobody but superusers such as \"{}\" sees every session", me.role),
            "monitor with a role that has pg_monitor and nothing else",
            Suggestion::Statement("CREATE ROLE monitor LOGIN; GRANT pg_monitor TO monitor".into()),
        ),
    }
}
