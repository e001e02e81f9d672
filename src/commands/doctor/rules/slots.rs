//! Rules about connection slots: who may take how many, and who is always let in.

use super::{Evidence, finding};
use crate::commands::quoted;
use crate::model::practice::{Finding, Grade};

pub(super) fn slots(evidence: &Evidence) -> Finding {
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

pub(super) fn limits(evidence: &Evidence) -> Finding {
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

pub(super) fn reserved(evidence: &Evidence) -> Finding {
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
