//! `timeout` at every width.

use super::report::{Part, Timeouts};
use crate::commands::golden::{assert_as_written, reported};
use crate::model::settings::{Effective, Level};

#[test]
fn timeouts_of_a_shop() {
    let one = |name, role: Option<&str>, value: &str, set_by| Effective {
        name,
        role: role.map(str::to_owned),
        database: None,
        value_seconds: Some(0.0),
        value: Some(value.into()),
        set_by: Some(set_by),
        server_value_known: true,
    };
    let report = || {
        let settings = vec![
            one("statement_timeout", None, "0", Level::Default),
            one("idle_in_transaction_session_timeout", None, "5min", Level::Server),
            one("client_connection_check_interval", None, "0", Level::Default),
            one("statement_timeout", Some("web"), "30s", Level::Role),
        ];
        let unlimited = ["an_application_with_a_long_name", "report"];
        let unlimited = unlimited.map(|role| one("statement_timeout", Some(role), "0", Level::Default));
        let mut report = Timeouts::of(Part::Overview, settings);
        report.login_roles = Some(unlimited.into());
        report
    };
    assert_as_written("timeout", |width| reported(&report(), width));
}
