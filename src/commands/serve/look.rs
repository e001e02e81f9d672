//! One look for everything that the endpoint answers: metrics, verdict, and what people see.

use std::cell::{LazyCell, RefCell};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::analyze::health::Policy;
use crate::analyze::metrics::{self, Scrape, compat, pgbouncer_exporter, pooler as pooler_metrics};
use crate::analyze::usage;
use crate::commands::check::{self, CheckReport};
use crate::commands::head::{head_of_look, unread};
use crate::commands::metrics::Compat;
use crate::commands::{Context, pooler};
use crate::db::console::Console;
use crate::db::{self, Db, ErrorKind, Kept};
use crate::error::Failure;
use crate::model::health::{Check, Status};
use crate::model::metric::Family;
use crate::model::pooler::PoolerFacts;
use crate::model::server::Target;
use crate::model::suggestion::Lead;
use crate::observe::{Deadline, Observer, OfConsole, OfServer, Patience};
use crate::render::Head;
use crate::render::json::Payload as _;
use crate::serve::{Answer, Facts, Group, Health, Line, Look, Verdict};

/// Values listed of each property, on the page of a target.
const LISTED: usize = 10;

/// One server, or one pooler's console, behind the endpoint.
pub(in crate::commands) struct ServerTarget {
    context: Context,
    observer: Observer<OfServer>,
    /// What seldom changes, of the look before.
    kept: Option<Kept>,
    /// The console of the pooler in front of it.
    pooler: Option<Observer<OfConsole>>,
    /// Its own console, once it has turned out to be a pooler.
    console: Option<Observer<OfConsole>>,
    policies: Rc<[Policy]>,
    /// What leads to the server in what is proposed.
    lead: Rc<Lead>,
    most_series: usize,
    compat: Option<Compat>,
}

/// The document of `/health`: that of `check`, with what it comes to.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::commands) struct HealthReport {
    /// `healthy` (ok), `degraded` (warning) or `unhealthy` (critical, or unknown).
    health: Health,
    #[serde(flatten)]
    check: CheckReport,
}

/// The verdict on a target as it was at a moment, once somebody wants to know it.
#[derive(Debug)]
struct Judged {
    head: Head,
    report: Late<HealthReport>,
    groups: Late<Vec<Group>>,
}

/// What is made when somebody asks for it.
type Late<T> = LazyCell<T, Box<dyn FnOnce() -> T>>;

impl Verdict for Judged {
    fn health(&self) -> Health {
        self.report.health
    }

    fn summary(&self) -> &str {
        self.report.check.summary()
    }

    fn waiting(&self) -> Option<i64> {
        self.report.check.waiting()
    }

    fn document(&self) -> Vec<u8> {
        let mut document = Vec::new();
        // Into memory it cannot fail.
        let _ = self.report.write_document("check", &self.head, false, &mut document);
        document
    }

    fn lines(&self) -> Vec<Line> {
        let line = |check: &Check| Line {
            rule: check.rule.to_owned(),
            status: check.status.word(),
            message: check.message.clone(),
        };
        self.report.check.checks().iter().map(line).collect()
    }

    fn groups(&self) -> &[Group] {
        &self.groups
    }
}

impl ServerTarget {
    /// Not looked at yet.
    ///
    /// # Errors
    /// When its settings are wrong.
    pub(in crate::commands) fn new(
        context: Context,
        most_series: usize,
        compat: Option<Compat>,
    ) -> Result<Self, Failure> {
        let observer = context.observer_of(context.endpoint()?.clone());
        let named = context.spec.as_ref().and_then(|spec| spec.pooler.clone());
        let pooler = named.map(|conninfo| context.pooler_observer(&conninfo)).transpose()?;
        let (policies, lead) = (check::all_policies()?.into(), context.lead().into());
        Ok(Self { context, observer, kept: None, pooler, console: None, policies, lead, most_series, compat })
    }

    async fn looked(&mut self, deadline: &Deadline) -> Result<Answer, db::Error> {
        if self.console.is_none() {
            match self.look_at_server(deadline).await {
                Err(error) if error.kind == ErrorKind::PoolerConsole => {
                    self.observer.close().await;
                    self.console = Some(self.context.observer_of_own_console()?);
                }
                looked => return looked,
            }
        }
        self.look_at_console(deadline).await
    }

    async fn look_at_server(&mut self, deadline: &Deadline) -> Result<Answer, db::Error> {
        let names = matches!(self.compat, Some(Compat::PostgresExporter));
        // Whatever goes wrong, all of it is asked for the next time.
        let kept = RefCell::new(self.kept.take());
        let looked = self.observer.look_within(deadline, Patience::NONE, async |db: &mut Db| {
            db.limit(deadline.left().max(Duration::from_millis(1)));
            let mut known = kept.take();
            let scraped = db.scrape(&mut known).await?;
            kept.replace(known);
            let exported = match names {
                true => Some(db.exporter(compat::columns(), compat::settings()).await?),
                false => None,
            };
            let hidden = scraped.facts.connections.hidden;
            let mut head = head_of_look(db, &scraped.server_context, hidden);
            head.warnings.extend(scraped.facts.unread.iter().map(unread));
            Ok::<_, db::Error>((scraped, exported, head))
        });
        let (scraped, exported, head) = looked.await?;
        self.kept = kept.into_inner();
        let target = head.target.clone().unwrap_or_default();
        let (place, seconds) = (target.place(), deadline.used());
        let mut families = match &exported {
            Some((server_context, exporter)) => compat::families(server_context, exporter, &place),
            None => {
                let scrape = Scrape {
                    server_context: &scraped.server_context,
                    facts: &scraped.facts,
                    tallies: &scraped.tallies,
                    databases: &scraped.databases,
                    settings: &scraped.settings,
                    login_roles: &scraped.login_roles,
                    settings_age_seconds: scraped.settings_age_seconds,
                    seconds: seconds.as_secs_f64(),
                };
                metrics::families(&scrape, &place, self.most_series)
            }
        };
        let (facts, server, tallies) = (scraped.facts, scraped.server_context, scraped.tallies);
        let shown = Facts {
            place,
            version: Some(server.server.version.clone()),
            used: Some(facts.connections.used),
            usable: Some(facts.connections.usable),
            hidden: Some(facts.connections.hidden),
            longest_wait_seconds: facts
                .waits
                .sessions
                .iter()
                .filter_map(|waiter| waiter.seconds)
                .reduce(f64::max),
            oldest_xact_seconds: facts.long_xact.seconds,
        };
        let pooler = self.look_at_pooler(deadline).await?;
        if let Some((facts, place)) = &pooler {
            families.extend(pooler_metrics::families(facts, place, self.most_series, seconds.as_secs_f64()));
        }
        let (policies, lead, head_of_report) =
            (Rc::clone(&self.policies), Rc::clone(&self.lead), head.clone());
        let limits = server.limits;
        let groups = move || groups(&usage::fold(limits, &tallies, LISTED));
        let judging = move || {
            let mut report = CheckReport::of_server(&policies, server, facts, head_of_report, seconds, &lead);
            if let Some((facts, _)) = &pooler {
                report.add_waiting_clients(&policies, facts, seconds, &lead);
            }
            report
        };
        Ok(answer(judging, groups, head, families, shown, None))
    }

    /// What the console of the pooler in front says, and where that is; none where there is no pooler.
    async fn look_at_pooler(
        &mut self,
        deadline: &Deadline,
    ) -> Result<Option<(PoolerFacts, String)>, db::Error> {
        let Some(pooler) = &mut self.pooler else { return Ok(None) };
        let looked = pooler.look_within(deadline, Patience::NONE, async |console: &mut Console| {
            Ok::<_, db::Error>((console.facts().await?, console.target().place()))
        });
        looked.await.map(Some)
    }

    async fn look_at_console(&mut self, deadline: &Deadline) -> Result<Answer, db::Error> {
        let Some(console) = &mut self.console else {
            return Err(db::Error::new(ErrorKind::Protocol, "it is no console"));
        };
        let names = matches!(self.compat, Some(Compat::PgbouncerExporter));
        let looked = console.look_within(deadline, Patience::NONE, async |console: &mut Console| {
            let facts = console.facts().await?;
            let tables = match names {
                true => Some(console.tables(&pgbouncer_exporter::LISTS).await?),
                false => None,
            };
            let mut head = pooler::head(console);
            head.warnings.extend(pooler::one_of_several(&facts));
            Ok::<_, db::Error>((facts, tables, head))
        });
        let (facts, tables, head) = looked.await?;
        let (place, seconds) = (head.target.as_ref().map(Target::place).unwrap_or_default(), deadline.used());
        let families = match &tables {
            Some(tables) => pgbouncer_exporter::families(tables, &place),
            None => pooler_metrics::families(&facts, &place, self.most_series, seconds.as_secs_f64()),
        };
        let shown = Facts {
            place,
            longest_wait_seconds: facts
                .pools
                .iter()
                .filter_map(|pool| pool.max_wait_seconds)
                .reduce(f64::max),
            ..Facts::default()
        };
        let (policies, lead) = (Rc::clone(&self.policies), Rc::clone(&self.lead));
        let judging = move || CheckReport::of_console(&policies, &facts, seconds, &lead);
        Ok(answer(judging, Vec::new, head, families, shown, None))
    }

    /// What is answered when there is nothing to judge.
    fn down(&self, error: db::Error) -> Answer {
        let refused = error.kind.code();
        let aim = self.context.aim();
        let place = aim.as_ref().map(Target::place);
        let families = match self.compat {
            Some(Compat::PostgresExporter) => compat::down(place.as_deref()),
            Some(Compat::PgbouncerExporter) => pgbouncer_exporter::down(place.as_deref()),
            None => metrics::down(place.as_deref()),
        };
        let head = Head { target: aim, ..Head::default() };
        let shown = Facts { place: place.unwrap_or_default(), ..Facts::default() };
        let (policies, lead) = (Rc::clone(&self.policies), Rc::clone(&self.lead));
        let judging = move || CheckReport::of_unreached(&policies, &error, &lead);
        answer(judging, Vec::new, head, families, shown, Some(refused))
    }
}

impl Look for ServerTarget {
    async fn look(&mut self, limit: Duration) -> Answer {
        let deadline = self.observer.source().endpoint.deadline_of(limit);
        match self.looked(&deadline).await {
            Ok(answer) => answer,
            Err(error) => self.down(error),
        }
    }

    async fn close(&mut self) {
        self.observer.close().await;
        for console in [&mut self.pooler, &mut self.console].into_iter().flatten() {
            console.close().await;
        }
    }
}

/// The answer of a look of which `judging` makes the report, and `groups` counts the sessions.
fn answer(
    judging: impl FnOnce() -> CheckReport + 'static,
    groups: impl FnOnce() -> Vec<Group> + 'static,
    head: Head,
    families: Vec<Family>,
    facts: Facts,
    refused: Option<&'static str>,
) -> Answer {
    let judging = move || {
        let check = judging();
        let health = match check.status() {
            Status::Ok => Health::Healthy,
            Status::Warning => Health::Degraded,
            Status::Critical | Status::Unknown => Health::Unhealthy,
        };
        HealthReport { health, check }
    };
    let report: Late<HealthReport> = LazyCell::new(Box::new(judging));
    let groups: Late<Vec<Group>> = LazyCell::new(Box::new(groups));
    let head = Head { found_at: Some(SystemTime::now()), ..head };
    let judged = Judged { head, report, groups };
    Answer { families, verdict: Some(Box::new(judged)), facts, refused }
}

fn groups(usage: &crate::model::usage::Usage) -> Vec<Group> {
    let named = |name: &Option<String>| name.clone().unwrap_or_default();
    vec![
        Group {
            by: "application",
            rows: usage
                .by_application
                .iter()
                .map(|group| (group.application_name.clone(), group.count))
                .collect(),
        },
        Group {
            by: "state",
            rows: usage.by_state.iter().map(|group| (named(&group.state), group.count)).collect(),
        },
        Group {
            by: "role",
            rows: usage.by_role.iter().map(|group| (named(&group.role), group.count)).collect(),
        },
        Group {
            by: "database",
            rows: usage.by_database.iter().map(|group| (named(&group.database), group.count)).collect(),
        },
    ]
}
