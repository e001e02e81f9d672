//! A role that is kept from one view: what is not about that is still told.

use super::super::common::{Pgconn, with};
use super::{metrics, promtool, series};

#[test]
fn one_forbidden_view_takes_its_families_alone() {
    let server = with(&[("max_connections", "20"), ("max_prepared_transactions", "2")]);
    server.query("create role monitor login in role pg_monitor");
    for (object, absent, present, rule) in [
        (
            "select on pg_catalog.pg_prepared_xacts",
            "pgconn_prepared_transactions",
            "pgconn_oldest_query_seconds",
            "prepared-xact",
        ),
        (
            "select on pg_catalog.pg_replication_slots",
            "pgconn_horizon_age_transactions{holder=\"slot\"}",
            "pgconn_prepared_transactions",
            "oldest-xmin",
        ),
        (
            "select on pg_catalog.pg_locks",
            "pgconn_sessions_waiting_for_lock",
            "pgconn_prepared_transactions",
            "blocked",
        ),
        (
            "execute on function pg_catalog.pg_prepared_xact()",
            "pgconn_prepared_transactions",
            "pgconn_connections_max",
            "prepared-xact",
        ),
    ] {
        server.query(&format!("revoke {object} from public"));
        let seen = metrics(&server, &["-U", "monitor"]).success();
        promtool(&seen.stdout);
        let found = series(&seen.stdout);
        assert_eq!(found["pgconn_up"], 1.0, "{object}: {seen}");
        assert!(!found.contains_key(absent) && found["pgconn_look_errors"] > 0.0, "{object}: {seen}");
        if object.contains("pg_locks") {
            assert!(
                !found.contains_key("pgconn_connections_used"),
                "what uses it is not known either: {seen}"
            );
        } else {
            assert!(
                found.contains_key(present) && found.contains_key("pgconn_connections_used"),
                "{object}: {seen}"
            );
        }
        assert!(seen.stderr.contains("are not known: permission denied for "), "{object}: {seen}");
        let checked =
            Pgconn::new(&["check", "-U", "monitor", "--json"]).on(&server).run().fails_with(3).json();
        let checks = checked["checks"].as_array().unwrap();
        let status =
            |name: &str| checks.iter().find(|check| check["rule"] == name).unwrap()["status"].clone();
        assert_eq!((status(rule), status("reachable")), ("unknown".into(), "ok".into()), "{checked:#}");
        let audit = Pgconn::new(&["doctor", "-U", "monitor", "--for", "100ms", "--json"]).on(&server).run();
        if object.contains("prepared") {
            let audit = audit.success().json();
            let finding = audit["findings"]
                .as_array()
                .unwrap()
                .iter()
                .find(|one| one["rule"] == "prepared-xact")
                .unwrap();
            assert_eq!(finding["status"], "unknown", "{finding:#}");
        }
        server.query(&format!("grant {object} to public"));
    }
    let whole = metrics(&server, &["-U", "monitor"]).success();
    assert_eq!(series(&whole.stdout)["pgconn_look_errors"], 0.0, "{whole}");
    assert!(!whole.stdout.contains("pgconn_look_refused"), "{whole}");
}
