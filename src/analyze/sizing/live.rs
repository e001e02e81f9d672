//! The plan against a server in use: what each application has now, and which limit is the first to be hit.

use serde::Serialize;

use super::plan::Advice;
use super::plan::SizePlan;
use crate::model::order;
use crate::model::usage::{ByApplication, Connections, LimitUse, Owner, Tally, Usage};

/// A limit and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Limit"))]
pub(crate) struct LiveLimit {
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

impl LiveLimit {
    /// `server`, `role web`.
    pub(crate) fn words(&self) -> String {
        self.name.as_ref().map_or_else(|| self.scope.to_owned(), |name| format!("{} {name}", self.scope))
    }
}

/// One application now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LiveApplication {
    /// Its application_name; empty for those that set none.
    pub(crate) application_name: String,
    /// Sessions it has.
    pub(crate) sessions_now: i64,
    /// Of them running a statement; null when that is hidden of one of them.
    pub(crate) active_now: Option<i64>,
    /// What the plan allows it; null when the plan has no service of this name.
    pub(crate) planned: Option<u64>,
    /// How many more it could open before the plan, or a limit that its own sessions come under, says no.
    pub(crate) headroom: i64,
    /// Which of them says it: `plan`, `server`, `role web`, `database shop`.
    pub(crate) headroom_limit: String,
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
    /// `used`, and the hidden sessions that may be clients.
    pub(crate) used_at_most: i64,
    /// Slots for ordinary roles.
    pub(crate) usable: i64,
    /// Applications, the largest first.
    pub(crate) applications: Vec<LiveApplication>,
    /// Clients, the largest first.
    pub(crate) clients: Vec<LiveClient>,
    /// Every limit there is. The one with the least left is reached first, and stands first.
    pub(crate) limits: Vec<LiveLimit>,
}

/// Sets `usage`, of `tallies`, and the limits of roles and databases against `plan`, fills in what its services have now,
/// and adds what follows to its advice.
pub(crate) fn compare(plan: &mut SizePlan, usage: &Usage, tallies: &[Tally], of_names: &[LimitUse]) -> Live {
    let connections = &usage.connections;
    let limits = limits(plan, connections, of_names);
    for service in &mut plan.services {
        let now = usage.by_application.iter().find(|app| app.application_name == service.name);
        service.sessions_now = Some(now.map_or(0, |app| u64::try_from(app.count).unwrap_or(0)));
    }
    let applications = usage.by_application.iter().map(|app| {
        let service = plan.services.iter().find(|service| service.name == app.application_name);
        let planned = service.map(|service| service.total);
        let (headroom, headroom_limit) = headroom(app, planned, &limits, tallies);
        LiveApplication {
            application_name: app.application_name.clone(),
            sessions_now: app.count,
            active_now: (app.hidden == 0).then_some(app.active),
            planned,
            headroom,
            headroom_limit,
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
        limits,
    };
    plan.advice.extend(advise(plan, &live));
    live
}

/// How many more sessions an application can open, and what then says no: its plan, or the tightest limit of those that
/// its sessions come under.
fn headroom(
    app: &ByApplication,
    planned: Option<u64>,
    limits: &[LiveLimit],
    tallies: &[Tally],
) -> (i64, String) {
    let own = || tallies.iter().filter(|tally| !tally.own && tally.application_name == app.application_name);
    let concerns = |limit: &&LiveLimit| match limit.scope {
        "role" => own().any(|tally| tally.role == limit.name),
        "database" => own().any(|tally| tally.database == limit.name),
        _ => true,
    };
    let of_plan = planned.map(|planned| {
        let left = i64::try_from(planned).unwrap_or(i64::MAX).saturating_sub(app.count);
        (left.max(0), "plan".to_owned())
    });
    let of_server = limits.iter().filter(concerns).map(|limit| (limit.headroom, limit.words()));
    of_server.chain(of_plan).min_by_key(|(left, _)| *left).unwrap_or_default()
}

fn limits(plan: &SizePlan, connections: &Connections, of_names: &[LimitUse]) -> Vec<LiveLimit> {
    let total = i64::try_from(plan.total).unwrap_or(i64::MAX);
    let limit = |scope, name: Option<&String>, limit: i64, used: i64| LiveLimit {
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
    order::sort_by_key(&mut limits, |limit| limit.headroom);
    limits
}

fn advise(plan: &SizePlan, live: &Live) -> Vec<Advice> {
    let mut advice = Vec::new();
    let named = |limit: &LiveLimit| match &limit.name {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::{sizing, usage};
    use crate::model::server::ConnectionSlots;

    fn sessions(count: i64, application: &str, role: &str) -> Tally {
        Tally {
            count,
            matches: Some(true),
            backend_type: Some("client backend".into()),
            application_name: application.into(),
            database: Some("shop".into()),
            role: Some(role.into()),
            ..Tally::default()
        }
    }

    #[test]
    fn the_headroom_of_an_application_is_that_of_its_tightest_limit() {
        let mut request = sizing::tests::request(8, 1);
        let service = |name: &str| sizing::Service::new(name, sizing::services::InstanceCount::fixed(2));
        request.clients = sizing::Clients::Services(vec![service("storefront"), service("batch")]);
        let mut plan = sizing::plan(&request).unwrap();
        let planned = i64::try_from(plan.services[0].total).unwrap();
        let tallies = [
            sessions(4, "storefront", "web"),
            sessions(34, "other", "web"),
            sessions(3, "batch", "job"),
            sessions(1, "cron", "job"),
            Tally { hidden: true, state: None, ..sessions(2, "hidden", "job") },
        ];
        let limits = ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 };
        let of_names = [LimitUse { owner: Owner::Role, name: "web".into(), used: 38, hidden: 0, limit: 40 }];
        let live = compare(&mut plan, &usage::fold(limits, &tallies, 100), &tallies, &of_names);
        let of = |name: &str| {
            let app = live.applications.iter().find(|app| app.application_name == name).unwrap();
            (app.headroom, app.headroom_limit.as_str(), app.active_now)
        };
        assert_eq!(of("storefront"), (2, "role web", Some(0)));
        assert_eq!(of("batch"), (planned - 3, "plan", Some(0)));
        assert_eq!(of("cron"), (53, "server", Some(0)));
        assert_eq!(of("hidden").2, None, "hidden is not zero");
    }
}
