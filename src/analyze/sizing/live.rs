//! The plan against a server in use: what each application has now, and which limit is the first to be hit.

use serde::Serialize;

use super::advice::Advice;
use super::plan::Plan;
use crate::model::health::{LimitUse, Owner};
use crate::model::usage::{Connections, Usage};

/// A limit and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Limit {
    /// `server`, `database` or `role`.
    pub(crate) scope: &'static str,
    /// Of which database or role; null for the server.
    pub(crate) name: Option<String>,
    /// Connections it allows.
    pub(crate) limit: i64,
    /// Connections that count against it, with the hidden ones that may.
    pub(crate) used: i64,
    /// Connections left before it refuses.
    pub(crate) headroom: i64,
    /// Whether it is below what the plan would open, if all of that came under it.
    pub(crate) below_plan: bool,
}

/// One application now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LiveApplication {
    /// Its application_name; empty for those that set none.
    pub(crate) application_name: String,
    /// Sessions it has.
    pub(crate) sessions_now: i64,
    /// Of them running a statement.
    pub(crate) active_now: i64,
    /// What the plan allows it; null when the plan has no service of this name.
    pub(crate) planned: Option<u64>,
    /// How many more it could open before the plan, or the server, says no.
    pub(crate) headroom: i64,
}

/// Sessions of one client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LiveClient {
    /// Its address, `local`, or null when hidden.
    pub(crate) client: Option<String>,
    /// Sessions it has.
    pub(crate) sessions_now: i64,
}

/// The server as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Live {
    /// Client sessions that can be seen, pgconn's own included.
    pub(crate) used: i64,
    /// The same with the hidden ones that may be clients.
    pub(crate) used_at_most: i64,
    /// Slots for ordinary roles.
    pub(crate) usable: i64,
    /// Applications, the largest first.
    pub(crate) applications: Vec<LiveApplication>,
    /// Clients, the largest first.
    pub(crate) clients: Vec<LiveClient>,
    /// Every limit there is. The one with the least left is reached first, and stands first.
    pub(crate) limits: Vec<Limit>,
}

/// Sets `usage` and the limits of roles and databases against `plan`, fills in what its services have now, and adds what follows to its advice.
pub(crate) fn compare(plan: &mut Plan, usage: &Usage, of_names: &[LimitUse]) -> Live {
    let connections = &usage.connections;
    let free = connections.usable.saturating_sub(connections.used_at_most).max(0);
    for service in &mut plan.services {
        let now = usage.by_application.iter().find(|app| app.application_name == service.name);
        service.sessions_now = Some(now.map_or(0, |app| u64::try_from(app.count).unwrap_or(0)));
    }
    let applications = usage.by_application.iter().map(|app| {
        let planned = plan
            .services
            .iter()
            .find(|service| service.name == app.application_name)
            .map(|service| service.total);
        let left = planned
            .map_or(free, |planned| i64::try_from(planned).unwrap_or(i64::MAX).saturating_sub(app.count));
        LiveApplication {
            application_name: app.application_name.clone(),
            sessions_now: app.count,
            active_now: app.active,
            planned,
            headroom: left.min(free).max(0),
        }
    });
    let live = Live {
        used: connections.used,
        used_at_most: connections.used_at_most,
        usable: connections.usable,
        applications: applications.collect(),
        clients: usage
            .by_client
            .iter()
            .map(|group| LiveClient { client: group.client.clone(), sessions_now: group.count })
            .collect(),
        limits: limits(plan, connections, of_names),
    };
    plan.advice.extend(advise(plan, &live));
    live
}

fn limits(plan: &Plan, connections: &Connections, of_names: &[LimitUse]) -> Vec<Limit> {
    let total = i64::try_from(plan.total).unwrap_or(i64::MAX);
    let limit = |scope, name: Option<&String>, limit: i64, used: i64| Limit {
        scope,
        name: name.cloned(),
        limit,
        used,
        headroom: limit.saturating_sub(used).max(0),
        below_plan: limit < total,
    };
    let mut limits = vec![limit("server", None, connections.usable, connections.used_at_most)];
    limits.extend(of_names.iter().map(|of_name| {
        let scope = match of_name.owner {
            Owner::Role => "role",
            Owner::Database => "database",
        };
        limit(scope, Some(&of_name.name), of_name.limit, of_name.used.saturating_add(of_name.hidden))
    }));
    limits.sort_by_key(|limit| limit.headroom);
    limits
}

fn advise(plan: &Plan, live: &Live) -> Vec<Advice> {
    let mut advice = Vec::new();
    let named = |limit: &Limit| match &limit.name {
        Some(name) => format!("the limit of {} {name}", limit.scope),
        None => "the server's slots".to_owned(),
    };
    if let Some(first) = live.limits.first() {
        advice.push(Advice {
            code: "first_limit",
            message: format!(
                "the first limit you will hit is {}: {} of {} are used, {} are left",
                named(first),
                first.used,
                first.limit,
                first.headroom
            ),
        });
    }
    for limit in live.limits.iter().filter(|limit| limit.below_plan) {
        advice.push(Advice {
            code: "limit_below_plan",
            message: format!(
                "{} ({}) would refuse some of the {} planned connections if all come under it",
                named(limit),
                limit.limit,
                plan.total
            ),
        });
    }
    for app in &live.applications {
        if let Some(planned) =
            app.planned.filter(|planned| i64::try_from(*planned).is_ok_and(|p| p < app.sessions_now))
        {
            advice.push(Advice {
                code: "over_plan",
                message: format!(
                    "{} has {} sessions now, the plan allows {planned}",
                    app.application_name, app.sessions_now
                ),
            });
        }
    }
    advice
}
