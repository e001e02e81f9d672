//! `ping` at every width.

use std::time::Duration;

use super::report::{Counted, Pings};
use crate::commands::golden::{assert_as_written, reported};
use crate::db;

#[test]
fn ping_of_two_addresses() {
    let error = || {
        db::Error::new(
            db::ErrorKind::Refused,
            "connection refused (is the server running there and accepting TCP connections?)",
        )
    };
    let attempt = |address: &str, milliseconds: u64, error| {
        let mut attempt = db::Attempt {
            address: address.into(),
            place: "db1.example:5432".into(),
            phases: Default::default(),
            error,
        };
        attempt.phases.dns = Some(Duration::from_micros(310));
        attempt.phases.tcp = Some(Duration::from_millis(milliseconds));
        attempt
    };
    let attempts = vec![
        attempt("[2001:db8:85a3:0:0:8a2e:370:7334]:5432", 1204, Some(error())),
        attempt("203.0.113.107:5432", 12, Some(error())),
    ];
    let ping = db::Ping { attempts, query: None, outcome: Err(error()), hosts: Vec::new() };
    assert_as_written("ping", |width| {
        let (mut pings, mut counted) = (Pings::new("db1.example:5432".into()), Counted::default());
        pings.take(&ping, &mut counted);
        pings.sum_up(&counted);
        reported(&pings, width)
    });
}
