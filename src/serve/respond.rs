//! From a request to its response: the routes, and what they answer.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use hyper::{Method, Request, Response, StatusCode};

use super::answer::Health;
use super::own_metrics::{build_info, of_look, of_looks, of_process, scraper_limit};
use super::page;
use super::serving::Serving;
use super::shared::{Taken, Watched};
use crate::model::metric::Family;
use crate::model::nearest::nearest;
use crate::render::{json, prometheus};

/// How Prometheus says how long it waits.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
/// The exposition format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long people wait for a page.
const PAGE_LIMIT: Duration = Duration::from_secs(2);

/// A response in full.
pub(super) type Answered = Response<Full<Bytes>>;

/// Answers a request.
pub(super) async fn respond(request: Request<Incoming>, serving: Rc<Serving>) -> Answered {
    let head = *request.method() == Method::HEAD;
    let mut response = answered(&request, &serving).await;
    harden(response.headers_mut());
    if head {
        *response.body_mut() = Full::default();
    }
    response
}

async fn answered(request: &Request<Incoming>, serving: &Serving) -> Answered {
    let access = serving.access.borrow().clone();
    if let Some(access) = access {
        let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if !access.admits(header).await {
            let mut refused = text(StatusCode::UNAUTHORIZED, "who are you?\n");
            refused
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"pgconn\""));
            return refused;
        }
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "GET and HEAD only: nothing acts over HTTP\n");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    let asked = request.uri().query().map(parameter).unwrap_or(Ok(Parameters::default()));
    let parameters = match asked {
        Ok(parameters) => parameters,
        Err(why) => return text(StatusCode::BAD_REQUEST, &format!("{why}\n")),
    };
    let limit = request
        .headers()
        .get(SCRAPE_TIMEOUT)
        .and_then(|value| scraper_limit(value.to_str().ok()))
        .map_or(serving.pace.limit, |limit| limit.min(serving.pace.limit));
    match request.uri().path() {
        "/livez" => text(StatusCode::OK, "ok\n"),
        "/" => status_page(&parameters, serving, limit).await,
        "/metrics" => metrics(serving, limit).await,
        "/probe" => probe(&parameters, serving, limit).await,
        "/health" => health(&parameters, serving, limit).await,
        "/readyz" => ready(serving, limit).await,
        "/-/targets" => discovery(request, serving),
        _ => text(
            StatusCode::NOT_FOUND,
            "there are /, /metrics, /probe?target=NAME, /health, /livez, /readyz and /-/targets\n",
        ),
    }
}

/// What a query string says that any route knows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parameters {
    target: Option<String>,
    warning: Option<u16>,
}

/// Reads a query string.
fn parameter(query: &str) -> Result<Parameters, String> {
    let mut parameters = Parameters::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or("a value is no UTF-8, or an escape in it has no end")?;
        match key {
            "target" if parameters.target.is_none() => parameters.target = Some(value),
            "target" => return Err("target stands there twice".into()),
            "warning" if value == "503" || value == "200" => parameters.warning = value.parse().ok(),
            "warning" => return Err("warning is 200 or 503".into()),
            // Scrapers add parameters of their own; a slip of the fingers is none of those.
            _ => {
                if let Some(near) = nearest(key, ["target", "warning"].into_iter()) {
                    return Err(format!("no parameter is called {key}; did you mean {near}?"));
                }
            }
        }
    }
    Ok(parameters)
}

fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let (high, low) = (digit(rest.next())?, digit(rest.next())?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// The target that a request is about; the first of the list when it names none.
fn target(
    parameters: &Parameters,
    serving: &Serving,
    is_needed: bool,
) -> Result<Rc<Watched>, (StatusCode, &'static str)> {
    let targets = serving.targets.borrow();
    let Some(name) = &parameters.target else {
        return match targets.first() {
            Some(first) if !is_needed => Ok(Rc::clone(first)),
            _ => Err((StatusCode::BAD_REQUEST, "which target? /probe?target=NAME; the names: /-/targets\n")),
        };
    };
    if let Some(found) = targets.iter().find(|target| target.name == *name) {
        return Ok(Rc::clone(found));
    }
    // Nobody makes this program connect where the list does not lead.
    let is_place = name.contains("://") || name.contains('=');
    Err(if is_place {
        (
            StatusCode::BAD_REQUEST,
            "a target is a name of the list, no connection string; the names: /-/targets\n",
        )
    } else {
        (StatusCode::NOT_FOUND, "no target of the list is called so; the names: /-/targets\n")
    })
}

async fn metrics(serving: &Serving, limit: Duration) -> Answered {
    let targets = serving.targets.borrow().clone();
    let (process, build) = (of_process(serving.started), [build_info()]);
    let looked = match targets.first() {
        Some(first) => {
            let taken = first.ask(limit).await;
            Some((of_look(taken.as_deref()), taken))
        }
        None => None,
    };
    let (look, taken) = looked.unwrap_or_default();
    let looks = [of_looks(targets.iter().map(|target| &**target))];
    exposition(&[&process, &build, families(taken.as_deref()), &look, &looks])
}

async fn probe(parameters: &Parameters, serving: &Serving, limit: Duration) -> Answered {
    match target(parameters, serving, true) {
        Err((status, words)) => text(status, words),
        Ok(target) => {
            let taken = target.ask(limit).await;
            exposition(&[families(taken.as_deref()), &of_look(taken.as_deref())])
        }
    }
}

/// What a target's look has measured.
fn families(taken: Option<&Taken>) -> &[Family] {
    taken.map(|taken| taken.answer.families.as_slice()).unwrap_or_default()
}

fn exposition(parts: &[&[Family]]) -> Answered {
    // What a look of one server comes to, mostly; it grows if it must.
    let mut body = Vec::with_capacity(32 << 10);
    match prometheus::write_parts(parts, &mut body) {
        Ok(()) => of(StatusCode::OK, METRICS, body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn health(parameters: &Parameters, serving: &Serving, limit: Duration) -> Answered {
    let target = match target(parameters, serving, false) {
        Ok(target) => target,
        Err((status, words)) => return text(status, words),
    };
    let Some(taken) = target.ask(limit).await else {
        return of(StatusCode::SERVICE_UNAVAILABLE, JSON, b"{\"health\":\"unhealthy\",\"error\":{\"code\":\"timeout\",\"message\":\"no answer in time\"}}\n".to_vec());
    };
    let status = match taken.answer.health() {
        Health::Healthy => StatusCode::OK,
        Health::Degraded if parameters.warning == Some(503) => StatusCode::SERVICE_UNAVAILABLE,
        Health::Degraded => StatusCode::OK,
        Health::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
    };
    of(status, JSON, taken.answer.verdict.as_ref().map(|verdict| verdict.document()).unwrap_or_default())
}

async fn ready(serving: &Serving, limit: Duration) -> Answered {
    let first = serving.targets.borrow().first().cloned();
    let Some(first) = first else { return text(StatusCode::SERVICE_UNAVAILABLE, "there is no target\n") };
    // What is young enough is shared; else this is who asks.
    let _ = first.ask(limit).await;
    match first.last() {
        Some(taken) if taken.answer.refused.is_some() => {
            let why = taken.answer.refused.unwrap_or_default();
            text(StatusCode::SERVICE_UNAVAILABLE, &format!("{}: {why}\n", first.name))
        }
        Some(taken) if taken.at.elapsed() < 3 * serving.pace.min_interval.max(Duration::from_secs(1)) => {
            text(StatusCode::OK, "ok\n")
        }
        _ => text(StatusCode::SERVICE_UNAVAILABLE, &format!("{}: no answer in time\n", first.name)),
    }
}

async fn status_page(parameters: &Parameters, serving: &Serving, limit: Duration) -> Answered {
    let limit = limit.min(PAGE_LIMIT);
    let page = match &parameters.target {
        None => {
            let targets = serving.targets.borrow().clone();
            // All of them at once: who does not answer in time stands there as it was.
            join_all(targets.iter().map(|target| target.ask(limit))).await;
            page::overview(targets.iter().map(|target| &**target))
        }
        Some(_) => match target(parameters, serving, true) {
            Ok(target) => {
                let _ = target.ask(limit).await;
                page::detail(&target)
            }
            Err((status, words)) => return text(status, words),
        },
    };
    let mut response = of(StatusCode::OK, HTML, page.into_bytes());
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// The targets as Prometheus discovers them: where to scrape, and which of the targets.
fn discovery(request: &Request<Incoming>, serving: &Serving) -> Answered {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let targets = serving.targets.borrow();
    let scheme = if serving.certificates.is_some() { "https" } else { "http" };
    let list: Vec<serde_json::Value> = targets
        .iter()
        .map(|target| {
            let mut labels = serde_json::Map::new();
            for (name, value) in &target.labels {
                labels.insert(name.clone(), value.clone().into());
            }
            labels.insert("target".into(), target.name.clone().into());
            labels.insert("__metrics_path__".into(), "/probe".into());
            labels.insert("__scheme__".into(), scheme.into());
            labels.insert("__param_target".into(), target.name.clone().into());
            serde_json::json!({"targets": [host], "labels": labels})
        })
        .collect();
    let mut body = Vec::new();
    match json::write(&list, false, &mut body) {
        Ok(()) => of(StatusCode::OK, JSON, body),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

fn text(status: StatusCode, words: &str) -> Answered {
    of(status, TEXT, words.as_bytes().to_vec())
}

fn of(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// What every response says: it is not kept, and is what it says it is.
fn harden(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_string_names_one_target() {
        let target = |query: &str| parameter(query).map(|parameters| parameters.target);
        assert_eq!(target("target=a%20b+c&x=1"), Ok(Some("a b c".into())));
        assert_eq!(target(""), Ok(None));
        for wrong in [
            "target=a&target=b",
            "target=%",
            "target=%zz",
            "target=%ff",
            "warning=500",
            "warnin=503",
            "Target=a",
        ] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(name in any::<String>()) {
            let query = format!("target={}", page::encoded(&name));
            prop_assert_eq!(parameter(&query).unwrap().target, Some(name));
        }

        #[test]
        fn no_query_string_is_too_strange(query in "\\PC*|[a-e%=&+0-9]{0,20}") {
            let _ = parameter(&query);
        }
    }
}
