use super::*;
use crate::db::Scraped;
use crate::model::blocking;
use crate::model::health::{HealthFacts, PreparedXact, PreparedXacts};
use crate::model::metric::DatabaseCounters;
use crate::model::practice::{Origin, SampledSession, Watched};
use crate::model::rights::Rights;
use crate::model::server::{ConnectionSlots, LoginRole, Server, ServerContext};
use crate::model::settings::ServerSettings;
use crate::model::suggestion::Lead;
use crate::model::usage::{Connections, LimitUse, Owner};

/// A server at which nothing is wrong, watched for ten seconds.
fn clean() -> Evidence {
    let limits = ConnectionSlots { max_connections: 100, superuser_reserved: 3, reserved: 0 };
    let server = Server {
        version: "15.4".into(),
        version_num: 150_004,
        in_recovery: false,
        started_at: String::new(),
    };
    let server_context = ServerContext {
        server,
        product: "PostgreSQL 15.4".into(),
        backend_pid: 1,
        uptime_seconds: 60.0,
        limits,
        rights: Rights { role: "monitor".into(), sees_all: true, ..Rights::default() },
        query_size: 1024,
    };
    let facts = HealthFacts { connections: Connections::new(limits, 5, 0), ..HealthFacts::default() };
    let (tallies, databases, settings, login_roles) =
        (Vec::new(), Vec::new(), ServerSettings::default(), Vec::new());
    let scraped = Scraped {
        server_context,
        facts,
        tallies,
        databases,
        settings: settings.into(),
        login_roles: login_roles.into(),
        settings_age_seconds: 0.0,
    };
    Evidence {
        scraped,
        before: Vec::new(),
        counted_late: 0,
        origins: Vec::new(),
        left_open: Vec::new(),
        prepared_blockers: Vec::new(),
        watched: Watched::default(),
        seconds: 10.0,
        counted_seconds: 10.0,
    }
}

/// A pool of one session that serves these applications one after the other.
fn pooled(applications: &[&str]) -> Watched {
    let mut watched = Watched::default();
    for application in applications.iter().cycle().take(6) {
        watched.add(vec![SampledSession::idle(1, application, "app")]);
    }
    watched
}

fn counters(sessions: f64) -> DatabaseCounters {
    DatabaseCounters { database: "shop".into(), sessions: Some(sessions), ..DatabaseCounters::default() }
}

#[test]
fn sessions_too_short_to_be_seen_are_named_by_their_database() {
    let mut evidence = clean();
    evidence.before = vec![counters(100.0)];
    evidence.scraped.databases = vec![counters(130.0)];
    let found = pools::pooling(&evidence);
    assert_eq!(found.status, Grade::Warn);
    assert_eq!(
        found.evidence,
        "30 sessions opened and closed within 10.0s (3.0 per second); none lived long enough to be seen, most of them in \
         database shop"
    );
    evidence.scraped.databases = vec![counters(230.0)];
    assert_eq!(pools::pooling(&evidence).status, Grade::Fail);
    evidence.scraped.databases = vec![counters(102.0)];
    assert_eq!(pools::pooling(&evidence).status, Grade::Pass);
}

#[test]
fn sessions_forgotten_for_an_hour_are_found_by_their_source() {
    let mut evidence = clean();
    let idle =
        |pid| SampledSession { idle_seconds: Some(3601.0), ..SampledSession::idle(pid, "report", "app") };
    evidence.watched.add((0..5).map(idle).collect());
    let found = pools::idle_sessions(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (Grade::Warn, "5 sessions of report (role app) have been idle for over 1h 00m")
    );
    assert_eq!(
        found.next.unwrap().shown(&Lead::default()),
        "pgconn ls --app report --state idle --idle-for 1h"
    );
    evidence.watched.add((0..4).map(idle).collect());
    assert_eq!(pools::idle_sessions(&evidence).status, Grade::Pass);
    evidence.scraped.facts.undecidable = 1;
    assert_eq!(pools::idle_sessions(&evidence).status, Grade::Unknown);
}

#[test]
fn a_prepared_transaction_is_found_when_it_is_old_or_waited_for() {
    let mut evidence = clean();
    let at = |seconds| {
        let xact = PreparedXact { gid: "it's".into(), owner: "app".into(), database: "shop".into(), seconds };
        PreparedXacts { count: 1, oldest: Some(xact), older: Vec::new() }
    };
    evidence.scraped.facts.prepared = at(10.0);
    assert_eq!(transactions::prepared(&evidence).status, Grade::Pass);
    let in_the_way = |gid: &str, waiting: &[i32]| blocking::PreparedBlocker {
        gid: gid.into(),
        owner: "app".into(),
        database: "shop".into(),
        prepared_seconds: 9.0,
        waiting_pids: waiting.to_vec(),
        blocks: Vec::new(),
        holds: Vec::new(),
    };
    evidence.prepared_blockers = vec![in_the_way("a", &[1, 2]), in_the_way("b", &[2])];
    let found = transactions::prepared(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (
            Grade::Warn,
            "\"a\" of role app has been prepared for 9.0s; 2 sessions waiting behind it and 1 other prepared transaction"
        )
    );
    evidence.prepared_blockers = vec![in_the_way("a", &[1])];
    evidence.scraped.facts.prepared = at(300.0);
    let found = transactions::prepared(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (
            Grade::Fail,
            "\"a\" of role app has been prepared for 9.0s; 1 session waiting behind it; \"it's\" of role app has been \
             prepared for 5m 00s"
        )
    );
    evidence.prepared_blockers.clear();
    let found = transactions::prepared(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (Grade::Fail, "\"it's\" of role app has been prepared for 5m 00s")
    );
    assert_eq!(
        found.advice.unwrap(),
        "ask the transaction manager which was decided, then in database \"shop\": COMMIT PREPARED 'it''s' or ROLLBACK \
         PREPARED 'it''s'; until then it holds its locks, and back VACUUM"
    );
    assert_eq!(
        found.next.unwrap().shown(&Lead::default()),
        "psql -d shop -c 'select * from pg_prepared_xacts order by prepared'"
    );
}

#[test]
fn serverless_clients_are_judged_by_what_their_sessions_do() {
    let mut evidence = clean();
    assert_eq!(poolers::serverless(&evidence).status, Grade::Pass);
    evidence.watched = pooled(&["vercel", "api"]);
    assert_eq!(poolers::serverless(&evidence).status, Grade::Pass);
    let mut staying = Watched::default();
    staying.add(vec![SampledSession::idle(1, "vercel", "app")]);
    evidence.watched = staying.clone();
    assert_eq!(poolers::serverless(&evidence).status, Grade::Unknown);
    staying.add(vec![SampledSession {
        client: Some("10.0.0.8".into()),
        ..SampledSession::idle(2, "vercel", "app")
    }]);
    evidence.watched = staying;
    assert_eq!(poolers::serverless(&evidence).status, Grade::Warn);
    let mut unnamed = Watched::default();
    unnamed.add(vec![SampledSession::idle(1, "", "app")]);
    evidence.watched = unnamed;
    assert_eq!(poolers::serverless(&evidence).status, Grade::Unknown);
}

#[test]
fn long_work_belongs_on_sessions_of_its_own() {
    let mut evidence = clean();
    let mut status = |watched: Watched| {
        evidence.watched = watched;
        poolers::long_work(&evidence).status
    };
    assert_eq!(status(Watched::default()), Grade::Pass);
    assert_eq!(status(pooled(&["api", "web"])), Grade::Pass);
    assert_eq!(status(pooled(&["api", "flyway"])), Grade::Warn);
    let mut long = pooled(&["api", "web"]);
    long.add(vec![SampledSession { xact_seconds: Some(61.0), ..SampledSession::idle(2, "batch", "app") }]);
    assert_eq!(status(long), Grade::Warn);
    let mut alone = Watched::default();
    alone.add(vec![SampledSession::idle(1, "flyway", "deploy"), SampledSession::idle(2, "api", "app")]);
    assert_eq!(status(alone), Grade::Pass);
    let mut among = Watched::default();
    among.add(vec![SampledSession::idle(1, "flyway", "app"), SampledSession::idle(2, "api", "app")]);
    assert_eq!(status(among), Grade::Unknown);
}

#[test]
fn slots_are_reserved_for_whoever_monitors() {
    let mut evidence = clean();
    assert_eq!(slots::reserved(&evidence).status, Grade::Pass);
    evidence.scraped.server_context.server.version_num = 160_000;
    assert_eq!(slots::reserved(&evidence).status, Grade::Warn);
    evidence.scraped.server_context.limits.reserved = 2;
    let monitor = LoginRole { name: "watch".into(), sees_all: true, ..LoginRole::default() };
    evidence.scraped.login_roles = vec![monitor.clone()].into();
    let found = slots::reserved(&evidence);
    assert_eq!(
        found.next.unwrap().shown(&Lead::default()),
        "GRANT pg_use_reserved_connections TO \"watch\" WITH INHERIT TRUE"
    );
    evidence.scraped.login_roles = vec![LoginRole { reserved: true, ..monitor }].into();
    assert_eq!(slots::reserved(&evidence).status, Grade::Pass);
    evidence.scraped.server_context.limits.superuser_reserved = 0;
    assert_eq!(slots::reserved(&evidence).status, Grade::Fail);
}

#[test]
fn plaintext_from_other_machines_is_found() {
    let mut evidence = clean();
    let origin =
        |plaintext| Origin { application_name: "api".into(), plaintext, sessions: 2, ..Origin::default() };
    evidence.origins = vec![origin(Some(false))];
    assert_eq!(identity::tls(&evidence).status, Grade::Pass);
    evidence.origins.push(origin(None));
    assert_eq!(identity::tls(&evidence).status, Grade::Unknown);
    evidence.origins.push(origin(Some(true)));
    let found = identity::tls(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (Grade::Warn, "2 sessions from other machines without TLS, most of api")
    );
}

#[test]
fn a_superuser_does_not_prove_that_monitoring_sees_everything() {
    let mut evidence = clean();
    assert_eq!(identity::visibility(&evidence).status, Grade::Pass);
    evidence.scraped.server_context.rights.superuser = true;
    assert_eq!(identity::visibility(&evidence).status, Grade::Warn);
    evidence.scraped.login_roles = vec![LoginRole { sees_all: true, ..LoginRole::default() }].into();
    assert_eq!(identity::visibility(&evidence).status, Grade::Pass);
    evidence.scraped.server_context.rights = Rights { role: "plain".into(), ..Rights::default() };
    assert_eq!(identity::visibility(&evidence).status, Grade::Fail);
}

#[test]
fn a_connection_limit_that_is_nearly_reached_is_a_server_without_room() {
    let mut evidence = clean();
    let limit =
        |owner, name: &str, used, limit| LimitUse { owner, name: name.into(), used, hidden: 0, limit };
    evidence.scraped.facts.limits = vec![
        limit(Owner::Database, "shop", 35, 60),
        limit(Owner::Role, "we b", 35, 40),
        limit(Owner::Role, "shut", 2, 0),
    ];
    let found = slots::slots(&evidence);
    assert_eq!(
        (found.status, found.evidence.as_str()),
        (Grade::Warn, "role \"we b\" uses 35 of its 40 connections")
    );
    assert_eq!(found.next.unwrap().shown(&Lead::default()), "pgconn stats --role 'we b'");
    evidence.scraped.facts.limits = vec![limit(Owner::Database, "shop", 58, 60)];
    assert_eq!(slots::slots(&evidence).status, Grade::Fail);
    evidence.scraped.facts.limits = vec![limit(Owner::Database, "shop", 48, 60)];
    assert_eq!(slots::slots(&evidence).status, Grade::Pass);
}

#[test]
fn a_pool_that_fills_when_it_comes_up_and_then_stays_does_not_leak() {
    let mut evidence = clean();
    let sessions =
        |many: i32| (0..many).map(|pid| SampledSession::idle(pid, "api", "app")).collect::<Vec<_>>();
    evidence.watched.add(Vec::new());
    evidence.watched.add(sessions(4));
    evidence.watched.still_first_half();
    evidence.watched.add(sessions(4));
    assert_eq!(pools::pool_growth(&evidence).status, Grade::Pass);
    evidence.watched.add(sessions(5));
    assert_eq!(pools::pool_growth(&evidence).status, Grade::Warn);
}

#[test]
fn what_a_standby_cannot_do_is_for_the_primary() {
    let mut evidence = clean();
    evidence.scraped.server_context.limits.superuser_reserved = 0;
    let advice = |evidence: &Evidence| {
        let findings = findings(evidence, None, |_| true, &[]);
        let found = findings.into_iter().find(|finding| finding.rule == "reserved-slots");
        found.unwrap().advice.unwrap()
    };
    assert!(!advice(&evidence).contains("primary"));
    evidence.scraped.server_context.server.in_recovery = true;
    assert!(advice(&evidence).starts_with("on the primary: keep a few slots"));
}

#[test]
fn what_a_hosted_service_keeps_for_itself_is_nobodys_finding() {
    let mut evidence = clean();
    let origin = |role: &str| Origin {
        application_name: "PostgreSQL Client".into(),
        role: Some(role.into()),
        superuser: true,
        role_limited: false,
        database: Some("rdsadmin".into()),
        database_limited: false,
        plaintext: Some(false),
        sessions: 1,
    };
    evidence.origins = vec![origin("rdsadmin")];
    evidence.watched.add((1..40).map(|pid| SampledSession::idle(pid, "agent", "rdsadmin")).collect());
    let grades =
        |evidence: &Evidence| [identity::superuser(evidence).status, pools::pool_size(evidence).status];
    assert_eq!(grades(&evidence), [Grade::Warn, Grade::Warn]);
    let evidence = evidence.of_customers();
    assert_eq!(grades(&evidence), [Grade::Pass, Grade::Pass]);
}

#[test]
fn every_rule_has_the_name_under_which_it_is_asked_for() {
    let evidence = clean();
    for (name, judge) in OF_SERVER {
        assert_eq!(judge(&evidence).rule, name);
    }
    let of_pooler: Vec<&str> =
        pooler::findings(&Pooled::default(), &evidence).iter().map(|found| found.rule).collect();
    assert_eq!(of_pooler, OF_POOLER);
}

#[test]
fn what_is_accepted_of_a_finding_does_not_hide_the_rest() {
    let origin = |application: &str, role: &str| Origin {
        application_name: application.into(),
        role: Some(role.into()),
        superuser: true,
        role_limited: false,
        database: Some("shop".into()),
        database_limited: false,
        plaintext: Some(false),
        sessions: 1,
    };
    let evidence = Evidence { origins: vec![origin("migrate", "deploy"), origin("cron", "root")], ..clean() };
    let accepted = |name: Option<&str>| Accepted {
        rule: "superuser".into(),
        name: name.map(|name| Name::Exact(name.into())),
        reason: "known".into(),
        until: Some("2027-01-31".into()),
    };
    let found = |accepted: &[&Accepted]| {
        let only = |rule: &str| rule == "superuser";
        findings(&evidence, None, only, accepted).remove(0)
    };
    assert_eq!(found(&[]).status, Grade::Warn);
    let (deploy, cron, all) = (accepted(Some("deploy")), accepted(Some("cron")), accepted(None));
    let rest = found(&[&deploy]);
    assert!(rest.status == Grade::Warn && rest.evidence.starts_with("1 session of cron"), "{rest:?}");
    for accepted in [&[&deploy, &cron][..], &[&all]] {
        let found = found(accepted);
        assert_eq!(
            (found.status, found.advice.as_deref()),
            (Grade::Accepted, Some("accepted until 2027-01-31: known"))
        );
        assert!(found.evidence.contains("migrate") && found.next.is_none(), "{found:?}");
    }
}
