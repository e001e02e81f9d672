//! Rules about who is connected, as what, over what, and who can see it.

use super::{Evidence, application, finding};
use crate::commands::quoted;
use crate::model::filter::Name;
use crate::model::practice::{Finding, Grade, Origin};
use crate::render::text;

/// Applications that people and tools use, which may be superusers.
const TOOLS: [&str; 8] =
    ["psql", "pgAdmin", "pg_dump", "pg_restore", "pg_basebackup", "pgconn", "vacuumdb", "reindexdb"];

pub(super) fn application_name(evidence: &Evidence) -> Finding {
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

pub(super) fn superuser(evidence: &Evidence) -> Finding {
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

pub(super) fn tls(evidence: &Evidence) -> Finding {
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

pub(super) fn visibility(evidence: &Evidence) -> Finding {
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
