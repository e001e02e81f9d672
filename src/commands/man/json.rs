//! `pgconn-json(7)`: what scripts may rely on, with the keys of every kind read out of the published schemas.

use std::io;

use clap_mangen::roff::{Roff, bold, roman};
use serde_json::Value;

use super::page::clean;

/// The rules that hold for every kind.
const RULES: &[&str] = &[
    "With --json (short for --format json) the result is one JSON object and a line end on standard output, and nothing \
     else is there. With --format ndjson it is one row per line for lists. With --watch it is one whole document per line.",
    "Keys are in snake_case. Every key is always present; what is unknown or does not exist is null, never 0 and never \
     left out. Later versions add keys; a program must ignore those it does not know. Renaming, removing or retyping a \
     key raises schema_version.",
    "Durations are numbers of seconds in keys that end in _seconds, shares are numbers from 0 to 1 in keys that end in \
     _ratio, timestamps are RFC 3339 in UTC. 64-bit identifiers are strings, because many readers of JSON lose their \
     digits. Control characters, bidirectional controls and other invisible characters are escaped.",
    "When there is no result (usage error, no connection), standard output is empty and standard error carries one line \
     of the kind error. Exit codes do not depend on the format.",
    "The schema of each kind (JSON Schema 2020-12) is printed by pgconn schema KIND.",
];

/// The page, with the keys of `schemas`.
pub(super) fn page(schemas: &[(&str, &[u8])]) -> io::Result<String> {
    let mut roff = Roff::new();
    let source = concat!("pgconn ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["PGCONN-JSON", "7", "", source, "pgconn manual"]);
    roff.control("SH", ["NAME"]).text([roman("pgconn-json - the JSON that pgconn prints")]);
    roff.control("SH", ["DESCRIPTION"]);
    for rule in RULES {
        roff.control("PP", []).text([roman(*rule)]);
    }
    roff.control("SH", ["KINDS"]);
    for (kind, schema) in schemas {
        let schema: Value = serde_json::from_slice(schema)?;
        roff.control("SS", [*kind]);
        keys(&mut roff, &schema, &schema, "");
    }
    roff.control("SH", ["EXAMPLES"]);
    for (wish, line) in [
        ("Slots in use", "pgconn stats --json | jq .connections.used"),
        (
            "The oldest open transaction",
            "pgconn ls --state idle-in-transaction --json | jq '.sessions | max_by(.xact_seconds) | {pid, application_name}'",
        ),
        ("Why a run failed", "pgconn stats --json 2>&1 >/dev/null | jq -r .error.message"),
    ] {
        roff.control("TP", []).text([roman(wish)]).text([bold(line)]);
    }
    roff.control("SH", ["SEE ALSO"]).text([roman("pgconn(1), pgconn-schema(1), jq(1)")]);
    let mut text = Vec::new();
    roff.to_writer(&mut text)?;
    Ok(clean(&text))
}

/// The keys of one object and of those inside it, each with what its schema says about it.
fn keys(roff: &mut Roff, root: &Value, object: &Value, path: &str) {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else { return };
    for (name, property) in properties {
        // The same in every kind: said once, in the schema.
        if path.is_empty() && matches!(name.as_str(), "target" | "server" | "warnings" | "generated_at") {
            continue;
        }
        let inner = resolved(root, property);
        let list = property.get("items").map(|items| resolved(root, items));
        let about = property.get("description").or_else(|| inner.get("description")).and_then(Value::as_str);
        let full = format!("{path}{name}{}", if list.is_some() { "[]" } else { "" });
        roff.control("TP", []).text([bold(full.as_str())]);
        roff.text([roman(about.unwrap_or("(see its keys)").replace('\n', " "))]);
        keys(roff, root, list.unwrap_or(inner), &format!("{full}."));
    }
}

/// The schema that `schema` refers to, through `$ref` and "this or null".
fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let any = schema.get("anyOf").and_then(Value::as_array).and_then(|any| any.first()).unwrap_or(schema);
    let named = any.get("$ref").and_then(Value::as_str).and_then(|name| name.strip_prefix('#'));
    named.and_then(|name| root.pointer(name)).unwrap_or(any)
}
