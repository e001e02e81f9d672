//! Rules about the settings of the pooler before the server, where its console was named.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Pooled};
use super::found::{Found, Rule};
use super::words::{counted, hidden, listed};
use crate::analyze::pooler::{End, leads_to};
use crate::model::pooler::{Link, PoolerFacts};
use crate::model::practice::{Grade, SampledSession};
use crate::model::suggestion::Command;
use crate::poolconf::pgbouncer::Version;
use crate::render::text;

/// What shows its settings and pools.
fn next() -> Command {
    Command::pgconn("pooler")
}

/// Judges the pooler by its own console, and by what the server says of its connections.
pub(super) fn findings(pooled: &Pooled, evidence: &Evidence) -> Vec<Found> {
    let facts = &pooled.facts;
    let usable = evidence.scraped.facts.connections.usable;
    let mode = mode(pooled, &evidence.watched.present, hidden(evidence));
    let at_console = [mode, authentication(facts), prepared_statements(facts)].map(Found::at_pooler);
    let [mode, authentication, prepared_statements] = at_console;
    vec![mode, caps(facts, usable), authentication, prepared_statements]
}

/// In session mode a client keeps its connection while it does nothing, so that others wait for it; in the other modes
/// what it leaves on the connection is the next client's. `hidden` says which sessions the server does not show.
fn mode(pooled: &Pooled, present: &[SampledSession], hidden: Option<String>) -> Found {
    let rule = Rule::new("pooler-mode", "the pooler's mode fits what its clients do");
    let facts = &pooled.facts;
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
            Command::pgconn("pooler clients --state waiting"),
        );
    }
    if let Some(left) = left_behind(pooled) {
        return rule.found(
            Grade::Warn,
            left,
            "whoever gets the connection next has the lock, and who took it cannot give it back: use \
             pg_advisory_xact_lock, or give such clients a pool in session mode",
            Command::pgconn("pooler").with("--server", &pooled.server),
        );
    }
    if facts.pools.iter().any(|pool| pool.pool_mode.is_none()) {
        return rule.unknown("the console does not say which mode its pools are in");
    }
    let mut modes: Vec<&str> = facts.pools.iter().filter_map(|pool| pool.pool_mode.as_deref()).collect();
    modes.sort_unstable();
    modes.dedup();
    if modes.is_empty() {
        return rule.pass("no client has used it yet");
    }
    let waits = format!("{}; no client of a pool in session mode waits", listed(modes.iter().copied()));
    if modes == ["session"] {
        return rule.pass(waits);
    }
    if let Some(why) = unseen(pooled, present).or(hidden) {
        return rule.unknown(format!("what clients leave on connections that they share is not seen: {why}"));
    }
    rule.pass(format!("{waits}, and no idle connection of the others holds an advisory lock"))
}

/// The mode of the pool that a connection is of, unless its clients keep their connections.
fn shared_mode<'a>(facts: &'a PoolerFacts, link: &Link) -> Option<&'a str> {
    let pool =
        facts.pools.iter().find(|pool| (&pool.database, &pool.user) == (&link.database, &link.user))?;
    pool.pool_mode.as_deref().filter(|mode| *mode != "session")
}

/// A lock on a connection that no client has: `pid 4711 of shop/app (transaction mode) is idle and holds …`.
fn left_behind(pooled: &Pooled) -> Option<String> {
    let databases = &pooled.facts.databases;
    let found = pooled.locks.iter().find_map(|lock| {
        let end = End {
            pid: lock.pid,
            database: lock.database.as_deref(),
            role: lock.role.as_deref(),
            client: lock.client.as_deref(),
            client_port: lock.client_port,
        };
        let link = pooled.links.iter().find(|link| leads_to(link, databases, &end))?;
        Some((lock, link, shared_mode(&pooled.facts, link)?))
    });
    let (lock, link, mode) = found?;
    let locks =
        if lock.held == 1 { "an advisory lock".to_owned() } else { format!("{} advisory locks", lock.held) };
    Some(format!(
        "pid {} of {}/{} ({mode} mode) is idle and holds {locks}: session locks outlive the transaction there",
        lock.pid, link.database, link.user
    ))
}

/// Why the server says nothing of the connections that clients share.
fn unseen(pooled: &Pooled, present: &[SampledSession]) -> Option<String> {
    let shared = pooled.links.iter().filter(|link| {
        link.server.as_ref().is_some_and(|server| server.pid.is_some())
            && shared_mode(&pooled.facts, link).is_some()
    });
    let (mut all, mut found) = (0, 0);
    for link in shared {
        let is_there = present.iter().any(|session| {
            let end = End {
                pid: session.identity.0,
                database: session.database.as_deref(),
                role: session.source.role.as_deref(),
                client: session.client.as_deref(),
                client_port: None,
            };
            leads_to(link, &pooled.facts.databases, &end)
        });
        all += 1;
        found += usize::from(is_there);
    }
    match (all, found) {
        (0, _) => Some("none of these connections is open".to_owned()),
        (all, 0) => Some(format!(
            "{} of the pooler, and none is a session of this server",
            counted(all, "connection")
        )),
        _ => None,
    }
}

/// Pools that together may open more than the server lets in fail when all are busy, and not before.
fn caps(facts: &PoolerFacts, usable: i64) -> Found {
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
        return rule.found(
            Grade::Warn,
            evidence,
            advice,
            Command::pgconn("size --from-server --emit pgbouncer"),
        );
    }
    rule.pass(evidence)
}

fn authentication(facts: &PoolerFacts) -> Found {
    let rule = Rule::new("pooler-auth", "the pooler asks its clients for proof of who they are");
    let Some(method) = facts.settings.auth_type.as_deref() else {
        return rule.unknown("the console does not show auth_type");
    };
    let evidence = format!("auth_type is {method}");
    let advice = "set auth_type = scram-sha-256, with an auth_file or auth_query that holds SCRAM secrets";
    match method {
        "any" | "trust" => rule.found(Grade::Fail, evidence, advice, next()),
        "plain" | "md5" => rule.found(Grade::Warn, evidence, advice, next()),
        _ => rule.pass(evidence),
    }
}

/// PgBouncer keeps named statements in transaction mode from 1.21 on, when it is told to; 1.24 does by default.
fn prepared_statements(facts: &PoolerFacts) -> Found {
    let rule = Rule::new("pooler-prepared", "prepared statements of clients work through the pooler");
    let modes = facts.pools.iter().filter_map(|pool| pool.pool_mode.as_deref());
    if !modes.chain(facts.settings.pool_mode.as_deref()).any(|mode| mode == "transaction") {
        return rule.pass("no pool is in transaction mode, where they need the pooler's help");
    }
    let version = &facts.product.version;
    let Some(known) = Version::parse(version).filter(|_| facts.product.is_pgbouncer()) else {
        return rule.unknown(format!("{} {version} is not a version of PgBouncer", facts.product.name));
    };
    if !known.has_prepared_statements() {
        return rule.found(
            Grade::Warn,
            format!("{} {version} gives named statements to whoever comes next in transaction mode", facts.product.name),
            "upgrade to 1.21 or later and set max_prepared_statements, or switch them off in every client library",
            next(),
        );
    }
    match facts.settings.max_prepared_statements {
        None => rule.unknown("the console does not show max_prepared_statements"),
        Some(0) => rule.found(
            Grade::Warn,
            "max_prepared_statements is 0, and pools are in transaction mode".into(),
            "set max_prepared_statements = 200, or switch named statements off in every client library",
            next(),
        ),
        Some(number) => rule.pass(format!("max_prepared_statements is {number}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pooler::{Database, Pool, PoolerSettings, Product, ServerConnection};
    use crate::model::practice::{SessionLocks, SessionSource};

    fn facts(mode: &str, version: &str, auth: &str) -> PoolerFacts {
        let pool = Pool {
            database: "shop".into(),
            user: "app".into(),
            pool_mode: Some(mode.into()),
            pool_size: Some(20),
            reserve_pool_size: Some(5),
            clients_waiting: Some(0),
            ..Pool::default()
        };
        PoolerFacts {
            product: Product { name: "PgBouncer".into(), version: version.into() },
            pools: vec![pool.clone(), Pool { user: "batch".into(), ..pool }],
            databases: vec![Database { name: "shop".into(), ..Database::default() }],
            settings: PoolerSettings {
                auth_type: Some(auth.into()),
                max_prepared_statements: Some(200),
                ..PoolerSettings::default()
            },
            ..PoolerFacts::default()
        }
    }

    /// The pool's one connection, which is a session of the server.
    fn pooled(facts: &PoolerFacts) -> (Pooled, Vec<SampledSession>) {
        let server = ServerConnection { pid: Some(7), ..ServerConnection::default() };
        let link = Link {
            database: "shop".into(),
            user: "app".into(),
            client: None,
            server: Some(server),
            backend: None,
            locks_held: None,
        };
        let session = SampledSession {
            identity: (7, None),
            source: SessionSource { application_name: "web".into(), role: Some("app".into()) },
            database: Some("shop".into()),
            client: Some("local".into()),
            ..SampledSession::default()
        };
        (Pooled { facts: facts.clone(), links: vec![link], ..Pooled::default() }, vec![session])
    }

    fn grades(facts: &PoolerFacts, usable: i64) -> [Grade; 4] {
        let (pooled, present) = pooled(facts);
        let findings = [
            mode(&pooled, &present, None),
            caps(facts, usable),
            authentication(facts),
            prepared_statements(facts),
        ];
        findings.map(|finding| finding.status)
    }

    #[test]
    fn a_lock_left_on_a_shared_connection_is_found_and_what_is_not_seen_is_unknown() {
        let judge =
            |kind: &str, change: &dyn Fn(&mut Pooled, &mut Vec<SampledSession>), hidden: Option<&str>| {
                let (mut pooled, mut present) = pooled(&facts(kind, "1.24.1", "md5"));
                change(&mut pooled, &mut present);
                let finding = mode(&pooled, &present, hidden.map(str::to_owned));
                (finding.status, finding.evidence)
            };
        let lock = |held| SessionLocks {
            pid: 7,
            database: Some("shop".into()),
            role: Some("app".into()),
            client: Some("local".into()),
            client_port: None,
            held,
        };
        let (grade, evidence) = judge("transaction", &|pooled, _| pooled.locks = vec![lock(1)], None);
        assert_eq!(grade, Grade::Warn);
        let said = "pid 7 of shop/app (transaction mode) is idle and holds an advisory lock: session locks outlive the \
                    transaction there";
        assert_eq!(evidence, said);
        let two = judge("statement", &|pooled, _| pooled.locks = vec![lock(2)], None);
        assert!(two.1.contains("(statement mode) is idle and holds 2 advisory locks"), "{two:?}");
        assert_eq!(judge("session", &|pooled, _| pooled.locks = vec![lock(1)], None).0, Grade::Pass);
        let other = SessionLocks { pid: 8, ..lock(1) };
        assert_eq!(
            judge("transaction", &|pooled, _| pooled.locks = vec![other.clone()], None).0,
            Grade::Pass
        );
        assert_eq!(judge("transaction", &|pooled, _| pooled.links.clear(), None).0, Grade::Unknown);
        assert_eq!(judge("transaction", &|_, present| present.clear(), None).0, Grade::Unknown);
        assert_eq!(judge("transaction", &|_, _| (), Some("9 sessions hidden")).0, Grade::Unknown);
        assert_eq!(judge("session", &|_, _| (), Some("9 sessions hidden")).0, Grade::Pass);
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
        silent.settings = PoolerSettings::default();
        silent.pools[0].pool_size = None;
        silent.pools[0].pool_mode = None;
        assert_eq!(grades(&silent, 50), [Unknown, Unknown, Unknown, Unknown]);
    }
}
