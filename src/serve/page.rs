//! The status page, for people without a shell: HTML without a script, from looks that are there already.

use std::fmt::Write as _;

use super::answer::{Answer, Facts, Health};
use super::shared::{Taken, Watched};
use crate::render::text::{duration, visible};

const STYLE: &str = "\
:root{color-scheme:light dark;--b:#8884;--g:#2a7a3f;--w:#9a6700;--r:#c0262d}\
@media(prefers-color-scheme:dark){:root{--g:#5cc87a;--w:#e3b341;--r:#ff7b72}}\
body{font:16px/1.45 system-ui,sans-serif;margin:0 auto;padding:1rem;max-width:70rem}\
h1{font-size:1.25rem;margin:.2rem 0 1rem}h2{font-size:1.05rem;margin:1.4rem 0 .4rem}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--b);vertical-align:top}\
th{font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
meter{width:8rem;max-width:100%}a{color:inherit}.healthy,.OK{color:var(--g)}.degraded,.WARNING,.UNKNOWN{color:var(--w)}\
.unhealthy,.CRITICAL{color:var(--r)}.note{opacity:.75}.production{border:1px solid;border-radius:.3rem;padding:0 .3rem;font-size:.85em}\
@media(max-width:40rem){thead{position:absolute;left:-9999px}tr{display:block;border-bottom:1px solid var(--b);padding:.4rem 0}\
td,tbody th,td.n{display:block;border:0;padding:.1rem 0;text-align:left}td[data-t]:not(:empty)::before{content:attr(data-t) \": \";opacity:.75}}";

/// The text as it can stand in HTML, in an attribute, too.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The text as a value in a query string.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta http-equiv=\"refresh\" content=\"15\"><style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
}

/// How long something lasts; nothing lasts where there is no value but an answer.
fn seconds(value: Option<f64>, answer: &Answer) -> String {
    match value {
        Some(seconds) => duration(seconds),
        None if answer.refused.is_some() => "unknown".to_owned(),
        None => "none".to_owned(),
    }
}

fn number(value: Option<i64>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}

fn age(taken: &Taken) -> String {
    duration(taken.at.elapsed().as_secs_f64())
}

/// `97 of 97 slots`, with a bar.
fn slots(facts: &Facts) -> String {
    let (Some(used), Some(usable)) = (facts.used, facts.usable) else { return "unknown".into() };
    let words = match facts.hidden {
        Some(hidden @ 1..) => format!("{used} of {usable}, {hidden} hidden"),
        _ => format!("{used} of {usable}"),
    };
    format!(
        "<meter min=\"0\" max=\"{}\" high=\"{}\" optimum=\"0\" value=\"{used}\" aria-label=\"{words} slots\">{words}</meter> {words}",
        usable.max(1),
        usable * 4 / 5
    )
}

/// Why a target is not healthy.
fn why(answer: &Answer) -> String {
    match answer.health() {
        Health::Healthy => String::new(),
        Health::Degraded | Health::Unhealthy => {
            format!("<br><span class=\"note\">{}</span>", escaped(answer.summary()))
        }
    }
}

fn badge(health: Health) -> String {
    format!("<strong class=\"{0}\">{0}</strong>", health.word())
}

fn name(target: &Watched) -> String {
    let production = if target.production { " <span class=\"production\">production</span>" } else { "" };
    format!("<a href=\"/?target={}\">{}</a>{production}", encoded(&target.name), escaped(&target.name))
}

/// Every target, the worst first.
pub(super) fn overview<'a>(targets: impl Iterator<Item = &'a Watched>) -> String {
    let mut rows: Vec<(Option<Health>, String)> = Vec::new();
    for target in targets {
        let row = match target.last() {
            None => (
                None,
                format!(
                    "<tr><th scope=\"row\">{}</th><td>not asked yet</td><td></td><td></td><td></td><td></td><td></td></tr>",
                    name(target)
                ),
            ),
            Some(taken) => {
                let facts = &taken.answer.facts;
                let text = format!(
                    "<tr><th scope=\"row\">{}</th><td>{}{}</td><td data-t=\"Slots\">{}</td><td class=\"n\" data-t=\"Waiting\">{}</td>\
                     <td class=\"n\" data-t=\"Longest wait\">{}</td><td class=\"n\" data-t=\"Oldest transaction\">{}</td>\
                     <td class=\"n\" data-t=\"Looked\">{} ago</td></tr>",
                    name(target),
                    badge(taken.answer.health()),
                    why(&taken.answer),
                    slots(facts),
                    number(taken.answer.waiting()),
                    seconds(facts.longest_wait_seconds, &taken.answer),
                    seconds(facts.oldest_xact_seconds, &taken.answer),
                    age(&taken),
                );
                (Some(taken.answer.health()), text)
            }
        };
        rows.push(row);
    }
    // The worst first, those that nobody asked yet last.
    let bad = rows.iter().filter(|(health, _)| *health == Some(Health::Unhealthy)).count();
    let degraded = rows.iter().filter(|(health, _)| *health == Some(Health::Degraded)).count();
    crate::model::order::sort_by(&mut rows, |left, right| right.0.cmp(&left.0));
    let all: String = rows.iter().map(|(_, row)| row.as_str()).collect();
    let body = format!(
        "<h1>PostgreSQL connections</h1><p>{} targets: {bad} unhealthy, {degraded} degraded.</p><table><thead><tr>\
         <th scope=\"col\">Target</th><th scope=\"col\">Health</th><th scope=\"col\">Slots</th><th scope=\"col\" class=\"n\">Waiting</th>\
         <th scope=\"col\" class=\"n\">Longest wait</th><th scope=\"col\" class=\"n\">Oldest transaction</th>\
         <th scope=\"col\" class=\"n\">Looked</th></tr></thead><tbody>{all}</tbody></table>\
         <p class=\"note\">pgconn {}, reloads itself every 15 s</p>",
        rows.len(),
        env!("CARGO_PKG_VERSION")
    );
    document("pgconn", &body)
}

/// One target, with what was judged and who is connected.
pub(super) fn detail(target: &Watched) -> String {
    let title = escaped(&target.name);
    let Some(taken) = target.last() else {
        let body = format!("<p><a href=\"/\">all targets</a></p><h1>{title}</h1><p>not asked yet</p>");
        return document(&title, &body);
    };
    let facts = &taken.answer.facts;
    let mut body = format!(
        "<p><a href=\"/\">all targets</a></p><h1>{title} {}</h1><p>{}</p><p>{}{}, looked {} ago</p>\
         <p>Slots: {}</p><p>Waiting: {}, longest wait {}, oldest transaction {}</p>",
        badge(taken.answer.health()),
        escaped(taken.answer.summary()),
        escaped(&facts.place),
        facts
            .version
            .as_ref()
            .map(|version| format!(", PostgreSQL {}", escaped(version)))
            .unwrap_or_default(),
        age(&taken),
        slots(facts),
        number(taken.answer.waiting()),
        seconds(facts.longest_wait_seconds, &taken.answer),
        seconds(facts.oldest_xact_seconds, &taken.answer),
    );
    body.push_str(
        "<h2>Checks</h2><table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Status</th>\
         <th scope=\"col\">Found</th></tr></thead><tbody>",
    );
    for line in taken.answer.verdict.iter().flat_map(|verdict| verdict.lines()) {
        let _ = write!(
            body,
            "<tr><th scope=\"row\">{}</th><td class=\"{1}\">{1}</td><td>{2}</td></tr>",
            escaped(&line.rule),
            line.status,
            escaped(&line.message)
        );
    }
    body.push_str("</tbody></table>");
    for group in taken.answer.verdict.iter().flat_map(|verdict| verdict.groups()) {
        let _ = write!(
            body,
            "<h2>By {0}</h2><table><thead><tr><th scope=\"col\">{0}</th><th scope=\"col\" class=\"n\">Sessions</th></tr></thead><tbody>",
            group.by
        );
        for (value, count) in &group.rows {
            let shown = if value.is_empty() { "(none)".to_owned() } else { escaped(value) };
            let _ = write!(body, "<tr><th scope=\"row\">{shown}</th><td class=\"n\">{count}</td></tr>");
        }
        body.push_str("</tbody></table>");
    }
    document(&title, &body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_page_is_small() {
        assert!(STYLE.len() < 2_000, "{}", STYLE.len());
    }

    proptest! {
        #[test]
        fn nobodys_text_is_markup(text in any::<String>()) {
            prop_assert!(!escaped(&text).contains(['<', '>', '"', '\'']));
            prop_assert!(encoded(&text).bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)));
        }
    }
}
