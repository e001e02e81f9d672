//! What a command of service discovery prints: Prometheus' http_sd JSON, or a server per line.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::words::{connection_string, is_label};
use super::{Place, TargetSpec, distinct};
use crate::conninfo::{Error, secrets};

/// Prometheus' form: addresses that have labels in common.
#[derive(Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The servers in what a command printed. Of JSON, each address under its label `name` (where that is one server's), else under
/// itself; of lines, a connection string, a URI or `host:port` each, with `#` before what is none.
///
/// # Errors
/// When it is neither, or lists none, or one twice.
pub(crate) fn of_discovery(text: &str, source: &str) -> Result<Vec<TargetSpec>, Error> {
    let specs = if text.trim_start().starts_with('[') { groups(text, source)? } else { lines(text) };
    distinct(specs, source)
}

fn groups(text: &str, source: &str) -> Result<Vec<TargetSpec>, Error> {
    let wrong = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        Error::new(format!("{source}: no http_sd JSON at line {line}, column {column}"))
            .hinted("[{\"targets\": [\"db1:5432\"], \"labels\": {\"team\": \"billing\"}}]")
    };
    let groups: Vec<Group> = serde_json::from_str(text).map_err(wrong)?;
    let mut specs = Vec::new();
    for Group { targets, labels } in groups {
        let is_one = targets.len() == 1;
        // Those with two underscores are the scraper's own.
        let of_its_own = |name: &String| is_label(name) && !name.starts_with("__");
        let named = labels.get("name").filter(|name| is_one && !name.is_empty());
        for target in targets {
            specs.push(TargetSpec {
                name: named.cloned().unwrap_or_else(|| secrets(&target)),
                labels: labels
                    .iter()
                    .filter(|(name, _)| of_its_own(name))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
                place: Place::Conninfo(connection_string(target)),
                ..TargetSpec::default()
            });
        }
    }
    Ok(specs)
}

fn lines(text: &str) -> Vec<TargetSpec> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let spec = |line: &str| TargetSpec {
        name: secrets(line),
        place: Place::Conninfo(connection_string(line.to_owned())),
        ..TargetSpec::default()
    };
    lines.map(spec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn places(text: &str) -> Vec<(String, String)> {
        let specs = of_discovery(text, "f").expect(text);
        let place = |place: Place| match place {
            Place::Conninfo(text) => text,
            Place::Service(_) => unreachable!("a service"),
        };
        specs.into_iter().map(|spec| (spec.name, place(spec.place))).collect()
    }

    #[test]
    fn lines_and_json_say_where_servers_are() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, place)| ((*name).to_owned(), (*place).to_owned())).collect()
        };
        assert_eq!(
            places("# all\ndb1\ndb2:5433\n[::1]:5\n::1\nhost=x port=1\npostgres://u:pw@h/d\n"),
            pairs(&[
                ("db1", "host=db1"),
                ("db2:5433", "host=db2 port=5433"),
                ("[::1]:5", "host=::1 port=5"),
                ("::1", "host=::1"),
                ("host=x port=1", "host=x port=1"),
                ("postgres://u:********@h/d", "postgres://u:pw@h/d"),
            ])
        );
        let json = r#"[{"targets":["a:1","b:2"],"labels":{"team":"x","__meta":"y"}},{"targets":["c:3"],"labels":{"name":"third"}}]"#;
        assert_eq!(
            places(json),
            pairs(&[("a:1", "host=a port=1"), ("b:2", "host=b port=2"), ("third", "host=c port=3")])
        );
        let labels = &of_discovery(json, "f").expect("right")[0].labels;
        assert_eq!(labels.keys().collect::<Vec<_>>(), ["team"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("", "f lists no server"),
            ("[]", "f lists no server"),
            ("[{\"targets\":1}]", "f: no http_sd JSON at line 1, column 13"),
            ("a\na\n", "f: two servers are called \"a\""),
        ] {
            assert_eq!(of_discovery(text, "f").expect_err(text).message, message);
        }
    }

    proptest! {
        #[test]
        fn fuzz_discovery(text in "\\PC*|[\\[\\]{}\":,a-c\n ]{0,40}") {
            let _ = of_discovery(&text, "f");
        }
    }
}
