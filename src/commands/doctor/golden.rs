//! `doctor` at every width.

use super::*;
use crate::commands::golden::{assert_as_written, reported};

#[test]
fn doctor_of_a_shop() {
    let finding = |rule, status, title, evidence: &str| Finding {
        rule,
        status,
        title,
        evidence: evidence.into(),
        advice: (status != Grade::Pass).then(|| "set it where the role logs in, and reconnect".into()),
        next_command: (status != Grade::Pass).then(|| "pgconn timeout set 30s --role web".into()),
    };
    let findings = vec![
        finding(
            "slots",
            Grade::Fail,
            "free slots for who repairs",
            "96 of 97 slots are in use by sessions of role web",
        ),
        finding(
            "timeouts",
            Grade::Warn,
            "statements end",
            "3 roles that log in have no statement_timeout: web, jobs, report",
        ),
        finding(
            "names",
            Grade::Pass,
            "applications say who they are",
            "25 of 25 sessions have an application_name",
        ),
        finding(
            "tls",
            Grade::Pass,
            "connections from afar are encrypted",
            "all 21 sessions over TCP use TLS",
        ),
    ];
    let doctor = Doctor { findings, sampled_seconds: 10.0 };
    assert_as_written("doctor", |width| reported(&doctor, width));
}
