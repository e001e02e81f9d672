//! Metrics of the timeouts: what the server has, and how many roles can log in without one.

use super::families::{Families, number, sample};
use crate::analyze::settings::{of_roles, seconds};
use crate::model::metric::MetricType;
use crate::model::server::LoginRole;
use crate::model::settings::{AtServer, ServerSettings};

/// The families of `settings` and of the roles that can log in.
pub(super) fn timeouts(families: &mut Families, settings: &ServerSettings, login_roles: &[LoginRole]) {
    let ordinary = || login_roles.iter().filter(|role| !role.superuser).map(|role| role.name.as_str());
    let configured = settings.server.iter().filter_map(|server| {
        let value = seconds(server.value?, server.setting.unit())?;
        Some(sample(&[("name", server.setting.name())], value))
    });
    families.add(
        MetricType::Gauge,
        "pgconn_timeout_seconds",
        "The server's own value of a timeout, 0 when it is off; absent when this session cannot tell it.",
        configured.collect(),
    );
    families.gauge(
        "pgconn_login_roles",
        "Roles that can log in, superusers left out.",
        Some(number(ordinary().count())),
    );
    let without = settings.server.iter().filter_map(|server| {
        let count = without(settings, server, ordinary())?;
        Some(sample(&[("name", server.setting.name())], number(count)))
    });
    families.add(
        MetricType::Gauge,
        "pgconn_login_roles_without_timeout",
        "Of them those for which a timeout is off, in a database without a value of its own; absent when unknown.",
        without.collect(),
    );
}

/// How many of `roles` get 0; none when it cannot be told of one of them.
fn without<'a>(
    settings: &'a ServerSettings,
    server: &'a AtServer,
    roles: impl Iterator<Item = &'a str>,
) -> Option<usize> {
    let mut without = 0;
    for (_, value) in of_roles(settings, server, roles) {
        without += usize::from(value? == 0);
    }
    Some(without)
}
