//! The values that only a server knows: one look, at the place that the line names so far, within half a second, without a question.

use std::ffi::OsString;
use std::time::Duration;

use super::super::Context;
use super::line::Line;
use super::values::{Candidate, Live};
use crate::args::Connection;
use crate::conninfo::{Environment, resolve};
use crate::db;
use crate::model::completion::{LiveKind, LiveValue};
use crate::model::filter::Name;
use crate::observe::{LanePolicy, Patience};

/// How long it may take in all: whoever pressed the key is waiting.
const LIMIT: Duration = Duration::from_millis(500);

/// What there is of it; nothing when the server does not answer, for whatever reason.
pub(super) async fn values(live: Live, line: &Line<'_>, context: &Context) -> Vec<Candidate> {
    let typed = |id| line.value_of(id).map(OsString::from);
    let service = line.given.iter().filter(|(argument, _)| argument.get_id() == "service");
    let connection = Connection {
        host: typed("host"),
        port: typed("port"),
        username: typed("username"),
        dbname: typed("dbname"),
        service: service.map(|(_, value)| OsString::from(value)).collect(),
        no_password: true,
        timeout: Some(LIMIT),
        ..Connection::default()
    };
    let is_list = ["targets", "targets_command"].into_iter().any(|id| line.value_of(id).is_some());
    if is_list || connection.is_list() {
        return Vec::new();
    }
    let mut context = context.unattended(None);
    context.connection = connection;
    let looked = tokio::time::timeout(LIMIT, look(live, &context)).await;
    let found = looked.ok().and_then(Result::ok).unwrap_or_default();
    let exclude = if live.is_filter && line.typed.starts_with('!') { "!" } else { "" };
    // What is on the line already is not named twice, what runs nothing is not cancelled, and nobody ends what is hidden.
    let is_named =
        |value: &str| line.given.iter().any(|(given, word)| given.is_positional() && word == value);
    let is_of_use = |found: &LiveValue| {
        found.kind != LiveKind::Session
            || !is_named(&found.value)
                && match line.path().as_slice() {
                    ["cancel"] => found.busy && !found.hidden,
                    ["kill"] => !found.hidden,
                    _ => true,
                }
    };
    let of_kind = found.into_iter().filter(|found| found.kind == live.kind && is_of_use(found));
    let word = |value: &str| match live.kind {
        LiveKind::Database | LiveKind::Role | LiveKind::Application if live.is_filter => Name::pattern(value),
        _ => value.to_owned(),
    };
    of_kind
        .map(|found| Candidate { word: format!("{exclude}{}", word(&found.value)), note: found.note })
        .collect()
}

async fn look(live: Live, context: &Context) -> Result<Vec<LiveValue>, db::Error> {
    let mut environment = Environment::of_process();
    // It could ask somebody.
    environment.variables.remove("PGCONN_PASSWORD_COMMAND");
    if live.at_console {
        let console = context.console_in(environment)?.into_session(Patience::NONE).await?;
        let databases = console.facts().await;
        console.close().await;
        return Ok(of_pooler(&databases?));
    }
    let endpoint = context.endpoint_of(resolve(&context.given(), &environment)?);
    let observer = context.observer_of(endpoint.through(LanePolicy::Ordinary));
    let db = observer.into_session(Patience::NONE).await?;
    let found = db.completions().await;
    db.close().await;
    found
}

/// What a pooler has pools for.
fn of_pooler(facts: &crate::model::pooler::PoolerFacts) -> Vec<LiveValue> {
    let mut found: Vec<LiveValue> = Vec::new();
    let names = facts
        .pools
        .iter()
        .flat_map(|pool| [(LiveKind::Database, pool.database.clone()), (LiveKind::Role, pool.user.clone())]);
    let configured = facts.databases.iter().map(|database| (LiveKind::Database, database.name.clone()));
    for (kind, value) in names.chain(configured) {
        if !found.iter().any(|known| known.kind == kind && known.value == value) {
            found.push(LiveValue { kind, value, note: String::new(), busy: false, hidden: false });
        }
    }
    found
}
