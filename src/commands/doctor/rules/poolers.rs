//! Rules about transaction poolers: who should be behind one, and who should not. The server does not say that a pooler
//! stands in front of it; but a session that goes from application to application while it is watched can only be one's.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use super::found::{Found, Rule};
use super::words::{counted, hidden, listed, listing, named};
use crate::analyze::concerns::does_long_work;
use crate::model::practice::{Grade, SampledSession, SessionSource};
use crate::render::text;

/// What the names of applications and roles on serverless platforms have in them.
const SERVERLESS: [&str; 10] = [
    "lambda",
    "vercel",
    "netlify",
    "cloudflare",
    "serverless",
    "cloud-function",
    "cloud-run",
    "cloudrun",
    "edge-function",
    "azure-function",
];
/// Sessions of a source that came and went from which on it opens one for each instance or request.
const COMINGS: usize = 3;
/// Seconds in a transaction from which on it takes a pooled session away from all others.
const LONG: f64 = 60.0;

fn is_serverless(source: &SessionSource) -> bool {
    let names =
        [source.application_name.to_lowercase(), source.role.clone().unwrap_or_default().to_lowercase()];
    SERVERLESS.iter().any(|word| names.iter().any(|name| name.contains(word)))
}

/// Whether the session is of a pool that was seen to serve several applications.
fn is_pooled(evidence: &Evidence, session: &SampledSession) -> bool {
    let key = (session.client.clone(), session.source.role.clone(), session.database.clone());
    evidence.watched.pools.contains_key(&key)
}

pub(super) fn serverless(evidence: &Evidence) -> Found {
    let rule = Rule::new("serverless", "serverless clients come through a transaction pooler");
    let pooled: BTreeSet<&SessionSource> = evidence.watched.pools.values().flatten().collect();
    let found: Vec<_> = evidence.watched.sources.iter().filter(|(source, _)| is_serverless(source)).collect();
    let direct = found.iter().filter(|(source, _)| !pooled.contains(source));
    let opening =
        direct.clone().find(|(_, conduct)| conduct.passed() >= COMINGS || conduct.clients.len() > 1);
    if let Some((source, conduct)) = opening {
        let text = format!(
            "{} opens sessions of its own: {} now, {} opened and closed within {}",
            named(source),
            conduct.last,
            conduct.passed(),
            text::duration(evidence.seconds)
        );
        return rule.found(
            Grade::Warn,
            text,
            "each instance holds a session: put a pooler in transaction mode between, or use the platform's own",
            listing(source),
        );
    }
    if let Some((source, _)) = direct.clone().next() {
        return rule.unknown(format!(
            "whether a pooler stands before {} cannot be told from the server: its sessions stay, and serve nobody else",
            named(source)
        ));
    }
    if !found.is_empty() {
        return rule.pass(format!(
            "{} shares sessions with other applications: a pooler in transaction mode",
            listed(found.iter().map(|(source, _)| source.application_name.as_str()))
        ));
    }
    let unnamed =
        evidence.watched.present.iter().filter(|session| session.source.application_name.is_empty()).count();
    if unnamed > 0 {
        return rule
            .unknown(format!("{} do not say which application they belong to", counted(unnamed, "session")));
    }
    rule.pass("no application or role is named like a serverless platform")
}

pub(super) fn long_work(evidence: &Evidence) -> Found {
    let rule =
        Rule::new("long-work", "migrations and long transactions have sessions of their own, not a pooler's");
    let works = |source: &SessionSource| {
        does_long_work(&source.application_name) || source.role.as_deref().is_some_and(does_long_work)
    };
    let pooled = || evidence.watched.present.iter().filter(|session| is_pooled(evidence, session));
    let shared = evidence.watched.pools.values().flatten();
    let worker = shared.chain(pooled().map(|session| &session.source)).find(|source| works(source));
    let advice = "give it a connection that bypasses the pooler, or a pool in session mode: SET, advisory locks and \
                  temporary tables need one session, and long transactions take one away from all others";
    if let Some(worker) = worker {
        let text =
            format!("{} works on sessions that a pooler also gives to other applications", named(worker));
        return rule.found(Grade::Warn, text, advice, listing(worker));
    }
    let long = pooled().filter(|session| session.xact_seconds.is_some_and(|seconds| seconds >= LONG));
    if let Some(longest) =
        long.max_by(|a, b| a.xact_seconds.unwrap_or(0.0).total_cmp(&b.xact_seconds.unwrap_or(0.0)))
    {
        let text = format!(
            "pid {} of {} has been in a transaction for {} on a session that a pooler gives to several applications",
            longest.identity.0,
            named(&longest.source),
            text::duration(longest.xact_seconds.unwrap_or_default())
        );
        return rule.found(Grade::Warn, text, advice, listing(&longest.source));
    }
    if let Some(hidden) = hidden(evidence) {
        return rule.unknown(hidden);
    }
    // A pooler gives all its clients of a role the same sessions, so whoever has the role to itself is not behind one.
    let with_others = evidence.watched.present.iter().find(|session| {
        let mut others = evidence.watched.sources.iter().filter(|(source, _)| **source != session.source);
        works(&session.source)
            && others.any(|(source, conduct)| {
                source.role == session.source.role
                    && session.client.as_ref().is_some_and(|client| conduct.clients.contains_key(client))
            })
    });
    match with_others {
        Some(worker) => rule.unknown(format!(
            "whether {} comes through a pooler cannot be told from the server: other applications have the same address \
             and role",
            named(&worker.source)
        )),
        None if evidence.watched.pools.is_empty() => {
            rule.pass("no migration or backup shares its role and address with other applications")
        }
        None => rule.pass(format!(
            "none on the {} that a pooler was seen to share among applications",
            counted(pooled().count(), "session")
        )),
    }
}
