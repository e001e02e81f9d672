//! Rules about the settings of the pooler before the server, where its console was named.

use std::collections::BTreeMap;

use super::{Rule, listed};
use crate::model::pooler::Facts;
use crate::model::practice::{Finding, Grade};
use crate::poolconf::pgbouncer::Version;
use crate::render::text;

const NEXT: &str = "pgconn pooler";

/// Judges the pooler by its own console; `usable` are the server's slots for ordinary roles.
pub(super) fn findings(facts: &Facts, usable: i64) -> Vec<Finding> {
    vec![mode(facts), caps(facts, usable), authentication(facts), prepared_statements(facts)]
}

/// In session mode a client keeps its connection while it does nothing, so that others wait for it.
fn mode(facts: &Facts) -> Finding {
    let rule = Rule::new("pooler-mode", "the pooler's mode fits what its clients do");
    let waiting = facts.pools.iter().find(|pool| {
        pool.pool_mode.as_deref() == Some("session")
            && pool.clients_waiting.is_some_and(|waiting| waiting > 0)
    });
    if let Some(pool) = waiting {
        let clients = text::count(pool.clients_waiting.unwrap_or(0), "client");
        return rule.found(
            Grade::Warn,
            format!("{clients} wait for pool {}/{}, which is in session mode", pool.database, pool.user),
            "in session mode a connection is free only when its client disconnects; transaction mode lets many clients \
             share few, if they need no SET, advisory locks, LISTEN or temporary tables of their own",
            "pgconn pooler clients --state waiting",
        );
    }
    if facts.pools.iter().any(|pool| pool.pool_mode.is_none()) {
        return rule.unknown("the console does not say which mode its pools are in");
    }
    let mut modes: Vec<&str> = facts.pools.iter().filter_map(|pool| pool.pool_mode.as_deref()).collect();
    modes.sort_unstable();
    modes.dedup();
    match modes.is_empty() {
        true => rule.pass("no client has used it yet"),
        false => {
            rule.pass(format!("{}; no client of a pool in session mode waits", listed(modes.into_iter())))
        }
    }
}

/// Pools that together may open more than the server lets in fail when all are busy, and not before.
fn caps(facts: &Facts, usable: i64) -> Finding {
    let rule = Rule::new("pooler-caps", "what the pools may open fits into the server");
    let mut by_database: BTreeMap<&str, Option<i64>> = BTreeMap::new();
    for pool in &facts.pools {
        let most = pool.pool_size.map(|size| size + pool.reserve_pool_size.unwrap_or(0));
        let sum = by_database.entry(&pool.database).or_insert(Some(0));
        *sum = sum.zip(most).map(|(sum, most)| sum + most);
    }
    let bounded = by_database.iter().map(|(name, sum)| {
        let database = facts.databases.iter().find(|database| database.name == **name);
        let cap = database.and_then(|database| database.max_db_connections);
        match (*sum, cap) {
            (Some(sum), Some(cap)) => Some(sum.min(cap)),
            (sum, cap) => sum.or(cap),
        }
    });
    let Some(most) = bounded.sum::<Option<i64>>() else {
        return rule.unknown("a pool has neither a size nor max_db_connections that the console tells");
    };
    let evidence = format!(
        "{} may open {most} connections, and the server has {usable} usable slots",
        text::count(i64::try_from(facts.pools.len()).unwrap_or(i64::MAX), "pool")
    );
    if most > usable {
        let advice = "set max_db_connections so that all databases together stay below the server's slots";
        return rule.found(Grade::Warn, evidence, advice, "pgconn size --from-server --emit pgbouncer");
    }
    rule.pass(evidence)
}

fn authentication(facts: &Facts) -> Finding {
    let rule = Rule::new("pooler-auth", "the pooler asks its clients for proof of who they are");
    let Some(method) = facts.settings.auth_type.as_deref() else {
        return rule.unknown("the console does not show auth_type");
    };
    let evidence = format!("auth_type is {method}");
    let advice = "set auth_type = scram-sha-256, with an auth_file or auth_query that holds SCRAM secrets";
    match method {
        "any" | "trust" => rule.found(Grade::Fail, evidence, advice, NEXT),
        "plain" | "md5" => rule.found(Grade::Warn, evidence, advice, NEXT),
        _ => rule.pass(evidence),
    }
}

/// PgBouncer keeps named statements in transaction mode from 1.21 on, when it is told to; 1.24 does by default.
fn prepared_statements(facts: &Facts) -> Finding {
    let rule = Rule::new("pooler-prepared", "prepared statements of clients work through the pooler");
    let modes = facts.pools.iter().filter_map(|pool| pool.pool_mode.as_deref());
    if !modes.chain(facts.settings.pool_mode.as_deref()).any(|mode| mode == "transaction") {
        return rule.pass("no pool is in transaction mode, where they need the pooler's help");
    }
    let version = &facts.product.version;
    let Some(known) = Version::parse(version) else {
        return rule.unknown(format!("the version {version} is not one of PgBouncer's"));
    };
    if !known.has_prepared_statements() {
        return rule.found(
            Grade::Warn,
            format!("{} {version} gives named statements to whoever comes next in transaction mode", facts.product.name),
            "upgrade to 1.21 or later and set max_prepared_statements, or switch them off in every client library",
            NEXT,
        );
    }
    match facts.settings.max_prepared_statements {
        None => rule.unknown("the console does not show max_prepared_statements"),
        Some(0) => rule.found(
            Grade::Warn,
            "max_prepared_statements is 0, and pools are in transaction mode".into(),
            "set max_prepared_statements = 200, or switch named statements off in every client library",
            NEXT,
        ),
        Some(number) => rule.pass(format!("max_prepared_statements is {number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pooler::{Database, Pool, Product, Settings};

    fn facts(mode: &str, version: &str, auth: &str) -> Facts {
        let pool = Pool {
            database: "shop".into(),
            user: "app".into(),
            pool_mode: Some(mode.into()),
            pool_size: Some(20),
            reserve_pool_size: Some(5),
            clients_waiting: Some(0),
            ..Pool::default()
        };
        Facts {
            product: Product { name: "PgBouncer".into(), version: version.into() },
            pools: vec![pool.clone(), Pool { user: "batch".into(), ..pool }],
            databases: vec![Database { name: "shop".into(), ..Database::default() }],
            settings: Settings {
                auth_type: Some(auth.into()),
                max_prepared_statements: Some(200),
                ..Settings::default()
            },
            ..Facts::default()
        }
    }

    fn grades(facts: &Facts, usable: i64) -> [Grade; 4] {
        let grades: Vec<Grade> = findings(facts, usable).iter().map(|finding| finding.status).collect();
        grades.try_into().unwrap()
    }

    #[test]
    fn each_rule_is_judged_by_its_own_setting() {
        use Grade::{Fail, Pass, Unknown, Warn};
        let good = facts("transaction", "1.24.1", "scram-sha-256");
        assert_eq!(grades(&good, 50), [Pass, Pass, Pass, Pass]);
        assert_eq!(grades(&good, 49), [Pass, Warn, Pass, Pass]);
        let mut capped = good.clone();
        capped.databases[0].max_db_connections = Some(30);
        assert_eq!(grades(&capped, 30)[1], Pass);
        assert_eq!(grades(&facts("transaction", "1.20.1", "md5"), 50), [Pass, Pass, Warn, Warn]);
        assert_eq!(grades(&facts("session", "1.18.0", "trust"), 50), [Pass, Pass, Fail, Pass]);
        let mut waits = facts("session", "1.25.0", "hba");
        waits.pools[1].clients_waiting = Some(3);
        assert_eq!(grades(&waits, 50), [Warn, Pass, Pass, Pass]);
        let mut off = good.clone();
        off.settings.max_prepared_statements = Some(0);
        assert_eq!(grades(&off, 50)[3], Warn);
        let mut silent = good;
        silent.settings = Settings::default();
        silent.pools[0].pool_size = None;
        silent.pools[0].pool_mode = None;
        assert_eq!(grades(&silent, 50), [Unknown, Unknown, Unknown, Unknown]);
    }
}
